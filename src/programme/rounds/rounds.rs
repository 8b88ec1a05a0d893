//! Collection rounds: their days, and how far the returns of one have come.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use waymark_domain::ids::PlanCode;
use waymark_domain::invalid::Invalid;
use waymark_domain::period::Period;
use waymark_domain::round::{Progress, ReturnState, Round, progress};
use waymark_store::kinds::DefinitionKind;

use crate::Refusal;
use crate::definitions::Defined;
use crate::picture::Picture;
use crate::rounds::returns::ReturnReport;
use crate::seen::Seen;

impl Defined for Round {
    const KIND: DefinitionKind = DefinitionKind::Round;
    const NOUN: &'static str = "collection round";
    const ACTIONS: [&'static str; 3] = ["round.created", "round.updated", "round.removed"];
    const CODE: &'static str = "period";

    fn code(&self) -> &Period {
        &self.period.0
    }

    fn check_in(&self, picture: &Picture) -> Invalid {
        let mut invalid = self.check();
        let kind = self.period.0.kind();
        if let Some(other) = picture.rounds().keys().find(|other| other.kind() != kind) {
            let words = other.kind().words();
            invalid.at(
                "/period",
                "other_period_kind",
                format!("this plan gathers its figures by {words}, as in {other}"),
            );
        }
        invalid
    }

    fn used_by(picture: &Picture, code: &Period) -> Option<String> {
        picture.returns().keys().find(|key| key.period == *code).map(|key| format!("the return `{key}`"))
    }
}

/// Whether a round is yet to open, open, or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "Whether a round is yet to open, open, or closed.")]
pub enum RoundState {
    /// It is yet to open.
    Planned,
    /// Its returns are filled in.
    Open,
    /// A figure that changes is restated.
    Closed,
}

/// A collection round's days.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Round, description = "One period's gathering of figures: its days in London, and the moments at which they begin or end.")]
pub struct RoundDays {
    /// The period it gathers the figures of.
    pub period: Period,
    /// The first day on which its returns are filled in.
    #[schema(example = "2009-07-01")]
    pub opens: NaiveDate,
    /// The last day on which a figure is in time.
    #[schema(example = "2009-07-31")]
    pub due: NaiveDate,
    /// The last day on which a figure is changed without a reason.
    #[schema(example = "2009-08-14")]
    pub closes: NaiveDate,
    /// The first moment of its first day.
    pub opens_at: DateTime<Utc>,
    /// The last moment at which a figure is in time.
    pub due_at: DateTime<Utc>,
    /// The last moment at which a figure is changed without a reason.
    pub closes_at: DateTime<Utc>,
}

impl From<&Round> for RoundDays {
    fn from(round: &Round) -> Self {
        Self {
            period: round.period.0,
            opens: round.opens,
            due: round.due,
            closes: round.closes,
            opens_at: round.opens_at(),
            due_at: round.due_at(),
            closes_at: round.closes_at(),
        }
    }
}

/// A collection round as it is.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A collection round as it is: its returns, and how far its figures have come in.")]
pub struct RoundReport {
    /// The plan's code.
    pub plan: PlanCode,
    /// The moment that it is as known at.
    pub as_of: DateTime<Utc>,
    /// Its days.
    pub round: RoundDays,
    /// Whether it is yet to open, open, or closed.
    pub state: RoundState,
    /// How many returns are in each state.
    pub counts: ReturnCounts,
    /// How far its figures have come in.
    pub progress: Progress,
    /// The returns of the sub-groups that owe a figure, by sub-group.
    pub returns: Vec<ReturnReport>,
}

/// How many returns are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(description = "How many of the returns are in each state.")]
pub struct ReturnCounts {
    /// Being filled in.
    #[schema(minimum = 0, example = 1)]
    pub open: u32,
    /// Submitted.
    #[schema(minimum = 0, example = 1)]
    pub submitted: u32,
    /// Signed off.
    #[schema(minimum = 0, example = 3)]
    pub signed_off: u32,
    /// Sent back with a note.
    #[schema(minimum = 0, example = 0)]
    pub returned: u32,
}

impl Seen {
    /// A round as it is, with every return of it, for a member of the partnership.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there is no such round.
    pub fn round_report(&self, period: Period) -> Result<RoundReport, Refusal> {
        let round = &self.picture.rounds().get(&period).ok_or(Refusal::NotFound)?.value;
        let groups = self.picture.sub_groups().values();
        let returns = groups.map(|group| self.return_report(round, &group.value, |_| true));
        let returns: Vec<_> =
            returns.filter(|report| !report.lines.is_empty() || report.state != ReturnState::Open).collect();
        let mut counts = ReturnCounts::default();
        for report in &returns {
            *match report.state {
                ReturnState::Open => &mut counts.open,
                ReturnState::Submitted => &mut counts.submitted,
                ReturnState::SignedOff => &mut counts.signed_off,
                ReturnState::Returned => &mut counts.returned,
            } += 1;
        }
        // A figure that two sub-groups are responsible for is in the return of each, and counts once.
        let lines = returns.iter().flat_map(|report| &report.lines);
        let come_in: BTreeMap<_, _> = lines
            .map(|line| {
                let one = &line.assessment;
                ((&one.kpi, one.period, &one.group), (line.reported_at, line.due_at))
            })
            .collect();
        Ok(RoundReport {
            plan: self.picture.plan().value.code.clone(),
            as_of: self.now,
            round: round.into(),
            state: if self.now < round.opens_at() {
                RoundState::Planned
            } else if round.is_closed(self.now) {
                RoundState::Closed
            } else {
                RoundState::Open
            },
            counts,
            progress: progress(come_in.into_values(), self.now),
            returns,
        })
    }
}
