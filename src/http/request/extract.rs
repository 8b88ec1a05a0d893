//! Taking a request apart: [`Body`] and [`Patch`] for JSON, [`Params`] for the query; the path has
//! [`path_params!`](crate::http::request::path).
//!
//! Each refuses what it does not know, and says everything that is wrong at once, as a problem document. They take the
//! place of the framework's own extractors, which answer with a line of text and stop at the first fault.

use std::borrow::Cow;
use std::fmt::Display;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use crate::domain::invalid::Violation;
use crate::domain::wording::nearest;
use crate::domain::wording::{shown, unreadable};
use crate::http::problem::{Code, Problem};
use crate::http::request::json;

/// How large a JSON body may be, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// How long a body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

/// A JSON body, sent as `application/json`, of at most [`BODY_LIMIT`].
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = read_body(request, payload, &["application/json"], BODY_LIMIT);
        Box::pin(async move { json::parse(&bytes.await?).map(Self) })
    }
}

/// A JSON merge patch (RFC 7396), sent as `application/merge-patch+json`, of at most [`BODY_LIMIT`].
#[derive(Debug)]
pub struct Patch<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Patch<T> {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = read_body(request, payload, &["application/merge-patch+json"], BODY_LIMIT);
        Box::pin(async move { json::parse(&bytes.await?).map(Self) })
    }
}

/// The media type that a request says its body has, in lower case and without parameters.
pub fn content_type(request: &HttpRequest) -> String {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Reads a whole body that is of one of the media types in `accepted` and no longer than `limit` bytes.
///
/// # Errors
/// `unsupported_media_type`, `body_too_large`, `request_timeout` after half a minute, or `malformed_request` if the
/// connection ended first.
pub fn read_body(
    request: &HttpRequest,
    payload: &mut Payload,
    accepted: &[&str],
    limit: usize,
) -> impl Future<Output = Result<Bytes, Problem>> + use<> {
    let admitted = admit(request, accepted, limit);
    let payload = payload.take();
    async move {
        admitted?;
        collect(payload, limit, BODY_DEADLINE).await
    }
}

/// Judges a body by its headers, before any of it is read.
pub(in crate::http) fn admit(request: &HttpRequest, accepted: &[&str], limit: usize) -> Result<(), Problem> {
    let list = accepted.join(", ");
    let header = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let unsupported = |detail: String| Problem::new(Code::UnsupportedMediaType, detail).with_header(ACCEPT, &list);
    if header(CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(unsupported("The body is compressed; send it as it is.".to_owned()));
    }
    let sent = content_type(request);
    if !accepted.contains(&sent.as_str()) {
        let what = if sent.is_empty() { "none was given".to_owned() } else { format!("{sent} was given") };
        return Err(unsupported(format!("Send the body with Content-Type: {}; {what}.", accepted.join(" or "))));
    }
    match header(CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok()) {
        Some(length) if length > limit => Err(too_large(limit)),
        _ => Ok(()),
    }
}

async fn collect(mut payload: Payload, limit: usize, deadline: Duration) -> Result<Bytes, Problem> {
    let all = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| {
                tracing::debug!(%error, "a body broke off");
                Problem::new(Code::MalformedRequest, "The body could not be read to its end; send it again.")
            })?;
            if body.len() + chunk.len() > limit {
                return Err(too_large(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(deadline, all).await.unwrap_or_else(|_| {
        let detail = format!("The body did not arrive within {} seconds.", deadline.as_secs());
        Err(Problem::new(Code::RequestTimeout, detail))
    })
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Code::BodyTooLarge, format!("The body may have at most {limit} bytes."))
}

/// The query string, read as a `T`.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: FromParams> FromRequest for Params<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse_query(request.query_string()).map(Self))
    }
}

/// What can be read from a query string.
///
/// The struct also derives `utoipa::IntoParams`, which documents it; `assert_documented` in a test compares the two. Two
/// of them in a tuple are read from one query string: `Params<(KpiFilter, Paging)>`.
///
/// ```
/// # use waymark::http::request::extract::{FromParams, ParamReader};
/// struct StatusParams { period: Option<String>, group: String, archived: bool }
///
/// impl FromParams for StatusParams {
///     fn read(params: &mut ParamReader) -> Option<Self> {
///         let period = params.optional("period");
///         let group = params.required("group");
///         let archived = params.flag("archived");
///         Some(Self { period, group: group?, archived })
///     }
/// }
/// ```
pub trait FromParams: Sized {
    /// Asks for every parameter there is, and only then builds: what was not asked for counts as unknown. `None` if
    /// something needed is missing or wrong, which the reader has noted by then.
    fn read(params: &mut ParamReader) -> Option<Self>;
}

impl<A: FromParams, B: FromParams> FromParams for (A, B) {
    fn read(params: &mut ParamReader) -> Option<Self> {
        let first = A::read(params);
        let second = B::read(params);
        Some((first?, second?))
    }
}

impl<A: FromParams, B: FromParams, C: FromParams> FromParams for (A, B, C) {
    fn read(params: &mut ParamReader) -> Option<Self> {
        let (first, second, third) = (A::read(params), B::read(params), C::read(params));
        Some((first?, second?, third?))
    }
}

