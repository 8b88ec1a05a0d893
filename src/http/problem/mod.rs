//! Every error a client can see: one table of [`Code`]s, and [`Problem`], the answer made from a row of it.
//!
//! The lower rooms know no status codes; they say what went wrong in their own words, and a `From` beside the handler
//! turns that into a [`Problem`]. Each code has a page at `/problems/{code}`, written in the same row.

pub mod documented;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::invalid::{Invalid, Violation};
use crate::domain::wording::counted;
use crate::http::request_id;

/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// How many faults of one body are listed: more than that help nobody, and an answer must not grow beyond its request.
const MOST_LISTED: usize = 100;

/// One row per code: the variant, the stable name, the status, the title, and what its page says.
macro_rules! codes {
    ($($variant:ident $code:literal $status:ident $title:literal $page:literal;)+) => {
        /// Every kind of error that a client can see.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $title] $variant,)+ }

        impl Code {
            /// All of them, by status.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable, machine-readable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The HTTP status it is sent with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// A few words for a person, the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// What it means and what to do: the paragraph on its page.
            pub const fn page(self) -> &'static str {
                match self { $(Self::$variant => $page,)+ }
            }
        }
    };
}

codes! {
    MalformedRequest "malformed_request" BAD_REQUEST "The request cannot be read"
        "The request is not well-formed: its body is not JSON, a header is garbled, or it ended before it was complete. The detail says where. Correct the request; sending it again unchanged will fail again.";
    InvalidParameter "invalid_parameter" BAD_REQUEST "A query parameter has a value that cannot be used"
        "One or more query parameters are missing, repeated, or hold a value of the wrong kind. Each is listed under errors with its name in column. Correct them and send the request again.";
    UnknownParameter "unknown_parameter" BAD_REQUEST "A query parameter is not known here"
        "The address carries a query parameter that this resource does not have. It is refused and not ignored, because a misspelt filter that is ignored gives a right-looking answer to another question. The detail names the nearest parameter that exists.";
    MissingToken "missing_token" UNAUTHORIZED "A token is needed"
        "The request carries no credentials, or none of a kind that is accepted here; the detail says which. Send a token as Authorization: Bearer followed by the token. Tools that know only a user name and a password, such as spreadsheets, may send a personal access token as the password.";
    InvalidToken "invalid_token" UNAUTHORIZED "The token is not accepted"
        "A token was sent, but it has expired, was withdrawn, is meant for another service, or is not signed by an issuer this service trusts. Get a new token and send the request again.";
    NotAllowed "not_allowed" FORBIDDEN "Your role does not allow this"
        "You may see this, but none of the roles granted to you on this plan lets you do what was asked. Ask the plan's administrator for the role that does.";
    NotFound "not_found" NOT_FOUND "There is no such thing here"
        "There is nothing at this address, or you may not see it: the answer is the same for both, so that it discloses nothing. Check the address, and whether you hold a role on the plan it belongs to.";
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED "This address does not have the method"
        "The address is right, but it does not accept this method. The Allow header lists the methods that it accepts.";
    NotAcceptable "not_acceptable" NOT_ACCEPTABLE "It is not available in the format asked for"
        "The Accept header, the ending of the address (.json, .csv, .xlsx) or the Accept-Encoding header leaves nothing that this resource has. The detail lists what there is. Nothing was done. Without them you get JSON if there is any.";
    RequestTimeout "request_timeout" REQUEST_TIMEOUT "The request took too long to arrive"
        "The body of the request did not arrive in time. Check the connection and send it again; nothing was changed.";
    Conflict "conflict" CONFLICT "It would contradict the present state"
        "The request was understood and is right in itself, but it contradicts what exists: a code is in use already, a round is closed, something still depends on what would be deleted. The detail states what prevents it.";
    AlreadyCarriedOut "already_carried_out" CONFLICT "It is being done already"
        "A request with the same Idempotency-Key is being carried out at this moment, or was carried out and its answer is not at hand: it was lost, was too long to be stored, or held a secret, which is shown once. Nothing is done twice. Wait a moment and send the same request again, or check whether what it makes exists.";
    PreconditionFailed "precondition_failed" PRECONDITION_FAILED "It has changed since you read it"
        "The If-Match or If-None-Match header no longer holds: somebody changed or created the thing after you read it. Read it again, see whether your change still makes sense, and send it with the new ETag.";
    BodyTooLarge "body_too_large" PAYLOAD_TOO_LARGE "The body is too large"
        "The body of the request is larger than this resource accepts. The detail gives the limit. Send it in smaller parts.";
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "The body is in a format not accepted here"
        "The Content-Type of the request is missing or is one that this resource does not read, or the body is compressed. The Accept header of the answer lists what it reads.";
    Invalid "invalid" UNPROCESSABLE_ENTITY "Something in it is wrong"
        "The request was understood, but something in it breaks a rule. Everything that is wrong is listed under errors, each with a JSON pointer, or with the row and the column of a file. Nothing was changed.";
    KeyReused "key_reused" UNPROCESSABLE_ENTITY "The key belongs to another request"
        "The Idempotency-Key of this request came with another address or another body within the last 24 hours. A key is for one request: send the first again as it was, or this one with a key of its own. Nothing was changed.";
    PreconditionRequired "precondition_required" PRECONDITION_REQUIRED "Say which state you are changing"
        "Changing or deleting something needs an If-Match header with the ETag you got when you read it, so that nobody's change is overwritten unnoticed. Read it, then send the request with If-Match.";
    TooManyRequests "too_many_requests" TOO_MANY_REQUESTS "You send too many requests"
        "More requests came from you than are allowed in the time. Nothing was changed. Send the request again after as many seconds as the Retry-After header says; RateLimit-Policy says how many there may be, and RateLimit how many are left.";
    Internal "internal" INTERNAL_SERVER_ERROR "Something went wrong on our side"
        "The service failed, and it is not your fault. The failure is in its log under the instance given in the answer: pass that on to the people who run the service.";
    Busy "busy" SERVICE_UNAVAILABLE "The service is busy"
        "More work has arrived than can be done at once, so the service does not keep you waiting. Nothing was changed. Send the request again after as many seconds as the Retry-After header says.";
    Unavailable "unavailable" SERVICE_UNAVAILABLE "The service cannot do this just now"
        "Something that the service depends on, such as its database, does not answer. Nothing was changed. Send the request again after as many seconds as the Retry-After header says.";
}

