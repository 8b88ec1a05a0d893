//! Definitions: the plan itself, its organisations, sub-groups, outcome areas, priorities, dimensions, policies and KPIs. Each is
//! made, changed by merge patch and removed the same way; what differs stands in [`Defined`].

pub mod benchmarks;
pub mod plan_removal;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::domain::access::Access;
use crate::domain::access::{Granted, Role};
use crate::domain::action::ActionState;
use crate::domain::benchmark::ComparatorGroup;
use crate::domain::document::{Document, lay_over, take};
use crate::domain::ids::{
    AreaCode, ComparatorCode, KpiCode, OrganisationCode, PlanCode, PolicyCode, PriorityCode, Seq, SubGroupCode, Subject,
};
use crate::domain::invalid::{Invalid, nearest};
use crate::domain::kpi::{Formula, Kpi, WORDS};
use crate::domain::plan::{Organisation, OutcomeArea, Plan, Priority, SubGroup, Visibility, check_text};
use crate::domain::policy::{Policy, shipped};
use crate::store::definitions::{self, DefinitionKind, DefinitionRevision};
use crate::store::{grants, journal, plans};

use crate::programme::picture::{Kept, KpiPicture, KpiRecord, Picture};
use crate::programme::reports::groups::refer_group;
use crate::programme::seen::Seen;
use crate::programme::{Change, Conn, Principal, Programme, Refusal};

/// Which version of a thing the caller means to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// It did not say.
    None,
    /// Whatever is there.
    Any,
    /// One of these versions.
    OneOf(Vec<String>),
    /// Nothing may be there yet.
    Absent,
}

impl Precondition {
    /// Checks the precondition of a change to a thing that is there and was last changed at `seq`.
    ///
    /// # Errors
    /// [`Refusal::Stale`] where another version is meant, [`Refusal::VersionNotGiven`] where none is.
    pub fn allows_change_of(&self, seq: Seq) -> Result<(), Refusal> {
        match self {
            Self::Any => Ok(()),
            // A tag of one rendering of a state, such as `42-overdue`, names that state.
            Self::OneOf(versions)
                if versions.iter().any(|tag| tag.split('-').next() == Some(seq.to_string().as_str())) =>
            {
                Ok(())
            }
            Self::OneOf(_) | Self::Absent => Err(Refusal::Stale),
            Self::None => Err(Refusal::VersionNotGiven),
        }
    }

    /// Checks the precondition of making a thing that is not there.
    ///
    /// # Errors
    /// [`Refusal::Stale`] where the caller means to change one that is.
    pub fn allows_creation(&self) -> Result<(), Refusal> {
        match self {
            Self::None | Self::Absent => Ok(()),
            Self::Any | Self::OneOf(_) => Err(Refusal::Stale),
        }
    }
}

/// What the simple kinds of definition have in common.
pub trait Defined: Document + Clone + Send + Sync + 'static {
    /// The code it goes by.
    type Code: Ord + Display + Clone + Send + Sync + 'static;
    /// Its kind in the store.
    const KIND: DefinitionKind;
    /// What a person calls it.
    const NOUN: &'static str;
    /// The journal's words for making, changing and removing it.
    const ACTIONS: [&'static str; 3];
    /// The member that it goes by, which never changes.
    const CODE: &'static str = "code";

    /// Its code.
    fn code(&self) -> &Self::Code;
    /// All of its kind in a plan.
    fn all(picture: &Picture) -> &BTreeMap<Self::Code, Kept<Self>>;
    /// What is wrong with it, in itself and beside what is in the plan.
    fn check_in(&self, picture: &Picture) -> Invalid;
    /// What is wrong with its taking the place of `before`.
    fn check_change(&self, _before: &Self, _picture: &Picture) -> Invalid {
        Invalid::new()
    }
    /// What still refers to it, in words.
    fn used_by(picture: &Picture, code: &Self::Code) -> Option<String>;
    /// Whether a grant names it: a thing made anew by the same code must not find rights waiting for it.
    fn named_in(_granted: &Granted, _code: &Self::Code) -> bool {
        false
    }
}

