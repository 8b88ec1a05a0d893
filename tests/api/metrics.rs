//! What the service measures of itself, and who may read it.

use actix_web::http::Method;
use serde_json::json;
use waymark::http::settings::{MetricsToken, Settings};

use crate::on_both;
use crate::support::plan::small;
use crate::support::{Actor, Door, World, operations, settings};

use Actor::{Administrator, Board, Nobody};

on_both! {
    requests_are_counted_by_what_they_ask_and_never_by_whom_or_of_what
    measures_are_for_this_machine_unless_there_is_a_token
}

/// The lines of the measures.
async fn lines(door: &Door) -> Vec<String> {
    let answer = door.get(Nobody, "/metrics").await.is(200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4"), "{answer}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
    answer.text().lines().map(str::to_owned).collect()
}

async fn requests_are_counted_by_what_they_ask_and_never_by_whom_or_of_what(world: &World) {
    small(world).await;
    // An instance of its own has counted nothing yet.
    let door = world.settled(settings()).await;
    door.put(Administrator, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(201);
    for path in ["kpis/NI-117/status", "kpis/NI-50/status", "kpis/NI-117/status?group=fsm"] {
        door.get(Board, path).await.is(200);
    }
    let tag = door.get(Board, "kpis/NI-117/series.csv").await.is(200).tag();
    door.get(Board, "kpis/NI-117/series.csv").header("if-none-match", &tag).await.is(304);
    door.get(Nobody, "kpis/NI-117/status").await.is(401);
    door.get(Board, "kpis/NOWHERE/status").await.is(404);
    door.get(Board, "/v1/secret-thing/harrow").await.is(404);
    door.get(Nobody, "/v1/links/not-a-secret/readings.csv").await.is(404);
    door.ask("BREW".parse().unwrap(), Board, "kpis/NI-117/status").await.is(405);
    door.ask(Method::HEAD, Board, "kpis/NI-117/status").await.is(200);
    let link = world.post(Administrator, "links", json!({"name": "x", "table": "readings"})).await.is(201).json();
    door.get(Nobody, link["href"].as_str().unwrap()).await.is(200);
    let lines = lines(&door).await;
    for line in [
        r#"waymark_http_requests_total{method="PUT",route="/v1/plans/{plan}/kpis/{kpi}/readings/{period}",status="2xx"} 1"#,
        r#"waymark_http_requests_total{method="GET",route="/v1/plans/{plan}/kpis/{kpi}/status",status="2xx"} 3"#,
        // One without a token, and one of a KPI that is not there.
        r#"waymark_http_requests_total{method="GET",route="/v1/plans/{plan}/kpis/{kpi}/status",status="4xx"} 2"#,
        r#"waymark_http_requests_total{method="HEAD",route="/v1/plans/{plan}/kpis/{kpi}/status",status="2xx"} 1"#,
        r#"waymark_http_requests_total{method="other",route="/v1/plans/{plan}/kpis/{kpi}/status",status="4xx"} 1"#,
        r#"waymark_http_requests_total{method="GET",route="/v1/plans/{plan}/kpis/{kpi}/series",status="2xx"} 1"#,
        r#"waymark_http_requests_total{method="GET",route="/v1/plans/{plan}/kpis/{kpi}/series",status="3xx"} 1"#,
        r#"waymark_http_requests_total{method="GET",route="none",status="4xx"} 1"#,
        r#"waymark_http_requests_total{method="GET",route="/v1/links/{secret}/{table}",status="4xx"} 1"#,
        r#"waymark_http_requests_total{method="GET",route="/v1/plans/{plan}/readings",status="2xx"} 1"#,
        r#"waymark_http_request_duration_seconds_count{method="GET",route="/v1/plans/{plan}/kpis/{kpi}/status"} 5"#,
        r#"waymark_http_request_duration_seconds_bucket{method="GET",route="none",le="+Inf"} 1"#,
    ] {
        assert!(lines.iter().any(|known| known == line), "no {line} in {lines:#?}");
    }
    let version = format!("waymark_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
    assert!(lines.contains(&version));
    assert!(lines.iter().any(|line| line.starts_with("waymark_store_connections{lane=\"") && line.ends_with(" 8")));
    // Whatever route is named is one of the document, or none.
    let routes: Vec<_> = operations().map(|operation| operation.path).chain(["none"]).collect();
    for line in &lines {
        let route = line.split_once("route=\"").map(|(_, rest)| rest.split('"').next().unwrap());
        assert!(route.is_none_or(|route| routes.contains(&route)), "{line}");
        for told in ["small", "NI-117", "FY2009", "secret-thing", Board.name(), Administrator.name()] {
            assert!(!line.contains(told), "{line}");
        }
    }
}

async fn measures_are_for_this_machine_unless_there_is_a_token(world: &World) {
    let asked = || world.get(Nobody, "/metrics");
    for here in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
        asked().from(here).await.is(200);
    }
    for elsewhere in ["192.0.2.7", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.7"] {
        asked().from(elsewhere).await.refused(404, "not_found");
        world.get(Administrator, "/metrics").from(elsewhere).await.refused(404, "not_found");
    }
    // Whoever comes through a proxy on this machine may be anybody.
    for header in ["forwarded", "x-forwarded-for", "x-real-ip", "via"] {
        asked().header(header, "127.0.0.1").await.refused(404, "not_found");
    }

    let token = "a-token-of-the-monitoring";
    let open = world.settled(Settings { metrics_token: MetricsToken::new(token), ..settings() }).await;
    let sending = |header: &str| open.get(Nobody, "/metrics").header("authorization", header).from("192.0.2.7");
    sending(&format!("Bearer {token}")).await.is(200);
    for wrong in
        [format!("Bearer {token}x"), "Bearer a-token".to_owned(), format!("Basic {token}"), "Bearer ".to_owned()]
    {
        sending(&wrong).await.refused(404, "not_found");
    }
    open.get(Nobody, "/metrics").await.refused(404, "not_found");
    open.get(Administrator, "/metrics").await.refused(404, "not_found");
    assert!(MetricsToken::new("too-short").is_none() && MetricsToken::new("with spaces in between").is_none());
    assert!(!format!("{:?}", MetricsToken::new(token)).contains(token));
}
