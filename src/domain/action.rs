//! Corrective actions (domain.md section 1): what a sub-group will do about a KPI that is off track.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::document::{Document, document, take};
use super::ids::{ActionId, KpiCode, OrganisationCode, Subject};
use super::invalid::Invalid;
use super::period::{PeriodKey, day_in_london};
use super::plan::check_text;

/// What sort of cause it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "What sort of cause keeps a figure from its target.")]
pub enum CauseCode {
    /// More need than was planned for.
    Demand,
    /// Too few people or places.
    Capacity,
    /// Too little money.
    Funding,
    /// The work began or goes on later than planned.
    Delay,
    /// A partner's part is not done.
    Partner,
    /// Figures are late, missing or wrong.
    DataQuality,
    /// Law, policy or the economy changed.
    External,
    /// Anything else: the text says what.
    Other,
}

/// Why a figure is not where it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "Why a figure is not where it should be.")]
pub struct Cause {
    /// What sort of cause it is.
    pub code: CauseCode,
    /// The cause in plain words; 1 to 2,000 characters.
    #[schema(min_length = 1, max_length = 2000, example = "Two of five health visitor posts were vacant all quarter.")]
    pub text: String,
}

/// Who sees to an action: a role, not a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "Who sees to an action: a role in an organisation, and nobody's name.")]
pub struct ActionOwner {
    /// The role; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "Head of Community Nursing")]
    pub role: String,
    /// The organisation.
    #[schema(example = "harrow-pct")]
    pub organisation: OrganisationCode,
}

/// Where an action stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "Where an action stands.")]
pub enum ActionState {
    /// It is to be done.
    #[default]
    Open,
    /// It was done.
    Done,
    /// It will not be done; `reason` says why.
    Dropped,
}

document! {
    /// What will be done about a KPI.
    #[schema(description = "What will be done about a KPI that is off track, by whom and by when.")]
    pub struct Action / NewAction / ActionChange {
        /// The KPI.
        #[schema(example = "NI-126")]
        kpi: KpiCode,
        /// The period whose figure it answers; `null` where it is about the KPI as such.
        period: Option<PeriodKey> = None,
        /// Why the figure is not where it should be.
        cause: Cause,
        /// What will be done; 1 to 2,000 characters.
        #[schema(min_length = 1, max_length = 2000, example = "Midwives book at two more children's centres.")]
        what: String,
        /// Who sees to it.
        owner: ActionOwner,
        /// By when.
        #[schema(example = "2010-01-31")]
        due: NaiveDate,
        /// Where it stands.
        state: ActionState = ActionState::Open,
        /// Why it was dropped, or what came of it; needed where it is dropped; at most 2,000 characters.
        #[schema(max_length = 2000, example = "Both centres book since 11 January.")]
        reason: Option<String> = None,
    }
}

/// A note on an action's progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(description = "A note on an action's progress.")]
pub struct ProgressNote {
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Who made it.
    pub by: Subject,
    /// What it says.
    #[schema(example = "The first of the two centres began on 7 December.")]
    pub text: String,
}

/// An action as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "A corrective action with its progress.")]
pub struct ActionRecord {
    /// Its id.
    pub id: ActionId,
    /// What is to be done.
    #[serde(flatten)]
    pub action: Action,
    /// When it was taken on.
    pub opened_at: DateTime<Utc>,
    /// By whom.
    pub opened_by: Subject,
    /// When it was done or dropped.
    #[schema(required = true)]
    pub closed_at: Option<DateTime<Utc>>,
    /// How it goes, the oldest note first.
    pub notes: Vec<ProgressNote>,
}

impl Document for ActionRecord {
    fn parse(mut members: Map<String, Value>) -> Result<Self, Invalid> {
        let mut invalid = Invalid::new();
        let kept = (
            take(&mut members, "id", &mut invalid),
            take(&mut members, "opened_at", &mut invalid),
            take(&mut members, "opened_by", &mut invalid),
            take(&mut members, "notes", &mut invalid),
        );
        let closed_at = take(&mut members, "closed_at", &mut invalid).flatten();
        let action = Action::parse(members)?;
        let (Some(id), Some(opened_at), Some(opened_by), Some(notes)) = kept else { return Err(invalid) };
        invalid.or(Self { id, action, opened_at, opened_by, closed_at, notes })
    }

    fn members(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }
}

impl Action {
    /// What is wrong with the action in itself.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        check_text(&mut invalid, "/what", &self.what, 1, 2000);
        check_text(&mut invalid, "/cause/text", &self.cause.text, 1, 2000);
        check_text(&mut invalid, "/owner/role", &self.owner.role, 1, 200);
        if let Some(reason) = &self.reason {
            check_text(&mut invalid, "/reason", reason, 0, 2000);
        }
        if self.state == ActionState::Dropped && self.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
            invalid.at("/reason", "reason_needed", "say why it is dropped");
        }
        invalid
    }

    /// Whether it should have been done by now.
    pub fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        self.state == ActionState::Open && self.due < day_in_london(now)
    }
}
