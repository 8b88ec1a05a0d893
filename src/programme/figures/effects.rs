//! What a change of figures or targets moves: where the places it touches stood before and stand after, later periods and
//! gaps that move with them, and the headlines above.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use waymark_domain::assess::{Assessment, DataState, Reason};
use waymark_domain::ids::{AreaCode, GroupCode, KpiCode, PriorityCode};
use waymark_domain::kpi::Formula;
use waymark_domain::number::Figure;
use waymark_domain::period::{Period, PeriodKind};
use waymark_domain::plan::Plan;
use waymark_domain::policy::Status;
use waymark_domain::rollup::{Headline, StatusCounts, headline};

use crate::picture::{KpiPicture, Picture};
use crate::reports::status_report::ReportFilter;
use crate::seen::Seen;

/// An assessment in short.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "An assessment in short.")]
pub struct Standing {
    /// The status.
    pub status: Status,
    /// The code of the policy's band.
    #[schema(required = true, example = "amber")]
    pub band: Option<String>,
    /// Why, if the figures alone do not show it.
    #[schema(required = true)]
    pub reason: Option<Reason>,
    /// The condition of the figure itself.
    pub data_state: DataState,
    /// The reported figure.
    #[schema(required = true, example = 4.5)]
    pub reported: Option<Figure>,
    /// The reported figure with its unit.
    #[schema(required = true, example = "4.5 %")]
    pub reported_text: Option<String>,
}

impl From<Assessment> for Standing {
    fn from(assessment: Assessment) -> Self {
        Self {
            status: assessment.status,
            band: assessment.band,
            reason: assessment.reason,
            data_state: assessment.data_state,
            reported: assessment.reported,
            reported_text: assessment.reported_text,
        }
    }
}

/// How a change reached a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "How a change reached a place: it was made there, in an earlier period, in a side of the gap, or in a target."
)]
pub enum Through {
    /// The figure was changed there.
    Itself,
    /// An earlier period was.
    Earlier,
    /// A side of the gap was.
    Gap,
    /// A target that reaches it was.
    Target,
}

/// How one KPI, period and group was doing before a change and is doing after it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "How one KPI, period and group was doing before a change and is doing after it.")]
pub struct Move {
    /// The KPI's code.
    pub kpi: KpiCode,
    /// The period.
    pub period: Period,
    /// The group.
    pub group: GroupCode,
    /// How the change reached it.
    pub through: Through,
    /// How it was doing; `null` if nothing had been reported.
    #[schema(required = true)]
    pub before: Option<Standing>,
    /// How it is doing; `null` if nothing is reported.
    #[schema(required = true)]
    pub after: Option<Standing>,
}

/// A headline and the counts under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(description = "A headline and the counts of statuses under it.")]
pub struct RolledUp {
    /// The word, and the shares behind it.
    pub headline: Headline,
    /// How many KPIs have each status.
    pub counts: StatusCounts,
}

/// What is rolled up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "What is rolled up.")]
pub enum Level {
    /// The whole plan.
    Plan,
    /// An outcome area.
    OutcomeArea,
    /// A priority.
    Priority,
}

/// A roll-up that a change moved.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(
    description = "A roll-up that a change moved, in the report for one period: a figure of one period can move the reports of many."
)]
pub struct RollUpMove {
    /// What is rolled up.
    pub level: Level,
    /// Its code.
    #[schema(example = "be-healthy")]
    pub code: String,
    /// Its title.
    #[schema(example = "Be Healthy")]
    pub title: String,
    /// The period reported on.
    pub period: Period,
    /// What it was.
    pub before: RolledUp,
    /// What it is.
    pub after: RolledUp,
}

/// A KPI, group and period.
pub type Place = (KpiCode, GroupCode, Period);

/// A plan before and after a change, as one reader sees both.
#[derive(Clone, Copy)]
pub struct Effects<'a> {
    /// Before.
    pub before: &'a Seen,
    /// After.
    pub after: &'a Seen,
}

