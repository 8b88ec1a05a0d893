//! Who may do what (docs/rules.md section 12), for every operation that the document tells of.

use actix_web::http::Method;
use serde_json::{Value, json};
use waymark::http::settings::Settings;

use crate::on_both;
use crate::support::plan::{kpi, round, small};
use crate::support::{Actor, Answer, Operation, World, operations, people};

use Actor::{Administrator, Board, Contributor, Lead, Manager, Nobody, Partner, Public, Stranger};

on_both! {
    without_a_token_nothing_is_answered_whatever_is_sent
    a_token_that_is_not_good_is_refused_as_rfc_6750_says
    every_operation_lets_in_whom_it_should_and_no_one_else
    a_stranger_cannot_tell_a_private_plan_from_none
    a_partner_finds_nothing_of_another_partnership
    a_public_plan_shows_a_stranger_what_is_public_and_lets_nothing_be_changed
    a_lead_reports_for_their_own_outcome_areas
    a_contributor_reports_what_their_organisation_leads_or_contributes_to
    a_contributor_may_be_given_single_kpis
    rows_of_an_import_are_held_to_the_same_scope
    a_partner_sees_what_is_published_and_all_of_their_own
    a_revoked_grant_ends_at_once
    a_role_in_one_plan_is_none_in_another
    a_grant_must_have_the_scope_of_its_role
    nobody_revokes_their_own_administration
}

const EVERYONE: &[Actor] = &Actor::KNOWN;
const IN_THE_PLAN: &[Actor] = &[Administrator, Manager, Lead, Contributor, Board, Partner, Public];
const MEMBERS: &[Actor] = &[Administrator, Manager, Lead, Contributor, Board];
const SUBSCRIBERS: &[Actor] = &[Administrator, Manager, Lead, Contributor, Board, Partner];
const REPORTERS: &[Actor] = &[Administrator, Manager, Lead, Contributor];
const LEADS: &[Actor] = &[Administrator, Manager, Lead];
const FREEZERS: &[Actor] = &[Administrator, Manager, Board];
const MANAGERS: &[Actor] = &[Administrator, Manager];
const ADMINISTRATORS: &[Actor] = &[Administrator];

/// An operation as one actor tries it.
struct Attempt {
    may: &'static [Actor],
    /// The status for those who may.
    success: u16,
    path: String,
    body: Value,
}

const FILE: &str = "kpi,period,value\nNI-117,FY2009-10-Q1,4.5\n";
const TARGETS_FILE: &str = "kpi,period,value\nNI-117,FY2009-10-Q3,4.5\n";

/// A dimension with a group of its own.
fn dimension(code: &str) -> Value {
    json!({"code": code, "title": code, "groups": [{"code": format!("{code}-1"), "title": "The first"}]})
}

/// The code of the thing that an operation is about where it is not about to go.
fn standing(operation: &Operation) -> &'static str {
    match operation.subject() {
        "organisations" => "council",
        "sub-groups" => "health-group",
        "outcome-areas" => "health",
        "priorities" => "health-1",
        "comparator-groups" => "england",
        "dimensions" => "pupils",
        _ => "rag",
    }
}

