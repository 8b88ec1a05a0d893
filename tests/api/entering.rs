//! Personal access tokens, secret links and partners' clients: who comes in with what, how far, and until when.

use actix_web::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use waymark::http::settings::Settings;

use crate::on_both;
use crate::support::plan::small;
use crate::support::{Actor, Answer, Door, Operation, World, settings};

use Actor::{Administrator, Board, Contributor, Lead, Manager, Nobody, Partner, Public, Stranger};

on_both! {
    a_token_is_its_maker_within_its_bounds
    a_token_reads_only_unless_it_was_made_for_more
    a_token_ends_when_it_is_revoked_and_when_it_expires
    a_token_must_be_one_that_can_be_made
    a_token_makes_no_other
    a_secret_is_shown_once_and_kept_nowhere
    an_instant_that_is_none_is_told_how_to_write_one
    basic_takes_a_token_as_its_password_where_it_is_allowed
    a_link_opens_one_table_as_a_partner_reads_it
    a_link_shows_a_page_where_a_kpi_stands
    a_link_ends_with_its_maker_s_grants
    a_client_signs_in_with_its_secret
    a_client_s_secrets_are_exchanged_without_a_pause
    a_client_that_is_wrong_is_told_in_oauth_s_words
    what_tells_clients_how_to_sign_in_is_there
}

/// The ids of what is in the furnished plan.
pub(super) struct Ids {
    pub(super) token: String,
    pub(super) link: String,
    pub(super) secret: String,
    pub(super) client: String,
    pub(super) client_secret: String,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The secret in a link's address.
fn secret_of(link: &Value) -> String {
    text(&link["href"]).split('/').nth(3).unwrap().to_owned()
}

async fn link(world: &World, actor: Actor, terms: Value) -> Value {
    world.post(actor, "links", terms).await.is(201).json()
}

/// Two of each, so that every list has two pages; and the link was used, so that its last use moves no more.
pub(super) async fn furnished(world: &World) -> Ids {
    let mut ids = Ids {
        token: String::new(),
        link: String::new(),
        secret: String::new(),
        client: String::new(),
        client_secret: String::new(),
    };
    for name in ["one", "another"] {
        ids.token = text(&world.post(Administrator, "/v1/tokens", json!({"name": name})).await.is(201).json()["id"]);
        let made = link(world, Administrator, json!({"name": name, "table": "readings"})).await;
        (ids.link, ids.secret) = (text(&made["id"]), secret_of(&made));
        let client = world.post(Administrator, "clients", json!({"title": name})).await.is(201).json();
        ids.client = text(&client["id"]);
    }
    world.get(Nobody, &format!("/v1/links/{}/readings", ids.secret)).await.is(200);
    let address = format!("links/{}", ids.link);
    while world.get(Administrator, &address).await.is(200).json()["last_used_at"].is_null() {
        tokio::task::yield_now().await;
    }
    let secrets = format!("clients/{}/secrets", ids.client);
    ids.client_secret = text(&world.ask(Method::POST, Administrator, &secrets).await.is(201).json()["id"]);
    ids
}

/// Has what an operation on a token, a link or a client needs in place for this actor: its id, or its secret, and the id of
/// what belongs to it.
pub(super) async fn prepared(world: &World, operation: &Operation, actor: Actor) -> Option<String> {
    if operation.path.contains("{token}") {
        return Some(text(&world.post(actor, "/v1/tokens", json!({"name": "x"})).await.is(201).json()["id"]));
    }
    if operation.path.contains("{link}") || operation.path.contains("{secret}") {
        let maker = if actor == Stranger { Administrator } else { actor };
        let made = link(world, maker, json!({"name": "x", "table": "readings"})).await;
        return Some(if operation.id == "openLink" { secret_of(&made) } else { text(&made["id"]) });
    }
    if operation.path.contains("{client_id}") {
        let client = world.post(Administrator, "clients", json!({"title": "x"})).await.is(201).json();
        let id = text(&client["id"]);
        if operation.id == "removeClientSecret" {
            world.ask(Method::POST, Administrator, &format!("clients/{id}/secrets")).await.is(201);
        }
        return Some(format!("{id}?since={}", text(&client["secrets"][0]["id"])));
    }
    None
}

/// Asks with a personal access token.
async fn with(door: &Door, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    let ask = door.ask(method, Nobody, path).header("authorization", &format!("Bearer {token}"));
    match body {
        Some(body) => ask.json(body).await,
        None => ask.await,
    }
}

async fn made(world: &World, actor: Actor, terms: Value) -> String {
    text(&world.post(actor, "/v1/tokens", terms).await.is(201).json()["token"])
}

async fn a_token_is_its_maker_within_its_bounds(world: &World) {
    small(world).await;
    let plan = json!({"code": "other", "title": "Other", "starts_on": "2009-04-01", "ends_on": "2010-03-31"});
    world.post(Administrator, "/v1/plans", plan).await.is(201);
    let free = made(world, Administrator, json!({"name": "free"})).await;
    let bound = made(world, Administrator, json!({"name": "bound", "plan": "small"})).await;
    let plans = |answer: Answer| {
        let items = answer.is(200).json()["items"].clone();
        items.as_array().unwrap().iter().map(|plan| text(&plan["code"])).collect::<Vec<_>>()
    };
    assert_eq!(plans(with(world, &free, Method::GET, "/v1/plans", None).await), ["other", "small"]);
    assert_eq!(plans(with(world, &bound, Method::GET, "/v1/plans", None).await), ["small"]);
    with(world, &bound, Method::GET, "kpis", None).await.is(200);
    with(world, &bound, Method::GET, "/v1/plans/other", None).await.refused(404, "not_found");
    with(world, &free, Method::GET, "/v1/plans/other", None).await.is(200);
    // Of several roles only one is carried.
    let grant = json!({"subject": Board.name(), "role": "partner", "organisation": "pct"});
    world.post(Administrator, "grants", grant).await.is(201);
    let partner = made(world, Board, json!({"name": "partner", "role": "partner"})).await;
    world.get(Board, "journal").await.is(200);
    with(world, &partner, Method::GET, "journal", None).await.refused(403, "not_allowed");
    let me = with(world, &partner, Method::GET, "/v1/me", None).await.is(200).json();
    assert_eq!((&me["subject"], me["grants"].as_array().unwrap().len()), (&json!(Board.name()), 1), "{me}");
    // What it was used for last is shown, to the minute.
    let id = |name: &'static str| async move {
        let tokens = world.get(Board, "/v1/tokens").await.is(200).json();
        tokens["items"].as_array().unwrap().iter().find(|token| token["name"] == name).unwrap().clone()
    };
    while id("partner").await["last_used_at"].is_null() {
        tokio::task::yield_now().await;
    }
    assert_eq!(id("partner").await["last_used_at"], "2010-05-14T12:00:00Z");
}

