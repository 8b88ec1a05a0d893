//! The flat tables: their columns, and the answers that carry them as CSV. The columns' names never change; each table is
//! typed by a Table Schema at `/v1/schemas/{table}`.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LINK};
use actix_web::web::Bytes;
use chrono::Utc;
use futures_util::{Stream, StreamExt, TryStreamExt};

use crate::domain::action::ActionState;
use crate::domain::assess::{AssessedTarget, Assessment, DataState, Reason};
use crate::domain::forecast::Method;
use crate::domain::ids::{AreaCode, PriorityCode, SubGroupCode};
use crate::domain::number::Figure;
use crate::domain::policy::Status;
use crate::domain::travel::Direction;
use crate::exchange::columns;
use crate::exchange::spreadsheet;
use crate::exchange::table::{self, CellText, Column, Field};
use crate::http::problem::{Code, Problem};
use crate::http::request::conditional::ETag;
use crate::http::request::negotiate::Format;
use crate::http::tables::workbooks::with_workbook;
use crate::programme::Seen;
use crate::programme::figures::targets::TargetRow;
use crate::programme::reports::actions::SeenAction;
use crate::programme::reports::exceptions::{ExceptionItem, Exceptions, SeenRestatement};
use crate::programme::reports::status_report::{Series, StatusReport};

/// One row of a flat table, and with it the table.
pub trait TableRow: Sized {
    /// The table's name, as its address ends.
    const TABLE: &'static str;
    /// Its columns, each with its cell.
    fn columns() -> Vec<Column<Self>>;
}

/// What a table says of its columns.
pub fn fields<R: TableRow>() -> Vec<Field> {
    table::fields(&R::columns())
}

/// What writes itself as text.
#[expect(clippy::unnecessary_wraps, reason = "every cell may be empty")]
pub(in crate::http) fn text(value: &impl ToString) -> CellText {
    Some(value.to_string())
}

/// A figure, if there is one.
pub(in crate::http) fn figure(value: Option<Figure>) -> CellText {
    value.as_ref().map(ToString::to_string)
}

/// A code, a name or words, if there are any.
pub(in crate::http) fn words(value: Option<&str>) -> CellText {
    value.map(str::to_owned)
}

/// What stands for a figure that is suppressed.
pub(in crate::http) fn symbol(suppressed: bool) -> CellText {
    suppressed.then(|| "c".to_owned())
}

fn moved(direction: Option<Direction>) -> CellText {
    words(direction.map(Direction::as_str))
}

fn name(value: &impl serde::Serialize) -> CellText {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned))
}

/// A moment.
#[expect(clippy::unnecessary_wraps, reason = "every cell may be empty")]
pub(in crate::http) fn instant(at: &chrono::DateTime<Utc>) -> CellText {
    Some(at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
}

fn spaced<'a>(codes: impl Iterator<Item = &'a str>) -> CellText {
    Some(codes.collect::<Vec<_>>().join(" ")).filter(|codes| !codes.is_empty())
}

/// A target, and whether its reader may know who set it.
pub struct SeenTarget {
    /// The row.
    pub row: TargetRow,
    /// Whether the reader is a member of the partnership.
    pub names_shown: bool,
}

impl TableRow for SeenTarget {
    const TABLE: &'static str = "targets";

    fn columns() -> Vec<Column<Self>> {
        columns!(|seen: Self|
            "kpi": Text, "The KPI's code." => text(&seen.row.kpi);
            "period": Text, "The period's key." => text(&seen.row.period);
            "value": Number, "The figure wanted." => figure(seen.row.target.value);
            "low": Number, "The lower end of the range wanted." => figure(seen.row.target.low);
            "high": Number, "The upper end of the range wanted." => figure(seen.row.target.high);
            "floor": Number, "The figure at which amber ends, if the target has its own." => figure(seen.row.target.floor);
            "kind": Text, "Who asks for it: statutory, laa or local." => text(&seen.row.target.kind.as_str());
            "state": Text, "Whether it counts: placeholder, proposed, agreed or withdrawn."
                => text(&seen.row.target.state.as_str());
            "rationale": Text, "Why this figure." => seen.row.target.rationale.clone();
            "agreed_by": Text, "Who agreed it." => seen.row.target.agreed_by.clone();
            "agreed_on": Date, "When it was agreed." => seen.row.target.agreed_on.as_ref().map(ToString::to_string);
            "reason": Text, "Why it replaced the one before." => seen.row.target.reason.clone();
            "period_label": Text, "What people call the period." => text(&seen.row.period.label());
            "period_start": Date, "The period's first day." => text(&seen.row.period.start());
            "period_end": Date, "The period's last day." => text(&seen.row.period.end());
            "revision": Integer, "Which revision of the target this is, from 1." => text(&seen.row.revision);
            "recorded_at": DateTime, "When it was set." => instant(&seen.row.recorded_at);
            "recorded_by": Text, "Who set it; for members of the partnership."
                => seen.names_shown.then(|| seen.row.recorded_by.to_string());
        )
    }
}

