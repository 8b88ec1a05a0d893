//! Targets, stored revision by revision.

#![expect(clippy::ref_option_ref, reason = "what Insertable derives")]

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::backend::{AnyConn, MultiBackend, insert_all};
use super::schema::targets;
use super::types::{FromColumn, UtcTimestamp};
use super::{Conn, StoreError};
use waymark_domain::document::Document;
use waymark_domain::ids::{KpiCode, PlanId, Seq, Subject};
use waymark_domain::number::Figure;
use waymark_domain::period::Period;
use waymark_domain::target::{Target, TargetKind, TargetState};
use waymark_domain::warning::Acknowledged;

/// One revision of a target, to be written through `journal::record`.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetRevision {
    /// Whose target it is.
    pub kpi: KpiCode,
    /// For when.
    pub period: Period,
    /// 1 for the first, and one more for each that replaces it.
    pub revision: i32,
    /// The target.
    pub target: Target,
    /// Whether this revision removes the target.
    pub removed: bool,
}

impl TargetRevision {
    /// Its key in the journal: `NI-117/FY2009-10`.
    pub fn key(&self) -> String {
        format!("{}/{}", self.kpi, self.period)
    }

    /// Everything this revision says, as its journal entry has it.
    pub fn document(&self) -> Value {
        json!({
            "kpi": self.kpi,
            "period": self.period.to_string(),
            "removed": self.removed,
            "revision": self.revision,
            "target": self.target.members(),
        })
    }
}

/// A revision of a target as it is in the database.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetRow {
    /// Its entry in the journal.
    pub seq: Seq,
    /// When it was recorded: the entry's instant.
    pub recorded_at: DateTime<Utc>,
    /// By whom: the entry's actor.
    pub recorded_by: Subject,
    /// What it says.
    pub said: TargetRevision,
}

impl std::ops::Deref for TargetRow {
    type Target = TargetRevision;

    fn deref(&self) -> &TargetRevision {
        &self.said
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = targets, check_for_backend(MultiBackend))]
struct Columns {
    #[diesel(deserialize_as = FromColumn<Seq>)]
    seq: Seq,
    #[diesel(deserialize_as = FromColumn<KpiCode>)]
    kpi: KpiCode,
    #[diesel(deserialize_as = FromColumn<Period>)]
    period: Period,
    revision: i32,
    #[diesel(deserialize_as = FromColumn<Option<Figure>>)]
    value: Option<Figure>,
    #[diesel(deserialize_as = FromColumn<Option<Figure>>)]
    low: Option<Figure>,
    #[diesel(deserialize_as = FromColumn<Option<Figure>>)]
    high: Option<Figure>,
    #[diesel(deserialize_as = FromColumn<Option<Figure>>)]
    floor: Option<Figure>,
    #[diesel(deserialize_as = FromColumn<TargetKind>)]
    kind: TargetKind,
    #[diesel(deserialize_as = FromColumn<TargetState>)]
    state: TargetState,
    rationale: Option<String>,
    agreed_by: Option<String>,
    agreed_on: Option<NaiveDate>,
    reason: Option<String>,
    removed: bool,
    #[diesel(deserialize_as = FromColumn<Acknowledged>)]
    acknowledged: Acknowledged,
    recorded_at: UtcTimestamp,
    #[diesel(deserialize_as = FromColumn<Subject>)]
    recorded_by: Subject,
}

impl From<Columns> for TargetRow {
    fn from(columns: Columns) -> Self {
        let target = Target {
            value: columns.value,
            low: columns.low,
            high: columns.high,
            floor: columns.floor,
            kind: columns.kind,
            state: columns.state,
            rationale: columns.rationale,
            agreed_by: columns.agreed_by,
            agreed_on: columns.agreed_on,
            reason: columns.reason,
            acknowledged: columns.acknowledged,
        };
        Self {
            seq: columns.seq,
            recorded_at: columns.recorded_at.into(),
            recorded_by: columns.recorded_by,
            said: TargetRevision {
                kpi: columns.kpi,
                period: columns.period,
                revision: columns.revision,
                target,
                removed: columns.removed,
            },
        }
    }
}

