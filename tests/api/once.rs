//! Requests that are carried out once, callers that ask too often, and answers that browsers and proxies can work with.

use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use waymark::http::settings::Settings;

use crate::on_both;
use crate::support::plan::small;
use crate::support::{Actor, World, operations, settings};

use Actor::{Administrator, Board, Lead, Manager, Nobody};

on_both! {
    the_same_request_with_the_same_key_is_carried_out_once
    a_hundred_requests_with_one_key_have_one_effect
    a_key_stands_for_one_request_of_one_caller
    an_answer_is_given_again_only_to_whoever_may_do_as_much
    a_refused_request_may_be_sent_again_with_its_key
    a_key_is_forgotten_after_a_day
    an_import_with_a_key_is_carried_out_once
    what_holds_a_secret_is_not_answered_twice
    every_post_that_creates_tells_of_its_key
    fifty_writers_with_one_state_have_one_winner
    whoever_asks_too_often_is_told_to_wait
    an_answer_is_compressed_for_whoever_takes_it
    pages_of_allowed_origins_may_ask_from_a_browser
}

fn organisation(code: &str) -> Value {
    json!({"code": code, "title": code})
}

async fn the_same_request_with_the_same_key_is_carried_out_once(world: &World) {
    small(world).await;
    for (path, body) in [
        ("organisations", organisation("new")),
        ("grants", json!({"subject": "someone", "role": "board"})),
        ("actions", super::actions::action("NI-117", json!({}))),
        ("board-reports", json!({"title": "May"})),
        ("/v1/plans", json!({"code": "other", "title": "A", "starts_on": "2009-04-01", "ends_on": "2010-03-31"})),
        ("successor", json!({"code": "next", "title": "A", "starts_on": "2011-04-01", "ends_on": "2012-03-31"})),
    ] {
        let ask = || world.post(Administrator, path, body.clone()).header("idempotency-key", &format!("\"{path}\""));
        let first = ask().await.is(201);
        let version = world.version().await;
        assert_eq!(first.header("idempotency-replayed"), None);
        for _ in 0..2 {
            let again = ask().await.is(201);
            assert_eq!(again.header("idempotency-replayed"), Some("true"));
            assert_eq!(again.body, first.body, "{path}");
            for name in ["location", "etag", "content-type"] {
                assert_eq!(again.header(name), first.header(name), "{path}");
            }
        }
        assert_eq!(world.version().await, version, "{path}");
    }
}

async fn a_hundred_requests_with_one_key_have_one_effect(world: &World) {
    small(world).await;
    let before = world.version().await;
    let other = world.another_instance().await;
    let doors = [&**world, &other];
    let asked = (0..100).map(|place: usize| {
        let ask = doors[place % 2].post(Administrator, "grants", json!({"subject": "someone", "role": "board"}));
        ask.header("idempotency-key", "one").into_future()
    });
    let answers = join_all(asked).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!made.is_empty());
    for answer in &answers {
        match answer.status {
            201 => assert_eq!(answer.body, made[0].body, "{answer}"),
            _ => assert_eq!((answer.status, answer.code().as_str()), (409, "already_carried_out"), "{answer}"),
        }
    }
    assert_eq!(world.version().await, before + 1, "one effect");
}

async fn a_key_stands_for_one_request_of_one_caller(world: &World) {
    small(world).await;
    let post = |actor, path: &'static str, body: Value| world.post(actor, path, body).header("idempotency-key", "k");
    post(Administrator, "organisations", organisation("one")).await.is(201);
    post(Administrator, "organisations", organisation("two")).await.refused(422, "key_reused");
    post(Administrator, "outcome-areas", organisation("one")).await.refused(422, "key_reused");
    world.get(Board, "organisations/two").await.refused(404, "not_found");
    post(Manager, "organisations", organisation("two")).await.is(201);
    // Nobody learns of another's key: a stranger's is their own.
    post(Actor::Stranger, "organisations", organisation("one")).await.refused(404, "not_found");
    for bad in ["", "\"\"", &"x".repeat(256)] {
        let ask = world.post(Administrator, "organisations", organisation("three")).header("idempotency-key", bad);
        ask.await.refused(400, "malformed_request");
    }
}

