//! Gaps (docs/rules.md section 9): comparator minus group, computed from two readings of another KPI and never posted.

use std::sync::Arc;

use serde::Serialize;

use super::ids::{GroupCode, KpiCode};
use super::kpi::{Kpi, Unit};
use super::number::{Figure, Fraction};
use super::observed::{Computed, Observed, Restatement};
use super::warning::Acknowledged;

/// The two sides of a gap, as an assessment of it shows them.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(
    description = "The two sides of a gap: comparator minus group. The figures are null if the gap has none, or if this reader may not see them."
)]
pub struct AssessedGap {
    /// The KPI that it is computed from.
    pub of: KpiCode,
    /// The group that is thought to be behind.
    #[schema(example = "fsm")]
    pub group: GroupCode,
    /// The group that it is compared with.
    #[schema(example = "non-fsm")]
    pub comparator: GroupCode,
    /// The group's reported figure.
    #[schema(required = true, example = 54.0)]
    pub group_value: Option<Figure>,
    /// The comparator's reported figure.
    #[schema(required = true, example = 78.1)]
    pub comparator_value: Option<Figure>,
    /// Whether the gap is below zero: the group is ahead.
    pub reversed: bool,
}

/// One side of a gap.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The group.
    pub code: &'a GroupCode,
    /// What it is called, if the plan says.
    pub title: Option<&'a str>,
    /// Its reported figure.
    pub reported: Option<Figure>,
    /// Its reported figure of the same period a year before.
    pub year_ago: Option<Figure>,
}

impl Side<'_> {
    /// `54.0 % of Pupils eligible for free school meals`.
    fn in_words(&self, source: &Kpi, value: Figure) -> String {
        let joint = if source.unit == Unit::Percentage { "of" } else { "for" };
        format!("{} {joint} {}", source.in_words(value), self.title.unwrap_or(self.code.as_str()))
    }
}

/// What a gap is made from.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// The KPI that it is computed from.
    pub source: &'a Kpi,
    /// The group that is thought to be behind.
    pub group: Side<'a>,
    /// The group that it is compared with.
    pub comparator: Side<'a>,
}

impl Sides<'_> {
    /// Both sides, as they are beside a gap that was assessed and reported as `gap`, and what its explanation says of
    /// them. `compared` says whether it was compared with a year before. If the gap's own figure is not shown, neither
    /// side is.
    pub fn shown(&self, gap: Option<Figure>, is_shown: bool, compared: bool) -> (AssessedGap, String) {
        let shown = |reported: Option<Figure>| reported.filter(|_| is_shown);
        let gap = AssessedGap {
            of: self.source.code.clone(),
            group: self.group.code.clone(),
            comparator: self.comparator.code.clone(),
            group_value: shown(self.group.reported),
            comparator_value: shown(self.comparator.reported),
            reversed: gap.is_some_and(|gap| gap < Figure::ZERO),
        };
        let Some((group, comparator)) = gap.group_value.zip(gap.comparator_value) else { return (gap, String::new()) };
        let (group, comparator) =
            (self.group.in_words(self.source, group), self.comparator.in_words(self.source, comparator));
        let more = if gap.reversed {
            " The gap is reversed: the group is ahead."
        } else if compared && self.narrowed_from_above() {
            " It is narrower than a year ago only because the comparator fell."
        } else {
            ""
        };
        (gap, format!(" {group} against {comparator}.{more}"))
    }

    /// Whether the gap is narrower than a year before though the group did no better: the comparator did worse.
    fn narrowed_from_above(&self) -> bool {
        let moved = |side: &Side<'_>| Some(side.reported? - side.year_ago?);
        moved(&self.group)
            .zip(moved(&self.comparator))
            .is_some_and(|(group, comparator)| group <= Figure::ZERO && comparator < group)
    }
}

