//! Benchmarks: what other authorities reached, with the plan's own figure beside it.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::benchmark::{BenchmarkDraft, BenchmarkKey, ComparatorFigure, Comparison};
use crate::domain::ids::KpiCode;
use crate::domain::invalid::{Invalid, Violation};
use crate::domain::period::{Period, PeriodKey};
use crate::http::problem::Problem;
use crate::http::problem::documented::{DeleteProblems, NotModified, ReadProblems, UnknownInQuery, WriteProblems};
use crate::http::reports::status::known_kpi;
use crate::http::request::caller::Caller;
use crate::http::request::conditional::{Conditions, ETag, created, kept};
use crate::http::request::extract::{Body, FromParams, NoParams, ParamReader, Params};
use crate::http::request::page::{Paging, page};
use crate::http::request::path::{PlanPath, path_params};
use crate::http::view::{AsOf, IfMatch, IfMatchOrNone, View, view};
use crate::programme::Programme;
use crate::programme::definitions::benchmarks::SeenBenchmark;

/// A benchmark with the plan's own figure beside it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Benchmark, description = "What other authorities reached in a KPI and period, and how the plan's own figure compares with them.")]
pub struct BenchmarkBody {
    /// The KPI's code.
    #[schema(example = "NI-117")]
    kpi: KpiCode,
    /// The period.
    period: Period,
    /// Where the figures were published.
    #[schema(required = true, example = "Department for Children, Schools and Families, June 2010")]
    source: Option<String>,
    /// The figures, one per authority.
    figures: Vec<ComparatorFigure>,
    /// Which revision of the benchmark this is, from 1.
    #[schema(minimum = 1, example = 1)]
    revision: i32,
    /// The plan's own figure of the period for the whole population, among those of each comparator group.
    comparison: Comparison,
}

impl From<SeenBenchmark> for BenchmarkBody {
    fn from(seen: SeenBenchmark) -> Self {
        let SeenBenchmark { key, kept, comparison } = seen;
        Self {
            kpi: key.kpi,
            period: key.period,
            source: kept.value.source,
            figures: kept.value.figures,
            revision: kept.revision,
            comparison,
        }
    }
}

page!(
    /// A page of benchmarks.
    pub BenchmarkPage of BenchmarkBody
);

/// Which benchmarks are wanted.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BenchmarkParams {
    /// Only those of this KPI.
    #[param(example = "NI-117")]
    kpi: Option<KpiCode>,
    /// Only those of this period: its key, or another spelling that can mean one period only.
    #[param(example = "FY2009-10-Q4", max_length = 40)]
    period: Option<String>,
}

impl FromParams for BenchmarkParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self { kpi: params.optional("kpi"), period: params.optional("period") })
    }
}

path_params! {
    /// The address of a benchmark.
    pub BenchmarkPath in kpi {
        period: String, "The period's key.", "FY2009-10-Q4";
    }
}

/// List benchmarks
///
/// In the order of KPI and period, a page at a time, each with the plan's own figure among those of each comparator group.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/benchmarks", tag = "benchmarks",
    params(PlanPath, BenchmarkParams, AsOf, Paging),
    responses((status = 200, description = "A page of benchmarks.", body = BenchmarkPage), NotModified, ReadProblems, UnknownInQuery)
)]
pub async fn list_benchmarks(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params((wanted, as_of, paging)): Params<(BenchmarkParams, AsOf, Paging)>,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "json");
    let mut invalid = Invalid::new();
    known_kpi(&mut invalid, wanted.kpi.as_ref(), &view.seen);
    let period = wanted.period.as_deref().and_then(|text| {
        let refused = |error: crate::domain::period::PeriodError| {
            invalid.push(Violation::in_query("period", error.code(), format!("`{text}` {error}")));
        };
        Period::read_any(text).map_err(refused).ok()
    });
    invalid.or(())?;
    let after: Option<(KpiCode, PeriodKey)> = paging.after()?;
    let after = after.map(|(kpi, PeriodKey(period))| BenchmarkKey { kpi, period });
    let rows = view.seen.benchmarks_for(wanted.kpi.as_ref(), period, after.as_ref());
    let (rows, next) =
        paging.cut(rows.take(paging.rows()).collect(), |seen| (seen.key.kpi.clone(), PeriodKey(seen.key.period)))?;
    let page = BenchmarkPage { items: rows.into_iter().map(BenchmarkBody::from).collect(), next };
    Ok(page.reply(&request, &view.tag))
}

/// Find a benchmark
///
/// What other authorities reached, with the plan's own figure among those of each comparator group. The edition of a
/// group that holds on the period's last day states which authorities belong to it.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/benchmarks/{kpi}/{period}", tag = "benchmarks",
    params(BenchmarkPath, AsOf),
    responses((status = 200, description = "The benchmark.", body = BenchmarkBody), NotModified, ReadProblems)
)]
pub async fn find_benchmark(
    programme: Data<Programme>,
    caller: Caller,
    BenchmarkPath { plan, kpi, period }: BenchmarkPath,
    Params(as_of): Params<AsOf>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = View::of(&programme, &caller, &plan, as_of).await?;
    let seen = view.seen.benchmark_for(&kpi, &period)?;
    // First its own state, by which it is changed; then that of the plan and the view in which it is compared.
    let compared_in = format_args!("{}.{}", view.seen.version(), view.plan.view_tag());
    let tag = ETag::of(seen.kept.seq).rendered_as(compared_in);
    Ok(conditions.answer(&tag, &BenchmarkBody::from(seen)))
}

/// Make or replace a benchmark
///
/// A replacement needs If-Match with the state it replaces. For programme managers and administrators.
#[utoipa::path(
    put, path = "/v1/plans/{plan}/benchmarks/{kpi}/{period}", tag = "benchmarks",
    params(BenchmarkPath, IfMatchOrNone),
    request_body(content = BenchmarkDraft, description = "The figures, and where they were published."),
    responses(
        (status = 200, description = "It was replaced, or was the same already.", body = BenchmarkBody, headers(("ETag" = String, description = "Its state."))),
        (status = 201, description = "It was made.", body = BenchmarkBody,
         headers(("Location" = String, description = "Its address."), ("ETag" = String, description = "Its state."))),
        WriteProblems
    )
)]
pub async fn put_benchmark(
    programme: Data<Programme>,
    caller: Caller,
    BenchmarkPath { plan, kpi, period }: BenchmarkPath,
    _: Params<NoParams>,
    conditions: Conditions,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let precondition = (&conditions).into();
    let put = programme.put_benchmark(&plan, &caller.subject, &kpi, &period, members, precondition).await?;
    let tag = ETag::of(put.seen.kept.seq);
    let location = format!("/v1/plans/{plan}/benchmarks/{}", put.seen.key);
    let body = BenchmarkBody::from(put.seen);
    Ok(if put.created { created(&body, &tag, &location) } else { kept(&body, &tag) })
}

/// Remove a benchmark
///
/// Its history stays in the journal. For programme managers and administrators.
#[utoipa::path(
    delete, path = "/v1/plans/{plan}/benchmarks/{kpi}/{period}", tag = "benchmarks",
    params(BenchmarkPath, IfMatch),
    responses((status = 204, description = "It is removed."), DeleteProblems)
)]
pub async fn remove_benchmark(
    programme: Data<Programme>,
    caller: Caller,
    BenchmarkPath { plan, kpi, period }: BenchmarkPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    programme.remove_benchmark(&plan, &caller.subject, &kpi, &period, (&conditions).into()).await?;
    Ok(HttpResponse::NoContent().finish())
}
