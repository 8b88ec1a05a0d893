//! What people and systems sign in with: personal access tokens, secret links, and partners' clients with their secrets.
//!
//! No secret is stored: of a token or link its SHA-256, by which it is found, and of a client's secrets a slow hash
//! that is compared. A row stays when it is revoked; its columns state who had access to what, and from when to when.
//! Each change is an entry of the service's journal, written here with it; that something was used is no change.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::backend::{AnyConn, MultiBackend};
use super::kinds::CredentialKind;
use super::schema::{client_secrets, credentials, plans};
use super::seal::instant;
use super::service_journal::{self, Change};
use super::types::{FromColumn, Json, MaybeTimestamp, UtcTimestamp, json_list};
use super::{Conn, StoreError, Write};
use waymark_domain::access::Role;
use waymark_domain::ids::{CredentialId, PlanCode, PlanId, SecretId, Subject};

/// A credential as it is in the database, without its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRow {
    /// What it is known by.
    pub id: CredentialId,
    /// What it is.
    pub kind: CredentialKind,
    /// Whom it speaks for.
    pub subject: Subject,
    /// What it is for, in its maker's words.
    pub title: String,
    /// The only plan that it opens; `None` for all of its subject's.
    pub plan: Option<(PlanId, PlanCode)>,
    /// The only role of its subject that it carries; `None` for all.
    pub role: Option<Role>,
    /// The methods it may be used with.
    pub methods: Vec<String>,
    /// What a link opens, below its plan: `readings`, `kpis/NI-117/series`.
    pub address: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Who made it.
    pub created_by: Subject,
    /// From when it is no longer valid; `None` for a client, whose secrets are replaced.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Since when it is not valid, if it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl CredentialRow {
    /// Whether it is still good, unless it was revoked.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }

    /// Everything that this credential says, as its journal entry has it: a client with its `secrets`, of which only the ids
    /// are known here. Neither a secret nor a hash is in it, nor when something was last used.
    pub(super) fn document(&self, secrets: &[SecretRow]) -> Value {
        let mut document = json!({
            "created_at": instant(self.created_at),
            "created_by": self.created_by,
            "expires_at": self.expires_at.map(instant),
            "id": self.id.to_string(),
            "methods": self.methods,
            "opens": self.address,
            "plan": self.plan.as_ref().map(|(_, code)| code),
            "revoked_at": self.revoked_at.map(instant),
            "role": self.role.map(Role::as_str),
            "subject": self.subject,
            "title": self.title,
        });
        if let (CredentialKind::Client, Some(members)) = (self.kind, document.as_object_mut()) {
            let of = |row: &SecretRow| json!({"created_at": instant(row.created_at), "id": row.id.to_string()});
            members.insert("secrets".to_owned(), secrets.iter().map(of).collect());
        }
        document
    }

    fn change(&self, deed: &str, before: Option<Value>, after: Option<Value>) -> Change {
        let kind = self.kind.as_str();
        Change { action: format!("{kind}.{deed}"), kind, key: self.id.to_string(), before, after, reason: None }
    }
}

/// What a credential is proved by.
#[derive(Clone, Copy, Debug)]
pub enum Proof<'a> {
    /// The SHA-256 of a token's or link's secret, in lower-case hexadecimal.
    Digest(&'a str),
    /// A client's first secret.
    Secret(&'a SecretRow),
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = credentials, check_for_backend(MultiBackend))]
struct Columns {
    #[diesel(deserialize_as = FromColumn<CredentialId>)]
    id: CredentialId,
    #[diesel(deserialize_as = FromColumn<CredentialKind>)]
    kind: CredentialKind,
    #[diesel(deserialize_as = FromColumn<Subject>)]
    subject: Subject,
    title: String,
    #[diesel(deserialize_as = FromColumn<Option<PlanId>>)]
    plan_id: Option<PlanId>,
    #[diesel(deserialize_as = FromColumn<Option<Role>>)]
    role: Option<Role>,
    #[diesel(deserialize_as = Json<Vec<String>>)]
    methods: Vec<String>,
    address: Option<String>,
    created_at: UtcTimestamp,
    #[diesel(deserialize_as = FromColumn<Subject>)]
    created_by: Subject,
    #[diesel(deserialize_as = MaybeTimestamp)]
    expires_at: Option<DateTime<Utc>>,
    #[diesel(deserialize_as = MaybeTimestamp)]
    last_used_at: Option<DateTime<Utc>>,
    #[diesel(deserialize_as = MaybeTimestamp)]
    revoked_at: Option<DateTime<Utc>>,
}

impl Columns {
    fn with_plan(self, code: Option<PlanCode>) -> CredentialRow {
        CredentialRow {
            id: self.id,
            kind: self.kind,
            subject: self.subject,
            title: self.title,
            plan: self.plan_id.zip(code),
            role: self.role,
            methods: self.methods,
            address: self.address,
            created_at: self.created_at.into(),
            created_by: self.created_by,
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
            revoked_at: self.revoked_at,
        }
    }
}

type Found = (Columns, FromColumn<Option<PlanCode>>);

