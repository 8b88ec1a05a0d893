//! What is written: defaults, merge patches, and everything that is wrong told at once.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::{kpi, small};
use crate::support::{Actor, Ask, World};

use Actor::{Administrator, Lead, Manager};

on_both! {
    what_is_left_out_gets_its_default
    null_puts_a_member_back_to_its_default
    a_patch_leaves_alone_what_it_does_not_name
    an_unknown_member_is_refused_and_the_nearest_one_named
    everything_that_is_wrong_is_told_at_once
    a_figure_is_told_everything_that_is_wrong_with_it
    a_target_must_fit_its_kpi
    a_code_never_changes
    a_code_is_taken_once
    what_is_in_use_is_not_removed
    an_archived_kpi_takes_no_more_figures
    a_change_of_what_is_measured_begins_a_new_definition
    that_numbers_were_checked_is_a_managers_word
    a_gap_is_computed_and_follows_its_source
    a_plan_is_deleted_only_while_it_is_empty
}

/// Sends a request that must be refused and gives its faults as `pointer code`.
async fn faults(ask: Ask<'_>) -> Vec<String> {
    let answer = ask.await.refused(422, "invalid");
    answer.faults().into_iter().map(|(place, code)| format!("{place} {code}")).collect()
}

async fn what_is_left_out_gets_its_default(world: &World) {
    small(world).await;
    let made = world.post(Manager, "kpis", kpi("NEW", json!({}))).await.is(201).json();
    for (member, default) in [
        ("multiplier", json!(100)),
        ("decimals", json!(1)),
        ("steady_margin", json!(0)),
        ("collection_lag_days", json!(30)),
        ("sensitive", json!(false)),
        ("numbers_checked", json!(false)),
        ("publication", json!("internal")),
        ("formula", json!({"kind": "direct"})),
        ("contributors", json!([])),
        ("tolerance", Value::Null),
        ("policy", Value::Null),
        ("definition_version", json!(1)),
        ("archived", json!(false)),
    ] {
        assert_eq!(made[member], default, "{member}");
    }
    assert_eq!(world.get(Manager, "kpis/NEW").await.is(200).json(), made);
    let count = world.post(Manager, "kpis", kpi("COUNT", json!({"unit": "count"}))).await.is(201).json();
    assert_eq!(count["multiplier"], 1);
    let settings = world.get(Manager, "").await.is(200).json();
    assert_eq!(
        ["visibility", "policy", "small_number_threshold", "headline"].map(|name| &settings[name]),
        [&json!("private"), &json!("rag"), &json!(5), &json!({"on_track_percent": 75, "at_risk_percent": 50})]
    );
}

async fn null_puts_a_member_back_to_its_default(world: &World) {
    small(world).await;
    let changes = json!({
        "decimals": 3, "publication": "public", "tolerance": {"kind": "points", "value": 2}, "contributors": ["police"],
        "collection_lag_days": 60, "valid_max": 90, "policy": "rag-points"
    });
    let patched = world.patch(Manager, "kpis/NI-87", "*", changes.clone()).await.is(200).json();
    for (member, value) in changes.as_object().unwrap() {
        assert_eq!(&patched[member], value, "{member}");
    }
    let nulls: Value = changes.as_object().unwrap().keys().map(|member| (member.clone(), Value::Null)).collect();
    let back = world.patch(Manager, "kpis/NI-87", "*", nulls).await.is(200).json();
    let defaults = json!({
        "decimals": 1, "publication": "internal", "tolerance": null, "contributors": [], "collection_lag_days": 30,
        "valid_max": null, "policy": null
    });
    for (member, value) in defaults.as_object().unwrap() {
        assert_eq!(&back[member], value, "{member}");
    }
    // What has no default cannot be taken away.
    assert_eq!(
        faults(world.patch(Manager, "kpis/NI-87", "*", json!({"title": null, "unit": null}))).await,
        ["/title missing", "/unit missing"]
    );
}

