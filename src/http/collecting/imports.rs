//! Imports over HTTP: a body of any length goes to disk, and an answer of any length comes from there.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use chrono::{DateTime, Utc};
use encoding_rs::Encoding;
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::domain::ids::{GroupCode, KpiCode, PlanCode};
use crate::domain::invalid::Violation;
use crate::domain::reading::ReadingDraft;
use crate::domain::target::TargetDraft;
use crate::domain::warning::Warning;
use crate::domain::wording::{counted, things_wrong};
use crate::exchange::dialect::encoding_named;
use crate::exchange::items::{Items, Unread};
use crate::exchange::marking::{self, Findings, Unmarked};
use crate::exchange::package::{self, Looks, WorkbookFault};
use crate::exchange::sheet::Upload;
use crate::exchange::workbook::Workbook;
use crate::http::collecting::placed;
use crate::http::problem::{Code, PROBLEM_JSON, Problem};
use crate::http::request::caller::Caller;
use crate::http::request::extract::{self, FromParams, ParamReader};
use crate::http::request::negotiate::{Accept, Format, XLSX};
use crate::http::tables::workbooks::{aside, with_workbook};
use crate::programme::figures::columns::ImportKind;
use crate::programme::figures::effects::{Move, RollUpMove};
use crate::programme::figures::outcome::Outcome;
use crate::programme::{Programme, Refusal};

/// The most bytes of a CSV file, and of JSON.
pub(in crate::http) const MOST_BYTES: u64 = 512 << 20;
/// How long a sender may be silent before the import is given up.
const SILENCE: Duration = Duration::from_secs(30);

/// Whether an import is only tried.
#[derive(Clone, Copy, Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DryRun {
    /// Show what the import would do, and do nothing.
    #[param(value_type = Option<bool>, example = true)]
    dry_run: bool,
}

impl DryRun {
    /// Whether nothing is to be saved.
    pub fn is_wanted(self) -> bool {
        self.dry_run
    }
}

impl FromParams for DryRun {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self { dry_run: params.flag("dry_run") })
    }
}

/// What the documents say of the answer to an import that went well.
pub(in crate::http) const DONE: &str = "What the import did, or would do. If Accept prefers an Excel workbook and there are warnings, a table comes back as one, with each cell to check marked, after a sheet that lists what was found.";
/// What they say of the answer to one that did not.
pub(in crate::http) const REFUSED: &str = "Something in the file is wrong; every wrong cell is listed, and nothing is saved (`invalid`); or the Idempotency-Key came with another request (`key_reused`). If Accept prefers an Excel workbook, a table comes back as one, with each wrong cell marked, after a sheet that lists what is wrong.";

/// Readings to import, as JSON.
#[derive(Debug, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReadingItems, description = "Readings to import: all or nothing. Of one item at most 1 MiB.", example = json!({"items": [{"kpi": "NI-117", "period": "2010/11 Q1", "numerator": 231, "denominator": 5120}]}))]
#[expect(dead_code, reason = "it documents a body, of which one item is read at a time")]
pub struct ReadingItems {
    /// The readings; at most 1,000,000.
    #[schema(max_items = 1_000_000)]
    items: Vec<ReadingItem>,
}

/// Where a reading to import belongs.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it documents members of a body, of which one item is read at a time")]
struct ReadingPlace {
    /// The KPI's code.
    #[schema(example = "NI-117")]
    kpi: KpiCode,
    /// The period: its key, or as people write it if that can mean one thing only for the KPI.
    #[schema(example = "2010/11 Q1")]
    period: String,
    /// The group; `all`, which is everyone, without it.
    #[schema(example = "all")]
    group: Option<GroupCode>,
}

placed! {
    /// One of the readings to import: what a reading says in a request, and where it belongs.
    pub struct ReadingItem = ReadingPlace, ReadingDraft,
        "A reading to import: a `value`, or a `numerator` and a `denominator`, or a `nil_return`. If a reading exists already, an absent member leaves the stored value, and `null` clears it; any of these four replaces the figure as a whole."
}

/// Targets to import, as JSON.
#[derive(Debug, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TargetItems, description = "Targets to import: all or nothing. Of one item at most 1 MiB.", example = json!({"items": [{"kpi": "NI-117", "period": "2010/11 Q1", "value": 4.4}]}))]
#[expect(dead_code, reason = "it documents a body, of which one item is read at a time")]
pub struct TargetItems {
    /// The targets; at most 1,000,000.
    #[schema(max_items = 1_000_000)]
    items: Vec<TargetItem>,
}

