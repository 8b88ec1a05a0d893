//! The flat tables: their columns, and the answers that carry them as CSV. The columns' names never change; each table is
//! typed by a Table Schema at `/v1/schemas/{table}`.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LINK};
use actix_web::web::Bytes;
use chrono::Utc;
use futures_util::{Stream, StreamExt};

use crate::domain::action::ActionState;
use crate::domain::assess::{Assessment, DataState};
use crate::domain::ids::{AreaCode, PriorityCode, SubGroupCode};
use crate::domain::number::Figure;
use crate::domain::travel::Direction;
use crate::exchange::spreadsheet;
use crate::exchange::table::{self, CellText, Column, ColumnType, column};
use crate::http::collecting::imports;
use crate::http::problem::documented::ReadProblems;
use crate::http::problem::{Code, Problem};
use crate::http::request::conditional::ETag;
use crate::http::request::extract::{NoParams, Params};
use crate::http::request::negotiate::Format;
use crate::http::request::path::path_params;
use crate::programme::figures::readings::SeenReading;
use crate::programme::figures::targets::TargetRow;
use crate::programme::picture::Picture;
use crate::programme::reports::exceptions::{ExceptionItem, Exceptions};
use crate::programme::reports::status_report::{Series, StatusReport};

use ColumnType::{Boolean, Date, DateTime, Integer, Number, Text};

/// The columns of the flat table of readings. What can be posted has the names it is posted by.
pub const READINGS: &[Column] = &[
    column("kpi", Text, "The KPI's code."),
    column("period", Text, "The period's key."),
    column("group", Text, "The group; all is everyone."),
    column("value", Number, "The exact figure."),
    column("numerator", Number, "What was counted."),
    column("denominator", Number, "Over what it was counted."),
    column("provisional", Boolean, "Whether the figure may still change."),
    column("nil_return", Text, "Why there is no figure."),
    column("status", Text, "The status that a partner determined, for KPIs where one does."),
    column("commentary", Text, "What readers should know about the figure."),
    column("reason", Text, "Why it replaced an earlier figure."),
    column("forecast", Number, "The figure that the sub-group itself expects at the year's end."),
    column("symbol", Text, "c where the figure is suppressed."),
    column("period_label", Text, "What people call the period."),
    column("period_start", Date, "The period's first day."),
    column("period_end", Date, "The period's last day."),
    column("revision", Integer, "Which revision of the figure this is, from 1."),
    column("recorded_at", DateTime, "When it was reported."),
    column("recorded_by", Text, "Who reported it; for members of the partnership."),
    column("restated", Boolean, "Whether it replaced a figure whose round had closed."),
];

/// The columns of the table of targets.
pub const TARGETS: &[Column] = &[
    column("kpi", Text, "The KPI's code."),
    column("period", Text, "The period's key."),
    column("value", Number, "The figure wanted."),
    column("low", Number, "The lower end of the range wanted."),
    column("high", Number, "The upper end of the range wanted."),
    column("floor", Number, "The figure at which amber ends, where the target has its own."),
    column("kind", Text, "Who asks for it: statutory, laa or local."),
    column("state", Text, "Whether it counts: placeholder, proposed, agreed or withdrawn."),
    column("rationale", Text, "Why this figure."),
    column("agreed_by", Text, "Who agreed it."),
    column("agreed_on", Date, "When it was agreed."),
    column("reason", Text, "Why it replaced the one before."),
    column("period_label", Text, "What people call the period."),
    column("period_start", Date, "The period's first day."),
    column("period_end", Date, "The period's last day."),
    column("revision", Integer, "Which revision of the target this is, from 1."),
    column("recorded_at", DateTime, "When it was set."),
    column("recorded_by", Text, "Who set it; for members of the partnership."),
];

