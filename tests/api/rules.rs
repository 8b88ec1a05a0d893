//! From figure to status as people meet it: targets finer than a KPI's decimals, targets of zero and on a line, figures that
//! are rounded once, longer periods put together from shorter ones, forecasts that could be, and gaps that move with their sides.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::cases::Case;
use crate::support::plan::{kpi, round, small};
use crate::support::{Actor, World};

use Actor::{Administrator, Board, Lead, Manager, Partner};

on_both! {
    a_figure_equal_to_its_target_is_on_target_and_shown_so
    floors_and_ranges_keep_their_own_decimals
    a_target_of_zero_leaves_a_condition_standing
    a_line_ends_at_its_target_with_its_own_floor
    a_ratio_is_rounded_once_wherever_it_is_shown
    a_year_of_counts_is_their_sum
    a_year_of_which_parts_are_missing_has_no_status
    a_year_of_shares_is_the_quotient_of_their_sums
    what_may_be_an_average_keeps_its_own_period
    a_year_is_withheld_with_any_part_of_it
    a_year_is_compared_with_the_year_before
    a_count_is_forecast_as_a_total_that_could_be
    a_gap_is_due_when_its_sides_are
    a_gap_has_no_travel_across_a_change_of_either_side
    a_gap_is_restated_when_a_side_is
    a_gap_of_percentages_is_in_percentage_points
}

async fn status(world: &World, actor: Actor, kpi: &str, period: &str) -> Value {
    world.get(actor, &format!("kpis/{kpi}/status?period={period}")).await.is(200).json()
}

/// A KPI as a report brings it.
async fn reported(world: &World, actor: Actor, kpi: &str, period: &str) -> Value {
    let report = world.get(actor, &format!("status-report?period={period}")).await.is(200).json();
    let areas = report["outcome_areas"].as_array().unwrap().iter();
    let priorities = areas.flat_map(|area| area["priorities"].as_array().unwrap());
    let mut kpis = priorities.flat_map(|priority| priority["kpis"].as_array().unwrap());
    kpis.find(|one| one["kpi"] == kpi).unwrap_or_else(|| panic!("{kpi} is in the report")).clone()
}

async fn make(world: &World, code: &str, changes: Value) {
    world.post(Administrator, "kpis", kpi(code, changes)).await.is(201);
}

async fn put(world: &World, path: &str, body: Value) -> Value {
    let answer = world.put(Manager, &format!("kpis/{path}"), body).await;
    assert!(answer.status < 300, "{answer}");
    answer.json()
}

async fn months(world: &World, kpi: &str, from: u32, values: &[u32]) {
    for (month, value) in (from..).zip(values) {
        let (year, month) = (2009 + (month - 1) / 12, (month - 1) % 12 + 1);
        put(world, &format!("{kpi}/readings/{year}-{month:02}"), json!({"value": value})).await;
    }
}

/// Members of an answer, to be looked at together.
fn of<'a>(answer: &'a Value, members: &[&str]) -> Vec<&'a Value> {
    members.iter().map(|member| &answer[member]).collect()
}

