//! What a partner of no organisation could work out from what is published, attack by attack: what is withheld so that nothing
//! from 1 to 5 can be found, and that no more is withheld than that takes.

use std::collections::BTreeMap;
use std::io::Read as _;

use serde_json::{Value, json};

use crate::on_both;
use crate::support::cases::Case;
use crate::support::plan::{kpi, small};
use crate::support::{Actor, Answer, World, XLSX, operations};

use Actor::{Administrator, Manager};

on_both! {
    a_plan_and_its_successor_are_one_publication
    the_step_of_a_member_that_nobody_posted_is_guarded
    two_dimensions_of_one_population_are_held_against_each_other
    a_rate_without_its_numbers_is_withheld
    a_rate_whose_numbers_were_checked_is_shown_to_the_kpis_decimals
    what_has_been_shown_is_not_taken_back
    a_baseline_is_not_told_by_a_target_drawn_from_it
    groups_within_a_group_are_guarded_with_it
    a_group_outside_the_partition_switches_nothing_off
    windows_after_an_empty_one_add_up
    knowing_the_rule_does_not_help
    a_difference_of_two_windows_counts_nobody
    nothing_of_a_rolling_share_without_small_numbers_is_withheld
    the_demo_withholds_little_beside_what_is_small
    the_order_of_rows_changes_nothing
    percentages_alone_are_withheld
    nothing_leaves_in_more_decimals_than_the_kpi_has
    a_status_is_the_same_for_everyone_and_its_figure_is_rounded
}

/// The attacker: a partner of no organisation.
const READER: Actor = Actor::Stranger;

/// Lets the attacker in, as a partner whose organisation has no KPI.
async fn let_in(world: &World) {
    world.post(Administrator, "organisations", json!({"code": "onlookers", "title": "Onlookers"})).await.is(201);
    let grant = json!({"subject": READER.name(), "role": "partner", "organisation": "onlookers"});
    world.post(Administrator, "grants", grant).await.is(201);
}

/// The small plan as it stands when both its years are over, with the attacker's grant.
async fn plan(world: &World) {
    world.now_is("2011-05-14T12:00:00Z");
    small(world).await;
    let_in(world).await;
}

/// Makes a sensitive KPI that is published to partners.
async fn sensitive(world: &World, code: &str, changes: Value) {
    let mut definition = json!({"sensitive": true, "publication": "partners"});
    definition.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    world.post(Manager, "kpis", kpi(code, definition)).await.is(201);
}

fn count(aggregation: &str) -> Value {
    json!({"unit": "count", "decimals": 0, "aggregation": aggregation})
}

fn share(aggregation: &str) -> Value {
    json!({"aggregation": aggregation})
}

/// Makes a dimension that covers everyone: `wb<white` is a group within another, `+fsm` one that lies across the others.
async fn dimension(world: &World, code: &str, groups: &str) {
    let group = |text: &str| {
        let (name, within) = text.split_once('<').map_or((text, None), |(name, within)| (name, Some(within)));
        let name = name.trim_start_matches('+');
        let mut group = json!({"code": name, "title": name});
        if let Some(within) = within {
            group["within"] = within.into();
        }
        if text.starts_with('+') {
            group["outside"] = true.into();
        }
        group
    };
    let groups: Value = groups.split_whitespace().map(group).collect();
    let dimension = json!({"code": code, "title": code, "complete": true, "groups": groups});
    world.post(Administrator, "dimensions", dimension).await.is(201);
}

/// `Q1` is the first quarter of 2009/10, `10-Q1` that of 2010/11; `08` is the year 2008/09.
fn period(word: &str) -> String {
    let (year, quarter) = match word.split_once('-') {
        Some((year, quarter)) => (year, Some(quarter)),
        None if word.starts_with('Q') => ("09", Some(word)),
        None => (word, None),
    };
    let year: u32 = year.parse().unwrap();
    let quarter = quarter.map_or_else(String::new, |quarter| format!("-{quarter}"));
    format!("FY20{year:02}-{:02}{quarter}", year + 1)
}

/// Posts figures in their order: `Q1 all 60, Q1 girls 3/40`.
async fn post(world: &World, kpi: &str, figures: &str) {
    for figure in figures.split(',') {
        let [at, group, figure] = figure.split_whitespace().collect::<Vec<_>>().try_into().unwrap();
        let number = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
        let mut body = match figure.split_once('/') {
            Some((over, under)) => json!({"numerator": number(over), "denominator": number(under)}),
            None => json!({"value": number(figure)}),
        };
        let path = format!("kpis/{kpi}/readings/{}?group={group}", period(at));
        body["reason"] = "As it came.".into();
        let answer = world.put(Manager, &path, body).await;
        assert!(answer.status < 300, "{kpi} {at} {group} {answer}");
    }
}

/// What the attacker is shown of a KPI: by period and group a fraction, a figure, or `c`.
async fn seen(world: &World, kpi: &str) -> BTreeMap<(String, String), String> {
    let listed = world.get(READER, &format!("kpis/{kpi}/readings?limit=1000")).await.is(200).json();
    let items = listed["items"].as_array().unwrap().iter();
    let shown = items.map(|item| {
        let text = |name: &str| item[name].as_str().unwrap().to_owned();
        let figure = match (item["suppressed"] == true, &item["numerator"]) {
            (true, _) => "c".to_owned(),
            (false, Value::Null) => item["value"].to_string(),
            (false, over) => format!("{over}/{}", item["denominator"]),
        };
        ((item["period"]["key"].as_str().unwrap().to_owned(), text("group")), figure)
    });
    shown.collect()
}

