//! The picture of a plan in memory: its definitions, targets and figures as they stood at one version.
//!
//! A picture never changes. A newer one is made from it by the rows written since ([`Picture::brought_up_to`]), sharing
//! whatever did not change; one of the past is loaded from the same tables ([`Picture::load`]).

pub(in crate::programme) mod family;
pub(in crate::programme) mod withheld;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::domain::action::ActionRecord;
use crate::domain::assess::{Observed, Restatement, Whole};
use crate::domain::benchmark::{Benchmark, BenchmarkKey, ComparatorGroup};
use crate::domain::board_report::BoardReport;
use crate::domain::dimension::Dimension;
use crate::domain::disclosure::{Entry, Origin, Posted, Withheld};
use crate::domain::document::Document;
use crate::domain::gap::gap;
use crate::domain::ids::{
    ActionId, AreaCode, ComparatorCode, DimensionCode, GroupCode, KpiCode, OrganisationCode, PlanCode, PlanId,
    PolicyCode, PriorityCode, ReportId, Seq, SubGroupCode, Subject,
};
use crate::domain::kpi::{Formula, Kpi, Profile, Unit};
use crate::domain::parts::{Made, Pooling, parts, pooled, pooling};
use crate::domain::period::Period;
use crate::domain::plan::{Organisation, OutcomeArea, Plan, Priority, SubGroup};
use crate::domain::policy::Policy;
use crate::domain::round::{Return, ReturnKey, Round, round_of};
use crate::domain::target::Target;
use crate::domain::travel::Earlier;
use crate::store::definitions::{self, DefinitionKind, DefinitionRow};
use crate::store::readings::{FigureRow, ReadingRevision};
use crate::store::{Conn, StoreError, readings, targets};

use crate::programme::Refusal;
use crate::programme::picture::family::Family;
use crate::programme::picture::withheld::Choices;

/// Something that is kept revision by revision.
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
    /// The figure as the choice of what is withheld is told it.
    fn posted(&self, group: &GroupCode, period: Period, replaced: Option<Seq>) -> (i32, Posted) {
        let Observed { value, numerator, denominator, definition_version, .. } = self.value;
        let (entry, origin, group) = (Entry { plan: 0, seq: self.seq }, Origin::Reading, group.clone());
        (definition_version, Posted { entry, replaced, origin, period, group, value, numerator, denominator })
    }
}

/// A KPI with everything known of it.
#[derive(Clone, Debug)]
pub struct KpiPicture {
    /// The definition.
    pub kpi: Kpi,
    /// Its revision, from 1.
    pub revision: i32,
    /// Where in the journal it was last changed.
    pub seq: Seq,
    /// Whether it was archived.
    pub archived: bool,
    /// The version of what is measured, from 1: figures compare only within one.
    pub definition_version: i32,
    /// Its current targets by period.
    pub targets: BTreeMap<Period, Target>,
    /// Where in the journal each target was last changed.
    pub target_seqs: BTreeMap<Period, (i32, Seq)>,
    /// Its current figures by group and period.
    pub readings: BTreeMap<GroupCode, BTreeMap<Period, Kept<Observed>>>,
    /// The figures that were replaced, in the order they were, with the version of what each measured: they can still be read
    /// as of their time.
    pub replaced: Vec<(i32, Posted)>,
    /// What improvement was measured from on a line that targets were drawn on, which tells it, the current one last.
    baselines: Vec<(i32, Posted)>,
    /// The definitions by which something else was measured, by the version of that.
    earlier: BTreeMap<i32, Arc<Kpi>>,
    /// What is withheld of all these.
    choices: Choices,
}

/// A plan as it stood at one version.
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
    /// The plan as it stands now, where this is a picture of the past: what has since been found to be no one else's
    /// business stays so whatever moment is asked about.
    present: Option<Arc<Picture>>,
    /// The plans that are published together with this one, where there are any.
    family: Option<Arc<Family>>,
}