/// The columns of the status report as a table.
pub const STATUS_REPORT: &[Column] = &[
    column("plan", Text, "The plan's code."),
    column("report_period", Text, "The period reported on."),
    column("as_of", DateTime, "The moment that the report is as known at."),
    column("outcome_area", Text, "The outcome area's code."),
    column("priority", Text, "The priority's code."),
    column("kpi", Text, "The KPI's code."),
    column("title", Text, "The KPI's title."),
    column("period", Text, "The KPI's own period that the report brings."),
    column("period_label", Text, "What people call that period."),
    column("period_start", Date, "That period's first day."),
    column("period_end", Date, "That period's last day."),
    column("group", Text, "The group; all is everyone."),
    column(
        "of",
        Text,
        "What the figure is made of, where the period is longer than those that the KPI is reported by: 12 months.",
    ),
    column("status", Text, "on_track, at_risk, off_track or not_assessed."),
    column("band", Text, "The code of the policy's band."),
    column("band_label", Text, "What pages call the band."),
    column("reason", Text, "Why, where the figures alone do not say."),
    column("data_state", Text, "Where the figure itself stands."),
    column("symbol", Text, "c where the figure is suppressed."),
    column("value", Number, "The exact figure."),
    column("reported", Number, "The figure rounded to the KPI's decimals, or to the target's where it has more."),
    column("reported_text", Text, "The reported figure with its unit."),
    column("numerator", Number, "What was counted."),
    column("denominator", Number, "Over what it was counted."),
    column("target", Number, "The figure wanted."),
    column("target_low", Number, "The lower end of the range wanted."),
    column("target_high", Number, "The upper end of the range wanted."),
    column("target_source", Text, "Where the target came from."),
    column("polarity", Text, "Which way is better."),
    column("variance", Number, "How far the figure is on the right side of the target."),
    column("compared", Number, "The variance in the tolerance's basis."),
    column("travel_short", Text, "Which way it moved since the previous period."),
    column("travel_long", Text, "Which way it moved since a year before."),
    column("forecast", Number, "The figure to expect at the year's end; of an in-period count, the year's total."),
    column("forecast_method", Text, "How it was forecast: seasonal, run_rate or trend."),
    column("forecast_status", Text, "Where the KPI would stand with it."),
    column("stated_forecast", Number, "The figure that the sub-group itself expects at the year's end."),
    column("policy", Text, "The status policy that was applied."),
    column("policy_version", Integer, "The policy's version."),
    column("explanation", Text, "All of it in plain English."),
];

/// The columns of a series as a table, in time order.
pub const SERIES: &[Column] = &[
    column("plan", Text, "The plan's code."),
    column("kpi", Text, "The KPI's code."),
    column("title", Text, "The KPI's title."),
    column("time", DateTime, "The end of the period's last day, for charts."),
    column("period", Text, "The period's key."),
    column("period_label", Text, "What people call the period."),
    column("period_start", Date, "The period's first day."),
    column("period_end", Date, "The period's last day."),
    column("group", Text, "The group; all is everyone."),
    column("status", Text, "on_track, at_risk, off_track or not_assessed."),
    column("band", Text, "The code of the policy's band."),
    column("band_label", Text, "What pages call the band."),
    column("reason", Text, "Why, where the figures alone do not say."),
    column("data_state", Text, "Where the figure itself stands."),
    column("symbol", Text, "c where the figure is suppressed."),
    column("value", Number, "The exact figure."),
    column("reported", Number, "The figure rounded to the KPI's decimals, or to the target's where it has more."),
    column("reported_text", Text, "The reported figure with its unit."),
    column("numerator", Number, "What was counted."),
    column("denominator", Number, "Over what it was counted."),
    column("target", Number, "The figure wanted."),
    column("target_low", Number, "The lower end of the range wanted."),
    column("target_high", Number, "The upper end of the range wanted."),
    column("target_source", Text, "Where the target came from."),
    column("variance", Number, "How far the figure is on the right side of the target."),
    column("travel_short", Text, "Which way it moved since the previous period."),
    column("travel_long", Text, "Which way it moved since a year before."),
    column("explanation", Text, "All of it in plain English."),
];

