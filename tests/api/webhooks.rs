//! Webhooks: every event comes, in order, signed, through the subscriber's own eyes, and nowhere it should not go.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join;
use serde_json::{Value, json};

use actix_web::http::Method;
use waymark::delivery::Worker;
use waymark::store::seal::sha256;
use waymark::store::webhooks::WebhookRow;
use waymark::store::{StoreError, journal, new_id, plans, webhooks};

use crate::on_both;
use crate::support::plan::{kpi, round, small};
use crate::support::{Actor, Door, World};

use Actor::{Administrator, Board, Contributor, Lead, Manager, Nobody, Partner};

on_both! {
    what_happens_is_told_in_order_and_signed
    what_is_not_taken_is_tried_again_and_given_up_after_three_days
    a_subscriber_that_is_gone_is_told_no_more
    a_secret_that_was_replaced_signs_for_a_day
    a_secret_is_shown_once
    nothing_is_sent_to_private_addresses_unless_the_deployment_says_so
    a_redirect_is_not_followed
    two_instances_tell_each_thing_once
    a_partner_is_told_what_a_partner_sees
    whose_role_is_taken_back_is_told_no_more
    what_falls_overdue_is_told_once_in_its_place_in_time
    a_subscription_may_be_narrowed
    everyone_manages_their_own_and_managers_all
    a_webhook_can_be_tried_out
    terms_are_checked_all_at_once
    an_address_that_was_given_up_gets_no_more
    what_a_former_address_says_is_said_of_itself_alone
    what_was_taken_is_not_sent_again_for_a_change
    terms_that_were_changed_meanwhile_pass_over_nothing
    whatever_was_sent_is_logged_though_it_was_switched_off
    a_change_does_not_forget_what_failed
    each_message_goes_by_the_moment_it_is_sent
    a_slow_subscriber_holds_nobody_up
    an_address_is_in_the_journal_by_what_is_no_secret
    nobody_takes_every_place
    a_client_has_no_webhooks_and_would_be_told_no_more
}

/// A message as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) headers: HashMap<String, String>,
    body: String,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    /// How many of the signatures are by this secret.
    pub(crate) fn signed_by(&self, secret: &str) -> usize {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let content = format!("{}.{}.{}", self.headers["webhook-id"], self.headers["webhook-timestamp"], self.body);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), content.as_bytes());
        let wanted = format!("v1,{}", STANDARD.encode(tag.as_ref()));
        self.headers["webhook-signature"].split(' ').filter(|given| *given == wanted).count()
    }
}

/// A subscriber on this machine.
pub(crate) struct Receiver {
    address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    /// How many more it answers before it keeps the others waiting; as many as come where there is no number.
    patience: Arc<(Mutex<Option<usize>>, Condvar)>,
}

