//! A whole year of the programme, as its people live it: four rounds, a late return, a restatement, a target that is revised,
//! a gap, an action, two board reports and what moved between them; and each quarter asked about again at the end.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::on_both;
use crate::support::plan::{kpi, small};
use crate::support::{Actor, World};

use Actor::{Board, Lead, Manager};

on_both! {
    a_year_of_the_programme
}

/// What is asked at the end of each quarter.
const ASKED: [&str; 8] = [
    "status-report?period=FY2009-10-Q1",
    "status-report?period=FY2009-10-Q4",
    "exceptions?period=FY2009-10-Q2",
    "kpis/NI-117/series",
    "kpis/LI-GAP/status?period=FY2009-10-Q1",
    "readings?limit=1000",
    "outstanding",
    "board-reports",
];

fn of(quarter: u32) -> String {
    format!("rounds/FY2009-10-Q{quarter}/returns/health-group")
}

/// The plan with its gap, its targets and its four rounds, on the first day of the year.
async fn april(world: &World) {
    world.now_is("2009-04-01T09:00:00Z");
    small(world).await;
    let gap = json!({
        "unit": "percentage_points", "polarity": "lower_is_better", "policy": "rag-points",
        "formula": {"kind": "gap", "of": "NI-117", "group": "looked-after", "comparator": "all"}
    });
    world.post(Manager, "kpis", kpi("LI-GAP", gap)).await.is(201);
    for (target, value) in [("NI-117", 5), ("LI-GAP", -4), ("LI-ASTHMA", 40), ("NI-50", 60)] {
        world.put(Manager, &format!("kpis/{target}/targets/FY2009-10"), json!({"value": value})).await.is(201);
    }
    for (period, opens, due, closes) in [
        ("FY2009-10-Q1", "2009-07-01", "2009-07-31", "2009-08-14"),
        ("FY2009-10-Q2", "2009-10-01", "2009-10-31", "2009-11-14"),
        ("FY2009-10-Q3", "2010-01-01", "2010-01-31", "2010-02-14"),
        ("FY2009-10-Q4", "2010-04-01", "2010-04-30", "2010-05-14"),
    ] {
        let round = json!({"period": period, "opens": opens, "due": due, "closes": closes});
        world.post(Manager, "rounds", round).await.is(201);
    }
}

/// Fills in a quarter's return: the share of all and of looked-after young people, and the admissions for asthma.
async fn fill_in(world: &World, quarter: u32, all: f64, looked_after: f64, said: Option<&str>) {
    let mut figures = vec![
        json!({"kpi": "NI-117", "value": all, "commentary": said}),
        json!({"kpi": "NI-117", "group": "looked-after", "value": looked_after, "commentary": "Few, and counted one by one."}),
        json!({"kpi": "LI-ASTHMA", "value": 9}),
    ];
    if quarter == 4 {
        figures.push(json!({"kpi": "NI-50", "value": 61}));
    }
    world.put(Lead, &of(quarter), json!({"figures": figures})).await.is(200);
}

async fn step(world: &World, actor: Actor, quarter: u32, step: &str, body: Value) {
    world.post(actor, &format!("{}/{step}", of(quarter)), body).await.is(200);
}

async fn submit_and_sign_off(world: &World, quarter: u32) {
    step(world, Lead, quarter, "submit", Value::Null).await;
    step(world, Manager, quarter, "sign-off", Value::Null).await;
}

async fn freeze(world: &World, title: &str, period: &str) -> Value {
    let report = json!({"title": title, "period": period});
    world.post(Board, "board-reports", report).await.is(201).json()
}

/// What a quarter's end looks like, right after what was done last.
async fn seen(world: &World, moment: &'static str) -> Vec<(&'static str, &'static str, String)> {
    let mut seen = Vec::new();
    for path in ASKED {
        seen.push((moment, path, world.get(Board, path).await.is(200).text()));
    }
    seen
}

