//! What came of an import: what was accepted, what is wrong with it and what to check.

use std::io;

use waymark_domain::invalid::Violation;
use waymark_exchange::sheet::IgnoredColumn;
use waymark_exchange::spool::Spool;

use crate::figures::effects::RollUpMove;

/// What an import did, or would do.
#[derive(Debug)]
pub struct Outcome {
    /// Whether it was a trial.
    pub dry_run: bool,
    /// Rows gone through, blank ones not counted.
    pub rows: u64,
    /// Rows that make something new.
    pub created: u64,
    /// Rows that make the next revision of something.
    pub revised: u64,
    /// Rows that say what is there already.
    pub unchanged: u64,
    /// Rows with anything wrong in them.
    pub rejected: u64,
    /// How much is wrong that is about no row.
    pub about_file: u64,
    /// The file's columns that were not read, and why.
    pub ignored_columns: Vec<IgnoredColumn>,
    /// What the changed rows change, as [`Move`](crate::figures::effects::Move)s; empty if anything is
    /// wrong.
    pub effects: Spool,
    /// The roll-ups that move with it; empty if anything is wrong.
    pub roll_ups: Vec<RollUpMove>,
    /// Everything that is wrong, as [`Violation`]s.
    pub errors: Spool,
    /// What to check in what is right, as warnings: about the file as a whole, then row by row.
    pub warnings: Spool,
}

impl Outcome {
    /// The outcome of a file that cannot be gone through at all.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn unread(dry_run: bool, fault: &Violation) -> io::Result<Self> {
        let mut outcome = Self { about_file: 1, ..Self::nothing(dry_run) };
        outcome.errors.push(fault)?;
        Ok(outcome)
    }

    /// The outcome of an import that found nothing to do and nothing wrong.
    pub fn nothing(dry_run: bool) -> Self {
        Self {
            dry_run,
            rows: 0,
            created: 0,
            revised: 0,
            unchanged: 0,
            rejected: 0,
            about_file: 0,
            ignored_columns: Vec::new(),
            effects: Spool::default(),
            roll_ups: Vec::new(),
            errors: Spool::default(),
            warnings: Spool::default(),
        }
    }
}
