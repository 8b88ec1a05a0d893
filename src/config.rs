//! Settings: the only reader of flags, environment and file.
//!
//! Every setting is a flag, a `WAYMARK_*` variable and a line of a TOML file (`--config FILE`), under the same name: a flag
//! goes before a variable, a variable before the file.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, NaiveTime, Utc};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;

use crate::domain::access::Role;
use crate::domain::ids::{PlanCode, Subject};
use crate::domain::wording::{io_fault, shown, unreadable};
use crate::store::DatabaseUrl;

/// Waymark keeps a partnership's plan, its KPIs, targets and figures, and states how each is doing and why.
#[derive(Debug, Parser)]
#[command(name = "waymark", version, about, args_override_self = true, max_term_width = 120)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Load the Harrow plan with invented figures into an embedded database, and serve it.
    Demo(Demo),
    /// Serve the API.
    ///
    /// Needs keys to verify tokens with: a local key file (`waymark token --create-key` makes one), a JWKS file or a JWKS
    /// URL. Keeps everything in an SQLite file in the data folder unless a database URL is given.
    Serve(Box<Serve>),
    /// Bring a database's tables up to date.
    Migrate(Migrate),
    /// Import a CSV file or an Excel workbook of readings or targets, or a folder with a whole plan.
    ///
    /// A folder is imported whole or not at all: every file is checked first, and everything that is wrong is listed at once.
    /// A service that shares an SQLite database cannot write meanwhile.
    Import(Import),
    /// Write a plan into a folder that `import` reads.
    Export(Export),
    /// Remove a plan that was made by mistake.
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Print a status report.
    Report(Report),
    /// Sign an access token with the local key, and print it and nothing else.
    Token(Token),
    /// Print a link that signs a person in to the pages, once.
    ///
    /// For the first administrator, and wherever people cannot sign in with an account of their organisation.
    SignInLink(SignInLink),
    /// Print the OpenAPI document, write both versions of it, or check that what was written is up to date.
    Openapi(Openapi),
    /// Check a database's journals and revisions, and list what is broken.
    Verify(Verify),
    /// Print the service's journal: every change of tokens, links, clients, roles in the service, who an account is, and reminders.
    ///
    /// One entry per line, as JSON, oldest first. Changes to a plan are in the plan's own journal.
    Journal(Journal),
    /// Send everyone who owes figures or actions one mail that lists them: run it once a day, or let the service send
    /// them (`serve --remind-at`).
    ///
    /// Reminds sub-group leads and contributors by mail or webhook, each once a day however often it is run.
    Remind(Remind),
}

/// Where things are stored.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// A TOML file with settings, each under the name of its flag.
    #[arg(long, env = "WAYMARK_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The folder for the embedded database (waymark.db) and the signing key (signing-key.pem).
    #[arg(long, env = "WAYMARK_DATA_DIR", value_name = "DIR", default_value = "waymark-data")]
    pub data_dir: PathBuf,
    /// The database: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`. Without it, waymark.db in the data folder.
    #[arg(long, env = "WAYMARK_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// A file that holds the database URL, so that the password is in no command line or environment.
    #[arg(long, env = "WAYMARK_DATABASE_URL_FILE", value_name = "FILE", conflicts_with = "database_url")]
    pub database_url_file: Option<PathBuf>,
    /// Connections to the database: SQLite's readers, or all of PostgreSQL's.
    #[arg(long, env = "WAYMARK_CONNECTIONS", value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub connections: u32,
    /// What to log: error, warn, info, debug, trace, or directives such as `waymark=debug,info`.
    #[arg(long, env = "WAYMARK_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// How to log.
    #[arg(long, env = "WAYMARK_LOG_FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// A setting that cannot be used: which, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl Place {
    /// The database that is meant.
    ///
    /// # Errors
    /// If the file with the URL cannot be read or holds none.
    pub fn database(&self) -> Result<DatabaseUrl, ConfigError> {
        // Not parsed if clap would quote it when it is wrong: it may hold a password.
        let text = match (&self.database_url, &self.database_url_file) {
            (Some(url), _) => url.clone(),
            (None, Some(file)) => std::fs::read_to_string(file).map_err(|error| {
                ConfigError(format!("--database-url-file {}: {}", file.display(), io_fault(&error)))
            })?,
            (None, None) => format!("sqlite:{}", self.data_dir.join("waymark.db").display()),
        };
        text.trim().parse().map_err(|error| ConfigError(format!("the database URL {error}")))
    }

    /// Where the local signing key is unless a setting says otherwise.
    pub fn default_key_file(&self) -> PathBuf {
        self.data_dir.join("signing-key.pem")
    }
}

