//! Lists in pages: `limit` and `cursor` in, `items`, `next` and a `Link` out.

use std::fmt::{self, Display};
use std::str::FromStr;

use actix_web::http::header::{HeaderValue, LINK};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::domain::invalid::Violation;
use crate::http::problem::{Code, Problem};
use crate::http::request::conditional::ETag;
use crate::http::request::extract::{FromParams, ParamReader};
use crate::http::request::negotiate::{Accept, Format};
use crate::http::request::path::asked_path;

/// How many items a page has if the client does not say.
pub const DEFAULT_LIMIT: u16 = 100;
/// The most items a page can have.
pub const MAX_LIMIT: u16 = 1000;

/// Which page of a list is wanted.
#[derive(Clone, Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// How many items to send at most.
    #[param(value_type = u16, minimum = 1, maximum = 1000, default = 100, example = 100, required = false)]
    limit: Option<u16>,
    /// Where to go on: `next` of the page before. Leave it out for the first page.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl FromParams for Paging {
    fn read(params: &mut ParamReader) -> Option<Self> {
        let limit = params.parsed("limit", |text| {
            text.parse()
                .ok()
                .filter(|limit| (1..=MAX_LIMIT).contains(limit))
                .ok_or_else(|| format!("give a whole number from 1 to {MAX_LIMIT}"))
        });
        let cursor = params.optional("cursor");
        Some(Self { limit, cursor })
    }
}

impl Paging {
    /// How many items the page has at most.
    fn limit(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_LIMIT).into()
    }

    /// How many rows to fetch: one more than the page has, to see whether there is another page.
    pub fn rows(&self) -> usize {
        self.limit() + 1
    }

    /// The format of a table that comes a page at a time in JSON, and whole in any other.
    ///
    /// # Errors
    /// `unknown_parameter` if a page is asked for of what has none: a part would pass for the whole. `not_acceptable`
    /// as [`Accept::choose`].
    pub fn format(&self, accept: &Accept) -> Result<Format, Problem> {
        let format = accept.choose(&[Format::Json, Format::Csv, Format::Xlsx])?;
        let sent = [("limit", self.limit.is_some()), ("cursor", self.cursor.is_some())];
        let refused = sent.into_iter().filter(|(_, sent)| *sent && format != Format::Json).map(|(name, _)| {
            let detail = format!(
                "{name}: as {} the table comes whole; leave {name} out, or ask for JSON, which comes in pages.",
                format.media_type()
            );
            Violation::in_query(name, Code::UnknownParameter.as_str(), detail)
        });
        let refused: Vec<_> = refused.collect();
        match refused.first() {
            None => Ok(format),
            Some(first) => Err(Problem::new(Code::UnknownParameter, first.detail.clone()).with_errors(refused)),
        }
    }

    /// The key of the last item of the page before, `None` on the first page.
    ///
    /// # Errors
    /// `invalid_parameter` if the cursor belongs to another list.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let key = serde_json::from_slice(&cursor.0).ok();
        key.map(Some).ok_or_else(|| {
            let detail = format!("cursor: {NOT_OURS}");
            let violation = Violation::in_query("cursor", Code::InvalidParameter.as_str(), detail.clone());
            Problem::new(Code::InvalidParameter, detail).with_errors(vec![violation])
        })
    }

    /// Cuts what was fetched to the page's length, and makes the cursor to the next page if there is one.
    pub fn cut<T, K: Serialize>(
        &self,
        mut rows: Vec<T>,
        key: impl Fn(&T) -> K,
    ) -> Result<(Vec<T>, Option<String>), Problem> {
        let limit = self.limit();
        if rows.len() <= limit {
            return Ok((rows, None));
        }
        rows.truncate(limit);
        let next = rows.last().map(|row| Cursor::to(&key(row))).transpose();
        Ok((rows, next.map_err(|error| Problem::internal(&error))?.map(|cursor| cursor.to_string())))
    }

    /// Cuts this page from rows that are all at hand, in the order of the ids that they go by.
    ///
    /// # Errors
    /// As [`Paging::after`].
    pub fn cut_by_id<T>(&self, rows: Vec<T>, id: impl Fn(&T) -> String) -> Result<(Vec<T>, Option<String>), Problem> {
        let after: Option<String> = self.after()?;
        let rows = rows.into_iter().filter(|row| after.as_ref().is_none_or(|after| id(row) > *after));
        self.cut(rows.take(self.rows()).collect(), id)
    }
}

const NOT_OURS: &str = "send it exactly as next gave it, to the list that it came from";

/// A place in a list, opaque to clients.
///
/// It is a version, a checksum and the key of the last item. The checksum keeps out slips and guesses, not attackers: a key
/// says nothing that the list did not, and asking for another place gives away nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cursor(Vec<u8>);

impl Cursor {
    const VERSION: u8 = 1;
    const SUM: usize = 6;

    fn to(key: &impl Serialize) -> serde_json::Result<Self> {
        serde_json::to_vec(key).map(Self)
    }

