//! The commands. Each reads its settings, calls one use case and prints what came of it.

mod demo;
mod folders;
mod journals;
mod serve;

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::clock::Clock;
use crate::config::{
    Cli, Command, FileKind, Import, LogFormat, Migrate, Openapi, Place, PlanCommand, Remind, Reminding, Report,
    ReportFormat, SignInLink, Token,
};
use crate::delivery::digest::Site;
use crate::delivery::reminders::{self, Courier, Reminded};
use crate::domain::period::Period;
use crate::domain::wording::{counted, io_fault};
use crate::exchange::package::{Looks, WorkbookFault};
use crate::exchange::sheet::Upload;
use crate::exchange::workbook::Workbook;
use crate::http::documents;
use crate::http::tables::columns;
use crate::pages::board;
use crate::programme::figures::columns::ImportKind;
use crate::programme::figures::outcome::Outcome;
use crate::programme::folder::files::FILES;
use crate::programme::reports::status_report::{ReportFilter, StatusReport};
use crate::programme::{Programme, Refusal};
use crate::store::{DatabaseUrl, Store, StoreOptions};
use crate::token::{Claims, Expected, KeyKind, SigningKey};

/// Why a command failed: what the person who typed it reads.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs a command; the answer is the process's exit code.
pub fn run(cli: Cli) -> std::process::ExitCode {
    let outcome = match cli.command {
        Command::Demo(demo) => demo::run(&demo),
        Command::Serve(serve) => serve::run(&serve),
        Command::Migrate(command) => migrate(&command),
        Command::Import(command) => on_a_runtime(import(command)),
        Command::Export(command) => on_a_runtime(folders::export(command)),
        Command::Plan(PlanCommand::Remove(command)) => on_a_runtime(folders::remove(command)),
        Command::Report(command) => on_a_runtime(report(command)),
        Command::Token(command) => token(&command),
        Command::SignInLink(command) => on_a_runtime(sign_in_link(command)),
        Command::Openapi(command) => openapi(&command),
        Command::Verify(command) => journals::verify(&command),
        Command::Journal(command) => journals::print_entries(&command),
        Command::Remind(command) => on_a_runtime(remind(command)),
    };
    match outcome {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("waymark: {}", words_of(&failure));
            std::process::ExitCode::FAILURE
        }
    }
}

/// A failure as a person reads it.
fn words_of(failure: &Failure) -> String {
    failure.downcast_ref().map_or_else(|| failure.to_string(), io_fault)
}

/// What the system says of a file or a folder, with its name.
fn at(path: &Path) -> impl Fn(std::io::Error) -> Failure {
    move |error| format!("{}: {}", path.display(), io_fault(&error)).into()
}

fn on_a_runtime<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Sends log lines to standard error.
fn log(filter: &str, format: LogFormat) -> Result<(), Failure> {
    let filter: Targets = filter.parse().map_err(|error| format!("--log: {error}"))?;
    let kept = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => kept.with(lines.with_ansi(std::io::stderr().is_terminal())).init(),
        LogFormat::Json => kept.with(lines.json()).init(),
    }
    Ok(())
}

/// Opens the database of a command that is not a service.
fn open(place: &Place, create: bool) -> Result<Store, Failure> {
    log(place.log.as_deref().unwrap_or("warn"), place.log_format)?;
    let url = place.database()?;
    if create {
        make_folder_of(&url)?;
    }
    Ok(Store::open(&url, &options(place, create))?)
}

/// Makes the folder that an SQLite file is to be in.
fn make_folder_of(url: &DatabaseUrl) -> Result<(), Failure> {
    let folder = url.sqlite_path().and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), |folder| std::fs::create_dir_all(folder).map_err(at(folder)))
}

fn options(place: &Place, create: bool) -> StoreOptions {
    StoreOptions { connections: place.connections, create, ..StoreOptions::default() }
}

/// Opens a database whose tables are up to date.
fn open_current(place: &Place) -> Result<Store, Failure> {
    let store = open(place, false)?;
    match store.pending()?.as_slice() {
        [] => Ok(store),
        pending => {
            Err(format!("the database's tables are not up to date ({} pending); run `waymark migrate`", pending.len())
                .into())
        }
    }
}

