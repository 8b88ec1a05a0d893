//! What a form sends.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use aws_lc_rs::constant_time::verify_slices_are_equal;

use crate::http::problem::{Code, Problem};
use crate::http::request::extract::read_body;
use crate::http::request::form::fields;
use crate::http::site::visitor::Visitor;
use crate::pages::frame::FORM_TOKEN;

/// How large a form may be, in bytes.
const LIMIT: usize = 1024 * 1024;

/// The fields of a form, in their order. If somebody is signed in, it came from a page of theirs.
#[derive(Debug)]
pub(in crate::http) struct Form(Vec<(String, String)>);

impl Form {
    /// The fields that somebody sent. A browser ends the lines of a text with both characters, whatever they ended with before.
    pub(super) fn of(fields: Vec<(String, String)>, visitor: Option<&Visitor>) -> Result<Self, Problem> {
        Self::checked(&fields, visitor)?;
        Ok(Self(fields.into_iter().map(|(name, value)| (name, value.replace("\r\n", "\n"))).collect()))
    }

    /// Checks that fields come from a page of this person's.
    pub(super) fn checked(fields: &[(String, String)], visitor: Option<&Visitor>) -> Result<(), Problem> {
        let Some(visitor) = visitor else { return Ok(()) };
        let sent = fields.iter().find(|(name, _)| name == FORM_TOKEN).map_or("", |(_, value)| value.as_str());
        if verify_slices_are_equal(sent.as_bytes(), visitor.form_token.as_bytes()).is_err() {
            let detail = "The page that the form was on is out of date, so nothing was done. Open the page again and send it from there.";
            return Err(Problem::new(Code::NotAllowed, detail));
        }
        Ok(())
    }

    /// What a field holds, unless it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    }

    /// Everything that fields of a name hold, in their order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a field was sent, with something in it or empty.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }
}

impl FromRequest for Form {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = read_body(request, payload, &["application/x-www-form-urlencoded"], LIMIT);
        let visitor = request.extensions().get::<Visitor>().cloned();
        Box::pin(async move {
            let fields = fields(&body.await?).map_err(|detail| Problem::new(Code::MalformedRequest, detail))?;
            Self::of(fields, visitor.as_ref())
        })
    }
}
