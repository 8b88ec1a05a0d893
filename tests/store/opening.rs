//! Opening a database, and the history of its tables.

use std::collections::BTreeSet;
use std::thread;

use waymark::store::{DatabaseUrl, Store, StoreError, StoreOptions};

use crate::database::{Database, options};
use crate::on_both;
use crate::postgres::Server;

on_both! {
    up_down_and_up_again_give_the_same_tables
    a_store_is_ready_when_its_tables_are
}

fn up_down_and_up_again_give_the_same_tables(database: &Database) {
    let columns = database.columns();
    assert!(columns.contains(&"readings.value".to_owned()), "{columns:?}");
    assert_eq!(database.store.migrate().unwrap(), Vec::<String>::new());
    let steps = database.store.revert_all().unwrap().len();
    assert_eq!(database.columns(), Vec::<String>::new());
    assert_eq!(database.store.pending().unwrap().len(), steps);
    assert_eq!(database.store.migrate().unwrap().len(), steps);
    assert_eq!(database.columns(), columns);
}

#[test]
fn both_databases_have_the_same_tables_columns_and_nullability() {
    let Some(postgres) = Database::postgres() else { return };
    assert_eq!(Database::sqlite().columns(), postgres.columns());
}

fn a_store_is_ready_when_its_tables_are(database: &Database) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    assert_eq!(runtime.block_on(database.store.ready()), Ok(()));
    database.store.revert_all().unwrap();
    let not_ready = runtime.block_on(database.store.ready()).unwrap_err();
    assert!(not_ready.to_string().contains("0001_plans_and_journal"), "{not_ready}");
    // Nothing was made by asking.
    assert_eq!(database.columns(), Vec::<String>::new());
}

fn migrate_at_once(first: &Database) {
    let stores: Vec<Store> = (0..4).map(|_| first.another_instance()).collect();
    let steps: usize = thread::scope(|scope| {
        let migrations: Vec<_> = stores.iter().map(|store| scope.spawn(|| store.migrate().unwrap().len())).collect();
        migrations.into_iter().map(|migration| migration.join().unwrap()).sum()
    });
    assert_eq!(first.store.pending().unwrap(), Vec::<String>::new());
    // Each step was taken by one of them.
    assert_eq!(steps, first.store.revert_all().unwrap().len());
}

#[test]
fn instances_that_start_together_migrate_once_on_sqlite() {
    migrate_at_once(&Database::empty_sqlite());
}

#[test]
fn instances_that_start_together_migrate_once_on_postgres() {
    if let Some(database) = Database::empty_postgres() {
        migrate_at_once(&database);
    }
}

#[test]
fn instances_may_begin_the_same_file_together() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let url: DatabaseUrl = format!("sqlite:{}", folder.path().join("waymark.db").display()).parse().unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| Store::open(&url, &options()).unwrap().migrate().unwrap());
            }
        });
        assert_eq!(Store::open(&url, &options()).unwrap().pending(), Ok(Vec::new()));
    }
}

#[test]
fn a_slip_in_the_address_makes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waymrak.db");
    let url: DatabaseUrl = format!("sqlite:{}", path.display()).parse().unwrap();
    let error = Store::open(&url, &StoreOptions::default()).err().unwrap();
    assert!(
        matches!(&error, StoreError::Unavailable(why) if why.contains("waymrak.db: there is no such file")),
        "{error}"
    );
    let beyond: DatabaseUrl = format!("sqlite:{}/not/here/waymark.db", folder.path().display()).parse().unwrap();
    assert!(matches!(Store::open(&beyond, &options()).err().unwrap(), StoreError::Unavailable(_)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_name_may_have_any_character_that_a_file_may() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("50% of #1.db");
    let url: DatabaseUrl = format!("sqlite:{}", path.display()).parse().unwrap();
    Store::open(&url, &options()).unwrap().migrate().unwrap();
    assert!(path.exists());
}

#[test]
fn a_file_that_is_no_database_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("minutes.txt");
    std::fs::write(&path, "Present: all. ".repeat(100)).unwrap();
    let url: DatabaseUrl = format!("sqlite:{}", path.display()).parse().unwrap();
    let error = Store::open(&url, &options()).err().unwrap();
    assert!(error.to_string().contains("file is not a database"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap().len(), 1400);
}

#[test]
fn what_cannot_be_reached_is_said_without_the_password() {
    // Port 1 is nobody's.
    let url: DatabaseUrl = "postgres://waymark:hunter2@127.0.0.1:1/plans".parse().unwrap();
    let error = Store::open(&url, &options()).err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains("postgres://waymark@127.0.0.1:1/plans"), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn a_store_finds_its_server_again_after_a_restart() {
    let Some(server) = Server::start() else { return };
    let url: DatabaseUrl = server.database().parse().unwrap();
    let store = Store::open(&url, &options()).unwrap();
    let count = |store: &Store| store.read_blocking(|conn| Ok(waymark::store::plans::list_all(conn)?.len()));
    assert_eq!(count(&store), Ok(0));

    // Lost in the middle of a write, which leaves nothing behind.
    let lost = store.write_blocking(|write| {
        waymark::store::plan_creation::create_plan(write, &"harrow".parse().unwrap(), true, crate::database::noon())?;
        server.stop();
        waymark::store::plans::list_all(write).map(drop)
    });
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    // Gone.
    assert!(matches!(count(&store), Err(StoreError::Unavailable(_))));
    // Back: the first call that is patient enough for the pool's next attempt finds it.
    server.resume();
    let found: BTreeSet<_> = (0..3).map(|_| count(&store).ok()).collect();
    assert_eq!(found.last(), Some(&Some(0)), "{found:?}");
}