/// Notes a code that nothing goes by, with the nearest one that something does.
pub(in crate::programme) fn refer<C: Display, K: Display, V>(
    invalid: &mut Invalid,
    pointer: impl Into<String>,
    noun: &str,
    code: &C,
    known: &BTreeMap<K, V>,
) {
    let codes: Vec<String> = known.keys().map(ToString::to_string).collect();
    let wanted = code.to_string();
    if !codes.contains(&wanted) {
        let hint = nearest(&wanted, codes.iter().map(String::as_str));
        let hint = hint.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        invalid.at(pointer, "unknown_code", format!("no {noun} goes by `{wanted}`{hint}"));
    }
}

fn first_in<'a, T: Display + 'a>(mut users: impl Iterator<Item = (&'static str, &'a T)>) -> Option<String> {
    users.next().map(|(noun, code)| format!("the {noun} `{code}`"))
}

impl Defined for Organisation {
    type Code = OrganisationCode;
    const KIND: DefinitionKind = DefinitionKind::Organisation;
    const NOUN: &'static str = "organisation";
    const ACTIONS: [&'static str; 3] = ["organisation.created", "organisation.updated", "organisation.removed"];

    fn code(&self) -> &OrganisationCode {
        &self.code
    }

    fn all(picture: &Picture) -> &BTreeMap<OrganisationCode, Kept<Self>> {
        picture.organisations()
    }

    fn check_in(&self, _picture: &Picture) -> Invalid {
        self.check()
    }

    fn used_by(picture: &Picture, code: &OrganisationCode) -> Option<String> {
        let leads = picture.sub_groups().values().map(|group| &group.value);
        let groups = leads.filter(|group| &group.lead_organisation == code).map(|group| ("sub-group", &group.code));
        let determines = |kpi: &Kpi| matches!(&kpi.formula, Formula::PartnerDetermined { by } if by == code);
        let kpis = picture.kpis().values().map(|entry| &entry.kpi);
        let kpis = kpis.filter(|kpi| kpi.involves(code) || determines(kpi));
        let actions = picture.actions().values().map(|action| &action.value);
        let owned =
            actions.filter(|one| one.action.state == ActionState::Open && &one.action.owner.organisation == code);
        let reports = picture.board_reports().values().map(|report| &report.value);
        let reports = reports.filter(|report| report.organisation.as_ref() == Some(code));
        first_in(groups)
            .or_else(|| first_in(kpis.map(|kpi| ("KPI", &kpi.code))))
            .or_else(|| first_in(reports.map(|report| ("board report", &report.id))))
            .or_else(|| first_in(owned.map(|one| ("open action", &one.id))))
    }

    fn named_in(granted: &Granted, code: &OrganisationCode) -> bool {
        granted.organisation.as_ref() == Some(code)
    }
}

impl Defined for SubGroup {
    type Code = SubGroupCode;
    const KIND: DefinitionKind = DefinitionKind::SubGroup;
    const NOUN: &'static str = "sub-group";
    const ACTIONS: [&'static str; 3] = ["sub_group.created", "sub_group.updated", "sub_group.removed"];

    fn code(&self) -> &SubGroupCode {
        &self.code
    }

    fn all(picture: &Picture) -> &BTreeMap<SubGroupCode, Kept<Self>> {
        picture.sub_groups()
    }

    fn check_in(&self, picture: &Picture) -> Invalid {
        let mut invalid = self.check();
        refer(&mut invalid, "/lead_organisation", "organisation", &self.lead_organisation, picture.organisations());
        for (place, area) in self.outcome_areas.iter().enumerate() {
            refer(&mut invalid, format!("/outcome_areas/{place}"), "outcome area", area, picture.areas());
        }
        invalid
    }

    fn used_by(picture: &Picture, code: &SubGroupCode) -> Option<String> {
        picture.returns().keys().find(|key| key.sub_group == *code).map(|key| format!("the return `{key}`"))
    }
}

impl Defined for OutcomeArea {
    type Code = AreaCode;
    const KIND: DefinitionKind = DefinitionKind::OutcomeArea;
    const NOUN: &'static str = "outcome area";
    const ACTIONS: [&'static str; 3] = ["outcome_area.created", "outcome_area.updated", "outcome_area.removed"];

    fn code(&self) -> &AreaCode {
        &self.code
    }

    fn all(picture: &Picture) -> &BTreeMap<AreaCode, Kept<Self>> {
        picture.areas()
    }

    fn check_in(&self, _picture: &Picture) -> Invalid {
        self.check()
    }

    fn used_by(picture: &Picture, code: &AreaCode) -> Option<String> {
        let priorities = picture.priorities().values().map(|priority| &priority.value);
        let priorities = priorities.filter(|priority| &priority.outcome_area == code);
        let groups = picture.sub_groups().values().map(|group| &group.value);
        let groups = groups.filter(|group| group.outcome_areas.contains(code));
        first_in(priorities.map(|priority| ("priority", &priority.code)))
            .or_else(|| first_in(groups.map(|group| ("sub-group", &group.code))))
    }

    fn named_in(granted: &Granted, code: &AreaCode) -> bool {
        granted.outcome_areas.contains(code)
    }
}

impl Defined for Priority {
    type Code = PriorityCode;
    const KIND: DefinitionKind = DefinitionKind::Priority;
    const NOUN: &'static str = "priority";
    const ACTIONS: [&'static str; 3] = ["priority.created", "priority.updated", "priority.removed"];

    fn code(&self) -> &PriorityCode {
        &self.code
    }

    fn all(picture: &Picture) -> &BTreeMap<PriorityCode, Kept<Self>> {
        picture.priorities()
    }

    fn check_in(&self, picture: &Picture) -> Invalid {
        let mut invalid = self.check();
        refer(&mut invalid, "/outcome_area", "outcome area", &self.outcome_area, picture.areas());
        invalid
    }

    fn used_by(picture: &Picture, code: &PriorityCode) -> Option<String> {
        let kpis = picture.kpis().values().map(|entry| &entry.kpi).filter(|kpi| &kpi.priority == code);
        first_in(kpis.map(|kpi| ("KPI", &kpi.code)))
    }
}

impl Defined for Policy {
    type Code = PolicyCode;
    const KIND: DefinitionKind = DefinitionKind::Policy;
    const NOUN: &'static str = "policy";
    const ACTIONS: [&'static str; 3] = ["policy.created", "policy.updated", "policy.removed"];

    fn code(&self) -> &PolicyCode {
        &self.code
    }

    fn all(picture: &Picture) -> &BTreeMap<PolicyCode, Kept<Self>> {
        picture.policies()
    }

    fn check_in(&self, _picture: &Picture) -> Invalid {
        self.check()
    }

    fn used_by(picture: &Picture, code: &PolicyCode) -> Option<String> {
        if &picture.plan().value.policy == code {
            return Some("the plan itself".to_owned());
        }
        let kpis = picture.kpis().values().map(|entry| &entry.kpi);
        first_in(kpis.filter(|kpi| kpi.policy.as_ref() == Some(code)).map(|kpi| ("KPI", &kpi.code)))
    }
}

impl Defined for ComparatorGroup {
    type Code = ComparatorCode;
    const KIND: DefinitionKind = DefinitionKind::ComparatorGroup;
    const NOUN: &'static str = "comparator group";
    const ACTIONS: [&'static str; 3] =
        ["comparator_group.created", "comparator_group.updated", "comparator_group.removed"];

    fn code(&self) -> &ComparatorCode {
        &self.code
    }

    fn all(picture: &Picture) -> &BTreeMap<ComparatorCode, Kept<Self>> {
        picture.comparator_groups()
    }

    fn check_in(&self, _picture: &Picture) -> Invalid {
        self.check()
    }

    fn used_by(_picture: &Picture, _code: &ComparatorCode) -> Option<String> {
        None
    }
}

impl Change<'_, '_> {
    pub(in crate::programme) fn must_manage(&self) -> Result<(), Refusal> {
        if self.plan.access.manages() {
            Ok(())
        } else {
            Err(Refusal::NotAllowed("only a programme manager or an administrator changes definitions".to_owned()))
        }
    }

