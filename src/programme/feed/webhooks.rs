//! Webhooks: made, changed, rotated, tested and removed by their owner, and by those who manage the plan.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use serde_json::{Map, Value};

use waymark_domain::access::Audience;
use waymark_domain::document::{Document, lay_over};
use waymark_domain::ids::{PlanCode, Seq, Subject};
use waymark_domain::invalid::Invalid;
use waymark_domain::webhook::{Reach, WebhookTerms};
use waymark_store::journal::NewRow;
pub use waymark_store::webhooks::{Attempt, Cursor, DeliveryRow, Secret, WebhookId, WebhookRow};
use waymark_store::{journal, new_id, webhooks};

use crate::access::credentials::must_be_oneself;
use crate::access::secrets::random;
use crate::caller::precondition::Precondition;
use crate::definitions::references::refer;
use crate::seen::Seen;
use crate::{Ground, OpenPlan, Pen, Principal, Programme, Refusal};

/// The most webhooks of one plan.
const MOST_WEBHOOKS: usize = 200;
/// How many of them may be of one subject, so that nobody takes every place.
const MOST_OF_ONE: usize = 20;

/// How long a secret that was replaced signs beside the new one.
const FORMER: TimeDelta = TimeDelta::hours(24);

/// The last key there can be: all that came with an instant is done with.
pub(crate) const LAST_KEY: &str = "~";

fn may_subscribe(plan: &OpenPlan) -> Result<(), Refusal> {
    if plan.access.audience() == Audience::Public {
        let why = "webhooks are for members of the partnership and its partners".to_owned();
        return Err(Refusal::NotAllowed(why));
    }
    Ok(())
}

fn is_theirs(plan: &OpenPlan, caller: &Subject, row: &WebhookRow) -> bool {
    plan.access.manages() || row.subject == *caller
}

/// A new secret: 24 random bytes.
fn new_secret() -> Result<Secret, Refusal> {
    Ok(Secret::new(format!("whsec_{}", STANDARD.encode(random::<24>()?))))
}

fn check(terms: &WebhookTerms, seen: &Seen, reach: Reach) -> Invalid {
    let mut invalid = terms.check(reach);
    let kpis = seen.kpis_by_code();
    for (place, kpi) in terms.kpis.iter().enumerate() {
        refer(&mut invalid, format!("/kpis/{place}"), "KPI", kpi, &kpis);
    }
    for (place, area) in terms.outcome_areas.iter().enumerate() {
        refer(&mut invalid, format!("/outcome_areas/{place}"), "outcome area", area, seen.picture.areas());
    }
    invalid
}

impl Pen<'_, '_> {
    /// A webhook that the caller may see.
    fn webhook(&mut self, ground: &Ground, id: WebhookId) -> Result<WebhookRow, Refusal> {
        may_subscribe(&ground.plan)?;
        let found = webhooks::find(self.conn(), ground.plan.id, id)?;
        let row = found.filter(|row| is_theirs(&ground.plan, &ground.caller, row));
        row.ok_or(Refusal::NotFound)
    }

    /// Writes a webhook with its entry. Its delivery begins afresh if it is switched on again or goes elsewhere: what
    /// failed before says nothing about what is to come.
    fn keep_webhook(
        &mut self,
        action: &'static str,
        mut row: WebhookRow,
        before: Option<&WebhookRow>,
    ) -> Result<WebhookRow, Refusal> {
        let goes_on = |before: &WebhookRow| before.terms.active && before.terms.url == row.terms.url;
        let afresh = row.terms.active && !before.is_some_and(goes_on);
        if afresh {
            (row.failed, row.next_attempt_at) = (0, self.now);
        }
        let before = before.map(WebhookRow::document);
        let kept = NewRow::Webhook { row: Box::new(row.clone()), afresh };
        let change = journal::Change { action, row: kept, before, reason: None };
        let seqs = self.record(vec![change])?;
        Ok(WebhookRow { seq: seqs.first().copied().unwrap_or_default(), ..row })
    }
}

impl Programme {
    /// The webhooks of a plan that a caller may see, oldest first: all of them for those who manage the plan.
    pub async fn list_webhooks(&self, plan: &OpenPlan, caller: &Principal) -> Result<Vec<WebhookRow>, Refusal> {
        may_subscribe(plan)?;
        let (plan, caller) = (plan.clone(), caller.clone());
        self.store
            .read(move |conn| {
                let mut rows = webhooks::list(conn, plan.id)?;
                rows.retain(|row| is_theirs(&plan, &caller, row));
                Ok(rows)
            })
            .await
    }

    /// One webhook.
    pub async fn find_webhook(
        &self,
        plan: &OpenPlan,
        caller: &Principal,
        id: WebhookId,
    ) -> Result<WebhookRow, Refusal> {
        may_subscribe(plan)?;
        let (plan, caller) = (plan.clone(), caller.clone());
        self.store
            .read(move |conn| {
                let row = webhooks::find(conn, plan.id, id)?.filter(|row| is_theirs(&plan, &caller, row));
                row.ok_or(Refusal::NotFound)
            })
            .await
    }