    fn sum(&self) -> Vec<u8> {
        Sha256::new()
            .chain_update([Self::VERSION])
            .chain_update(&self.0)
            .finalize()
            .iter()
            .take(Self::SUM)
            .copied()
            .collect()
    }
}

impl Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode([&[Self::VERSION], self.sum().as_slice(), &self.0].concat()))
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        let (version, rest) = bytes.split_first().ok_or(NOT_OURS)?;
        let (sum, key) = rest.split_at_checked(Self::SUM).ok_or(NOT_OURS)?;
        let cursor = Self(key.to_vec());
        if *version == Self::VERSION && cursor.sum() == sum { Ok(cursor) } else { Err(NOT_OURS) }
    }
}

/// A page as an answer, with its tag and, if there is a next page, a `Link` to it.
pub fn reply(request: &HttpRequest, page: &impl Serialize, next: Option<&str>, tag: &ETag) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header(tag);
    if let Some(link) = next.and_then(|next| next_link(request, next)) {
        response.insert_header((LINK, link));
    }
    response.json(page)
}

/// The value of a `Link` (RFC 8288) to the next page: the same address with another cursor.
pub fn next_link(request: &HttpRequest, cursor: &str) -> Option<HeaderValue> {
    let kept = request
        .query_string()
        .split('&')
        .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("cursor"))
        // A query may hold these as they are, the target of a link may not.
        .map(|pair| pair.replace('<', "%3C").replace('>', "%3E"));
    let query: Vec<String> = kept.chain([format!("cursor={cursor}")]).collect();
    let path = asked_path(request);
    HeaderValue::from_str(&format!("<{path}?{}>; rel=\"next\"", query.join("&"))).ok()
}

/// Makes the type of a page: `page!(/** The KPIs of a plan. */ pub KpiPage of KpiBody)`.
///
/// Generic types get unreadable names in the document, so each list has a type of its own.
macro_rules! page {
    ($(#[$meta:meta])* $vis:vis $name:ident of $item:ty) => {
        $(#[$meta])*
        #[derive(Debug, ::serde::Serialize, ::utoipa::ToSchema)]
        $vis struct $name {
            /// The items of this page, in order.
            $vis items: Vec<$item>,
            /// Send this as `cursor` for the next page; null on the last.
            #[schema(required)]
            $vis next: Option<String>,
        }

        impl $name {
            /// The page as an answer, with its tag and a `Link` to the next page if there is one.
            $vis fn reply(
                &self,
                request: &::actix_web::HttpRequest,
                tag: &$crate::http::request::conditional::ETag,
            ) -> ::actix_web::HttpResponse {
                $crate::http::request::page::reply(request, self, self.next.as_deref(), tag)
            }
        }
    };
}

pub(crate) use page;

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::http::request::extract::parse_query;

    fn paging(query: &str) -> Result<Paging, Problem> {
        parse_query(query)
    }

    #[test]
    fn the_limit_has_limits() {
        assert_eq!(paging("").unwrap().rows(), 101);
        assert_eq!(paging("limit=1000").unwrap().rows(), 1001);
        for bad in ["limit=0", "limit=1001", "limit=-1", "limit=ten", "limit="] {
            let problem = paging(bad).unwrap_err();
            assert_eq!(problem.errors()[0].detail, "limit: give a whole number from 1 to 1000", "{bad}");
        }
    }

    #[test]
    fn a_cursor_leads_on_from_the_last_item() {
        let first = paging("limit=2").unwrap();
        let (items, next) = first.cut(vec![("a", 1), ("b", 2), ("c", 3)], |(code, n)| (*code, *n)).unwrap();
        assert_eq!(items.len(), 2);
        let second = paging(&format!("limit=2&cursor={}", next.unwrap())).unwrap();
        assert_eq!(second.after::<(String, i64)>().unwrap(), Some(("b".to_owned(), 2)));
        let (items, next) = second.cut(vec![("c", 3)], |(code, _)| *code).unwrap();
        assert_eq!((items.len(), next), (1, None));
        assert_eq!(first.after::<String>().unwrap(), None);
    }

    #[test]
    fn a_cursor_that_was_touched_is_refused() {
        let good = Cursor::to(&"b").unwrap().to_string();
        assert!(paging(&format!("cursor={good}")).is_ok());
        let mut bytes = URL_SAFE_NO_PAD.decode(&good).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        let touched = URL_SAFE_NO_PAD.encode(&bytes);
        for bad in ["", "x", "AQ", "!!!", good.trim_start_matches('A'), &touched] {
            let problem = paging(&format!("cursor={bad}")).unwrap_err();
            assert_eq!(problem.code(), Code::InvalidParameter, "{bad}");
        }
        let other_list = paging(&format!("cursor={good}")).unwrap().after::<(String, i64)>().unwrap_err();
        assert_eq!(other_list.code(), Code::InvalidParameter);
    }

    #[test]
    fn a_link_keeps_the_other_parameters() {
        let request = TestRequest::get().uri("/v1/plans?limit=2&cursor=old&title=a%26b").to_http_request();
        assert_eq!(next_link(&request, "new").unwrap(), "</v1/plans?limit=2&title=a%26b&cursor=new>; rel=\"next\"");
    }
}
