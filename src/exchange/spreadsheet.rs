//! Excel workbooks (XLSX) written: flat tables, pages that are printed, forms that are filled in, and a sender's own table
//! with its mistakes marked.
//!
//! The same content gives the same bytes: each workbook says when it was made only by the moment that it is given.
//! Words are written as words and never as formulas; nothing is shown by a colour alone.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use rust_xlsxwriter::{
    Color, DataValidation, DataValidationErrorStyle, DataValidationRule, DocProperties, ExcelDateTime, Format,
    FormatAlign, FormatBorder, ProtectionOptions, Workbook, Worksheet, XlsxError,
};

use super::cells::Cells;
use super::measure::{self, Type, column_pixels};
use super::table::{CellText, ColumnType, Field};

/// Why a workbook cannot be written: a fault of this program.
pub type WriteError = XlsxError;
/// A workbook's bytes.
pub type Written = Result<Vec<u8>, WriteError>;

/// The most UTF-16 units that Excel takes in a cell, less what shows that something was cut off.
pub(super) const MOST_IN_CELL: usize = 32_700;
/// The most decimal places that are shown; the cell holds the figure as it is.
const MOST_DECIMALS: u32 = 3;
/// What words are written in: a font that every machine has one of the same widths for.
const FONT: &str = "Arial";
const BODY: Type = Type { points: 10.0, bold: false };
const BOLD: Type = Type { points: 10.0, bold: true };
const SECTION: Type = Type { points: 12.0, bold: true };
const TITLE: Type = Type { points: 15.0, bold: true };
/// The pixels at the sides of a cell that its words do not use: the indent, and what there always is.
const SIDES: f64 = 18.0;
/// The pixels of a row and a column of which nothing is said.
const DEFAULT_HEIGHT: u32 = 17;
const DEFAULT_WIDTH: u32 = 64;
/// How much smaller than on the screen a form is printed, in percent: so that what there is to know fits on one page's width,
/// and what is filled in on the next.
const FORM_SCALE: u16 = 67;

/// The papers' number of A4.
const A4: u8 = 9;

/// What the pages of a workbook look like.
const DARK: Color = Color::RGB(0x1F_3A_5F);
const PALE: Color = Color::RGB(0xE8_EE_F5);
const INPUT: Color = Color::RGB(0xFF_FB_E6);
const GREEN: Color = Color::RGB(0xC6_E8_CB);
const AMBER: Color = Color::RGB(0xFF_E3_A8);
const RED: Color = Color::RGB(0xF6_BD_BD);
const LINE: Color = Color::RGB(0xB8_C2_CC);

/// What a cell shows.
#[derive(Clone, Debug, Default)]
pub enum Shown {
    /// Nothing.
    #[default]
    Nothing,
    /// Words.
    Words(String),
    /// An exact decimal as it prints, shown with so many decimal places.
    Number {
        /// The number.
        text: String,
        /// How many decimal places are shown.
        decimals: u32,
    },
    /// Words with a colour behind them.
    Toned(String, Tone),
}

impl Shown {
    /// Words, if there are any.
    pub fn words(words: Option<impl Into<String>>) -> Self {
        words.map_or(Self::Nothing, |words| Self::Words(words.into()))
    }
}

/// A colour behind words that say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Green.
    Good,
    /// Amber.
    Middling,
    /// Red.
    Bad,
    /// Grey.
    Open,
}

impl Tone {
    fn colour(self) -> Color {
        match self {
            Self::Good => GREEN,
            Self::Middling => AMBER,
            Self::Bad => RED,
            Self::Open => PALE,
        }
    }
}

/// One sheet that is printed: in landscape, one page wide, its header on every page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What the sheet is called.
    pub name: String,
    /// What is above.
    pub title: String,
    /// The lines under the title: the period, the moment, the headline.
    pub lines: Vec<Shown>,
    /// The columns: heading and width in characters.
    pub columns: Vec<(&'static str, f64)>,
    /// The rows.
    pub rows: Vec<PageRow>,
}

/// A row of a page.
#[derive(Clone, Debug)]
pub enum PageRow {
    /// A heading within the table, of this depth.
    Heading(String, u8),
    /// Cells.
    Cells(Vec<Shown>),
}

