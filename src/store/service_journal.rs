//! The journal of the service: every change that is in no plan's journal is one entry of this one. It holds tokens, links
//! and clients with their secrets, roles in the whole service, which account is whom, and reminders.
//!
//! Links and clients belong to a plan, and yet their entries are here. An entry in a plan's journal moves the plan's version,
//! and with it every `ETag` and the change feed, which partners read: they would learn that something happened. An entry
//! here names the plan in its document.
//!
//! `hold` comes first and `record` second, as `lock_plan` and `journal::record` do for a plan. Digests are made as in a
//! plan's journal, with an empty code in place of the plan's. No entry contains a secret or the hash of one.
//! [`verify::service`](super::verify::service()) looks for what was not written here.

use chrono::{DateTime, Utc};
use diesel::dsl::sql_query;
use diesel::prelude::*;
use serde_json::Value;

use super::backend::{AnyConn, MultiBackend, insert_all};
use super::schema::{service_head, service_journal};
use super::seal::Sealed;
use super::types::{FromColumn, MaybeJson, UtcTimestamp, canonical};
use super::{Conn, StoreError, Write};
use waymark_domain::ids::{Seq, Subject};

/// What is in a digest for the plan's code, which is never empty.
pub(super) const NO_PLAN: &str = "";

/// Where the journal ends.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = service_head, check_for_backend(MultiBackend))]
pub struct Head {
    /// The place of its last entry; 0 before the first.
    #[diesel(deserialize_as = FromColumn<Seq>)]
    pub seq: Seq,
    /// The digest of that entry; empty before the first.
    pub digest: String,
    /// When it was made.
    #[diesel(deserialize_as = UtcTimestamp)]
    pub at: DateTime<Utc>,
}

/// The journal, which no one else writes to until the end of the write that holds it.
#[derive(Debug)]
pub(super) struct Held(Head);

/// One change, to be recorded. Its row is written by the caller, in the same write.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// What was done: `token.made`.
    pub(super) action: String,
    /// To what sort of thing: `token`, `link`, `client`, `grant`, `person`, `reminder`.
    pub(super) kind: &'static str,
    /// Which one.
    pub(super) key: String,
    /// What it was before.
    pub(super) before: Option<Value>,
    /// What it is now; `None` if its row is gone.
    pub(super) after: Option<Value>,
    /// Why, if a reason is known.
    pub(super) reason: Option<&'static str>,
}

#[derive(Insertable)]
#[diesel(table_name = service_journal, treat_none_as_default_value = false)]
struct Stored<'a> {
    seq: i64,
    at: UtcTimestamp,
    actor: &'a str,
    action: String,
    kind: &'static str,
    key: String,
    before: Option<String>,
    after: Option<String>,
    reason: Option<String>,
    digest: String,
}

/// Holds the journal for this write. On PostgreSQL it waits for the writer that holds it, whichever instance that is.
///
/// A write that locks a plan does so before, and a row that refers to a plan is inserted before: the database locks the plan
/// for it, and two writes that took both locks in different orders would wait for each other.
pub(super) fn hold(write: &mut Write<'_>) -> Result<Held, StoreError> {
    write.run(|any| match any {
        AnyConn::Sqlite(_) => Ok(()),
        AnyConn::Postgres(conn) => sql_query("SELECT id FROM service_head FOR UPDATE").execute(conn).map(drop),
    })?;
    head(write).map(Held)
}

/// Appends the entries of changes, in the order given. All have one instant: `now`, or that of the last entry if `now` lies
/// before it.
pub(super) fn record(
    write: &mut Write<'_>,
    Held(held): &mut Held,
    actor: &Subject,
    now: DateTime<Utc>,
    changes: Vec<Change>,
) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    held.at = DateTime::from(UtcTimestamp::from(now)).max(held.at);
    let mut entries = Vec::with_capacity(changes.len());
    for Change { action, kind, key, before, after, reason } in changes {
        held.seq = held.seq.next();
        let (before, after) = (before.as_ref().map(canonical), after.as_ref().map(canonical));
        let sealed = Sealed {
            plan: NO_PLAN,
            seq: held.seq,
            at: held.at,
            actor: actor.as_str(),
            action: &action,
            kind,
            key: &key,
            before: before.as_deref(),
            after: after.as_deref(),
            reason,
        };
        held.digest = sealed.digest(&held.digest);
        let (seq, at, digest) = (held.seq.0, held.at.into(), held.digest.clone());
        let reason = reason.map(str::to_owned);
        entries.push(Stored { seq, at, actor: actor.as_str(), action, kind, key, before, after, reason, digest });
    }
    write.run(|any| {
        diesel::update(service_head::table)
            .set((
                service_head::seq.eq(held.seq.0),
                service_head::digest.eq(&held.digest),
                service_head::at.eq(UtcTimestamp::from(held.at)),
            ))
            .execute(any)?;
        insert_all!(any, service_journal::table, entries)
    })
}

/// Where the journal ends.
///
/// # Errors
/// [`StoreError::Corrupt`] if the row that states it is missing.
pub fn head(conn: &mut Conn) -> Result<Head, StoreError> {
    let head = conn.run(head_row)?;
    head.ok_or_else(|| StoreError::Corrupt("the row that states where the service's journal ends is missing".into()))
}

/// The row that states where the journal ends, for a caller that looks at the error.
pub(super) fn head_row(any: &mut AnyConn) -> QueryResult<Option<Head>> {
    service_head::table.select(Head::as_select()).first(any).optional()
}

/// An entry as it is in the database.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = service_journal, check_for_backend(MultiBackend))]
pub struct Entry {
    /// Its place.
    #[diesel(deserialize_as = FromColumn<Seq>)]
    pub seq: Seq,
    /// When.
    #[diesel(deserialize_as = UtcTimestamp)]
    pub at: DateTime<Utc>,
    /// Who.
    #[diesel(deserialize_as = FromColumn<Subject>)]
    pub actor: Subject,
    /// Did what.
    pub action: String,
    /// To what sort of thing.
    pub kind: String,
    /// Which one.
    pub key: String,
    /// What it was before.
    #[diesel(deserialize_as = MaybeJson)]
    pub before: Option<Value>,
    /// What it is now.
    #[diesel(deserialize_as = MaybeJson)]
    pub after: Option<Value>,
    /// Why.
    pub reason: Option<String>,
    /// What seals it and everything before it.
    pub digest: String,
}

/// The entries after `after`, in order, at most `limit`.
pub fn page(conn: &mut Conn, after: Seq, limit: i64) -> Result<Vec<Entry>, StoreError> {
    conn.run(|any| {
        service_journal::table
            .filter(service_journal::seq.gt(after.0))
            .order(service_journal::seq)
            .limit(limit)
            .select(Entry::as_select())
            .load(any)
    })
}