/// The columns of the exceptions as a table, the worst first.
pub const EXCEPTIONS: &[Column] = &[
    column("plan", Text, "The plan's code."),
    column("report_period", Text, "The period reported on."),
    column("as_of", DateTime, "The moment that the exceptions are as known at."),
    column("place", Integer, "Its place among the exceptions, the worst being 1."),
    column("outcome_area", Text, "The outcome area's code."),
    column("priority", Text, "The priority's code."),
    column("sub_groups", Text, "The codes of the sub-groups that answer for it, with spaces between."),
    column("kpi", Text, "The KPI's code."),
    column("title", Text, "The KPI's title."),
    column("rules", Text, "The codes of the rules that apply, the worst first, with spaces between."),
    column("period", Text, "The KPI's own period that is reported."),
    column("period_label", Text, "What people call that period."),
    column(
        "of",
        Text,
        "What the figure is made of, where the period is longer than those that the KPI is reported by: 12 months.",
    ),
    column("status", Text, "on_track, at_risk, off_track or not_assessed."),
    column("band_label", Text, "What pages call the policy's band."),
    column("data_state", Text, "Where the figure itself stands."),
    column("symbol", Text, "c where the figure is suppressed."),
    column("reported", Number, "The figure rounded to the KPI's decimals, or to the target's where it has more."),
    column("reported_text", Text, "The reported figure with its unit."),
    column("target", Number, "The figure wanted."),
    column("target_low", Number, "The lower end of the range wanted."),
    column("target_high", Number, "The upper end of the range wanted."),
    column("variance", Number, "How far the figure is on the right side of the target."),
    column("amber_limit", Number, "How far below the target is still amber."),
    column("travel_short", Text, "Which way it moved since the previous period."),
    column("travel_long", Text, "Which way it moved since a year before."),
    column("commentary", Text, "What was said with the figure."),
    column("restated_period", Text, "The period whose figure was restated."),
    column("restated_before", Number, "That figure before."),
    column("restated_after", Number, "That figure after."),
    column("restated_reason", Text, "Why it was changed."),
    column("restated_at", DateTime, "When."),
    column("open_actions", Integer, "How many actions on it are open; for those who may read them."),
    column("overdue_actions", Integer, "How many of them are overdue."),
    column("next_due", Date, "When the first of them is due."),
    column("explanation", Text, "All of the assessment in plain English."),
];

#[expect(clippy::unnecessary_wraps, reason = "every cell may be empty")]
fn text(value: &impl ToString) -> CellText {
    Some(value.to_string())
}

fn figure(value: Option<Figure>) -> CellText {
    value.as_ref().map(ToString::to_string)
}

/// What stands for a figure that is suppressed.
fn symbol(suppressed: bool) -> CellText {
    suppressed.then(|| "c".to_owned())
}

fn moved(direction: Option<Direction>) -> CellText {
    direction.map(|direction| direction.as_str().to_owned())
}

fn name(value: &impl serde::Serialize) -> CellText {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned))
}

