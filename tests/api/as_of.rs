//! As known when: every answer of the past can be had again, and time alone moves what is due.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::small;
use crate::support::{Actor, World};

use Actor::{Administrator, Board, Lead, Manager, Partner};

on_both! {
    every_moment_is_answered_as_it_was_then
    before_the_plan_there_is_nothing
    a_moment_to_come_is_refused
    a_figure_is_not_due_then_awaited_then_overdue
    what_was_due_then_is_asked_as_of_then
    a_day_that_ends_changes_the_tag
    a_restatement_keeps_the_old_figure_and_its_reason
    the_later_periods_that_moved_are_told
}

/// What is asked at every moment. The figures of the sensitive KPI are there to be withheld, then as now.
const ASKED: [&str; 13] = [
    "status-report?period=FY2009-10-Q3",
    "status-report.csv?period=FY2009-10-Q4",
    "kpis/NI-117/status?period=FY2009-10-Q3",
    "kpis/NI-117/series",
    "kpis/NI-117",
    "kpis",
    "kpis/NI-117/readings",
    "kpis/NI-117/readings/FY2009-10-Q3/history",
    "kpis/NI-117/targets",
    "readings.csv",
    "targets.csv",
    "policies/five-band",
    "organisations?limit=1000",
];

/// Who asked what, and the status and text of the answer.
type Seen = (Actor, &'static str, u16, String);

async fn every_moment_is_answered_as_it_was_then(world: &World) {
    world.now_is("2009-12-01T09:00:00Z");
    small(world).await;
    let history = [
        ("2009-12-02T09:00:00Z", Method::PUT, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})),
        (
            "2010-01-10T09:00:00Z",
            Method::PUT,
            "kpis/NI-117/readings/FY2009-10-Q3",
            json!({"value": 4.9, "provisional": true}),
        ),
        (
            "2010-01-20T09:00:00Z",
            Method::PUT,
            "kpis/LI-INJURIES/readings/FY2009-10-Q3",
            json!({"value": 3, "commentary": "Few"}),
        ),
        (
            "2010-01-29T09:00:00Z",
            Method::PUT,
            "kpis/NI-117/readings/FY2009-10-Q3",
            json!({"value": 5.2, "reason": "Final"}),
        ),
        (
            "2010-02-05T09:00:00Z",
            Method::PUT,
            "kpis/NI-117/targets/FY2009-10",
            json!({"value": 5.5, "reason": "Too hard"}),
        ),
        (
            "2010-02-15T09:00:00Z",
            Method::PATCH,
            "kpis/NI-117",
            json!({"title": "NEET", "policy": "rag", "definition": "Anew."}),
        ),
        ("2010-02-16T09:00:00Z", Method::PATCH, "policies/rag", json!({"tolerance": {"kind": "percent", "value": 1}})),
        (
            "2010-03-15T09:00:00Z",
            Method::PUT,
            "kpis/LI-INJURIES/readings/FY2009-10-Q3",
            json!({"value": 30, "reason": "Miscounted"}),
        ),
        ("2010-04-10T09:00:00Z", Method::PUT, "kpis/NI-117/readings/FY2009-10-Q4", json!({"value": 4})),
        ("2010-04-11T09:00:00Z", Method::DELETE, "kpis/NI-117/targets/FY2009-10", Value::Null),
        ("2010-04-12T09:00:00Z", Method::POST, "organisations", json!({"code": "new", "title": "New"})),
        ("2010-04-13T09:00:00Z", Method::DELETE, "kpis/LI-CALLS", Value::Null),
    ];
    let mut moments: Vec<(String, Vec<Seen>)> = Vec::new();
    for (at, method, path, body) in history {
        world.now_is(at);
        let ask = world.ask(method.clone(), Administrator, path);
        let ask = match method {
            Method::PATCH => ask.merge(body).header("if-match", "*"),
            Method::DELETE => ask.header("if-match", "*"),
            _ if path.contains("targets") && moments.len() > 1 => ask.json(body).header("if-match", "*"),
            _ => ask.json(body),
        };
        let answer = ask.await;
        assert!(answer.status < 300, "{answer}");
        // Till the day ends, the present is the moment of the last change.
        world.now_is(&at.replace("09:00:00", "10:30:00"));
        let mut seen = Vec::new();
        for actor in [Board, Partner] {
            for path in ASKED {
                let answer = world.get(actor, path).await;
                seen.push((actor, path, answer.status, without_instance(&answer.text())));
            }
        }
        moments.push((at.to_owned(), seen));
    }
    assert_ne!(moments[3].1[0], moments[4].1[0], "the history has something to tell");
    world.now_is("2011-01-01T00:00:00Z");
    for (moment, seen) in &moments {
        for (actor, path, status, then) in seen {
            let asked = format!("{path}{}as_of={moment}", if path.contains('?') { '&' } else { '?' });
            let now = world.get(*actor, &asked).await;
            assert_eq!(
                (now.status, &without_instance(&now.text())),
                (*status, then),
                "{path} at {moment} for {actor:?}"
            );
        }
    }
    // An offset is the same instant, and the answer of the past has a tag that stays.
    let (moment, seen) = &moments[4];
    let offset = moment.replace("09:00:00Z", "10:00:00%2B01:00");
    let address = format!("status-report?period=FY2009-10-Q3&as_of={offset}");
    let report = world.get(Board, &address).await.is(200);
    assert_eq!(report.text(), seen[0].3);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q2", json!({"value": 4})).await.is(201);
    world.now_is("2011-02-01T00:00:00Z");
    world.get(Board, &address).header("if-none-match", &report.tag()).await.is(304);
}

