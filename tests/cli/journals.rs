//! The journal of the service on the command line: printed by `waymark journal`, checked by `waymark verify`.

use serde_json::Value;

use crate::{Desk, on_both};

on_both! {
    the_journal_of_the_service_is_printed_line_by_line
    verify_finds_an_entry_that_was_changed_or_removed
}

fn the_journal_of_the_service_is_printed_line_by_line(desk: &Desk) {
    let printed = desk.well(&["journal"]);
    let entries: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [entry] = entries.as_slice() else { panic!("{printed}") };
    assert_eq!((&entry["seq"], &entry["actor"], &entry["action"]), (&1.into(), &"ann".into(), &"grant.given".into()));
    assert_eq!((&entry["before"], &entry["after"]["role"]), (&Value::Null, &"administrator".into()));
    assert_eq!(desk.well(&["journal", "--after", "1"]), "");
    let refused = desk.run(&["journal", "--after=-1"]);
    assert!(!refused.well && refused.err.contains("--after"), "{refused:?}");
}

fn verify_finds_an_entry_that_was_changed_or_removed(desk: &Desk) {
    let folder = desk.harrow("harrow");
    desk.well(&["import", folder.to_str().unwrap(), "--as", "ann"]);
    let sound = desk.well(&["verify"]);
    assert!(sound.contains("the service: 1 entry, chain is sound, head "), "{sound}");
    // Of one plan alone only that plan is said.
    assert!(!desk.well(&["verify", "--plan", "harrow-cypp-2009-2011"]).contains("the service"));
    desk.execute("UPDATE service_journal SET actor = 'eve'");
    let altered = desk.run(&["verify"]);
    assert!(!altered.well && altered.out.contains("the service: entry 1: altered"), "{altered:?}");
    assert!(altered.out.contains("harrow-cypp-2009-2011: "), "{altered:?}");
    desk.execute("DELETE FROM service_journal");
    let removed = desk.run(&["verify"]);
    assert!(!removed.well && removed.out.contains("the service: the journal's end: its last entry"), "{removed:?}");
}
