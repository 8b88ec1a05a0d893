//! A table with a header row, from a CSV file or a workbook, read one row at a time in bounded memory, every fault at its cell.

use std::borrow::Cow;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read, Seek};
use std::rc::Rc;
use std::sync::Arc;

use super::cells::{Cells, Row, name_of};
use super::table::unguarded;
use super::workbook::{CellFault, Workbook};
use crate::domain::invalid::{Violation, nearest};

/// The most bytes that one row may take: a quotation mark that is never closed must not swallow the file.
const MOST_ROW_BYTES: u64 = 1 << 20;

/// A table as it was sent.
pub enum Upload {
    /// A CSV file.
    Csv(File),
    /// A workbook, read into memory.
    Workbook(Arc<Workbook>),
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
        }
    }

    /// Every cell as it was sent; `None` where there are more rows than `most_rows`, or more in them than a sheet or
    /// [`Cells`] takes. Rows that are no text are left out.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn as_sent(&self, most_rows: usize) -> io::Result<Option<Cow<'_, Cells>>> {
        let few = |cells: &Cells| cells.row_count() <= most_rows;
        let mut file = match self {
            Self::Workbook(book) => return Ok(Some(book.cells().0).filter(|cells| few(cells)).map(Cow::Borrowed)),
            Self::Csv(file) => file,
        };
        file.rewind()?;
        let mut sent = Cells::default();
        let mut rows = CsvRows::new(BufReader::new(file));
        while let Some(number) = rows.advance() {
            let number = match number {
                Ok(number) => number,
                Err(fault) if fault.last => break,
                Err(_no_text) => continue,
            };
            for (column, words) in rows.record.iter().enumerate().filter(|(_, words)| !words.is_empty()) {
                if sent.push(number, column, words, None).is_err() {
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
        })
    }
}

/// A table whose header was read.
pub struct Sheet<R> {
    rows: Rows<R>,
    columns: Columns,
}

/// Where the rows come from.
enum Rows<R> {
    Csv(CsvRows<R>),
    Workbook {
        book: Arc<Workbook>,
        /// Which of its rows is next.
        next: usize,
    },
}

/// The rows of a CSV file.
struct CsvRows<R> {
    csv: csv::Reader<Rationed<Terminated<R>>>,
    ration: Rc<Cell<u64>>,
    /// Line ends inside cells so far: what sets the row a spreadsheet shows apart from the line in the file.
    inner_lines: u64,
    record: csv::StringRecord,
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
}

/// The columns of a table, in its order.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// For each the known column it is, if any.
    known: Vec<Option<&'static str>>,
    /// For each its heading in small letters.
    headings: Vec<String>,
}

impl Columns {
    /// Whether there is a column with this heading, read or not.
    pub fn has(&self, heading: &str) -> bool {
        self.headings.iter().any(|known| known == heading)
    }

    /// The name of a cell as a spreadsheet gives it, such as `D7`; `None` where there is no such column.
    pub fn cell_name(&self, row: u64, heading: &str) -> Option<String> {
        let place = self.headings.iter().position(|known| *known == fold(heading))?;
        Some(name_of((row, place)))
    }
}

/// A file with a line end behind it: the last row counts as a line whether or not the file ends with one.
type Terminated<R> = Chain<R, Cursor<&'static [u8]>>;

/// One row of a sheet.
pub struct SheetRow<'a> {
    /// The row as a spreadsheet numbers it, the header being row 1.
    pub number: u64,
    columns: &'a [Option<&'static str>],
    cells: RowCells<'a>,
}

/// What a row holds.
enum RowCells<'a> {
    Csv(&'a csv::StringRecord),
    Workbook(Row<'a>),
}

impl SheetRow<'_> {
    /// The text of a cell without the blanks around it; `None` where it is empty or the file has no such column.
    pub fn cell(&self, column: &str) -> Option<&str> {
        let place = self.columns.iter().position(|known| *known == Some(column))?;
        let text = match &self.cells {
            RowCells::Csv(record) => record.get(place),
            RowCells::Workbook(row) => row.get(place),
        };
        text.map(str::trim).filter(|text| !text.is_empty())
    }

    /// The words in a cell, as they were before a table kept them from being run as a formula.
    pub fn text(&self, column: &str) -> Option<&str> {
        let text = self.cell(column)?;
        Some(match &self.cells {
            RowCells::Csv(_) => unguarded(text),
            RowCells::Workbook(_) => text,
        })
    }

    /// Whether none of these columns holds anything.
    pub fn lacks(&self, columns: impl IntoIterator<Item = &'static str>) -> bool {
        columns.into_iter().all(|column| self.cell(column).is_none()) && self.faults().is_empty()
    }

    /// The cells that cannot be read at all; for the rest of the row they are empty.
    pub fn faults(&self) -> Vec<Violation> {
        let RowCells::Workbook(row) = &self.cells else { return Vec::new() };
        let known = self.columns.iter().enumerate().filter_map(|(place, column)| Some((place, (*column)?)));
        let faulty = known.filter_map(|(place, column)| Some((column, CellFault::of(row, place)?)));
        faulty.map(|(column, fault)| Violation::in_cell(self.number, Some(column), fault.code, fault.detail)).collect()
    }

    fn is_blank(&self) -> bool {
        match &self.cells {
            RowCells::Csv(record) => record.iter().all(|cell| cell.trim().is_empty()),
            RowCells::Workbook(row) => row.cells().all(|(_, cell)| cell.trim().is_empty()),
        }
    }
}

