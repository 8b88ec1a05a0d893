//! Who was reminded on which day: one digest per person and day, however many instances send them. The note is made
//! before a digest is sent and removed if it could not be; both are entries of the service's journal.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::backend::on_backend;
use super::schema::{grants, reminders};
use super::seal::instant;
use super::service_journal::{self, Change};
use super::types::{FromColumn, UtcTimestamp};
use super::{Conn, StoreError, Write};
use waymark_domain::ids::Subject;

/// Everyone who holds a grant for a plan, in order.
pub fn people(conn: &mut Conn) -> Result<Vec<Subject>, StoreError> {
    let found: Vec<FromColumn<Subject>> = conn.run(|any| {
        grants::table
            .filter(grants::revoked_at.is_null())
            .filter(grants::plan_id.is_not_null())
            .order(grants::subject)
            .select(grants::subject)
            .distinct()
            .load(any)
    })?;
    Ok(found.into_iter().map(|subject| subject.0).collect())
}

/// Notes that a person is being reminded on a day, and journals it; `false` if they were already.
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
    if made == 0 {
        return Ok(false);
    }
    let mut journal = service_journal::hold(write)?;
    let change = change("claimed", subject, day, None, Some(document(subject, day, at)));
    service_journal::record(write, &mut journal, &Subject::of_the_service(), at, vec![change])?;
    Ok(true)
}

/// Removes the note because the digest was not sent, and journals it.
pub fn release(write: &mut Write<'_>, subject: &Subject, day: NaiveDate, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut journal = service_journal::hold(write)?;
    let note = || reminders::table.find((subject.as_str(), day.to_string()));
    let found: Option<UtcTimestamp> = write.run(|any| note().select(reminders::at).first(any).optional())?;
    let Some(at) = found else { return Ok(()) };
    write.run(|any| diesel::delete(note()).execute(any))?;
    let before = document(subject, day, at.into());
    let change =
        Change { reason: Some("It could not be sent."), ..change("released", subject, day, Some(before), None) };
    service_journal::record(write, &mut journal, &Subject::of_the_service(), now, vec![change])
}

fn document(subject: &Subject, day: NaiveDate, at: DateTime<Utc>) -> Value {
    json!({"at": instant(at), "day": day.to_string(), "subject": subject})
}

fn change(deed: &str, subject: &Subject, day: NaiveDate, before: Option<Value>, after: Option<Value>) -> Change {
    let (action, key) = (format!("reminder.{deed}"), format!("{day}/{subject}"));
    Change { action, kind: "reminder", key, before, after, reason: None }
}
