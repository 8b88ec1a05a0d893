//! What a change of figures or targets moves: where the places it touches stood before and stand after, later periods and
//! gaps that move with them, and the headlines above.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::access::Access;
use crate::domain::assess::{Assessment, DataState, Reason};
use crate::domain::ids::{GroupCode, KpiCode};
use crate::domain::kpi::Formula;
use crate::domain::number::Figure;
use crate::domain::period::{Period, PeriodKind};
use crate::domain::policy::Status;
use crate::domain::rollup::{Headline, StatusCounts};

use super::picture::{KpiPicture, Picture};
use super::reporting::{ReportFilter, StatusReport};

/// An assessment in short.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "An assessment in short.")]
pub struct Standing {
    /// The status.
    pub status: Status,
    /// The code of the policy's band.
    #[schema(required = true, example = "amber")]
    pub band: Option<String>,
    /// Why, where the figures alone do not say.
    #[schema(required = true)]
    pub reason: Option<Reason>,
    /// Where the figure itself stands.
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

/// Where one KPI, period and group stood before a change and stands after it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "Where one KPI, period and group stood before a change and stands after it.")]
pub struct Move {
    /// The KPI's code.
    pub kpi: KpiCode,
    /// The period.
    pub period: Period,
    /// The group.
    pub group: GroupCode,
    /// How the change reached it.
    pub through: Through,
    /// Where it stood; `null` where nothing had been reported.
    #[schema(required = true)]
    pub before: Option<Standing>,
    /// Where it stands; `null` where nothing is reported.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
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
#[schema(description = "A roll-up of a report for a financial quarter of the plan that a change moved.")]
pub struct RollUpMove {
    /// What is rolled up.
    pub level: Level,
    /// Its code.
    #[schema(example = "be-healthy")]
    pub code: String,
    /// Its title.
    #[schema(example = "Be Healthy")]
    pub title: String,
    /// The quarter reported on.
    pub period: Period,
    /// What it was.
    pub before: RolledUp,
    /// What it is.
    pub after: RolledUp,
}

/// A KPI, group and period.
pub type Place = (KpiCode, GroupCode, Period);

/// A plan before and after a change, for one reader at one moment.
#[derive(Clone, Copy)]
pub struct Effects<'a> {
    /// Before.
    pub before: &'a Picture,
    /// After.
    pub after: &'a Picture,
    /// The reader.
    pub access: &'a Access,
    /// The moment.
    pub now: DateTime<Utc>,
}

impl Effects<'_> {
    /// The assessments of a place before and after; `None` where nothing is reported.
    pub fn at(&self, (kpi, group, period): &Place) -> (Option<Assessment>, Option<Assessment>) {
        let stands = |picture: &Picture| {
            let entry = picture.kpis().get(kpi)?;
            picture.observed(entry, group, *period)?;
            picture.assess(entry, group, *period, self.now, self.access)
        };
        (stands(self.before), stands(self.after))
    }

    /// A place in short, where it moved or the change was made there.
    pub fn short(&self, place: &Place, through: Through) -> Option<Move> {
        let (before, after) = self.at(place);
        let (before, after) = (before.map(Standing::from), after.map(Standing::from));
        let (kpi, group, period) = place.clone();
        (through == Through::Itself || before != after).then_some(Move { kpi, period, group, through, before, after })
    }

    /// The places that can move with changes made in others: later periods of the same KPI and group, and the gaps that
    /// either is a side of; in the order of KPI, group and period, and none that was changed itself.
    pub fn reached(&self, changed: &[Place]) -> Vec<(Place, Through)> {
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
                let periods = self.after.observed_periods(entry, group).into_iter().filter(|period| *period >= from);
                let places = periods.map(|period| (entry.kpi.code.clone(), group.clone(), period));
                reached.extend(places.filter(|place| !itself.contains(place)).map(|place| (place, through)));
            };
            if let Some(entry) = self.after.kpis().get(kpi) {
                reach(entry, group, Through::Earlier);
            }
            for gap in self.after.gaps_of(kpi, group) {
                reach(gap, &all, Through::Gap);
            }
        }
        reached.into_iter().collect()
    }

    /// The roll-ups that moved, in the reports for the plan's financial quarters that these periods end in.
    pub fn roll_ups(&self, periods: impl IntoIterator<Item = Period>) -> Vec<RollUpMove> {
        let plan = &self.after.plan().value;
        let quarter = |period: Period| Period::holding(PeriodKind::FinancialQuarter, period.end());
        let quarters: BTreeSet<Period> = periods.into_iter().filter_map(quarter).collect();
        let within = |quarter: &Period| quarter.end() >= plan.starts_on && quarter.start() <= plan.ends_on;
        let report = |picture: &Picture, period| {
            rolled_up(&picture.status_report(period, &ReportFilter::default(), self.now, self.access))
        };
        let mut moves = Vec::new();
        for period in quarters.into_iter().filter(within) {
            let before: BTreeMap<_, _> = report(self.before, period).into_iter().map(|(key, it)| (key, it.1)).collect();
            for (key, (title, after)) in report(self.after, period) {
                let Some(before) = before.get(&key).filter(|before| **before != after) else { continue };
                let (level, code) = (key.0, key.1);
                moves.push(RollUpMove { level, code, title, period, before: before.clone(), after });
            }
        }
        moves
    }
}

type RollUpKey = (Level, String);

/// Every roll-up of a report, from the plan down.
fn rolled_up(report: &StatusReport) -> Vec<(RollUpKey, (String, RolledUp))> {
    let one = |level, code: &str, title: &str, headline: &Headline, counts: &StatusCounts| {
        let rolled = RolledUp { headline: headline.clone(), counts: counts.clone() };
        ((level, code.to_owned()), (title.to_owned(), rolled))
    };
    let plan = one(Level::Plan, report.plan.as_str(), "The plan", &report.headline, &report.counts.status);
    let areas = report.outcome_areas.iter().flat_map(|area| {
        let own = one(Level::OutcomeArea, area.code.as_str(), &area.title, &area.headline, &area.counts.status);
        std::iter::once(own).chain(area.priorities.iter().map(|priority| {
            let counts = &priority.counts.status;
            one(Level::Priority, priority.code.as_str(), &priority.title, &priority.headline, counts)
        }))
    });
    std::iter::once(plan).chain(areas).collect()
}

impl Picture {
    /// The gaps, not archived, that a group of a KPI is a side of.
    pub fn gaps_of<'a>(&'a self, kpi: &'a KpiCode, side: &'a GroupCode) -> impl Iterator<Item = &'a KpiPicture> {
        self.kpis().values().map(|entry| &**entry).filter(move |entry| match &entry.kpi.formula {
            Formula::Gap { of, group, comparator } => {
                !entry.archived && of == kpi && (group == side || comparator == side)
            }
            Formula::Direct {} | Formula::PartnerDetermined { .. } => false,
        })
    }
}
