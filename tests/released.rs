//! What was released stays true: the present document is held against each one that a release promised, and whatever would
//! break a client of it is named.
//!
//! `openapi/released/<x.y>.json` is the OpenAPI 3.1 document of release x.y. A release adds its own, once, as
//! `cp openapi/openapi.json openapi/released/<x.y>.json`, and none of them is ever edited or removed while `/v1` is served.
//! Clients keep to what the document's description tells them: they send what it knows, and pass over members and values in
//! answers that they do not know. So it is no break to add an operation, an optional parameter or member, a member of an
//! answer, or a value that an answer may hold.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a JSON value indexed by a name that it does not have is null"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

/// Everything in `new` that breaks a client written for `old`, each in a line: where, and what.
fn breaks(old: &Value, new: &Value) -> BTreeSet<String> {
    let mut comparison = Comparison { old, new, within: Vec::new(), found: BTreeSet::new() };
    for (path, item) in members(&old["paths"]) {
        let now = &new["paths"][path];
        if now.is_null() {
            comparison.note(path, "the path is gone");
            continue;
        }
        for (method, operation) in members(item).filter(|(method, _)| METHODS.contains(method)) {
            let place = format!("{} {path}", method.to_uppercase());
            if now[method].is_null() {
                comparison.note(&place, "the operation is gone");
            } else {
                comparison.operation(&place, operation, &now[method]);
            }
        }
    }
    for (name, scheme) in members(&old["components"]["securitySchemes"]) {
        let now = &new["components"]["securitySchemes"][name];
        for member in ["type", "scheme", "in", "name"] {
            if scheme[member].to_string().to_lowercase() != now[member].to_string().to_lowercase() {
                comparison.note(&format!("security {name}"), &format!("the {member} is another"));
            }
        }
    }
    comparison.found
}

const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Keywords that hold back what is above them, and those that hold back what is below.
const UPPER: &[&str] = &["maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum"];
const LOWER: &[&str] = &["minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum"];

/// Where [`alternatives`] keeps the name of a schema that was referred to.
const NAME: &str = "x-name";

/// Which way a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// From the client: what was taken must still be taken.
    Request,
    /// To the client: what was sent must still be sent.
    Answer,
}

struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    /// The schemas being compared, the outermost first.
    within: Vec<String>,
    found: BTreeSet<String>,
}

