//! What holds for every resource alike: states, pages, methods, formats, ids. Each goes through the document, so that a new
//! operation is held to it too.

use std::collections::HashMap;

use actix_web::http::Method;
use actix_web::web::Bytes;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::{round, slices, small};
use crate::support::{Actor, Answer, Operation, World, XLSX, operations};

use Actor::{Administrator, Board};

on_both! {
    every_read_of_a_plan_answers_304_to_whoever_has_it
    one_tag_never_stands_for_two_bodies
    every_read_answers_to_head_as_to_get
    every_address_names_its_methods_and_refuses_others
    an_unknown_parameter_is_refused_and_the_nearest_one_named
    every_list_can_be_read_a_page_at_a_time
    a_page_must_be_one_that_can_be
    a_table_that_comes_whole_has_no_pages
    the_next_page_of_a_filtered_table_is_filtered_too
    what_a_resource_cannot_be_had_as_is_406
    a_suffix_says_what_accept_says
    every_body_must_say_what_it_is
    a_body_has_a_limit
    a_request_is_named_by_whoever_sends_it
    nothing_is_there_under_addresses_that_are_none
    the_documents_served_are_the_ones_committed
}

/// The ids of what is in the furnished plan.
struct Ids {
    grant: String,
    action: String,
    webhook: String,
    /// Two board reports, the earlier one first.
    reports: [String; 2],
    entering: super::entering::Ids,
}

/// The address of an operation in the furnished plan.
fn address(operation: &Operation, ids: &Ids) -> String {
    let code = match operation.subject() {
        "problems" => "invalid",
        "organisations" => "council",
        "sub-groups" => "health-group",
        "outcome-areas" => "health",
        "priorities" => "health-1",
        "comparator-groups" => "neighbours",
        "dimensions" => "pupils",
        _ => "rag",
    };
    if operation.id == "getReadingsTemplate" {
        return "/v1/plans/small/readings/template?sub_group=health-group&period=FY2009-10-Q1".to_owned();
    }
    let since = if operation.takes("since") { format!("?since={}", ids.reports[0]) } else { String::new() };
    let path = operation
        .path_of(code)
        .replace("{plan}", "small")
        .replace("{kpi}", "NI-117")
        .replace("{period}", "FY2009-10-Q1")
        .replace("{sub_group}", "health-group")
        .replace("{table}", "readings")
        .replace("{grant}", &ids.grant)
        .replace("{action}", &ids.action)
        .replace("{webhook}", &ids.webhook)
        .replace("{report}", &ids.reports[1])
        .replace("{token}", &ids.entering.token)
        .replace("{link}", &ids.entering.link)
        .replace("{secret}", &ids.entering.secret)
        .replace("{client_id}", &ids.entering.client)
        .replace("{client_secret}", &ids.entering.client_secret);
    path + &since
}

/// An address with more in its query.
fn asking(address: &str, query: &str) -> String {
    format!("{address}{}{query}", if address.contains('?') { '&' } else { '?' })
}

