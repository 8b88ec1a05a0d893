//! Figures as an assessment sees them: out of the rows of the store, each after the one that it replaces.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::ids::Subject;
use crate::domain::observed::{Observed, Restatement};
use crate::store::readings::{FigureRow, ReadingRevision};

/// A stored figure as an assessment sees it, after the revision `before` it.
pub(in crate::programme::picture) fn observed_figure(row: FigureRow, before: Option<&Observed>) -> Observed {
    let said = Observed {
        value: row.value,
        numerator: row.numerator,
        denominator: row.denominator,
        provisional: row.provisional,
        nil_return: row.nil_return,
        determined: row.determined_status,
        recorded_by: row.recorded_by,
        recorded_at: row.recorded_at,
        first_recorded_at: row.recorded_at,
        definition_version: row.definition_version,
        stated_forecast: row.forecast,
        commentary: row.commentary.map(Arc::from),
        restatement: None,
        acknowledged: row.acknowledged,
        computed: None,
    };
    following(said, row.restated, row.reason, before)
}

/// A figure on its way to the store as an assessment will see it, after the revision `before` it.
pub(in crate::programme) fn observed_revision(
    row: &ReadingRevision,
    recorded_by: &Subject,
    recorded_at: DateTime<Utc>,
    before: Option<&Observed>,
) -> Observed {
    let said = Observed {
        value: row.value,
        numerator: row.numerator,
        denominator: row.denominator,
        provisional: row.provisional,
        nil_return: row.nil_return.is_some(),
        determined: row.determined_status,
        recorded_by: recorded_by.clone(),
        recorded_at,
        first_recorded_at: recorded_at,
        definition_version: row.definition_version,
        stated_forecast: row.forecast,
        commentary: row.commentary.as_deref().map(Arc::from),
        restatement: None,
        acknowledged: row.acknowledged,
        computed: None,
    };
    following(said, row.restated, row.reason.clone(), before)
}

/// What a figure has from the one that it replaces: when its place was first filled, how it was last restated, and who
/// determined the status that it still has, and when.
fn following(said: Observed, restated: bool, reason: Option<String>, before: Option<&Observed>) -> Observed {
    let Some(before) = before else { return said };
    let restatement = if restated {
        let reason = reason.map(Arc::from);
        Some(Arc::new(Restatement { before: before.value, after: said.value, reason, at: said.recorded_at }))
    } else {
        before.restatement.clone()
    };
    let said = Observed { first_recorded_at: before.first_recorded_at, restatement, ..said };
    // A word beside a status is not the partner's determining it again.
    if said.determined.is_some() && said.determined == before.determined {
        return Observed { recorded_by: before.recorded_by.clone(), recorded_at: before.recorded_at, ..said };
    }
    said
}