/// A sheet that is filled in.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// What the sheet is called.
    pub name: String,
    /// What is above.
    pub title: String,
    /// What to do, in one line.
    pub lead: String,
    /// The columns: heading, width in characters, and whether it is filled in.
    pub columns: Vec<(&'static str, f64, bool)>,
    /// The rows.
    pub rows: Vec<Vec<FormCell>>,
    /// The sheet of notes: a heading and what it says.
    pub notes: Vec<(&'static str, String)>,
}

/// A cell of a form.
#[derive(Clone, Debug, Default)]
pub struct FormCell {
    /// What is in it.
    pub shown: Shown,
    /// What may be put into it.
    pub rule: Rule,
}

/// What may be put into a cell.
#[derive(Clone, Debug, Default)]
pub enum Rule {
    /// Anything, if its column is filled in.
    #[default]
    Free,
    /// A decimal within limits, in the number format General; with a word on it. In a cell with any other number format
    /// `LibreOffice` makes 0.215 of a `21.5%` that is typed, without a trace; in General it shows that it is a percentage.
    Decimal {
        /// The least.
        least: Option<String>,
        /// The most.
        most: Option<String>,
        /// What to put in.
        hint: String,
    },
    /// One of these.
    OneOf(Vec<String>),
    /// Words of at most so many characters.
    Words(u32),
}

fn workbook(title: &str, made: DateTime<Utc>) -> Result<Workbook, WriteError> {
    let small = |number: u32| u8::try_from(number).unwrap_or(1);
    let year = u16::try_from(made.year()).unwrap_or(1900).clamp(1900, 9999);
    let day = ExcelDateTime::from_ymd(year, small(made.month()), small(made.day()))?;
    let made = day.and_hms(u16::from(small(made.hour())), small(made.minute()), made.second())?;
    let mut workbook = Workbook::new();
    // The widths of columns are counted in digits of this font: another would not be of the same width everywhere.
    workbook.set_default_format(&font(BODY), DEFAULT_HEIGHT, DEFAULT_WIDTH)?;
    workbook.set_properties(
        &DocProperties::new().set_title(clipped(title, 250)).set_author("Waymark").set_creation_datetime(&made),
    );
    Ok(workbook)
}

/// Words that fit into a cell.
pub fn clipped(words: &str, most: usize) -> String {
    let mut units = 0;
    let kept: String = words
        .chars()
        .take_while(|char| {
            units += char.len_utf16();
            units <= most
        })
        .collect();
    if kept.len() < words.len() { kept + "…" } else { kept }
}

fn decimals_format(decimals: u32) -> String {
    let places = "0".repeat(usize::try_from(decimals).unwrap_or(0));
    if places.is_empty() { "#,##0".to_owned() } else { format!("#,##0.{places}") }
}

fn row_of(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn column_of(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}

fn font(written: Type) -> Format {
    let format = Format::new().set_font_name(FONT).set_font_size(written.points);
    if written.bold { format.set_bold() } else { format }
}

fn header_format() -> Format {
    font(BOLD)
        .set_font_color(Color::White)
        .set_background_color(DARK)
        .set_text_wrap()
        .set_align(FormatAlign::VerticalCenter)
        .set_align(FormatAlign::Left)
        .set_indent(1)
        .set_border(FormatBorder::Thin)
        .set_border_color(LINE)
}

fn cell_format() -> Format {
    let format = font(BODY).set_text_wrap().set_align(FormatAlign::Top).set_align(FormatAlign::Left).set_indent(1);
    format.set_border(FormatBorder::Thin).set_border_color(LINE)
}

/// A heading within a table, without lines between the cells that it runs over.
fn heading_format(written: Type) -> Format {
    let format = font(written).set_background_color(PALE).set_align(FormatAlign::Top).set_indent(1);
    format.set_border_top(FormatBorder::Thin).set_border_bottom(FormatBorder::Thin).set_border_color(LINE)
}

/// Formats by what they are for: a workbook keeps each once.
struct Formats {
    plain: Format,
    /// For numbers that people put in.
    general: Format,
    numbers: HashMap<u32, Format>,
}

impl Formats {
    fn on(plain: Format) -> Self {
        let numbers = (0..=10).map(|decimals| {
            // The room of a letter is behind each number: an indent at the right is not kept by every program.
            let shown = format!("{}_w", decimals_format(decimals));
            let format = plain.clone().set_num_format(shown).set_align(FormatAlign::Right).set_indent(0);
            (decimals, format)
        });
        let numbers = numbers.collect();
        Self { numbers, general: plain.clone().set_align(FormatAlign::Right), plain }
    }

    /// A number that people put in or change, to its last digit and in the number format General.
    fn write_general(&self, sheet: &mut Worksheet, row: u32, column: u16, shown: &Shown) -> Result<(), WriteError> {
        match shown {
            Shown::Nothing => sheet.write_blank(row, column, &self.general)?,
            Shown::Number { text, .. } => match text.parse::<f64>() {
                Ok(number) => sheet.write_number_with_format(row, column, number, &self.general)?,
                Err(_no_number) => sheet.write_string_with_format(row, column, text, &self.general)?,
            },
            Shown::Words(words) | Shown::Toned(words, _) => {
                sheet.write_string_with_format(row, column, clipped(words, MOST_IN_CELL), &self.general)?
            }
        };
        Ok(())
    }

    fn number(&self, decimals: u32) -> &Format {
        self.numbers.get(&decimals.min(MOST_DECIMALS)).unwrap_or(&self.plain)
    }

    fn write(&self, sheet: &mut Worksheet, row: u32, column: u16, shown: &Shown) -> Result<(), WriteError> {
        match shown {
            Shown::Nothing => sheet.write_blank(row, column, &self.plain)?,
            Shown::Words(words) => {
                sheet.write_string_with_format(row, column, clipped(words, MOST_IN_CELL), &self.plain)?
            }
            Shown::Number { text, decimals } => match text.parse::<f64>() {
                Ok(number) => sheet.write_number_with_format(row, column, number, self.number(*decimals))?,
                Err(_no_number) => sheet.write_string_with_format(row, column, text, &self.plain)?,
            },
            Shown::Toned(words, tone) => {
                let format = self.plain.clone().set_background_color(tone.colour());
                sheet.write_string_with_format(row, column, words, &format)?
            }
        };
        Ok(())
    }
}

/// A flat table: a header row with the columns' names, then one row after another, each cell as it prints.
///
/// # Errors
/// If the table does not fit into a sheet.
pub fn table(
    name: &str,
    fields: &[Field],
    rows: impl IntoIterator<Item = Vec<CellText>>,
    made: DateTime<Utc>,
) -> Written {
    let mut book = workbook(name, made)?;
    let sheet = book.add_worksheet();
    sheet.set_name(name)?;
    let (header, day) = (header_format(), Format::new().set_num_format("yyyy-mm-dd"));
    for (place, field) in fields.iter().enumerate() {
        sheet.write_string_with_format(0, column_of(place), field.name, &header)?;
        let width = match field.kind {
            ColumnType::Text => 24.0,
            ColumnType::DateTime => 22.0,
            _ => 13.0,
        };
        sheet.set_column_width(column_of(place), width)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    for (place, cells) in rows.into_iter().enumerate() {
        let row = row_of(place + 1);
        for (place, (field, cell)) in fields.iter().zip(cells).enumerate() {
            let (Some(text), place) = (cell, column_of(place)) else { continue };
            match field.kind {
                ColumnType::Number | ColumnType::Integer => match text.parse::<f64>() {
                    Ok(number) => sheet.write_number(row, place, number)?,
                    Err(_no_number) => sheet.write_string(row, place, text)?,
                },
                ColumnType::Boolean => sheet.write_boolean(row, place, text == "true")?,
                ColumnType::Date => match text.parse::<NaiveDate>().ok().and_then(excel_day) {
                    Some(date) => sheet.write_datetime_with_format(row, place, date, &day)?,
                    None => sheet.write_string(row, place, text)?,
                },
                ColumnType::Text | ColumnType::DateTime => {
                    sheet.write_string(row, place, clipped(&text, MOST_IN_CELL))?
                }
            };
        }
    }
    book.save_to_buffer()
}

/// A day as Excel keeps it; `None` for those that it cannot.
fn excel_day(day: NaiveDate) -> Option<ExcelDateTime> {
    let year = u16::try_from(day.year()).ok().filter(|year| *year > 1900)?;
    ExcelDateTime::from_ymd(year, u8::try_from(day.month()).ok()?, u8::try_from(day.day()).ok()?).ok()
}

/// Pages to be printed.
///
/// # Errors
/// If one does not fit into a sheet.
pub fn printed(title: &str, pages: &[Page], made: DateTime<Utc>) -> Written {
    let mut book = workbook(title, made)?;
    for page in pages {
        print(book.add_worksheet(), page)?;
    }
    book.save_to_buffer()
}

/// What every sheet that is printed has in common: A4 in landscape, with its title and the number of the page beneath.
fn paper(sheet: &mut Worksheet, title: &str) {
    sheet.set_landscape().set_paper_size(A4).set_margins(0.4, 0.4, 0.5, 0.7, 0.3, 0.3);
    sheet.set_footer(format!("&L&8 {}&R&8Page &P of &N", in_code(title, 120)));
}

/// Words for a header or footer, in which an ampersand begins a code.
fn in_code(words: &str, most: usize) -> String {
    clipped(words, most).replace('&', "&&")
}

fn print(sheet: &mut Worksheet, page: &Page) -> Result<(), WriteError> {
    sheet.set_name(&page.name)?;
    paper(sheet, &page.title);
    sheet.set_print_fit_to_pages(1, 0);
    let widths = widths_on_paper(page);
    let headings: Vec<&str> = page.columns.iter().map(|(heading, _)| *heading).collect();
    let header = top(sheet, &page.title, &page.lines, &widths)?;
    write_header(sheet, header, headings.iter().map(|heading| (*heading, header_format())), &widths)?;
    sheet.set_freeze_panes(header + 1, 0)?;
    sheet.set_repeat_rows(header, header)?;
    let formats = Formats::on(cell_format());
    let mut at = header + 1;
    for row in &page.rows {
        match row {
            PageRow::Heading(words, depth) => {
                let written = if *depth == 0 { SECTION } else { BOLD };
                let format = heading_format(written);
                // Words that do not wrap run on over the empty cells beside them; a merged cell is no use to anyone who
                // sorts or reads the sheet by a program.
                at = across(sheet, at, words, written, &format, &widths)?;
            }
            PageRow::Cells(cells) => at = write_row(sheet, at, cells, &formats, &widths)?,
        }
    }
    Ok(())
}

/// How wide each column is: as drawn, or as wide as its widest number. What numbers take more than was drawn for them comes off the
/// wide columns, whose words break into more lines: the sheet is fitted to a page's width, and its letters stay large enough to read.
fn widths_on_paper(page: &Page) -> Vec<f64> {
    const WIDE: f64 = 20.0;
    let drawn: Vec<f64> = page.columns.iter().map(|(_, width)| *width).collect();
    let needed: Vec<f64> =
        drawn.iter().enumerate().map(|(place, width)| width.max(widest_number(page, place))).collect();
    let excess: f64 = needed.iter().zip(&drawn).map(|(needed, drawn)| needed - drawn).sum();
    let spare = |needed: f64, drawn: f64| if needed > drawn { 0.0 } else { (drawn - WIDE).max(0.0) };
    let to_spare: f64 = needed.iter().zip(&drawn).map(|(needed, drawn)| spare(*needed, *drawn)).sum();
    let part = if to_spare > 0.0 { (excess / to_spare).min(1.0) } else { 0.0 };
    needed.iter().zip(&drawn).map(|(needed, drawn)| needed - part * spare(*needed, *drawn)).collect()
}

/// How wide a column must be for its widest number.
fn widest_number(page: &Page, place: usize) -> f64 {
    let cells = page.rows.iter().filter_map(|row| match row {
        PageRow::Cells(cells) => cells.get(place),
        PageRow::Heading(..) => None,
    });
    let pixels = cells.filter_map(|shown| match shown {
        Shown::Number { text, decimals } => {
            let whole = text.split('.').next().unwrap_or_default().len();
            let places = usize::try_from((*decimals).min(MOST_DECIMALS)).unwrap_or(0);
            // With the commas between thousands, the point, and a digit more if rounding makes one.
            let length = whole + whole / 3 + places + 2;
            Some(measure::pixels(&"0".repeat(length), BODY) + SIDES)
        }
        _ => None,
    });
    pixels.fold(0.0, f64::max) / 7.0
}

/// Writes a header, as high as its headings are.
fn write_header<'a>(
    sheet: &mut Worksheet,
    row: u32,
    headings: impl Iterator<Item = (&'a str, Format)>,
    widths: &[f64],
) -> Result<(), WriteError> {
    let mut most = 1;
    for (place, ((heading, format), width)) in headings.zip(widths).enumerate() {
        sheet.write_string_with_format(row, column_of(place), heading, &format)?;
        sheet.set_column_width(column_of(place), *width)?;
        most = most.max(measure::lines(heading, column_pixels(*width) - SIDES, BOLD).len());
    }
    sheet.set_row_height(row, measure::height(most, BOLD))?;
    Ok(())
}

/// Writes words over the whole width, one row per line of them, and gives the row beneath.
fn across(
    sheet: &mut Worksheet,
    first: u32,
    words: &str,
    written: Type,
    format: &Format,
    widths: &[f64],
) -> Result<u32, WriteError> {
    let within: f64 = widths.iter().map(|width| column_pixels(*width)).sum();
    let last = column_of(widths.len().saturating_sub(1));
    let mut at = first;
    for line in measure::lines(clipped(words, MOST_IN_CELL).as_str(), within - SIDES, written) {
        sheet.write_string_with_format(at, 0, line, format)?;
        for column in 1..=last {
            sheet.write_blank(at, column, format)?;
        }
        sheet.set_row_height(at, measure::height(1, written))?;
        at += 1;
    }
    Ok(at)
}

/// Writes the cells of a row, as high as the longest of them, and gives the row beneath. What does not fit into the highest row
/// that there is goes on in the next.
fn write_row(
    sheet: &mut Worksheet,
    first: u32,
    cells: &[Shown],
    formats: &Formats,
    widths: &[f64],
) -> Result<u32, WriteError> {
    let most = measure::most_lines(BODY);
    let broken: Vec<Vec<String>> = cells.iter().zip(widths).map(|(shown, width)| broken(shown, *width)).collect();
    let longest = broken.iter().map(Vec::len).max().unwrap_or(1).max(1);
    let mut at = first;
    for part in 0..longest.div_ceil(most) {
        let mut height = 1;
        for (place, (shown, lines)) in cells.iter().zip(&broken).enumerate() {
            let lines = lines.get(part * most..).unwrap_or_default();
            let lines = lines.get(..most.min(lines.len())).unwrap_or_default();
            height = height.max(lines.len());
            let column = column_of(place);
            match shown {
                Shown::Words(words) if longest <= most => {
                    formats.write(sheet, at, column, &Shown::Words(words.clone()))?;
                }
                Shown::Words(_) if lines.is_empty() => formats.write(sheet, at, column, &Shown::Nothing)?,
                Shown::Words(_) => formats.write(sheet, at, column, &Shown::Words(lines.join("\n")))?,
                _ if part > 0 => formats.write(sheet, at, column, &Shown::Nothing)?,
                other => formats.write(sheet, at, column, other)?,
            }
        }
        sheet.set_row_height(at, measure::height(height, BODY))?;
        at += 1;
    }
    Ok(at)
}

/// The lines that a cell's words break into in a column so wide.
fn broken(shown: &Shown, width: f64) -> Vec<String> {
    match shown {
        Shown::Words(words) | Shown::Toned(words, _) => measure::lines(words, column_pixels(width) - SIDES, BODY),
        Shown::Nothing | Shown::Number { .. } => Vec::new(),
    }
}

/// Writes a title and the lines under it over the whole width, and gives the row that is free beneath.
fn top(sheet: &mut Worksheet, title: &str, lines: &[Shown], widths: &[f64]) -> Result<u32, WriteError> {
    let mut at = across(sheet, 0, title, TITLE, &font(TITLE).set_font_color(DARK), widths)?;
    for line in lines {
        match line {
            Shown::Words(words) => at = across(sheet, at, words, BODY, &font(BODY), widths)?,
            Shown::Toned(words, tone) => {
                let format = font(BOLD).set_background_color(tone.colour());
                at = across(sheet, at, words, BOLD, &format, widths)?;
            }
            Shown::Nothing | Shown::Number { .. } => {
                Formats::on(font(BODY)).write(sheet, at, 0, line)?;
                at += 1;
            }
        }
    }
    Ok(at + 1)
}

/// A form to be filled in, with a sheet of notes.
///
/// # Errors
/// If it does not fit into a sheet.
pub fn form(form: &Form, made: DateTime<Utc>) -> Written {
    let mut book = workbook(&form.title, made)?;
    fill(book.add_worksheet(), form)?;
    let notes = book.add_worksheet();
    notes.set_name("Notes")?;
    paper(notes, &form.title);
    notes.set_print_fit_to_pages(1, 0);
    let widths = [28.0, 104.0];
    let mut at = top(notes, "How to fill it in", &[], &widths)?;
    for (place, width) in widths.iter().enumerate() {
        notes.set_column_width(column_of(place), *width)?;
    }
    notes.set_repeat_rows(0, 0)?;
    let formats = Formats::on(cell_format());
    let bold = cell_format().set_bold();
    for (heading, words) in &form.notes {
        let first = at;
        at = write_row(
            notes,
            at,
            &[Shown::Words((*heading).to_owned()), Shown::Words(words.clone())],
            &formats,
            &widths,
        )?;
        notes.write_string_with_format(first, 0, *heading, &bold)?;
    }
    book.save_to_buffer()
}

fn fill(sheet: &mut Worksheet, form: &Form) -> Result<(), WriteError> {
    sheet.set_name(&form.name)?;
    paper(sheet, &form.title);
    sheet.set_print_scale(FORM_SCALE);
    let widths: Vec<f64> = form.columns.iter().map(|(_, width, _)| *width).collect();
    let given: Vec<f64> = form.columns.iter().filter(|(_, _, filled)| !*filled).map(|(_, width, _)| *width).collect();
    let header = top(sheet, &form.title, &[Shown::Words(form.lead.clone())], &given)?;
    let asked = header_format().set_background_color(Color::RGB(0x7A_5A_00));
    let headings = form
        .columns
        .iter()
        .map(|(heading, _, filled)| (*heading, if *filled { asked.clone() } else { header_format() }));
    write_header(sheet, header, headings, &widths)?;
    sheet.set_freeze_panes(header + 1, 2)?;
    // Which KPI a row is about is on both pages.
    sheet.set_repeat_rows(header, header)?.set_repeat_columns(0, 1)?;
    // What is above the table is printed above each of its pages.
    let last = header + row_of(form.rows.len());
    sheet.set_print_area(header, 0, last, column_of(widths.len().saturating_sub(1)))?;
    sheet.set_header(format!("&L&12 {}\n&9 {}", in_code(&form.title, 150), in_code(&form.lead, 90)));
    sheet.set_margins(0.4, 0.4, 0.9, 0.7, 0.3, 0.3);
    sheet.set_vertical_page_breaks(&[u32::try_from(given.len()).unwrap_or(1)])?;
    let fixed = Formats::on(cell_format().set_background_color(PALE));
    let open = Formats::on(cell_format().set_background_color(INPUT).set_unlocked());
    let most = measure::most_lines(BODY);
    for (place, cells) in form.rows.iter().enumerate() {
        let row = header + 1 + row_of(place);
        // Room to write something in by hand.
        let mut height = 2;
        for (place, (cell, (_, width, filled))) in cells.iter().zip(&form.columns).enumerate() {
            let column = column_of(place);
            let formats = if *filled { &open } else { &fixed };
            let lines = broken(&cell.shown, *width);
            height = height.max(lines.len().min(most));
            match (&cell.shown, &cell.rule) {
                (shown, Rule::Decimal { .. }) => formats.write_general(sheet, row, column, shown)?,
                // What only helps to fill it in is shown as far as there is room.
                (Shown::Words(_), _) if !*filled && lines.len() > most => {
                    let shown = lines.get(..most).unwrap_or_default().join(" ") + " …";
                    formats.write(sheet, row, column, &Shown::Words(shown))?;
                }
                (shown, _) => formats.write(sheet, row, column, shown)?,
            }
            if let Some(validation) = validation(&cell.rule)? {
                sheet.add_data_validation(row, column, row, column, &validation)?;
            }
        }
        sheet.set_row_height(row, measure::height(height, BODY))?;
    }
    // Without a password: it keeps slips out, and nobody who means it.
    sheet.protect_with_options(&ProtectionOptions {
        format_cells: true,
        format_columns: true,
        format_rows: true,
        sort: true,
        use_autofilter: true,
        ..ProtectionOptions::new()
    });
    Ok(())
}

fn validation(rule: &Rule) -> Result<Option<DataValidation>, WriteError> {
    Ok(Some(match rule {
        Rule::Free => return Ok(None),
        Rule::Decimal { least, most, hint, .. } => {
            let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<f64>().ok());
            let within = match (number(least), number(most)) {
                (Some(least), Some(most)) => DataValidationRule::Between(least, most),
                (Some(least), None) => DataValidationRule::GreaterThanOrEqualTo(least),
                (None, Some(most)) => DataValidationRule::LessThanOrEqualTo(most),
                (None, None) => DataValidationRule::Between(-999_999_999_999_999.0, 999_999_999_999_999.0),
            };
            DataValidation::new()
                .allow_decimal_number(within)
                .set_input_message(clipped(hint, 250))?
                .set_error_title("This cannot be right")?
                .set_error_message(clipped(hint, 220))?
        }
        Rule::OneOf(choices) => {
            // A list with a comma in it, or a long one, is no drop-down.
            let length: usize = choices.iter().map(|choice| choice.chars().count() + 1).sum();
            if length > 250 || choices.iter().any(|choice| choice.contains([',', '"'])) {
                return Ok(None);
            }
            let message = format!("Choose one of: {}.", choices.join(", "));
            DataValidation::new()
                .allow_list_strings(choices)?
                .set_error_title("Not one of the choices")?
                .set_error_message(clipped(&message, 220))?
        }
        Rule::Words(most) => DataValidation::new()
            .allow_text_length(DataValidationRule::LessThanOrEqualTo(*most))
            .set_error_style(DataValidationErrorStyle::Stop)
            .set_error_title("Too long")?
            .set_error_message(format!("At most {most} characters."))?,
    }))
}

/// A plain table: each cell where it was. Numbers are numbers if they come back as they were, all else is words.
///
/// # Errors
/// If it does not fit into a sheet.
pub fn copied(cells: &Cells, made: DateTime<Utc>) -> Written {
    let mut book = workbook("Figures", made)?;
    let sheet = book.add_worksheet();
    sheet.set_name("Figures")?;
    for cells in cells.rows() {
        let row = row_of(usize::try_from(cells.number.saturating_sub(1)).unwrap_or(usize::MAX));
        for (place, text) in cells.cells() {
            // Of a cell that cannot be read, what it shows.
            let text = cells.unreadable(place).map_or(text, |(_, shown)| shown);
            if text.is_empty() {
                continue;
            }
            match number_as_written(text) {
                Some(number) => sheet.write_number(row, column_of(place), number)?,
                None => sheet.write_string(row, column_of(place), clipped(text, MOST_IN_CELL))?,
            };
        }
    }
    sheet.set_autofit_max_width(240).autofit();
    book.save_to_buffer()
}

/// A number, if its text would come back from a sheet as it is.
fn number_as_written(text: &str) -> Option<f64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    let number: f64 = text.parse().ok().filter(|_| digits)?;
    (number.to_string() == text && text.len() <= 15).then_some(number)
}
