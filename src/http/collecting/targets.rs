//! Targets.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::ids::KpiCode;
use crate::domain::number::Figure;
use crate::domain::period::{Period, PeriodKey};
use crate::domain::target::{TargetDraft, TargetKind, TargetState};
use crate::domain::warning::{Acknowledged, Warning};
use crate::exchange::table;
use crate::http::collecting::imports::{self, DryRun, ImportProblemBody, ImportResult, TargetItems};
use crate::http::problem::Problem;
use crate::http::problem::documented::{DeleteProblems, ImportProblems, NotModified, ReadProblems, WriteProblems};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::{Conditions, ETag, created, kept};
use crate::http::request::extract::{Body, NoParams, Params};
use crate::http::request::negotiate::{Accept, Format};
use crate::http::request::page::{Paging, page};
use crate::http::request::path::{KpiPath, PlanPath, path_params};
use crate::http::tables::columns::{self, SeenTarget, TableRow, XlsxFile};
use crate::http::view::{AsOf, IfMatch, IfMatchOrNone, View, view};
use crate::programme::Programme;
use crate::programme::figures::columns::ImportKind;
use crate::programme::figures::targets::{TargetEffect, TargetPlace, TargetRow};

/// A target as it is stored.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Target, description = "The figure, or the range, wanted for a period.")]
pub struct TargetBody {
    /// The KPI's code.
    kpi: KpiCode,
    /// The period.
    period: Period,
    /// The figure wanted; null for a range or a placeholder.
    #[schema(required = true, example = 5.0)]
    value: Option<Figure>,
    /// The lower end of the range wanted.
    #[schema(required = true)]
    low: Option<Figure>,
    /// The upper end of the range wanted.
    #[schema(required = true)]
    high: Option<Figure>,
    /// The figure at which amber ends, if the target has one of its own.
    #[schema(required = true)]
    floor: Option<Figure>,
    /// Who asks for it.
    kind: TargetKind,
    /// Whether it counts.
    state: TargetState,
    /// Why this figure.
    #[schema(required = true, example = "Halves the gap to the London average.")]
    rationale: Option<String>,
    /// Who agreed it.
    #[schema(required = true, example = "Harrow Strategic Partnership")]
    agreed_by: Option<String>,
    /// When it was agreed.
    #[schema(required = true, example = "2009-03-31")]
    agreed_on: Option<NaiveDate>,
    /// Why it replaced the one before.
    #[schema(required = true)]
    reason: Option<String>,
    /// The codes of warnings that the person who set it has confirmed; empty for readers outside the partnership.
    #[schema(value_type = Vec<String>, example = json!([]))]
    acknowledged: Acknowledged,
    /// Which revision of the target this is, from 1.
    #[schema(minimum = 1, example = 1)]
    revision: i32,
    /// When it was set.
    recorded_at: DateTime<Utc>,
    /// Who set it; null for readers outside the partnership.
    #[schema(required = true, example = "demo-programme_manager")]
    recorded_by: Option<String>,
}

impl TargetBody {
    fn of(row: TargetRow, names_shown: bool) -> Self {
        let TargetRow { recorded_at, recorded_by, said, .. } = row;
        let target = said.target;
        Self {
            kpi: said.kpi,
            period: said.period,
            value: target.value,
            low: target.low,
            high: target.high,
            floor: target.floor,
            kind: target.kind,
            state: target.state,
            rationale: target.rationale,
            agreed_by: target.agreed_by,
            agreed_on: target.agreed_on,
            reason: target.reason,
            acknowledged: if names_shown { target.acknowledged } else { Acknowledged::default() },
            revision: said.revision,
            recorded_at,
            recorded_by: names_shown.then(|| recorded_by.to_string()),
        }
    }
}

/// A target that was put, and what it changed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A target that was set or revised, and what it changed.")]
pub struct PostedTarget {
    #[serde(flatten)]
    target: TargetBody,
    /// What it changed.
    effect: TargetEffect,
    /// What to check, although the target was accepted.
    warnings: Vec<Warning>,
}

/// One revision of a target.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "One revision of a target.")]
pub struct TargetRevisionBody {
    #[serde(flatten)]
    target: TargetBody,
    /// Whether this revision removed the target.
    removed: bool,
}

/// Every revision of a target.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "Every revision of a target, oldest first.")]
pub struct TargetHistory {
    /// The revisions.
    items: Vec<TargetRevisionBody>,
}

page!(
    /// A page of targets.
    pub TargetPage of TargetBody
);