    /// Writes one revision of a definition and gives the place in the journal it got.
    pub(in crate::programme) fn define(
        &mut self,
        action: &'static str,
        kind: DefinitionKind,
        code: &impl Display,
        revision: i32,
        before: Option<Map<String, Value>>,
        after: Option<Map<String, Value>>,
    ) -> Result<Seq, Refusal> {
        self.define_because(action, (kind, code, revision), before, after, None)
    }

    /// Writes one revision of a definition, with why.
    pub(in crate::programme) fn define_because(
        &mut self,
        action: &'static str,
        (kind, code, revision): (DefinitionKind, &impl Display, i32),
        before: Option<Map<String, Value>>,
        after: Option<Map<String, Value>>,
        reason: Option<String>,
    ) -> Result<Seq, Refusal> {
        let said = |revision, members: Option<Map<String, Value>>| DefinitionRevision {
            kind,
            code: code.to_string(),
            revision,
            body: members.map(Value::Object),
        };
        let before = before.map(|members| said(revision - 1, Some(members)).document());
        let row = journal::NewRow::Definition(said(revision, after));
        let seqs = self.record(vec![journal::Change { action, row, before, reason }])?;
        Ok(seqs.first().copied().unwrap_or_default())
    }

    /// The revision that the next definition of this code gets: revisions count on over a removal.
    pub(in crate::programme) fn next_revision(
        &mut self,
        kind: DefinitionKind,
        code: &impl Display,
    ) -> Result<i32, Refusal> {
        let plan = self.plan.id;
        let latest = definitions::find(self.conn(), plan, kind, &code.to_string(), None)?;
        Ok(latest.map_or(0, |row| row.revision) + 1)
    }
}

/// The change that makes a definition which was not there before.
pub(in crate::programme) fn made(
    action: &'static str,
    kind: DefinitionKind,
    code: &impl Display,
    members: Map<String, Value>,
    reason: Option<String>,
) -> journal::Change {
    let said = DefinitionRevision { kind, code: code.to_string(), revision: 1, body: Some(Value::Object(members)) };
    journal::Change { action, row: journal::NewRow::Definition(said), before: None, reason }
}

/// Lets only administrators of the whole service make plans.
pub(in crate::programme) fn must_administer_service(conn: &mut Conn, caller: &Principal) -> Result<(), Refusal> {
    if !caller.administers_as_granted() {
        return Err(Refusal::NotAllowed("this token is not for the service as a whole".to_owned()));
    }
    let held = grants::of_service(conn, caller)?;
    if held.iter().any(|grant| grant.granted.role == Role::Administrator) {
        return Ok(());
    }
    Err(Refusal::NotAllowed("only an administrator of the service makes plans".to_owned()))
}

/// Refuses a predecessor that is set by hand: a plan has one by being made as a successor, or never.
fn check_predecessor(invalid: &mut Invalid, plan: &Plan, kept: Option<&PlanCode>) {
    if plan.predecessor.as_ref() != kept {
        let detail =
            "a plan's predecessor is never set by hand; make the plan by POST to its predecessor's `successor`";
        invalid.at("/predecessor", "predecessor_is_fixed", detail);
    }
}

/// Lays a patch over a document and reads the result; the member `code` must stay as it is.
pub(in crate::programme) fn patched<D: Document>(
    members: &Map<String, Value>,
    patch: Map<String, Value>,
    code: &str,
) -> Result<D, Refusal> {
    let mut changed = members.clone();
    lay_over(&mut changed, patch);
    if changed.get(code) != members.get(code) {
        let mut invalid = Invalid::new();
        let detail = format!("a {code} never changes; make another and remove this one");
        invalid.at(format!("/{code}"), "code_is_fixed", detail);
        if let Err(more) = D::parse(changed) {
            invalid.extend(more);
        }
        return Err(invalid.into());
    }
    Ok(D::parse(changed)?)
}

impl Programme {
    /// Makes a definition.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] where the code is taken; everything that is wrong with it.
    pub async fn create<D: Defined>(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        members: Map<String, Value>,
    ) -> Result<Kept<D>, Refusal> {
        self.change(plan, caller, move |change| {
            change.must_manage()?;
            let value = D::parse(members)?;
            value.check_in(&change.seen.picture).or(())?;
            if D::all(&change.seen.picture).contains_key(value.code()) {
                return Err(Refusal::Conflict(format!(
                    "the {} `{}` is there already; change it with PATCH",
                    D::NOUN,
                    value.code()
                )));
            }
            let revision = change.next_revision(D::KIND, value.code())?;
            let seq = change.define(D::ACTIONS[0], D::KIND, value.code(), revision, None, Some(value.members()))?;
            Ok(Kept { value, revision, seq })
        })
        .await
    }

