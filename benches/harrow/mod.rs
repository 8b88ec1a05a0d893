//! The Harrow plan in an embedded database, as benchmarks ask for it.

use std::sync::Arc;

use chrono::TimeDelta;
use tempfile::TempDir;
use waymark::clock::Clock;
use waymark::domain::access::Role;
use waymark::domain::ids::{PlanCode, Subject};
use waymark::http::AppState;
use waymark::programme::folder::load::{Folder, Keep};
use waymark::programme::{Principal, Programme};
use waymark::store::{DatabaseUrl, Store, StoreError, StoreOptions, granting};
use waymark::token::{Claims, Expected, KeyKind, KeySource, SigningKey, Verifier};

/// The plan, and who may see it.
pub(crate) struct Harrow {
    pub(crate) programme: Programme,
    pub(crate) state: AppState,
    pub(crate) clock: Clock,
    pub(crate) plan: PlanCode,
    /// Who loaded it, and may do everything.
    pub(crate) loader: Principal,
    key: SigningKey,
    expected: Expected,
    /// Holds the database as long as it is asked.
    _folder: TempDir,
}

impl Harrow {
    pub(crate) async fn loaded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url: DatabaseUrl = format!("sqlite:{}", folder.path().join("waymark.db").display()).parse().unwrap();
        let store = Store::open(&url, &StoreOptions { create: true, ..StoreOptions::default() }).unwrap();
        store.migrate().unwrap();
        let (clock, loader): (_, Subject) =
            (Clock::standing_at("2010-05-14T12:00:00Z".parse().unwrap()), "board".parse().unwrap());
        store
            .write_blocking::<_, StoreError, _>(|write| {
                granting::ensure_service_grant(write, &loader, Role::Administrator, &loader, clock.now()).map(drop)
            })
            .unwrap();
        let programme = Programme::new(store, clock.clone());
        let loader = Principal::from(loader);
        let keep = Keep::Everything;
        let taken_in = programme.load_folder(&Folder::Harrow, None, &loader, &clock, keep, &|_, _| {}).await;
        let plan = taken_in.unwrap().plan;
        let key = SigningKey::generate(KeyKind::Ed25519).unwrap();
        let expected = Expected { issuer: "https://waymark.invalid".into(), audience: "waymark".into() };
        let verifier = Verifier::new(vec![KeySource::local(&key)], expected.clone(), clock.clone());
        let state = AppState::new(programme.clone(), Arc::new(verifier)).unwrap();
        Self { programme, state, clock, plan, loader, key, expected, _folder: folder }
    }

    /// A token for whoever is called so.
    pub(crate) fn token(&self, subject: &str) -> String {
        self.key.sign(&Claims::issue(&self.expected, subject, self.clock.now(), TimeDelta::days(1))).unwrap()
    }
}
