//! An Excel workbook (XLSX) read into rows of cells, in memory that is bounded whatever was sent.
//!
//! [`Workbook::read`] is the one door. It finds the sheet that holds the table, and reads what that sheet shows:
//! numbers as exact decimals of at most fifteen digits, which is what Excel keeps and shows; dates as `2009-06-01`; a
//! number that is shown as a percentage with its sign, `4.5%`; of a formula the value that was saved with it, unless
//! the workbook asks to be worked out again. What cannot be read is reported at its cell: footnote marks and what is
//! struck through are part of no figure. Nothing is inflated, and nothing is saved, beyond the limits below, whatever
//! the file says of itself.

use std::any::Any;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;

use chrono::{Days, NaiveDate};
use quick_xml::events::{BytesStart, Event};

use super::cells::{Cells, Full, LAST_ROW, MOST_CELLS, MOST_TEXT, Row, Unreadable, name_of, place_of};
use super::headings::{HEADER_WITHIN, fold};
use super::mistakes_sheet::{LIST_COLUMNS, LIST_HEADER, LIST_SHEET, LIST_TITLE, Origin};
use super::package::{
    Looks, MOST_IN_CELL, Outline, Package, Part, SAVE_AS_XLSX, SheetPart, WorkbookFault, attribute, broken, too_large,
    too_long_a_cell, wrong,
};
use crate::domain::invalid::Violation;

/// The most columns that are looked at: as many as Excel once had.
const MOST_COLUMNS: usize = 256;
/// The most formats of cells.
const MOST_FORMATS: usize = 100_000;
/// How many merged cells are reported.
const MOST_MERGED: usize = 1_000;
/// How many formulas that fill several cells are looked at.
const MOST_ARRAYS: usize = 1_000;

/// The most bytes of what an error shows: `#GETTING_DATA` is the longest that Excel has.
const LONGEST_ERROR: usize = 32;

/// The sheet of a workbook that holds the table.
#[derive(Debug)]
pub struct Workbook {
    /// Where all this is from.
    origin: Origin,
    cells: Cells,
    /// Where among the rows the header is.
    header: usize,
    /// Why it is unclear which cell is meant, and the cells that were merged.
    faults: Vec<Violation>,
    merged: Vec<Merged>,
    /// The columns that are not shown: the first and the last of each lot.
    hidden_columns: Vec<(usize, usize)>,
    /// What is let go with it.
    #[expect(dead_code, reason = "it is there to be dropped")]
    held: Option<Box<dyn Any + Send + Sync>>,
}

/// What a cell is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// Words for people to read.
    Words,
    /// A figure, a code, a day: what must not be mistaken.
    Data,
}

/// Why a cell cannot be read.
#[derive(Clone, Debug)]
pub struct CellFault {
    /// A stable name.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub detail: String,
}

