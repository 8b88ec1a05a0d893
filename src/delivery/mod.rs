//! What leaves the service by itself: webhooks, and [`reminders`] by their [`schedule`].
//!
//! [`Worker`] is the door. It asks the programme what each subscriber is to be sent next and sends it: [`signature`]
//! signs, [`sender`] sends and keeps to public addresses. Of several instances over one database one at a time delivers
//! to a subscriber, by a lease, so that messages come in order; a message is sent at least once, and again until it is
//! accepted.

pub mod digest;
pub mod reminders;
pub mod schedule;
pub mod sender;
pub mod signature;

use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::pin::pin;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::future::{Either, select};
use tokio::task::{AbortHandle, JoinSet};

use crate::clock::Clock;
use crate::programme::feed::messages::{Message, Next, ping};
use crate::programme::feed::webhooks::{Attempt, Secret, WebhookId, WebhookRow};
use crate::programme::{Programme, Refusal};

use sender::{Sender, Sent};

/// How many subscribers are served at the same time.
const AT_ONCE: usize = 8;

/// How long one subscriber is served without a break, and how much.
const STRETCH: Duration = Duration::from_secs(10);
const MESSAGES_AT_A_TIME: usize = 100;

/// How often the worker looks for what another instance wrote, and for what is due again.
const LOOK: Duration = Duration::from_secs(2);

