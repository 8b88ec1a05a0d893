//! What leaves the service by itself: webhooks, and reminders by [`mail`].
//!
//! [`Worker`] is the door. It asks the programme what each subscriber is to be told next and sends it: [`signature`] signs,
//! [`sender`] sends and keeps to public addresses. Of several instances over one database one at a time tells a subscriber,
//! by a lease, so that messages come in order; a message is sent at least once, and again until it is taken.

pub mod mail;
pub mod sender;
pub mod signature;

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::stream;

use crate::programme::notifying::{Message, Next, ping};
use crate::programme::subscribing::{Attempt, Secret, WebhookId, WebhookRow};
use crate::programme::{Programme, Refusal};

use sender::{Sender, Sent};

/// How many subscribers are told at the same time.
const AT_ONCE: usize = 8;

/// How long one subscriber is told without a break, and how much.
const STRETCH: Duration = Duration::from_secs(10);
const MESSAGES_AT_A_TIME: usize = 100;

/// How often the worker looks for what another instance wrote, and for what is due again.
const LOOK: Duration = Duration::from_secs(2);

/// Tells subscribers what happened.
#[derive(Clone)]
pub struct Worker {
    programme: Programme,
    sender: Sender,
    /// This worker's name on leases.
    name: String,
}

impl Worker {
    /// A worker of this programme.
    pub fn new(programme: Programme) -> Self {
        let sender = Sender::new(programme.allows_private_webhooks());
        Self { programme, sender, name: uuid::Uuid::now_v7().to_string() }
    }

    /// Works until the programme's [`Watch`](crate::programme::watching::Watch) is closed, and ends what it is at.
    pub async fn run(self) {
        let watch = self.programme.watch().clone();
        let mut writes = watch.any_write();
        while !watch.is_closed() {
            writes.mark_unchanged();
            if let Err(refusal) = self.step(self.programme.clock().now()).await {
                tracing::warn!(%refusal, "webhooks could not be looked at");
            }
            // Woken by a write, or by the time: another instance's writes and messages to try again do not wake it.
            let _woken_or_not = tokio::time::timeout(LOOK, writes.changed()).await;
        }
    }

    /// Tells every subscriber that there is something for at this moment; gives how many messages were sent.
    ///
    /// # Errors
    /// Where the database does not say who there is to tell. What goes wrong with one subscriber does not touch the others.
    pub async fn step(&self, now: DateTime<Utc>) -> Result<usize, Refusal> {
        let due = self.programme.webhooks_due(now).await?;
        let told = stream::iter(due).map(|id| async move {
            self.tell(id, now).await.unwrap_or_else(|refusal| {
                tracing::warn!(webhook = %id, %refusal, "a subscriber could not be told");
                0
            })
        });
        Ok(told.buffer_unordered(AT_ONCE).fold(0, |sum, sent| async move { sum + sent }).await)
    }

    /// Tells one subscriber what there is, in order, until it does not listen or has heard much.
    async fn tell(&self, id: WebhookId, now: DateTime<Utc>) -> Result<usize, Refusal> {
        let Some(mut webhook) = self.programme.claim_webhook(id, &self.name, now).await? else { return Ok(0) };
        let began = Instant::now();
        let mut sent = 0;
        if let Some(id) = webhook.ping.take() {
            let message = Message { id, event: "webhook.test".to_owned(), body: ping(now) };
            let (attempt, _) = self.send(&webhook, &message, 1, now).await;
            sent += 1;
            if !self.programme.webhook_tested(&webhook, &self.name, attempt, now).await? {
                return Ok(sent);
            }
        }
        loop {
            let stop = self.programme.watch().is_closed() || began.elapsed() > STRETCH || sent >= MESSAGES_AT_A_TIME;
            match self.programme.next_message(&webhook, now).await? {
                Next::SwitchOff(reason) => {
                    self.programme.switch_off_webhook(&webhook, &self.name, reason, None, now).await?;
                    return Ok(sent);
                }
                Next::Changed => {
                    self.programme.release_webhook(&webhook, &self.name).await?;
                    return Ok(sent);
                }
                Next::Nothing(cursor) => {
                    self.programme.webhook_told(&webhook, &self.name, cursor, None, now, false).await?;
                    return Ok(sent);
                }
                Next::Further(cursor) => {
                    let held =
                        self.programme.webhook_told(&webhook, &self.name, cursor.clone(), None, now, !stop).await?;
                    if stop || !held {
                        return Ok(sent);
                    }
                    webhook.cursor = cursor;
                }
                Next::Send(message, cursor) => {
                    let (attempt, outcome) = self.send(&webhook, &message, webhook.failed.saturating_add(1), now).await;
                    sent += 1;
                    match outcome {
                        Outcome::Taken => {
                            let told = self.programme.webhook_told(
                                &webhook,
                                &self.name,
                                cursor.clone(),
                                Some(attempt),
                                now,
                                !stop,
                            );
                            if !told.await? || stop {
                                return Ok(sent);
                            }
                            (webhook.cursor, webhook.failed) = (cursor, 0);
                        }
                        Outcome::Gone => {
                            self.programme.switch_off_webhook(&webhook, &self.name, "gone", Some(attempt), now).await?;
                            return Ok(sent);
                        }
                        Outcome::Refused => {
                            self.programme.webhook_failed(&webhook, &self.name, attempt, now).await?;
                            return Ok(sent);
                        }
                    }
                }
            }
        }
    }

    /// Sends a message, signed with the webhook's secrets.
    async fn send(
        &self,
        webhook: &WebhookRow,
        message: &Message,
        number: i32,
        now: DateTime<Utc>,
    ) -> (Attempt, Outcome) {
        let former = webhook.former.as_ref().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
        let secrets: Vec<&Secret> = std::iter::once(&webhook.secret).chain(former).collect();
        let timestamp = now.timestamp();
        let signatures: Option<Vec<String>> = secrets
            .into_iter()
            .map(|secret| signature::sign(secret.reveal(), &message.id, timestamp, &message.body))
            .collect();
        let sent = match signatures {
            None => Sent::Failed("the secret cannot be read".to_owned()),
            Some(signatures) => {
                let (sender, url) = (self.sender.clone(), webhook.terms.url.clone());
                let (id, body, signature) = (message.id.clone(), message.body.clone(), signatures.join(" "));
                let sent =
                    tokio::task::spawn_blocking(move || sender.send(&url, &id, timestamp, &signature, body)).await;
                sent.unwrap_or_else(|_stopped| Sent::Failed("the service is stopping".to_owned()))
            }
        };
        let (status, detail) = match &sent {
            Sent::Answered(status) => (Some(*status), None),
            Sent::Failed(why) => (None, Some(why.clone())),
        };
        let outcome = match status {
            Some(200..=299) => Outcome::Taken,
            Some(410) => Outcome::Gone,
            _ => Outcome::Refused,
        };
        let attempt = Attempt {
            message: message.id.clone(),
            event: message.event.clone(),
            attempt: number,
            at: now,
            outcome: if matches!(outcome, Outcome::Taken) { "delivered" } else { "failed" },
            status,
            detail,
        };
        (attempt, outcome)
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// The subscriber has it.
    Taken,
    /// The subscriber is no more, as it says itself.
    Gone,
    /// It is to be tried again.
    Refused,
}
