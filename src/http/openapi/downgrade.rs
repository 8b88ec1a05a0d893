//! From OpenAPI 3.1 to 3.0.3, for the many tools that read no newer.
//!
//! 3.1 took over JSON Schema 2020-12 whole; 3.0 has a dialect of its own. What the dialect can say in another way is said
//! so; what it cannot say is left out, which makes a schema wider and never wrong.

use serde_json::{Map, Value, json};

/// Where the licence's text is: 3.0 knows no SPDX identifiers.
const LICENCE_URL: &str = "https://www.apache.org/licenses/LICENSE-2.0";

/// Keywords of JSON Schema that 3.0 has no words for.
const UNSAYABLE: &[&str] = &[
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$schema",
    "$vocabulary",
    "contains",
    "contentSchema",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "minContains",
    "patternProperties",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// The same API as an OpenAPI 3.0.3 document.
pub fn downgrade_to_3_0(mut document: Value) -> Value {
    if let Some(root) = document.as_object_mut() {
        root.insert("openapi".to_owned(), json!("3.0.3"));
        remove(root, &["$self", "jsonSchemaDialect", "webhooks"]);
    }
    if let Some(info) = object(&mut document, "info") {
        info.remove("summary");
        if let Some(licence) = info.get_mut("license").and_then(Value::as_object_mut)
            && licence.remove("identifier").is_some()
        {
            licence.entry("url").or_insert_with(|| json!(LICENCE_URL));
        }
    }
    for tag in document.get_mut("tags").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(tag) = tag.as_object_mut() {
            remove(tag, &["summary", "parent", "kind"]);
        }
    }
    for item in members(&mut document, "paths") {
        for parameter in items(item, "parameters") {
            carrier(parameter);
        }
        for operation in item.as_object_mut().into_iter().flatten().map(|(_, operation)| operation) {
            self::operation(operation);
        }
    }
    if let Some(components) = document.get_mut("components") {
        if let Some(components) = components.as_object_mut() {
            remove(components, &["pathItems", "mediaTypes"]);
        }
        members(components, "schemas").for_each(schema);
        members(components, "responses").for_each(response);
        members(components, "parameters").for_each(carrier);
        members(components, "headers").for_each(carrier);
        members(components, "requestBodies").for_each(carrier);
        if let Some(schemes) = object(components, "securitySchemes") {
            schemes.retain(|_, scheme| scheme.get("type").is_none_or(|kind| kind != "mutualTLS"));
            for scheme in schemes.values_mut().filter_map(Value::as_object_mut) {
                remove(scheme, &["deprecated", "oauth2MetadataUrl"]);
            }
        }
    }
    document
}

fn operation(operation: &mut Value) {
    items(operation, "parameters").for_each(carrier);
    if let Some(body) = operation.get_mut("requestBody") {
        carrier(body);
    }
    members(operation, "responses").for_each(response);
}

fn response(response: &mut Value) {
    if let Some(response) = response.as_object_mut() {
        response.remove("summary");
    }
    members(response, "headers").for_each(carrier);
    carrier(response);
}

/// What carries schemas: a parameter, a header, a body or a response.
fn carrier(carrier: &mut Value) {
    if let Some(inner) = carrier.get_mut("schema") {
        schema(inner);
    }
    for media in members(carrier, "content") {
        if let Some(media) = media.as_object_mut() {
            remove(media, &["description", "itemSchema", "itemEncoding", "prefixEncoding"]);
        }
        if let Some(inner) = media.get_mut("schema") {
            schema(inner);
        }
    }
}

/// Rewrites one schema and all within it.
fn schema(value: &mut Value) {
    match value {
        // 3.0 has no schemas `true` and `false`.
        Value::Bool(true) => *value = json!({}),
        Value::Bool(false) => *value = json!({"not": {}}),
        Value::Object(schema) => rewrite(schema),
        _ => {}
    }
}

