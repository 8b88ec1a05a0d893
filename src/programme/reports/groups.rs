//! Groups (docs/rules.md section 9): which a plan knows, who uses them, whether those of a dimension that covers the population
//! sum to all, and where the KPIs stand group by group.

use serde::Serialize;
use std::collections::BTreeMap;

use crate::domain::assess::Assessment;
use crate::domain::dimension::{Counted, Dimension, unequal_sums};
use crate::domain::ids::{DimensionCode, GroupCode};
use crate::domain::invalid::Invalid;
use crate::domain::kpi::Formula;
use crate::domain::period::Period;
use crate::domain::rollup::{Counts, Headline, roll_up};
use crate::store::definitions::DefinitionKind;

use crate::programme::definitions::{Defined, refer};
use crate::programme::picture::{Kept, KpiPicture, Picture};
use crate::programme::seen::Seen;

/// Where a group stands.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "Where the KPIs that have readings for one of a dimension's groups stand for it.")]
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

/// Notes a group that no dimension of the plan has.
pub(in crate::programme) fn refer_group(invalid: &mut Invalid, pointer: &str, group: &GroupCode, picture: &Picture) {
    if !group.is_all() && !picture.groups().contains_key(group) {
        if group.as_str().eq_ignore_ascii_case(GroupCode::all().as_str()) {
            let detail = format!("no group of the plan's dimensions goes by `{group}`; did you mean `all`, everyone?");
            return invalid.at(pointer, "unknown_code", detail);
        }
        refer(invalid, pointer, "group of the plan's dimensions", group, picture.groups());
    }
}

impl Defined for Dimension {
    type Code = DimensionCode;
    const KIND: DefinitionKind = DefinitionKind::Dimension;
    const NOUN: &'static str = "dimension";
    const ACTIONS: [&'static str; 3] = ["dimension.created", "dimension.updated", "dimension.removed"];

    fn code(&self) -> &DimensionCode {
        &self.code
    }

    fn all(picture: &Picture) -> &BTreeMap<DimensionCode, Kept<Self>> {
        picture.dimensions()
    }

    fn check_in(&self, picture: &Picture) -> Invalid {
        let mut invalid = self.check();
        let others = || picture.dimensions().values().map(|other| &other.value).filter(|other| other.code != self.code);
        for (place, group) in self.groups.iter().enumerate() {
            if let Some(other) = others().find(|other| other.has(&group.code)) {
                let detail = format!("`{}` is a group of the dimension `{}` already", group.code, other.code);
                invalid.at(format!("/groups/{place}/code"), "named_twice", detail);
            }
            if let Some(whole) = &group.within {
                let groups = others().chain([self]).flat_map(|dimension| &dimension.groups);
                let known: BTreeMap<&GroupCode, ()> = groups.map(|group| (&group.code, ())).collect();
                let pointer = format!("/groups/{place}/within");
                refer(&mut invalid, pointer, "group of the plan's dimensions", whole, &known);
            }
        }
        invalid
    }

    fn check_change(&self, before: &Self, picture: &Picture) -> Invalid {
        let mut invalid = Invalid::new();
        for group in before.groups.iter().map(|group| &group.code).filter(|group| !self.has(group)) {
            if let Some(user) = user_of(picture, group, &self.code) {
                invalid.at("/groups", "still_used", format!("the group `{group}` must stay: it is used by {user}"));
            }
        }
        invalid
    }

    fn used_by(picture: &Picture, code: &DimensionCode) -> Option<String> {
        let groups = &picture.dimensions().get(code)?.value.groups;
        groups.iter().find_map(|group| user_of(picture, &group.code, code))
    }
}

/// What uses a group of a dimension, in words.
fn user_of(picture: &Picture, wanted: &GroupCode, own: &DimensionCode) -> Option<String> {
    let others = picture.dimensions().values().map(|kept| &kept.value).filter(|other| other.code != *own);
    let inside = others.flat_map(|dimension| &dimension.groups).find(|group| group.within.as_ref() == Some(wanted));
    if let Some(inside) = inside {
        return Some(format!("the group `{}`, which lies within it", inside.code));
    }
    picture.kpis().values().find_map(|entry| match &entry.kpi.formula {
        Formula::Gap { group, comparator, .. } if group == wanted || comparator == wanted => {
            Some(format!("the gap `{}`", entry.kpi.code))
        }
        _ if entry.readings.contains_key(wanted) => Some(format!("the readings of the KPI `{}`", entry.kpi.code)),
        _ => None,
    })
}

/// Whether a group is one of those that sum to all.
fn has_part(dimension: &Dimension, group: &GroupCode) -> bool {
    dimension.parts_of_all().any(|part| part.code == *group)
}

impl Seen {
    /// Where the KPIs stand for each group of a dimension. `listed` are those of the report, in its order; `shown` says
    /// which of their assessments it shows.
    pub(in crate::programme) fn by_group<'a>(
        &self,
        dimension: &Dimension,
        period: Period,
        listed: impl Iterator<Item = &'a KpiPicture>,
        shown: impl Fn(&Assessment) -> bool,
    ) -> Vec<GroupReport> {
        let listed: Vec<_> = listed
            .filter(|entry| dimension.groups.iter().any(|group| entry.readings.contains_key(&group.code)))
            .collect();
        let report = |group: &crate::domain::dimension::Group| {
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

impl Picture {
    /// The dimensions that cover the population and whose sums a figure of this group has a part in.
    pub(in crate::programme) fn sums_with<'a>(&'a self, group: &GroupCode) -> impl Iterator<Item = &'a Dimension> {
        let dimensions = self.dimensions().values().map(|dimension| &dimension.value);
        dimensions.filter(move |dimension| dimension.complete && (group.is_all() || has_part(dimension, group)))
    }

    /// What can be added up of the figure of a KPI, group and period; `None` where none is posted.
    pub(in crate::programme) fn counted(entry: &KpiPicture, group: &GroupCode, period: Period) -> Option<Counted> {
        let reading = &entry.posted(group, period)?.value;
        Some(Counted::of(&entry.kpi, reading.value, reading.numerator, reading.denominator))
    }
}

/// Where the figures of one KPI and period do not sum over a dimension: which part of them, and that in words.
pub(in crate::programme) fn does_not_sum(
    dimension: &Dimension,
    counted: impl Fn(&GroupCode) -> Option<Counted>,
) -> Vec<(&'static str, String)> {
    let groups: Option<Vec<_>> = dimension.parts_of_all().map(|group| counted(&group.code)).collect();
    let unequal = groups.zip(counted(&GroupCode::all())).map(|(groups, all)| unequal_sums(all, &groups));
    unequal.into_iter().flatten().map(|unequal| (unequal.part, dimension.told(&unequal))).collect()
}
