//! Forms made of fields: from a thing's members to the texts in its form, and back to the members that somebody changed.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::domain::invalid::Violation;
use crate::domain::period::{day_in_london, end_of_day_in_london};
use crate::http::site::form::Form;
use crate::pages::editor::{Fault, Field, Input, Typed, in_row, was_of};
use crate::programme::figures::typed_figure;

/// The most rows that a form is read to have: more than any list of this kind may hold.
const MOST_ROWS: usize = 200;

/// What stands in a form: of something new, nothing but what its defaults tick and choose.
pub(super) fn stored(fields: &[Field], members: &Map<String, Value>) -> Typed {
    let mut typed = Typed::new();
    for field in fields {
        fill(&mut typed, field, field.name, member(members, field.name));
    }
    typed
}

/// What each field was, as its form says it later.
pub(super) fn marks(fields: &[Field], members: &Map<String, Value>) -> BTreeMap<&'static str, String> {
    let kept = fields.iter().filter(|field| !field.is_fixed);
    kept.map(|field| (field.name, member(members, field.name).unwrap_or(&Value::Null).to_string())).collect()
}

/// The member that a field is for: `headline/on_track_percent` is within `headline`.
fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let mut parts = name.split('/');
    let first = members.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part)).filter(|value| !value.is_null())
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn fill(typed: &mut Typed, field: &Field, name: &str, value: Option<&Value>) {
    let Some(value) = value else { return };
    let items = || value.as_array().map(Vec::as_slice).unwrap_or_default();
    let texts = match &field.input {
        Input::Rows(columns) => {
            for (row, item) in items().iter().enumerate() {
                for column in columns {
                    fill(
                        typed,
                        column,
                        &in_row(name, row, column.name),
                        item.get(column.name).filter(|value| !value.is_null()),
                    );
                }
            }
            return;
        }
        Input::Several(_) => items().iter().map(text_of).collect(),
        Input::Codes | Input::Numbers => vec![items().iter().map(text_of).collect::<Vec<_>>().join("\n")],
        Input::Tick => vec![value.as_bool().unwrap_or_default().to_string()],
        Input::LastDay => {
            let instant = value.as_str().and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
            vec![instant.map(|at| day_in_london(at.to_utc()).to_string()).unwrap_or_default()]
        }
        _ => vec![text_of(value)],
    };
    if texts.iter().any(|text| !text.is_empty()) {
        typed.insert(name.to_owned(), texts);
    }
}

/// A form as somebody sent it.
pub(super) struct Sent {
    /// What stands in it.
    pub(super) typed: Typed,
    /// The members that were changed; `null` for what was left empty.
    pub(super) members: Map<String, Value>,
    /// What cannot be read.
    pub(super) faults: Vec<Fault>,
}

impl Sent {
    /// Reads the fields of a form. Of something that is there already, what is as the form says that it was is left as it is.
    pub(super) fn read(fields: &[Field], form: &Form, is_new: bool) -> Self {
        let mut sent = Self { typed: Typed::new(), members: Map::new(), faults: Vec::new() };
        for field in fields.iter().filter(|field| is_new || !field.is_fixed) {
            let value = sent.value(field, (field.name, field.name), form);
            if is_new {
                if !value.is_null() {
                    set(&mut sent.members, field.name, value);
                }
                continue;
            }
            // What a form does not say that it was, it does not have.
            let was = form.get(&was_of(field.name)).and_then(|was| serde_json::from_str::<Value>(was).ok());
            let Some(was) = was else { continue };
            let value = if matches!(field.input, Input::Several(_)) { in_order_of(&was, value) } else { value };
            if !is_same(&was, &value) {
                set(&mut sent.members, field.name, value);
            }
        }
        // Something with members of its own of which none is left is not there.
        let is_within = |name: &str, outer: &str| name.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        for (outer, value) in &mut sent.members {
            let is_emptied = value.as_object().is_some_and(|members| members.values().all(Value::is_null));
            if is_emptied && !sent.typed.keys().any(|name| is_within(name, outer)) {
                *value = Value::Null;
            }
        }
        sent
    }

    /// What stands in the form again: what was changed as it was typed, and everything else as it is stored.
    pub(super) fn over(&self, fields: &[Field], members: &Map<String, Value>) -> Typed {
        let is_changed = |name: &str| match name.split_once('/') {
            None => self.members.contains_key(name),
            Some((outer, inner)) => {
                self.members.get(outer).is_some_and(|value| value.is_null() || value.get(inner).is_some())
            }
        };
        let is_of =
            |key: &str, name: &str| key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let is_wrong =
            |name: &str| self.faults.iter().any(|fault| fault.field.as_deref().is_some_and(|field| is_of(field, name)));
        let mut typed = Typed::new();
        let as_stored = stored(fields, members);
        for field in fields {
            let from = if is_changed(field.name) || is_wrong(field.name) { &self.typed } else { &as_stored };
            let of_it = from.iter().filter(|(key, _)| is_of(key, field.name));
            typed.extend(of_it.map(|(key, texts)| (key.clone(), texts.clone())));
        }
        typed
    }