/// The gap between two groups of one KPI; without a figure unless both sides have one.
///
/// It is as provisional as either side, and a nil return if either side is one. It was restated if either side was, the
/// later time if both were: by as much as that side moved.
pub fn gap(source: &Kpi, comparator: &Observed, group: &Observed) -> Observed {
    let difference = comparator.exact(source).zip(group.exact(source)).and_then(|(comparator, group)| {
        // Of populations past ten million million the fractions are too long; what is held of them is not.
        comparator.minus(group).or_else(|| Fraction::from(comparator.figure()?).minus(group.figure()?.into()))
    });
    let value = difference.and_then(Fraction::figure);
    let later = if comparator.recorded_at >= group.recorded_at { comparator } else { group };
    Observed {
        value,
        numerator: None,
        denominator: None,
        provisional: comparator.provisional || group.provisional,
        nil_return: value.is_none(),
        determined: None,
        recorded_by: later.recorded_by.clone(),
        recorded_at: later.recorded_at,
        first_recorded_at: comparator.first_recorded_at.max(group.first_recorded_at),
        stated_forecast: None,
        commentary: None,
        restatement: restatement(comparator, group, value),
        acknowledged: Acknowledged::default(),
        definition_version: group.definition_version,
        computed: difference
            .map(|difference| Computed { difference, comparator_version: comparator.definition_version }),
    }
}

/// How the gap was last restated: by the side that was restated last, the other being as it is now.
fn restatement(comparator: &Observed, group: &Observed, after: Option<Figure>) -> Option<Arc<Restatement>> {
    let less = |comparator: Option<Figure>, group: Option<Figure>| Some(comparator? - group?);
    let of_comparator = comparator.restatement.as_ref().map(|told| (told, less(told.before, group.value)));
    let of_group = group.restatement.as_ref().map(|told| (told, less(comparator.value, told.before)));
    let (told, before) = of_comparator.into_iter().chain(of_group).max_by_key(|(told, _)| told.at)?;
    Some(Arc::new(Restatement { before, after, reason: told.reason.clone(), at: told.at }))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use serde_json::json;

    use super::*;
    use crate::assess::tests::observed;
    use crate::kpi::tests::kpi;

    fn side(value: &str, version: i32) -> Observed {
        Observed {
            recorded_at: DateTime::UNIX_EPOCH,
            definition_version: version,
            ..observed(Some(value.parse().unwrap()))
        }
    }

    fn fraction(source: &Kpi, numerator: u32, denominator: u32) -> Observed {
        let (numerator, denominator) = (Figure::small(numerator), Figure::small(denominator));
        let value = Figure::ratio(numerator, denominator, source.multiplier);
        Observed { value, numerator: Some(numerator), denominator: Some(denominator), ..side("0", 1) }
    }

    #[test]
    fn a_gap_of_two_fractions_is_rounded_once() {
        let source = kpi(json!({"decimals": 0}));
        let whole = gap(&source, &fraction(&source, 1, 3), &fraction(&source, 1, 6));
        assert_eq!(
            whole.value,
            Figure::from_stored("16.6666666667").ok(),
            "33.3333333333 less 16.6666666667 would end in 6"
        );
        let half = gap(&source, &fraction(&source, 7, 600), &fraction(&source, 4, 600));
        assert_eq!(half.value, Some("0.5".parse().unwrap()));
        let of_gap = kpi(json!({"decimals": 0, "unit": "percentage_points"}));
        assert_eq!(half.exact(&of_gap).and_then(|exact| exact.rounded(0)), Some(Figure::small(1)));
    }

    #[test]
    fn a_gap_moves_with_the_side_that_was_restated_last() {
        let source = kpi(json!({}));
        let told = |before: &str, seconds: i64| {
            let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
            let (before, reason) = (Some(before.parse().unwrap()), Some(Arc::from("Counted twice.")));
            Some(Arc::new(Restatement { before, after: None, reason, at }))
        };
        let (mut comparator, mut group) = (side("70", 1), side("50", 1));
        assert_eq!(gap(&source, &comparator, &group).restatement, None);
        comparator.restatement = told("72", 5);
        let moved = gap(&source, &comparator, &group).restatement.unwrap();
        assert_eq!((moved.before, moved.after), (Some(Figure::small(22)), Some(Figure::small(20))));
        group.restatement = told("51", 9);
        let moved = gap(&source, &comparator, &group).restatement.unwrap();
        assert_eq!((moved.before, moved.after), (Some(Figure::small(19)), Some(Figure::small(20))));
        assert_eq!(moved.reason.as_deref(), Some("Counted twice."));
    }

    #[test]
    fn a_gap_is_measured_as_both_of_its_sides_are() {
        let source = kpi(json!({}));
        let measure = |comparator, group| gap(&source, &side("70", comparator), &side("50", group)).measure();
        assert_eq!(measure(1, 2), measure(1, 2));
        assert_ne!(measure(1, 2), measure(2, 2), "the comparator's changed");
        assert_ne!(measure(2, 1), measure(2, 2), "the group's changed");
        assert_ne!(measure(1, 2), measure(2, 1));
    }
}
