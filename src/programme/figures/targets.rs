//! Targets: set, revised with a reason, withdrawn, and never overwritten.

use std::cmp::Reverse;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Map, Value};

use waymark_domain::document::{Given, parse_given};
use waymark_domain::ids::{KpiCode, PlanCode, Seq};
use waymark_domain::invalid::Invalid;
use waymark_domain::period::{Period, PeriodError};
use waymark_domain::target::{Target, TargetState};
use waymark_domain::warning::{Warning, WarningCode};
use waymark_store::journal;
pub use waymark_store::targets::TargetRow;
use waymark_store::targets::{self, TargetRevision};

use crate::caller::precondition::Precondition;
use crate::figures::effects::{Effects, Move, RollUpMove, Through};
use crate::picture::KpiPicture;
use crate::seen::Seen;
use crate::{Ground, Pen, Principal, Programme, Refusal};

/// A target that was put.
#[derive(Clone, Debug)]
pub struct PutTarget {
    /// The row as it is stored now.
    pub row: TargetRow,
    /// Whether there was none before.
    pub created: bool,
    /// What it changed.
    pub effect: TargetEffect,
    /// What to check, although the target was accepted.
    pub warnings: Vec<Warning>,
}

/// What a target changes.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(
    description = "What a target changes: the reported periods of the KPI whose assessment moves, for everyone and for each group, and the roll-ups that move with them."
)]
pub struct TargetEffect {
    /// The reported periods whose assessment moves: for everyone and then for each group, in time order.
    pub moves: Vec<Move>,
    /// The roll-ups that move: in every report of the plan that a change reaches.
    pub roll_ups: Vec<RollUpMove>,
}

/// Warns of a figure that was given for a placeholder without a word about its state: the figure does not count.
pub(crate) fn still_placeholder(
    entry: &KpiPicture,
    period: Period,
    given: &Given,
    next: &TargetRevision,
) -> Option<Warning> {
    let is_meant = given.has("state") || !Target::is_given(given);
    let stays = next.target.state == TargetState::Placeholder && next.target.aim().is_some();
    let is_meant = is_meant || next.target.acknowledged.has(WarningCode::StillPlaceholder);
    (stays && !is_meant).then(|| {
        let detail = "this target is still a placeholder, so its figure is not assessed; if it is agreed now, \
                      give `state` as `agreed` as well";
        Warning::at("value", WarningCode::StillPlaceholder, detail).about(&entry.kpi.code, period, None)
    })
}

impl TargetEffect {
    /// What a target of a KPI changes, wherever it reaches: a line runs from one target to the next, and every group is
    /// compared with the same targets.
    fn of(effects: &Effects<'_>, entry: &KpiPicture) -> Self {
        let places = effects.after.picture.reported_places(entry);
        let moves = places.iter().filter_map(|place| effects.short(place, Through::Target)).collect();
        Self { moves, roll_ups: effects.roll_ups([&entry.kpi.code]) }
    }
}

/// A target's place in every list of targets: by KPI, and a KPI's in time, by their periods' first days, a year before
/// its parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetPlace {
    kpi: KpiCode,
    start: NaiveDate,
    end: Reverse<NaiveDate>,
}

impl TargetPlace {
    /// The place of a target of a KPI for a period.
    pub fn new(kpi: &KpiCode, period: Period) -> Self {
        Self { kpi: kpi.clone(), start: period.start(), end: Reverse(period.end()) }
    }

    /// The place of a target.
    pub fn of(row: &TargetRow) -> Self {
        Self::new(&row.kpi, row.period)
    }
}

/// Reads the period of a target in an address: the KPI's own kind of period or a year of its calendar.
///
/// # Errors
/// [`PeriodError`] if it is neither.
fn period_in_address(text: &str, entry: &KpiPicture) -> Result<Period, PeriodError> {
    Period::read_of_target_in_address(text, entry.kpi.period_kind(), entry.kpi.calendar)
}