/// Checks that the attacker is shown exactly this: `Q1 all 60, Q1 girls c`.
async fn shows(world: &World, kpi: &str, wanted: &str) {
    let wanted: BTreeMap<_, _> = wanted
        .split(',')
        .map(|figure| {
            let [at, group, figure] = figure.split_whitespace().collect::<Vec<_>>().try_into().unwrap();
            ((period(at), group.to_owned()), figure.to_owned())
        })
        .collect();
    assert_eq!(seen(world, kpi).await, wanted, "{kpi}");
}

/// Posts figures of a KPI of its own, made like this, and checks what the attacker is shown.
async fn posted_shows(world: &World, code: &str, definition: Value, figures: &str, wanted: &str) {
    sensitive(world, code, definition).await;
    post(world, code, figures).await;
    shows(world, code, wanted).await;
}

async fn succeed(world: &World, code: &str) {
    let next = json!({"code": code, "title": "Next", "starts_on": "2011-04-01", "ends_on": "2013-03-31"});
    world.post(Administrator, "successor", next).await.is(201);
}

async fn a_plan_and_its_successor_are_one_publication(world: &World) {
    plan(world).await;
    dimension(world, "sex", "lasses lads").await;
    for (code, definition) in [
        ("RUNNING", count("year_to_date")),
        ("SHARE", share("year_to_date")),
        ("ONWARD", count("year_to_date")),
        ("PARTED", count("in_period")),
        ("MINDED", count("in_period")),
    ] {
        sensitive(world, code, definition).await;
    }
    post(world, "RUNNING", "10-Q3 all 20").await;
    post(world, "SHARE", "10-Q3 all 20/60").await;
    post(world, "ONWARD", "10-Q3 all 20").await;
    post(world, "PARTED", "10-Q3 all 43").await;
    post(world, "MINDED", "10-Q3 all 30, 10-Q2 all 9").await;
    succeed(world, "next").await;
    // What comes in the old plan, or in the new one, is held against both.
    post(world, "RUNNING", "10-Q4 all 23").await;
    post(world, "SHARE", "10-Q4 all 30/72").await;
    post(world, "MINDED", "10-Q3 all 3").await;
    shows(world, "RUNNING", "10-Q3 all 20, 10-Q4 all c").await;
    shows(world, "SHARE", "10-Q3 all 20/60, 10-Q4 all c").await;
    shows(world, "MINDED", "10-Q2 all 9, 10-Q3 all c").await;
    world.enter("next");
    shows(world, "RUNNING", "10-Q3 all 20").await;
    shows(world, "MINDED", "10-Q2 all 9, 10-Q3 all 30").await;
    post(world, "ONWARD", "10-Q4 all 23").await;
    shows(world, "ONWARD", "10-Q3 all 20, 10-Q4 all c").await;
    post(world, "PARTED", "10-Q3 lasses 40").await;
    shows(world, "PARTED", "10-Q3 all 43, 10-Q3 lasses c").await;
    world.enter("small");
    shows(world, "ONWARD", "10-Q3 all 20").await;
    shows(world, "PARTED", "10-Q3 all 43").await;
}

async fn the_step_of_a_member_that_nobody_posted_is_guarded(world: &World) {
    plan(world).await;
    dimension(world, "sex", "lasses lads").await;
    dimension(world, "age", "young middle old").await;
    // The lads came to 34 from 30.
    let (figures, wanted) =
        ("Q1 all 60, Q1 lasses 30, Q2 all 84, Q2 lasses 50", "Q1 all 60, Q1 lasses 30, Q2 all 84, Q2 lasses c");
    posted_shows(world, "STEP", count("year_to_date"), figures, wanted).await;
    posted_shows(
        world,
        "STEP-SHARE",
        share("year_to_date"),
        "Q1 all 60/160, Q1 lasses 30/80, Q2 all 84/200, Q2 lasses 50/100",
        "Q1 all 60/160, Q1 lasses 30/80, Q2 all 84/200, Q2 lasses c",
    )
    .await;
    // Of two that nobody posted, what they come to together; and three from nothing is three.
    posted_shows(
        world,
        "STEP-AGE",
        count("year_to_date"),
        "Q1 all 60, Q1 young 30, Q2 all 84, Q2 young 50",
        "Q1 all 60, Q1 young 30, Q2 all 84, Q2 young c",
    )
    .await;
    posted_shows(
        world,
        "STEP-NONE",
        count("year_to_date"),
        "Q1 all 30, Q1 lasses 30, Q2 all 53, Q2 lasses 50",
        "Q1 all 30, Q1 lasses 30, Q2 all 53, Q2 lasses c",
    )
    .await;
    // A step of nobody tells of nobody, and another year begins anew.
    let (figures, open) =
        ("Q1 all 60, Q1 lasses 30, Q2 all 80, Q2 lasses 50", "Q1 all 60, Q1 lasses 30, Q2 all 80, Q2 lasses 50");
    posted_shows(world, "STEP-OPEN", count("year_to_date"), figures, open).await;
    let (figures, open) = (
        "Q4 all 60, Q4 lasses 30, 10-Q1 all 84, 10-Q1 lasses 50",
        "Q4 all 60, Q4 lasses 30, 10-Q1 all 84, 10-Q1 lasses 50",
    );
    posted_shows(world, "STEP-YEAR", count("year_to_date"), figures, open).await;
    // Windows that differ by four are no step of four.
    let (figures, open) =
        ("Q1 all 60, Q1 lasses 30, Q2 all 84, Q2 lasses 50", "Q1 all 60, Q1 lasses 30, Q2 all 84, Q2 lasses 50");
    posted_shows(world, "STEP-ROLLING", count("rolling_12_months"), figures, open).await;
}

