//! The change feed, the journal, and webhooks.

pub mod changes;
pub mod webhooks;
