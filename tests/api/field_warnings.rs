//! What is odd is accepted and told: real slips of people who send figures and targets, each with the warning that it must bring,
//! at its cell.

use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};

use crate::on_both;
use crate::sheets::{part, text_of};
use crate::support::cases::Case;
use crate::support::plan::{kpi, round, slices, small};
use crate::support::{Actor, Answer, World, XLSX};

use Actor::{Administrator, Lead, Manager, Partner};

on_both! {
    a_fraction_where_a_percentage_is_wanted_is_told
    a_year_to_date_that_falls_is_told_wherever_it_is_posted
    quarters_that_do_not_make_their_year_are_told
    a_target_finer_than_the_decimals_is_told
    a_sensitive_percentage_without_its_fraction_is_told
    more_than_all_has_one_answer
    groups_beyond_all_are_told
    a_figure_far_from_its_history_is_told
    a_period_outside_the_plan_is_told
    what_was_acknowledged_is_not_repeated
    what_was_acknowledged_of_a_target_is_not_repeated
    codes_that_are_none_are_refused_with_the_nearest
    thresholds_are_settings_of_the_plan
    a_return_tells_what_should_be_looked_at
    every_warning_stands_at_its_cell_and_comes_back_amber
    a_refused_file_tells_its_warnings_apart
    the_demo_raises_few_warnings
}

const CASE_08: Case = Case("field/08-fraction-where-a-percentage-is-wanted");
const CASE_14: Case = Case("field/14-year-to-date-that-falls");
const CASE_22: Case = Case("field/22-quarters-that-do-not-make-their-year");

/// The warnings of an answer: the cell of a file or the pointer of a body, and the code.
fn warned(answer: &Answer) -> Vec<(String, String)> {
    let body = answer.json();
    let warnings = body["warnings"].as_array().unwrap_or_else(|| panic!("no warnings in {body}"));
    let text = |warning: &Value, name: &str| warning[name].as_str().unwrap_or_default().to_owned();
    let place = |warning: &Value| text(warning, "cell") + &text(warning, "pointer");
    warnings.iter().map(|warning| (place(warning), text(warning, "code"))).collect()
}

fn at(place: &str, code: &str) -> (String, String) {
    (place.to_owned(), code.to_owned())
}

async fn put(world: &World, path: &str, body: Value) -> Answer {
    world.put(Lead, &format!("kpis/{path}"), body).await
}

async fn a_fraction_where_a_percentage_is_wanted_is_told(world: &World) {
    CASE_08.set_up(world).await;
    let first = world.import(Lead, "readings", CASE_08.file("first.csv")).await.is(200);
    assert_eq!(warned(&first), []);
    let second = world.import(Lead, "readings", CASE_08.file("second.csv")).await.is(200);
    // The second slip is not right because the first one was made.
    assert_eq!(warned(&second), [at("C2", "about_a_hundredth"), at("C3", "about_a_hundredth")]);
    let told = &second.json()["warnings"][0];
    assert_eq!((&told["row"], &told["column"], &told["kpi"]), (&json!(2), &json!("value"), &json!("K")));
    assert_eq!((&told["period"]["key"], &told["group"]), (&json!("FY2018-19-Q3"), &json!("all")));
    assert!(told["detail"].as_str().unwrap().contains("was a fraction sent in place of a percentage?"), "{told}");
    assert_eq!(second.json()["created"], 2, "a warning never blocks");
    // The other way round, and against the baseline where nothing was reported before.
    let times = put(world, "K/readings/FY2019-20-Q1?dry_run=true", json!({"value": 9100})).await.is(200);
    assert_eq!(warned(&times), [at("/value", "above_100_percent"), at("/value", "about_100_times")]);
    let baseline = json!({"baseline": {"period": "FY2018-19", "value": 71.2}, "priority": "pr"});
    world.post(Administrator, "kpis", kpi("B", baseline)).await.is(201);
    let first = put(world, "B/readings/FY2019-20-Q1", json!({"numerator": 7, "denominator": 983})).await.is(201);
    assert_eq!(warned(&first), [at("/numerator", "about_a_hundredth")]);
}

