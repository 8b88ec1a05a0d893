//! Corrective actions (docs/rules.md section 1): what a sub-group will do about a KPI that is off track.

use chrono::{DateTime, Months, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::check::check_text;
use super::document::{Document, take};
use super::ids::{ActionId, KpiCode, OrganisationCode, Subject};
use super::invalid::Invalid;
use super::period::{PeriodKey, day_in_london};
use crate::document;
use crate::names;

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

/// Who is responsible for an action: a role, not a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "Who is responsible for an action: a role in an organisation, never a person's name.")]
pub struct ActionOwner {
    /// The role; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "Head of Community Nursing")]
    pub role: String,
    /// The organisation.
    #[schema(example = "harrow-pct")]
    pub organisation: OrganisationCode,
}

names! {
    /// The state of an action.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
    #[schema(description = "The state of an action.")]
    pub enum ActionState, else "is not a state of an action; they are" {
        /// It is to be done.
        #[default]
        Open = "open",
        /// It was done.
        Done = "done",
        /// It will not be done; `reason` says why.
        Dropped = "dropped",
    }
}

document! {
    /// What will be done about a KPI.
    #[schema(description = "What will be done about a KPI that is off track, by whom and by when.")]
    pub struct Action / ActionDraft / ActionChange {
        /// The KPI.
        #[schema(example = "NI-126")]
        kpi: KpiCode,
        /// The period whose figure it answers; `null` if it is about the KPI as such.
        period: Option<PeriodKey> = None,
        /// Why the figure is not where it should be.
        cause: Cause,
        /// What will be done; 1 to 2,000 characters.
        #[schema(min_length = 1, max_length = 2000, example = "Midwives book at two more children's centres.")]
        what: String,
        /// Who is responsible for it.
        owner: ActionOwner,
        /// By when.
        #[schema(example = "2010-01-31")]
        due: NaiveDate,
        /// Its state.
        state: ActionState = ActionState::Open,
        /// Why it was dropped, what came of it, or why it was reopened; needed if it is dropped; at most 2,000
        /// characters.
        #[schema(max_length = 2000, example = "Both centres book since 11 January.")]
        reason: Option<String> = None,
    }
}

document! {
    /// What is said of an action's progress.
    #[schema(description = "A note to add to an action.")]
    pub struct Note / NoteDraft / NoteChange {
        /// What it says; 1 to 2,000 characters.
        #[schema(min_length = 1, max_length = 2000, example = "The first of the two centres began on 7 December.")]
        text: String,
    }
}

/// A note on an action's progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(description = "A note on an action's progress.")]
pub struct ProgressNote {
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Who made it; null for readers outside the partnership.
    #[schema(required = true, example = "demo-board")]
    pub by: Option<Subject>,
    /// What it says.
    #[schema(example = "The first of the two centres began on 7 December.")]
    pub text: String,
}

/// An action as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "A corrective action with its progress.")]
pub struct ActionRecord {
    /// Its id.
    pub id: ActionId,
    /// What is to be done.
    #[serde(flatten)]
    pub action: Action,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// By whom; null for readers outside the partnership.
    #[schema(required = true, example = "demo-sub_group_lead")]
    pub opened_by: Option<Subject>,
    /// When it was done or dropped.
    #[schema(required = true)]
    pub closed_at: Option<DateTime<Utc>>,
    /// Its progress, oldest note first.
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
        let (Some(id), Some(opened_at), opened_by, Some(notes)) = kept else { return Err(invalid) };
        let opened_by = opened_by.flatten();
        invalid.or(Self { id, action, opened_at, opened_by, closed_at, notes })
    }

    fn members(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }
}

/// The most notes that one action holds.
pub const MOST_NOTES: usize = 500;

impl Note {
    /// What is wrong with the note in itself.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        check_text(&mut invalid, "/text", &self.text, 1, 2000);
        invalid
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

    /// What is wrong with opening it at `now`: an action begins open, and is due today or later.
    pub fn check_opening(&self, now: DateTime<Utc>) -> Invalid {
        let mut invalid = Invalid::new();
        if self.state != ActionState::Open {
            invalid.at(
                "/state",
                "begins_open",
                "an action begins open; say what came of it when it is done or dropped",
            );
        }
        self.check_due(now, &mut invalid);
        invalid
    }