/// The revisions written after `after` and up to `up_to` (to the last if `None`), in the order of writing.
pub fn load(conn: &mut Conn, plan: PlanId, after: Seq, up_to: Option<Seq>) -> Result<Vec<TargetRow>, StoreError> {
    conn.run(|any| between(any, plan, after, up_to.unwrap_or(Seq(i64::MAX))))
}

/// The revisions written after `after` and up to `up_to`.
pub(super) fn between(any: &mut AnyConn, plan: PlanId, after: Seq, up_to: Seq) -> QueryResult<Vec<TargetRow>> {
    let rows: Vec<Columns> = targets::table
        .filter(targets::plan_id.eq(plan.0))
        .filter(targets::seq.gt(after.0))
        .filter(targets::seq.le(up_to.0))
        .order(targets::seq)
        .select(Columns::as_select())
        .load(any)?;
    Ok(rows.into_iter().map(TargetRow::from).collect())
}

/// The latest revision of one target, as known up to `up_to` (to the last if `None`).
pub fn find(
    conn: &mut Conn,
    plan: PlanId,
    kpi: &KpiCode,
    period: Period,
    up_to: Option<Seq>,
) -> Result<Option<TargetRow>, StoreError> {
    let row: Option<Columns> = conn.run(|any| {
        targets::table
            .filter(targets::plan_id.eq(plan.0))
            .filter(targets::kpi.eq(kpi.as_str()))
            .filter(targets::period.eq(period.to_string()))
            // A sum, so that SQLite does not take the index by `seq` and go through all of the plan.
            .filter((targets::seq + 0).le(up_to.map_or(i64::MAX, |seq| seq.0)))
            .order(targets::revision.desc())
            .select(Columns::as_select())
            .first(any)
            .optional()
    })?;
    Ok(row.map(TargetRow::from))
}

/// Every revision of one target, the first one first.
pub fn history(conn: &mut Conn, plan: PlanId, kpi: &KpiCode, period: Period) -> Result<Vec<TargetRow>, StoreError> {
    let rows: Vec<Columns> = conn.run(|any| {
        targets::table
            .filter(targets::plan_id.eq(plan.0))
            .filter(targets::kpi.eq(kpi.as_str()))
            .filter(targets::period.eq(period.to_string()))
            .order(targets::revision)
            .select(Columns::as_select())
            .load(any)
    })?;
    Ok(rows.into_iter().map(TargetRow::from).collect())
}

#[derive(Insertable)]
#[diesel(table_name = targets, treat_none_as_default_value = false)]
struct Stored<'a> {
    plan_id: i64,
    kpi: &'a str,
    period: String,
    revision: i32,
    seq: i64,
    value: Option<String>,
    low: Option<String>,
    high: Option<String>,
    floor: Option<String>,
    kind: &'static str,
    state: &'static str,
    rationale: Option<&'a str>,
    agreed_by: Option<&'a str>,
    agreed_on: Option<NaiveDate>,
    reason: Option<&'a str>,
    removed: bool,
    acknowledged: String,
    recorded_at: UtcTimestamp,
    recorded_by: &'a str,
}

pub(super) fn insert(
    any: &mut AnyConn,
    plan: PlanId,
    at: UtcTimestamp,
    by: &Subject,
    rows: &[(Seq, TargetRevision)],
) -> QueryResult<()> {
    let text = |figure: Option<Figure>| figure.map(|figure| figure.to_string());
    let rows: Vec<Stored<'_>> = rows
        .iter()
        .map(|(seq, said)| Stored {
            plan_id: plan.0,
            kpi: said.kpi.as_str(),
            period: said.period.to_string(),
            revision: said.revision,
            seq: seq.0,
            value: text(said.target.value),
            low: text(said.target.low),
            high: text(said.target.high),
            floor: text(said.target.floor),
            kind: said.target.kind.as_str(),
            state: said.target.state.as_str(),
            rationale: said.target.rationale.as_deref(),
            agreed_by: said.target.agreed_by.as_deref(),
            agreed_on: said.target.agreed_on,
            reason: said.target.reason.as_deref(),
            removed: said.removed,
            acknowledged: said.target.acknowledged.to_string(),
            recorded_at: at,
            recorded_by: by.as_str(),
        })
        .collect();
    insert_all!(any, targets::table, rows)
}
