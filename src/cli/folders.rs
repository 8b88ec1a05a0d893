//! `waymark import FOLDER`, `waymark export` and `waymark plan remove`: whole plans in, out and away.

use std::path::PathBuf;

use super::{Failure, open_current, print, progress, told};
use crate::clock::Clock;
use crate::config::{Export, Import, RemovePlan};
use crate::domain::wording::counted;
use crate::programme::caller::precondition::Precondition;
use crate::programme::definitions::plan_removal::Extent;
use crate::programme::folder::export::{ExportError, NOT_EXPORTED};
use crate::programme::folder::load::{Folder, Keep, LoadError};
use crate::programme::{Principal, Programme};
use crate::store::Store;

/// Imports a folder, whole or not at all.
pub(super) async fn import(store: Store, path: PathBuf, caller: Principal, command: &Import) -> Result<bool, Failure> {
    if command.kind.is_some() {
        return Err("--kind says what one file holds; in a folder the name of each file says so".into());
    }
    let clock = Clock::system();
    let programme = Programme::new(store, clock.clone());
    let bar = progress(0, "importing");
    let heard = |file: &str, rows: u64| bar.set_message(format!("{file}: {}", counted(rows, "row", "rows")));
    let keep = if command.dry_run { Keep::Nothing } else { Keep::Everything };
    let folder = Folder::Disk(path);
    let loaded = programme.load_folder(&folder, command.plan.as_ref(), &caller, &clock, keep, &heard).await;
    bar.finish_and_clear();
    match loaded {
        Ok(mut loaded) => {
            loaded.warnings.each(|warning| print(format!("warning: {warning}\n")).map_err(std::io::Error::other))?;
            for note in &loaded.notes {
                print(format!("note: {note}\n"))?;
            }
            for (file, rows) in &loaded.files {
                print(format!("{file}: {}\n", counted(*rows, "row", "rows")))?;
            }
            let done =
                if command.dry_run { "nothing is wrong; this was a trial, and nothing was saved" } else { "loaded" };
            print(format!("{}: {done}\n", loaded.plan))?;
            Ok(true)
        }
        Err(LoadError::Faulty(mut faults)) => {
            faults.each(|fault| print(format!("{fault}\n")).map_err(std::io::Error::other))?;
            print(format!("{}\n", LoadError::Faulty(faults)))?;
            Ok(false)
        }
        Err(LoadError::Refused(refusal)) => Err(told(&refusal).into()),
        Err(other) => Err(other.into()),
    }
}

/// Writes a plan into a folder.
pub(super) async fn export(command: Export) -> Result<bool, Failure> {
    let programme = Programme::new(open_current(&command.place)?, Clock::system());
    let exported = programme.export_folder(&command.plan, &command.subject.into(), &command.folder).await;
    let exported = exported.map_err(|error| match error {
        ExportError::Refused(refusal) => told(&refusal),
        other => other.to_string(),
    })?;
    for (file, rows) in &exported.files {
        print(format!("{file}: {}\n", counted(*rows, "row", "rows")))?;
    }
    for note in &exported.notes {
        print(format!("note: {note}\n"))?;
    }
    print(format!("{NOT_EXPORTED}\n"))?;
    Ok(true)
}

/// Removes a plan.
pub(super) async fn remove(command: RemovePlan) -> Result<bool, Failure> {
    let programme = Programme::new(open_current(&command.place)?, Clock::system());
    let (plan, caller) = (command.plan, command.subject.into());
    let open = programme.open(&plan, &caller).await.map_err(|refusal| told(&refusal))?;
    if !command.yes {
        let seen = programme.seen(&open, programme.clock().now()).await.map_err(|refusal| told(&refusal))?;
        let readings: usize = seen.kpis().map(|kpi| kpi.count_of_readings()).sum();
        let targets: usize = seen.kpis().map(|kpi| kpi.count_of_targets()).sum();
        let (title, kpis) = (&seen.plan().value.title, seen.kpis().count());
        return Err(format!(
            "this would remove `{plan}` ({title}) with {}, {} and {}, for good; say --yes to do it, and export it before if in \
             doubt",
            counted(kpis, "KPI", "KPIs"),
            counted(targets, "target", "targets"),
            counted(readings, "figure", "figures"),
        )
        .into());
    }
    let removed = programme.remove_plan(&plan, &caller, Precondition::Any, Extent::WithContents).await;
    removed.map_err(|refusal| told(&refusal))?;
    print(format!("{plan} removed; `waymark verify` shows who removed it and when\n"))?;
    Ok(true)
}
