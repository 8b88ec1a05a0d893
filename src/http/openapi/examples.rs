//! Examples: one for every body that is sent, beside it, and one for every JSON body of an answer, beside its schema.
//!
//! A schema has the example that it is given at its type, or in `examples.json`, or else one made of those of its
//! members. What is there is compared with its schema by a test.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::operations_mut;
use crate::http::problem::PROBLEM_JSON;

/// Examples by the name of their schema: of codes, whose schemas would have Swagger UI fill in filters, and of bodies that are not
/// right with every member at once.
static WRITTEN: LazyLock<Map<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default());

const SCHEMAS: &str = "#/components/schemas/";

/// How many named schemas deep an example is full. Deeper, lists have no item and what may be null is null: a report holds the
/// same in many places.
const DEPTH: usize = 2;

/// Gives every request body, and every answer if it goes well, an example.
pub(super) fn add(document: &mut Value) {
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
    let sent = Examples { schemas: &schemas, sparing: true, depth: usize::MAX };
    let answered = Examples { schemas: &schemas, sparing: false, depth: DEPTH };
    let mut answers = Vec::new();
    for (_, operation) in operations_mut(document) {
        for body in structured(operation.get_mut("requestBody")) {
            if let Some(example) = body.get("schema").and_then(named).and_then(|name| sent.of_the(name)) {
                body.entry("example").or_insert(example);
            }
        }
        for (_, response) in operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten() {
            for body in structured(Some(response)) {
                let Some(schema) = body.get("schema") else { continue };
                if let Some(name) = named(schema) {
                    answers.push(name.to_owned());
                } else if let Some(item) = schema.get("items").and_then(named).and_then(|name| answered.of_the(name)) {
                    body.entry("example").or_insert_with(|| json!([item]));
                }
            }
        }
    }
    let Some(now) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    for (_, change) in now.iter_mut().filter(|(name, _)| name.ends_with("Change") && *name != "Change") {
        // The same member of what is changed has it.
        for (_, member) in change.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
            member.as_object_mut().map(|member| member.remove("example"));
        }
    }
    for name in answers {
        if let Some(example) = answered.of_the(&name)
            && let Some(schema) = now.get_mut(&name).and_then(Value::as_object_mut)
            && !schema.contains_key("example")
        {
            schema.entry("examples").or_insert_with(|| json!([example]));
        }
    }
}

/// What a request or a response can hold that is made of members, problems left out.
fn structured(holder: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let content = holder.and_then(|holder| holder.get_mut("content")).and_then(Value::as_object_mut);
    let bodies = content.into_iter().flatten();
    bodies.filter(|(media, _)| is_structured(media)).filter_map(|(_, body)| body.as_object_mut())
}

/// Whether a body of this media type is made of members.
fn is_structured(media: &str) -> bool {
    (media.ends_with("json") && media != PROBLEM_JSON) || media.ends_with("urlencoded")
}

fn named(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix(SCHEMAS)
}

struct Examples<'a> {
    schemas: &'a Map<String, Value>,
    /// Whether an object has only the members that it must have.
    sparing: bool,
    /// As [`DEPTH`].
    depth: usize,
}

impl<'a> Examples<'a> {
    fn of_the(&self, name: &str) -> Option<Value> {
        let (name, _) = self.schemas.get_key_value(name)?;
        self.of_named(name, &mut Vec::new())
    }

    fn of_named(&self, name: &'a str, within: &mut Vec<&'a str>) -> Option<Value> {
        let schema = self.schemas.get(name)?;
        if let Some(written) = WRITTEN.get(name) {
            return Some(written.clone());
        }
        if within.contains(&name) {
            return None;
        }
        within.push(name);
        let example = self.of(schema, within);
        within.pop();
        example
    }

    fn of(&self, schema: &'a Value, within: &mut Vec<&'a str>) -> Option<Value> {
        let list = |keyword: &str| schema.get(keyword).and_then(Value::as_array).into_iter().flatten();
        if let Some(name) = named(schema) {
            return self.of_named(name, within);
        }
        let given = schema.get("example").or_else(|| list("examples").next());
        let given = given.or_else(|| schema.get("const")).or_else(|| schema.get("default"));
        if let Some(given) = given {
            return Some(given.clone());
        }
        if schema.get("allOf").is_some() {
            let parts = list("allOf").filter_map(|part| self.of(part, within));
            let whole = parts.reduce(|whole, part| match (whole, part) {
                (Value::Object(mut whole), Value::Object(part)) => {
                    whole.extend(part);
                    whole.into()
                }
                (whole, _) => whole,
            });
            return whole;
        }
        let mut choices =
            list("oneOf").chain(list("anyOf")).filter(|choice| choice.get("type") != Some(&json!("null")));
        if let Some(chosen) = choices.find_map(|choice| self.of(choice, within)) {
            let or_null = list("oneOf").any(|choice| choice.get("type") == Some(&json!("null")));
            let too_deep = or_null && chosen.is_object() && within.len() >= self.depth;
            return Some(if too_deep { Value::Null } else { chosen });
        }
        if let Some(first) = list("enum").next() {
            return Some(first.clone());
        }
        if let Some(members) = schema.get("properties").and_then(Value::as_object) {
            return Some(self.of_members(schema, members, within));
        }
        self.of_type(schema, within)
    }

