//! What other authorities reached, and how the plan's own figure compares with them.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::small;
use crate::support::{Actor, World};

use Actor::{Administrator, Board, Contributor, Lead, Manager, Partner, Public, Stranger};

on_both! {
    the_plan_stands_among_its_neighbours
    the_edition_of_the_period_says_who_they_are
    without_an_order_a_figure_or_enough_of_them_there_is_no_place
    a_withheld_figure_has_no_place_either
    a_benchmark_is_replaced_and_removed_with_its_state
    a_benchmark_that_makes_no_sense_is_refused
    each_role_may_do_its_own
    benchmarks_come_in_order_and_a_page_at_a_time
    the_comparison_of_the_past_is_told
}

fn figures(values: &[(&str, f64)]) -> Value {
    let figures = values.iter().map(|(code, value)| json!({"authority": code, "title": code, "value": value}));
    json!({"source": "DCSF, June 2010", "figures": figures.collect::<Vec<_>>()})
}

async fn group(world: &World, code: &str, editions: &[(&str, &[&str])]) {
    let editions: Vec<_> =
        editions.iter().map(|(from, authorities)| json!({"from": from, "authorities": authorities})).collect();
    let group = json!({"code": code, "title": code, "editions": editions});
    world.post(Manager, "comparator-groups", group).await.is(201);
}

/// The small plan with three comparator groups.
async fn compared(world: &World) {
    small(world).await;
    group(
        world,
        "neighbours",
        &[("2007-04-01", &["barnet", "ealing", "hounslow", "merton"]), ("2010-01-01", &["barnet", "slough"])],
    )
    .await;
    group(world, "england", &[("2000-01-01", &["england"])]).await;
}

const NEET: [(&str, f64); 6] =
    [("barnet", 4.0), ("ealing", 5.2), ("hounslow", 6.1), ("merton", 4.54), ("england", 6.7), ("slough", 7.0)];

/// The members of a group's comparison that say where the plan stands.
fn place(comparison: &Value, group: &str) -> Value {
    let groups = comparison["groups"].as_array().unwrap();
    let found = groups.iter().find(|known| known["group"] == group).unwrap();
    json!([found["rank"], found["of"], found["quartile"], found["reason"]])
}

fn median(comparison: &Value, group: &str) -> Option<f64> {
    let groups = comparison["groups"].as_array().unwrap();
    groups.iter().find(|known| known["group"] == group).unwrap()["median"].as_f64()
}

async fn the_plan_stands_among_its_neighbours(world: &World) {
    compared(world).await;
    let address = "benchmarks/NI-117/FY2009-10-Q1";
    let made = world.put(Manager, address, figures(&NEET)).await.is(201);
    assert_eq!(made.header("location"), Some("/v1/plans/small/benchmarks/NI-117/FY2009-10-Q1"));
    let none = json!([null, null, null, "no_reading"]);
    assert_eq!(place(&made.json()["comparison"], "neighbours"), none, "nothing is reported yet");
    // 4.5 as reported ties with Merton's 4.54: lower is better, and a tie takes the better rank.
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"numerator": 231, "denominator": 5120})).await.is(201);
    let found = world.get(Board, made.header("location").unwrap()).await.is(200).json();
    let comparison = &found["comparison"];
    assert_eq!(comparison["own"].as_f64(), Some(4.5));
    assert_eq!(place(comparison, "neighbours"), json!([2, 5, 1, null]));
    assert_eq!(median(comparison, "neighbours"), Some(4.87));
    assert_eq!(place(comparison, "england"), json!([1, 2, null, "too_few"]));
    assert_eq!(median(comparison, "england"), Some(6.7), "a group of one has its figure");
    assert_eq!((&found["revision"], &found["period"]["label"]), (&json!(1), &json!("2009/10 Q1")));
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 6.0, "reason": "Recount"})).await.is(200);
    let found = world.get(Board, address).await.is(200).json();
    assert_eq!(place(&found["comparison"], "neighbours"), json!([4, 5, 3, null]));
    // Where more is better, the same figures stand the other way round.
    let tag = world.get(Manager, "kpis/NI-117").await.is(200).tag();
    world.patch(Manager, "kpis/NI-117", &tag, json!({"polarity": "higher_is_better"})).await.is(200);
    let found = world.get(Board, address).await.is(200).json();
    assert_eq!(place(&found["comparison"], "neighbours"), json!([2, 5, 1, null]));
}

