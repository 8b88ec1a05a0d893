//! Waymark: an Integrated Performance Programme as a REST service.

pub mod cli;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod domain;
pub mod exchange;
pub mod http;
pub mod programme;
pub mod store;
pub mod token;
