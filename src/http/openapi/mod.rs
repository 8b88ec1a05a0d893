//! The OpenAPI document: what is in it beside the operations, and how it is served.
//!
//! The operations come from the handlers (`resource!`); [`base`] is what they are collected into,
//! [`document`] the last touch, and [`Documents`] the bytes, made once and shared by all workers.

mod downgrade;
mod examples;
mod lint;
mod sharing;

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Bytes, Data};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use utoipa::openapi::external_docs::ExternalDocsBuilder;
use utoipa::openapi::security::{ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder, SecurityRequirement, Server,
};

pub use self::downgrade::downgrade_to_3_0;
pub use self::lint::lint;
use crate::domain::invalid::Violation;
use crate::domain::wording::capitalised;
use crate::http::problem::documented::{NotModified, PublicProblems, of_the_way_in};
use crate::http::problem::{Code, Problem, ProblemBody};
use crate::http::request::conditional::{Conditions, ETag, TAGS_PATTERN};
use crate::http::request::extract::{NoParams, Params};

/// What the API is for, in the words of those who use it.
const DESCRIPTION: &str = "\
Waymark keeps a partnership's plan, its KPIs, the targets set for them and the figures reported against them, and states \
how each is doing, why, and what moved.

**How to begin.** Get a token: ask an administrator of your plan for a client and exchange its id and secret at \
`POST /oauth/token`, or make a personal access token with `POST /v1/tokens`. Send it as `Authorization: Bearer <token>`. \
Then, in this order:

1. `GET /v1/me` states who you are and which plans and roles you have.
2. `GET /v1/plans/{plan}/status-report` reports how every KPI of the plan is doing; `/exceptions` lists those that need attention.
3. `GET /v1/plans/{plan}/kpis` lists the KPIs, and `/kpis/{kpi}/status` states how one of them is doing and why.
4. `PUT /v1/plans/{plan}/kpis/{kpi}/readings/{period}` reports one figure; `POST /v1/plans/{plan}/readings` imports a file \
of them. Add `dry_run=true` to see first what it would do.
5. `GET /v1/plans/{plan}/readings` and `/targets` list the figures and the targets, as JSON, CSV or Excel.
6. `GET /v1/plans/{plan}/changes` lists what has changed since you last looked.

Every error is a problem document (RFC 9457); its `type` leads to a page that explains it, and all of them are listed at \
[/problems](/problems). Every answer to a read carries an `ETag`: send it as `If-None-Match` to read again cheaply, and as \
`If-Match` to change what you read and nothing newer. Lists come in pages; follow `Link: rel=\"next\"`, or send `next` as \
`cursor`. New members may be added to answers at any time: ignore those you do not know. Requests are closed: a member or \
a query parameter that is not known is refused.";

/// The groups that operations are shown in, in this order, which is that in which people need them; one that no operation
/// uses is left out.
const TAGS: &[(&str, &str)] = &[
    ("reports", "How the KPIs are doing: status reports, exceptions, assessments, series and board reports."),
    ("kpis", "Key performance indicators."),
    ("readings", "The figures reported, by period and group, with every revision."),
    ("targets", "The figures wanted, by period."),
    ("changes", "What changed: the change feed, the journal and webhooks."),
    ("access", "Who may do what: you, grants, tokens, clients and links."),
    ("collecting", "Collection rounds and the returns in them: who owes what, by when."),
    ("actions", "What will be done about a KPI that is off track."),
    ("plans", "Plans: the boundary of everything else, and of access."),
    (
        "structure",
        "How a plan is divided: organisations, sub-groups, outcome areas and priorities; and the dimensions of its population.",
    ),
    ("policies", "Status policies: how a figure becomes a band and a status."),
    (
        "benchmarks",
        "What other authorities reached, and the comparator groups that the plan's figures are compared with.",
    ),
    ("service", "The service itself: its health, its version and its documentation."),
];

/// The paths that most partners need, which come first in the document, in this order.
const FIRST: &[&str] = &[
    "/v1/me",
    "/v1/plans/{plan}/status-report",
    "/v1/plans/{plan}/exceptions",
    "/v1/plans/{plan}/kpis",
    "/v1/plans/{plan}/kpis/{kpi}/status",
    "/v1/plans/{plan}/readings",
    "/v1/plans/{plan}/kpis/{kpi}/readings/{period}",
    "/v1/plans/{plan}/targets",
    "/v1/plans/{plan}/changes",
];