async fn a_patch_leaves_alone_what_it_does_not_name(world: &World) {
    small(world).await;
    let before = world.get(Manager, "kpis/NI-117").await.is(200).json();
    let after = world.patch(Manager, "kpis/NI-117", "*", json!({"decimals": 2})).await.is(200).json();
    for (member, value) in before.as_object().unwrap().iter().filter(|(member, _)| *member != "decimals") {
        assert_eq!(&after[member], value, "{member}");
    }
    assert_eq!(after["decimals"], 2);
    // A member that is an object is patched within.
    let plan = world.patch(Manager, "", "*", json!({"headline": {"on_track_percent": 80}})).await.is(200).json();
    assert_eq!(plan["headline"], json!({"on_track_percent": 80, "at_risk_percent": 50}));
}

async fn an_unknown_member_is_refused_and_the_nearest_one_named(world: &World) {
    small(world).await;
    let misspelt = kpi("NEW", json!({"polarty": "x", "colection_lag_days": 3}));
    let answer = world.post(Manager, "kpis", misspelt).await.refused(422, "invalid");
    answer.tells("did you mean `polarity`?").tells("did you mean `collection_lag_days`?");
    world
        .put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"valu": 4}))
        .await
        .refused(422, "invalid")
        .tells("did you mean `value`?");
    world
        .put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 4, "flor": 3}))
        .await
        .refused(422, "invalid")
        .tells("did you mean `floor`?");
    let patch = world.patch(Manager, "organisations/council", "*", json!({"titel": "x"})).await.refused(422, "invalid");
    patch.tells("did you mean `title`?");
}

async fn everything_that_is_wrong_is_told_at_once(world: &World) {
    small(world).await;
    let wrong = json!({
        "code": "no code", "title": "", "priority": "helth-1", "unit": "percent", "polarity": "higher_is_better",
        "frequency": "quarter", "calendar": "academic", "aggregation": "in_period", "decimals": 7, "weights": "none",
        "baseline": {"period": "FY2009-11", "value": 1}, "policy": "ragg", "surplus": 1
    });
    let told = faults(world.post(Manager, "kpis", wrong.clone())).await;
    for place in ["/code", "/unit", "/weights", "/baseline/period", "/surplus"] {
        assert!(told.iter().any(|fault| fault.starts_with(&format!("{place} "))), "{place} is not among {told:?}");
    }
    let shaped = kpi(
        "NEW",
        json!({
            "title": "", "priority": "helth-1", "calendar": "academic", "decimals": 7, "policy": "ragg", "valid_min": 5,
            "valid_max": 1, "lead_organisation": "pctt", "contributors": ["council", "nobody"], "steady_margin": -1
        }),
    );
    let told = faults(world.post(Manager, "kpis", shaped)).await;
    for fault in [
        "/title empty",
        "/priority unknown_code",
        "/frequency no_such_period",
        "/decimals out_of_range",
        "/policy unknown_code",
        "/valid_min range_reversed",
        "/lead_organisation unknown_code",
        "/contributors/1 unknown_code",
        "/steady_margin out_of_range",
    ] {
        assert!(
            told.contains(&fault.to_owned())
                || told.iter().any(|t| fault == "/title empty" && t.starts_with("/title ")),
            "{fault} is not among {told:?}"
        );
    }
    let version = world.version().await;
    world.post(Manager, "kpis", wrong).await.is(422);
    assert_eq!(world.version().await, version);
}