async fn a_token_reads_only_unless_it_was_made_for_more(world: &World) {
    small(world).await;
    let reading = made(world, Lead, json!({"name": "reads"})).await;
    let writing = made(world, Lead, json!({"name": "writes", "methods": ["PUT"]})).await;
    let path = "kpis/NI-117/readings/FY2009-10-Q1";
    let put = |token| with(world, token, Method::PUT, path, Some(json!({"value": 4.5})));
    let refused = put(&reading).await.refused(403, "not_allowed");
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer realm=\"waymark\", error=\"insufficient_scope\""), "{challenge}");
    put(&writing).await.is(201);
    with(world, &writing, Method::GET, path, None).await.is(200);
    with(world, &writing, Method::HEAD, path, None).await.is(200);
    with(world, &writing, Method::POST, "actions", Some(json!({}))).await.refused(403, "not_allowed");
    // It does not make its subject more than they are.
    let elsewhere = "kpis/LI-INJURIES/readings/FY2009-10-Q1";
    with(world, &writing, Method::PUT, elsewhere, Some(json!({"value": 9}))).await.refused(403, "not_allowed");
    let known = world.get(Lead, "/v1/tokens").await.is(200).json();
    let methods = |name: &str| {
        known["items"].as_array().unwrap().iter().find(|token| token["name"] == name).unwrap()["methods"].clone()
    };
    assert_eq!((methods("reads"), methods("writes")), (json!(["GET"]), json!(["GET", "PUT"])), "{known}");
}

