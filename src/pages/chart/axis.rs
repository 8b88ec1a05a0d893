//! The two scales of a chart: figures to heights, periods to places, and the names at both.

use crate::domain::number::Figure;
use crate::domain::period::Period;

/// A figure as a number to draw by. What a page says comes from the figure itself: only its place on the page is worked out
/// with this.
pub(super) fn place_of(figure: Figure) -> f64 {
    figure.to_string().parse().unwrap_or_default()
}

/// A coordinate: at most one decimal.
pub(super) fn at(coordinate: f64) -> String {
    let text = format!("{coordinate:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

/// The scale of the figures, from the lowest to the highest that is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) lowest: f64,
    pub(super) highest: f64,
    /// Where on the page the highest is, and how far below it the lowest.
    pub(super) top: f64,
    pub(super) height: f64,
}

/// What a scale has to take account of beside the figures that it holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) is_count: bool,
    pub(super) valid_min: Option<f64>,
    pub(super) valid_max: Option<f64>,
}

impl Scale {
    /// The scale that holds all of these, with some air. It begins at zero for counts and where the lowest is near to it, and
    /// never passes what can be right.
    pub(super) fn holding(values: &[f64], limits: Limits, (top, height): (f64, f64)) -> Self {
        let lowest = values.iter().copied().reduce(f64::min).unwrap_or(0.0);
        let highest = values.iter().copied().reduce(f64::max).unwrap_or(1.0);
        let spread = highest - lowest;
        let begins_at_zero = limits.is_count || (lowest >= 0.0 && lowest < spread * 0.35);
        let air = [spread, highest.abs(), 1.0].into_iter().find(|size| *size > 0.0).unwrap_or(1.0) * 0.08;
        let from = if begins_at_zero { lowest.min(0.0) } else { lowest };
        let mut scale = Self { lowest: from, highest: highest + air, top, height };
        if from.abs() > f64::EPSILON {
            scale.lowest -= air;
        }
        if let Some(most) = limits.valid_max.filter(|most| highest <= *most) {
            scale.highest = scale.highest.min(most);
        }
        if let Some(least) = limits.valid_min.filter(|least| lowest >= *least) {
            scale.lowest = scale.lowest.max(least);
        }
        if limits.is_count {
            scale.highest = scale.highest.max(scale.lowest + 4.0);
        }
        if (scale.highest - scale.lowest).abs() < f64::EPSILON {
            scale.highest = scale.lowest + 1.0;
        }
        scale
    }

    /// How far down the page a figure is.
    pub(super) fn y(&self, value: f64) -> f64 {
        self.top + self.height * (self.highest - value) / (self.highest - self.lowest)
    }

    /// The same, at the edge if it is beyond it.
    pub(super) fn clipped(&self, value: f64) -> f64 {
        self.y(value).clamp(self.top, self.bottom())
    }

    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// Round figures along the scale, `most` at the most, each with its text: steps of 1, 2, 2.5 or 5 times a power of ten,
    /// never finer than `decimals`.
    pub(super) fn ticks(&self, most: u32, decimals: u32) -> Vec<(f64, String)> {
        let most = f64::from(most);
        for power in -6_i32..=12 {
            for (base, more) in [(1.0, 0_u32), (2.0, 0), (2.5, 1), (5.0, 0)] {
                let step = base * 10_f64.powi(power);
                let digits = (-power).max(0).unsigned_abs() + if power < 1 { more } else { 0 };
                let (first, last) = ((self.lowest / step - 1e-9).ceil(), (self.highest / step + 1e-9).floor());
                if digits > decimals || last - first + 1.0 > most {
                    continue;
                }
                let steps = std::iter::successors(Some(first), |one| Some(one + 1.0)).take_while(|one| *one <= last);
                return steps.map(|one| (one * step, number(one * step, digits))).collect();
            }
        }
        Vec::new()
    }
}

/// A number with commas between thousands and a true minus.
fn number(value: f64, decimals: u32) -> String {
    let digits = usize::try_from(decimals).unwrap_or(0);
    let text = format!("{:.digits$}", value.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let sign = if value < 0.0 && !is_zero { "\u{2212}" } else { "" };
    let count = whole.chars().count();
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (count - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}

/// What of a period's name says which year it is in, and which part of it: `2009/10` and `Q3`; the part is empty for a year.
pub(super) fn year_and_part(period: Period) -> (String, String) {
    let label = period.label().replace("(academic)", "");
    let is_year = |word: &str| word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'/');
    let (years, parts): (Vec<&str>, Vec<&str>) = label.split_whitespace().partition(|word| is_year(word));
    let part = match parts.join(" ").as_str() {
        "Autumn" => "Aut".to_owned(),
        "Spring" => "Spr".to_owned(),
        "Summer" => "Sum".to_owned(),
        part => part.to_owned(),
    };
    (years.join(" "), part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Limits = Limits { is_count: false, valid_min: None, valid_max: None };

    fn ticks(values: &[f64], limits: Limits, most: u32, decimals: u32) -> Vec<String> {
        let scale = Scale::holding(values, limits, (0.0, 100.0));
        scale.ticks(most, decimals).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(&[4.0, 5.0], ANY, 5, 1), ["4.0", "4.5", "5.0"]);
        assert_eq!(ticks(&[0.0, 12_345.0], ANY, 5, 0), ["0", "5,000", "10,000"]);
        assert_eq!(ticks(&[-3.0, 3.0], ANY, 5, 0), ["\u{2212}2", "0", "2"]);
        assert_eq!(ticks(&[3.0], Limits { is_count: true, ..ANY }, 5, 0), ["0", "1", "2", "3", "4"]);
    }

    #[test]
    fn the_scale_never_passes_what_can_be_right() {
        let scale = Scale::holding(&[97.0, 99.5], Limits { valid_max: Some(100.0), ..ANY }, (0.0, 100.0));
        assert!(scale.highest <= 100.0 && scale.lowest < 97.0, "{scale:?}");
        assert!(Scale::holding(&[5.0], ANY, (0.0, 100.0)).y(5.0).is_finite());
        assert!(Scale::holding(&[], ANY, (0.0, 100.0)).y(0.5).is_finite());
        assert!(Scale::holding(&[0.0], ANY, (0.0, 100.0)).y(0.0).is_finite());
    }

    #[test]
    fn periods_are_named_by_their_part_and_their_year() {
        for (key, year, part) in [
            ("FY2009-10-Q3", "2009/10", "Q3"),
            ("FY2009-10", "2009/10", ""),
            ("AY2009-10-T1", "2009/10", "Aut"),
            ("2010-03", "2010", "Mar"),
        ] {
            assert_eq!(year_and_part(key.parse().unwrap()), (year.to_owned(), part.to_owned()), "{key}");
        }
    }
}
