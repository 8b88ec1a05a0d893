//! The plans that somebody sees, how a plan is doing, and how one KPI is.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, VARY};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::access::Role;
use crate::domain::forecast::year_end;
use crate::domain::ids::GroupCode;
use crate::domain::period::{Period, PeriodKind, day_in_london};
use crate::http::problem::Problem;
use crate::http::reports::status::{ReportParams, StatusParams, stand};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::Conditions;
use crate::http::request::extract::{FromParams, NoParams, ParamReader, Params};
use crate::http::request::negotiate::Accept;
use crate::http::request::path::{KpiPath, PlanPath};
use crate::http::service::front;
use crate::http::site::answer::{frame, frame_in, html, html_of, see_other};
use crate::http::site::visitor::Visitor;
use crate::http::view::{AsOf, View, view};
use crate::pages::assets;
use crate::pages::frame::{Frame, PlanHead, Tab};
use crate::pages::kpi::KpiPage;
use crate::pages::plain;
use crate::pages::public::PublicPage;
use crate::pages::scorecard::{Place, PlanLine, Scorecard, plans as plans_page};
use crate::programme::figures::readings::{ReadingFilter, SeenReading};
use crate::programme::reports::actions::ActionFilter;
use crate::programme::reports::status_report::{Included, MOST_POINTS, ReportFilter, Series};
use crate::programme::{Programme, Seen, SeenKpi};

/// The most plans that the start page lists.
const MOST_PLANS: usize = 200;
/// The most figures of a KPI and group that are looked through for revisions.
const MOST_FIGURES: usize = 600;

/// `GET /`: to programs what there is, to people the plans that they see; one plan alone is gone to at once.
pub(in crate::http) async fn index(
    programme: Data<Programme>,
    caller: Option<Caller>,
    visitor: Option<Visitor>,
    accept: Accept,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let mut answer = if accept.prefers("application/json", "text/html") {
        front::document()
    } else if let (Some(caller), Some(visitor)) = (caller, &visitor) {
        let plans = programme.list_plans(&caller.subject, None, MOST_PLANS).await?;
        if let [only] = plans.as_slice() {
            return Ok(see_other(&format!("/plans/{}", only.value.code)));
        }
        let lines = plans.iter().map(|plan| &plan.value).map(|plan| PlanLine {
            code: plan.code.as_str(),
            title: &plan.title,
            years: format!("{} to {}", plan.starts_on.format("%-d %B %Y"), plan.ends_on.format("%-d %B %Y")),
        });
        let held = programme.my_grants(&caller.subject).await?;
        let may_begin = held.iter().any(|(plan, row)| plan.is_none() && row.granted.role == Role::Administrator);
        html(StatusCode::OK, plans_page(&frame("Plans", Some(visitor)), &lines.collect::<Vec<_>>(), may_begin))
    } else {
        html(
            StatusCode::OK,
            plain::front(&frame("A partnership's plan and its KPIs", None), front::VERSION, &front::LINKS),
        )
    };
    answer.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    Ok(answer)
}

/// What tells a page from another rendering of the same, and from the same page for somebody else.
pub(super) fn rendering(visitor: &Visitor) -> String {
    format!("page.{}.{}", assets::version(), visitor.form_token.get(..8).unwrap_or_default())
}

/// The moment that was asked about as it stands in the address.
pub(super) fn asked_as_of(as_of: AsOf) -> Option<String> {
    as_of.as_of.map(|asked| asked.to_string())
}

