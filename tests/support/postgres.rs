//! A throw-away PostgreSQL server for tests, made from the machine's own binaries.
//!
//! One server a test process, started when first asked for; each test gets a database of its own, cloned from one that
//! was migrated once. The server lives exactly as long as the process: a watchdog waits on a pipe that only the process
//! holds, and when the pipe closes, whether the tests ended, panicked or were killed, it stops the server and removes its
//! files. (A static is never dropped, and a killed process runs no code: neither would do.)
//!
//! It speaks only to this machine, trusts everyone there, and writes nothing through to the disk. Its databases collate
//! as English does where it can, so that a key that forgot its `COLLATE "C"` sorts wrongly and shows.

use std::ffi::OsStr;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once, OnceLock, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use waymark::store::{DatabaseUrl, Store, StoreOptions};

/// A running server. Dropping it stops it.
pub(crate) struct Server {
    binaries: Binaries,
    directory: PathBuf,
    port: u16,
    /// Its standard input is the pipe that keeps the server alive.
    _watchdog: Child,
    template: Mutex<bool>,
    databases: AtomicU32,
}

/// The process's own server; `None`, reported on the terminal, if the machine has no PostgreSQL.
///
/// # Panics
/// Where there is none and `WAYMARK_REQUIRE_POSTGRES` is `1`, or where the server does not start.
pub(crate) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(Server::start).as_ref()
}

/// States once per test program, past what the test harness holds back, what is not tested.
fn report_absence() {
    static REPORTED: Once = Once::new();
    REPORTED.call_once(|| {
        let line = "=".repeat(78);
        let skipped = skipped().filter(|count| *count > 0).map_or("some".to_owned(), |count| count.to_string());
        let text = format!(
            "\n{line}\nNOT TESTED ON POSTGRESQL. Not run, although they say \"ok\": {skipped} of this program's tests.\n\
             Its programs initdb, pg_ctl and postgres were not found. Install them (on Debian and\n\
             Ubuntu: apt-get install postgresql), or set WAYMARK_POSTGRES_BIN to their folder.\n\
             With WAYMARK_REQUIRE_POSTGRES=1 their absence is an error.\n{line}\n\n"
        );
        // Not `eprintln!`, which the harness shows of tests that fail only.
        let _nobody_there = std::io::stderr().lock().write_all(text.as_bytes());
    });
}

/// How many of the tests that this process was asked to run are about PostgreSQL, as its own list says.
fn skipped() -> Option<usize> {
    let mut list = Command::new(std::env::current_exe().ok()?);
    list.args(std::env::args_os().skip(1)).arg("--list");
    let listed = list.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let names = String::from_utf8(listed.stdout).ok()?;
    Some(names.lines().filter(|name| name.ends_with(": test") && name.contains("postgres")).count())
}

impl Server {
    /// A server of one's own, to stop and start at will.
    pub(crate) fn start() -> Option<Self> {
        let Some(binaries) = Binaries::find() else {
            let required = std::env::var_os("WAYMARK_REQUIRE_POSTGRES").is_some_and(|value| value == "1");
            assert!(!required, "WAYMARK_REQUIRE_POSTGRES=1, and no PostgreSQL binaries were found");
            report_absence();
            return None;
        };
        let directory = tempfile::Builder::new().prefix("waymark-pg-").tempdir().unwrap().keep();
        binaries.give(&directory);
        let data = directory.join("data");
        let watchdog = binaries.watch(&directory, &data);
        let initdb = |collation: &[&str]| {
            let mut command = binaries.command("initdb");
            command.arg("-D").arg(&data).args(["-U", "waymark", "-A", "trust", "--encoding=UTF8", "--locale=C"]);
            run(command.arg("--no-sync").args(collation))
        };
        if let Err(without_icu) = initdb(&["--locale-provider=icu", "--icu-locale=en-GB"]) {
            initdb(&[]).unwrap_or_else(|error| panic!("{without_icu}\n{error}"));
        }
        let mut server = Self {
            binaries,
            directory,
            port: 0,
            _watchdog: watchdog,
            template: Mutex::new(false),
            databases: AtomicU32::new(0),
        };
        // Between our asking for a free port and the server's taking it, another may: then ask again.
        for attempt in 1.. {
            server.port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
            match server.try_resume() {
                Ok(()) => break,
                Err(error) => assert!(attempt < 5, "PostgreSQL does not start: {error}"),
            }
        }
        Some(server)
    }

