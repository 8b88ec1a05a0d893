//! Random histories, replayed: whatever was done, every moment is answered later as it was answered then.

use actix_web::http::Method;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::{kpi, small};
use crate::support::{Actor, World};

use Actor::{Administrator, Board, Lead, Manager};

on_both! {
    every_moment_of_any_history_is_answered_as_it_was_then
}

/// What is asked at every moment.
const ASKED: &[&str] = &[
    "status-report?period=FY2009-10-Q2",
    "status-report?period=FY2009-10-Q4",
    "status-report.csv?period=FY2009-10-Q3&organisation=connexions",
    "kpis/NI-117/status?period=FY2009-10-Q3",
    "kpis/NI-117/series",
    "kpis/LI-GAP/series?from=FY2009-10-Q1&to=FY2009-10-Q4",
    "kpis/NI-117/readings/FY2009-10-Q2/history",
    "kpis?limit=1000",
    "readings?limit=1000",
    "targets?limit=1000",
    "policies?limit=1000",
    "rounds?limit=1000",
    "rounds/FY2009-10-Q2/returns",
    "outstanding",
];

/// One thing that somebody does.
#[derive(Clone, Debug)]
struct Deed {
    /// How many seconds after the one before; never at the same moment, which has one answer only.
    after: i64,
    actor: Actor,
    method: Method,
    path: String,
    body: Value,
}

fn quarter() -> impl Strategy<Value = &'static str> {
    select(vec!["FY2008-09-Q3", "FY2008-09-Q4", "FY2009-10-Q1", "FY2009-10-Q2", "FY2009-10-Q3"])
}

/// A deed: any of those that move what is asked about. Some are refused, by the rules or for want of what they are about.
fn deed() -> impl Strategy<Value = Deed> {
    let posted = select(vec!["NI-117", "LI-ASTHMA", "LI-INJURIES"]);
    let reading = (posted, quarter(), select(vec!["all", "looked-after"]), 0..13_u32, any::<[bool; 4]>()).prop_map(
        |(kpi, period, group, value, [provisional, nil, said, forecast])| {
            let mut body = json!({"reason": "Counted again.", "provisional": provisional});
            if nil && value > 9 {
                body["nil_return"] = json!("Not collected.");
            } else {
                body["value"] = json!(value);
            }
            if said {
                body["commentary"] = json!(format!("It was {value}."));
            }
            if forecast {
                body["forecast"] = json!(value + 1);
            }
            (Administrator, Method::PUT, format!("kpis/{kpi}/readings/{period}?group={group}"), body)
        },
    );
    let target = (select(vec!["NI-117", "LI-ASTHMA", "LI-GAP"]), select(vec!["FY2009-10", "FY2009-10-Q2"]), 1..12_u32)
        .prop_map(|(kpi, period, value)| {
            let state = if value == 7 { "placeholder" } else { "agreed" };
            let body = json!({"value": value, "reason": "Agreed anew.", "state": state});
            (Manager, Method::PUT, format!("kpis/{kpi}/targets/{period}"), body)
        });
    let away = select(vec!["kpis/NI-117/targets/FY2009-10-Q2", "rounds/FY2009-10-Q3"])
        .prop_map(|path| (Manager, Method::DELETE, path.to_owned(), Value::Null));
    let defined = select(vec![
        ("kpis/NI-117", json!({"definition": "Counted another way."})),
        ("kpis/NI-117", json!({"policy": "rag"})),
        ("kpis/NI-117", json!({"policy": "improving", "in_force_to": "2009-12-31"})),
        ("kpis/NI-117", json!({"in_force_to": null, "steady_margin": 1})),
        ("kpis/LI-ASTHMA", json!({"tolerance": {"kind": "points", "value": 2}})),
        (
            "kpis/LI-GAP",
            json!({"formula": {"kind": "gap", "of": "NI-117", "group": "all", "comparator": "looked-after"}}),
        ),
        ("policies/rag", json!({"tolerance": {"kind": "percent", "value": 40}})),
        ("policies/five-band", json!({"tolerance": {"kind": "percent", "value": 1}})),
        ("", json!({"headline": {"on_track_percent": 40, "at_risk_percent": 20}})),
        ("", json!({"return_rules": {"commentary_when_off_track": false}})),
        ("rounds/FY2009-10-Q2", json!({"due": "2009-11-05", "closes": "2009-11-20"})),
        ("organisations/connexions", json!({"title": "Connexions London West"})),
    ])
    .prop_map(|(path, body)| (Manager, Method::PATCH, path.to_owned(), body));
    let round = Just((
        Manager,
        Method::POST,
        "rounds".to_owned(),
        json!({"period": "FY2009-10-Q3", "opens": "2009-12-01", "due": "2010-01-20", "closes": "2010-02-10"}),
    ));
    let cycle = select(vec![
        (Lead, "submit", json!({})),
        (Lead, "submit", json!({})),
        (Manager, "sign-off", json!({})),
        (Manager, "return", json!({"note": "Look again."})),
        (Manager, "reopen", json!({"reason": "Miscounted."})),
    ])
    .prop_map(|(actor, step, body)| {
        (actor, Method::POST, format!("rounds/FY2009-10-Q2/returns/health-group/{step}"), body)
    });
    let deed = prop_oneof![8 => reading, 3 => target, 1 => away, 4 => defined, 1 => round, 4 => cycle];
    (deed, 1..700_000_i64).prop_map(|((actor, method, path, body), after)| Deed { after, actor, method, path, body })
}