async fn a_figure_equal_to_its_target_is_on_target_and_shown_so(world: &World) {
    let case = Case("field/06-target-finer-than-the-decimals");
    case.set_up(world).await;
    world.import(Manager, "targets", case.file("targets.csv")).await.is(200);
    world.import(Manager, "readings", case.file("readings.csv")).await.is(200);
    for (kpi, figure, words) in [("K", 0.25, "0.25"), ("L", 3.15, "3.15 days")] {
        let one = status(world, Board, kpi, "FY2009-10-Q1").await;
        let standing = of(&one, &["status", "band", "reported", "reported_text", "variance", "compared"]);
        assert_eq!(
            standing,
            [&json!("on_track"), &json!("green"), &json!(figure), &json!(words), &json!(0), &json!(0)]
        );
        let told = format!("{words} against a target of {words}, where lower is better: exactly on target. ");
        assert!(one["explanation"].as_str().unwrap().starts_with(&told), "{}", one["explanation"]);
        let badge = world.get(Board, &format!("kpis/{kpi}/badge.svg?period=FY2009-10-Q1")).await.is(200).text();
        assert!(badge.contains(words), "{badge}");
    }
    let rows = world.get(Board, "status-report.csv?period=FY2009-10-Q1").await.is(200).rows();
    let cells: Vec<_> =
        rows.iter().map(|row| (row["reported"].as_str(), row["target"].as_str(), row["variance"].as_str())).collect();
    assert_eq!(cells, [("0.25", "0.25", "0"), ("3.15", "3.15", "0")]);
    // A target without more decimals leaves the figure with the KPI's.
    put(world, "K/targets/FY2009-10-Q3", json!({"value": 0.3})).await;
    put(world, "K/readings/FY2009-10-Q3", json!({"value": 0.25})).await;
    let one = status(world, Board, "K", "FY2009-10-Q3").await;
    assert_eq!(of(&one, &["status", "reported_text", "variance"]), [&json!("on_track"), &json!("0.3"), &json!(0)]);
    // What is held against it tells so as well: the file's rows went through the same rule.
    let file = "kpi,period,value\nK,2009/10 Q2,0.25\n";
    put(world, "K/targets/FY2009-10-Q2", json!({"value": 0.2499})).await;
    let effect = world.import(Manager, "readings?dry_run=true", file).await.is(200).json();
    let after = &effect["effects"][0]["after"];
    assert_eq!((&after["reported"], &after["reported_text"]), (&json!(0.25), &json!("0.2500")), "{effect}");
}

async fn floors_and_ranges_keep_their_own_decimals(world: &World) {
    small(world).await;
    make(world, "FLOOR", json!({"unit": "ratio", "polarity": "lower_is_better"})).await;
    put(world, "FLOOR/targets/FY2009-10-Q1", json!({"value": 0.2, "floor": 0.25})).await;
    put(world, "FLOOR/readings/FY2009-10-Q1", json!({"value": 0.25})).await;
    let one = status(world, Board, "FLOOR", "FY2009-10-Q1").await;
    assert_eq!(of(&one, &["status", "reported", "variance"]), [&json!("at_risk"), &json!(0.25), &json!(-0.05)]);
    assert_eq!(one["next_worse"], json!({"band": "red", "at_value": 0.25}));
    make(world, "RANGE", json!({"unit": "ratio", "polarity": "within_range"})).await;
    put(world, "RANGE/targets/FY2009-10-Q1", json!({"low": 1, "high": 1.125})).await;
    put(world, "RANGE/readings/FY2009-10-Q1", json!({"value": 1.125})).await;
    let one = status(world, Board, "RANGE", "FY2009-10-Q1").await;
    assert_eq!(of(&one, &["status", "reported_text", "variance"]), [&json!("on_track"), &json!("1.125"), &json!(0)]);
    // A forecast is held against its target in the same way; travel goes by the KPI's own decimals.
    make(world, "LINE", json!({"unit": "ratio", "polarity": "lower_is_better", "profile": "held"})).await;
    put(world, "LINE/targets/FY2009-10", json!({"value": 0.25})).await;
    for quarter in 1..=3 {
        let value = json!({"value": 0.25, "forecast": 0.25});
        put(world, &format!("LINE/readings/FY2009-10-Q{quarter}"), value).await;
    }
    let one = status(world, Board, "LINE", "FY2009-10-Q3").await;
    let stated = json!({"value": 0.25, "status": "on_track"});
    assert_eq!(of(&one["forecast"], &["value", "status", "stated"]), [&json!(0.25), &json!("on_track"), &stated]);
    assert_eq!(one["travel"]["short"]["from_value"], 0.3);
}

async fn a_target_of_zero_leaves_a_condition_standing(world: &World) {
    small(world).await;
    make(world, "ZERO", json!({"unit": "count", "decimals": 0, "polarity": "lower_is_better", "policy": "improving"}))
        .await;
    put(world, "ZERO/targets/FY2009-10-Q1", json!({"value": 0})).await;
    put(world, "ZERO/readings/FY2008-09-Q1", json!({"value": 4})).await;
    put(world, "ZERO/readings/FY2009-10-Q1", json!({"value": 3})).await;
    let one = status(world, Board, "ZERO", "FY2009-10-Q1").await;
    assert_eq!(of(&one, &["status", "band", "reason"]), [&json!("at_risk"), &json!("amber"), &json!("zero_target")]);
    assert_eq!(one["next_better"], json!({"band": "green", "at_value": 0}));
    assert_eq!(one["next_worse"], json!({"band": "red", "at_value": null}), "which no figure alone decides");
    assert!(one["explanation"].as_str().unwrap().ends_with("but the figure is no worse than a year ago."), "{one}");
    let worse = put(world, "ZERO/readings/FY2009-10-Q1", json!({"value": 5, "reason": "Recounted."})).await;
    let one = &worse["effect"]["after"];
    assert_eq!(of(one, &["status", "band"]), [&json!("off_track"), &json!("red")]);
    assert_eq!(one["next_better"], json!({"band": "amber", "at_value": null}));
}

