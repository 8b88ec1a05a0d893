//! The forecast to the year's end (domain.md section 7): a projection of what was reported, which never changes a status.
//!
//! [`forecast`] gives the figure; whoever assesses it holds it against the year-end target by the same bands as any figure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::kpi::{Aggregation, Formula, Kpi, Profile, Unit};
use super::number::{Figure, Fraction};
use super::period::Period;
use super::target::{FoundTarget, NoTarget, Target, find_target};

/// How a forecast was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "How a forecast was made: last year's total by the same share as last year's at this point, the year so far at the same pace, or the line through the latest figures. More may be added."
)]
pub enum Method {
    /// Last year's total x (now / last year at the same point).
    Seasonal,
    /// The year so far, at the same pace.
    RunRate,
    /// The Theil-Sen line through the last three to eight figures.
    Trend,
}

impl Method {
    /// The name in JSON and CSV.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seasonal => "seasonal",
            Self::RunRate => "run_rate",
            Self::Trend => "trend",
        }
    }
}

/// Why there is no forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "Why there is no forecast. More may be added.")]
pub enum NoForecast {
    /// Fewer than three figures for a line, or none yet in a year that adds up.
    TooFewReadings,
    /// The year's last figure is there.
    YearComplete,
    /// A figure that it would be made from may not be seen by this reader.
    Suppressed,
    /// The KPI is not in force at the year's end.
    NotApplicable,
    /// A partner says what the status is.
    PartnerDetermined,
    /// The projection is past what a figure can be.
    OutOfRange,
}

/// What a forecast is made from: figures reported under one version of the definition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// The figures up to the period looked at, in time order; at least the year's, and eight where there are so many.
    pub figures: Vec<(Period, Figure)>,
    /// For figures that add up over the year: last year's at the same point as the latest, and its last.
    pub last_year: Option<(Figure, Figure)>,
}

/// The most figures that a line is drawn through.
pub const MOST_FIGURES: usize = 8;
/// The fewest.
const FEWEST_FIGURES: usize = 3;

/// The year's last part: what a forecast in `period` is of.
pub fn year_end(kpi: &Kpi, period: Period) -> Option<Period> {
    Period::last_of_kind(kpi.period_kind(), period.year_in(kpi.calendar)?)
}

/// The figure to expect at the end of the year that holds `period`.
///
/// # Errors
/// [`NoForecast`], which says why there is none.
pub fn forecast(kpi: &Kpi, period: Period, known: &Known) -> Result<(Figure, Method), NoForecast> {
    let end = year_end(kpi, period).ok_or(NoForecast::OutOfRange)?;
    if matches!(kpi.formula, Formula::PartnerDetermined { .. }) {
        return Err(NoForecast::PartnerDetermined);
    }
    if !kpi.in_force(end) {
        return Err(NoForecast::NotApplicable);
    }
    let latest = known.figures.last();
    if latest.is_some_and(|(period, _)| *period == end) {
        return Err(NoForecast::YearComplete);
    }
    let (value, method) = if kpi.aggregation == Aggregation::YearToDate {
        let (at, now) = latest
            .filter(|(at, _)| at.year_in(kpi.calendar) == period.year_in(kpi.calendar))
            .ok_or(NoForecast::TooFewReadings)?;
        match known.last_year {
            Some((then, total)) if then != Figure::ZERO => {
                (Fraction::from(total).in_ratio(*now, then), Method::Seasonal)
            }
            _ => (run_rate(kpi, *at, *now), Method::RunRate),
        }
    } else {
        let from = known.figures.len().saturating_sub(MOST_FIGURES);
        let figures = known.figures.get(from..).unwrap_or_default();
        if figures.len() < FEWEST_FIGURES {
            return Err(NoForecast::TooFewReadings);
        }
        (along_the_line(figures, end), Method::Trend)
    };
    let value = value.and_then(Fraction::figure).ok_or(NoForecast::OutOfRange)?;
    let value = kpi.valid_max.map_or(value, |most| value.min(most));
    Ok((kpi.valid_min.map_or(value, |least| value.max(least)), method))
}

