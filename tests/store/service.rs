//! The journal of the service: one chain, whoever writes, and whatever was not written by the store is found.

use std::thread;

use waymark::domain::access::Role;
use waymark::domain::ids::Seq;
use waymark::store::credentials::{self, CredentialRow, Proof};
use waymark::store::kinds::CredentialKind;
use waymark::store::verify::service;
use waymark::store::{Store, granting, grants, new_id, seal, service_journal};

use crate::database::{Database, at, noon, subject};
use crate::on_both;

on_both! {
    a_role_in_the_service_leaves_its_entries
    whatever_was_tampered_with_in_it_is_found
    writers_of_two_instances_keep_one_chain
    an_entry_is_never_earlier_than_the_one_before
}

fn entries(database: &Database) -> Vec<service_journal::Entry> {
    database.read(|conn| service_journal::page(conn, Seq(0), 1_000))
}

fn give(store: &Store, to: &str) -> grants::GrantRow {
    let given = store.write_blocking(|write| {
        granting::ensure_service_grant(write, &subject(to), Role::Administrator, &subject("cli"), noon())
    });
    given.unwrap()
}

fn a_token(database: &Database, of: &str) -> CredentialRow {
    let row = CredentialRow {
        id: new_id(noon()).into(),
        kind: CredentialKind::Token,
        subject: subject(of),
        title: "Power BI".into(),
        plan: None,
        role: None,
        methods: vec!["GET".into()],
        address: None,
        created_at: noon(),
        created_by: subject(of),
        expires_at: Some(at("2010-07-14T12:00:00Z")),
        last_used_at: None,
        revoked_at: None,
    };
    let digest = seal::sha256(of);
    database.write(|write| credentials::add(write, &row, Proof::Digest(&digest)));
    row
}

/// Four entries: 1 and 2 two administrators, 3 the end of the second, 4 a token.
fn furnish(database: &Database) {
    give(&database.store, "root");
    let ben = give(&database.store, "ben");
    let revoked = database
        .write(|write| granting::revoke_service_grant(write, &ben, &subject("root"), noon(), "They have left."));
    assert!(revoked);
    a_token(database, "ada");
}

fn a_role_in_the_service_leaves_its_entries(database: &Database) {
    furnish(database);
    // Held already.
    give(&database.store, "root");
    let entries = entries(database);
    let of = |entry: &service_journal::Entry| (entry.seq.0, entry.actor.to_string(), entry.action.clone());
    let expected =
        [(1, "cli", "grant.given"), (2, "cli", "grant.given"), (3, "root", "grant.revoked"), (4, "ada", "token.made")];
    let expected = expected.map(|(seq, actor, action)| (seq, actor.to_owned(), action.to_owned()));
    assert_eq!(entries.iter().map(of).collect::<Vec<_>>(), expected);
    assert_eq!(entries[2].before, entries[1].after);
    assert_eq!(entries[2].reason.as_deref(), Some("They have left."));
    let revoked = entries[2].after.as_ref().unwrap();
    assert_eq!((&revoked["subject"], &revoked["role"]), (&"ben".into(), &"administrator".into()));
    assert_eq!(revoked["revoked_at"], "2009-07-14T12:00:00.123456Z");
    assert_eq!(database.read(service), []);
}

