//! What is aimed at: the targets of each KPI, as a form, and the way to paste or send them as a table.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use maud::html as markup;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::domain::document::Document;
use crate::domain::ids::KpiCode;
use crate::domain::wording::counted;
use crate::http::collecting::imports::import_items;
use crate::http::problem::Problem;
use crate::http::request::caller::Caller;
use crate::http::request::extract::{NoParams, Params};
use crate::http::request::path::{KpiPath, PlanPath};
use crate::http::site::answer::{NOT_YET_RIGHT, frame_in, html, see_other};
use crate::http::site::editor::{Sent, marks, stored};
use crate::http::site::form::Form;
use crate::http::site::set_up::fields::of_targets;
use crate::http::site::set_up::{length, must_manage, must_write};
use crate::http::site::visitor::Visitor;
use crate::http::view::{AsOf, View};
use crate::pages::editor::{Fault, Field, Fields, Input, Typed, in_row};
use crate::pages::frame::Tab;
use crate::pages::set_up::{EditPage, Line, ListPage};
use crate::programme::Programme;
use crate::programme::figures::columns::ImportKind;

/// The one field of the form: a row per target.
const ROWS: &str = "targets";

fn fields() -> Vec<Field> {
    let rows = Field::new(ROWS, "Targets", Input::Rows(of_targets()))
        .hint("A period of the KPI, or a year of its calendar. A KPI that is best within a range has from and to in place of one target.");
    vec![rows]
}

/// `GET /plans/{plan}/set-up/targets`
pub(in crate::http) async fn list(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let view = View::of(&programme, &caller, &plan, AsOf::default()).await?;
    must_manage(&view)?;
    let here = format!("/plans/{plan}/set-up/targets");
    let live = view.seen.kpis().filter(|kpi| !kpi.is_archived());
    let lines: Vec<Line> = live
        .map(|kpi| Line {
            title: kpi.title().to_owned(),
            code: kpi.code().to_string(),
            is_named: true,
            address: Some(format!("{here}/{}", kpi.code())),
            notes: counted(length(kpi.count_of_targets()), "target", "targets"),
            state: None,
        })
        .collect();
    let page = ListPage {
        many: "Targets",
        one: "a target",
        lead: "What each KPI is to reach, for each year and for its parts.",
        remove: "",
        here: &here,
        up: Some((format!("/plans/{plan}/set-up"), "Set-up")),
        lines: Some(&lines),
        form: None,
        is_open: false,
        secret: None,
        saved: None,
        after: markup! { p { a href={ "/plans/" (plan) "/files/targets" } { "Paste targets from a spreadsheet, or send a file" } } },
    };
    Ok(html(StatusCode::OK, page.page(&frame_in("Targets", &visitor, &view, Tab::SetUp))))
}

/// The targets of a KPI, each with its period; why one replaced another is not carried over to the next change.
async fn targets_of(programme: &Programme, view: &View, kpi: &KpiCode) -> Result<Map<String, Value>, Problem> {
    let rows = programme.list_targets(&view.seen, Some(kpi)).await?;
    let rows = rows.into_iter().map(|row| {
        let mut members = row.target.members();
        members.remove("reason");
        members.insert("period".to_owned(), json!(row.period.to_string()));
        Value::Object(members)
    });
    Ok(Map::from_iter([(ROWS.to_owned(), rows.collect())]))
}

fn page(
    view: &View,
    visitor: &Visitor,
    kpi: &KpiCode,
    members: &Map<String, Value>,
    typed: Option<&Typed>,
    faults: &[Fault],
) -> Result<String, Problem> {
    let (fields, seen) = (fields(), view.seen.kpi(kpi)?);
    let (was, as_stored): (BTreeMap<_, _>, Typed) = (marks(&fields, members), stored(&fields, members));
    let up = format!("/plans/{}/set-up/targets", view.plan.code);
    let page = EditPage {
        title: seen.title(),
        code: kpi.as_str(),
        here: &format!("{up}/{kpi}"),
        up: Some((up.clone(), "Targets")),
        form: visitor.may_write.then_some(Fields {
            fields: &fields,
            typed: typed.unwrap_or(&as_stored),
            was: &was,
            faults,
        }),
        state: "",
        acts: &[],
        secret: None,
        is_overtaken: false,
        before: markup! { p { a href={ "/plans/" (view.plan.code) "/kpis/" (kpi) } { "See the KPI" } } },
    };
    Ok(page.page(&frame_in(&format!("Targets of {kpi}"), visitor, view, Tab::SetUp)))
}

/// `GET /plans/{plan}/set-up/targets/{kpi}`
pub(in crate::http) async fn one(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    KpiPath { plan, kpi }: KpiPath,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let view = View::of(&programme, &caller, &plan, AsOf::default()).await?;
    must_manage(&view)?;
    let members = targets_of(&programme, &view, &kpi).await?;
    Ok(html(StatusCode::OK, page(&view, &visitor, &kpi, &members, None, &[])?))
}

