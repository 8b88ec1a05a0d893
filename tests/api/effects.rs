//! Writing: what a change moves is named to the last report, what is not given stays as it is, and words alone change no
//! definition.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::Method;
use calamine::{Reader, Xlsx};
use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::{empty, framework, kpi, slices, small};
use crate::support::{Actor, Answer, World, XLSX};

use Actor::{Administrator, Board, Contributor, Lead, Manager};

on_both! {
    effects_name_all_that_moves_and_nothing_else
    a_year_s_figure_moves_every_report_that_brings_it
    a_target_moves_groups_too
    a_member_that_is_absent_leaves_what_is_there
    a_column_that_is_absent_leaves_what_is_there
    an_empty_cell_clears_and_null_does
    a_return_leaves_what_its_figures_do_not_say
    after_the_close_words_need_no_reason
    a_word_beside_a_figure_is_no_new_definition
    who_determined_a_status_stays
    a_target_keeps_what_is_not_said_again
    targets_in_files_keep_what_is_not_said_again
    a_figure_for_a_placeholder_is_warned_of
    a_change_of_words_begins_no_new_definition
    an_editorial_change_is_of_words_alone
    targets_come_in_one_order
}

/// Numbers that look random, and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }

    fn of<T: Copy>(&mut self, choice: &[T]) -> T {
        choice[self.below(choice.len())]
    }
}

const MONTHS: [&str; 16] = [
    "2009-01", "2009-02", "2009-03", "2009-04", "2009-05", "2009-06", "2009-07", "2009-08", "2009-09", "2009-10",
    "2009-11", "2009-12", "2010-01", "2010-02", "2010-03", "2010-04",
];
const QUARTERS: [&str; 7] =
    ["FY2008-09-Q2", "FY2008-09-Q3", "FY2008-09-Q4", "FY2009-10-Q1", "FY2009-10-Q2", "FY2009-10-Q3", "FY2009-10-Q4"];
const TERMS: [&str; 5] = ["AY2008-09-T1", "AY2008-09-T2", "AY2008-09-T3", "AY2009-10-T1", "AY2009-10-T2"];
const YEARS: [&str; 3] = ["FY2007-08", "FY2008-09", "FY2009-10"];
const CALENDAR_YEARS: [&str; 3] = ["CY2007", "CY2008", "CY2009"];

/// The KPIs of the plan that is changed at random, with the periods they are reported in and the years of their targets.
const REPORTED: [(&str, &[&str], &[&str]); 7] = [
    ("MONTHS", &MONTHS, &YEARS),
    ("QUARTERS", &QUARTERS, &YEARS),
    ("LINE", &QUARTERS, &YEARS),
    ("IMPROVING", &QUARTERS, &YEARS),
    ("YEARS", &YEARS, &YEARS),
    ("TERMS", &TERMS, &["AY2008-09", "AY2009-10"]),
    ("CALENDAR", &CALENDAR_YEARS, &CALENDAR_YEARS),
];

const GROUPS: [&str; 3] = ["all", "fsm", "girls"];

async fn a_mixed_plan(world: &World) {
    empty(world, "mixed").await;
    framework(world).await;
    slices(world, "pupils", &["fsm", "girls"]).await;
    for (code, changes) in [
        ("MONTHS", json!({"unit": "count", "decimals": 0, "frequency": "month", "profile": "even"})),
        ("QUARTERS", json!({})),
        ("LINE", json!({"profile": "linear", "priority": "health-2", "polarity": "lower_is_better"})),
        ("IMPROVING", json!({"policy": "improving", "priority": "safety-1"})),
        ("YEARS", json!({"frequency": "year", "aggregation": "snapshot", "priority": "safety-1"})),
        (
            "TERMS",
            json!({"unit": "count", "decimals": 0, "frequency": "term", "calendar": "academic", "aggregation": "year_to_date",
                   "profile": "even", "priority": "health-2"}),
        ),
        ("CALENDAR", json!({"frequency": "year", "calendar": "calendar", "aggregation": "rolling_12_months"})),
        (
            "GAP",
            json!({"unit": "percentage_points", "polarity": "lower_is_better", "priority": "safety-1",
                   "formula": {"kind": "gap", "of": "QUARTERS", "group": "fsm", "comparator": "all"}}),
        ),
    ] {
        world.post(Administrator, "kpis", kpi(code, changes)).await.is(201);
    }
    world.put(Administrator, "kpis/GAP/targets/FY2009-10", json!({"value": 5})).await.is(201);
}

/// Every period that a report of the plan can be for: each that the plan, of April 2009 to March 2011, runs in.
fn reports() -> Vec<String> {
    let months = (2009..=2011).flat_map(|year| (1..=12).map(move |month| format!("{year}-{month:02}")));
    let months = months.filter(|key| ("2009-04".."2011-04").contains(&key.as_str()));
    let named = "FY2009-10-Q1 FY2009-10-Q2 FY2009-10-Q3 FY2009-10-Q4 FY2010-11-Q1 FY2010-11-Q2 FY2010-11-Q3 FY2010-11-Q4 \
                 FY2009-10-H1 FY2009-10-H2 FY2010-11-H1 FY2010-11-H2 FY2009-10 FY2010-11 \
                 AY2008-09-T3 AY2009-10-T1 AY2009-10-T2 AY2009-10-T3 AY2010-11-T1 AY2010-11-T2 AY2008-09 AY2009-10 AY2010-11 \
                 CY2009-Q2 CY2009-Q3 CY2009-Q4 CY2010-Q1 CY2010-Q2 CY2010-Q3 CY2010-Q4 CY2011-Q1 CY2009 CY2010 CY2011";
    months.chain(named.split(' ').map(str::to_owned)).collect()
}

/// KPI, group and period.
type Place = (String, String, String);

/// Where everything stands: each place with a figure, and each roll-up of each report.
#[derive(Default)]
struct Stand {
    places: BTreeMap<Place, Value>,
    roll_ups: BTreeMap<(String, String, String), Value>,
}