    /// Makes a webhook of the caller's. It reports what happens from now on, as the caller may see it then.
    pub async fn create_webhook(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        members: Map<String, Value>,
    ) -> Result<WebhookRow, Refusal> {
        // It uses all that its owner may see, whatever the token it is made with is confined to.
        must_be_oneself(caller)?;
        let reach = self.webhooks_reach;
        self.change(plan, caller, move |ground, pen| {
            may_subscribe(&ground.plan)?;
            let terms = WebhookTerms::parse(members)?;
            check(&terms, &ground.seen, reach).or(())?;
            let plan = ground.plan.id;
            let standing = webhooks::list(pen.conn(), plan)?;
            if standing.iter().filter(|row| row.subject == ground.caller).count() >= MOST_OF_ONE {
                let why = format!("a subscriber has {MOST_OF_ONE} webhooks in a plan at most; remove one first");
                return Err(Refusal::Conflict(why));
            }
            if standing.len() >= MOST_WEBHOOKS {
                let why = format!("a plan has {MOST_WEBHOOKS} webhooks at most; remove one first");
                return Err(Refusal::Conflict(why));
            }
            let row = WebhookRow {
                id: new_id(ground.seen.now).into(),
                plan,
                subject: ground.caller.clone(),
                terms,
                disabled: None,
                created_at: ground.seen.now,
                removed_at: None,
                secret: new_secret()?,
                former: None,
                seq: Seq(0),
                cursor: Cursor {
                    position: Seq(0),
                    within: 0,
                    watermark: ground.seen.now,
                    watermark_key: LAST_KEY.to_owned(),
                },
                failed: 0,
                next_attempt_at: ground.seen.now,
                ping: None,
            };
            pen.keep_webhook("webhook.created", row, None)
        })
        .await
    }

    /// Changes a webhook by merge patch. Switched on again, it goes on from where its subscriber was last sent
    /// something.
    pub async fn update_webhook(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        id: WebhookId,
        patch: Map<String, Value>,
        precondition: Precondition,
    ) -> Result<WebhookRow, Refusal> {
        must_be_oneself(caller)?;
        let reach = self.webhooks_reach;
        self.change(plan, caller, move |ground, pen| {
            let before = pen.webhook(ground, id)?;
            precondition.allows_change_of(before.seq)?;
            let mut members = before.terms.members();
            lay_over(&mut members, patch);
            let terms = WebhookTerms::parse(members)?;
            check(&terms, &ground.seen, reach).or(())?;
            if terms == before.terms {
                return Ok(before);
            }
            let mut row = WebhookRow { terms, ..before.clone() };
            if row.terms.active {
                row.disabled = None;
            }
            pen.keep_webhook("webhook.updated", row, Some(&before))
        })
        .await
    }

    /// Removes a webhook, its secrets and the log of its deliveries.
    pub async fn remove_webhook(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        id: WebhookId,
        precondition: Precondition,
    ) -> Result<(), Refusal> {
        self.change(plan, caller, move |ground, pen| {
            let before = pen.webhook(ground, id)?;
            precondition.allows_change_of(before.seq)?;
            let secret = Secret::new(String::new());
            let row = WebhookRow { removed_at: Some(ground.seen.now), secret, former: None, ..before.clone() };
            pen.keep_webhook("webhook.removed", row, Some(&before)).map(drop)
        })
        .await
    }

    /// Gives a webhook a new secret; the one before signs beside it for a day.
    pub async fn rotate_webhook(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        id: WebhookId,
    ) -> Result<WebhookRow, Refusal> {
        must_be_oneself(caller)?;
        self.change(plan, caller, move |ground, pen| {
            let before = pen.webhook(ground, id)?;
            let former = Some((before.secret.clone(), ground.seen.now + FORMER));
            let row = WebhookRow { secret: new_secret()?, former, ..before.clone() };
            pen.keep_webhook("webhook.secret_rotated", row, Some(&before))
        })
        .await
    }

    /// Asks for a test message, which is sent with the next delivery; gives its id.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if the webhook is off, or a test is on its way.
    pub async fn test_webhook(&self, plan: &PlanCode, caller: &Principal, id: WebhookId) -> Result<String, Refusal> {
        self.change(plan, caller, move |ground, pen| {
            let row = pen.webhook(ground, id)?;
            if !row.terms.active {
                return Err(Refusal::Conflict("the webhook is off; set `active` to true first".to_owned()));
            }
            let message = format!("msg_{}", new_id(ground.seen.now).simple());
            if webhooks::ask_for_ping(pen.write, id, &message)? {
                Ok(message)
            } else {
                Err(Refusal::Conflict("a test message is on its way already".to_owned()))
            }
        })
        .await
    }

    /// What was attempted for a webhook, latest first: at most `limit` attempts before number `before`.
    pub async fn webhook_deliveries(
        &self,
        webhook: &WebhookRow,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeliveryRow>, Refusal> {
        let id = webhook.id;
        self.store.read(move |conn| Ok(webhooks::attempts(conn, id, before, crate::rows(limit))?)).await
    }
}
