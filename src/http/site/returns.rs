//! Returns: what is owed, the form that it is filled in by, and each step to being signed off.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::domain::invalid::Violation;
use crate::domain::kpi::Kpi;
use crate::domain::period::Period;
use crate::domain::plan::SubGroup;
use crate::domain::round::{ReturnKey, ReturnState, Round, Step};
use crate::http::collecting::rounds::ReturnPath;
use crate::http::problem::{Code, Problem};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::Conditions;
use crate::http::request::extract::{FromParams, NoParams, ParamReader, Params};
use crate::http::request::path::PlanPath;
use crate::http::site::answer::{NOT_YET_RIGHT, frame_in, html, html_of, person, see_other};
use crate::http::site::form::Form;
use crate::http::site::plans::rendering;
use crate::http::site::visitor::Visitor;
use crate::http::view::{AsOf, View, view};
use crate::pages::frame::Tab;
use crate::pages::returns::{
    Done, FIELDS, Fault, May, ReturnPage, ReturnRow, Typed, WAS, list, mark_of, name_of, stored,
};
use crate::programme::figures::typed_figure;
use crate::programme::rounds::returns::{PostedReturn, ReturnLine, ReturnReport};
use crate::programme::{Programme, Refusal, Seen};

/// How many rounds are listed, latest first.
const MOST_ROUNDS: usize = 8;

/// `GET /plans/{plan}/returns`
pub(in crate::http) async fn all(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    PlanPath { plan }: PlanPath,
    Params(as_of): Params<AsOf>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, rendering(&visitor));
    programme.may_read_returns(&view.plan)?;
    let seen = &view.seen;
    let mine = seen.returns_to_fill();
    let mut periods: Vec<Period> = seen
        .all::<Round>()
        .values()
        .filter(|round| round.value.opens_at() <= seen.now())
        .map(|round| round.value.period.0)
        .collect();
    periods.sort_by_key(|period| std::cmp::Reverse(period.end()));
    let mut reports = Vec::new();
    for period in periods.into_iter().take(MOST_ROUNDS) {
        reports.extend(seen.round_report(period)?.returns);
    }
    let mine: Vec<ReturnRow<'_>> = mine.iter().map(|report| ReturnRow { report }).collect();
    let others: Vec<ReturnRow<'_>> = reports.iter().map(|report| ReturnRow { report }).collect();
    let frame = frame_in("Returns", &visitor, &view, Tab::Returns);
    Ok(html_of(&view, list(&frame, &mine, &others)))
}

/// What was done last, as the address says.
pub(in crate::http) struct DoneParams {
    done: Option<Done>,
}

impl FromParams for DoneParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        let done = params.parsed("done", |text| {
            Done::ALL
                .into_iter()
                .find(|(_, word)| *word == text)
                .map(|(done, _)| done)
                .ok_or("is nothing that can be done with a return")
        });
        Some(Self { done })
    }
}

/// `GET /plans/{plan}/returns/{period}/{sub_group}`
pub(in crate::http) async fn one(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    ReturnPath { plan, period, sub_group }: ReturnPath,
    Params((wanted, as_of)): Params<(DoneParams, AsOf)>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, rendering(&visitor));
    programme.may_read_returns(&view.plan)?;
    let report = view.seen.find_return(&ReturnKey { period, sub_group })?;
    let typed = stored_in(&view.seen, &report);
    let shown = Shown { report: &report, typed: &typed, tried: None, faults: &[], to_confirm: None, done: wanted.done };
    Ok(html_of(&view, shown.page(&view, &visitor)))
}

/// What stands in the fields of a return that nobody has typed into.
fn stored_in(seen: &Seen, report: &ReturnReport) -> Vec<Typed> {
    let lines = report.lines.iter();
    lines
        .map(|line| seen.kpi(&line.assessment.kpi).map(|kpi| stored(line, &kpi.definition())).unwrap_or_default())
        .collect()
}

/// A return as it is shown.
struct Shown<'a> {
    report: &'a ReturnReport,
    typed: &'a [Typed],
    tried: Option<&'a PostedReturn>,
    faults: &'a [Fault],
    to_confirm: Option<&'a str>,
    done: Option<Done>,
}

