//! The pages in docs/connect: each request on them is sent, and must be answered as the page says.
//!
//! A block marked `http` holds, with blank lines between, a request line with its headers, a body where there is one, and what
//! the page relies on: the status, the media type, and on the next line the columns of a table, or the members of a JSON body as
//! paths with points. A text in double braces is filled in here, from [`own`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use waymark::http::settings::Settings;

use crate::on_both;
use crate::support::{Actor, Door, NOON, World, settings};

on_both! { every_request_on_a_page_is_answered_as_the_page_says }

/// What everyone has their own of, by what stands for it on a page. Whatever a page comes to name is made here.
async fn own(world: &World) -> BTreeMap<&'static str, String> {
    let made = world.post(Actor::Administrator, "/v1/tokens", json!({"name": "Excel"})).await.is(201).json();
    let link = json!({"name": "Sheet", "table": "readings"});
    let link = world.post(Actor::Administrator, "links", link).await.is(201).json();
    BTreeMap::from([
        ("token", Actor::Administrator.token().unwrap().to_owned()),
        ("basic", STANDARD.encode(format!("anybody:{}", made["token"].as_str().unwrap()))),
        ("link", link["href"].as_str().unwrap().to_owned()),
    ])
}

fn filled(own: &BTreeMap<&str, String>, text: &str) -> String {
    let mut whole = text.to_owned();
    while let Some((before, rest)) = whole.split_once("{{") {
        let (name, after) = rest.split_once("}}").unwrap();
        let value = own.get(name).unwrap_or_else(|| panic!("nobody says what {name} is"));
        whole = format!("{before}{value}{after}");
    }
    whole
}

struct Request<'a> {
    method: &'a str,
    address: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: Option<&'a str>,
    status: u16,
    media: &'a str,
    relies_on: Vec<&'a str>,
}

impl<'a> Request<'a> {
    fn read(block: &'a str) -> Self {
        let parts: Vec<&str> = block.trim().split("\n\n").collect();
        let (asked, body, answer) = match parts.as_slice() {
            [asked, answer] => (asked, None, answer),
            [asked, body, answer] => (asked, Some(*body), answer),
            other => panic!("{} parts in {block}", other.len()),
        };
        let (line, headers) = asked.split_once('\n').unwrap_or((asked, ""));
        let (method, address) = line.split_once(' ').unwrap();
        let (answer, relies_on) = answer.split_once('\n').unwrap();
        let (status, media) = answer.split_once(' ').unwrap();
        Self {
            method,
            address,
            headers: headers.lines().map(|header| header.split_once(": ").unwrap()).collect(),
            body,
            status: status.parse().unwrap(),
            media,
            relies_on: relies_on.split(", ").map(str::trim).collect(),
        }
    }
}

/// The blocks of a page: what each is marked as, and what is in it.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = page.split("```").collect();
    assert!(parts.len() % 2 == 1, "a block is not closed");
    parts.iter().skip(1).step_by(2).map(|block| block.split_once('\n').unwrap()).collect()
}

/// The addresses of a plan's resources that a text names, without their queries.
fn addresses(text: &str) -> BTreeSet<String> {
    let named = text.split("v1/plans/harrow-cypp-2009-2011").skip(1);
    let rests = named.map(|rest| rest.split(|char: char| "?\"'` \n)".contains(char)).next().unwrap());
    // A path that a program puts together ends with a slash.
    rests.filter(|rest| !rest.is_empty() && !rest.ends_with('/')).map(str::to_owned).collect()
}

fn pages() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/connect");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> = paths.map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect();
    pages.sort();
    pages
}

async fn every_request_on_a_page_is_answered_as_the_page_says(world: &World) {
    world.load_harrow().await;
    let open = world.settled(Settings { basic_auth: true, ..settings() }).await;
    // Whatever day a page is read on: one that names a day to come is found out on the second.
    for day in [NOON, "2031-02-03T12:00:00Z"] {
        world.now_is(day);
        send_all(world, &open).await;
    }
    typed_clients_are_made_as_ours_is();
}

/// The media types that a typed client for Python has to be told of are on its page.
fn typed_clients_are_made_as_ours_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (ours, page) = (read(".ci/clients/python/config.yml"), read("docs/connect/python.md"));
    let overrides: Vec<_> = ours.lines().filter(|line| line.starts_with("  ")).collect();
    assert!(!overrides.is_empty());
    for line in overrides {
        assert!(page.lines().any(|known| known == line), "python.md lacks {line}");
    }
}

async fn send_all(world: &World, open: &Door) {
    let own = own(world).await;
    let mut sent = 0;
    for (path, page) in pages() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let blocks = blocks(&page);
        let requests: Vec<_> =
            blocks.iter().filter(|(mark, _)| *mark == "http").map(|(_, block)| Request::read(block)).collect();
        assert!(!requests.is_empty() || name == "README.md", "{name} has no request");
        for request in &requests {
            check(open, &own, name, request).await;
            sent += 1;
        }
        // What a page has people copy is what was tried.
        let tried: BTreeSet<_> = requests.iter().flat_map(|request| addresses(request.address)).collect();
        for (mark, block) in blocks.iter().filter(|(mark, _)| *mark != "http") {
            let untried: Vec<_> = addresses(block).difference(&tried).cloned().collect();
            assert!(untried.is_empty(), "{name}: a {mark} block names {untried:?}, which no http block tries");
        }
    }
    assert!(sent >= 15, "only {sent} requests were found");
}

async fn check(open: &Door, own: &BTreeMap<&str, String>, page: &str, request: &Request<'_>) {
    let address = filled(own, request.address);
    let mut ask = open.ask(request.method.parse().unwrap(), Actor::Nobody, &address);
    for (name, value) in &request.headers {
        ask = match (*name, request.body) {
            ("Content-Type", Some(body)) => ask.body(value, body.to_owned()),
            _ => ask.header(&name.to_lowercase(), &filled(own, value)),
        };
    }
    let answer = ask.await.is(request.status);
    let media = answer.header("content-type").unwrap().split(';').next();
    assert_eq!(media, Some(request.media), "{page}: {answer}");
    if request.media == "text/csv" {
        let rows = answer.rows();
        let row = rows.first().unwrap_or_else(|| panic!("{page}: no rows: {answer}"));
        for column in &request.relies_on {
            assert!(row.contains_key(*column), "{page}: no column {column}: {answer}");
        }
    } else {
        let body = answer.json();
        for member in &request.relies_on {
            let value = body.pointer(&format!("/{}", member.replace('.', "/"))).unwrap_or(&Value::Null);
            assert!(!value.is_null(), "{page}: no {member}: {answer}");
        }
    }
}
