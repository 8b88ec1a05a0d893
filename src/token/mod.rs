//! Access tokens: who may come in, and as whom.
//!
//! To judge a token that somebody presents, ask a [`Verifier`], built once from [`KeySource`]s and shared. To issue
//! tokens, keep a [`SigningKey`] and let it [`sign`](SigningKey::sign) [`Claims`]; its public half goes out as a
//! [`Jwk`], and into the verifier as [`KeySource::local`]. To let people sign in with an account of their organisation, ask a
//! [`Provider`]. Nothing here knows of HTTP requests or of what a subject is
//! permitted: the first is the business of `http`, the second of the plans.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

mod bounded;
mod jwk;
mod jwks;
mod keys;
mod provider;
mod verify;

pub use jwk::{Algorithm, Jwk, JwkSet};
pub use jwks::{KeySource, KeySourceError};
pub use keys::{KeyError, KeyKind, SigningKey};
pub use provider::{Attempt, ClientSecret, Identity, MaybeProvider, Provider, ProviderSettings, SignInFault};
pub use verify::{Claim, Expected, Refusal, Verified, Verifier};

/// The claims of an access token as this service issues it (RFC 9068). Dates are whole seconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issues the token.
    pub iss: String,
    /// The service that it is for.
    pub aud: String,
    /// Who it speaks for: 1 to 200 characters without control characters, or no verifier accepts it.
    pub sub: String,
    /// When it expires.
    pub exp: i64,
    /// From when it is valid, if that is later than its issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// When it was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// The token's own name, different for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The client that it is issued to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

impl Claims {
    /// The claims of a token for `subject` that a verifier with the same `expected` takes from `now` on for `lifetime`.
    /// It gets a name of its own.
    #[must_use]
    pub fn issue(expected: &Expected, subject: impl Into<String>, now: DateTime<Utc>, lifetime: TimeDelta) -> Self {
        Self {
            iss: expected.issuer.clone(),
            aud: expected.audience.clone(),
            sub: subject.into(),
            exp: now.timestamp().saturating_add(lifetime.num_seconds()),
            nbf: None,
            iat: Some(now.timestamp()),
            jti: Some(Uuid::now_v7().to_string()),
            client_id: None,
        }
    }
}
