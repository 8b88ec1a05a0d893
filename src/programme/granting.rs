//! Grants: who has which role in a plan.

use serde_json::{Map, Value};

use crate::domain::access::Role;
use crate::domain::document::{Document, document};
use crate::domain::ids::{AreaCode, KpiCode, OrganisationCode, PlanCode, Subject};
use crate::domain::invalid::Invalid;
use crate::store::grants::{self, GrantRow};
use crate::store::journal;

use super::defining::{Precondition, refer};
use super::{Change, OpenPlan, Programme, Refusal};

document! {
    /// What a grant says.
    #[schema(description = "Who has which role in a plan, and how far it reaches.")]
    pub struct GrantTerms / NewGrant / GrantChange {
        /// Whom it is for: the `sub` of their tokens; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "jo.lead@harrow.example")]
        subject: String,
        /// The role.
        role: Role,
        /// The outcome areas a sub-group lead answers for.
        #[schema(max_items = 100, example = json!(["be-healthy"]))]
        outcome_areas: Vec<AreaCode> = Vec::new(),
        /// The organisation a contributor or partner belongs to.
        #[schema(example = "harrow-pct")]
        organisation: Option<OrganisationCode> = None,
        /// The KPIs a contributor reports.
        #[schema(max_items = 1000, example = json!([]))]
        kpis: Vec<KpiCode> = Vec::new(),
    }
}

impl GrantTerms {
    fn check_in(&self, picture: &super::picture::Picture) -> Invalid {
        let mut invalid = Invalid::new();
        if let Err(error) = self.subject.parse::<Subject>() {
            invalid.at("/subject", "not_a_subject", format!("it {error}"));
        }
        for (place, area) in self.outcome_areas.iter().enumerate() {
            refer(&mut invalid, format!("/outcome_areas/{place}"), "outcome area", area, picture.areas());
        }
        if let Some(organisation) = &self.organisation {
            refer(&mut invalid, "/organisation", "organisation", organisation, picture.organisations());
        }
        for (place, kpi) in self.kpis.iter().enumerate() {
            refer(&mut invalid, format!("/kpis/{place}"), "KPI", kpi, picture.kpis());
        }
        let needed = match self.role {
            Role::SubGroupLead if self.outcome_areas.is_empty() => {
                Some(("/outcome_areas", "a sub-group lead answers for at least one outcome area"))
            }
            Role::Contributor if self.organisation.is_none() && self.kpis.is_empty() => {
                Some(("/organisation", "a contributor belongs to an organisation or reports named KPIs"))
            }
            Role::Partner if self.organisation.is_none() => Some(("/organisation", "a partner belongs to an organisation")),
            _ => None,
        };
        if let Some((pointer, detail)) = needed {
            invalid.at(pointer, "missing", detail);
        }
        if self.role != Role::SubGroupLead && !self.outcome_areas.is_empty() {
            invalid.at("/outcome_areas", "scope_does_not_fit", "only a sub-group lead's grant names outcome areas");
        }
        if !matches!(self.role, Role::Contributor | Role::Partner) && self.organisation.is_some() {
            invalid.at("/organisation", "scope_does_not_fit", "only a contributor's or partner's grant names an organisation");
        }
        if self.role != Role::Contributor && !self.kpis.is_empty() {
            invalid.at("/kpis", "scope_does_not_fit", "only a contributor's grant names KPIs");
        }
        invalid
    }
}

impl Change<'_, '_> {
    fn must_administer(&self) -> Result<(), Refusal> {
        must_administer(&self.plan)
    }
}

fn must_administer(plan: &OpenPlan) -> Result<(), Refusal> {
    if plan.access.administers() {
        Ok(())
    } else {
        Err(Refusal::NotAllowed("only an administrator of the plan sees and gives grants".to_owned()))
    }
}

impl Programme {
    /// The live grants of a plan, the oldest first.
    pub async fn list_grants(&self, plan: &OpenPlan) -> Result<Vec<GrantRow>, Refusal> {
        must_administer(plan)?;
        let id = plan.id;
        self.store.read(move |conn| Ok(grants::list(conn, id)?)).await
    }

    /// One live grant.
    pub async fn find_grant(&self, plan: &OpenPlan, grant: &str) -> Result<GrantRow, Refusal> {
        must_administer(plan)?;
        let (id, grant) = (plan.id, grant.to_owned());
        self.store.read(move |conn| grants::find(conn, id, &grant)?.ok_or(Refusal::NotFound)).await
    }

    /// Gives a subject a role.
    pub async fn give_grant(&self, plan: &PlanCode, caller: &Subject, members: Map<String, Value>) -> Result<GrantRow, Refusal> {
        self.change(plan, caller, move |change| {
            change.must_administer()?;
            let terms = GrantTerms::parse(members)?;
            terms.check_in(&change.picture).or(())?;
            change.give(&terms)
        })
        .await
    }

    /// Changes how far a grant reaches: the old one ends and stays in the journal. The subject stays as it is.
    pub async fn change_grant(&self, plan: &PlanCode, caller: &Subject, grant: &str, patch: Map<String, Value>, precondition: Precondition) -> Result<GrantRow, Refusal> {
        let grant = grant.to_owned();
        self.change(plan, caller, move |change| {
            change.must_administer()?;
            let row = change.live_grant(&grant)?;
            precondition.allows_change_of(row.seq)?;
            let mut members = terms(&row).members();
            crate::domain::document::merge(&mut members, patch);
            let terms = GrantTerms::parse(members)?;
            let mut invalid = terms.check_in(&change.picture);
            if terms.subject != row.subject.as_str() {
                invalid.at("/subject", "subject_is_fixed", "a grant stays with its subject; give another one and revoke this one");
            }
            invalid.or(())?;
            change.keep_grant("grant.changed", GrantRow { role: terms.role, outcome_areas: terms.outcome_areas, organisation: terms.organisation, kpis: terms.kpis, ..row.clone() }, Some(&row))
        })
        .await
    }

    /// Revokes a grant.
    pub async fn revoke_grant(&self, plan: &PlanCode, caller: &Subject, grant: &str, precondition: Precondition) -> Result<(), Refusal> {
        let grant = grant.to_owned();
        self.change(plan, caller, move |change| {
            change.must_administer()?;
            let row = change.live_grant(&grant)?;
            precondition.allows_change_of(row.seq)?;
            change.keep_grant("grant.revoked", GrantRow { revoked_at: Some(change.now), ..row.clone() }, Some(&row))?;
            Ok(())
        })
        .await
    }

    /// Every live grant of a subject, on any plan.
    pub async fn my_grants(&self, caller: &Subject) -> Result<Vec<(Option<PlanCode>, GrantRow)>, Refusal> {
        let caller = caller.clone();
        self.store
            .read(move |conn| {
                let plans = crate::store::plans::list_all(conn)?;
                let held = grants::held_by(conn, &caller)?;
                let code = |grant: &GrantRow| plans.iter().find(|plan| Some(plan.id) == grant.plan).map(|plan| plan.code.clone());
                Ok(held.into_iter().map(|grant| (code(&grant), grant)).collect())
            })
            .await
    }
}

fn terms(row: &GrantRow) -> GrantTerms {
    GrantTerms {
        subject: row.subject.to_string(),
        role: row.role,
        outcome_areas: row.outcome_areas.clone(),
        organisation: row.organisation.clone(),
        kpis: row.kpis.clone(),
    }
}