    fn try_resume(&self) -> Result<(), String> {
        let settings = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories={} -c fsync=off \
             -c full_page_writes=off -c synchronous_commit=off -c max_connections=200 -c autovacuum=off",
            self.port,
            self.directory.display(),
        );
        let mut command = self.binaries.command("pg_ctl");
        command.arg("-D").arg(self.directory.join("data")).arg("-l").arg(self.directory.join("log"));
        run(command.args(["-w", "-t", "60", "-o", &settings, "start"]))
    }

    /// Starts the server again on its old port.
    pub(crate) fn resume(&self) {
        self.try_resume().unwrap();
    }

    /// Stops the server, cutting off whoever is connected.
    pub(crate) fn stop(&self) {
        let mut command = self.binaries.command("pg_ctl");
        command.arg("-D").arg(self.directory.join("data")).args(["-w", "-m", "fast", "stop"]);
        run(&mut command).unwrap();
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://waymark@127.0.0.1:{}/{database}", self.port)
    }

    /// The URL of a new database without tables.
    pub(crate) fn empty_database(&self) -> String {
        let _one_at_a_time = self.template.lock().unwrap_or_else(PoisonError::into_inner);
        self.make("template1")
    }

    /// The URL of a new database with all tables.
    pub(crate) fn database(&self) -> String {
        let mut made = self.template.lock().unwrap_or_else(PoisonError::into_inner);
        if !*made {
            self.execute("CREATE DATABASE migrated");
            let url: DatabaseUrl = self.url("migrated").parse().unwrap();
            Store::open(&url, &StoreOptions::default()).unwrap().migrate().unwrap();
            *made = true;
        }
        // Still locked: two cannot be cloned from one at a time.
        self.make("migrated")
    }

    fn make(&self, template: &str) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        self.url(&name)
    }

    #[expect(clippy::disallowed_methods, reason = "the server's own database is not one of the store's")]
    fn execute(&self, statement: &str) {
        PgConnection::establish(&self.url("postgres")).unwrap().batch_execute(statement).unwrap();
    }
}

struct Binaries {
    folder: PathBuf,
    /// PostgreSQL refuses to run as root: what runs it as someone else, and as whom.
    disguise: Option<(&'static str, &'static str)>,
}

impl Binaries {
    fn find() -> Option<Self> {
        let named = std::env::var_os("WAYMARK_POSTGRES_BIN").map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut installed: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .filter_map(|version| Some(version.ok()?.path().join("bin")))
            .collect();
        // The newest first, by number: 9.6 before 15.
        installed.sort_by_key(|folder| {
            let version = folder.parent().and_then(Path::file_name).and_then(OsStr::to_str).unwrap_or_default();
            std::cmp::Reverse(version.split('.').next().and_then(|major| major.parse::<u32>().ok()))
        });
        let has_all =
            |folder: &PathBuf| ["initdb", "pg_ctl", "postgres"].iter().all(|binary| folder.join(binary).is_file());
        // What is named is meant: a folder without them is no reason to look elsewhere.
        let folder = match named {
            Some(named) => Some(named).filter(has_all),
            None => std::env::split_paths(&path).chain(installed).find(has_all),
        }?;
        let is_root = answer("id", &["-u"]).is_some_and(|id| id == "0");
        let disguise = is_root.then(|| {
            let user = if answer("id", &["-u", "postgres"]).is_some() { "postgres" } else { "nobody" };
            let tool = ["setpriv", "runuser"].into_iter().find(|tool| answer(tool, &["--version"]).is_some());
            (tool.expect("root needs setpriv or runuser to start PostgreSQL"), user)
        });
        Some(Self { folder, disguise })
    }

    fn command(&self, binary: &str) -> Command {
        let binary = self.folder.join(binary);
        let mut command = match self.disguise {
            None => return in_own_folder(Command::new(binary)),
            Some(("setpriv", user)) => {
                let group = answer("id", &["-g", user]).unwrap();
                let mut command = Command::new("setpriv");
                command.args([&format!("--reuid={user}"), &format!("--regid={group}"), "--clear-groups"]);
                command
            }
            Some((tool, user)) => {
                let mut command = Command::new(tool);
                command.args(["-u", user, "--"]);
                command
            }
        };
        command.arg(binary);
        in_own_folder(command)
    }

    /// Gives the folder to whom the server runs as.
    fn give(&self, folder: &Path) {
        if let Some((_, user)) = self.disguise {
            run(Command::new("chown").arg(user).arg(folder)).unwrap();
        }
    }

    /// Starts the watchdog: in a group of its own and deaf to the terminal's signals, so that it outlives the tests.
    fn watch(&self, directory: &Path, data: &Path) -> Child {
        let stop = self.command("pg_ctl");
        Command::new("sh")
            .arg("-c")
            .arg("trap '' INT TERM HUP; cat; data=$1; directory=$2; shift 2; \"$@\" -D \"$data\" -m immediate stop; rm -rf \"$directory\"")
            .arg("watchdog")
            .args([data, directory])
            .arg(stop.get_program())
            .args(stop.get_args())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap()
    }
}

/// The server's user may not enter the folder that the tests run in.
fn in_own_folder(mut command: Command) -> Command {
    command.current_dir("/");
    command
}

fn answer(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn run(command: &mut Command) -> Result<(), String> {
    // Not through a pipe: the server would keep it open.
    let said = tempfile::tempfile().map_err(|error| error.to_string())?;
    let status = command
        .stdin(Stdio::null())
        .stdout(said.try_clone().map_err(|error| error.to_string())?)
        .stderr(said.try_clone().map_err(|error| error.to_string())?)
        .status()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() {
        return Ok(());
    }
    let mut words = String::new();
    let mut said = said;
    std::io::Seek::rewind(&mut said).map_err(|error| error.to_string())?;
    std::io::Read::read_to_string(&mut said, &mut words).map_err(|error| error.to_string())?;
    Err(format!("{command:?}: {status}\n{words}"))
}
