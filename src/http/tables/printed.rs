//! Reports as workbooks that are printed for a meeting.
//!
//! They are made from a report as it is sent in JSON, so that a frozen one is printed from its own bytes, and so that
//! nothing is on paper that the reader of the JSON does not get. Figures are numbers, shown with the KPI's decimals; a
//! status is described in words, with a colour behind them.

use std::collections::HashMap;

use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Europe::London;
use serde::Serialize;
use serde_json::Value;

use crate::domain::number::Figure;
use crate::domain::plan::Organisation;
use crate::domain::wording::capitalised;
use crate::exchange::spreadsheet::{self, Page, PageRow, Shown, Tone};
use crate::http::problem::Problem;
use crate::http::request::conditional::ETag;
use crate::http::tables::columns::as_workbook;
use crate::http::tables::workbooks::with_workbook;
use crate::programme::Seen;
use crate::programme::reports::exceptions::Exceptions;
use crate::programme::reports::status_report::StatusReport;

/// What is printed.
#[derive(Debug)]
pub struct Print {
    title: String,
    pages: Vec<Page>,
}

/// The decimal places that each KPI is shown with.
type Decimals = HashMap<String, u32>;

/// The status report.
///
/// # Errors
/// If the report is no JSON, which is a fault of this program.
pub fn status_report(report: &StatusReport, seen: &Seen) -> Result<Print, Problem> {
    let report = as_json(report)?;
    let title = format!("{}: where the plan stands", seen.plan().value.title);
    let mut pages = report_pages(&report, &title, &[], &decimals_of(seen));
    pages.push(legend(&title));
    Ok(Print { title, pages })
}

/// The exceptions.
///
/// # Errors
/// If they are no JSON, which is a fault of this program.
pub fn exceptions(report: &Exceptions, seen: &Seen) -> Result<Print, Problem> {
    let plan = &seen.plan().value;
    let report = as_json(report)?;
    let title = format!("{}: what to look at", plan.title);
    let names = Names::of(seen);
    let page = exceptions_page(&report, &title, &plan.description, &decimals_of(seen), &names);
    Ok(Print { pages: vec![page, legend(&title)], title })
}

/// A board report, from the bytes that were frozen; what organisations are called, from the plan as it was then.
///
/// # Errors
/// If they are no JSON.
pub fn board_report(content: &[u8], then: &Seen) -> Result<Print, Problem> {
    let names = Names::of(then);
    let content: Value = serde_json::from_slice(content).map_err(|error| Problem::internal(&error))?;
    let decimals = items(&content, "/kpis").filter_map(|kpi| {
        Some((text(kpi, "/code")?, kpi.get("decimals").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok())?))
    });
    let decimals: Decimals = decimals.collect();
    let title = words(&content, "/title");
    let by = text(&content, "/frozen_by").map_or_else(String::new, |by| format!(" by {by}"));
    let mut about = vec![
        Shown::Words(then.plan().value.title.clone()),
        Shown::Words(format!("Frozen on {}{by}.", moment(&content, "/frozen_at"))),
    ];
    if let Some(organisation) = text(&content, "/organisation") {
        about.push(Shown::Words(format!("The contribution of {}.", names.organisation(&organisation))));
    }
    let report = content.get("status_report").cloned().unwrap_or_default();
    let mut pages = report_pages(&report, &title, &about, &decimals);
    let description = words(&report, "/description");
    if let Some(exceptions) = content.get("exceptions") {
        pages.push(exceptions_page(exceptions, &title, &description, &decimals, &names));
    }
    pages.push(actions_page(&content, &title, &names));
    pages.push(legend(&title));
    Ok(Print { title, pages })
}

/// A print as an answer.
///
/// # Errors
/// If it does not fit into a workbook.
pub async fn answer(name: &str, print: Print, tag: &ETag, made: DateTime<Utc>) -> Result<HttpResponse, Problem> {
    let written = with_workbook(move || spreadsheet::printed(&print.title, &print.pages, made)).await?;
    Ok(as_workbook(name, written.map_err(|error| Problem::internal(&error))?, tag))
}

