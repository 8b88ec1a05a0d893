//! The forecast to the year's end (docs/rules.md section 7): a projection of what was reported, which never changes a status.
//!
//! [`forecast`] gives the figure; anyone who assesses it compares it with the year-end target by the same bands as any
//! figure. Of an in-period count it is the year's total, as the required rate is of that: 12 and 10 in two quarters, on
//! a line that falls by 2, make 12 + 10 + 8 + 6 = 36. A falling line ends at what a figure can be: zero, or the valid
//! range's end.

use std::collections::BTreeMap;

use serde::Serialize;

use super::kpi::{Aggregation, Formula, Kpi, Unit};
use super::number::{Figure, Fraction};
use super::parts::parts;
use super::period::Period;
use super::target::{FoundTarget, NoTarget, Target, find_target, find_target_of_sum};
use crate::names;

names! {
    /// How a forecast was made.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
    #[schema(
        description = "How a forecast was made: last year's total by the same share as last year's at this point, the year so far at the same pace, or the line through the latest figures, which for an in-period count is added up over the parts of the year that are left. More may be added."
    )]
    pub enum Method {
        /// Last year's total x (now / last year at the same point).
        Seasonal = "seasonal",
        /// The year so far, at the same pace.
        RunRate = "run_rate",
        /// The Theil-Sen line through the last three to eight figures; of an in-period count, what is reported of the year and the
        /// line through the parts that are left.
        Trend = "trend",
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
    /// A partner determines the status.
    PartnerDetermined,
    /// The projection is past what a figure can be.
    OutOfRange,
}

/// What a forecast is made from: figures reported under one version of the definition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// The figures up to the period looked at, in time order; at least the year's, and eight if there are so many.
    pub figures: Vec<(Period, Figure)>,
    /// The latest of them before any rounding.
    pub latest: Option<Fraction>,
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

/// Whether the forecast is of the year's total: that of an in-period count, whose figures add up.
pub fn is_total(kpi: &Kpi) -> bool {
    kpi.aggregation == Aggregation::InPeriod && kpi.unit == Unit::Count && matches!(kpi.formula, Formula::Direct {})
}

/// The figure to expect at the end of the year that holds `period`, before any rounding; of an in-period count the year's
/// total.
///
/// # Errors
/// [`NoForecast`], which says why there is none.
pub fn forecast(kpi: &Kpi, period: Period, known: &Known) -> Result<(Fraction, Method), NoForecast> {
    let end = year_end(kpi, period).ok_or(NoForecast::OutOfRange)?;
    if matches!(kpi.formula, Formula::PartnerDetermined { .. }) {
        return Err(NoForecast::PartnerDetermined);
    }
    if !kpi.in_force(end) {
        return Err(NoForecast::NotApplicable);
    }
    if known.figures.last().is_some_and(|(period, _)| *period == end) {
        return Err(NoForecast::YearComplete);
    }
    if kpi.aggregation == Aggregation::YearToDate {
        let (value, method) = year_so_far(kpi, period, known)?;
        return Ok((could_be(kpi, value.ok_or(NoForecast::OutOfRange)?), method));
    }
    let from = known.figures.len().saturating_sub(MOST_FIGURES);
    let figures = known.figures.get(from..).unwrap_or_default();
    if figures.len() < FEWEST_FIGURES {
        return Err(NoForecast::TooFewReadings);
    }
    let line = Line::through(figures, end).ok_or(NoForecast::OutOfRange)?;
    let value = if is_total(kpi) { total(kpi, period, known, &line) } else { line.at(end) };
    let value = value.ok_or(NoForecast::OutOfRange)?;
    // Each part of a total could be posted, and the total itself never is.
    Ok((if is_total(kpi) { value } else { could_be(kpi, value) }, Method::Trend))
}

/// The nearest figure that could be posted.
fn could_be(kpi: &Kpi, value: Fraction) -> Fraction {
    let value = kpi.valid_max.map_or(value, |most| value.min(most.into()));
    kpi.lowest().map_or(value, |least| value.max(least.into()))
}

