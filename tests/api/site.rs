//! Pages: who is signed in and for how long, what a form needs, and that a page says what the API says.

use actix_web::http::Method;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::browser::{Browser, COOKIE, FORM, cookie_of, sign_in, words};
use crate::support::plan::{kpi, small};
use crate::support::{Actor, Answer, World};

use Actor::{Administrator, Board, Lead, Manager, Nobody, Partner, Stranger};

on_both! {
    a_link_signs_in_once_and_a_session_opens_pages_only
    a_token_signs_in_with_what_it_carries_and_ends_its_sessions
    a_session_ends_after_eight_hours_without_use_and_after_a_day
    signing_out_ends_one_session_or_all
    a_form_is_taken_only_from_a_page_of_the_session
    a_stranger_is_asked_to_sign_in_and_learns_nothing
    a_scorecard_says_what_the_report_says
    a_page_withholds_what_the_api_withholds
    a_return_is_checked_saved_submitted_and_signed_off_on_pages
    a_page_is_a_page_whatever_goes_wrong
    the_board_room_shows_what_moved_since_the_last_report
    every_page_says_to_everyone_what_the_api_says
}

async fn a_link_signs_in_once_and_a_session_opens_pages_only(world: &World) {
    small(world).await;
    let link = world.programme().make_sign_in_link(&Board.subject(), TimeDelta::hours(1)).await.unwrap();
    // Looking at the link uses nothing up.
    for _ in 0..2 {
        world.get(Nobody, &format!("/sign-in?link={link}")).await.is(200);
    }
    let answer = sign_in(world, &[("link", &link), ("then", "/plans/small?status=off_track")]).await.is(303);
    assert_eq!(answer.header("location"), Some("/plans/small?status=off_track"));
    let browser = Browser { world, cookie: cookie_of(&answer) };
    let page = browser.get("/plans/small").await.is(200);
    assert_eq!(page.header("cache-control"), Some("private, no-cache"));
    assert!(page.headers.get_all("vary").any(|vary| vary == "Cookie"), "{page}");
    assert_eq!(page.header("strict-transport-security"), Some("max-age=31536000"));
    assert_eq!(browser.get("/").await.is(303).header("location"), Some("/plans/small"), "one plan: there at once");
    browser.get("/v1/plans/small").await.refused(401, "missing_token");
    sign_in(world, &[("link", &link)]).await.is(422);
    // Whoever signs in as somebody else is not who they were any more.
    let lead = world.programme().make_sign_in_link(&Lead.subject(), TimeDelta::hours(1)).await.unwrap();
    let page = browser.get(&format!("/sign-in?link={lead}")).await.is(200).text();
    assert!(page.contains("name=\"form_token\""), "{page}");
    browser.send("/sign-in", &[("link", &lead)]).await.is(303);
    browser.get("/plans/small").await.is(303);
    let late = world.programme().make_sign_in_link(&Board.subject(), TimeDelta::hours(1)).await.unwrap();
    world.now_is("2010-05-14T13:00:01Z");
    sign_in(world, &[("link", &late)]).await.is(422);
    for elsewhere in ["/\t/evil.example", "/\0x", "/é", "//evil.example/", "https://evil.example/", "/\\evil.example"]
    {
        let link = world.programme().make_sign_in_link(&Board.subject(), TimeDelta::hours(1)).await.unwrap();
        let answer = sign_in(world, &[("link", &link), ("then", elsewhere)]).await.is(303);
        assert_eq!(answer.header("location"), Some("/"), "{elsewhere}");
    }
    let journal = world.service_journal();
    let of = |action: &str| journal.iter().filter(|entry| entry.action == action).count();
    assert_eq!((of("sign_in.made"), of("sign_in.revoked"), of("session.made")), (9, 8, 8));
    assert!(!world.dump("credentials").contains(&link), "no secret is stored");
}

