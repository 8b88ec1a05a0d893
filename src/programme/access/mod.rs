//! Who may do what, and what people and systems sign in with.

pub mod clients;
pub mod credentials;
pub mod grants;
pub mod links;
pub mod people;
pub(crate) mod secrets;
pub mod sessions;
pub mod tokens;
