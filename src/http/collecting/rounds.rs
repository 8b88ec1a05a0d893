//! Collection rounds, the returns in them, and what is outstanding.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use crate::domain::document::{refuse_unknown, take};
use crate::domain::ids::{GroupCode, KpiCode, OrganisationCode, PlanCode, SubGroupCode};
use crate::domain::invalid::{Invalid, Violation};
use crate::domain::period::{Period, PeriodKey};
use crate::domain::plan::{Organisation, SubGroup};
use crate::domain::reading::ReadingDraft;
use crate::domain::round::{ReturnKey, Round, RoundChange, RoundDraft, Step};
use crate::http::collecting::imports::DryRun;
use crate::http::collecting::placed;
use crate::http::problem::Problem;
use crate::http::problem::documented::{
    CreateProblems, DeleteProblems, NotAllowed, NotModified, PutReturnProblems, ReadProblems, StepProblems,
    UnknownInQuery, WriteProblems,
};
use crate::http::reports::status::known_code;
use crate::http::request::caller::Caller;
use crate::http::request::conditional::{Conditions, ETag, created, kept};
use crate::http::request::extract::{Body, FromParams, NoParams, ParamReader, Params, Patch};
use crate::http::request::page::{Paging, page};
use crate::http::request::path::{PlanPath, path_params};
use crate::http::view::{AsOf, IfMatch, View, view};
use crate::programme::Programme;
use crate::programme::rounds::outstanding::{Outstanding, OutstandingFilter};
use crate::programme::rounds::returns::{MyReturns, PostedReturn, ReturnReport};
use crate::programme::rounds::rounds::{RoundDays, RoundReport};

page!(
    /// A page of rounds.
    pub RoundPage of RoundDays
);

path_params! {
    /// The address of a round.
    pub RoundPath in plan {
        period: Period as String, "The round's period.", "FY2009-10-Q1";
    }
    /// The address of a return.
    pub ReturnPath in plan {
        period: Period as String, "The round's period.", "FY2009-10-Q1";
        sub_group: SubGroupCode, "The sub-group's code.", "be-healthy";
    }
}

/// List collection rounds
///
/// In time order, a page at a time.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/rounds", tag = "collecting",
    params(PlanPath, AsOf, Paging),
    responses((status = 200, description = "A page of rounds.", body = RoundPage), NotModified, ReadProblems)
)]
pub async fn list_rounds(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params((as_of, paging)): Params<(AsOf, Paging)>,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "json");
    let after: Option<PeriodKey> = paging.after()?;
    let rounds = view.seen.all::<Round>().values().map(|kept| &kept.value);
    let rounds = rounds.filter(|round| after.is_none_or(|after| round.period.0 > after.0));
    let rows: Vec<RoundDays> = rounds.take(paging.rows()).map(RoundDays::from).collect();
    let (items, next) = paging.cut(rows, |round| PeriodKey(round.period))?;
    Ok(RoundPage { items, next }.reply(&request, &view.tag))
}

/// Make a collection round
///
/// One per period, all of one kind of period. A figure is owed in the first round that closes on or after the day on
/// which it falls due by its KPI's collection lag, and is then due on the round's day. For programme managers and
/// administrators.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/rounds", tag = "collecting", operation_id = "create_round",
    params(PlanPath),
    request_body(content = RoundDraft, description = "The period and the round's days."),
    responses(
        (status = 201, description = "It was made; Location gives its address.", body = RoundDays,
         headers(("Location" = String, description = "Its address."), ("ETag" = String, description = "Its state."))),
        CreateProblems
    )
)]
pub async fn create_round(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let made = programme.create::<Round>(&plan, &caller.subject, members).await?;
    let location = format!("/v1/plans/{plan}/rounds/{}", made.value.period.0);
    Ok(created(&RoundDays::from(&made.value), &ETag::of(made.seq), &location))
}

/// Find a collection round
///
/// Its days.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/rounds/{period}", tag = "collecting",
    params(RoundPath, AsOf),
    responses((status = 200, description = "The round.", body = RoundDays), NotModified, ReadProblems)
)]
pub async fn find_round(
    programme: Data<Programme>,
    caller: Caller,
    RoundPath { plan, period }: RoundPath,
    Params(as_of): Params<AsOf>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = View::of(&programme, &caller, &plan, as_of).await?;
    let found = view.seen.all::<Round>().get(&period).ok_or_else(Problem::not_found)?;
    Ok(conditions.answer(&ETag::of(found.seq), &RoundDays::from(&found.value)))
}