    /// Changes a definition by merge patch. A patch that changes nothing keeps the revision.
    pub async fn update<D: Defined>(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        code: &D::Code,
        patch: Map<String, Value>,
        precondition: Precondition,
    ) -> Result<Kept<D>, Refusal> {
        let code = code.clone();
        self.change(plan, caller, move |change| {
            let kept = D::all(&change.seen.picture).get(&code).cloned().ok_or(Refusal::NotFound)?;
            change.must_manage()?;
            precondition.allows_change_of(kept.seq)?;
            let before = kept.value.members();
            let value: D = patched(&before, patch, D::CODE)?;
            let mut invalid = value.check_in(&change.seen.picture);
            invalid.extend(value.check_change(&kept.value, &change.seen.picture));
            invalid.or(())?;
            let after = value.members();
            if after == before {
                return Ok(kept);
            }
            let revision = kept.revision + 1;
            let seq = change.define(D::ACTIONS[1], D::KIND, &code, revision, Some(before), Some(after))?;
            Ok(Kept { value, revision, seq })
        })
        .await
    }

    /// Removes a definition that nothing refers to.
    pub async fn remove<D: Defined>(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        code: &D::Code,
        precondition: Precondition,
    ) -> Result<(), Refusal> {
        let code = code.clone();
        self.change(plan, caller, move |change| {
            let kept = D::all(&change.seen.picture).get(&code).cloned().ok_or(Refusal::NotFound)?;
            change.must_manage()?;
            precondition.allows_change_of(kept.seq)?;
            if let Some(user) = D::used_by(&change.seen.picture, &code) {
                return Err(Refusal::Conflict(format!("the {} `{code}` is still used by {user}", D::NOUN)));
            }
            let plan = change.plan.id;
            let grants = grants::list(change.conn(), plan)?;
            let mut live = grants.iter().filter(|grant| grant.revoked_at.is_none());
            if live.any(|grant| D::named_in(&grant.granted, &code)) {
                return Err(Refusal::Conflict(format!("the {} `{code}` is still named in a grant", D::NOUN)));
            }
            change.define(D::ACTIONS[2], D::KIND, &code, kept.revision + 1, Some(kept.value.members()), None)?;
            Ok(())
        })
        .await
    }

