//! What becomes of definitions, targets and the plan itself as the years go by.

use serde_json::{Value, json};

use waymark::store::kinds::DefinitionKind;

use crate::on_both;
use crate::support::plan::{kpi, small};
use crate::support::{Actor, World};

use Actor::{Administrator, Board, Contributor, Lead, Manager, Partner, Public, Stranger};

on_both! {
    travel_stops_at_a_change_of_definition
    who_made_a_version_and_what_it_said_is_for_those_who_may_know
    a_withdrawn_kpi_is_reported_while_it_was_in_force
    a_placeholder_is_agreed_in_mid_year_and_revised_with_a_reason
    a_target_history_is_as_known_then_and_for_whom
    a_plan_goes_on_in_its_successor
    what_belongs_to_the_plan_before_stays_with_it
    open_actions_and_dimensions_go_on_and_rounds_do_not
    targets_on_a_line_go_on_from_where_they_were
    a_successor_that_makes_no_sense_is_refused
    only_an_administrator_of_the_service_makes_a_successor
    a_predecessor_is_never_set_by_hand
}

const YEAR: [&str; 4] = ["FY2009-10-Q1", "FY2009-10-Q2", "FY2009-10-Q3", "FY2009-10-Q4"];

async fn status(world: &World, kpi: &str, period: &str) -> Value {
    world.get(Board, &format!("kpis/{kpi}/status?period={period}")).await.is(200).json()
}

async fn change(world: &World, path: &str, members: Value) {
    let tag = world.get(Manager, path).await.is(200).tag();
    world.patch(Manager, path, &tag, members).await.is(200);
}

async fn report(world: &World, kpi: &str, period: &str, value: f64) {
    world.put(Manager, &format!("kpis/{kpi}/readings/{period}"), json!({"value": value})).await.is(201);
}

async fn travel_stops_at_a_change_of_definition(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    report(world, "NI-117", "FY2008-09-Q4", 6.0).await;
    report(world, "NI-117", YEAR[0], 5.5).await;
    report(world, "NI-117", YEAR[1], 5.0).await;
    world.now_is("2010-05-15T12:00:00Z");
    change(world, "kpis/NI-117", json!({"title": "NEET, in other words"})).await;
    world.now_is("2010-05-16T12:00:00Z");
    change(world, "kpis/NI-117", json!({"definition": "From now on 19 year olds are counted too."})).await;
    report(world, "NI-117", YEAR[2], 7.0).await;
    report(world, "NI-117", YEAR[3], 4.8).await;
    let mut told = Vec::new();
    for period in YEAR {
        let status = status(world, "NI-117", period).await;
        let short = &status["travel"]["short"];
        told.push(json!([status["status"], short["direction"], short["reason"]]));
    }
    let wanted = json!([
        ["off_track", "improving", null],
        ["on_track", "improving", null],
        ["off_track", null, "definition_changed"],
        ["on_track", "improving", null]
    ]);
    assert_eq!(json!(told), wanted);
    let versions = world.get(Board, "kpis/NI-117/versions").await.is(200).json();
    let items = versions["items"].as_array().unwrap();
    let told: Vec<_> = items
        .iter()
        .map(|item| json!([item["revision"], item["definition_version"], item["comparable"], item["recorded_at"]]))
        .collect();
    assert_eq!(
        json!(told),
        json!([
            [1, 1, null, "2010-05-14T12:00:00Z"],
            [2, 1, true, "2010-05-15T12:00:00Z"],
            [3, 2, false, "2010-05-16T12:00:00Z"]
        ])
    );
    assert_eq!([&items[0]["title"], &items[1]["title"]], ["The KPI NI-117", "NEET, in other words"]);
    let now = world.get(Board, "kpis/NI-117").await.is(200).json();
    for (member, value) in now.as_object().unwrap() {
        assert_eq!(&items[2][member], value, "{member}");
    }
    let then = world.get(Board, "kpis/NI-117/versions?as_of=2010-05-15T18:00:00Z").await.is(200).json();
    assert_eq!(then["items"], json!(items[..2]));
    world.get(Board, "kpis/NI-999/versions").await.refused(404, "not_found");
}

