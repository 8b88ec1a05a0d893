//! The change feed: a copy of the plan that is kept by it is what the reader sees, and hears of changes as they are made.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::small;
use crate::support::{Actor, World};

use Actor::{Administrator, Board, Lead, Manager, Partner, Public, Stranger};

on_both! {
    a_copy_is_told_what_to_let_go
    a_kpi_that_is_published_no_longer_leaves_the_partner_s_copy
    a_partner_s_copy_holds_no_small_number
    what_a_reader_never_saw_leaves_no_trace
    a_reader_who_is_ahead_starts_over
    a_reader_whose_access_changes_starts_over
    a_poll_waits_for_this_instance_s_writes
    a_poll_waits_for_another_instance_s_writes
    a_poll_ends_when_its_time_is_over_or_the_service_stops
}

/// The feed from a place on.
async fn feed(world: &World, actor: Actor, after: u64) -> Value {
    world.get(actor, &format!("changes?after={after}&limit=1000")).await.is(200).json()
}

/// A copy that is kept by the feed: what there is, by kind and key.
#[derive(Default)]
struct Mirror {
    things: BTreeMap<(String, String), Value>,
    after: u64,
    view: Option<String>,
}

impl Mirror {
    /// Follows the feed to its end, a few entries at a time, and does as it says.
    async fn follow(&mut self, world: &World, actor: Actor) {
        loop {
            let view = self.view.as_ref().map_or_else(String::new, |view| format!("&view={view}"));
            let stretch = world.get(actor, &format!("changes?after={}&limit=7{view}", self.after)).await.is(200).json();
            if stretch["start_over"] == true {
                *self = Self::default();
                continue;
            }
            self.view = stretch["view"].as_str().map(str::to_owned);
            for item in stretch["items"].as_array().unwrap() {
                let (kind, key) = (item["kind"].as_str().unwrap().to_owned(), item["key"].as_str().unwrap().to_owned());
                if item["gone"].is_null() {
                    self.things.insert((kind, key), item["after"].clone());
                    continue;
                }
                if kind == "kpi" {
                    // What belongs to a KPI goes with it.
                    self.things.retain(|(_, of), _| of.split('/').next() != Some(key.as_str()));
                }
                self.things.remove(&(kind, key));
            }
            let next = stretch["next"].as_u64().unwrap();
            if next == self.after {
                return;
            }
            self.after = next;
        }
    }

    fn keys(&self, kind: &str) -> Vec<&str> {
        self.things.keys().filter(|(known, _)| known == kind).map(|(_, key)| key.as_str()).collect()
    }

    fn value(&self, key: &str) -> &Value {
        &self.things[&("reading".to_owned(), key.to_owned())]
    }
}

async fn a_copy_is_told_what_to_let_go(world: &World) {
    small(world).await;
    let start = world.version().await;
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    world.delete(Manager, "kpis/NI-117/targets/FY2009-10", "*").await.is(204);
    world.post(Manager, "organisations", json!({"code": "new", "title": "New"})).await.is(201);
    world.delete(Manager, "organisations/new", "*").await.is(204);
    world.delete(Manager, "kpis/NI-112", "*").await.is(204);
    for actor in [Board, Partner] {
        let stretch = feed(world, actor, start).await;
        let told: Vec<_> =
            stretch["items"].as_array().unwrap().iter().map(|item| (&item["key"], &item["gone"])).collect();
        let removed = [
            (&json!("NI-117/FY2009-10"), &Value::Null),
            (&json!("NI-117/FY2009-10"), &json!("removed")),
            (&json!("new"), &Value::Null),
            (&json!("new"), &json!("removed")),
            (&json!("NI-112"), &json!("archived")),
        ];
        if actor == Board {
            assert_eq!(told, removed);
        } else {
            // Outside the partnership a thing is told of once, as it stands; and this KPI was never theirs to see.
            assert_eq!(told, [removed[1], removed[3]]);
        }
        assert_eq!(stretch["next"], start + 5);
    }
    let mut mirror = Mirror::default();
    mirror.follow(world, Board).await;
    assert!(!mirror.keys("kpi").contains(&"NI-112") && mirror.keys("kpi").contains(&"NI-117"));
    assert_eq!(mirror.keys("target"), [""; 0]);
    assert!(!mirror.keys("organisation").contains(&"new"));
}

