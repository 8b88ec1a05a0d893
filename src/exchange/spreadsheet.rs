//! Excel workbooks (XLSX) written: flat tables, pages that are printed, forms that are filled in, and a sender's own table
//! with its mistakes marked.
//!
//! The same content gives the same bytes: each workbook says when it was made only by the moment that it is given. Words are
//! written as words and never as formulas; nothing is told by a colour alone.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use rust_xlsxwriter::{
    Color, DataValidation, DataValidationErrorStyle, DataValidationRule, DocProperties, ExcelDateTime, Format,
    FormatAlign, FormatBorder, ProtectionOptions, Workbook, Worksheet, XlsxError,
};

use super::cells::Cells;
use super::table::{CellText, Column, ColumnType};

/// Why a workbook cannot be written: a fault of this program.
pub type WriteError = XlsxError;
/// A workbook's bytes.
pub type Written = Result<Vec<u8>, WriteError>;

/// The most UTF-16 units that Excel takes in a cell, less what tells that something was cut off.
pub(super) const MOST_IN_CELL: usize = 32_700;
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
    /// Words, where there are any.
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

/// One sheet that is printed: in landscape, one page wide, its header on every page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What the sheet is called.
    pub name: String,
    /// What stands above.
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
    /// What stands above.
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
    /// What stands in it.
    pub shown: Shown,
    /// What may be put into it.
    pub rule: Rule,
}

/// What may be put into a cell.
#[derive(Clone, Debug, Default)]
pub enum Rule {
    /// Anything, where its column is filled in.
    #[default]
    Free,
    /// A decimal within limits, in the number format General; with a word on it. In a cell with any other number format
    /// LibreOffice makes 0.215 of a `21.5%` that is typed, without a trace; in General it shows that it is a percentage.
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
    workbook.set_properties(
        &DocProperties::new().set_title(clipped(title, 250)).set_author("Waymark").set_creation_datetime(&made),
    );
    Ok(workbook)
}

/// Words that fit into a cell.
pub(super) fn clipped(words: &str, most: usize) -> String {
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

fn header_format() -> Format {
    Format::new()
        .set_bold()
        .set_font_color(Color::White)
        .set_background_color(DARK)
        .set_text_wrap()
        .set_align(FormatAlign::VerticalCenter)
        .set_border(FormatBorder::Thin)
        .set_border_color(LINE)
}

fn cell_format() -> Format {
    Format::new().set_text_wrap().set_align(FormatAlign::Top).set_border(FormatBorder::Thin).set_border_color(LINE)
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
            let format = plain.clone().set_num_format(decimals_format(decimals)).set_align(FormatAlign::Right);
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
        self.numbers.get(&decimals).unwrap_or(&self.plain)
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
                let colour = match tone {
                    Tone::Good => GREEN,
                    Tone::Middling => AMBER,
                    Tone::Bad => RED,
                    Tone::Open => PALE,
                };
                let format = self.plain.clone().set_background_color(colour);
                sheet.write_string_with_format(row, column, words, &format)?
            }
        };
        Ok(())
    }
}

