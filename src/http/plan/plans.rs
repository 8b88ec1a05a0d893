//! Plans.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use crate::domain::ids::PlanCode;
use crate::domain::plan::{Plan, PlanChange, PlanDraft, SuccessorDraft};
use crate::http::problem::Problem;
use crate::http::problem::documented::{CreateProblems, DeleteProblems, NotModified, ReadProblems, WriteProblems};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::{Conditions, ETag, created, kept};
use crate::http::request::extract::{Body, FromParams, NoParams, ParamReader, Params, Patch};
use crate::http::request::page::{Paging, page};
use crate::http::request::path::{PlanPath, path_params};
use crate::http::view::{AsOf, IfMatch, View};
use crate::programme::Programme;
use crate::programme::definitions::plan_removal::Extent;

page!(
    /// A page of plans.
    pub PlanPage of Plan
);

/// List the plans you may see
///
/// In the order of their codes, a page at a time.
#[utoipa::path(
    get, path = "/v1/plans", tag = "plans", params(Paging),
    responses((status = 200, description = "A page of plans.", body = PlanPage), NotModified, ReadProblems)
)]
pub async fn list_plans(
    programme: Data<Programme>,
    caller: Caller,
    Params(paging): Params<Paging>,
    request: HttpRequest,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let after = paging.after::<String>()?.and_then(|code| code.parse().ok());
    let rows = programme.list_plans(&caller.subject, after, paging.rows()).await?;
    let (rows, next) = paging.cut(rows, |kept| kept.value.code.to_string())?;
    // A plan's settings change with its definition, and a list of them with any of theirs.
    let tag: Vec<String> = rows.iter().map(|kept| format!("{}.{}", kept.value.code, kept.seq)).collect();
    let tag = ETag::over(tag.join("-").as_bytes());
    let page = PlanPage { items: rows.into_iter().map(|kept| kept.value).collect(), next };
    Ok(conditions.not_modified(&tag).unwrap_or_else(|| page.reply(&request, &tag)))
}

/// Make a plan
///
/// The shipped status policies are made in it. For administrators of the whole service.
#[utoipa::path(
    post, path = "/v1/plans", tag = "plans",
    request_body(content = PlanDraft, description = "The plan; what is left out gets its default."),
    responses(
        (status = 201, description = "It was made; Location gives its address.", body = Plan,
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
/// With its settings.
#[utoipa::path(
    get, path = "/v1/plans/{plan}", tag = "plans",
    params(PlanPath, AsOf),
    responses((status = 200, description = "The plan.", body = Plan), NotModified, ReadProblems)
)]
pub async fn find_plan(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params(as_of): Params<AsOf>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = View::of(&programme, &caller, &plan, as_of).await?;
    let kept = view.seen.plan();
    Ok(conditions.answer(&ETag::of(kept.seq), &kept.value))
}

/// Change a plan's settings
///
/// Changes the members that the merge patch (RFC 7396) names; null puts one back to its default. For programme managers
/// and administrators.
#[utoipa::path(
    patch, path = "/v1/plans/{plan}", tag = "plans",
    params(PlanPath, IfMatch),
    request_body(content = PlanChange, content_type = "application/merge-patch+json", description = "The members to change."),
    responses(
        (status = 200, description = "The plan as it is now.", body = Plan, headers(("ETag" = String, description = "Its state."))),
        WriteProblems
    )
)]
pub async fn update_plan(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
    conditions: Conditions,
    Patch(patch): Patch<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let now = programme.update_plan(&plan, &caller.subject, patch, (&conditions).into()).await?;
    Ok(kept(&now.value, &ETag::of(now.seq)))
}

/// What goes with a plan.
#[derive(Clone, Copy, Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RemovalParams {
    /// Remove the plan with everything in it. Without it, only a plan that holds no organisation, outcome area or KPI is removed.
    #[param(value_type = Option<bool>, example = true)]
    with_contents: bool,
}

impl FromParams for RemovalParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self { with_contents: params.flag("with_contents") })
    }
}

path_params! {
    /// The address of a plan to remove; its example is one that a check of the document may remove.
    pub PlanToRemove {
        plan: PlanCode, "The plan's code.", "an-empty-plan";
    }
}

/// Remove a plan
///
/// A plan that holds no organisation, outcome area or KPI yet is removed; with `with_contents=true` one made by mistake is removed with
/// everything in it, as long as no return was signed off, no board report was frozen and no plan goes on from it. Its grants, webhooks, links
/// and clients go too, and its code can be used again. What stays is the last entry of its journal: who removed it and when.
/// For administrators.
#[utoipa::path(
    delete, path = "/v1/plans/{plan}", tag = "plans",
    params(PlanToRemove, RemovalParams, IfMatch),
    responses((status = 204, description = "It is removed."), DeleteProblems)
)]
pub async fn delete_plan(
    programme: Data<Programme>,
    caller: Caller,
    PlanToRemove { plan }: PlanToRemove,
    Params(wanted): Params<RemovalParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let extent = if wanted.with_contents { Extent::WithContents } else { Extent::EmptyOnly };
    programme.remove_plan(&plan, &caller.subject, (&conditions).into(), extent).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Make a plan's successor
///
/// The next plan, made at once with what goes on: settings, partners, framework, policies, dimensions and comparator groups;
/// the KPIs that are not archived and not withdrawn before its first day, with all their figures, their targets from that day
/// on and their benchmarks; open actions; and who has which role. Rounds, returns and board reports stay with the plan before,
/// which does not change. For administrators of the whole service.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/successor", tag = "plans",
    params(PlanPath),
    request_body(content = SuccessorDraft, description = "The new plan; what is left out gets its default."),
    responses(
        (status = 201, description = "It was made; Location gives its address.", body = Plan,
         headers(("Location" = String, description = "Its address."), ("ETag" = String, description = "Its state."))),
        CreateProblems
    )
)]
pub async fn create_successor(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let kept = programme.create_successor(&plan, &caller.subject, members).await?;
    Ok(created(&kept.value, &ETag::of(kept.seq), &format!("/v1/plans/{}", kept.value.code)))
}