/// What tokens must state.
#[derive(Clone, Debug, Args)]
pub struct Issuing {
    /// The issuer (`iss`) of tokens.
    #[arg(long, env = "WAYMARK_ISSUER", value_name = "URL", default_value = "https://waymark.invalid")]
    pub issuer: String,
    /// The audience (`aud`) of tokens.
    #[arg(long, env = "WAYMARK_AUDIENCE", value_name = "NAME", default_value = "waymark")]
    pub audience: String,
    /// The local signing key, Ed25519 or ES256 in PEM (PKCS #8). Without it, signing-key.pem in the data folder if it
    /// exists.
    #[arg(long, env = "WAYMARK_KEY_FILE", value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

/// `waymark demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// The address to serve on.
    #[arg(long, env = "WAYMARK_BIND", value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub bind: SocketAddr,
    /// The folder to store the demo in, used again if it exists. Without it, a temporary one.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// What to log.
    #[arg(long, env = "WAYMARK_LOG", value_name = "FILTER", default_value = "warn")]
    pub log: String,
}

/// `waymark serve`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Serve {
    /// Where things are stored.
    #[command(flatten)]
    pub place: Place,
    /// What tokens must state.
    #[command(flatten)]
    pub issuing: Issuing,
    /// The address to serve on.
    #[arg(long, env = "WAYMARK_BIND", value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub bind: SocketAddr,
    /// A JWKS file with keys to verify tokens with; read again when it changes.
    #[arg(long, env = "WAYMARK_JWKS_FILE", value_name = "FILE")]
    pub jwks_file: Option<PathBuf>,
    /// A JWKS URL (https, or http on this machine) with keys to verify tokens with; keys rotate without a restart.
    #[arg(long, env = "WAYMARK_JWKS_URL", value_name = "URL")]
    pub jwks_url: Option<String>,
    /// The issuer of people's tokens, if the keys of --jwks-file and --jwks-url belong to another than --issuer, such
    /// as a council's sign-in. Each issuer's tokens are then accepted with its own keys only.
    #[arg(long, env = "WAYMARK_OIDC_ISSUER", value_name = "URL")]
    pub oidc_issuer: Option<String>,
    /// What this service is called at --oidc-issuer. With it, people sign in to the pages with an account there.
    #[arg(long, env = "WAYMARK_OIDC_CLIENT_ID", value_name = "ID", requires = "oidc_issuer")]
    pub oidc_client_id: Option<String>,
    /// A file with what this service proves itself with there. Without it, as a public client.
    #[arg(long, env = "WAYMARK_OIDC_CLIENT_SECRET_FILE", value_name = "FILE", requires = "oidc_client_id")]
    pub oidc_client_secret_file: Option<PathBuf>,
    /// The claim that an account is known by there: `sub`, or for Entra ID `oid` or `email`. Chosen once: with another,
    /// everyone is somebody else.
    #[arg(long, env = "WAYMARK_SUBJECT_CLAIM", value_name = "NAME", default_value = "sub")]
    pub subject_claim: String,
    /// Whether an e-mail address counts that the issuer does not say is verified: only if nobody can choose theirs there.
    #[arg(long, env = "WAYMARK_OIDC_TRUST_EMAIL", value_name = "true|false", default_value_t = false, action = ArgAction::Set)]
    pub oidc_trust_email: bool,
    /// Accept personal access tokens as the password of HTTP Basic too, for spreadsheets and similar tools.
    #[arg(long, env = "WAYMARK_BASIC_AUTH", value_name = "true|false", default_value_t = false, action = ArgAction::Set)]
    pub basic_auth: bool,
    /// Requests per minute that each caller may send to an instance; 0 for no limit.
    #[arg(long, env = "WAYMARK_RATE_LIMIT", value_name = "N", default_value_t = 6000)]
    pub rate_limit: u32,
    /// Networks that proxies before the service ask from, with commas between: `10.0.0.5,172.16.0.0/12`. Callers without a token
    /// are counted by the address that these give in X-Forwarded-For; without it, by the address that asks.
    #[arg(long, env = "WAYMARK_TRUSTED_PROXIES", value_name = "NETWORKS", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may ask from a browser, with commas between: `https://dashboard.example`.
    #[arg(long, env = "WAYMARK_CORS_ORIGINS", value_name = "ORIGINS", value_delimiter = ',')]
    pub cors_origins: Vec<String>,
    /// The address that the service is reached at from outside: `https://waymark.example`.
    #[arg(long, env = "WAYMARK_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Whom to inform of a weakness, for /.well-known/security.txt: `mailto:…` or `https:…`.
    #[arg(long, env = "WAYMARK_SECURITY_CONTACT", value_name = "URI")]
    pub security_contact: Option<String>,
    /// What opens /metrics, sent as `Authorization: Bearer …`: 16 characters or more. Better given by the variable,
    /// which no list of processes shows. Without it, /metrics is open to anyone on this machine, but not through a
    /// proxy.
    #[arg(long, env = "WAYMARK_METRICS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub metrics_token: Option<String>,
    /// A subject that administers the whole service: it gets that grant at start. Needed to begin a new installation.
    #[arg(long, env = "WAYMARK_ADMINISTRATOR", value_name = "SUBJECT")]
    pub administrator: Option<Subject>,
    /// A subject that no longer administers the whole service: its grant is revoked at start.
    #[arg(long, env = "WAYMARK_FORMER_ADMINISTRATOR", value_name = "SUBJECT")]
    pub former_administrator: Option<Subject>,
    /// Whether to bring the database's tables up to date at start.
    #[arg(long, env = "WAYMARK_MIGRATE", value_name = "true|false", default_value_t = true, action = ArgAction::Set)]
    pub migrate: bool,
    /// Threads that answer requests; without it, one per core.
    #[arg(long, env = "WAYMARK_WORKERS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub workers: Option<u16>,
    /// Whether this instance delivers webhooks. If several serve one database, one at a time delivers to a subscriber.
    #[arg(long, env = "WAYMARK_WEBHOOKS", value_name = "true|false", default_value_t = true, action = ArgAction::Set)]
    pub webhooks: bool,
    /// Whether webhooks may go to http and to private addresses: only if all who may make one are trusted with this
    /// network.
    #[arg(long, env = "WAYMARK_WEBHOOKS_ALLOW_PRIVATE", value_name = "true|false", default_value_t = false, action = ArgAction::Set)]
    pub webhooks_allow_private: bool,
    /// The time of day in London, such as 09:00, at which to send everyone who owes figures or actions one reminder that lists
    /// them, by mail or webhook. If it cannot be sent, it is tried again that day. Several instances may have this
    /// setting: each person is reminded once.
    #[arg(long, env = "WAYMARK_REMIND_AT", value_name = "TIME", value_parser = time_of_day)]
    pub remind_at: Option<NaiveTime>,
    /// How reminders reach people.
    #[command(flatten)]
    pub reminding: Reminding,
    /// Seconds that requests under way are given when the service is stopped.
    #[arg(long, env = "WAYMARK_SHUTDOWN_SECONDS", value_name = "N", default_value_t = 30)]
    pub shutdown_seconds: u64,
}

