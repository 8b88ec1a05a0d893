//! The whole of the room at once, around a small app that is no part of the product.

use std::fmt::Display;
use std::str::FromStr;

use actix_web::body::to_bytes;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Data;
use actix_web::{App, HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_actix_web::{AppExt, scope};

use crate::http::gate::envelope::envelope;
use crate::http::openapi::{self, Documents, lint};
use crate::http::problem::Problem;
use crate::http::reports::pictures::PictureParams;
use crate::http::request::conditional::{Conditions, ETag};
use crate::http::request::extract::{Body, FromParams, NoParams, ParamReader, Params, Patch, assert_documented};
use crate::http::request::negotiate::{Accept, Format};
use crate::http::request::page::{Paging, page};
use crate::http::request::path::path_params;
use crate::http::request_id;
use crate::http::resource::resource;
use crate::http::service::health::Readiness;
use crate::programme::caller::precondition::Precondition;

mod things {
    use super::*;
    use crate::http::problem::documented::{DeleteProblems, NotModified, ReadProblems, WriteProblems};

    /// A thing's code: lower-case letters.
    #[derive(Debug)]
    pub(in crate::http) struct Code(String);

    impl FromStr for Code {
        type Err = &'static str;

        fn from_str(text: &str) -> Result<Self, Self::Err> {
            let right = !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase());
            right.then(|| Self(text.to_owned())).ok_or("a code is made of lower-case letters")
        }
    }

    impl Display for Code {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(&self.0)
        }
    }

    /// A thing.
    #[derive(Debug, Serialize, ToSchema)]
    #[schema(as = Thing)]
    pub(in crate::http) struct ThingBody {
        /// What it is known by.
        #[schema(example = "box")]
        code: String,
        /// What it is like, if anybody knows.
        #[schema(required)]
        note: Option<String>,
    }

    page!(
        /// Some of the things.
        pub(in crate::http) ThingPage of ThingBody
    );

    /// A thing to be.
    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    pub(in crate::http) struct NewThingBody {
        /// What it is like.
        #[schema(example = "red")]
        note: String,
    }

    /// What to change of a thing.
    #[derive(Debug, ToSchema)]
    #[expect(dead_code, reason = "it documents a body that is read member by member")]
    pub(in crate::http) struct ThingPatchBody {
        /// What it is like; null to forget it.
        note: Option<String>,
    }

    /// Which things to list.
    #[derive(Debug, utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub(in crate::http) struct ThingFilter {
        /// Only the thing with this code.
        #[param(value_type = Option<String>, example = "box")]
        code: Option<Code>,
    }

    impl FromParams for ThingFilter {
        fn read(params: &mut ParamReader) -> Option<Self> {
            Some(Self { code: params.optional("code") })
        }
    }

    path_params! {
        /// The address of a thing.
        pub(in crate::http) ThingPath {
            code: Code as String, "The thing's code.", "box";
        }
        /// The address of one of several kinds of thing.
        pub(in crate::http) OnePath {
            code: String, "A code.", "met";
        }
    }

    /// List the things
    ///
    /// In the order of their codes.
    #[utoipa::path(
        get, path = "/things", tag = "plans", params(ThingFilter, Paging),
        responses(
            (status = 200, description = "A page of them.", content((ThingPage = "application/json"), (String = "text/csv")), headers(("ETag" = String, description = "The state."))),
            NotModified, ReadProblems
        )
    )]
    pub(in crate::http) async fn list_things(
        Params((filter, paging)): Params<(ThingFilter, Paging)>,
        accept: Accept,
        conditions: Conditions,
        request: HttpRequest,
    ) -> Result<HttpResponse, Problem> {
        let format = accept.choose(&[Format::Json, Format::Csv])?;
        let tag = ETag::of(7).rendered_as(format);
        if let Some(same) = conditions.not_modified(&tag) {
            return Ok(same);
        }
        let after: Option<String> = paging.after()?;
        let all = ["axe", "box", "cup"].map(str::to_owned).into_iter();
        let rows = all
            .filter(|code| filter.code.as_ref().is_none_or(|wanted| wanted.0 == *code))
            .filter(|code| after.as_ref().is_none_or(|after| code > after))
            .collect();
        let (codes, next) = paging.cut(rows, String::clone)?;
        match format {
            Format::Csv | Format::Xlsx => {
                Ok(HttpResponse::Ok().content_type(format.content_type()).body(codes.join("\n")))
            }
            Format::Json => {
                let items = codes.into_iter().map(|code| ThingBody { code, note: None }).collect();
                Ok(ThingPage { items, next }.reply(&request, &tag))
            }
        }
    }

    /// Put a thing
    ///
    /// Creates it, or replaces it.
    #[utoipa::path(
        put, path = "/things/{code}", tag = "plans", request_body = NewThingBody,
        params(ThingPath),
        responses((status = 200, description = "The thing as it is now.", body = ThingBody), WriteProblems)
    )]
    pub(in crate::http) async fn put_thing(
        ThingPath { code }: ThingPath,
        _: Params<NoParams>,
        conditions: Conditions,
        Body(new): Body<NewThingBody>,
    ) -> Result<HttpResponse, Problem> {
        Precondition::from(&conditions).allows_change_of(7)?;
        Ok(HttpResponse::Ok()
            .insert_header(&ETag::of(8))
            .json(ThingBody { code: code.to_string(), note: Some(new.note) }))
    }

    /// Change a thing
    ///
    /// Only what is sent is changed.
    #[utoipa::path(
        patch, path = "/things/{code}", tag = "plans",
        request_body(content = ThingPatchBody, content_type = "application/merge-patch+json"),
        params(ThingPath),
        responses((status = 200, description = "The thing as it is now.", body = ThingBody), WriteProblems)
    )]
    pub(in crate::http) async fn update_thing(Patch(patch): Patch<serde_json::Map<String, Value>>) -> HttpResponse {
        let note = patch.get("note").map_or(Some("as it was".to_owned()), |note| note.as_str().map(str::to_owned));
        HttpResponse::Ok().json(ThingBody { code: "box".to_owned(), note })
    }

    /// Delete a thing
    ///
    /// This one always panics.
    #[utoipa::path(
        delete, path = "/things/{code}", tag = "plans",
        params(ThingPath),
        responses((status = 204, description = "It is removed."), DeleteProblems)
    )]
    pub(in crate::http) async fn delete_thing() -> HttpResponse {
        panic!("the secret is out");
    }

    /// Find a thing
    ///
    /// Its note is the request's id.
    #[utoipa::path(
        get, path = "/things/{code}", tag = "plans",
        params(ThingPath),
        responses((status = 200, description = "The thing.", body = ThingBody), ReadProblems)
    )]
    pub(in crate::http) async fn find_thing(ThingPath { code }: ThingPath, _: Params<NoParams>) -> HttpResponse {
        HttpResponse::Ok().json(ThingBody { code: code.to_string(), note: request_id::request_id() })
    }

    /// Asks for data that the app does not have, which is our fault.
    pub(in crate::http) async fn broken(_: Data<u128>) -> HttpResponse {
        HttpResponse::Ok().finish()
    }
}

