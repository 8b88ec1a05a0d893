//! Why a use case did not do what it was asked. The HTTP room turns each into its status code; none is known here.

use waymark_domain::invalid::{Invalid, Violation};
use waymark_store::StoreError;

/// Why a use case was refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is not there, or not the caller's to see: the two are never distinguished.
    #[error("not found")]
    NotFound,
    /// The caller sees it and may not do this; what would be needed.
    #[error("{0}")]
    NotAllowed(String),
    /// What was sent is wrong; all of it.
    #[error("invalid")]
    Invalid(Invalid),
    /// It contradicts what is there; what to do.
    #[error("{0}")]
    Conflict(String),
    /// The thing has changed since the caller looked.
    #[error("it has changed since it was read; read it again")]
    Stale,
    /// The thing is there, and the caller did not say which version it means to change.
    #[error("state which version is to be changed")]
    VersionNotGiven,
    /// The key that the request came with was used for another.
    #[error("the key was used for another request")]
    KeyReused,
    /// The same request with the same key was carried out, or is about to be.
    #[error("a request with this key is carried out already")]
    CarriedOut,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<Violation> for Refusal {
    fn from(violation: Violation) -> Self {
        Self::Invalid(violation.into())
    }
}
