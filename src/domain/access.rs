//! Who may do what (docs/rules.md section 12). A caller's [`Access`] to one plan is worked out once from the grants in the
//! database, and every use case asks it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ids::{AreaCode, KpiCode, OrganisationCode};
use super::kpi::{Kpi, Publication};
use crate::names;

names! {
    /// What a grant lets its subject be.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
    #[schema(description = "What a grant lets its subject be.")]
    pub enum Role, else "is not a role; the roles are" {
        /// Everything, grants included.
        Administrator = "administrator",
        /// Definitions, targets, rounds and policies.
        ProgrammeManager = "programme_manager",
        /// Figures of some outcome areas.
        SubGroupLead = "sub_group_lead",
        /// Figures of some KPIs, or of an organisation's.
        Contributor = "contributor",
        /// Reads everything.
        Board = "board",
        /// Reads what is published to partners, and all of its own organisation's.
        Partner = "partner",
        /// Reads what is published to everyone.
        Public = "public",
    }
}

/// One grant as it bears on a plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Granted {
    /// The role.
    pub role: Role,
    /// The outcome areas a sub-group lead is responsible for.
    pub outcome_areas: Vec<AreaCode>,
    /// The organisation a contributor or partner belongs to.
    pub organisation: Option<OrganisationCode>,
    /// The KPIs a contributor reports.
    pub kpis: Vec<KpiCode>,
}

impl Granted {
    /// What somebody with this role is to those outside the partnership whom they show something: a partner of no
    /// organisation, or still everyone.
    pub fn outside(role: Role) -> Self {
        let role = if role == Role::Public { Role::Public } else { Role::Partner };
        Self { role, outcome_areas: Vec::new(), organisation: None, kpis: Vec::new() }
    }
}

/// How much of a plan's figures a caller sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// What is published to everyone, small numbers withheld.
    Public,
    /// What is published to partners, small numbers withheld.
    Partner,
    /// Everything.
    Member,
}

/// What one caller may do in one plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    granted: Vec<Granted>,
    nameless: bool,
}

impl Access {
    /// The access that these grants give; none of them gives the public's, for a plan that is public.
    pub fn new(granted: Vec<Granted>) -> Self {
        Self { granted, nameless: false }
    }

    /// The same without the names of those who did it.
    #[must_use]
    pub fn nameless(&self) -> Self {
        Self { nameless: true, ..self.clone() }
    }

    /// Whether the caller sees who did what: a member of the partnership.
    pub fn knows_names(&self) -> bool {
        self.audience() == Audience::Member && !self.nameless
    }

    fn has(&self, roles: &[Role]) -> bool {
        self.granted.iter().any(|grant| roles.contains(&grant.role))
    }

    /// The access of those whom this caller shows something.
    #[must_use]
    pub fn outside(&self) -> Self {
        Self::new(self.granted.iter().map(|granted| Granted::outside(granted.role)).collect())
    }

    /// Whether the caller was granted anything.
    pub fn is_granted(&self) -> bool {
        !self.granted.is_empty()
    }

    /// Grants, and everything else.
    pub fn administers(&self) -> bool {
        self.has(&[Role::Administrator])
    }

    /// Definitions, targets and policies.
    pub fn manages(&self) -> bool {
        self.has(&[Role::Administrator, Role::ProgrammeManager])
    }

    /// How much of the plan's figures the caller sees.
    pub fn audience(&self) -> Audience {
        if self.has(&[Role::Administrator, Role::ProgrammeManager, Role::SubGroupLead, Role::Contributor, Role::Board])
        {
            Audience::Member
        } else if self.has(&[Role::Partner]) {
            Audience::Partner
        } else {
            Audience::Public
        }
    }

    /// Whether the caller's own organisation leads or contributes to the KPI.
    fn owns(&self, kpi: &Kpi) -> bool {
        let own = |organisation| kpi.involves(organisation);
        self.granted.iter().any(|grant| grant.role == Role::Partner && grant.organisation.as_ref().is_some_and(own))
    }

