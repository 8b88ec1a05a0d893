//! Webhooks: who is informed of what happens, and what came of the deliveries.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::webhook::{WebhookChange, WebhookDraft, WebhookTerms};
use crate::http::access::tokens::unkept;
use crate::http::problem::Problem;
use crate::http::problem::documented::{
    CreateProblems, DeleteProblems, NotAllowed, NotModified, ReadProblems, StepProblems, WriteProblems,
};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::{Conditions, ETag, created, kept};
use crate::http::request::extract::{Body, NoParams, Params, Patch};
use crate::http::request::page::{Paging, page};
use crate::http::request::path::{PlanPath, path_params};
use crate::http::view::IfMatch;
use crate::programme::Programme;
use crate::programme::feed::webhooks::{DeliveryRow, WebhookId, WebhookRow};

/// That the service switched a webhook off.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WebhookDisabled, description = "That the service switched a webhook off, and why.")]
pub struct DisabledBody {
    /// Why: `undeliverable` after three days of attempts, `gone` if the subscriber answered 410, `access_revoked` if
    /// its owner no longer sees the plan. More may be added.
    #[schema(example = "undeliverable")]
    reason: String,
    /// When.
    at: DateTime<Utc>,
}

/// That messages are not accepted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WebhookFailing, description = "That a message is not accepted, and when it is tried again.")]
pub struct FailingBody {
    /// How many attempts at the message have failed.
    #[schema(minimum = 1, example = 2)]
    attempts: i32,
    /// When the next one is made.
    next_attempt_at: DateTime<Utc>,
}

/// A webhook.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Webhook, description = "Where a subscriber's messages go, what they report, and whether they can be delivered.")]
pub struct WebhookBody {
    /// Its id.
    #[schema(value_type = String, format = "uuid", example = "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11")]
    id: WebhookId,
    #[serde(flatten)]
    terms: WebhookTerms,
    /// Its owner: it reports what they may see.
    #[schema(example = "demo-partner")]
    subject: String,
    /// When it was made; it reports what came after.
    created_at: DateTime<Utc>,
    /// That the service switched it off; null if it did not.
    #[schema(required = true)]
    disabled: Option<DisabledBody>,
    /// That messages are not accepted; null while they are.
    #[schema(required = true)]
    failing: Option<FailingBody>,
}

impl From<&WebhookRow> for WebhookBody {
    fn from(row: &WebhookRow) -> Self {
        let failing = row.terms.active && row.failed > 0;
        Self {
            id: row.id,
            terms: row.terms.clone(),
            subject: row.subject.to_string(),
            created_at: row.created_at,
            disabled: row.disabled.clone().map(|(reason, at)| DisabledBody { reason, at }),
            failing: failing.then_some(FailingBody { attempts: row.failed, next_attempt_at: row.next_attempt_at }),
        }
    }
}

/// A webhook with its secret.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WebhookWithSecret, description = "A webhook with its secret, which is shown here and never again.")]
pub struct SecretBody {
    #[serde(flatten)]
    webhook: WebhookBody,
    /// What its messages are signed with (Standard Webhooks): store it as a secret.
    #[schema(pattern = "^whsec_[A-Za-z0-9+/=]+$", example = "whsec_EXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAM")]
    secret: String,
}

impl From<&WebhookRow> for SecretBody {
    fn from(row: &WebhookRow) -> Self {
        Self { webhook: row.into(), secret: row.secret.reveal().to_owned() }
    }
}

/// One attempt to deliver a message.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WebhookDelivery, description = "One attempt to deliver a message.")]
pub struct DeliveryBody {
    /// Its number among the webhook's attempts.
    #[schema(minimum = 1, example = 17)]
    number: i64,
    /// The message's id, the same at every attempt at it; empty if no message was sent.
    #[schema(example = "msg_5f2b1c9e7a604d7f8e0b3c2d1a4f6e8b")]
    message: String,
    /// What it reports.
    #[schema(example = "status.changed")]
    event: String,
    /// Which attempt at the message it was.
    #[schema(minimum = 1, example = 1)]
    attempt: i32,
    /// When.
    at: DateTime<Utc>,
    /// `delivered`, `failed`, or `switched_off`.
    #[schema(example = "delivered")]
    outcome: String,
    /// The HTTP status of the subscriber's answer; null if there was none.
    #[schema(required = true, minimum = 100, maximum = 599, example = 204)]
    status: Option<i32>,
    /// What went wrong; null if nothing did, or if the status shows it.
    #[schema(required = true, example = "there was no answer within ten seconds")]
    detail: Option<String>,
}