impl Code {
    /// The code with this name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }

    /// The code for an error that the framework made and about which only its status is known.
    pub fn of_status(status: StatusCode) -> Self {
        let fallback = if status.is_server_error() { Self::Internal } else { Self::MalformedRequest };
        Self::ALL.iter().copied().find(|code| code.status() == status).unwrap_or(fallback)
    }
}

/// One occurrence of an error, on its way to the client.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<Violation>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of this kind; `detail` says what is wrong here and what to do about it.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    /// Adds all that is wrong, one by one.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<Violation>) -> Self {
        self.errors = errors;
        self
    }

    /// Adds a header to the answer; a value that cannot be in one is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    /// Shows whom it challenges for a token where they learn how to get one (RFC 9728 section 5.1).
    #[must_use]
    pub fn with_metadata(mut self, metadata: &str) -> Self {
        // Of an address that a caller made up, only what can be quoted.
        let quotable = metadata.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b'"' && byte != b'\\');
        for (_, value) in self.headers.iter_mut().filter(|(name, _)| *name == WWW_AUTHENTICATE && quotable) {
            let challenge = value.to_str().ok().filter(|challenge| challenge.starts_with("Bearer "));
            let told = challenge.map(|challenge| format!("{challenge}, resource_metadata=\"{metadata}\""));
            if let Some(told) = told.and_then(|told| HeaderValue::from_str(&told).ok()) {
                *value = told;
            }
        }
        self
    }

    /// What kind of problem it is.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What is wrong here, and what to do about it.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What is wrong, one by one.
    pub fn errors(&self) -> &[Violation] {
        &self.errors
    }

    /// 404: absent or not theirs to see. It takes no detail, so that the two cannot be distinguished.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing under this address that you can see. Check it for mistakes.")
    }

    /// 401: no credentials were sent.
    pub fn missing_token() -> Self {
        Self::no_token_in("There is no Authorization header")
    }

    /// 401: what was sent is not a token that is accepted here; `why` says what was sent instead.
    pub fn no_token_in(why: &str) -> Self {
        Self::new(Code::MissingToken, format!("{why}; send a token as Authorization: Bearer <token>."))
            .with_header(WWW_AUTHENTICATE, "Bearer realm=\"waymark\"")
    }

    /// 401: a token was sent and is not accepted; `why` is shown to the client, here and in `WWW-Authenticate`.
    pub fn invalid_token(why: &str) -> Self {
        // RFC 6750 section 3 allows these characters only.
        let quotable: String = why.chars().filter(|c| matches!(c, ' '..='~') && *c != '"' && *c != '\\').collect();
        Self::new(Code::InvalidToken, why).with_header(
            WWW_AUTHENTICATE,
            &format!("Bearer realm=\"waymark\", error=\"invalid_token\", error_description=\"{quotable}\""),
        )
    }

    /// 405: the address has other methods, listed in `allow` (`GET, HEAD`).
    pub fn method_not_allowed(allow: &str) -> Self {
        Self::new(Code::MethodNotAllowed, format!("This address accepts {allow}.")).with_header(ALLOW, allow)
    }

    /// 503: the queue is full.
    pub fn busy() -> Self {
        let wait = Duration::from_secs(1);
        Self::new(Code::Busy, "The service is busy; try again in a second.").retry_after(wait)
    }

    /// 503: something this service needs does not answer; `cause` is logged and never sent.
    pub fn unavailable(cause: &(dyn Error + 'static)) -> Self {
        Self::unavailable_because(&Chain(cause).to_string())
    }

    /// 503, described in words; `cause` is logged and never sent.
    pub fn unavailable_because(cause: &str) -> Self {
        tracing::warn!(cause, "unavailable");
        let wait = Duration::from_secs(5);
        Self::new(Code::Unavailable, "Something this service depends on does not answer; try again in a few seconds.")
            .retry_after(wait)
    }

    /// 500: our fault; `cause` is logged with all that caused it, and never sent.
    pub fn internal(cause: &(dyn Error + 'static)) -> Self {
        Self::internal_because(&Chain(cause).to_string())
    }

    /// 500: our fault, described in words; `cause` is logged and never sent.
    pub fn internal_because(cause: &str) -> Self {
        tracing::error!(cause, "internal error");
        Self::new(Code::Internal, "The service failed. Pass the instance below on to the people who run it.")
    }

    /// An error of the framework's: its status, and what it says if it says anything.
    pub(crate) fn of_framework(status: StatusCode, error: Option<&actix_web::Error>) -> Self {
        let said = error.map(ToString::to_string).filter(|said| status.is_client_error() && !said.is_empty());
        match (Code::of_status(status), said) {
            (Code::NotFound, _) => Self::not_found(),
            (code, Some(said)) => Self::new(code, format!("{}.", said.trim_end_matches('.'))),
            // What compresses answers is the one that says nothing: every other 406 is our own.
            (Code::NotAcceptable, None) => Self::new(
                Code::NotAcceptable,
                "Accept-Encoding refuses every encoding that there is; allow identity, gzip or br, or leave it out.",
            ),
            (code, None) => Self::new(code, code.page()),
        }
    }

    /// 429: asked too often.
    pub fn too_many_requests(wait: Duration) -> Self {
        let detail = format!("Too many requests; send the next in {} s.", seconds(wait));
        Self::new(Code::TooManyRequests, detail).retry_after(wait)
    }

    fn retry_after(self, wait: Duration) -> Self {
        self.with_header(RETRY_AFTER, &seconds(wait).to_string())
    }

    /// The members of the document, to which an answer may add its own.
    pub fn members(&self) -> serde_json::Map<String, serde_json::Value> {
        match serde_json::to_value(self.body()) {
            Ok(serde_json::Value::Object(members)) => members,
            _ => serde_json::Map::new(),
        }
    }

    fn body(&self) -> ProblemBody {
        ProblemBody {
            kind: format!("/problems/{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status().as_u16(),
            detail: self.detail.clone(),
            instance: request_id::instance(),
            code: self.code.as_str().to_owned(),
            errors: self.errors.clone(),
        }
    }
}

/// Whole seconds, rounded up, and never none: a client asked to wait for nothing comes back in a loop.
fn seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// An error and what caused it, down to the root, on one line.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.code.status()).json(self.body());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        for (name, value) in &self.headers {
            headers.append(name.clone(), value.clone());
        }
        response
    }
}