/// The year so far x n / k. A share, a rate or a score of the year so far does not grow with the year: at the same pace it
/// stays what it is.
fn run_rate(kpi: &Kpi, at: Period, now: Figure) -> Option<Fraction> {
    let (place, parts) = at.position_in(kpi.calendar)?;
    match kpi.unit {
        Unit::Count | Unit::Currency | Unit::Days => Fraction::from(now).share(parts, place),
        Unit::Percentage | Unit::Rate | Unit::Score | Unit::PercentagePoints | Unit::Ratio => Some(now.into()),
    }
}

/// Where the Theil-Sen line through the figures stands at `end`: the median of the slopes between all pairs, and the median
/// of what is left, exactly.
fn along_the_line(figures: &[(Period, Figure)], end: Period) -> Option<Fraction> {
    // Counted back from the end, so that the line is wanted at nought.
    let points: Vec<(i32, Fraction)> = figures
        .iter()
        .map(|(period, value)| Some((period.distance_to(end)?, Fraction::from(*value))))
        .collect::<Option<_>>()?;
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (place, (earlier, before)) in points.iter().enumerate() {
        for (later, after) in points.get(place + 1..)? {
            slopes.push(after.minus(*before)?.share(1, earlier - later)?);
        }
    }
    let slope = median(slopes)?;
    let left = points.iter().map(|(back, value)| value.plus(slope.share(*back, 1)?));
    median(left.collect::<Option<_>>()?)
}

/// The middle one, or half-way between the two in the middle.
fn median(mut fractions: Vec<Fraction>) -> Option<Fraction> {
    fractions.sort_unstable();
    let upper = *fractions.get(fractions.len() / 2)?;
    let lower = *fractions.get((fractions.len() - 1) / 2)?;
    lower.plus(upper)?.share(1, 2)
}

/// How much each part of the year that is left must bring, on average, for a count to reach `total` (see [`year_total`])
/// over the year: never below nought. `None` where the KPI is no count that adds up to a year's total, where the year is
/// over, or where a figure of the year so far is missing.
pub fn required_rate(kpi: &Kpi, period: Period, known: &Known, total: Figure) -> Option<Figure> {
    if kpi.unit != Unit::Count {
        return None;
    }
    let year = period.year_in(kpi.calendar)?;
    let this_year: Vec<_> = known.figures.iter().filter(|(at, _)| at.year_in(kpi.calendar) == Some(year)).collect();
    let (place, parts) = this_year.last()?.0.position_in(kpi.calendar)?;
    let left = parts - place;
    let so_far = match kpi.aggregation {
        Aggregation::YearToDate => this_year.last()?.1,
        Aggregation::InPeriod if i32::try_from(this_year.len()).ok()? == place => {
            this_year.iter().fold(Figure::ZERO, |sum, (_, value)| sum + *value)
        }
        Aggregation::InPeriod | Aggregation::Snapshot | Aggregation::Rolling12Months => return None,
    };
    if left < 1 {
        return None;
    }
    (total - so_far).share(1, i64::from(left)).map(|rate| rate.max(Figure::ZERO))
}

/// The target that a forecast is held against: that of the year's last part, or the year's own where the figures add up over
/// the year, whether or not a profile says how.
///
/// # Errors
/// [`NoTarget`], which says why there is none.
pub fn year_end_target(kpi: &Kpi, period: Period, targets: &BTreeMap<Period, Target>) -> Result<FoundTarget, NoTarget> {
    let found = year_end(kpi, period).map_or(Err(NoTarget::None), |end| find_target(kpi, end, targets));
    match (found, period.year_in(kpi.calendar)) {
        (Err(_), Some(year)) if kpi.aggregation == Aggregation::YearToDate => find_target(kpi, year, targets),
        _ => found,
    }
}