    fn of_members(&self, schema: &'a Value, members: &'a Map<String, Value>, within: &mut Vec<&'a str>) -> Value {
        let required = schema.get("required").and_then(Value::as_array);
        let mut example = Map::new();
        for (name, member) in members {
            let needed = required.is_some_and(|required| required.iter().any(|one| one == name));
            if self.sparing && !needed {
                continue;
            }
            let value = self.of(member, within).or_else(|| needed.then_some(Value::Null));
            example.extend(value.map(|value| (name.clone(), value)));
        }
        example.into()
    }

    /// Of a schema that says no more than its type; none of a text or a number, which could be anything.
    fn of_type(&self, schema: &'a Value, within: &mut Vec<&'a str>) -> Option<Value> {
        let kinds = match schema.get("type")? {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            kind => vec![kind.as_str()?],
        };
        if kinds.contains(&"null") {
            return Some(Value::Null);
        }
        match (*kinds.first()?, schema.get("format").and_then(Value::as_str)) {
            ("array", _) => {
                let items =
                    schema.get("items").filter(|_| within.len() < self.depth || schema.get("minItems").is_some());
                let item = items.and_then(|items| self.of(items, within));
                Some(item.into_iter().collect::<Vec<_>>().into())
            }
            ("boolean", _) => Some(json!(false)),
            ("object", _) => Some(json!({})),
            ("string", Some("date-time")) => Some(json!("2010-05-14T12:00:00Z")),
            ("string", Some("date")) => Some(json!("2010-03-31")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_examples_can_be_read() {
        assert!(WRITTEN.contains_key("ReadingDraft"));
    }

    #[test]
    fn an_example_is_made_of_those_of_its_parts() {
        let reference = |name: &str| json!({"$ref": format!("{SCHEMAS}{name}")});
        let thing = json!({
            "type": "object",
            "required": ["code", "parts", "note", "when"],
            "properties": {
                "code": {"type": "string", "example": "box"},
                "kind": {"enum": ["round", "flat"]},
                "parts": {"type": "array", "items": reference("Part")},
                "note": {"type": ["string", "null"]},
                "when": {"type": "string", "format": "date-time"},
                "like": {"oneOf": [{"type": "null"}, reference("Thing")]}
            }
        });
        let answer = |name: &str| json!({"content": {"application/json": {"schema": reference(name)}}});
        let mut document = json!({
            "paths": {"/things": {
                "get": {"responses": {"200": answer("Thing"), "404": answer("Other")}},
                "post": {"requestBody": answer("ThingDraft"), "responses": {}}
            }},
            "components": {"schemas": {
                "Thing": thing, "ThingDraft": thing, "Part": {"type": "number", "examples": [1]}, "Other": {}
            }}
        });
        add(&mut document);
        let sparing = json!({"code": "box", "parts": [1], "note": null, "when": "2010-05-14T12:00:00Z"});
        let mut whole = sparing.clone();
        whole["kind"] = json!("round");
        assert_eq!(document["components"]["schemas"]["Thing"]["examples"], json!([whole]));
        assert_eq!(document["components"]["schemas"]["ThingDraft"], thing);
        let body = &document["paths"]["/things"]["post"]["requestBody"]["content"]["application/json"];
        assert_eq!(body["example"], sparing);
    }

    #[test]
    fn what_is_deep_is_short() {
        let list = json!({"properties": {"parts": {"type": "array", "items": {"$ref": format!("{SCHEMAS}Part")}}}});
        let schemas = json!({"Whole": list, "Part": {"properties": {"code": {"example": "a"}}}});
        let made = |depth| {
            let examples = Examples { schemas: schemas.as_object().unwrap(), sparing: false, depth };
            examples.of_named("Whole", &mut Vec::new())
        };
        assert_eq!(made(2), Some(json!({"parts": [{"code": "a"}]})));
        assert_eq!(made(1), Some(json!({"parts": []})));
    }
}