/// Change a collection round
///
/// Moves its days, by merge patch. For programme managers and administrators.
#[utoipa::path(
    patch, path = "/v1/plans/{plan}/rounds/{period}", tag = "collecting",
    params(RoundPath, IfMatch),
    request_body(content = RoundChange, content_type = "application/merge-patch+json", description = "The members to change."),
    responses(
        (status = 200, description = "The round as it is now.", body = RoundDays, headers(("ETag" = String, description = "Its state."))),
        WriteProblems
    )
)]
pub async fn update_round(
    programme: Data<Programme>,
    caller: Caller,
    RoundPath { plan, period }: RoundPath,
    _: Params<NoParams>,
    conditions: Conditions,
    Patch(patch): Patch<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let now = programme.update::<Round>(&plan, &caller.subject, &period, patch, (&conditions).into()).await?;
    Ok(kept(&RoundDays::from(&now.value), &ETag::of(now.seq)))
}

/// Remove a collection round
///
/// One that no return was submitted in; its history stays in the journal. For programme managers and administrators.
#[utoipa::path(
    delete, path = "/v1/plans/{plan}/rounds/{period}", tag = "collecting",
    params(RoundPath, IfMatch),
    responses((status = 204, description = "It is removed."), DeleteProblems)
)]
pub async fn remove_round(
    programme: Data<Programme>,
    caller: Caller,
    RoundPath { plan, period }: RoundPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    programme.remove::<Round>(&plan, &caller.subject, &period, (&conditions).into()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Show how far a round has come
///
/// Every sub-group's return with the figures it owes, and how far they have come in. For members of the partnership.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/rounds/{period}/returns", tag = "collecting", operation_id = "get_round_returns",
    params(RoundPath, AsOf),
    responses((status = 200, description = "The round and its returns.", body = RoundReport), NotModified, ReadProblems, NotAllowed)
)]
pub async fn get_round_returns(
    programme: Data<Programme>,
    caller: Caller,
    RoundPath { plan, period }: RoundPath,
    Params(as_of): Params<AsOf>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "json");
    programme.may_read_returns(&view.plan)?;
    let report = view.seen.round_report(period)?;
    Ok(kept(&report, &view.tag))
}

/// Find a return
///
/// The figures that a sub-group owes in a round, each with its definition, target, last figure and what is still
/// missing, and the state of the return. For members of the partnership.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/rounds/{period}/returns/{sub_group}", tag = "collecting",
    params(ReturnPath, AsOf),
    responses((status = 200, description = "The return.", body = ReturnReport), NotModified, ReadProblems, NotAllowed)
)]
pub async fn find_return(
    programme: Data<Programme>,
    caller: Caller,
    ReturnPath { plan, period, sub_group }: ReturnPath,
    Params(as_of): Params<AsOf>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "json");
    programme.may_read_returns(&view.plan)?;
    let report = view.seen.find_return(&ReturnKey { period, sub_group })?;
    Ok(kept(&report, &view.tag))
}

/// Where a figure of a return belongs.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it documents members of a body, which the use case reads one by one")]
struct ReturnPlace {
    /// The KPI's code.
    #[schema(example = "NI-117")]
    kpi: KpiCode,
    /// The period's key, if the return holds more than one.
    #[schema(example = "FY2009-10-Q1")]
    period: Option<PeriodKey>,
    /// The group; `all` without it.
    #[schema(example = "all")]
    group: Option<GroupCode>,
}

placed! {
    /// A figure in a return.
    pub struct ReturnFigure = ReturnPlace, ReadingDraft,
        "A figure in a return: the KPI, the period if the return holds more than one of it, the group (`all` without it), and what is reported."
}

/// The figures of a return.
#[derive(Debug, utoipa::ToSchema)]
#[schema(description = "The figures of a return: those that are left out stay as they are.")]
#[expect(dead_code, reason = "it documents a body, which the use case reads member by member")]
pub struct ReturnDraft {
    /// What is reported, one per KPI, period and group.
    #[schema(max_items = 10_000)]
    figures: Vec<ReturnFigure>,
}