/// The document without its operations.
pub fn base() -> OpenApi {
    let mut licence = License::new("Apache-2.0");
    licence.identifier = Some("Apache-2.0".to_owned());
    let contact = ContactBuilder::new().name(Some("Waymark")).url(Some(env!("CARGO_PKG_REPOSITORY"))).build();
    let info = InfoBuilder::new()
        .title("Waymark")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .contact(Some(contact))
        .license(Some(licence))
        .build();
    // Responses that are declared by type are not searched for schemas, so these two are named here.
    let components = ComponentsBuilder::new().schema_from::<ProblemBody>().schema_from::<Violation>();
    let components = security_schemes()
        .into_iter()
        .fold(components, |components, (name, scheme)| components.security_scheme(name, scheme));
    let manual = ExternalDocsBuilder::new()
        .description(Some(
            "The manual: how to install it, the rules that figures are assessed by, and how to connect other systems.",
        ))
        .url(concat!(env!("CARGO_PKG_REPOSITORY"), "#readme"))
        .build();
    OpenApiBuilder::new()
        .info(info)
        .external_docs(Some(manual))
        .servers(Some([Server::new("/")]))
        .components(Some(components.build()))
        .security(Some(WAYS_IN.map(|scheme| SecurityRequirement::new(scheme, [""; 0]))))
        .tags(Some(TAGS.iter().map(|(name, told)| TagBuilder::new().name(*name).description(Some(*told)).build())))
        .build()
}

/// The schemes that any operation under `/v1` takes, one of them.
const WAYS_IN: [&str; 3] = ["bearer", "oauth2", "basic"];

/// How a caller can authenticate.
fn security_schemes() -> [(&'static str, SecurityScheme); 4] {
    let basic = |told: &str| {
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some(told)).build())
    };
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("An access token, or a personal access token, sent as `Authorization: Bearer <token>`."))
        .build();
    let flow = Flow::ClientCredentials(ClientCredentials::new("/oauth/token", Scopes::new()));
    let oauth2 = OAuth2::with_description(
        [flow],
        "A client of a plan exchanges its id and secret for an access token, which it sends as `Authorization: Bearer`. There are \
         no scopes: what a client may do is stated by its grants. If the service takes the tokens of another issuer only, \
         `/.well-known/oauth-protected-resource` names it.",
    );
    [
        ("bearer", SecurityScheme::Http(bearer)),
        ("oauth2", SecurityScheme::OAuth2(oauth2)),
        (
            "basic",
            basic(
                "A personal access token as the password, with any user name, for tools that know no other way. Only if the \
                 deployment allows it; otherwise the answer is 401.",
            ),
        ),
        ("client", basic("A client's id as the user name and its secret as the password, at the token endpoint only.")),
    ]
}

/// The finished document, as JSON: operations named in camelCase, and no tag that none of them has.
///
/// # Errors
/// If the document cannot be written as JSON, which a test rules out.
pub fn document(parts: &OpenApi) -> serde_json::Result<Value> {
    let mut document = serde_json::to_value(parts)?;
    if let Some(schemas) = document.pointer_mut("/components/schemas") {
        describe_choices(schemas);
        name_variants(schemas);
        loosen_changes(schemas);
    }
    let mut used = Vec::new();
    for (path, operation) in operations_mut(&mut document) {
        tell_of_the_way_in(path, operation);
        tell_of_tags(operation);
        tell_of_keys(operation);
        leave_filters_empty(operation);
        tell_of_nul(operation);
        if let Some(Value::String(id)) = operation.get_mut("operationId") {
            *id = camel_case(id);
        }
        used.extend(operation.get("tags").and_then(Value::as_array).into_iter().flatten().cloned());
    }
    if let Some(tags) = document.get_mut("tags").and_then(Value::as_array_mut) {
        tags.retain(|tag| tag.get("name").is_some_and(|name| used.contains(name)));
    }
    examples::add(&mut document);
    sharing::share(&mut document);
    Ok(document)
}

/// Puts the example of an optional parameter into its description: Swagger UI sends an example unasked, and a filter that nobody
/// chose would hide what a reader looks for.
fn leave_filters_empty(operation: &mut Value) {
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(parameter) = parameter.as_object_mut() else { continue };
        if parameter.get("required") == Some(&json!(true)) {
            continue;
        }
        let Some(Value::String(example)) = parameter.remove("example") else { continue };
        if let Some(Value::String(description)) = parameter.get_mut("description")
            && !description.contains(&format!("`{example}`"))
        {
            *description = format!("{description} For example `{example}`.");
        }
    }
}