fn rewrite(schema: &mut Map<String, Value>) {
    remove(schema, UNSAYABLE);
    within(schema);
    if let Some(examples) = schema.remove("examples").as_ref().and_then(Value::as_array).and_then(|all| all.first()) {
        schema.entry("example").or_insert_with(|| examples.clone());
    }
    if let Some(value) = schema.remove("const") {
        schema.entry("enum").or_insert_with(|| json!([value]));
    }
    exclusive(schema, "exclusiveMinimum", "minimum");
    exclusive(schema, "exclusiveMaximum", "maximum");
    encoding(schema);
    tuple(schema);
    types(schema);
    alternatives(schema, "oneOf");
    alternatives(schema, "anyOf");
    if schema.get("type").is_some_and(|kind| kind == "array") {
        schema.entry("items").or_insert_with(|| json!({}));
    }
    if schema.get("nullable") == Some(&json!(true))
        && let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut)
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    // In 3.0 nothing may be beside a reference.
    if schema.len() > 1
        && let Some(reference) = schema.remove("$ref")
    {
        push(schema, "allOf", json!({"$ref": reference}));
    }
}

/// Rewrites what a schema is made of.
fn within(schema: &mut Map<String, Value>) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(self::schema);
    }
    for list in ["allOf", "anyOf", "oneOf", "prefixItems"] {
        schema.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().for_each(self::schema);
    }
    for one in ["items", "not", "additionalProperties"] {
        // 3.0 allows `additionalProperties` to be true or false, and `items: false` is dealt with by `tuple`.
        schema.get_mut(one).filter(|inner| inner.is_object()).into_iter().for_each(self::schema);
    }
}

/// `exclusiveMinimum: 0` as `minimum: 0, exclusiveMinimum: true`.
fn exclusive(schema: &mut Map<String, Value>, exclusive: &str, inclusive: &str) {
    if let Some(bound) = schema.get(exclusive).filter(|bound| bound.is_number()).cloned() {
        schema.insert(inclusive.to_owned(), bound);
        schema.insert(exclusive.to_owned(), json!(true));
    }
}

/// What bytes are: `contentEncoding` and `contentMediaType` as `format`.
fn encoding(schema: &mut Map<String, Value>) {
    let encoding = schema.remove("contentEncoding");
    let media = schema.remove("contentMediaType");
    let format = match (encoding.as_ref().and_then(Value::as_str), media.as_ref().and_then(Value::as_str)) {
        (Some("base64"), _) => "byte",
        (None, Some("application/octet-stream")) => "binary",
        _ => return,
    };
    schema.entry("format").or_insert_with(|| json!(format));
}

/// A tuple as an array of that length, with items of any of its kinds.
fn tuple(schema: &mut Map<String, Value>) {
    let kinds = schema.remove("prefixItems");
    if let Some(Value::Array(kinds)) = kinds {
        if schema.get("items").is_none_or(|rest| rest == &json!(false)) {
            let length = json!(kinds.len());
            schema.entry("minItems").or_insert_with(|| length.clone());
            schema.entry("maxItems").or_insert(length);
        }
        schema.insert("items".to_owned(), json!({"anyOf": kinds}));
    }
    if schema.get("items") == Some(&json!(false)) {
        schema.insert("items".to_owned(), json!({}));
    }
}

/// A list of types as one, nullable if null is among them.
fn types(schema: &mut Map<String, Value>) {
    let kinds = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.clone(),
        Some(Value::String(kind)) if kind == "null" => vec![json!("null")],
        _ => return,
    };
    schema.remove("type");
    let (null, rest): (Vec<_>, Vec<_>) = kinds.into_iter().partition(|kind| kind == "null");
    match rest.as_slice() {
        [] => null_only(schema),
        [only] => {
            schema.insert("type".to_owned(), only.clone());
            if !null.is_empty() {
                schema.insert("nullable".to_owned(), json!(true));
            }
        }
        several => {
            let either = several.iter().map(|kind| json!({"type": kind}));
            let either: Vec<_> = either.chain(null.iter().map(|_| null_schema())).collect();
            push(schema, "allOf", json!({"anyOf": either}));
        }
    }
}

