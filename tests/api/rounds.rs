//! The cycle: rounds, what is owed in them, returns on their way, locks and restatements, and what a figure moves.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::{kpi, small};
use crate::support::{Actor, World};

use Actor::{Administrator, Board, Contributor, Lead, Manager, Partner};

on_both! {
    a_round_has_days_in_their_order
    a_return_holds_what_its_sub_group_owes
    a_figure_is_due_on_its_round_s_day
    a_return_is_filled_in_at_once_or_not_at_all
    a_return_goes_its_way
    what_is_off_track_must_be_explained_and_acted_on
    what_is_signed_off_stays
    after_the_close_a_figure_is_restated
    who_owes_what_is_told
    what_i_owe_is_told
    a_figure_tells_what_it_moves
    a_target_tells_what_it_moves
    trying_a_figure_keeps_nothing
    a_return_of_the_past_is_as_it_was
}

const Q1: &str = "rounds/FY2009-10-Q1/returns/health-group";

/// The small plan in July 2009, in which `health` owes the quarter's NI-117, with the first quarter's round open.
async fn july(world: &World) {
    world.now_is("2009-07-10T09:00:00Z");
    small(world).await;
    let round = json!({"period": "FY2009-10-Q1", "opens": "2009-07-01", "due": "2009-07-24", "closes": "2009-08-14"});
    world.post(Manager, "rounds", round).await.is(201);
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    world.put(Manager, "kpis/LI-ASTHMA/targets/FY2009-10", json!({"value": 40})).await.is(201);
}

/// The KPIs and periods of a return's lines.
fn lines(report: &Value) -> Vec<String> {
    let lines = report["lines"].as_array().unwrap().iter();
    lines
        .map(|line| {
            let assessment = &line["assessment"];
            format!("{} {}", assessment["kpi"].as_str().unwrap(), assessment["period"]["key"].as_str().unwrap())
        })
        .collect()
}

async fn a_round_has_days_in_their_order(world: &World) {
    small(world).await;
    let made = json!({"period": "FY2009-10-Q1", "opens": "2009-07-01", "due": "2009-07-31", "closes": "2009-08-14"});
    let answer = world.post(Manager, "rounds", made.clone()).await.is(201);
    assert_eq!(answer.header("location"), Some("/v1/plans/small/rounds/FY2009-10-Q1"));
    let round = answer.json();
    assert_eq!(
        [&round["opens_at"], &round["due_at"], &round["closes_at"]],
        [&json!("2009-06-30T23:00:00Z"), &json!("2009-07-31T22:59:59Z"), &json!("2009-08-14T22:59:59Z")],
        "days in London, in summer"
    );
    world.post(Manager, "rounds", made).await.refused(409, "conflict");
    let crooked = json!({"period": "FY2009-10-Q2", "opens": "2009-10-01", "due": "2009-09-01", "closes": "2009-08-01"});
    let refused = world.post(Manager, "rounds", crooked).await.refused(422, "invalid");
    let fault = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    assert_eq!(
        refused.faults(),
        [fault("/due", "due_before_opens"), fault("/due", "due_before_end"), fault("/closes", "closes_before_due")]
    );
    let monthly = json!({"period": "2009-07", "opens": "2009-08-01", "due": "2009-08-10", "closes": "2009-08-20"});
    let refused = world.post(Manager, "rounds", monthly).await.refused(422, "invalid");
    assert_eq!(refused.faults(), [fault("/period", "other_period_kind")]);
    let tag = answer.tag();
    let moved = world.patch(Manager, "rounds/FY2009-10-Q1", &tag, json!({"closes": "2009-08-21"})).await.is(200);
    assert_eq!(moved.json()["closes"], "2009-08-21");
    let other = world.patch(Manager, "rounds/FY2009-10-Q1", &moved.tag(), json!({"period": "FY2009-10-Q2"})).await;
    assert_eq!(other.refused(422, "invalid").faults()[0], fault("/period", "code_is_fixed"));
    let slip = world.patch(Manager, "rounds/FY2009-10-Q1", &moved.tag(), json!({"dew": null})).await;
    assert_eq!(slip.refused(422, "invalid").faults(), [fault("/dew", "unknown_member")]);
    world.delete(Manager, "rounds/FY2009-10-Q1", &moved.tag()).await.is(204);
    world.get(Board, "rounds/FY2009-10-Q1").await.refused(404, "not_found");
}