impl Receiver {
    /// Takes everything with a 204, unless told to answer otherwise.
    pub(crate) fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (got, answers) = (Arc::<Mutex<Vec<Got>>>::default(), Arc::<Mutex<VecDeque<u16>>>::default());
        let patience = Arc::<(Mutex<Option<usize>>, Condvar)>::default();
        let (kept, told, waiting) = (Arc::clone(&got), Arc::clone(&answers), Arc::clone(&patience));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // A sender that says no more is left, and what it said so far is judged.
                stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
                stream.set_write_timeout(Some(Duration::from_mins(2))).unwrap();
                let mut bytes = Vec::new();
                let mut chunk = [0; 4096];
                let (head, length) = loop {
                    let read = stream.read(&mut chunk).unwrap_or(0);
                    bytes.extend_from_slice(&chunk[..read]);
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    if let Some((head, _)) = text.split_once("\r\n\r\n") {
                        let length = head.lines().find_map(|line| {
                            line.to_lowercase().strip_prefix("content-length: ").and_then(|length| length.parse().ok())
                        });
                        break (head.to_owned(), length.unwrap_or(0));
                    }
                    if read == 0 {
                        break (String::new(), 0);
                    }
                };
                while bytes.len() < head.len() + 4 + length {
                    let read = stream.read(&mut chunk).unwrap_or(0);
                    bytes.extend_from_slice(&chunk[..read]);
                    if read == 0 {
                        break;
                    }
                }
                let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
                let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
                let body = String::from_utf8(bytes.get(head.len() + 4..).unwrap_or_default().to_vec()).unwrap();
                kept.lock().unwrap().push(Got { headers, body });
                let mut left = waiting.1.wait_while(waiting.0.lock().unwrap(), |left| *left == Some(0)).unwrap();
                *left = left.map(|left| left - 1);
                drop(left);
                let status = told.lock().unwrap().pop_front().unwrap_or(204);
                let answer = format!(
                    "HTTP/1.1 {status} Told\r\nlocation: http://{address}/elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                let _gone_already = stream.write_all(answer.as_bytes());
            }
        });
        Self { address, got, answers, patience }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(crate) fn answers(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    /// From now on answers when it is told to.
    fn hold(&self) {
        self.answers_only(Some(0));
    }

    fn let_one_go(&self) {
        self.answers_only(Some(1));
    }

    fn let_go(&self) {
        self.answers_only(None);
    }

    fn answers_only(&self, left: Option<usize>) {
        *self.patience.0.lock().unwrap() = left;
        self.patience.1.notify_all();
    }

    /// Waits until so many messages have come since the last look.
    async fn has(&self, count: usize) {
        for _ in 0..2000 {
            if self.got.lock().unwrap().len() >= count {
                return;
            }
            actix_web::rt::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{count} messages do not come");
    }

    /// What came since the last look.
    pub(crate) fn take(&self) -> Vec<Got> {
        std::mem::take(&mut *self.got.lock().unwrap())
    }

    fn kinds(&self) -> Vec<String> {
        self.take().iter().map(Got::kind).collect()
    }
}

/// Makes a webhook; gives its path and its secret.
async fn subscribed(door: &Door, actor: Actor, receiver: &Receiver, changes: Value) -> (String, String) {
    let mut terms = json!({"url": receiver.url()});
    terms.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let made = door.post(actor, "webhooks", terms).await.is(201);
    (made.header("location").unwrap().to_owned(), made.json()["secret"].as_str().unwrap().to_owned())
}

async fn post(world: &World, path: &str, value: u32) {
    let answer = world.put(Manager, &format!("kpis/{path}"), json!({"value": value, "reason": "Counted again"})).await;
    assert!(answer.status < 300, "{answer}");
}

fn later(world: &World, by: TimeDelta) -> DateTime<Utc> {
    world.now() + by
}

async fn what_happens_is_told_in_order_and_signed(world: &World) {
    small(world).await;
    let (door, worker) = world.delivering().await;
    let receiver = Receiver::begin();
    post(world, "NI-117/readings/FY2009-10-Q1", 7).await;
    let (_, secret) = subscribed(&door, Board, &receiver, json!({})).await;
    assert_eq!(worker.step(world.now()).await.unwrap(), 0, "what was before is not told of");
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    post(world, "NI-117/readings/FY2009-10-Q2", 4).await;
    post(world, "NI-117/readings/FY2009-10-Q2", 6).await;
    super::board_reports::frozen(world, json!({})).await;
    worker.step(world.now()).await.unwrap();
    let got = receiver.take();
    let told: Vec<_> = got.iter().map(|one| (one.kind(), one.json()["data"]["period"]["key"].clone())).collect();
    let at = |kind: &str, period: &str| (kind.to_owned(), json!(period));
    assert_eq!(
        told[..told.len() - 1],
        [
            at("target.changed", "FY2009-10"),
            at("status.changed", "FY2009-10-Q1"),
            at("reading.posted", "FY2009-10-Q2"),
            at("status.changed", "FY2009-10-Q2"),
            at("reading.posted", "FY2009-10-Q2"),
            at("status.changed", "FY2009-10-Q2"),
        ]
    );
    assert_eq!(told.last().unwrap().0, "board_report.frozen");
    let moved = got[5].json();
    assert_eq!(
        (&moved["data"]["before"]["status"], &moved["data"]["after"]["status"]),
        (&json!("on_track"), &json!("off_track"))
    );
    assert_eq!((&moved["data"]["plan"], &moved["timestamp"]), (&json!("small"), &json!("2010-05-14T12:00:00Z")));
    assert_eq!(got[2].json()["data"]["value"], 4);
    let ids: BTreeSet<_> = got.iter().map(|one| one.headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), got.len(), "each has an id of its own");
    for one in &got {
        assert_eq!((one.signed_by(&secret), one.headers["content-type"].as_str()), (1, "application/json"));
        assert_eq!(one.headers["webhook-timestamp"], world.now().timestamp().to_string());
        assert!(one.body.len() < 20_000);
    }
    assert_eq!(worker.step(world.now()).await.unwrap(), 0, "everything is told once");
}

async fn what_is_not_taken_is_tried_again_and_given_up_after_three_days(world: &World) {
    small(world).await;
    let (door, worker) = world.delivering().await;
    let receiver = Receiver::begin();
    let (path, _) = subscribed(&door, Board, &receiver, json!({"events": ["reading.posted"]})).await;
    post(world, "NI-117/readings/FY2009-10-Q1", 1).await;
    post(world, "NI-117/readings/FY2009-10-Q2", 2).await;
    receiver.answers(&[500, 503]);
    worker.step(world.now()).await.unwrap();
    worker.step(later(world, TimeDelta::seconds(4))).await.unwrap();
    assert_eq!(receiver.take().len(), 1, "nothing overtakes what is not taken, and nothing is tried too soon");
    let failing = world.get(Board, &path).await.is(200);
    assert_eq!(failing.json()["failing"], json!({"attempts": 1, "next_attempt_at": "2010-05-14T12:00:05Z"}));
    worker.step(later(world, TimeDelta::seconds(5))).await.unwrap();
    worker.step(later(world, TimeDelta::seconds(304))).await.unwrap();
    let again = receiver.take();
    assert_eq!(again.len(), 1);
    worker.step(later(world, TimeDelta::seconds(305))).await.unwrap();
    let taken = receiver.take();
    assert_eq!(taken.len(), 2, "once it is taken the next one follows");
    assert_eq!(taken[0].headers["webhook-id"], again[0].headers["webhook-id"]);
    assert_eq!((&taken[0].json()["data"]["value"], &taken[1].json()["data"]["value"]), (&json!(1), &json!(2)));
    assert_eq!(world.get(Board, &path).await.is(200).json()["failing"], Value::Null);
    let log = world.get(Board, &format!("{path}/deliveries")).await.is(200).json();
    let log: Vec<_> =
        log["items"].as_array().unwrap().iter().map(|one| (&one["attempt"], &one["status"], &one["outcome"])).collect();
    let line = |attempt, status, outcome| (json!(attempt), json!(status), json!(outcome));
    let wanted = [line(1, 204, "delivered"), line(3, 204, "delivered"), line(2, 503, "failed"), line(1, 500, "failed")];
    assert!(log.into_iter().eq(wanted.iter().map(|(a, b, c)| (a, b, c))));
    // And now for good.
    receiver.answers(&[500; 10]);
    post(world, "NI-117/readings/FY2009-10-Q3", 3).await;
    let mut now = later(world, TimeDelta::hours(1));
    for hours in 0..80 {
        now = later(world, TimeDelta::hours(1 + hours));
        worker.step(now).await.unwrap();
    }
    let tried = receiver.take();
    assert_eq!(tried.len(), 10);
    let off = world.get(Board, &path).await.is(200);
    assert_eq!((&off.json()["active"], &off.json()["disabled"]["reason"]), (&json!(false), &json!("undeliverable")));
    let changes = world.get(Administrator, "changes?after=30&limit=1000").await.is(200).json();
    let last = changes["items"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["action"], &last["actor"]), (&json!("webhook.switched_off"), &json!("waymark")));
    let log = world.get(Board, &format!("{path}/deliveries?limit=1")).await.is(200).json();
    assert_eq!(
        (&log["items"][0]["outcome"], &log["items"][0]["detail"]),
        (&json!("switched_off"), &json!("undeliverable"))
    );
    // Switched on again it goes on where it stood.
    world.now_is(&now.to_rfc3339());
    let on = door.patch(Board, &path, &off.tag(), json!({"active": true})).await.is(200).json();
    assert_eq!((&on["disabled"], &on["active"]), (&Value::Null, &json!(true)));
    worker.step(now).await.unwrap();
    let taken = receiver.take();
    assert_eq!((taken.len(), &taken[0].headers["webhook-id"]), (1, &tried[0].headers["webhook-id"]));
}

