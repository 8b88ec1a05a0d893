//! What is odd about a figure: one function per rule.

use super::{Warning, WarningCode, WarningRules};
use crate::dimension::Counted;
use crate::kpi::{Aggregation, Kpi, Unit};
use crate::number::Figure;
use crate::period::Period;
use crate::plan::Plan;
use crate::reading::Settled;
use crate::wording::counted;

/// How many figures a KPI's history is judged by, the latest before the one that is judged.
pub const HISTORY: usize = 8;
/// How many it takes at least.
const LEAST_HISTORY: usize = 5;
/// How many years a century has.
const CENTURY: i32 = 100;

/// A figure posted for an earlier period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// The exact figure.
    pub value: Figure,
    /// Whether the person who posted it confirms its being about 100 times the one before, or a hundredth.
    pub is_vouched_for: bool,
}

/// Whether a KPI's figures build up from nothing every year: they compare with those at the same point of other years only.
pub fn builds_up(kpi: &Kpi) -> bool {
    kpi.aggregation == Aggregation::YearToDate && adds_up(kpi)
}

/// Whether a KPI's figures can be added up.
pub fn adds_up(kpi: &Kpi) -> bool {
    matches!(kpi.unit, Unit::Count | Unit::Currency)
}

/// How two figures of one sign, neither of them 0, differ by about two places of the decimal point.
fn hundredfold(value: Figure, last: Figure, rules: &WarningRules) -> Option<WarningCode> {
    let (value, last) = (value.units(), last.units());
    if rules.hundredfold_factor == 0 || value.signum() * last.signum() != 1 {
        return None;
    }
    let factor = i128::from(rules.hundredfold_factor);
    let about = |large: i128, small: i128| {
        large.saturating_mul(factor) >= small.saturating_mul(100) && large <= small.saturating_mul(100 * factor)
    };
    let (value, last) = (value.abs(), last.abs());
    if about(value, last) {
        Some(WarningCode::AboutAHundredTimes)
    } else if about(last, value) {
        Some(WarningCode::AboutAHundredth)
    } else {
        None
    }
}

/// A figure about 100 times the last one, or a hundredth of it: a fraction in place of a percentage, or the other way
/// round. `earlier` are the figures before it, oldest first; those that are themselves about 100 times or a hundredth
/// of the ones before them are skipped, unless somebody confirms them: a slip must not make the next one right.
///
/// After 91.2 and 0.91 comes 0.93: it is compared with 91.2.
pub fn about_a_hundredfold(
    kpi: &Kpi,
    value: Figure,
    earlier: &[Earlier],
    column: &str,
    rules: &WarningRules,
) -> Option<Warning> {
    let last = earlier.iter().fold(None, |last, figure| match last {
        Some(last) if !figure.is_vouched_for && hundredfold(figure.value, last, rules).is_some() => Some(last),
        _ => Some(figure.value),
    })?;
    let code = hundredfold(value, last, rules)?;
    let slip = match (kpi.unit, code) {
        (Unit::Percentage, WarningCode::AboutAHundredth) => "was a fraction sent in place of a percentage?",
        (Unit::Percentage, _) => "was a percentage multiplied by 100 once too often?",
        _ => "is the decimal point in its place?",
    };
    let detail = format!(
        "{} is {} of {}, {}: {slip}",
        kpi.in_full_words(value),
        code.words(),
        kpi.code,
        kpi.in_full_words(last)
    );
    Some(Warning::to_acknowledge(column, code, &detail))
}

