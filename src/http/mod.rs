//! The HTTP room: what a request may say, what an answer looks like, and the document that describes both.
//!
//! A handler is three moves (parse, one use case, build the reply). [`request`] parses a request and answers the
//! questions that HTTP itself asks, [`problem`] is every error a client can see, and [`mod@resource`] puts a handler
//! under its path. [`gate`] is what every request passes, and [`openapi`] collects what the handlers say about
//! themselves. The handlers are in rooms of their own: [`plan`], [`collecting`], [`reports`], [`access`], [`feed`],
//! [`tables`] and [`service`]; those of pages for people are in [`site`].

pub mod access;
mod app;
pub mod collecting;
mod credentials;
pub mod feed;
pub mod gate;
pub mod metrics;
pub mod openapi;
pub mod plan;
pub mod problem;
pub mod reports;
pub mod request;
mod request_id;
pub mod resource;
mod routes;
pub mod service;
pub mod settings;
pub mod site;
pub mod tables;
pub mod view;

#[cfg(test)]
mod tests;

pub use app::{AppState, configure, documents};
