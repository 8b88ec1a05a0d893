//! Gaps and groups: dimensions, figures by group, gaps with both their sides, sums that must come out, reports by group.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::{kpi, small};
use crate::support::{Actor, World};

use Actor::{Board, Lead, Manager, Partner};

on_both! {
    a_group_belongs_to_one_dimension
    a_group_in_use_stays
    a_slip_in_a_group_is_caught_everywhere
    a_gap_shows_both_its_sides
    a_gap_that_turned_round_is_flagged
    a_gap_that_is_narrower_because_the_comparator_fell_says_so
    a_gap_is_revised_when_either_side_is
    a_withheld_gap_shows_neither_side
    a_gap_does_not_show_what_its_source_hides
    a_file_whose_groups_do_not_sum_is_refused
    a_file_is_held_against_what_is_there
    a_single_figure_that_does_not_sum_is_taken_with_a_warning
    counts_sum_and_shares_do_not
    a_report_goes_by_the_groups_of_a_dimension
    a_report_by_group_withholds_what_is_small
    the_harrow_plan_has_its_dimensions
}

/// The small plan with a dimension that covers everyone and a KPI reported as a fraction.
async fn with_meals(world: &World, changes: Value) {
    small(world).await;
    let meals = json!({
        "code": "meals", "title": "Free school meals", "complete": true,
        "groups": [{"code": "free", "title": "Pupils eligible"}, {"code": "paid", "title": "Other pupils"}]
    });
    world.post(Manager, "dimensions", meals).await.is(201);
    let gcse = json!({"publication": "partners", "valid_min": 0, "valid_max": 100});
    let mut gcse = kpi("GCSE", gcse);
    gcse.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    world.post(Manager, "kpis", gcse).await.is(201);
}

/// A gap between the two groups of the dimension.
async fn with_gap(world: &World, changes: Value) {
    with_meals(world, changes).await;
    let gap = json!({
        "formula": {"kind": "gap", "of": "GCSE", "group": "free", "comparator": "paid"}, "unit": "percentage_points",
        "polarity": "lower_is_better", "publication": "partners"
    });
    world.post(Manager, "kpis", kpi("GAP", gap)).await.is(201);
}

/// Posts a group's figure of a quarter.
async fn report(world: &World, quarter: &str, group: &str, figure: Value) -> Value {
    let answer = world.put(Manager, &format!("kpis/GCSE/readings/{quarter}?group={group}"), figure).await;
    assert!(answer.status < 300, "{answer}");
    answer.json()
}

async fn gap(world: &World, actor: Actor, quarter: &str) -> Value {
    world.get(actor, &format!("kpis/GAP/status?period={quarter}")).await.is(200).json()
}

async fn a_group_belongs_to_one_dimension(world: &World) {
    small(world).await;
    let meals = json!({"code": "meals", "title": "Meals", "groups": [
        {"code": "all", "title": "All"}, {"code": "fsm", "title": "Free"}, {"code": "paid", "title": "Paid"}, {"code": "paid", "title": ""}
    ]});
    let refused = world.post(Manager, "dimensions", meals).await.refused(422, "invalid");
    let mut told: Vec<_> = refused.faults().into_iter().map(|(place, code)| format!("{place} {code}")).collect();
    told.sort_unstable();
    assert_eq!(told[0], "/groups/0/code reserved");
    assert!(told.contains(&"/groups/1/code named_twice".to_owned()), "{told:?}");
    assert!(told.contains(&"/groups/3 named_twice".to_owned()), "{told:?}");
    refused.tells("the dimension `pupils`");
    world
        .post(Lead, "dimensions", json!({"code": "m", "title": "M", "groups": [{"code": "x", "title": "X"}]}))
        .await
        .is(403);
    let meals = json!({"code": "meals", "title": "Meals", "groups": [{"code": "paid", "title": "Paid"}]});
    let made = world.post(Manager, "dimensions", meals.clone()).await.is(201);
    assert_eq!(made.json()["complete"], false);
    world.post(Manager, "dimensions", meals).await.refused(409, "conflict");
    let groups =
        json!({"groups": [{"code": "paid", "title": "Paid"}, {"code": "free", "title": "Free"}], "complete": true});
    world.patch(Manager, "dimensions/meals", &made.tag(), groups).await.is(200);
    let listed = world.get(Partner, "dimensions").await.is(200).json();
    assert_eq!(
        [&listed["items"][0]["code"], &listed["items"][0]["complete"], &listed["items"][0]["groups"][1]["code"]],
        [&json!("meals"), &json!(true), &json!("free")]
    );
    world.delete(Manager, "dimensions/meals", "*").await.is(204);
    world.get(Manager, "dimensions/meals").await.refused(404, "not_found");
}

