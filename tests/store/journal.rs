//! The journal: what a change leaves there.

use chrono::Duration;
use serde_json::json;
use waymark::domain::ids::Seq;
use waymark::store::journal::{page, record, seq_at};
use waymark::store::kinds::DefinitionKind;
use waymark::store::kinds::EntryKind;
use waymark::store::plan_creation::create_plan;
use waymark::store::plans::find_any;

use crate::database::{
    Database, a_definition, a_reading, a_target, at, lock, noon, plan_code, posted, reading, subject,
};
use crate::on_both;

on_both! {
    an_entry_holds_what_was_done
    the_digest_is_the_one_that_anyone_can_work_out
    instants_are_kept_to_the_microsecond_and_never_go_back
    the_version_at_an_instant_is_the_last_entry_by_then
    a_page_of_the_journal_goes_on_where_the_last_one_ended
}

fn an_entry_holds_what_was_done(database: &Database) {
    let mut revised = reading("NI-117", "FY2009-10-Q1", "all", 2, "4.25");
    (revised.figure.numerator, revised.figure.denominator) =
        (Some("17".parse().unwrap()), Some("400".parse().unwrap()));
    let mut change = posted(revised.clone());
    change.before = Some(reading("NI-117", "FY2009-10-Q1", "all", 1, "4.5").document());
    change.reason = Some("Späte Meldung".into());
    let plan = database.plan(
        "harrow",
        vec![
            a_definition(DefinitionKind::Kpi, "NI-117", 1),
            a_target("NI-117", "FY2009-10", 1, "5"),
            a_reading("NI-117", "FY2009-10-Q1", "all", 1, "4.5"),
            change,
        ],
    );
    assert_eq!((plan.seq, plan.changed_at), (Seq(4), noon()));
    let entries = database.read(|conn| page(conn, plan.id, Seq(0), 10));
    let told: Vec<_> =
        entries.iter().map(|entry| (entry.seq.0, entry.kind, entry.key.as_str(), entry.action.as_str())).collect();
    assert_eq!(
        told,
        [
            (1, EntryKind::Definition(DefinitionKind::Kpi), "NI-117", "created"),
            (2, EntryKind::Target, "NI-117/FY2009-10", "set"),
            (3, EntryKind::Reading, "NI-117/FY2009-10-Q1/all", "posted"),
            (4, EntryKind::Reading, "NI-117/FY2009-10-Q1/all", "posted"),
        ]
    );
    assert!(entries.iter().all(|entry| entry.at == noon() && entry.actor == subject("ada")));
    let last = &entries[3];
    assert_eq!(last.digest, plan.head_digest);
    assert_eq!(last.reason.as_deref(), Some("Späte Meldung"));
    assert_eq!(last.before, entries[2].after);
    assert_eq!(
        last.after,
        Some(json!({
            "commentary": "Activity of 97 % is \"known\".",
            "definition_version": 1,
            "denominator": 400,
            "group": "all",
            "kpi": "NI-117",
            "numerator": 17,
            "period": "FY2009-10-Q1",
            "provisional": false,
            "revision": 2,
            "value": serde_json::from_str::<serde_json::Value>("4.25").unwrap(),
        }))
    );
}

fn the_digest_is_the_one_that_anyone_can_work_out(database: &Database) {
    let mut change = a_reading("NI-117", "FY2009-10-Q1", "all", 1, "4.5");
    change.reason = Some("Späte \"Meldung\"".into());
    let plan = database.plan("harrow", vec![a_definition(DefinitionKind::Kpi, "NI-117", 1), change]);
    let entries = database.read(|conn| page(conn, plan.id, Seq(0), 10));
    // Worked out with Python's hashlib and json, from the module's description alone.
    assert_eq!(entries[0].digest, "a6a531b7a457dd939d1f7e9ba271c6b8180182fdd13074ac01529bd42b58d2f5");
    assert_eq!(entries[1].digest, "13f065e680aa1fe5a536b26cccdb34506e598f090e9d2126dbe601c0b0504676");
}

