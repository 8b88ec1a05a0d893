//! Corrective actions (docs/rules.md section 1): what will be done about a KPI, opened, changed, noted and closed by those who
//! report it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use waymark_domain::action::{Action, ActionRecord, ActionState, MOST_NOTES, Note, ProgressNote};
use waymark_domain::document::{Document, lay_over};
use waymark_domain::ids::{ActionId, AreaCode, KpiCode, OrganisationCode, PlanCode, SubGroupCode};
use waymark_domain::invalid::Invalid;
use waymark_store::kinds::DefinitionKind;
use waymark_store::new_id;

use crate::caller::precondition::Precondition;
use crate::definitions::references::refer;
use crate::picture::{Kept, KpiPicture, Picture};
use crate::seen::Seen;
use crate::{Ground, Pen, Principal, Programme, Refusal};

/// An action as one reader sees it at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "A corrective action with its progress, and whether it should have been done by now.")]
pub struct SeenAction {
    #[serde(flatten)]
    record: ActionRecord,
    /// Whether it is still open after the day that it was due.
    overdue: bool,
}

impl SeenAction {
    /// Its id.
    pub fn id(&self) -> ActionId {
        self.record.id
    }

    /// Whether it shows who did what.
    pub fn names_shown(&self) -> bool {
        self.record.opened_by.is_some()
    }

    /// What is to be done.
    pub fn action(&self) -> &Action {
        &self.record.action
    }

    /// What was said of its progress, oldest first.
    pub fn notes(&self) -> &[ProgressNote] {
        &self.record.notes
    }

    /// What was said last of its progress.
    pub fn latest_note(&self) -> Option<&ProgressNote> {
        self.record.notes.last()
    }

    /// Whether it is still open after the day that it was due.
    pub fn is_overdue(&self) -> bool {
        self.overdue
    }
}

/// Which actions are wanted; `None` asks for all.
#[derive(Clone, Debug, Default)]
pub struct ActionFilter {
    /// Those on a KPI.
    pub kpi: Option<KpiCode>,
    /// Those in a state.
    pub state: Option<ActionState>,
    /// Those that an organisation is responsible for.
    pub organisation: Option<OrganisationCode>,
    /// Those on KPIs that a sub-group is responsible for.
    pub sub_group: Option<SubGroupCode>,
    /// Those on KPIs of an outcome area.
    pub outcome_area: Option<AreaCode>,
    /// Those that are overdue, or those that are not.
    pub overdue: Option<bool>,
}

impl Seen {
    /// An action as its reader sees it.
    pub(crate) fn action(&self, record: &ActionRecord) -> SeenAction {
        let record = record.clone();
        let record = if self.access.knows_names() { record } else { record.nameless() };
        SeenAction { overdue: record.action.is_overdue(self.now), record }
    }

    fn stored_action(&self, kept: &Kept<ActionRecord>) -> Kept<SeenAction> {
        Kept { value: self.action(&kept.value), revision: kept.revision, seq: kept.seq }
    }

    /// The actions that a reader sees and wants, oldest first, from after the one with the id `after`.
    pub fn actions_for<'a>(
        &'a self,
        filter: &'a ActionFilter,
        after: Option<ActionId>,
    ) -> impl Iterator<Item = Kept<SeenAction>> {
        let wanted = self.picture.actions().values().filter(move |kept| {
            let action = &kept.value.action;
            let Some(entry) = self.picture.kpis().get(&action.kpi) else { return false };
            let area = self.picture.area_of(&entry.kpi);
            after.is_none_or(|after| kept.value.id > after)
                && self.reads_actions(&entry.kpi)
                && filter.kpi.as_ref().is_none_or(|code| &action.kpi == code)
                && filter.state.is_none_or(|state| action.state == state)
                && filter.organisation.as_ref().is_none_or(|code| &action.owner.organisation == code)
                && filter.sub_group.as_ref().is_none_or(|code| self.picture.answers_for(code, area))
                && filter.outcome_area.as_ref().is_none_or(|code| area == Some(code))
                && filter.overdue.is_none_or(|overdue| action.is_overdue(self.now) == overdue)
        });
        wanted.map(|kept| self.stored_action(kept))
    }

    /// An action that the reader may read.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there is none, or not for the reader.
    pub fn find_action(&self, id: ActionId) -> Result<Kept<SeenAction>, Refusal> {
        self.action_for(id).map(|(kept, _)| self.stored_action(kept))
    }

    /// The same with its KPI, as both are stored.
    pub(crate) fn action_for(&self, id: ActionId) -> Result<(&Kept<ActionRecord>, &Arc<KpiPicture>), Refusal> {
        let kept = self.picture.actions().get(&id).ok_or(Refusal::NotFound)?;
        let entry = self.picture.kpis().get(&kept.value.action.kpi).ok_or(Refusal::NotFound)?;
        if self.reads_actions(&entry.kpi) { Ok((kept, entry)) } else { Err(Refusal::NotFound) }
    }
}

impl Picture {
    /// Whether a sub-group is responsible for an outcome area.
    pub(crate) fn answers_for(&self, sub_group: &SubGroupCode, area: Option<&AreaCode>) -> bool {
        let group = self.sub_groups().get(sub_group);
        group.zip(area).is_some_and(|(group, area)| group.value.outcome_areas.contains(area))
    }
}

