//! The journal: every change to a plan is one entry, and [`record`] is the only door by which a plan changes.
//!
//! An entry's digest is the SHA-256, in lower-case hexadecimal, over the digest of the entry before (nothing before the
//! first) followed by one canonical JSON array: plan code, seq, instant, actor, action, kind, key, before, after,
//! reason. Anyone who changes an old entry breaks the chain at that place; anyone who changes a row no longer agrees
//! with its entry. [`verify`](super::verify::verify) looks for both.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;

use super::backend::{MultiBackend, insert_all};
use super::definitions::{self, DefinitionRevision};
use super::grants::{self, GrantRow};
use super::kinds::EntryKind;
use super::plans::LockedPlan;
use super::readings::{self, ReadingRevision};
use super::schema::journal;
use super::seal::Sealed;
use super::targets::{self, TargetRevision};
use super::types::{FromColumn, MaybeJson, UtcTimestamp, canonical};
use super::webhooks::{self, WebhookRow};
use super::{Conn, StoreError, Write};
use waymark_domain::ids::{PlanId, Seq, Subject};

/// One change of a plan, to be recorded.
#[derive(Clone, Debug)]
pub struct Change {
    /// What was done, in a word: `created`, `updated`, `removed`.
    pub action: &'static str,
    /// What is written.
    pub row: NewRow,
    /// What was there before, as its `document()` has it.
    pub before: Option<Value>,
    /// Why, if the actor said so.
    pub reason: Option<String>,
}

/// What a change writes.
#[derive(Clone, Debug)]
pub enum NewRow {
    /// The next revision of a definition.
    Definition(DefinitionRevision),
    /// The next revision of a target.
    Target(TargetRevision),
    /// The next revision of a reading.
    Reading(ReadingRevision),
    /// A grant that is new, or was revoked; `grants::grant` and `grants::revoke` make these.
    Grant(GrantRow),
    /// A webhook that is new, or was changed in what its document says.
    Webhook {
        /// What it says.
        row: Box<WebhookRow>,
        /// Whether its delivery begins afresh: at once, and with no failure to its name.
        afresh: bool,
    },
}

impl NewRow {
    fn kind(&self) -> EntryKind {
        match self {
            Self::Definition(said) => EntryKind::Definition(said.kind),
            Self::Target(_) => EntryKind::Target,
            Self::Reading(_) => EntryKind::Reading,
            Self::Grant(_) => EntryKind::Grant,
            Self::Webhook { .. } => EntryKind::Webhook,
        }
    }

    fn key(&self) -> String {
        match self {
            Self::Definition(said) => said.code.clone(),
            Self::Target(said) => said.key(),
            Self::Reading(said) => said.key(),
            Self::Grant(row) => row.id.to_string(),
            Self::Webhook { row, .. } => row.id.to_string(),
        }
    }

    fn document(&self) -> Value {
        match self {
            Self::Definition(said) => said.document(),
            Self::Target(said) => said.document(),
            Self::Reading(said) => said.document(),
            Self::Grant(row) => row.document(),
            Self::Webhook { row, .. } => row.document(),
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = journal, treat_none_as_default_value = false)]
struct Stored<'a> {
    plan_id: i64,
    seq: i64,
    at: UtcTimestamp,
    actor: &'a str,
    action: &'static str,
    kind: &'static str,
    key: String,
    before: Option<String>,
    after: Option<String>,
    reason: Option<String>,
    digest: String,
}

