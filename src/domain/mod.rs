//! What the words mean and how a figure becomes a status: pure functions, no I/O, no clock, no database.

pub mod ids;
pub mod invalid;
pub mod number;
pub mod period;
