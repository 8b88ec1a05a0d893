//! Tables from a file or pasted from a spreadsheet: the form to send them, what is wrong with them and what they change.

use maud::{Markup, html};
use serde::Deserialize;

use super::frame::{Frame, Person, form_token};
use super::{in_code, marks, words};
use crate::domain::ids::PlanCode;
use crate::domain::policy::Status;
use crate::domain::wording::counted;

/// One thing that is wrong in a table, or that should be looked at.
#[derive(Debug, Deserialize)]
pub struct Finding {
    /// The row, as a spreadsheet numbers it.
    pub row: Option<u64>,
    /// The column.
    pub column: Option<String>,
    /// The cell.
    pub cell: Option<String>,
    /// Its code.
    pub code: String,
    /// What is wrong and what to do.
    pub detail: String,
}

/// How a KPI was doing, and how it is doing or would be.
#[derive(Debug, Deserialize)]
pub struct Moved {
    /// The KPI's code.
    pub kpi: String,
    /// The period.
    pub period: Labelled,
    /// The group.
    pub group: String,
    /// How it was doing.
    pub before: Option<Stood>,
    /// How it is doing.
    pub after: Option<Stood>,
}

/// A period, as an answer has it.
#[derive(Debug, Deserialize)]
pub struct Labelled {
    /// What people call it.
    pub label: String,
}

/// A status with its figure.
#[derive(Debug, Deserialize)]
pub struct Stood {
    /// The status.
    pub status: Status,
    /// The figure with its unit.
    pub reported_text: Option<String>,
}

impl Moved {
    /// Whether the status changes, or is the first.
    pub fn is_turned(&self) -> bool {
        self.after.as_ref().is_some_and(|after| self.before.as_ref().is_none_or(|before| before.status != after.status))
    }
}

/// What came of a table.
#[derive(Debug)]
pub struct TableTried {
    /// In a sentence.
    pub says: String,
    /// Whether it was saved.
    pub is_saved: bool,
    /// What is wrong: as much of it as is shown, and how much there is.
    pub mistakes: (Vec<Finding>, u64),
    /// What should be looked at, likewise.
    pub warnings: (Vec<Finding>, u64),
    /// The statuses that change, likewise.
    pub moves: (Vec<Moved>, u64),
    /// The columns that were not read, and why.
    pub ignored: Vec<(String, String)>,
}

/// Sending a table.
#[derive(Debug)]
pub struct TablePage<'a> {
    /// What it holds: figures or targets.
    pub what: &'a str,
    /// The page's address, which the form is sent to.
    pub here: &'a str,
    /// Where somebody came from, with what that is called.
    pub up: (String, &'a str),
    /// The columns it must have.
    pub needs: &'a str,
    /// Files to fill in, each with its address.
    pub templates: &'a [(String, String)],
    /// What was pasted.
    pub pasted: &'a str,
    /// Why nothing could be tried.
    pub fault: Option<&'a str>,
    /// What came of it.
    pub tried: Option<&'a TableTried>,
    /// Whether the reader may send one.
    pub may_send: bool,
}

impl TablePage<'_> {
    /// The whole page.
    pub fn page(&self, frame: &Frame<'_>) -> String {
        frame.around(&html! {
            nav.crumbs aria-label="Breadcrumb" { ol { li { a href=(self.up.0) { (self.up.1) } } } }
            div.head {
                h1 { "Send " (self.what) " from a spreadsheet" }
                p.lead { "All or nothing: if anything is wrong, it is listed with its row and cell, and nothing is saved." }
            }
            @if let Some(fault) = self.fault {
                div.errors { div role="alert" { h2 { "There is a problem" } p { "Nothing has been saved." } ul { li { a href="#pasted" { (in_code(fault)) } } } } }
            }
            @if let Some(tried) = self.tried { (outcome(tried)) }
            @if !self.templates.is_empty() {
                h2 { "Files to fill in" }
                p { "Each has a row for every figure that is owed, with last figures and targets beside it." }
                ul { @for (title, address) in self.templates { li { a href=(address) { (title) } } } }
            }
            @if self.may_send { (self.form(frame)) }
        })
    }

    fn form(&self, frame: &Frame<'_>) -> Markup {
        html! {
            form method="post" action=(self.here) enctype="multipart/form-data" {
                (form_token(frame.person))
                div.field {
                    label for="pasted" { "Paste the cells here" }
                    span.hint #pasted-h { "With their headings: " (self.needs) ". Other columns are left out." }
                    textarea #pasted name="pasted" rows="8" spellcheck="false" aria-describedby="pasted-h" { "\n" (self.pasted) }
                }
                p.or { "or" }
                div.field {
                    label for="file" { "Choose a file" }
                    span.hint #file-h { "An Excel workbook (.xlsx) or CSV. After a check, choose it again to save it." }
                    input type="file" #file name="file" accept=".xlsx,.csv,.txt" aria-describedby="file-h";
                }
                div.btns {
                    button.btn.alt name="do" value="check" { "Check" }
                    button.btn name="do" value="save" { "Save if nothing is wrong" }
                    button.btn.alt name="do" value="mark" { "Check, and send it back with each cell marked" }
                }
            }
        }
    }
}

