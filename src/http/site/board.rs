//! The board room: what is to be looked at, freezing it, and the papers that were frozen.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use serde_json::{Map, json};

use crate::http::problem::{Code, Problem};
use crate::http::reports::board_reports::BoardReportPath;
use crate::http::reports::status::ReportParams;
use crate::http::request::caller::Caller;
use crate::http::request::conditional::Conditions;
use crate::http::request::extract::{NoParams, Params};
use crate::http::request::path::PlanPath;
use crate::http::site::answer::{frame_in, html, html_of, known_as, person, see_other};
use crate::http::site::form::Form;
use crate::http::site::plans::{PeriodParams, asked_as_of, printed, rendering};
use crate::http::site::visitor::Visitor;
use crate::http::view::{AsOf, view};
use crate::pages::board::{BoardPage, FrozenPaper, in_a_file};
use crate::pages::frame::{Frame, Tab};
use crate::pages::plain;
use crate::pages::scorecard::{Place, Scorecard};
use crate::pages::{as_known_on, assets};
use crate::programme::Programme;
use crate::programme::reports::status_report::{Included, ReportFilter};

/// `GET /plans/{plan}/board`
pub(in crate::http) async fn room(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    PlanPath { plan }: PlanPath,
    Params((wanted, as_of)): Params<(PeriodParams, AsOf)>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, rendering(&visitor));
    let (period, filter) = ReportParams::from(wanted).settle(&view)?;
    let filter = ReportFilter { include: Some(Included::Commentary), ..filter };
    let report = view.seen.status_report(period, &filter);
    let exceptions = view.seen.exceptions(period, &filter);
    let mut reports: Vec<_> = view.seen.board_reports_for(None).collect();
    reports.reverse();
    let asked = asked_as_of(as_of);
    let is_now = asked.is_none();
    // Since the last one of the whole plan; with a filter, the page is of less than that.
    let latest = reports.iter().find(|report| report.organisation.is_none()).filter(|_| is_now);
    let changes = match latest {
        Some(report) => Some(programme.changes_since_board_report(&view.plan, report, (&view.seen, period)).await?),
        None => None,
    };
    let page = BoardPage {
        scorecard: Scorecard {
            report: &report,
            seen: &view.seen,
            filter: &filter,
            periods: &[],
            as_of: asked.as_deref(),
            since: None,
            place: Place::Service,
        },
        exceptions: &exceptions,
        frozen: None,
        changes: changes.as_ref(),
        reports: &reports,
        freezer: (is_now && visitor.may_write && view.plan.access.freezes_board_reports()).then(|| person(&visitor)),
    };
    let title = page.title();
    let at = asked.as_ref().map_or_else(String::new, |asked| format!("&as_of={asked}"));
    let data = |ending: &str| format!("/plans/{plan}/exceptions{ending}?period={period}{at}");
    let frame = Frame {
        class: "p-board",
        printed: Some(printed(&view, &title)),
        data: vec![("CSV", data(".csv")), ("XLSX", data(".xlsx")), ("JSON", data(".json"))],
        ..frame_in(&title, &visitor, &view, Tab::Board)
    };
    Ok(html_of(&view, page.page(&frame)))
}

/// `POST /plans/{plan}/board-reports`
pub(in crate::http) async fn freeze(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
    form: Form,
) -> Result<HttpResponse, Problem> {
    if !visitor.may_write {
        let detail =
            "You signed in with a token that only reads. Sign in with one that may be used to change something too.";
        return Err(Problem::new(Code::NotAllowed, detail));
    }
    let (title, period) = (form.get("title").unwrap_or_default(), form.get("period"));
    let members = Map::from_iter([("title".to_owned(), json!(title)), ("period".to_owned(), json!(period))]);
    let report = programme.freeze_board_report(&plan, &caller.subject, members).await?;
    Ok(see_other(&format!("/plans/{plan}/board-reports/{}", report.value.id)))
}

/// `GET /plans/{plan}/board-reports/{report}`: the paper, shown from the plan as it was then, if that is what was frozen to the byte.
pub(in crate::http) async fn paper(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    BoardReportPath { plan, report }: BoardReportPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, AsOf::default(), &conditions, rendering(&visitor));
    let kept = &view.seen.board_report_for(report)?.value;
    let address = format!("/plans/{plan}/board-reports/{report}");
    let Some((then, content)) = programme.reproduced_board_report(&view.plan, kept).await? else {
        let frame = frame_in(&kept.title, &visitor, &view, Tab::Board);
        return Ok(html(StatusCode::OK, plain::older_report(&frame, kept, &address)));
    };
    let before =
        view.seen.board_reports_for(None).filter(|other| other.id < kept.id && other.organisation == kept.organisation);
    let changes = match before.last() {
        Some(before) => Some(programme.board_report_changes(&view.plan, before, kept).await?),
        None => None,
    };
    let names = programme.names().await?;
    let frozen_by = kept.frozen_by.as_ref().map(|by| known_as(by, &names));
    let as_of = kept.frozen_at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    let filter = ReportFilter { organisation: kept.organisation.clone(), ..ReportFilter::default() };
    let mut report = content.status_report;
    report.commentary = Some(content.commentary);
    let page = BoardPage {
        scorecard: Scorecard {
            report: &report,
            seen: &then,
            filter: &filter,
            periods: &[],
            as_of: Some(&as_of),
            since: None,
            place: Place::Service,
        },
        exceptions: &content.exceptions,
        frozen: Some(FrozenPaper { report: kept, address: &address, frozen_by: frozen_by.as_deref() }),
        changes: changes.as_ref(),
        reports: &[],
        freezer: None,
    };
    let title = page.title();
    let (head, _) = printed(&view, &title);
    let as_at = format!("{}, SHA-256 {}", as_known_on(kept.frozen_at), kept.sha256);
    let frame =
        Frame { class: "p-board", printed: Some((head, as_at)), ..frame_in(&title, &visitor, &view, Tab::Board) };
    Ok(html_of(&view, page.page(&frame)))
}

/// The report as a page, for whoever has a link to it: everything is in it, and it leads nowhere.
pub(in crate::http) async fn by_link(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params((wanted, as_of)): Params<(PeriodParams, AsOf)>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    if caller.link.is_none() {
        return Err(Problem::not_found());
    }
    let view = view!(&programme, &caller, &plan, as_of, &conditions, format_args!("report.{}", assets::version()));
    let (period, _) = ReportParams::from(wanted).settle(&view)?;
    let mut answer = html_of(&view, in_a_file(&view.seen, period));
    let csp =
        format!("default-src 'none'; style-src '{}'; base-uri 'none'; frame-ancestors 'none'", assets::STYLE.source());
    let csp = header::HeaderValue::from_str(&csp).map_err(|error| Problem::internal(&error))?;
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, csp);
    Ok(answer)
}
