//! The pages that all kinds of things share: the list with the form of another, and the form of one.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, ResponseError};
use maud::{Markup, html as markup};
use serde_json::{Map, json};

use crate::domain::ids::PlanCode;
use crate::http::problem::Problem;
use crate::http::request::caller::Caller;
use crate::http::request::extract::{FromParams, NoParams, ParamReader, Params};
use crate::http::request::path::{PlanPath, path_params};
use crate::http::site::answer::{NOT_YET_RIGHT, frame_in, html, known_as, see_other};
use crate::http::site::editor::{Sent, faults, marks, stored};
use crate::http::site::form::Form;
use crate::http::site::set_up::fields::fields_of;
use crate::http::site::set_up::kinds::{self, Kind, Thing};
use crate::http::site::set_up::{must_manage, must_write};
use crate::http::site::visitor::Visitor;
use crate::http::view::{AsOf, View};
use crate::pages::editor::{Choice, Fault, Field, Fields, Typed};
use crate::pages::frame::Tab;
use crate::pages::set_up::{self, Attempt, EditPage, Line, ListPage, NoteLine};
use crate::programme::caller::precondition::Precondition;
use crate::programme::{Principal, Programme, Refusal};

/// How many messages of a webhook are listed.
const MOST_MESSAGES: usize = 50;

path_params! {
    /// The page of a kind of thing.
    pub KindPath in plan {
        kind: Kind as String, "The kind.", "organisations";
    }
    /// The page of one thing.
    pub ThingPath in plan {
        kind: Kind as String, "The kind.", "organisations";
        code: String, "Its code or id.", "harrow-pct";
    }
    /// The page of one action.
    pub ActionPagePath in plan {
        code: String, "Its id.", "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11";
    }
}

/// What the address of a list says besides.
pub struct ListParams {
    /// What was just saved.
    saved: Option<String>,
    /// The KPI that an action is to be about, and the period.
    kpi: Option<String>,
    period: Option<String>,
}

impl FromParams for ListParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self { saved: params.optional("saved"), kpi: params.optional("kpi"), period: params.optional("period") })
    }
}

/// The things of a kind as one reader finds them.
struct Room<'a> {
    programme: &'a Programme,
    caller: &'a Principal,
    visitor: &'a Visitor,
    view: View,
    kind: Kind,
    fields: Vec<Field>,
    things: Vec<Thing>,
}

impl<'a> Room<'a> {
    async fn open(
        programme: &'a Programme,
        caller: &'a Caller,
        visitor: &'a Visitor,
        (plan, kind): (&PlanCode, Kind),
    ) -> Result<Self, Problem> {
        let view = View::of(programme, caller, plan, AsOf::default()).await?;
        match kind {
            Kind::Actions => {}
            _ => must_manage(&view)?,
        }
        let things = kinds::all(kind, programme, &caller.subject, &view).await?;
        let fields = fields_of(kind, &view.seen);
        Ok(Self { programme, caller: &caller.subject, visitor, view, kind, fields, things })
    }

    fn here(&self) -> String {
        self.kind.address(&self.view.plan.code)
    }

    fn tab(&self) -> Tab {
        if self.kind == Kind::Actions { Tab::Board } else { Tab::SetUp }
    }

    /// Where somebody came from.
    fn up(&self) -> (String, &'static str) {
        let plan = &self.view.plan.code;
        if self.kind == Kind::Actions {
            (format!("/plans/{plan}/board"), "Board room")
        } else {
            (format!("/plans/{plan}/set-up"), "Set-up")
        }
    }

    /// Whether the reader may make and change things of this kind.
    fn may_write(&self) -> bool {
        let access = &self.view.plan.access;
        self.visitor.may_write && (self.kind != Kind::Actions || access.reports_something())
    }

    fn thing(&self, code: &str) -> Result<&Thing, Problem> {
        self.things.iter().find(|thing| thing.code == code).ok_or_else(Problem::not_found)
    }

    fn list(&self, typed: &Typed, faults: &[Fault], (secret, saved): (Option<&str>, Option<&str>)) -> String {
        let (words, here) = (self.kind.words(), self.here());
        let lines: Vec<Line> = self
            .things
            .iter()
            .map(|thing| Line {
                title: thing.title.clone(),
                code: thing.code.clone(),
                is_named: self.kind.is_named(),
                address: self.kind.is_changeable().then(|| format!("{here}/{}", thing.code)),
                notes: thing.notes.clone(),
                state: self.may_write().then(|| thing.state.clone()),
            })
            .collect();
        let none = BTreeMap::new();
        let page = ListPage {
            many: words.many,
            one: words.one,
            lead: words.lead,
            remove: words.remove,
            here: &here,
            up: Some(self.up()),
            lines: Some(&lines),
            form: self.may_write().then_some(Fields { fields: &self.fields, typed, was: &none, faults }),
            is_open: typed.contains_key("kpi"),
            secret,
            saved,
            after: markup! {},
        };
        page.page(&frame_in(words.many, self.visitor, &self.view, self.tab()))
    }

