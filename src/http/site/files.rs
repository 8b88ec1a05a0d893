//! Tables of figures and of targets, from a file or pasted from a spreadsheet; and whole plans, as folders.

use std::fs::File;
use std::io::{Seek, Write};

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::de::DeserializeOwned;

use crate::domain::ids::PlanCode;
use crate::domain::warning::WarningCode;
use crate::domain::wording::{counted, things_wrong};
use crate::exchange::archive::{ArchiveFault, unpack};
use crate::exchange::spool::Spool;
use crate::http::collecting::imports::{acceptance, import_file, refusal};
use crate::http::problem::{Code, Problem};
use crate::http::request::caller::Caller;
use crate::http::request::extract::{NoParams, Params};
use crate::http::request::path::path_params;
use crate::http::site::answer::{NOT_YET_RIGHT, frame_in, html};
use crate::http::site::set_up::must_write;
use crate::http::site::upload::Upload;
use crate::http::site::visitor::Visitor;
use crate::http::tables::workbooks::aside;
use crate::http::view::{AsOf, View};
use crate::pages::files::{Finding, FolderTried, Moved, TablePage, TableTried};
use crate::pages::frame::Tab;
use crate::programme::figures::columns::ImportKind;
use crate::programme::figures::outcome::Outcome;
use crate::programme::folder::load::{Folder, FolderFaults, Keep, LoadError};
use crate::programme::{Programme, Refusal};

/// The most mistakes, and the most warnings, that a page lists.
const MOST_LISTED: usize = 100;

/// What a table holds, as it stands in the address.
#[derive(Clone, Copy, Debug)]
pub struct Table(ImportKind);

impl std::str::FromStr for Table {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "readings" => Ok(Self(ImportKind::Readings)),
            "targets" => Ok(Self(ImportKind::Targets)),
            _ => Err(()),
        }
    }
}

path_params! {
    /// The page that a table is sent from.
    pub TablePath in plan {
        table: Table as String, "What it holds.", "readings";
    }
}

/// `GET /plans/{plan}/files/{table}`
pub(in crate::http) async fn table(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    TablePath { plan, table }: TablePath,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    programme.may_import(&plan, &caller.subject, table.0).await?;
    let view = View::of(&programme, &caller, &plan, AsOf::default()).await?;
    Ok(html(StatusCode::OK, page(&view, &visitor, table, "", None, None)))
}

fn page(
    view: &View,
    visitor: &Visitor,
    Table(kind): Table,
    pasted: &str,
    fault: Option<&str>,
    tried: Option<&TableTried>,
) -> String {
    let plan = &view.plan.code;
    let (what, name, needs, up, tab) = match kind {
        ImportKind::Readings => (
            "figures",
            "readings",
            "kpi, period, and value or numerator and denominator",
            (format!("/plans/{plan}/returns"), "Returns"),
            Tab::Returns,
        ),
        ImportKind::Targets => {
            ("targets", "targets", "kpi, period and value", (format!("/plans/{plan}/set-up"), "Set-up"), Tab::SetUp)
        }
    };
    let owed = if kind == ImportKind::Readings { view.seen.returns_to_fill() } else { Vec::new() };
    let templates: Vec<(String, String)> = owed
        .iter()
        .map(|report| {
            let title = format!("{}, {}", report.title, report.period.label());
            let address =
                format!("/plans/{plan}/readings/template.xlsx?sub_group={}&period={}", report.sub_group, report.period);
            (title, address)
        })
        .collect();
    let here = format!("/plans/{plan}/files/{name}");
    let page = TablePage {
        what,
        here: &here,
        up,
        needs,
        templates: &templates,
        pasted,
        fault,
        tried,
        may_send: visitor.may_write,
    };
    let is_wrong = fault.is_some() || tried.is_some_and(|tried| tried.mistakes.1 > 0);
    let title = format!("{}Send {what}", if is_wrong { "Error: " } else { "" });
    page.page(&frame_in(&title, visitor, view, tab))
}

/// What was pasted, as a file.
fn on_disk(text: &str) -> Result<File, Problem> {
    let written = || {
        let mut file = tempfile::tempfile()?;
        file.write_all(text.as_bytes())?;
        file.rewind()?;
        Ok::<_, std::io::Error>(file)
    };
    written().map_err(|error| Problem::unavailable(&error))
}

/// `POST /plans/{plan}/files/{table}`
pub(in crate::http) async fn send(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    TablePath { plan, table }: TablePath,
    _: Params<NoParams>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    must_write(&visitor)?;
    // Who may not import learns so before they send half a gigabyte.
    programme.may_import(&plan, &caller.subject, table.0).await?;
    let Upload { form, file } = Upload::read(&request, payload).await?;
    let view = View::of(&programme, &caller, &plan, AsOf::default()).await?;
    let pasted = form.get("pasted").unwrap_or_default();
    let again = |fault: &str| Ok(html(NOT_YET_RIGHT, page(&view, &visitor, table, pasted, Some(fault), None)));
    let file = match (file, pasted.trim().is_empty()) {
        (Some(_), false) => return again("Either paste cells or choose a file, not both."),
        (None, true) => return again("Paste cells with their headings, or choose a file."),
        (Some(file), true) => file,
        (None, false) => on_disk(pasted)?,
    };
    let is_to_save = form.get("do") == Some("save");
    let tried = match import_file(&programme, &caller, &plan, table.0, !is_to_save, file).await {
        Ok(tried) => tried,
        Err(problem) if matches!(problem.code(), Code::UnsupportedMediaType | Code::BodyTooLarge) => {
            return again(problem.detail());
        }
        Err(problem) => return Err(problem),
    };
    let outcome = if form.get("do") == Some("mark") {
        match tried.marked(programme.clock().now()).await? {
            Ok(mut marked) => {
                // Browsers do not save what comes with an answer that says that something is wrong.
                *marked.status_mut() = StatusCode::OK;
                return Ok(marked);
            }
            Err(outcome) => outcome,
        }
    } else {
        tried.outcome
    };
    // Cells that are pasted have tabs between them, and how they are encoded is no question.
    let is_worth_telling = |finding: &Finding| {
        pasted.trim().is_empty() || finding.row.is_some() || finding.code != WarningCode::ReadAs.as_str()
    };
    let told = told(outcome, is_to_save, is_worth_telling)?;
    // The plan has changed, if it was saved.
    let view = View::of(&programme, &caller, &plan, AsOf::default()).await?;
    let status = if told.mistakes.1 > 0 { NOT_YET_RIGHT } else { StatusCode::OK };
    let left = if told.is_saved { "" } else { pasted };
    Ok(html(status, page(&view, &visitor, table, left, None, Some(&told))))
}