async fn two_dimensions_of_one_population_are_held_against_each_other(world: &World) {
    plan(world).await;
    dimension(world, "sex", "lasses lads").await;
    dimension(world, "lunch", "meals none").await;
    dimension(world, "age", "young middle old").await;
    // Meals are 30 + 13 - 40.
    let (figures, wanted) = ("Q1 lasses 30, Q1 lads 13, Q1 none 40", "Q1 lasses 30, Q1 lads c, Q1 none 40");
    posted_shows(world, "TWO", count("in_period"), figures, wanted).await;
    posted_shows(
        world,
        "TWO-SHARE",
        share("in_period"),
        "Q1 lasses 30/60, Q1 lads 13/40, Q1 none 40/80",
        "Q1 lasses 30/60, Q1 lads c, Q1 none 40/80",
    )
    .await;
    posted_shows(
        world,
        "TWO-AGE",
        count("in_period"),
        "Q1 young 20, Q1 middle 25, Q1 old 30, Q1 none 71",
        "Q1 young c, Q1 middle 25, Q1 old 30, Q1 none 71",
    )
    .await;
    // From one period to the next: meals were 6 and come to 9.
    posted_shows(
        world,
        "TWO-STEP",
        count("year_to_date"),
        "Q1 lasses 30, Q1 lads 16, Q1 none 40, Q2 lasses 50, Q2 lads 29, Q2 none 70",
        "Q1 lasses 30, Q1 lads 16, Q1 none 40, Q2 lasses 50, Q2 lads c, Q2 none 70",
    )
    .await;
    let (figures, open) = ("Q1 lasses 30, Q1 lads 13, Q1 none 30", "Q1 lasses 30, Q1 lads 13, Q1 none 30");
    posted_shows(world, "TWO-OPEN", count("in_period"), figures, open).await;
}

async fn a_rate_without_its_numbers_is_withheld(world: &World) {
    plan(world).await;
    dimension(world, "parts", "p q r").await;
    posted_shows(
        world,
        "BARE",
        share("in_period"),
        "Q1 all 10/30, Q1 p 50, Q1 q 33.333333, Q1 r 12.5",
        "Q1 all 10/30, Q1 p c, Q1 q c, Q1 r c",
    )
    .await;
    let rate = json!({"unit": "rate", "multiplier": 1000});
    posted_shows(world, "BARE-RATE", rate, "Q1 all 8.3, Q2 all 30/3600", "Q1 all c, Q2 all 30/3600").await;
    posted_shows(world, "BARE-RATIO", json!({"unit": "ratio"}), "Q1 all 2.1, Q2 all 0", "Q1 all c, Q2 all c").await;
    // Days are counted over nobody, and a count is its own number.
    posted_shows(world, "DAYS", json!({"unit": "days"}), "Q1 all 15.8", "Q1 all 15.8").await;
    posted_shows(world, "COUNT", count("in_period"), "Q1 all 15", "Q1 all 15").await;
    // Whoever may see small numbers sees these as well.
    let board = world.get(Actor::Board, "kpis/BARE/readings/FY2009-10-Q1?group=q").await.is(200).json();
    assert_eq!((board["value"].to_string().as_str(), &board["suppressed"]), ("33.333333", &json!(false)));
}

async fn a_rate_whose_numbers_were_checked_is_shown_to_the_kpis_decimals(world: &World) {
    plan(world).await;
    posted_shows(world, "CHECKED", share("in_period"), "Q1 all 15.789474, Q2 all 22.54", "Q1 all c, Q2 all c").await;
    world.patch(Manager, "kpis/CHECKED", "*", json!({"numbers_checked": true})).await.is(200);
    shows(world, "CHECKED", "Q1 all 15.8, Q2 all 22.5").await;
    let status = world.get(READER, "kpis/CHECKED/status?period=FY2009-10-Q2").await.is(200).json();
    assert_eq!((&status["value"], &status["reported"]), (&json!(22.5), &json!(22.5)));
    world.patch(Manager, "kpis/CHECKED", "*", json!({"decimals": 3})).await.is(200);
    shows(world, "CHECKED", "Q1 all 15.789, Q2 all 22.54").await;
    world.patch(Manager, "kpis/CHECKED", "*", json!({"decimals": 0})).await.is(200);
    shows(world, "CHECKED", "Q1 all 16, Q2 all 23").await;
    // A word that was taken back is no longer given, whatever moment is asked about.
    let moment = world.now().to_rfc3339().replace('+', "%2B");
    world.now_is("2011-05-14T13:00:00Z");
    world.patch(Manager, "kpis/CHECKED", "*", json!({"numbers_checked": false})).await.is(200);
    shows(world, "CHECKED", "Q1 all c, Q2 all c").await;
    let then = world.get(READER, &format!("kpis/CHECKED/readings?as_of={moment}")).await.is(200).json();
    assert!(then["items"].as_array().unwrap().iter().all(|item| item["value"].is_null()), "{then}");
}