/// What states a KPI's status.
trait Assessed {
    fn one(&self) -> &Assessment;

    fn target(&self) -> Option<&AssessedTarget> {
        self.one().target.as_ref()
    }
}

/// How a KPI is doing, in the columns that reports and series share.
fn standing<R: Assessed>() -> Vec<Column<R>> {
    columns!(|row: R|
        "status": Text, "on_track, at_risk, off_track or not_assessed." => text(&row.one().status.as_str());
        "band": Text, "The code of the policy's band." => row.one().band.clone();
        "band_label": Text, "What pages call the band." => row.one().band_label.clone();
        "reason": Text, "Why, if the figures alone do not show it." => words(row.one().reason.map(Reason::as_str));
        "data_state": Text, "The condition of the figure itself." => text(&row.one().data_state.as_str());
        "symbol": Text, "c if the figure is suppressed." => symbol(row.one().data_state == DataState::Suppressed);
        "value": Number, "The exact figure." => figure(row.one().value);
        "reported": Number, "The figure rounded to the KPI's decimals, or to the target's if it has more."
            => figure(row.one().reported);
        "reported_text": Text, "The reported figure with its unit." => row.one().reported_text.clone();
        "numerator": Number, "What was counted." => figure(row.one().numerator);
        "denominator": Number, "Over what it was counted." => figure(row.one().denominator);
        "target": Number, "The figure wanted." => figure(row.target().and_then(|target| target.value));
        "target_low": Number, "The lower end of the range wanted." => figure(row.target().and_then(|target| target.low));
        "target_high": Number, "The upper end of the range wanted." => figure(row.target().and_then(|target| target.high));
        "target_source": Text, "Where the target came from." => row.target().and_then(|target| name(&target.source));
    )
}

/// What was added to the columns that reports, series and exceptions share: new ones stand at the end.
fn added<R: Assessed>() -> Vec<Column<R>> {
    columns!(|row: R|
        "target_text": Text, "The target with its unit, and with all the decimals that decide." => row.one().target_text.clone();
        "forecast_text": Text, "The forecast with its unit." => row.one().forecast_text.clone();
        "due_at": DateTime, "Until when the figure is or was expected, if it was not reported."
            => row.one().due_at.as_ref().and_then(instant);
    )
}

/// How a KPI moved, in the columns that reports, series and exceptions share.
fn travel<R: Assessed>() -> Vec<Column<R>> {
    columns!(|row: R|
        "travel_short": Text, "Which way it moved since the previous period." => moved(row.one().travel.short.direction);
        "travel_long": Text, "Which way it moved since a year before." => moved(row.one().travel.long.direction);
    )
}

/// One row of the status report: a KPI, or a group of one.
pub struct StatusRow<'a> {
    report: &'a StatusReport,
    area: Option<&'a AreaCode>,
    priority: Option<&'a PriorityCode>,
    one: &'a Assessment,
}

impl Assessed for StatusRow<'_> {
    fn one(&self) -> &Assessment {
        self.one
    }
}