/// The small plan with something in every list.
async fn furnished(world: &World) -> Ids {
    small(world).await;
    slices(world, "wards", &["pinner"]).await;
    let (door, worker) = world.delivering().await;
    let mut webhook = String::new();
    for _ in 0..2 {
        // Nobody listens there, so that every attempt is one for the log.
        let made = door.post(Administrator, "webhooks", json!({"url": "http://127.0.0.1:1/"})).await.is(201);
        made.json()["id"].as_str().unwrap().clone_into(&mut webhook);
    }
    for period in ["FY2009-10-Q1", "FY2009-10-Q2", "FY2009-10-Q3"] {
        world.put(Administrator, &format!("kpis/NI-117/targets/{period}"), json!({"value": 5})).await.is(201);
        world.put(Administrator, &format!("kpis/NI-117/readings/{period}"), json!({"value": 4.5})).await.is(201);
        let group = format!("kpis/NI-117/readings/{period}?group=looked-after");
        world.put(Administrator, &group, json!({"value": 9.5})).await.is(201);
    }
    world.put(Administrator, "kpis/NI-50/targets/FY2009-10", json!({"value": 5})).await.is(201);
    for period in ["FY2009-10-Q1", "FY2009-10-Q2", "FY2009-10-Q3"] {
        round(world, period, "2010-02-01", "2010-02-26").await;
    }
    let mut action = String::new();
    for _ in 0..2 {
        let opened = world.post(Administrator, "actions", super::actions::action("NI-117", json!({}))).await.is(201);
        opened.json()["id"].as_str().unwrap().clone_into(&mut action);
    }
    for code in ["london", "neighbours"] {
        let editions = json!([{"from": "2007-04-01", "authorities": ["barnet", "ealing", "hillingdon"]}]);
        let group = json!({"code": code, "title": code, "editions": editions});
        world.post(Administrator, "comparator-groups", group).await.is(201);
    }
    for period in ["FY2009-10-Q1", "FY2009-10-Q2"] {
        let figures = json!({"figures": [{"authority": "barnet", "title": "Barnet", "value": 4.0}]});
        world.put(Administrator, &format!("benchmarks/NI-117/{period}"), figures).await.is(201);
    }
    for minute in 1..3 {
        worker.step(world.now() + chrono::TimeDelta::minutes(minute)).await.unwrap();
    }
    let reports =
        [super::board_reports::frozen(world, json!({})).await, super::board_reports::frozen(world, json!({})).await];
    let grants = world.get(Administrator, "grants").await.is(200).json();
    let entering = super::entering::furnished(world).await;
    Ids { grant: grants["items"][0]["id"].as_str().unwrap().to_owned(), action, webhook, reports, entering }
}

/// Every read of the document with its address.
fn reads(ids: &Ids) -> Vec<(Operation, String)> {
    let reads = operations().filter(|operation| operation.method == "get");
    reads.map(|operation| (operation, address(&operation, ids))).collect()
}

fn reads_of_a_plan(ids: &Ids) -> Vec<(Operation, String)> {
    reads(ids).into_iter().filter(|(operation, _)| operation.is_of_a_plan()).collect()
}

async fn every_read_of_a_plan_answers_304_to_whoever_has_it(world: &World) {
    let ids = furnished(world).await;
    let mut addresses: Vec<String> = reads_of_a_plan(&ids).into_iter().map(|(_, address)| address).collect();
    addresses.extend(
        ["status-report", "exceptions", "readings", "targets"]
            .into_iter()
            .flat_map(|table| ["csv", "xlsx"].map(|format| format!("/v1/plans/small/{table}.{format}"))),
    );
    addresses.push(format!("/v1/plans/small/board-reports/{}.xlsx", ids.reports[0]));
    addresses.push("/v1/plans/small/status-report?as_of=2010-05-14T11:00:00Z".to_owned());
    // The plan was not there before it was made.
    addresses.pop();
    for address in addresses {
        let answer = world.get(Administrator, &address).await.is(200);
        let tag = answer.tag();
        assert!(tag.starts_with('"') && tag.len() > 2, "a strong tag: {answer}");
        for known in [tag.clone(), format!("\"other\", {tag}"), format!("W/{tag}"), "*".to_owned()] {
            let same = world.get(Administrator, &address).header("if-none-match", &known).await.is(304);
            assert!(same.body.is_empty() && same.tag() == tag, "{same}");
        }
        world.get(Administrator, &address).header("if-none-match", "\"other\"").await.is(200);
        world.get(Administrator, &address).header("if-none-match", "unquoted").await.refused(400, "malformed_request");
    }
}

async fn one_tag_never_stands_for_two_bodies(world: &World) {
    let ids = furnished(world).await;
    let mut seen: HashMap<(String, String), Bytes> = HashMap::new();
    let changes = [
        (Method::PUT, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 6})),
        (Method::PUT, "kpis/NI-117/readings/FY2009-10-Q4", json!({"value": 6})),
        (Method::POST, "organisations", json!({"code": "new", "title": "New"})),
        (Method::POST, "grants", json!({"subject": Administrator.name(), "role": "board"})),
    ];
    for step in 0..=changes.len() {
        for actor in [Administrator, Board, Actor::Partner, Actor::Public] {
            let tables =
                ["status-report.xlsx", "exceptions.xlsx", "readings.xlsx"].map(|it| format!("/v1/plans/small/{it}"));
            for address in reads_of_a_plan(&ids).into_iter().map(|(_, address)| address).chain(tables) {
                let answer = world.get(actor, &address).await;
                if answer.status == 200 {
                    let known = seen.insert((address.clone(), answer.tag()), answer.body.clone());
                    assert!(known.is_none_or(|known| known == answer.body), "{address} for {actor:?}: {answer}");
                }
            }
        }
        if let Some((method, path, body)) = changes.get(step) {
            let answer = world.ask(method.clone(), Administrator, path).json(body.clone()).await;
            assert!(answer.status < 300, "{answer}");
        }
    }
}

