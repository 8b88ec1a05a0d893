//! The state that a change is meant for. It is compared within the transaction that makes the change, so that nothing can come
//! in between.

use std::fmt::Display;

use crate::Refusal;

/// Which state of a thing the caller means to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// It did not say.
    None,
    /// Whatever is there.
    Any,
    /// One of these states.
    OneOf(Vec<String>),
    /// Nothing may be there yet.
    Absent,
}

impl Precondition {
    /// Checks the precondition of a change to a thing that is in this state: where it was last changed in the journal, or what
    /// else its tag is made of.
    ///
    /// # Errors
    /// [`Refusal::Stale`] if another state is meant, [`Refusal::VersionNotGiven`] if none is.
    pub fn allows_change_of(&self, state: impl Display) -> Result<(), Refusal> {
        let state = state.to_string();
        // A tag of one rendering of a state, such as `42-overdue`, names that state.
        let names = |tag: &String| {
            let rest = tag.strip_prefix(state.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        match self {
            Self::Any => Ok(()),
            Self::OneOf(tags) if tags.iter().any(names) => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of(tags: &[&str]) -> Precondition {
        Precondition::OneOf(tags.iter().map(|tag| (*tag).to_owned()).collect())
    }

    #[test]
    fn a_change_needs_the_present_state() {
        let allows = |precondition: Precondition| precondition.allows_change_of(7);
        assert!(matches!(allows(Precondition::None), Err(Refusal::VersionNotGiven)));
        assert!(matches!(allows(Precondition::Absent), Err(Refusal::Stale)));
        assert!(matches!(allows(one_of(&["6", "77", "70-csv"])), Err(Refusal::Stale)));
        for good in [Precondition::Any, one_of(&["5", "7"]), one_of(&["7-gzip"]), one_of(&["7-overdue-br"])] {
            assert!(allows(good).is_ok());
        }
        assert!(one_of(&["0198f0c6-5a3e.17"]).allows_change_of("0198f0c6-5a3e.17").is_ok());
        assert!(one_of(&["0198f0c6-5a3e.17"]).allows_change_of("0198f0c6-5a3e.1").is_err());
    }

    #[test]
    fn what_is_created_is_not_there_yet() {
        assert!(Precondition::None.allows_creation().is_ok() && Precondition::Absent.allows_creation().is_ok());
        assert!(Precondition::Any.allows_creation().is_err() && one_of(&["7"]).allows_creation().is_err());
    }
}