impl Workbook {
    /// Reads the sheet that has a row with all the headings in `wanted`; if none has, the first that is to be seen.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read(file: File, wanted: &[&str]) -> Result<Self, WorkbookFault> {
        match Looks::of(&file).map_err(WorkbookFault::Disk)? {
            Looks::Zip => {}
            Looks::Compound => {
                let detail = format!(
                    "The body is a workbook in the old format (.xls), or one with a password; remove the password, {SAVE_AS_XLSX}."
                );
                return Err(WorkbookFault::OtherFormat(detail));
            }
            Looks::Other => {
                let detail = "The body is no workbook; send CSV with Content-Type: text/csv.".to_owned();
                return Err(WorkbookFault::OtherFormat(detail));
            }
        }
        let mut package = Package::open(&file)?;
        let outline = package.outline()?;
        let mut sheets = Sheets { package, text: 0 };
        let formats = sheets.formats(&outline)?;
        let strings = sheets.strings(&outline)?;
        let (from_1904, to_work_out) = (outline.from_1904, outline.to_work_out);
        let context = Context { formats: &formats, strings: &strings, from_1904, to_work_out };
        let (sheet, list) = sheets.table_sheet(&outline, &context, wanted)?;
        let cells = sheets.cells(&sheet.path, &context, None)?;
        let SheetCells { cells, merged, hidden_columns, drawing } = cells;
        let header = header_of(&cells, wanted);
        let from = cells.row(header).map_or(1, |row| row.number);
        let merged: Vec<_> = merged.into_iter().filter(|merged| merged.last.0 >= from).take(MOST_MERGED).collect();
        let faults = merged.iter().map(|merged| merged.fault(from)).collect();
        let SheetPart { name, path, .. } = sheet;
        let origin = Origin { name: name.clone(), path: path.clone(), drawing, list, file };
        Ok(Self { origin, cells, header, faults, merged, hidden_columns, held: None })
    }

    /// Keeps something for as long as the workbook is in memory: the turn of anyone who waited to read it.
    #[must_use]
    pub fn holding(self, held: impl Any + Send + Sync) -> Self {
        Self { held: Some(Box::new(held)), ..self }
    }

    /// What is wrong with the sheet before its rows are gone through.
    pub fn faults(&self) -> &[Violation] {
        &self.faults
    }

    /// The columns of a row whose cells a merge hides: only its first one shows what it holds.
    pub fn hidden_by_merges(&self, row: u64) -> impl Iterator<Item = usize> {
        let here = self.merged.iter().filter(move |merged| (merged.first.0..=merged.last.0).contains(&row));
        here.flat_map(move |Merged { first, last }| {
            let columns = first.1.min(last.1)..=first.1.max(last.1).min(MOST_COLUMNS);
            columns.filter(move |column| (row, *column) != *first)
        })
    }

    /// Whether a column is not shown.
    pub fn hides_column(&self, place: usize) -> bool {
        self.hidden_columns.iter().any(|(first, last)| (*first..=*last).contains(&place))
    }

    /// Where the table is from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The cells, those above the header among them, and which of their rows is the header.
    pub fn cells(&self) -> (&Cells, usize) {
        (&self.cells, self.header)
    }
}

impl CellFault {
    /// Why the cell in a column cannot be read as what it is to hold, if it cannot.
    pub fn of(row: &Row<'_>, column: usize, kind: CellKind) -> Option<Self> {
        let (unreadable, words) = row.unreadable(column)?;
        let (code, detail) = match unreadable {
            Unreadable::FormulaToWorkOut => ("formula_without_value", "the workbook asks for its formulas to be worked out when it is opened, so the value saved with this one cannot be relied on; open the workbook in Excel, save it and send it again, or put the value in place of the formula".to_owned()),
            // In words a raised letter is only a letter, as in km².
            Unreadable::Raised if kind == CellKind::Words => return None,
            Unreadable::Raised => ("raised_text", format!("part of `{words}` is superscript or subscript, as a footnote mark is, so it is unclear what belongs to the cell; write the cell again without it, in plain characters")),
            Unreadable::Struck => ("struck_text", format!("part of `{words}` is struck through; delete what no longer applies, and leave the rest in plain characters")),
            Unreadable::FormulaWithoutValue => ("formula_without_value", "the formula was saved without its value; open the workbook in Excel and save it again, or write the value in its place".to_owned()),
            Unreadable::ErrorValue => ("error_value", format!("the cell shows {words}; correct its formula, or write the value in its place")),
            Unreadable::Nonsense => ("unreadable_cell", "the cell cannot be read; write its value again".to_owned()),
        };
        Some(Self { code, detail })
    }
}

/// The first row that has all the headings wanted, near the top; else the first row.
fn header_of(cells: &Cells, wanted: &[&str]) -> usize {
    cells.rows().take(HEADER_WITHIN).position(|row| is_header(&row, wanted)).unwrap_or(0)
}

