//! Which format a client gets: what `Accept` prefers among what a resource has (RFC 9110 section 12.5.1). A read that
//! would have nothing that the client accepts is refused where it is routed ([`crate::http::resource`]), for every
//! resource alike.

use std::fmt::{self, Display};
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};

use crate::http::problem::{Code, PROBLEM_JSON, Problem};

/// A format that a resource can be had in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON, the format of everything.
    Json,
    /// CSV as in RFC 4180, with a header row.
    Csv,
    /// An Excel workbook.
    Xlsx,
}

/// The media type of an Excel workbook.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

impl Format {
    /// The media type, without parameters.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Xlsx => XLSX,
        }
    }

    /// The value of `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Xlsx => XLSX,
        }
    }
}

impl Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        })
    }
}

/// What a client would like to get. Everything under `/v1/` says `Vary: Accept`; the middleware does that.
#[derive(Clone, Debug)]
pub struct Accept(Option<Vec<Range>>);

/// A media range and how much it is liked, in thousandths.
#[derive(Clone, Debug)]
struct Range {
    media: String,
    quality: u16,
}

impl Accept {
    /// The format that is liked best; of equals, the one that is first in `formats`.
    ///
    /// # Errors
    /// `not_acceptable` if none will do.
    pub fn choose(&self, formats: &[Format]) -> Result<Format, Problem> {
        let liked = formats.iter().map(|format| (self.quality(format.media_type()), *format));
        // Of equals `max_by_key` takes the last.
        let best = liked.filter(|(quality, _)| *quality > 0).rev().max_by_key(|(quality, _)| *quality);
        best.map(|(_, format)| format).ok_or_else(|| none_of(formats.iter().map(|format| format.media_type())))
    }

    /// Refuses a client that accepts none of these media types.
    ///
    /// # Errors
    /// `not_acceptable`, naming them.
    pub fn admit(&self, offered: &[String]) -> Result<(), Problem> {
        if offered.iter().any(|media| self.quality(media) > 0) {
            return Ok(());
        }
        Err(none_of(offered.iter().map(String::as_str)))
    }

    /// Whether a media type will do.
    pub fn admits(&self, media: &str) -> bool {
        self.quality(media) > 0
    }

    /// Whether a media type is asked for by its own name, as browsers ask for pages.
    pub fn names(&self, media: &str) -> bool {
        self.0.iter().flatten().any(|range| range.media == media && range.quality > 0)
    }

    /// Whether one media type is liked better than another.
    pub fn prefers(&self, media: &str, other: &str) -> bool {
        self.quality(media) > self.quality(other)
    }

    /// How much a media type is liked: what the most specific range says that covers it. Anyone who takes problem
    /// documents, or JSON of no particular kind, takes all JSON.
    fn quality(&self, media: &str) -> u16 {
        let Some(ranges) = &self.0 else { return 1000 };
        let is_json = |media: &str| media == Format::Json.media_type() || media.ends_with("+json");
        let any_json = |range: &str| [Format::Json.media_type(), PROBLEM_JSON].contains(&range);
        let specificity = |range: &Range| match range.media.strip_suffix("/*") {
            _ if range.media == media => Some(3),
            _ if is_json(media) && any_json(&range.media) => Some(2),
            Some("*") => Some(0),
            Some(kind) if media.split('/').next() == Some(kind) => Some(1),
            _ => None,
        };
        ranges
            .iter()
            .filter_map(|range| specificity(range).map(|specificity| (specificity, range.quality)))
            .max()
            .map_or(0, |(_, quality)| quality)
    }
}

/// The refusal that names what there is.
fn none_of<'a>(offered: impl Iterator<Item = &'a str>) -> Problem {
    let types: Vec<_> = offered.collect();
    let asked = "Neither the Accept header nor the ending of the address asks for that.";
    Problem::new(Code::NotAcceptable, format!("This is available as {}. {asked}", types.join(" or ")))
}

impl FromRequest for Accept {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

impl Accept {
    /// What the request's `Accept` says.
    pub fn of(request: &HttpRequest) -> Self {
        let lines: Vec<_> = request.headers().get_all(header::ACCEPT).filter_map(|line| line.to_str().ok()).collect();
        let ranges: Vec<_> = lines.iter().flat_map(|line| line.split(',')).filter_map(range).collect();
        // An empty header, or one that makes no sense, asks for nothing in particular.
        Self((!ranges.is_empty()).then_some(ranges))
    }
}

/// Reads one media range with its quality; `None` for what is none.
fn range(text: &str) -> Option<Range> {
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().filter(|media| media.contains('/'))?.to_ascii_lowercase();
    let quality = parts
        .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
        .map_or(Some(1000), thousandths)?;
    Some(Range { media, quality })
}

/// Reads a quality: 0 to 1 with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, decimals) {
        ("0", decimals) => Some(decimals),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn chosen(accept: Option<&str>) -> Result<Format, Code> {
        let mut request = TestRequest::get();
        if let Some(accept) = accept {
            request = request.insert_header((header::ACCEPT, accept.to_owned()));
        }
        let accept = Accept::from_request(&request.to_http_request(), &mut Payload::None).into_inner().unwrap();
        accept.choose(&[Format::Json, Format::Csv]).map_err(|problem| problem.code())
    }

    #[test]
    fn the_format_liked_best_is_chosen() {
        for (accept, format) in [
            (None, Format::Json),
            (Some(""), Format::Json),
            (Some("nonsense"), Format::Json),
            (Some("*/*"), Format::Json),
            (Some("text/csv"), Format::Csv),
            (Some("Text/CSV; charset=utf-8"), Format::Csv),
            (Some("text/*"), Format::Csv),
            (Some("application/json, text/csv"), Format::Json),
            (Some("application/json;q=0.5, text/csv;q=0.51"), Format::Csv),
            (Some("application/json;q=0, */*;q=0.1"), Format::Csv),
            (Some("text/html, application/xhtml+xml, */*;q=0.8"), Format::Json),
            (Some("text/csv;q=0.2, text/*;q=1, application/json;q=0.5"), Format::Json),
        ] {
            assert_eq!(chosen(accept), Ok(format), "{accept:?}");
        }
    }

    #[test]
    fn whoever_takes_json_or_problems_takes_all_json() {
        let admits = |accept: &str, media: &str| {
            let request = TestRequest::get().insert_header((header::ACCEPT, accept.to_owned())).to_http_request();
            Accept::of(&request).admit(&[media.to_owned()]).is_ok()
        };
        for accept in [
            "application/json",
            "application/problem+json",
            "application/*",
            "*/*",
            "application/json, text/plain, */*",
            "image/avif, image/*, */*;q=0.8",
        ] {
            assert!(admits(accept, "application/json"), "{accept}");
            assert!(admits(accept, "application/csvm+json"), "{accept}");
        }
        for accept in ["text/csv", "application/xml", "image/*", "application/json;q=0, */*", "text/html, text/*;q=0.9"]
        {
            assert!(!admits(accept, "application/json"), "{accept}");
        }
        assert!(!admits("application/json", "image/svg+xml"));
        assert!(!admits("application/problem+json", "text/csv"));
    }

    #[test]
    fn where_none_will_do_it_says_so() {
        for accept in ["image/png", "application/json;q=0", "text/csv;q=0.000, application/xml"] {
            assert_eq!(chosen(Some(accept)), Err(Code::NotAcceptable), "{accept}");
        }
    }
}
