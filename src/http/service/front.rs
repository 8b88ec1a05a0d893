//! The front page: what answers here, and where to go on.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::VARY;
use serde_json::json;

use crate::http::request::extract::{NoParams, Params};
use crate::http::request::negotiate::Accept;
use crate::http::service::problem_pages::page;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the page leads: the name of each link in JSON, its address, and what is there.
const LINKS: [(&str, &str, &str); 6] = [
    ("documentation", "/docs", "every operation of the API, to read and to try"),
    ("openapi", "/openapi.json", "the OpenAPI 3.1 document, for programs that make clients"),
    ("openapi_3_0", "/openapi-3.0.json", "the same as OpenAPI 3.0"),
    ("problems", "/problems", "every error that the service answers with, and what to do"),
    ("health", "/readyz", "whether the service can work now"),
    ("version", "/version", "which version this is"),
];

static CONTENT: LazyLock<String> = LazyLock::new(|| {
    let links = LINKS.iter().map(|(_, href, about)| format!("<dt><a href=\"{href}\">{href}</a></dt><dd>{about}</dd>"));
    format!(
        "<p>This is Waymark {VERSION}, a web service for programs. It holds a partnership's plan, its KPIs, their targets and \
         the figures reported against them, and states how each KPI is doing, why, and what has changed.</p>\
         <p>To read or report figures you need a token: ask the people who run this service. It is sent with each request as \
         <code>Authorization: Bearer</code> and the token.</p><dl>{}</dl>",
        links.collect::<String>()
    )
});

/// `GET /`
pub(in crate::http) async fn index(accept: Accept, _: Params<NoParams>) -> HttpResponse {
    let mut response = if accept.prefers("application/json", "text/html") {
        let links: serde_json::Map<_, _> =
            LINKS.iter().map(|(name, href, _)| ((*name).to_owned(), json!(href))).collect();
        HttpResponse::Ok().json(json!({"name": env!("CARGO_PKG_NAME"), "version": VERSION, "links": links}))
    } else {
        page("A partnership's plan and its KPIs", &CONTENT)
    };
    response.headers_mut().append(VARY, actix_web::http::header::HeaderValue::from_static("Accept"));
    response
}
