//! What every read of plan data has in common: the plan opened for the caller, the moment asked about, and the tag of
//! the answer, compared before any work is done.

use std::sync::Arc;

use actix_web::HttpResponse;
use chrono::{DateTime, Utc};

use super::auth::Caller;
use super::conditional::{Conditions, ETag};
use super::extract::{FromParams, ParamReader};
use super::problem::Problem;
use crate::domain::ids::PlanCode;
use crate::domain::period::day_in_london;
use crate::programme::picture::Picture;
use crate::programme::{OpenPlan, Programme};

/// The moment that is asked about.
#[derive(Clone, Copy, Debug, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AsOf {
    /// Answer as the service would have answered at this instant: what was known then, and what was due then.
    #[param(value_type = Option<String>, format = DateTime, example = "2010-05-14T12:00:00Z", required = false)]
    pub as_of: Option<DateTime<Utc>>,
}

impl FromParams for AsOf {
    fn read(params: &mut ParamReader) -> Option<Self> {
        let as_of = params.parsed("as_of", |text| {
            DateTime::parse_from_rfc3339(text)
                .map(|instant| instant.to_utc())
                .map_err(|_unreadable| "write an instant such as 2010-05-14T12:00:00Z")
        });
        Some(Self { as_of })
    }
}

/// A plan as one caller sees it at one moment.
pub struct View {
    /// The plan.
    pub plan: OpenPlan,
    /// What it held.
    pub picture: Arc<Picture>,
    /// The moment: now, or the one asked about.
    pub at: DateTime<Utc>,
    /// The tag of the answer.
    pub tag: ETag,
}

impl View {
    /// Opens a plan; the inner error is the answer 304 to a client that has the answer already.
    ///
    /// `rendering` sets apart answers with the same facts and other bytes. A moment in the past is never changed again;
    /// the present changes with the plan, and with the day, as figures fall due at its end.
    pub async fn open(
        programme: &Programme,
        caller: &Caller,
        plan: &PlanCode,
        as_of: AsOf,
        conditions: &Conditions,
        rendering: impl std::fmt::Display,
    ) -> Result<Result<Self, HttpResponse>, Problem> {
        let now = programme.clock().now();
        let as_of = as_of.as_of.filter(|instant| *instant < now);
        let plan = programme.open(plan, &caller.subject).await?;
        let at = as_of.unwrap_or(now);
        let moment = as_of.map_or_else(
            || format!("{}.{}", plan.view_tag(), day_in_london(now).format("%y%m%d")),
            |instant| format!("at{}.{}", instant.timestamp_micros(), plan.access.mark()),
        );
        let tag = ETag::of(format_args!("{moment}.{rendering}"));
        if let Some(unchanged) = conditions.not_modified(&tag) {
            return Ok(Err(unchanged));
        }
        let picture = programme.picture(&plan, as_of).await?;
        Ok(Ok(Self { plan, picture, at, tag }))
    }

    /// Opens a plan to read one thing in it, which has a tag of its own.
    pub async fn of(programme: &Programme, caller: &Caller, plan: &PlanCode, as_of: AsOf) -> Result<Self, Problem> {
        let unconditional = Conditions::default();
        match Self::open(programme, caller, plan, as_of, &unconditional, "json").await? {
            Ok(view) => Ok(view),
            Err(_never) => Err(Problem::internal_because("a 304 without a condition")),
        }
    }
}

/// The state that a change is meant for.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it documents a header, which Conditions reads")]
pub struct IfMatch {
    /// The `ETag` of the state that is to be changed; without it the answer is 428.
    #[param(rename = "If-Match", example = "\"42\"")]
    if_match: Option<String>,
}

/// Opens a [`View`], or answers 304.
macro_rules! view {
    ($programme:expr, $caller:expr, $plan:expr, $as_of:expr, $conditions:expr, $rendering:expr) => {
        match $crate::http::view::View::open($programme, $caller, $plan, $as_of, $conditions, $rendering).await? {
            Ok(view) => view,
            Err(unchanged) => return Ok(unchanged),
        }
    };
}

pub(crate) use view;
