//! The file that a sub-group fills in, as an Excel workbook and as CSV.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Data;

use crate::domain::ids::SubGroupCode;
use crate::domain::invalid::{Invalid, Violation};
use crate::domain::period::Period;
use crate::domain::plan::SubGroup;
use crate::http::problem::Problem;
use crate::http::problem::documented::{NotAllowed, NotModified, ReadProblems, UnknownInQuery};
use crate::http::reports::status::known_code;
use crate::http::request::caller::Caller;
use crate::http::request::conditional::Conditions;
use crate::http::request::extract::{FromParams, ParamReader, Params};
use crate::http::request::negotiate::{Accept, Format};
use crate::http::request::path::PlanPath;
use crate::http::tables::columns::{XlsxFile, as_workbook};
use crate::http::tables::workbooks::with_workbook;
use crate::http::view::{AsOf, view};
use crate::programme::Programme;

/// Whose template is wanted.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TemplateParams {
    /// The sub-group that fills it in.
    #[param(example = "be-healthy")]
    sub_group: SubGroupCode,
    /// The period whose figures are gathered: its key, or another spelling that can mean one period only. Without it,
    /// that of the latest round that is open; if none is open, the latest financial quarter that has ended.
    #[param(example = "FY2009-10-Q4", max_length = 40)]
    period: Option<String>,
}

impl FromParams for TemplateParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        let period = params.optional("period");
        Some(Self { sub_group: params.required("sub_group")?, period })
    }
}

/// Get the file to fill in
///
/// Every figure that a sub-group owes in the period, those of groups too, with title, definition, unit, the figure
/// before and the target beside the cells to fill in: as an Excel workbook with drop-downs, valid ranges and notes, or
/// as CSV. A figure that was reported already is in its cells. Filled in as far as can be, it is posted to the readings
/// as it is; empty rows are ignored. For members of the partnership.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/readings/template", tag = "readings", operation_id = "get_readings_template",
    params(PlanPath, TemplateParams),
    responses(
        (status = 200, description = "The file to fill in.",
         content((XlsxFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (String = "text/csv"))),
        NotModified, ReadProblems, NotAllowed, UnknownInQuery
    )
)]
pub async fn get_readings_template(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    Params(wanted): Params<TemplateParams>,
    accept: Accept,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let format = accept.choose(&[Format::Xlsx, Format::Csv])?;
    let view = view!(&programme, &caller, &plan, AsOf::default(), &conditions, format);
    programme.may_read_returns(&view.plan)?;
    let mut invalid = Invalid::new();
    known_code(&mut invalid, "sub_group", Some(&wanted.sub_group), view.seen.all::<SubGroup>());
    let period = match wanted.period.as_deref().map(|text| (text, Period::read_any(text))) {
        None => view.seen.period_to_fill(),
        Some((_, Ok(period))) => Some(period),
        Some((text, Err(error))) => {
            invalid.push(Violation::in_query("period", error.code(), format!("`{text}` {error}")));
            None
        }
    };
    invalid.or(())?;
    let period = period.ok_or_else(|| {
        Problem::from(Violation::in_query("period", "missing", "the plan has no period yet; name one"))
    })?;
    let template = view.seen.template(period, &wanted.sub_group)?;
    let name = format!("{}-{period}", wanted.sub_group);
    if format == Format::Csv {
        return Ok(HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, Format::Csv.content_type()))
            .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")))
            .insert_header(&view.tag)
            .body(template.csv()));
    }
    let made = view.seen.now();
    let written = with_workbook(move || template.workbook(made)).await?;
    Ok(as_workbook(&name, written.map_err(|error| Problem::internal(&error))?, &view.tag))
}