impl TableRow for StatusRow<'_> {
    const TABLE: &'static str = "status-report";

    fn columns() -> Vec<Column<Self>> {
        let before = columns!(|row: Self|
            "plan": Text, "The plan's code." => text(&row.report.plan);
            "report_period": Text, "The period reported on." => text(&row.report.period);
            "as_of": DateTime, "The moment that the report is as known at." => instant(&row.report.as_of);
            "outcome_area": Text, "The outcome area's code." => row.area.map(ToString::to_string);
            "priority": Text, "The priority's code." => row.priority.map(ToString::to_string);
            "kpi": Text, "The KPI's code." => text(&row.one.kpi);
            "title": Text, "The KPI's title." => text(&row.one.title);
            "period": Text, "The KPI's own period that the report brings." => text(&row.one.period);
            "period_label": Text, "What people call that period." => text(&row.one.period.label());
            "period_start": Date, "That period's first day." => text(&row.one.period.start());
            "period_end": Date, "That period's last day." => text(&row.one.period.end());
            "group": Text, "The group; all is everyone." => text(&row.one.group);
            "of": Text, "What the figure is made of, if the period is longer than those that the KPI is reported by: 12 months."
                => row.one.of.clone();
        );
        let margin = columns!(|row: Self|
            "polarity": Text, "Which way is better." => text(&row.one.polarity.as_str());
            "variance": Number, "How far the figure is on the right side of the target." => figure(row.one.variance);
            "compared": Number, "The variance in the tolerance's basis." => figure(row.one.compared);
        );
        let after = columns!(|row: Self|
            "forecast": Number, "The figure to expect at the year's end; of an in-period count, the year's total."
                => figure(row.one.forecast.value);
            "forecast_method": Text, "How it was forecast: seasonal, run_rate or trend."
                => words(row.one.forecast.method.map(Method::as_str));
            "forecast_status": Text, "How the KPI would be doing with it."
                => words(row.one.forecast.status.map(Status::as_str));
            "stated_forecast": Number, "The figure that the sub-group itself expects at the year's end."
                => figure(row.one.forecast.stated.as_ref().map(|stated| stated.value));
            "policy": Text, "The status policy that was applied." => text(&row.one.policy.code);
            "policy_version": Integer, "The policy's version." => text(&row.one.policy.version);
            "explanation": Text, "All of it in plain English." => text(&row.one.explanation);
        );
        [before, standing(), margin, travel(), after, added()].into_iter().flatten().collect()
    }
}

/// The status report as CSV text, one row per KPI; those of groups follow. `seen` is what the report was made from.
pub fn status_report_csv(report: &StatusReport, seen: &Seen) -> Vec<u8> {
    let of_areas = report.outcome_areas.iter().flat_map(|area| {
        area.priorities.iter().flat_map(|priority| {
            let kpis = priority.kpis.iter();
            kpis.map(|one| StatusRow { report, area: Some(&area.code), priority: Some(&priority.code), one })
        })
    });
    let of_groups = report.groups.iter().flat_map(|group| &group.kpis).map(|one| {
        let kpi = seen.kpi(&one.kpi).ok();
        let (area, priority) = (kpi.and_then(|kpi| kpi.outcome_area()), kpi.map(|kpi| kpi.priority()));
        StatusRow { report, area, priority, one }
    });
    table::csv(&StatusRow::columns(), of_areas.chain(of_groups))
}

/// The status report as an answer in CSV.
pub fn status_report(report: &StatusReport, seen: &Seen, tag: &ETag) -> HttpResponse {
    csv::<StatusRow<'_>>(tag).body(status_report_csv(report, seen))
}

/// One point of a series.
pub struct SeriesRow<'a> {
    series: &'a Series,
    one: &'a Assessment,
}

impl Assessed for SeriesRow<'_> {
    fn one(&self) -> &Assessment {
        self.one
    }
}

impl TableRow for SeriesRow<'_> {
    const TABLE: &'static str = "series";

    fn columns() -> Vec<Column<Self>> {
        let before = columns!(|row: Self|
            "plan": Text, "The plan's code." => text(&row.series.plan);
            "kpi": Text, "The KPI's code." => text(&row.series.kpi);
            "title": Text, "The KPI's title." => text(&row.series.title);
            "time": DateTime, "The end of the period's last day, for charts." => instant(&row.one.period.due_at(0));
            "period": Text, "The period's key." => text(&row.one.period);
            "period_label": Text, "What people call the period." => text(&row.one.period.label());
            "period_start": Date, "The period's first day." => text(&row.one.period.start());
            "period_end": Date, "The period's last day." => text(&row.one.period.end());
            "group": Text, "The group; all is everyone." => text(&row.one.group);
        );
        let variance = columns!(|row: Self|
            "variance": Number, "How far the figure is on the right side of the target." => figure(row.one.variance);
        );
        let explanation = columns!(|row: Self|
            "explanation": Text, "All of it in plain English." => text(&row.one.explanation);
        );
        [before, standing(), variance, travel(), explanation, added()].into_iter().flatten().collect()
    }
}

