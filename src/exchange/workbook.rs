//! An Excel workbook (XLSX) read into rows of cells, in memory that is bounded whatever was sent.
//!
//! [`Workbook::read`] is the one door. It finds the sheet that holds the table, and reads what that sheet shows: numbers as
//! exact decimals of at most fifteen digits, which is what Excel keeps and shows; dates as `2009-06-01`; a number that is
//! shown as a percentage with its sign, `4.5%`; of a formula the value that was saved with it. What cannot be read is told
//! at its cell. Nothing is inflated, and nothing is kept, beyond the limits below, whatever the file says of itself.

use std::any::Any;
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::rc::Rc;

use chrono::{Days, NaiveDate};
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use zip::ZipArchive;
use zip::read::ZipFile;

use super::cells::{Cells, Full, LAST_ROW, MOST_CELLS, MOST_TEXT, Row, Unreadable};
use super::sheet::fold;
use crate::domain::invalid::Violation;

/// The most bytes that a workbook may have as it is sent.
pub const MOST_BYTES: u64 = 32 << 20;
/// The most bytes that the parts which are read may have together once inflated.
const MOST_INFLATED: u64 = 256 << 20;
/// The most bytes that one piece of a part may have: a tag, or the words up to the next.
const MOST_PIECE: usize = 4 << 20;
/// The most bytes of the words in a cell as they are saved: Excel keeps 32,767 characters.
const MOST_IN_CELL: usize = 256 << 10;
/// The most bytes of the name of an element, and of what is said of one and wanted here.
const MOST_NAME: usize = 256;
const MOST_ATTRIBUTE: usize = 4 << 10;
/// How many elements may stand in one another.
const DEEPEST: usize = 64;
/// The most columns that are looked at: as many as Excel once had.
const MOST_COLUMNS: usize = 256;
/// The most parts of the archive.
const MOST_PARTS: u16 = 10_000;
/// The most sheets of a workbook, and the most formats of cells.
const MOST_SHEETS: usize = 255;
const MOST_FORMATS: usize = 100_000;
/// How many rows that hold anything the header may stand below.
const HEADER_WITHIN: usize = 20;

/// The most bytes of what an error shows: `#GETTING_DATA` is the longest that Excel has.
const LONGEST_ERROR: usize = 32;

/// What to do with a workbook that is of another kind.
const SAVE_AS_XLSX: &str = "save it as an Excel workbook (.xlsx) and send that";

/// The sheet of a workbook that holds the table.
#[derive(Debug)]
pub struct Workbook {
    cells: Cells,
    /// Where among the rows the header is.
    header: usize,
    /// What is let go with it.
    #[expect(dead_code, reason = "it is there to be dropped")]
    held: Option<Box<dyn Any + Send + Sync>>,
}

/// Why a cell cannot be read.
#[derive(Clone, Debug)]
pub struct CellFault {
    /// A stable name.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub detail: String,
}

/// Why a workbook cannot be read.
#[derive(Debug)]
pub enum WorkbookFault {
    /// It is something else: what it is, and what to do.
    OtherFormat(String),
    /// It is larger than is read.
    TooLarge(String),
    /// Something in it is wrong.
    Wrong(Box<Violation>),
    /// The file could not be read from the disk.
    Disk(io::Error),
}

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// A ZIP archive, as a workbook is.
    Zip,
    /// What Excel wrote until 2003, and writes around a workbook with a password.
    Compound,
    /// Neither.
    Other,
}

impl Looks {
    /// Looks at a file's first bytes, and goes back to its beginning.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn of(mut file: &File) -> io::Result<Self> {
        let mut first = Vec::new();
        file.rewind()?;
        file.take(8).read_to_end(&mut first)?;
        file.rewind()?;
        Ok(if first.starts_with(b"PK\x03\x04") || first.starts_with(b"PK\x05\x06") {
            Self::Zip
        } else if first == [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1] {
            Self::Compound
        } else {
            Self::Other
        })
    }
}

