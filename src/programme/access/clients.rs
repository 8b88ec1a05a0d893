//! Clients: partners' systems that sign in by themselves, each with a secret or two.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use waymark_domain::check::check_text;
use waymark_domain::document;
use waymark_domain::document::Document;
use waymark_domain::ids::{PlanCode, Subject};
use waymark_domain::invalid::Invalid;
use waymark_store::credentials::{self, Owner, Proof};
use waymark_store::{Conn, StoreError, grants, new_id};

use crate::access::credentials::{
    CredentialId, CredentialKind, CredentialRow, Draft, SecretId, SecretRow, client_of, credential_state, found,
    must_be_oneself, state,
};
use crate::access::grants::must_administer;
use crate::access::secrets::{hashed_secret, matches, nobodys_hash, on_a_slow_thread};
use crate::caller::precondition::Precondition;
use crate::{Ground, OpenPlan, Pen, Principal, Programme, Refusal};

/// How many secrets a client may have: one in use, and the next.
const SECRETS: usize = 2;

document! {
    /// A partner's system.
    #[schema(description = "A partner's system that signs in by itself.")]
    pub struct ClientTerms / ClientDraft / ClientChange {
        /// What system it is; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "The PCT's data warehouse")]
        title: String,
    }
}

/// A client with its secrets' hashes.
type Client = (CredentialRow, Vec<SecretRow>);

fn with_secrets(conn: &mut Conn, row: CredentialRow) -> Result<Client, StoreError> {
    let secrets = credentials::secrets(conn, row.id)?;
    Ok((row, secrets))
}

/// A secret that is made now.
fn secret_row(hash: String, now: DateTime<Utc>) -> SecretRow {
    SecretRow { id: new_id(now).into(), hash, created_at: now, last_used_at: None }
}

impl Programme {
    /// Makes a client of a plan, and gives it with its first secret, which is never shown again. For administrators.
    pub async fn make_client(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        members: Map<String, Value>,
    ) -> Result<(CredentialRow, SecretRow, String), Refusal> {
        must_be_oneself(caller)?;
        let (secret, hash) = hashed_secret().await?;
        self.change(plan, caller, move |ground, pen| {
            must_administer(&ground.plan)?;
            let terms = ClientTerms::parse(members)?;
            let mut invalid = Invalid::new();
            check_text(&mut invalid, "/title", &terms.title, 1, 200);
            invalid.or(())?;
            let first = secret_row(hash, ground.seen.now);
            let draft = Draft {
                kind: CredentialKind::Client,
                title: terms.title,
                plan: Some((ground.plan.id, ground.plan.code.clone())),
                role: None,
                methods: Vec::new(),
                address: None,
                expires_at: None,
            };
            let row =
                draft.make(pen.write, (&ground.caller, &ground.caller), ground.seen.now, Proof::Secret(&first))?;
            Ok((row, first, secret))
        })
        .await
    }

    /// The clients of a plan with their secrets' hashes, oldest first. For administrators.
    pub async fn list_clients(&self, plan: &OpenPlan) -> Result<Vec<Client>, Refusal> {
        must_administer(plan)?;
        let owner = Owner::Plan(plan.id);
        self.store
            .read(move |conn| {
                let clients = credentials::list(conn, CredentialKind::Client, &owner)?;
                clients.into_iter().map(|row| Ok(with_secrets(conn, row)?)).collect()
            })
            .await
    }

    /// One client of a plan.
    pub async fn find_client(&self, plan: &OpenPlan, id: CredentialId) -> Result<Client, Refusal> {
        found(self.list_clients(plan).await?, |(row, _)| row.id == id)
    }

    /// Gives a client its next secret; the one before is good until it is removed.
    ///
    /// # Errors
    /// A conflict if it has two already.
    pub async fn add_client_secret(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        id: CredentialId,
    ) -> Result<(SecretRow, String), Refusal> {
        must_be_oneself(caller)?;
        let (secret, hash) = hashed_secret().await?;
        self.change(plan, caller, move |ground, pen| {
            let client = pen.client(ground, id)?;
            if credentials::secrets(pen.conn(), client.id)?.len() >= SECRETS {
                return Err(Refusal::Conflict("it has two secrets; remove the old one first".to_owned()));
            }
            let next = secret_row(hash, ground.seen.now);
            credentials::add_secret(pen.write, &client, &next, &ground.caller)?;
            Ok((next, secret))
        })
        .await
    }

