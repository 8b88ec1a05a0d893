//! What will go, announced while it is still there: `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a link to the page that
//! says what to use instead, with every answer; and `deprecated` in the document.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, LINK};
use serde_json::Value;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// An address that will go.
#[derive(Clone, Copy, Debug)]
pub struct Going {
    /// Its path with placeholders, as the document has it.
    pub path: &'static str,
    /// Since when it should no longer be used: seconds since the Unix epoch.
    pub since: i64,
    /// From when on it may be gone, as an HTTP date.
    pub sunset: &'static str,
    /// The page that says what to use instead.
    pub page: &'static str,
}

/// What will go: nothing so far. Whoever adds a row says in the changelog what to use instead.
pub const GOING: &[Going] = &[];

/// Announces what goes with an answer from `path`, which is asked for where there is anything to announce.
pub fn announce(going: &[Going], path: impl FnOnce() -> Option<String>, headers: &mut HeaderMap) {
    if going.is_empty() {
        return;
    }
    let path = path();
    let Some(row) = going.iter().find(|row| Some(row.path) == path.as_deref()) else { return };
    for (name, value) in [
        (DEPRECATION, format!("@{}", row.since)),
        (SUNSET, row.sunset.to_owned()),
        (LINK, format!("<{}>; rel=\"deprecation\"; type=\"text/html\"", row.page)),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.append(name, value);
        }
    }
}

/// Marks what goes in the document.
pub fn mark(going: &[Going], document: &mut Value) {
    for row in going {
        let operations = document.get_mut("paths").and_then(|paths| paths.get_mut(row.path));
        for (_, operation) in operations.and_then(Value::as_object_mut).into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                operation.insert("deprecated".to_owned(), Value::Bool(true));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ROWS: &[Going] = &[Going {
        path: "/v1/plans/{plan}/old",
        since: 1_795_000_000,
        sunset: "Wed, 24 Nov 2027 00:00:00 GMT",
        page: "/docs",
    }];

    #[test]
    fn what_goes_is_announced_with_its_answers_and_nothing_else_is() {
        let mut headers = HeaderMap::new();
        let at = |path: &str| Some(path.to_owned());
        announce(ROWS, || at("/v1/plans/{plan}"), &mut headers);
        announce(ROWS, || None, &mut headers);
        announce(GOING, || at("/v1/plans/{plan}/old"), &mut headers);
        assert!(headers.is_empty(), "{headers:?}");
        announce(ROWS, || at("/v1/plans/{plan}/old"), &mut headers);
        assert_eq!(headers.get(DEPRECATION).unwrap(), "@1795000000");
        assert_eq!(headers.get(SUNSET).unwrap(), "Wed, 24 Nov 2027 00:00:00 GMT");
        assert_eq!(headers.get(LINK).unwrap(), "</docs>; rel=\"deprecation\"; type=\"text/html\"");
    }

    #[test]
    fn what_goes_is_marked_in_the_document() {
        let mut document = json!({"paths": {"/v1/plans/{plan}/old": {"get": {}}, "/v1/plans/{plan}": {"get": {}}}});
        mark(ROWS, &mut document);
        assert_eq!(document["paths"]["/v1/plans/{plan}/old"]["get"]["deprecated"], true);
        assert_eq!(document["paths"]["/v1/plans/{plan}"]["get"], json!({}));
    }
}