/// How an operation is tried, and who may. An operation that is not here fails the test: say who may use it.
#[expect(clippy::too_many_lines, reason = "it is a table, of one row an operation")]
fn attempt(operation: &Operation, id: &str, actor: Actor) -> Attempt {
    let who = actor.name();
    let made = |role: &str| format!("{role}-{who}");
    let (may, success, body, code) = match operation.id {
        "livez"
        | "readyz"
        | "version"
        | "getMetrics"
        | "getOpenapi"
        | "getOpenapi30"
        | "listProblems"
        | "findProblem"
        | "listPlans"
        | "getMe"
        | "getMyReturns"
        | "getTableSchema"
        | "listTokens"
        | "findToken"
        | "openLink"
        | "getJwks"
        | "getProtectedResource"
        | "getAuthorizationServer"
        | "getSecurityTxt" => (EVERYONE, 200, Value::Null, String::new()),
        "createToken" => (EVERYONE, 201, json!({"name": who}), String::new()),
        "revokeToken" => (EVERYONE, 204, Value::Null, String::new()),
        // A client that there is not, whoever sends it.
        "getAccessToken" => {
            let form = "grant_type=client_credentials&client_id=nobody&client_secret=nothing";
            (EVERYONE, 401, json!(form), String::new())
        }
        "createLink" => (IN_THE_PLAN, 201, json!({"name": who, "table": "readings"}), String::new()),
        "listLinks" | "findLink" => (IN_THE_PLAN, 200, Value::Null, String::new()),
        "revokeLink" => (IN_THE_PLAN, 204, Value::Null, String::new()),
        "createClient" => (ADMINISTRATORS, 201, json!({"title": who}), String::new()),
        "addClientSecret" => (ADMINISTRATORS, 201, Value::Null, String::new()),
        "createPlan" => {
            let plan = json!({"code": made("plan"), "title": "A", "starts_on": "2009-04-01", "ends_on": "2010-03-31"});
            (ADMINISTRATORS, 201, plan, String::new())
        }
        "updatePlan" | "updateKpi" => (MANAGERS, 200, json!({"title": who}), String::new()),
        // The small plan is not empty: who may delete it learns that it cannot be.
        "deletePlan" => (ADMINISTRATORS, 409, Value::Null, String::new()),
        "createOrganisation" | "createOutcomeArea" => {
            (MANAGERS, 201, json!({"code": made("new"), "title": who}), String::new())
        }
        "createSubGroup" => {
            let group =
                json!({"code": made("new"), "title": who, "lead_organisation": "pct", "outcome_areas": ["health"]});
            (MANAGERS, 201, group, String::new())
        }
        "createPriority" => {
            (MANAGERS, 201, json!({"code": made("new"), "title": who, "outcome_area": "health"}), String::new())
        }
        "createComparatorGroup" => (MANAGERS, 201, comparator_group(&made("new")), String::new()),
        "putBenchmark" => (MANAGERS, 200, benchmark(), String::new()),
        // Who may make the next plan learns that its code is taken.
        "createSuccessor" => {
            let plan = json!({"code": "small", "title": "A", "starts_on": "2011-04-01", "ends_on": "2012-03-31"});
            (ADMINISTRATORS, 409, plan, String::new())
        }
        "tryPolicy" => (MEMBERS, 200, json!({"title": who}), standing(operation).to_owned()),
        "createDimension" => (MANAGERS, 201, dimension(&made("new")), String::new()),
        "createPolicy" => (MANAGERS, 201, policy(&made("new")), String::new()),
        "createKpi" => (MANAGERS, 201, kpi(&made("NEW"), json!({})), String::new()),
        "updateOrganisation"
        | "updateOutcomeArea"
        | "updateSubGroup"
        | "updatePriority"
        | "updateDimension"
        | "updatePolicy"
        | "updateComparatorGroup" => (MANAGERS, 200, json!({"title": who}), standing(operation).to_owned()),
        "removeOrganisation"
        | "removeOutcomeArea"
        | "removeSubGroup"
        | "removePriority"
        | "removeDimension"
        | "removePolicy"
        | "removeComparatorGroup" => (MANAGERS, 204, Value::Null, made("going")),
        "archiveKpi" | "removeTarget" | "removeBenchmark" | "removeRound" => {
            (MANAGERS, 204, Value::Null, String::new())
        }
        "putTarget" => (MANAGERS, 200, json!({"value": 4, "rationale": who, "reason": who}), String::new()),
        "importTargets" => (MANAGERS, 200, json!(TARGETS_FILE), String::new()),
        "importReadings" => (REPORTERS, 200, json!(FILE), String::new()),
        "putReading" => (REPORTERS, 200, json!({"value": 4.5}), String::new()),
        "createRound" => {
            let period = if actor == Manager { "FY2010-11-Q1" } else { "FY2010-11-Q2" };
            let round = json!({"period": period, "opens": "2010-12-01", "due": "2010-12-02", "closes": "2010-12-03"});
            (MANAGERS, 201, round, String::new())
        }
        "updateRound" => (MANAGERS, 200, json!({"due": "2009-08-10"}), String::new()),
        "putReturn" => (REPORTERS, 200, json!({"figures": []}), String::new()),
        // A figure is missing, so that whoever may submit it learns that it cannot be yet.
        "submitReturn" | "signOffReturn" => (LEADS, 422, Value::Null, String::new()),
        "sendBackReturn" => (LEADS, 409, json!({"note": who}), String::new()),
        "reopenReturn" => (MANAGERS, 409, json!({"reason": who}), String::new()),
        "createGrant" => (ADMINISTRATORS, 201, json!({"subject": made("temp"), "role": "board"}), String::new()),
        "listGrants" | "findGrant" | "listClients" | "findClient" => (ADMINISTRATORS, 200, Value::Null, String::new()),
        "revokeGrant" | "revokeClient" | "removeClientSecret" => (ADMINISTRATORS, 204, Value::Null, String::new()),
        "createAction" => (REPORTERS, 201, super::actions::action("NI-117", json!({})), String::new()),
        "updateAction" => (REPORTERS, 200, json!({"what": who}), String::new()),
        "addActionNote" => (MEMBERS, 201, json!({"text": who}), String::new()),
        "createWebhook" => (SUBSCRIBERS, 201, json!({"url": format!("https://{who}.example/hook")}), String::new()),
        "listWebhooks" | "findWebhook" | "listWebhookDeliveries" | "rotateWebhook" => {
            (SUBSCRIBERS, 200, Value::Null, String::new())
        }
        "updateWebhook" => (SUBSCRIBERS, 200, json!({"description": who}), String::new()),
        "removeWebhook" => (SUBSCRIBERS, 204, Value::Null, String::new()),
        "testWebhook" => (SUBSCRIBERS, 202, Value::Null, String::new()),
        "freezeBoardReport" => (FREEZERS, 201, json!({"title": who}), String::new()),
        "getBoardReport"
        | "getBoardReportChanges"
        | "getReadingsTemplate"
        | "listJournal"
        | "getRoundReturns"
        | "findReturn"
        | "getOutstanding"
        | "findAction" => (MEMBERS, 200, Value::Null, String::new()),
        "findPlan"
        | "listKpis"
        | "findKpi"
        | "listOrganisations"
        | "findOrganisation"
        | "listOutcomeAreas"
        | "findOutcomeArea"
        | "listSubGroups"
        | "findSubGroup"
        | "listPriorities"
        | "listDimensions"
        | "findDimension"
        | "findPriority"
        | "listPolicies"
        | "findPolicy"
        | "listComparatorGroups"
        | "findComparatorGroup"
        | "listBenchmarks"
        | "findBenchmark"
        | "listKpiVersions"
        | "listTargetRevisions"
        | "listKpiTargets"
        | "findTarget"
        | "listTargets"
        | "listKpiReadings"
        | "findReading"
        | "listReadingRevisions"
        | "listReadings"
        | "listRounds"
        | "findRound"
        | "listActions"
        | "listBoardReports"
        | "getExceptions"
        | "listChanges"
        | "getKpiStatus"
        | "getKpiSeries"
        | "getDataPackage"
        | "getCsvwMetadata"
        | "getKpiBadge"
        | "getKpiSparkline"
        | "getStatusReport" => (IN_THE_PLAN, 200, Value::Null, standing(operation).to_owned()),
        new => panic!("nobody said who may use {new}"),
    };
    let going = matches!(operation.id, "removeTarget" | "removeRound" | "removeBenchmark");
    let (id, other) = id.split_once("?since=").unwrap_or((id, id));
    let since = if operation.takes("since") { format!("?since={other}") } else { String::new() };
    let path = operation
        .path_of(if operation.id == "findProblem" { "invalid" } else { &code })
        .replace("{plan}", "small")
        .replace("{kpi}", if operation.id == "archiveKpi" { "LI-GOING" } else { "NI-117" })
        .replace("{period}", if going { "FY2009-10-Q4" } else { "FY2009-10-Q1" })
        .replace("{sub_group}", "health-group")
        .replace("{grant}", id)
        .replace("{token}", id)
        .replace("{link}", id)
        .replace("{secret}", id)
        .replace("{client_id}", id)
        .replace("{client_secret}", other)
        .replace("{action}", id)
        .replace("{report}", id)
        .replace("{webhook}", id)
        .replace("{table}", "readings");
    let sub_group = if operation.id == "getReadingsTemplate" { "?sub_group=health-group" } else { "" };
    Attempt { may, success, path: path + &since + sub_group, body }
}