async fn an_answer_is_given_again_only_to_whoever_may_do_as_much(world: &World) {
    small(world).await;
    let plan = json!({"code": "other", "title": "Other", "starts_on": "2009-04-01", "ends_on": "2010-03-31"});
    world.post(Administrator, "/v1/plans", plan).await.is(201);
    let action = super::actions::action("NI-117", json!({}));
    let ask = |actor| world.post(actor, "actions", action.clone()).header("idempotency-key", "k");
    ask(Administrator).await.is(201);
    // A token of the same person for another plan, or of another role, is told nothing of it.
    for (terms, status, code) in [
        (json!({"name": "x", "methods": ["POST"], "plan": "other"}), 404, "not_found"),
        (json!({"name": "x", "methods": ["POST"], "plan": "small"}), 201, ""),
    ] {
        let token = world.post(Administrator, "/v1/tokens", terms).await.is(201).json();
        let token = format!("Bearer {}", token["token"].as_str().unwrap());
        let answer = ask(Nobody).header("authorization", &token).await.is(status);
        assert!(status == 201 || answer.code() == code, "{answer}");
    }
    // Nor is whoever may do less by now.
    ask(Manager).await.is(201);
    let grants = world.get(Administrator, "grants").await.is(200).json();
    let held = grants["items"].as_array().unwrap().iter().find(|grant| grant["subject"] == Manager.name()).unwrap();
    let partner = json!({"subject": Manager.name(), "role": "partner", "organisation": "pct"});
    world.post(Administrator, "grants", partner).await.is(201);
    world.delete(Administrator, &format!("grants/{}", held["id"].as_str().unwrap()), "*").await.is(204);
    ask(Manager).await.refused(422, "key_reused");
}

async fn a_refused_request_may_be_sent_again_with_its_key(world: &World) {
    small(world).await;
    let priority = json!({"code": "new-1", "title": "New", "outcome_area": "new"});
    let post = || world.post(Manager, "priorities", priority.clone()).header("idempotency-key", "k");
    post().await.refused(422, "invalid");
    world.post(Manager, "outcome-areas", organisation("new")).await.is(201);
    post().await.is(201);
    post().await.is(201);
}

async fn a_key_is_forgotten_after_a_day(world: &World) {
    small(world).await;
    let post = || world.post(Manager, "organisations", organisation("new")).header("idempotency-key", "k");
    post().await.is(201);
    world.now_is("2010-05-15T11:59:59Z");
    post().await.is(201);
    world.now_is("2010-05-15T12:00:00Z");
    post().await.refused(409, "conflict");
}

async fn an_import_with_a_key_is_carried_out_once(world: &World) {
    small(world).await;
    let import = |value: &str| {
        let file = format!("kpi,period,value\nNI-117,FY2009-10-Q1,{value}\n");
        world.import(Lead, "readings", file).header("idempotency-key", "file")
    };
    let first = import("4.5").await.is(200);
    assert_eq!(first.json()["created"], 1);
    // Changed since, it would be changed back by a request that is carried out twice.
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 5})).await.is(200);
    let again = import("4.5").await.is(200);
    assert_eq!((again.body, again.headers.get("idempotency-replayed").is_some()), (first.body, true));
    assert_eq!(world.get(Lead, "kpis/NI-117/readings/FY2009-10-Q1").await.is(200).json()["value"], json!(5));
    let refused = import("6").await.refused(422, "key_reused");
    assert_eq!(refused.json()["created"], 0, "{refused}");
    // So is one that found everything as it is: what others changed since stays.
    let file = "kpi,period,value\nNI-117,FY2009-10-Q1,5\n";
    let nothing = || world.import(Lead, "readings", file).header("idempotency-key", "nothing");
    assert_eq!(nothing().await.is(200).json()["unchanged"], 1);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 6})).await.is(200);
    let again = nothing().await.is(200);
    assert_eq!((&again.json()["unchanged"], again.header("idempotency-replayed")), (&json!(1), Some("true")));
    assert_eq!(world.get(Lead, "kpis/NI-117/readings/FY2009-10-Q1").await.is(200).json()["value"], json!(6));
    // Two keys are none.
    let two = world.import(Lead, "readings", file).header("idempotency-key", "a").header("idempotency-key", "b");
    two.await.refused(400, "malformed_request");
}

