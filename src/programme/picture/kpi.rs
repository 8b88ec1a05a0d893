//! A KPI in a picture: its definition, and everything known of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use waymark_domain::disclosure::{Entry, Origin, Posted};
use waymark_domain::document::Document;
use waymark_domain::ids::{GroupCode, Seq};
use waymark_domain::kpi::{Kpi, Profile, Unit};
use waymark_domain::observed::Observed;
use waymark_domain::period::Period;
use waymark_domain::target::Target;
use waymark_store::StoreError;
use waymark_store::definitions::DefinitionRow;

use crate::picture::withheld::Choices;
use crate::picture::{Kept, members, unreadable};

/// A KPI with everything known of it.
#[derive(Clone, Debug)]
pub(crate) struct KpiPicture {
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
    /// What improvement was measured from on a line that targets were drawn on, which discloses it, the current one
    /// last.
    baselines: Vec<(i32, Posted)>,
    /// The definitions by which something else was measured, by the version of that.
    earlier: BTreeMap<i32, Arc<Kpi>>,
    /// What is withheld of all these.
    pub(in crate::picture) choices: Choices,
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
    /// The observed figure of a group and period, if one was posted.
    pub(crate) fn posted(&self, group: &GroupCode, period: Period) -> Option<&Kept<Observed>> {
        self.readings.get(group)?.get(&period)
    }

    /// The KPI as it is stored.
    pub(crate) fn record(&self) -> KpiRecord {
        KpiRecord { kpi: self.kpi.clone(), archived: self.archived, definition_version: self.definition_version }
    }

    /// A stored KPI with what is known of it beside its definition: what `before` knew.
    pub(crate) fn of(record: KpiRecord, revision: i32, seq: Seq, before: Option<&Self>) -> Self {
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
    pub(crate) fn defined(&self, version: i32) -> &Kpi {
        self.earlier.get(&version).map_or(&self.kpi, |kpi| kpi)
    }

    /// The definitions that figures were posted by.
    pub(crate) fn measures(&self) -> impl Iterator<Item = &Kpi> {
        self.earlier.values().map(|kpi| &**kpi).chain([&self.kpi])
    }

    /// Every figure that anyone can come to read: each with whether it is a count. `plan` is the plan's place among those
    /// that are published together.
    pub(crate) fn all_posted(&self, plan: usize) -> impl Iterator<Item = (bool, Posted)> {
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
    pub(in crate::picture) fn draw(&mut self) {
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
    pub(crate) fn drawn_from(&self) -> Option<Seq> {
        let (_, baseline) = self.baselines.last().filter(|(_, baseline)| baseline.replaced.is_none())?;
        Some(baseline.entry.seq)
    }

    /// Puts a figure in its place.
    pub(in crate::picture) fn stand(&mut self, group: &GroupCode, period: Period, reading: Kept<Observed>) {
        self.choices = Choices::default();
        self.readings.entry(group.clone()).or_default().insert(period, reading);
    }
}

impl KpiRecord {
    /// The members as they are stored and journalled.
    pub(crate) fn members(&self) -> Map<String, Value> {
        let mut members = self.kpi.members();
        members.insert("archived".into(), self.archived.into());
        members.insert("definition_version".into(), self.definition_version.into());
        members
    }

    /// The KPI that a row defines.
    pub(crate) fn of_row(row: &DefinitionRow) -> Result<Self, StoreError> {
        Self::from_members(members(row)?).ok_or_else(|| unreadable(row))
    }

    /// The KPI that these members, as they are stored, define.
    pub(crate) fn from_members(mut members: Map<String, Value>) -> Option<Self> {
        let archived = members.remove("archived")?.as_bool()?;
        let definition_version = members.remove("definition_version")?.as_u64()?.try_into().ok()?;
        Some(Self { kpi: Kpi::parse(members).ok()?, archived, definition_version })
    }
}