/// The first things in a spool, and how many there are.
fn first<T: DeserializeOwned>(spool: &mut Spool, wanted: impl Fn(&T) -> bool) -> Result<(Vec<T>, u64), Problem> {
    let (mut shown, mut count) = (Vec::new(), 0);
    let listed = spool.each(|one: T| {
        if wanted(&one) {
            count += 1;
            if shown.len() < MOST_LISTED {
                shown.push(one);
            }
        }
        Ok(())
    });
    listed.map_err(|error| Problem::unavailable(&error))?;
    Ok((shown, count))
}

fn told(
    mut outcome: Outcome,
    is_to_save: bool,
    is_worth_telling: impl Fn(&Finding) -> bool,
) -> Result<TableTried, Problem> {
    let is_wrong = outcome.errors.count() > 0;
    let warnings = first(&mut outcome.warnings, is_worth_telling)?;
    let says = match (is_wrong, warnings.1) {
        (true, _) => refusal(&outcome, "each is listed here"),
        (false, things @ 1..) => acceptance(&outcome, things, "each is listed below"),
        (false, 0) => {
            let Outcome { rows, created, revised, unchanged, .. } = &outcome;
            format!("Of {} {created} new, {revised} revised, {unchanged} unchanged.", counted(*rows, "row", "rows"))
        }
    };
    let ignored = outcome.ignored_columns.iter().map(|one| (one.column.to_owned(), one.why.to_owned())).collect();
    Ok(TableTried {
        says,
        is_saved: is_to_save && !is_wrong,
        mistakes: first(&mut outcome.errors, |_| true)?,
        warnings,
        moves: first(&mut outcome.effects, Moved::is_turned)?,
        ignored,
    })
}

/// Tries or loads the plan in a folder that was sent as an archive.
pub(super) async fn folder_tried(
    programme: &Programme,
    caller: &Caller,
    upload: Upload,
) -> Result<FolderTried, Problem> {
    let Upload { form, file } = upload;
    let wrong = |says: &str| Ok(FolderTried { says: says.to_owned(), ..FolderTried::default() });
    let Some(file) = file else { return wrong("Choose the ZIP archive that holds the folder.") };
    let code: Option<PlanCode> = match form.get("code").map(|code| code.trim().parse()) {
        None => None,
        Some(Ok(code)) => Some(code),
        Some(Err(_no_code)) => {
            return wrong("A plan's code has lower-case letters, digits and hyphens, such as harrow-cypp-2009-2011.");
        }
    };
    let folder = tempfile::tempdir().map_err(|error| Problem::unavailable(&error))?;
    let path = folder.path().to_owned();
    match aside(move || unpack(file, &path)).await? {
        Ok(()) => {}
        Err(ArchiveFault::Wrong(detail)) => return wrong(&detail),
        Err(ArchiveFault::Disk(error)) => return Err(Problem::unavailable(&error)),
    }
    let (keep, was_saved) =
        if form.get("do") == Some("load") { (Keep::Everything, true) } else { (Keep::Nothing, false) };
    // What is loaded is loaded now, whatever days its files are named after.
    let (disk, clock) = (Folder::Disk(folder.path().to_owned()), programme.clock().seen());
    let loaded = programme.load_folder(&disk, code.as_ref(), &caller.subject, &clock, keep, &|_, _| {}).await;
    match loaded {
        Ok(mut loaded) => Ok(FolderTried {
            says: format!("Nothing is wrong with the plan {}.", loaded.plan),
            loaded: Some(loaded.plan),
            was_saved,
            warnings: listed(&mut loaded.warnings)?,
            files: loaded.files,
            ..FolderTried::default()
        }),
        Err(LoadError::Faulty(mut faults)) => Ok(FolderTried {
            says: format!("{}; nothing was saved.", things_wrong(faults.count())),
            mistakes: listed(&mut faults)?,
            ..FolderTried::default()
        }),
        Err(LoadError::Unreadable { file, why }) => wrong(&format!("{file}: {why}")),
        Err(LoadError::Refused(refusal @ (Refusal::NotAllowed(_) | Refusal::Conflict(_)))) => {
            wrong(&refusal.to_string())
        }
        Err(LoadError::Refused(refusal)) => Err(refusal.into()),
    }
}

/// The first faults, and how many there are.
fn listed(faults: &mut FolderFaults) -> Result<(Vec<String>, u64), Problem> {
    let mut shown = Vec::new();
    let count = faults.count();
    let read = faults.each(|fault| {
        if shown.len() < MOST_LISTED {
            shown.push(fault.to_string());
        }
        Ok(())
    });
    read.map_err(|error| Problem::unavailable(&error))?;
    Ok((shown, count))
}