impl Effects<'_> {
    /// The assessments of a place before and after; `None` if nothing is reported.
    pub fn at(&self, (kpi, group, period): &Place) -> (Option<Assessment>, Option<Assessment>) {
        let stands = |seen: &Seen| {
            let entry = seen.picture.kpis().get(kpi)?;
            seen.picture.observed(entry, group, *period)?;
            seen.assess(entry, group, *period)
        };
        (stands(self.before), stands(self.after))
    }

    /// A place in short, if it moved or the change was made there.
    pub fn short(&self, place: &Place, through: Through) -> Option<Move> {
        let (before, after) = self.at(place);
        let (before, after) = (before.map(Standing::from), after.map(Standing::from));
        let (kpi, group, period) = place.clone();
        (through == Through::Itself || before != after).then_some(Move { kpi, period, group, through, before, after })
    }

    /// The places that can move with changes made in others.
    pub fn reached(&self, changed: &[Place]) -> Vec<(Place, Through)> {
        reached(&self.after.picture, changed)
    }

    /// The roll-ups that move when figures or targets of these KPIs change: in every report for a period of the plan, of
    /// whatever kind, that a changed status reaches. Those for financial quarters come first, then those for other periods, each
    /// kind in time order.
    ///
    /// One figure can move many reports: a year's is brought by every report from its end to the end of the next year, and a
    /// month's can be part of a quarter's and of a year's.
    pub fn roll_ups<'k>(&self, changed: impl IntoIterator<Item = &'k KpiCode>) -> Vec<RollUpMove> {
        let touched = self.touched(changed);
        let (mut before, mut after) = (Statuses::of(self.before), Statuses::of(self.after));
        let mut found = Vec::new();
        for report in reports_of(&self.after.plan().value) {
            let mut has_moved = |kpi: &&KpiCode| before.in_report(kpi, report) != after.in_report(kpi, report);
            let moved: BTreeSet<&KpiCode> = touched.iter().copied().filter(&mut has_moved).collect();
            if moved.is_empty() {
                continue;
            }
            let was = self.rolled_up(&mut |kpi| {
                // What nothing touched is as it was.
                let statuses = if moved.contains(kpi) { &mut before } else { &mut after };
                statuses.in_report(kpi, report)
            });
            let is = self.rolled_up(&mut |kpi| after.in_report(kpi, report));
            for (was, is) in was.into_iter().zip(is).filter(|(was, is)| was.rolled_up != is.rolled_up) {
                let Node { level, code, title, rolled_up } = is;
                found.push(RollUpMove { level, code, title, period: report, before: was.rolled_up, after: rolled_up });
            }
        }
        found
    }

    /// These KPIs, and the gaps that are computed from them.
    fn touched<'k>(&self, changed: impl IntoIterator<Item = &'k KpiCode>) -> BTreeSet<&KpiCode> {
        let known = changed.into_iter().filter_map(|code| self.after.picture.kpis().get_key_value(code));
        let changed: BTreeSet<&KpiCode> = known.map(|(code, _)| code).collect();
        let of_changed = |entry: &&KpiPicture| entry.kpi.formula.source().is_some_and(|of| changed.contains(of));
        let gaps = self.after.picture.kpis().values().map(|entry| &**entry).filter(of_changed);
        gaps.map(|entry| &entry.kpi.code).chain(changed.iter().copied()).collect()
    }

    /// Every roll-up of a report, from the plan down, when the KPIs in it have these statuses.
    fn rolled_up(&self, status_of: &mut dyn FnMut(&KpiCode) -> Option<Status>) -> Vec<Node> {
        let (picture, plan) = (&self.after.picture, &self.after.plan().value);
        let mut whole = StatusCounts::default();
        let mut by_area: BTreeMap<&AreaCode, StatusCounts> = BTreeMap::new();
        let mut by_priority: BTreeMap<&PriorityCode, StatusCounts> = BTreeMap::new();
        for (code, entry) in picture.kpis() {
            let is_there = self.after.is_reported(entry, &ReportFilter::default());
            let (Some(area), true) = (picture.area_of(&entry.kpi), is_there) else { continue };
            let Some(status) = status_of(code) else { continue };
            whole.count(status);
            by_area.entry(area).or_default().count(status);
            by_priority.entry(&entry.kpi.priority).or_default().count(status);
        }
        let node = |level, code: &str, title: &str, counts: StatusCounts| {
            let rolled_up = RolledUp { headline: headline(&counts, plan.headline), counts };
            Node { level, code: code.to_owned(), title: title.to_owned(), rolled_up }
        };
        let mut nodes = vec![node(Level::Plan, plan.code.as_str(), "The plan", whole)];
        let mut areas: Vec<_> = picture.areas().values().map(|area| &area.value).collect();
        areas.sort_by_key(|area| (area.position, &area.code));
        let mut priorities: Vec<_> = picture.priorities().values().map(|priority| &priority.value).collect();
        priorities.sort_by_key(|priority| (priority.position, &priority.code));
        for area in areas {
            let counts = by_area.remove(&area.code).unwrap_or_default();
            nodes.push(node(Level::OutcomeArea, area.code.as_str(), &area.title, counts));
            for priority in priorities.iter().filter(|priority| priority.outcome_area == area.code) {
                let counts = by_priority.remove(&priority.code).unwrap_or_default();
                nodes.push(node(Level::Priority, priority.code.as_str(), &priority.title, counts));
            }
        }
        nodes
    }
}