/// Fill in a return
///
/// Posts many of its figures at once, all or nothing; with `dry_run` it states what is wrong with some of them (`errors`) and
/// what posting the others would do, and nothing is saved. The answer states what moved, and what the return still needs then. A figure that was there already changes
/// nothing; one that is left out stays as it is, and so does an absent member of one (null clears it). For those who
/// report the KPIs.
#[utoipa::path(
    put, path = "/v1/plans/{plan}/rounds/{period}/returns/{sub_group}", tag = "collecting",
    params(ReturnPath, DryRun),
    request_body(content = ReturnDraft, description = "The figures."),
    responses((status = 200, description = "What it did, or would do.", body = PostedReturn), PutReturnProblems)
)]
pub async fn put_return(
    programme: Data<Programme>,
    caller: Caller,
    ReturnPath { plan, period, sub_group }: ReturnPath,
    Params(dry_run): Params<DryRun>,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let key = ReturnKey { period, sub_group };
    let put = programme.put_return(&plan, &caller.subject, key, members, dry_run.is_wanted()).await?;
    Ok(HttpResponse::Ok().json(put))
}

/// Submit a return
///
/// Declares that it is complete: every figure or a nil return, commentary if a KPI's figure for everyone is off track,
/// and an action if it is off track twice running, as the plan's settings ask. What is missing is listed line by line
/// (`invalid`). For the sub-group's lead, programme managers and administrators.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/rounds/{period}/returns/{sub_group}/submit", tag = "collecting", operation_id = "submit_return",
    params(ReturnPath),
    responses((status = 200, description = "It is submitted.", body = ReturnReport), StepProblems)
)]
pub async fn submit_return(
    programme: Data<Programme>,
    caller: Caller,
    ReturnPath { plan, period, sub_group }: ReturnPath,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    step(&programme, &caller, &plan, ReturnKey { period, sub_group }, Step::Submit).await
}

/// Sign off a return
///
/// Agrees to it and locks its figures. For the sub-group's lead, programme managers and administrators, and another person
/// than the one who submitted it.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/rounds/{period}/returns/{sub_group}/sign-off", tag = "collecting", operation_id = "sign_off_return",
    params(ReturnPath),
    responses((status = 200, description = "It is signed off.", body = ReturnReport), StepProblems)
)]
pub async fn sign_off_return(
    programme: Data<Programme>,
    caller: Caller,
    ReturnPath { plan, period, sub_group }: ReturnPath,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    step(&programme, &caller, &plan, ReturnKey { period, sub_group }, Step::SignOff).await
}

/// What to correct.
#[derive(Debug, utoipa::ToSchema)]
#[schema(description = "What to correct in a return.")]
#[expect(dead_code, reason = "it documents a body, which is read member by member")]
pub struct ReturnNote {
    /// What to correct; 1 to 2,000 characters.
    #[schema(min_length = 1, max_length = 2000, example = "NI-53a: is the denominator the quarter's?")]
    note: String,
}

/// Send back a return
///
/// With a note that states what to correct. For the sub-group's lead, programme managers and administrators.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/rounds/{period}/returns/{sub_group}/return", tag = "collecting", operation_id = "send_back_return",
    params(ReturnPath),
    request_body(content = ReturnNote, description = "What to correct."),
    responses((status = 200, description = "It is sent back.", body = ReturnReport), CreateProblems)
)]
pub async fn send_back_return(
    programme: Data<Programme>,
    caller: Caller,
    ReturnPath { plan, period, sub_group }: ReturnPath,
    _: Params<NoParams>,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let note = words(members, "note")?;
    step(&programme, &caller, &plan, ReturnKey { period, sub_group }, Step::SendBack { note }).await
}

/// Why a return is reopened.
#[derive(Debug, utoipa::ToSchema)]
#[schema(description = "Why a return is reopened.")]
#[expect(dead_code, reason = "it documents a body, which is read member by member")]
pub struct ReopeningReason {
    /// Why; 1 to 2,000 characters.
    #[schema(min_length = 1, max_length = 2000, example = "The denominator of NI-53a was the year's.")]
    reason: String,
}

/// Reopen a return
///
/// Unlocks the figures of one that is signed off, with a reason. For programme managers and administrators.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/rounds/{period}/returns/{sub_group}/reopen", tag = "collecting", operation_id = "reopen_return",
    params(ReturnPath),
    request_body(content = ReopeningReason, description = "Why."),
    responses((status = 200, description = "It is open again.", body = ReturnReport), CreateProblems)
)]
pub async fn reopen_return(
    programme: Data<Programme>,
    caller: Caller,
    ReturnPath { plan, period, sub_group }: ReturnPath,
    _: Params<NoParams>,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let reason = words(members, "reason")?;
    step(&programme, &caller, &plan, ReturnKey { period, sub_group }, Step::Reopen { reason }).await
}

