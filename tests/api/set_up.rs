//! The pages of those who look after a plan: everything that it is made of is made, changed and removed on them, by the rules of
//! the API and with its words.

use std::io::Write;

use actix_web::http::Method;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::on_both;
use crate::support::browser::{Browser, COOKIE, Filled, words};
use crate::support::plan::{round, small};
use crate::support::{Actor, World, XLSX};

use Actor::{Administrator, Board, Contributor, Lead, Manager, Nobody, Partner, Public};

on_both! {
    everything_a_plan_is_made_of_is_made_changed_and_removed_on_pages
    what_is_wrong_is_said_at_its_field_and_nothing_is_saved
    what_somebody_else_changed_meanwhile_stays
    a_policy_is_tried_before_it_is_saved
    people_links_webhooks_and_tokens_are_made_and_revoked
    targets_are_set_on_a_page_all_or_none
    a_table_is_pasted_or_sent_and_comes_back_marked
    a_plan_is_begun_with_a_form_or_a_folder
    what_is_done_is_taken_on_and_noted_on_pages
    the_pages_are_for_those_who_look_after_the_plan
}

const SET_UP: &str = "/plans/small/set-up";

/// Opens the form behind a button of a page.
async fn form(browser: &Browser<'_>, path: &str, button: &str) -> Filled {
    Filled::with_button(&browser.get(path).await.is(200).text(), button)
}

/// A thing of a kind as somebody types it, a field that is then changed, and what stays as it was.
struct Sample {
    kind: &'static str,
    code: &'static str,
    fields: &'static [(&'static str, &'static str)],
    changed: (&'static str, &'static str),
    kept: Value,
}

fn sample(
    kind: &'static str,
    code: &'static str,
    fields: &'static [(&'static str, &'static str)],
    changed: (&'static str, &'static str),
    kept: Value,
) -> Sample {
    Sample { kind, code, fields, changed, kept }
}

fn samples() -> [Sample; 8] {
    [
        sample(
            "organisations",
            "voluntary",
            &[("title", "Voluntary sector"), ("kind", "charity")],
            ("title", "Charities"),
            json!({"kind": "charity"}),
        ),
        sample(
            "outcome-areas",
            "enjoy",
            &[("title", "Enjoy"), ("position", "3")],
            ("position", "4"),
            json!({"title": "Enjoy"}),
        ),
        sample(
            "sub-groups",
            "all-group",
            &[("title", "All"), ("lead_organisation", "pct"), ("outcome_areas", "health")],
            ("title", "Everything"),
            json!({"lead_organisation": "pct", "outcome_areas": ["health"]}),
        ),
        sample(
            "priorities",
            "enjoy-1",
            &[("title", "To enjoy"), ("outcome_area", "health"), ("position", "2")],
            ("title", "To enjoy more"),
            json!({"position": 2}),
        ),
        sample(
            "dimensions",
            "sex",
            &[
                ("title", "Sex"),
                ("complete", "true"),
                ("groups.1.code", "f"),
                ("groups.1.title", "Female"),
                ("groups.3.code", "m"),
                ("groups.3.title", "Male"),
            ],
            ("title", "Sexes"),
            json!({"complete": true, "groups": [{"code": "f", "title": "Female"}, {"code": "m", "title": "Male"}]}),
        ),
        sample(
            "policies",
            "strict",
            &[
                ("title", "Strict"),
                ("tolerance/value", "2.5"),
                ("tolerance/kind", "percent"),
                ("bands.0.code", "green"),
                ("bands.0.label", "Green"),
                ("bands.0.status", "on_track"),
                ("bands.0.from", "0"),
                ("bands.1.code", "red"),
                ("bands.1.label", "Red"),
                ("bands.1.status", "off_track"),
            ],
            ("tolerance/value", "3"),
            json!({"title": "Strict"}),
        ),
        sample(
            "kpis",
            "LI-NEW",
            &[
                ("title", "New"),
                ("priority", "health-1"),
                ("unit", "percentage"),
                ("polarity", "higher_is_better"),
                ("frequency", "quarter"),
                ("calendar", "financial"),
                ("aggregation", "in_period"),
                ("decimals", "2"),
                ("contributors", "council"),
                ("sensitive", "true"),
                ("baseline/period", "FY2008-09"),
                ("baseline/value", "12.5"),
            ],
            ("decimals", "1"),
            json!({"contributors": ["council"], "sensitive": true, "baseline": {"period": "FY2008-09", "value": 12.5}}),
        ),
        sample(
            "rounds",
            "FY2010-11-Q1",
            &[("opens", "2010-07-01"), ("due", "2010-07-31"), ("closes", "2010-08-31")],
            ("due", "2010-08-01"),
            json!({"opens": "2010-07-01"}),
        ),
    ]
}