fn as_json(report: &impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(report).map_err(|error| Problem::internal(&error))
}

fn decimals_of(seen: &Seen) -> Decimals {
    seen.kpis().map(|kpi| (kpi.code().to_string(), kpi.decimals())).collect()
}

fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// A text or a number as it prints; `None` for null and for what is not there.
fn text(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn words(value: &Value, pointer: &str) -> String {
    text(value, pointer).unwrap_or_default()
}

/// A code in plain words: `off_track` is Off track.
fn spoken(code: &str) -> String {
    capitalised(&code.replace('_', " "))
}

fn day(text: &str) -> String {
    text.parse::<NaiveDate>().map_or_else(|_no_day| text.to_owned(), |day| day.format("%-d %b %Y").to_string())
}

fn moment(value: &Value, pointer: &str) -> String {
    let text = words(value, pointer);
    let at = text.parse::<DateTime<Utc>>();
    at.map_or(text, |at| at.with_timezone(&London).format("%-d %b %Y, %H:%M (London time)").to_string())
}

fn tone(status: &str) -> Tone {
    match status {
        "on_track" => Tone::Good,
        "at_risk" => Tone::Middling,
        "off_track" => Tone::Bad,
        _ => Tone::Open,
    }
}

fn status(value: &Value, pointer: &str) -> Shown {
    text(value, pointer).map_or(Shown::Nothing, |status| Shown::Toned(spoken(&status), tone(&status)))
}

fn number(text: Option<String>, decimals: u32) -> Shown {
    text.map_or(Shown::Nothing, |text| Shown::Number { text, decimals })
}

fn count(value: &Value, pointer: &str) -> Shown {
    number(text(value, pointer), 0)
}

fn headline(report: &Value) -> String {
    let part = |name: &str| words(report, &format!("/counts/status/{name}"));
    let percent = text(report, "/headline/on_track_percent").map_or_else(String::new, |share| format!(" ({share} %)"));
    format!(
        "{}: of {} assessed KPIs {} are on track{percent}, {} at risk and {} off track; {} of {} are not assessed.",
        spoken(&words(report, "/headline/status")),
        words(report, "/headline/assessed"),
        part("on_track"),
        part("at_risk"),
        part("off_track"),
        part("not_assessed"),
        words(report, "/headline/total"),
    )
}

/// The most characters of a plan's description above a table: a longer one would fill the page that the table begins on.
const MOST_DESCRIPTION: usize = 600;

/// What is above each page: what the plan says of itself, the period, and the moment.
fn about(report: &Value, description: &str, more: &[Shown]) -> Vec<Shown> {
    let described =
        (!description.is_empty()).then(|| Shown::Words(spreadsheet::clipped(description, MOST_DESCRIPTION)));
    let period = format!(
        "Period: {}, from {} to {}. As known at {}.",
        words(report, "/period/label"),
        day(&words(report, "/period/start")),
        day(&words(report, "/period/end")),
        moment(report, "/as_of")
    );
    let outside = report.get("outside_plan").and_then(Value::as_bool) == Some(true);
    let outside = outside
        .then(|| Shown::Words("This period lies outside the plan's own years: nothing is owed of it.".to_owned()));
    described.into_iter().chain([Shown::Words(period)]).chain(outside).chain(more.iter().cloned()).collect()
}

fn report_pages(report: &Value, title: &str, more: &[Shown], decimals: &Decimals) -> Vec<Page> {
    let mut lines = about(report, &words(report, "/description"), more);
    lines.push(Shown::Toned(headline(report), tone(&words(report, "/headline/status"))));
    let mut summary = Page {
        name: "Summary".to_owned(),
        title: title.to_owned(),
        lines: lines.clone(),
        columns: vec![
            ("Outcome area", 46.0),
            ("Headline", 16.0),
            ("On track", 11.0),
            ("At risk", 11.0),
            ("Off track", 11.0),
            ("Not assessed", 14.0),
            ("KPIs", 9.0),
        ],
        rows: Vec::new(),
    };
    let mut kpis = Page {
        name: "KPIs".to_owned(),
        title: title.to_owned(),
        lines,
        columns: KPI_COLUMNS.to_vec(),
        rows: Vec::new(),
    };
    for area in items(report, "/outcome_areas") {
        summary.rows.push(PageRow::Cells(counts_row(area)));
        kpis.rows.push(PageRow::Heading(format!("{}: {}", words(area, "/title"), headline(area)), 0));
        for priority in items(area, "/priorities") {
            let mut listed = items(priority, "/kpis").peekable();
            if listed.peek().is_none() {
                continue;
            }
            kpis.rows.push(PageRow::Heading(words(priority, "/title"), 1));
            kpis.rows.extend(listed.map(|kpi| PageRow::Cells(kpi_row(kpi, decimals))));
        }
    }
    let mut total = counts_row(report);
    if let Some(first) = total.first_mut() {
        *first = Shown::Words("The whole plan".to_owned());
    }
    summary.rows.push(PageRow::Cells(total));
    for group in items(report, "/groups") {
        let title = text(group, "/title").unwrap_or_else(|| words(group, "/group"));
        kpis.rows.push(PageRow::Heading(format!("By group: {title}"), 0));
        kpis.rows.extend(items(group, "/kpis").map(|kpi| PageRow::Cells(kpi_row(kpi, decimals))));
    }
    vec![summary, kpis]
}

fn counts_row(rolled_up: &Value) -> Vec<Shown> {
    vec![
        Shown::words(text(rolled_up, "/title")),
        status(rolled_up, "/headline/status"),
        count(rolled_up, "/counts/status/on_track"),
        count(rolled_up, "/counts/status/at_risk"),
        count(rolled_up, "/counts/status/off_track"),
        count(rolled_up, "/counts/status/not_assessed"),
        count(rolled_up, "/headline/total"),
    ]
}

const KPI_COLUMNS: &[(&str, f64)] = &[
    ("KPI", 12.0),
    ("Title", 30.0),
    ("Period", 12.0),
    ("Figure", 10.0),
    ("Target", 10.0),
    ("Status", 12.0),
    ("Band", 11.0),
    ("Since last period", 12.0),
    ("Since last year", 12.0),
    ("Forecast", 10.0),
    ("Figure is", 12.0),
    ("In words", 58.0),
];

fn kpi_row(one: &Value, decimals: &Decimals) -> Vec<Shown> {
    let places = decimals.get(&words(one, "/kpi")).copied().unwrap_or(1);
    let mut cells = vec![Shown::words(text(one, "/kpi")), Shown::words(text(one, "/title"))];
    cells.extend(standing(one, places));
    cells.extend([
        Shown::words(text(one, "/band_label")),
        travel(one, "/travel/short/direction"),
        travel(one, "/travel/long/direction"),
        number(text(one, "/forecast/value"), places),
        Shown::words(text(one, "/data_state").map(|state| spoken(&state))),
        Shown::words(text(one, "/explanation")),
    ]);
    cells
}

/// Period, figure, target and status.
fn standing(one: &Value, places: u32) -> [Shown; 4] {
    // What is withheld says so: an empty cell would be taken for a figure that never came. A figure is shown with the
    // decimals that it was compared with, which are more than the KPI's if its target has more.
    let withheld = text(one, "/data_state").as_deref() == Some("suppressed");
    let own = |pointer: &str| {
        let places =
            text(one, pointer).as_ref().and_then(|number| number.split_once('.')).map_or(0, |(_, own)| own.len());
        u32::try_from(places).unwrap_or(0)
    };
    let places = places.max(own("/reported"));
    let figure = if withheld { Shown::Words("c".to_owned()) } else { number(text(one, "/reported"), places) };
    let range = text(one, "/target/low").zip(text(one, "/target/high"));
    let target = if let Some((low, high)) = range {
        Shown::Words(format!("{} to {}", short(&low), short(&high)))
    } else {
        // A target that is set more exactly than figures are shown is shown as it was set.
        number(text(one, "/target/value"), own("/target/value").max(places))
    };
    let period = text(one, "/period/label").map(|label| match text(one, "/of") {
        Some(of) => format!("{label} ({of})"),
        None => label,
    });
    [Shown::words(period), figure, target, status(one, "/status")]
}

fn travel(one: &Value, pointer: &str) -> Shown {
    Shown::words(text(one, pointer).map(|direction| spoken(&direction)))
}

/// A number in words with as many decimals as are shown.
fn short(number: &str) -> String {
    number.parse::<Figure>().map_or_else(|_no_figure| number.to_owned(), |figure| figure.rounded(3).to_string())
}

fn exceptions_page(report: &Value, title: &str, description: &str, decimals: &Decimals, names: &Names) -> Page {
    let rules: HashMap<String, String> =
        items(report, "/rules").filter_map(|rule| Some((text(rule, "/code")?, text(rule, "/words")?))).collect();
    let rows = items(report, "/items").zip(1_u32..).map(|(item, place)| {
        let one = item.get("assessment").cloned().unwrap_or_default();
        let places = decimals.get(&words(item, "/kpi")).copied().unwrap_or(1);
        let why = items(item, "/rules").filter_map(Value::as_str);
        let why: Vec<_> = why.map(|rule| rules.get(rule).cloned().unwrap_or_else(|| spoken(rule))).collect();
        let doing: Vec<_> = items(item, "/actions").map(|action| action_in_words(action, names)).collect();
        let mut cells = vec![
            number(Some(place.to_string()), 0),
            Shown::words(text(item, "/kpi")),
            Shown::words(text(item, "/title")),
        ];
        cells.extend(standing(&one, places));
        cells.extend([
            travel(&one, "/travel/short/direction"),
            Shown::Words(why.join("\n")),
            Shown::words(text(item, "/commentary")),
            Shown::words(Some(doing.join("\n")).filter(|doing| !doing.is_empty())),
        ]);
        PageRow::Cells(cells)
    });
    let mut lines = about(report, description, &[]);
    lines.push(Shown::Words(
        "Worst first. A figure c is suppressed: it is small and could identify a child.".to_owned(),
    ));
    Page {
        name: "Exceptions".to_owned(),
        title: title.to_owned(),
        lines,
        columns: vec![
            ("Place", 8.0),
            ("KPI", 12.0),
            ("Title", 28.0),
            ("Period", 12.0),
            ("Figure", 10.0),
            ("Target", 10.0),
            ("Status", 12.0),
            ("Since last period", 12.0),
            ("Why it is here", 34.0),
            ("What was said", 36.0),
            ("What is being done", 36.0),
        ],
        rows: rows.collect(),
    }
}

/// What organisations are called.
struct Names(HashMap<String, String>);

impl Names {
    fn of(seen: &Seen) -> Self {
        let organisations = seen.all::<Organisation>().values().map(|kept| &kept.value);
        Self(organisations.map(|one| (one.code.to_string(), one.title.clone())).collect())
    }

    /// An organisation by its title; one that is no longer there by its code.
    fn organisation<'a>(&'a self, code: &'a str) -> &'a str {
        self.0.get(code).map_or(code, String::as_str)
    }
}

fn owner(action: &Value, names: &Names) -> String {
    format!("{}, {}", words(action, "/owner/role"), names.organisation(&words(action, "/owner/organisation")))
}

fn action_in_words(action: &Value, names: &Names) -> String {
    let state = if action.get("overdue") == Some(&Value::Bool(true)) {
        "overdue".to_owned()
    } else {
        words(action, "/state").replace('_', " ")
    };
    format!("{} ({}, due {}: {state})", words(action, "/what"), owner(action, names), day(&words(action, "/due")))
}

fn actions_page(content: &Value, title: &str, names: &Names) -> Page {
    let rows = items(content, "/actions").map(|action| {
        let latest = items(action, "/notes").last().map(|note| words(note, "/text"));
        let overdue = action.get("overdue") == Some(&Value::Bool(true));
        let state = spoken(&words(action, "/state"));
        PageRow::Cells(vec![
            Shown::words(text(action, "/kpi")),
            Shown::words(text(action, "/what")),
            Shown::Words(owner(action, names)),
            Shown::Words(day(&words(action, "/due"))),
            if overdue { Shown::Toned(format!("{state}, overdue"), Tone::Bad) } else { Shown::Words(state) },
            Shown::words(latest),
        ])
    });
    Page {
        name: "Actions".to_owned(),
        title: title.to_owned(),
        lines: vec![Shown::Words("What is being done, oldest first.".to_owned())],
        columns: vec![
            ("KPI", 12.0),
            ("What is to be done", 60.0),
            ("By whom", 30.0),
            ("By when", 14.0),
            ("State", 16.0),
            ("The latest on it", 60.0),
        ],
        rows: rows.collect(),
    }
}

/// What the words, colours and symbols of a report mean.
const LEGEND: &[(&str, Tone, &str)] = &[
    ("On track", Tone::Good, "The figure meets its target, or is better. Green."),
    ("At risk", Tone::Middling, "The figure misses its target, but by no more than the status policy allows. Amber."),
    ("Off track", Tone::Bad, "The figure misses its target by more than that. Red."),
    (
        "Not assessed",
        Tone::Open,
        "There is no status; the column In words says why: no figure, no target, a KPI that is only watched.",
    ),
];

/// The rest of the legend, which has no colour.
const WORDS: &[(&str, &str)] = &[
    (
        "Band",
        "The grade that the status policy gives, which may be finer than the status, such as High Green and Low Green.",
    ),
    ("Headline", "On track if enough of the assessed KPIs are on track, as the plan's settings say; not an average."),
    (
        "Since last period",
        "Whether the figure moved the right way since the period before. Improving is better, whether more or less is wanted.",
    ),
    ("Since last year", "The same against the same period a year before."),
    ("Increasing, Decreasing", "Which way a figure moved that is only watched: neither way is better."),
    ("Forecast", "How the figures point to the year's end. It is a projection and never changes the status."),
    ("Final, Provisional", "Whether the figure may still change."),
    ("Nil return", "Those who report the figure said that there is none, and why."),
    (
        "Not due, Awaited, Overdue",
        "There is no figure: its period has not ended; it is not due yet; its due day has passed.",
    ),
    (
        "c, Suppressed",
        "The figure is withheld, with all that would give it away: it is small and could identify a child.",
    ),
    ("Numbers", "At most three decimals are shown. The cell of the workbook holds the figure as it is reported."),
    ("Times", "All times are in London."),
];

/// The page that says what the others mean.
fn legend(title: &str) -> Page {
    let toned = LEGEND
        .iter()
        .map(|(word, tone, words)| vec![Shown::Toned((*word).to_owned(), *tone), Shown::Words((*words).to_owned())]);
    let plain =
        WORDS.iter().map(|(word, words)| vec![Shown::Words((*word).to_owned()), Shown::Words((*words).to_owned())]);
    Page {
        name: "Legend".to_owned(),
        title: title.to_owned(),
        lines: vec![Shown::Words("What the words, colours and symbols mean.".to_owned())],
        columns: vec![("Word", 28.0), ("What it means", 104.0)],
        rows: toned.chain(plain).map(PageRow::Cells).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_days_are_told_as_people_say_them() {
        assert_eq!(spoken("off_track"), "Off track");
        assert_eq!(spoken(""), "");
        assert_eq!(day("2009-06-01"), "1 Jun 2009");
        assert_eq!(day("soon"), "soon");
    }
}
