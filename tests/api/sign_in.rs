//! Signing in with an account of an organisation: an issuer on this machine plays its part.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use waymark::http::AppState;
use waymark::token::{ClientSecret, Expected, KeySource, Provider, ProviderSettings};

use crate::on_both;
use crate::support::browser::Browser;
use crate::support::plan::{round, small};
use crate::support::{Actor, Answer, Door, World, instant, people, settings};

use Actor::{Administrator, Nobody};

on_both! {
    an_account_signs_in_once_with_its_name
    what_does_not_belong_to_the_attempt_is_refused
    an_id_token_of_somebody_else_is_refused
    a_rotated_key_is_found_and_an_unknown_one_is_not
    an_issuer_that_does_not_answer_stops_nobody_else
    nobody_is_sent_elsewhere_afterwards
    roles_wait_for_an_address_and_stay_with_who_came_first
    a_token_of_the_issuer_speaks_for_the_same_person
    accounts_of_two_issuers_never_meet
}

const ID: &str = "waymark at the council";
const SECRET: &str = "a secret: 100 %";
const BACK: &str = "https://waymark.example/sign-in/organisation/callback";
const TICKET: &str = "__Host-waymark-sign-in";

struct Key {
    kid: String,
    pair: Ed25519KeyPair,
}

impl Key {
    fn new(kid: &str) -> Self {
        Self { kid: kid.to_owned(), pair: Ed25519KeyPair::generate().unwrap() }
    }

    fn public(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref());
        json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid, "x": x})
    }

    fn sign(&self, typ: &str, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "EdDSA", "kid": self.kid, "typ": typ})), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(signed.as_bytes()).as_ref());
        format!("{signed}.{signature}")
    }
}

/// What the issuer does next.
struct Part {
    key: Key,
    announced: Vec<Value>,
    /// What it calls itself, if not what it is.
    alias: Option<String>,
    is_down: bool,
    challenge: String,
    /// Given for one code.
    id_token: Option<String>,
}

/// An issuer on this machine.
struct Council {
    address: SocketAddr,
    part: Arc<Mutex<Part>>,
}

impl Council {
    fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let key = Key::new("first");
        let announced = vec![key.public()];
        let part = Part { key, announced, alias: None, is_down: false, challenge: String::new(), id_token: None };
        let part = Arc::new(Mutex::new(part));
        let playing = Arc::clone(&part);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), address, &mut playing.lock().unwrap());
            }
        });
        Self { address, part }
    }

    fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Has it give an ID token of this type for the next code.
    fn gives(&self, typ: &str, claims: &Value) {
        let mut part = self.part();
        part.id_token = Some(part.key.sign(typ, claims));
    }

    fn part(&self) -> std::sync::MutexGuard<'_, Part> {
        self.part.lock().unwrap()
    }

    /// An instance of the service at which people of this council sign in.
    async fn door(&self, world: &World) -> Door {
        self.door_with(world, "sub").await
    }

    async fn door_with(&self, world: &World, subject_claim: &str) -> Door {
        let clock = world.programme().clock().clone();
        let settled = ProviderSettings {
            issuer: self.issuer(),
            client_id: ID.to_owned(),
            client_secret: ClientSecret::new(&format!("{SECRET}\n")),
            subject_claim: subject_claim.to_owned(),
            trust_email: false,
        };
        assert!(!format!("{settled:?}").contains(SECRET));
        let keys = vec![KeySource::url(&format!("{}/jwks", self.issuer())).unwrap()];
        let theirs = Expected { issuer: self.issuer(), audience: "waymark".to_owned() };
        let verifier = Arc::new(people::verifier().and(keys, theirs));
        let state = AppState::new(world.programme().clone(), verifier).unwrap().with(settings());
        let door = Door::to(&state.with_provider(Arc::new(Provider::new(settled, clock).unwrap()))).await;
        door.enter(&world.plan());
        door
    }

    fn claims(&self, sub: &str, nonce: &str) -> Value {
        let now = instant(crate::support::NOON).timestamp();
        json!({"iss": self.issuer(), "aud": ID, "sub": sub, "nonce": nonce, "iat": now, "exp": now + 3600})
    }
}

