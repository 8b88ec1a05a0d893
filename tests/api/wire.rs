//! What only a real server shows: bytes on a connection, as they are sent.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::dev::ServerHandle;
use waymark::http::configure;

use crate::on_both;
use crate::support::plan::small;
use crate::support::{Actor, World};

use Actor::{Board, Lead};

on_both! {
    head_has_the_head_of_get_and_no_body
    a_file_may_come_in_chunks
    bytes_that_are_no_request_are_answered_with_a_problem
    a_body_that_says_it_is_too_long_is_not_waited_for
}

/// A real server over the world's database, on a port of its own.
fn serve(world: &World) -> (SocketAddr, ServerHandle) {
    let state = world.state();
    let server = HttpServer::new(move || configure(&state)).workers(1).disable_signals();
    let server = server.bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0];
    let running = server.run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    (address, handle)
}

/// How long anything on a connection may take, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(2);

/// What was waited for, or a panic that says so.
#[track_caller]
fn within_patience<T>(what: &str, request: &str, outcome: io::Result<T>) -> T {
    outcome.unwrap_or_else(|error| panic!("waited up to {PATIENCE:?} for {what} ({request}): {error}"))
}

/// Sends bytes on a connection of their own and gives what comes back until it is closed: head and body.
async fn sent(address: SocketAddr, bytes: Vec<u8>) -> (String, Vec<u8>) {
    let exchange = move || {
        let request = String::from_utf8_lossy(bytes.split(|byte| *byte == b'\r').next().unwrap()).into_owned();
        let connected = TcpStream::connect_timeout(&address, PATIENCE);
        let mut connection = within_patience("a connection", &request, connected);
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        connection.set_write_timeout(Some(PATIENCE)).unwrap();
        within_patience("the server to take the request", &request, connection.write_all(&bytes));
        let mut reader = BufReader::new(connection);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n")
            && within_patience("the head of the answer", &request, reader.read_line(&mut head)) > 0
        {}
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let mut body = vec![0; length.filter(|_| !request.starts_with("HEAD")).unwrap_or_default()];
        within_patience("the body of the answer", &request, reader.read_exact(&mut body));
        if length.is_some() {
            // All is there, and nothing more will be sent: the server, which would go on reading a body that it refused for
            // as long as its clock says, need not.
            let _closed_already = reader.get_ref().shutdown(Shutdown::Write);
        }
        within_patience("the end of the connection", &request, reader.read_to_end(&mut body));
        (head, body)
    };
    tokio::task::spawn_blocking(exchange).await.unwrap()
}

/// Stops the server.
async fn stop(server: ServerHandle) {
    let stopped = tokio::time::timeout(PATIENCE, server.stop(false)).await;
    assert!(stopped.is_ok(), "waited {PATIENCE:?} for the server to stop");
}

fn request(method: &str, path: &str, actor: Actor, more: &str) -> Vec<u8> {
    let token = actor.token().unwrap();
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{more}\r\n")
        .into_bytes()
}

/// A head without what is different each time.
fn lasting(head: &str) -> Vec<&str> {
    head.lines().filter(|line| !["x-request-id", "date"].iter().any(|name| line.starts_with(name))).collect()
}

async fn head_has_the_head_of_get_and_no_body(world: &World) {
    small(world).await;
    let (address, server) = serve(world);
    for path in ["/v1/plans/small/status-report", "/v1/plans/small/kpis/NI-117", "/livez", "/v1/plans/nowhere"] {
        let (get, body) = sent(address, request("GET", path, Board, "")).await;
        let (head, nothing) = sent(address, request("HEAD", path, Board, "")).await;
        assert!(!body.is_empty() && nothing.is_empty(), "{path}");
        assert_eq!(lasting(&get), lasting(&head), "{path}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())) || path.ends_with("nowhere"), "{head}");
    }
    stop(server).await;
}

async fn a_file_may_come_in_chunks(world: &World) {
    small(world).await;
    let (address, server) = serve(world);
    let mut bytes =
        request("POST", "/v1/plans/small/readings", Lead, "Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\n");
    for chunk in ["kpi,period,va", "lue\nNI-117,2009/10 Q", "1,4.", "5\n", ""] {
        bytes.extend(format!("{:x}\r\n{chunk}\r\n", chunk.len()).into_bytes());
    }
    let (head, _) = sent(address, bytes).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    stop(server).await;
    let reading = world.get(Board, "kpis/NI-117/readings/FY2009-10-Q1").await.is(200).json();
    assert_eq!(reading["value"].as_f64(), Some(4.5));
}

async fn bytes_that_are_no_request_are_answered_with_a_problem(world: &World) {
    small(world).await;
    let (address, server) = serve(world);
    for path in [
        "/v1/plans/%ff",
        "/v1/plans/small/kpis/%00",
        "/v1/plans/small/kpis/%2e%2e/x",
        "/v1/plans/../plans/nowhere",
        "/v1//plans/small",
    ] {
        let (head, body) = sent(address, request("GET", path, Board, "")).await;
        assert!(head.starts_with("http/1.1 404") && head.contains("application/problem+json"), "{path}: {head}");
        assert!(String::from_utf8(body).unwrap().contains("not_found"), "{path}");
    }
    for garbage in [&b"nonsense\r\n\r\n"[..], b"GET / HTTP/9.9\r\n\r\n", b"GET \xff HTTP/1.1\r\nHost: x\r\n\r\n"] {
        // Not even HTTP: the framework closes the connection, with a 400 or with nothing.
        let (head, _) = sent(address, garbage.to_vec()).await;
        assert!(head.is_empty() || head.starts_with("http/1.1 4"), "{head}");
    }
    let (head, _) = sent(address, request("GET", "/livez", Board, "")).await;
    assert!(head.starts_with("http/1.1 200"), "it lives on: {head}");
    stop(server).await;
}

async fn a_body_that_says_it_is_too_long_is_not_waited_for(world: &World) {
    small(world).await;
    let (address, server) = serve(world);
    for (method, path, kind, length) in [
        ("PUT", "/v1/plans/small/kpis/NI-117/readings/FY2009-10-Q1", "application/json", 2 << 20),
        ("POST", "/v1/plans/small/readings", "text/csv", 1_u64 << 40),
    ] {
        let more = format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n");
        let (head, _) = sent(address, request(method, path, Lead, &more)).await;
        assert!(head.starts_with("http/1.1 413"), "{head}");
    }
    stop(server).await;
}