/// A network, or the one of a single address.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let alone = text.parse::<IpAddr>().map(IpNet::from);
    alone
        .or_else(|_no_address| text.parse())
        .map_err(|_neither| "write an address or a network, such as 10.0.0.0/8".to_owned())
}

/// `waymark migrate`
#[derive(Debug, Args)]
pub struct Migrate {
    /// Where things are stored.
    #[command(flatten)]
    pub place: Place,
    /// Change nothing; list what is pending, and fail if anything is.
    #[arg(long)]
    pub check: bool,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileKind {
    /// Readings.
    Readings,
    /// Targets.
    Targets,
}

/// `waymark import`
#[derive(Debug, Args)]
pub struct Import {
    /// Where things are stored.
    #[command(flatten)]
    pub place: Place,
    /// The CSV file or workbook (.xlsx), or a folder with a whole plan (plan.csv, kpis.csv, targets/, readings/ and the rest).
    #[arg(value_name = "FILE", required_unless_present = "columns")]
    pub path: Option<PathBuf>,
    /// The plan that a file is for; for a folder the code that its plan is given, in place of the one in plan.csv.
    #[arg(long, env = "WAYMARK_PLAN", value_name = "CODE")]
    pub plan: Option<PlanCode>,
    /// Whose grants apply, and who is named in the journal.
    #[arg(long = "as", value_name = "SUBJECT", required_unless_present = "columns")]
    pub subject: Option<Subject>,
    /// What the file holds: readings unless given. A folder's files state it themselves.
    #[arg(long, value_enum)]
    pub kind: Option<FileKind>,
    /// Show what the import would do, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Print the files and columns of a folder, as Markdown, and do nothing else.
    #[arg(long)]
    pub columns: bool,
}

/// `waymark export`
#[derive(Debug, Args)]
pub struct Export {
    /// Where things are stored.
    #[command(flatten)]
    pub place: Place,
    /// The plan's code.
    #[arg(value_name = "PLAN")]
    pub plan: PlanCode,
    /// The folder: one that does not exist yet, or an empty one.
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Whose grants apply: an administrator of the plan.
    #[arg(long = "as", value_name = "SUBJECT")]
    pub subject: Subject,
}

/// `waymark plan`
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// Remove a plan with everything in it, while no return was signed off, no board report was frozen and no plan goes on from it.
    ///
    /// Its grants, webhooks, links and clients go too. What stays is one entry that states who removed it and when.
    Remove(RemovePlan),
}

