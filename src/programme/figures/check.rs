//! What to check in figures and targets: gathers the facts from the picture, and asks the rules of
//! [`waymark_domain::warning`].

use waymark_domain::dimension::{Counted, Dimension};
use waymark_domain::ids::GroupCode;
use waymark_domain::observed::Observed;
use waymark_domain::period::Period;
use waymark_domain::reading::Settled;
use waymark_domain::warning::figures::{self, Earlier};
use waymark_domain::warning::{Warning, WarningCode, targets};

use crate::picture::sums::does_not_sum;
use crate::picture::{KpiPicture, Picture};

/// How a figure was sent.
pub(crate) struct Judged<'a> {
    /// The column or member that it is in: `value`, or `numerator` if it was sent as a fraction alone.
    pub column: &'a str,
    /// Whether the figure of a group of the same KPI and period was sent along with it, or is it itself.
    pub is_beside: &'a dyn Fn(&GroupCode) -> bool,
}

/// The column that a figure is in, by what was sent of it.
pub(crate) fn figure_column<T: Copy>(value: Option<T>, numerator: Option<T>) -> &'static str {
    if value.is_none() && numerator.is_some() { "numerator" } else { "value" }
}

impl Picture {
    /// What to check in the figure that is at a place, but for what was acknowledged with it.
    pub(crate) fn reading_warnings(
        &self,
        entry: &KpiPicture,
        group: &GroupCode,
        period: Period,
        judged: &Judged<'_>,
    ) -> Vec<Warning> {
        let Some(kept) = entry.posted(group, period) else { return Vec::new() };
        let (kpi, plan, column) = (&entry.kpi, &self.plan().value, judged.column);
        let rules = &plan.warning_rules;
        let (observed, figure) = (&kept.value, settled(&kept.value));
        let mut found: Vec<Warning> = figures::outside_plan(plan, period, rules).into_iter().collect();
        if let Some(value) = observed.value {
            found.extend(figures::above_a_hundred_percent(kpi, value, column, rules));
            found.extend(figures::without_numbers(kpi, figure, rules));
            let history = earlier(entry, group, period, observed);
            let last = with_baseline(entry, group, period, observed, &history);
            let hundredfold = figures::about_a_hundredfold(kpi, value, &last, column, rules);
            let far = || figures::far_from_history(kpi, value, &history, column, rules);
            found.extend(hundredfold.or_else(far));
            let (before, behind) = neighbours(entry, group, period);
            found.extend(figures::year_to_date_falls(kpi, (period, figure), before, behind, column, rules));
            found.extend(self.sums(entry, group, period, judged));
        }
        found.retain(|warning| !observed.acknowledged.has(warning.code));
        found.into_iter().map(|warning| warning.about(&kpi.code, period, Some(group))).collect()
    }

    /// Where groups and all contradict one another. Of figures sent together it is reported once: at all, or else at
    /// the first of the dimension's groups; a group that is itself more than all is reported at that group.
    fn sums(&self, entry: &KpiPicture, group: &GroupCode, period: Period, judged: &Judged<'_>) -> Vec<Warning> {
        let (rules, column) = (&self.plan().value.warning_rules, judged.column);
        let counted = |group: &GroupCode| Self::counted(entry, group, period);
        let all = GroupCode::all();
        let of_one = |group: &GroupCode| {
            let (one, all) = (counted(group)?, counted(&all)?);
            figures::beyond_all(&format!("`{group}` has"), one, all, column, rules)
        };
        if !group.is_all()
            && let Some(warning) = of_one(group)
        {
            return vec![warning];
        }
        let mut found = Vec::new();
        let dimensions = self.dimensions().values().map(|dimension| &dimension.value);
        for dimension in dimensions.filter(|dimension| group.is_all() || dimension.has(group)) {
            let mut groups = dimension.groups.iter().map(|group| &group.code);
            let tells = if (judged.is_beside)(&all) {
                group.is_all()
            } else {
                groups.find(|group| (judged.is_beside)(group)) == Some(group)
            };
            if !tells {
                continue;
            }
            if dimension.complete {
                let unequal = does_not_sum(dimension, counted).into_iter();
                found.extend(unequal.map(|(part, detail)| {
                    let column = if part == "value" { column } else { part };
                    Warning::at(column, WarningCode::DoesNotSum, detail)
                }));
                continue;
            }
            let others = dimension.groups.iter().map(|group| &group.code);
            let mut others = others.filter(|other| group.is_all() && !(judged.is_beside)(other));
            let beyond = others.find_map(of_one);
            found.extend(beyond.or_else(|| {
                let together = format!("the groups of `{}` together have", dimension.code);
                figures::beyond_all(&together, sum(dimension, counted)?, counted(&all)?, column, rules)
            }));
        }
        found
    }