impl Comparison<'_> {
    fn note(&mut self, place: &str, what: &str) {
        self.found.insert(format!("{place}: {what}"));
    }

    fn operation(&mut self, place: &str, old: &Value, new: &Value) {
        if old["operationId"] != new["operationId"] {
            self.note(place, &format!("the operationId is no longer {}", old["operationId"]));
        }
        self.parameters(place, old, new);
        self.body(place, old, new);
        for (status, answer) in members(&old["responses"]) {
            // An error that is no longer told of is no loss.
            if status.starts_with('2') || status.starts_with('3') {
                self.answer(&format!("{place} {status}"), answer, &new["responses"][status]);
            }
        }
        self.security(place, old, new);
    }

    fn parameters(&mut self, place: &str, old: &Value, new: &Value) {
        let named = |document: &Value, operation: &Value, name: &Value, within: &Value| {
            let mut parameters =
                elements(&operation["parameters"]).map(|parameter| resolved(document, parameter).clone());
            parameters.find(|parameter| parameter["name"] == *name && parameter["in"] == *within)
        };
        for parameter in elements(&old["parameters"]).map(|parameter| resolved(self.old, parameter).clone()) {
            let place = format!("{place} {}", parameter["name"].as_str().unwrap_or_default());
            match named(self.new, new, &parameter["name"], &parameter["in"]) {
                None => self.note(&place, "the parameter is gone"),
                Some(now) => {
                    if now["required"] == true && parameter["required"] != true {
                        self.note(&place, "the parameter is required now");
                    }
                    self.schema(Way::Request, &place, &parameter["schema"], &now["schema"]);
                }
            }
        }
        for parameter in elements(&new["parameters"]).map(|parameter| resolved(self.new, parameter).clone()) {
            let known = named(self.old, old, &parameter["name"], &parameter["in"]).is_some();
            if !known && parameter["required"] == true {
                let place = format!("{place} {}", parameter["name"].as_str().unwrap_or_default());
                self.note(&place, "a new parameter is required");
            }
        }
    }

    fn body(&mut self, place: &str, old: &Value, new: &Value) {
        let (old, new) = (resolved(self.old, &old["requestBody"]), resolved(self.new, &new["requestBody"]));
        let place = format!("{place} body");
        if new["required"] == true && old["required"] != true {
            self.note(&place, "it is required now");
        }
        let (old, new) = (old["content"].clone(), new["content"].clone());
        for (media, told) in members(&old) {
            if new[media].is_null() {
                self.note(&place, &format!("{media} is no longer taken"));
            } else {
                self.schema(Way::Request, &place, &told["schema"], &new[media]["schema"]);
            }
        }
    }

    fn answer(&mut self, place: &str, old: &Value, new: &Value) {
        let (old, new) = (resolved(self.old, old).clone(), resolved(self.new, new).clone());
        if new.is_null() {
            self.note(place, "the answer is gone");
            return;
        }
        for (media, told) in members(&old["content"]) {
            if new["content"][media].is_null() {
                self.note(place, &format!("{media} is no longer sent"));
            } else {
                self.schema(Way::Answer, place, &told["schema"], &new["content"][media]["schema"]);
            }
        }
        for (name, header) in members(&old["headers"]) {
            let (header, now) = (resolved(self.old, header).clone(), resolved(self.new, &new["headers"][name]).clone());
            let place = format!("{place} {name}");
            if now.is_null() {
                self.note(&place, "the header is gone");
            } else {
                if header["required"] == true && now["required"] != true {
                    self.note(&place, "the header need not be there any more");
                }
                self.schema(Way::Answer, &place, &header["schema"], &now["schema"]);
            }
        }
    }

    /// Whoever was let in must be let in still, by what they send already.
    fn security(&mut self, place: &str, old: &Value, new: &Value) {
        let ways = |document: &Value, operation: &Value| -> Vec<Value> {
            let told = if operation["security"].is_null() { &document["security"] } else { &operation["security"] };
            let ways: Vec<_> = elements(told).cloned().collect();
            if ways.is_empty() { vec![json!({})] } else { ways }
        };
        let now = ways(self.new, new);
        let suffices = |held: &Value, wanted: &Value| {
            members(wanted).all(|(scheme, scopes)| {
                !held[scheme].is_null() && elements(scopes).all(|scope| elements(&held[scheme]).any(|has| has == scope))
            })
        };
        for held in ways(self.old, old) {
            if !now.iter().any(|wanted| suffices(&held, wanted)) {
                self.note(place, &format!("{held} no longer suffices"));
            }
        }
    }

    fn schema(&mut self, way: Way, place: &str, old: &Value, new: &Value) {
        let (mut were, are) = (alternatives(self.old, old), alternatives(self.new, new));
        if way == Way::Answer && are.iter().any(is_null) && !were.iter().any(|one| allows(one, "null")) {
            self.note(place, "it may be null now");
        }
        // What is never null any more serves those who expect null too.
        if way == Way::Answer && were.iter().any(|one| !is_null(one)) {
            were.retain(|one| !is_null(one));
        }
        for one in &were {
            let outcomes = are.iter().map(|other| self.trial(way, place, one, other));
            if let Some(best) = outcomes.min_by_key(BTreeSet::len) {
                self.found.extend(best);
            }
        }
    }

    /// What breaks where the schema `new` takes the place of `old`.
    fn trial(&self, way: Way, place: &str, old: &Map<String, Value>, new: &Map<String, Value>) -> BTreeSet<String> {
        let mut trial =
            Comparison { old: self.old, new: self.new, within: self.within.clone(), found: BTreeSet::new() };
        // A schema that has a name is told of by it, once, however many operations use it.
        let place = match old.get(NAME).and_then(Value::as_str) {
            None => place.to_owned(),
            Some(name) => format!("{name} {}", if way == Way::Request { "in requests" } else { "in answers" }),
        };
        // Within itself it is being compared already.
        if old.contains_key(NAME) && trial.within.contains(&place) {
            return trial.found;
        }
        trial.within.push(place.clone());
        trial.kinds(way, &place, old, new);
        trial.objects(way, &place, old, new);
        if let (Some(old), Some(new)) = (old.get("items"), new.get("items")) {
            trial.schema(way, &format!("{place}[]"), old, new);
        }
        if way == Way::Request {
            trial.limits(&place, old, new);
        }
        trial.found
    }

    fn kinds(&mut self, way: Way, place: &str, old: &Map<String, Value>, new: &Map<String, Value>) {
        let (were, are) = (types(old), types(new));
        let (given, wanted) = if way == Way::Request { (&were, new) } else { (&are, old) };
        let fits = match given {
            None => types(wanted).is_none(),
            Some(kinds) => kinds.iter().all(|kind| allows(wanted, kind)),
        };
        if !fits {
            let words =
                |kinds: &Option<Vec<String>>| kinds.as_ref().map_or("anything".to_owned(), |kinds| kinds.join(" or "));
            self.note(place, &format!("it was {} and is {}", words(&were), words(&are)));
        }
        let format = |schema: &Map<String, Value>| schema.get("format").cloned().unwrap_or_default();
        let (was, is) = (format(old), format(new));
        let loosened = way == Way::Request && is.is_null();
        let tightened = way == Way::Answer && was.is_null();
        if was != is && !loosened && !tightened {
            self.note(place, &format!("its format was {was} and is {is}"));
        }
        let values = |schema: &Map<String, Value>| match (schema.get("enum"), schema.get("const")) {
            (Some(Value::Array(values)), _) => Some(values.clone()),
            (_, Some(value)) => Some(vec![value.clone()]),
            _ => None,
        };
        if let (Way::Request, Some(now)) = (way, values(new)) {
            match values(old) {
                None => self.note(place, "only some values are taken now"),
                Some(before) => {
                    for value in before.iter().filter(|value| !now.contains(value)) {
                        self.note(place, &format!("{value} is no longer taken"));
                    }
                }
            }
        }
        // What tells variants apart must stay what it was, whichever way it goes.
        if let (Way::Answer, Some([was]), Some([is])) = (way, values(old).as_deref(), values(new).as_deref())
            && was != is
        {
            self.note(place, &format!("it was always {was} and is always {is}"));
        }
    }

    fn objects(&mut self, way: Way, place: &str, old: &Map<String, Value>, new: &Map<String, Value>) {
        let nothing = Value::Null;
        let part = |schema: &Map<String, Value>, name: &str| schema.get(name).unwrap_or(&nothing).clone();
        let (before, now) = (part(old, "properties"), part(new, "properties"));
        let (needed, needs) = (part(old, "required"), part(new, "required"));
        for (name, property) in members(&before) {
            let place = format!("{place}.{name}");
            if now[name].is_null() {
                self.note(&place, "the member is gone");
                continue;
            }
            let required = |list: &Value| elements(list).any(|known| known == name);
            if way == Way::Answer && required(&needed) && !required(&needs) {
                self.note(&place, "it need not be there any more");
            }
            self.schema(way, &place, property, &now[name]);
        }
        if way == Way::Request {
            for name in elements(&needs).filter(|name| !elements(&needed).any(|known| known == *name)) {
                self.note(&format!("{place}.{}", name.as_str().unwrap_or_default()), "it is required now");
            }
            if part(new, "additionalProperties") == false && part(old, "additionalProperties") != false {
                self.note(place, "other members are no longer taken");
            }
        }
        let (before, now) = (part(old, "additionalProperties"), part(new, "additionalProperties"));
        if before.is_object() && now.is_object() {
            self.schema(way, &format!("{place}.*"), &before, &now);
        }
    }

    fn limits(&mut self, place: &str, old: &Map<String, Value>, new: &Map<String, Value>) {
        let number = |schema: &Map<String, Value>, keyword: &str| schema.get(keyword).and_then(Value::as_f64);
        for (keywords, upper) in [(UPPER, true), (LOWER, false)] {
            for keyword in keywords {
                let Some(is) = number(new, keyword) else { continue };
                let tighter = match number(old, keyword) {
                    Some(was) => {
                        if upper {
                            is < was
                        } else {
                            is > was
                        }
                    }
                    // Nothing is shorter than nothing.
                    None => !(keyword.starts_with("min") && *keyword != "minimum" && is <= 0.0),
                };
                if tighter {
                    self.note(place, &format!("{keyword} is {is} now"));
                }
            }
        }
        for keyword in ["pattern", "multipleOf"] {
            let (was, is) = (old.get(keyword), new.get(keyword));
            if is.is_some() && was != is {
                self.note(place, &format!("{keyword} is another"));
            }
        }
        if new.get("uniqueItems") == Some(&json!(true)) && old.get("uniqueItems") != Some(&json!(true)) {
            self.note(place, "no item may come twice now");
        }
    }
}

