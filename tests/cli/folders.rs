//! Whole plans: in from a folder, out into one, and away.

use std::path::Path;

use crate::{Desk, on_both};

on_both! {
    a_folder_goes_in_out_and_in_again
    everything_that_is_wrong_is_said_at_once_and_nothing_is_kept
    what_only_follows_is_not_said
    a_folder_that_is_only_tried_leaves_nothing
    a_plan_is_given_the_code_that_is_asked_for
    files_that_would_not_be_read_are_pointed_out
    what_was_read_in_another_way_than_the_usual_is_said
    a_definition_changes_on_its_day
    a_plan_made_by_mistake_is_removed_and_loaded_anew
}

const HARROW: &str = "harrow-cypp-2009-2011";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn import<'a>(folder: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["import", text(folder), "--as", "ann"][..], more].concat()
}

/// A folder of a few rows.
fn small(desk: &Desk, name: &str) -> std::path::PathBuf {
    for (file, content) in [
        ("plan.csv", "code,title,starts_on,ends_on\nsmall,A small plan,2009-04-01,2011-03-31\n"),
        ("organisations.csv", "code,title\ncouncil,The council\npct,The trust\n"),
        ("outcome-areas.csv", "code,title,position\nhealth,Health,1\n"),
        ("sub-groups.csv", "code,title,lead_organisation,outcome_areas\nhealth-group,Health group,pct,health\n"),
        ("priorities.csv", "code,title,outcome_area,position\nhealth-1,Be well,health,1\n"),
        (
            "dimensions.csv",
            "dimension,title,complete,group,group_title\nsex,Sex,true,girls,Girls\nsex,Sex,true,boys,Boys\n",
        ),
        (
            "kpis.csv",
            "code,title,priority,unit,decimals,polarity,frequency,calendar,aggregation,formula,formula_of,formula_group,formula_comparator,archived\n\
             GAP,The gap,health-1,percentage_points,1,lower_is_better,quarter,financial,in_period,gap,NI-1,girls,boys,\n\
             NI-1,First,health-1,percentage,1,higher_is_better,quarter,financial,in_period,,,,,\n\
             OLD,No more,health-1,count,0,none,quarter,financial,in_period,,,,,true\n",
        ),
        ("targets/2010-01-01.csv", "kpi,period,value\nNI-1,FY2009-10,50\n"),
        (
            "readings/2010-01-02.csv",
            "kpi,period,group,value,commentary\nNI-1,FY2009-10-Q1,girls,40.5,\nNI-1,FY2009-10-Q1,boys,44,\"Said \"\"so\"\", twice\nin two lines\"\n\
             NI-1,FY2009-10-Q1,,42,'=1+1\nOLD,FY2009-10-Q1,,7,\n",
        ),
    ] {
        desk.write(&format!("{name}/{file}"), content);
    }
    desk.path(name)
}

fn a_folder_goes_in_out_and_in_again(desk: &Desk) {
    let folder = desk.harrow("harrow");
    let said = desk.well(&import(&folder, &[]));
    assert!(said.contains("kpis.csv: 82 rows") && said.contains(&format!("{HARROW}: loaded")), "{said}");
    assert!(said.contains("the story is left out"), "{said}");
    let out = desk.path("out");
    let said = desk.well(&["export", HARROW, text(&out), "--as", "ann"]);
    assert!(said.contains("kpis.csv: 82 rows") && said.contains("Not in the folder: returns"), "{said}");
    assert!(!said.contains("note:"), "everything comes back: {said}");
    let again = desk.run(&["export", HARROW, text(&out), "--as", "ann"]);
    assert!(!again.well && again.err.contains("is not empty"), "{again:?}");
    desk.well(&import(&out, &["--plan", "again"]));
    for period in ["FY2009-10-Q4", "FY2009-10-Q1", "FY2009-10", "2010-02"] {
        let (mut one, mut other) = (desk.report(HARROW, period), desk.report("again", period));
        assert_eq!(one["headline"]["total"], serde_json::json!(82));
        for report in [&mut one, &mut other] {
            report.as_object_mut().unwrap().remove("plan").unwrap();
        }
        assert_eq!(without_instants(one), without_instants(other), "{period}");
    }
    // What comes out of the copy is what came out of the plan, but for the plan's code.
    let third = desk.path("third");
    desk.well(&["export", "again", text(&third), "--as", "ann"]);
    for file in ["kpis.csv", "organisations.csv", "policies.csv", "dimensions.csv", "grants.csv", "rounds.csv"] {
        let read = |folder: &Path| std::fs::read_to_string(folder.join(file)).unwrap();
        assert_eq!(sorted(&read(&out)), sorted(&read(&third)), "{file}");
    }
    // A stranger exports nothing.
    let stranger = desk.run(&["export", HARROW, text(&desk.path("theirs")), "--as", "stranger"]);
    assert!(!stranger.well && stranger.err.contains("there is no such plan"), "{stranger:?}");
    assert!(!desk.path("theirs").exists());
}

