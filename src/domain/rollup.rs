//! Roll-ups (docs/rules.md section 8): counts and a headline over many assessments. No average of colours is ever taken.

use std::collections::BTreeMap;

use serde::Serialize;

use super::assess::{Assessment, DataState};
use super::number::{Figure, Share};
use super::plan::HeadlineRule;
use super::policy::Status;

/// How many KPIs have each status; sums to all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(description = "How many KPIs have each status; sums to all of them.")]
pub struct StatusCounts {
    /// On track.
    #[schema(minimum = 0, example = 40)]
    pub on_track: u32,
    /// At risk.
    #[schema(minimum = 0, example = 10)]
    pub at_risk: u32,
    /// Off track.
    #[schema(minimum = 0, example = 8)]
    pub off_track: u32,
    /// Not assessed.
    #[schema(minimum = 0, example = 6)]
    pub not_assessed: u32,
}

impl StatusCounts {
    /// Counts one KPI more.
    pub fn count(&mut self, status: Status) {
        let counted = match status {
            Status::OnTrack => &mut self.on_track,
            Status::AtRisk => &mut self.at_risk,
            Status::OffTrack => &mut self.off_track,
            Status::NotAssessed => &mut self.not_assessed,
        };
        *counted += 1;
    }
}

/// How many KPIs are in each data state; sums to all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(description = "How many KPIs are in each data state; sums to all of them.")]
pub struct DataStateCounts {
    /// Reported and final.
    #[schema(rename = "final", minimum = 0, example = 52)]
    pub r#final: u32,
    /// Reported, and may still change.
    #[schema(minimum = 0, example = 6)]
    pub provisional: u32,
    /// Declared to be none.
    #[schema(minimum = 0, example = 1)]
    pub nil_return: u32,
    /// The period has not ended, or lies outside the plan's own years.
    #[schema(minimum = 0, example = 0)]
    pub not_due: u32,
    /// The figure is not yet due.
    #[schema(minimum = 0, example = 2)]
    pub awaited: u32,
    /// The figure should be there.
    #[schema(minimum = 0, example = 3)]
    pub overdue: u32,
    /// The figure may not be seen by this reader.
    #[schema(minimum = 0, example = 0)]
    pub suppressed: u32,
}

/// Counts along the three axes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(description = "How many KPIs there are by status, by band and by data state; each sums to all of them.")]
pub struct Counts {
    /// By status.
    pub status: StatusCounts,
    /// By the code of the policy's band; `none` for those without one.
    #[schema(example = json!({"green": 40, "amber": 10, "red": 8, "none": 6}))]
    pub band: BTreeMap<String, u32>,
    /// By data state.
    pub data_state: DataStateCounts,
}

/// One word for many KPIs, and the shares behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(
    description = "One word for many KPIs, and the shares of the assessed ones behind it; the three shares sum to 100.0."
)]
pub struct Headline {
    /// `on_track` or `at_risk` if enough of the assessed KPIs are, by the plan's thresholds.
    pub status: Status,
    /// How many KPIs are assessed.
    #[schema(minimum = 0, example = 58)]
    pub assessed: u32,
    /// How many KPIs there are.
    #[schema(minimum = 0, example = 64)]
    pub total: u32,
    /// The share of the assessed that are on track; `null` if none is assessed.
    #[schema(required = true, value_type = Option<Share>)]
    pub on_track_percent: Option<Figure>,
    /// The share of the assessed that are at risk.
    #[schema(required = true, value_type = Option<Share>)]
    pub at_risk_percent: Option<Figure>,
    /// The share of the assessed that are off track.
    #[schema(required = true, value_type = Option<Share>)]
    pub off_track_percent: Option<Figure>,
}

