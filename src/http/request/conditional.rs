//! Conditional requests (RFC 9110 section 13): answering 304 before any work, and never overwriting a change unseen.

use std::fmt::{self, Display};
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderName, HeaderValue, InvalidHeaderValue, TryIntoHeaderPair};
use actix_web::{FromRequest, HttpRequest, HttpResponse};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::http::problem::{Code, Problem};

/// A strong entity tag: two answers with the same tag are the same to the byte.
///
/// It goes into an answer as a header: `HttpResponse::Ok().insert_header(&tag)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The tag of a state with this version, a counter or a digest. What may not be in a tag is left out of it.
    pub fn of(version: impl Display) -> Self {
        Self(version.to_string().chars().filter(|c| c.is_ascii_graphic() && *c != '"').collect())
    }

    /// The tag of a state that no short version states: its digest.
    pub fn over(state: &[u8]) -> Self {
        Self::of(URL_SAFE_NO_PAD.encode(Sha256::digest(state)))
    }

    /// The tag of another rendering of the same state, such as `csv`: its bytes differ, and so must its tag.
    #[must_use]
    pub fn rendered_as(&self, rendering: impl Display) -> Self {
        Self::of(format_args!("{}-{rendering}", self.0))
    }
}

impl Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

impl TryIntoHeaderPair for &ETag {
    type Error = InvalidHeaderValue;

    fn try_into_pair(self) -> Result<(HeaderName, HeaderValue), Self::Error> {
        Ok((header::ETAG, HeaderValue::from_str(&self.to_string())?))
    }
}

/// The answer 200 with a thing and its state.
pub fn kept(body: &impl Serialize, tag: &ETag) -> HttpResponse {
    HttpResponse::Ok().insert_header(tag).json(body)
}

/// The answer 201 to a thing that was made, with its state and its address.
pub fn created(body: &impl Serialize, tag: &ETag, location: &str) -> HttpResponse {
    HttpResponse::Created().insert_header(tag).insert_header((header::LOCATION, location)).json(body)
}

/// What `If-Match` and `If-None-Match` look like, as a regular expression for the document: `*`, or tags with commas between.
pub const TAGS_PATTERN: &str = r#"^(\*|(W/)?"[ !#-~]*"( *, *(W/)?"[ !#-~]*")*)$"#;

