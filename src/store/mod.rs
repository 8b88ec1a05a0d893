//! What is stored, in SQLite or PostgreSQL. The only room that names Diesel.
//!
//! [`Store::read`] and [`Store::write`] are the only doors. Each runs its work in one transaction on a thread that may
//! block, after a queue: a read sees one moment of the database, a write commits when its work gives `Ok` and leaves no
//! trace otherwise. Inside, the functions of [`plans`], [`definitions`], [`targets`], [`readings`] and [`grants`] read,
//! [`journal::record`] writes, and [`verify::verify`] looks for what was not written here. What belongs to no plan's journal
//! is written by [`credentials`], [`grants`], [`people`] and [`reminders`], each with an entry of the [`service_journal`].
//!
//! Everything in a plan is stored revision by revision, and every change is one journal entry: the last one's sequence
//! number is the plan's version, and what was known at any earlier version is still there to be read.

pub mod answers;
mod backend;
pub mod board_reports;
pub mod credentials;
pub mod definitions;
mod error;
pub mod granting;
pub mod grants;
pub mod journal;
pub mod kinds;
mod migrations;
pub mod people;
pub mod plan_creation;
pub mod plans;
pub mod readings;
pub mod reminders;
pub mod removals;
mod schema;
pub mod seal;
pub mod service_journal;
pub mod targets;
mod types;
mod url;
pub mod verify;
pub mod webhooks;

use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use diesel::QueryResult;
use diesel::connection::SimpleConnection;
use diesel::r2d2::{HandleError, ManageConnection, Pool, PooledConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use backend::{AnyConn, Manager, Purpose};
pub use error::{Conflict, StoreError};
use migrations::Direction;
pub use types::new_id;
pub use url::{DatabaseUrl, DatabaseUrlError};

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Connections: SQLite's readers, to which one writer is added; all of PostgreSQL's. At least 1.
    pub connections: u32,
    /// How long a call waits for its turn before it fails because the store is busy.
    pub patience: Duration,
    /// Whether an SQLite file that does not exist is made. Only for commands that are meant to begin a database.
    pub create: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { connections: 8, patience: Duration::from_secs(3), create: false }
    }
}

/// The database. Clones share its connections.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    url: DatabaseUrl,
    manager: Manager,
    readers: Lane,
    writers: Lane,
    patience: Duration,
    /// The one transaction that every read and write of this store is a step of; `None` if each is its own.
    whole: Option<Whole>,
}

/// A transaction that is held over many reads and writes, with its turn; `None` once it has ended.
type Whole = Mutex<Option<(Conn, OwnedSemaphorePermit)>>;

/// Connections and the queue for them: anyone who holds a permit finds a connection free.
#[derive(Clone)]
struct Lane {
    purpose: Purpose,
    queue: Arc<Semaphore>,
    pool: Pool<Manager>,
}

/// How much of a lane to the database is in use.
#[derive(Clone, Copy, Debug)]
pub struct LaneUse {
    /// What it is for: `read`, `write` or `both`.
    pub name: &'static str,
    /// Turns in use.
    pub in_use: usize,
    /// Turns that there are.
    pub all: usize,
}

/// How long a call that has its turn waits for a connection that must first be opened.
const CONNECT_WAIT: Duration = Duration::from_secs(3);

impl Lane {
    fn new(manager: Manager, purpose: Purpose, size: u32, tested: bool) -> Self {
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .test_on_check_out(tested)
            .connection_timeout(CONNECT_WAIT)
            .error_handler(Box::new(LogError))
            .build_unchecked(manager);
        let permits = usize::try_from(size).unwrap_or(1);
        Self { purpose, queue: Arc::new(Semaphore::new(permits)), pool }
    }

    /// Does `work` in one transaction of this lane.
    fn run(&self, _turn: OwnedSemaphorePermit, work: &mut Work<'_>) -> Result<(), StoreError> {
        self.begin()?.settle(work)
    }

    /// A connection with a transaction begun.
    fn begin(&self) -> Result<Conn, StoreError> {
        // A permit is held, so what is missing is not a free connection but the database.
        let any = self.pool.get().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let mut conn = Conn { any, failed: false };
        backend::begin(&mut conn.any, self.purpose).map_err(StoreError::from)?;
        Ok(conn)
    }
}