/// Credentials with the code of the plan that they are confined to.
macro_rules! found {
    ($any:expr, $($filter:expr),+) => {
        credentials::table
            .left_join(plans::table.on(credentials::plan_id.eq(plans::id.nullable())))
            $(.filter($filter))+
            .order(credentials::id)
            .select((Columns::as_select(), plans::code.nullable()))
            .load::<Found>($any)
    };
}

fn rows(found: Vec<Found>) -> Vec<CredentialRow> {
    found.into_iter().map(|(columns, code)| columns.with_plan(code.0)).collect()
}

/// Adds a credential, and journals it.
pub fn add(write: &mut Write<'_>, row: &CredentialRow, proof: Proof<'_>) -> Result<(), StoreError> {
    let (digest, secrets) = match proof {
        Proof::Digest(digest) => (Some(digest), &[][..]),
        Proof::Secret(secret) => (None, std::slice::from_ref(secret)),
    };
    write.run(|any| {
        diesel::insert_into(credentials::table)
            .values((
                credentials::id.eq(row.id.to_string()),
                credentials::kind.eq(row.kind.as_str()),
                credentials::subject.eq(row.subject.as_str()),
                credentials::title.eq(&row.title),
                credentials::plan_id.eq(row.plan.as_ref().map(|(id, _)| id.0)),
                credentials::role.eq(row.role.map(Role::as_str)),
                credentials::methods.eq(json_list(&row.methods)),
                credentials::address.eq(row.address.as_deref()),
                credentials::digest.eq(digest),
                credentials::created_at.eq(UtcTimestamp::from(row.created_at)),
                credentials::created_by.eq(row.created_by.as_str()),
                credentials::expires_at.eq(row.expires_at.map(UtcTimestamp::from)),
            ))
            .execute(any)?;
        secrets.iter().try_for_each(|secret| insert_secret(any, row.id, secret))
    })?;
    let mut held = service_journal::hold(write)?;
    let change = row.change("made", None, Some(row.document(secrets)));
    service_journal::record(write, &mut held, &row.created_by, row.created_at, vec![change])
}

/// The live credential of this kind with this digest.
pub fn by_digest(
    conn: &mut Conn,
    kind: CredentialKind,
    digest: &str,
    now: DateTime<Utc>,
) -> Result<Option<CredentialRow>, StoreError> {
    let found = conn.run(|any| {
        found!(
            any,
            credentials::digest.eq(digest),
            credentials::kind.eq(kind.as_str()),
            credentials::revoked_at.is_null(),
            credentials::expires_at.is_null().or(credentials::expires_at.gt(UtcTimestamp::from(now)).assume_not_null())
        )
    })?;
    Ok(rows(found).pop())
}

/// Whose credentials are meant.
#[derive(Clone, Debug)]
pub enum Owner {
    /// Those that speak for a subject.
    Subject(Subject),
    /// Those of a plan.
    Plan(PlanId),
}

/// The credentials of this kind that were not revoked, oldest first.
pub fn list(conn: &mut Conn, kind: CredentialKind, owner: &Owner) -> Result<Vec<CredentialRow>, StoreError> {
    let live = credentials::kind.eq(kind.as_str()).and(credentials::revoked_at.is_null());
    let found = conn.run(|any| match owner {
        Owner::Subject(subject) => found!(any, credentials::subject.eq(subject.as_str()), live),
        Owner::Plan(plan) => found!(any, credentials::plan_id.eq(plan.0), live),
    })?;
    Ok(rows(found))
}

/// The credential of this kind and id, if it was not revoked.
pub fn find(conn: &mut Conn, kind: CredentialKind, id: CredentialId) -> Result<Option<CredentialRow>, StoreError> {
    let found = conn.run(|any| {
        found!(
            any,
            credentials::id.eq(id.to_string()),
            credentials::kind.eq(kind.as_str()),
            credentials::revoked_at.is_null()
        )
    })?;
    Ok(rows(found).pop())
}

/// Revokes a credential, and journals it; a client's secrets go with it. One that was revoked meanwhile stays as it is, and the
/// answer is `false`.
pub fn revoke(
    write: &mut Write<'_>,
    row: &CredentialRow,
    by: &Subject,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut held = service_journal::hold(write)?;
    let before = row.document(&secrets(write, row.id)?);
    let id = row.id.to_string();
    let revoked = write.run(|any| {
        diesel::delete(client_secrets::table.filter(client_secrets::client.eq(&id))).execute(any)?;
        diesel::update(credentials::table.find(&id).filter(credentials::revoked_at.is_null()))
            .set(credentials::revoked_at.eq(UtcTimestamp::from(now)))
            .execute(any)
    })?;
    if revoked == 0 {
        return Ok(false);
    }
    let after = CredentialRow { revoked_at: Some(now), ..row.clone() }.document(&[]);
    let change = row.change("revoked", Some(before), Some(after));
    service_journal::record(write, &mut held, by, now, vec![change])?;
    Ok(true)
}

/// Notes that a credential was used.
pub fn used(write: &mut Write<'_>, id: CredentialId, now: DateTime<Utc>) -> Result<(), StoreError> {
    write.run(|any| {
        diesel::update(credentials::table.find(id.to_string()))
            .set(credentials::last_used_at.eq(UtcTimestamp::from(now)))
            .execute(any)
            .map(drop)
    })
}

