//! A second reading of sections 3 to 8 of docs/rules.md, written from its words alone and with fractions throughout,
//! which the rules are compared with over random KPIs. It is slow and plain on purpose, and shares no arithmetic with
//! them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::assess::tests::observed;
use super::assess::{Assessment, Facts, Outlook, Whole, assess};
use super::document::Document;
use super::forecast::{Known, forecast, year_end_target};
use super::ids::GroupCode;
use super::kpi::Kpi;
use super::kpi::tests::kpi;
use super::number::Figure;
use super::observed::{Measure, Observed};
use super::parts::{Made, Pooling, pooled, pooling};
use super::period::Period;
use super::policy::{Policy, shipped};
use super::target::{Target, find_target, find_target_of_sum};
use super::travel::Earlier;

/// A fraction.
#[derive(Clone, Copy, Debug)]
struct Q(i128, i128);

impl Q {
    fn new(over: i128, under: i128) -> Self {
        let (mut a, mut b) = (over.abs(), under.abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let sign = if under < 0 { -1 } else { 1 };
        Self(sign * over / a.max(1), sign * under / a.max(1))
    }

    fn of(figure: Figure) -> Self {
        Self::new(figure.units(), 10_i128.pow(10))
    }

    fn plus(self, other: Self) -> Self {
        Self::new(self.0 * other.1 + other.0 * self.1, self.1 * other.1)
    }

    fn minus(self, other: Self) -> Self {
        self.plus(Self(-other.0, other.1))
    }

    fn times(self, other: Self) -> Self {
        Self::new(self.0 * other.0, self.1 * other.1)
    }

    fn over(self, other: Self) -> Self {
        Self::new(self.0 * other.1, self.1 * other.0)
    }

    fn abs(self) -> Self {
        Self(self.0.abs(), self.1)
    }

    /// Half away from zero.
    fn rounded(self, decimals: u32) -> Self {
        let unit = 10_i128.pow(decimals);
        let size = (2 * self.0.abs() * unit + self.1).div_euclid(2 * self.1);
        Self::new(size * self.0.signum(), unit)
    }

    /// To ten places, half to even.
    fn held(self) -> Self {
        let unit = 10_i128.pow(10);
        let (whole, rest) = ((self.0 * unit).div_euclid(self.1), (self.0 * unit).rem_euclid(self.1));
        let up = match (2 * rest).cmp(&self.1) {
            Ordering::Less => 0,
            Ordering::Equal => whole.rem_euclid(2),
            Ordering::Greater => 1,
        };
        Self::new(whole + up, unit)
    }

    /// How many decimals it is written with, if that is at most six.
    fn decimals(self) -> Option<u32> {
        (0..=6).find(|decimals| self.rounded(*decimals) == self)
    }
}

impl PartialEq for Q {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Q {}
impl PartialOrd for Q {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Q {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0 * other.1).cmp(&(other.0 * self.1))
    }
}

const ZERO: Q = Q(0, 1);

/// What is wanted: a low and a high end, and where amber ends.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Wanted(Q, Q, Option<Q>);

/// A KPI of twelve quarters, from the first of 2008/09, with all that is known of it.
#[derive(Debug)]
struct Case {
    kpi: Kpi,
    policy: Policy,
    profile: Option<&'static str>,
    baseline: Option<(usize, Q)>,
    years: [Option<Wanted>; 3],
    quarters: [Option<Wanted>; 12],
    targets: BTreeMap<Period, Target>,
    readings: Vec<Option<Observed>>,
    exact: Vec<Option<Q>>,
}

fn quarter(place: usize) -> Period {
    let first: Period = "FY2008-09-Q1".parse().unwrap();
    first.step(i32::try_from(place).unwrap()).unwrap()
}

fn year(place: usize) -> Period {
    "FY2008-09".parse::<Period>().unwrap().step(i32::try_from(place).unwrap()).unwrap()
}

/// Random numbers, drawn one by one.
struct Dice(std::vec::IntoIter<u32>);

impl Dice {
    fn below(&mut self, most: u32) -> u32 {
        self.0.next().unwrap_or(0) % most
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(u32::try_from(of.len()).unwrap())).unwrap()]
    }

    fn often(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// A number with at most so many decimals.
    fn number(&mut self, most: u32, decimals: u32) -> Figure {
        let units = i64::from(self.below(most * 10_u32.pow(decimals) + 1));
        Figure::whole(units).unwrap().share(1, 10_i64.pow(decimals)).unwrap()
    }
}

