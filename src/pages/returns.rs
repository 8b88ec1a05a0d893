//! Returns: what a sub-group owes, a form to fill in that states what each figure would change, and its way to being signed off.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use maud::{Markup, html};
use sha2::{Digest, Sha256};

use super::frame::{Frame, Person, form_token};
use super::scorecard::goal;
use super::{in_code, marks, words};
use crate::domain::assess::{Assessment, DataState};
use crate::domain::kpi::{Kpi, Unit};
use crate::domain::plan::Organisation;
use crate::domain::policy::Status;
use crate::domain::round::{Lacking, Progress, ReturnState};
use crate::domain::warning::Warning;
use crate::domain::wording::{counted, sentence};
use crate::programme::Seen;
use crate::programme::figures::effects::{Level, Move, RollUpMove, Standing, Through};
use crate::programme::rounds::returns::{PostedReturn, ReturnLine, ReturnReport};

/// What stands in the fields of a figure, by the field's name.
pub type Typed = BTreeMap<&'static str, String>;

/// The fields of a figure that can be wrong, in their order.
pub const FIELDS: [&str; 6] = ["value", "numerator", "denominator", "nil_return", "commentary", "reason"];

/// Something wrong in the form.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which figure of the return, by its place.
    pub line: usize,
    /// Which field of it.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub detail: String,
}

/// A return's page as its reader sees it.
#[derive(Debug)]
pub struct ReturnPage<'a> {
    /// The return as it is.
    pub report: &'a ReturnReport,
    /// The plan that it is of.
    pub seen: &'a Seen,
    /// Who looks at it.
    pub person: Person<'a>,
    /// What they may do with it.
    pub may: May,
    /// What stands in the form, figure by figure.
    pub typed: &'a [Typed],
    /// What saving it would do, if that was tried.
    pub tried: Option<&'a PostedReturn>,
    /// What is wrong.
    pub faults: &'a [Fault],
    /// What has to be looked at again before the figures are saved, and what says that it was.
    pub to_confirm: Option<&'a str>,
    /// What was done last.
    pub done: Option<Done>,
}

/// What somebody may do with a return.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a right of its own")]
pub struct May {
    /// Enter figures of some of its KPIs.
    pub fill: bool,
    /// Submit it.
    pub submit: bool,
    /// Sign it off or send it back: not who submitted it.
    pub decide: bool,
    /// Reopen it.
    pub reopen: bool,
}

/// What was done with a return last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Its figures were saved.
    Saved,
    /// It was submitted.
    Submitted,
    /// It was signed off.
    SignedOff,
    /// It was sent back.
    SentBack,
    /// It was reopened.
    Reopened,
}

impl Done {
    /// All of them, with the word that stands in the address.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Saved, "saved"),
        (Self::Submitted, "submitted"),
        (Self::SignedOff, "signed-off"),
        (Self::SentBack, "returned"),
        (Self::Reopened, "reopened"),
    ];

    fn words(self) -> &'static str {
        match self {
            Self::Saved => "The figures are saved.",
            Self::Submitted => "The return is submitted. Another person signs it off.",
            Self::SignedOff => "The return is signed off. Its figures are locked.",
            Self::SentBack => "The return was sent back with your note.",
            Self::Reopened => "The return is open again.",
        }
    }
}

/// What a figure's fields are named after, unlike any other of the return: `NI-117.FY2010-11-Q1`. No code holds a full stop.
pub fn name_of(one: &Assessment) -> String {
    let group = if one.group.is_all() { String::new() } else { format!(".{}", one.group) };
    format!("{}.{}{group}", one.kpi, one.period)
}

/// The field that states what stood in a figure's fields when the page was made.
pub const WAS: &str = "was";

/// What tells these contents of a figure's fields from any others, apart from how their lines end and what blanks surround them.
pub fn mark_of(typed: &Typed) -> String {
    let mut digest = Sha256::new();
    for (field, text) in typed {
        digest.update(format!("{field}={}\n", text.trim().replace("\r\n", "\n")));
    }
    URL_SAFE_NO_PAD.encode(digest.finalize()).chars().take(16).collect()
}

