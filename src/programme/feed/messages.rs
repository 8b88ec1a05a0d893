//! What a webhook's subscriber is sent next: read off the journal from the subscriber's place, entry by entry, with
//! what fell overdue between two entries in its place in time.
//!
//! The journal is the queue: nothing is put into another. What an entry reports is worked out when it is delivered,
//! through the subscriber's own access as it is then, so that a role that was revoked reports nothing more. How many
//! events an entry can report does not depend on the reader, so that a place within it means the same at every attempt.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use waymark_domain::access::Audience;
use waymark_domain::action::ActionState;
use waymark_domain::ids::{GroupCode, KpiCode, PlanId, Seq, Subject};
use waymark_domain::number::Figure;
use waymark_domain::period::{Period, first_moment_of, start_of_day_in_london};
use waymark_domain::round::ReturnState;
use waymark_domain::webhook::{EventType, retry_after};
use waymark_store::journal::{self, Entry, NewRow};
use waymark_store::kinds::DefinitionKind;
use waymark_store::kinds::EntryKind;
use waymark_store::webhooks::{self, Attempt, Cursor, Standing, WebhookId, WebhookRow};
use waymark_store::{Conn, StoreError, plans};

use crate::feed::webhooks::LAST_KEY;
use crate::figures::effects::{Effects, Place, Standing as Stands, Through, reached};
use crate::picture::{KpiPicture, Picture};
use crate::seen::Seen;
use crate::{OpenPlan, Pictures, Programme, Refusal};

/// How long a lease is held without a sign of life.
const LEASE: TimeDelta = TimeDelta::minutes(2);

/// How many entries are looked at before a place is noted, if none of them reports anything.
const ENTRIES_AT_A_TIME: i64 = 50;

/// The largest message, in bytes.
pub const LARGEST_MESSAGE: usize = 20_000;

/// A message to a subscriber.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The same at every attempt.
    pub id: String,
    /// What it reports.
    pub event: String,
    /// The JSON that is sent and signed.
    pub body: String,
}

/// What there is to do for a subscriber.
#[derive(Clone, Debug)]
pub enum Next {
    /// Nothing more up to now: note how far that is.
    Nothing(Cursor),
    /// Nothing in what was looked at, and there is more to look at.
    Further(Cursor),
    /// Send this, and then go on from there.
    Send(Message, Cursor),
    /// Switch the webhook off: its owner sees the plan no longer.
    SwitchOff(&'static str),
    /// Begin again with the webhook as it is now, if it still is: it was changed since it was claimed.
    Changed,
}

/// Something that an entry can report.
enum Candidate {
    Reading(EventType),
    Target,
    Return(EventType),
    BoardReport,
    Status(Place, Through),
}

/// What a message reports: of what kind it is, and its data.
type Told = (EventType, Map<String, Value>);

/// Something that comes with time.
struct Due {
    at: DateTime<Utc>,
    key: String,
    event: EventType,
    data: Map<String, Value>,
}

impl Programme {
    /// The webhooks that there may be something to do for, each with its plan's version in mind; who has waited longest first.
    pub async fn webhooks_due(&self, now: DateTime<Utc>) -> Result<Vec<WebhookId>, Refusal> {
        self.store
            .read(move |conn| {
                let rows = webhooks::due(conn, now)?;
                let mut of: Vec<PlanId> = rows.iter().map(|row| row.plan).collect();
                of.sort_unstable_by_key(|plan| plan.0);
                of.dedup();
                let versions = plans::versions(conn, &of)?;
                let today = start_of_day_in_london(now);
                let behind = |row: &WebhookRow| {
                    let version = versions.iter().find(|(plan, _)| *plan == row.plan).map(|(_, version)| *version);
                    version.is_some_and(|version| version > row.cursor.position)
                        || row.cursor.watermark < today
                        || row.ping.is_some()
                };
                Ok(rows.iter().filter(|row| behind(row)).map(|row| row.id).collect())
            })
            .await
    }