/// Whether a sheet lists the mistakes of an earlier time.
fn is_list(name: &str, cells: &Cells) -> bool {
    let numbered = |rest: &str| rest.is_empty() || rest.trim_start().bytes().all(|digit| digit.is_ascii_digit());
    let row = |number: u64| cells.rows().find(|row| row.number == number);
    let headings = LIST_COLUMNS.iter().map(|(heading, _)| *heading);
    name.strip_prefix(LIST_SHEET).is_some_and(numbered)
        && row(1).is_some_and(|row| row.get(0) == Some(LIST_TITLE))
        && row(LIST_HEADER).is_some_and(|row| row.all().eq(headings))
}

fn is_header(row: &Row<'_>, wanted: &[&str]) -> bool {
    wanted.iter().all(|wanted| row.cells().any(|(_, words)| fold(words) == *wanted))
}

/// What the cells of every sheet refer to.
struct Context<'a> {
    formats: &'a [CellFormat],
    strings: &'a Words,
    from_1904: bool,
    /// Whether no value of a formula can be relied on.
    to_work_out: bool,
}

/// What the format of a cell says of what is in it.
#[derive(Clone, Copy)]
struct CellFormat {
    shown: Shown,
    /// Whether its font raises or strikes all of it.
    font: Option<Unreadable>,
}

/// How a number is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Plain,
    Percent,
    Date,
}

/// The words that cells share, distinguished by their place.
#[derive(Default)]
struct Words {
    /// All of them, one after another.
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
    /// Those of which a part is raised or struck through.
    marked: HashMap<usize, Unreadable>,
}

/// Words being read, which may be in runs of different fonts.
#[derive(Default)]
struct Runs {
    text: String,
    /// What the font of the run being read does to it.
    run: Option<Unreadable>,
    /// What the font of any run does to it.
    mark: Option<Unreadable>,
    /// Whether it is help with how to say what is above.
    phonetic: bool,
}

impl Runs {
    /// Takes in what begins at an element, if it is about words.
    fn begin(&mut self, element: &BytesStart<'_>) -> Result<(), WorkbookFault> {
        match element.local_name().as_ref() {
            "r" => self.run = None,
            "rPh" => self.phonetic = true,
            _ => self.run = font_mark(element)?.or(self.run),
        }
        Ok(())
    }

    /// Adds words of the run.
    fn add(&mut self, words: &str) -> Result<(), WorkbookFault> {
        self.text.push_str(words);
        if self.text.len() > MOST_IN_CELL {
            return Err(too_long_a_cell());
        }
        if self.run.is_some() && !words.trim().is_empty() && self.mark != Some(Unreadable::Struck) {
            self.mark = self.run;
        }
        Ok(())
    }
}

/// What an element of a font does to what is written in it: raises it or strikes it through.
fn font_mark(element: &BytesStart<'_>) -> Result<Option<Unreadable>, WorkbookFault> {
    Ok(match element.local_name().as_ref() {
        "strike" => {
            let is_off = matches!(attribute(element, "val")?.as_deref(), Some("0" | "false"));
            (!is_off).then_some(Unreadable::Struck)
        }
        "vertAlign" => {
            let is_raised = matches!(attribute(element, "val")?.as_deref(), Some("superscript" | "subscript"));
            is_raised.then_some(Unreadable::Raised)
        }
        _ => None,
    })
}

