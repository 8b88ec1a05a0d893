//! A longer period's figure out of those of its parts (docs/rules.md section 8), such as a year's out of its months'.
//!
//! An in-period count is summed; an in-period percentage or rate whose numbers are known is the sum of what was counted over
//! the sum of what it was counted over. Nothing else is put together: days, scores, ratios and amounts of money may be
//! averages, and a figure that runs through the year, or is of one day, says at the end all that there is to say.
//!
//! 120 of 150 in one quarter and 30 of 50 in the next make 150 of 200, which is 75 %, and not the 70 % half-way between.

use super::kpi::{Aggregation, Formula, Kpi, Unit};
use super::number::Figure;
use super::observed::Observed;
use super::period::{Period, PeriodKind};

/// How the parts of a longer period make its figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// They are added up.
    Sum,
    /// What was counted is added up, and put over the sum of what it was counted over.
    Quotient,
}

/// How a KPI's figures of several periods make one; `None` if they do not.
pub fn pooling(kpi: &Kpi) -> Option<Pooling> {
    if kpi.aggregation != Aggregation::InPeriod || !matches!(kpi.formula, Formula::Direct {}) {
        return None;
    }
    match kpi.unit {
        Unit::Count => Some(Pooling::Sum),
        // A standardised value is not the quotient of its numbers.
        Unit::Percentage | Unit::Rate if kpi.standardised => None,
        Unit::Percentage | Unit::Rate => Some(Pooling::Quotient),
        Unit::Score | Unit::PercentagePoints | Unit::Days | Unit::Currency | Unit::Ratio => None,
    }
}

/// The periods of a KPI that make up a longer one exactly, in time order; `None` if they do not, or if it is no longer
/// than one of them. Those out of force are among them.
pub fn parts(kind: PeriodKind, whole: Period) -> Option<Vec<Period>> {
    let first = Period::holding(kind, whole.start()).filter(|first| first.start() == whole.start())?;
    let last = Period::latest_ended(kind, whole.end()).filter(|last| last.end() == whole.end())?;
    let steps = first.distance_to(last).filter(|steps| *steps > 0)?;
    (0..=steps).map(|step| first.step(step)).collect()
}

/// How many of its parts a longer period's figure is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// How.
    pub pooling: Pooling,
    /// The parts that have a figure.
    pub there: usize,
    /// All parts in which the KPI is in force.
    pub of: usize,
    /// What kind of period they are.
    pub kind: PeriodKind,
}

impl Made {
    /// Whether a part has no figure.
    pub fn is_incomplete(self) -> bool {
        self.there < self.of
    }

    /// `12 months`; `10 of 12 months` if some are missing.
    pub fn in_words(self) -> String {
        let noun = match self.kind {
            PeriodKind::Month => "months",
            PeriodKind::FinancialQuarter | PeriodKind::CalendarQuarter => "quarters",
            PeriodKind::FinancialHalf => "half-years",
            PeriodKind::AcademicTerm => "terms",
            PeriodKind::FinancialYear | PeriodKind::AcademicYear | PeriodKind::CalendarYear => "years",
        };
        if self.is_incomplete() {
            return format!("{} of {} {noun}", self.there, self.of);
        }
        let one = if self.of == 1 { noun.trim_end_matches('s') } else { noun };
        format!("{} {one}", self.of)
    }
}

