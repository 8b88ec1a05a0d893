//! Readings.

use std::pin::pin;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use futures_util::{Stream, TryStreamExt};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::ids::{AreaCode, GroupCode, KpiCode};
use crate::domain::invalid::{Invalid, Violation};
use crate::domain::period::{Period, PeriodKey};
use crate::domain::plan::OutcomeArea;
use crate::domain::reading::{ReadingDraft, ReportedFigure};
use crate::domain::warning::Warning;
use crate::exchange::table;
use crate::http::collecting::imports::{self, DryRun, ImportProblemBody, ImportResult, ReadingItems};
use crate::http::problem::Problem;
use crate::http::problem::documented::{ImportProblems, NotModified, PutReadingProblems, ReadProblems, UnknownInQuery};
use crate::http::reports::status::{check_group, known_code, known_group, known_kpi};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::{Conditions, ETag, created, kept};
use crate::http::request::extract::{Body, FromParams, ParamReader, Params};
use crate::http::request::negotiate::{Accept, Format};
use crate::http::request::page::{Paging, page};
use crate::http::request::path::{KpiPath, PlanPath, path_params};
use crate::http::tables::columns::{self, TableRow, XlsxFile};
use crate::http::view::{AsOf, IfMatchOrNone, View, view};
use crate::programme::Programme;
use crate::programme::figures::columns::ImportKind;
use crate::programme::figures::readings::{Effect, ReadingFilter, ReadingKey, SeenReading};

/// A reading as it is stored.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Reading, description = "The figure reported for a KPI, a period and a group.")]
pub struct ReadingBody {
    /// The KPI's code.
    kpi: KpiCode,
    /// The period.
    period: Period,
    /// The group; `all` is everyone.
    group: GroupCode,
    /// What it says. For readers from whom small numbers are withheld, figures are rounded to the KPI's decimals; for those
    /// outside the partnership no warning is confirmed.
    #[serde(flatten)]
    figure: ReportedFigure,
    /// Whether it replaced a figure whose round had closed.
    restated: bool,
    /// Whether figures and words are withheld from this reader because they could identify a child.
    suppressed: bool,
    /// Which revision of the figure this is, from 1.
    #[schema(minimum = 1, example = 1)]
    revision: i32,
    /// When it was reported.
    recorded_at: DateTime<Utc>,
    /// Who reported it; null for readers outside the partnership.
    #[schema(required = true, example = "demo-sub_group_lead")]
    recorded_by: Option<String>,
}

impl From<SeenReading> for ReadingBody {
    fn from(seen: SeenReading) -> Self {
        let SeenReading { row, suppressed, names_shown } = seen;
        let (recorded_at, recorded_by, row) = (row.recorded_at, row.recorded_by, row.said);
        Self {
            kpi: row.kpi,
            period: row.period,
            group: row.group,
            figure: row.figure,
            restated: row.restated,
            suppressed,
            revision: row.revision,
            recorded_at,
            recorded_by: names_shown.then(|| recorded_by.to_string()),
        }
    }
}

/// A reading that was put, and what it changed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A reading that was posted, and what it changed.")]
pub struct PostedReading {
    #[serde(flatten)]
    reading: ReadingBody,
    /// What it changed.
    effect: Effect,
    /// What to check, although the figure was accepted.
    warnings: Vec<Warning>,
}

page!(
    /// A page of readings.
    pub ReadingPage of ReadingBody
);

/// Every revision of a reading.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "Every revision of a reading, oldest first.")]
pub struct ReadingHistory {
    /// The revisions.
    items: Vec<ReadingBody>,
}

/// Which group is meant.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GroupParams {
    /// The group; `all` without it.
    #[param(example = "all", required = false)]
    group: GroupCode,
}

impl FromParams for GroupParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self { group: params.optional("group").unwrap_or_else(GroupCode::all) })
    }
}

/// Which readings of a KPI are wanted.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct KpiReadingParams {
    /// Only those of this group.
    #[param(example = "all")]
    group: Option<GroupCode>,
}

impl FromParams for KpiReadingParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self { group: params.optional("group") })
    }
}

