//! The bands of a policy laid out along a KPI's own unit (docs/rules.md section 4): where each begins and ends, and which comes next.

use serde::Serialize;

use super::kpi::{Kpi, Polarity};
use super::number::Figure;
use super::policy::{AmberLimit, Band, Basis, Policy, Status, When};
use super::target::{Aim, FoundTarget};

/// The next band in one direction.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "The next band in one direction, and the figure at which it begins.")]
pub struct NextBand {
    /// The band's code.
    #[schema(example = "low_green")]
    pub band: String,
    /// The figure at which it begins; `null` if no figure alone decides.
    #[schema(required = true, example = 4.75)]
    pub at_value: Option<Figure>,
}

/// A band of the policy, along the KPI's own unit.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(
    description = "A band of the policy, and the figures between which it lies. The figure at its worse end belongs to it."
)]
pub struct AssessedBand {
    /// The band's code.
    #[schema(example = "low_green")]
    pub code: String,
    /// What pages call it.
    #[schema(example = "Low Green")]
    pub label: String,
    /// The status it means.
    pub status: Status,
    /// The lower of the figures between which it lies; null if it has no lower end.
    #[schema(required = true, example = 4.75)]
    pub from_value: Option<Figure>,
    /// The higher of them; null if it has no upper end.
    #[schema(required = true, example = 5.0)]
    pub to_value: Option<Figure>,
    /// A further condition. Where it is not met, the figure falls to a band further down.
    #[schema(required = true)]
    pub when: Option<When>,
}

/// What the tolerance counts in, and how far from `end`, which is the target or the nearer end of its range, is still amber.
pub fn amber_limit(kpi: &Kpi, policy: &Policy, found: &FoundTarget, end: Figure) -> (Basis, AmberLimit) {
    let tolerance = kpi.tolerance.unwrap_or(policy.tolerance);
    match (found.floor, tolerance.kind) {
        (Some(floor), _) => (Basis::Points, AmberLimit::points(found.aim.nearer_end(floor) - floor)),
        (None, Basis::Points) => (Basis::Points, AmberLimit::points(tolerance.value)),
        (None, Basis::Percent) => (Basis::Percent, AmberLimit::percent(end, tolerance.value)),
    }
}

/// The bands of a KPI's policy around its target, best first; none for a KPI that is not compared with one.
pub fn bands(kpi: &Kpi, policy: &Policy, found: &FoundTarget) -> Vec<AssessedBand> {
    let aim = found.aim;
    let side = |end: Figure, low_side: bool| {
        let (_, limit) = amber_limit(kpi, policy, found, end);
        Scale { kpi, policy, limit, aim, low_side }.bands()
    };
    match kpi.polarity {
        Polarity::None => Vec::new(),
        Polarity::HigherIsBetter => side(aim.low, true),
        Polarity::LowerIsBetter => side(aim.high, false),
        Polarity::WithinRange => {
            // The best band holds the range itself, from its end on one side to its end on the other.
            let (below, above) = (side(aim.low, true), side(aim.high, false));
            let mut sides = below.into_iter().zip(above);
            let inside = sides.next().map(|(below, above)| AssessedBand { to_value: above.to_value, ..below });
            inside.into_iter().chain(sides.flat_map(|(below, above)| [below, above])).collect()
        }
    }
}

/// The bands laid out along the KPI's own unit.
pub(super) struct Scale<'a> {
    pub(super) kpi: &'a Kpi,
    pub(super) policy: &'a Policy,
    pub(super) limit: AmberLimit,
    pub(super) aim: Aim,
    /// For a range: whether the figure's nearer end is the low one.
    pub(super) low_side: bool,
}

