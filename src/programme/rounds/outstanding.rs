//! Who owes what, and by when: over all rounds, with how far it has come in.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

use waymark_domain::assess::DataState;
use waymark_domain::ids::{GroupCode, KpiCode, OrganisationCode, PlanCode, SubGroupCode};
use waymark_domain::period::Period;
use waymark_domain::plan::SubGroup;
use waymark_domain::round::{Progress, progress};

use crate::seen::Seen;

/// One figure that someone still owes.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "One figure that is still owed.")]
pub struct OutstandingItem {
    /// The round in which it is owed; `null` if no round gathers it: the KPI's own lag then determines when it is due.
    #[schema(required = true)]
    pub round: Option<Period>,
    /// The sub-groups that are responsible for it.
    #[schema(example = json!(["be-healthy"]))]
    pub sub_groups: Vec<SubGroupCode>,
    /// The organisation that owes it: the KPI's lead, or else the sub-group's; `null` if there is neither.
    #[schema(required = true, example = "connexions")]
    pub organisation: Option<OrganisationCode>,
    /// The KPI's code.
    pub kpi: KpiCode,
    /// The KPI's title.
    #[schema(example = "16 to 18 year olds who are not in education, employment or training")]
    pub title: String,
    /// The period.
    pub period: Period,
    /// The group.
    pub group: GroupCode,
    /// By when.
    pub due_at: DateTime<Utc>,
    /// `awaited`, or `overdue`.
    pub data_state: DataState,
}

/// How far what someone owes has come in.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "How far what a sub-group or an organisation owes has come in.")]
pub struct OwedBy {
    /// The code of the sub-group or organisation.
    #[schema(example = "be-healthy")]
    pub code: String,
    /// Its title.
    #[schema(example = "Be Healthy sub-group")]
    pub title: String,
    /// How far it has come in.
    #[serde(flatten)]
    pub progress: Progress,
}

/// Who owes what, and by when.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(
    description = "The figures owed in the rounds that have opened, and those that no round gathers, by whom and by when, with completeness and timeliness. Each figure counts once, however many sub-groups are responsible for it."
)]
pub struct Outstanding {
    /// The plan's code.
    pub plan: PlanCode,
    /// The moment that it is as known at.
    pub as_of: DateTime<Utc>,
    /// The rounds looked at.
    pub rounds: Vec<Period>,
    /// How far everything owed has come in.
    pub progress: Progress,
    /// The same by sub-group.
    pub by_sub_group: Vec<OwedBy>,
    /// The same by organisation.
    pub by_organisation: Vec<OwedBy>,
    /// What is still owed, longest overdue first.
    pub items: Vec<OutstandingItem>,
}

/// Whose outstanding figures are wanted; `None` asks for all.
#[derive(Clone, Debug, Default)]
pub struct OutstandingFilter {
    /// Those of one round; otherwise of every round that has opened, and those that no round gathers.
    pub round: Option<Period>,
    /// Those of a sub-group.
    pub sub_group: Option<SubGroupCode>,
    /// Those of an organisation.
    pub organisation: Option<OrganisationCode>,
}

impl Seen {
    /// Who owes what in the rounds that have opened, and of what no round gathers, and by when.
    pub fn outstanding(&self, filter: &OutstandingFilter) -> Outstanding {
        let mut items = Vec::new();
        let mut all = Vec::new();
        let mut by_sub_group: BTreeMap<&SubGroupCode, Vec<_>> = BTreeMap::new();
        let mut by_organisation: BTreeMap<&OrganisationCode, Vec<_>> = BTreeMap::new();
        for (round, owed) in self.owed_everywhere(filter.round) {
            let kpi = &owed.entry.kpi;
            let sub_groups: Vec<&SubGroup> = self.picture.sub_groups_of(kpi).collect();
            let asked = |code: &SubGroupCode| filter.sub_group.as_ref().is_none_or(|wanted| wanted == code);
            if filter.sub_group.is_some() && !sub_groups.iter().any(|group| asked(&group.code)) {
                continue;
            }
            let organisations: BTreeSet<&OrganisationCode> = match &kpi.lead_organisation {
                Some(lead) => BTreeSet::from([lead]),
                None => sub_groups.iter().map(|group| &group.lead_organisation).collect(),
            };
            let asked_of = |code: &OrganisationCode| filter.organisation.as_ref().is_none_or(|wanted| wanted == code);
            let organisation = organisations.iter().copied().find(|code| asked_of(code));
            if filter.organisation.is_some() && organisation.is_none() {
                continue;
            }
            let come_in = self.picture.come_in(&owed);
            all.push(come_in);
            for group in sub_groups.iter().filter(|group| asked(&group.code)) {
                by_sub_group.entry(&group.code).or_default().push(come_in);
            }
            for code in organisations.iter().copied().filter(|code| asked_of(code)) {
                by_organisation.entry(code).or_default().push(come_in);
            }
            if come_in.0.is_none() {
                items.push(OutstandingItem {
                    round,
                    sub_groups: sub_groups.iter().map(|group| group.code.clone()).collect(),
                    organisation: organisation.cloned(),
                    kpi: kpi.code.clone(),
                    title: kpi.title.clone(),
                    period: owed.period,
                    group: owed.group.clone(),
                    due_at: come_in.1,
                    data_state: if self.now > come_in.1 { DataState::Overdue } else { DataState::Awaited },
                });
            }
        }
        items.sort_by(|a, b| {
            (a.due_at, &a.sub_groups, &a.kpi, a.period).cmp(&(b.due_at, &b.sub_groups, &b.kpi, b.period))
        });
        let owed_by = |code: &str, title: Option<&String>, come_in: Vec<_>| OwedBy {
            code: code.to_owned(),
            title: title.map_or(code, String::as_str).to_owned(),
            progress: progress(come_in, self.now),
        };
        let sub_group = |(code, come_in): (&SubGroupCode, _)| {
            owed_by(code.as_str(), self.picture.sub_groups().get(code).map(|group| &group.value.title), come_in)
        };
        let organisation = |(code, come_in): (&OrganisationCode, _)| {
            owed_by(code.as_str(), self.picture.organisations().get(code).map(|one| &one.value.title), come_in)
        };
        Outstanding {
            plan: self.picture.plan().value.code.clone(),
            as_of: self.now,
            rounds: self.rounds_asked(filter.round).map(|round| round.period.0).collect(),
            progress: progress(all, self.now),
            by_sub_group: by_sub_group.into_iter().map(sub_group).collect(),
            by_organisation: by_organisation.into_iter().map(organisation).collect(),
            items,
        }
    }
}