async fn a_year_to_date_that_falls_is_told_wherever_it_is_posted(world: &World) {
    CASE_14.set_up(world).await;
    let sent = world.import(Lead, "readings?dry_run=true", CASE_14.file("send.csv")).await.is(200);
    assert_eq!(warned(&sent), [at("C2", "year_to_date_falls"), at("C3", "year_to_date_falls")]);
    // The later quarter was there first.
    let later = put(world, "K/readings/FY2009-10-Q2", json!({"value": 30})).await.is(201);
    assert_eq!(warned(&later), []);
    let earlier = put(world, "K/readings/FY2009-10-Q1", json!({"value": 50})).await.is(201);
    assert_eq!(warned(&earlier), [at("/value", "year_to_date_falls")]);
    // The next year begins from nothing, and a file that corrects both is judged by what it leaves.
    assert_eq!(warned(&put(world, "K/readings/FY2010-11-Q1", json!({"value": 5})).await.is(201)), []);
    let corrected = "kpi,period,value\nK,2009/10 Q2,40\nK,2009/10 Q1,20\n";
    assert_eq!(warned(&world.import(Lead, "readings", corrected).await.is(200)), []);
    // Of a percentage of the year so far, its numbers are such counts.
    let share = json!({"aggregation": "year_to_date", "priority": "pr"});
    world.post(Administrator, "kpis", kpi("P", share)).await.is(201);
    let fractions = "kpi,period,numerator,denominator\nP,2009/10 Q1,50,100\nP,2009/10 Q2,70,90\n";
    let told = world.import(Lead, "readings", fractions).await.is(200);
    assert_eq!(warned(&told), [at("D2", "year_to_date_falls"), at("D3", "year_to_date_falls")]);
}

async fn quarters_that_do_not_make_their_year_are_told(world: &World) {
    CASE_22.set_up(world).await;
    let sent = world.import(Manager, "targets", CASE_22.file("send.csv")).await.is(200);
    assert_eq!(warned(&sent), [at("C6", "parts_do_not_make_year")]);
    let detail = sent.json()["warnings"][0]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("2009/10 is 40, and the target of 2009/10 is 100"), "{detail}");
    let put_target = |key: &'static str, value: u32| async move {
        let body = json!({"value": value, "reason": "Agreed anew"});
        let path = format!("kpis/K/targets/{key}");
        warned(&world.put(Manager, &path, body).header("if-match", "*").await.is(200))
    };
    assert_eq!(put_target("FY2009-10-Q1", 70).await, [], "70, 10, 10 and 10 make 100");
    assert_eq!(put_target("FY2009-10-Q2", 11).await, [at("/value", "parts_do_not_make_year")]);
    assert_eq!(put_target("FY2009-10", 101).await, []);
    // Of the year so far, the last part's target is the year's.
    let so_far = json!({"unit": "count", "decimals": 0, "aggregation": "year_to_date", "priority": "pr"});
    world.post(Administrator, "kpis", kpi("Y", so_far)).await.is(201);
    let targets = "kpi,period,value\nY,2009/10,100\nY,2009/10 Q1,25\nY,2009/10 Q4,90\n";
    let told = world.import(Manager, "targets", targets).await.is(200);
    assert_eq!(warned(&told), [at("C2", "parts_do_not_make_year")]);
    // What holds through the year makes nothing.
    world.post(Administrator, "kpis", kpi("H", json!({"priority": "pr"}))).await.is(201);
    let held = "kpi,period,value\nH,2009/10,90\nH,2009/10 Q1,80\nH,2009/10 Q2,80\nH,2009/10 Q3,80\nH,2009/10 Q4,80\n";
    assert_eq!(warned(&world.import(Manager, "targets", held).await.is(200)), []);
}