impl From<DeliveryRow> for DeliveryBody {
    fn from(row: DeliveryRow) -> Self {
        let DeliveryRow { number, message, event, attempt, at, outcome, status, detail } = row;
        Self { number, message, event, attempt, at, outcome, status, detail }
    }
}

/// A test message on its way.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WebhookTrial, description = "A test message on its way: the result is among the deliveries.")]
pub struct TestBody {
    /// The message's id.
    #[schema(example = "msg_5f2b1c9e7a604d7f8e0b3c2d1a4f6e8b")]
    message: String,
}

page!(
    /// A page of webhooks.
    pub WebhookPage of WebhookBody
);

page!(
    /// A page of attempts to deliver.
    pub WebhookDeliveryPage of DeliveryBody
);

/// The state that a change names, and what of the answer is delivery's business.
fn tag(row: &WebhookRow) -> ETag {
    let tag = ETag::of(row.seq);
    if row.failed > 0 {
        tag.rendered_as(format_args!("{}.{}", row.failed, row.next_attempt_at.timestamp()))
    } else {
        tag
    }
}

/// The tag of a list that more than the plan's version moves.
fn tag_over(conditions: &Conditions, body: &impl Serialize) -> Result<ETag, Problem> {
    let bytes = serde_json::to_vec(body).map_err(|error| Problem::internal(&error))?;
    Ok(conditions.tag(ETag::over(&bytes)))
}

path_params! {
    /// The address of a webhook.
    pub WebhookPath in plan {
        webhook: WebhookId as String, "The webhook's id.", "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11";
    }
}

/// List webhooks
///
/// Your own, oldest first, a page at a time; all of the plan's for those who manage it. For members and partners.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/webhooks", tag = "changes",
    params(PlanPath, Paging),
    responses((status = 200, description = "A page of webhooks.", body = WebhookPage), NotModified, ReadProblems, NotAllowed)
)]
pub async fn list_webhooks(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params(paging): Params<Paging>,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let open = programme.open(&plan, &caller.subject).await?;
    let rows = programme.list_webhooks(&open, &caller.subject).await?;
    let (rows, next) = paging.cut_by_id(rows, |row| row.id.to_string())?;
    let page = WebhookPage { items: rows.iter().map(WebhookBody::from).collect(), next };
    let tag = tag_over(&conditions, &page)?;
    Ok(conditions.not_modified(&tag).unwrap_or_else(|| page.reply(&request, &tag)))
}

/// Make a webhook
///
/// From now on the service posts what happens to `url` as JSON, `{type, timestamp, data}`, signed according to Standard
/// Webhooks, in order, at least once, and only what you may see: small numbers are withheld from partners, and when
/// your last role on the plan is revoked it is switched off. What is not answered with a 2xx is tried again for three
/// days. The secret is in this answer and in no other. For members and partners.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/webhooks", tag = "changes", operation_id = "create_webhook",
    params(PlanPath),
    request_body(content = WebhookDraft, description = "Where to send messages, and about what."),
    responses(
        (status = 201, description = "It was made; Location gives its address.", body = SecretBody,
         headers(("Location" = String, description = "Its address."), ("ETag" = String, description = "Its state."), ("Cache-Control" = String, description = "`no-store`: it holds a secret."))),
        CreateProblems
    )
)]
pub async fn create_webhook(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let row = programme.create_webhook(&plan, &caller.subject, members).await?;
    let location = format!("/v1/plans/{plan}/webhooks/{}", row.id);
    Ok(unkept(created(&SecretBody::from(&row), &tag(&row), &location)))
}

/// Find a webhook
///
/// A webhook by its id, without its secret: your own, or any of the plan's for those who manage it.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/webhooks/{webhook}", tag = "changes",
    params(WebhookPath),
    responses((status = 200, description = "The webhook.", body = WebhookBody), NotModified, ReadProblems, NotAllowed)
)]
pub async fn find_webhook(
    programme: Data<Programme>,
    caller: Caller,
    WebhookPath { plan, webhook }: WebhookPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let open = programme.open(&plan, &caller.subject).await?;
    let row = programme.find_webhook(&open, &caller.subject, webhook).await?;
    Ok(conditions.answer(&tag(&row), &WebhookBody::from(&row)))
}

