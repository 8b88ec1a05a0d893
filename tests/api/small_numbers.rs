//! Small numbers (docs/rules.md section 10): what could identify a child never leaves for a partner or the public.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::{kpi, small};
use crate::support::{Actor, World};

use Actor::{Administrator, Board, Contributor, Lead, Manager, Partner, Public};

on_both! {
    a_partner_sees_nothing_of_a_suppressed_figure_anywhere
    members_see_the_figure
    ones_own_organisation_sees_the_figure
    every_kind_of_small_number_is_withheld_and_zero_is_not
    what_gives_a_small_number_away_is_withheld_too
    a_gap_is_withheld_with_either_of_its_sides
    a_figure_that_was_small_stays_withheld_in_its_history
    a_figure_stays_as_withheld_as_it_was_by_an_earlier_definition
    a_plan_and_its_successor_do_not_tell_on_one_another
    a_baseline_behind_a_drawn_target_is_a_figure_like_any_other
    a_rate_without_its_numbers_is_withheld_unless_they_were_checked
    groups_within_groups_are_guarded
    counting_what_is_withheld_tells_nothing_of_it
    the_threshold_is_a_setting
}

/// Words that stand in every text posted with a withheld figure.
const MARK: &str = "withheld-words";

/// Posts a figure with the mark in its texts.
async fn post(world: &World, path: &str, mut figure: Value) {
    figure["commentary"] = MARK.into();
    figure["reason"] = MARK.into();
    let answer = world.put(Manager, &format!("kpis/{path}"), figure).await;
    assert!(answer.status < 300, "{answer}");
}

/// The small plan, with a sensitive share and injuries of three in the second of four quarters.
async fn with_injuries(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/LI-INJURIES/targets/FY2009-10", json!({"value": 80})).await.is(201);
    for (quarter, value) in [(1, 12), (2, 3), (3, 0), (4, 9)] {
        let path = format!("LI-INJURIES/readings/FY2009-10-Q{quarter}");
        if quarter == 2 {
            post(world, &path, json!({"value": value})).await;
        } else {
            world.put(Manager, &format!("kpis/{path}"), json!({"value": value})).await.is(201);
        }
    }
}

/// Checks that an assessment tells nothing but that the figure is withheld.
fn tells_nothing(assessment: &Value) {
    assert_eq!(assessment["status"], "not_assessed", "{assessment}");
    assert_eq!(assessment["reason"], "suppressed", "{assessment}");
    assert_eq!(assessment["data_state"], "suppressed", "{assessment}");
    for member in [
        "value",
        "reported",
        "reported_text",
        "numerator",
        "denominator",
        "band",
        "band_label",
        "variance",
        "basis",
        "compared",
        "amber_limit",
        "next_better",
        "next_worse",
        "determined",
    ] {
        assert_eq!(assessment[member], Value::Null, "{member} of {assessment}");
    }
    for span in ["short", "long"] {
        for member in ["direction", "from_value"] {
            assert_eq!(assessment["travel"][span][member], Value::Null, "{assessment}");
        }
    }
}

/// Every address that speaks of a KPI's figures.
fn addresses(kpi: &str, period: &str) -> Vec<String> {
    vec![
        format!("status-report?period={period}"),
        format!("status-report.csv?period={period}"),
        format!("exceptions?period={period}"),
        format!("exceptions.csv?period={period}"),
        format!("kpis/{kpi}/status?period={period}"),
        format!("kpis/{kpi}/series"),
        format!("kpis/{kpi}/badge.svg?period={period}"),
        format!("kpis/{kpi}/sparkline.svg"),
        format!("kpis/{kpi}/readings"),
        format!("kpis/{kpi}/readings/{period}"),
        format!("kpis/{kpi}/readings/{period}/history"),
        format!("readings?kpi={kpi}"),
        format!("readings.csv?kpi={kpi}"),
        format!("kpis/{kpi}/targets"),
        format!("kpis/{kpi}"),
    ]
}

