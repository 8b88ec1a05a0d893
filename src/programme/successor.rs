//! A plan's successor: the next plan, made with what goes on from the one before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};

use waymark_domain::access::{Granted, Role};
use waymark_domain::action::ActionState;
use waymark_domain::benchmark::ComparatorGroup;
use waymark_domain::dimension::Dimension;
use waymark_domain::document::Document;
use waymark_domain::ids::{KpiCode, PlanCode, Seq, Subject};
use waymark_domain::kpi::{Kpi, Profile};
use waymark_domain::plan::{Organisation, OutcomeArea, Plan, Priority, SubGroup, Succession, Visibility};
use waymark_domain::policy::Policy;
use waymark_domain::reading::ReportedFigure;
use waymark_domain::target::Target;
use waymark_store::kinds::DefinitionKind;
use waymark_store::plans::{self, LockedPlan};
use waymark_store::readings::{self, ReadingFilter, ReadingRevision};
use waymark_store::targets::TargetRevision;
use waymark_store::{Write, granting, grants, journal, plan_creation};

use crate::definitions::Defined;
use crate::definitions::plans::{made, must_administer_service};
use crate::figures::readings::reading_change;
use crate::figures::targets::target_change;
use crate::picture::{Kept, KpiPicture, Picture};
use crate::{OpenPlan, Principal, Programme, Refusal, rows};

/// How many changes go into the journal at a time.
const CHUNK: usize = 5_000;

impl Programme {
    /// Makes the plan that goes on from another: its settings, partners, framework, policies, dimensions and comparator
    /// groups; the KPIs that are not archived and not withdrawn before the new plan's first day, with their figures, their
    /// targets from that day on and their benchmarks; open actions on them; and the plan's live grants. Rounds, returns and
    /// board reports stay with the plan before, which does not change. For administrators of the whole service.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if the caller does not see the plan before; a conflict if the code is in use; everything
    /// that is wrong with the new plan.
    pub async fn create_successor(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        members: Map<String, Value>,
    ) -> Result<Kept<Plan>, Refusal> {
        let (plan, caller, clock) = (plan.clone(), caller.clone(), self.clock.clone());
        let pictures = Arc::clone(&self.pictures);
        self.store
            .write(move |write| {
                // Held, so that what is carried over is one state of it.
                let before = plans::lock_plan(write, &plan, &caller)?.ok_or(Refusal::NotFound)?;
                let seen = caller.seen((*before).clone()).ok_or(Refusal::NotFound)?;
                must_administer_service(write, &caller)?;
                caller.claim(write, &clock, &OpenPlan::new(&seen).access)?;
                let picture = pictures.at_version(write, before.id, before.seq)?;
                let next = Succession::parse(members)?.after(&picture.plan().value)?;
                // No plan is older than what it goes on from.
                let now = before.instant_after(clock.now());
                let locked = plan_creation::create_plan(write, &next.code, next.visibility == Visibility::Public, now)?;
                let reason = format!("Carried over from the plan `{}`.", before.code);
                let caller = caller.subject().clone();
                let mut successor = Successor { write, locked, caller, now, reason };
                let seq = successor.record(std::iter::once(made(
                    "plan.created",
                    DefinitionKind::Plan,
                    &next.code,
                    next.members(),
                    None,
                )))?;
                successor.take_over(&picture, next.starts_on)?;
                Ok(Kept { value: next, revision: 1, seq: seq.unwrap_or_default() })
            })
            .await
    }
}

/// A plan in the making, and why everything in it is there.
struct Successor<'a, 'w> {
    write: &'a mut Write<'w>,
    locked: LockedPlan,
    caller: Subject,
    now: DateTime<Utc>,
    reason: String,
}

