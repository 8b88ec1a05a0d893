//! What the use cases refuse, as problems: the one place where a refusal gets its status code.

use crate::domain::wording::sentence;
use crate::http::problem::{Code, Problem};
use crate::http::request::conditional::Conditions;
use crate::programme::caller::precondition::Precondition;
use crate::programme::{Refusal, StoreError};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::not_found(),
            Refusal::NotAllowed(detail) => Self::new(Code::NotAllowed, sentence(&detail)),
            Refusal::Invalid(invalid) => invalid.into(),
            Refusal::Conflict(detail) => Self::new(Code::Conflict, sentence(&detail)),
            Refusal::Stale => Self::new(
                Code::PreconditionFailed,
                "It is not in the state that the request names. Read it again, then send your change with its ETag.",
            ),
            Refusal::VersionNotGiven => Self::new(
                Code::PreconditionRequired,
                "Send If-Match with the ETag you got when you read this, so that nobody's change is lost.",
            ),
            Refusal::Store(StoreError::Busy) => Self::busy(),
            Refusal::Store(error @ StoreError::Unavailable(_)) => Self::unavailable(&error),
            Refusal::Store(StoreError::Conflict(_)) => {
                Self::new(Code::Conflict, "Something with this code exists already, or was made at the same moment.")
            }
            Refusal::Store(error) => Self::internal(&error),
            Refusal::KeyReused => Self::new(
                Code::KeyReused,
                "The Idempotency-Key was sent with another request; send a new key with each new request.",
            ),
            Refusal::CarriedOut => Self::new(
                Code::AlreadyCarriedOut,
                "A request with this Idempotency-Key is being carried out, or was, and its answer is not at hand: check whether what it makes exists.",
            ),
        }
    }
}

impl From<&Conditions> for Precondition {
    /// What a request says about the state of what it changes.
    fn from(conditions: &Conditions) -> Self {
        match conditions.wanted() {
            Some(None) => Self::Any,
            Some(Some(tags)) => Self::OneOf(tags),
            None if conditions.only_if_absent() => Self::Absent,
            None => Self::None,
        }
    }
}
