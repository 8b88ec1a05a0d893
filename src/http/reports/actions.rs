//! Corrective actions: what will be done about a KPI that is off track.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use crate::domain::action::{ActionChange, ActionDraft, ActionState, NoteDraft};
use crate::domain::ids::{ActionId, AreaCode, KpiCode, OrganisationCode, SubGroupCode};
use crate::domain::invalid::Invalid;
use crate::domain::plan::{Organisation, OutcomeArea, SubGroup};
use crate::http::problem::Problem;
use crate::http::problem::documented::{CreateProblems, NotModified, ReadProblems, UnknownInQuery, WriteProblems};
use crate::http::reports::status::{known_code, known_kpi};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::{Conditions, ETag, created, kept};
use crate::http::request::extract::{Body, FromParams, NoParams, ParamReader, Params, Patch};
use crate::http::request::page::{Paging, page};
use crate::http::request::path::{PlanPath, path_params};
use crate::http::view::{AsOf, IfMatch, View, view};
use crate::programme::Programme;
use crate::programme::reports::actions::{ActionFilter, SeenAction};
use crate::programme::{Kept, Seen};

page!(
    /// A page of actions.
    pub ActionPage of SeenAction
);

/// Which actions are wanted.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ActionParams {
    /// Only those on this KPI.
    #[param(example = "NI-117")]
    kpi: Option<KpiCode>,
    /// Only those in this state.
    #[param(inline, example = "open")]
    state: Option<ActionState>,
    /// Only those that this organisation is responsible for.
    #[param(example = "harrow-pct")]
    organisation: Option<OrganisationCode>,
    /// Only those on KPIs that this sub-group is responsible for.
    #[param(example = "be-healthy")]
    sub_group: Option<SubGroupCode>,
    /// Only those on KPIs of this outcome area.
    #[param(example = "be-healthy")]
    outcome_area: Option<AreaCode>,
    /// Only those that are overdue, or with `false` those that are not.
    #[param(example = true)]
    overdue: Option<bool>,
}

impl FromParams for ActionParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self {
            kpi: params.optional("kpi"),
            state: params.optional("state"),
            organisation: params.optional("organisation"),
            sub_group: params.optional("sub_group"),
            outcome_area: params.optional("outcome_area"),
            overdue: params.parsed("overdue", |text| text.parse().map_err(|_neither| "write true or false")),
        })
    }
}

impl ActionParams {
    /// The filter that is meant, if the plan has what it names.
    fn settle(self, seen: &Seen) -> Result<ActionFilter, Problem> {
        let mut invalid = Invalid::new();
        known_kpi(&mut invalid, self.kpi.as_ref(), seen);
        known_code(&mut invalid, "organisation", self.organisation.as_ref(), seen.all::<Organisation>());
        known_code(&mut invalid, "sub_group", self.sub_group.as_ref(), seen.all::<SubGroup>());
        known_code(&mut invalid, "outcome_area", self.outcome_area.as_ref(), seen.all::<OutcomeArea>());
        invalid.or(())?;
        let Self { kpi, state, organisation, sub_group, outcome_area, overdue } = self;
        Ok(ActionFilter { kpi, state, organisation, sub_group, outcome_area, overdue })
    }
}

/// The state of an action as it is seen: the version that a change of it names, and what of the answer that does not
/// show.
fn tag(seen: &Kept<SeenAction>) -> ETag {
    let tag = ETag::of(seen.seq);
    let tag = if seen.value.is_overdue() { tag.rendered_as("overdue") } else { tag };
    if seen.value.names_shown() { tag } else { tag.rendered_as("nameless") }
}

path_params! {
    /// The address of an action.
    pub ActionPath in plan {
        action: ActionId, "The action's id.", "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11";
    }
}

