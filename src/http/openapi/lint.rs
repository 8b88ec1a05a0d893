//! What a document must have to be of use to somebody who has nothing else.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value indexed by a name that it does not have is null, and no panic"
)]

use std::collections::HashSet;

use serde_json::Value;

use super::METHODS;

/// Everything that a reader of the document would miss; empty if nothing is.
///
/// Each operation needs a unique `operationId` in camelCase, one declared tag, a summary, a description and security;
/// each parameter a description and, if it is required, an example, which an optional one must not have; each response
/// a description, and a schema or an example if it has a body; each request body, and each JSON body of an answer if it
/// goes well, an example; each member of each schema a description; and each reference something to refer to.
pub fn lint(document: &Value) -> Vec<String> {
    let mut missing = Missing { document, found: Vec::new() };
    let mut ids = HashSet::new();
    for (path, item) in members(&document["paths"]) {
        for (method, operation) in members(item).filter(|(method, _)| METHODS.contains(method)) {
            let place = format!("{} {path}", method.to_uppercase());
            let id = operation["operationId"].as_str().unwrap_or_default();
            missing.unless(is_camel_case(id), &place, "operationId in camelCase");
            missing.unless(ids.insert(id), &place, "operationId of its own");
            missing.operation(&place, path, operation);
        }
    }
    for (name, schema) in members(&document["components"]["schemas"]) {
        missing.schema(name, schema);
    }
    missing.references(document);
    missing.found
}

struct Missing<'a> {
    document: &'a Value,
    found: Vec<String>,
}