#[expect(clippy::unnecessary_wraps, reason = "every cell may be empty")]
fn instant(at: &chrono::DateTime<Utc>) -> CellText {
    Some(at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
}

/// One row of the flat table of readings.
pub fn reading(seen: &SeenReading) -> Vec<CellText> {
    let row = &seen.row;
    vec![
        text(&row.kpi),
        text(&row.period),
        text(&row.group),
        figure(row.value),
        figure(row.numerator),
        figure(row.denominator),
        text(&row.provisional),
        row.nil_return.clone(),
        row.determined_status.map(|status| status.as_str().to_owned()),
        row.commentary.clone(),
        row.reason.clone(),
        figure(row.forecast),
        symbol(seen.suppressed),
        Some(row.period.label()),
        text(&row.period.start()),
        text(&row.period.end()),
        text(&row.revision),
        instant(&row.recorded_at),
        seen.names_shown.then(|| row.recorded_by.to_string()),
        text(&row.restated),
    ]
}

/// One row of the table of targets.
pub fn target(row: &TargetRow, names_shown: bool) -> Vec<CellText> {
    let target = &row.target;
    vec![
        text(&row.kpi),
        text(&row.period),
        figure(target.value),
        figure(target.low),
        figure(target.high),
        figure(target.floor),
        text(&target.kind.as_str()),
        text(&target.state.as_str()),
        target.rationale.clone(),
        target.agreed_by.clone(),
        target.agreed_on.as_ref().map(ToString::to_string),
        target.reason.clone(),
        Some(row.period.label()),
        text(&row.period.start()),
        text(&row.period.end()),
        text(&row.revision),
        instant(&row.recorded_at),
        names_shown.then(|| row.recorded_by.to_string()),
    ]
}

/// Where a KPI stands, in the columns that reports and series share: from `status` to `target_source`.
fn standing(one: &Assessment) -> [CellText; 15] {
    let target = one.target.as_ref();
    [
        text(&one.status.as_str()),
        one.band.clone(),
        one.band_label.clone(),
        one.reason.map(|reason| reason.as_str().to_owned()),
        text(&one.data_state.as_str()),
        symbol(one.data_state == DataState::Suppressed),
        figure(one.value),
        figure(one.reported),
        one.reported_text.clone(),
        figure(one.numerator),
        figure(one.denominator),
        figure(target.and_then(|target| target.value)),
        figure(target.and_then(|target| target.low)),
        figure(target.and_then(|target| target.high)),
        target.and_then(|target| name(&target.source)),
    ]
}

fn assessment(
    report: &StatusReport,
    area: Option<&AreaCode>,
    priority: Option<&PriorityCode>,
    one: &Assessment,
) -> Vec<u8> {
    let before = [
        text(&report.plan),
        text(&report.period),
        instant(&report.as_of),
        area.map(ToString::to_string),
        priority.map(ToString::to_string),
        text(&one.kpi),
        text(&one.title),
        text(&one.period),
        Some(one.period.label()),
        text(&one.period.start()),
        text(&one.period.end()),
        text(&one.group),
        one.of.clone(),
    ];
    let after = [
        text(&one.polarity.as_str()),
        figure(one.variance),
        figure(one.compared),
        moved(one.travel.short.direction),
        moved(one.travel.long.direction),
        figure(one.forecast.value),
        one.forecast.method.map(|method| method.as_str().to_owned()),
        one.forecast.status.map(|status| status.as_str().to_owned()),
        figure(one.forecast.stated.as_ref().map(|stated| stated.value)),
        text(&one.policy.code),
        text(&one.policy.version),
        text(&one.explanation),
    ];
    let cells = before.into_iter().chain(standing(one)).chain(after);
    table::row(STATUS_REPORT, cells)
}

/// The status report as CSV text, one row a KPI; those of groups follow. `picture` is what the report was made from.
pub fn status_report_csv(report: &StatusReport, picture: &Picture) -> Vec<u8> {
    let mut body = table::header(STATUS_REPORT);
    for area in &report.outcome_areas {
        for priority in &area.priorities {
            for one in &priority.kpis {
                body.extend(assessment(report, Some(&area.code), Some(&priority.code), one));
            }
        }
    }
    for one in report.groups.iter().flat_map(|group| &group.kpis) {
        let kpi = picture.kpis().get(&one.kpi).map(|entry| &entry.kpi);
        body.extend(assessment(report, kpi.and_then(|kpi| picture.area_of(kpi)), kpi.map(|kpi| &kpi.priority), one));
    }
    body
}

/// The status report as an answer in CSV.
pub fn status_report(report: &StatusReport, picture: &Picture, tag: &ETag) -> HttpResponse {
    csv("status-report", tag).body(status_report_csv(report, picture))
}

fn point(series: &Series, one: &Assessment) -> Vec<u8> {
    let before = [
        text(&series.plan),
        text(&series.kpi),
        text(&series.title),
        instant(&one.period.due_at(0)),
        text(&one.period),
        Some(one.period.label()),
        text(&one.period.start()),
        text(&one.period.end()),
        text(&one.group),
    ];
    let after = [
        figure(one.variance),
        moved(one.travel.short.direction),
        moved(one.travel.long.direction),
        text(&one.explanation),
    ];
    let cells = before.into_iter().chain(standing(one)).chain(after);
    table::row(SERIES, cells)
}

/// A series as an answer in CSV.
pub fn series(series: &Series, tag: &ETag) -> HttpResponse {
    let mut body = table::header(SERIES);
    series.points.iter().for_each(|one| body.extend(point(series, one)));
    csv("series", tag).body(body)
}

fn exception(report: &Exceptions, place: usize, item: &ExceptionItem) -> Vec<u8> {
    let one = &item.assessment;
    let target = one.target.as_ref();
    let restated = item.restatement.as_ref();
    let spaced = |codes: Vec<&str>| Some(codes.join(" ")).filter(|codes| !codes.is_empty());
    let open = || item.actions.iter().filter(|action| action.action().state == ActionState::Open);
    let counted = |count: usize| item.actions_shown.then(|| count.to_string());
    let cells = [
        text(&report.plan),
        text(&report.period),
        instant(&report.as_of),
        text(&place),
        item.outcome_area.as_ref().map(ToString::to_string),
        text(&item.priority),
        spaced(item.sub_groups.iter().map(SubGroupCode::as_str).collect()),
        text(&item.kpi),
        text(&item.title),
        spaced(item.rules.iter().map(|rule| rule.as_str()).collect()),
        text(&one.period),
        Some(one.period.label()),
        one.of.clone(),
        text(&one.status.as_str()),
        one.band_label.clone(),
        text(&one.data_state.as_str()),
        symbol(one.data_state == DataState::Suppressed),
        figure(one.reported),
        one.reported_text.clone(),
        figure(target.and_then(|target| target.value)),
        figure(target.and_then(|target| target.low)),
        figure(target.and_then(|target| target.high)),
        figure(one.variance),
        figure(one.amber_limit),
        moved(one.travel.short.direction),
        moved(one.travel.long.direction),
        item.commentary.as_deref().map(str::to_owned),
        restated.map(|restated| restated.period.to_string()),
        figure(restated.and_then(|restated| restated.before)),
        figure(restated.and_then(|restated| restated.after)),
        restated.and_then(|restated| restated.reason.as_deref().map(str::to_owned)),
        restated.and_then(|restated| instant(&restated.at)),
        counted(open().count()),
        counted(open().filter(|action| action.is_overdue()).count()),
        open().map(|action| action.action().due).min().map(|due| due.to_string()),
        text(&one.explanation),
    ];
    table::row(EXCEPTIONS, cells)
}

/// The exceptions as CSV text, the worst first.
pub fn exceptions_csv(report: &Exceptions) -> Vec<u8> {
    let rows = (1..).zip(&report.items).flat_map(|(place, item)| exception(report, place, item));
    table::header(EXCEPTIONS).into_iter().chain(rows).collect()
}

/// The exceptions as an answer in CSV.
pub fn exceptions(report: &Exceptions, tag: &ETag) -> HttpResponse {
    csv("exceptions", tag).body(exceptions_csv(report))
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
/// `not_acceptable` where it has more rows than [`MOST_IN_WORKBOOK`].
pub async fn workbook(
    table: &'static str,
    columns: &'static [Column],
    rows: Vec<Vec<CellText>>,
    tag: &ETag,
    made: chrono::DateTime<Utc>,
) -> Result<HttpResponse, Problem> {
    if rows.len() > MOST_IN_WORKBOOK {
        let detail =
            "The table has more than 50,000 rows, which a workbook does not take; ask for less of it, or for CSV.";
        return Err(Problem::new(Code::NotAcceptable, detail));
    }
    let written = imports::with_workbook(move || spreadsheet::table(table, columns, rows, made)).await?;
    Ok(as_workbook(table, written.map_err(|error| Problem::internal(&error))?, tag))
}

/// A workbook as an answer, to be kept as a file.
pub fn as_workbook(name: &str, body: Vec<u8>, tag: &ETag) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, Format::Xlsx.content_type()))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.xlsx\"")))
        .insert_header(tag)
        .body(body)
}