/// One macro, handlers for several resources: everything that differs is a literal or a type of the macro's.
#[rustfmt::skip]
macro_rules! crud {
    ($module:ident, $path:literal, $of:literal, $body:ident, $list:literal, $find:literal, $summary:literal) => {
        mod $module {
            use super::things::OnePath;
            use super::*;
            use crate::http::problem::documented::ReadProblems;

            const TAG: &str = "structure";

            #[doc = $summary]
            #[doc = ""]
            #[doc = "A second paragraph."]
            #[utoipa::path(
                get, path = $path, operation_id = $list, tag = TAG,
                responses((status = 200, description = "All of them.", body = Vec<$body>), ReadProblems)
            )]
            pub(in crate::http) async fn list(_: Params<NoParams>) -> HttpResponse {
                HttpResponse::Ok().json([$body { code: $of.to_owned() }])
            }

            #[utoipa::path(
                get, path = concat!($path, "/{code}"), operation_id = $find, tag = TAG,
                summary = concat!("Find one of the ", $of), description = $summary,
                params(OnePath),
                responses((status = 200, description = $summary, body = $body), ReadProblems)
            )]
            pub(in crate::http) async fn find(OnePath { code }: OnePath) -> HttpResponse {
                HttpResponse::Ok().json($body { code })
            }
        }
    };
}