async fn the_edition_of_the_period_says_who_they_are(world: &World) {
    compared(world).await;
    for (period, edition, authorities, median) in [
        ("FY2006-07-Q4", Value::Null, 0, None),
        ("FY2009-10-Q3", json!("2007-04-01"), 4, Some(4.87)),
        ("FY2009-10-Q4", json!("2010-01-01"), 2, Some(5.5)),
    ] {
        let found = world.put(Manager, &format!("benchmarks/NI-117/{period}"), figures(&NEET)).await.is(201).json();
        let group = &found["comparison"]["groups"][1];
        assert_eq!((&group["group"], &group["edition"]), (&json!("neighbours"), &edition), "{period}");
        assert_eq!(group["authorities"], authorities, "{period}");
        assert_eq!(group["median"].as_f64(), median, "{period}");
        let reason = if median.is_none() { "no_edition" } else { "no_reading" };
        assert_eq!(group["reason"], reason, "{period}");
    }
}

async fn without_an_order_a_figure_or_enough_of_them_there_is_no_place(world: &World) {
    compared(world).await;
    let address = "benchmarks/NI-117/FY2009-10-Q1";
    world.put(Manager, address, figures(&NEET[..4])).await.is(201);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 5})).await.is(201);
    for (polarity, reason) in [("none", "contextual"), ("within_range", "no_order")] {
        let tag = world.get(Manager, "kpis/NI-117").await.is(200).tag();
        world.patch(Manager, "kpis/NI-117", &tag, json!({"polarity": polarity})).await.is(200);
        let found = world.get(Board, address).await.is(200).json();
        assert_eq!(place(&found["comparison"], "neighbours"), json!([null, null, null, reason]));
        assert_eq!(
            median(&found["comparison"], "neighbours"),
            Some(4.87),
            "the middle needs no order of better and worse"
        );
    }
    let tag = world.get(Manager, "kpis/NI-117").await.is(200).tag();
    world.patch(Manager, "kpis/NI-117", &tag, json!({"polarity": "lower_is_better"})).await.is(200);
    let found = world.get(Board, address).await.is(200).json();
    assert_eq!(place(&found["comparison"], "england"), json!([null, null, null, "no_comparators"]));
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"nil_return": "Not released"})).await.is(200);
    let found = world.get(Board, address).await.is(200).json();
    assert_eq!(place(&found["comparison"], "neighbours"), json!([null, null, null, "no_reading"]));
    assert_eq!(found["comparison"]["own"], Value::Null);
}

async fn a_withheld_figure_has_no_place_either(world: &World) {
    compared(world).await;
    let address = "benchmarks/LI-INJURIES/FY2009-10-Q1";
    world.put(Manager, address, figures(&NEET)).await.is(201);
    world.put(Manager, "kpis/LI-INJURIES/readings/FY2009-10-Q1", json!({"value": 3})).await.is(201);
    let seen = world.get(Board, address).await.is(200);
    assert_eq!(place(&seen.json()["comparison"], "neighbours"), json!([1, 5, 1, null]));
    let withheld = world.get(Partner, address).await.is(200);
    let comparison = withheld.json()["comparison"].clone();
    assert_eq!(place(&comparison, "neighbours"), json!([null, null, null, "suppressed"]));
    assert_eq!((&comparison["own"], median(&comparison, "neighbours")), (&Value::Null, Some(4.87)));
    assert_ne!(seen.tag(), withheld.tag());
    let listed = world.get(Partner, "benchmarks").await.is(200).json();
    assert_eq!(listed["items"][0]["comparison"], comparison);
}

async fn a_benchmark_is_replaced_and_removed_with_its_state(world: &World) {
    compared(world).await;
    let address = "benchmarks/NI-117/FY2009-10-Q1";
    let made = world.put(Manager, address, figures(&NEET)).await.is(201);
    world.put(Manager, address, figures(&NEET[..2])).await.refused(428, "precondition_required");
    let found = world.get(Manager, address).await.is(200);
    world.get(Manager, address).header("if-none-match", &found.tag()).await.is(304);
    // What it is compared with changes the answer, and not the state that it is changed by.
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 5})).await.is(201);
    let later = world.get(Manager, address).await.is(200);
    assert_ne!(found.tag(), later.tag());
    let same = world.put(Manager, address, figures(&NEET)).header("if-match", &later.tag()).await.is(200);
    assert_eq!((same.tag(), &same.json()["revision"]), (made.tag(), &json!(1)), "the same again is no revision");
    let replaced = world.put(Manager, address, figures(&NEET[..2])).header("if-match", &found.tag()).await.is(200);
    assert_eq!((&replaced.json()["revision"], replaced.json()["figures"].as_array().unwrap().len()), (&json!(2), 2));
    world
        .put(Manager, address, figures(&NEET))
        .header("if-match", &later.tag())
        .await
        .refused(412, "precondition_failed");
    world.put(Manager, address, figures(&NEET)).header("if-none-match", "*").await.refused(412, "precondition_failed");
    world.delete(Manager, address, &made.tag()).await.refused(412, "precondition_failed");
    world.delete(Manager, address, &replaced.tag()).await.is(204);
    world.get(Manager, address).await.refused(404, "not_found");
    world.delete(Manager, address, "*").await.refused(404, "not_found");
    world.put(Manager, address, figures(&NEET)).header("if-match", "*").await.refused(412, "precondition_failed");
    let again = world.put(Manager, address, figures(&NEET)).header("if-none-match", "*").await.is(201).json();
    assert_eq!(again["revision"], 4, "revisions count on over a removal");
}