async fn every_read_answers_to_head_as_to_get(world: &World) {
    let ids = furnished(world).await;
    for (_, address) in reads(&ids) {
        let get = world.get(Administrator, &address).await.is(200);
        let head = world.ask(Method::HEAD, Administrator, &address).await.is(200);
        let told = |answer: &Answer| {
            ["etag", "content-type", "link", "cache-control", "vary"].map(|name| answer.header(name).map(str::to_owned))
        };
        assert_eq!(told(&get), told(&head), "{address}");
        if address.starts_with("/v1/plans/") {
            assert_eq!(get.header("cache-control"), Some("private, no-cache"), "{get}");
            assert!(get.headers.get_all("vary").any(|vary| vary == "Accept"), "{get}");
        }
        assert_eq!(get.header("x-content-type-options"), Some("nosniff"), "{get}");
        assert!(get.header("content-security-policy").is_some(), "{get}");
    }
}

async fn every_address_names_its_methods_and_refuses_others(world: &World) {
    let ids = furnished(world).await;
    let mut methods: HashMap<String, Vec<String>> = HashMap::new();
    for operation in operations() {
        let address = address(&operation, &ids);
        let known = methods.entry(address).or_insert_with(|| vec!["OPTIONS".to_owned()]);
        known.push(operation.method.to_uppercase());
        if operation.method == "get" {
            known.push("HEAD".to_owned());
        }
    }
    for (address, mut known) in methods {
        known.sort();
        let allowed = |answer: &Answer| {
            let mut allowed: Vec<_> = answer.header("allow").unwrap().split(", ").map(str::to_owned).collect();
            allowed.sort();
            allowed
        };
        assert_eq!(allowed(&world.ask(Method::OPTIONS, Administrator, &address).await.is(204)), known, "{address}");
        for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
            if !known.contains(&method.to_owned()) {
                let ask = world.ask(method.parse().unwrap(), Administrator, &address);
                let answer = ask.json(json!({})).await.refused(405, "method_not_allowed");
                assert_eq!(allowed(&answer), known, "{answer}");
            }
        }
    }
}

async fn an_unknown_parameter_is_refused_and_the_nearest_one_named(world: &World) {
    let ids = furnished(world).await;
    for operation in operations() {
        let address = address(&operation, &ids);
        let ask = world.ask(operation.method(), Administrator, &asking(&address, "limti=5&as-of=x"));
        let ask = match operation.body_type() {
            Some(kind) => ask.body(kind, "{}"),
            None => ask,
        };
        let answer = ask.await.refused(400, "unknown_parameter");
        let unknown = |name: &str| (name.to_owned(), "unknown_parameter".to_owned());
        assert_eq!(answer.faults(), [unknown("limti"), unknown("as-of")], "{}", operation.id);
        let words = answer.text();
        if operation.id == "openLink" {
            continue; // It takes what its table takes.
        }
        assert_eq!(words.contains("Did you mean limit?"), operation.takes("limit"), "{}: {words}", operation.id);
        assert_eq!(words.contains("Did you mean as_of?"), operation.takes("as_of"), "{}: {words}", operation.id);
        if operation.takes("as_of") {
            let repeated = asking(&address, "as_of=2010-01-01T00:00:00Z&as_of=2010-01-01T00:00:00Z");
            let answer = world.get(Administrator, &repeated).await.refused(400, "invalid_parameter");
            assert_eq!(answer.faults(), [("as_of".to_owned(), "repeated_parameter".to_owned())]);
            world.get(Administrator, &asking(&address, "as_of=yesterday")).await.refused(400, "invalid_parameter");
        }
    }
}