/// Says of every query parameter that may be any text what its reader takes nowhere: the character U+0000, which no database
/// keeps.
fn tell_of_nul(operation: &mut Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten();
    for parameter in parameters.filter(|parameter| parameter.get("in") == Some(&json!("query"))) {
        let Some(schema) = parameter.get_mut("schema").and_then(Value::as_object_mut) else { continue };
        let any_text = schema.get("type") == Some(&json!("string"))
            && !["enum", "format", "pattern"].iter().any(|narrower| schema.contains_key(*narrower));
        if any_text {
            schema.insert("pattern".into(), json!(r"^[^\x00]*$"));
        }
    }
}

/// Puts descriptions where readers and generators look for them: beside a choice between something and null, and at the
/// tag of a variant, which utoipa leaves bare.
fn describe_choices(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(describe_choices),
        Value::Object(members) => {
            members.values_mut().for_each(describe_choices);
            let of_choice = members.get_mut("oneOf").and_then(Value::as_array_mut).and_then(|choices| {
                let or_null = choices.len() == 2 && choices.iter().any(|choice| *choice == json!({"type": "null"}));
                choices.iter_mut().filter(|_| or_null).find_map(|choice| choice.as_object_mut()?.remove("description"))
            });
            if let Some(description) = of_choice {
                members.entry("description").or_insert(description);
            }
            if let Some([Value::String(only)]) = members.get("enum").and_then(Value::as_array).map(Vec::as_slice) {
                let description = format!("Always `{only}`.");
                members.entry("description").or_insert(description.into());
            }
        }
        _ => {}
    }
}

/// Gives each variant of a tagged choice that has a title a schema of that name, and says which member distinguishes
/// them: generators make a type of what has a name, and of what has none a warning.
fn name_variants(schemas: &mut Value) {
    let Some(schemas) = schemas.as_object_mut() else { return };
    let mut named = Vec::new();
    for schema in schemas.values_mut().filter_map(Value::as_object_mut) {
        let Some(variants) = schema.get_mut("oneOf").and_then(Value::as_array_mut) else { continue };
        let Some(tags) = variants.iter().map(tag_of).collect::<Option<Vec<_>>>() else { continue };
        let mut mapping = serde_json::Map::new();
        for (variant, (_, value, title)) in variants.iter_mut().zip(&tags) {
            let reference = format!("#/components/schemas/{title}");
            mapping.insert(value.clone(), reference.clone().into());
            named.push((title.clone(), std::mem::replace(variant, json!({"$ref": reference}))));
        }
        if let Some((member, ..)) = tags.first() {
            schema.insert("discriminator".to_owned(), json!({"propertyName": member, "mapping": mapping}));
        }
    }
    schemas.extend(named);
}

/// Lets what is within a change be as incomplete as the change: a merge patch goes on into the objects of what it
/// changes (RFC 7396).
fn loosen_changes(schemas: &mut Value) {
    let Some(schemas) = schemas.as_object_mut() else { return };
    let mut loosened = serde_json::Map::new();
    let whole = schemas.clone();
    for (_, change) in schemas.iter_mut().filter(|(name, _)| name.ends_with("Change")) {
        for (_, member) in change.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
            let choices = member.get("oneOf").and_then(Value::as_array).map_or(0, Vec::len);
            let places = std::iter::once("/$ref".to_owned()).chain((0..choices).map(|at| format!("/oneOf/{at}/$ref")));
            for place in places {
                let Some(reference) = member.pointer_mut(&place) else { continue };
                let name = reference.as_str().and_then(|reference| reference.rsplit('/').next()).unwrap_or_default();
                let Some(part) = whole.get(name).filter(|part| part.get("required").is_some()) else { continue };
                let mut part = part.clone();
                if let Some(members) = part.as_object_mut() {
                    members.remove("required");
                    let told = members.get("description").and_then(Value::as_str).unwrap_or_default();
                    let told = format!("{told} What is left out stays as it is.");
                    members.insert("description".to_owned(), told.into());
                }
                loosened.insert(format!("{name}Change"), part);
                *reference = format!("#/components/schemas/{name}Change").into();
            }
        }
    }
    schemas.extend(loosened);
}