/// What is done behind the store's back, and a word of each fault that must be found, in order.
const TAMPERINGS: [(&str, &[&str]); 17] = [
    ("UPDATE service_journal SET actor = 'eve' WHERE seq = 2", &["entry 2: altered"]),
    ("UPDATE service_journal SET after = '{}' WHERE seq = 2", &["entry 2: altered"]),
    ("UPDATE service_journal SET after = NULL WHERE seq = 1", &["entry 1: altered", "not what entry 1 recorded"]),
    ("UPDATE service_journal SET reason = NULL WHERE seq = 3", &["entry 3: altered"]),
    ("UPDATE service_journal SET seq = 9 WHERE seq = 4", &["entries 4 to 8: missing", "the journal's end"]),
    ("DELETE FROM service_journal WHERE seq = 2", &["entry 2: missing, so it cannot be checked that entry 3"]),
    ("DELETE FROM service_journal WHERE seq = 4", &["the journal's end: its last entry should be 4"]),
    ("DELETE FROM service_journal", &["the journal's end: its last entry should be 4"]),
    ("UPDATE service_head SET seq = 3", &["the journal's end: its last entry should be 3"]),
    ("UPDATE service_head SET digest = REPLACE(digest, SUBSTR(digest, 1, 1), '-')", &["its digest is not that"]),
    ("DELETE FROM service_head", &["the journal's end: the row that states it is missing"]),
    ("UPDATE grants SET role = 'board' WHERE subject = 'root'", &["not what entry 1 recorded"]),
    ("UPDATE grants SET revoked_at = NULL WHERE subject = 'ben'", &["not what entry 3 recorded"]),
    ("UPDATE grants SET role = 'emperor' WHERE subject = 'root'", &["cannot be read"]),
    ("DELETE FROM grants WHERE subject = 'root'", &["entry 1: the grant"]),
    ("UPDATE credentials SET expires_at = NULL", &["not what entry 4 recorded"]),
    ("DELETE FROM credentials", &["entry 4: the token"]),
];

/// An administrator whom nobody has made one.
const PUT_IN: &str = "INSERT INTO grants (id, subject, role, outcome_areas, kpis, granted_at, granted_by) VALUES \
    ('0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11', 'eve', 'administrator', '[]', '[]', '2009-07-15 12:00:00.000000', 'root')";

const TABLES: [&str; 4] = ["service_journal", "service_head", "grants", "credentials"];

fn whatever_was_tampered_with_in_it_is_found(database: &Database) {
    furnish(database);
    assert_eq!(database.read(service), []);
    for table in TABLES {
        database.execute(&format!("CREATE TABLE former_{table} AS SELECT * FROM {table}"));
    }
    for (statement, words) in TAMPERINGS.into_iter().chain([(PUT_IN, &["no entry recorded it"][..])]) {
        database.execute(statement);
        let faults: Vec<String> = database.read(service).iter().map(ToString::to_string).collect();
        assert_eq!(faults.len(), words.len(), "{statement}: {faults:?}");
        for (fault, word) in faults.iter().zip(words) {
            assert!(fault.contains(word), "{statement}: {faults:?}");
        }
        for table in TABLES {
            database.execute(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM former_{table}"));
        }
        assert_eq!(database.read(service), [], "after {statement}");
    }
}

const WRITERS: usize = 8;
const WRITES: usize = 10;

/// Half of the writers belong to another instance, which has no queue in common with the first.
fn writers_of_two_instances_keep_one_chain(database: &Database) {
    let other = database.another_instance();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = if writer % 2 == 0 { &database.store } else { &other };
            scope.spawn(move || {
                for write in 0..WRITES {
                    // Every second writer asks for what another asks for too.
                    give(store, &format!("{}-{write}", writer / 2));
                }
            });
        }
    });
    let entries = entries(database);
    let seqs: Vec<usize> = entries.iter().map(|entry| entry.seq.0.try_into().unwrap()).collect();
    assert_eq!(seqs, (1..=WRITERS / 2 * WRITES).collect::<Vec<_>>());
    assert_eq!(database.read(service), []);
}

fn an_entry_is_never_earlier_than_the_one_before(database: &Database) {
    furnish(database);
    let early = at("2009-07-01T12:00:00Z");
    database.write(|write| {
        granting::ensure_service_grant(write, &subject("carol"), Role::Administrator, &subject("cli"), early)
    });
    let entries = entries(database);
    assert_eq!(entries[4].at, noon());
    assert_eq!(database.read(service), []);
}
