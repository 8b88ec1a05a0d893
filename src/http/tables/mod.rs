//! Tables: their columns, the packages that describe them, and how they are printed.

pub mod columns;
pub mod packages;
pub mod printed;
pub mod workbooks;