async fn a_target_finer_than_the_decimals_is_told(world: &World) {
    let case = Case("field/06-target-finer-than-the-decimals");
    case.set_up(world).await;
    let sent = world.import(Manager, "targets", case.file("targets.csv")).await.is(200);
    assert_eq!(warned(&sent), [at("C2", "finer_than_decimals"), at("C3", "finer_than_decimals")]);
    assert_eq!(warned(&world.import(Lead, "readings", case.file("readings.csv")).await.is(200)), []);
    let floor = json!({"value": 0.2, "floor": 0.25});
    let put = world.put(Manager, "kpis/K/targets/FY2009-10-Q2", floor).await.is(201);
    assert_eq!(warned(&put), [at("/floor", "finer_than_decimals")]);
}

async fn a_sensitive_percentage_without_its_fraction_is_told(world: &World) {
    let case = Case("field/05-sensitive-percentage-without-its-fraction");
    case.set_up(world).await;
    let sent = world.import(Lead, "readings", case.file("send.csv")).await.is(200);
    let each = ["D2", "D3", "D4"].map(|cell| at(cell, "without_numbers"));
    assert_eq!(warned(&sent), each);
    let put = put(world, "K/readings/CY2022", json!({"value": 20})).await.is(201);
    assert_eq!(warned(&put), [at("/value", "without_numbers")]);
    let with = world.put(Lead, "kpis/K/readings/CY2021", json!({"numerator": 9, "denominator": 40})).await.is(201);
    assert_eq!(warned(&with), []);
    world.patch(Manager, "kpis/K", "*", json!({"numbers_checked": true})).await.is(200);
    let again = world.import(Lead, "readings", case.file("send.csv")).await.is(200);
    assert_eq!((warned(&again), again.json()["unchanged"].clone()), (vec![], json!(3)));
}

async fn more_than_all_has_one_answer(world: &World) {
    CASE_08.set_up(world).await;
    let (value, fraction) = (json!({"value": 115}), json!({"numerator": 115, "denominator": 100}));
    let taken = put(world, "K/readings/FY2018-19-Q1", value.clone()).await.is(201);
    assert_eq!(warned(&taken), [at("/value", "above_100_percent")]);
    let taken = put(world, "K/readings/FY2018-19-Q2", fraction.clone()).await.is(201);
    assert_eq!(warned(&taken), [at("/numerator", "above_100_percent")]);
    let target = world.put(Manager, "kpis/K/targets/FY2018-19", value.clone()).await.is(201);
    assert_eq!(warned(&target), [at("/value", "above_100_percent")]);
    world.patch(Manager, "kpis/K", "*", json!({"valid_max": 100})).await.is(200);
    for figure in [value, fraction] {
        put(world, "K/readings/FY2018-19-Q3", figure).await.refused(422, "invalid");
    }
}

async fn groups_beyond_all_are_told(world: &World) {
    small(world).await;
    let report = |group: &'static str, value: u32| async move {
        warned(&put(world, &format!("LI-ASTHMA/readings/FY2009-10-Q1?group={group}"), json!({"value": value})).await)
    };
    assert_eq!(report("girls", 7).await, []);
    assert_eq!(report("all", 10).await, []);
    assert_eq!(report("boys", 11).await, [at("/value", "beyond_all")]);
    assert_eq!(report("boys", 4).await, [at("/value", "beyond_all")], "7 and 4 together");
    assert_eq!(report("boys", 3).await, []);
    assert_eq!(report("all", 6).await, [at("/value", "beyond_all")]);
    // In a file it is told at the group that is too large, or else once.
    let file = "kpi,period,group,value\nLI-ASTHMA,2009/10 Q2,girls,7\nLI-ASTHMA,2009/10 Q2,,10\nLI-ASTHMA,2009/10 Q2,boys,12\n";
    assert_eq!(
        warned(&world.import(Lead, "readings?dry_run=true", file).await.is(200)),
        [at("D3", "beyond_all"), at("D4", "beyond_all")]
    );
    let fractions = json!({"numerator": 4, "denominator": 30});
    put(world, "NI-117/readings/FY2009-10-Q1", json!({"numerator": 4, "denominator": 20})).await.is(201);
    let more = put(world, "NI-117/readings/FY2009-10-Q1?group=fsm", fractions).await.is(201);
    assert_eq!(warned(&more), [at("/denominator", "beyond_all")]);
}

