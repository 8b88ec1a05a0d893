//! The picture of a plan in memory: its definitions, targets and figures as they were at one version.
//!
//! A picture never changes. A newer one is made from it by the rows written since ([`Picture::brought_up_to`]), sharing
//! whatever did not change; one of the past is loaded from the same tables ([`Picture::load`]).

pub(crate) mod cache;
pub(crate) mod family;
mod kpi;
pub(crate) mod sums;
pub(crate) mod withheld;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use waymark_domain::action::ActionRecord;
use waymark_domain::assess::Whole;
use waymark_domain::benchmark::{Benchmark, BenchmarkKey, ComparatorGroup};
use waymark_domain::board_report::BoardReport;
use waymark_domain::dimension::Dimension;
use waymark_domain::disclosure::{Entry, Origin, Posted};
use waymark_domain::document::Document;
use waymark_domain::gap::gap;
use waymark_domain::ids::{
    ActionId, AreaCode, ComparatorCode, DimensionCode, GroupCode, KpiCode, OrganisationCode, PlanCode, PlanId,
    PolicyCode, PriorityCode, ReportId, Seq, SubGroupCode,
};
use waymark_domain::kpi::{Formula, Kpi};
use waymark_domain::observed::Observed;
use waymark_domain::parts::{Made, Pooling, parts, pooled, pooling};
use waymark_domain::period::Period;
use waymark_domain::plan::{Organisation, OutcomeArea, Plan, Priority, SubGroup};
use waymark_domain::policy::Policy;
use waymark_domain::round::{Return, ReturnKey, Round, round_of};
use waymark_domain::target::Target;
use waymark_domain::travel::Earlier;
use waymark_store::definitions::{self, DefinitionRow};
use waymark_store::kinds::DefinitionKind;
use waymark_store::{Conn, StoreError, readings, targets};

use crate::Refusal;
use crate::picture::family::Family;
pub(crate) use crate::picture::kpi::KpiPicture;
pub use crate::picture::kpi::KpiRecord;
use crate::picture::withheld::Choices;

/// Something that is stored revision by revision.
#[derive(Clone, Debug)]
pub struct Kept<T> {
    /// What it says.
    pub value: T,
    /// Its revision, from 1.
    pub revision: i32,
    /// Where in the journal it was last changed.
    pub seq: Seq,
}

impl Kept<Observed> {
    /// The figure as the choice of what is withheld is given it.
    fn posted(&self, group: &GroupCode, period: Period, replaced: Option<Seq>) -> (i32, Posted) {
        let Observed { value, numerator, denominator, definition_version, .. } = self.value;
        let (entry, origin, group) = (Entry { plan: 0, seq: self.seq }, Origin::Reading, group.clone());
        (definition_version, Posted { entry, replaced, origin, period, group, value, numerator, denominator })
    }
}

/// A definition that a plan has several of, each by its own code.
pub trait Element: Document + Clone + Send + Sync + 'static {
    /// Its code.
    type Code: Ord + Display + Clone + Send + Sync + 'static;

    /// All of its kind in a plan, by code.
    fn all(picture: &Picture) -> &BTreeMap<Self::Code, Kept<Self>>;
}

macro_rules! elements {
    ($($element:ty, $code:ty, $all:ident;)+) => { $(
        impl Element for $element {
            type Code = $code;

            fn all(picture: &Picture) -> &BTreeMap<$code, Kept<Self>> {
                &picture.$all
            }
        }
    )+ };
}

elements! {
    Organisation, OrganisationCode, organisations;
    SubGroup, SubGroupCode, sub_groups;
    OutcomeArea, AreaCode, areas;
    Priority, PriorityCode, priorities;
    Policy, PolicyCode, policies;
    Dimension, DimensionCode, dimensions;
    Round, Period, rounds;
    ComparatorGroup, ComparatorCode, comparator_groups;
}

