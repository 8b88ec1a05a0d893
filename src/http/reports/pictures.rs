//! Pictures of how a KPI is doing, to be put into other pages by their address.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::domain::ids::GroupCode;
use crate::http::problem::Problem;
use crate::http::problem::documented::{NotModified, ReadProblems, UnknownInQuery};
use crate::http::reports::status::{SeriesParams, StatusParams, follow, stand};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::Conditions;
use crate::http::request::extract::Params;
use crate::http::request::path::KpiPath;
use crate::http::view::{AsOf, View, view};
use crate::pages::badge::badge;
use crate::pages::sparkline::sparkline;
use crate::programme::Programme;

const SVG: &str = "image/svg+xml";

/// What a group is called; `None` for everyone.
fn group_title<'a>(view: &'a View, group: &GroupCode) -> Option<&'a str> {
    view.seen.groups().get(group).filter(|_| !group.is_all()).map(String::as_str)
}

fn picture(view: &View, svg: String) -> HttpResponse {
    HttpResponse::Ok().insert_header(&view.tag).content_type(SVG).body(svg)
}

/// Show a KPI's status as a badge
///
/// An SVG picture of one line: the KPI, the period, the figure and its status, in words as well as in colour. Its title
/// and its description state the status. Put it into a page as an image.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/kpis/{kpi}/badge.svg", tag = "reports", operation_id = "get_kpi_badge",
    params(KpiPath, StatusParams, AsOf),
    responses(
        (status = 200, description = "The badge.", content((String = "image/svg+xml"))),
        NotModified, ReadProblems, UnknownInQuery
    )
)]
pub async fn get_kpi_badge(
    programme: Data<Programme>,
    caller: Caller,
    KpiPath { plan, kpi }: KpiPath,
    Params((wanted, as_of)): Params<(StatusParams, AsOf)>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "svg");
    let assessment = stand(&view, &kpi, &wanted)?;
    Ok(picture(&view, badge(&assessment, group_title(&view, &assessment.group))))
}

/// Draw a KPI over time as a sparkline
///
/// A small SVG picture of the series: the figures as a line with gaps for those that are missing, the target as a
/// dashed line, and the latest figure with its status in words. Its title and its description state the same. Put it
/// into a page as an image.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/kpis/{kpi}/sparkline.svg", tag = "reports", operation_id = "get_kpi_sparkline",
    params(KpiPath, SeriesParams, AsOf),
    responses(
        (status = 200, description = "The sparkline.", content((String = "image/svg+xml"))),
        NotModified, ReadProblems, UnknownInQuery
    )
)]
pub async fn get_kpi_sparkline(
    programme: Data<Programme>,
    caller: Caller,
    KpiPath { plan, kpi }: KpiPath,
    Params((wanted, as_of)): Params<(SeriesParams, AsOf)>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "svg");
    let series = follow(&view, &kpi, &wanted)?;
    Ok(picture(&view, sparkline(&series, group_title(&view, &series.group))))
}
