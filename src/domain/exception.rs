//! What the Board should look at: the rules by which a KPI is an exception, and which of two is worse.
//!
//! [`Rule::ALL`] is the table, the worst first; [`rules`] says which of them apply, and [`worst_first`] puts exceptions in
//! order. Everything that lists exceptions goes by these three.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::assess::{Assessment, DataState};
use super::number::Figure;
use super::period::{Calendar, Period};
use super::policy::Status;
use super::travel::Direction;

/// A rule by which a KPI is an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "A rule by which a KPI is an exception, the worst first. More may be added.")]
pub enum Rule {
    /// Off track.
    OffTrack,
    /// Off track, and nobody says why.
    OffTrackWithoutCommentary,
    /// Off track, and nobody does anything about it.
    OffTrackWithoutAction,
    /// At risk and getting worse.
    AtRiskAndWorsening,
    /// Expected to end the year worse than it stands.
    ForecastToMiss,
    /// No figure where one is due.
    Overdue,
    /// A figure that had been reported on was changed.
    Restated,
    /// Something that should have been done by now.
    ActionOverdue,
}

impl Rule {
    /// Every rule, the worst first.
    pub const ALL: [Self; 8] = [
        Self::OffTrack,
        Self::OffTrackWithoutCommentary,
        Self::OffTrackWithoutAction,
        Self::AtRiskAndWorsening,
        Self::ForecastToMiss,
        Self::Overdue,
        Self::Restated,
        Self::ActionOverdue,
    ];

    /// The name in JSON and CSV.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OffTrack => "off_track",
            Self::OffTrackWithoutCommentary => "off_track_without_commentary",
            Self::OffTrackWithoutAction => "off_track_without_action",
            Self::AtRiskAndWorsening => "at_risk_and_worsening",
            Self::ForecastToMiss => "forecast_to_miss",
            Self::Overdue => "overdue",
            Self::Restated => "restated",
            Self::ActionOverdue => "action_overdue",
        }
    }

    /// What the rule says, in plain words.
    pub fn words(self) -> &'static str {
        match self {
            Self::OffTrack => "The KPI is off track in the period reported on.",
            Self::OffTrackWithoutCommentary => "It is off track, and its figure has no commentary.",
            Self::OffTrackWithoutAction => "It is off track, and no action on it is open.",
            Self::AtRiskAndWorsening => {
                "It is at risk, and has worsened since the period before or since a year before."
            }
            Self::ForecastToMiss => {
                "Its forecast for the year's end is at risk or off track, and worse than it stands."
            }
            Self::Overdue => "Its figure was due and has not been reported.",
            Self::Restated => {
                "Its figure has been restated; or, since the period reported on ended, one of an earlier period of the same year or of the year before has."
            }
            Self::ActionOverdue => "An action on it should have been done by now and is still open.",
        }
    }
}

/// What the rules go by: what is known of one KPI in the period reported on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Where it stands.
    pub assessment: &'a Assessment,
    /// The status that its forecast for the year's end would have, where there is one.
    pub forecast_status: Option<Status>,
    /// Whether a figure was restated that [`counts_as_restated`].
    pub restated: bool,
    /// Whether its figure has commentary; `None` where the reader may not be told that there is none.
    pub commented: Option<bool>,
    /// Whether an action on it is open; `None` where the reader may not be told that none is.
    pub acted_on: Option<bool>,
    /// Whether an action on it that the reader may see is overdue.
    pub action_overdue: bool,
}

/// The rules that apply to a KPI, the worst first. It is an exception where there is at least one.
pub fn rules(facts: &Facts<'_>) -> Vec<Rule> {
    let one = facts.assessment;
    let off_track = one.status == Status::OffTrack;
    let applies = |rule: &Rule| match rule {
        Rule::OffTrack => off_track,
        Rule::OffTrackWithoutCommentary => off_track && facts.commented == Some(false),
        Rule::OffTrackWithoutAction => off_track && facts.acted_on == Some(false),
        Rule::AtRiskAndWorsening => {
            let worsening = |direction| direction == Some(Direction::Worsening);
            let travel = &one.travel;
            one.status == Status::AtRisk && (worsening(travel.short.direction) || worsening(travel.long.direction))
        }
        // Statuses are ordered from the best to the worst; one that is not assessed is better than none.
        Rule::ForecastToMiss => facts
            .forecast_status
            .is_some_and(|forecast| matches!(forecast, Status::AtRisk | Status::OffTrack) && one.status < forecast),
        Rule::Overdue => one.data_state == DataState::Overdue,
        Rule::Restated => facts.restated,
        Rule::ActionOverdue => facts.action_overdue,
    };
    Rule::ALL.into_iter().filter(applies).collect()
}

/// Whether a restatement at `at` of the figure of `restated` is news in a report on `reported`: of the figure reported
/// always; of an earlier one of the same year or the year before, where it came after the period reported on had ended.
pub fn counts_as_restated(restated: Period, reported: Period, calendar: Calendar, at: DateTime<Utc>) -> bool {
    if restated == reported {
        return true;
    }
    let year = |period: Period| period.year_in(calendar);
    let recent = year(reported).is_some_and(|this| {
        let of = year(restated);
        of == Some(this) || (of.is_some() && of == this.step(-1))
    });
    recent && restated < reported && at > reported.closes_at()
}

/// Which of two exceptions comes first: by the worst rule, then by how many apply, then by how far off it is in multiples
/// of its amber limit, the KPI's code at last.
pub fn worst_first(one: (&[Rule], &Assessment), other: (&[Rule], &Assessment)) -> Ordering {
    // Every exception has a rule; the empty list would come first.
    let worst = one.0.first().cmp(&other.0.first());
    let most = other.0.len().cmp(&one.0.len());
    let furthest = || how_far_off(one.1, other.1);
    worst.then(most).then_with(furthest).then_with(|| one.1.kpi.cmp(&other.1.kpi))
}

/// The lower multiple of the amber limit first, exactly; short of a target that allows no shortfall before all, and what
/// has no such multiple last.
fn how_far_off(one: &Assessment, other: &Assessment) -> Ordering {
    let place = |assessment: &Assessment| match (assessment.variance, assessment.amber_limit) {
        (Some(variance), Some(limit)) if limit > Figure::ZERO => (1, Some((variance, limit))),
        (Some(variance), Some(_)) if variance < Figure::ZERO => (0, None),
        _ => (2, None),
    };
    let ((before, ours), (after, theirs)) = (place(one), place(other));
    let multiples = || ours.zip(theirs).map_or(Ordering::Equal, |(ours, theirs)| Figure::compare_ratios(ours, theirs));
    before.cmp(&after).then_with(multiples)
}
