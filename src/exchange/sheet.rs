//! A table with a header row, from a CSV file or a workbook, read one row at a time in bounded memory, every fault at its cell.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read, Seek};
use std::rc::Rc;
use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8};
use serde::Serialize;

use super::cells::{Cells, Row, name_of};
use super::dialect::{Decoded, Dialect, SEPARATORS, encoding_of};
use super::headings::{HEADER_WITHIN, Headings, fold};
use super::items::{Item, ItemFaultKind, ItemRows, Items};
use super::table::unguarded;
use super::workbook::{CellFault, CellKind, Workbook};
use crate::domain::document::escape;
use crate::domain::invalid::Violation;
use crate::domain::warning::{Warning, WarningCode};
use crate::domain::wording::counted;
use crate::domain::wording::nearest;

/// The most bytes that one row may take: a quotation mark that is never closed must not swallow the file.
const MOST_ROW_BYTES: u64 = 1 << 20;

/// A table as it was sent.
pub enum Upload {
    /// A CSV file.
    Csv(CsvFile),
    /// A workbook, read into memory.
    Workbook(Arc<Workbook>),
    /// Items of JSON.
    Items(Items),
}

/// A CSV file, and how it is written.
#[derive(Debug)]
pub struct CsvFile {
    file: File,
    /// Found out when it is read, if it is not known yet.
    dialect: Option<Dialect>,
}

impl From<File> for Upload {
    fn from(file: File) -> Self {
        Self::Csv(CsvFile { file, dialect: None })
    }
}

impl Upload {
    /// A CSV file, in the encoding that its sender declares, if any.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn csv(file: File, declared: Option<&'static Encoding>, headings: Headings) -> io::Result<Self> {
        let dialect = Some(dialect_of(&file, declared, headings)?);
        Ok(Self::Csv(CsvFile { file, dialect }))
    }

    /// The table from its beginning.
    ///
    /// # Errors
    /// The outer one if the file cannot be read, the inner one everything that is wrong with the header.
    pub fn sheet(&self, headings: Headings) -> io::Result<Result<Sheet<BufReader<&File>>, Vec<Violation>>> {
        match self {
            Self::Csv(CsvFile { file, dialect }) => {
                let dialect = dialect.map_or_else(|| dialect_of(file, None, headings), Ok)?;
                let mut file = file;
                file.rewind()?;
                Ok(Sheet::open_as(BufReader::new(file), dialect, headings))
            }
            Self::Workbook(book) => Ok(Sheet::of_workbook(Arc::clone(book), headings)),
            Self::Items(items) => {
                let columns = Columns::of_items(headings);
                let (rows, faults) = (Rows::Items(items.rows()?), items.faults().to_vec());
                Ok(Ok(Sheet { rows, columns, faults, notices: Vec::new() }))
            }
        }
    }

    /// Every cell as it was sent; `None` of what is no table, and if there are more rows than `most_rows`, or more in
    /// them than a sheet or [`Cells`] takes. Rows that are no text are left out.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn as_sent(&self, most_rows: usize) -> io::Result<Option<Cow<'_, Cells>>> {
        let few = |cells: &Cells| cells.row_count() <= most_rows;
        let (mut file, dialect) = match self {
            Self::Workbook(book) => return Ok(Some(book.cells().0).filter(|cells| few(cells)).map(Cow::Borrowed)),
            Self::Items(_) => return Ok(None),
            Self::Csv(CsvFile { file, dialect }) => (file, dialect.unwrap_or_default()),
        };
        file.rewind()?;
        let mut sent = Cells::default();
        let mut rows = CsvRows::new(BufReader::new(file), dialect);
        while let Some(read) = rows.advance() {
            match read {
                Ok(()) => {}
                Err(fault) if fault.last => break,
                Err(_no_text) => continue,
            }
            for (column, words) in rows.record.cells().enumerate().filter(|(_, words)| !words.is_empty()) {
                if sent.push(rows.number, column, words, None).is_err() {
                    return Ok(None);
                }
            }
            if !few(&sent) {
                return Ok(None);
            }
        }
        Ok(Some(Cow::Owned(sent)))
    }

    /// The same table once more.
    ///
    /// # Errors
    /// If the file cannot be opened again.
    pub fn again(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Csv(CsvFile { file, dialect }) => Self::Csv(CsvFile { file: file.try_clone()?, dialect: *dialect }),
            Self::Workbook(book) => Self::Workbook(Arc::clone(book)),
            Self::Items(items) => Self::Items(items.again()?),
        })
    }
}

/// A table whose header was read.
pub struct Sheet<R> {
    rows: Rows<R>,
    columns: Columns,
    /// What is wrong with the table before its rows are gone through.
    faults: Vec<Violation>,
    /// How it was read, if that is not a matter of course.
    notices: Vec<Warning>,
}

/// Where the rows come from.
enum Rows<R> {
    Csv(Box<CsvRows<R>>),
    Workbook {
        book: Arc<Workbook>,
        /// Which of its rows is next.
        next: usize,
    },
    Items(ItemRows<R>),
}

/// The columns of a table, in its order.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// For each the known column it is, if any.
    known: Vec<Option<&'static str>>,
    /// For each its heading in small letters.
    headings: Vec<String>,
    /// Whether one of them is no column that there may be.
    has_unknown: bool,
    /// Whether they are the members of items.
    of_items: bool,
    /// Those that are not read.
    ignored: Vec<IgnoredColumn>,
    /// Those that hold words for people to read.
    words: &'static [&'static str],
}

/// A column that is not read.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct IgnoredColumn {
    /// Its heading.
    pub column: &'static str,
    /// Why it is not read.
    pub why: &'static str,
    #[serde(skip)]
    place: usize,
}

impl Columns {
    /// The columns that are not read.
    pub fn ignored(&self) -> &[IgnoredColumn] {
        &self.ignored
    }

    /// Whether there is a column with this heading, read or not.
    pub fn has(&self, heading: &str) -> bool {
        self.headings.iter().any(|known| known == heading)
    }