fn comparator_group(code: &str) -> Value {
    json!({"code": code, "title": "A", "editions": [{"from": "2007-04-01", "authorities": ["england"]}]})
}

fn benchmark() -> Value {
    json!({"figures": [{"authority": "england", "title": "England", "value": 6.7}]})
}

/// A policy that grades as `rag` does.
fn policy(code: &str) -> Value {
    json!({"code": code, "title": "Red and green", "tolerance": {"kind": "percent", "value": 10}, "bands": [
        {"code": "green", "label": "Green", "status": "on_track", "from": 0, "when": null},
        {"code": "red", "label": "Red", "status": "off_track", "from": null, "when": null}
    ]})
}

async fn sent(world: &World, operation: &Operation, actor: Actor, attempt: &Attempt) -> Answer {
    let ask = world.ask(operation.method(), actor, &attempt.path);
    let ask = match (operation.body_type(), &attempt.body) {
        // What is sent as words is a table, where JSON could be sent as well.
        (Some("application/json"), Value::String(file)) => ask.body("text/csv", file.clone()),
        (Some(kind), Value::String(file)) => ask.body(kind, file.clone()),
        (Some(kind), body) => ask.body(kind, body.to_string()),
        (None, _) => ask,
    };
    if operation.takes("If-Match") { ask.header("if-match", "*").await } else { ask.await }
}