/// Null among alternatives is left there, since `nullable` says nothing without a `type` beside it and opens no
/// reference to null; only if the one other alternative is written out, with its type, are the two a nullable whole.
fn alternatives(schema: &mut Map<String, Value>, keyword: &str) {
    let Some([one, other]) = schema.get(keyword).and_then(Value::as_array).map(Vec::as_slice) else { return };
    let typed = match (is_null(one), is_null(other)) {
        (true, false) => other,
        (false, true) => one,
        _ => return,
    };
    let Some(inner) = typed.as_object().filter(|inner| inner.contains_key("type")).cloned() else { return };
    if inner.keys().any(|name| name != "description" && schema.contains_key(name)) {
        return;
    }
    schema.remove(keyword);
    for (name, member) in inner {
        schema.entry(name).or_insert(member);
    }
    schema.insert("nullable".to_owned(), json!(true));
}

/// Lets only null through: of a type, any one, for without a type `nullable` says nothing.
fn null_only(schema: &mut Map<String, Value>) {
    schema.insert("type".to_owned(), json!("string"));
    schema.insert("nullable".to_owned(), json!(true));
    schema.insert("enum".to_owned(), json!([null]));
}

fn null_schema() -> Value {
    let mut schema = Map::new();
    null_only(&mut schema);
    Value::Object(schema)
}

/// Whether a schema, rewritten already, lets only null through.
fn is_null(schema: &Value) -> bool {
    schema.get("nullable") == Some(&json!(true))
        && schema.get("enum").and_then(Value::as_array).is_some_and(|values| values.iter().all(Value::is_null))
}

/// Adds a member to a list that may not be there yet.
fn push(schema: &mut Map<String, Value>, list: &str, member: Value) {
    if let Some(list) = schema.entry(list).or_insert_with(|| json!([])).as_array_mut() {
        list.push(member);
    }
}

fn remove(from: &mut Map<String, Value>, names: &[&str]) {
    for name in names {
        from.remove(*name);
    }
}

fn object<'a>(of: &'a mut Value, name: &str) -> Option<&'a mut Map<String, Value>> {
    of.get_mut(name).and_then(Value::as_object_mut)
}

fn members<'a>(of: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    object(of, name).into_iter().flatten().map(|(_, member)| member)
}

