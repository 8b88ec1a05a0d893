//! The Harrow plan that comes with the program, with all that its README promises to be in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::on_both;
use crate::support::{Actor, NOON, World};

use Actor::{Administrator, Board, Partner, Public};

on_both! {
    everything_that_can_be_said_of_a_kpi_is_said_of_one
    a_figure_has_one_status_wherever_it_is_shown
    nothing_withheld_shows_through
}

/// The Board's report, and the public's and partners'.
const REPORT: &str = "status-report?period=FY2009-10-Q4&as_of=2010-05-14T12:00:00Z";

fn kpis(report: &Value) -> Vec<Value> {
    let list = |value: &Value, name: &str| value[name].as_array().unwrap().clone();
    let areas = list(report, "outcome_areas");
    let priorities = areas.iter().flat_map(|area| list(area, "priorities"));
    priorities.flat_map(|priority| list(&priority, "kpis")).collect()
}

async fn everything_that_can_be_said_of_a_kpi_is_said_of_one(world: &World) {
    world.load_harrow().await;
    world.now_is("2010-06-01T12:00:00Z");
    let board = world.get(Board, REPORT).await.is(200).json();
    assert_eq!(
        board["counts"]["status"],
        json!({"on_track": 38, "at_risk": 17, "off_track": 11, "not_assessed": 16}),
        "as the README says"
    );
    let mut said: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut note = |kpi: &Value| {
        for member in ["status", "band", "data_state", "reason"] {
            said.entry(member).or_default().extend(kpi[member].as_str().map(str::to_owned));
        }
        for span in ["short", "long"] {
            said.entry("direction").or_default().extend(kpi["travel"][span]["direction"].as_str().map(str::to_owned));
            said.entry("no direction").or_default().extend(kpi["travel"][span]["reason"].as_str().map(str::to_owned));
        }
        said.entry("source").or_default().extend(kpi["target"]["source"].as_str().map(str::to_owned));
        let explanation = kpi["explanation"].as_str().unwrap();
        assert!(explanation.ends_with('.') && explanation.len() > 20, "{kpi}");
    };
    kpis(&board).iter().for_each(&mut note);
    assert_eq!(kpis(&board).len(), 82);
    kpis(&world.get(Partner, REPORT).await.is(200).json()).iter().for_each(&mut note);
    let next = "status-report?period=FY2010-11-Q1&as_of=2010-05-14T12:00:00Z";
    kpis(&world.get(Board, next).await.is(200).json()).iter().for_each(&mut note);
    for kpi in kpis(&board) {
        let series = world
            .get(Board, &format!("kpis/{}/series?as_of={NOON}", kpi["kpi"].as_str().unwrap()))
            .await
            .is(200)
            .json();
        series["points"].as_array().unwrap().iter().for_each(&mut note);
    }
    for (member, wanted) in [
        ("status", vec!["on_track", "at_risk", "off_track", "not_assessed"]),
        ("band", vec!["green", "amber", "red", "high_green", "low_green", "low_red", "high_red"]),
        ("data_state", vec!["final", "provisional", "nil_return", "not_due", "awaited", "overdue", "suppressed"]),
        (
            "reason",
            vec![
                "not_applicable",
                "no_reading",
                "nil_return",
                "suppressed",
                "contextual",
                "partner_determined",
                "awaiting_partner",
                "no_target",
                "placeholder_target",
                "no_profile",
                "zero_target",
            ],
        ),
        ("source", vec!["set", "held", "even", "weighted", "linear"]),
        ("direction", vec!["improving", "no_change", "worsening", "increasing", "decreasing"]),
        ("no direction", vec!["cumulative", "no_comparison", "suppressed"]),
    ] {
        for word in wanted {
            assert!(said[member].contains(word), "no KPI has the {member} {word}: {:?}", said[member]);
        }
    }
}