    /// What to check in the target that is set for a period, but for what was acknowledged with it. `is_beside` says of
    /// a period whether its target was set along with it, or is it itself: of a year and its parts it is reported once,
    /// at the year, or else at the last part.
    pub(crate) fn target_warnings(
        &self,
        entry: &KpiPicture,
        period: Period,
        is_beside: &dyn Fn(Period) -> bool,
    ) -> Vec<Warning> {
        let Some(target) = entry.targets.get(&period) else { return Vec::new() };
        let (kpi, plan) = (&entry.kpi, &self.plan().value);
        let rules = &plan.warning_rules;
        let mut found: Vec<Warning> = figures::outside_plan(plan, period, rules).into_iter().collect();
        found.extend(targets::finer_than_decimals(kpi, target, rules));
        found.extend(targets::above_a_hundred(kpi, target, rules));
        let year = period.year_in(kpi.calendar);
        let tells = |year: Period| {
            let parts = entry.targets.keys().filter(|part| part.kind() != year.kind());
            let of_year = |part: &&Period| part.year_in(kpi.calendar) == Some(year);
            let last = parts.filter(of_year).filter(|part| is_beside(**part)).max();
            if is_beside(year) { period == year } else { last == Some(&period) }
        };
        if let Some((year, whole)) = year.and_then(|year| Some((year, entry.targets.get(&year)?)))
            && tells(year)
        {
            let column = if target.value.is_some() { "value" } else { "high" };
            let part = |part: Period| entry.targets.get(&part);
            found.extend(targets::parts_do_not_make_year(kpi, (year, whole), part, column, rules));
        }
        found.retain(|warning| !target.acknowledged.has(warning.code));
        found.into_iter().map(|warning| warning.about(&kpi.code, period, None)).collect()
    }
}

/// A figure with its numbers.
fn settled(observed: &Observed) -> Settled {
    Settled { value: observed.value, numerator: observed.numerator, denominator: observed.denominator }
}

/// A figure of an earlier period, if it measures the same as the one that is judged.
fn of_the_same(one: &Observed, judged: &Observed) -> Option<Earlier> {
    let vouched = [WarningCode::AboutAHundredTimes, WarningCode::AboutAHundredth];
    let is_vouched_for = vouched.into_iter().any(|code| one.acknowledged.has(code));
    let value = one.value.filter(|_| one.definition_version == judged.definition_version)?;
    Some(Earlier { value, is_vouched_for })
}

/// The figures that one is compared with, oldest first: the latest before it, or if figures build up over the year
/// those at the same point of the years before.
fn earlier(entry: &KpiPicture, group: &GroupCode, period: Period, judged: &Observed) -> Vec<Earlier> {
    let Some(readings) = entry.readings.get(group) else { return Vec::new() };
    let mut found: Vec<Earlier> = if figures::builds_up(&entry.kpi) {
        let years = std::iter::successors(period.year_before(), |period| period.year_before());
        let posted = years.take(figures::HISTORY).filter_map(|period| readings.get(&period));
        posted.filter_map(|kept| of_the_same(&kept.value, judged)).collect()
    } else {
        let before = readings.range(..period).rev().take_while(|(at, _)| at.kind() == period.kind());
        before.filter_map(|(_, kept)| of_the_same(&kept.value, judged)).take(figures::HISTORY).collect()
    };
    found.reverse();
    found
}

/// The figures that the last figure is found among: the history, behind the baseline if it is of the same kind, and
/// before the latest of the same year if figures build up.
fn with_baseline(
    entry: &KpiPicture,
    group: &GroupCode,
    period: Period,
    judged: &Observed,
    history: &[Earlier],
) -> Vec<Earlier> {
    let kpi = &entry.kpi;
    let of_same_kind = |at: Period| at.kind() == period.kind() || !figures::adds_up(kpi);
    let baseline = kpi.baseline.filter(|baseline| {
        let at = baseline.period.0;
        group.is_all() && at.end() < period.end() && of_same_kind(at) && !figures::builds_up(kpi)
    });
    let baseline = baseline.map(|baseline| Earlier { value: baseline.value, is_vouched_for: false });
    let so_far = neighbours(entry, group, period).0.filter(|_| figures::builds_up(kpi));
    let so_far = so_far.and_then(|(at, _)| of_the_same(&entry.posted(group, at)?.value, judged));
    baseline.into_iter().chain(history.iter().copied()).chain(so_far).collect()
}

/// A figure and its period.
type Dated = (Period, Settled);

/// The nearest figures of the same year before and behind a period.
fn neighbours(entry: &KpiPicture, group: &GroupCode, period: Period) -> (Option<Dated>, Option<Dated>) {
    let Some(readings) = entry.readings.get(group) else { return (None, None) };
    let year = period.year_in(entry.kpi.calendar);
    let of_year = |at: Period| at.kind() == period.kind() && at.year_in(entry.kpi.calendar) == year;
    let with_value = |(at, figure): (Period, Settled)| figure.value.map(|_| (at, figure));
    let before = readings.range(..period).rev().take_while(|(at, _)| of_year(**at));
    let behind = readings.range(period..).skip(1).take_while(|(at, _)| of_year(**at));
    (
        before.map(|(at, kept)| (*at, settled(&kept.value))).find_map(with_value),
        behind.map(|(at, kept)| (*at, settled(&kept.value))).find_map(with_value),
    )
}

/// The sum of a dimension's groups, as far as they are posted and can be added up alike; `None` of fewer than two.
fn sum(dimension: &Dimension, counted: impl Fn(&GroupCode) -> Option<Counted>) -> Option<Counted> {
    let mut posted = dimension.groups.iter().filter_map(|group| counted(&group.code));
    let first = posted.next()?;
    let second = posted.next()?;
    std::iter::once(second).chain(posted).try_fold(first, |sum, one| match (sum, one) {
        (Counted::Count(sum), Counted::Count(one)) => Some(Counted::Count(sum + one)),
        (Counted::Fraction(over, under), Counted::Fraction(one_over, one_under)) => {
            Some(Counted::Fraction(over + one_over, under + one_under))
        }
        _ => None,
    })
}
