//! Figures and targets: posted one by one or as a file, checked, and what each change moves.

pub(in crate::programme) mod check;
pub mod effects;
pub mod imports;
pub mod readings;
pub mod targets;