async fn a_benchmark_that_makes_no_sense_is_refused(world: &World) {
    compared(world).await;
    world.put(Manager, "benchmarks/NI-999/FY2009-10-Q1", figures(&NEET)).await.refused(404, "not_found");
    for period in ["FY2009-10", "2009-06", "AY2008-09-T1", "soon"] {
        let answer =
            world.put(Manager, &format!("benchmarks/NI-117/{period}"), figures(&NEET)).await.refused(422, "invalid");
        assert_eq!(answer.faults()[0].0, "/period");
        world.get(Manager, &format!("benchmarks/NI-117/{period}")).await.refused(404, "not_found");
    }
    let twice = figures(&[("barnet", 4.0), ("barnet", 5.0)]);
    for (body, place, code) in [
        (json!({}), "/figures", "missing"),
        (json!({"figures": []}), "/figures", "wrong_length"),
        (twice, "/figures/1", "named_twice"),
        (json!({"figures": [{"authority": "barnet", "title": "", "value": 4}]}), "/figures/0/title", "too_short"),
        (json!({"figures": [{"authority": "barnet", "title": "B", "value": "4"}]}), "/figures/0/value", "wrong_shape"),
        (json!({"kpi": "NI-117", "figures": [{"authority": "b", "title": "B", "value": 4}]}), "/kpi", "unknown_member"),
    ] {
        let answer = world.put(Manager, "benchmarks/NI-117/FY2009-10-Q1", body).await.refused(422, "invalid");
        assert_eq!(answer.faults(), [(place.to_owned(), code.to_owned())]);
    }
    let unordered = json!({"code": "x", "title": "X", "editions": [
        {"from": "2010-01-01", "authorities": ["a", "a"]}, {"from": "2009-01-01", "authorities": []},
    ]});
    let answer = world.post(Manager, "comparator-groups", unordered).await.refused(422, "invalid");
    let codes: Vec<_> = answer.faults().into_iter().map(|(place, code)| format!("{place} {code}")).collect();
    assert_eq!(
        codes,
        [
            "/editions/0/authorities/1 named_twice",
            "/editions/1/authorities wrong_length",
            "/editions/1/from out_of_order"
        ]
    );
    let answer = world.get(Board, "benchmarks?kpi=NI-171&period=soon").await.refused(422, "invalid");
    assert_eq!(answer.faults().into_iter().map(|(place, _)| place).collect::<Vec<_>>(), ["kpi", "period"]);
    // A KPI keeps the periods that its benchmarks are kept by.
    world.put(Manager, "benchmarks/NI-50/FY2009-10", figures(&NEET)).await.is(201);
    let tag = world.get(Manager, "kpis/NI-50").await.is(200).tag();
    let answer =
        world.patch(Manager, "kpis/NI-50", &tag, json!({"frequency": "quarter"})).await.refused(422, "invalid");
    assert_eq!(answer.faults(), [("/frequency".to_owned(), "has_figures".to_owned())]);
}

