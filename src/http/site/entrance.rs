//! The door to the pages: who comes in, and what they are shown if it goes wrong.
//!
//! [`receive`] wraps the pages and nothing else. The cookie is read here alone, so that it opens nothing under `/v1`; a form is taken
//! only from a page of this service.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{ConnectionInfo, ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, ORIGIN, REFERRER_POLICY, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, VARY,
};
use actix_web::http::{Method, Uri};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::http::gate::envelope::AcceptBeside;
use crate::http::problem::{Code, PROBLEM_JSON, Problem};
use crate::http::request::caller::Caller;
use crate::http::request::negotiate::Accept;
use crate::http::request_id;
use crate::http::settings::Settings;
use crate::http::site::answer::{CSP, frame, html, see_other};
use crate::http::site::visitor::Visitor;
use crate::pages::plain::ProblemPage;
use crate::programme::Programme;
use crate::token::MaybeProvider;

/// The paths of pages; what is beneath them is a page too.
const PAGES: [&str; 8] =
    ["/plans", "/new-plan", "/sign-in", "/sign-out", "/account", "/help", "/accessibility", "/privacy"];

fn is_page(path: &str) -> bool {
    let is_beneath = |page: &str| path.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    path == "/" || PAGES.into_iter().any(is_beneath)
}

/// Whether a page is the same for everyone, who need not sign in: a public plan's, and its data.
fn is_for_everyone(path: &str) -> bool {
    let mut parts = path.strip_prefix("/plans/").unwrap_or_default().split('/');
    parts.next().is_some_and(|plan| !plan.is_empty()) && parts.next() == Some("public")
}

/// Lets people in by their cookie, and shows them what went wrong as a page.
pub async fn receive(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // Judged as the router judges it.
    let path = percent_decode_str(request.path()).decode_utf8_lossy().into_owned();
    if !is_page(&path) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    drop_what_was_left_empty(&mut request);
    let known = match visitor_of(&request).await {
        Ok(known) => known,
        Err(problem) => return Ok(request.into_response(shown(&problem, None))),
    };
    let visitor = known.map(|(visitor, caller)| {
        request.extensions_mut().insert(visitor.clone());
        request.extensions_mut().insert(caller);
        visitor
    });
    if is_for_everyone(&path) {
        request.extensions_mut().insert(Caller::anyone());
    }
    if *request.method() == Method::POST && comes_from_elsewhere(&request) {
        let detail = "The form did not come from a page of this service, so nothing was done. Open the page here and send it again.";
        let problem = Problem::new(Code::NotAllowed, detail);
        return Ok(request.into_response(shown(&problem, visitor.as_ref())));
    }
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_program = is_a_program(&request);
    let asked = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let response = next.call(request).await?.map_into_boxed_body();
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return Ok(private(response));
    }
    // A program that asks for a page learns what is wrong as it does everywhere.
    if is_program {
        return Ok(private(response));
    }
    let is_shown = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_shown {
        return Ok(private(response));
    }
    let problem = problem_of(&response);
    let page = match problem.code() {
        Code::MissingToken if is_read => {
            see_other(&format!("/sign-in?then={}", utf8_percent_encode(&asked, NON_ALPHANUMERIC)))
        }
        Code::MissingToken => see_other("/sign-in"),
        _ => shown(&problem, visitor.as_ref()),
    };
    let (request, old) = response.into_parts();
    let mut page = page;
    for name in [RETRY_AFTER, actix_web::http::header::ALLOW] {
        if let Some(value) = old.headers().get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    Ok(private(ServiceResponse::new(request, page)))
}

/// Whether a program asks, for which a page would be no answer. It may ask for a file by its ending and take anything; a browser
/// names pages even then.
fn is_a_program(request: &ServiceRequest) -> bool {
    if let Some(AcceptBeside(accept)) = request.extensions().get::<AcceptBeside>() {
        return !accept.names("text/html");
    }
    let accept = Accept::of(request.request());
    accept.prefers("application/json", "text/html") || !accept.admits("text/html")
}