async fn a_line_ends_at_its_target_with_its_own_floor(world: &World) {
    small(world).await;
    make(world, "LINE", json!({"profile": "linear"})).await;
    put(world, "LINE/targets/FY2009-10", json!({"value": 60, "floor": 50})).await;
    let one = status(world, Board, "LINE", "FY2009-10-Q4").await;
    let target = json!({"value": 60, "low": null, "high": null, "floor": 50, "source": "linear"});
    assert_eq!(one["target"], target, "with nothing to begin from");
    assert_eq!(status(world, Board, "LINE", "FY2009-10-Q3").await["target"], Value::Null);
    for (quarter, value) in [(1, 53), (2, 53), (3, 53), (4, 51)] {
        put(world, &format!("LINE/readings/FY2009-10-Q{quarter}"), json!({"value": value})).await;
    }
    // The forecast of 53 is 7 short of 60: past ten percent, and within the year's own floor.
    let third = status(world, Board, "LINE", "FY2009-10-Q3").await;
    assert_eq!(of(&third["forecast"], &["value", "status"]), [&json!(53), &json!("at_risk")]);
    let last = status(world, Board, "LINE", "FY2009-10-Q4").await;
    assert_eq!(of(&last, &["status", "basis", "amber_limit"]), [&json!("at_risk"), &json!("points"), &json!(10)]);
    put(world, "LINE/targets/FY2008-09", json!({"value": 40, "floor": 1})).await;
    let drawn = status(world, Board, "LINE", "FY2009-10-Q3").await;
    assert_eq!((&drawn["target"]["value"], &drawn["target"]["floor"]), (&json!(55), &Value::Null));
    assert_eq!(status(world, Board, "LINE", "FY2009-10-Q4").await["target"]["floor"], 50);
}

async fn a_ratio_is_rounded_once_wherever_it_is_shown(world: &World) {
    small(world).await;
    let ratio = json!({"unit": "ratio", "polarity": "lower_is_better", "decimals": 1});
    make(world, "ONCE", ratio).await;
    put(world, "ONCE/targets/FY2009-10-Q1", json!({"value": 0})).await;
    // Just below a half of the last place: held to ten places it is 0.05, which would be reported as 0.1.
    let tiny = json!({"numerator": 49_999_999_999.97, "denominator": 1_000_000_000_000_i64});
    put(world, "ONCE/readings/FY2009-10-Q1", tiny).await;
    put(world, "ONCE/readings/FY2009-10-Q2", json!({"value": 0.05})).await;
    let one = status(world, Board, "ONCE", "FY2009-10-Q1").await;
    let standing = of(&one, &["value", "reported", "status", "variance"]);
    assert_eq!(standing, [&json!(0.05), &json!(0), &json!("on_track"), &json!(0)]);
    let next = status(world, Board, "ONCE", "FY2009-10-Q2").await;
    assert_eq!((&next["reported"], &next["travel"]["short"]["from_value"]), (&json!(0.1), &json!(0)));
    assert_eq!(next["travel"]["short"]["direction"], "worsening");
}

