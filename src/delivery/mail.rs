//! Mail: one digest a person and day, by the SMTP server that the deployment names.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lettre::message::Mailbox;
use lettre::{Message, SmtpTransport, Transport};

use crate::programme::reminding::Reminder;
use crate::programme::{Programme, Refusal};

/// How long the server has for each answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Where mail is handed over, and whom it is from.
#[derive(Clone)]
pub struct Mailer {
    transport: SmtpTransport,
    from: Mailbox,
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

impl Mailer {
    /// A mailer that hands over at `smtp://HOST:PORT` or `smtps://USER:PASSWORD@HOST`.
    ///
    /// # Errors
    /// What is wrong with either setting; never the password.
    pub fn new(url: &str, from: &str) -> Result<Self, String> {
        let transport = SmtpTransport::from_url(url).map_err(|_wrong| {
            "write the SMTP server as smtps://USER:PASSWORD@HOST, or smtp://HOST:PORT on this machine".to_owned()
        })?;
        let from = from.parse().map_err(|_wrong| "write the sender as `Waymark <waymark@example.org>`".to_owned())?;
        Ok(Self { transport: transport.timeout(Some(TIMEOUT)).build(), from })
    }

    /// Sends one digest. Blocks.
    fn send(&self, reminder: &Reminder) -> Result<(), String> {
        let to = reminder.subject.as_str().parse().map_err(|_wrong| "the subject is no e-mail address".to_owned())?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(format!("Waymark: {}", reminder.title))
            .header(lettre::message::header::ContentType::TEXT_PLAIN)
            .body(reminder.text.clone())
            .map_err(|error| error.to_string())?;
        self.transport.send(&message).map(drop).map_err(|error| error.to_string())
    }
}

/// Reminds everyone who owes something, each once a day.
///
/// # Errors
/// Where the database does not say who owes what.
pub async fn remind(programme: &Programme, mailer: &Mailer, now: DateTime<Utc>) -> Result<Reminded, Refusal> {
    let mut reminded = Reminded::default();
    for reminder in programme.reminders(now).await? {
        if !programme.claim_reminder(&reminder.subject, now).await? {
            reminded.earlier += 1;
            continue;
        }
        let (mailer, subject) = (mailer.clone(), reminder.subject.clone());
        let sent = tokio::task::spawn_blocking(move || mailer.send(&reminder)).await;
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
