//! Grants given and revoked, each with its entry: in the plan's journal, or of the service in the service journal.

use super::grants::{GrantId, GrantRow, find, insert, of_service};
use super::journal::{self, Change, NewRow};
use super::plans::LockedPlan;
use super::schema::grants;
use super::service_journal;
use super::types::{UtcTimestamp, new_id};
use super::{StoreError, Write};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use waymark_domain::access::{Granted, Role};
use waymark_domain::ids::Subject;

/// Gives `subject` a grant for the plan, and journals it.
pub fn grant(
    write: &mut Write<'_>,
    plan: &mut LockedPlan,
    actor: &Subject,
    now: DateTime<Utc>,
    subject: Subject,
    granted: Granted,
    reason: Option<String>,
) -> Result<GrantRow, StoreError> {
    let at = plan.instant_after(now);
    let row = GrantRow {
        id: new_id(at).into(),
        plan: Some(plan.id),
        subject,
        granted,
        granted_at: at,
        granted_by: actor.clone(),
        revoked_at: None,
    };
    let change = Change { action: "grant.given", row: NewRow::Grant(row.clone()), before: None, reason };
    journal::record(write, plan, actor, now, vec![change])?;
    Ok(row)
}

/// Revokes a grant of the plan, and journals it; `None` if the plan has no such grant that still holds.
pub fn revoke(
    write: &mut Write<'_>,
    plan: &mut LockedPlan,
    actor: &Subject,
    now: DateTime<Utc>,
    id: GrantId,
    reason: Option<String>,
) -> Result<Option<GrantRow>, StoreError> {
    let Some(held) = find(write, plan.id, id)?.filter(|grant| grant.revoked_at.is_none()) else { return Ok(None) };
    let row = GrantRow { revoked_at: Some(plan.instant_after(now)), ..held.clone() };
    let change =
        Change { action: "grant.revoked", row: NewRow::Grant(row.clone()), before: Some(held.document()), reason };
    journal::record(write, plan, actor, now, vec![change])?;
    Ok(Some(row))
}

/// Sees to it that `subject` holds `role` for the whole service, and gives the grant that says so.
pub fn ensure_service_grant(
    write: &mut Write<'_>,
    subject: &Subject,
    role: Role,
    by: &Subject,
    now: DateTime<Utc>,
) -> Result<GrantRow, StoreError> {
    // Before it is looked for: two instances that start together give one grant.
    let mut journal = service_journal::hold(write)?;
    if let Some(held) = of_service(write, subject)?.into_iter().find(|grant| grant.granted.role == role) {
        return Ok(held);
    }
    let at = DateTime::from(UtcTimestamp::from(now));
    let row = GrantRow {
        id: new_id(at).into(),
        plan: None,
        subject: subject.clone(),
        granted: Granted { role, outcome_areas: Vec::new(), organisation: None, kpis: Vec::new() },
        granted_at: at,
        granted_by: by.clone(),
        revoked_at: None,
    };
    write.run(|any| insert(any, &row))?;
    let change = service_change("given", &row, None, None);
    service_journal::record(write, &mut journal, by, now, vec![change])?;
    Ok(row)
}

/// Revokes a grant for the whole service, and journals it; `false` if it holds no longer, or is not one of the
/// service's.
pub fn revoke_service_grant(
    write: &mut Write<'_>,
    grant: &GrantRow,
    by: &Subject,
    now: DateTime<Utc>,
    reason: &'static str,
) -> Result<bool, StoreError> {
    let mut journal = service_journal::hold(write)?;
    let changed = write.run(|any| {
        diesel::update(grants::table.filter(grants::id.eq(grant.id.to_string())))
            .filter(grants::plan_id.is_null())
            .filter(grants::revoked_at.is_null())
            .set(grants::revoked_at.eq(UtcTimestamp::from(now)))
            .execute(any)
    })?;
    if changed == 0 {
        return Ok(false);
    }
    let row = GrantRow { revoked_at: Some(now), ..grant.clone() };
    let change = service_change("revoked", &row, Some(grant.document()), Some(reason));
    service_journal::record(write, &mut journal, by, now, vec![change])?;
    Ok(true)
}

fn service_change(
    deed: &str,
    row: &GrantRow,
    before: Option<Value>,
    reason: Option<&'static str>,
) -> service_journal::Change {
    service_journal::Change {
        action: format!("grant.{deed}"),
        kind: "grant",
        key: row.id.to_string(),
        before,
        after: Some(row.document()),
        reason,
    }
}
