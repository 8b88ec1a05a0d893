// A client whose types are generated from the OpenAPI document, run from posting a figure to reading the report.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./build/waymark.js";

const [url, token, plan] = process.argv.slice(2);
assert(url && token && plan, "main.mts URL TOKEN PLAN");
const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
const place = { plan, kpi: "NI-117", period: "FY2010-11-Q1" };

// A figure is posted, and what it changes comes back with it.
const posted = await client.PUT("/v1/plans/{plan}/kpis/{kpi}/readings/{period}", {
  params: { path: place },
  body: { numerator: 231, denominator: 5120, reason: "Posted by the TypeScript client." },
});
assert(posted.data, JSON.stringify(posted.error));
assert.equal(posted.data.value, 4.51171875);
const effect: components["schemas"]["Assessment"] | null = posted.data.effect.after;
assert.equal(effect?.reported_text, "4.5 %");

// It stands in the status report of its period.
const report = await client.GET("/v1/plans/{plan}/status-report", {
  params: { path: { plan }, query: { period: place.period } },
});
// The report can be had as CSV too, which would be text.
assert(typeof report.data === "object", JSON.stringify(report.error));
const assessments = report.data.outcome_areas.flatMap((area) => area.priorities).flatMap((priority) => priority.kpis);
const found = assessments.find((assessment) => assessment.kpi === place.kpi);
assert.equal(found?.value, 4.51171875);
assert.equal(found?.period.key, place.period);

// What is wrong comes back as a typed problem, everything at once.
const wrong = await client.PUT("/v1/plans/{plan}/kpis/{kpi}/readings/{period}", {
  params: { path: place },
  body: { numerator: 231, denominator: 0 },
});
assert.equal(wrong.response.status, 422);
const problem: components["schemas"]["Problem"] | undefined = wrong.error;
assert.deepEqual(problem?.errors.map((fault) => fault.pointer), ["/denominator"]);

// So does a change of what has changed since.
const stale = await client.PATCH("/v1/plans/{plan}/kpis/{kpi}", {
  params: { path: place, header: { "If-Match": '"1"' } },
  headers: { "Content-Type": "application/merge-patch+json" },
  body: { title: "Too late" },
});
assert.equal(stale.response.status, 412);
assert.equal(stale.error?.code, "precondition_failed");

// A list is read a page at a time.
const codes: string[] = [];
let cursor: string | null = null;
do {
  const page: { data?: components["schemas"]["KpiPage"]; error?: unknown } = await client.GET("/v1/plans/{plan}/kpis", {
    params: { path: { plan }, query: { limit: 7, ...(cursor === null ? {} : { cursor }) } },
  });
  assert(page.data, JSON.stringify(page.error));
  codes.push(...page.data.items.map((kpi) => kpi.code));
  cursor = page.data.next;
} while (cursor !== null);
assert(codes.length > 7 && new Set(codes).size === codes.length, `${codes}`);

// A picture is text.
const badge = await client.GET("/v1/plans/{plan}/kpis/{kpi}/badge.svg", { params: { path: place }, parseAs: "text" });
assert(badge.data?.includes("4.5 %"), badge.data);

console.log(`TypeScript: a figure posted and reported, a 422 and a 412 understood, ${codes.length} KPIs in pages.`);
