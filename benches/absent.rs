//! Whether a stranger can tell by the time it takes that another partnership's plan is there.
//!
//! `cargo bench --bench absent` asks every operation of a plan that the OpenAPI document has, as someone without a place in
//! the plan: for the Harrow plan, for one that there is not, and, as the limit of what can be told apart, for another that there
//! is not. The three take turns. It prints the medians of each operation's times and their ratios, the worst first.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that cannot go on says so by panicking")]

use std::time::{Duration, Instant};

use actix_web::body::to_bytes;
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service};
use serde_json::Value;
use waymark::http::configure;

use harrow::Harrow;

mod harrow;

/// How often each operation is asked for each plan, after a tenth as often without.
const TIMES: usize = 500;

/// A plan that is there, and two as long that are not.
const PLANS: [&str; 3] = ["harrow-cypp-2009-2011", "harrow-cypp-2009-2012", "harrow-cypp-2009-2013"];

/// What stands for the parameters of an address: something that the Harrow plan has, where it can be known.
const NAMES: [(&str, &str); 9] = [
    ("{organisation}", "harrow-council"),
    ("{outcome_area}", "be-healthy"),
    ("{priority}", "be-healthy-1"),
    ("{policy}", "five-band"),
    ("{dimension}", "age"),
    ("{comparator_group}", "statistical-neighbours"),
    ("{kpi}", "NI-117"),
    ("{period}", "FY2009-10-Q4"),
    ("{sub_group}", "be-healthy"),
];

const ID: &str = "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11";

/// An operation of a plan: its method, its address below the plan's, and what is sent.
struct Operation {
    method: Method,
    path: String,
    kind: Option<String>,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_slice(&std::fs::read("openapi/openapi.json").unwrap()).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(below) = path.strip_prefix("/v1/plans/{plan}") else { continue };
        let path = NAMES.iter().fold(below.to_owned(), |path, (name, known)| path.replace(name, known));
        let path: Vec<&str> = path.split('/').map(|step| if step.starts_with('{') { ID } else { step }).collect();
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_ascii_uppercase().parse::<Method>() else { continue };
            let content = operation["requestBody"]["content"].as_object();
            let kind = content.and_then(|content| content.keys().next().cloned());
            let parameters = operation["parameters"].as_array().into_iter().flatten().map(|one| {
                let shared =
                    one["$ref"].as_str().and_then(|reference| document.pointer(reference.trim_start_matches('#')));
                shared.unwrap_or(one)
            });
            let needed = parameters.filter(|one| one["in"] == "query" && one["required"] == true);
            let query: Vec<_> = needed
                .map(|one| format!("{}={}", one["name"].as_str().unwrap(), one["example"].as_str().unwrap_or(ID)))
                .collect();
            let path = format!("{}?{}", path.join("/"), query.join("&"));
            let path = path.trim_end_matches('?').to_owned();
            found.push(Operation { method, path, kind });
        }
    }
    found
}

fn main() {
    // Only `cargo bench` asks for a measurement; a test run of all targets builds it and goes on.
    if std::env::args().any(|argument| argument == "--bench") {
        actix_web::rt::System::new().block_on(run());
    }
}

async fn run() {
    let harrow = Harrow::loaded().await;
    // It is there, for whoever may see it.
    let open = harrow.programme.open(&harrow.plan, &harrow.loader).await.unwrap();
    assert_eq!(open.code.to_string(), PLANS[0]);
    let token = harrow.token("stranger");
    let service = init_service(configure(&harrow.state)).await;
    let mut rows = Vec::new();
    for Operation { method, path, kind } in operations() {
        let mut times: [Vec<Duration>; 3] = Default::default();
        for round in 0..TIMES + TIMES / 10 {
            for turn in 0..PLANS.len() {
                // Each is as often the first as the last.
                let place = (round + turn) % PLANS.len();
                let mut request = TestRequest::with_uri(&format!("/v1/plans/{}{path}", PLANS[place]))
                    .method(method.clone())
                    .insert_header(("authorization", format!("Bearer {token}")))
                    .insert_header(("if-match", "*"));
                if let Some(kind) = &kind {
                    request = request.insert_header(("content-type", &**kind)).set_payload(if kind.contains("json") {
                        "{}"
                    } else {
                        "kpi,period,value\n"
                    });
                }
                let request = request.to_request();
                let begun = Instant::now();
                let response = call_service(&service, request).await;
                assert!(response.status().is_client_error(), "{method} {path}");
                assert!(to_bytes(response.into_body()).await.is_ok());
                times[place].push(begun.elapsed());
            }
        }
        let [there, absent, other] = times.map(|mut times| {
            times.drain(..TIMES / 10);
            times.sort_unstable();
            times[times.len() / 2].as_secs_f64() * 1e6
        });
        rows.push((there / absent, other / absent, there, absent, format!("{method} {path}")));
    }
    rows.sort_by(|one, other| other.0.total_cmp(&one.0));
    println!("{:>9} {:>9} {:>7} {:>7}  operation", "there", "absent", "ratio", "limit");
    for (ratio, limit, there, absent, operation) in &rows {
        println!("{there:>6.0} us {absent:>6.0} us {ratio:>7.3} {limit:>7.3}  {operation}");
    }
    for (what, of) in [("ratio", 0), ("limit", 1)] {
        let mut all: Vec<f64> = rows.iter().map(|row| if of == 0 { row.0 } else { row.1 }).collect();
        all.sort_by(f64::total_cmp);
        println!("{what}: from {:.3} over a median of {:.3} to {:.3}", all[0], all[all.len() / 2], all[all.len() - 1]);
    }
}