/// The member that says which variant a titled schema is, what it then holds, and the title.
fn tag_of(variant: &Value) -> Option<(String, String, String)> {
    let title = variant.get("title")?.as_str()?;
    let mut members = variant.get("properties")?.as_object()?.iter();
    members.find_map(|(name, member)| match member.get("enum")?.as_array()?.as_slice() {
        [Value::String(only)] => Some((name.clone(), only.clone(), title.to_owned())),
        _ => None,
    })
}

/// Says what the conditional headers look like, and adds what every conditional read has, described by its 304: the
/// header that asks for it, and the tag in the answer.
fn tell_of_tags(operation: &mut Value) {
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        if parameter.get("name").is_some_and(|name| name == "If-Match" || name == "If-None-Match")
            && let Some(schema) = parameter.get_mut("schema").and_then(Value::as_object_mut)
        {
            schema.extend([("minLength".to_owned(), json!(1)), ("pattern".to_owned(), json!(TAGS_PATTERN))]);
        }
    }
    let state = json!({
        "description": "Its state.", "required": true, "schema": {"type": "string", "examples": ["\"1234\""]}
    });
    let mut parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
    // What was only tried has no state.
    let may_be_tried = parameters.any(|parameter| parameter.get("name").is_some_and(|name| name == "dry_run"));
    for (status, answer) in operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Some(tag) = answer.pointer_mut("/headers/ETag")
            && status.starts_with('2')
            && !(may_be_tried && status == "200")
            && tag.get("description") == state.get("description")
        {
            *tag = state.clone();
        }
    }
    if operation.pointer("/responses/304").is_none() {
        return;
    }
    if let Some(answer) = operation.pointer_mut("/responses/200").and_then(Value::as_object_mut)
        && let Some(headers) = answer.entry("headers").or_insert_with(|| json!({})).as_object_mut()
    {
        headers.entry("ETag").or_insert(state);
    }
    let header = json!({
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of what you have already, or several, or `*` for anything: if it is still so, the answer is 304.",
        "required": false,
        "schema": {"type": "string", "minLength": 1, "pattern": TAGS_PATTERN},
        "example": "\"1234\"",
    });
    if let Some(operation) = operation.as_object_mut()
        && let Some(parameters) = operation.entry("parameters").or_insert_with(|| json!([])).as_array_mut()
    {
        parameters.push(header);
    }
}

/// Adds the header of every request that is carried out once, described by the problem of sending its key with another
/// one.
fn tell_of_keys(operation: &mut Value) {
    let told = operation.pointer("/responses/409/description").and_then(Value::as_str);
    if !told.is_some_and(|told| told.contains(Code::AlreadyCarriedOut.as_str())) {
        return;
    }
    let good = operation.get("responses").and_then(Value::as_object).into_iter().flatten();
    let mut good = good.filter(|(status, _)| status.starts_with('2')).map(|(_, response)| response);
    // As it is sent: what must not be stored is not stored to be answered again either.
    let secret = good.any(|response| response.pointer("/headers/Cache-Control").is_some());
    let again = if secret {
        format!(
            "and answered 409 (`{}`): the answer holds a secret, which is given once",
            Code::AlreadyCarriedOut.as_str()
        )
    } else {
        "and answered as it was the first time".to_owned()
    };
    let header = json!({
        "name": "Idempotency-Key",
        "in": "header",
        "description": format!("A key of your own for this request, such as a UUID. Sent again with the same key within 24 hours, it is not carried out again, {again}."),
        "required": false,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
        "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    });
    if let Some(operation) = operation.as_object_mut()
        && let Some(parameters) = operation.entry("parameters").or_insert_with(|| json!([])).as_array_mut()
    {
        parameters.push(header);
    }
}

/// Adds the answers that come from what is before the handlers.
fn tell_of_the_way_in(path: &str, operation: &mut Value) {
    if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        responses.extend(of_the_way_in(path));
    }
}

/// Every operation of a document, with its path.
fn operations_mut(document: &mut Value) -> impl Iterator<Item = (&str, &mut Value)> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let operations = item.as_object_mut().into_iter().flatten();
        let operations = operations.filter(|(method, _)| METHODS.contains(&method.as_str()));
        operations.map(|(_, operation)| (path.as_str(), operation))
    })
}

/// A document as it is written: the head first, and the paths that most partners need before the others.
struct Ordered<'a>(&'a Value);