async fn a_figure_is_told_everything_that_is_wrong_with_it(world: &World) {
    small(world).await;
    let quarter = "kpis/NI-117/readings/FY2009-10-Q1";
    for (path, figure, wanted) in [
        (quarter, json!({}), vec!["/value missing"]),
        (quarter, json!({"numerator": 1}), vec!["/denominator missing"]),
        (quarter, json!({"denominator": 1}), vec!["/numerator missing"]),
        (quarter, json!({"numerator": 1, "denominator": 0}), vec!["/denominator denominator_not_positive"]),
        (
            "kpis/NI-112/readings/CY2009",
            json!({"numerator": 6, "denominator": 5}),
            vec!["/numerator numerator_above_denominator"],
        ),
        (quarter, json!({"numerator": 1, "denominator": 4, "value": 24}), vec!["/value value_disagrees"]),
        (quarter, json!({"value": 1, "nil_return": "None"}), vec!["/nil_return figure_and_nil_return"]),
        (quarter, json!({"value": -1}), vec!["/value negative_figure"]),
        (quarter, json!({"value": 1, "status": "on_track"}), vec!["/status computed_never_posted"]),
        ("kpis/NI-112/readings/CY2009", json!({"value": -101}), vec!["/value below_valid_range"]),
        ("kpis/NI-112/readings/CY2009", json!({"value": 101}), vec!["/value above_valid_range"]),
        ("kpis/NI-117/readings/2009-06", json!({"value": 1}), vec!["/period other_period_kind"]),
        ("kpis/NI-117/readings/FY2009-11-Q1", json!({"value": 1}), vec!["/period years_do_not_follow"]),
        ("kpis/NI-117/readings/soon", json!({"value": 1}), vec!["/period not_a_period"]),
        ("kpis/NI-117/readings/FY2010-11-Q2", json!({"value": 1}), vec!["/period not_begun"]),
        (quarter, json!({"value": "4.5", "provisional": "no"}), vec!["/value wrong_shape", "/provisional wrong_shape"]),
    ] {
        assert_eq!(faults(world.put(Manager, path, figure.clone())).await, wanted, "{path} {figure}");
    }
    // A negative figure is right where the valid range says that it may be.
    world.put(Manager, "kpis/NI-112/readings/CY2009", json!({"value": -100})).await.is(201);
    world.put(Manager, "kpis/NI-117/readings/2009%2F10%20Q1", json!({"value": 1})).await.is(201);
}

async fn a_target_must_fit_its_kpi(world: &World) {
    small(world).await;
    world.post(Manager, "kpis", kpi("RANGE", json!({"polarity": "within_range"}))).await.is(201);
    world.post(Manager, "kpis", kpi("CONTEXT", json!({"polarity": "none"}))).await.is(201);
    for (kpi, target, wanted) in [
        ("NI-117", json!({}), vec!["/value missing"]),
        ("NI-117", json!({"low": 1, "high": 2}), vec!["/low range_not_wanted"]),
        ("NI-117", json!({"value": 5, "floor": 4}), vec!["/floor floor_on_wrong_side"]),
        ("RANGE", json!({"low": 2, "high": 1}), vec!["/low range_reversed"]),
        ("RANGE", json!({"low": 2}), vec!["/high missing"]),
        ("RANGE", json!({"value": 2, "high": 3}), vec!["/value value_and_range"]),
        ("CONTEXT", json!({"value": 2}), vec!["/value contextual_kpi"]),
    ] {
        assert_eq!(faults(world.put(Manager, &format!("kpis/{kpi}/targets/FY2009-10"), target)).await, wanted);
    }
    world.put(Manager, "kpis/RANGE/targets/FY2009-10", json!({"low": 1, "high": 2, "floor": 0})).await.is(201);
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"state": "placeholder"})).await.is(201);
}

async fn a_code_never_changes(world: &World) {
    small(world).await;
    for path in ["", "kpis/NI-117", "organisations/council", "outcome-areas/health", "priorities/health-1"] {
        let told = faults(world.patch(Manager, path, "*", json!({"code": "other"}))).await;
        assert_eq!(told, ["/code code_is_fixed"], "{path}");
    }
}