async fn a_token_ends_when_it_is_revoked_and_when_it_expires(world: &World) {
    small(world).await;
    let terms = json!({"name": "short", "expires_at": "2010-05-14T13:00:00Z"});
    let short = made(world, Board, terms).await;
    with(world, &short, Method::GET, "kpis", None).await.is(200);
    world.now_is("2010-05-14T13:00:00Z");
    let refused = with(world, &short, Method::GET, "kpis", None).await.refused(401, "invalid_token");
    assert!(refused.header("www-authenticate").unwrap().contains("error=\"invalid_token\""), "{refused}");
    let answer = world.post(Board, "/v1/tokens", json!({"name": "long"})).await.is(201);
    let (address, long) = (answer.header("location").unwrap().to_owned(), text(&answer.json()["token"]));
    with(world, &long, Method::GET, "kpis", None).await.is(200);
    world.get(Manager, &address).await.refused(404, "not_found");
    world.delete(Manager, &address, "*").await.refused(404, "not_found");
    world.delete(Board, &address, "*").await.is(204);
    with(world, &long, Method::GET, "kpis", None).await.refused(401, "invalid_token");
    world.get(Board, &address).await.refused(404, "not_found");
    // As its maker's roles end, so does the token's.
    let free = made(world, Board, json!({"name": "free"})).await;
    let grants = world.get(Administrator, "grants").await.is(200).json();
    let grant = grants["items"].as_array().unwrap().iter().find(|grant| grant["subject"] == Board.name()).unwrap();
    world.delete(Administrator, &format!("grants/{}", text(&grant["id"])), "*").await.is(204);
    with(world, &free, Method::GET, "kpis", None).await.refused(404, "not_found");
}

async fn a_token_must_be_one_that_can_be_made(world: &World) {
    small(world).await;
    let terms = json!({"name": "", "plan": "smal", "role": "programme_manager", "expires_at": "2010-05-14T12:00:00Z"});
    let refused = world.post(Board, "/v1/tokens", terms).await.refused(422, "invalid");
    let faults =
        [("/name", "length"), ("/expires_at", "in_the_past"), ("/plan", "unknown_code"), ("/role", "not_held")];
    let told = refused.faults();
    for (pointer, _) in faults {
        assert!(told.iter().any(|(known, _)| known == pointer), "{pointer}: {refused}");
    }
    assert_eq!(told.len(), 4, "{refused}");
    let late = json!({"name": "late", "expires_at": "2013-05-14T12:00:00Z", "methods": ["GET", "BREW"], "more": 1});
    let refused = world.post(Board, "/v1/tokens", late).await.refused(422, "invalid");
    assert_eq!(refused.faults().len(), 2, "{refused}");
    // Another partnership's plan is no plan at all.
    world.post(Stranger, "/v1/tokens", json!({"name": "x", "plan": "small"})).await.refused(422, "invalid");
}

async fn a_token_makes_no_other(world: &World) {
    small(world).await;
    let token = made(world, Administrator, json!({"name": "x", "methods": ["POST", "DELETE", "PUT", "PATCH"]})).await;
    for (path, body) in [
        ("/v1/tokens", json!({"name": "y"})),
        ("links", json!({"name": "y", "table": "readings"})),
        ("clients", json!({"title": "y"})),
        ("webhooks", json!({"url": "https://partner.example/hook"})),
        ("grants", json!({"subject": "friend", "role": "administrator"})),
    ] {
        with(world, &token, Method::POST, path, Some(body)).await.refused(403, "not_allowed");
    }
    with(world, &token, Method::GET, "/v1/tokens", None).await.refused(403, "not_allowed");
    // Bound to one plan, an administrator's token makes no other plan.
    let bound = made(world, Administrator, json!({"name": "x", "methods": ["POST"], "plan": "small"})).await;
    let plan = json!({"code": "other", "title": "Other", "starts_on": "2009-04-01", "ends_on": "2010-03-31"});
    with(world, &bound, Method::POST, "/v1/plans", Some(plan.clone())).await.refused(403, "not_allowed");
    with(world, &token, Method::POST, "/v1/plans", Some(plan)).await.is(201);
}

