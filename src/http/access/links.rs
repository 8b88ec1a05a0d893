//! Secret links: the address of one table with a secret in it, for tools that can send no header.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::access::tokens::{tag, unkept};
use crate::http::gate::envelope::LINKS;
use crate::http::problem::Problem;
use crate::http::problem::documented::{
    CreateProblems, DeleteProblems, NotAllowed, NotModified, ReadProblems, UnknownInQuery,
};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::{Conditions, created};
use crate::http::request::extract::{Body, NoParams, Params};
use crate::http::request::page::{Paging, page};
use crate::http::request::path::{PlanPath, path_params};
use crate::http::tables::columns::XlsxFile;
use crate::http::view::IfMatch;
use crate::programme::Programme;
use crate::programme::access::credentials::{CredentialId, CredentialRow};
use crate::programme::access::links::{LinkDraft, LinkedTable};

/// A secret link, without its secret.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Link, description = "A secret link to a table of a plan, without its secret. It never changes: it is made and revoked.")]
pub struct LinkBody {
    /// The link's id.
    #[schema(example = "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11")]
    id: String,
    /// What it is for.
    #[schema(example = "The sheet of the Be Healthy group")]
    name: String,
    /// What it opens, below the plan.
    #[schema(example = "readings")]
    opens: String,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Who made it, and what it can show at most.
    #[schema(example = "jo.lead@harrow.example")]
    created_by: String,
    /// When it expires.
    #[schema(required = true)]
    expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute; null if it never was.
    #[schema(required = true)]
    last_used_at: Option<DateTime<Utc>>,
}

impl From<CredentialRow> for LinkBody {
    fn from(row: CredentialRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.title,
            opens: row.address.unwrap_or_default(),
            created_at: row.created_at,
            created_by: row.created_by.to_string(),
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// A link that was just made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A link that was just made, with its secret.")]
pub struct MadeLink {
    /// The address to give to the tool, below that of the service. It is never shown again.
    #[schema(example = "/v1/links/…/readings.csv")]
    href: String,
    #[serde(flatten)]
    known: LinkBody,
}

page!(
    /// A page of links.
    pub LinkPage of LinkBody
);

path_params! {
    /// The address of a link.
    pub LinkPath in plan {
        link: CredentialId as String, "The link's id.", "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11";
    }
    /// The address of a table behind a link's secret.
    pub LinkedTablePath {
        secret: String, "The secret, from the answer that made the link.", "…";
        table: String, "The last part of the table's address.", "readings";
    }
}

/// List a plan's links
///
/// Those that you made and that are not revoked, or everybody's for an administrator; oldest first, a page at a time,
/// without their secrets.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/links", tag = "access",
    params(PlanPath, Paging),
    responses((status = 200, description = "A page of links.", body = LinkPage), NotModified, ReadProblems, NotAllowed)
)]
pub async fn list_links(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params(paging): Params<Paging>,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let open = programme.open(&plan, &caller.subject).await?;
    let rows = programme.list_links(&open, &caller.subject).await?;
    let tag = conditions.tag_of_all(rows.iter().map(tag));
    if let Some(unchanged) = conditions.not_modified(&tag) {
        return Ok(unchanged);
    }
    let (rows, next) = paging.cut_by_id(rows, |row| row.id.to_string())?;
    Ok(LinkPage { items: rows.into_iter().map(LinkBody::from).collect(), next }.reply(&request, &tag))
}

/// Make a link
///
/// The address of one table, read only, for a sheet that can send no token. It shows what a partner may read, with
/// small numbers withheld, and never more than you may: anyone who has the address can see the table. It is shown in
/// this answer and never again.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/links", tag = "access", operation_id = "create_link",
    params(PlanPath),
    request_body(content = LinkDraft, description = "The table, and for how long."),
    responses(
        (status = 201, description = "It was made; Location gives the address at which it is managed.", body = MadeLink,
         headers(("Location" = String, description = "Where it is managed."), ("ETag" = String, description = "Its state."), ("Cache-Control" = String, description = "`no-store`: it holds a secret."))),
        CreateProblems
    )
)]
pub async fn create_link(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let (row, secret) = programme.make_link(&plan, &caller.subject, members).await?;
    let (tag, location) = (tag(&row), format!("/v1/plans/{plan}/links/{}", row.id));
    Ok(unkept(created(&MadeLink { href: href(&row, &secret), known: row.into() }, &tag, &location)))
}

/// The address that a link with this secret is opened at.
pub(in crate::http) fn href(row: &CredentialRow, secret: &str) -> String {
    let table = row.address.as_deref().and_then(|address| address.rsplit('/').next()).unwrap_or_default();
    // A picture has its own ending, and a page needs none.
    let ending = if table.contains('.') || table == LinkedTable::Report.as_str() { "" } else { ".csv" };
    format!("{LINKS}{secret}/{table}{ending}")
}

/// Find a link
///
/// One that you made, or anybody's for an administrator; without its secret.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/links/{link}", tag = "access",
    params(LinkPath),
    responses((status = 200, description = "The link.", body = LinkBody), NotModified, ReadProblems, NotAllowed)
)]
pub async fn find_link(
    programme: Data<Programme>,
    caller: Caller,
    LinkPath { plan, link }: LinkPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let open = programme.open(&plan, &caller.subject).await?;
    let row = programme.find_link(&open, &caller.subject, link).await?;
    let tag = tag(&row);
    Ok(conditions.answer(&tag, &LinkBody::from(row)))
}

/// Revoke a link
///
/// It opens nothing from then on.
#[utoipa::path(
    delete, path = "/v1/plans/{plan}/links/{link}", tag = "access",
    params(LinkPath, IfMatch),
    responses((status = 204, description = "It is revoked."), DeleteProblems)
)]
pub async fn revoke_link(
    programme: Data<Programme>,
    caller: Caller,
    LinkPath { plan, link }: LinkPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let open = programme.open(&plan, &caller.subject).await?;
    programme.revoke_link(&open, &caller.subject, link, (&conditions).into()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Open a link
///
/// The table or picture that a secret link opens, with the query parameters that it has; no token is needed. A table
/// comes as CSV if the address ends in `.csv`, and as a workbook if it ends in `.xlsx`.
#[utoipa::path(
    get, path = "/v1/links/{secret}/{table}", tag = "access", operation_id = "open_link", security(()),
    params(LinkedTablePath),
    responses(
        (status = 200, description = "The table.", content((Value = "application/json", example = json!({"items": [], "next": null})), (String = "text/csv"), (XlsxFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (String = "image/svg+xml"), (String = "text/html"))),
        NotModified, ReadProblems, UnknownInQuery
    )
)]
pub async fn open_link() -> Result<HttpResponse, Problem> {
    // A link that opens something is routed there before any handler is asked.
    Err(Problem::not_found())
}