async fn a_group_in_use_stays(world: &World) {
    small(world).await;
    world.delete(Manager, "dimensions/pupils", "\"1\"").await.is(412);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1?group=girls", json!({"value": 3})).await.is(201);
    let gap = json!({"formula": {"kind": "gap", "of": "NI-117", "group": "fsm", "comparator": "non-fsm"}});
    world.post(Manager, "kpis", kpi("GAP", gap)).await.is(201);
    world.delete(Manager, "dimensions/pupils", "*").await.refused(409, "conflict").tells("still used by");
    let left = json!({"groups": [{"code": "boys", "title": "Boys"}, {"code": "fsm", "title": "Eligible"}]});
    let refused = world.patch(Manager, "dimensions/pupils", "*", left).await.refused(422, "invalid");
    let used = ("/groups".to_owned(), "still_used".to_owned());
    assert_eq!(refused.faults(), [used.clone(), used], "looked-after is used by no one");
    refused.tells("the readings of the KPI `NI-117`").tells("the gap `GAP`");
    let kept = json!({"groups": [
        {"code": "girls", "title": "Girls"}, {"code": "fsm", "title": "Eligible"}, {"code": "non-fsm", "title": "Others"}
    ]});
    world.patch(Manager, "dimensions/pupils", "*", kept).await.is(200);
}

async fn a_slip_in_a_group_is_caught_everywhere(world: &World) {
    small(world).await;
    let path = "kpis/NI-117/readings/FY2009-10-Q1?group=fms";
    let put = world.put(Lead, path, json!({"value": 4})).await.refused(422, "invalid");
    assert_eq!(put.faults(), [("/group".to_owned(), "unknown_code".to_owned())]);
    put.tells("did you mean `fsm`?");
    let file =
        "kpi,period,group,value\nNI-117,FY2009-10-Q1,fms,4\nNI-117,FY2009-10-Q1,fsm,4\nNI-117,FY2009-10-Q2,all,4\n";
    let imported = world.import(Lead, "readings", file).await.refused(422, "invalid");
    assert_eq!(imported.cells(), [(2, "group".to_owned(), "unknown_code".to_owned())]);
    imported.tells("did you mean `fsm`?");
    let formula = json!({"formula": {"kind": "gap", "of": "NI-117", "group": "fms", "comparator": "nonfsm"}});
    let made = world.post(Manager, "kpis", kpi("GAP", formula)).await.refused(422, "invalid");
    let places: Vec<_> = made.faults().into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["/formula/group", "/formula/comparator"]);
    made.tells("did you mean `fsm`?").tells("did you mean `non-fsm`?");
    let formula = json!({"formula": {"kind": "gap", "of": "NI-117", "group": "fsm", "comparator": "all"}});
    world.post(Manager, "kpis", kpi("GAP", formula)).await.is(201);
    let changed = json!({"formula": {"group": "fsms"}});
    world.patch(Manager, "kpis/GAP", "*", changed).await.refused(422, "invalid").tells("did you mean `fsm`?");
    for query in [
        "kpis/NI-117/status?period=FY2009-10-Q1&group=fms",
        "kpis/NI-117/series?group=fms",
        "kpis/NI-117/readings?group=fms",
        "readings?group=fms",
        "readings.csv?group=fms",
    ] {
        let refused = world.get(Board, query).await.refused(422, "invalid");
        assert_eq!(refused.faults(), [("group".to_owned(), "unknown_code".to_owned())]);
        refused.tells("did you mean `fsm`?");
    }
    world.get(Board, "kpis/NI-117/status?period=FY2009-10-Q1&group=fsm").await.is(200);
    world.get(Board, "kpis/NI-117/status?period=FY2009-10-Q1&group=all").await.is(200);
}

