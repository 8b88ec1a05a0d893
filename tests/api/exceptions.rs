//! Exceptions: which KPIs the Board should look at, why, in which order, and what each reader is told of them.

use serde_json::{Value, json};

use crate::actions::opened;
use crate::on_both;
use crate::support::plan::{kpi, small};
use crate::support::{Actor, World};

use Actor::{Administrator, Board, Lead, Manager, Partner, Public};

on_both! {
    each_rule_begins_and_ends_with_what_a_person_does
    a_restated_figure_is_shown_with_what_it_changed
    the_worst_come_first
    an_exception_tells_all_there_is_to_know
    exceptions_can_be_narrowed_and_had_as_csv
    the_past_is_answered_as_it_was
    those_outside_are_told_nothing_that_is_not_theirs
    a_gap_is_explained_by_its_sides
}

/// The exceptions of the third quarter of 2009/10.
async fn exceptions(world: &World, actor: Actor) -> Value {
    world.get(actor, "exceptions?period=FY2009-10-Q3").await.is(200).json()
}

/// The rules that apply to a KPI; none where it is no exception.
fn rules_of(answer: &Value, kpi: &str) -> Vec<String> {
    let item = answer["items"].as_array().unwrap().iter().find(|item| item["kpi"] == kpi);
    let rules = item.map(|item| item["rules"].as_array().unwrap().clone()).unwrap_or_default();
    rules.iter().map(|rule| rule.as_str().unwrap().to_owned()).collect()
}

async fn applying(world: &World, kpi: &str) -> Vec<String> {
    rules_of(&exceptions(world, Board).await, kpi)
}

async fn put(world: &World, path: &str, body: Value) {
    let answer = world.put(Manager, &format!("kpis/{path}"), body).await;
    assert!(answer.status < 300, "{answer}");
}

async fn each_rule_begins_and_ends_with_what_a_person_does(world: &World) {
    small(world).await;
    let name = "NI-117";
    let figure = "NI-117/readings/FY2009-10-Q3";
    put(world, "NI-117/targets/FY2009-10", json!({"value": 5})).await;
    assert_eq!(applying(world, name).await, ["overdue"]);
    put(world, "NI-117/readings/FY2009-10-Q2", json!({"value": 5})).await;
    put(world, figure, json!({"value": 7})).await;
    let off_track = ["off_track", "off_track_without_commentary", "off_track_without_action"];
    assert_eq!(applying(world, name).await, off_track);
    put(world, figure, json!({"value": 7, "commentary": "Two colleges closed."})).await;
    assert_eq!(applying(world, name).await, ["off_track", "off_track_without_action"]);
    let action = opened(world, Lead, name, json!({"due": "2010-05-20"})).await;
    assert_eq!(applying(world, name).await, ["off_track"]);
    world.now_is("2010-05-21T12:00:00Z");
    assert_eq!(applying(world, name).await, ["off_track", "action_overdue"]);
    world.patch(Lead, &action, "*", json!({"due": "2010-05-25"})).await.is(200);
    assert_eq!(applying(world, name).await, ["off_track"]);
    world.patch(Lead, &action, "*", json!({"state": "done"})).await.is(200);
    assert_eq!(applying(world, name).await, ["off_track", "off_track_without_action"]);
    // Amber by the five bands: up to five percent worse.
    put(world, figure, json!({"value": 5.2, "reason": "Recounted"})).await;
    assert_eq!(applying(world, name).await, ["at_risk_and_worsening"]);
    put(world, "NI-117/readings/FY2009-10-Q2", json!({"value": 5.4, "reason": "Recounted"})).await;
    assert_eq!(applying(world, name).await, [""; 0], "at risk and improving");
    put(world, "NI-117/readings/FY2008-09-Q3", json!({"value": 5.0})).await;
    let since = ["at_risk_and_worsening", "forecast_to_miss"];
    assert_eq!(applying(world, name).await, since, "since a year before, on a line of three that goes on rising");
    put(world, figure, json!({"value": 4.9, "reason": "Recounted"})).await;
    assert_eq!(applying(world, name).await, [""; 0]);
    world.restate(Manager, name, "FY2009-10-Q3", "4.8", "Leavers were counted twice.");
    assert_eq!(applying(world, name).await, ["restated"]);
    world.delete(Manager, "kpis/NI-117", "*").await.is(204);
    assert_eq!(applying(world, name).await, [""; 0], "an archived KPI is in no report");
}

