//! Partners' systems: clients that sign in by themselves at `/oauth/token`, and their secrets.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::access::tokens::unkept;
use crate::http::problem::Problem;
use crate::http::problem::documented::{
    CreateProblems, DeleteProblems, NotAllowed, NotModified, ReadProblems, StepProblems,
};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::{Conditions, ETag, created};
use crate::http::request::extract::{Body, NoParams, Params};
use crate::http::request::page::{Paging, page};
use crate::http::request::path::{PlanPath, path_params};
use crate::http::view::IfMatch;
use crate::programme::Programme;
use crate::programme::access::clients::{ClientDraft, client_state};
use crate::programme::access::credentials::{CredentialId, CredentialRow, SecretId, SecretRow};

/// A client's secret, without what it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A client's secret, without what it is.")]
pub struct ClientSecret {
    /// The secret's id.
    #[schema(example = "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11")]
    id: String,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was last used, to the minute; null if it never was.
    #[schema(required = true)]
    last_used_at: Option<DateTime<Utc>>,
}

impl From<SecretRow> for ClientSecret {
    fn from(row: SecretRow) -> Self {
        Self { id: row.id.to_string(), created_at: row.created_at, last_used_at: row.last_used_at }
    }
}

/// A client.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PartnerClient, description = "A partner's system that signs in by itself. What it may do is granted to its subject.")]
pub struct ClientBody {
    /// The client's id, which it sends as `client_id`.
    #[schema(example = "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11")]
    id: String,
    /// What system it is.
    #[schema(example = "The PCT's data warehouse")]
    title: String,
    /// The subject of its tokens: give grants to this.
    #[schema(example = "client-0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11")]
    subject: String,
    /// Its secrets: one in use, and the next while they are exchanged.
    secrets: Vec<ClientSecret>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Who made it.
    #[schema(example = "demo-administrator")]
    created_by: String,
    /// When it last signed in, to the minute; null if it never did.
    #[schema(required = true)]
    last_used_at: Option<DateTime<Utc>>,
}

impl ClientBody {
    fn of((row, secrets): (CredentialRow, Vec<SecretRow>)) -> Self {
        Self {
            id: row.id.to_string(),
            title: row.title,
            subject: row.subject.to_string(),
            secrets: secrets.into_iter().map(ClientSecret::from).collect(),
            created_at: row.created_at,
            created_by: row.created_by.to_string(),
            last_used_at: row.last_used_at,
        }
    }
}

/// A client that was just made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A client that was just made, with its first secret.")]
pub struct MadeClient {
    /// The secret, which is never shown again.
    #[schema(example = "wms_…")]
    client_secret: String,
    #[serde(flatten)]
    known: ClientBody,
}

/// A secret that was just made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A client's secret that was just made.")]
pub struct MadeSecret {
    /// The secret, which is never shown again.
    #[schema(example = "wms_…")]
    client_secret: String,
    #[serde(flatten)]
    known: ClientSecret,
}

fn tag(row: &CredentialRow, secrets: &[SecretRow]) -> ETag {
    ETag::of(client_state(row, secrets))
}

page!(
    /// A page of clients.
    pub ClientPage of ClientBody
);

path_params! {
    /// The address of a client.
    pub ClientPath in plan {
        client_id: CredentialId as String, "The client's id.", "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11";
    }
    /// The address of a client's secret.
    pub SecretPath in plan {
        client_id: CredentialId as String, "The client's id.", "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11";
        client_secret: SecretId as String, "The secret's id.", "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11";
    }
}

/// List a plan's clients
///
/// The partners' systems that may sign in by themselves, oldest first, a page at a time. For administrators of the
/// plan.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/clients", tag = "access",
    params(PlanPath, Paging),
    responses((status = 200, description = "A page of clients.", body = ClientPage), NotModified, ReadProblems, NotAllowed)
)]
pub async fn list_clients(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params(paging): Params<Paging>,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let open = programme.open(&plan, &caller.subject).await?;
    let rows = programme.list_clients(&open).await?;
    let all = conditions.tag_of_all(rows.iter().map(|(row, secrets)| tag(row, secrets)));
    if let Some(unchanged) = conditions.not_modified(&all) {
        return Ok(unchanged);
    }
    let (rows, next) = paging.cut_by_id(rows, |(row, _)| row.id.to_string())?;
    Ok(ClientPage { items: rows.into_iter().map(ClientBody::of).collect(), next }.reply(&request, &all))
}

