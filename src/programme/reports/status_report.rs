//! Reports: the status report, one status, and a series over time. Every figure in them comes out of
//! [`Seen`].

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use waymark_domain::assess::{Assessment, DataState, as_known, shown_figure};
use waymark_domain::ids::{
    AreaCode, DimensionCode, GroupCode, KpiCode, OrganisationCode, PlanCode, PriorityCode, Seq, SubGroupCode,
};
use waymark_domain::names;
use waymark_domain::number::Figure;
use waymark_domain::period::{Period, PeriodKind, day_in_london};
use waymark_domain::plan::{OutcomeArea, Priority};
use waymark_domain::policy::Status;
use waymark_domain::rollup::{Counts, Headline, roll_up};
use waymark_domain::target::{Aim, find_target};

use crate::picture::KpiPicture;
use crate::reports::groups::GroupReport;
use crate::seen::{Seen, SeenKpi};

/// Which KPIs a status report is about; `None` asks for all.
#[derive(Clone, Debug, Default)]
pub struct ReportFilter {
    /// Those of an outcome area.
    pub outcome_area: Option<AreaCode>,
    /// Those of a priority.
    pub priority: Option<PriorityCode>,
    /// Those a sub-group is responsible for.
    pub sub_group: Option<SubGroupCode>,
    /// Those an organisation leads or contributes to.
    pub organisation: Option<OrganisationCode>,
    /// Those with a status.
    pub status: Option<Status>,
    /// Those in a data state.
    pub data_state: Option<DataState>,
    /// Not a filter: the dimension whose groups are reported on beside everyone.
    pub group_by: Option<DimensionCode>,
    /// Not a filter: what is brought beside the report.
    pub include: Option<Included>,
}

names! {
    /// What a report brings if it is asked for it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
    #[schema(description = "What the report brings beside the assessments.")]
    pub enum Included, else "is nothing that a report can include; it is" {
        /// What was said with the figures.
        Commentary = "commentary",
    }
}

/// How a plan is doing in a period.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(
    description = "How a plan is doing in a period: every KPI's assessment under its priority and outcome area, with counts and a headline at each level."
)]
pub struct StatusReport {
    /// The plan's code.
    pub plan: PlanCode,
    /// The plan's title.
    #[schema(example = "Harrow Children and Young People's Plan 2009-2011")]
    pub title: String,
    /// What readers should know of the plan.
    #[schema(example = "Every figure is invented for illustration.")]
    pub description: String,
    /// The period reported on. A KPI with a longer frequency brings its latest period that ended by the last day. One
    /// with a shorter frequency brings the whole period, if it is an in-period count, or an in-period percentage or
    /// rate whose numbers are known; otherwise its latest period too.
    pub period: Period,
    /// Whether that period lies outside the plan's own years: nothing is owed of it, and no missing figure is overdue.
    #[schema(example = false)]
    pub outside_plan: bool,
    /// The moment that the report is as known at.
    pub as_of: DateTime<Utc>,
    /// The plan's version that the report is made from.
    #[schema(value_type = i64, minimum = 1, example = 1234)]
    pub version: Seq,
    /// The whole plan in a word.
    pub headline: Headline,
    /// The whole plan in numbers.
    pub counts: Counts,
    /// The outcome areas in their order.
    pub outcome_areas: Vec<AreaReport>,
    /// The dimension whose groups are reported on; `null` if none was asked for.
    #[schema(required = true)]
    pub group_by: Option<DimensionCode>,
    /// The dimension's groups in its order; empty if none was asked for.
    pub groups: Vec<GroupReport>,
    /// What was said with the figures, in the report's order; null unless it was asked for.
    #[schema(required = true)]
    pub commentary: Option<Vec<KpiCommentary>>,
}

/// What was said with a figure.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "What was said with a figure.")]
pub struct KpiCommentary {
    /// The KPI's code.
    pub kpi: KpiCode,
    /// The figure's period.
    pub period: Period,
    /// What was said.
    #[schema(value_type = String, example = "Two colleges reported late.")]
    pub commentary: Arc<str>,
}