async fn a_partner_sees_nothing_of_a_suppressed_figure_anywhere(world: &World) {
    with_injuries(world).await;
    for address in addresses("LI-INJURIES", "FY2009-10-Q2") {
        let answer = world.get(Partner, &address).await.is(200);
        assert!(!answer.text().contains(MARK), "{answer}");
        // The past and a page of one are no back door.
        let query = if address.contains('?') { '&' } else { '?' };
        world.now_is("2010-05-15T12:00:00Z");
        let past = world.get(Partner, &format!("{address}{query}as_of=2010-05-14T12:00:01Z")).await.is(200);
        assert!(!past.text().contains(MARK), "{past}");
        // For the public the KPI is not there at all.
        let nothing = if address.starts_with("kpis") { 404 } else { 200 + 222 * u16::from(address.contains("?kpi=")) };
        world.get(Public, &address).await.is(nothing);
    }
    let report = world.get(Partner, "status-report?period=FY2009-10-Q2").await.is(200).json();
    let kpis = report["outcome_areas"][1]["priorities"][0]["kpis"].as_array().unwrap();
    tells_nothing(kpis.iter().find(|kpi| kpi["kpi"] == "LI-INJURIES").unwrap());
    tells_nothing(&world.get(Partner, "kpis/LI-INJURIES/status?period=FY2009-10-Q2").await.is(200).json());
    let series = world.get(Partner, "kpis/LI-INJURIES/series").await.is(200).json();
    tells_nothing(&series["points"][1]);
    // Its neighbours are shown, and not how they compare with it.
    let third = &series["points"][2];
    assert_eq!((&third["value"], &third["travel"]["short"]["from_value"]), (&json!(0), &Value::Null), "{third}");
    for row in world.get(Partner, "status-report.csv?period=FY2009-10-Q2").await.is(200).rows() {
        if row["kpi"] == "LI-INJURIES" {
            assert_eq!(row["symbol"], "c");
            for column in [
                "value",
                "reported",
                "reported_text",
                "numerator",
                "denominator",
                "band",
                "variance",
                "compared",
                "travel_short",
                "travel_long",
            ] {
                assert_eq!(row[column], "", "{column}");
            }
        }
    }
    let reading = world.get(Partner, "kpis/LI-INJURIES/readings/FY2009-10-Q2").await.is(200).json();
    let listed = world.get(Partner, "kpis/LI-INJURIES/readings").await.is(200).json()["items"][1].clone();
    let first =
        world.get(Partner, "kpis/LI-INJURIES/readings/FY2009-10-Q2/history").await.is(200).json()["items"][0].clone();
    for reading in [reading, listed, first] {
        assert_eq!(reading["suppressed"], true, "{reading}");
        for member in ["value", "numerator", "denominator", "nil_return", "status", "commentary", "reason"] {
            assert_eq!(reading[member], Value::Null, "{reading}");
        }
    }
    let rows = world.get(Partner, "readings.csv?kpi=LI-INJURIES").await.is(200).rows();
    let cells: Vec<_> = rows.iter().map(|row| (row["value"].as_str(), row["symbol"].as_str())).collect();
    assert_eq!(cells, [("12", ""), ("", "c"), ("0", ""), ("9", "")]);
    world.get(Partner, "journal").await.refused(403, "not_allowed");
    let feed = world.get(Partner, "changes?limit=1000").await.is(200);
    assert!(!feed.text().contains(MARK), "{feed}");
    let items = feed.json()["items"].clone();
    let second = items.as_array().unwrap().iter().find(|item| item["key"] == "LI-INJURIES/FY2009-10-Q2/all").unwrap();
    assert_eq!((&second["after"]["suppressed"], second["after"].get("value")), (&json!(true), None));
}

async fn members_see_the_figure(world: &World) {
    with_injuries(world).await;
    for actor in [Administrator, Manager, Lead, Contributor, Board] {
        let status = world.get(actor, "kpis/LI-INJURIES/status?period=FY2009-10-Q2").await.is(200).json();
        assert_eq!((&status["value"], &status["status"]), (&json!(3), &json!("on_track")), "{actor:?}");
        let reading = world.get(actor, "kpis/LI-INJURIES/readings/FY2009-10-Q2").await.is(200).json();
        assert_eq!(
            (&reading["value"], &reading["commentary"], &reading["suppressed"]),
            (&json!(3), &json!(MARK), &json!(false))
        );
    }
}

