//! The sheet that lists the mistakes in a workbook that goes back to its sender, and where the table is that they are
//! in.

use std::fs::File;

/// What the sheet that lists the mistakes is called, and what is at its top.
pub(super) const LIST_SHEET: &str = "Mistakes";
pub(super) const LIST_TITLE: &str = "What was found";
/// The columns of the list, heading and width in characters, and the row of the headings.
pub(super) const LIST_HEADER: u64 = 4;
pub(super) const LIST_COLUMNS: [(&str, u32); 5] =
    [("Cell", 10), ("Row", 8), ("Column", 18), ("What was found and what to do", 90), ("Code", 26)];

/// Where in a workbook the table is.
#[derive(Debug)]
pub struct Origin {
    /// The workbook as it was sent.
    pub file: File,
    /// The name of the table's sheet.
    pub name: String,
    /// The part that holds that sheet.
    pub path: String,
    /// The id by which the sheet refers to the boxes of its comments.
    pub drawing: Option<String>,
    /// The part of a sheet that lists the mistakes of an earlier time.
    pub list: Option<String>,
}