/// How an outcome area is doing.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "How an outcome area is doing in a period.")]
pub struct AreaReport {
    /// The outcome area's code.
    pub code: AreaCode,
    /// Its title.
    #[schema(example = "Be Healthy")]
    pub title: String,
    /// The outcome area in a word.
    pub headline: Headline,
    /// The outcome area in numbers.
    pub counts: Counts,
    /// Its priorities in their order.
    pub priorities: Vec<PriorityReport>,
}

/// How a priority is doing.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "How a priority is doing in a period.")]
pub struct PriorityReport {
    /// The priority's code.
    pub code: PriorityCode,
    /// Its title.
    #[schema(example = "To improve the oral health of our children")]
    pub title: String,
    /// The priority in a word.
    pub headline: Headline,
    /// The priority in numbers.
    pub counts: Counts,
    /// Its KPIs by code.
    pub kpis: Vec<Assessment>,
}

/// A KPI over time.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A KPI's readings, targets and statuses over time, for charts.")]
pub struct Series {
    /// The plan's code.
    pub plan: PlanCode,
    /// The KPI's code.
    pub kpi: KpiCode,
    /// The KPI's title.
    #[schema(example = "16 to 18 year olds who are not in education, employment or training")]
    pub title: String,
    /// The group.
    pub group: GroupCode,
    /// The moment that the series is as known at.
    pub as_of: DateTime<Utc>,
    /// One assessment per period, in time order, without a gap between the first and the last.
    pub points: Vec<Assessment>,
}

impl StatusReport {
    /// Every assessment in the order of the report.
    pub fn assessments(&self) -> impl Iterator<Item = &Assessment> {
        self.outcome_areas.iter().flat_map(|area| &area.priorities).flat_map(|priority| &priority.kpis)
    }
}

impl Seen {
    /// The period that a report is about if none is asked for: the latest financial quarter of the plan that ended and
    /// has figures which this reader may know of, or if none has, the latest that ended.
    pub fn reported_quarter(&self) -> Option<Period> {
        let latest = self.latest_ended(PeriodKind::FinancialQuarter)?;
        let all = GroupCode::all();
        let seen = self.picture.kpis().values().filter(|entry| !entry.archived && self.sees(&entry.kpi));
        let periods = seen.flat_map(|entry| self.picture.observed_periods(entry, &all));
        let quarters = periods
            .filter(|period| self.picture.plan().value.covers(*period))
            .filter_map(|period| Period::holding(PeriodKind::FinancialQuarter, period.end()));
        Some(quarters.filter(|quarter| *quarter <= latest).max().unwrap_or(latest))
    }

    /// The latest financial quarter of the plan that ended, whether it has figures or not.
    pub(crate) fn latest_quarter(&self) -> Option<Period> {
        self.latest_ended(PeriodKind::FinancialQuarter)
    }

    /// The latest period of a kind that has ended, and did so while the plan ran.
    fn latest_ended(&self, kind: PeriodKind) -> Option<Period> {
        let yesterday = day_in_london(self.now).pred_opt()?;
        Period::latest_ended(kind, yesterday.min(self.picture.plan().value.ends_on))
    }

    /// How a KPI is doing in the report for `period`; `None` if the report has no period of it to bring.
    pub(crate) fn assess_in_report(&self, entry: &KpiPicture, group: &GroupCode, period: Period) -> Option<Assessment> {
        self.assess(entry, group, self.picture.reported_period(entry, group, period)?)
    }

