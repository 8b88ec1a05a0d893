//! Definitions: what a plan consists of besides targets and figures (the plan itself, its partners, its framework, its
//! policies, its KPIs, and the cycle's rounds, returns, actions, benchmarks and board reports), each stored revision by
//! revision as the whole document it was.

use diesel::prelude::*;
use serde_json::{Value, json};

use super::backend::{AnyConn, MultiBackend, insert_all};
use super::kinds::DefinitionKind;
use super::schema::definitions;
use super::types::{FromColumn, MaybeJson, canonical};
use super::{Conn, StoreError};
use waymark_domain::ids::{PlanId, Seq};

/// One revision of a definition, to be written through `journal::record`.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = definitions, check_for_backend(MultiBackend))]
pub struct DefinitionRevision {
    /// What it defines.
    #[diesel(deserialize_as = FromColumn<DefinitionKind>)]
    pub kind: DefinitionKind,
    /// Its code within the plan and the kind.
    pub code: String,
    /// 1 for the first, and one more for each that replaces it.
    pub revision: i32,
    /// The whole definition; `None` if this revision removes it.
    #[diesel(deserialize_as = MaybeJson)]
    pub body: Option<Value>,
}

impl DefinitionRevision {
    /// Everything this revision says, as its journal entry has it.
    pub fn document(&self) -> Value {
        json!({ "body": self.body, "code": self.code, "revision": self.revision })
    }
}

/// A revision of a definition as it is in the database.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = definitions, check_for_backend(MultiBackend))]
pub struct DefinitionRow {
    /// Its entry in the journal.
    #[diesel(deserialize_as = FromColumn<Seq>)]
    pub seq: Seq,
    /// What it says.
    #[diesel(embed)]
    pub said: DefinitionRevision,
}

impl std::ops::Deref for DefinitionRow {
    type Target = DefinitionRevision;

    fn deref(&self) -> &DefinitionRevision {
        &self.said
    }
}

/// The revisions written after `after` and up to `up_to` (to the last if `None`), in the order of writing.
pub fn load(conn: &mut Conn, plan: PlanId, after: Seq, up_to: Option<Seq>) -> Result<Vec<DefinitionRow>, StoreError> {
    conn.run(|any| between(any, plan, after, up_to.unwrap_or(Seq(i64::MAX))))
}

/// The revisions written after `after` and up to `up_to`.
pub(super) fn between(any: &mut AnyConn, plan: PlanId, after: Seq, up_to: Seq) -> QueryResult<Vec<DefinitionRow>> {
    definitions::table
        .filter(definitions::plan_id.eq(plan.0))
        .filter(definitions::seq.gt(after.0))
        .filter(definitions::seq.le(up_to.0))
        .order(definitions::seq)
        .select(DefinitionRow::as_select())
        .load(any)
}

/// The latest revision of one definition, as known up to `up_to` (to the last if `None`).
pub fn find(
    conn: &mut Conn,
    plan: PlanId,
    kind: DefinitionKind,
    code: &str,
    up_to: Option<Seq>,
) -> Result<Option<DefinitionRow>, StoreError> {
    conn.run(|any| latest(any, plan, kind, code, up_to))
}

pub(super) fn latest(
    any: &mut AnyConn,
    plan: PlanId,
    kind: DefinitionKind,
    code: &str,
    up_to: Option<Seq>,
) -> QueryResult<Option<DefinitionRow>> {
    definitions::table
        .filter(definitions::plan_id.eq(plan.0))
        .filter(definitions::kind.eq(kind.as_str()))
        .filter(definitions::code.eq(code))
        // A sum, so that SQLite does not take the index by `seq` and go through all of the plan.
        .filter((definitions::seq + 0).le(up_to.map_or(i64::MAX, |seq| seq.0)))
        .order(definitions::revision.desc())
        .select(DefinitionRow::as_select())
        .first(any)
        .optional()
}

/// The texts of all definitions of a kind by code, of each the latest revision last, as they are.
pub(super) fn bodies(
    any: &mut AnyConn,
    plan: PlanId,
    kind: DefinitionKind,
) -> QueryResult<Vec<(String, Option<String>)>> {
    definitions::table
        .filter(definitions::plan_id.eq(plan.0))
        .filter(definitions::kind.eq(kind.as_str()))
        .order((definitions::code, definitions::revision))
        .select((definitions::code, definitions::body))
        .load(any)
}

/// Every revision of one definition, the first one first.
pub fn history(
    conn: &mut Conn,
    plan: PlanId,
    kind: DefinitionKind,
    code: &str,
) -> Result<Vec<DefinitionRow>, StoreError> {
    conn.run(|any| {
        definitions::table
            .filter(definitions::plan_id.eq(plan.0))
            .filter(definitions::kind.eq(kind.as_str()))
            .filter(definitions::code.eq(code))
            .order(definitions::revision)
            .select(DefinitionRow::as_select())
            .load(any)
    })
}

#[derive(Insertable)]
#[diesel(table_name = definitions, treat_none_as_default_value = false)]
struct Stored<'a> {
    plan_id: i64,
    kind: &'static str,
    code: &'a str,
    revision: i32,
    seq: i64,
    body: Option<String>,
}

pub(super) fn insert(any: &mut AnyConn, plan: PlanId, rows: &[(Seq, DefinitionRevision)]) -> QueryResult<()> {
    let rows: Vec<Stored<'_>> = rows
        .iter()
        .map(|(seq, said)| Stored {
            plan_id: plan.0,
            kind: said.kind.as_str(),
            code: &said.code,
            revision: said.revision,
            seq: seq.0,
            body: said.body.as_ref().map(canonical),
        })
        .collect();
    insert_all!(any, definitions::table, rows)
}
