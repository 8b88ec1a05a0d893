//! Reminders on their way: one digest per person and day, as mail or as a signed message to the deployment's own
//! webhook.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, NaiveDate, Utc};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart};
use lettre::{Message, SmtpTransport, Transport};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::digest::Site;
use super::sender::{Sender, Sent};
use super::signature;
use crate::domain::ids::Subject;
use crate::domain::period::day_in_london;
use crate::domain::webhook::{Reach, check_destination};
use crate::programme::feed::messages::envelope;
use crate::programme::feed::webhooks::Secret;
use crate::programme::rounds::reminders::{Claim, Reminder};
use crate::programme::{Programme, Refusal};

/// How long the mail server has for each answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// After so many digests in a row that did not even reach the other side, the rest wait for the next time.
const UNREACHED: usize = 2;

/// What brings people their digests.
#[derive(Clone)]
pub struct Courier {
    way: Way,
    site: Site,
}

#[derive(Clone)]
enum Way {
    /// A mail server, for those who have an e-mail address, and whom mail is from.
    Mail { transport: SmtpTransport, from: Mailbox },
    /// An address of the deployment's own, a chat's or a gateway's, for everyone; and what messages are signed with. The
    /// sender goes wherever it is: the person who runs the service chose it.
    Webhook { sender: Sender, url: String, secret: Secret },
}

/// Why a digest was not brought.
enum Fault {
    /// The other side did not take this one.
    Refused(String),
    /// The other side was not reached.
    Unreached(String),
}

/// What came of reminding everyone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reminded {
    /// How many were sent their digest.
    pub sent: usize,
    /// How many had theirs today already.
    pub earlier: usize,
    /// How many are being sent theirs by another instance at this moment.
    pub under_way: usize,
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
        let way = Way::Mail { transport: transport.timeout(Some(TIMEOUT)).build(), from };
        Ok(Self { way, site: Site::default() })
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
        let (sender, secret) = (Sender::new(Reach::Private), Secret::new(secret.to_owned()));
        Ok(Self { way: Way::Webhook { sender, url: url.to_owned(), secret }, site: Site::default() })
    }

    /// The same, with links to the pages of a service that is reached at this address.
    #[must_use]
    pub fn leading_to(self, public_url: Option<&str>) -> Self {
        Self { site: Site::new(public_url), ..self }
    }

    /// Whether it has a way to somebody.
    fn reaches(&self, reminder: &Reminder) -> bool {
        matches!(self.way, Way::Webhook { .. }) || mailbox(reminder).is_some()
    }

    /// Brings one digest. Blocks.
    fn bring(&self, reminder: &Reminder, day: NaiveDate, now: DateTime<Utc>) -> Result<(), Fault> {
        match &self.way {
            Way::Mail { transport, from } => {
                let message = letter(&self.site, from, reminder, day, now).map_err(Fault::Refused)?;
                transport.send(&message).map(drop).map_err(|error| match error.status() {
                    Some(_) => Fault::Refused(error.to_string()),
                    None => Fault::Unreached(error.to_string()),
                })
            }
            Way::Webhook { sender, url, secret } => {
                let (title, text, plans) = (reminder.title(), self.site.text(reminder), self.site.plans(reminder));
                let subject = &reminder.subject;
                let data = json!({"subject": subject, "day": day, "title": title, "text": text, "plans": plans});
                let body = envelope("reminder.digest", now, &data);
                let id = format!("msg_{}", id(subject, day));
                let signed = signature::sign(secret.reveal(), &id, now.timestamp(), &body);
                let signed = signed.ok_or_else(|| Fault::Refused("the secret cannot be read".to_owned()))?;
                match sender.send(url, &id, now.timestamp(), &signed, body) {
                    Sent::Answered(200..=299) => Ok(()),
                    Sent::Answered(status) => Err(Fault::Refused(format!("the answer was {status}"))),
                    Sent::Failed(why) => Err(Fault::Unreached(why)),
                }
            }
        }
    }
}

/// What a person's digest of a day is known by, however often it is tried: a reader's program shows it once.
fn id(subject: &Subject, day: NaiveDate) -> String {
    let hash = Sha256::digest(subject.as_str());
    format!("{}{}", day.format("%Y%m%d"), URL_SAFE_NO_PAD.encode(hash.get(..18).unwrap_or_default()))
}

