//! Reminders: one digest a person and day, of what is theirs, through a mail server or to a webhook on this machine.

use std::time::Duration;

use chrono::NaiveTime;
use futures_util::future::join;
use serde_json::json;
use waymark::delivery::reminders::{Courier, Reminded, remind};
use waymark::delivery::schedule::Schedule;
use waymark::programme::rounds::reminders::Claim;

use crate::on_both;
use crate::sheets::{cells, owed};
use crate::support::browser::Browser;
use crate::support::mail::{Mail, MailServer};
use crate::support::plan::{kpi, round, small};
use crate::support::{Actor, World, XLSX};
use crate::webhooks::Receiver;

use Actor::{Administrator, Lead, Manager};

on_both! {
    each_is_sent_what_is_theirs_once_a_day
    a_digest_leads_to_the_page_and_has_what_is_to_be_filled_in
    a_digest_is_of_all_plans_and_is_known_by_one_id
    what_could_not_be_sent_is_sent_the_next_time
    what_another_stopped_sending_is_sent
    instances_with_a_schedule_remind_once_between_them
    a_schedule_tries_again_the_same_day
    a_schedule_stops_with_the_service
    a_digest_goes_to_a_webhook_of_the_deployment
}

const SENDER: &str = "Waymark <waymark@harrow.example>";
const SITE: &str = "https://waymark.example";

/// The mail to somebody.
fn to<'a>(mails: &'a [Mail], who: &str) -> &'a Mail {
    mails.iter().find(|mail| mail.head("To") == who).unwrap_or_else(|| panic!("{who}: {mails:?}"))
}

fn courier(server: &MailServer) -> Courier {
    Courier::mail(server.url(), SENDER).unwrap().leading_to(Some(SITE))
}

fn nine() -> NaiveTime {
    NaiveTime::from_hms_opt(9, 0, 0).unwrap()
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
    let server = MailServer::begin();
    let mailer = Courier::mail(server.url(), SENDER).unwrap();
    world.now_is("2010-05-15T08:00:00Z");
    // Two instances at the same moment, and once more.
    let (programme, other) = (world.programme(), world.another_programme());
    let both = join(remind(programme, &mailer), remind(&other, &mailer)).await;
    let (one, other) = (both.0.unwrap(), both.1.unwrap());
    assert_eq!((one.sent + other.sent, one.failed + other.failed), (2, 0));
    assert_eq!(one.earlier + other.earlier + one.under_way + other.under_way, 2);
    let again = remind(programme, &mailer).await.unwrap();
    assert_eq!(again, Reminded { sent: 0, earlier: 2, under_way: 0, failed: 0 });
    let sent = server.take();
    let lead = to(&sent, "jo.lead@harrow.example");
    // The action, and two KPIs of the three quarters before, which no round gathers.
    assert_eq!(lead.head("Subject"), "Waymark: 7 overdue, 3 due soon");
    let text = lead.text();
    assert!(text.contains("action on NI-50") && text.contains("NI-117"), "{text}");
    assert!(!text.contains("http"), "there is no address to lead to: {text}");
    let contributor = to(&sent, "sam@connexions.example").text();
    assert!(contributor.contains("NI-117") && !contributor.contains("NI-50"), "{contributor}");
    assert_eq!(sent.len(), 2, "who only manages is not reminded");
    // The next day what was posted is owed no longer.
    world.now_is("2010-05-16T08:00:00Z");
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q4", json!({"value": 4.5})).await.is(201);
    remind(programme, &mailer).await.unwrap();
    let sent = server.take();
    assert_eq!(sent.len(), 2);
    for mail in sent {
        assert!(!mail.text().contains("figure of NI-117, The KPI NI-117, for 2009/10 Q4"), "{mail:?}");
        assert!(mail.files().iter().all(|(name, _)| !mail.head("To").contains("sam") || !name.contains("Q4")));
    }
}

