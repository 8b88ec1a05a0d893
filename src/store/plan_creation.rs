//! Making a plan: by a code that a removed plan had, its journal goes on counting.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::backend::on_backend;
use super::error::Conflict;
use super::plans::{LockedPlan, find_any};
use super::removals;
use super::schema::plans;
use super::types::UtcTimestamp;
use super::{StoreError, Write};
use waymark_domain::ids::PlanCode;

/// Makes a plan, empty and locked. Its journal goes on where one that was removed by the same code ended.
///
/// # Errors
/// [`Conflict::Plan`] if there is one of this code; the write may go on after it.
pub fn create_plan(
    write: &mut Write<'_>,
    code: &PlanCode,
    public: bool,
    now: DateTime<Utc>,
) -> Result<LockedPlan, StoreError> {
    let removal = write.run(|any| removals::latest(any, code))?;
    // By a code that a removed plan had it goes on counting, so that nobody takes the one for the other.
    let (seq, head) = removal.as_ref().map_or((0, ""), |removal| (removal.seq().0, removal.digest()));
    let made = write.run(|any| {
        on_backend!(any, |conn| {
            diesel::insert_into(plans::table)
                .values((
                    plans::code.eq(code.as_str()),
                    plans::public.eq(public),
                    plans::seq.eq(seq),
                    plans::head_digest.eq(head),
                    plans::changed_at.eq(UtcTimestamp::from(now)),
                ))
                // A conflict met as an error would end the transaction on PostgreSQL.
                .on_conflict(plans::code)
                .do_nothing()
                .execute(conn)
        })
    })?;
    let row = if made == 0 { None } else { find_any(write, code)? };
    row.map(|row| LockedPlan::new(row, Vec::new())).ok_or(StoreError::Conflict(Conflict::Plan))
}