impl Missing<'_> {
    fn unless(&mut self, there: bool, place: &str, what: &str) {
        if !there {
            self.found.push(format!("{place}: no {what}"));
        }
    }

    fn operation(&mut self, place: &str, path: &str, operation: &Value) {
        let tags: Vec<_> = elements(&operation["tags"]).collect();
        self.unless(tags.len() == 1, place, "one tag");
        let declared = |tag: &&Value| elements(&self.document["tags"]).any(|known| known["name"] == **tag);
        self.unless(tags.iter().all(declared), place, "declaration of its tag");
        self.unless(said(&operation["summary"]), place, "summary");
        self.unless(said(&operation["description"]), place, "description");
        let secured = !operation["security"].is_null() || !self.document["security"].is_null();
        self.unless(secured, place, "security");

        let parameters: Vec<Value> =
            elements(&operation["parameters"]).map(|parameter| self.resolved(parameter).clone()).collect();
        for parameter in &parameters {
            let place = format!("{place} {}", parameter["name"].as_str().unwrap_or("a parameter"));
            self.unless(said(&parameter["description"]), &place, "description");
            // Swagger UI sends an example unasked: a filter that nobody chose would hide what a reader looks for.
            let schema = self.resolved(&parameter["schema"]).clone();
            let shown = has_example(parameter) || has_example(&schema);
            let required = parameter["required"] == true;
            self.unless(shown || !required, &place, "example");
            self.unless(required || !shown, &place, "need of an example that would be sent unasked");
        }
        for name in path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')) {
            let told = parameters.iter().any(|p| p["in"] == "path" && p["name"] == name);
            self.unless(told, place, &format!("parameter {name}, which is in its path"));
        }

        let body = &operation["requestBody"]["content"];
        self.content(&format!("{place} body"), body);
        let shown = body.is_null() || members(body).any(|(_, told)| has_example(told));
        self.unless(shown, place, "example of its body");
        self.unless(members(&operation["responses"]).next().is_some(), place, "responses");
        for (status, response) in members(&operation["responses"]) {
            let place = format!("{place} {status}");
            let response = self.resolved(response).clone();
            self.unless(said(&response["description"]), &place, "description");
            let empty = members(&response["content"]).next().is_none();
            let may_be_empty = matches!(status, "201" | "202" | "204" | "304");
            self.unless(!empty || may_be_empty, &place, "content");
            self.content(&place, &response["content"]);
            for (_, told) in members(&response["content"]).filter(|(media, _)| media.ends_with("json")) {
                let shown = has_example(told) || has_example(self.resolved(&told["schema"]));
                self.unless(shown || !status.starts_with('2'), &place, "example");
            }
            if status.starts_with(['4', '5']) {
                // OAuth has errors of its own.
                let oauth =
                    response["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/OauthProblem";
                let problem = !response["content"]["application/problem+json"].is_null();
                self.unless(problem || oauth, &place, "problem document");
            }
        }
    }

    fn content(&mut self, place: &str, content: &Value) {
        for (media, told) in members(content) {
            self.unless(
                has_example(told) || !told["schema"].is_null(),
                place,
                &format!("schema or example for {media}"),
            );
            self.schema(place, &told["schema"]);
        }
    }

    fn schema(&mut self, place: &str, schema: &Value) {
        for (name, property) in members(&schema["properties"]) {
            let place = format!("{place}.{name}");
            self.unless(said(&property["description"]), &place, "description");
            self.schema(&place, property);
        }
        for keyword in ["allOf", "anyOf", "oneOf", "prefixItems"] {
            for part in elements(&schema[keyword]) {
                self.schema(place, part);
            }
        }
        for keyword in ["items", "additionalProperties"] {
            if schema[keyword].is_object() {
                self.schema(place, &schema[keyword]);
            }
        }
    }

    fn references(&mut self, value: &Value) {
        if let Some(reference) = value["$ref"].as_str() {
            let there = reference.strip_prefix('#').and_then(|pointer| self.document.pointer(pointer)).is_some();
            self.unless(there, reference, "such thing");
        }
        for (_, member) in members(value) {
            self.references(member);
        }
        for element in elements(value) {
            self.references(element);
        }
    }

    fn resolved<'v>(&'v self, value: &'v Value) -> &'v Value {
        let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        pointer.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(value)
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member))
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn said(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

fn has_example(value: &Value) -> bool {
    !value["example"].is_null() || !value["examples"].is_null()
}

fn is_camel_case(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_that_says_nothing_is_found_out() {
        let found = lint(&json!({
            "paths": {
                "/a/{id}": {"get": {
                    "operationId": "get_a",
                    "parameters": [
                        {"name": "q", "in": "query", "required": true, "schema": {"type": "string"}},
                        {"name": "r", "in": "query", "schema": {"type": "string", "examples": ["x"]}}
                    ],
                    "requestBody": {"content": {"application/json": {"schema": {}}}},
                    "responses": {"200": {"content": {"application/json": {}}}, "404": {"description": "Gone."}}
                }},
                "/b": {"get": {"operationId": "get_a", "responses": {"204": {"description": "Done."}}}}
            },
            "components": {"schemas": {"A": {"properties": {"x": {"$ref": "#/components/schemas/B"}}}}}
        }));
        for expected in [
            "GET /a/{id}: no operationId in camelCase",
            "GET /b: no operationId of its own",
            "GET /a/{id}: no one tag",
            "GET /a/{id}: no summary",
            "GET /a/{id}: no description",
            "GET /a/{id}: no security",
            "GET /a/{id} q: no description",
            "GET /a/{id} q: no example",
            "GET /a/{id} r: no need of an example that would be sent unasked",
            "GET /a/{id}: no example of its body",
            "GET /a/{id} 200: no example",
            "GET /a/{id}: no parameter id, which is in its path",
            "GET /a/{id} 200: no description",
            "GET /a/{id} 200: no schema or example for application/json",
            "GET /a/{id} 404: no content",
            "GET /a/{id} 404: no problem document",
            "A.x: no description",
            "#/components/schemas/B: no such thing",
        ] {
            assert!(found.iter().any(|line| line == expected), "{expected} is not in {found:#?}");
        }
    }
}
