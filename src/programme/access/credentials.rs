//! What tokens, links and clients have in common: how one is made, listed, found, used and revoked, and who may do so.
//!
//! Every secret is shown once, when it is made, and only a hash of it is saved. A token carries at most what its subject may
//! do; a link opens one table as a partner reads it, since anyone who has its address has the table; a client is a subject of
//! its own, to whom grants are given as to a person. `Draft::make` makes each of them.

use std::collections::BTreeSet;
use std::fmt::Display;

use chrono::{DateTime, TimeDelta, Utc};

use waymark_domain::access::Role;
pub use waymark_domain::ids::{CredentialId, SecretId};
use waymark_domain::ids::{PlanCode, PlanId, Subject};
use waymark_domain::invalid::Invalid;
use waymark_store::credentials::{self, Owner, Proof};
pub use waymark_store::credentials::{CredentialRow, SecretRow};
pub use waymark_store::kinds::CredentialKind;
use waymark_store::{StoreError, Write, new_id};

use crate::access::secrets::{digest, secret};
use crate::caller::precondition::Precondition;
use crate::{Bounds, Principal, Programme, Refusal};

/// How a client's subject begins.
const CLIENT: &str = "client-";
/// What every credential may be used for: reading.
const READING: &str = "GET";
/// How long a token or link is good for if its maker does not say.
const LIFETIME: TimeDelta = TimeDelta::days(365);
/// The longest that one can be made for.
const LONGEST: TimeDelta = TimeDelta::days(731);
/// How many live tokens a person may have, links a plan, and clients a plan.
const MOST: usize = 100;
/// How exactly it is noted when something was last used.
const USED_WITHIN: TimeDelta = TimeDelta::seconds(60);

/// What somebody got in with.
#[derive(Clone, Debug)]
pub struct Entered {
    /// The token or link.
    pub id: CredentialId,
    /// Who they are, and within which bounds.
    pub principal: Principal,
    /// The methods it may be used with.
    pub methods: Vec<String>,
    /// When it expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// What a link opens: the plan, and the address below it.
    pub opens: Option<(PlanCode, String)>,
}

/// A credential that is about to be made.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) kind: CredentialKind,
    pub(super) title: String,
    /// The plan of a link or client; the only one that a token opens.
    pub(super) plan: Option<(PlanId, PlanCode)>,
    pub(super) role: Option<Role>,
    /// What it may be used with besides reading.
    pub(super) methods: Vec<&'static str>,
    pub(super) address: Option<String>,
    pub(super) expires_at: Option<DateTime<Utc>>,
}

impl Draft {
    /// Makes it with a secret that it is found by, which is never shown again.
    pub(super) fn make_with_secret(
        self,
        write: &mut Write<'_>,
        by: &Subject,
        now: DateTime<Utc>,
        prefix: &str,
    ) -> Result<(CredentialRow, String), Refusal> {
        self.make_for(write, (by, by), now, prefix)
    }

    /// The same for somebody else than the one who makes it.
    pub(super) fn make_for(
        self,
        write: &mut Write<'_>,
        people: (&Subject, &Subject),
        now: DateTime<Utc>,
        prefix: &str,
    ) -> Result<(CredentialRow, String), Refusal> {
        let secret = secret(prefix)?;
        let row = self.make(write, people, now, Proof::Digest(&digest(&secret)))?;
        Ok((row, secret))
    }

