//! Plans, and who may find them.
//!
//! [`find_plan`] and [`list_plans`] give only what their subject may see, and say the same of a plan that is hidden as of
//! one that does not exist; [`lock_plan`] does so for a change. Those without a subject ([`find_any`], [`list_all`],
//! [`lock_any`]) are for the command line, whose user owns the database anyway.

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, sql_query};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use super::backend::{AnyConn, MultiBackend};
use super::error::Conflict;
use super::grants::{self, GrantRow};
use super::schema::{
    board_reports, definitions, deliveries, grants as held, journal, plans, readings, targets, webhooks,
};
use super::types::{FromColumn, UtcTimestamp};
use super::{Conn, StoreError, Write};
use waymark_domain::ids::{PlanCode, PlanId, Seq, Subject};

/// A plan's own row.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = plans, check_for_backend(MultiBackend))]
pub struct PlanRow {
    /// Its number in this database.
    #[diesel(deserialize_as = FromColumn<PlanId>)]
    pub id: PlanId,
    /// Its code.
    #[diesel(deserialize_as = FromColumn<PlanCode>)]
    pub code: PlanCode,
    /// Whether everyone who signs in may find it.
    pub public: bool,
    /// The last place in its journal: its version.
    #[diesel(deserialize_as = FromColumn<Seq>)]
    pub seq: Seq,
    /// The digest of its last journal entry; empty before the first.
    pub head_digest: String,
    /// When it last changed.
    #[diesel(deserialize_as = UtcTimestamp)]
    pub changed_at: DateTime<Utc>,
}

/// A plan as found by someone who may find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisiblePlan {
    /// Its number in this database.
    pub id: PlanId,
    /// Its code.
    pub code: PlanCode,
    /// The last place in its journal: its version.
    pub seq: Seq,
    /// Whether everyone who signs in may find it.
    pub public: bool,
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
    /// What the finder holds and has not lost, for this plan and for the whole service.
    pub grants: Vec<GrantRow>,
}

/// A plan that no one else changes until the end of the write that locked it.
#[derive(Debug)]
pub struct LockedPlan {
    plan: VisiblePlan,
    head_digest: String,
}

impl std::ops::Deref for LockedPlan {
    type Target = VisiblePlan;

    fn deref(&self) -> &VisiblePlan {
        &self.plan
    }
}

impl LockedPlan {
    pub(super) fn new(row: PlanRow, grants: Vec<GrantRow>) -> Self {
        let head_digest = row.head_digest.clone();
        Self { plan: row.seen_with(grants), head_digest }
    }

    /// The instant that a change made now is given: never before the change before it.
    pub fn instant_after(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        DateTime::from(UtcTimestamp::from(now)).max(self.plan.changed_at)
    }

    /// The digest of the last journal entry; empty before the first.
    pub(super) fn head_digest(&self) -> &str {
        &self.head_digest
    }

    /// Moves the head of the journal, here and in the database.
    pub(super) fn advance(
        &mut self,
        write: &mut Write<'_>,
        seq: Seq,
        head_digest: String,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let moved = write.run(|any| {
            diesel::update(plans::table.find(self.plan.id.0))
                .filter(plans::seq.eq(self.plan.seq.0))
                .filter(plans::head_digest.eq(&self.head_digest))
                .set((
                    plans::seq.eq(seq.0),
                    plans::head_digest.eq(&head_digest),
                    plans::changed_at.eq(UtcTimestamp::from(at)),
                ))
                .execute(any)
        })?;
        if moved == 0 {
            return Err(write.failed(StoreError::Conflict(Conflict::Sequence)));
        }
        self.plan.seq = seq;
        self.plan.changed_at = at;
        self.head_digest = head_digest;
        Ok(())
    }
}

impl PlanRow {
    fn seen_with(self, grants: Vec<GrantRow>) -> VisiblePlan {
        VisiblePlan {
            id: self.id,
            code: self.code,
            seq: self.seq,
            public: self.public,
            changed_at: self.changed_at,
            grants,
        }
    }
}

/// The plans that `subject` may find: public ones, those it holds a grant for, and all if it holds one for the service.
fn visible_to(subject: &Subject) -> Box<dyn BoxableExpression<plans::table, MultiBackend, SqlType = Bool> + '_> {
    let held = held::table
        .filter(held::subject.eq(subject.as_str()))
        .filter(held::revoked_at.is_null())
        .filter(held::plan_id.is_null().or(held::plan_id.eq(plans::id.nullable())).assume_not_null());
    Box::new(plans::public.eq(true).or(exists(held)))
}

/// The plan of this code, if `subject` may find it.
pub fn find_plan(conn: &mut Conn, code: &PlanCode, subject: &Subject) -> Result<Option<VisiblePlan>, StoreError> {
    Ok(find_row(conn, code, subject)?.map(|(row, grants)| row.seen_with(grants)))
}

fn find_row(
    conn: &mut Conn,
    code: &PlanCode,
    subject: &Subject,
) -> Result<Option<(PlanRow, Vec<GrantRow>)>, StoreError> {
    let row: Option<PlanRow> = conn.run(|any| {
        plans::table
            .filter(plans::code.eq(code.as_str()))
            .filter(visible_to(subject))
            .select(PlanRow::as_select())
            .first(any)
            .optional()
    })?;
    let Some(row) = row else { return Ok(None) };
    let grants = grants::live(conn, subject, &[row.id])?;
    Ok(Some((row, grants)))
}