    /// Makes a KPI.
    pub async fn create_kpi(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        members: Map<String, Value>,
    ) -> Result<Kept<KpiRecord>, Refusal> {
        self.change(plan, caller, move |change| {
            change.must_manage()?;
            let kpi = Kpi::parse(members)?;
            check_kpi(&kpi, &change.seen.picture).or(())?;
            if change.seen.picture.kpis().contains_key(&kpi.code) {
                return Err(Refusal::Conflict(format!(
                    "the KPI `{}` is there already; change it with PATCH",
                    kpi.code
                )));
            }
            let record = KpiRecord { kpi, archived: false, definition_version: 1 };
            change.keep_kpi("kpi.created", record, None, None)
        })
        .await
    }

    /// Changes a KPI by merge patch; a change of what is measured begins the next version of its definition, unless the patch
    /// says that it is a change of words only.
    pub async fn update_kpi(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        code: &KpiCode,
        mut patch: Map<String, Value>,
        precondition: Precondition,
    ) -> Result<Kept<KpiRecord>, Refusal> {
        let code = code.clone();
        self.change(plan, caller, move |change| {
            let entry = Arc::clone(change.seen.entry(&code)?);
            change.must_manage()?;
            precondition.allows_change_of(entry.seq)?;
            let mut invalid = Invalid::new();
            let meant = Meant::take(&mut patch, &mut invalid);
            let before = entry.kpi.members();
            let kpi: Kpi = match patched(&before, patch, "code") {
                Err(Refusal::Invalid(more)) => {
                    invalid.extend(more);
                    return Err(invalid.into());
                }
                patched => patched?,
            };
            meant.check(&before, &kpi.members(), &mut invalid);
            invalid.extend(check_kpi(&kpi, &change.seen.picture));
            invalid.or(())?;
            check_periods_kept(&entry, &kpi, &change.seen.picture).or(())?;
            check_as_source(&kpi, &change.seen.picture).or(())?;
            if kpi == entry.kpi {
                return Ok(Kept { value: entry.record(), revision: entry.revision, seq: entry.seq });
            }
            let anew = i32::from(!meant.editorial && !kpi.measures_the_same_as(&entry.kpi));
            let record =
                KpiRecord { kpi, archived: entry.archived, definition_version: entry.definition_version + anew };
            let action = if meant.editorial { "kpi.reworded" } else { "kpi.updated" };
            change.keep_kpi(action, record, Some(&entry), meant.reason)
        })
        .await
    }

