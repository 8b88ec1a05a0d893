//! Imports over HTTP: a body of any length goes to disk, and an answer of any length comes from there.

use std::fs::File;
use std::io::{self, Read, Write};
use std::time::Duration;

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use serde::Serialize;

use super::auth::Caller;
use super::extract::{self, FromParams, ParamReader};
use super::problem::{Code, PROBLEM_JSON, Problem, ViolationBody};
use crate::domain::ids::PlanCode;
use crate::programme::effects::{Move, RollUpMove};
use crate::programme::importing::{ImportKind, Outcome};
use crate::programme::{Programme, Refusal};

/// The most bytes of a file.
const MOST_BYTES: u64 = 512 << 20;
/// How long a sender may be silent before the import is given up.
const SILENCE: Duration = Duration::from_secs(30);

/// Whether an import is only tried.
#[derive(Clone, Copy, Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DryRun {
    /// Say what the import would do, and do nothing.
    #[param(value_type = Option<bool>, example = true)]
    dry_run: bool,
}

impl DryRun {
    /// Whether nothing is to be kept.
    pub fn is_wanted(self) -> bool {
        self.dry_run
    }
}

impl FromParams for DryRun {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self { dry_run: params.flag("dry_run") })
    }
}

/// What an import did, or would do.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "What an import did, or with `dry_run` would do.")]
pub struct ImportResult {
    /// Whether it was only tried.
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
    /// The rows that say what is there already.
    #[schema(minimum = 0, example = 15)]
    unchanged: u64,
    /// The rows with anything wrong in them.
    #[schema(minimum = 0, example = 0)]
    rejected: u64,
    /// Where the KPIs of the changed rows stood before and stand after, and the later periods and gaps whose standing moves
    /// with them; empty where anything is wrong.
    effects: Vec<Move>,
    /// The roll-ups that move with it, in the reports for the plan's quarters; empty where anything is wrong.
    roll_ups: Vec<RollUpMove>,
    /// Everything that is wrong; empty where the import did or would do.
    errors: Vec<ViolationBody>,
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
    #[schema(example = "20 cells are wrong in 18 of 120 rows; nothing was kept.")]
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
    extract::admit(request, &["text/csv"], usize::try_from(MOST_BYTES).unwrap_or(usize::MAX))?;
    let file = to_disk(payload).await?;
    match programme.import(plan, &caller.subject, kind, file, dry_run.dry_run, |_rows| {}).await {
        Err(refusal @ Refusal::KeyReused) => Ok(nothing_tried(&refusal.into())),
        outcome => answer(outcome?),
    }
}

/// The answer to an import that was not even tried.
fn nothing_tried(problem: &Problem) -> HttpResponse {
    let mut members = problem.members();
    members.extend(["rows", "created", "revised", "unchanged", "rejected"].map(|name| (name.to_owned(), 0.into())));
    members.extend(["effects", "roll_ups"].map(|name| (name.to_owned(), serde_json::Value::Array(Vec::new()))));
    members.insert("dry_run".to_owned(), false.into());
    let body = serde_json::Value::Object(members).to_string();
    HttpResponse::UnprocessableEntity().content_type(PROBLEM_JSON).body(body)
}

/// Puts a body into a file without a name, which goes when it is closed.
async fn to_disk(mut payload: Payload) -> Result<File, Problem> {
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
            Problem::new(Code::MalformedRequest, format!("The file could not be read to its end: {error}."))
        })?;
        length += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if length > MOST_BYTES {
            let detail = format!("A file may have at most {} MiB; send the rest in another.", MOST_BYTES >> 20);
            return Err(Problem::new(Code::BodyTooLarge, detail));
        }
        let written = tokio::task::spawn_blocking(move || file.write_all(&chunk).map(|()| file)).await;
        file = written.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::unavailable(&error))?;
    }
    io::Seek::rewind(&mut file).map_err(|error| Problem::unavailable(&error))?;
    Ok(file)
}

/// The answer to an import: its counts in front, then its lists, which may be longer than memory.
fn answer(outcome: Outcome) -> Result<HttpResponse, Problem> {
    let refused = outcome.errors.count() > 0;
    let mut response = if refused { HttpResponse::UnprocessableEntity() } else { HttpResponse::Ok() };
    let mut members = serde_json::Map::new();
    if refused {
        response.insert_header((CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON)));
        let (cells, rows, all) = (outcome.errors.count(), outcome.rejected, outcome.rows);
        let place = if rows == 0 { "about the file as a whole".to_owned() } else { format!("in {rows} of {all} rows") };
        let things = if cells == 1 { "1 thing is".to_owned() } else { format!("{cells} things are") };
        let detail = format!("{things} wrong {place}; each is listed under errors, and nothing was kept.");
        members = Problem::new(Code::Invalid, detail).members();
        members.remove("errors");
    } else {
        response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")));
    }
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
    let mut head = serde_json::Value::Object(members).to_string();
    head.pop();
    let roll_ups = serde_json::to_string(&outcome.roll_ups).map_err(|error| Problem::internal(&error))?;
    let text = |text: String| io::Cursor::new(text.into_bytes());
    let spooled = |error: io::Error| Problem::unavailable(&error);
    let body = text(format!("{head},\"effects\":["))
        .chain(outcome.effects.into_reader().map_err(spooled)?)
        .chain(text(format!("],\"roll_ups\":{roll_ups},\"errors\":[")))
        .chain(outcome.errors.into_reader().map_err(spooled)?)
        .chain(text("]}".to_owned()));
    Ok(response.streaming(futures_util::stream::try_unfold(body, |mut body| async move {
        let mut chunk = vec![0; 64 << 10];
        let length = body.read(&mut chunk)?;
        chunk.truncate(length);
        Ok::<_, io::Error>((length > 0).then(|| (Bytes::from(chunk), body)))
    })))
}
