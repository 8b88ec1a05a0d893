//! Organisations, sub-groups, outcome areas, priorities, dimensions, policies and comparator groups: seven kinds of
//! definition, made, read, changed and removed by the same five handlers. What differs is in the table at the end.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::benchmark::{ComparatorGroup, ComparatorGroupChange, ComparatorGroupDraft};
use crate::domain::dimension::{Dimension, DimensionChange, DimensionDraft};
use crate::domain::ids::{
    AreaCode, ComparatorCode, DimensionCode, OrganisationCode, PolicyCode, PriorityCode, SubGroupCode,
};
use crate::domain::plan::{
    Organisation, OrganisationChange, OrganisationDraft, OutcomeArea, OutcomeAreaChange, OutcomeAreaDraft, Priority,
    PriorityChange, PriorityDraft, SubGroup, SubGroupChange, SubGroupDraft,
};
use crate::domain::policy::{Policy, PolicyChange, PolicyDraft};
use crate::http::problem::Problem;
use crate::http::problem::documented::{CreateProblems, DeleteProblems, NotModified, ReadProblems, WriteProblems};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::{Conditions, ETag, created, kept};
use crate::http::request::extract::{Body, NoParams, Params, Patch};
use crate::http::request::page::{Paging, page};
use crate::http::request::path::{PlanPath, path_params};
use crate::http::view::{AsOf, IfMatch, View, view};
use crate::programme::Kept;
use crate::programme::Programme;
use crate::programme::definitions::Defined;

/// A definition as it is sent.
pub trait Sent: Defined {
    /// The body of an answer.
    type Body: Serialize;
    /// Makes the body.
    fn body(kept: &Kept<Self>) -> Self::Body;
}

macro_rules! sent_as_it_is {
    ($($kind:ty)*) => { $(
        impl Sent for $kind {
            type Body = Self;
            fn body(kept: &Kept<Self>) -> Self {
                kept.value.clone()
            }
        }
    )* };
}

sent_as_it_is!(Organisation SubGroup OutcomeArea Priority ComparatorGroup);

/// A dimension, and what it leaves unguarded.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A dimension, and what it leaves unguarded.")]
pub struct DimensionBody {
    #[serde(flatten)]
    dimension: Dimension,
    /// How small numbers could be worked out from its groups that nothing guards, and what to do; left out if there is
    /// nothing to report.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<DimensionWarning>,
}

/// Something to look at before figures are posted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "Something to look at before figures are posted.")]
pub struct DimensionWarning {
    /// What kind of warning it is: `unguarded_groups`.
    #[schema(example = "unguarded_groups")]
    code: &'static str,
    /// What it is about and what to do, in words.
    #[schema(example = "nothing says how `girls`, `boys`, `fsm` divide the population")]
    detail: String,
}

impl Sent for Dimension {
    type Body = DimensionBody;
    fn body(kept: &Kept<Self>) -> DimensionBody {
        let warning = kept.value.unguarded().map(|detail| DimensionWarning { code: "unguarded_groups", detail });
        DimensionBody { dimension: kept.value.clone(), warnings: warning.into_iter().collect() }
    }
}

/// A status policy with its version.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A status policy with its version.")]
pub struct PolicyBody {
    #[serde(flatten)]
    policy: Policy,
    /// The version, from 1: every change makes the next.
    #[schema(minimum = 1, example = 1)]
    version: i32,
}

impl Sent for Policy {
    type Body = PolicyBody;
    fn body(kept: &Kept<Self>) -> PolicyBody {
        PolicyBody { policy: kept.value.clone(), version: kept.revision }
    }
}

