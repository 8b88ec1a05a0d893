//! Who was reminded on which day: one digest per person and day, however many instances send them. [`claim`] it before it
//! is sent; then [`settle`] the claim, or [`release`] it if it could not be sent. A claim is good for a time only, so that
//! a process that stops in between costs nobody their digest. Claims and releases are entries of the service's journal.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::backend::on_backend;
use super::schema::{grants, reminders};
use super::seal::instant;
use super::service_journal::{self, Change};
use super::types::{FromColumn, MaybeTimestamp, UtcTimestamp};
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

/// Whose a person's digest of a day is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The caller's, who now sends it.
    Taken,
    /// Another's, who is sending it.
    Held,
    /// Nobody's any more: it was sent.
    Sent,
}

/// Claims a person's digest of a day until an instant, and journals it. A claim whose time ran out before anything was
/// sent is taken over: its process has stopped.
pub fn claim(
    write: &mut Write<'_>,
    (subject, day): (&Subject, NaiveDate),
    at: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Claim, StoreError> {
    let (claimed, lease) = (UtcTimestamp::from(at), UtcTimestamp::from(until));
    let row = (
        reminders::subject.eq(subject.as_str()),
        reminders::day.eq(day.to_string()),
        reminders::at.eq(claimed),
        reminders::lease_until.eq(lease),
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
    let mut before = None;
    if made == 0 {
        let note = || reminders::table.find((subject.as_str(), day.to_string()));
        let found: Option<(UtcTimestamp, MaybeTimestamp)> =
            write.run(|any| note().select((reminders::at, reminders::lease_until)).first(any).optional())?;
        let Some((earlier, held_until)) = found else { return Ok(Claim::Held) };
        if Option::<DateTime<Utc>>::from(held_until).is_none() {
            return Ok(Claim::Sent);
        }
        // Compared again by the database: another may take it over at this moment.
        let taken = write.run(|any| {
            diesel::update(note())
                .filter(reminders::lease_until.le(claimed))
                .set((reminders::at.eq(claimed), reminders::lease_until.eq(lease)))
                .execute(any)
        })?;
        if taken == 0 {
            return Ok(Claim::Held);
        }
        before = Some(document(subject, day, earlier.into()));
    }
    let mut journal = service_journal::hold(write)?;
    let change = change("claimed", subject, day, before, Some(document(subject, day, at)));
    service_journal::record(write, &mut journal, &Subject::of_the_service(), at, vec![change])?;
    Ok(Claim::Taken)
}

/// Notes that what was claimed at an instant was sent. How far a delivery has come is no change, and has no entry.
pub fn settle(
    write: &mut Write<'_>,
    (subject, day): (&Subject, NaiveDate),
    claimed: DateTime<Utc>,
) -> Result<(), StoreError> {
    write.run(|any| {
        diesel::update(reminders::table.find((subject.as_str(), day.to_string())))
            .filter(reminders::at.eq(UtcTimestamp::from(claimed)))
            .set(reminders::lease_until.eq(None::<UtcTimestamp>))
            .execute(any)
    })?;
    Ok(())
}

/// Removes what was claimed at an instant because the digest was not sent, and journals it. A claim that another has
/// taken over stays.
pub fn release(
    write: &mut Write<'_>,
    (subject, day): (&Subject, NaiveDate),
    claimed: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut journal = service_journal::hold(write)?;
    let note = reminders::table
        .find((subject.as_str(), day.to_string()))
        .filter(reminders::at.eq(UtcTimestamp::from(claimed)));
    if write.run(|any| diesel::delete(note).execute(any))? == 0 {
        return Ok(());
    }
    let before = document(subject, day, claimed);
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