impl Shown<'_> {
    fn page(&self, view: &View, visitor: &Visitor) -> String {
        let access = &view.plan.access;
        let areas =
            view.seen.all::<SubGroup>().get(&self.report.sub_group).map(|group| group.value.outcome_areas.clone());
        let answers = access.answers_for(&areas.unwrap_or_default());
        let is_theirs = self.report.submitted_by.as_ref() == Some(&visitor.subject);
        let may = May {
            fill: access.reports_something(),
            submit: answers,
            decide: answers && !is_theirs,
            reopen: access.manages() && self.report.state == ReturnState::SignedOff,
        };
        let page = ReturnPage {
            report: self.report,
            seen: &view.seen,
            person: person(visitor),
            may,
            typed: self.typed,
            tried: self.tried,
            faults: self.faults,
            to_confirm: self.to_confirm,
            done: self.done,
        };
        page.page(&frame_in(&page.title(), visitor, view, Tab::Returns))
    }
}

/// `POST /plans/{plan}/returns/{period}/{sub_group}`
pub(in crate::http) async fn act(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    ReturnPath { plan, period, sub_group }: ReturnPath,
    _: Params<NoParams>,
    form: Form,
) -> Result<HttpResponse, Problem> {
    if !visitor.may_write {
        let detail =
            "You signed in with a token that only reads. Sign in with one that may be used to change something too.";
        return Err(Problem::new(Code::NotAllowed, detail));
    }
    let here = format!("/plans/{plan}/returns/{period}/{sub_group}");
    let key = ReturnKey { period, sub_group };
    let words = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
    let (step, done) = match form.get("do") {
        Some("submit") => (Step::Submit, "submitted"),
        Some("sign-off") => (Step::SignOff, "signed-off"),
        Some("return") => (Step::SendBack { note: checked_words(words("note"), "note")? }, "returned"),
        Some("reopen") => (Step::Reopen { reason: checked_words(words("reason"), "reason")? }, "reopened"),
        other => {
            let view = View::of(&programme, &caller, &plan, AsOf::default()).await?;
            programme.may_read_returns(&view.plan)?;
            let entered = Entered::read(&view.seen, &key, &form)?;
            return entered
                .answer(&programme, &caller, &visitor, &view, (&key, &here), &form, other == Some("save"))
                .await;
        }
    };
    match programme.step_return(&plan, &caller.subject, key.clone(), step).await {
        Ok(_) => Ok(see_other(&format!("{here}?done={done}"))),
        Err(Refusal::Invalid(invalid)) => {
            let view = View::of(&programme, &caller, &plan, AsOf::default()).await?;
            let report = view.seen.find_return(&key)?;
            let typed = stored_in(&view.seen, &report);
            let faults: Vec<Fault> = invalid.violations().iter().filter_map(fault_of_line).collect();
            let shown =
                Shown { report: &report, typed: &typed, tried: None, faults: &faults, to_confirm: None, done: None };
            Ok(html(NOT_YET_RIGHT, shown.page(&view, &visitor)))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Words that must be there, and not be too many.
fn checked_words(words: String, name: &str) -> Result<String, Problem> {
    let mut invalid = crate::domain::invalid::Invalid::new();
    crate::domain::check::check_text(&mut invalid, &format!("/{name}"), &words, 1, 2000);
    Ok(invalid.or(words)?)
}

/// What a return lacks, at the figure that lacks it: `/lines/3`.
fn fault_of_line(violation: &Violation) -> Option<Fault> {
    let line = violation.pointer.as_deref()?.strip_prefix("/lines/")?.parse().ok()?;
    let field = if violation.code == "commentary_missing" { "commentary" } else { "value" };
    Some(Fault { line, field, detail: violation.detail.clone() })
}

/// What somebody typed of a figure; a field that the form does not have at all is as it is stored.
fn typed_of(line: &ReturnLine, kept: &Typed, form: &Form) -> Typed {
    let name = name_of(&line.assessment);
    let is_there = form.has(&format!("{name}.commentary"));
    let mut typed = Typed::new();
    for field in FIELDS.into_iter().chain(["provisional"]) {
        let key = format!("{name}.{field}");
        // A box that is not ticked is not sent.
        let is_sent = form.has(&key) || (field == "provisional" && is_there);
        let text = if is_sent { form.get(&key).map(str::trim) } else { kept.get(field).map(String::as_str) };
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            typed.insert(field, text.to_owned());
        }
    }
    typed
}

/// What became of a figure since its page was made.
enum SinceShown {
    /// Nobody typed anything: whatever is stored by now stays.
    Untouched,
    /// Somebody typed something, and somebody else saved something meanwhile; what to do.
    Overtaken(String),
    /// Somebody typed something, or the page does not say what it showed.
    Changed,
}

fn since_shown(line: &ReturnLine, (kept, typed): (&Typed, &Typed), form: &Form) -> SinceShown {
    let one = &line.assessment;
    let Some(was) = form.get(&format!("{}.{WAS}", name_of(one))) else { return SinceShown::Changed };
    if mark_of(typed) == was {
        return SinceShown::Untouched;
    }
    if mark_of(kept) == was || kept == typed {
        return SinceShown::Changed;
    }
    let now = one.reported_text.as_deref().map_or_else(|| "a nil return".to_owned(), str::to_owned);
    SinceShown::Overtaken(format!(
        "Somebody saved this figure after you opened the page: it is {now} now. Check yours, and save again to replace it."
    ))
}

/// A field, and what is wrong with it.
type FieldFault = (&'static str, String);

/// What is reported by what was typed: nothing if it is what is stored.
///
/// # Errors
/// What is wrong with which field.
fn figure_of(
    line: &ReturnLine,
    kpi: &Kpi,
    (kept, typed): (&Typed, &Typed),
) -> Result<Option<Map<String, Value>>, Vec<FieldFault>> {
    let differs = |field: &str| kept.get(field) != typed.get(field);
    let figure_fields = ["value", "numerator", "denominator", "nil_return"];
    let is_other_figure = figure_fields.iter().any(|field| differs(field));
    let has_figure = figure_fields.iter().any(|field| typed.contains_key(field));
    if kept == typed {
        return Ok(None);
    }
    if (is_other_figure || line.reported_at.is_none()) && !has_figure {
        return Err(vec![("value", "Give the figure, or say why there is none.".to_owned())]);
    }
    let one = &line.assessment;
    let mut figure = Map::from_iter([
        ("kpi".to_owned(), json!(one.kpi)),
        ("period".to_owned(), json!(one.period.to_string())),
        ("group".to_owned(), json!(one.group)),
    ]);
    let mut faults = Vec::new();
    if is_other_figure {
        for (field, of) in [("value", Some(kpi)), ("numerator", None), ("denominator", None)] {
            match typed.get(field).map(|text| typed_figure(text, of)) {
                None => {}
                Some(Ok(number)) => drop(figure.insert(field.to_owned(), json!(number))),
                Some(Err((_, detail))) => faults.push((field, detail)),
            }
        }
        if let Some(why) = typed.get("nil_return") {
            figure.insert("nil_return".to_owned(), json!(why));
        }
    }
    if let Some(why) = typed.get("reason") {
        figure.insert("reason".to_owned(), json!(why));
    }
    if differs("commentary") {
        figure.insert("commentary".to_owned(), json!(typed.get("commentary")));
    }
    // A nil return that is provisional shows no tick: what is said of another figure is said anew.
    if differs("provisional") || is_other_figure {
        figure.insert("provisional".to_owned(), json!(typed.contains_key("provisional")));
    }
    if faults.is_empty() { Ok(Some(figure)) } else { Err(faults) }
}

/// A return as somebody typed it.
struct Entered {
    report: ReturnReport,
    typed: Vec<Typed>,
    /// The figures as the use case takes them, each with its place in the return.
    figures: Vec<(usize, Map<String, Value>)>,
    faults: Vec<Fault>,
}

impl Entered {
    fn read(seen: &Seen, key: &ReturnKey, form: &Form) -> Result<Self, Problem> {
        let report = seen.find_return(key)?;
        let mut entered = Self { typed: Vec::new(), figures: Vec::new(), faults: Vec::new(), report };
        for (place, line) in entered.report.lines.iter().enumerate() {
            let kpi = seen.kpi(&line.assessment.kpi)?.definition();
            let mut kept = stored(line, &kpi);
            for text in kept.values_mut() {
                *text = text.trim().replace("\r\n", "\n");
            }
            let typed = typed_of(line, &kept, form);
            let figure = match since_shown(line, (&kept, &typed), form) {
                SinceShown::Untouched => Ok(None),
                SinceShown::Overtaken(detail) => Err(vec![(first_field(Some(&typed)), detail)]),
                SinceShown::Changed => figure_of(line, &kpi, (&kept, &typed)),
            };
            match figure {
                Ok(None) => {}
                Ok(Some(figure)) => entered.figures.push((place, figure)),
                Err(faults) => {
                    entered.faults.extend(faults.into_iter().map(|(field, detail)| Fault {
                        line: place,
                        field,
                        detail,
                    }));
                }
            }
            entered.typed.push(typed);
        }
        Ok(entered)
    }

    fn body(&self) -> Map<String, Value> {
        let figures: Vec<Value> = self.figures.iter().map(|(_, figure)| Value::Object(figure.clone())).collect();
        Map::from_iter([("figures".to_owned(), Value::Array(figures))])
    }

    /// Adds, to the figures that something is to be checked in, that it was.
    fn acknowledge(&mut self, tried: &PostedReturn) {
        for warning in &tried.warnings {
            let Some((number, _)) = warning.pointer.as_deref().and_then(figure_at) else { continue };
            if let Some((_, figure)) = self.figures.get_mut(number) {
                let codes = figure.entry("acknowledged").or_insert_with(|| json!([]));
                if let Some(codes) = codes.as_array_mut() {
                    codes.push(json!(warning.code));
                }
            }
        }
    }

    /// Tries the figures and, if they are to be saved and nothing is wrong or still to be confirmed, saves them.
    #[expect(clippy::too_many_arguments, reason = "they are what a request is")]
    async fn answer(
        mut self,
        programme: &Programme,
        caller: &Caller,
        visitor: &Visitor,
        view: &View,
        (key, here): (&ReturnKey, &str),
        form: &Form,
        is_to_save: bool,
    ) -> Result<HttpResponse, Problem> {
        let plan = &view.plan.code;
        let tried = programme.put_return(plan, &caller.subject, key.clone(), self.body(), true).await?;
        for violation in &tried.errors {
            let (number, member) = violation.pointer.as_deref().and_then(figure_at).unwrap_or_default();
            let line = self.figures.get(number).map_or(0, |(line, _)| *line);
            let field = FIELDS.into_iter().find(|field| *field == member).unwrap_or(first_field(self.typed.get(line)));
            self.faults.push(Fault { line, field, detail: violation.detail.clone() });
        }
        self.faults.sort_by_key(|fault| fault.line);
        let to_confirm = (!tried.warnings.is_empty()).then(|| digest_of(&tried));
        let is_confirmed = to_confirm.is_none() || form.get("confirmed") == to_confirm.as_deref();
        if is_to_save && self.faults.is_empty() && is_confirmed {
            self.acknowledge(&tried);
            programme.put_return(plan, &caller.subject, key.clone(), self.body(), false).await?;
            return Ok(see_other(&format!("{here}?done=saved")));
        }
        let shown = Shown {
            report: &self.report,
            typed: &self.typed,
            tried: Some(&tried),
            faults: &self.faults,
            to_confirm: to_confirm.as_deref().filter(|_| is_to_save && self.faults.is_empty()),
            done: None,
        };
        let status = if self.faults.is_empty() && !is_to_save { StatusCode::OK } else { NOT_YET_RIGHT };
        Ok(html(status, shown.page(view, visitor)))
    }
}

/// The figure that a pointer leads into, and the member: `/figures/3/value`.
fn figure_at(pointer: &str) -> Option<(usize, &str)> {
    let rest = pointer.strip_prefix("/figures/")?;
    let (number, member) = rest.split_once('/').unwrap_or((rest, ""));
    Some((number.parse().ok()?, member))
}

/// The field that what is wrong with a whole figure is shown at.
fn first_field(typed: Option<&Typed>) -> &'static str {
    let is_typed = |field: &&str| typed.is_some_and(|typed| typed.contains_key(*field));
    FIELDS.into_iter().take(4).find(is_typed).unwrap_or("value")
}

/// What tells these warnings from any others: who saves again has seen them.
fn digest_of(tried: &PostedReturn) -> String {
    let mut digest = Sha256::new();
    for warning in &tried.warnings {
        digest.update(warning.detail.as_bytes());
        digest.update([0]);
    }
    URL_SAFE_NO_PAD.encode(digest.finalize())
}