async fn a_year_of_counts_is_their_sum(world: &World) {
    small(world).await;
    let count =
        json!({"unit": "count", "decimals": 0, "frequency": "month", "profile": "even", "publication": "partners"});
    make(world, "CALLS", count).await;
    put(world, "CALLS/targets/FY2009-10", json!({"value": 120, "floor": 100})).await;
    months(world, "CALLS", 4, &[10, 10, 10, 9, 9, 9, 9, 9, 9, 9, 9, 8]).await;
    let year = reported(world, Board, "CALLS", "FY2009-10").await;
    assert_eq!(year["period"]["key"], "FY2009-10");
    let standing = of(&year, &["value", "reported_text", "of", "status", "variance", "data_state"]);
    let wanted = [&json!(110), &json!("110"), &json!("12 months"), &json!("at_risk"), &json!(-10), &json!("final")];
    assert_eq!(standing, wanted, "and not March's 8");
    assert_eq!(year["target"]["source"], "set");
    assert!(year["explanation"].as_str().unwrap().ends_with(" The figure is the sum of 12 months."), "{year}");
    assert_eq!(year["forecast"]["reason"], "year_complete");
    let quarter = reported(world, Board, "CALLS", "FY2009-10-Q1").await;
    assert_eq!(of(&quarter, &["value", "of", "status"]), [&json!(30), &json!("3 months"), &json!("on_track")]);
    assert_eq!(quarter["target"]["value"], 30, "a quarter's share of the year");
    let month = reported(world, Board, "CALLS", "2009-05").await;
    assert_eq!(of(&month, &["value", "of"]), [&json!(10), &Value::Null]);
    // The same wherever it is shown.
    assert_eq!(status(world, Board, "CALLS", "FY2009-10").await, year);
    let rows = world.get(Board, "status-report.csv?period=FY2009-10").await.is(200).rows();
    let row = rows.iter().find(|row| row["kpi"] == "CALLS").unwrap();
    let cells = ["period", "value", "of", "status"].map(|name| row[name].as_str());
    assert_eq!(cells, ["FY2009-10", "110", "12 months", "at_risk"]);
    let frozen = world.post(Board, "board-reports", json!({"title": "The year", "period": "FY2009-10"})).await.is(201);
    let frozen = frozen.json();
    let content = world.get(Board, &format!("board-reports/{}", frozen["id"].as_str().unwrap())).await.is(200).text();
    assert!(content.contains("the sum of 12 months"), "{content}");
    // Off track, it is an exception as the year's, with the months behind it.
    put(world, "CALLS/readings/2010-03", json!({"value": 0, "reason": "Recounted.", "commentary": "Closed in March."}))
        .await;
    let without = json!({"value": 120, "floor": null, "reason": "No floor."});
    world.put(Manager, "kpis/CALLS/targets/FY2009-10", without).header("If-Match", "*").await.is(200);
    let exceptions = world.get(Board, "exceptions?period=FY2009-10").await.is(200).json();
    let item = exceptions["items"].as_array().unwrap().iter().find(|item| item["kpi"] == "CALLS").unwrap();
    assert_eq!((&item["assessment"]["value"], &item["assessment"]["of"]), (&json!(102), &json!("12 months")));
    assert_eq!((&item["rules"][0], &item["commentary"]), (&json!("off_track"), &json!("Closed in March.")));
    assert_eq!(item["trend"].as_array().unwrap().last().unwrap()["period"]["key"], "2010-03");
    assert!(!item["rules"].as_array().unwrap().contains(&json!("off_track_without_commentary")));
    world.restate(Manager, "CALLS", "2009-05", "11", "One was left out.");
    let exceptions = world.get(Board, "exceptions?period=FY2009-10").await.is(200).json();
    let item = exceptions["items"].as_array().unwrap().iter().find(|item| item["kpi"] == "CALLS").unwrap();
    assert_eq!(item["restatement"]["period"]["key"], "2009-05", "a month of the year that is reported");
}