async fn what_has_been_shown_is_not_taken_back(world: &World) {
    plan(world).await;
    sensitive(world, "RUNNING", count("year_to_date")).await;
    post(world, "RUNNING", "Q1 all 20").await;
    shows(world, "RUNNING", "Q1 all 20").await;
    post(world, "RUNNING", "Q2 all 23").await;
    shows(world, "RUNNING", "Q1 all 20, Q2 all c").await;
    post(world, "RUNNING", "Q3 all 24").await;
    shows(world, "RUNNING", "Q1 all 20, Q2 all c, Q3 all c").await;
    post(world, "RUNNING", "Q4 all 26").await;
    shows(world, "RUNNING", "Q1 all 20, Q2 all c, Q3 all c, Q4 all 26").await;
    // In whatever order they come.
    posted_shows(
        world,
        "BACKWARDS",
        count("year_to_date"),
        "Q4 all 26, Q3 all 24, Q2 all 23, Q1 all 20",
        "Q1 all 20, Q2 all c, Q3 all c, Q4 all 26",
    )
    .await;
    // What waits is shown when it no longer tells anything.
    post(world, "RUNNING", "Q4 all 60, Q3 all 40, Q2 all 28").await;
    shows(world, "RUNNING", "Q1 all 20, Q2 all 28, Q3 all 40, Q4 all 60").await;
    // The same of shares: one more child was counted out of as many more as there were.
    posted_shows(
        world,
        "SHARES",
        share("year_to_date"),
        "Q1 all 20/40, Q2 all 23/60, Q3 all 36/80",
        "Q1 all 20/40, Q2 all c, Q3 all 36/80",
    )
    .await;
    // And of a group that was shown: what all of a later quarter would tell of another waits.
    dimension(world, "sex", "lasses lads").await;
    sensitive(world, "GROUPED", count("year_to_date")).await;
    post(world, "GROUPED", "Q1 all 60, Q1 lasses 30, Q1 lads 30").await;
    shows(world, "GROUPED", "Q1 all 60, Q1 lads 30, Q1 lasses 30").await;
    post(world, "GROUPED", "Q2 all 84, Q2 lasses 50, Q2 lads 34").await;
    let after = seen(world, "GROUPED").await;
    let of = |at: &str, group: &str| after[&(period(at), group.to_owned())].clone();
    assert_eq!([of("Q1", "all"), of("Q1", "lasses"), of("Q1", "lads")], ["60", "30", "30"]);
    assert_eq!([of("Q2", "lasses"), of("Q2", "lads"), of("Q2", "all")], ["c", "c", "84"]);
}

async fn a_baseline_is_not_told_by_a_target_drawn_from_it(world: &World) {
    plan(world).await;
    let yearly = |baseline: Value| {
        let mut definition = count("in_period");
        let members =
            json!({"frequency": "year", "profile": "linear", "baseline": {"period": "FY2008-09", "value": baseline}});
        definition.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        definition
    };
    sensitive(world, "DRAWN", yearly(json!(3))).await;
    post(world, "DRAWN", "08 all 3, 09 all 30").await;
    world.put(Manager, "kpis/DRAWN/targets/FY2010-11", json!({"value": 13})).await.is(201);
    let target = async |kpi: &str, period: &str| {
        let status = world.get(READER, &format!("kpis/{kpi}/status?period={period}")).await.is(200).json();
        let members =
            ["target", "variance", "amber_limit", "next_better", "next_worse"].map(|name| status[name].clone());
        (status["target"]["value"].clone(), members.iter().all(Value::is_null), status["reason"].clone())
    };
    assert_eq!(target("DRAWN", "FY2009-10").await, (Value::Null, true, json!("suppressed")));
    post(world, "DRAWN", "08 all 10").await;
    shows(world, "DRAWN", "08 all 10, 09 all 30").await;
    assert_eq!(target("DRAWN", "FY2009-10").await, (Value::Null, true, json!("suppressed")), "8 x 2 - 13 is 3");
    assert_eq!(world.get(Manager, "kpis/DRAWN/status?period=FY2009-10").await.is(200).json()["target"]["value"], 8);
    for path in ["kpis/DRAWN/series", "status-report?period=FY2009-10", "kpis/DRAWN", "kpis/DRAWN/versions"] {
        let answer = world.get(READER, path).await.is(200).json();
        let mut told = Vec::new();
        numbers_of("DRAWN", &answer, &mut told);
        assert!(!told.iter().any(|number| ["3", "8"].contains(&number.as_str())), "{path}: {answer}");
    }
    // A target that was set is nobody's figure.
    assert_eq!(target("DRAWN", "FY2010-11").await.0, 13);
    // A baseline that is another figure than the one it was taken from, one that nobody posted, and one that is open to all.
    sensitive(world, "ALONE", yearly(json!(4))).await;
    sensitive(world, "OPEN", yearly(json!(23))).await;
    for (code, figures) in [("ALONE", "09 all 30"), ("OPEN", "08 all 23, 09 all 30")] {
        post(world, code, figures).await;
        world.put(Manager, &format!("kpis/{code}/targets/FY2010-11"), json!({"value": 13})).await.is(201);
    }
    assert_eq!(target("ALONE", "FY2009-10").await.0, Value::Null);
    assert_eq!(target("OPEN", "FY2009-10").await.0, 18);
    // What a baseline was can be read off the targets of its time.
    world.now_is("2011-05-15T12:00:00Z");
    world.patch(Manager, "kpis/ALONE", "*", json!({"baseline": {"period": "FY2008-09", "value": 40}})).await.is(200);
    let then = "kpis/ALONE/status?period=FY2009-10&as_of=2011-05-14T12:30:00Z";
    assert_eq!(world.get(READER, then).await.is(200).json()["target"], Value::Null);
}

/// Every number in what an answer says of a KPI, as it is written.
fn numbers_of(kpi: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| numbers_of(kpi, item, found)),
        Value::Object(members) => {
            if members.get("kpi").or(members.get("code")).is_some_and(|code| code == kpi) {
                let figures = ["value", "reported", "variance", "low", "high", "amber_limit", "from_value", "at_value"];
                let mut all = Vec::new();
                pick(value, &figures, &mut all);
                found.extend(all);
            }
            members.values().for_each(|member| numbers_of(kpi, member, found));
        }
        _ => {}
    }
}