async fn a_code_is_taken_once(world: &World) {
    small(world).await;
    for (collection, body) in [
        ("organisations", json!({"code": "council", "title": "Again"})),
        ("outcome-areas", json!({"code": "health", "title": "Again"})),
        ("priorities", json!({"code": "health-1", "title": "Again", "outcome_area": "health"})),
        ("kpis", kpi("NI-117", json!({}))),
    ] {
        world.post(Manager, collection, body).await.refused(409, "conflict");
    }
    let plan = json!({"code": "small", "title": "Again", "starts_on": "2009-04-01", "ends_on": "2011-03-31"});
    world.post(Administrator, "/v1/plans", plan).await.refused(409, "conflict");
    // What was removed may be made again.
    world.post(Manager, "organisations", json!({"code": "new", "title": "New"})).await.is(201);
    world.delete(Manager, "organisations/new", "*").await.is(204);
    world.get(Manager, "organisations/new").await.refused(404, "not_found");
    world.post(Manager, "organisations", json!({"code": "new", "title": "Newer"})).await.is(201);
}

async fn what_is_in_use_is_not_removed(world: &World) {
    small(world).await;
    world.post(Manager, "kpis", kpi("FSM", json!({"priority": "safety-1"}))).await.is(201);
    let gap = json!({"priority": "safety-1", "formula": {"kind": "gap", "of": "FSM", "group": "fsm", "comparator": "all"}, "unit": "percentage_points"});
    world.post(Manager, "kpis", kpi("GAP", gap)).await.is(201);
    for (path, user) in [
        ("organisations/pct", "health-group"),
        ("organisations/connexions", "NI-117"),
        ("outcome-areas/health", "health-1"),
        ("priorities/health-1", "NI-117"),
        ("policies/rag", "the plan itself"),
        ("policies/five-band", "NI-117"),
        ("kpis/FSM", "GAP"),
    ] {
        world.delete(Manager, path, "*").await.refused(409, "conflict").tells(user);
    }
    world.delete(Manager, "organisations/police", "*").await.is(204);
    world.delete(Manager, "policies/improving", "*").await.is(204);
}

async fn an_archived_kpi_takes_no_more_figures(world: &World) {
    small(world).await;
    let path = "kpis/NI-117/readings/FY2009-10-Q1";
    world.put(Lead, path, json!({"value": 4})).await.is(201);
    world.delete(Manager, "kpis/NI-117", "*").await.is(204);
    world.put(Lead, path, json!({"value": 5})).await.is(422);
    let live = world.get(Lead, "kpis").await.is(200).text();
    let archived = world.get(Lead, "kpis?archived=true").await.is(200).text();
    assert!(!live.contains("NI-117") && archived.contains("NI-117"));
    assert!(!world.get(Lead, "status-report?period=FY2009-10-Q1").await.is(200).text().contains("NI-117"));
    assert_eq!(world.get(Lead, path).await.is(200).json()["value"], 4, "its history stays");
}

async fn a_change_of_what_is_measured_begins_a_new_definition(world: &World) {
    small(world).await;
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4})).await.is(201);
    let titled = world.patch(Manager, "kpis/NI-117", "*", json!({"title": "Same thing"})).await.is(200).json();
    assert_eq!(titled["definition_version"], 1);
    let changed = world.patch(Manager, "kpis/NI-117", "*", json!({"definition": "Counted anew."})).await.is(200).json();
    assert_eq!(changed["definition_version"], 2);
    let posted = world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q2", json!({"value": 3})).await.is(201).json();
    let short = &posted["effect"]["after"]["travel"]["short"];
    assert_eq!((&short["direction"], &short["reason"]), (&Value::Null, &json!("definition_changed")));
    let told = faults(world.patch(Manager, "kpis/NI-117", "*", json!({"frequency": "month"}))).await;
    assert_eq!(told, ["/frequency has_figures"]);
}

