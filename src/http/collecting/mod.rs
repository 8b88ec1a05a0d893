//! Rounds and returns, and the figures and targets that are reported: one by one, as a file, or in a template.

pub mod imports;
pub mod readings;
pub mod rounds;
pub mod targets;
pub mod templates;
