//! The journal of a plan, a page at a time, latest first.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde_json::{Map, Value};

use crate::domain::ids::{Seq, Subject};
use crate::http::problem::Problem;
use crate::http::request::caller::Caller;
use crate::http::request::extract::{FromParams, ParamReader, Params};
use crate::http::request::path::PlanPath;
use crate::http::site::answer::{frame_in, html, known_as};
use crate::http::site::visitor::Visitor;
use crate::http::view::{AsOf, View};
use crate::pages::frame::Tab;
use crate::pages::set_up::{EntryLine, journal as journal_page};
use crate::programme::Programme;
use crate::programme::feed::journal::Entry;

/// How many entries a page has.
const ROWS: i64 = 50;
/// The most characters of a value that are shown.
const MOST: usize = 200;

/// Which entries are wanted.
pub(in crate::http) struct JournalParams {
    /// Those before this one; the latest without it.
    before: Option<i64>,
}

impl FromParams for JournalParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self { before: params.optional("before") })
    }
}

/// `GET /plans/{plan}/set-up/journal`
pub(in crate::http) async fn journal(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    PlanPath { plan }: PlanPath,
    Params(wanted): Params<JournalParams>,
) -> Result<HttpResponse, Problem> {
    let view = View::of(&programme, &caller, &plan, AsOf::default()).await?;
    programme.may_read_journal(&view.plan)?;
    let latest = view.plan.version.0 + 1;
    let before = wanted.before.unwrap_or(latest).clamp(1, latest);
    let after = (before - 1 - ROWS).max(0);
    let rows = usize::try_from(before - 1 - after).unwrap_or_default();
    let names = programme.names().await?;
    let mut entries: Vec<EntryLine> =
        programme.list_changes(&view.plan, Seq(after), rows).await?.iter().map(|entry| line(entry, &names)).collect();
    entries.reverse();
    let here = format!("/plans/{plan}/set-up/journal");
    let at = |before: i64| if before >= latest { here.clone() } else { format!("{here}?before={before}") };
    let earlier = (after > 0).then(|| at(after + 1));
    let later = (before < latest).then(|| at(before + ROWS));
    let frame = frame_in("Journal", &visitor, &view, Tab::SetUp);
    let up = (format!("/plans/{plan}/set-up"), "Set-up");
    Ok(html(StatusCode::OK, journal_page(&frame, &up, &entries, (earlier, later))))
}

fn line(entry: &Entry, names: &BTreeMap<Subject, String>) -> EntryLine {
    let said = |value: &Option<Value>| {
        let value = value.as_ref()?;
        value.get("body").filter(|body| body.is_object()).unwrap_or(value).as_object().cloned()
    };
    let (before, after) = (said(&entry.before).unwrap_or_default(), said(&entry.after).unwrap_or_default());
    EntryLine {
        number: entry.seq.0.to_string(),
        at: entry.at,
        by: known_as(&entry.actor, names),
        what: format!("{}: {}", entry.action.replace(['.', '_'], " "), entry.key),
        reason: entry.reason.clone().unwrap_or_default(),
        changes: changes(&before, &after),
    }
}

/// What is said now and was not said before, member by member.
fn changes(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<(String, String, String)> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let found = differing.map(|name| (name.replace('_', " "), shown(before.get(name)), shown(after.get(name))));
    found.filter(|(_, was, is)| !(was.is_empty() && is.is_empty())).collect()
}

fn shown(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST - 1).chain(['…']).collect() }
}