/// Reads `query` as a `T`.
///
/// # Errors
/// `unknown_parameter` if that is all that is wrong, else `invalid_parameter`; each fault is listed.
pub fn parse_query<T: FromParams>(query: &str) -> Result<T, Problem> {
    let mut reader = ParamReader::new(query);
    let value = T::read(&mut reader);
    let violations = reader.finish();
    match (value, violations.as_slice()) {
        (Some(value), []) => Ok(value),
        (None, []) => Err(Problem::internal_because("a reader of parameters gave up without saying why")),
        (_, faults) => {
            let code = if faults.iter().all(|fault| fault.code == Code::UnknownParameter.as_str()) {
                Code::UnknownParameter
            } else {
                Code::InvalidParameter
            };
            let detail = match faults {
                [only] => only.detail.clone(),
                many => format!("{} query parameters are wrong; each is listed under errors.", many.len()),
            };
            Err(Problem::new(code, detail).with_errors(violations))
        }
    }
}

/// A query string being read; it keeps note of what was asked for and of everything that is wrong.
pub struct ParamReader {
    sent: Vec<(String, String)>,
    asked: Vec<&'static str>,
    violations: Vec<Violation>,
}

impl ParamReader {
    fn new(query: &str) -> Self {
        let mut reader = Self { sent: Vec::new(), asked: Vec::new(), violations: Vec::new() };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name).unwrap_or_else(|lossy| lossy);
            match decoded(value) {
                Ok(value) if !value.contains('\0') => reader.sent.push((name, value)),
                Ok(_) => reader.note(&name, "nul_character", format!("{} holds the character U+0000.", shown(&name))),
                Err(_) => reader.note(&name, "not_utf8", format!("{} is not percent-encoded UTF-8.", shown(&name))),
            }
        }
        reader
    }

    /// A parameter that may be left out. `None` too if it is there but wrong, which is then noted.
    pub fn optional<T>(&mut self, name: &'static str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.parsed(name, |text| {
            text.parse().map_err(|error: T::Err| {
                let words = error.to_string();
                unreadable(&words).unwrap_or(words)
            })
        })
    }

    /// A parameter that must be there; `None` if it is missing or wrong, which is then noted.
    pub fn required<T>(&mut self, name: &'static str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let value = self.optional(name);
        // A value that was sent and refused is noted already, here or when the query was split.
        if value.is_none() && !self.violations.iter().any(|known| known.column.as_deref() == Some(name)) {
            self.note(name, "missing_parameter", format!("{name} must be given."));
        }
        value
    }

    /// A parameter that is `true` or `false`, and false when left out.
    pub fn flag(&mut self, name: &'static str) -> bool {
        self.parsed(name, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("write true or false"),
        })
        .unwrap_or_default()
    }

    /// A parameter that may be left out and that `parse` can read; its error completes "`name`: …".
    pub fn parsed<T, E: Display>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        self.asked.push(name);
        let mut values = self.sent.iter().filter(|(sent, _)| sent == name).map(|(_, value)| value.as_str());
        let value = values.next()?;
        let outcome = if values.next().is_some() {
            Err(("repeated_parameter", format!("{name} is given more than once; give it once.")))
        } else {
            parse(value).map_err(|error| ("invalid_parameter", format!("{name}: {error}")))
        };
        match outcome {
            Ok(value) => Some(value),
            Err((code, detail)) => {
                self.note(name, code, detail);
                None
            }
        }
    }

    fn note(&mut self, name: &str, code: &'static str, detail: String) {
        self.violations.push(Violation::in_query(name, code, detail));
    }

    /// Everything that is wrong, what was sent and never asked for included.
    fn finish(mut self) -> Vec<Violation> {
        let sent = std::mem::take(&mut self.sent);
        for (name, _) in sent.iter().filter(|(name, _)| !self.asked.contains(&name.as_str())) {
            let hint = match nearest(name, self.asked.iter().copied()) {
                Some(near) => format!("Did you mean {near}?"),
                None if self.asked.is_empty() => "There are none.".to_owned(),
                None => format!("There are: {}.", self.asked.join(", ")),
            };
            let detail = format!("There is no query parameter {} here. {hint}", shown(name));
            self.violations.push(Violation::in_query(name, Code::UnknownParameter.as_str(), detail));
        }
        self.violations
    }
}

/// Checks that a `T` reads the parameters that it documents, and no others.
#[cfg(test)]
pub(crate) fn assert_documented<T: FromParams + utoipa::IntoParams>() {
    let mut reader = ParamReader::new("");
    T::read(&mut reader);
    reader.asked.sort_unstable();
    let mut documented: Vec<_> = T::into_params(|| None).into_iter().map(|parameter| parameter.name).collect();
    documented.sort_unstable();
    assert_eq!(reader.asked, documented, "{}", std::any::type_name::<T>());
}