/// A person's address, if they have one that mail can be sent to.
fn mailbox(reminder: &Reminder) -> Option<Mailbox> {
    reminder.address.as_deref().and_then(address)
}

/// A text as an address, if it is one and nothing else.
fn address(text: &str) -> Option<Mailbox> {
    let (name, host) = text.split_once('@')?;
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"@<>,;:\"()[]\\".contains(&byte))
    };
    if plain(name) && plain(host) && host.contains('.') { text.parse().ok() } else { None }
}

/// A digest as mail: its words as text and as HTML, and a workbook for each form.
///
/// # Errors
/// What the library for mail says of it.
fn letter(
    site: &Site,
    from: &Mailbox,
    reminder: &Reminder,
    day: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Message, String> {
    let wrong = |error: &dyn std::error::Error| error.to_string();
    let mut files = Vec::new();
    for form in reminder.plans.iter().flat_map(|plan| &plan.forms) {
        // Those who get no file have the words and the page.
        match form.template.workbook(now) {
            Ok(bytes) => files.push((format!("{}.xlsx", form.name), bytes)),
            Err(error) => tracing::warn!(%error, "a reminder is sent without its form"),
        }
    }
    let note = match (files.is_empty(), reminder.too_many_to_fill) {
        (true, _) => "",
        (false, false) => "The figures can also be filled in in the workbooks that are attached.",
        (false, true) => {
            "Some of the figures can also be filled in in the workbooks that are attached. There are too many for all."
        }
    };
    let text = if note.is_empty() { site.text(reminder) } else { format!("{}{note}\n", site.text(reminder)) };
    let words = MultiPart::alternative_plain_html(text, site.html(reminder, note));
    let kind: ContentType = WORKBOOK.parse().map_err(|error| wrong(&error))?;
    let body = files.into_iter().fold(MultiPart::mixed().multipart(words), |body, (name, bytes)| {
        body.singlepart(Attachment::new(name).body(bytes, kind.clone()))
    });
    let host = site.host().unwrap_or_else(|| from.email.domain());
    let to = mailbox(reminder).ok_or("the person has no e-mail address")?;
    Message::builder()
        .from(from.clone())
        .to(to)
        .subject(format!("Waymark: {}", reminder.title()))
        .date(now.into())
        .message_id(Some(format!("<{}@{host}>", id(&reminder.subject, day))))
        // RFC 3834: nothing that answers by itself answers this.
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
        .multipart(body)
        .map_err(|error| wrong(&error))
}

/// The media type of a workbook.
const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Reminds everyone who owes something and can be reached, each once a day; stops early if the service is stopped.
///
/// # Errors
/// If the database does not say who owes what.
pub async fn remind(programme: &Programme, courier: &Courier) -> Result<Reminded, Refusal> {
    let mut tally = Reminded::default();
    // The day is that of the beginning: midnight may come in between.
    let (clock, mut unreached) = (programme.clock(), 0);
    let day = day_in_london(clock.now());
    for subject in programme.people_to_remind().await? {
        if programme.watch().is_closed() {
            break;
        }
        let now = clock.now();
        let reminder = programme.reminder(&subject, now).await?;
        let Some(reminder) = reminder.filter(|reminder| courier.reaches(reminder)) else { continue };
        if unreached >= UNREACHED {
            tally.failed += 1;
            continue;
        }
        match programme.claim_reminder(&subject, day, now).await? {
            Claim::Taken => {}
            Claim::Held => {
                tally.under_way += 1;
                continue;
            }
            Claim::Sent => {
                tally.earlier += 1;
                continue;
            }
        }
        let courier = courier.clone();
        let brought = tokio::task::spawn_blocking(move || courier.bring(&reminder, day, now)).await;
        let (why, is_unreached) = match brought {
            Ok(Ok(())) => {
                (tally.sent, unreached) = (tally.sent + 1, 0);
                programme.settle_reminder(&subject, day, now).await?;
                continue;
            }
            Ok(Err(Fault::Refused(why))) => (why, false),
            Ok(Err(Fault::Unreached(why))) => (why, true),
            Err(_stopped) => ("the service is stopping".to_owned(), false),
        };
        tracing::warn!(why, "a reminder could not be sent");
        tally.failed += 1;
        unreached = if is_unreached { unreached + 1 } else { 0 };
        programme.release_reminder(&subject, day, now, clock.now()).await?;
    }
    Ok(tally)
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
            assert_eq!(address(subject).is_some(), is, "{subject}");
        }
    }
}
