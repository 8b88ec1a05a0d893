//! What operations have in common, once: identical responses, parameters and headers are among the components, under
//! names that can be read, and operations refer to them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use super::operations_mut;
use crate::domain::wording::capitalised;

/// What is done at one place: what it is called there, and what is there.
type Visit<'a> = &'a mut dyn FnMut(&str, &mut Value);

/// One kind of thing that is shared.
struct Kind {
    /// Where in the components it goes.
    section: &'static str,
    /// Goes to every place where one is.
    places: fn(&mut Value, Visit<'_>),
    /// The names that one could have, best first: from what it is called in its place, and what it is.
    names: fn(&str, &Value) -> Vec<String>,
}

/// In this order: a response holds headers.
const KINDS: [Kind; 3] = [
    Kind { section: "headers", places: headers, names: header_names },
    Kind { section: "responses", places: responses, names: response_names },
    Kind { section: "parameters", places: parameters, names: parameter_names },
];

/// Moves what is written out more than once to the components.
///
/// Of several that would have the same name, the one that is in the most places has it.
pub(super) fn share(document: &mut Value) {
    for Kind { section, places, names } in KINDS {
        let mut found: BTreeMap<(String, String), (usize, Value)> = BTreeMap::new();
        places(document, &mut |called, value| {
            let place = found.entry((called.to_owned(), value.to_string())).or_insert((0, value.clone()));
            place.0 += 1;
        });
        let mut several: Vec<_> = found.into_iter().filter(|(_, (times, _))| *times > 1).collect();
        several.sort_by_key(|(_, (times, _))| Reverse(*times));
        let mut shared = Map::new();
        let mut references = BTreeMap::new();
        for ((called, text), (_, value)) in several {
            let mut names = names(&called, &value);
            let last = names.last().cloned().unwrap_or_default();
            names.extend((2..=shared.len() + 2).map(|number| format!("{last}{number}")));
            if let Some(name) = names.into_iter().find(|name| !shared.contains_key(name)) {
                references.insert((called, text), format!("#/components/{section}/{name}"));
                shared.insert(name, value);
            }
        }
        places(document, &mut |called, value| {
            if let Some(reference) = references.get(&(called.to_owned(), value.to_string())) {
                *value = json!({"$ref": reference});
            }
        });
        let components = document.get_mut("components").and_then(Value::as_object_mut);
        if let Some(components) = components.filter(|_| !shared.is_empty()) {
            components.insert(section.to_owned(), shared.into());
        }
    }
}

fn responses(document: &mut Value, visit: Visit<'_>) {
    for (_, operation) in operations_mut(document) {
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        responses.into_iter().flatten().for_each(|(status, response)| visit(status, response));
    }
}

fn headers(document: &mut Value, visit: Visit<'_>) {
    responses(document, &mut |_, response| {
        let headers = response.get_mut("headers").and_then(Value::as_object_mut);
        headers.into_iter().flatten().for_each(|(name, header)| visit(name, header));
    });
}

fn parameters(document: &mut Value, visit: Visit<'_>) {
    for (_, operation) in operations_mut(document) {
        for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            visit(&name, parameter);
        }
    }
}

fn header_names(called: &str, header: &Value) -> Vec<String> {
    let name = pascal_case(called);
    let required = header.get("required") == Some(&json!(true));
    let more = if required { format!("{name}Always") } else { name.clone() };
    vec![name, more]
}

fn parameter_names(called: &str, parameter: &Value) -> Vec<String> {
    let name = pascal_case(called);
    let text = |member: &str| parameter.get(member).and_then(Value::as_str).unwrap_or_default();
    let place = match (text("in"), parameter.get("required") == Some(&json!(true))) {
        ("query", _) => format!("{name}Filter"),
        ("header", false) => format!("{name}Optional"),
        (within, _) => name.clone() + &pascal_case(within),
    };
    vec![name, place]
}

/// A response's name: the code of the problem that its description names, if it is the only one; what its status is called, with
/// the last of several; or what it is about.
fn response_names(status: &str, response: &Value) -> Vec<String> {
    let status = StatusCode::from_bytes(status.as_bytes()).ok().and_then(|status| status.canonical_reason());
    let name: String = status.unwrap_or("Response").split(' ').map(pascal_case).collect();
    let description = response.get("description").and_then(Value::as_str).unwrap_or_default();
    let codes: Vec<String> = description.split('`').skip(1).step_by(2).map(pascal_case).collect();
    let last_word = description.split(' ').next_back().map(pascal_case).unwrap_or_default();
    match codes.as_slice() {
        [] => vec![name.clone(), name + &last_word],
        [only] => vec![only.clone(), name],
        [.., last] => vec![name.clone(), format!("{name}Or{last}"), name + &last_word],
    }
}

/// `If-Match` as `IfMatch`, `not_found` as `NotFound`.
fn pascal_case(name: &str) -> String {
    name.split(|char: char| !char.is_ascii_alphanumeric()).map(capitalised).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_twice_is_shared_and_what_stands_once_is_not() {
        let plan = json!({"name": "plan", "in": "path"});
        let gone = |code: &str| json!({"description": format!("It is not there (`{code}`).")});
        let operation = |id: &str, codes: [&str; 2]| {
            let tagged = json!({"description": id, "headers": {"ETag": {"description": "Its state."}}});
            let responses = json!({"200": tagged, "404": gone(codes[0]), "410": gone(codes[1])});
            json!({"operationId": id, "parameters": [plan], "responses": responses})
        };
        let mut document = json!({
            "paths": {
                "/a": {"get": operation("a", ["x", "y"]), "put": operation("b", ["x", "y"])},
                "/b": {"get": operation("c", ["z_z", "y"]), "put": operation("d", ["z_z", "v"])},
                "/c": {"get": operation("e", ["x", "w"])},
            },
            "components": {}
        });
        share(&mut document);
        assert_eq!(
            document["components"],
            json!({
                "headers": {"ETag": {"description": "Its state."}},
                "parameters": {"Plan": plan},
                "responses": {"X": gone("x"), "ZZ": gone("z_z"), "Y": gone("y")}
            })
        );
        let of_the_first = &document["paths"]["/a"]["get"];
        assert_eq!(of_the_first["parameters"], json!([{"$ref": "#/components/parameters/Plan"}]));
        assert_eq!(of_the_first["responses"]["404"], json!({"$ref": "#/components/responses/X"}));
        assert_eq!(of_the_first["responses"]["200"]["headers"]["ETag"]["$ref"], "#/components/headers/ETag");
        assert_eq!(document["paths"]["/c"]["get"]["responses"]["410"], gone("w"));
    }

    #[test]
    fn of_the_same_name_the_one_most_used_has_it() {
        let parameter = |told: &str| json!({"name": "period", "in": "query", "description": told});
        let mut paths = Map::new();
        for (at, told) in ["a", "b", "b", "c", "a", "b", "c"].into_iter().enumerate() {
            let operation = json!({"operationId": "x", "parameters": [parameter(told)], "responses": {}});
            paths.insert(format!("/{at}"), json!({"get": operation}));
        }
        let mut document = json!({"paths": paths, "components": {}});
        share(&mut document);
        let shared = document["components"]["parameters"].as_object().unwrap();
        let told: Vec<_> =
            shared.iter().map(|(name, one)| (name.as_str(), one["description"].as_str().unwrap())).collect();
        assert_eq!(told, [("Period", "b"), ("PeriodFilter", "a"), ("PeriodFilter2", "c")]);
    }
}
