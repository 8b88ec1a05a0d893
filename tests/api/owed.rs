//! What is owed and what counts as missing: once each, in one round or by the KPI's own lag, and never outside the plan.

use serde_json::{Value, json};

use waymark::delivery::digest::Site;

use crate::on_both;
use crate::support::plan::{kpi, round, small};
use crate::support::{Actor, World};

use Actor::{Administrator, Board, Contributor, Lead, Manager, Partner};

on_both! {
    a_figure_counts_once_however_many_answer_for_it
    a_figure_is_owed_in_one_round_in_whatever_order_they_close
    the_month_before_counts_in_the_same_return
    nothing_is_overdue_outside_the_plan
    without_rounds_each_kpi_s_lag_says_what_is_owed
    what_is_in_no_return_is_owed_all_the_same
    the_default_period_is_the_latest_with_figures
}

/// The KPIs and periods of lines.
fn lines(report: &Value) -> Vec<String> {
    let lines = report["lines"].as_array().unwrap().iter();
    lines
        .map(|line| {
            let one = &line["assessment"];
            format!("{} {}", one["kpi"].as_str().unwrap(), one["period"]["key"].as_str().unwrap())
        })
        .collect()
}

/// What the caller still owes in no return.
async fn without_return(world: &World, actor: Actor) -> Vec<String> {
    let mine = world.get(actor, "/v1/me/returns").await.is(200).json();
    mine["without_return"].as_array().unwrap().iter().flat_map(lines).collect()
}

/// The text of the digest that someone would be sent.
async fn digest(world: &World, actor: Actor) -> Option<String> {
    let reminder = world.programme().reminder(&actor.subject(), world.now()).await.unwrap();
    reminder.map(|reminder| Site::default().text(&reminder))
}

async fn a_figure_counts_once_however_many_answer_for_it(world: &World) {
    world.now_is("2009-07-25T09:00:00Z");
    small(world).await;
    let second = json!({
        "code": "health-two", "title": "Second", "lead_organisation": "council", "outcome_areas": ["health", "safety"]
    });
    world.post(Administrator, "sub-groups", second).await.is(201);
    round(world, "FY2009-10-Q1", "2009-07-01", "2009-07-20").await;
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(201);
    let all = world.get(Board, "outstanding").await.is(200).json();
    let items = all["items"].as_array().unwrap();
    let owed: Vec<_> = items.iter().map(|item| format!("{} {}", item["kpi"], item["period"]["key"])).collect();
    assert_eq!(items.len(), 5, "{owed:?}");
    assert_eq!(all["progress"]["owed"], 6);
    assert_eq!(all["progress"]["completeness_percent"], 16.7);
    let asthma = items.iter().find(|item| item["kpi"] == "LI-ASTHMA").unwrap();
    assert_eq!(asthma["sub_groups"], json!(["health-group", "health-two"]));
    assert_eq!((&asthma["organisation"], &asthma["round"]["key"]), (&json!("pct"), &json!("FY2009-10-Q1")));
    let by = |list: &str| -> Vec<(Value, Value)> {
        all[list].as_array().unwrap().iter().map(|one| (one["code"].clone(), one["owed"].clone())).collect()
    };
    let pairs = |wanted: &[(&str, u32)]| -> Vec<(Value, Value)> {
        wanted.iter().map(|(code, owed)| (json!(code), json!(owed))).collect()
    };
    assert_eq!(by("by_sub_group"), pairs(&[("health-group", 2), ("health-two", 6), ("safety-group", 4)]));
    assert_eq!(by("by_organisation"), pairs(&[("connexions", 1), ("council", 4), ("pct", 1)]));
    let filtered = world.get(Board, "outstanding?sub_group=health-two&organisation=pct").await.is(200).json();
    assert_eq!((&filtered["progress"]["owed"], filtered["items"].as_array().unwrap().len()), (&json!(1), 1));
    let returns = world.get(Board, "rounds/FY2009-10-Q1/returns").await.is(200).json();
    assert_eq!((&returns["progress"]["owed"], &returns["progress"]["overdue"]), (&json!(6), &json!(5)));
    let second = world.get(Board, "rounds/FY2009-10-Q1/returns/health-two").await.is(200).json();
    assert_eq!(second["progress"]["owed"], 6, "in its own return it counts");
    let text = digest(world, Lead).await.unwrap();
    assert_eq!(text.matches("figure of LI-ASTHMA").count(), 1, "{text}");
}