/// What a request says about the state it expects, from `If-Match` and `If-None-Match`.
///
/// As an extractor it refuses headers that cannot be read: ignoring one would overwrite what it was to protect.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
    /// A short mark of the address that was asked.
    address: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Tags {
    Any,
    These(Vec<Tag>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Tag {
    weak: bool,
    opaque: String,
}

/// What a compressed answer's tag ends in.
const ENCODINGS: [&str; 3] = ["-br", "-gzip", "-deflate"];

/// The tag, quotes and all, of an answer that goes out compressed.
pub(in crate::http) fn encoded_tag(tag: &str, encoding: &str) -> Option<String> {
    let suffix = ENCODINGS.into_iter().find(|suffix| suffix.strip_prefix('-') == Some(encoding))?;
    Some(format!("{}{suffix}\"", tag.strip_suffix('"')?))
}

impl Tag {
    /// Whether this is the tag of a state, however an answer with it was compressed.
    fn names(&self, current: &ETag) -> bool {
        let encoded = |suffix: &&str| self.opaque.strip_suffix(suffix) == Some(&current.0);
        self.opaque == current.0 || ENCODINGS.iter().any(encoded)
    }
}

impl Conditions {
    /// The tag of what this address gives in a state: no other address's tag is taken for it, nor one of another version of
    /// this program.
    pub fn tag(&self, state: impl Display) -> ETag {
        ETag::of(format_args!("{state}.{}", self.address))
    }

    /// The tag of a list whose items have these tags.
    pub fn tag_of_all(&self, items: impl Iterator<Item = ETag>) -> ETag {
        let all: String = items.map(|tag| tag.to_string()).collect();
        self.tag(ETag::over(all.as_bytes()))
    }

    /// The answer 304 with this tag, if the client names it. Ask before doing any work. `*` is not answered here: for
    /// it there must first be something to read, and the middleware sees whether there is.
    pub fn not_modified(&self, current: &ETag) -> Option<HttpResponse> {
        // Weak comparison: a proxy may have weakened the tag when it compressed the answer.
        let Tags::These(tags) = self.if_none_match.as_ref()? else { return None };
        let known = tags.iter().find(|tag| tag.names(current))?;
        // The tag as the client has it, so that it knows which of its copies is meant.
        Some(HttpResponse::NotModified().insert_header(&ETag(known.opaque.clone())).finish())
    }

    /// The answer to a read of one thing with a tag of its own: 304 if the client names it, else 200 with the thing.
    pub fn answer(&self, current: &ETag, body: &impl Serialize) -> HttpResponse {
        self.not_modified(current).unwrap_or_else(|| kept(body, current))
    }

    /// The states that `If-Match` names: `None` if it was not sent, `Some(None)` for whatever is there. Weak tags are
    /// left out: they promise too little to write by.
    pub fn wanted(&self) -> Option<Option<Vec<String>>> {
        self.if_match.as_ref().map(|tags| match tags {
            Tags::Any => None,
            Tags::These(tags) => Some(tags.iter().filter(|tag| !tag.weak).map(|tag| tag.opaque.clone()).collect()),
        })
    }

    /// Whether the client means to create and not to replace: `If-None-Match: *`.
    pub fn only_if_absent(&self) -> bool {
        self.if_none_match == Some(Tags::Any)
    }
}

impl FromRequest for Conditions {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let conditions = || {
            Ok(Self {
                if_match: tags_of(request, &header::IF_MATCH)?,
                if_none_match: tags_of(request, &header::IF_NONE_MATCH)?,
                address: mark_of(request),
            })
        };
        ready(conditions())
    }
}

fn mark_of(request: &HttpRequest) -> String {
    let digest = Sha256::new()
        .chain_update(env!("CARGO_PKG_VERSION"))
        .chain_update(request.path())
        .chain_update("?")
        .chain_update(request.query_string())
        .finalize();
    URL_SAFE_NO_PAD.encode(digest.get(..9).unwrap_or_default())
}

/// The tags in all the header's lines together.
fn tags_of(request: &HttpRequest, name: &HeaderName) -> Result<Option<Tags>, Problem> {
    let lines: Option<Vec<&str>> = request.headers().get_all(name).map(|line| line.to_str().ok()).collect();
    let tags = match lines.as_deref() {
        Some([]) => return Ok(None),
        Some(lines) => parse(&lines.join(",")),
        None => None,
    };
    let unreadable = || {
        let detail = format!("The header {name} must be * or a list of ETags in double quotes, as they were sent.");
        Problem::new(Code::MalformedRequest, detail)
    };
    tags.map(Some).ok_or_else(unreadable)
}

/// Reads `*` or a list of entity tags; a comma may be inside one.
fn parse(text: &str) -> Option<Tags> {
    if text.trim() == "*" {
        return Some(Tags::Any);
    }
    let mut tags = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        // RFC 9110 section 5.6.1 lets a list have empty members.
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_start();
            continue;
        }
        let strong = rest.strip_prefix("W/");
        let (opaque, after) = strong.unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
        tags.push(Tag { weak: strong.is_some(), opaque: opaque.to_owned() });
        rest = after.trim_start();
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
    (!tags.is_empty()).then_some(Tags::These(tags))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn conditions(headers: &[(&'static str, &'static str)]) -> Result<Conditions, Problem> {
        let request = headers.iter().fold(TestRequest::get(), |r, pair| r.append_header(*pair)).to_http_request();
        Conditions::from_request(&request, &mut Payload::None).into_inner()
    }

    fn not_modified(value: &'static str) -> bool {
        conditions(&[("if-none-match", value)]).unwrap().not_modified(&ETag::of(7)).is_some()
    }

    #[test]
    fn a_tag_is_quoted_and_clean() {
        assert_eq!(ETag::of(7).to_string(), "\"7\"");
        assert_eq!(ETag::of("a\"b c\n").to_string(), "\"abc\"");
        assert_eq!(ETag::of(7).rendered_as("csv").to_string(), "\"7-csv\"");
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        assert!(not_modified("\"7\""));
        assert!(not_modified("W/\"7\""));
        assert!(not_modified("\"6\", , W/\"7\""));
        assert!(!not_modified("*"), "the middleware knows whether there is anything");
        assert!(!not_modified("\"6\",\"a,7\""));
        let lines = conditions(&[("if-none-match", "\"6\""), ("if-none-match", "\"7\"")]).unwrap();
        let answer = lines.not_modified(&ETag::of(7)).unwrap();
        assert_eq!(answer.status(), 304);
        assert_eq!(answer.headers().get("etag").unwrap(), "\"7\"");
    }

    #[test]
    fn creating_only_what_is_not_there() {
        assert!(conditions(&[("if-none-match", "*")]).unwrap().only_if_absent());
        assert!(!conditions(&[("if-match", "\"7\"")]).unwrap().only_if_absent());
        let weak = conditions(&[("if-match", "W/\"7\", \"8\"")]).unwrap().wanted();
        assert_eq!(weak, Some(Some(vec!["8".to_owned()])), "a weak tag promises too little to write by");
    }

    #[test]
    fn a_header_that_cannot_be_read_is_not_ignored() {
        for bad in ["7", "\"7", "\"7\" \"8\"", "", ",", "*, \"7\"", "w/\"7\""] {
            assert_eq!(conditions(&[("if-match", bad)]).unwrap_err().code(), Code::MalformedRequest, "{bad}");
        }
    }
}
