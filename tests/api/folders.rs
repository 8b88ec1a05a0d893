//! Plans that are exported and loaded elsewhere, and plans that are removed.

use actix_web::http::Method;
use serde_json::{Value, json};
use waymark::clock::Clock;
use waymark::programme::Programme;
use waymark::programme::folder::export::Exported;
use waymark::programme::folder::load::{Folder, Keep, LoadError};

use crate::on_both;
use crate::support::plan::{kpi, round, slices, small};
use crate::support::{Actor, World};

use Actor::{Administrator, Board, Lead, Manager, Partner, Stranger};

on_both! {
    the_demo_with_its_story_is_the_same_elsewhere
    odd_words_and_settings_are_the_same_elsewhere
    a_load_that_does_not_end_leaves_nothing
    a_plan_made_by_mistake_is_removed_with_everything_in_it
    a_plan_that_is_relied_on_stays
    what_was_kept_of_a_removed_plan_fits_no_other
}

/// The plan exported, and loaded into a database of its own.
async fn elsewhere(world: &World, code: &str) -> (World, Exported) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let caller = Administrator.subject().into();
    let exported = world.programme().export_folder(&code.parse().unwrap(), &caller, &path).await.unwrap();
    let other = World::on_sqlite().await;
    let clock = Clock::standing_at(world.now());
    let programme = Programme::new(other.programme().store().clone(), clock.clone());
    let loaded = programme.load_folder(&Folder::Disk(path), None, &caller, &clock, Keep::Everything, &|_, _| {}).await;
    match loaded {
        Err(LoadError::Faulty(mut faults)) => {
            let mut told = Vec::new();
            let each = faults.each(|fault| {
                told.push(fault.to_string());
                Ok(())
            });
            each.unwrap();
            panic!("{}", told.join("\n"));
        }
        other => drop(other.unwrap()),
    }
    other.enter(code);
    other.now_is(&world.now().to_rfc3339());
    (other, exported)
}

/// What is the same wherever a plan is: all but who recorded it and when.
fn timeless(mut value: Value) -> Value {
    fn clear(value: &mut Value) {
        match value {
            Value::Object(members) => {
                let told = ["as_of", "version", "recorded_at", "recorded_by", "at", "first_recorded_at"];
                // On which day a partner said so stands in the words as well.
                let determined = members.get("determined").is_some_and(|by| !by.is_null());
                members.retain(|name, _| !(told.contains(&name.as_str()) || determined && name == "explanation"));
                members.values_mut().for_each(clear);
            }
            Value::Array(items) => items.iter_mut().for_each(clear),
            _ => {}
        }
    }
    clear(&mut value);
    value
}

async fn assert_same(world: &World, other: &World, path: &str) {
    for actor in [Administrator, Board, Partner] {
        let one = timeless(world.get(actor, path).await.is(200).json());
        let two = timeless(other.get(actor, path).await.is(200).json());
        assert_eq!(one, two, "{path} for {actor:?}");
    }
}

async fn the_demo_with_its_story_is_the_same_elsewhere(world: &World) {
    world.load_harrow().await;
    let code = "harrow-cypp-2009-2011";
    let (other, exported) = elsewhere(world, code).await;
    assert_eq!(exported.notes, Vec::<String>::new());
    for period in ["FY2009-10-Q4", "FY2009-10-Q2", "FY2009-10", "2010-03", "AY2008-09"] {
        assert_same(world, &other, &format!("status-report?period={period}")).await;
    }
    for path in [
        "kpis?limit=1000",
        "policies",
        "dimensions",
        "organisations",
        "sub-groups",
        "priorities",
        "rounds",
        "benchmarks",
        "comparator-groups",
    ] {
        let one = world.get(Administrator, path).await.is(200).json();
        let two = other.get(Administrator, path).await.is(200).json();
        assert_eq!(one["items"].as_array().unwrap().len(), two["items"].as_array().unwrap().len(), "{path}");
        if !matches!(path, "rounds" | "kpis?limit=1000") {
            assert_eq!(timeless(one), timeless(two), "{path}");
        }
    }
    other.close();
}