/// A mistake as an import states it.
#[derive(Deserialize)]
struct Mistake {
    pointer: Option<String>,
    detail: String,
}

/// `POST /plans/{plan}/set-up/targets/{kpi}`
pub(in crate::http) async fn change(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    KpiPath { plan, kpi }: KpiPath,
    _: Params<NoParams>,
    form: Form,
) -> Result<HttpResponse, Problem> {
    must_write(&visitor)?;
    let view = View::of(&programme, &caller, &plan, AsOf::default()).await?;
    must_manage(&view)?;
    let members = targets_of(&programme, &view, &kpi).await?;
    let sent = Sent::read(&fields(), &form, false);
    let mut faults = sent.faults.clone();
    let (places, items) = items(&kpi, &sent, (was(&form), &members), &mut faults);
    if faults.is_empty() {
        let mut outcome = import_items(&programme, &caller, &plan, ImportKind::Targets, false, items).await?;
        let mistakes: Vec<Mistake> = outcome.errors.items().map_err(|error| Problem::unavailable(&error))?;
        if mistakes.is_empty() {
            return Ok(see_other(&format!("/plans/{plan}/set-up/targets/{kpi}")));
        }
        faults = mistakes.iter().map(|mistake| at_its_row(&places, mistake)).collect();
    }
    Ok(html(NOT_YET_RIGHT, page(&view, &visitor, &kpi, &members, Some(&sent.typed), &faults)?))
}

/// What the page had when it was made.
fn was(form: &Form) -> Vec<Value> {
    let was = form.get(&crate::pages::editor::was_of(ROWS)).and_then(|was| serde_json::from_str(was).ok());
    was.unwrap_or_default()
}

/// The targets that somebody changed, as an import takes them, each with its row in the form.
fn items(
    kpi: &KpiCode,
    sent: &Sent,
    (was, now): (Vec<Value>, &Map<String, Value>),
    faults: &mut Vec<Fault>,
) -> (Vec<usize>, Vec<Value>) {
    let none = Vec::new();
    let rows =
        |members: &'_ Map<String, Value>| members.get(ROWS).and_then(Value::as_array).cloned().unwrap_or_default();
    let now = now.get(ROWS).and_then(Value::as_array).unwrap_or(&none);
    let of_period = |rows: &[Value], period: &Value| rows.iter().find(|row| row.get("period") == Some(period)).cloned();
    let (mut places, mut items) = (Vec::new(), Vec::new());
    for (place, row) in rows(&sent.members).into_iter().enumerate() {
        let Value::Object(mut row) = row else { continue };
        let Some(period) = row.get("period").cloned() else {
            faults.push(Fault { field: Some(in_row(ROWS, place, "period")), detail: "State the period.".to_owned() });
            continue;
        };
        let before = of_period(&was, &period);
        let said = |row: Option<&Value>, name: &str| {
            row.and_then(|row| row.get(name)).filter(|value| !value.is_null()).map(ToString::to_string)
        };
        let typed = Value::Object(row.clone());
        let names = of_targets().into_iter().map(|field| field.name);
        let changed: Vec<&str> = names.filter(|name| said(Some(&typed), name) != said(before.as_ref(), name)).collect();
        if changed.is_empty() {
            continue;
        }
        if of_period(now, &period) != before {
            let detail = "Somebody changed this target after you opened the page. Open it again to see how it is now."
                .to_owned();
            faults.push(Fault { field: Some(in_row(ROWS, place, "value")), detail });
        }
        // A figure replaces the one before as a whole, and what was emptied is to be empty.
        for name in &changed {
            row.entry(*name).or_insert(Value::Null);
        }
        let is_figure = |name: &str| matches!(name, "value" | "low" | "high");
        let has_new_figure = changed.iter().any(|name| is_figure(name));
        row.retain(|name, _| name == "period" || changed.contains(&name.as_str()) || has_new_figure && is_figure(name));
        row.insert("kpi".to_owned(), json!(kpi));
        places.push(place);
        items.push(Value::Object(row));
    }
    (places, items)
}

/// A mistake at the field of the row that it is in.
fn at_its_row(places: &[usize], mistake: &Mistake) -> Fault {
    let row_and_name = || {
        let (item, name) = mistake.pointer.as_deref()?.strip_prefix("/items/")?.split_once('/')?;
        let place = places.get(item.parse::<usize>().ok()?)?;
        let is_field = of_targets().iter().any(|field| field.name == name);
        Some(in_row(ROWS, *place, if is_field { name } else { "value" }))
    };
    Fault { field: row_and_name(), detail: mistake.detail.clone() }
}