async fn stand(world: &World) -> Stand {
    let mut stand = Stand::default();
    let codes = REPORTED.iter().map(|(code, ..)| *code).chain(["GAP"]);
    for (code, group) in codes.flat_map(|code| GROUPS.map(|group| (code, group))) {
        let series = world.get(Administrator, &format!("kpis/{code}/series?group={group}")).await;
        if series.status == 422 {
            continue;
        }
        for point in series.is(200).json()["points"].as_array().unwrap() {
            if ["final", "provisional", "nil_return"].contains(&point["data_state"].as_str().unwrap()) {
                let period = point["period"]["key"].as_str().unwrap().to_owned();
                stand.places.insert((code.to_owned(), group.to_owned(), period), point.clone());
            }
        }
    }
    for period in reports() {
        let report = world.get(Administrator, &format!("status-report?period={period}")).await.is(200).json();
        let mut note = |level: &str, code: &Value, one: &Value| {
            let rolled_up = json!({"headline": one["headline"], "counts": one["counts"]["status"]});
            stand.roll_ups.insert((level.to_owned(), code.as_str().unwrap().to_owned(), period.clone()), rolled_up);
        };
        note("plan", &report["plan"], &report);
        for area in report["outcome_areas"].as_array().unwrap() {
            note("outcome_area", &area["code"], area);
            for priority in area["priorities"].as_array().unwrap() {
                note("priority", &priority["code"], priority);
            }
        }
    }
    stand
}

/// An assessment in short, as effects tell it.
fn short(assessment: Option<&Value>) -> Value {
    let Some(assessment) = assessment.filter(|one| !one.is_null()) else { return Value::Null };
    let members = ["status", "band", "reason", "data_state", "reported", "reported_text"];
    members.into_iter().map(|member| (member.to_owned(), assessment[member].clone())).collect()
}

impl Stand {
    /// Every place whose standing is another after, with both.
    fn moved(&self, after: &Self) -> BTreeMap<Place, (Value, Value)> {
        let places: BTreeSet<&Place> = self.places.keys().chain(after.places.keys()).collect();
        let both = |place: &Place| (short(self.places.get(place)), short(after.places.get(place)));
        places.into_iter().map(|place| (place.clone(), both(place))).filter(|(_, (was, is))| was != is).collect()
    }