/// Writes changes to a locked plan, each with its entry, in the order given; gives their places in the journal.
///
/// All are given one instant: `now`, or that of the plan's last change if `now` lies before it. Nothing limits how many
/// changes one call takes but memory: bring a large import in chunks of some thousands.
///
/// # Errors
/// [`Conflict::Revision`](super::Conflict::Revision) if a revision is there already. After any error the write no
/// longer commits.
pub fn record(
    write: &mut Write<'_>,
    plan: &mut LockedPlan,
    actor: &Subject,
    now: DateTime<Utc>,
    changes: Vec<Change>,
) -> Result<Vec<Seq>, StoreError> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let at = plan.instant_after(now);
    let (mut seq, mut head) = (plan.seq, plan.head_digest().to_owned());
    let mut entries = Vec::with_capacity(changes.len());
    let (mut definitions, mut targets, mut readings, mut grants) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut webhooks = Vec::new();
    for Change { action, row, before, reason } in changes {
        seq = seq.next();
        let (kind, key) = (row.kind().as_str(), row.key());
        let (before, after) = (before.as_ref().map(canonical), canonical(&row.document()));
        let sealed = Sealed {
            plan: plan.code.as_str(),
            seq,
            at,
            actor: actor.as_str(),
            action,
            kind,
            key: &key,
            before: before.as_deref(),
            after: Some(&after),
            reason: reason.as_deref(),
        };
        head = sealed.digest(&head);
        entries.push(Stored {
            plan_id: plan.id.0,
            seq: seq.0,
            at: at.into(),
            actor: actor.as_str(),
            action,
            kind,
            key,
            before,
            after: Some(after),
            reason,
            digest: head.clone(),
        });
        match row {
            NewRow::Definition(said) => definitions.push((seq, said)),
            NewRow::Target(said) => targets.push((seq, said)),
            NewRow::Reading(said) => readings.push((seq, said)),
            NewRow::Grant(row) => grants.push(row),
            NewRow::Webhook { row, afresh } => webhooks.push((seq, row, afresh)),
        }
    }
    // First, because it shows whether the plan is still the one that was locked.
    plan.advance(write, seq, head, at)?;
    write.run(|any| {
        let stamp = UtcTimestamp::from(at);
        definitions::insert(any, plan.id, &definitions)?;
        targets::insert(any, plan.id, stamp, actor, &targets)?;
        readings::insert(any, plan.id, stamp, actor, &readings)?;
        grants::put(any, &grants)?;
        webhooks::put(any, &webhooks)?;
        insert_all!(any, journal::table, entries)
    })?;
    Ok(entries.iter().map(|entry| Seq(entry.seq)).collect())
}

/// An entry as it is in the database.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = journal, check_for_backend(MultiBackend))]
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
    #[diesel(deserialize_as = FromColumn<EntryKind>)]
    pub kind: EntryKind,
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
pub fn page(conn: &mut Conn, plan: PlanId, after: Seq, limit: i64) -> Result<Vec<Entry>, StoreError> {
    conn.run(|any| {
        journal::table
            .filter(journal::plan_id.eq(plan.0))
            .filter(journal::seq.gt(after.0))
            .order(journal::seq)
            .limit(limit)
            .select(Entry::as_select())
            .load(any)
    })
}

/// When the entries at these places were made, and by whom, in the order of the places.
pub fn stamps(conn: &mut Conn, plan: PlanId, places: &[Seq]) -> Result<Vec<(Seq, DateTime<Utc>, Subject)>, StoreError> {
    let mut stamps = Vec::with_capacity(places.len());
    // A statement takes so many parameters and no more.
    for places in places.chunks(1000) {
        let found: Vec<(FromColumn<Seq>, UtcTimestamp, FromColumn<Subject>)> = conn.run(|any| {
            journal::table
                .filter(journal::plan_id.eq(plan.0))
                .filter(journal::seq.eq_any(places.iter().map(|seq| seq.0)))
                .order(journal::seq)
                .select((journal::seq, journal::at, journal::actor))
                .load(any)
        })?;
        stamps.extend(found.into_iter().map(|(seq, at, actor)| (seq.0, at.into(), actor.0)));
    }
    Ok(stamps)
}

/// The last place in the journal at an instant: what the plan's version was then, 0 before its first change.
pub fn seq_at(conn: &mut Conn, plan: PlanId, at: DateTime<Utc>) -> Result<Seq, StoreError> {
    let last: Option<i64> = conn.run(|any| {
        journal::table
            .filter(journal::plan_id.eq(plan.0))
            .filter(journal::at.le(UtcTimestamp::from(at)))
            .order((journal::at.desc(), journal::seq.desc()))
            .select(journal::seq)
            .first(any)
            .optional()
    })?;
    Ok(last.map_or_else(Seq::default, Seq))
}
