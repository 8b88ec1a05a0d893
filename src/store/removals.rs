//! Plans that were removed with everything in them. Of each the last entry of its journal stays: who removed it and when, what
//! its settings were, and how many entries went with it. It is sealed as every entry is.
//!
//! A plan that is made by the same code later goes on from there: its first entry has the next number and follows on the
//! digest of the removal. So an `ETag` or a place in the feed of changes that somebody kept never fits another plan.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::backend::{AnyConn, MultiBackend, on_backend};
use super::credentials;
use super::definitions::DefinitionRevision;
use super::plans::{self, LockedPlan};
use super::schema::removals;
use super::seal::Sealed;
use super::types::{UtcTimestamp, canonical};
use super::{Conn, StoreError, Write};
use waymark_domain::ids::{PlanCode, PlanId, Seq, Subject};

const ACTION: &str = "plan.removed";
const KIND: &str = "plan";

/// The removal of a plan.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = removals, check_for_backend(MultiBackend))]
pub struct Removal {
    #[diesel(column_name = plan_id)]
    plan: i64,
    code: String,
    seq: i64,
    at: UtcTimestamp,
    actor: String,
    before: String,
    previous: String,
    digest: String,
}

impl Removal {
    /// The number that the plan had.
    pub fn plan(&self) -> PlanId {
        PlanId(self.plan)
    }

    /// Its code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The place of the removal in the plan's journal, its last.
    pub fn seq(&self) -> Seq {
        Seq(self.seq)
    }

    /// When it was removed.
    pub fn at(&self) -> DateTime<Utc> {
        self.at.into()
    }

    /// By whom.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// What seals the removal and the journal that went with it.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether it is as it was written.
    pub fn is_sound(&self) -> bool {
        self.sealed() == self.digest
    }

    fn sealed(&self) -> String {
        let sealed = Sealed {
            plan: &self.code,
            seq: Seq(self.seq),
            at: self.at.into(),
            actor: &self.actor,
            action: ACTION,
            kind: KIND,
            key: &self.code,
            before: Some(&self.before),
            after: None,
            reason: None,
        };
        sealed.digest(&self.previous)
    }
}

/// Removes a plan with everything in it, its journal and its grants included, and keeps the entry that says so. `said` is the
/// plan's own definition as it was last.
pub fn remove(
    write: &mut Write<'_>,
    plan: LockedPlan,
    said: &DefinitionRevision,
    actor: &Subject,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut removal = Removal {
        plan: plan.id.0,
        code: plan.code.to_string(),
        seq: plan.seq.next().0,
        at: plan.instant_after(now).into(),
        actor: actor.to_string(),
        before: canonical(&said.document()),
        previous: plan.head_digest().to_owned(),
        digest: String::new(),
    };
    removal.digest = removal.sealed();
    credentials::remove_of_plan(write, plan.id, actor, now)?;
    plans::delete_plan(write, plan)?;
    write.run(|any| on_backend!(any, |conn| diesel::insert_into(removals::table).values(&removal).execute(conn)))?;
    Ok(())
}

/// The removals of all plans that are gone, in the order of their codes and times.
pub fn list(conn: &mut Conn) -> Result<Vec<Removal>, StoreError> {
    conn.run(|any| removals::table.order((removals::code, removals::seq)).select(Removal::as_select()).load(any))
}

/// The last removal of a plan by this code.
pub(super) fn latest(any: &mut AnyConn, code: &PlanCode) -> QueryResult<Option<Removal>> {
    removals::table
        .filter(removals::code.eq(code.as_str()))
        .order(removals::seq.desc())
        .select(Removal::as_select())
        .first(any)
        .optional()
}