impl Workbook {
    /// Reads the sheet that has a row with all the headings in `wanted`; where none has, the first that is to be seen.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read(file: &File, wanted: &[&str]) -> Result<Self, WorkbookFault> {
        match Looks::of(file).map_err(WorkbookFault::Disk)? {
            Looks::Zip => {}
            Looks::Compound => {
                let detail = format!(
                    "The body is a workbook in the old format (.xls), or one with a password; take the password off, {SAVE_AS_XLSX}."
                );
                return Err(WorkbookFault::OtherFormat(detail));
            }
            Looks::Other => {
                let detail = "The body is no workbook; send CSV with Content-Type: text/csv.".to_owned();
                return Err(WorkbookFault::OtherFormat(detail));
            }
        }
        let mut package = Package::open(file)?;
        let outline = package.outline()?;
        let formats = package.formats(&outline)?;
        let strings = package.strings(&outline)?;
        let context = Context { formats: &formats, strings: &strings, from_1904: outline.from_1904 };
        let sheet = package.table_sheet(&outline, &context, wanted)?;
        let cells = package.cells(&sheet.path, &context, None)?;
        let SheetCells { cells, merged } = cells;
        let header = header_of(&cells, wanted);
        let from = cells.row(header).map_or(1, |row| row.number);
        if let Some(merged) = merged.iter().find(|merged| merged.last.0 >= from) {
            let detail = format!(
                "the cells {}:{} are merged, so that it cannot be told which of them is meant; take the merge apart and fill each in",
                name_of(merged.first),
                name_of(merged.last)
            );
            return Err(wrong(merged.first.0.max(from), "merged_cells", detail));
        }
        Ok(Self { cells, header, held: None })
    }

    /// Keeps something for as long as the workbook is in memory: the turn of whoever waited to read it.
    #[must_use]
    pub fn holding(self, held: impl Any + Send + Sync) -> Self {
        Self { held: Some(Box::new(held)), ..self }
    }

    /// The cells, those above the header among them, and which of their rows is the header.
    pub fn cells(&self) -> (&Cells, usize) {
        (&self.cells, self.header)
    }
}

impl CellFault {
    /// Why the cell in a column cannot be read, where it cannot.
    pub fn of(row: &Row<'_>, column: usize) -> Option<Self> {
        let (unreadable, words) = row.unreadable(column)?;
        let (code, detail) = match unreadable {
            Unreadable::FormulaWithoutValue => ("formula_without_value", "the formula was saved without its value; open the workbook in Excel and save it again, or write the value in its place".to_owned()),
            Unreadable::ErrorValue => ("error_value", format!("the cell shows {words}; mend its formula, or write the value in its place")),
            Unreadable::Nonsense => ("unreadable_cell", "the cell cannot be read; write its value again".to_owned()),
        };
        Some(Self { code, detail })
    }
}

/// A cell's name, such as `D7`.
fn name_of((row, column): (u64, usize)) -> String {
    format!("{}{row}", letters(column))
}

/// The letters of a column, the first being 0: `A`, `AB`.
pub fn letters(column: usize) -> String {
    let mut letters = Vec::new();
    let mut left = column + 1;
    while left > 0 {
        let digit = u8::try_from((left - 1) % 26).unwrap_or(0);
        letters.push(char::from(b'A' + digit));
        left = (left - 1) / 26;
    }
    letters.into_iter().rev().collect()
}

/// The first row that has all the headings wanted, near the top; else the first row.
fn header_of(cells: &Cells, wanted: &[&str]) -> usize {
    cells.rows().take(HEADER_WITHIN).position(|row| is_header(&row, wanted)).unwrap_or(0)
}

fn is_header(row: &Row<'_>, wanted: &[&str]) -> bool {
    wanted.iter().all(|wanted| row.cells().any(|(_, words)| fold(words) == *wanted))
}

fn wrong(row: u64, code: &'static str, detail: impl Into<String>) -> WorkbookFault {
    WorkbookFault::Wrong(Box::new(Violation::in_cell(row, None, code, detail)))
}

fn broken(what: &str) -> WorkbookFault {
    let detail = format!("the workbook is damaged ({what}); open it, save it again and send that");
    wrong(1, "unreadable_workbook", detail)
}

fn too_large(what: &str) -> WorkbookFault {
    WorkbookFault::TooLarge(format!("The workbook {what}; send less of it, or the table as CSV."))
}

/// The parts of a workbook, and how much may still be inflated.
struct Package<'f> {
    zip: ZipArchive<&'f File>,
    left: Rc<Cell<u64>>,
    /// How many bytes of words were read from all sheets together.
    text: usize,
}

/// What a workbook says of itself.
struct Outline {
    sheets: Vec<SheetPart>,
    strings: Option<String>,
    styles: Option<String>,
    from_1904: bool,
}

struct SheetPart {
    name: String,
    path: String,
    hidden: bool,
}

/// What the cells of every sheet refer to.
struct Context<'a> {
    formats: &'a [Shown],
    strings: &'a Words,
    from_1904: bool,
}

/// How a number is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Plain,
    Percent,
    Date,
}

