//! What is odd about a target: one function per rule.

use super::figures::{above_a_hundred_percent, adds_up, is_more};
use super::{Warning, WarningCode, WarningRules};
use crate::kpi::{Aggregation, Kpi};
use crate::number::Figure;
use crate::period::Period;
use crate::target::{Aim, Target, TargetState};
use crate::wording::counted;

/// The figures of a target, each by its column.
fn figures(target: &Target) -> impl Iterator<Item = (&'static str, Figure)> {
    let all = [("value", target.value), ("low", target.low), ("high", target.high), ("floor", target.floor)];
    all.into_iter().filter_map(|(column, figure)| Some((column, figure?)))
}

/// A target with more decimals than the KPI's figures show.
pub fn finer_than_decimals(kpi: &Kpi, target: &Target, rules: &WarningRules) -> Option<Warning> {
    let most = kpi.decimals + rules.extra_decimals_of_target;
    let (column, figure) = figures(target).find(|(_, figure)| figure.rounded(most) != *figure)?;
    let decimals = counted(kpi.decimals, "decimal", "decimals");
    let detail = format!(
        "{} is finer than the figures of {}, which are shown with {decimals}: round it, or give the KPI more decimals",
        kpi.in_full_words(figure),
        kpi.code
    );
    Some(Warning::to_acknowledge(column, WarningCode::FinerThanDecimals, &detail))
}

/// A target of more than 100 percent, if the KPI has no highest valid figure.
pub fn above_a_hundred(kpi: &Kpi, target: &Target, rules: &WarningRules) -> Option<Warning> {
    figures(target).find_map(|(column, figure)| above_a_hundred_percent(kpi, figure, column, rules))
}

