//! Board reports: frozen once, read for ever, compared with one another.

use actix_web::http::header::{ContentType, HeaderName};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::domain::board_report::{BoardReport, BoardReportDraft};
use crate::domain::ids::{ReportId, Seq};
use crate::domain::invalid::{Invalid, Violation};
use crate::http::problem::Problem;
use crate::http::problem::documented::{CreateProblems, NotModified, ReadProblems, UnknownInQuery};
use crate::http::reports::status::known;
use crate::http::request::caller::Caller;
use crate::http::request::conditional::{Conditions, ETag, created};
use crate::http::request::extract::{Body, FromParams, NoParams, ParamReader, Params};
use crate::http::request::negotiate::{Accept, Format};
use crate::http::request::page::{Paging, page};
use crate::http::request::path::{PlanPath, path_params};
use crate::http::tables::columns::XlsxFile;
use crate::http::tables::printed;
use crate::http::view::{AsOf, View, view};
use crate::programme::Programme;
use crate::programme::reports::board_reports::{BoardReportChanges, BoardReportContent};

page!(
    /// A page of board reports.
    pub BoardReportPage of BoardReport
);

/// Which report is compared with.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SinceParams {
    /// The id of the earlier report, of the same organisation if this is one of an organisation.
    #[param(example = "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11")]
    since: ReportId,
}

impl FromParams for SinceParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self { since: params.required("since")? })
    }
}

path_params! {
    /// The address of a board report.
    pub BoardReportPath in plan {
        report: ReportId, "The report's id.", "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11";
    }
    /// The address of what changed between two board reports.
    pub LaterReportPath in plan {
        report: ReportId, "The later report's id.", "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11";
    }
}

/// List board reports
///
/// The frozen reports, oldest first, a page at a time: what each is of, when and by whom it was frozen, and its
/// SHA-256. Members see all of them; partners those of their own organisation, as long as they see every KPI in them.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/board-reports", tag = "reports",
    params(PlanPath, AsOf, Paging),
    responses((status = 200, description = "A page of board reports.", body = BoardReportPage), NotModified, ReadProblems)
)]
pub async fn list_board_reports(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params((as_of, paging)): Params<(AsOf, Paging)>,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "json");
    let reports = view.seen.board_reports_for(paging.after()?).take(paging.rows());
    let (reports, next) = paging.cut(reports.collect(), |report| report.id)?;
    let items = reports.into_iter().cloned().collect();
    Ok(BoardReportPage { items, next }.reply(&request, &view.tag))
}

/// Freeze a board report
///
/// Stores the status report of a period, the exceptions, the actions, what was said with the figures, and the policies
/// and definitions behind them, as they are now. For the Board, programme managers and administrators.
#[utoipa::path(
    post, path = "/v1/plans/{plan}/board-reports", tag = "reports", operation_id = "freeze_board_report",
    params(PlanPath),
    request_body(content = BoardReportDraft, description = "What to freeze."),
    responses(
        (status = 201, description = "It was frozen; Location gives its address.", body = BoardReport,
         headers(("Location" = String, description = "Its address."), ("ETag" = String, description = "Its state, which never changes."))),
        CreateProblems
    )
)]
pub async fn freeze_board_report(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
    Body(members): Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let report = programme.freeze_board_report(&plan, &caller.subject, members).await?.value;
    let location = format!("/v1/plans/{plan}/board-reports/{}", report.id);
    Ok(created(&report, &ETag::of(&report.sha256), &location))
}

/// Read a board report
///
/// What was frozen, to the byte: its SHA-256 is the one that the list gives. Nothing that happens later changes it. As an
/// Excel workbook, ready to be printed, made from those bytes alone.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/board-reports/{report}", tag = "reports", operation_id = "get_board_report",
    params(BoardReportPath, AsOf),
    responses(
        (status = 200, description = "The report.",
         content((BoardReportContent = "application/json"), (XlsxFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
         headers(("ETag" = String, description = "The SHA-256 of its bytes in hexadecimal; of the workbook, with what it was made by."),
                 ("Repr-Digest" = String, description = "The SHA-256 of its bytes as RFC 9530 writes it; of the JSON."))),
        NotModified, ReadProblems
    )
)]
pub async fn get_board_report(
    programme: Data<Programme>,
    caller: Caller,
    BoardReportPath { plan, report }: BoardReportPath,
    Params(as_of): Params<AsOf>,
    accept: Accept,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let format = accept.choose(&[Format::Json, Format::Xlsx])?;
    let view = View::of(&programme, &caller, &plan, as_of).await?;
    let report = &view.seen.board_report_for(report)?.value;
    let tag = match format {
        Format::Xlsx => ETag::of(&report.sha256).rendered_as(concat!("xlsx-", env!("CARGO_PKG_VERSION"))),
        Format::Json | Format::Csv => ETag::of(&report.sha256),
    };
    if let Some(unchanged) = conditions.not_modified(&tag) {
        return Ok(unchanged);
    }
    let content = programme.board_report_content(&view.plan, report).await?;
    if format == Format::Xlsx {
        // What is called how, as it was then: the same bytes are printed in the same words for ever.
        let then = programme.seen_at(&view.plan, Seq(report.version), report.frozen_at).await?;
        let print = printed::board_report(content.as_bytes(), &then)?;
        return printed::answer("board-report", print, &tag, report.frozen_at).await;
    }
    let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&content)));
    Ok(HttpResponse::Ok()
        .content_type(ContentType::json())
        .insert_header(&tag)
        .insert_header((HeaderName::from_static("repr-digest"), digest))
        .body(content))
}

/// Compare a board report with an earlier one
///
/// What moved between the two: what crossed into another band, and which way; what has a status in one of them only; what
/// was restated, came late or is newly overdue; new and withdrawn KPIs; targets and policies that changed.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/board-reports/{report}/changes", tag = "reports", operation_id = "get_board_report_changes",
    params(LaterReportPath, SinceParams, AsOf),
    responses((status = 200, description = "What moved.", body = BoardReportChanges), NotModified, ReadProblems, UnknownInQuery)
)]
pub async fn get_board_report_changes(
    programme: Data<Programme>,
    caller: Caller,
    LaterReportPath { plan, report }: LaterReportPath,
    Params((wanted, as_of)): Params<(SinceParams, AsOf)>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "json");
    let seen = &view.seen;
    let to = seen.board_report_for(report)?;
    let mut invalid = Invalid::new();
    let ids: Vec<String> = seen.board_reports_for(None).map(|report| report.id.to_string()).collect();
    known(&mut invalid, "since", Some(&wanted.since.to_string()), ids.iter().map(String::as_str));
    invalid.or(())?;
    let from = seen.board_report_for(wanted.since)?;
    let fault = |code, detail: &str| Invalid::from(Violation::in_query("since", code, detail));
    if from.seq >= to.seq {
        return Err(fault("not_earlier", "it was not frozen before this one; name an earlier report").into());
    }
    if from.value.organisation != to.value.organisation {
        let detail = "the two are not of the same organisation; name an earlier report of the same one";
        return Err(fault("other_organisation", detail).into());
    }
    let changes = programme.board_report_changes(&view.plan, &from.value, &to.value).await?;
    Ok(HttpResponse::Ok().insert_header(&view.tag).json(changes))
}