async fn a_figure_is_owed_in_one_round_in_whatever_order_they_close(world: &World) {
    world.now_is("2010-03-01T09:00:00Z");
    small(world).await;
    for lag in [100, 150, 240] {
        world.post(Manager, "kpis", kpi(&format!("LAG-{lag}"), json!({"collection_lag_days": lag}))).await.is(201);
    }
    // The first quarter's round stays open until after the third's has closed.
    for (period, opens, due, closes) in [
        ("FY2009-10-Q1", "2009-07-01", "2010-03-15", "2010-03-31"),
        ("FY2009-10-Q2", "2009-10-01", "2009-10-31", "2009-11-14"),
        ("FY2009-10-Q3", "2010-01-01", "2010-01-31", "2010-02-28"),
    ] {
        let round = json!({"period": period, "opens": opens, "due": due, "closes": closes});
        world.post(Administrator, "rounds", round).await.is(201);
    }
    let mut owed = Vec::new();
    for period in ["FY2009-10-Q1", "FY2009-10-Q2", "FY2009-10-Q3"] {
        let report = world.get(Board, &format!("rounds/{period}/returns/health-group")).await.is(200).json();
        let of_round: Vec<_> = lines(&report).into_iter().filter(|line| line.starts_with("LAG")).collect();
        owed.push(of_round);
    }
    assert_eq!(
        owed,
        [
            vec!["LAG-100 FY2009-10-Q1", "LAG-150 FY2009-10-Q1", "LAG-240 FY2009-10-Q1"],
            vec![],
            vec!["LAG-100 FY2009-10-Q2", "LAG-150 FY2009-10-Q2"],
        ]
    );
    let due = |path: &str| {
        let path = format!("kpis/{path}");
        async move { world.get(Board, &path).await.is(200).json()["data_state"].clone() }
    };
    assert_eq!(due("LAG-100/status?period=FY2009-10-Q1").await, "awaited", "its round is due in the middle of March");
    assert_eq!(due("LAG-100/status?period=FY2009-10-Q2").await, "overdue");
}

async fn the_month_before_counts_in_the_same_return(world: &World) {
    world.now_is("2009-07-10T09:00:00Z");
    small(world).await;
    round(world, "FY2009-10-Q1", "2009-07-01", "2009-07-31").await;
    world.post(Manager, "kpis", kpi("LI-MONTH", json!({"frequency": "month"}))).await.is(201);
    world.put(Manager, "kpis/LI-MONTH/targets/FY2009-10", json!({"value": 90})).await.is(201);
    let path = "rounds/FY2009-10-Q1/returns/health-group";
    let month = |period: &str, value: u32| json!({"kpi": "LI-MONTH", "period": period, "value": value, "commentary": "Two posts are vacant."});
    let figures = json!({"figures": [
        {"kpi": "LI-ASTHMA", "value": 4}, {"kpi": "NI-117", "value": 4},
        month("2009-04", 50), month("2009-05", 50), month("2009-06", 95),
    ]});
    let tried = world.put(Lead, &format!("{path}?dry_run=true"), figures.clone()).await.is(200).json();
    let lacking = |report: &Value| -> Vec<Value> {
        report["lines"].as_array().unwrap().iter().map(|line| line["lacking"].clone()).collect()
    };
    let wanted = [json!([]), json!([]), json!(["action"]), json!([]), json!([])];
    assert_eq!(lacking(&tried["return"]), wanted, "April and May in one return");
    let put = world.put(Lead, path, figures).await.is(200).json();
    assert_eq!(lacking(&put["return"]), wanted);
    let submit = || world.post(Lead, &format!("{path}/submit"), Value::Null);
    assert_eq!(submit().await.refused(422, "invalid").faults(), [("/lines/2".to_owned(), "action_missing".to_owned())]);
    // With May on track, it is twice no longer.
    let better = json!({"figures": [month("2009-05", 92)]});
    world.put(Lead, path, better).await.is(200);
    submit().await.is(200);
}