async fn a_gap_shows_both_its_sides(world: &World) {
    with_gap(world, json!({})).await;
    world.put(Manager, "kpis/GAP/targets/FY2009-10-Q1", json!({"value": 20})).await.is(201);
    assert_eq!(
        gap(world, Board, "FY2009-10-Q1").await["gap"],
        json!({"of": "GCSE", "group": "free", "comparator": "paid", "group_value": null, "comparator_value": null, "reversed": false})
    );
    report(world, "FY2009-10-Q1", "free", json!({"numerator": 540, "denominator": 1001})).await;
    report(world, "FY2009-10-Q1", "paid", json!({"numerator": 781, "denominator": 1000})).await;
    let stands = gap(world, Board, "FY2009-10-Q1").await;
    let sides = &stands["gap"];
    assert_eq!((sides["group_value"].as_f64(), sides["comparator_value"].as_f64()), (Some(53.9), Some(78.1)));
    assert_eq!(sides["reversed"], false);
    let told = stands["explanation"].as_str().unwrap();
    assert!(told.ends_with(" 53.9 % of Pupils eligible against 78.1 % of Other pupils."), "{told}");
    assert!(told.contains("24.2 percentage points against a target of 20.0"), "{told}");
    let other = world.get(Board, "kpis/GCSE/status?period=FY2009-10-Q1&group=free").await.is(200).json();
    assert_eq!(other["gap"], Value::Null, "what is posted is no gap");
}

async fn a_gap_that_turned_round_is_flagged(world: &World) {
    with_gap(world, json!({})).await;
    report(world, "FY2009-10-Q1", "free", json!({"value": 60})).await;
    report(world, "FY2009-10-Q1", "paid", json!({"value": 55.5})).await;
    let stands = gap(world, Board, "FY2009-10-Q1").await;
    assert_eq!((stands["value"].as_f64(), &stands["gap"]["reversed"]), (Some(-4.5), &json!(true)));
    assert!(stands["explanation"].as_str().unwrap().ends_with("The gap is reversed: the group is ahead."), "{stands}");
    report(world, "FY2009-10-Q1", "free", json!({"value": 55.52})).await;
    let stands = gap(world, Board, "FY2009-10-Q1").await;
    assert_eq!((stands["reported"].as_f64(), &stands["gap"]["reversed"]), (Some(0.0), &json!(false)), "as it is shown");
}

async fn a_gap_that_is_narrower_because_the_comparator_fell_says_so(world: &World) {
    with_gap(world, json!({})).await;
    for (quarter, free, paid) in [
        ("FY2008-09-Q1", 50, 70),
        ("FY2008-09-Q2", 50, 70),
        ("FY2008-09-Q3", 50, 70),
        ("FY2008-09-Q4", 50, 70),
        ("FY2009-10-Q1", 50, 65),
        ("FY2009-10-Q2", 51, 65),
        ("FY2009-10-Q3", 45, 60),
        ("FY2009-10-Q4", 49, 75),
    ] {
        report(world, quarter, "free", json!({"value": free})).await;
        report(world, quarter, "paid", json!({"value": paid})).await;
    }
    for (quarter, only) in [
        ("FY2008-09-Q1", false),
        ("FY2009-10-Q1", true),
        ("FY2009-10-Q2", false),
        ("FY2009-10-Q3", true),
        ("FY2009-10-Q4", false),
    ] {
        let stands = gap(world, Board, quarter).await;
        let told = stands["explanation"].as_str().unwrap();
        assert_eq!(told.contains("only because the comparator fell"), only, "{quarter}: {told}");
    }
}

