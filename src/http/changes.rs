//! The change feed and the journal: one table, two views.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::auth::Caller;
use super::conditional::{Conditions, ETag};
use super::extract::{FromParams, ParamReader, Params, Segments};
use super::page::{MAX_LIMIT, Paging, page};
use super::problem::Problem;
use super::responses::{ListProblems, NotAllowed, NotModified};
use crate::domain::ids::{PlanCode, Seq};
use crate::programme::journalling::Entry;
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
    /// Who made it.
    #[schema(example = "demo-sub_group_lead")]
    actor: String,
    /// What was done.
    #[schema(example = "reading.revised")]
    action: String,
    /// The kind of thing it was done to.
    #[schema(example = "reading")]
    kind: String,
    /// Which thing it was done to.
    #[schema(example = "NI-117/FY2009-10-Q1/all")]
    key: String,
    /// The thing before; null where it was made.
    #[schema(required = true, value_type = Option<Object>)]
    before: Option<Value>,
    /// The thing after; null where it was removed.
    #[schema(required = true, value_type = Option<Object>)]
    after: Option<Value>,
    /// Why, where a reason was given.
    #[schema(required = true, example = "Late returns from two colleges.")]
    reason: Option<String>,
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
        Self {
            seq: entry.seq,
            at: entry.at,
            actor: entry.actor.to_string(),
            action: entry.action,
            kind: entry.kind.as_str().to_owned(),
            key: entry.key,
            before: entry.before,
            after: entry.after,
            reason: entry.reason,
        }
    }
}

/// A stretch of the change feed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A stretch of the change feed, the oldest change first.")]
pub struct ChangeFeed {
    /// The changes.
    items: Vec<ChangeBody>,
    /// Where to go on: send it as `after`, now or later. It stays the same while nothing changes.
    #[schema(minimum = 0, example = 1234)]
    next: i64,
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
        Some(Self { after: after.unwrap_or(0), limit: limit.unwrap_or(super::page::DEFAULT_LIMIT) })
    }
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
    let tag = conditions.tag(format_args!("{}.{}", plan.version, plan.access.administers()));
    Ok((plan, tag))
}

/// Follow what changes
///
/// The changes after a place in the plan's journal, the oldest first: keep `next` and send it as `after` to hear of what
/// came since. For members of the partnership; what grants say is left out for all but administrators.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/changes", tag = "changes",
    params(("plan" = PlanCode, Path, description = "The plan's code.", example = "harrow-cypp-2009-2011"), FeedParams),
    responses((status = 200, description = "The changes.", body = ChangeFeed), NotModified, ListProblems, NotAllowed)
)]
pub async fn list_changes(
    programme: Data<Programme>,
    caller: Caller,
    Segments((plan,)): Segments<(PlanCode,)>,
    Params(wanted): Params<FeedParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let (plan, tag) = open(&programme, &caller, &plan, &conditions).await?;
    if let Some(unchanged) = conditions.not_modified(&tag) {
        return Ok(unchanged);
    }
    let entries = programme.list_changes(&plan, Seq(wanted.after), wanted.limit.into()).await?;
    let next = entries.last().map_or(wanted.after, |entry| entry.seq.0);
    let items = entries.into_iter().map(ChangeBody::from).collect();
    Ok(HttpResponse::Ok().insert_header(&tag).json(ChangeFeed { items, next }))
}

/// Read the journal
///
/// Every change to the plan with its digest, the oldest first, a page at a time. For members of the partnership; what grants
/// say is left out for all but administrators.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/journal", tag = "changes",
    params(("plan" = PlanCode, Path, description = "The plan's code.", example = "harrow-cypp-2009-2011"), Paging),
    responses((status = 200, description = "A page of the journal.", body = JournalPage), NotModified, ListProblems, NotAllowed)
)]
pub async fn list_journal(
    programme: Data<Programme>,
    caller: Caller,
    Segments((plan,)): Segments<(PlanCode,)>,
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
