//! A world to act in: a fresh database, a clock that stands still until it is moved, and the service over both.

mod document;
mod http;
pub(crate) mod people;
pub(crate) mod plan;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tempfile::TempDir;
use waymark::clock::Clock;
use waymark::delivery::Worker;
use waymark::domain::access::Role;
use waymark::domain::ids::Subject;
use waymark::http::AppState;
use waymark::programme::Programme;
use waymark::programme::loading::Folder;
use waymark::store::definitions::{DefinitionKind, DefinitionRevision};
use waymark::store::readings::ReadingRevision;
use waymark::store::{DatabaseUrl, Store, StoreError, StoreOptions, grants, journal, plans, readings, verify};

pub(crate) use document::{Operation, operations};
pub(crate) use http::{Answer, Ask, Door};
pub(crate) use people::Actor;

/// The moment that the small plan is made and most tests play at: the Friday of the Board's meeting.
pub(crate) const NOON: &str = "2010-05-14T12:00:00Z";

/// A fresh database with the service over it. Requests go through the [`Door`] that it derefs to.
pub(crate) struct World {
    door: Door,
    url: DatabaseUrl,
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
        let url = format!("sqlite:{}", folder.path().join("waymark.db").display()).parse().unwrap();
        open(&url).migrate().unwrap();
        Self::over(url, Some(folder)).await
    }

    /// `None` where the machine has no PostgreSQL, which is then said loudly.
    pub(crate) async fn on_postgres() -> Option<Self> {
        let url = crate::postgres::server()?.database().parse().unwrap();
        Some(Self::over(url, None).await)
    }

    async fn over(url: DatabaseUrl, folder: Option<TempDir>) -> Self {
        let store = open(&url);
        let clock = Clock::standing_at(instant(NOON));
        let administrator = Actor::Administrator.subject();
        store
            .write_blocking(|write| {
                let now = clock.now();
                grants::ensure_service_grant(write, &administrator, Role::Administrator, &administrator, now)?;
                Ok::<_, StoreError>(())
            })
            .unwrap();
        let programme = Programme::new(store, clock.clone());
        let door = Door::to(&state(programme.clone())).await;
        Self { door, url, clock, programme, _folder: folder }
    }

    /// A second instance of the service over the same database, by the same clock.
    pub(crate) async fn another_instance(&self) -> Door {
        let door = Door::to(&state(Programme::new(open(&self.url), self.clock.clone()))).await;
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
            let fraction = ReadingRevision { numerator: None, denominator: None, ..before.clone() };
            let said = ReadingRevision {
                revision: before.revision + 1,
                value,
                reason: reason.clone(),
                restated: true,
                ..fraction
            };
            let (row, before) = (journal::NewRow::Reading(said), Some(before.document()));
            let change = journal::Change { action: "reading.revised", row, before, reason };
            journal::record(write, &mut locked, &caller, self.clock.now(), vec![change])
        });
        written.unwrap();
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
        let loaded = self.programme.load_folder(&Folder::Harrow, &administrator, &self.clock, &|_, _| {}).await;
        self.door.enter(loaded.unwrap().as_str());
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
            Ok::<_, StoreError>(faults)
        });
        assert_eq!(faults.unwrap(), [], "the journal does not account for what is there");
    }
}

fn state(programme: Programme) -> AppState {
    AppState::new(programme, Arc::new(people::verifier())).unwrap()
}

fn subject(name: &str) -> Subject {
    name.parse().unwrap()
}
