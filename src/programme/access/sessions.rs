//! People who are signed in: what their browser shows in place of a token, and how they come by it.
//!
//! Somebody signs in with an account of their organisation ([`Account`]), by a link that works once
//! ([`Programme::make_sign_in_link`]), or with a personal access token of theirs.
//! A session that was begun with a token carries what the token does, and ends when the token does.

use chrono::{DateTime, TimeDelta, Utc};

use waymark_domain::ids::Subject;
use waymark_store::Conn;
use waymark_store::credentials::{self, Owner};
use waymark_store::kinds::CredentialKind;

use crate::access::credentials::{CredentialId, CredentialRow, Draft, Entered, found};
use crate::access::people::{self, Account};
use crate::access::secrets::digest;
use crate::access::tokens::TokenMethod;
use crate::{Bounds, Principal, Programme, Refusal};

/// How long a session lasts that nobody uses.
pub const IDLE: TimeDelta = TimeDelta::hours(8);
/// How long a session lasts at most.
pub const LONGEST: TimeDelta = TimeDelta::hours(24);
/// What a session is called of which nothing is known: the browser did not say what it is.
const UNNAMED: &str = "A browser";
/// The most characters of what a browser says it is that are saved.
const MOST_OF_A_NAME: usize = 200;
/// Where a session was begun with a token: what its id comes after.
const BY_TOKEN: &str = "tokens/";

/// A session that was just begun.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// What the browser shows from then on; it is never shown again.
    pub secret: String,
    /// Who signed in.
    pub subject: Subject,
}

/// What somebody signs in with.
#[derive(Clone, Debug)]
pub enum SignIn {
    /// The secret of a link that works once.
    Link(String),
    /// A personal access token.
    Token(String),
    /// An account, for which its issuer has just vouched.
    Account(Account),
}

impl Programme {
    /// Makes a link that signs somebody in once, until it expires, and gives its secret, which is never shown again.
    pub async fn make_sign_in_link(&self, subject: &Subject, lifetime: TimeDelta) -> Result<String, Refusal> {
        let (subject, now) = (subject.clone(), self.clock.now());
        let title = "A link to sign in once".to_owned();
        let draft = Draft { expires_at: Some(now + lifetime), ..whole(CredentialKind::SignIn, title) };
        let by = Subject::of_the_service();
        self.store.write(move |write| Ok(draft.make_for(write, (&subject, &by), now, "")?.1)).await
    }

    /// Signs somebody in; `None` if what they came with is not good, or not any more. A link is used up by it.
    pub async fn sign_in(&self, by: SignIn, browser: Option<&str>) -> Result<Option<NewSession>, Refusal> {
        let now = self.clock.now();
        let name: String =
            browser.unwrap_or(UNNAMED).chars().filter(|c| !c.is_control()).take(MOST_OF_A_NAME).collect();
        let name = if name.trim().is_empty() { UNNAMED.to_owned() } else { name };
        self.store
            .write(move |write| {
                let (kind, secret) = match &by {
                    SignIn::Link(secret) => (CredentialKind::SignIn, secret),
                    SignIn::Token(secret) => (CredentialKind::Token, secret),
                    SignIn::Account(account) => {
                        let subject = people::arrival(write, account, now)?;
                        let draft = lasting(name, now);
                        let (_, secret) = draft.make_for(write, (&subject, &subject), now, "")?;
                        return Ok(Some(NewSession { secret, subject }));
                    }
                };
                let Some(row) = credentials::by_digest(write, kind, &digest(secret), now)? else { return Ok(None) };
                let subject = row.subject.clone();
                // Of two who follow one link at the same moment, one is let in.
                if kind == CredentialKind::SignIn && !credentials::revoke(write, &row, &subject, now)? {
                    return Ok(None);
                }
                let draft = of(row, name, now);
                let (_, secret) = draft.make_for(write, (&subject, &subject), now, "")?;
                Ok(Some(NewSession { secret, subject }))
            })
            .await
    }