async fn a_secret_is_shown_once_and_kept_nowhere(world: &World) {
    small(world).await;
    let token = world.post(Administrator, "/v1/tokens", json!({"name": "x"})).await.is(201);
    let link = world.post(Administrator, "links", json!({"name": "x", "table": "readings"})).await.is(201);
    let client = world.post(Administrator, "clients", json!({"title": "x"})).await.is(201);
    let secrets = [text(&token.json()["token"]), secret_of(&link.json()), text(&client.json()["client_secret"])];
    for answer in [&token, &link, &client] {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
    }
    for address in ["/v1/tokens", "links", "clients", "changes", "journal", "/v1/me", "grants"] {
        let answer = world.get(Administrator, address).await.is(200).text();
        for secret in &secrets {
            assert!(!answer.contains(secret.as_str()), "{address} shows a secret");
        }
    }
    for table in ["credentials", "client_secrets", "answers", "journal", "service_journal"] {
        let kept = world.dump(table);
        for secret in &secrets {
            assert!(!kept.contains(secret.as_str()), "{table} keeps a secret");
        }
    }
}

async fn an_instant_that_is_none_is_told_how_to_write_one(world: &World) {
    small(world).await;
    for (path, terms) in [("/v1/tokens", json!({"name": "x"})), ("links", json!({"name": "x", "table": "readings"}))] {
        for wrong in [json!("tomorrow"), json!("2010-12-31"), json!(20_101_231)] {
            let mut terms = terms.clone();
            terms["expires_at"] = wrong;
            let refused = world.post(Board, path, terms).await.refused(422, "invalid");
            refused.tells("`expires_at`: write an instant such as 2027-01-31T12:00:00Z");
        }
    }
    let action = super::actions::action("NI-117", json!({"due": "soon"}));
    world.post(Administrator, "actions", action).await.refused(422, "invalid").tells("write a day such as 2027-01-31");
}

async fn basic_takes_a_token_as_its_password_where_it_is_allowed(world: &World) {
    small(world).await;
    let token = made(world, Board, json!({"name": "Excel"})).await;
    let basic = |password: &str| format!("Basic {}", STANDARD.encode(format!("anything:{password}")));
    let refused = world.get(Nobody, "kpis").header("authorization", &basic(&token)).await;
    refused.refused(401, "missing_token");
    let open = world.settled(Settings { basic_auth: true, ..settings() }).await;
    open.get(Nobody, "kpis").header("authorization", &basic(&token)).await.is(200);
    // Only such a token is a password, and whoever sends none is asked for one.
    let jwt = Board.token().unwrap();
    for password in [jwt, "wmk_wrong", "", "secret"] {
        let refused = open.get(Nobody, "kpis").header("authorization", &basic(password)).await;
        let refused = refused.refused(401, "invalid_token").tells("personal access token");
        let challenges: Vec<_> = refused.headers.get_all("www-authenticate").map(|one| one.to_str().unwrap()).collect();
        assert!(challenges.iter().any(|one| one.starts_with("Basic ")), "{refused}");
        assert!(challenges.iter().any(|one| one.starts_with("Bearer ")), "{refused}");
    }
}

async fn a_link_shows_a_page_where_a_kpi_stands(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(201);
    world.put(Manager, "kpis/LI-INJURIES/readings/FY2009-10-Q1", json!({"value": 3})).await.is(201);
    for table in ["badge", "sparkline"] {
        let terms = |kpi: &str| json!({"name": "Our page", "table": table, "kpi": kpi});
        let href = text(&link(world, Board, terms("NI-117")).await["href"]);
        assert!(href.ends_with(&format!("/{table}.svg")), "{href}");
        // An image in a page has no token to show.
        let shown = world.get(Nobody, &href).await.is(200);
        assert_eq!(shown.header("content-type"), Some("image/svg+xml"), "{shown}");
        assert!(shown.text().contains("4.5 %"), "{shown}");
        let withheld = text(&link(world, Board, terms("LI-INJURIES")).await["href"]);
        assert!(!world.get(Nobody, &withheld).await.is(200).text().contains(">3"), "a partner's picture");
        world.get(Nobody, &href.replace(table, "series")).await.refused(404, "not_found");
        let nobody_s = json!({"name": "Our page", "table": table});
        assert_eq!(world.post(Board, "links", nobody_s).await.refused(422, "invalid").faults()[0].0, "/kpi");
        // A KPI that its maker sees and a reader of the link would not; to whoever does not see it, there is none.
        let internal = world.post(Board, "links", terms("NI-50")).await.refused(422, "invalid");
        assert_eq!(internal.faults(), [("/kpi".to_owned(), "not_published".to_owned())]);
        internal.tells("not published to those who would see the link");
        world.post(Partner, "links", terms("NI-87")).await.refused(422, "invalid").tells("no KPI");
    }
}