/// The words that cells share, told apart by their place.
#[derive(Default)]
struct Words {
    /// All of them, one after another.
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Words {
    fn push(&mut self, words: &str) -> Result<(), WorkbookFault> {
        if self.text.len() + words.len() > MOST_TEXT || self.ends.len() >= MOST_CELLS {
            return Err(too_many_words());
        }
        self.text.push_str(words);
        self.ends.push(self.text.len());
        Ok(())
    }

    fn get(&self, place: usize) -> Option<&str> {
        let from = if place == 0 { 0 } else { *self.ends.get(place - 1)? };
        self.text.get(from..*self.ends.get(place)?)
    }
}

fn too_many_words() -> WorkbookFault {
    too_large("has more words than are read")
}

/// Cells that were merged into one: row and column of the first, and of the last.
struct Merged {
    first: (u64, usize),
    last: (u64, usize),
}

/// All that a sheet holds.
#[derive(Default)]
struct SheetCells {
    cells: Cells,
    merged: Vec<Merged>,
}

/// Refuses an archive that has, or only says that it has, very many parts. Whoever opens it makes room for as many as it says,
/// and then keeps all that it finds, so this is looked at before.
fn check_directory(mut file: &File) -> Result<(), WorkbookFault> {
    // The record that says it stands at the end, before a comment of at most 64 KiB, where others like it may hide.
    let length = file.seek(SeekFrom::End(0)).map_err(WorkbookFault::Disk)?;
    file.seek(SeekFrom::Start(length.saturating_sub(66 << 10))).map_err(WorkbookFault::Disk)?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).map_err(WorkbookFault::Disk)?;
    file.rewind().map_err(WorkbookFault::Disk)?;
    let count = |record: &[u8], at: usize| Some(u16::from_le_bytes(record.get(at..at + 2)?.try_into().ok()?));
    let length = |record: &[u8], at: usize| Some(u32::from_le_bytes(record.get(at..at + 4)?.try_into().ok()?));
    for (at, _) in tail.windows(4).enumerate().filter(|(_, four)| *four == b"PK\x05\x06") {
        let record = tail.get(at..).unwrap_or_default();
        let many = [8, 10].into_iter().filter_map(|at| count(record, at)).any(|parts| parts > MOST_PARTS);
        // Then it is told elsewhere, as in archives of more than 4 GiB.
        let told_elsewhere = [12, 16].into_iter().filter_map(|at| length(record, at)).any(|length| length == u32::MAX);
        if many || told_elsewhere {
            return Err(too_many_parts());
        }
    }
    Ok(())
}

fn too_many_parts() -> WorkbookFault {
    too_large("has more parts than are looked at")
}

impl<'f> Package<'f> {
    fn open(file: &'f File) -> Result<Self, WorkbookFault> {
        check_directory(file)?;
        let zip = ZipArchive::new(file).map_err(|_error| broken("it is cut off, or no archive"))?;
        let package = Self { zip, left: Rc::new(Cell::new(MOST_INFLATED)), text: 0 };
        package.check_kind()?;
        Ok(package)
    }

    /// Tells a workbook from what only looks like one.
    fn check_kind(&self) -> Result<(), WorkbookFault> {
        let other = |what: &str| Err(WorkbookFault::OtherFormat(format!("The body is {what}; {SAVE_AS_XLSX}.")));
        let has = |name: &str| self.zip.file_names_raw().any(|known| known.eq_ignore_ascii_case(name.as_bytes()));
        if self.zip.file_names_raw().any(|name| name.to_ascii_lowercase().ends_with(b"vbaproject.bin")) {
            return other("a workbook with macros (.xlsm)");
        }
        if has("xl/workbook.bin") {
            return other("a binary workbook (.xlsb)");
        }
        if has("mimetype") && has("content.xml") {
            return other("an OpenDocument spreadsheet (.ods)");
        }
        if !has("[Content_Types].xml") {
            return other("a ZIP archive that is no workbook");
        }
        Ok(())
    }

    /// Opens a part; `None` where there is none of this name.
    fn part(&mut self, path: &str) -> Result<Option<Part<'_, 'f>>, WorkbookFault> {
        let names = self.zip.file_names_raw();
        let Some(index) = names.into_iter().position(|name| name.eq_ignore_ascii_case(path.as_bytes())) else {
            return Ok(None);
        };
        let file = self.zip.by_index(index).map_err(|_error| broken("a part of it cannot be opened"))?;
        if file.size() > self.left.get() {
            return Err(too_large("inflates to more than 256 MiB"));
        }
        let input = BufReader::new(Rationed { file, left: Rc::clone(&self.left) });
        let mut xml = Reader::from_reader(Pieces { input, left: MOST_PIECE });
        let config = xml.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = false;
        Ok(Some(Part { xml, buffer: Vec::new(), depth: 0 }))
    }

    fn needed(&mut self, path: &str) -> Result<Part<'_, 'f>, WorkbookFault> {
        self.part(path)?.ok_or_else(|| broken("a part of it is missing"))
    }