async fn ones_own_organisation_sees_the_figure(world: &World) {
    small(world).await;
    post(world, "LI-ASTHMA/readings/FY2009-10-Q2", json!({"value": 3})).await;
    let status = world.get(Partner, "kpis/LI-ASTHMA/status?period=FY2009-10-Q2").await.is(200).json();
    assert_eq!(status["value"], 3);
    let reading = world.get(Partner, "kpis/LI-ASTHMA/readings/FY2009-10-Q2").await.is(200).json();
    assert_eq!((&reading["value"], &reading["suppressed"]), (&json!(3), &json!(false)));
    // Who comes from elsewhere does not see the KPI at all, and once it is published its small numbers are withheld.
    let elsewhere = json!({"subject": Actor::Stranger.name(), "role": "partner", "organisation": "police"});
    world.post(Administrator, "grants", elsewhere).await.is(201);
    world.get(Actor::Stranger, "kpis/LI-ASTHMA").await.refused(404, "not_found");
    world.patch(Manager, "kpis/LI-ASTHMA", "*", json!({"publication": "public"})).await.is(200);
    for actor in [Actor::Stranger, Public] {
        tells_nothing(&world.get(actor, "kpis/LI-ASTHMA/status?period=FY2009-10-Q2").await.is(200).json());
    }
    // Two partners of two organisations never share a tag.
    let tags = [Partner, Actor::Stranger].map(|actor| world.get(actor, "kpis/LI-ASTHMA/readings/FY2009-10-Q2"));
    let [own, other] = tags;
    assert_ne!(own.await.is(200).tag(), other.await.is(200).tag());
}

async fn every_kind_of_small_number_is_withheld_and_zero_is_not(world: &World) {
    small(world).await;
    let share = json!({"sensitive": true, "publication": "partners"});
    world.post(Manager, "kpis", kpi("SHARE", share)).await.is(201);
    for (quarter, (numerator, denominator, withheld)) in
        (1..).zip([(3, 40, true), (37, 40, true), (2, 4, true), (0, 40, false)])
    {
        let path = format!("SHARE/readings/FY2009-10-Q{quarter}");
        post(world, &path, json!({"numerator": numerator, "denominator": denominator})).await;
        let reading = world.get(Partner, &format!("kpis/{path}")).await.is(200).json();
        assert_eq!(reading["suppressed"], withheld, "{reading}");
        let status = world.get(Partner, &format!("kpis/SHARE/status?period=FY2009-10-Q{quarter}")).await.is(200).json();
        if withheld { tells_nothing(&status) } else { assert_eq!(status["value"], 0, "{status}") }
    }
    // What is not sensitive is shown whatever it is.
    post(world, "LI-CALLS/readings/2009-06", json!({"value": 2})).await;
    assert_eq!(world.get(Partner, "kpis/LI-CALLS/readings/2009-06").await.is(200).json()["value"], 2);
}