    /// What a field holds, `null` if it is empty; by which name it was sent, and by which it is shown again.
    fn value(&mut self, field: &Field, (sent_as, name): (&str, &str), form: &Form) -> Value {
        if let Input::Rows(columns) = &field.input {
            return self.rows(columns, name, form);
        }
        let texts: Vec<String> =
            form.all(sent_as).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect();
        let Some(first) = texts.first().cloned() else {
            return match field.input {
                Input::Tick => json!(false),
                Input::Several(_) | Input::Codes | Input::Numbers => json!([]),
                _ => Value::Null,
            };
        };
        self.typed.insert(name.to_owned(), texts.clone());
        match field.input {
            Input::Tick => json!(true),
            Input::Several(_) => json!(texts),
            Input::Codes => {
                json!(first.split([',', ';', ' ', '\n', '\t']).filter(|code| !code.is_empty()).collect::<Vec<_>>())
            }
            Input::Number => self.number(name, &first),
            Input::Numbers => first.split_whitespace().map(|text| self.number(name, text)).collect(),
            Input::LastDay => match first.parse() {
                Ok(day) => json!(end_of_day_in_london(day)),
                Err(_no_day) => self.wrong(name, "Write the day as 2011-03-31.".to_owned()),
            },
            _ => json!(first),
        }
    }

    fn number(&mut self, name: &str, text: &str) -> Value {
        match typed_figure(text, None) {
            Ok(number) => json!(number),
            Err((_, detail)) => self.wrong(name, detail),
        }
    }

    fn wrong(&mut self, name: &str, detail: String) -> Value {
        self.faults.push(Fault { field: Some(name.to_owned()), detail });
        Value::Null
    }

    /// The rows in which anything stands, without those between them in which nothing does.
    fn rows(&mut self, columns: &[Field], name: &str, form: &Form) -> Value {
        let mut rows = Vec::new();
        for row in 0..MOST_ROWS {
            let is_there = columns.iter().any(|column| form.has(&in_row(name, row, column.name)));
            if !is_there && row > 0 {
                break;
            }
            let mut members = Map::new();
            for column in columns {
                let (from, to) = (in_row(name, row, column.name), in_row(name, rows.len(), column.name));
                let value = self.value(column, (&from, &to), form);
                if !(value.is_null() || value == json!(false)) {
                    members.insert(column.name.to_owned(), value);
                }
            }
            if !members.is_empty() {
                rows.push(Value::Object(members));
            }
        }
        Value::Array(rows)
    }
}

/// What is ticked, in the order in which it stood: boxes have an order of their own.
fn in_order_of(was: &Value, mut now: Value) -> Value {
    let was = was.as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(now) = now.as_array_mut() {
        now.sort_by_key(|one| was.iter().position(|known| known == one).unwrap_or(was.len()));
    }
    now
}

/// Whether two values say the same: numbers however they are written, texts whatever blanks and ends of lines a browser makes of
/// them, and nothing as an empty list or no tick.
fn is_same(was: &Value, now: &Value) -> bool {
    if let (Some(was), Some(now)) = (was.as_str(), now.as_str()) {
        return was.replace("\r\n", "\n").trim() == now.trim();
    }
    let number = |value: &Value| value.as_number().and_then(|number| typed_figure(&number.to_string(), None).ok());
    match (number(was), number(now)) {
        (Some(was), Some(now)) => was == now,
        _ => was == now || is_nothing(was) && is_nothing(now),
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null()
        || *value == json!([])
        || *value == json!(false)
        || value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn set(members: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('/') {
        None => drop(members.insert(name.to_owned(), value)),
        Some((outer, inner)) => {
            if let Some(within) = members.entry(outer).or_insert_with(|| json!({})).as_object_mut() {
                within.insert(inner.to_owned(), value);
            }
        }
    }
}

/// What is wrong, at the fields that it is in.
pub(super) fn faults(fields: &[Field], violations: &[Violation]) -> Vec<Fault> {
    violations
        .iter()
        .map(|violation| Fault { field: field_of(fields, violation), detail: violation.detail.clone() })
        .collect()
}

/// The field that a pointer leads to: `/headline/on_track_percent`, or `/bands/2/from` as it stands in row 2.
fn field_of(fields: &[Field], violation: &Violation) -> Option<String> {
    let pointer = violation.pointer.as_deref()?.strip_prefix('/')?;
    let field = fields.iter().filter(|field| {
        pointer.strip_prefix(field.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            || field.name.strip_prefix(pointer).is_some_and(|rest| rest.starts_with('/'))
    });
    let field = field.max_by_key(|field| field.name.len())?;
    let rest = pointer.strip_prefix(field.name).unwrap_or_default().trim_start_matches('/');
    match (&field.input, rest.split_once('/')) {
        (Input::Rows(columns), Some((row, column))) if columns.iter().any(|known| known.name == column) => {
            Some(in_row(field.name, row.parse().ok()?, column))
        }
        _ => Some(field.name.to_owned()),
    }
}
