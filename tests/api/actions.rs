//! Corrective actions: who opens them, how they go, when they are overdue, and who is told of them.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::{kpi, small};
use crate::support::{Actor, Answer, World};

use Actor::{Administrator, Board, Contributor, Lead, Manager, Partner, Public, Stranger};

on_both! {
    an_action_is_opened_noted_and_done
    everything_wrong_with_an_action_is_told_at_once
    an_action_may_be_dropped_with_a_reason_and_taken_up_again
    an_action_is_overdue_the_day_after_it_was_due
    those_who_report_a_kpi_act_on_it_and_the_board_adds_notes
    a_partner_reads_what_is_done_about_its_own_kpis_without_names
    actions_can_be_found_by_what_they_are_about
    the_past_is_answered_as_it_was
    what_an_action_refers_to_stays
}

/// An action that the PCT sees to within the month, with some members changed.
pub(crate) fn action(kpi: &str, changes: Value) -> Value {
    let mut action = json!({
        "kpi": kpi, "cause": {"code": "capacity", "text": "Two of five posts were vacant."},
        "what": "Book at two more children's centres.",
        "owner": {"role": "Head of Community Nursing", "organisation": "pct"}, "due": "2010-06-11"
    });
    action.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    action
}

/// Opens an action and gives its path in the plan.
pub(crate) async fn opened(world: &World, actor: Actor, kpi: &str, changes: Value) -> String {
    let answer = world.post(actor, "actions", action(kpi, changes)).await.is(201);
    format!("actions/{}", answer.json()["id"].as_str().unwrap())
}

fn whats(answer: &Answer) -> Vec<String> {
    let items = answer.json()["items"].as_array().unwrap().clone();
    items.iter().map(|item| item["what"].as_str().unwrap().to_owned()).collect()
}