/// A report without the instants in it.
fn without_instants(mut report: serde_json::Value) -> serde_json::Value {
    fn clear(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(members) => {
                members.retain(|name, _| !matches!(name.as_str(), "recorded_at" | "at"));
                members.values_mut().for_each(clear);
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(clear),
            _ => {}
        }
    }
    clear(&mut report);
    report
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

fn everything_that_is_wrong_is_said_at_once_and_nothing_is_kept(desk: &Desk) {
    let folder = small(desk, "small");
    desk.write("small/organisations.csv", "code,title\ncouncil,The council\npct,The trust\npct,Again\n");
    desk.write("small/outcome-areas.csv", "code,title,position\nhealth,Health,first\n");
    desk.write("small/targets/2010-01-01.csv", "kpi,period,value\nNI-1,FY2009-10,fifty\n");
    desk.write(
        "small/readings/2010-01-02.csv",
        "kpi,period,group,value\nNI-1,FY2009-10-Q1,grils,40.5\nNI-2,FY2009-10-Q1,,44\n",
    );
    let said = desk.run(&import(&folder, &[]));
    assert!(!said.well);
    for wanted in [
        "organisations.csv, row 4, code (A4): row 3 has `pct` already",
        "outcome-areas.csv, row 2, position (C2): ",
        "targets/2010-01-01.csv, row 2, value (C2): `fifty`",
        "readings/2010-01-02.csv, row 2, group (C2): ",
        "readings/2010-01-02.csv, row 3, kpi (A3): ",
        "5 things are wrong, and nothing was saved",
    ] {
        assert!(said.out.contains(wanted), "no {wanted} in {}", said.out);
    }
    assert_eq!(said.out.lines().count(), 6, "{}", said.out);
    let report = desk.run(&["report", "--plan", "small", "--as", "ann"]);
    assert!(!report.well && report.err.contains("there is no such plan"), "{report:?}");
    // Mended, the same folder is loaded.
    small(desk, "small");
    desk.well(&import(&folder, &[]));
    assert_eq!(desk.report("small", "FY2009-10-Q1")["headline"]["total"], serde_json::json!(2));
    let page = desk.path("report.html");
    let asked =
        ["report", "--plan", "small", "--as", "ann", "--period", "FY2009-10-Q1", "--html", page.to_str().unwrap()];
    desk.well(&asked);
    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.contains("NI-1") && html.contains("<style>") && html.contains("2009/10 Q1"), "{html}");
    assert!(
        !html.contains("href=\"/") && !html.contains("http") && !html.contains("<script"),
        "it loads nothing: {html}"
    );
    let link = desk.well(&["sign-in-link", "--subject", "ann", "--public-url", "https://waymark.example/"]);
    assert!(link.starts_with("https://waymark.example/sign-in?link=") && link.trim().len() > 70, "{link}");
    let again = desk.run(&import(&folder, &[]));
    assert!(
        !again.well && again.out.contains("plan.csv, row 2, code (A2): there is a plan `small` already"),
        "{again:?}"
    );
    assert!(again.out.contains("1 thing is wrong"), "{again:?}");
}

