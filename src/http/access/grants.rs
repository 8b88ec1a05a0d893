//! Grants, and what the caller's own are.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::access::Role;
use crate::domain::ids::{AreaCode, KpiCode, OrganisationCode, PlanCode};
use crate::http::problem::Problem;
use crate::http::problem::documented::{CreateProblems, DeleteProblems, NotAllowed, NotModified, ReadProblems};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::{Conditions, ETag, created};
use crate::http::request::extract::{Body, NoParams, Params};
use crate::http::request::page::{Paging, page};
use crate::http::request::path::{PlanPath, path_params};
use crate::http::view::IfMatch;
use crate::programme::Programme;
use crate::programme::access::grants::{GrantDraft, GrantId, GrantRow};

/// A grant.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Grant, description = "Who has which role, and how far it reaches. A grant never changes: it is given and revoked.")]
pub struct GrantBody {
    /// The grant's id.
    #[schema(example = "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11")]
    id: String,
    /// The plan's code; null for a grant on the whole service.
    #[schema(required = true, example = "harrow-cypp-2009-2011")]
    plan: Option<PlanCode>,
    /// Whom it is for.
    #[schema(example = "jo.lead@harrow.example")]
    subject: String,
    /// The role.
    role: Role,
    /// The outcome areas a sub-group lead is responsible for.
    outcome_areas: Vec<AreaCode>,
    /// The organisation a contributor or partner belongs to.
    #[schema(required = true, example = "harrow-pct")]
    organisation: Option<OrganisationCode>,
    /// The KPIs a contributor reports.
    kpis: Vec<KpiCode>,
    /// When it was given.
    granted_at: DateTime<Utc>,
    /// Who gave it.
    #[schema(example = "demo-administrator")]
    granted_by: String,
}

impl GrantBody {
    fn of(plan: Option<PlanCode>, row: GrantRow) -> Self {
        Self {
            id: row.id.to_string(),
            plan,
            subject: row.subject.to_string(),
            role: row.granted.role,
            outcome_areas: row.granted.outcome_areas,
            organisation: row.granted.organisation,
            kpis: row.granted.kpis,
            granted_at: row.granted_at,
            granted_by: row.granted_by.to_string(),
        }
    }
}

/// A grant stays as it was given until it is revoked, so its id is its state.
fn tag(row: &GrantRow) -> ETag {
    ETag::of(row.id)
}

page!(
    /// A page of grants.
    pub GrantPage of GrantBody
);

path_params! {
    /// The address of a grant.
    pub GrantPath in plan {
        grant: GrantId as String, "The grant's id.", "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11";
    }
}

/// List a plan's grants
///
/// The live ones, oldest first, a page at a time. For administrators of the plan.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/grants", tag = "access",
    params(PlanPath, Paging),
    responses((status = 200, description = "A page of grants.", body = GrantPage), NotModified, ReadProblems, NotAllowed)
)]
pub async fn list_grants(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params(paging): Params<Paging>,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let open = programme.open(&plan, &caller.subject).await?;
    programme.may_see_grants(&open)?;
    let view = conditions.tag(open.version);
    if let Some(unchanged) = conditions.not_modified(&view) {
        return Ok(unchanged);
    }
    // Ids are made in the order of time, and sort by it.
    let (rows, next) = paging.cut_by_id(programme.list_grants(&open).await?, |row| row.id.to_string())?;
    let items = rows.into_iter().map(|row| GrantBody::of(Some(plan.clone()), row)).collect();
    Ok(GrantPage { items, next }.reply(&request, &view))
}

/// Give a role
///
/// For administrators of the plan.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/grants", tag = "access", operation_id = "create_grant",
    params(PlanPath),
    request_body(content = GrantDraft, description = "Who, which role, and how far it reaches."),
    responses(
        (status = 201, description = "It was given; Location gives its address.", body = GrantBody,
         headers(("Location" = String, description = "Its address."), ("ETag" = String, description = "Its state."))),
        CreateProblems
    )
)]
pub async fn create_grant(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let row = programme.give_grant(&plan, &caller.subject, members).await?;
    let (tag, location) = (tag(&row), format!("/v1/plans/{plan}/grants/{}", row.id));
    Ok(created(&GrantBody::of(Some(plan), row), &tag, &location))
}

/// Find a grant
///
/// A live grant by its id. For administrators of the plan.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/grants/{grant}", tag = "access",
    params(GrantPath),
    responses((status = 200, description = "The grant.", body = GrantBody), NotModified, ReadProblems, NotAllowed)
)]
pub async fn find_grant(
    programme: Data<Programme>,
    caller: Caller,
    GrantPath { plan, grant }: GrantPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let open = programme.open(&plan, &caller.subject).await?;
    let row = programme.find_grant(&open, grant).await?;
    let tag = tag(&row);
    Ok(conditions.answer(&tag, &GrantBody::of(Some(plan), row)))
}

/// Revoke a grant
///
/// It ends at once, and stays in the journal. For administrators of the plan, and not their own.
#[utoipa::path(
    delete, path = "/v1/plans/{plan}/grants/{grant}", tag = "access",
    params(GrantPath, IfMatch),
    responses((status = 204, description = "It is revoked."), DeleteProblems)
)]
pub async fn revoke_grant(
    programme: Data<Programme>,
    caller: Caller,
    GrantPath { plan, grant }: GrantPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    programme.revoke_grant(&plan, &caller.subject, grant, (&conditions).into()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The caller.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "The caller: who the token says it is, until when, and what was granted to it.")]
pub struct Me {
    /// The subject of the token.
    #[schema(example = "demo-board")]
    subject: String,
    /// When the token expires.
    expires_at: DateTime<Utc>,
    /// The live grants, on any plan.
    grants: Vec<GrantBody>,
}

/// Show who you are
///
/// The subject of your token, when it expires, and what was granted to you.
#[utoipa::path(
    get, path = "/v1/me", tag = "access",
    responses((status = 200, description = "You.", body = Me), ReadProblems)
)]
pub async fn get_me(programme: Data<Programme>, caller: Caller, _: Params<NoParams>) -> Result<HttpResponse, Problem> {
    let grants = programme.my_grants(&caller.subject).await?;
    let grants = grants.into_iter().map(|(plan, row)| GrantBody::of(plan, row)).collect();
    Ok(HttpResponse::Ok().json(Me { subject: caller.subject.to_string(), expires_at: caller.expires_at, grants }))
}
