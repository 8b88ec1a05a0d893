//! People who sign in with an account of their organisation: which account is which subject.
//!
//! That an account is a subject is settled once, for good, and journalled. Name and e-mail are copies of what the issuer says,
//! taken anew whenever somebody signs in; like the use of a token, that is no change.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::backend::{AnyConn, MultiBackend};
use super::schema::people;
use super::seal::instant;
use super::service_journal::{self, Change};
use super::types::{FromColumn, UtcTimestamp};
use super::{Conn, StoreError, Write};
use waymark_domain::ids::Subject;

/// A person as the database has them.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = people, check_for_backend(MultiBackend))]
pub struct PersonRow {
    /// Who vouches for the account.
    pub issuer: String,
    /// What the account is at its issuer, and no other is.
    pub claim: String,
    /// Who they are here.
    #[diesel(deserialize_as = FromColumn<Subject>)]
    pub subject: Subject,
    /// What the issuer calls them.
    pub name: Option<String>,
    /// Their e-mail address, if the issuer vouches for it.
    pub email: Option<String>,
    /// When they first signed in.
    #[diesel(deserialize_as = UtcTimestamp)]
    pub bound_at: DateTime<Utc>,
    /// When they last did.
    #[diesel(deserialize_as = UtcTimestamp)]
    pub last_signed_in_at: DateTime<Utc>,
}

impl PersonRow {
    /// What the journal has of it: neither name nor e-mail, which are the issuer's and change there.
    pub(super) fn document(&self) -> Value {
        json!({
            "bound_at": instant(self.bound_at),
            "claim": self.claim,
            "issuer": self.issuer,
            "subject": self.subject,
        })
    }
}

/// The person with this account.
pub fn find(conn: &mut Conn, issuer: &str, claim: &str) -> Result<Option<PersonRow>, StoreError> {
    conn.run(|any| people::table.find((issuer, claim)).select(PersonRow::as_select()).first(any).optional())
}

/// The person who is this subject.
pub fn by_subject(conn: &mut Conn, subject: &Subject) -> Result<Option<PersonRow>, StoreError> {
    conn.run(|any| by_subject_in(any, subject.as_str()).optional())
}

/// The same, for a caller that looks at the error.
pub(super) fn by_subject_in(any: &mut AnyConn, subject: &str) -> QueryResult<PersonRow> {
    people::table.filter(people::subject.eq(subject)).select(PersonRow::as_select()).first(any)
}

/// What everyone is called who signed in with an account that has a name.
pub fn names(conn: &mut Conn) -> Result<BTreeMap<Subject, String>, StoreError> {
    let rows: Vec<PersonRow> = conn.run(|any| people::table.select(PersonRow::as_select()).load(any))?;
    Ok(rows.into_iter().filter_map(|row| Some((row.subject, row.name?))).collect())
}

/// Holds off everyone else who binds an account, until the end of this write: of two who sign in for the first time at one
/// moment, the second finds what the first became.
pub fn hold(write: &mut Write<'_>) -> Result<(), StoreError> {
    service_journal::hold(write).map(drop)
}

/// Binds an account to its subject, and journals it.
pub fn bind(write: &mut Write<'_>, row: &PersonRow) -> Result<(), StoreError> {
    write.run(|any| {
        diesel::insert_into(people::table)
            .values((
                people::issuer.eq(&row.issuer),
                people::claim.eq(&row.claim),
                people::subject.eq(row.subject.as_str()),
                people::name.eq(row.name.as_deref()),
                people::email.eq(row.email.as_deref()),
                people::bound_at.eq(UtcTimestamp::from(row.bound_at)),
                people::last_signed_in_at.eq(UtcTimestamp::from(row.last_signed_in_at)),
            ))
            .execute(any)
            .map(drop)
    })?;
    let mut held = service_journal::hold(write)?;
    let change = Change {
        action: "person.bound".to_owned(),
        kind: "person",
        key: row.subject.as_str().to_owned(),
        before: None,
        after: Some(row.document()),
        reason: None,
    };
    service_journal::record(write, &mut held, &row.subject, row.bound_at, vec![change])
}

/// Notes that somebody signed in, with the name and the e-mail that they have by now.
pub fn signed_in(write: &mut Write<'_>, row: &PersonRow) -> Result<(), StoreError> {
    write.run(|any| {
        diesel::update(people::table.find((&row.issuer, &row.claim)))
            .set((
                people::name.eq(row.name.as_deref()),
                people::email.eq(row.email.as_deref()),
                people::last_signed_in_at.eq(UtcTimestamp::from(row.last_signed_in_at)),
            ))
            .execute(any)
            .map(drop)
    })
}

/// All who are bound, as they are there, readable or not.
pub(super) fn subjects(any: &mut AnyConn) -> QueryResult<Vec<String>> {
    people::table.order(people::subject).select(people::subject).load(any)
}