/// Sends subscribers what happened.
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
        let sender = Sender::new(programme.webhooks_reach());
        Self { programme, sender, name: uuid::Uuid::now_v7().to_string() }
    }

    /// Works until the programme's [`Watch`](crate::programme::waiting::Watch) is closed, and ends what it is at.
    pub async fn run(self) {
        let (watch, clock) = (self.programme.watch().clone(), self.programme.clock().clone());
        let mut writes = watch.any_write();
        let mut tellings = Tellings::new(self, clock);
        let (mut look, mut next_look) = (true, Instant::now());
        while !watch.is_closed() {
            if look {
                writes.mark_unchanged();
                if let Err(refusal) = tellings.look().await {
                    tracing::warn!(%refusal, "the webhooks could not be checked");
                }
                next_look = Instant::now() + LOOK;
            }
            tellings.begin();
            // Woken by a write, or by the time: another instance's writes and messages to try again do not wake it. Or
            // by one who has been sent something: there is room for another, and for this one there may be more.
            let woken = pin!(tokio::time::timeout_at(next_look.into(), writes.changed()));
            let ended = pin!(async {
                match tellings.ended().await {
                    Some(sent) => sent,
                    None => pending().await,
                }
            });
            look = match select(woken, ended).await {
                Either::Left(_) => true,
                Either::Right((sent, _)) => sent > 0,
            };
        }
        while tellings.ended().await.is_some() {}
    }

    /// Serves every subscriber that there is something for, by a clock fixed at this moment; gives how many messages
    /// were sent.
    ///
    /// # Errors
    /// If the database does not state whom there is to serve. What goes wrong with one subscriber does not touch the
    /// others.
    pub async fn step(&self, now: DateTime<Utc>) -> Result<usize, Refusal> {
        let mut tellings = Tellings::new(self.clone(), Clock::standing_at(now));
        tellings.look().await?;
        let mut sent = 0;
        loop {
            tellings.begin();
            match tellings.ended().await {
                Some(more) => sent += more,
                None => return Ok(sent),
            }
        }
    }

    /// Sends one subscriber what there is, in order, until it does not listen or has heard much. The clock is asked for
    /// each thing again: a subscriber takes its time, and a lease and a signature are valid only for so long.
    async fn tell(&self, id: WebhookId, clock: &Clock) -> Result<usize, Refusal> {
        let (programme, name) = (&self.programme, self.name.as_str());
        let Some(mut webhook) = programme.claim_webhook(id, name, clock.now()).await? else { return Ok(0) };
        let began = Instant::now();
        let mut sent = 0;
        if let Some(id) = webhook.ping.take() {
            let message = Message { id, event: "webhook.test".to_owned(), body: ping(clock.now()) };
            let (attempt, _) = self.send(&webhook, &message, 1, clock.now()).await;
            sent += 1;
            if !programme.webhook_tested(&webhook, name, attempt, clock.now()).await? {
                return Ok(sent);
            }
        }
        loop {
            let stop = programme.watch().is_closed() || began.elapsed() > STRETCH || sent >= MESSAGES_AT_A_TIME;
            match programme.next_message(&webhook, clock.now()).await? {
                Next::SwitchOff(reason) => {
                    programme.switch_off_webhook(&webhook, name, reason, None, clock.now()).await?;
                    return Ok(sent);
                }
                Next::Changed => {
                    programme.release_webhook(&webhook, name).await?;
                    return Ok(sent);
                }
                Next::Nothing(cursor) => {
                    programme.webhook_told(&webhook, name, cursor, None, clock.now(), false).await?;
                    return Ok(sent);
                }
                Next::Further(cursor) => {
                    let told = programme.webhook_told(&webhook, name, cursor.clone(), None, clock.now(), !stop);
                    if !told.await? || stop {
                        return Ok(sent);
                    }
                    webhook.cursor = cursor;
                }
                Next::Send(message, cursor) => {
                    let number = webhook.failed.saturating_add(1);
                    let (attempt, outcome) = self.send(&webhook, &message, number, clock.now()).await;
                    let now = clock.now();
                    sent += 1;
                    match outcome {
                        Outcome::Taken => {
                            let told =
                                programme.webhook_told(&webhook, name, cursor.clone(), Some(attempt), now, !stop);
                            if !told.await? || stop {
                                return Ok(sent);
                            }
                            (webhook.cursor, webhook.failed) = (cursor, 0);
                        }
                        Outcome::Gone => {
                            programme.switch_off_webhook(&webhook, name, "gone", Some(attempt), now).await?;
                            return Ok(sent);
                        }
                        Outcome::Refused => {
                            programme.webhook_failed(&webhook, name, attempt, now).await?;
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

/// Subscribers being served, each at its own pace, and those that wait for their turn.
struct Tellings {
    worker: Worker,
    clock: Clock,
    waiting: VecDeque<WebhookId>,
    /// Each gives how many messages were sent.
    telling: JoinSet<usize>,
    being_told: HashMap<WebhookId, AbortHandle>,
}

impl Tellings {
    fn new(worker: Worker, clock: Clock) -> Self {
        Self { worker, clock, waiting: VecDeque::new(), telling: JoinSet::new(), being_told: HashMap::new() }
    }

    /// Looks who there is something for.
    async fn look(&mut self) -> Result<(), Refusal> {
        self.waiting = self.worker.programme.webhooks_due(self.clock.now()).await?.into();
        Ok(())
    }

    /// Begins to serve those that wait, as many as there is room for.
    fn begin(&mut self) {
        self.being_told.retain(|_, telling| !telling.is_finished());
        while self.telling.len() < AT_ONCE
            && let Some(id) = self.waiting.pop_front()
        {
            // Not twice by one worker, though its lease had run out meanwhile.
            if self.being_told.contains_key(&id) {
                continue;
            }
            let (worker, clock) = (self.worker.clone(), self.clock.clone());
            let telling = self.telling.spawn(async move {
                worker.tell(id, &clock).await.unwrap_or_else(|refusal| {
                    tracing::warn!(webhook = %id, %refusal, "a subscriber could not be notified");
                    0
                })
            });
            self.being_told.insert(id, telling);
        }
    }

    /// Waits until one of them has been served; gives how many messages it was sent. `None` if nobody is being served.
    async fn ended(&mut self) -> Option<usize> {
        self.telling.join_next().await.map(Result::unwrap_or_default)
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
