//! Reports: the status report, the exceptions, one status, a series.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::domain::assess::{Assessment, DataState};
use crate::domain::dimension::Dimension;
use crate::domain::ids::{AreaCode, DimensionCode, GroupCode, KpiCode, OrganisationCode, PriorityCode, SubGroupCode};
use crate::domain::invalid::{Invalid, Violation};
use crate::domain::period::Period;
use crate::domain::plan::{Organisation, OutcomeArea, Priority, SubGroup};
use crate::domain::policy::Status;
use crate::domain::wording::nearest;
use crate::http::problem::documented::{NotModified, ReadProblems, UnknownInQuery};
use crate::http::problem::{Code, Problem};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::Conditions;
use crate::http::request::extract::{FromParams, ParamReader, Params};
use crate::http::request::negotiate::{Accept, Format};
use crate::http::request::path::{KpiPath, PlanPath};
use crate::http::tables::columns::{self, XlsxFile};
use crate::http::tables::printed;
use crate::http::view::{AsOf, View, view};
use crate::programme::Programme;
use crate::programme::Seen;
use crate::programme::reports::exceptions::Exceptions;
use crate::programme::reports::status_report::{Included, MOST_POINTS, ReportFilter, Series, StatusReport};

/// What a status report is about.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReportParams {
    /// The period: its key, or another spelling that can mean one period only. Without it, the latest financial quarter of
    /// the plan that has ended and has figures.
    #[param(example = "FY2009-10-Q4", max_length = 40)]
    period: Option<String>,
    /// Only KPIs of this outcome area.
    #[param(example = "be-healthy")]
    outcome_area: Option<AreaCode>,
    /// Only KPIs of this priority.
    #[param(example = "be-healthy-1")]
    priority: Option<PriorityCode>,
    /// Only KPIs that this sub-group is responsible for.
    #[param(example = "be-healthy")]
    sub_group: Option<SubGroupCode>,
    /// Only KPIs that this organisation leads on or contributes to.
    #[param(example = "harrow-pct")]
    organisation: Option<OrganisationCode>,
    /// Only KPIs with this status.
    #[param(inline, example = "off_track")]
    status: Option<Status>,
    /// Only KPIs in this data state.
    #[param(inline, example = "final")]
    data_state: Option<DataState>,
    /// Report on each group of this dimension beside everyone.
    #[param(example = "free-school-meals")]
    group_by: Option<DimensionCode>,
    /// What to bring beside the assessments: what was said with the figures.
    #[param(inline, example = "commentary")]
    include: Option<Included>,
}

impl FromParams for ReportParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self {
            period: params.optional("period"),
            outcome_area: params.optional("outcome_area"),
            priority: params.optional("priority"),
            sub_group: params.optional("sub_group"),
            organisation: params.optional("organisation"),
            status: params.optional("status"),
            data_state: params.optional("data_state"),
            group_by: params.optional("group_by"),
            include: params.optional("include"),
        })
    }
}

impl ReportParams {
    /// All KPIs in a period, as somebody writes it.
    pub(in crate::http) fn of_period(period: Option<String>) -> Self {
        Self {
            period,
            outcome_area: None,
            priority: None,
            sub_group: None,
            organisation: None,
            status: None,
            data_state: None,
            group_by: None,
            include: None,
        }
    }

    /// The period and filter that are meant, if the plan has them.
    pub(in crate::http) fn settle(self, view: &View) -> Result<(Period, ReportFilter), Problem> {
        let seen = &view.seen;
        let mut invalid = Invalid::new();
        let period = match &self.period {
            None => seen.reported_quarter(),
            Some(text) => match Period::read_any(text) {
                Ok(period) => Some(period),
                Err(error) => {
                    invalid.push(Violation::in_query("period", error.code(), format!("`{text}` {error}")));
                    None
                }
            },
        };
        known_code(&mut invalid, "outcome_area", self.outcome_area.as_ref(), seen.all::<OutcomeArea>());
        known_code(&mut invalid, "priority", self.priority.as_ref(), seen.all::<Priority>());
        known_code(&mut invalid, "sub_group", self.sub_group.as_ref(), seen.all::<SubGroup>());
        known_code(&mut invalid, "organisation", self.organisation.as_ref(), seen.all::<Organisation>());
        known_code(&mut invalid, "group_by", self.group_by.as_ref(), seen.all::<Dimension>());
        let filter = ReportFilter {
            outcome_area: self.outcome_area,
            priority: self.priority,
            sub_group: self.sub_group,
            organisation: self.organisation,
            status: self.status,
            data_state: self.data_state,
            group_by: self.group_by,
            include: self.include,
        };
        match period {
            Some(period) if invalid.is_empty() => Ok((period, filter)),
            _ => Err(invalid.into()),
        }
    }
}