async fn a_figure_has_one_status_wherever_it_is_shown(world: &World) {
    world.load_harrow().await;
    let readings = world.get(Administrator, "readings?limit=1000&group=all").await.is(200).json();
    assert!(readings["next"].is_null(), "all readings fit one page");
    for actor in [Administrator, Partner, Public] {
        let report = world.get(actor, "status-report?period=FY2009-10-Q4").await.is(200).json();
        let rows = world.get(actor, "status-report.csv?period=FY2009-10-Q4").await.is(200).rows();
        let rows: BTreeMap<_, _> = rows.iter().map(|row| (row["kpi"].clone(), row)).collect();
        let kpis = kpis(&report);
        assert_eq!(kpis.len(), rows.len(), "{actor:?}");
        for kpi in &kpis {
            let (code, period) = (kpi["kpi"].as_str().unwrap(), kpi["period"]["key"].as_str().unwrap());
            let status = world.get(actor, &format!("kpis/{code}/status?period={period}")).await.is(200).json();
            assert_eq!(&status, kpi, "the status of {code} for {actor:?}");
            let series =
                world.get(actor, &format!("kpis/{code}/series?from={period}&to={period}")).await.is(200).json();
            assert_eq!(series["points"], json!([kpi]), "the point of {code} for {actor:?}");
            for member in ["status", "band", "reason", "data_state", "value", "reported", "variance", "explanation"] {
                let text = match &kpi[member] {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    number => number.to_string(),
                };
                // In a table a text that begins as a formula does has an apostrophe before it.
                let cell = rows[code][member].strip_prefix('\'').unwrap_or(&rows[code][member]);
                assert_eq!(cell, text, "{member} of {code} for {actor:?}");
            }
        }
        counts_add_up(&report, kpis.len());
    }
    // An import that says of each figure something new leaves it where it stands, and says so.
    let report = world.get(Administrator, "status-report?period=FY2009-10-Q4").await.is(200).json();
    let mut file = "kpi,period,value,numerator,denominator,provisional,nil_return,status,commentary\n".to_owned();
    let mut standing = BTreeMap::new();
    for kpi in kpis(&report) {
        let place = |item: &Value| (item["kpi"].to_string(), item["period"]["key"].to_string());
        let Some(reading) = readings["items"].as_array().unwrap().iter().find(|item| place(item) == place(&kpi)) else {
            continue;
        };
        let cell = |name: &str| match &reading[name] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        // The exact figure of a fraction has more decimals than may be posted, and follows from it anyway.
        let value = if reading["numerator"].is_null() { cell("value") } else { String::new() };
        let (nil, status) = (cell("nil_return").replace(',', ";"), cell("status"));
        let key = kpi["period"]["key"].as_str().unwrap();
        writeln!(
            file,
            "{},{key},{value},{},{},{},{nil},{status},New words.",
            cell("kpi"),
            cell("numerator"),
            cell("denominator"),
            cell("provisional")
        )
        .unwrap();
        standing.insert(cell("kpi"), kpi);
    }
    assert!(standing.len() > 60, "{}", standing.len());
    let tried = world.import(Administrator, "readings?dry_run=true", file).await.is(200).json();
    assert_eq!(tried["revised"].as_u64(), u64::try_from(standing.len()).ok(), "{}", tried["errors"]);
    for effect in tried["effects"].as_array().unwrap() {
        let kpi = &standing[effect["kpi"].as_str().unwrap()];
        assert_eq!(effect["before"], effect["after"], "{effect}");
        for (member, value) in effect["after"].as_object().unwrap() {
            assert_eq!(&kpi[member], value, "{member} of {}", effect["kpi"]);
        }
    }
}

/// Counts by status, band and data state each sum to the number of KPIs, at every level and over the levels.
fn counts_add_up(report: &Value, all: usize) {
    let sums = |counts: &Value| {
        ["status", "band", "data_state"]
            .map(|axis| counts[axis].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum::<u64>())
    };
    let all = u64::try_from(all).unwrap();
    assert_eq!(sums(&report["counts"]), [all; 3]);
    let mut counted = 0;
    for area in report["outcome_areas"].as_array().unwrap() {
        let priorities = area["priorities"].as_array().unwrap();
        let within: u64 =
            priorities.iter().map(|priority| u64::try_from(priority["kpis"].as_array().unwrap().len()).unwrap()).sum();
        assert_eq!(sums(&area["counts"]), [within; 3], "{}", area["code"]);
        for priority in priorities {
            assert_eq!(
                sums(&priority["counts"]),
                [u64::try_from(priority["kpis"].as_array().unwrap().len()).unwrap(); 3]
            );
        }
        counted += within;
    }
    assert_eq!(counted, all);
}