fn pick(value: &Value, names: &[&str], found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| pick(item, names, found)),
        Value::Object(members) => {
            for (name, member) in members {
                if names.contains(&name.as_str()) && member.is_number() {
                    found.push(member.to_string());
                }
                pick(member, names, found);
            }
        }
        _ => {}
    }
}

async fn groups_within_a_group_are_guarded_with_it(world: &World) {
    plan(world).await;
    dimension(world, "broad", "white asian other").await;
    dimension(world, "detail", "wb<white wo<white in<asian pk<asian ot<other").await;
    let broad = "Q1 all 140, Q1 white 45, Q1 asian 55, Q1 other 40";
    posted_shows(
        world,
        "NESTED",
        count("in_period"),
        &format!("{broad}, Q1 wb 42, Q1 wo 3, Q1 in 30, Q1 pk 25, Q1 ot 40"),
        &format!("{broad}, Q1 wb c, Q1 wo c, Q1 in 30, Q1 pk 25, Q1 ot 40"),
    )
    .await;
    // Where nobody posted the small one, or not all of the others.
    posted_shows(
        world,
        "NESTED-REST",
        count("in_period"),
        &format!("{broad}, Q1 wb 42, Q1 in 30, Q1 pk 25"),
        &format!("{broad}, Q1 wb c, Q1 in 30, Q1 pk 25"),
    )
    .await;
    // White is 30 and 12 though nobody posted it, and so all others are 100 less 55 and 42.
    posted_shows(
        world,
        "NESTED-UP",
        count("in_period"),
        "Q1 all 100, Q1 asian 55, Q1 wb 30, Q1 wo 12",
        "Q1 all 100, Q1 asian 55, Q1 wb 30, Q1 wo c",
    )
    .await;
    // From one quarter to the next: the others of white came to 14 from 10.
    posted_shows(
        world,
        "NESTED-STEP",
        count("year_to_date"),
        "Q1 white 45, Q1 wb 35, Q2 white 69, Q2 wb 55",
        "Q1 white 45, Q1 wb 35, Q2 white 69, Q2 wb c",
    )
    .await;
    posted_shows(
        world,
        "NESTED-OPEN",
        count("in_period"),
        &format!("{broad}, Q1 wb 35, Q1 wo 10, Q1 in 30, Q1 pk 25, Q1 ot 40"),
        &format!("{broad}, Q1 wb 35, Q1 wo 10, Q1 in 30, Q1 pk 25, Q1 ot 40"),
    )
    .await;
}

async fn a_group_outside_the_partition_switches_nothing_off(world: &World) {
    plan(world).await;
    dimension(world, "years", "m1 m2 m3 +meals").await;
    let (figures, wanted) =
        ("Q1 all 32, Q1 m1 20, Q1 m2 9, Q1 m3 3, Q1 meals 14", "Q1 all 32, Q1 m1 20, Q1 m2 c, Q1 m3 c, Q1 meals 14");
    posted_shows(world, "OUTSIDE", count("in_period"), figures, wanted).await;
    posted_shows(
        world,
        "OUTSIDE-SHARE",
        share("in_period"),
        "Q1 all 32/96, Q1 m1 20/50, Q1 m2 9/26, Q1 m3 3/20, Q1 meals 14/40",
        "Q1 all 32/96, Q1 m1 20/50, Q1 m2 c, Q1 m3 c, Q1 meals 14/40",
    )
    .await;
    // What it leaves of everyone is a figure: two have no meals.
    posted_shows(
        world,
        "OUTSIDE-LEFT",
        count("in_period"),
        "Q1 all 32, Q1 m1 12, Q1 m2 10, Q1 m3 10, Q1 meals 30",
        "Q1 all 32, Q1 m1 12, Q1 m2 10, Q1 m3 10, Q1 meals c",
    )
    .await;
    // And where nobody says that the others cover everyone, the figures do.
    let groups = json!([
        {"code": "n1", "title": "n1"}, {"code": "n2", "title": "n2"}, {"code": "n3", "title": "n3"},
        {"code": "lunches", "title": "lunches"}
    ]);
    let unsaid = json!({"code": "unsaid", "title": "Unsaid", "complete": false, "groups": groups});
    world.post(Administrator, "dimensions", unsaid).await.is(201);
    let (figures, wanted) = (
        "Q1 all 32, Q1 n1 20, Q1 n2 9, Q1 n3 3, Q1 lunches 14",
        "Q1 all 32, Q1 n1 20, Q1 n2 c, Q1 n3 c, Q1 lunches 14",
    );
    posted_shows(world, "UNSAID", count("in_period"), figures, wanted).await;
}

async fn windows_after_an_empty_one_add_up(world: &World) {
    plan(world).await;
    dimension(world, "parts", "p q x").await;
    // Nobody in the year to the first quarter: from there on the windows only grow, so that p is known without being shown.
    posted_shows(
        world,
        "WINDOWS",
        count("rolling_12_months"),
        "Q1 all 0, Q1 p 0, Q1 q 0, Q1 x 0, Q2 all 30, Q2 p 30, Q2 q 0, Q2 x 0, \
         Q3 all 133, Q3 p 30, Q3 q 3, Q3 x 100, Q4 all 239, Q4 p 30, Q4 q 9, Q4 x 200",
        "Q1 all 0, Q1 p 0, Q1 q 0, Q1 x 0, Q2 all 30, Q2 p 30, Q2 q 0, Q2 x 0, \
         Q3 all 133, Q3 p c, Q3 q c, Q3 x 100, Q4 all 239, Q4 p c, Q4 q c, Q4 x 200",
    )
    .await;
    // A step from an empty window is as good as a figure.
    posted_shows(
        world,
        "FIRST",
        count("rolling_12_months"),
        "Q1 all 0, Q2 all 20, Q3 all 23",
        "Q1 all 0, Q2 all 20, Q3 all c",
    )
    .await;
}

