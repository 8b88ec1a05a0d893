//! Dimensions and their groups: what each must find in the plan, and which sums a group has a part in.

use std::collections::BTreeMap;

use waymark_domain::dimension::Dimension;
use waymark_domain::ids::{DimensionCode, GroupCode};
use waymark_domain::invalid::Invalid;
use waymark_domain::kpi::Formula;
use waymark_store::kinds::DefinitionKind;

use crate::definitions::Defined;
use crate::definitions::references::refer;
use crate::picture::Picture;

/// Notes a group that no dimension of the plan has.
pub(crate) fn refer_group(invalid: &mut Invalid, pointer: &str, group: &GroupCode, picture: &Picture) {
    if !group.is_all() && !picture.groups().contains_key(group) {
        if group.as_str().eq_ignore_ascii_case(GroupCode::all().as_str()) {
            let detail =
                format!("no group of the plan's dimensions is called `{group}`; did you mean `all`, everyone?");
            return invalid.at(pointer, "unknown_code", detail);
        }
        refer(invalid, pointer, "group of the plan's dimensions", group, picture.groups());
    }
}

impl Defined for Dimension {
    const KIND: DefinitionKind = DefinitionKind::Dimension;
    const NOUN: &'static str = "dimension";
    const ACTIONS: [&'static str; 3] = ["dimension.created", "dimension.updated", "dimension.removed"];

    fn code(&self) -> &DimensionCode {
        &self.code
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