/// A plan as it was at one version.
#[derive(Clone, Debug)]
pub struct Picture {
    id: PlanId,
    version: Seq,
    plan: Kept<Plan>,
    organisations: BTreeMap<OrganisationCode, Kept<Organisation>>,
    sub_groups: BTreeMap<SubGroupCode, Kept<SubGroup>>,
    areas: BTreeMap<AreaCode, Kept<OutcomeArea>>,
    priorities: BTreeMap<PriorityCode, Kept<Priority>>,
    policies: BTreeMap<PolicyCode, Kept<Policy>>,
    kpis: BTreeMap<KpiCode, Arc<KpiPicture>>,
    dimensions: BTreeMap<DimensionCode, Kept<Dimension>>,
    /// What dimensions that covered everyone were before they changed: figures from then still sum up.
    once_complete: Vec<Dimension>,
    /// The dimensions' groups with their titles.
    groups: Arc<BTreeMap<GroupCode, String>>,
    rounds: BTreeMap<Period, Kept<Round>>,
    returns: BTreeMap<ReturnKey, Kept<Return>>,
    actions: BTreeMap<ActionId, Kept<ActionRecord>>,
    comparator_groups: BTreeMap<ComparatorCode, Kept<ComparatorGroup>>,
    benchmarks: BTreeMap<BenchmarkKey, Kept<Benchmark>>,
    board_reports: BTreeMap<ReportId, Kept<BoardReport>>,
    /// The plan as it is now, if this is a picture of the past: what has since been found to be no one else's business
    /// stays so whatever moment is asked about.
    present: Option<Arc<Picture>>,
    /// The plans that are published together with this one, if there are any.
    family: Option<Arc<Family>>,
}

impl Picture {
    /// Loads the plan as it was at a version.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if the plan did not exist then, [`Refusal::Store`] if rows cannot be read.
    pub(crate) fn load(conn: &mut Conn, plan: PlanId, version: Seq) -> Result<Self, Refusal> {
        let rows = definitions::load(conn, plan, Seq(0), Some(version))?;
        let first = rows.iter().find(|row| row.kind == DefinitionKind::Plan).ok_or(Refusal::NotFound)?;
        let mut picture = Self {
            id: plan,
            version: Seq(0),
            plan: kept(first)?,
            organisations: BTreeMap::new(),
            sub_groups: BTreeMap::new(),
            areas: BTreeMap::new(),
            priorities: BTreeMap::new(),
            policies: BTreeMap::new(),
            kpis: BTreeMap::new(),
            dimensions: BTreeMap::new(),
            once_complete: Vec::new(),
            groups: Arc::default(),
            rounds: BTreeMap::new(),
            returns: BTreeMap::new(),
            actions: BTreeMap::new(),
            comparator_groups: BTreeMap::new(),
            benchmarks: BTreeMap::new(),
            board_reports: BTreeMap::new(),
            present: None,
            family: None,
        };
        picture.take_in(conn, &rows, version)?;
        Ok(picture)
    }

    /// The code of the plan that this one was made as the successor of.
    pub(crate) fn predecessor_of(conn: &mut Conn, plan: PlanId) -> Result<Option<PlanCode>, Refusal> {
        let first = definitions::load(conn, plan, Seq(0), Some(Seq(1)))?;
        let first = first.iter().find(|row| row.kind == DefinitionKind::Plan).map(kept::<Plan>).transpose()?;
        Ok(first.and_then(|plan| plan.value.predecessor))
    }

    /// This picture among the plans that are published together with it.
    pub(crate) fn in_family(&self, family: Option<Arc<Family>>) -> Self {
        Self { family, ..self.clone() }
    }

    /// The plans that are published together with this one.
    pub(crate) fn family(&self) -> Option<&Arc<Family>> {
        self.family.as_ref()
    }

    /// The dimensions as they are, and those that covered everyone as they were.
    pub(crate) fn all_dimensions(&self) -> impl Iterator<Item = &Dimension> {
        self.dimensions.values().map(|kept| &kept.value).chain(&self.once_complete)
    }

    /// This picture with what was written since, up to a version.
    pub(crate) fn brought_up_to(&self, conn: &mut Conn, version: Seq) -> Result<Self, Refusal> {
        let rows = definitions::load(conn, self.id, self.version, Some(version))?;
        let mut picture = self.clone();
        picture.take_in(conn, &rows, version)?;
        Ok(picture)
    }

