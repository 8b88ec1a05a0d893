//! Grants: who has which role in a plan.

use serde_json::{Map, Value};

use waymark_domain::access::{Granted, Role};
use waymark_domain::document;
use waymark_domain::document::Document;
use waymark_domain::ids::{AreaCode, KpiCode, OrganisationCode, PlanCode, Subject};
use waymark_domain::invalid::Invalid;
use waymark_store::granting;
use waymark_store::grants;
pub use waymark_store::grants::{GrantId, GrantRow};

use crate::access::credentials::{found, must_be_oneself};
use crate::caller::precondition::Precondition;
use crate::definitions::references::refer;
use crate::{OpenPlan, Pen, Principal, Programme, Refusal};

document! {
    /// What a grant says.
    #[schema(description = "Who has which role in a plan, and how far it reaches.")]
    pub struct GrantTerms / GrantDraft / GrantChange {
        /// Whom it is for: the `sub` of their tokens; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "jo.lead@harrow.example")]
        subject: String,
        /// The role.
        role: Role,
        /// The outcome areas a sub-group lead is responsible for.
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
    fn check_in(&self, picture: &crate::picture::Picture) -> Invalid {
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
                Some(("/outcome_areas", "a sub-group lead is responsible for at least one outcome area"))
            }
            Role::Contributor if self.organisation.is_none() && self.kpis.is_empty() => {
                Some(("/organisation", "a contributor belongs to an organisation or reports named KPIs"))
            }
            Role::Partner if self.organisation.is_none() => {
                Some(("/organisation", "a partner belongs to an organisation"))
            }
            _ => None,
        };
        if let Some((pointer, detail)) = needed {
            invalid.at(pointer, "missing", detail);
        }
        if self.role != Role::SubGroupLead && !self.outcome_areas.is_empty() {
            invalid.at("/outcome_areas", "scope_does_not_fit", "only a sub-group lead's grant names outcome areas");
        }
        if !matches!(self.role, Role::Contributor | Role::Partner) && self.organisation.is_some() {
            invalid.at(
                "/organisation",
                "scope_does_not_fit",
                "only a contributor's or partner's grant names an organisation",
            );
        }
        if self.role != Role::Contributor && !self.kpis.is_empty() {
            invalid.at("/kpis", "scope_does_not_fit", "only a contributor's grant names KPIs");
        }
        invalid
    }
}

pub(crate) fn must_administer(plan: &OpenPlan) -> Result<(), Refusal> {
    if plan.access.administers() {
        Ok(())
    } else {
        Err(Refusal::NotAllowed("only an administrator of the plan sees and gives grants".to_owned()))
    }
}

impl Pen<'_, '_> {
    /// Revokes a grant of the plan; `None` if it is not live.
    pub(super) fn revoke_grant(&mut self, id: GrantId, reason: Option<String>) -> Result<Option<GrantRow>, Refusal> {
        let locked = self.locked.as_mut().ok_or(Refusal::NotFound)?;
        Ok(granting::revoke(self.write, locked, &self.caller, self.now, id, reason)?)
    }
}

impl Programme {
    /// Whether a caller may see a plan's grants.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`].
    pub fn may_see_grants(&self, plan: &OpenPlan) -> Result<(), Refusal> {
        must_administer(plan)
    }

    /// The live grants of a plan, oldest first.
    pub async fn list_grants(&self, plan: &OpenPlan) -> Result<Vec<GrantRow>, Refusal> {
        must_administer(plan)?;
        let id = plan.id;
        self.store
            .read(move |conn| {
                let mut rows = grants::list(conn, id)?;
                rows.retain(|row| row.revoked_at.is_none());
                Ok(rows)
            })
            .await
    }

    /// One live grant.
    pub async fn find_grant(&self, plan: &OpenPlan, grant: GrantId) -> Result<GrantRow, Refusal> {
        found(self.list_grants(plan).await?, |row| row.id == grant)
    }

    /// Gives a subject a role. What a secret opens would outlive it: only people who have signed in do.
    pub async fn give_grant(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        members: Map<String, Value>,
    ) -> Result<GrantRow, Refusal> {
        must_be_oneself(caller)?;
        self.change(plan, caller, move |ground, pen| {
            must_administer(&ground.plan)?;
            let terms = GrantTerms::parse(members)?;
            terms.check_in(&ground.seen.picture).or(())?;
            let subject = terms.subject.parse().map_err(|_checked| Refusal::NotFound)?;
            let GrantTerms { role, outcome_areas, organisation, kpis, .. } = terms;
            let granted = Granted { role, outcome_areas, organisation, kpis };
            let locked = pen.locked.as_mut().ok_or(Refusal::NotFound)?;
            Ok(granting::grant(pen.write, locked, &pen.caller, pen.now, subject, granted, None)?)
        })
        .await
    }

    /// Revokes a grant.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] for the caller's own: a plan must not lose its last administrator by a slip.
    pub async fn revoke_grant(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        grant: GrantId,
        precondition: Precondition,
    ) -> Result<(), Refusal> {
        self.change(plan, caller, move |ground, pen| {
            must_administer(&ground.plan)?;
            let row = grants::find(pen.conn(), ground.plan.id, grant)?.ok_or(Refusal::NotFound)?;
            precondition.allows_change_of(row.id)?;
            if row.subject == ground.caller && row.granted.role == Role::Administrator {
                return Err(Refusal::Conflict(
                    "you cannot revoke your own administrator's grant; another administrator can".to_owned(),
                ));
            }
            pen.revoke_grant(grant, None)?.ok_or(Refusal::NotFound)?;
            Ok(())
        })
        .await
    }

    /// Every live grant of a subject, on any plan.
    pub async fn my_grants(&self, caller: &Principal) -> Result<Vec<(Option<PlanCode>, GrantRow)>, Refusal> {
        let caller = caller.clone();
        self.store
            .read(move |conn| {
                let service = grants::of_service(conn, &caller)?.into_iter();
                let mut held: Vec<_> = service.filter(|row| caller.carries(row)).map(|row| (None, row)).collect();
                for plan in caller.list_plans(conn, None, usize::MAX)? {
                    let own = plan.grants.iter().filter(|row| row.plan.is_some());
                    held.extend(own.map(|row| (Some(plan.code.clone()), row.clone())));
                }
                Ok(held)
            })
            .await
    }
}