    fn of_items(headings: Headings) -> Self {
        let known = headings.known.iter();
        Self {
            known: known.clone().map(|column| Some(*column)).collect(),
            headings: known.map(|column| (*column).to_owned()).collect(),
            has_unknown: false,
            of_items: true,
            ignored: Vec::new(),
            words: headings.words,
        }
    }

    /// What a row is called.
    pub fn row_name(&self, number: u64) -> String {
        if self.of_items { format!("/items/{number}") } else { format!("row {number}") }
    }

    /// A fault in a row with its place as the sender knows it: the cell of a table, the pointer of JSON.
    pub fn placed(&self, fault: Violation) -> Violation {
        match (fault.row, &fault.column) {
            (Some(row), column) if self.of_items => {
                let member = column.as_deref().map(|column| format!("/{}", escape(column))).unwrap_or_default();
                let pointer = fault.pointer.or_else(|| Some(format!("/items/{row}{member}")));
                Violation { pointer, row: None, column: None, cell: None, ..fault }
            }
            (Some(row), Some(column)) if fault.cell.is_none() => {
                Violation { cell: self.cell_name(row, column), ..fault }
            }
            _ => fault,
        }
    }

    /// A warning about a row with its place as the sender knows it: the cell of a table, the pointer of JSON.
    pub fn placed_warning(&self, warning: Warning) -> Warning {
        let Some(row) = warning.row else { return warning };
        if self.of_items {
            return Warning { row: None, ..warning.in_body(&format!("/items/{row}")) };
        }
        let named = warning.column.as_deref().and_then(|column| self.cell_name(row, column));
        Warning { cell: warning.cell.clone().or(named), ..warning }
    }

    /// The name of a cell as a spreadsheet gives it, such as `D7`; `None` if there is no such column.
    pub fn cell_name(&self, row: u64, heading: &str) -> Option<String> {
        let place = self.headings.iter().position(|known| *known == fold(heading))?;
        Some(name_of((row, place)))
    }

    /// What a column is to hold.
    fn kind_of(&self, column: &str) -> CellKind {
        if self.words.contains(&column) { CellKind::Words } else { CellKind::Data }
    }

    /// How many columns there are up to the last that has a heading.
    fn width(&self) -> usize {
        self.headings.iter().rposition(|heading| !heading.is_empty()).map_or(0, |last| last + 1)
    }
}

/// One row of a sheet.
pub struct SheetRow<'a> {
    /// The row as a spreadsheet numbers it; of items its place, from 0.
    pub number: u64,
    columns: &'a Columns,
    cells: RowCells<'a>,
}

