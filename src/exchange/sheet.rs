//! A table with a header row, from a CSV file or a workbook, read one row at a time in bounded memory, every fault at its cell.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read, Seek};
use std::rc::Rc;
use std::sync::Arc;

use super::cells::{Cells, Row, name_of};
use super::items::{Item, ItemFaultKind, ItemRows, Items};
use super::table::unguarded;
use super::workbook::{CellFault, Workbook};
use crate::domain::document::escape;
use crate::domain::invalid::{Violation, nearest};
use crate::domain::warning::Warning;

/// The most bytes that one row may take: a quotation mark that is never closed must not swallow the file.
const MOST_ROW_BYTES: u64 = 1 << 20;

/// A table as it was sent.
pub enum Upload {
    /// A CSV file.
    Csv(File),
    /// A workbook, read into memory.
    Workbook(Arc<Workbook>),
    /// Items of JSON.
    Items(Items),
}

impl From<File> for Upload {
    fn from(file: File) -> Self {
        Self::Csv(file)
    }
}

impl Upload {
    /// The table from its beginning.
    ///
    /// # Errors
    /// The outer one where the file cannot be read, the inner one everything that is wrong with the header.
    pub fn sheet(&self, headings: Headings) -> io::Result<Result<Sheet<BufReader<&File>>, Vec<Violation>>> {
        match self {
            Self::Csv(file) => {
                let mut file = file;
                file.rewind()?;
                Ok(Sheet::open(BufReader::new(file), headings))
            }
            Self::Workbook(book) => Ok(Sheet::of_workbook(Arc::clone(book), headings)),
            Self::Items(items) => {
                let columns = Columns::of_items(headings);
                Ok(Ok(Sheet { rows: Rows::Items(items.rows()?), columns, faults: items.faults().to_vec() }))
            }
        }
    }

    /// Every cell as it was sent; `None` of what is no table, and where there are more rows than `most_rows`, or more in them than a sheet or
    /// [`Cells`] takes. Rows that are no text are left out.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn as_sent(&self, most_rows: usize) -> io::Result<Option<Cow<'_, Cells>>> {
        let few = |cells: &Cells| cells.row_count() <= most_rows;
        let mut file = match self {
            Self::Workbook(book) => return Ok(Some(book.cells().0).filter(|cells| few(cells)).map(Cow::Borrowed)),
            Self::Items(_) => return Ok(None),
            Self::Csv(file) => file,
        };
        file.rewind()?;
        let mut sent = Cells::default();
        let mut rows = CsvRows::new(BufReader::new(file));
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
    /// Where the file cannot be opened again.
    pub fn again(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Csv(file) => Self::Csv(file.try_clone()?),
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
}

/// Where the rows come from.
enum Rows<R> {
    Csv(CsvRows<R>),
    Workbook {
        book: Arc<Workbook>,
        /// Which of its rows is next.
        next: usize,
    },
    Items(ItemRows<R>),
}

/// The columns that there may be.
#[derive(Clone, Copy, Debug)]
pub struct Headings {
    /// Those that are read.
    pub known: &'static [&'static str],
    /// Those that may stand there unread.
    pub ignored: &'static [&'static str],
    /// Those that there must be.
    pub required: &'static [&'static str],
    /// Those that JSON has a number for.
    pub numbers: &'static [&'static str],
    /// Those that JSON has true or false for.
    pub flags: &'static [&'static str],
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
}

impl Columns {
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