/// Notes a filter that names something the plan does not have.
pub(in crate::http) fn known<'a>(
    invalid: &mut Invalid,
    name: &str,
    wanted: Option<&str>,
    codes: impl Iterator<Item = &'a str> + Clone,
) {
    if let Some(wanted) = wanted.filter(|wanted| !codes.clone().any(|code| code == *wanted)) {
        let hint = nearest(wanted, codes).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        invalid.push(Violation::in_query(name, "unknown_code", format!("the plan has no `{wanted}`{hint}")));
    }
}

/// Notes a filter that names none of the plan's definitions of a kind, which are given by their codes.
pub(in crate::http) fn known_code<C: Borrow<str>, D>(
    invalid: &mut Invalid,
    name: &str,
    wanted: Option<&C>,
    all: &BTreeMap<C, D>,
) {
    known(invalid, name, wanted.map(Borrow::borrow), all.keys().map(Borrow::borrow));
}

/// Notes a filter that names a KPI that the reader does not see.
pub(in crate::http) fn known_kpi(invalid: &mut Invalid, wanted: Option<&KpiCode>, seen: &Seen) {
    known(invalid, "kpi", wanted.map(KpiCode::as_str), seen.kpis().map(|kpi| kpi.code().as_str()));
}

/// Notes a group that no dimension of the plan has.
pub(in crate::http) fn known_group(invalid: &mut Invalid, seen: &Seen, group: Option<&GroupCode>) {
    let wanted = group.filter(|group| !group.is_all()).map(GroupCode::as_str);
    known(invalid, "group", wanted, seen.groups().keys().map(GroupCode::as_str));
}

/// Refuses a group that no dimension of the plan has.
pub(in crate::http) fn check_group(seen: &Seen, group: &GroupCode) -> Result<(), Problem> {
    let mut invalid = Invalid::new();
    known_group(&mut invalid, seen, Some(group));
    Ok(invalid.or(())?)
}

/// Report the plan's status
///
/// Every KPI's assessment in a period under its priority and outcome area, with counts and a headline at each level. A
/// KPI with another frequency brings its latest period that ended by the report's last day, and states which; but in a
/// period longer than its own, an in-period count is summed, and an in-period percentage or rate is computed from the
/// sums of its numbers (`of`: `12 months`). While some of these are missing, there is no status. With `group_by` each
/// group of that dimension follows, over the KPIs that have readings by it. As CSV, one row per KPI and group; as an
/// Excel workbook, ready to be printed.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/status-report", tag = "reports", operation_id = "get_status_report",
    params(PlanPath, ReportParams, AsOf),
    responses(
        (status = 200, description = "The report.", content((StatusReport = "application/json"), (String = "text/csv"), (XlsxFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        NotModified, ReadProblems, UnknownInQuery
    )
)]
pub async fn get_status_report(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params((wanted, as_of)): Params<(ReportParams, AsOf)>,
    accept: Accept,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let format = accept.choose(&[Format::Json, Format::Csv, Format::Xlsx])?;
    let view = view!(&programme, &caller, &plan, as_of, &conditions, format);
    let (period, filter) = wanted.settle(&view)?;
    let report = view.seen.status_report(period, &filter);
    Ok(match format {
        Format::Json => HttpResponse::Ok().insert_header(&view.tag).json(report),
        Format::Csv => columns::status_report(&report, &view.seen, &view.tag),
        Format::Xlsx => {
            let content = printed::status_report(&report, &view.seen);
            return printed::answer("status-report", content?, &view.tag, view.seen.now()).await;
        }
    })
}

/// Report the exceptions
///
/// What the Board should look at in a period, worst first: each KPI to which a rule applies, with its assessment, what
/// was said, its latest figures, what was restated and what is being done. The answer states the rules. Figures, words
/// and actions that a reader may not see are left out, and so are the rules that would disclose them. As CSV, one row
/// per KPI; as an Excel workbook, ready to be printed.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/exceptions", tag = "reports", operation_id = "get_exceptions",
    params(PlanPath, ReportParams, AsOf),
    responses(
        (status = 200, description = "The exceptions.", content((Exceptions = "application/json"), (String = "text/csv"), (XlsxFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        NotModified, ReadProblems, UnknownInQuery
    )
)]
pub async fn get_exceptions(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params((wanted, as_of)): Params<(ReportParams, AsOf)>,
    accept: Accept,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let format = accept.choose(&[Format::Json, Format::Csv, Format::Xlsx])?;
    let view = view!(&programme, &caller, &plan, as_of, &conditions, format);
    let (period, filter) = wanted.settle(&view)?;
    let report = view.seen.exceptions(period, &filter);
    Ok(match format {
        Format::Json => HttpResponse::Ok().insert_header(&view.tag).json(report),
        Format::Csv => columns::exceptions(&report, &view.tag),
        Format::Xlsx => {
            let content = printed::exceptions(&report, &view.seen);
            return printed::answer("exceptions", content?, &view.tag, view.seen.now()).await;
        }
    })
}

/// Which status is wanted.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatusParams {
    /// The period, or a longer one that a report puts together from the KPI's own. Without it, the latest that has a
    /// reading; if none has one, the latest of the plan that has ended.
    #[param(example = "FY2009-10-Q4", max_length = 40)]
    period: Option<String>,
    /// The group of one of the plan's dimensions; without it `all`, which is everyone.
    #[param(example = "all", required = false)]
    pub(in crate::http) group: GroupCode,
}

impl FromParams for StatusParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        let period = params.optional("period");
        Some(Self { period, group: params.optional("group").unwrap_or_else(GroupCode::all) })
    }
}