    /// Makes it for somebody, who is given first; a client is a subject of its own.
    ///
    /// # Errors
    /// A conflict if there are too many already.
    pub(super) fn make(
        self,
        write: &mut Write<'_>,
        (subject, by): (&Subject, &Subject),
        now: DateTime<Utc>,
        proof: Proof<'_>,
    ) -> Result<CredentialRow, Refusal> {
        let Self { kind, title, plan, role, methods, address, expires_at } = self;
        let counted = match (kind, &plan) {
            (CredentialKind::Link, Some((plan, _))) => Some((Owner::Plan(*plan), "links")),
            (CredentialKind::Client, Some((plan, _))) => Some((Owner::Plan(*plan), "clients")),
            (CredentialKind::Session | CredentialKind::SignIn, _) => None,
            _ => Some((Owner::Subject(subject.clone()), "tokens of yours")),
        };
        if let Some((owner, words)) = counted
            && credentials::list(write, kind, &owner)?.iter().filter(|row| row.is_live(now)).count() >= MOST
        {
            let detail = format!("there are {MOST} {words} already; revoke some that are not used");
            return Err(Refusal::Conflict(detail));
        }
        let id: CredentialId = new_id(now).into();
        let subject = if kind == CredentialKind::Client { client_subject(id)? } else { subject.clone() };
        let methods: BTreeSet<&str> = methods.into_iter().chain([READING]).collect();
        let row = CredentialRow {
            id,
            kind,
            subject,
            title,
            plan,
            role,
            methods: methods.into_iter().map(str::to_owned).collect(),
            address,
            created_at: now,
            created_by: by.clone(),
            expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        credentials::add(write, &row, proof)?;
        Ok(row)
    }
}

/// States when something is to expire, and what is wrong with that.
pub(super) fn expiry(wanted: Option<DateTime<Utc>>, now: DateTime<Utc>, invalid: &mut Invalid) -> DateTime<Utc> {
    let at = wanted.unwrap_or(now + LIFETIME);
    if at <= now {
        invalid.at("/expires_at", "in_the_past", "it would have expired already; give a later instant");
    } else if at > now + LONGEST {
        invalid.at("/expires_at", "too_late", "two years ahead at most; make a new one when it has expired");
    }
    at
}

/// The state of a token, link or client, as its tag names it.
pub fn credential_state(row: &CredentialRow) -> String {
    state(row.id, row.last_used_at)
}

/// What something with an id is and when it was last used, as one word.
pub(super) fn state(id: impl Display, last_used_at: Option<DateTime<Utc>>) -> String {
    format!("{id}.{}", last_used_at.map_or(0, |at| at.timestamp_micros()))
}

/// The one that is meant among those that the caller may see.
pub(super) fn found<T>(rows: Vec<T>, is_meant: impl Fn(&T) -> bool) -> Result<T, Refusal> {
    rows.into_iter().find(is_meant).ok_or(Refusal::NotFound)
}

impl Programme {
    /// The credentials of a kind that are not revoked, oldest first; those that have expired among them.
    pub(super) async fn list_credentials(
        &self,
        kind: CredentialKind,
        owner: Owner,
    ) -> Result<Vec<CredentialRow>, Refusal> {
        self.store.read(move |conn| Ok(credentials::list(conn, kind, &owner)?)).await
    }

    /// Revokes the token or link that is meant, at once.
    pub(super) async fn revoke_credential(
        &self,
        kind: CredentialKind,
        owner: Owner,
        caller: &Principal,
        is_meant: impl Fn(&CredentialRow) -> bool + Send + 'static,
        precondition: Precondition,
    ) -> Result<(), Refusal> {
        let (by, now) = (caller.subject().clone(), self.clock.now());
        self.store
            .write(move |write| {
                let row = found(credentials::list(write, kind, &owner)?, is_meant)?;
                precondition.allows_change_of(credential_state(&row))?;
                credentials::revoke(write, &row, &by, now)?;
                Ok(())
            })
            .await
    }

    /// Who comes in with this secret; `None` if it is none, or none any more.
    pub(super) async fn enter(&self, kind: CredentialKind, secret: &str) -> Result<Option<Entered>, Refusal> {
        let (digest, now) = (digest(secret), self.clock.now());
        let found = self.store.look_up(move |conn| credentials::by_digest(conn, kind, &digest, now)).await?;
        let Some(row) = found else { return Ok(None) };
        self.note_use(row.id, row.last_used_at, move |write| credentials::used(write, row.id, now));
        let plan = row.plan.map(|(_, code)| code);
        let opens = plan.clone().zip(row.address);
        let bounds = Bounds { plan, role: row.role, as_partner: kind == CredentialKind::Link, as_anyone: false };
        Ok(Some(Entered {
            id: row.id,
            principal: Principal::within(row.subject, bounds),
            methods: row.methods,
            expires_at: row.expires_at,
            opens,
        }))
    }

    /// Notes that something was used, unless that was done within the minute. Nobody waits for it.
    pub(super) fn note_use(
        &self,
        used: CredentialId,
        last: Option<DateTime<Utc>>,
        note: impl FnOnce(&mut Write<'_>) -> Result<(), StoreError> + Send + 'static,
    ) {
        let now = self.clock.now();
        // Of many that come at once, one writes.
        if last.max(self.noted.get(&used)).is_some_and(|last| now - last < USED_WITHIN) {
            return;
        }
        self.noted.insert(used, now);
        let store = self.store.clone();
        tokio::spawn(async move {
            if let Err(error) = store.write(note).await {
                tracing::warn!(%error, "the use of a credential could not be noted");
            }
        });
    }
}

/// The client that a subject is, if it is one.
pub(super) fn client_of(subject: &Subject) -> Option<CredentialId> {
    subject.as_str().strip_prefix(CLIENT)?.parse().ok()
}

/// The subject of the client with this id.
fn client_subject(id: CredentialId) -> Result<Subject, Refusal> {
    format!("{CLIENT}{id}").parse().map_err(|_never| Refusal::NotFound)
}

/// Tokens, links and clients make no others, and let nobody in: anyone who holds a secret shall not hold on to what it
/// opens once it is revoked.
pub(crate) fn must_be_oneself(caller: &Principal) -> Result<(), Refusal> {
    if caller.is_bounded() || client_of(caller).is_some() {
        let detail = "grants, tokens, links, clients and webhooks are managed by people who have signed in, not with a token or by a client";
        return Err(Refusal::NotAllowed(detail.to_owned()));
    }
    Ok(())
}