    /// Every roll-up that is another after, with both.
    fn roll_ups_moved(&self, after: &Self) -> BTreeMap<(String, String, String), (Value, Value)> {
        let both = |key| (self.roll_ups[key].clone(), after.roll_ups[key].clone());
        self.roll_ups.keys().map(|key| (key.clone(), both(key))).filter(|(_, (was, is))| was != is).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The moves of a list, with where each place stood and stands.
fn told(moves: &Value) -> BTreeMap<Place, (Value, Value)> {
    let one = |moved: &Value| {
        let place = (text(&moved["kpi"]), text(&moved["group"]), text(&moved["period"]["key"]));
        (place, (moved["before"].clone(), moved["after"].clone()))
    };
    let list = moves.as_array().unwrap();
    let told: BTreeMap<_, _> = list.iter().map(one).collect();
    assert_eq!(told.len(), list.len(), "a place is named once");
    told
}

fn told_roll_ups(roll_ups: &Value) -> BTreeMap<(String, String, String), (Value, Value)> {
    let one = |moved: &Value| {
        let key = (text(&moved["level"]), text(&moved["code"]), text(&moved["period"]["key"]));
        (key, (moved["before"].clone(), moved["after"].clone()))
    };
    let list = roll_ups.as_array().unwrap();
    let told: BTreeMap<_, _> = list.iter().map(one).collect();
    assert_eq!(told.len(), list.len(), "a roll-up is named once");
    told
}

fn a_value(dice: &mut Dice, code: &str) -> usize {
    if ["MONTHS", "TERMS"].contains(&code) { dice.below(30) } else { 40 + dice.below(25) }
}

/// Posts one figure, and holds its effect against all that changed.
async fn post_a_figure(world: &World, dice: &mut Dice, before: &Stand) -> Stand {
    let (code, periods, _) = dice.of(&REPORTED);
    let (period, group) = (dice.of(periods), dice.of(&GROUPS));
    let body = match dice.below(6) {
        0 => json!({"nil_return": "Not collected."}),
        _ => json!({"value": a_value(dice, code)}),
    };
    let path = format!("kpis/{code}/readings/{period}?group={group}");
    let posted = world.put(Administrator, &path, body.clone()).await;
    assert!([200, 201].contains(&posted.status), "{posted}");
    let (effect, after) = (posted.json()["effect"].clone(), stand(world).await);
    let what = format!("{path} {body}");
    let itself = (code.to_owned(), group.to_owned(), period.to_owned());
    let mut moved = before.moved(&after);
    assert_eq!(effect["before"], before.places.get(&itself).cloned().unwrap_or_default(), "{what}");
    assert_eq!(effect["after"], after.places[&itself], "{what}");
    let was_itself = moved.remove(&itself);
    assert_eq!(was_itself.is_some(), short(Some(&effect["before"])) != short(Some(&effect["after"])), "{what}");
    let later = effect["later"].as_array().unwrap();
    let is_later = |(kpi, at, _): &Place| kpi == code && at == group;
    let changed_later: Vec<&Value> = after
        .places
        .iter()
        .filter(|(place, _)| is_later(place) && **place != itself)
        .filter(|(place, one)| before.places.get(*place) != Some(one))
        .map(|(_, one)| one)
        .collect();
    assert_eq!(later.iter().collect::<Vec<_>>(), changed_later, "{what}");
    let mut named = told(&effect["gaps"]);
    for one in later {
        let place = (code.to_owned(), group.to_owned(), text(&one["period"]["key"]));
        if let Some(both) = moved.get(&place) {
            named.insert(place, both.clone());
        }
    }
    assert_eq!(named, moved, "{what}");
    assert_eq!(told_roll_ups(&effect["roll_ups"]), before.roll_ups_moved(&after), "{what}");
    after
}

/// Sets one target, and holds its effect against all that changed.
async fn set_a_target(world: &World, dice: &mut Dice, before: &Stand) -> Stand {
    let (code, periods, years) = dice.of(&REPORTED);
    let period = if dice.below(3) == 0 { dice.of(periods) } else { dice.of(years) };
    let many = if code == "MONTHS" && period.starts_with("FY") { 12 } else { 1 };
    let body = json!({"value": a_value(dice, code) * many, "reason": "Chance."});
    let path = format!("kpis/{code}/targets/{period}");
    let put = world.put(Administrator, &path, body.clone());
    let there = world.get(Administrator, &path).await.status == 200;
    let put = if there { put.header("if-match", "*") } else { put }.await;
    assert!([200, 201].contains(&put.status), "{put}");
    let (effect, after) = (put.json()["effect"].clone(), stand(world).await);
    assert_eq!(told(&effect["moves"]), before.moved(&after), "{path} {body}");
    assert_eq!(told_roll_ups(&effect["roll_ups"]), before.roll_ups_moved(&after), "{path} {body}");
    after
}

/// Imports a file, and holds its effects against all that changed.
async fn import_a_file(world: &World, dice: &mut Dice, before: &Stand, table: &str) -> Stand {
    let mut rows = BTreeMap::new();
    for _ in 0..5 {
        let (code, periods, years) = dice.of(&REPORTED);
        let (group, period) = match table {
            "readings" => (dice.of(&GROUPS), dice.of(periods)),
            _ => ("all", dice.of(years)),
        };
        rows.insert((code, period, group), a_value(dice, code));
    }
    let line = |((code, period, group), value): (&(&str, &str, &str), &usize)| match table {
        "readings" => format!("{code},{period},{group},{value}\n"),
        _ => format!("{code},{period},{value},Chance.\n"),
    };
    let header = if table == "readings" { "kpi,period,group,value\n" } else { "kpi,period,value,reason\n" };
    let file = header.to_owned() + &rows.iter().map(line).collect::<String>();
    let tried = world.import(Administrator, &format!("{table}?dry_run=true"), file.clone()).await.is(200).json();
    let done = world.import(Administrator, table, file.clone()).await.is(200).json();
    let after = stand(world).await;
    assert_eq!((&tried["effects"], &tried["roll_ups"]), (&done["effects"], &done["roll_ups"]), "{file}");
    let mut named = told(&done["effects"]);
    // What was changed itself is named although it may stand where it stood.
    named.retain(|_, (was, is)| was != is);
    assert_eq!(named, before.moved(&after), "{file}");
    let elsewhere = done["effects"].as_array().unwrap().iter().filter(|moved| moved["through"] != "itself");
    assert!(elsewhere.clone().all(|moved| moved["before"] != moved["after"]), "{file}");
    assert_eq!(told_roll_ups(&done["roll_ups"]), before.roll_ups_moved(&after), "{file}");
    after
}

async fn effects_name_all_that_moves_and_nothing_else(world: &World) {
    a_mixed_plan(world).await;
    let mut dice = Dice(20_100_514);
    // Something to move: figures in every KPI, and targets in most.
    for (code, periods, years) in REPORTED {
        for period in periods.iter().step_by(2) {
            for group in GROUPS {
                let body = json!({"value": a_value(&mut dice, code)});
                world.put(Administrator, &format!("kpis/{code}/readings/{period}?group={group}"), body).await.is(201);
            }
        }
        let body = json!({"value": a_value(&mut dice, code)});
        world.put(Administrator, &format!("kpis/{code}/targets/{}", years[1]), body).await.is(201);
    }
    let mut now = stand(world).await;
    for turn in 0..12 {
        now = match turn % 4 {
            0 | 2 => post_a_figure(world, &mut dice, &now).await,
            1 => set_a_target(world, &mut dice, &now).await,
            _ => import_a_file(world, &mut dice, &now, if turn % 8 == 3 { "readings" } else { "targets" }).await,
        };
    }
}

/// The periods of the reports whose roll-up of the whole plan moved.
fn reports_moved(roll_ups: &Value) -> Vec<String> {
    let of_plan = roll_ups.as_array().unwrap().iter().filter(|moved| moved["level"] == "plan");
    of_plan.map(|moved| text(&moved["period"]["key"])).collect()
}

async fn a_year_s_figure_moves_every_report_that_brings_it(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-50/targets/FY2008-09", json!({"value": 50})).await.is(201);
    world.put(Manager, "kpis/NI-50/targets/FY2009-10", json!({"value": 50})).await.is(201);
    // The year before the plan's: brought until the plan's first year ends, by every report but that year's own.
    let body = json!({"value": 60});
    let posted = world.put(Lead, "kpis/NI-50/readings/FY2008-09", body.clone()).await.is(201).json();
    let moved = reports_moved(&posted["effect"]["roll_ups"]);
    assert_eq!(
        moved[..3],
        ["FY2009-10-Q1", "FY2009-10-Q2", "FY2009-10-Q3"],
        "the quarter that ends the year brings the next"
    );
    let others = "2009-04 2009-05 2009-06 2009-07 2009-08 2009-09 2009-10 2009-11 2009-12 2010-01 2010-02 FY2009-10-H1 \
                  AY2008-09-T3 AY2009-10-T1 AY2008-09 CY2009-Q2 CY2009-Q3 CY2009-Q4 CY2009";
    assert_eq!(moved[3..], others.split(' ').collect::<Vec<_>>());
    // The plan's own year: by four quarters.
    let posted = world.put(Lead, "kpis/NI-50/readings/FY2009-10", body).await.is(201).json();
    let moved = reports_moved(&posted["effect"]["roll_ups"]);
    assert_eq!(moved[..4], ["FY2009-10-Q4", "FY2010-11-Q1", "FY2010-11-Q2", "FY2010-11-Q3"]);
    assert!(moved.contains(&"FY2009-10".to_owned()) && !moved.contains(&"FY2010-11".to_owned()), "{moved:?}");
    // A file and a target tell the same.
    let tried =
        world.import(Lead, "readings?dry_run=true", "kpi,period,value\nNI-50,2009/10,10\n").await.is(200).json();
    assert_eq!(reports_moved(&tried["roll_ups"]), moved);
    let harder = json!({"value": 70, "reason": "More ambitious."});
    let put = world.put(Manager, "kpis/NI-50/targets/FY2009-10?dry_run=true", harder).header("if-match", "*");
    assert_eq!(reports_moved(&put.await.is(200).json()["effect"]["roll_ups"]), moved);
    // A month of a quarter's last moves the month's report and the quarter's.
    world.put(Administrator, "kpis/LI-CALLS/targets/FY2009-10", json!({"value": 120})).await.is(201);
    let posted = world.put(Administrator, "kpis/LI-CALLS/readings/2009-06", json!({"value": 40})).await.is(201).json();
    let moved = reports_moved(&posted["effect"]["roll_ups"]);
    assert_eq!(moved[..2], ["FY2009-10-Q1", "2009-06"]);
    // A figure that changes no status moves no report.
    let same = world.put(Administrator, "kpis/LI-CALLS/readings/2009-06", json!({"value": 41})).await.is(200).json();
    assert_eq!(same["effect"]["roll_ups"], json!([]));
}

async fn a_target_moves_groups_too(world: &World) {
    small(world).await;
    for group in ["all", "fsm", "girls"] {
        let path = format!("kpis/NI-117/readings/FY2009-10-Q1?group={group}");
        world.put(Lead, &path, json!({"value": 4})).await.is(201);
    }
    let target = json!({"value": 5});
    let tried = world.put(Manager, "kpis/NI-117/targets/FY2009-10?dry_run=true", target).await.is(200).json();
    let groups = |moves: &Value| -> Vec<String> {
        moves.as_array().unwrap().iter().map(|moved| text(&moved["group"])).collect()
    };
    assert_eq!(groups(&tried["effect"]["moves"]), ["all", "fsm", "girls"]);
    let tried =
        world.import(Manager, "targets?dry_run=true", "kpi,period,value\nNI-117,2009/10,5\n").await.is(200).json();
    assert_eq!(groups(&tried["effects"]), ["all", "fsm", "girls"]);
    assert!(tried["effects"].as_array().unwrap().iter().all(|moved| moved["through"] == "target"));
}

/// Some members of an answer.
fn of(answer: &Value, members: &[&str]) -> Value {
    members.iter().map(|member| ((*member).to_owned(), answer[*member].clone())).collect()
}

const FIGURE: &str = "kpis/NI-117/readings/FY2009-10-Q1";
const TOLD: [&str; 7] = ["value", "numerator", "denominator", "provisional", "nil_return", "commentary", "forecast"];

/// A reading with every member.
fn whole() -> Value {
    json!({"numerator": 230, "denominator": 5000, "provisional": true, "commentary": "Two colleges late.", "forecast": 4.2,
           "reason": "The first."})
}

/// That reading as it is read back, with some members changed.
fn as_whole(changes: Value) -> Value {
    let mut whole = json!({"value": 4.6, "numerator": 230, "denominator": 5000, "provisional": true, "nil_return": null,
                           "commentary": "Two colleges late.", "forecast": 4.2});
    whole.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    whole
}

async fn a_member_that_is_absent_leaves_what_is_there(world: &World) {
    small(world).await;
    let posted = world.put(Lead, FIGURE, whole()).await.is(201).json();
    assert_eq!((of(&posted, &TOLD), &posted["reason"]), (as_whole(json!({})), &json!("The first.")));
    let mut standing = json!({});
    let mut revision = 1;
    for (body, changes) in [
        (json!({"commentary": "All in."}), json!({"commentary": "All in."})),
        (json!({"provisional": false}), json!({"provisional": false})),
        (json!({"forecast": 4.1}), json!({"forecast": 4.1})),
        // Any part of the figure is a whole figure.
        (json!({"value": 4.7}), json!({"value": 4.7, "numerator": null, "denominator": null})),
        (json!({"numerator": 231, "denominator": 5000}), json!({"value": 4.62, "numerator": 231, "denominator": 5000})),
        (
            json!({"nil_return": "Lost."}),
            json!({"value": null, "numerator": null, "denominator": null, "nil_return": "Lost."}),
        ),
        (json!({"commentary": "Really."}), json!({"commentary": "Really."})),
        (json!({"value": 4.7}), json!({"value": 4.7, "nil_return": null})),
        // Null clears.
        (json!({"commentary": null}), json!({"commentary": null})),
        (json!({"forecast": null, "provisional": true}), json!({"forecast": null, "provisional": true})),
        (json!({"provisional": null}), json!({"provisional": false})),
        (
            json!({"value": 4.6, "numerator": 230, "denominator": 5000}),
            json!({"value": 4.6, "numerator": 230, "denominator": 5000}),
        ),
        // The numbers behind a figure go when that is said.
        (
            json!({"value": 4.6, "numerator": null, "denominator": null}),
            json!({"numerator": null, "denominator": null}),
        ),
    ] {
        standing.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        revision += 1;
        let put = world.put(Lead, FIGURE, body.clone()).await.is(200).json();
        assert_eq!((of(&put, &TOLD), &put["revision"]), (as_whole(standing.clone()), &json!(revision)), "{body}");
        assert_eq!(put["reason"], Value::Null, "a reason is about one change: {body}");
    }
    // What is there already is no revision, whatever is left out.
    for body in [json!({}), json!({"value": 4.6}), json!({"nil_return": null}), json!({"reason": "Why not."})] {
        assert_eq!(world.put(Lead, FIGURE, body.clone()).await.is(200).json()["revision"], revision, "{body}");
    }
    world.put(Lead, FIGURE, whole()).await.is(200);
    let same = world.put(Lead, FIGURE, json!({"value": 4.6})).await.is(200).json();
    assert_eq!(same["numerator"], 230, "the same figure leaves its numbers");
    // A reading is never left without a figure, and half a fraction is none.
    for (body, wanted) in [
        (json!({"numerator": null}), "/numerator missing"),
        (json!({"numerator": 200}), "/denominator missing"),
        (json!({"value": null, "numerator": null, "denominator": null}), "/value missing"),
    ] {
        let refused = world.put(Lead, FIGURE, body.clone()).await.refused(422, "invalid").faults();
        assert_eq!(refused.iter().map(|(at, code)| format!("{at} {code}")).collect::<Vec<_>>(), [wanted], "{body}");
    }
    let first = world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q2", json!({"commentary": "Soon."})).await;
    first.refused(422, "invalid").tells("give `value`");
}

fn book(rows: &[&[&str]]) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(*cells) {
            match cell.parse::<f64>() {
                Ok(number) => sheet.write_number(row, column, number).unwrap(),
                Err(_) => sheet.write_string(row, column, *cell).unwrap(),
            };
        }
    }
    book.save_to_buffer().unwrap()
}