    /// What is wrong with making this of `before` at `now`: it stays with its KPI, and a new date to do it by lies ahead.
    pub fn check_change_of(&self, before: &Self, now: DateTime<Utc>) -> Invalid {
        let mut invalid = Invalid::new();
        if self.kpi != before.kpi {
            invalid.at("/kpi", "kpi_is_fixed", "an action stays with its KPI; open another and drop this one");
        }
        if self.due != before.due && self.state == ActionState::Open {
            self.check_due(now, &mut invalid);
        }
        invalid
    }

    fn check_due(&self, now: DateTime<Utc>, invalid: &mut Invalid) {
        let today = day_in_london(now);
        if self.due < today {
            let detail = format!("{} has passed; give a day from today, {today}, on", self.due);
            invalid.at("/due", "due_has_passed", detail);
        }
    }

    /// Whether it should have been done by now: its day in London is over.
    pub fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        self.state == ActionState::Open && self.due < day_in_london(now)
    }
}

impl ActionRecord {
    /// An action opened at `now`.
    pub fn opened(id: ActionId, action: Action, now: DateTime<Utc>, by: Subject) -> Self {
        Self { id, action, opened_at: now, opened_by: Some(by), closed_at: None, notes: Vec::new() }
    }

    /// The record with its action changed at `now`. Closing stamps when; opened again, it is closed no longer, and what was
    /// said on closing it goes unless something else is said.
    pub fn changed_to(&self, mut action: Action, now: DateTime<Utc>) -> Self {
        let open = |action: &Action| action.state == ActionState::Open;
        let closed_at = match (open(&self.action), open(&action)) {
            (_, true) => None,
            (true, false) => Some(now),
            (false, false) => self.closed_at,
        };
        if !open(&self.action) && open(&action) && action.reason == self.action.reason {
            action.reason = None;
        }
        Self { action, closed_at, ..self.clone() }
    }