async fn what_gives_a_small_number_away_is_withheld_too(world: &World) {
    small(world).await;
    let count = json!({"unit": "count", "decimals": 0, "sensitive": true, "publication": "partners"});
    let mut running = count.clone();
    running["aggregation"] = "year_to_date".into();
    world.post(Manager, "kpis", kpi("RUNNING", running)).await.is(201);
    world.post(Manager, "kpis", kpi("GROUPED", count)).await.is(201);
    // One quarter's figure less the one before is three.
    for (quarter, value) in [(1, 20), (2, 23), (3, 60)] {
        post(world, &format!("RUNNING/readings/FY2009-10-Q{quarter}"), json!({"value": value})).await;
    }
    post(world, "RUNNING/readings/FY2008-09-Q4", json!({"value": 80})).await;
    for (period, withheld) in
        [("FY2009-10-Q1", false), ("FY2009-10-Q2", true), ("FY2009-10-Q3", false), ("FY2008-09-Q4", false)]
    {
        let reading = world.get(Partner, &format!("kpis/RUNNING/readings/{period}")).await.is(200).json();
        assert_eq!(reading["suppressed"], withheld, "{reading}");
    }
    // All less every other group is the small one.
    for (group, value) in [("all", 43), ("girls", 40), ("boys", 3)] {
        post(world, &format!("GROUPED/readings/FY2009-10-Q1?group={group}"), json!({"value": value})).await;
    }
    post(world, "GROUPED/readings/FY2009-10-Q2", json!({"value": 43})).await;
    for (group, withheld) in [("all", false), ("girls", true), ("boys", true)] {
        let reading =
            world.get(Partner, &format!("kpis/GROUPED/readings/FY2009-10-Q1?group={group}")).await.is(200).json();
        assert_eq!(reading["suppressed"], withheld, "{reading}");
    }
    assert_eq!(world.get(Partner, "kpis/GROUPED/readings/FY2009-10-Q2").await.is(200).json()["value"], 43);
}

async fn a_gap_is_withheld_with_either_of_its_sides(world: &World) {
    small(world).await;
    world.post(Manager, "kpis", kpi("GCSE", json!({"sensitive": true, "publication": "partners"}))).await.is(201);
    let gap = json!({
        "formula": {"kind": "gap", "of": "GCSE", "group": "fsm", "comparator": "non-fsm"}, "unit": "percentage_points",
        "polarity": "lower_is_better", "publication": "partners"
    });
    world.post(Manager, "kpis", kpi("GAP", gap)).await.is(201);
    post(world, "GCSE/readings/FY2009-10-Q1?group=fsm", json!({"numerator": 3, "denominator": 40})).await;
    post(world, "GCSE/readings/FY2009-10-Q1?group=non-fsm", json!({"numerator": 300, "denominator": 400})).await;
    tells_nothing(&world.get(Partner, "kpis/GAP/status?period=FY2009-10-Q1").await.is(200).json());
    for (group, withheld) in [("fsm", true), ("non-fsm", false)] {
        let reading =
            world.get(Partner, &format!("kpis/GCSE/readings/FY2009-10-Q1?group={group}")).await.is(200).json();
        assert_eq!(reading["suppressed"], withheld, "without the gap the other side tells nothing: {reading}");
    }
    assert_eq!(
        world.get(Board, "kpis/GAP/status?period=FY2009-10-Q1").await.is(200).json()["value"].as_f64(),
        Some(67.5)
    );
}

async fn a_figure_that_was_small_stays_withheld_in_its_history(world: &World) {
    small(world).await;
    let path = "LI-INJURIES/readings/FY2009-10-Q1";
    post(world, path, json!({"value": 3})).await;
    post(world, path, json!({"value": 30})).await;
    assert_eq!(world.get(Partner, &format!("kpis/{path}")).await.is(200).json()["value"], 30);
    // What is shown is shown there, too; and not why it replaced what is not.
    let history = world.get(Partner, &format!("kpis/{path}/history")).await.is(200).json();
    let told = |place: usize| {
        let item = &history["items"][place];
        json!([item["value"], item["suppressed"], item["commentary"], item["reason"]])
    };
    assert_eq!([told(0), told(1)], [json!([null, true, null, null]), json!([30, false, MARK, null])]);
    let now = world.get(Partner, &format!("kpis/{path}")).await.is(200).json();
    assert_eq!((&now["commentary"], &now["reason"]), (&json!(MARK), &Value::Null), "{now}");
    let board = world.get(Board, &format!("kpis/{path}/history")).await.is(200).json();
    assert_eq!([&board["items"][0]["value"], &board["items"][1]["value"]], [&json!(3), &json!(30)]);
}

