//! How people's tools and partners' systems get in: personal access tokens, secret links, and clients with secrets.
//!
//! Every secret is shown once, when it is made, and kept only as a hash. A token carries at most what its subject may do;
//! a link opens one table as a partner reads it, since whoever has its address has the table; a client is a subject of its
//! own, to whom grants are given as to a person.

use std::sync::OnceLock;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::access::{Access, Role};
use crate::domain::document::{Document, document};
pub use crate::domain::ids::{CredentialId, SecretId};
use crate::domain::ids::{KpiCode, PlanCode, Subject};
use crate::domain::invalid::Invalid;
use crate::domain::plan::check_text;
use crate::store::credentials::Proof;
pub use crate::store::credentials::{CredentialKind, CredentialRow, SecretRow};
use crate::store::{StoreError, board_reports, credentials, grants, new_id};

use crate::programme::access::grants::must_administer;
use crate::programme::definitions::refer;
use crate::programme::{Bounds, Change, OpenPlan, Principal, Programme, Refusal};

/// How a personal access token begins, so that it is known for one wherever it turns up.
pub const TOKEN_PREFIX: &str = "wmk_";
/// How a client's secret begins.
const SECRET_PREFIX: &str = "wms_";
/// How a client's subject begins.
const CLIENT: &str = "client-";
/// How long a token or link is good for where its maker does not say.
const LIFETIME: TimeDelta = TimeDelta::days(365);
/// The longest that one can be made for.
const LONGEST: TimeDelta = TimeDelta::days(731);
/// How many live tokens a person may have, links a plan, and clients a plan.
const MOST: usize = 100;
/// How many secrets a client may have: one in use, and the next.
const SECRETS: usize = 2;
/// How exactly it is noted when something was last used.
const USED_WITHIN: TimeDelta = TimeDelta::seconds(60);

/// A method that a token may be used with besides reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(
    description = "A method that a token may be used with. Reading (GET, with HEAD and OPTIONS) is always allowed."
)]
pub enum TokenMethod {
    /// Reading.
    Get,
    /// Making something, importing, or a step of a return.
    Post,
    /// Writing one thing.
    Put,
    /// Changing one thing.
    Patch,
    /// Removing one thing.
    Delete,
}

impl TokenMethod {
    /// The name as it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

document! {
    /// What a personal access token is for.
    #[schema(description = "What a personal access token is for, and what it is confined to.")]
    pub struct TokenTerms / TokenDraft / TokenChange {
        /// What it is for, to know it by; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "Power BI scorecard")]
        name: String,
        /// The only plan that it opens; null for every plan you see.
        #[schema(example = "harrow-cypp-2009-2011")]
        plan: Option<PlanCode> = None,
        /// The only role of yours that it carries; null for all.
        role: Option<Role> = None,
        /// The methods it may be used with; reading always is among them.
        #[schema(max_items = 5, example = json!(["GET"]))]
        methods: Vec<TokenMethod> = vec![TokenMethod::Get],
        /// From when on it is no good: at most two years ahead. Without it, a year from now.
        #[schema(example = json!(null))]
        expires_at: Option<DateTime<Utc>> = None,
    }
}

/// A table, or a picture of one KPI, that a secret link opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(description = "A table that a secret link opens, or a picture of one KPI for a page to show.")]
pub enum LinkedTable {
    /// The figures.
    Readings,
    /// The targets.
    Targets,
    /// Where each KPI stands in a period.
    StatusReport,
    /// One KPI over time.
    Series,
    /// Where one KPI stands, as a picture of one line.
    Badge,
    /// One KPI over time, as a small picture.
    Sparkline,
}

impl LinkedTable {
    /// The last part of its address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Readings => "readings",
            Self::Targets => "targets",
            Self::StatusReport => "status-report",
            Self::Series => "series",
            Self::Badge => "badge.svg",
            Self::Sparkline => "sparkline.svg",
        }
    }

    /// Whether it is of one KPI.
    fn is_of_a_kpi(self) -> bool {
        matches!(self, Self::Series | Self::Badge | Self::Sparkline)
    }
}

