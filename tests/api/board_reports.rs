//! Board reports: frozen to the byte, never changed, told apart, and read by those whose they are.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::actions::{action, opened};
use crate::on_both;
use crate::support::plan::{kpi, small};
use crate::support::{Actor, Answer, World};

use Actor::{Administrator, Board, Contributor, Lead, Manager, Partner, Public, Stranger};

on_both! {
    a_report_is_frozen_to_the_byte
    a_report_holds_what_there_was_to_say
    nothing_that_happens_later_changes_a_report
    everything_wrong_with_a_freezing_is_told_at_once
    what_moved_between_two_reports_is_told
    nothing_moved_between_two_reports_of_one_moment
    a_target_changed_and_changed_back_is_none
    only_an_earlier_report_of_the_same_organisation_compares
    an_organisation_s_report_holds_its_contribution_only
    a_partner_reads_its_own_report_while_it_may_see_all_of_it
    a_report_with_a_gap_is_as_closed_as_its_sides
    the_board_freezes_and_members_read
    a_report_takes_no_change
    the_list_of_the_past_is_as_it_was
    an_organisation_with_a_report_stays
}

/// Freezes a report and gives its id.
pub(crate) async fn frozen(world: &World, changes: Value) -> String {
    let mut wanted = json!({"title": "The Board's meeting"});
    wanted.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let answer = world.post(Administrator, "board-reports", wanted).await.is(201);
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn read(world: &World, actor: Actor, id: &str) -> Answer {
    world.get(actor, &format!("board-reports/{id}")).await
}

/// The ids in the list, as an actor sees it.
async fn listed(world: &World, actor: Actor, query: &str) -> Vec<String> {
    let list = world.get(actor, &format!("board-reports{query}")).await.is(200).json();
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

async fn moved(world: &World, from: &str, to: &str) -> Value {
    world.get(Board, &format!("board-reports/{to}/changes?since={from}")).await.is(200).json()
}

/// What a member of every item says.
fn all(list: &Value, member: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

/// The small plan after the first quarter, with the round that gathers it still open and three figures in.
async fn summer(world: &World) {
    world.now_is("2009-07-10T09:00:00Z");
    small(world).await;
    let round = json!({"period": "FY2009-10-Q1", "opens": "2009-07-01", "due": "2009-07-24", "closes": "2009-08-14"});
    world.post(Manager, "rounds", round).await.is(201);
    for (kpi, value) in [("NI-117", 5), ("LI-ASTHMA", 40), ("LI-CALLS", 120)] {
        world.put(Manager, &format!("kpis/{kpi}/targets/FY2009-10"), json!({"value": value})).await.is(201);
    }
    let said = json!({"value": 4.5, "commentary": "Two colleges late."});
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", said).await.is(201);
    world.put(Manager, "kpis/LI-CALLS/readings/2009-06", json!({"value": 30})).await.is(201);
    world.now_is("2009-08-03T09:00:00Z");
}

async fn a_report_is_frozen_to_the_byte(world: &World) {
    summer(world).await;
    let version = world.version().await;
    let answer = world.post(Board, "board-reports", json!({"title": "August"})).await.is(201);
    let report = answer.json();
    let id = report["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), Some(format!("/v1/plans/small/board-reports/{id}").as_str()));
    assert_eq!(
        [&report["title"], &report["period"], &report["organisation"], &report["frozen_at"], &report["frozen_by"]],
        [&json!("August"), &json!("FY2009-10-Q1"), &Value::Null, &json!("2009-08-03T09:00:00Z"), &json!(Board.name())]
    );
    assert_eq!(report["version"], version);
    assert_eq!(report["kpis"].as_array().unwrap().len(), 7);
    let content = read(world, Board, id).await.is(200);
    let digest = Sha256::digest(&content.body);
    let hex = digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert_eq!(report["sha256"], hex);
    assert_eq!(content.tag(), format!("\"{hex}\""));
    assert_eq!(answer.tag(), content.tag());
    let wanted = format!("sha-256=:{}:", STANDARD.encode(digest));
    assert_eq!(content.header("repr-digest"), Some(wanted.as_str()));
    for member in ["id", "title", "period", "organisation", "frozen_at", "frozen_by", "version"] {
        assert_eq!(content.json()[member], report[member], "{member}");
    }
    assert!(content.text().starts_with(&format!("{{\"id\":\"{id}\",\"title\":\"August\",")), "{content}");
    let path = format!("board-reports/{id}");
    world.get(Board, &path).header("if-none-match", &content.tag()).await.is(304);
    assert_eq!(world.get(Board, "board-reports").await.is(200).json()["items"], json!([report]));
    let changes = world.get(Board, "changes?after=0&limit=1000").await.is(200).json();
    let last = changes["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["action"], &last["key"]), (&json!("board_report.frozen"), &json!(id)));
}

async fn a_report_holds_what_there_was_to_say(world: &World) {
    summer(world).await;
    let open = action("NI-117", json!({"due": "2009-09-01", "what": "Open"}));
    world.post(Lead, "actions", open).await.is(201);
    let dated = json!({"due": "2009-09-01", "what": "Done"});
    let done = opened(world, Lead, "LI-ASTHMA", dated).await;
    world.patch(Lead, &done, "*", json!({"state": "done"})).await.is(200);
    let report = world.get(Board, "status-report").await.is(200).json();
    let exceptions = world.get(Board, "exceptions").await.is(200).json();
    let actions = world.get(Board, "actions").await.is(200).json();
    let content = read(world, Board, &frozen(world, json!({})).await).await.is(200).json();
    // The moment apart, which a read rounds to the plan's last change.
    let timeless = |report: &Value| {
        let mut report = report.clone();
        report.as_object_mut().unwrap().remove("as_of").unwrap();
        report
    };
    assert_eq!(timeless(&content["status_report"]), timeless(&report));
    assert_eq!(timeless(&content["exceptions"]), timeless(&exceptions));
    assert_eq!(content["actions"], actions["items"]);
    assert_eq!(content["commentary"].as_array().unwrap().len(), 1);
    let said = &content["commentary"][0];
    assert_eq!(
        (&said["kpi"], &said["period"]["key"], &said["commentary"]),
        (&json!("NI-117"), &json!("FY2009-10-Q1"), &json!("Two colleges late."))
    );
    let policies = &content["policies"];
    assert_eq!(all(policies, "code"), ["five-band", "rag"], "those that grade");
    assert_eq!((&policies[0]["version"], policies[0]["bands"].is_array()), (&json!(1), true));
    let asthma = content["kpis"].as_array().unwrap().iter().find(|kpi| kpi["code"] == "LI-ASTHMA").unwrap();
    assert_eq!(
        (&asthma["code"], &asthma["revision"], &asthma["definition_version"], &asthma["polarity"]),
        (&json!("LI-ASTHMA"), &json!(1), &json!(1), &json!("lower_is_better"))
    );
    // What was done with before the quarter before is no more in a report.
    world.now_is("2010-07-01T09:00:00Z");
    let later = |period: &str| frozen(world, json!({"period": period}));
    // Both were opened at one instant, and come in either order.
    let whats = |answer: Answer| {
        let mut whats = all(&answer.json()["actions"], "what");
        whats.sort();
        whats
    };
    assert_eq!(whats(read(world, Board, &later("FY2009-10-Q3").await).await), ["Done", "Open"]);
    assert_eq!(whats(read(world, Board, &later("FY2009-10-Q4").await).await), ["Open"]);
}

async fn nothing_that_happens_later_changes_a_report(world: &World) {
    summer(world).await;
    let id = frozen(world, json!({})).await;
    let before = read(world, Board, &id).await.is(200);
    let listed_before = world.get(Board, "board-reports").await.is(200).json();
    world.now_is("2009-09-03T09:00:00Z");
    let figure = json!({"value": 9, "reason": "Wrong.", "commentary": "Other words."});
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", figure).await.is(200);
    let target = json!({"value": 3, "reason": "Harder."});
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", target).header("if-match", "*").await.is(200);
    for (path, title) in [("kpis/NI-117", "Other"), ("policies/five-band", "Other"), ("outcome-areas/health", "Other")]
    {
        world.patch(Manager, path, "*", json!({"title": title})).await.is(200);
    }
    opened(world, Lead, "NI-117", json!({"due": "2009-10-01"})).await;
    world.delete(Manager, "kpis/LI-CALLS", "*").await.is(204);
    let after = read(world, Board, &id).await.is(200);
    assert_eq!((after.text(), after.tag()), (before.text(), before.tag()));
    assert_eq!(world.get(Board, "board-reports").await.is(200).json(), listed_before);
}

async fn everything_wrong_with_a_freezing_is_told_at_once(world: &World) {
    world.now_is("2009-04-02T09:00:00Z");
    small(world).await;
    let fault = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    let wrong = json!({"title": " ", "organisation": "nobody"});
    let refused = world.post(Board, "board-reports", wrong).await.refused(422, "invalid");
    assert_eq!(refused.faults(), [fault("/title", "too_short"), fault("/organisation", "unknown_code")]);
    let wrong = json!({"period": "soon", "note": 1});
    let refused = world.post(Board, "board-reports", wrong).await.refused(422, "invalid");
    assert_eq!(
        refused.faults(),
        [fault("/title", "missing"), fault("/period", "wrong_shape"), fault("/note", "unknown_member")]
    );
    // Before a quarter of the plan has ended, the one before it has.
    let early = json!({"title": "Early", "period": null, "organisation": null});
    let answer = world.post(Board, "board-reports", early).await;
    assert_eq!(answer.is(201).json()["period"], "FY2008-09-Q4");
}

async fn what_moved_between_two_reports_is_told(world: &World) {
    summer(world).await;
    let first = frozen(world, json!({})).await;
    world.now_is("2009-08-20T09:00:00Z");
    let reading =
        |kpi: &str, period: &str, body: Value| world.put(Manager, &format!("kpis/{kpi}/readings/{period}"), body);
    reading("NI-117", "FY2009-10-Q1", json!({"value": 5.3, "reason": "Late returns."})).await.is(200);
    reading("NI-117", "FY2009-10-Q1", json!({"value": 5.2, "reason": "Later ones."})).await.is(200);
    reading("LI-ASTHMA", "FY2009-10-Q1", json!({"value": 9})).await.is(201);
    reading("LI-CALLS", "2009-06", json!({"nil_return": "The line was closed.", "reason": "Closed."})).await.is(200);
    let target = json!({"value": 5.1, "reason": "Agreed in mid-year."});
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", target).header("if-match", "*").await.is(200);
    world.put(Manager, "kpis/NI-50/targets/FY2009-10", json!({"value": 60})).await.is(201);
    world.delete(Manager, "kpis/LI-INJURIES", "*").await.is(204);
    world.post(Manager, "kpis", kpi("LI-NEW", json!({}))).await.is(201);
    world.patch(Manager, "policies/five-band", "*", json!({"title": "Five"})).await.is(200);
    let second = frozen(world, json!({"title": "The next"})).await;
    // What is written afterwards is of no report.
    reading("NI-117", "FY2009-10-Q1", json!({"value": 8, "reason": "Too late."})).await.is(200);
    world.put(Manager, "kpis/NI-117/targets/FY2010-11", json!({"value": 4})).await.is(201);
    let told = moved(world, &first, &second).await;
    assert_eq!(
        (&told["plan"], &told["from"]["id"], &told["to"]["title"]),
        (&json!("small"), &json!(first), &json!("The next"))
    );
    let crossed = &told["crossed"];
    assert_eq!(all(crossed, "kpi"), ["NI-117"]);
    assert_eq!(crossed[0]["direction"], "worse");
    let standing = |side: &str| {
        let standing = &crossed[0][side];
        [&standing["period"]["key"], &standing["status"], &standing["reported_text"]].map(Value::clone)
    };
    assert_eq!(standing("from"), ["FY2009-10-Q1", "on_track", "4.5 %"]);
    assert_eq!(standing("to"), ["FY2009-10-Q1", "at_risk", "5.2 %"]);
    assert_eq!((&crossed[0]["from"]["band"], &crossed[0]["to"]["band"]), (&json!("high_green"), &json!("amber")));
    assert_eq!(all(&told["newly_assessed"], "kpi"), ["LI-ASTHMA"]);
    assert_eq!(all(&told["no_longer_assessed"], "kpi"), ["LI-CALLS"]);
    assert_eq!(told["newly_assessed"][0]["to"]["status"], "on_track");
    let restated: Vec<_> = told["restated"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            [&one["kpi"], &one["period"]["key"], &one["group"], &one["before"], &one["after"], &one["reason"]]
                .map(Value::clone)
        })
        .collect();
    assert_eq!(
        restated,
        [
            [json!("NI-117"), json!("FY2009-10-Q1"), json!("all"), json!(4.5), json!(5.3), json!("Late returns.")],
            [json!("NI-117"), json!("FY2009-10-Q1"), json!("all"), json!(5.3), json!(5.2), json!("Later ones.")],
            [json!("LI-CALLS"), json!("2009-06"), json!("all"), json!(30), Value::Null, json!("Closed.")],
        ]
    );
    assert_eq!(told["restated"][0]["at"], "2009-08-20T09:00:00Z");
    assert_eq!(all(&told["newly_overdue"], "kpi"), ["LI-NEW"]);
    assert_eq!(told["newly_overdue"][0]["period"]["key"], "FY2009-10-Q1");
    let late = &told["arrived_late"];
    assert_eq!(all(late, "kpi"), ["LI-ASTHMA"]);
    assert_eq!(
        (&late[0]["recorded_at"], &late[0]["due_at"]),
        (&json!("2009-08-20T09:00:00Z"), &json!("2009-07-24T22:59:59Z"))
    );
    assert_eq!(
        (all(&told["new_kpis"], "kpi"), all(&told["withdrawn_kpis"], "kpi")),
        (vec!["LI-NEW".into()], vec!["LI-INJURIES".into()])
    );
    let targets = &told["targets_changed"];
    assert_eq!(all(targets, "kpi"), ["NI-117", "NI-50"]);
    assert_eq!(
        (&targets[0]["before"]["value"], &targets[0]["after"]["value"], &targets[0]["reason"]),
        (&json!(5), &json!(5.1), &json!("Agreed in mid-year."))
    );
    assert_eq!((&targets[1]["before"], &targets[1]["after"]["value"]), (&Value::Null, &json!(60)));
    assert_eq!(told["policies_changed"], json!([{"code": "five-band", "from_version": 1, "to_version": 2}]));
    // Nothing that happens later changes the difference either.
    world.now_is("2010-03-01T09:00:00Z");
    assert_eq!(moved(world, &first, &second).await, told);
}

async fn nothing_moved_between_two_reports_of_one_moment(world: &World) {
    summer(world).await;
    let (first, second) = (frozen(world, json!({})).await, frozen(world, json!({})).await);
    for (member, list) in moved(world, &first, &second).await.as_object().unwrap() {
        assert!(["plan", "from", "to"].contains(&member.as_str()) || list == &json!([]), "{member}: {list}");
    }
}

async fn a_target_changed_and_changed_back_is_none(world: &World) {
    summer(world).await;
    let first = frozen(world, json!({})).await;
    world.now_is("2009-08-04T09:00:00Z");
    for (value, reason) in [(4, "Harder."), (5, "Not so.")] {
        let target = json!({"value": value, "reason": reason});
        world.put(Manager, "kpis/NI-117/targets/FY2009-10", target).header("if-match", "*").await.is(200);
    }
    world.delete(Manager, "kpis/LI-ASTHMA/targets/FY2009-10", "*").await.is(204);
    let told = moved(world, &first, &frozen(world, json!({})).await).await;
    let targets = &told["targets_changed"];
    assert_eq!(all(targets, "kpi"), ["LI-ASTHMA"]);
    assert_eq!((&targets[0]["before"]["value"], &targets[0]["after"]), (&json!(40), &Value::Null));
}

async fn only_an_earlier_report_of_the_same_organisation_compares(world: &World) {
    summer(world).await;
    let first = frozen(world, json!({})).await;
    world.now_is("2009-08-04T09:00:00Z");
    let own = frozen(world, json!({"organisation": "pct"})).await;
    world.now_is("2009-08-05T09:00:00Z");
    let last = frozen(world, json!({})).await;
    let ask = |to: &str, query: &str| world.get(Board, &format!("board-reports/{to}/changes{query}"));
    let fault = |code: &str| ("since".to_owned(), code.to_owned());
    for (to, since, code) in [
        (&first, last.as_str(), "not_earlier"),
        (&last, last.as_str(), "not_earlier"),
        (&last, own.as_str(), "other_organisation"),
        (&own, first.as_str(), "other_organisation"),
        (&last, "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11", "unknown_code"),
    ] {
        let refused = ask(to, &format!("?since={since}")).await.refused(422, "invalid");
        assert_eq!(refused.faults(), [fault(code)]);
    }
    ask(&last, "").await.refused(400, "invalid_parameter");
    ask(&last, "?since=yesterday").await.refused(400, "invalid_parameter");
    ask("0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11", &format!("?since={first}")).await.refused(404, "not_found");
    // As of the day before the later one was frozen there was none.
    ask(&last, &format!("?since={first}&as_of=2009-08-04T12:00:00Z")).await.refused(404, "not_found");
    ask(&last, &format!("?since={first}")).await.is(200);
}

async fn an_organisation_s_report_holds_its_contribution_only(world: &World) {
    summer(world).await;
    let mine = json!({"value": 9, "commentary": "Fewer admissions."});
    world.put(Lead, "kpis/LI-ASTHMA/readings/FY2009-10-Q1", mine).await.is(201);
    opened(world, Lead, "LI-ASTHMA", json!({"due": "2009-09-01"})).await;
    opened(world, Lead, "NI-117", json!({"due": "2009-09-01"})).await;
    let id = frozen(world, json!({"organisation": "pct"})).await;
    let content = read(world, Board, &id).await.is(200).json();
    assert_eq!(content["organisation"], "pct");
    assert_eq!(all(&content["kpis"], "code"), ["LI-ASTHMA", "NI-50"], "it leads on these");
    assert_eq!(all(&content["actions"], "kpi"), ["LI-ASTHMA"]);
    assert_eq!(all(&content["commentary"], "kpi"), ["LI-ASTHMA"]);
    assert_eq!(all(&content["policies"], "code"), ["rag"]);
    assert!(!content.to_string().contains("NI-117"), "nothing of another's");
    // Its own board reads it, and is not told who did what.
    assert_eq!(content["frozen_by"], Value::Null);
    assert!(![Lead, Board].iter().any(|actor| content.to_string().contains(actor.name())), "{content}");
    // The council contributes to NI-117.
    let council = read(world, Board, &frozen(world, json!({"organisation": "council"})).await).await.is(200).json();
    assert_eq!(all(&council["kpis"], "code"), ["NI-117", "LI-CALLS", "LI-INJURIES", "NI-87"]);
}

async fn a_partner_reads_its_own_report_while_it_may_see_all_of_it(world: &World) {
    summer(world).await;
    let whole = frozen(world, json!({})).await;
    let council = frozen(world, json!({"organisation": "council"})).await;
    let own = frozen(world, json!({"organisation": "pct"})).await;
    world.now_is("2009-08-04T09:00:00Z");
    let next = frozen(world, json!({"organisation": "pct"})).await;
    assert_eq!(listed(world, Partner, "").await, [own.clone(), next.clone()]);
    for other in [&whole, &council] {
        read(world, Partner, other).await.refused(404, "not_found");
        let ask = world.get(Partner, &format!("board-reports/{next}/changes?since={other}")).await;
        assert_eq!(ask.refused(422, "invalid").faults(), [("since".to_owned(), "unknown_code".to_owned())]);
    }
    let seen = read(world, Partner, &own).await.is(200).text();
    assert_eq!(seen, read(world, Board, &own).await.is(200).text(), "nothing is altered for a reader");
    let changes = format!("board-reports/{next}/changes?since={own}");
    world.get(Partner, &changes).await.is(200);
    // It is no more the PCT's, and small numbers of it are not for the PCT.
    world.now_is("2009-08-05T09:00:00Z");
    let council = json!({"lead_organisation": "council", "publication": "partners"});
    world.patch(Manager, "kpis/LI-ASTHMA", "*", council).await.is(200);
    let never: Vec<String> = Vec::new();
    for query in ["", "?as_of=2009-08-04T12:00:00Z"] {
        assert_eq!(listed(world, Partner, query).await, never, "{query}");
    }
    read(world, Partner, &own).await.refused(404, "not_found");
    world.get(Partner, &changes).await.refused(404, "not_found");
    read(world, Board, &own).await.is(200);
}

async fn a_report_with_a_gap_is_as_closed_as_its_sides(world: &World) {
    summer(world).await;
    let gap = |of: &str| {
        json!({
            "unit": "percentage_points", "lead_organisation": "police",
            "formula": {"kind": "gap", "of": of, "group": "looked-after", "comparator": "all"}
        })
    };
    let grant = json!({"role": "partner", "organisation": "police", "subject": Stranger.name()});
    world.post(Administrator, "grants", grant).await.is(201);
    world.post(Manager, "kpis", kpi("LI-GAP", gap("NI-117"))).await.is(201);
    let id = frozen(world, json!({"organisation": "police"})).await;
    read(world, Stranger, &id).await.is(200);
    world.post(Manager, "kpis", kpi("LI-SMALL", gap("LI-INJURIES"))).await.is(201);
    let id = frozen(world, json!({"organisation": "police"})).await;
    read(world, Stranger, &id).await.refused(404, "not_found");
}

async fn the_board_freezes_and_members_read(world: &World) {
    summer(world).await;
    for (actor, may) in [
        (Administrator, true),
        (Manager, true),
        (Board, true),
        (Lead, false),
        (Contributor, false),
        (Partner, false),
        (Public, false),
    ] {
        let answer = world.post(actor, "board-reports", json!({"title": actor.name()})).await;
        if may { drop(answer.is(201)) } else { drop(answer.refused(403, "not_allowed")) }
    }
    world.post(Stranger, "board-reports", json!({"title": "Mine"})).await.refused(404, "not_found");
    let id = frozen(world, json!({})).await;
    for actor in [Administrator, Manager, Lead, Contributor, Board] {
        read(world, actor, &id).await.is(200);
        assert_eq!(listed(world, actor, "").await.len(), 4, "{actor:?}");
    }
    for actor in [Partner, Public, Stranger] {
        read(world, actor, &id).await.refused(404, "not_found");
    }
    for actor in [Partner, Public] {
        assert_eq!(listed(world, actor, "").await.len(), 0, "{actor:?}");
    }
}

async fn a_report_takes_no_change(world: &World) {
    summer(world).await;
    let path = format!("board-reports/{}", frozen(world, json!({})).await);
    world.patch(Administrator, &path, "*", json!({"title": "Other"})).await.refused(405, "method_not_allowed");
    world.put(Administrator, &path, json!({"title": "Other"})).await.refused(405, "method_not_allowed");
    let answer = world.delete(Administrator, &path, "*").await.refused(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
}

async fn the_list_of_the_past_is_as_it_was(world: &World) {
    summer(world).await;
    let first = frozen(world, json!({})).await;
    let then = world.get(Board, "board-reports").await.is(200).json();
    world.now_is("2009-11-03T09:00:00Z");
    let second = frozen(world, json!({})).await;
    assert_eq!(listed(world, Board, "").await, [first.clone(), second.clone()], "the oldest first");
    assert_eq!(world.get(Board, "board-reports?as_of=2009-09-01T00:00:00Z").await.is(200).json(), then);
    assert_eq!(listed(world, Board, "?as_of=2009-07-20T00:00:00Z").await.len(), 0);
    assert_eq!(listed(world, Board, "?limit=1").await, [first]);
    let path = format!("board-reports/{second}?as_of=2009-09-01T00:00:00Z");
    world.get(Board, &path).await.refused(404, "not_found");
    assert_eq!(
        read(world, Board, &second).await.is(200).json()["period"],
        "FY2009-10-Q1",
        "the latest that has figures"
    );
}

async fn an_organisation_with_a_report_stays(world: &World) {
    small(world).await;
    let organisation = json!({"code": "going", "title": "Going"});
    world.post(Administrator, "organisations", organisation).await.is(201);
    frozen(world, json!({"organisation": "going"})).await;
    let refused = world.delete(Administrator, "organisations/going", "*").await.refused(409, "conflict");
    assert!(refused.text().contains("board report"), "{refused}");
}