async fn a_figure_stays_as_withheld_as_it_was_by_an_earlier_definition(world: &World) {
    small(world).await;
    let sensitive = |mut changes: Value| {
        changes["sensitive"] = true.into();
        changes["publication"] = "partners".into();
        changes["lead_organisation"] = "council".into();
        kpi(changes["code"].clone().as_str().unwrap(), changes)
    };
    let withheld = async |kpi: &str| -> Vec<bool> {
        let listed = world.get(Partner, &format!("kpis/{kpi}/readings")).await.is(200).json();
        listed["items"].as_array().unwrap().iter().map(|item| item["suppressed"].as_bool().unwrap()).collect()
    };
    let parts =
        json!([{"code": "one", "title": "One"}, {"code": "two", "title": "Two"}, {"code": "three", "title": "Three"}]);
    let dimension = json!({"code": "parts", "title": "Parts", "complete": true, "groups": parts});
    world.post(Manager, "dimensions", dimension).await.is(201);
    let running = json!({"code": "RUNNING", "unit": "count", "decimals": 0, "aggregation": "year_to_date"});
    let counted = json!({"code": "COUNTED", "unit": "count", "decimals": 0});
    let shared = json!({"code": "SHARED", "unit": "count", "decimals": 0});
    for kpi in [running, counted, shared] {
        world.post(Manager, "kpis", sensitive(kpi)).await.is(201);
    }
    for (path, value) in [
        ("RUNNING/readings/FY2009-10-Q1", 20),
        ("RUNNING/readings/FY2009-10-Q2", 23),
        ("COUNTED/readings/FY2009-10-Q1", 3),
        ("COUNTED/readings/FY2009-10-Q2", 30),
        ("SHARED/readings/FY2009-10-Q1", 100),
        ("SHARED/readings/FY2009-10-Q1?group=one", 60),
        ("SHARED/readings/FY2009-10-Q1?group=two", 37),
    ] {
        post(world, path, json!({"value": value})).await;
    }
    let before = [withheld("RUNNING").await, withheld("COUNTED").await, withheld("SHARED").await];
    assert_eq!(before[..2], [[false, true], [true, false]]);
    assert_eq!(before[2].iter().filter(|withheld| **withheld).count(), 1, "the third part would be three");
    world.patch(Manager, "kpis/RUNNING", "*", json!({"aggregation": "in_period"})).await.is(200);
    world.patch(Manager, "kpis/COUNTED", "*", json!({"unit": "score"})).await.is(200);
    world.patch(Manager, "dimensions/parts", "*", json!({"complete": false})).await.is(200);
    assert_eq!([withheld("RUNNING").await, withheld("COUNTED").await, withheld("SHARED").await], before);
    // What is measured from now on is judged by what it is.
    post(world, "COUNTED/readings/FY2009-10-Q3", json!({"value": 3})).await;
    assert_eq!(withheld("COUNTED").await, [true, false, false]);
}

