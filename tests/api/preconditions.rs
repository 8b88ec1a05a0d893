//! Changing only what one has seen: `If-Match`, `If-None-Match`, and figures, which people script against without either.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::{round, small};
use crate::support::{Actor, World, operations};

use Actor::{Administrator, Board, Lead, Manager};

on_both! {
    every_change_needs_the_present_state
    a_change_is_made_once_from_one_state
    creating_by_put_takes_only_what_is_not_there
    a_target_is_revised_with_a_reason_and_its_state
    a_figure_needs_no_state
    a_figure_may_name_the_state_it_revises
    a_first_figure_may_say_that_it_is_the_first
    a_patch_that_changes_nothing_keeps_the_state
}

async fn every_change_needs_the_present_state(world: &World) {
    small(world).await;
    world.put(Administrator, "kpis/NI-117/targets/FY2009-10-Q1", json!({"value": 5})).await.is(201);
    round(world, "FY2009-10-Q1", "2009-07-01", "2009-07-31").await;
    let editions = json!([{"from": "2007-04-01", "authorities": ["england"]}]);
    let group = json!({"code": "england", "title": "England", "editions": editions});
    world.post(Administrator, "comparator-groups", group).await.is(201);
    let figures = json!({"figures": [{"authority": "england", "title": "England", "value": 6.7}]});
    world.put(Administrator, "benchmarks/NI-117/FY2009-10-Q1", figures).await.is(201);
    let grants = world.get(Administrator, "grants").await.is(200).json();
    let action = world.post(Administrator, "actions", super::actions::action("NI-117", json!({}))).await.is(201).json();
    let entering = super::entering::furnished(world).await;
    let webhook = json!({"url": "https://partner.example/hook"});
    let webhook = world.post(Administrator, "webhooks", webhook).await.is(201).json();
    let mut tried = 0;
    for operation in operations().filter(|operation| operation.takes("If-Match")) {
        if operation.id == "putReading" {
            continue; // Figures need no state: see below.
        }
        let code = match operation.subject() {
            "organisations" => "council",
            "sub-groups" => "health-group",
            "outcome-areas" => "health",
            "priorities" => "health-1",
            "comparator-groups" => "england",
            "dimensions" => "pupils",
            _ => "rag",
        };
        let address = operation
            .path_of(code)
            .replace("{plan}", "small")
            .replace("{kpi}", "NI-117")
            .replace("{period}", "FY2009-10-Q1")
            .replace("{sub_group}", "health-group")
            .replace("{grant}", grants["items"][0]["id"].as_str().unwrap())
            .replace("{action}", action["id"].as_str().unwrap())
            .replace("{token}", &entering.token)
            .replace("{link}", &entering.link)
            .replace("{client_id}", &entering.client)
            .replace("{client_secret}", &entering.client_secret)
            .replace("{webhook}", webhook["id"].as_str().unwrap());
        // A secret has no address to be read at; its state is the client's.
        let read = address.split("/secrets/").next().unwrap().to_owned();
        let tag = world.get(Administrator, &read).await.is(200).tag();
        let ask = || {
            let ask = world.ask(operation.method(), Administrator, &address);
            match (operation.body_type(), operation.method) {
                (Some(kind), "patch") if operation.id == "updateRound" => {
                    ask.body(kind, json!({"due": "2009-08-10"}).to_string())
                }
                (Some(kind), "patch") => ask.body(kind, json!({"title": "New"}).to_string()),
                (Some(kind), _) => ask.body(kind, json!({"value": 4, "reason": "New"}).to_string()),
                (None, _) => ask,
            }
        };
        ask().await.refused(428, "precondition_required");
        ask().header("if-match", "\"0\"").await.refused(412, "precondition_failed");
        ask().header("if-match", &format!("W/{tag}")).await.refused(412, "precondition_failed");
        ask().header("if-match", "0").await.refused(400, "malformed_request");
        ask().header("if-none-match", "*").await.refused(412, "precondition_failed");
        assert_eq!(world.get(Administrator, &read).await.is(200).tag(), tag, "{} changed it", operation.id);
        tried += 1;
    }
    assert!(tried >= 16, "only {tried} changes were found");
}

async fn a_change_is_made_once_from_one_state(world: &World) {
    small(world).await;
    for path in ["", "kpis/NI-117", "organisations/council", "policies/rag"] {
        let first = world.get(Manager, path).await.is(200).tag();
        let changed = world.patch(Manager, path, &first, json!({"title": "First"})).await.is(200);
        assert_ne!(changed.tag(), first, "{changed}");
        world.patch(Manager, path, &first, json!({"title": "Second"})).await.refused(412, "precondition_failed");
        // The tag of the answer is the one to go on with.
        world.patch(Manager, path, &changed.tag(), json!({"title": "Third"})).await.is(200);
        assert_eq!(world.get(Manager, path).await.is(200).json()["title"], "Third");
    }
}

async fn creating_by_put_takes_only_what_is_not_there(world: &World) {
    small(world).await;
    let path = "kpis/NI-117/targets/FY2009-10";
    let put = |body: Value| world.put(Manager, path, body);
    put(json!({"value": 5})).header("if-match", "\"1\"").await.refused(412, "precondition_failed");
    put(json!({"value": 5})).header("if-match", "*").await.refused(412, "precondition_failed");
    let made = put(json!({"value": 5})).header("if-none-match", "*").await.is(201);
    assert_eq!(made.header("location"), Some("/v1/plans/small/kpis/NI-117/targets/FY2009-10"));
    put(json!({"value": 5})).header("if-none-match", "*").await.refused(412, "precondition_failed");
    world.get(Board, made.header("location").unwrap()).header("if-none-match", &made.tag()).await.is(304);
}