async fn a_figure_far_from_its_history_is_told(world: &World) {
    CASE_08.set_up(world).await;
    let file = "kpi,period,value\nK,2015/16 Q1,20.1\nK,2015/16 Q2,20.3\nK,2015/16 Q3,19.9\nK,2015/16 Q4,20.2\n";
    world.import(Lead, "readings", file).await.is(200);
    let next = |key: &'static str, value: f64| async move {
        warned(&put(world, &format!("K/readings/{key}?dry_run=true"), json!({"value": value})).await)
    };
    assert_eq!(next("FY2016-17-Q1", 40.0).await, [], "four are too few");
    put(world, "K/readings/FY2016-17-Q1", json!({"value": 20.0})).await.is(201);
    assert_eq!(next("FY2016-17-Q2", 40.0).await, [at("/value", "far_from_history")]);
    assert_eq!(next("FY2016-17-Q2", 20.9).await, []);
    // Another definition has a history of its own.
    world.patch(Manager, "kpis/K", "*", json!({"definition": "Of all children, those who swim."})).await.is(200);
    assert_eq!(next("FY2016-17-Q2", 40.0).await, []);
}

async fn a_period_outside_the_plan_is_told(world: &World) {
    small(world).await;
    let century = put(world, "NI-117/readings/FY1909-10-Q1", json!({"value": 4})).await.is(201);
    assert_eq!(warned(&century), [at("/period", "outside_plan")]);
    let detail = century.json()["warnings"][0]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("is 2009/10 Q1 meant?"), "{detail}");
    let far = world.put(Manager, "kpis/NI-117/targets/FY2019-20", json!({"value": 4})).await.is(201);
    assert_eq!(warned(&far), [at("/period", "outside_plan")]);
    let year_before = put(world, "NI-117/readings/FY2008-09-Q1", json!({"value": 4})).await.is(201);
    assert_eq!(warned(&year_before), [], "what a plan is measured from lies before it");
    let file = "kpi,period,value\nNI-117,1908/09 Q2,4\n";
    assert_eq!(warned(&world.import(Lead, "readings", file).await.is(200)), [at("B2", "outside_plan")]);
    let nil = put(world, "NI-117/readings/FY1909-10-Q2", json!({"nil_return": "Not collected"})).await.is(201);
    assert_eq!(warned(&nil), [at("/period", "outside_plan")]);
}

