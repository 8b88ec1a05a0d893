//! Gaps (domain.md section 9): comparator minus group, computed from two readings of another KPI and never posted.

use super::assess::Observed;

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
        definition_version: comparator.definition_version.max(group.definition_version),
    }
}
