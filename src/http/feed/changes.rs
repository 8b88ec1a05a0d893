//! The change feed and the journal: one table, two views.

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::domain::ids::{PlanCode, Seq};
use crate::http::problem::Problem;
use crate::http::problem::documented::{NotAllowed, NotModified, ReadProblems};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::{Conditions, ETag};
use crate::http::request::extract::{FromParams, ParamReader, Params};
use crate::http::request::page::{MAX_LIMIT, Paging, page};
use crate::http::request::path::PlanPath;
use crate::programme::feed::changes::{FollowedChange, Gone};
use crate::programme::feed::journal::Entry;
use crate::programme::{OpenPlan, Programme};

/// One change.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Change, description = "One change to the plan.")]
pub struct ChangeBody {
    /// Its place in the plan's journal, from 1.
    #[schema(value_type = i64, minimum = 1, example = 1234)]
    seq: Seq,
    /// When it was made.
    at: DateTime<Utc>,
    /// Who made it; null for readers outside the partnership.
    #[schema(required = true, example = "demo-sub_group_lead")]
    actor: Option<String>,
    /// What was done.
    #[schema(example = "reading.revised")]
    action: String,
    /// The kind of thing it was done to.
    #[schema(example = "reading")]
    kind: String,
    /// Which thing it was done to.
    #[schema(example = "NI-117/FY2009-10-Q1/all")]
    key: String,
    /// The thing before; null if it was made, and for readers outside the partnership.
    #[schema(required = true, value_type = Option<Object>)]
    before: Option<Value>,
    /// The thing after; for readers outside the partnership as it is now, and null if they no longer see it.
    #[schema(required = true, value_type = Option<Object>)]
    after: Option<Value>,
    /// Why, if a reason was given; null for readers outside the partnership.
    #[schema(required = true, example = "Late returns from two colleges.")]
    reason: Option<String>,
    /// Why a copy of the plan should remove the thing; null if it should keep it.
    #[schema(required = true, example = json!(null))]
    gone: Option<Gone>,
}

/// One entry of the journal.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "One entry of the journal: a change with the digest that chains it to the entry before.")]
pub struct JournalEntry {
    #[serde(flatten)]
    change: ChangeBody,
    /// The SHA-256 of the entry and of the digest before it, in lower-case hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$", example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    digest: String,
}

impl From<Entry> for ChangeBody {
    fn from(entry: Entry) -> Self {
        let gone = Gone::told_by(&entry);
        FollowedChange { entry, names_shown: true, gone }.into()
    }
}

impl From<FollowedChange> for ChangeBody {
    fn from(change: FollowedChange) -> Self {
        let FollowedChange { entry, names_shown, gone } = change;
        Self {
            seq: entry.seq,
            at: entry.at,
            actor: names_shown.then(|| entry.actor.to_string()),
            action: entry.action,
            kind: entry.kind.as_str().to_owned(),
            key: entry.key,
            before: entry.before,
            after: entry.after,
            reason: entry.reason,
            gone,
        }
    }
}

/// A stretch of the change feed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A stretch of the change feed, oldest change first.")]
pub struct ChangeFeed {
    /// The changes.
    items: Vec<ChangeBody>,
    /// Where to go on: send it as `after`, now or later. It stays the same while nothing changes.
    #[schema(minimum = 0, example = 1234)]
    next: i64,
    /// What you see of the plan as a whole: send it as `view` along with `next`.
    #[schema(example = "hNkRgD1PpMk")]
    view: String,
    /// Whether you see more or less of the plan than by the `view` that you sent, for example because a role was given
    /// to you or revoked: delete your copy, and follow again from 0.
    #[schema(example = false)]
    start_over: bool,
}

page!(
    /// A page of the journal.
    pub JournalPage of JournalEntry
);

/// Which changes are wanted.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FeedParams {
    /// Only changes after this place in the journal; 0 for all of them.
    #[param(value_type = i64, minimum = 0, example = 0, required = false)]
    after: i64,
    /// How many changes to send at most.
    #[param(minimum = 1, maximum = 1000, default = 100, example = 100, required = false)]
    limit: u16,
    /// The `view` of the answer before, so that the answer states whether you see the plan otherwise since.
    #[param(example = "hNkRgD1PpMk", required = false)]
    view: Option<String>,
}

impl FromParams for FeedParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        let after = params.parsed("after", |text| {
            text.parse()
                .ok()
                .filter(|after| *after >= 0)
                .ok_or("give a place in the journal: 0, or a seq that was sent")
        });
        let limit = params.parsed("limit", |text| {
            text.parse()
                .ok()
                .filter(|limit| (1..=MAX_LIMIT).contains(limit))
                .ok_or("give a whole number from 1 to 1000")
        });
        let view = params.optional("view");
        Some(Self {
            after: after.unwrap_or(0),
            limit: limit.unwrap_or(crate::http::request::page::DEFAULT_LIMIT),
            view,
        })
    }
}

/// How long a client may have the service wait for a change, in seconds.
const LONGEST_WAIT: u64 = 60;

/// How long the client would have the service wait, by `Prefer: wait=10` (RFC 7240).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wait(Option<u64>);