async fn what_was_acknowledged_is_not_repeated(world: &World) {
    CASE_08.set_up(world).await;
    world.import(Lead, "readings", CASE_08.file("first.csv")).await.is(200);
    let path = "K/readings/FY2018-19-Q3";
    let odd = json!({"value": 0.91});
    let told = [at("/value", "about_a_hundredth")];
    assert_eq!(warned(&put(world, path, odd.clone()).await.is(201)), told);
    // Unchanged, it is told again; acknowledged, not any more, however often it is sent.
    let version = world.version().await;
    assert_eq!(warned(&put(world, path, odd.clone()).await.is(200)), told);
    assert_eq!(world.version().await, version);
    let acknowledged = json!({"value": 0.91, "acknowledged": ["about_a_hundredth"]});
    let put_back = put(world, path, acknowledged.clone()).await.is(200);
    assert_eq!((warned(&put_back), put_back.json()["revision"].clone()), (vec![], json!(2)));
    assert_eq!(put_back.json()["acknowledged"], json!(["about_a_hundredth"]));
    assert_eq!(world.version().await, version + 1);
    for same in [odd, acknowledged] {
        assert_eq!(warned(&put(world, path, same).await.is(200)), []);
    }
    assert_eq!(warned(&world.import(Lead, "readings", "kpi,period,value\nK,2018/19 Q3,0.91\n").await.is(200)), []);
    assert_eq!(world.version().await, version + 1, "what was acknowledged stays with the figure");
    // The next one is held against it, since somebody stands by it; and another figure is looked at anew.
    assert_eq!(warned(&put(world, "K/readings/FY2018-19-Q4", json!({"value": 0.93})).await.is(201)), []);
    assert_eq!(warned(&put(world, path, json!({"value": 0.9})).await.is(200)), told);
    // The journal keeps it.
    let changes = world.get(Manager, "journal?limit=100").await.is(200).json();
    let kept = changes["items"].as_array().unwrap().iter();
    let kept = kept.filter(|entry| entry["after"]["acknowledged"] == json!(["about_a_hundredth"])).count();
    assert_eq!(kept, 1, "{changes}");
    // In a file the codes stand in a column, in JSON in a list.
    let file = "kpi,period,value,acknowledged\nK,2019/20 Q1,91,\"about_100_times, far_from_history\"\n";
    assert_eq!(warned(&world.import(Lead, "readings", file).await.is(200)), []);
    let item =
        json!({"items": [{"kpi": "K", "period": "FY2019-20-Q2", "value": 0.9, "acknowledged": ["about_a_hundredth"]}]});
    assert_eq!(warned(&world.post(Lead, "readings", item).await.is(200)), []);
    let item = json!({"items": [{"kpi": "K", "period": "FY2019-20-Q3", "value": 90}]});
    let told = world.post(Lead, "readings", item).await.is(200);
    assert_eq!(warned(&told), [at("/items/0/value", "about_100_times")]);
    // Readers outside the partnership are not told what was found odd.
    world.patch(Manager, "kpis/K", "*", json!({"publication": "partners"})).await.is(200);
    let seen = world.get(Partner, "kpis/K/readings/FY2019-20-Q2").await.is(200).json();
    assert_eq!(seen["acknowledged"], json!([]));
}

async fn what_was_acknowledged_of_a_target_is_not_repeated(world: &World) {
    let case = Case("field/06-target-finer-than-the-decimals");
    case.set_up(world).await;
    let path = "kpis/K/targets/FY2009-10-Q1";
    let (plain, known) = (json!({"value": 0.25}), json!({"value": 0.25, "acknowledged": ["finer_than_decimals"]}));
    let told = [at("/value", "finer_than_decimals")];
    assert_eq!(warned(&world.put(Manager, path, plain.clone()).await.is(201)), told);
    let again = |body: Value| async move { world.put(Manager, path, body).header("if-match", "*").await.is(200) };
    assert_eq!(warned(&again(plain.clone()).await), told);
    let acknowledged = again(known).await;
    assert_eq!(
        (warned(&acknowledged), acknowledged.json()["revision"].clone()),
        (vec![], json!(2)),
        "without a reason"
    );
    assert_eq!(warned(&again(plain).await), []);
    let file = "kpi,period,value,acknowledged\nK,2009/10 Q1,0.25,\nL,2009/10 Q1,3.15,finer_than_decimals\n";
    let taken = world.import(Manager, "targets", file).await.is(200);
    assert_eq!((warned(&taken), taken.json()["unchanged"].clone()), (vec![], json!(1)));
    let other = again(json!({"value": 0.35, "reason": "Agreed anew"})).await;
    assert_eq!(warned(&other), told, "another target is looked at anew");
}

