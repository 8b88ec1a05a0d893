//! Reminders: one digest a person and day, of what is theirs, through a mail server or to a webhook on this machine.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join;
use serde_json::json;
use waymark::delivery::reminders::{Courier, Reminded, remind};

use crate::on_both;
use crate::support::plan::{round, small};
use crate::support::{Actor, World};
use crate::webhooks::Receiver;

use Actor::{Administrator, Lead, Manager};

on_both! {
    each_is_sent_what_is_theirs_once_a_day
    what_could_not_be_sent_is_sent_the_next_time
    a_digest_goes_to_a_webhook_of_the_deployment
}

/// A mail server that keeps what it is given.
fn mail_server() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let mails = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&mails);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let kept = Arc::clone(&kept);
            std::thread::spawn(move || {
                stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
                stream.set_write_timeout(Some(Duration::from_mins(2))).unwrap();
                stream.write_all(b"220 sink\r\n").unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while let Some(Ok(line)) = lines.next() {
                    let answer: &[u8] = match line.split([' ', ':']).next().unwrap() {
                        "DATA" => {
                            stream.write_all(b"354 go on\r\n").unwrap();
                            let mail: Vec<String> =
                                lines.by_ref().map(Result::unwrap).take_while(|line| line != ".").collect();
                            kept.lock().unwrap().push(mail.join("\n"));
                            b"250 kept\r\n"
                        }
                        "QUIT" => b"221 bye\r\n",
                        _ => b"250 sink\r\n",
                    };
                    stream.write_all(answer).unwrap();
                }
            });
        }
    });
    (url, mails)
}

/// The small plan with a round that is open, and a lead and a contributor who can be written to.
async fn owing(world: &World) {
    small(world).await;
    round(world, "FY2009-10-Q4", "2010-05-01", "2010-05-20").await;
    for grant in [
        json!({"subject": "jo.lead@harrow.example", "role": "sub_group_lead", "outcome_areas": ["health"]}),
        json!({"subject": "sam@connexions.example", "role": "contributor", "organisation": "connexions"}),
        json!({"subject": "mo@harrow.example", "role": "programme_manager"}),
    ] {
        world.post(Administrator, "grants", grant).await.is(201);
    }
    world.post(Lead, "actions", super::actions::action("NI-50", json!({"due": "2010-05-14"}))).await.is(201);
}

async fn each_is_sent_what_is_theirs_once_a_day(world: &World) {
    owing(world).await;
    let (url, mails) = mail_server();
    let mailer = Courier::mail(&url, "Waymark <waymark@harrow.example>").unwrap();
    world.now_is("2010-05-15T08:00:00Z");
    // Two instances at the same moment, and once more.
    let programme = world.programme();
    let both = join(remind(programme, &mailer, world.now()), remind(programme, &mailer, world.now())).await;
    let (one, other) = (both.0.unwrap(), both.1.unwrap());
    assert_eq!((one.sent + other.sent, one.earlier + other.earlier, one.failed + other.failed), (2, 2, 0));
    let again = remind(programme, &mailer, world.now()).await.unwrap();
    assert_eq!(again, Reminded { sent: 0, earlier: 2, failed: 0 });
    let sent = std::mem::take(&mut *mails.lock().unwrap());
    let to =
        |who: &str| sent.iter().find(|mail| mail.contains(&format!("To: {who}"))).unwrap_or_else(|| panic!("{sent:?}"));
    let lead = to("jo.lead@harrow.example");
    // The action, and two KPIs of the three quarters before, which no round gathers.
    assert!(lead.contains("7 overdue") && lead.contains("action on NI-50") && lead.contains("NI-117"), "{lead}");
    let contributor = to("sam@connexions.example");
    assert!(contributor.contains("NI-117") && !contributor.contains("NI-50"), "{contributor}");
    assert_eq!(sent.len(), 2, "who only manages is not reminded");
    // The next day what was posted is owed no longer.
    world.now_is("2010-05-16T08:00:00Z");
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q4", json!({"value": 4.5})).await.is(201);
    remind(programme, &mailer, world.now()).await.unwrap();
    let sent = mails.lock().unwrap().clone();
    assert!(sent.iter().all(|mail| !mail.contains("figure of NI-117, The KPI NI-117, for 2009/10 Q4")), "{sent:?}");
}

async fn what_could_not_be_sent_is_sent_the_next_time(world: &World) {
    owing(world).await;
    let nowhere = Courier::mail("smtp://127.0.0.1:1", "waymark@harrow.example").unwrap();
    let failed = remind(world.programme(), &nowhere, world.now()).await.unwrap();
    assert_eq!((failed.sent, failed.failed), (0, 2));
    let (url, mails) = mail_server();
    let mailer = Courier::mail(&url, "waymark@harrow.example").unwrap();
    assert_eq!(remind(world.programme(), &mailer, world.now()).await.unwrap().sent, 2);
    assert_eq!(mails.lock().unwrap().len(), 2);
    // Each attempt is in the journal of the service, and so is each that failed.
    let entries = world.service_journal();
    let of = |action: &str| entries.iter().filter(|entry| entry.action == action).collect::<Vec<_>>();
    let (claimed, released) = (of("reminder.claimed"), of("reminder.released"));
    assert_eq!((claimed.len(), released.len()), (4, 2));
    assert!(claimed.iter().chain(&released).all(|entry| entry.actor.as_str() == "waymark"), "{entries:?}");
    assert_eq!(released[0].before, claimed[0].after);
    assert_eq!(claimed[0].after.as_ref().unwrap()["day"], "2010-05-14");
    for wrong in ["", "http://mail.example", "smtp://user:se#cret@h x"] {
        assert!(
            Courier::mail(wrong, "waymark@harrow.example").err().is_some_and(|why| !why.contains("cret")),
            "{wrong}"
        );
    }
}

async fn a_digest_goes_to_a_webhook_of_the_deployment(world: &World) {
    owing(world).await;
    let grant = json!({"subject": "kim", "role": "contributor", "organisation": "connexions"});
    world.post(Administrator, "grants", grant).await.is(201);
    let receiver = Receiver::begin();
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let courier = Courier::webhook(&receiver.url(), secret).unwrap();
    world.now_is("2010-05-15T08:00:00Z");
    // Not taken: it is sent the next time.
    receiver.answers(&[500]);
    let reminded = remind(world.programme(), &courier, world.now()).await.unwrap();
    assert!(reminded.failed == 1 && reminded.sent >= 3, "{reminded:?}");
    assert_eq!(remind(world.programme(), &courier, world.now()).await.unwrap().sent, 1);
    let got = receiver.take();
    assert_eq!(got.len(), reminded.sent + 2);
    assert!(got.iter().all(|one| one.signed_by(secret) == 1 && one.kind() == "reminder.digest"), "{got:?}");
    let of = |who: &str| got.iter().rev().map(|one| one.json()["data"].clone()).find(|data| data["subject"] == who);
    // One who could not be written to is reached as well.
    let digest = of("kim").unwrap();
    assert!(digest["text"].as_str().unwrap().contains("NI-117"), "{digest}");
    assert_eq!(digest["day"], "2010-05-15");
    assert_eq!(of("mo@harrow.example"), None, "who only manages is not reminded");
    for (url, wrong) in [(&*receiver.url(), "se/cret"), ("ftp://chat.example/cret", secret), ("", secret)] {
        assert!(Courier::webhook(url, wrong).err().is_some_and(|why| !why.contains("cret/")), "{url}");
    }
}