    /// The form of one thing. What was typed stands in it if there is anything, otherwise what is stored.
    fn edit(&self, thing: &Thing, typed: Option<&Typed>, faults: &[Fault], shown: Shown<'_>) -> String {
        let was = marks(&self.fields, &thing.members);
        let as_stored = stored(&self.fields, &thing.members);
        let (words, here) = (self.kind.words(), format!("{}/{}", self.here(), thing.code));
        let acts: Vec<Choice> = match self.kind {
            Kind::Policies => vec![Choice::new("try", "Try it on past periods")],
            Kind::Webhooks => {
                vec![Choice::new("test", "Send a test message"), Choice::new("rotate", "Make a new secret")]
            }
            _ => Vec::new(),
        };
        let page = EditPage {
            title: &thing.title,
            code: if self.kind.is_named() { &thing.code } else { "" },
            here: &here,
            up: Some((self.here(), words.many)),
            form: self.may_write().then_some(Fields {
                fields: &self.fields,
                typed: typed.unwrap_or(&as_stored),
                was: &was,
                faults,
            }),
            state: &thing.state,
            acts: &acts,
            secret: shown.secret,
            is_overtaken: shown.is_overtaken,
            before: shown.before,
        };
        page.page(&frame_in(&thing.title, self.visitor, &self.view, self.tab()))
    }

    /// What stands before the form of a thing: the messages of a webhook, what was said of an action.
    async fn before(&self, code: &str, fault: Option<&str>) -> Result<Markup, Problem> {
        match self.kind {
            Kind::Webhooks => {
                let id = code.parse().map_err(|_no_id| Problem::not_found())?;
                let row = self.programme.find_webhook(&self.view.plan, self.caller, id).await?;
                let rows = self.programme.webhook_deliveries(&row, None, MOST_MESSAGES).await?;
                let attempts: Vec<Attempt> = rows
                    .into_iter()
                    .map(|row| {
                        let status = row.status.map(|status| format!("status {status}"));
                        let detail = status.into_iter().chain(row.detail).collect::<Vec<_>>().join(", ");
                        Attempt { event: row.event, at: row.at, attempt: row.attempt, outcome: row.outcome, detail }
                    })
                    .collect();
                Ok(set_up::deliveries(&attempts, row.disabled.as_ref().map(|(why, _)| why.as_str())))
            }
            Kind::Actions => {
                let id = code.parse().map_err(|_no_id| Problem::not_found())?;
                let action = self.view.seen.find_action(id)?.value;
                let names = self.programme.names().await?;
                let notes = action.notes().iter().map(|note| NoteLine {
                    at: note.at,
                    by: note.by.as_ref().map(|by| known_as(by, &names)),
                    text: note.text.clone(),
                });
                let notes: Vec<NoteLine> = notes.collect();
                let frame = frame_in("", self.visitor, &self.view, self.tab());
                Ok(set_up::notes(&frame, &format!("{}/{code}", self.here()), &notes, fault))
            }
            _ => Ok(markup! {}),
        }
    }
}

/// What is shown beside a form.
#[derive(Default)]
struct Shown<'a> {
    secret: Option<&'a str>,
    is_overtaken: bool,
    before: Markup,
}

/// `GET /plans/{plan}/set-up/{kind}`
pub(in crate::http) async fn list(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    KindPath { plan, kind }: KindPath,
    Params(wanted): Params<ListParams>,
) -> Result<HttpResponse, Problem> {
    listed(&programme, &caller, &visitor, (&plan, kind), &wanted).await
}

/// `GET /plans/{plan}/actions`
pub(in crate::http) async fn actions(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    PlanPath { plan }: PlanPath,
    Params(wanted): Params<ListParams>,
) -> Result<HttpResponse, Problem> {
    listed(&programme, &caller, &visitor, (&plan, Kind::Actions), &wanted).await
}

async fn listed(
    programme: &Programme,
    caller: &Caller,
    visitor: &Visitor,
    of: (&PlanCode, Kind),
    wanted: &ListParams,
) -> Result<HttpResponse, Problem> {
    let room = Room::open(programme, caller, visitor, of).await?;
    let mut typed = Typed::new();
    for (name, value) in [("kpi", &wanted.kpi), ("period", &wanted.period)] {
        if let Some(value) = value.as_ref().filter(|_| of.1 == Kind::Actions) {
            typed.insert(name.to_owned(), vec![value.clone()]);
        }
    }
    if of.1 == Kind::Webhooks {
        typed.insert("active".to_owned(), vec!["true".to_owned()]);
    }
    Ok(html(StatusCode::OK, room.list(&typed, &[], (None, wanted.saved.as_deref()))))
}