/// A problem names its request; nothing else in an answer does.
fn without_instance(text: &str) -> String {
    text.split("\"instance\":\"")
        .enumerate()
        .map(|(place, part)| if place == 0 { part } else { part.split_once('"').unwrap().1 })
        .collect()
}

async fn before_the_plan_there_is_nothing(world: &World) {
    small(world).await;
    world.now_is("2010-06-01T00:00:00Z");
    for path in ["", "status-report", "kpis", "kpis/NI-117", "readings", "targets", "policies/rag"] {
        world.get(Board, &format!("{path}?as_of=2010-05-14T11:59:59.999999Z")).await.refused(404, "not_found");
        world.get(Board, &format!("{path}?as_of=2010-05-14T12:00:00Z")).await.is(200);
        world.get(Board, &format!("{path}?as_of=0001-01-01T00:00:00Z")).await.refused(404, "not_found");
    }
}

async fn a_moment_to_come_is_refused(world: &World) {
    small(world).await;
    for path in ["", "status-report", "kpis", "kpis/NI-117", "kpis/NI-117/status", "kpis/NI-117/series", "readings"] {
        let answer = world.get(Board, &format!("{path}?as_of=2010-05-14T12:00:00.000001Z")).await;
        let answer = answer.refused(400, "invalid_parameter");
        assert_eq!(answer.faults(), [("as_of".to_owned(), "not_yet".to_owned())]);
        world.get(Board, &format!("{path}?as_of=2010-05-14T12:00:00Z")).await.is(200);
    }
}

async fn a_figure_is_not_due_then_awaited_then_overdue(world: &World) {
    world.now_is("2009-04-01T00:00:00Z");
    small(world).await;
    for (period, moments) in [
        // In winter London keeps UTC; lag 30 days.
        (
            "FY2009-10-Q3",
            [
                ("2009-12-31T23:59:59Z", "not_due"),
                ("2010-01-01T00:00:00Z", "awaited"),
                ("2010-01-30T23:59:59Z", "awaited"),
                ("2010-01-31T00:00:00Z", "overdue"),
            ],
        ),
        // In summer it is an hour ahead.
        (
            "FY2009-10-Q4",
            [
                ("2010-03-31T22:59:59Z", "not_due"),
                ("2010-03-31T23:00:00Z", "awaited"),
                ("2010-04-30T22:59:59Z", "awaited"),
                ("2010-04-30T23:00:00Z", "overdue"),
            ],
        ),
    ] {
        for (moment, state) in moments {
            world.now_is(moment);
            let status = world.get(Board, &format!("kpis/NI-117/status?period={period}")).await.is(200).json();
            assert_eq!(
                (&status["data_state"], &status["reason"]),
                (&json!(state), &json!("no_reading")),
                "{period} at {moment}"
            );
            let rows = world.get(Board, &format!("status-report.csv?period={period}")).await.is(200).rows();
            let row = rows.iter().find(|row| row["kpi"] == "NI-117").unwrap();
            assert_eq!(row["data_state"], state, "{period} at {moment}");
            let filtered =
                world.get(Board, &format!("status-report.csv?period={period}&data_state={state}")).await.is(200).rows();
            assert!(
                filtered.iter().any(|row| row["kpi"] == "NI-117")
                    && filtered.iter().all(|row| row["data_state"] == state)
            );
        }
    }
    // A declared nil return is never overdue.
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q4", json!({"nil_return": "Census late"})).await.is(201);
    let status = world.get(Board, "kpis/NI-117/status?period=FY2009-10-Q4").await.is(200).json();
    assert_eq!((&status["data_state"], &status["reason"]), (&json!("nil_return"), &json!("nil_return")));
    for (figure, state) in [
        (json!({"value": 4, "provisional": true}), "provisional"),
        (json!({"value": 4}), "provisional"),
        (json!({"value": 4, "provisional": false}), "final"),
    ] {
        world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q4", figure).await.is(200);
        assert_eq!(
            world.get(Board, "kpis/NI-117/status?period=FY2009-10-Q4").await.is(200).json()["data_state"],
            state
        );
    }
}

