//! What a request may say, and the questions that HTTP itself asks of it.

pub mod caller;
pub mod conditional;
pub mod extract;
pub(in crate::http) mod form;
pub(in crate::http) mod json;
pub mod negotiate;
pub mod page;
pub mod path;
mod refusal;