async fn is_made_changed_and_removed(world: &World, browser: &Browser<'_>, sample: Sample) {
    let Sample { kind, code, fields, changed: (changed, value), kept } = sample;
    let list = format!("{SET_UP}/{kind}");
    let empty = form(browser, &list, "make").await;
    let named = empty.with(if kind == "rounds" { "period" } else { "code" }, code);
    let filled = fields.iter().fold(named, |form, (name, value)| form.with(name, value));
    let saved = browser.submit(&list, &filled).await.is(303);
    assert_eq!(saved.header("location"), Some(format!("{list}?saved={code}").as_str()));
    let page = browser.get(&format!("{list}?saved={code}")).await.is(200).text();
    assert!(words(&page).contains("Saved: "), "{kind}: {page}");
    // Saved again as it is, nothing happens.
    let one = format!("{list}/{code}");
    let as_it_is = form(browser, &one, "save").await;
    let before = world.get(Manager, &format!("{kind}/{code}")).await.is(200);
    browser.submit(&one, &as_it_is).await.is(303);
    let after = world.get(Manager, &format!("{kind}/{code}")).await.is(200);
    assert_eq!(before.body, after.body, "{kind}");
    assert_eq!(before.header("etag"), after.header("etag"), "{kind}: no revision");
    for (name, value) in kept.as_object().unwrap() {
        assert_eq!(&after.json()[name], value, "{kind}: {name}");
    }
    browser.submit(&one, &as_it_is.with(changed, value)).await.is(303);
    let now = world.get(Manager, &format!("{kind}/{code}")).await.is(200).json();
    let found = now.pointer(&format!("/{changed}")).unwrap();
    assert_eq!(found.as_str().map_or_else(|| found.to_string(), str::to_owned), value, "{kind}: {changed}");
    for (name, value) in kept.as_object().unwrap() {
        assert_eq!(&now[name], value, "{kind}: {name} stays");
    }
    let page = browser.get(&list).await.is(200).text();
    let row = page.split("<tr").find(|row| row.contains(&format!("value=\"{code}\""))).unwrap();
    let state = row.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    browser.send(&list, &[("do", "remove"), ("code", code), ("version", state)]).await.is(303);
    if kind == "kpis" {
        assert_eq!(world.get(Manager, "kpis/LI-NEW").await.is(200).json()["archived"], true);
    } else {
        world.get(Manager, &format!("{kind}/{code}")).await.is(404);
    }
}

async fn everything_a_plan_is_made_of_is_made_changed_and_removed_on_pages(world: &World) {
    small(world).await;
    let browser = Browser::of(world, Manager).await;
    for sample in samples() {
        is_made_changed_and_removed(world, &browser, sample).await;
    }
    // The plan's own settings.
    let settings = form(&browser, &format!("{SET_UP}/plan"), "save").await;
    let changed = settings.with("small_number_threshold", "6").with("headline/on_track_percent", "80");
    browser.submit(&format!("{SET_UP}/plan"), &changed).await.is(303);
    let plan = world.get(Manager, "/v1/plans/small").await.is(200).json();
    assert_eq!((&plan["small_number_threshold"], &plan["headline"]["on_track_percent"]), (&json!(6), &json!(80)));
    assert_eq!(plan["return_rules"], json!({"commentary_when_off_track": true, "action_when_off_track_twice": true}));
    let page = words(&browser.get(SET_UP).await.is(200).text());
    assert!(page.contains("steps are done") && page.contains("Small numbers, 1 to 6"), "{page}");
    let journal = words(&browser.get(&format!("{SET_UP}/journal")).await.is(200).text());
    assert!(journal.contains("plan updated: small") && journal.contains("small number threshold : 5 → 6"), "{journal}");
}