async fn nothing_is_overdue_outside_the_plan(world: &World) {
    world.now_is("2015-01-01T00:00:00Z");
    small(world).await;
    for (period, outside) in [
        ("FY1999-00-Q1", true),
        ("FY2008-09-Q4", true),
        ("FY2009-10-Q1", false),
        ("FY2010-11-Q4", false),
        ("FY2011-12-Q2", true),
    ] {
        let report = world.get(Board, &format!("status-report?period={period}")).await.is(200).json();
        assert_eq!(report["outside_plan"], outside, "{period}");
        let exceptions = world.get(Board, &format!("exceptions?period={period}")).await.is(200).json();
        assert_eq!(exceptions["outside_plan"], outside, "{period}");
        if period == "FY1999-00-Q1" {
            let states = &report["counts"]["data_state"];
            assert_eq!((&states["overdue"], &states["not_due"]), (&json!(0), &json!(7)));
            assert_eq!(exceptions["items"], json!([]));
            let one = &report["outcome_areas"][0]["priorities"][0]["kpis"][0];
            assert_eq!((&one["status"], &one["reason"]), (&json!("not_assessed"), &json!("no_reading")));
            assert_eq!(one["explanation"], "1999/00 Q1 lies outside the plan's own years; no figure is due.");
        }
    }
    for (path, state) in [
        ("NI-117/status?period=FY2008-09-Q4", "not_due"),
        ("NI-117/status?period=FY2009-10-Q1", "overdue"),
        ("NI-117/status?period=FY2011-12-Q1", "not_due"),
        ("LI-CALLS/status?period=2009-03", "not_due"),
        ("LI-CALLS/status?period=2009-04", "overdue"),
        // Begun before the plan and ended within it; begun within it and ended after.
        ("NI-87/status?period=AY2008-09-T3", "overdue"),
        ("NI-112/status?period=CY2011", "overdue"),
        ("NI-112/status?period=CY2012", "not_due"),
    ] {
        assert_eq!(world.get(Board, &format!("kpis/{path}")).await.is(200).json()["data_state"], state, "{path}");
    }
    // A figure from before the plan is a figure, whose standing is known.
    world.put(Lead, "kpis/NI-117/readings/FY2008-09-Q4", json!({"value": 5})).await.is(201);
    let before = world.get(Board, "kpis/NI-117/status?period=FY2008-09-Q4").await.is(200).json();
    assert_eq!((&before["data_state"], &before["reported"]), (&json!("final"), &json!(5)));
    // A round that reaches back beyond the plan gathers nothing from there.
    world.post(Manager, "kpis", kpi("LAG", json!({"collection_lag_days": 100}))).await.is(201);
    round(world, "FY2009-10-Q1", "2009-07-01", "2009-07-31").await;
    let report = world.get(Board, "rounds/FY2009-10-Q1/returns/health-group").await.is(200).json();
    assert_eq!(lines(&report), ["LAG FY2009-10-Q1", "LI-ASTHMA FY2009-10-Q1", "NI-117 FY2009-10-Q1"]);
}

async fn without_rounds_each_kpi_s_lag_says_what_is_owed(world: &World) {
    world.now_is("2009-07-10T09:00:00Z");
    small(world).await;
    assert_eq!(without_return(world, Lead).await, ["LI-ASTHMA FY2009-10-Q1", "NI-117 FY2009-10-Q1"]);
    assert_eq!(without_return(world, Board).await, Vec::<String>::new());
    assert_eq!(
        without_return(world, Manager).await,
        [
            "LI-CALLS 2009-04",
            "LI-CALLS 2009-05",
            "LI-CALLS 2009-06",
            "LI-ASTHMA FY2009-10-Q1",
            "LI-INJURIES FY2009-10-Q1",
            "NI-117 FY2009-10-Q1",
        ],
        "in time order"
    );
    let mine = world.get(Contributor, "/v1/me/returns").await.is(200).json();
    let owed = &mine["without_return"][0];
    assert_eq!((&owed["plan"], &owed["period"]["key"]), (&json!("small"), &json!("FY2009-10-Q1")));
    assert_eq!((&owed["lines"][0]["due_at"], &owed["progress"]["owed"]), (&json!("2009-07-30T22:59:59Z"), &json!(1)));
    // Due within a fortnight from the sixteenth on, and overdue after the thirtieth.
    assert_eq!(digest(world, Contributor).await, None);
    for (now, heading) in [("2009-07-16T09:00:00Z", "Due in the next two weeks"), ("2009-07-31T09:00:00Z", "Overdue")] {
        world.now_is(now);
        let text = digest(world, Contributor).await.unwrap();
        assert!(text.contains(heading) && text.contains("30 July 2009: figure of NI-117"), "{text}");
    }
    let all = world.get(Board, "outstanding?organisation=connexions").await.is(200).json();
    assert_eq!((&all["rounds"], &all["progress"]["overdue"]), (&json!([]), &json!(1)));
    assert_eq!((&all["items"][0]["round"], &all["items"][0]["data_state"]), (&Value::Null, &json!("overdue")));
    // What was posted is owed no longer.
    world.put(Contributor, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(201);
    assert_eq!(without_return(world, Contributor).await, Vec::<String>::new());
    assert_eq!(digest(world, Contributor).await, None);
    let all = world.get(Board, "outstanding?organisation=connexions").await.is(200).json();
    assert_eq!((&all["items"], &all["progress"]["completeness_percent"]), (&json!([]), &json!(100)));
}

async fn what_is_in_no_return_is_owed_all_the_same(world: &World) {
    world.now_is("2009-11-20T09:00:00Z");
    small(world).await;
    let area = json!({"code": "other", "title": "Other", "position": 9});
    world.post(Administrator, "outcome-areas", area).await.is(201);
    let priority = json!({"code": "other-1", "title": "Other", "outcome_area": "other"});
    world.post(Administrator, "priorities", priority).await.is(201);
    let orphan = json!({"priority": "other-1", "lead_organisation": "connexions"});
    world.post(Manager, "kpis", kpi("ORPHAN", orphan)).await.is(201);
    // Nobody made a round for the second quarter; and for the orphan no sub-group answers.
    round(world, "FY2009-10-Q1", "2009-07-01", "2009-07-31").await;
    let mine = world.get(Contributor, "/v1/me/returns").await.is(200).json();
    let returns: Vec<_> = mine["items"].as_array().unwrap().iter().flat_map(lines).collect();
    assert_eq!(returns, ["NI-117 FY2009-10-Q1"]);
    assert_eq!(
        without_return(world, Contributor).await,
        ["ORPHAN FY2009-10-Q1", "NI-117 FY2009-10-Q2", "ORPHAN FY2009-10-Q2"]
    );
    let all = world.get(Board, "outstanding?organisation=connexions").await.is(200).json();
    let told = all["items"].as_array().unwrap().iter();
    let told: Vec<_> =
        told.map(|item| (item["kpi"].clone(), item["round"]["key"].clone(), item["sub_groups"].clone())).collect();
    let (q1, groups) = (json!("FY2009-10-Q1"), json!(["health-group"]));
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told.contains(&(json!("ORPHAN"), q1.clone(), json!([]))), "{told:?}");
    assert!(told.contains(&(json!("NI-117"), q1, groups.clone())), "{told:?}");
    assert!(told.contains(&(json!("NI-117"), Value::Null, groups)), "{told:?}");
    // One round by itself is that round.
    let one = world.get(Board, "outstanding?organisation=connexions&period=FY2009-10-Q1").await.is(200).json();
    assert_eq!(one["progress"]["owed"], 2);
}