/// Where a target to import belongs.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it documents members of a body, of which one item is read at a time")]
struct TargetPlace {
    /// The KPI's code.
    #[schema(example = "NI-117")]
    kpi: KpiCode,
    /// The period: the KPI's own kind or a year of its calendar, by its key or as people write it.
    #[schema(example = "2010/11")]
    period: String,
}

placed! {
    /// One of the targets to import: what a target says in a request, and where it belongs.
    pub struct TargetItem = TargetPlace, TargetDraft,
        "A target to import: a `value`, or `low` and `high`. If a target exists already, an absent member leaves the stored value, and `null` puts it back to its default; any of these three replaces all of them."
}

/// What an import did, or would do.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "What an import did, or with `dry_run` would do.")]
pub struct ImportResult {
    /// Whether it was a trial.
    dry_run: bool,
    /// The rows gone through, blank ones not counted.
    #[schema(minimum = 0, example = 120)]
    rows: u64,
    /// The rows that make something new.
    #[schema(minimum = 0, example = 100)]
    created: u64,
    /// The rows that make the next revision of something.
    #[schema(minimum = 0, example = 5)]
    revised: u64,
    /// The rows that say what is stored already.
    #[schema(minimum = 0, example = 15)]
    unchanged: u64,
    /// The rows with anything wrong in them.
    #[schema(minimum = 0, example = 0)]
    rejected: u64,
    /// The columns of the file that were not read, each with why.
    ignored_columns: Vec<IgnoredColumnBody>,
    /// How the KPIs of the changed rows were doing before and are doing after, and the later periods and gaps that move
    /// with them; empty if anything is wrong.
    effects: Vec<Move>,
    /// The roll-ups that move with it, in every report of the plan that it reaches; empty if anything is wrong.
    roll_ups: Vec<RollUpMove>,
    /// What to check in the rows that are right: about the file as a whole, then row by row. Warnings never block.
    warnings: Vec<Warning>,
    /// Everything that is wrong; empty if the import was or would be done.
    errors: Vec<Violation>,
}

/// A column of a file that was not read.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = IgnoredColumn, description = "A column of a file that was not read.")]
pub struct IgnoredColumnBody {
    /// Its heading.
    #[schema(example = "target")]
    column: String,
    /// Why it was not read.
    #[schema(example = "targets are set by a file of targets, in its column `value`")]
    why: String,
}

/// An import that was refused: a problem, with what the import would have done but for it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ImportProblem, description = "An import that was refused: a problem document with the counts of the rows that are right and of those that are wrong.")]
pub struct ImportProblemBody {
    /// A page about this kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "/problems/invalid")]
    kind: String,
    /// What kind of problem it is.
    #[schema(example = "The request is understood, but something in it is wrong")]
    title: String,
    /// The status code.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    status: u16,
    /// What is wrong and what to do about it.
    #[schema(example = "20 cells are wrong in 18 of 120 rows; nothing was saved.")]
    detail: String,
    /// The request.
    #[schema(example = "urn:request:0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11")]
    instance: String,
    /// The code of the problem.
    #[schema(example = "invalid")]
    code: String,
    #[serde(flatten)]
    result: ImportResult,
}

/// Takes in a file and imports it.
pub async fn import(
    programme: &Programme,
    caller: &Caller,
    plan: &PlanCode,
    kind: ImportKind,
    dry_run: DryRun,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    // Who may not import learns so before they send half a gigabyte.
    programme.may_import(plan, &caller.subject, kind).await?;
    let sent_as = sent_as(request)?;
    let charset = charset(request).filter(|_| sent_as == SentAs::Csv).transpose()?;
    let file = to_disk(payload, most_bytes(sent_as)).await?;
    let upload = match taken_apart(file, sent_as, charset, kind).await? {
        Ok(upload) => upload,
        Err(violation) => {
            let outcome = Outcome::unread(dry_run.dry_run, &violation);
            return answer(outcome.map_err(|error| Problem::unavailable(&error))?);
        }
    };
    let as_sent = upload.again().map_err(|error| Problem::unavailable(&error))?;
    let outcome = match programme.import(plan, &caller.subject, kind, upload, dry_run.dry_run, |_rows| {}).await {
        // Not even tried.
        Err(refusal @ Refusal::KeyReused) => return refused(&refusal.into(), Outcome::nothing(false)),
        outcome => outcome?,
    };
    let wants_workbook = Accept::of(request).choose(&[Format::Json, Format::Xlsx]).is_ok_and(|it| it == Format::Xlsx);
    // What was sent as JSON is reported in JSON, at its pointers.
    let found_something = outcome.errors.count() + outcome.warnings.count() > 0;
    if found_something && wants_workbook && sent_as != SentAs::Items {
        return marked(outcome, as_sent, kind, programme.clock().now()).await?.or_else(answer);
    }
    answer(outcome)
}