    /// Takes the lease of a webhook for this holder, if no other has it.
    pub async fn claim_webhook(
        &self,
        id: WebhookId,
        holder: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<WebhookRow>, Refusal> {
        let holder = holder.to_owned();
        self.store.write(move |write| Ok(webhooks::claim(write, id, &holder, now, now + LEASE)?)).await
    }

    /// Gives the lease of a webhook back.
    pub async fn release_webhook(&self, webhook: &WebhookRow, holder: &str) -> Result<(), Refusal> {
        let (id, holder) = (webhook.id, holder.to_owned());
        self.store.write(move |write| Ok(webhooks::release(write, id, &holder)?)).await
    }

    /// What a subscriber is sent next, from its webhook's place.
    pub async fn next_message(&self, webhook: &WebhookRow, now: DateTime<Utc>) -> Result<Next, Refusal> {
        let (webhook, pictures) = (webhook.clone(), Arc::clone(&self.pictures));
        self.store
            .read(move |conn| {
                // Read in one with the journal: no entry after a change is skipped by the terms from before it.
                if webhooks::by_id(conn, webhook.id)?.is_none_or(|row| row.seq != webhook.seq) {
                    return Ok(Next::Changed);
                }
                let Some(row) = plans::by_id(conn, webhook.plan)? else { return Ok(Next::Changed) };
                let seen = plans::find_plan(conn, &row.code, &webhook.subject)?.map(|plan| OpenPlan::new(&plan));
                let Some(plan) = seen.filter(|plan| plan.access.audience() != Audience::Public) else {
                    return Ok(Next::SwitchOff("access_revoked"));
                };
                let present = pictures.at_version(conn, plan.id, plan.version)?;
                let present = Seen::new(present, Arc::clone(&plan.access), now);
                let mut telling = Telling { conn, pictures: &pictures, webhook: &webhook, plan: &plan, present };
                telling.next()
            })
            .await
    }

    /// Notes that a message was delivered, or that there was none; `false` if the lease was lost, or the webhook was
    /// changed.
    pub async fn webhook_told(
        &self,
        webhook: &WebhookRow,
        holder: &str,
        cursor: Cursor,
        attempt: Option<Attempt>,
        now: DateTime<Utc>,
        go_on: bool,
    ) -> Result<bool, Refusal> {
        let standing = Standing {
            cursor,
            failed: 0,
            next_attempt_at: now,
            pinged: false,
            lease_until: go_on.then(|| now + LEASE),
        };
        self.leave(webhook, holder, standing, attempt).await
    }

    /// Notes that a test message was sent, whatever came of it.
    pub async fn webhook_tested(
        &self,
        webhook: &WebhookRow,
        holder: &str,
        attempt: Attempt,
        now: DateTime<Utc>,
    ) -> Result<bool, Refusal> {
        let standing = Standing {
            cursor: webhook.cursor.clone(),
            failed: webhook.failed,
            next_attempt_at: webhook.next_attempt_at,
            pinged: true,
            lease_until: Some(now + LEASE),
        };
        self.leave(webhook, holder, standing, Some(attempt)).await
    }

    /// Notes that a message could not be delivered: it is tried again later, or given up for good after three days.
    pub async fn webhook_failed(
        &self,
        webhook: &WebhookRow,
        holder: &str,
        attempt: Attempt,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let failed = webhook.failed.saturating_add(1);
        let Some(wait) = retry_after(failed) else {
            return self.switch_off_webhook(webhook, holder, "undeliverable", Some(attempt), now).await;
        };
        let standing = Standing {
            cursor: webhook.cursor.clone(),
            failed,
            next_attempt_at: now + wait,
            pinged: false,
            lease_until: None,
        };
        self.leave(webhook, holder, standing, Some(attempt)).await.map(drop)
    }

    async fn leave(
        &self,
        webhook: &WebhookRow,
        holder: &str,
        standing: Standing,
        attempt: Option<Attempt>,
    ) -> Result<bool, Refusal> {
        let (webhook, holder) = (webhook.clone(), holder.to_owned());
        self.store
            .write(move |write| Ok(webhooks::advance(write, &webhook, &holder, &standing, attempt.as_ref())?))
            .await
    }

    /// Switches a webhook off after its last attempt, if there was one, with an entry in the journal and a line in its log
    /// that say why; unless it was changed since it was claimed, as when its owner gave it another address.
    pub async fn switch_off_webhook(
        &self,
        webhook: &WebhookRow,
        holder: &str,
        reason: &'static str,
        attempt: Option<Attempt>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let (webhook, holder) = (webhook.clone(), holder.to_owned());
        let written = self.store.write(move |write| {
            let Some(plan) = plans::by_id(write, webhook.plan)? else { return Ok::<_, StoreError>(None) };
            // Held before the webhook is, as by anyone who changes it.
            let Some(mut locked) = plans::lock_any(write, &plan.code)? else { return Ok(None) };
            let standing = Standing {
                cursor: webhook.cursor.clone(),
                failed: webhook.failed.saturating_add(i32::from(attempt.is_some())),
                next_attempt_at: now,
                pinged: false,
                lease_until: None,
            };
            if !webhooks::advance(write, &webhook, &holder, &standing, attempt.as_ref())? {
                return Ok(None);
            }
            let at = locked.instant_after(now);
            let mut row = WebhookRow { disabled: Some((reason.to_owned(), at)), ..webhook.clone() };
            row.terms.active = false;
            let (row, before) = (NewRow::Webhook { row: Box::new(row), afresh: false }, Some(webhook.document()));
            let change =
                journal::Change { action: "webhook.switched_off", row, before, reason: Some(reason.to_owned()) };
            journal::record(write, &mut locked, &Subject::of_the_service(), now, vec![change])?;
            let attempt = Attempt {
                message: String::new(),
                event: "webhook.switched_off".to_owned(),
                attempt: 1,
                at,
                outcome: "switched_off",
                status: None,
                detail: Some(reason.to_owned()),
            };
            webhooks::log(write, webhook.id, &attempt)?;
            Ok(Some((locked.id, locked.seq)))
        });
        if let Some((plan, version)) = written.await? {
            self.watch.told(plan, version);
        }
        Ok(())
    }
}

/// A subscriber being served.
struct Telling<'a> {
    conn: &'a mut Conn,
    pictures: &'a Pictures,
    webhook: &'a WebhookRow,
    plan: &'a OpenPlan,
    /// The plan as it is now.
    present: Seen,
}

impl Telling<'_> {
    fn next(&mut self) -> Result<Next, Refusal> {
        let mut cursor = self.webhook.cursor.clone();
        let entries = journal::page(self.conn, self.plan.id, cursor.position, ENTRIES_AT_A_TIME)?;
        let whole = i64::try_from(entries.len()).is_ok_and(|length| length < ENTRIES_AT_A_TIME);
        for entry in entries.iter().take_while(|entry| entry.seq <= self.plan.version) {
            if let Some(next) = self.until(entry.at, &mut cursor)? {
                return Ok(next);
            }
            if let Some(next) = self.entry(entry, &mut cursor)? {
                return Ok(next);
            }
        }
        if !whole {
            return Ok(Next::Further(cursor));
        }
        let now = self.present.now;
        Ok(self.until(now, &mut cursor)?.unwrap_or(Next::Nothing(cursor)))
    }