/// An organisation.
#[derive(Serialize, ToSchema)]
struct OrganisationBody {
    /// Its code.
    #[schema(example = "met")]
    code: String,
}

/// A priority.
#[derive(Serialize, ToSchema)]
struct PriorityBody {
    /// Its code.
    #[schema(example = "met")]
    code: String,
}

crud!(
    organisations,
    "/organisations",
    "organisations",
    OrganisationBody,
    "list_made_organisations",
    "find_made_organisation",
    "The organisations"
);
crud!(
    priorities,
    "/priorities",
    "priorities",
    PriorityBody,
    "list_made_priorities",
    "find_made_priority",
    "The priorities"
);

fn app() -> App<
    impl actix_web::dev::ServiceFactory<
        actix_web::dev::ServiceRequest,
        Config = (),
        Response = ServiceResponse,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let (app, parts) = App::new()
        .into_utoipa_app()
        .openapi(openapi::base())
        .configure(|config| {
            for route in crate::http::routes::routes() {
                config.service(route);
            }
        })
        .service(
            scope("/v1")
                .service(resource!(things::{list_things}))
                .service(resource!(things::{find_thing, put_thing, update_thing, delete_thing}))
                .service(resource!(organisations::{list}))
                .service(resource!(organisations::{find}))
                .service(resource!(priorities::{list}))
                .service(resource!(priorities::{find})),
        )
        .split_for_parts();
    app.route("/broken", actix_web::web::get().to(things::broken))
        .app_data(Data::new(Documents::new(&parts).unwrap()))
        .app_data(Data::new(Readiness::new(|| async { Err("the secret database is down".to_owned()) })))
        .wrap(from_fn(envelope))
}

struct Answer {
    status: StatusCode,
    headers: actix_web::http::header::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of a problem, once it has been seen to be one in every way.
    fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", String::from_utf8_lossy(&self.body));
        let body = self.json();
        let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members.len(), 7, "{members:?}");
        assert_eq!(body["status"], self.status.as_u16());
        assert_eq!(body["instance"], format!("urn:request:{}", self.header("x-request-id")));
        let code = body["code"].as_str().unwrap().to_owned();
        assert_eq!(body["type"], format!("/problems/{code}"));
        code
    }
}

async fn send(request: TestRequest) -> Answer {
    let service = init_service(app()).await;
    let (head, body) = match service.call(request.to_request()).await {
        Ok(response) => response.into_parts().1.into_parts(),
        Err(error) => error.error_response().into_parts(),
    };
    let body = to_bytes(body).await.ok().unwrap_or_default();
    Answer { status: head.status(), headers: head.headers().clone(), body: body.to_vec() }
}

async fn get(uri: &str) -> Answer {
    send(TestRequest::get().uri(uri)).await
}

fn request(method: &str, uri: &str) -> TestRequest {
    TestRequest::with_uri(uri).method(Method::from_bytes(method.as_bytes()).unwrap())
}