async fn a_link_opens_one_table_as_a_partner_reads_it(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(201);
    world.put(Manager, "kpis/LI-INJURIES/readings/FY2009-10-Q1", json!({"value": 3})).await.is(201);
    let made = link(world, Board, json!({"name": "sheet", "table": "readings"})).await;
    let href = text(&made["href"]);
    assert!(href.starts_with("/v1/links/") && href.ends_with("/readings.csv"), "{href}");
    let table = world.get(Nobody, &href).await.is(200);
    assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!(table.header("link"), None, "nothing that could not be followed without a token");
    // What its maker sees, a partner does not; and whoever has the address is one.
    assert!(world.get(Board, "readings.csv").await.is(200).text().contains("LI-INJURIES,FY2009-10-Q1,all,3,"));
    // A partner of the KPI's own organisation sees more; what they hand on does not.
    let owner = json!({"subject": Contributor.name(), "role": "partner", "organisation": "pct"});
    world.post(Administrator, "grants", owner).await.is(201);
    let theirs = text(&link(world, Contributor, json!({"name": "sheet", "table": "readings"})).await["href"]);
    let own = text(&link(world, Partner, json!({"name": "sheet", "table": "readings"})).await["href"]);
    for href in [theirs, own] {
        assert_eq!(world.get(Nobody, &href).await.is(200).text(), table.text());
    }
    let rows = table.rows();
    let injuries = rows.iter().find(|row| row["kpi"] == "LI-INJURIES").unwrap();
    assert_eq!((injuries["value"].as_str(), injuries["symbol"].as_str()), ("", "c"), "{injuries:?}");
    // The table's own parameters, pages and states.
    let page = world.get(Nobody, &href.replace(".csv", "?kpi=NI-117&limit=1")).await.is(200);
    assert_eq!(page.json()["items"].as_array().unwrap().len(), 1);
    let tag = world.get(Nobody, &href).await.is(200).tag();
    world.get(Nobody, &href).header("if-none-match", &tag).await.is(304);
    world.get(Nobody, &format!("{href}?nonsense=1")).await.refused(400, "unknown_parameter");
    // One table, reading only.
    let base = href.trim_end_matches("readings.csv");
    for other in ["targets.csv", "status-report.csv", "../readings.csv", ""] {
        world.get(Nobody, &format!("{base}{other}")).await.refused(404, "not_found");
    }
    world.import(Nobody, &href.replace(".csv", ""), "kpi,period,value\n").await.refused(405, "method_not_allowed");
    let series = link(world, Board, json!({"name": "one", "table": "series", "kpi": "NI-117"})).await;
    let points = world.get(Nobody, &text(&series["href"]).replace(".csv", "")).await.is(200).json();
    assert_eq!(points["points"][0]["value"], json!(4.5), "{points}");
    for wrong in [
        json!({"name": "x", "table": "series"}),
        json!({"name": "x", "table": "series", "kpi": "NI-999"}),
        json!({"name": "x", "table": "readings", "kpi": "NI-117"}),
        json!({"name": "x", "table": "journal"}),
    ] {
        world.post(Board, "links", wrong).await.refused(422, "invalid");
    }
    // Somebody else's links are not there for anyone but an administrator.
    let address = format!("links/{}", text(&made["id"]));
    world.get(Lead, &address).await.refused(404, "not_found");
    world.get(Administrator, &address).await.is(200);
    world.delete(Board, &address, "*").await.is(204);
    world.get(Nobody, &href).await.refused(404, "not_found");
}

