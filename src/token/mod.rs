//! Access tokens: who may come in, and as whom.

use serde::{Deserialize, Serialize};

mod bounded;
mod jwk;
mod jwks;
mod keys;

pub use jwk::{Algorithm, Jwk, JwkSet};
pub use jwks::{KeySource, KeySourceError};
pub use keys::{KeyError, KeyKind, SigningKey};

/// The claims of an access token as this service issues it (RFC 9068). Dates are whole seconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issues the token.
    pub iss: String,
    /// The service that it is for.
    pub aud: String,
    /// Who it speaks for: 1 to 200 characters without control characters, or no verifier takes it.
    pub sub: String,
    /// From when on it is no good.
    pub exp: i64,
    /// From when on it is good, where that is later than its issue.
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