async fn a_plan_and_its_successor_do_not_tell_on_one_another(world: &World) {
    small(world).await;
    let count = json!({"unit": "count", "decimals": 0, "sensitive": true, "publication": "partners", "lead_organisation": "council"});
    let mut running = count.clone();
    running["aggregation"] = "year_to_date".into();
    world.post(Manager, "kpis", kpi("RUNNING", running)).await.is(201);
    world.post(Manager, "kpis", kpi("GROUPED", count)).await.is(201);
    let halves = json!([{"code": "one", "title": "One"}, {"code": "two", "title": "Two"}]);
    let halves = json!({"code": "halves", "title": "Halves", "complete": true, "groups": halves});
    world.post(Manager, "dimensions", halves).await.is(201);
    // Restated, the first figures are guarded by all as it was, and the same afterwards.
    for (group, value) in [("one", 10), ("two", 47), ("all", 57), ("one", 3), ("all", 50)] {
        post(world, &format!("GROUPED/readings/FY2009-10-Q1?group={group}"), json!({"value": value})).await;
    }
    post(world, "RUNNING/readings/FY2009-10-Q1", json!({"value": 40})).await;
    let shown = async |kpi: &str| -> Vec<Value> {
        let listed = world.get(Partner, &format!("kpis/{kpi}/readings")).await.is(200).json();
        listed["items"].as_array().unwrap().iter().map(|item| item["value"].clone()).collect()
    };
    let (grouped, ran) = (shown("GROUPED").await, shown("RUNNING").await);
    assert_eq!(ran, [json!(40)]);
    let next = json!({"code": "next", "title": "Next", "starts_on": "2011-04-01", "ends_on": "2013-03-31"});
    world.post(Administrator, "successor", next).await.is(201);
    world.enter("next");
    assert_eq!(shown("GROUPED").await, grouped);
    assert_eq!(shown("RUNNING").await, ran);
    let report = "status-report?period=FY2009-10-Q1";
    let answer = world.get(Partner, report).await.is(200);
    // What is new in the plan before goes as well, as what was there can be read in either.
    world.enter("small");
    post(world, "RUNNING/readings/FY2009-10-Q2", json!({"value": 43})).await;
    assert_eq!(shown("RUNNING").await, [json!(40), Value::Null]);
    world.enter("next");
    assert_eq!(shown("RUNNING").await, ran);
    // Nor what came by the third quarter.
    post(world, "RUNNING/readings/FY2009-10-Q3", json!({"value": 45})).await;
    assert_eq!(shown("RUNNING").await, [json!(40), Value::Null]);
    // An answer that was kept is told apart from one that a change in the other plan brings.
    world.enter("small");
    post(world, "RUNNING/readings/FY2009-10-Q1", json!({"value": 41})).await;
    world.enter("next");
    let after = world.get(Partner, report).await.is(200);
    assert_ne!(answer.tag(), after.tag());
}

async fn a_baseline_behind_a_drawn_target_is_a_figure_like_any_other(world: &World) {
    small(world).await;
    let drawn = json!({
        "unit": "count", "decimals": 0, "sensitive": true, "publication": "partners", "frequency": "year", "profile": "linear",
        "baseline": {"period": "FY2008-09", "value": 3}
    });
    world.post(Manager, "kpis", kpi("DRAWN", drawn)).await.is(201);
    for (year, value) in [("FY2008-09", 3), ("FY2009-10", 30), ("FY2008-09", 10)] {
        post(world, &format!("DRAWN/readings/{year}"), json!({"value": value})).await;
    }
    world.put(Manager, "kpis/DRAWN/targets/FY2010-11", json!({"value": 13})).await.is(201);
    let status = world.get(Partner, "kpis/DRAWN/status?period=FY2009-10").await.is(200).json();
    assert_eq!((&status["value"], &status["target"]["value"]), (&json!(30), &Value::Null), "{status}");
    let status = world.get(Board, "kpis/DRAWN/status?period=FY2009-10").await.is(200).json();
    assert_eq!(status["target"]["value"], json!(8), "{status}");
}

async fn a_rate_without_its_numbers_is_withheld_unless_they_were_checked(world: &World) {
    small(world).await;
    let share = json!({"sensitive": true, "publication": "partners", "lead_organisation": "council"});
    world.post(Manager, "kpis", kpi("SHARE", share)).await.is(201);
    for (quarter, figure) in
        [(1, json!({"value": 50})), (2, json!({"value": 0})), (3, json!({"numerator": 20, "denominator": 40}))]
    {
        post(world, &format!("SHARE/readings/FY2009-10-Q{quarter}"), figure).await;
    }
    let withheld = async || -> Vec<bool> {
        let listed = world.get(Partner, "kpis/SHARE/readings").await.is(200).json();
        listed["items"].as_array().unwrap().iter().map(|item| item["suppressed"].as_bool().unwrap()).collect()
    };
    assert_eq!(withheld().await, [true, true, false], "nobody knows out of how few");
    world.patch(Manager, "kpis/SHARE", "*", json!({"numbers_checked": true})).await.is(200);
    assert_eq!(withheld().await, [false, false, false]);
}

