//! Who may do what, and what they come in with: grants, and tokens, links and clients with their secrets.

pub mod credentials;
pub mod grants;