    /// The name of a cell as a spreadsheet gives it, such as `D7`; `None` where there is no such column.
    pub fn cell_name(&self, row: u64, heading: &str) -> Option<String> {
        let place = self.headings.iter().position(|known| *known == fold(heading))?;
        Some(name_of((row, place)))
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
    /// The text of a cell without the blanks around it; `None` where it is empty or cannot be read, or the file has no such
    /// column.
    pub fn cell(&self, column: &str) -> Option<&str> {
        let place = self.columns.known.iter().position(|known| *known == Some(column))?;
        let text = match &self.cells {
            RowCells::Csv(record) => record.get(place).filter(|_| record.misquoted_at(place).is_none()),
            RowCells::Workbook(row, _) => row.get(place),
            RowCells::Item(item) => item.cells.get(place).and_then(Option::as_deref),
        };
        text.map(str::trim).filter(|text| !text.is_empty())
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

    /// The words in a cell, as they were before a table kept them from being run as a formula.
    pub fn text(&self, column: &str) -> Option<&str> {
        let text = self.cell(column)?;
        Some(match &self.cells {
            RowCells::Csv(_) => unguarded(text),
            RowCells::Workbook(..) | RowCells::Item(_) => text,
        })
    }

    /// Whether none of these columns holds anything.
    pub fn lacks(&self, columns: impl IntoIterator<Item = &'static str>) -> bool {
        columns.into_iter().all(|column| self.cell(column).is_none()) && self.faults().is_empty()
    }

    /// The cells that cannot be read at all, for the rest of the row they are empty; and those of which nobody can tell what
    /// they are, since their column has no heading.
    pub fn faults(&self) -> Vec<Violation> {
        let mut faults = match &self.cells {
            RowCells::Csv(record) => record.misquoted.iter().map(|misquoted| self.misquoted(misquoted)).collect(),
            RowCells::Workbook(row, _) => {
                let known = self.columns.known.iter().enumerate();
                let known = known.filter_map(|(place, column)| Some((place, (*column)?)));
                let faulty = known.filter_map(|(place, column)| Some((column, CellFault::of(row, place)?)));
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

    /// The columns of which it cannot be told what they say in this row, since cells were merged.
    pub fn unknown(&self) -> Vec<&'static str> {
        let RowCells::Workbook(_, book) = &self.cells else { return Vec::new() };
        let hidden = book.hidden_by_merges(self.number);
        hidden.filter_map(|place| self.columns.known.get(place).copied().flatten()).collect()
    }

    /// Whether what belongs into a column may stand in one that goes by another name.
    pub fn may_be_misnamed(&self, column: &str) -> bool {
        match &self.cells {
            RowCells::Item(item) => {
                self.cell(column).is_none() && item.faults.iter().any(|fault| fault.kind == ItemFaultKind::Unknown)
            }
            _ => self.columns.has_unknown && !self.columns.has(column),
        }
    }

    /// Whether nothing stands in it.
    fn is_blank(&self) -> bool {
        match &self.cells {
            RowCells::Csv(record) => record.cells().all(|cell| cell.trim().is_empty()),
            RowCells::Workbook(row, _) => row.cells().all(|(_, cell)| cell.trim().is_empty()),
            // Whoever sends an item means something by it.
            RowCells::Item(_) => false,
        }
    }

    fn misquoted(&self, (place, how): &(usize, Misquoted)) -> Violation {
        let (code, detail) = match how {
            Misquoted::NotClosed => (
                "quotation_not_closed",
                "the quotation mark that begins this cell is never closed, so that all rows below it were taken into the cell; close it, or take it away",
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
                "`{shown}` stands in a column without a heading, so that it cannot be told what it is; give the column a heading, or take the cell out"
            );
            let fault = Violation::in_cell(self.number, None, "column_without_heading", detail);
            Violation { cell: Some(name_of((self.number, place))), ..fault }
        })
    }
}

/// How much of a cell is shown where nobody can tell what it is.
const MOST_SHOWN: usize = 60;

impl<R: BufRead> Sheet<R> {
    /// Reads the header of a CSV file.
    ///
    /// # Errors
    /// Everything that is wrong with the header, where no row can be read by it.
    pub fn open(file: R, headings: Headings) -> Result<Self, Vec<Violation>> {
        let mut rows = CsvRows::new(file);
        loop {
            match rows.advance() {
                Some(Ok(())) if rows.record.cells().all(|cell| cell.trim().is_empty()) => {}
                Some(Ok(())) => break,
                None => return Err(vec![empty(headings)]),
                Some(Err(fault)) => return Err(vec![fault.violation]),
            }
        }
        let (columns, faults) = read_header(rows.record.cells(), rows.number, headings)?;
        let header = SheetRow { number: rows.number, columns: &columns, cells: RowCells::Csv(&rows.record) };
        let misquoted: Vec<_> = rows.record.misquoted.iter().map(|misquoted| header.misquoted(misquoted)).collect();
        if misquoted.is_empty() { Ok(Self { rows: Rows::Csv(rows), columns, faults }) } else { Err(misquoted) }
    }

    /// Reads the header of a workbook's table.
    ///
    /// # Errors
    /// Everything that is wrong with the header, where no row can be read by it.
    pub fn of_workbook(book: Arc<Workbook>, headings: Headings) -> Result<Self, Vec<Violation>> {
        let (cells, header) = book.cells();
        let Some(row) = cells.row(header) else { return Err(vec![empty(headings)]) };
        let read = read_header(row.all(), row.number, headings);
        let (columns, mut faults) = read.map_err(|mut faults| {
            faults.extend_from_slice(book.faults());
            faults
        })?;
        faults.extend_from_slice(book.faults());
        Ok(Self { rows: Rows::Workbook { book, next: header + 1 }, columns, faults })
    }

    /// The columns of the table.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// What is wrong with the table before its rows are gone through, each by itself.
    pub fn faults(&self) -> &[Violation] {
        &self.faults
    }

    /// The next row that is not blank.
    ///
    /// # Errors
    /// What is wrong with the row as a row; the next call goes on behind it, except where the file itself cannot be read on.
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
    csv: csv::Reader<Watched<Terminated<R>>>,
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

    fn misquoted_at(&self, place: usize) -> Option<Misquoted> {
        self.misquoted.iter().find(|(misquoted, _)| *misquoted == place).map(|(_, how)| *how)
    }

    /// Whether the marks are so wrong that it cannot be told which cell is which.
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
    /// Something stands behind the second one.
    GoesOn,
}

/// Where quotation marks are wrong, which the reader of the rows lets pass: it takes whatever comes.
#[derive(Default)]
struct Quotes {
    /// The bytes so far, how many of them stand before the row, and the cells before this one in it.
    at: u64,
    begins: u64,
    cell: usize,
    within: Within,
    /// Where each row that something is wrong in begins, the cell, and what it is.
    wrong: Vec<(u64, usize, Misquoted)>,
}

/// Where in a cell a byte stands.
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
    fn pass(&mut self, byte: u8) {
        self.at += 1;
        self.within = match (self.within, byte) {
            (Within::Quoted, b'"') => Within::Closed,
            (Within::Quoted, _) | (Within::Closed | Within::Start, b'"') => Within::Quoted,
            (_, b',') => {
                self.cell += 1;
                Within::Start
            }
            (_, b'\n') => {
                (self.begins, self.cell) = (self.at, 0);
                Within::Start
            }
            // A mark of the encoding stands before the first cell.
            (Within::Start, b'\xEF' | b'\xBB' | b'\xBF') if self.at <= 3 => Within::Start,
            // Blanks around a cell are passed over.
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

/// Input that is handed out only while the ration lasts, every line end as LF, and whose quotation marks are watched. A line is
/// counted where it ends, and of CR LF the reader would count the end only when it begins the next.
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
            let kept = self.unify_line_ends(buffer.get_mut(..count).unwrap_or_default());
            let mut quotes = self.quotes.borrow_mut();
            buffer.iter().take(kept).for_each(|byte| quotes.pass(*byte));
            if count == 0 {
                quotes.end();
            }
            // Nothing kept of something read is not yet the end.
            if kept > 0 || count == 0 {
                return Ok(kept);
            }
        }
    }
}

impl<R> Watched<R> {
    fn unify_line_ends(&mut self, bytes: &mut [u8]) -> usize {
        let mut kept = 0;
        for place in 0..bytes.len() {
            let Some(byte) = bytes.get(place).copied() else { break };
            let second_of_two = byte == b'\n' && self.after_cr;
            self.after_cr = byte == b'\r';
            if second_of_two {
                continue;
            }
            if let Some(slot) = bytes.get_mut(kept) {
                *slot = if byte == b'\r' { b'\n' } else { byte };
                kept += 1;
            }
        }
        kept
    }
}

impl<R: Read> CsvRows<R> {
    fn new(file: R) -> Self {
        let (ration, quotes) = (Rc::new(Cell::new(MOST_ROW_BYTES)), Rc::default());
        let input = Watched {
            input: file.chain(Cursor::new(&b"\n"[..])),
            ration: Rc::clone(&ration),
            quotes: Rc::clone(&quotes),
            after_cr: false,
        };
        let csv = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
        Self { csv, ration, quotes, inner_lines: 0, number: 0, record: Record::default() }
    }

    /// Goes on to the next row, whatever stands in it.
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
                        let detail = "the row is not UTF-8; save the file as CSV UTF-8";
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
                let hint = if spilled { "; a cell that holds a comma needs quotation marks around it" } else { "" };
                let detail = format!("the row has {cells} cells and the header names {wanted} columns{hint}");
                let violation = Violation::in_cell(self.number, None, "wrong_number_of_cells", detail);
                return Some(Err(SheetFault { violation, last: false }));
            }
            // The row once more, since none may leave a loop that was borrowed before its end.
            return Some(Ok(SheetRow { number: self.number, columns, cells: RowCells::Csv(&self.record) }));
        }
    }
}

