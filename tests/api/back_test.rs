//! What past statuses would have been under a changed policy, stored nowhere.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::small;
use crate::support::{Actor, Answer, World};

use Actor::{Administrator, Board, Contributor, Lead, Manager, Partner, Public, Stranger};

on_both! {
    a_trial_says_what_would_have_been
    a_trial_changes_nothing
    a_trial_agrees_with_the_change_when_it_is_made
    without_a_period_every_quarter_that_ended_is_tried
    a_trial_is_checked_as_the_change_would_be
    members_try_policies_and_no_one_else
}

async fn tried(world: &World, actor: Actor, query: &str, patch: Value) -> Answer {
    world.ask(actix_web::http::Method::POST, actor, &format!("policies/rag/try{query}")).merge(patch).await
}

/// The small plan with one KPI that is graded by `rag`, and one by `five-band`, both at risk in the second quarter
/// and on their targets in the first.
async fn reported(world: &World) {
    small(world).await;
    let kpi = crate::support::plan::kpi("LI-RAG", json!({"publication": "public"}));
    world.post(Administrator, "kpis", kpi).await.is(201);
    for (kpi, first, second) in [("LI-RAG", 50.0, 46.0), ("NI-117", 5.0, 5.2)] {
        let target = json!({"value": first});
        world.put(Manager, &format!("kpis/{kpi}/targets/FY2009-10"), target).await.is(201);
        for (period, value) in [("Q1", first), ("Q2", second)] {
            let reading = format!("kpis/{kpi}/readings/FY2009-10-{period}");
            world.put(Manager, &reading, json!({"value": value})).await.is(201);
        }
    }
}

const STRICTER: fn() -> Value = || json!({"tolerance": {"kind": "percent", "value": 5}});

async fn a_trial_says_what_would_have_been(world: &World) {
    reported(world).await;
    let trial = tried(world, Board, "?period=2009/10%20Q2", STRICTER()).await.is(200).json();
    assert_eq!((&trial["plan"], trial["policy"]["tolerance"]["value"].as_f64()), (&json!("small"), Some(5.0)));
    assert_eq!((&trial["policy"]["code"], &trial["as_of"]), (&json!("rag"), &json!("2010-05-14T12:00:00Z")));
    let periods = trial["periods"].as_array().unwrap();
    assert_eq!((periods.len(), &periods[0]["period"]["key"]), (1, &json!("FY2009-10-Q2")));
    let statuses = |side: &str| {
        let counts = &periods[0][side]["counts"]["status"];
        [&counts["on_track"], &counts["at_risk"], &counts["off_track"]].map(|count| count.as_u64().unwrap())
    };
    assert_eq!((statuses("before"), statuses("after")), ([0, 2, 0], [0, 1, 1]));
    assert_eq!(
        (&periods[0]["before"]["headline"]["status"], &periods[0]["after"]["headline"]["status"]),
        (&json!("at_risk"), &json!("at_risk"))
    );
    let changed = periods[0]["changed"].as_array().unwrap();
    assert_eq!(changed.len(), 1, "NI-117 is graded by another policy: {changed:?}");
    let one = &changed[0];
    assert_eq!((&one["kpi"], &one["title"]), (&json!("LI-RAG"), &json!("The KPI LI-RAG")));
    assert_eq!(one["before"], json!({"status": "at_risk", "band": "amber"}));
    assert_eq!(one["after"], json!({"status": "off_track", "band": "red"}));
    assert!(one["explanation"].as_str().unwrap().contains("Red"), "{one}");
    // A KPI of another frequency brings its latest period, and says which.
    world.put(Manager, "kpis/NI-50/targets/FY2008-09", json!({"value": 50})).await.is(201);
    world.put(Manager, "kpis/NI-50/readings/FY2008-09", json!({"value": 46})).await.is(201);
    let trial = tried(world, Board, "?period=FY2009-10-Q2", STRICTER()).await.is(200).json();
    let of_years: Vec<_> = trial["periods"][0]["changed"].as_array().unwrap().iter().collect();
    assert_eq!(of_years[1]["period"]["key"], "FY2008-09", "{of_years:?}");
}

async fn a_trial_changes_nothing(world: &World) {
    reported(world).await;
    let addresses = ["policies/rag", "status-report?period=FY2009-10-Q2", "journal?limit=1000", "policies"];
    let state = async || {
        let mut seen = Vec::new();
        for address in addresses {
            let answer = world.get(Administrator, address).await.is(200);
            seen.push((answer.tag(), answer.text()));
        }
        (world.version().await, seen)
    };
    let before = state().await;
    tried(world, Manager, "", STRICTER()).await.is(200);
    tried(world, Manager, "", json!({"title": ""})).await.is(422);
    assert_eq!(state().await, before);
}