async fn what_is_wrong_is_said_at_its_field_and_nothing_is_saved(world: &World) {
    small(world).await;
    let browser = Browser::of(world, Manager).await;
    let list = format!("{SET_UP}/kpis");
    let empty = form(&browser, &list, "make").await;
    let answer = browser.submit(&list, &empty.clone().with("code", "LI-X").with("decimals", "many")).await.is(422);
    let page = answer.text();
    assert!(
        page.contains("href=\"#f-decimals\"") && page.contains("value=\"many\"") && page.contains("value=\"LI-X\""),
        "{page}"
    );
    let wrong = empty
        .with("code", "LI-X")
        .with("title", "")
        .with("unit", "count")
        .with("valid_min", "9")
        .with("valid_max", "1");
    let page = browser.submit(&list, &wrong).await.is(422).text();
    for field in ["title", "priority", "polarity", "frequency", "calendar", "aggregation"] {
        assert!(page.contains(&format!("href=\"#f-{field}\"")), "{field}: {page}");
        assert!(page.contains(&format!("id=\"f-{field}-e\"")), "{field}: {page}");
    }
    world.get(Manager, "kpis/LI-X").await.is(404);
    // In a row of rows, with those that are left empty between them.
    let five = form(&browser, &format!("{SET_UP}/policies/five-band"), "save").await;
    let page = browser
        .submit(&format!("{SET_UP}/policies/five-band"), &five.with("bands.6.code", "NOT A CODE"))
        .await
        .is(422)
        .text();
    assert!(page.contains("value=\"NOT A CODE\"") && page.contains("name=\"bands.5.code\""), "{page}");
    // What is still used is not removed.
    let page = browser.get(&format!("{SET_UP}/organisations")).await.is(200).text();
    let row = page.split("<tr").find(|row| row.contains("value=\"pct\"")).unwrap();
    let state = row.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let answer = browser
        .send(&format!("{SET_UP}/organisations"), &[("do", "remove"), ("code", "pct"), ("version", state)])
        .await
        .is(422);
    assert!(words(&answer.text()).contains("is still used by"), "{answer}");
    browser
        .send(&format!("{SET_UP}/organisations"), &[("do", "remove"), ("code", "none"), ("version", "1")])
        .await
        .is(404);
    for odd in ["nothing", "organisations/none", "kpis/NI-999", "links/x", "targets/NI-999"] {
        browser.get(&format!("{SET_UP}/{odd}")).await.is(404);
    }
}

async fn what_somebody_else_changed_meanwhile_stays(world: &World) {
    small(world).await;
    let browser = Browser::of(world, Manager).await;
    // A form that lacks fields leaves them as they are, and so does one that a browser has tidied up.
    let padded = json!({"contributors": ["police", "council"], "definition": " Who is counted.\n\nAnd who is not. ", "sensitive": true, "decimals": 2});
    world.patch(Manager, "kpis/NI-117", "*", padded).await.is(200);
    let (kpi, before) = (format!("{SET_UP}/kpis/NI-117"), world.get(Manager, "kpis/NI-117").await.is(200));
    let opened = form(&browser, &kpi, "save").await;
    let version = opened.0.iter().find(|(name, _)| name == "version").unwrap().1.clone();
    browser.send(&kpi, &[("do", "save"), ("version", &version), ("title", "Lost")]).await.is(303);
    let tidied = opened.0.into_iter().map(|(name, value)| (name, value.replace('\n', "\r\n"))).collect();
    browser.submit(&kpi, &Filled(tidied)).await.is(303);
    assert_eq!(world.get(Manager, "kpis/NI-117").await.is(200).body, before.body);
    // One more box ticked comes after those that were.
    let more = form(&browser, &kpi, "save").await.ticked("contributors", "connexions");
    browser.submit(&kpi, &more).await.is(303);
    let now = world.get(Manager, "kpis/NI-117").await.is(200).json();
    assert_eq!(now["contributors"], json!(["police", "council", "connexions"]));
    let one = format!("{SET_UP}/organisations/pct");
    let opened = form(&browser, &one, "save").await;
    world.patch(Administrator, "organisations/pct", "*", json!({"kind": "health"})).await.is(200);
    let answer = browser.submit(&one, &opened.with("title", "Primary care trust")).await.is(422);
    let page = answer.text();
    assert!(words(&page).contains("Somebody changed this after you opened the page"), "{page}");
    // What was typed stands in the form, and what the other changed as it is now.
    let again = Filled::with_button(&page, "save");
    assert!(again.0.contains(&("title".to_owned(), "Primary care trust".to_owned())), "{again:?}");
    assert!(again.0.contains(&("kind".to_owned(), "health".to_owned())), "{again:?}");
    browser.submit(&one, &again).await.is(303);
    let now = world.get(Manager, "organisations/pct").await.is(200).json();
    assert_eq!((&now["title"], &now["kind"]), (&json!("Primary care trust"), &json!("health")));
}