    /// Whether the KPI exists for this caller.
    pub fn sees(&self, kpi: &Kpi) -> bool {
        match self.audience() {
            Audience::Member => true,
            Audience::Partner => kpi.publication >= Publication::Partners || self.owns(kpi),
            Audience::Public => kpi.publication >= Publication::Public,
        }
    }

    /// Whether the KPI's small numbers are shown to this caller.
    pub fn sees_small_numbers(&self, kpi: &Kpi) -> bool {
        self.audience() == Audience::Member || !kpi.sensitive || self.owns(kpi)
    }

    /// Whether the caller may report figures of a KPI, which belongs to `area`.
    pub fn reports(&self, kpi: &Kpi, area: Option<&AreaCode>) -> bool {
        self.granted.iter().any(|grant| match grant.role {
            Role::Administrator | Role::ProgrammeManager => true,
            Role::SubGroupLead => area.is_some_and(|area| grant.outcome_areas.contains(area)),
            Role::Contributor => {
                let own = |organisation| kpi.involves(organisation);
                grant.kpis.contains(&kpi.code) || grant.organisation.as_ref().is_some_and(own)
            }
            Role::Board | Role::Partner | Role::Public => false,
        })
    }

    /// Whether the caller may submit and sign off for a sub-group that is responsible for these outcome areas.
    pub fn answers_for(&self, areas: &[AreaCode]) -> bool {
        self.granted.iter().any(|grant| match grant.role {
            Role::Administrator | Role::ProgrammeManager => true,
            Role::SubGroupLead => areas.iter().all(|area| grant.outcome_areas.contains(area)),
            Role::Contributor | Role::Board | Role::Partner | Role::Public => false,
        })
    }

    /// Whether the caller may read what is being done about a KPI: members may, and partners if their own organisation
    /// leads or contributes to it.
    pub fn reads_actions(&self, kpi: &Kpi) -> bool {
        self.audience() == Audience::Member || self.owns(kpi)
    }

    /// Whether the caller may say something about a KPI, which belongs to `area`: who reports it may, and the Board.
    pub fn comments(&self, kpi: &Kpi, area: Option<&AreaCode>) -> bool {
        self.reports(kpi, area) || self.has(&[Role::Board])
    }

    /// Whether the caller may freeze board reports.
    pub fn freezes_board_reports(&self) -> bool {
        self.has(&[Role::Administrator, Role::ProgrammeManager, Role::Board])
    }

    /// Whether the caller is a partner from this organisation.
    pub fn is_partner_of(&self, organisation: &OrganisationCode) -> bool {
        self.granted
            .iter()
            .any(|grant| grant.role == Role::Partner && grant.organisation.as_ref() == Some(organisation))
    }

    /// Whether the caller may report any figure at all.
    pub fn reports_something(&self) -> bool {
        self.has(&[Role::Administrator, Role::ProgrammeManager, Role::SubGroupLead, Role::Contributor])
    }

    /// Everything that was granted, as a text that distinguishes one access from another.
    pub fn told(&self) -> String {
        let mut all: Vec<String> = self.granted.iter().map(|granted| format!("{granted:?}")).collect();
        all.sort_unstable();
        all.join(";")
    }