/// `waymark plan remove`
#[derive(Debug, Args)]
pub struct RemovePlan {
    /// Where things are stored.
    #[command(flatten)]
    pub place: Place,
    /// The plan's code.
    #[arg(value_name = "PLAN")]
    pub plan: PlanCode,
    /// Whose grants apply, and who is named in what stays of the plan: an administrator of the plan.
    #[arg(long = "as", value_name = "SUBJECT")]
    pub subject: Subject,
    /// Do it. Without this, show what would be removed and do nothing.
    #[arg(long)]
    pub yes: bool,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    Text,
    /// As the API sends it.
    Json,
    /// One row per KPI.
    Csv,
}

/// `waymark report`
#[derive(Debug, Args)]
pub struct Report {
    /// Where things are stored.
    #[command(flatten)]
    pub place: Place,
    /// The plan's code.
    #[arg(long, env = "WAYMARK_PLAN", value_name = "CODE")]
    pub plan: PlanCode,
    /// Whose grants apply.
    #[arg(long = "as", value_name = "SUBJECT")]
    pub subject: Subject,
    /// The period; without it, the latest financial quarter of the plan that has ended and has figures.
    #[arg(long, value_name = "PERIOD")]
    pub period: Option<String>,
    /// As known at this instant, such as 2010-05-14T12:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    pub as_of: Option<DateTime<Utc>>,
    /// How to print it.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ReportFormat,
    /// Write it to this file as a page to be mailed or printed: exceptions, and every KPI as an annex.
    #[arg(long, value_name = "FILE", conflicts_with = "format")]
    pub html: Option<PathBuf>,
}

/// `waymark token`
#[derive(Debug, Args)]
pub struct Token {
    /// A TOML file with settings, each under the name of its flag.
    #[arg(long, env = "WAYMARK_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The folder with the signing key (signing-key.pem).
    #[arg(long, env = "WAYMARK_DATA_DIR", value_name = "DIR", default_value = "waymark-data")]
    pub data_dir: PathBuf,
    /// What tokens must state.
    #[command(flatten)]
    pub issuing: Issuing,
    /// The subject (`sub`) of the token: whom grants are given to.
    #[arg(long, value_name = "SUBJECT", required_unless_present_any = ["role", "create_key"])]
    pub subject: Option<Subject>,
    /// The demo's subject of this role, in place of --subject.
    #[arg(long, value_name = "ROLE", conflicts_with = "subject")]
    pub role: Option<Role>,
    /// How long the token is valid, in hours.
    #[arg(long, value_name = "HOURS", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=8760))]
    pub hours: u32,
    /// Make the signing key (Ed25519) if there is none yet.
    #[arg(long)]
    pub create_key: bool,
}

