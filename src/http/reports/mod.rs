//! What is reported to the Board and to partners: statuses, exceptions, actions, benchmarks, board reports and pictures.

pub mod actions;
pub mod benchmarks;
pub mod board_reports;
pub mod pictures;
pub mod status;