/// The figure of a longer period out of its parts' readings, in time order: `None` if none of them was reported, if
/// they were reported under different definitions, or if one that is needed has no numbers.
///
/// It is as provisional as any part, and a nil return if all parts are.
pub fn pooled(kpi: &Kpi, parts: &[Option<&Observed>]) -> Option<Observed> {
    let pooling = pooling(kpi)?;
    let readings = || parts.iter().copied().flatten();
    let latest = readings().next_back()?;
    let mut whole = Observed {
        value: None,
        numerator: None,
        denominator: None,
        provisional: readings().any(|reading| reading.provisional),
        recorded_at: readings().map(|reading| reading.recorded_at).max()?,
        first_recorded_at: readings().map(|reading| reading.first_recorded_at).max()?,
        nil_return: readings().all(|reading| reading.nil_return),
        commentary: readings().rev().find_map(|reading| reading.commentary.clone()),
        restatement: None,
        stated_forecast: None,
        determined: latest.determined,
        recorded_by: latest.recorded_by.clone(),
        definition_version: latest.definition_version,
        acknowledged: latest.acknowledged,
        computed: latest.computed,
    };
    let figures = || readings().filter(|reading| reading.value.is_some());
    let Some(first) = figures().next() else {
        return (whole.nil_return && parts.iter().all(Option::is_some)).then_some(whole);
    };
    if figures().any(|reading| reading.definition_version != first.definition_version) {
        return None;
    }
    whole.definition_version = first.definition_version;
    let total = |part: &dyn Fn(&Observed) -> Option<Figure>| {
        figures().try_fold(Figure::ZERO, |sum, reading| sum.plus(part(reading)?))
    };
    match pooling {
        Pooling::Sum => whole.value = Some(total(&|reading| reading.value)?),
        Pooling::Quotient => {
            let (numerator, denominator) =
                (total(&|reading| reading.numerator)?, total(&|reading| reading.denominator)?);
            whole.value = Some(Figure::ratio(numerator, denominator, kpi.multiplier)?);
            (whole.numerator, whole.denominator) = (Some(numerator), Some(denominator));
        }
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::assess::tests::observed;
    use crate::kpi::tests::kpi;

    fn reading(value: Option<u32>) -> Observed {
        Observed {
            nil_return: value.is_none(),
            recorded_at: DateTime::UNIX_EPOCH,
            ..observed(value.map(Figure::small))
        }
    }

    fn share(numerator: u32, denominator: u32) -> Observed {
        let (numerator, denominator) = (Figure::small(numerator), Figure::small(denominator));
        let value = Figure::ratio(numerator, denominator, 100);
        Observed {
            value,
            nil_return: false,
            numerator: Some(numerator),
            denominator: Some(denominator),
            ..reading(None)
        }
    }

    #[test]
    fn a_longer_period_has_the_parts_that_it_begins_and_ends_with() {
        let count = |kind, whole: &str| parts(kind, whole.parse().unwrap()).map(|parts| parts.len());
        for (kind, whole, expected) in [
            (PeriodKind::Month, "FY2009-10", Some(12)),
            (PeriodKind::Month, "FY2009-10-Q1", Some(3)),
            (PeriodKind::Month, "AY2008-09-T3", Some(5)),
            (PeriodKind::FinancialQuarter, "FY2009-10-H2", Some(2)),
            (PeriodKind::FinancialQuarter, "CY2009", Some(4)),
            (PeriodKind::AcademicTerm, "AY2008-09", Some(3)),
            (PeriodKind::FinancialQuarter, "AY2008-09", None),
            (PeriodKind::AcademicTerm, "FY2009-10", Some(3)),
            (PeriodKind::FinancialQuarter, "FY2009-10-Q1", None),
            (PeriodKind::CalendarQuarter, "FY2009-10-Q1", None),
            (PeriodKind::FinancialYear, "FY2009-10-Q1", None),
        ] {
            assert_eq!(count(kind, whole), expected, "{kind:?} of {whole}");
        }
    }

    #[test]
    fn counts_are_summed_and_shares_are_put_together() {
        let count = kpi(json!({"unit": "count", "aggregation": "in_period", "frequency": "month"}));
        let months = [reading(Some(3)), reading(Some(4)), Observed { provisional: true, ..reading(Some(5)) }];
        let all: Vec<_> = months.iter().map(Some).collect();
        let whole = pooled(&count, &all).unwrap();
        assert_eq!((whole.value, whole.provisional), (Some(Figure::small(12)), true));
        let percentage = kpi(json!({"aggregation": "in_period"}));
        let quarters = [share(120, 150), share(30, 50)];
        let all: Vec<_> = quarters.iter().map(Some).collect();
        assert_eq!(pooled(&percentage, &all).unwrap().value, Some(Figure::small(75)));
        assert_eq!(pooled(&percentage, &[Some(&quarters[0]), Some(&reading(Some(60)))]), None, "without numbers");
        let other = Observed { definition_version: 2, ..share(1, 2) };
        assert_eq!(pooled(&percentage, &[Some(&quarters[0]), Some(&other)]), None, "measured in another way");
        // A part without a figure is skipped; of none, nothing is made.
        assert_eq!(pooled(&percentage, &[Some(&quarters[0]), None]).unwrap().value, Some(Figure::small(80)));
        assert_eq!(pooled(&percentage, &[None, None]), None);
        let nil = reading(None);
        assert!(pooled(&percentage, &[Some(&nil), Some(&nil)]).unwrap().nil_return);
        assert_eq!(pooled(&percentage, &[Some(&nil), None]), None);
        for unit in ["days", "score", "ratio", "currency", "percentage_points"] {
            assert_eq!(pooling(&kpi(json!({"unit": unit, "aggregation": "in_period"}))), None, "{unit}");
        }
        for aggregation in ["snapshot", "year_to_date", "rolling_12_months"] {
            assert_eq!(pooling(&kpi(json!({"unit": "count", "aggregation": aggregation}))), None, "{aggregation}");
        }
    }

    #[test]
    fn it_is_told_of_how_many() {
        let made = |there, of, kind| Made { pooling: Pooling::Sum, there, of, kind }.in_words();
        assert_eq!(made(12, 12, PeriodKind::Month), "12 months");
        assert_eq!(made(10, 12, PeriodKind::Month), "10 of 12 months");
        assert_eq!(made(1, 1, PeriodKind::FinancialHalf), "1 half-year");
        assert_eq!(made(0, 3, PeriodKind::AcademicTerm), "0 of 3 terms");
    }
}
