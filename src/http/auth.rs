//! Who calls: the bearer token of a request, verified before anything else of it is read.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;

use super::problem::Problem;
use crate::domain::ids::Subject;
use crate::token::{Refusal, Verifier};

/// Who calls, as their token says.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The subject.
    pub subject: Subject,
    /// When their token expires.
    pub expires_at: DateTime<Utc>,
}

/// Lets nothing under `/v1` through without a good token. It stands before the handlers, so that a caller who may not
/// enter learns nothing from how a body or a parameter is judged.
pub async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    // Judged as the router judges it: `/%761` is `/v1`.
    let path = percent_decode_str(request.path()).decode_utf8_lossy();
    let guarded = path == "/v1" || path.starts_with("/v1/");
    if guarded && request.method() != Method::OPTIONS {
        let caller = verified(&request).await?;
        request.extensions_mut().insert(caller);
    }
    next.call(request).await
}

async fn verified(request: &ServiceRequest) -> Result<Caller, Problem> {
    let mut sent = request.headers().get_all(AUTHORIZATION);
    let (Some(header), None) = (sent.next(), sent.next()) else {
        return Err(Problem::missing_token());
    };
    let token = header.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let token = token.ok_or_else(Problem::missing_token)?;
    let verifier = request
        .app_data::<Data<Arc<Verifier>>>()
        .ok_or_else(|| Problem::internal_because("the app holds no verifier"))?;
    let good = verifier.verify(token).await.map_err(|refusal| match refusal {
        Refusal::KeysUnavailable => Problem::unavailable_because("the keys to verify tokens with cannot be read"),
        other => Problem::invalid_token(other.description()),
    })?;
    let subject = good.subject.parse().map_err(|_unfit| Problem::invalid_token("the subject cannot be used"))?;
    Ok(Caller { subject, expires_at: good.expires_at })
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or_else(Problem::missing_token))
    }
}