    /// The next thing that came with time up to `bound`, by the plan as it was; the cursor is moved over what was
    /// passed.
    fn until(&mut self, bound: DateTime<Utc>, cursor: &mut Cursor) -> Result<Option<Next>, Refusal> {
        let terms = &self.webhook.terms;
        let wanted = terms.wants(EventType::ActionOverdue) || terms.wants(EventType::ReturnOverdue);
        // Things fall overdue when a day in London is over.
        if wanted && cursor.within == 0 && start_of_day_in_london(bound) > cursor.watermark {
            let then = self.pictures.near(self.conn, self.plan.id, cursor.position)?;
            let then = self.seen_then(&then, bound);
            let from = (cursor.watermark, cursor.watermark_key.clone());
            let mut due = self.fallen_due(&then);
            due.retain(|due| (due.at, &due.key) > (from.0, &from.1) && due.at <= bound);
            due.sort_by(|a, b| (a.at, &a.key).cmp(&(b.at, &b.key)));
            if let Some(due) = due.into_iter().next() {
                let identity = format!("{}/{}", due.at.timestamp_micros(), due.key);
                let message = self.message(due.event, &identity, due.at, due.data);
                let cursor = Cursor { watermark: due.at, watermark_key: due.key, ..cursor.clone() };
                return Ok(Some(Next::Send(message, cursor)));
            }
        }
        if bound > cursor.watermark {
            (cursor.watermark, cursor.watermark_key) = (bound, LAST_KEY.to_owned());
        }
        Ok(None)
    }

