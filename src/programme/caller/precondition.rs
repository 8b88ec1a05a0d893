//! The state that a change is meant for.

use crate::domain::ids::Seq;

use crate::programme::Refusal;

/// Which version of a thing the caller means to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// It did not say.
    None,
    /// Whatever is there.
    Any,
    /// One of these versions.
    OneOf(Vec<String>),
    /// Nothing may be there yet.
    Absent,
}

impl Precondition {
    /// Checks the precondition of a change to a thing that is there and was last changed at `seq`.
    ///
    /// # Errors
    /// [`Refusal::Stale`] if another version is meant, [`Refusal::VersionNotGiven`] if none is.
    pub fn allows_change_of(&self, seq: Seq) -> Result<(), Refusal> {
        match self {
            Self::Any => Ok(()),
            // A tag of one rendering of a state, such as `42-overdue`, names that state.
            Self::OneOf(versions)
                if versions.iter().any(|tag| tag.split('-').next() == Some(seq.to_string().as_str())) =>
            {
                Ok(())
            }
            Self::OneOf(_) | Self::Absent => Err(Refusal::Stale),
            Self::None => Err(Refusal::VersionNotGiven),
        }
    }

    /// Checks the precondition of making a thing that is not there.
    ///
    /// # Errors
    /// [`Refusal::Stale`] if the caller means to change one that is.
    pub fn allows_creation(&self) -> Result<(), Refusal> {
        match self {
            Self::None | Self::Absent => Ok(()),
            Self::Any | Self::OneOf(_) => Err(Refusal::Stale),
        }
    }
}