macro_rules! definition_resource {
    (
        $(#[$doc:meta])* $module:ident: $kind:ident by $code:ident, $new:ident, $change:ident, $body:ident, $page:ident,
        $tag:literal, $path:literal, $id:ident, $one:literal, $many:literal, $example:literal,
        $list:literal $create:literal $find:literal $update:literal $remove:literal
    ) => {
        page!(
            $(#[$doc])*
            pub $page of $body
        );

        $(#[$doc])*
        pub mod $module {
            use super::*;

            path_params! {
                /// The address of a definition of this kind.
                pub DefinitionPath in plan {
                    $id: $code, "Its code.", $example;
                }
            }

            #[utoipa::path(
                get, path = concat!("/v1/plans/{plan}/", $path), operation_id = $list, tag = $tag,
                summary = concat!("List ", $many),
                description = concat!("The plan's ", $many, " in the order of their codes, a page at a time."),
                params(PlanPath, AsOf, Paging),
                responses((status = 200, description = concat!("A page of ", $many, "."), body = $page), NotModified, ReadProblems)
            )]
            pub(in crate::http) async fn list(
                programme: Data<Programme>, caller: Caller, PlanPath { plan }: PlanPath,
                Params((as_of, paging)): Params<(AsOf, Paging)>, conditions: Conditions, request: HttpRequest,
            ) -> Result<HttpResponse, Problem> {
                let view = view!(&programme, &caller, &plan, as_of, &conditions, "json");
                let after: Option<String> = paging.after()?;
                let rows = view.seen.all::<$kind>().iter();
                let rows = rows.filter(|(code, _)| after.as_ref().is_none_or(|after| code.as_str() > after.as_str()));
                let rows: Vec<_> = rows.take(paging.rows()).collect();
                let (rows, next) = paging.cut(rows, |(code, _)| code.to_string())?;
                let page = $page { items: rows.into_iter().map(|(_, kept)| $kind::body(kept)).collect(), next };
                Ok(page.reply(&request, &view.tag))
            }

            #[utoipa::path(
                post, path = concat!("/v1/plans/{plan}/", $path), operation_id = $create, tag = $tag,
                summary = concat!("Make ", $one),
                description = concat!("Makes ", $one, ". For programme managers and administrators."),
                params(PlanPath),
                request_body(content = $new, description = "What it is; what is left out gets its default."),
                responses(
                    (status = 201, description = "It was made; Location gives its address.", body = $body,
                     headers(("Location" = String, description = "Its address."), ("ETag" = String, description = "Its state."))),
                    CreateProblems
                )
            )]
            pub(in crate::http) async fn create(
                programme: Data<Programme>, caller: Caller, PlanPath { plan }: PlanPath,
                _: Params<NoParams>, Body(members): Body<Map<String, Value>>,
            ) -> Result<HttpResponse, Problem> {
                let kept = programme.create::<$kind>(&plan, &caller.subject, members).await?;
                let location = format!(concat!("/v1/plans/{}/", $path, "/{}"), plan, kept.value.code());
                Ok(created(&$kind::body(&kept), &ETag::of(kept.seq), &location))
            }

            #[utoipa::path(
                get, path = concat!("/v1/plans/{plan}/", $path, "/{", stringify!($id), "}"), operation_id = $find, tag = $tag,
                summary = concat!("Find ", $one), description = concat!("Finds ", $one, " by its code."),
                params(DefinitionPath, AsOf),
                responses((status = 200, description = "What it is.", body = $body), NotModified, ReadProblems)
            )]
            pub(in crate::http) async fn find(
                programme: Data<Programme>, caller: Caller, DefinitionPath { plan, $id: code }: DefinitionPath,
                Params(as_of): Params<AsOf>, conditions: Conditions,
            ) -> Result<HttpResponse, Problem> {
                let view = View::of(&programme, &caller, &plan, as_of).await?;
                let kept = view.seen.all::<$kind>().get(&code).ok_or_else(Problem::not_found)?;
                Ok(conditions.answer(&ETag::of(kept.seq), &$kind::body(kept)))
            }

            #[utoipa::path(
                patch, path = concat!("/v1/plans/{plan}/", $path, "/{", stringify!($id), "}"), operation_id = $update, tag = $tag,
                summary = concat!("Change ", $one),
                description = "Changes the members that the merge patch (RFC 7396) names; null puts one back to its default. For programme managers and administrators.",
                params(DefinitionPath, IfMatch),
                request_body(content = $change, content_type = "application/merge-patch+json", description = "The members to change."),
                responses(
                    (status = 200, description = "What it is now.", body = $body, headers(("ETag" = String, description = "Its state."))),
                    WriteProblems
                )
            )]
            pub(in crate::http) async fn update(
                programme: Data<Programme>, caller: Caller, DefinitionPath { plan, $id: code }: DefinitionPath,
                _: Params<NoParams>, conditions: Conditions, Patch(patch): Patch<Map<String, Value>>,
            ) -> Result<HttpResponse, Problem> {
                let now = programme.update::<$kind>(&plan, &caller.subject, &code, patch, (&conditions).into()).await?;
                Ok(kept(&$kind::body(&now), &ETag::of(now.seq)))
            }

            #[utoipa::path(
                delete, path = concat!("/v1/plans/{plan}/", $path, "/{", stringify!($id), "}"), operation_id = $remove, tag = $tag,
                summary = concat!("Remove ", $one),
                description = "Removes it if nothing refers to it any more; its history stays in the journal. For programme managers and administrators.",
                params(DefinitionPath, IfMatch),
                responses((status = 204, description = "It is removed."), DeleteProblems)
            )]
            pub(in crate::http) async fn remove(
                programme: Data<Programme>, caller: Caller, DefinitionPath { plan, $id: code }: DefinitionPath,
                _: Params<NoParams>, conditions: Conditions,
            ) -> Result<HttpResponse, Problem> {
                programme.remove::<$kind>(&plan, &caller.subject, &code, (&conditions).into()).await?;
                Ok(HttpResponse::NoContent().finish())
            }
        }
    };
}

