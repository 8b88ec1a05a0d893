//! What to write in place of a figure that cannot be read.
//!
//! A number is given only if the text can mean one figure in the KPI's unit, so that anyone who follows the advice
//! posts what was meant: `45%` of a ratio is 0.45, of a percentage 45, and of a count it is nothing at all.

use super::kpi::{Kpi, Unit};
use super::number::Figure;

/// What a figure is of.
#[derive(Clone, Copy, Debug)]
pub enum FigureOf<'a> {
    /// A KPI, in its unit: a value, a forecast, a target.
    Kpi(&'a Kpi),
    /// What was counted, or over what.
    Count,
    /// A KPI that is not known.
    Unknown,
}

/// A percentage of a KPI that is counted in percent, without its sign: `4.5` for `4.5%`. `None` if the text is no
/// percentage, or could mean something else for the KPI.
pub fn without_percent_sign<'t>(text: &'t str, of: FigureOf<'_>) -> Option<&'t str> {
    match of {
        FigureOf::Kpi(kpi) if is_in_percent(kpi) => text.strip_suffix('%').map(str::trim_end),
        _ => None,
    }
}

/// What to write in place of a text that is no figure, as the end of a sentence: `; write 0.45`. Empty if nothing can
/// be said.
pub fn advice(text: &str, of: FigureOf<'_>) -> String {
    let text = text.trim().replace('\u{2212}', "-");
    if let Some(number) = text.strip_suffix('%') {
        return percent_advice(number.trim_end(), of);
    }
    let pounds = text.strip_prefix('£').map(str::to_owned);
    let pounds = pounds.or_else(|| text.strip_prefix("-£").map(|number| format!("-{number}")));
    match pounds {
        Some(number) if is_in_pounds(of) => sentence(&meanings(number.trim())),
        Some(_) => String::new(),
        None => sentence(&meanings(&text)),
    }
}

fn is_in_percent(kpi: &Kpi) -> bool {
    kpi.unit == Unit::Percentage && kpi.multiplier == 100
}

fn is_in_pounds(of: FigureOf<'_>) -> bool {
    matches!(of, FigureOf::Kpi(kpi) if kpi.unit == Unit::Currency)
}

fn percent_advice(number: &str, of: FigureOf<'_>) -> String {
    let kpi = match of {
        FigureOf::Kpi(kpi) => kpi,
        FigureOf::Count => return "; this is a number of people or things: write it without a percent sign".to_owned(),
        FigureOf::Unknown => return String::new(),
    };
    let unit = match kpi.unit {
        Unit::Percentage if is_in_percent(kpi) => return sentence(&meanings(number)),
        Unit::Ratio if kpi.multiplier == 1 => {
            return sentence(
                &meanings(number).into_iter().filter_map(|number| a_hundredth(&number)).collect::<Vec<_>>(),
            );
        }
        Unit::Percentage => "a percentage with a multiplier of its own",
        Unit::Ratio => "a ratio with a multiplier of its own",
        Unit::Count => "a count",
        Unit::Rate => "a rate",
        Unit::Score => "a score",
        Unit::PercentagePoints => "in percentage points",
        Unit::Days => "in days",
        Unit::Currency => "in pounds",
    };
    format!("; {} is {unit}, so a percentage is not its figure: write the figure itself, without `%`", kpi.code)
}

/// A number divided by a hundred.
fn a_hundredth(number: &str) -> Option<String> {
    let figure = Figure::nearest(number, 10)?.share(1, 100)?;
    Figure::nearest_writable(&figure.to_string()).map(|figure| figure.to_string())
}

/// The advice for the numbers that a text can mean, of which there are at most two.
fn sentence(meanings: &[String]) -> String {
    match meanings {
        [one] => format!("; write {one}"),
        [point, thousands] => {
            format!("; write {point} if the comma stands for a decimal point, or {thousands} if it separates thousands")
        }
        _ => String::new(),
    }
}

/// The numbers that a text can mean, each as a figure is written: none, one, or two if a comma may be a decimal point
/// or separate thousands.
fn meanings(text: &str) -> Vec<String> {
    let (sign, number) = text.strip_prefix('-').map_or(("", text), |number| ("-", number));
    let writable = |plain: String| {
        let nearest = Figure::nearest_writable(&format!("{sign}{plain}"));
        nearest.map(|nearest| nearest.to_string())
    };
    plain_numbers(number).into_iter().filter_map(writable).collect()
}