/// Lays what is said over the stored target and makes its next revision; `None` if nothing would change.
///
/// # Errors
/// Everything that is wrong with it, a missing reason among it.
pub(crate) fn revise(
    entry: &KpiPicture,
    period: Period,
    said: &Target,
    given: &Given,
) -> Result<Option<TargetRevision>, Invalid> {
    let said = &said.clone().without_blank_words();
    let current = entry.targets.get(&period);
    let target = current.map_or_else(|| said.clone(), |current| said.over(given, current));
    let mut invalid = target.check(&entry.kpi, Some(period));
    let mut acknowledged = target.acknowledged;
    if let Some(current) = current {
        // The reason belongs to the change, not to the target: the same target for another reason is no change. What was
        // acknowledged of it stays with it.
        let current = current.clone().without_blank_words();
        acknowledged = current.acknowledged.and(target.acknowledged);
        let (reason, known) = (current.reason.clone(), current.acknowledged);
        let same = Target { reason, acknowledged: known, ..target.clone() } == current;
        if same && invalid.is_empty() && acknowledged == known {
            return Ok(None);
        }
        if !same {
            acknowledged = target.acknowledged;
        }
        if !same && target.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
            invalid.at("/reason", "reason_needed", "this replaces a target that is set; say why");
        }
    }
    let revision = entry.target_seqs.get(&period).map_or(1, |(revision, _)| revision + 1);
    let target = Target { acknowledged, ..target };
    invalid.or(Some(TargetRevision { kpi: entry.kpi.code.clone(), period, revision, target, removed: false }))
}

impl Programme {
    /// Sets or revises the target of a period, or with `dry_run` says what that would change. A member that is absent leaves
    /// what is there ([`Target::over`]).
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
        self.change(plan, caller, move |ground, pen| {
            let (entry, period) = ground.target_place(&kpi, &period)?;
            let (target, given) = parse_given::<Target>(members)?;
            let current = entry.targets.contains_key(&period);
            match entry.target_seqs.get(&period).filter(|_| current) {
                Some((_, seq)) => precondition.allows_change_of(*seq)?,
                None => precondition.allows_creation()?,
            }
            if let Some(said) = revise(&entry, period, &target, &given)? {
                let before = &ground.seen;
                let mut after = (*before.picture).clone();
                after.lay_target_over(&kpi, period, said.target.clone());
                let after = before.of(after);
                let effects = Effects { before, after: &after };
                let effect = TargetEffect::of(&effects, &entry);
                let entry_after = after.picture.kpis().get(&kpi).ok_or(Refusal::NotFound)?;
                let mut warnings = after.picture.target_warnings(entry_after, period, &|other| other == period);
                warnings.extend(still_placeholder(&entry, period, &given, &said));
                let row = if dry_run {
                    TargetRow { seq: Seq(0), recorded_at: before.now, recorded_by: ground.caller.clone(), said }
                } else {
                    pen.keep_target(said, previous(&entry, period).as_ref())?
                };
                Ok(PutTarget { row, created: !current, effect, warnings })
            } else {
                let row = targets::find(pen.conn(), ground.plan.id, &kpi, period, None)?.ok_or(Refusal::NotFound)?;
                let warnings = ground.seen.picture.target_warnings(&entry, period, &|other| other == period);
                Ok(PutTarget { row, created: false, effect: TargetEffect::default(), warnings })
            }
        })
        .await
    }

    /// Removes a target; its history stays.
    pub async fn remove_target(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        kpi: &KpiCode,
        period: &str,
        precondition: Precondition,
    ) -> Result<(), Refusal> {
        let (kpi, period) = (kpi.clone(), period.to_owned());
        self.change(plan, caller, move |ground, pen| {
            let (entry, period) = ground.target_place(&kpi, &period)?;
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
            pen.keep_target(row, previous(&entry, period).as_ref())?;
            Ok(())
        })
        .await
    }

    /// One target as it is, or was.
    pub async fn find_target(&self, seen: &Seen, kpi: &KpiCode, period: &str) -> Result<TargetRow, Refusal> {
        let entry = seen.entry(kpi)?;
        let period = period_in_address(period, entry).map_err(|_no_period| Refusal::NotFound)?;
        if !entry.targets.contains_key(&period) {
            return Err(Refusal::NotFound);
        }
        let (id, kpi, version) = (seen.id(), kpi.clone(), seen.version());
        self.store
            .read(move |conn| targets::find(conn, id, &kpi, period, Some(version))?.ok_or(Refusal::NotFound))
            .await
    }

    /// Every revision of a target up to the version that is seen, removals among them, oldest first.
    pub async fn target_history(&self, seen: &Seen, kpi: &KpiCode, period: &str) -> Result<Vec<TargetRow>, Refusal> {
        let entry = seen.entry(kpi)?;
        let period = period_in_address(period, entry).map_err(|_no_period| Refusal::NotFound)?;
        let (id, kpi, version) = (seen.id(), kpi.clone(), seen.version());
        self.store
            .read(move |conn| {
                let mut rows = targets::history(conn, id, &kpi, period)?;
                rows.retain(|row| row.seq <= version);
                if rows.is_empty() { Err(Refusal::NotFound) } else { Ok(rows) }
            })
            .await
    }

    /// The targets of a plan, or of one KPI, as they were at the version that is seen, in the one order that they are
    /// listed in ([`TargetPlace`]).
    pub async fn list_targets(&self, seen: &Seen, kpi: Option<&KpiCode>) -> Result<Vec<TargetRow>, Refusal> {
        if let Some(kpi) = kpi {
            seen.entry(kpi)?;
        }
        let (seen, only) = (seen.clone(), kpi.cloned());
        self.store
            .read(move |conn| {
                let mut latest = std::collections::BTreeMap::new();
                for row in targets::load(conn, seen.id(), Seq(0), Some(seen.version()))? {
                    latest.insert(TargetPlace::of(&row), row);
                }
                let wanted = |row: &TargetRow| {
                    !row.removed
                        && only.as_ref().is_none_or(|kpi| *kpi == row.kpi)
                        && seen.entry(&row.kpi).is_ok_and(|entry| !entry.archived || only.is_some())
                };
                Ok(latest.into_values().filter(wanted).collect())
            })
            .await
    }
}

