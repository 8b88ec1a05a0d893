//! The back-test of a status policy.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::{Map, Value};

use crate::domain::ids::PolicyCode;
use crate::domain::invalid::{Invalid, Violation};
use crate::domain::period::Period;
use crate::domain::policy::PolicyChange;
use crate::http::problem::Problem;
use crate::http::problem::documented::TryProblems;
use crate::http::request::caller::Caller;
use crate::http::request::extract::{FromParams, ParamReader, Params, Patch};
use crate::http::request::path::path_params;
use crate::programme::Programme;
use crate::programme::reports::policy_trial::PolicyTrial;

/// Which period a policy is tried on.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TrialParams {
    /// The period: its key, or another spelling that can mean one period only. Without it, every financial quarter of the
    /// plan that has ended.
    #[param(example = "FY2009-10-Q4", max_length = 40)]
    period: Option<String>,
}

impl FromParams for TrialParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self { period: params.optional("period") })
    }
}

path_params! {
    /// The address of a status policy.
    pub PolicyPath in plan {
        policy: PolicyCode, "The policy's code.", "five-band";
    }
}

/// Try a change of a status policy
///
/// What past periods' statuses would have been under the policy as the merge patch (RFC 7396) would leave it, assessed
/// with the present figures, targets and definitions. Nothing is stored and nothing changes. For members of the
/// partnership.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/policies/{policy}/try", tag = "policies",
    params(PolicyPath, TrialParams),
    request_body(content = PolicyChange, content_type = "application/merge-patch+json", description = "The members to change."),
    responses((status = 200, description = "The statuses under the changed policy.", body = PolicyTrial), TryProblems)
)]
pub async fn try_policy(
    programme: Data<Programme>,
    caller: Caller,
    PolicyPath { plan, policy: code }: PolicyPath,
    Params(wanted): Params<TrialParams>,
    Patch(patch): Patch<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let period = wanted.period.as_deref().map(|text| {
        Period::read_any(text)
            .map_err(|error| Invalid::from(Violation::in_query("period", error.code(), format!("`{text}` {error}"))))
    });
    let trial = programme.try_policy(&plan, &caller.subject, &code, patch, period.transpose()?).await?;
    Ok(HttpResponse::Ok().json(trial))
}