async fn a_policy_is_tried_before_it_is_saved(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-117/targets/FY2009-10-Q4", json!({"value": 5})).await.is(201);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q4", json!({"value": 5.2})).await.is(201);
    let browser = Browser::of(world, Manager).await;
    let one = format!("{SET_UP}/policies/five-band");
    let opened = form(&browser, &one, "try").await;
    let page = browser.submit(&one, &opened.with("tolerance/value", "1")).await.is(200).text();
    let said = words(&page);
    assert!(
        said.contains("Tried, and nothing saved") && said.contains("NI-117 from At risk (amber) to Off track"),
        "{said}"
    );
    assert_eq!(world.get(Manager, "policies/five-band").await.is(200).json()["tolerance"]["value"], 5);
    // What was tried can be saved from there.
    let mut again = Filled::with_button(&page, "save");
    assert!(again.0.contains(&("tolerance/value".to_owned(), "1".to_owned())));
    again.0.retain(|(name, value)| name != "do" || value == "save");
    browser.submit(&one, &again).await.is(303);
    assert_eq!(world.get(Manager, "policies/five-band").await.is(200).json()["tolerance"]["value"], 1);
}

async fn people_links_webhooks_and_tokens_are_made_and_revoked(world: &World) {
    small(world).await;
    let browser = Browser::of(world, Administrator).await;
    let people = format!("{SET_UP}/people");
    let given =
        form(&browser, &people, "make").await.with("subject", "jo.lead@harrow.example").with("role", "sub_group_lead");
    assert!(words(&browser.submit(&people, &given).await.is(422).text()).contains("at least one outcome area"));
    browser.submit(&people, &given.ticked("outcome_areas", "health")).await.is(303);
    let grants = world.get(Administrator, "grants").await.is(200).json();
    let of_jo = |grants: &Value| {
        grants["items"].as_array().unwrap().iter().find(|one| one["subject"] == "jo.lead@harrow.example").cloned()
    };
    let id = of_jo(&grants).unwrap()["id"].as_str().unwrap().to_owned();
    browser.send(&people, &[("do", "remove"), ("code", &id), ("version", &id)]).await.is(303);
    assert_eq!(of_jo(&world.get(Administrator, "grants").await.json()), None);

    // A link to the report as a page: shown once, opens without a session, and withholds what it must.
    world.put(Manager, "kpis/LI-INJURIES/readings/FY2009-10-Q4", json!({"value": 3})).await.is(201);
    let links = format!("{SET_UP}/links");
    let made = form(&browser, &links, "make").await.with("name", "For the chief executive").with("table", "report");
    let page = browser.submit(&links, &made).await.is(200).text();
    let href = page.split("/v1/links/").nth(1).unwrap().split('<').next().unwrap();
    assert!(!browser.get(&links).await.is(200).text().contains(href.split('/').next().unwrap()), "shown once");
    let address = format!("/v1/links/{href}");
    let report = world.get(Nobody, &format!("{address}?period=FY2009-10-Q4")).await.is(200);
    assert_eq!(report.media_type(), "text/html");
    assert!(report.header("content-security-policy").unwrap().contains("style-src 'sha256-"), "{report}");
    let said = words(&report.text());
    assert!(said.contains("LI-INJURIES") && said.contains("Withheld") && !said.contains("NI-50"), "{said}");
    assert!(!report.text().contains("href=\"/"), "it leads nowhere: {report}");
    world.get(Administrator, "/v1/plans/small/report").await.is(404);
    let id = world.get(Administrator, "links").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let state = browser.get(&links).await.text();
    let state = state.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    browser.send(&links, &[("do", "remove"), ("code", &id), ("version", &state)]).await.is(303);
    world.get(Nobody, &address).await.is(404);

    let webhooks = format!("{SET_UP}/webhooks");
    let made = form(&browser, &webhooks, "make").await.with("url", "http://partner.example/hook");
    assert!(browser.submit(&webhooks, &made).await.is(422).text().contains("href=\"#f-url\""));
    let made = made.with("url", "https://partner.example/hook").with("events", "status.changed").with("kpis", "NI-117");
    let page = browser.submit(&webhooks, &made).await.is(200).text();
    assert!(page.contains("whsec_"), "{page}");
    let hook = world.get(Administrator, "webhooks").await.json()["items"][0].clone();
    assert_eq!(
        (&hook["events"], &hook["kpis"], &hook["active"]),
        (&json!(["status.changed"]), &json!(["NI-117"]), &json!(true))
    );
    let one = format!("{webhooks}/{}", hook["id"].as_str().unwrap());
    assert!(!browser.get(&one).await.is(200).text().contains("whsec_"));
    browser.submit(&one, &form(&browser, &one, "test").await).await.is(303);
    assert!(browser.submit(&one, &form(&browser, &one, "rotate").await).await.is(200).text().contains("whsec_"));
    let mut off = form(&browser, &one, "save").await;
    off.0.retain(|(name, _)| name != "active");
    browser.submit(&one, &off).await.is(303);
    assert_eq!(world.get(Administrator, "webhooks").await.json()["items"][0]["active"], false);

    let tokens = "/account/tokens";
    let made = form(&browser, tokens, "make").await.with("name", "Excel").with("plan", "small");
    let page = browser.submit(tokens, &made).await.is(200).text();
    let token = format!("wmk_{}", page.split("wmk_").nth(1).unwrap().split('<').next().unwrap());
    assert!(!browser.get(tokens).await.is(200).text().contains(&token), "shown once");
    let ask = || world.get(Nobody, "kpis").header("authorization", &format!("Bearer {token}"));
    ask().await.is(200);
    let page = browser.get(tokens).await.text();
    let hidden = |name: &str| {
        page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    browser.send(tokens, &[("do", "remove"), ("code", &hidden("code")), ("version", &hidden("version"))]).await.is(303);
    ask().await.is(401);
}

async fn targets_are_set_on_a_page_all_or_none(world: &World) {
    small(world).await;
    world
        .put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5, "rationale": "Agreed", "floor": 5.5}))
        .await
        .is(201);
    let browser = Browser::of(world, Manager).await;
    let here = format!("{SET_UP}/targets/NI-117");
    let opened = form(&browser, &here, "save").await;
    assert!(opened.0.contains(&("targets.0.value".to_owned(), "5".to_owned())), "{opened:?}");
    let two = opened
        .clone()
        .with("targets.1.period", "2010/11")
        .with("targets.1.value", "4.5")
        .with("targets.0.value", "4.8");
    // The second is right and the first lacks why it is changed: none is saved.
    let page = browser.submit(&here, &two).await.is(422).text();
    assert!(page.contains("href=\"#f-targets-0-reason\""), "{page}");
    world.get(Manager, "kpis/NI-117/targets/FY2010-11").await.is(404);
    browser.submit(&here, &two.with("targets.0.reason", "A new national baseline.")).await.is(303);
    let first = world.get(Manager, "kpis/NI-117/targets/FY2009-10").await.is(200).json();
    assert_eq!((&first["value"], &first["floor"], &first["rationale"]), (&json!(4.8), &json!(5.5), &json!("Agreed")));
    assert_eq!(world.get(Manager, "kpis/NI-117/targets/FY2010-11").await.is(200).json()["value"], 4.5);
    // Whoever had opened the page before that does not undo it.
    let page = browser
        .submit(&here, &opened.clone().with("targets.0.value", "6").with("targets.0.reason", "Mine"))
        .await
        .is(422)
        .text();
    assert!(words(&page).contains("Somebody changed this target after you opened the page"), "{page}");
    // And who touched nothing changes nothing.
    browser.submit(&here, &opened).await.is(303);
    assert_eq!(world.get(Manager, "kpis/NI-117/targets/FY2009-10").await.json()["value"], 4.8);
    let list = words(&browser.get(&format!("{SET_UP}/targets")).await.is(200).text());
    assert!(list.contains("NI-117 2 targets"), "{list}");
}