    fn take_in(&mut self, conn: &mut Conn, rows: &[DefinitionRow], version: Seq) -> Result<(), Refusal> {
        for row in rows {
            self.define(row)?;
        }
        if rows.iter().any(|row| row.kind == DefinitionKind::Dimension) {
            let groups = self.dimensions.values().flat_map(|dimension| &dimension.value.groups);
            self.groups = Arc::new(groups.map(|group| (group.code.clone(), group.title.clone())).collect());
        }
        for row in targets::load(conn, self.id, self.version, Some(version))? {
            if let Some(entry) = self.kpis.get_mut(&row.kpi) {
                let entry = Arc::make_mut(entry);
                entry.target_seqs.insert(row.period, (row.revision, row.seq));
                if row.removed {
                    entry.targets.remove(&row.period);
                } else {
                    entry.targets.insert(row.period, row.said.target);
                }
            }
        }
        let kpis = &mut self.kpis;
        readings::load_each(conn, self.id, self.version, Some(version), |row| {
            if let Some(entry) = kpis.get_mut(&row.kpi) {
                let entry = Arc::make_mut(entry);
                let (group, period, revision, seq) = (row.group.clone(), row.period, row.revision, row.seq);
                let before = entry.posted(&group, period);
                let value = row.observed(&row.recorded_by, row.recorded_at, before.map(|before| &before.value));
                let replaced = before.map(|before| before.posted(&group, period, Some(seq)));
                entry.replaced.extend(replaced);
                entry.stand(&group, period, Kept { value, revision, seq });
            }
        })?;
        // What is withheld depends on the dimensions too, and on the gaps, which are other KPIs.
        if rows.iter().any(|row| matches!(row.kind, DefinitionKind::Dimension | DefinitionKind::Kpi)) {
            for entry in self.kpis.values_mut() {
                Arc::make_mut(entry).choices = Choices::default();
            }
        }
        self.version = version;
        Ok(())
    }

    fn define(&mut self, row: &DefinitionRow) -> Result<(), StoreError> {
        match row.kind {
            DefinitionKind::Plan => self.plan = kept(row)?,
            DefinitionKind::Organisation => place(&mut self.organisations, row)?,
            DefinitionKind::SubGroup => place(&mut self.sub_groups, row)?,
            DefinitionKind::OutcomeArea => place(&mut self.areas, row)?,
            DefinitionKind::Priority => place(&mut self.priorities, row)?,
            DefinitionKind::Policy => place(&mut self.policies, row)?,
            DefinitionKind::Dimension => {
                let before = self.dimensions.values().find(|kept| kept.value.code.as_str() == row.code).cloned();
                place(&mut self.dimensions, row)?;
                let before = before.map(|kept| kept.value).filter(|before| before.complete);
                let now = self.dimensions.values().map(|kept| &kept.value).chain(&self.once_complete);
                self.once_complete.extend(before.filter(|before| !now.clone().any(|now| now.sums_like(before))));
            }
            DefinitionKind::Round => place(&mut self.rounds, row)?,
            DefinitionKind::Return => place(&mut self.returns, row)?,
            DefinitionKind::Action => place(&mut self.actions, row)?,
            DefinitionKind::ComparatorGroup => place(&mut self.comparator_groups, row)?,
            DefinitionKind::Benchmark => place(&mut self.benchmarks, row)?,
            DefinitionKind::BoardReport => place(&mut self.board_reports, row)?,
            DefinitionKind::Kpi => {
                let record = KpiRecord::of_row(row)?;
                let code = record.kpi.code.clone();
                let entry = KpiPicture::of(record, row.revision, row.seq, self.kpis.get(&code).map(|entry| &**entry));
                self.kpis.insert(code, Arc::new(entry));
            }
        }
        Ok(())
    }

    /// The plan's number.
    pub(crate) fn id(&self) -> PlanId {
        self.id
    }

    /// The version that this is a picture of.
    pub(crate) fn version(&self) -> Seq {
        self.version
    }

    /// The plan itself.
    pub(crate) fn plan(&self) -> &Kept<Plan> {
        &self.plan
    }

    /// The organisations by code.
    pub(crate) fn organisations(&self) -> &BTreeMap<OrganisationCode, Kept<Organisation>> {
        &self.organisations
    }

    /// The sub-groups by code.
    pub(crate) fn sub_groups(&self) -> &BTreeMap<SubGroupCode, Kept<SubGroup>> {
        &self.sub_groups
    }

    /// The outcome areas by code.
    pub(crate) fn areas(&self) -> &BTreeMap<AreaCode, Kept<OutcomeArea>> {
        &self.areas
    }