async fn a_kpi_that_is_published_no_longer_leaves_the_partner_s_copy(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/LI-CALLS/targets/FY2009-10", json!({"value": 500})).await.is(201);
    world.put(Manager, "kpis/LI-CALLS/readings/2009-06", json!({"value": 120})).await.is(201);
    let mut mirror = Mirror::default();
    mirror.follow(world, Partner).await;
    assert!(mirror.keys("kpi").contains(&"LI-CALLS"));
    assert_eq!(mirror.value("LI-CALLS/2009-06/all")["value"], 120);
    world.patch(Manager, "kpis/LI-CALLS", "*", json!({"publication": "internal"})).await.is(200);
    world.put(Manager, "kpis/LI-CALLS/readings/2009-07", json!({"value": 150})).await.is(201);
    let stretch = feed(world, Partner, mirror.after).await;
    assert_eq!(stretch["items"].as_array().unwrap().len(), 1, "{stretch}");
    let tombstone = &stretch["items"][0];
    assert_eq!((&tombstone["key"], &tombstone["gone"]), (&json!("LI-CALLS"), &json!("hidden")));
    for member in ["before", "after", "reason", "actor"] {
        assert_eq!(tombstone[member], Value::Null, "{tombstone}");
    }
    mirror.follow(world, Partner).await;
    assert!(!mirror.things.keys().any(|(_, key)| key.starts_with("LI-CALLS")));
    // Published again, everything of it comes back.
    world.patch(Manager, "kpis/LI-CALLS", "*", json!({"publication": "partners"})).await.is(200);
    mirror.follow(world, Partner).await;
    assert_eq!(mirror.keys("target"), ["LI-CALLS/FY2009-10"]);
    assert_eq!(mirror.keys("reading"), ["LI-CALLS/2009-06/all", "LI-CALLS/2009-07/all"]);
    assert_eq!(mirror.value("LI-CALLS/2009-07/all")["value"], 150);
}

async fn a_partner_s_copy_holds_no_small_number(world: &World) {
    small(world).await;
    let post = async |quarter: &str, group: &str, value: u32| {
        let path = format!("kpis/LI-INJURIES/readings/FY2009-10-{quarter}?group={group}");
        let figure = json!({"value": value, "commentary": "withheld-words", "reason": "withheld-words"});
        assert!(world.put(Manager, &path, figure).await.status < 300);
    };
    post("Q1", "all", 12).await;
    post("Q1", "girls", 8).await;
    let mut mirror = Mirror::default();
    mirror.follow(world, Partner).await;
    assert_eq!(mirror.value("LI-INJURIES/FY2009-10-Q1/all")["value"], 12);
    // One small figure, and what it could be worked out from is withheld with it: the copy must hear of that, too.
    post("Q1", "boys", 4).await;
    let stretch = feed(world, Partner, mirror.after).await;
    let of_groups = stretch["items"].as_array().unwrap().iter().filter(|item| item["after"]["group"] != "all");
    for item in of_groups {
        assert!(!item.to_string().contains("withheld-words"), "{item}");
    }
    mirror.follow(world, Partner).await;
    for group in ["girls", "boys"] {
        let reading = mirror.value(&format!("LI-INJURIES/FY2009-10-Q1/{group}"));
        assert_eq!((&reading["suppressed"], reading.get("value")), (&json!(true), None), "{reading}");
    }
    // A lower threshold uncovers them.
    world.patch(Manager, "", "*", json!({"small_number_threshold": 3})).await.is(200);
    mirror.follow(world, Partner).await;
    assert_eq!(mirror.value("LI-INJURIES/FY2009-10-Q1/boys")["value"], 4);
    let mut fresh = Mirror::default();
    fresh.follow(world, Partner).await;
    assert_eq!(fresh.things, mirror.things, "who comes late has the same copy");
}

async fn what_a_reader_never_saw_leaves_no_trace(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-87/readings/AY2008-09-T3", json!({"value": 7})).await.is(201);
    world.patch(Manager, "kpis/NI-87", "*", json!({"title": "Another"})).await.is(200);
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(201);
    world.post(Lead, "actions", super::actions::action("NI-117", json!({}))).await.is(201);
    for actor in [Partner, Public] {
        let stretch = feed(world, actor, 0).await;
        let told = stretch.to_string();
        for hidden in ["NI-87", "NI-112", "grant", "action.opened", Manager.name(), Lead.name(), "hidden"] {
            assert!(!told.contains(hidden), "{hidden} in {told}");
        }
        assert!(told.contains("NI-117/FY2009-10-Q1/all"));
        assert_eq!(stretch["next"], world.version().await);
    }
    world.get(Stranger, "changes").await.refused(404, "not_found");
    world.get(Partner, "journal").await.refused(403, "not_allowed");
    // Published, it is told of as it stands, and not as it was while it was not theirs to see.
    for (value, reason) in [(11, "a first offer"), (22, "as agreed")] {
        let target = json!({"value": value, "rationale": reason, "reason": reason});
        let benchmark = json!({"figures": [{"authority": "england", "title": "England", "value": value + 100}]});
        for (path, body) in [("kpis/NI-87/targets/AY2009-10", target), ("benchmarks/NI-87/AY2008-09-T3", benchmark)] {
            let put = world.put(Manager, path, body);
            if value == 11 {
                put.await.is(201)
            } else {
                put.header("if-match", "*").await.is(200)
            };
        }
    }
    world.patch(Manager, "kpis/NI-87", "*", json!({"publication": "partners"})).await.is(200);
    let mut told = String::new();
    for after in 0..world.version().await {
        told += &world.get(Partner, &format!("changes?after={after}&limit=1")).await.is(200).text();
    }
    assert!(told.contains("as agreed") && told.contains("122"), "{told}");
    assert!(!told.contains("a first offer") && !told.contains("111"), "{told}");
}