/// Sends a small table of readings as CSV, as a workbook and as JSON, each over the same reading, and gives what each leaves.
async fn in_each_form(world: &World, columns: &[&str], cells: &[&str]) -> Vec<Value> {
    let mut left = Vec::new();
    for (form, period) in ["csv", "xlsx", "json"].into_iter().zip(["FY2009-10-Q1", "FY2009-10-Q2", "FY2009-10-Q3"]) {
        let path = format!("kpis/NI-117/readings/{period}");
        let put = world.put(Lead, &path, whole()).await;
        assert!([200, 201].contains(&put.status), "{put}");
        let columns: Vec<&str> = ["kpi", "period"].into_iter().chain(columns.iter().copied()).collect();
        let cells: Vec<&str> = ["NI-117", period].into_iter().chain(cells.iter().copied()).collect();
        let answer = match form {
            "csv" => world.import(Lead, "readings", format!("{}\n{}\n", columns.join(","), cells.join(","))).await,
            "xlsx" => world.ask(Method::POST, Lead, "readings").body(XLSX, book(&[&columns, &cells])).await,
            _ => {
                let value = |cell: &str| match cell {
                    "" => Value::Null,
                    "true" | "false" => json!(cell == "true"),
                    cell => cell.parse::<f64>().map_or_else(|_| json!(cell), |number| json!(number)),
                };
                let item: Value =
                    columns.iter().zip(&cells).map(|(column, cell)| ((*column).to_owned(), value(cell))).collect();
                world.post(Lead, "readings", json!({"items": [item]})).await
            }
        };
        let counts = of(&answer.is(200).json(), &["created", "revised", "unchanged"]);
        let mut reading = of(&world.get(Lead, &path).await.is(200).json(), &TOLD);
        reading["counts"] = counts;
        left.push(reading);
    }
    left
}

