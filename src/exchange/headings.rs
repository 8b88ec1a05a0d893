//! The headings that a table may have: which there may and must be, what each is for, and when two are the same.

/// How many rows that hold anything the header may be below.
pub(super) const HEADER_WITHIN: usize = 20;

/// The columns that there may be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headings {
    /// Those that are read.
    pub known: &'static [&'static str],
    /// Those that may be there unread, and why they are not read.
    pub ignored: &'static [(&'static str, &'static str)],
    /// Those that could be one that is read, and what to do about each.
    pub ambiguous: &'static [(&'static str, &'static str)],
    /// Those that there must be.
    pub required: &'static [&'static str],
    /// Those that JSON has a number for.
    pub numbers: &'static [&'static str],
    /// Those that JSON has true or false for.
    pub flags: &'static [&'static str],
    /// Those that JSON has a list of texts for, or one text.
    pub lists: &'static [&'static str],
    /// Those that hold words for people to read.
    pub words: &'static [&'static str],
}

/// A heading as columns are distinguished by it: in small letters, with `_` for blanks and dashes.
pub fn fold(heading: &str) -> String {
    heading.trim_start_matches('\u{feff}').trim().to_lowercase().replace([' ', '-'], "_")
}