/// What stands in the fields of a figure that is not typed yet: what is stored.
pub fn stored(line: &ReturnLine, kpi: &Kpi) -> Typed {
    let one = &line.assessment;
    let mut typed = Typed::new();
    let mut put = |name, text: Option<String>| {
        if let Some(text) = text {
            typed.insert(name, text);
        }
    };
    let has_numbers = one.numerator.is_some();
    if !has_numbers || kpi.standardised {
        put("value", one.value.map(|value| value.to_string()));
    }
    put("numerator", one.numerator.map(|value| value.to_string()));
    put("denominator", one.denominator.map(|value| value.to_string()));
    put("commentary", line.commentary.clone());
    put("provisional", (one.data_state == DataState::Provisional).then(|| "on".to_owned()));
    typed
}

impl ReturnPage<'_> {
    /// What the page is called.
    pub fn title(&self) -> String {
        let error = if self.faults.is_empty() { "" } else { "Error: " };
        format!("{error}Return {}, {}", self.report.period.label(), self.report.title)
    }

    /// The whole page.
    pub fn page(&self, frame: &Frame<'_>) -> String {
        frame.around(&self.content())
    }

    fn content(&self) -> Markup {
        let is_open = matches!(self.report.state, ReturnState::Open | ReturnState::Returned);
        html! {
            (self.errors())
            @if let Some(done) = self.done { div.effects role="status" { p { b { (done.words()) } } } }
            div.head {
                p.over-h1 { "Return, " (self.report.period.label()) }
                h1 { (self.report.title) }
                p.lead { (self.lead()) }
            }
            (self.stages())
            @if let (ReturnState::Returned, Some(note)) = (self.report.state, &self.report.note) {
                div.say { p { b { "Returned with this note: " } (note) } }
            }
            @if let Some(tried) = self.tried { (self.effects(tried)) }
            @if is_open && self.may.fill { (self.form()) (self.submission()) }
            @else { (self.table()) (self.decision()) }
        }
    }

    fn errors(&self) -> Markup {
        let wrong = self.faults.len();
        html! {
            @if wrong > 0 {
                div.errors { div role="alert" {
                    h2 { "There is a problem" }
                    p { "Nothing has been saved. " (if wrong == 1 { "One thing is wrong:".to_owned() } else { format!("{wrong} things are wrong:") }) }
                    ul { @for fault in self.faults { li { a href={ "#" (self.id(fault)) } { (self.place(fault)) ": " (in_code(&fault.detail)) } } } }
                } }
            } @else if self.to_confirm.is_some() {
                div.errors { div role="alert" {
                    h2 { "Please check" }
                    p { "Nothing has been saved yet. If these are right, save again." }
                    ul { @for warning in self.warnings() { li { (warning_words(warning)) } } }
                } }
            }
        }
    }

    fn warnings(&self) -> &[Warning] {
        self.tried.map_or(&[], |tried| &tried.warnings)
    }

    /// The field that a fault is in.
    fn id(&self, fault: &Fault) -> String {
        let name = self.report.lines.get(fault.line).map(|line| name_of(&line.assessment)).unwrap_or_default();
        format!("{name}-{}", fault.field)
    }

    fn place(&self, fault: &Fault) -> String {
        self.report.lines.get(fault.line).map_or_else(String::new, |line| self.figure_name(&line.assessment))
    }

    /// `NI-117`, or if the return holds more than one period of it `LI-NEET-MONTHLY, Jun 2010`.
    fn figure_name(&self, one: &Assessment) -> String {
        let group = self.seen.groups().get(&one.group).filter(|_| !one.group.is_all());
        let group = group.map_or_else(String::new, |title| format!(", {title}"));
        if one.period == self.report.period {
            format!("{}{group}", one.kpi)
        } else {
            format!("{}, {}{group}", one.kpi, one.period.label())
        }
    }

    fn lead(&self) -> String {
        let Progress { owed, reported, in_time, .. } = self.report.progress;
        let due = words::day(self.report.due_at);
        let missing = owed.saturating_sub(reported);
        match (self.report.state, self.report.submitted_at, self.report.signed_off_at) {
            (ReturnState::SignedOff, _, Some(at)) => {
                format!("Signed off on {}: {reported} of {owed} figures, {in_time} of them in time.", words::moment(at))
            }
            (ReturnState::Submitted, Some(at), _) => {
                format!("Submitted on {}: {reported} of {owed} figures, {in_time} of them in time.", words::moment(at))
            }
            _ if missing == 0 => format!("All {owed} figures are in. They are due by the end of {due}."),
            _ => format!("{missing} of {} still to come, due by the end of {due}.", counted(owed, "figure", "figures")),
        }
    }

    fn stages(&self) -> Markup {
        let stage = |is_here: bool, words: &str| html! { li aria-current=[is_here.then_some("step")] { (words) } };
        html! {
            ol.state aria-label="Where the return stands" {
                (stage(self.report.state == ReturnState::Open, "Open: figures are being entered"))
                @if self.report.state == ReturnState::Returned { (stage(true, "Returned with a note: figures are being corrected")) }
                (stage(self.report.state == ReturnState::Submitted, "Submitted"))
                (stage(self.report.state == ReturnState::SignedOff, "Signed off by another person"))
            }
        }
    }

    /// What the right figures would change.
    fn effects(&self, tried: &PostedReturn) -> Markup {
        let itself = tried.effects.iter().filter(|one| one.through == Through::Itself);
        let turned = itself.filter(|one| is_turned(one));
        let elsewhere = tried.effects.iter().filter(|one| one.through != Through::Itself && is_turned(one)).count();
        let rolled =
            tried.roll_ups.iter().filter(|one| one.period == self.report.period && one.level != Level::Priority);
        let right = tried.created + tried.revised + tried.unchanged;
        html! {
            div.effects {
                h2 #fx-h { "What " (counted(right, "right figure", "right figures")) " would change" }
                ul {
                    @for one in turned { li { (turn(one)) } }
                    li { (counted(tried.created, "new figure", "new figures")) ", " (tried.revised) " changed, " (tried.unchanged) " as they are" }
                    @if elsewhere > 0 { li { (counted(u32::try_from(elsewhere).unwrap_or(u32::MAX), "other period or gap", "other periods or gaps")) " would change status with them" } }
                    @for one in rolled { li { (rolled_up(one)) } }
                }
                @if self.to_confirm.is_none() && !tried.warnings.is_empty() {
                    p { b { "To check: " } (counted(u32::try_from(tried.warnings.len()).unwrap_or(u32::MAX), "thing", "things")) ". They do not stop you." }
                    ul { @for warning in &tried.warnings { li { (warning_words(warning)) } } }
                }
                p.small.quiet { "Nothing is saved until you save." }
            }
        }
    }

    fn address(&self) -> String {
        format!("/plans/{}/returns/{}/{}", self.report.plan, self.report.period, self.report.sub_group)
    }

    fn form(&self) -> Markup {
        html! {
            section {
                h2 #figures { "Figures" }
                form method="post" action=(self.address()) {
                    (form_token(Some(self.person)))
                    @if let Some(seen) = self.to_confirm { input type="hidden" name="confirmed" value=(seen); }
                    @for (place, line) in self.report.lines.iter().enumerate() { (self.line(place, line)) }
                    div.btns {
                        button.btn name="do" value="check" { "Check what this would change" }
                        button.btn.alt name="do" value="save" { @if self.to_confirm.is_some() { "Save although there is something to check" } @else { "Save figures" } }
                    }
                }
            }
        }
    }

    fn line(&self, place: usize, line: &ReturnLine) -> Markup {
        let one = &line.assessment;
        let name = name_of(one);
        let Ok(seen) = self.seen.kpi(&one.kpi) else { return Markup::default() };
        let kpi = seen.definition();
        let group = self.seen.groups().get(&one.group).filter(|_| !one.group.is_all());
        let by_numbers =
            self.typed.get(place).is_some_and(|typed| typed.contains_key("numerator")) && !kpi.standardised;
        let effect = format!("{name}-fx");
        html! {
            fieldset.owe #(name) {
                input type="hidden" name={ (name) "." (WAS) } value=(mark_of(&stored(line, &kpi)));
                legend { (one.title) @if let Some(group) = group { ", " (group) } " " small { (one.kpi) ", " (one.period.label()) } }
                div.row {
                    dl.last {
                        dt { "Last figure" }
                        dd { @match &line.last {
                            Some(last) => { (words::typed(last.reported_text.as_deref().unwrap_or("nil return"))) " in " (last.period.label()) },
                            None => "none yet",
                        } }
                        dt { "Target" } dd { (goal(one)) }
                        @if let Some(lead) = &line.lead_organisation {
                            dt { "Leads" } dd { (self.seen.all::<Organisation>().get(lead).map_or(lead.as_str(), |lead| lead.value.title.as_str())) }
                        }
                        dt { "Due" } dd { (words::day(line.due_at)) }
                        @if !line.definition.is_empty() {
                            dt.vh { "Definition" }
                            dd.dd { details { summary { "Definition" span.vh { " of " (one.kpi) } } p { (line.definition) } } }
                        }
                    }
                    div {
                        @if by_numbers { (self.entry_of_numbers(place, &name)) (self.others(place, &name, &kpi, line, "value")) }
                        @else { (self.entry_of_value(place, &name, &kpi)) (self.others(place, &name, &kpi, line, "numbers")) }
                    }
                    div {
                        div.field {
                            (self.fault_at(place, &name, "commentary"))
                            label for={ (name) "-commentary" } { "Commentary" }
                            textarea id={ (name) "-commentary" } name={ (name) ".commentary" } rows="3" maxlength="4000" aria-describedby=(effect) {
                                (self.text(place, "commentary"))
                            }
                        }
                        (self.effect(&effect, place, line))
                    }
                }
            }
        }
    }

    fn text(&self, place: usize, field: &str) -> &str {
        self.typed.get(place).and_then(|typed| typed.get(field)).map_or("", String::as_str)
    }

    fn fault(&self, place: usize, field: &str) -> Option<&Fault> {
        self.faults.iter().find(|fault| fault.line == place && fault.field == field)
    }

    fn fault_at(&self, place: usize, name: &str, field: &str) -> Markup {
        html! {
            @if let Some(fault) = self.fault(place, field) {
                p.err id={ (name) "-" (field) "-e" } { span.vh { "Error: " } (in_code(&fault.detail)) }
            }
        }
    }

    /// A field for one number.
    fn number(&self, place: usize, name: &str, field: &str, label: &str) -> Markup {
        let is_wrong = self.fault(place, field).is_some();
        let id = format!("{name}-{field}");
        html! {
            span {
                label for=(id) { (label) } br;
                input #(id) class={ "in-num" @if is_wrong { " bad" } } name={ (name) "." (field) } inputmode="decimal" autocomplete="off"
                    value=(self.text(place, field)) aria-invalid=[is_wrong.then_some("true")] aria-describedby=[is_wrong.then(|| format!("{id}-e"))];
            }
        }
    }

    fn provisional(&self, place: usize, name: &str) -> Markup {
        let id = format!("{name}-provisional");
        html! {
            span.tick { label for=(id) {
                input #(id) type="checkbox" name={ (name) ".provisional" } checked[!self.text(place, "provisional").is_empty()];
                "Provisional"
            } }
        }
    }

    fn entry_of_value(&self, place: usize, name: &str, kpi: &Kpi) -> Markup {
        html! {
            div.field.entry {
                (self.fault_at(place, name, "value"))
                div.pair { (self.number(place, name, "value", &format!("Figure{}", unit_words(kpi)))) }
                (self.provisional(place, name))
            }
        }
    }

    fn entry_of_numbers(&self, place: usize, name: &str) -> Markup {
        html! {
            div.field.entry {
                (self.fault_at(place, name, "numerator")) (self.fault_at(place, name, "denominator"))
                div.pair {
                    (self.number(place, name, "numerator", "Numerator")) span.op { "of" } (self.number(place, name, "denominator", "Denominator"))
                }
                (self.provisional(place, name))
            }
        }
    }

    /// The other ways to report, and why a figure is changed: closed until they are asked for, or hold something.
    fn others(&self, place: usize, name: &str, kpi: &Kpi, line: &ReturnLine, other: &str) -> Markup {
        let holds = |fields: &[&str]| {
            fields.iter().any(|field| !self.text(place, field).is_empty() || self.fault(place, field).is_some())
        };
        let of = html! { span.vh { " for " (line.assessment.kpi) } };
        let has_numbers = matches!(kpi.unit, Unit::Percentage | Unit::Rate | Unit::Ratio | Unit::Score);
        html! {
            div.others {
                @if other == "value" {
                    details open[holds(&["value"])] { summary { "Give the figure itself" (of) }
                        (self.fault_at(place, name, "value"))
                        (self.number(place, name, "value", &format!("Figure{}", unit_words(kpi))))
                    }
                } @else if has_numbers {
                    details open[holds(&["numerator", "denominator"])] { summary { "Give numerator and denominator" (of) }
                        (self.fault_at(place, name, "numerator")) (self.fault_at(place, name, "denominator"))
                        div.pair {
                            (self.number(place, name, "numerator", "Numerator")) span.op { "of" } (self.number(place, name, "denominator", "Denominator"))
                        }
                    }
                }
                (self.words_field(place, name, "nil_return", "No figure this time", "Why there is none (nil return)", &of))
                @if line.reported_at.is_some() {
                    (self.words_field(place, name, "reason", "Say why it changes", "Why the figure changes", &of))
                }
            }
        }
    }

    fn words_field(&self, place: usize, name: &str, field: &str, summary: &str, label: &str, of: &Markup) -> Markup {
        let is_wrong = self.fault(place, field).is_some();
        let id = format!("{name}-{field}");
        html! {
            details open[is_wrong || !self.text(place, field).is_empty()] {
                summary { (summary) (of) }
                (self.fault_at(place, name, field))
                label for=(id) { (label) }
                input #(id) class=[is_wrong.then_some("bad")] name={ (name) "." (field) } maxlength="2000" value=(self.text(place, field))
                    aria-invalid=[is_wrong.then_some("true")] aria-describedby=[is_wrong.then(|| format!("{id}-e"))];
            }
        }
    }

    /// What a figure would change, or what it is.
    fn effect(&self, id: &str, place: usize, line: &ReturnLine) -> Markup {
        let one = &line.assessment;
        let is_wrong = self.faults.iter().any(|fault| fault.line == place);
        let tried = self.tried.and_then(|tried| {
            let is_there =
                |other: &&Move| (&other.kpi, other.period, &other.group) == (&one.kpi, one.period, &one.group);
            let moved = tried.effects.iter().find(is_there)?;
            let after = tried.r#return.lines.iter().map(|line| &line.assessment);
            let after = after
                .into_iter()
                .find(|other| (&other.kpi, other.period, &other.group) == (&one.kpi, one.period, &one.group))?;
            Some((moved, after))
        });
        html! {
            @match tried {
                _ if is_wrong => div.effect #(id) { p { "Correct the figure to see what it would change." } },
                Some((moved, after)) => div class={ "effect to-" (words::class(after.status)) } #(id) {
                    p { (turn(moved)) }
                    p { (words::typed(&after.explanation)) }
                },
                None if line.reported_at.is_some() => div class={ "effect to-" (words::class(one.status)) } #(id) {
                    p { "Reported: " (marks::status(one.status)) @if let Some(text) = &one.reported_text { " (" (words::typed(text)) ")" } "." }
                    @for lacks in &line.lacking { p.lacks { (sentence(lacks.words())) } }
                },
                None => div #(id) {},
            }
        }
    }

    fn submission(&self) -> Markup {
        let lacking: Vec<(&ReturnLine, Lacking)> =
            self.report.lines.iter().flat_map(|line| line.lacking.iter().map(move |lacks| (line, *lacks))).collect();
        html! {
            @if self.may.submit {
                section {
                    h2 #submit { "Submit the return" }
                    @if lacking.is_empty() { p { "All figures are in. Another person then signs the return off." } }
                    @else {
                        p { "Before you can submit:" }
                        ul { @for (line, lacks) in &lacking {
                            li.lacks { a href={ "#" (name_of(&line.assessment)) } { (self.figure_name(&line.assessment)) } ": " (lacks.words()) }
                        } }
                    }
                    form method="post" action=(self.address()) {
                        (form_token(Some(self.person)))
                        div.btns { button.btn name="do" value="submit" { "Submit for sign-off" } }
                    }
                }
            }
        }
    }

    /// The figures of a return that is not being filled in by the reader: off track first.
    fn table(&self) -> Markup {
        let mut lines: Vec<&ReturnLine> = self.report.lines.iter().collect();
        let rank = |status: Status| match status {
            Status::OffTrack => 0,
            Status::AtRisk => 1,
            Status::NotAssessed => 2,
            Status::OnTrack => 3,
        };
        lines.sort_by_key(|line| rank(line.assessment.status));
        html! {
            section {
                h2 #figures { "Figures, off track first" }
                div.scroll role="region" aria-labelledby="f-cap" tabindex="0" { table {
                    caption.vh #f-cap { "The figures of the return" }
                    thead { tr {
                        th scope="col" { "KPI" } th.r scope="col" { "Figure" } th.r scope="col" { "Last figure" } th.r scope="col" { "Target" }
                        th scope="col" { "Status" } th scope="col" { "Since a year before" } th scope="col" { "Commentary" }
                    } }
                    tbody { @for line in lines {
                        @let one = &line.assessment;
                        tr {
                            th scope="row" {
                                a href={ "/plans/" (self.report.plan) "/kpis/" (one.kpi) "?period=" (one.period) } { (one.title) }
                                small.code { (self.figure_name(one)) }
                            }
                            td.r { @match &one.reported_text { Some(text) => (words::typed(text)), None => (marks::none("no figure")) } (marks::flag(one.data_state)) }
                            td.r { @match line.last.as_ref().and_then(|last| last.reported_text.as_ref()) { Some(text) => (words::typed(text)), None => (marks::none("none")) } }
                            td.r { (goal(one)) }
                            td { (marks::status(one.status)) @if let Some(label) = &one.band_label { small.under-st { (label) } } }
                            td { (marks::direction(&one.travel.long)) }
                            td { (line.commentary.as_deref().unwrap_or_default()) }
                        }
                    } }
                } }
            }
        }
    }

    fn decision(&self) -> Markup {
        html! {
            @if self.report.state == ReturnState::Submitted && self.may.submit {
                section {
                    h2 #decide { "Your decision" }
                    div.two {
                        @if self.may.decide {
                            form method="post" action=(self.address()) {
                                (form_token(Some(self.person)))
                                h3 { "Sign off" }
                                p { "The figures stand as they are. They can then only be changed after the return is reopened, with a reason." }
                                div.btns { button.btn name="do" value="sign-off" { "Sign off the return" } }
                            }
                        } @else {
                            div { h3 { "Sign off" } p { "You submitted this return, so another person signs it off." } }
                        }
                        (self.words_form("return", "Return with a note", "What should be looked at again", "note", "Return it"))
                    }
                }
            }
            @if self.report.state == ReturnState::SignedOff && self.may.reopen {
                section { h2 #decide { "Reopen" } (self.words_form("reopen", "Reopen the return", "Why it is reopened", "reason", "Reopen it")) }
            }
        }
    }

    fn words_form(&self, step: &str, heading: &str, label: &str, field: &str, button: &str) -> Markup {
        html! {
            form method="post" action=(self.address()) {
                (form_token(Some(self.person)))
                h3 { (heading) }
                div.field {
                    label for=(field) { (label) }
                    span.hint id={ (field) "-h" } { "The sub-group sees it. Do not describe a child or a case." }
                    textarea #(field) name=(field) rows="4" maxlength="2000" required aria-describedby={ (field) "-h" } {}
                }
                div.btns { button.btn.alt name="do" value=(step) { (button) } }
            }
        }
    }
}