async fn groups_within_groups_are_guarded(world: &World) {
    small(world).await;
    let group = |code: &str| json!({"code": code, "title": code});
    let within = |code: &str, whole: &str| json!({"code": code, "title": code, "within": whole});
    let broad =
        json!({"code": "broad", "title": "Broad", "complete": true, "groups": [group("white"), group("asian")]});
    let detail = json!({"code": "detail", "title": "Detail", "complete": true, "groups": [
        within("british", "white"), within("irish", "white"), within("indian", "asian"),
        {"code": "meals", "title": "Meals", "outside": true},
    ]});
    world.post(Manager, "dimensions", detail.clone()).await.refused(422, "invalid");
    world.post(Manager, "dimensions", broad).await.is(201);
    world.post(Manager, "dimensions", detail).await.is(201);
    let circle = json!({"code": "circle", "title": "Circle", "groups": [within("one", "two"), within("two", "one")]});
    world.post(Manager, "dimensions", circle).await.refused(422, "invalid");
    let nobody = json!({"code": "nobody", "title": "Nobody", "complete": true, "groups": [{"code": "out", "title": "Out", "outside": true}]});
    world.post(Manager, "dimensions", nobody).await.refused(422, "invalid");
    // What nobody said is warned of.
    let years = json!({
        "code": "years", "title": "Years", "groups": [group("year-1"), group("year-2"), group("year-3")]
    });
    let made = world.post(Manager, "dimensions", years).await.is(201).json();
    assert_eq!(made["warnings"][0]["code"], "unguarded_groups", "{made}");
    let changed = world.patch(Manager, "dimensions/years", "*", json!({"complete": true})).await.is(200).json();
    assert_eq!(changed["warnings"], Value::Null, "{changed}");
    world.delete(Manager, "dimensions/years", "*").await.is(204);
    let count = json!({"unit": "count", "decimals": 0, "sensitive": true, "publication": "partners", "lead_organisation": "council"});
    world.post(Manager, "kpis", kpi("GROUPED", count)).await.is(201);
    for (group, value) in [("all", 100), ("white", 45), ("asian", 55), ("british", 42), ("indian", 55), ("meals", 20)] {
        post(world, &format!("GROUPED/readings/FY2009-10-Q1?group={group}"), json!({"value": value})).await;
    }
    for (group, withheld) in [("all", false), ("white", false), ("british", true), ("indian", false), ("meals", false)]
    {
        let reading =
            world.get(Partner, &format!("kpis/GROUPED/readings/FY2009-10-Q1?group={group}")).await.is(200).json();
        assert_eq!(reading["suppressed"], withheld, "{reading}");
    }
}

async fn counting_what_is_withheld_tells_nothing_of_it(world: &World) {
    with_injuries(world).await;
    let period = "period=FY2009-10-Q2";
    let report = world.get(Partner, &format!("status-report?{period}")).await.is(200).json();
    assert_eq!(report["counts"]["data_state"]["suppressed"], 1);
    assert_eq!(report["counts"]["status"]["on_track"], 0, "{}", report["counts"]);
    for status in ["on_track", "at_risk", "off_track"] {
        let rows = world.get(Partner, &format!("status-report.csv?{period}&status={status}")).await.is(200).rows();
        assert!(rows.iter().all(|row| row["kpi"] != "LI-INJURIES"), "{status}");
    }
    let board = world.get(Board, &format!("status-report?{period}")).await.is(200).json();
    assert_eq!(
        (&board["counts"]["status"]["on_track"], &board["counts"]["data_state"]["suppressed"]),
        (&json!(1), &json!(0))
    );
}

async fn the_threshold_is_a_setting(world: &World) {
    small(world).await;
    post(world, "LI-INJURIES/readings/FY2009-10-Q1", json!({"value": 7})).await;
    let seen = || async { world.get(Partner, "kpis/LI-INJURIES/readings/FY2009-10-Q1").await.is(200) };
    let shown = seen().await;
    assert_eq!(shown.json()["value"], 7);
    world.patch(Manager, "", "*", json!({"small_number_threshold": 7})).await.is(200);
    let withheld = seen().await;
    assert_eq!(withheld.json()["suppressed"], true);
    assert_ne!(shown.tag(), withheld.tag());
}