async fn a_digest_leads_to_the_page_and_has_what_is_to_be_filled_in(world: &World) {
    owing(world).await;
    world.patch(Manager, "kpis/NI-117", "*", json!({"title": "<b>NEET</b> & more"})).await.is(200);
    let server = MailServer::begin();
    assert_eq!(remind(world.programme(), &courier(&server)).await.unwrap().sent, 2);
    let sent = server.take();
    let lead = to(&sent, "jo.lead@harrow.example");
    assert_eq!(lead.head("Date"), "Fri, 14 May 2010 12:00:00 +0000");
    assert_eq!(lead.head("Auto-Submitted"), "auto-generated");
    // Each link opens the page, for those who are signed in.
    let browser = Browser::of(world, Lead).await;
    for path in ["/plans/small/returns", "/plans/small/returns/FY2009-10-Q4/health-group"] {
        assert!(lead.text().lines().any(|line| line.trim() == format!("{SITE}{path}")), "{}", lead.text());
        assert!(lead.html().contains(&format!("<a href=\"{SITE}{path}\">")), "{}", lead.html());
        browser.get(path).await.is(200);
    }
    assert!(lead.text().contains("<b>NEET</b>") && !lead.html().contains("<b>"), "{}", lead.html());
    // One workbook per return, and one for what is in none, with the keys of what is owed; and it can be sent back.
    let files = lead.files();
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["health-group-FY2009-10-Q4.xlsx", "small-figures.xlsx"]);
    let table = cells(&files[0].1, "Figures");
    assert_eq!(owed(&table), ["NI-117 FY2009-10-Q4 all", "LI-ASTHMA FY2009-10-Q4 all", "NI-50 FY2009-10 all"]);
    let others = owed(&cells(&files[1].1, "Figures"));
    assert!(others.len() == 6 && others.contains(&"LI-ASTHMA FY2009-10-Q1 all".to_owned()), "{others:?}");
    for (_, file) in files {
        let ask = world.ask(actix_web::http::Method::POST, Lead, "readings?dry_run=true");
        ask.body(XLSX, file).await.is(200);
    }
    // A contributor gets nothing of other KPIs, in words or in files.
    let contributor = to(&sent, "sam@connexions.example");
    let words = contributor.text() + &contributor.html();
    assert!(words.contains("NI-117") && !words.contains("NI-50") && !words.contains("ASTHMA"), "{words}");
    let rows: Vec<String> = contributor.files().iter().flat_map(|(_, file)| owed(&cells(file, "Figures"))).collect();
    assert!(rows.len() == 4 && rows.iter().all(|row| row.starts_with("NI-117 ")), "{rows:?}");
    for (name, file) in contributor.files() {
        let all: String = cells(&file, "Figures").iter().flatten().map(ToString::to_string).collect();
        assert!(!all.contains("NI-50") && !all.contains("ASTHMA"), "{name}: {all}");
    }
}

async fn a_digest_is_of_all_plans_and_is_known_by_one_id(world: &World) {
    owing(world).await;
    crate::support::plan::empty(world, "other").await;
    crate::support::plan::framework(world).await;
    world.post(Administrator, "kpis", kpi("LI-OTHER", json!({}))).await.is(201);
    let grant = json!({"subject": "jo.lead@harrow.example", "role": "sub_group_lead", "outcome_areas": ["health"]});
    world.post(Administrator, "grants", grant).await.is(201);
    let server = MailServer::begin();
    // The server takes them and says that it did not: they come again.
    server.refuses(2);
    let failed = remind(world.programme(), &courier(&server)).await.unwrap();
    assert_eq!((failed.sent, failed.failed), (0, 2));
    let first = server.take();
    assert_eq!(remind(world.programme(), &courier(&server)).await.unwrap().sent, 2);
    let second = server.take();
    assert_eq!((first.len(), second.len()), (2, 2));
    let lead = "jo.lead@harrow.example";
    let text = to(&second, lead).text();
    assert!(text.contains("NI-50") && text.contains("LI-OTHER"), "{text}");
    assert!(text.contains("/plans/small/returns") && text.contains("/plans/other/returns"), "{text}");
    let id = |mails: &[Mail], who: &str| to(mails, who).head("Message-ID").to_owned();
    assert_eq!(id(&first, lead), id(&second, lead));
    assert!(id(&first, lead).ends_with("@waymark.example>") && !id(&first, lead).contains("jo"));
    assert_ne!(id(&first, lead), id(&first, "sam@connexions.example"));
    // Without an address of the service, the host is the sender's; and each day has its own.
    world.now_is("2010-05-15T12:00:00Z");
    let mailer = Courier::mail(server.url(), SENDER).unwrap();
    assert_eq!(remind(world.programme(), &mailer).await.unwrap().sent, 2);
    let third = id(&server.take(), lead);
    assert!(third.ends_with("@harrow.example>") && third.split('@').next() != id(&first, lead).split('@').next());
}