/// Has what an operation needs in place: something to remove for this actor, a target, a figure,
/// a grant, an action or a board report (whose id it gives).
async fn prepared(world: &World, operation: &Operation, actor: Actor) -> String {
    let code = format!("going-{}", actor.name());
    let made = match operation.id {
        "removeOrganisation" => Some(("organisations", json!({"code": code, "title": "Going"}))),
        "removeOutcomeArea" => Some(("outcome-areas", json!({"code": code, "title": "Going"}))),
        "removePriority" => Some(("priorities", json!({"code": code, "title": "Going", "outcome_area": "health"}))),
        "removeDimension" => Some(("dimensions", dimension(&code))),
        "removePolicy" => Some(("policies", policy(&code))),
        "removeComparatorGroup" => Some(("comparator-groups", comparator_group(&code))),
        "removeSubGroup" => {
            let group =
                json!({"code": code, "title": "Going", "lead_organisation": "pct", "outcome_areas": ["health"]});
            Some(("sub-groups", group))
        }
        _ => None,
    };
    if let Some((collection, body)) = made {
        world.post(Administrator, collection, body).await.is(201);
    }
    if operation.id == "removeTarget" {
        let path = "kpis/NI-117/targets/FY2009-10-Q4";
        if world.get(Administrator, path).await.status == 404 {
            world.put(Administrator, path, json!({"value": 4})).await.is(201);
        }
    }
    if operation.id == "removeRound" && world.get(Administrator, "rounds/FY2009-10-Q4").await.status == 404 {
        round(world, "FY2009-10-Q4", "2010-04-01", "2010-04-30").await;
    }
    if operation.id == "removeBenchmark" {
        let path = "benchmarks/NI-117/FY2009-10-Q4";
        if world.get(Administrator, path).await.status == 404 {
            world.put(Administrator, path, benchmark()).await.is(201);
        }
    }
    if operation.path.contains("{grant}") {
        let grant = json!({"subject": "someone", "role": "board"});
        return world.post(Administrator, "grants", grant).await.is(201).json()["id"].as_str().unwrap().to_owned();
    }
    if let Some(id) = super::entering::prepared(world, operation, actor).await {
        return id;
    }
    if operation.path.contains("{action}") {
        let action = super::actions::action("NI-117", json!({}));
        return world.post(Administrator, "actions", action).await.is(201).json()["id"].as_str().unwrap().to_owned();
    }
    if operation.path.contains("{webhook}") {
        // Everyone's own: that of others is not there for them.
        let owner = if SUBSCRIBERS.contains(&actor) { actor } else { Administrator };
        let webhook = json!({"url": "https://partner.example/hook"});
        return world.post(owner, "webhooks", webhook).await.is(201).json()["id"].as_str().unwrap().to_owned();
    }
    if operation.path.contains("{report}") {
        let since = super::board_reports::frozen(world, json!({})).await;
        return format!("{}?since={since}", super::board_reports::frozen(world, json!({})).await);
    }
    String::new()
}

