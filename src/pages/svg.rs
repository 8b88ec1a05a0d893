//! One SVG picture: shapes and words, with a title and a description for those who do not see it.
//!
//! It has no scripts, no styles and no fonts of its own, so that it shows under the strictest policy: colours are attributes.
//! It has a ground of its own, light or dark as the page is, and the words can be read on it (WCAG 2.2, AA): a test holds each
//! pair to it.

use std::fmt::Write as _;

/// The colours there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// What the words are written in.
    Ink,
    /// What everything lies on.
    Paper,
    /// Behind a label.
    Label,
    /// Behind `on_track`.
    Green,
    /// Behind `at_risk`.
    Amber,
    /// Behind `off_track`.
    Red,
    /// Behind `not_assessed`.
    Grey,
    /// A line around something.
    Frame,
    /// The figures.
    Line,
    /// What they are compared with.
    Target,
}

/// What a picture is put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// One with dark words on light ground.
    Light,
    /// One with light words on dark ground.
    Dark,
}

impl Colour {
    const fn hex(self, page: Page) -> &'static str {
        match page {
            Page::Light => self.on_light(),
            Page::Dark => self.on_dark(),
        }
    }

    const fn on_dark(self) -> &'static str {
        match self {
            Self::Ink => "#eceff2",
            Self::Paper => "#13181d",
            Self::Label => "#1b2229",
            Self::Green => "#0f3a33",
            Self::Amber => "#40320a",
            Self::Red => "#521a16",
            Self::Grey => "#262e36",
            Self::Frame => "#8793a0",
            Self::Line => "#8db8f2",
            Self::Target => "#c3a8f0",
        }
    }

    const fn on_light(self) -> &'static str {
        match self {
            Self::Ink => "#1f2328",
            Self::Paper => "#ffffff",
            Self::Label => "#eef0f3",
            Self::Green => "#b8e6c4",
            Self::Amber => "#ffe08a",
            Self::Red => "#ffc8c2",
            Self::Grey => "#dde1e6",
            Self::Frame => "#57606a",
            Self::Line => "#1f4e79",
            Self::Target => "#8a3ffc",
        }
    }
}

/// The size of the words, in pixels.
const FONT_SIZE: u32 = 11;

/// A picture being drawn, in pixels from the upper left corner.
pub struct Picture {
    body: String,
    page: Page,
}

impl Picture {
    /// An empty picture. `title` names it, `description` states what is to be seen.
    pub fn new((width, height): (u32, u32), page: Page, title: &str, description: &str) -> Self {
        let mut body = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" lang=\"en-GB\">\n"
        );
        let (title, description) = (escaped(title), escaped(description));
        let _written = writeln!(body, "<title>{title}</title>\n<desc>{description}</desc>");
        Self { body, page }
    }

    /// Adds a filled rectangle.
    pub fn rectangle(&mut self, x: u32, y: u32, width: u32, height: u32, fill: Colour) {
        let fill = fill.hex(self.page);
        let _written =
            writeln!(self.body, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"/>");
    }

    /// Draws a line around the whole.
    pub fn frame(&mut self, width: u32, height: u32) {
        let (inner_width, inner_height, stroke) =
            (width.saturating_sub(1), height.saturating_sub(1), Colour::Frame.hex(self.page));
        let _written = writeln!(
            self.body,
            "<rect x=\"0.5\" y=\"0.5\" width=\"{inner_width}\" height=\"{inner_height}\" fill=\"none\" stroke=\"{stroke}\"/>"
        );
    }

    /// Adds words that begin at `x` on the line `y` and are as wide as [`width_of`] says, whatever font shows them.
    pub fn words(&mut self, x: u32, y: u32, text: &str) {
        let (fill, width, text) = (Colour::Ink.hex(self.page), width_of(text), escaped(text));
        let _written = writeln!(
            self.body,
            "<text x=\"{x}\" y=\"{y}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\" \
             font-family=\"Verdana, 'DejaVu Sans', sans-serif\" font-size=\"{FONT_SIZE}\" fill=\"{fill}\">{text}</text>"
        );
    }

    /// Adds a line through points, each `(x, y)`; a single one becomes a dot. A dashed line lies on its own.
    pub fn line(&mut self, points: &[(String, String)], stroke: Colour, dashed: bool) {
        let stroke = stroke.hex(self.page);
        if let [(x, y)] = points {
            let _written = writeln!(self.body, "<circle cx=\"{x}\" cy=\"{y}\" r=\"2\" fill=\"{stroke}\"/>");
            return;
        }
        let points: Vec<_> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
        let pattern = if dashed { " stroke-dasharray=\"4 3\"" } else { "" };
        let _written = writeln!(
            self.body,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"1.5\"{pattern}/>",
            points.join(" ")
        );
    }

    /// The finished picture.
    pub fn finish(mut self) -> String {
        self.body.push_str("</svg>\n");
        self.body
    }
}

/// How wide words are given room for, in pixels: about what Verdana needs, and never less than one.
pub fn width_of(text: &str) -> u32 {
    let wide = |char: char| match char {
        'i' | 'j' | 'l' | 'f' | 't' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' | '(' | ')' => 4,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 11,
        'A'..='Z' => 8,
        '\u{1100}'.. => 12,
        _ => 7,
    };
    text.chars().map(wide).sum::<u32>().max(1)
}

/// Text as it may be in a document: what is markup is escaped, and what XML 1.0 has no place for is replaced.
pub(in crate::pages) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'.. => safe.push(char),
            _ => safe.push('\u{fffd}'),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The relative luminance of a colour, as WCAG 2.2 defines it.
    fn luminance(colour: Colour, page: Page) -> f64 {
        let part = |place: usize| {
            let part =
                f64::from(u8::from_str_radix(colour.hex(page).get(place..place + 2).unwrap(), 16).unwrap()) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(one: Colour, other: Colour, page: Page) -> f64 {
        let (one, other) = (luminance(one, page), luminance(other, page));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn words_can_be_read_and_lines_be_seen() {
        assert!((contrast(Colour::Paper, Colour::Ink, Page::Light) - 15.8).abs() < 0.2, "the measure itself");
        for page in [Page::Light, Page::Dark] {
            for ground in [Colour::Paper, Colour::Label, Colour::Green, Colour::Amber, Colour::Red, Colour::Grey] {
                assert!(contrast(Colour::Ink, ground, page) >= 4.5, "{ground:?}, {page:?}");
            }
            for line in [Colour::Line, Colour::Target, Colour::Frame] {
                assert!(contrast(line, Colour::Paper, page) >= 3.0, "{line:?}, {page:?}");
            }
        }
    }

    #[test]
    fn no_text_is_taken_for_markup() {
        assert_eq!(
            escaped("</desc><script>&\"\u{0}\u{b}\u{ffff}"),
            "&lt;/desc&gt;&lt;script&gt;&amp;&quot;\u{fffd}\u{fffd}\u{fffd}"
        );
        assert_eq!(escaped("Über 16 % – 🦉\n"), "Über 16 % – 🦉\n");
    }

    #[test]
    fn one_point_is_a_dot() {
        let mut picture = Picture::new((10, 10), Page::Light, "T", "D");
        picture.line(&[("1".into(), "2".into())], Colour::Line, true);
        assert!(picture.finish().contains("<circle cx=\"1\" cy=\"2\""));
    }
}