async fn a_gap_is_revised_when_either_side_is(world: &World) {
    with_gap(world, json!({})).await;
    report(world, "FY2009-10-Q1", "free", json!({"value": 50})).await;
    report(world, "FY2009-10-Q1", "paid", json!({"value": 70, "provisional": true})).await;
    world.now_is("2010-05-15T12:00:00Z");
    let first = gap(world, Board, "FY2009-10-Q1").await;
    assert_eq!((&first["value"], &first["data_state"]), (&json!(20), &json!("provisional")));
    for (side, value, gap_now) in [("paid", 75, 25), ("free", 60, 15)] {
        report(world, "FY2009-10-Q1", side, json!({"value": value, "provisional": false})).await;
        let stands = gap(world, Board, "FY2009-10-Q1").await;
        assert_eq!((&stands["value"], &stands["data_state"]), (&json!(gap_now), &json!("final")), "{side}");
    }
    let then = world.get(Board, "kpis/GAP/status?period=FY2009-10-Q1&as_of=2010-05-14T12:00:00Z").await.is(200).json();
    assert_eq!(then, first, "and as it was before");
    report(world, "FY2009-10-Q1", "paid", json!({"nil_return": "Withdrawn"})).await;
    let stands = gap(world, Board, "FY2009-10-Q1").await;
    assert_eq!((&stands["reason"], &stands["gap"]["group_value"]), (&json!("nil_return"), &Value::Null));
}

async fn a_withheld_gap_shows_neither_side(world: &World) {
    with_gap(world, json!({"sensitive": true})).await;
    report(world, "FY2009-10-Q1", "free", json!({"numerator": 3, "denominator": 40})).await;
    report(world, "FY2009-10-Q1", "paid", json!({"numerator": 300, "denominator": 400})).await;
    let (board, partner) = (gap(world, Board, "FY2009-10-Q1").await, gap(world, Partner, "FY2009-10-Q1").await);
    assert_eq!(board["gap"]["comparator_value"], 75, "{board}");
    assert_eq!(partner["reason"], "suppressed");
    for member in ["group_value", "comparator_value"] {
        assert_eq!(partner["gap"][member], Value::Null, "{partner}");
    }
    let told = partner["explanation"].as_str().unwrap();
    assert!(!told.contains("75") && !told.contains("7.5"), "{told}");
}

async fn a_gap_does_not_show_what_its_source_hides(world: &World) {
    with_gap(world, json!({"publication": "internal"})).await;
    report(world, "FY2009-10-Q1", "free", json!({"value": 50})).await;
    report(world, "FY2009-10-Q1", "paid", json!({"value": 70})).await;
    world.get(Partner, "kpis/GCSE/status").await.refused(404, "not_found");
    let seen = gap(world, Partner, "FY2009-10-Q1").await;
    assert_eq!((&seen["value"], &seen["gap"]["group_value"]), (&json!(20), &Value::Null));
    assert!(!seen["explanation"].as_str().unwrap().contains("70"), "{seen}");
}