fn member(figure: Figure) -> Value {
    serde_json::to_value(figure).unwrap()
}

fn random_target(dice: &mut Dice, polarity: &str, decimals: u32) -> (Value, Wanted) {
    let places = decimals + dice.below(3);
    let low = if dice.often(15) { Figure::ZERO } else { dice.number(60, places) };
    let high = if polarity == "within_range" { low + dice.number(20, decimals) } else { low };
    let step = dice.number(8, places);
    let floor = dice.often(30).then(|| if polarity == "lower_is_better" { high + step } else { low - step });
    let mut members = match polarity {
        "within_range" => json!({"low": member(low), "high": member(high)}),
        _ => json!({"value": member(low)}),
    };
    members["floor"] = floor.map_or(Value::Null, member);
    (members, Wanted(Q::of(low), Q::of(high), floor.map(Q::of)))
}

fn random_kpi(dice: &mut Dice) -> (Value, Option<&'static str>, Option<(usize, Q)>) {
    let unit = dice.one(&["percentage", "count", "count", "days", "rate", "score"]);
    let aggregation = dice.one(&["in_period", "in_period", "year_to_date", "snapshot"]);
    let polarity = dice.one(&["higher_is_better", "lower_is_better", "within_range"]);
    let profiles = [None, Some("held"), Some("linear"), Some("linear"), Some("even"), Some("weighted")];
    let fitting = if aggregation == "snapshot" { 4 } else { 6 };
    let profile = dice.one(&profiles[..fitting]);
    let decimals = dice.below(3);
    let mut members = json!({
        "unit": unit, "aggregation": aggregation, "polarity": polarity, "frequency": "quarter", "decimals": decimals,
        "multiplier": if unit == "percentage" { 100 } else { 1 }, "profile": profile,
        "steady_margin": member(dice.number(1, 1)),
        "weights": if profile == Some("weighted") { json!([0.1, 0.2, 0.3, 0.4]) } else { json!([]) },
        "valid_max": if dice.often(30) { json!(90) } else { Value::Null },
    });
    let mut baseline = None;
    if dice.often(50) {
        let (place, value) = (usize::try_from(dice.below(12)).unwrap(), dice.number(60, decimals));
        members["baseline"] = json!({"period": quarter(place).to_string(), "value": member(value)});
        baseline = Some((place, Q::of(value)));
    }
    let usual = match (aggregation, unit) {
        ("snapshot", _) | ("in_period", "percentage" | "rate" | "score") => Some("held"),
        _ => None,
    };
    (members, profile.or(usual), baseline)
}

fn random_reading(dice: &mut Dice, kpi: &Kpi) -> (Observed, Q) {
    let fraction = dice.often(50);
    let (numerator, denominator) = (Figure::small(dice.below(400)), Figure::small(1 + dice.below(700)));
    let places = kpi.decimals + dice.below(3);
    let value = dice.number(80, places);
    let ratio = Figure::ratio(numerator, denominator, kpi.multiplier).unwrap();
    let exact = Q::of(numerator).over(Q::of(denominator)).times(Q(i128::from(kpi.multiplier), 1));
    let reading = Observed {
        numerator: fraction.then_some(numerator),
        denominator: fraction.then_some(denominator),
        recorded_at: DateTime::UNIX_EPOCH,
        ..observed(Some(if fraction { ratio } else { value }))
    };
    (reading, if fraction { exact } else { Q::of(value) })
}