async fn a_token_signs_in_with_what_it_carries_and_ends_its_sessions(world: &World) {
    small(world).await;
    let terms = json!({"name": "My tablet", "plan": "small", "methods": ["GET"]});
    let made = world.post(Manager, "/v1/tokens", terms).await.is(201);
    let secret = made.json()["token"].as_str().unwrap().to_owned();
    sign_in(world, &[("token", "wmk_unknown")]).await.is(422);
    sign_in(world, &[("token", "eyJ.x.y")]).await.is(422);
    sign_in(world, &[]).await.is(422);
    let browser = Browser { world, cookie: cookie_of(&sign_in(world, &[("token", &secret)]).await.is(303)) };
    browser.get("/plans/small").await.is(200);
    let refused = browser.send("/plans/small/returns/FY2009-10-Q1/health-group", &[("do", "submit")]).await.is(403);
    assert!(words(&refused.text()).contains("a token that only reads"), "{refused}");
    // It ends itself and no session that was begun otherwise, whatever it asks for.
    let whole = Browser::of(world, Manager).await;
    let second = Browser { world, cookie: cookie_of(&sign_in(world, &[("token", &secret)]).await.is(303)) };
    second.send("/sign-out", &[("session", "all")]).await.is(303);
    second.get("/plans/small").await.is(303);
    whole.get("/plans/small").await.is(200);
    browser.get("/plans/small").await.is(200);
    let address = made.header("location").unwrap().to_owned();
    let tag = world.get(Manager, &address).await.is(200).tag();
    world.delete(Manager, &address, &tag).await.is(204);
    browser.get("/plans/small").await.is(303);
}

async fn a_session_ends_after_eight_hours_without_use_and_after_a_day(world: &World) {
    small(world).await;
    let browser = Browser::of(world, Board).await;
    world.now_is("2010-05-14T19:59:59Z");
    let other = Browser::of(world, Board).await;
    browser.get("/plans/small").await.is(200);
    world.now_is("2010-05-15T03:59:00Z");
    other.is_used("15 May 2010 at 4:59am").await;
    world.now_is("2010-05-15T04:00:00Z");
    browser.get("/plans/small").await.is(303);
    world.now_is("2010-05-15T11:58:00Z");
    other.is_used("15 May 2010 at 12:58pm").await;
    world.now_is("2010-05-15T19:58:00Z");
    other.get("/plans/small").await.is(303);
}