/// A table as an answer in CSV, its rows sent as they come.
pub fn stream(
    table: &'static str,
    columns: &'static [Column],
    tag: &ETag,
    rows: impl Stream<Item = Result<Bytes, Problem>> + 'static,
) -> HttpResponse {
    let header = futures_util::stream::once(async move { Ok(Bytes::from(table::header(columns))) });
    csv(table, tag).streaming(header.chain(rows))
}

fn csv(table: &str, tag: &ETag) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, Format::Csv.content_type()))
        .insert_header((LINK, format!("</v1/schemas/{table}>; rel=\"describedby\"; type=\"application/schema+json\"")))
        .insert_header(tag);
    // A series stands further down than the tables that this describes.
    if table != "series" {
        response.append_header((LINK, "<csvw-metadata.json>; rel=\"describedby\"; type=\"application/csvm+json\""));
    }
    response
}

path_params! {
    /// The address of a table's schema.
    pub TablePath {
        table: String, "The table: readings, targets, status-report, series or exceptions.", "readings";
    }
}

/// Describe a table
///
/// The Table Schema (Frictionless) of a table that can be had as CSV: the names, types and meanings of its columns.
#[utoipa::path(
    get, path = "/v1/schemas/{table}", tag = "service", operation_id = "get_table_schema",
    params(TablePath),
    responses((status = 200, description = "The Table Schema.", body = Object,
        example = json!({"fields": [{"name": "kpi", "type": "string"}]})), ReadProblems)
)]
pub async fn get_table_schema(
    TablePath { table: name }: TablePath,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let columns = match name.as_str() {
        "readings" => READINGS,
        "targets" => TARGETS,
        "status-report" => STATUS_REPORT,
        "exceptions" => EXCEPTIONS,
        "series" => SERIES,
        _ => return Err(Problem::not_found()),
    };
    Ok(HttpResponse::Ok().json(table::schema(columns)))
}