document! {
    /// What a secret link opens.
    #[schema(description = "What a secret link opens, and for how long.")]
    pub struct LinkTerms / LinkDraft / LinkChange {
        /// What it is for, to know it by; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "The sheet of the Be Healthy group")]
        name: String,
        /// The table.
        table: LinkedTable,
        /// The KPI, for its series, badge or sparkline.
        #[schema(example = json!(null))]
        kpi: Option<KpiCode> = None,
        /// From when on it is no good: at most two years ahead. Without it, a year from now.
        #[schema(example = json!(null))]
        expires_at: Option<DateTime<Utc>> = None,
    }
}

document! {
    /// A partner's system.
    #[schema(description = "A partner's system that signs in by itself.")]
    pub struct ClientTerms / ClientDraft / ClientChange {
        /// What system it is; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "The PCT's data warehouse")]
        title: String,
    }
}

/// What somebody got in with.
#[derive(Clone, Debug)]
pub struct Entered {
    /// The token or link.
    pub id: CredentialId,
    /// Who they are, and within which bounds.
    pub principal: Principal,
    /// The methods it may be used with.
    pub methods: Vec<String>,
    /// From when on it is no good.
    pub expires_at: Option<DateTime<Utc>>,
    /// What a link opens: the plan, and the address below it.
    pub opens: Option<(PlanCode, String)>,
}

/// Random bytes.
pub(in crate::programme) fn random<const N: usize>() -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_no_reason| unavailable("the random source failed"))?;
    Ok(bytes)
}

/// 32 random bytes as text that stands in addresses and headers.
fn secret(prefix: &str) -> Result<String, Refusal> {
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random::<32>()?)))
}

fn unavailable(why: &str) -> Refusal {
    StoreError::Unavailable(why.to_owned()).into()
}

/// What a secret of 256 random bits is found by: no slower hash would protect it better.
fn digest(secret: &str) -> String {
    board_reports::sha256(secret)
}

/// The hash of a client's secret: Argon2id with the parameters that OWASP recommends.
fn slow_hash(secret: &str) -> Result<String, Refusal> {
    let hash = Argon2::default().hash_password_with_salt(secret.as_bytes(), &random::<16>()?);
    hash.map(|hash| hash.to_string()).map_err(|error| unavailable(&error.to_string()))
}

/// Says when something is to expire, and what is wrong with that.
fn expiry(wanted: Option<DateTime<Utc>>, now: DateTime<Utc>, invalid: &mut Invalid) -> DateTime<Utc> {
    let at = wanted.unwrap_or(now + LIFETIME);
    if at <= now {
        invalid.at("/expires_at", "in_the_past", "it would be no good from the beginning; give a later instant");
    } else if at > now + LONGEST {
        invalid.at("/expires_at", "too_late", "two years ahead at most; make a new one when it has expired");
    }
    at
}

fn too_many(what: &str) -> Refusal {
    Refusal::Conflict(format!("there are {MOST} {what} already; revoke some that are not used"))
}

impl Programme {
    /// Makes a personal access token for the caller, and gives it with its secret, which is never shown again.
    ///
    /// # Errors
    /// What is wrong with the terms; a conflict where the caller has too many.
    pub async fn make_token(
        &self,
        caller: &Principal,
        members: Map<String, Value>,
    ) -> Result<(CredentialRow, String), Refusal> {
        let (caller, now) = (caller.clone(), self.clock.now());
        must_be_oneself(&caller)?;
        let clock = self.clock.clone();
        self.store
            .write(move |write| {
                caller.claim(write, &clock, &Access::new(Vec::new()))?;
                let terms = TokenTerms::parse(members)?;
                let mut invalid = Invalid::new();
                check_text(&mut invalid, "/name", &terms.name, 1, 200);
                let expires_at = expiry(terms.expires_at, now, &mut invalid);
                let seen = caller.list_plans(write, None, usize::MAX)?;
                let plan = terms.plan.as_ref().and_then(|code| {
                    let codes = seen.iter().map(|plan| (plan.code.clone(), ())).collect();
                    refer(&mut invalid, "/plan", "plan", code, &codes);
                    seen.iter().find(|plan| plan.code == *code).map(|plan| (plan.id, plan.code.clone()))
                });
                let service = grants::of_service(write, &caller)?;
                let held = service.iter().chain(seen.iter().flat_map(|plan| &plan.grants));
                if let Some(role) = terms.role
                    && !held.into_iter().any(|grant| grant.granted.role == role)
                {
                    invalid.at("/role", "not_held", format!("you do not hold the role `{}`", role.as_str()));
                }
                invalid.or(())?;
                let held = credentials::of_subject(write, CredentialKind::Token, &caller)?;
                if held.iter().filter(|row| row.is_live(now)).count() >= MOST {
                    return Err(too_many("tokens of yours"));
                }
                let mut methods: Vec<String> = vec![TokenMethod::Get.as_str().to_owned()];
                methods.extend(terms.methods.iter().map(|method| method.as_str().to_owned()));
                methods.sort_unstable();
                methods.dedup();
                let row = CredentialRow {
                    id: new_id(now).into(),
                    kind: CredentialKind::Token,
                    subject: caller.subject().clone(),
                    title: terms.name,
                    plan,
                    role: terms.role,
                    methods,
                    address: None,
                    created_at: now,
                    created_by: caller.subject().clone(),
                    expires_at: Some(expires_at),
                    last_used_at: None,
                    revoked_at: None,
                };
                let secret = secret(TOKEN_PREFIX)?;
                credentials::add(write, &row, Proof::Digest(&digest(&secret)))?;
                Ok((row, secret))
            })
            .await
    }