async fn a_trial_agrees_with_the_change_when_it_is_made(world: &World) {
    reported(world).await;
    let trial = tried(world, Manager, "?period=FY2009-10-Q2", STRICTER()).await.is(200).json();
    let tag = world.get(Manager, "policies/rag").await.is(200).tag();
    let made = world.patch(Manager, "policies/rag", &tag, STRICTER()).await.is(200).json();
    for (member, value) in trial["policy"].as_object().unwrap() {
        assert_eq!(&made[member], value, "{member}");
    }
    let report = world.get(Manager, "status-report?period=FY2009-10-Q2").await.is(200).json();
    let after = &trial["periods"][0]["after"];
    assert_eq!((&after["headline"], &after["counts"]), (&report["headline"], &report["counts"]));
    let status = world.get(Manager, "kpis/LI-RAG/status?period=FY2009-10-Q2").await.is(200).json();
    assert_eq!(trial["periods"][0]["changed"][0]["explanation"], status["explanation"]);
    // Once it is so, nothing is left to change.
    let trial = tried(world, Manager, "?period=FY2009-10-Q2", STRICTER()).await.is(200).json();
    assert_eq!(trial["periods"][0]["changed"], json!([]));
    assert_eq!(trial["periods"][0]["before"], trial["periods"][0]["after"]);
}

async fn without_a_period_every_quarter_that_ended_is_tried(world: &World) {
    reported(world).await;
    let keys = async || -> Vec<String> {
        let trial = tried(world, Board, "", STRICTER()).await.is(200).json();
        let key = |period: &Value| period["period"]["key"].as_str().unwrap().to_owned();
        trial["periods"].as_array().unwrap().iter().map(key).collect()
    };
    let year = |year: &str| -> Vec<String> { (1..=4).map(|quarter| format!("FY{year}-Q{quarter}")).collect() };
    assert_eq!(keys().await, year("2009-10"));
    world.now_is("2010-06-30T22:59:59Z");
    assert_eq!(keys().await, year("2009-10"), "in London it is still the quarter's last day");
    world.now_is("2015-01-01T00:00:00Z");
    assert_eq!(keys().await, [year("2009-10"), year("2010-11")].concat(), "and none after the plan");
    let ahead = json!({"code": "ahead", "title": "Ahead", "starts_on": "2020-04-01", "ends_on": "2021-03-31"});
    world.post(Administrator, "/v1/plans", ahead).await.is(201);
    world.enter("ahead");
    let trial = tried(world, Administrator, "", STRICTER()).await.is(200).json();
    assert_eq!(trial["periods"], json!([]));
}

async fn a_trial_is_checked_as_the_change_would_be(world: &World) {
    reported(world).await;
    let tag = world.get(Manager, "policies/rag").await.is(200).tag();
    for patch in [
        json!({"title": ""}),
        json!({"code": "other"}),
        json!({"bands": []}),
        json!({"tolerance": {"kind": "percent", "value": -1}}),
        json!({"tolerence": 5, "compare": "roughly"}),
        json!({"title": null}),
    ] {
        let real = world.patch(Manager, "policies/rag", &tag, patch.clone()).await.refused(422, "invalid");
        let trial = tried(world, Manager, "", patch).await.refused(422, "invalid");
        assert_eq!(trial.json()["errors"], real.json()["errors"]);
    }
    let answer = tried(world, Manager, "?period=FY2009-11", STRICTER()).await.refused(422, "invalid");
    assert_eq!(answer.faults()[0].0, "period");
    let ask = world.ask(actix_web::http::Method::POST, Manager, "policies/none/try").merge(STRICTER());
    ask.await.refused(404, "not_found");
    world.post(Manager, "policies/rag/try", STRICTER()).await.refused(415, "unsupported_media_type");
}

async fn members_try_policies_and_no_one_else(world: &World) {
    reported(world).await;
    for actor in [Administrator, Manager, Lead, Contributor, Board] {
        tried(world, actor, "", STRICTER()).await.is(200);
    }
    for actor in [Partner, Public] {
        tried(world, actor, "", STRICTER()).await.refused(403, "not_allowed").tells("members of the partnership");
    }
    tried(world, Stranger, "", STRICTER()).await.refused(404, "not_found");
}