/// `text` with `+` and percent-encoding undone; the error has what is not UTF-8 replaced.
fn decoded(text: &str) -> Result<String, String> {
    let spaced: Cow<'_, str> = if text.contains('+') { text.replace('+', " ").into() } else { text.into() };
    let bytes: Vec<u8> = percent_decode_str(&spaced).collect();
    String::from_utf8(bytes).map_err(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// No query parameters at all: an address that takes none refuses any.
#[derive(Debug)]
pub struct NoParams;

impl FromParams for NoParams {
    fn read(_: &mut ParamReader) -> Option<Self> {
        Some(Self)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::error::PayloadError;
    use actix_web::test::TestRequest;
    use futures_util::stream;

    use super::*;

    #[derive(Debug, PartialEq)]
    struct Wanted {
        period: String,
        limit: Option<u16>,
        dry_run: bool,
    }

    impl FromParams for Wanted {
        fn read(params: &mut ParamReader) -> Option<Self> {
            let period = params.required("period");
            let limit = params.optional("limit");
            let dry_run = params.flag("dry_run");
            Some(Self { period: period?, limit, dry_run })
        }
    }

    fn faults(query: &str) -> (Code, Vec<(String, &'static str)>) {
        let problem = parse_query::<Wanted>(query).unwrap_err();
        let faults = problem.errors().iter().map(|fault| (fault.column.clone().unwrap(), fault.code));
        (problem.code(), faults.collect())
    }

    #[test]
    fn a_query_is_read_whole() {
        let wanted = parse_query::<Wanted>("period=2009%2F10+Q1&limit=7&dry_run=true&").unwrap();
        assert_eq!(wanted, Wanted { period: "2009/10 Q1".into(), limit: Some(7), dry_run: true });
        let wanted = parse_query::<Wanted>("period=").unwrap();
        assert_eq!(wanted, Wanted { period: String::new(), limit: None, dry_run: false });
    }

    #[test]
    fn everything_wrong_with_a_query_is_told_at_once() {
        assert_eq!(
            faults("limit=many&dry_run=yes&perod=x&limt=1"),
            (
                Code::InvalidParameter,
                vec![
                    ("period".into(), "missing_parameter"),
                    ("limit".into(), "invalid_parameter"),
                    ("dry_run".into(), "invalid_parameter"),
                    ("perod".into(), "unknown_parameter"),
                    ("limt".into(), "unknown_parameter"),
                ]
            )
        );
        assert_eq!(faults("period=a&period=b").1, [("period".into(), "repeated_parameter")]);
        assert_eq!(faults("period=%FF").1, [("period".into(), "not_utf8")]);
        assert_eq!(faults("period=%00").1, [("period".into(), "nul_character")]);
    }

    #[test]
    fn an_unknown_parameter_is_refused_with_a_hint() {
        let problem = parse_query::<Wanted>("period=a&dryrun=true").unwrap_err();
        assert_eq!(problem.code(), Code::UnknownParameter);
        assert!(problem.to_string().ends_with("Did you mean dry_run?"), "{problem}");
        let problem = parse_query::<NoParams>("x=1").unwrap_err();
        assert!(problem.to_string().ends_with("There are none."), "{problem}");
    }

    #[test]
    fn a_body_is_judged_by_its_headers_first() {
        let json = &["application/json"];
        let judged = |headers: &[(&'static str, &'static str)]| {
            let request = headers.iter().fold(TestRequest::post(), |r, pair| r.insert_header(*pair)).to_http_request();
            admit(&request, json, 10).map_err(|problem| problem.code())
        };
        assert_eq!(judged(&[("content-type", "Application/JSON; charset=utf-8")]), Ok(()));
        assert_eq!(judged(&[]), Err(Code::UnsupportedMediaType));
        assert_eq!(judged(&[("content-type", "text/json")]), Err(Code::UnsupportedMediaType));
        assert_eq!(
            judged(&[("content-type", "application/json"), ("content-encoding", "gzip")]),
            Err(Code::UnsupportedMediaType)
        );
        assert_eq!(judged(&[("content-type", "application/json"), ("content-length", "11")]), Err(Code::BodyTooLarge));
    }

    fn payload(chunks: impl stream::Stream<Item = Result<Bytes, PayloadError>> + 'static) -> Payload {
        let boxed: Pin<Box<dyn stream::Stream<Item = _>>> = Box::pin(chunks);
        Payload::from(boxed)
    }

    #[actix_web::test]
    async fn a_body_is_read_up_to_its_limit_and_no_longer_than_its_deadline() {
        let wait = Duration::from_secs(1);
        let two = || payload(stream::iter([Ok(Bytes::from_static(b"ab")), Ok(Bytes::from_static(b"cd"))]));
        assert_eq!(collect(two(), 4, wait).await.unwrap(), "abcd");
        assert_eq!(collect(two(), 3, wait).await.unwrap_err().code(), Code::BodyTooLarge);
        let broken = payload(stream::iter([Err(PayloadError::Incomplete(None))]));
        assert_eq!(collect(broken, 3, wait).await.unwrap_err().code(), Code::MalformedRequest);
        let silent = payload(stream::pending());
        assert_eq!(collect(silent, 3, Duration::ZERO).await.unwrap_err().code(), Code::RequestTimeout);
    }
}
