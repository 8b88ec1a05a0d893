//! The service itself: its health, its documentation and the pages that explain its problems.

pub mod docs;
pub mod health;
pub mod problem_pages;