    /// Removes a secret from a client.
    ///
    /// # Errors
    /// A conflict if it is the only one.
    pub async fn drop_client_secret(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        id: CredentialId,
        secret: SecretId,
        precondition: Precondition,
    ) -> Result<(), Refusal> {
        must_be_oneself(caller)?;
        self.change(plan, caller, move |ground, pen| {
            let (client, secrets) = pen.client_in_state(ground, id, &precondition)?;
            match secrets.as_slice() {
                [only] if only.id == secret => {
                    Err(Refusal::Conflict("it is the client's only secret; give it another one first".to_owned()))
                }
                held if held.iter().any(|row| row.id == secret) => {
                    Ok(credentials::drop_secret(pen.write, &client, secret, &ground.caller, ground.seen.now)?)
                }
                _ => Err(Refusal::NotFound),
            }
        })
        .await
    }

    /// Ends a client, its secrets and its grants in the plan.
    pub async fn revoke_client(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        id: CredentialId,
        precondition: Precondition,
    ) -> Result<(), Refusal> {
        must_be_oneself(caller)?;
        self.change(plan, caller, move |ground, pen| {
            let (client, _) = pen.client_in_state(ground, id, &precondition)?;
            credentials::revoke(pen.write, &client, &ground.caller, ground.seen.now)?;
            let held = grants::list(pen.conn(), ground.plan.id)?;
            for grant in held.iter().filter(|row| row.subject == client.subject && row.revoked_at.is_none()) {
                let reason = Some("The client was revoked.".to_owned());
                pen.revoke_grant(grant.id, reason)?;
            }
            Ok(())
        })
        .await
    }

    /// Whether an access token of this subject still lets anyone in: that of a client does until the client is ended, in
    /// whichever plans it has a role.
    pub async fn is_welcome(&self, subject: &Subject) -> Result<bool, Refusal> {
        let Some(client) = client_of(subject) else { return Ok(true) };
        let found = self.store.look_up(move |conn| credentials::find(conn, CredentialKind::Client, client)).await?;
        Ok(found.is_some())
    }

    /// The subject of the client with this id and secret; `None` if there is none. Takes as long either way, but for
    /// what anyone can see is no client's id.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if too many ask at once.
    pub async fn enter_client(&self, id: &str, secret: String) -> Result<Option<Subject>, Refusal> {
        let Ok(id) = id.parse::<CredentialId>() else { return Ok(None) };
        let known = self
            .store
            .read(move |conn| {
                let client = credentials::find(conn, CredentialKind::Client, id)?;
                client.map_or(Ok(None), |row| Ok::<_, Refusal>(Some(with_secrets(conn, row)?)))
            })
            .await?;
        let (client, secrets) = known.map_or((None, Vec::new()), |(row, secrets)| (Some(row), secrets));
        let fits = on_a_slow_thread(move || {
            // As many comparisons whether or not there is such a client, and whichever of its secrets it is.
            let nobody = [nobodys_hash()?.to_owned(), nobodys_hash()?.to_owned()];
            let hashes = secrets.iter().map(|row| (Some(row.id), &row.hash));
            let hashes = hashes.chain(nobody.iter().map(|hash| (None, hash))).take(SECRETS);
            let mut fits = None;
            for (row, hash) in hashes {
                if matches(&secret, hash) {
                    fits = row.map(|id| (id, secrets.iter().find(|row| row.id == id).and_then(|row| row.last_used_at)));
                }
            }
            Ok(fits)
        })
        .await?;
        let (Some(client), Some((secret, last))) = (client, fits) else { return Ok(None) };
        let now = self.clock.now();
        self.note_use(client.id, last, move |write| {
            credentials::used_secret(write, secret, now)?;
            credentials::used(write, client.id, now)
        });
        Ok(Some(client.subject))
    }
}

/// The state of a client and its secrets, as its tag names it.
pub fn client_state(row: &CredentialRow, secrets: &[SecretRow]) -> String {
    let secrets = secrets.iter().map(|secret| state(secret.id, secret.last_used_at));
    std::iter::once(credential_state(row)).chain(secrets).collect::<Vec<_>>().join(".")
}

impl Pen<'_, '_> {
    /// A client of the plan, for an administrator.
    fn client(&mut self, ground: &Ground, id: CredentialId) -> Result<CredentialRow, Refusal> {
        must_administer(&ground.plan)?;
        let found = credentials::find(self.conn(), CredentialKind::Client, id)?;
        found.filter(|row| row.plan.as_ref().is_some_and(|(of, _)| *of == ground.plan.id)).ok_or(Refusal::NotFound)
    }

    /// Such a client and its secrets, if they are in the state that the caller means.
    fn client_in_state(
        &mut self,
        ground: &Ground,
        id: CredentialId,
        precondition: &Precondition,
    ) -> Result<Client, Refusal> {
        let client = self.client(ground, id)?;
        let (client, secrets) = with_secrets(self.conn(), client)?;
        precondition.allows_change_of(client_state(&client, &secrets))?;
        Ok((client, secrets))
    }
}