    /// Archives a KPI: it leaves lists and reports, and its history stays.
    pub async fn archive_kpi(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        code: &KpiCode,
        precondition: Precondition,
    ) -> Result<(), Refusal> {
        let code = code.clone();
        self.change(plan, caller, move |change| {
            let entry = Arc::clone(change.seen.entry(&code)?);
            change.must_manage()?;
            precondition.allows_change_of(entry.seq)?;
            let uses = |kpi: &Kpi| matches!(&kpi.formula, Formula::Gap { of, .. } if *of == code);
            if let Some(gap) = change.seen.picture.kpis().values().find(|other| !other.archived && uses(&other.kpi)) {
                return Err(Refusal::Conflict(format!("the KPI `{code}` is still used by the gap `{}`", gap.kpi.code)));
            }
            if !entry.archived {
                let record =
                    KpiRecord { kpi: entry.kpi.clone(), archived: true, definition_version: entry.definition_version };
                change.keep_kpi("kpi.archived", record, Some(&entry), None)?;
            }
            Ok(())
        })
        .await
    }

    /// Every revision of a KPI's definition up to the version that is seen, the first first: those that the caller may see,
    /// as they may see them.
    pub async fn kpi_versions(&self, seen: &Seen, kpi: &KpiCode) -> Result<Vec<KpiVersion>, Refusal> {
        let (seen, code) = (seen.clone(), kpi.clone());
        seen.entry(&code)?;
        self.store
            .read(move |conn| {
                let entry = seen.entry(&code)?;
                let mut rows = definitions::history(conn, seen.id(), DefinitionKind::Kpi, code.as_str())?;
                rows.retain(|row| row.seq <= seen.version());
                let seqs: Vec<Seq> = rows.iter().map(|row| row.seq).collect();
                let stamps = journal::stamps(conn, seen.id(), &seqs)?;
                let mut versions = Vec::with_capacity(rows.len());
                let mut before = None;
                for (row, (_, recorded_at, recorded_by)) in rows.iter().zip(stamps) {
                    let mut record = KpiRecord::of_row(row)?;
                    let comparable = before.map(|before| before == record.definition_version);
                    before = Some(record.definition_version);
                    if !seen.sees(&record.kpi) {
                        continue;
                    }
                    // As in the definition of today: a small baseline would give away the figure that it was.
                    let shown = [&record.kpi, &entry.kpi].iter().all(|kpi| seen.sees_small_numbers(kpi));
                    record.kpi.baseline = record.kpi.baseline.filter(|_| shown);
                    versions.push(KpiVersion { record, revision: row.revision, recorded_at, recorded_by, comparable });
                }
                Ok(versions)
            })
            .await
    }

    /// The plans that a caller may see, by code, after `after`.
    pub async fn list_plans(
        &self,
        caller: &Principal,
        after: Option<PlanCode>,
        limit: usize,
    ) -> Result<Vec<Kept<Plan>>, Refusal> {
        let (caller, pictures) = (caller.clone(), Arc::clone(&self.pictures));
        self.store
            .read(move |conn| {
                let mut found = Vec::new();
                for visible in caller.list_plans(conn, after, limit)? {
                    let picture = pictures.at_version(conn, visible.id, visible.seq)?;
                    found.push(picture.plan().clone());
                }
                Ok(found)
            })
            .await
    }

