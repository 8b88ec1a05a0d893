//! The whole line, from a plan that is not there to the journal of all that was done to it.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::{Actor, World};

use Actor::{Administrator, Board, Contributor, Lead, Manager};

on_both! {
    a_partnership_keeps_its_plan
    without_figures_the_default_period_is_the_latest_quarter_that_ended
    a_report_can_be_narrowed
    a_report_names_what_the_plan_does_not_have
    the_change_feed_can_be_followed
}

/// Makes a thing by POST and checks that Location leads to what was answered.
async fn make(world: &World, actor: Actor, collection: &str, body: Value) -> Value {
    let made = world.post(actor, collection, body.clone()).await.is(201);
    let found = world.get(actor, made.header("location").unwrap()).await.is(200);
    let (made, found) = (made.json(), found.json());
    for (member, value) in body.as_object().unwrap() {
        assert_eq!(&made[member], value, "{member} as it was sent");
    }
    for (member, value) in made.as_object().unwrap() {
        assert_eq!(&found[member], value, "{member} as it is found");
    }
    made
}

async fn a_partnership_keeps_its_plan(world: &World) {
    world.get(Administrator, "/v1/plans/harrow").await.refused(404, "not_found");
    let plan = json!({
        "code": "harrow", "title": "Children and Young People's Plan", "starts_on": "2009-04-01", "ends_on": "2011-03-31",
        "description": "Invented.", "policy": "five-band"
    });
    make(world, Administrator, "/v1/plans", plan).await;
    world.enter("harrow");
    for (actor, grant) in [
        (Manager, json!({"subject": Manager.name(), "role": "programme_manager"})),
        (Board, json!({"subject": Board.name(), "role": "board"})),
    ] {
        make(world, Administrator, "grants", grant).await;
        let me = world.get(actor, "/v1/me").await.is(200).json();
        assert_eq!((&me["subject"], &me["grants"][0]["plan"]), (&json!(actor.name()), &json!("harrow")));
    }
    make(world, Manager, "organisations", json!({"code": "pct", "title": "Primary Care Trust", "kind": "health"}))
        .await;
    make(world, Manager, "organisations", json!({"code": "connexions", "title": "Connexions"})).await;
    make(world, Manager, "outcome-areas", json!({"code": "economic", "title": "Economic Well-being", "position": 5}))
        .await;
    let group = json!({"code": "eet", "title": "EET sub-group", "lead_organisation": "connexions", "outcome_areas": ["economic"]});
    make(world, Manager, "sub-groups", group).await;
    make(
        world,
        Manager,
        "priorities",
        json!({"code": "economic-1", "title": "Fewer NEET", "outcome_area": "economic", "position": 1}),
    )
    .await;
    let neet = json!({
        "code": "NI-117", "title": "NEET", "priority": "economic-1", "unit": "percentage", "polarity": "lower_is_better",
        "frequency": "quarter", "calendar": "financial", "aggregation": "in_period", "lead_organisation": "connexions",
        "valid_min": 0, "valid_max": 100
    });
    make(world, Manager, "kpis", neet).await;
    for grant in [
        json!({"subject": Lead.name(), "role": "sub_group_lead", "outcome_areas": ["economic"]}),
        json!({"subject": Contributor.name(), "role": "contributor", "organisation": "connexions"}),
    ] {
        make(world, Administrator, "grants", grant).await;
    }
    it_reports_its_figures(world).await;
    where_it_stands_is_the_same_everywhere(world).await;
    all_that_was_done_is_in_the_journal(world).await;
}

