//! A reading as the rules see it: a figure that was posted, or that was computed from others.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::ids::Subject;
use super::kpi::Kpi;
use super::number::{Figure, Fraction};
use super::policy::Status;
use super::warning::Acknowledged;

/// A reading as an assessment sees it: with all that is said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The exact figure; `None` for nil returns and for partners' statuses without a figure.
    pub value: Option<Figure>,
    /// What was counted.
    pub numerator: Option<Figure>,
    /// Over what.
    pub denominator: Option<Figure>,
    /// Whether it may still change.
    pub provisional: bool,
    /// Whether it was declared that there is no figure.
    pub nil_return: bool,
    /// The status that a partner determined.
    pub determined: Option<Status>,
    /// Who reported it.
    pub recorded_by: Subject,
    /// When it was reported.
    pub recorded_at: DateTime<Utc>,
    /// When a figure was first reported in its place.
    pub first_recorded_at: DateTime<Utc>,
    /// The version of the KPI's definition it was reported under.
    pub definition_version: i32,
    /// The year's end as its sub-group forecasts it.
    pub stated_forecast: Option<Figure>,
    /// What readers should know about it.
    pub commentary: Option<Arc<str>>,
    /// If a figure was changed after its round had closed, the last time that it was.
    pub restatement: Option<Arc<Restatement>>,
    /// The warnings that the person who reported it has confirmed.
    pub acknowledged: Acknowledged,
    /// What it was computed from, if it is a gap.
    pub computed: Option<Computed>,
}

impl Observed {
    /// The figure before any rounding: the ratio if its numbers are known, or the gap as it was computed, or else what
    /// is held. A ratio that is not what is held of it was made by another multiplier, and says nothing.
    pub fn exact(&self, kpi: &Kpi) -> Option<Fraction> {
        let value = self.value?;
        if let Some(computed) = self.computed {
            return Some(computed.difference);
        }
        let numbers = self.numerator.zip(self.denominator);
        let ratio = numbers
            .filter(|(over, under)| Figure::ratio(*over, *under, kpi.multiplier) == Some(value))
            .and_then(|(over, under)| Fraction::ratio(over, under, kpi.multiplier));
        Some(ratio.unwrap_or_else(|| value.into()))
    }

    /// The reported figure: the exact one rounded once, half away from zero.
    pub fn reported(&self, kpi: &Kpi) -> Option<Figure> {
        self.exact(kpi)?.rounded(kpi.decimals)
    }

    /// The same with another figure, or none.
    pub fn with_value(&self, value: Option<Figure>) -> Self {
        let computed =
            self.computed.zip(value).map(|(computed, value)| Computed { difference: value.into(), ..computed });
        Self { value, numerator: None, denominator: None, nil_return: value.is_none(), computed, ..self.clone() }
    }

    /// The same as the one that replaces `before`. It keeps when its place was first filled, how it was last restated (if it is
    /// not `restated` itself), and who determined the status that it still has, and when.
    #[must_use]
    pub fn after(self, before: Option<&Self>, restated: bool, reason: Option<&str>) -> Self {
        let Some(before) = before else { return self };
        let restatement = if restated {
            let reason = reason.map(Arc::from);
            Some(Arc::new(Restatement { before: before.value, after: self.value, reason, at: self.recorded_at }))
        } else {
            before.restatement.clone()
        };
        let said = Self { first_recorded_at: before.first_recorded_at, restatement, ..self };
        // A word beside a status is not the partner's determining it again.
        if said.determined.is_some() && said.determined == before.determined {
            return Self { recorded_by: before.recorded_by.clone(), recorded_at: before.recorded_at, ..said };
        }
        said
    }

    /// By which definition it was measured.
    pub fn measure(&self) -> Measure {
        Measure(self.definition_version, self.computed.map(|computed| computed.comparator_version))
    }

    /// The figure as it is compared with another.
    pub fn measured(&self, kpi: &Kpi) -> Option<Measured> {
        Some(Measured { exact: self.exact(kpi)?, measure: self.measure() })
    }
}

/// A figure that was changed after its round had closed (section 11).
#[derive(Clone, Debug, PartialEq)]
pub struct Restatement {
    /// The figure before; `None` if there was a nil return.
    pub before: Option<Figure>,
    /// The figure after.
    pub after: Option<Figure>,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a gap has from both of its sides, which a figure that was posted does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Computed {
    /// The difference before any rounding.
    pub difference: Fraction,
    /// The version of the definition that the comparator was reported under; the group's is the figure's own.
    pub comparator_version: i32,
}

/// By which definition a figure was measured: its version; of a gap that of the group, and that of the comparator.
/// Figures compare only if it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure(pub i32, pub Option<i32>);

/// A figure that is compared with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The figure before any rounding.
    pub exact: Fraction,
    /// By which definition it was measured.
    pub measure: Measure,
}