/// A flat table: a header row with the columns' names, then one row after another, each cell as it prints.
///
/// # Errors
/// Where the table does not fit into a sheet.
pub fn table(
    name: &str,
    columns: &[Column],
    rows: impl IntoIterator<Item = Vec<CellText>>,
    made: DateTime<Utc>,
) -> Written {
    let mut book = workbook(name, made)?;
    let sheet = book.add_worksheet();
    sheet.set_name(name)?;
    let (header, day) = (header_format(), Format::new().set_num_format("yyyy-mm-dd"));
    for (place, column) in columns.iter().enumerate() {
        sheet.write_string_with_format(0, column_of(place), column.name, &header)?;
        let width = match column.kind {
            ColumnType::Text => 24.0,
            ColumnType::DateTime => 22.0,
            _ => 13.0,
        };
        sheet.set_column_width(column_of(place), width)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    for (place, cells) in rows.into_iter().enumerate() {
        let row = row_of(place + 1);
        for (place, (column, cell)) in columns.iter().zip(cells).enumerate() {
            let (Some(text), place) = (cell, column_of(place)) else { continue };
            match column.kind {
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
/// Where one does not fit into a sheet.
pub fn printed(title: &str, pages: &[Page], made: DateTime<Utc>) -> Written {
    let mut book = workbook(title, made)?;
    for page in pages {
        print(book.add_worksheet(), page)?;
    }
    book.save_to_buffer()
}

fn print(sheet: &mut Worksheet, page: &Page) -> Result<(), WriteError> {
    sheet.set_name(&page.name)?;
    sheet.set_landscape().set_paper_size(A4).set_print_fit_to_pages(1, 0);
    sheet.set_margins(0.4, 0.4, 0.6, 0.7, 0.3, 0.3);
    // An ampersand begins a code in a footer.
    sheet.set_footer(format!("&L{}&RPage &P of &N", clipped(&page.title, 120).replace('&', "&&")));
    let header = top(sheet, &page.title, &page.lines)?;
    let format = header_format();
    for (place, (heading, width)) in page.columns.iter().enumerate() {
        sheet.write_string_with_format(header, column_of(place), *heading, &format)?;
        sheet.set_column_width(column_of(place), *width)?;
    }
    sheet.set_freeze_panes(header + 1, 0)?;
    sheet.set_repeat_rows(header, header)?;
    let formats = Formats::on(cell_format());
    let last = column_of(page.columns.len().saturating_sub(1));
    for (place, row) in page.rows.iter().enumerate() {
        let at = header + 1 + row_of(place);
        match row {
            PageRow::Heading(words, depth) => {
                let format = cell_format().set_bold().set_background_color(PALE);
                let format = if *depth == 0 { format.set_font_size(12.0) } else { format };
                // Each cell by itself: a merged one is no use to whoever sorts or reads the sheet by a program.
                for column in 0..=last {
                    sheet.write_blank(at, column, &format)?;
                }
                // Words that do not wrap run on over the empty cells beside them.
                let format = format.set_align(FormatAlign::Left);
                sheet.write_string_with_format(at, 0, clipped(words, MOST_IN_CELL), &unwrapped(&format))?;
            }
            PageRow::Cells(cells) => {
                for (place, shown) in cells.iter().enumerate() {
                    formats.write(sheet, at, column_of(place), shown)?;
                }
            }
        }
    }
    Ok(())
}

fn unwrapped(format: &Format) -> Format {
    format.clone().unset_text_wrap()
}

/// Writes a title and the lines under it, and gives the row that is free beneath.
fn top(sheet: &mut Worksheet, title: &str, lines: &[Shown]) -> Result<u32, WriteError> {
    let format = Format::new().set_bold().set_font_size(15.0).set_font_color(DARK);
    sheet.write_string_with_format(0, 0, clipped(title, MOST_IN_CELL), &format)?;
    let formats = Formats::on(Format::new());
    for (place, line) in lines.iter().enumerate() {
        formats.write(sheet, row_of(place + 1), 0, line)?;
    }
    Ok(row_of(lines.len() + 2))
}

/// A form to be filled in, with a sheet of notes.
///
/// # Errors
/// Where it does not fit into a sheet.
pub fn form(form: &Form, made: DateTime<Utc>) -> Written {
    let mut book = workbook(&form.title, made)?;
    fill(book.add_worksheet(), form)?;
    let notes = book.add_worksheet();
    notes.set_name("Notes")?;
    notes.set_column_width(0, 26.0)?;
    notes.set_column_width(1, 100.0)?;
    let title = Format::new().set_bold().set_font_size(15.0).set_font_color(DARK);
    notes.write_string_with_format(0, 0, "How to fill it in", &title)?;
    let (bold, plain) = (cell_format().set_bold(), cell_format());
    for (place, (heading, words)) in form.notes.iter().enumerate() {
        notes.write_string_with_format(row_of(place + 2), 0, *heading, &bold)?;
        notes.write_string_with_format(row_of(place + 2), 1, clipped(words, MOST_IN_CELL), &plain)?;
    }
    book.save_to_buffer()
}

fn fill(sheet: &mut Worksheet, form: &Form) -> Result<(), WriteError> {
    sheet.set_name(&form.name)?;
    sheet.set_landscape().set_paper_size(A4).set_print_fit_to_pages(1, 0);
    let header = top(sheet, &form.title, &[Shown::Words(form.lead.clone())])?;
    let given = header_format();
    let asked = header_format().set_background_color(Color::RGB(0x7A_5A_00));
    for (place, (heading, width, filled)) in form.columns.iter().enumerate() {
        sheet.write_string_with_format(header, column_of(place), *heading, if *filled { &asked } else { &given })?;
        sheet.set_column_width(column_of(place), *width)?;
    }
    sheet.set_freeze_panes(header + 1, 2)?;
    sheet.set_repeat_rows(header, header)?;
    let fixed = Formats::on(cell_format().set_background_color(PALE));
    let open = Formats::on(cell_format().set_background_color(INPUT).set_unlocked());
    for (place, cells) in form.rows.iter().enumerate() {
        let row = header + 1 + row_of(place);
        for (place, (cell, (_, _, filled))) in cells.iter().zip(&form.columns).enumerate() {
            let column = column_of(place);
            let formats = if *filled { &open } else { &fixed };
            match &cell.rule {
                Rule::Decimal { .. } => formats.write_general(sheet, row, column, &cell.shown)?,
                _ => formats.write(sheet, row, column, &cell.shown)?,
            }
            if let Some(validation) = validation(&cell.rule)? {
                sheet.add_data_validation(row, column, row, column, &validation)?;
            }
        }
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

/// A plain table: each cell where it stood. Numbers are numbers where they come back as they were, all else is words.
///
/// # Errors
/// Where it does not fit into a sheet.
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

/// A number, where its text would come back from a sheet as it is.
fn number_as_written(text: &str) -> Option<f64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    let number: f64 = text.parse().ok().filter(|_| digits)?;
    (number.to_string() == text && text.len() <= 15).then_some(number)
}