/// What is wrong with an action, in itself and beside what is in the plan.
fn check_action(action: &Action, picture: &Picture) -> Invalid {
    let mut invalid = action.check();
    refer(&mut invalid, "/owner/organisation", "organisation", &action.owner.organisation, picture.organisations());
    if let Some((period, entry)) = action.period.zip(picture.kpis().get(&action.kpi)) {
        let kind = entry.kpi.period_kind();
        if period.0.kind() != kind {
            let detail = format!("{} is no {}; write one such as {}", period.0, kind.words(), kind.example());
            invalid.at("/period", "wrong_kind_of_period", detail);
        }
    }
    invalid
}

fn check_not_archived(invalid: &mut Invalid, entry: &KpiPicture) {
    if entry.archived {
        invalid.at("/kpi", "archived", format!("{} is archived and accepts no more actions", entry.kpi.code));
    }
}

impl Ground {
    fn must_report(&self, entry: &KpiPicture) -> Result<(), Refusal> {
        if self.plan.access.reports(&entry.kpi, self.seen.picture.area_of(&entry.kpi)) {
            return Ok(());
        }
        let code = &entry.kpi.code;
        Err(Refusal::NotAllowed(format!("you do not act on {code}; its sub-group's lead or a contributor does")))
    }
}

impl Pen<'_, '_> {
    /// Writes the next revision of an action.
    fn keep_action(
        &mut self,
        ground: &Ground,
        word: &'static str,
        record: ActionRecord,
        before: Option<&Kept<ActionRecord>>,
    ) -> Result<Kept<SeenAction>, Refusal> {
        let revision = before.map_or(0, |before| before.revision) + 1;
        let was = before.map(|before| before.value.members());
        let seq = self.define(word, DefinitionKind::Action, &record.id, revision, was, Some(record.members()))?;
        Ok(ground.seen.stored_action(&Kept { value: record, revision, seq }))
    }
}

impl Programme {
    /// Opens an action on a KPI.
    pub async fn open_action(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        members: Map<String, Value>,
    ) -> Result<Kept<SeenAction>, Refusal> {
        self.change(plan, caller, move |ground, pen| {
            if !ground.plan.access.reports_something() {
                return Err(Refusal::NotAllowed("only those who report a KPI open actions on it".to_owned()));
            }
            let action = Action::parse(members)?;
            let picture = Arc::clone(&ground.seen.picture);
            let mut invalid = check_action(&action, &picture);
            invalid.extend(action.check_opening(ground.seen.now));
            refer(&mut invalid, "/kpi", "KPI", &action.kpi, picture.kpis());
            if let Some(entry) = picture.kpis().get(&action.kpi) {
                ground.must_report(entry)?;
                check_not_archived(&mut invalid, entry);
            }
            invalid.or(())?;
            let record =
                ActionRecord::opened(new_id(ground.seen.now).into(), action, ground.seen.now, ground.caller.clone());
            pen.keep_action(ground, "action.opened", record, None)
        })
        .await
    }

    /// Changes an action by merge patch, closes it or reopens it. A patch that changes nothing keeps the revision.
    pub async fn update_action(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        id: ActionId,
        patch: Map<String, Value>,
        precondition: Precondition,
    ) -> Result<Kept<SeenAction>, Refusal> {
        self.change(plan, caller, move |ground, pen| {
            let seen = &ground.seen;
            let (kept, entry) = seen.action_for(id)?;
            ground.must_report(entry)?;
            precondition.allows_change_of(kept.seq)?;
            let before = &kept.value;
            let mut members = before.action.members();
            lay_over(&mut members, patch);
            let action = Action::parse(members)?;
            let mut invalid = check_action(&action, &seen.picture);
            invalid.extend(action.check_change_of(&before.action, ground.seen.now));
            let record = before.changed_to(action, ground.seen.now);
            if before.closed_at.is_some() && record.closed_at.is_none() {
                check_not_archived(&mut invalid, entry);
            }
            invalid.or(())?;
            if record == *before {
                return Ok(seen.stored_action(kept));
            }
            pen.keep_action(ground, record.change_since(before), record, Some(kept))
        })
        .await
    }

    /// Adds a note on an action's progress: those who report the KPI may, and the Board.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if it holds [`MOST_NOTES`].
    pub async fn note_action(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        id: ActionId,
        members: Map<String, Value>,
    ) -> Result<Kept<SeenAction>, Refusal> {
        self.change(plan, caller, move |ground, pen| {
            let seen = &ground.seen;
            let (kept, entry) = seen.action_for(id)?;
            if !ground.plan.access.comments(&entry.kpi, seen.picture.area_of(&entry.kpi)) {
                let code = &entry.kpi.code;
                return Err(Refusal::NotAllowed(format!("only those who report {code} and the Board add notes")));
            }
            let note = Note::parse(members)?;
            note.check().or(())?;
            let mut record = kept.value.clone();
            if record.notes.len() >= MOST_NOTES {
                return Err(Refusal::Conflict(format!("an action holds {MOST_NOTES} notes at most; open another")));
            }
            record.notes.push(ProgressNote { at: ground.seen.now, by: Some(ground.caller.clone()), text: note.text });
            pen.keep_action(ground, "action.noted", record, Some(kept))
        })
        .await
    }
}