/// A client's secret, as a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRow {
    /// What it is known by.
    pub id: SecretId,
    /// The hash of it, in the form of the Password Hashing Competition.
    pub hash: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = client_secrets, check_for_backend(MultiBackend))]
struct SecretColumns {
    #[diesel(deserialize_as = FromColumn<SecretId>)]
    id: SecretId,
    hash: String,
    created_at: UtcTimestamp,
    #[diesel(deserialize_as = MaybeTimestamp)]
    last_used_at: Option<DateTime<Utc>>,
}

/// A client's secrets, oldest first.
pub fn secrets(conn: &mut Conn, client: CredentialId) -> Result<Vec<SecretRow>, StoreError> {
    conn.run(|any| secrets_of(any, client))
}

/// The same, for a caller that looks at the error.
pub(super) fn secrets_of(any: &mut AnyConn, client: CredentialId) -> QueryResult<Vec<SecretRow>> {
    let found: Vec<SecretColumns> = client_secrets::table
        .filter(client_secrets::client.eq(client.to_string()))
        .order(client_secrets::id)
        .select(SecretColumns::as_select())
        .load(any)?;
    let row = |found: SecretColumns| SecretRow {
        id: found.id,
        hash: found.hash,
        created_at: found.created_at.into(),
        last_used_at: found.last_used_at,
    };
    Ok(found.into_iter().map(row).collect())
}

fn insert_secret(any: &mut AnyConn, client: CredentialId, secret: &SecretRow) -> QueryResult<()> {
    diesel::insert_into(client_secrets::table)
        .values((
            client_secrets::id.eq(secret.id.to_string()),
            client_secrets::client.eq(client.to_string()),
            client_secrets::hash.eq(&secret.hash),
            client_secrets::created_at.eq(UtcTimestamp::from(secret.created_at)),
        ))
        .execute(any)
        .map(drop)
}

/// Gives a client a secret, and journals it.
pub fn add_secret(
    write: &mut Write<'_>,
    client: &CredentialRow,
    secret: &SecretRow,
    by: &Subject,
) -> Result<(), StoreError> {
    let now = secret.created_at;
    change_secrets(write, client, "secret_added", by, now, |any| insert_secret(any, client.id, secret))
}

/// Removes a secret from its client, and journals it.
pub fn drop_secret(
    write: &mut Write<'_>,
    client: &CredentialRow,
    id: SecretId,
    by: &Subject,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    change_secrets(write, client, "secret_removed", by, now, |any| {
        diesel::delete(client_secrets::table.find(id.to_string())).execute(any).map(drop)
    })
}

fn change_secrets(
    write: &mut Write<'_>,
    client: &CredentialRow,
    deed: &str,
    by: &Subject,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut AnyConn) -> QueryResult<()>,
) -> Result<(), StoreError> {
    let mut held = service_journal::hold(write)?;
    let before = client.document(&secrets(write, client.id)?);
    write.run(change)?;
    let after = client.document(&secrets(write, client.id)?);
    let change = client.change(deed, Some(before), Some(after));
    service_journal::record(write, &mut held, by, now, vec![change])
}

/// Notes that a secret was used.
pub fn used_secret(write: &mut Write<'_>, id: SecretId, now: DateTime<Utc>) -> Result<(), StoreError> {
    write.run(|any| {
        diesel::update(client_secrets::table.find(id.to_string()))
            .set(client_secrets::last_used_at.eq(UtcTimestamp::from(now)))
            .execute(any)
            .map(drop)
    })
}

/// Removes the credentials of a plan that is being removed, and journals each.
pub(super) fn remove_of_plan(
    write: &mut Write<'_>,
    plan: PlanId,
    by: &Subject,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut held = service_journal::hold(write)?;
    let gone = rows(write.run(|any| found!(any, credentials::plan_id.eq(plan.0)))?);
    let mut changes = Vec::with_capacity(gone.len());
    for row in &gone {
        let before = row.document(&secrets(write, row.id)?);
        let change = row.change("removed", Some(before), None);
        changes.push(Change { reason: Some("The plan was removed."), ..change });
    }
    write.run(|any| {
        let ids = gone.iter().map(|row| row.id.to_string());
        diesel::delete(client_secrets::table.filter(client_secrets::client.eq_any(ids))).execute(any)?;
        diesel::delete(credentials::table.filter(credentials::plan_id.eq(plan.0))).execute(any)
    })?;
    service_journal::record(write, &mut held, by, now, changes)
}

/// The ids of all credentials as they are there, readable or not.
pub(super) fn ids(any: &mut AnyConn) -> QueryResult<Vec<String>> {
    credentials::table.order(credentials::id).select(credentials::id).load(any)
}

/// The credential of this id, which the caller has from [`ids`], whether it was revoked or not.
pub(super) fn by_id(any: &mut AnyConn, id: &str) -> QueryResult<CredentialRow> {
    rows(found!(any, credentials::id.eq(id))?).pop().ok_or(diesel::result::Error::NotFound)
}