/// Answers one question as an issuer does.
fn answer(mut stream: TcpStream, address: SocketAddr, part: &mut Part) {
    stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
    let (head, body) = question(&mut stream);
    if part.is_down {
        return;
    }
    let path = head.split(' ').nth(1).unwrap_or_default();
    let base = part.alias.clone().unwrap_or_else(|| format!("http://{address}"));
    let (status, body) = match path {
        "/.well-known/openid-configuration" => (
            200,
            json!({
                "issuer": base,
                "authorization_endpoint": format!("http://{address}/authorise"),
                "token_endpoint": format!("http://{address}/token"),
                "jwks_uri": format!("http://{address}/jwks"),
            }),
        ),
        "/jwks" => (200, json!({"keys": part.announced})),
        "/token" => code_taken(&head, &body, part),
        _ => (404, json!({})),
    };
    let body = body.to_string();
    let _gone_already = stream.write_all(
        format!("HTTP/1.1 {status} OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes(),
    );
}

fn question(stream: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).unwrap_or(0);
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return (head.to_owned(), body.to_owned());
            }
        }
        if read == 0 {
            return (text, String::new());
        }
    }
}

/// An ID token for a code, if everything about it is as it should be.
fn code_taken(head: &str, body: &str, part: &mut Part) -> (u16, Value) {
    let credentials = STANDARD.encode(format!("{}:{}", percent(ID), percent(SECRET)));
    let verifier = value(body, "code_verifier");
    let is_good = head.contains(&format!("Basic {credentials}"))
        && value(body, "grant_type") == "authorization_code"
        && value(body, "code") == "good="
        && value(body, "redirect_uri") == BACK
        && URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == part.challenge;
    match part.id_token.take() {
        Some(token) if is_good => (200, json!({"access_token": "x", "token_type": "Bearer", "id_token": token})),
        _ => (400, json!({"error": "invalid_grant"})),
    }
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// What a query or a form has under a name.
fn value(query: &str, name: &str) -> String {
    let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).unwrap_or_default();
    percent_encoding::percent_decode_str(found).decode_utf8().unwrap().into_owned()
}

/// The value of a cookie that an answer sets.
fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let mut set = answer.headers.get_all("set-cookie").map(|set| set.to_str().unwrap());
    let set = set.find(|set| set.starts_with(&format!("{name}=")))?;
    for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(attribute), "{set}");
    }
    let value = set.split(';').next().unwrap().split_once('=').unwrap().1;
    (!value.is_empty()).then(|| value.to_owned())
}

/// Somebody on their way to the issuer.
struct Leaving {
    ticket: String,
    state: String,
    nonce: String,
}