impl Words {
    fn push(&mut self, words: &str, mark: Option<Unreadable>) -> Result<(), WorkbookFault> {
        if self.text.len() + words.len() > MOST_TEXT || self.ends.len() >= MOST_CELLS {
            return Err(too_many_words());
        }
        if let Some(mark) = mark {
            self.marked.insert(self.ends.len(), mark);
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
    too_large("has more text than is read")
}

/// Cells that were merged into one: row and column of the first, and of the last.
#[derive(Debug)]
struct Merged {
    first: (u64, usize),
    last: (u64, usize),
}

impl Merged {
    /// What is wrong with it, in the first row from the header on.
    fn fault(&self, header: u64) -> Violation {
        let detail = format!(
            "the cells {}:{} are merged, so it is unclear which of them is meant; unmerge them and fill each in",
            name_of(self.first),
            name_of(self.last)
        );
        let row = self.first.0.max(header);
        Violation { cell: Some(name_of((row, self.first.1))), ..Violation::in_cell(row, None, "merged_cells", detail) }
    }
}

/// All that a sheet holds.
#[derive(Default)]
struct SheetCells {
    cells: Cells,
    merged: Vec<Merged>,
    hidden_columns: Vec<(usize, usize)>,
    /// The id by which it refers to the boxes of its comments.
    drawing: Option<String>,
}

/// The sheets of a workbook being read.
struct Sheets<'f> {
    package: Package<'f>,
    /// How many bytes of words were read from all of them together.
    text: usize,
}

impl Sheets<'_> {
    /// How the numbers of each format of cells are shown.
    fn formats(&mut self, outline: &Outline) -> Result<Vec<CellFormat>, WorkbookFault> {
        let mut formats = Vec::new();
        let part = outline.styles.as_ref().map(|path| self.package.part(path)).transpose()?.flatten();
        let Some(mut part) = part else { return Ok(formats) };
        let mut custom: HashMap<u32, Shown> = HashMap::new();
        let mut fonts: Vec<Option<Unreadable>> = Vec::new();
        let (mut of_cells, mut of_fonts) = (false, false);
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
                    "fonts" => of_fonts = true,
                    "font" if of_fonts => fonts.push(None),
                    "xf" if of_cells => {
                        let id = attribute(&element, "numFmtId")?.and_then(|id| id.parse().ok()).unwrap_or(0);
                        let shown = custom.get(&id).copied().unwrap_or_else(|| shown_by_number(id));
                        let font = attribute(&element, "fontId")?.and_then(|id| id.parse::<usize>().ok());
                        let font = font.and_then(|font| fonts.get(font).copied().flatten());
                        formats.push(CellFormat { shown, font });
                    }
                    _ if of_fonts => {
                        let mark = font_mark(&element)?;
                        fonts.last_mut().into_iter().for_each(|font| *font = mark.or(*font));
                    }
                    _ => {}
                },
                Event::End(element) => match element.local_name().as_ref() {
                    "cellXfs" => of_cells = false,
                    "fonts" => of_fonts = false,
                    _ => {}
                },
                Event::Eof => return Ok(formats),
                _ => {}
            }
            if [formats.len(), custom.len(), fonts.len()].into_iter().any(|count| count > MOST_FORMATS) {
                return Err(too_large("has more formats than Excel allows"));
            }
        }
    }

    /// The words that cells share.
    fn strings(&mut self, outline: &Outline) -> Result<Words, WorkbookFault> {
        let mut strings = Words::default();
        let part = outline.strings.as_ref().map(|path| self.package.part(path)).transpose()?.flatten();
        let Some(mut part) = part else { return Ok(strings) };
        let (mut runs, mut words) = (Runs::default(), String::new());
        loop {
            match part.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "si" => runs = Runs::default(),
                    "t" if !runs.phonetic => {
                        words.clear();
                        part.text("t", &mut words)?;
                        runs.add(&words)?;
                    }
                    _ => runs.begin(&element)?,
                },
                Event::End(element) => match element.local_name().as_ref() {
                    "si" => strings.push(&unescaped(&runs.text), runs.mark)?,
                    "rPh" => runs.phonetic = false,
                    _ => {}
                },
                Event::Eof => return Ok(strings),
                _ => {}
            }
        }
    }

    /// The one sheet that holds the table, and the part of one that lists the mistakes of an earlier time.
    fn table_sheet<'o>(
        &mut self,
        outline: &'o Outline,
        context: &Context<'_>,
        wanted: &[&str],
    ) -> Result<(&'o SheetPart, Option<String>), WorkbookFault> {
        let (mut tables, mut list) = (Vec::new(), None);
        for sheet in &outline.sheets {
            let top = self.cells(&sheet.path, context, Some(HEADER_WITHIN))?;
            if top.cells.rows().any(|row| is_header(&row, wanted)) {
                tables.push(sheet);
            }
            if is_list(&sheet.name, &top.cells) {
                list = Some(sheet.path.clone());
            }
        }
        let table = match tables.as_slice() {
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
            [one] => Ok(*one),
            [] => outline.sheets.iter().find(|sheet| !sheet.hidden).ok_or_else(|| broken("it has no sheet")),
        }?;
        // Of one sheet there are not two.
        Ok((table, list.filter(|list| *list != table.path)))
    }

    /// The cells of a sheet; with `most_rows` only of its first rows.
    fn cells(
        &mut self,
        path: &str,
        context: &Context<'_>,
        most_rows: Option<usize>,
    ) -> Result<SheetCells, WorkbookFault> {
        let mut part = self.package.needed(path)?;
        let mut reading = SheetReading { context, cells: SheetCells::default(), row: 0, next: 0, arrays: Vec::new() };
        loop {
            let event = part.next()?;
            match event {
                Event::Start(element) => match element.local_name().as_ref() {
                    "row" => {
                        reading.begin_row(attribute(&element, "r")?.as_deref())?;
                        let is_hidden =
                            is_on(&element, "hidden")? || attribute(&element, "ht")?.as_deref() == Some("0");
                        if is_hidden {
                            reading.cells.cells.hide(reading.row);
                        }
                    }
                    "col" if is_on(&element, "hidden")? => {
                        let place = |name| attribute(&element, name).map(|place| place.and_then(|it| it.parse().ok()));
                        reading.hide_columns(place("min")?, place("max")?);
                    }
                    "c" => {
                        let begun = BegunCell::of(&element)?;
                        let saved = CellContent::of(&mut part)?;
                        reading.take(&begun, saved)?;
                    }
                    "mergeCell" => reading.merge(attribute(&element, "ref")?)?,
                    "legacyDrawing" => {
                        reading.cells.drawing = Some(attribute(&element, "id")?.unwrap_or_default());
                    }
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

/// Whether an element says yes to something.
fn is_on(element: &BytesStart<'_>, name: &str) -> Result<bool, WorkbookFault> {
    attribute(element, name).map(|value| matches!(value.as_deref(), Some("1" | "true")))
}

/// What is in a cell as it was saved.
#[derive(Default)]
struct CellContent {
    text: String,
    /// Whether there is a value, empty though it may be.
    valued: bool,
    formula: bool,
    /// The cells that the formula fills, if it fills several: `C2:C5`.
    fills: Option<String>,
    /// What fonts do to a part of the words.
    mark: Option<Unreadable>,
}

impl CellContent {
    /// Reads up to the end of a cell.
    fn of(part: &mut Part<'_, '_>) -> Result<Self, WorkbookFault> {
        let mut content = Self::default();
        let (mut runs, mut words) = (Runs::default(), String::new());
        loop {
            match part.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "v" => {
                        content.valued = true;
                        content.text.clear();
                        part.text("v", &mut content.text)?;
                    }
                    "f" => {
                        content.formula = true;
                        content.fills = attribute(&element, "ref")?;
                    }
                    "t" if !runs.phonetic => {
                        content.valued = true;
                        words.clear();
                        part.text("t", &mut words)?;
                        runs.add(&words)?;
                    }
                    _ => runs.begin(&element)?,
                },
                Event::End(element) => match element.local_name().as_ref() {
                    "rPh" => runs.phonetic = false,
                    "c" => {
                        content.text.push_str(&runs.text);
                        return Ok(Self { mark: runs.mark, ..content });
                    }
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
    /// The cells that formulas fill besides their own.
    arrays: Vec<Merged>,
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
        if row != self.row || row == 0 || column < self.next {
            return Err(broken("its cells are out of order"));
        }
        self.next = column + 1;
        // Some programs save an empty value if they have not computed it; only of words is nothing a value too.
        let empty_words = content.valued && begun.kind == "str";
        let formula_only = content.formula && content.text.is_empty() && !empty_words;
        if content.text.is_empty() && !formula_only {
            return Ok(());
        }
        if column >= MOST_COLUMNS {
            return Err(too_large(&format!("holds something in {}, beyond column IV", name_of((row, column)))));
        }
        self.fill((row, column), content.fills.as_deref())?;
        let is_formula = content.formula || self.is_filled((row, column));
        let text = content.text;
        let read = if formula_only { Err(Unreadable::FormulaWithoutValue) } else { self.read(begun, &text) };
        let (words, unreadable) = match &read {
            Ok(_) if is_formula && self.context.to_work_out => ("", Some(Unreadable::FormulaToWorkOut)),
            Ok(words) => (words.as_ref(), content.mark.or_else(|| self.mark_of(begun, &text, words))),
            Err(why @ Unreadable::ErrorValue) => (text.as_str(), Some(*why)),
            // It counts as something: the row is not blank.
            Err(why) => ("", Some(*why)),
        };
        self.cells.cells.push(row, column, words, unreadable).map_err(|full| match full {
            Full::Cells => too_large("has more than 1,000,000 cells that hold anything"),
            Full::Text | Full::Place => too_many_words(),
        })
    }

    /// What fonts do to words that are elsewhere, or to the whole of a cell.
    fn mark_of(&self, begun: &BegunCell, text: &str, words: &str) -> Option<Unreadable> {
        let shared = if begun.kind == "s" { text.trim().parse().ok() } else { None };
        let shared = shared.and_then(|place: usize| self.context.strings.marked.get(&place).copied());
        let font = self.context.formats.get(begun.format).and_then(|format| format.font);
        shared.or(font).filter(|_| !words.trim().is_empty())
    }

    /// Notes which cells a formula fills, if these are several.
    fn fill(&mut self, own: (u64, usize), cells: Option<&str>) -> Result<(), WorkbookFault> {
        let cells = cells.filter(|_| self.context.to_work_out).and_then(|cells| cells.split_once(':'));
        let Some((first, last)) = cells.and_then(|(first, last)| Some((place_of(first)?, place_of(last)?))) else {
            return Ok(());
        };
        self.arrays.retain(|array| array.last.0 >= own.0);
        self.arrays.push(Merged { first, last });
        if self.arrays.len() > MOST_ARRAYS {
            return Err(too_large("has more formulas that fill several cells than are looked at"));
        }
        Ok(())
    }

    fn is_filled(&self, (row, column): (u64, usize)) -> bool {
        self.arrays
            .iter()
            .any(|Merged { first, last }| (first.0..=last.0).contains(&row) && (first.1..=last.1).contains(&column))
    }

    /// Notes columns that are not shown, which are counted from 1.
    fn hide_columns(&mut self, first: Option<usize>, last: Option<usize>) {
        if let Some((first, last)) = first.zip(last)
            && self.cells.hidden_columns.len() < MOST_COLUMNS
        {
            self.cells.hidden_columns.push((first.saturating_sub(1), last.saturating_sub(1)));
        }
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
                let shown = context.formats.get(begun.format).map_or(Shown::Plain, |format| format.shown);
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
        let digits = |code: &str| code.len() == 4 && code.bytes().all(|digit| digit.is_ascii_hexdigit());
        let code = after.split_once('_').filter(|(code, _)| digits(code));
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
    fn what_xml_cannot_hold_comes_back() {
        assert_eq!(unescaped("a_x000D_b_x0041_"), "a\rbA");
        assert_eq!(unescaped("_x005F_x000D_"), "_x000D_");
        assert_eq!(unescaped("no_xyz_ _x00"), "no_xyz_ _x00");
    }
}
