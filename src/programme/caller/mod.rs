//! Who asks: the caller with all that was granted to it, and requests that are carried out once.

pub mod once;
pub mod precondition;
pub(crate) mod principal;