    /// What the parts of a folder's part are, by the names that it gives them: the kind and the path of each.
    fn relations(&mut self, of: &str) -> Result<HashMap<String, (String, String)>, WorkbookFault> {
        let (folder, name) = of.rsplit_once('/').unwrap_or(("", of));
        let slash = if folder.is_empty() { "" } else { "/" };
        let mut relations = HashMap::new();
        let Some(mut part) = self.part(&format!("{folder}{slash}_rels/{name}.rels"))? else { return Ok(relations) };
        loop {
            match part.next()? {
                Event::Start(element) if element.local_name().as_ref() == "Relationship" => {
                    let (id, kind) = (attribute(&element, "Id")?, attribute(&element, "Type")?);
                    if let (Some(id), Some(kind), Some(target)) = (id, kind, attribute(&element, "Target")?) {
                        let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                        relations.insert(id, (kind, resolved(folder, &target)));
                    }
                    if relations.len() > 4 * MOST_SHEETS {
                        return Err(too_many_parts());
                    }
                }
                Event::Eof => return Ok(relations),
                _ => {}
            }
        }
    }

    fn outline(&mut self) -> Result<Outline, WorkbookFault> {
        let main = self.relations("")?.into_values().find(|(kind, _)| kind == "officeDocument");
        let (_, main) = main.ok_or_else(|| broken("it does not say where its sheets are"))?;
        let relations = self.relations(&main)?;
        let path_of = |wanted: &str| {
            let mut paths = relations.values().filter(|(kind, _)| kind == wanted).map(|(_, path)| path.clone());
            paths.next()
        };
        let (strings, styles) = (path_of("sharedStrings"), path_of("styles"));
        let mut outline = Outline { sheets: Vec::new(), strings, styles, from_1904: false };
        let mut part = self.needed(&main)?;
        loop {
            match part.next()? {
                Event::Start(element) if element.local_name().as_ref() == "workbookPr" => {
                    let date_1904 = attribute(&element, "date1904")?;
                    outline.from_1904 = matches!(date_1904.as_deref(), Some("1" | "true"));
                }
                Event::Start(element) if element.local_name().as_ref() == "sheet" => {
                    let name = attribute(&element, "name")?.unwrap_or_default();
                    let id = attribute(&element, "id")?.unwrap_or_default();
                    let hidden = matches!(attribute(&element, "state")?.as_deref(), Some("hidden" | "veryHidden"));
                    // Sheets of charts and the like hold no cells.
                    if let Some((_, path)) = relations.get(&id).filter(|(kind, _)| kind == "worksheet") {
                        outline.sheets.push(SheetPart { name, path: path.clone(), hidden });
                    }
                    if outline.sheets.len() > MOST_SHEETS {
                        return Err(too_large("has more than 255 sheets"));
                    }
                }
                Event::Eof => return Ok(outline),
                _ => {}
            }
        }
    }

