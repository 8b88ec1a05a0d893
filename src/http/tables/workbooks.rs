//! Work that takes memory and time, aside from the threads that answer requests: a few workbooks are written at a time.

use tokio::sync::Semaphore;

use crate::http::problem::Problem;

/// How many workbooks are written at a time. A reader of a report does not wait for somebody's long import: reading workbooks
/// has turns of its own. Nobody who has a turn in one of the two waits for the other, so that none waits for ever.
static WRITTEN: Semaphore = Semaphore::const_new(2);

/// Writes a workbook in its turn.
pub(in crate::http) async fn with_workbook<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let turn = WRITTEN.acquire().await.map_err(|error| Problem::internal(&error))?;
    // The work goes on when the caller has gone, and so must the turn.
    aside(move || (work(), turn)).await.map(|(written, _turn)| written)
}

/// Does work that may block on a thread of its own.
pub(in crate::http) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))
}
