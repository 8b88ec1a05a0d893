//! Whatever was not written by the store is found.

use serde_json::json;
use waymark::domain::access::{Granted, Role};
use waymark::domain::ids::Seq;
use waymark::store::definitions::DefinitionRevision;
use waymark::store::journal::{Change, NewRow, record};
use waymark::store::kinds::DefinitionKind;
use waymark::store::plans::PlanRow;
use waymark::store::verify::{Fault, MOST_FAULTS, verify};
use waymark::store::{board_reports, granting, seal};

use crate::database::{Database, a_definition, a_reading, a_target, lock, noon, posted, reading, subject};
use crate::on_both;

on_both! {
    what_was_written_here_is_clean
    whatever_was_tampered_with_is_found
    a_board_report_that_is_not_what_was_frozen_is_found
    a_journal_that_was_emptied_is_found_in_bounded_words
}

fn faults(database: &Database, plan: &PlanRow) -> Vec<Fault> {
    database.read(|conn| verify(conn, plan.id, |_, _| ()))
}

/// Thirteen entries: 1 the plan, 2 and 9 a KPI, 3 and 10 a target, 4 to 8 readings of five groups, 11 the first of them
/// again, 12 a grant and 13 its end.
fn a_plan(database: &Database, code: &str) -> PlanRow {
    let body = Some(json!({ "title": "Harrow", "visibility": "private" }));
    let own = DefinitionRevision { kind: DefinitionKind::Plan, code: code.into(), revision: 1, body };
    let mut changes = vec![
        Change { action: "created", row: NewRow::Definition(own), before: None, reason: None },
        a_definition(DefinitionKind::Kpi, "NI-117", 1),
        a_target("NI-117", "FY2009-10", 1, "5"),
    ];
    changes.extend(["all", "fsm", "a", "b", "c"].map(|group| a_reading("NI-117", "FY2009-10-Q1", group, 1, "4.5")));
    changes.push(a_definition(DefinitionKind::Kpi, "NI-117", 2));
    changes.push(a_target("NI-117", "FY2009-10", 2, "6"));
    let mut restated = posted(reading("NI-117", "FY2009-10-Q1", "all", 2, "4.25"));
    restated.before = Some(reading("NI-117", "FY2009-10-Q1", "all", 1, "4.5").document());
    restated.reason = Some("Late returns.".into());
    changes.push(restated);
    let plan = database.plan(code, changes);
    database.write(|write| {
        let mut plan = lock(write, code);
        let granted = Granted { role: Role::Board, outcome_areas: vec![], organisation: None, kpis: vec![] };
        let grant = granting::grant(write, &mut plan, &subject("ada"), noon(), subject("ben"), granted, None)?;
        granting::revoke(write, &mut plan, &subject("ada"), noon(), grant.id, None)?;
        Ok(())
    });
    plan
}

fn what_was_written_here_is_clean(database: &Database) {
    let empty = database.plan("empty", vec![]);
    assert_eq!(faults(database, &empty), []);
    let plan = a_plan(database, "harrow");
    a_plan(database, "brent");
    let mut progress = Vec::new();
    assert_eq!(database.read(|conn| verify(conn, plan.id, |done, of| progress.push((done, of)))), []);
    assert_eq!(progress, [(Seq(13), Seq(13))]);
}

