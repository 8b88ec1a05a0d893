//! The cells of a table that hold anything, each where it is. How far apart they are costs nothing: what is kept is
//! bounded by how many there are and by their words, wherever a file puts them.

/// The most cells that hold anything.
pub const MOST_CELLS: usize = 1_000_000;
/// The most bytes of the words in them.
pub const MOST_TEXT: usize = 64 << 20;
/// The last row that a sheet has.
pub const LAST_ROW: u64 = 1_048_576;
/// How many columns a sheet has.
pub const COLUMNS: usize = 16_384;

/// A table's cells that hold anything, row by row from the top, in each row from the left.
#[derive(Clone, Debug, Default)]
pub struct Cells {
    /// The words of all of them, one after another.
    text: String,
    kept: Vec<Kept>,
    /// For each row that holds anything its number, and where its cells begin.
    rows: Vec<(u32, usize)>,
    /// The numbers of the rows that are not shown, in their order.
    hidden: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    column: u16,
    unreadable: Option<Unreadable>,
    from: u32,
    to: u32,
}

/// Why a cell cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// A formula without the value that it has.
    FormulaWithoutValue,
    /// A formula with a value that the workbook itself asks to have worked out again.
    FormulaToWorkOut,
    /// It shows that something went wrong, in these words: `#DIV/0!`.
    ErrorValue,
    /// Nothing can be made of it.
    Nonsense,
    /// Words or digits of it are superscript or subscript, as footnote marks are.
    Raised,
    /// Words or digits of it are struck through.
    Struck,
}

impl Unreadable {
    /// Whether there are words all the same, for anyone who reads words.
    fn has_words(self) -> bool {
        matches!(self, Self::Raised | Self::Struck)
    }
}

/// Why a cell cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// There are [`MOST_CELLS`].
    Cells,
    /// There are more than [`MOST_TEXT`] bytes of words.
    Text,
    /// A sheet has no such place.
    Place,
}

/// A row that holds anything.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Its number in the sheet, from 1.
    pub number: u64,
    /// Whether it is not shown: a filter or a person hides it.
    pub hidden: bool,
    cells: &'a [Kept],
    text: &'a str,
}

impl Cells {
    /// Adds a cell behind the last one: further down, or further to the right in its row.
    ///
    /// # Errors
    /// Why it cannot be stored.
    pub fn push(&mut self, row: u64, column: usize, words: &str, unreadable: Option<Unreadable>) -> Result<(), Full> {
        let place = u32::try_from(row).ok().zip(u16::try_from(column).ok());
        let (row, column) = place.filter(|_| row <= LAST_ROW && column < COLUMNS).ok_or(Full::Place)?;
        if self.kept.len() >= MOST_CELLS {
            return Err(Full::Cells);
        }
        if self.text.len() + words.len() > MOST_TEXT {
            return Err(Full::Text);
        }
        if self.rows.last().is_none_or(|(last, _)| *last != row) {
            self.rows.push((row, self.kept.len()));
        }
        let end = |text: &str| u32::try_from(text.len()).map_err(|_beyond| Full::Text);
        let from = end(&self.text)?;
        self.text.push_str(words);
        self.kept.push(Kept { column, unreadable, from, to: end(&self.text)? });
        Ok(())
    }

    /// Notes that a row is not shown, in the order of their numbers.
    pub fn hide(&mut self, row: u64) {
        self.hidden.extend(u32::try_from(row).ok());
    }

    /// How many rows hold anything.
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// How many cells hold anything.
    pub fn cell_count(&self) -> usize {
        self.kept.len()
    }

    /// How many bytes their words have.
    pub fn text_len(&self) -> usize {
        self.text.len()
    }

    /// One of the rows that hold anything, the first being 0.
    pub fn row(&self, place: usize) -> Option<Row<'_>> {
        let (number, first) = *self.rows.get(place)?;
        let end = self.rows.get(place + 1).map_or(self.kept.len(), |(_, first)| *first);
        let hidden = self.hidden.binary_search(&number).is_ok();
        Some(Row { number: number.into(), hidden, cells: self.kept.get(first..end)?, text: &self.text })
    }

    /// The rows that hold anything.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.rows.len()).filter_map(|place| self.row(place))
    }
}