async fn a_link_ends_with_its_maker_s_grants(world: &World) {
    small(world).await;
    let href = text(&link(world, Board, json!({"name": "x", "table": "readings"})).await["href"]);
    world.get(Nobody, &href).await.is(200);
    let grants = world.get(Administrator, "grants").await.is(200).json();
    let grant = grants["items"].as_array().unwrap().iter().find(|grant| grant["subject"] == Board.name()).unwrap();
    world.delete(Administrator, &format!("grants/{}", text(&grant["id"])), "*").await.is(204);
    world.get(Nobody, &href).await.refused(404, "not_found");
    // The public reads what is public.
    let terms = json!({"name": "x", "table": "readings", "expires_at": "2010-05-14T14:00:00Z"});
    let public = text(&link(world, Public, terms).await["href"]);
    assert_eq!(world.get(Nobody, &public).await.is(200).text(), world.get(Public, "readings.csv").await.text());
    world.now_is("2010-05-14T14:00:00Z");
    world.get(Nobody, &public).await.refused(404, "not_found");
}

/// Asks for an access token.
async fn token(world: &World, form: &str, basic: Option<(&str, &str)>) -> Answer {
    let ask =
        world.ask(Method::POST, Nobody, "/oauth/token").body("application/x-www-form-urlencoded", form.to_owned());
    match basic {
        Some((id, secret)) => {
            ask.header("authorization", &format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))).await
        }
        None => ask.await,
    }
}

const GRANT: &str = "grant_type=client_credentials";