async fn knowing_the_rule_does_not_help(world: &World) {
    plan(world).await;
    dimension(world, "parts", "p q r s").await;
    sensitive(world, "RULE", count("in_period")).await;
    post(world, "RULE", "Q1 all 47, Q1 p 6, Q1 q 6, Q1 r 5, Q1 s 30").await;
    let seen = seen(world, "RULE").await;
    let withheld: Vec<&str> =
        seen.iter().filter(|(_, figure)| *figure == "c").map(|((_, group), _)| group.as_str()).collect();
    // With one of the sixes r would be 11 less 6 and no other, as the rule withholds the next smallest.
    assert!(withheld.contains(&"r") && withheld.len() > 2, "{seen:?}");
    assert!(!withheld.contains(&"all"), "{seen:?}");
    for (figures, least) in
        [("Q1 all 17, Q1 p 6, Q1 q 6, Q1 r 5, Q1 s 0", 3), ("Q1 all 60, Q1 p 3, Q1 q 20, Q1 r 37, Q1 s 0", 2)]
    {
        let code = format!("RULE-{least}");
        sensitive(world, &code, count("in_period")).await;
        post(world, &code, figures).await;
        let withheld = self::seen(world, &code).await.values().filter(|figure| *figure == "c").count();
        assert!(withheld >= least && withheld <= 4, "{figures}: {withheld}");
    }
}

async fn a_difference_of_two_windows_counts_nobody(world: &World) {
    plan(world).await;
    let (figures, open) = ("Q1 all 40, Q2 all 43, Q3 all 38, Q4 all 40", "Q1 all 40, Q2 all 43, Q3 all 38, Q4 all 40");
    posted_shows(world, "WINDOWS", count("rolling_12_months"), figures, open).await;
    let (figures, open) = (
        "Q1 all 18/146, Q2 all 19/149, Q3 all 21/153, Q4 all 20/150",
        "Q1 all 18/146, Q2 all 19/149, Q3 all 21/153, Q4 all 20/150",
    );
    posted_shows(world, "SHARES", share("rolling_12_months"), figures, open).await;
    // What is small itself is withheld as ever.
    let (figures, wanted) = ("Q1 all 40, Q2 all 4", "Q1 all 40, Q2 all c");
    posted_shows(world, "SMALL", count("rolling_12_months"), figures, wanted).await;
}

async fn nothing_of_a_rolling_share_without_small_numbers_is_withheld(world: &World) {
    world.load_harrow().await;
    let_in(world).await;
    let shown = seen(world, "NI-62").await;
    assert!(shown.len() >= 8 && shown.values().all(|figure| figure != "c"), "{shown:?}");
}

async fn the_demo_withholds_little_beside_what_is_small(world: &World) {
    world.load_harrow().await;
    let_in(world).await;
    let items = async |actor: Actor, path: &str| -> Vec<Value> {
        world.get(actor, path).await.is(200).json()["items"].as_array().unwrap().clone()
    };
    let defined = items(Actor::Board, "kpis?limit=1000").await;
    let whole = items(Actor::Board, "readings?limit=1000").await;
    let place = |item: &Value| [item["kpi"].clone(), item["period"]["key"].clone(), item["group"].clone()];
    let is_small = |number: &Value| number.as_i64().is_some_and(|number| (1..=5).contains(&number));
    let (mut figures, mut withheld, mut small) = (0, 0, 0);
    for seen in items(READER, "readings?limit=1000").await {
        let kpi = defined.iter().find(|kpi| kpi["code"] == seen["kpi"]).unwrap();
        if kpi["sensitive"] == false {
            continue;
        }
        figures += 1;
        if seen["suppressed"] == true {
            withheld += 1;
            let posted = whole.iter().find(|one| place(one) == place(&seen)).unwrap();
            let rest = posted["denominator"].as_i64().zip(posted["numerator"].as_i64());
            let rest = rest.map_or(Value::Null, |(under, over)| (under - over).into());
            let count = if kpi["unit"] == "count" { &posted["value"] } else { &Value::Null };
            small +=
                usize::from([&posted["numerator"], &posted["denominator"], &rest, count].into_iter().any(is_small));
        }
    }
    let secondary = withheld - small;
    assert_eq!((figures, withheld, small, secondary), (94, 26, 22, 4), "docs/small-numbers.md tells these");
}

