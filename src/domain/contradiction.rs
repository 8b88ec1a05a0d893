//! What is beside a figure in a table, and is not read, must not contradict it: the title of another KPI, another unit,
//! a day that is not the period's. Then the figure may be another's, and nobody can know which of the two is wrong.

use chrono::NaiveDate;

use super::kpi::{Kpi, Unit};
use super::period::Period;

/// What a row of a table is of.
#[derive(Clone, Copy, Debug)]
pub struct RowOf<'a> {
    /// The KPI.
    pub kpi: &'a Kpi,
    /// The period, if it could be read.
    pub period: Option<Period>,
    /// Whether the row has a figure.
    pub has_figure: bool,
}

/// What is wrong with a text beside a figure, in a column that is not read; `None` if nothing is, or nothing is known.
///
/// `title_of` gives the code of a KPI with such a title, `period_of` the period that a text means for the KPI.
pub fn contradiction(
    column: &str,
    text: &str,
    row: RowOf<'_>,
    title_of: impl Fn(&str) -> Option<String>,
    period_of: impl Fn(&str) -> Option<Period>,
) -> Option<String> {
    let RowOf { kpi, period, has_figure } = row;
    let why = match column {
        "title" if !same_words(text, &kpi.title) => {
            let other = title_of(text).filter(|other| *other != kpi.code.as_str())?;
            format!("`{text}` is the title of {other}, and the row names {}", kpi.code)
        }
        "unit" => {
            let unit = NamedUnit::of(text).filter(|unit| !unit.may_be(kpi))?;
            format!("{} is not counted in {}", kpi.code, unit.words())
        }
        "period_start" => other_day(text, period?.start(), "begins", period?)?,
        "period_end" => other_day(text, period?.end(), "ends", period?)?,
        "period_label" if period.is_some_and(|period| text != period.label()) => {
            let meant = period_of(text).filter(|meant| Some(*meant) != period)?;
            format!("`{text}` is {meant}, and the row names {}", period?)
        }
        "symbol" if has_figure && matches!(text, "c" | "x" | "z" | ":" | "..") => {
            format!("`{text}` says that there is no figure to show, and the row has one")
        }
        _ => return None,
    };
    Some(format!("{why}; correct whichever is wrong"))
}

/// A title as it is compared: capitals and blanks make no difference.
pub fn folded_title(title: &str) -> String {
    title.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

fn same_words(one: &str, other: &str) -> bool {
    one == other || folded_title(one) == folded_title(other)
}

/// A unit as a person names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NamedUnit {
    unit: Unit,
    /// Per how many, if that is said.
    per: Option<u32>,
}

impl NamedUnit {
    /// `None` of words that can mean more than one, such as number.
    fn of(text: &str) -> Option<Self> {
        let words = text.to_lowercase().replace('_', " ");
        let named = |unit| Some(Self { unit, per: None });
        match words.trim() {
            "%" | "percent" | "per cent" | "percentage" => named(Unit::Percentage),
            "count" => named(Unit::Count),
            "days" => named(Unit::Days),
            "ratio" => named(Unit::Ratio),
            "score" => named(Unit::Score),
            "£" | "pounds" | "currency" => named(Unit::Currency),
            "percentage points" => named(Unit::PercentagePoints),
            words => {
                let per = words.strip_prefix("rate").unwrap_or(words).trim_start().strip_prefix("per ")?;
                let per = per.trim().replace([',', ' '], "").parse().ok()?;
                Some(Self { unit: Unit::Rate, per: Some(per) })
            }
        }
    }

    /// Whether a KPI's figures may be called so. People say per cent of percentage points.
    fn may_be(self, kpi: &Kpi) -> bool {
        match (self.unit, self.per) {
            (_, Some(per)) => kpi.unit == Unit::Rate && kpi.multiplier == per,
            (Unit::Percentage | Unit::PercentagePoints, None) => {
                matches!(kpi.unit, Unit::Percentage | Unit::PercentagePoints)
            }
            (unit, None) => kpi.unit == unit,
        }
    }