/// What came of a file that was sent with a form.
pub(in crate::http) struct Tried {
    /// What it did, or would do.
    pub(in crate::http) outcome: Outcome,
    as_sent: Option<Upload>,
    kind: ImportKind,
}

impl Tried {
    /// The sender's own table with its mistakes and warnings marked; the outcome again if there are none, or it cannot be marked.
    pub(in crate::http) async fn marked(self, made: DateTime<Utc>) -> Result<Result<HttpResponse, Outcome>, Problem> {
        let found_something = self.outcome.errors.count() + self.outcome.warnings.count() > 0;
        match self.as_sent.filter(|_| found_something) {
            Some(as_sent) => marked(self.outcome, as_sent, self.kind, made).await,
            None => Ok(Err(self.outcome)),
        }
    }
}

/// Imports a file that was sent with a form, of whichever kind it turns out to be, or says what importing it would do.
pub(in crate::http) async fn import_file(
    programme: &Programme,
    caller: &Caller,
    plan: &PlanCode,
    kind: ImportKind,
    dry_run: bool,
    file: File,
) -> Result<Tried, Problem> {
    let sent_as = match Looks::of(&file).map_err(|error| Problem::unavailable(&error))? {
        Looks::Zip => SentAs::Workbook,
        Looks::Other | Looks::Compound => SentAs::Csv,
    };
    let upload = match taken_apart(file, sent_as, None, kind).await? {
        Ok(upload) => upload,
        Err(violation) => {
            let outcome = Outcome::unread(dry_run, &violation).map_err(|error| Problem::unavailable(&error))?;
            return Ok(Tried { outcome, as_sent: None, kind });
        }
    };
    let as_sent = upload.again().map_err(|error| Problem::unavailable(&error))?;
    let outcome = programme.import(plan, &caller.subject, kind, upload, dry_run, |_rows| {}).await?;
    Ok(Tried { outcome, as_sent: Some(as_sent), kind })
}

/// Imports items that were filled in on a page, all of them or none, or says what importing them would do.
pub(in crate::http) async fn import_items(
    programme: &Programme,
    caller: &Caller,
    plan: &PlanCode,
    kind: ImportKind,
    dry_run: bool,
    items: Vec<serde_json::Value>,
) -> Result<Outcome, Problem> {
    let written = || {
        let mut file = tempfile::tempfile()?;
        serde_json::to_writer(&mut file, &serde_json::json!({ "items": items }))?;
        io::Seek::rewind(&mut file)?;
        Ok::<_, io::Error>(file)
    };
    let file = written().map_err(|error| Problem::unavailable(&error))?;
    match taken_apart(file, SentAs::Items, None, kind).await? {
        Ok(upload) => Ok(programme.import(plan, &caller.subject, kind, upload, dry_run, |_rows| {}).await?),
        Err(violation) => Outcome::unread(dry_run, &violation).map_err(|error| Problem::unavailable(&error)),
    }
}

/// What a table is sent as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SentAs {
    Csv,
    Workbook,
    Items,
}

/// The media types that a table may be sent as.
const TABLES: &[&str] = &["application/json", "text/csv", XLSX];