async fn leave(door: &Door, council: &Council, then: &str) -> Leaving {
    let path = format!("/sign-in/organisation?then={}", percent(then));
    let answer = door.get(Nobody, &path).header("accept", "text/html").await.is(303);
    let address = answer.header("location").unwrap().to_owned();
    let (place, query) = address.split_once('?').unwrap();
    assert_eq!(place, format!("{}/authorise", council.issuer()));
    for (name, wanted) in [
        ("response_type", "code"),
        ("client_id", ID),
        ("redirect_uri", BACK),
        ("scope", "openid profile email"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(value(query, name), wanted, "{query}");
    }
    council.part().challenge = value(query, "code_challenge");
    let ticket = cookie(&answer, TICKET).unwrap();
    Leaving { ticket, state: value(query, "state"), nonce: value(query, "nonce") }
}

async fn arrive(door: &Door, ticket: &str, query: &str) -> Answer {
    let ask = door.get(Nobody, &format!("/sign-in/organisation/callback?{query}")).header("accept", "text/html");
    ask.header("cookie", &format!("{TICKET}={ticket}")).await
}

/// Goes there and back, with what the issuer states of somebody beside what it must.
async fn sign_in(door: &Door, council: &Council, sub: &str, more: Value) -> Answer {
    let leaving = leave(door, council, "/account").await;
    let mut claims = council.claims(sub, &leaving.nonce);
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    council.gives("JWT", &claims);
    arrive(door, &leaving.ticket, &format!("state={}&code=good=", leaving.state)).await
}

/// The account page of somebody who has just signed in.
async fn account(door: &Door, answer: Answer) -> String {
    let answer = answer.is(303);
    let session = cookie(&answer, "__Host-waymark").unwrap();
    let ask = door.get(Nobody, "/account").header("accept", "text/html");
    ask.header("cookie", &format!("__Host-waymark={session}")).await.is(200).text()
}

#[track_caller]
fn refused(answer: Answer, words: &str) {
    let answer = answer.is(422);
    assert!(cookie(&answer, "__Host-waymark").is_none(), "{answer}");
    assert!(answer.text().contains(words), "not `{words}`: {answer}");
}

async fn an_account_signs_in_once_with_its_name(world: &World) {
    let council = Council::begin();
    let door = council.door(world).await;
    let page = door.get(Nobody, "/sign-in?then=/plans/small").header("accept", "text/html").await.is(200).text();
    assert!(page.contains("href=\"/sign-in/organisation?then=%2Fplans%2Fsmall\""), "{page}");
    let leaving = leave(&door, &council, "/plans/small?status=off_track").await;
    let mut claims = council.claims("0017", &leaving.nonce);
    claims["name"] = "Jo Lead".into();
    council.gives("JWT", &claims);
    // An issuer says more than is asked of it.
    let back = format!("state={}&code=good=&iss={}&session_state=x", leaving.state, percent(&council.issuer()));
    let answer = arrive(&door, &leaving.ticket, &back).await.is(303);
    assert_eq!(answer.header("location"), Some("/plans/small?status=off_track"));
    assert!(cookie(&answer, TICKET).is_none(), "it is good for once: {answer}");
    let page = account(&door, answer).await;
    assert!(page.contains("You are signed in as Jo Lead"), "{page}");
    assert!(page.contains(&format!("{}#0017", council.issuer())), "{page}");
    refused(arrive(&door, &leaving.ticket, &back).await, "did not confirm this attempt");
    let bound: Vec<_> = world.service_journal().into_iter().filter(|entry| entry.kind == "person").collect();
    assert_eq!(bound.len(), 1);
    assert!(!bound[0].after.as_ref().unwrap().to_string().contains("Jo Lead"), "names are the issuer's");
}

async fn what_does_not_belong_to_the_attempt_is_refused(world: &World) {
    let council = Council::begin();
    let door = council.door(world).await;
    let leaving = leave(&door, &council, "/").await;
    let (ticket, state) = (leaving.ticket.as_str(), leaving.state.as_str());
    for wrong in ["code=good=", "state=&code=good=", "state=other&code=good="] {
        refused(arrive(&door, ticket, wrong).await, "does not belong to your last attempt");
    }
    let twice = format!("state={state}&state={state}&code=good=");
    refused(arrive(&door, ticket, &twice).await, "does not belong to your last attempt");
    let mixed_up = format!("state={state}&code=good=&iss=https%3A%2F%2Fevil.example");
    refused(arrive(&door, ticket, &mixed_up).await, "does not belong to your last attempt");
    let declined = format!("state={state}&error=access_denied&error_description=no");
    refused(arrive(&door, ticket, &declined).await, "did not let you in");
    refused(arrive(&door, ticket, &format!("state={state}&error=server_error")).await, "reported a fault");
    for broken in ["", "a.b", "...0.Lw", "a.b.c.99999999999.Ly9ldmls"] {
        refused(arrive(&door, broken, &format!("state={state}&code=good=")).await, "longer than ten minutes");
    }
    refused(arrive(&door, ticket, &format!("state={state}&code=bad")).await, "did not confirm this attempt");
    world.now_is("2010-05-14T12:10:00Z");
    refused(arrive(&door, ticket, &format!("state={state}&code=good=")).await, "longer than ten minutes");
    // Where no issuer is set up there is nothing.
    for path in ["/sign-in/organisation", "/sign-in/organisation/callback"] {
        world.get(Nobody, path).header("accept", "text/html").await.is(404);
    }
}

async fn an_id_token_of_somebody_else_is_refused(world: &World) {
    let council = Council::begin();
    let door = council.door(world).await;
    let now = world.now().timestamp();
    for (wrong, words) in [
        (json!({"aud": "another"}), "cannot be accepted"),
        (json!({"aud": [ID, "another"]}), "cannot be accepted"),
        (json!({"aud": [ID, "another"], "azp": "another"}), "cannot be accepted"),
        (json!({"iss": "https://evil.example"}), "cannot be accepted"),
        (json!({"exp": now - 31}), "cannot be accepted"),
        (json!({"iat": now + 31}), "cannot be accepted"),
        (json!({"nonce": "another"}), "did not confirm"),
        (json!({"nonce": null}), "did not confirm"),
        (json!({"sub": "a\u{1}b"}), "cannot be accepted"),
    ] {
        refused(sign_in(&door, &council, "0017", wrong).await, words);
    }
    account(&door, sign_in(&door, &council, "0017", json!({"aud": [ID, "another"], "azp": ID})).await).await;
    let by_claim = council.door_with(world, "oid").await;
    refused(sign_in(&by_claim, &council, "0017", json!({})).await, "--subject-claim");
    let page = account(&by_claim, sign_in(&by_claim, &council, "0017", json!({"oid": "object"})).await).await;
    assert!(page.contains(&format!("{}#object", council.issuer())), "{page}");
    // An access token is no ID token.
    let leaving = leave(&door, &council, "/").await;
    council.gives("at+jwt", &council.claims("0017", &leaving.nonce));
    let query = format!("state={}&code=good=", leaving.state);
    refused(arrive(&door, &leaving.ticket, &query).await, "cannot be accepted");
}

async fn a_rotated_key_is_found_and_an_unknown_one_is_not(world: &World) {
    let council = Council::begin();
    let door = council.door(world).await;
    sign_in(&door, &council, "0017", json!({})).await.is(303);
    let next = Key::new("second");
    let announced = next.public();
    council.part().key = next;
    refused(sign_in(&door, &council, "0017", json!({})).await, "cannot be accepted");
    council.part().announced.push(announced);
    world.now_is("2010-05-14T12:02:00Z");
    sign_in(&door, &council, "0017", json!({})).await.is(303);
    // The same name with another key.
    council.part().key = Key::new("second");
    refused(sign_in(&door, &council, "0017", json!({})).await, "cannot be accepted");
}

async fn an_issuer_that_does_not_answer_stops_nobody_else(world: &World) {
    let council = Council::begin();
    council.part().is_down = true;
    let door = council.door(world).await;
    let page = door.get(Nobody, "/sign-in").header("accept", "text/html").await.is(200).text();
    assert!(page.contains("cannot be reached") && page.contains("Personal access token"), "{page}");
    refused(door.get(Nobody, "/sign-in/organisation").header("accept", "text/html").await, "cannot be reached");
    council.part().is_down = false;
    council.part().alias = Some("https://evil.example".to_owned());
    world.now_is("2010-05-14T12:00:10Z");
    refused(door.get(Nobody, "/sign-in/organisation").header("accept", "text/html").await, "cannot be reached");
    council.part().alias = None;
    world.now_is("2010-05-14T12:00:20Z");
    sign_in(&door, &council, "0017", json!({})).await.is(303);
    let leaving = leave(&door, &council, "/").await;
    council.part().is_down = true;
    let query = format!("state={}&code=good=", leaving.state);
    refused(arrive(&door, &leaving.ticket, &query).await, "cannot be reached");
}

async fn nobody_is_sent_elsewhere_afterwards(world: &World) {
    let council = Council::begin();
    let door = council.door(world).await;
    for elsewhere in ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example"] {
        let leaving = leave(&door, &council, elsewhere).await;
        council.gives("JWT", &council.claims("0017", &leaving.nonce));
        let query = format!("state={}&code=good=", leaving.state);
        let answer = arrive(&door, &leaving.ticket, &query).await.is(303);
        assert_eq!(answer.header("location"), Some("/"), "{elsewhere}");
    }
}