impl<R: Read> Sheet<R> {
    /// Reads the header of a CSV file.
    ///
    /// # Errors
    /// Everything that is wrong with the header.
    pub fn open(file: R, headings: Headings) -> Result<Self, Vec<Violation>> {
        let mut rows = CsvRows::new(file);
        match rows.advance() {
            Some(Ok(_first)) => {}
            None => return Err(vec![empty(headings)]),
            Some(Err(fault)) => return Err(vec![fault.violation]),
        }
        let columns = read_header(rows.record.iter(), 1, headings, false)?;
        Ok(Self { rows: Rows::Csv(rows), columns })
    }

    /// Reads the header of a workbook's table.
    ///
    /// # Errors
    /// Everything that is wrong with the header.
    pub fn of_workbook(book: Arc<Workbook>, headings: Headings) -> Result<Self, Vec<Violation>> {
        let (cells, header) = book.cells();
        let Some(row) = cells.row(header) else { return Err(vec![empty(headings)]) };
        let mut faults = Vec::new();
        let columns = read_header(row.all(), row.number, headings, true).unwrap_or_else(|of_header| {
            let names = Columns { known: Vec::new(), headings: row.all().map(fold).collect() };
            faults = of_header;
            for fault in &mut faults {
                fault.cell = fault.column.as_deref().and_then(|column| names.cell_name(row.number, column));
            }
            names
        });
        faults.extend_from_slice(book.faults());
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self { rows: Rows::Workbook { book, next: header + 1 }, columns })
    }

    /// The columns of the table.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The next row that is not blank.
    ///
    /// # Errors
    /// What is wrong with the row as a row; the next call goes on behind it, except where the file itself cannot be read on.
    #[expect(clippy::should_implement_trait, reason = "a row borrows the sheet, which an iterator's item cannot")]
    pub fn next(&mut self) -> Option<Result<SheetRow<'_>, SheetFault>> {
        let columns = &self.columns.known;
        match &mut self.rows {
            Rows::Csv(rows) => rows.next(columns),
            Rows::Workbook { book, next } => loop {
                let row = book.cells().0.row(*next)?;
                *next += 1;
                let row = SheetRow { number: row.number, columns, cells: RowCells::Workbook(row) };
                if !row.is_blank() || !row.faults().is_empty() {
                    return Some(Ok(row));
                }
            },
        }
    }
}

impl<R: Read> CsvRows<R> {
    fn new(file: R) -> Self {
        let ration = Rc::new(Cell::new(MOST_ROW_BYTES));
        let input =
            Rationed { input: file.chain(Cursor::new(&b"\n"[..])), ration: Rc::clone(&ration), after_cr: false };
        let csv = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
        Self { csv, ration, inner_lines: 0, record: csv::StringRecord::new() }
    }

    /// Goes on to the next row, whatever stands in it, and gives its number.
    fn advance(&mut self) -> Option<Result<u64, SheetFault>> {
        self.ration.set(MOST_ROW_BYTES);
        let begins = self.csv.position().line().saturating_sub(self.inner_lines).max(1);
        let read = self.csv.read_record(&mut self.record);
        if let Ok(true) = read {
            self.inner_lines += line_ends(&self.record);
        }
        let number = self.csv.position().line().saturating_sub(1 + self.inner_lines).max(1);
        match read {
            Ok(false) => None,
            Err(error) => {
                let last = !matches!(error.kind(), csv::ErrorKind::Utf8 { .. });
                // A row that does not end has not been counted.
                let number = if last { begins } else { number };
                Some(Err(SheetFault { violation: unreadable(number, &error), last }))
            }
            Ok(true) => Some(Ok(number)),
        }
    }