async fn every_list_can_be_read_a_page_at_a_time(world: &World) {
    let ids = furnished(world).await;
    let second = json!({"code": "another", "title": "Another", "starts_on": "2009-04-01", "ends_on": "2011-03-31"});
    world.post(Administrator, "/v1/plans", second).await.is(201);
    let mut lists = 0;
    for operation in operations().filter(|operation| operation.takes("cursor")) {
        let address = address(&operation, &ids);
        let whole = world.get(Administrator, &format!("{address}?limit=1000")).await.is(200);
        assert!(whole.header("link").is_none() && whole.json()["next"].is_null(), "{whole}");
        let whole = whole.json()["items"].as_array().unwrap().clone();
        assert!(whole.len() > 1, "{} has nothing to go through", operation.id);
        for limit in [1, 2, whole.len()] {
            let mut address = format!("{address}?limit={limit}");
            let mut items = Vec::new();
            loop {
                let page = world.get(Administrator, &address).await.is(200);
                let body = page.json();
                items.extend(body["items"].as_array().unwrap().clone());
                assert!(items.len() <= whole.len(), "{} goes round in circles", operation.id);
                let Some(link) = page.header("link") else {
                    assert!(body["next"].is_null(), "{page}");
                    break;
                };
                assert_eq!(body["items"].as_array().unwrap().len(), limit, "{page}");
                let target = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap();
                assert!(target.contains(body["next"].as_str().unwrap()), "{page}");
                target.clone_into(&mut address);
            }
            assert_eq!(items, whole, "{} in pages of {limit}", operation.id);
        }
        lists += 1;
    }
    assert!(lists >= 13, "only {lists} lists were found");
}

async fn a_page_must_be_one_that_can_be(world: &World) {
    let ids = furnished(world).await;
    let kpis = world.get(Administrator, "kpis?limit=1").await.is(200).json()["next"].as_str().unwrap().to_owned();
    for operation in operations().filter(|operation| operation.takes("limit")) {
        for query in ["limit=0", "limit=1001", "limit=-1", "limit=many", "limit=", "limit=1&limit=2", "cursor=nonsense"]
        {
            if query.starts_with("limit") || operation.takes("cursor") {
                let asked = format!("{}?{query}", address(&operation, &ids));
                world.get(Administrator, &asked).await.refused(400, "invalid_parameter");
            }
        }
    }
    for list in ["readings", "targets", "benchmarks", "journal", "kpis/NI-117/readings"] {
        let asked = format!("{list}?cursor={kpis}");
        world.get(Administrator, &asked).await.refused(400, "invalid_parameter").tells("cursor");
    }
    let mended: String = kpis.chars().rev().collect();
    world.get(Administrator, &format!("kpis?cursor={mended}")).await.refused(400, "invalid_parameter");
    world.get(Administrator, "changes?after=-1").await.refused(400, "invalid_parameter");
}

async fn a_table_that_comes_whole_has_no_pages(world: &World) {
    let ids = furnished(world).await;
    let mut tables = 0;
    for (operation, address) in reads(&ids).into_iter().filter(|(operation, _)| operation.id != "openLink") {
        let (path, query) = address.split_once('?').unwrap_or((&address, ""));
        for (suffix, media) in [("csv", "text/csv"), ("xlsx", XLSX)] {
            if !operation.media_types().contains(&media) {
                continue;
            }
            tables += 1;
            let asked = asking(&format!("{path}.{suffix}?{query}"), "limit=1");
            let answer = world.get(Administrator, &asked).await.refused(400, "unknown_parameter");
            assert_eq!(answer.faults(), [("limit".to_owned(), "unknown_parameter".to_owned())]);
            if operation.takes("limit") {
                answer.tells("comes whole");
            }
        }
    }
    assert!(tables >= 10, "only {tables} tables were found");
    let next = world.get(Administrator, "readings?limit=1").await.is(200).json()["next"].as_str().unwrap().to_owned();
    let both = format!("readings?limit=1&cursor={next}");
    let answer = world.get(Administrator, &both).header("accept", "text/csv").await.refused(400, "unknown_parameter");
    assert_eq!(answer.faults().len(), 2, "{answer}");
    let link = format!("/v1/links/{}/readings.csv", ids.entering.secret);
    world.get(Actor::Nobody, &link).await.is(200);
    world.get(Actor::Nobody, &format!("{link}?limit=5")).await.refused(400, "unknown_parameter");
}

