//! `waymark verify` and `waymark journal`: what the journals say, and whether they are as they were written.

use serde_json::json;

use super::{Failure, open_current, print, progress};
use crate::config::{Journal, Verify};
use crate::domain::ids::Seq;
use crate::domain::wording::counted;
use crate::store::removals::Removal;
use crate::store::seal::instant;
use crate::store::verify::Fault;
use crate::store::{Store, plans, removals, service_journal, verify};

/// How many entries are read at a time.
const ENTRIES_AT_A_TIME: i64 = 1_000;

pub(super) fn verify(command: &Verify) -> Result<bool, Failure> {
    let store = open_current(&command.place)?;
    let meant = |code: &str| command.plan.as_ref().is_none_or(|plan| plan.as_str() == code);
    let mut plans = store.read_blocking(plans::list_all)?;
    plans.retain(|plan| meant(plan.code.as_str()));
    let mut removed = store.read_blocking(removals::list)?;
    removed.retain(|removal| meant(removal.code()));
    if plans.is_empty() && removed.is_empty() {
        if let Some(plan) = &command.plan {
            return Err(format!("there is no plan `{plan}`").into());
        }
        eprintln!("waymark: there is no plan yet");
    }
    let mut sound = true;
    for plan in plans {
        let bar = progress(u64::try_from(plan.seq.0).unwrap_or(0), "verifying");
        let faults = store.read_blocking(|conn| {
            verify::verify(conn, plan.id, |done, _last| bar.set_position(u64::try_from(done.0).unwrap_or(0)))
        })?;
        bar.finish_and_clear();
        let words = "chain and revisions are sound";
        sound &= print_verdict(plan.code.as_str(), &faults, plan.seq, words, &plan.head_digest)?;
    }
    for removal in &removed {
        sound &= print_removal(removal)?;
    }
    if command.plan.is_none() {
        sound &= verify_service(&store)?;
    }
    Ok(sound)
}

fn verify_service(store: &Store) -> Result<bool, Failure> {
    let faults = store.read_blocking(verify::service)?;
    if !faults.is_empty() {
        return print_verdict("the service", &faults, Seq(0), "", "");
    }
    let head = store.read_blocking(service_journal::head)?;
    print_verdict("the service", &faults, head.seq, "chain is sound", &head.digest)
}

/// Prints what is wrong with a journal, or that nothing is.
fn print_verdict(name: &str, faults: &[Fault], entries: Seq, words: &str, head: &str) -> Result<bool, Failure> {
    for fault in faults {
        print(format!("{name}: {fault}\n"))?;
    }
    if faults.is_empty() {
        print(format!("{name}: {}, {words}, head {head}\n", counted(entries.0, "entry", "entries")))?;
    }
    Ok(faults.is_empty())
}

fn print_removal(removal: &Removal) -> Result<bool, Failure> {
    let words = if removal.is_sound() { "" } else { "; this entry is not as it was written" };
    let (code, seq, at) = (removal.code(), removal.seq(), removal.at().format("%Y-%m-%dT%H:%M:%SZ"));
    print(format!("{code}: removed by {} at {at}, entry {seq}, head {}{words}\n", removal.actor(), removal.digest()))?;
    Ok(removal.is_sound())
}

/// Prints the journal of the service, one entry per line.
pub(super) fn print_entries(command: &Journal) -> Result<bool, Failure> {
    let store = open_current(&command.place)?;
    let mut after = Seq(command.after);
    loop {
        let entries = store.read_blocking(|conn| service_journal::page(conn, after, ENTRIES_AT_A_TIME))?;
        let Some(last) = entries.last() else { return Ok(true) };
        after = last.seq;
        for entry in entries {
            let line = json!({
                "seq": entry.seq, "at": instant(entry.at), "actor": entry.actor, "action": entry.action,
                "kind": entry.kind, "key": entry.key, "before": entry.before, "after": entry.after,
                "reason": entry.reason, "digest": entry.digest,
            });
            print(format!("{line}\n"))?;
        }
    }
}
