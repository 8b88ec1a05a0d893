//! The journal of the service: every token, link, client and secret that is made or revoked leaves its entry there, and
//! nobody who reads the plan learns of it.

use std::collections::BTreeSet;

use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use waymark::store::seal::sha256;
use waymark::store::service_journal::Entry;

use crate::on_both;
use crate::support::plan::small;
use crate::support::{Actor, World};

use Actor::{Administrator, Board, Lead, Manager, Nobody, Partner};

on_both! {
    each_deed_leaves_its_entry_and_no_secret
    what_was_not_done_leaves_none
    a_plan_that_is_removed_leaves_the_end_of_its_links_and_clients
    who_reads_the_plan_learns_nothing_from_it
    writers_of_two_instances_keep_one_chain
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// What was done, by whom, since there were so many entries.
fn deeds(world: &World, since: usize) -> Vec<(String, String)> {
    let entries = world.service_journal().into_iter().skip(since);
    entries.map(|entry| (entry.action, entry.actor.to_string())).collect()
}

/// All that the journal holds, as one text.
fn whole(entries: &[Entry]) -> String {
    format!("{entries:?}")
}

async fn each_deed_leaves_its_entry_and_no_secret(world: &World) {
    small(world).await;
    let since = world.service_journal().len();
    let token = world.post(Lead, "/v1/tokens", json!({"name": "Power BI", "plan": "small"})).await.is(201).json();
    let terms = json!({"name": "Our page", "table": "badge", "kpi": "NI-117"});
    let link = world.post(Manager, "links", terms).await.is(201).json();
    let client = world.post(Administrator, "clients", json!({"title": "Warehouse"})).await.is(201).json();
    let client_address = format!("clients/{}", text(&client["id"]));
    let secrets = format!("{client_address}/secrets");
    let next = world.ask(Method::POST, Administrator, &secrets).await.is(201).json();
    // That something is used is no change.
    let bearer = format!("Bearer {}", text(&token["token"]));
    world.ask(Method::GET, Nobody, "kpis").header("authorization", &bearer).await.is(200);
    let token_address = format!("/v1/tokens/{}", text(&token["id"]));
    while world.get(Lead, &token_address).await.is(200).json()["last_used_at"].is_null() {
        tokio::task::yield_now().await;
    }
    let first = text(&client["secrets"][0]["id"]);
    world.delete(Administrator, &format!("{secrets}/{first}"), "*").await.is(204);
    world.delete(Administrator, &client_address, "*").await.is(204);
    // An administrator revokes another's link.
    world.delete(Administrator, &format!("links/{}", text(&link["id"])), "*").await.is(204);
    world.delete(Lead, &token_address, "*").await.is(204);

    let expected = [
        ("token.made", Lead),
        ("link.made", Manager),
        ("client.made", Administrator),
        ("client.secret_added", Administrator),
        ("client.secret_removed", Administrator),
        ("client.revoked", Administrator),
        ("link.revoked", Administrator),
        ("token.revoked", Lead),
    ];
    let expected = expected.map(|(action, actor)| (action.to_owned(), actor.name().to_owned()));
    assert_eq!(deeds(world, since), expected);
    let entries = world.service_journal().split_off(since);
    let after = |place: usize| entries[place].after.clone().unwrap();
    assert_eq!((&after(0)["title"], &after(0)["plan"]), (&json!("Power BI"), &json!("small")));
    assert_eq!((&after(1)["opens"], &after(1)["plan"]), (&json!("kpis/NI-117/badge.svg"), &json!("small")));
    assert_eq!(after(2)["secrets"].as_array().unwrap().len(), 1);
    assert_eq!(after(3)["secrets"].as_array().unwrap().len(), 2);
    // Two that are made at one instant have no order.
    let left = after(4)["secrets"].as_array().unwrap().clone();
    assert_eq!((left.len(), &left[0]["id"]), (1, &next["id"]));
    assert_eq!((&after(5)["secrets"], &after(5)["revoked_at"]), (&json!([]), &json!("2010-05-14T12:00:00.000000Z")));
    // Each change of one thing goes on from the one before.
    for (later, earlier) in [(3, 2), (4, 3), (5, 4), (6, 1), (7, 0)] {
        assert_eq!(entries[later].before, entries[earlier].after, "{later}");
    }
    let link_secret = text(&link["href"]).split('/').nth(3).unwrap().to_owned();
    let whole = whole(&entries);
    for secret in [text(&token["token"]), link_secret, text(&client["client_secret"]), text(&next["client_secret"])] {
        assert!(!whole.contains(&secret), "the journal holds a secret");
        assert!(!whole.contains(&sha256(&secret)), "the journal holds the hash of a secret");
    }
    assert!(!whole.contains("argon2"), "the journal holds the hash of a secret: {whole}");
}

async fn what_was_not_done_leaves_none(world: &World) {
    small(world).await;
    let token = world.post(Board, "/v1/tokens", json!({"name": "x"})).await.is(201).json();
    let address = format!("/v1/tokens/{}", text(&token["id"]));
    world.delete(Board, &address, "*").await.is(204);
    let client = world.post(Administrator, "clients", json!({"title": "x"})).await.is(201).json();
    let since = world.service_journal().len();
    world.delete(Board, &address, "*").await.refused(404, "not_found");
    world.delete(Lead, &address, "*").await.refused(404, "not_found");
    world.post(Board, "/v1/tokens", json!({"name": ""})).await.refused(422, "invalid");
    world.post(Board, "links", json!({"name": "x", "table": "series"})).await.refused(422, "invalid");
    world.post(Manager, "clients", json!({"title": "x"})).await.refused(403, "not_allowed");
    let only = format!("clients/{}/secrets/{}", text(&client["id"]), text(&client["secrets"][0]["id"]));
    world.delete(Administrator, &only, "*").await.refused(409, "conflict");
    assert_eq!(deeds(world, since), []);
}

async fn a_plan_that_is_removed_leaves_the_end_of_its_links_and_clients(world: &World) {
    small(world).await;
    let plan = json!({"code": "slip", "title": "A slip", "starts_on": "2009-04-01", "ends_on": "2010-03-31"});
    world.post(Administrator, "/v1/plans", plan).await.is(201);
    let terms = json!({"name": "x", "table": "readings"});
    world.post(Administrator, "/v1/plans/slip/links", terms).await.is(201);
    world.post(Administrator, "/v1/plans/slip/clients", json!({"title": "x"})).await.is(201);
    let since = world.service_journal().len();
    world.delete(Administrator, "/v1/plans/slip", "*").await.is(204);
    let entries = world.service_journal().split_off(since);
    let actions: BTreeSet<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!((entries.len(), actions), (2, BTreeSet::from(["client.removed", "link.removed"])));
    for entry in &entries {
        assert_eq!(entry.actor.as_str(), Administrator.name());
        assert_eq!((entry.after.as_ref(), entry.reason.as_deref()), (None, Some("The plan was removed.")));
        assert_eq!(entry.before.as_ref().unwrap()["plan"], "slip");
    }
}

async fn who_reads_the_plan_learns_nothing_from_it(world: &World) {
    small(world).await;
    let version = world.version().await;
    let mut before = Vec::new();
    let pages = ["status-report", "kpis", "changes", ""];
    for page in pages {
        let answer = world.get(Partner, page).await.is(200);
        before.push((answer.tag(), answer.text()));
    }
    let journal = world.get(Administrator, "journal").await.is(200).text();
    world.post(Partner, "links", json!({"name": "ours", "table": "readings"})).await.is(201);
    let link = world.post(Manager, "links", json!({"name": "x", "table": "readings"})).await.is(201).json();
    world.delete(Manager, &format!("links/{}", text(&link["id"])), "*").await.is(204);
    let client = world.post(Administrator, "clients", json!({"title": "x"})).await.is(201).json();
    world.delete(Administrator, &format!("clients/{}", text(&client["id"])), "*").await.is(204);
    world.post(Lead, "/v1/tokens", json!({"name": "x", "plan": "small"})).await.is(201);
    for (page, before) in pages.into_iter().zip(before) {
        let answer = world.get(Partner, page).await.is(200);
        assert_eq!((answer.tag(), answer.text()), before, "{page}");
    }
    assert_eq!(world.get(Administrator, "journal").await.is(200).text(), journal);
    assert_eq!(world.version().await, version);
}

/// A token that is bound to a plan refers to the plan, and a link is made while the plan is locked: on PostgreSQL neither may
/// wait for the other for ever.
async fn writers_of_two_instances_keep_one_chain(world: &World) {
    small(world).await;
    let other = world.another_instance().await;
    let doors = [&**world, &other];
    let since = world.service_journal().len();
    let write = |writer: usize| async move {
        for turn in 0..5 {
            let door = doors[(writer + turn) % 2];
            if writer.is_multiple_of(2) {
                door.post(Manager, "links", json!({"name": "x", "table": "readings"})).await.is(201);
            } else {
                let made = door.post(Lead, "/v1/tokens", json!({"name": "x", "plan": "small"})).await.is(201).json();
                door.delete(Lead, &format!("/v1/tokens/{}", text(&made["id"])), "*").await.is(204);
            }
        }
    };
    join_all((0..8).map(write)).await;
    let entries = world.service_journal();
    assert_eq!(entries.len(), since + 4 * 5 + 2 * 4 * 5);
    assert!(entries.iter().zip(1..).all(|(entry, seq)| entry.seq.0 == seq), "{entries:?}");
}