impl Scale<'_> {
    /// The figure at which the variance is `from` times the limit; `None` if there is none such, as beyond the inside
    /// of a range.
    pub(super) fn figure_at(&self, from: Figure) -> Option<Figure> {
        let step = self.limit.at(from)?;
        match self.kpi.polarity {
            Polarity::HigherIsBetter => Some(self.aim.low + step),
            Polarity::WithinRange | Polarity::None if from > Figure::ZERO => None,
            Polarity::WithinRange | Polarity::None if self.low_side => Some(self.aim.low + step),
            Polarity::LowerIsBetter | Polarity::WithinRange | Polarity::None => Some(self.aim.high - step),
        }
    }

    pub(super) fn place(&self, band: &Band) -> Option<usize> {
        self.policy.bands.iter().position(|other| other.code == band.code)
    }

    /// The next band up that can be reached. Without an amber limit, every multiple of it is the target itself: of the bands
    /// that begin there the best counts, and those that have only a condition are where they always are.
    pub(super) fn next_better(&self, band: &Band) -> Option<NextBand> {
        let better = self.policy.bands.get(..self.place(band)?)?;
        let at_target = |band: &Band| band.from.is_some_and(|from| from <= Figure::ZERO);
        let best_at_target = self.policy.bands.iter().position(at_target);
        let reachable = better.iter().enumerate().rev().find(|(place, band)| match band.from {
            Some(_) if self.limit.is_zero() => best_at_target == Some(*place),
            Some(from) => self.figure_at(from).is_some_and(|figure| self.kpi.may_be(figure)),
            None => true,
        });
        let (_, next) = reachable?;
        Some(NextBand { band: next.code.clone(), at_value: next.from.and_then(|from| self.figure_at(from)) })
    }

    /// The next band down, which begins where this one ends. Without an amber limit none that has a multiple of it lies
    /// below the target.
    pub(super) fn next_worse(&self, band: &Band) -> Option<NextBand> {
        let mut worse = self.policy.bands.get(self.place(band)? + 1..)?.iter();
        let next = worse.find(|band| !self.limit.is_zero() || band.from.is_none())?;
        Some(NextBand { band: next.code.clone(), at_value: band.from.and_then(|from| self.figure_at(from)) })
    }

    /// The bands that can be reached, best first.
    fn bands(&self) -> Vec<AssessedBand> {
        let is_low_side = match self.kpi.polarity {
            Polarity::HigherIsBetter => true,
            Polarity::LowerIsBetter => false,
            Polarity::WithinRange | Polarity::None => self.low_side,
        };
        let (mut better, mut found) = (None, Vec::new());
        for band in &self.policy.bands {
            let worse = match band.from {
                // Without an amber limit every multiple of it is the target itself, and of the bands there the best counts.
                Some(from) if self.limit.is_zero() && (from > Figure::ZERO || better.is_some()) => continue,
                Some(from) => match self.figure_at(from) {
                    Some(worse) => Some(worse),
                    None => continue,
                },
                None => None,
            };
            let (from_value, to_value) = if is_low_side { (worse, better) } else { (better, worse) };
            found.push(AssessedBand {
                code: band.code.clone(),
                label: band.label.clone(),
                status: band.status,
                from_value,
                to_value,
                when: band.when,
            });
            better = worse.or(better);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kpi::tests::kpi;
    use crate::policy::shipped;
    use crate::target::TargetSource;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn figure(text: &str) -> Figure {
        text.parse().unwrap()
    }

    fn policy(code: &str) -> Policy {
        shipped().into_iter().find(|policy| policy.code.as_str() == code).unwrap()
    }

    fn target(low: &str, high: &str, floor: Option<&str>) -> FoundTarget {
        let aim = Aim { low: figure(low), high: figure(high) };
        FoundTarget { aim, floor: floor.map(figure), source: TargetSource::Set }
    }

    /// The bands as `code from..to`.
    fn rows(changes: Value, code: &str, found: &FoundTarget) -> Vec<String> {
        let end = |value: Option<Figure>| value.map_or_else(String::new, |value| value.to_string());
        let rows = bands(&kpi(changes), &policy(code), found);
        rows.iter().map(|band| format!("{} {}..{}", band.code, end(band.from_value), end(band.to_value))).collect()
    }

    #[test]
    fn bands_lie_on_the_better_and_the_worse_side_of_the_target() {
        assert_eq!(
            rows(json!({"polarity": "lower_is_better"}), "five-band", &target("4.2", "4.2", None)),
            ["high_green ..3.99", "low_green 3.99..4.2", "amber 4.2..4.41", "low_red 4.41..4.62", "high_red 4.62.."]
        );
        assert_eq!(
            rows(json!({"polarity": "higher_is_better"}), "rag", &target("80", "80", Some("70"))),
            ["green 80..", "amber 70..80", "red ..70"]
        );
    }

    #[test]
    fn those_of_a_range_lie_on_both_sides_of_it() {
        assert_eq!(
            rows(json!({"polarity": "within_range"}), "rag-points", &target("10", "20", Some("7"))),
            ["green 10..20", "amber 7..10", "amber 20..23", "red ..7", "red 23.."]
        );
    }

    #[test]
    fn without_a_margin_there_is_the_target_alone() {
        assert_eq!(
            rows(json!({"polarity": "lower_is_better"}), "five-band", &target("0", "0", None)),
            ["low_green ..0", "high_red 0.."]
        );
        assert_eq!(rows(json!({"polarity": "none"}), "rag", &target("1", "1", None)), Vec::<String>::new());
    }

    proptest! {
        /// A figure is graded to the band within whose ends it lies.
        #[test]
        fn a_figure_lies_in_the_band_that_it_is_graded_to(
            polarity in 0..3_usize, code in 0..3_usize, low in 0..4000_i64, width in 0..3000_i64, value in -2000..9000_i64,
        ) {
            let name = ["higher_is_better", "lower_is_better", "within_range"][polarity];
            let (kpi, policy) = (kpi(json!({"polarity": name})), policy(["rag", "rag-points", "five-band"][code]));
            let width = if polarity == 2 { width } else { 0 };
            let cents = |number: i64| Figure::ratio(Figure::whole(number).unwrap(), Figure::small(100), 1).unwrap();
            let aim = Aim { low: cents(low), high: cents(low + width) };
            let found = FoundTarget { aim, floor: None, source: TargetSource::Set };
            let value = cents(value);
            let (end, variance) = match polarity {
                0 => (aim.low, value - aim.low),
                1 => (aim.high, aim.high - value),
                _ => (aim.nearer_end(value), -aim.distance(value)),
            };
            let (_, limit) = amber_limit(&kpi, &policy, &found, end);
            let graded = policy.grade(variance, limit, false).unwrap();
            let within = bands(&kpi, &policy, &found).into_iter().any(|band| {
                band.code == graded.code
                    && band.from_value.is_none_or(|from| value >= from)
                    && band.to_value.is_none_or(|to| value <= to)
            });
            prop_assert!(within, "{value} is {}: {:?}", graded.code, bands(&kpi, &policy, &found));
        }
    }
}