async fn a_return_holds_what_its_sub_group_owes(world: &World) {
    july(world).await;
    world.put(Lead, "kpis/NI-117/readings/FY2008-09-Q4", json!({"value": 5.4})).await.is(201);
    let report = world.get(Lead, Q1).await.is(200).json();
    assert_eq!(lines(&report), ["LI-ASTHMA FY2009-10-Q1", "NI-117 FY2009-10-Q1"], "the year's score is not due");
    let line = &report["lines"][1];
    assert_eq!(line["assessment"]["target"]["value"], 5, "this target");
    assert_eq!((&line["last"]["reported_text"], &line["due_at"]), (&json!("5.4 %"), &json!("2009-07-24T22:59:59Z")));
    assert_eq!((&line["lacking"], &line["reported_at"]), (&json!(["figure"]), &Value::Null));
    let progress = json!({
        "owed": 2, "reported": 0, "in_time": 0, "overdue": 0, "completeness_percent": 0, "timeliness_percent": null
    });
    assert_eq!(report["progress"], progress);
    // The term that ended in March fell due after the spring's round had closed.
    let safety = world.get(Lead, "rounds/FY2009-10-Q1/returns/safety-group").await.is(200).json();
    assert_eq!(
        lines(&safety),
        ["LI-CALLS 2009-04", "LI-CALLS 2009-05", "LI-CALLS 2009-06", "LI-INJURIES FY2009-10-Q1"],
        "three months, one quarter, no term and no year"
    );
    let round = world.get(Board, "rounds/FY2009-10-Q1/returns").await.is(200).json();
    assert_eq!(
        (&round["state"], &round["progress"]["owed"], &round["counts"]["open"]),
        (&json!("open"), &json!(6), &json!(2))
    );
    world.get(Board, "rounds/FY2009-10-Q2/returns").await.refused(404, "not_found");
    world.get(Board, "rounds/FY2009-10-Q1/returns/nobody").await.refused(404, "not_found");
    world.get(Partner, Q1).await.refused(403, "not_allowed");
    // The sides of a gap are owed as well as the whole.
    let gap = json!({"formula": {"kind": "gap", "of": "NI-117", "group": "looked-after", "comparator": "all"}, "unit": "percentage_points"});
    world.post(Manager, "kpis", kpi("LI-GAP", gap)).await.is(201);
    let report = world.get(Lead, Q1).await.is(200).json();
    assert_eq!(lines(&report).len(), 3);
    assert_eq!(report["lines"][2]["assessment"]["group"], "looked-after");
}

async fn a_figure_is_due_on_its_round_s_day(world: &World) {
    july(world).await;
    let state = "kpis/NI-117/status?period=FY2009-10-Q1";
    for (now, data_state) in [("2009-07-24T22:59:59Z", "awaited"), ("2009-07-24T23:00:00Z", "overdue")] {
        world.now_is(now);
        assert_eq!(world.get(Board, state).await.is(200).json()["data_state"], data_state, "{now}");
    }
    // Where no round gathers it, its own lag of thirty days decides.
    world.now_is("2009-10-30T12:00:00Z");
    let next = world.get(Board, "kpis/NI-117/status?period=FY2009-10-Q2").await.is(200).json();
    assert_eq!(next["data_state"], "awaited");
}

