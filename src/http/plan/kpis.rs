//! KPIs, and how one of them is doing.

use std::borrow::Cow;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::ids::{AreaCode, KpiCode, OrganisationCode, PriorityCode};
use crate::domain::kpi::{Kpi, KpiChange, KpiDraft};
use crate::http::problem::Problem;
use crate::http::problem::documented::{CreateProblems, DeleteProblems, NotModified, ReadProblems, WriteProblems};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::{Conditions, ETag, created, kept};
use crate::http::request::extract::{Body, FromParams, NoParams, ParamReader, Params, Patch};
use crate::http::request::page::{Paging, page};
use crate::http::request::path::{KpiPath, PlanPath, path_params};
use crate::http::view::{AsOf, IfMatch, View, view};
use crate::programme::Programme;
use crate::programme::definitions::kpis::KpiVersion;
use crate::programme::{KpiRecord, SeenKpi};

/// A KPI with what the service keeps about its definition.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A KPI with what the service keeps about its definition.")]
pub struct KpiBody {
    #[serde(flatten)]
    kpi: Kpi,
    /// The version of what is measured, from 1: figures compare only within one.
    #[schema(minimum = 1, example = 1)]
    definition_version: i32,
    /// Whether it was archived, and accepts no more figures.
    archived: bool,
}

impl KpiBody {
    /// A KPI as a reader may see it.
    fn seen(kpi: SeenKpi<'_>) -> Self {
        let (definition_version, archived) = (kpi.definition_version(), kpi.is_archived());
        Self { kpi: kpi.definition().into_owned(), definition_version, archived }
    }
}

impl From<KpiRecord> for KpiBody {
    fn from(record: KpiRecord) -> Self {
        let KpiRecord { kpi, archived, definition_version } = record;
        Self { kpi, definition_version, archived }
    }
}

/// One revision of a KPI's definition.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "One revision of a KPI's definition.")]
pub struct KpiVersionBody {
    #[serde(flatten)]
    definition: KpiBody,
    /// Which revision of the definition this is, from 1.
    #[schema(minimum = 1, example = 2)]
    revision: i32,
    /// When it was made.
    recorded_at: DateTime<Utc>,
    /// Who made it; null for readers outside the partnership.
    #[schema(required = true, example = "demo-programme_manager")]
    recorded_by: Option<String>,
    /// Whether figures compare with those of the revision before: not if what is measured changed. Null for the first.
    #[schema(required = true, example = true)]
    comparable: Option<bool>,
}

impl KpiVersionBody {
    fn of(version: KpiVersion, names_shown: bool) -> Self {
        let KpiVersion { record, revision, recorded_at, recorded_by, comparable } = version;
        let definition = KpiBody::from(record);
        let recorded_by = names_shown.then(|| recorded_by.to_string());
        Self { definition, revision, recorded_at, recorded_by, comparable }
    }
}

/// Every revision of a KPI's definition.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "Every revision of a KPI's definition, oldest first.")]
pub struct KpiVersions {
    /// The revisions.
    items: Vec<KpiVersionBody>,
}

page!(
    /// A page of KPIs.
    pub KpiPage of KpiBody
);

/// Which KPIs are wanted.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct KpiParams {
    /// Only those of this priority.
    #[param(example = "be-healthy-1")]
    priority: Option<PriorityCode>,
    /// Only those of this outcome area.
    #[param(example = "be-healthy")]
    outcome_area: Option<AreaCode>,
    /// Only those that this organisation leads on or contributes to.
    #[param(example = "harrow-pct")]
    organisation: Option<OrganisationCode>,
    /// The archived ones instead of the others.
    #[param(value_type = Option<bool>, example = false)]
    archived: bool,
}

impl FromParams for KpiParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self {
            priority: params.optional("priority"),
            outcome_area: params.optional("outcome_area"),
            organisation: params.optional("organisation"),
            archived: params.flag("archived"),
        })
    }
}

/// List KPIs
///
/// The plan's KPIs in the order of their codes, a page at a time.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/kpis", tag = "kpis",
    params(PlanPath, KpiParams, AsOf, Paging),
    responses((status = 200, description = "A page of KPIs.", body = KpiPage), NotModified, ReadProblems)
)]
pub async fn list_kpis(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params((wanted, as_of, paging)): Params<(KpiParams, AsOf, Paging)>,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "json");
    let after: Option<String> = paging.after()?;
    let rows = view.seen.kpis().filter(|kpi| {
        kpi.is_archived() == wanted.archived
            && after.as_ref().is_none_or(|after| kpi.code().as_str() > after.as_str())
            && wanted.priority.as_ref().is_none_or(|priority| kpi.priority() == priority)
            && wanted.outcome_area.as_ref().is_none_or(|area| kpi.outcome_area() == Some(area))
            && wanted.organisation.as_ref().is_none_or(|organisation| kpi.involves(organisation))
    });
    let (rows, next) = paging.cut(rows.take(paging.rows()).collect(), |kpi| kpi.code().to_string())?;
    let page = KpiPage { items: rows.into_iter().map(KpiBody::seen).collect(), next };
    Ok(page.reply(&request, &view.tag))
}

/// Make a KPI
///
/// For programme managers and administrators.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/kpis", tag = "kpis",
    params(PlanPath),
    request_body(content = KpiDraft, description = "The definition; what is left out gets its default."),
    responses(
        (status = 201, description = "It was made; Location gives its address.", body = KpiBody,
         headers(("Location" = String, description = "Its address."), ("ETag" = String, description = "Its state."))),
        CreateProblems
    )
)]
pub async fn create_kpi(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let made = programme.create_kpi(&plan, &caller.subject, members).await?;
    let location = format!("/v1/plans/{plan}/kpis/{}", made.value.kpi.code);
    Ok(created(&KpiBody::from(made.value), &ETag::of(made.seq), &location))
}

