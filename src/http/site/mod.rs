//! The pages: what people see who look with a browser, served by the same use cases as the API.
//!
//! [`entrance`] wraps every page: it reads the cookie that says who is signed in, and turns what went wrong into a page. A handler is
//! three moves here too: parse, one use case, and a page of [`crate::pages`]. What is under `/v1` never sees the cookie.

mod answer;
pub mod board;
mod editor;
pub mod entrance;
pub mod files;
pub(in crate::http) mod form;
pub mod organisation;
pub mod plain;
pub mod plans;
pub mod returns;
pub mod set_up;
pub mod sign_in;
pub mod tokens;
mod upload;
pub mod visitor;