    /// How the numbers of each format of cells are shown.
    fn formats(&mut self, outline: &Outline) -> Result<Vec<Shown>, WorkbookFault> {
        let mut formats = Vec::new();
        let part = outline.styles.as_ref().map(|path| self.part(path)).transpose()?.flatten();
        let Some(mut part) = part else { return Ok(formats) };
        let mut custom: HashMap<u32, Shown> = HashMap::new();
        let mut of_cells = false;
        loop {
            match part.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "numFmt" => {
                        let id = attribute(&element, "numFmtId")?.and_then(|id| id.parse().ok());
                        if let (Some(id), Some(code)) = (id, attribute(&element, "formatCode")?) {
                            custom.insert(id, shown_by(&code));
                        }
                    }
                    "cellXfs" => of_cells = true,
                    "xf" if of_cells => {
                        let id = attribute(&element, "numFmtId")?.and_then(|id| id.parse().ok()).unwrap_or(0);
                        formats.push(custom.get(&id).copied().unwrap_or_else(|| shown_by_number(id)));
                    }
                    _ => {}
                },
                Event::End(element) if element.local_name().as_ref() == "cellXfs" => of_cells = false,
                Event::Eof => return Ok(formats),
                _ => {}
            }
            if formats.len() > MOST_FORMATS || custom.len() > MOST_FORMATS {
                return Err(too_large("has more formats than Excel keeps"));
            }
        }
    }

    /// The words that cells share.
    fn strings(&mut self, outline: &Outline) -> Result<Words, WorkbookFault> {
        let mut strings = Words::default();
        let part = outline.strings.as_ref().map(|path| self.part(path)).transpose()?.flatten();
        let Some(mut part) = part else { return Ok(strings) };
        let (mut text, mut phonetic) = (String::new(), false);
        loop {
            match part.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "si" => text.clear(),
                    "rPh" => phonetic = true,
                    "t" if !phonetic => part.text("t", &mut text)?,
                    _ => {}
                },
                Event::End(element) => match element.local_name().as_ref() {
                    "si" => strings.push(&unescaped(&text))?,
                    "rPh" => phonetic = false,
                    _ => {}
                },
                Event::Eof => return Ok(strings),
                _ => {}
            }
        }
    }

    /// The one sheet that holds the table.
    fn table_sheet<'o>(
        &mut self,
        outline: &'o Outline,
        context: &Context<'_>,
        wanted: &[&str],
    ) -> Result<&'o SheetPart, WorkbookFault> {
        let mut tables = Vec::new();
        for sheet in &outline.sheets {
            let top = self.cells(&sheet.path, context, Some(HEADER_WITHIN))?;
            if top.cells.rows().any(|row| is_header(&row, wanted)) {
                tables.push(sheet);
            }
        }
        match tables.as_slice() {
            [one, other, ..] => {
                let detail = format!(
                    "the sheets {} and {} both have the columns {}; send a workbook with one of them",
                    one.name,
                    other.name,
                    wanted.join(" and ")
                );
                Err(wrong(1, "several_tables", detail))
            }
            [one] if one.hidden => {
                let detail =
                    format!("the table is on the hidden sheet {}; show the sheet, look at it, and send it", one.name);
                Err(wrong(1, "hidden_sheet", detail))
            }
            [one] => Ok(one),
            [] => outline.sheets.iter().find(|sheet| !sheet.hidden).ok_or_else(|| broken("it has no sheet")),
        }
    }

    /// The cells of a sheet; with `most_rows` only of its first rows.
    fn cells(
        &mut self,
        path: &str,
        context: &Context<'_>,
        most_rows: Option<usize>,
    ) -> Result<SheetCells, WorkbookFault> {
        let mut part = self.needed(path)?;
        let mut reading = SheetReading { context, cells: SheetCells::default(), row: 0, next: 0 };
        loop {
            let event = part.next()?;
            match event {
                Event::Start(element) => match element.local_name().as_ref() {
                    "row" => reading.begin_row(attribute(&element, "r")?.as_deref())?,
                    "c" => {
                        let begun = BegunCell::of(&element)?;
                        let saved = part.cell_content()?;
                        reading.take(&begun, saved)?;
                    }
                    "mergeCell" => reading.merge(attribute(&element, "ref")?)?,
                    _ => {}
                },
                Event::End(element) if element.local_name().as_ref() == "sheetData" && most_rows.is_some() => break,
                Event::Eof => break,
                _ => {}
            }
            if most_rows.is_some_and(|most| reading.cells.cells.row_count() > most) {
                break;
            }
        }
        // Sheets without end may each show the same long words.
        let cells = reading.cells;
        drop(part);
        self.text += cells.cells.text_len();
        if self.text > 2 * MOST_TEXT { Err(too_many_words()) } else { Ok(cells) }
    }
}

/// A part of a workbook, read event by event.
struct Part<'z, 'f> {
    xml: Reader<Pieces<BufReader<Rationed<ZipFile<'z, &'f File>>>>>,
    /// The piece being read; it never grows far beyond the largest.
    buffer: Vec<u8>,
    /// In how many elements the next piece stands: the reader keeps the name of each.
    depth: usize,
}

/// What stands in a cell as it was saved.
#[derive(Default)]
struct CellContent {
    text: String,
    /// Whether there is a value, empty though it may be.
    valued: bool,
    formula: bool,
}

impl Part<'_, '_> {
    fn next(&mut self) -> Result<Event<'_>, WorkbookFault> {
        self.buffer.clear();
        self.xml.get_mut().left = MOST_PIECE;
        let read = self.xml.read_event_into(&mut self.buffer);
        match &read {
            Ok(Event::Start(element)) if element.name().as_ref().len() > MOST_NAME => {
                return Err(broken("something in it has too long a name"));
            }
            Ok(Event::Start(_)) => self.depth += 1,
            Ok(Event::End(_)) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth > DEEPEST {
            return Err(broken("what it holds stands too deep in one another"));
        }
        match read {
            // What a document type declares can grow without end when it is expanded. No program writes one here.
            Ok(Event::DocType(_)) => Err(broken("it declares a document type")),
            Ok(Event::Eof) if self.depth > 0 => Err(broken("a part of it is cut off")),
            Ok(event) => Ok(event),
            Err(quick_xml::Error::Io(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
                Err(too_large("inflates to more than 256 MiB"))
            }
            Err(quick_xml::Error::Io(error)) if error.kind() == io::ErrorKind::QuotaExceeded => {
                Err(too_large("holds a piece of more than 4 MiB"))
            }
            Err(_) => Err(broken("a part of it is cut off, or is not well-formed")),
        }
    }

    /// Adds the words up to the end of an element.
    fn text(&mut self, until: &str, text: &mut String) -> Result<(), WorkbookFault> {
        loop {
            match self.next()? {
                Event::Text(words) => text.push_str(&words.xml10_content()),
                Event::CData(words) => text.push_str(&words.xml10_content()),
                Event::GeneralRef(reference) => match resolve_xml_entity(reference.as_ref()) {
                    Some(known) => text.push_str(known),
                    None => match reference.resolve_char_ref() {
                        Ok(Some(char)) => text.push(char),
                        _ => return Err(broken("it refers to what it does not hold")),
                    },
                },
                Event::End(element) if element.local_name().as_ref() == until => return Ok(()),
                Event::Eof => return Err(broken("a part of it is cut off")),
                _ => {}
            }
            if text.len() > MOST_IN_CELL {
                return Err(too_large("holds more words in a cell than Excel keeps"));
            }
        }
    }

    fn cell_content(&mut self) -> Result<CellContent, WorkbookFault> {
        let mut content = CellContent::default();
        let mut phonetic = false;
        loop {
            match self.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "v" => {
                        content.valued = true;
                        content.text.clear();
                        self.text("v", &mut content.text)?;
                    }
                    "f" => content.formula = true,
                    "rPh" => phonetic = true,
                    "t" if !phonetic => {
                        content.valued = true;
                        self.text("t", &mut content.text)?;
                    }
                    _ => {}
                },
                Event::End(element) => match element.local_name().as_ref() {
                    "rPh" => phonetic = false,
                    "c" => return Ok(content),
                    _ => {}
                },
                Event::Eof => return Err(broken("a part of it is cut off")),
                _ => {}
            }
        }
    }
}