fn random_case(dice: Vec<u32>) -> Case {
    let mut dice = Dice(dice.into_iter());
    let (members, profile, baseline) = random_kpi(&mut dice);
    let polarity = members["polarity"].as_str().unwrap().to_owned();
    let kpi = kpi(members);
    let mut policy = shipped().remove(dice.one(&[0, 1, 2, 3]));
    if dice.often(25) {
        policy.compare = super::policy::Compare::Exact;
    }
    let (mut years, mut quarters, mut targets) = ([None; 3], [None; 12], BTreeMap::new());
    for place in 0..15 {
        if !dice.often(if place < 3 { 70 } else { 10 }) {
            continue;
        }
        let (members, wanted) = random_target(&mut dice, &polarity, kpi.decimals);
        let target = Target::parse(members.as_object().unwrap().clone()).unwrap();
        let period = if place < 3 { year(place) } else { quarter(place - 3) };
        *(if place < 3 { &mut years[place] } else { &mut quarters[place - 3] }) = Some(wanted);
        targets.insert(period, target);
    }
    let mut readings = Vec::new();
    let mut exact = Vec::new();
    for _ in 0..12 {
        let reading = dice.often(85).then(|| random_reading(&mut dice, &kpi));
        exact.push(reading.as_ref().map(|(_, exact)| *exact));
        readings.push(reading.map(|(reading, _)| reading));
    }
    Case { kpi, policy, profile, baseline, years, quarters, targets, readings, exact }
}

/// Section 5.
fn wanted(case: &Case, place: usize) -> Option<Wanted> {
    if let Some(set) = case.quarters[place] {
        return Some(set);
    }
    let cumulative = case.kpi.aggregation == super::kpi::Aggregation::YearToDate;
    let nth = i128::try_from(place % 4 + 1).unwrap();
    let along = |from: Q, to: Q, step: i128, steps: i128| from.plus(to.minus(from).times(Q(step, steps)).held());
    let Some(of_year) = case.years[place / 4] else {
        return (case.profile == Some("linear")).then(|| between(case, place)).flatten();
    };
    let shared = |share: Q| {
        let one = |figure: Q| figure.times(share).held();
        Wanted(one(of_year.0), one(of_year.1), of_year.2.map(one))
    };
    match case.profile? {
        "held" => Some(of_year),
        "even" => Some(shared(if cumulative { Q::new(nth, 4) } else { Q(1, 4) })),
        "weighted" => Some(shared(if cumulative { Q::new(nth * (nth + 1) / 2, 10) } else { Q::new(nth, 10) })),
        _ if nth == 4 => Some(of_year),
        _ => {
            let before = (place / 4).checked_sub(1).and_then(|year| case.years[year]);
            let start = before.or_else(|| case.baseline.map(|(_, value)| Wanted(value, value, None)))?;
            Some(Wanted(along(start.0, of_year.0, nth, 4), along(start.1, of_year.1, nth, 4), None))
        }
    }
}

fn between(case: &Case, place: usize) -> Option<Wanted> {
    let known = |at: usize| {
        let of_year = (at % 4 == 3).then(|| case.years[at / 4]).flatten();
        let baseline = case.baseline.filter(|(period, _)| *period == at).map(|(_, value)| Wanted(value, value, None));
        case.quarters[at].or(of_year).or(baseline)
    };
    let earlier = (0..place).rev().find(|at| known(*at).is_some())?;
    let later = (place..12).find(|at| known(*at).is_some())?;
    let (from, to) = (known(earlier)?, known(later)?);
    let share = Q::new(i128::try_from(place - earlier).unwrap(), i128::try_from(later - earlier).unwrap());
    let along = |from: Q, to: Q| from.plus(to.minus(from).times(share).held());
    Some(Wanted(along(from.0, to.0), along(from.1, to.1), None))
}