async fn a_restated_figure_is_shown_with_what_it_changed(world: &World) {
    small(world).await;
    put(world, "NI-117/targets/FY2008-09", json!({"value": 5})).await;
    put(world, "NI-117/targets/FY2009-10", json!({"value": 5})).await;
    for quarter in ["FY2007-08-Q4", "FY2008-09-Q2", "FY2009-10-Q2", "FY2009-10-Q3", "FY2009-10-Q4"] {
        put(world, &format!("NI-117/readings/{quarter}"), json!({"value": 4})).await;
    }
    let restatement = async || {
        let answer = exceptions(world, Board).await;
        let item = answer["items"].as_array().unwrap().iter().find(|item| item["kpi"] == "NI-117").cloned();
        item.map(|item| item["restatement"].clone())
    };
    // Two years before, and later than the period: no news in this report.
    world.restate(Manager, "NI-117", "FY2007-08-Q4", "9", "Old");
    world.restate(Manager, "NI-117", "FY2009-10-Q4", "9", "Later");
    assert_eq!(restatement().await, None);
    world.now_is("2010-05-15T12:00:00Z");
    world.restate(Manager, "NI-117", "FY2008-09-Q2", "5.2", "A college was left out.");
    let told = restatement().await.unwrap();
    assert_eq!(told["period"]["key"], "FY2008-09-Q2");
    assert_eq!((told["before"].as_f64(), told["after"].as_f64()), (Some(4.0), Some(5.2)));
    assert_eq!((&told["status_before"], &told["status_after"]), (&json!("on_track"), &json!("at_risk")));
    assert_eq!((&told["reason"], &told["at"]), (&json!("A college was left out."), &json!("2010-05-15T12:00:00Z")));
    world.now_is("2010-05-16T12:00:00Z");
    world.restate(Manager, "NI-117", "FY2009-10-Q2", "4.1", "Another.");
    assert_eq!(restatement().await.unwrap()["reason"], "Another.", "the latest of them");
    world.now_is("2010-05-16T12:30:00Z");
    world.restate(Manager, "NI-117", "FY2008-09-Q2", "5.3", "Once more.");
    assert_eq!(restatement().await.unwrap()["reason"], "Once more.");
    world.restate(Manager, "NI-117", "FY2009-10-Q3", "4.2", "The one reported.");
    world.now_is("2010-05-17T12:00:00Z");
    world.restate(Manager, "NI-117", "FY2009-10-Q2", "4.2", "And another.");
    assert_eq!(restatement().await.unwrap()["reason"], "The one reported.", "before all others");
    let earlier = world.get(Board, "exceptions?period=FY2009-10-Q2").await.is(200).json();
    assert_eq!(rules_of(&earlier, "NI-117"), ["restated"], "the figure reported there");
}

async fn the_worst_come_first(world: &World) {
    small(world).await;
    // In points a figure of 10 where 20 is wanted is one limit off by 10 and two by 5; with no tolerance it is past all.
    for (code, tolerance, value) in [
        ("A-NEAR", json!({"kind": "points", "value": 5}), 14),
        ("B-FAR", json!({"kind": "points", "value": 1}), 14),
        ("C-FAR", json!({"kind": "points", "value": 1}), 14),
        ("D-NONE", json!({"kind": "points", "value": 0}), 19),
        ("E-DONE", json!({"kind": "points", "value": 1}), 5),
        ("F-FINE", json!({"kind": "points", "value": 1}), 20),
    ] {
        world.post(Manager, "kpis", kpi(code, json!({"tolerance": tolerance}))).await.is(201);
        put(world, &format!("{code}/targets/FY2009-10-Q3"), json!({"value": 20})).await;
        put(world, &format!("{code}/readings/FY2009-10-Q3"), json!({"value": value, "commentary": "Why."})).await;
    }
    opened(world, Manager, "E-DONE", json!({})).await;
    let answer = exceptions(world, Board).await;
    let items: Vec<_> = answer["items"].as_array().unwrap().iter().map(|item| item["kpi"].as_str().unwrap()).collect();
    assert_eq!(items[..5], ["D-NONE", "B-FAR", "C-FAR", "A-NEAR", "E-DONE"]);
    assert!(!items.contains(&"F-FINE"));
    assert!(items[5..].iter().all(|kpi| rules_of(&answer, kpi) == ["overdue"]), "{items:?}");
    assert!(items[5..].is_sorted(), "{items:?}");
    assert_eq!(answer["counts"]["off_track"], 5);
    assert_eq!(answer["counts"]["off_track_without_action"], 4);
    assert_eq!(answer["counts"]["off_track_without_commentary"], 0);
    assert_eq!(answer["counts"]["overdue"], items.len() - 5);
    let stated: Vec<_> =
        answer["rules"].as_array().unwrap().iter().map(|rule| rule["code"].as_str().unwrap()).collect();
    let wanted = [
        "off_track",
        "off_track_without_commentary",
        "off_track_without_action",
        "at_risk_and_worsening",
        "forecast_to_miss",
        "overdue",
        "restated",
        "action_overdue",
    ];
    assert_eq!(stated, wanted);
    assert!(answer["rules"].as_array().unwrap().iter().all(|rule| rule["words"].as_str().unwrap().len() > 20));
}

