//! What wraps every request: its id, its trace, its line in the log, and the headers and the errors of its answer.
//!
//! [`envelope`] is the one door: `App::new().wrap(from_fn(middleware::envelope))`, outside everything else.

use std::any::Any;
use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::http::uri::PathAndQuery;
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use futures_util::FutureExt;
use percent_encoding::percent_decode_str;
use tracing::Instrument;
use uuid::Uuid;

use crate::http::metrics::Metrics;
use crate::http::problem::Problem;
use crate::http::request::conditional::encoded_tag;
use crate::http::request::negotiate::{Accept, Format};
use crate::http::request::path::{AskedPath, asked_path};
use crate::http::request_id::REQUEST_ID;

/// The header that a request's id comes and goes in.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a page of the API itself may load: nothing.
const CSP: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'");

/// For what is the same for everybody: keep it, but ask before using it.
pub(crate) const PUBLIC_NO_CACHE: HeaderValue = HeaderValue::from_static("public, no-cache");

tokio::task_local! {
    /// Whether the answer is to anyone, who did not say who they are.
    static SHARED: Cell<bool>;
}

/// Says that the request being answered reads a public plan and comes from nobody in particular: caches between may keep the
/// answer, and ask each time.
pub(in crate::http) fn may_be_shared() {
    // Outside of a request there is no answer.
    let _told = SHARED.try_with(|shared| shared.set(true));
}

/// Wraps a request in all that every request has.
///
/// It names the request, reads the caller's trace, routes `.csv`, `.xlsx` and `.json` as if asked for by `Accept`, turns errors
/// the framework made into problem documents, outlives a handler that panics, adds the headers every answer carries, and
/// writes one line to the log.
///
/// # Errors
/// Only if there is no request left to answer, after a panic: the error then carries the whole answer.
pub async fn envelope(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = id_of(request.headers());
    let method = request.method().clone();
    let path = loggable(request.path()).to_owned();
    let metrics = request.app_data::<Data<Metrics>>().cloned();
    let trace = TraceParent::of(request.headers()).unwrap_or_default();
    let span = tracing::info_span!(
        "request", request_id = id, trace_id = trace.trace_id, parent_id = trace.parent_id, %method, path
    );
    take_suffix(&mut request);

    let answer = SHARED.scope(Cell::new(false), answer(request, next).instrument(span.clone()));
    let mut outcome = REQUEST_ID.scope(id.clone(), answer).await;

    let (status, headers) = match &mut outcome {
        Ok(response) => (response.status(), response.headers_mut()),
        Err(response) => (response.status(), response.headers_mut()),
    };
    add_headers(headers, &path, &id);
    tell_encodings_apart(headers);
    let took = started.elapsed();
    if let Some(metrics) = metrics {
        metrics.count(outcome.as_ref().ok().map(ServiceResponse::request), &method, status, took);
    }
    let duration_ms = took.as_secs_f64() * 1000.0;
    span.in_scope(|| {
        // The query is left out: people put into it what does not belong in a log.
        tracing::info!(
            target: "waymark::access", %method, path, status = status.as_u16(), duration_ms, request_id = id, "answered"
        );
    });
    outcome.map_err(|response| InternalError::from_response("answered", response).into())
}

/// The answer of what lies within; an answer without its request if the request was lost on the way.
async fn answer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, HttpResponse> {
    match AssertUnwindSafe(async { next.call(request).await }).catch_unwind().await {
        Ok(Ok(response)) => {
            let mut response = unless_known(as_problem(response));
            let shared = SHARED.try_with(Cell::get).unwrap_or_default();
            let told = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
            if shared && told && !response.headers().contains_key(CACHE_CONTROL) {
                response.headers_mut().insert(CACHE_CONTROL, PUBLIC_NO_CACHE);
                response.headers_mut().append(VARY, HeaderValue::from_static("Authorization"));
            }
            Ok(response)
        }
        Ok(Err(error)) => Err(error.error_response()),
        Err(panic) => Err(Problem::internal_because(&format!("panic: {}", message(&*panic))).error_response()),
    }
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without words")
}

/// Replaces an error that the framework made (an empty body, or a line of text) by a problem document.
fn as_problem(response: ServiceResponse<impl MessageBody + 'static>) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let plain = |value: &HeaderValue| value.as_bytes().starts_with(b"text/plain");
    let failed = status.is_client_error() || status.is_server_error();
    if !failed || !response.headers().get(CONTENT_TYPE).is_none_or(plain) {
        return response.map_into_boxed_body();
    }
    if let (true, Some(error)) = (status.is_server_error(), response.response().error()) {
        tracing::error!(cause = %error, "internal error");
    }
    let problem = Problem::of_framework(status, response.response().error());
    let (request, made) = response.into_parts();
    let mut problem = problem.error_response();
    for (name, value) in made.headers() {
        if name != CONTENT_TYPE && name != CONTENT_LENGTH {
            problem.headers_mut().append(name.clone(), value.clone());
        }
    }
    ServiceResponse::new(request, problem)
}