/// Change a webhook
///
/// Changes the members that the merge patch (RFC 7396) names; null puts one back to its default. Switched on again by
/// `active`, it goes on after the last message delivered. For its owner and those who manage the plan.
#[utoipa::path(
    patch, path = "/v1/plans/{plan}/webhooks/{webhook}", tag = "changes",
    params(WebhookPath, IfMatch),
    request_body(content = WebhookChange, content_type = "application/merge-patch+json", description = "The members to change."),
    responses(
        (status = 200, description = "The webhook as it is now.", body = WebhookBody, headers(("ETag" = String, description = "Its state."))),
        WriteProblems
    )
)]
pub async fn update_webhook(
    programme: Data<Programme>,
    caller: Caller,
    WebhookPath { plan, webhook }: WebhookPath,
    _: Params<NoParams>,
    conditions: Conditions,
    Patch(patch): Patch<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let row = programme.update_webhook(&plan, &caller.subject, webhook, patch, (&conditions).into()).await?;
    Ok(kept(&WebhookBody::from(&row), &tag(&row)))
}

/// Remove a webhook
///
/// Nothing more is sent; its secret and the log of its deliveries are removed too. For its owner and those who manage
/// the plan.
#[utoipa::path(
    delete, path = "/v1/plans/{plan}/webhooks/{webhook}", tag = "changes",
    params(WebhookPath, IfMatch),
    responses((status = 204, description = "It is removed."), DeleteProblems)
)]
pub async fn remove_webhook(
    programme: Data<Programme>,
    caller: Caller,
    WebhookPath { plan, webhook }: WebhookPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    programme.remove_webhook(&plan, &caller.subject, webhook, (&conditions).into()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List what was delivered
///
/// The attempts to deliver this webhook's messages, latest first, a page at a time; the last thousand are kept.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/webhooks/{webhook}/deliveries", tag = "changes",
    params(WebhookPath, Paging),
    responses((status = 200, description = "A page of attempts.", body = WebhookDeliveryPage), NotModified, ReadProblems, NotAllowed)
)]
pub async fn list_webhook_deliveries(
    programme: Data<Programme>,
    caller: Caller,
    WebhookPath { plan, webhook }: WebhookPath,
    Params(paging): Params<Paging>,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let open = programme.open(&plan, &caller.subject).await?;
    let row = programme.find_webhook(&open, &caller.subject, webhook).await?;
    let rows = programme.webhook_deliveries(&row, paging.after()?, paging.rows()).await?;
    let (rows, next) = paging.cut(rows, |row| row.number)?;
    let page = WebhookDeliveryPage { items: rows.into_iter().map(DeliveryBody::from).collect(), next };
    let tag = tag_over(&conditions, &page)?;
    Ok(conditions.not_modified(&tag).unwrap_or_else(|| page.reply(&request, &tag)))
}

/// Send a test message
///
/// Sends a message of type `webhook.test` with the next delivery, once: the result is among the deliveries.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/webhooks/{webhook}/test", tag = "changes", operation_id = "test_webhook",
    params(WebhookPath),
    responses(
        (status = 202, description = "It is on its way; Location gives the address at which to see the result.", body = TestBody,
         headers(("Location" = String, description = "The address of the webhook's deliveries."))),
        StepProblems
    )
)]
pub async fn test_webhook(
    programme: Data<Programme>,
    caller: Caller,
    WebhookPath { plan, webhook }: WebhookPath,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let message = programme.test_webhook(&plan, &caller.subject, webhook).await?;
    let location = format!("/v1/plans/{plan}/webhooks/{webhook}/deliveries");
    Ok(HttpResponse::Accepted().insert_header(("location", location)).json(TestBody { message }))
}

/// Give a webhook a new secret
///
/// The new one is in this answer and in no other. For 24 hours messages carry a signature by each, so that nothing is lost
/// while you put the new one in place.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/webhooks/{webhook}/rotate", tag = "changes", operation_id = "rotate_webhook",
    params(WebhookPath),
    responses(
        (status = 200, description = "The webhook with its new secret.", body = SecretBody, headers(("ETag" = String, description = "Its state."), ("Cache-Control" = String, description = "`no-store`: it holds a secret."))),
        StepProblems
    )
)]
pub async fn rotate_webhook(
    programme: Data<Programme>,
    caller: Caller,
    WebhookPath { plan, webhook }: WebhookPath,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let row = programme.rotate_webhook(&plan, &caller.subject, webhook).await?;
    Ok(unkept(kept(&SecretBody::from(&row), &tag(&row))))
}