/// A bar that shows once something has taken a second and a person is watching.
fn progress(length: u64, what: &'static str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(length), indicatif::ProgressDrawTarget::hidden()).with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    let shown = bar.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(1));
        if !shown.is_finished() {
            shown.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
    });
    bar
}

fn print(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_ref())?;
    Ok(out.flush()?)
}

fn migrate(command: &Migrate) -> Result<bool, Failure> {
    let store = open(&command.place, !command.check)?;
    let (steps, done) = if command.check { (store.pending()?, "pending") } else { (store.migrate()?, "taken") };
    for step in &steps {
        print(format!("{step} {done}\n"))?;
    }
    if steps.is_empty() {
        print("up to date\n")?;
    }
    Ok(!command.check || steps.is_empty())
}

async fn import(command: Import) -> Result<bool, Failure> {
    if command.columns {
        print(FILES.described())?;
        return Ok(true);
    }
    let (Some(path), Some(subject)) = (command.path.clone(), command.subject.clone()) else {
        return Err("name a file or folder, and with --as who imports it".into());
    };
    let store = open_current(&command.place)?;
    if path.is_dir() {
        return folders::import(store, path, subject.into(), &command).await;
    }
    let plan = command.plan.ok_or("say with --plan which plan the file is for")?;
    let file = File::open(&path).map_err(at(&path))?;
    let kind = match command.kind.unwrap_or(FileKind::Readings) {
        FileKind::Readings => ImportKind::Readings,
        FileKind::Targets => ImportKind::Targets,
    };
    let file = match Looks::of(&file)? {
        Looks::Zip => Upload::Workbook(Arc::new(workbook(file, kind)?)),
        Looks::Compound | Looks::Other => Upload::csv(file, None, kind.headings())?,
    };
    let bar = progress(lines_in(&path)?, "importing");
    let heard = bar.clone();
    let programme = Programme::new(store, Clock::system());
    let outcome = programme
        .import(&plan, &subject.into(), kind, file, command.dry_run, move |rows| heard.set_position(rows))
        .await;
    bar.finish_and_clear();
    let outcome = outcome.map_err(|refusal| told(&refusal))?;
    print_outcome(outcome)
}

fn workbook(file: File, kind: ImportKind) -> Result<Workbook, Failure> {
    Workbook::read(file, kind.headings().required).map_err(|fault| match fault {
        WorkbookFault::OtherFormat(detail) | WorkbookFault::TooLarge(detail) => detail.into(),
        WorkbookFault::Wrong(violation) => violation.detail.into(),
        WorkbookFault::Disk(error) => error.into(),
    })
}

fn lines_in(path: &Path) -> Result<u64, Failure> {
    let mut file = File::open(path).map_err(at(path))?;
    let (mut chunk, mut lines) = (vec![0; 1 << 16], 0);
    loop {
        let length = file.read(&mut chunk)?;
        let read = chunk.get(..length).unwrap_or_default();
        if read.is_empty() {
            return Ok(lines);
        }
        lines += u64::try_from(read.split(|byte| *byte == b'\n').count() - 1)?;
    }
}

/// Something that is wrong with a file, or that should be looked at in it, as an import reports it.
#[derive(serde::Deserialize)]
struct Finding {
    row: Option<u64>,
    column: Option<String>,
    code: String,
    detail: String,
}

impl Finding {
    /// Where it is.
    fn place(&self) -> String {
        match (self.row, self.column.as_deref()) {
            (None, _) => "the file".to_owned(),
            (Some(row), None) => format!("row {row}"),
            (Some(row), Some(column)) => format!("row {row}, {column}"),
        }
    }
}

fn print_outcome(mut outcome: Outcome) -> Result<bool, Failure> {
    let kept = if outcome.dry_run { "would be" } else { "were" };
    let right = outcome.errors.count() == 0;
    for fault in outcome.errors.items::<Finding>()? {
        print(format!("{}: {} [{}]\n", fault.place(), fault.detail, fault.code))?;
    }
    for warning in outcome.warnings.items::<Finding>()? {
        print(format!("warning: {}: {} [{}]\n", warning.place(), warning.detail, warning.code))?;
    }
    for ignored in &outcome.ignored_columns {
        print(format!("the column {} was not read: {}\n", ignored.column, ignored.why))?;
    }
    let Outcome { rows, created, revised, unchanged, rejected, .. } = outcome;
    if right {
        let rows = counted(rows, "row", "rows");
        print(format!("{rows}: {created} {kept} created, {revised} revised, {unchanged} unchanged\n"))?;
    } else {
        let (rows, rejected) = (counted(rows, "row", "rows"), counted(rejected, "is", "are"));
        print(format!("{rows}: {rejected} wrong, and nothing was saved\n"))?;
    }
    Ok(right)
}

