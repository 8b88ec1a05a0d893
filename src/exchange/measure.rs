//! How much room words take on paper, so that rows are as high as what is in them wherever a workbook is opened:
//! programs that write workbooks cannot leave it to programs that read them.
//!
//! The widths are those of Arial, for which every machine has a font of the same widths. They are taken a little too wide
//! rather than too narrow.

/// How words are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Type {
    /// The size in points.
    pub points: f64,
    /// Whether they are bold.
    pub bold: bool,
}

/// The width of each printing character from the blank on, in thousandths of the size.
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];
/// Of letters that are not in the table: accents and other alphabets.
const OTHER: u16 = 700;
/// Of ideographs and similar characters.
const WIDE: u16 = 1050;
/// What there is to spare in a line, in case another font replaces it.
const SPARE: f64 = 1.06;
/// What bold letters are wider.
const BOLD: f64 = 1.08;
/// How high a line is, in its size.
const LINE: f64 = 1.28;
/// Points above and beneath the words of a cell.
const ROOM: f64 = 4.0;
/// The most points that a row may have.
pub const HIGHEST: f64 = 409.0;

/// The pixels of a column of so many characters.
pub fn column_pixels(characters: f64) -> f64 {
    characters * 7.0 + 5.0
}

/// The pixels that words take on one line.
pub fn pixels(words: &str, written: Type) -> f64 {
    words.chars().map(|char| width(char, written)).sum()
}

fn width(char: char, written: Type) -> f64 {
    let place = usize::try_from(u32::from(char).wrapping_sub(32)).unwrap_or(usize::MAX);
    let known = WIDTHS.get(place).copied();
    let units = known.unwrap_or(if u32::from(char) < 0x1100 || matches!(char, '–' | '—' | '‘'..='”' | '…') {
        OTHER
    } else {
        WIDE
    });
    let bold = if written.bold { BOLD } else { 1.0 };
    f64::from(units) / 1000.0 * written.points * 4.0 / 3.0 * bold * SPARE
}

/// The lines that words break into within so many pixels: at blanks, and within a word that is longer than a line.
pub fn lines(words: &str, within: f64, written: Type) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in words.split('\n') {
        let (mut line, mut used) = (String::new(), 0.0);
        for word in paragraph.split_inclusive([' ', '\t', '-', '/']) {
            // A blank at a line's end takes no room.
            let length = pixels(word.trim_end(), written);
            if used > 0.0 && used + length > within {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
                used = 0.0;
            }
            for char in word.chars() {
                let next = width(char, written);
                if used > 0.0 && used + next > within && !char.is_whitespace() {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                line.push(char);
                used += next;
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// The points that so many lines take.
pub fn height(lines: usize, written: Type) -> f64 {
    let lines = u32::try_from(lines.max(1)).unwrap_or(u32::MAX);
    (f64::from(lines) * written.points * LINE + ROOM).min(HIGHEST)
}

/// How many lines a row has room for.
pub fn most_lines(written: Type) -> usize {
    let mut lines = 1;
    while f64::from(lines + 1) * written.points * LINE + ROOM <= HIGHEST - 20.0 {
        lines += 1;
    }
    usize::try_from(lines).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Type = Type { points: 10.0, bold: false };

    #[test]
    fn words_break_at_blanks_and_long_words_within() {
        assert_eq!(lines("", 100.0, PLAIN), [""]);
        assert_eq!(lines("one two", 1000.0, PLAIN), ["one two"]);
        assert_eq!(lines("one two three", 50.0, PLAIN), ["one two", "three"]);
        assert_eq!(lines("one\ntwo", 1000.0, PLAIN), ["one", "two"]);
        let broken = lines(&"m".repeat(40), 100.0, PLAIN);
        assert!(broken.len() > 3, "{broken:?}");
        assert_eq!(broken.concat(), "m".repeat(40));
    }

    #[test]
    fn every_line_fits_and_nothing_is_lost() {
        let text =
            "The share of young people of 16 to 18 who are not in education, employment or training. ".repeat(20);
        for within in [40.0, 90.0, 250.0, 700.0] {
            let broken = lines(&text, within, PLAIN);
            assert!(broken.iter().all(|line| pixels(line, PLAIN) <= within + 0.01), "{broken:?}");
            let letters = |text: &str| text.chars().filter(|char| !char.is_whitespace()).collect::<String>();
            assert_eq!(letters(&broken.concat()), letters(&text));
        }
    }

    #[test]
    fn a_row_is_never_higher_than_a_row_may_be() {
        assert!(height(1, PLAIN) > 12.0);
        assert!(height(most_lines(PLAIN), PLAIN) <= HIGHEST);
        assert!(height(10_000, PLAIN) <= HIGHEST);
    }
}