async fn a_year_of_which_parts_are_missing_has_no_status(world: &World) {
    small(world).await;
    make(world, "CALLS", json!({"unit": "count", "decimals": 0, "frequency": "month", "profile": "even"})).await;
    put(world, "CALLS/targets/FY2009-10", json!({"value": 10})).await;
    let none = reported(world, Board, "CALLS", "FY2009-10").await;
    let standing = of(&none, &["value", "of", "reason", "data_state"]);
    assert_eq!(standing, [&Value::Null, &json!("0 of 12 months"), &json!("no_reading"), &json!("overdue")]);
    months(world, "CALLS", 4, &[10, 10, 10, 9, 9, 9, 9, 9, 9, 9]).await;
    let some = reported(world, Board, "CALLS", "FY2009-10").await;
    let standing = of(&some, &["value", "reported_text", "of", "status", "reason", "data_state", "band", "variance"]);
    assert_eq!(
        standing,
        [
            &json!(93),
            &json!("93"),
            &json!("10 of 12 months"),
            &json!("not_assessed"),
            &json!("incomplete"),
            &json!("overdue"),
            &Value::Null,
            &Value::Null
        ],
        "February's was due at the end of March"
    );
    assert_eq!(some["travel"]["long"]["reason"], "no_comparison");
    let told = "93 so far, the sum of 10 of 12 months. It is compared with a target once all the figures are there.";
    assert_eq!(some["explanation"], told);
    // A year that runs is not due yet.
    put(world, "CALLS/readings/2010-04", json!({"value": 10})).await;
    let runs = reported(world, Board, "CALLS", "FY2010-11").await;
    let standing = of(&runs, &["value", "of", "reason", "data_state"]);
    assert_eq!(standing, [&json!(10), &json!("1 of 12 months"), &json!("incomplete"), &json!("not_due")]);
    put(world, "CALLS/readings/2010-02", json!({"nil_return": "The line was down."})).await;
    put(world, "CALLS/readings/2010-03", json!({"value": 1, "provisional": true})).await;
    let nil = reported(world, Board, "CALLS", "FY2009-10").await;
    let standing = of(&nil, &["value", "of", "reason", "data_state"]);
    assert_eq!(standing, [&json!(94), &json!("11 of 12 months"), &json!("incomplete"), &json!("provisional")]);
    // A KPI that began in the year has fewer parts.
    let late = json!({"unit": "count", "decimals": 0, "frequency": "month", "in_force_from": "2010-01-01"});
    make(world, "LATE", late).await;
    months(world, "LATE", 13, &[1, 2, 3]).await;
    let year = reported(world, Board, "LATE", "FY2009-10").await;
    assert_eq!(of(&year, &["value", "of", "reason"]), [&json!(6), &json!("3 months"), &json!("no_target")]);
}

async fn a_year_of_shares_is_the_quotient_of_their_sums(world: &World) {
    small(world).await;
    make(world, "SHARE", json!({})).await;
    put(world, "SHARE/targets/FY2009-10", json!({"value": 75})).await;
    for (quarter, numerator, denominator) in [(1, 120, 150), (2, 30, 50), (3, 120, 150), (4, 30, 50)] {
        let figure = json!({"numerator": numerator, "denominator": denominator});
        put(world, &format!("SHARE/readings/FY2009-10-Q{quarter}"), figure).await;
    }
    let year = reported(world, Board, "SHARE", "FY2009-10").await;
    let standing = of(&year, &["value", "numerator", "denominator", "of", "status", "variance"]);
    let wanted = [&json!(75), &json!(300), &json!(400), &json!("4 quarters"), &json!("on_track"), &json!(0)];
    assert_eq!(standing, wanted, "and not the 70 half-way between 80 and 60, nor the last quarter's 60");
    assert!(year["explanation"].as_str().unwrap().ends_with("worked out from the numbers of 4 quarters."), "{year}");
    // Where the numbers of one are not known, there is no such quotient: the latest is shown as what it is.
    put(world, "SHARE/readings/FY2009-10-Q2", json!({"value": 61, "reason": "Its numbers are lost."})).await;
    let year = reported(world, Board, "SHARE", "FY2009-10").await;
    assert_eq!(
        (&year["period"]["key"], &year["value"], &year["of"]),
        (&json!("FY2009-10-Q4"), &json!(60), &Value::Null)
    );
    // Groups go by the same rule.
    make(world, "GROUPS", json!({"frequency": "month"})).await;
    for month in ["2009-04", "2009-05", "2009-06"] {
        let path = format!("GROUPS/readings/{month}?group=fsm");
        put(world, &path, json!({"numerator": 1, "denominator": if month == "2009-04" { 2 } else { 5 }})).await;
    }
    let report = world.get(Board, "status-report?period=FY2009-10-Q1&group_by=pupils").await.is(200).json();
    let fsm = report["groups"].as_array().unwrap().iter().find(|group| group["group"] == "fsm").unwrap();
    assert_eq!((&fsm["kpis"][0]["value"], &fsm["kpis"][0]["of"]), (&json!(25), &json!("3 months")));
}