    /// The caller's tokens that are not revoked, the oldest first; those that have expired among them.
    pub async fn my_tokens(&self, caller: &Principal) -> Result<Vec<CredentialRow>, Refusal> {
        must_be_oneself(caller)?;
        let caller = caller.clone();
        self.store.read(move |conn| Ok(credentials::of_subject(conn, CredentialKind::Token, &caller)?)).await
    }

    /// One token of the caller's.
    pub async fn find_token(&self, caller: &Principal, id: CredentialId) -> Result<CredentialRow, Refusal> {
        let tokens = self.my_tokens(caller).await?;
        tokens.into_iter().find(|row| row.id == id).ok_or(Refusal::NotFound)
    }

    /// Revokes a token of the caller's, at once.
    pub async fn revoke_token(&self, caller: &Principal, id: CredentialId) -> Result<(), Refusal> {
        let row = self.find_token(caller, id).await?;
        let (by, now) = (caller.subject().clone(), self.clock.now());
        self.store.write(move |write| Ok(credentials::revoke(write, &row, &by, now)?)).await
    }

    /// Who comes in with this token; `None` where it is none, or none any more.
    pub async fn enter_by_token(&self, token: &str) -> Result<Option<Entered>, Refusal> {
        self.enter(CredentialKind::Token, token).await
    }

    /// Who comes in by a link with this secret, and what it opens; `None` where it is none, or none any more.
    pub async fn enter_by_link(&self, secret: &str) -> Result<Option<Entered>, Refusal> {
        self.enter(CredentialKind::Link, secret).await
    }

    async fn enter(&self, kind: CredentialKind, secret: &str) -> Result<Option<Entered>, Refusal> {
        let (digest, now) = (digest(secret), self.clock.now());
        let found = self.store.look_up(move |conn| credentials::by_digest(conn, kind, &digest, now)).await?;
        let Some(row) = found else { return Ok(None) };
        self.note_use(row.id, row.last_used_at, move |write| credentials::used(write, row.id, now));
        let plan = row.plan.map(|(_, code)| code);
        let opens = plan.clone().zip(row.address);
        let bounds = Bounds { plan, role: row.role, as_partner: kind == CredentialKind::Link };
        Ok(Some(Entered {
            id: row.id,
            principal: Principal::within(row.subject, bounds),
            methods: row.methods,
            expires_at: row.expires_at,
            opens,
        }))
    }