/// What a row holds.
enum RowCells<'a> {
    Csv(&'a Record),
    Workbook(Row<'a>, &'a Workbook),
    Item(&'a Item),
}

impl SheetRow<'_> {
    /// The text of a cell without the blanks around it; `None` if it is empty or cannot be read, or the file has no
    /// such column.
    pub fn cell(&self, column: &str) -> Option<&str> {
        self.raw(column).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The trimmed cell under a heading, whether its column is read or skipped; `None` if it is empty.
    pub fn under(&self, heading: &str) -> Option<&str> {
        let place = self.columns.headings.iter().position(|known| known == heading)?;
        self.raw_at(place, heading).map(str::trim).filter(|text| !text.is_empty())
    }

    /// Whether the row says something of a column, be it that its cell is empty: the file has the column; the item has the
    /// member.
    pub fn gives(&self, column: &str) -> bool {
        let Some(place) = self.columns.known.iter().position(|known| *known == Some(column)) else { return false };
        match &self.cells {
            RowCells::Csv(_) | RowCells::Workbook(..) => true,
            RowCells::Item(item) => item.cells.get(place).is_some_and(Option::is_some),
        }
    }

    /// The words in a cell to the last blank, as they were before a table kept them from being run as a formula; `None`
    /// if there are only blanks.
    pub fn text(&self, column: &str) -> Option<&str> {
        let text = self.raw(column).filter(|text| !text.trim().is_empty())?;
        Some(match &self.cells {
            RowCells::Csv(_) => unguarded(text),
            RowCells::Workbook(..) | RowCells::Item(_) => text,
        })
    }

    fn raw(&self, column: &str) -> Option<&str> {
        self.raw_at(self.columns.known.iter().position(|known| *known == Some(column))?, column)
    }

    fn raw_at(&self, place: usize, column: &str) -> Option<&str> {
        match &self.cells {
            RowCells::Csv(record) => record.get(place).filter(|_| record.misquoted_at(place).is_none()),
            RowCells::Workbook(row, _) => {
                row.get(place).filter(|_| CellFault::of(row, place, self.columns.kind_of(column)).is_none())
            }
            RowCells::Item(item) => item.cells.get(place).and_then(Option::as_deref),
        }
    }

    /// What is in the columns that are not read: the heading of each, and its text without the blanks around it.
    pub fn ignored(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let text = |place| match &self.cells {
            RowCells::Csv(record) => record.get(place),
            RowCells::Workbook(row, _) => row.get(place),
            RowCells::Item(_) => None,
        };
        let cells = self.columns.ignored.iter().filter_map(move |ignored| Some((ignored.column, text(ignored.place)?)));
        cells.map(|(column, text)| (column, text.trim())).filter(|(_, text)| !text.is_empty())
    }

    /// Whether the number in a cell is shown as a percentage by the format of the cell.
    pub fn is_percent_cell(&self, column: &str) -> bool {
        matches!(self.cells, RowCells::Workbook(..)) && self.cell(column).is_some_and(|text| text.ends_with('%'))
    }

    /// Whether a spreadsheet does not show the row.
    pub fn is_hidden(&self) -> bool {
        matches!(&self.cells, RowCells::Workbook(row, _) if row.hidden)
    }

    /// Whether none of these columns holds anything.
    pub fn lacks(&self, columns: impl IntoIterator<Item = &'static str>) -> bool {
        columns.into_iter().all(|column| self.cell(column).is_none()) && self.faults().is_empty()
    }

    /// The cells that cannot be read at all, for the rest of the row they are empty; and those of which nobody can know
    /// what they are, since their column has no heading.
    pub fn faults(&self) -> Vec<Violation> {
        let mut faults = match &self.cells {
            RowCells::Csv(record) => record.misquoted.iter().map(|misquoted| self.misquoted(misquoted)).collect(),
            RowCells::Workbook(row, _) => {
                let known = self.columns.known.iter().enumerate();
                let known = known.filter_map(|(place, column)| Some((place, (*column)?)));
                let fault = |place, column| CellFault::of(row, place, self.columns.kind_of(column));
                let faulty = known.filter_map(|(place, column)| Some((column, fault(place, column)?)));
                faulty
                    .map(|(column, fault)| Violation::in_cell(self.number, Some(column), fault.code, fault.detail))
                    .collect::<Vec<_>>()
            }
            RowCells::Item(item) => item.faults.iter().map(|fault| fault.violation(self.number)).collect(),
        };
        match &self.cells {
            RowCells::Item(_) => {}
            RowCells::Csv(record) => faults.extend(self.without_heading(record.cells().enumerate())),
            RowCells::Workbook(row, _) => {
                let shown = |(place, words)| (place, row.unreadable(place).map_or(words, |(_, shown)| shown));
                faults.extend(self.without_heading(row.cells().map(shown)));
            }
        }
        faults
    }

    /// The columns of which it is unknown what they say in this row, since cells were merged.
    pub fn unknown(&self) -> Vec<&'static str> {
        let RowCells::Workbook(_, book) = &self.cells else { return Vec::new() };
        let hidden = book.hidden_by_merges(self.number);
        hidden.filter_map(|place| self.columns.known.get(place).copied().flatten()).collect()
    }

    /// Whether what belongs into a column may be in one that has another name.
    pub fn may_be_misnamed(&self, column: &str) -> bool {
        match &self.cells {
            RowCells::Item(item) => {
                self.cell(column).is_none() && item.faults.iter().any(|fault| fault.kind == ItemFaultKind::Unknown)
            }
            _ => self.columns.has_unknown && !self.columns.has(column),
        }
    }

    /// Whether it is empty.
    fn is_blank(&self) -> bool {
        match &self.cells {
            RowCells::Csv(record) => record.is_blank(),
            RowCells::Workbook(row, _) => row.cells().all(|(_, cell)| cell.trim().is_empty()),
            // Anyone who sends an item means something by it.
            RowCells::Item(_) => false,
        }
    }

    fn misquoted(&self, (place, how): &(usize, Misquoted)) -> Violation {
        let (code, detail) = match how {
            Misquoted::NotClosed => (
                "quotation_not_closed",
                "the quotation mark that begins this cell is never closed, so all rows below it became part of the cell; close it, or remove it",
            ),
            Misquoted::GoesOn => (
                "text_after_quotation",
                "the cell begins with a quotation mark, and goes on behind the one that closes it; put quotation marks around the whole cell, and write those within it twice",
            ),
        };
        let column = self.columns.headings.get(*place).filter(|heading| !heading.is_empty());
        let fault = Violation::in_cell(self.number, column.map(String::as_str), code, detail);
        Violation { cell: Some(name_of((self.number, *place))), ..fault }
    }

    fn without_heading<'s>(
        &'s self,
        cells: impl Iterator<Item = (usize, &'s str)> + 's,
    ) -> impl Iterator<Item = Violation> + 's {
        let has_heading = |place: usize| self.columns.headings.get(place).is_some_and(|heading| !heading.is_empty());
        let stray = cells.filter(move |(place, words)| !has_heading(*place) && !words.trim().is_empty());
        stray.map(|(place, words)| {
            let shown: String = words.trim().chars().take(MOST_SHOWN).collect();
            let detail = format!(
                "`{shown}` is in a column without a heading, so that what it means is unknown; give the column a heading, or clear the cell"
            );
            let fault = Violation::in_cell(self.number, None, "column_without_heading", detail);
            Violation { cell: Some(name_of((self.number, place))), ..fault }
        })
    }
}

/// How much of a cell is shown if nobody can know what it is.
const MOST_SHOWN: usize = 60;

impl<R: BufRead> Sheet<R> {
    /// Reads the header of a CSV file in UTF-8 with commas between its cells: the first row that holds anything.
    ///
    /// # Errors
    /// Everything that is wrong with the header, if no row can be read by it.
    pub fn open(file: R, headings: Headings) -> Result<Self, Vec<Violation>> {
        Self::open_as(file, Dialect::default(), headings)
    }

    /// Reads the header of a CSV file that is written in a certain way.
    ///
    /// # Errors
    /// Everything that is wrong with the header, if no row can be read by it.
    pub fn open_as(file: R, dialect: Dialect, headings: Headings) -> Result<Self, Vec<Violation>> {
        let mut rows = CsvRows::new(file, dialect);
        let mut above = Vec::new();
        loop {
            let read = rows.advance();
            let is_above = dialect.header.is_some_and(|header| rows.number < header);
            match read {
                Some(Ok(())) if rows.record.is_blank() => {}
                Some(Ok(())) if is_above => above.extend(rows.record.holds_several().then_some(rows.number)),
                Some(Ok(())) => break,
                Some(Err(fault)) if is_above && !fault.last => {}
                None => return Err(vec![empty(headings)]),
                Some(Err(fault)) => return Err(vec![fault.violation]),
            }
        }
        let (columns, faults) = read_header(rows.record.cells(), rows.number, headings)?;
        let header = SheetRow { number: rows.number, columns: &columns, cells: RowCells::Csv(&rows.record) };
        let misquoted: Vec<_> = rows.record.misquoted.iter().map(|misquoted| header.misquoted(misquoted)).collect();
        if !misquoted.is_empty() {
            return Err(misquoted);
        }
        let notices = read_as(dialect).into_iter().chain(rows_above(&above, rows.number)).collect();
        Ok(Self { rows: Rows::Csv(Box::new(rows)), columns, faults, notices })
    }