/// `GET /plans/{plan}`
pub(in crate::http) async fn scorecard(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    PlanPath { plan }: PlanPath,
    Params((wanted, as_of)): Params<(ReportParams, AsOf)>,
    conditions: Conditions,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, rendering(&visitor));
    let (period, filter) = wanted.settle(&view)?;
    let filter = ReportFilter { include: Some(Included::Commentary), group_by: None, ..filter };
    let report = view.seen.status_report(period, &filter);
    let periods = periods(&view, period);
    let as_of = asked_as_of(as_of);
    let last = view.seen.board_reports_for(None).filter(|report| report.organisation.is_none()).last();
    let since = match last {
        Some(last) => Some(programme.moved_since(&view.plan, last, (&view.seen, &report)).await?),
        None => None,
    };
    let page = Scorecard {
        report: &report,
        seen: &view.seen,
        filter: &filter,
        periods: &periods,
        as_of: as_of.as_deref(),
        since: since.as_ref(),
        place: Place::Service,
    };
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let data = |ending: &str| format!("/plans/{plan}/status-report{ending}{query}");
    let title = page.title();
    let frame = Frame {
        class: "p-score",
        printed: Some(printed(&view, &title)),
        data: vec![("CSV", data(".csv")), ("XLSX", data(".xlsx")), ("JSON", data(".json"))],
        ..frame_in(&title, &visitor, &view, Tab::Scorecard)
    };
    Ok(html_of(&view, page.page(&frame)))
}

/// Which period a page of the whole plan is about.
pub(in crate::http) struct PeriodParams(Option<String>);

impl FromParams for PeriodParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self(params.optional("period")))
    }
}

impl From<PeriodParams> for ReportParams {
    fn from(PeriodParams(period): PeriodParams) -> Self {
        Self::of_period(period)
    }
}

/// `GET /plans/{plan}/public`: what everyone may know of a public plan.
pub(in crate::http) async fn public(
    programme: Data<Programme>,
    visitor: Option<Visitor>,
    PlanPath { plan }: PlanPath,
    Params((wanted, as_of)): Params<(PeriodParams, AsOf)>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let marks = visitor.as_ref().map_or_else(|| format!("public.{}", assets::version()), rendering);
    let view = match View::open(&programme, &Caller::anyone(), &plan, as_of, &conditions, marks).await? {
        Ok(view) => view,
        Err(unchanged) => return Ok(for_everyone(unchanged, visitor.as_ref())),
    };
    let (period, filter) = ReportParams::from(wanted).settle(&view)?;
    let report = view.seen.status_report(period, &filter);
    let query = as_of.as_of.map_or_else(String::new, |asked| format!("&as_of={asked}"));
    let data = |ending: &str| format!("/plans/{plan}/public/status-report{ending}?period={period}{query}");
    let data = [("CSV for spreadsheets", data(".csv")), ("Excel", data(".xlsx")), ("JSON for programs", data(".json"))];
    let known = &view.seen.plan().value;
    let page = PublicPage {
        report: &report,
        on_track_from: known.headline.on_track_percent,
        threshold: known.small_number_threshold,
        data: &data,
    };
    let head = PlanHead { code: known.code.as_str(), title: &known.title, notice: &known.description, tabs: &[] };
    let frame = Frame {
        class: "pub",
        plan: Some(head),
        printed: Some(printed(&view, "How are children and young people doing?")),
        ..frame("How are children and young people doing?", visitor.as_ref())
    };
    Ok(for_everyone(html_of(&view, page.page(&frame)), visitor.as_ref()))
}

/// Lets caches between keep an answer, unless it has the name of somebody who is signed in.
fn for_everyone(mut answer: HttpResponse, visitor: Option<&Visitor>) -> HttpResponse {
    if visitor.is_none() {
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
    }
    answer
}

/// What stands at the head of every printed page, and as of when it is known.
pub(super) fn printed(view: &View, title: &str) -> (String, String) {
    let plan = &view.seen.plan().value.title;
    (format!("{plan}: {title}"), crate::pages::as_known_on(view.seen.now()))
}

/// The quarters that a report can be for, latest first: those of the plan that have begun, and the one that is shown.
fn periods(view: &View, shown: Period) -> Vec<Period> {
    let plan = &view.seen.plan().value;
    let last = plan.ends_on.min(day_in_london(view.seen.now()));
    let quarters =
        std::iter::successors(Period::holding(PeriodKind::FinancialQuarter, plan.starts_on), |one| one.step(1));
    let mut periods: Vec<Period> = quarters.take_while(|quarter| quarter.start() <= last).collect();
    if !periods.contains(&shown) {
        periods.push(shown);
    }
    periods.sort_by_key(|period| std::cmp::Reverse((period.end(), period.start())));
    periods
}

