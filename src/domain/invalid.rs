//! What is wrong with an input: one [`Violation`] a fault, and [`Invalid`], the collector of all of them.
//!
//! A parser pushes every violation it finds and hands the whole list back, so that a person corrects a form or a file
//! once.

use serde::Serialize;

use super::wording::clipped;

/// One thing that is wrong, where it is, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(description = "One thing that is wrong, and where.")]
pub struct Violation {
    /// Where in the JSON body, as an RFC 6901 pointer; null if the fault is in no body.
    #[schema(required, example = "/title")]
    pub pointer: Option<String>,
    /// Which line of a file, the header being line 1; null outside files.
    #[schema(required)]
    pub row: Option<u64>,
    /// Which column of a file, or which query parameter; null in a JSON body.
    #[schema(required)]
    pub column: Option<String>,
    /// What a spreadsheet calls the cell of a file, such as D7; null if no one cell is to blame.
    #[schema(required)]
    pub cell: Option<String>,
    /// A stable, machine-readable name for what is wrong. More may be added.
    #[schema(example = "empty")]
    pub code: &'static str,
    /// A sentence for a person: what is wrong and what to do.
    #[schema(example = "A title must not be empty.")]
    pub detail: String,
}

impl Violation {
    /// A fault in a JSON body at `pointer` (RFC 6901, empty for the whole body).
    pub fn at(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = clipped(detail.into());
        Self { pointer: Some(pointer.into()), row: None, column: None, cell: None, code, detail }
    }

    /// A fault in the query parameter `name`.
    pub fn in_query(name: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = clipped(detail.into());
        Self { pointer: None, row: None, column: Some(name.into()), cell: None, code, detail }
    }

    /// A fault in a file: line `row` (the header is line 1) and the column's name, if one cell is to blame.
    pub fn in_cell(row: u64, column: Option<&str>, code: &'static str, detail: impl Into<String>) -> Self {
        let (column, detail) = (column.map(str::to_owned), clipped(detail.into()));
        Self { pointer: None, row: Some(row), column, cell: None, code, detail }
    }
}

/// All that is wrong with one input; empty while nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invalid(Vec<Violation>);

impl Invalid {
    /// A collector with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes one violation.
    pub fn push(&mut self, violation: Violation) {
        self.0.push(violation);
    }

    /// Notes a fault at `pointer` in a JSON body.
    pub fn at(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.push(Violation::at(pointer, code, detail));
    }

    /// Takes over everything that another collector holds.
    pub fn extend(&mut self, other: Invalid) {
        self.0.extend(other.0);
    }

    /// The same, found in a part of a body: every pointer goes on from `pointer`.
    #[must_use]
    pub fn beneath(self, pointer: &str) -> Self {
        let under = |inner: Option<String>| Some(format!("{pointer}{}", inner.unwrap_or_default()));
        Self(self.0.into_iter().map(|fault| Violation { pointer: under(fault.pointer), ..fault }).collect())
    }

    /// Whether nothing was found wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Everything found, in the order of finding.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.0
    }

    /// Gives up the list.
    #[must_use]
    pub fn into_violations(self) -> Vec<Violation> {
        self.0
    }

    /// `Ok(value)` if nothing is wrong, else everything that is.
    ///
    /// # Errors
    /// `self`, if it holds any violation.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Violation> for Invalid {
    fn from(violation: Violation) -> Self {
        Self(vec![violation])
    }
}