    /// Reads the header of a workbook's table.
    ///
    /// # Errors
    /// Everything that is wrong with the header, if no row can be read by it.
    pub fn of_workbook(book: Arc<Workbook>, headings: Headings) -> Result<Self, Vec<Violation>> {
        let (cells, header) = book.cells();
        let Some(row) = cells.row(header) else { return Err(vec![empty(headings)]) };
        let read = read_header(row.all(), row.number, headings);
        let (columns, mut faults) = read.map_err(|mut faults| {
            faults.extend_from_slice(book.faults());
            faults
        })?;
        faults.extend_from_slice(book.faults());
        let above = cells.rows().take(header).filter(|row| several(row.cells().map(|(_, words)| words)));
        let above: Vec<u64> = above.map(|row| row.number).collect();
        let hidden = columns.known.iter().enumerate().filter_map(|(place, column)| {
            let column = (*column).filter(|_| book.hides_column(place))?;
            let detail = "the column is hidden in the workbook, and was read; show it, and look at what it holds";
            Some(Warning::in_row(row.number, Some(column), WarningCode::HiddenColumn, detail))
        });
        let notices = rows_above(&above, row.number).into_iter().chain(hidden).collect();
        Ok(Self { rows: Rows::Workbook { book, next: header + 1 }, columns, faults, notices })
    }

    /// The columns of the table.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// What is wrong with the table before its rows are gone through, each by itself.
    pub fn faults(&self) -> &[Violation] {
        &self.faults
    }

    /// How the table was read, if that is not a matter of course, each at its row.
    pub fn notices(&self) -> &[Warning] {
        &self.notices
    }

    /// The next row that is not blank.
    ///
    /// # Errors
    /// What is wrong with the row as a row; the next call goes on behind it, except if the file itself cannot be read
    /// on.
    #[expect(clippy::should_implement_trait, reason = "a row borrows the sheet, which an iterator's item cannot")]
    pub fn next(&mut self) -> Option<Result<SheetRow<'_>, SheetFault>> {
        let columns = &self.columns;
        match &mut self.rows {
            Rows::Csv(rows) => rows.next(columns),
            Rows::Items(rows) => Some(match rows.advance()? {
                Ok(number) => match rows.item.faults.first().filter(|_| rows.item.last) {
                    Some(fault) => Err(SheetFault { violation: fault.violation(number), last: true }),
                    None => Ok(SheetRow { number, columns, cells: RowCells::Item(&rows.item) }),
                },
                Err(error) => Err(SheetFault { violation: unreadable(0, &error), last: true }),
            }),
            Rows::Workbook { book, next } => loop {
                let row = book.cells().0.row(*next)?;
                *next += 1;
                let row = SheetRow { number: row.number, columns, cells: RowCells::Workbook(row, book) };
                if !row.is_blank() || !row.faults().is_empty() {
                    return Some(Ok(row));
                }
            },
        }
    }
}

/// The rows of a CSV file.
struct CsvRows<R> {
    csv: csv::Reader<Watched<Terminated<Decoded<R>>>>,
    dialect: Dialect,
    ration: Rc<Cell<u64>>,
    quotes: Rc<RefCell<Quotes>>,
    /// Line ends inside cells so far: what sets the row a spreadsheet shows apart from the line in the file.
    inner_lines: u64,
    /// The row that was read last, as a spreadsheet numbers it: whatever is one row, however many lines.
    number: u64,
    record: Record,
}

/// A file with a line end behind it: the last row counts as a line whether or not the file ends with one.
type Terminated<R> = Chain<R, Cursor<&'static [u8]>>;

/// The cells of a row.
#[derive(Default)]
struct Record {
    cells: csv::StringRecord,
    /// The places of those whose quotation marks are wrong.
    misquoted: Vec<(usize, Misquoted)>,
}

impl Record {
    fn get(&self, place: usize) -> Option<&str> {
        self.cells.get(place)
    }

    fn cells(&self) -> impl Iterator<Item = &str> {
        self.cells.iter()
    }

    fn is_blank(&self) -> bool {
        self.cells().all(|cell| cell.trim().is_empty())
    }

    fn holds_several(&self) -> bool {
        several(self.cells())
    }

    fn misquoted_at(&self, place: usize) -> Option<Misquoted> {
        self.misquoted.iter().find(|(misquoted, _)| *misquoted == place).map(|(_, how)| *how)
    }

    /// Whether the marks are so wrong that it is unclear which cell is which.
    fn is_torn(&self, width: usize) -> bool {
        let unclosed = self.misquoted.iter().any(|(_, how)| *how == Misquoted::NotClosed);
        unclosed || (!self.misquoted.is_empty() && (line_ends(&self.cells) > 0 || self.cells.len() < width))
    }
}

fn line_ends(record: &csv::StringRecord) -> u64 {
    let ends = record.iter().map(|cell| cell.bytes().filter(|byte| *byte == b'\n').count()).sum::<usize>();
    u64::try_from(ends).unwrap_or(0)
}

/// What is wrong with the quotation marks around a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Misquoted {
    /// There is no second one up to the end of the file.
    NotClosed,
    /// Something is behind the second one.
    GoesOn,
}

/// Where quotation marks are wrong, which the reader of the rows lets pass: it takes whatever comes.
struct Quotes {
    /// What is between cells.
    separator: u8,
    /// The bytes so far, how many of them are before the row, and the cells before this one in it.
    at: u64,
    begins: u64,
    cell: usize,
    within: Within,
    /// Where each row that something is wrong in begins, the cell, and what it is.
    wrong: Vec<(u64, usize, Misquoted)>,
}

/// Where in a cell a byte is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Within {
    #[default]
    Start,
    Plain,
    Quoted,
    /// Behind a quotation mark, which ends the quotation or is the first of two.
    Closed,
    /// Behind the quotation and a blank.
    Behind,
}

impl Quotes {
    fn new(separator: u8) -> Self {
        Self { separator, at: 0, begins: 0, cell: 0, within: Within::default(), wrong: Vec::new() }
    }

    /// Whether the next byte is within quotation marks, if it is part of a cell whatever it is.
    fn quotes(&self) -> bool {
        self.within == Within::Quoted
    }

