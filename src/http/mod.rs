//! The HTTP room: what a request may say, what an answer looks like, and the document that describes both.
//!
//! A handler is three moves (take apart, one use case, shape the reply) and the doors for them are few:
//! [`extract`] takes a request apart, [`conditional`], [`negotiate`] and [`page`] answer the questions HTTP itself asks,
//! [`problem`] is every error a client can see, and [`mod@resource`] puts a handler under its path. [`middleware`] wraps it
//! all, and [`openapi`] collects what the handlers say about themselves.

pub mod actions;
mod app;
pub mod auth;
pub mod benchmarks;
pub mod board_reports;
pub mod changes;
pub mod clients;
pub mod conditional;
pub mod definitions;
pub mod deprecation;
pub mod docs;
pub mod embeds;
pub mod extract;
mod front;
pub mod grants;
pub mod health;
pub mod imports;
mod json;
pub mod kpis;
pub mod limit;
pub mod links;
pub mod metrics;
pub mod middleware;
pub mod negotiate;
pub mod oauth;
pub mod once;
pub mod openapi;
pub mod packages;
pub mod page;
pub mod plans;
pub mod printing;
pub mod problem;
pub mod problem_pages;
pub mod readings;
mod refusal;
pub mod reports;
pub mod resource;
pub mod responses;
pub mod rounds;
mod routes;
pub mod settings;
pub mod tables;
pub mod targets;
pub mod templates;
pub mod tokens;
pub mod trials;
pub mod view;
pub mod webhooks;

#[cfg(test)]
mod tests;

pub use app::{AppState, configure, documents};