/// The members of a document, in the order that a reader wants them.
const MEMBERS: &[&str] = &["openapi", "info", "externalDocs", "servers", "security", "tags", "paths", "components"];

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(document) = self;
        let mut written = serializer.serialize_map(None)?;
        for (name, member) in in_order(document, MEMBERS) {
            match name {
                "paths" => written.serialize_entry(name, &OrderedPaths(member))?,
                _ => written.serialize_entry(name, member)?,
            }
        }
        written.end()
    }
}

struct OrderedPaths<'a>(&'a Value);

impl Serialize for OrderedPaths<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (first, rest): (Vec<_>, Vec<_>) = in_order(self.0, FIRST).partition(|(path, _)| FIRST.contains(path));
        let (plans, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(path, _)| path.starts_with("/v1/"));
        let paths = first.into_iter().chain(plans).chain(others);
        serializer.collect_map(paths.map(|(path, item)| (path, OrderedItem(item))))
    }
}

struct OrderedItem<'a>(&'a Value);

impl Serialize for OrderedItem<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(in_order(self.0, METHODS))
    }
}

/// The members of an object, these names first.
fn in_order<'a>(object: &'a Value, names: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let members = || object.as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member));
    let first = names.iter().filter_map(|&name| Some((name, object.get(name)?)));
    first.chain(members().filter(|(name, _)| !names.contains(name)))
}

/// The members of a path that are operations.
const METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "options", "head", "trace"];

/// `list_kpis` as `listKpis`.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |done, word| done + &capitalised(word))
}

/// The documents as they are served, handed to the app as `Data<Documents>`.
#[derive(Clone, Debug)]
pub struct Documents {
    current: Served,
    older: Served,
}

#[derive(Clone, Debug)]
struct Served {
    bytes: Bytes,
    tag: ETag,
}

impl Documents {
    /// The documents in the repository, which are those of [`crate::http::documents`].
    pub fn committed() -> Self {
        static COMMITTED: LazyLock<Documents> = LazyLock::new(|| Documents {
            current: Served::of(Bytes::from_static(include_bytes!("../../../openapi/openapi.json"))),
            older: Served::of(Bytes::from_static(include_bytes!("../../../openapi/openapi-3.0.json"))),
        });
        COMMITTED.clone()
    }

    /// Both documents, from what the handlers say about themselves.
    ///
    /// # Errors
    /// As [`document`].
    pub fn new(parts: &OpenApi) -> serde_json::Result<Self> {
        let current = document(parts)?;
        Ok(Self { older: Served::new(&downgrade_to_3_0(current.clone()))?, current: Served::new(&current)? })
    }

    /// The OpenAPI 3.1 document, as served.
    pub fn v3_1(&self) -> &[u8] {
        &self.current.bytes
    }

    /// The OpenAPI 3.0 document, as served.
    pub fn v3_0(&self) -> &[u8] {
        &self.older.bytes
    }
}

impl Served {
    fn new(document: &Value) -> serde_json::Result<Self> {
        // Indented, so that the copy in the repository has diffs that can be read; by little, for the sake of its size.
        let mut bytes = Vec::new();
        let indented = serde_json::ser::PrettyFormatter::with_indent(b" ");
        Ordered(document).serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, indented))?;
        bytes.push(b'\n');
        Ok(Self::of(Bytes::from(bytes)))
    }

    fn of(bytes: Bytes) -> Self {
        Self { tag: ETag::over(&bytes), bytes }
    }

    fn reply(&self, conditions: &Conditions) -> HttpResponse {
        let mut response = conditions.not_modified(&self.tag).unwrap_or_else(|| {
            HttpResponse::Ok().content_type("application/json").insert_header(&self.tag).body(self.bytes.clone())
        });
        response.headers_mut().insert(CACHE_CONTROL, crate::http::gate::envelope::PUBLIC_NO_CACHE);
        response
    }
}

/// Describe this API
///
/// The OpenAPI 3.1 document that you are reading.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "get_openapi", tag = "service", security(()),
    responses((status = 200, description = "The document.", body = Object, example = json!({"openapi": "3.1.0"})), NotModified, PublicProblems)
)]
pub async fn openapi_3_1(
    _: Params<NoParams>,
    conditions: Conditions,
    documents: Data<Documents>,
) -> Result<HttpResponse, Problem> {
    Ok(documents.current.reply(&conditions))
}