/// Make a client
///
/// Makes a client with its first secret, which is shown in this answer and never again. It may do nothing until something
/// is granted to its subject. For administrators of the plan.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/clients", tag = "access", operation_id = "create_client",
    params(PlanPath),
    request_body(content = ClientDraft, description = "What system it is."),
    responses(
        (status = 201, description = "It was made; Location gives its address.", body = MadeClient,
         headers(("Location" = String, description = "Its address."), ("ETag" = String, description = "Its state."), ("Cache-Control" = String, description = "`no-store`: it holds a secret."))),
        CreateProblems
    )
)]
pub async fn create_client(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let (row, secret, client_secret) = programme.make_client(&plan, &caller.subject, members).await?;
    let secrets = vec![secret];
    let (tag, location) = (tag(&row, &secrets), format!("/v1/plans/{plan}/clients/{}", row.id));
    Ok(unkept(created(&MadeClient { client_secret, known: ClientBody::of((row, secrets)) }, &tag, &location)))
}

/// Find a client
///
/// For administrators of the plan.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/clients/{client_id}", tag = "access",
    params(ClientPath),
    responses((status = 200, description = "The client.", body = ClientBody), NotModified, ReadProblems, NotAllowed)
)]
pub async fn find_client(
    programme: Data<Programme>,
    caller: Caller,
    ClientPath { plan, client_id: client }: ClientPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let open = programme.open(&plan, &caller.subject).await?;
    let found = programme.find_client(&open, client).await?;
    let tag = tag(&found.0, &found.1);
    Ok(conditions.answer(&tag, &ClientBody::of(found)))
}

/// Revoke a client
///
/// Its secrets and its grants in the plan are revoked at once. For administrators of the plan.
#[utoipa::path(
    delete, path = "/v1/plans/{plan}/clients/{client_id}", tag = "access",
    params(ClientPath, IfMatch),
    responses((status = 204, description = "It is revoked."), DeleteProblems)
)]
pub async fn revoke_client(
    programme: Data<Programme>,
    caller: Caller,
    ClientPath { plan, client_id: client }: ClientPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    programme.revoke_client(&plan, &caller.subject, client, (&conditions).into()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Give a client its next secret
///
/// Both are valid until the old one is removed, so that a system can be moved from one to the other without a pause.
/// The secret is shown in this answer and never again. For administrators of the plan.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/clients/{client_id}/secrets", tag = "access", operation_id = "add_client_secret",
    params(ClientPath),
    responses((status = 201, description = "It was made.", body = MadeSecret, headers(("Cache-Control" = String, description = "`no-store`: it holds a secret."))), StepProblems)
)]
pub async fn add_client_secret(
    programme: Data<Programme>,
    caller: Caller,
    ClientPath { plan, client_id: client }: ClientPath,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let (row, client_secret) = programme.add_client_secret(&plan, &caller.subject, client).await?;
    Ok(unkept(HttpResponse::Created().json(MadeSecret { client_secret, known: row.into() })))
}

/// Remove a client's secret
///
/// It is no longer valid; the only one cannot be removed. For administrators of the plan.
#[utoipa::path(
    delete, path = "/v1/plans/{plan}/clients/{client_id}/secrets/{client_secret}", tag = "access",
    operation_id = "remove_client_secret",
    params(SecretPath, IfMatch),
    responses((status = 204, description = "It is removed."), DeleteProblems)
)]
pub async fn remove_client_secret(
    programme: Data<Programme>,
    caller: Caller,
    SecretPath { plan, client_id: client, client_secret: secret }: SecretPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    programme.drop_client_secret(&plan, &caller.subject, client, secret, (&conditions).into()).await?;
    Ok(HttpResponse::NoContent().finish())
}
