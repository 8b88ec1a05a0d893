//! The HTTP room: what a request may say, what an answer looks like, and the document that describes both.
//!
//! A handler is three moves (take apart, one use case, shape the reply) and the doors for them are few:
//! [`extract`] takes a request apart, [`conditional`], [`negotiate`] and [`page`] answer the questions HTTP itself asks,
//! [`problem`] is every error a client can see, and [`mod@resource`] puts a handler under its path. [`middleware`] wraps it
//! all, and [`openapi`] collects what the handlers say about themselves.

pub mod conditional;
pub mod docs;
pub mod extract;
pub mod health;
mod json;
pub mod middleware;
pub mod negotiate;
pub mod openapi;
pub mod page;
pub mod problem;
pub mod problem_pages;
pub mod resource;
pub mod responses;

#[cfg(test)]
mod tests;

use utoipa_actix_web::service_config::ServiceConfig;

use resource::{Documented, resource};

/// Mounts what the service says about itself: its health, its version, its documents and the pages of its problems.
///
/// The app's data must hold a [`health::Readiness`] and the [`openapi::Documents`].
pub fn service(config: &mut ServiceConfig<'_>) {
    config
        .service(resource!(health::{livez}))
        .service(resource!(health::{readyz}))
        .service(resource!(health::{version}))
        .service(resource!(openapi::{openapi_3_1}))
        .service(resource!(openapi::{openapi_3_0}))
        .service(resource!(problem_pages::{list_problems}))
        .service(resource!(problem_pages::{find_problem}))
        .service(Documented::new("/docs").page(|route| route.to(docs::index)))
        .service(Documented::new("/docs/").page(|route| route.to(docs::index)))
        .service(Documented::new("/docs/{file}").page(|route| route.to(docs::file)));
}
