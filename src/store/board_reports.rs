//! What board reports hold, to the byte. Their definitions (kind `board_report`) say whose they are, and their SHA-256.

use diesel::prelude::*;

use super::backend::AnyConn;
use super::schema::board_reports;
use super::{Conn, StoreError, Write};
use waymark_domain::ids::{PlanId, ReportId};

/// Keeps the content of a report that is being frozen; the definition with its SHA-256 is the caller's to record in the
/// same write.
///
/// # Errors
/// If the report is stored already.
pub fn keep(write: &mut Write<'_>, plan: PlanId, id: ReportId, content: &str) -> Result<(), StoreError> {
    write.run(|any| {
        diesel::insert_into(board_reports::table)
            .values((
                board_reports::plan_id.eq(plan.0),
                board_reports::id.eq(id.to_string()),
                board_reports::content.eq(content),
            ))
            .execute(any)
            .map(drop)
    })
}

/// The content of a report, as it was frozen.
pub fn content(conn: &mut Conn, plan: PlanId, id: ReportId) -> Result<Option<String>, StoreError> {
    conn.run(|any| by_id(any, plan, &id.to_string()))
}

pub(super) fn by_id(any: &mut AnyConn, plan: PlanId, id: &str) -> QueryResult<Option<String>> {
    board_reports::table.find((plan.0, id)).select(board_reports::content).first(any).optional()
}

/// The ids of the plan's reports whose content is stored.
pub(super) fn ids(any: &mut AnyConn, plan: PlanId) -> QueryResult<Vec<String>> {
    board_reports::table
        .filter(board_reports::plan_id.eq(plan.0))
        .order(board_reports::id)
        .select(board_reports::id)
        .load(any)
}