async fn the_next_page_of_a_filtered_table_is_filtered_too(world: &World) {
    furnished(world).await;
    for (query, rows) in
        [("group=looked-after", 3), ("period=2009/10%20Q1", 2), ("kpi=NI-117&group=all", 3), ("outcome_area=safety", 0)]
    {
        let mut address = format!("/v1/plans/small/readings.json?{query}&limit=1");
        let mut found = 0;
        loop {
            let page = world.get(Board, &address).await.is(200);
            found += page.json()["items"].as_array().unwrap().len();
            let Some(link) = page.header("link") else { break };
            assert!(link.starts_with("</v1/plans/small/readings.json?"), "the link keeps the suffix: {page}");
            link.trim_start_matches('<').split('>').next().unwrap().clone_into(&mut address);
        }
        assert_eq!(found, rows, "{query}");
    }
    world.get(Board, "readings?period=2009-13").await.is(422);
    world.get(Board, "readings?group=no%20code").await.refused(400, "invalid_parameter");
}

async fn what_a_resource_cannot_be_had_as_is_406(world: &World) {
    let ids = furnished(world).await;
    for (operation, address) in reads(&ids) {
        let mut offered = operation.media_types();
        if operation.id == "openLink" {
            // What this one opens is a table.
            offered.retain(|media| !matches!(*media, "image/svg+xml" | "text/html"));
        }
        let asking = |accept: &str| world.get(Administrator, &address).header("accept", accept);
        let refused = asking("application/x-nothing, image/png;q=0.5").await.refused(406, "not_acceptable");
        let head = world.ask(Method::HEAD, Administrator, &address).header("accept", "image/png").await;
        assert_eq!(head.status, 406, "{head}");
        for media in &offered {
            assert!(refused.json()["detail"].as_str().unwrap().contains(media), "{refused}");
            let answer = asking(media).await.is(200);
            assert_eq!(answer.media_type(), *media, "{answer}");
        }
        let json = |media: &&str| media.ends_with("json");
        let browsers = ["*/*", "text/html, application/xhtml+xml, */*;q=0.8", "application/json, text/plain, */*", ""];
        let json_only =
            ["application/json", "application/problem+json", "application/*", "text/csv;q=0, application/json"];
        for accept in browsers.iter().chain(json_only.iter().filter(|_| offered.iter().any(json))) {
            asking(accept).await.is(200);
        }
        let (path, query) = address.split_once('?').unwrap_or((&address, ""));
        for (suffix, media) in [("csv", "text/csv"), ("xlsx", XLSX), ("json", "application/json")] {
            if !path.starts_with("/v1/") {
                continue;
            }
            let answer = world.get(Administrator, &format!("{path}.{suffix}?{query}")).await;
            if offered.iter().any(|known| *known == media || suffix == "json" && json(known)) {
                assert!(answer.is(200).media_type().ends_with(media.rsplit('/').next().unwrap()), "{address}.{suffix}");
            } else {
                answer.refused(406, "not_acceptable");
            }
        }
    }
    // What is written is not refused for what its sender would rather read.
    let body = json!({"code": "new", "title": "New"});
    let made = world.post(Administrator, "organisations", body).header("accept", "text/csv").await.is(201);
    assert_eq!(made.media_type(), "application/json");
    let patch = world.patch(Administrator, "organisations/new", &made.tag(), json!({"title": "Newer"}));
    patch.header("accept", "image/png").await.is(200);
}