async fn a_subscriber_that_is_gone_is_told_no_more(world: &World) {
    small(world).await;
    let (door, worker) = world.delivering().await;
    let receiver = Receiver::begin();
    let (path, _) = subscribed(&door, Board, &receiver, json!({})).await;
    post(world, "NI-117/readings/FY2009-10-Q1", 1).await;
    receiver.answers(&[410]);
    worker.step(world.now()).await.unwrap();
    worker.step(later(world, TimeDelta::days(1))).await.unwrap();
    assert_eq!(receiver.take().len(), 1);
    assert_eq!(world.get(Board, &path).await.is(200).json()["disabled"]["reason"], "gone");
}

async fn a_secret_that_was_replaced_signs_for_a_day(world: &World) {
    small(world).await;
    let (door, worker) = world.delivering().await;
    let receiver = Receiver::begin();
    let (path, old) = subscribed(&door, Board, &receiver, json!({"events": ["reading.posted"]})).await;
    let rotated = world.ask(Method::POST, Board, &format!("{path}/rotate")).await.is(200).json();
    let new = rotated["secret"].as_str().unwrap().to_owned();
    assert_ne!(old, new);
    for (quarter, hours, by_old) in [("Q1", 0, 1), ("Q2", 23, 1), ("Q3", 24, 0)] {
        post(world, &format!("NI-117/readings/FY2009-10-{quarter}"), 1).await;
        worker.step(later(world, TimeDelta::hours(hours))).await.unwrap();
        let got = receiver.take();
        assert_eq!((got.len(), got[0].signed_by(&new), got[0].signed_by(&old)), (1, 1, by_old), "{quarter}");
    }
}

async fn a_secret_is_shown_once(world: &World) {
    small(world).await;
    let (door, worker) = world.delivering().await;
    let receiver = Receiver::begin();
    let (path, secret) = subscribed(&door, Manager, &receiver, json!({})).await;
    let rotated = world.ask(Method::POST, Manager, &format!("{path}/rotate")).await.is(200).json();
    let second = rotated["secret"].as_str().unwrap().to_owned();
    post(world, "NI-117/readings/FY2009-10-Q1", 1).await;
    worker.step(world.now()).await.unwrap();
    door.patch(Manager, &path, "*", json!({"description": "Other"})).await.is(200);
    for address in
        [path.as_str(), "webhooks", &format!("{path}/deliveries"), "journal?limit=1000", "changes?limit=1000"]
    {
        let told = world.get(Administrator, address).await.is(200).text();
        for secret in [&secret, &second] {
            let bare = secret.strip_prefix("whsec_").unwrap();
            assert!(!told.contains(bare) && !told.contains("whsec_"), "{address}");
        }
    }
    // Who is told of what is for those who manage the plan: an address can be a secret itself.
    assert!(!world.get(Lead, "journal?limit=1000").await.is(200).text().contains(&receiver.url()));
    world.delete(Manager, &path, "*").await.is(204);
    world.get(Manager, &path).await.refused(404, "not_found");
    post(world, "NI-117/readings/FY2009-10-Q2", 1).await;
    receiver.take();
    worker.step(world.now()).await.unwrap();
    assert!(receiver.take().is_empty());
}

async fn nothing_is_sent_to_private_addresses_unless_the_deployment_says_so(world: &World) {
    small(world).await;
    for url in [
        "http://partner.example/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://192.168.1.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fd00::1]/",
        "https://[fe80::1]/",
        "https://2130706433/",
        "https://127.1/",
        "https://user:password@partner.example/",
        "ftp://partner.example/",
        "partner.example",
        "https://partner.example/#x",
    ] {
        let answer = world.post(Board, "webhooks", json!({"url": url})).await.refused(422, "invalid");
        assert_eq!(answer.faults(), [("/url".to_owned(), "destination_refused".to_owned())], "{url}");
    }
    // One that was made while it was allowed is judged again when it is sent to.
    let (door, _) = world.delivering().await;
    let receiver = Receiver::begin();
    let (path, _) = subscribed(&door, Board, &receiver, json!({"events": ["reading.posted"]})).await;
    post(world, "NI-117/readings/FY2009-10-Q1", 1).await;
    world.worker().step(world.now()).await.unwrap();
    assert!(receiver.take().is_empty());
    let log = world.get(Board, &format!("{path}/deliveries")).await.is(200).json();
    assert_eq!((&log["items"][0]["outcome"], &log["items"][0]["status"]), (&json!("failed"), &Value::Null));
}