/// Which readings are wanted.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReadingParams {
    /// Only those of this KPI.
    #[param(example = "NI-117")]
    kpi: Option<KpiCode>,
    /// Only those of this period: its key, or another spelling that can mean one period only.
    #[param(example = "FY2009-10-Q4", max_length = 40)]
    period: Option<String>,
    /// Only those of this group.
    #[param(example = "all")]
    group: Option<GroupCode>,
    /// Only those of this outcome area's KPIs.
    #[param(example = "be-healthy")]
    outcome_area: Option<AreaCode>,
}

impl FromParams for ReadingParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self {
            kpi: params.optional("kpi"),
            period: params.optional("period"),
            group: params.optional("group"),
            outcome_area: params.optional("outcome_area"),
        })
    }
}

path_params! {
    /// The address of a KPI's readings of a period.
    pub ReadingPath in kpi {
        period: String, "The period's key.", "FY2009-10-Q1";
    }
}

/// List a KPI's readings
///
/// The latest figure of each period and group, in the order of periods, a page at a time.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/kpis/{kpi}/readings", tag = "readings",
    params(KpiPath, KpiReadingParams, AsOf, Paging),
    responses((status = 200, description = "A page of readings.", body = ReadingPage), NotModified, ReadProblems, UnknownInQuery)
)]
pub async fn list_kpi_readings(
    programme: Data<Programme>,
    caller: Caller,
    KpiPath { plan, kpi }: KpiPath,
    Params((wanted, as_of, paging)): Params<(KpiReadingParams, AsOf, Paging)>,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "json");
    view.seen.kpi(&kpi)?;
    if let Some(group) = &wanted.group {
        check_group(&view.seen, group)?;
    }
    let filter = ReadingFilter { kpi: Some(kpi), group: wanted.group, ..ReadingFilter::default() };
    reply(&programme, &view, filter, &paging, &request).await
}

/// List readings: the flat table
///
/// The latest figure of every KPI, period and group, in that order, a page at a time; as CSV or as an Excel workbook all at once, without `limit` and
/// `cursor`. The columns that can be posted have the names they are posted by, so that the table can be sent back.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/readings", tag = "readings",
    params(PlanPath, ReadingParams, AsOf, Paging),
    responses(
        (status = 200, description = "A page of readings.", content((ReadingPage = "application/json"), (String = "text/csv"), (XlsxFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        NotModified, ReadProblems, UnknownInQuery
    )
)]
pub async fn list_readings(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params((wanted, as_of, paging)): Params<(ReadingParams, AsOf, Paging)>,
    accept: Accept,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let format = paging.format(&accept)?;
    let view = view!(&programme, &caller, &plan, as_of, &conditions, format);
    let period = wanted.period.as_deref().map(|text| {
        Period::read_any(text)
            .map_err(|error| Invalid::from(Violation::in_query("period", error.code(), format!("`{text}` {error}"))))
    });
    let mut invalid = Invalid::new();
    let seen = &view.seen;
    known_kpi(&mut invalid, wanted.kpi.as_ref(), seen);
    known_code(&mut invalid, "outcome_area", wanted.outcome_area.as_ref(), seen.all::<OutcomeArea>());
    known_group(&mut invalid, seen, wanted.group.as_ref());
    invalid.or(())?;
    let of_area = wanted.outcome_area.map(|area| {
        let kpis = seen.kpis().filter(|kpi| kpi.outcome_area() == Some(&area));
        kpis.map(|kpi| kpi.code().clone()).collect()
    });
    let filter = ReadingFilter { kpi: wanted.kpi, period: period.transpose()?, group: wanted.group, kpis: of_area };
    match format {
        Format::Json => reply(&programme, &view, filter, &paging, &request).await,
        Format::Csv => Ok(columns::stream(&view.tag, all_rows(programme.get_ref().clone(), &view, filter))),
        Format::Xlsx => as_workbook(programme.get_ref().clone(), &view, filter).await,
    }
}

/// How many rows of a table are fetched at a time.
const ROWS_AT_A_TIME: usize = 5_000;

/// All rows of the table, as many at a time as are fetched.
fn all_rows(
    programme: Programme,
    view: &View,
    filter: ReadingFilter,
) -> impl Stream<Item = Result<Vec<SeenReading>, Problem>> + 'static {
    let seen = view.seen.clone();
    futures_util::stream::try_unfold(Some(None), move |after: Option<Option<ReadingKey>>| {
        let (programme, seen, filter) = (programme.clone(), seen.clone(), filter.clone());
        async move {
            let Some(after) = after else { return Ok(None) };
            let rows = programme.list_readings(&seen, filter, after, ROWS_AT_A_TIME).await?;
            let more = rows.len() == ROWS_AT_A_TIME;
            let next = rows.last().filter(|_| more).map(|seen| Some(seen.row.reading_key()));
            Ok::<_, Problem>(Some((rows, next)))
        }
    })
}