async fn what_may_be_an_average_keeps_its_own_period(world: &World) {
    small(world).await;
    for (code, changes) in [
        ("DAYS", json!({"unit": "days"})),
        ("MONEY", json!({"unit": "currency"})),
        ("SCORE", json!({"unit": "score"})),
        ("RATIO", json!({"unit": "ratio"})),
        ("SNAP", json!({"unit": "count", "aggregation": "snapshot"})),
        ("SOFAR", json!({"unit": "count", "aggregation": "year_to_date"})),
    ] {
        make(world, code, changes).await;
        put(world, &format!("{code}/targets/FY2009-10"), json!({"value": 6})).await;
        for quarter in 1..=4 {
            put(world, &format!("{code}/readings/FY2009-10-Q{quarter}"), json!({"value": 4 + quarter})).await;
        }
        let year = reported(world, Board, code, "FY2009-10").await;
        assert_eq!(
            (&year["period"]["key"], &year["value"], &year["of"]),
            (&json!("FY2009-10-Q4"), &json!(8), &Value::Null)
        );
    }
    // Nor are counts of different definitions added up.
    make(world, "COUNT", json!({"unit": "count", "decimals": 0})).await;
    put(world, "COUNT/readings/FY2009-10-Q3", json!({"value": 3})).await;
    let tag = world.get(Manager, "kpis/COUNT").await.is(200).tag();
    world.patch(Manager, "kpis/COUNT", &tag, json!({"definition": "Counted another way."})).await.is(200);
    put(world, "COUNT/readings/FY2009-10-Q4", json!({"value": 4})).await;
    let year = reported(world, Board, "COUNT", "FY2009-10").await;
    assert_eq!((&year["period"]["key"], &year["value"]), (&json!("FY2009-10-Q4"), &json!(4)));
}

async fn a_year_is_withheld_with_any_part_of_it(world: &World) {
    small(world).await;
    for (quarter, value) in [(1, 20), (2, 30), (3, 40), (4, 50)] {
        put(world, &format!("LI-INJURIES/readings/FY2009-10-Q{quarter}"), json!({"value": value})).await;
    }
    let shown = reported(world, Partner, "LI-INJURIES", "FY2009-10").await;
    assert_eq!(of(&shown, &["value", "of"]), [&json!(140), &json!("4 quarters")]);
    put(world, "LI-INJURIES/readings/FY2009-10-Q1", json!({"value": 3, "reason": "Recounted."})).await;
    let hidden = reported(world, Partner, "LI-INJURIES", "FY2009-10").await;
    let standing = of(&hidden, &["value", "reported", "numerator", "data_state", "reason"]);
    assert_eq!(standing, [&Value::Null, &Value::Null, &Value::Null, &json!("suppressed"), &json!("suppressed")]);
    assert_eq!(reported(world, Board, "LI-INJURIES", "FY2009-10").await["value"], 123);
    let csv = world.get(Partner, "status-report.csv?period=FY2009-10").await.is(200).text();
    assert!(!csv.contains("123"), "{csv}");
}

async fn a_year_is_compared_with_the_year_before(world: &World) {
    small(world).await;
    make(world, "CALLS", json!({"unit": "count", "decimals": 0})).await;
    for (year, values) in [("FY2008-09", [5, 5, 5, 5]), ("FY2009-10", [6, 6, 6, 1])] {
        for (quarter, value) in (1..).zip(values) {
            put(world, &format!("CALLS/readings/{year}-Q{quarter}"), json!({"value": value})).await;
        }
    }
    let long = json!({"direction": "worsening", "from_period": "FY2008-09", "from_value": 20, "reason": null});
    assert_eq!(reported(world, Board, "CALLS", "FY2009-10").await["travel"]["long"], long);
    let tag = world.get(Manager, "kpis/CALLS/readings/FY2008-09-Q1").await.is(200).tag();
    world
        .put(Manager, "kpis/CALLS/readings/FY2008-09-Q1", json!({"nil_return": "Lost.", "reason": "Lost."}))
        .header("If-Match", &tag)
        .await
        .is(200);
    let without = reported(world, Board, "CALLS", "FY2009-10").await;
    assert_eq!(without["travel"]["long"]["reason"], "no_comparison", "fifteen of three quarters is no year");
}