async fn an_exception_tells_all_there_is_to_know(world: &World) {
    small(world).await;
    put(world, "NI-117/targets/FY2009-10", json!({"value": 5})).await;
    let quarters = (2007..2010).flat_map(|year| (1..=4).map(move |q| format!("FY{year}-{:02}-Q{q}", (year + 1) % 100)));
    let quarters: Vec<_> = quarters.collect();
    for (n, quarter) in (0..).zip(&quarters) {
        let body = json!({"value": 6 + n, "commentary": format!("In {quarter}.")});
        put(world, &format!("NI-117/readings/{quarter}"), body).await;
    }
    let [dropped, done, open] = ["Dropped long ago", "Done lately", "Open"].map(|what| json!({"what": what}));
    let path = opened(world, Lead, "NI-117", dropped).await;
    world.patch(Lead, &path, "*", json!({"state": "dropped", "reason": "No money."})).await.is(200);
    world.now_is("2010-08-15T12:00:00Z");
    for (changes, state) in [(done, "done"), (open, "open")] {
        world.now_is(if state == "done" { "2010-08-15T12:00:00Z" } else { "2010-08-15T12:01:00Z" });
        let mut changes = changes;
        changes["due"] = "2010-09-30".into();
        let path = opened(world, Lead, "NI-117", changes).await;
        world.patch(Lead, &path, "*", json!({"state": state})).await.is(200);
    }
    let answer = exceptions(world, Board).await;
    assert_eq!((&answer["plan"], &answer["period"]["key"]), (&json!("small"), &json!("FY2009-10-Q3")));
    let item = &answer["items"][0];
    assert_eq!(
        [&item["kpi"], &item["outcome_area"], &item["priority"], &item["commentary"]],
        ["NI-117", "health", "health-1", "In FY2009-10-Q3."]
    );
    assert_eq!(item["sub_groups"], json!(["health-group"]));
    let status = world.get(Board, "kpis/NI-117/status?period=FY2009-10-Q3").await.is(200).json();
    assert_eq!(item["assessment"], status);
    let trend: Vec<_> = item["trend"].as_array().unwrap().iter().map(|point| &point["period"]["key"]).collect();
    assert_eq!(trend, quarters[3..11].iter().collect::<Vec<_>>(), "eight up to the period reported on");
    assert_eq!(item["trend"][7]["reported"], 16);
    assert_eq!(
        (&item["trend"][7]["status"], &item["trend"][0]["status"]),
        (&json!("off_track"), &json!("not_assessed"))
    );
    let whats: Vec<_> = item["actions"].as_array().unwrap().iter().map(|one| &one["what"]).collect();
    assert_eq!(whats, ["Done lately", "Open"], "what was closed three months ago is done with");
    assert_eq!(
        (&item["actions"][1]["overdue"], &item["actions"][1]["opened_by"]),
        (&json!(false), &json!(Lead.name()))
    );
    assert_eq!(item["restatement"], Value::Null);
}

