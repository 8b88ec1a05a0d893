//! Where KPIs are heading by the year's end, and what their sub-groups expect themselves.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::{kpi, small};
use crate::support::{Actor, World};

use Actor::{Board, Lead, Manager, Partner};

on_both! {
    a_count_is_carried_on_at_its_pace_and_then_by_its_season
    anything_else_follows_its_line
    a_change_of_what_is_measured_begins_the_line_anew
    a_gap_is_forecast_from_its_sides
    a_sub_group_says_what_it_expects
    a_forecast_gives_no_small_number_away
}

async fn status(world: &World, actor: Actor, kpi: &str, period: &str) -> Value {
    world.get(actor, &format!("kpis/{kpi}/status?period={period}")).await.is(200).json()
}

/// Posts figures of consecutive quarters from the first of 2008/09, on behalf of a manager.
async fn quarters(world: &World, kpi: &str, values: &[Value]) {
    for (number, value) in values.iter().enumerate() {
        let (year, quarter) = (2008 + number / 4, number % 4 + 1);
        let path = format!("kpis/{kpi}/readings/FY{year}-{:02}-Q{quarter}", year % 100 + 1);
        world.put(Manager, &path, json!({"value": value})).await.is(201);
    }
}

async fn a_count_is_carried_on_at_its_pace_and_then_by_its_season(world: &World) {
    small(world).await;
    let courses = json!({"unit": "count", "decimals": 0, "aggregation": "year_to_date", "profile": "even"});
    world.post(Manager, "kpis", kpi("LI-COURSES", courses)).await.is(201);
    world.put(Manager, "kpis/LI-COURSES/targets/FY2008-09", json!({"value": 240})).await.is(201);
    world.put(Manager, "kpis/LI-COURSES/targets/FY2009-10", json!({"value": 200})).await.is(201);
    quarters(world, "LI-COURSES", &[30, 80, 150, 240, 35, 70].map(Value::from)).await;
    let first = status(world, Board, "LI-COURSES", "FY2008-09-Q2").await["forecast"].clone();
    let pace = json!({
        "value": 160, "method": "run_rate", "status": "off_track", "reason": null, "required_rate": 80, "stated": null
    });
    assert_eq!(first, pace, "80 in half a year; 160 are missing in the two quarters left");
    let second = status(world, Board, "LI-COURSES", "FY2009-10-Q2").await;
    let season = json!({
        "value": 210, "method": "seasonal", "status": "on_track", "reason": null, "required_rate": 65, "stated": null
    });
    assert_eq!((&second["forecast"], &second["status"]), (&season, &json!("off_track")), "240 x 70 / 80");
    let over = status(world, Board, "LI-COURSES", "FY2008-09-Q4").await["forecast"].clone();
    assert_eq!((&over["value"], &over["reason"]), (&Value::Null, &json!("year_complete")));
}

async fn anything_else_follows_its_line(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    quarters(world, "NI-117", &[json!(4), json!(4.2), json!(4.4), json!(4.6), json!(4.8)]).await;
    let told = status(world, Board, "NI-117", "FY2009-10-Q1").await;
    assert_eq!(told["status"], "on_track");
    assert_eq!((&told["forecast"]["value"], &told["forecast"]["method"]), (&json!(5.4), &json!("trend")));
    assert_eq!((&told["forecast"]["status"], &told["forecast"]["required_rate"]), (&json!("off_track"), &Value::Null));
    // The Board is told, by the same rule.
    let exceptions = world.get(Board, "exceptions?period=FY2009-10-Q1").await.is(200).json();
    let item = exceptions["items"].as_array().unwrap().iter().find(|item| item["kpi"] == "NI-117").unwrap();
    assert!(item["rules"].as_array().unwrap().contains(&json!("forecast_to_miss")), "{item}");
    let csv = world.get(Board, "status-report.csv?period=FY2009-10-Q1").await.is(200).text();
    assert!(csv.lines().any(|line| line.contains(",NI-117,") && line.contains(",5.4,trend,off_track,")), "{csv}");
    // A quarter without a figure is forecast from those before it.
    let next = status(world, Board, "NI-117", "FY2009-10-Q2").await;
    assert_eq!((&next["reason"], &next["forecast"]["value"]), (&json!("no_reading"), &json!(5.4)));
    let early = status(world, Board, "NI-117", "FY2008-09-Q2").await;
    assert_eq!(early["forecast"]["reason"], "too_few_readings");
}