async fn a_client_signs_in_with_its_secret(world: &World) {
    small(world).await;
    let client = world.post(Administrator, "clients", json!({"title": "Warehouse"})).await.is(201).json();
    let (id, secret) = (text(&client["id"]), text(&client["client_secret"]));
    let form = format!("{GRANT}&client_id={id}&client_secret={secret}");
    let answer = token(world, &form, None).await.is(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!((&answer.json()["token_type"], &answer.json()["expires_in"]), (&json!("Bearer"), &json!(900)));
    let first = text(&answer.json()["access_token"]);
    let claims: Value = serde_json::from_slice(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(first.split('.').nth(1).unwrap()).unwrap(),
    )
    .unwrap();
    assert_eq!((&claims["client_id"], &claims["aud"]), (&json!(id), &json!("waymark")), "{claims}");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
    // It may do what is granted to its subject, and nothing before.
    with(world, &first, Method::GET, "kpis", None).await.refused(404, "not_found");
    let grant = json!({"subject": client["subject"], "role": "contributor", "organisation": "connexions"});
    world.post(Administrator, "grants", grant).await.is(201);
    let second = text(&token(world, GRANT, Some((&id, &secret))).await.is(200).json()["access_token"]);
    let path = "kpis/NI-117/readings/FY2009-10-Q1";
    with(world, &second, Method::PUT, path, Some(json!({"value": 4.5}))).await.is(201);
    assert_eq!(world.get(Manager, path).await.is(200).json()["recorded_by"], client["subject"]);
    // What is taken back with its secret is all that it has: it makes nothing to come in with by itself.
    with(world, &second, Method::POST, "/v1/tokens", Some(json!({"name": "x"}))).await.refused(403, "not_allowed");
    let link = json!({"name": "x", "table": "readings"});
    with(world, &second, Method::POST, "links", Some(link)).await.refused(403, "not_allowed");
    // Nor does it let anyone in, whatever it is granted.
    let administrator = json!({"subject": client["subject"], "role": "administrator"});
    world.post(Administrator, "grants", administrator).await.is(201);
    let friend = json!({"subject": "friend", "role": "board"});
    with(world, &second, Method::POST, "grants", Some(friend)).await.refused(403, "not_allowed");
    // It is known in the plan that goes on from this one.
    let next = json!({"code": "next", "title": "The plan after", "starts_on": "2011-04-01", "ends_on": "2013-03-31"});
    world.post(Administrator, "successor", next).await.is(201);
    with(world, &second, Method::GET, "/v1/plans/next/kpis", None).await.is(200);
    // Ended, it signs in no more, and the tokens it still has open nothing in any plan.
    world.delete(Administrator, &format!("clients/{id}"), "*").await.is(204);
    token(world, &form, None).await.is(401);
    for address in ["kpis", "/v1/plans/next/kpis", "/v1/me"] {
        with(world, &second, Method::GET, address, None).await.refused(401, "invalid_token");
    }
}

async fn a_client_s_secrets_are_exchanged_without_a_pause(world: &World) {
    small(world).await;
    let client = world.post(Administrator, "clients", json!({"title": "Warehouse"})).await.is(201).json();
    let (id, old) = (text(&client["id"]), text(&client["client_secret"]));
    let secrets = format!("clients/{id}/secrets");
    let only = format!("{secrets}/{}", text(&client["secrets"][0]["id"]));
    world.delete(Administrator, &only, "*").await.refused(409, "conflict");
    let next = world.ask(Method::POST, Administrator, &secrets).await.is(201);
    assert_eq!(next.header("cache-control"), Some("no-store"));
    let new = text(&next.json()["client_secret"]);
    world.ask(Method::POST, Administrator, &secrets).await.refused(409, "conflict");
    token(world, GRANT, Some((&id, &old))).await.is(200);
    token(world, GRANT, Some((&id, &new))).await.is(200);
    world.delete(Administrator, &only, "*").await.is(204);
    world.delete(Administrator, &only, "*").await.refused(404, "not_found");
    token(world, GRANT, Some((&id, &old))).await.is(401);
    token(world, GRANT, Some((&id, &new))).await.is(200);
}

async fn a_client_that_is_wrong_is_told_in_oauth_s_words(world: &World) {
    small(world).await;
    let client = world.post(Administrator, "clients", json!({"title": "Warehouse"})).await.is(201).json();
    let (id, secret) = (text(&client["id"]), text(&client["client_secret"]));
    let both = format!("{GRANT}&client_id={id}&client_secret={secret}");
    for (form, basic, status, error) in [
        ("", None, 400, "invalid_request"),
        (GRANT, None, 401, "invalid_client"),
        ("grant_type=password&username=x&password=y", None, 400, "unsupported_grant_type"),
        (&format!("{both}&scope=read"), None, 400, "invalid_scope"),
        (&format!("{GRANT}&{GRANT}"), None, 400, "invalid_request"),
        (&both, Some((id.as_str(), secret.as_str())), 400, "invalid_request"),
        (GRANT, Some((id.as_str(), "wrong")), 401, "invalid_client"),
        (GRANT, Some(("nobody", secret.as_str())), 401, "invalid_client"),
        (GRANT, Some(("0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11", secret.as_str())), 401, "invalid_client"),
    ] {
        let answer = token(world, form, basic).await.is(status);
        assert_eq!(answer.json()["error"], error, "{answer}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
        let challenged = answer.header("www-authenticate").is_some_and(|told| told.starts_with("Basic "));
        assert_eq!(challenged, status == 401, "{answer}");
    }
}

async fn what_tells_clients_how_to_sign_in_is_there(world: &World) {
    let resource = world.get(Nobody, "/.well-known/oauth-protected-resource").await.is(200).json();
    assert_eq!(resource["resource"], "https://waymark.example");
    assert_eq!(resource["authorization_servers"], json!(["https://waymark.example", "https://issuer.example"]));
    let server = world.get(Nobody, "/.well-known/oauth-authorization-server").await.is(200).json();
    assert_eq!(server["token_endpoint"], "https://waymark.example/oauth/token");
    let keys = world.get(Nobody, "/.well-known/jwks.json").await.is(200).json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    assert!(keys["keys"][0]["kid"].is_string() && keys["keys"][0].get("d").is_none(), "{keys}");
    let told = world.get(Nobody, "/.well-known/security.txt").await.is(200).text();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines,
        [
            "Contact: mailto:security@waymark.example",
            "Expires: 2010-11-10T12:00:00Z",
            "Preferred-Languages: en",
            "Canonical: https://waymark.example/.well-known/security.txt"
        ]
    );
    let silent = world.settled(Settings { security_contact: None, ..settings() }).await;
    silent.get(Nobody, "/.well-known/security.txt").await.refused(404, "not_found");
    world.get(Contributor, "/v1/me").await.is(200);
}