async fn the_order_of_rows_changes_nothing(world: &World) {
    let case = Case("field/01-total-first-withholds-everything");
    let mut seen_by_file = Vec::new();
    for (plan, file) in [("first", "total-first.csv"), ("last", "total-last.csv")] {
        case.set_up_as(world, plan).await;
        let_in(world).await;
        world.import(Manager, "readings", case.file(file)).await.is(200);
        seen_by_file.push(seen(world, "K").await);
        let rows = world.get(READER, "readings.csv").await.is(200).rows();
        let shown: Vec<_> = rows.iter().filter(|row| row["symbol"] != "c").map(|row| row["group"].as_str()).collect();
        assert_eq!(shown, ["all", "g6"], "{file}");
    }
    assert_eq!(seen_by_file[0], seen_by_file[1]);
    // Figure by figure as well, the small one first, or in the middle.
    for (code, figures) in [
        ("ONE", "Q1 all 100, Q1 g1 3, Q1 g2 20, Q1 g3 25, Q1 g4 52"),
        ("TWO", "Q1 g1 3, Q1 g4 52, Q1 g2 20, Q1 all 100, Q1 g3 25"),
        ("THREE", "Q1 g3 25, Q1 g2 20, Q1 g1 3, Q1 g4 52, Q1 all 100"),
    ] {
        let mut definition = kpi(code, count("in_period"));
        definition["priority"] = "pr".into();
        definition
            .as_object_mut()
            .unwrap()
            .extend(json!({"sensitive": true, "publication": "partners"}).as_object().unwrap().clone());
        world.post(Manager, "kpis", definition).await.is(201);
        post(world, code, &format!("{figures}, Q1 g5 0, Q1 g6 0, Q1 g7 0, Q1 g8 0, Q1 g9 0")).await;
        let seen = seen(world, code).await;
        let withheld: Vec<_> =
            seen.iter().filter(|(_, figure)| *figure == "c").map(|((_, group), _)| group.as_str()).collect();
        assert_eq!(withheld, ["g1", "g2"], "{code}");
    }
}

async fn percentages_alone_are_withheld(world: &World) {
    let case = Case("field/05-sensitive-percentage-without-its-fraction");
    case.set_up(world).await;
    let_in(world).await;
    world.import(Manager, "readings", case.file("send.csv")).await.is(200);
    let rows = world.get(READER, "readings.csv").await.is(200).rows();
    let cells: Vec<_> =
        rows.iter().map(|row| [&row["group"], &row["value"], &row["symbol"]].map(String::as_str)).collect();
    assert_eq!(cells, [["all", "", "c"], ["g1", "", "c"], ["g2", "", "c"]]);
    // One by one, and for the public alike.
    world.put(Manager, "kpis/K/readings/CY2022", json!({"value": 17.5})).await.is(201);
    world.patch(Administrator, "", "*", json!({"visibility": "public"})).await.is(200);
    world.patch(Manager, "kpis/K", "*", json!({"publication": "public"})).await.is(200);
    for actor in [READER, Actor::Public] {
        let status = world.get(actor, "kpis/K/status?period=CY2022").await.is(200).json();
        assert_eq!((&status["value"], &status["reason"]), (&Value::Null, &json!("suppressed")));
    }
    world.patch(Manager, "kpis/K", "*", json!({"numbers_checked": true})).await.is(200);
    assert_eq!(world.get(READER, "kpis/K/status?period=CY2022").await.is(200).json()["value"], 17.5);
}

/// The first number in a text with more than one decimal.
fn too_precise(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    // `10:00:00.25Z` and `0.1.0` are no figures.
    let part_of_more = |from: usize| from > 0 && [b':', b'.'].contains(&bytes[from - 1]);
    (1..bytes.len()).find_map(|point| {
        if bytes[point] != b'.' || !is_digit(point - 1) || !is_digit(point + 1) || !is_digit(point + 2) {
            return None;
        }
        let from = (0..point).rev().find(|at| !is_digit(*at)).map_or(0, |at| at + 1);
        (!part_of_more(from)).then(|| text.get(from.saturating_sub(40)..(point + 12).min(text.len()))).flatten()
    })
}

/// What an answer says as a text: of a workbook all that its parts do.
fn said(answer: &Answer) -> String {
    if answer.media_type() != XLSX {
        return answer.text();
    }
    let mut package = zip::ZipArchive::new(std::io::Cursor::new(&answer.body)).unwrap();
    let parts = (0..package.len()).map(|at| {
        let mut part = package.by_index(at).unwrap();
        let mut text = String::new();
        if !part.name().unwrap().starts_with("xl/worksheets") && !part.name().unwrap().ends_with("sharedStrings.xml") {
            return text;
        }
        part.read_to_string(&mut text).unwrap();
        // Of a sheet its cells alone: widths of columns and margins are no figures.
        let cells =
            text.split_once("<sheetData>").map(|(_, cells)| cells.split("</sheetData>").next().unwrap().to_owned());
        // Neither are the heights of rows.
        let cells = cells.unwrap_or(text);
        let mut pieces = cells.split(" ht=\"");
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |all, piece| all + piece.split_once('"').map_or("", |(_, rest)| rest))
    });
    parts.collect()
}