    /// The status report for a period, as its reader sees it, for a reader with this self.access.
    pub fn status_report(&self, period: Period, filter: &ReportFilter) -> StatusReport {
        let plan = &self.picture.plan().value;
        let group = GroupCode::all();
        let (areas, priorities) = self.headings();
        let mut listed: BTreeMap<&PriorityCode, Vec<&KpiPicture>> = BTreeMap::new();
        for entry in self.picture.kpis().values().filter(|entry| self.is_reported(entry, filter)) {
            listed.entry(&entry.kpi.priority).or_default().push(entry);
        }
        let listed = |priority: &PriorityCode| listed.get(priority).into_iter().flatten().copied();
        let assessed = |priority: &PriorityCode| -> Vec<Assessment> {
            listed(priority)
                .filter_map(|entry| self.assess_in_report(entry, &group, period))
                .filter(|assessment| filter.keeps(assessment))
                .collect()
        };
        let dimension = filter.group_by.as_ref().and_then(|code| self.picture.dimensions().get(code));
        let groups = dimension.map(|dimension| {
            let of_areas =
                areas.iter().flat_map(|area| priorities.iter().filter(|priority| priority.outcome_area == area.code));
            let in_order = of_areas.flat_map(|priority| listed(&priority.code));
            self.by_group(&dimension.value, period, in_order, |one| filter.keeps(one))
        });
        let narrowed = filter.narrows();
        let outcome_areas: Vec<AreaReport> = areas
            .into_iter()
            .map(|area| {
                let priorities: Vec<PriorityReport> = priorities
                    .iter()
                    .filter(|priority| priority.outcome_area == area.code)
                    .map(|priority| {
                        let kpis = assessed(&priority.code);
                        let (headline, counts) = roll_up(&kpis, plan.headline);
                        PriorityReport {
                            code: priority.code.clone(),
                            title: priority.title.clone(),
                            headline,
                            counts,
                            kpis,
                        }
                    })
                    .filter(|priority| !narrowed || !priority.kpis.is_empty())
                    .collect();
                let all = priorities.iter().flat_map(|priority| &priority.kpis);
                let (headline, counts) = roll_up(all, plan.headline);
                AreaReport { code: area.code.clone(), title: area.title.clone(), headline, counts, priorities }
            })
            .filter(|area| !narrowed || !area.priorities.is_empty())
            .collect();
        let all = outcome_areas.iter().flat_map(|area| &area.priorities).flat_map(|priority| &priority.kpis);
        let (headline, counts) = roll_up(all.clone(), plan.headline);
        let commentary = filter.include.map(|Included::Commentary| self.commentaries(all));
        StatusReport {
            plan: plan.code.clone(),
            title: plan.title.clone(),
            description: plan.description.clone(),
            period,
            outside_plan: !plan.covers(period),
            as_of: self.now,
            version: self.picture.version(),
            headline,
            counts,
            outcome_areas,
            group_by: filter.group_by.clone(),
            groups: groups.unwrap_or_default(),
            commentary,
        }
    }

    /// The plan's outcome areas and priorities, each in their order.
    fn headings(&self) -> (Vec<&OutcomeArea>, Vec<&Priority>) {
        let mut areas: Vec<_> = self.picture.areas().values().map(|area| &area.value).collect();
        areas.sort_by_key(|area| (area.position, area.code.clone()));
        let mut priorities: Vec<_> = self.picture.priorities().values().map(|priority| &priority.value).collect();
        priorities.sort_by_key(|priority| (priority.position, priority.code.clone()));
        (areas, priorities)
    }

    /// What was said with the figures of some assessments, as far as the reader may see it.
    pub(crate) fn commentaries<'a>(&self, all: impl Iterator<Item = &'a Assessment>) -> Vec<KpiCommentary> {
        let said = all.filter_map(|one| {
            let commentary = self.commentary(self.picture.kpis().get(&one.kpi)?, one.period)?;
            Some(KpiCommentary { kpi: one.kpi.clone(), period: one.period, commentary })
        });
        said.collect()
    }

    /// Whether a KPI is in a report for this reader, whatever it says.
    pub(crate) fn is_reported(&self, entry: &KpiPicture, filter: &ReportFilter) -> bool {
        let kpi = &entry.kpi;
        let area = self.picture.area_of(kpi);
        !entry.archived
            && self.sees(kpi)
            && filter.priority.as_ref().is_none_or(|code| &kpi.priority == code)
            && filter.outcome_area.as_ref().is_none_or(|code| area == Some(code))
            && filter.organisation.as_ref().is_none_or(|code| kpi.involves(code))
            && filter.sub_group.as_ref().is_none_or(|code| self.picture.answers_for(code, area))
    }
}

/// One period of a KPI's trend, for a line that says no more than how its figures went.
#[derive(Clone, Debug)]
pub struct TrendFigure {
    /// The period.
    pub period: Period,
    /// The figure as it is shown; `None` if there is none, or the reader may not see it.
    pub reported: Option<Figure>,
    /// The same with its unit.
    pub reported_text: Option<String>,
    /// What it is compared with.
    pub target: Option<Aim>,
}