fn counted(reading: Value, outcome: &str) -> Value {
    let mut reading = reading;
    let count = |name: &str| i32::from(name == outcome);
    reading["counts"] = json!({"created": 0, "revised": count("revised"), "unchanged": count("unchanged")});
    reading
}

async fn a_column_that_is_absent_leaves_what_is_there(world: &World) {
    small(world).await;
    for (columns, cells, changes, outcome) in [
        (vec!["value"], vec!["4.6"], json!({}), "unchanged"),
        (vec!["numerator", "denominator"], vec!["230", "5000"], json!({}), "unchanged"),
        (vec!["value"], vec!["4.7"], json!({"value": 4.7, "numerator": null, "denominator": null}), "revised"),
        (vec!["commentary"], vec!["All in."], json!({"commentary": "All in."}), "revised"),
        (vec!["provisional"], vec!["false"], json!({"provisional": false}), "revised"),
        (vec!["forecast"], vec!["4.1"], json!({"forecast": 4.1}), "revised"),
        (
            vec!["nil_return"],
            vec!["Lost."],
            json!({"value": null, "numerator": null, "denominator": null, "nil_return": "Lost."}),
            "revised",
        ),
    ] {
        for left in in_each_form(world, &columns, &cells).await {
            assert_eq!(left, counted(as_whole(changes.clone()), outcome), "{columns:?} {cells:?}");
        }
    }
}

async fn an_empty_cell_clears_and_null_does(world: &World) {
    small(world).await;
    for (columns, cells, changes, outcome) in [
        (vec!["commentary"], vec![""], json!({"commentary": null}), "revised"),
        (vec!["value", "commentary"], vec!["4.6", ""], json!({"commentary": null}), "revised"),
        (vec!["provisional", "forecast"], vec!["", ""], json!({"provisional": false, "forecast": null}), "revised"),
        (
            vec!["value", "numerator", "denominator"],
            vec!["4.6", "", ""],
            json!({"numerator": null, "denominator": null}),
            "revised",
        ),
        // There was none to clear.
        (vec!["nil_return", "commentary"], vec!["", "Two colleges late."], json!({}), "unchanged"),
    ] {
        for left in in_each_form(world, &columns, &cells).await {
            assert_eq!(left, counted(as_whole(changes.clone()), outcome), "{columns:?} {cells:?}");
        }
    }
    let cleared =
        world.import(Lead, "readings", "kpi,period,value,numerator,denominator\nNI-117,2009/10 Q1,,,\n").await;
    cleared.refused(422, "invalid").tells("give `value`");
}

async fn a_return_leaves_what_its_figures_do_not_say(world: &World) {
    world.now_is("2009-07-10T09:00:00Z");
    small(world).await;
    let round = json!({"period": "FY2009-10-Q1", "opens": "2009-07-01", "due": "2009-07-24", "closes": "2009-08-14"});
    world.post(Manager, "rounds", round).await.is(201);
    world.put(Lead, FIGURE, whole()).await.is(201);
    let path = "rounds/FY2009-10-Q1/returns/health-group";
    let fill = |figure: Value| world.put(Lead, path, json!({"figures": [figure]}));
    let done = fill(json!({"kpi": "NI-117", "value": 4.6})).await.is(200).json();
    assert_eq!((&done["unchanged"], &done["revised"]), (&json!(1), &json!(0)));
    fill(json!({"kpi": "NI-117", "commentary": null})).await.is(200);
    let reading = || async { of(&world.get(Lead, FIGURE).await.is(200).json(), &TOLD) };
    assert_eq!(reading().await, as_whole(json!({"commentary": null})));
    fill(json!({"kpi": "NI-117", "value": 4.7})).await.is(200);
    assert_eq!(
        reading().await,
        as_whole(json!({"commentary": null, "value": 4.7, "numerator": null, "denominator": null}))
    );
}

async fn after_the_close_words_need_no_reason(world: &World) {
    world.now_is("2009-07-10T09:00:00Z");
    small(world).await;
    let round = json!({"period": "FY2009-10-Q1", "opens": "2009-07-01", "due": "2009-07-24", "closes": "2009-08-14"});
    world.post(Manager, "rounds", round).await.is(201);
    world.put(Lead, FIGURE, whole()).await.is(201);
    world.now_is("2009-09-01T09:00:00Z");
    let file = |text: &str| world.import(Lead, "readings", format!("kpi,period,{text}\n"));
    let version = world.version().await;
    assert_eq!(file("value\nNI-117,2009/10 Q1,4.6").await.is(200).json()["unchanged"], 1, "it says nothing new");
    assert_eq!(world.version().await, version);
    // Words are a revision and need no reason; another figure is a restatement and does.
    assert_eq!(file("commentary\nNI-117,2009/10 Q1,All in.").await.is(200).json()["revised"], 1);
    let reading = world.put(Lead, FIGURE, json!({"provisional": false})).await.is(200).json();
    assert_eq!((&reading["restated"], &reading["revision"]), (&json!(false), &json!(3)));
    let changes = world.get(Manager, &format!("changes?after={version}")).await.is(200).json();
    let actions: Vec<_> = changes["items"].as_array().unwrap().iter().map(|entry| text(&entry["action"])).collect();
    assert_eq!(actions, ["reading.revised", "reading.revised"]);
    file("value\nNI-117,2009/10 Q1,4.7").await.refused(422, "invalid").tells("restates a figure");
    world.put(Lead, FIGURE, json!({"nil_return": "Lost."})).await.refused(422, "invalid").tells("restates a figure");
    world
        .put(Lead, FIGURE, json!({"value": 4.6, "numerator": null, "denominator": null}))
        .await
        .refused(422, "invalid");
    let restated = world.put(Lead, FIGURE, json!({"value": 4.7, "reason": "Recounted."})).await.is(200).json();
    assert_eq!((&restated["restated"], &restated["commentary"]), (&json!(true), &json!("All in.")));
    // A word on a restated figure does not restate it, and does not repeat why.
    let noted = world.put(Lead, FIGURE, json!({"commentary": "Recounted in August."})).await.is(200).json();
    assert_eq!((&noted["restated"], &noted["reason"]), (&json!(false), &Value::Null));
}