/// What a reference leads to.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

/// What a schema comes to: one schema for each of its choices, with what it says of all of them, and references followed.
fn alternatives(document: &Value, schema: &Value) -> Vec<Map<String, Value>> {
    let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    let Some(schema) = resolved(document, schema).as_object() else { return vec![Map::new()] };
    let mut whole = schema.clone();
    if let Some(name) = name {
        whole.insert(NAME.to_owned(), name.into());
    }
    let parts = whole.remove("allOf");
    let choices = [whole.remove("oneOf"), whole.remove("anyOf")].into_iter().flatten().next();
    let mut all = vec![whole];
    for part in parts.iter().flat_map(elements) {
        let choices = alternatives(document, part);
        all = all.iter().flat_map(|one| choices.iter().map(|other| both(one, other))).collect();
    }
    if let Some(choices) = choices {
        let choices: Vec<_> = elements(&choices).flat_map(|choice| alternatives(document, choice)).collect();
        all = all.iter().flat_map(|one| choices.iter().map(|other| both(one, other))).collect();
    }
    all
}

/// What two schemas say together.
fn both(one: &Map<String, Value>, other: &Map<String, Value>) -> Map<String, Value> {
    let mut whole = one.clone();
    for (keyword, value) in other {
        match (whole.get_mut(keyword), value) {
            (Some(Value::Object(known)), Value::Object(more)) => known.extend(more.clone()),
            (Some(Value::Array(known)), Value::Array(more)) if keyword == "required" => known.extend(more.clone()),
            (Some(_), _) => {}
            (None, _) => drop(whole.insert(keyword.clone(), value.clone())),
        }
    }
    whole
}