async fn step(
    programme: &Programme,
    caller: &Caller,
    plan: &PlanCode,
    key: ReturnKey,
    step: Step,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(programme.step_return(plan, &caller.subject, key, step).await?))
}

/// The only member of a body: words that must be there.
fn words(mut members: Map<String, Value>, name: &'static str) -> Result<String, Problem> {
    let mut invalid = Invalid::new();
    let given = members.contains_key(name);
    let text: Option<String> = take(&mut members, name, &mut invalid);
    refuse_unknown(&members, &[name], &mut invalid);
    match &text {
        Some(text) => crate::domain::check::check_text(&mut invalid, &format!("/{name}"), text, 1, 2000),
        None if given => {}
        None => invalid.at(format!("/{name}"), "missing", format!("`{name}` must be given")),
    }
    Ok(invalid.or(text.unwrap_or_default())?)
}

/// Whose outstanding figures are wanted.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OutstandingParams {
    /// Only those of this round; without it, of every round that has opened, and those that no round gathers.
    #[param(example = "FY2009-10-Q1", max_length = 40)]
    period: Option<String>,
    /// Only those of this sub-group.
    #[param(example = "be-healthy")]
    sub_group: Option<SubGroupCode>,
    /// Only those of this organisation.
    #[param(example = "harrow-pct")]
    organisation: Option<OrganisationCode>,
}

impl FromParams for OutstandingParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self {
            period: params.optional("period"),
            sub_group: params.optional("sub_group"),
            organisation: params.optional("organisation"),
        })
    }
}

/// List what is outstanding
///
/// The figures still owed in the rounds that have opened, and those of ended periods that no round gathers, longest
/// overdue first, with completeness and timeliness by sub-group and by organisation. For members of the partnership.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/outstanding", tag = "collecting", operation_id = "get_outstanding",
    params(PlanPath, OutstandingParams, AsOf),
    responses((status = 200, description = "What is outstanding.", body = Outstanding), NotModified, ReadProblems, NotAllowed, UnknownInQuery)
)]
pub async fn get_outstanding(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params((wanted, as_of)): Params<(OutstandingParams, AsOf)>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "json");
    programme.may_read_returns(&view.plan)?;
    let seen = &view.seen;
    let mut invalid = Invalid::new();
    let round = wanted.period.as_deref().and_then(|text| match Period::read_any(text) {
        Ok(period) if seen.all::<Round>().contains_key(&period) => Some(period),
        Ok(period) => {
            let detail = format!("the plan has no round of {period}");
            invalid.push(Violation::in_query("period", "unknown_code", detail));
            None
        }
        Err(error) => {
            invalid.push(Violation::in_query("period", error.code(), format!("`{text}` {error}")));
            None
        }
    });
    known_code(&mut invalid, "sub_group", wanted.sub_group.as_ref(), seen.all::<SubGroup>());
    known_code(&mut invalid, "organisation", wanted.organisation.as_ref(), seen.all::<Organisation>());
    invalid.or(())?;
    let filter = OutstandingFilter { round, sub_group: wanted.sub_group, organisation: wanted.organisation };
    Ok(kept(&seen.outstanding(&filter), &view.tag))
}

/// List what you owe
///
/// The returns that you fill in, in every plan: your KPIs with their definitions, due dates, last figures and targets,
/// and what is still missing. Send the figures of a return with PUT to
/// `/v1/plans/{plan}/rounds/{period}/returns/{sub_group}`. What no round gathers is due by each KPI's own lag, and is
/// listed under `without_return`.
#[utoipa::path(
    get, path = "/v1/me/returns", tag = "collecting", operation_id = "get_my_returns",
    responses((status = 200, description = "Your returns.", body = MyReturns), NotModified, ReadProblems)
)]
pub async fn get_my_returns(
    programme: Data<Programme>,
    caller: Caller,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let mine = programme.my_returns(&caller.subject).await?;
    let state = serde_json::to_vec(&mine).map_err(|error| Problem::internal(&error))?;
    Ok(conditions.answer(&ETag::over(&state), &mine))
}
