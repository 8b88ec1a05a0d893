//! The id of the request being answered, for whatever is made deep inside and names it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

tokio::task_local! {
    /// Set by [`crate::http::gate::envelope`] for as long as it has a request answered.
    pub(in crate::http) static REQUEST_ID: String;
}

/// The id of the request being answered; `None` outside of one, and in threads that a request's work is handed to.
pub(super) fn request_id() -> Option<String> {
    REQUEST_ID.try_with(Clone::clone).ok()
}

/// Work for a request that goes on elsewhere, by the request's name.
pub(in crate::http) async fn named<F: Future>(id: Option<String>, work: F) -> F::Output {
    match id {
        Some(id) => REQUEST_ID.scope(id, work).await,
        None => work.await,
    }
}

/// The request being answered as a URN, as a problem's `instance`; `urn:request:none` outside of one.
pub(super) fn instance() -> String {
    /// All that may not be in a URN as it is.
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');
    let id = request_id().unwrap_or_else(|| "none".to_owned());
    format!("urn:request:{}", utf8_percent_encode(&id, ENCODED))
}