async fn a_return_is_filled_in_at_once_or_not_at_all(world: &World) {
    july(world).await;
    let figures = json!({"figures": [
        {"kpi": "NI-117", "numerator": 231, "denominator": 5120, "commentary": "Two colleges late."},
        {"kpi": "LI-ASTHMA", "period": "FY2009-10-Q1", "group": "all", "value": 12},
    ]});
    let before = world.version().await;
    let tried = world.put(Lead, &format!("{Q1}?dry_run=true"), figures.clone()).await.is(200).json();
    assert_eq!((&tried["dry_run"], &tried["created"]), (&json!(true), &json!(2)));
    assert_eq!(tried["return"]["progress"]["reported"], 2, "the return as it would be");
    assert_eq!(world.version().await, before, "nothing is kept");
    let done = world.put(Lead, Q1, figures.clone()).await.is(200).json();
    assert_eq!((&done["created"], &done["revised"], &done["unchanged"]), (&json!(2), &json!(0), &json!(0)));
    assert_eq!(done["effects"], tried["effects"]);
    assert_eq!(done["effects"][0]["after"]["status"], "on_track");
    assert_eq!(done["roll_ups"][0]["level"], "plan");
    assert_eq!(world.put(Lead, Q1, figures).await.is(200).json()["unchanged"], 2);
    let before = world.version().await;
    let wrong = json!({"figures": [
        {"kpi": "NI-117", "value": 4.4},
        {"kpi": "NI-117", "value": 4.5},
        {"kpi": "NI-50", "value": 3},
        {"kpi": "LI-ASTHMA", "valu": 12},
        {"kpi": "LI-ASTHMA", "period": "2009-04", "value": "many"},
        {"value": 1},
    ], "note": ""});
    let refused = world.put(Lead, Q1, wrong).await.refused(422, "invalid");
    let fault = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    assert_eq!(
        refused.faults(),
        [
            fault("/note", "unknown_member"),
            fault("/figures/1/kpi", "named_twice"),
            fault("/figures/2/kpi", "not_owed"),
            fault("/figures/3/valu", "unknown_member"),
            fault("/figures/4/period", "not_owed"),
            fault("/figures/4/value", "wrong_shape"),
            fault("/figures/5/kpi", "missing"),
        ]
    );
    assert_eq!(world.version().await, before, "all or nothing");
    // A trial states what is wrong and, in the same answer, what the right figures would do.
    let mixed = json!({"figures": [{"kpi": "NI-50", "value": 3}, {"kpi": "NI-117", "value": 5.9}, {"kpi": "NI-117", "value": 6}]});
    let tried = world.put(Lead, &format!("{Q1}?dry_run=true"), mixed.clone()).await.is(200).json();
    let faults: Vec<_> = tried["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["pointer"].clone(), error["code"].clone()))
        .collect();
    assert_eq!(faults, [(json!("/figures/0/kpi"), json!("not_owed")), (json!("/figures/2/kpi"), json!("named_twice"))]);
    assert_eq!((&tried["revised"], &tried["effects"][0]["after"]["reported"]), (&json!(1), &json!(5.9)));
    assert_eq!(tried["effects"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.version().await, before, "a trial saves nothing");
    world.put(Lead, Q1, mixed).await.refused(422, "invalid");
    let refused = world.put(Lead, Q1, json!({})).await.refused(422, "invalid");
    assert_eq!(refused.faults(), [fault("/figures", "missing")]);
    // A contributor fills in what is theirs.
    let theirs = json!({"figures": [{"kpi": "NI-117", "value": 4.4}, {"kpi": "LI-ASTHMA", "value": 11}]});
    let refused = world.put(Contributor, Q1, theirs).await.refused(422, "invalid");
    assert_eq!(refused.faults(), [fault("/figures/1/kpi", "not_allowed")]);
    world.put(Board, Q1, json!({"figures": []})).await.refused(403, "not_allowed");
}

/// Fills in the first quarter's return of `health`.
async fn filled_in(world: &World) {
    let figures = json!({"figures": [{"kpi": "NI-117", "value": 4.5}, {"kpi": "LI-ASTHMA", "value": 9}]});
    world.put(Lead, Q1, figures).await.is(200);
}

async fn a_return_goes_its_way(world: &World) {
    july(world).await;
    let step = |actor, step: &str, body: Value| world.post(actor, &format!("{Q1}/{step}"), body);
    let lacking = step(Lead, "submit", Value::Null).await.refused(422, "invalid");
    let missing = |line: usize| (format!("/lines/{line}"), "figure_missing".to_owned());
    assert_eq!(lacking.faults(), [missing(0), missing(1)]);
    filled_in(world).await;
    step(Contributor, "submit", Value::Null).await.refused(403, "not_allowed");
    step(Lead, "sign-off", Value::Null).await.refused(409, "conflict");
    let submitted = step(Lead, "submit", Value::Null).await.is(200).json();
    assert_eq!((&submitted["state"], &submitted["submitted_by"]), (&json!("submitted"), &json!(Lead.name())));
    step(Lead, "submit", Value::Null).await.refused(409, "conflict");
    let own = step(Lead, "sign-off", Value::Null).await.refused(403, "not_allowed");
    assert!(own.text().contains("another person"), "{own}");
    let unsaid = step(Manager, "return", json!({"note": " "})).await.refused(422, "invalid");
    assert_eq!(unsaid.faults(), [("/note".to_owned(), "too_short".to_owned())]);
    let back = step(Manager, "return", json!({"note": "Is asthma the quarter's?"})).await.is(200).json();
    assert_eq!((&back["state"], &back["note"]), (&json!("returned"), &json!("Is asthma the quarter's?")));
    step(Lead, "submit", Value::Null).await.is(200);
    let signed = step(Manager, "sign-off", Value::Null).await.is(200).json();
    assert_eq!(
        (&signed["state"], &signed["signed_off_by"], &signed["note"]),
        (&json!("signed_off"), &json!(Manager.name()), &Value::Null)
    );
    assert_eq!(world.get(Board, Q1).await.is(200).json(), signed);
    step(Lead, "reopen", json!({"reason": "Mine"})).await.refused(403, "not_allowed");
    step(Manager, "reopen", json!({})).await.refused(422, "invalid");
    let open = step(Manager, "reopen", json!({"reason": "The year's denominator."})).await.is(200).json();
    assert_eq!((&open["state"], &open["reason"]), (&json!("open"), &json!("The year's denominator.")));
    let changes = world.get(Board, "changes?after=0&limit=1000").await.is(200).json();
    let told: Vec<_> =
        changes["items"].as_array().unwrap().iter().filter(|change| change["kind"] == "return").collect();
    let actions: Vec<_> = told.iter().map(|change| change["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        ["return.submitted", "return.returned", "return.submitted", "return.signed_off", "return.reopened"]
    );
    assert_eq!(told[4]["reason"], "The year's denominator.");
}

async fn what_is_off_track_must_be_explained_and_acted_on(world: &World) {
    july(world).await;
    world.put(Lead, "kpis/NI-117/readings/FY2008-09-Q4", json!({"value": 9})).await.is(201);
    world.put(Manager, "kpis/NI-117/targets/FY2008-09", json!({"value": 5})).await.is(201);
    let figures = json!({"figures": [{"kpi": "NI-117", "value": 8}, {"kpi": "LI-ASTHMA", "value": 9}]});
    world.put(Lead, Q1, figures).await.is(200);
    let submit = || world.post(Lead, &format!("{Q1}/submit"), Value::Null);
    let fault = |code: &str| ("/lines/1".to_owned(), code.to_owned());
    assert_eq!(submit().await.refused(422, "invalid").faults(), [fault("commentary_missing"), fault("action_missing")]);
    let said = json!({"figures": [{"kpi": "NI-117", "value": 8, "commentary": "The careers service lost two posts."}]});
    world.put(Lead, Q1, said).await.is(200);
    assert_eq!(submit().await.refused(422, "invalid").faults(), [fault("action_missing")]);
    // A plan may ask for less.
    let tag = world.get(Manager, "").await.is(200).tag();
    world.patch(Manager, "", &tag, json!({"return_rules": {"action_when_off_track_twice": false}})).await.is(200);
    submit().await.is(200);
}

async fn what_is_signed_off_stays(world: &World) {
    july(world).await;
    filled_in(world).await;
    world.post(Lead, &format!("{Q1}/submit"), Value::Null).await.is(200);
    // What is submitted can still be mended; signing off looks again.
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.6})).await.is(200);
    world.post(Manager, &format!("{Q1}/sign-off"), Value::Null).await.is(200);
    let path = "kpis/NI-117/readings/FY2009-10-Q1";
    world.put(Lead, path, json!({"value": 4.6})).await.is(200);
    let locked = world.put(Lead, path, json!({"value": 4.7, "reason": "Miscounted"})).await.refused(409, "conflict");
    assert!(locked.text().contains("FY2009-10-Q1/health-group"), "{locked}");
    let file = "kpi,period,value\nNI-117,2009/10 Q1,4.7\nLI-INJURIES,2009/10 Q1,12\n";
    let refused = world.import(Manager, "readings", file).await.refused(422, "invalid");
    assert_eq!(refused.json()["errors"][0]["code"], "signed_off");
    let whole = json!({"figures": [{"kpi": "NI-117", "value": 4.7}]});
    world.put(Lead, Q1, whole).await.refused(409, "conflict");
    // Another period, and another sub-group's figure, are free.
    world.put(Lead, "kpis/NI-117/readings/FY2008-09-Q4", json!({"value": 5})).await.is(201);
    world.put(Manager, "kpis/LI-INJURIES/readings/FY2009-10-Q1", json!({"value": 12})).await.is(201);
    world.post(Manager, &format!("{Q1}/reopen"), json!({"reason": "Miscounted"})).await.is(200);
    world.put(Lead, path, json!({"value": 4.7})).await.is(200);
    world.delete(Manager, "rounds/FY2009-10-Q1", "*").await.refused(409, "conflict");
}