async fn a_redirect_is_not_followed(world: &World) {
    small(world).await;
    let (door, worker) = world.delivering().await;
    let receiver = Receiver::begin();
    let (path, _) = subscribed(&door, Board, &receiver, json!({"events": ["reading.posted"]})).await;
    post(world, "NI-117/readings/FY2009-10-Q1", 1).await;
    receiver.answers(&[307]);
    worker.step(world.now()).await.unwrap();
    assert_eq!(receiver.take().len(), 1);
    let log = world.get(Board, &format!("{path}/deliveries")).await.is(200).json();
    assert_eq!((&log["items"][0]["outcome"], &log["items"][0]["status"]), (&json!("failed"), &json!(307)));
}

async fn two_instances_tell_each_thing_once(world: &World) {
    small(world).await;
    let (door, first) = world.delivering().await;
    let (_, second) = world.delivering().await;
    let receiver = Receiver::begin();
    for _ in 0..3 {
        subscribed(&door, Board, &receiver, json!({"events": ["reading.posted"]})).await;
    }
    for value in 1..=8 {
        post(world, "NI-117/readings/FY2009-10-Q1", value).await;
    }
    let (one, other) = join(first.step(world.now()), second.step(world.now())).await;
    assert_eq!(one.unwrap() + other.unwrap(), 24);
    let got = receiver.take();
    let ids: BTreeSet<_> = got.iter().map(|one| one.headers["webhook-id"].clone()).collect();
    assert_eq!((got.len(), ids.len()), (24, 24));
    for value in 1..=8 {
        assert_eq!(got.iter().filter(|one| one.json()["data"]["value"] == value).count(), 3);
    }
}

async fn a_partner_is_told_what_a_partner_sees(world: &World) {
    small(world).await;
    let (door, worker) = world.delivering().await;
    let (partner, board) = (Receiver::begin(), Receiver::begin());
    subscribed(&door, Partner, &partner, json!({})).await;
    subscribed(&door, Board, &board, json!({})).await;
    world.put(Manager, "kpis/LI-INJURIES/targets/FY2009-10", json!({"value": 80})).await.is(201);
    post(world, "LI-INJURIES/readings/FY2009-10-Q1", 12).await;
    post(world, "LI-INJURIES/readings/FY2009-10-Q2", 3).await;
    post(world, "NI-87/readings/AY2008-09-T3", 7).await;
    worker.step(world.now()).await.unwrap();
    let got = partner.take();
    let told: Vec<_> = got.iter().map(|one| (one.kind(), one.json()["data"]["value"].clone())).collect();
    let posted = |value: Value| ("reading.posted".to_owned(), value);
    assert_eq!(told[0].0, "target.changed");
    assert_eq!(
        told.iter().filter(|one| one.0 == "reading.posted").cloned().collect::<Vec<_>>(),
        [posted(json!(12)), posted(Value::Null)]
    );
    let small = got.iter().filter(|one| one.kind() == "reading.posted").nth(1).unwrap().json();
    assert_eq!(small["data"]["suppressed"], true);
    // That it moved a status would tell of it, too; and another's KPI is not there at all.
    assert!(
        got.iter()
            .filter(|one| one.kind() == "status.changed")
            .all(|one| one.json()["data"]["period"]["key"] == "FY2009-10-Q1")
    );
    assert!(!got.iter().any(|one| one.body.contains("NI-87")));
    let all = board.take();
    assert!(all.iter().any(|one| one.json()["data"]["value"] == 3) && all.iter().any(|one| one.body.contains("NI-87")));
    // A sensitive figure has no more decimals than its KPI.
    let share = json!({"sensitive": true, "publication": "partners"});
    world.post(Administrator, "kpis", kpi("SHARE", share)).await.is(201);
    let figure = json!({"numerator": 30, "denominator": 190});
    world.put(Manager, "kpis/SHARE/readings/FY2009-10-Q1", figure).await.is(201);
    worker.step(world.now()).await.unwrap();
    let value = |receiver: &Receiver| {
        let posted = receiver.take().into_iter().find(|one| one.kind() == "reading.posted").unwrap();
        posted.json()["data"]["value"].to_string()
    };
    assert_eq!([value(&partner), value(&board)], ["15.8", "15.7894736842"]);
}

async fn whose_role_is_taken_back_is_told_no_more(world: &World) {
    small(world).await;
    let (door, worker) = world.delivering().await;
    let receiver = Receiver::begin();
    let (path, _) = subscribed(&door, Partner, &receiver, json!({})).await;
    post(world, "NI-117/readings/FY2009-10-Q1", 1).await;
    let grants = world.get(Administrator, "grants").await.is(200).json();
    let grant =
        grants["items"].as_array().unwrap().iter().find(|grant| grant["subject"] == Partner.name()).unwrap().clone();
    world.delete(Administrator, &format!("grants/{}", grant["id"].as_str().unwrap()), "*").await.is(204);
    worker.step(world.now()).await.unwrap();
    assert!(receiver.take().is_empty());
    assert_eq!(world.get(Manager, &path).await.is(200).json()["disabled"]["reason"], "access_revoked");
    world.get(Partner, &path).await.refused(404, "not_found");
    // Let in again and switched on again, it is told at once.
    let grant = json!({"subject": Partner.name(), "role": "partner", "organisation": "pct"});
    world.post(Administrator, "grants", grant).await.is(201);
    door.patch(Partner, &path, "*", json!({"active": true})).await.is(200);
    worker.step(world.now()).await.unwrap();
    assert!(!receiver.take().is_empty());
}