async fn a_change_of_what_is_measured_begins_the_line_anew(world: &World) {
    small(world).await;
    quarters(world, "NI-117", &[json!(4), json!(4.2), json!(4.4)]).await;
    let tag = world.get(Manager, "kpis/NI-117").await.is(200).tag();
    world.patch(Manager, "kpis/NI-117", &tag, json!({"definition": "Counted another way."})).await.is(200);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 9})).await.is(201);
    let told = status(world, Board, "NI-117", "FY2009-10-Q1").await;
    assert_eq!(told["forecast"]["reason"], "too_few_readings");
}

async fn a_gap_is_forecast_from_its_sides(world: &World) {
    small(world).await;
    let gap = json!({"formula": {"kind": "gap", "of": "NI-117", "group": "looked-after", "comparator": "all"}, "unit": "percentage_points"});
    world.post(Manager, "kpis", kpi("LI-GAP", gap)).await.is(201);
    for (quarter, group, whole) in [(1, 10, 5), (2, 9, 5), (3, 8, 5)] {
        let path = format!("kpis/NI-117/readings/FY2009-10-Q{quarter}");
        world.put(Lead, &path, json!({"value": whole})).await.is(201);
        world.put(Lead, &format!("{path}?group=looked-after"), json!({"value": group})).await.is(201);
    }
    let told = status(world, Board, "LI-GAP", "FY2009-10-Q3").await;
    assert_eq!((&told["value"], &told["forecast"]["value"]), (&json!(-3), &json!(-2)));
}

async fn a_sub_group_says_what_it_expects(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    let path = "kpis/NI-117/readings/FY2009-10-Q1";
    let posted = world.put(Lead, path, json!({"value": 4.5, "forecast": 5.2})).await.is(201).json();
    assert_eq!(posted["forecast"], 5.2);
    let stated = &posted["effect"]["after"]["forecast"]["stated"];
    assert_eq!(stated, &json!({"value": 5.2, "status": "at_risk"}));
    // It stands till another is given in the same year.
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q2", json!({"value": 4.6})).await.is(201);
    assert_eq!(status(world, Board, "NI-117", "FY2009-10-Q2").await["forecast"]["stated"]["value"], 5.2);
    let file = "kpi,period,value,forecast\nNI-117,2009/10 Q3,4.7,4.9\n";
    world.import(Lead, "readings", file).await.is(200);
    assert_eq!(status(world, Board, "NI-117", "FY2009-10-Q3").await["forecast"]["stated"]["value"], 4.9);
    assert_eq!(status(world, Board, "NI-117", "FY2010-11-Q1").await["forecast"]["stated"], Value::Null);
    let table = world.get(Board, "readings.csv?kpi=NI-117").await.is(200).text();
    world.import(Lead, "readings", table).await.is(200);
    let wrong = "kpi,period,value,forecast\nNI-117,2009/10 Q3,4.7,soon\n";
    let refused = world.import(Lead, "readings", wrong).await.refused(422, "invalid");
    assert_eq!(refused.json()["errors"][0]["column"], "forecast");
}

async fn a_forecast_gives_no_small_number_away(world: &World) {
    small(world).await;
    let path = |quarter: u32| format!("kpis/LI-INJURIES/readings/FY2009-10-Q{quarter}");
    for (quarter, value) in [(1, 3), (2, 20), (3, 30)] {
        world.put(Manager, &path(quarter), json!({"value": value, "forecast": 40})).await.is(201);
    }
    assert_eq!(status(world, Board, "LI-INJURIES", "FY2009-10-Q3").await["forecast"]["method"], "trend");
    let seen = status(world, Partner, "LI-INJURIES", "FY2009-10-Q3").await;
    assert_eq!(seen["value"], 30, "this one is not small");
    let nothing = json!({
        "value": null, "method": null, "status": null, "reason": "suppressed", "required_rate": null, "stated": null
    });
    assert_eq!(seen["forecast"], nothing, "but the line leans on one that is");
}