async fn what_was_due_then_is_asked_as_of_then(world: &World) {
    world.now_is("2009-04-01T00:00:00Z");
    small(world).await;
    world.now_is("2010-12-31T00:00:00Z");
    for (moment, state) in
        [("2010-03-31T22:59:59Z", "not_due"), ("2010-03-31T23:00:00Z", "awaited"), ("2010-04-30T23:00:00Z", "overdue")]
    {
        let status =
            world.get(Board, &format!("kpis/NI-117/status?period=FY2009-10-Q4&as_of={moment}")).await.is(200).json();
        assert_eq!(status["data_state"], state, "{moment}");
    }
}

async fn a_day_that_ends_changes_the_tag(world: &World) {
    world.now_is("2010-04-30T22:59:59Z");
    small(world).await;
    for path in [
        "status-report?period=FY2009-10-Q4",
        "kpis/NI-117/status?period=FY2009-10-Q4",
        "kpis/NI-117/series?to=FY2009-10-Q4&from=FY2009-10-Q4",
    ] {
        world.now_is("2010-04-30T22:59:59Z");
        let tag = world.get(Board, path).await.is(200).tag();
        world.now_is("2010-04-30T23:00:00Z");
        let after = world.get(Board, path).header("if-none-match", &tag).await.is(200);
        assert!(after.text().contains("overdue"), "{after}");
    }
}

async fn a_restatement_keeps_the_old_figure_and_its_reason(world: &World) {
    small(world).await;
    let path = "kpis/NI-117/readings/FY2009-10-Q1";
    world.put(Lead, path, json!({"value": 4, "commentary": "First"})).await.is(201);
    world.now_is("2010-05-15T12:00:00Z");
    world.put(Manager, path, json!({"value": 5, "reason": "Late returns."})).await.is(200);
    let history = world.get(Board, &format!("{path}/history")).await.is(200).json();
    let told: Vec<_> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            [
                &item["revision"],
                &item["value"],
                &item["commentary"],
                &item["reason"],
                &item["recorded_by"],
                &item["recorded_at"],
            ]
            .map(Value::to_string)
        })
        .collect();
    assert_eq!(
        told,
        [
            ["1", "4", "\"First\"", "null", "\"lee-lead\"", "\"2010-05-14T12:00:00Z\""],
            ["2", "5", "\"First\"", "\"Late returns.\"", "\"mo-manager\"", "\"2010-05-15T12:00:00Z\""],
        ]
    );
    let then = world.get(Board, &format!("{path}/history?as_of=2010-05-14T13:00:00Z")).await.is(200).json();
    assert_eq!(then["items"].as_array().unwrap().len(), 1);
}

async fn the_later_periods_that_moved_are_told(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    for (quarter, value) in [(1, 6.0), (2, 5.0), (3, 4.0)] {
        world.put(Lead, &format!("kpis/NI-117/readings/FY2009-10-Q{quarter}"), json!({"value": value})).await.is(201);
    }
    let posted = world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(200).json();
    let effect = &posted["effect"];
    assert_eq!((&effect["before"]["status"], &effect["after"]["status"]), (&json!("off_track"), &json!("on_track")));
    let later = effect["later"].as_array().unwrap();
    assert_eq!(
        later.len(),
        2,
        "the second quarter's travel turned round, and the line that the third's forecast follows"
    );
    assert_eq!(
        (&later[0]["period"]["key"], &later[0]["travel"]["short"]["direction"]),
        (&json!("FY2009-10-Q2"), &json!("worsening"))
    );
    assert_eq!(world.get(Board, "kpis/NI-117/status?period=FY2009-10-Q2").await.is(200).json(), later[0]);
    // Neither a year ago nor last quarter: what is said again changes nothing.
    let again = world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(200).json();
    assert_eq!((&again["effect"]["before"], &again["effect"]["later"]), (&again["effect"]["after"], &json!([])));
}
