//! The smallest example plan, imported as its README says.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Desk, on_both};

on_both! {
    the_smallest_plan_goes_in_and_its_status_is_reported
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/smallest")
}

/// Each KPI's code and its status.
fn statuses(report: &Value) -> Vec<(String, String)> {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let priorities = list(report, "outcome_areas").into_iter().flat_map(|area| list(&area, "priorities"));
    let kpis = priorities.flat_map(|priority| list(&priority, "kpis"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    kpis.map(|kpi| (text(&kpi["kpi"]), text(&kpi["status"]))).collect()
}

fn the_smallest_plan_goes_in_and_its_status_is_reported(desk: &Desk) {
    let folder = folder();
    let folder = folder.to_str().unwrap();
    let tried = desk.well(&["import", folder, "--as", "ann", "--dry-run"]);
    assert!(tried.contains("smallest: nothing is wrong"), "{tried}");
    let said = desk.well(&["import", folder, "--as", "ann"]);
    assert!(said.contains("smallest: loaded") && !said.contains("warning"), "{said}");
    assert!(said.contains("plan.csv: 1 row\n") && said.contains("kpis.csv: 2 rows\n"), "{said}");
    let status = |kpi: &str, status: &str| (kpi.to_owned(), status.to_owned());
    let first = desk.report("smallest", "FY2024-25-Q1");
    assert_eq!(statuses(&first), [status("ASSESSED", "at_risk"), status("WAIT", "on_track")]);
    let second = desk.report("smallest", "FY2024-25-Q2");
    assert_eq!(statuses(&second), [status("ASSESSED", "on_track"), status("WAIT", "off_track")]);
    let text = desk.well(&["report", "--plan", "smallest", "--as", "ann", "--period", "FY2024-25-Q2"]);
    assert!(text.contains("invented for illustration") && text.contains("(2 of 2 KPIs assessed)"), "{text}");
    let sound = desk.well(&["verify", "--plan", "smallest"]);
    assert!(sound.contains("chain and revisions are sound"), "{sound}");
}