async fn every_moment_of_any_history_is_answered_as_it_was_then(world: &World) {
    let seed: [u8; 32] = std::array::from_fn(|_| fresh());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let deeds = prop::collection::vec(deed(), 60).new_tree(&mut runner).unwrap().current();
    let mut now = crate::support::instant("2009-10-01T09:00:00Z");
    world.now_is(&now.to_rfc3339());
    small(world).await;
    let gap = json!({"formula": {"kind": "gap", "of": "NI-117", "group": "looked-after", "comparator": "all"}, "unit": "percentage_points"});
    world.post(Manager, "kpis", kpi("LI-GAP", gap)).await.is(201);
    let round = json!({"period": "FY2009-10-Q2", "opens": "2009-10-01", "due": "2009-10-31", "closes": "2009-11-14"});
    world.post(Manager, "rounds", round).await.is(201);
    let mut answers = Vec::new();
    let mut done = 0;
    for deed in &deeds {
        now += chrono::Duration::seconds(deed.after);
        let moment = now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        world.now_is(&moment);
        let ask = world.ask(deed.method.clone(), deed.actor, &deed.path);
        let ask = match deed.method {
            Method::PATCH => ask.merge(deed.body.clone()).header("if-match", "*"),
            Method::DELETE => ask.header("if-match", "*"),
            Method::PUT if deed.path.contains("/targets/") => {
                let there = world.get(Board, &deed.path).await.status == 200;
                let ask = ask.json(deed.body.clone());
                if there { ask.header("if-match", "*") } else { ask }
            }
            _ => ask.json(deed.body.clone()),
        };
        let version = world.version().await;
        let answer = ask.await;
        // What was refused, or changed nothing, left the moment before as the present one.
        if answer.status >= 300 || world.version().await == version {
            continue;
        }
        done += 1;
        for path in ASKED {
            let answer = world.get(Board, path).await;
            answers.push((moment.clone(), *path, answer.status, told(&answer.text())));
        }
    }
    assert!(done > 20, "only {done} of {} deeds were done; seed {seed:?}", deeds.len());
    world.now_is("2012-01-01T00:00:00Z");
    for (moment, path, status, then) in answers {
        let asked = format!("{path}{}as_of={moment}", if path.contains('?') { '&' } else { '?' });
        let now = world.get(Board, &asked).await;
        assert_eq!((now.status, told(&now.text())), (status, then), "{asked}; seed {seed:?}; {deeds:#?}");
    }
}

/// The body of an answer; of a problem, all but the request that met it.
fn told(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(mut body) if body["instance"].is_string() => {
            body["instance"].take();
            body.to_string()
        }
        _ => text.to_owned(),
    }
}

/// A byte that is another one each time.
fn fresh() -> u8 {
    use std::hash::{BuildHasher, RandomState};
    u8::try_from(RandomState::new().hash_one(0) & 0xff).unwrap()
}