/// `POST /plans/{plan}/set-up/{kind}`: makes one, or removes one.
pub(in crate::http) async fn make(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    KindPath { plan, kind }: KindPath,
    _: Params<NoParams>,
    form: Form,
) -> Result<HttpResponse, Problem> {
    made(&programme, &caller, &visitor, (&plan, kind), &form).await
}

/// `POST /plans/{plan}/actions`
pub(in crate::http) async fn open_action(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
    form: Form,
) -> Result<HttpResponse, Problem> {
    made(&programme, &caller, &visitor, (&plan, Kind::Actions), &form).await
}

async fn made(
    programme: &Programme,
    caller: &Caller,
    visitor: &Visitor,
    (plan, kind): (&PlanCode, Kind),
    form: &Form,
) -> Result<HttpResponse, Problem> {
    must_write(visitor)?;
    let room = Room::open(programme, caller, visitor, (plan, kind)).await?;
    let again = |typed: &Typed, faults: &[Fault]| Ok(html(NOT_YET_RIGHT, room.list(typed, faults, (None, None))));
    if form.get("do") == Some("remove") {
        let state = Precondition::OneOf(vec![form.get("version").unwrap_or_default().to_owned()]);
        let code = form.get("code").unwrap_or_default();
        return match kinds::remove(kind, programme, (&room.view, &caller.subject), code, state).await {
            Ok(()) => Ok(see_other(&room.here())),
            Err(refusal) => again(&Typed::new(), &[told(refusal)?]),
        };
    }
    let sent = Sent::read(&room.fields, form, true);
    if !sent.faults.is_empty() {
        return again(&sent.typed, &sent.faults);
    }
    match kinds::make(kind, programme, (plan, &caller.subject), sent.members).await {
        Ok(kinds::Made { code: _, secret: Some(secret) }) => {
            let room = Room::open(programme, caller, visitor, (plan, kind)).await?;
            Ok(html(StatusCode::OK, room.list(&Typed::new(), &[], (Some(&secret), None))))
        }
        Ok(made) => Ok(see_other(&format!("{}?saved={}", room.here(), made.code))),
        Err(Refusal::Invalid(invalid)) => again(&sent.typed, &faults(&room.fields, invalid.violations())),
        Err(refusal) => again(&sent.typed, &[told(refusal)?]),
    }
}

/// What stands in the way, as a fault of the whole form, if it is something that the person can do something about.
pub(in crate::http::site) fn told(refusal: Refusal) -> Result<Fault, Problem> {
    if matches!(refusal, Refusal::Stale) {
        let detail = "Somebody changed it after you opened the page; look at it again.".to_owned();
        return Ok(Fault { field: None, detail });
    }
    let problem = Problem::from(refusal);
    if problem.status_code().is_server_error() || problem.status_code() == StatusCode::NOT_FOUND {
        return Err(problem);
    }
    Ok(Fault { field: None, detail: problem.detail().to_owned() })
}

/// `GET /plans/{plan}/set-up/{kind}/{code}`
pub(in crate::http) async fn one(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    ThingPath { plan, kind, code }: ThingPath,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    shown(&programme, &caller, &visitor, (&plan, kind), &code).await
}

/// `GET /plans/{plan}/actions/{code}`
pub(in crate::http) async fn action(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    ActionPagePath { plan, code }: ActionPagePath,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    shown(&programme, &caller, &visitor, (&plan, Kind::Actions), &code).await
}

async fn shown(
    programme: &Programme,
    caller: &Caller,
    visitor: &Visitor,
    of: (&PlanCode, Kind),
    code: &str,
) -> Result<HttpResponse, Problem> {
    let room = Room::open(programme, caller, visitor, of).await?;
    let thing = room.thing(code)?;
    if !of.1.is_changeable() {
        return Err(Problem::not_found());
    }
    let before = room.before(code, None).await?;
    Ok(html(StatusCode::OK, room.edit(thing, None, &[], Shown { before, ..Shown::default() })))
}

/// `POST /plans/{plan}/set-up/{kind}/{code}`
pub(in crate::http) async fn change(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    ThingPath { plan, kind, code }: ThingPath,
    _: Params<NoParams>,
    form: Form,
) -> Result<HttpResponse, Problem> {
    changed(&programme, &caller, &visitor, (&plan, kind), &code, &form).await
}