/// A heading as columns are told apart by it: in small letters, with `_` for blanks and dashes.
pub fn fold(heading: &str) -> String {
    heading.trim_start_matches('\u{feff}').trim().to_lowercase().replace([' ', '-'], "_")
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

/// Reads the header that stands in `row`: the columns, and what is wrong with them. A column without a heading is none; what
/// stands in it is told where it stands.
///
/// # Errors
/// Everything that is wrong, where a column is missing without which no row can be read.
fn read_header<'a>(
    header: impl Iterator<Item = &'a str>,
    row: u64,
    wanted: Headings,
) -> Result<(Columns, Vec<Violation>), Vec<Violation>> {
    let Headings { known, ignored, required, .. } = wanted;
    let mut faults = Vec::new();
    let mut columns = Columns::default();
    for (place, name) in header.enumerate() {
        let name = name.trim_start_matches('\u{feff}').trim();
        let folded = fold(name);
        let column = known.iter().copied().find(|column| *column == folded);
        let mut fault = |code, detail| {
            let fault = Violation::in_cell(row, Some(column.unwrap_or(name)), code, detail);
            faults.push(Violation { cell: Some(name_of((row, place))), ..fault });
        };
        if let Some(column) = column.filter(|column| columns.known.contains(&Some(*column))) {
            let first = columns.cell_name(row, column).unwrap_or_default();
            fault("named_twice", format!("the column `{column}` is there already, in {first}; delete one of the two"));
        } else if column.is_none() && !ignored.contains(&folded.as_str()) && !name.is_empty() {
            let hint = match nearest(&folded, known.iter().copied()) {
                _ if name.contains(';') => "; separate the columns with commas, not semicolons".to_owned(),
                _ if name.contains('\t') => "; separate the columns with commas, not tabs".to_owned(),
                Some(near) => format!("; did you mean `{near}`?"),
                None => format!("; the columns are {}", known.join(",")),
            };
            columns.has_unknown = true;
            fault("unknown_column", format!("`{name}` is no column here{hint}"));
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
        ignored: &["colour"],
        required: &["kpi"],
        numbers: &["value"],
        flags: &[],
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
        // What opens in one row and is closed by the next: of that row nothing can be told but that.
        assert_eq!(told("kpi,value\na,\"1\nb,\"2\"\nc,3\n"), [at("B2", "text_after_quotation")]);
        assert_eq!(
            told("kpi,,value,\na,,1,\nb,x,2,\nc,,3,y\n"),
            [at("B3", "column_without_heading"), at("D4", "column_without_heading")]
        );
    }
}