/// A target, and figures of three quarters: one posted, two imported.
async fn it_reports_its_figures(world: &World) {
    let target = world
        .put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5, "kind": "laa", "agreed_on": "2009-03-24"}))
        .await
        .is(201);
    let mut set = target.json();
    assert_eq!(set.as_object_mut().unwrap().remove("effect").unwrap(), json!({"moves": [], "roll_ups": []}));
    assert_eq!(set.as_object_mut().unwrap().remove("warnings").unwrap(), json!([]));
    assert_eq!(world.get(Board, target.header("location").unwrap()).await.is(200).json(), set);
    let status = world.get(Board, "kpis/NI-117/status?period=FY2009-10-Q1").await.is(200).json();
    assert_eq!((&status["reason"], &status["data_state"]), (&json!("no_reading"), &json!("overdue")));

    // The example of the contract, figure by figure.
    let posted = world
        .put(
            Lead,
            "kpis/NI-117/readings/FY2009-10-Q1",
            json!({"numerator": 231, "denominator": 5120, "commentary": "Two colleges late."}),
        )
        .await
        .is(201);
    let after = posted.json()["effect"]["after"].clone();
    for (member, value) in [
        ("status", json!("on_track")),
        ("band", json!("high_green")),
        ("band_label", json!("High Green")),
        ("reported_text", json!("4.5 %")),
        ("basis", json!("percent")),
        ("data_state", json!("final")),
        ("reason", Value::Null),
        ("next_better", Value::Null),
        ("policy", json!({"code": "five-band", "version": 1})),
    ] {
        assert_eq!(after[member], value, "{member} of {after}");
    }
    for (member, value) in
        [("value", 4.511_718_75), ("reported", 4.5), ("variance", 0.5), ("compared", 10.0), ("amber_limit", 0.25)]
    {
        assert_eq!(after[member].as_f64(), Some(value), "{member} of {after}");
    }
    assert_eq!((&after["target"]["source"], after["target"]["value"].as_f64()), (&json!("held"), Some(5.0)));
    assert_eq!(
        (&after["next_worse"]["band"], after["next_worse"]["at_value"].as_f64()),
        (&json!("low_green"), Some(4.75))
    );
    assert!(after["explanation"].as_str().unwrap().contains("4.5 % against a target of 5.0 %"), "{after}");
    assert_eq!(posted.json()["effect"]["before"], Value::Null);
    world
        .import(
            Contributor,
            "readings",
            "kpi,period,numerator,denominator\nNI-117,2009/10 Q2,280,5100\nNI-117,2009/10 Q3,262,5110\n",
        )
        .await
        .is(200);
}

async fn where_it_stands_is_the_same_everywhere(world: &World) {
    let status = world.get(Board, "kpis/NI-117/status?period=FY2009-10-Q3").await.is(200).json();
    let series = world.get(Board, "kpis/NI-117/series").await.is(200).json();
    let points = series["points"].as_array().unwrap();
    let statuses: Vec<_> = points.iter().map(|point| point["status"].as_str().unwrap()).collect();
    assert_eq!(
        statuses,
        ["on_track", "off_track", "at_risk", "not_assessed"],
        "the fourth has a target and no figure yet"
    );
    assert_eq!(points[2], status);
    let report = world.get(Board, "status-report?period=FY2009-10-Q3").await.is(200).json();
    assert_eq!(report["outcome_areas"][0]["priorities"][0]["kpis"], json!([status]));
    assert_eq!((&report["headline"]["status"], &report["counts"]["status"]["at_risk"]), (&json!("at_risk"), &json!(1)));
    let rows = world.get(Board, "status-report.csv?period=FY2009-10-Q3").await.is(200).rows();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        [&rows[0]["kpi"], &rows[0]["status"], &rows[0]["band"], &rows[0]["reported"]],
        ["NI-117", "at_risk", "amber", "5.1"]
    );
}

async fn all_that_was_done_is_in_the_journal(world: &World) {
    let changes = world.get(Board, "changes").await.is(200).json();
    let actions: Vec<_> =
        changes["items"].as_array().unwrap().iter().map(|change| change["action"].as_str().unwrap()).collect();
    let wanted = [
        "plan.created",
        "policy.created",
        "policy.created",
        "policy.created",
        "policy.created",
        "grant.given",
        "grant.given",
        "organisation.created",
        "organisation.created",
        "outcome_area.created",
        "sub_group.created",
        "priority.created",
        "kpi.created",
        "grant.given",
        "grant.given",
        "target.set",
        "reading.posted",
        "reading.posted",
        "reading.posted",
    ];
    assert_eq!(actions, wanted);
    let last = &changes["items"][18];
    assert_eq!(
        [&last["actor"], &last["kind"], &last["key"], &last["before"]],
        [&json!(Contributor.name()), &json!("reading"), &json!("NI-117/FY2009-10-Q3/all"), &Value::Null]
    );
    let journal = world.get(Board, "journal?limit=1000").await.is(200).json();
    let entries = journal["items"].as_array().unwrap();
    for ((place, entry), change) in (1..).zip(entries).zip(changes["items"].as_array().unwrap()) {
        assert_eq!(entry["seq"], place, "no place is left out");
        let mut bare = entry.clone();
        let digest = bare.as_object_mut().unwrap().remove("digest").unwrap();
        assert_eq!((digest.as_str().unwrap().len(), &bare), (64, change), "the journal is the feed with digests");
    }
    assert_eq!(world.version().await, 19);
    let history = world.get(Board, "kpis/NI-117/readings/FY2009-10-Q1/history").await.is(200).json();
    assert_eq!(history["items"].as_array().unwrap().len(), 1);
    assert_eq!(history["items"][0]["commentary"], "Two colleges late.");
}