async fn a_target_is_revised_with_a_reason_and_its_state(world: &World) {
    small(world).await;
    let path = "kpis/NI-117/targets/FY2009-10";
    let made = world.put(Manager, path, json!({"value": 5})).await.is(201).tag();
    let put = |tag: &str, body: Value| world.put(Manager, path, body).header("if-match", tag);
    let refused = put(&made, json!({"value": 4})).await.refused(422, "invalid");
    assert_eq!(refused.faults(), [("/reason".to_owned(), "reason_needed".to_owned())]);
    let same = put(&made, json!({"value": 5, "reason": "Said again"})).await.is(200);
    assert_eq!((same.tag(), same.json()["revision"].clone()), (made.clone(), json!(1)), "the same target is no change");
    let revised = put(&made, json!({"value": 4, "reason": "More ambitious"})).await.is(200);
    assert_eq!(revised.json()["revision"], 2);
    put(&made, json!({"value": 3, "reason": "Late"})).await.refused(412, "precondition_failed");
    world.delete(Manager, path, &revised.tag()).await.is(204);
    world.get(Manager, path).await.refused(404, "not_found");
    world.delete(Manager, path, "*").await.refused(404, "not_found");
    // Set again, its revisions count on.
    assert_eq!(world.put(Manager, path, json!({"value": 6})).await.is(201).json()["revision"], 4);
}

const FIGURE: &str = "kpis/NI-117/readings/FY2009-10-Q1";

async fn a_figure_needs_no_state(world: &World) {
    small(world).await;
    let put = |body: Value| world.put(Lead, FIGURE, body);
    let first = put(json!({"numerator": 231, "denominator": 5120})).await.is(201);
    assert_eq!(first.header("location"), Some("/v1/plans/small/kpis/NI-117/readings/FY2009-10-Q1"));
    assert_eq!(first.json()["value"].to_string(), "4.51171875");
    assert_eq!(first.json()["revision"], 1);
    let entries = journal(world).await;
    for same in [
        json!({"numerator": 231, "denominator": 5120}),
        json!({"numerator": 231.0, "denominator": 5120.00, "provisional": false, "commentary": null}),
        json!({"numerator": 231, "denominator": 5120, "reason": "Sent twice"}),
        json!({"numerator": 231, "denominator": 5120, "value": 4.5, "commentary": ""}),
    ] {
        let again = put(same).await.is(200);
        assert_eq!((again.json()["revision"].clone(), again.tag()), (json!(1), first.tag()), "{again}");
        assert_eq!(again.header("location"), None);
    }
    assert_eq!(journal(world).await, entries, "the same figure is no change");
    for (revision, next) in (2..).zip([
        json!({"numerator": 232, "denominator": 5120}),
        json!({"numerator": 232, "denominator": 5120, "commentary": "Late returns."}),
        json!({"numerator": 232, "denominator": 5120, "provisional": true}),
        json!({"value": 4.54}),
        json!({"nil_return": "Withdrawn"}),
    ]) {
        let revised = put(next).await.is(200);
        assert_eq!(revised.json()["revision"], revision, "{revised}");
        assert_ne!(revised.tag(), first.tag());
    }
    assert_eq!(journal(world).await, entries + 5);
    let grouped = world.put(Lead, &format!("{FIGURE}?group=fsm"), json!({"value": 9})).await.is(201);
    assert_eq!(grouped.header("location"), Some("/v1/plans/small/kpis/NI-117/readings/FY2009-10-Q1?group=fsm"));
    assert_eq!(world.get(Board, grouped.header("location").unwrap()).await.is(200).json()["group"], "fsm");
}

async fn journal(world: &World) -> usize {
    world.get(Administrator, "journal?limit=1000").await.is(200).json()["items"].as_array().unwrap().len()
}

async fn a_figure_may_name_the_state_it_revises(world: &World) {
    small(world).await;
    let put = |tag: &str, value: u32| world.put(Lead, FIGURE, json!({"value": value})).header("if-match", tag);
    put("\"1\"", 4).await.refused(412, "precondition_failed");
    let first = world.put(Lead, FIGURE, json!({"value": 4})).await.is(201).tag();
    let second = put(&first, 5).await.is(200).tag();
    put(&first, 6).await.refused(412, "precondition_failed");
    put(&second, 6).await.is(200);
    put("*", 7).await.is(200);
    assert_eq!(world.get(Board, FIGURE).await.is(200).json()["value"], 7);
}

async fn a_first_figure_may_say_that_it_is_the_first(world: &World) {
    small(world).await;
    let put = |value: u32| world.put(Lead, FIGURE, json!({"value": value})).header("if-none-match", "*");
    put(4).await.is(201);
    put(4).await.refused(412, "precondition_failed");
    put(5).await.refused(412, "precondition_failed");
    assert_eq!(world.get(Board, FIGURE).await.is(200).json()["value"], 4);
}

async fn a_patch_that_changes_nothing_keeps_the_state(world: &World) {
    small(world).await;
    for path in ["", "kpis/NI-117", "outcome-areas/health", "priorities/health-1", "sub-groups/health-group"] {
        let before = world.get(Manager, path).await.is(200);
        let entries = journal(world).await;
        for nothing in [json!({}), json!({"title": before.json()["title"]})] {
            let answer = world.patch(Manager, path, &before.tag(), nothing).await.is(200);
            assert!(before.tag().starts_with(answer.tag().trim_end_matches('"')), "{answer}");
        }
        assert_eq!(journal(world).await, entries);
    }
    world.ask(Method::PATCH, Manager, "kpis/NI-117").merge(json!({})).await.refused(428, "precondition_required");
}