    /// Notes that something was used, unless that was done within the minute. Nobody waits for it.
    fn note_use(
        &self,
        used: CredentialId,
        last: Option<DateTime<Utc>>,
        note: impl FnOnce(&mut crate::store::Write<'_>) -> Result<(), StoreError> + Send + 'static,
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

    /// Makes a secret link to a table of a plan, and gives it with its secret, which is never shown again.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for those who are no members of the partnership and no partners.
    pub async fn make_link(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        members: Map<String, Value>,
    ) -> Result<(CredentialRow, String), Refusal> {
        must_be_oneself(caller)?;
        self.change(plan, caller, move |change| {
            must_belong(&change.plan)?;
            let terms = LinkTerms::parse(members)?;
            let mut invalid = Invalid::new();
            check_text(&mut invalid, "/name", &terms.name, 1, 200);
            let expires_at = expiry(terms.expires_at, change.now, &mut invalid);
            let table = terms.table.as_str();
            let address = match (&terms.kpi, terms.table.is_of_a_kpi()) {
                (Some(kpi), true) => {
                    let seen_by = |access: &Access| change.picture.kpis_seen(access);
                    let shown = seen_by(&change.plan.access.outside());
                    if !shown.contains_key(kpi) && seen_by(&change.plan.access).contains_key(kpi) {
                        let detail = format!("{kpi} is not published to those who would see the link");
                        invalid.at("/kpi", "not_published", detail);
                    } else {
                        refer(&mut invalid, "/kpi", "KPI", kpi, &shown);
                    }
                    format!("kpis/{kpi}/{table}")
                }
                (None, true) => {
                    invalid.at("/kpi", "missing", "say of which KPI it is");
                    String::new()
                }
                (kpi, false) => {
                    if kpi.is_some() {
                        invalid.at("/kpi", "does_not_fit", "only a series, a badge or a sparkline is of one KPI");
                    }
                    table.to_owned()
                }
            };
            invalid.or(())?;
            let row = change.credential(CredentialKind::Link, terms.name, Some(address), Some(expires_at))?;
            let secret = secret("")?;
            credentials::add(change.write, &row, Proof::Digest(&digest(&secret)))?;
            Ok((row, secret))
        })
        .await
    }

    /// The links of a plan that the caller may revoke: their own, or all for an administrator. The oldest first.
    pub async fn list_links(&self, plan: &OpenPlan, caller: &Principal) -> Result<Vec<CredentialRow>, Refusal> {
        must_be_oneself(caller)?;
        must_belong(plan)?;
        let (id, all, caller) = (plan.id, plan.access.administers(), caller.clone());
        self.store
            .read(move |conn| {
                let mut rows = credentials::of_plan(conn, CredentialKind::Link, id)?;
                rows.retain(|row| all || row.created_by == *caller.subject());
                Ok(rows)
            })
            .await
    }

    /// One such link.
    pub async fn find_link(
        &self,
        plan: &OpenPlan,
        caller: &Principal,
        id: CredentialId,
    ) -> Result<CredentialRow, Refusal> {
        let links = self.list_links(plan, caller).await?;
        links.into_iter().find(|row| row.id == id).ok_or(Refusal::NotFound)
    }

    /// Revokes such a link, at once.
    pub async fn revoke_link(&self, plan: &OpenPlan, caller: &Principal, id: CredentialId) -> Result<(), Refusal> {
        let row = self.find_link(plan, caller, id).await?;
        let (by, now) = (caller.subject().clone(), self.clock.now());
        self.store.write(move |write| Ok(credentials::revoke(write, &row, &by, now)?)).await
    }

    /// Makes a client of a plan, and gives it with its first secret, which is never shown again. For administrators.
    pub async fn make_client(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        members: Map<String, Value>,
    ) -> Result<(CredentialRow, SecretRow, String), Refusal> {
        must_be_oneself(caller)?;
        let (secret, hash) = hashed_secret().await?;
        self.change(plan, caller, move |change| {
            must_administer(&change.plan)?;
            let terms = ClientTerms::parse(members)?;
            let mut invalid = Invalid::new();
            check_text(&mut invalid, "/title", &terms.title, 1, 200);
            invalid.or(())?;
            let row = change.credential(CredentialKind::Client, terms.title, None, None)?;
            let first = SecretRow { id: new_id(change.now).into(), hash, created_at: change.now, last_used_at: None };
            credentials::add(change.write, &row, Proof::Secret(&first))?;
            Ok((row, first, secret))
        })
        .await
    }

    /// The clients of a plan with their secrets' hashes, the oldest first. For administrators.
    pub async fn list_clients(&self, plan: &OpenPlan) -> Result<Vec<(CredentialRow, Vec<SecretRow>)>, Refusal> {
        must_administer(plan)?;
        let id = plan.id;
        self.store
            .read(move |conn| {
                let clients = credentials::of_plan(conn, CredentialKind::Client, id)?;
                clients
                    .into_iter()
                    .map(|row| {
                        let secrets = credentials::secrets(conn, row.id)?;
                        Ok((row, secrets))
                    })
                    .collect()
            })
            .await
    }

    /// One client of a plan.
    pub async fn find_client(
        &self,
        plan: &OpenPlan,
        id: CredentialId,
    ) -> Result<(CredentialRow, Vec<SecretRow>), Refusal> {
        let clients = self.list_clients(plan).await?;
        clients.into_iter().find(|(row, _)| row.id == id).ok_or(Refusal::NotFound)
    }

    /// Gives a client its next secret; the one before is good until it is taken away.
    ///
    /// # Errors
    /// A conflict where it has two already.
    pub async fn add_client_secret(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        id: CredentialId,
    ) -> Result<(SecretRow, String), Refusal> {
        must_be_oneself(caller)?;
        let (secret, hash) = hashed_secret().await?;
        self.change(plan, caller, move |change| {
            let client = change.client(id)?;
            if credentials::secrets(change.conn(), client.id)?.len() >= SECRETS {
                return Err(Refusal::Conflict("it has two secrets; take the old one away first".to_owned()));
            }
            let next = SecretRow { id: new_id(change.now).into(), hash, created_at: change.now, last_used_at: None };
            credentials::add_secret(change.write, &client, &next, &change.caller)?;
            Ok((next, secret))
        })
        .await
    }

    /// Takes a secret from a client.
    ///
    /// # Errors
    /// A conflict where it is the only one.
    pub async fn drop_client_secret(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        id: CredentialId,
        secret: SecretId,
    ) -> Result<(), Refusal> {
        must_be_oneself(caller)?;
        self.change(plan, caller, move |change| {
            let client = change.client(id)?;
            let secrets = credentials::secrets(change.conn(), client.id)?;
            match secrets.as_slice() {
                [only] if only.id == secret => {
                    Err(Refusal::Conflict("it is the client's only secret; give it the next one first".to_owned()))
                }
                held if held.iter().any(|row| row.id == secret) => {
                    Ok(credentials::drop_secret(change.write, &client, secret, &change.caller, change.now)?)
                }
                _ => Err(Refusal::NotFound),
            }
        })
        .await
    }

    /// Ends a client, its secrets and its grants in the plan.
    pub async fn revoke_client(&self, plan: &PlanCode, caller: &Principal, id: CredentialId) -> Result<(), Refusal> {
        must_be_oneself(caller)?;
        self.change(plan, caller, move |change| {
            let client = change.client(id)?;
            credentials::revoke(change.write, &client, &change.caller, change.now)?;
            let plan = change.plan.id;
            let held = grants::list(change.conn(), plan)?;
            let (caller, now) = (change.caller.clone(), change.now);
            let locked = change.locked.as_mut().ok_or(Refusal::NotFound)?;
            for grant in held.iter().filter(|row| row.subject == client.subject && row.revoked_at.is_none()) {
                let reason = Some("The client was revoked.".to_owned());
                grants::revoke(change.write, locked, &caller, now, grant.id, reason)?;
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

    /// The subject of the client with this id and secret; `None` where there is none. Takes as long either way, but for what
    /// anyone can see is no client's id.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where too many ask at once.
    pub async fn enter_client(&self, id: &str, secret: String) -> Result<Option<Subject>, Refusal> {
        let Ok(id) = id.parse::<CredentialId>() else { return Ok(None) };
        let known = self
            .store
            .read(move |conn| {
                let client = credentials::find(conn, CredentialKind::Client, id)?;
                client.map_or(Ok(None), |row| Ok::<_, Refusal>(Some((row, credentials::secrets(conn, id)?))))
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
                if Argon2::default().verify_password(secret.as_bytes(), hash.as_str()).is_ok() {
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

/// How many slow hashes are made at a time: each takes 19 MiB and a core.
static SLOW: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(2);

/// How many may be made or wait for their turn: whoever tries many secrets must not keep everyone else waiting for minutes.
static SLOW_OR_WAITING: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(32);

async fn on_a_slow_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let _place = SLOW_OR_WAITING.try_acquire().map_err(|_full| StoreError::Busy)?;
    let _turn = SLOW.acquire().await.map_err(|_closed| unavailable("the service is stopping"))?;
    tokio::task::spawn_blocking(work).await.map_err(|_stopped| unavailable("the service is stopping"))?
}

/// A new secret of a client's, and its hash.
async fn hashed_secret() -> Result<(String, String), Refusal> {
    let secret = secret(SECRET_PREFIX)?;
    on_a_slow_thread(move || slow_hash(&secret).map(|hash| (secret, hash))).await
}

/// The hash of a secret that nobody has.
fn nobodys_hash() -> Result<&'static str, Refusal> {
    static HASH: OnceLock<String> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return Ok(hash);
    }
    let hash = slow_hash(&secret("")?)?;
    Ok(HASH.get_or_init(|| hash))
}

/// The client that a subject is, if it is one.
fn client_of(subject: &Subject) -> Option<CredentialId> {
    subject.as_str().strip_prefix(CLIENT)?.parse().ok()
}

/// Tokens, links and clients make no others, and let nobody in: whoever holds a secret shall not hold on to what it opens once
/// it is taken back.
pub(in crate::programme) fn must_be_oneself(caller: &Principal) -> Result<(), Refusal> {
    if caller.is_bounded() || client_of(caller).is_some() {
        let detail = "grants, tokens, links, clients and webhooks are managed by people who have signed in, not with a token or by a client";
        return Err(Refusal::NotAllowed(detail.to_owned()));
    }
    Ok(())
}

/// Links are made by those whom the plan has let in.
fn must_belong(plan: &OpenPlan) -> Result<(), Refusal> {
    if plan.access.is_granted() {
        return Ok(());
    }
    Err(Refusal::NotAllowed("only those with a role in the plan make links to its tables".to_owned()))
}

impl Change<'_, '_> {
    /// A credential of the plan that is being changed: a link for the caller, or a client for itself.
    fn credential(
        &mut self,
        kind: CredentialKind,
        title: String,
        address: Option<String>,
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<CredentialRow, Refusal> {
        let plan = self.plan.id;
        let now = self.now;
        if credentials::of_plan(self.conn(), kind, plan)?.iter().filter(|row| row.is_live(now)).count() >= MOST {
            return Err(too_many(if kind == CredentialKind::Link { "links" } else { "clients" }));
        }
        let id: CredentialId = new_id(self.now).into();
        let subject = match kind {
            CredentialKind::Client => format!("{CLIENT}{id}").parse().map_err(|_never| Refusal::NotFound)?,
            CredentialKind::Link | CredentialKind::Token => self.caller.clone(),
        };
        Ok(CredentialRow {
            id,
            kind,
            subject,
            title,
            plan: Some((plan, self.plan.code.clone())),
            role: None,
            methods: vec![TokenMethod::Get.as_str().to_owned()],
            address,
            created_at: self.now,
            created_by: self.caller.clone(),
            expires_at,
            last_used_at: None,
            revoked_at: None,
        })
    }

    /// A client of the plan, for an administrator.
    fn client(&mut self, id: CredentialId) -> Result<CredentialRow, Refusal> {
        must_administer(&self.plan)?;
        let plan = self.plan.id;
        let found = credentials::find(self.conn(), CredentialKind::Client, id)?;
        found.filter(|row| row.plan.as_ref().is_some_and(|(of, _)| *of == plan)).ok_or(Refusal::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_secrets_are_alike_and_none_is_its_hash() {
        let (one, other) = (secret(TOKEN_PREFIX).unwrap(), secret(TOKEN_PREFIX).unwrap());
        assert_ne!(one, other);
        assert_eq!((one.len(), one.starts_with("wmk_")), (47, true));
        assert_eq!(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let hash = slow_hash(&one).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && !hash.contains(&one), "{hash}");
        assert!(Argon2::default().verify_password(one.as_bytes(), hash.as_str()).is_ok());
        assert!(Argon2::default().verify_password(other.as_bytes(), hash.as_str()).is_err());
    }
}