async fn what_falls_overdue_is_told_once_in_its_place_in_time(world: &World) {
    small(world).await;
    let (door, worker) = world.delivering().await;
    let receiver = Receiver::begin();
    round(world, "FY2009-10-Q4", "2010-05-01", "2010-05-20").await;
    let events = json!({"events": ["return.overdue", "action.overdue", "reading.posted"]});
    subscribed(&door, Board, &receiver, events).await;
    world.post(Lead, "actions", super::actions::action("NI-117", json!({"due": "2010-05-18"}))).await.is(201);
    world.post(Lead, "actions", super::actions::action("NI-117", json!({"due": "2010-05-25"}))).await.is(201);
    worker.step(later(world, TimeDelta::days(4))).await.unwrap();
    assert!(receiver.take().is_empty(), "its day is not over");
    world.now_is("2010-05-22T09:00:00Z");
    post(world, "NI-117/readings/FY2009-10-Q3", 1).await;
    worker.step("2010-05-26T09:00:00Z".parse().unwrap()).await.unwrap();
    let got = receiver.take();
    let told: Vec<_> =
        got.iter().map(|one| (one.kind(), one.json()["timestamp"].as_str().unwrap().to_owned())).collect();
    let at = |kind: &str, at: &str| (kind.to_owned(), at.to_owned());
    assert_eq!(
        told,
        [
            at("action.overdue", "2010-05-18T23:00:00Z"),
            at("return.overdue", "2010-05-20T23:00:00Z"),
            at("return.overdue", "2010-05-20T23:00:00Z"),
            at("reading.posted", "2010-05-22T09:00:00Z"),
            at("action.overdue", "2010-05-25T23:00:00Z"),
        ]
    );
    worker.step("2010-05-27T09:00:00Z".parse().unwrap()).await.unwrap();
    assert!(receiver.take().is_empty());
}

async fn a_subscription_may_be_narrowed(world: &World) {
    small(world).await;
    let (door, worker) = world.delivering().await;
    let (kpi, area) = (Receiver::begin(), Receiver::begin());
    subscribed(&door, Board, &kpi, json!({"kpis": ["NI-50"], "events": ["reading.posted"]})).await;
    subscribed(&door, Board, &area, json!({"outcome_areas": ["safety"]})).await;
    for path in ["NI-50/readings/FY2009-10", "NI-117/readings/FY2009-10-Q1", "LI-CALLS/readings/2009-06"] {
        post(world, path, 5).await;
    }
    worker.step(world.now()).await.unwrap();
    assert_eq!(kpi.take().iter().map(|one| one.json()["data"]["kpi"].clone()).collect::<Vec<_>>(), ["NI-50"]);
    assert!(area.take().iter().all(|one| one.json()["data"]["kpi"] == "LI-CALLS"));
}

async fn everyone_manages_their_own_and_managers_all(world: &World) {
    small(world).await;
    let made = world.post(Partner, "webhooks", json!({"url": "https://pct.example/hook"})).await.is(201);
    let path = made.header("location").unwrap().to_owned();
    assert_eq!(made.json()["subject"], Partner.name());
    for (actor, status) in [(Partner, 200), (Manager, 200), (Administrator, 200), (Board, 404), (Contributor, 404)] {
        world.get(actor, &path).await.is(status);
        world.get(actor, &format!("{path}/deliveries")).await.is(status);
        let listed = world.get(actor, "webhooks").await.is(200).json()["items"].as_array().unwrap().len();
        assert_eq!(listed, usize::from(status == 200), "{actor:?}");
    }
    world.patch(Board, &path, "*", json!({"description": "x"})).await.refused(404, "not_found");
    world.delete(Board, &path, "*").await.refused(404, "not_found");
    world.patch(Manager, &path, "*", json!({"description": "x"})).await.is(200);
    world.delete(Manager, &path, "*").await.is(204);
}

async fn a_webhook_can_be_tried_out(world: &World) {
    small(world).await;
    let (door, worker) = world.delivering().await;
    let receiver = Receiver::begin();
    let (path, secret) = subscribed(&door, Board, &receiver, json!({"events": ["board_report.frozen"]})).await;
    let test = || world.ask(Method::POST, Board, &format!("{path}/test"));
    let asked = test().await.is(202);
    assert_eq!(asked.header("location"), Some(format!("{path}/deliveries").as_str()));
    test().await.refused(409, "conflict").tells("on its way");
    receiver.answers(&[500]);
    worker.step(world.now()).await.unwrap();
    let got = receiver.take();
    assert_eq!((got.len(), got[0].kind().as_str(), got[0].signed_by(&secret)), (1, "webhook.test", 1));
    assert_eq!(json!(got[0].headers["webhook-id"]), asked.json()["message"]);
    worker.step(later(world, TimeDelta::days(1))).await.unwrap();
    assert!(receiver.take().is_empty(), "it is tried once");
    assert_eq!(world.get(Board, &path).await.is(200).json()["failing"], Value::Null);
    door.patch(Board, &path, "*", json!({"active": false})).await.is(200);
    test().await.refused(409, "conflict").tells("active");
    assert_eq!(receiver.kinds(), [""; 0]);
}