impl Ground {
    /// The KPI and period that a target is at, for a caller who may set it.
    fn target_place(&self, kpi: &KpiCode, period: &str) -> Result<(Arc<KpiPicture>, Period), Refusal> {
        let entry = self.seen.entry(kpi)?;
        let period = period_in_address(period, entry).map_err(|_no_period| Refusal::NotFound)?;
        self.must_set_targets()?;
        Ok((Arc::clone(entry), period))
    }

    pub(crate) fn must_set_targets(&self) -> Result<(), Refusal> {
        if self.plan.access.manages() {
            Ok(())
        } else {
            Err(Refusal::NotAllowed("only a programme manager or an administrator sets targets".to_owned()))
        }
    }
}

impl Pen<'_, '_> {
    fn keep_target(&mut self, said: TargetRevision, before: Option<&TargetRevision>) -> Result<TargetRow, Refusal> {
        let seqs = self.record(vec![target_change(said.clone(), before)])?;
        let seq = seqs.first().copied().unwrap_or_default();
        Ok(TargetRow { seq, recorded_at: self.now, recorded_by: self.caller.clone(), said })
    }
}

/// The revision of a target that holds now.
pub(crate) fn previous(entry: &KpiPicture, period: Period) -> Option<TargetRevision> {
    let target = entry.targets.get(&period)?.clone();
    let (revision, _) = entry.target_seqs.get(&period)?;
    Some(TargetRevision { kpi: entry.kpi.code.clone(), period, revision: *revision, target, removed: false })
}

/// The journal's entry of a revised target.
pub(crate) fn target_change(said: TargetRevision, before: Option<&TargetRevision>) -> journal::Change {
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
