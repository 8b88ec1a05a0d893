//! How long the status report of the Harrow plan takes, from a warm process on SQLite, beside what bounds it from below.
//!
//! `cargo bench --bench status_report` prints the median and the 99th percentile of each row, and its ratio to the report.
//! The rows in the process call the app's own service, middleware and all, and collect the body; those over loopback are
//! round trips on one connection to a real server with one worker. The log is written and thrown away.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that cannot go on says so by panicking")]

use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use actix_web::HttpServer;
use actix_web::body::to_bytes;
use actix_web::test::{TestRequest, call_service, init_service};
use waymark::http::configure;
use waymark::programme::reports::status_report::ReportFilter;

use harrow::Harrow;

mod harrow;

/// How often each thing is done and timed, after a tenth as often without.
const TIMES: usize = 5000;

const PERIOD: &str = "FY2009-10-Q4";

/// What was measured of one thing.
struct Row {
    what: String,
    median: Duration,
    high: Duration,
    bytes: usize,
}

impl Row {
    fn of(what: &str, mut times: Vec<Duration>, bytes: usize) -> Self {
        times.drain(..TIMES / 10);
        times.sort_unstable();
        Self { what: what.to_owned(), median: times[times.len() / 2], high: times[times.len() * 99 / 100], bytes }
    }

    /// Does one thing over and over.
    fn measured(what: &str, mut act: impl FnMut() -> usize) -> Self {
        let mut bytes = 0;
        let mut once = |_| {
            let begun = Instant::now();
            bytes = act();
            begun.elapsed()
        };
        let times = (0..TIMES + TIMES / 10).map(&mut once).collect();
        Self::of(what, times, bytes)
    }
}

fn main() {
    // Only `cargo bench` asks for a measurement; a test run of all targets builds it and goes on.
    if std::env::args().any(|argument| argument == "--bench") {
        actix_web::rt::System::new().block_on(run());
    }
}

async fn run() {
    tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_writer(std::io::sink).init();
    let harrow = Harrow::loaded().await;
    let Harrow { programme, state, clock, plan, loader: board, .. } = &harrow;
    let token = harrow.token("board");
    let report = format!("/v1/plans/{plan}/status-report?period={PERIOD}");
    let csv = format!("/v1/plans/{plan}/status-report.csv?period={PERIOD}");

    let service = init_service(configure(state)).await;
    let mut rows = Vec::new();
    let mut tag = None;
    for (what, path, known) in [
        ("GET status-report", &*report, false),
        ("GET status-report.csv", &*csv, false),
        ("GET status-report, unchanged (304)", &*report, true),
        ("GET /livez: nothing to do", "/livez", false),
    ] {
        let (mut times, mut bytes) = (Vec::new(), 0);
        for _ in 0..TIMES + TIMES / 10 {
            let mut request = TestRequest::with_uri(path).insert_header(("authorization", format!("Bearer {token}")));
            if let Some(tag) = tag.clone().filter(|_| known) {
                request = request.insert_header(("if-none-match", tag));
            }
            let request = request.to_request();
            let begun = Instant::now();
            let response = call_service(&service, request).await;
            assert_eq!(response.status(), if known { 304 } else { 200 });
            if path == report && !known {
                tag = response.headers().get("etag").cloned();
            }
            bytes = to_bytes(response.into_body()).await.map_or(0, |body| body.len());
            times.push(begun.elapsed());
        }
        rows.push(Row::of(what, times, bytes));
    }

    let open = programme.open(plan, board).await.unwrap();
    let seen = programme.seen(&open, clock.now()).await.unwrap();
    let (period, filter) = (PERIOD.parse().unwrap(), ReportFilter::default());
    let report_of = || seen.status_report(period, &filter);
    let ready = report_of();
    rows.push(Row::measured("of it: making the report", || black_box(report_of()).outcome_areas.len()));
    rows.push(Row::measured("of it: writing the ready report as JSON", || {
        serde_json::to_vec(black_box(&ready)).unwrap().len()
    }));
    let text = serde_json::to_vec(&ready).unwrap();
    rows.push(Row::measured("limit: copying as many bytes", || black_box(text.clone()).len()));

    let state = state.clone();
    let server =
        HttpServer::new(move || configure(&state)).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0];
    let running = server.run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    for (what, path) in [("loopback: GET status-report", report), ("loopback: GET /livez", "/livez".to_owned())] {
        let asked = format!("GET {path} HTTP/1.1\r\nHost: waymark\r\nAuthorization: Bearer {token}\r\n\r\n");
        rows.push(actix_web::rt::task::spawn_blocking(move || over_loopback(what, address, &asked)).await.unwrap());
    }
    handle.stop(false).await;
    print(&rows);
}

/// Round trips on one connection.
fn over_loopback(what: &str, address: SocketAddr, asked: &str) -> Row {
    let connection = TcpStream::connect(address).unwrap();
    connection.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let (mut connection, mut line, mut body) = (connection, String::new(), Vec::new());
    Row::measured(what, move || {
        connection.write_all(asked.as_bytes()).unwrap();
        let mut length = 0;
        loop {
            line.clear();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body).unwrap();
        length
    })
}

fn print(rows: &[Row]) {
    let report = rows[0].median.as_secs_f64();
    println!("{:<42} {:>10} {:>10} {:>10} {:>8}", "", "median", "p99", "bytes", "ratio");
    for Row { what, median, high, bytes } in rows {
        let micros = |time: &Duration| format!("{:.0} us", time.as_secs_f64() * 1e6);
        let ratio = median.as_secs_f64() / report;
        println!("{what:<42} {:>10} {:>10} {bytes:>10} {ratio:>8.2}", micros(median), micros(high));
    }
}
