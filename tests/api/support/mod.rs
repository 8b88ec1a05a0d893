//! A world to act in: a fresh database, a clock that stands still until it is moved, and the service over both.

pub(crate) mod browser;
pub(crate) mod cases;
mod document;
mod http;
pub(crate) mod mail;
pub(crate) mod people;
pub(crate) mod plan;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use tempfile::TempDir;
use waymark::clock::Clock;
use waymark::delivery::Worker;
use waymark::domain::access::Role;
use waymark::domain::ids::{Seq, Subject};
use waymark::domain::reading::ReportedFigure;
use waymark::http::AppState;
use waymark::http::settings::Settings;
use waymark::programme::Programme;
use waymark::programme::folder::load::{Folder, Keep};
use waymark::store::definitions::DefinitionRevision;
use waymark::store::kinds::DefinitionKind;
use waymark::store::readings::ReadingRevision;
use waymark::store::{
    DatabaseUrl, Store, StoreError, StoreOptions, granting, journal, plans, readings, service_journal, verify,
};

pub(crate) use document::{Operation, operations, resolved};
pub(crate) use http::{Answer, Ask, Door};
pub(crate) use people::Actor;

/// The moment that the small plan is made and most tests play at: the Friday of the Board's meeting.
pub(crate) const NOON: &str = "2010-05-14T12:00:00Z";

/// The media type of an Excel workbook.
pub(crate) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A fresh database with the service over it. Requests go through the [`Door`] that it derefs to.
pub(crate) struct World {
    door: Door,
    url: DatabaseUrl,
    /// The database's address as it is written.
    address: String,
    clock: Clock,
    programme: Programme,
    /// Held so that the file lives as long as the test.
    _folder: Option<TempDir>,
}

impl Deref for World {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

/// An instant as people write it.
pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn open(url: &DatabaseUrl) -> Store {
    // Patient: these tests share two cores with others.
    let options = StoreOptions { patience: Duration::from_mins(2), create: true, ..StoreOptions::default() };
    Store::open(url, &options).unwrap()
}

impl World {
    pub(crate) async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("sqlite:{}", folder.path().join("waymark.db").display());
        open(&address.parse().unwrap()).migrate().unwrap();
        Self::over(address, Some(folder)).await
    }

    /// `None` where the machine has no PostgreSQL, which is then said loudly.
    pub(crate) async fn on_postgres() -> Option<Self> {
        let address = crate::postgres::server()?.database();
        Some(Self::over(address, None).await)
    }

    async fn over(address: String, folder: Option<TempDir>) -> Self {
        let url: DatabaseUrl = address.parse().unwrap();
        let store = open(&url);
        let clock = Clock::standing_at(instant(NOON));
        let administrator = Actor::Administrator.subject();
        store
            .write_blocking(|write| {
                let now = clock.now();
                granting::ensure_service_grant(write, &administrator, Role::Administrator, &administrator, now)?;
                Ok::<_, StoreError>(())
            })
            .unwrap();
        let programme = Programme::new(store, clock.clone());
        let door = Door::to(&state(programme.clone())).await;
        Self { door, url, address, clock, programme, _folder: folder }
    }

    /// A second instance of the service over the same database, by the same clock.
    pub(crate) async fn another_instance(&self) -> Door {
        let door = Door::to(&state(Programme::new(open(&self.url), self.clock.clone()))).await;
        door.enter(&self.door.plan());
        door
    }

    /// The programme of a second instance.
    pub(crate) fn another_programme(&self) -> Programme {
        Programme::new(open(&self.url), self.clock.clone())
    }

    /// The same service with other settings.
    pub(crate) async fn settled(&self, settings: Settings) -> Door {
        let door = Door::to(&self.state().with(settings)).await;
        door.enter(&self.door.plan());
        door
    }

    /// An instance that sends to private addresses, and what delivers for it.
    pub(crate) async fn delivering(&self) -> (Door, Worker) {
        let programme = Programme::new(open(&self.url), self.clock.clone()).allowing_private_webhooks(true);
        let door = Door::to(&state(programme.clone())).await;
        door.enter(&self.door.plan());
        (door, Worker::new(programme))
    }

    /// An instance that sends to private addresses, and delivers by itself as a server does.
    pub(crate) async fn delivering_by_itself(&self) -> (Door, Delivering) {
        let programme = Programme::new(open(&self.url), self.clock.clone()).allowing_private_webhooks(true);
        let door = Door::to(&state(programme.clone())).await;
        door.enter(&self.door.plan());
        let worker = actix_web::rt::spawn(Worker::new(programme.clone()).run());
        (door, Delivering { programme, worker })
    }

    /// The programme that the door leads to.
    pub(crate) fn programme(&self) -> &Programme {
        &self.programme
    }

    /// What delivers for an instance as it is unless told otherwise.
    pub(crate) fn worker(&self) -> Worker {
        Worker::new(self.programme.clone())
    }

    /// What a real server is made from.
    pub(crate) fn state(&self) -> AppState {
        state(self.programme.clone())
    }

    /// Replaces a figure as one is that is changed after its round has closed.
    pub(crate) fn restate(&self, actor: Actor, kpi: &str, period: &str, value: &str, reason: &str) {
        let (plan, caller) = (self.door.plan().parse().unwrap(), actor.subject());
        let (kpi, period, group) = (kpi.parse().unwrap(), period.parse().unwrap(), "all".parse().unwrap());
        let written = self.programme.store().write_blocking(|write| {
            let mut locked = plans::lock_plan(write, &plan, &caller)?.unwrap();
            let before = readings::find(write, locked.id, &kpi, period, &group, None)?.unwrap().said;
            let (value, reason) = (Some(value.parse().unwrap()), Some(reason.to_owned()));
            let figure = ReportedFigure {
                value,
                numerator: None,
                denominator: None,
                reason: reason.clone(),
                ..before.figure.clone()
            };
            let said = ReadingRevision { revision: before.revision + 1, figure, restated: true, ..before.clone() };
            let (row, before) = (journal::NewRow::Reading(said), Some(before.document()));
            let change = journal::Change { action: "reading.revised", row, before, reason };
            journal::record(write, &mut locked, &caller, self.clock.now(), vec![change])
        });
        written.unwrap();
    }