async fn who_made_a_version_and_what_it_said_is_for_those_who_may_know(world: &World) {
    small(world).await;
    // Unpublished, then published with a small baseline, then with one that may be shown.
    let baseline = json!({"period": "FY2008-09-Q1", "value": 3});
    let hidden = kpi("LI-NEW", json!({"unit": "count", "decimals": 0, "sensitive": true, "baseline": baseline}));
    world.post(Administrator, "kpis", hidden).await.is(201);
    for actor in [Partner, Public, Stranger] {
        world.get(actor, "kpis/LI-NEW/versions").await.refused(404, "not_found");
    }
    change(world, "kpis/LI-NEW", json!({"publication": "partners"})).await;
    change(world, "kpis/LI-NEW", json!({"sensitive": false})).await;
    let of = async |actor: Actor| {
        let versions = world.get(actor, "kpis/LI-NEW/versions").await.is(200).json();
        let told: Vec<_> = versions["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| json!([item["revision"], item["recorded_by"], item["comparable"], item["baseline"]["value"]]))
            .collect();
        json!(told)
    };
    let (ada, mo) = (Administrator.name(), Manager.name());
    for actor in [Administrator, Manager, Lead, Contributor, Board] {
        assert_eq!(of(actor).await, json!([[1, ada, null, 3], [2, mo, true, 3], [3, mo, true, 3]]));
    }
    assert_eq!(of(Partner).await, json!([[2, null, true, null], [3, null, true, 3]]));
    world.get(Public, "kpis/LI-NEW/versions").await.refused(404, "not_found");
}

async fn a_withdrawn_kpi_is_reported_while_it_was_in_force(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    for period in YEAR {
        report(world, "NI-117", period, 5.0).await;
    }
    let stands = |mut status: Value| {
        let forecast = status.as_object_mut().unwrap().remove("forecast").unwrap();
        (status, forecast["reason"].clone())
    };
    let before = [status(world, "NI-117", YEAR[0]).await, status(world, "NI-117", YEAR[1]).await].map(stands);
    change(world, "kpis/NI-117", json!({"in_force_to": "2009-09-30"})).await;
    for (period, before) in YEAR.iter().zip(&before) {
        let (status, forecast) = stands(status(world, "NI-117", period).await);
        assert_eq!((&status, &forecast), (&before.0, &json!("not_applicable")), "{period}");
        assert_eq!(status["status"], "on_track");
    }
    for period in &YEAR[2..] {
        let status = status(world, "NI-117", period).await;
        assert_eq!((&status["status"], &status["reason"]), (&json!("not_assessed"), &json!("not_applicable")));
    }
    for (period, on_track) in YEAR.iter().zip([1, 1, 0, 0]) {
        let report = world.get(Board, &format!("status-report?period={period}")).await.is(200).json();
        assert_eq!(report["counts"]["status"]["on_track"], on_track, "{period}");
    }
    let versions = world.get(Board, "kpis/NI-117/versions").await.is(200).json();
    assert_eq!(versions["items"][1]["comparable"], true, "a withdrawal changes nothing of what is measured");
}

async fn a_placeholder_is_agreed_in_mid_year_and_revised_with_a_reason(world: &World) {
    small(world).await;
    for (period, value) in YEAR.iter().zip([5.4, 5.2, 5.0, 4.8]) {
        report(world, "NI-117", period, value).await;
    }
    let reasons = async || {
        let mut found = Vec::new();
        for period in YEAR {
            let status = status(world, "NI-117", period).await;
            found.push(status["reason"].as_str().or(status["status"].as_str()).unwrap().to_owned());
        }
        found
    };
    assert_eq!(reasons().await, ["no_target"; 4]);
    let address = "kpis/NI-117/targets/FY2009-10";
    let first = world.put(Manager, address, json!({"state": "placeholder"})).await.is(201);
    assert_eq!(reasons().await, ["placeholder_target"; 4]);
    world.now_is("2010-05-15T12:00:00Z");
    let unexplained = json!({"value": 5.2});
    let refused =
        world.put(Manager, address, unexplained).header("if-match", &first.tag()).await.refused(422, "invalid");
    assert_eq!(refused.faults(), [("/reason".to_owned(), "reason_needed".to_owned())]);
    let agreed = json!({"value": 5.2, "agreed_by": "GOL", "reason": "Agreed at last"});
    let second = world.put(Manager, address, agreed).header("if-match", &first.tag()).await.is(200);
    assert_eq!(reasons().await, ["at_risk", "on_track", "on_track", "on_track"]);
    world.now_is("2010-05-16T12:00:00Z");
    let revised = json!({"value": 4.9, "agreed_by": "GOL", "reason": "Refresh of the LAA"});
    let third = world.put(Manager, address, revised).header("if-match", &second.tag()).await.is(200);
    assert_eq!(reasons().await, ["off_track", "off_track", "at_risk", "on_track"]);
    world.now_is("2010-05-17T12:00:00Z");
    world.delete(Manager, address, &third.tag()).await.is(204);
    assert_eq!(reasons().await, ["no_target"; 4]);
    let history = world.get(Board, &format!("{address}/history")).await.is(200).json();
    let told: Vec<_> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            json!([
                item["revision"],
                item["state"],
                item["value"],
                item["reason"],
                item["removed"],
                item["recorded_by"]
            ])
        })
        .collect();
    let mo = Manager.name();
    assert_eq!(
        json!(told),
        json!([
            [1, "placeholder", null, null, false, mo],
            [2, "agreed", 5.2, "Agreed at last", false, mo],
            [3, "agreed", 4.9, "Refresh of the LAA", false, mo],
            [4, "agreed", 4.9, "Refresh of the LAA", true, mo]
        ])
    );
    // The board still sees what it saw.
    let then =
        world.get(Board, "kpis/NI-117/status?period=FY2009-10-Q1&as_of=2010-05-15T18:00:00Z").await.is(200).json();
    assert_eq!(then["status"], "at_risk");
}

