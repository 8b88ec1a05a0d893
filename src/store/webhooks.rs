//! Webhooks: what is sent to each subscriber, where it is in the plan's journal, and what was attempted.
//!
//! What a webhook's document says changes through the journal, as everything in a plan does. How far its delivery has
//! come does not: that is the business of anyone who holds its lease ([`claim`]), who alone moves it on ([`advance`]).
//! The two meet in `changed_seq`: a holder uses the webhook as it was claimed, and stops if it was changed since.

use std::fmt;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::backend::{AnyConn, MultiBackend};
use super::schema::{deliveries, webhooks};
use super::seal::sha256;
use super::types::{FromColumn, MaybeTimestamp, UtcTimestamp, canonical};
use super::{Conn, StoreError, Write, seal};
use waymark_domain::document::Document;
pub use waymark_domain::ids::WebhookId;
use waymark_domain::ids::{PlanId, Seq, Subject};
use waymark_domain::webhook::WebhookTerms;

/// What messages are signed with. It is shown once, when it is made, and prints as nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret as it is written: `whsec_` and its bytes in base64.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for anyone who signs with it and for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(..)")
    }
}

/// How far delivery to a subscriber has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The last entry of the journal that is done with.
    pub position: Seq,
    /// How many events of the next entry are done with.
    pub within: i32,
    /// The instant up to which what came with time is done with,
    pub watermark: DateTime<Utc>,
    /// and the last thing of that very instant that is.
    pub watermark_key: String,
}

/// A webhook as it is in the database.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookRow {
    /// What it is known by.
    pub id: WebhookId,
    /// The plan it is about.
    pub plan: PlanId,
    /// Whose it is, and through whose eyes it sees the plan.
    pub subject: Subject,
    /// What it reports, and where to.
    pub terms: WebhookTerms,
    /// Why the service switched it off, and when.
    pub disabled: Option<(String, DateTime<Utc>)>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was removed.
    pub removed_at: Option<DateTime<Utc>>,
    /// What its messages are signed with.
    pub secret: Secret,
    /// What they are signed with as well, and until when.
    pub former: Option<(Secret, DateTime<Utc>)>,
    /// Where in the journal it was last changed.
    pub seq: Seq,
    /// How far delivery to its subscriber has come.
    pub cursor: Cursor,
    /// How many attempts at the next message have failed.
    pub failed: i32,
    /// When the next attempt is due.
    pub next_attempt_at: DateTime<Utc>,
    /// The id of a test message that was asked for.
    pub ping: Option<String>,
}

impl WebhookRow {
    /// Everything the webhook says, as its journal entry has it: no secret. Its address may be one, and the journal
    /// forgets nothing: of the address it has where it leads, and the SHA-256 that shows whether it is the same.
    pub fn document(&self) -> Value {
        let mut members = self.terms.members();
        members.remove("url");
        members.extend([
            ("url_origin".to_owned(), self.terms.origin().into()),
            ("url_sha256".to_owned(), sha256(&self.terms.url).into()),
            ("created_at".to_owned(), seal::instant(self.created_at).into()),
            ("disabled_at".to_owned(), self.disabled.as_ref().map(|(_, at)| seal::instant(*at)).into()),
            ("disabled_reason".to_owned(), self.disabled.as_ref().map(|(reason, _)| reason.clone()).into()),
            ("id".to_owned(), self.id.to_string().into()),
            ("removed_at".to_owned(), self.removed_at.map(seal::instant).into()),
            ("subject".to_owned(), json!(self.subject)),
        ]);
        Value::Object(members)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhooks, check_for_backend(MultiBackend))]
struct Columns {
    #[diesel(deserialize_as = FromColumn<WebhookId>)]
    id: WebhookId,
    #[diesel(deserialize_as = FromColumn<PlanId>)]
    plan_id: PlanId,
    #[diesel(deserialize_as = FromColumn<Subject>)]
    subject: Subject,
    terms: String,
    disabled_reason: Option<String>,
    #[diesel(deserialize_as = MaybeTimestamp)]
    disabled_at: Option<DateTime<Utc>>,
    created_at: UtcTimestamp,
    #[diesel(deserialize_as = MaybeTimestamp)]
    removed_at: Option<DateTime<Utc>>,
    secret: String,
    former_secret: Option<String>,
    #[diesel(deserialize_as = MaybeTimestamp)]
    former_until: Option<DateTime<Utc>>,
    #[diesel(deserialize_as = FromColumn<Seq>)]
    changed_seq: Seq,
    #[diesel(deserialize_as = FromColumn<Seq>)]
    position: Seq,
    within: i32,
    watermark: UtcTimestamp,
    watermark_key: String,
    failed: i32,
    next_attempt_at: UtcTimestamp,
    ping: Option<String>,
}