async fn terms_are_checked_all_at_once(world: &World) {
    small(world).await;
    let wrong = json!({"url": "http://x.example", "kpis": ["NI-117", "NI-999"], "outcome_areas": ["helth"], "description": "x".repeat(401)});
    let answer = world.post(Board, "webhooks", wrong).await.refused(422, "invalid");
    let faults = answer.faults();
    let told: Vec<_> = faults.iter().map(|(place, code)| (place.as_str(), code.as_str())).collect();
    assert_eq!(
        told,
        [
            ("/url", "destination_refused"),
            ("/description", "too_long"),
            ("/kpis/1", "unknown_code"),
            ("/outcome_areas/0", "unknown_code")
        ]
    );
    let answer =
        world.post(Board, "webhooks", json!({"events": ["reading.post"], "secret": "x"})).await.refused(422, "invalid");
    assert_eq!(answer.faults().len(), 3, "{answer}");
    // A partner learns nothing of a KPI that is not theirs to see.
    let hidden = json!({"url": "https://pct.example/hook", "kpis": ["NI-87"]});
    let answer = world.post(Partner, "webhooks", hidden).await.refused(422, "invalid");
    assert_eq!(answer.faults(), [("/kpis/0".to_owned(), "unknown_code".to_owned())]);
}

/// A step of the worker, and what happens while the receiver keeps the message that it has.
async fn meanwhile(world: &World, worker: &Worker, receiver: &Receiver, happens: impl Future<Output = ()>) {
    receiver.hold();
    let happens = async {
        receiver.has(1).await;
        happens.await;
        receiver.let_go();
    };
    let (sent, ()) = join(worker.step(world.now()), happens).await;
    assert_eq!(sent.unwrap(), 1, "nothing more is sent in this stretch");
}

/// The small plan, with three readings that a receiver is to be told of.
async fn three_readings(world: &World, receiver: &Receiver) -> (Door, Worker, String) {
    small(world).await;
    let (door, worker) = world.delivering().await;
    let (path, _) = subscribed(&door, Board, receiver, json!({"events": ["reading.posted"]})).await;
    for (quarter, value) in [("Q1", 1), ("Q2", 2), ("Q3", 3)] {
        post(world, &format!("NI-117/readings/FY2009-10-{quarter}"), value).await;
    }
    (door, worker, path)
}

fn values(got: &[Got]) -> Vec<Value> {
    got.iter().map(|one| one.json()["data"]["value"].clone()).collect()
}

/// What the log of a webhook says, the latest first.
async fn log(world: &World, path: &str) -> Vec<(Value, Value, Value)> {
    let log = world.get(Manager, &format!("{path}/deliveries")).await.is(200).json();
    let lines = log["items"].as_array().unwrap().iter();
    lines.map(|one| (one["attempt"].clone(), one["status"].clone(), one["outcome"].clone())).collect()
}

fn line(attempt: i32, status: i32, outcome: &str) -> (Value, Value, Value) {
    (json!(attempt), json!(status), json!(outcome))
}

async fn an_address_that_was_given_up_gets_no_more(world: &World) {
    let (old, new) = (Receiver::begin(), Receiver::begin());
    let (door, worker, path) = three_readings(world, &old).await;
    meanwhile(world, &worker, &old, async {
        door.patch(Board, &path, "*", json!({"url": new.url()})).await.is(200);
    })
    .await;
    worker.step(world.now()).await.unwrap();
    assert_eq!(values(&old.take()), [json!(1)]);
    assert_eq!(values(&new.take()), [json!(2), json!(3)], "what was taken is not sent again");
}

async fn what_a_former_address_says_is_said_of_itself_alone(world: &World) {
    let (mut old, mut new) = (Receiver::begin(), Receiver::begin());
    let (door, worker, path) = three_readings(world, &old).await;
    for status in [410, 500] {
        old.answers(&[status]);
        meanwhile(world, &worker, &old, async {
            door.patch(Board, &path, "*", json!({"url": new.url()})).await.is(200);
        })
        .await;
        let found = world.get(Board, &path).await.is(200).json();
        assert_eq!(
            (&found["active"], &found["disabled"], &found["failing"]),
            (&json!(true), &Value::Null, &Value::Null)
        );
        assert_eq!(log(world, &path).await[0], line(1, status.into(), "failed"));
        std::mem::swap(&mut old, &mut new);
        new.take();
    }
    worker.step(world.now()).await.unwrap();
    assert_eq!(values(&old.take()), [json!(1), json!(2), json!(3)], "what failed elsewhere is sent at once");
}

async fn what_was_taken_is_not_sent_again_for_a_change(world: &World) {
    let receiver = Receiver::begin();
    let (door, worker, path) = three_readings(world, &receiver).await;
    let mut secret = String::new();
    meanwhile(world, &worker, &receiver, async {
        let rotated = world.ask(Method::POST, Board, &format!("{path}/rotate")).await.is(200).json();
        rotated["secret"].as_str().unwrap().clone_into(&mut secret);
        door.patch(Board, &path, "*", json!({"description": "Other"})).await.is(200);
    })
    .await;
    worker.step(world.now()).await.unwrap();
    let got = receiver.take();
    assert_eq!(values(&got), [json!(1), json!(2), json!(3)]);
    assert_eq!(got.iter().map(|one| one.signed_by(&secret)).collect::<Vec<_>>(), [0, 1, 1]);
}

async fn terms_that_were_changed_meanwhile_pass_over_nothing(world: &World) {
    let receiver = Receiver::begin();
    let (door, worker, path) = three_readings(world, &receiver).await;
    meanwhile(world, &worker, &receiver, async {
        door.patch(Board, &path, "*", json!({"events": ["target.changed", "reading.posted"]})).await.is(200);
        world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    })
    .await;
    worker.step(world.now()).await.unwrap();
    assert_eq!(receiver.kinds(), ["reading.posted", "reading.posted", "reading.posted", "target.changed"]);
}