impl Wait {
    /// The first `wait` of the preferences, cut to what is granted. What cannot be read or is not known is no preference.
    fn of(request: &HttpRequest) -> Self {
        let lines = request.headers().get_all("prefer").filter_map(|line| line.to_str().ok());
        let mut preferences = lines.flat_map(|line| line.split(',')).filter_map(|one| {
            let (name, value) = one.split(';').next()?.split_once('=')?;
            name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"').parse::<u64>().ok())
        });
        Self(preferences.next().flatten().map(|seconds| seconds.min(LONGEST_WAIT)))
    }
}

impl FromRequest for Wait {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

/// How long to wait while nothing has changed.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it documents a header, which Wait reads")]
pub struct Prefer {
    /// `wait=` and a number of seconds, 60 at most: if there is no change after `after` yet, the answer waits until
    /// there is one, or until that time has passed. `Preference-Applied` states the time granted.
    #[param(rename = "Prefer", value_type = String, required = false, example = "wait=30")]
    prefer: Option<String>,
}

/// Opens a plan to one who may read its journal, with the tag of what is read: administrators see more of it.
async fn open(
    programme: &Programme,
    caller: &Caller,
    plan: &PlanCode,
    conditions: &Conditions,
) -> Result<(OpenPlan, ETag), Problem> {
    let plan = programme.open(plan, &caller.subject).await?;
    programme.may_read_journal(&plan)?;
    let (administers, manages) = (plan.access.administers(), plan.access.manages());
    let tag = conditions.tag(format_args!("{}.{administers}.{manages}", plan.version));
    Ok((plan, tag))
}

/// What distinguishes a reader's view of the feed from any other's.
fn view_of(plan: &OpenPlan) -> String {
    let view = format!("{}.{}.{}", plan.access.mark(), plan.access.administers(), plan.access.manages());
    ETag::over(view.as_bytes()).to_string().chars().filter(char::is_ascii_alphanumeric).take(11).collect()
}

/// Follow what changes
///
/// The changes after a place in the plan's journal, oldest first: keep `next` and send it as `after` to get what came
/// since, at once or, with `Prefer: wait=30`, as soon as there is something. `gone` lists what a copy should remove.
/// Members are sent each change as it was made; the content of grants is left out for all but administrators. Readers
/// outside the partnership are sent what they see now, small numbers withheld, and `items` can be empty while `next`
/// moves on.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/changes", tag = "changes",
    params(PlanPath, FeedParams, Prefer),
    responses(
        (status = 200, description = "The changes.", body = ChangeFeed,
         headers(("Preference-Applied" = String, description = "How long the service would have waited: `wait=30`. Sent if that was asked for."))),
        NotModified, ReadProblems
    )
)]
pub async fn list_changes(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params(wanted): Params<FeedParams>,
    Wait(wait): Wait,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let after = Seq(wanted.after);
    let mut open = programme.open(&plan, &caller.subject).await?;
    if let Some(seconds) = wait.filter(|_| open.version == after) {
        programme.wait_for_change(&open, after, Duration::from_secs(seconds)).await;
        // What the caller may see can have changed meanwhile, too.
        open = programme.open(&plan, &caller.subject).await?;
    }
    let view = view_of(&open);
    let tag = conditions.tag(format_args!("{}.{view}", open.version));
    let mut response = if let Some(unchanged) = conditions.not_modified(&tag) {
        unchanged
    } else {
        let stretch = programme.follow(&open, after, wanted.limit.into()).await?;
        let items = stretch.changes.into_iter().map(ChangeBody::from).collect();
        // Anyone who is ahead has followed another database, or this one before it was set back.
        let start_over = after > open.version || wanted.view.is_some_and(|known| known != view);
        let feed = ChangeFeed { items, next: stretch.next.0, view, start_over };
        HttpResponse::Ok().insert_header(&tag).json(feed)
    };
    if let Some(Ok(applied)) = wait.map(|seconds| HeaderValue::try_from(format!("wait={seconds}"))) {
        response.headers_mut().insert(HeaderName::from_static("preference-applied"), applied);
    }
    Ok(response)
}

/// Read the journal
///
/// Every change to the plan with its digest, oldest first, a page at a time. For members of the partnership; the
/// content of grants is left out for all but administrators.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/journal", tag = "changes",
    params(PlanPath, Paging),
    responses((status = 200, description = "A page of the journal.", body = JournalPage), NotModified, ReadProblems, NotAllowed)
)]
pub async fn list_journal(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params(paging): Params<Paging>,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (plan, tag) = open(&programme, &caller, &plan, &conditions).await?;
    if let Some(unchanged) = conditions.not_modified(&tag) {
        return Ok(unchanged);
    }
    let after = Seq(paging.after()?.unwrap_or(0));
    let entries = programme.list_changes(&plan, after, paging.rows()).await?;
    let (entries, next) = paging.cut(entries, |entry| entry.seq.0)?;
    let items = entries.into_iter().map(|entry| JournalEntry { digest: entry.digest.clone(), change: entry.into() });
    Ok(JournalPage { items: items.collect(), next }.reply(&request, &tag))
}