/// A series as an answer in CSV, in time order.
pub fn series(series: &Series, tag: &ETag) -> HttpResponse {
    let rows = series.points.iter().map(|one| SeriesRow { series, one });
    csv::<SeriesRow<'_>>(tag).body(table::csv(&SeriesRow::columns(), rows))
}

/// One exception.
pub struct ExceptionRow<'a> {
    report: &'a Exceptions,
    place: usize,
    item: &'a ExceptionItem,
}

impl Assessed for ExceptionRow<'_> {
    fn one(&self) -> &Assessment {
        &self.item.assessment
    }
}

impl ExceptionRow<'_> {
    fn restated(&self) -> Option<&SeenRestatement> {
        self.item.restatement.as_ref()
    }

    fn open_actions(&self) -> impl Iterator<Item = &SeenAction> {
        self.item.actions.iter().filter(|action| action.action().state == ActionState::Open)
    }

    fn counted(&self, count: usize) -> CellText {
        self.item.actions_shown.then(|| count.to_string())
    }
}

impl TableRow for ExceptionRow<'_> {
    const TABLE: &'static str = "exceptions";

    fn columns() -> Vec<Column<Self>> {
        let before = columns!(|row: Self|
            "plan": Text, "The plan's code." => text(&row.report.plan);
            "report_period": Text, "The period reported on." => text(&row.report.period);
            "as_of": DateTime, "The moment that the exceptions are as known at." => instant(&row.report.as_of);
            "place": Integer, "Its place among the exceptions, the worst being 1." => text(&row.place);
            "outcome_area": Text, "The outcome area's code." => row.item.outcome_area.as_ref().map(ToString::to_string);
            "priority": Text, "The priority's code." => text(&row.item.priority);
            "sub_groups": Text, "The codes of the sub-groups that are responsible for it, with spaces between."
                => spaced(row.item.sub_groups.iter().map(SubGroupCode::as_str));
            "kpi": Text, "The KPI's code." => text(&row.item.kpi);
            "title": Text, "The KPI's title." => text(&row.item.title);
            "rules": Text, "The codes of the rules that apply, worst first, with spaces between."
                => spaced(row.item.rules.iter().map(|rule| rule.as_str()));
            "period": Text, "The KPI's own period that is reported." => text(&row.one().period);
            "period_label": Text, "What people call that period." => text(&row.one().period.label());
            "of": Text, "What the figure is made of, if the period is longer than those that the KPI is reported by: 12 months."
                => row.one().of.clone();
            "status": Text, "on_track, at_risk, off_track or not_assessed." => text(&row.one().status.as_str());
            "band_label": Text, "What pages call the policy's band." => row.one().band_label.clone();
            "data_state": Text, "The condition of the figure itself." => text(&row.one().data_state.as_str());
            "symbol": Text, "c if the figure is suppressed." => symbol(row.one().data_state == DataState::Suppressed);
            "reported": Number, "The figure rounded to the KPI's decimals, or to the target's if it has more."
                => figure(row.one().reported);
            "reported_text": Text, "The reported figure with its unit." => row.one().reported_text.clone();
            "target": Number, "The figure wanted." => figure(row.target().and_then(|target| target.value));
            "target_low": Number, "The lower end of the range wanted." => figure(row.target().and_then(|target| target.low));
            "target_high": Number, "The upper end of the range wanted." => figure(row.target().and_then(|target| target.high));
            "variance": Number, "How far the figure is on the right side of the target." => figure(row.one().variance);
            "amber_limit": Number, "How far below the target is still amber." => figure(row.one().amber_limit);
        );
        let after = columns!(|row: Self|
            "commentary": Text, "What was said with the figure." => words(row.item.commentary.as_deref());
            "restated_period": Text, "The period whose figure was restated."
                => row.restated().map(|restated| restated.period.to_string());
            "restated_before": Number, "That figure before." => figure(row.restated().and_then(|restated| restated.before));
            "restated_after": Number, "That figure after." => figure(row.restated().and_then(|restated| restated.after));
            "restated_reason": Text, "Why it was changed."
                => words(row.restated().and_then(|restated| restated.reason.as_deref()));
            "restated_at": DateTime, "When." => row.restated().and_then(|restated| instant(&restated.at));
            "open_actions": Integer, "How many actions on it are open; for those who may read them."
                => row.counted(row.open_actions().count());
            "overdue_actions": Integer, "How many of them are overdue."
                => row.counted(row.open_actions().filter(|action| action.is_overdue()).count());
            "next_due": Date, "When the first of them is due."
                => row.open_actions().map(|action| action.action().due).min().map(|due| due.to_string());
            "explanation": Text, "All of the assessment in plain English." => text(&row.one().explanation);
        );
        [before, travel(), after, added()].into_iter().flatten().collect()
    }
}

