//! What has changed: the journal as it is read, the change feed, and webhooks with their messages.

pub mod changes;
pub mod journal;
pub mod messages;
pub mod webhooks;
