//! Targets: set, revised with a reason, withdrawn, and never overwritten.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::document::Document;
use crate::domain::ids::{GroupCode, KpiCode, PlanCode, Seq};
use crate::domain::invalid::Invalid;
use crate::domain::period::{Period, PeriodError};
use crate::domain::target::Target;
use crate::domain::warning::Warning;
use crate::store::journal;
pub use crate::store::targets::TargetRow;
use crate::store::targets::{self, TargetRevision};

use super::defining::Precondition;
use super::effects::{Effects, Move, RollUpMove, Through};
use super::picture::{KpiPicture, Picture};
use super::{Change, OpenPlan, Principal, Programme, Refusal};

/// A target that was put.
#[derive(Clone, Debug)]
pub struct PutTarget {
    /// The row as it is kept now.
    pub row: TargetRow,
    /// Whether there was none before.
    pub created: bool,
    /// What it changed.
    pub effect: TargetEffect,
    /// What should be looked at, though the target was accepted.
    pub warnings: Vec<Warning>,
}

/// What a target changes.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(
    description = "What a target changes: the reported periods of the KPI whose standing moves, and roll-ups that move with them."
)]
pub struct TargetEffect {
    /// The reported periods whose standing moves, in time order.
    pub moves: Vec<Move>,
    /// The roll-ups that move with them.
    pub roll_ups: Vec<RollUpMove>,
}

impl TargetEffect {
    /// What a target of a KPI changes, wherever it reaches: a line runs from one target to the next.
    fn of(effects: &Effects<'_>, entry: &KpiPicture) -> Self {
        let all = GroupCode::all();
        let periods = effects.after.observed_periods(entry, &all).into_iter();
        let places = periods.map(|period| (entry.kpi.code.clone(), all.clone(), period));
        let moves: Vec<Move> = places.filter_map(|place| effects.short(&place, Through::Target)).collect();
        let roll_ups = effects.roll_ups(moves.iter().map(|moved| moved.period));
        Self { moves, roll_ups }
    }
}

/// Reads the period of a target: the KPI's own kind of period or a year of its calendar.
///
/// # Errors
/// [`PeriodError`] where it is neither.
pub fn read_period(text: &str, entry: &KpiPicture) -> Result<Period, PeriodError> {
    Period::read_of_target(text, entry.kpi.period_kind(), entry.kpi.calendar)
}

/// Makes the next revision of a target; `None` where nothing would change.
///
/// # Errors
/// Everything that is wrong with it, a missing reason among it.
pub(super) fn revise(entry: &KpiPicture, period: Period, target: &Target) -> Result<Option<TargetRevision>, Invalid> {
    let target = &target.clone().without_blank_words();
    let current = entry.targets.get(&period);
    let mut invalid = target.check(&entry.kpi, Some(period));
    if let Some(current) = current {
        // The reason belongs to the change, not to the target: the same target for another reason is no change.
        let current = current.clone().without_blank_words();
        let same = Target { reason: current.reason.clone(), ..target.clone() } == current;
        if same && invalid.is_empty() {
            return Ok(None);
        }
        if target.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
            invalid.at("/reason", "reason_needed", "this replaces a target that is set; say why");
        }
    }
    let revision = entry.target_seqs.get(&period).map_or(1, |(revision, _)| revision + 1);
    invalid.or(Some(TargetRevision {
        kpi: entry.kpi.code.clone(),
        period,
        revision,
        target: target.clone(),
        removed: false,
    }))
}

impl Programme {
    /// Sets or revises the target of a period, or with `dry_run` says what that would change.
    pub async fn put_target(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        (kpi, period): (&KpiCode, &str),
        members: Map<String, Value>,
        precondition: Precondition,
        dry_run: bool,
    ) -> Result<PutTarget, Refusal> {
        let (kpi, period) = (kpi.clone(), period.to_owned());
        self.change(plan, caller, move |change| {
            let (entry, period) = change.target_place(&kpi, &period)?;
            let target = Target::parse(members)?;
            let current = entry.targets.contains_key(&period);
            match entry.target_seqs.get(&period).filter(|_| current) {
                Some((_, seq)) => precondition.allows_change_of(*seq)?,
                None => precondition.allows_creation()?,
            }
            if let Some(said) = revise(&entry, period, &target)? {
                let (before, access, now) = (Arc::clone(&change.picture), change.plan.access.clone(), change.now);
                let mut after = (*before).clone();
                after.lay_target_over(&kpi, period, target);
                let effects = Effects { before: &before, after: &after, access: &access, now };
                let effect = TargetEffect::of(&effects, &entry);
                let row = if dry_run {
                    TargetRow { seq: Seq(0), recorded_at: now, recorded_by: change.caller.clone(), said }
                } else {
                    change.keep_target(said, previous(&entry, period).as_ref())?
                };
                Ok(PutTarget { row, created: !current, effect, warnings: Vec::new() })
            } else {
                let plan = change.plan.id;
                let row = targets::find(change.conn(), plan, &kpi, period, None)?.ok_or(Refusal::NotFound)?;
                Ok(PutTarget { row, created: false, effect: TargetEffect::default(), warnings: Vec::new() })
            }
        })
        .await
    }