async fn a_count_is_forecast_as_a_total_that_could_be(world: &World) {
    small(world).await;
    make(world, "CALLS", json!({"unit": "count", "decimals": 0, "profile": "even"})).await;
    put(world, "CALLS/targets/FY2009-10", json!({"value": 40})).await;
    for (period, value) in [("FY2008-09-Q4", 32), ("FY2009-10-Q1", 22), ("FY2009-10-Q2", 12)] {
        put(world, &format!("CALLS/readings/{period}"), json!({"value": value})).await;
    }
    // A line that falls by 10: 22 + 12, then 2, then no less than nought.
    let one = status(world, Board, "CALLS", "FY2009-10-Q2").await;
    let forecast = json!({
        "value": 36, "method": "trend", "status": "at_risk", "reason": null, "required_rate": 3, "stated": null
    });
    assert_eq!(one["forecast"], forecast, "36 of 40, for which 3 a quarter are needed");
    // Carried on by itself, a falling line ends at nought.
    for (code, unit) in [("RATE", "rate"), ("DAYS", "days")] {
        make(world, code, json!({"unit": unit, "polarity": "lower_is_better"})).await;
        for (quarter, value) in [(1, 30), (2, 20), (3, 5)] {
            put(world, &format!("{code}/readings/FY2009-10-Q{quarter}"), json!({"value": value})).await;
        }
        let one = status(world, Board, code, "FY2009-10-Q3").await;
        assert_eq!(one["forecast"]["value"], 0, "{code}");
    }
    // What the sub-group itself expects must be one that could be, too.
    let below = json!({"value": 4, "forecast": -1});
    world.put(Manager, "kpis/RATE/readings/FY2009-10-Q4", below).await.refused(422, "invalid");
}

/// A gap between two groups of a quarterly percentage.
async fn with_gap(world: &World, changes: Value) {
    small(world).await;
    let mut gap = json!({
        "formula": {"kind": "gap", "of": "NI-117", "group": "fsm", "comparator": "non-fsm"},
        "unit": "percentage_points", "polarity": "lower_is_better"
    });
    gap.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    make(world, "GAP", gap).await;
}

async fn sides(world: &World, period: &str, comparator: f64, group: f64) {
    for (code, value) in [("non-fsm", comparator), ("fsm", group)] {
        put(world, &format!("NI-117/readings/{period}?group={code}"), json!({"value": value})).await;
    }
}

async fn a_gap_is_due_when_its_sides_are(world: &World) {
    with_gap(world, json!({"collection_lag_days": 0})).await;
    world.now_is("2010-07-15T12:00:00Z");
    // The source's lag is thirty days; the gap itself would be overdue since the first of July.
    let waiting = status(world, Board, "GAP", "FY2010-11-Q1").await;
    assert_eq!(waiting["data_state"], "awaited");
    assert!(waiting["explanation"].as_str().unwrap().contains("30 July 2010"), "{waiting}");
    world.now_is("2010-08-10T12:00:00Z");
    assert_eq!(status(world, Board, "GAP", "FY2010-11-Q1").await["data_state"], "overdue");
    // A round has the last word, as it has of the sides.
    round(world, "FY2010-11-Q1", "2010-07-01", "2010-08-31").await;
    assert_eq!(status(world, Board, "GAP", "FY2010-11-Q1").await["data_state"], "awaited");
}

async fn a_gap_has_no_travel_across_a_change_of_either_side(world: &World) {
    with_gap(world, json!({})).await;
    sides(world, "FY2008-09-Q4", 70.0, 50.0).await;
    sides(world, "FY2009-10-Q1", 70.0, 51.0).await;
    put(world, "NI-117/readings/FY2009-10-Q2?group=non-fsm", json!({"value": 70})).await;
    let tag = world.get(Manager, "kpis/NI-117").await.is(200).tag();
    world.patch(Manager, "kpis/NI-117", &tag, json!({"definition": "Counted another way."})).await.is(200);
    put(world, "NI-117/readings/FY2009-10-Q2?group=fsm", json!({"value": 52})).await;
    sides(world, "FY2009-10-Q3", 70.0, 53.0).await;
    sides(world, "FY2009-10-Q4", 70.0, 54.0).await;
    let travel = async |period: &str| status(world, Board, "GAP", period).await["travel"]["short"].clone();
    assert_eq!(travel("FY2009-10-Q1").await["direction"], "improving");
    assert_eq!(travel("FY2009-10-Q2").await["reason"], "definition_changed", "the group's has changed");
    assert_eq!(travel("FY2009-10-Q3").await["reason"], "definition_changed", "and then the comparator's");
    assert_eq!(travel("FY2009-10-Q4").await["direction"], "improving");
    assert_eq!(status(world, Board, "GAP", "FY2009-10-Q4").await["forecast"]["reason"], "year_complete");
    let third = status(world, Board, "GAP", "FY2009-10-Q3").await;
    assert_eq!(third["forecast"]["reason"], "too_few_readings", "the line begins anew");
}