/// The work of a call, whatever it gives: it leaves that in a place of its own, and says whether it is to be committed. All that
/// goes on around it is compiled once for this type, and not once per call.
type Work<'a> = dyn FnMut(&mut Conn) -> bool + 'a;

/// Work that leaves what it gives in a place.
fn work_into<T, E>(
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
    mut place: impl FnMut(Result<T, E>),
) -> impl FnMut(&mut Conn) -> bool {
    let mut work = Some(work);
    move |conn| {
        let Some(work) = work.take() else { return false };
        let outcome = work(conn);
        let is_good = outcome.is_ok();
        place(outcome);
        is_good
    }
}

/// Many reads and writes in one transaction. Dropped without [`Transaction::commit`], it leaves no trace.
pub struct Transaction {
    store: Store,
}

impl Transaction {
    /// The store within the transaction: each write that fails is undone by itself, and the others stay.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Keeps everything that was written.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the database was lost while it was asked to commit.
    pub async fn commit(self) -> Result<(), StoreError> {
        let Some((mut conn, turn)) = self.take() else {
            return Err(StoreError::Unavailable("the transaction has ended".into()));
        };
        let committed = tokio::task::spawn_blocking(move || {
            let committed = backend::commit(&mut conn.any).map_err(StoreError::from);
            drop((conn, turn));
            committed
        });
        committed.await.unwrap_or_else(|_stopped| Err(StoreError::stopping()))
    }

    fn take(&self) -> Option<(Conn, OwnedSemaphorePermit)> {
        self.store.0.whole.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some((mut conn, _turn)) = self.take() {
            conn.undo();
        }
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    words.unwrap_or("it did not say why").to_owned()
}

#[derive(Debug)]
struct LogError;

impl HandleError<StoreError> for LogError {
    fn handle_error(&self, error: StoreError) {
        tracing::warn!(%error, "a database connection failed");
    }
}

impl Store {
    /// Opens the database and tries one connection, so that what is wrong is said now. Changes no tables: see
    /// [`Store::migrate`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], with the reason and without the password.
    pub fn open(url: &DatabaseUrl, options: &StoreOptions) -> Result<Self, StoreError> {
        let size = options.connections.max(1);
        let manager = Manager::new(url.clone(), Purpose::Write, options.create);
        drop(manager.connect()?);
        let (readers, writers) = if url.sqlite_path().is_some() {
            (
                Lane::new(manager.for_purpose(Purpose::Read), Purpose::Read, size, false),
                Lane::new(manager.clone(), Purpose::Write, 1, false),
            )
        } else {
            let both = Lane::new(manager.clone(), Purpose::Write, size, true);
            (Lane { purpose: Purpose::Read, ..both.clone() }, both)
        };
        let (url, patience, whole) = (url.clone(), options.patience, None);
        Ok(Self(Arc::new(Inner { url, manager, readers, writers, patience, whole })))
    }