fn what_only_follows_is_not_said(desk: &Desk) {
    let folder = small(desk, "small");
    // The plan, an organisation and a KPI are wrong; what names them is not to blame.
    desk.write("small/plan.csv", "code,title,starts_on,ends_on\nsmall,A small plan,2009-04-01,2008-03-31\n");
    desk.write("small/organisations.csv", "code,title\ncouncil,The council\npct,\n");
    let kpis = std::fs::read_to_string(folder.join("kpis.csv")).unwrap();
    desk.write("small/kpis.csv", &kpis.replace("First,health-1,percentage,1", "First,health-1,percents,1"));
    let said = desk.run(&import(&folder, &[]));
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 4, "{}", said.out);
    assert!(lines[0].starts_with("plan.csv, row 2, ends_on (D2): "), "{}", said.out);
    assert!(lines[1].starts_with("organisations.csv, row 3, title"), "{}", said.out);
    assert!(lines[2].starts_with("kpis.csv, row 3, unit (D3): "), "{}", said.out);
    assert_eq!(lines[3], "3 things are wrong, and nothing was saved");
}

fn a_folder_that_is_only_tried_leaves_nothing(desk: &Desk) {
    let folder = small(desk, "small");
    let said = desk.well(&import(&folder, &["--dry-run"]));
    assert!(said.contains("nothing was saved"), "{said}");
    let report = desk.run(&["report", "--plan", "small", "--as", "ann"]);
    assert!(!report.well && report.err.contains("there is no such plan"), "{report:?}");
    let verified = desk.run(&["verify"]);
    assert!(verified.err.contains("there is no plan yet"), "{verified:?}");
    desk.well(&import(&folder, &[]));
    let kind = desk.run(&import(&folder, &["--plan", "other", "--kind", "targets"]));
    assert!(!kind.well && kind.err.contains("--kind"), "{kind:?}");
    let stranger = desk.run(&["import", text(&folder), "--as", "stranger", "--plan", "theirs"]);
    assert!(!stranger.well && stranger.err.contains("administrator"), "{stranger:?}");
}

fn a_plan_is_given_the_code_that_is_asked_for(desk: &Desk) {
    let folder = small(desk, "small");
    let said = desk.well(&import(&folder, &["--plan", "other"]));
    assert!(said.contains("plan.csv calls the plan `small`; it is loaded as `other`"), "{said}");
    assert_eq!(desk.report("other", "FY2009-10-Q1")["plan"], serde_json::json!("other"));
    assert!(!desk.run(&["report", "--plan", "small", "--as", "ann"]).well);
    desk.well(&import(&folder, &[]));
    // Archived, and yet with its figure.
    let out = desk.path("out");
    desk.well(&["export", "small", text(&out), "--as", "ann"]);
    let kpis = std::fs::read_to_string(out.join("kpis.csv")).unwrap();
    assert!(kpis.lines().any(|line| line.starts_with("OLD,") && line.ends_with(",true")), "{kpis}");
    let folder = std::fs::read_dir(out.join("readings")).unwrap().next().unwrap().unwrap().path();
    let readings = std::fs::read_to_string(folder).unwrap();
    assert!(readings.contains("OLD,FY2009-10-Q1,all,7,"), "{readings}");
    assert!(readings.contains("\"Said \"\"so\"\", twice\nin two lines\"") && readings.contains("'=1+1"), "{readings}");
}

fn what_was_read_in_another_way_than_the_usual_is_said(desk: &Desk) {
    let folder = small(desk, "small");
    desk.write("small/organisations.csv", "code;title\ncouncil;The council\npct;The trust\n");
    let kpis = std::fs::read_to_string(folder.join("kpis.csv")).unwrap();
    let monthly = kpis.replace("lower_is_better,quarter", "lower_is_better,month").replace(",quarter,", ",month,");
    let mut lines = monthly.lines().map(|line| match line.split(',').next() {
        Some("code") => format!("{line},baseline_period,baseline_value"),
        Some("NI-1") => format!("{line},2008-09,50"),
        _ => format!("{line},,"),
    });
    let months: String = lines.by_ref().map(|line| line + "\n").collect();
    desk.write("small/kpis.csv", &months);
    desk.write("small/readings/2010-01-02.csv", "kpi,period,value\nNI-1,Apr 2009,42\n");
    desk.write(
        "small/rounds.csv",
        "period,opens,due,closes\n2009-10,2009-11-01,2009-11-20,2009-11-30\n2010-01,2010-02-01,2010-02-28,2010-03-10\n",
    );
    let said = desk.run(&import(&folder, &[]));
    assert!(said.well, "{said:?}");
    for wanted in [
        "organisations.csv: the file was read with a semicolon between its cells",
        "kpis.csv, row 3, baseline_period (O3): `2008-09` is the key of Sep 2008, and was read as that; if the year is meant, write FY2008-09",
        "rounds.csv, row 2, period (A2): `2009-10` is the key of Oct 2009",
    ] {
        assert!(said.out.contains(wanted) || said.err.contains(wanted), "no {wanted} in {said:?}");
    }
    assert!(!said.out.contains("rounds.csv, row 3"), "{said:?}");
}