async fn a_file_whose_groups_do_not_sum_is_refused(world: &World) {
    with_meals(world, json!({})).await;
    let before = world.version().await;
    let file = "kpi,period,group,numerator,denominator\n\
        GCSE,FY2009-10-Q1,all,1179,2000\nGCSE,FY2009-10-Q1,free,103,261\nGCSE,FY2009-10-Q1,paid,1075,1740\n\
        GCSE,FY2009-10-Q2,all,10,20\nGCSE,FY2009-10-Q2,free,4,8\nGCSE,FY2009-10-Q2,paid,6,12\n\
        GCSE,FY2009-10-Q3,all,10,20\nGCSE,FY2009-10-Q3,free,3,8\nNI-117,soon,all,3,8\n";
    for path in ["readings?dry_run=true", "readings"] {
        let refused = world.import(Manager, path, file).await.refused(422, "invalid");
        let mut wrong = vec![(10, "period".to_owned(), "not_a_period".to_owned())];
        for row in 2..=4 {
            for part in ["numerator", "denominator"] {
                wrong.push((row, part.to_owned(), "does_not_sum".to_owned()));
            }
        }
        assert_eq!(refused.cells(), wrong, "all that is wrong at once");
        let counts = refused.json();
        assert_eq!(
            [&counts["rows"], &counts["rejected"], &counts["created"]],
            [&json!(9), &json!(4), &json!(5)],
            "{refused}"
        );
        refused
            .tells("numerators sum to 1178 but all has 1179: 1 too few")
            .tells("denominators sum to 2001 but all has 2000: 1 too many");
    }
    assert_eq!(world.version().await, before);
    // A row that is wrong in itself is told by itself: what it would have summed to is not guessed at.
    let file = "kpi,period,group,numerator,denominator\n\
        GCSE,FY2009-10-Q1,all,1179,2000\nGCSE,FY2009-10-Q1,free,103,x\nGCSE,FY2009-10-Q1,paid,1,2\n";
    let refused = world.import(Manager, "readings", file).await.refused(422, "invalid");
    assert_eq!(refused.cells(), [(3, "denominator".to_owned(), "symbol_not_a_figure".to_owned())]);
}

async fn a_file_is_held_against_what_is_there(world: &World) {
    with_meals(world, json!({})).await;
    let file = |rows: &str| format!("kpi,period,group,numerator,denominator,reason\n{rows}");
    let first = file("GCSE,FY2009-10-Q1,,10,20,\nGCSE,FY2009-10-Q1,free,4,8,\nGCSE,FY2009-10-Q1,paid,6,12,\n");
    world.import(Manager, "readings", first.clone()).await.is(200);
    let refused =
        world.import(Manager, "readings", file("GCSE,FY2009-10-Q1,,11,20,Late\n")).await.refused(422, "invalid");
    assert_eq!(refused.cells(), [(2, "numerator".to_owned(), "does_not_sum".to_owned())]);
    let together = file("GCSE,FY2009-10-Q1,paid,7,12,Late\nGCSE,FY2009-10-Q1,,11,20,Late\n");
    assert_eq!(world.import(Manager, "readings", together).await.is(200).json()["revised"], 2);
    // What was put apart one by one may be sent again as it is.
    report(world, "FY2009-10-Q1", "free", json!({"numerator": 5, "denominator": 8})).await;
    let same = file("GCSE,FY2009-10-Q1,,11,20,\nGCSE,FY2009-10-Q1,free,5,8,\n");
    assert_eq!(world.import(Manager, "readings", same).await.is(200).json()["unchanged"], 2);
    let mended = file("GCSE,FY2009-10-Q1,,12,20,Late\n");
    world.import(Manager, "readings", mended).await.is(200);
}

async fn a_single_figure_that_does_not_sum_is_taken_with_a_warning(world: &World) {
    with_meals(world, json!({})).await;
    for (group, numerator, warned) in [("free", 4, 0), ("all", 10, 0), ("paid", 5, 1), ("paid", 5, 1), ("paid", 6, 0)] {
        let taken = report(world, "FY2009-10-Q1", group, json!({"numerator": numerator, "denominator": 20})).await;
        let warnings = taken["warnings"].as_array().unwrap();
        let of_numerators: Vec<_> = warnings.iter().filter(|warning| warning["pointer"] == "/numerator").collect();
        assert_eq!(of_numerators.len(), warned, "{taken}");
        for warning in of_numerators {
            assert_eq!(warning["code"], "does_not_sum");
            assert!(warning["detail"].as_str().unwrap().contains("sum to 9 but all has 10: 1 too few"), "{warning}");
        }
    }
    let one = world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4})).await.is(201).json();
    assert_eq!(one["warnings"], json!([]));
}

