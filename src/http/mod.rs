//! The HTTP room: what a request may say, what an answer looks like, and the document that describes both.
//!
//! A handler is three moves (take apart, one use case, shape the reply) and the doors for them are few:
//! [`extract`] takes a request apart, [`conditional`], [`negotiate`] and [`page`] answer the questions HTTP itself asks,
//! [`problem`] is every error a client can see, and [`mod@resource`] puts a handler under its path. [`middleware`] wraps it
//! all, and [`openapi`] collects what the handlers say about themselves.

pub mod conditional;
pub mod extract;
mod json;
pub mod middleware;
pub mod negotiate;
pub mod page;
pub mod problem;
pub mod resource;
pub mod responses;
