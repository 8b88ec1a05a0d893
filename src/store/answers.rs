//! Requests that are not to be carried out twice, by subject and key, and how they were answered.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::answers;
use super::types::UtcTimestamp;
use super::{Conn, StoreError, Write};
use waymark_domain::ids::Subject;

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The status code.
    pub status: u16,
    /// Its headers, as a JSON object.
    pub headers: String,
    /// Its body.
    pub body: String,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRequest {
    /// What distinguishes the request that came with it from others.
    pub fingerprint: String,
    /// How it was answered; `None` if that is not known, or not yet.
    pub answer: Option<KeptAnswer>,
}

/// What is known of a subject's key, if it came after `since`.
pub fn find(
    conn: &mut Conn,
    subject: &Subject,
    key: &str,
    since: DateTime<Utc>,
) -> Result<Option<KnownRequest>, StoreError> {
    type Row = (String, Option<i32>, Option<String>, Option<String>);
    let row: Option<Row> = conn.run(|any| {
        answers::table
            .find((subject.as_str(), key))
            .filter(answers::asked_at.gt(UtcTimestamp::from(since)))
            .select((answers::fingerprint, answers::status, answers::headers, answers::body))
            .first(any)
            .optional()
    })?;
    Ok(row.map(|(fingerprint, status, headers, body)| {
        let status = status.and_then(|status| u16::try_from(status).ok());
        let answer = status.zip(headers).zip(body);
        let answer = answer.map(|((status, headers), body)| KeptAnswer { status, headers, body });
        KnownRequest { fingerprint, answer }
    }))
}

/// Writes down that a request with this key is carried out, and forgets those that came up to `since`.
///
/// # Errors
/// [`Conflict::Request`](super::Conflict::Request) if another request with the key got there first.
pub fn claim(
    write: &mut Write<'_>,
    subject: &Subject,
    key: &str,
    fingerprint: &str,
    now: DateTime<Utc>,
    since: DateTime<Utc>,
) -> Result<(), StoreError> {
    write.run(|any| {
        diesel::delete(answers::table.filter(answers::asked_at.le(UtcTimestamp::from(since)))).execute(any)?;
        diesel::insert_into(answers::table)
            .values((
                answers::subject.eq(subject.as_str()),
                answers::key.eq(key),
                answers::fingerprint.eq(fingerprint),
                answers::asked_at.eq(UtcTimestamp::from(now)),
            ))
            .execute(any)
            .map(drop)
    })
}

/// Keeps the answer to a request that was carried out.
pub fn keep(write: &mut Write<'_>, subject: &Subject, key: &str, answer: &KeptAnswer) -> Result<(), StoreError> {
    write.run(|any| {
        diesel::update(answers::table.find((subject.as_str(), key)))
            .set((
                answers::status.eq(i32::from(answer.status)),
                answers::headers.eq(&answer.headers),
                answers::body.eq(&answer.body),
            ))
            .execute(any)
            .map(drop)
    })
}