    /// Makes a plan, with the shipped policies in it. For administrators of the whole service.
    pub async fn create_plan(&self, caller: &Principal, members: Map<String, Value>) -> Result<Kept<Plan>, Refusal> {
        let (caller, clock, now) = (caller.clone(), self.clock.clone(), self.clock.now());
        self.store
            .write(move |write| {
                must_administer_service(write, &caller)?;
                caller.claim(write, &clock, &Access::new(Vec::new()))?;
                let plan = Plan::parse(members)?;
                let policies = shipped();
                let mut invalid = plan.check();
                check_predecessor(&mut invalid, &plan, None);
                let known: BTreeMap<_, _> = policies.iter().map(|policy| (policy.code.clone(), policy)).collect();
                refer(&mut invalid, "/policy", "policy", &plan.policy, &known);
                invalid.or(())?;
                let mut locked = plans::create_plan(write, &plan.code, plan.visibility == Visibility::Public, now)?;
                let first = made("plan.created", DefinitionKind::Plan, &plan.code, plan.members(), None);
                let policies = policies
                    .iter()
                    .map(|policy| made("policy.created", DefinitionKind::Policy, &policy.code, policy.members(), None));
                let changes = std::iter::once(first).chain(policies);
                let seqs = journal::record(write, &mut locked, &caller, now, changes.collect())?;
                Ok(Kept { value: plan, revision: 1, seq: seqs.first().copied().unwrap_or_default() })
            })
            .await
    }

    /// Changes the plan's own settings by merge patch.
    pub async fn update_plan(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        patch: Map<String, Value>,
        precondition: Precondition,
    ) -> Result<Kept<Plan>, Refusal> {
        self.change(plan, caller, move |change| {
            change.must_manage()?;
            let kept = change.seen.picture.plan().clone();
            precondition.allows_change_of(kept.seq)?;
            let before = kept.value.members();
            let value: Plan = patched(&before, patch, "code")?;
            let mut invalid = value.check();
            check_predecessor(&mut invalid, &value, kept.value.predecessor.as_ref());
            refer(&mut invalid, "/policy", "policy", &value.policy, change.seen.picture.policies());
            invalid.or(())?;
            let after = value.members();
            if after == before {
                return Ok(kept);
            }
            if let Some(locked) = &mut change.locked {
                plans::set_public(change.write, locked, value.visibility == Visibility::Public)?;
            }
            let seq = change.define(
                "plan.updated",
                DefinitionKind::Plan,
                &value.code,
                kept.revision + 1,
                Some(before),
                Some(after),
            )?;
            Ok(Kept { value, revision: kept.revision + 1, seq })
        })
        .await
    }
}

impl Change<'_, '_> {
    fn keep_kpi(
        &mut self,
        action: &'static str,
        record: KpiRecord,
        before: Option<&KpiPicture>,
        reason: Option<String>,
    ) -> Result<Kept<KpiRecord>, Refusal> {
        let code = record.kpi.code.clone();
        let members_before = before.map(|entry| entry.record().members());
        let revision = before.map_or(0, |entry| entry.revision) + 1;
        let place = (DefinitionKind::Kpi, &code, revision);
        let seq = self.define_because(action, place, members_before, Some(record.members()), reason)?;
        Ok(Kept { value: record, revision, seq })
    }
}

/// How a change of a KPI is meant: what its patch says beside the members.
struct Meant {
    /// Whether words are put better and nothing else is measured.
    editorial: bool,
    /// Why, for the journal.
    reason: Option<String>,
}

impl Meant {
    /// The most characters of a reason.
    const LONGEST: usize = 2000;

    /// Takes it out of a patch, and notes what is wrong with it.
    fn take(patch: &mut Map<String, Value>, invalid: &mut Invalid) -> Self {
        let editorial = take::<Option<bool>>(patch, "editorial", invalid).flatten().unwrap_or(false);
        let is_given = patch.get("reason").is_some_and(|reason| !reason.is_null());
        let reason = take::<Option<String>>(patch, "reason", invalid).flatten();
        if let Some(reason) = &reason {
            check_text(invalid, "/reason", reason, 0, Self::LONGEST);
        }
        let reason = reason.filter(|reason| !reason.trim().is_empty());
        if editorial && reason.is_none() && (!is_given || invalid.is_empty()) {
            let detail =
                "an editorial change begins no new definition although the definition reads differently; say why";
            invalid.at("/reason", "reason_needed", detail);
        }
        Self { editorial, reason }
    }