    fn next<'a>(&'a mut self, columns: &'a [Option<&'static str>]) -> Option<Result<SheetRow<'a>, SheetFault>> {
        loop {
            let number = match self.advance()? {
                Ok(number) => number,
                Err(fault) => return Some(Err(fault)),
            };
            let row = SheetRow { number, columns, cells: RowCells::Csv(&self.record) };
            if row.is_blank() {
                continue;
            }
            let (cells, wanted) = (self.record.len(), columns.len());
            let spilled = self.record.iter().skip(wanted).any(|cell| !cell.trim().is_empty());
            if cells < wanted || spilled {
                let hint = if spilled { "; a cell that holds a comma needs quotation marks around it" } else { "" };
                let detail = format!("the row has {cells} cells and the header names {wanted} columns{hint}");
                let violation = Violation::in_cell(number, None, "wrong_number_of_cells", detail);
                return Some(Err(SheetFault { violation, last: false }));
            }
            return Some(Ok(SheetRow { number, columns, cells: RowCells::Csv(&self.record) }));
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

/// Reads the header that stands in `row`. In a workbook, a column without a heading holds somebody's notes.
fn read_header<'a>(
    header: impl Iterator<Item = &'a str>,
    row: u64,
    wanted: Headings,
    in_workbook: bool,
) -> Result<Columns, Vec<Violation>> {
    let Headings { known, ignored, required } = wanted;
    let mut faults = Vec::new();
    let mut columns = Columns::default();
    for name in header {
        let name = name.trim_start_matches('\u{feff}').trim();
        let folded = fold(name);
        let column = known.iter().copied().find(|column| *column == folded);
        if let Some(column) = column.filter(|column| columns.known.contains(&Some(*column))) {
            faults.push(Violation::in_cell(
                row,
                Some(column),
                "named_twice",
                format!("the column `{column}` is there twice"),
            ));
        } else if column.is_none() && !ignored.contains(&folded.as_str()) && !(in_workbook && name.is_empty()) {
            let hint = match nearest(&folded, known.iter().copied()) {
                _ if name.contains(';') => "; separate the columns with commas, not semicolons".to_owned(),
                _ if name.contains('\t') => "; separate the columns with commas, not tabs".to_owned(),
                Some(near) => format!("; did you mean `{near}`?"),
                None => format!("; the columns are {}", known.join(",")),
            };
            faults.push(Violation::in_cell(
                row,
                Some(name),
                "unknown_column",
                format!("`{name}` is no column here{hint}"),
            ));
        }
        columns.known.push(column);
        columns.headings.push(folded);
    }
    for column in required.iter().filter(|column| !columns.known.contains(&Some(**column))) {
        faults.push(Violation::in_cell(
            row,
            Some(column),
            "missing_column",
            format!("the column `{column}` must be there"),
        ));
    }
    if faults.is_empty() { Ok(columns) } else { Err(faults) }
}

fn line_ends(record: &csv::StringRecord) -> u64 {
    let ends = record.iter().map(|cell| cell.bytes().filter(|byte| *byte == b'\n').count()).sum::<usize>();
    u64::try_from(ends).unwrap_or(0)
}

fn unreadable(row: u64, error: &csv::Error) -> Violation {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => {
            Violation::in_cell(row, None, "not_utf8", "the row is not UTF-8; save the file as CSV UTF-8")
        }
        csv::ErrorKind::Io(io) if io.kind() == io::ErrorKind::FileTooLarge => Violation::in_cell(
            row,
            None,
            "row_too_long",
            "the row is longer than 1 MiB; is a quotation mark left open?",
        ),
        _ => Violation::in_cell(row, None, "unreadable", "the file cannot be read on from here"),
    }
}

/// Input that is handed out only while the ration lasts, every line end as LF: a line is counted where it ends, and of
/// CR LF the reader would count the end only when it begins the next.
struct Rationed<R> {
    input: R,
    ration: Rc<Cell<u64>>,
    after_cr: bool,
}

impl<R: Read> Read for Rationed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.ration.get();
            if left == 0 {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            let count = self.input.read(buffer)?;
            self.ration.set(left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX)));
            let kept = self.unify_line_ends(buffer.get_mut(..count).unwrap_or_default());
            // Nothing kept of something read is not yet the end.
            if kept > 0 || count == 0 {
                return Ok(kept);
            }
        }
    }
}

impl<R> Rationed<R> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const HEADINGS: Headings =
        Headings { known: &["kpi", "period", "value"], ignored: &["colour"], required: &["kpi"] };

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
            let faults = Sheet::open(text.as_bytes(), headings).err().unwrap();
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
}