/// The plans that `subject` may find, in the order of their codes: at most `limit` of those after `after`.
pub fn list_plans(
    conn: &mut Conn,
    subject: &Subject,
    after: Option<&PlanCode>,
    limit: i64,
) -> Result<Vec<VisiblePlan>, StoreError> {
    let rows: Vec<PlanRow> = conn.run(|any| {
        plans::table
            .filter(plans::code.gt(after.map_or("", PlanCode::as_str)))
            .filter(visible_to(subject))
            .order(plans::code)
            .limit(limit)
            .select(PlanRow::as_select())
            .load(any)
    })?;
    let ids: Vec<PlanId> = rows.iter().map(|row| row.id).collect();
    let held = grants::live(conn, subject, &ids)?;
    let of = |id| held.iter().filter(|grant| grant.plan.is_none_or(|plan| plan == id)).cloned().collect();
    Ok(rows.into_iter().map(|row| PlanRow::seen_with(row.clone(), of(row.id))).collect())
}

/// The plan of this code, if `subject` may find it, locked against other writers until the end of the write.
///
/// On SQLite the write holds the whole database already; on PostgreSQL this waits for anyone who holds the plan. What
/// it gives is the plan as it is once that wait is over.
pub fn lock_plan(write: &mut Write<'_>, code: &PlanCode, subject: &Subject) -> Result<Option<LockedPlan>, StoreError> {
    // Looked for first, because anyone who may not find a plan shall not wait for its lock either.
    let Some(found) = find_plan(write, code, subject)? else { return Ok(None) };
    hold(write, found.id)?;
    let row = find_row(write, code, subject)?;
    // A plan deleted and made again meanwhile has another number, and is not the one that is held.
    Ok(row.filter(|(row, _)| row.id == found.id).map(|(row, grants)| LockedPlan::new(row, grants)))
}

/// [`lock_plan`] for the command line: any plan, with no grants.
pub fn lock_any(write: &mut Write<'_>, code: &PlanCode) -> Result<Option<LockedPlan>, StoreError> {
    let Some(found) = find_any(write, code)? else { return Ok(None) };
    hold(write, found.id)?;
    let row = find_any(write, code)?.filter(|row| row.id == found.id);
    Ok(row.map(|row| LockedPlan::new(row, Vec::new())))
}

fn hold(write: &mut Write<'_>, plan: PlanId) -> Result<(), StoreError> {
    write.run(|any| match any {
        AnyConn::Sqlite(_) => Ok(()),
        AnyConn::Postgres(conn) => {
            sql_query("SELECT id FROM plans WHERE id = $1 FOR UPDATE").bind::<BigInt, _>(plan.0).execute(conn).map(drop)
        }
    })
}

/// The plan of this code, for any caller.
pub fn find_any(conn: &mut Conn, code: &PlanCode) -> Result<Option<PlanRow>, StoreError> {
    conn.run(|any| {
        plans::table.filter(plans::code.eq(code.as_str())).select(PlanRow::as_select()).first(any).optional()
    })
}

/// The plan of this number, for any caller.
pub fn by_id(conn: &mut Conn, plan: PlanId) -> Result<Option<PlanRow>, StoreError> {
    conn.run(|any| plans::table.find(plan.0).select(PlanRow::as_select()).first(any).optional())
}

/// Every plan in the order of their codes, for any caller.
pub fn list_all(conn: &mut Conn) -> Result<Vec<PlanRow>, StoreError> {
    conn.run(|any| plans::table.order(plans::code).select(PlanRow::as_select()).load(any))
}

/// The versions of these plans, of those that are there.
pub fn versions(conn: &mut Conn, plans: &[PlanId]) -> Result<Vec<(PlanId, Seq)>, StoreError> {
    let ids: Vec<i64> = plans.iter().map(|plan| plan.0).collect();
    let found: Vec<(i64, i64)> =
        conn.run(|any| plans::table.filter(plans::id.eq_any(ids)).select((plans::id, plans::seq)).load(any))?;
    Ok(found.into_iter().map(|(plan, version)| (PlanId(plan), Seq(version))).collect())
}

/// Sets whether everyone who signs in may find the plan. The change of the plan's definition that says so is the
/// caller's to record in the same write.
pub fn set_public(write: &mut Write<'_>, plan: &mut LockedPlan, public: bool) -> Result<(), StoreError> {
    write.run(|any| diesel::update(plans::table.find(plan.id.0)).set(plans::public.eq(public)).execute(any))?;
    plan.plan.public = public;
    Ok(())
}

/// Deletes the plan with everything in it, its journal and its grants included. [`removals::remove`] removes its credentials
/// before, and states that the plan was removed.
#[expect(clippy::needless_pass_by_value, reason = "a plan that was deleted is no longer locked")]
pub(super) fn delete_plan(write: &mut Write<'_>, plan: LockedPlan) -> Result<(), StoreError> {
    let id = plan.id.0;
    write.run(|any| {
        let own = webhooks::table.filter(webhooks::plan_id.eq(id)).select(webhooks::id).load::<String>(any)?;
        diesel::delete(deliveries::table.filter(deliveries::webhook_id.eq_any(own))).execute(any)?;
        diesel::delete(webhooks::table.filter(webhooks::plan_id.eq(id))).execute(any)?;
        diesel::delete(board_reports::table.filter(board_reports::plan_id.eq(id))).execute(any)?;
        diesel::delete(readings::table.filter(readings::plan_id.eq(id))).execute(any)?;
        diesel::delete(targets::table.filter(targets::plan_id.eq(id))).execute(any)?;
        diesel::delete(definitions::table.filter(definitions::plan_id.eq(id))).execute(any)?;
        diesel::delete(held::table.filter(held::plan_id.eq(id))).execute(any)?;
        diesel::delete(journal::table.filter(journal::plan_id.eq(id))).execute(any)?;
        diesel::delete(plans::table.find(id)).execute(any).map(drop)
    })
}