/// What a figure is counted in, after its label.
fn unit_words(kpi: &Kpi) -> String {
    match kpi.shown_unit() {
        Unit::Percentage => ", per cent".to_owned(),
        Unit::PercentagePoints => ", percentage points".to_owned(),
        Unit::Days => ", days".to_owned(),
        Unit::Currency => ", pounds".to_owned(),
        Unit::Rate => format!(", per {}", crate::domain::kpi::grouped(&kpi.multiplier.to_string())),
        Unit::Count | Unit::Score | Unit::Ratio => String::new(),
    }
}

/// Whether a move changes a status, or brings the first.
fn is_turned(one: &Move) -> bool {
    one.after.as_ref().is_some_and(|after| one.before.as_ref().is_none_or(|before| before.status != after.status))
}

/// `Would turn NI-117 from On track (3.9 %) to Off track (4.5 %).`
fn turn(one: &Move) -> Markup {
    let shown = |standing: &Standing| {
        html! { (marks::status(standing.status)) @if let Some(text) = &standing.reported_text { " (" (words::typed(text)) ")" } }
    };
    html! {
        @match (&one.before, &one.after) {
            (Some(before), Some(after)) if before.status != after.status => {
                "Would turn " (one.kpi) " from " (shown(before)) " to " (shown(after)) "."
            },
            (Some(_), Some(after)) => { (one.kpi) " would stay " (shown(after)) "." },
            (None, Some(after)) => { (one.kpi) ", " (one.period.label()) ", would be " (shown(after)) "." },
            _ => { (one.kpi) " would have no figure." },
        }
    }
}