    fn pass(&mut self, byte: u8) {
        self.at += 1;
        self.within = match (self.within, byte) {
            (Within::Quoted, b'"') => Within::Closed,
            (Within::Quoted, _) | (Within::Closed | Within::Start, b'"') => Within::Quoted,
            (_, byte) if byte == self.separator => {
                self.cell += 1;
                Within::Start
            }
            (_, b'\n') => {
                (self.begins, self.cell) = (self.at, 0);
                Within::Start
            }
            // A mark of the encoding is before the first cell.
            (Within::Start, b'\xEF' | b'\xBB' | b'\xBF') if self.at <= 3 => Within::Start,
            // Blanks behind a cell are skipped.
            (Within::Closed | Within::Behind, b' ' | b'\t') => Within::Behind,
            (Within::Closed | Within::Behind, _) => {
                self.wrong.push((self.begins, self.cell, Misquoted::GoesOn));
                Within::Plain
            }
            (Within::Start | Within::Plain, _) => Within::Plain,
        };
    }

    fn end(&mut self) {
        if self.within == Within::Quoted {
            self.wrong.push((self.begins, self.cell, Misquoted::NotClosed));
            self.within = Within::Start;
        }
    }

    /// What is wrong in the rows up to a place in the file, which is then forgotten.
    fn up_to(&mut self, place: u64) -> Vec<(usize, Misquoted)> {
        let (here, behind): (Vec<_>, Vec<_>) = self.wrong.drain(..).partition(|(begins, ..)| *begins < place);
        self.wrong = behind;
        here.into_iter().map(|(_, cell, how)| (cell, how)).collect()
    }
}

/// Input that is handed out only while the ration lasts, every line end between rows as LF, and whose quotation marks are
/// watched. A line is counted where it ends, and of CR LF the reader would count the end only when it begins the next. Within
/// quotation marks a line end is part of a text, and stays as it is.
struct Watched<R> {
    input: R,
    ration: Rc<Cell<u64>>,
    quotes: Rc<RefCell<Quotes>>,
    after_cr: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.ration.get();
            if left == 0 {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            let count = self.input.read(buffer)?;
            self.ration.set(left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX)));
            let kept = self.pass(buffer.get_mut(..count).unwrap_or_default());
            if count == 0 {
                self.quotes.borrow_mut().end();
            }
            // Nothing kept of something read is not yet the end.
            if kept > 0 || count == 0 {
                return Ok(kept);
            }
        }
    }
}

impl<R> Watched<R> {
    /// Unifies line ends between rows, watches the quotation marks, and says how many bytes are left.
    fn pass(&mut self, bytes: &mut [u8]) -> usize {
        let mut quotes = self.quotes.borrow_mut();
        let mut kept = 0;
        for place in 0..bytes.len() {
            let Some(read) = bytes.get(place).copied() else { break };
            let is_text = quotes.quotes();
            let second_of_two = read == b'\n' && self.after_cr && !is_text;
            self.after_cr = read == b'\r' && !is_text;
            if second_of_two {
                continue;
            }
            let byte = if self.after_cr { b'\n' } else { read };
            if let Some(slot) = bytes.get_mut(kept) {
                *slot = byte;
                kept += 1;
            }
            quotes.pass(byte);
        }
        kept
    }
}

impl<R: BufRead> CsvRows<R> {
    fn new(file: R, dialect: Dialect) -> Self {
        let ration = Rc::new(Cell::new(MOST_ROW_BYTES));
        let quotes = Rc::new(RefCell::new(Quotes::new(dialect.separator)));
        let input = Watched {
            input: Decoded::new(file, dialect.encoding).chain(Cursor::new(&b"\n"[..])),
            ration: Rc::clone(&ration),
            quotes: Rc::clone(&quotes),
            after_cr: false,
        };
        let mut builder = csv::ReaderBuilder::new();
        let csv = builder.has_headers(false).flexible(true).delimiter(dialect.separator).from_reader(input);
        Self { csv, dialect, ration, quotes, inner_lines: 0, number: 0, record: Record::default() }
    }

    /// Goes on to the next row, whatever is in it.
    fn advance(&mut self) -> Option<Result<(), SheetFault>> {
        self.ration.set(MOST_ROW_BYTES);
        let begins = self.csv.position().line().saturating_sub(self.inner_lines).max(1);
        let read = self.csv.read_record(&mut self.record.cells);
        if let Ok(true) = read {
            self.inner_lines += line_ends(&self.record.cells);
        }
        self.record.misquoted = self.quotes.borrow_mut().up_to(self.csv.position().byte());
        // The line that a row ends with has been counted, but for a row whose quotation took in all there was.
        let ended = !self.record.misquoted.iter().any(|(_, how)| *how == Misquoted::NotClosed);
        self.number = self.csv.position().line().saturating_sub(u64::from(ended) + self.inner_lines).max(1);
        match read {
            Ok(false) => None,
            Err(error) => {
                let (violation, last) = match error.kind() {
                    csv::ErrorKind::Utf8 { .. } => {
                        let detail = if self.dialect.encoding == UTF_8 {
                            "the row is not UTF-8; save the file as CSV UTF-8".to_owned()
                        } else {
                            let name = self.dialect.encoding.name();
                            format!("the row is not the {name} that the file is in; save the file as CSV UTF-8")
                        };
                        (Violation::in_cell(self.number, None, "not_utf8", detail), false)
                    }
                    // A row that does not end has not been counted.
                    csv::ErrorKind::Io(error) => (unreadable(begins, error), true),
                    _ => (unreadable(begins, &io::ErrorKind::InvalidData.into()), true),
                };
                Some(Err(SheetFault { violation, last }))
            }
            Ok(true) => Some(Ok(())),
        }
    }