    /// Refuses what is more than words in a change that is meant to be of words only.
    fn check(&self, before: &Map<String, Value>, after: &Map<String, Value>, invalid: &mut Invalid) {
        if !self.editorial {
            return;
        }
        for (member, value) in after {
            if before.get(member) != Some(value) && !WORDS.contains(&member.as_str()) {
                let words = WORDS.join(", ");
                let detail = format!(
                    "`{member}` is more than words: an editorial change is of {words} alone; change the rest without `editorial`"
                );
                invalid.at(format!("/{member}"), "not_editorial", detail);
            }
        }
    }
}

/// One revision of a KPI's definition.
#[derive(Clone, Debug)]
pub struct KpiVersion {
    /// What it said.
    pub record: KpiRecord,
    /// Its revision, from 1.
    pub revision: i32,
    /// When it was made.
    pub recorded_at: DateTime<Utc>,
    /// By whom.
    pub recorded_by: Subject,
    /// Whether figures compare with those of the revision before; `None` for the first.
    pub comparable: Option<bool>,
}

/// What is wrong with a KPI, in itself and beside what is in the plan.
fn check_kpi(kpi: &Kpi, picture: &Picture) -> Invalid {
    let mut invalid = kpi.check();
    refer(&mut invalid, "/priority", "priority", &kpi.priority, picture.priorities());
    if let Some(organisation) = &kpi.lead_organisation {
        refer(&mut invalid, "/lead_organisation", "organisation", organisation, picture.organisations());
    }
    for (place, organisation) in kpi.contributors.iter().enumerate() {
        refer(&mut invalid, format!("/contributors/{place}"), "organisation", organisation, picture.organisations());
    }
    if let Some(policy) = &kpi.policy {
        refer(&mut invalid, "/policy", "policy", policy, picture.policies());
    }
    match &kpi.formula {
        Formula::Direct {} => {}
        Formula::PartnerDetermined { by } => {
            refer(&mut invalid, "/formula/by", "organisation", by, picture.organisations());
        }
        Formula::Gap { of, group, comparator } => {
            refer(&mut invalid, "/formula/of", "KPI", of, picture.kpis());
            refer_group(&mut invalid, "/formula/group", group, picture);
            refer_group(&mut invalid, "/formula/comparator", comparator, picture);
            if let Some(source) = picture.kpis().get(of) {
                if !matches!(source.kpi.formula, Formula::Direct {}) {
                    invalid.at(
                        "/formula/of",
                        "not_a_source",
                        format!("`{of}` is not posted itself; a gap is computed from posted figures"),
                    );
                }
                if source.kpi.period_kind() != kpi.period_kind() {
                    invalid.at(
                        "/frequency",
                        "other_period_kind",
                        format!("a gap is reported as its source `{of}` is: by {}", source.kpi.period_kind().words()),
                    );
                }
            }
        }
    }
    invalid
}

/// Refuses a change that gaps computed from the KPI would not survive.
fn check_as_source(kpi: &Kpi, picture: &Picture) -> Invalid {
    let mut invalid = Invalid::new();
    let of_this = |other: &Kpi| matches!(&other.formula, Formula::Gap { of, .. } if *of == kpi.code);
    for gap in picture.kpis().values().filter(|entry| !entry.archived && of_this(&entry.kpi)).map(|entry| &entry.kpi) {
        if !matches!(kpi.formula, Formula::Direct {}) {
            invalid.at(
                "/formula",
                "still_a_source",
                format!("the gap `{}` is computed from its posted figures", gap.code),
            );
        }
        if kpi.period_kind() != gap.period_kind() {
            let words = gap.period_kind().words();
            invalid.at(
                "/frequency",
                "still_a_source",
                format!("the gap `{}` is computed from it by {words}", gap.code),
            );
        }
    }
    invalid
}

/// Refuses a change of frequency or calendar under figures that are already kept by the old one.
fn check_periods_kept(entry: &KpiPicture, kpi: &Kpi, picture: &Picture) -> Invalid {
    let mut invalid = Invalid::new();
    let has_figures = entry.readings.values().any(|readings| !readings.is_empty())
        || !entry.targets.is_empty()
        || picture.benchmarks().keys().any(|key| key.kpi == kpi.code);
    if has_figures && (entry.kpi.period_kind() != kpi.period_kind() || entry.kpi.calendar != kpi.calendar) {
        invalid.at(
            "/frequency",
            "has_figures",
            "figures and targets are kept by the old frequency and calendar; make a new KPI and withdraw this one",
        );
    }
    invalid
}