impl<'a> Row<'a> {
    /// The words in a column, the first being 0; none if nothing is there, or no words can be made of it.
    pub fn get(&self, column: usize) -> Option<&'a str> {
        self.kept(column).map(|kept| self.shown(kept))
    }

    /// The cells that hold anything: the column of each, and its words.
    pub fn cells(&self) -> impl Iterator<Item = (usize, &'a str)> {
        let row = *self;
        row.cells.iter().map(move |kept| (usize::from(kept.column), row.shown(kept)))
    }

    /// The words in each column up to the last that holds anything.
    pub fn all(&self) -> impl Iterator<Item = &'a str> {
        let row = *self;
        let width = row.cells.last().map_or(0, |last| usize::from(last.column) + 1);
        (0..width).map(move |column| row.get(column).unwrap_or_default())
    }

    /// Why the cell in a column cannot be read, if it cannot, and the words that are in it.
    pub fn unreadable(&self, column: usize) -> Option<(Unreadable, &'a str)> {
        let kept = self.kept(column)?;
        Some((kept.unreadable?, self.words(kept)))
    }

    fn kept(&self, column: usize) -> Option<&'a Kept> {
        let place = self.cells.binary_search_by_key(&column, |kept| usize::from(kept.column)).ok()?;
        self.cells.get(place)
    }

    fn shown(&self, kept: &Kept) -> &'a str {
        let is_shown = kept.unreadable.is_none_or(Unreadable::has_words);
        if is_shown { self.words(kept) } else { "" }
    }

    fn words(&self, kept: &Kept) -> &'a str {
        let range = usize::try_from(kept.from).ok().zip(usize::try_from(kept.to).ok());
        range.and_then(|(from, to)| self.text.get(from..to)).unwrap_or_default()
    }
}

/// A cell's name, such as `D7`.
pub fn name_of((row, column): (u64, usize)) -> String {
    format!("{}{row}", letters(column))
}

/// The letters of a column, the first being 0: `A`, `AB`.
fn letters(column: usize) -> String {
    let mut letters = Vec::new();
    let mut left = column + 1;
    while left > 0 {
        let digit = u8::try_from((left - 1) % 26).unwrap_or(0);
        letters.push(char::from(b'A' + digit));
        left = (left - 1) / 26;
    }
    letters.into_iter().rev().collect()
}

/// Row and column of a cell's name such as `D7`; the row from 1, the column from 0.
pub fn place_of(name: &str) -> Option<(u64, usize)> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn cells_are_found_where_they_were_put() {
        let mut cells = Cells::default();
        for (row, column, words) in [(1, 0, "kpi"), (1, 2, "value"), (9, 255, "far")] {
            cells.push(row, column, words, None).unwrap();
        }
        cells.push(9, 256, "#N/A", Some(Unreadable::ErrorValue)).unwrap();
        let rows: Vec<_> = cells.rows().map(|row| (row.number, row.cells().collect::<Vec<_>>())).collect();
        assert_eq!(rows, [(1, vec![(0, "kpi"), (2, "value")]), (9, vec![(255, "far"), (256, "")])]);
        let (first, last) = (cells.row(0).unwrap(), cells.row(1).unwrap());
        assert_eq!(first.all().collect::<Vec<_>>(), ["kpi", "", "value"]);
        assert_eq!((first.get(1), first.get(2), first.get(3)), (None, Some("value"), None));
        assert_eq!((last.get(255), last.unreadable(255)), (Some("far"), None));
        assert_eq!(last.unreadable(256), Some((Unreadable::ErrorValue, "#N/A")));
        assert!(cells.row(2).is_none());
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let mut cells = Cells::default();
        assert_eq!(cells.push(1, COLUMNS, "x", None), Err(Full::Place));
        assert_eq!(cells.push(LAST_ROW + 1, 0, "x", None), Err(Full::Place));
        cells.push(1, 0, &"x".repeat(MOST_TEXT), None).unwrap();
        assert_eq!(cells.push(1, 1, "x", None), Err(Full::Text));
        for place in 1..MOST_CELLS {
            cells.push(2 + u64::try_from(place / 256).unwrap(), place % 256, "", None).unwrap();
        }
        assert_eq!(cells.push(LAST_ROW, 0, "", None), Err(Full::Cells));
    }
}