fn files_that_would_not_be_read_are_pointed_out(desk: &Desk) {
    let folder = small(desk, "small");
    std::fs::rename(folder.join("dimensions.csv"), folder.join("dimension.csv")).unwrap();
    std::fs::remove_file(folder.join("priorities.csv")).unwrap();
    desk.write("small/readings/spring.csv", "kpi,period,value\n");
    desk.write("small/notes.txt", "Not a file of the plan.");
    let said = desk.run(&import(&folder, &[]));
    assert!(!said.well);
    for wanted in [
        "dimension.csv: this is not one of the files of a plan, and would not be read",
        "Is it meant to be `dimensions.csv`?",
        "priorities.csv: the folder has no priorities.csv, and needs one",
        "readings/spring.csv: it is not named after a day",
    ] {
        assert!(said.out.contains(wanted), "no {wanted} in {}", said.out);
    }
    assert!(!said.out.contains("notes.txt"), "{}", said.out);
}

fn a_definition_changes_on_its_day(desk: &Desk) {
    let folder = small(desk, "small");
    let row =
        "NI-1,First,health-1,\"Now counted otherwise\",percentage,1,higher_is_better,quarter,financial,in_period\n";
    let header = "code,title,priority,definition,unit,decimals,polarity,frequency,calendar,aggregation\n";
    desk.write("small/kpis/2010-02-01.csv", &format!("{header}{row}"));
    desk.write("small/readings/2010-02-01.csv", "kpi,period,value\nNI-1,FY2009-10-Q2,48\n");
    desk.well(&import(&folder, &[]));
    let travel = |plan: &str| {
        let report = desk.report(plan, "FY2009-10-Q2");
        let kpis = report["outcome_areas"][0]["priorities"][0]["kpis"].as_array().unwrap().clone();
        kpis.into_iter().find(|kpi| kpi["kpi"] == "NI-1").unwrap()["travel"]["short"].clone()
    };
    assert_eq!(travel("small")["reason"], "definition_changed");
    let out = desk.path("out");
    desk.well(&["export", "small", text(&out), "--as", "ann"]);
    desk.well(&import(&out, &["--plan", "again"]));
    assert_eq!(travel("again"), travel("small"));
}

fn a_plan_made_by_mistake_is_removed_and_loaded_anew(desk: &Desk) {
    let folder = small(desk, "small");
    desk.well(&import(&folder, &[]));
    let asked = desk.run(&["plan", "remove", "small", "--as", "ann"]);
    assert!(
        !asked.well && asked.err.contains("3 KPIs, 1 target and 4 figures") && asked.err.contains("--yes"),
        "{asked:?}"
    );
    let stranger = desk.run(&["plan", "remove", "small", "--as", "stranger", "--yes"]);
    assert!(!stranger.well && stranger.err.contains("there is no such plan"), "{stranger:?}");
    desk.well(&["plan", "remove", "small", "--as", "ann", "--yes"]);
    assert!(!desk.run(&["report", "--plan", "small", "--as", "ann"]).well);
    let verified = desk.well(&["verify"]);
    assert!(verified.contains("small: removed by ann at "), "{verified}");
    desk.well(&import(&folder, &[]));
    let verified = desk.well(&["verify", "--plan", "small"]);
    assert!(verified.contains("chain and revisions are sound") && verified.contains("removed by ann"), "{verified}");
    assert_eq!(desk.report("small", "FY2009-10-Q1")["headline"]["total"], serde_json::json!(2));
}

#[test]
fn the_columns_are_those_of_the_page_about_folders() {
    let printed = Desk::sqlite().well(&["import", "--columns"]);
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/folder.md")).unwrap();
    let (_, columns) = page.split_once("<!-- What follows is printed by `waymark import --columns`. -->\n\n").unwrap();
    assert_eq!(columns, printed, "run `waymark import --columns` and put what it prints at the end of docs/folder.md");
}