async fn a_gap_is_restated_when_a_side_is(world: &World) {
    with_gap(world, json!({})).await;
    sides(world, "FY2009-10-Q3", 70.0, 50.0).await;
    put(world, "GAP/targets/FY2009-10", json!({"value": 20})).await;
    let frozen = world.post(Board, "board-reports", json!({"title": "Before", "period": "FY2009-10-Q3"})).await.is(201);
    let before = frozen.json()["id"].as_str().unwrap().to_owned();
    // The round of the third quarter closed long ago.
    let round = json!({"period": "FY2009-10-Q3", "opens": "2010-01-01", "due": "2010-01-31", "closes": "2010-02-14"});
    world.post(Administrator, "rounds", round).await.is(201);
    let path = "kpis/NI-117/readings/FY2009-10-Q3?group=fsm";
    world.put(Manager, path, json!({"value": 46, "reason": "Two schools were left out."})).await.is(200);
    let exceptions = world.get(Board, "exceptions?period=FY2009-10-Q3").await.is(200).json();
    let item = exceptions["items"].as_array().unwrap().iter().find(|item| item["kpi"] == "GAP").unwrap();
    assert!(item["rules"].as_array().unwrap().contains(&json!("restated")), "{item}");
    let told = &item["restatement"];
    let moved = of(told, &["before", "after", "status_before", "status_after", "reason"]);
    let reason = json!("Two schools were left out.");
    assert_eq!(moved, [&json!(20), &json!(24), &json!("on_track"), &json!("off_track"), &reason]);
    let frozen = world.post(Board, "board-reports", json!({"title": "After", "period": "FY2009-10-Q3"})).await.is(201);
    let after = frozen.json()["id"].as_str().unwrap().to_owned();
    let content = world.get(Board, &format!("board-reports/{after}")).await.is(200).json();
    let items = content["exceptions"]["items"].as_array().unwrap();
    let frozen = items.iter().find(|item| item["kpi"] == "GAP").unwrap();
    assert_eq!(frozen["restatement"]["after"], 24);
    let changes = world.get(Board, &format!("board-reports/{after}/changes?since={before}")).await.is(200).json();
    let restated = changes["restated"].as_array().unwrap().iter().find(|one| one["kpi"] == "GAP").unwrap();
    assert_eq!(of(restated, &["before", "after", "group"]), [&json!(20), &json!(24), &json!("all")]);
}

async fn a_gap_of_percentages_is_in_percentage_points(world: &World) {
    with_gap(world, json!({"unit": "percentage"})).await;
    sides(world, "FY2009-10-Q3", 78.1, 54.0).await;
    put(world, "GAP/targets/FY2009-10-Q3", json!({"value": 20})).await;
    let one = status(world, Board, "GAP", "FY2009-10-Q3").await;
    assert_eq!(one["reported_text"], "24.1 percentage points");
    let told =
        "24.1 percentage points against a target of 20.0 percentage points, where lower is better: 4.1 points worse";
    assert!(one["explanation"].as_str().unwrap().starts_with(told), "{}", one["explanation"]);
    // Fractions are subtracted before they are rounded.
    for (code, numerator, denominator) in [("non-fsm", 1, 3), ("fsm", 1, 6)] {
        let figure = json!({"numerator": numerator, "denominator": denominator});
        world.put(Lead, &format!("kpis/NI-117/readings/FY2009-10-Q4?group={code}"), figure).await.is(201);
    }
    let one = status(world, Board, "GAP", "FY2009-10-Q4").await;
    assert_eq!(one["value"], json!(16.666_666_666_7));
}