async fn a_target_history_is_as_known_then_and_for_whom(world: &World) {
    small(world).await;
    let address = "kpis/NI-117/targets/FY2009-10";
    world.get(Board, &format!("{address}/history")).await.refused(404, "not_found");
    world.put(Manager, address, json!({"value": 5})).await.is(201);
    world.now_is("2010-05-15T12:00:00Z");
    world.put(Manager, address, json!({"value": 4, "reason": "Bolder"})).header("if-match", "*").await.is(200);
    let of = async |actor: Actor, query: &str| {
        let history = world.get(actor, &format!("{address}/history{query}")).await.is(200).json();
        history["items"].as_array().unwrap().clone()
    };
    assert_eq!(of(Board, "").await.len(), 2);
    assert_eq!(of(Board, "?as_of=2010-05-14T18:00:00Z").await[..], of(Board, "").await[..1]);
    world.get(Board, &format!("{address}/history?as_of=2010-05-14T11:00:00Z")).await.refused(404, "not_found");
    for actor in [Partner, Public] {
        assert_eq!(of(actor, "").await[1]["recorded_by"], Value::Null);
    }
    world.get(Stranger, &format!("{address}/history")).await.refused(404, "not_found");
    world.put(Manager, "kpis/LI-CALLS/targets/FY2009-10", json!({"value": 5})).await.is(201);
    world.get(Partner, "kpis/LI-CALLS/targets/FY2009-10/history").await.is(200);
    world.get(Public, "kpis/LI-CALLS/targets/FY2009-10/history").await.refused(404, "not_found");
    world.get(Board, "kpis/NI-117/targets/AY2009-10-T1/history").await.refused(404, "not_found");
}

fn successor() -> Value {
    json!({"code": "next", "title": "The next plan", "starts_on": "2010-04-01", "ends_on": "2013-03-31"})
}