/// Where a cell is, and what it holds.
struct BegunCell {
    place: Option<(u64, usize)>,
    format: usize,
    kind: String,
}

impl BegunCell {
    fn of(element: &BytesStart<'_>) -> Result<Self, WorkbookFault> {
        let place = attribute(element, "r")?;
        let place = place.map(|name| place_of(&name).ok_or_else(|| broken("a cell is at no place"))).transpose()?;
        let format = attribute(element, "s")?.and_then(|format| format.parse().ok()).unwrap_or(0);
        Ok(Self { place, format, kind: attribute(element, "t")?.unwrap_or_default() })
    }
}

/// A sheet on its way into memory.
struct SheetReading<'a> {
    context: &'a Context<'a>,
    cells: SheetCells,
    /// The number of the row being read.
    row: u64,
    /// The column after the last one read, from 0.
    next: usize,
}

impl<'a> SheetReading<'a> {
    fn begin_row(&mut self, number: Option<&str>) -> Result<(), WorkbookFault> {
        let number = match number {
            Some(text) => text.parse().ok().filter(|number| *number > self.row),
            None => Some(self.row + 1),
        };
        self.row = number.filter(|number| *number <= LAST_ROW).ok_or_else(|| broken("its rows are out of order"))?;
        self.next = 0;
        Ok(())
    }

    fn take(&mut self, begun: &BegunCell, content: CellContent) -> Result<(), WorkbookFault> {
        let (row, column) = begun.place.unwrap_or((self.row, self.next));
        if row != self.row || column < self.next {
            return Err(broken("its cells are out of order"));
        }
        self.next = column + 1;
        let formula_only = content.formula && !content.valued;
        if content.text.is_empty() && !formula_only {
            return Ok(());
        }
        if column >= MOST_COLUMNS {
            return Err(too_large(&format!("holds something in {}, beyond column IV", name_of((row, column)))));
        }
        let CellContent { text, valued, .. } = content;
        let read = if valued { self.read(begun, &text) } else { Err(Unreadable::FormulaWithoutValue) };
        let (words, unreadable) = match &read {
            Ok(words) => (words.as_ref(), None),
            Err(why @ Unreadable::ErrorValue) => (text.as_str(), Some(*why)),
            // It counts as something: the row is not blank.
            Err(why) => ("", Some(*why)),
        };
        self.cells.cells.push(row, column, words, unreadable).map_err(|full| match full {
            Full::Cells => too_large("has more than 1,000,000 cells that hold anything"),
            Full::Text | Full::Place => too_many_words(),
        })
    }

