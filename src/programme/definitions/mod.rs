//! Definitions: the plan itself, its organisations, sub-groups, outcome areas, priorities, dimensions, policies and
//! KPIs. Each is made, changed by merge patch and removed the same way; what differs is in [`Defined`].

pub mod benchmarks;
pub mod dimensions;
pub mod kpis;
pub mod plan_removal;
pub mod plans;
pub mod references;
mod structure;

use std::fmt::Display;

use serde_json::{Map, Value};

use waymark_domain::access::Granted;
use waymark_domain::document::{Document, lay_over};
use waymark_domain::ids::{PlanCode, Seq};
use waymark_domain::invalid::Invalid;
use waymark_store::definitions::{self, DefinitionRevision};
use waymark_store::kinds::DefinitionKind;
use waymark_store::{grants, journal};

use crate::caller::precondition::Precondition;
use crate::picture::{Element, Kept, Picture};
use crate::{Ground, Pen, Principal, Programme, Refusal};

/// What the simple kinds of definition have in common.
pub trait Defined: Element {
    /// Its kind in the store.
    const KIND: DefinitionKind;
    /// What a person calls it.
    const NOUN: &'static str;
    /// The journal's words for making, changing and removing it.
    const ACTIONS: [&'static str; 3];
    /// The member that names it, which never changes.
    const CODE: &'static str = "code";

    /// Its code.
    fn code(&self) -> &Self::Code;
    /// What is wrong with it, in itself and beside what is in the plan.
    fn check_in(&self, picture: &Picture) -> Invalid;
    /// What is wrong with its taking the place of `before`.
    fn check_change(&self, _before: &Self, _picture: &Picture) -> Invalid {
        Invalid::new()
    }
    /// What still refers to it, in words.
    fn used_by(picture: &Picture, code: &Self::Code) -> Option<String>;
    /// Whether a grant names it: a thing made again by the same code must not find rights waiting for it.
    fn named_in(_granted: &Granted, _code: &Self::Code) -> bool {
        false
    }
}

impl Ground {
    pub(crate) fn must_manage(&self) -> Result<(), Refusal> {
        if self.plan.access.manages() {
            Ok(())
        } else {
            Err(Refusal::NotAllowed("only a programme manager or an administrator changes definitions".to_owned()))
        }
    }
}

impl Pen<'_, '_> {
    /// Writes one revision of a definition and gives the place in the journal it got.
    pub(crate) fn define(
        &mut self,
        action: &'static str,
        kind: DefinitionKind,
        code: &impl Display,
        revision: i32,
        before: Option<Map<String, Value>>,
        after: Option<Map<String, Value>>,
    ) -> Result<Seq, Refusal> {
        self.define_because(action, (kind, code, revision), before, after, None)
    }

    /// Writes one revision of a definition, with why.
    pub(crate) fn define_because(
        &mut self,
        action: &'static str,
        (kind, code, revision): (DefinitionKind, &impl Display, i32),
        before: Option<Map<String, Value>>,
        after: Option<Map<String, Value>>,
        reason: Option<String>,
    ) -> Result<Seq, Refusal> {
        let said = |revision, members: Option<Map<String, Value>>| DefinitionRevision {
            kind,
            code: code.to_string(),
            revision,
            body: members.map(Value::Object),
        };
        let before = before.map(|members| said(revision - 1, Some(members)).document());
        let row = journal::NewRow::Definition(said(revision, after));
        let seqs = self.record(vec![journal::Change { action, row, before, reason }])?;
        Ok(seqs.first().copied().unwrap_or_default())
    }