/// `waymark sign-in-link`
#[derive(Debug, Args)]
pub struct SignInLink {
    /// Where things are stored.
    #[command(flatten)]
    pub place: Place,
    /// Who is signed in by it: whom grants are given to.
    #[arg(long, value_name = "SUBJECT", required_unless_present = "role")]
    pub subject: Option<Subject>,
    /// The demo's subject of this role, in place of --subject.
    #[arg(long, value_name = "ROLE", conflicts_with = "subject")]
    pub role: Option<Role>,
    /// The address that the service is reached at.
    #[arg(long, env = "WAYMARK_PUBLIC_URL", value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub public_url: String,
    /// How long the link is good for if nobody uses it, in minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10080))]
    pub minutes: u32,
}

/// `waymark openapi`
#[derive(Debug, Args)]
pub struct Openapi {
    /// Print OpenAPI 3.0 in place of 3.1.
    #[arg(long = "3.0")]
    pub older: bool,
    /// Write openapi.json and openapi-3.0.json into this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "older")]
    pub write: Option<PathBuf>,
    /// Fail if the documents in this folder are not what this version writes.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["older", "write"])]
    pub check: Option<PathBuf>,
}

/// `waymark verify`
#[derive(Debug, Args)]
pub struct Verify {
    /// Where things are stored.
    #[command(flatten)]
    pub place: Place,
    /// Only this plan.
    #[arg(long, env = "WAYMARK_PLAN", value_name = "CODE")]
    pub plan: Option<PlanCode>,
}

/// `waymark journal`
#[derive(Debug, Args)]
pub struct Journal {
    /// Where things are stored.
    #[command(flatten)]
    pub place: Place,
    /// Only the entries after this number.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    pub after: i64,
}

/// `waymark remind`
#[derive(Debug, Args)]
pub struct Remind {
    /// Where things are stored.
    #[command(flatten)]
    pub place: Place,
    /// How reminders reach people.
    #[command(flatten)]
    pub reminding: Reminding,
    /// The address that the service is reached at from outside: `https://waymark.example`. With it, each reminder leads to the
    /// page where what is owed is reported.
    #[arg(long, env = "WAYMARK_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Print what would be sent, and send nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// How reminders reach people.
#[derive(Clone, Debug, Args)]
pub struct Reminding {
    /// The mail server for reminders: `smtps://USER:PASSWORD@HOST`, or `smtp://HOST:PORT` for one on this machine.
    #[arg(long, env = "WAYMARK_SMTP_URL", value_name = "URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Whom mail is from.
    #[arg(
        long,
        env = "WAYMARK_SMTP_FROM",
        value_name = "ADDRESS",
        default_value = "Waymark <waymark@localhost.localdomain>"
    )]
    pub smtp_from: String,
    /// In place of mail, an address that each reminder is posted to, signed as Standard Webhooks has it; anyone whose
    /// subject is not an e-mail address is reminded too. Private addresses are allowed.
    #[arg(
        long,
        env = "WAYMARK_REMINDER_WEBHOOK_URL",
        value_name = "URL",
        hide_env_values = true,
        conflicts_with = "smtp_url",
        requires = "reminder_webhook_secret"
    )]
    pub reminder_webhook_url: Option<String>,
    /// What the reminders that are posted are signed with: `whsec_` and base64.
    #[arg(long, env = "WAYMARK_REMINDER_WEBHOOK_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub reminder_webhook_secret: Option<String>,
}

/// A time of day, by clocks in London.
fn time_of_day(text: &str) -> Result<NaiveTime, String> {
    let time = Some(text).filter(|text| text.len() == "09:00".len());
    time.and_then(|text| NaiveTime::parse_from_str(text, "%H:%M").ok())
        .ok_or_else(|| "write a time such as 09:00".to_owned())
}

impl Serve {
    /// How long requests under way are given at the end.
    pub fn shutdown(&self) -> Duration {
        Duration::from_secs(self.shutdown_seconds)
    }
}

/// Reads the command line, the environment and the file that they may name.
///
/// Ends the process with a message if they make no sense, as clap does.
pub fn read() -> Cli {
    let given: Vec<OsString> = std::env::args_os().collect();
    read_from(&given, |name| std::env::var_os(name)).unwrap_or_else(|error| error.exit())
}