/// `Be Healthy: 3 to 4 on track, 1 to 2 off track; at risk overall as before.`
fn rolled_up(one: &RollUpMove) -> Markup {
    let (was, is) = (&one.before, &one.after);
    let counts = marks::by_status(&was.counts).into_iter().zip(marks::by_status(&is.counts));
    let moved: Vec<String> = counts
        .filter(|((_, was), (_, is))| was != is)
        .map(|((status, was), (_, is))| format!("{was} to {is} {}", status.words()))
        .collect();
    let overall = if was.headline.status == is.headline.status {
        format!("{} overall as before", is.headline.status.words())
    } else {
        format!("{} overall, and no longer {}", is.headline.status.words(), was.headline.status.words())
    };
    html! { (one.title) ": " (moved.join(", ")) "; " (overall) "." }
}

fn warning_words(warning: &Warning) -> Markup {
    // What to send to acknowledge it is for programs: here it is confirmed by saving again.
    let detail = warning.detail.split("; if it is right, send `").next().unwrap_or_default();
    html! { @if let Some(kpi) = &warning.kpi { (kpi) @if let Some(period) = warning.period { ", " (period.label()) } ": " } (in_code(detail)) }
}

/// One return in a list of them.
#[derive(Debug)]
pub struct ReturnRow<'a> {
    /// The return.
    pub report: &'a ReturnReport,
}