/// What a figure that runs through the year comes to: as last year's did, or else at the same pace.
fn year_so_far(kpi: &Kpi, period: Period, known: &Known) -> Result<(Option<Fraction>, Method), NoForecast> {
    let latest = known.figures.last().filter(|(at, _)| at.year_in(kpi.calendar) == period.year_in(kpi.calendar));
    let (at, now) = *latest.ok_or(NoForecast::TooFewReadings)?;
    Ok(match known.last_year {
        Some((then, total)) if then != Figure::ZERO => (Fraction::from(total).in_ratio(now, then), Method::Seasonal),
        _ => (run_rate(kpi, at, now, known.latest), Method::RunRate),
    })
}

/// The year so far x n / k. An average, a share, a rate or a score of the year so far does not grow with the year: at the same
/// pace it stays what it is.
fn run_rate(kpi: &Kpi, at: Period, now: Figure, exact: Option<Fraction>) -> Option<Fraction> {
    let (place, parts) = at.position_in(kpi.calendar)?;
    match kpi.unit {
        Unit::Count | Unit::Currency => Fraction::from(now).share(parts, place),
        Unit::Percentage | Unit::Rate | Unit::Score | Unit::PercentagePoints | Unit::Ratio | Unit::Days => {
            Some(exact.unwrap_or_else(|| now.into()))
        }
    }
}

/// What the year comes to: its figures that are known, and the line in each of its parts that has none.
fn total(kpi: &Kpi, period: Period, known: &Known, line: &Line) -> Option<Fraction> {
    let year = period.year_in(kpi.calendar)?;
    let parts = parts(kpi.period_kind(), year)?.into_iter().filter(|part| kpi.in_force(*part));
    parts.into_iter().try_fold(Fraction::from(Figure::ZERO), |sum, part| {
        let reported = known.figures.iter().find(|(at, _)| *at == part).map(|(_, value)| (*value).into());
        let value = match reported {
            Some(value) => value,
            None => could_be(kpi, line.at(part)?),
        };
        sum.plus(value)
    })
}

/// The Theil-Sen line through figures: the median of the slopes between all pairs, and the median of what is left, exactly.
struct Line {
    end: Period,
    /// Its status at the end.
    value: Fraction,
    /// How much it rises from one period to the next.
    slope: Fraction,
}

impl Line {
    fn through(figures: &[(Period, Figure)], end: Period) -> Option<Self> {
        // Counted back from the end, so that the line is wanted at zero.
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
        Some(Self { end, value: median(left.collect::<Option<_>>()?)?, slope })
    }

    fn at(&self, period: Period) -> Option<Fraction> {
        self.value.minus(self.slope.share(period.distance_to(self.end)?, 1)?)
    }
}

/// The middle one, or half-way between the two in the middle.
fn median(mut fractions: Vec<Fraction>) -> Option<Fraction> {
    fractions.sort_unstable();
    let upper = *fractions.get(fractions.len() / 2)?;
    let lower = *fractions.get((fractions.len() - 1) / 2)?;
    lower.plus(upper)?.share(1, 2)
}

/// How much each part of the year that is left must bring, on average, for a count to reach `total` (see
/// [`year_total`]) over the year: never below zero. `None` if the KPI is no count that adds up to a year's total, if
/// the year is over, or if a figure of the year so far is missing.
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

/// The target that a forecast is compared with: that of the year's last part, or the year's own if the figures run
/// through the year, whether or not a profile says how. The total of an in-period count is compared with what the
/// year's parts are to come to.
///
/// # Errors
/// [`NoTarget`], which says why there is none.
pub fn year_end_target(kpi: &Kpi, period: Period, targets: &BTreeMap<Period, Target>) -> Result<FoundTarget, NoTarget> {
    if let Some(year) = period.year_in(kpi.calendar).filter(|_| is_total(kpi)) {
        return find_target_of_sum(kpi, year, targets);
    }
    let found = year_end(kpi, period).map_or(Err(NoTarget::None), |end| find_target(kpi, end, targets));
    match (found, period.year_in(kpi.calendar)) {
        (Err(_), Some(year)) if kpi.aggregation == Aggregation::YearToDate => find_target(kpi, year, targets),
        _ => found,
    }
}