    /// The plan as it was, as the subscriber may see it today.
    fn seen_then(&self, then: &Picture, at: DateTime<Utc>) -> Seen {
        let then = then.shown_at(Arc::clone(&self.present.picture));
        Seen { now: at, ..self.present.of(then) }
    }

    /// Everything overdue that the subscriber sees and wants, with when it fell so.
    fn fallen_due(&self, then: &Seen) -> Vec<Due> {
        let (terms, picture) = (&self.webhook.terms, &then.picture);
        let after = |day: chrono::NaiveDate| day.succ_opt().map(first_moment_of);
        let mut found = Vec::new();
        if terms.wants(EventType::ActionOverdue) {
            for record in picture.actions().values().map(|kept| &kept.value) {
                let action = &record.action;
                let Ok((_, entry)) = then.action_for(record.id) else { continue };
                let Some(at) = after(action.due).filter(|_| action.state == ActionState::Open) else { continue };
                if !terms.covers(Some(&action.kpi), picture.area_of(&entry.kpi)) {
                    continue;
                }
                let data = members(json!({
                    "id": record.id, "kpi": action.kpi, "title": entry.kpi.title, "what": action.what,
                    "owner": action.owner, "due": action.due,
                }));
                found.push(Due { at, key: format!("action/{}", record.id), event: EventType::ActionOverdue, data });
            }
        }
        if terms.wants(EventType::ReturnOverdue) && then.by_a_member() {
            for round in picture.rounds().values().map(|kept| &kept.value) {
                let Some(at) = after(round.due).filter(|at| *at <= then.now) else { continue };
                for group in picture.sub_groups().values().map(|kept| &kept.value) {
                    let covered = group.outcome_areas.iter().any(|area| terms.covers(None, Some(area)));
                    let state = picture.return_state(round, group);
                    let handed_in = matches!(state, ReturnState::Submitted | ReturnState::SignedOff);
                    if !covered || handed_in || !picture.owes_something(round, group) {
                        continue;
                    }
                    let data = members(json!({
                        "round": round.period, "sub_group": group.code, "title": group.title, "due": round.due,
                        "due_at": round.due_at(), "state": state,
                    }));
                    let key = format!("return/{}/{}", round.period.0, group.code);
                    found.push(Due { at, key, event: EventType::ReturnOverdue, data });
                }
            }
        }
        found
    }