    /// The journal's word for what the change from `before` did.
    pub fn change_since(&self, before: &Self) -> &'static str {
        match (before.action.state, self.action.state) {
            (was, is) if was == is => "action.updated",
            (_, ActionState::Open) => "action.reopened",
            (_, ActionState::Done) => "action.done",
            (_, ActionState::Dropped) => "action.dropped",
        }
    }

    /// The record for readers outside the partnership, who see no names.
    #[must_use]
    pub fn nameless(mut self) -> Self {
        self.opened_by = None;
        self.notes.iter_mut().for_each(|note| note.by = None);
        self
    }

    /// Whether it is open, or was closed in the three months before `now`.
    pub fn is_current(&self, now: DateTime<Utc>) -> bool {
        let since = day_in_london(now).checked_sub_months(Months::new(3));
        self.closed_at.is_none_or(|closed_at| since.is_none_or(|since| day_in_london(closed_at) >= since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn action(changes: &Value) -> Action {
        let mut members = json!({
            "kpi": "NI-126", "cause": {"code": "capacity", "text": "Posts are vacant."}, "what": "Book at two more centres.",
            "owner": {"role": "Head of Nursing", "organisation": "pct"}, "due": "2010-01-31"
        });
        members.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        Action::parse(members.as_object().unwrap().clone()).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn faults(invalid: &Invalid) -> Vec<String> {
        let told = invalid.violations().iter();
        told.map(|fault| format!("{} {}", fault.pointer.as_deref().unwrap_or_default(), fault.code)).collect()
    }

    #[test]
    fn an_action_is_overdue_when_its_day_in_london_is_over() {
        let winter = action(&json!({}));
        assert!(!winter.is_overdue(at("2010-01-31T23:59:59Z")));
        assert!(winter.is_overdue(at("2010-02-01T00:00:00Z")));
        let summer = action(&json!({"due": "2010-06-30"}));
        assert!(!summer.is_overdue(at("2010-06-30T22:59:59Z")));
        assert!(summer.is_overdue(at("2010-06-30T23:00:00Z")));
        for closed in [json!({"state": "done"}), json!({"state": "dropped", "reason": "No money."})] {
            assert!(!action(&closed).is_overdue(at("2011-01-01T00:00:00Z")));
        }
    }

    #[test]
    fn an_action_begins_open_and_is_due_today_or_later() {
        let noon = at("2010-01-31T12:00:00Z");
        assert_eq!(faults(&action(&json!({})).check_opening(noon)), [""; 0]);
        let wrong = action(&json!({"state": "done", "due": "2010-01-30"}));
        assert_eq!(faults(&wrong.check_opening(noon)), ["/state begins_open", "/due due_has_passed"]);
    }

    #[test]
    fn a_change_stays_with_the_kpi_and_moves_what_is_due_ahead() {
        let (before, later) = (action(&json!({})), at("2010-03-01T12:00:00Z"));
        assert_eq!(faults(&action(&json!({"what": "More."})).check_change_of(&before, later)), [""; 0]);
        assert_eq!(faults(&action(&json!({"due": "2010-03-01"})).check_change_of(&before, later)), [""; 0]);
        let back = action(&json!({"due": "2010-02-28", "kpi": "NI-50"}));
        assert_eq!(faults(&back.check_change_of(&before, later)), ["/kpi kpi_is_fixed", "/due due_has_passed"]);
        let closed = action(&json!({"due": "2010-02-28", "state": "done"}));
        assert_eq!(
            faults(&closed.check_change_of(&before, later)),
            [""; 0],
            "when it was due is put right once it is done"
        );
    }

    #[test]
    fn closing_is_stamped_and_opening_again_takes_it_back() {
        let (first, second, third) =
            (at("2010-01-05T12:00:00Z"), at("2010-01-20T12:00:00Z"), at("2010-01-25T12:00:00Z"));
        let id = uuid::Uuid::nil().into();
        let opened = ActionRecord::opened(id, action(&json!({})), first, "lead".parse().unwrap());
        let done = opened.changed_to(action(&json!({"state": "done", "reason": "Both book."})), second);
        assert_eq!((done.closed_at, done.change_since(&opened)), (Some(second), "action.done"));
        let dropped = done.changed_to(action(&json!({"state": "dropped", "reason": "Neither does."})), third);
        assert_eq!((dropped.closed_at, dropped.change_since(&done)), (Some(second), "action.dropped"));
        let again = dropped.changed_to(action(&json!({"reason": "Neither does."})), third);
        assert_eq!((again.closed_at, again.change_since(&dropped)), (None, "action.reopened"));
        assert_eq!(again.action.reason, None, "what was said on closing it is not said of an open one");
        let said = dropped.changed_to(action(&json!({"reason": "The money came."})), third);
        assert_eq!(said.action.reason.as_deref(), Some("The money came."));
        assert_eq!(again.changed_to(action(&json!({"what": "More."})), third).change_since(&again), "action.updated");
    }

    #[test]
    fn a_closed_action_is_current_for_a_quarter() {
        let id = uuid::Uuid::nil().into();
        let opened = ActionRecord::opened(id, action(&json!({})), at("2010-01-05T12:00:00Z"), "lead".parse().unwrap());
        assert!(opened.is_current(at("2020-01-01T00:00:00Z")));
        let done = opened.changed_to(action(&json!({"state": "done"})), at("2010-01-20T12:00:00Z"));
        assert!(done.is_current(at("2010-04-20T12:00:00Z")));
        assert!(!done.is_current(at("2010-04-21T12:00:00Z")));
    }

    #[test]
    fn a_record_is_read_as_it_is_stored() {
        let mut record = ActionRecord::opened(
            uuid::Uuid::nil().into(),
            action(&json!({})),
            at("2010-01-05T12:00:00Z"),
            "lead".parse().unwrap(),
        );
        record.notes.push(ProgressNote {
            at: record.opened_at,
            by: Some("board".parse().unwrap()),
            text: "Good.".into(),
        });
        assert_eq!(ActionRecord::parse(record.members()).unwrap(), record);
        let told = serde_json::to_string(&record.nameless()).unwrap();
        assert!(!told.contains("lead") && !told.contains("board"), "{told}");
    }
}