impl From<Invalid> for Problem {
    /// 422, with everything that is wrong.
    fn from(invalid: Invalid) -> Self {
        let mut errors = invalid.into_violations();
        let detail = match errors.as_slice() {
            [only] => only.detail.clone(),
            many => {
                let listed = if many.len() > MOST_LISTED {
                    format!("the first {MOST_LISTED} are")
                } else {
                    "each is".to_owned()
                };
                let wrong = counted(many.len(), "thing is", "things are");
                format!("{wrong} wrong; {listed} listed under errors. Nothing was changed.")
            }
        };
        errors.truncate(MOST_LISTED);
        Self::new(Code::Invalid, detail).with_errors(errors)
    }
}

impl From<Violation> for Problem {
    fn from(violation: Violation) -> Self {
        Invalid::from(violation).into()
    }
}

/// What every error looks like: an RFC 9457 problem document.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "/problems/invalid",
    "title": "Something in it is wrong",
    "status": 422,
    "detail": "A title must not be empty.",
    "instance": "urn:request:0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11",
    "code": "invalid",
    "errors": [{
        "pointer": "/title", "row": null, "column": null, "cell": null, "code": "empty", "detail": "A title must not be empty."
    }]
}))]
pub struct ProblemBody {
    /// The kind of problem: the path of a page of this service that explains it.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    pub kind: String,
    /// A few words for a person, the same for every occurrence of this code.
    pub title: String,
    /// The HTTP status, again.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is wrong here, and what to do about it.
    pub detail: String,
    /// This occurrence: the request's id as a URN. Pass it on when you ask for help.
    #[schema(format = "uri")]
    pub instance: String,
    /// The stable, machine-readable name of the kind. More may be added.
    pub code: String,
    /// Everything that is wrong, one by one; empty if there is nothing to point at.
    pub errors: Vec<Violation>,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_snake_case_and_explained() {
        let mut seen = HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{code:?} twice");
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert!(code.page().ends_with('.') && code.page().len() > 80, "{code:?} says too little");
            assert_eq!(Code::named(code.as_str()), Some(*code));
        }
        assert!(Code::ALL.is_sorted_by_key(|code| code.status().as_u16()));
    }

    #[test]
    fn an_unknown_status_falls_to_its_side() {
        assert_eq!(Code::of_status(StatusCode::IM_A_TEAPOT), Code::MalformedRequest);
        assert_eq!(Code::of_status(StatusCode::BAD_GATEWAY), Code::Internal);
        assert_eq!(Code::of_status(StatusCode::NOT_FOUND), Code::NotFound);
    }

    #[test]
    fn a_refused_token_says_so_as_rfc_6750_does() {
        let response = Problem::invalid_token("The \"token\"\n expired.").error_response();
        assert_eq!(
            response.headers().get(WWW_AUTHENTICATE).unwrap(),
            "Bearer realm=\"waymark\", error=\"invalid_token\", error_description=\"The token expired.\""
        );
    }

    #[test]
    fn nobody_is_told_to_wait_for_nothing() {
        let response = Problem::busy().error_response();
        assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "1");
        assert_eq!(seconds(Duration::ZERO), 1);
        assert_eq!(seconds(Duration::from_millis(1500)), 2);
    }

    #[test]
    fn the_cause_of_an_internal_error_is_not_sent() {
        let cause = std::io::Error::other("the secret table is gone");
        let body = serde_json::to_string(&Problem::internal(&cause).body()).unwrap();
        assert!(!body.contains("secret"), "{body}");
    }

    #[test]
    fn all_members_are_always_there() {
        let body = serde_json::to_value(Problem::from(Violation::at("/a", "empty", "Give it.")).body()).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "type": "/problems/invalid", "title": "Something in it is wrong", "status": 422, "detail": "Give it.",
                "instance": "urn:request:none", "code": "invalid",
                "errors": [{"pointer": "/a", "row": null, "column": null, "cell": null, "code": "empty", "detail": "Give it."}]
            })
        );
    }
}
