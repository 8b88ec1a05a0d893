//! The committed OpenAPI document, and every answer held against it.

use std::sync::LazyLock;

use actix_web::http::Method;
use serde_json::Value;

use super::{Answer, XLSX};

/// The document, with what operations share written out where it belongs.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document: Value = serde_json::from_str(include_str!("../../../openapi/openapi.json")).unwrap();
    let components = document["components"].clone();
    write_out(&mut document["paths"], &components);
    document
});

fn write_out(value: &mut Value, components: &Value) {
    let shared = value["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/components/"));
    if let Some(shared) = shared.filter(|shared| !shared.starts_with("schemas/")) {
        *value = components.pointer(&format!("/{shared}")).unwrap().clone();
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| write_out(item, components)),
        Value::Object(members) => members.values_mut().for_each(|member| write_out(member, components)),
        _ => {}
    }
}

/// What is known by a code that stands in its path after this.
const CODED: [&str; 8] = [
    "organisations",
    "sub-groups",
    "outcome-areas",
    "priorities",
    "dimensions",
    "policies",
    "comparator-groups",
    "problems",
];

/// One operation of the document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub(crate) id: &'static str,
    pub(crate) method: &'static str,
    /// The path with its placeholders.
    pub(crate) path: &'static str,
    said: &'static Value,
}

impl Operation {
    pub(crate) fn method(&self) -> Method {
        self.method.to_uppercase().parse().unwrap()
    }

    /// What it is about: `organisations`, `kpis`.
    pub(crate) fn subject(&self) -> &'static str {
        self.path.trim_start_matches("/v1/plans/{plan}").trim_start_matches('/').split('/').next().unwrap()
    }

    /// The path, with this code in the place of that of a definition or a problem.
    pub(crate) fn path_of(&self, code: &str) -> String {
        let mut steps: Vec<&str> = self.path.split('/').collect();
        if let Some(place) = steps.iter().position(|step| CODED.contains(step)).map(|before| before + 1)
            && steps.get(place).is_some_and(|step| step.starts_with('{'))
        {
            steps[place] = code;
        }
        steps.join("/")
    }

    pub(crate) fn takes(&self, parameter: &str) -> bool {
        self.said["parameters"].as_array().into_iter().flatten().any(|known| known["name"] == parameter)
    }

    /// What it says of a parameter.
    pub(crate) fn says_of(&self, parameter: &str) -> &'static str {
        let mut known = self.said["parameters"].as_array().into_iter().flatten();
        let known = known.find(|known| known["name"] == parameter);
        known.and_then(|known| known["description"].as_str()).unwrap_or_default()
    }

    /// The media type of the body that it takes, if any; of several the one that can be written by hand.
    pub(crate) fn body_type(&self) -> Option<&'static str> {
        self.body_types().into_iter().next()
    }

    /// The media types of the bodies that it takes.
    pub(crate) fn body_types(&self) -> Vec<&'static str> {
        let content = self.said["requestBody"]["content"].as_object();
        let mut types: Vec<_> = content.into_iter().flat_map(|content| content.keys().map(String::as_str)).collect();
        types.sort_by_key(|kind| *kind == XLSX);
        types
    }

    /// The schema of a body that it takes as this media type.
    pub(crate) fn body_schema(&self, kind: &str) -> &'static Value {
        resolved(&resolved(&self.said["requestBody"])["content"][kind]["schema"])
    }

    /// The media types of its answer where it goes well.
    pub(crate) fn media_types(&self) -> Vec<&'static str> {
        let content = self.said["responses"]["200"]["content"].as_object();
        content.into_iter().flat_map(|content| content.keys().map(String::as_str)).collect()
    }

    /// Whether it is about what is in a plan.
    pub(crate) fn is_of_a_plan(&self) -> bool {
        self.path.contains("{plan}")
    }
}

/// Every operation there is.
pub(crate) fn operations() -> impl Iterator<Item = Operation> {
    DOCUMENT["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let methods = ["get", "post", "put", "patch", "delete"];
        methods.into_iter().filter_map(|method| {
            let said = item.get(method)?;
            Some(Operation { id: said["operationId"].as_str().unwrap(), method, path, said })
        })
    })
}