async fn the_default_period_is_the_latest_with_figures(world: &World) {
    small(world).await;
    let periods = |actor: Actor| async move {
        let mut found = Vec::new();
        for path in ["status-report", "exceptions"] {
            found.push(world.get(actor, path).await.is(200).json()["period"]["key"].as_str().unwrap().to_owned());
        }
        assert_eq!(found[0], found[1]);
        found.remove(0)
    };
    assert_eq!(periods(Board).await, "FY2009-10-Q4", "without any, the latest that ended");
    // The year before the plan is not the plan's.
    world.put(Lead, "kpis/NI-117/readings/FY2008-09-Q4", json!({"value": 5})).await.is(201);
    assert_eq!(periods(Board).await, "FY2009-10-Q4");
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 5})).await.is(201);
    assert_eq!(periods(Board).await, "FY2009-10-Q1");
    world.put(Manager, "kpis/LI-CALLS/readings/2009-08", json!({"value": 5})).await.is(201);
    assert_eq!(periods(Board).await, "FY2009-10-Q2", "a month is in its quarter");
    // Whoever may not know of a KPI is not told by the period either.
    world.post(Manager, "kpis", kpi("LI-PRIVATE", json!({"lead_organisation": "council"}))).await.is(201);
    world.put(Lead, "kpis/LI-PRIVATE/readings/FY2009-10-Q3", json!({"value": 5})).await.is(201);
    assert_eq!((periods(Board).await.as_str(), periods(Partner).await.as_str()), ("FY2009-10-Q3", "FY2009-10-Q2"));
    let frozen = world.post(Board, "board-reports", json!({"title": "For the Board"})).await.is(201).json();
    assert!(frozen["period"].to_string().contains("FY2009-10-Q3"), "{frozen}");
    // A quarter that has not ended is not reported on, and as of an earlier moment is what was there then.
    world.put(Lead, "kpis/NI-117/readings/FY2010-11-Q1", json!({"value": 5, "provisional": true})).await.is(201);
    assert_eq!(periods(Board).await, "FY2009-10-Q3");
    world.now_is("2020-01-01T00:00:00Z");
    assert_eq!(periods(Board).await, "FY2010-11-Q1");
    // What is to be filled in is the latest that ended.
    let form = world.get(Lead, "readings/template?sub_group=health-group").header("accept", "text/csv").await.is(200);
    assert!(form.text().contains("FY2010-11-Q4"), "{form}");
}