    /// The priorities by code.
    pub(crate) fn priorities(&self) -> &BTreeMap<PriorityCode, Kept<Priority>> {
        &self.priorities
    }

    /// The policies by code.
    pub(crate) fn policies(&self) -> &BTreeMap<PolicyCode, Kept<Policy>> {
        &self.policies
    }

    /// The KPIs by code, archived ones among them.
    pub(crate) fn kpis(&self) -> &BTreeMap<KpiCode, Arc<KpiPicture>> {
        &self.kpis
    }

    /// The dimensions by code.
    pub(crate) fn dimensions(&self) -> &BTreeMap<DimensionCode, Kept<Dimension>> {
        &self.dimensions
    }

    /// The groups of all dimensions, with what each is called.
    pub(crate) fn groups(&self) -> &BTreeMap<GroupCode, String> {
        &self.groups
    }

    /// The collection rounds in time order, within a kind of period.
    pub(crate) fn rounds(&self) -> &BTreeMap<Period, Kept<Round>> {
        &self.rounds
    }

    /// The returns that are no longer as they began, by round and sub-group.
    pub(crate) fn returns(&self) -> &BTreeMap<ReturnKey, Kept<Return>> {
        &self.returns
    }

    /// The corrective actions in the order they were opened.
    pub(crate) fn actions(&self) -> &BTreeMap<ActionId, Kept<ActionRecord>> {
        &self.actions
    }

    /// The comparator groups by code.
    pub(crate) fn comparator_groups(&self) -> &BTreeMap<ComparatorCode, Kept<ComparatorGroup>> {
        &self.comparator_groups
    }

    /// The benchmarks by KPI and period.
    pub(crate) fn benchmarks(&self) -> &BTreeMap<BenchmarkKey, Kept<Benchmark>> {
        &self.benchmarks
    }

    /// The board reports in the order they were frozen.
    pub(crate) fn board_reports(&self) -> &BTreeMap<ReportId, Kept<BoardReport>> {
        &self.board_reports
    }

    /// The round in which a figure is owed, if there is one.
    pub(crate) fn round_of(&self, kpi: &Kpi, period: Period) -> Option<&Round> {
        let rounds = self.rounds.values().map(|round| &round.value);
        round_of(kpi, period, rounds).filter(|_| self.plan.value.covers(period))
    }

    /// When a figure is due: on its round's day, if it is owed in one, else by the KPI's own lag. A gap is when its
    /// sides are, which are figures of one KPI.
    pub(crate) fn due_at(&self, kpi: &Kpi, period: Period) -> DateTime<Utc> {
        let kpi = self.source_of(kpi).unwrap_or(kpi);
        self.round_of(kpi, period).map_or_else(|| period.due_at(kpi.collection_lag_days), Round::due_at)
    }

    /// This picture of the past as it may be shown today.
    pub(crate) fn shown_at(&self, present: Arc<Self>) -> Self {
        Self { present: Some(present), ..self.clone() }
    }

    /// The plan as it is now: itself, unless this is a picture of the past.
    pub(crate) fn present(&self) -> &Self {
        self.present.as_deref().unwrap_or(self)
    }

    /// The KPI that a gap is computed from.
    pub(crate) fn source_of(&self, kpi: &Kpi) -> Option<&Kpi> {
        self.kpis.get(kpi.formula.source()?).map(|source| &source.kpi)
    }

    /// The KPI's definition of today, if this is a picture of the past.
    pub(crate) fn today(&self, kpi: &Kpi) -> Option<&Kpi> {
        self.present.as_ref()?.kpis.get(&kpi.code).map(|entry| &entry.kpi)
    }

    /// The outcome area that a KPI belongs to, through its priority.
    pub(crate) fn area_of(&self, kpi: &Kpi) -> Option<&AreaCode> {
        self.priorities.get(&kpi.priority).map(|priority| &priority.value.outcome_area)
    }

    /// The policy that grades a KPI: its own, else the plan's. Both are checked to exist when they are set, and none in
    /// use can be removed.
    pub(crate) fn policy_of(&self, kpi: &Kpi) -> Option<&Kept<Policy>> {
        self.policies.get(kpi.policy.as_ref().unwrap_or(&self.plan.value.policy))
    }