async fn a_table_is_pasted_or_sent_and_comes_back_marked(world: &World) {
    small(world).await;
    round(world, "FY2009-10-Q4", "2010-04-01", "2010-05-31").await;
    let browser = Browser::of(world, Lead).await;
    let here = "/plans/small/files/readings";
    let page = browser.get(here).await.is(200).text();
    let template = page.split("href=\"").find(|rest| rest.starts_with("/plans/small/readings/template")).unwrap();
    let template = template.split('"').next().unwrap().replace("&amp;", "&");
    assert_eq!(browser.get(&template).await.is(200).media_type(), XLSX);
    let wrong = "kpi\tperiod\tvalue\nNI-117\t2009/10 Q4\t4.x\nNI-999\t2009/10 Q4\t5\n";
    let page = browser.upload(here, &[("pasted", wrong), ("do", "save")], None).await.is(422).text();
    let said = words(&page);
    assert!(
        said.contains("Cell C2 : 4.x is not a number")
            && said.contains("no KPI is called NI-999")
            && said.contains("nothing was saved"),
        "{said}"
    );
    assert!(page.contains("4.x\n"), "what was pasted stays: {page}");
    // As a file, and back with each cell marked.
    let csv = wrong.replace('\t', ",");
    let marked =
        browser.upload(here, &[("pasted", ""), ("do", "mark")], Some(("figures.csv", csv.as_bytes()))).await.is(200);
    assert_eq!(marked.media_type(), XLSX);
    let book = browser.upload(here, &[("do", "check")], Some(("figures.xlsx", &marked.body))).await.is(422);
    assert!(words(&book.text()).contains("no KPI is called NI-999"), "{book}");
    // Checked, nothing is saved; saved, it is.
    let right = "kpi\tperiod\tvalue\nNI-117\t2009/10 Q4\t4.5\n";
    let said = words(&browser.upload(here, &[("pasted", right), ("do", "check")], None).await.is(200).text());
    assert!(said.contains("Checked, and nothing saved yet"), "{said}");
    world.get(Lead, "kpis/NI-117/readings/FY2009-10-Q4").await.is(404);
    let said = words(&browser.upload(here, &[("pasted", right), ("do", "save")], None).await.is(200).text());
    assert!(said.contains("Saved") && said.contains("1 status changed"), "{said}");
    assert_eq!(world.get(Lead, "kpis/NI-117/readings/FY2009-10-Q4").await.is(200).json()["value"], 4.5);
    // Neither, both, what is no table, and what comes from elsewhere.
    for (pasted, file) in [("", None), ("kpi,period\n", Some(("a.csv", &b"kpi,period\n"[..])))] {
        browser.upload(here, &[("pasted", pasted), ("do", "check")], file).await.is(422);
    }
    let old = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, 0, 0];
    assert!(
        words(&browser.upload(here, &[("do", "check")], Some(("old.xls", &old))).await.is(422).text()).contains(".xls")
    );
    // A form that comes from no page of the session.
    let other = Browser { world, cookie: browser.cookie.clone() };
    other.send_as_is(here, &[("pasted", right), ("do", "save")]).await.is(415);
    let body = "--edge\r\nContent-Disposition: form-data; name=\"pasted\"\r\n\r\nkpi,period\r\n--edge--\r\n";
    let ask = world.ask(Method::POST, Nobody, here).header("cookie", &format!("{COOKIE}={}", browser.cookie));
    let ask = ask.header("accept", "text/html").header("origin", "https://waymark.example");
    ask.body("multipart/form-data; boundary=edge", body).await.is(403);
    let board = Browser::of(world, Board).await;
    board.get(here).await.is(403);
    board.upload(here, &[("pasted", right), ("do", "save")], None).await.is(403);
    browser.get("/plans/small/files/targets").await.is(403);
    browser.get("/plans/small/files/other").await.is(404);
}