    /// Takes a target away; its history stays.
    pub async fn remove_target(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        kpi: &KpiCode,
        period: &str,
        precondition: Precondition,
    ) -> Result<(), Refusal> {
        let (kpi, period) = (kpi.clone(), period.to_owned());
        self.change(plan, caller, move |change| {
            let (entry, period) = change.target_place(&kpi, &period)?;
            let current = entry.targets.get(&period).ok_or(Refusal::NotFound)?;
            let (revision, seq) = entry.target_seqs.get(&period).copied().ok_or(Refusal::NotFound)?;
            precondition.allows_change_of(seq)?;
            let row = TargetRevision {
                kpi: kpi.clone(),
                period,
                revision: revision + 1,
                target: current.clone(),
                removed: true,
            };
            change.keep_target(row, previous(&entry, period).as_ref())?;
            Ok(())
        })
        .await
    }

    /// One target as it stands, or stood.
    pub async fn find_target(
        &self,
        plan: &OpenPlan,
        picture: &Picture,
        kpi: &KpiCode,
        period: &str,
    ) -> Result<TargetRow, Refusal> {
        let entry = picture.kpi_for(kpi, &plan.access)?;
        let period = read_period(period, entry).map_err(|_no_period| Refusal::NotFound)?;
        if !entry.targets.contains_key(&period) {
            return Err(Refusal::NotFound);
        }
        let (id, kpi, version) = (plan.id, kpi.clone(), picture.version());
        self.store
            .read(move |conn| targets::find(conn, id, &kpi, period, Some(version))?.ok_or(Refusal::NotFound))
            .await
    }

    /// Every revision of a target up to the picture's version, removals among them, the first first.
    pub async fn target_history(
        &self,
        plan: &OpenPlan,
        picture: &Picture,
        kpi: &KpiCode,
        period: &str,
    ) -> Result<Vec<TargetRow>, Refusal> {
        let entry = picture.kpi_for(kpi, &plan.access)?;
        let period = read_period(period, entry).map_err(|_no_period| Refusal::NotFound)?;
        let (id, kpi, version) = (plan.id, kpi.clone(), picture.version());
        self.store
            .read(move |conn| {
                let mut rows = targets::history(conn, id, &kpi, period)?;
                rows.retain(|row| row.seq <= version);
                if rows.is_empty() { Err(Refusal::NotFound) } else { Ok(rows) }
            })
            .await
    }

    /// The targets of a plan, or of one KPI, as they stood at the picture's version, in the order of KPI and period.
    pub async fn list_targets(
        &self,
        plan: &OpenPlan,
        picture: &Arc<Picture>,
        kpi: Option<&KpiCode>,
    ) -> Result<Vec<TargetRow>, Refusal> {
        if let Some(kpi) = kpi {
            picture.kpi_for(kpi, &plan.access)?;
        }
        let (plan, picture, only) = (plan.clone(), Arc::clone(picture), kpi.cloned());
        self.store
            .read(move |conn| {
                let mut latest = std::collections::BTreeMap::new();
                for row in targets::load(conn, plan.id, Seq(0), Some(picture.version()))? {
                    latest.insert((row.kpi.clone(), row.period), row);
                }
                let seen = |row: &TargetRow| {
                    !row.removed
                        && only.as_ref().is_none_or(|kpi| *kpi == row.kpi)
                        && picture.kpis().get(&row.kpi).is_some_and(|entry| {
                            (!entry.archived || only.is_some()) && picture.sees(&plan.access, &entry.kpi)
                        })
                };
                Ok(latest.into_values().filter(seen).collect())
            })
            .await
    }
}

impl Change<'_, '_> {
    /// The KPI and period that a target stands at, for a caller who may set it.
    fn target_place(&self, kpi: &KpiCode, period: &str) -> Result<(Arc<KpiPicture>, Period), Refusal> {
        let entry = self.picture.kpi_for(kpi, &self.plan.access)?;
        let period = read_period(period, entry).map_err(|_no_period| Refusal::NotFound)?;
        self.must_set_targets()?;
        Ok((Arc::clone(entry), period))
    }

    pub(super) fn must_set_targets(&self) -> Result<(), Refusal> {
        if self.plan.access.manages() {
            Ok(())
        } else {
            Err(Refusal::NotAllowed("only a programme manager or an administrator sets targets".to_owned()))
        }
    }

    fn keep_target(&mut self, said: TargetRevision, before: Option<&TargetRevision>) -> Result<TargetRow, Refusal> {
        let seqs = self.record(vec![target_change(said.clone(), before)])?;
        let seq = seqs.first().copied().unwrap_or_default();
        Ok(TargetRow { seq, recorded_at: self.now, recorded_by: self.caller.clone(), said })
    }
}

/// The revision of a target that holds now.
pub(super) fn previous(entry: &KpiPicture, period: Period) -> Option<TargetRevision> {
    let target = entry.targets.get(&period)?.clone();
    let (revision, _) = entry.target_seqs.get(&period)?;
    Some(TargetRevision { kpi: entry.kpi.code.clone(), period, revision: *revision, target, removed: false })
}

/// The journal's entry of a revised target.
pub(super) fn target_change(said: TargetRevision, before: Option<&TargetRevision>) -> journal::Change {
    let action = match (said.removed, before) {
        (true, _) => "target.removed",
        (false, None) => "target.set",
        (false, Some(_)) => "target.revised",
    };
    journal::Change {
        action,
        before: before.map(TargetRevision::document),
        reason: said.target.reason.clone(),
        row: journal::NewRow::Target(said),
    }
}