/// `POST /plans/{plan}/actions/{code}`
pub(in crate::http) async fn change_action(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    ActionPagePath { plan, code }: ActionPagePath,
    _: Params<NoParams>,
    form: Form,
) -> Result<HttpResponse, Problem> {
    changed(&programme, &caller, &visitor, (&plan, Kind::Actions), &code, &form).await
}

async fn changed(
    programme: &Programme,
    caller: &Caller,
    visitor: &Visitor,
    (plan, kind): (&PlanCode, Kind),
    code: &str,
    form: &Form,
) -> Result<HttpResponse, Problem> {
    must_write(visitor)?;
    let room = Room::open(programme, caller, visitor, (plan, kind)).await?;
    let thing = room.thing(code)?;
    let here = format!("{}/{code}", room.here());
    match (kind, form.get("do")) {
        (Kind::Webhooks, Some("test")) => {
            let id = code.parse().map_err(|_no_id| Problem::not_found())?;
            programme.test_webhook(plan, &caller.subject, id).await?;
            return Ok(see_other(&here));
        }
        (Kind::Webhooks, Some("rotate")) => {
            let id = code.parse().map_err(|_no_id| Problem::not_found())?;
            let row = programme.rotate_webhook(plan, &caller.subject, id).await?;
            let room = Room::open(programme, caller, visitor, (plan, kind)).await?;
            let before = room.before(code, None).await?;
            let shown = Shown { secret: Some(row.secret.reveal()), before, ..Shown::default() };
            return Ok(html(StatusCode::OK, room.edit(room.thing(code)?, None, &[], shown)));
        }
        (Kind::Actions, Some("note")) => return noted(&room, (plan, code), form).await,
        _ => {}
    }
    let sent = Sent::read(&room.fields, form, false);
    let again = async |faults: &[Fault], is_overtaken: bool| {
        let before = room.before(code, None).await?;
        let shown = Shown { is_overtaken, before, ..Shown::default() };
        Ok(html(NOT_YET_RIGHT, room.edit(thing, Some(&sent.over(&room.fields, &thing.members)), faults, shown)))
    };
    if !sent.faults.is_empty() {
        return again(&sent.faults, false).await;
    }
    if kind == Kind::Policies && form.get("do") == Some("try") {
        return tried(&room, thing, sent).await;
    }
    let state = Precondition::OneOf(vec![form.get("version").unwrap_or_default().to_owned()]);
    match kinds::change(kind, programme, (plan, &caller.subject), code, sent.members.clone(), state).await {
        Ok(()) => Ok(see_other(&format!("{}?saved={code}", room.here()))),
        Err(Refusal::Stale) => again(&[], true).await,
        Err(Refusal::Invalid(invalid)) => again(&faults(&room.fields, invalid.violations()), false).await,
        Err(refusal) => again(&[told(refusal)?], false).await,
    }
}

async fn tried(room: &Room<'_>, thing: &Thing, sent: Sent) -> Result<HttpResponse, Problem> {
    let code = thing.code.parse().map_err(|_no_code| Problem::not_found())?;
    let typed = sent.over(&room.fields, &thing.members);
    match room.programme.try_policy(&room.view.plan.code, room.caller, &code, sent.members, None).await {
        Ok(trial) => {
            let shown = Shown { before: set_up::trial(&trial), ..Shown::default() };
            Ok(html(StatusCode::OK, room.edit(thing, Some(&typed), &[], shown)))
        }
        Err(Refusal::Invalid(invalid)) => {
            let faults = faults(&room.fields, invalid.violations());
            Ok(html(NOT_YET_RIGHT, room.edit(thing, Some(&typed), &faults, Shown::default())))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Adds a note to an action.
async fn noted(room: &Room<'_>, (plan, code): (&PlanCode, &str), form: &Form) -> Result<HttpResponse, Problem> {
    let id = code.parse().map_err(|_no_id| Problem::not_found())?;
    let text = form.get("note").unwrap_or_default().trim();
    let note = Map::from_iter([("text".to_owned(), json!(text))]);
    let fault = match room.programme.note_action(plan, room.caller, id, note).await {
        Ok(_) => return Ok(see_other(&format!("{}/{code}", room.here()))),
        Err(Refusal::Invalid(invalid)) => {
            invalid.violations().iter().map(|violation| violation.detail.clone()).collect()
        }
        Err(refusal) => told(refusal)?.detail,
    };
    let before = room.before(code, Some(&fault)).await?;
    Ok(html(NOT_YET_RIGHT, room.edit(room.thing(code)?, None, &[], Shown { before, ..Shown::default() })))
}