/// The types that a schema names; `None` where it names none.
fn types(schema: &Map<String, Value>) -> Option<Vec<String>> {
    let told = schema.get("type")?;
    let several = elements(told).filter_map(Value::as_str).map(str::to_owned);
    Some(told.as_str().map(str::to_owned).into_iter().chain(several).collect())
}

fn is_null(schema: &Map<String, Value>) -> bool {
    types(schema).is_some_and(|types| types.iter().all(|kind| kind == "null"))
}

fn allows(schema: &Map<String, Value>, kind: &str) -> bool {
    types(schema)
        .is_none_or(|types| types.iter().any(|known| known == kind || (kind == "integer" && known == "number")))
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member))
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn nothing_that_was_released_is_broken() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi");
    let present = read(&folder.join("openapi.json"));
    let mut releases: Vec<_> =
        fs::read_dir(folder.join("released")).unwrap().map(|entry| entry.unwrap().path()).collect();
    releases.sort();
    assert!(!releases.is_empty(), "no release promised anything");
    for release in releases {
        let broken = breaks(&read(&release), &present);
        let broken: Vec<_> = broken.iter().map(String::as_str).collect();
        assert!(broken.is_empty(), "clients of {} would break:\n  {}", release.display(), broken.join("\n  "));
    }
}