    /// The next thing that an entry reports; the cursor is moved over what was passed.
    fn entry(&mut self, entry: &Entry, cursor: &mut Cursor) -> Result<Option<Next>, Refusal> {
        let done = Cursor { position: entry.seq, within: 0, ..cursor.clone() };
        let moves = self.webhook.terms.wants(EventType::StatusChanged) && moves_a_status(entry);
        let mut candidates: Vec<Candidate> = told_by(entry).into_iter().collect();
        let pictures = if moves {
            let before = self.pictures.near(self.conn, self.plan.id, Seq(entry.seq.0 - 1))?;
            let after = self.pictures.near(self.conn, self.plan.id, entry.seq)?;
            candidates.extend(places(entry, &after).into_iter().map(|(place, how)| Candidate::Status(place, how)));
            Some((self.seen_then(&before, entry.at), self.seen_then(&after, entry.at)))
        } else {
            None
        };
        let begin = usize::try_from(cursor.within).unwrap_or(0);
        for (place, candidate) in candidates.iter().enumerate().skip(begin) {
            let Some((event, data)) = self.told(entry, candidate, pictures.as_ref())? else { continue };
            let message = self.message(event, &format!("{}/{place}", entry.seq), entry.at, data);
            let within = i32::try_from(place + 1).unwrap_or(i32::MAX);
            let next = if place + 1 < candidates.len() { Cursor { within, ..cursor.clone() } } else { done };
            return Ok(Some(Next::Send(message, next)));
        }
        *cursor = done;
        Ok(None)
    }

    /// A KPI that the subscriber sees and wants to hear of.
    fn wanted(&self, code: &KpiCode) -> Option<&Arc<KpiPicture>> {
        let entry = self.present.entry(code).ok()?;
        self.webhook.terms.covers(Some(code), self.present.picture.area_of(&entry.kpi)).then_some(entry)
    }

    /// What a candidate reports to this subscriber, if anything.
    fn told(
        &mut self,
        entry: &Entry,
        candidate: &Candidate,
        pictures: Option<&(Seen, Seen)>,
    ) -> Result<Option<Told>, Refusal> {
        let terms = &self.webhook.terms;
        Ok(match candidate {
            Candidate::Reading(event) if terms.wants(*event) => self.reading_event(entry, *event)?,
            Candidate::Target if terms.wants(EventType::TargetChanged) => self.target_event(entry),
            Candidate::Return(event) if terms.wants(*event) && self.present.by_a_member() => {
                self.return_event(entry, *event)
            }
            Candidate::BoardReport if terms.wants(EventType::BoardReportFrozen) => self.board_report_event(entry),
            Candidate::Status(place, through) => self.status_event(place, *through, pictures),
            Candidate::Reading(_) | Candidate::Target | Candidate::Return(_) | Candidate::BoardReport => None,
        })
    }

    /// That a figure was reported or revised; without its numbers if the subscriber may not see them.
    fn reading_event(&mut self, entry: &Entry, event: EventType) -> Result<Option<Told>, Refusal> {
        let Some((kpi, period, group)) = place_in(&entry.key) else { return Ok(None) };
        let Some(of) = self.wanted(&kpi).map(Arc::clone) else { return Ok(None) };
        let mut withheld = self.present.withholds(&of, &group, period);
        if !withheld && !self.present.sees_small_numbers(&of.kpi) {
            // What was small stays withheld, whatever has taken its place.
            let then = self.pictures.near(self.conn, self.plan.id, entry.seq)?;
            let then = self.seen_then(&then, entry.at);
            let of_then = then.picture.kpis().get(&kpi);
            withheld = of_then.is_none_or(|of| then.withholds(of, &group, period));
        }
        let said = |name: &str| entry.after.as_ref().and_then(|after| after.get(name)).filter(|_| !withheld).cloned();
        let precision = self.present.precision(&of.kpi);
        let figure = said("value").and_then(|value| Figure::from_stored(&value.to_string()).ok());
        let data = json!({
            "kpi": kpi, "title": of.kpi.title, "period": period, "group": group, "suppressed": withheld,
            "value": figure.map(|figure| precision.of(figure)), "numerator": said("numerator"), "denominator": said("denominator"),
            "provisional": said("provisional"), "nil_return": said("nil_return").map(|_| true).or((!withheld).then_some(false)),
            "revision": entry.after.as_ref().and_then(|after| after.get("revision")),
        });
        Ok(Some((event, members(data))))
    }

