//! The front page: what answers here, and where to go on.

use actix_web::HttpResponse;
use serde_json::json;

/// Which version this is.
pub(in crate::http) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the page leads: the name of each link in JSON, its address, and what is there.
pub(in crate::http) const LINKS: [(&str, &str, &str); 6] = [
    ("documentation", "/docs", "every operation of the API, to read and to try"),
    ("openapi", "/openapi.json", "the OpenAPI 3.1 document, for programs that make clients"),
    ("openapi_3_0", "/openapi-3.0.json", "the same as OpenAPI 3.0"),
    ("problems", "/problems", "every error that the service answers with, and what to do"),
    ("health", "/readyz", "whether the service can work now"),
    ("version", "/version", "which version this is"),
];

/// What answers here, for programs.
pub(in crate::http) fn document() -> HttpResponse {
    let links: serde_json::Map<_, _> = LINKS.iter().map(|(name, href, _)| ((*name).to_owned(), json!(href))).collect();
    HttpResponse::Ok().json(json!({"name": env!("CARGO_PKG_NAME"), "version": VERSION, "links": links}))
}