/// Find a KPI
///
/// Finds a KPI's definition by its code.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/kpis/{kpi}", tag = "kpis",
    params(KpiPath, AsOf),
    responses((status = 200, description = "The KPI.", body = KpiBody), NotModified, ReadProblems)
)]
pub async fn find_kpi(
    programme: Data<Programme>,
    caller: Caller,
    KpiPath { plan, kpi }: KpiPath,
    Params(as_of): Params<AsOf>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = View::of(&programme, &caller, &plan, as_of).await?;
    let kpi = view.seen.kpi(&kpi)?;
    // A definition without its baseline is not the same to the byte.
    let tag = ETag::of(kpi.seq());
    let tag = if matches!(kpi.definition(), Cow::Borrowed(_)) { tag } else { tag.rendered_as("c") };
    Ok(conditions.answer(&tag, &KpiBody::seen(kpi)))
}

/// How a KPI is changed: its members, and how the change is meant.
#[derive(Debug)]
pub struct KpiPatch;

impl utoipa::PartialSchema for KpiPatch {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
        let change = KpiChange::schema();
        let utoipa::openapi::RefOr::T(Schema::Object(mut object)) = change else { return change };
        let or_null = |kind| ObjectBuilder::new().schema_type(SchemaType::Array(vec![kind, Type::Null]));
        let editorial = or_null(Type::Boolean).description(Some(
            "Whether this changes words only and nothing else is measured: no new version of the definition begins, and figures \
             compare across the change. It needs a `reason`, and only `title`, `definition`, `national_indicator` and \
             `source` can change with it.",
        ));
        let reason = or_null(Type::String).max_length(Some(2000)).examples(["A spelling mistake."]).description(Some(
            "Why it is changed, for the journal; at most 2,000 characters. Needed with `editorial`.",
        ));
        object.properties.insert("editorial".to_owned(), editorial.into());
        object.properties.insert("reason".to_owned(), reason.into());
        utoipa::openapi::RefOr::T(Schema::Object(object))
    }
}

impl utoipa::ToSchema for KpiPatch {
    fn name() -> Cow<'static, str> {
        "KpiChange".into()
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        <Kpi as utoipa::ToSchema>::schemas(schemas);
    }
}

/// Change a KPI
///
/// Changes the members that the merge patch (RFC 7396) names; null puts one back to its default. A change of what is
/// measured (`definition`, `unit`, `multiplier`, `aggregation`, `formula`) begins the next version of the definition, and figures
/// do not compare across it; with `editorial` and a `reason` a change of words begins none. For programme managers and
/// administrators.
#[utoipa::path(
    patch, path = "/v1/plans/{plan}/kpis/{kpi}", tag = "kpis",
    params(KpiPath, IfMatch),
    request_body(content = KpiPatch, content_type = "application/merge-patch+json", description = "The members to change."),
    responses(
        (status = 200, description = "The KPI as it is now.", body = KpiBody, headers(("ETag" = String, description = "Its state."))),
        WriteProblems
    )
)]
pub async fn update_kpi(
    programme: Data<Programme>,
    caller: Caller,
    KpiPath { plan, kpi }: KpiPath,
    _: Params<NoParams>,
    conditions: Conditions,
    Patch(patch): Patch<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let entry = programme.update_kpi(&plan, &caller.subject, &kpi, patch, (&conditions).into()).await?;
    Ok(kept(&KpiBody::from(entry.value), &ETag::of(entry.seq)))
}

path_params! {
    /// The address of a KPI to archive; its example is one that a check of the document may archive.
    pub KpiToArchive in plan {
        kpi: KpiCode, "The KPI's code.", "NI-199";
    }
}

/// Archive a KPI
///
/// It leaves lists and reports and accepts no more figures; its history stays. For programme managers and
/// administrators.
#[utoipa::path(
    delete, path = "/v1/plans/{plan}/kpis/{kpi}", tag = "kpis",
    params(KpiToArchive, IfMatch),
    responses((status = 204, description = "It is archived."), DeleteProblems)
)]
pub async fn archive_kpi(
    programme: Data<Programme>,
    caller: Caller,
    KpiToArchive { plan, kpi }: KpiToArchive,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    programme.archive_kpi(&plan, &caller.subject, &kpi, (&conditions).into()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Follow a KPI's definition
///
/// Every revision of it, oldest first, and whether figures compare across it: a change of what is measured begins the
/// next `definition_version`, and travel does not reach over it.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/kpis/{kpi}/versions", tag = "kpis", operation_id = "list_kpi_versions",
    params(KpiPath, AsOf),
    responses((status = 200, description = "The revisions.", body = KpiVersions), NotModified, ReadProblems)
)]
pub async fn list_kpi_versions(
    programme: Data<Programme>,
    caller: Caller,
    KpiPath { plan, kpi }: KpiPath,
    Params(as_of): Params<AsOf>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "json");
    let versions = programme.kpi_versions(&view.seen, &kpi).await?;
    let items = versions.into_iter().map(|version| KpiVersionBody::of(version, view.by_a_member())).collect();
    Ok(HttpResponse::Ok().insert_header(&view.tag).json(KpiVersions { items }))
}