path_params! {
    /// The address of a target.
    pub TargetPath in kpi {
        period: String, "The period's key, or a year's.", "FY2009-10-Q1";
    }
    /// The address of a target to set or remove; its example is one that a check of the document may change.
    pub TargetToSet in kpi {
        period: String, "The period's key, or a year's.", "FY2010-11-Q1";
    }
}

/// List a KPI's targets
///
/// In time order, by the first days of their periods, a year before its parts; a page at a time.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/kpis/{kpi}/targets", tag = "targets",
    params(KpiPath, AsOf, Paging),
    responses((status = 200, description = "A page of targets.", body = TargetPage), NotModified, ReadProblems)
)]
pub async fn list_kpi_targets(
    programme: Data<Programme>,
    caller: Caller,
    KpiPath { plan, kpi }: KpiPath,
    Params((as_of, paging)): Params<(AsOf, Paging)>,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "json");
    let rows = programme.list_targets(&view.seen, Some(&kpi)).await?;
    reply(rows, &paging, &request, &view)
}

/// List targets
///
/// Every target of the plan by KPI, and a KPI's in time order: by the first days of their periods, a year before its parts. A
/// page at a time; as CSV or as an Excel workbook all at once and in the same order, without `limit` and `cursor`.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/targets", tag = "targets",
    params(PlanPath, AsOf, Paging),
    responses(
        (status = 200, description = "A page of targets.", content((TargetPage = "application/json"), (String = "text/csv"), (XlsxFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        NotModified, ReadProblems
    )
)]
pub async fn list_targets(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params((as_of, paging)): Params<(AsOf, Paging)>,
    accept: Accept,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let format = paging.format(&accept)?;
    let view = view!(&programme, &caller, &plan, as_of, &conditions, format);
    let rows = programme.list_targets(&view.seen, None).await?;
    let names_shown = view.by_a_member();
    let seen = |rows: Vec<TargetRow>| rows.into_iter().map(move |row| SeenTarget { row, names_shown });
    match format {
        Format::Json => reply(rows, &paging, &request, &view),
        Format::Csv => Ok(columns::stream(&view.tag, futures_util::stream::iter([Ok(seen(rows).collect())]))),
        Format::Xlsx => {
            let columns = SeenTarget::columns();
            let cells = seen(rows).map(|row| table::cells(&columns, &row)).collect();
            columns::workbook::<SeenTarget>(cells, &view.tag, view.seen.now()).await
        }
    }
}

fn reply(rows: Vec<TargetRow>, paging: &Paging, request: &HttpRequest, view: &View) -> Result<HttpResponse, Problem> {
    let after: Option<(KpiCode, PeriodKey)> = paging.after()?;
    let after = after.map(|(kpi, PeriodKey(period))| TargetPlace::new(&kpi, period));
    let rows = rows.into_iter().filter(|row| after.as_ref().is_none_or(|after| TargetPlace::of(row) > *after));
    let (rows, next) =
        paging.cut(rows.take(paging.rows()).collect(), |row| (row.kpi.clone(), PeriodKey(row.period)))?;
    let page =
        TargetPage { items: rows.into_iter().map(|row| TargetBody::of(row, view.by_a_member())).collect(), next };
    Ok(page.reply(request, &view.tag))
}

/// Import targets
///
/// A CSV file, an Excel workbook or JSON, all or nothing: either every row is accepted, or every wrong cell is listed
/// and nothing is saved. For programme managers and administrators.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/targets", tag = "targets", operation_id = "import_targets",
    params(PlanPath, DryRun),
    request_body(
        description = "The columns kpi and period, and of value, low, high, floor, kind, state, rationale, agreed_by, agreed_on, reason and acknowledged (the codes of warnings that you confirm, separated by blanks or commas) those that are needed; as CSV, as the members of items in JSON, or as an Excel workbook, of which the sheet that has the columns kpi and period is read. A CSV file and JSON may have 512 MiB, and one row or item of them 1 MiB. A CSV file may be in UTF-8, UTF-16 or windows-1252, with commas, semicolons or tabs between its cells. A column `target` is refused: the target belongs in value. Columns that are known and not read are listed in ignored_columns. If a target exists already, an absent column (of JSON: a member) leaves the stored value, and an empty cell (or null) puts it back to its default; value, low and high are one thing, and a row that fills in any of them replaces all three. What is wrong with JSON is listed by its pointer, such as /items/3/value.",
        content(
            (String = "text/csv", example = "kpi,period,value,reason\nNI-117,2010/11 Q1,4.4,"),
            (XlsxFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            (TargetItems = "application/json")
        )
    ),
    responses(
        (status = 200, description = imports::DONE,
         content((ImportResult = "application/json"), (XlsxFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 422, description = imports::REFUSED,
         content((ImportProblemBody = "application/problem+json"), (XlsxFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        ImportProblems
    )
)]
pub async fn import_targets(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params(dry_run): Params<DryRun>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    imports::import(&programme, &caller, &plan, ImportKind::Targets, dry_run, &request, payload).await
}

/// Find a target
///
/// The target set for a period, or for a year.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/kpis/{kpi}/targets/{period}", tag = "targets",
    params(TargetPath, AsOf),
    responses((status = 200, description = "The target.", body = TargetBody), NotModified, ReadProblems)
)]
pub async fn find_target(
    programme: Data<Programme>,
    caller: Caller,
    TargetPath { plan, kpi, period }: TargetPath,
    Params(as_of): Params<AsOf>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = View::of(&programme, &caller, &plan, as_of).await?;
    let row = programme.find_target(&view.seen, &kpi, &period).await?;
    let tag = if view.by_a_member() { ETag::of(row.seq) } else { ETag::of(row.seq).rendered_as("p") };
    Ok(conditions.answer(&tag, &TargetBody::of(row, view.by_a_member())))
}

/// Set or revise a target
///
/// The old one stays in the history, and applies to the time for which it was in force. A revision needs a reason, and
/// If-Match with the state it replaces. If a target exists already, an absent member leaves the stored value, and null
/// puts it back to its default; `value`, `low` and `high` are one thing, and giving any of them replaces all three. The
/// answer lists which reported periods, for everyone and for groups, and which roll-ups it moves; with `dry_run` it
/// lists which it would, and nothing is saved. For programme managers and administrators.
#[utoipa::path(
    put, path = "/v1/plans/{plan}/kpis/{kpi}/targets/{period}", tag = "targets",
    params(TargetToSet, DryRun, IfMatchOrNone),
    request_body(content = TargetDraft, description = "The target; an absent member leaves the stored value, and gets its default when there is no target yet."),
    responses(
        (status = 200, description = "It was revised, was the same already, or was a trial.", body = PostedTarget, headers(("ETag" = String, description = "Its state."))),
        (status = 201, description = "It was set.", body = PostedTarget,
         headers(("Location" = String, description = "Its address."), ("ETag" = String, description = "Its state."))),
        WriteProblems
    )
)]
pub async fn put_target(
    programme: Data<Programme>,
    caller: Caller,
    TargetToSet { plan, kpi, period }: TargetToSet,
    Params(dry_run): Params<DryRun>,
    conditions: Conditions,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let (precondition, tried) = ((&conditions).into(), dry_run.is_wanted());
    let put = programme.put_target(&plan, &caller.subject, (&kpi, &period), members, precondition, tried).await?;
    let tag = ETag::of(put.row.seq);
    let location = format!("/v1/plans/{plan}/kpis/{kpi}/targets/{}", put.row.period);
    let warnings = put.warnings.into_iter().map(|warning| warning.in_body("")).collect();
    let body = PostedTarget { target: TargetBody::of(put.row, true), effect: put.effect, warnings };
    if tried {
        return Ok(HttpResponse::Ok().json(body));
    }
    Ok(if put.created { created(&body, &tag, &location) } else { kept(&body, &tag) })
}

/// Remove a target
///
/// Its history stays. For programme managers and administrators.
#[utoipa::path(
    delete, path = "/v1/plans/{plan}/kpis/{kpi}/targets/{period}", tag = "targets",
    params(TargetToSet, IfMatch),
    responses((status = 204, description = "It is removed."), DeleteProblems)
)]
pub async fn remove_target(
    programme: Data<Programme>,
    caller: Caller,
    TargetToSet { plan, kpi, period }: TargetToSet,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    programme.remove_target(&plan, &caller.subject, &kpi, &period, (&conditions).into()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Follow a target's revisions
///
/// Every revision of a target, oldest first, with the reason for each and those that removed it.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/kpis/{kpi}/targets/{period}/history", tag = "targets", operation_id = "list_target_revisions",
    params(TargetPath, AsOf),
    responses((status = 200, description = "The revisions.", body = TargetHistory), NotModified, ReadProblems)
)]
pub async fn list_target_revisions(
    programme: Data<Programme>,
    caller: Caller,
    TargetPath { plan, kpi, period }: TargetPath,
    Params(as_of): Params<AsOf>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "json");
    let rows = programme.target_history(&view.seen, &kpi, &period).await?;
    let names_shown = view.by_a_member();
    let items = rows.into_iter().map(|row| {
        let removed = row.removed;
        TargetRevisionBody { target: TargetBody::of(row, names_shown), removed }
    });
    Ok(HttpResponse::Ok().insert_header(&view.tag).json(TargetHistory { items: items.collect() }))
}