async fn odd_words_and_settings_are_the_same_elsewhere(world: &World) {
    small(world).await;
    let odd = [
        "Comma, \"quotes\", 'apostrophe'",
        "=1+1",
        "-5 to 5",
        "'=quoted already",
        "two\nlines",
        "  blanks around  ",
        "élan ☂ 漢字",
        "2009-10",
        "0012",
        "true",
        "null",
        "\tstrange",
    ];
    for (number, title) in odd.into_iter().enumerate() {
        let organisation = json!({"code": format!("odd-{number}"), "title": title, "kind": title});
        world.post(Administrator, "organisations", organisation).await.is(201);
        let members = json!({"title": title, "definition": title, "source": title, "lead_organisation": format!("odd-{number}"),
            "contributors": ["council", "pct"], "publication": "public"});
        world.post(Administrator, "kpis", kpi(&format!("ODD-{number}"), members)).await.is(201);
        let figure =
            json!({"value": 40.125 + f64::from(u8::try_from(number).unwrap()), "commentary": "Said \"so\",\nand more"});
        world.put(Administrator, &format!("kpis/ODD-{number}/readings/FY2009-10-Q4"), figure).await.is(201);
    }
    let bands = json!([{"code": "good", "label": "Good, really", "status": "on_track", "from": -0.5, "when": null},
        {"code": "fair", "label": "=Fair", "status": "at_risk", "from": null, "when": "held_or_improving_on_year"},
        {"code": "poor", "label": "Poor", "status": "off_track", "from": null, "when": null}]);
    let policy = json!({"code": "own", "title": "Our own", "tolerance": {"kind": "points", "value": 1.5}, "compare": "exact", "bands": bands});
    world.post(Administrator, "policies", policy).await.is(201);
    let tag = world.get(Administrator, "").await.is(200).tag();
    let settings = json!({"policy": "own", "visibility": "public", "small_number_threshold": 7, "description": "  Odd\nwords ",
        "headline": {"on_track_percent": 80, "at_risk_percent": 60}, "return_rules": {"commentary_when_off_track": false, "action_when_off_track_twice": true}});
    world.patch(Administrator, "", &tag, settings).await.is(200);
    slices(world, "wards", &["north", "south"]).await;
    let weighted = json!({"unit": "count", "decimals": 0, "aggregation": "year_to_date", "profile": "weighted", "weights": [0.4, 0.3, 0.2, 0.1],
        "tolerance": {"kind": "percent", "value": 7.5}, "baseline": {"period": "FY2008-09", "value": -0.5}, "valid_min": -10, "steady_margin": 0.25,
        "in_force_from": "2009-04-01", "national_indicator": "NI 999"});
    world.post(Administrator, "kpis", kpi("WEIGHTED", weighted)).await.is(201);
    // Adjusted for age, say: the value does not follow from the numbers beside it.
    let adjusted = json!({"unit": "rate", "multiplier": 1000, "standardised": true, "decimals": 1});
    world.post(Administrator, "kpis", kpi("ADJUSTED", adjusted)).await.is(201);
    let gap = json!({"unit": "percentage_points", "formula": {"kind": "gap", "of": "NI-117", "group": "fsm", "comparator": "all"}, "polarity": "lower_is_better"});
    world.post(Administrator, "kpis", kpi("A-GAP", gap)).await.is(201);
    let determined = json!({"polarity": "none", "formula": {"kind": "partner_determined", "by": "police"}});
    world.post(Administrator, "kpis", kpi("DETERMINED", determined)).await.is(201);
    for (path, figure) in [
        (
            "NI-117/readings/FY2009-10-Q3",
            json!({"numerator": 231, "denominator": 5120, "provisional": true, "forecast": 4.2}),
        ),
        ("ADJUSTED/readings/FY2009-10-Q4", json!({"value": 51.3, "numerator": 231, "denominator": 5120})),
        ("NI-117/readings/FY2009-10-Q4", json!({"value": 4.5})),
        ("NI-117/readings/FY2009-10-Q4?group=fsm", json!({"value": 9.25})),
        ("WEIGHTED/readings/FY2009-10-Q1", json!({"value": 12})),
        ("NI-50/readings/FY2008-09", json!({"nil_return": "No survey, \"yet\""})),
        ("DETERMINED/readings/FY2009-10-Q4", json!({"status": "at_risk", "commentary": "So the police say"})),
        ("LI-INJURIES/readings/FY2009-10-Q4", json!({"value": 3})),
    ] {
        world.put(Administrator, &format!("kpis/{path}"), figure).await.is(201);
    }
    for (path, target) in [
        (
            "NI-117/targets/FY2009-10",
            json!({"value": 5, "floor": 6.5, "kind": "laa", "rationale": "Agreed,\nat length", "agreed_by": "The \"Board\"", "agreed_on": "2009-03-31"}),
        ),
        ("WEIGHTED/targets/FY2009-10", json!({"value": 100})),
        ("LI-CALLS/targets/FY2009-10", json!({"state": "placeholder"})),
    ] {
        world.put(Administrator, &format!("kpis/{path}"), target).await.is(201);
    }
    let (other, exported) = elsewhere(world, "small").await;
    assert_eq!(exported.notes, Vec::<String>::new());
    assert_eq!(world.get(Administrator, "").await.is(200).json(), other.get(Administrator, "").await.is(200).json());
    for path in ["kpis?limit=1000", "policies", "organisations", "targets?limit=1000", "readings?limit=1000"] {
        let (one, two) =
            (world.get(Administrator, path).await.is(200).json(), other.get(Administrator, path).await.is(200).json());
        let told = |mut list: Value| {
            let items = list["items"].as_array_mut().unwrap();
            for item in items {
                item.as_object_mut().unwrap().remove("revision");
            }
            timeless(list)
        };
        assert_eq!(told(one), told(two), "{path}");
    }
    for period in ["FY2009-10-Q4", "FY2009-10-Q1", "FY2009-10"] {
        assert_same(world, &other, &format!("status-report?period={period}")).await;
    }
    other.close();
}

