//! Small numbers (domain.md section 10): which figures of a sensitive KPI may not leave for partners and the public.
//!
//! Figures are withheld at output and never in storage. The rule here errs on the safe side: where one figure of a
//! sensitive KPI must be withheld, everything it could be worked out from goes with it, the other groups of the same
//! period and, for cumulative figures, the same year's neighbouring periods.

use super::assess::Observed;
use super::kpi::{Aggregation, Kpi, Unit};
use super::number::Figure;

/// Whether a reading shows a small number by itself: a numerator, what is left of the denominator, a denominator or a
/// count from 1 to the threshold. Zero is shown.
pub fn is_small(kpi: &Kpi, reading: &Observed, threshold: u32) -> bool {
    let small = |figure: Figure| figure > Figure::ZERO && figure <= Figure::small(threshold);
    let fraction = match (reading.numerator, reading.denominator) {
        (Some(numerator), Some(denominator)) => {
            small(numerator) || small(denominator) || small(denominator - numerator)
        }
        _ => false,
    };
    fraction || (kpi.unit == Unit::Count && reading.value.is_some_and(|value| small(value.abs())))
}

/// Whether one figure of this KPI can be worked out from those of the periods beside it in its year, by taking one from
/// the next.
pub fn differences_disclose(kpi: &Kpi) -> bool {
    matches!(kpi.aggregation, Aggregation::YearToDate | Aggregation::Rolling12Months)
}

/// Whether taking one cumulative figure from the next leaves a small number.
pub fn difference_is_small(kpi: &Kpi, before: &Observed, after: &Observed, threshold: u32) -> bool {
    let small = |before: Option<Figure>, after: Option<Figure>| {
        before.zip(after).is_some_and(|(before, after)| {
            let difference = (after - before).abs();
            difference > Figure::ZERO && difference <= Figure::small(threshold)
        })
    };
    let rest = |reading: &Observed| Some(reading.denominator? - reading.numerator?);
    differences_disclose(kpi)
        && (small(before.numerator, after.numerator)
            || small(before.denominator, after.denominator)
            || small(rest(before), rest(after))
            || (kpi.unit == Unit::Count && small(before.value, after.value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::kpi::tests::kpi;
    use serde_json::json;

    fn reading(value: &str, fraction: Option<(&str, &str)>) -> Observed {
        Observed {
            value: Some(value.parse().unwrap()),
            numerator: fraction.map(|(numerator, _)| numerator.parse().unwrap()),
            denominator: fraction.map(|(_, denominator)| denominator.parse().unwrap()),
            provisional: false,
            nil_return: false,
            determined: None,
            recorded_by: "lead".parse().unwrap(),
            first_recorded_at: chrono::DateTime::UNIX_EPOCH,
            stated_forecast: None,
            commentary: None,
            restatement: None,
            recorded_at: chrono::DateTime::UNIX_EPOCH,
            definition_version: 1,
        }
    }

    #[test]
    fn one_to_five_children_are_too_few_to_show() {
        let share = kpi(json!({"sensitive": true}));
        for (numerator, denominator, small) in [
            ("0", "40", false),
            ("1", "40", true),
            ("5", "40", true),
            ("6", "40", false),
            ("34", "40", false),
            ("35", "40", true),
            ("40", "40", false),
            ("0", "4", true),
        ] {
            assert_eq!(
                is_small(&share, &reading("1", Some((numerator, denominator))), 5),
                small,
                "{numerator}/{denominator}"
            );
        }
        let count = kpi(json!({"unit": "count"}));
        assert!(is_small(&count, &reading("3", None), 5));
        assert!(!is_small(&count, &reading("0", None), 5));
        assert!(is_small(&count, &reading("7", None), 7));
        assert!(!is_small(&share, &reading("3", None), 5));
    }
}
