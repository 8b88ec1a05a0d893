//! Exceptions: what the Board should look at, each with its explanation, its trend and what is being done. Which KPIs they
//! are, and in which order, is said by [`waymark_domain::exception`]; here the facts are gathered, from memory.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use waymark_domain::action::ActionState;
use waymark_domain::assess::{AssessedTarget, Assessment};
use waymark_domain::exception::{Facts, Rule, counts_as_restated, rules, worst_first};
use waymark_domain::ids::{AreaCode, GroupCode, KpiCode, PlanCode, PriorityCode, Seq, SubGroupCode};
use waymark_domain::kpi::{Formula, Kpi};
use waymark_domain::number::Figure;
use waymark_domain::period::Period;
use waymark_domain::policy::Status;

use crate::picture::{KpiPicture, Picture};
use crate::reports::actions::SeenAction;
use crate::reports::status_report::ReportFilter;
use crate::seen::Seen;

/// What the Board should look at in a period.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(
    description = "What the Board should look at in a period, worst first, with the rules by which it is chosen and put in order."
)]
pub struct Exceptions {
    /// The plan's code.
    pub plan: PlanCode,
    /// The period reported on. A KPI with another frequency brings what it brings to the status report.
    pub period: Period,
    /// Whether that period lies outside the plan's own years: nothing is owed of it, and no missing figure is overdue.
    #[schema(example = false)]
    pub outside_plan: bool,
    /// The moment that it is as known at.
    pub as_of: DateTime<Utc>,
    /// The plan's version that it is made from.
    #[schema(value_type = i64, minimum = 1, example = 1234)]
    pub version: Seq,
    /// The rules, worst first. Exceptions come in the order of the worst rule that applies to them, then of how many
    /// apply, then of how far they are off in multiples of the amber limit, then of their codes.
    pub rules: Vec<StatedRule>,
    /// How many exceptions each rule makes; one KPI can be counted under several.
    pub counts: RuleCounts,
    /// The exceptions, worst first.
    pub items: Vec<ExceptionItem>,
}

/// A rule as the answer states it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A rule by which a KPI is an exception.")]
pub struct StatedRule {
    /// The rule.
    pub code: Rule,
    /// What it says.
    #[schema(example = "The KPI is off track in the period reported on.")]
    pub words: &'static str,
}

/// How many KPIs each rule applies to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(description = "How many KPIs each rule applies to.")]
pub struct RuleCounts {
    /// Off track.
    #[schema(minimum = 0, example = 8)]
    pub off_track: u32,
    /// Off track without commentary.
    #[schema(minimum = 0, example = 1)]
    pub off_track_without_commentary: u32,
    /// Off track without an open action.
    #[schema(minimum = 0, example = 3)]
    pub off_track_without_action: u32,
    /// At risk and worsening.
    #[schema(minimum = 0, example = 2)]
    pub at_risk_and_worsening: u32,
    /// Forecast to miss.
    #[schema(minimum = 0, example = 4)]
    pub forecast_to_miss: u32,
    /// Without the figure that is due.
    #[schema(minimum = 0, example = 2)]
    pub overdue: u32,
    /// Restated.
    #[schema(minimum = 0, example = 1)]
    pub restated: u32,
    /// With an overdue action.
    #[schema(minimum = 0, example = 1)]
    pub action_overdue: u32,
}

impl RuleCounts {
    fn add(&mut self, rule: Rule) {
        let count = match rule {
            Rule::OffTrack => &mut self.off_track,
            Rule::OffTrackWithoutCommentary => &mut self.off_track_without_commentary,
            Rule::OffTrackWithoutAction => &mut self.off_track_without_action,
            Rule::AtRiskAndWorsening => &mut self.at_risk_and_worsening,
            Rule::ForecastToMiss => &mut self.forecast_to_miss,
            Rule::Overdue => &mut self.overdue,
            Rule::Restated => &mut self.restated,
            Rule::ActionOverdue => &mut self.action_overdue,
        };
        *count += 1;
    }
}