async fn a_load_that_does_not_end_leaves_nothing(world: &World) {
    let caller = Administrator.subject().into();
    let transaction = world.programme().store().begin().await.unwrap();
    let clock = Clock::standing_at(world.now());
    let within = Programme::new(transaction.store().clone(), clock.clone());
    let loaded = within.fill_from(&Folder::Harrow, None, &caller, &clock, &|_, _| {}).await.unwrap();
    assert_eq!(loaded.plan.as_str(), "harrow-cypp-2009-2011");
    // The process is gone before the end.
    drop(transaction);
    world.get(Administrator, "/v1/plans/harrow-cypp-2009-2011").await.refused(404, "not_found");
    world.load_harrow().await;
    world.get(Administrator, "").await.is(200);
}

async fn a_plan_made_by_mistake_is_removed_with_everything_in_it(world: &World) {
    small(world).await;
    world.put(Administrator, "kpis/NI-117/readings/FY2009-10-Q4", json!({"value": 4.5})).await.is(201);
    let link = world.post(Administrator, "links", json!({"name": "Sheet", "table": "readings"})).await.is(201).json();
    world.post(Administrator, "webhooks", json!({"url": "https://pct.example/hook"})).await.is(201);
    let token = world.post(Manager, "/v1/tokens", json!({"name": "x", "plan": "small"})).await.is(201).json();
    let secret = token["token"].as_str().unwrap().to_owned();
    let other = world.another_instance().await;
    other.get(Board, "status-report").await.is(200);
    let tag = world.get(Administrator, "").await.is(200).tag();
    let all = "/v1/plans/small?with_contents=true";
    world
        .ask(Method::DELETE, Administrator, "/v1/plans/small")
        .header("if-match", &tag)
        .await
        .refused(409, "conflict")
        .tells("with_contents=true");
    world.ask(Method::DELETE, Administrator, all).await.refused(428, "precondition_required");
    world
        .ask(Method::DELETE, Administrator, all)
        .header("if-match", "\"9999\"")
        .await
        .refused(412, "precondition_failed");
    world.ask(Method::DELETE, Manager, all).header("if-match", &tag).await.refused(403, "not_allowed");
    world.ask(Method::DELETE, Stranger, all).header("if-match", &tag).await.refused(404, "not_found");
    world.ask(Method::DELETE, Administrator, all).header("if-match", &tag).await.is(204);
    for path in ["", "status-report", "kpis", "changes?after=0", "journal", "grants", "webhooks", "readings.csv"] {
        world.get(Administrator, path).await.refused(404, "not_found");
        other.get(Administrator, path).await.refused(404, "not_found");
    }
    let bearer = format!("Bearer {secret}");
    let by_token = world.get(Stranger, "/v1/plans/small").header("authorization", &bearer).await;
    assert!(matches!(by_token.status, 401 | 404), "{}", by_token.text());
    let by_link = world.get(Stranger, link["href"].as_str().unwrap()).await;
    assert!(matches!(by_link.status, 401 | 404), "{}", by_link.text());
    // The code can be used again, and the plan that has it is another.
    small(world).await;
    let report = world.get(Board, "status-report").await.is(200).json();
    assert_eq!(report["counts"]["data_state"]["final"], json!(0), "{report}");
}