    /// All that the database holds of a table, and on SQLite of every other.
    #[expect(clippy::disallowed_methods, reason = "it looks past the service")]
    pub(crate) fn dump(&self, table: &str) -> String {
        if let Some(path) = self.url.sqlite_path() {
            let wal = format!("{}-wal", path.display());
            let bytes = [std::fs::read(path).unwrap(), std::fs::read(wal).unwrap_or_default()].concat();
            return String::from_utf8_lossy(&bytes).into_owned();
        }
        let mut conn = PgConnection::establish(&self.address).unwrap();
        let query = format!("SELECT COALESCE(string_agg(t::text, ' '), '') AS rows FROM {table} t");
        diesel::sql_query(query).get_result::<Dump>(&mut conn).unwrap().rows
    }

    /// The journal of the service.
    pub(crate) fn service_journal(&self) -> Vec<service_journal::Entry> {
        let entries = self.programme.store().read_blocking(|conn| service_journal::page(conn, Seq(0), 10_000));
        entries.unwrap()
    }

    /// How many changes the plan's journal holds.
    pub(crate) async fn version(&self) -> u64 {
        let report = self.get(Actor::Administrator, "status-report").await.is(200).json();
        report["version"].as_u64().unwrap()
    }

    /// Writes a definition into the plan as the store keeps it.
    pub(crate) fn define(&self, kind: DefinitionKind, code: &str, body: serde_json::Value) {
        let (plan, by) = (self.door.plan().parse().unwrap(), Actor::Administrator.subject());
        let row = DefinitionRevision { kind, code: code.to_owned(), revision: 1, body: Some(body) };
        let change =
            journal::Change { action: "defined", row: journal::NewRow::Definition(row), before: None, reason: None };
        let now = self.clock.now();
        let written = self.programme.store().write_blocking(|write| {
            let mut locked = plans::lock_any(write, &plan)?.unwrap();
            journal::record(write, &mut locked, &by, now, vec![change])
        });
        written.unwrap();
    }

    /// Ends all waiting for changes, as stopping the service does.
    pub(crate) fn stop_waiting(&self) {
        self.programme.watch().close();
    }

    /// The moment that the clock stands at.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Moves the clock.
    pub(crate) fn now_is(&self, at: &str) {
        self.clock.set(instant(at));
    }

    /// Loads the Harrow plan with its history, gives each role to its actor as the demo does, and leaves the clock at
    /// the Board's meeting.
    pub(crate) async fn load_harrow(&self) {
        let administrator = Actor::Administrator.subject();
        let (caller, keep) = (administrator.into(), Keep::Everything);
        let loaded = self.programme.load_folder(&Folder::Harrow, None, &caller, &self.clock, keep, &|_, _| {}).await;
        self.door.enter(loaded.unwrap().plan.as_str());
        self.now_is(NOON);
        for (actor, mut grant) in [
            (Actor::Manager, serde_json::json!({"role": "programme_manager"})),
            (Actor::Lead, serde_json::json!({"role": "sub_group_lead", "outcome_areas": ["be-healthy"]})),
            (Actor::Contributor, serde_json::json!({"role": "contributor", "organisation": "connexions"})),
            (Actor::Board, serde_json::json!({"role": "board"})),
            (Actor::Partner, serde_json::json!({"role": "partner", "organisation": "harrow-pct"})),
            (Actor::Public, serde_json::json!({"role": "public"})),
        ] {
            grant["subject"] = actor.subject().as_str().into();
            self.post(Actor::Administrator, "grants", grant).await.is(201);
        }
    }

    /// Ends a test: whatever it did, the journals must account for it.
    pub(crate) fn close(&self) {
        let faults = self.programme.store().read_blocking(|conn| {
            let mut faults = Vec::new();
            for plan in plans::list_all(conn)? {
                faults.extend(verify::verify(conn, plan.id, |_, _| {})?);
            }
            faults.extend(verify::service(conn)?);
            Ok::<_, StoreError>(faults)
        });
        assert_eq!(faults.unwrap(), [], "the journal does not account for what is there");
    }
}

/// A worker at work.
pub(crate) struct Delivering {
    programme: Programme,
    worker: actix_web::rt::task::JoinHandle<()>,
}

impl Delivering {
    /// Stops it as stopping the service does.
    pub(crate) async fn end(self) {
        self.programme.watch().close();
        self.worker.await.unwrap();
    }
}

fn state(programme: Programme) -> AppState {
    AppState::new(programme, Arc::new(people::verifier())).unwrap().issuing(people::issuer()).with(settings())
}

/// The rows of a table as one text.
#[derive(QueryableByName)]
struct Dump {
    #[diesel(sql_type = diesel::sql_types::Text)]
    rows: String,
}

/// What the service is settled with where a test does not say otherwise.
pub(crate) fn settings() -> Settings {
    Settings {
        public_url: Some("https://waymark.example".to_owned()),
        issuers: vec!["https://waymark.example".to_owned(), "https://issuer.example".to_owned()],
        security_contact: Some("mailto:security@waymark.example".to_owned()),
        ..Settings::default()
    }
}

fn subject(name: &str) -> Subject {
    name.parse().unwrap()
}