async fn that_numbers_were_checked_is_a_managers_word(world: &World) {
    small(world).await;
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4})).await.is(201);
    for actor in [Lead, Actor::Contributor] {
        world.patch(actor, "kpis/NI-117", "*", json!({"numbers_checked": true})).await.refused(403, "not_allowed");
    }
    assert_eq!(faults(world.patch(Manager, "kpis/NI-117", "*", json!({"numbers_checked": "yes"}))).await.len(), 1);
    let checked = world.patch(Manager, "kpis/NI-117", "*", json!({"numbers_checked": true})).await.is(200).json();
    assert_eq!((&checked["numbers_checked"], &checked["definition_version"]), (&json!(true), &json!(1)));
    assert_eq!(world.get(Lead, "kpis/NI-117").await.is(200).json()["numbers_checked"], true);
    let journal = world.get(Manager, "journal?limit=1000").await.is(200).json();
    let last = journal["items"].as_array().unwrap().iter().rfind(|entry| entry["action"] == "kpi.updated").unwrap();
    assert_eq!(
        [&last["before"]["body"]["numbers_checked"], &last["after"]["body"]["numbers_checked"], &last["actor"]],
        [&json!(false), &json!(true), &json!(Manager.name())]
    );
    // Nothing else is measured now than before, so that figures on both sides of it can be compared.
    let posted = world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q2", json!({"value": 3})).await.is(201).json();
    assert_eq!(posted["effect"]["after"]["travel"]["short"]["direction"], "improving");
    let unsaid = world.patch(Administrator, "kpis/NI-117", "*", json!({"numbers_checked": null})).await.is(200).json();
    assert_eq!(unsaid["numbers_checked"], false);
}

async fn a_gap_is_computed_and_follows_its_source(world: &World) {
    small(world).await;
    world.post(Manager, "kpis", kpi("GCSE", json!({}))).await.is(201);
    let gap = json!({
        "formula": {"kind": "gap", "of": "GCSE", "group": "fsm", "comparator": "all"}, "unit": "percentage_points",
        "polarity": "lower_is_better"
    });
    world.post(Manager, "kpis", kpi("GAP", gap)).await.is(201);
    let told = faults(world.put(Manager, "kpis/GAP/readings/FY2009-10-Q1", json!({"value": 4}))).await;
    assert_eq!(told, ["/value computed_never_posted"]);
    world.put(Manager, "kpis/GAP/targets/FY2009-10-Q1", json!({"value": 20})).await.is(201);
    world.put(Manager, "kpis/GCSE/readings/FY2009-10-Q1", json!({"value": 55.5})).await.is(201);
    let stands = || async { world.get(Lead, "kpis/GAP/status?period=FY2009-10-Q1").await.is(200).json() };
    assert_eq!(stands().await["reason"], "no_reading", "one side is no gap");
    for (fsm, gap, status) in
        [("35.5", 20.0, "on_track"), ("34", 21.5, "at_risk"), ("60", -4.5, "on_track"), ("20", 35.5, "off_track")]
    {
        let figure = json!({"value": serde_json::from_str::<Value>(fsm).unwrap()});
        world.put(Manager, "kpis/GCSE/readings/FY2009-10-Q1?group=fsm", figure).await;
        let stands = stands().await;
        assert_eq!((stands["value"].as_f64(), stands["status"].as_str()), (Some(gap), Some(status)), "{stands}");
    }
}

async fn a_plan_is_deleted_only_while_it_is_empty(world: &World) {
    small(world).await;
    world.delete(Administrator, "", "*").await.refused(409, "conflict");
    let plan = json!({"code": "brief", "title": "Brief", "starts_on": "2009-04-01", "ends_on": "2011-03-31"});
    let made = world.post(Administrator, "/v1/plans", plan.clone()).await.is(201);
    assert_eq!(made.header("location"), Some("/v1/plans/brief"));
    world.delete(Administrator, "/v1/plans/brief", &made.tag()).await.is(204);
    world.get(Administrator, "/v1/plans/brief").await.refused(404, "not_found");
    world.ask(Method::DELETE, Administrator, "/v1/plans/brief").header("if-match", "*").await.refused(404, "not_found");
    world.post(Administrator, "/v1/plans", plan).await.is(201);
}