async fn what_could_not_be_sent_is_sent_the_next_time(world: &World) {
    owing(world).await;
    let nowhere = Courier::mail("smtp://127.0.0.1:1", "waymark@harrow.example").unwrap();
    let failed = remind(world.programme(), &nowhere).await.unwrap();
    assert_eq!((failed.sent, failed.failed), (0, 2));
    let server = MailServer::begin();
    assert_eq!(remind(world.programme(), &courier(&server)).await.unwrap().sent, 2);
    assert_eq!(server.take().len(), 2);
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

async fn what_another_stopped_sending_is_sent(world: &World) {
    owing(world).await;
    let server = MailServer::begin();
    let (subject, day) = ("jo.lead@harrow.example".parse().unwrap(), "2010-05-14".parse().unwrap());
    let other = world.another_programme();
    let began = world.now();
    assert_eq!(other.claim_reminder(&subject, day, began).await.unwrap(), Claim::Taken);
    let reminded = remind(world.programme(), &courier(&server)).await.unwrap();
    assert_eq!(reminded, Reminded { sent: 1, earlier: 0, under_way: 1, failed: 0 });
    world.now_is("2010-05-14T12:10:00Z");
    let reminded = remind(world.programme(), &courier(&server)).await.unwrap();
    assert_eq!(reminded, Reminded { sent: 1, earlier: 1, under_way: 0, failed: 0 });
    assert_eq!(server.take().len(), 2);
    // The other one comes back, and changes nothing of what is no longer its own.
    other.release_reminder(&subject, day, began, world.now()).await.unwrap();
    other.settle_reminder(&subject, day, began).await.unwrap();
    assert_eq!(other.claim_reminder(&subject, day, world.now()).await.unwrap(), Claim::Sent);
    let entries = world.service_journal();
    let claimed: Vec<_> = entries.iter().filter(|entry| entry.action == "reminder.claimed").collect();
    assert_eq!(claimed.len(), 3);
    assert_eq!(claimed[2].before, entries.iter().find(|entry| entry.action == "reminder.claimed").unwrap().after);
}

async fn instances_with_a_schedule_remind_once_between_them(world: &World) {
    owing(world).await;
    let server = MailServer::begin();
    let schedule = |programme| Schedule::new(programme, courier(&server), nine());
    let (mut one, mut other) = (schedule(world.programme().clone()), schedule(world.another_programme()));
    // Nine o'clock in London is eight in summer.
    world.now_is("2010-05-15T07:59:59Z");
    assert_eq!(join(one.step(), other.step()).await, (None, None));
    world.now_is("2010-05-15T08:00:00Z");
    let (first, second) = join(one.step(), other.step()).await;
    assert_eq!(first.unwrap().sent + second.unwrap().sent, 2);
    assert_eq!(server.take().len(), 2);
    world.now_is("2010-05-15T20:00:00Z");
    let _nobody_left = join(one.step(), other.step()).await;
    // Started again, it finds that everyone was reminded.
    let mut third = schedule(world.another_programme());
    assert_eq!(third.step().await, Some(Reminded { sent: 0, earlier: 2, under_way: 0, failed: 0 }));
    assert_eq!(third.step().await, None);
    // Down at nine, it catches up at its start.
    world.now_is("2010-05-16T14:00:00Z");
    assert_eq!(schedule(world.another_programme()).step().await.unwrap().sent, 2);
    assert_eq!(one.step().await.unwrap().earlier, 2);
    assert_eq!(server.take().len(), 2);
}

async fn a_schedule_tries_again_the_same_day(world: &World) {
    owing(world).await;
    let server = MailServer::begin();
    server.is_down(true);
    let mut schedule = Schedule::new(world.programme().clone(), courier(&server), nine());
    world.now_is("2010-05-15T08:00:00Z");
    assert_eq!(schedule.step().await.unwrap().failed, 2);
    world.now_is("2010-05-15T08:14:59Z");
    assert_eq!(schedule.step().await, None);
    world.now_is("2010-05-15T08:15:00Z");
    assert_eq!(schedule.step().await.unwrap().failed, 2);
    world.now_is("2010-05-15T08:44:59Z");
    assert_eq!(schedule.step().await, None);
    server.is_down(false);
    world.now_is("2010-05-15T08:45:00Z");
    assert_eq!(schedule.step().await.unwrap().sent, 2);
    world.now_is("2010-05-15T22:59:59Z");
    assert_eq!(schedule.step().await, None);
    assert_eq!(server.take().len(), 2);
    // The days when clocks change have one reminder too.
    for (before, at) in
        [("2010-10-31T08:59:59Z", "2010-10-31T09:00:00Z"), ("2011-03-27T07:59:59Z", "2011-03-27T08:00:00Z")]
    {
        world.now_is(before);
        assert_eq!(schedule.step().await, None);
        world.now_is(at);
        assert_eq!(schedule.step().await.unwrap().sent, 2);
        assert_eq!(schedule.step().await, None);
    }
}

async fn a_schedule_stops_with_the_service(world: &World) {
    owing(world).await;
    let server = MailServer::begin();
    let programme = world.another_programme();
    let schedule = Schedule::new(programme.clone(), courier(&server), nine());
    let running = actix_web::rt::spawn(schedule.run());
    server.wait_for(2).await;
    programme.watch().close();
    tokio::time::timeout(Duration::from_mins(1), running).await.unwrap().unwrap();
}

async fn a_digest_goes_to_a_webhook_of_the_deployment(world: &World) {
    owing(world).await;
    let grant = json!({"subject": "kim", "role": "contributor", "organisation": "connexions"});
    world.post(Administrator, "grants", grant).await.is(201);
    let receiver = Receiver::begin();
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let courier = Courier::webhook(&receiver.url(), secret).unwrap().leading_to(Some("https://waymark.example/"));
    world.now_is("2010-05-15T08:00:00Z");
    // Not taken: it is sent the next time.
    receiver.answers(&[500]);
    let reminded = remind(world.programme(), &courier).await.unwrap();
    assert!(reminded.failed == 1 && reminded.sent >= 3, "{reminded:?}");
    assert_eq!(remind(world.programme(), &courier).await.unwrap().sent, 1);
    let got = receiver.take();
    assert_eq!(got.len(), reminded.sent + 2);
    // The one that came twice has one id.
    let ids: std::collections::BTreeSet<_> = got.iter().map(|one| &one.headers["webhook-id"]).collect();
    assert_eq!(ids.len(), reminded.sent + 1);
    assert!(got.iter().all(|one| one.signed_by(secret) == 1 && one.kind() == "reminder.digest"), "{got:?}");
    let of = |who: &str| got.iter().rev().map(|one| one.json()["data"].clone()).find(|data| data["subject"] == who);
    // One who could not be written to is reached as well.
    let digest = of("kim").unwrap();
    assert!(digest["text"].as_str().unwrap().contains("NI-117"), "{digest}");
    assert_eq!(digest["day"], "2010-05-15");
    let page = "https://waymark.example/plans/small/returns";
    let returns = json!([
        {"period": "FY2009-10-Q4", "sub_group": "health-group", "url": format!("{page}/FY2009-10-Q4/health-group")}
    ]);
    let plans = json!([{"plan": "small", "title": "A plan", "url": page, "returns": returns}]);
    assert_eq!(digest["plans"], plans);
    assert_eq!(of("mo@harrow.example"), None, "who only manages is not reminded");
    for (url, wrong) in [(&*receiver.url(), "se/cret"), ("ftp://chat.example/cret", secret), ("", secret)] {
        assert!(Courier::webhook(url, wrong).err().is_some_and(|why| !why.contains("cret/")), "{url}");
    }
}