/// What spreadsheet programs write besides.
const OTHER_SPREADSHEETS: &[(&str, &str)] = &[
    ("application/vnd.ms-excel", "an Excel workbook in the old format (.xls)"),
    ("application/vnd.ms-excel.sheet.macroenabled.12", "a workbook with macros (.xlsm)"),
    ("application/vnd.ms-excel.sheet.binary.macroenabled.12", "a binary workbook (.xlsb)"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.template", "a template of workbooks (.xltx)"),
    ("application/vnd.oasis.opendocument.spreadsheet", "an OpenDocument spreadsheet (.ods)"),
];

/// Judges a table by the headers it is sent with.
fn sent_as(request: &HttpRequest) -> Result<SentAs, Problem> {
    let named = extract::content_type(request);
    if let Some((_, what)) = OTHER_SPREADSHEETS.iter().find(|(media, _)| *media == named) {
        return Err(not_taken(&format!("The body is sent as {what}; save it as an Excel workbook (.xlsx) or as CSV.")));
    }
    let sent_as = match named.as_str() {
        XLSX => SentAs::Workbook,
        "application/json" => SentAs::Items,
        _ => SentAs::Csv,
    };
    extract::admit(request, TABLES, usize::try_from(most_bytes(sent_as)).unwrap_or(usize::MAX))?;
    Ok(sent_as)
}

/// The encoding that a table is said to be in, if any is named.
fn charset(request: &HttpRequest) -> Option<Result<&'static Encoding, Problem>> {
    let value = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let mut parameters = value.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, named) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    let named = named.trim().trim_matches('"');
    Some(encoding_named(named).ok_or_else(|| {
        not_taken(&format!(
            "The charset {named} is not one that files are read in; send UTF-8, or UTF-16 or windows-1252."
        ))
    }))
}

fn not_taken(detail: &str) -> Problem {
    Problem::new(Code::UnsupportedMediaType, detail).with_header(ACCEPT, &TABLES.join(", "))
}

fn most_bytes(sent_as: SentAs) -> u64 {
    match sent_as {
        SentAs::Csv | SentAs::Items => MOST_BYTES,
        SentAs::Workbook => package::MOST_BYTES,
    }
}

/// How many workbooks that were sent are in memory at a time, each until its import is answered: one may take some hundred
/// mebibytes.
static READ: Semaphore = Semaphore::const_new(2);
/// Reads what was sent as far as must be to go through its rows; the inner error is what is wrong with it as a whole.
async fn taken_apart(
    file: File,
    sent_as: SentAs,
    charset: Option<&'static Encoding>,
    kind: ImportKind,
) -> Result<Result<Upload, Violation>, Problem> {
    let disk = |error: io::Error| Problem::unavailable(&error);
    if sent_as == SentAs::Csv {
        return match Looks::of(&file).map_err(disk)? {
            Looks::Other => {
                let upload = aside(move || Upload::csv(file, charset, kind.headings())).await?;
                upload.map(Ok).map_err(disk)
            }
            Looks::Zip => Err(not_taken(&format!(
                "The body is a workbook or another archive; if it is an Excel workbook (.xlsx), send it with Content-Type: {XLSX}."
            ))),
            Looks::Compound => Err(not_taken(
                "The body is a workbook in the old format (.xls), or one with a password, and is sent as CSV; save it as an Excel workbook (.xlsx) or as CSV.",
            )),
        };
    }
    if sent_as == SentAs::Items {
        return match aside(move || Items::read(&file, kind.headings())).await? {
            Ok(items) => Ok(Ok(Upload::Items(items))),
            Err(Unread::NotJson(detail)) => Err(Problem::new(Code::MalformedRequest, detail)),
            Err(Unread::Disk(error)) => Err(disk(error)),
        };
    }
    let turn = READ.acquire().await.map_err(|error| Problem::internal(&error))?;
    let read = aside(move || Workbook::read(file, kind.headings().required).map(|book| book.holding(turn))).await?;
    match read {
        Ok(book) => Ok(Ok(Upload::Workbook(Arc::new(book)))),
        Err(WorkbookFault::Wrong(violation)) => Ok(Err(*violation)),
        Err(WorkbookFault::OtherFormat(detail)) => Err(not_taken(&detail)),
        Err(WorkbookFault::TooLarge(detail)) => Err(Problem::new(Code::BodyTooLarge, detail)),
        Err(WorkbookFault::Disk(error)) => Err(disk(error)),
    }
}

/// The most bytes that all mistakes and warnings are reported in if they are marked; more are listed.
const MOST_TOLD: u64 = 16 << 20;