    /// The revision that the next definition of this code gets: revisions count on over a removal.
    pub(crate) fn next_revision(&mut self, kind: DefinitionKind, code: &impl Display) -> Result<i32, Refusal> {
        let plan = self.plan;
        let latest = definitions::find(self.conn(), plan, kind, &code.to_string(), None)?;
        Ok(latest.map_or(0, |row| row.revision) + 1)
    }
}

/// Lays a patch over a document and reads the result; the member `code` must stay as it is.
pub(crate) fn patched<D: Document>(
    members: &Map<String, Value>,
    patch: Map<String, Value>,
    code: &str,
) -> Result<D, Refusal> {
    let mut changed = members.clone();
    lay_over(&mut changed, patch);
    if changed.get(code) != members.get(code) {
        let mut invalid = Invalid::new();
        let detail = format!("a {code} never changes; make another and remove this one");
        invalid.at(format!("/{code}"), "code_is_fixed", detail);
        if let Err(more) = D::parse(changed) {
            invalid.extend(more);
        }
        return Err(invalid.into());
    }
    Ok(D::parse(changed)?)
}

impl Programme {
    /// Makes a definition.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if the code is in use; everything that is wrong with it.
    pub async fn create<D: Defined>(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        members: Map<String, Value>,
    ) -> Result<Kept<D>, Refusal> {
        self.change(plan, caller, move |ground, pen| {
            ground.must_manage()?;
            let value = D::parse(members)?;
            value.check_in(&ground.seen.picture).or(())?;
            if D::all(&ground.seen.picture).contains_key(value.code()) {
                return Err(Refusal::Conflict(format!(
                    "the {} `{}` exists already; change that one",
                    D::NOUN,
                    value.code()
                )));
            }
            let revision = pen.next_revision(D::KIND, value.code())?;
            let seq = pen.define(D::ACTIONS[0], D::KIND, value.code(), revision, None, Some(value.members()))?;
            Ok(Kept { value, revision, seq })
        })
        .await
    }

    /// Changes a definition by merge patch. A patch that changes nothing keeps the revision.
    pub async fn update<D: Defined>(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        code: &D::Code,
        patch: Map<String, Value>,
        precondition: Precondition,
    ) -> Result<Kept<D>, Refusal> {
        let code = code.clone();
        self.change(plan, caller, move |ground, pen| {
            let kept = D::all(&ground.seen.picture).get(&code).cloned().ok_or(Refusal::NotFound)?;
            ground.must_manage()?;
            precondition.allows_change_of(kept.seq)?;
            let before = kept.value.members();
            let value: D = patched(&before, patch, D::CODE)?;
            let mut invalid = value.check_in(&ground.seen.picture);
            invalid.extend(value.check_change(&kept.value, &ground.seen.picture));
            invalid.or(())?;
            let after = value.members();
            if after == before {
                return Ok(kept);
            }
            let revision = kept.revision + 1;
            let seq = pen.define(D::ACTIONS[1], D::KIND, &code, revision, Some(before), Some(after))?;
            Ok(Kept { value, revision, seq })
        })
        .await
    }

    /// Removes a definition that nothing refers to.
    pub async fn remove<D: Defined>(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        code: &D::Code,
        precondition: Precondition,
    ) -> Result<(), Refusal> {
        let code = code.clone();
        self.change(plan, caller, move |ground, pen| {
            let kept = D::all(&ground.seen.picture).get(&code).cloned().ok_or(Refusal::NotFound)?;
            ground.must_manage()?;
            precondition.allows_change_of(kept.seq)?;
            if let Some(user) = D::used_by(&ground.seen.picture, &code) {
                return Err(Refusal::Conflict(format!("the {} `{code}` is still used by {user}", D::NOUN)));
            }
            let plan = ground.plan.id;
            let grants = grants::list(pen.conn(), plan)?;
            let mut live = grants.iter().filter(|grant| grant.revoked_at.is_none());
            if live.any(|grant| D::named_in(&grant.granted, &code)) {
                return Err(Refusal::Conflict(format!("the {} `{code}` is still named in a grant", D::NOUN)));
            }
            pen.define(D::ACTIONS[2], D::KIND, &code, kept.revision + 1, Some(kept.value.members()), None)?;
            Ok(())
        })
        .await
    }
}