/// What somebody owes, and how far the returns of the rounds are.
pub fn list(frame: &Frame<'_>, mine: &[ReturnRow<'_>], all: &[ReturnRow<'_>]) -> String {
    let missing: u32 =
        mine.iter().map(|row| row.report.progress.owed.saturating_sub(row.report.progress.reported)).sum();
    frame.around(&html! {
        div.head {
            p.over-h1 { "Returns" }
            h1 { @if mine.is_empty() { "You owe no figures" } @else { (counted(missing, "figure", "figures")) " to report" } }
        }
        @if let (false, Some(plan)) = (mine.is_empty(), frame.plan) {
            p { a href={ "/plans/" (plan.code) "/files/readings" } { "Paste figures from a spreadsheet, or send a file" } }
        }
        @if !mine.is_empty() { section { h2 #mine { "Yours to fill in" } (rows("Your returns", "m-cap", mine)) } }
        @if !all.is_empty() { section { h2 #all { "All returns" } (rows("All returns", "a-cap", all)) } }
        @if mine.is_empty() && all.is_empty() { p { "No round has opened yet. A programme manager makes rounds." } }
    })
}

fn rows(caption: &str, id: &str, rows: &[ReturnRow<'_>]) -> Markup {
    html! {
        div.scroll role="region" aria-labelledby=(id) tabindex="0" { table {
            caption.vh #(id) { (caption) }
            thead { tr {
                th scope="col" { "Return" } th scope="col" { "Period" } th scope="col" { "State" }
                th.r scope="col" { "Figures reported" } th.r scope="col" { "Overdue" } th scope="col" { "Due" }
            } }
            tbody { @for ReturnRow { report } in rows { tr {
                th scope="row" { a href={ "/plans/" (report.plan) "/returns/" (report.period) "/" (report.sub_group) } { (report.title) } }
                td { (report.period.label()) }
                td { (state_words(report.state)) }
                td.r { (report.progress.reported) " of " (report.progress.owed) }
                td.r { (report.progress.overdue) }
                td { (words::day(report.due_at)) }
            } } }
        } }
    }
}

fn state_words(state: ReturnState) -> &'static str {
    match state {
        ReturnState::Open => "Open",
        ReturnState::Submitted => "Submitted",
        ReturnState::SignedOff => "Signed off",
        ReturnState::Returned => "Returned with a note",
    }
}