/// Report a KPI's status
///
/// One assessment, with all that explains it.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/kpis/{kpi}/status", tag = "reports", operation_id = "get_kpi_status",
    params(KpiPath, StatusParams, AsOf),
    responses((status = 200, description = "The assessment.", body = Assessment), NotModified, ReadProblems, UnknownInQuery)
)]
pub async fn get_kpi_status(
    programme: Data<Programme>,
    caller: Caller,
    KpiPath { plan, kpi }: KpiPath,
    Params((wanted, as_of)): Params<(StatusParams, AsOf)>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, as_of, &conditions, "json");
    let assessment = stand(&view, &kpi, &wanted)?;
    Ok(HttpResponse::Ok().insert_header(&view.tag).json(assessment))
}

/// The assessment that is asked for.
pub(in crate::http) fn stand(view: &View, kpi: &KpiCode, wanted: &StatusParams) -> Result<Assessment, Problem> {
    let kpi = view.seen.kpi(kpi)?;
    check_group(&view.seen, &wanted.group)?;
    let period = match &wanted.period {
        None => kpi.latest_period(&wanted.group),
        Some(text) => {
            let longer = kpi.longer_period(&wanted.group, text);
            Some(longer.map_or_else(|| read_period("period", text, kpi.period_kind()), Ok)?)
        }
    };
    let assessment = period.and_then(|period| kpi.assess(&wanted.group, period));
    assessment.ok_or_else(Problem::not_found)
}

fn read_period(name: &str, text: &str, kind: crate::domain::period::PeriodKind) -> Result<Period, Problem> {
    Period::read(text, kind)
        .map_err(|error| Invalid::from(Violation::in_query(name, error.code(), format!("`{text}` {error}"))).into())
}

/// Which stretch of a series is wanted.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SeriesParams {
    /// The group of one of the plan's dimensions; without it `all`, which is everyone.
    #[param(example = "all", required = false)]
    group: GroupCode,
    /// The first period; without it, the first with a reading.
    #[param(example = "FY2008-09-Q1", max_length = 40)]
    from: Option<String>,
    /// The last period; without it, the last with a reading or a target.
    #[param(example = "FY2009-10-Q4", max_length = 40)]
    to: Option<String>,
}

impl FromParams for SeriesParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        let group = params.optional("group").unwrap_or_else(GroupCode::all);
        Some(Self { group, from: params.optional("from"), to: params.optional("to") })
    }
}

/// Follow a KPI over time
///
/// Its readings, targets and statuses, one assessment per period in time order, for charts. As CSV, one row per period.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/kpis/{kpi}/series", tag = "reports", operation_id = "get_kpi_series",
    params(KpiPath, SeriesParams, AsOf),
    responses(
        (status = 200, description = "The series.", content((Series = "application/json"), (String = "text/csv"))),
        NotModified, ReadProblems, UnknownInQuery
    )
)]
pub async fn get_kpi_series(
    programme: Data<Programme>,
    caller: Caller,
    KpiPath { plan, kpi }: KpiPath,
    Params((wanted, as_of)): Params<(SeriesParams, AsOf)>,
    accept: Accept,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let format = accept.choose(&[Format::Json, Format::Csv])?;
    let view = view!(&programme, &caller, &plan, as_of, &conditions, format);
    let series = follow(&view, &kpi, &wanted)?;
    Ok(match format {
        Format::Csv => columns::series(&series, &view.tag),
        _ => HttpResponse::Ok().insert_header(&view.tag).json(series),
    })
}

/// The series that is asked for.
pub(in crate::http) fn follow(view: &View, kpi: &KpiCode, wanted: &SeriesParams) -> Result<Series, Problem> {
    let kpi = view.seen.kpi(kpi)?;
    check_group(&view.seen, &wanted.group)?;
    let kind = kpi.period_kind();
    let end = |name: &str, text: &Option<String>| text.as_deref().map(|text| read_period(name, text, kind)).transpose();
    let range = (end("from", &wanted.from)?, end("to", &wanted.to)?);
    let series = kpi.series(&wanted.group, range);
    series.ok_or_else(|| {
        let detail =
            format!("A series runs from one period to a later one, {MOST_POINTS} at most; correct from and to.");
        let violation = Violation::in_query("from", "not_a_range", detail.clone());
        Problem::new(Code::Invalid, detail).with_errors(vec![violation])
    })
}