/// List actions
///
/// The corrective actions of the plan's KPIs, oldest first, a page at a time. Members see all of them; partners those
/// on KPIs that their own organisation leads on or contributes to.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/actions", tag = "actions",
    params(PlanPath, ActionParams, AsOf, Paging),
    responses((status = 200, description = "A page of actions.", body = ActionPage), NotModified, ReadProblems, UnknownInQuery)
)]
pub async fn list_actions(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params((wanted, as_of, paging)): Params<(ActionParams, AsOf, Paging)>,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "json");
    let filter = wanted.settle(&view.seen)?;
    let rows = view.seen.actions_for(&filter, paging.after()?).take(paging.rows());
    let (rows, next) = paging.cut(rows.collect(), |kept| kept.value.id())?;
    let items = rows.into_iter().map(|kept| kept.value).collect();
    Ok(ActionPage { items, next }.reply(&request, &view.tag))
}

/// Open an action
///
/// States what will be done about a KPI, why, by whom and by when. For those who report the KPI.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/actions", tag = "actions", operation_id = "create_action",
    params(PlanPath),
    request_body(content = ActionDraft, description = "What will be done; it begins open, and is due today or later."),
    responses(
        (status = 201, description = "It was opened; Location gives its address.", body = SeenAction,
         headers(("Location" = String, description = "Its address."), ("ETag" = String, description = "Its state."))),
        CreateProblems
    )
)]
pub async fn create_action(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let opened = programme.open_action(&plan, &caller.subject, members).await?;
    let location = format!("/v1/plans/{plan}/actions/{}", opened.value.id());
    Ok(created(&opened.value, &tag(&opened), &location))
}

/// Find an action
///
/// An action by its id, with its progress.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/actions/{action}", tag = "actions",
    params(ActionPath, AsOf),
    responses((status = 200, description = "The action.", body = SeenAction), NotModified, ReadProblems)
)]
pub async fn find_action(
    programme: Data<Programme>,
    caller: Caller,
    ActionPath { plan, action }: ActionPath,
    Params(as_of): Params<AsOf>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = View::of(&programme, &caller, &plan, as_of).await?;
    let found = view.seen.find_action(action)?;
    Ok(conditions.answer(&tag(&found), &found.value))
}

/// Change an action
///
/// Changes the members that the merge patch (RFC 7396) names; null puts one back to its default. `state` closes it as
/// `done` or, with a `reason`, as `dropped`, and reopens it as `open`. The KPI stays. For those who report the KPI.
#[utoipa::path(
    patch, path = "/v1/plans/{plan}/actions/{action}", tag = "actions",
    params(ActionPath, IfMatch),
    request_body(content = ActionChange, content_type = "application/merge-patch+json", description = "The members to change."),
    responses(
        (status = 200, description = "The action as it is now.", body = SeenAction, headers(("ETag" = String, description = "Its state."))),
        WriteProblems
    )
)]
pub async fn update_action(
    programme: Data<Programme>,
    caller: Caller,
    ActionPath { plan, action }: ActionPath,
    _: Params<NoParams>,
    conditions: Conditions,
    Patch(patch): Patch<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let now = programme.update_action(&plan, &caller.subject, action, patch, (&conditions).into()).await?;
    Ok(kept(&now.value, &tag(&now)))
}

/// Note an action's progress
///
/// Adds a note; earlier ones stay as they are. For those who report the KPI, and for the Board.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/actions/{action}/notes", tag = "actions", operation_id = "add_action_note",
    params(ActionPath),
    request_body(content = NoteDraft, description = "The note."),
    responses(
        (status = 201, description = "It was added; the action with all its notes, and Location gives its address.", body = SeenAction,
         headers(("Location" = String, description = "The action's address."), ("ETag" = String, description = "Its state."))),
        CreateProblems
    )
)]
pub async fn add_action_note(
    programme: Data<Programme>,
    caller: Caller,
    ActionPath { plan, action }: ActionPath,
    _: Params<NoParams>,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let noted = programme.note_action(&plan, &caller.subject, action, members).await?;
    let location = format!("/v1/plans/{plan}/actions/{action}");
    Ok(created(&noted.value, &tag(&noted), &location))
}