/// Describe this API to older tools
///
/// The same as an OpenAPI 3.0 document.
#[utoipa::path(
    get, path = "/openapi-3.0.json", operation_id = "get_openapi_3_0", tag = "service", security(()),
    responses((status = 200, description = "The document.", body = Object, example = json!({"openapi": "3.0.3"})), NotModified, PublicProblems)
)]
pub async fn openapi_3_0(
    _: Params<NoParams>,
    conditions: Conditions,
    documents: Data<Documents>,
) -> Result<HttpResponse, Problem> {
    Ok(documents.older.reply(&conditions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_in_camel_case() {
        assert_eq!(camel_case("list_kpis"), "listKpis");
        assert_eq!(camel_case("livez"), "livez");
        assert_eq!(camel_case("get_openapi_3_0"), "getOpenapi30");
    }

    #[test]
    fn variants_with_a_title_become_schemas_of_their_own() {
        let variant = |title: &str, kind: &str| json!({"title": title, "properties": {"kind": {"enum": [kind]}}});
        let untitled = json!({"oneOf": [{"properties": {"kind": {"enum": ["a"]}}}, {"type": "null"}]});
        let mut schemas =
            json!({"Shape": {"oneOf": [variant("Round", "round"), variant("Flat", "flat")]}, "Other": untitled});
        name_variants(&mut schemas);
        let reference = |name: &str| format!("#/components/schemas/{name}");
        assert_eq!(
            schemas,
            json!({
                "Shape": {
                    "oneOf": [{"$ref": reference("Round")}, {"$ref": reference("Flat")}],
                    "discriminator": {
                        "propertyName": "kind", "mapping": {"round": reference("Round"), "flat": reference("Flat")}
                    }
                },
                "Round": variant("Round", "round"),
                "Flat": variant("Flat", "flat"),
                "Other": untitled
            })
        );
    }

    #[test]
    fn the_base_names_its_licence_once() {
        let base = serde_json::to_value(base()).unwrap();
        assert_eq!(base["openapi"], "3.1.0");
        assert_eq!(base["info"]["license"], serde_json::json!({"name": "Apache-2.0", "identifier": "Apache-2.0"}));
        assert_eq!(base["info"]["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(base["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
        assert_eq!(base["security"], json!([{"bearer": []}, {"oauth2": []}, {"basic": []}]));
    }

    #[test]
    fn an_optional_parameter_has_its_example_in_its_description() {
        let parameter = |required, example: &str| json!({"name": "x", "required": required, "description": "One, or `two`.", "example": example});
        let mut operation =
            json!({"parameters": [parameter(true, "one"), parameter(false, "one"), parameter(false, "two")]});
        leave_filters_empty(&mut operation);
        let left = |description: &str| json!({"name": "x", "required": false, "description": description});
        let expected = [parameter(true, "one"), left("One, or `two`. For example `one`."), left("One, or `two`.")];
        assert_eq!(operation["parameters"], json!(expected));
    }

    #[test]
    fn a_query_parameter_of_any_text_says_that_it_takes_no_nul() {
        let schemas =
            [json!({"type": "string"}), json!({"type": "string", "format": "date-time"}), json!({"type": "boolean"})];
        let mut operation = json!({"parameters": schemas.map(|schema| json!({"in": "query", "schema": schema}))});
        tell_of_nul(&mut operation);
        assert_eq!(operation["parameters"][0]["schema"], json!({"type": "string", "pattern": r"^[^\x00]*$"}));
        for narrower in [1, 2] {
            assert_eq!(operation["parameters"][narrower]["schema"].get("pattern"), None);
        }
    }

    #[test]
    fn what_most_need_comes_first() {
        let item = json!({"delete": {}, "get": {}, "post": {}});
        let document = json!({
            "components": {}, "openapi": "3.1.0", "paths": {"/a": {}, "/v1/a": item, "/v1/me": {}, "/v1/plans/{plan}/changes": {}}
        });
        assert_eq!(
            serde_json::to_string(&Ordered(&document)).unwrap(),
            "{\"openapi\":\"3.1.0\",\"paths\":{\"/v1/me\":{},\"/v1/plans/{plan}/changes\":{},\
             \"/v1/a\":{\"get\":{},\"post\":{},\"delete\":{}},\"/a\":{}},\"components\":{}}"
        );
    }
}