async fn a_plan_that_is_relied_on_stays(world: &World) {
    small(world).await;
    let remove = || async {
        world.ask(Method::DELETE, Administrator, "/v1/plans/small?with_contents=true").header("if-match", "*").await
    };
    round(world, "FY2009-10-Q4", "2010-04-01", "2010-05-30").await;
    world.post(Administrator, "board-reports", json!({"title": "Q4", "period": "FY2009-10-Q4"})).await.is(201);
    remove().await.refused(409, "conflict").tells("frozen as board reports");
    let successor = json!({"code": "next", "title": "Next", "starts_on": "2011-04-01", "ends_on": "2014-03-31"});
    world.post(Administrator, "/v1/plans/small/successor", successor).await.is(201);
    remove().await.refused(409, "conflict").tells("another plan goes on from it");
    // The one that goes on can be removed itself.
    let next = "/v1/plans/next?with_contents=true";
    world.ask(Method::DELETE, Administrator, next).header("if-match", "*").await.is(204);
    remove().await.refused(409, "conflict");
    world.get(Lead, "status-report").await.is(200);
}

async fn what_was_kept_of_a_removed_plan_fits_no_other(world: &World) {
    small(world).await;
    let before = world.get(Board, "status-report").await.is(200).tag();
    let plan = world.get(Administrator, "").await.is(200).tag();
    let version = world.version().await;
    world
        .ask(Method::DELETE, Administrator, "/v1/plans/small?with_contents=true")
        .header("if-match", "*")
        .await
        .is(204);
    small(world).await;
    // The same plan made anew in as many steps: an old tag fits nothing, an old place in the feed misses nothing.
    let again = world.get(Board, "status-report").header("if-none-match", &before).await.is(200);
    assert_ne!(again.tag(), before);
    world
        .patch(Administrator, "", &plan, json!({"title": "Meant for the other"}))
        .await
        .refused(412, "precondition_failed");
    assert_eq!(world.version().await, 2 * version + 1);
    let feed = world.get(Administrator, &format!("changes?after={version}&limit=5")).await.is(200).json();
    assert_eq!(feed["items"][0]["seq"], json!(version + 2), "{feed}");
}