    fn next<'a>(&'a mut self, columns: &'a Columns) -> Option<Result<SheetRow<'a>, SheetFault>> {
        loop {
            if let Err(fault) = self.advance()? {
                return Some(Err(fault));
            }
            let row = SheetRow { number: self.number, columns, cells: RowCells::Csv(&self.record) };
            if row.is_blank() {
                continue;
            }
            let (cells, wanted) = (self.record.cells.len(), columns.width());
            if let Some(misquoted) = self.record.misquoted.first().filter(|_| self.record.is_torn(wanted)) {
                return Some(Err(SheetFault { violation: row.misquoted(misquoted), last: false }));
            }
            let spilled = self.record.cells().skip(columns.headings.len()).any(|cell| !cell.trim().is_empty());
            if cells < wanted || spilled {
                let separator = self.dialect.separator_words();
                let hint = format!("; a cell that holds a {separator} needs quotation marks around it");
                let hint = if spilled { hint.as_str() } else { "" };
                let (cells, wanted) = (counted(cells, "cell", "cells"), counted(wanted, "column", "columns"));
                let detail = format!("the row has {cells} and the header names {wanted}{hint}");
                let violation = Violation::in_cell(self.number, None, "wrong_number_of_cells", detail);
                return Some(Err(SheetFault { violation, last: false }));
            }
            // The row once more, since none may leave a loop that was borrowed before its end.
            return Some(Ok(SheetRow { number: self.number, columns, cells: RowCells::Csv(&self.record) }));
        }
    }
}

/// Whether more than one of some cells holds anything, as those of a table do and titles do not.
fn several<'a>(cells: impl Iterator<Item = &'a str>) -> bool {
    cells.filter(|cell| !cell.trim().is_empty()).count() > 1
}

/// How a CSV file is written: where its header is, the first row near the top that has all the headings which there
/// must be; if none has, the one that has the most of those that there may be.
///
/// # Errors
/// If the file cannot be read.
fn dialect_of(mut file: &File, declared: Option<&'static Encoding>, headings: Headings) -> io::Result<Dialect> {
    let encoding = encoding_of(file, declared)?;
    let (mut header, mut likeliest): (Option<Dialect>, _) = (None, (0, Dialect { encoding, ..Dialect::default() }));
    for separator in SEPARATORS {
        file.rewind()?;
        let mut rows = CsvRows::new(BufReader::new(file), Dialect { encoding, separator, header: None });
        let mut looked_at = 0;
        while looked_at < HEADER_WITHIN {
            match rows.advance() {
                None => break,
                Some(Err(fault)) if fault.last => break,
                Some(Err(_)) => {}
                Some(Ok(())) if rows.record.is_blank() => continue,
                Some(Ok(())) => {
                    let found = Dialect { encoding, separator, header: Some(rows.number) };
                    let folded: Vec<String> = rows.record.cells().map(fold).collect();
                    let has = |heading: &&&str| folded.iter().any(|cell| cell == **heading);
                    if headings.required.iter().all(|heading| has(&heading)) {
                        let is_first = header.is_none_or(|header| rows.number < header.header.unwrap_or(u64::MAX));
                        header = if is_first { Some(found) } else { header };
                        break;
                    }
                    let known = headings.known.iter().filter(has).count();
                    likeliest = if known > likeliest.0 { (known, found) } else { likeliest };
                }
            }
            looked_at += 1;
        }
    }
    Ok(header.unwrap_or(likeliest.1))
}

/// That a file was read otherwise than as UTF-8 with commas.
fn read_as(dialect: Dialect) -> Option<Warning> {
    let encoding = (dialect.encoding != UTF_8).then(|| format!("in the encoding {}", dialect.encoding.name()));
    let separator = dialect.separator_words();
    let separator = (dialect.separator != b',').then(|| format!("with a {separator} between its cells"));
    let how: Vec<String> = encoding.into_iter().chain(separator).collect();
    let detail = format!(
        "the file was read {}; if letters or columns look wrong, save it as CSV UTF-8 and send it again",
        how.join(" and ")
    );
    (!how.is_empty()).then(|| Warning::of_file(WarningCode::ReadAs, detail))
}

/// That rows above the header, which hold more than a title, were not read.
fn rows_above(rows: &[u64], header: u64) -> Option<Warning> {
    let (first, last) = (rows.first()?, rows.last()?);
    let which = if first == last { format!("row {first}") } else { format!("rows {first} to {last}") };
    let detail = format!("the header was found in row {header}; what is above it, in {which}, was not read");
    Some(Warning::in_row(*first, None, WarningCode::ReadAs, detail))
}

fn empty(headings: Headings) -> Violation {
    let detail = format!("the file is empty; its first row names the columns: {}", headings.known.join(","));
    Violation::in_cell(1, None, "empty_file", detail)
}

/// What is wrong with a row as a row.
pub struct SheetFault {
    /// The fault.
    pub violation: Violation,
    /// Whether nothing can be read behind it.
    pub last: bool,
}

/// Reads the header that is in `row`: the columns, and what is wrong with them. A column without a heading is none;
/// what is in it is reported where it is.
///
/// # Errors
/// Everything that is wrong, if a column is missing without which no row can be read.
fn read_header<'a>(
    header: impl Iterator<Item = &'a str>,
    row: u64,
    wanted: Headings,
) -> Result<(Columns, Vec<Violation>), Vec<Violation>> {
    let Headings { known, ignored, ambiguous, required, .. } = wanted;
    let mut faults = Vec::new();
    let mut columns = Columns { words: wanted.words, ..Columns::default() };
    for (place, name) in header.enumerate() {
        let name = name.trim_start_matches('\u{feff}').trim();
        let folded = fold(name);
        let column = known.iter().copied().find(|column| *column == folded);
        let named = |columns: &'static [(&'static str, &'static str)]| columns.iter().find(|(name, _)| *name == folded);
        let mut fault = |code, detail| {
            let fault = Violation::in_cell(row, Some(column.unwrap_or(name)), code, detail);
            faults.push(Violation { cell: Some(name_of((row, place))), ..fault });
        };
        if let Some(column) = column.filter(|column| columns.known.contains(&Some(*column))) {
            let first = columns.cell_name(row, column).unwrap_or_default();
            fault("named_twice", format!("the column `{column}` exists already, in {first}; delete one of the two"));
        } else if let Some((_, advice)) = named(ambiguous) {
            columns.has_unknown = true;
            fault("ambiguous_column", format!("`{name}` could be the column that is read: {advice}"));
        } else if let Some((column, why)) = named(ignored).filter(|_| column.is_none()) {
            columns.ignored.push(IgnoredColumn { column, why, place });
        } else if column.is_none() && !name.is_empty() {
            let hint = match nearest(&folded, known.iter().copied()) {
                Some(near) => format!("; did you mean `{near}`?"),
                None => format!("; the columns are {}", known.join(",")),
            };
            columns.has_unknown = true;
            fault("unknown_column", format!("`{name}` is not a column here{hint}"));
        }
        columns.known.push(column);
        columns.headings.push(folded);
    }
    let missing: Vec<_> = required.iter().filter(|column| !columns.known.contains(&Some(**column))).collect();
    let readable = missing.is_empty();
    for column in missing {
        let detail = format!("the column `{column}` must be there");
        faults.push(Violation::in_cell(row, Some(column), "missing_column", detail));
    }
    if readable { Ok((columns, faults)) } else { Err(faults) }
}