/// A KPI that the Board should look at, and what there is to know about it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A KPI that the Board should look at, why, and what there is to know about it.")]
pub struct ExceptionItem {
    /// The KPI's code.
    pub kpi: KpiCode,
    /// The KPI's title.
    #[schema(example = "16 to 18 year olds who are not in education, employment or training")]
    pub title: String,
    /// Its outcome area.
    #[schema(required = true, example = "economic-well-being")]
    pub outcome_area: Option<AreaCode>,
    /// Its priority.
    pub priority: PriorityCode,
    /// The sub-groups that are responsible for it.
    pub sub_groups: Vec<SubGroupCode>,
    /// The rules that apply to it, worst first.
    #[schema(min_items = 1)]
    pub rules: Vec<Rule>,
    /// How it is doing.
    pub assessment: Assessment,
    /// What was said with its figure.
    #[schema(required = true, value_type = Option<String>, example = "Two colleges reported late.")]
    pub commentary: Option<Arc<str>>,
    /// Its latest figures up to the period reported on, eight at most, in time order.
    #[schema(max_items = 8)]
    pub trend: Vec<TrendPoint>,
    /// The figure that was restated, if one was.
    #[schema(required = true)]
    pub restatement: Option<SeenRestatement>,
    /// What is being done: the open actions on it, and those closed in the last three months; none for readers who may not
    /// read them.
    pub actions: Vec<SeenAction>,
    /// Whether the reader may read actions on it.
    #[serde(skip)]
    pub actions_shown: bool,
}

/// One figure of a trend.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "One figure of a trend.")]
pub struct TrendPoint {
    /// The period.
    pub period: Period,
    /// The reported figure; `null` if there is none or it is withheld.
    #[schema(required = true, example = 4.5)]
    pub reported: Option<Figure>,
    /// The reported figure with its unit.
    #[schema(required = true, example = "4.5 %")]
    pub reported_text: Option<String>,
    /// What it was compared with.
    #[schema(required = true)]
    pub target: Option<AssessedTarget>,
    /// The KPI's status.
    pub status: Status,
}

/// A figure that was changed after its round had closed, and what that changed.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "A figure that was changed after its round had closed, and what that changed.")]
pub struct SeenRestatement {
    /// The period whose figure it was.
    pub period: Period,
    /// The exact figure before; `null` if there was none.
    #[schema(required = true, example = 5.9)]
    pub before: Option<Figure>,
    /// The exact figure after; `null` if there is none.
    #[schema(required = true, example = 6.4)]
    pub after: Option<Figure>,
    /// How the KPI was doing in that period by the figure before; `null` if a partner determines it.
    #[schema(required = true)]
    pub status_before: Option<Status>,
    /// How it is doing by the figure after; `null` if a partner determines it.
    #[schema(required = true)]
    pub status_after: Option<Status>,
    /// Why it was changed.
    #[schema(required = true, value_type = Option<String>, example = "Two colleges had counted leavers twice.")]
    pub reason: Option<Arc<str>>,
    /// When.
    pub at: DateTime<Utc>,
}

/// The most figures that a trend shows.
const TREND: usize = 8;

impl Seen {
    /// What the Board should look at in a period, as its reader sees it.
    pub fn exceptions(&self, period: Period, filter: &ReportFilter) -> Exceptions {
        let reported = self.picture.kpis().values().filter(|entry| self.is_reported(entry, filter));
        let mut items: Vec<_> = reported.filter_map(|entry| self.exception(entry, period, filter)).collect();
        items.sort_by(|one, other| worst_first((&one.rules, &one.assessment), (&other.rules, &other.assessment)));
        let mut counts = RuleCounts::default();
        items.iter().flat_map(|item| &item.rules).for_each(|rule| counts.add(*rule));
        Exceptions {
            plan: self.picture.plan().value.code.clone(),
            period,
            outside_plan: !self.picture.plan().value.covers(period),
            as_of: self.now,
            version: self.picture.version(),
            rules: Rule::ALL.map(|code| StatedRule { code, words: code.words() }).into(),
            counts,
            items,
        }
    }

    fn exception(&self, entry: &KpiPicture, period: Period, filter: &ReportFilter) -> Option<ExceptionItem> {
        let (kpi, group) = (&entry.kpi, GroupCode::all());
        let period = self.picture.reported_period(entry, &group, period)?;
        let assessment = self.assess(entry, &group, period).filter(|one| filter.keeps(one))?;
        let commentary = self.commentary(entry, period);
        let restatement = self.restatement(entry, period);
        let actions_shown = self.reads_actions(kpi);
        let mut actions = Vec::new();
        if actions_shown {
            let all = self.picture.actions().values().map(|kept| &kept.value).filter(|one| one.action.kpi == kpi.code);
            actions.extend(all.filter(|one| one.is_current(self.now)).map(|one| self.action(one)));
        }
        // That nothing was said or done is for the partnership to know.
        let member = self.by_a_member();
        let rules = rules(&Facts {
            forecast_status: assessment.forecast.status,
            restated: restatement.is_some(),
            commented: member.then_some(commentary.is_some()),
            acted_on: member.then(|| actions.iter().any(|one| one.action().state == ActionState::Open)),
            action_overdue: actions.iter().any(SeenAction::is_overdue),
            assessment: &assessment,
        });
        if rules.is_empty() {
            return None;
        }
        let area = self.picture.area_of(kpi);
        Some(ExceptionItem {
            kpi: kpi.code.clone(),
            title: kpi.title.clone(),
            outcome_area: area.cloned(),
            priority: kpi.priority.clone(),
            sub_groups: self
                .picture
                .sub_groups()
                .keys()
                .filter(|code| self.picture.answers_for(code, area))
                .cloned()
                .collect(),
            rules,
            assessment,
            commentary,
            trend: self.trend(entry, period),
            restatement,
            actions,
            actions_shown,
        })
    }

