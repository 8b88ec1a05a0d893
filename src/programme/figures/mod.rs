//! Figures and targets: posted one by one or as a file, checked, and what each change moves.

mod cells;
pub(crate) mod check;
pub mod columns;
pub mod effects;
pub mod imports;
pub mod outcome;
pub mod readings;
pub mod targets;

pub use cells::typed_figure;