definition_resource! {
    /// Organisations.
    organisations: Organisation by OrganisationCode, OrganisationDraft, OrganisationChange, Organisation, OrganisationPage,
    "structure", "organisations", organisation, "an organisation", "organisations", "harrow-pct",
    "listOrganisations" "createOrganisation" "findOrganisation" "updateOrganisation" "removeOrganisation"
}

definition_resource! {
    /// Sub-groups.
    sub_groups: SubGroup by SubGroupCode, SubGroupDraft, SubGroupChange, SubGroup, SubGroupPage,
    "structure", "sub-groups", sub_group, "a sub-group", "sub-groups", "be-healthy",
    "listSubGroups" "createSubGroup" "findSubGroup" "updateSubGroup" "removeSubGroup"
}

definition_resource! {
    /// Outcome areas.
    outcome_areas: OutcomeArea by AreaCode, OutcomeAreaDraft, OutcomeAreaChange, OutcomeArea, OutcomeAreaPage,
    "structure", "outcome-areas", outcome_area, "an outcome area", "outcome areas", "be-healthy",
    "listOutcomeAreas" "createOutcomeArea" "findOutcomeArea" "updateOutcomeArea" "removeOutcomeArea"
}

definition_resource! {
    /// Priorities.
    priorities: Priority by PriorityCode, PriorityDraft, PriorityChange, Priority, PriorityPage,
    "structure", "priorities", priority, "a priority", "priorities", "be-healthy-1",
    "listPriorities" "createPriority" "findPriority" "updatePriority" "removePriority"
}

definition_resource! {
    /// Dimensions.
    dimensions: Dimension by DimensionCode, DimensionDraft, DimensionChange, DimensionBody, DimensionPage,
    "structure", "dimensions", dimension, "a dimension", "dimensions", "free-school-meals",
    "listDimensions" "createDimension" "findDimension" "updateDimension" "removeDimension"
}

definition_resource! {
    /// Status policies.
    policies: Policy by PolicyCode, PolicyDraft, PolicyChange, PolicyBody, PolicyPage,
    "policies", "policies", policy, "a status policy", "status policies", "five-band",
    "listPolicies" "createPolicy" "findPolicy" "updatePolicy" "removePolicy"
}

definition_resource! {
    /// Comparator groups.
    comparator_groups: ComparatorGroup by ComparatorCode, ComparatorGroupDraft, ComparatorGroupChange, ComparatorGroup, ComparatorGroupPage,
    "benchmarks", "comparator-groups", comparator_group, "a comparator group", "comparator groups", "statistical-neighbours",
    "listComparatorGroups" "createComparatorGroup" "findComparatorGroup" "updateComparatorGroup" "removeComparatorGroup"
}