    /// What a cell shows.
    fn read<'t>(&self, begun: &BegunCell, text: &'t str) -> Result<Cow<'t, str>, Unreadable>
    where
        'a: 't,
    {
        let context = self.context;
        match begun.kind.as_str() {
            "s" => {
                let shared = text.trim().parse().ok().and_then(|place: usize| context.strings.get(place));
                shared.map(Cow::Borrowed)
            }
            "str" | "inlineStr" => Some(unescaped(text)),
            "b" => Some(if matches!(text.trim(), "1" | "true") { "true" } else { "false" }.into()),
            "e" if text.len() <= LONGEST_ERROR => return Err(Unreadable::ErrorValue),
            "d" => Some(text.trim().strip_suffix("T00:00:00").unwrap_or(text.trim()).into()),
            "" | "n" => {
                let shown = context.formats.get(begun.format).copied().unwrap_or(Shown::Plain);
                let number = match shown {
                    Shown::Plain => decimal(text, 0),
                    Shown::Percent => decimal(text, 2).map(|number| number + "%"),
                    Shown::Date => decimal(text, 0).map(|serial| date(&serial, context.from_1904)),
                };
                number.map(Cow::Owned)
            }
            _ => None,
        }
        .ok_or(Unreadable::Nonsense)
    }

    fn merge(&mut self, name: Option<String>) -> Result<(), WorkbookFault> {
        let Some(name) = name else { return Ok(()) };
        let (first, last) = name.split_once(':').unwrap_or((&name, &name));
        if let (Some(first), Some(last)) = (place_of(first), place_of(last)) {
            self.cells.merged.push(Merged { first: first.min(last), last: first.max(last) });
        }
        if self.cells.merged.len() > MOST_FORMATS {
            return Err(too_large("has more merged cells than are looked at"));
        }
        Ok(())
    }
}

/// Row and column of a cell's name such as `D7`; the row from 1, the column from 0.
pub(super) fn place_of(name: &str) -> Option<(u64, usize)> {
    let digits = name.find(|char: char| char.is_ascii_digit())?;
    let (column, row) = name.split_at_checked(digits)?;
    if !(1..=3).contains(&column.len()) {
        return None;
    }
    let column = column.bytes().try_fold(0, |column: usize, letter| {
        let digit = letter.to_ascii_uppercase().checked_sub(b'A').filter(|digit| *digit < 26)?;
        Some(column * 26 + usize::from(digit) + 1)
    })?;
    let row: u64 = row.parse().ok().filter(|row| (1..=LAST_ROW).contains(row))?;
    Some((row, column - 1))
}

/// A number as Excel keeps and shows it: rounded to fifteen digits, written out, its point moved to the right by `shift`.
fn decimal(text: &str, shift: i32) -> Option<String> {
    let number: f64 = text.trim().parse().ok().filter(|number: &f64| number.is_finite())?;
    // The text of a double in fifteen digits is exact for every decimal of at most fifteen; from here on it is text.
    let written = format!("{number:.14e}");
    let (mantissa, exponent) = written.split_once('e')?;
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |mantissa| ("-", mantissa));
    let digits: String = mantissa.chars().filter(|char| *char != '.').collect();
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    let point = exponent.parse::<i32>().ok()? + 1 + shift;
    let length = i32::try_from(digits.len()).ok()?;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    Some(if point <= 0 {
        format!("{sign}0.{}{digits}", zeros(-point))
    } else if point >= length {
        format!("{sign}{digits}{}", zeros(point - length))
    } else {
        let (whole, fraction) = digits.split_at_checked(usize::try_from(point).ok()?)?;
        format!("{sign}{whole}.{fraction}")
    })
}

/// The day of a serial number, as `2009-06-01`; a time of day or a day that is none stays a number.
fn date(serial: &str, from_1904: bool) -> String {
    let first = if from_1904 { NaiveDate::from_ymd_opt(1904, 1, 1) } else { NaiveDate::from_ymd_opt(1899, 12, 30) };
    let days = serial.parse::<u64>().ok().filter(|days| from_1904 || *days > 60);
    let day = first.zip(days).and_then(|(first, days)| first.checked_add_days(Days::new(days)));
    day.filter(|day| *day <= NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(NaiveDate::MAX))
        .map_or_else(|| serial.to_owned(), |day| day.to_string())
}

/// How one of the formats that have a number only shows a number.
fn shown_by_number(id: u32) -> Shown {
    match id {
        9 | 10 => Shown::Percent,
        14..=22 | 27..=36 | 45..=47 | 50..=58 => Shown::Date,
        _ => Shown::Plain,
    }
}

/// How a format code shows a number: `0.0%`, `mmm-yy`.
fn shown_by(code: &str) -> Shown {
    let mut chars = code.chars();
    let mut shown = Shown::Plain;
    while let Some(char) = chars.next() {
        match char {
            '"' => while chars.next().is_some_and(|char| char != '"') {},
            '[' => while chars.next().is_some_and(|char| char != ']') {},
            '\\' | '_' | '*' => {
                chars.next();
            }
            '%' => return Shown::Percent,
            // Of `General` no letter is one of these.
            'd' | 'm' | 'y' | 'h' | 's' | 'D' | 'M' | 'Y' | 'H' | 'S' => shown = Shown::Date,
            // What follows is for negative figures.
            ';' => return shown,
            _ => {}
        }
    }
    shown
}