async fn counts_sum_and_shares_do_not(world: &World) {
    with_meals(world, json!({"unit": "count", "decimals": 0, "valid_max": null})).await;
    world.post(Manager, "kpis", kpi("SHARE", json!({}))).await.is(201);
    let file = |kpi: &str| {
        format!(
            "kpi,period,group,value\n{kpi},FY2009-10-Q1,,50\n{kpi},FY2009-10-Q1,free,40\n{kpi},FY2009-10-Q1,paid,60\n"
        )
    };
    let refused = world.import(Manager, "readings", file("GCSE")).await.refused(422, "invalid");
    assert_eq!(refused.cells().len(), 3);
    refused.tells("values sum to 100 but all has 50: 50 too many");
    world.import(Manager, "readings", file("SHARE")).await.is(200);
    // A dimension that leaves people out need not sum.
    world.patch(Manager, "dimensions/meals", "*", json!({"complete": false})).await.is(200);
    world.import(Manager, "readings", file("GCSE")).await.is(200);
}

async fn a_report_goes_by_the_groups_of_a_dimension(world: &World) {
    with_meals(world, json!({})).await;
    world.put(Manager, "kpis/GCSE/targets/FY2009-10", json!({"value": 60})).await.is(201);
    report(world, "FY2009-10-Q1", "all", json!({"value": 60})).await;
    report(world, "FY2009-10-Q1", "free", json!({"value": 40})).await;
    report(world, "FY2009-10-Q1", "paid", json!({"value": 70})).await;
    report(world, "FY2009-10-Q2", "paid", json!({"value": 71})).await;
    let plain = world.get(Board, "status-report?period=FY2009-10-Q1").await.is(200).json();
    assert_eq!([&plain["group_by"], &plain["groups"]], [&Value::Null, &json!([])]);
    let report = world.get(Board, "status-report?period=FY2009-10-Q1&group_by=meals").await.is(200).json();
    for member in ["headline", "counts", "outcome_areas"] {
        assert_eq!(report[member], plain[member], "what is said of everyone stays as it is");
    }
    assert_eq!(report["group_by"], "meals");
    let mut stands = Vec::new();
    for group in report["groups"].as_array().unwrap() {
        let kpis = group["kpis"].as_array().unwrap();
        assert_eq!((kpis.len(), &kpis[0]["kpi"], &kpis[0]["group"]), (1, &json!("GCSE"), &group["group"]));
        let one = format!("kpis/GCSE/status?period=FY2009-10-Q1&group={}", group["group"].as_str().unwrap());
        assert_eq!(world.get(Board, &one).await.is(200).json(), kpis[0], "the same figure everywhere");
        stands.push(["group", "title"].map(|member| group[member].as_str().unwrap().to_owned()));
        assert_eq!(group["headline"]["status"], kpis[0]["status"]);
        assert_eq!(group["counts"]["status"][kpis[0]["status"].as_str().unwrap()], 1);
    }
    assert_eq!(stands, [["free", "Pupils eligible"], ["paid", "Other pupils"]]);
    assert_eq!(report["groups"][0]["headline"]["status"], "off_track");
    // A group without the figure is told, too.
    let later = world.get(Board, "status-report?period=FY2009-10-Q2&group_by=meals").await.is(200).json();
    assert_eq!(later["groups"][0]["kpis"][0]["reason"], "no_reading");
    let rows = world.get(Board, "status-report.csv?period=FY2009-10-Q1&group_by=meals").await.is(200).rows();
    let whole = world.get(Board, "status-report.csv?period=FY2009-10-Q1").await.is(200).rows();
    assert_eq!(rows[..whole.len()], whole);
    let of_groups: Vec<_> = rows[whole.len()..]
        .iter()
        .map(|row| ["outcome_area", "priority", "kpi", "group", "status"].map(|column| row[column].as_str()))
        .collect();
    assert_eq!(
        of_groups,
        [["health", "health-1", "GCSE", "free", "off_track"], ["health", "health-1", "GCSE", "paid", "on_track"]]
    );
    let narrowed =
        world.get(Board, "status-report?period=FY2009-10-Q1&group_by=meals&status=on_track").await.is(200).json();
    let shown = |group: usize| narrowed["groups"][group]["kpis"].as_array().unwrap().len();
    assert_eq!((shown(0), shown(1)), (0, 1), "filters hold for groups, too");
    let elsewhere = world.get(Board, "status-report?group_by=meals&outcome_area=safety").await.is(200).json();
    assert_eq!(elsewhere["groups"][1]["kpis"], json!([]));
    let refused = world.get(Board, "status-report?group_by=meal").await.refused(422, "invalid");
    assert_eq!(refused.faults(), [("group_by".to_owned(), "unknown_code".to_owned())]);
    refused.tells("did you mean `meals`?");
}