/// The small plan with a target and a figure of the public KPI, and one to archive.
async fn furnished(world: &World) {
    small(world).await;
    world.put(Administrator, "kpis/NI-117/targets/FY2009-10-Q1", json!({"value": 5})).await.is(201);
    world.put(Administrator, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(201);
    round(world, "FY2009-10-Q1", "2009-07-01", "2009-07-31").await;
    world.post(Administrator, "comparator-groups", comparator_group("england")).await.is(201);
    world.put(Administrator, "benchmarks/NI-117/FY2009-10-Q1", benchmark()).await.is(201);
    world.post(Administrator, "kpis", kpi("LI-GOING", json!({"publication": "public"}))).await.is(201);
}

fn behind_a_token() -> impl Iterator<Item = Operation> {
    operations().filter(|operation| operation.path.starts_with("/v1") && operation.id != "openLink")
}

/// It says where to learn how to get a token (RFC 9728).
const CHALLENGE: &str =
    "Bearer realm=\"waymark\", resource_metadata=\"https://waymark.example/.well-known/oauth-protected-resource\"";

async fn without_a_token_nothing_is_answered_whatever_is_sent(world: &World) {
    furnished(world).await;
    for operation in behind_a_token() {
        let path = attempt(&operation, "no-grant", Nobody).path;
        for query in ["", "?nonsense=1"] {
            let ask = world.ask(operation.method(), Nobody, &format!("{path}{query}"));
            let answer = ask.body("application/json", "{\"malformed\": ").await.refused(401, "missing_token");
            assert_eq!(answer.header("www-authenticate"), Some(CHALLENGE), "{answer}");
        }
    }
    for path in ["/v1", "/v1/", "/v1/nothing", "/v1/plans/small/status-report.csv", "/v1/plans/nowhere"] {
        world.get(Nobody, path).await.refused(401, "missing_token");
    }
    let metadata = world.get(Nobody, "/.well-known/oauth-protected-resource").await.is(200).json();
    assert_eq!(metadata["resource"], "https://waymark.example");
    // Where nothing is settled, the address is the one that was asked, if it can be quoted.
    let asked = world.settled(Settings::default()).await;
    for (host, told) in [("kpi.example:8080", true), ("a\"b", false)] {
        let answer = asked.get(Nobody, "/v1/me").header("host", host).await.refused(401, "missing_token");
        let metadata = format!(", resource_metadata=\"http://{host}/.well-known/oauth-protected-resource\"");
        let wanted = format!("Bearer realm=\"waymark\"{}", if told { metadata } else { String::new() });
        assert_eq!(answer.header("www-authenticate"), Some(wanted.as_str()));
    }
    for operation in operations().filter(|known| !known.path.starts_with("/v1") && known.method == "get") {
        world.get(Nobody, &attempt(&operation, "", Nobody).path).await.is(200);
    }
}

async fn a_token_that_is_not_good_is_refused_as_rfc_6750_says(world: &World) {
    let good = Board.token().unwrap();
    let expired = people::expired(Board);
    let forged = format!("{}x", good.strip_suffix(|_: char| true).unwrap());
    for token in ["nonsense", expired.as_str(), forged.as_str(), ""] {
        let answer = world.get(Nobody, "/v1/me").header("authorization", &format!("Bearer {token}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_token"), "{answer}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer ") && challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    world
        .get(Nobody, "/v1/me")
        .header("authorization", "Basic YTpi")
        .await
        .refused(401, "missing_token")
        .tells("scheme");
    // Two tokens: which of them speaks is not guessed at.
    world
        .get(Board, "/v1/me")
        .header("authorization", &format!("Bearer {good}"))
        .await
        .refused(401, "missing_token")
        .tells("more than one");
    world.get(Nobody, "/v1/me").header("authorization", &format!("bEaReR {good}")).await.is(200);
}

async fn every_operation_lets_in_whom_it_should_and_no_one_else(world: &World) {
    furnished(world).await;
    for operation in operations() {
        // Whoever may goes last, so that what is there to remove is there for everyone.
        for actor in Actor::KNOWN.into_iter().rev() {
            let id = prepared(world, &operation, actor).await;
            let tried = attempt(&operation, &id, actor);
            let before = world.version().await;
            let answer = sent(world, &operation, actor, &tried).await;
            let wanted = match (tried.may.contains(&actor), actor) {
                (true, _) => (tried.success, None),
                (false, Stranger) if operation.is_of_a_plan() => (404, Some("not_found")),
                // What is done about a KPI is not there for those outside whose organisation has no part in it.
                // Nor is a report of the whole plan.
                (false, Partner | Public) if operation.path.contains("{report}") => (404, Some("not_found")),
                (false, Partner | Public) if operation.path.contains("{action}") => (404, Some("not_found")),
                (false, _) => (403, Some("not_allowed")),
            };
            assert_eq!(answer.status, wanted.0, "{} by {actor:?}: {answer}", operation.id);
            if let Some(code) = wanted.1 {
                assert_eq!(answer.code(), code, "{} by {actor:?}: {answer}", operation.id);
                assert_eq!(world.version().await, before, "{} by {actor:?} changed something", operation.id);
            }
        }
    }
}

async fn a_stranger_cannot_tell_a_private_plan_from_none(world: &World) {
    furnished(world).await;
    for operation in behind_a_token().filter(Operation::is_of_a_plan) {
        let there = attempt(&operation, "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11", Stranger);
        let nowhere = Attempt { path: there.path.replace("/small", "/nowhere"), body: there.body.clone(), ..there };
        let seen = told(sent(world, &operation, Stranger, &there).await);
        assert_eq!(seen.0, 404, "{}", operation.id);
        assert_eq!(seen, told(sent(world, &operation, Stranger, &nowhere).await), "{}", operation.id);
    }
    assert_eq!(world.get(Stranger, "/v1/plans").await.is(200).json()["items"], json!([]));
}

/// All that an answer tells but which request it answers.
fn told(answer: Answer) -> (u16, Value, Vec<(String, String)>) {
    let mut problem = if answer.body.is_empty() { Value::Null } else { answer.json() };
    problem["instance"] = Value::Null;
    let headers = answer.headers.iter().filter(|(name, _)| *name != "x-request-id");
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    (answer.status, problem, headers)
}

/// Sam is a partner in a plan of their own, and tries every operation there is on the other plan's things.
async fn a_partner_finds_nothing_of_another_partnership(world: &World) {
    furnished(world).await;
    let plan = json!({"code": "other", "title": "Other", "starts_on": "2009-04-01", "ends_on": "2010-03-31"});
    world.post(Administrator, "/v1/plans", plan).await.is(201);
    let council = json!({"code": "council", "title": "Council"});
    world.post(Administrator, "/v1/plans/other/organisations", council).await.is(201);
    let grant = json!({"subject": Stranger.name(), "role": "partner", "organisation": "council"});
    world.post(Administrator, "/v1/plans/other/grants", grant).await.is(201);
    world.get(Stranger, "/v1/plans/other/kpis").await.is(200);
    let nothing = "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11";
    let nothing = format!("{nothing}?since={nothing}");
    for operation in behind_a_token().filter(Operation::is_of_a_plan) {
        let real = attempt(&operation, &prepared(world, &operation, Administrator).await, Stranger);
        let absent = attempt(&operation, &nothing, Stranger);
        let asked = |attempt: &Attempt, plan: &str| {
            let path = attempt.path.replace("/v1/plans/small", &format!("/v1/plans/{plan}"));
            Attempt { path, body: attempt.body.clone(), ..*attempt }
        };
        // Under the plan that it is in, it is as absent as in a plan that there is not.
        let theirs = told(sent(world, &operation, Stranger, &real).await);
        assert_eq!(theirs.0, 404, "{}", operation.id);
        assert_eq!(
            theirs,
            told(sent(world, &operation, Stranger, &asked(&absent, "nowhere")).await),
            "{}",
            operation.id
        );
        // Under Sam's own plan, the other plan's id is an id like any that there is not.
        if real.path != absent.path {
            let own = told(sent(world, &operation, Stranger, &asked(&real, "other")).await);
            let none = told(sent(world, &operation, Stranger, &asked(&absent, "other")).await);
            assert_eq!(own, none, "{}", operation.id);
            assert!([403, 404].contains(&own.0), "{}: {own:?}", operation.id);
        }
    }
    // Outside plans a thing is its maker's: to others it is as absent as one that there is not.
    for operation in behind_a_token().filter(|known| !known.is_of_a_plan() && known.path.contains('{')) {
        if operation.path.contains("{table}") {
            continue;
        }
        let real = attempt(&operation, &prepared(world, &operation, Administrator).await, Stranger);
        let absent = attempt(&operation, nothing.split('?').next().unwrap(), Stranger);
        assert_ne!(real.path, absent.path, "{}", operation.id);
        let theirs = told(sent(world, &operation, Stranger, &real).await);
        assert_eq!(theirs.0, 404, "{}", operation.id);
        assert_eq!(theirs, told(sent(world, &operation, Stranger, &absent).await), "{}", operation.id);
        assert_ne!(sent(world, &operation, Administrator, &real).await.status, 404, "{}: its maker", operation.id);
    }
}

async fn a_public_plan_shows_a_stranger_what_is_public_and_lets_nothing_be_changed(world: &World) {
    furnished(world).await;
    world.patch(Manager, "", "*", json!({"visibility": "public"})).await.is(200);
    let plan = world.get(Stranger, "").await.is(200);
    assert_eq!(plan.json()["visibility"], "public");
    let report = world.get(Stranger, "status-report").await.is(200);
    assert_eq!(report.header("cache-control"), Some("private, no-cache"), "kept for whoever signed in");
    world.get(Stranger, "status-report").header("if-none-match", &report.tag()).await.is(304);
    let kpis = world.get(Stranger, "kpis").await.is(200).json();
    let codes: Vec<_> = kpis["items"].as_array().unwrap().iter().map(|kpi| &kpi["code"]).collect();
    assert_eq!(codes, ["LI-GOING", "NI-117"], "only what is published to everyone");
    world.get(Stranger, "kpis/LI-CALLS").await.refused(404, "not_found");
    world.put(Stranger, "kpis/NI-117/readings/FY2009-10-Q2", json!({"value": 1})).await.refused(403, "not_allowed");
    world.get(Stranger, "journal").await.refused(403, "not_allowed");
    // Nobody need say who they are to read it: they get what a stranger gets, and caches between may keep it.
    let open = world.get(Nobody, "status-report").await.is(200);
    assert_eq!(open.header("cache-control"), Some("public, no-cache"));
    assert!(open.headers.get_all("vary").any(|vary| vary == "Authorization"), "{open}");
    assert_eq!((open.body.clone(), open.tag()), (report.body.clone(), report.tag()));
    for path in [
        "",
        "kpis",
        "kpis/NI-117",
        "kpis/NI-117/status",
        "kpis/LI-CALLS",
        "journal",
        "grants",
        "readings.csv",
        "outstanding",
    ] {
        let (theirs, anyone) = (world.get(Stranger, path).await, world.get(Nobody, path).await);
        assert_eq!(theirs.status, anyone.status, "{path}: {anyone}");
        if theirs.status == 200 {
            assert_eq!(theirs.body, anyone.body, "{path}");
        }
    }
    world.put(Nobody, "kpis/NI-117/readings/FY2009-10-Q2", json!({"value": 1})).await.refused(401, "missing_token");
    world.get(Nobody, "/v1/plans").await.refused(401, "missing_token");
    world.get(Nobody, "").header("authorization", "Bearer nonsense").await.refused(401, "invalid_token");
    let page = world.get(Nobody, "/plans/small/public").await.is(200);
    assert_eq!(page.header("cache-control"), Some("public, no-cache"));
    assert!(!page.text().contains("LI-CALLS"), "{page}");
    let same = world.get(Nobody, "/plans/small/public").header("if-none-match", &page.tag()).await.is(304);
    assert_eq!(same.header("cache-control"), Some("public, no-cache"));
    world.get(Nobody, "/plans/small/public/status-report.csv").await.is(200);
    world.get(Nobody, "/plans/small/public?status=off_track").await.is(400);
    world.patch(Manager, "", "*", json!({"visibility": "private"})).await.is(200);
    world.get(Stranger, "").await.refused(404, "not_found");
    world.get(Nobody, "").await.refused(401, "missing_token");
    world.get(Nobody, "/plans/small/public").await.is(404);
}

async fn a_lead_reports_for_their_own_outcome_areas(world: &World) {
    small(world).await;
    for (path, status) in [
        ("kpis/NI-117/readings/FY2009-10-Q1", 201),
        ("kpis/NI-50/readings/FY2009-10", 201),
        ("kpis/LI-ASTHMA/readings/FY2009-10-Q1", 201),
        ("kpis/LI-CALLS/readings/2009-06", 403),
        ("kpis/NI-87/readings/AY2008-09-T3", 403),
        ("kpis/LI-INJURIES/readings/FY2009-10-Q1", 403),
        ("kpis/NI-999/readings/FY2009-10-Q1", 404),
    ] {
        world.put(Lead, path, json!({"value": 7})).await.is(status);
    }
    // Moved to the other area, the KPI is not theirs any more.
    world.patch(Manager, "priorities/health-2", "*", json!({"outcome_area": "safety"})).await.is(200);
    world.put(Lead, "kpis/NI-50/readings/FY2008-09", json!({"value": 7})).await.refused(403, "not_allowed");
}

async fn a_contributor_reports_what_their_organisation_leads_or_contributes_to(world: &World) {
    small(world).await;
    let grant = json!({"subject": Stranger.name(), "role": "contributor", "organisation": "council"});
    world.post(Administrator, "grants", grant).await.is(201);
    for (actor, path, status) in [
        (Contributor, "kpis/NI-117/readings/FY2009-10-Q1", 201),
        (Contributor, "kpis/LI-CALLS/readings/2009-06", 403),
        (Contributor, "kpis/NI-50/readings/FY2009-10", 403),
        (Stranger, "kpis/NI-117/readings/FY2009-10-Q2", 201),
        (Stranger, "kpis/LI-CALLS/readings/2009-06", 201),
        (Stranger, "kpis/NI-50/readings/FY2009-10", 403),
    ] {
        let answer = world.put(actor, path, json!({"value": 7})).await;
        assert_eq!(answer.status, status, "{actor:?}: {answer}");
    }
    // They read the whole plan all the same.
    world.get(Contributor, "kpis/NI-50").await.is(200);
}

async fn a_contributor_may_be_given_single_kpis(world: &World) {
    small(world).await;
    let grant = json!({"subject": Stranger.name(), "role": "contributor", "kpis": ["NI-87"]});
    world.post(Administrator, "grants", grant).await.is(201);
    world.put(Stranger, "kpis/NI-87/readings/AY2008-09-T3", json!({"value": 7})).await.is(201);
    world.put(Stranger, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 7})).await.refused(403, "not_allowed");
}

