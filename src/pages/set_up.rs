//! Setting a plan up: what is done and what is still to do, lists of things, and the form of one of them.

use chrono::{DateTime, Utc};
use maud::{Markup, PreEscaped, html};

use super::editor::{Choice, Fields};
use super::frame::{Frame, form_token};
use super::{in_code, marks, words};
use crate::domain::wording::counted;
use crate::programme::reports::policy_trial::{PolicyTrial, TriedStatus, TriedTotals};

/// One step of setting a plan up.
#[derive(Debug)]
pub struct Step {
    /// What it is about.
    pub title: &'static str,
    /// Where it is done.
    pub address: String,
    /// What there is, or what is lacking.
    pub says: String,
    /// Whether nothing is lacking.
    pub is_done: bool,
}

/// What is done of setting a plan up, and what is not; and what else there is to look after.
pub fn checklist(frame: &Frame<'_>, steps: &[Step], others: &[(String, &str, &str)]) -> String {
    let done = steps.iter().filter(|step| step.is_done).count();
    frame.around(&html! {
        div.head {
            p.over-h1 { "Set-up" }
            h1 { (done) " of " (steps.len()) " steps are done" }
            p.lead { "In any order; everything can be changed later, and what it was before is kept." }
        }
        ol.steps { @for step in steps { li {
            a href=(step.address) { (step.title) }
            p { (step.says) }
            @if step.is_done { span.done { svg.a aria-hidden="true" { (PreEscaped("<use href=\"#tick\"/>")) } "Done" } }
            @else { span.done.todo { "To do" } }
        } } }
        h2 { "Also here" }
        ul.steps { @for (address, title, says) in others { li { a href=(address) { (title) } p { (says) } } } }
    })
}

/// One thing in a list.
#[derive(Debug)]
pub struct Line {
    /// What it is called.
    pub title: String,
    /// What it is known by.
    pub code: String,
    /// Whether people know it by that.
    pub is_named: bool,
    /// Where it is changed, if it can be.
    pub address: Option<String>,
    /// What else is said of it.
    pub notes: String,
    /// The state it is in, which removing it names; `None` if it is not removed here.
    pub state: Option<String>,
}

/// The things of a kind, and the form of another.
#[derive(Debug)]
pub struct ListPage<'a> {
    /// Several of them.
    pub many: &'a str,
    /// One of them, with its article.
    pub one: &'a str,
    /// What they are for.
    pub lead: &'a str,
    /// What removing one is called.
    pub remove: &'a str,
    /// The page's address, which the form is sent to.
    pub here: &'a str,
    /// Where the list of everything is, with what it is called.
    pub up: Option<(String, &'a str)>,
    /// The things; `None` where none are listed.
    pub lines: Option<&'a [Line]>,
    /// The form; `None` for those who may not make one.
    pub form: Option<Fields<'a>>,
    /// Whether somebody came here to make one.
    pub is_open: bool,
    /// What was just made and is shown here and never again.
    pub secret: Option<&'a str>,
    /// What was just made or changed, by its code.
    pub saved: Option<&'a str>,
    /// What stands after it.
    pub after: Markup,
}

fn crumb(up: Option<&(String, &str)>) -> Markup {
    html! { @if let Some((address, title)) = up { nav.crumbs aria-label="Breadcrumb" { ol { li { a href=(address) { (title) } } } } } }
}

/// What a secret is shown in, once.
fn secret(secret: Option<&str>) -> Markup {
    html! {
        @if let Some(secret) = secret {
            div.say role="status" {
                p { b { "Copy this now: it is shown here and never again." } }
                p { code { (secret) } }
            }
        }
    }
}