/// Section 4, rules 6 to 8: the reported figure, the variance and the band.
fn graded(case: &Case, exact: Q, wanted: Wanted, no_worse_on_year: bool) -> (Q, Q, String) {
    use super::kpi::Polarity;
    let Wanted(low, high, floor) = wanted;
    let own = [Some(low), Some(high), floor].into_iter().flatten().filter_map(Q::decimals);
    let decimals = own.fold(case.kpi.decimals, u32::max);
    let reported = exact.rounded(decimals);
    let figure = if case.policy.compare == super::policy::Compare::Exact { exact.held() } else { reported };
    let nearer = |to: Q| if to.minus(low).abs() <= to.minus(high).abs() { low } else { high };
    let (target, variance) = match case.kpi.polarity {
        Polarity::HigherIsBetter => (low, figure.minus(low)),
        Polarity::LowerIsBetter => (low, low.minus(figure)),
        _ if figure < low => (nearer(figure), figure.minus(low)),
        _ if figure > high => (nearer(figure), high.minus(figure)),
        _ => (nearer(figure), ZERO),
    };
    let tolerance = case.policy.tolerance;
    let limit = match (floor, tolerance.kind) {
        (Some(floor), _) => nearer(floor).minus(floor).abs(),
        (None, super::policy::Basis::Points) => Q::of(tolerance.value),
        (None, super::policy::Basis::Percent) => target.abs().times(Q::of(tolerance.value)).over(Q(100, 1)),
    };
    let band = case.policy.bands.iter().find(|band| {
        let far = match band.from.map(Q::of) {
            Some(from) if limit == ZERO => variance >= ZERO && from <= ZERO,
            Some(from) => from.times(limit) <= variance,
            None => true,
        };
        far && (band.when.is_none() || no_worse_on_year)
    });
    (reported, variance, band.unwrap().code.clone())
}

/// Section 6: whether a figure is no worse than one before, or `None` if they do not compare.
fn moved(case: &Case, now: Q, before: Option<Q>, wanted: Option<Wanted>) -> Option<&'static str> {
    use super::kpi::Polarity;
    let (now, before) = (now.rounded(case.kpi.decimals), before?.rounded(case.kpi.decimals));
    let away = |figure: Q, wanted: Wanted| ZERO.max(wanted.0.minus(figure)).max(figure.minus(wanted.1));
    let gain = match case.kpi.polarity {
        Polarity::HigherIsBetter => now.minus(before),
        Polarity::LowerIsBetter => before.minus(now),
        _ => away(before, wanted?).minus(away(now, wanted?)),
    };
    Some(if gain.abs() <= Q::of(case.kpi.steady_margin) {
        "no_change"
    } else if gain > ZERO {
        "improving"
    } else {
        "worsening"
    })
}

fn middle(mut of: Vec<Q>) -> Q {
    of.sort();
    of[(of.len() - 1) / 2].plus(of[of.len() / 2]).times(Q(1, 2))
}

/// Section 7, of figures that are held: a line, and of in-period counts its sum over the year.
fn line(case: &Case, place: usize) -> Option<Q> {
    let end = place / 4 * 4 + 3;
    let known: Vec<(usize, Q)> =
        (0..=place).filter_map(|at| Some((at, Q::of(case.readings[at].as_ref()?.value?)))).collect();
    let latest = &known[known.len().saturating_sub(8)..];
    if latest.len() < 3 || latest.last()?.0 == end {
        return None;
    }
    let number = |at: usize| Q(i128::try_from(at).unwrap(), 1);
    let mut slopes = Vec::new();
    for (one, other) in latest.iter().flat_map(|one| latest.iter().map(move |other| (one, other))) {
        if one.0 < other.0 {
            slopes.push(other.1.minus(one.1).over(number(other.0 - one.0)));
        }
    }
    let slope = middle(slopes);
    let start = middle(latest.iter().map(|(at, value)| value.minus(slope.times(number(*at)))).collect());
    let could_be = |value: Q| {
        let value = case.kpi.valid_max.map_or(value, |most| value.min(Q::of(most)));
        value.max(ZERO)
    };
    let at = |at: usize| could_be(start.plus(slope.times(number(at))));
    if pooling(&case.kpi) != Some(Pooling::Sum) {
        return Some(at(end));
    }
    let of =
        |quarter: usize| known.iter().find(|(at, _)| *at == quarter).map_or_else(|| at(quarter), |(_, value)| *value);
    Some((place / 4 * 4..=end).map(of).fold(ZERO, Q::plus))
}

