//! What nobody should send and somebody will: no input yields a 5xx, and none is half taken. That no answer is a 5xx is
//! held for every answer in [`crate::support`]; here is what tempts it.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::small;
use crate::support::{Actor, World, operations, resolved};

use Actor::{Administrator, Lead, Manager};

on_both! {
    no_body_is_taken_that_is_not_what_it_should_be
    what_is_wrong_is_said_in_words_for_people_whatever_was_sent
    no_number_is_taken_that_would_not_come_back_as_it_was
    no_character_is_taken_that_a_database_does_not_keep
    no_query_is_taken_that_is_not_text
    text_comes_back_as_it_was
    what_begins_like_a_formula_is_harmless_in_csv
}

const FIGURE: &str = "kpis/NI-117/readings/FY2009-10-Q1";

async fn no_body_is_taken_that_is_not_what_it_should_be(world: &World) {
    small(world).await;
    let deep = format!("{{\"value\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let nested = format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    let many = format!("{{{}}}", (0..5_000).map(|n| format!("\"m{n}\": 1")).collect::<Vec<_>>().join(","));
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"[{}]".to_vec(),
        b"\"text\"".to_vec(),
        b"4.5".to_vec(),
        b"{".to_vec(),
        b"{} {}".to_vec(),
        b"{\"value\": 1} trailing".to_vec(),
        b"{\"value\": 1, \"value\": 2}".to_vec(),
        b"{\"value\": NaN}".to_vec(),
        b"{\"value\": .5}".to_vec(),
        b"{\"value\": 1,}".to_vec(),
        b"\xff\xfe{\x00}\x00".to_vec(),
        b"{\"commentary\": \"\xc3\x28\"}".to_vec(),
        b"{\"commentary\": \"\\ud800\"}".to_vec(),
        b"{\"commentary\": {}, \"value\": []}".to_vec(),
        deep.into_bytes(),
        nested.into_bytes(),
        many.into_bytes(),
    ];
    for operation in operations().filter(|operation| operation.body_type().is_some_and(|kind| kind.ends_with("json"))) {
        let path = operation
            .path_of("council")
            .replace("{plan}", "small")
            .replace("{kpi}", "NI-117")
            .replace("{period}", "FY2009-10-Q1");
        for body in &bodies {
            let ask = world.ask(operation.method(), Administrator, &path).header("if-match", "*");
            let answer = ask.body(operation.body_type().unwrap(), body.clone()).await;
            assert!(
                (400..500).contains(&answer.status),
                "{:?}: {answer}",
                String::from_utf8_lossy(&body[..body.len().min(80)])
            );
            assert!(answer.body.len() < 100_000, "an answer must not grow beyond its request");
        }
    }
    world.get(Lead, FIGURE).await.refused(404, "not_found");
}

/// A body of a schema in which every member, down to the third level, has this value.
fn filled(schema: &'static Value, value: &Value, level: usize) -> Value {
    let schema = resolved(schema);
    let choices = ["oneOf", "allOf", "anyOf"].iter().filter_map(|name| schema[*name].as_array()).flatten();
    let mut parts = std::iter::once(schema).chain(choices.map(resolved));
    if level == 0 {
        return value.clone();
    }
    let object = parts.clone().find_map(|part| part["properties"].as_object());
    if let Some(members) = object {
        return members.iter().map(|(name, member)| (name.clone(), filled(member, value, level - 1))).collect();
    }
    match parts.find_map(|part| part.get("items")) {
        Some(items) => json!([filled(items, value, level - 1)]),
        None => value.clone(),
    }
}

async fn what_is_wrong_is_said_in_words_for_people_whatever_was_sent(world: &World) {
    small(world).await;
    let long = "x".repeat(5_000);
    let shapes = [
        json!("a text"),
        json!(""),
        json!(long),
        json!(4.5),
        json!(-1),
        json!(1_000_000),
        json!(true),
        json!(null),
        json!([]),
        json!({}),
        json!([[1]]),
        json!([null, "x", 1]),
        json!({"x": 1}),
        json!({"kind": "nonsense"}),
        json!({"kind": 1}),
        json!([{"code": 1, "title": []}]),
        json!({"code": "nonsense", "from": "yesterday"}),
    ];
    let writes = operations().filter(|operation| operation.body_type().is_some_and(|kind| kind.ends_with("json")));
    let mut count = 0;
    for operation in writes {
        let kind = operation.body_type().unwrap();
        let path = operation
            .path
            .replace("{plan}", "small")
            .replace("{kpi}", "NI-117")
            .replace("{period}", "FY2009-10-Q1")
            .replace("{sub_group}", "health-group")
            .replace("{code}", "council");
        let schema = operation.body_schema(kind);
        let whole = |shape: &Value| (1..=3).map(|level| filled(schema, shape, level).to_string()).collect::<Vec<_>>();
        let mut bodies: Vec<String> = shapes.iter().flat_map(whole).collect();
        // Cut off in the middle, and with every name twice.
        let sound = filled(schema, &json!("a text"), 1).to_string();
        bodies.push(sound.chars().take(sound.len() / 2).collect());
        bodies.push(sound.replacen('{', &format!("{},", sound.trim_end_matches('}')), 1));
        bodies.sort_unstable();
        bodies.dedup();
        for body in bodies {
            // That no answer is a 5xx or has words of a programmer is held for every answer.
            let ask = world.ask(operation.method(), Administrator, &path).header("if-match", "*");
            let answer = ask.body(kind, body).await;
            let faults = answer.json()["errors"].as_array().cloned().unwrap_or_default();
            for fault in faults {
                let detail = fault["detail"].as_str().unwrap();
                assert!(!detail.contains(&"x".repeat(100)), "{} quotes all of a long value: {detail}", operation.id);
                count += 1;
            }
        }
    }
    assert!(count > 1_000, "only {count} things were found wrong");
}

