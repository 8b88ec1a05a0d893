//! The back-test of a policy: what past periods' statuses would have been under a changed one. Nothing is stored.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use waymark_domain::assess::Assessment;
use waymark_domain::document::Document;
use waymark_domain::ids::{KpiCode, PlanCode, PolicyCode};
use waymark_domain::period::{Period, PeriodKind};
use waymark_domain::policy::{Policy, Status};
use waymark_domain::rollup::{Counts, Headline};

use crate::definitions::{Defined, patched};
use crate::reports::status_report::{ReportFilter, StatusReport};
use crate::seen::Seen;
use crate::{Principal, Programme, Refusal};

/// What past periods would have been under a changed policy.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(
    description = "What past periods' statuses would have been under a changed policy. Every KPI that the policy grades is assessed by the changed one, all others as they are."
)]
pub struct PolicyTrial {
    /// The plan's code.
    pub plan: PlanCode,
    /// The policy as it would be.
    pub policy: Policy,
    /// The moment whose figures, targets and definitions are assessed: now.
    pub as_of: DateTime<Utc>,
    /// The periods in time order.
    pub periods: Vec<TriedPeriod>,
}

/// One period under both policies.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "How the plan is doing in a period, and how it would be doing.")]
pub struct TriedPeriod {
    /// The period reported on. A KPI with another frequency brings its latest period that ended by its last day.
    pub period: Period,
    /// The plan as it is.
    pub before: TriedTotals,
    /// The plan as it would be.
    pub after: TriedTotals,
    /// The KPIs whose status or band would change, in the order of the report.
    pub changed: Vec<TriedKpi>,
}

/// A whole plan in a period.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A whole plan in a period, in a word and in numbers.")]
pub struct TriedTotals {
    /// The plan in a word.
    pub headline: Headline,
    /// The plan in numbers.
    pub counts: Counts,
}

/// A KPI whose status would change.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A KPI whose status or band would change.")]
pub struct TriedKpi {
    /// The KPI's code.
    pub kpi: KpiCode,
    /// Its title.
    #[schema(example = "16 to 18 year olds who are not in education, employment or training")]
    pub title: String,
    /// The period of its figure.
    pub period: Period,
    /// Its status.
    pub before: TriedStatus,
    /// What its status would be.
    pub after: TriedStatus,
    /// Why it would be that, in plain English.
    #[schema(example = "4.5 % against a target of 5.0 %, where lower is better: 0.5 points better.")]
    pub explanation: String,
}

/// A status with its band.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(description = "A status with its band.")]
pub struct TriedStatus {
    /// The status.
    pub status: Status,
    /// The band's code; `null` if no status is given.
    #[schema(required = true, example = "amber")]
    pub band: Option<String>,
}

impl From<&Assessment> for TriedStatus {
    fn from(assessment: &Assessment) -> Self {
        Self { status: assessment.status, band: assessment.band.clone() }
    }
}

impl Programme {
    /// Tries a merge patch of a policy on one period, or on every financial quarter of the plan that has ended. For members
    /// of the partnership.
    ///
    /// # Errors
    /// As for changing the policy, but that no state of it need be named.
    pub async fn try_policy(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        code: &PolicyCode,
        patch: Map<String, Value>,
        period: Option<Period>,
    ) -> Result<PolicyTrial, Refusal> {
        let plan = self.open(plan, caller).await?;
        let seen = self.seen(&plan, self.clock.now()).await?;
        let kept = seen.picture.policies().get(code).ok_or(Refusal::NotFound)?;
        if !seen.by_a_member() {
            return Err(Refusal::NotAllowed("only members of the partnership try policies".to_owned()));
        }
        let policy: Policy = patched(&kept.value.members(), patch, Policy::CODE)?;
        policy.check_in(&seen.picture).or(())?;
        let changed = seen.of(seen.picture.with_policy(policy.clone()));
        let periods = period.map_or_else(|| seen.ended_quarters(), |period| vec![period]);
        let tried = periods.into_iter().map(|period| {
            let report = |seen: &Seen| seen.status_report(period, &ReportFilter::default());
            tried(&report(&seen), &report(&changed))
        });
        Ok(PolicyTrial { plan: plan.code.clone(), as_of: seen.now, periods: tried.collect(), policy })
    }
}

impl Seen {
    /// The financial quarters of the plan that have ended, in time order.
    fn ended_quarters(&self) -> Vec<Period> {
        let plan = &self.picture.plan().value;
        let first = Period::holding(PeriodKind::FinancialQuarter, plan.starts_on);
        let last = self.latest_quarter();
        std::iter::successors(first, |quarter| quarter.step(1)).take_while(|quarter| Some(*quarter) <= last).collect()
    }
}

/// Two reports of one period, as what became of it.
fn tried(before: &StatusReport, after: &StatusReport) -> TriedPeriod {
    // The reports differ in the policy alone, so that each KPI stands in the same place in both.
    let changed = before.assessments().zip(after.assessments()).filter_map(|(before, after)| {
        let (was, would_be) = (TriedStatus::from(before), TriedStatus::from(after));
        (was != would_be).then(|| TriedKpi {
            kpi: after.kpi.clone(),
            title: after.title.clone(),
            period: after.period,
            before: was,
            after: would_be,
            explanation: after.explanation.clone(),
        })
    });
    let totals =
        |report: &StatusReport| TriedTotals { headline: report.headline.clone(), counts: report.counts.clone() };
    TriedPeriod { period: after.period, before: totals(before), after: totals(after), changed: changed.collect() }
}