async fn exceptions_can_be_narrowed_and_had_as_csv(world: &World) {
    small(world).await;
    put(world, "NI-117/targets/FY2009-10", json!({"value": 5})).await;
    put(world, "NI-117/readings/FY2009-10-Q3", json!({"value": 7, "commentary": "=1+1"})).await;
    opened(world, Lead, "NI-117", json!({"due": "2010-06-01"})).await;
    for (query, kpis) in [
        ("outcome_area=safety", &["LI-CALLS", "LI-INJURIES", "NI-112", "NI-87"][..]),
        ("priority=health-1", &["NI-117"]),
        // The latest year of NI-50 that has ended lies before the plan: nothing of it is overdue.
        ("sub_group=health-group", &["NI-117", "LI-ASTHMA"]),
        ("organisation=pct", &["LI-ASTHMA"]),
        ("status=off_track", &["NI-117"]),
    ] {
        let answer = world.get(Board, &format!("exceptions?period=FY2009-10-Q3&{query}")).await.is(200).json();
        let items: Vec<_> = answer["items"].as_array().unwrap().iter().map(|item| &item["kpi"]).collect();
        assert_eq!(items, kpis, "{query}");
    }
    world.get(Board, "exceptions?priority=nothing").await.refused(422, "invalid");
    world.get(Board, "exceptions?period=soon").await.is(422);
    // Without a period, the latest quarter that has figures.
    let answer = world.get(Board, "exceptions").await.is(200).json();
    assert_eq!(answer["period"]["key"], "FY2009-10-Q3");
    let rows = world.get(Board, "exceptions.csv?period=FY2009-10-Q3&outcome_area=health").await.is(200).rows();
    let cells = ["place", "kpi", "rules", "reported", "commentary", "open_actions", "overdue_actions", "next_due"];
    assert_eq!(cells.map(|cell| &*rows[0][cell]), ["1", "NI-117", "off_track", "7", "'=1+1", "1", "0", "2010-06-01"]);
    assert_eq!((rows.len(), &*rows[1]["place"], &*rows[1]["open_actions"]), (2, "2", "0"));
}

async fn the_past_is_answered_as_it_was(world: &World) {
    small(world).await;
    put(world, "NI-117/targets/FY2009-10", json!({"value": 5})).await;
    put(world, "NI-117/readings/FY2009-10-Q3", json!({"value": 7})).await;
    world.now_is("2010-05-17T12:00:00Z");
    let action = opened(world, Lead, "NI-117", json!({})).await;
    let asked = "exceptions?period=FY2009-10-Q3&as_of=2010-05-17T18:00:00Z";
    world.now_is("2010-05-17T18:00:00Z");
    let then = world.get(Board, asked).await.is(200);
    assert_eq!(rules_of(&then.json(), "NI-117"), ["off_track", "off_track_without_commentary"]);
    world.now_is("2010-07-01T12:00:00Z");
    world.patch(Lead, &action, "*", json!({"state": "done"})).await.is(200);
    world.restate(Manager, "NI-117", "FY2009-10-Q3", "4", "Recounted.");
    let now = world.get(Board, asked).await.is(200);
    assert_eq!((now.json(), now.tag()), (then.json(), then.tag()));
    assert_eq!(applying(world, "NI-117").await, ["restated"]);
}