async fn a_year_of_the_programme(world: &World) {
    april(world).await;

    // The first quarter comes in time.
    world.now_is("2009-07-30T12:00:00Z");
    fill_in(world, 1, 4.9, 8.0, None).await;
    submit_and_sign_off(world, 1).await;
    let mut quarters = seen(world, "2009-07-30T12:00:00Z").await;

    // The second comes late, and says why it is off track.
    world.now_is("2009-11-01T12:00:00Z");
    let missing = world.get(Board, "outstanding?sub_group=health-group").await.is(200).json();
    assert_eq!((&missing["progress"]["overdue"], &missing["items"][0]["kpi"]), (&json!(3), &json!("LI-ASTHMA")));
    world.now_is("2009-11-05T12:00:00Z");
    fill_in(world, 2, 6.1, 9.0, None).await;
    let lacking = world.post(Lead, &format!("{}/submit", of(2)), Value::Null).await.refused(422, "invalid");
    assert!(lacking.faults().iter().any(|(_, code)| code == "commentary_missing"), "{lacking}");
    fill_in(world, 2, 6.1, 9.0, Some("The careers service lost two posts.")).await;
    submit_and_sign_off(world, 2).await;
    let told = world.get(Board, "outstanding?period=FY2009-10-Q2&sub_group=health-group").await.is(200).json();
    assert_eq!(
        (&told["progress"]["completeness_percent"], &told["progress"]["timeliness_percent"]),
        (&json!(100), &json!(0))
    );
    let november = freeze(world, "November", "FY2009-10-Q2").await;
    quarters.extend(seen(world, "2009-11-05T12:00:00Z").await);

    // The year's target is revised; and what was signed off in summer is found to be wrong.
    world.now_is("2009-12-01T12:00:00Z");
    let target = "kpis/NI-117/targets/FY2009-10";
    let tag = world.get(Manager, target).await.is(200).tag();
    let easier = json!({"value": 5.5, "reason": "The recession was not foreseen."});
    let revised = world.put(Manager, target, easier).header("if-match", &tag).await.is(200).json();
    let bands = revised["effect"]["moves"].as_array().unwrap();
    assert_eq!((bands.len(), &bands[0]["after"]["band"]), (1, &json!("high_green")), "the first quarter's band moves");
    let figure = "kpis/NI-117/readings/FY2009-10-Q1";
    let right = json!({"value": 5.3, "reason": "Two colleges had counted leavers twice."});
    world.put(Lead, figure, right.clone()).await.refused(409, "conflict");
    step(world, Manager, 1, "reopen", json!({"reason": "Leavers were counted twice."})).await;
    let restated = world.put(Lead, figure, right).await.is(200).json();
    assert_eq!((&restated["restated"], &restated["effect"]["gaps"][0]["kpi"]), (&json!(true), &json!("LI-GAP")));
    let gap = world.get(Board, "kpis/LI-GAP/status?period=FY2009-10-Q1").await.is(200).json();
    assert_eq!((&gap["reported"], &gap["gap"]["reversed"]), (&json!(-2.7), &json!(true)), "5.3 less 8.0");
    submit_and_sign_off(world, 1).await;

    // Off track twice running: the third needs an action, and gets one.
    world.now_is("2010-01-28T12:00:00Z");
    fill_in(world, 3, 6.6, 9.0, Some("Still two posts short.")).await;
    let lacking = world.post(Lead, &format!("{}/submit", of(3)), Value::Null).await.refused(422, "invalid");
    assert!(lacking.faults().iter().any(|(_, code)| code == "action_missing"), "{lacking}");
    let action = super::actions::action("NI-117", json!({"due": "2010-04-15"}));
    world.post(Lead, "actions", action).await.is(201);
    submit_and_sign_off(world, 3).await;
    let exceptions = world.get(Board, "exceptions?period=FY2009-10-Q3").await.is(200).json();
    let item = exceptions["items"].as_array().unwrap().iter().find(|item| item["kpi"] == "NI-117").unwrap();
    assert_eq!((&item["rules"][0], item["actions"].as_array().unwrap().len()), (&json!("off_track"), 1), "{item}");
    quarters.extend(seen(world, "2010-01-28T12:00:00Z").await);

    // The fourth is better; the year's score is owed with it.
    world.now_is("2010-04-29T12:00:00Z");
    fill_in(world, 4, 5.4, 8.0, None).await;
    submit_and_sign_off(world, 4).await;
    let may = freeze(world, "May", "FY2009-10-Q4").await;
    quarters.extend(seen(world, "2010-04-29T12:00:00Z").await);

    // What moved between the two reports.
    let (first, second) = (november["id"].as_str().unwrap(), may["id"].as_str().unwrap());
    let moved = world.get(Board, &format!("board-reports/{second}/changes?since={first}")).await.is(200).json();
    let crossed = moved["crossed"].as_array().unwrap().iter().find(|one| one["kpi"] == "NI-117").unwrap();
    assert_eq!((&crossed["from"]["status"], &crossed["to"]["status"]), (&json!("off_track"), &json!("on_track")));
    assert_eq!(crossed["direction"], "better");
    let told = &moved["restated"][0];
    assert_eq!((&told["kpi"], &told["before"], &told["after"]), (&json!("NI-117"), &json!(4.9), &json!(5.3)));
    assert_eq!(moved["targets_changed"][0]["reason"], "The recession was not foreseen.");
    let content = world.get(Board, &format!("board-reports/{first}")).await.is(200);
    let digest = Sha256::digest(&content.body).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert_eq!(november["sha256"], digest, "it is what the Board was shown in November");

    // And every quarter is answered as it was.
    world.now_is("2011-01-10T12:00:00Z");
    for (moment, path, then) in quarters {
        let asked = format!("{path}{}as_of={moment}", if path.contains('?') { '&' } else { '?' });
        assert_eq!(world.get(Board, &asked).await.is(200).text(), then, "{asked}");
    }
}