async fn rows_of_an_import_are_held_to_the_same_scope(world: &World) {
    small(world).await;
    let file = "kpi,period,value\nNI-117,2009/10 Q1,4.5\nLI-CALLS,Jun 2009,12\nNI-50,2009/10,7\n";
    for (actor, refused) in [
        (Lead, vec![(3, "kpi".to_owned(), "not_allowed".to_owned())]),
        (
            Contributor,
            vec![(3, "kpi".to_owned(), "not_allowed".to_owned()), (4, "kpi".to_owned(), "not_allowed".to_owned())],
        ),
    ] {
        let before = world.version().await;
        let answer = world.import(actor, "readings", file).await.refused(422, "invalid");
        assert_eq!(answer.cells(), refused, "{actor:?}");
        assert_eq!(world.version().await, before);
    }
    for actor in [Board, Partner, Public] {
        world.import(actor, "readings", file).await.refused(403, "not_allowed");
        world.import(actor, "readings?dry_run=true", file).await.refused(403, "not_allowed");
    }
    for actor in [Lead, Contributor, Board] {
        world.import(actor, "targets", TARGETS_FILE).await.refused(403, "not_allowed");
    }
    world.import(Manager, "readings", file).await.is(200);
}

async fn a_partner_sees_what_is_published_and_all_of_their_own(world: &World) {
    small(world).await;
    for (actor, seen) in [
        (Board, vec!["LI-ASTHMA", "LI-CALLS", "LI-INJURIES", "NI-112", "NI-117", "NI-50", "NI-87"]),
        (Partner, vec!["LI-ASTHMA", "LI-CALLS", "LI-INJURIES", "NI-117", "NI-50"]),
        (Public, vec!["NI-117"]),
    ] {
        let kpis = world.get(actor, "kpis").await.is(200).json();
        let codes: Vec<_> = kpis["items"].as_array().unwrap().iter().map(|kpi| kpi["code"].as_str().unwrap()).collect();
        assert_eq!(codes, seen, "{actor:?}");
        let report = world.get(actor, "status-report.csv?period=FY2009-10-Q4").await.is(200).rows();
        let mut reported: Vec<_> = report.iter().map(|row| row["kpi"].as_str()).collect();
        reported.sort_unstable();
        assert_eq!(reported, seen, "{actor:?}");
        for code in ["NI-87", "NI-50", "LI-CALLS"] {
            let status = if seen.contains(&code) { 200 } else { 404 };
            world.get(actor, &format!("kpis/{code}")).await.is(status);
            world.get(actor, &format!("kpis/{code}/status")).await.is(status);
            world.get(actor, &format!("kpis/{code}/series")).await.is(status);
            world.get(actor, &format!("kpis/{code}/readings")).await.is(status);
            world.get(actor, &format!("kpis/{code}/targets")).await.is(status);
        }
    }
}