/// A document with one operation, which sends and takes the things of [`thing`].
fn document() -> Value {
    json!({
        "security": [{"bearer": []}],
        "paths": {
            "/things/{id}": {"put": {
                "operationId": "putThing",
                "parameters": [
                    {"name": "id", "in": "path", "required": true, "schema": {"type": "string", "maxLength": 60}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
                    {"$ref": "#/components/parameters/Since"}
                ],
                "requestBody": {"content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/NewThing"}},
                    "text/csv": {"schema": {"type": "string"}}
                }},
                "responses": {
                    "200": {
                        "description": "The thing.",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Thing"}},
                            "text/csv": {"schema": {"type": "string"}}
                        },
                        "headers": {"ETag": {"required": true, "schema": {"type": "string"}}}
                    },
                    "201": {"description": "The new thing."},
                    "404": {"description": "No thing."}
                }
            }, "get": {"operationId": "findThing", "security": [{}], "responses": {"200": {"description": "It."}}}},
            "/others": {"get": {"operationId": "listOthers", "responses": {}}}
        },
        "components": {
            "parameters": {"Since": {"name": "since", "in": "query", "schema": {"type": "string"}}},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "NewThing": {
                    "type": "object", "additionalProperties": false, "required": ["title"],
                    "properties": {
                        "title": {"type": "string", "minLength": 1, "maxLength": 200},
                        "colour": {"type": "string", "enum": ["red", "blue"]},
                        "size": {"type": ["number", "null"], "minimum": 0},
                        "codes": {"type": "array", "maxItems": 10, "items": {"type": "string", "pattern": "^a"}},
                        "formula": {"oneOf": [
                            {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string", "enum": ["direct"]}}},
                            {"type": "object", "required": ["kind", "of"], "properties": {
                                "kind": {"type": "string", "enum": ["gap"]}, "of": {"type": "string"}
                            }}
                        ]}
                    }
                },
                "Thing": {"allOf": [
                    {"$ref": "#/components/schemas/Named"},
                    {"type": "object", "required": ["size", "at"], "properties": {
                        "size": {"type": "integer"},
                        "at": {"type": "string", "format": "date-time"},
                        "parent": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Thing"}]},
                        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Named"}}
                    }}
                ]},
                "Named": {"type": "object", "required": ["title"], "properties": {
                    "title": {"type": "string"}, "colour": {"type": "string", "enum": ["red", "blue"]}
                }}
            }
        }
    })
}

/// The document with a part of it replaced; null takes the part away.
fn changed(pointer: &str, part: Value) -> Value {
    let mut document = document();
    if part.is_null() {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let name = name.replace("~1", "/");
        match document.pointer_mut(parent).unwrap() {
            Value::Object(members) => drop(members.remove(&name)),
            list => drop(list.as_array_mut().unwrap().remove(name.parse().unwrap())),
        }
    } else if let Some(place) = document.pointer_mut(pointer) {
        *place = part;
    } else {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[name] = part;
    }
    document
}