/// The same without a sign, as digits with at most one decimal point.
fn plain_numbers(number: &str) -> Vec<String> {
    let is_blank = |char: char| matches!(char, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}');
    if number.contains(is_blank) {
        let (whole, fraction) = number.split_once(['.', ',']).map_or((number, None), |(w, f)| (w, Some(f)));
        let groups: Vec<&str> = whole.split(is_blank).collect();
        return joined(&groups, fraction).into_iter().collect();
    }
    let commas: Vec<&str> = number.split(',').collect();
    let points: Vec<&str> = number.split('.').collect();
    match (commas.as_slice(), points.as_slice()) {
        ([_], ["", fraction]) => vec![format!("0.{fraction}")],
        ([_], [whole, ""]) => vec![(*whole).to_owned()],
        ([_], [_] | [_, _]) => vec![number.to_owned()],
        ([_], _) => joined(&points, None).into_iter().collect(),
        ([whole, fraction], [_]) => {
            let point = (!whole.is_empty() && !fraction.is_empty()).then(|| format!("{whole}.{fraction}"));
            point.into_iter().chain(joined(&commas, None)).collect()
        }
        (_, [_]) => joined(&commas, None).into_iter().collect(),
        // Both: the one that is there once and last is the decimal point.
        (_, [whole, fraction]) if !fraction.contains(',') => {
            joined(&whole.split(',').collect::<Vec<_>>(), Some(fraction)).into_iter().collect()
        }
        ([whole, fraction], _) if !fraction.contains('.') => {
            joined(&whole.split('.').collect::<Vec<_>>(), Some(fraction)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// A number whose thousands are set apart: the first group of one to three digits, all others of three.
fn joined(groups: &[&str], fraction: Option<&str>) -> Option<String> {
    let (first, others) = groups.split_first()?;
    let sound =
        (1..=3).contains(&first.len()) && !first.starts_with('0') && others.iter().all(|group| group.len() == 3);
    let whole = groups.concat();
    (sound && !others.is_empty()).then(|| match fraction {
        Some(fraction) => format!("{whole}.{fraction}"),
        None => whole,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kpi::tests::kpi;
    use proptest::prelude::*;
    use serde_json::json;

    fn advised(text: &str) -> String {
        advice(text, FigureOf::Kpi(&kpi(json!({}))))
    }

    #[test]
    fn a_percentage_goes_by_the_unit() {
        for (changes, wanted) in [
            (json!({}), "; write 45"),
            (json!({"unit": "ratio"}), "; write 0.45"),
            (json!({"unit": "rate", "multiplier": 1000}), "; NI-117 is a rate, so a percentage is not its figure"),
            (json!({"unit": "count"}), "; NI-117 is a count, so a percentage is not its figure"),
            (json!({"unit": "percentage_points"}), "; NI-117 is in percentage points, so"),
            (json!({"unit": "ratio", "multiplier": 10}), "; NI-117 is a ratio with a multiplier of its own, so"),
        ] {
            let kpi = kpi(changes.clone());
            for text in ["45%", "45 %", " 45.0%"] {
                let told = advice(text, FigureOf::Kpi(&kpi));
                assert!(told.starts_with(wanted), "{changes}: {told}");
                assert!(wanted.contains("write") || !told.contains("45"), "{told}");
            }
        }
        assert_eq!(advice("45%", FigureOf::Unknown), "");
        assert!(!advice("45%", FigureOf::Count).contains("45"));
        assert_eq!(advice("33.333333333333%", FigureOf::Kpi(&kpi(json!({"unit": "ratio"})))), "; write 0.333333");
    }

    #[test]
    fn only_what_can_mean_one_figure_is_advised() {
        for (text, wanted) in [
            ("4,5", "; write 4.5"),
            ("12,34", "; write 12.34"),
            ("0,123", "; write 0.123"),
            ("1,234.5", "; write 1234.5"),
            ("1.234,5", "; write 1234.5"),
            ("1,234,567", "; write 1234567"),
            ("1.234.567", "; write 1234567"),
            ("1 234", "; write 1234"),
            ("1\u{a0}234,5", "; write 1234.5"),
            ("\u{2212}4.5", "; write -4.5"),
            ("-4,5", "; write -4.5"),
            (".5", "; write 0.5"),
            ("5.", "; write 5"),
            ("4.12345678", "; write 4.123457"),
            ("1710.817065334928", "; write 1710.817065"),
            ("1,234", "; write 1.234 if the comma stands for a decimal point, or 1234 if it separates thousands"),
            ("451 1", ""),
            ("45 1", ""),
            ("1,23,456", ""),
            ("01.04.2009", ""),
            ("45¹", ""),
            ("45*", ""),
            ("(4.5)", ""),
            ("1/3", ""),
            ("4-5", ""),
            ("£5", ""),
            ("1.2m", ""),
            ("four", ""),
            ("", ""),
            ("%", ""),
            (",", ""),
            (".", ""),
            ("12345678901234567", ""),
            ("0.00000001", ""),
        ] {
            assert_eq!(advised(text), wanted, "{text}");
        }
        let pounds = kpi(json!({"unit": "currency"}));
        for (text, wanted) in [("£1,234.50", "; write 1234.5"), ("-£5", "; write -5"), ("£ 5", "; write 5")] {
            assert_eq!(advice(text, FigureOf::Kpi(&pounds)), wanted);
        }
    }

    proptest! {
        #[test]
        fn what_is_advised_can_be_posted(text in "[-0-9., %£]{0,12}") {
            let told = advised(&text);
            let numbers = told.split(' ').filter_map(|word| word.trim_end_matches(',').parse::<Figure>().ok()).count();
            prop_assert_eq!(numbers, told.matches("write").count() + told.matches(" or ").count());
        }
    }
}