    /// The reading of a KPI for a group and period: as it was posted, or computed if the KPI is a gap, or if the period
    /// is a longer one that figures of the KPI make up.
    pub(crate) fn observed<'a>(
        &'a self,
        entry: &'a KpiPicture,
        group: &GroupCode,
        period: Period,
    ) -> Option<Cow<'a, Observed>> {
        let posted = |entry: &'a KpiPicture, group: &GroupCode| {
            entry.readings.get(group)?.get(&period).map(|reading| &reading.value)
        };
        match &entry.kpi.formula {
            Formula::Gap { of, group: behind, comparator } if group.is_all() => {
                let source = self.kpis.get(of)?;
                Some(Cow::Owned(gap(&source.kpi, posted(source, comparator)?, posted(source, behind)?)))
            }
            Formula::Gap { .. } => None,
            Formula::Direct {} if period.kind() != entry.kpi.period_kind() => {
                let parts: Vec<_> = Self::parts_of(entry, group, period)?.into_iter().map(|(_, part)| part).collect();
                pooled(&entry.kpi, &parts).map(Cow::Owned)
            }
            Formula::Direct {} | Formula::PartnerDetermined { .. } => posted(entry, group).map(Cow::Borrowed),
        }
    }

    /// The periods of a KPI that make up a longer one, those in which it is in force, each with what was reported for a
    /// group; `None` if its figures do not make one.
    pub(crate) fn parts_of<'a>(
        entry: &'a KpiPicture,
        group: &GroupCode,
        whole: Period,
    ) -> Option<Vec<(Period, Option<&'a Observed>)>> {
        let kpi = &entry.kpi;
        pooling(kpi).filter(|_| whole.kind() != kpi.period_kind())?;
        let parts = parts(kpi.period_kind(), whole)?.into_iter().filter(|part| kpi.in_force(*part));
        Some(parts.map(|part| (part, entry.posted(group, part).map(|kept| &kept.value))).collect())
    }

    /// What the figure of a longer period is made of.
    pub(crate) fn whole(entry: &KpiPicture, group: &GroupCode, period: Period) -> Option<Whole> {
        let parts = Self::parts_of(entry, group, period)?;
        let there = parts.iter().filter(|(_, part)| part.is_some_and(|part| part.value.is_some())).count();
        let (pooling, kind) = (pooling(&entry.kpi)?, entry.kpi.period_kind());
        Some(Whole {
            made: Made { pooling, there, of: parts.len(), kind },
            last: parts.last()?.0,
            missing: parts.iter().find(|(_, part)| part.is_none()).map(|(period, _)| *period),
        })
    }

    /// The KPI's period that a report for `period` brings for a group: that period itself, if figures of the KPI are of
    /// it or make it up; else its latest that ended by its last day.
    pub(crate) fn reported_period(&self, entry: &KpiPicture, group: &GroupCode, period: Period) -> Option<Period> {
        let kind = entry.kpi.period_kind();
        let makes_it_up = || {
            let parts = Self::parts_of(entry, group, period).filter(|parts| !parts.is_empty())?;
            let of_none = parts.iter().all(|(_, part)| part.is_none_or(|part| part.value.is_none()));
            let is_sum = pooling(&entry.kpi) == Some(Pooling::Sum);
            Some((of_none && is_sum) || self.observed(entry, group, period).is_some())
        };
        if kind == period.kind() || makes_it_up() == Some(true) {
            Some(period)
        } else {
            Period::latest_ended(kind, period.end())
        }
    }

    /// The period that a text names, if it is a longer one that the KPI's figures make up.
    pub(crate) fn longer_period(&self, entry: &KpiPicture, group: &GroupCode, text: &str) -> Option<Period> {
        let own = Period::read(text, entry.kpi.period_kind()).is_ok();
        let longer = Period::read_any(text).ok().filter(|_| !own)?;
        (self.reported_period(entry, group, longer) == Some(longer)).then_some(longer)
    }

    /// The periods that a KPI has a reading for in a group, in order.
    pub(crate) fn observed_periods(&self, entry: &KpiPicture, group: &GroupCode) -> Vec<Period> {
        let of = |entry: &KpiPicture, group: &GroupCode| -> Vec<Period> {
            entry.readings.get(group).map(|readings| readings.keys().copied().collect()).unwrap_or_default()
        };
        match &entry.kpi.formula {
            Formula::Gap { of: source, comparator, .. } if group.is_all() => {
                let periods = self.kpis.get(source).map(|source| of(source, comparator)).unwrap_or_default();
                periods.into_iter().filter(|period| self.observed(entry, group, *period).is_some()).collect()
            }
            Formula::Gap { .. } => Vec::new(),
            Formula::Direct {} | Formula::PartnerDetermined { .. } => of(entry, group),
        }
    }

    /// The total of the year before the one that holds a period, if it is whole.
    pub(crate) fn total_before(&self, entry: &KpiPicture, group: &GroupCode, period: Period) -> Option<Earlier> {
        let year = period.year_in(entry.kpi.calendar)?.step(-1)?;
        let is_whole = Self::whole(entry, group, year).is_some_and(|whole| !whole.made.is_incomplete());
        let figure = self.observed(entry, group, year).filter(|_| is_whole)?.measured(&entry.kpi)?;
        Some(Earlier { period: year, figure })
    }

    /// The latest readings before a period, at most `most`, latest first.
    pub(crate) fn recent<'a>(
        &'a self,
        entry: &'a KpiPicture,
        group: &GroupCode,
        period: Period,
        most: usize,
    ) -> Vec<(Period, Cow<'a, Observed>)> {
        if let Formula::Gap { .. } = &entry.kpi.formula {
            let periods = self.observed_periods(entry, group).into_iter().rev().filter(|at| *at < period);
            return periods.filter_map(|at| Some((at, self.observed(entry, group, at)?))).take(most).collect();
        }
        let readings = entry.readings.get(group).into_iter().flat_map(|readings| readings.range(..period).rev());
        readings.map(|(at, kept)| (*at, Cow::Borrowed(&kept.value))).take(most).collect()
    }

    /// This picture as it would be with one reading more.
    pub(crate) fn with_reading(
        &self,
        kpi: &KpiCode,
        group: &GroupCode,
        period: Period,
        reading: Kept<Observed>,
    ) -> Self {
        let mut picture = self.clone();
        picture.lay_over(kpi, group, period, reading);
        picture
    }

    /// This picture as it would be with a policy changed to this one, as its next version.
    pub(crate) fn with_policy(&self, policy: Policy) -> Self {
        let mut picture = self.clone();
        if let Some(kept) = picture.policies.get_mut(&policy.code) {
            *kept = Kept { value: policy, revision: kept.revision + 1, seq: kept.seq };
        }
        picture
    }

    /// Lays one target over this picture in place: for building what an import would make of it.
    pub(crate) fn lay_target_over(&mut self, kpi: &KpiCode, period: Period, target: Target) {
        if let Some(entry) = self.kpis.get_mut(kpi) {
            Arc::make_mut(entry).targets.insert(period, target);
        }
    }

    /// Lays one reading over this picture in place: for building what an import would make of it.
    pub(crate) fn lay_over(&mut self, kpi: &KpiCode, group: &GroupCode, period: Period, reading: Kept<Observed>) {
        if let Some(entry) = self.kpis.get_mut(kpi) {
            Arc::make_mut(entry).stand(group, period, reading);
        }
    }
}

fn members(row: &DefinitionRow) -> Result<Map<String, Value>, StoreError> {
    row.body.as_ref().and_then(Value::as_object).cloned().ok_or_else(|| unreadable(row))
}

fn unreadable(row: &DefinitionRow) -> StoreError {
    StoreError::Corrupt(format!("the {} `{}` of journal entry {} cannot be read", row.kind.as_str(), row.code, row.seq))
}

fn kept<T: Document>(row: &DefinitionRow) -> Result<Kept<T>, StoreError> {
    let value = T::parse(members(row)?).map_err(|_invalid| unreadable(row))?;
    Ok(Kept { value, revision: row.revision, seq: row.seq })
}

fn place<C: Ord + std::str::FromStr, T: Document>(
    map: &mut BTreeMap<C, Kept<T>>,
    row: &DefinitionRow,
) -> Result<(), StoreError> {
    let code: C = row.code.parse().map_err(|_no_code| unreadable(row))?;
    if row.body.is_some() {
        map.insert(code, kept(row)?);
    } else {
        map.remove(&code);
    }
    Ok(())
}