const PUT: &str = "/paths/~1things~1{id}/put";
const NEW_THING: &str = "/components/schemas/NewThing/properties";
const THING: &str = "/components/schemas/Thing/allOf/1";

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table, of one row a break")]
fn each_kind_of_break_is_named() {
    let put = |rest: &str| format!("{PUT}{rest}");
    let new_thing = |rest: &str| format!("{NEW_THING}{rest}");
    let thing = |rest: &str| format!("{THING}{rest}");
    for (pointer, part, broken) in [
        ("/paths/~1others".to_owned(), json!(null), "/others: the path is gone"),
        ("/paths/~1things~1{id}/get".to_owned(), json!(null), "GET /things/{id}: the operation is gone"),
        (put("/operationId"), json!("saveThing"), "PUT /things/{id}: the operationId is no longer \"putThing\""),
        // Parameters.
        (put("/parameters/2"), json!(null), "PUT /things/{id} since: the parameter is gone"),
        (put("/parameters/1/in"), json!("header"), "PUT /things/{id} limit: the parameter is gone"),
        (put("/parameters/1/required"), json!(true), "PUT /things/{id} limit: the parameter is required now"),
        (
            put("/parameters/2"),
            json!({"name": "If-Match", "in": "header", "required": true, "schema": {"type": "string"}}),
            "PUT /things/{id} If-Match: a new parameter is required",
        ),
        (put("/parameters/0/schema/maxLength"), json!(59), "PUT /things/{id} id: maxLength is 59 now"),
        (put("/parameters/0/schema/minLength"), json!(1), "PUT /things/{id} id: minLength is 1 now"),
        (put("/parameters/0/schema/pattern"), json!("^a"), "PUT /things/{id} id: pattern is another"),
        (put("/parameters/0/schema/enum"), json!(["a"]), "PUT /things/{id} id: only some values are taken now"),
        (put("/parameters/0/schema/format"), json!("uuid"), "PUT /things/{id} id: its format was null and is \"uuid\""),
        (put("/parameters/1/schema/maximum"), json!(999), "PUT /things/{id} limit: maximum is 999 now"),
        (put("/parameters/1/schema/minimum"), json!(2), "PUT /things/{id} limit: minimum is 2 now"),
        (
            put("/parameters/1/schema/exclusiveMaximum"),
            json!(1000),
            "PUT /things/{id} limit: exclusiveMaximum is 1000 now",
        ),
        (put("/parameters/1/schema/multipleOf"), json!(10), "PUT /things/{id} limit: multipleOf is another"),
        (put("/parameters/1/schema/type"), json!("string"), "PUT /things/{id} limit: it was integer and is string"),
        // Bodies.
        (put("/requestBody/required"), json!(true), "PUT /things/{id} body: it is required now"),
        (put("/requestBody/content/text~1csv"), json!(null), "PUT /things/{id} body: text/csv is no longer taken"),
        (new_thing("/colour"), json!(null), "NewThing in requests.colour: the member is gone"),
        (
            new_thing("/colour/enum"),
            json!(["red", "green"]),
            "NewThing in requests.colour: \"blue\" is no longer taken",
        ),
        (new_thing("/title/maxLength"), json!(100), "NewThing in requests.title: maxLength is 100 now"),
        (new_thing("/size/type"), json!("number"), "NewThing in requests.size: it was number or null and is number"),
        (new_thing("/size/minimum"), json!(0.5), "NewThing in requests.size: minimum is 0.5 now"),
        (new_thing("/codes/maxItems"), json!(9), "NewThing in requests.codes: maxItems is 9 now"),
        (new_thing("/codes/uniqueItems"), json!(true), "NewThing in requests.codes: no item may come twice now"),
        (new_thing("/codes/items/pattern"), json!("^b"), "NewThing in requests.codes[]: pattern is another"),
        (
            new_thing("/codes/items/type"),
            json!("integer"),
            "NewThing in requests.codes[]: it was string and is integer",
        ),
        (
            new_thing("/formula/oneOf/0"),
            json!(null),
            "NewThing in requests.formula.kind: \"direct\" is no longer taken",
        ),
        (
            new_thing("/formula/oneOf/1/properties/of/type"),
            json!("integer"),
            "NewThing in requests.formula.of: it was string and is integer",
        ),
        (
            "/components/schemas/NewThing/required".to_owned(),
            json!(["title", "size"]),
            "NewThing in requests.size: it is required now",
        ),
        // Answers.
        (put("/responses/201"), json!(null), "PUT /things/{id} 201: the answer is gone"),
        (put("/responses/200/content/text~1csv"), json!(null), "PUT /things/{id} 200: text/csv is no longer sent"),
        (put("/responses/200/headers/ETag"), json!(null), "PUT /things/{id} 200 ETag: the header is gone"),
        (
            put("/responses/200/headers/ETag/required"),
            json!(false),
            "PUT /things/{id} 200 ETag: the header need not be there any more",
        ),
        (
            "/components/schemas/Named/properties/colour".to_owned(),
            json!(null),
            "Thing in answers.colour: the member is gone",
        ),
        (
            "/components/schemas/Named/required".to_owned(),
            json!([]),
            "Named in answers.title: it need not be there any more",
        ),
        (thing("/properties/at"), json!(null), "Thing in answers.at: the member is gone"),
        (thing("/required"), json!(["at"]), "Thing in answers.size: it need not be there any more"),
        (thing("/properties/size/type"), json!("number"), "Thing in answers.size: it was integer and is number"),
        (
            thing("/properties/size/type"),
            json!(["integer", "null"]),
            "Thing in answers.size: it was integer and is integer or null",
        ),
        (
            thing("/properties/size"),
            json!({"oneOf": [{"type": "null"}, {"type": "integer"}]}),
            "Thing in answers.size: it may be null now",
        ),
        (
            thing("/properties/at/format"),
            json!("date"),
            "Thing in answers.at: its format was \"date-time\" and is \"date\"",
        ),
        (thing("/properties/at/format"), json!(null), "Thing in answers.at: its format was \"date-time\" and is null"),
        (
            thing("/properties/parts/items"),
            json!({"type": "object", "properties": {}}),
            "Named in answers.title: the member is gone",
        ),
        // Security.
        (
            "/security".to_owned(),
            json!([{"bearer": ["write"]}]),
            "PUT /things/{id}: {\"bearer\":[]} no longer suffices",
        ),
        ("/security".to_owned(), json!([{"bearer": [], "key": []}]), "GET /others: {\"bearer\":[]} no longer suffices"),
        ("/paths/~1things~1{id}/get/security".to_owned(), json!(null), "GET /things/{id}: {} no longer suffices"),
        (
            "/components/securitySchemes/bearer/scheme".to_owned(),
            json!("basic"),
            "security bearer: the scheme is another",
        ),
    ] {
        let found = breaks(&document(), &changed(&pointer, part.clone()));
        assert!(found.contains(broken), "{pointer} = {part}: not `{broken}` but {found:#?}");
    }
}

