//! What can go wrong, declared in one word per handler: `responses((status = 200, ..), NotModified, ReadProblems)`.
//! What comes from what is before the handlers is described by `of_the_way_in`, and declared nowhere.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::IntoResponses;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr};

use crate::http::problem::{Code, PROBLEM_JSON};
use crate::http::settings::counts;

/// What an operation can be answered before any handler is asked: 406 if its client takes nothing that there is
/// ([`crate::http::resource`]), or no encoding that there is; and 429 if the caller asks too often
/// ([`crate::http::gate::rate_limit`]).
pub(in crate::http) fn of_the_way_in(path: &str) -> impl Iterator<Item = (String, Value)> {
    let counted = counts(path).then_some(Code::TooManyRequests);
    let codes = [Code::NotAcceptable].into_iter().chain(counted);
    codes.map(|code| (code.status().as_str().to_owned(), json!(response(&[code]))))
}

type Responses = BTreeMap<String, RefOr<Response>>;

/// Sets of problem responses, each made from the rows of the table of codes.
macro_rules! problems {
    ($($(#[$doc:meta])+ $name:ident: $($code:ident)+;)+) => {$(
        $(#[$doc])+
        #[derive(Debug)]
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> Responses {
                described(&[$(Code::$code),+])
            }
        }
    )+};
}

problems! {
    /// What can go wrong when something is read without a token.
    PublicProblems: UnknownParameter Internal;
    /// What can go wrong when a client asks for a token, besides what OAuth states in its own words.
    TokenProblems: RequestTimeout BodyTooLarge UnsupportedMediaType Internal Busy Unavailable;
    /// There may be none.
    NoSuchThing: NotFound;
    /// The service cannot work just now.
    Unready: Unavailable;
    /// What can go wrong when something is read.
    ReadProblems: MalformedRequest InvalidParameter UnknownParameter MissingToken InvalidToken NotFound
        Internal Busy Unavailable;
    /// What can go wrong when something is created by POST.
    CreateProblems: MalformedRequest InvalidParameter UnknownParameter MissingToken InvalidToken NotAllowed NotFound
        RequestTimeout Conflict AlreadyCarriedOut BodyTooLarge UnsupportedMediaType Invalid KeyReused
        Internal Busy Unavailable;
    /// What can go wrong when something is done by POST without a body.
    StepProblems: MalformedRequest InvalidParameter UnknownParameter MissingToken InvalidToken NotAllowed NotFound
        Conflict AlreadyCarriedOut Invalid KeyReused Internal Busy Unavailable;
    /// What can go wrong when a change is tried and not made.
    TryProblems: MalformedRequest InvalidParameter UnknownParameter MissingToken InvalidToken NotAllowed NotFound
        RequestTimeout BodyTooLarge UnsupportedMediaType Invalid Internal Busy Unavailable;
    /// What can go wrong when something is written by PUT or PATCH.
    WriteProblems: MalformedRequest InvalidParameter UnknownParameter MissingToken InvalidToken NotAllowed NotFound
        RequestTimeout Conflict PreconditionFailed BodyTooLarge UnsupportedMediaType Invalid PreconditionRequired
        Internal Busy Unavailable;
    /// What can go wrong when something is deleted.
    DeleteProblems: MalformedRequest InvalidParameter UnknownParameter MissingToken InvalidToken NotAllowed NotFound
        Conflict PreconditionFailed PreconditionRequired Internal Busy Unavailable;
    /// What can go wrong when a figure is posted, for which no state need be named.
    PutReadingProblems: MalformedRequest InvalidParameter UnknownParameter MissingToken InvalidToken NotAllowed NotFound
        RequestTimeout Conflict PreconditionFailed BodyTooLarge UnsupportedMediaType Invalid
        Internal Busy Unavailable;
    /// What can go wrong when a return is filled in, figure by figure, for which no state need be named.
    PutReturnProblems: MalformedRequest InvalidParameter UnknownParameter MissingToken InvalidToken NotAllowed NotFound
        RequestTimeout Conflict BodyTooLarge UnsupportedMediaType Invalid Internal Busy Unavailable;
    /// What can go wrong when a file is imported, besides what is wrong in it.
    ImportProblems: MalformedRequest InvalidParameter UnknownParameter MissingToken InvalidToken NotAllowed NotFound
        RequestTimeout Conflict AlreadyCarriedOut BodyTooLarge UnsupportedMediaType Internal Busy Unavailable;
    /// A query parameter names what the plan does not have.
    UnknownInQuery: Invalid;
    /// Reading needs a role, and not only a place in the plan.
    NotAllowed: NotAllowed;
}

/// The answer to a client that has the present state already.
#[derive(Debug)]
pub struct NotModified;

impl IntoResponses for NotModified {
    fn responses() -> Responses {
        let response = ResponseBuilder::new()
            .description("Nothing has changed since the state that If-None-Match names.")
            .header("ETag", header("The state, as in the answer that the client has.", "\"1234\"", Type::String))
            .build();
        BTreeMap::from([("304".to_owned(), response.into())])
    }
}

/// One response per status, describing each code that is sent with it.
fn described(codes: &[Code]) -> Responses {
    let mut by_status: BTreeMap<String, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status().as_str().to_owned()).or_default().push(*code);
    }
    by_status.into_iter().map(|(status, codes)| (status, response(&codes).into())).collect()
}

fn response(codes: &[Code]) -> Response {
    let told: Vec<String> = codes.iter().map(|code| format!("{} (`{}`).", code.title(), code.as_str())).collect();
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .example(codes.first().copied().map(example))
        .build();
    let response = ResponseBuilder::new().description(told.join(" ")).content(PROBLEM_JSON, content);
    match codes.first().map(|code| code.status().as_u16()) {
        Some(401) => response.header(
            "WWW-Authenticate",
            header("How to authenticate (RFC 6750).", "Bearer realm=\"waymark\"", Type::String),
        ),
        Some(429 | 503) => {
            response.header("Retry-After", header("After how many seconds to try again.", 1, Type::Integer))
        }
        _ => response,
    }
    .build()
}

fn header(description: &str, example: impl Into<Value>, kind: Type) -> utoipa::openapi::Header {
    HeaderBuilder::new()
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(kind).examples([example.into()])))
        .build()
}

fn example(code: Code) -> Value {
    json!({
        "type": format!("/problems/{}", code.as_str()),
        "title": code.title(),
        "status": code.status().as_u16(),
        "detail": code.page(),
        "instance": "urn:request:0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11",
        "code": code.as_str(),
        "errors": [],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_response_a_status_tells_of_all_its_codes() {
        let responses = serde_json::to_value(WriteProblems::responses()).unwrap();
        let statuses: Vec<_> = responses.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            statuses,
            ["400", "401", "403", "404", "408", "409", "412", "413", "415", "422", "428", "500", "503"]
        );
        let busy = &responses["503"];
        assert!(busy["description"].as_str().unwrap().contains("`busy`"));
        assert!(busy["description"].as_str().unwrap().contains("`unavailable`"));
        assert_eq!(busy["content"][PROBLEM_JSON]["schema"]["$ref"], "#/components/schemas/Problem");
        assert!(busy["headers"]["Retry-After"].is_object());
    }
}