/// Counts many assessments and gives them a headline by the plan's rule.
pub fn roll_up<'a>(assessments: impl IntoIterator<Item = &'a Assessment>, rule: HeadlineRule) -> (Headline, Counts) {
    let mut counts = Counts::default();
    for assessment in assessments {
        counts.status.count(assessment.status);
        *counts.band.entry(assessment.band.clone().unwrap_or_else(|| "none".to_owned())).or_default() += 1;
        let by_state = &mut counts.data_state;
        let state = match assessment.data_state {
            DataState::Final => &mut by_state.r#final,
            DataState::Provisional => &mut by_state.provisional,
            DataState::NilReturn => &mut by_state.nil_return,
            DataState::NotDue => &mut by_state.not_due,
            DataState::Awaited => &mut by_state.awaited,
            DataState::Overdue => &mut by_state.overdue,
            DataState::Suppressed => &mut by_state.suppressed,
        };
        *state += 1;
    }
    (headline(&counts.status, rule), counts)
}

/// The headline over KPIs that were counted, by the plan's rule.
pub fn headline(counts: &StatusCounts, rule: HeadlineRule) -> Headline {
    let assessed = counts.on_track + counts.at_risk + counts.off_track;
    let reaches = |count: u32, percent: u32| u64::from(count) * 100 >= u64::from(assessed) * u64::from(percent);
    let status = if assessed == 0 {
        Status::NotAssessed
    } else if reaches(counts.on_track, rule.on_track_percent) {
        Status::OnTrack
    } else if reaches(counts.on_track + counts.at_risk, rule.at_risk_percent) {
        Status::AtRisk
    } else {
        Status::OffTrack
    };
    let [on_track, at_risk, off_track] = shares([counts.on_track, counts.at_risk, counts.off_track]);
    Headline {
        status,
        assessed,
        total: assessed + counts.not_assessed,
        on_track_percent: on_track,
        at_risk_percent: at_risk,
        off_track_percent: off_track,
    }
}

/// Percentages with one decimal that sum to 100.0: each is cut down to a tenth, and the tenths left over go to the
/// largest remainders, the first of equal ones.
fn shares<const N: usize>(counts: [u32; N]) -> [Option<Figure>; N] {
    let total: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    if total == 0 {
        return [None; N];
    }
    let mut tenths = counts.map(|count| (u64::from(count) * 1000 / total, u64::from(count) * 1000 % total));
    let given: u64 = tenths.iter().map(|(tenth, _)| tenth).sum();
    for _ in given..1000 {
        let largest = tenths.iter().map(|(_, rest)| *rest).max().unwrap_or(0);
        if let Some((tenth, rest)) = tenths.iter_mut().find(|(_, rest)| *rest == largest) {
            *tenth += 1;
            *rest = 0;
        }
    }
    tenths.map(|(tenth, _)| u32::try_from(tenth).ok().and_then(|tenth| Figure::small(tenth).share(1, 10)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(on_track: u32, at_risk: u32, off_track: u32) -> StatusCounts {
        StatusCounts { on_track, at_risk, off_track, not_assessed: 6 }
    }

    #[test]
    fn the_headline_follows_the_thresholds_exactly() {
        for (on, risk, off, status) in [
            (3, 0, 1, Status::OnTrack),
            (74, 0, 26, Status::AtRisk),
            (75, 0, 25, Status::OnTrack),
            (25, 25, 50, Status::AtRisk),
            (25, 24, 51, Status::OffTrack),
            (0, 0, 0, Status::NotAssessed),
        ] {
            assert_eq!(headline(&counts(on, risk, off), HeadlineRule::default()).status, status, "{on} {risk} {off}");
        }
    }

    #[test]
    fn shares_go_to_the_largest_remainders() {
        let text = |numbers: [u32; 3]| shares(numbers).map(|share| share.unwrap().to_string());
        assert_eq!(text([40, 10, 8]), ["69", "17.2", "13.8"]);
        assert_eq!(text([1, 1, 1]), ["33.4", "33.3", "33.3"]);
    }

    proptest! {
        #[test]
        fn shares_always_sum_to_a_hundred(a in 0_u32..10_000, b in 0_u32..10_000, c in 1_u32..10_000) {
            let sum = shares([a, b, c]).into_iter().fold(Figure::ZERO, |sum, share| sum + share.unwrap());
            prop_assert_eq!(sum, Figure::small(100));
        }
    }
}