    /// Begins one transaction for many reads and writes: all of them are saved by [`Transaction::commit`], or none is.
    /// Other writers wait for it: on SQLite all of them, on PostgreSQL those who want the same rows.
    ///
    /// # Errors
    /// [`StoreError::Busy`] and [`StoreError::Unavailable`], as for a write; the latter too if this store is such a
    /// transaction itself.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        if self.0.whole.is_some() {
            return Err(StoreError::Unavailable("a transaction does not begin within another".into()));
        }
        let waiting = tokio::time::timeout(self.0.patience, Arc::clone(&self.0.writers.queue).acquire_owned());
        let Ok(Ok(turn)) = waiting.await else { return Err(StoreError::Busy) };
        let lane = self.0.writers.clone();
        let begun = tokio::task::spawn_blocking(move || lane.begin()).await;
        let conn = begun.unwrap_or_else(|_stopped| Err(StoreError::stopping()))?;
        let Inner { url, manager, readers, writers, patience, .. } = &*self.0;
        let inner = Inner {
            url: url.clone(),
            manager: manager.clone(),
            readers: readers.clone(),
            writers: writers.clone(),
            patience: *patience,
            whole: Some(Mutex::new(Some((conn, turn)))),
        };
        Ok(Transaction { store: Self(Arc::new(inner)) })
    }

    /// Where the database is.
    pub fn url(&self) -> &DatabaseUrl {
        &self.0.url
    }

    /// How much of each lane to the database is in use at this moment.
    pub fn lanes(&self) -> impl Iterator<Item = LaneUse> {
        let Inner { readers, writers, .. } = &*self.0;
        // PostgreSQL has one lane for both.
        let one = Arc::ptr_eq(&readers.queue, &writers.queue);
        let lanes = if one { vec![("both", writers)] } else { vec![("read", readers), ("write", writers)] };
        lanes.into_iter().map(|(name, lane)| {
            let all = usize::try_from(lane.pool.max_size()).unwrap_or(usize::MAX);
            LaneUse { name, in_use: all.saturating_sub(lane.queue.available_permits()), all }
        })
    }

    /// Runs `work` on one moment of the database. It cannot write.
    ///
    /// # Errors
    /// What `work` gives; [`StoreError::Busy`] if the queue is too long; [`StoreError::Unavailable`] if the database
    /// cannot be reached.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.on_a_thread(&self.0.readers, work).await
    }

    /// [`Store::read`] for a few rows that are found by their keys. On SQLite, if a connection is free, such a read is
    /// over sooner than it could be handed to another thread; there it is done on this one.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn look_up<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        if self.0.whole.is_none()
            && self.0.url.sqlite_path().is_some()
            && let Ok(turn) = Arc::clone(&self.0.readers.queue).try_acquire_owned()
        {
            return given(work, |work| self.0.readers.run(turn, work));
        }
        self.read(work).await
    }

    /// Runs `work` in one transaction, and commits it when `work` gives `Ok`. A caller that goes away does not stop it.
    ///
    /// # Errors
    /// What `work` gives; [`StoreError::Busy`] if the queue is too long or another process keeps the database;
    /// [`StoreError::Unavailable`] if the database cannot be reached, or was lost while it was asked to commit, which
    /// leaves open whether it did.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Write<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.on_a_thread(&self.0.writers, |conn| work(&mut Write(conn))).await
    }

    async fn on_a_thread<T, E, F>(&self, lane: &Lane, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let place = Arc::new(Mutex::new(None));
        let given = Arc::clone(&place);
        let work = work_into(work, move |outcome| {
            *given.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        });
        self.hand_over(lane, Box::new(work)).await?;
        let outcome = place.lock().unwrap_or_else(PoisonError::into_inner).take();
        outcome.unwrap_or_else(|| Err(StoreError::stopping().into()))
    }

    /// Has `work` done on a thread that may block, when it is its turn.
    async fn hand_over(
        &self,
        lane: &Lane,
        mut work: Box<dyn FnMut(&mut Conn) -> bool + Send>,
    ) -> Result<(), StoreError> {
        let done = if self.0.whole.is_some() {
            let store = self.clone();
            tokio::task::spawn_blocking(move || store.step(&mut *work)).await
        } else {
            let waiting = tokio::time::timeout(self.0.patience, Arc::clone(&lane.queue).acquire_owned());
            let Ok(Ok(turn)) = waiting.await else { return Err(StoreError::Busy) };
            let lane = lane.clone();
            // The turn goes along: were the caller to give up, the connection would still be in use.
            tokio::task::spawn_blocking(move || lane.run(turn, &mut *work)).await
        };
        done.unwrap_or_else(|_stopped| Err(StoreError::stopping()))
    }

    /// [`Store::read`] for a thread that may block.
    pub fn read_blocking<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Conn) -> Result<T, E>,
        E: From<StoreError>,
    {
        self.on_this_thread(&self.0.readers, work)
    }

    /// [`Store::write`] for a thread that may block.
    pub fn write_blocking<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Write<'_>) -> Result<T, E>,
        E: From<StoreError>,
    {
        self.on_this_thread(&self.0.writers, |conn| work(&mut Write(conn)))
    }

    fn on_this_thread<T, E, F>(&self, lane: &Lane, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Conn) -> Result<T, E>,
        E: From<StoreError>,
    {
        given(work, |work| {
            if self.0.whole.is_some() {
                return self.step(work);
            }
            let turn = wait_until(Instant::now() + self.0.patience, Arc::clone(&lane.queue).acquire_owned());
            let Some(Ok(turn)) = turn else { return Err(StoreError::Busy) };
            lane.run(turn, work)
        })
    }

    /// Does `work` as a step of the one transaction that this store is.
    fn step(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        let ended = || StoreError::Unavailable("the transaction has ended".into());
        let whole = self.0.whole.as_ref().ok_or_else(ended)?;
        let mut whole = whole.lock().unwrap_or_else(PoisonError::into_inner);
        let (conn, _turn) = whole.as_mut().ok_or_else(ended)?;
        backend::begin_step(&mut conn.any).map_err(StoreError::from)?;
        let outcome = conn.settle(work);
        // What failed was undone with its step.
        conn.failed = false;
        outcome
    }

    /// Whether the database answers and has the tables that this program knows.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it does not.
    pub async fn ready(&self) -> Result<(), StoreError> {
        let pending = self
            .read(|conn| {
                conn.run(|any| {
                    any.batch_execute("SELECT 1")?;
                    migrations::pending(any)
                })
            })
            .await?;
        if pending.is_empty() {
            return Ok(());
        }
        Err(StoreError::Unavailable(format!("its tables are not up to date: {} pending", pending.join(", "))))
    }

    /// The steps that this program has and the database's tables do not have, by name. Blocks.
    pub fn pending(&self) -> Result<Vec<String>, StoreError> {
        self.read_blocking(|conn| conn.run(migrations::pending))
    }

    /// Brings the tables up to date, and gives the versions of the steps done. Blocks; waits for another process that
    /// is doing the same.
    pub fn migrate(&self) -> Result<Vec<String>, StoreError> {
        migrations::migrate(&self.0.manager, Direction::Up)
    }

    /// Removes all tables, with everything in them: for tests of the steps back. Blocks.
    pub fn revert_all(&self) -> Result<Vec<String>, StoreError> {
        migrations::migrate(&self.0.manager, Direction::Down)
    }
}

