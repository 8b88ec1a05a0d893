//! Which flat tables there are, and what they are, for tools that read them by themselves: as a Table Schema each, and a plan's
//! together as a Data Package and as CSVW.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::{Value, json};

use crate::exchange::table::{self, Field};
use crate::http::problem::Problem;
use crate::http::problem::documented::{NotModified, ReadProblems};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::Conditions;
use crate::http::request::extract::{NoParams, Params};
use crate::http::request::path::{PlanPath, path_params};
use crate::http::tables::columns::{ExceptionRow, SeenTarget, SeriesRow, StatusRow, TableRow, fields};
use crate::http::view::{AsOf, view};
use crate::programme::figures::readings::SeenReading;
use crate::programme::{Programme, Seen};

/// A flat table of a plan.
struct Table {
    name: &'static str,
    title: &'static str,
    fields: fn() -> Vec<Field>,
    /// The columns that distinguish one row from another.
    key: &'static [&'static str],
}

/// The tables that are directly below a plan.
const TABLES: [Table; 4] = [
    Table {
        name: SeenReading::TABLE,
        title: "The latest figure of every KPI, period and group",
        fields: fields::<SeenReading>,
        key: &["kpi", "period", "group"],
    },
    Table {
        name: SeenTarget::TABLE,
        title: "The target of every KPI and period",
        fields: fields::<SeenTarget>,
        key: &["kpi", "period"],
    },
    Table {
        name: StatusRow::TABLE,
        title: "How each KPI is doing in the latest quarter",
        fields: fields::<StatusRow<'_>>,
        key: &["kpi", "group"],
    },
    Table {
        name: ExceptionRow::TABLE,
        title: "What the Board should look at in the latest quarter",
        fields: fields::<ExceptionRow<'_>>,
        key: &["place"],
    },
];

/// The table that is below each KPI.
const SERIES: Table = Table {
    name: SeriesRow::TABLE,
    title: "One KPI over time",
    fields: fields::<SeriesRow<'_>>,
    key: &["period", "group"],
};

/// The plan's tables as a Data Package. Its address is the base of theirs.
fn package(seen: &Seen) -> Value {
    let plan = &seen.plan().value;
    let resources = TABLES.iter().map(|Table { name, title, fields, key }| {
        let mut schema = table::schema(&fields());
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("primaryKey".to_owned(), json!(key));
        }
        json!({
            "name": name,
            "title": title,
            "path": format!("{name}.csv"),
            "profile": "tabular-data-resource",
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "schema": schema,
        })
    });
    json!({
        "profile": "tabular-data-package",
        "name": plan.code.as_str().to_lowercase(),
        "title": plan.title,
        "description": plan.description,
        "version": seen.version().to_string(),
        "resources": resources.collect::<Vec<_>>(),
    })
}

/// The plan's tables as a group of tables of CSVW. Its address is the base of theirs.
fn table_group(seen: &Seen) -> Value {
    let plan = &seen.plan().value;
    let tables = TABLES.iter().map(|Table { name, title, fields, key }| {
        json!({
            "url": format!("{name}.csv"),
            "dc:title": title,
            "dialect": {"header": true, "encoding": "utf-8"},
            "tableSchema": {"columns": table::csvw_columns(&fields()), "primaryKey": key},
        })
    });
    json!({
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "dc:title": plan.title,
        "dc:description": plan.description,
        "tables": tables.collect::<Vec<_>>(),
    })
}

/// Describe a plan's tables as a Data Package
///
/// The tables `readings.csv`, `targets.csv`, `status-report.csv` and `exceptions.csv` beside this address, with the
/// types and meanings of their columns (Frictionless Data Package), available as `datapackage.json`.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/datapackage", tag = "service", operation_id = "get_data_package",
    params(PlanPath),
    responses((status = 200, description = "The Data Package.", body = Object,
        example = json!({"profile": "tabular-data-package", "name": "harrow-cypp-2009-2011", "resources": []})), NotModified, ReadProblems)
)]
pub async fn get_data_package(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, AsOf::default(), &conditions, "json");
    Ok(HttpResponse::Ok().insert_header(&view.tag).json(package(&view.seen)))
}

/// Describe a plan's tables as CSVW
///
/// The same tables as metadata of CSV on the Web (W3C), which the answers in CSV link to.
#[utoipa::path(
    get, path = "/v1/plans/{plan}/csvw-metadata", tag = "service", operation_id = "get_csvw_metadata",
    params(PlanPath),
    responses(
        (status = 200, description = "The metadata.", body = Object, content_type = "application/csvm+json",
         example = json!({"@context": "http://www.w3.org/ns/csvw", "tables": []})),
        NotModified, ReadProblems
    )
)]
pub async fn get_csvw_metadata(
    programme: Data<Programme>,
    caller: Caller,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, AsOf::default(), &conditions, "csvw");
    let body = table_group(&view.seen).to_string();
    Ok(HttpResponse::Ok().content_type("application/csvm+json").insert_header(&view.tag).body(body))
}

path_params! {
    /// The address of a table's schema.
    pub TablePath {
        table: String, "The table: readings, targets, status-report, series or exceptions.", "readings";
    }
}

/// Describe a table
///
/// The Table Schema (Frictionless) of a table that is available as CSV: the names, types and meanings of its columns.
#[utoipa::path(
    get, path = "/v1/schemas/{table}", tag = "service", operation_id = "get_table_schema",
    params(TablePath),
    responses((status = 200, description = "The Table Schema.", body = Object,
        example = json!({"fields": [{"name": "kpi", "type": "string"}]})), ReadProblems)
)]
pub async fn get_table_schema(
    TablePath { table: name }: TablePath,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let table = TABLES.iter().chain([&SERIES]).find(|table| table.name == name).ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(table::schema(&(table.fields)())))
}