async fn a_revoked_grant_ends_at_once(world: &World) {
    small(world).await;
    let given = json!({"subject": Stranger.name(), "role": "board"});
    let answer = world.post(Administrator, "grants", given).await.is(201);
    let address = answer.header("location").unwrap();
    world.get(Stranger, "status-report").await.is(200);
    assert_eq!(world.get(Stranger, "/v1/me").await.is(200).json()["grants"][0]["role"], "board");
    let tag = world.get(Administrator, address).await.is(200).tag();
    world.delete(Administrator, address, &tag).await.is(204);
    world.get(Stranger, "status-report").await.refused(404, "not_found");
    world.get(Administrator, address).await.refused(404, "not_found");
    world.delete(Administrator, address, &tag).await.refused(404, "not_found");
    assert_eq!(world.get(Stranger, "/v1/me").await.is(200).json()["grants"], json!([]));
}

async fn a_role_in_one_plan_is_none_in_another(world: &World) {
    small(world).await;
    let other = json!({"code": "other", "title": "Other", "starts_on": "2009-04-01", "ends_on": "2011-03-31"});
    world.post(Administrator, "/v1/plans", other).await.is(201);
    for actor in [Manager, Lead, Contributor, Board, Partner, Public] {
        world.get(actor, "/v1/plans/other").await.refused(404, "not_found");
        let plans = world.get(actor, "/v1/plans").await.is(200).json();
        assert_eq!(plans["items"].as_array().unwrap().len(), 1, "{actor:?}");
    }
    let plans = world.get(Administrator, "/v1/plans").await.is(200).json();
    assert_eq!(plans["items"].as_array().unwrap().len(), 2);
    // An administrator of one plan gives grants in it and makes no plans.
    let grant = json!({"subject": Stranger.name(), "role": "administrator"});
    world.post(Administrator, "grants", grant).await.is(201);
    world.post(Stranger, "grants", json!({"subject": "new", "role": "board"})).await.is(201);
    let plan = json!({"code": "third", "title": "Third", "starts_on": "2009-04-01", "ends_on": "2011-03-31"});
    world.post(Stranger, "/v1/plans", plan).await.refused(403, "not_allowed");
    world.get(Stranger, "/v1/plans/other").await.refused(404, "not_found");
}

