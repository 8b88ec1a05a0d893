//! What is owed: in a round, by a sub-group, and of periods that no round gathers.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};

use waymark_domain::ids::{GroupCode, KpiCode};
use waymark_domain::kpi::{Formula, Kpi};
use waymark_domain::period::{FIRST_YEAR, Period, day_in_london};
use waymark_domain::plan::SubGroup;
use waymark_domain::round::{Round, owed_periods};

use crate::picture::{KpiPicture, Picture};
use crate::seen::Seen;

/// No period begins earlier.
const EARLIEST: NaiveDate = match NaiveDate::from_ymd_opt(FIRST_YEAR + 1, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// A figure that is owed.
pub(crate) struct Owed<'a> {
    pub(crate) entry: &'a KpiPicture,
    pub(crate) period: Period,
    pub(crate) group: GroupCode,
}

impl Owed<'_> {
    /// What it is known by: a figure that several sub-groups are responsible for is one.
    pub(in crate::rounds) fn place(&self) -> (&KpiCode, Period, &GroupCode) {
        (&self.entry.kpi.code, self.period, &self.group)
    }
}

impl Seen {
    /// What is owed of the periods that have ended and that no round gathers, by KPI, period and group: it is due by each
    /// KPI's own lag.
    pub(in crate::rounds) fn owed_by_lag(&self) -> Vec<Owed<'_>> {
        let (plan, today) = (&self.picture.plan().value, day_in_london(self.now));
        let mut owed = Vec::new();
        for entry in self.picture.kpis().values().map(|entry| &**entry).filter(|entry| !entry.archived) {
            let kpi = &entry.kpi;
            if matches!(kpi.formula, Formula::Gap { .. }) {
                continue;
            }
            let first = Period::holding(kpi.period_kind(), plan.starts_on.max(EARLIEST));
            let periods = std::iter::successors(first, |period| period.step(1));
            for period in periods.take_while(|period| period.end() < today && plan.covers(*period)) {
                if kpi.in_force(period) && self.picture.round_of(kpi, period).is_none() {
                    let groups = self.picture.owed_groups(kpi).into_iter();
                    owed.extend(groups.map(|group| Owed { entry, period, group }));
                }
            }
        }
        owed
    }

    /// The figures owed in the rounds that a filter asks for, each with its round, and in no round if it asks for all.
    pub(in crate::rounds) fn owed_everywhere(&self, wanted: Option<Period>) -> Vec<(Option<Period>, Owed<'_>)> {
        let mut owed = Vec::new();
        for round in self.rounds_asked(wanted) {
            let of_round = self.picture.owed_in_round(round, |_| true);
            owed.extend(of_round.into_iter().map(|owed| (Some(round.period.0), owed)));
        }
        if wanted.is_none() {
            owed.extend(self.owed_by_lag().into_iter().map(|owed| (None, owed)));
        }
        owed
    }

    /// One round, or every round that has opened.
    pub(in crate::rounds) fn rounds_asked(&self, wanted: Option<Period>) -> impl Iterator<Item = &Round> {
        let rounds = self.picture.rounds().values().map(|round| &round.value);
        rounds.filter(move |round| wanted.map_or(round.opens_at() <= self.now, |period| round.period.0 == period))
    }
}

impl Picture {
    /// The groups a KPI is reported for: everyone, and the sides of the gaps that are computed from it.
    pub(in crate::rounds) fn owed_groups(&self, kpi: &Kpi) -> BTreeSet<GroupCode> {
        let gaps = self.kpis().values().filter(|entry| !entry.archived);
        let sides = gaps.filter_map(|entry| match &entry.kpi.formula {
            Formula::Gap { of, group, comparator } if *of == kpi.code => Some([group.clone(), comparator.clone()]),
            _ => None,
        });
        sides.flatten().chain([GroupCode::all()]).collect()
    }

    /// The sub-groups that are responsible for a KPI, by code.
    pub(in crate::rounds) fn sub_groups_of(&self, kpi: &Kpi) -> impl Iterator<Item = &SubGroup> {
        let area = self.area_of(kpi).cloned();
        let groups = self.sub_groups().values().map(|group| &group.value);
        groups.filter(move |group| area.as_ref().is_some_and(|area| group.outcome_areas.contains(area)))
    }

    /// What a sub-group owes in a round, by KPI, period and group.
    pub(in crate::rounds) fn owed(&self, round: &Round, sub_group: &SubGroup) -> Vec<Owed<'_>> {
        self.owed_in_round(round, |kpi| self.area_of(kpi).is_some_and(|area| sub_group.outcome_areas.contains(area)))
    }

    /// What is owed in a round of the KPIs that `wanted` takes, by KPI, period and group.
    pub(in crate::rounds) fn owed_in_round(&self, round: &Round, wanted: impl Fn(&Kpi) -> bool) -> Vec<Owed<'_>> {
        let earlier: Vec<&Round> = self.rounds().range(..round.period.0).map(|(_, kept)| &kept.value).collect();
        let mut owed = Vec::new();
        for entry in self.kpis().values().filter(|entry| !entry.archived && wanted(&entry.kpi)) {
            let periods = owed_periods(&entry.kpi, round, &earlier).into_iter();
            for period in periods.filter(|period| self.plan().value.covers(*period)) {
                let groups = self.owed_groups(&entry.kpi).into_iter();
                owed.extend(groups.map(|group| Owed { entry, period, group }));
            }
        }
        owed
    }

    /// What a sub-group owes in a period: in its round, or if it has none, the figures of the period itself.
    pub(crate) fn owed_in(&self, period: Period, sub_group: &SubGroup) -> Vec<Owed<'_>> {
        if let Some(round) = self.rounds().get(&period) {
            return self.owed(&round.value, sub_group);
        }
        let own = |kpi: &Kpi| self.area_of(kpi).is_some_and(|area| sub_group.outcome_areas.contains(area));
        let posted = |kpi: &Kpi| !matches!(kpi.formula, Formula::Gap { .. });
        let of_period = |kpi: &Kpi| kpi.period_kind() == period.kind() && kpi.in_force(period);
        let entries = self.kpis().values().map(|entry| &**entry);
        entries
            .filter(|entry| !entry.archived && own(&entry.kpi) && posted(&entry.kpi) && of_period(&entry.kpi))
            .flat_map(|entry| self.owed_groups(&entry.kpi).into_iter().map(move |group| Owed { entry, period, group }))
            .collect()
    }

    /// Whether a sub-group owes any figure in a round.
    pub(crate) fn owes_something(&self, round: &Round, sub_group: &SubGroup) -> bool {
        !self.owed(round, sub_group).is_empty()
    }

    /// When a figure was first reported, and when it is due.
    pub(in crate::rounds) fn come_in(&self, owed: &Owed<'_>) -> (Option<DateTime<Utc>>, DateTime<Utc>) {
        let reading = owed.entry.posted(&owed.group, owed.period);
        (reading.map(|reading| reading.value.first_recorded_at), self.due_at(&owed.entry.kpi, owed.period))
    }
}