async fn an_action_is_opened_noted_and_done(world: &World) {
    small(world).await;
    let sent = action("NI-117", json!({"period": "FY2009-10-Q4"}));
    let made = world.post(Lead, "actions", sent.clone()).await.is(201);
    let path = made.header("location").unwrap().to_owned();
    let found = world.get(Board, &path).await.is(200);
    assert_eq!((found.json(), found.tag()), (made.json(), made.tag()));
    for (member, value) in sent.as_object().unwrap() {
        assert_eq!(&found.json()[member], value, "{member}");
    }
    for (member, value) in [
        ("state", json!("open")),
        ("reason", Value::Null),
        ("opened_by", json!(Lead.name())),
        ("closed_at", Value::Null),
        ("overdue", json!(false)),
        ("notes", json!([])),
    ] {
        assert_eq!(found.json()[member], value, "{member}");
    }
    world.now_is("2010-05-20T09:00:00Z");
    let place = format!("{path}/notes");
    let first = world.post(Contributor, &place, json!({"text": "The first centre began."})).await.is(201);
    assert_eq!(first.header("location"), Some(path.as_str()));
    world.post(Board, &place, json!({"text": "When will the second?"})).await.is(201);
    world.post(Board, &place, json!({"text": ""})).await.refused(422, "invalid");
    world.post(Board, &place, json!({"words": "x"})).await.refused(422, "invalid");
    let noted = world.get(Board, &path).await.is(200);
    let told: Vec<_> = noted.json()["notes"].as_array().unwrap().iter().map(|note| note["by"].clone()).collect();
    assert_eq!(told, [Contributor.name(), Board.name()]);
    assert_eq!(noted.json()["notes"][0]["at"], "2010-05-20T09:00:00Z");
    let done = json!({"state": "done", "reason": "Both centres book."});
    world.patch(Lead, &path, &first.tag(), done.clone()).await.refused(412, "precondition_failed");
    let closed = world.patch(Lead, &path, &noted.tag(), done.clone()).await.is(200);
    assert_eq!(closed.json()["closed_at"], "2010-05-20T09:00:00Z");
    let again = world.patch(Lead, &path, &closed.tag(), done).await.is(200);
    assert_eq!(again.tag(), closed.tag(), "a patch that changes nothing keeps the state");
    let changes = world.get(Board, "changes?limit=1000").await.is(200).json();
    let words: Vec<_> = changes["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["kind"] == "action")
        .map(|change| change["action"].as_str().unwrap())
        .collect();
    assert_eq!(words, ["action.opened", "action.noted", "action.noted", "action.done"]);
}

async fn everything_wrong_with_an_action_is_told_at_once(world: &World) {
    small(world).await;
    let wrong = json!({
        "period": "2010-05", "what": "", "due": "2010-05-13", "state": "dropped",
        "owner": {"role": "Head", "organisation": "ptc"}
    });
    let mut faults = world.post(Lead, "actions", action("NI-117", wrong)).await.refused(422, "invalid").faults();
    faults.sort();
    let faults: Vec<_> = faults.iter().map(|(place, code)| (place.as_str(), code.as_str())).collect();
    assert_eq!(faults[0], ("/due", "due_has_passed"));
    assert_eq!(faults[1], ("/owner/organisation", "unknown_code"));
    assert_eq!(faults[2], ("/period", "wrong_kind_of_period"));
    assert_eq!(faults[3], ("/reason", "reason_needed"));
    assert_eq!(faults[4], ("/state", "begins_open"));
    assert_eq!((faults[5].0, faults.len()), ("/what", 6));
    let unknown = world.post(Lead, "actions", action("NI-171", json!({}))).await.refused(422, "invalid");
    assert_eq!(unknown.faults(), [("/kpi".to_owned(), "unknown_code".to_owned())]);
    unknown.tells("did you mean `NI-117`?");
    world.post(Lead, "actions", json!({"kpi": "NI-117"})).await.refused(422, "invalid");
    // Due today is in time, whatever the hour.
    world.now_is("2010-05-14T22:59:59Z");
    let path = opened(world, Lead, "NI-117", json!({"due": "2010-05-14"})).await;
    let moved = world.patch(Lead, &path, "*", json!({"kpi": "NI-50", "due": "2010-05-01"})).await;
    let wanted = [("/kpi", "kpi_is_fixed"), ("/due", "due_has_passed")];
    assert_eq!(moved.refused(422, "invalid").faults(), wanted.map(|(at, code)| (at.to_owned(), code.to_owned())));
    world.patch(Lead, &path, "*", json!({"cause": {"code": "weather"}})).await.refused(422, "invalid");
    world.patch(Lead, &path, "*", json!({"owner": {"organisation": "nobody"}})).await.refused(422, "invalid");
    world.delete(Administrator, "kpis/LI-CALLS", "*").await.is(204);
    let archived = world.post(Manager, "actions", action("LI-CALLS", json!({}))).await.refused(422, "invalid");
    assert_eq!(archived.faults(), [("/kpi".to_owned(), "archived".to_owned())]);
}

async fn an_action_may_be_dropped_with_a_reason_and_taken_up_again(world: &World) {
    small(world).await;
    let path = opened(world, Lead, "NI-117", json!({})).await;
    let silent = world.patch(Lead, &path, "*", json!({"state": "dropped"})).await.refused(422, "invalid");
    assert_eq!(silent.faults(), [("/reason".to_owned(), "reason_needed".to_owned())]);
    let dropped = json!({"state": "dropped", "reason": "No money."});
    let dropped = world.patch(Lead, &path, "*", dropped).await.is(200).json();
    assert_eq!((&dropped["state"], &dropped["closed_at"]), (&json!("dropped"), &json!("2010-05-14T12:00:00Z")));
    let open = world.patch(Lead, &path, "*", json!({"state": "open"})).await.is(200).json();
    assert_eq!(
        (&open["state"], &open["closed_at"], &open["reason"]),
        (&json!("open"), &Value::Null, &Value::Null),
        "what was said on dropping it is not said of an open one"
    );
}

async fn an_action_is_overdue_the_day_after_it_was_due(world: &World) {
    small(world).await;
    let path = opened(world, Lead, "NI-117", json!({"due": "2010-06-11"})).await;
    let overdue = async |query: &str| whats(&world.get(Board, &format!("actions?overdue={query}")).await.is(200)).len();
    world.now_is("2010-06-11T22:59:59Z");
    let before = world.get(Board, &path).await.is(200);
    assert_eq!((&before.json()["overdue"], overdue("true").await, overdue("false").await), (&json!(false), 0, 1));
    // The day ends in London.
    world.now_is("2010-06-11T23:00:00Z");
    let after = world.get(Board, &path).header("if-none-match", &before.tag()).await.is(200);
    assert_eq!((&after.json()["overdue"], overdue("true").await, overdue("false").await), (&json!(true), 1, 0));
    world.get(Board, "actions?overdue=yes").await.refused(400, "invalid_parameter");
    let past = world.get(Board, &format!("{path}?as_of=2010-06-11T22:59:59Z")).await.is(200);
    assert_eq!(past.json()["overdue"], false);
    // Both tags name the state it is in.
    world.patch(Lead, &path, &after.tag(), json!({"due": "2010-06-10"})).await.refused(422, "invalid");
    let mended = world.patch(Lead, &path, &before.tag(), json!({"due": "2010-07-01"})).await.is(200);
    assert_eq!((&mended.json()["overdue"], overdue("true").await), (&json!(false), 0));
}

async fn those_who_report_a_kpi_act_on_it_and_the_board_adds_notes(world: &World) {
    small(world).await;
    // LI-CALLS is of `safety`, led by the council: neither the lead's nor the contributor's.
    for (kpi, reporters) in
        [("NI-117", &[Administrator, Manager, Lead, Contributor][..]), ("LI-CALLS", &[Administrator, Manager][..])]
    {
        for actor in [Administrator, Manager, Lead, Contributor, Board, Partner, Public] {
            let reports = reporters.contains(&actor);
            let answer = world.post(actor, "actions", action(kpi, json!({}))).await;
            assert_eq!(answer.status, if reports { 201 } else { 403 }, "{actor:?} on {kpi}: {answer}");
            let path = opened(world, Manager, kpi, json!({})).await;
            let hidden = matches!(actor, Partner | Public);
            let refused = if hidden { 404 } else { 403 };
            let answer = world.patch(actor, &path, "*", json!({"what": "Other"})).await;
            assert_eq!(answer.status, if reports { 200 } else { refused }, "{actor:?} on {kpi}: {answer}");
            let answer = world.post(actor, &format!("{path}/notes"), json!({"text": "Yes"})).await;
            assert_eq!(
                answer.status,
                if reports || actor == Board { 201 } else { refused },
                "{actor:?} on {kpi}: {answer}"
            );
        }
    }
    world.post(Stranger, "actions", action("NI-117", json!({}))).await.refused(404, "not_found");
}

async fn a_partner_reads_what_is_done_about_its_own_kpis_without_names(world: &World) {
    small(world).await;
    let own = opened(world, Manager, "NI-50", json!({"what": "Own"})).await;
    let other = opened(world, Manager, "NI-117", json!({"what": "Other"})).await;
    world.post(Board, &format!("{own}/notes"), json!({"text": "Good."})).await.is(201);
    assert_eq!(whats(&world.get(Board, "actions").await.is(200)).len(), 2);
    let list = world.get(Partner, "actions").await.is(200);
    assert_eq!(whats(&list), ["Own"]);
    let seen = world.get(Partner, &own).await.is(200);
    assert_eq!((&seen.json()["opened_by"], &seen.json()["notes"][0]["by"]), (&Value::Null, &Value::Null));
    assert_eq!(seen.json()["notes"][0]["text"], "Good.");
    for name in [Manager.name(), Board.name()] {
        assert!(!seen.text().contains(name) && !list.text().contains(name), "{seen}");
    }
    assert_ne!(seen.tag(), world.get(Board, &own).await.is(200).tag(), "another body, another tag");
    world.get(Partner, &other).await.refused(404, "not_found");
    assert_eq!(whats(&world.get(Public, "actions").await.is(200)), [""; 0]);
    world.get(Public, &other).await.refused(404, "not_found");
    // It sees its own, and changes nothing.
    world.patch(Partner, &own, "*", json!({"what": "x"})).await.refused(403, "not_allowed");
    world.post(Partner, &format!("{own}/notes"), json!({"text": "x"})).await.refused(403, "not_allowed");
    // Once the KPI is not its own any more, what was done about it is not either, whatever moment is asked about.
    world.now_is("2010-05-15T12:00:00Z");
    world.patch(Manager, "kpis/NI-50", "*", json!({"lead_organisation": "council"})).await.is(200);
    world.get(Partner, &format!("{own}?as_of=2010-05-14T12:00:00Z")).await.refused(404, "not_found");
}

async fn actions_can_be_found_by_what_they_are_about(world: &World) {
    small(world).await;
    for (minute, (kpi, changes)) in (10..).zip([
        ("NI-117", json!({"what": "First", "owner": {"role": "Head", "organisation": "connexions"}})),
        ("NI-50", json!({"what": "Second"})),
        ("LI-CALLS", json!({"what": "Third", "due": "2010-05-14"})),
    ]) {
        world.now_is(&format!("2010-05-14T12:{minute}:00Z"));
        let path = opened(world, Manager, kpi, changes).await;
        if kpi == "NI-50" {
            world.patch(Manager, &path, "*", json!({"state": "done"})).await.is(200);
        }
    }
    world.now_is("2010-05-15T12:00:00Z");
    for (query, wanted) in [
        ("", &["First", "Second", "Third"][..]),
        ("kpi=NI-117", &["First"]),
        ("state=open", &["First", "Third"]),
        ("state=done", &["Second"]),
        ("state=dropped", &[]),
        ("organisation=pct", &["Second", "Third"]),
        ("sub_group=health-group", &["First", "Second"]),
        ("outcome_area=safety", &["Third"]),
        ("overdue=true", &["Third"]),
        ("overdue=false&state=open", &["First"]),
    ] {
        assert_eq!(whats(&world.get(Board, &format!("actions?{query}")).await.is(200)), wanted, "{query}");
    }
    for name in ["kpi", "organisation", "sub_group", "outcome_area"] {
        let answer = world.get(Board, &format!("actions?{name}=nothing")).await.refused(422, "invalid");
        assert_eq!(answer.faults(), [(name.to_owned(), "unknown_code".to_owned())]);
    }
    world.get(Board, "actions?state=closed").await.refused(400, "invalid_parameter");
    let page = world.get(Board, "actions?limit=2").await.is(200);
    assert_eq!(whats(&page), ["First", "Second"]);
    let next = page.json()["next"].as_str().unwrap().to_owned();
    assert_eq!(whats(&world.get(Board, &format!("actions?limit=2&cursor={next}")).await.is(200)), ["Third"]);
}

async fn the_past_is_answered_as_it_was(world: &World) {
    small(world).await;
    world.now_is("2010-05-17T12:00:00Z");
    let path = opened(world, Lead, "NI-117", json!({})).await;
    let then = world.get(Board, &path).await.is(200).json();
    world.now_is("2010-05-18T12:00:00Z");
    world.patch(Lead, &path, "*", json!({"state": "done"})).await.is(200);
    assert_eq!(world.get(Board, &format!("{path}?as_of=2010-05-17T18:00:00Z")).await.is(200).json(), then);
    world.get(Board, &format!("{path}?as_of=2010-05-16T12:00:00Z")).await.refused(404, "not_found");
    let list = world.get(Board, "actions?state=open&as_of=2010-05-17T18:00:00Z").await.is(200).json();
    assert_eq!(list["items"], json!([then]));
}

async fn what_an_action_refers_to_stays(world: &World) {
    small(world).await;
    world.post(Manager, "organisations", json!({"code": "charity", "title": "A charity"})).await.is(201);
    world.post(Manager, "kpis", kpi("LI-NEW", json!({}))).await.is(201);
    let owner = json!({"owner": {"role": "Director", "organisation": "charity"}});
    let path = opened(world, Manager, "LI-NEW", owner).await;
    world.delete(Manager, "organisations/charity", "*").await.refused(409, "conflict").tells("open action");
    world.patch(Manager, &path, "*", json!({"state": "done"})).await.is(200);
    world.delete(Manager, "organisations/charity", "*").await.is(204);
    // It stays as it was closed.
    assert_eq!(world.get(Board, &path).await.is(200).json()["owner"]["organisation"], "charity");
}
