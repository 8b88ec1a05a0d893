//! The definitions that make up the structure of a plan: organisations, sub-groups, outcome areas, priorities, policies and
//! comparator groups; what each must find in the plan, and what hinders its removal.

use std::fmt::Display;

use waymark_domain::access::Granted;
use waymark_domain::action::ActionState;
use waymark_domain::benchmark::ComparatorGroup;
use waymark_domain::ids::{AreaCode, ComparatorCode, OrganisationCode, PolicyCode, PriorityCode, SubGroupCode};
use waymark_domain::invalid::Invalid;
use waymark_domain::kpi::{Formula, Kpi};
use waymark_domain::plan::{Organisation, OutcomeArea, Priority, SubGroup};
use waymark_domain::policy::Policy;
use waymark_store::kinds::DefinitionKind;

use crate::definitions::Defined;
use crate::definitions::references::refer;
use crate::picture::Picture;

fn first_in<'a, T: Display + 'a>(mut users: impl Iterator<Item = (&'static str, &'a T)>) -> Option<String> {
    users.next().map(|(noun, code)| format!("the {noun} `{code}`"))
}

impl Defined for Organisation {
    const KIND: DefinitionKind = DefinitionKind::Organisation;
    const NOUN: &'static str = "organisation";
    const ACTIONS: [&'static str; 3] = ["organisation.created", "organisation.updated", "organisation.removed"];

    fn code(&self) -> &OrganisationCode {
        &self.code
    }

    fn check_in(&self, _picture: &Picture) -> Invalid {
        self.check()
    }

    fn used_by(picture: &Picture, code: &OrganisationCode) -> Option<String> {
        let leads = picture.sub_groups().values().map(|group| &group.value);
        let groups = leads.filter(|group| &group.lead_organisation == code).map(|group| ("sub-group", &group.code));
        let determines = |kpi: &Kpi| matches!(&kpi.formula, Formula::PartnerDetermined { by } if by == code);
        let kpis = picture.kpis().values().map(|entry| &entry.kpi);
        let kpis = kpis.filter(|kpi| kpi.involves(code) || determines(kpi));
        let actions = picture.actions().values().map(|action| &action.value);
        let owned =
            actions.filter(|one| one.action.state == ActionState::Open && &one.action.owner.organisation == code);
        let reports = picture.board_reports().values().map(|report| &report.value);
        let reports = reports.filter(|report| report.organisation.as_ref() == Some(code));
        first_in(groups)
            .or_else(|| first_in(kpis.map(|kpi| ("KPI", &kpi.code))))
            .or_else(|| first_in(reports.map(|report| ("board report", &report.id))))
            .or_else(|| first_in(owned.map(|one| ("open action", &one.id))))
    }

    fn named_in(granted: &Granted, code: &OrganisationCode) -> bool {
        granted.organisation.as_ref() == Some(code)
    }
}

impl Defined for SubGroup {
    const KIND: DefinitionKind = DefinitionKind::SubGroup;
    const NOUN: &'static str = "sub-group";
    const ACTIONS: [&'static str; 3] = ["sub_group.created", "sub_group.updated", "sub_group.removed"];

    fn code(&self) -> &SubGroupCode {
        &self.code
    }

    fn check_in(&self, picture: &Picture) -> Invalid {
        let mut invalid = self.check();
        refer(&mut invalid, "/lead_organisation", "organisation", &self.lead_organisation, picture.organisations());
        for (place, area) in self.outcome_areas.iter().enumerate() {
            refer(&mut invalid, format!("/outcome_areas/{place}"), "outcome area", area, picture.areas());
        }
        invalid
    }

    fn used_by(picture: &Picture, code: &SubGroupCode) -> Option<String> {
        picture.returns().keys().find(|key| key.sub_group == *code).map(|key| format!("the return `{key}`"))
    }
}

impl Defined for OutcomeArea {
    const KIND: DefinitionKind = DefinitionKind::OutcomeArea;
    const NOUN: &'static str = "outcome area";
    const ACTIONS: [&'static str; 3] = ["outcome_area.created", "outcome_area.updated", "outcome_area.removed"];

    fn code(&self) -> &AreaCode {
        &self.code
    }

    fn check_in(&self, _picture: &Picture) -> Invalid {
        self.check()
    }

    fn used_by(picture: &Picture, code: &AreaCode) -> Option<String> {
        let priorities = picture.priorities().values().map(|priority| &priority.value);
        let priorities = priorities.filter(|priority| &priority.outcome_area == code);
        let groups = picture.sub_groups().values().map(|group| &group.value);
        let groups = groups.filter(|group| group.outcome_areas.contains(code));
        first_in(priorities.map(|priority| ("priority", &priority.code)))
            .or_else(|| first_in(groups.map(|group| ("sub-group", &group.code))))
    }

    fn named_in(granted: &Granted, code: &AreaCode) -> bool {
        granted.outcome_areas.contains(code)
    }
}

impl Defined for Priority {
    const KIND: DefinitionKind = DefinitionKind::Priority;
    const NOUN: &'static str = "priority";
    const ACTIONS: [&'static str; 3] = ["priority.created", "priority.updated", "priority.removed"];

    fn code(&self) -> &PriorityCode {
        &self.code
    }

    fn check_in(&self, picture: &Picture) -> Invalid {
        let mut invalid = self.check();
        refer(&mut invalid, "/outcome_area", "outcome area", &self.outcome_area, picture.areas());
        invalid
    }

    fn used_by(picture: &Picture, code: &PriorityCode) -> Option<String> {
        let kpis = picture.kpis().values().map(|entry| &entry.kpi).filter(|kpi| &kpi.priority == code);
        first_in(kpis.map(|kpi| ("KPI", &kpi.code)))
    }
}

impl Defined for Policy {
    const KIND: DefinitionKind = DefinitionKind::Policy;
    const NOUN: &'static str = "policy";
    const ACTIONS: [&'static str; 3] = ["policy.created", "policy.updated", "policy.removed"];

    fn code(&self) -> &PolicyCode {
        &self.code
    }

    fn check_in(&self, _picture: &Picture) -> Invalid {
        self.check()
    }

    fn used_by(picture: &Picture, code: &PolicyCode) -> Option<String> {
        if &picture.plan().value.policy == code {
            return Some("the plan itself".to_owned());
        }
        let kpis = picture.kpis().values().map(|entry| &entry.kpi);
        first_in(kpis.filter(|kpi| kpi.policy.as_ref() == Some(code)).map(|kpi| ("KPI", &kpi.code)))
    }
}

impl Defined for ComparatorGroup {
    const KIND: DefinitionKind = DefinitionKind::ComparatorGroup;
    const NOUN: &'static str = "comparator group";
    const ACTIONS: [&'static str; 3] =
        ["comparator_group.created", "comparator_group.updated", "comparator_group.removed"];

    fn code(&self) -> &ComparatorCode {
        &self.code
    }

    fn check_in(&self, _picture: &Picture) -> Invalid {
        self.check()
    }

    fn used_by(_picture: &Picture, _code: &ComparatorCode) -> Option<String> {
        None
    }
}