    fn words(self) -> String {
        match (self.unit, self.per) {
            (_, Some(per)) => format!("rates per {per}"),
            (Unit::Percentage, _) => "per cent".to_owned(),
            (Unit::PercentagePoints, _) => "percentage points".to_owned(),
            (Unit::Count, _) => "numbers of people or things".to_owned(),
            (Unit::Rate, _) => "rates".to_owned(),
            (Unit::Score, _) => "scores".to_owned(),
            (Unit::Days, _) => "days".to_owned(),
            (Unit::Currency, _) => "pounds".to_owned(),
            (Unit::Ratio, _) => "ratios".to_owned(),
        }
    }
}

/// Why a text is not a certain day, if it is another.
fn other_day(text: &str, day: NaiveDate, does: &str, period: Period) -> Option<String> {
    let formats = ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d.%m.%Y"];
    let mut days = formats.into_iter().filter_map(|format| NaiveDate::parse_from_str(text, format).ok()).peekable();
    days.peek()?;
    if days.any(|read| read == day) {
        return None;
    }
    Some(format!("`{text}` is not the day on which {period} {does}, which is {day}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kpi::tests::kpi;
    use serde_json::json;

    fn told(changes: serde_json::Value, column: &str, text: &str) -> Option<String> {
        let kpi = kpi(changes);
        let row = RowOf { kpi: &kpi, period: Some("FY2009-10-Q1".parse().unwrap()), has_figure: true };
        let title_of = |title: &str| (folded_title(title) == "bullying").then(|| "NI-69".to_owned());
        contradiction(column, text, row, title_of, |text| Period::read(text, kpi.period_kind()).ok())
    }

    #[test]
    fn what_says_the_same_or_nothing_is_passed_over() {
        for (column, text) in [
            ("title", "NEET"),
            ("title", " neet "),
            ("title", "Young people out of work"),
            ("unit", "percentage"),
            ("unit", "%"),
            ("unit", "rate"),
            ("unit", "number"),
            ("period_start", "2009-04-01"),
            ("period_start", "01/04/2009"),
            ("period_start", "spring"),
            ("period_end", "30/06/2009"),
            ("period_label", "2009/10 Q1"),
            ("period_label", "Q1 2009/10"),
            ("period_label", "first"),
            ("symbol", "p"),
            ("due", "1999-01-01"),
        ] {
            assert_eq!(told(json!({}), column, text), None, "{column} {text}");
        }
        assert_eq!(told(json!({"unit": "rate", "multiplier": 1000}), "unit", "rate per 1,000"), None);
        assert_eq!(told(json!({"unit": "percentage_points"}), "unit", "%"), None);
    }

    #[test]
    fn what_says_another_thing_is_told() {
        for (changes, column, text, words) in [
            (json!({}), "title", "Bullying", "is the title of NI-69, and the row names NI-117"),
            (json!({}), "unit", "count", "NI-117 is not counted in numbers of people or things"),
            (json!({"unit": "ratio"}), "unit", "%", "NI-117 is not counted in per cent"),
            (
                json!({"unit": "rate", "multiplier": 1000}),
                "unit",
                "rate per 100,000",
                "not counted in rates per 100000",
            ),
            (json!({"unit": "rate", "multiplier": 1000}), "unit", "percentage", "not counted in per cent"),
            (
                json!({}),
                "period_start",
                "2010-04-01",
                "is not the day on which FY2009-10-Q1 begins, which is 2009-04-01",
            ),
            (json!({}), "period_end", "31/03/2010", "is not the day on which FY2009-10-Q1 ends"),
            (json!({}), "period_label", "2009/10 Q2", "is FY2009-10-Q2, and the row names FY2009-10-Q1"),
            (json!({}), "symbol", "c", "no figure to show"),
        ] {
            let why = told(changes, column, text).unwrap_or_else(|| panic!("{column} {text}"));
            assert!(why.contains(words) && why.ends_with("; correct whichever is wrong"), "{why}");
        }
    }
}
