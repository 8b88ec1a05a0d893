//! A CSV file with a header row, read one row at a time in bounded memory, every fault at its cell.

use std::cell::Cell;
use std::io::{self, Chain, Cursor, Read};
use std::rc::Rc;

use crate::domain::invalid::{Violation, nearest};

/// The most bytes that one row may take: a quotation mark that is never closed must not swallow the file.
const MOST_ROW_BYTES: u64 = 1 << 20;

/// A CSV file whose header was read.
pub struct Sheet<R> {
    csv: csv::Reader<Rationed<Terminated<R>>>,
    ration: Rc<Cell<u64>>,
    /// For each column of the file the known column it is, if any.
    columns: Vec<Option<&'static str>>,
    /// Line ends inside cells so far: what sets the row a spreadsheet shows apart from the line in the file.
    inner_lines: u64,
    record: csv::StringRecord,
}

/// A file with a line end behind it: the last row counts as a line whether or not the file ends with one.
type Terminated<R> = Chain<R, Cursor<&'static [u8]>>;

/// One row of a sheet.
pub struct SheetRow<'a> {
    /// The row as a spreadsheet numbers it, the header being row 1.
    pub number: u64,
    columns: &'a [Option<&'static str>],
    record: &'a csv::StringRecord,
}

impl SheetRow<'_> {
    /// The text of a cell without the blanks around it; `None` where it is empty or the file has no such column.
    pub fn cell(&self, column: &str) -> Option<&str> {
        let place = self.columns.iter().position(|known| *known == Some(column))?;
        self.record.get(place).map(str::trim).filter(|text| !text.is_empty())
    }

    fn is_blank(&self) -> bool {
        self.record.iter().all(|cell| cell.trim().is_empty())
    }
}

impl<R: Read> Sheet<R> {
    /// Reads the header: `known` are the columns there may be, `ignored` those that may stand there unread, `required` those
    /// there must be.
    ///
    /// # Errors
    /// Everything that is wrong with the header.
    pub fn open(
        file: R,
        known: &'static [&'static str],
        ignored: &[&str],
        required: &[&'static str],
    ) -> Result<Self, Vec<Violation>> {
        let ration = Rc::new(Cell::new(MOST_ROW_BYTES));
        let input =
            Rationed { input: file.chain(Cursor::new(&b"\n"[..])), ration: Rc::clone(&ration), after_cr: false };
        let mut csv = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
        let mut header = csv::StringRecord::new();
        match csv.read_record(&mut header) {
            Ok(true) => {}
            Ok(false) => {
                let detail = format!("the file is empty; its first row names the columns: {}", known.join(","));
                return Err(vec![Violation::in_cell(1, None, "empty_file", detail)]);
            }
            Err(error) => return Err(vec![unreadable(1, &error)]),
        }
        let columns = read_header(&header, known, ignored, required)?;
        let inner_lines = line_ends(&header);
        Ok(Self { csv, ration, columns, inner_lines, record: csv::StringRecord::new() })
    }

    /// The next row that is not blank.
    ///
    /// # Errors
    /// What is wrong with the row as a row; the next call goes on behind it, except where the file itself cannot be read on.
    #[expect(clippy::should_implement_trait, reason = "a row borrows the sheet, which an iterator's item cannot")]
    pub fn next(&mut self) -> Option<Result<SheetRow<'_>, SheetFault>> {
        loop {
            self.ration.set(MOST_ROW_BYTES);
            let begins = self.csv.position().line().saturating_sub(self.inner_lines).max(1);
            let read = self.csv.read_record(&mut self.record);
            if let Ok(true) = read {
                self.inner_lines += line_ends(&self.record);
            }
            let number = self.csv.position().line().saturating_sub(1 + self.inner_lines).max(1);
            match read {
                Ok(false) => return None,
                Err(error) => {
                    let last = !matches!(error.kind(), csv::ErrorKind::Utf8 { .. });
                    // A row that does not end has not been counted.
                    let number = if last { begins } else { number };
                    return Some(Err(SheetFault { violation: unreadable(number, &error), last }));
                }
                Ok(true) => {}
            }
            let row = SheetRow { number, columns: &self.columns, record: &self.record };
            if row.is_blank() {
                continue;
            }
            let (cells, wanted) = (self.record.len(), self.columns.len());
            let spilled = self.record.iter().skip(wanted).any(|cell| !cell.trim().is_empty());
            if cells < wanted || spilled {
                let hint = if spilled { "; a cell that holds a comma needs quotation marks around it" } else { "" };
                let detail = format!("the row has {cells} cells and the header names {wanted} columns{hint}");
                let violation = Violation::in_cell(number, None, "wrong_number_of_cells", detail);
                return Some(Err(SheetFault { violation, last: false }));
            }
            return Some(Ok(SheetRow { number, columns: &self.columns, record: &self.record }));
        }
    }
}

/// What is wrong with a row as a row.
pub struct SheetFault {
    /// The fault.
    pub violation: Violation,
    /// Whether nothing can be read behind it.
    pub last: bool,
}

fn read_header(
    header: &csv::StringRecord,
    known: &'static [&'static str],
    ignored: &[&str],
    required: &[&'static str],
) -> Result<Vec<Option<&'static str>>, Vec<Violation>> {
    let mut faults = Vec::new();
    let mut columns: Vec<Option<&'static str>> = Vec::new();
    for name in header {
        let name = name.trim_start_matches('\u{feff}').trim();
        let folded = name.to_lowercase().replace([' ', '-'], "_");
        let column = known.iter().copied().find(|column| *column == folded);
        if let Some(column) = column.filter(|column| columns.contains(&Some(*column))) {
            faults.push(Violation::in_cell(
                1,
                Some(column),
                "named_twice",
                format!("the column `{column}` is there twice"),
            ));
        } else if column.is_none() && !ignored.contains(&folded.as_str()) {
            let hint = match nearest(&folded, known.iter().copied()) {
                _ if name.contains(';') => "; separate the columns with commas, not semicolons".to_owned(),
                _ if name.contains('\t') => "; separate the columns with commas, not tabs".to_owned(),
                Some(near) => format!("; did you mean `{near}`?"),
                None => format!("; the columns are {}", known.join(",")),
            };
            faults.push(Violation::in_cell(
                1,
                Some(name),
                "unknown_column",
                format!("`{name}` is no column here{hint}"),
            ));
        }
        columns.push(column);
    }
    for column in required.iter().filter(|column| !columns.contains(&Some(**column))) {
        faults.push(Violation::in_cell(
            1,
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

    const KNOWN: &[&str] = &["kpi", "period", "value"];

    /// A row's number, its KPI and its value; or where and what its fault is.
    type Seen = Result<(u64, Option<String>, Option<String>), (Option<u64>, &'static str)>;

    fn rows(text: &str) -> Vec<Seen> {
        let mut sheet = Sheet::open(text.as_bytes(), KNOWN, &["colour"], &["kpi"]).unwrap();
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
            let faults = Sheet::open(text.as_bytes(), KNOWN, &["colour"], &["kpi", "period"]).err().unwrap();
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
        let mut sheet = Sheet::open(&b"kpi,value\n\xff,1\nb,2\n"[..], KNOWN, &[], &[]).unwrap();
        assert_eq!(sheet.next().unwrap().err().unwrap().violation.code, "not_utf8");
        assert_eq!(sheet.next().unwrap().ok().unwrap().cell("kpi"), Some("b"));
    }
}