async fn what_holds_a_secret_is_not_answered_twice(world: &World) {
    small(world).await;
    for (path, body) in [
        ("/v1/tokens", json!({"name": "x"})),
        ("links", json!({"name": "x", "table": "readings"})),
        ("clients", json!({"title": "x"})),
        ("webhooks", json!({"url": "https://partner.example/hook"})),
    ] {
        let post = || world.post(Administrator, path, body.clone()).header("idempotency-key", path);
        post().await.is(201);
        post().await.refused(409, "already_carried_out");
        assert_eq!(world.get(Administrator, path).await.is(200).json()["items"].as_array().unwrap().len(), 1);
    }
}

async fn every_post_that_creates_tells_of_its_key(_: &World) {
    for operation in operations().filter(|operation| operation.method == "post") {
        // Trying a policy and signing in make nothing.
        let makes = !["tryPolicy", "getAccessToken"].contains(&operation.id);
        assert_eq!(operation.takes("Idempotency-Key"), makes, "{}", operation.id);
        let secret = ["createToken", "createLink", "createWebhook", "rotateWebhook", "createClient", "addClientSecret"];
        let once = operation.says_of("Idempotency-Key").contains("`already_carried_out`");
        assert_eq!(once, secret.contains(&operation.id), "{}", operation.id);
    }
}

async fn fifty_writers_with_one_state_have_one_winner(world: &World) {
    small(world).await;
    let tag = world.get(Manager, "kpis/NI-117").await.is(200).tag();
    let other = world.another_instance().await;
    let doors = [&**world, &other];
    let asked = (0..50).map(|place: usize| {
        doors[place % 2].patch(Manager, "kpis/NI-117", &tag, json!({"title": format!("{place}")})).into_future()
    });
    let answers = join_all(asked).await;
    let statuses = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((statuses(200), statuses(412)), (1, 49));
}

async fn whoever_asks_too_often_is_told_to_wait(world: &World) {
    small(world).await;
    let strict = world.settled(Settings { rate_limit: std::num::NonZeroU32::new(3), ..settings() }).await;
    for left in (0..3).rev() {
        let answer = strict.get(Board, "kpis").await.is(200);
        assert_eq!(answer.header("ratelimit-policy"), Some("\"default\";q=3;w=60"));
        let told = answer.header("ratelimit").unwrap();
        assert!(told.starts_with(&format!("\"default\";r={left};t=")), "{told}");
    }
    let refused = strict.get(Board, "kpis").await.refused(429, "too_many_requests");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{refused}");
    assert!(refused.header("ratelimit").unwrap().starts_with("\"default\";r=0;"), "{refused}");
    // Each has their own.
    strict.get(Manager, "kpis").await.is(200);
    strict.get(Nobody, "/openapi.json").await.is(200);
    // Whoever is not let in counts for their address, and does not keep out those who are.
    for left in (0..2).rev() {
        let answer = strict.get(Nobody, "kpis").await.refused(401, "missing_token");
        assert!(answer.header("ratelimit").unwrap().starts_with(&format!("\"default\";r={left};")), "{answer}");
    }
    let refused = strict.get(Nobody, "kpis").await.refused(429, "too_many_requests");
    assert!(refused.header("retry-after").is_some(), "{refused}");
    strict.get(Nobody, "/openapi.json").await.refused(429, "too_many_requests");
    // Whoever asks whether the service lives is never refused, and counts for nobody.
    for probe in ["/livez", "/readyz", "/version", "/metrics"] {
        let answer = strict.get(Nobody, probe).await.is(200);
        assert_eq!(answer.header("ratelimit"), None, "{answer}");
    }
    strict.get(Manager, "kpis").await.is(200);
    assert_eq!(world.get(Board, "kpis").await.is(200).header("ratelimit"), None, "no limit, no word of it");
    // Behind a proxy that is trusted, it is the address that this one names.
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let limit = std::num::NonZeroU32::new(1);
    let behind = world.settled(Settings { rate_limit: limit, trusted_proxies, ..settings() }).await;
    for (address, status) in [("198.51.100.7", 401), ("198.51.100.8", 401), ("192.0.2.1, 198.51.100.7", 429)] {
        behind.get(Nobody, "kpis").header("x-forwarded-for", address).await.is(status);
    }
}

