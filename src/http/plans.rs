//! Plans.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::{Map, Value};

use super::auth::Caller;
use super::conditional::{Conditions, ETag};
use super::definitions::created;
use super::extract::{Body, NoParams, Params, Patch, Segments};
use super::page::{Paging, page};
use super::problem::Problem;
use super::responses::{CreateProblems, DeleteProblems, ListProblems, NotModified, ReadProblems, WriteProblems};
use super::view::{AsOf, IfMatch, View};
use crate::domain::access::Role;
use crate::domain::ids::{PlanCode, Seq};
use crate::domain::plan::{NewPlan, Plan, PlanChange};
use crate::programme::Programme;

/// A plan with what the caller may do in it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A plan, the version it stands at, and the caller's roles in it.")]
pub struct PlanBody {
    #[serde(flatten)]
    plan: Plan,
    /// The plan's version: its last place in the journal, which everything in it counts on.
    #[schema(value_type = i64, minimum = 1, example = 1234)]
    version: Seq,
    /// The caller's roles in the plan; none for a public plan that is read by anyone.
    roles: Vec<Role>,
}

page!(
    /// A page of plans.
    pub PlanPage of PlanBody
);

/// List the plans you may see
///
/// In the order of their codes, a page at a time.
#[utoipa::path(
    get, path = "/v1/plans", tag = "plans", params(Paging),
    responses((status = 200, description = "A page of plans.", body = PlanPage), ListProblems)
)]
pub async fn list_plans(
    programme: Data<Programme>,
    caller: Caller,
    Params(paging): Params<Paging>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let after = paging.after::<String>()?.and_then(|code| code.parse().ok());
    let rows = programme.list_plans(&caller.subject, after, paging.rows()).await?;
    let (rows, next) = paging.cut(rows, |(open, _)| open.code.to_string())?;
    let versions: Vec<String> = rows.iter().map(|(open, _)| format!("{}{}", open.code, open.view_tag())).collect();
    let items = rows.into_iter().map(|(open, plan)| PlanBody {
        plan,
        version: open.version,
        roles: open.access.roles().into_iter().collect(),
    });
    let page = PlanPage { items: items.collect(), next };
    Ok(page.reply(&request, &ETag::of(versions.join("."))))
}

/// Make a plan
///
/// The shipped status policies are made in it. For administrators of the whole service.
#[utoipa::path(
    post, path = "/v1/plans", tag = "plans",
    request_body(content = NewPlan, description = "The plan; what is left out gets its default."),
    responses(
        (status = 201, description = "It was made; Location says where it is.", body = Plan,
         headers(("Location" = String, description = "Its address."), ("ETag" = String, description = "Its state."))),
        CreateProblems
    )
)]
pub async fn create_plan(
    programme: Data<Programme>,
    caller: Caller,
    _: Params<NoParams>,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let kept = programme.create_plan(&caller.subject, members).await?;
    Ok(created(&kept.value, &ETag::of(kept.seq), &format!("/v1/plans/{}", kept.value.code)))
}

/// Find a plan
///
/// With its settings and its version.
#[utoipa::path(
    get, path = "/v1/plans/{plan}", tag = "plans",
    params(("plan" = PlanCode, Path, description = "The plan's code.", example = "harrow-cypp-2009-2011"), AsOf),
    responses((status = 200, description = "The plan.", body = PlanBody), NotModified, ReadProblems)
)]
pub async fn find_plan(
    programme: Data<Programme>,
    caller: Caller,
    Segments((plan,)): Segments<(PlanCode,)>,
    Params(as_of): Params<AsOf>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = View::of(&programme, &caller, &plan, as_of).await?;
    let kept = view.picture.plan();
    let version = view.picture.version();
    let roles: Vec<Role> = view.plan.access.roles().into_iter().collect();
    // The settings' own state stands in front: that is what a change of them is meant for.
    let marks = roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(".");
    let tag = ETag::of(format_args!("{}.{version}.{marks}", kept.seq));
    let body = PlanBody { plan: kept.value.clone(), version, roles };
    Ok(conditions.not_modified(&tag).unwrap_or_else(|| HttpResponse::Ok().insert_header(&tag).json(body)))
}

/// Change a plan's settings
///
/// Changes the members that the merge patch (RFC 7396) names; null puts one back to its default. For programme managers
/// and administrators.
#[utoipa::path(
    patch, path = "/v1/plans/{plan}", tag = "plans",
    params(("plan" = PlanCode, Path, description = "The plan's code.", example = "harrow-cypp-2009-2011"), IfMatch),
    request_body(content = PlanChange, content_type = "application/merge-patch+json", description = "The members to change."),
    responses(
        (status = 200, description = "The plan as it is now.", body = Plan, headers(("ETag" = String, description = "Its state."))),
        WriteProblems
    )
)]
pub async fn update_plan(
    programme: Data<Programme>,
    caller: Caller,
    Segments((plan,)): Segments<(PlanCode,)>,
    _: Params<NoParams>,
    conditions: Conditions,
    Patch(patch): Patch<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let kept = programme.update_plan(&plan, &caller.subject, patch, (&conditions).into()).await?;
    Ok(HttpResponse::Ok().insert_header(&ETag::of(kept.seq)).json(kept.value))
}

/// Delete an empty plan
///
/// Only a plan that holds no organisation, outcome area or KPI yet can be deleted. For administrators.
#[utoipa::path(
    delete, path = "/v1/plans/{plan}", tag = "plans",
    params(("plan" = PlanCode, Path, description = "The plan's code.", example = "an-empty-plan"), IfMatch),
    responses((status = 204, description = "It is deleted."), DeleteProblems)
)]
pub async fn delete_plan(
    programme: Data<Programme>,
    caller: Caller,
    Segments((plan,)): Segments<(PlanCode,)>,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    programme.delete_plan(&plan, &caller.subject, (&conditions).into()).await?;
    Ok(HttpResponse::NoContent().finish())
}