    /// Who comes in with this session; `None` if it is none, or none any more.
    pub async fn enter_by_session(&self, secret: &str) -> Result<Option<Entered>, Refusal> {
        let (digest, now) = (digest(secret), self.clock.now());
        let found = self.store.look_up(move |conn| good_session(conn, &digest, now)).await?;
        let Some(row) = found else { return Ok(None) };
        self.note_use(row.id, row.last_used_at, move |write| credentials::used(write, row.id, now));
        let bounds = Bounds { plan: row.plan.map(|(_, code)| code), role: row.role, ..Bounds::default() };
        let principal =
            if row.address.is_some() { Principal::within(row.subject, bounds) } else { Principal::from(row.subject) };
        Ok(Some(Entered { id: row.id, principal, methods: row.methods, expires_at: row.expires_at, opens: None }))
    }

    /// The sessions of a person that have not ended, oldest first.
    pub async fn my_sessions(&self, caller: &Principal) -> Result<Vec<CredentialRow>, Refusal> {
        let now = self.clock.now();
        let mut rows = self.list_credentials(CredentialKind::Session, Owner::Subject(caller.subject().clone())).await?;
        rows.retain(|row| is_good(row, now));
        Ok(rows)
    }

    /// Ends a session of a person's, or with `None` all of them: they are signed out at once.
    pub async fn end_sessions(&self, caller: &Principal, only: Option<CredentialId>) -> Result<(), Refusal> {
        let (by, now) = (caller.subject().clone(), self.clock.now());
        self.store
            .write(move |write| {
                let rows = credentials::list(write, CredentialKind::Session, &Owner::Subject(by.clone()))?;
                match only {
                    None => rows.iter().try_for_each(|row| credentials::revoke(write, row, &by, now).map(drop))?,
                    Some(id) => drop(credentials::revoke(write, &found(rows, |row| row.id == id)?, &by, now)?),
                }
                Ok(())
            })
            .await
    }
}

/// A credential that carries all that its subject may do.
fn whole(kind: CredentialKind, title: String) -> Draft {
    Draft {
        kind,
        title,
        plan: None,
        role: None,
        methods: TokenMethod::ALL.iter().map(|method| method.as_str()).collect(),
        address: None,
        expires_at: None,
    }
}

/// A session that carries all that its subject may do.
fn lasting(name: String, now: DateTime<Utc>) -> Draft {
    Draft { expires_at: Some(now + LONGEST), ..whole(CredentialKind::Session, name) }
}

/// The session of somebody who came with this link or token.
fn of(row: CredentialRow, name: String, now: DateTime<Utc>) -> Draft {
    let whole = lasting(name, now);
    if row.kind != CredentialKind::Token {
        return whole;
    }
    let methods = whole.methods.into_iter().filter(|method| row.methods.iter().any(|allowed| allowed == method));
    Draft {
        plan: row.plan,
        role: row.role,
        methods: methods.collect(),
        address: Some(format!("{BY_TOKEN}{}", row.id)),
        ..whole
    }
}

/// Whether a session has been used lately, and has not come to its end.
fn is_good(row: &CredentialRow, now: DateTime<Utc>) -> bool {
    row.is_live(now) && now < row.last_used_at.unwrap_or(row.created_at).max(row.created_at) + IDLE
}

/// The session with this digest, if it is good, and the token that it was begun with is.
fn good_session(conn: &mut Conn, digest: &str, now: DateTime<Utc>) -> Result<Option<CredentialRow>, Refusal> {
    let row = credentials::by_digest(conn, CredentialKind::Session, digest, now)?;
    let Some(row) = row.filter(|row| is_good(row, now)) else { return Ok(None) };
    let token = row.address.as_deref().and_then(|address| address.strip_prefix(BY_TOKEN));
    let Some(token) = token else { return Ok(Some(row)) };
    let Ok(id) = token.parse() else { return Ok(None) };
    let token = credentials::find(conn, CredentialKind::Token, id)?;
    Ok(token.filter(|token| token.is_live(now)).map(|_| row))
}