async fn a_word_beside_a_figure_is_no_new_definition(world: &World) {
    small(world).await;
    world.put(Lead, FIGURE, whole()).await.is(201);
    let changed = json!({"definition": "Counted anew.", "multiplier": 1000});
    world.patch(Manager, "kpis/NI-117", "*", changed).await.is(200);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q2", json!({"value": 4})).await.is(201);
    let travel = || async {
        let status = world.get(Lead, "kpis/NI-117/status?period=FY2009-10-Q2").await.is(200).json();
        status["travel"]["short"]["reason"].clone()
    };
    assert_eq!(travel().await, "definition_changed");
    let noted = world.put(Lead, FIGURE, json!({"commentary": "By the old definition."})).await.is(200).json();
    assert_eq!(of(&noted, &TOLD), as_whole(json!({"commentary": "By the old definition."})), "not counted anew");
    assert_eq!(travel().await, "definition_changed");
    world.put(Lead, FIGURE, json!({"numerator": 230, "denominator": 5000})).await.is(200);
    assert_eq!(travel().await, Value::Null, "reported again by the definition of today");
}

async fn who_determined_a_status_stays(world: &World) {
    small(world).await;
    let police = json!({"formula": {"kind": "partner_determined", "by": "police"}, "lead_organisation": "connexions"});
    world.post(Administrator, "kpis", kpi("PARTNER", police)).await.is(201);
    let path = "kpis/PARTNER/readings/FY2009-10-Q1";
    world.put(Contributor, path, json!({"status": "at_risk"})).await.is(201);
    let said = || async {
        world.get(Manager, "kpis/PARTNER/status?period=FY2009-10-Q1").await.is(200).json()["explanation"].clone()
    };
    let before = said().await;
    world.now_is("2010-06-01T09:00:00Z");
    let noted = world.put(Lead, path, json!({"commentary": "See the minutes."})).await.is(200).json();
    assert_eq!(noted["status"], "at_risk");
    assert_eq!(said().await, before, "on the day that it was determined");
    let counted = world.put(Lead, path, json!({"value": 12})).await.is(200).json();
    assert_eq!(counted["status"], "at_risk", "a figure beside it leaves it");
    let none = world.put(Lead, path, json!({"nil_return": "Not met."})).await.is(200).json();
    assert_eq!((&none["status"], &none["value"]), (&Value::Null, &Value::Null));
    let again = world.put(Lead, path, json!({"status": "on_track"})).await.is(200).json();
    assert_eq!((&again["status"], &again["nil_return"]), (&json!("on_track"), &Value::Null));
    world.put(Lead, path, json!({"status": null})).await.refused(422, "invalid");
}

const TARGET: &str = "kpis/NI-117/targets/FY2009-10";
const SET: [&str; 8] = ["value", "low", "high", "floor", "kind", "state", "rationale", "agreed_by"];

fn whole_target() -> Value {
    json!({"value": 5, "floor": 6, "kind": "laa", "rationale": "Halves the gap.", "agreed_by": "The Board",
           "agreed_on": "2009-03-24"})
}

fn as_target(changes: Value) -> Value {
    let mut target = json!({"value": 5, "low": null, "high": null, "floor": 6, "kind": "laa", "state": "agreed",
                            "rationale": "Halves the gap.", "agreed_by": "The Board"});
    target.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    target
}

async fn a_target_keeps_what_is_not_said_again(world: &World) {
    small(world).await;
    world.put(Manager, TARGET, whole_target()).await.is(201);
    let put = |path: &str, body: Value| world.put(Manager, path, body).header("if-match", "*");
    let mut standing = json!({});
    for (body, changes) in [
        (json!({"value": 4.5, "reason": "Harder."}), json!({"value": 4.5})),
        (json!({"state": "proposed", "reason": "Not yet."}), json!({"state": "proposed"})),
        (json!({"state": null, "reason": "Now."}), json!({"state": "agreed"})),
        (json!({"rationale": null, "kind": null, "reason": "Local."}), json!({"rationale": null, "kind": "local"})),
        (json!({"floor": 5.5, "reason": "Closer."}), json!({"floor": 5.5})),
        (json!({"floor": null, "reason": "None."}), json!({"floor": null})),
        (json!({"value": 6, "reason": "Softer."}), json!({"value": 6})),
    ] {
        standing.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let answer = put(TARGET, body.clone()).await.is(200).json();
        assert_eq!(of(&answer, &SET), as_target(standing.clone()), "{body}");
        assert_eq!((&answer["agreed_on"], &answer["reason"]), (&json!("2009-03-24"), &body["reason"]), "{body}");
    }
    // The same again is no revision, and needs no reason; another is, and the one before is no reason for it.
    for body in [json!({}), json!({"value": 6}), json!({"kind": "local", "floor": null})] {
        assert_eq!(put(TARGET, body.clone()).await.is(200).json()["revision"], 8, "{body}");
    }
    put(TARGET, json!({"value": 5})).await.refused(422, "invalid").tells("say why");
    // A floor that stays must fit.
    put(TARGET, json!({"floor": 7, "reason": "x"})).await.is(200);
    let refused = put(TARGET, json!({"value": 8, "reason": "x"})).await.refused(422, "invalid");
    assert_eq!(refused.faults(), [("/floor".to_owned(), "floor_on_wrong_side".to_owned())]);
    refused.tells("give another `floor`");
    put(TARGET, json!({"value": null, "reason": "x"})).await.refused(422, "invalid").tells("give `value`");
    // A range is one thing with a value.
    world.post(Administrator, "kpis", kpi("RANGE", json!({"polarity": "within_range"}))).await.is(201);
    let range = "kpis/RANGE/targets/FY2009-10";
    world.put(Manager, range, json!({"low": 1, "high": 2})).await.is(201);
    put(range, json!({"low": 1.5, "reason": "x"})).await.refused(422, "invalid").tells("both `low` and `high`");
    let one = put(range, json!({"value": 3, "reason": "x"})).await.is(200).json();
    assert_eq!([&one["value"], &one["low"], &one["high"]], [&json!(3), &Value::Null, &Value::Null]);
    let two = put(range, json!({"low": 1, "high": 2, "reason": "x"})).await.is(200).json();
    assert_eq!([&two["value"], &two["low"], &two["high"]], [&Value::Null, &json!(1), &json!(2)]);
    // What was taken away is not there to be kept.
    world.delete(Manager, TARGET, "*").await.is(204);
    let anew = world.put(Manager, TARGET, json!({"value": 5})).await.is(201).json();
    assert_eq!((&anew["kind"], &anew["rationale"]), (&json!("local"), &Value::Null));
}