/// The exceptions as CSV text, worst first.
pub fn exceptions_csv(report: &Exceptions) -> Vec<u8> {
    let rows = (1..).zip(&report.items).map(|(place, item)| ExceptionRow { report, place, item });
    table::csv(&ExceptionRow::columns(), rows)
}

/// The exceptions as an answer in CSV.
pub fn exceptions(report: &Exceptions, tag: &ETag) -> HttpResponse {
    csv::<ExceptionRow<'_>>(tag).body(exceptions_csv(report))
}

/// The body of an Excel workbook.
#[derive(Debug, utoipa::ToSchema)]
#[schema(value_type = String, format = Binary, description = "An Excel workbook (XLSX).")]
#[expect(dead_code, reason = "it documents bytes")]
pub struct XlsxFile(Vec<u8>);

/// The most rows of a table that are put into a workbook, which is made in memory.
pub const MOST_IN_WORKBOOK: usize = 50_000;

/// A flat table as an answer in XLSX.
///
/// # Errors
/// `not_acceptable` if it has more rows than [`MOST_IN_WORKBOOK`].
pub async fn workbook<R: TableRow>(
    rows: Vec<Vec<CellText>>,
    tag: &ETag,
    made: chrono::DateTime<Utc>,
) -> Result<HttpResponse, Problem> {
    if rows.len() > MOST_IN_WORKBOOK {
        let detail =
            "The table has more than 50,000 rows, which is too many for a workbook; ask for less of it, or for CSV.";
        return Err(Problem::new(Code::NotAcceptable, detail));
    }
    let fields = fields::<R>();
    let written = with_workbook(move || spreadsheet::table(R::TABLE, &fields, rows, made)).await?;
    Ok(as_workbook(R::TABLE, written.map_err(|error| Problem::internal(&error))?, tag))
}

/// A workbook as an answer, to be saved as a file.
pub fn as_workbook(name: &str, body: Vec<u8>, tag: &ETag) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, Format::Xlsx.content_type()))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.xlsx\"")))
        .insert_header(tag)
        .body(body)
}

/// A table as an answer in CSV, its rows sent as they come.
pub fn stream<R: TableRow + 'static>(
    tag: &ETag,
    rows: impl Stream<Item = Result<Vec<R>, Problem>> + 'static,
) -> HttpResponse {
    let columns = R::columns();
    let header = Bytes::from(table::header(&table::fields(&columns)));
    let lines = rows.map_ok(move |rows| Bytes::from(table::lines(&columns, rows)));
    csv::<R>(tag).streaming(futures_util::stream::iter([Ok(header)]).chain(lines))
}

fn csv<R: TableRow>(tag: &ETag) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    let table = R::TABLE;
    response
        .insert_header((CONTENT_TYPE, Format::Csv.content_type()))
        .insert_header((LINK, format!("</v1/schemas/{table}>; rel=\"describedby\"; type=\"application/schema+json\"")))
        .insert_header(tag);
    // A series is further down than the tables that this describes.
    if table != "series" {
        response.append_header((LINK, "<csvw-metadata.json>; rel=\"describedby\"; type=\"application/csvm+json\""));
    }
    response
}
