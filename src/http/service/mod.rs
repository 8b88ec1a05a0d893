//! The service itself: its health, its documentation and the pages that explain its problems.

pub mod docs;
pub(in crate::http) mod front;
pub mod health;
pub mod problem_pages;