/// A figure far outside the KPI's own history: further from the median of the last [`HISTORY`] figures than so many
/// times their median absolute deviation, and further outside their range than that is wide, so that a trend that goes
/// on is no surprise. If they hardly moved, the deviation counts as the KPI's steady margin, or as one unit of its last
/// decimal: of a constant series not every small move is odd.
pub fn far_from_history(
    kpi: &Kpi,
    value: Figure,
    history: &[Earlier],
    column: &str,
    rules: &WarningRules,
) -> Option<Warning> {
    if rules.history_deviations == 0 || history.len() < LEAST_HISTORY {
        return None;
    }
    // Twice the median is a whole number of units, and so is four times the median of distances from it.
    let twice_median = twice_median(history.iter().map(|figure| figure.value.units()).collect())?;
    let from_median = |figure: Figure| (2 * figure.units() - twice_median).abs();
    let deviation = self::twice_median(history.iter().map(|figure| from_median(figure.value)).collect())?;
    let least = Figure::one_at(kpi.decimals).max(kpi.steady_margin).units().checked_mul(4)?;
    let bound = deviation.max(least).checked_mul(rules.history_deviations.into())?;
    let lowest = history.iter().map(|figure| figure.value).min()?;
    let highest = history.iter().map(|figure| figure.value).max()?;
    let outside = (lowest - value).max(value - highest);
    if from_median(value).checked_mul(2)? <= bound || outside <= highest - lowest {
        return None;
    }
    let median = Figure::from_units(twice_median / 2)?;
    let detail = format!(
        "{} is far outside what {} has been: the median of its last {} figures is {}",
        kpi.in_full_words(value),
        kpi.code,
        history.len(),
        kpi.in_words(median)
    );
    Some(Warning::to_acknowledge(column, WarningCode::FarFromHistory, &detail))
}

/// Twice the median of some numbers.
fn twice_median(mut numbers: Vec<i128>) -> Option<i128> {
    numbers.sort_unstable();
    let middle = numbers.len().checked_sub(1)?;
    Some(numbers.get(middle / 2)? + numbers.get(middle.div_ceil(2))?)
}