async fn signing_out_ends_one_session_or_all(world: &World) {
    small(world).await;
    let [first, second, third] =
        [Browser::of(world, Board).await, Browser::of(world, Board).await, Browser::of(world, Board).await];
    let stranger = Browser::of(world, Lead).await;
    let answer = first.send("/sign-out", &[]).await.is(303);
    assert!(answer.header("set-cookie").unwrap().starts_with(&format!("{COOKIE}=;")), "{answer}");
    first.get("/account").await.is(303);
    second.send("/sign-out", &[("session", "all")]).await.is(303);
    for browser in [&second, &third] {
        browser.get("/account").await.is(303);
    }
    // Somebody else's is not theirs to end.
    let lead = stranger.get("/account").await.is(200).text();
    let id = lead.split("name=\"session\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    Browser::of(world, Board).await.send("/sign-out", &[("session", &id)]).await.is(404);
    stranger.get("/account").await.is(200);
}

async fn a_form_is_taken_only_from_a_page_of_the_session(world: &World) {
    small(world).await;
    let browser = Browser::of(world, Board).await;
    browser.send_as_is("/sign-out", &[]).await.is(403);
    browser.send_as_is("/sign-out", &[("form_token", "guessed")]).await.is(403);
    let cookie = format!("{COOKIE}={}", browser.cookie);
    for (name, value) in
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")]
    {
        let ask = world.ask(Method::POST, Nobody, "/sign-out").header("cookie", &cookie).header(name, value);
        ask.header("accept", "text/html").body(FORM, "x=1").await.is(403);
        let ask = world.ask(Method::POST, Nobody, "/sign-in").header(name, value);
        ask.header("accept", "text/html").body(FORM, "token=wmk_x").await.is(403);
    }
    browser.get("/account").await.is(200);
}

async fn a_stranger_is_asked_to_sign_in_and_learns_nothing(world: &World) {
    small(world).await;
    for path in ["/plans/small", "/plans/nowhere", "/plans/small/kpis/NI-117", "/plans/small/returns", "/account"] {
        let answer = world.get(Nobody, path).header("accept", "text/html").await.is(303);
        assert!(answer.header("location").unwrap().starts_with("/sign-in?then=%2F"), "{answer}");
    }
    let browser = Browser::of(world, Stranger).await;
    let (there, nowhere) = (browser.get("/plans/small").await.is(404), browser.get("/plans/nowhere").await.is(404));
    let without_id = |answer: &Answer| words(&answer.text()).split("quote").next().unwrap().to_owned();
    assert_eq!(without_id(&there), without_id(&nowhere));
    assert!(words(&browser.get("/").await.is(200).text()).contains("You hold no role in any plan yet"));
    Browser::of(world, Partner).await.get("/plans/small/returns").await.is(403);
}

async fn a_scorecard_says_what_the_report_says(world: &World) {
    world.load_harrow().await;
    for (actor, query) in [
        (Board, "period=FY2009-10-Q4"),
        (Board, "period=FY2009-10-Q4&outcome_area=be-healthy&status=off_track"),
        (Board, "period=FY2009-10-Q4&as_of=2010-03-09"),
        (Partner, "period=FY2009-10-Q4"),
        (Actor::Public, "period=FY2009-10-Q4"),
    ] {
        let browser = Browser::of(world, actor).await;
        let plan = world.plan();
        let page = browser.get(&format!("/plans/{plan}?{query}&sub_group=")).await.is(200);
        let tag = page.tag();
        let html = page.text();
        let said = words(&html);
        let report = world.get(actor, &format!("status-report?{query}")).await.is(200).json();
        let mut kpis = 0;
        for one in all_of(&report) {
            kpis += 1;
            let explanation = one["explanation"].as_str().unwrap();
            assert!(said.contains(explanation), "{actor:?} {query}: {explanation}");
        }
        assert_eq!(html.matches("<th class=\"k\"").count(), kpis, "{actor:?} {query}");
        let (on_track, assessed) =
            (&report["counts"]["status"]["on_track"], report["headline"]["assessed"].as_u64().unwrap());
        if assessed > 1 {
            assert!(
                said.contains(&format!("{on_track} of {assessed} assessed KPIs are on track")),
                "{actor:?} {query}"
            );
        }
        let cookie = format!("{COOKIE}={}", browser.cookie);
        let again = world.get(Nobody, &format!("/plans/{plan}?{query}&sub_group="));
        again.header("cookie", &cookie).header("accept", "text/html").header("if-none-match", &tag).await.is(304);
    }
}

fn all_of(report: &Value) -> Vec<Value> {
    let list = |value: &Value, name: &str| value[name].as_array().unwrap().clone();
    let areas = list(report, "outcome_areas").into_iter();
    let priorities = areas.flat_map(|area| list(&area, "priorities"));
    priorities.flat_map(|priority| list(&priority, "kpis")).collect()
}

async fn a_page_withholds_what_the_api_withholds(world: &World) {
    small(world).await;
    world
        .post(
            Manager,
            "kpis",
            kpi("LI-FEW", json!({"unit": "count", "decimals": 0, "sensitive": true, "publication": "partners"})),
        )
        .await
        .is(201);
    world
        .put(Manager, "kpis/LI-FEW/readings/FY2009-10-Q3", json!({"value": 3, "commentary": "Three siblings."}))
        .await
        .is(201);
    world.put(Manager, "kpis/LI-FEW/readings/FY2009-10-Q4", json!({"value": 731})).await.is(201);
    let browser = Browser::of(world, Partner).await;
    let page = browser.get("/plans/small/kpis/LI-FEW?period=FY2009-10-Q3").await.is(200).text();
    let said = words(&page);
    assert!(
        said.contains("The figure is withheld because it could identify a child.") && said.contains("Withheld"),
        "{said}"
    );
    assert!(!said.contains("siblings") && !page.contains(">3<") && !page.contains("\"3\""), "{page}");
    let own = words(
        &Browser::of(world, Board).await.get("/plans/small/kpis/LI-FEW?period=FY2009-10-Q3").await.is(200).text(),
    );
    assert!(own.contains("731"), "{own}");
    for hidden in ["/plans/small/kpis/NI-117", "/plans/small/kpis/nothing"] {
        if world.get(Partner, &hidden.replace("/plans", "/v1/plans")).await.status == 404 {
            browser.get(hidden).await.is(404);
        }
    }
}

async fn a_return_is_checked_saved_submitted_and_signed_off_on_pages(world: &World) {
    world.now_is("2009-07-10T09:00:00Z");
    small(world).await;
    let round = json!({"period": "FY2009-10-Q1", "opens": "2009-07-01", "due": "2009-07-24", "closes": "2009-08-14"});
    world.post(Manager, "rounds", round).await.is(201);
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    let lead = Browser::of(world, Lead).await;
    let list = words(&lead.get("/plans/small/returns").await.is(200).text());
    assert!(list.contains("2 figures to report"), "{list}");
    let here = "/plans/small/returns/FY2009-10-Q1/health-group";
    // Codes that differ in little have fields of their own.
    world.post(Manager, "kpis", kpi("ni_117", json!({}))).await.is(201);
    let both = [("ni_117.FY2009-10-Q1.value", "7"), ("NI-117.FY2009-10-Q1.value", "4,5"), ("do", "check")];
    let html = lead.send(here, &both).await.is(422).text();
    assert!(html.contains("id=\"ni_117.FY2009-10-Q1-value\"") && html.contains("value=\"7\""), "{html}");
    assert!(html.contains("id=\"NI-117.FY2009-10-Q1-value\"") && html.contains("value=\"4,5\""), "{html}");
    world.delete(Manager, "kpis/ni_117", "*").await.is(204);
    let version = world.version().await;
    // One figure is wrong and one is right: both are said, and nothing is saved.
    let mistakes = [("NI-117.FY2009-10-Q1.value", "4,5"), ("LI-ASTHMA.FY2009-10-Q1.value", "9"), ("do", "check")];
    let checked = lead.send(here, &mistakes).await.is(422);
    let (html, said) = (checked.text(), words(&checked.text()));
    assert!(said.contains("There is a problem Nothing has been saved."), "{said}");
    assert!(html.contains("href=\"#NI-117.FY2009-10-Q1-value\"") && html.contains("value=\"4,5\""), "{html}");
    assert!(html.contains("id=\"NI-117.FY2009-10-Q1-value-e\"") && html.contains("aria-invalid=\"true\""), "{html}");
    assert!(said.contains("LI-ASTHMA, 2009/10 Q1, would be"), "{said}");
    let unsaved = lead.send(here, &[("NI-117.FY2009-10-Q1.value", "4,5"), ("do", "save")]).await.is(422);
    assert!(words(&unsaved.text()).contains("Nothing has been saved."), "{unsaved}");
    assert_eq!(world.version().await, version);
    let right = [
        ("NI-117.FY2009-10-Q1.value", "4.5"),
        ("NI-117.FY2009-10-Q1.provisional", "on"),
        ("LI-ASTHMA.FY2009-10-Q1.value", "9"),
    ];
    let tried = lead.send(here, &[&right[..], &[("do", "check")]].concat()).await.is(200);
    assert!(words(&tried.text()).contains("2 new figures"), "{tried}");
    assert_eq!(world.version().await, version, "a check saves nothing");
    let saved = lead.send(here, &[&right[..], &[("do", "save")]].concat()).await.is(303);
    assert_eq!(saved.header("location"), Some(&*format!("{here}?done=saved")));
    let reading = world.get(Board, "kpis/NI-117/readings/FY2009-10-Q1").await.is(200).json();
    assert_eq!((reading["value"].as_f64(), &reading["provisional"]), (Some(4.5), &json!(true)));
    // The same again changes nothing, and neither does the page as a browser sends it when nobody has typed anything.
    lead.send(here, &[&right[..], &[("do", "save")]].concat()).await.is(303);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"commentary": " One line.\nAnother. "})).await.is(200);
    let version = world.version().await;
    let untouched = [
        ("NI-117.FY2009-10-Q1.value", "4.5"),
        ("NI-117.FY2009-10-Q1.provisional", "on"),
        ("NI-117.FY2009-10-Q1.commentary", " One line.\r\nAnother. "),
        ("NI-117.FY2009-10-Q1.nil_return", ""),
        ("NI-117.FY2009-10-Q1.reason", ""),
        ("do", "save"),
    ];
    lead.send(here, &untouched).await.is(303);
    assert_eq!(world.version().await, version);
    // What somebody else saved meanwhile is not put back by whoever did not touch it, nor replaced unseen by whoever did.
    let page = lead.get(here).await.is(200).text();
    let was =
        page.split("name=\"NI-117.FY2009-10-Q1.was\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.4})).await.is(200);
    let shown = [&[("NI-117.FY2009-10-Q1.was", was.as_str())], &untouched[..]].concat();
    let version = world.version().await;
    lead.send(here, &shown).await.is(303);
    assert_eq!(world.version().await, version, "nobody typed anything");
    let typed: Vec<_> = shown.iter().map(|(name, text)| (*name, if *text == "4.5" { "4.6" } else { text })).collect();
    let refused = lead.send(here, &typed).await.is(422);
    assert!(
        words(&refused.text()).contains("Somebody saved this figure after you opened the page: it is 4.4 % now."),
        "{refused}"
    );
    assert_eq!(world.version().await, version);
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(200);
    let emptied = [("NI-117.FY2009-10-Q1.value", ""), ("NI-117.FY2009-10-Q1.commentary", ""), ("do", "save")];
    let refused = lead.send(here, &emptied).await.is(422);
    assert!(words(&refused.text()).contains("Give the figure, or say why there is none."), "{refused}");
    let unticked = [("NI-117.FY2009-10-Q1.value", "4.5"), ("NI-117.FY2009-10-Q1.commentary", ""), ("do", "save")];
    lead.send(here, &unticked).await.is(303);
    let reading = world.get(Board, "kpis/NI-117/readings/FY2009-10-Q1").await.is(200).json();
    assert_eq!(
        (&reading["commentary"], &reading["provisional"], &reading["value"]),
        (&Value::Null, &json!(false), &json!(4.5))
    );
    assert_eq!(
        world.get(Board, "kpis/NI-117/readings/FY2009-10-Q1/history").await.is(200).json()["items"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    lead.send(here, &[("do", "submit")]).await.is(303);
    lead.send(here, &[("do", "sign-off")]).await.is(403);
    let manager = Browser::of(world, Manager).await;
    manager.send(here, &[("do", "return"), ("note", "")]).await.is(422);
    manager.send(here, &[("do", "return"), ("note", "Is it 4.5?")]).await.is(303);
    assert!(words(&lead.get(here).await.is(200).text()).contains("Returned with this note: Is it 4.5?"));
    lead.send(here, &[("do", "submit")]).await.is(303);
    manager.send(here, &[("do", "sign-off")]).await.is(303);
    let signed = world.get(Board, "rounds/FY2009-10-Q1/returns/health-group").await.is(200).json();
    assert_eq!((&signed["state"], &signed["signed_off_by"]), (&json!("signed_off"), &json!(Manager.name())));
    manager.send(here, &[("do", "reopen"), ("reason", "The denominator was the year's.")]).await.is(303);
    Browser::of(world, Partner).await.get(here).await.is(403);
}

async fn a_page_is_a_page_whatever_goes_wrong(world: &World) {
    small(world).await;
    let browser = Browser::of(world, Administrator).await;
    for (path, status) in [
        ("/plans/small?period=nonsense", 422),
        ("/plans/small?periood=x", 400),
        ("/plans/small?as_of=2099-01-01", 422),
        ("/plans/small/kpis/NI-0", 404),
        ("/plans/small/returns/FY2009-10-Q1/nobody", 404),
        ("/plans/%00", 404),
        ("/sign-in?then=%00", 400),
    ] {
        let answer = browser.get(path).await;
        assert!((400..500).contains(&answer.status), "{answer}");
        if status != 400 {
            assert_eq!(answer.media_type(), "text/html", "{answer}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{answer}");
    }
    // A file that is not there: browsers name pages among what they take, programs do not.
    let cookie = format!("{COOKIE}={}", browser.cookie);
    for (accept, kind) in [
        ("*/*", "application/problem+json"),
        ("text/csv", "application/problem+json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
    ] {
        for path in ["/plans/none.csv", "/plans/none/status-report.csv"] {
            let answer = world.get(Nobody, path).header("cookie", &cookie).header("accept", accept).await.is(404);
            assert_eq!(answer.media_type(), kind, "{accept}: {answer}");
        }
    }
    world.get(Nobody, "/plans/small/status-report.csv").header("accept", "*/*").await.refused(401, "missing_token");
    world.get(Nobody, "/plans/small/status-report.csv").header("accept", "text/html").await.is(303);
    // Bytes that are no text are refused, not replaced.
    for form in ["link=%FF", "%C3=1"] {
        let ask = world.ask(Method::POST, Nobody, "/sign-in").header("accept", "text/html");
        let answer = ask.body(FORM, form).await.is(400);
        assert!(words(&answer.text()).contains("is not percent-encoded UTF-8"), "{answer}");
    }
    // What people type is shown and never run.
    let title = "<script>alert(1)</script> & \"quoted\"";
    world.post(Manager, "kpis", kpi("LI-ODD", json!({"title": title}))).await.is(201);
    for path in ["/plans/small", "/plans/small/kpis/LI-ODD"] {
        let html = browser.get(path).await.is(200).text();
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !html.contains("<script>alert"), "{html}");
    }
    let style = browser.get("/plans/small").await.text();
    let style = style.split("href=\"/assets/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let asset = world.get(Nobody, &format!("/assets/{style}")).await.is(200);
    assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
    world.get(Nobody, "/assets/waymark.0000000000000000.css").await.refused(404, "not_found");
}

/// A text as the words of a page have it.
fn as_shown(text: &str) -> String {
    words(&text.replace('<', "&lt;").replace('`', ""))
}

/// The row of a page's table that is about a KPI.
fn row_of<'a>(html: &'a str, code: &str) -> &'a str {
    let is_about = |row: &&str| row.contains("th class=\"k\"") && row.contains(&format!("/kpis/{code}?"));
    html.split("<tr").find(is_about).unwrap_or_else(|| panic!("no row of {code}: {html}"))
}

async fn the_board_room_shows_what_moved_since_the_last_report(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q4", json!({"value": 4})).await.is(201);
    let browser = Browser::of(world, Board).await;
    let room = "/plans/small/board?period=FY2009-10-Q4";
    assert!(!words(&browser.get(room).await.is(200).text()).contains("What moved since"));
    let frozen =
        world.post(Board, "board-reports", json!({"title": "May", "period": "FY2009-10-Q4"})).await.is(201).json();
    world.now_is("2010-05-14T18:00:00Z");
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q4", json!({"value": 7, "reason": "Late returns."})).await.is(200);
    let said = words(&browser.get(room).await.is(200).text());
    assert!(
        said.contains("What moved since 14 May 2010") && said.contains("On track") && said.contains("Off track"),
        "{said}"
    );
    assert!(said.contains("Restated after their round had closed") || said.contains("Worse"), "{said}");
    // The scorecard names what crossed, and what it comes to; so does one that shows less.
    for query in ["period=FY2009-10-Q4", "period=FY2009-10-Q4&outcome_area=health"] {
        let card = words(&browser.get(&format!("/plans/small?{query}")).await.is(200).text());
        assert!(
            card.contains("Since the report of 14 May 2010 On track then: 1 of 1 assessed. All that moved"),
            "{card}"
        );
        assert!(card.contains("Worse: 1 on track to off track: The KPI NI-117"), "{card}");
    }
    let partner = Browser::of(world, Partner).await.get("/plans/small?period=FY2009-10-Q4").await.is(200).text();
    assert!(!words(&partner).contains("Since the report"), "{partner}");
    // The same as between two reports.
    let later =
        world.post(Board, "board-reports", json!({"title": "Later", "period": "FY2009-10-Q4"})).await.is(201).json();
    let since =
        format!("board-reports/{}/changes?since={}", later["id"].as_str().unwrap(), frozen["id"].as_str().unwrap());
    let moved = world.get(Board, &since).await.is(200).json();
    let crossed = moved["crossed"].as_array().unwrap();
    assert_eq!((crossed.len(), &crossed[0]["kpi"]), (1, &json!("NI-117")), "{moved}");
    assert_eq!(said.matches("The KPI NI-117").count(), 2, "among the exceptions and among what moved: {said}");
    // As known before, nothing had moved.
    assert!(
        !words(&browser.get(&format!("{room}&as_of=2010-05-14")).await.is(200).text()).contains("What moved since")
    );
}

async fn every_page_says_to_everyone_what_the_api_says(world: &World) {
    world.load_harrow().await;
    world.now_is("2010-06-01T12:00:00Z");
    let plan = format!("/plans/{}", world.plan());
    for actor in [Administrator, Manager, Lead, Actor::Contributor, Board, Partner, Actor::Public] {
        let browser = Browser::of(world, actor).await;
        for query in ["period=FY2009-10-Q4", "period=FY2009-10-Q3&as_of=2010-03-09"] {
            let report = world.get(actor, &format!("status-report?{query}")).await.is(200).json();
            let html = browser.get(&format!("{plan}?{query}")).await.is(200).text();
            let kpis = all_of(&report);
            assert_eq!(html.matches("class=\"k\"").count(), kpis.len(), "{actor:?}, {query}: a row per KPI");
            for one in &kpis {
                let code = one["kpi"].as_str().unwrap();
                let said = words(row_of(&html, code));
                let wanted = ["reported_text", "explanation"].map(|member| one[member].as_str().map(as_shown));
                let status = one["status"].as_str().unwrap().replace('_', " ");
                for text in wanted.into_iter().flatten().chain([status]) {
                    let (said, text) = (said.to_lowercase(), text.to_lowercase());
                    // A unit may be shortened where there is little room.
                    let text = text.replace(" percentage points", "");
                    assert!(
                        said.replace(" percentage points", "").contains(&text),
                        "{actor:?}, {code}: {text}\n{said}"
                    );
                }
            }
            let (headline, counts) = (&report["headline"], &report["counts"]["status"]);
            if headline["assessed"].as_u64() > Some(1) {
                let heading = words(html.split("<h1").nth(1).unwrap().split("</h1>").next().unwrap());
                assert!(
                    heading.contains(&format!("{} of {} assessed", counts["on_track"], headline["assessed"])),
                    "{heading}"
                );
            }
            for one in kpis.iter().step_by(7) {
                let code = one["kpi"].as_str().unwrap();
                let series = world.get(actor, &format!("kpis/{code}/series?as_of=2010-03-09")).await.is(200).json();
                let at = query.split_once('&').map_or("", |(_, at)| at);
                let here = format!("{plan}/kpis/{code}?period={}&{at}", one["period"]["key"].as_str().unwrap());
                let said = words(&browser.get(&here).await.is(200).text());
                assert!(said.contains(&as_shown(one["explanation"].as_str().unwrap())), "{actor:?}, {code}: {said}");
                for point in series["points"].as_array().unwrap() {
                    if let Some(text) = point["reported_text"].as_str() {
                        assert!(
                            said.contains(&as_shown(text).replace(" percentage points", "")),
                            "{actor:?}, {code}: {point}\n{said}"
                        );
                    }
                }
            }
        }
        let exceptions = world.get(actor, "exceptions?period=FY2009-10-Q4").await;
        let room = browser.get(&format!("{plan}/board?period=FY2009-10-Q4")).await;
        assert_eq!(room.status, exceptions.status, "{actor:?}: {room}");
        if room.status == 200 {
            for item in exceptions.json()["items"].as_array().unwrap() {
                let (code, text) =
                    (item["assessment"]["kpi"].as_str().unwrap(), item["assessment"]["reported_text"].as_str());
                let said = words(row_of(&room.text(), code)).replace(" pp", " percentage points");
                assert!(text.is_none_or(|text| said.contains(&as_shown(text))), "{actor:?}, {code}: {said}");
            }
        }
        let (returns, page) =
            (world.get(actor, "rounds/FY2009-10-Q4/returns").await, browser.get(&format!("{plan}/returns")).await);
        assert_eq!(page.status, returns.status, "{actor:?}: {page}");
        if page.status == 200 {
            for one in returns.json()["returns"].as_array().unwrap() {
                let progress = &one["progress"];
                let state = one["state"].as_str().unwrap().replace('_', " ");
                let wanted =
                    format!("2009/10 Q4 {state} {} of {}", progress["reported"], progress["owed"]).to_lowercase();
                assert!(words(&page.text()).to_lowercase().contains(&wanted), "{actor:?}: {wanted}");
            }
        }
        let actions = world.get(actor, "actions").await.is(200).json();
        let page = browser.get(&format!("{plan}/actions")).await.is(200).text();
        let listed = actions["items"].as_array().unwrap();
        assert_eq!(page.matches("<tr id=\"of-").count(), listed.len(), "{actor:?}: {page}");
        for one in listed {
            assert!(words(&page).contains(&as_shown(one["what"].as_str().unwrap())), "{actor:?}: {one}");
        }
    }
}