async fn whatever_was_sent_is_logged_though_it_was_switched_off(world: &World) {
    let receiver = Receiver::begin();
    let (door, worker, path) = three_readings(world, &receiver).await;
    let off = async || {
        door.patch(Board, &path, "*", json!({"active": false})).await.is(200);
    };
    let on = async || {
        door.patch(Board, &path, "*", json!({"active": true})).await.is(200);
    };
    // Taken, and not: each is noted, and nothing more is sent while it is off.
    meanwhile(world, &worker, &receiver, off()).await;
    assert_eq!(worker.step(world.now()).await.unwrap(), 0);
    assert_eq!(log(world, &path).await, [line(1, 204, "delivered")]);
    // Switched on again it is told at once, by another instance too: no lease is in the way.
    on().await;
    receiver.take();
    receiver.answers(&[500]);
    let (_, other) = world.delivering().await;
    meanwhile(world, &other, &receiver, off()).await;
    assert_eq!(log(world, &path).await, [line(1, 500, "failed"), line(1, 204, "delivered")]);
    on().await;
    worker.step(world.now()).await.unwrap();
    assert_eq!(values(&receiver.take()), [json!(2), json!(2), json!(3)]);
    // Nothing is left of one that was removed.
    post(world, "NI-117/readings/FY2009-10-Q4", 4).await;
    meanwhile(world, &worker, &receiver, async {
        world.delete(Board, &path, "*").await.is(204);
    })
    .await;
    world.get(Board, &path).await.refused(404, "not_found");
    assert_eq!(worker.step(world.now()).await.unwrap(), 0);
}

async fn a_change_does_not_forget_what_failed(world: &World) {
    small(world).await;
    let (door, worker) = world.delivering().await;
    let (receiver, other) = (Receiver::begin(), Receiver::begin());
    let (path, _) = subscribed(&door, Board, &receiver, json!({"events": ["reading.posted"]})).await;
    post(world, "NI-117/readings/FY2009-10-Q1", 1).await;
    let failing = async || world.get(Board, &path).await.is(200).json()["failing"].clone();
    receiver.answers(&[500, 500]);
    worker.step(world.now()).await.unwrap();
    let once = json!({"attempts": 1, "next_attempt_at": "2010-05-14T12:00:05Z"});
    assert_eq!(failing().await, once);
    world.ask(Method::POST, Board, &format!("{path}/rotate")).await.is(200);
    door.patch(Board, &path, "*", json!({"description": "Other"})).await.is(200);
    assert_eq!(failing().await, once);
    // What a change has read may be older than what was attempted when it is written.
    let store = world.programme().store();
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    let stale = store.read_blocking(|conn| webhooks::by_id(conn, id)).unwrap().unwrap();
    worker.step(later(world, TimeDelta::seconds(5))).await.unwrap();
    let twice = json!({"attempts": 2, "next_attempt_at": "2010-05-14T12:05:05Z"});
    assert_eq!(failing().await, twice);
    let written = store.write_blocking(|write| {
        let mut locked = plans::lock_any(write, &world.plan().parse().unwrap())?.unwrap();
        let row = journal::NewRow::Webhook { row: Box::new(stale.clone()), afresh: false };
        let change = journal::Change { action: "webhook.updated", row, before: Some(stale.document()), reason: None };
        journal::record(write, &mut locked, &Board.subject(), world.now(), vec![change])
    });
    written.unwrap();
    assert_eq!(failing().await, twice);
    // Elsewhere it is another matter.
    door.patch(Board, &path, "*", json!({"url": other.url()})).await.is(200);
    assert_eq!(failing().await, Value::Null);
    worker.step(world.now()).await.unwrap();
    assert_eq!((receiver.take().len(), other.take().len()), (2, 1));
}

async fn each_message_goes_by_the_moment_it_is_sent(world: &World) {
    small(world).await;
    let (door, delivering) = world.delivering_by_itself().await;
    let (_, other) = world.delivering().await;
    let receiver = Receiver::begin();
    receiver.hold();
    let (path, _) = subscribed(&door, Board, &receiver, json!({"events": ["reading.posted"]})).await;
    for (quarter, value) in [("Q1", 1), ("Q2", 2)] {
        let reading = format!("kpis/NI-117/readings/FY2009-10-{quarter}");
        door.put(Manager, &reading, json!({"value": value})).await.is(201);
    }
    receiver.has(1).await;
    world.now_is("2010-05-14T12:01:30Z");
    receiver.let_one_go();
    receiver.has(2).await;
    // A lease is renewed from when it is: another instance finds it held, though what it was at first would have run out.
    world.now_is("2010-05-14T12:03:00Z");
    assert_eq!(other.step(world.now()).await.unwrap(), 0);
    receiver.let_go();
    delivering.end().await;
    let got = receiver.take();
    let stamps: Vec<_> = got.iter().map(|one| one.headers["webhook-timestamp"].parse::<i64>().unwrap()).collect();
    let noon = "2010-05-14T12:00:00Z".parse::<DateTime<Utc>>().unwrap().timestamp();
    assert_eq!(stamps, [noon, noon + 90]);
    let log = world.get(Board, &format!("{path}/deliveries")).await.is(200).json();
    let at: Vec<_> = log["items"].as_array().unwrap().iter().map(|one| one["at"].clone()).collect();
    assert_eq!(at, ["2010-05-14T12:01:30Z", "2010-05-14T12:00:00Z"].map(|at| json!(at)));
}

