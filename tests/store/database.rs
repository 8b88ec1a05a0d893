//! A fresh database for one test, a side door for raw SQL, and the things that tests write.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{PgConnection, SqliteConnection};
use serde_json::json;
use tempfile::TempDir;
use waymark::domain::ids::{KpiCode, PlanCode, Seq, Subject};
use waymark::domain::number::Figure;
use waymark::domain::reading::ReportedFigure;
use waymark::domain::target::{Target, TargetKind, TargetState};
use waymark::domain::warning::Acknowledged;
use waymark::store::definitions::DefinitionRevision;
use waymark::store::journal::{self, Change, NewRow};
use waymark::store::kinds::DefinitionKind;
use waymark::store::plans::{self, LockedPlan};
use waymark::store::readings::ReadingRevision;
use waymark::store::targets::TargetRevision;
use waymark::store::{Store, StoreError, StoreOptions, Write, plan_creation};

/// A migrated database of one's own.
pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) url: String,
    /// Held so that the file lives as long as the test.
    _folder: Option<TempDir>,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// Patient: these tests share two cores with others.
pub(crate) fn options() -> StoreOptions {
    StoreOptions { patience: Duration::from_mins(1), create: true, ..StoreOptions::default() }
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let database = Self::empty_sqlite();
        database.store.migrate().unwrap();
        database
    }

    pub(crate) fn postgres() -> Option<Self> {
        crate::postgres::server().map(|server| Self::open(server.database(), None))
    }

    pub(crate) fn empty_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::open(format!("sqlite:{}", folder.path().join("waymark.db").display()), Some(folder))
    }

    pub(crate) fn empty_postgres() -> Option<Self> {
        crate::postgres::server().map(|server| Self::open(server.empty_database(), None))
    }

    fn open(url: String, folder: Option<TempDir>) -> Self {
        let store = Store::open(&url.parse().unwrap(), &options()).unwrap();
        Self { store, url, _folder: folder }
    }

    /// A second store on the same database, as another process would have it.
    pub(crate) fn another_instance(&self) -> Store {
        Store::open(&self.url.parse().unwrap(), &options()).unwrap()
    }

    fn file(&self) -> Option<PathBuf> {
        self.url.strip_prefix("sqlite:").map(PathBuf::from)
    }

    /// Runs statements behind the store's back.
    #[expect(clippy::disallowed_methods, reason = "behind the store's back is the point")]
    pub(crate) fn execute(&self, statements: &str) {
        match self.file() {
            Some(file) => {
                let mut conn = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
                conn.batch_execute("PRAGMA busy_timeout = 60000").unwrap();
                conn.batch_execute(statements).unwrap();
            }
            None => PgConnection::establish(&self.url).unwrap().batch_execute(statements).unwrap(),
        }
    }

    /// The column `line` of a query behind the store's back.
    #[expect(clippy::disallowed_methods, reason = "behind the store's back is the point")]
    pub(crate) fn lines(&self, query: &str) -> Vec<String> {
        let query = diesel::sql_query(query);
        let lines: Vec<Line> = match self.file() {
            Some(file) => query.load(&mut SqliteConnection::establish(file.to_str().unwrap()).unwrap()),
            None => query.load(&mut PgConnection::establish(&self.url).unwrap()),
        }
        .unwrap();
        lines.into_iter().map(|line| line.line).collect()
    }

    /// Every column of every table as `table.column type null`, in order.
    pub(crate) fn columns(&self) -> Vec<String> {
        self.lines(if self.file().is_some() {
            "SELECT m.name || '.' || c.name || CASE c.\"notnull\" WHEN 1 THEN ' not null' ELSE '' END AS line \
             FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' \
             ORDER BY m.name, c.cid"
        } else {
            "SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END AS line \
             FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_diesel%' \
             ORDER BY table_name, ordinal_position"
        })
    }

    pub(crate) fn write<T>(&self, work: impl FnOnce(&mut Write<'_>) -> Result<T, StoreError>) -> T {
        self.store.write_blocking(work).unwrap()
    }

    pub(crate) fn read<T>(&self, work: impl FnOnce(&mut waymark::store::Conn) -> Result<T, StoreError>) -> T {
        self.store.read_blocking(work).unwrap()
    }

    /// Makes a plan with these changes in it.
    pub(crate) fn plan(&self, code: &str, changes: Vec<Change>) -> plans::PlanRow {
        self.write(|write| {
            let mut plan = plan_creation::create_plan(write, &plan_code(code), false, noon())?;
            journal::record(write, &mut plan, &subject("ada"), noon(), changes)?;
            Ok(plans::find_any(write, &plan_code(code))?.unwrap())
        })
    }

    /// Makes one more change to a plan.
    pub(crate) fn change(&self, code: &str, at: DateTime<Utc>, change: Change) -> Seq {
        self.write(|write| {
            let mut plan = lock(write, code);
            Ok(journal::record(write, &mut plan, &subject("ada"), at, vec![change])?[0])
        })
    }
}

pub(crate) fn lock(write: &mut Write<'_>, code: &str) -> LockedPlan {
    plans::lock_any(write, &plan_code(code)).unwrap().unwrap()
}

pub(crate) fn plan_code(code: &str) -> PlanCode {
    code.parse().unwrap()
}

pub(crate) fn kpi(code: &str) -> KpiCode {
    code.parse().unwrap()
}

pub(crate) fn subject(name: &str) -> Subject {
    name.parse().unwrap()
}

pub(crate) fn figure(text: &str) -> Figure {
    text.parse().unwrap()
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn noon() -> DateTime<Utc> {
    at("2009-07-14T12:00:00.123456Z")
}

pub(crate) fn a_definition(kind: DefinitionKind, code: &str, revision: i32) -> Change {
    let body = json!({ "title": format!("{code}, edition {revision}"), "decimals": 1 });
    let row = DefinitionRevision { kind, code: code.into(), revision, body: Some(body) };
    Change { action: "created", row: NewRow::Definition(row), before: None, reason: None }
}

pub(crate) fn a_target(code: &str, period: &str, revision: i32, value: &str) -> Change {
    let target = Target {
        value: Some(figure(value)),
        low: None,
        high: None,
        floor: None,
        kind: TargetKind::Laa,
        state: TargetState::Agreed,
        rationale: Some("Half the gap.".into()),
        agreed_by: None,
        agreed_on: Some("2009-03-24".parse().unwrap()),
        reason: None,
        acknowledged: Acknowledged::default(),
    };
    let row = TargetRevision { kpi: kpi(code), period: period.parse().unwrap(), revision, target, removed: false };
    Change { action: "set", row: NewRow::Target(row), before: None, reason: None }
}

pub(crate) fn reading(code: &str, period: &str, group: &str, revision: i32, value: &str) -> ReadingRevision {
    ReadingRevision {
        kpi: kpi(code),
        period: period.parse().unwrap(),
        group: group.parse().unwrap(),
        revision,
        figure: ReportedFigure {
            value: Some(figure(value)),
            numerator: None,
            denominator: None,
            provisional: false,
            nil_return: None,
            status: None,
            commentary: Some("Activity of 97 % is \"known\".".into()),
            reason: None,
            forecast: None,
            acknowledged: Acknowledged::default(),
        },
        definition_version: 1,
        restated: false,
    }
}

pub(crate) fn a_reading(code: &str, period: &str, group: &str, revision: i32, value: &str) -> Change {
    posted(reading(code, period, group, revision, value))
}

pub(crate) fn posted(row: ReadingRevision) -> Change {
    Change { action: "posted", row: NewRow::Reading(row), before: None, reason: None }
}
