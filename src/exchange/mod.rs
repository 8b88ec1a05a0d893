//! Reading and writing files. No rule of the programme is known here: only cells, columns and rows.

pub mod archive;
pub mod cells;
pub mod dialect;
pub mod headings;
pub mod items;
pub mod marking;
pub mod measure;
mod mistakes_sheet;
pub mod package;
pub mod sheet;
pub mod spool;
pub mod spreadsheet;
pub mod table;
pub mod workbook;

use waymark_domain as domain;
