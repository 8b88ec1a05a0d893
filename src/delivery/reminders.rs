//! Reminders on their way: one digest per person and day, as mail or as a signed message to the deployment's own
//! webhook.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lettre::message::Mailbox;
use lettre::{Message, SmtpTransport, Transport};
use serde_json::json;
use uuid::Uuid;

use super::sender::{Sender, Sent};
use super::signature;
use crate::domain::ids::Subject;
use crate::domain::period::day_in_london;
use crate::domain::webhook::{Reach, check_destination};
use crate::programme::feed::messages::envelope;
use crate::programme::feed::webhooks::Secret;
use crate::programme::rounds::reminders::Reminder;
use crate::programme::{Programme, Refusal};

/// How long the mail server has for each answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What brings people their digests.
#[derive(Clone)]
pub enum Courier {
    /// A mail server, for those whose subject is an e-mail address.
    Mail {
        /// Where mail is handed over.
        transport: SmtpTransport,
        /// Whom it is from.
        from: Mailbox,
    },
    /// An address of the deployment's own, a chat's or a gateway's, for everyone.
    Webhook {
        /// Sends to it, wherever it is: who runs the service chose it.
        sender: Sender,
        /// The address.
        url: String,
        /// What messages are signed with.
        secret: Secret,
    },
}

/// What came of reminding everyone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reminded {
    /// How many were sent their digest.
    pub sent: usize,
    /// How many had theirs today already.
    pub earlier: usize,
    /// How many could not be sent theirs; they are tried again the next time.
    pub failed: usize,
}

impl Courier {
    /// One that hands mail over at `smtp://HOST:PORT` or `smtps://USER:PASSWORD@HOST`.
    ///
    /// # Errors
    /// What is wrong with either setting; never the password.
    pub fn mail(url: &str, from: &str) -> Result<Self, String> {
        let transport = SmtpTransport::from_url(url).map_err(|_wrong| {
            "write the SMTP server as smtps://USER:PASSWORD@HOST, or smtp://HOST:PORT on this machine".to_owned()
        })?;
        let from = from.parse().map_err(|_wrong| "write the sender as `Waymark <waymark@example.org>`".to_owned())?;
        Ok(Self::Mail { transport: transport.timeout(Some(TIMEOUT)).build(), from })
    }

    /// One that posts messages to an address, signed as Standard Webhooks has it by a secret: `whsec_` and base64.
    ///
    /// # Errors
    /// What is wrong with either setting; never what it says.
    pub fn webhook(url: &str, secret: &str) -> Result<Self, String> {
        check_destination(url, Reach::Private)?;
        if signature::sign(secret, "", 0, "").is_none() {
            return Err("write the secret as whsec_ and base64".to_owned());
        }
        Ok(Self::Webhook {
            sender: Sender::new(Reach::Private),
            url: url.to_owned(),
            secret: Secret::new(secret.to_owned()),
        })
    }

    /// Whether it has a way to somebody.
    fn reaches(&self, subject: &Subject) -> bool {
        matches!(self, Self::Webhook { .. }) || is_mailbox(subject)
    }

    /// Brings one digest. Blocks.
    fn bring(&self, reminder: &Reminder, now: DateTime<Utc>) -> Result<(), String> {
        match self {
            Self::Mail { transport, from } => {
                let to = reminder.subject.as_str();
                let to = to.parse().map_err(|_wrong| "the subject is not an e-mail address".to_owned())?;
                let message = Message::builder()
                    .from(from.clone())
                    .to(to)
                    .subject(format!("Waymark: {}", reminder.title))
                    .header(lettre::message::header::ContentType::TEXT_PLAIN)
                    .body(reminder.text.clone())
                    .map_err(|error| error.to_string())?;
                transport.send(&message).map(drop).map_err(|error| error.to_string())
            }
            Self::Webhook { sender, url, secret } => {
                let Reminder { subject, title, text } = reminder;
                let data = json!({"subject": subject, "day": day_in_london(now), "title": title, "text": text});
                let body = envelope("reminder.digest", now, &data);
                let id = format!("msg_{}", Uuid::now_v7().simple());
                let signed = signature::sign(secret.reveal(), &id, now.timestamp(), &body);
                let signed = signed.ok_or("the secret cannot be read")?;
                match sender.send(url, &id, now.timestamp(), &signed, body) {
                    Sent::Answered(200..=299) => Ok(()),
                    Sent::Answered(status) => Err(format!("the answer was {status}")),
                    Sent::Failed(why) => Err(why),
                }
            }
        }
    }
}

/// Whether a subject is an e-mail address that mail can be sent to.
fn is_mailbox(subject: &Subject) -> bool {
    let Some((name, host)) = subject.as_str().split_once('@') else { return false };
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"@<>,;:\"()[]\\".contains(&byte))
    };
    plain(name) && plain(host) && host.contains('.')
}

/// Reminds everyone who owes something and can be reached, each once a day.
///
/// # Errors
/// If the database does not say who owes what.
pub async fn remind(programme: &Programme, courier: &Courier, now: DateTime<Utc>) -> Result<Reminded, Refusal> {
    let mut reminded = Reminded::default();
    for reminder in programme.reminders(now).await?.into_iter().filter(|one| courier.reaches(&one.subject)) {
        if !programme.claim_reminder(&reminder.subject, now).await? {
            reminded.earlier += 1;
            continue;
        }
        let (courier, subject) = (courier.clone(), reminder.subject.clone());
        let sent = tokio::task::spawn_blocking(move || courier.bring(&reminder, now)).await;
        match sent.unwrap_or_else(|_stopped| Err("the service is stopping".to_owned())) {
            Ok(()) => reminded.sent += 1,
            Err(why) => {
                tracing::warn!(why, "a reminder could not be sent");
                reminded.failed += 1;
                programme.release_reminder(&subject, now).await?;
            }
        }
    }
    Ok(reminded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_goes_to_what_is_an_address() {
        for (subject, is) in [
            ("jo.lead@harrow.example", true),
            ("jo", false),
            ("jo@harrow", false),
            ("jo@@harrow.example", false),
            ("jo <jo@harrow.example>", false),
            ("@harrow.example", false),
        ] {
            assert_eq!(is_mailbox(&subject.parse().unwrap()), is, "{subject}");
        }
    }
}