async fn after_the_close_a_figure_is_restated(world: &World) {
    july(world).await;
    let path = "kpis/NI-117/readings/FY2009-10-Q1";
    world.put(Lead, path, json!({"value": 4.5, "provisional": true})).await.is(201);
    world.now_is("2009-08-14T22:59:59Z");
    let revised = world.put(Lead, path, json!({"value": 4.6})).await.is(200).json();
    assert_eq!(revised["restated"], false);
    world.now_is("2009-08-14T23:00:00Z");
    world.put(Lead, path, json!({"value": 4.6, "commentary": "Words are no figure."})).await.is(200);
    let refused = world.put(Lead, path, json!({"value": 5.2})).await.refused(422, "invalid");
    assert_eq!(refused.faults(), [("/reason".to_owned(), "reason_needed".to_owned())]);
    let file = "kpi,period,value,reason\nNI-117,2009/10 Q1,5.2,\n";
    let refused = world.import(Lead, "readings?dry_run=true", file).await.refused(422, "invalid");
    assert_eq!(refused.json()["errors"][0]["column"], "reason");
    let restated = world.put(Lead, path, json!({"value": 5.2, "reason": "Late returns."})).await.is(200).json();
    assert_eq!(restated["restated"], true);
    let effect = &restated["effect"];
    assert_eq!((&effect["before"]["status"], &effect["after"]["status"]), (&json!("on_track"), &json!("at_risk")));
    // A first figure is late, and replaces nothing.
    let late = world.put(Lead, "kpis/LI-ASTHMA/readings/FY2009-10-Q1", json!({"value": 9})).await.is(201).json();
    assert_eq!(late["restated"], false);
    let changes = world.get(Board, "changes?after=0&limit=1000").await.is(200).json();
    let actions: Vec<_> = changes["items"].as_array().unwrap().iter().map(|change| change["action"].clone()).collect();
    assert_eq!(actions.iter().filter(|action| **action == json!("reading.restated")).count(), 1);
    let history = world.get(Board, &format!("{path}/history")).await.is(200).json();
    let told: Vec<_> = history["items"].as_array().unwrap().iter().map(|item| item["restated"].clone()).collect();
    assert_eq!(told, [false, false, false, true]);
    assert!(world.get(Board, "readings.csv?kpi=NI-117").await.is(200).text().contains("restated"));
}