fn unreadable(row: u64, error: &io::Error) -> Violation {
    if error.kind() == io::ErrorKind::FileTooLarge {
        let detail = "the row is longer than 1 MiB; is a quotation mark left open?";
        Violation::in_cell(row, None, "row_too_long", detail)
    } else {
        Violation::in_cell(row, None, "unreadable", "the file cannot be read on from here")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADINGS: Headings = Headings {
        known: &["kpi", "period", "value"],
        ignored: &[("colour", "it says nothing")],
        ambiguous: &[("figure", "call it `value`")],
        required: &["kpi"],
        numbers: &["value"],
        flags: &[],
        lists: &[],
        words: &["commentary"],
    };

    /// A row's number, its KPI and its value; or where and what its fault is.
    type Seen = Result<(u64, Option<String>, Option<String>), (Option<u64>, &'static str)>;

    fn rows(text: &str) -> Vec<Seen> {
        let mut sheet = Sheet::open(text.as_bytes(), HEADINGS).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = sheet.next() {
            let last = row.as_ref().is_err_and(|fault| fault.last);
            rows.push(match row {
                Ok(row) => Ok((row.number, row.cell("kpi").map(str::to_owned), row.cell("value").map(str::to_owned))),
                Err(fault) => Err((fault.violation.row, fault.violation.code)),
            });
            if last {
                break;
            }
        }
        rows
    }

    #[expect(clippy::unnecessary_wraps, reason = "it stands in a list with faults")]
    fn row(number: u64, kpi: &str, value: &str) -> Seen {
        Ok((number, Some(kpi.into()), Some(value.into()).filter(|value: &String| !value.is_empty())))
    }

    #[test]
    fn rows_are_numbered_as_a_spreadsheet_numbers_them() {
        let text = "\u{feff}KPI,Value,Colour\r\na,1,red\r\n\r\n,,\r\n\"b\nb\", 2 ,\r\nc,,";
        assert_eq!(rows(text), [row(2, "a", "1"), row(5, "b\nb", "2"), row(6, "c", "")]);
    }

    #[test]
    fn a_row_of_the_wrong_length_is_told() {
        assert_eq!(
            rows("kpi,value\na\nb,1,234\nc,3,\n"),
            [Err((Some(2), "wrong_number_of_cells")), Err((Some(3), "wrong_number_of_cells")), row(4, "c", "3")]
        );
    }

    #[test]
    fn everything_wrong_with_a_header_is_told_at_once() {
        let codes = |text: &str| {
            let headings = Headings { required: &["kpi", "period"], ..HEADINGS };
            let faults = match Sheet::open(text.as_bytes(), headings) {
                Ok(sheet) => sheet.faults,
                Err(faults) => faults,
            };
            faults.into_iter().map(|fault| (fault.code, fault.column.unwrap_or_default())).collect::<Vec<_>>()
        };
        assert_eq!(
            codes("value,valeu,value\n"),
            [
                ("unknown_column", "valeu".to_owned()),
                ("named_twice", "value".to_owned()),
                ("missing_column", "kpi".to_owned()),
                ("missing_column", "period".to_owned()),
            ]
        );
        assert_eq!(codes("")[0].0, "empty_file");
    }

    fn sent(bytes: &[u8], declared: Option<&str>) -> Upload {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, bytes).unwrap();
        let declared = declared.and_then(crate::dialect::encoding_named);
        Upload::csv(file, declared, Headings { required: &["kpi", "period"], ..HEADINGS }).unwrap()
    }

    /// The rows of a file, and how it was read.
    fn read(upload: &Upload) -> (Vec<String>, Vec<(Option<u64>, &'static str)>) {
        let mut sheet = upload.sheet(Headings { required: &["kpi", "period"], ..HEADINGS }).unwrap().unwrap();
        let notices = sheet.notices().iter().map(|notice| (notice.row, notice.code.as_str())).collect();
        let mut rows = Vec::new();
        while let Some(Ok(row)) = sheet.next() {
            let cells = ["kpi", "period", "value"].map(|column| row.cell(column).unwrap_or_default());
            rows.push(format!("{} {}", row.number, cells.join("|")));
        }
        (rows, notices)
    }

    #[test]
    fn a_header_is_found_below_a_title_and_whatever_separates_its_cells() {
        let title = "Return, of \"the\" group\n\n";
        for (file, rows, notices) in [
            ("kpi,period,value\na,b,1\n".to_owned(), "2 a|b|1", vec![]),
            (format!("{title}kpi,period,value\na,b,1\n"), "4 a|b|1", vec![(Some(1), "read_as")]),
            ("Return;;\n;;\nkpi;period;value\na;b;\"1;5\"\n".to_owned(), "4 a|b|1;5", vec![(None, "read_as")]),
            ("kpi\tperiod\tvalue\na\t\"b\tc\"\t1,5\n".to_owned(), "2 a|b\tc|1,5", vec![(None, "read_as")]),
            (
                "Period;2009/10\nkpi;period\na;b\nkpi;period\n".to_owned(),
                "3 a|b|",
                vec![(None, "read_as"), (Some(1), "read_as")],
            ),
            ("\u{feff}Return\r\nkpi,period,value\r\na,b,1\r\n".to_owned(), "3 a|b|1", vec![]),
        ] {
            let (read, told) = read(&sent(file.as_bytes(), None));
            assert_eq!((read[0].as_str(), told), (rows, notices), "{file}");
        }
        let deep = "Title\n".repeat(HEADER_WITHIN) + "kpi,period\na,b\n";
        let headings = Headings { required: &["kpi", "period"], ..HEADINGS };
        assert_eq!(sent(deep.as_bytes(), None).sheet(headings).unwrap().err().unwrap()[0].code, "unknown_column");
        // If no row has all that there must be, what is reported is about the likeliest.
        let wrong = sent(b"Our figures\nkpi;perod;value\n", None).sheet(headings).unwrap().err().unwrap();
        let told: Vec<_> = wrong.iter().map(|fault| (fault.row.unwrap(), fault.code)).collect();
        assert_eq!(told, [(2, "unknown_column"), (2, "missing_column")]);
    }

    #[test]
    fn a_file_in_another_encoding_is_read_and_said_to_be() {
        let table = "kpi,period,value\r\n\u{e9},\"b\",1\r\n";
        let utf_16: Vec<u8> = table.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [utf_16.clone(), [b"\xFF\xFE".to_vec(), utf_16].concat()] {
            let (rows, notices) = read(&sent(&bytes, None));
            assert_eq!((rows, notices), (vec!["2 \u{e9}|b|1".to_owned()], vec![(None, "read_as")]));
        }
        let latin = table.replace('\u{e9}', "").into_bytes();
        let at = latin.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let latin = [&latin[..at], b"\xE9", &latin[at..]].concat();
        assert_eq!(read(&sent(&latin, None)).0, ["2 \u{e9}|b|1"]);
        // Said to be UTF-8, it is not taken for anything else.
        assert!(read(&sent(&latin, Some("utf-8"))).0.is_empty());
        assert_eq!(read(&sent(table.as_bytes(), Some("utf-8"))).1, []);
    }

    #[test]
    fn words_come_back_to_the_last_blank() {
        let headings = Headings { known: &["kpi", "commentary"], ..HEADINGS };
        let text = "kpi,commentary\r\na,\"  two\r\nlines\rand \"\r\nb,  \r\nc,\u{a0}x \r\nd,'=1\r\n";
        let mut sheet = Sheet::open(text.as_bytes(), headings).unwrap();
        let mut words = Vec::new();
        while let Some(row) = sheet.next() {
            let row = row.ok().unwrap();
            words.push((row.number, row.text("commentary").map(str::to_owned)));
        }
        let said = |text: &str| Some(text.to_owned());
        let wanted = [(2, said("  two\r\nlines\rand ")), (3, None), (4, said("\u{a0}x ")), (5, said("=1"))];
        assert_eq!(words, wanted);
    }

    #[test]
    fn columns_that_are_not_read_are_listed_and_those_that_could_be_meant_refused() {
        let sheet = Sheet::open(&b"kpi,value,Colour,figure\na,1,red,2\n"[..], HEADINGS).unwrap();
        let ignored: Vec<_> = sheet.columns().ignored().iter().map(|ignored| (ignored.column, ignored.why)).collect();
        assert_eq!(ignored, [("colour", "it says nothing")]);
        let faults: Vec<_> = sheet.faults().iter().map(|fault| (fault.cell.clone().unwrap(), fault.code)).collect();
        assert_eq!(faults, [("D1".to_owned(), "ambiguous_column")]);
    }

    #[test]
    fn a_quotation_mark_left_open_does_not_swallow_the_file() {
        let text = format!("kpi,value\na,\"{}", "x".repeat(3 << 20));
        assert_eq!(rows(&text), [Err((Some(2), "row_too_long"))]);
        let text = format!("kpi,value\n\"a\na\",1\nb,\"{}", "x\n".repeat(1 << 20));
        assert_eq!(rows(&text), [row(2, "a\na", "1"), Err((Some(3), "row_too_long"))]);
    }

    #[test]
    fn bytes_that_are_no_text_are_told_and_passed() {
        let mut sheet = Sheet::open(&b"kpi,value\n\xff,1\nb,2\n"[..], HEADINGS).unwrap();
        assert_eq!(sheet.next().unwrap().err().unwrap().violation.code, "not_utf8");
        assert_eq!(sheet.next().unwrap().ok().unwrap().cell("kpi"), Some("b"));
    }

    #[test]
    fn quotation_marks_that_are_wrong_are_told_at_their_cell() {
        let told = |text: &str| {
            let mut sheet = Sheet::open(text.as_bytes(), HEADINGS).unwrap();
            let mut told = Vec::new();
            while let Some(row) = sheet.next() {
                let faults = row.map_or_else(|fault| vec![fault.violation], |row| row.faults());
                told.extend(faults.into_iter().map(|fault| (fault.cell.unwrap_or_default(), fault.code)));
            }
            told
        };
        let at = |cell: &str, code| (cell.to_owned(), code);
        assert_eq!(told("kpi,value\n\"a\"\"b\" ,\"1\"\nb\"c,1\n"), []);
        assert_eq!(told("kpi,value\na,1\nb,\"2\nc,3\nd,4\n"), [at("B3", "quotation_not_closed")]);
        assert_eq!(
            told("kpi,value\n\"a\" b,1\nc,\"2\" x\n"),
            [at("A2", "text_after_quotation"), at("B3", "text_after_quotation")]
        );
        let marked = "\u{feff}\"kpi\",value\r\n\r\n\"a\",1\r\n\"b\"c,2\r\n";
        assert_eq!(told(marked), [at("A4", "text_after_quotation")]);
        // What opens in one row and is closed by the next: of that row nothing is known but that.
        assert_eq!(told("kpi,value\na,\"1\nb,\"2\"\nc,3\n"), [at("B2", "text_after_quotation")]);
        assert_eq!(
            told("kpi,,value,\na,,1,\nb,x,2,\nc,,3,y\n"),
            [at("B3", "column_without_heading"), at("D4", "column_without_heading")]
        );
    }
}