impl Picture {
    /// Loads the plan as it stood at a version.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where the plan did not exist then, [`Refusal::Store`] where rows cannot be read.
    pub(in crate::programme) fn load(conn: &mut Conn, plan: PlanId, version: Seq) -> Result<Self, Refusal> {
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
    pub(in crate::programme) fn predecessor_of(conn: &mut Conn, plan: PlanId) -> Result<Option<PlanCode>, Refusal> {
        let first = definitions::load(conn, plan, Seq(0), Some(Seq(1)))?;
        let first = first.iter().find(|row| row.kind == DefinitionKind::Plan).map(kept::<Plan>).transpose()?;
        Ok(first.and_then(|plan| plan.value.predecessor))
    }

    /// This picture among the plans that are published together with it.
    pub(in crate::programme) fn in_family(&self, family: Option<Arc<Family>>) -> Self {
        Self { family, ..self.clone() }
    }

    /// The plans that are published together with this one.
    pub(in crate::programme) fn family(&self) -> Option<&Arc<Family>> {
        self.family.as_ref()
    }

    /// The dimensions as they are, and those that covered everyone as they were.
    pub(in crate::programme) fn all_dimensions(&self) -> impl Iterator<Item = &Dimension> {
        self.dimensions.values().map(|kept| &kept.value).chain(&self.once_complete)
    }

    /// This picture with what was written since, up to a version.
    pub(in crate::programme) fn brought_up_to(&self, conn: &mut Conn, version: Seq) -> Result<Self, Refusal> {
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
        readings::load_figures(conn, self.id, self.version, Some(version), |row| {
            if let Some(entry) = kpis.get_mut(&row.kpi) {
                let entry = Arc::make_mut(entry);
                let (group, period, revision, seq) = (row.group.clone(), row.period, row.revision, row.seq);
                let before = entry.posted(&group, period);
                let value = observed_figure(row, before.map(|before| &before.value));
                let replaced = before.map(|before| before.posted(&group, period, Some(seq)));
                entry.replaced.extend(replaced);
                entry.stand(&group, period, Kept { value, revision, seq });
            }
        })?;
        // What is withheld hangs on the dimensions too, and on the gaps, which are other KPIs.
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
    pub(in crate::programme) fn id(&self) -> PlanId {
        self.id
    }

    /// The version that this is a picture of.
    pub(in crate::programme) fn version(&self) -> Seq {
        self.version
    }

    /// The plan itself.
    pub(in crate::programme) fn plan(&self) -> &Kept<Plan> {
        &self.plan
    }

    /// The organisations by code.
    pub(in crate::programme) fn organisations(&self) -> &BTreeMap<OrganisationCode, Kept<Organisation>> {
        &self.organisations
    }

    /// The sub-groups by code.
    pub(in crate::programme) fn sub_groups(&self) -> &BTreeMap<SubGroupCode, Kept<SubGroup>> {
        &self.sub_groups
    }

    /// The outcome areas by code.
    pub(in crate::programme) fn areas(&self) -> &BTreeMap<AreaCode, Kept<OutcomeArea>> {
        &self.areas
    }

    /// The priorities by code.
    pub(in crate::programme) fn priorities(&self) -> &BTreeMap<PriorityCode, Kept<Priority>> {
        &self.priorities
    }

    /// The policies by code.
    pub(in crate::programme) fn policies(&self) -> &BTreeMap<PolicyCode, Kept<Policy>> {
        &self.policies
    }

    /// The KPIs by code, archived ones among them.
    pub(in crate::programme) fn kpis(&self) -> &BTreeMap<KpiCode, Arc<KpiPicture>> {
        &self.kpis
    }

    /// The dimensions by code.
    pub(in crate::programme) fn dimensions(&self) -> &BTreeMap<DimensionCode, Kept<Dimension>> {
        &self.dimensions
    }

    /// The groups of all dimensions, with what each is called.
    pub(in crate::programme) fn groups(&self) -> &BTreeMap<GroupCode, String> {
        &self.groups
    }

    /// The collection rounds in time order, within a kind of period.
    pub(in crate::programme) fn rounds(&self) -> &BTreeMap<Period, Kept<Round>> {
        &self.rounds
    }

    /// The returns that are no longer as they began, by round and sub-group.
    pub(in crate::programme) fn returns(&self) -> &BTreeMap<ReturnKey, Kept<Return>> {
        &self.returns
    }

    /// The corrective actions in the order they were taken on.
    pub(in crate::programme) fn actions(&self) -> &BTreeMap<ActionId, Kept<ActionRecord>> {
        &self.actions
    }

    /// The comparator groups by code.
    pub(in crate::programme) fn comparator_groups(&self) -> &BTreeMap<ComparatorCode, Kept<ComparatorGroup>> {
        &self.comparator_groups
    }

    /// The benchmarks by KPI and period.
    pub(in crate::programme) fn benchmarks(&self) -> &BTreeMap<BenchmarkKey, Kept<Benchmark>> {
        &self.benchmarks
    }

    /// The board reports in the order they were frozen.
    pub(in crate::programme) fn board_reports(&self) -> &BTreeMap<ReportId, Kept<BoardReport>> {
        &self.board_reports
    }

    /// The round in which a figure is owed, where there is one.
    pub(in crate::programme) fn round_of(&self, kpi: &Kpi, period: Period) -> Option<&Round> {
        let rounds = self.rounds.values().map(|round| &round.value);
        round_of(kpi, period, rounds).filter(|_| self.plan.value.covers(period))
    }

    /// When a figure is due: on its round's day, where it is owed in one, else by the KPI's own lag. A gap is when its sides
    /// are, which are figures of one KPI.
    pub(in crate::programme) fn due_at(&self, kpi: &Kpi, period: Period) -> DateTime<Utc> {
        let source = match &kpi.formula {
            Formula::Gap { of, .. } => self.kpis.get(of),
            Formula::Direct {} | Formula::PartnerDetermined { .. } => None,
        };
        let kpi = source.map_or(kpi, |source| &source.kpi);
        self.round_of(kpi, period).map_or_else(|| period.due_at(kpi.collection_lag_days), Round::due_at)
    }

    /// This picture of the past as it may be shown today.
    pub(in crate::programme) fn shown_at(&self, present: Arc<Self>) -> Self {
        Self { present: Some(present), ..self.clone() }
    }

    /// The plan as it stands now: itself, unless this is a picture of the past.
    pub(in crate::programme) fn present(&self) -> &Self {
        self.present.as_deref().unwrap_or(self)
    }

    /// The KPI's definition of today, where this is a picture of the past.
    pub(in crate::programme) fn today(&self, kpi: &Kpi) -> Option<&Kpi> {
        self.present.as_ref()?.kpis.get(&kpi.code).map(|entry| &entry.kpi)
    }

    /// The outcome area that a KPI belongs to, through its priority.
    pub(in crate::programme) fn area_of(&self, kpi: &Kpi) -> Option<&AreaCode> {
        self.priorities.get(&kpi.priority).map(|priority| &priority.value.outcome_area)
    }

    /// The policy that grades a KPI: its own, else the plan's. Both are checked to exist when they are set, and none in
    /// use can be removed.
    pub(in crate::programme) fn policy_of(&self, kpi: &Kpi) -> Option<&Kept<Policy>> {
        self.policies.get(kpi.policy.as_ref().unwrap_or(&self.plan.value.policy))
    }

    /// The reading of a KPI for a group and period: as it was posted, or computed where the KPI is a gap, or where the period is
    /// a longer one that figures of the KPI make up.
    pub(in crate::programme) fn observed<'a>(
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

    /// The periods of a KPI that make up a longer one, those in which it is in force, each with what was reported for a group;
    /// `None` where its figures do not make one.
    pub(in crate::programme) fn parts_of<'a>(
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
    pub(in crate::programme) fn whole(entry: &KpiPicture, group: &GroupCode, period: Period) -> Option<Whole> {
        let parts = Self::parts_of(entry, group, period)?;
        let there = parts.iter().filter(|(_, part)| part.is_some_and(|part| part.value.is_some())).count();
        let (pooling, kind) = (pooling(&entry.kpi)?, entry.kpi.period_kind());
        Some(Whole {
            made: Made { pooling, there, of: parts.len(), kind },
            last: parts.last()?.0,
            missing: parts.iter().find(|(_, part)| part.is_none()).map(|(period, _)| *period),
        })
    }

    /// The KPI's period that a report for `period` brings for a group: that period itself, where figures of the KPI are of it or
    /// make it up; else its latest that ended by its last day.
    pub(in crate::programme) fn reported_period(
        &self,
        entry: &KpiPicture,
        group: &GroupCode,
        period: Period,
    ) -> Option<Period> {
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

    /// The period that a text names, where it is a longer one that the KPI's figures make up.
    pub(in crate::programme) fn longer_period(
        &self,
        entry: &KpiPicture,
        group: &GroupCode,
        text: &str,
    ) -> Option<Period> {
        let own = Period::read(text, entry.kpi.period_kind()).is_ok();
        let longer = Period::read_any(text).ok().filter(|_| !own)?;
        (self.reported_period(entry, group, longer) == Some(longer)).then_some(longer)
    }

    /// The periods that a KPI has a reading for in a group, in order.
    pub(in crate::programme) fn observed_periods(&self, entry: &KpiPicture, group: &GroupCode) -> Vec<Period> {
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

    /// The total of the year before the one that holds a period, where it is whole.
    pub(in crate::programme) fn total_before(
        &self,
        entry: &KpiPicture,
        group: &GroupCode,
        period: Period,
    ) -> Option<Earlier> {
        let year = period.year_in(entry.kpi.calendar)?.step(-1)?;
        let is_whole = Self::whole(entry, group, year).is_some_and(|whole| !whole.made.is_incomplete());
        let figure = self.observed(entry, group, year).filter(|_| is_whole)?.measured(&entry.kpi)?;
        Some(Earlier { period: year, figure })
    }

    /// The latest readings before a period, at most `most`, the latest first.
    pub(in crate::programme) fn recent<'a>(
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

    /// Numbers up to this are small; in a picture of the past the stricter of then and now.
    pub(in crate::programme) fn threshold(&self) -> u32 {
        let then = self.plan.value.small_number_threshold;
        self.present.as_ref().map_or(then, |present| then.max(present.threshold()))
    }

    /// Asks what is withheld of a KPI from those who may not see its small numbers, and which of the plans that are published
    /// together this one is.
    pub(in crate::programme) fn ask_withheld<T>(
        &self,
        kpi: &KpiCode,
        threshold: u32,
        ask: impl FnOnce(&Withheld, usize) -> T,
    ) -> Option<T> {
        let together = self.family.as_ref().and_then(|family| Some((family, family.choice(self.id, kpi)?)));
        if let Some((family, (plan, choices))) = together {
            let threshold = threshold.max(family.threshold());
            let choose = || family.withheld(kpi, threshold);
            return Some(choices.ask(threshold, choose, |withheld| ask(withheld, plan)));
        }
        let entry = self.kpis.get(kpi)?;
        let choose = || family::withheld(&[self], kpi, threshold);
        Some(entry.choices.ask(threshold, choose, |withheld| ask(withheld, 0)))
    }

    /// Whether it is known what is withheld of a KPI.
    fn has_chosen(&self, kpi: &KpiCode, threshold: u32) -> bool {
        match self.family.as_ref().and_then(|family| Some((family, family.choice(self.id, kpi)?))) {
            Some((family, (_, choices))) => choices.has(threshold.max(family.threshold())),
            None => self.kpis.get(kpi).is_none_or(|entry| entry.choices.has(threshold)),
        }
    }

    /// The choices that whoever may not see small numbers can come to ask: each KPI of the present that is sensitive, or was
    /// when this is a picture of, and the threshold.
    fn asked(&self) -> impl Iterator<Item = (&Self, &KpiCode, u32)> {
        let today = self.present();
        let thresholds = [(today, today.threshold()), (self, self.threshold())];
        thresholds.into_iter().flat_map(move |(picture, threshold)| {
            let sensitive = picture.kpis.iter().filter(|(_, entry)| entry.kpi.sensitive);
            sensitive.map(move |(code, _)| (today, code, threshold))
        })
    }

    /// Whether nothing is left to be chosen: what is withheld from whom is known at once.
    pub(in crate::programme) fn is_chosen(&self) -> bool {
        self.asked().all(|(today, code, threshold)| today.has_chosen(code, threshold))
    }

    /// Makes every choice that is left. It takes its time, up to seconds: a thread that answers requests must not.
    pub(in crate::programme) fn choose(&self) {
        for (today, code, threshold) in self.asked() {
            today.ask_withheld(code, threshold, |_chosen, _plan| ());
        }
    }

    /// This picture as it would be with one reading more.
    pub(in crate::programme) fn with_reading(
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
    pub(in crate::programme) fn with_policy(&self, policy: Policy) -> Self {
        let mut picture = self.clone();
        if let Some(kept) = picture.policies.get_mut(&policy.code) {
            *kept = Kept { value: policy, revision: kept.revision + 1, seq: kept.seq };
        }
        picture
    }

    /// Lays one target over this picture in place: for building what an import would make of it.
    pub(in crate::programme) fn lay_target_over(&mut self, kpi: &KpiCode, period: Period, target: Target) {
        if let Some(entry) = self.kpis.get_mut(kpi) {
            Arc::make_mut(entry).targets.insert(period, target);
        }
    }

    /// Lays one reading over this picture in place: for building what an import would make of it.
    pub(in crate::programme) fn lay_over(
        &mut self,
        kpi: &KpiCode,
        group: &GroupCode,
        period: Period,
        reading: Kept<Observed>,
    ) {
        if let Some(entry) = self.kpis.get_mut(kpi) {
            Arc::make_mut(entry).stand(group, period, reading);
        }
    }
}

/// A KPI as it is stored: its definition, and what the service keeps about it.
#[derive(Clone, Debug)]
pub struct KpiRecord {
    /// The definition.
    pub kpi: Kpi,
    /// Whether it was archived.
    pub archived: bool,
    /// The version of what is measured.
    pub definition_version: i32,
}

impl KpiPicture {
    /// The KPI as it is stored.
    pub(in crate::programme) fn record(&self) -> KpiRecord {
        KpiRecord { kpi: self.kpi.clone(), archived: self.archived, definition_version: self.definition_version }
    }

    /// A stored KPI with what is known of it beside its definition: what `before` knew.
    pub(in crate::programme) fn of(record: KpiRecord, revision: i32, seq: Seq, before: Option<&Self>) -> Self {
        let KpiRecord { kpi, archived, definition_version } = record;
        let choices = Choices::default();
        let mut entry = match before.cloned() {
            Some(mut before) => {
                if before.definition_version != definition_version {
                    before.earlier.insert(before.definition_version, Arc::new(before.kpi));
                }
                Self { kpi, revision, seq, archived, definition_version, choices, ..before }
            }
            None => Self {
                kpi,
                revision,
                seq,
                archived,
                definition_version,
                targets: BTreeMap::new(),
                target_seqs: BTreeMap::new(),
                readings: BTreeMap::new(),
                replaced: Vec::new(),
                baselines: Vec::new(),
                earlier: BTreeMap::new(),
                choices,
            },
        };
        entry.draw();
        entry
    }

    /// The KPI as it was defined in a version of what is measured.
    pub(in crate::programme) fn defined(&self, version: i32) -> &Kpi {
        self.earlier.get(&version).map_or(&self.kpi, |kpi| kpi)
    }

    /// The definitions that figures were posted by.
    pub(in crate::programme) fn measures(&self) -> impl Iterator<Item = &Kpi> {
        self.earlier.values().map(|kpi| &**kpi).chain([&self.kpi])
    }

    /// Every figure that anyone can come to read: each with whether it is a count. `plan` is the plan's place among those
    /// that are published together.
    pub(in crate::programme) fn all_posted(&self, plan: usize) -> impl Iterator<Item = (bool, Posted)> {
        let standing = self
            .readings
            .iter()
            .flat_map(|(group, readings)| readings.iter().map(move |(period, kept)| kept.posted(group, *period, None)));
        let all = self.replaced.iter().cloned().chain(standing).chain(self.baselines.iter().cloned());
        all.map(move |(version, posted)| {
            let entry = Entry { plan, ..posted.entry };
            (self.defined(version).unit == Unit::Count, Posted { entry, ..posted })
        })
    }

    /// Notes what targets are drawn from by now.
    fn draw(&mut self) {
        let baseline = self.kpi.baseline.filter(|_| self.kpi.spread() == Some(Profile::Linear));
        let drawn = baseline.map(|baseline| (baseline.period.0, baseline.value));
        let last = self.baselines.last_mut().filter(|(_, last)| last.replaced.is_none());
        let known = last.as_ref().and_then(|(_, last)| Some((last.period, last.value?)));
        if known == drawn {
            return;
        }
        if let Some((_, last)) = last {
            last.replaced = Some(self.seq);
        }
        self.baselines.extend(drawn.map(|(period, value)| {
            let (entry, origin, group) = (Entry { plan: 0, seq: self.seq }, Origin::Baseline, GroupCode::all());
            let (value, numerator, denominator, replaced) = (Some(value), None, None, None);
            let posted = Posted { entry, replaced, origin, period, group, value, numerator, denominator };
            (self.definition_version, posted)
        }));
    }

    /// The journal's entry of the baseline that targets are drawn from now.
    pub(in crate::programme) fn drawn_from(&self) -> Option<Seq> {
        let (_, baseline) = self.baselines.last().filter(|(_, baseline)| baseline.replaced.is_none())?;
        Some(baseline.entry.seq)
    }

    /// Puts a figure in its place.
    fn stand(&mut self, group: &GroupCode, period: Period, reading: Kept<Observed>) {
        self.choices = Choices::default();
        self.readings.entry(group.clone()).or_default().insert(period, reading);
    }
}

impl KpiRecord {
    /// The members as they are stored and journalled.
    pub(in crate::programme) fn members(&self) -> Map<String, Value> {
        let mut members = self.kpi.members();
        members.insert("archived".into(), self.archived.into());
        members.insert("definition_version".into(), self.definition_version.into());
        members
    }

    /// The KPI that a row defines.
    pub(in crate::programme) fn of_row(row: &DefinitionRow) -> Result<Self, StoreError> {
        Self::from_members(members(row)?).ok_or_else(|| unreadable(row))
    }

    /// The KPI that these members, as they are stored, define.
    pub(in crate::programme) fn from_members(mut members: Map<String, Value>) -> Option<Self> {
        let archived = members.remove("archived")?.as_bool()?;
        let definition_version = members.remove("definition_version")?.as_u64()?.try_into().ok()?;
        Some(Self { kpi: Kpi::parse(members).ok()?, archived, definition_version })
    }
}

fn members(row: &DefinitionRow) -> Result<Map<String, Value>, StoreError> {
    row.body.as_ref().and_then(Value::as_object).cloned().ok_or_else(|| unreadable(row))
}

/// A stored figure as an assessment sees it, after the revision `before` it.
fn observed_figure(row: FigureRow, before: Option<&Observed>) -> Observed {
    let said = Observed {
        value: row.value,
        numerator: row.numerator,
        denominator: row.denominator,
        provisional: row.provisional,
        nil_return: row.nil_return,
        determined: row.determined_status,
        recorded_by: row.recorded_by,
        recorded_at: row.recorded_at,
        first_recorded_at: row.recorded_at,
        definition_version: row.definition_version,
        stated_forecast: row.forecast,
        commentary: row.commentary.map(Arc::from),
        restatement: None,
        acknowledged: row.acknowledged,
        computed: None,
    };
    following(said, row.restated, row.reason, before)
}

/// A figure on its way to the store as an assessment will see it, after the revision `before` it.
pub(in crate::programme) fn observed_revision(
    row: &ReadingRevision,
    recorded_by: &Subject,
    recorded_at: DateTime<Utc>,
    before: Option<&Observed>,
) -> Observed {
    let said = Observed {
        value: row.value,
        numerator: row.numerator,
        denominator: row.denominator,
        provisional: row.provisional,
        nil_return: row.nil_return.is_some(),
        determined: row.determined_status,
        recorded_by: recorded_by.clone(),
        recorded_at,
        first_recorded_at: recorded_at,
        definition_version: row.definition_version,
        stated_forecast: row.forecast,
        commentary: row.commentary.as_deref().map(Arc::from),
        restatement: None,
        acknowledged: row.acknowledged,
        computed: None,
    };
    following(said, row.restated, row.reason.clone(), before)
}

/// What a figure has from the one that it replaces: when its place was first filled, how it was last restated, and who
/// determined the status that it still has, and when.
fn following(said: Observed, restated: bool, reason: Option<String>, before: Option<&Observed>) -> Observed {
    let Some(before) = before else { return said };
    let restatement = if restated {
        let reason = reason.map(Arc::from);
        Some(Arc::new(Restatement { before: before.value, after: said.value, reason, at: said.recorded_at }))
    } else {
        before.restatement.clone()
    };
    let said = Observed { first_recorded_at: before.first_recorded_at, restatement, ..said };
    // A word beside a status is not the partner's determining it anew.
    if said.determined.is_some() && said.determined == before.determined {
        return Observed { recorded_by: before.recorded_by.clone(), recorded_at: before.recorded_at, ..said };
    }
    said
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