/// Reads the settings from these words and this environment.
///
/// # Errors
/// clap's, which state what to do.
fn read_from(given: &[OsString], env: impl Fn(&str) -> Option<OsString>) -> Result<Cli, clap::Error> {
    parsed(given, env).map_err(plainly)
}

/// An error about a value, with advice in place of what a parser of the standard library says.
fn plainly(error: clap::Error) -> clap::Error {
    use std::error::Error as _;
    let advice = error.source().map(ToString::to_string).and_then(|words| unreadable(&words));
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match (advice, text(ContextKind::InvalidValue), text(ContextKind::InvalidArg)) {
        (Some(advice), Some(value), Some(argument)) => {
            let detail = format!("invalid value '{}' for '{argument}': {advice}", shown(value));
            Cli::command().error(ErrorKind::ValueValidation, detail)
        }
        _ => error,
    }
}

fn parsed(given: &[OsString], env: impl Fn(&str) -> Option<OsString>) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(given)?;
    let file = matches.subcommand().and_then(|(_, sub)| sub.try_get_one::<PathBuf>("config").ok().flatten().cloned());
    let Some(file) = file else { return Cli::from_arg_matches(&matches) };
    let name = matches.subcommand_name().unwrap_or_default().to_owned();
    let extra = from_file(&mut command, &name, &file, given, env)?;
    // Right behind the subcommand, so that a flag the person gave comes later and wins.
    let place = given.iter().position(|word| *word == *name).map_or(given.len(), |place| place + 1);
    let (head, tail) = given.split_at(place);
    let words = head.iter().cloned().chain(extra).chain(tail.iter().cloned());
    Cli::from_arg_matches(&command.try_get_matches_from_mut(words)?)
}

/// Two flags that give one setting: the database's URL, or the file that it is in.
const DATABASE: [&str; 2] = ["database-url", "database-url-file"];

