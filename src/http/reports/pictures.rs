//! Pictures of how a KPI is doing, to be put into other pages by their address.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::domain::ids::GroupCode;
use crate::http::problem::Problem;
use crate::http::problem::documented::{NotModified, ReadProblems, UnknownInQuery};
use crate::http::reports::status::{SeriesParams, StatusParams, follow, stand};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::Conditions;
use crate::http::request::extract::{FromParams, ParamReader, Params};
use crate::http::request::path::KpiPath;
use crate::http::view::{AsOf, View, view};
use crate::pages::badge::badge;
use crate::pages::sparkline::sparkline;
use crate::pages::svg::Page;
use crate::programme::Programme;

const SVG: &str = "image/svg+xml";

/// What a group is called; `None` for everyone.
fn group_title<'a>(view: &'a View, group: &GroupCode) -> Option<&'a str> {
    view.seen.groups().get(group).filter(|_| !group.is_all()).map(String::as_str)
}

/// What a picture is drawn for.
#[derive(Clone, Copy, Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PictureParams {
    /// Draw it for a dark page.
    #[param(value_type = Option<bool>, example = true)]
    dark: bool,
}

impl FromParams for PictureParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self { dark: params.flag("dark") })
    }
}

impl PictureParams {
    fn page(self) -> Page {
        if self.dark { Page::Dark } else { Page::Light }
    }
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
    params(KpiPath, StatusParams, AsOf, PictureParams),
    responses(
        (status = 200, description = "The badge.", content((String = "image/svg+xml"))),
        NotModified, ReadProblems, UnknownInQuery
    )
)]
pub async fn get_kpi_badge(
    programme: Data<Programme>,
    caller: Caller,
    KpiPath { plan, kpi }: KpiPath,
    Params((wanted, as_of, drawn)): Params<(StatusParams, AsOf, PictureParams)>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, if drawn.dark { "svg-dark" } else { "svg" });
    let assessment = stand(&view, &kpi, &wanted)?;
    Ok(picture(&view, badge(&assessment, group_title(&view, &assessment.group), drawn.page())))
}

/// Draw a KPI over time as a sparkline
///
/// A small SVG picture of the series: the figures as a line with gaps for those that are missing, the target as a
/// dashed line, and the latest figure with its status in words. Its title and its description state the same. Put it
/// into a page as an image.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/kpis/{kpi}/sparkline.svg", tag = "reports", operation_id = "get_kpi_sparkline",
    params(KpiPath, SeriesParams, AsOf, PictureParams),
    responses(
        (status = 200, description = "The sparkline.", content((String = "image/svg+xml"))),
        NotModified, ReadProblems, UnknownInQuery
    )
)]
pub async fn get_kpi_sparkline(
    programme: Data<Programme>,
    caller: Caller,
    KpiPath { plan, kpi }: KpiPath,
    Params((wanted, as_of, drawn)): Params<(SeriesParams, AsOf, PictureParams)>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, if drawn.dark { "svg-dark" } else { "svg" });
    let series = follow(&view, &kpi, &wanted)?;
    Ok(picture(&view, sparkline(&series, group_title(&view, &series.group), drawn.page())))
}