/// What is done to plan `{plan}` behind the store's back, and a word of each fault that must be found, in order.
const TAMPERINGS: [(&str, &[&str]); 45] = [
    // A row is flipped.
    (
        "UPDATE readings SET value = '4.6' WHERE plan_id = {plan} AND seq = 4",
        &["reading NI-117/FY2009-10-Q1/all revision 1: not what entry 4"],
    ),
    (
        "UPDATE readings SET value = '1' WHERE plan_id = {plan} AND seq = 5",
        &["reading NI-117/FY2009-10-Q1/fsm revision 1: not what entry 5"],
    ),
    ("UPDATE readings SET value = NULL WHERE plan_id = {plan} AND seq = 5", &["not what entry 5"]),
    (
        "UPDATE readings SET value = 'lots' WHERE plan_id = {plan} AND seq = 5",
        &["the reading of entry 5: cannot be read"],
    ),
    // The same figure, if not as it is written here: nothing that anyone reads has changed.
    ("UPDATE readings SET value = '4.50' WHERE plan_id = {plan} AND seq = 5", &[]),
    ("UPDATE readings SET commentary = 'Well done.' WHERE plan_id = {plan} AND seq = 5", &["not what entry 5"]),
    ("UPDATE readings SET reason = 'x' WHERE plan_id = {plan} AND seq = 5", &["not what entry 5"]),
    ("UPDATE readings SET determined_status = 'on_track' WHERE plan_id = {plan} AND seq = 5", &["not what entry 5"]),
    ("UPDATE readings SET definition_version = 2 WHERE plan_id = {plan} AND seq = 5", &["not what entry 5"]),
    (
        "UPDATE readings SET recorded_by = 'ben' WHERE plan_id = {plan} AND seq = 5",
        &["reading NI-117/FY2009-10-Q1/fsm: says another instant or another person than entry 5"],
    ),
    (
        "UPDATE readings SET recorded_at = '2009-07-14 12:00:00.123457' WHERE plan_id = {plan} AND seq = 5",
        &["another instant"],
    ),
    (
        "UPDATE readings SET group_code = 'd' WHERE plan_id = {plan} AND seq = 6",
        &[
            "entry 6: the reading NI-117/FY2009-10-Q1/a that it recorded is missing",
            "reading NI-117/FY2009-10-Q1/d revision 1: says that entry 6 recorded it",
        ],
    ),
    (
        "UPDATE readings SET revision = 3 WHERE plan_id = {plan} AND seq = 11",
        &["not what entry 11", "reading NI-117/FY2009-10-Q1/all revision 3: does not follow"],
    ),
    (
        "UPDATE targets SET value = '4' WHERE plan_id = {plan} AND seq = 3",
        &["target NI-117/FY2009-10 revision 1: not what entry 3"],
    ),
    ("UPDATE targets SET agreed_on = '2009-03-25' WHERE plan_id = {plan} AND seq = 3", &["not what entry 3"]),
    (
        "UPDATE targets SET state = 'hoped' WHERE plan_id = {plan} AND seq = 3",
        &["the target of entry 3: cannot be read"],
    ),
    ("UPDATE targets SET recorded_by = 'ben' WHERE plan_id = {plan} AND seq = 3", &["another person than entry 3"]),
    (
        "UPDATE definitions SET body = '{}' WHERE plan_id = {plan} AND seq = 2",
        &["kpi NI-117 revision 1: not what entry 2"],
    ),
    (
        "UPDATE definitions SET body = NULL WHERE plan_id = {plan} AND seq = 9",
        &["kpi NI-117 revision 2: not what entry 9"],
    ),
    (
        "UPDATE definitions SET body = '{' WHERE plan_id = {plan} AND seq = 2",
        &["the definition of entry 2: cannot be read"],
    ),
    (
        "UPDATE definitions SET kind = 'priority' WHERE plan_id = {plan} AND seq = 9",
        &[
            "entry 9: the kpi NI-117 that it recorded is missing",
            "priority NI-117 revision 2: says that entry 9",
            "priority NI-117 revision 2: does not follow",
        ],
    ),
    ("UPDATE grants SET revoked_at = NULL WHERE plan_id = {plan}", &["not what entry 13"]),
    ("UPDATE grants SET role = 'administrator' WHERE plan_id = {plan}", &["not what entry 13"]),
    ("UPDATE grants SET role = 'queen' WHERE plan_id = {plan}", &["cannot be read"]),
    ("UPDATE grants SET plan_id = NULL WHERE plan_id = {plan}", &["entry 13: the grant"]),
    // A row is taken away, put in or moved.
    (
        "DELETE FROM readings WHERE plan_id = {plan} AND seq = 8",
        &["entry 8: the reading NI-117/FY2009-10-Q1/c that it recorded is missing"],
    ),
    (
        "DELETE FROM readings WHERE plan_id = {plan} AND seq = 4",
        &["entry 4: the reading", "reading NI-117/FY2009-10-Q1/all revision 2: does not follow"],
    ),
    (
        "DELETE FROM targets WHERE plan_id = {plan} AND seq = 10",
        &["entry 10: the target NI-117/FY2009-10 that it recorded is missing"],
    ),
    (
        "DELETE FROM definitions WHERE plan_id = {plan} AND seq = 2",
        &["entry 2: the kpi", "kpi NI-117 revision 2: does not follow"],
    ),
    ("DELETE FROM grants WHERE plan_id = {plan}", &["entry 13: the grant"]),
    (
        "INSERT INTO definitions VALUES ({plan}, 'kpi', 'NI-118', 1, 14, '{}')",
        &["the definition of entry 14: no entry recorded it"],
    ),
    (
        "INSERT INTO definitions VALUES ({plan}, 'kpi', 'NI-118', 1, 4, '{}')",
        &["kpi NI-118 revision 1: says that entry 4 recorded it, which did not"],
    ),
    (
        "UPDATE readings SET seq = 1000 WHERE plan_id = {plan} AND seq = 5; UPDATE readings SET seq = 5 WHERE plan_id = {plan} AND seq = 6; UPDATE readings SET seq = 6 WHERE plan_id = {plan} AND seq = 1000",
        &[
            "entry 5: the reading NI-117/FY2009-10-Q1/fsm that it recorded is missing",
            "reading NI-117/FY2009-10-Q1/a revision 1: says",
            "entry 6: the reading",
            "reading NI-117/FY2009-10-Q1/fsm revision 1: says",
        ],
    ),
    // An entry is flipped.
    (
        "UPDATE journal SET after = REPLACE(after, '4.5', '4.6') WHERE plan_id = {plan} AND seq = 5",
        &["entry 5: altered", "reading NI-117/FY2009-10-Q1/fsm revision 1: not what entry 5"],
    ),
    ("UPDATE journal SET reason = NULL WHERE plan_id = {plan} AND seq = 11", &["entry 11: altered"]),
    ("UPDATE journal SET before = NULL WHERE plan_id = {plan} AND seq = 11", &["entry 11: altered"]),
    (
        "UPDATE journal SET after = after || ' ' WHERE plan_id = {plan} AND seq = 5",
        &["entry 5: altered", "entry 5: `after` is not JSON as it is written here", "not what entry 5"],
    ),
    ("UPDATE journal SET actor = 'ben' WHERE plan_id = {plan} AND seq = 1", &["entry 1: altered"]),
    (
        "UPDATE journal SET at = '2009-07-13 12:00:00.123456' WHERE plan_id = {plan} AND seq = 9",
        &["entry 9: altered", "entry 9: earlier than the entry before it"],
    ),
    (
        "UPDATE journal SET digest = REPLACE(digest, '0', '1') WHERE plan_id = {plan} AND seq = 6",
        &["entry 6: altered", "entry 7: altered"],
    ),
    // An entry is taken away or moved.
    (
        "DELETE FROM journal WHERE plan_id = {plan} AND seq = 7",
        &["entry 7: missing", "the reading of entry 7: no entry recorded it"],
    ),
    (
        "DELETE FROM journal WHERE plan_id = {plan} AND seq > 11",
        &["the plan's row: its last entry should be 13, and the journal's is 11", "grant"],
    ),
    (
        "UPDATE journal SET seq = 1000 WHERE plan_id = {plan} AND seq = 5; UPDATE journal SET seq = 5 WHERE plan_id = {plan} AND seq = 6; UPDATE journal SET seq = 6 WHERE plan_id = {plan} AND seq = 1000",
        &[
            "entry 5: altered",
            "entry 5: the reading",
            "says that entry 5",
            "entry 6: altered",
            "entry 6: the reading",
            "says that entry 6",
            "entry 7: altered",
        ],
    ),
    // The head is moved.
    (
        "UPDATE plans SET changed_at = '2010-07-14 12:00:00.123456' WHERE id = {plan}",
        &["the plan's row: its last change is not at the instant of entry 13"],
    ),
    (
        "UPDATE plans SET public = NOT public WHERE id = {plan}",
        &["the plan's row: it is public where its definition says private"],
    ),
];

