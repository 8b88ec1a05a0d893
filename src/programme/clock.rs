//! The only source of now.
//!
//! Everything that needs the present moment is handed a [`Clock`]: the service runs on the system's, tests and the
//! replay of recorded history run on one that stands still until it is moved.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SubsecRound, Utc};

/// A source of the present moment, in UTC, cut to microseconds (what both databases keep).
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Standing(Arc<Mutex<DateTime<Utc>>>),
    /// A standing one as others see it, who cannot move it.
    Seen(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// The machine's own clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `instant` until [`Clock::set`] moves it. Clones move together.
    #[must_use]
    pub fn standing_at(instant: DateTime<Utc>) -> Self {
        Self(Source::Standing(Arc::new(Mutex::new(instant))))
    }

    /// The present moment.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => Utc::now(),
            Source::Standing(at) | Source::Seen(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        }
        .trunc_subsecs(6)
    }

    /// The same moments, for somebody who is not to move it.
    #[must_use]
    pub fn seen(&self) -> Self {
        match &self.0 {
            Source::System => Self(Source::System),
            Source::Standing(at) | Source::Seen(at) => Self(Source::Seen(Arc::clone(at))),
        }
    }

    /// Whether it stands still until it is moved.
    #[must_use]
    pub fn stands(&self) -> bool {
        matches!(self.0, Source::Standing(_))
    }

    /// Moves a standing clock to `instant`; the system's clock is not ours to move, and stays as it is.
    pub fn set(&self, instant: DateTime<Utc>) {
        if let Source::Standing(at) = &self.0 {
            *at.lock().unwrap_or_else(PoisonError::into_inner) = instant;
        }
    }
}