/// The smallest plan that comes with the product, packed as somebody would pack its folder.
fn packed(changed: Option<(&str, &str)>) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/smallest");
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut folders = vec![folder.clone()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
            let content = match changed {
                Some((file, content)) if file == name => content.as_bytes().to_vec(),
                _ => std::fs::read(&path).unwrap(),
            };
            zip.start_file(format!("smallest/{name}"), SimpleFileOptions::default()).unwrap();
            zip.write_all(&content).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}

async fn a_plan_is_begun_with_a_form_or_a_folder(world: &World) {
    world.now_is("2026-05-01T12:00:00Z");
    let browser = Browser::of(world, Administrator).await;
    assert!(words(&browser.get("/").await.is(200).text()).contains("Begin a new plan"));
    let begun = form(&browser, "/new-plan", "make").await.with("code", "new").with("title", "New plan");
    let page = browser.submit("/new-plan", &begun).await.is(422).text();
    assert!(page.contains("href=\"#f-starts-on\"") && page.contains("value=\"New plan\""), "{page}");
    let begun = begun.with("starts_on", "2010-04-01").with("ends_on", "2013-03-31");
    let made = browser.submit("/new-plan", &begun).await.is(303);
    assert_eq!(made.header("location"), Some("/plans/new/set-up"));
    let said = words(&browser.get("/plans/new/set-up").await.is(200).text());
    assert!(said.contains("2 of 11 steps are done") && said.contains("To do"), "{said}");
    // A folder: with a mistake, tried, and loaded.
    let folder = "/new-plan/folder";
    let broken = packed(Some(("priorities.csv", "code,title,outcome_area\nx,X,nowhere\n")));
    let said = words(
        &browser.upload(folder, &[("code", ""), ("do", "load")], Some(("plan.zip", &broken))).await.is(422).text(),
    );
    assert!(said.contains("priorities.csv") && said.contains("nothing was saved"), "{said}");
    let whole = packed(None);
    let said = words(
        &browser
            .upload(folder, &[("code", "small-one"), ("do", "try")], Some(("plan.zip", &whole)))
            .await
            .is(200)
            .text(),
    );
    assert!(said.contains("Nothing is wrong with the plan small-one"), "{said}");
    world.get(Administrator, "/v1/plans/small-one").await.is(404);
    let loaded =
        browser.upload(folder, &[("code", "small-one"), ("do", "load")], Some(("plan.zip", &whole))).await.is(303);
    assert_eq!(loaded.header("location"), Some("/plans/small-one/set-up"));
    browser.get("/plans/small-one/set-up").await.is(200);
    for (code, file) in
        [("", None), ("Not A Code", Some(("plan.zip", &whole[..]))), ("x", Some(("plan.zip", &b"no archive"[..])))]
    {
        browser.upload(folder, &[("code", code), ("do", "load")], file).await.is(422);
    }
    let manager = Browser::of(world, Manager).await;
    manager.submit("/new-plan", &form(&manager, "/new-plan", "make").await.with("code", "other")).await.is(422);
    manager.upload(folder, &[("code", "other"), ("do", "load")], Some(("plan.zip", &whole))).await.is(422);
    world.get(Administrator, "/v1/plans/other").await.is(404);
}