async fn without_figures_the_default_period_is_the_latest_quarter_that_ended(world: &World) {
    crate::support::plan::small(world).await;
    for (now, period) in [
        ("2010-05-14T12:00:00Z", "FY2009-10-Q4"),
        ("2010-06-30T22:59:59Z", "FY2009-10-Q4"),
        ("2010-06-30T23:00:00Z", "FY2010-11-Q1"),
        ("2015-01-01T00:00:00Z", "FY2010-11-Q4"),
    ] {
        world.now_is(now);
        assert_eq!(world.get(Board, "status-report").await.is(200).json()["period"]["key"], period, "at {now}");
    }
    let status = world.get(Board, "kpis/NI-117/status").await.is(200).json();
    assert_eq!(status["period"]["key"], "FY2010-11-Q4", "without a reading, the latest of the plan that ended");
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q2", json!({"value": 1})).await.is(201);
    assert_eq!(world.get(Board, "kpis/NI-117/status").await.is(200).json()["period"]["key"], "FY2009-10-Q2");
}

async fn a_report_can_be_narrowed(world: &World) {
    crate::support::plan::small(world).await;
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q4", json!({"value": 5})).await.is(201);
    for (filter, kpis) in [
        ("outcome_area=health", vec!["LI-ASTHMA", "NI-117", "NI-50"]),
        ("priority=health-2", vec!["LI-ASTHMA", "NI-50"]),
        ("sub_group=safety-group", vec!["LI-CALLS", "LI-INJURIES", "NI-112", "NI-87"]),
        ("organisation=council", vec!["LI-CALLS", "LI-INJURIES", "NI-117", "NI-87"]),
        ("status=on_track", vec!["NI-117"]),
        ("data_state=final", vec!["NI-117"]),
        ("status=off_track", vec![]),
        ("outcome_area=health&organisation=council", vec!["NI-117"]),
    ] {
        let rows = world.get(Board, &format!("status-report.csv?period=FY2009-10-Q4&{filter}")).await.is(200).rows();
        let mut found: Vec<_> = rows.iter().map(|row| row["kpi"].as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, kpis, "{filter}");
        let report = world.get(Board, &format!("status-report?period=FY2009-10-Q4&{filter}")).await.is(200).json();
        let statuses = report["counts"]["status"].as_object().unwrap().values().map(|count| count.as_u64().unwrap());
        assert_eq!(statuses.sum::<u64>(), u64::try_from(kpis.len()).unwrap(), "{filter}");
        for area in report["outcome_areas"].as_array().unwrap() {
            assert!(!area["priorities"].as_array().unwrap().is_empty(), "nothing empty is shown: {area}");
        }
    }
}

async fn a_report_names_what_the_plan_does_not_have(world: &World) {
    crate::support::plan::small(world).await;
    let answer = world
        .get(Board, "status-report?period=FY2009-11&outcome_area=helth&priority=x&sub_group=y&organisation=pctt")
        .await
        .refused(422, "invalid");
    let places: Vec<_> = answer.faults().into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["period", "outcome_area", "priority", "sub_group", "organisation"]);
    answer.tells("did you mean `health`?").tells("did you mean `pct`?");
    world.get(Board, "status-report?status=on_trak").await.refused(400, "invalid_parameter");
    world.get(Board, "status-report?data_state=late").await.refused(400, "invalid_parameter");
    world.get(Board, "kpis/NI-117/status?period=2009-06").await.is(422);
    world.get(Board, "kpis/NI-117/series?from=soon").await.is(422);
}

async fn the_change_feed_can_be_followed(world: &World) {
    crate::support::plan::small(world).await;
    let all = world.get(Board, "changes?limit=1000").await.is(200).json();
    let (mut after, mut heard) = (0, Vec::new());
    loop {
        let stretch = world.get(Board, &format!("changes?after={after}&limit=7")).await.is(200).json();
        let items = stretch["items"].as_array().unwrap().clone();
        let next = stretch["next"].as_u64().unwrap();
        if items.is_empty() {
            assert_eq!(next, after, "it stays the same while nothing changes");
            break;
        }
        heard.extend(items);
        after = next;
    }
    assert_eq!(json!(heard), all["items"]);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4})).await.is(201);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 5, "reason": "Late"})).await.is(200);
    let news = world.get(Board, &format!("changes?after={after}")).await.is(200).json();
    let told: Vec<_> = news["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            [&change["action"], &change["reason"], &change["before"]["value"], &change["after"]["value"]]
                .map(Value::to_string)
        })
        .collect();
    assert_eq!(told, [["\"reading.posted\"", "null", "null", "4"], ["\"reading.revised\"", "\"Late\"", "4", "5"]]);
}
