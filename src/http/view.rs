//! What every read of plan data has in common: the plan opened for the caller, the moment asked about, and the tag of
//! the answer, compared before any work is done.

use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::domain::access::Audience;
use crate::domain::ids::PlanCode;
use crate::domain::invalid::Violation;
use crate::domain::period::{day_in_london, end_of_day_in_london, start_of_day_in_london};
use crate::http::gate::envelope;
use crate::http::problem::{Code, Problem};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::{Conditions, ETag};
use crate::http::request::extract::{FromParams, ParamReader};
use crate::programme::Seen;
use crate::programme::{OpenPlan, Programme};

/// The moment that is asked about.
#[derive(Clone, Copy, Debug, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AsOf {
    /// Answer as the service would have answered at this instant: what was known then, and what was due then. A day, such as
    /// 2010-05-14, stands for its end in London, and today for now.
    #[param(value_type = Option<String>, format = DateTime, example = "2010-05-14T12:00:00Z", required = false)]
    pub as_of: Option<Asked>,
}

/// A moment as it was asked about.
#[derive(Clone, Copy, Debug)]
pub enum Asked {
    /// An instant.
    At(DateTime<Utc>),
    /// The end of a day in London.
    EndOf(NaiveDate),
}

impl Asked {
    /// The instant that is meant; `None` for the present.
    fn instant(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::At(instant) => Some(instant),
            Self::EndOf(day) if day == day_in_london(now) => None,
            Self::EndOf(day) => Some(end_of_day_in_london(day)),
        }
    }
}

impl std::fmt::Display for Asked {
    /// As it stands in an address.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(instant) => out.write_str(&instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Self::EndOf(day) => write!(out, "{day}"),
        }
    }
}

impl FromParams for AsOf {
    fn read(params: &mut ParamReader) -> Option<Self> {
        let as_of = params.parsed("as_of", |text| {
            if let Ok(day) = text.parse() {
                return Ok(Asked::EndOf(day));
            }
            DateTime::parse_from_rfc3339(text)
                .map(|instant| Asked::At(instant.to_utc()))
                .map_err(|_unreadable| "write an instant such as 2010-05-14T12:00:00Z, or a day such as 2010-05-14")
        });
        Some(Self { as_of })
    }
}

/// A plan as one caller sees it at one moment.
pub struct View {
    /// The plan.
    pub plan: OpenPlan,
    /// What the caller may see of it, as of now or of the moment asked about.
    pub seen: Seen,
    /// The tag of the answer.
    pub tag: ETag,
}

impl View {
    /// Opens a plan; the inner error is the answer 304 to a client that has the answer already.
    ///
    /// The tag states the plan's version, the caller's view of it, the address asked and the rendering, and so the
    /// answer to the byte. As figures fall due at the end of a day in London, a current answer is one as of the
    /// beginning of the day, or of the plan's last change if that is later: the moment since which it has been what it
    /// is.
    pub async fn open(
        programme: &Programme,
        caller: &Caller,
        plan: &PlanCode,
        as_of: AsOf,
        conditions: &Conditions,
        rendering: impl std::fmt::Display,
    ) -> Result<Result<Self, HttpResponse>, Problem> {
        let now = programme.clock().now();
        let plan = programme.open(plan, &caller.subject).await?;
        if caller.subject.is_anyone() {
            envelope::may_be_shared();
        }
        let (at, version) = match as_of.as_of.and_then(|asked| asked.instant(now)) {
            None => (plan.changed_at.max(start_of_day_in_london(now)), plan.version),
            Some(instant) if instant > now => return Err(not_yet(instant)),
            Some(instant) => (instant, programme.version_at(&plan, instant).await?),
        };
        // What was to be seen in the past can since have been withheld from those outside the partnership.
        let view = if plan.access.audience() == Audience::Member { plan.access.mark() } else { plan.view_tag() };
        let tag = conditions.tag(format_args!("{version}.{}.{view}.{rendering}", at.timestamp_micros()));
        if let Some(unchanged) = conditions.not_modified(&tag) {
            return Ok(Err(unchanged));
        }
        let seen = programme.seen_at(&plan, version, at).await?;
        Ok(Ok(Self { plan, seen, tag }))
    }

    /// Opens a plan to read one thing in it, which has a tag of its own.
    pub async fn of(programme: &Programme, caller: &Caller, plan: &PlanCode, as_of: AsOf) -> Result<Self, Problem> {
        match Self::open(programme, caller, plan, as_of, &Conditions::default(), "json").await? {
            Ok(view) => Ok(view),
            Err(_never) => Err(Problem::internal_because("a 304 without a condition")),
        }
    }

    /// Whether the reader is a member of the partnership, who may know who did what.
    pub fn by_a_member(&self) -> bool {
        self.seen.by_a_member()
    }
}

fn not_yet(instant: DateTime<Utc>) -> Problem {
    let detail = format!("as_of: {} lies in the future; leave it out for the present", instant.to_rfc3339());
    let violation = Violation::in_query("as_of", "not_yet", detail.clone());
    Problem::new(Code::InvalidParameter, detail).with_errors(vec![violation])
}

/// The state that a change is meant for, if it must be named.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it documents a header, which Conditions reads")]
pub struct IfMatch {
    /// The `ETag` of the state that is to be changed, or `*` for whatever state it is in; without it the answer is 428.
    #[param(rename = "If-Match", example = "\"42\"")]
    if_match: String,
}

/// The state that a PUT is meant for.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it documents headers, which Conditions reads")]
pub struct IfMatchOrNone {
    /// The `ETag` of the state that is to be replaced, or `*` for whatever state it is in.
    #[param(
        rename = "If-Match", value_type = String, required = false, example = "\"42\""
    )]
    if_match: Option<String>,
    /// `*` if it must not exist yet.
    #[param(
        rename = "If-None-Match", value_type = String, required = false, example = "*"
    )]
    if_none_match: Option<String>,
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