async fn roles_wait_for_an_address_and_stay_with_who_came_first(world: &World) {
    small(world).await;
    let council = Council::begin();
    let door = council.door(world).await;
    let grant = json!({"subject": "jo.lead@council.example", "role": "board"});
    door.post(Administrator, "grants", grant).await.is(201);
    let address = |email: &str, verified: bool| json!({"email": email, "email_verified": verified});
    let theirs = "Roles are given to <b>jo.lead@council.example</b>";
    let is_jo = |page: &str| page.contains("You are signed in as jo.lead@council.example") || page.contains(theirs);
    let page = account(&door, sign_in(&door, &council, "liar", address("jo.lead@council.example", false)).await).await;
    assert!(!is_jo(&page), "{page}");
    let answer = sign_in(&door, &council, "jo", address("Jo.Lead@council.example", true)).await;
    let session = cookie(&answer, "__Host-waymark").unwrap();
    assert!(is_jo(&account(&door, answer).await));
    let ask = door.get(Nobody, "/plans/small").header("accept", "text/html");
    ask.header("cookie", &format!("__Host-waymark={session}")).await.is(200);
    // Married, and so with another address; somebody new is given the old one.
    let page = account(&door, sign_in(&door, &council, "jo", address("jo.new@council.example", true)).await).await;
    assert!(is_jo(&page), "{page}");
    let page = account(&door, sign_in(&door, &council, "new", address("jo.lead@council.example", true)).await).await;
    assert!(!is_jo(&page), "{page}");
    let page = account(&door, sign_in(&door, &council, "liar", address("liar@council.example", true)).await).await;
    assert!(page.contains("#liar"), "who came without stays without: {page}");
    // Those who look after the plan see who it is, and reminders go to the address that they have by now.
    round(world, "FY2009-10-Q4", "2010-04-01", "2010-05-31").await;
    let lead = json!({"subject": "jo.lead@council.example", "role": "sub_group_lead", "outcome_areas": ["health"]});
    door.post(Administrator, "grants", lead).await.is(201);
    let named = json!({"email": "jo.new@council.example", "email_verified": true, "name": "Jo Newly-Married"});
    account(&door, sign_in(&door, &council, "jo", named).await).await;
    let people = Browser::of(world, Administrator).await.get("/plans/small/set-up/people").await.is(200).text();
    assert!(people.contains("Jo Newly-Married (jo.lead@council.example)"), "{people}");
    let jo = "jo.lead@council.example".parse().unwrap();
    let reminder = world.programme().reminder(&jo, world.programme().clock().now()).await.unwrap().unwrap();
    assert_eq!(reminder.address.as_deref(), Some("jo.new@council.example"));
    account(&door, sign_in(&door, &council, "jo", json!({})).await).await;
    let reminder = world.programme().reminder(&jo, world.programme().clock().now()).await.unwrap().unwrap();
    assert_eq!(reminder.address, None, "never to whoever has the old address");
}

