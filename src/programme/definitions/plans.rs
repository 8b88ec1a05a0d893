//! Plans: listed, made and changed.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use serde_json::{Map, Value};

use waymark_domain::access::Access;
use waymark_domain::access::Role;
use waymark_domain::document::Document;
use waymark_domain::ids::PlanCode;
use waymark_domain::invalid::Invalid;
use waymark_domain::plan::{Plan, Visibility};
use waymark_domain::policy::shipped;
use waymark_store::definitions::DefinitionRevision;
use waymark_store::kinds::DefinitionKind;
use waymark_store::{grants, journal, plan_creation, plans};

use crate::caller::precondition::Precondition;
use crate::definitions::patched;
use crate::definitions::references::refer;
use crate::picture::Kept;
use crate::{Conn, Principal, Programme, Refusal};

/// The change that makes a definition which was not there before.
pub(crate) fn made(
    action: &'static str,
    kind: DefinitionKind,
    code: &impl Display,
    members: Map<String, Value>,
    reason: Option<String>,
) -> journal::Change {
    let said = DefinitionRevision { kind, code: code.to_string(), revision: 1, body: Some(Value::Object(members)) };
    journal::Change { action, row: journal::NewRow::Definition(said), before: None, reason }
}

/// Lets only administrators of the whole service make plans.
pub(crate) fn must_administer_service(conn: &mut Conn, caller: &Principal) -> Result<(), Refusal> {
    if !caller.administers_as_granted() {
        return Err(Refusal::NotAllowed("this token is not for the service as a whole".to_owned()));
    }
    let held = grants::of_service(conn, caller)?;
    if held.iter().any(|grant| grant.granted.role == Role::Administrator) {
        return Ok(());
    }
    Err(Refusal::NotAllowed("only an administrator of the service makes plans".to_owned()))
}

/// Refuses a predecessor that is set by hand: a plan has one by being made as a successor, or never.
fn check_predecessor(invalid: &mut Invalid, plan: &Plan, kept: Option<&PlanCode>) {
    if plan.predecessor.as_ref() != kept {
        let detail = "a plan's predecessor cannot be set; make the plan as its predecessor's successor";
        invalid.at("/predecessor", "predecessor_is_fixed", detail);
    }
}

impl Programme {
    /// The plans that a caller may see, by code, after `after`.
    pub async fn list_plans(
        &self,
        caller: &Principal,
        after: Option<PlanCode>,
        limit: usize,
    ) -> Result<Vec<Kept<Plan>>, Refusal> {
        let (caller, pictures) = (caller.clone(), Arc::clone(&self.pictures));
        self.store
            .read(move |conn| {
                let mut found = Vec::new();
                for visible in caller.list_plans(conn, after, limit)? {
                    let picture = pictures.at_version(conn, visible.id, visible.seq)?;
                    found.push(picture.plan().clone());
                }
                Ok(found)
            })
            .await
    }

    /// Makes a plan, with the shipped policies in it. For administrators of the whole service.
    pub async fn create_plan(&self, caller: &Principal, members: Map<String, Value>) -> Result<Kept<Plan>, Refusal> {
        let (caller, clock, now) = (caller.clone(), self.clock.clone(), self.clock.now());
        self.store
            .write(move |write| {
                must_administer_service(write, &caller)?;
                caller.claim(write, &clock, &Access::new(Vec::new()))?;
                let plan = Plan::parse(members)?;
                let policies = shipped();
                let mut invalid = plan.check();
                check_predecessor(&mut invalid, &plan, None);
                let known: BTreeMap<_, _> = policies.iter().map(|policy| (policy.code.clone(), policy)).collect();
                refer(&mut invalid, "/policy", "policy", &plan.policy, &known);
                invalid.or(())?;
                let mut locked =
                    plan_creation::create_plan(write, &plan.code, plan.visibility == Visibility::Public, now)?;
                let first = made("plan.created", DefinitionKind::Plan, &plan.code, plan.members(), None);
                let policies = policies
                    .iter()
                    .map(|policy| made("policy.created", DefinitionKind::Policy, &policy.code, policy.members(), None));
                let changes = std::iter::once(first).chain(policies);
                let seqs = journal::record(write, &mut locked, &caller, now, changes.collect())?;
                Ok(Kept { value: plan, revision: 1, seq: seqs.first().copied().unwrap_or_default() })
            })
            .await
    }

    /// Changes the plan's own settings by merge patch.
    pub async fn update_plan(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        patch: Map<String, Value>,
        precondition: Precondition,
    ) -> Result<Kept<Plan>, Refusal> {
        self.change(plan, caller, move |ground, pen| {
            ground.must_manage()?;
            let kept = ground.seen.picture.plan().clone();
            precondition.allows_change_of(kept.seq)?;
            let before = kept.value.members();
            let value: Plan = patched(&before, patch, "code")?;
            let mut invalid = value.check();
            check_predecessor(&mut invalid, &value, kept.value.predecessor.as_ref());
            refer(&mut invalid, "/policy", "policy", &value.policy, ground.seen.picture.policies());
            invalid.or(())?;
            let after = value.members();
            if after == before {
                return Ok(kept);
            }
            if let Some(locked) = &mut pen.locked {
                plans::set_public(pen.write, locked, value.visibility == Visibility::Public)?;
            }
            let seq = pen.define(
                "plan.updated",
                DefinitionKind::Plan,
                &value.code,
                kept.revision + 1,
                Some(before),
                Some(after),
            )?;
            Ok(Kept { value, revision: kept.revision + 1, seq })
        })
        .await
    }
}
