//! The pages that a problem's `type` leads to, made from the table of codes.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::http::problem::documented::{PublicProblems, ReadProblems};
use crate::http::problem::{Code, Problem};
use crate::http::request::extract::{NoParams, Params};
use crate::http::request::path::path_params;

const STYLE: &str = "\
    :root{color-scheme:light dark}\
    body{font:1.125rem/1.5 system-ui,sans-serif;max-width:42rem;margin:0 auto;padding:1rem}\
    dt{font-weight:bold;margin-top:1rem}dd{margin:0}";

/// Only this style, known by its digest, and nothing else.
static CSP: LazyLock<String> = LazyLock::new(|| {
    let digest = STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'")
});

path_params! {
    /// The address of a problem's page.
    pub ProblemPath {
        code: String, "The problem's code.", "invalid_parameter";
    }
}

/// List every kind of problem
///
/// A page for people, with what each code means and what to do about it.
#[utoipa::path(
    get, path = "/problems", tag = "service", security(()),
    responses((status = 200, description = "The page.", content_type = "text/html", body = String), PublicProblems)
)]
pub async fn list_problems(_: Params<NoParams>) -> HttpResponse {
    let rows = Code::ALL.iter().map(|code| {
        let (name, status) = (code.as_str(), code.status().as_u16());
        format!("<dt><a href=\"/problems/{name}\"><code>{name}</code></a> ({status})</dt><dd>{}</dd>", code.title())
    });
    let rows = rows.collect::<Vec<_>>().concat();
    page("Problems", &format!("<p>Every kind of error this service answers with.</p><dl>{rows}</dl>"))
}

/// Explain one kind of problem
///
/// A page for people: what this code means and what to do about it. The `type` of every problem leads here.
#[utoipa::path(
    get, path = "/problems/{code}", tag = "service", security(()),
    params(ProblemPath),
    responses((status = 200, description = "The page.", content_type = "text/html", body = String), ReadProblems)
)]
pub async fn find_problem(
    ProblemPath { code: name }: ProblemPath,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let code = Code::named(&name).ok_or_else(Problem::not_found)?;
    let content = format!(
        "<p>{}</p><dl><dt>Code</dt><dd><code>{name}</code></dd><dt>Status</dt><dd>{}</dd></dl>\
         <p><a href=\"/problems\">All problems</a></p>",
        code.page(),
        code.status()
    );
    Ok(page(code.title(), &content))
}

/// A page; both arguments are our own words, with nothing of the client's in them.
pub(super) fn page(title: &str, content: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, CSP.as_str()))
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .body(format!(
            "<!doctype html><html lang=\"en-GB\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>{title} - Waymark</title><style>{STYLE}</style></head>\
             <body><main><h1>{title}</h1>{content}</main></body></html>"
        ))
}