async fn no_number_is_taken_that_would_not_come_back_as_it_was(world: &World) {
    small(world).await;
    for number in [
        "1e400",
        "-1e400",
        "1e-400",
        "1234567890123456",
        "0.1234567",
        "123456789.1234567",
        "1000000000000000",
        "99999999999999999999999999999999999999",
        "1e15",
        "1E+99",
        "0.00000000000000000000001",
    ] {
        let answer = world
            .ask(actix_web::http::Method::PUT, Lead, FIGURE)
            .body("application/json", format!("{{\"value\": {number}}}"))
            .await;
        let answer = answer.refused(422, "invalid");
        assert_eq!(answer.faults()[0].0, "/value", "{number}: {answer}");
    }
    world
        .patch(Manager, "kpis/NI-117", "*", json!({"valid_max": 999_999_999_999_999_u64, "unit": "count"}))
        .await
        .is(200);
    for (sent, kept) in [
        ("999999999999999", "999999999999999"),
        ("0.000001", "0.000001"),
        ("4.50", "4.5"),
        ("1e2", "100"),
        ("0", "0"),
        ("-0", "0"),
        ("123456789.123456", "123456789.123456"),
    ] {
        let ask = world
            .ask(actix_web::http::Method::PUT, Lead, FIGURE)
            .body("application/json", format!("{{\"value\": {sent}}}"));
        let answer = ask.await;
        assert!(answer.status < 300, "{sent}: {answer}");
        let read = world.get(Lead, FIGURE).await.is(200).text();
        assert!(read.contains(&format!("\"value\":{kept},")), "{sent} came back in {read}");
    }
}

async fn no_character_is_taken_that_a_database_does_not_keep(world: &World) {
    small(world).await;
    for (path, body) in [
        ("organisations", json!({"code": "new", "title": "a\u{0}b"})),
        ("organisations", json!({"code": "n\u{0}w", "title": "b"})),
        ("organisations", json!({"code": "new", "title": "b", "k\u{0}nd": "x"})),
        ("grants", json!({"subject": "a\u{0}b", "role": "board"})),
    ] {
        let answer = world.post(Administrator, path, body).await.refused(422, "invalid");
        assert!(answer.faults().iter().any(|(_, code)| code == "nul_character"), "{answer}");
    }
    world.put(Lead, FIGURE, json!({"value": 1, "commentary": "a\u{0}b"})).await.refused(422, "invalid");
    let file = "kpi,period,value,commentary\nNI-117,2009/10 Q1,4.5,a\0b\n";
    let answer = world.import(Lead, "readings", file).await.refused(422, "invalid");
    assert_eq!(
        answer.cells().first().map(|(row, column, _)| (*row, column.as_str())),
        Some((2, "commentary")),
        "{answer}"
    );
    for query in ["group=%00", "kpi=NI%00117", "period=%00"] {
        world.get(Lead, &format!("readings?{query}")).await.refused(400, "invalid_parameter");
    }
}

async fn no_query_is_taken_that_is_not_text(world: &World) {
    small(world).await;
    for (path, place) in [
        ("readings?period=%ff", "period"),
        ("readings?group=%c3%28", "group"),
        ("status-report?period=%ed%a0%80", "period"),
        ("kpis/NI-117/status?group=%80", "group"),
    ] {
        let answer = world.get(Lead, path).await.refused(400, "invalid_parameter");
        assert_eq!(answer.faults(), [(place.to_owned(), "not_utf8".to_owned())]);
    }
    for path in [
        "readings?%ff=1",
        "readings?=",
        "readings?period",
        "readings?limit=99999999999999999999999",
        "changes?after=99999999999999999999999",
        "status-report?period=9999-99",
        "status-report?as_of=9999-12-31T23:59:59Z&as_of=",
        "status-report?as_of=-999999-01-01T00:00:00Z",
        "kpis/NI-117/series?from=FY0001-02-Q1&to=FY9998-99-Q4",
        "kpis/NI-117/series?from=FY2010-11-Q1&to=FY2009-10-Q1",
    ] {
        let answer = world.get(Lead, path).await;
        assert!((200..500).contains(&answer.status), "{answer}");
    }
    world.get(Lead, "kpis/NI-117/series?from=FY1900-01-Q1&to=FY2099-00-Q4").await.is(422);
    let long = "x".repeat(60_000);
    world.get(Lead, &format!("readings?period={long}")).await.is(422);
}

async fn text_comes_back_as_it_was(world: &World) {
    small(world).await;
    for text in [
        "£5 — “quoted”, and\nnew\r\nlines",
        "Ünïcödé 🙂 \u{202e}reversed",
        "  blanks  ",
        "\\\"'`;--",
        "'; DROP TABLE plans; --",
    ] {
        world.put(Lead, FIGURE, json!({"value": 1, "commentary": text})).await;
        let read = world.get(Lead, FIGURE).await.is(200).json();
        assert_eq!(read["commentary"], text);
        world.patch(Manager, "organisations/council", "*", json!({"kind": text.trim()})).await.is(200);
        assert_eq!(world.get(Lead, "organisations/council").await.is(200).json()["kind"], text.trim());
    }
}

async fn what_begins_like_a_formula_is_harmless_in_csv(world: &World) {
    small(world).await;
    for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=HYPERLINK(\"http://x\",\"y\")"] {
        world.put(Lead, FIGURE, json!({"value": 1, "commentary": text})).await;
        let rows = world.get(Lead, "readings.csv").await.is(200).rows();
        let cell = &rows[0]["commentary"];
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
        assert_eq!(rows[0]["value"], "1", "numbers are left alone");
    }
}