async fn codes_that_are_none_are_refused_with_the_nearest(world: &World) {
    CASE_08.set_up(world).await;
    let slip = json!({"value": 91, "acknowledged": ["about_100_time"]});
    let refused = put(world, "K/readings/FY2018-19-Q1", slip).await.refused(422, "invalid");
    assert_eq!(refused.faults(), [("/acknowledged/0".to_owned(), "wrong_shape".to_owned())]);
    refused.tells("did you mean `about_100_times`?");
    let file = "kpi,period,value,acknowledged\nK,2018/19 Q1,91,read_as about_100_time\n";
    let refused = world.import(Lead, "readings", file).await.refused(422, "invalid");
    assert_eq!(refused.cells(), [(2, "acknowledged".to_owned(), "unknown_code".to_owned())]);
    let item = json!({"items": [{"kpi": "K", "period": "FY2018-19-Q1", "value": 90, "acknowledged": [1]}]});
    let refused = world.post(Lead, "readings", item).await.refused(422, "invalid");
    assert_eq!(refused.faults(), [("/items/0/acknowledged".to_owned(), "wrong_type".to_owned())]);
}

async fn thresholds_are_settings_of_the_plan(world: &World) {
    CASE_08.set_up(world).await;
    world.import(Lead, "readings", CASE_08.file("first.csv")).await.is(200);
    let plan = world.get(Manager, "").await.is(200).json();
    assert_eq!(plan["warning_rules"]["hundredfold_factor"], 2);
    let out = json!({"warning_rules": {"hundredfold_factor": 10, "percentage_above": 99}});
    let refused = world.patch(Manager, "", "*", out).await.refused(422, "invalid");
    assert_eq!(
        refused.faults(),
        [
            ("/warning_rules/hundredfold_factor".to_owned(), "out_of_range".to_owned()),
            ("/warning_rules/percentage_above".to_owned(), "out_of_range".to_owned()),
        ]
    );
    let changed = json!({"warning_rules": {"hundredfold_factor": 0}});
    let changed = world.patch(Manager, "", "*", changed).await.is(200).json();
    assert_eq!(changed["warning_rules"]["history_deviations"], 8, "the others stay");
    assert_eq!(warned(&world.import(Lead, "readings?dry_run=true", CASE_08.file("second.csv")).await.is(200)), []);
    world.patch(Manager, "", "*", json!({"warning_rules": null})).await.is(200);
    assert_eq!(warned(&world.import(Lead, "readings?dry_run=true", CASE_08.file("second.csv")).await.is(200)).len(), 2);
}

async fn a_return_tells_what_should_be_looked_at(world: &World) {
    small(world).await;
    round(world, "FY2009-10-Q1", "2009-07-01", "2009-07-31").await;
    let path = "rounds/FY2009-10-Q1/returns/health-group";
    let figures =
        json!({"figures": [{"kpi": "LI-ASTHMA", "value": 9}, {"kpi": "NI-117", "numerator": 115, "denominator": 100}]});
    for dry_run in ["?dry_run=true", ""] {
        let told = world.put(Lead, &format!("{path}{dry_run}"), figures.clone()).await.is(200);
        assert_eq!(warned(&told), [at("/figures/1/numerator", "above_100_percent")]);
    }
    let known = json!({"figures": [
        {"kpi": "NI-117", "numerator": 115, "denominator": 100, "acknowledged": ["above_100_percent"]}
    ]});
    assert_eq!(warned(&world.put(Lead, path, known).await.is(200)), []);
}

/// A workbook of one sheet, its cells as words.
fn book(table: &str) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, line) in (0..).zip(table.lines()) {
        for (column, words) in (0..).zip(line.split(',')).filter(|(_, words)| !words.is_empty()) {
            sheet.write_string(row, column, words).unwrap();
        }
    }
    book.save_to_buffer().unwrap()
}

