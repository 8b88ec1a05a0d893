//! The HTTP room: what a request may say, what an answer looks like, and the document that describes both.
//!
//! A handler is three moves (take apart, one use case, shape the reply) and the doors for them are few:
//! [`extract`] takes a request apart, [`conditional`], [`negotiate`] and [`page`] answer the questions HTTP itself asks,
//! [`problem`] is every error a client can see, and [`mod@resource`] puts a handler under its path. [`middleware`] wraps it
//! all, and [`openapi`] collects what the handlers say about themselves.

pub mod access;
mod app;
pub mod collecting;
pub mod feed;
pub mod gate;
pub mod metrics;
pub mod openapi;
pub mod plan;
pub mod problem;
pub mod reports;
pub mod request;
pub mod resource;
mod routes;
pub mod service;
pub mod settings;
pub mod tables;
pub mod view;

#[cfg(test)]
mod tests;

pub use app::{AppState, configure, documents};