/// `GET /plans/{plan}/kpis/{kpi}`
pub(in crate::http) async fn kpi(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    KpiPath { plan, kpi }: KpiPath,
    Params((wanted, as_of)): Params<(StatusParams, AsOf)>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, rendering(&visitor));
    let assessment = stand(&view, &kpi, &wanted)?;
    let (seen, group) = (&view.seen, &wanted.group);
    let known = seen.kpi(&kpi)?;
    let series = over_time(known, group, assessment.period, assessment.forecast.value.is_some());
    let series = series.ok_or_else(Problem::not_found)?;
    let filter = ReadingFilter { kpi: Some(kpi.clone()), group: Some(group.clone()), ..ReadingFilter::default() };
    let figures = programme.list_readings(seen, filter, None, MOST_FIGURES).await?;
    let revised = revised(&programme, seen, &figures).await?;
    let targets = programme.list_targets(seen, Some(&kpi)).await?;
    let benchmarks: Vec<_> = seen.benchmarks_for(Some(&kpi), None, None).filter(|_| group.is_all()).collect();
    let wanted_actions = ActionFilter { kpi: Some(kpi.clone()), ..ActionFilter::default() };
    let actions: Vec<_> = seen.actions_for(&wanted_actions, None).map(|kept| kept.value).collect();
    let as_of = asked_as_of(as_of);
    let page = KpiPage {
        kpi: known,
        seen,
        assessment: &assessment,
        series: &series,
        revised: &revised,
        breaks: &breaks(&figures),
        targets: &targets,
        benchmarks: &benchmarks,
        actions: known.may_read_actions().then_some(actions.as_slice()),
        may_act: visitor.may_write && as_of.is_none() && view.plan.access.reports_something() && !known.is_archived(),
        as_of: as_of.as_deref(),
    };
    let title = page.title();
    let mut query: Vec<String> = as_of.iter().map(|as_of| format!("as_of={as_of}")).collect();
    query.extend((!group.is_all()).then(|| format!("group={group}")));
    let data = |ending: &str| format!("/plans/{plan}/kpis/{kpi}/series{ending}?{}", query.join("&"));
    let frame = Frame {
        printed: Some(printed(&view, &title)),
        data: vec![("CSV", data(".csv")), ("JSON", data(".json"))],
        ..frame_in(&title, &visitor, &view, Tab::Scorecard)
    };
    Ok(html_of(&view, page.page(&frame)))
}

/// A KPI over time: from its first figure, or as far back as a series goes, to the period that is asked about or the end of the year
/// that is forecast.
fn over_time(kpi: SeenKpi<'_>, group: &GroupCode, shown: Period, is_forecast: bool) -> Option<Series> {
    let own = if shown.kind() == kpi.period_kind() {
        Some(shown)
    } else {
        Period::latest_ended(kpi.period_kind(), shown.end())
    };
    let end = own.and_then(|own| year_end(&kpi.definition(), own)).filter(|_| is_forecast).or(own)?;
    let latest =
        kpi.latest_period(group).filter(|latest| latest.kind() == end.kind()).map_or(end, |latest| latest.max(end));
    let whole = kpi.series(group, (None, Some(latest)));
    whole.or_else(|| kpi.series(group, (latest.step(1 - MOST_POINTS), Some(latest))))
}

/// Every revision of each figure that has several.
async fn revised(
    programme: &Programme,
    seen: &Seen,
    figures: &[SeenReading],
) -> Result<Vec<Vec<SeenReading>>, Problem> {
    let mut all = Vec::new();
    for figure in figures.iter().filter(|figure| figure.row.said.revision > 1) {
        let said = &figure.row.said;
        let place = (said.kpi.clone(), said.period.to_string(), said.group.clone());
        all.push(programme.reading_history(seen, place).await?);
    }
    Ok(all)
}

/// The periods with which another definition began.
fn breaks(figures: &[SeenReading]) -> Vec<Period> {
    let mut versions: Vec<(Period, i32)> =
        figures.iter().map(|figure| (figure.row.said.period, figure.row.said.definition_version)).collect();
    versions.sort_unstable();
    let pairs = versions.iter().zip(versions.iter().skip(1));
    pairs.filter(|(before, after)| before.1 != after.1).map(|(_, after)| after.0).collect()
}
