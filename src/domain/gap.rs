//! Gaps (domain.md section 9): comparator minus group, computed from two readings of another KPI and never posted.

use std::fmt::Write as _;

use serde::Serialize;

use super::assess::{Assessment, Observed};
use super::ids::{GroupCode, KpiCode};
use super::kpi::{Kpi, Unit};
use super::number::Figure;
use super::warning::Acknowledged;

/// The two sides of a gap, as an assessment of it shows them.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(
    description = "The two sides of a gap: comparator minus group. The figures are null where the gap has none, or may not be seen by this reader."
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
    /// What it is called, where the plan says.
    pub title: Option<&'a str>,
    /// Its figure.
    pub value: Option<Figure>,
    /// Its figure of the same period a year before.
    pub year_ago: Option<Figure>,
}

impl Side<'_> {
    /// `54.0 % of fsm (Pupils eligible for free school meals)`.
    fn in_words(&self, source: &Kpi, value: Figure) -> String {
        let joint = if source.unit == Unit::Percentage { "of" } else { "for" };
        let title = self.title.map_or_else(String::new, |title| format!(" ({title})"));
        format!("{} {joint} {}{title}", source.in_words(value), self.code)
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
    /// Shows both sides beside a gap that was assessed, and tells them in its explanation. `compared` says whether it was
    /// compared with a year before. Where the gap's own figure is not shown, neither side is.
    pub fn show(&self, assessment: &mut Assessment, compared: bool) {
        let shown = |value: Option<Figure>| {
            value.filter(|_| assessment.value.is_some()).map(|value| value.rounded(self.source.decimals))
        };
        let gap = AssessedGap {
            of: self.source.code.clone(),
            group: self.group.code.clone(),
            comparator: self.comparator.code.clone(),
            group_value: shown(self.group.value),
            comparator_value: shown(self.comparator.value),
            reversed: assessment.reported.is_some_and(|gap| gap < Figure::ZERO),
        };
        if let Some((group, comparator)) = gap.group_value.zip(gap.comparator_value) {
            let (group, comparator) =
                (self.group.in_words(self.source, group), self.comparator.in_words(self.source, comparator));
            let text = &mut assessment.explanation;
            // Writing to a String cannot fail.
            let _written = write!(text, " {group} against {comparator}.");
            if gap.reversed {
                text.push_str(" The gap is reversed: the group is ahead.");
            } else if compared && self.narrowed_from_above() {
                text.push_str(" It is narrower than a year ago only because the comparator fell.");
            }
        }
        assessment.gap = Some(gap);
    }

    /// Whether the gap is narrower than a year before though the group did no better: the comparator did worse.
    fn narrowed_from_above(&self) -> bool {
        let moved = |side: &Side<'_>| {
            let reported = |figure: Option<Figure>| figure.map(|figure| figure.rounded(self.source.decimals));
            Some(reported(side.value)? - reported(side.year_ago)?)
        };
        moved(&self.group)
            .zip(moved(&self.comparator))
            .is_some_and(|(group, comparator)| group <= Figure::ZERO && comparator < group)
    }
}

/// The gap between two groups of one KPI; `None` unless both sides are reported.
///
/// It is as provisional as either side, and a nil return where either side is one.
pub fn gap(comparator: &Observed, group: &Observed) -> Observed {
    let value = comparator.value.zip(group.value).map(|(comparator, group)| comparator - group);
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
        restatement: None,
        acknowledged: Acknowledged::default(),
        definition_version: comparator.definition_version.max(group.definition_version),
    }
}