impl TryFrom<Columns> for WebhookRow {
    type Error = StoreError;

    fn try_from(columns: Columns) -> Result<Self, StoreError> {
        let terms = match serde_json::from_str(&columns.terms) {
            Ok(Value::Object(members)) => WebhookTerms::parse(members).ok(),
            _ => None,
        };
        let terms = terms.ok_or_else(|| StoreError::Corrupt(format!("the webhook {} cannot be read", columns.id)))?;
        Ok(Self {
            id: columns.id,
            plan: columns.plan_id,
            subject: columns.subject,
            terms,
            disabled: columns.disabled_reason.zip(columns.disabled_at),
            created_at: columns.created_at.into(),
            removed_at: columns.removed_at,
            secret: Secret(columns.secret),
            former: columns.former_secret.map(Secret).zip(columns.former_until),
            seq: columns.changed_seq,
            cursor: Cursor {
                position: columns.position,
                within: columns.within,
                watermark: columns.watermark.into(),
                watermark_key: columns.watermark_key,
            },
            failed: columns.failed,
            next_attempt_at: columns.next_attempt_at.into(),
            ping: columns.ping,
        })
    }
}

fn read(rows: Vec<Columns>) -> Result<Vec<WebhookRow>, StoreError> {
    rows.into_iter().map(WebhookRow::try_from).collect()
}

/// Every webhook of a plan, those that were removed included, oldest first.
pub(super) fn all(conn: &mut Conn, plan: PlanId) -> Result<Vec<WebhookRow>, StoreError> {
    read(conn.run(|any| {
        webhooks::table.filter(webhooks::plan_id.eq(plan.0)).order(webhooks::id).select(Columns::as_select()).load(any)
    })?)
}

/// The webhooks of a plan, oldest first.
pub fn list(conn: &mut Conn, plan: PlanId) -> Result<Vec<WebhookRow>, StoreError> {
    let mut rows = all(conn, plan)?;
    rows.retain(|row| row.removed_at.is_none());
    Ok(rows)
}

/// One webhook of a plan.
pub fn find(conn: &mut Conn, plan: PlanId, id: WebhookId) -> Result<Option<WebhookRow>, StoreError> {
    Ok(by_id(conn, id)?.filter(|row| row.plan == plan))
}

/// One webhook, for any caller.
pub fn by_id(conn: &mut Conn, id: WebhookId) -> Result<Option<WebhookRow>, StoreError> {
    let row: Option<Columns> = conn.run(|any| {
        webhooks::table
            .find(id.to_string())
            .filter(webhooks::removed_at.is_null())
            .select(Columns::as_select())
            .first(any)
            .optional()
    })?;
    row.map(WebhookRow::try_from).transpose()
}

/// Writes webhooks with the entry of each: makes what is not there, and changes what the document says of what is. How
/// far delivery has come is left to the holder of the lease, but for the attempts at the next message if they begin
/// `afresh`: what the row says of them may have been read before the holder wrote.
pub(super) fn put(any: &mut AnyConn, rows: &[(Seq, Box<WebhookRow>, bool)]) -> QueryResult<()> {
    for (seq, row, afresh) in rows {
        let stamp = |at: Option<DateTime<Utc>>| at.map(UtcTimestamp::from);
        let document = (
            webhooks::terms.eq(canonical(&Value::Object(row.terms.members()))),
            webhooks::active.eq(row.terms.active && row.removed_at.is_none()),
            webhooks::disabled_reason.eq(row.disabled.as_ref().map(|(reason, _)| reason.clone())),
            webhooks::disabled_at.eq(stamp(row.disabled.as_ref().map(|(_, at)| *at))),
            webhooks::removed_at.eq(stamp(row.removed_at)),
            webhooks::secret.eq(row.secret.0.clone()),
            webhooks::former_secret.eq(row.former.as_ref().map(|(secret, _)| secret.0.clone())),
            webhooks::former_until.eq(stamp(row.former.as_ref().map(|(_, until)| *until))),
            webhooks::changed_seq.eq(seq.0),
        );
        let attempts =
            (webhooks::failed.eq(row.failed), webhooks::next_attempt_at.eq(UtcTimestamp::from(row.next_attempt_at)));
        let known = || diesel::update(webhooks::table.find(row.id.to_string()));
        let changed = known().set(document.clone()).execute(any)?;
        if changed > 0 && *afresh {
            known().set(attempts).execute(any)?;
        }
        if changed == 0 {
            diesel::insert_into(webhooks::table)
                .values((
                    webhooks::id.eq(row.id.to_string()),
                    webhooks::plan_id.eq(row.plan.0),
                    webhooks::subject.eq(row.subject.as_str()),
                    webhooks::created_at.eq(UtcTimestamp::from(row.created_at)),
                    // It reports what comes after it.
                    webhooks::position.eq(seq.0),
                    webhooks::within.eq(0),
                    webhooks::watermark.eq(UtcTimestamp::from(row.created_at)),
                    webhooks::watermark_key.eq(&row.cursor.watermark_key),
                    webhooks::logged.eq(0_i64),
                    attempts,
                    document,
                ))
                .execute(any)?;
        }
        if row.removed_at.is_some() {
            diesel::delete(deliveries::table.filter(deliveries::webhook_id.eq(row.id.to_string()))).execute(any)?;
        }
    }
    Ok(())
}

