//! Who calls, as the gate found out.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use chrono::{DateTime, Utc};

use crate::http::problem::Problem;
use crate::programme::Principal;
use crate::programme::access::credentials::CredentialId;

/// Who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who they are.
    pub subject: Principal,
    /// When what they came in with expires.
    pub expires_at: DateTime<Utc>,
    /// The link that they came by, which is asked by others than its maker.
    pub link: Option<CredentialId>,
}

impl Caller {
    /// Whoever asks without saying who they are.
    pub fn anyone() -> Self {
        Self { subject: Principal::anyone(), expires_at: DateTime::<Utc>::MAX_UTC, link: None }
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or_else(Problem::missing_token))
    }
}
