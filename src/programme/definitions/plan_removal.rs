//! Plans that were made by mistake, removed with everything in them while nobody relies on them.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value;

use waymark_domain::document::Document;
use waymark_domain::ids::PlanCode;
use waymark_store::definitions::{self, DefinitionRevision};
use waymark_store::kinds::DefinitionKind;
use waymark_store::{Conn, plans, removals};

use crate::caller::precondition::Precondition;
use crate::picture::Picture;
use crate::{Principal, Programme, Refusal};

/// What may go with a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Nothing: it must be empty.
    EmptyOnly,
    /// Everything that is in it.
    WithContents,
}

impl Programme {
    /// Removes a plan, for an administrator. All that stays is the entry of the journal that says so; see [`removals`].
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if it holds what it must not: anything that [`Extent::EmptyOnly`] forbids; a return that
    /// was signed off, a board report, a plan that goes on from it.
    pub async fn remove_plan(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        precondition: Precondition,
        extent: Extent,
    ) -> Result<(), Refusal> {
        self.change(plan, caller, move |ground, pen| {
            if !ground.plan.access.administers() {
                return Err(Refusal::NotAllowed("only an administrator removes a plan".to_owned()));
            }
            let picture = Arc::clone(&ground.seen.picture);
            precondition.allows_change_of(picture.plan().seq)?;
            if extent == Extent::EmptyOnly && !is_empty(&picture) {
                return Err(Refusal::Conflict(
                    "only an empty plan is removed: this one has organisations, outcome areas or KPIs. If it was made by mistake, remove it with everything in it by with_contents=true"
                        .to_owned(),
                ));
            }
            let code = ground.plan.code.clone();
            let reliers = reliers(&picture, pen.conn(), &code)?;
            if !reliers.is_empty() {
                let reliers = reliers.join("; ");
                return Err(Refusal::Conflict(format!("the plan is relied on and stays: {reliers}")));
            }
            let kept = picture.plan();
            let body = Some(Value::Object(kept.value.members()));
            let said = DefinitionRevision {
                kind: DefinitionKind::Plan,
                code: code.to_string(),
                revision: kept.revision,
                body,
            };
            let locked = pen.locked.take().ok_or(Refusal::NotFound)?;
            Ok(removals::remove(pen.write, locked, &said, &ground.caller, ground.seen.now)?)
        })
        .await
    }
}

fn is_empty(picture: &Picture) -> bool {
    picture.kpis().is_empty()
        && picture.priorities().is_empty()
        && picture.areas().is_empty()
        && picture.sub_groups().is_empty()
        && picture.organisations().is_empty()
}

/// The most of a kind that are named.
const MOST_NAMED: usize = 3;

/// What relies on a plan, in words.
fn reliers(picture: &Picture, conn: &mut Conn, code: &PlanCode) -> Result<Vec<String>, Refusal> {
    let mut reliers = Vec::new();
    let signed = picture.returns().iter().filter(|(_, kept)| kept.value.signed_off_at.is_some());
    let signed: Vec<String> = signed.map(|(key, _)| key.to_string()).collect();
    if !signed.is_empty() {
        reliers.push(format!("signed off: {}", named(&signed)));
    }
    let frozen: Vec<String> = picture.board_reports().keys().map(ToString::to_string).collect();
    if !frozen.is_empty() {
        reliers.push(format!("frozen as board reports: {}", named(&frozen)));
    }
    let mut successors = Vec::new();
    for other in plans::list_all(conn)? {
        let own = definitions::find(conn, other.id, DefinitionKind::Plan, other.code.as_str(), None)?;
        let before = own.as_ref().and_then(|row| row.body.as_ref()?.get("predecessor")?.as_str());
        if before == Some(code.as_str()) {
            successors.push(other.code.to_string());
        }
    }
    if !successors.is_empty() {
        // Who administers one plan need not see another.
        reliers.push("another plan goes on from it".to_owned());
    }
    Ok(reliers)
}

fn named(all: &[String]) -> String {
    let mut words = all.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
    if all.len() > MOST_NAMED {
        // Writing to a String cannot fail.
        let _more = write!(words, " and {} more", all.len() - MOST_NAMED);
    }
    words
}