impl Successor<'_, '_> {
    /// Writes changes, however many; gives the place of the first.
    fn record(&mut self, changes: impl IntoIterator<Item = journal::Change>) -> Result<Option<Seq>, Refusal> {
        let mut changes = changes.into_iter();
        let mut first = None;
        loop {
            let chunk: Vec<_> = changes.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return Ok(first);
            }
            let seqs = journal::record(self.write, &mut self.locked, &self.caller, self.now, chunk)?;
            first = first.or(seqs.first().copied());
        }
    }

    fn take_over(&mut self, before: &Picture, starts_on: NaiveDate) -> Result<(), Refusal> {
        self.define::<Organisation>(before)?;
        self.define::<OutcomeArea>(before)?;
        self.define::<SubGroup>(before)?;
        self.define::<Priority>(before)?;
        self.define::<Policy>(before)?;
        self.define::<Dimension>(before)?;
        self.define::<ComparatorGroup>(before)?;
        let kpis = carried(before, starts_on);
        let reason = self.reason.clone();
        self.record(kpis.values().map(|entry| {
            let code = &entry.kpi.code;
            made("kpi.created", DefinitionKind::Kpi, code, entry.record().members(), Some(reason.clone()))
        }))?;
        self.record(kpis.values().flat_map(|entry| targets_from(entry, starts_on, &reason)))?;
        self.report(before, &kpis)?;
        let benchmarks = before.benchmarks().iter().filter(|(key, _)| kpis.contains_key(&key.kpi));
        self.define_all("benchmark.created", DefinitionKind::Benchmark, benchmarks)?;
        let open = before.actions().iter().filter(|(_, kept)| {
            let action = &kept.value.action;
            action.state == ActionState::Open && kpis.contains_key(&action.kpi)
        });
        self.define_all("action.opened", DefinitionKind::Action, open)?;
        self.grant(before, &kpis)
    }

    fn define<D: Defined>(&mut self, before: &Picture) -> Result<(), Refusal> {
        self.define_all(D::ACTIONS[0], D::KIND, D::all(before))
    }

    fn define_all<'a, C: Display + 'a, D: Document + 'a>(
        &mut self,
        action: &'static str,
        kind: DefinitionKind,
        all: impl IntoIterator<Item = (&'a C, &'a Kept<D>)>,
    ) -> Result<(), Refusal> {
        let reason = self.reason.clone();
        let changes =
            all.into_iter().map(|(code, kept)| made(action, kind, code, kept.value.members(), Some(reason.clone())));
        self.record(changes)?;
        Ok(())
    }

    /// Takes over every current reading, so that travel, forecasts and charts go on.
    fn report(&mut self, before: &Picture, kpis: &Carried<'_>) -> Result<(), Refusal> {
        let mut after = None;
        loop {
            let filter = ReadingFilter::default();
            let page = readings::page(self.write, before.id(), &filter, None, after.as_ref(), rows(CHUNK))?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.reading_key());
            let reason = self.reason.clone();
            let read = page.into_iter().filter(|row| kpis.contains_key(&row.kpi)).map(|row| {
                let figure = ReportedFigure { reason: Some(reason.clone()), ..row.said.figure };
                let said = ReadingRevision { revision: 1, figure, restated: false, ..row.said };
                reading_change(said, None)
            });
            self.record(read)?;
        }
    }

    /// Gives everyone who holds a role in the plan before the same in this one.
    fn grant(&mut self, before: &Picture, kpis: &Carried<'_>) -> Result<(), Refusal> {
        for row in grants::list(self.write, before.id())?.into_iter().filter(|row| row.revoked_at.is_none()) {
            let mut granted: Granted = row.granted;
            // A KPI made again by the code of one that stays behind must not find rights waiting for it.
            granted.kpis.retain(|kpi| kpis.contains_key(kpi));
            if granted.role == Role::Contributor && granted.organisation.is_none() && granted.kpis.is_empty() {
                continue;
            }
            let reason = Some(self.reason.clone());
            granting::grant(self.write, &mut self.locked, &self.caller, self.now, row.subject, granted, reason)?;
        }
        Ok(())
    }
}

/// The KPIs that go on, by code.
type Carried<'a> = BTreeMap<&'a KpiCode, &'a KpiPicture>;

/// The KPIs that go on in a plan which starts on a day: all that are neither archived nor withdrawn before it, and what
/// their gaps are computed from.
fn carried(before: &Picture, starts_on: NaiveDate) -> Carried<'_> {
    let goes_on =
        |entry: &KpiPicture| !entry.archived && entry.kpi.in_force_to.is_none_or(|last_day| last_day >= starts_on);
    let source = |kpi: &'_ Kpi| kpi.formula.source().cloned();
    let going: Vec<_> = before.kpis().values().filter(|entry| goes_on(entry)).collect();
    let sources: BTreeSet<KpiCode> = going.iter().filter_map(|entry| source(&entry.kpi)).collect();
    let all = before.kpis().iter().filter(|(code, entry)| goes_on(entry) || sources.contains(*code));
    all.map(|(code, entry)| (code, &**entry)).collect()
}

/// A KPI's targets of periods that end on the new plan's first day or later. If targets lie on a line, it goes on from
/// the earlier ones, which are then taken over too.
fn targets_from(entry: &KpiPicture, starts_on: NaiveDate, reason: &str) -> Vec<journal::Change> {
    let whole_line = entry.kpi.spread() == Some(Profile::Linear);
    let targets = entry.targets.iter().filter(|(period, _)| whole_line || period.end() >= starts_on);
    let said = targets.map(|(period, target)| TargetRevision {
        kpi: entry.kpi.code.clone(),
        period: *period,
        revision: 1,
        target: Target { reason: Some(reason.to_owned()), ..target.clone() },
        removed: false,
    });
    said.map(|said| target_change(said, None)).collect()
}
