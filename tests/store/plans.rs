//! Plans and who may find them.

use serde_json::json;
use waymark::domain::access::{Granted, Role};
use waymark::domain::ids::{Seq, Subject};
use waymark::store::definitions::DefinitionRevision;
use waymark::store::kinds::DefinitionKind;
use waymark::store::plan_creation::create_plan;
use waymark::store::plans::{VisiblePlan, find_any, find_plan, list_plans, lock_plan, set_public};
use waymark::store::{Conflict, StoreError, granting, grants, journal, readings, removals, verify};

use crate::database::{Database, a_reading, lock, noon, plan_code, subject};
use crate::on_both;

on_both! {
    a_plan_is_found_by_those_who_may
    a_list_of_plans_holds_those_that_may_be_found
    a_lock_is_only_for_those_who_may_find_the_plan
    a_code_is_given_once
    a_grant_is_kept_with_all_that_it_says
    a_deleted_plan_leaves_nothing_and_never_returns
}

fn granted(role: Role) -> Granted {
    Granted { role, outcome_areas: Vec::new(), organisation: None, kpis: Vec::new() }
}

fn grant(database: &Database, code: &str, to: &str, granted: Granted) -> grants::GrantRow {
    database.write(|write| {
        let mut plan = lock(write, code);
        granting::grant(write, &mut plan, &subject("root"), noon(), subject(to), granted, None)
    })
}

fn found(database: &Database, code: &str, by: &str) -> Option<VisiblePlan> {
    let (code, by) = (plan_code(code), subject(by));
    database.read(|conn| find_plan(conn, &code, &by))
}

fn a_plan_is_found_by_those_who_may(database: &Database) {
    database.plan("harrow", vec![]);
    database.plan("brent", vec![]);
    assert_eq!(found(database, "harrow", "ada"), None);
    assert_eq!(found(database, "nowhere", "ada"), None);

    // By a grant on it, and on no other.
    let held = grant(database, "harrow", "ada", granted(Role::Board));
    grant(database, "brent", "ben", granted(Role::Partner));
    let plan = found(database, "harrow", "ada").unwrap();
    assert_eq!(plan.grants, std::slice::from_ref(&held));
    assert_eq!(plan.seq.0, 1);
    assert_eq!(found(database, "harrow", "ben"), None);
    assert_eq!(found(database, "brent", "ada"), None);

    // By a grant on the service.
    let everywhere = database.write(|write| {
        granting::ensure_service_grant(write, &subject("root"), Role::Administrator, &subject("cli"), noon())
    });
    assert_eq!(found(database, "harrow", "root").unwrap().grants, std::slice::from_ref(&everywhere));
    assert_eq!(found(database, "brent", "root").unwrap().grants, std::slice::from_ref(&everywhere));
    let again = database.write(|write| {
        granting::ensure_service_grant(write, &subject("root"), Role::Administrator, &subject("cli"), noon())
    });
    assert_eq!(again, everywhere);
    let revoked = || {
        database
            .write(|write| granting::revoke_service_grant(write, &everywhere, &subject("cli"), noon(), "They left."))
    };
    assert!(revoked());
    assert!(!revoked());
    assert_eq!(found(database, "harrow", "root"), None);

    // Not by a grant that was taken back.
    database.write(|write| {
        let mut plan = lock(write, "harrow");
        let revoked = granting::revoke(write, &mut plan, &subject("root"), noon(), held.id, Some("left".into()))?;
        assert_eq!(revoked.unwrap().revoked_at, Some(noon()));
        assert_eq!(granting::revoke(write, &mut plan, &subject("root"), noon(), held.id, None)?, None);
        Ok(())
    });
    assert_eq!(found(database, "harrow", "ada"), None);

    // By anyone, where it is public; without the grants of others.
    database.write(|write| {
        let mut plan = lock(write, "brent");
        set_public(write, &mut plan, true)
    });
    let plan = found(database, "brent", "nobody-in-particular").unwrap();
    assert!(plan.public && plan.grants.is_empty());
    assert_eq!(found(database, "brent", "ben").unwrap().grants.len(), 1);
}

fn a_list_of_plans_holds_those_that_may_be_found(database: &Database) {
    for code in ["b", "B", "a-1", "a_1", "A1", "10", "9", "c"] {
        database.plan(code, vec![]);
    }
    for code in ["b", "B", "a-1", "A1", "10", "9"] {
        grant(database, code, "ada", granted(Role::Board));
    }
    database.write(|write| {
        let mut plan = lock(write, "c");
        set_public(write, &mut plan, true)
    });
    let list = |by: &Subject, after: Option<&str>, limit| {
        let after = after.map(plan_code);
        let plans = database.read(|conn| list_plans(conn, by, after.as_ref(), limit));
        plans.into_iter().map(|plan| (plan.code.to_string(), plan.grants.len())).collect::<Vec<_>>()
    };
    let ada = subject("ada");
    // The order of bytes, on both databases.
    let all = ["10", "9", "A1", "B", "a-1", "b"].map(|code| (code.to_owned(), 1));
    let first: Vec<_> = list(&ada, None, 4);
    assert_eq!(first, all[..4]);
    let rest = list(&ada, Some("B"), 10);
    assert_eq!(rest[..2], all[4..]);
    assert_eq!(rest[2..], [("c".to_owned(), 0)]);
    assert_eq!(list(&subject("ben"), None, 10), [("c".to_owned(), 0)]);
}

