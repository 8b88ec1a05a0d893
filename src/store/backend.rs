//! Two databases behind one connection type.
//!
//! What differs between SQLite and PostgreSQL is here, in `types.rs` and in `on_backend!` bodies, nowhere else: how a
//! connection is opened and set up, how a transaction begins, and how many rows one INSERT takes.

use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::{ManageConnection, R2D2Connection};
use diesel::result::Error;
use diesel::{PgConnection, SqliteConnection};

use super::error::StoreError;
use super::url::{Address, DatabaseUrl};

#[expect(
    clippy::disallowed_methods,
    reason = "the derived `establish` tries one database after the other; nobody calls it"
)]
mod any {
    use diesel::{PgConnection, SqliteConnection};

    /// A connection to either database.
    #[derive(diesel::MultiConnection)]
    pub(crate) enum AnyConn {
        /// PostgreSQL, through libpq.
        Postgres(PgConnection),
        /// SQLite, compiled in.
        Sqlite(SqliteConnection),
    }
}
pub(super) use any::{AnyConn, MultiBackend};

/// Runs one expression on the connection of the database at hand: the same text, compiled once for each, for what the
/// common connection cannot do (rows in bulk, RETURNING a struct) or does slower.
macro_rules! on_backend {
    ($any:expr, |$conn:ident| $body:expr) => {
        match $any {
            $crate::backend::AnyConn::Postgres($conn) => $body,
            $crate::backend::AnyConn::Sqlite($conn) => $body,
        }
    };
}

/// The rows one INSERT takes on PostgreSQL: a statement has at most 65,535 parameters, and a reading has 17 columns.
pub(super) const ROWS_PER_INSERT: usize = 1_000;

/// Inserts a slice of `Insertable` rows: row by row through one prepared statement on SQLite, where a call costs
/// nothing; many rows to a statement on PostgreSQL, where each is a journey.
macro_rules! insert_all {
    ($any:expr, $table:expr, $rows:expr) => {
        match $any {
            $crate::backend::AnyConn::Sqlite(conn) => {
                $rows.iter().try_for_each(|row| diesel::insert_into($table).values(row).execute(conn).map(drop))
            }
            $crate::backend::AnyConn::Postgres(conn) => $rows
                .chunks($crate::backend::ROWS_PER_INSERT)
                .try_for_each(|rows| diesel::insert_into($table).values(rows).execute(conn).map(drop)),
        }
    };
}

pub(super) use {insert_all, on_backend};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reading: refuses to write.
    Read,
    /// Reading and writing.
    Write,
    /// Changing the tables themselves, for as long as it takes.
    Migrate,
}

/// How long a writer waits for another process's transaction, and a statement for another's lock.
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(5);
/// How long one statement may run on PostgreSQL.
const STATEMENT_WAIT: Duration = Duration::from_secs(30);
/// How long PostgreSQL keeps a plan locked for a transaction that has gone silent.
const SILENCE: Duration = Duration::from_mins(5);

/// Opens connections for a pool.
#[derive(Clone, Debug)]
pub(super) struct Manager {
    url: DatabaseUrl,
    purpose: Purpose,
    /// Whether an SQLite file that does not exist is made.
    create: bool,
}

impl Manager {
    pub(super) fn new(url: DatabaseUrl, purpose: Purpose, create: bool) -> Self {
        Self { url, purpose, create }
    }

    pub(super) fn for_purpose(&self, purpose: Purpose) -> Self {
        Self { purpose, ..self.clone() }
    }

    #[expect(clippy::disallowed_methods, reason = "here is where the URL's scheme decides")]
    fn open(&self) -> Result<AnyConn, ConnectionError> {
        match &self.url.0 {
            Address::Sqlite(path) => {
                if !self.create && !path.exists() {
                    return Err(ConnectionError::BadConnection("there is no such file".into()));
                }
                let path = path.to_string_lossy();
                // `file://` would begin a host's name.
                let path =
                    if path.starts_with('/') { format!("/{}", path.trim_start_matches('/')) } else { path.into() };
                let path = path.replace('%', "%25").replace('#', "%23");
                let mode = if self.create { "rwc" } else { "rw" };
                SqliteConnection::establish(&format!("file:{path}?mode={mode}")).map(AnyConn::Sqlite)
            }
            Address::Postgres { url, .. } => PgConnection::establish(url).map(AnyConn::Postgres),
        }
    }