#[test]
fn what_only_adds_breaks_nothing() {
    let put = |rest: &str| format!("{PUT}{rest}");
    let new_thing = |rest: &str| format!("{NEW_THING}{rest}");
    let thing = |rest: &str| format!("{THING}{rest}");
    for (pointer, part) in [
        ("/paths/~1things~1{id}/description".to_owned(), json!("New words.")),
        (put("/parameters/2"), json!({"name": "since", "in": "query", "schema": {"type": ["string", "integer"]}})),
        (put("/parameters/0/schema/maxLength"), json!(61)),
        (put("/parameters/0/schema/maxLength"), json!(null)),
        (put("/parameters/0/schema/minLength"), json!(0)),
        (put("/parameters/1/schema/minimum"), json!(0)),
        (put("/parameters/1/schema/type"), json!("number")),
        (put("/requestBody/content/application~1xml"), json!({"schema": {"type": "string"}})),
        (put("/responses/404"), json!(null)),
        (put("/responses/409"), json!({"description": "Conflict."})),
        (put("/security"), json!([])),
        (put("/security"), json!([{"bearer": []}, {"basic": []}])),
        (new_thing("/weight"), json!({"type": "number"})),
        (new_thing("/colour/enum"), json!(["red", "blue", "green"])),
        (new_thing("/colour/enum"), json!(null)),
        (new_thing("/title/type"), json!(["string", "null"])),
        (new_thing("/codes/items/pattern"), json!(null)),
        (new_thing("/formula/oneOf/2"), json!(null)),
        ("/components/schemas/NewThing/required".to_owned(), json!([])),
        ("/components/schemas/NewThing/additionalProperties".to_owned(), json!(true)),
        ("/components/schemas/Named/properties/colour/enum".to_owned(), json!(["red", "blue", "green"])),
        (thing("/properties/weight"), json!({"type": "number"})),
        (thing("/required"), json!(["size", "at", "parts"])),
        (thing("/properties/parent"), json!({"$ref": "#/components/schemas/Thing"})),
        (
            "/components/schemas/Thing".to_owned(),
            json!({"type": "object", "required": ["title", "size", "at"], "properties": {
                "title": {"type": "string", "maxLength": 200},
                "colour": {"type": "string"},
                "size": {"type": "integer", "maximum": 5},
                "at": {"type": "string", "format": "date-time"},
                "parent": {"type": "null"},
                "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Named"}}
            }}),
        ),
    ] {
        if pointer.ends_with("oneOf/2") {
            let mut more = document();
            let variant = json!({"type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["new"]}}});
            more.pointer_mut(&new_thing("/formula/oneOf")).unwrap().as_array_mut().unwrap().push(variant);
            assert_eq!(breaks(&document(), &more), BTreeSet::new());
            continue;
        }
        let found = breaks(&document(), &changed(&pointer, part.clone()));
        assert_eq!(found, BTreeSet::new(), "{pointer} = {part}");
    }
}