fn items<'a>(of: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    of.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(mut value: Value) -> Value {
        schema(&mut value);
        value
    }

    #[test]
    fn null_becomes_nullable() {
        for (newer, older) in [
            (json!({"type": ["string", "null"]}), json!({"type": "string", "nullable": true})),
            (json!({"type": "null"}), null_schema()),
            (
                json!({"type": ["string", "null"], "enum": ["a"]}),
                json!({"type": "string", "nullable": true, "enum": ["a", null]}),
            ),
            (
                json!({"oneOf": [{"type": "null"}, {"$ref": "#/a", "description": "One."}]}),
                json!({"oneOf": [null_schema(), {"description": "One.", "allOf": [{"$ref": "#/a"}]}]}),
            ),
            (
                json!({"description": "One.", "anyOf": [{"type": "null"}, {"type": "string", "enum": ["a"]}]}),
                json!({"description": "One.", "type": "string", "nullable": true, "enum": ["a", null]}),
            ),
            (
                json!({"maximum": 5, "anyOf": [{"type": "null"}, {"type": "integer", "maximum": 9}]}),
                json!({"maximum": 5, "anyOf": [null_schema(), {"type": "integer", "maximum": 9}]}),
            ),
            (
                json!({"oneOf": [{"type": "null"}, {"$ref": "#/a"}, {"$ref": "#/b"}]}),
                json!({"oneOf": [null_schema(), {"$ref": "#/a"}, {"$ref": "#/b"}]}),
            ),
            (
                json!({"type": ["string", "integer", "null"]}),
                json!({"allOf": [{"anyOf": [{"type": "string"}, {"type": "integer"}, null_schema()]}]}),
            ),
        ] {
            assert_eq!(rewritten(newer.clone()), older, "{newer}");
        }
    }

    #[test]
    fn the_other_keywords_are_said_in_the_older_way() {
        for (newer, older) in [
            (json!({"const": 1}), json!({"enum": [1]})),
            (json!({"examples": ["a", "b"]}), json!({"example": "a"})),
            (json!({"exclusiveMinimum": 0}), json!({"minimum": 0, "exclusiveMinimum": true})),
            (
                json!({"exclusiveMaximum": 9, "type": "integer"}),
                json!({"maximum": 9, "exclusiveMaximum": true, "type": "integer"}),
            ),
            (json!({"$ref": "#/a", "description": "One."}), json!({"description": "One.", "allOf": [{"$ref": "#/a"}]})),
            (json!({"$ref": "#/a"}), json!({"$ref": "#/a"})),
            (json!({"type": "array"}), json!({"type": "array", "items": {}})),
            (
                json!({"type": "array", "prefixItems": [{"type": "string"}, {"const": 1}], "items": false}),
                json!({"type": "array", "items": {"anyOf": [{"type": "string"}, {"enum": [1]}]}, "minItems": 2, "maxItems": 2}),
            ),
            (json!({"type": "string", "contentEncoding": "base64"}), json!({"type": "string", "format": "byte"})),
            (json!({"type": "object", "propertyNames": {"pattern": "a"}}), json!({"type": "object"})),
            (json!(true), json!({})),
        ] {
            assert_eq!(rewritten(newer.clone()), older, "{newer}");
        }
    }

    #[test]
    fn what_only_looks_like_a_keyword_is_left_alone() {
        let schema = json!({
            "type": "object",
            "properties": {"const": {"type": "string"}, "type": {"type": "string"}},
            "additionalProperties": false,
            "example": {"type": ["string", "null"], "const": 1}
        });
        assert_eq!(rewritten(schema.clone()), schema);
    }

    #[test]
    fn a_document_is_rewritten_everywhere() {
        let nullable = json!({"type": ["string", "null"]});
        let content = json!({"application/json": {"schema": nullable, "example": {"type": ["string", "null"]}}});
        let document = downgrade_to_3_0(json!({
            "openapi": "3.1.0",
            "info": {"title": "T", "version": "1", "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
            "webhooks": {},
            "paths": {"/a": {"get": {
                "parameters": [{"name": "p", "in": "query", "schema": nullable}],
                "requestBody": {"content": content},
                "responses": {"200": {"description": "D", "content": content, "headers": {"H": {"schema": nullable}}}}
            }}},
            "components": {"schemas": {"S": {"type": "object", "properties": {"p": nullable}}}}
        }));
        assert_eq!(document["openapi"], "3.0.3");
        assert_eq!(document["info"]["license"], json!({"name": "Apache-2.0", "url": LICENCE_URL}));
        assert!(document.get("webhooks").is_none());
        let older = json!({"type": "string", "nullable": true});
        let get = &document["paths"]["/a"]["get"];
        assert_eq!(get["parameters"][0]["schema"], older);
        assert_eq!(get["requestBody"]["content"]["application/json"]["schema"], older);
        assert_eq!(get["requestBody"]["content"]["application/json"]["example"]["type"], json!(["string", "null"]));
        assert_eq!(get["responses"]["200"]["content"]["application/json"]["schema"], older);
        assert_eq!(get["responses"]["200"]["headers"]["H"]["schema"], older);
        assert_eq!(document["components"]["schemas"]["S"]["properties"]["p"], older);
    }
}