async fn targets_in_files_keep_what_is_not_said_again(world: &World) {
    small(world).await;
    world.put(Manager, TARGET, whole_target()).await.is(201);
    let target = || async { of(&world.get(Manager, TARGET).await.is(200).json(), &SET) };
    let file = |text: &str| world.import(Manager, "targets", format!("kpi,period,{text}\n"));
    assert_eq!(file("value\nNI-117,2009/10,5").await.is(200).json()["unchanged"], 1);
    file("value,reason\nNI-117,2009/10,4.5,Harder.").await.is(200);
    assert_eq!(target().await, as_target(json!({"value": 4.5})));
    file("rationale,reason\nNI-117,2009/10,,Out of date.").await.is(200);
    assert_eq!(target().await, as_target(json!({"value": 4.5, "rationale": null})));
    let items = json!({"items": [{"kpi": "NI-117", "period": "2009/10", "floor": null, "reason": "None."}]});
    world.post(Manager, "targets", items).await.is(200);
    assert_eq!(target().await, as_target(json!({"value": 4.5, "rationale": null, "floor": null})));
    let sheet =
        book(&[&["kpi", "period", "state", "kind", "reason"], &["NI-117", "FY2009-10", "proposed", "", "Not yet."]]);
    world.ask(Method::POST, Manager, "targets").body(XLSX, sheet).await.is(200);
    let wanted = json!({"value": 4.5, "rationale": null, "floor": null, "state": "proposed", "kind": "local"});
    assert_eq!(target().await, as_target(wanted));
    file("value\nNI-117,2009/10,4").await.refused(422, "invalid").tells("say why");
    // What was exported goes back in unchanged.
    let table = world.get(Manager, "targets.csv").await.is(200).text();
    assert_eq!(world.import(Manager, "targets", table).await.is(200).json()["unchanged"], 1);
}

async fn a_figure_for_a_placeholder_is_warned_of(world: &World) {
    small(world).await;
    world.put(Manager, TARGET, json!({"state": "placeholder"})).await.is(201);
    let filled = world.put(Manager, &format!("{TARGET}?dry_run=true"), json!({"value": 5, "reason": "Agreed."}));
    assert_eq!(filled.header("if-match", "*").await.is(200).json()["state"], "agreed", "what it was waiting for");
    let not_yet = json!({"value": 4, "state": "placeholder", "reason": "A first thought."});
    world.put(Manager, TARGET, not_yet).header("if-match", "*").await.is(200);
    let codes = |answer: &Answer| -> Vec<String> {
        answer.json()["warnings"].as_array().unwrap().iter().map(|warning| text(&warning["code"])).collect()
    };
    let put = |body: Value| world.put(Manager, &format!("{TARGET}?dry_run=true"), body).header("if-match", "*");
    let stays = put(json!({"value": 5, "reason": "Agreed."})).await.is(200);
    assert_eq!((&stays.json()["state"], codes(&stays)), (&json!("placeholder"), vec!["still_placeholder".to_owned()]));
    let agreed = put(json!({"value": 5, "state": "agreed", "reason": "Agreed."})).await.is(200);
    assert!(!codes(&agreed).contains(&"still_placeholder".to_owned()));
    let file = world
        .import(Manager, "targets?dry_run=true", "kpi,period,value,reason\nNI-117,2009/10,5,Agreed.\n")
        .await
        .is(200);
    assert_eq!(codes(&file), ["still_placeholder"]);
    assert_eq!(file.json()["warnings"][0]["cell"], "C2");
    let known = "kpi,period,value,reason,acknowledged\nNI-117,2009/10,5,Agreed.,still_placeholder\n";
    assert_eq!(codes(&world.import(Manager, "targets?dry_run=true", known).await.is(200)), [""; 0]);
}

async fn a_change_of_words_begins_no_new_definition(world: &World) {
    small(world).await;
    world.put(Lead, FIGURE, json!({"value": 4})).await.is(201);
    world.put(Manager, TARGET, json!({"value": 5})).await.is(201);
    let frozen = json!({"title": "Before", "period": "FY2009-10-Q1"});
    let report = world.post(Board, "board-reports", frozen).await.is(201).json();
    let report = format!("board-reports/{}", text(&report["id"]));
    let kept = world.get(Board, &report).await.is(200).text();
    let words = json!({
        "editorial": true, "reason": "Spelling.", "definition": "Young people of 16 to 18.", "title": "NEET", "source": "Connexions",
        "national_indicator": "NI 117"
    });
    let before = world.version().await;
    let reworded = world.patch(Manager, "kpis/NI-117", "*", words).await.is(200).json();
    assert_eq!(reworded["definition_version"], 1);
    assert_eq!(reworded["definition"], "Young people of 16 to 18.");
    let entry = world.get(Manager, &format!("changes?after={before}")).await.is(200).json()["items"][0].clone();
    assert_eq!((&entry["action"], &entry["reason"]), (&json!("kpi.reworded"), &json!("Spelling.")));
    // Figures compare across it.
    let posted = world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q2", json!({"value": 3})).await.is(201).json();
    assert_eq!(posted["effect"]["after"]["travel"]["short"]["direction"], "improving");
    let versions = world.get(Manager, "kpis/NI-117/versions").await.is(200).json();
    assert_eq!(versions["items"][1]["comparable"], true);
    assert_eq!(world.get(Board, &report).await.is(200).text(), kept, "what was frozen stays");
    // The same words again are no change, and a change of what is measured still begins a new one.
    let (again, version) = (json!({"editorial": true, "reason": "Again.", "title": "NEET"}), world.version().await);
    assert_eq!(world.patch(Manager, "kpis/NI-117", "*", again).await.is(200).json()["definition_version"], 1);
    assert_eq!(world.version().await, version);
    let anew = json!({"definition": "Of 16 to 19.", "reason": "The cohort has changed."});
    let changed = world.patch(Manager, "kpis/NI-117", "*", anew).await.is(200).json();
    assert_eq!(changed["definition_version"], 2);
    let entry = world.get(Manager, &format!("changes?after={before}")).await.is(200).json()["items"][2].clone();
    assert_eq!((&entry["action"], &entry["reason"]), (&json!("kpi.updated"), &json!("The cohort has changed.")));
    let not_meant = json!({"editorial": false, "definition": "Of 16 to 18."});
    assert_eq!(world.patch(Manager, "kpis/NI-117", "*", not_meant).await.is(200).json()["definition_version"], 3);
}