async fn nothing_leaves_in_more_decimals_than_the_kpi_has(world: &World) {
    plan(world).await;
    let checked = |more: Value| {
        let mut definition = json!({"numbers_checked": true, "polarity": "higher_is_better"});
        definition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        definition
    };
    // Of a tolerance in points no limit has more decimals than the target that it is measured from.
    let baseline =
        json!({"policy": "rag-points", "profile": "linear", "baseline": {"period": "FY2008-09", "value": 14.44}});
    sensitive(world, "PRECISE", checked(baseline)).await;
    sensitive(world, "FRACTION", checked(json!({"policy": "rag-points", "aggregation": "rolling_12_months"}))).await;
    let gap = json!({
        "formula": {"kind": "gap", "of": "PRECISE", "group": "fsm", "comparator": "non-fsm"},
        "unit": "percentage_points", "polarity": "lower_is_better", "publication": "partners"
    });
    world.post(Manager, "kpis", kpi("PRECISE-GAP", gap)).await.is(201);
    for code in ["PRECISE", "FRACTION", "PRECISE-GAP"] {
        for year in ["FY2009-10", "FY2010-11"] {
            world.put(Manager, &format!("kpis/{code}/targets/{year}"), json!({"value": 20})).await.is(201);
        }
    }
    let more = json!({"benchmarks": {"figures": [{"authority": "barnet", "title": "Barnet", "value": 5.1}]}});
    let group =
        json!({"code": "near", "title": "Near", "editions": [{"from": "2007-04-01", "authorities": ["barnet"]}]});
    world.post(Manager, "comparator-groups", group).await.is(201);
    for (quarter, rate, over) in
        [("Q1", "15.789474", 119), ("Q2", "16.666667", 123), ("Q3", "17.142857", 131), ("Q4", "18.181818", 137)]
    {
        post(
            world,
            "PRECISE",
            &format!(
                "{quarter} all {rate}, {quarter} fsm 11.111111, {quarter} non-fsm {rate}, 10-{quarter} all {rate}"
            ),
        )
        .await;
        post(world, "FRACTION", &format!("{quarter} all {over}/190")).await;
        let at = period(quarter);
        let figure =
            json!({"value": serde_json::from_str::<Value>(rate).unwrap(), "forecast": 19.876, "reason": "Expected."});
        world.put(Manager, &format!("kpis/PRECISE/readings/{at}"), figure).await.is(200);
        world.put(Manager, &format!("benchmarks/PRECISE/{at}"), more["benchmarks"].clone()).await.is(201);
    }
    let mut asked = 0;
    for code in ["PRECISE", "FRACTION", "PRECISE-GAP"] {
        for operation in operations().filter(|one| one.method == "get" && one.is_of_a_plan()) {
            let path =
                operation.path.replace("{plan}", "small").replace("{kpi}", code).replace("{period}", "FY2009-10-Q3");
            // What else is named in an address is no way to a figure of these.
            if path.contains('{') || !operation.path.contains("{kpi}") && code != "PRECISE" {
                continue;
            }
            for query in queries(&operation) {
                for kind in operation.media_types() {
                    let answer = world.get(READER, &format!("{path}{query}")).header("accept", kind).await;
                    if answer.status == 200 {
                        asked += 1;
                        let text = said(&answer);
                        assert_eq!(too_precise(&text), None, "{path}{query} as {kind}: {text}");
                    }
                }
            }
        }
    }
    assert!(asked > 60, "{asked} answers");
    // It was there to be told.
    let board = world.get(Actor::Board, "kpis/PRECISE/status?period=FY2009-10-Q1").await.is(200).json();
    assert_eq!(board["value"].to_string(), "15.789474");
    let status = world.get(READER, "kpis/PRECISE-GAP/status?period=FY2009-10-Q1").await.is(200).json();
    assert_eq!((&status["value"], &status["gap"]["group_value"]), (&json!(4.7), &json!(11.1)), "{status}");
    // A gap has no more decimals than what it is computed from.
    world.patch(Manager, "kpis/PRECISE-GAP", "*", json!({"decimals": 3})).await.is(200);
    let status = world.get(READER, "kpis/PRECISE-GAP/status?period=FY2009-10-Q1").await.is(200).json();
    assert_eq!(
        (&status["value"], &status["reported_text"]),
        (&json!(4.7), &json!("4.7 percentage points")),
        "{status}"
    );
}

/// The ways in which an operation is asked.
fn queries(operation: &crate::support::Operation) -> Vec<String> {
    let mut queries = vec![String::new()];
    let alone = [
        ("period", vec!["FY2009-10-Q2", "FY2009-10", "FY2010-11-Q1"]),
        ("group", vec!["fsm", "non-fsm"]),
        ("group_by", vec!["pupils"]),
        ("as_of", vec!["2011-05-14T12:00:00Z"]),
        ("after", vec!["0"]),
    ];
    for (name, values) in alone.into_iter().filter(|(name, _)| operation.takes(name)) {
        queries.extend(values.iter().map(|value| format!("?{name}={value}")));
    }
    queries
}

async fn a_status_is_the_same_for_everyone_and_its_figure_is_rounded(world: &World) {
    plan(world).await;
    let exact = json!({"code": "exact", "title": "Exact", "compare": "exact", "tolerance": {"kind": "percent", "value": 10}, "bands": [
        {"code": "green", "label": "Green", "status": "on_track", "from": 0}, {"code": "amber", "label": "Amber", "status": "at_risk", "from": -1},
        {"code": "red", "label": "Red", "status": "off_track"}
    ]});
    world.post(Manager, "policies", exact).await.is(201);
    sensitive(world, "EXACT", json!({"numbers_checked": true, "policy": "exact"})).await;
    world.put(Manager, "kpis/EXACT/targets/FY2009-10-Q1", json!({"value": 15})).await.is(201);
    post(world, "EXACT", "Q1 all 14.96").await;
    let path = "kpis/EXACT/status?period=FY2009-10-Q1";
    let (member, partner) =
        (world.get(Actor::Board, path).await.is(200).json(), world.get(READER, path).await.is(200).json());
    assert_eq!([&member["status"], &partner["status"]], ["at_risk", "at_risk"]);
    assert_eq!([&member["value"], &partner["value"], &partner["variance"]], [&json!(14.96), &json!(15), &Value::Null]);
    let told = partner["explanation"].as_str().unwrap();
    assert!(
        told.contains("more exact than the figures shown here") && !told.contains("14.96") && !told.contains("0.04"),
        "{told}"
    );
    // To its own organisation nothing is rounded.
    world.patch(Manager, "kpis/EXACT", "*", json!({"lead_organisation": "pct"})).await.is(200);
    assert_eq!(world.get(Actor::Partner, path).await.is(200).json()["value"], json!(14.96));
}