async fn each_role_may_do_its_own(world: &World) {
    compared(world).await;
    let address = "benchmarks/LI-CALLS/2009-06";
    let made = world.put(Manager, address, figures(&NEET)).await.is(201);
    let public = "benchmarks/NI-117/FY2009-10-Q1";
    world.put(Administrator, public, figures(&NEET)).await.is(201);
    let group = world.get(Manager, "comparator-groups/england").await.is(200);
    for actor in [Lead, Contributor, Board, Partner] {
        world.get(actor, address).await.is(200);
        world.put(actor, address, figures(&NEET)).header("if-match", &made.tag()).await.refused(403, "not_allowed");
        world.put(actor, "benchmarks/LI-CALLS/2009-07", figures(&NEET)).await.refused(403, "not_allowed");
        world.delete(actor, address, &made.tag()).await.refused(403, "not_allowed");
        world.get(actor, "comparator-groups/england").await.is(200);
        let fresh = json!({"code": "x", "title": "X", "editions": [{"from": "2009-01-01", "authorities": ["a"]}]});
        world.post(actor, "comparator-groups", fresh).await.refused(403, "not_allowed");
        world
            .patch(actor, "comparator-groups/england", &group.tag(), json!({"title": "E"}))
            .await
            .refused(403, "not_allowed");
        world.delete(actor, "comparator-groups/england", &group.tag()).await.refused(403, "not_allowed");
    }
    // To the public the KPI of the partners is not there, whether read or written.
    world.get(Public, address).await.refused(404, "not_found");
    world.put(Public, address, figures(&NEET)).await.refused(404, "not_found");
    world.get(Public, public).await.is(200);
    world.put(Public, public, figures(&NEET)).await.refused(403, "not_allowed");
    let listed = world.get(Public, "benchmarks").await.is(200).json();
    let kpis: Vec<_> = listed["items"].as_array().unwrap().iter().map(|item| item["kpi"].clone()).collect();
    assert_eq!(kpis, [json!("NI-117")]);
    world.get(Public, "benchmarks?kpi=LI-CALLS").await.refused(422, "invalid").tells("the plan has no `LI-CALLS`");
    for path in [address, "benchmarks", "comparator-groups", "comparator-groups/england"] {
        world.get(Stranger, path).await.refused(404, "not_found");
    }
    world.put(Stranger, public, figures(&NEET)).await.refused(404, "not_found");
    world.patch(Manager, "comparator-groups/england", &group.tag(), json!({"title": "All England"})).await.is(200);
    world.delete(Manager, "comparator-groups/england", "*").await.is(204);
    let left = world.get(Board, public).await.is(200).json();
    assert_eq!(left["comparison"]["groups"].as_array().unwrap().len(), 1);
}

async fn benchmarks_come_in_order_and_a_page_at_a_time(world: &World) {
    compared(world).await;
    for address in ["NI-50/FY2009-10", "NI-117/FY2009-10-Q2", "NI-117/FY2009-10-Q1", "LI-CALLS/2009-06"] {
        world.put(Manager, &format!("benchmarks/{address}"), figures(&NEET)).await.is(201);
    }
    let keys = |body: &Value| -> Vec<String> {
        let key =
            |item: &Value| format!("{}/{}", item["kpi"].as_str().unwrap(), item["period"]["key"].as_str().unwrap());
        body["items"].as_array().unwrap().iter().map(key).collect()
    };
    let ordered = ["LI-CALLS/2009-06", "NI-117/FY2009-10-Q1", "NI-117/FY2009-10-Q2", "NI-50/FY2009-10"];
    assert_eq!(keys(&world.get(Board, "benchmarks").await.is(200).json()), ordered);
    let (mut found, mut address) = (Vec::new(), "benchmarks?limit=1".to_owned());
    loop {
        let page = world.get(Board, &address).await.is(200).json();
        found.extend(keys(&page));
        let Some(next) = page["next"].as_str() else { break };
        address = format!("benchmarks?limit=1&cursor={next}");
    }
    assert_eq!(found, ordered);
    for (filter, wanted) in
        [("kpi=NI-117", &ordered[1..3]), ("period=2009/10%20Q1", &ordered[1..2]), ("kpi=NI-50&period=2009-06", &[])]
    {
        assert_eq!(keys(&world.get(Board, &format!("benchmarks?{filter}")).await.is(200).json()), wanted, "{filter}");
    }
    // An archived KPI's are shown to whoever names it.
    world.delete(Manager, "kpis/NI-117", "*").await.is(204);
    assert_eq!(keys(&world.get(Board, "benchmarks").await.is(200).json()), [ordered[0], ordered[3]]);
    assert_eq!(keys(&world.get(Board, "benchmarks?kpi=NI-117").await.is(200).json()), ordered[1..3]);
}

async fn the_comparison_of_the_past_is_told(world: &World) {
    compared(world).await;
    let address = "benchmarks/NI-117/FY2009-10-Q1";
    world.put(Manager, address, figures(&NEET)).await.is(201);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 5})).await.is(201);
    let then = world.get(Board, address).await.is(200).json();
    world.now_is("2010-05-15T12:00:00Z");
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 9, "reason": "Recount"})).await.is(200);
    world.put(Manager, address, figures(&NEET[..2])).header("if-match", "*").await.is(200);
    let now = world.get(Board, address).await.is(200).json();
    assert_ne!(then["comparison"], now["comparison"]);
    let past = world.get(Board, &format!("{address}?as_of=2010-05-14T18:00:00Z")).await.is(200).json();
    assert_eq!(past, then);
}