    /// That a target was set, changed or removed.
    fn target_event(&self, entry: &Entry) -> Option<Told> {
        let mut parts = entry.key.split('/');
        let code: Option<KpiCode> = parts.next().and_then(|code| code.parse().ok());
        let period: Option<Period> = parts.next().and_then(|period| period.parse().ok());
        let (code, period) = (code?, period?);
        let of = self.wanted(&code)?;
        let short = |said: Option<&Value>| {
            let said = said.filter(|said| said.get("removed") != Some(&Value::Bool(true)))?;
            let target = said.get("target")?.as_object()?;
            let names = ["value", "low", "high", "floor", "kind", "state"];
            let kept = names.into_iter().filter_map(|name| Some((name.to_owned(), target.get(name)?.clone())));
            Some(Value::Object(kept.collect()))
        };
        let data = json!({
            "kpi": code, "title": of.kpi.title, "period": period,
            "before": short(entry.before.as_ref()), "after": short(entry.after.as_ref()),
        });
        Some((EventType::TargetChanged, members(data)))
    }

    /// That a return was taken a step further.
    fn return_event(&self, entry: &Entry, event: EventType) -> Option<Told> {
        let body = entry.after.as_ref().and_then(|after| after.get("body")?.as_object());
        let group = body.and_then(|body| body.get("sub_group")?.as_str()?.parse().ok());
        let group =
            group.and_then(|code: waymark_domain::ids::SubGroupCode| self.present.picture.sub_groups().get(&code));
        let covered = group.is_some_and(|group| {
            group.value.outcome_areas.iter().any(|area| self.webhook.terms.covers(None, Some(area)))
        });
        let (body, group) = body.zip(group).filter(|_| covered)?;
        let data = json!({
            "round": body.get("period"), "sub_group": group.value.code, "title": group.value.title,
            "state": body.get("state"), "by": entry.actor,
        });
        Some((event, members(data)))
    }

    /// That a board report was frozen.
    fn board_report_event(&self, entry: &Entry) -> Option<Told> {
        let terms = &self.webhook.terms;
        let report = entry.key.parse().ok().and_then(|id| self.present.board_report_for(id).ok());
        let report = report.map(|kept| &kept.value)?;
        let all = terms.kpis.is_empty() && terms.outcome_areas.is_empty();
        if !all && !report.kpis.iter().any(|kpi| self.wanted(kpi).is_some()) {
            return None;
        }
        let data = json!({
            "id": report.id, "title": report.title, "period": report.period, "organisation": report.organisation,
            "frozen_at": report.frozen_at, "sha256": report.sha256,
        });
        Some((EventType::BoardReportFrozen, members(data)))
    }

    /// That a place's status moved with an entry, as the subscriber sees it.
    fn status_event(&self, place: &Place, through: Through, pictures: Option<&(Seen, Seen)>) -> Option<Told> {
        let (before, after) = pictures?;
        let (kpi, group, period) = place;
        let of = self.wanted(kpi)?;
        if self.present.withholds(of, group, *period) {
            return None;
        }
        let (was, is) = Effects { before, after }.at(place);
        if was.as_ref().map(|was| was.status) == is.as_ref().map(|is| is.status) {
            return None;
        }
        let data = json!({
            "kpi": kpi, "title": of.kpi.title, "period": period, "group": group, "through": through,
            "before": was.map(Stands::from), "after": is.map(Stands::from),
        });
        Some((EventType::StatusChanged, members(data)))
    }

    /// What is sent: its id names the webhook and the event, and so is the same at every attempt.
    fn message(&self, event: EventType, identity: &str, at: DateTime<Utc>, data: Map<String, Value>) -> Message {
        let told = |mut data: Map<String, Value>| {
            data.insert("plan".to_owned(), json!(self.plan.code));
            envelope(event.as_str(), at, &data.into())
        };
        let mut body = told(data);
        if body.len() > LARGEST_MESSAGE {
            body = told(members(json!({"too_large": true})));
        }
        let digest = Sha256::digest(format!("{}/{identity}", self.webhook.id));
        let id = digest.iter().take(16).fold("msg_".to_owned(), |id, byte| format!("{id}{byte:02x}"));
        Message { id, event: event.as_str().to_owned(), body }
    }
}