/// What there is to be counted of a figure: each part by its column.
fn counted_parts(kpi: &Kpi, figure: Settled) -> [(&'static str, Option<Figure>); 3] {
    let value = figure.value.filter(|_| adds_up(kpi) && figure.numerator.is_none());
    [("value", value), ("numerator", figure.numerator), ("denominator", figure.denominator)]
}

/// A count of the year so far that falls within its year: from the nearest figure before it, or to the nearest behind it. Of a
/// percentage of the year so far its numerator and its denominator are such counts.
pub fn year_to_date_falls(
    kpi: &Kpi,
    (period, figure): (Period, Settled),
    before: Option<(Period, Settled)>,
    behind: Option<(Period, Settled)>,
    column: &str,
    rules: &WarningRules,
) -> Option<Warning> {
    let may_be_negative = kpi.valid_min.is_some_and(|least| least < Figure::ZERO);
    if kpi.aggregation != Aggregation::YearToDate || may_be_negative {
        return None;
    }
    let falls = |earlier: Settled, later: Settled| {
        let mut parts = counted_parts(kpi, earlier).into_iter().zip(counted_parts(kpi, later));
        parts.find_map(|((part, earlier), (_, later))| {
            let (earlier, later) = (earlier?, later?);
            is_more(earlier - later, earlier, rules.year_to_date_fall_percent).then_some((part, earlier, later))
        })
    };
    let (part, detail) = if let Some((at, earlier)) = before
        && let Some((part, was, is)) = falls(earlier, figure)
    {
        (part, format!("the year so far was {was} by {} and is {is} by {}", at.label(), period.label()))
    } else if let Some((at, later)) = behind
        && let Some((part, is, then)) = falls(figure, later)
    {
        (part, format!("the year so far is {is} by {} and {then} by {}", period.label(), at.label()))
    } else {
        return None;
    };
    let column = if part == "value" { column } else { part };
    let detail = format!(
        "{detail}: a count from the year's beginning does not fall; was the figure of one {} sent?",
        kpi.period_kind().words()
    );
    Some(Warning::to_acknowledge(column, WarningCode::YearToDateFalls, &detail))
}

/// Whether a difference is more than so many percent of a whole, and above 0.
pub(super) fn is_more(difference: Figure, whole: Figure, percent: u32) -> bool {
    let (difference, whole) = (difference.units(), whole.units().abs());
    difference > 0 && difference.saturating_mul(100) > whole.saturating_mul(percent.into())
}

/// A percentage above 100, if the KPI has no highest valid figure: with one, it is no warning but an error.
pub fn above_a_hundred_percent(kpi: &Kpi, value: Figure, column: &str, rules: &WarningRules) -> Option<Warning> {
    let odd = kpi.unit == Unit::Percentage
        && kpi.valid_max.is_none()
        && value > Figure::small(rules.percentage_above.max(100));
    let detail = format!(
        "{} is more than all, and {} has no highest valid figure: were numerator and denominator put the wrong way round?",
        kpi.in_full_words(value),
        kpi.code
    );
    odd.then(|| Warning::to_acknowledge(column, WarningCode::AboveAHundredPercent, &detail))
}

/// A percentage, rate or ratio of a sensitive KPI without its numerator and denominator: nobody can know out of how few
/// children it comes. There is none if a programme manager has said of the KPI that its numbers were checked.
pub fn without_numbers(kpi: &Kpi, figure: Settled, rules: &WarningRules) -> Option<Warning> {
    let hides_a_count = matches!(kpi.unit, Unit::Percentage | Unit::Rate | Unit::Ratio);
    let lacks_numbers = figure.value.is_some() && figure.numerator.is_none();
    let odd = rules.numbers_of_sensitive && kpi.sensitive && hides_a_count && lacks_numbers && !kpi.numbers_checked;
    let detail = format!(
        "{} is sensitive, and without its numerator and denominator nobody can check how few this comes from, so it is withheld from partners and the public; give both numbers, or have a programme manager set `numbers_checked` of the KPI",
        kpi.code
    );
    odd.then(|| Warning::to_acknowledge("value", WarningCode::WithoutNumbers, &detail))
}

/// A period more than some years outside the plan. If it would lie in the plan a century earlier or later, that is
/// said.
pub fn outside_plan(plan: &Plan, period: Period, rules: &WarningRules) -> Option<Warning> {
    let years = i32::try_from(rules.years_outside_plan).unwrap_or(CENTURY);
    let is_outside = |period: Period| {
        let years_on = |period: Period, years: i32| period.step(years * period.kind().per_year());
        let ends_before = years_on(period, years).is_some_and(|later| later.end() < plan.starts_on);
        let begins_after = years_on(period, -years).is_some_and(|earlier| earlier.start() > plan.ends_on);
        (ends_before, begins_after)
    };
    let side = match is_outside(period) {
        (true, _) => format!("before the plan begins, on {}", plan.starts_on.format("%-d %B %Y")),
        (_, true) => format!("after the plan ends, on {}", plan.ends_on.format("%-d %B %Y")),
        _ => return None,
    };
    let far = if years == 0 { String::new() } else { counted(years, "year or more ", "years or more ") };
    let mut centuries = [CENTURY, -CENTURY].into_iter().filter_map(|by| period.step(by * period.kind().per_year()));
    let meant = centuries.find(|period| is_outside(*period) == (false, false));
    let hint = meant.map_or_else(|| "is the year right?".to_owned(), |meant| format!("is {} meant?", meant.label()));
    let detail = format!("{} lies {far}{side}: {hint}", period.label());
    Some(Warning::to_acknowledge("period", WarningCode::OutsidePlan, &detail))
}

/// A group, or several together, that are more than all; `whose` says in words which. Only what can be added up is compared.
pub fn beyond_all(whose: &str, groups: Counted, all: Counted, column: &str, rules: &WarningRules) -> Option<Warning> {
    let parts = match (groups, all) {
        (Counted::Count(groups), Counted::Count(all)) => vec![(column, groups, all)],
        (Counted::Fraction(over, under), Counted::Fraction(all_over, all_under)) => {
            vec![("numerator", over, all_over), ("denominator", under, all_under)]
        }
        _ => Vec::new(),
    };
    let (part, groups, all) =
        parts.into_iter().find(|(_, groups, all)| is_more(*groups - *all, *all, rules.beyond_all_percent))?;
    let what = if part == column { String::new() } else { format!("a {part} of ") };
    let detail = format!("{whose} {what}{groups} but all has {all}: groups are parts of all");
    Some(Warning::to_acknowledge(part, WarningCode::BeyondAll, &detail))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::document::Document;
    use crate::kpi::tests::kpi;

    fn figure(text: &str) -> Figure {
        text.parse().unwrap()
    }

    fn series(texts: &[&str]) -> Vec<Earlier> {
        texts.iter().map(|text| Earlier { value: figure(text), is_vouched_for: false }).collect()
    }

    fn settled(value: &str) -> Settled {
        Settled { value: Some(figure(value)), ..Settled::default() }
    }

    fn of(numerator: &str, denominator: &str) -> Settled {
        Settled { value: None, numerator: Some(figure(numerator)), denominator: Some(figure(denominator)) }
    }

    fn code(warning: Option<Warning>) -> Option<&'static str> {
        warning.map(|warning| warning.code.as_str())
    }

    #[test]
    fn a_fraction_where_a_percentage_is_wanted_is_told_until_somebody_stands_by_it() {
        let rules = WarningRules::default();
        let odd = |value: &str, earlier: &[Earlier]| {
            code(about_a_hundredfold(&kpi(json!({})), figure(value), earlier, "value", &rules))
        };
        let known = series(&["91.2", "89.7"]);
        for (value, wanted) in [
            ("0.91", Some("about_a_hundredth")),
            ("0.449", Some("about_a_hundredth")),
            ("0.4", None),
            ("1.7", Some("about_a_hundredth")),
            ("1.8", None),
            ("90", None),
            ("0", None),
            ("-0.9", None),
            ("8970", Some("about_100_times")),
            ("4485", Some("about_100_times")),
            ("4484", None),
        ] {
            assert_eq!(odd(value, &known), wanted, "{value}");
        }
        assert_eq!(odd("0.91", &[]), None, "with nothing before it");
        assert_eq!(odd("50", &series(&["0"])), None, "0 has no hundredfold");
        assert_eq!(odd("-0.25", &series(&["-25.9"])), Some("about_a_hundredth"));
        let mut slipped = series(&["91.2", "89.7", "0.91", "0.93"]);
        assert_eq!(odd("0.92", &slipped), Some("about_a_hundredth"), "a slip makes no other right");
        assert_eq!(odd("92", &slipped), None, "nor is the right one wrong after it");
        slipped[2].is_vouched_for = true;
        assert_eq!(odd("0.92", &slipped), None);
        let off = WarningRules { hundredfold_factor: 0, ..rules };
        assert_eq!(about_a_hundredfold(&kpi(json!({})), figure("0.91"), &known, "value", &off), None);
    }

    #[test]
    fn what_is_far_from_history_is_told_once_there_are_five() {
        let rules = WarningRules::default();
        let odd = |changes: Value, value: &str, earlier: &[&str]| {
            far_from_history(&kpi(changes), figure(value), &series(earlier), "value", &rules).is_some()
        };
        let known = ["20.1", "20.3", "19.9", "20.2", "20.0"];
        assert!(!odd(json!({}), "60", &known[..4]), "four are too few");
        assert!(odd(json!({}), "60", &known));
        assert!(!odd(json!({}), "20.9", &known), "8 deviations of 0.1 from 20.1");
        assert!(odd(json!({}), "21", &known));
        let constant = ["95"; 8];
        assert!(!odd(json!({}), "95.8", &constant), "8 units of the last decimal");
        assert!(odd(json!({}), "96", &constant));
        assert!(!odd(json!({"steady_margin": 1}), "103", &constant), "8 steady margins");
        assert!(odd(json!({"steady_margin": 1}), "103.1", &constant));
        let climbing = ["10", "20", "30", "40", "50", "60", "70", "80"];
        assert!(!odd(json!({}), "90", &climbing), "a trend is no surprise");
        let slow = ["61.0", "61.2", "61.1", "61.8", "62.5"];
        assert!(!odd(json!({}), "63.0", &slow), "nor is one that has just begun");
        assert!(odd(json!({}), "64.1", &slow), "further beyond 62.5 than from there to 61.0");
        let large = ["999999999999999"; 6];
        assert!(odd(json!({}), "-999999999999999", &large), "whatever the size");
    }

    #[test]
    fn a_count_of_the_year_so_far_does_not_fall() {
        let rules = WarningRules::default();
        let count = kpi(json!({"unit": "count", "aggregation": "year_to_date", "decimals": 0}));
        let [first, second]: [Period; 2] = ["FY2009-10-Q1", "FY2009-10-Q2"].map(|key| key.parse().unwrap());
        let falls = |kpi: &Kpi, one: Settled, other: Settled| {
            let behind = year_to_date_falls(kpi, (second, other), Some((first, one)), None, "value", &rules);
            let before = year_to_date_falls(kpi, (first, one), None, Some((second, other)), "value", &rules);
            assert_eq!(behind.is_some(), before.is_some(), "told at whichever comes later");
            behind.and_then(|warning| warning.column)
        };
        assert_eq!(falls(&count, settled("50"), settled("30")).as_deref(), Some("value"));
        assert_eq!(falls(&count, settled("50"), settled("50")), None);
        assert_eq!(falls(&count, settled("50"), Settled::default()), None, "a nil return is no fall");
        let share = kpi(json!({"aggregation": "year_to_date"}));
        assert_eq!(falls(&share, settled("50"), settled("30")), None, "a percentage may fall");
        assert_eq!(falls(&share, of("5", "10"), of("4", "12")).as_deref(), Some("numerator"));
        assert_eq!(falls(&share, of("5", "10"), of("5", "9")).as_deref(), Some("denominator"));
        assert_eq!(falls(&kpi(json!({"unit": "count"})), settled("50"), settled("30")), None, "a snapshot may fall");
        let net = kpi(json!({"unit": "currency", "aggregation": "year_to_date", "valid_min": -1000}));
        assert_eq!(falls(&net, settled("50"), settled("30")), None, "what may be negative may fall");
        let lenient = WarningRules { year_to_date_fall_percent: 40, ..rules };
        let told =
            year_to_date_falls(&count, (second, settled("30")), Some((first, settled("50"))), None, "value", &lenient);
        assert_eq!(told, None);
    }

    #[test]
    fn a_percentage_above_a_hundred_is_odd_without_a_valid_range() {
        let rules = WarningRules::default();
        let odd =
            |changes: Value, value: &str| code(above_a_hundred_percent(&kpi(changes), figure(value), "value", &rules));
        assert_eq!(odd(json!({}), "115"), Some("above_100_percent"));
        assert_eq!(odd(json!({}), "100"), None);
        assert_eq!(odd(json!({"valid_max": 200}), "115"), None);
        assert_eq!(odd(json!({"unit": "ratio"}), "115"), None);
    }

    #[test]
    fn a_sensitive_share_wants_its_numbers() {
        let rules = WarningRules::default();
        let odd = |changes: Value, figure: Settled| code(without_numbers(&kpi(changes), figure, &rules));
        assert_eq!(odd(json!({"sensitive": true}), settled("22.5")), Some("without_numbers"));
        assert_eq!(odd(json!({"sensitive": true, "unit": "rate"}), settled("22.5")), Some("without_numbers"));
        let with = Settled { value: Some(figure("22.5")), ..of("9", "40") };
        assert_eq!(odd(json!({"sensitive": true}), with), None);
        assert_eq!(odd(json!({"sensitive": true, "numbers_checked": true}), settled("22.5")), None);
        assert_eq!(odd(json!({"sensitive": true, "unit": "count"}), settled("22")), None);
        assert_eq!(odd(json!({}), settled("22.5")), None);
        assert_eq!(odd(json!({"sensitive": true}), Settled::default()), None);
    }

    #[test]
    fn a_period_outside_the_plan_or_a_century_off_is_told() {
        let plan = json!({"code": "plan", "title": "Plan", "starts_on": "2009-04-01", "ends_on": "2011-03-31"});
        let plan = Plan::parse(plan.as_object().unwrap().clone()).unwrap();
        let told = |key: &str| outside_plan(&plan, key.parse().unwrap(), &WarningRules::default());
        for key in ["FY2009-10-Q1", "FY2006-07", "2006-04", "FY2005-06-Q4", "FY2013-14", "AY2013-14"] {
            let odd = key == "FY2005-06-Q4";
            assert_eq!(told(key).is_some(), odd, "{key}");
        }
        let century = told("FY1909-10-Q1").unwrap();
        assert!(century.detail.contains("is 2009/10 Q1 meant?"), "{}", century.detail);
        assert!(century.detail.contains("before the plan begins, on 1 April 2009"), "{}", century.detail);
        assert!(told("CY2109").unwrap().detail.contains("is 2009 meant?"));
        assert!(told("CY2019").unwrap().detail.contains("is the year right?"));
        assert!(told("1900-01").is_some() && told("9998-12").is_some());
    }

    #[test]
    fn a_group_is_a_part_of_all() {
        let rules = WarningRules::default();
        let count = |text: &str| Counted::Count(figure(text));
        let fraction = |over: &str, under: &str| Counted::Fraction(figure(over), figure(under));
        let column = |groups, all| beyond_all("boys have", groups, all, "value", &rules).and_then(|it| it.column);
        assert_eq!(column(count("12"), count("10")).as_deref(), Some("value"));
        assert_eq!(column(count("10"), count("10")), None);
        assert_eq!(column(fraction("5", "21"), fraction("9", "20")).as_deref(), Some("denominator"));
        assert_eq!(column(count("12"), fraction("9", "10")), None);
        assert_eq!(column(Counted::Nothing, count("10")), None);
    }
}