async fn who_owes_what_is_told(world: &World) {
    july(world).await;
    filled_in(world).await;
    world.now_is("2009-07-27T09:00:00Z");
    world.put(Manager, "kpis/LI-INJURIES/readings/FY2009-10-Q1", json!({"value": 12})).await.is(201);
    let all = world.get(Board, "outstanding").await.is(200).json();
    let items: Vec<_> = all["items"].as_array().unwrap().iter().map(|item| item["period"]["key"].clone()).collect();
    assert_eq!(items, ["2009-04", "2009-05", "2009-06"]);
    let first = &all["items"][0];
    assert_eq!(
        [&first["kpi"], &first["sub_groups"], &first["organisation"], &first["data_state"], &first["due_at"]],
        [
            &json!("LI-CALLS"),
            &json!(["safety-group"]),
            &json!("council"),
            &json!("overdue"),
            &json!("2009-07-24T22:59:59Z")
        ]
    );
    let progress = |code: &str, list: &str| {
        let found = all[list].as_array().unwrap().iter().find(|one| one["code"] == code).unwrap();
        ["owed", "reported", "in_time", "overdue", "completeness_percent", "timeliness_percent"]
            .map(|name| found[name].clone())
    };
    assert_eq!(
        progress("health-group", "by_sub_group"),
        [2.into(), 2.into(), 2.into(), 0.into(), 100.into(), json!(100)]
    );
    assert_eq!(
        progress("safety-group", "by_sub_group"),
        [json!(4), json!(1), json!(0), json!(3), json!(25), json!(0)],
        "one came late, three are missing"
    );
    assert_eq!(progress("connexions", "by_organisation")[..2], [json!(1), json!(1)]);
    let council = world.get(Board, "outstanding?organisation=council&period=FY2009-10-Q1").await.is(200).json();
    assert_eq!((&council["progress"]["owed"], council["items"].as_array().unwrap().len()), (&json!(4), 3));
    let none = world.get(Board, "outstanding?sub_group=health-group").await.is(200).json();
    assert_eq!(none["items"], json!([]));
    for wrong in ["outstanding?period=FY2009-10-Q2", "outstanding?sub_group=nobody", "outstanding?organisation=nobody"]
    {
        world.get(Board, wrong).await.refused(422, "invalid");
    }
    let then = world.get(Board, "outstanding?as_of=2009-07-20T09:00:00Z").await.is(200).json();
    assert_eq!(then["items"][0]["data_state"], "awaited");
}