/// The file's settings as flags, but for those that a flag or the environment gives.
fn from_file(
    command: &mut clap::Command,
    name: &str,
    file: &Path,
    given: &[OsString],
    env: impl Fn(&str) -> Option<OsString>,
) -> Result<Vec<OsString>, clap::Error> {
    let wrong = |command: &mut clap::Command, detail: String| {
        command.error(ErrorKind::InvalidValue, format!("{}: {detail}", file.display()))
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(command, io_fault(&error)))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let place = error.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
        let place = place.map(|line| format!("line {line}: ")).unwrap_or_default();
        wrong(command, format!("{place}{}", error.message()))
    })?;
    let stands_higher = |flag: &str| {
        let word = format!("--{flag}");
        let flagged = |given: &OsString| given.to_str().and_then(|given| given.split('=').next()) == Some(&word);
        given.iter().any(flagged) || env(&format!("WAYMARK_{}", flag.to_uppercase().replace('-', "_"))).is_some()
    };
    let mut words = Vec::new();
    for (key, value) in table {
        let flag = key.replace('_', "-");
        // A setting has a variable; what has none is an order for this once.
        let is_setting = |arg: &clap::Arg| arg.get_long() == Some(&flag) && arg.get_env().is_some() && flag != "config";
        if !command.get_subcommands().any(|sub| sub.get_arguments().any(is_setting)) {
            return Err(wrong(command, format!("there is no setting `{key}`")));
        }
        // One file serves every command: a setting of another command is skipped.
        let known = command.find_subcommand(name).is_some_and(|sub| sub.get_arguments().any(is_setting));
        let same: &[&str] = if DATABASE.contains(&&*flag) { &DATABASE } else { &[&flag] };
        if !known || same.iter().any(|flag| stands_higher(flag)) {
            continue;
        }
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(flag) => flag.to_string(),
            _ => return Err(wrong(command, format!("`{key}` is a text, a whole number, true or false"))),
        };
        words.push(format!("--{flag}={text}").into());
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str], env: &[(&str, &str)]) -> Result<Cli, String> {
        let words: Vec<OsString> =
            std::iter::once("waymark").chain(words.iter().copied()).map(OsString::from).collect();
        let lookup = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        read_from(&words, lookup).map_err(|error| error.to_string())
    }

    fn serve(words: &[&str], env: &[(&str, &str)]) -> Serve {
        match read(words, env).unwrap().command {
            Command::Serve(serve) => *serve,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_flag_goes_before_the_file_and_the_file_before_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("waymark.toml");
        std::fs::write(
            &file,
            "bind = \"127.0.0.1:9000\"\nissuer = \"https://file.example\"\nmigrate = false\nconnections = 3\n",
        )
        .unwrap();
        let config = file.to_str().unwrap();
        let from_file = serve(&["serve", "--config", config], &[]);
        assert_eq!((from_file.bind.port(), from_file.place.connections, from_file.migrate), (9000, 3, false));
        assert_eq!(from_file.issuing.issuer, "https://file.example");
        assert_eq!(from_file.issuing.audience, "waymark");
        let flag = serve(&["serve", "--bind", "127.0.0.1:7000", "--config", config], &[]);
        assert_eq!(flag.bind.port(), 7000);
        // What the environment sets, the file does not: clap reads the variable by itself.
        let env = serve(&["serve", "--config", config], &[("WAYMARK_BIND", "127.0.0.1:6000")]);
        assert_eq!(env.bind.port(), 8080);
    }

    #[test]
    fn webhooks_are_delivered_and_go_to_no_private_address_unless_told_otherwise() {
        let usual = serve(&["serve"], &[]);
        assert_eq!((usual.webhooks, usual.webhooks_allow_private), (true, false));
        let told = serve(&["serve", "--webhooks", "false", "--webhooks-allow-private", "true"], &[]);
        assert_eq!((told.webhooks, told.webhooks_allow_private), (false, true));
    }

    #[test]
    fn reminders_are_sent_at_a_time_of_day() {
        assert_eq!(serve(&["serve"], &[]).remind_at, None);
        for time in ["09:00", "00:00", "23:59"] {
            let at = serve(&["serve", "--remind-at", time], &[]).remind_at.unwrap();
            assert_eq!(at.format("%H:%M").to_string(), time);
        }
        for wrong in ["", "9", "9:00", "24:00", "09:60", "09:00:00", "9 am", "+9:00"] {
            let error = read(&["serve", "--remind-at", wrong], &[]).unwrap_err();
            assert!(error.contains("write a time such as 09:00") || wrong.is_empty(), "{wrong}: {error}");
        }
        let alone = ["serve", "--reminder-webhook-url", "https://chat.example/hook"];
        assert!(read(&alone, &[]).unwrap_err().contains("--reminder-webhook-secret"));
    }

    #[test]
    fn a_slip_in_the_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("waymark.toml");
        for (text, told) in [
            ("dry_run = true", "no setting `dry_run`"),
            ("bond = \"x\"", "no setting `bond`"),
            ("bind = [1]", "is a text"),
            ("bind = \"x\"", "invalid value 'x'"),
            ("=", "keys cannot be empty"),
        ] {
            std::fs::write(&file, text).unwrap();
            let error = read(&["serve", "--config", file.to_str().unwrap()], &[]).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn the_database_is_in_the_data_folder_unless_told_otherwise() {
        let place = |words: &[&str]| serve(words, &[]).place.database();
        assert_eq!(place(&["serve", "--data-dir", "/d"]).unwrap().sqlite_path().unwrap(), Path::new("/d/waymark.db"));
        assert_eq!(
            place(&["serve", "--database-url", "sqlite:/x.db"]).unwrap().sqlite_path().unwrap(),
            Path::new("/x.db")
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        std::fs::write(&file, "sqlite:/y.db\n").unwrap();
        assert_eq!(
            place(&["serve", "--database-url-file", file.to_str().unwrap()]).unwrap().sqlite_path().unwrap(),
            Path::new("/y.db")
        );
        let config = folder.path().join("waymark.toml");
        std::fs::write(&config, "database_url_file = \"/nowhere\"").unwrap();
        let told = place(&["serve", "--config", config.to_str().unwrap(), "--database-url", "sqlite:/x.db"]);
        assert_eq!(told.unwrap().sqlite_path().unwrap(), Path::new("/x.db"));
        let wrong = place(&["serve", "--database-url", "postgres://u:se#cret@h x/db"]).unwrap_err().to_string();
        assert!(!wrong.contains("cret"), "{wrong}");
        assert!(
            place(&["serve", "--database-url-file", "/nowhere"])
                .unwrap_err()
                .to_string()
                .contains("--database-url-file")
        );
    }
}