/// The sender's own table with its mistakes and warnings marked; the outcome again if that would be too large.
async fn marked(
    mut outcome: Outcome,
    as_sent: Upload,
    kind: ImportKind,
    made: DateTime<Utc>,
) -> Result<Result<HttpResponse, Outcome>, Problem> {
    let spooled = |error: io::Error| Problem::unavailable(&error);
    let bytes = outcome.errors.bytes().map_err(spooled)? + outcome.warnings.bytes().map_err(spooled)?;
    if bytes > MOST_TOLD {
        return Ok(Err(outcome));
    }
    // A workbook that was sent has its turn, which lasts until its mistakes are marked; a CSV file needs one for this alone.
    let in_memory = matches!(as_sent, Upload::Workbook(_));
    let is_refused = outcome.errors.count() > 0;
    let work = move || {
        let mistakes = outcome.errors.items().map_err(spooled)?;
        let findings = Findings { mistakes, warnings: outcome.warnings.items().map_err(spooled)? };
        let lead = |sheet: &str| {
            let where_listed = format!("each is listed here and marked in the sheet {sheet}");
            if is_refused {
                refusal(&outcome, &where_listed)
            } else {
                acceptance(&outcome, outcome.warnings.count(), &where_listed)
            }
        };
        match marking::marked(&as_sent, lead, &findings, made) {
            Ok(marked) => Ok(Ok(marked)),
            Err(Unmarked::TooLarge) => Ok(Err(outcome)),
            Err(Unmarked::Disk(error)) => Err(spooled(error)),
            Err(Unmarked::Fault(why)) => Err(Problem::internal(why.as_ref())),
        }
    };
    let written = if in_memory { aside(work).await? } else { with_workbook(work).await? };
    let body = match written? {
        Ok(body) => body,
        Err(outcome) => return Ok(Err(outcome)),
    };
    let name = match kind {
        ImportKind::Readings => "readings",
        ImportKind::Targets => "targets",
    };
    let (mut response, what) =
        if is_refused { (HttpResponse::UnprocessableEntity(), "mistakes") } else { (HttpResponse::Ok(), "warnings") };
    Ok(Ok(response
        .insert_header((CONTENT_TYPE, HeaderValue::from_static(XLSX)))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}-with-{what}.xlsx\"")))
        .streaming(in_chunks(body))))
}

/// How much is wrong, in a sentence.
pub(in crate::http) fn refusal(outcome: &Outcome, where_told: &str) -> String {
    let (cells, rows, all) = (outcome.errors.count(), outcome.rejected, outcome.rows);
    let place = match (rows, outcome.about_file) {
        (0, _) => "about the file as a whole".to_owned(),
        (_, 0) => format!("in {rows} of {}", counted(all, "row", "rows")),
        _ => format!("in {rows} of {} and about the file as a whole", counted(all, "row", "rows")),
    };
    format!("{} {place}; {where_told}, and nothing was saved.", things_wrong(cells))
}

/// What became of a file in which some things should be looked at, in a sentence.
pub(in crate::http) fn acceptance(outcome: &Outcome, things: u64, where_told: &str) -> String {
    let Outcome { rows, created, revised, unchanged, .. } = outcome;
    let done = if outcome.dry_run { "would be" } else { "was" };
    let things = counted(things, "thing", "things");
    let rows = counted(*rows, "row", "rows");
    format!(
        "The file {done} accepted: of {rows} {created} new, {revised} revised, {unchanged} unchanged. {things} should be looked at; {where_told}."
    )
}

/// Puts a body into a file without a name, which goes when it is closed.
pub(in crate::http) async fn to_disk<E: std::fmt::Display>(
    mut payload: impl Stream<Item = Result<Bytes, E>> + Unpin,
    most: u64,
) -> Result<File, Problem> {
    let mut file = tempfile::tempfile().map_err(|error| Problem::unavailable(&error))?;
    let mut length = 0;
    loop {
        let chunk = tokio::time::timeout(SILENCE, payload.next()).await;
        let chunk = chunk.map_err(|_elapsed| {
            Problem::new(
                Code::RequestTimeout,
                format!("Nothing more of the file arrived for {} seconds.", SILENCE.as_secs()),
            )
        })?;
        let Some(chunk) = chunk else { break };
        let chunk = chunk.map_err(|error| {
            tracing::debug!(%error, "a file broke off");
            Problem::new(Code::MalformedRequest, "The file could not be read to its end; send it again.")
        })?;
        length += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if length > most {
            let detail = format!("A file may have at most {} MiB; send the rest in another.", most >> 20);
            return Err(Problem::new(Code::BodyTooLarge, detail));
        }
        let written = tokio::task::spawn_blocking(move || file.write_all(&chunk).map(|()| file)).await;
        file = written.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::unavailable(&error))?;
    }
    io::Seek::rewind(&mut file).map_err(|error| Problem::unavailable(&error))?;
    Ok(file)
}