async fn what_i_owe_is_told(world: &World) {
    july(world).await;
    let of = |answer: &Value| -> Vec<String> { answer["items"].as_array().unwrap().iter().flat_map(lines).collect() };
    let mine = world.get(Contributor, "/v1/me/returns").await.is(200);
    assert_eq!(of(&mine.json()), ["NI-117 FY2009-10-Q1"], "what connexions leads on");
    let report = &mine.json()["items"][0];
    assert_eq!(
        (&report["plan"], &report["sub_group"], &report["period"]["key"]),
        (&json!("small"), &json!("health-group"), &json!("FY2009-10-Q1"))
    );
    world.get(Contributor, "/v1/me/returns").header("if-none-match", &mine.tag()).await.is(304);
    assert_eq!(of(&world.get(Lead, "/v1/me/returns").await.is(200).json()).len(), 2);
    assert_eq!(of(&world.get(Manager, "/v1/me/returns").await.is(200).json()).len(), 6);
    assert_eq!(of(&world.get(Board, "/v1/me/returns").await.is(200).json()).len(), 0);
    filled_in(world).await;
    world.now_is("2009-08-20T09:00:00Z");
    assert_eq!(of(&world.get(Lead, "/v1/me/returns").await.is(200).json()).len(), 0, "closed, and complete");
    assert_eq!(of(&world.get(Administrator, "/v1/me/returns").await.is(200).json()).len(), 4, "closed, and not");
}