/// Targets of a year's parts that do not make the year's: the sum of counts in the period, or the last of the year so far. What
/// holds through the year, as percentages in the period do, makes nothing. `part` gives the target of each part of `year`.
///
/// Four quarters of 10 do not make a year of 100; three of 40 are too many already.
pub fn parts_do_not_make_year<'a>(
    kpi: &Kpi,
    (year, whole): (Period, &Target),
    part: impl Fn(Period) -> Option<&'a Target>,
    column: &str,
    rules: &WarningRules,
) -> Option<Warning> {
    let aim = |target: &Target| {
        let counts = matches!(target.state, TargetState::Agreed | TargetState::Proposed);
        target.aim().filter(|_| counts)
    };
    let whole = aim(whole)?;
    let kind = kpi.period_kind();
    let first = Period::holding(kind, year.start()).filter(|first| *first != year)?;
    let (made, wanted, detail) = match kpi.aggregation {
        Aggregation::YearToDate => {
            let last = first.step(kind.per_year() - 1)?;
            let made = aim(part(last)?)?;
            (made, whole, format!("the target of the year so far by {}, which ends the year,", last.label()))
        }
        Aggregation::InPeriod if adds_up(kpi) => {
            let parts: Vec<_> = (0..kind.per_year()).filter_map(|place| aim(part(first.step(place)?)?)).collect();
            let sum = |end: fn(&Aim) -> Figure| parts.iter().map(end).fold(Figure::ZERO, |sum, end| sum + end);
            let made = Aim { low: sum(|aim| aim.low), high: sum(|aim| aim.high) };
            let all_there = i32::try_from(parts.len()) == Ok(kind.per_year());
            let too_many = made.high > whole.high && parts.iter().all(|aim| aim.low >= Figure::ZERO);
            if !all_there && !too_many {
                return None;
            }
            let which = if all_there { "the" } else { "some of the" };
            (made, whole, format!("the sum of {which} targets set within {}", year.label()))
        }
        _ => return None,
    };
    let misses = |made: Figure, wanted: Figure| is_more((made - wanted).abs(), wanted, rules.parts_of_year_percent);
    let (made, wanted) =
        [(made.high, wanted.high), (made.low, wanted.low)].into_iter().find(|(made, wanted)| misses(*made, *wanted))?;
    let detail = format!(
        "{detail} is {}, and the target of {} is {}: correct the one or the other",
        kpi.in_full_words(made),
        year.label(),
        kpi.in_full_words(wanted)
    );
    Some(Warning::to_acknowledge(column, WarningCode::PartsDoNotMakeYear, &detail))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use crate::document::Document;
    use crate::kpi::tests::kpi;

    #[expect(clippy::needless_pass_by_value, reason = "it reads better with json! at the call")]
    fn target(members: Value) -> Target {
        Target::parse(members.as_object().unwrap().clone()).unwrap()
    }

    /// What is made of the targets of 2009/10: of its quarters, and of the year.
    fn made(changes: Value, quarters: &[i64], year: i64) -> Option<String> {
        let of = |value: i64| target(json!({"value": value}));
        let key = |quarter: usize| format!("FY2009-10-Q{}", quarter + 1).parse().unwrap();
        let parts: BTreeMap<Period, Target> =
            quarters.iter().enumerate().map(|(quarter, value)| (key(quarter), of(*value))).collect();
        let (year, whole) = ("FY2009-10".parse().unwrap(), of(year));
        let rules = WarningRules::default();
        let told = parts_do_not_make_year(&kpi(changes), (year, &whole), |part| parts.get(&part), "value", &rules);
        told.map(|warning| warning.detail)
    }

    #[test]
    fn quarters_make_their_year() {
        let count = json!({"unit": "count", "decimals": 0, "aggregation": "in_period"});
        let told = made(count.clone(), &[10; 4], 100).unwrap();
        assert!(
            told.starts_with("the sum of the targets set within 2009/10 is 40, and the target of 2009/10 is 100"),
            "{told}"
        );
        assert_eq!(made(count.clone(), &[10, 20, 30, 40], 100), None);
        assert_eq!(made(count.clone(), &[10, 10], 100), None, "the others may make up for it");
        assert!(made(count, &[40, 40, 40], 100).is_some(), "three are too many already");
        let so_far = json!({"unit": "count", "decimals": 0, "aggregation": "year_to_date"});
        assert!(made(so_far.clone(), &[10, 20, 30, 40], 100).unwrap().contains("by 2009/10 Q4"));
        assert_eq!(made(so_far.clone(), &[10, 20, 30, 100], 100), None);
        assert_eq!(made(so_far, &[10, 20, 30], 100), None, "the last is not set");
        assert_eq!(made(json!({"aggregation": "in_period"}), &[10; 4], 100), None, "a percentage holds");
        assert_eq!(
            made(json!({"unit": "days", "aggregation": "in_period"}), &[10; 4], 100),
            None,
            "days are an average"
        );
        assert_eq!(made(json!({"unit": "count", "frequency": "year", "aggregation": "in_period"}), &[], 100), None);
    }

    #[test]
    fn a_target_finer_than_the_figures_is_told() {
        let column = |members: Value, rules: WarningRules| {
            finer_than_decimals(&kpi(json!({})), &target(members), &rules).and_then(|warning| warning.column)
        };
        let rules = WarningRules::default();
        assert_eq!(column(json!({"value": 0.25}), rules).as_deref(), Some("value"));
        assert_eq!(column(json!({"value": 0.2, "floor": 0.15}), rules).as_deref(), Some("floor"));
        assert_eq!(column(json!({"value": 5}), rules), None);
        assert_eq!(column(json!({"value": 0.25}), WarningRules { extra_decimals_of_target: 1, ..rules }), None);
        assert_eq!(column(json!({"state": "placeholder"}), rules), None);
    }

    #[test]
    fn a_target_above_a_hundred_percent_is_told() {
        let rules = WarningRules::default();
        let odd = |changes: Value| above_a_hundred(&kpi(changes), &target(json!({"value": 115})), &rules).is_some();
        assert!(odd(json!({})));
        assert!(!odd(json!({"valid_max": 200})));
    }
}