fn assessed(
    case: &Case,
    period: Period,
    reading: Option<&Observed>,
    whole: Option<Whole>,
    year_ago: Option<(Period, &Observed)>,
) -> Assessment {
    let target = match whole {
        Some(Whole { made: Made { pooling: Pooling::Sum, .. }, .. }) => {
            find_target_of_sum(&case.kpi, period, &case.targets)
        }
        _ => find_target(&case.kpi, period, &case.targets),
    };
    let earlier = year_ago.and_then(|(period, reading)| Some(Earlier { period, figure: reading.measured(&case.kpi)? }));
    assess(&Facts {
        kpi: &case.kpi,
        policy: &case.policy,
        policy_version: 1,
        period,
        group: &GroupCode::all(),
        reading,
        target,
        previous: None,
        year_ago: earlier,
        due_at: Some(DateTime::UNIX_EPOCH),
        now: DateTime::UNIX_EPOCH,
        withheld: false,
        precision: crate::precision::Precision::Exact,
        partner: "",
        names_shown: true,
        outlook: Outlook { measure: Measure(1, None), ..Outlook::default() },
        sides: None,
        whole,
    })
}

fn check_quarter(case: &Case, place: usize) -> Result<(), TestCaseError> {
    let found = find_target(&case.kpi, quarter(place), &case.targets).ok();
    let found = found.map(|found| Wanted(Q::of(found.aim.low), Q::of(found.aim.high), found.floor.map(Q::of)));
    let wanted = wanted(case, place);
    prop_assert_eq!(found, wanted, "the target of quarter {} of {:?}", place, case);
    let (Some(reading), Some(exact)) = (case.readings[place].as_ref(), case.exact[place]) else { return Ok(()) };
    let before = place.checked_sub(4);
    let year_ago = before.and_then(|at| Some((quarter(at), case.readings[at].as_ref()?)));
    let one = assessed(case, quarter(place), Some(reading), None, year_ago);
    let travel = moved(case, exact, before.and_then(|at| case.exact[at]), wanted);
    prop_assert_eq!(one.travel.long.direction.map(super::travel::Direction::as_str), travel);
    let Some(wanted) = wanted else {
        prop_assert_eq!(one.reported.map(Q::of), Some(exact.rounded(case.kpi.decimals)));
        prop_assert_eq!(one.band, None);
        return Ok(());
    };
    let held = matches!(travel, Some("improving" | "no_change"));
    let (reported, variance, band) = graded(case, exact, wanted, held);
    prop_assert_eq!(one.reported.map(Q::of), Some(reported), "{:?}", case);
    prop_assert_eq!(one.variance.map(Q::of), Some(variance), "{:?}", case);
    prop_assert_eq!(one.band, Some(band), "{:?}", case);
    if reported == wanted.0 && case.policy.compare == super::policy::Compare::Reported {
        prop_assert_eq!(variance, ZERO, "a figure that is shown as its target is on it");
    }
    Ok(())
}

