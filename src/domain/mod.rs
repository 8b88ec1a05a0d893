//! What the words mean and how a figure becomes a status: pure functions, no I/O, no clock, no database.
//!
//! The doors: [`assess::assess`] gives a status, [`target::find_target`] the target of a period, [`travel`] the
//! direction, [`rollup`] the counts and headlines, [`access`] what a caller may do.

pub mod access;
pub mod action;
pub mod advice;
pub mod assess;
pub mod benchmark;
pub mod board_report;
pub mod check;
pub mod contradiction;
pub mod dimension;
pub mod disclosure;
pub mod document;
pub mod exception;
pub mod forecast;
pub mod gap;
pub mod ids;
pub mod invalid;
pub mod kpi;
pub mod movement;
pub mod names;
pub mod number;
pub mod observed;
pub mod parts;
pub mod period;
pub mod plan;
pub mod policy;
pub mod precision;
pub mod reading;
#[cfg(test)]
mod reference;
pub mod rollup;
pub mod round;
pub mod scale;
pub mod target;
pub mod travel;
pub mod warning;
pub mod webhook;
pub mod wording;