async fn nothing_withheld_shows_through(world: &World) {
    world.load_harrow().await;
    let members = world.get(Board, "readings?limit=1000").await.is(200).json();
    let defined = world.get(Board, "kpis?limit=1000").await.is(200).json();
    for actor in [Partner, Public] {
        let mut seen = world.get(actor, "readings?limit=1000").await.is(200).json();
        let mut withheld = 0;
        for reading in seen["items"].as_array_mut().unwrap() {
            if reading["suppressed"] == true {
                withheld += 1;
                for member in ["value", "numerator", "denominator", "nil_return", "status", "commentary", "reason"] {
                    assert_eq!(reading[member], Value::Null, "{reading}");
                }
            } else {
                let place = |item: &Value| [item["kpi"].clone(), item["period"]["key"].clone(), item["group"].clone()];
                let whole = members["items"].as_array().unwrap().iter().find(|item| place(item) == place(reading));
                let mut whole = whole.unwrap().clone();
                // Who reported it is the members' to know.
                whole["recorded_by"] = Value::Null;
                let mut kpis = defined["items"].as_array().unwrap().iter();
                let kpi = kpis.find(|kpi| kpi["code"] == reading["kpi"]).unwrap();
                if kpi["sensitive"] == true && !(actor == Partner && is_own(kpi)) {
                    whole["value"] = rounded(&whole["value"], kpi["decimals"].as_u64().unwrap());
                }
                assert_eq!(*reading, whole, "what is shown is what was posted");
            }
        }
        let report = world.get(actor, "status-report?period=FY2009-10-Q4").await.is(200).json();
        let suppressed = kpis(&report).into_iter().filter(|kpi| kpi["data_state"] == "suppressed").count();
        assert_eq!(report["counts"]["data_state"]["suppressed"].as_u64(), u64::try_from(suppressed).ok());
        if actor == Partner {
            assert!(withheld > 5 && suppressed > 0, "the demo has something to withhold: {withheld}, {suppressed}");
        }
        for kpi in defined["items"].as_array().unwrap().iter().filter(|kpi| kpi["publication"] == "internal") {
            let status = if is_own(kpi) && actor == Partner { 200 } else { 404 };
            world.get(actor, &format!("kpis/{}", kpi["code"].as_str().unwrap())).await.is(status);
        }
    }
}

/// Whether a KPI is the partner's own.
fn is_own(kpi: &Value) -> bool {
    kpi["lead_organisation"] == "harrow-pct" || kpi["contributors"].as_array().unwrap().contains(&json!("harrow-pct"))
}

/// A figure as reported, half away from zero: the figures of the demo are far from any double's limits.
fn rounded(figure: &Value, decimals: u64) -> Value {
    let Some(value) = figure.as_f64() else { return Value::Null };
    let scale = 10_f64.powi(i32::try_from(decimals).unwrap());
    let text = ((value * scale).round() / scale).to_string();
    serde_json::from_str(&text).unwrap()
}

#[actix_web::test]
async fn both_databases_answer_with_the_same_bytes() {
    let Some(postgres) = World::on_postgres().await else { return };
    let sqlite = World::on_sqlite().await;
    for world in [&sqlite, &postgres] {
        world.load_harrow().await;
        world.now_is("2010-06-01T12:00:00Z");
    }
    for actor in [Board, Partner, Public] {
        for path in [
            REPORT,
            "status-report.csv?period=FY2009-10-Q4&as_of=2010-05-14T12:00:00Z",
            "status-report?period=FY2010-11-Q1&as_of=2010-05-14T12:00:00Z",
            "status-report",
            "readings.csv",
            "readings?limit=1000",
            "targets.csv",
            "kpis?limit=1000",
            "kpis/NI-59/readings/FY2009-10-Q2/history",
            "kpis/LI-NEET-MONTHLY/series",
        ] {
            let (one, other) = (sqlite.get(actor, path).await, postgres.get(actor, path).await);
            if one.status == 200 {
                assert!(one.body == other.body, "{path} for {actor:?} differs:\n{one}\n{other}");
                assert_eq!(one.tag(), other.tag(), "{path} for {actor:?}");
            } else {
                assert_eq!((one.status, other.status), (404, 404), "{path} for {actor:?}");
            }
        }
    }
    sqlite.close();
    postgres.close();
}