async fn a_suffix_says_what_accept_says(world: &World) {
    furnished(world).await;
    for table in ["status-report", "exceptions", "readings", "targets"] {
        let by_header = world.get(Board, table).header("accept", "text/csv").await.is(200);
        let by_suffix = world.get(Board, &format!("{table}.csv")).header("accept", "application/json").await.is(200);
        assert_eq!(by_header.body, by_suffix.body);
        assert_eq!(by_header.tag(), by_suffix.tag());
        assert_eq!(by_suffix.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
        let link = by_suffix.header("link").unwrap();
        assert!(link.contains(&format!("</v1/schemas/{table}>; rel=\"describedby\"")), "{link}");
        let json = world.get(Board, &format!("{table}.json")).header("accept", "text/csv").await.is(200);
        assert_eq!(json.header("content-type"), Some("application/json"));
        assert_ne!(json.tag(), by_suffix.tag(), "two renderings of one state");
        let schema = world.get(Board, &format!("/v1/schemas/{table}")).await.is(200).json();
        let columns: Vec<_> =
            schema["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
        assert_eq!(by_suffix.text().lines().next().unwrap(), columns.join(","));
    }
    world.get(Board, "/v1/schemas/nothing").await.refused(404, "not_found");
}

async fn every_body_must_say_what_it_is(world: &World) {
    let ids = furnished(world).await;
    for operation in operations().filter(|operation| operation.body_type().is_some()) {
        let wanted = operation.body_type().unwrap();
        for wrong in
            ["text/plain", "application/x-www-form-urlencoded", ""].into_iter().filter(|wrong| *wrong != wanted)
        {
            let ask = world.ask(operation.method(), Administrator, &address(&operation, &ids));
            let answer = ask.body(wrong, "{}").header("if-match", "*").await.refused(415, "unsupported_media_type");
            assert_eq!(answer.header("accept"), Some(operation.body_types().join(", ").as_str()), "{answer}");
        }
        let ask = world.ask(operation.method(), Administrator, &address(&operation, &ids));
        ask.body(wanted, "{}").header("content-encoding", "gzip").await.refused(415, "unsupported_media_type");
    }
    // A patch is a merge patch and nothing else.
    let ask = world.ask(Method::PATCH, Administrator, "kpis/NI-117").header("if-match", "*");
    ask.json(json!({"title": "New"})).await.refused(415, "unsupported_media_type");
}

async fn a_body_has_a_limit(world: &World) {
    small(world).await;
    let long = json!({"code": "long", "title": "x".repeat(1 << 20)});
    world.post(Administrator, "organisations", long).await.refused(413, "body_too_large");
    let declared = world.ask(Method::POST, Administrator, "readings").header("content-type", "text/csv");
    declared.header("content-length", "99999999999").await.refused(413, "body_too_large");
}

async fn a_request_is_named_by_whoever_sends_it(world: &World) {
    small(world).await;
    for address in ["/v1/plans/small/kpis", "/v1/plans/nowhere", "/nothing/here", "/livez"] {
        let answer = world.get(Board, address).header("x-request-id", "job-7/a").await;
        assert_eq!(answer.header("x-request-id"), Some("job-7/a"), "{answer}");
        let (first, second) = (world.get(Board, address).await, world.get(Board, address).await);
        assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    }
}

async fn nothing_is_there_under_addresses_that_are_none(world: &World) {
    small(world).await;
    for address in [
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v2/plans",
        "/v1/plans/small/",
        "/v1/plans//kpis",
        "/v1/plans/small/kpis/NI-117/",
        "/v1/plans/small/kpis/not%20a%20code",
        "/v1/plans/small/kpis/NI-117%00",
        "/v1/plans/small/kpis/%ff",
        "/v1/plans/small/kpis/NI-117/readings/FY2009-11",
        "/v1/plans/small/kpis/NI-117/targets/2009-06",
        "/v1/plans/small/kpis/NI-117/readings/FY2009-10-Q1",
        "/v1/plans/small/grants/not-an-id",
        "/v1/plans/SMALL",
        "/problems/nothing",
    ] {
        world.get(Administrator, address).await.refused(404, "not_found");
    }
}

async fn the_documents_served_are_the_ones_committed(world: &World) {
    for (address, committed) in [
        ("/openapi.json", include_str!("../../openapi/openapi.json")),
        ("/openapi-3.0.json", include_str!("../../openapi/openapi-3.0.json")),
    ] {
        let served = world.get(Actor::Nobody, address).await.is(200);
        assert_eq!(served.json(), serde_json::from_str::<Value>(committed).unwrap());
        world.get(Actor::Nobody, address).header("if-none-match", &served.tag()).await.is(304);
    }
    for problem in world.get(Actor::Nobody, "/problems").await.is(200).text().split("/problems/").skip(1) {
        let code: String = problem.chars().take_while(|char| char.is_ascii_lowercase() || *char == '_').collect();
        world.get(Actor::Nobody, &format!("/problems/{code}")).await.is(200);
    }
}
