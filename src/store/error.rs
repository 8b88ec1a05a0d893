//! What can go wrong in the store, in its own words: nothing here knows who asked or how they will be answered.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};

/// Why the store did not do what it was asked. Whatever was begun has been rolled back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, or was lost on the way; the next call may find it again.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Too many others are before this one in the queue, or hold what it needs.
    #[error("the database is busy")]
    Busy,
    /// It is there already.
    #[error("{0}")]
    Conflict(Conflict),
    /// What the database holds is not what this service wrote.
    #[error("the database holds something that cannot be read: {0}")]
    Corrupt(String),
    /// The database refused: a fault of this program or of the database, never of a caller.
    #[error("the database refused: {0}")]
    Database(String),
    /// The work itself broke off; a fault of this program.
    #[error("the work broke off: {0}")]
    Panicked(String),
}

impl StoreError {
    /// What is said when a thread was given up before it had done its work.
    pub fn stopping() -> Self {
        Self::Unavailable("the service is stopping".to_owned())
    }
}

/// Which thing is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// A plan of this code.
    #[error("there is a plan of this code already")]
    Plan,
    /// This revision of a definition, target or reading: its writer did not know the latest one.
    #[error("this revision has been written already")]
    Revision,
    /// This place in the journal: its writer did not hold the plan's lock, or kept it past its transaction.
    #[error("the plan has moved on since it was locked")]
    Sequence,
    /// This grant.
    #[error("there is a grant of this id already")]
    Grant,
    /// This request: another with its key is being carried out.
    #[error("a request with this key is being carried out")]
    Request,
}

impl Conflict {
    /// By the table whose key was met twice.
    fn of_table(table: &str) -> Option<Self> {
        match table {
            "plans" => Some(Self::Plan),
            "definitions" | "targets" | "readings" => Some(Self::Revision),
            "journal" => Some(Self::Sequence),
            "grants" => Some(Self::Grant),
            "answers" => Some(Self::Request),
            _ => None,
        }
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(kind, information) => of_database(kind, &*information),
            DieselError::DeserializationError(error) => Self::Corrupt(error.to_string()),
            // Diesel's manager lost track of the transaction, which only a lost connection brings about.
            DieselError::BrokenTransactionManager => Self::Unavailable("the connection was lost".into()),
            DieselError::RollbackErrorOnCommit { commit_error, .. } => Self::from(*commit_error),
            other => Self::Database(other.to_string()),
        }
    }
}

fn of_database(kind: DatabaseErrorKind, information: &dyn DatabaseErrorInformation) -> StoreError {
    let message = information.message();
    match kind {
        DatabaseErrorKind::UniqueViolation => {
            // PostgreSQL names the table; SQLite has it only in `UNIQUE constraint failed: plans.code`.
            let table = information
                .table_name()
                .or_else(|| message.strip_prefix("UNIQUE constraint failed: ").and_then(|rest| rest.split('.').next()));
            let conflict = table.and_then(Conflict::of_table);
            conflict.map_or_else(|| StoreError::Database(message.to_owned()), StoreError::Conflict)
        }
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
            StoreError::Unavailable(message.trim_end().to_owned())
        }
        DatabaseErrorKind::SerializationFailure => StoreError::Busy,
        // Neither has a kind of its own. The words are SQLite's, and PostgreSQL's if it speaks English.
        DatabaseErrorKind::Unknown
            if message.starts_with("database is locked")
                || message.starts_with("database table is locked")
                || message.contains("due to lock timeout")
                || message.contains("due to statement timeout")
                || message.contains("deadlock detected") =>
        {
            StoreError::Busy
        }
        _ => StoreError::Database(message.trim_end().to_owned()),
    }
}
