//! What commits and what does not.

use std::time::{Duration, Instant};

use waymark::domain::ids::Seq;
use waymark::store::journal::{page, record};
use waymark::store::plan_creation::create_plan;
use waymark::store::plans::{find_any, list_all};
use waymark::store::{Conflict, Store, StoreError, StoreOptions};

use crate::database::{Database, a_reading, a_target, lock, noon, plan_code, subject};
use crate::on_both;

on_both! {
    an_error_leaves_no_trace
    a_panic_leaves_no_trace_and_becomes_an_error
    a_revision_is_written_once
    a_failure_that_is_passed_over_still_does_not_commit
    a_lock_does_not_outlive_its_write
    a_queue_that_is_too_long_is_said_at_once
    async_doors_lead_to_the_same_rooms
}

fn an_error_leaves_no_trace(database: &Database) {
    let refused: Result<(), StoreError> = database.store.write_blocking(|write| {
        create_plan(write, &plan_code("harrow"), false, noon())?;
        Err(StoreError::Busy)
    });
    assert_eq!(refused, Err(StoreError::Busy));
    assert_eq!(database.read(list_all), []);
}

fn a_panic_leaves_no_trace_and_becomes_an_error(database: &Database) {
    let broken: Result<(), StoreError> = database.store.write_blocking(|write| {
        create_plan(write, &plan_code("harrow"), false, noon())?;
        panic!("the abacus is missing a bead")
    });
    assert_eq!(broken, Err(StoreError::Panicked("the abacus is missing a bead".into())));
    assert_eq!(database.read(list_all), []);
    // The connection is still good.
    database.plan("harrow", vec![]);
}

fn a_revision_is_written_once(database: &Database) {
    let before = database.plan("harrow", vec![a_target("NI-117", "FY2009-10", 1, "5")]);
    let refused = database.store.write_blocking(|write| {
        let mut plan = lock(write, "harrow");
        let changes = vec![a_target("NI-117", "FY2009-10", 2, "6"), a_target("NI-117", "FY2009-10", 1, "7")];
        record(write, &mut plan, &subject("ada"), noon(), changes)
    });
    assert_eq!(refused, Err(StoreError::Conflict(Conflict::Revision)));
    assert_eq!(database.read(|conn| find_any(conn, &plan_code("harrow"))), Some(before));
}

fn a_failure_that_is_passed_over_still_does_not_commit(database: &Database) {
    let before = database.plan("harrow", vec![a_target("NI-117", "FY2009-10", 1, "5")]);
    let passed_over: Result<(), StoreError> = database.store.write_blocking(|write| {
        create_plan(write, &plan_code("brent"), false, noon())?;
        let mut plan = lock(write, "harrow");
        let again = vec![a_reading("NI-117", "FY2009-10-Q1", "all", 1, "4"), a_target("NI-117", "FY2009-10", 1, "7")];
        let _refused = record(write, &mut plan, &subject("ada"), noon(), again);
        Ok(())
    });
    assert!(matches!(passed_over, Err(StoreError::Database(_))), "{passed_over:?}");
    assert_eq!(database.read(list_all), [before]);
}

fn a_lock_does_not_outlive_its_write(database: &Database) {
    let plan = database.plan("harrow", vec![]);
    let mut kept = database.write(|write| Ok(lock(write, "harrow")));
    database.change("harrow", noon(), a_target("NI-117", "FY2009-10", 1, "5"));
    let refused = database.store.write_blocking(|write| {
        record(write, &mut kept, &subject("ada"), noon(), vec![a_target("NI-118", "FY2009-10", 1, "5")])
    });
    assert_eq!(refused, Err(StoreError::Conflict(Conflict::Sequence)));
    assert_eq!(database.read(|conn| page(conn, plan.id, Seq(0), 9)).len(), 1);
}

fn a_queue_that_is_too_long_is_said_at_once(database: &Database) {
    let options = StoreOptions { connections: 1, patience: Duration::from_millis(50), create: false };
    let store = Store::open(&database.url.parse().unwrap(), &options).unwrap();
    let inner = store.write_blocking(|_write| {
        let asked = Instant::now();
        let refused: Result<(), StoreError> = store.write_blocking(|_write| Ok(()));
        assert!(asked.elapsed() >= options.patience);
        Ok::<_, StoreError>(refused)
    });
    assert_eq!(inner, Ok(Err(StoreError::Busy)));
    // And once the way is free again, it is free.
    assert_eq!(store.write_blocking(|_write| Ok::<_, StoreError>(())), Ok(()));
}

fn async_doors_lead_to_the_same_rooms(database: &Database) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let store = database.store.clone();
    runtime.block_on(async {
        let made = store.write(|write| create_plan(write, &plan_code("harrow"), false, noon()).map(|plan| plan.id));
        let made = made.await.unwrap();
        let found = store.read(|conn| find_any(conn, &plan_code("harrow"))).await.unwrap().unwrap();
        assert_eq!(found.id, made);
        let broken: Result<(), StoreError> = store.write(|_write| panic!("oh")).await;
        assert_eq!(broken, Err(StoreError::Panicked("oh".into())));
        // A caller that goes away does not take its turn, or its write, with it.
        let left = store.write(|write| create_plan(write, &plan_code("brent"), false, noon()).map(drop));
        drop(tokio::time::timeout(Duration::ZERO, left).await);
        let next = store.write(|write| create_plan(write, &plan_code("ealing"), false, noon()).map(drop));
        assert_eq!(next.await, Ok(()));
    });
}