/// The small plan at its end: figures, targets, a comparator group and a benchmark.
async fn ending(world: &World) {
    small(world).await;
    change(world, "", json!({"description": "Invented.", "small_number_threshold": 7, "visibility": "public", "policy": "rag-points"})).await;
    for (period, value) in [("FY2008-09", 6.0), ("FY2009-10", 5.0), ("FY2010-11", 4.0)] {
        let target = json!({"value": value, "rationale": "Halves the gap"});
        world.put(Manager, &format!("kpis/NI-117/targets/{period}"), target).await.is(201);
    }
    for (period, value) in YEAR.iter().zip([5.4, 5.2, 5.0, 4.8]) {
        let figure = json!({"value": value, "commentary": "Counted in school."});
        world.put(Lead, &format!("kpis/NI-117/readings/{period}"), figure).await.is(201);
    }
    let group = "kpis/NI-117/readings/FY2009-10-Q4?group=looked-after";
    world.put(Lead, group, json!({"numerator": 9, "denominator": 61})).await.is(201);
    let recount = json!({"value": 4.7, "commentary": "Counted in school.", "reason": "Recount"});
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q4", recount).await.is(200);
    let editions = json!([{"from": "2007-04-01", "authorities": ["barnet"]}]);
    world
        .post(Manager, "comparator-groups", json!({"code": "near", "title": "Near", "editions": editions}))
        .await
        .is(201);
    let figures = json!({"figures": [{"authority": "barnet", "title": "Barnet", "value": 4}]});
    world.put(Manager, "benchmarks/NI-117/FY2009-10-Q4", figures.clone()).await.is(201);
    world.put(Manager, "benchmarks/NI-50/FY2009-10", figures).await.is(201);
}