async fn those_outside_are_told_nothing_that_is_not_theirs(world: &World) {
    small(world).await;
    let secret = "words-within";
    let changes = json!({
        "priority": "safety-1", "unit": "count", "decimals": 0, "polarity": "lower_is_better", "profile": "even",
        "sensitive": true, "publication": "partners"
    });
    for (code, lead) in [("LI-OTHER", "council"), ("LI-OWN", "pct")] {
        let mut changes = changes.clone();
        changes["lead_organisation"] = lead.into();
        world.post(Manager, "kpis", kpi(code, changes)).await.is(201);
        put(world, &format!("{code}/targets/FY2009-10"), json!({"value": 4})).await;
        for (quarter, value) in [("Q1", 12), ("Q2", 3), ("Q3", 30)] {
            let body = json!({"value": value, "commentary": format!("{quarter} {secret}")});
            put(world, &format!("{code}/readings/FY2009-10-{quarter}"), body).await;
        }
        world.restate(Manager, code, "FY2009-10-Q1", "14", secret);
        opened(world, Manager, code, json!({"what": secret, "due": "2010-05-14"})).await;
    }
    world.post(Manager, "kpis", kpi("LI-BARE", json!({"publication": "public"}))).await.is(201);
    put(world, "LI-BARE/targets/FY2009-10", json!({"value": 50})).await;
    put(world, "LI-BARE/readings/FY2009-10-Q3", json!({"value": 10})).await;
    world.now_is("2010-05-15T12:00:00Z");
    let seen = exceptions(world, Partner).await;
    let item = |code: &str| seen["items"].as_array().unwrap().iter().find(|item| item["kpi"] == code).unwrap().clone();
    // Their own: all of it, without a name, and without the rules that tell of what was not done.
    let own = item("LI-OWN");
    assert_eq!(rules_of(&seen, "LI-OWN"), ["off_track", "restated", "action_overdue"]);
    assert_eq!((&own["restatement"]["reason"], &own["actions"][0]["what"]), (&json!(secret), &json!(secret)));
    assert_eq!(own["actions"][0]["opened_by"], Value::Null);
    // Another's: the figure that is shown, and a trend with the small one left out.
    let other = item("LI-OTHER");
    assert_eq!(rules_of(&seen, "LI-OTHER"), ["off_track"]);
    assert_eq!((&other["restatement"], &other["actions"]), (&Value::Null, &json!([])));
    let points: Vec<_> = other["trend"].as_array().unwrap().iter().map(|point| &point["reported"]).collect();
    assert_eq!(points, [&json!(14), &Value::Null, &json!(30)]);
    assert_eq!(other["trend"][1]["status"], "not_assessed");
    assert_eq!(other["commentary"], format!("Q3 {secret}"));
    // The quarter with the small number is no exception: its status is withheld.
    let small = world.get(Partner, "exceptions?period=FY2009-10-Q2").await.is(200);
    assert_eq!(rules_of(&small.json(), "LI-OTHER"), [""; 0]);
    assert!(!small.text().contains("LI-OTHER"), "{small}");
    // Nobody outside is told that nothing is said or done.
    for actor in [Partner, Public] {
        let seen = exceptions(world, actor).await;
        assert_eq!(rules_of(&seen, "LI-BARE"), ["off_track"]);
        let counts = &seen["counts"];
        assert_eq!(
            (&counts["off_track_without_action"], &counts["off_track_without_commentary"]),
            (&json!(0), &json!(0))
        );
    }
    let public = world.get(Public, "exceptions?period=FY2009-10-Q3").await.is(200);
    assert!(!public.text().contains("LI-O") && !public.text().contains(secret), "{public}");
    let rows = world.get(Partner, "exceptions.csv?period=FY2009-10-Q3").await.is(200).rows();
    let row = |code: &str| rows.iter().find(|row| row["kpi"] == code).unwrap().clone();
    assert_eq!([&row("LI-OTHER")["open_actions"], &row("LI-OWN")["open_actions"]], ["", "1"]);
    for kpi in ["LI-BARE", "LI-OTHER"] {
        assert!(applying(world, kpi).await.contains(&"off_track".to_owned()));
    }
    assert!(applying(world, "LI-BARE").await.contains(&"off_track_without_action".to_owned()));
    assert_eq!(applying(world, "LI-OTHER").await, ["off_track", "restated", "action_overdue"]);
}

async fn a_gap_is_explained_by_its_sides(world: &World) {
    small(world).await;
    let gap = json!({
        "unit": "percentage_points", "polarity": "lower_is_better", "publication": "public",
        "formula": {"kind": "gap", "of": "NI-117", "group": "fsm", "comparator": "all"}
    });
    world.post(Administrator, "kpis", kpi("LI-GAP", gap)).await.is(201);
    put(world, "LI-GAP/targets/FY2009-10", json!({"value": 5})).await;
    put(world, "NI-117/readings/FY2009-10-Q3", json!({"value": 60, "commentary": "Of everyone."})).await;
    put(world, "NI-117/readings/FY2009-10-Q3?group=fsm", json!({"value": 40})).await;
    let commentary = async |actor: Actor| {
        let answer = exceptions(world, actor).await;
        let items = answer["items"].as_array().unwrap();
        items.iter().find(|item| item["kpi"] == "LI-GAP").unwrap()["commentary"].clone()
    };
    assert_eq!(commentary(Board).await, "Of everyone.");
    let behind = json!({"value": 40, "commentary": "Of those with free meals."});
    put(world, "NI-117/readings/FY2009-10-Q3?group=fsm", behind).await;
    assert_eq!(
        (commentary(Board).await, commentary(Public).await.is_string()),
        (json!("Of those with free meals."), true)
    );
    // A source that is not published keeps its words.
    world.patch(Manager, "kpis/NI-117", "*", json!({"publication": "internal"})).await.is(200);
    assert_eq!(commentary(Public).await, Value::Null);
}