async fn a_report_by_group_withholds_what_is_small(world: &World) {
    with_meals(world, json!({"sensitive": true})).await;
    report(world, "FY2009-10-Q1", "free", json!({"numerator": 3, "denominator": 40})).await;
    report(world, "FY2009-10-Q1", "paid", json!({"numerator": 300, "denominator": 400})).await;
    let query = "status-report?period=FY2009-10-Q1&group_by=meals";
    let states = async |actor: Actor| {
        let report = world.get(actor, query).await.is(200).json();
        let groups = report["groups"].as_array().unwrap().iter();
        let told = groups.map(|group| {
            let kpi = &group["kpis"][0];
            let state = kpi["data_state"].as_str().unwrap().to_owned();
            assert_eq!(group["counts"]["data_state"][&state], 1, "{actor:?}: {group}");
            (group["group"].as_str().unwrap().to_owned(), state, kpi["value"].is_null())
        });
        told.collect::<Vec<_>>()
    };
    let told =
        |state: &str, hidden| vec![("free".into(), state.into(), hidden), ("paid".into(), "final".into(), false)];
    assert_eq!(states(Board).await, told("final", false));
    // Without a figure for all, the other group gives nothing away; with one it is withheld as well.
    assert_eq!(states(Partner).await, told("suppressed", true));
    report(world, "FY2009-10-Q1", "all", json!({"numerator": 303, "denominator": 440})).await;
    let both = [("free", "suppressed", true), ("paid", "suppressed", true)];
    assert_eq!(states(Partner).await, both.map(|(group, state, hidden)| (group.into(), state.into(), hidden)));
    let hidden = world.patch(Manager, "kpis/GCSE", "*", json!({"publication": "internal"})).await;
    hidden.is(200);
    let report = world.get(Partner, query).await.is(200).json();
    assert_eq!(report["groups"][0]["kpis"], json!([]));
}

async fn the_harrow_plan_has_its_dimensions(world: &World) {
    world.load_harrow().await;
    let listed = world.get(Board, "dimensions").await.is(200).json();
    let told: Vec<_> = listed["items"].as_array().unwrap().iter().map(|one| (&one["code"], &one["complete"])).collect();
    let wanted = [("ethnicity", false), ("free-school-meals", true), ("special-educational-needs", true)];
    assert_eq!(json!(told), json!(wanted));
    let report = world.get(Board, "status-report?period=FY2009-10-Q4&group_by=free-school-meals").await.is(200).json();
    let kpis = |group: usize| {
        let kpis = report["groups"][group]["kpis"].as_array().unwrap();
        kpis.iter().map(|kpi| kpi["kpi"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((kpis(0), kpis(1)), (vec!["NI-73".to_owned(), "NI-75".to_owned()], kpis(0)));
    let turned = world.get(Board, "kpis/LI-EYFS-GAP-BLACK-CARIBBEAN/status?period=AY2008-09").await.is(200).json();
    assert_eq!(turned["gap"]["reversed"], true);
    let told = turned["explanation"].as_str().unwrap();
    assert!(told.contains("56.9 % of Black Caribbean pupils against 56.1 % of all."), "{told}");
}
