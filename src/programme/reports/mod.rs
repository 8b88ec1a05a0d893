//! Reports: how the KPIs are doing, the exceptions, what is done about them, and what is frozen for the Board.

pub mod actions;
pub mod board_reports;
pub mod exceptions;
pub mod groups;
pub mod policy_trial;
pub mod status_report;