async fn what_is_done_is_taken_on_and_noted_on_pages(world: &World) {
    small(world).await;
    let browser = Browser::of(world, Lead).await;
    let here = "/plans/small/actions";
    let page = browser.get(&format!("{here}?kpi=NI-117&period=FY2009-10-Q4")).await.is(200).text();
    let asked = Filled::with_button(&page, "make").with("what", "Visit both colleges.");
    let page = browser.submit(here, &asked).await.is(422).text();
    assert!(page.contains("Visit both colleges.") && page.contains("href=\"#f-due\""), "{page}");
    let asked = asked
        .with("cause/code", "capacity")
        .with("cause/text", "Two posts are vacant.")
        .with("owner/role", "Head of service");
    let asked = asked.with("owner/organisation", "connexions").with("due", "2010-09-30");
    browser.submit(here, &asked).await.is(303);
    let action = world.get(Lead, "actions").await.is(200).json()["items"][0].clone();
    assert_eq!(
        (&action["kpi"], &action["period"], &action["state"]),
        (&json!("NI-117"), &json!("FY2009-10-Q4"), &json!("open"))
    );
    let one = format!("{here}/{}", action["id"].as_str().unwrap());
    // The Board notes and does not change; a blank note is refused where it is typed.
    let board = Browser::of(world, Board).await;
    assert!(board.submit(&one, &form(&board, &one, "note").await).await.is(422).text().contains("id=\"note-e\""));
    board.submit(&one, &form(&board, &one, "note").await.with("note", "Report in July.")).await.is(303);
    assert!(words(&browser.get(&one).await.is(200).text()).contains("Report in July."));
    assert!(!board.get(&one).await.is(200).text().contains("value=\"save\""));
    browser
        .submit(&one, &form(&browser, &one, "save").await.with("state", "done").with("reason", "Both were visited."))
        .await
        .is(303);
    let now = world.get(Lead, &format!("actions/{}", action["id"].as_str().unwrap())).await.is(200).json();
    assert_eq!((&now["state"], &now["notes"][0]["text"]), (&json!("done"), &json!("Report in July.")));
    // The KPI's page leads there and on.
    let page = browser.get("/plans/small/kpis/NI-117").await.is(200).text();
    assert!(page.contains(&one) && page.contains("/plans/small/actions?kpi=NI-117"), "{page}");
}

