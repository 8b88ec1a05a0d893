//! The file that a sub-group fills in, as an Excel workbook and as CSV.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Data;

use crate::domain::ids::SubGroupCode;
use crate::domain::invalid::{Invalid, Violation};
use crate::domain::period::Period;
use crate::domain::plan::SubGroup;
use crate::exchange::spreadsheet::{self, Form, FormCell, Shown};
use crate::exchange::table::{self, ColumnType};
use crate::http::collecting::columns::{Cells, TemplateColumn, template_columns};
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
use crate::programme::rounds::templates::Template;

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
            .body(as_csv(&template)));
    }
    let (form, made) = (as_form(&template), view.seen.now());
    let written = with_workbook(move || spreadsheet::form(&form, made)).await?;
    Ok(as_workbook(&name, written.map_err(|error| Problem::internal(&error))?, &view.tag))
}

fn as_csv(template: &Template) -> Vec<u8> {
    let columns: Vec<_> = template_columns().into_iter().map(|one| one.column).collect();
    table::csv(&columns, &template.lines)
}

fn as_form(template: &Template) -> Form {
    let columns = template_columns();
    let rows = template.lines.iter().map(|line| {
        let cells = columns.iter().map(|TemplateColumn { column, cells, .. }| {
            let shown = match (column.field.kind, (column.cell)(line)) {
                (_, None) => Shown::Nothing,
                (ColumnType::Number, Some(text)) => Shown::Number { decimals: 0, text },
                (_, Some(text)) => Shown::Words(text),
            };
            let (Cells::Shown(rule) | Cells::Filled(rule)) = cells;
            FormCell { shown, rule: rule(line) }
        });
        cells.collect()
    });
    let headings = columns.iter().map(|one| (one.column.field.name, one.width, matches!(one.cells, Cells::Filled(_))));
    let due = template.due.map_or_else(String::new, |due| format!(" Due by {}.", due.format("%-d %b %Y")));
    Form {
        name: "Figures".to_owned(),
        title: format!("{}: {}, {}", template.plan, template.sub_group, template.period.label()),
        lead: format!(
            "Fill in the yellow cells as far as you can, and send the workbook back.{due} See the sheet Notes."
        ),
        columns: headings.collect(),
        rows: rows.collect(),
        notes: NOTES.iter().map(|(heading, words)| (*heading, (*words).to_owned())).collect(),
    }
}

/// How a template is filled in.
const NOTES: &[(&str, &str)] = &[
    (
        "What to fill in",
        "The yellow cells. Each row is one figure: of one KPI, one period and one group; the group all is everyone. Leave kpi, period and group as they are. A row that you leave empty is ignored, so the workbook can be sent as often as there is something new.",
    ),
    (
        "value",
        "The figure in the KPI's unit. For a percentage write 4.5 for 4.5 %. Leave the cells' number format as it is (General): a cell that shows 4.5% is read as 4.5 for a KPI counted in percent, and sent back to you for any other.",
    ),
    (
        "numerator, denominator",
        "In place of the value: what was counted, and over what. The value is then computed from them, unless it is a standardised one: then give all three. Give both or neither.",
    ),
    ("provisional", "yes while the figure may still change; no, or nothing, when it is final."),
    (
        "nil_return",
        "If there is no figure: why there is none. Give a figure or a nil return, not both. A nil return is never overdue.",
    ),
    (
        "Zero and blank",
        "0 is a figure: it was counted, and there was none. An empty cell says nothing at all; it does not become 0.",
    ),
    (
        "c, z and x",
        "c marks a suppressed figure, z one that does not apply, x one that is not available. None of them can be filled in: give the figure itself (those who may not see a small one will not), or say in nil_return why there is none.",
    ),
    ("status", "Only for KPIs whose status a partner determines: on_track, at_risk or off_track."),
    ("commentary", "What readers should know about the figure. It is needed if a figure is off track."),
    (
        "reason",
        "Why a figure replaces the one that was reported; needed once the round has closed. A figure that was signed off can be changed only once its return is reopened.",
    ),
    ("forecast", "The figure that you yourselves expect at the year's end, in the KPI's unit."),
    (
        "Formulas",
        "A formula is read by the value that was saved with it. A cell that shows #N/A or #DIV/0! is sent back to you, and so are cells that were merged, and cells with footnote marks or with anything struck through.",
    ),
    (
        "Mistakes",
        "If a workbook has a mistake, nothing is saved. You get it back with each wrong cell in red and a note that says what to do.",
    ),
];