fn a_lock_is_only_for_those_who_may_find_the_plan(database: &Database) {
    database.plan("harrow", vec![]);
    grant(database, "harrow", "ada", granted(Role::SubGroupLead));
    database.write(|write| {
        assert!(lock_plan(write, &plan_code("harrow"), &subject("ben"))?.is_none());
        let plan = lock_plan(write, &plan_code("harrow"), &subject("ada"))?.unwrap();
        assert_eq!((plan.seq.0, plan.grants.len()), (1, 1));
        Ok(())
    });
}

fn a_code_is_given_once(database: &Database) {
    let first = database.plan("harrow", vec![]);
    database.write(|write| {
        let again = create_plan(write, &plan_code("harrow"), true, noon());
        assert_eq!(again.err(), Some(StoreError::Conflict(Conflict::Plan)));
        // The write may go on.
        create_plan(write, &plan_code("brent"), false, noon()).map(drop)
    });
    assert_eq!(database.read(|conn| find_any(conn, &plan_code("harrow"))), Some(first));
    assert!(database.read(|conn| find_any(conn, &plan_code("brent"))).is_some());
}

fn a_grant_is_kept_with_all_that_it_says(database: &Database) {
    let plan = database.plan("harrow", vec![]);
    let given = grant(
        database,
        "harrow",
        "Zoë O'Neill",
        Granted {
            role: Role::Contributor,
            outcome_areas: vec!["be-healthy".parse().unwrap(), "stay-safe".parse().unwrap()],
            organisation: Some("harrow-pct".parse().unwrap()),
            kpis: vec!["NI-117".parse().unwrap()],
        },
    );
    assert_eq!(database.read(|conn| grants::list(conn, plan.id)), std::slice::from_ref(&given));
    assert_eq!(database.read(|conn| grants::find(conn, plan.id, given.id)), Some(given.clone()));
    let entries = database.read(|conn| journal::page(conn, plan.id, Seq(0), 10));
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].action.as_str(), entries[0].key.clone()), ("grant.given", given.id.to_string()));
    assert_eq!(
        entries[0].after,
        Some(json!({
            "granted_at": "2009-07-14T12:00:00.123456Z",
            "granted_by": "root",
            "id": given.id.to_string(),
            "kpis": ["NI-117"],
            "organisation": "harrow-pct",
            "outcome_areas": ["be-healthy", "stay-safe"],
            "revoked_at": null,
            "role": "contributor",
            "subject": "Zoë O'Neill",
        }))
    );
}

fn a_deleted_plan_leaves_nothing_and_never_returns(database: &Database) {
    let first = database.plan("harrow", vec![a_reading("NI-117", "FY2009-10-Q1", "all", 1, "4.5")]);
    let other = database.plan("brent", vec![a_reading("NI-117", "FY2009-10-Q1", "all", 1, "5.5")]);
    grant(database, "harrow", "ada", granted(Role::Board));
    database.write(|write| {
        let plan = lock(write, "harrow");
        let (kind, body) = (DefinitionKind::Plan, Some(json!({"title": "Harrow"})));
        let said = DefinitionRevision { kind, code: "harrow".to_owned(), revision: 1, body };
        removals::remove(write, plan, &said, &subject("root"), noon())
    });
    for table in ["definitions", "targets", "readings", "journal", "grants"] {
        let left = format!("SELECT CAST(COUNT(*) AS TEXT) AS line FROM {table} WHERE plan_id = {}", first.id.0);
        assert_eq!(database.lines(&left), ["0"], "{table}");
    }
    let mut left = 0;
    database.read(|conn| readings::load_each(conn, other.id, Seq(0), None, |_| left += 1));
    assert_eq!(left, 1, "another plan's figures stay");
    let second = database.plan("harrow", vec![]);
    assert!(second.id > other.id, "a number is given once: {second:?}");
    // What was removed is told by one entry, and the plan that has its code now goes on from there.
    let removals = database.read(removals::list);
    let [removal] = removals.as_slice() else { panic!("{removals:?}") };
    assert_eq!((removal.code(), removal.plan(), removal.actor()), ("harrow", first.id, "root"));
    assert!(removal.is_sound());
    assert!(removal.seq() > first.seq && second.seq >= removal.seq(), "{removal:?} {second:?}");
    assert_eq!(database.read(|conn| verify::verify(conn, second.id, |_, _| {})), []);
    database.change("harrow", noon(), a_reading("NI-117", "FY2009-10-Q1", "all", 1, "4.5"));
    assert_eq!(database.read(|conn| verify::verify(conn, second.id, |_, _| {})), []);
    // An entry of the removal that was altered is found.
    database.execute("UPDATE removals SET actor = 'mallory'");
    assert!(!database.read(removals::list)[0].is_sound());
}