async fn the_pages_are_for_those_who_look_after_the_plan(world: &World) {
    small(world).await;
    let pages = [
        "",
        "/plan",
        "/organisations",
        "/kpis",
        "/kpis/NI-117",
        "/people",
        "/links",
        "/webhooks",
        "/rounds",
        "/policies/rag",
        "/targets",
        "/targets/NI-117",
    ];
    for actor in [Lead, Contributor, Board, Partner, Public] {
        let browser = Browser::of(world, actor).await;
        for page in pages {
            let answer = browser.get(&format!("{SET_UP}{page}")).await;
            assert!(matches!(answer.status, 403 | 404), "{actor:?}: {answer}");
        }
        for (path, fields) in [
            ("/organisations", &[("do", "make"), ("code", "intruder"), ("title", "Intruder")][..]),
            ("/organisations/pct", &[("do", "save"), ("title", "Intruder"), ("version", "1")]),
            ("/plan", &[("do", "save"), ("title", "Intruder"), ("version", "1")]),
            ("/people", &[("do", "make"), ("subject", "intruder"), ("role", "board")]),
            ("/targets/NI-117", &[("do", "save"), ("targets.0.period", "2009/10"), ("targets.0.value", "1")]),
        ] {
            let answer = browser.send(&format!("{SET_UP}{path}"), fields).await;
            assert!(matches!(answer.status, 403 | 404), "{actor:?}: {answer}");
        }
        assert!(!browser.get("/plans/small").await.is(200).text().contains("/plans/small/set-up"), "{actor:?}");
    }
    // A manager sets up everything but who has which role.
    let manager = Browser::of(world, Manager).await;
    for page in pages {
        manager.get(&format!("{SET_UP}{page}")).await.is(if page == "/people" { 403 } else { 200 });
    }
    manager
        .send(&format!("{SET_UP}/people"), &[("do", "make"), ("subject", "intruder"), ("role", "board")])
        .await
        .is(403);
    // Nobody's page is another plan's.
    let stranger = Browser::of(world, Actor::Stranger).await;
    for page in pages {
        stranger.get(&format!("{SET_UP}{page}")).await.is(404);
    }
    // Whoever signed in with a token that reads sees the pages, without their forms.
    let made = world.post(Manager, "/v1/tokens", json!({"name": "reads"})).await.is(201).json();
    let answer = crate::support::browser::sign_in(world, &[("token", made["token"].as_str().unwrap())]).await.is(303);
    let reader = Browser { world, cookie: crate::support::browser::cookie_of(&answer) };
    assert!(!reader.get(&format!("{SET_UP}/organisations")).await.is(200).text().contains("value=\"make\""));
    reader
        .send(&format!("{SET_UP}/organisations"), &[("do", "make"), ("code", "intruder"), ("title", "I")])
        .await
        .is(403);
    world.get(Administrator, "organisations/intruder").await.is(404);
}
