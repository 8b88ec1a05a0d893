//! Who was reminded on which day: one digest a person and day, however many instances send them.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;

use super::backend::on_backend;
use super::schema::{grants, reminders};
use super::types::UtcTimestamp;
use super::{Conn, StoreError, Write};
use crate::domain::ids::Subject;

/// Everyone who holds a grant for a plan, in order.
pub fn people(conn: &mut Conn) -> Result<Vec<Subject>, StoreError> {
    conn.run(|any| {
        grants::table
            .filter(grants::revoked_at.is_null())
            .filter(grants::plan_id.is_not_null())
            .order(grants::subject)
            .select(grants::subject)
            .distinct()
            .load(any)
    })
}

/// Notes that a person is being reminded on a day; `false` where they were already.
pub fn claim(write: &mut Write<'_>, subject: &Subject, day: NaiveDate, at: DateTime<Utc>) -> Result<bool, StoreError> {
    let row = (
        reminders::subject.eq(subject.as_str()),
        reminders::day.eq(day.to_string()),
        reminders::at.eq(UtcTimestamp::from(at)),
    );
    let made = write.run(|any| {
        on_backend!(any, |conn| {
            diesel::insert_into(reminders::table)
                .values(row)
                .on_conflict((reminders::subject, reminders::day))
                .do_nothing()
                .execute(conn)
        })
    })?;
    Ok(made > 0)
}

/// Takes the note back: the mail was not sent.
pub fn release(write: &mut Write<'_>, subject: &Subject, day: NaiveDate) -> Result<(), StoreError> {
    write.run(|any| diesel::delete(reminders::table.find((subject.as_str(), day.to_string()))).execute(any)).map(drop)
}