/// The places that can move with changes made in others, in the plan as it is after them: later periods of the same KPI
/// and group, and the gaps that either is a side of; in the order of KPI, group and period, and none that was changed
/// itself.
pub(crate) fn reached(after: &Picture, changed: &[Place]) -> Vec<(Place, Through)> {
    let mut first: BTreeMap<(&KpiCode, &GroupCode), Period> = BTreeMap::new();
    for (kpi, group, period) in changed {
        let earliest = first.entry((kpi, group)).or_insert(*period);
        *earliest = (*earliest).min(*period);
    }
    let itself: BTreeSet<&Place> = changed.iter().collect();
    let mut reached: BTreeMap<Place, Through> = BTreeMap::new();
    let all = GroupCode::all();
    for ((kpi, group), from) in first {
        let mut reach = |entry: &KpiPicture, group: &GroupCode, through| {
            let periods = after.observed_periods(entry, group).into_iter().filter(|period| *period >= from);
            let places = periods.map(|period| (entry.kpi.code.clone(), group.clone(), period));
            reached.extend(places.filter(|place| !itself.contains(place)).map(|place| (place, through)));
        };
        if let Some(entry) = after.kpis().get(kpi) {
            reach(entry, group, Through::Earlier);
        }
        for gap in after.gaps_of(kpi, group) {
            reach(gap, &all, Through::Gap);
        }
    }
    reached.into_iter().collect()
}

/// One roll-up of a report.
struct Node {
    level: Level,
    code: String,
    title: String,
    rolled_up: RolledUp,
}

/// The statuses of a plan's KPIs for everyone. Reports share them: each is found once, however many reports bring it.
struct Statuses<'a> {
    seen: &'a Seen,
    found: BTreeMap<(&'a KpiCode, Period), Option<Status>>,
}

impl<'a> Statuses<'a> {
    fn of(seen: &'a Seen) -> Self {
        Self { seen, found: BTreeMap::new() }
    }

    /// A KPI's status in the report for a period; `None` if it is not in it.
    fn in_report(&mut self, kpi: &KpiCode, report: Period) -> Option<Status> {
        let (code, entry) = self.seen.picture.kpis().get_key_value(kpi)?;
        let all = GroupCode::all();
        let brought = self.seen.picture.reported_period(entry, &all, report)?;
        if let Some(found) = self.found.get(&(code, brought)) {
            return *found;
        }
        let stands = self.seen.assess(entry, &all, brought);
        let status = stands.map(|assessment| assessment.status);
        self.found.insert((code, brought), status);
        status
    }
}

/// Every period that a report of a plan can be for: those that the plan runs in, the quarters first.
fn reports_of(plan: &Plan) -> impl Iterator<Item = Period> {
    let first = PeriodKind::FinancialQuarter;
    let others = PeriodKind::ALL.into_iter().filter(move |kind| *kind != first);
    let (starts, ends) = (plan.starts_on, plan.ends_on);
    std::iter::once(first).chain(others).flat_map(move |kind| {
        let periods = std::iter::successors(Period::holding(kind, starts), |period| period.step(1));
        periods.take_while(move |period| period.start() <= ends)
    })
}

impl Picture {
    /// Every place of a KPI that has a figure: for everyone, and then for each group, in time order.
    pub(crate) fn reported_places(&self, entry: &KpiPicture) -> Vec<Place> {
        let all = GroupCode::all();
        let groups = std::iter::once(&all).chain(entry.readings.keys().filter(|group| !group.is_all()));
        let places = groups.flat_map(|group| {
            let periods = self.observed_periods(entry, group).into_iter();
            periods.map(move |period| (entry.kpi.code.clone(), group.clone(), period))
        });
        places.collect()
    }

    /// The gaps, not archived, that a group of a KPI is a side of.
    pub(crate) fn gaps_of<'a>(&'a self, kpi: &'a KpiCode, side: &'a GroupCode) -> impl Iterator<Item = &'a KpiPicture> {
        self.kpis().values().map(|entry| &**entry).filter(move |entry| match &entry.kpi.formula {
            Formula::Gap { of, group, comparator } => {
                !entry.archived && of == kpi && (group == side || comparator == side)
            }
            Formula::Direct {} | Formula::PartnerDetermined { .. } => false,
        })
    }
}