async fn a_figure_tells_what_it_moves(world: &World) {
    july(world).await;
    let gap = json!({
        "priority": "health-1", "unit": "percentage_points", "polarity": "lower_is_better", "policy": "rag-points",
        "formula": {"kind": "gap", "of": "NI-117", "group": "looked-after", "comparator": "all"}
    });
    world.post(Manager, "kpis", kpi("LI-GAP", gap)).await.is(201);
    world.put(Manager, "kpis/LI-GAP/targets/FY2009-10", json!({"value": -3})).await.is(201);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1?group=looked-after", json!({"value": 9})).await.is(201);
    let posted = world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4})).await.is(201).json();
    let effect = &posted["effect"];
    assert_eq!(effect["gaps"].as_array().unwrap().len(), 1, "{effect}");
    let moved = &effect["gaps"][0];
    assert_eq!((&moved["kpi"], &moved["through"], &moved["before"]), (&json!("LI-GAP"), &json!("gap"), &Value::Null));
    assert_eq!((&moved["after"]["reported"], &moved["after"]["status"]), (&json!(-5), &json!("on_track")));
    let levels: Vec<_> = effect["roll_ups"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    assert_eq!(levels[..3], ["small", "health", "health-1"], "the quarter's report first");
    let plan = &effect["roll_ups"][0];
    assert_eq!(
        (&plan["before"]["headline"]["status"], &plan["after"]["counts"]["on_track"]),
        (&json!("not_assessed"), &json!(2))
    );
    // The other side moves the gap as well, and a file tells the same.
    let file = "kpi,period,group,value\nNI-117,2009/10 Q1,looked-after,4\n";
    let tried = world.import(Lead, "readings?dry_run=true", file).await.is(200).json();
    let through: Vec<_> = tried["effects"].as_array().unwrap().iter().map(|one| one["through"].clone()).collect();
    assert_eq!(through, ["itself", "gap"], "{tried}");
    assert_eq!(tried["effects"][1]["after"]["reported"], 0);
    assert_eq!(tried["roll_ups"][0]["after"]["counts"]["off_track"], 1);
}

async fn a_target_tells_what_it_moves(world: &World) {
    july(world).await;
    filled_in(world).await;
    let path = "kpis/NI-117/targets/FY2009-10";
    let tag = world.get(Manager, path).await.is(200).tag();
    let harder = json!({"value": 4, "reason": "More ambitious."});
    let put = |path: &str| world.put(Manager, path, harder.clone()).header("if-match", &tag);
    let before = world.version().await;
    let tried = put(&format!("{path}?dry_run=true")).await.is(200).json();
    assert_eq!(world.version().await, before, "nothing is kept");
    let moved = &tried["effect"]["moves"][0];
    assert_eq!((&moved["through"], &moved["period"]["key"]), (&json!("target"), &json!("FY2009-10-Q1")));
    assert_eq!((&moved["before"]["status"], &moved["after"]["status"]), (&json!("on_track"), &json!("off_track")));
    assert_eq!(tried["effect"]["roll_ups"][0]["code"], "small");
    assert_eq!(put(path).await.is(200).json()["effect"], tried["effect"]);
}

async fn trying_a_figure_keeps_nothing(world: &World) {
    july(world).await;
    let before = world.version().await;
    let path = "kpis/NI-117/readings/FY2009-10-Q1";
    let tried = world.put(Lead, &format!("{path}?dry_run=true"), json!({"value": 4})).await.is(200).json();
    assert_eq!(tried["effect"]["after"]["status"], "on_track");
    assert_eq!(world.version().await, before);
    world.get(Lead, path).await.refused(404, "not_found");
    let posted = world.put(Lead, path, json!({"value": 4})).await.is(201).json();
    assert_eq!(posted["effect"], tried["effect"]);
}

async fn a_return_of_the_past_is_as_it_was(world: &World) {
    july(world).await;
    let mut seen = Vec::new();
    for (now, do_it) in [("2009-07-11T09:00:00Z", 0), ("2009-07-12T09:00:00Z", 1), ("2009-07-13T09:00:00Z", 2)] {
        world.now_is(now);
        match do_it {
            0 => filled_in(world).await,
            1 => drop(world.post(Lead, &format!("{Q1}/submit"), Value::Null).await.is(200)),
            _ => drop(world.post(Manager, &format!("{Q1}/sign-off"), Value::Null).await.is(200)),
        }
        for path in [Q1, "rounds/FY2009-10-Q1/returns", "outstanding"] {
            seen.push((now, path, world.get(Board, path).await.is(200).text()));
        }
    }
    world.now_is("2010-01-01T09:00:00Z");
    for (then, path, text) in seen {
        assert_eq!(world.get(Board, &format!("{path}?as_of={then}")).await.is(200).text(), text, "{path} at {then}");
    }
}