/// A part of the document, or what it refers to.
pub(crate) fn resolved(part: &'static Value) -> &'static Value {
    match part["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => resolved(DOCUMENT.pointer(pointer).unwrap()),
        None => part,
    }
}

/// Checks that the answer is one the document tells of: its status, its media type, and the shape of its body.
pub(super) fn check(method: &Method, uri: &str, answer: &Answer) {
    let path = uri.split('?').next().unwrap();
    let path = [".csv", ".json", ".xlsx"]
        .into_iter()
        .find_map(|suffix| path.strip_suffix(suffix).filter(|bare| bare.starts_with("/v1/")))
        .unwrap_or(path);
    let asked = if method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
    let fits = |template: &str| {
        template.split('/').count() == path.split('/').count()
            && template.split('/').zip(path.split('/')).all(|(known, given)| known == given || known.starts_with('{'))
    };
    let mut candidates: Vec<_> =
        operations().filter(|operation| operation.method == asked && fits(operation.path)).collect();
    candidates.sort_by_key(|operation| operation.path.matches('{').count());
    // What is no operation is a 404, a 405 or OPTIONS, which the document need not tell of.
    let Some(operation) = candidates.first() else { return };
    let response = operation.said["responses"].get(answer.status.to_string());
    let response = response.unwrap_or_else(|| panic!("{} does not tell of {answer}", operation.id));
    if method == Method::POST && answer.status < 300 {
        let secret = answer.header("cache-control") == Some("no-store");
        assert_eq!(response["headers"]["Cache-Control"].is_object(), secret, "whether it holds a secret: {answer}");
    }
    let Some(content) = response["content"].as_object() else {
        assert!(answer.body.is_empty(), "{} tells of no body: {answer}", operation.id);
        return;
    };
    let media = answer.header("content-type").unwrap_or_default().split(';').next().unwrap();
    let schema =
        &content.get(media).unwrap_or_else(|| panic!("{} tells of no {media}: {answer}", operation.id))["schema"];
    if method != Method::HEAD
        && answer.header("content-encoding").is_none()
        && media.ends_with("json")
        && let Err(why) = matches(schema, &answer.json())
    {
        panic!("{} sends what its schema does not allow: {why}\n{answer}", operation.id);
    }
}

/// Whether a value has the shape of a schema: as much of JSON Schema as the document uses.
fn matches(schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/components/schemas/")) {
        return matches(&DOCUMENT["components"]["schemas"][name], value).map_err(|why| format!("{name}: {why}"));
    }
    let list = |name: &str| schema[name].as_array().into_iter().flatten();
    for part in list("allOf") {
        matches(part, value)?;
    }
    if schema["oneOf"].is_array() && list("oneOf").filter(|choice| matches(choice, value).is_ok()).count() != 1 {
        return Err(format!("{value} is not one of the choices"));
    }
    if schema["enum"].is_array() && !list("enum").any(|known| known == value) {
        return Err(format!("{value} is not among the values"));
    }
    let kinds: Vec<&str> = schema["type"].as_str().into_iter().chain(list("type").filter_map(Value::as_str)).collect();
    let is = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("what is a {other}?"),
    };
    if !kinds.is_empty() && !kinds.iter().any(is) {
        return Err(format!("{value} is no {kinds:?}"));
    }
    if let Some(members) = value.as_object() {
        if let Some(missing) = list("required").find(|name| !members.contains_key(name.as_str().unwrap())) {
            return Err(format!("{missing} is missing"));
        }
        for (name, member) in members {
            let known = schema["properties"]
                .get(name)
                .or_else(|| schema.get("additionalProperties").filter(|more| more.is_object()));
            known.map_or(Ok(()), |known| matches(known, member)).map_err(|why| format!("{name}: {why}"))?;
        }
    }
    for item in value.as_array().into_iter().flatten() {
        schema.get("items").map_or(Ok(()), |items| matches(items, item))?;
    }
    Ok(())
}