    /// What was said with a figure, for a reader who may see that. A gap is never posted: what is said of it is what was said
    /// of the group behind, or else of the group that it is compared with.
    pub(crate) fn commentary(&self, entry: &KpiPicture, period: Period) -> Option<Arc<str>> {
        let all = GroupCode::all();
        if self.withholds(entry, &all, period) {
            return None;
        }
        let posted =
            |entry: &KpiPicture, group: &GroupCode| self.picture.observed(entry, group, period)?.commentary.clone();
        match &entry.kpi.formula {
            Formula::Gap { of, group, comparator } => {
                let source = self.picture.kpis().get(of).filter(|source| self.sees(&source.kpi))?;
                posted(source, group).or_else(|| posted(source, comparator))
            }
            Formula::Direct {} | Formula::PartnerDetermined { .. } => posted(entry, &all),
        }
    }

    /// The latest figures up to a period; one that is withheld from the reader is a point without a figure.
    fn trend(&self, entry: &KpiPicture, period: Period) -> Vec<TrendPoint> {
        let group = GroupCode::all();
        let mut periods = self.picture.observed_periods(entry, &group);
        periods.retain(|one| one.end() <= period.end());
        let latest = periods.split_off(periods.len().saturating_sub(TREND));
        let assessed = latest.into_iter().filter_map(|one| self.assess(entry, &group, one));
        let points = assessed.map(|one| TrendPoint {
            period: one.period,
            reported: one.reported,
            reported_text: one.reported_text,
            target: one.target,
            status: one.status,
        });
        points.collect()
    }

    /// The restatement that makes a KPI an exception in a period, if one does: that of the figure reported on, or else
    /// the latest of the others. Two figures can disclose more than one: readers from whom the KPI's small numbers are
    /// withheld see none.
    fn restatement(&self, entry: &KpiPicture, reported: Period) -> Option<SeenRestatement> {
        let (kpi, group) = (&entry.kpi, GroupCode::all());
        let source = self.picture.source_of(kpi);
        let open = |kpi: &Kpi| self.sees_small_numbers(kpi);
        if !open(kpi) || !source.is_none_or(open) {
            return None;
        }
        // A longer period is reported on by its parts.
        let parts: Vec<_> = Picture::parts_of(entry, &group, reported).unwrap_or_default();
        let parts: Vec<Period> = parts.into_iter().map(|(part, _)| part).collect();
        let last = parts.last().copied().unwrap_or(reported);
        let restated = |period: Period| {
            let reading = self.picture.observed(entry, &group, period)?;
            let restatement = reading.restatement.clone()?;
            let counts = parts.contains(&period) || counts_as_restated(period, last, kpi.calendar, restatement.at);
            counts.then_some((period, reading, restatement))
        };
        let latest = |periods: Vec<Period>| {
            periods.into_iter().filter_map(restated).max_by_key(|(_, _, restatement)| restatement.at)
        };
        let itself = if parts.is_empty() { vec![reported] } else { parts.clone() };
        let (period, reading, told) =
            latest(itself).or_else(|| latest(self.picture.observed_periods(entry, &group)))?;
        // The status that a partner gave with the figure before is not stored.
        let graded = !matches!(kpi.formula, Formula::PartnerDetermined { .. });
        let status = |value: Option<Figure>| {
            let reading = reading.with_value(value);
            let one = self.assess_with(entry, &group, period, Some(&reading))?;
            graded.then_some(one.status)
        };
        Some(SeenRestatement {
            period,
            before: told.before,
            after: told.after,
            status_before: status(told.before),
            status_after: status(told.after),
            reason: told.reason.clone(),
            at: told.at,
        })
    }
}