fn outcome(tried: &TableTried) -> Markup {
    let (mistakes, wrong) = &tried.mistakes;
    let (warnings, odd) = &tried.warnings;
    let (moves, turned) = &tried.moves;
    html! {
        @if *wrong > 0 {
            div.errors { div role="alert" {
                h2 { "There is a problem" }
                p { (tried.says) }
                (findings(mistakes, *wrong))
            } }
        } @else {
            div.effects role="status" {
                h2 { @if tried.is_saved { "Saved" } @else { "Checked, and nothing saved yet" } }
                p { (tried.says) }
                @if *turned > 0 {
                    p { (counted(*turned, "status", "statuses")) @if tried.is_saved { " changed:" } @else { " would change:" } }
                    ul {
                        @for one in moves { li { (turn(one)) } }
                        @if let Some(more) = more(moves.len(), *turned) { li { (more) } }
                    }
                } @else { p { "No status changes." } }
            }
        }
        @if *odd > 0 { section { h2 { "To look at" } (findings(warnings, *odd)) } }
        @if !tried.ignored.is_empty() {
            section { h2 { "Columns that were not read" } ul { @for (column, why) in &tried.ignored { li { code { (column) } ": " (in_code(why)) } } } }
        }
    }
}

/// How many more there are than are shown.
fn more(shown: usize, all: u64) -> Option<String> {
    let more = all.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
    (more > 0).then(|| format!("and {more} more"))
}

fn findings(findings: &[Finding], all: u64) -> Markup {
    html! {
        ul {
            @for finding in findings { li {
                @match (&finding.cell, finding.row) {
                    (Some(cell), _) => { b { "Cell " (cell) } ": " },
                    (None, Some(row)) => { b { "Row " (row) } ": " },
                    (None, None) => {},
                }
                (in_code(&finding.detail))
            } }
            @if let Some(more) = more(findings.len(), all) { li { (more) "; the marked file lists them all" } }
        }
    }
}

fn turn(one: &Moved) -> Markup {
    let shown = |stood: &Stood| {
        html! { (marks::status(stood.status)) @if let Some(text) = &stood.reported_text { " (" (words::typed(text)) ")" } }
    };
    html! {
        b { (one.kpi) } ", " (one.period.label) @if one.group != "all" { ", " (one.group) } ": "
        @if let Some(before) = &one.before { (shown(before)) " to " }
        @match &one.after { Some(after) => (shown(after)), None => "no figure" }
    }
}

/// What came of a folder that holds a whole plan.
#[derive(Debug, Default)]
pub struct FolderTried {
    /// The plan that was or would be loaded; `None` if something is wrong.
    pub loaded: Option<PlanCode>,
    /// Whether it was saved.
    pub was_saved: bool,
    /// In a sentence.
    pub says: String,
    /// What is wrong: as much as is shown, and how much there is.
    pub mistakes: (Vec<String>, u64),
    /// What should be looked at, likewise.
    pub warnings: (Vec<String>, u64),
    /// The files, with how many rows each has.
    pub files: Vec<(String, u64)>,
}

/// The form that sends a folder with a whole plan, and what came of one.
pub fn folder(person: Person<'_>, tried: Option<&FolderTried>) -> Markup {
    let listed = |(shown, all): &(Vec<String>, u64)| {
        html! { ul { @for one in shown { li { (in_code(one)) } } @if let Some(more) = more(shown.len(), *all) { li { (more) } } } }
    };
    html! {
        section {
            h2 #all { "Or all at once" }
            @if let Some(tried) = tried {
                @if tried.loaded.is_none() {
                    div.errors { div role="alert" { h2 { "There is a problem" } p { (tried.says) } (listed(&tried.mistakes)) } }
                } @else {
                    div.effects role="status" {
                        h2 { "Checked, and nothing saved yet" }
                        p { (tried.says) }
                        ul { @for (file, rows) in &tried.files { li { code { (file) } ": " (counted(*rows, "row", "rows")) } } }
                        @if tried.warnings.1 > 0 { h3 { "To look at" } (listed(&tried.warnings)) }
                    }
                }
            }
            p {
                "A folder of CSV files that holds a whole plan, packed as a ZIP archive: "
                code { "plan.csv" } ", " code { "kpis.csv" } ", " code { "targets/" } ", " code { "readings/" } " and the rest, as "
                code { "waymark export" } " writes it. It is tried first: each mistake is listed, and nothing is saved until all is right."
            }
            form method="post" action="/new-plan/folder" enctype="multipart/form-data" {
                (form_token(Some(person)))
                div.field {
                    label for="code" { "Code of the plan" }
                    span.hint #code-h { "If it is to differ from the one in " code { "plan.csv" } "." }
                    input #code name="code" size="30" autocomplete="off" aria-describedby="code-h";
                }
                div.field { label for="whole" { "The whole plan, as a ZIP archive" } input type="file" #whole name="file" accept=".zip"; }
                div.btns { button.btn.alt name="do" value="try" { "Try it" } button.btn name="do" value="load" { "Load it if nothing is wrong" } }
            }
        }
    }
}