#[actix_web::test]
async fn an_address_answers_to_its_methods_and_no_others() {
    let refused = send(request("POST", "/v1/things/box")).await;
    assert_eq!(refused.problem(), "method_not_allowed");
    assert_eq!(refused.header("allow"), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
    let options = send(request("OPTIONS", "/v1/things")).await;
    assert_eq!((options.status.as_u16(), options.header("allow")), (204, "GET, HEAD, OPTIONS"));
    assert!(options.body.is_empty());
    assert_eq!(send(request("HEAD", "/v1/things/box")).await.status, 200);
    assert_eq!(send(request("HEAD", "/docs")).await.status, 200);
    assert_eq!(send(request("DELETE", "/livez")).await.problem(), "method_not_allowed");
}

#[actix_web::test]
async fn what_is_not_there_is_not_found_however_it_is_not() {
    let mut details = std::collections::HashSet::new();
    for uri in ["/nope", "/v1/nope", "/v1/things/BOX", "/v1/things/a%00b", "/v1/things/%FF", "/problems/nope"] {
        let answer = get(uri).await;
        assert_eq!(answer.problem(), "not_found", "{uri}");
        details.insert(answer.json()["detail"].to_string());
    }
    assert_eq!(details.len(), 1);
}

#[actix_web::test]
async fn the_framework_s_own_errors_are_problems_too() {
    let answer = get("/broken").await;
    assert_eq!(answer.problem(), "internal");
    assert!(!String::from_utf8_lossy(&answer.body).contains("u128"));
}

#[actix_web::test]
async fn a_panic_is_answered_and_outlived() {
    let service = init_service(app()).await;
    let panics = request("DELETE", "/v1/things/box").insert_header(("x-request-id", "p-1"));
    let error = service.call(panics.to_request()).await.unwrap_err();
    let response = error.error_response();
    assert_eq!(response.status(), 500);
    assert_eq!(response.headers().get("x-request-id").unwrap(), "p-1");
    assert_eq!(response.headers().get("content-type").unwrap(), "application/problem+json");
    assert!(response.headers().contains_key("content-security-policy"));
    let body = to_bytes(response.into_body()).await.ok().unwrap();
    assert!(!String::from_utf8_lossy(&body).contains("secret"));
    let next = service.call(TestRequest::get().uri("/livez").to_request()).await.unwrap();
    assert_eq!(next.status(), 200);
}

#[actix_web::test]
async fn every_answer_carries_its_id_and_what_guards_browsers() {
    let answer = send(TestRequest::get().uri("/v1/things/box").insert_header(("x-request-id", "job-7"))).await;
    assert_eq!(answer.header("x-request-id"), "job-7");
    assert_eq!(answer.json()["note"], "job-7");
    for uri in ["/v1/things/box", "/nope", "/docs/", "/problems", "/openapi.json"] {
        let answer = get(uri).await;
        assert!(uuid::Uuid::parse_str(answer.header("x-request-id")).is_ok());
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        let csp = answer.header("content-security-policy");
        assert!(csp.starts_with("default-src 'none'") && !csp.contains("unsafe"), "{csp}");
        assert!(!answer.header("cache-control").is_empty(), "{uri}");
    }
    let answer = get("/v1/things/box").await;
    assert_eq!((answer.header("cache-control"), answer.header("vary")), ("private, no-cache", "Accept"));
}

#[actix_web::test]
async fn a_list_comes_in_pages_that_lead_to_one_another() {
    let first = get("/v1/things?limit=2").await;
    assert_eq!(first.header("etag"), "\"7-json\"");
    let page = first.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let next = page["next"].as_str().unwrap();
    let link = first.header("link").strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
    assert_eq!(link, format!("/v1/things?limit=2&cursor={next}"));
    let last = get(link).await;
    assert_eq!(last.json(), json!({"items": [{"code": "cup", "note": null}], "next": null}));
    assert_eq!(last.header("link"), "");
    let wrong = get("/v1/things?cod=box&limit=0&cursor=x").await;
    assert_eq!(wrong.problem(), "invalid_parameter");
    let columns: Vec<_> = wrong.json()["errors"].as_array().unwrap().iter().map(|e| e["column"].clone()).collect();
    assert_eq!(columns, ["limit", "cursor", "cod"]);
    assert_eq!(get("/v1/things?cod=box").await.problem(), "unknown_parameter");
    assert_eq!(get("/v1/things?code=BOX").await.problem(), "invalid_parameter");
}

#[actix_web::test]
async fn what_has_not_changed_is_not_sent_again() {
    let same = send(TestRequest::get().uri("/v1/things").insert_header(("if-none-match", "W/\"7-json\""))).await;
    assert_eq!((same.status.as_u16(), same.header("etag"), same.header("vary")), (304, "\"7-json\"", "Accept"));
    let csv = TestRequest::get().uri("/v1/things.csv").insert_header(("if-none-match", "\"7-json\""));
    assert_eq!(send(csv).await.status, 200);
}

#[actix_web::test]
async fn a_suffix_asks_for_a_format_as_accept_does() {
    for request in [
        TestRequest::get().uri("/v1/things.csv?code=box").insert_header(("accept", "application/json")),
        TestRequest::get().uri("/v1/things?code=box").insert_header(("accept", "text/csv")),
    ] {
        let answer = send(request).await;
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
        assert_eq!(answer.body, b"box");
    }
    assert_eq!(get("/v1/things/box.json").await.json()["code"], "box");
    let page = get("/v1/things.json?limit=1").await;
    assert!(page.header("link").starts_with("</v1/things.json?limit=1&cursor="), "{}", page.header("link"));
    assert_eq!(
        send(TestRequest::get().uri("/v1/things").insert_header(("accept", "image/png"))).await.problem(),
        "not_acceptable"
    );
    assert_eq!(get("/livez.json").await.problem(), "not_found");
    assert_eq!(get("/v1/.csv").await.problem(), "not_found");
    assert_eq!(send(request("PUT", "/v1/things/box.csv")).await.problem(), "not_found");
}

#[actix_web::test]
async fn a_body_must_be_json_of_the_right_shape_and_size() {
    let put = |kind: &'static str, body: &'static [u8]| {
        let request = request("PUT", "/v1/things/box").insert_header(("if-match", "\"7\""));
        send(request.insert_header(("content-type", kind)).set_payload(body))
    };
    let json = "application/json";
    let done = put(json, br#"{"note": "red"}"#).await;
    assert_eq!((done.status.as_u16(), done.header("etag")), (200, "\"8\""));
    assert_eq!(done.json(), json!({"code": "box", "note": "red"}));
    let wrong = put(json, br#"{"noet": "red"}"#).await;
    assert_eq!(wrong.problem(), "invalid");
    assert_eq!(wrong.json()["errors"][0]["pointer"], "/noet");
    let detail = "There is no member `noet` here; the members are `note`; did you mean `note`?";
    assert_eq!(wrong.json()["errors"][0]["detail"], detail);
    assert_eq!(put(json, b"{").await.problem(), "malformed_request");
    assert_eq!(put(json, b"").await.problem(), "malformed_request");
    let text = put("text/plain", b"{}").await;
    assert_eq!((text.problem().as_str(), text.header("accept")), ("unsupported_media_type", json));
    let huge: &'static [u8] = vec![b' '; crate::http::request::extract::BODY_LIMIT + 1].leak();
    assert_eq!(put(json, huge).await.problem(), "body_too_large");
}

#[actix_web::test]
async fn a_change_says_which_state_it_changes() {
    let put = |state: Option<&'static str>| {
        let request = request("PUT", "/v1/things/box").set_json(json!({"note": "red"}));
        send(state.into_iter().fold(request, |request, state| request.insert_header(("if-match", state))))
    };
    assert_eq!(put(None).await.problem(), "precondition_required");
    assert_eq!(put(Some("\"6\"")).await.problem(), "precondition_failed");
    assert_eq!(put(Some("6")).await.problem(), "malformed_request");
}

#[actix_web::test]
async fn a_patch_tells_null_from_absent() {
    for (body, note) in
        [("{}", json!("as it was")), (r#"{"note": null}"#, Value::Null), (r#"{"note": "red"}"#, json!("red"))]
    {
        let patch = request("PATCH", "/v1/things/box").insert_header(("content-type", "application/merge-patch+json"));
        assert_eq!(send(patch.set_payload(body)).await.json()["note"], note);
    }
    let json = request("PATCH", "/v1/things/box").set_json(json!({}));
    assert_eq!(send(json).await.problem(), "unsupported_media_type");
}

#[actix_web::test]
async fn every_problem_has_a_page() {
    let index = get("/problems").await;
    let index = String::from_utf8(index.body).unwrap();
    for code in crate::http::problem::Code::ALL {
        let name = code.as_str();
        let page = get(&format!("/problems/{name}")).await;
        assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
        let html = String::from_utf8(page.body).unwrap();
        assert!(html.contains(code.page()) && html.contains("<h1>") && html.contains("lang=\"en-GB\""));
        assert!(index.contains(&format!("href=\"/problems/{name}\"")));
    }
}

#[actix_web::test]
async fn the_service_says_how_it_is() {
    assert_eq!(get("/livez").await.json(), json!({"status": "live"}));
    assert_eq!(get("/version").await.json(), json!({"name": "waymark", "version": env!("CARGO_PKG_VERSION")}));
    let not_ready = get("/readyz").await;
    assert_eq!(not_ready.problem(), "unavailable");
    assert_eq!(not_ready.header("retry-after"), "5");
    assert!(!String::from_utf8_lossy(&not_ready.body).contains("secret"));
    assert_eq!(get("/livez?x=1").await.problem(), "unknown_parameter");
}

#[actix_web::test]
async fn the_documentation_needs_nothing_from_elsewhere() {
    for uri in ["/docs", "/docs/"] {
        let index = get(uri).await;
        let html = String::from_utf8(index.body).unwrap();
        assert!(!html.contains("http") && !html.contains("<style") && !html.contains("style="), "{html}");
        let scripts = html.matches("<script").count();
        assert_eq!(scripts, html.matches("<script src=\"/docs/").count(), "an inline script");
        for link in html.split('"').filter(|part| part.starts_with("/docs/")) {
            let file = get(link).await;
            assert_eq!(file.status, 200, "{link}");
            assert!(!file.body.is_empty() && !file.header("content-type").is_empty());
        }
    }
    let script = String::from_utf8(get("/docs/swagger-initializer.js").await.body).unwrap();
    assert!(script.contains("/openapi.json") && script.contains("\"none\""), "{script}");
    assert_eq!(get("/docs/index.html").await.problem(), "not_found");
    let preset = get("/docs/swagger-ui-standalone-preset.js").await.body;
    let style = crate::http::service::docs::LOGO_STYLE.as_bytes();
    assert!(preset.windows(style.len()).any(|part| part == style), "the logo's style is another now");
}

#[actix_web::test]
async fn the_document_says_everything_and_is_served_as_it_is() {
    let answer = get("/openapi.json").await;
    let document = answer.json();
    assert_eq!(lint(&document), Vec::<String>::new());
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["paths"]["/v1/things/{code}"]["put"]["operationId"], "putThing");
    let page = &document["components"]["schemas"]["ThingPage"];
    assert_eq!(page["required"], json!(["items", "next"]));
    assert_eq!(page["properties"]["items"]["items"]["$ref"], "#/components/schemas/Thing");
    assert_eq!(document["components"]["schemas"]["NewThingBody"]["additionalProperties"], false);
    let tags: Vec<_> = document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].clone()).collect();
    // A tag that no operation has is left out.
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let used: Vec<_> = operations.filter_map(|operation| operation["tags"].as_array()).flatten().collect();
    assert!(tags.contains(&json!("plans")) && tags.iter().all(|tag| used.contains(&tag)), "{tags:?}");

    let limit = &document["paths"]["/v1/things"]["get"]["parameters"][1];
    assert_eq!(limit["$ref"], "#/components/parameters/Limit");
    let limit = &document["components"]["parameters"]["Limit"];
    assert_eq!((&limit["name"], &limit["required"]), (&json!("limit"), &json!(false)));

    let again = TestRequest::get().uri("/openapi.json").insert_header(("if-none-match", answer.header("etag")));
    assert_eq!(send(again).await.status, 304);

    let older = get("/openapi-3.0.json").await;
    let text = String::from_utf8(older.body.clone()).unwrap();
    assert_eq!(older.json()["openapi"], "3.0.3");
    assert!(!text.contains("\"null\"") && !text.contains("identifier"));
    let note = &older.json()["components"]["schemas"]["Thing"]["properties"]["note"];
    assert_eq!((&note["type"], &note["nullable"]), (&json!("string"), &json!(true)));
}

#[test]
fn the_parameters_that_are_read_are_those_that_are_documented() {
    assert_documented::<things::ThingFilter>();
    assert_documented::<Paging>();
    assert_documented::<PictureParams>();
}

#[actix_web::test]
async fn one_macro_makes_the_handlers_of_many_resources() {
    assert_eq!(get("/v1/organisations").await.json(), json!([{"code": "organisations"}]));
    assert_eq!(get("/v1/priorities/p").await.json(), json!({"code": "p"}));
    assert_eq!(send(request("PUT", "/v1/priorities")).await.problem(), "method_not_allowed");
    let document = get("/openapi.json").await.json();
    let list = &document["paths"]["/v1/organisations"]["get"];
    assert_eq!(list["operationId"], "listMadeOrganisations");
    assert_eq!(list["tags"], json!(["structure"]));
    assert_eq!(list["summary"], "The organisations");
    assert_eq!(list["description"], "A second paragraph.");
    let find = &document["paths"]["/v1/priorities/{code}"]["get"];
    assert_eq!(find["operationId"], "findMadePriority");
    assert_eq!(find["summary"], "Find one of the priorities");
    assert_eq!(find["description"], "The priorities");
    assert_eq!(find["parameters"][0]["$ref"], "#/components/parameters/CodePath");
    let content = &find["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(content["$ref"], "#/components/schemas/PriorityBody");
}

/// Sends `text` over one connection of a server that listens, and gives back everything that it answers.
fn over_the_wire(address: std::net::SocketAddr, text: &str) -> String {
    use std::io::{Read, Write};
    let patience = std::time::Duration::from_mins(2);
    let mut stream = std::net::TcpStream::connect_timeout(&address, patience).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    stream.set_write_timeout(Some(patience)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    assert!(read.is_ok(), "waited up to {patience:?} for the answer to {text:?} and its end: {read:?}");
    answer
}

#[actix_web::test]
async fn a_server_that_met_a_panic_goes_on_serving() {
    let server = actix_web::HttpServer::new(app).workers(1).bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0];
    let running = server.run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    let answers = actix_web::rt::task::spawn_blocking(move || {
        let close = "Host: x\r\nConnection: close\r\n\r\n";
        let panic = over_the_wire(address, &format!("DELETE /v1/things/box HTTP/1.1\r\n{close}"));
        let head = over_the_wire(address, &format!("HEAD /v1/things/box HTTP/1.1\r\n{close}"));
        (panic, head)
    });
    let (panic, head) = answers.await.unwrap();
    handle.stop(false).await;
    assert!(panic.starts_with("HTTP/1.1 500 ") && panic.contains("\"code\":\"internal\""), "{panic}");
    assert!(panic.contains("x-request-id: "), "{panic}");
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
}

#[actix_web::test]
async fn a_request_leaves_one_line_in_the_log_and_no_secret() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let subscriber = tracing_subscriber::fmt().json().with_writer(std::sync::Arc::new(file.reopen().unwrap())).finish();
    // With one listener alone, tracing asks whichever test comes first to a line whether anybody listens to it.
    let another = tracing::Dispatch::new(tracing_subscriber::registry());
    let listening = tracing::subscriber::set_default(subscriber);
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = TestRequest::get().uri("/v1/things.csv?cod=s3cret").insert_header(("authorization", "Bearer s3cret"));
    let answer = send(request.insert_header(("traceparent", trace)).insert_header(("x-request-id", "job-7"))).await;
    drop((listening, another));
    assert_eq!(answer.problem(), "unknown_parameter");
    let log = std::fs::read_to_string(file.path()).unwrap();
    assert!(!log.contains("s3cret"), "{log}");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [line] = lines.as_slice() else { panic!("{log}") };
    assert_eq!(line["target"], "waymark::access");
    let fields = &line["fields"];
    assert_eq!((&fields["method"], &fields["path"]), (&json!("GET"), &json!("/v1/things.csv")));
    assert_eq!((&fields["status"], &fields["request_id"]), (&json!(400), &json!("job-7")));
    assert!(fields["duration_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(line["span"]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
}
