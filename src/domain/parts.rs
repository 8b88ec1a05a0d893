//! A longer period's figure out of those of its parts (domain.md section 8), such as a year's out of its months'.
//!
//! An in-period count is summed; an in-period percentage or rate whose numbers are known is the sum of what was counted over
//! the sum of what it was counted over. Nothing else is put together: days, scores, ratios and amounts of money may be
//! averages, and a figure that runs through the year, or is of one day, says at the end all that there is to say.
//!
//! 120 of 150 in one quarter and 30 of 50 in the next make 150 of 200, which is 75 %, and not the 70 % half-way between.

use super::assess::Observed;
use super::kpi::{Aggregation, Formula, Kpi, Unit};
use super::number::Figure;
use super::period::{Period, PeriodKind};

/// How the parts of a longer period make its figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// They are added up.
    Sum,
    /// What was counted is added up, and put over the sum of what it was counted over.
    Quotient,
}

/// How a KPI's figures of several periods make one; `None` where they do not.
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

/// The periods of a KPI that make up a longer one exactly, in time order; `None` where they do not, or where it is no longer
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

    /// `12 months`; `10 of 12 months` where some are missing.
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

/// The figure of a longer period out of its parts' readings, in time order: `None` where none of them was reported, where
/// they were reported under different definitions, or where one that is needed lacks its numbers.
///
/// It is as provisional as any part, and a nil return where all parts are.
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
        ..latest.clone()
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
