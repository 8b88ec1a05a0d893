//! Grants, tokens, links and clients, and the OAuth endpoints.

pub mod clients;
pub mod grants;
pub mod links;
pub mod oauth;
pub mod tokens;
