//! Personal access tokens: for tools that cannot sign in as the person does.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::access::Role;
use crate::domain::ids::PlanCode;
use crate::http::problem::Problem;
use crate::http::problem::documented::{CreateProblems, DeleteProblems, NotAllowed, NotModified, ReadProblems};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::{Conditions, ETag, created};
use crate::http::request::extract::{Body, NoParams, Params};
use crate::http::request::page::{Paging, page};
use crate::http::request::path::path_params;
use crate::http::view::IfMatch;
use crate::programme::Programme;
use crate::programme::access::credentials::{CredentialId, CredentialRow, credential_state};
use crate::programme::access::tokens::TokenDraft;

/// A personal access token, without its secret.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Token, description = "A personal access token, without its secret. It never changes: it is made and revoked.")]
pub struct TokenBody {
    /// The token's id.
    #[schema(example = "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11")]
    id: String,
    /// What it is for.
    #[schema(example = "Power BI scorecard")]
    name: String,
    /// The only plan that it opens; null for every plan you see.
    #[schema(required = true, example = "harrow-cypp-2009-2011")]
    plan: Option<PlanCode>,
    /// The only role of yours that it carries; null for all.
    #[schema(required = true)]
    role: Option<Role>,
    /// The methods it may be used with.
    #[schema(example = json!(["GET"]))]
    methods: Vec<String>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it expires.
    #[schema(required = true)]
    expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute; null if it never was.
    #[schema(required = true)]
    last_used_at: Option<DateTime<Utc>>,
}

impl From<CredentialRow> for TokenBody {
    fn from(row: CredentialRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.title,
            plan: row.plan.map(|(_, code)| code),
            role: row.role,
            methods: row.methods,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// A token that was just made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A token that was just made, with its secret.")]
pub struct MadeToken {
    /// The token itself, which is never shown again: send it as Bearer, or as the password of Basic if that is allowed.
    #[schema(example = "wmk_…")]
    token: String,
    #[serde(flatten)]
    known: TokenBody,
}

/// A credential stays as it was made until it is revoked; only its last use moves, which nobody changes it by.
pub(in crate::http) fn tag(row: &CredentialRow) -> ETag {
    ETag::of(credential_state(row))
}

/// An answer with a secret in it, which nobody but its reader keeps.
pub(in crate::http) fn unkept(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

page!(
    /// A page of tokens.
    pub TokenPage of TokenBody
);

path_params! {
    /// The address of a token.
    pub TokenPath {
        token: CredentialId as String, "The token's id.", "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11";
    }
}

/// List your tokens
///
/// Your personal access tokens that are not revoked, oldest first, a page at a time; without their secrets.
#[utoipa::path(
    get, path = "/v1/tokens", tag = "access", params(Paging),
    responses((status = 200, description = "A page of tokens.", body = TokenPage), NotModified, ReadProblems, NotAllowed)
)]
pub async fn list_tokens(
    programme: Data<Programme>,
    caller: Caller,
    Params(paging): Params<Paging>,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let rows = programme.my_tokens(&caller.subject).await?;
    let tag = conditions.tag_of_all(rows.iter().map(tag));
    if let Some(unchanged) = conditions.not_modified(&tag) {
        return Ok(unchanged);
    }
    let (rows, next) = paging.cut_by_id(rows, |row| row.id.to_string())?;
    Ok(TokenPage { items: rows.into_iter().map(TokenBody::from).collect(), next }.reply(&request, &tag))
}

/// Make a token
///
/// A personal access token: you, within what the token is confined to. The secret is shown in this answer and never again.
/// Tokens are made by those who have signed in; a token makes no other.
#[utoipa::path(
    post, path = "/v1/tokens", tag = "access", operation_id = "create_token",
    request_body(content = TokenDraft, description = "What it is for, and what it is confined to."),
    responses(
        (status = 201, description = "It was made; Location gives its address.", body = MadeToken,
         headers(("Location" = String, description = "Its address."), ("ETag" = String, description = "Its state."), ("Cache-Control" = String, description = "`no-store`: it holds a secret."))),
        CreateProblems
    )
)]
pub async fn create_token(
    programme: Data<Programme>,
    caller: Caller,
    _: Params<NoParams>,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let (row, token) = programme.make_token(&caller.subject, members).await?;
    let (tag, location) = (tag(&row), format!("/v1/tokens/{}", row.id));
    Ok(unkept(created(&MadeToken { token, known: row.into() }, &tag, &location)))
}

/// Find a token
///
/// One of your own, by its id; without its secret.
#[utoipa::path(
    get, path = "/v1/tokens/{token}", tag = "access",
    params(TokenPath),
    responses((status = 200, description = "The token.", body = TokenBody), NotModified, ReadProblems, NotAllowed)
)]
pub async fn find_token(
    programme: Data<Programme>,
    caller: Caller,
    TokenPath { token }: TokenPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let row = programme.find_token(&caller.subject, token).await?;
    let tag = tag(&row);
    Ok(conditions.answer(&tag, &TokenBody::from(row)))
}

/// Revoke a token
///
/// It ends at once.
#[utoipa::path(
    delete, path = "/v1/tokens/{token}", tag = "access",
    params(TokenPath, IfMatch),
    responses((status = 204, description = "It is revoked."), DeleteProblems)
)]
pub async fn revoke_token(
    programme: Data<Programme>,
    caller: Caller,
    TokenPath { token }: TokenPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    programme.revoke_token(&caller.subject, token, (&conditions).into()).await?;
    Ok(HttpResponse::NoContent().finish())
}