/// The total that a count is to reach over the year; `None` where its target is a level or a range, or there is none.
pub fn year_total(kpi: &Kpi, period: Period, targets: &BTreeMap<Period, Target>) -> Option<Figure> {
    let found = match kpi.aggregation {
        Aggregation::YearToDate => year_end_target(kpi, period, targets),
        // Shared out over its parts, a year's target is their sum.
        Aggregation::InPeriod if matches!(kpi.spread(), None | Some(Profile::Even | Profile::Weighted)) => {
            find_target(kpi, period.year_in(kpi.calendar)?, targets)
        }
        Aggregation::InPeriod | Aggregation::Snapshot | Aggregation::Rolling12Months => return None,
    };
    found.ok().map(|found| found.aim).filter(|aim| aim.low == aim.high).map(|aim| aim.low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::kpi::tests::kpi;
    use proptest::prelude::*;
    use serde_json::json;

    fn quarter(number: i32) -> Period {
        "FY2008-09-Q1".parse::<Period>().unwrap().step(number).unwrap()
    }

    fn figures(values: &[(i32, &str)]) -> Known {
        let figures = values.iter().map(|(at, value)| (quarter(*at), value.parse().unwrap())).collect();
        Known { figures, last_year: None }
    }

    fn told(kpi: &Kpi, at: i32, known: &Known) -> Result<(String, Method), NoForecast> {
        forecast(kpi, quarter(at), known).map(|(value, method)| (value.to_string(), method))
    }

    #[test]
    fn a_year_that_adds_up_is_carried_on_by_season_or_pace() {
        let count = kpi(json!({"unit": "count", "aggregation": "year_to_date", "frequency": "quarter"}));
        let half = figures(&[(4, "30"), (5, "70")]);
        assert_eq!(told(&count, 5, &half), Ok(("140".into(), Method::RunRate)), "70 in two of four quarters");
        let seasonal = Known { last_year: Some(("80".parse().unwrap(), "240".parse().unwrap())), ..half.clone() };
        assert_eq!(told(&count, 5, &seasonal), Ok(("210".into(), Method::Seasonal)), "240 x 70 / 80");
        let nothing_then = Known { last_year: Some((Figure::ZERO, "240".parse().unwrap())), ..half.clone() };
        assert_eq!(told(&count, 5, &nothing_then), Ok(("140".into(), Method::RunRate)));
        assert_eq!(told(&count, 6, &half), Ok(("140".into(), Method::RunRate)), "the third quarter is not in yet");
        assert_eq!(told(&count, 8, &half), Err(NoForecast::TooFewReadings), "nothing of that year");
        let whole = figures(&[(4, "30"), (7, "150")]);
        assert_eq!(told(&count, 7, &whole), Err(NoForecast::YearComplete));
        let share = kpi(json!({"aggregation": "year_to_date", "frequency": "quarter"}));
        assert_eq!(told(&share, 5, &half), Ok(("70".into(), Method::RunRate)), "a share does not grow with the year");
    }

    #[test]
    fn anything_else_follows_its_line() {
        let rate = kpi(json!({"frequency": "quarter", "valid_min": 0, "valid_max": 100}));
        let line = figures(&[(0, "10"), (1, "11"), (2, "12"), (3, "30")]);
        let fresh = Known { figures: line.figures.get(..3).unwrap().to_vec(), last_year: None };
        assert_eq!(told(&rate, 2, &fresh), Ok(("13".into(), Method::Trend)));
        assert_eq!(told(&rate, 3, &line), Err(NoForecast::YearComplete));
        // By hand. The slopes are 1, 1, 1, 6 2/3, 9 1/2 and 18, in the middle s = 23/6. From 7, 6, 5 and 4 quarters before the
        // year's end: 10 + 7s = 36 5/6, 11 + 6s = 34, 12 + 5s = 31 1/6, 30 + 4s = 45 1/3; in the middle 35 5/12.
        assert_eq!(told(&rate, 4, &line), Ok(("35.4166666667".into(), Method::Trend)));
        assert_eq!(told(&rate, 1, &figures(&[(0, "10"), (1, "11")])), Err(NoForecast::TooFewReadings));
        let steep = figures(&[(0, "40"), (1, "70"), (2, "99")]);
        assert_eq!(told(&rate, 2, &steep), Ok(("100".into(), Method::Trend)), "no more than can be");
        // A quarter without a figure still counts as a quarter.
        assert_eq!(told(&rate, 6, &figures(&[(0, "10"), (2, "12"), (6, "16")])), Ok(("17".into(), Method::Trend)));
    }

    #[test]
    fn a_kpi_that_ends_has_no_end_of_year() {
        let line = figures(&[(0, "10"), (1, "11"), (2, "12")]);
        let withdrawn = kpi(json!({"frequency": "quarter", "in_force_to": "2008-12-31"}));
        assert_eq!(told(&withdrawn, 2, &line), Err(NoForecast::NotApplicable));
        let by = json!({"kind": "partner_determined", "by": "police"});
        assert_eq!(
            told(&kpi(json!({"frequency": "quarter", "formula": by})), 2, &line),
            Err(NoForecast::PartnerDetermined)
        );
    }

    #[test]
    fn what_is_left_is_shared_out() {
        let count =
            |aggregation: &str| kpi(json!({"unit": "count", "aggregation": aggregation, "frequency": "quarter"}));
        let known = figures(&[(3, "9"), (4, "30"), (5, "70")]);
        let rate = |aggregation: &str, target: &str| {
            required_rate(&count(aggregation), quarter(5), &known, target.parse().unwrap()).map(|rate| rate.to_string())
        };
        assert_eq!(rate("year_to_date", "125"), Some("27.5".into()), "27.5 more in each of two quarters");
        assert_eq!(rate("in_period", "125"), Some("12.5".into()), "100 so far");
        assert_eq!(rate("year_to_date", "60"), Some("0".into()), "there already");
        assert_eq!(rate("snapshot", "125"), None);
        let holes = figures(&[(5, "70")]);
        assert_eq!(required_rate(&count("in_period"), quarter(5), &holes, Figure::small(125)), None);
    }

    proptest! {
        #[test]
        fn a_straight_line_goes_straight_on(start in -1000_i64..1000, step in -90_i64..90, length in 3_usize..9, gap in 1_i32..3) {
            let value = |at: i32| Figure::whole(start + step * i64::from(at)).unwrap();
            let last = gap * i32::try_from(length - 1).unwrap();
            let figures: Vec<_> = (0..=last).step_by(usize::try_from(gap).unwrap()).map(|at| (quarter(at), value(at))).collect();
            let kpi = kpi(json!({"frequency": "quarter", "valid_min": null, "valid_max": null}));
            let period = quarter(last + 1);
            let end = quarter(0).distance_to(year_end(&kpi, period).unwrap()).unwrap();
            let known = Known { figures, last_year: None };
            prop_assert_eq!(forecast(&kpi, period, &known), Ok((value(end), Method::Trend)));
        }

        #[test]
        fn a_forecast_is_one_that_can_be(values in prop::collection::vec(0_u32..101, 3..9)) {
            let figures = (0..).zip(&values).map(|(at, value)| (quarter(at), Figure::small(*value))).collect();
            let kpi = kpi(json!({"frequency": "quarter", "valid_min": 0, "valid_max": 100}));
            let known = Known { figures, last_year: None };
            let period = quarter(i32::try_from(values.len()).unwrap());
            let (value, _) = forecast(&kpi, period, &known).unwrap();
            prop_assert!(kpi.may_be(value));
        }
    }
}