/// How many periods a trend has: two years of quarters, or one of months.
fn length_of_trend(kind: PeriodKind) -> i32 {
    if kind.per_year() == 12 { 12 } else { 8 }
}

impl SeenKpi<'_> {
    /// Its latest figures up to the end of a period, in time order, without what an assessment says of each.
    pub fn trend(&self, group: &GroupCode, until: Period) -> Vec<TrendFigure> {
        let (seen, entry) = (self.seen, self.entry);
        let kpi = &entry.kpi;
        let kind = kpi.period_kind();
        let last = if until.kind() == kind { Some(until) } else { Period::latest_ended(kind, until.end()) };
        let Some(last) = last else { return Vec::new() };
        let precision = seen.precision(kpi);
        let periods = (1 - length_of_trend(kind)..=0).filter_map(|step| last.step(step));
        let figures = periods.map(|period| {
            let target = seen.target_for(entry, |kpi| find_target(kpi, period, &entry.targets)).ok();
            let reading = seen.picture.observed(entry, group, period).filter(|_| kpi.in_force(period));
            let reading = reading.filter(|_| !seen.withholds(entry, group, period));
            let shown = reading.and_then(|reading| shown_figure(kpi, &reading, target.as_ref(), precision));
            TrendFigure {
                period,
                reported: shown.map(|(reported, _)| reported),
                reported_text: shown.map(|(reported, decimals)| kpi.in_words_to(reported, decimals)),
                target: target.map(|found| as_known(found, precision).aim),
            }
        });
        figures.skip_while(|one| one.reported.is_none()).collect()
    }

    /// The period that one status is about if none is asked for: the latest with a reading, else the latest of the plan
    /// that ended.
    pub fn latest_period(&self, group: &GroupCode) -> Option<Period> {
        let observed = self.seen.picture.observed_periods(self.entry, group).last().copied();
        observed.or_else(|| self.seen.latest_ended(self.entry.kpi.period_kind()))
    }

    /// It over time: every period from `from` to `to`, by default from its first reading to its last reading or target.
    /// `None` if that is more than [`MOST_POINTS`], or `from` comes after `to`.
    pub fn series(&self, group: &GroupCode, range: (Option<Period>, Option<Period>)) -> Option<Series> {
        let kind = self.entry.kpi.period_kind();
        let observed = self.seen.picture.observed_periods(self.entry, group);
        // A target far beyond the plan is no reason to draw a century.
        let targeted = self
            .entry
            .targets
            .keys()
            .filter(|period| period.start() <= self.seen.picture.plan().value.ends_on)
            .filter_map(
                |period| {
                    if period.kind() == kind { Some(*period) } else { Period::last_of_kind(kind, *period) }
                },
            );
        let from = range.0.or_else(|| observed.first().copied()).or_else(|| targeted.clone().min());
        let to = range.1.or_else(|| observed.iter().copied().chain(targeted).max());
        let to = if range.1.is_none() { to.max(from) } else { to };
        let count = from.zip(to).and_then(|(from, to)| from.distance_to(to)).map_or(0, |distance| distance + 1);
        let least = i32::from(from.is_some());
        if !(least..=MOST_POINTS).contains(&count) {
            return None;
        }
        let points = (0..count).filter_map(|step| self.seen.assess(self.entry, group, from?.step(step)?)).collect();
        Some(Series {
            plan: self.seen.picture.plan().value.code.clone(),
            kpi: self.entry.kpi.code.clone(),
            title: self.entry.kpi.title.clone(),
            group: group.clone(),
            as_of: self.seen.now,
            points,
        })
    }
}

/// The most periods a series may span: fifty years of months.
pub const MOST_POINTS: i32 = 600;

impl ReportFilter {
    /// Whether a KPI that is listed here is wanted.
    pub(crate) fn keeps(&self, assessment: &Assessment) -> bool {
        self.status.is_none_or(|status| assessment.status == status)
            && self.data_state.is_none_or(|state| assessment.data_state == state)
    }

    /// Whether the report leaves anything out, and so shows no empty priorities.
    fn narrows(&self) -> bool {
        self.outcome_area.is_some()
            || self.priority.is_some()
            || self.sub_group.is_some()
            || self.organisation.is_some()
            || self.status.is_some()
            || self.data_state.is_some()
    }
}