/// The webhooks that are on, whose next attempt is due, and that nobody delivers just now.
pub fn due(conn: &mut Conn, now: DateTime<Utc>) -> Result<Vec<WebhookRow>, StoreError> {
    let now = UtcTimestamp::from(now);
    read(conn.run(|any| {
        webhooks::table
            .filter(webhooks::active.eq(true))
            .filter(webhooks::next_attempt_at.le(now))
            .filter(webhooks::lease_until.is_null().or(webhooks::lease_until.le(now).assume_not_null()))
            .order((webhooks::next_attempt_at, webhooks::id))
            .select(Columns::as_select())
            .load(any)
    })?)
}

/// Takes the lease of a webhook until an instant; `None` if another holds it. Gives the webhook as it is then.
pub fn claim(
    write: &mut Write<'_>,
    id: WebhookId,
    holder: &str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<WebhookRow>, StoreError> {
    let at = UtcTimestamp::from(now);
    let taken = write.run(|any| {
        diesel::update(webhooks::table.find(id.to_string()))
            .filter(webhooks::active.eq(true))
            .filter(webhooks::next_attempt_at.le(at))
            .filter(webhooks::lease_until.is_null().or(webhooks::lease_until.le(at).assume_not_null()))
            .set((webhooks::lease_holder.eq(holder), webhooks::lease_until.eq(UtcTimestamp::from(until))))
            .execute(any)
    })?;
    if taken == 0 { Ok(None) } else { by_id(write, id) }
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The message's id.
    pub message: String,
    /// What it reported.
    pub event: String,
    /// Which attempt it was, from 1.
    pub attempt: i32,
    /// When.
    pub at: DateTime<Utc>,
    /// `delivered`, `failed` or `switched_off`.
    pub outcome: &'static str,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// What went wrong.
    pub detail: Option<String>,
}

/// Where the holder of a lease leaves a webhook.
#[derive(Clone, Debug)]
pub struct Standing {
    /// How far delivery to its subscriber has come.
    pub cursor: Cursor,
    /// How many attempts at the next message have failed.
    pub failed: i32,
    /// When the next attempt is due.
    pub next_attempt_at: DateTime<Utc>,
    /// Whether the test message that was asked for is done with.
    pub pinged: bool,
    /// Until when the lease is kept; `None` gives it back.
    pub lease_until: Option<DateTime<Utc>>,
}

/// Moves a webhook on from where it was claimed, for the holder of its lease, and saves what was attempted. `false` if
/// nothing more is to be sent in this stretch: the lease was lost and nothing was changed; or the webhook was changed
/// since it was claimed, and the lease is given back, since what it says now is another matter.
pub fn advance(
    write: &mut Write<'_>,
    webhook: &WebhookRow,
    holder: &str,
    standing: &Standing,
    attempt: Option<&Attempt>,
) -> Result<bool, StoreError> {
    let id = webhook.id.to_string();
    let known = || diesel::update(webhooks::table.find(&id));
    // How far delivery has come is true whatever was changed meanwhile. The first of these statements, so that the row
    // is held for the others.
    let held = write.run(|any| {
        known()
            .filter(webhooks::lease_holder.eq(holder))
            .filter(webhooks::removed_at.is_null())
            .set((
                webhooks::position.eq(standing.cursor.position.0),
                webhooks::within.eq(standing.cursor.within),
                webhooks::watermark.eq(UtcTimestamp::from(standing.cursor.watermark)),
                webhooks::watermark_key.eq(&standing.cursor.watermark_key),
                webhooks::lease_holder.eq(None::<String>),
                webhooks::lease_until.eq(None::<UtcTimestamp>),
            ))
            .execute(any)
    })?;
    if held == 0 {
        return Ok(false);
    }
    let unchanged = write.run(|any| {
        if standing.pinged {
            known().set(webhooks::ping.eq(None::<String>)).execute(any)?;
        }
        let unchanged = known()
            .filter(webhooks::changed_seq.eq(webhook.seq.0))
            .set((
                webhooks::failed.eq(standing.failed),
                webhooks::next_attempt_at.eq(UtcTimestamp::from(standing.next_attempt_at)),
                webhooks::lease_holder.eq(standing.lease_until.map(|_| holder)),
                webhooks::lease_until.eq(standing.lease_until.map(UtcTimestamp::from)),
            ))
            .execute(any)?;
        // A failure counts against what failed, not against what has taken its place; what was accepted ends the count
        // for both.
        if unchanged == 0 && standing.failed == 0 {
            known().set(webhooks::failed.eq(0)).execute(any)?;
        }
        Ok(unchanged)
    })?;
    if let Some(attempt) = attempt {
        log(write, webhook.id, attempt)?;
    }
    Ok(unchanged > 0)
}

/// Gives a lease back, if this holder has it.
pub fn release(write: &mut Write<'_>, id: WebhookId, holder: &str) -> Result<(), StoreError> {
    write.run(|any| {
        diesel::update(webhooks::table.find(id.to_string()))
            .filter(webhooks::lease_holder.eq(holder))
            .set((webhooks::lease_holder.eq(None::<String>), webhooks::lease_until.eq(None::<UtcTimestamp>)))
            .execute(any)
            .map(drop)
    })
}

/// Asks for a test message; `false` if one is asked for already.
pub fn ask_for_ping(write: &mut Write<'_>, id: WebhookId, message: &str) -> Result<bool, StoreError> {
    let asked = write.run(|any| {
        diesel::update(webhooks::table.find(id.to_string()))
            .filter(webhooks::ping.is_null())
            .set(webhooks::ping.eq(message))
            .execute(any)
    })?;
    Ok(asked > 0)
}

/// How many attempts of a webhook are kept.
const ATTEMPTS_KEPT: i64 = 1_000;

/// Keeps what was attempted, and forgets what is long past.
pub fn log(write: &mut Write<'_>, id: WebhookId, attempt: &Attempt) -> Result<(), StoreError> {
    write.run(|any| {
        let id = id.to_string();
        diesel::update(webhooks::table.find(&id)).set(webhooks::logged.eq(webhooks::logged + 1)).execute(any)?;
        let number: i64 = webhooks::table.find(&id).select(webhooks::logged).first(any)?;
        diesel::insert_into(deliveries::table)
            .values((
                deliveries::webhook_id.eq(&id),
                deliveries::number.eq(number),
                deliveries::message.eq(&attempt.message),
                deliveries::event.eq(&attempt.event),
                deliveries::attempt.eq(attempt.attempt),
                deliveries::at.eq(UtcTimestamp::from(attempt.at)),
                deliveries::outcome.eq(attempt.outcome),
                deliveries::status.eq(attempt.status.map(i32::from)),
                deliveries::detail.eq(&attempt.detail),
            ))
            .execute(any)?;
        diesel::delete(
            deliveries::table
                .filter(deliveries::webhook_id.eq(&id))
                .filter(deliveries::number.le(number - ATTEMPTS_KEPT)),
        )
        .execute(any)
        .map(drop)
    })
}

/// An attempt as it is in the log.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = deliveries, check_for_backend(MultiBackend))]
pub struct DeliveryRow {
    /// Its number among the webhook's, from 1.
    pub number: i64,
    /// The message's id.
    pub message: String,
    /// What it reported.
    pub event: String,
    /// Which attempt at the message it was, from 1.
    pub attempt: i32,
    /// When.
    #[diesel(deserialize_as = UtcTimestamp)]
    pub at: DateTime<Utc>,
    /// What came of it.
    pub outcome: String,
    /// The HTTP status, if there was an answer.
    pub status: Option<i32>,
    /// What went wrong.
    pub detail: Option<String>,
}

/// The attempts of a webhook, latest first: at most `limit` of those before number `before`.
pub fn attempts(
    conn: &mut Conn,
    id: WebhookId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<DeliveryRow>, StoreError> {
    conn.run(|any| {
        deliveries::table
            .filter(deliveries::webhook_id.eq(id.to_string()))
            .filter(deliveries::number.lt(before.unwrap_or(i64::MAX)))
            .order(deliveries::number.desc())
            .limit(limit)
            .select(DeliveryRow::as_select())
            .load(any)
    })
}