/// The cells of the first sheet that are marked in the colour whose fill is given.
fn coloured(body: &[u8], fill: &str) -> Vec<String> {
    let styles = part(body, "xl/styles.xml");
    let mut differences = styles.split("<dxf>").skip(1);
    let place = differences.position(|difference| difference.contains(fill)).unwrap();
    let sheet = part(body, "xl/worksheets/sheet1.xml");
    let formats = sheet.split("<conditionalFormatting sqref=\"").skip(1);
    let formats = formats.filter(|format| format.contains(&format!("dxfId=\"{place}\"")));
    formats
        .flat_map(|format| format.split('"').next().unwrap().split(' ').map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

const AMBER: &str = "FFFFE2A8";
const RED: &str = "FFF6BDBD";

/// Sends a table as a workbook, and gives the cells and codes of its warnings, told in JSON and marked alike.
async fn marked(world: &World, actor: Actor, path: &str, table: &str) -> Vec<(String, String)> {
    let send = |dry_run: &str| {
        let path = format!("{path}{dry_run}");
        world.ask(actix_web::http::Method::POST, actor, &path).body(XLSX, book(table))
    };
    let told = warned(&send("?dry_run=true").await.is(200));
    let answer = send("").header("accept", XLSX).await.is(200);
    assert_eq!(answer.header("content-type"), Some(XLSX));
    assert!(answer.header("content-disposition").unwrap().contains("-with-warnings.xlsx"));
    let mut cells: Vec<String> = told.iter().map(|(cell, _)| cell.clone()).collect();
    cells.sort();
    cells.dedup();
    let mut amber = coloured(&answer.body, AMBER);
    amber.sort();
    assert_eq!(amber, cells);
    assert_eq!(coloured(&answer.body, RED), Vec::<String>::new());
    let list = text_of(&answer.body, "Mistakes");
    assert!(list.contains("The file was accepted") && list.contains("Warnings: accepted"), "{list}");
    let comments = part(&answer.body, "xl/comments1.xml");
    for (cell, code) in &told {
        assert!(list.lines().any(|line| line.starts_with(&format!("{cell}|")) && line.contains(code)), "{cell} {list}");
        assert!(comments.contains(&format!("ref=\"{cell}\"")), "{cell} {comments}");
    }
    // What comes back can be sent as it is.
    let again = world.ask(actix_web::http::Method::POST, actor, path).body(XLSX, answer.body.to_vec()).await.is(200);
    assert_eq!((warned(&again), again.json()["created"].clone()), (told.clone(), json!(0)));
    told
}

async fn every_warning_stands_at_its_cell_and_comes_back_amber(world: &World) {
    CASE_08.set_up(world).await;
    slices(world, "sex", &["girls", "boys"]).await;
    let count = json!({"unit": "count", "decimals": 0, "priority": "pr"});
    for (code, changes) in [
        ("H", json!({"priority": "pr"})),
        ("Y", json!({"unit": "count", "decimals": 0, "aggregation": "year_to_date", "priority": "pr"})),
        ("S", json!({"sensitive": true, "priority": "pr"})),
        ("G", count.clone()),
        ("Q", count),
    ] {
        world.post(Administrator, "kpis", kpi(code, changes)).await.is(201);
    }
    let readings = "kpi,period,group,value,numerator,denominator\n\
        K,2018/19 Q1,,91.2,,\n\
        K,2018/19 Q2,,0.9,,\n\
        K,2018/19 Q3,,9120,,\n\
        H,2015/16 Q1,,20.1,,\nH,2015/16 Q2,,20.3,,\nH,2015/16 Q3,,19.9,,\nH,2015/16 Q4,,20.2,,\nH,2016/17 Q1,,20,,\n\
        H,2016/17 Q2,,40,,\n\
        Y,2018/19 Q1,,50,,\n\
        Y,2018/19 Q2,,30,,\n\
        S,2018/19 Q1,,22.5,,\n\
        G,2018/19 Q1,,10,,\n\
        G,2018/19 Q1,girls,12,,\n\
        H,1918/19 Q1,,20,,\n";
    assert_eq!(
        marked(world, Lead, "readings", readings).await,
        [
            at("D3", "about_a_hundredth"),
            at("D4", "above_100_percent"),
            at("D4", "about_100_times"),
            at("D10", "far_from_history"),
            at("D11", "year_to_date_falls"),
            at("D12", "year_to_date_falls"),
            at("D13", "without_numbers"),
            at("D15", "beyond_all"),
            at("B16", "outside_plan"),
        ]
    );
    let targets = "kpi,period,value\nK,2018/19,90.25\nK,2019/20,115\nQ,2018/19 Q1,10\nQ,2018/19 Q2,10\nQ,2018/19 Q3,10\n\
        Q,2018/19 Q4,10\nQ,2018/19,100\nH,1918/19,20\n";
    assert_eq!(
        marked(world, Manager, "targets", targets).await,
        [
            at("C2", "finer_than_decimals"),
            at("C3", "above_100_percent"),
            at("C8", "parts_do_not_make_year"),
            at("B9", "outside_plan"),
        ]
    );
    // Whoever does not ask for a workbook, or has nothing to look at, gets JSON as ever.
    let quiet = world
        .ask(actix_web::http::Method::POST, Lead, "readings")
        .body(XLSX, book("kpi,period,value\nH,2016/17 Q3,20"));
    assert_eq!(warned(&quiet.header("accept", XLSX).await.is(200)), []);
    // A CSV file comes back as a workbook too.
    let csv =
        world.import(Lead, "readings", "kpi,period,value\nK,2018/19 Q4,9000\n").header("accept", XLSX).await.is(200);
    assert_eq!(coloured(&csv.body, AMBER), ["C2"]);
}

async fn a_refused_file_tells_its_warnings_apart(world: &World) {
    CASE_08.set_up(world).await;
    world.import(Lead, "readings", CASE_08.file("first.csv")).await.is(200);
    let table = "kpi,period,value\nK,2018/19 Q3,0.91\nK,2018/19 Q4,four\n";
    let told = world.import(Lead, "readings", table).await.refused(422, "invalid");
    assert_eq!(warned(&told), [at("C2", "about_a_hundredth")]);
    assert_eq!(told.cells(), [(3, "value".to_owned(), "not_a_number".to_owned())]);
    let back = world.ask(actix_web::http::Method::POST, Lead, "readings").body(XLSX, book(table));
    let back = back.header("accept", XLSX).await.is(422);
    assert_eq!(
        (coloured(&back.body, RED), coloured(&back.body, AMBER)),
        (vec!["C3".to_owned()], vec!["C2".to_owned()])
    );
    let list = text_of(&back.body, "Mistakes");
    let (mistakes, warnings) = list.split_once("Warnings: accepted").unwrap();
    assert!(mistakes.contains("not_a_number") && !mistakes.contains("about_a_hundredth"), "{list}");
    assert!(warnings.contains("about_a_hundredth") && !warnings.contains("not_a_number"), "{list}");
}

async fn the_demo_raises_few_warnings(world: &World) {
    world.load_harrow().await;
    let mut all = Vec::new();
    for table in ["readings", "targets"] {
        let file = world.get(Manager, &format!("{table}.csv")).await.is(200).body;
        let told = world.import(Administrator, &format!("{table}?dry_run=true"), file).await.is(200).json();
        assert_eq!((&told["created"], &told["rejected"]), (&json!(0), &json!(0)));
        for warning in told["warnings"].as_array().unwrap() {
            let text = |name: &str| warning[name].as_str().unwrap_or_default().to_owned();
            let period = warning["period"]["key"].as_str().unwrap();
            all.push(format!("{} {} {period} {}", text("code"), text("kpi"), text("group")));
        }
    }
    // A ratio of two shares, which has no numbers to give.
    all.retain(|told| !told.starts_with("without_numbers LI-DISPROPORTION"));
    assert_eq!(all, Vec::<String>::new(), "the demo cries wolf");
}
