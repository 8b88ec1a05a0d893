//! Grants: who may do what, in one plan or in the whole service.
//!
//! A plan's grants are changes of the plan and go through its journal. Those for the whole service belong to no plan and go
//! through the journal of the service.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::backend::{AnyConn, MultiBackend};
use super::schema::grants;
use super::types::{FromColumn, Json, MaybeTimestamp, UtcTimestamp, json_list};
use super::{Conn, StoreError, seal};
use waymark_domain::access::{Granted, Role};
pub use waymark_domain::ids::GrantId;
use waymark_domain::ids::{AreaCode, KpiCode, OrganisationCode, PlanId, Subject};

/// A grant as it is in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRow {
    /// What it is known by.
    pub id: GrantId,
    /// The plan it is for; `None` for the whole service.
    pub plan: Option<PlanId>,
    /// Whom it is given to.
    pub subject: Subject,
    /// What it lets them do.
    pub granted: Granted,
    /// Since when.
    pub granted_at: DateTime<Utc>,
    /// By whom it was given.
    pub granted_by: Subject,
    /// Until when; `None` while it holds.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl GrantRow {
    /// Everything this grant says, as its journal entry has it; instants as [`seal::instant`] writes them.
    pub fn document(&self) -> Value {
        json!({
            "granted_at": seal::instant(self.granted_at),
            "granted_by": self.granted_by,
            "id": self.id.to_string(),
            "kpis": self.granted.kpis,
            "organisation": self.granted.organisation,
            "outcome_areas": self.granted.outcome_areas,
            "revoked_at": self.revoked_at.map(seal::instant),
            "role": self.granted.role.as_str(),
            "subject": self.subject,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = grants, check_for_backend(MultiBackend))]
struct Columns {
    #[diesel(deserialize_as = FromColumn<GrantId>)]
    id: GrantId,
    #[diesel(deserialize_as = FromColumn<Option<PlanId>>)]
    plan_id: Option<PlanId>,
    #[diesel(deserialize_as = FromColumn<Subject>)]
    subject: Subject,
    #[diesel(deserialize_as = FromColumn<Role>)]
    role: Role,
    #[diesel(deserialize_as = Json<Vec<AreaCode>>)]
    outcome_areas: Vec<AreaCode>,
    #[diesel(deserialize_as = FromColumn<Option<OrganisationCode>>)]
    organisation: Option<OrganisationCode>,
    #[diesel(deserialize_as = Json<Vec<KpiCode>>)]
    kpis: Vec<KpiCode>,
    granted_at: UtcTimestamp,
    #[diesel(deserialize_as = FromColumn<Subject>)]
    granted_by: Subject,
    #[diesel(deserialize_as = MaybeTimestamp)]
    revoked_at: Option<DateTime<Utc>>,
}

impl From<Columns> for GrantRow {
    fn from(columns: Columns) -> Self {
        Self {
            id: columns.id,
            plan: columns.plan_id,
            subject: columns.subject,
            granted: Granted {
                role: columns.role,
                outcome_areas: columns.outcome_areas,
                organisation: columns.organisation,
                kpis: columns.kpis,
            },
            granted_at: columns.granted_at.into(),
            granted_by: columns.granted_by,
            revoked_at: columns.revoked_at,
        }
    }
}

/// Every grant of a plan, revoked ones included, in the order of giving.
pub fn list(conn: &mut Conn, plan: PlanId) -> Result<Vec<GrantRow>, StoreError> {
    let rows: Vec<Columns> = conn.run(|any| {
        grants::table
            .filter(grants::plan_id.eq(plan.0))
            .order((grants::granted_at, grants::id))
            .select(Columns::as_select())
            .load(any)
    })?;
    Ok(rows.into_iter().map(GrantRow::from).collect())
}

/// One grant of a plan.
pub fn find(conn: &mut Conn, plan: PlanId, id: GrantId) -> Result<Option<GrantRow>, StoreError> {
    let row: Option<Columns> = conn.run(|any| {
        grants::table
            .filter(grants::plan_id.eq(plan.0))
            .filter(grants::id.eq(id.to_string()))
            .select(Columns::as_select())
            .first(any)
            .optional()
    })?;
    Ok(row.map(GrantRow::from))
}

/// The ids of a plan's grants as they are there, readable or not.
pub(super) fn ids(any: &mut AnyConn, plan: PlanId) -> QueryResult<Vec<String>> {
    grants::table.filter(grants::plan_id.eq(plan.0)).order(grants::id).select(grants::id).load(any)
}

/// The grant of this id, which the caller has from [`ids`].
pub(super) fn by_id(any: &mut AnyConn, id: &str) -> QueryResult<GrantRow> {
    grants::table.find(id).select(Columns::as_select()).first(any).map(GrantRow::from)
}

/// The grants that `subject` holds for the whole service.
pub fn of_service(conn: &mut Conn, subject: &Subject) -> Result<Vec<GrantRow>, StoreError> {
    live(conn, subject, &[])
}

/// The grants that `subject` holds for any of these plans or for the whole service.
pub(super) fn live(conn: &mut Conn, subject: &Subject, plans: &[PlanId]) -> Result<Vec<GrantRow>, StoreError> {
    let rows: Vec<Columns> = conn.run(|any| {
        grants::table
            .filter(grants::subject.eq(subject.as_str()))
            .filter(grants::revoked_at.is_null())
            .filter(grants::plan_id.is_null().or(grants::plan_id.eq_any(plans.iter().map(|plan| plan.0))))
            .order((grants::granted_at, grants::id))
            .select(Columns::as_select())
            .load(any)
    })?;
    Ok(rows.into_iter().map(GrantRow::from).collect())
}

/// The ids of the grants for the whole service as they are there, readable or not.
pub(super) fn ids_of_service(any: &mut AnyConn) -> QueryResult<Vec<String>> {
    grants::table.filter(grants::plan_id.is_null()).order(grants::id).select(grants::id).load(any)
}

/// Writes grants as they now are: new ones as new rows, those revoked over the row that is there.
pub(super) fn put(any: &mut AnyConn, rows: &[GrantRow]) -> QueryResult<()> {
    for row in rows {
        match row.revoked_at {
            None => insert(any, row)?,
            Some(at) => {
                diesel::update(grants::table.find(row.id.to_string()))
                    .set(grants::revoked_at.eq(UtcTimestamp::from(at)))
                    .execute(any)?;
            }
        }
    }
    Ok(())
}

pub(super) fn insert(any: &mut AnyConn, row: &GrantRow) -> QueryResult<()> {
    diesel::insert_into(grants::table)
        .values((
            grants::id.eq(row.id.to_string()),
            grants::plan_id.eq(row.plan.map(|plan| plan.0)),
            grants::subject.eq(row.subject.as_str()),
            grants::role.eq(row.granted.role.as_str()),
            grants::outcome_areas.eq(json_list(&row.granted.outcome_areas)),
            grants::organisation.eq(row.granted.organisation.as_ref().map(OrganisationCode::as_str)),
            grants::kpis.eq(json_list(&row.granted.kpis)),
            grants::granted_at.eq(UtcTimestamp::from(row.granted_at)),
            grants::granted_by.eq(row.granted_by.as_str()),
            grants::revoked_at.eq(row.revoked_at.map(UtcTimestamp::from)),
        ))
        .execute(any)
        .map(drop)
}