impl ListPage<'_> {
    /// The whole page.
    pub fn page(&self, frame: &Frame<'_>) -> String {
        let is_wrong = self.form.is_some_and(|form| !form.faults.is_empty());
        let lines = self.lines.unwrap_or_default();
        frame.around(&html! {
            (crumb(self.up.as_ref()))
            div.head { h1 { (self.many) } p.lead { (self.lead) } }
            @if let Some(form) = &self.form { (form.summary()) }
            (secret(self.secret))
            @if let Some(line) = self.saved.and_then(|saved| lines.iter().find(|line| line.code == saved)) {
                div.say role="status" { p { "Saved: " a href={ "#" (anchor(&line.code)) } { (line.title) } "." } }
            }
            @if let Some(lines) = self.lines { (self.list(frame, lines)) }
            @if let Some(form) = &self.form {
                details.new open[is_wrong || self.is_open || lines.is_empty()] {
                    summary { h2 { "Add " (self.one) } }
                    form method="post" action=(self.here) novalidate {
                        (form_token(frame.person))
                        (form.shown(true))
                        div.btns { button.btn name="do" value="make" { "Add " (self.one) } }
                    }
                }
            }
            (self.after)
        })
    }

    fn list(&self, frame: &Frame<'_>, lines: &[Line]) -> Markup {
        let is_named = lines.iter().any(|line| line.is_named);
        html! {
            @if lines.is_empty() { p.quiet { "There are none yet." } }
            @else {
                div.scroll role="region" aria-labelledby="list-cap" tabindex="0" { table {
                    caption.vh #list-cap { (self.many) }
                    thead { tr { th scope="col" { "Title" } @if is_named { th scope="col" { "Code" } } th scope="col" { "More" } @if !self.remove.is_empty() { th scope="col" { span.vh { "Remove" } } } } }
                    tbody { @for line in lines { tr id=(anchor(&line.code)) {
                        th scope="row" { @match &line.address { Some(address) => a href=(address) { (line.title) }, None => (line.title) } }
                        @if is_named { td { code { (line.code) } } }
                        td { (words::typed(&line.notes)) }
                        @if !self.remove.is_empty() { td { @if let Some(state) = &line.state {
                            form method="post" action=(self.here) {
                                (form_token(frame.person))
                                input type="hidden" name="code" value=(line.code);
                                input type="hidden" name="version" value=(state);
                                button.link name="do" value="remove" { (self.remove) span.vh { " " (line.title) } }
                            }
                        } } }
                    } } }
                } }
            }
        }
    }
}

fn anchor(code: &str) -> String {
    format!("of-{code}")
}

/// The form of one thing.
#[derive(Debug)]
pub struct EditPage<'a> {
    /// What it is called.
    pub title: &'a str,
    /// What it is known by; empty if people do not know it by that.
    pub code: &'a str,
    /// The page's address, which the form is sent to.
    pub here: &'a str,
    /// Where the list of its kind is, with what that is called.
    pub up: Option<(String, &'a str)>,
    /// The form; `None` for those who may not change it.
    pub form: Option<Fields<'a>>,
    /// The state it is in, which a change names.
    pub state: &'a str,
    /// What else can be done with it: what is sent, and what is read.
    pub acts: &'a [Choice],
    /// What was just made and is shown here and never again.
    pub secret: Option<&'a str>,
    /// Whether somebody changed it while the form was filled in.
    pub is_overtaken: bool,
    /// What stands before the form: what a trial came to, messages that were sent, notes.
    pub before: Markup,
}

impl EditPage<'_> {
    /// The whole page.
    pub fn page(&self, frame: &Frame<'_>) -> String {
        frame.around(&html! {
            (crumb(self.up.as_ref()))
            div.head { @if !self.code.is_empty() { p.over-h1 { code { (self.code) } } } h1 { (self.title) } }
            @if self.is_overtaken {
                div.errors { div role="alert" {
                    h2 { "Somebody changed this after you opened the page" }
                    p { "Nothing of yours has been saved. What you had changed stands in the form; everything else is as it is now. Check it and save again." }
                } }
            }
            @if let Some(form) = &self.form { (form.summary()) }
            (secret(self.secret))
            (self.before)
            @if let Some(form) = &self.form {
                form method="post" action=(self.here) novalidate {
                    (form_token(frame.person))
                    input type="hidden" name="version" value=(self.state);
                    (form.shown(false))
                    div.btns {
                        button.btn name="do" value="save" { "Save" }
                        @for act in self.acts { button.btn.alt name="do" value=(act.value) { (act.words) } }
                    }
                }
            }
        })
    }
}

/// What past periods would have been under a changed policy.
pub fn trial(trial: &PolicyTrial) -> Markup {
    let changed: usize = trial.periods.iter().map(|period| period.changed.len()).sum();
    html! {
        div.effects role="status" {
            h2 { "Tried, and nothing saved" }
            p { "Under this policy " (counted(u64::try_from(changed).unwrap_or(u64::MAX), "status or band", "statuses or bands")) " of the periods below would change, assessed with today's figures and targets." }
        }
        div.scroll role="region" aria-labelledby="trial-cap" tabindex="0" { table {
            caption #trial-cap { "Each period as it is, and as it would be" }
            thead { tr { th scope="col" { "Period" } th scope="col" { "As it is" } th scope="col" { "As it would be" } th scope="col" { "KPIs that would change" } } }
            tbody { @for tried in &trial.periods { tr {
                th scope="row" { (tried.period.label()) }
                td { (totals(&tried.before)) }
                td { (totals(&tried.after)) }
                td { @if tried.changed.is_empty() { "none" } @else { ul { @for kpi in &tried.changed { li {
                    b { (kpi.kpi) } " from " (standing(&kpi.before)) " to " (standing(&kpi.after))
                } } } } }
            } } }
        } }
    }
}

/// A status with its band.
fn standing(one: &TriedStatus) -> Markup {
    html! { (marks::status(one.status)) @if let Some(band) = &one.band { " (" (band) ")" } }
}