async fn a_reader_who_is_ahead_starts_over(world: &World) {
    small(world).await;
    let version = world.version().await;
    assert_eq!(feed(world, Board, version).await["start_over"], false);
    for ahead in [version + 1, 9_223_372_036_854_775_807] {
        for actor in [Board, Partner] {
            assert_eq!(feed(world, actor, ahead).await["start_over"], true, "another database's place");
        }
    }
}

async fn a_reader_whose_access_changes_starts_over(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-87/readings/AY2008-09-T3", json!({"value": 7})).await.is(201);
    let mut mirror = Mirror::default();
    mirror.follow(world, Partner).await;
    assert_eq!(mirror.keys("reading"), [""; 0]);
    let view = feed(world, Partner, mirror.after).await["view"].as_str().unwrap().to_owned();
    let ask =
        async |actor| world.get(actor, &format!("changes?view={view}")).await.is(200).json()["start_over"].clone();
    assert_eq!(ask(Partner).await, false);
    let grant = json!({"subject": Partner.name(), "role": "board"});
    let grant = world.post(Administrator, "grants", grant).await.is(201);
    assert_eq!(ask(Partner).await, true);
    mirror.follow(world, Partner).await;
    assert_eq!(mirror.value("NI-87/AY2008-09-T3/all")["value"], 7);
    world.delete(Administrator, grant.header("location").unwrap(), "*").await.is(204);
    mirror.follow(world, Partner).await;
    assert_eq!((mirror.keys("reading"), mirror.keys("grant")), (vec![], vec![]));
}

async fn a_poll_waits_for_this_instance_s_writes(world: &World) {
    small(world).await;
    let after = world.version().await;
    let path = format!("changes?after={after}");
    let began = Instant::now();
    // Twenty wait, and one write wakes them all.
    let polls = (0..20).map(|_| async {
        let answer = world.get(Board, &path).header("prefer", "respond-async, wait=60").await.is(200);
        assert_eq!(answer.header("preference-applied"), Some("wait=60"));
        assert_eq!(answer.json()["items"][0]["key"], "NI-117/FY2009-10-Q1/all", "{answer}");
    });
    let write = async { world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(201) };
    join(futures_util::future::join_all(polls), write).await;
    // What is there already is not waited for.
    let answer = world.get(Board, &path).header("prefer", "wait=60").await.is(200);
    assert_eq!(answer.json()["next"], after + 1);
    assert!(began.elapsed() < Duration::from_secs(50));
}

async fn a_poll_waits_for_another_instance_s_writes(world: &World) {
    small(world).await;
    let other = world.another_instance().await;
    let after = world.version().await;
    let path = format!("changes?after={after}");
    let began = Instant::now();
    let poll = async { world.get(Board, &path).header("prefer", "wait=60").await.is(200).json() };
    let write = async { other.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(201) };
    let (told, _) = join(poll, write).await;
    assert_eq!(told["items"][0]["kind"], "reading");
    assert!(began.elapsed() < Duration::from_secs(50));
}

async fn a_poll_ends_when_its_time_is_over_or_the_service_stops(world: &World) {
    small(world).await;
    let path = format!("changes?after={}", world.version().await);
    let answer = world.get(Board, &path).header("prefer", "wait=0").await.is(200);
    assert_eq!((answer.json()["items"].clone(), answer.header("preference-applied")), (json!([]), Some("wait=0")));
    world.get(Board, &path).header("if-none-match", &answer.tag()).header("prefer", "wait=0").await.is(304);
    for unreadable in ["wait", "wait=soon", "wait=-1", "handling=lenient"] {
        let answer = world.get(Board, &path).header("prefer", unreadable).await.is(200);
        assert_eq!(answer.header("preference-applied"), None, "{answer}");
    }
    let began = Instant::now();
    let poll = async { world.get(Board, &path).header("prefer", "wait=600").await.is(200) };
    let stop = async { world.stop_waiting() };
    let (answer, ()) = join(poll, stop).await;
    assert_eq!((answer.header("preference-applied"), answer.json()["items"].clone()), (Some("wait=60"), json!([])));
    assert!(began.elapsed() < Duration::from_secs(50));
}