/// Takes `If-None-Match: *` at its word: where there is something to read, anyone who has any of it has it.
fn unless_known(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let request = response.request();
    let read = matches!(*request.method(), Method::GET | Method::HEAD);
    let any = request.headers().get(IF_NONE_MATCH).is_some_and(|value| value.as_bytes().trim_ascii() == b"*");
    if !(read && any && response.status() == StatusCode::OK && response.headers().contains_key(ETAG)) {
        return response;
    }
    let mut response = response.map_body(|head, _body| {
        head.status = StatusCode::NOT_MODIFIED;
        BoxBody::new(())
    });
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

/// The headers that every answer carries, if the handler did not set its own.
fn add_headers(headers: &mut HeaderMap, path: &str, id: &str) {
    let mut default = |name: HeaderName, value: HeaderValue| {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    };
    default(CONTENT_SECURITY_POLICY, CSP);
    default(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    default(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    default(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    default(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if path.starts_with("/v1/") {
        headers.append(VARY, HeaderValue::from_static("Accept"));
    }
    // Whatever was not compressed, or is not sent again, could have been.
    let told = |vary: &HeaderValue| vary.as_bytes().eq_ignore_ascii_case(b"accept-encoding");
    if !headers.get_all(VARY).any(told) {
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(X_REQUEST_ID, id);
    }
}

/// Gives a compressed answer a tag of its own: its bytes are others.
fn tell_encodings_apart(headers: &mut HeaderMap) {
    let encoded =
        headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).filter(|name| *name != "identity");
    let tag = headers.get(ETAG).and_then(|value| value.to_str().ok());
    let told = encoded.zip(tag).and_then(|(encoding, tag)| encoded_tag(tag, encoding));
    if let Some(value) = told.and_then(|tag| HeaderValue::from_str(&tag).ok()) {
        headers.insert(ETAG, value);
    }
}

/// The id that the client gave, if it can be repeated without harm, else a new one.
fn id_of(headers: &HeaderMap) -> String {
    headers
        .get(X_REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()))
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// Where the request comes from in the caller's trace (W3C Trace Context); empty if it says nothing.
#[derive(Debug, Default, PartialEq, Eq)]
struct TraceParent {
    trace_id: String,
    parent_id: String,
}

impl TraceParent {
    fn of(headers: &HeaderMap) -> Option<Self> {
        Self::parse(headers.get("traceparent")?.to_str().ok()?)
    }

    /// Reads `00-<trace-id>-<parent-id>-<flags>`; a later version may add fields, which are left alone.
    fn parse(text: &str) -> Option<Self> {
        let hex = |part: &str, length: usize| {
            part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let given = |part: &str| part.bytes().any(|b| b != b'0');
        let mut parts = text.split('-');
        let (version, trace_id, parent_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let well_formed = hex(version, 2) && hex(trace_id, 32) && hex(parent_id, 16) && hex(flags, 2);
        let known = version != "ff" && (version != "00" || parts.next().is_none());
        (well_formed && known && given(trace_id) && given(parent_id))
            .then(|| Self { trace_id: trace_id.to_owned(), parent_id: parent_id.to_owned() })
    }
}

/// Routes `/v1/….csv` as `/v1/…` with `Accept: text/csv`, for those who can give a link but not a header; pages have such links.
fn take_suffix(request: &mut ServiceRequest) {
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return;
    }
    let asked = request.uri().path().to_owned();
    let Some((bare, accept)) = [(".csv", Format::Csv), (".json", Format::Json), (".xlsx", Format::Xlsx)]
        .into_iter()
        .find_map(|(suffix, accept)| asked.strip_suffix(suffix).map(|bare| (bare, accept.media_type())))
        .filter(|(bare, _)| (bare.starts_with("/v1/") || bare.starts_with("/plans/")) && !bare.ends_with('/'))
    else {
        return;
    };
    let bare = bare.to_owned();
    route_to(request, &bare);
    let accepted = AcceptBeside(Accept::of(request.request()));
    request.extensions_mut().insert(accepted);
    request.head_mut().headers.insert(ACCEPT, HeaderValue::from_static(accept));
}

/// What the client of an address with such an ending says that it takes beside that format.
#[derive(Clone)]
pub(in crate::http) struct AcceptBeside(pub(in crate::http) Accept);

/// Routes a request to another path, with the query that it has.
pub(in crate::http) fn route_to(request: &mut ServiceRequest, path: &str) {
    let asked = asked_path(request.request());
    let target = request.uri().query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(target).ok();
    let Ok(uri) = Uri::from_parts(parts) else { return };
    // The router reads the path from here, and the handlers from the head.
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
    request.extensions_mut().insert(AskedPath(asked));
}

/// Where secret links are.
pub(in crate::http) const LINKS: &str = "/v1/links/";

/// A path as it may be in a log: what follows the beginning of a link is its secret.
fn loggable(path: &str) -> &str {
    // Judged as the router judges it.
    let link = percent_decode_str(path).decode_utf8_lossy().starts_with(LINKS);
    if link { LINKS } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> bool {
        TraceParent::parse(text).is_some()
    }

    #[test]
    fn a_traceparent_is_read_as_w3c_says() {
        let trace = TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert_eq!(trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(trace.parent_id, "00f067aa0ba902b7");
        assert!(parsed("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        ] {
            assert!(!parsed(bad), "{bad}");
        }
    }

    #[test]
    fn an_id_is_taken_only_where_it_is_harmless() {
        let with = |id: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_str(id).unwrap());
            id_of(&headers)
        };
        assert_eq!(with("job-7/a"), "job-7/a");
        assert_eq!(with(&"x".repeat(128)).len(), 128);
        for bad in ["", "two words", &"x".repeat(129), "t\tb"] {
            assert!(Uuid::parse_str(&with(bad)).is_ok(), "{bad:?} was taken");
        }
    }
}