/// A refusal as a person reads it.
fn told(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotFound => "there is no such plan, or the subject has no grant for it".to_owned(),
        Refusal::Invalid(invalid) => {
            invalid.violations().iter().map(|fault| fault.detail.clone()).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

async fn report(command: Report) -> Result<bool, Failure> {
    let programme = Programme::new(open_current(&command.place)?, Clock::system());
    let open =
        programme.open(&command.plan, &command.subject.clone().into()).await.map_err(|refusal| told(&refusal))?;
    let seen = match command.as_of {
        None => programme.seen(&open, programme.clock().now()).await,
        Some(instant) => match programme.version_at(&open, instant).await {
            Ok(version) => programme.seen_at(&open, version, instant).await,
            Err(Refusal::NotFound) => return Err(format!("there was no plan yet on {instant}").into()),
            Err(other) => Err(other),
        },
    };
    let seen = seen.map_err(|refusal| told(&refusal))?;
    let period = match &command.period {
        Some(text) => Period::read_any(text).map_err(|error| format!("--period: `{text}` {error}"))?,
        None => seen.reported_quarter().ok_or("the plan has no period yet; give one with --period")?,
    };
    if let Some(file) = &command.html {
        std::fs::write(file, board::in_a_file(&seen, period)).map_err(at(file))?;
        return Ok(true);
    }
    let report = seen.status_report(period, &ReportFilter::default());
    match command.format {
        ReportFormat::Json => print(serde_json::to_string_pretty(&report)? + "\n")?,
        ReportFormat::Csv => print(columns::status_report_csv(&report, &seen))?,
        ReportFormat::Text => print(as_text(&report))?,
    }
    Ok(true)
}

/// A status report to read in a terminal.
fn as_text(report: &StatusReport) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let headline = &report.headline;
    // Writing to a String cannot fail.
    let _title = writeln!(
        text,
        "{}, {}: {} ({} of {} assessed)",
        report.plan,
        report.period.label(),
        headline.status.words(),
        headline.assessed,
        counted(headline.total, "KPI", "KPIs")
    );
    if report.outside_plan {
        let _note = writeln!(text, "This period lies outside the plan's own years: nothing is owed of it.");
    }
    if !report.description.is_empty() {
        let _note = writeln!(text, "{}", report.description);
    }
    for area in &report.outcome_areas {
        let _area = writeln!(text, "\n{}: {}", area.title, area.headline.status.words());
        for priority in &area.priorities {
            let _priority = writeln!(text, "  {}", priority.title);
            for kpi in &priority.kpis {
                let band = kpi.band_label.as_deref().unwrap_or(kpi.status.words());
                let _kpi = writeln!(
                    text,
                    "    {:<12} {:<24} {} [{}]\n      {}",
                    band,
                    kpi.kpi,
                    kpi.title,
                    kpi.period.label(),
                    kpi.explanation
                );
            }
        }
    }
    text
}

fn token(command: &Token) -> Result<bool, Failure> {
    let file = command.issuing.key_file.clone().unwrap_or_else(|| command.data_dir.join("signing-key.pem"));
    if command.create_key && !file.exists() {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(at(folder))?;
        }
        SigningKey::generate(KeyKind::Ed25519)?.write(&file)?;
        eprintln!("waymark: made the signing key {}", file.display());
    }
    let subject = match (&command.subject, command.role) {
        (Some(subject), _) => subject.to_string(),
        (None, Some(role)) => demo::subject(role),
        (None, None) => return Ok(true),
    };
    let expected = Expected { issuer: command.issuing.issuer.clone(), audience: command.issuing.audience.clone() };
    let claims =
        Claims::issue(&expected, subject, Clock::system().now(), chrono::TimeDelta::hours(command.hours.into()));
    print(SigningKey::load(&file)?.sign(&claims)? + "\n")?;
    Ok(true)
}