async fn an_answer_is_compressed_for_whoever_takes_it(world: &World) {
    small(world).await;
    let plain = world.get(Board, "kpis").await.is(200);
    for (accepted, encoding) in [("gzip", "gzip"), ("br", "br"), ("gzip;q=0.5, br", "br"), ("deflate", "deflate")] {
        let packed = world.get(Board, "kpis").header("accept-encoding", accepted).await.is(200);
        assert_eq!(packed.header("content-encoding"), Some(encoding));
        let vary: Vec<_> = packed.headers.get_all("vary").map(|one| one.to_str().unwrap().to_lowercase()).collect();
        assert!(vary.contains(&"accept-encoding".to_owned()) && vary.contains(&"accept".to_owned()), "{vary:?}");
        assert!(packed.body.len() < plain.body.len());
        // Other bytes, another tag; and each is known again.
        let tag = packed.tag();
        assert_ne!(tag, plain.tag());
        let same = world.get(Board, "kpis").header("accept-encoding", accepted).header("if-none-match", &tag).await;
        assert_eq!(same.is(304).tag(), tag);
        let known = world.get(Board, "kpis").header("if-none-match", &tag).await.is(304);
        // A cache tells them apart whichever it was sent.
        for answer in [&packed, &plain, &known] {
            let vary = answer.headers.get_all("vary").map(|one| one.to_str().unwrap().to_lowercase());
            assert_eq!(vary.filter(|vary| vary == "accept-encoding").count(), 1, "{answer}");
        }
    }
    // What was read compressed is changed by that tag all the same.
    let tag = world.get(Manager, "kpis/NI-117").header("accept-encoding", "br").await.tag();
    assert!(tag.ends_with("-br\""), "{tag}");
    world.patch(Manager, "kpis/NI-117", &tag, json!({"title": "New"})).await.is(200);
    // Whoever takes no encoding at all gets nothing, and has nothing done.
    let body = json!({"code": "new", "title": "New"});
    for ask in [world.get(Board, "kpis"), world.post(Manager, "organisations", body)] {
        let refused = ask.header("accept-encoding", "identity;q=0").await.refused(406, "not_acceptable");
        refused.tells("Accept-Encoding refuses");
    }
    world.get(Board, "organisations/new").await.refused(404, "not_found");
}

async fn pages_of_allowed_origins_may_ask_from_a_browser(world: &World) {
    small(world).await;
    let ours = "https://dashboard.example";
    let open = world.settled(Settings { cors_origins: vec![ours.to_owned()], ..settings() }).await;
    let preflight = |origin: &'static str| {
        open.ask(Method::OPTIONS, Nobody, "kpis/NI-117")
            .header("origin", origin)
            .header("access-control-request-method", "PATCH")
            .header("access-control-request-headers", "authorization,if-match,content-type")
    };
    let allowed = preflight("https://dashboard.example").await;
    assert_eq!(allowed.header("access-control-allow-origin"), Some(ours), "{allowed}");
    assert!(allowed.header("access-control-allow-methods").unwrap().contains("PATCH"));
    assert!(allowed.header("access-control-allow-headers").unwrap().to_lowercase().contains("if-match"));
    let refused = preflight("https://elsewhere.example").await;
    assert_eq!(refused.header("access-control-allow-origin"), None, "{refused}");
    refused.refused(400, "malformed_request").tells("Origin is not allowed to make this request.");
    let read = open.get(Board, "kpis").header("origin", ours).await.is(200);
    assert_eq!(read.header("access-control-allow-origin"), Some(ours));
    let exposed = read.header("access-control-expose-headers").unwrap().to_lowercase();
    assert!(["etag", "location", "link", "ratelimit"].iter().all(|name| exposed.contains(name)), "{exposed}");
    assert_eq!(read.header("access-control-allow-credentials"), None, "tokens are sent, and no cookies");
    // By default no page may.
    let closed = world.get(Board, "kpis").header("origin", ours).await.is(200);
    assert_eq!(closed.header("access-control-allow-origin"), None);
}