/// The answer to an import.
fn answer(outcome: Outcome) -> Result<HttpResponse, Problem> {
    if outcome.errors.count() > 0 {
        let detail = refusal(&outcome, "each is listed under errors");
        return refused(&Problem::new(Code::Invalid, detail), outcome);
    }
    told(HttpResponse::Ok().content_type("application/json"), serde_json::Map::new(), outcome)
}

/// The answer to an import that was refused: the problem, with the outcome beside.
fn refused(problem: &Problem, outcome: Outcome) -> Result<HttpResponse, Problem> {
    let mut members = problem.members();
    members.remove("errors");
    told(HttpResponse::UnprocessableEntity().content_type(PROBLEM_JSON), members, outcome)
}

/// An outcome: its counts in front, beside these members, then its lists, which may be longer than memory.
fn told(
    response: &mut HttpResponseBuilder,
    mut members: serde_json::Map<String, serde_json::Value>,
    outcome: Outcome,
) -> Result<HttpResponse, Problem> {
    for (name, value) in [
        ("dry_run", outcome.dry_run.into()),
        ("rows", outcome.rows.into()),
        ("created", outcome.created.into()),
        ("revised", outcome.revised.into()),
        ("unchanged", outcome.unchanged.into()),
        ("rejected", outcome.rejected.into()),
    ] {
        members.insert(name.to_owned(), value);
    }
    members.insert("ignored_columns".to_owned(), serde_json::json!(outcome.ignored_columns));
    let mut head = serde_json::Value::Object(members).to_string();
    head.pop();
    let roll_ups = serde_json::to_string(&outcome.roll_ups).map_err(|error| Problem::internal(&error))?;
    let text = |text: String| io::Cursor::new(text.into_bytes());
    let spooled = |error: io::Error| Problem::unavailable(&error);
    let body = text(format!("{head},\"effects\":["))
        .chain(outcome.effects.into_reader().map_err(spooled)?)
        .chain(text(format!("],\"roll_ups\":{roll_ups},\"warnings\":[")))
        .chain(outcome.warnings.into_reader().map_err(spooled)?)
        .chain(text("],\"errors\":[".to_owned()))
        .chain(outcome.errors.into_reader().map_err(spooled)?)
        .chain(text("]}".to_owned()));
    Ok(response.streaming(in_chunks(body)))
}

/// A body of any length, piece by piece.
fn in_chunks(body: impl Read + 'static) -> impl Stream<Item = io::Result<Bytes>> {
    futures_util::stream::try_unfold(body, |mut body| async move {
        let mut chunk = vec![0; 64 << 10];
        let length = body.read(&mut chunk)?;
        chunk.truncate(length);
        Ok((length > 0).then(|| (Bytes::from(chunk), body)))
    })
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    async fn sent(sent_as: SentAs, bytes: &[u8]) -> Upload {
        let taken = taken_apart(file(bytes), sent_as, None, ImportKind::Readings).await;
        taken.map_err(|problem| format!("{problem:?}")).unwrap().unwrap()
    }

    #[actix_web::test]
    async fn a_workbook_has_its_turn_for_as_long_as_it_is_in_memory() {
        let bytes = rust_xlsxwriter::Workbook::new().save_to_buffer().unwrap();
        let first = sent(SentAs::Workbook, &bytes).await;
        let second = sent(SentAs::Workbook, &bytes).await;
        assert_eq!(READ.available_permits(), 0);
        let third = taken_apart(file(&bytes), SentAs::Workbook, None, ImportKind::Readings);
        assert!(third.now_or_never().is_none(), "it waits");
        // A CSV file needs no turn, and neither does anyone who has a workbook written.
        let csv = sent(SentAs::Csv, b"kpi,period,value\n").await;
        assert!(matches!(csv, Upload::Csv(_)));
        assert_eq!(with_workbook(|| 7).await.ok(), Some(7));

        let again = first.again().unwrap();
        drop(first);
        assert_eq!(READ.available_permits(), 0, "it is in memory still");
        drop(again);
        assert_eq!(READ.available_permits(), 1);
        drop((second, sent(SentAs::Workbook, &bytes).await));
        assert_eq!(READ.available_permits(), 2);
    }
}