/// The address of a link that signs somebody in once.
fn sign_in_address(base: &str, secret: &str) -> String {
    format!("{}/sign-in?link={secret}", base.trim_end_matches('/'))
}

async fn sign_in_link(command: SignInLink) -> Result<bool, Failure> {
    let subject = match (command.subject, command.role) {
        (Some(subject), _) => subject,
        (None, Some(role)) => demo::subject(role).parse()?,
        (None, None) => return Ok(true),
    };
    let programme = Programme::new(open(&command.place, false)?, Clock::system());
    let lifetime = chrono::TimeDelta::minutes(command.minutes.into());
    let secret = programme.make_sign_in_link(&subject, lifetime).await.map_err(|refusal| told(&refusal))?;
    print(sign_in_address(&command.public_url, &secret) + "\n")?;
    Ok(true)
}

fn openapi(command: &Openapi) -> Result<bool, Failure> {
    let documents = documents()?;
    let files = [("openapi.json", documents.v3_1()), ("openapi-3.0.json", documents.v3_0())];
    if let Some(folder) = &command.write {
        std::fs::create_dir_all(folder).map_err(at(folder))?;
        for (name, bytes) in files {
            std::fs::write(folder.join(name), bytes).map_err(at(&folder.join(name)))?;
        }
        return Ok(true);
    }
    if let Some(folder) = &command.check {
        let drifted = |(name, bytes): &(&str, &[u8])| std::fs::read(folder.join(name)).ok().as_deref() != Some(bytes);
        let names: Vec<&str> = files.iter().filter(|file| drifted(file)).map(|(name, _)| *name).collect();
        if !names.is_empty() {
            eprintln!(
                "waymark: {} is not what this version writes; run `waymark openapi --write {}`",
                names.join(" and "),
                folder.display()
            );
        }
        return Ok(names.is_empty());
    }
    print(if command.older { documents.v3_0() } else { documents.v3_1() })?;
    Ok(true)
}

async fn remind(command: Remind) -> Result<bool, Failure> {
    let programme = Programme::new(open_current(&command.place)?, Clock::system());
    let public_url = command.public_url.as_deref();
    if command.dry_run {
        let now = programme.clock().now();
        for subject in programme.people_to_remind().await.map_err(|refusal| told(&refusal))? {
            let reminder = programme.reminder(&subject, now).await.map_err(|refusal| told(&refusal))?;
            let Some(reminder) = reminder else { continue };
            let text = Site::new(public_url).text(&reminder);
            print(format!("To: {subject}\nSubject: Waymark: {}\n\n{text}\n", reminder.title()))?;
        }
        return Ok(true);
    }
    let courier = courier(&command.reminding, public_url)?.ok_or(NO_COURIER)?;
    let Reminded { sent, earlier, under_way, failed } =
        reminders::remind(&programme, &courier).await.map_err(|refusal| told(&refusal))?;
    let earlier = earlier + under_way;
    print(format!("{sent} reminded, {earlier} had been reminded today already, {failed} could not be reminded\n"))?;
    Ok(failed == 0)
}

/// What to do if nothing says how reminders reach people.
const NO_COURIER: &str = "state where reminders go: --smtp-url (WAYMARK_SMTP_URL), or --reminder-webhook-url with --reminder-webhook-secret (WAYMARK_REMINDER_WEBHOOK_URL, WAYMARK_REMINDER_WEBHOOK_SECRET)";

/// What brings people their reminders, if a setting says where they go.
fn courier(reminding: &Reminding, public_url: Option<&str>) -> Result<Option<Courier>, Failure> {
    let courier = match (&reminding.smtp_url, &reminding.reminder_webhook_url, &reminding.reminder_webhook_secret) {
        (Some(url), ..) => {
            Courier::mail(url, &reminding.smtp_from).map_err(|why| format!("--smtp-url, --smtp-from: {why}"))?
        }
        (None, Some(url), Some(secret)) => Courier::webhook(url, secret)
            .map_err(|why| format!("--reminder-webhook-url, --reminder-webhook-secret: {why}"))?,
        _ => return Ok(None),
    };
    Ok(Some(courier.leading_to(public_url)))
}
