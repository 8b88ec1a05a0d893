//! What the command line promises, held on both databases: the program is run as a person runs it, and judged by what it
//! prints and by how it ends.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says that it failed by panicking, and so do its helpers"
)]

#[path = "../support/postgres.rs"]
#[expect(dead_code, reason = "the tests of the store use all of it")]
mod postgres;

#[path = "../support/words.rs"]
mod words;

mod folders;
mod journals;
mod mistakes;
mod smallest;

use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use waymark::clock::Clock;
use waymark::domain::access::Role;
use waymark::domain::ids::Subject;
use waymark::store::{DatabaseUrl, Store, StoreError, StoreOptions, granting};

/// A desk to work at: a fresh database whose administrator is `ann`, and a folder for files.
pub(crate) struct Desk {
    address: String,
    folder: TempDir,
}

/// What a command printed, and whether it said that all went well.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) well: bool,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Desk {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("sqlite:{}", folder.path().join("waymark.db").display());
        let options = StoreOptions { create: true, ..StoreOptions::default() };
        Store::open(&address.parse().unwrap(), &options).unwrap().migrate().unwrap();
        Self { address, folder }.with_ann()
    }

    pub(crate) fn postgres() -> Option<Self> {
        let address = postgres::server()?.database();
        Some(Self { address, folder: tempfile::tempdir().unwrap() }.with_ann())
    }

    fn with_ann(self) -> Self {
        let url: DatabaseUrl = self.address.parse().unwrap();
        let ann: Subject = "ann".parse().unwrap();
        let store = Store::open(&url, &StoreOptions::default()).unwrap();
        let given = store.write_blocking::<_, StoreError, _>(|write| {
            granting::ensure_service_grant(write, &ann, Role::Administrator, &ann, Clock::system().now()).map(drop)
        });
        given.unwrap();
        self
    }

    /// A place in the folder for files.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file there.
    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// A copy of the Harrow plan's folder there.
    pub(crate) fn harrow(&self, name: &str) -> PathBuf {
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/harrow"), &self.path(name));
        self.path(name)
    }

    /// Runs a command on the database.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_waymark"));
        command.args(arguments).args(["--database-url", &self.address]);
        // What is set where the tests run is not for them.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("WAYMARK_")) {
            command.env_remove(name);
        }
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let said = Said { well: output.status.success(), out: text(output.stdout), err: text(output.stderr) };
        for text in [&said.out, &said.err] {
            let found = words::of_a_programmer(text);
            assert_eq!(found, None, "words of a programmer after {arguments:?}: {said:?}");
        }
        said
    }

    /// Runs a statement on the database behind the program's back.
    #[expect(clippy::disallowed_methods, reason = "behind the program's back is the point")]
    pub(crate) fn execute(&self, statement: &str) {
        match self.address.strip_prefix("sqlite:") {
            Some(file) => SqliteConnection::establish(file).unwrap().batch_execute(statement),
            None => PgConnection::establish(&self.address).unwrap().batch_execute(statement),
        }
        .unwrap();
    }

    /// Runs a command that must go well, and gives what it printed.
    pub(crate) fn well(&self, words: &[&str]) -> String {
        let said = self.run(words);
        assert!(said.well, "{words:?}: {said:?}");
        said.out
    }

    /// A status report as the API sends it, without what says when it was made.
    pub(crate) fn report(&self, plan: &str, period: &str) -> serde_json::Value {
        let text = self.well(&["report", "--plan", plan, "--as", "ann", "--period", period, "--format", "json"]);
        let mut report: serde_json::Value = serde_json::from_str(&text).unwrap();
        for member in ["as_of", "version"] {
            report.as_object_mut().unwrap().remove(member).unwrap();
        }
        report
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Makes two tests of each body `fn(&Desk)`.
macro_rules! on_both {
    ($($body:ident)*) => {
        mod sqlite {
            $(
                #[test]
                fn $body() {
                    super::$body(&crate::Desk::sqlite());
                }
            )*
        }

        mod postgres {
            $(
                #[test]
                fn $body() {
                    if let Some(desk) = crate::Desk::postgres() {
                        super::$body(&desk);
                    }
                }
            )*
        }
    };
}
use on_both;