fn totals(totals: &TriedTotals) -> Markup {
    html! { (marks::tag(totals.headline.status)) br; (marks::mini(&totals.counts.status)) }
}

/// One attempt to deliver a message.
#[derive(Debug)]
pub struct Attempt {
    /// What it reported.
    pub event: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Which attempt it was.
    pub attempt: i32,
    /// What came of it.
    pub outcome: String,
    /// What the answer was, and what went wrong.
    pub detail: String,
}

/// The messages of a webhook, latest first.
pub fn deliveries(attempts: &[Attempt], switched_off: Option<&str>) -> Markup {
    html! {
        @if let Some(why) = switched_off { div.say { p { b { "Nothing is sent: " } (in_code(why)) } } }
        h2 { "Messages that were sent" }
        @if attempts.is_empty() { p.quiet { "There are none yet." } }
        @else {
            div.scroll role="region" aria-labelledby="sent-cap" tabindex="0" { table {
                caption.vh #sent-cap { "Messages that were sent, latest first" }
                thead { tr { th scope="col" { "When" } th scope="col" { "What" } th scope="col" { "Attempt" } th scope="col" { "Outcome" } } }
                tbody { @for one in attempts { tr {
                    th scope="row" { (words::moment(one.at)) }
                    td { (one.event) }
                    td { (one.attempt) }
                    td { (one.outcome.replace('_', " ")) @if !one.detail.is_empty() { ": " (one.detail) } }
                } } }
            } }
        }
        h2 { "Change it" }
    }
}

/// A note on an action's progress.
#[derive(Debug)]
pub struct NoteLine {
    /// When.
    pub at: DateTime<Utc>,
    /// By whom, for those who may know.
    pub by: Option<String>,
    /// What it says.
    pub text: String,
}

/// What was said of an action's progress, and the form to say more.
pub fn notes(frame: &Frame<'_>, here: &str, notes: &[NoteLine], fault: Option<&str>) -> Markup {
    html! {
        h2 { "Progress" }
        @if notes.is_empty() { p.quiet { "There are no notes yet." } }
        @else { ul { @for note in notes { li { (words::typed(&note.text)) " " span.quiet { (words::moment(note.at)) @if let Some(by) = &note.by { ", " (by) } } } } } }
        form method="post" action=(here) {
            (form_token(frame.person))
            div.field {
                label for="note" { "Add a note" }
                @if let Some(fault) = fault { p.err #note-e { span.vh { "Error: " } (in_code(fault)) } }
                textarea #note name="note" rows="2" aria-describedby=[fault.map(|_| "note-e")] aria-invalid=[fault.map(|_| "true")] {}
            }
            div.btns { button.btn.alt name="do" value="note" { "Add the note" } }
        }
        h2 { "The action" }
    }
}

/// One entry of a plan's journal.
#[derive(Debug)]
pub struct EntryLine {
    /// Its place.
    pub number: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// What was done, to what.
    pub what: String,
    /// Why.
    pub reason: String,
    /// What changed, member by member: what it was and what it is.
    pub changes: Vec<(String, String, String)>,
}

/// A stretch of a plan's journal.
pub fn journal(
    frame: &Frame<'_>,
    up: &(String, &str),
    entries: &[EntryLine],
    (earlier, later): (Option<String>, Option<String>),
) -> String {
    frame.around(&html! {
        (crumb(Some(up)))
        div.head { h1 { "Journal" } p.lead { "Every change to the plan, who made it and when. An entry is never changed or removed." } }
        @if entries.is_empty() { p.quiet { "There are no entries here." } }
        @else {
            div.scroll role="region" aria-labelledby="journal-cap" tabindex="0" { table {
                caption.vh #journal-cap { "Entries, latest first" }
                thead { tr { th scope="col" { "No." } th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "What changed" } } }
                tbody { @for entry in entries { tr {
                    th scope="row" { (entry.number) }
                    td { (words::moment(entry.at)) }
                    td { (entry.by) }
                    td { (entry.what) @if !entry.reason.is_empty() { br; span.quiet { "Why: " (words::typed(&entry.reason)) } } }
                    td {
                        @if !entry.changes.is_empty() { details {
                            summary { (counted(u64::try_from(entry.changes.len()).unwrap_or(u64::MAX), "member", "members")) }
                            ul { @for (name, was, is) in &entry.changes { li { b { (name) } ": " @if !was.is_empty() { (was) " → " } (if is.is_empty() { "nothing" } else { is }) } } }
                        } }
                    }
                } } }
            } }
        }
        nav.pages aria-label="Pages" {
            @if let Some(later) = &later { a rel="prev" href=(later) { "Later entries" } }
            @if let Some(earlier) = &earlier { a rel="next" href=(earlier) { "Earlier entries" } }
        }
    })
}