async fn as_workbook(programme: Programme, view: &View, filter: ReadingFilter) -> Result<HttpResponse, Problem> {
    let (columns, mut cells) = (SeenReading::columns(), Vec::new());
    let mut rows = pin!(all_rows(programme, view, filter));
    while let Some(some) = rows.try_next().await? {
        cells.extend(some.iter().map(|seen| table::cells(&columns, seen)));
        // One too many is enough to be refused.
        if cells.len() > columns::MOST_IN_WORKBOOK {
            break;
        }
    }
    columns::workbook::<SeenReading>(cells, &view.tag, view.seen.now()).await
}

async fn reply(
    programme: &Programme,
    view: &View,
    filter: ReadingFilter,
    paging: &Paging,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let after: Option<(KpiCode, PeriodKey, GroupCode)> = paging.after()?;
    let after = after.map(|(kpi, PeriodKey(period), group)| ReadingKey { kpi, period, group });
    let rows = programme.list_readings(&view.seen, filter, after, paging.rows()).await?;
    let (rows, next) =
        paging.cut(rows, |seen| (seen.row.kpi.clone(), PeriodKey(seen.row.period), seen.row.group.clone()))?;
    let page = ReadingPage { items: rows.into_iter().map(ReadingBody::from).collect(), next };
    Ok(page.reply(request, &view.tag))
}