async fn a_grant_must_have_the_scope_of_its_role(world: &World) {
    small(world).await;
    for (grant, faults) in [
        (json!({"subject": "x", "role": "sub_group_lead"}), vec![("/outcome_areas", "missing")]),
        (json!({"subject": "x", "role": "contributor"}), vec![("/organisation", "missing")]),
        (json!({"subject": "x", "role": "partner"}), vec![("/organisation", "missing")]),
        (
            json!({"subject": "x", "role": "board", "organisation": "pct"}),
            vec![("/organisation", "scope_does_not_fit")],
        ),
        (
            json!({"subject": "", "role": "sub_group_lead", "outcome_areas": ["helth", "health"], "kpis": ["NI-117"]}),
            vec![("/subject", "not_a_subject"), ("/outcome_areas/0", "unknown_code"), ("/kpis", "scope_does_not_fit")],
        ),
        (json!({"subject": "x"}), vec![("/role", "missing")]),
    ] {
        let answer = world.post(Administrator, "grants", grant).await.refused(422, "invalid");
        let told = answer.faults();
        let told: Vec<_> = told.iter().map(|(place, code)| (place.as_str(), code.as_str())).collect();
        assert_eq!(told, faults, "{answer}");
    }
}

async fn nobody_revokes_their_own_administration(world: &World) {
    small(world).await;
    let grant = json!({"subject": Stranger.name(), "role": "administrator"});
    let address = world.post(Administrator, "grants", grant).await.is(201).header("location").unwrap().to_owned();
    world.delete(Stranger, &address, "*").await.refused(409, "conflict");
    world.ask(Method::GET, Stranger, &address).await.is(200);
    world.delete(Administrator, &address, "*").await.is(204);
}