fn instants_are_kept_to_the_microsecond_and_never_go_back(database: &Database) {
    let plan = database.plan("harrow", vec![]);
    let mut told = Vec::new();
    for (period, now) in [
        ("FY2009-10-Q1", "2009-07-14T12:00:00.123456789Z"),
        ("FY2009-10-Q2", "2009-07-14T11:59:59Z"),
        ("FY2009-10-Q3", "2009-07-14T12:00:00.999999999Z"),
        ("FY2009-10-Q4", "2010-01-01T00:00:00Z"),
    ] {
        database.change("harrow", at(now), a_reading("NI-117", period, "all", 1, "4.5"));
        told.push(database.read(|conn| find_any(conn, &plan_code("harrow"))).unwrap().changed_at);
    }
    let expected = [
        "2009-07-14T12:00:00.123456Z",
        "2009-07-14T12:00:00.123456Z",
        "2009-07-14T12:00:00.999999Z",
        "2010-01-01T00:00:00Z",
    ]
    .map(at);
    assert_eq!(told, expected);
    let entries = database.read(|conn| page(conn, plan.id, Seq(0), 10));
    assert_eq!(entries.iter().map(|entry| entry.at).collect::<Vec<_>>(), expected);
    let rows = database.read(|conn| {
        waymark::store::readings::page(
            conn,
            plan.id,
            &waymark::store::readings::ReadingFilter::default(),
            None,
            None,
            9,
        )
    });
    assert_eq!(rows.iter().map(|row| row.recorded_at).collect::<Vec<_>>(), expected);
}

fn the_version_at_an_instant_is_the_last_entry_by_then(database: &Database) {
    let plan =
        database.plan("harrow", vec![a_target("NI-117", "FY2009-10", 1, "5"), a_target("NI-117", "FY2010-11", 1, "4")]);
    database.change("harrow", noon() + Duration::microseconds(1), a_target("NI-117", "FY2009-10", 2, "6"));
    database.change("harrow", noon() + Duration::days(400), a_target("NI-117", "FY2009-10", 3, "7"));
    for (instant, seq) in [
        (noon() - Duration::microseconds(1), 0),
        (noon(), 2),
        (noon() + Duration::nanoseconds(999), 2),
        (noon() + Duration::microseconds(1), 3),
        (noon() + Duration::days(399), 3),
        (noon() + Duration::days(40_000), 4),
    ] {
        assert_eq!(database.read(|conn| seq_at(conn, plan.id, instant)), Seq(seq), "{instant}");
    }
}

fn a_page_of_the_journal_goes_on_where_the_last_one_ended(database: &Database) {
    let plan = database.write(|write| {
        let mut plan = create_plan(write, &plan_code("harrow"), false, noon())?;
        assert_eq!(record(write, &mut plan, &subject("ada"), noon(), vec![])?, []);
        let changes = (1..=5).map(|revision| a_target("NI-117", "FY2009-10", revision, "5")).collect();
        assert_eq!(record(write, &mut plan, &subject("ada"), noon(), changes)?, (1..=5).map(Seq).collect::<Vec<_>>());
        Ok(plan.id)
    });
    database.write(|write| {
        // Twice under one lock.
        let mut plan = lock(write, "harrow");
        for revision in 6..=7 {
            let change = a_target("NI-117", "FY2009-10", revision, "5");
            record(write, &mut plan, &subject("ada"), noon(), vec![change])?;
        }
        Ok(())
    });
    let seqs = |after, limit| {
        let entries = database.read(|conn| page(conn, plan, Seq(after), limit));
        entries.iter().map(|entry| entry.seq.0).collect::<Vec<_>>()
    };
    assert_eq!(seqs(0, 3), [1, 2, 3]);
    assert_eq!(seqs(3, 3), [4, 5, 6]);
    assert_eq!(seqs(6, 3), [7]);
    assert_eq!(seqs(7, 3), Vec::<i64>::new());
}
