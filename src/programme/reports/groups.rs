//! Groups (docs/rules.md section 9): which a plan knows, who uses them, whether those of a dimension that covers the
//! population sum to all, and how the KPIs are doing group by group.

use serde::Serialize;

use waymark_domain::assess::Assessment;
use waymark_domain::dimension::Dimension;
use waymark_domain::ids::GroupCode;
use waymark_domain::period::Period;
use waymark_domain::rollup::{Counts, Headline, roll_up};

use crate::picture::KpiPicture;
use crate::seen::Seen;

/// How a group is doing.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "How the KPIs that have readings for one of a dimension's groups are doing for it.")]
pub struct GroupReport {
    /// The group's code.
    #[schema(example = "fsm")]
    pub group: GroupCode,
    /// Its title.
    #[schema(example = "Pupils eligible for free school meals")]
    pub title: String,
    /// The group in a word.
    pub headline: Headline,
    /// The group in numbers.
    pub counts: Counts,
    /// Its KPIs in the order of the report: those that have a reading for any group of the dimension.
    pub kpis: Vec<Assessment>,
}

impl Seen {
    /// How the KPIs are doing for each group of a dimension. `listed` are those of the report, in its order; `shown`
    /// says which of their assessments it shows.
    pub(crate) fn by_group<'a>(
        &self,
        dimension: &Dimension,
        period: Period,
        listed: impl Iterator<Item = &'a KpiPicture>,
        shown: impl Fn(&Assessment) -> bool,
    ) -> Vec<GroupReport> {
        let listed: Vec<_> = listed
            .filter(|entry| dimension.groups.iter().any(|group| entry.readings.contains_key(&group.code)))
            .collect();
        let report = |group: &waymark_domain::dimension::Group| {
            let assessed = listed.iter().filter_map(|entry| {
                let period = self.picture.reported_period(entry, &group.code, period)?;
                self.assess(entry, &group.code, period)
            });
            let kpis: Vec<_> = assessed.filter(|assessment| shown(assessment)).collect();
            let (headline, counts) = roll_up(&kpis, self.picture.plan().value.headline);
            GroupReport { group: group.code.clone(), title: group.title.clone(), headline, counts, kpis }
        };
        dimension.groups.iter().map(report).collect()
    }
}