/// A text without the way that workbooks write characters which XML cannot: `_x000D_`.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains("_x") {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("_x") {
        out.push_str(before);
        let code = after.split_once('_').filter(|(code, _)| code.len() == 4);
        let char = code.and_then(|(code, _)| char::from_u32(u32::from_str_radix(code, 16).ok()?));
        if let (Some(char), Some((_, after))) = (char, code) {
            out.push(char);
            rest = after;
        } else {
            out.push_str("_x");
            rest = after;
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// A part's path, told from within a folder.
fn resolved(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

/// The value of an attribute, whatever namespace its name is in.
fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, WorkbookFault> {
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_error| broken("a part of it is not well-formed"))?;
        if attribute.key.local_name().as_ref() == name {
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_error| broken("a part of it is not well-formed"))?;
            if value.len() > MOST_ATTRIBUTE {
                return Err(broken("something is said in it at too great a length"));
            }
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

/// A part's bytes, handed out only while what may be inflated lasts, whatever the archive says of its size.
struct Rationed<R> {
    file: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Rationed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        let left = self.left.get().checked_sub(u64::try_from(count).unwrap_or(u64::MAX));
        self.left.set(left.ok_or(io::ErrorKind::FileTooLarge)?);
        Ok(count)
    }
}

/// Input that is handed out only until the ration of one piece is used up: the reader of XML puts a piece into memory as a
/// whole, however long it is.
struct Pieces<R> {
    input: R,
    /// How much more the piece being read may have.
    left: usize,
}

impl<R: Read> Read for Pieces<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.input.read(buffer)
    }
}

impl<R: BufRead> BufRead for Pieces<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 { Err(io::ErrorKind::QuotaExceeded.into()) } else { self.input.fill_buf() }
    }

    /// Counts what the reader took, and not what was read ahead.
    fn consume(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        self.input.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_excel_shows() {
        for (saved, shown) in [
            ("4.5", "4.5"),
            ("0.30000000000000004", "0.3"),
            ("-12", "-12"),
            ("1E-3", "0.001"),
            ("1.5e6", "1500000"),
            ("123456789012345678", "123456789012346000"),
            ("0.1234567890123456789", "0.123456789012346"),
            ("999999999999999", "999999999999999"),
            ("-0", "0"),
            (" 7 ", "7"),
        ] {
            assert_eq!(decimal(saved, 0).as_deref(), Some(shown), "{saved}");
        }
        for (saved, shown) in [("4.4999999999999998E-2", "4.5"), ("0.07", "7"), ("1", "100"), ("0.00125", "0.125")] {
            assert_eq!(decimal(saved, 2).as_deref(), Some(shown), "{saved}");
        }
        for bad in ["", "NaN", "inf", "1e400", "four"] {
            assert_eq!(decimal(bad, 0), None, "{bad}");
        }
    }

    #[test]
    fn a_format_says_how_a_number_is_shown() {
        for (code, percent, date) in [
            ("0.0%", true, false),
            ("mmm\\-yy", false, true),
            ("[$-809]dd mmmm yyyy;@", false, true),
            ("General", false, false),
            ("#,##0.00", false, false),
            ("0.0\" %\"", false, false),
            ("[Red]-0.0", false, false),
            ("0\\d", false, false),
        ] {
            let shown = shown_by(code);
            assert_eq!((shown == Shown::Percent, shown == Shown::Date), (percent, date), "{code}");
        }
    }

    #[test]
    fn days_are_counted_as_excel_counts_them() {
        assert_eq!(date("39965", false), "2009-06-01");
        assert_eq!(date("38503", true), "2009-06-01");
        assert_eq!(date("39965.5", false), "39965.5");
        assert_eq!(date("99999999", false), "99999999");
        assert_eq!(date("60", false), "60", "Excel's 29 February 1900 never was");
    }

    #[test]
    fn places_have_the_names_that_excel_gives_them() {
        for (name, place) in [("A1", (1, 0)), ("D7", (7, 3)), ("AA10", (10, 26)), ("XFD1048576", (1_048_576, 16_383))] {
            assert_eq!(place_of(name), Some(place));
            assert_eq!(format!("{}{}", letters(place.1), place.0), name);
        }
        for bad in ["", "7", "D", "D0", "D1048577", "AAAA1", "D7x", "é7"] {
            assert_eq!(place_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_xml_cannot_hold_comes_back() {
        assert_eq!(unescaped("a_x000D_b_x0041_"), "a\rbA");
        assert_eq!(unescaped("_x005F_x000D_"), "_x000D_");
        assert_eq!(unescaped("no_xyz_ _x00"), "no_xyz_ _x00");
    }

    #[test]
    fn parts_are_found_from_where_they_are_named() {
        assert_eq!(resolved("xl", "worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(resolved("xl", "/xl/worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(resolved("xl/a", "../b.xml"), "xl/b.xml");
        assert_eq!(resolved("", "xl/workbook.xml"), "xl/workbook.xml");
    }
}