fn check_forecast(case: &Case, place: usize) -> Result<(), TestCaseError> {
    if case.kpi.aggregation == super::kpi::Aggregation::YearToDate {
        return Ok(());
    }
    let figures: Vec<_> =
        (0..=place).filter_map(|at| Some((quarter(at), case.readings[at].as_ref()?.value?))).collect();
    let made = forecast(&case.kpi, quarter(place), &Known { figures, ..Known::default() });
    let made = made.ok().map(|(value, _)| Q::of(value.figure().unwrap()));
    prop_assert_eq!(made, line(case, place).map(Q::held), "the forecast in quarter {} of {:?}", place, case);
    let found = year_end_target(&case.kpi, quarter(place), &case.targets).ok();
    let found = found.map(|found| Wanted(Q::of(found.aim.low), Q::of(found.aim.high), found.floor.map(Q::of)));
    let first = place / 4 * 4;
    let expected = match (pooling(&case.kpi), case.profile) {
        (Some(Pooling::Sum), Some("held" | "linear")) => {
            (first..first + 4).map(|at| wanted(case, at)).reduce(sum).flatten()
        }
        (Some(Pooling::Sum), _) => case.years[place / 4],
        _ => wanted(case, first + 3),
    };
    prop_assert_eq!(found, expected, "what the year is compared with: {:?}", case);
    Ok(())
}

fn sum(one: Option<Wanted>, other: Option<Wanted>) -> Option<Wanted> {
    let (one, other) = (one?, other?);
    Some(Wanted(one.0.plus(other.0), one.1.plus(other.1), one.2.zip(other.2).map(|(one, other)| one.plus(other))))
}

/// Section 8: the report of a year.
fn check_year(case: &Case, place: usize) -> Result<(), TestCaseError> {
    let parts: Vec<_> = (place * 4..place * 4 + 4).map(|at| case.readings[at].as_ref()).collect();
    let there: Vec<_> = parts.iter().flatten().collect();
    let whole = pooled(&case.kpi, &parts);
    let total = |part: fn(&Observed) -> Option<Figure>| {
        there.iter().map(|reading| part(reading).map(Q::of)).try_fold(ZERO, |sum, part| Some(sum.plus(part?)))
    };
    let expected = match pooling(&case.kpi) {
        _ if there.is_empty() => None,
        None => None,
        Some(Pooling::Sum) => total(|reading| reading.value),
        Some(Pooling::Quotient) => total(|reading| reading.numerator)
            .zip(total(|reading| reading.denominator))
            .map(|(over, under)| over.over(under).times(Q(i128::from(case.kpi.multiplier), 1))),
    };
    prop_assert_eq!(whole.as_ref().and_then(|whole| whole.value).map(Q::of), expected.map(Q::held), "{:?}", case);
    let (Some(whole), Some(exact)) = (whole, expected) else { return Ok(()) };
    let made = Made { pooling: pooling(&case.kpi).unwrap(), there: there.len(), of: 4, kind: case.kpi.period_kind() };
    let missing = parts.iter().position(Option::is_none).map(|at| quarter(place * 4 + at));
    let one =
        assessed(case, year(place), Some(&whole), Some(Whole { made, last: quarter(place * 4 + 3), missing }), None);
    if there.len() < 4 {
        prop_assert_eq!(one.of, Some(format!("{} of 4 quarters", there.len())));
        prop_assert_eq!((one.band, one.reason.map(super::assess::Reason::as_str)), (None, Some("incomplete")));
        return Ok(());
    }
    prop_assert_eq!(one.of.as_deref(), Some("4 quarters"));
    let level = matches!(case.profile, Some("held" | "linear")) && made.pooling == Pooling::Sum;
    let of_parts = || (place * 4..place * 4 + 4).map(|at| wanted(case, at)).reduce(sum).flatten();
    let wanted = if level { of_parts() } else { case.years[place] };
    if let Some(wanted) = wanted {
        let (reported, variance, band) = graded(case, exact, wanted, false);
        prop_assert_eq!(one.reported.map(Q::of), Some(reported), "{:?}", case);
        prop_assert_eq!((one.variance.map(Q::of), one.band), (Some(variance), Some(band)), "{:?}", case);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 400, ..ProptestConfig::default() })]
    #[test]
    fn the_rules_are_as_they_are_written(dice in prop::collection::vec(any::<u32>(), 220)) {
        let case = random_case(dice);
        for place in 0..12 {
            check_quarter(&case, place)?;
            check_forecast(&case, place)?;
        }
        for place in 0..3 {
            check_year(&case, place)?;
        }
    }
}