/// Import readings
///
/// A CSV file, an Excel workbook or JSON, all or nothing: either every row is accepted, or every wrong cell is listed
/// and nothing is saved. A file sent again changes nothing. For those who report figures, of the KPIs they report.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/readings", tag = "readings", operation_id = "import_readings",
    params(PlanPath, DryRun),
    request_body(
        description = "The columns kpi and period, and of group, value, numerator, denominator, provisional, nil_return, status, commentary, reason, forecast and acknowledged (the codes of warnings that you confirm, separated by blanks or commas) those that are needed; at most 1,000,000 rows, as CSV, as an Excel workbook or as the members of items in JSON. Of a workbook, the sheet that has the columns kpi and period is read as its cells show it: a formula by the value that was saved with it, a day that begins a month as that month. A CSV file and JSON may have 512 MiB, and one row or item of them 1 MiB. A CSV file may be in UTF-8, UTF-16 or windows-1252 (by its mark, `charset` or content), with commas, semicolons or tabs between its cells, and with a title above its header. A cell that a workbook shows as a percentage is read as one for a KPI counted in percent. Columns that are known and not read are listed in ignored_columns. What is wrong with JSON is listed by its pointer, such as /items/3/value. If a reading exists already, an absent column (of JSON: a member) leaves the stored value, and an empty cell (or null) clears it. value, numerator, denominator and nil_return are one figure: a row that fills in any of them replaces the figure as a whole. So a file with the columns kpi, period and commentary changes commentaries and nothing else. In a template, empty rows are ignored.",
        content(
            (String = "text/csv", example = "kpi,period,numerator,denominator\nNI-117,2010/11 Q1,231,5120"),
            (XlsxFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            (ReadingItems = "application/json")
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
pub async fn import_readings(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params(dry_run): Params<DryRun>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    imports::import(&programme, &caller, &plan, ImportKind::Readings, dry_run, &request, payload).await
}

/// Find a reading
///
/// The latest figure of a KPI, period and group.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/kpis/{kpi}/readings/{period}", tag = "readings",
    params(ReadingPath, GroupParams, AsOf),
    responses((status = 200, description = "The reading.", body = ReadingBody), NotModified, ReadProblems)
)]
pub async fn find_reading(
    programme: Data<Programme>,
    caller: Caller,
    ReadingPath { plan, kpi, period }: ReadingPath,
    Params((wanted, as_of)): Params<(GroupParams, AsOf)>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = View::of(&programme, &caller, &plan, as_of).await?;
    let seen = programme.find_reading(&view.seen, (kpi, period, wanted.group)).await?;
    let tag = match (seen.suppressed, seen.names_shown) {
        (true, _) => ETag::of(seen.row.seq).rendered_as("c"),
        (false, false) => ETag::of(seen.row.seq).rendered_as("p"),
        (false, true) => ETag::of(seen.row.seq),
    };
    Ok(conditions.answer(&tag, &ReadingBody::from(seen)))
}

/// Post a figure
///
/// The same figure again changes nothing; another one is the next revision, and the old one stays in the history. If a
/// reading exists already, an absent member leaves the stored value and null clears it; `value`, `numerator`,
/// `denominator` and `nil_return` are one figure, and giving any of them replaces the figure as a whole. So
/// `{"commentary": "…"}` changes the commentary and nothing else. The answer states what it changed: the assessment
/// before and after, those of later periods, and the gaps and roll-ups that moved with it; with `dry_run` it states
/// what it would change, and nothing is saved. With If-Match a revision is made only of the state that is named, with
/// `If-None-Match: *` only a first figure is accepted. Once the figure's round has closed, another figure is a
/// restatement and needs a reason, and a change of words alone is a revision and needs none; one that is signed off can
/// be changed only once its return is reopened (`conflict`). For those who report the KPI.
#[utoipa::path(
    put, path = "/v1/plans/{plan}/kpis/{kpi}/readings/{period}", tag = "readings",
    params(ReadingPath, GroupParams, DryRun, IfMatchOrNone),
    request_body(content = ReadingDraft, description = "The figure; an absent member leaves the stored value."),
    responses(
        (status = 200, description = "It is the next revision, existed already, or was a trial.", body = PostedReading, headers(("ETag" = String, description = "Its state."))),
        (status = 201, description = "It is the first figure.", body = PostedReading,
         headers(("Location" = String, description = "Its address."), ("ETag" = String, description = "Its state."))),
        PutReadingProblems
    )
)]
pub async fn put_reading(
    programme: Data<Programme>,
    caller: Caller,
    ReadingPath { plan, kpi, period }: ReadingPath,
    Params((wanted, dry_run)): Params<(GroupParams, DryRun)>,
    conditions: Conditions,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let place = (kpi.clone(), period, wanted.group);
    let precondition = (&conditions).into();
    let put = programme.put_reading(&plan, &caller.subject, place, members, precondition, dry_run.is_wanted()).await?;
    let tag = ETag::of(put.row.seq);
    let group = if put.row.group.is_all() { String::new() } else { format!("?group={}", put.row.group) };
    let location = format!("/v1/plans/{plan}/kpis/{kpi}/readings/{}{group}", put.row.period);
    let seen = SeenReading { row: put.row, suppressed: false, names_shown: true };
    let warnings = put.warnings.into_iter().map(|warning| warning.in_body("")).collect();
    let body = PostedReading { reading: seen.into(), effect: put.effect, warnings };
    if dry_run.is_wanted() {
        return Ok(HttpResponse::Ok().json(body));
    }
    Ok(if put.created { created(&body, &tag, &location) } else { kept(&body, &tag) })
}

/// Follow a figure's revisions
///
/// Every revision of a reading, oldest first.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/kpis/{kpi}/readings/{period}/history", tag = "readings", operation_id = "list_reading_revisions",
    params(ReadingPath, GroupParams, AsOf),
    responses((status = 200, description = "The revisions.", body = ReadingHistory), NotModified, ReadProblems)
)]
pub async fn list_reading_revisions(
    programme: Data<Programme>,
    caller: Caller,
    ReadingPath { plan, kpi, period }: ReadingPath,
    Params((wanted, as_of)): Params<(GroupParams, AsOf)>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "json");
    let seen = programme.reading_history(&view.seen, (kpi, period, wanted.group)).await?;
    let items = seen.into_iter().map(ReadingBody::from).collect();
    Ok(HttpResponse::Ok().insert_header(&view.tag).json(ReadingHistory { items }))
}