async fn an_editorial_change_is_of_words_alone(world: &World) {
    small(world).await;
    let before = world.version().await;
    for (patch, wanted) in [
        (json!({"editorial": true, "definition": "x"}), vec!["/reason reason_needed"]),
        (json!({"editorial": true, "definition": "x", "reason": " "}), vec!["/reason reason_needed"]),
        (json!({"editorial": "yes", "definition": "x"}), vec!["/editorial wrong_shape"]),
        (json!({"editorial": true, "reason": 1, "title": "x"}), vec!["/reason wrong_shape"]),
        (json!({"editorial": true, "reason": "x", "titel": "x"}), vec!["/titel unknown_member"]),
        (
            json!({"editorial": true, "reason": "x", "title": "x", "decimals": 2, "unit": "count"}),
            vec!["/decimals not_editorial", "/unit not_editorial"],
        ),
        (json!({"editorial": true, "polarity": "none"}), vec!["/reason reason_needed", "/polarity not_editorial"]),
        (json!({"editorial": true, "reason": "x", "code": "OTHER"}), vec!["/code code_is_fixed"]),
        (json!({"editorial": true, "reason": "x", "title": ""}), vec!["/title too_short"]),
    ] {
        let refused = world.patch(Manager, "kpis/NI-117", "*", patch.clone()).await.refused(422, "invalid");
        let faults: Vec<_> = refused.faults().iter().map(|(at, code)| format!("{at} {code}")).collect();
        assert_eq!(faults, wanted, "{patch}");
    }
    assert_eq!(world.version().await, before);
    // What is given as it is does not change.
    let as_it_is = json!({"editorial": true, "reason": "x", "title": "NEET", "unit": "percentage"});
    world.patch(Manager, "kpis/NI-117", "*", as_it_is).await.is(200);
    let words = json!({"editorial": true, "reason": "x", "title": "Mine"});
    world.patch(Lead, "kpis/NI-117", "*", words.clone()).await.refused(403, "not_allowed");
    // It is about definitions of KPIs, and is no member of one.
    world.patch(Manager, "priorities/health-1", "*", words).await.refused(422, "invalid");
    world.post(Manager, "kpis", kpi("NEW", json!({"editorial": true}))).await.refused(422, "invalid");
}

async fn targets_come_in_one_order(world: &World) {
    small(world).await;
    for (code, period) in [
        ("NI-87", "AY2009-10-T1"),
        ("LI-CALLS", "2010-01"),
        ("NI-117", "FY2010-11"),
        ("NI-117", "FY2009-10-Q4"),
        ("NI-117", "FY2010-11-Q1"),
        ("LI-CALLS", "FY2009-10"),
        ("NI-87", "AY2009-10"),
        ("NI-117", "FY2009-10-Q1"),
        ("LI-CALLS", "2009-04"),
        ("NI-87", "AY2008-09"),
        ("NI-117", "FY2009-10"),
        ("NI-112", "CY2009"),
        ("LI-CALLS", "2009-03"),
    ] {
        world.put(Manager, &format!("kpis/{code}/targets/{period}"), json!({"value": 5})).await.is(201);
    }
    // By KPI, and then in time: by the first day, a year before its parts.
    let wanted = [
        "LI-CALLS 2009-03",
        "LI-CALLS FY2009-10",
        "LI-CALLS 2009-04",
        "LI-CALLS 2010-01",
        "NI-112 CY2009",
        "NI-117 FY2009-10",
        "NI-117 FY2009-10-Q1",
        "NI-117 FY2009-10-Q4",
        "NI-117 FY2010-11",
        "NI-117 FY2010-11-Q1",
        "NI-87 AY2008-09",
        "NI-87 AY2009-10",
        "NI-87 AY2009-10-T1",
    ];
    let name = |item: &Value| format!("{} {}", text(&item["kpi"]), text(&item["period"]["key"]));
    for limit in [1, 2, 5, 100] {
        let (mut listed, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = world.get(Manager, &format!("targets?limit={limit}{cursor}")).await.is(200).json();
            listed.extend(page["items"].as_array().unwrap().iter().map(name));
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(listed, wanted, "{limit} at a time");
    }
    let rows = world.get(Manager, "targets.csv").await.is(200).rows();
    assert_eq!(rows.iter().map(|row| format!("{} {}", row["kpi"], row["period"])).collect::<Vec<_>>(), wanted);
    let book = world.get(Manager, "targets.xlsx").await.is(200);
    let mut book = Xlsx::new(std::io::Cursor::new(book.body.to_vec())).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    let rows: Vec<_> = sheet.rows().skip(1).map(|row| format!("{} {}", row[0], row[1])).collect();
    assert_eq!(rows, wanted);
    let of_one = world.get(Manager, "kpis/NI-117/targets").await.is(200).json();
    assert_eq!(of_one["items"].as_array().unwrap().iter().map(name).collect::<Vec<_>>(), wanted[5..10]);
    // A history is in the order of its revisions.
    for value in [4, 6] {
        let body = json!({"value": value, "reason": "Another."});
        world.put(Manager, TARGET, body).header("if-match", "*").await.is(200);
    }
    let history = world.get(Manager, &format!("{TARGET}/history")).await.is(200).json();
    let revisions: Vec<_> = history["items"].as_array().unwrap().iter().map(|item| item["value"].clone()).collect();
    assert_eq!(revisions, [5, 4, 6].map(|value| json!(value)));
}