/// What `work` gives if it is done by `done`.
fn given<T, E: From<StoreError>>(
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
    done: impl FnOnce(&mut Work<'_>) -> Result<(), StoreError>,
) -> Result<T, E> {
    let mut outcome = None;
    done(&mut work_into(work, |given| outcome = Some(given)))?;
    outcome.unwrap_or_else(|| Err(StoreError::stopping().into()))
}

/// A connection within its transaction, handed to the work of a read.
pub struct Conn {
    any: PooledConnection<Manager>,
    /// Whether a statement failed. PostgreSQL would answer COMMIT with a silent ROLLBACK then, and SQLite would keep
    /// half a change: such a transaction never commits, even if the work passes over the error.
    failed: bool,
}

impl Conn {
    /// Does `work`, and commits what it wrote in the innermost transaction if it says so.
    fn settle(&mut self, work: &mut Work<'_>) -> Result<(), StoreError> {
        let outcome = match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(true) if self.failed => Err(StoreError::Database("the work went on after a failure".into())),
            Ok(true) => return backend::commit(&mut self.any).map_err(StoreError::from),
            Ok(false) => Ok(()),
            Err(panic) => Err(StoreError::Panicked(words_of(&*panic))),
        };
        self.undo();
        outcome
    }

    fn undo(&mut self) {
        if let Err(lost) = backend::roll_back(&mut self.any) {
            // Its connection is not used again, and the database rolls back by itself.
            tracing::warn!(error = %lost, "a transaction could not be rolled back");
        }
    }

    /// Runs statements, and remembers if one failed.
    fn run<T>(&mut self, statements: impl FnOnce(&mut AnyConn) -> QueryResult<T>) -> Result<T, StoreError> {
        statements(&mut self.any).map_err(|error| self.failed(error.into()))
    }

    /// Marks the transaction as one that does not commit.
    fn failed(&mut self, error: StoreError) -> StoreError {
        self.failed = true;
        error
    }
}

/// A connection within its transaction, handed to the work of a write. Reads as a [`Conn`] does.
pub struct Write<'a>(&'a mut Conn);

impl Deref for Write<'_> {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.0
    }
}

impl DerefMut for Write<'_> {
    fn deref_mut(&mut self) -> &mut Conn {
        self.0
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits on this thread for a future that needs no runtime; `None` when the deadline passes first.
fn wait_until<F: Future>(deadline: Instant, future: F) -> Option<F::Output> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}
