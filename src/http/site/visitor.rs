//! Somebody who looks at pages and is signed in.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::domain::ids::Subject;
use crate::http::problem::Problem;
use crate::programme::access::credentials::CredentialId;

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Who they are.
    pub subject: Subject,
    /// What they are called, where that is known.
    pub name: Option<String>,
    /// Their session.
    pub session: CredentialId,
    /// What their forms carry, so that no other page can send one in their name.
    pub form_token: String,
    /// Whether what they signed in with may be used to change anything.
    pub may_write: bool,
}

impl Visitor {
    /// What pages call them: their name, or the subject that they are.
    pub(super) fn called(&self) -> &str {
        self.name.as_deref().unwrap_or(self.subject.as_str())
    }
}

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or_else(Problem::missing_token))
    }
}