async fn a_token_of_the_issuer_speaks_for_the_same_person(world: &World) {
    small(world).await;
    let council = Council::begin();
    let door = council.door(world).await;
    for subject in ["jo@council.example".to_owned(), format!("{}#0018", council.issuer())] {
        door.post(Administrator, "grants", json!({"subject": subject, "role": "board"})).await.is(201);
    }
    let token = |sub: &str, more: Value| {
        let mut claims = council.claims(sub, "");
        claims["aud"] = "waymark".into();
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        format!("Bearer {}", council.part().key.sign("at+jwt", &claims))
    };
    let ask = async |token: String| door.get(Nobody, "").header("authorization", &token).await.status;
    let verified = json!({"email": "jo@council.example", "email_verified": true});
    assert_eq!(ask(token("0017", json!({}))).await, 404);
    assert_eq!(ask(token("0017", json!({"email": "jo@council.example"}))).await, 404);
    assert_eq!(ask(token("0017", verified.clone())).await, 200, "nobody is bound to it yet");
    assert_eq!(ask(token("0018", json!({}))).await, 200);
    sign_in(&door, &council, "0017", verified.clone()).await.is(303);
    assert_eq!(ask(token("0017", json!({}))).await, 200, "known by now");
    assert_eq!(ask(token("0019", verified)).await, 404, "the address is somebody's");
    // A subject of this issuer is none of another's.
    assert_eq!(ask(token(Administrator.name(), json!({}))).await, 404);
}

async fn accounts_of_two_issuers_never_meet(world: &World) {
    let (one, other) = (Council::begin(), Council::begin());
    let (here, there) = (one.door(world).await, other.door(world).await);
    let address = json!({"email": "jo@council.example", "email_verified": true});
    let page = account(&here, sign_in(&here, &one, "0017", address.clone()).await).await;
    assert!(page.contains("signed in as jo@council.example"), "{page}");
    let page = account(&there, sign_in(&there, &other, "0017", address).await).await;
    assert!(page.contains(&format!("signed in as {}#0017", other.issuer())), "{page}");
}