    /// Why a connection could not be opened, without the password, which libpq may quote.
    fn scrubbed(&self, error: &ConnectionError) -> StoreError {
        let mut message = error.to_string();
        if let Address::Postgres { password, .. } = &self.url.0
            && !password.is_empty()
        {
            message = message.replace(password, "***");
        }
        StoreError::Unavailable(format!("{}: {}", self.url, message.trim_end()))
    }

    fn set_up(&self, conn: &mut AnyConn) -> QueryResult<()> {
        match conn {
            AnyConn::Sqlite(conn) => {
                // Each a statement of its own, the waiting first: it already governs those that follow.
                conn.batch_execute(&format!("PRAGMA busy_timeout = {}", LOCK_WAIT.as_millis()))?;
                write_ahead(conn)?;
                // A commit that has been answered survives a power cut.
                conn.batch_execute("PRAGMA synchronous = FULL")?;
                conn.batch_execute("PRAGMA foreign_keys = ON")?;
                if self.purpose == Purpose::Read {
                    conn.batch_execute("PRAGMA query_only = ON")?;
                }
                Ok(())
            }
            AnyConn::Postgres(conn) => {
                let (statement, lock) = match self.purpose {
                    Purpose::Read | Purpose::Write => (STATEMENT_WAIT, LOCK_WAIT),
                    Purpose::Migrate => (Duration::ZERO, Duration::ZERO),
                };
                conn.batch_execute(&format!(
                    "SET TIME ZONE 'UTC'; SET statement_timeout = {}; SET lock_timeout = {}; \
                     SET idle_in_transaction_session_timeout = {}",
                    statement.as_millis(),
                    lock.as_millis(),
                    SILENCE.as_millis(),
                ))
            }
        }
    }
}

/// Has the file written ahead, which lets readers and the writer work side by side.
///
/// If others begin the same new file, SQLite says "database is locked" to this one statement at once, whatever its
/// setting for waiting; so the waiting is done here.
fn write_ahead(conn: &mut SqliteConnection) -> QueryResult<()> {
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        match conn.batch_execute("PRAGMA journal_mode = WAL") {
            Err(Error::DatabaseError(_, why)) if why.message() == "database is locked" && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(10));
            }
            done => return done,
        }
    }
}

impl ManageConnection for Manager {
    type Connection = AnyConn;
    type Error = StoreError;

    fn connect(&self) -> Result<AnyConn, StoreError> {
        let mut conn = self.open().map_err(|error| self.scrubbed(&error))?;
        self.set_up(&mut conn).map_err(|error| StoreError::Unavailable(format!("{}: {error}", self.url)))?;
        Ok(conn)
    }

    fn is_valid(&self, conn: &mut AnyConn) -> Result<(), StoreError> {
        conn.ping().map_err(StoreError::from)
    }

    fn has_broken(&self, conn: &mut AnyConn) -> bool {
        conn.is_broken()
    }
}

/// Begins the one transaction that a read or a write is.
///
/// A write on SQLite asks for the lock at once: a transaction that reads first and writes later fails on the spot with
/// "database is locked" when another has written in between, however long it is willing to wait. A read is a snapshot on
/// both, so that a plan's version and what is read after it belong together.
pub(super) fn begin(conn: &mut AnyConn, purpose: Purpose) -> QueryResult<()> {
    match (conn, purpose) {
        (AnyConn::Sqlite(conn), Purpose::Read) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN"),
        (AnyConn::Sqlite(conn), Purpose::Write) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")
        }
        (AnyConn::Sqlite(conn), Purpose::Migrate) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN EXCLUSIVE")
        }
        (AnyConn::Postgres(conn), Purpose::Read) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        }
        (AnyConn::Postgres(conn), Purpose::Write | Purpose::Migrate) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        }
    }
}

/// Begins a step within a transaction: a savepoint, which [`commit`] and [`roll_back`] then end.
pub(super) fn begin_step(conn: &mut AnyConn) -> QueryResult<()> {
    <AnyConn as Connection>::TransactionManager::begin_transaction(conn)
}

pub(super) fn commit(conn: &mut AnyConn) -> QueryResult<()> {
    <AnyConn as Connection>::TransactionManager::commit_transaction(conn)
}

pub(super) fn roll_back(conn: &mut AnyConn) -> QueryResult<()> {
    <AnyConn as Connection>::TransactionManager::rollback_transaction(conn)
}