/// The total that a count is to reach over the year; `None` if its target is a level or a range, or there is none.
pub fn year_total(kpi: &Kpi, period: Period, targets: &BTreeMap<Period, Target>) -> Option<Figure> {
    let found = match kpi.aggregation {
        Aggregation::YearToDate => year_end_target(kpi, period, targets),
        Aggregation::InPeriod if is_total(kpi) => year_end_target(kpi, period, targets),
        Aggregation::InPeriod | Aggregation::Snapshot | Aggregation::Rolling12Months => return None,
    };
    found.ok().map(|found| found.aim).filter(|aim| aim.low == aim.high).map(|aim| aim.low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kpi::tests::kpi;
    use crate::warning::Acknowledged;
    use proptest::prelude::*;
    use serde_json::json;

    fn quarter(number: i32) -> Period {
        "FY2008-09-Q1".parse::<Period>().unwrap().step(number).unwrap()
    }

    fn figures(values: &[(i32, &str)]) -> Known {
        let figures = values.iter().map(|(at, value)| (quarter(*at), value.parse().unwrap())).collect();
        Known { figures, ..Known::default() }
    }

    fn told(kpi: &Kpi, at: i32, known: &Known) -> Result<(String, Method), NoForecast> {
        forecast(kpi, quarter(at), known).map(|(value, method)| (value.figure().unwrap().to_string(), method))
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
        for unit in ["percentage", "days", "score", "rate", "ratio"] {
            let share = kpi(json!({"unit": unit, "aggregation": "year_to_date", "frequency": "quarter"}));
            assert_eq!(
                told(&share, 5, &half),
                Ok(("70".into(), Method::RunRate)),
                "{unit} does not grow with the year"
            );
        }
    }

    #[test]
    fn an_in_period_count_is_forecast_as_the_years_total() {
        let members = json!({"unit": "count", "aggregation": "in_period", "frequency": "quarter"});
        let count = kpi(members.clone());
        // The year has 12 and 10; the line falls by 2: 8 and 6 are to come.
        let falling = figures(&[(2, "16"), (3, "14"), (4, "12"), (5, "10")]);
        assert_eq!(told(&count, 5, &falling), Ok(("36".into(), Method::Trend)));
        assert_eq!(told(&count, 6, &falling), Ok(("36".into(), Method::Trend)), "the third quarter is not in yet");
        // No part falls below zero: 3 and then -6, which is none.
        let steep = figures(&[(3, "30"), (4, "21"), (5, "12")]);
        assert_eq!(told(&count, 5, &steep), Ok(("36".into(), Method::Trend)), "21 + 12 + 3 + 0");
        // Nor past what a part can be; the year can.
        let mut bounded = members;
        bounded["valid_max"] = json!(40);
        let rising = figures(&[(3, "10"), (4, "20"), (5, "30")]);
        assert_eq!(told(&kpi(bounded), 5, &rising), Ok(("130".into(), Method::Trend)), "20 + 30 + 40 + 40");
        // A part that was skipped is to come as well.
        let hole = figures(&[(2, "10"), (3, "10"), (5, "10")]);
        assert_eq!(told(&count, 5, &hole), Ok(("40".into(), Method::Trend)));
        assert_eq!(told(&count, 4, &figures(&[(3, "1"), (4, "2")])), Err(NoForecast::TooFewReadings));
        let year = figures(&[(4, "1"), (5, "1"), (6, "1"), (7, "1")]);
        assert_eq!(told(&count, 7, &year), Err(NoForecast::YearComplete));
        // Parts before the KPI is in force are none.
        let month = |text: &str| (text.parse().unwrap(), Figure::small(10));
        let late = json!({
            "unit": "count", "aggregation": "in_period", "frequency": "month", "in_force_from": "2009-10-01",
        });
        let begun = Known { figures: ["2009-10", "2009-11", "2009-12"].map(month).into(), ..Known::default() };
        let (sixty, _) = forecast(&kpi(late), "2009-12".parse().unwrap(), &begun).unwrap();
        assert_eq!(sixty, Figure::small(60).into());
        // What may be an average is carried on and never added up.
        let days = kpi(json!({"unit": "days", "aggregation": "in_period", "frequency": "quarter"}));
        assert_eq!(told(&days, 5, &falling), Ok(("6".into(), Method::Trend)));
        assert_eq!(told(&days, 5, &steep), Ok(("0".into(), Method::Trend)), "and ends at nought");
        let points = kpi(json!({"unit": "percentage_points", "aggregation": "in_period", "frequency": "quarter"}));
        assert_eq!(told(&points, 5, &steep), Ok(("-6".into(), Method::Trend)), "which a difference may pass");
    }

    #[test]
    fn a_total_is_held_against_what_the_year_is_to_come_to() {
        let count = |profile: Option<&str>| {
            kpi(json!({"unit": "count", "aggregation": "in_period", "frequency": "quarter", "profile": profile}))
        };
        let target = |value: u32, floor: u32| Target {
            value: Some(Figure::small(value)),
            low: None,
            high: None,
            floor: Some(Figure::small(floor)),
            kind: super::super::target::TargetKind::Local,
            state: super::super::target::TargetState::Agreed,
            rationale: None,
            agreed_by: None,
            agreed_on: None,
            reason: None,
            acknowledged: Acknowledged::default(),
        };
        let targets = BTreeMap::from([("FY2009-10".parse().unwrap(), target(40, 48))]);
        let wanted = |profile: Option<&str>, targets| {
            let found = year_end_target(&count(profile), quarter(5), targets).ok()?;
            Some((found.aim.low.to_string(), found.floor.map(|floor| floor.to_string())))
        };
        let forty = Some(("40".to_owned(), Some("48".to_owned())));
        assert_eq!((wanted(None, &targets), wanted(Some("even"), &targets)), (forty.clone(), forty));
        // A level holds in each part: four times forty, and so its floor.
        assert_eq!(wanted(Some("held"), &targets), Some(("160".into(), Some("192".into()))));
        let parts = BTreeMap::from([("FY2009-10-Q4".parse().unwrap(), target(9, 9))]);
        assert_eq!(wanted(None, &parts), None, "one quarter's is not the year's");
        assert_eq!(year_total(&count(Some("held")), quarter(5), &targets), Some(Figure::small(160)));
    }

    #[test]
    fn anything_else_follows_its_line() {
        let rate = kpi(json!({"frequency": "quarter", "valid_min": 0, "valid_max": 100}));
        let line = figures(&[(0, "10"), (1, "11"), (2, "12"), (3, "30")]);
        let fresh = Known { figures: line.figures.get(..3).unwrap().to_vec(), ..Known::default() };
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
            let kpi = kpi(json!({"frequency": "quarter", "valid_min": -100_000, "valid_max": null}));
            let period = quarter(last + 1);
            let end = quarter(0).distance_to(year_end(&kpi, period).unwrap()).unwrap();
            let known = Known { figures, ..Known::default() };
            prop_assert_eq!(forecast(&kpi, period, &known), Ok((value(end).into(), Method::Trend)));
        }

        #[test]
        fn a_forecast_is_one_that_can_be(values in prop::collection::vec(0_u32..101, 3..9)) {
            let figures = (0..).zip(&values).map(|(at, value)| (quarter(at), Figure::small(*value))).collect();
            let kpi = kpi(json!({"frequency": "quarter", "valid_min": 0, "valid_max": 100}));
            let known = Known { figures, ..Known::default() };
            let period = quarter(i32::try_from(values.len()).unwrap());
            let (value, _) = forecast(&kpi, period, &known).unwrap();
            prop_assert!(kpi.may_be(value.figure().unwrap()));
        }
    }
}