async fn a_plan_goes_on_in_its_successor(world: &World) {
    ending(world).await;
    let version = world.version().await;
    let addresses = [
        "organisations",
        "sub-groups",
        "outcome-areas",
        "priorities",
        "policies",
        "comparator-groups",
        "benchmarks",
        "kpis",
        "kpis/NI-117",
        "kpis/NI-117/status?period=FY2010-11-Q1",
        "status-report.csv?period=FY2010-11-Q1",
    ];
    let everything = async || {
        let mut found = Vec::new();
        for address in addresses {
            found.push((address, world.get(Board, address).await.is(200).text()));
        }
        found
    };
    let before = everything().await;
    let travel = status(world, "NI-117", YEAR[3]).await["travel"].clone();
    let made = world.post(Administrator, "successor", successor()).await.is(201);
    assert_eq!(made.header("location"), Some("/v1/plans/next"));
    let plan = made.json();
    assert_eq!(world.get(Administrator, "/v1/plans/next").await.is(200).json(), plan);
    for (member, value) in [
        ("predecessor", json!("small")),
        ("description", json!("Invented.")),
        ("visibility", json!("private")),
        ("policy", json!("rag-points")),
        ("small_number_threshold", json!(7)),
        ("starts_on", json!("2010-04-01")),
    ] {
        assert_eq!(plan[member], value, "{member}");
    }
    assert_eq!(world.version().await, version, "the plan before does not change");
    world.enter("next");
    for ((address, before), (_, after)) in before.iter().zip(everything().await) {
        // Each row of the table begins with the plan's name; what lies before the plan's first day is not owed in it.
        let moved = |row: &str| {
            // The explanation stands before the target and the forecast in words, and the instant that the figure was due.
            let words = row.rsplit(',').nth(3).unwrap_or_default();
            let period = words.strip_prefix("The figure for ").and_then(|words| words.split_once(" is overdue"));
            let Some((period, _)) = period.filter(|(period, _)| !period.contains("2010/11")) else {
                return row.to_owned();
            };
            let early = format!("{period} lies outside the plan's own years; no figure is due.");
            let due = row.rsplit(',').next().unwrap_or_default();
            row.replace(words, &early).replace("no_reading,overdue,", "no_reading,not_due,").replace(due, "")
        };
        let rows: Vec<String> = before.replace("\r\nsmall,", "\r\nnext,").split("\r\n").map(moved).collect();
        assert_eq!(after, rows.join("\r\n"), "{address}");
    }
    assert_eq!(status(world, "NI-117", YEAR[3]).await["travel"], travel);
    let reading = world.get(Board, "kpis/NI-117/readings/FY2009-10-Q4").await.is(200).json();
    assert_eq!(
        [&reading["value"], &reading["commentary"], &reading["revision"], &reading["reason"]].map(Value::to_string),
        ["4.7", "\"Counted in school.\"", "1", "\"Carried over from the plan `small`.\""]
    );
    let looked_after = world.get(Board, "kpis/NI-117/readings/FY2009-10-Q4?group=looked-after").await.is(200).json();
    assert_eq!((&looked_after["numerator"], &looked_after["denominator"]), (&json!(9), &json!(61)));
    let targets = world.get(Board, "kpis/NI-117/targets").await.is(200).json();
    let kept: Vec<_> = targets["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| json!([item["period"]["key"], item["value"], item["rationale"]]))
        .collect();
    assert_eq!(json!(kept), json!([["FY2010-11", 4, "Halves the gap"]]), "earlier ones stay behind");
    // Whoever had a role has it, and no more than it.
    world.put(Lead, "kpis/NI-117/readings/FY2010-11-Q1", json!({"value": 4.6})).await.is(201);
    world.put(Contributor, "kpis/NI-50/readings/FY2009-10", json!({"value": 1})).await.refused(403, "not_allowed");
    world.get(Partner, "kpis/LI-CALLS").await.is(200);
    world.get(Partner, "journal").await.refused(403, "not_allowed");
    world.get(Stranger, "").await.refused(404, "not_found");
    change(world, "", json!({"title": "The plan that follows"})).await;
    let journal = world.get(Administrator, "journal?limit=1000").await.is(200).json();
    let entries = journal["items"].as_array().unwrap();
    assert_eq!((&entries[0]["action"], &entries[0]["reason"]), (&json!("plan.created"), &Value::Null));
    let carried = entries.iter().filter(|entry| entry["reason"] == "Carried over from the plan `small`.");
    assert_eq!(carried.count(), entries.len() - 3, "all but the plan itself and what was done since");
    assert!(entries.iter().all(|entry| entry["before"].is_null() || entry["action"] == "plan.updated"));
    world.get(Administrator, "grants").await.is(200);
    // And the successor has a successor.
    let third = json!({"code": "third", "title": "Third", "starts_on": "2013-04-01", "ends_on": "2016-03-31", "description": "Anew.", "visibility": "public"});
    let third = world.post(Administrator, "successor", third).await.is(201).json();
    assert_eq!([&third["predecessor"], &third["description"], &third["visibility"]], ["next", "Anew.", "public"]);
}

async fn what_belongs_to_the_plan_before_stays_with_it(world: &World) {
    ending(world).await;
    for (code, changes) in [
        ("OLD", json!({"in_force_to": "2010-03-31"})),
        ("LASTING", json!({"in_force_to": "2010-04-01"})),
        ("SOURCE", json!({"in_force_to": "2010-03-31"})),
        ("GONE", json!({})),
    ] {
        world.post(Administrator, "kpis", kpi(code, changes)).await.is(201);
        report(world, code, YEAR[0], 50.0).await;
        world.put(Manager, &format!("kpis/{code}/targets/FY2010-11"), json!({"value": 50})).await.is(201);
    }
    let gap = json!({"formula": {"kind": "gap", "of": "SOURCE", "group": "fsm", "comparator": "all"}, "unit": "percentage_points", "polarity": "lower_is_better"});
    world.post(Administrator, "kpis", kpi("GAP", gap)).await.is(201);
    world.delete(Manager, "kpis/GONE", "*").await.is(204);
    for (subject, kpis) in [("cy", json!(["OLD", "LASTING"])), ("di", json!(["OLD"]))] {
        let grant = json!({"subject": subject, "role": "contributor", "kpis": kpis});
        world.post(Administrator, "grants", grant).await.is(201);
    }
    let gone = json!({"subject": "ex", "role": "board"});
    let gone = world.post(Administrator, "grants", gone).await.is(201);
    world.delete(Administrator, gone.header("location").unwrap(), &gone.tag()).await.is(204);
    change(world, "kpis/LASTING", json!({"definition": "Counted otherwise."})).await;
    world.post(Administrator, "successor", successor()).await.is(201);
    world.enter("next");
    for code in ["OLD", "GONE"] {
        world.get(Board, &format!("kpis/{code}")).await.refused(404, "not_found");
    }
    for code in ["LASTING", "GAP", "SOURCE"] {
        world.get(Board, &format!("kpis/{code}")).await.is(200);
    }
    let lasting = world.get(Board, "kpis/LASTING").await.is(200).json();
    assert_eq!(lasting["definition_version"], 2, "figures before and after the change still do not compare");
    world.get(Board, "kpis/LASTING/readings/FY2009-10-Q1").await.is(200);
    let grants = world.get(Administrator, "grants").await.is(200).json();
    let of =
        |subject: &str| grants["items"].as_array().unwrap().iter().find(|grant| grant["subject"] == subject).cloned();
    assert_eq!(of("cy").unwrap()["kpis"], json!(["LASTING"]));
    assert!(of("di").is_none() && of("ex").is_none() && of(Board.name()).is_some());
    world.enter("small");
    world.get(Board, "kpis/OLD/readings/FY2009-10-Q1").await.is(200);
}

async fn open_actions_and_dimensions_go_on_and_rounds_do_not(world: &World) {
    small(world).await;
    world.post(Administrator, "kpis", kpi("OLD", json!({"in_force_to": "2010-03-31"}))).await.is(201);
    let action = |id: &str, kpi: &str, state: &str| {
        json!({
            "id": id, "kpi": kpi, "period": "FY2009-10-Q4", "cause": {"code": "capacity", "text": "Two posts vacant"},
            "what": "Recruit", "owner": {"role": "Head", "organisation": "pct"}, "due": "2010-06-30", "state": state,
            "reason": null, "opened_at": "2010-05-01T12:00:00Z", "opened_by": "lee-lead", "closed_at": null, "notes": [],
        })
    };
    let id = |last: u8| format!("0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c0{last}");
    for (last, kpi, state) in [(1, "NI-117", "open"), (2, "NI-117", "done"), (3, "OLD", "open")] {
        world.define(DefinitionKind::Action, &id(last), action(&id(last), kpi, state));
    }
    let groups = json!([{"code": "fsm", "title": "Free school meals"}]);
    world.define(
        DefinitionKind::Dimension,
        "meals",
        json!({"code": "meals", "title": "Meals", "complete": false, "groups": groups}),
    );
    let round = json!({"period": "FY2009-10-Q4", "opens": "2010-04-01", "due": "2010-04-30", "closes": "2010-05-31"});
    world.define(DefinitionKind::Round, "FY2009-10-Q4", round);
    world.get(Board, "status-report").await.is(200);
    world.post(Administrator, "successor", successor()).await.is(201);
    world.enter("next");
    world.get(Board, "status-report").await.is(200);
    let journal = world.get(Board, "journal?limit=1000").await.is(200).json();
    let of = |kind: &str| -> Vec<Value> {
        let entries = journal["items"].as_array().unwrap().iter().filter(|entry| entry["kind"] == kind);
        entries.map(|entry| entry["after"]["body"].clone()).collect()
    };
    assert_eq!(of("action"), [action(&id(1), "NI-117", "open")], "with its id: it is the same action");
    assert_eq!(of("dimension")[0]["groups"][0]["code"], "fsm");
    assert!(of("round").is_empty());
}

async fn targets_on_a_line_go_on_from_where_they_were(world: &World) {
    small(world).await;
    world.post(Administrator, "kpis", kpi("LINE", json!({"profile": "linear"}))).await.is(201);
    for (period, value) in [("FY2009-10", 50), ("FY2010-11", 60)] {
        world.put(Manager, &format!("kpis/LINE/targets/{period}"), json!({"value": value})).await.is(201);
    }
    report(world, "LINE", "FY2010-11-Q1", 52.0).await;
    let before = status(world, "LINE", "FY2010-11-Q1").await;
    assert_eq!(before["target"]["value"].as_f64(), Some(52.5));
    world.post(Administrator, "successor", successor()).await.is(201);
    world.enter("next");
    assert_eq!(status(world, "LINE", "FY2010-11-Q1").await["target"], before["target"]);
}

async fn a_successor_that_makes_no_sense_is_refused(world: &World) {
    ending(world).await;
    let with = |changes: Value| {
        let mut body = successor();
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        body
    };
    for (body, place, code) in [
        (with(json!({"starts_on": "2009-04-01"})), "/starts_on", "not_after_predecessor"),
        (with(json!({"starts_on": "2008-04-01"})), "/starts_on", "not_after_predecessor"),
        (with(json!({"ends_on": "2010-03-31"})), "/ends_on", "ends_before_start"),
        (with(json!({"title": ""})), "/title", "too_short"),
        (with(json!({"policy": "rag"})), "/policy", "unknown_member"),
        (with(json!({"predecessor": "small"})), "/predecessor", "unknown_member"),
    ] {
        let answer = world.post(Administrator, "successor", body).await.refused(422, "invalid");
        assert_eq!(answer.faults(), [(place.to_owned(), code.to_owned())]);
    }
    let answer = world.post(Administrator, "successor", json!({})).await.refused(422, "invalid");
    assert_eq!(answer.faults().len(), 4, "{answer}");
    world.post(Administrator, "successor", with(json!({"code": "small"}))).await.refused(409, "conflict");
    world.get(Administrator, "/v1/plans/next").await.refused(404, "not_found");
    world.post(Administrator, "successor", with(json!({"starts_on": "2009-04-02"}))).await.is(201);
    world.post(Administrator, "successor", successor()).await.refused(409, "conflict");
    world.post(Administrator, "/v1/plans/none/successor", successor()).await.refused(404, "not_found");
}

async fn only_an_administrator_of_the_service_makes_a_successor(world: &World) {
    ending(world).await;
    let of_the_plan = json!({"subject": Stranger.name(), "role": "administrator"});
    for actor in [Manager, Lead, Contributor, Board, Partner, Public] {
        world
            .post(actor, "successor", successor())
            .await
            .refused(403, "not_allowed")
            .tells("administrator of the service");
    }
    change(world, "", json!({"visibility": "private"})).await;
    world.post(Stranger, "successor", successor()).await.refused(404, "not_found");
    world.post(Administrator, "grants", of_the_plan).await.is(201);
    world.post(Stranger, "successor", successor()).await.refused(403, "not_allowed");
    world.post(Administrator, "successor", successor()).await.is(201);
}

async fn a_predecessor_is_never_set_by_hand(world: &World) {
    ending(world).await;
    let by_hand = json!({"code": "other", "title": "Other", "starts_on": "2010-04-01", "ends_on": "2011-03-31", "predecessor": "small"});
    let fixed = [("/predecessor".to_owned(), "predecessor_is_fixed".to_owned())];
    assert_eq!(world.post(Administrator, "/v1/plans", by_hand).await.refused(422, "invalid").faults(), fixed);
    let made = world.post(Administrator, "successor", successor()).await.is(201);
    for (plan, predecessor) in [("small", json!("next")), ("next", json!("other")), ("next", Value::Null)] {
        let address = format!("/v1/plans/{plan}");
        let patch = json!({"predecessor": predecessor});
        let answer = world.patch(Administrator, &address, "*", patch).await.refused(422, "invalid");
        assert_eq!(answer.faults(), fixed, "{plan}");
    }
    let same = world.patch(Administrator, "/v1/plans/next", &made.tag(), json!({"predecessor": "small"})).await.is(200);
    assert_eq!(same.tag(), made.tag());
    world.patch(Administrator, "/v1/plans/next", &made.tag(), json!({"title": "Renamed"})).await.is(200);
}