    /// What distinguishes this caller's view of a plan from another's: callers with the same mark see the same bytes.
    pub fn mark(&self) -> String {
        match self.audience() {
            Audience::Member => "m".to_owned(),
            Audience::Public => "p".to_owned(),
            Audience::Partner => {
                let organisations: BTreeSet<&str> = self
                    .granted
                    .iter()
                    .filter_map(|grant| grant.organisation.as_ref().map(OrganisationCode::as_str))
                    .collect();
                format!("o.{}", organisations.into_iter().collect::<Vec<_>>().join("."))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kpi::tests::kpi;
    use serde_json::json;

    fn access(role: Role, areas: &[&str], organisation: Option<&str>, kpis: &[&str]) -> Access {
        Access::new(vec![Granted {
            role,
            outcome_areas: areas.iter().map(|code| code.parse().unwrap()).collect(),
            organisation: organisation.map(|code| code.parse().unwrap()),
            kpis: kpis.iter().map(|code| code.parse().unwrap()).collect(),
        }])
    }

    #[test]
    fn each_role_reports_what_is_its_own() {
        let kpi = kpi(json!({"lead_organisation": "connexions", "contributors": ["council"]}));
        let area: AreaCode = "economic".parse().unwrap();
        for (access, reports) in [
            (access(Role::Administrator, &[], None, &[]), true),
            (access(Role::ProgrammeManager, &[], None, &[]), true),
            (access(Role::SubGroupLead, &["economic"], None, &[]), true),
            (access(Role::SubGroupLead, &["be-healthy"], None, &[]), false),
            (access(Role::Contributor, &[], Some("connexions"), &[]), true),
            (access(Role::Contributor, &[], Some("council"), &[]), true),
            (access(Role::Contributor, &[], Some("police"), &[]), false),
            (access(Role::Contributor, &[], None, &["NI-117"]), true),
            (access(Role::Board, &["economic"], Some("connexions"), &["NI-117"]), false),
            (access(Role::Partner, &[], Some("connexions"), &[]), false),
            (Access::new(vec![]), false),
        ] {
            assert_eq!(access.reports(&kpi, Some(&area)), reports, "{access:?}");
        }
    }

    #[test]
    fn actions_are_for_members_and_the_kpi_s_own_organisations() {
        let kpi = kpi(json!({"lead_organisation": "connexions", "publication": "public"}));
        let area: AreaCode = "economic".parse().unwrap();
        for (access, reads, comments) in [
            (access(Role::ProgrammeManager, &[], None, &[]), true, true),
            (access(Role::SubGroupLead, &["economic"], None, &[]), true, true),
            (access(Role::SubGroupLead, &["be-healthy"], None, &[]), true, false),
            (access(Role::Contributor, &[], Some("police"), &[]), true, false),
            (access(Role::Board, &[], None, &[]), true, true),
            (access(Role::Partner, &[], Some("connexions"), &[]), true, false),
            (access(Role::Partner, &[], Some("police"), &[]), false, false),
            (access(Role::Public, &[], None, &[]), false, false),
            (Access::new(vec![]), false, false),
        ] {
            assert_eq!(access.reads_actions(&kpi), reads, "{access:?}");
            assert_eq!(access.comments(&kpi, Some(&area)), comments, "{access:?}");
        }
    }

    #[test]
    fn the_board_and_those_who_manage_freeze_board_reports() {
        for role in Role::ALL {
            let may = [Role::Administrator, Role::ProgrammeManager, Role::Board].contains(&role);
            assert_eq!(access(role, &[], Some("connexions"), &[]).freezes_board_reports(), may, "{role:?}");
        }
        let own = "connexions".parse().unwrap();
        assert!(access(Role::Partner, &[], Some("connexions"), &[]).is_partner_of(&own));
        assert!(!access(Role::Partner, &[], Some("police"), &[]).is_partner_of(&own));
        assert!(!access(Role::Contributor, &[], Some("connexions"), &[]).is_partner_of(&own));
    }

    #[test]
    fn each_audience_sees_what_is_published_to_it() {
        let internal = kpi(json!({"lead_organisation": "connexions", "sensitive": true}));
        let partners = kpi(json!({"publication": "partners", "sensitive": true}));
        let public = kpi(json!({"publication": "public"}));
        let board = access(Role::Board, &[], None, &[]);
        let own = access(Role::Partner, &[], Some("connexions"), &[]);
        let anyone = Access::new(vec![]);
        assert_eq!([board.sees(&internal), own.sees(&internal), anyone.sees(&internal)], [true, true, false]);
        assert_eq!([board.sees(&partners), own.sees(&partners), anyone.sees(&partners)], [true, true, false]);
        assert_eq!([board.sees(&public), own.sees(&public), anyone.sees(&public)], [true, true, true]);
        assert_eq!(
            [board.sees_small_numbers(&internal), own.sees_small_numbers(&internal), own.sees_small_numbers(&partners)],
            [true, true, false]
        );
    }
}