/// Marks an answer as one for this person alone: it holds what their forms carry. An answer that the page is as it was says
/// anew what it may load.
fn private(mut response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let is_secure = Jar::of(response.request()).is_secure;
    let headers = response.headers_mut();
    for (name, value) in
        [(CACHE_CONTROL, "private, no-cache"), (CONTENT_SECURITY_POLICY, CSP), (REFERRER_POLICY, "same-origin")]
    {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    headers.append(VARY, HeaderValue::from_static("Cookie"));
    if is_secure {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// What went wrong, as the handler or the framework says.
fn problem_of(response: &ServiceResponse<BoxBody>) -> Problem {
    let error = response.response().error();
    if let Some(problem) = error.and_then(|error| error.as_error::<Problem>()) {
        return problem.clone();
    }
    let is_problem =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == PROBLEM_JSON.as_bytes());
    if is_problem {
        let code = Code::of_status(response.status());
        return Problem::new(code, code.page());
    }
    Problem::of_framework(response.status(), error)
}

/// What went wrong, as a page.
fn shown(problem: &Problem, visitor: Option<&Visitor>) -> HttpResponse {
    let errors: Vec<String> = match problem.errors() {
        [] | [_] => Vec::new(),
        several => several.iter().map(|error| error.detail.clone()).collect(),
    };
    let page = ProblemPage {
        status: problem.status_code().as_u16(),
        code: problem.code().as_str(),
        title: problem.code().title(),
        detail: problem.detail(),
        errors: &errors,
        instance: &request_id::instance(),
    };
    html(problem.status_code(), page.page(frame("", visitor)))
}

/// A form sends every field, and a choice that is not made is empty: what is empty in the query was not asked for.
fn drop_what_was_left_empty(request: &mut ServiceRequest) {
    let Some(query) = request.uri().query() else { return };
    let is_empty = |pair: &str| pair.is_empty() || pair.split_once('=').is_some_and(|(_, value)| value.is_empty());
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_empty(pair)).collect();
    if kept.len() == query.split('&').count() {
        return;
    }
    let path = request.uri().path();
    let target = if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
    let Ok(uri) = target.parse::<Uri>() else { return };
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
}

/// Whether the browser says that a form was sent from elsewhere.
fn comes_from_elsewhere(request: &ServiceRequest) -> bool {
    if let Some(site) = request.headers().get("sec-fetch-site") {
        return !matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok());
    origin.is_some_and(|origin| origin != base(request.request()))
}

/// The address of this service as the browser has it.
pub(super) fn base(request: &HttpRequest) -> String {
    let info = request.connection_info();
    match request.app_data::<Data<Settings>>() {
        Some(settings) => settings.base(&info),
        None => format!("{}://{}", info.scheme(), info.host()),
    }
}

/// How the cookies are called, and whether they are only sent over TLS: on this machine there is none.
pub(super) struct Jar {
    name: &'static str,
    /// The one of an attempt to sign in.
    pub(super) ticket: &'static str,
    pub(super) is_secure: bool,
}

impl Jar {
    pub(super) fn of(request: &HttpRequest) -> Self {
        if base(request).starts_with("https://") {
            Self { name: "__Host-waymark", ticket: "__Host-waymark-sign-in", is_secure: true }
        } else {
            Self { name: "waymark", ticket: "waymark-sign-in", is_secure: false }
        }
    }
}

/// Whether the host that a browser asked is this machine.
fn is_loopback(info: &ConnectionInfo) -> bool {
    let host = info.host();
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(host, |(name, _)| name);
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Whether somebody can sign in at this address: a password must not cross a network in the clear.
pub(super) fn is_safe(request: &HttpRequest) -> bool {
    Jar::of(request).is_secure || is_loopback(&request.connection_info())
}

/// The cookie that keeps somebody signed in.
pub(super) fn cookie(request: &HttpRequest, secret: &str) -> Cookie<'static> {
    let jar = Jar::of(request);
    Cookie::build(jar.name, secret.to_owned())
        .path("/")
        .http_only(true)
        .secure(jar.is_secure)
        .same_site(SameSite::Lax)
        .finish()
}

/// The same, to be forgotten.
pub(super) fn no_cookie(request: &HttpRequest) -> Cookie<'static> {
    let mut cookie = cookie(request, "");
    cookie.make_removal();
    cookie
}

/// What forms carry that are sent within a session.
fn form_token(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("form\n{secret}")))
}

/// Who asks, if somebody who is signed in does.
async fn visitor_of(request: &ServiceRequest) -> Result<Option<(Visitor, Caller)>, Problem> {
    let Some(cookie) = request.cookie(Jar::of(request.request()).name) else { return Ok(None) };
    let programme = request.app_data::<Data<Programme>>().cloned();
    let programme = programme.ok_or_else(|| Problem::internal_because("the app holds no programme"))?;
    let Some(entered) = programme.enter_by_session(cookie.value()).await? else { return Ok(None) };
    let writes = ["POST", "PUT", "PATCH", "DELETE"];
    let subject = entered.principal.subject().clone();
    // Names come with accounts alone.
    let has_accounts = request.app_data::<Data<MaybeProvider>>().is_some_and(|provider| provider.is_some());
    let name = if has_accounts { programme.name_of(&subject).await? } else { None };
    let visitor = Visitor {
        subject,
        name,
        session: entered.id,
        form_token: form_token(cookie.value()),
        may_write: writes.iter().all(|method| entered.methods.iter().any(|allowed| allowed == method)),
    };
    let expires_at = entered.expires_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
    Ok(Some((visitor, Caller { subject: entered.principal, expires_at, link: None })))
}