/// The body of a message.
pub fn envelope(event: &str, at: DateTime<Utc>, data: &Value) -> String {
    json!({"type": event, "timestamp": at, "data": data}).to_string()
}

/// The body of a test message.
pub fn ping(at: DateTime<Utc>) -> String {
    envelope("webhook.test", at, &json!({}))
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn place_in(key: &str) -> Option<(KpiCode, Period, GroupCode)> {
    let mut parts = key.split('/');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// What an entry itself reports, to any reader.
fn told_by(entry: &Entry) -> Option<Candidate> {
    match (entry.kind, entry.action.as_str()) {
        (EntryKind::Reading, "reading.restated") => Some(Candidate::Reading(EventType::ReadingRestated)),
        (EntryKind::Reading, _) => Some(Candidate::Reading(EventType::ReadingPosted)),
        (EntryKind::Target, _) => Some(Candidate::Target),
        (EntryKind::Definition(DefinitionKind::Return), "return.submitted") => {
            Some(Candidate::Return(EventType::ReturnSubmitted))
        }
        (EntryKind::Definition(DefinitionKind::Return), "return.signed_off") => {
            Some(Candidate::Return(EventType::ReturnSignedOff))
        }
        (EntryKind::Definition(DefinitionKind::BoardReport), _) => Some(Candidate::BoardReport),
        (EntryKind::Definition(_) | EntryKind::Grant | EntryKind::Webhook, _) => None,
    }
}

/// Whether an entry can move the status of a KPI that has figures.
fn moves_a_status(entry: &Entry) -> bool {
    let kinds = [DefinitionKind::Kpi, DefinitionKind::Policy, DefinitionKind::Plan].map(EntryKind::Definition);
    matches!(entry.kind, EntryKind::Reading | EntryKind::Target)
        || (kinds.contains(&entry.kind) && entry.before.is_some())
}

/// The places whose status an entry can move, in the order in which they are reported.
fn places(entry: &Entry, after: &Picture) -> Vec<(Place, Through)> {
    let of_kpi = |kpi: &KpiPicture, through| -> Vec<(Place, Through)> {
        after.reported_places(kpi).into_iter().map(|place| (place, through)).collect()
    };
    match entry.kind {
        EntryKind::Reading => {
            let Some((kpi, period, group)) = place_in(&entry.key) else { return Vec::new() };
            let place = (kpi, group, period);
            let reached = reached(after, std::slice::from_ref(&place));
            std::iter::once((place, Through::Itself)).chain(reached).collect()
        }
        EntryKind::Target => {
            let code = entry.key.split('/').next().and_then(|code| code.parse::<KpiCode>().ok());
            code.and_then(|code| after.kpis().get(&code)).map_or_else(Vec::new, |kpi| of_kpi(kpi, Through::Target))
        }
        EntryKind::Definition(kind) => {
            let graded_otherwise = |kpi: &KpiPicture| match kind {
                DefinitionKind::Kpi => kpi.kpi.code.as_str() == entry.key,
                DefinitionKind::Policy => {
                    after.policy_of(&kpi.kpi).is_some_and(|policy| policy.value.code.as_str() == entry.key)
                }
                DefinitionKind::Plan => kpi.kpi.policy.is_none(),
                _ => false,
            };
            let kpis = after.kpis().values().filter(|kpi| !kpi.archived && graded_otherwise(kpi));
            kpis.flat_map(|kpi| of_kpi(kpi, Through::Itself)).collect()
        }
        EntryKind::Grant | EntryKind::Webhook => Vec::new(),
    }
}