async fn a_slow_subscriber_holds_nobody_up(world: &World) {
    small(world).await;
    let (door, delivering) = world.delivering_by_itself().await;
    let (slow, quick) = (Receiver::begin(), Receiver::begin());
    slow.hold();
    for receiver in [&slow, &quick] {
        subscribed(&door, Board, receiver, json!({"events": ["reading.posted"]})).await;
    }
    for (place, quarter) in ["Q1", "Q2", "Q3"].into_iter().enumerate() {
        let reading = format!("kpis/NI-117/readings/FY2009-10-{quarter}");
        door.put(Manager, &reading, json!({"value": place + 1})).await.is(201);
        quick.has(place + 1).await;
    }
    slow.has(1).await;
    assert_eq!(slow.got.lock().unwrap().len(), 1, "one telling of a subscriber at a time");
    slow.let_go();
    slow.has(3).await;
    delivering.end().await;
    for receiver in [slow, quick] {
        assert_eq!(values(&receiver.take()), [json!(1), json!(2), json!(3)]);
    }
}

async fn an_address_is_in_the_journal_by_what_is_no_secret(world: &World) {
    small(world).await;
    let address = |key: &str| format!("https://partner.example:8443/hidden-path?key={key}");
    let made = world.post(Board, "webhooks", json!({"url": address("one")})).await.is(201);
    let path = made.header("location").unwrap().to_owned();
    world.patch(Board, &path, "*", json!({"url": address("two")})).await.is(200);
    world.patch(Board, &path, "*", json!({"active": false})).await.is(200);
    // Whoever it belongs to is shown it, and those who manage the plan.
    for actor in [Board, Manager] {
        assert_eq!(world.get(actor, &path).await.is(200).json()["url"], json!(address("two")));
    }
    world.delete(Board, &path, "*").await.is(204);
    for listing in ["journal?limit=1000", "changes?limit=1000"] {
        let told = world.get(Administrator, listing).await.is(200);
        assert!(!told.text().contains("hidden-path") && !told.text().contains("key="), "{listing}");
        let told = told.json();
        let entries = told["items"].as_array().unwrap().iter().filter(|entry| entry["kind"] == "webhook");
        let after: Vec<_> = entries.map(|entry| entry["after"].clone()).collect();
        assert_eq!(after.len(), 4, "{listing}");
        let digests: Vec<_> = after.iter().map(|after| after["url_sha256"].as_str().unwrap()).collect();
        assert_eq!(digests[0], sha256(&address("one")));
        assert_eq!(digests[1..], [sha256(&address("two")), sha256(&address("two")), sha256(&address("two"))]);
        assert!(after.iter().all(|after| after["url_origin"] == "https://partner.example:8443"));
        assert!(after.iter().all(|after| after.get("url").is_none()));
    }
}

async fn nobody_takes_every_place(world: &World) {
    small(world).await;
    let terms = |number: u32| json!({"url": format!("https://partner.example/{number}")});
    let mut path = String::new();
    for number in 1..=20 {
        let made = world.post(Board, "webhooks", terms(number)).await.is(201);
        made.header("location").unwrap().clone_into(&mut path);
    }
    world.post(Board, "webhooks", terms(21)).await.refused(409, "conflict").tells("20 webhooks");
    world.post(Partner, "webhooks", terms(21)).await.is(201);
    world.delete(Board, &path, "*").await.is(204);
    world.post(Board, "webhooks", terms(21)).await.is(201);
}

async fn a_client_has_no_webhooks_and_would_be_told_no_more(world: &World) {
    small(world).await;
    let (door, worker) = world.delivering().await;
    let receiver = Receiver::begin();
    let client = world.post(Administrator, "clients", json!({"title": "Warehouse"})).await.is(201).json();
    let grant = json!({"subject": client["subject"], "role": "partner", "organisation": "pct"});
    world.post(Administrator, "grants", grant).await.is(201);
    let (id, secret) = (client["id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let token = world.ask(Method::POST, Nobody, "/oauth/token").body("application/x-www-form-urlencoded", form).await;
    let bearer = format!("Bearer {}", token.is(200).json()["access_token"].as_str().unwrap());
    let asked = door.ask(Method::POST, Nobody, "webhooks").header("authorization", &bearer);
    asked.json(json!({"url": receiver.url()})).await.refused(403, "not_allowed");
    // Were there one all the same, it would end with the client's grants.
    let (path, _) = subscribed(&door, Partner, &receiver, json!({"events": ["reading.posted"]})).await;
    let store = world.programme().store();
    let written = store.write_blocking(|write| {
        let mut locked = plans::lock_any(write, &world.plan().parse().unwrap())?.unwrap();
        let id = path.rsplit('/').next().unwrap().parse().unwrap();
        let known = webhooks::by_id(write, id)?.unwrap();
        let (id, subject) = (new_id(world.now()).into(), client["subject"].as_str().unwrap().parse().unwrap());
        let row = journal::NewRow::Webhook { row: Box::new(WebhookRow { id, subject, ..known }), afresh: true };
        let change = journal::Change { action: "webhook.created", row, before: None, reason: None };
        journal::record(write, &mut locked, &Manager.subject(), world.now(), vec![change])?;
        Ok::<_, StoreError>(id)
    });
    let theirs = format!("webhooks/{}", written.unwrap());
    world.delete(Manager, &path, "*").await.is(204);
    post(world, "NI-117/readings/FY2009-10-Q1", 1).await;
    worker.step(world.now()).await.unwrap();
    assert_eq!(receiver.take().len(), 1);
    world.delete(Administrator, &format!("clients/{id}"), "*").await.is(204);
    post(world, "NI-117/readings/FY2009-10-Q2", 2).await;
    worker.step(world.now()).await.unwrap();
    assert!(receiver.take().is_empty());
    let found = world.get(Manager, &theirs).await.is(200).json();
    assert_eq!((&found["active"], &found["disabled"]["reason"]), (&json!(false), &json!("access_revoked")));
}