fn whatever_was_tampered_with_is_found(database: &Database) {
    for (number, (tampering, expected)) in TAMPERINGS.iter().enumerate() {
        let plan = a_plan(database, &format!("plan-{number}"));
        database.execute(&tampering.replace("{plan}", &plan.id.0.to_string()));
        let found: Vec<String> = faults(database, &plan).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{tampering}: {found:#?}");
        for (found, expected) in found.iter().zip(*expected) {
            assert!(found.contains(expected), "{tampering}: {found:?} has no {expected:?}");
        }
    }
}

fn a_board_report_that_is_not_what_was_frozen_is_found(database: &Database) {
    let (kept, other) = ("0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11", "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c12");
    let content = "{\"title\":\"The Board\"}";
    for (number, (tampering, expected)) in [
        ("SELECT 1", None),
        (
            "UPDATE board_reports SET content = REPLACE(content, 'Board', 'board') WHERE plan_id = {plan}",
            Some(format!("board report {kept}: not what was frozen")),
        ),
        (
            "UPDATE board_reports SET content = content || ' ' WHERE plan_id = {plan}",
            Some("not what was frozen".into()),
        ),
        (
            "DELETE FROM board_reports WHERE plan_id = {plan}",
            Some(format!("board report {kept}: what it held is missing")),
        ),
        (
            "INSERT INTO board_reports VALUES ({plan}, '{other}', '{}')",
            Some(format!("board report {other}: no definition matches")),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let body = Some(json!({ "id": kept, "sha256": seal::sha256(content) }));
        let frozen = DefinitionRevision { kind: DefinitionKind::BoardReport, code: kept.into(), revision: 1, body };
        let change =
            Change { action: "board_report.frozen", row: NewRow::Definition(frozen), before: None, reason: None };
        let plan = database.plan(&format!("plan-{number}"), vec![change]);
        database.write(|write| board_reports::keep(write, plan.id, kept.parse().unwrap(), content));
        database.execute(&tampering.replace("{plan}", &plan.id.0.to_string()).replace("{other}", other));
        let found: Vec<String> = faults(database, &plan).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), usize::from(expected.is_some()), "{tampering}: {found:#?}");
        assert!(expected.is_none_or(|expected| found[0].contains(&expected)), "{tampering}: {found:?}");
    }
}

fn a_journal_that_was_emptied_is_found_in_bounded_words(database: &Database) {
    let plan = database.plan("harrow", vec![]);
    database.write(|write| {
        let mut plan = lock(write, "harrow");
        let changes = (1..=2_500).map(|revision| a_target("NI-117", "FY2009-10", revision, "5")).collect();
        record(write, &mut plan, &subject("ada"), noon(), changes)
    });
    let mut progress = Vec::new();
    assert_eq!(database.read(|conn| verify(conn, plan.id, |done, _| progress.push(done.0))), []);
    assert_eq!(progress, [2_000, 2_500]);
    database.execute("UPDATE journal SET actor = 'eve' WHERE seq > 1500");
    let found = faults(database, &plan);
    assert_eq!(found.len(), MOST_FAULTS + 1);
    assert_eq!(found[0].place, "entry 1501");
    assert!(found[MOST_FAULTS].what.contains("more than 1000 faults"), "{}", found[MOST_FAULTS]);
    database.execute("DELETE FROM journal");
    let found = faults(database, &plan);
    assert_eq!(found.len(), MOST_FAULTS + 1);
    assert_eq!(found[0].to_string(), "the target of entry 1: no entry recorded it");
}
