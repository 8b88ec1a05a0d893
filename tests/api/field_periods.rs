//! Periods as people write them in files, lists and addresses: read where they can mean one thing only, refused with what they
//! could mean where they cannot.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::cases::Case;
use crate::support::plan::{kpi, small};
use crate::support::{Actor, Answer, World, XLSX};

use Actor::{Board, Lead, Manager};

on_both! {
    months_of_a_pair_of_years_are_where_they_can_only_be
    a_year_is_never_taken_for_a_month
    a_key_in_an_address_is_that_key
    what_is_fetched_says_which_it_is
    a_quarter_is_read_with_its_months
    several_years_together_have_no_place
    a_report_of_two_periods_names_both
}

/// Every fault of a refused file: its row, code and detail.
fn told(answer: &Answer) -> Vec<(u64, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    errors.iter().map(|fault| (fault["row"].as_u64().unwrap(), text(&fault["code"]), text(&fault["detail"]))).collect()
}

/// The periods that a KPI has readings or targets of, with the figures.
async fn kept(world: &World, kind: &str, kpi: &str) -> Vec<(String, String)> {
    let rows = world.get(Board, &format!("{kind}.csv")).await.is(200).rows();
    let rows = rows.into_iter().filter(|row| row["kpi"] == kpi);
    rows.map(|row| (row["period"].clone(), row["value"].clone())).collect()
}

fn figures(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted.iter().map(|(period, value)| ((*period).to_owned(), (*value).to_owned())).collect()
}

async fn months_of_a_pair_of_years_are_where_they_can_only_be(world: &World) {
    let case = Case("field/02-calendar-quarter-of-a-pair-of-years");
    case.set_up(world).await;
    let refused = world.import(Manager, "readings", case.file("send.csv")).await.refused(422, "invalid");
    let faults = told(&refused);
    assert_eq!((faults.len(), faults[0].0, faults[0].1.as_str()), (1, 3, "other_period_kind"), "{faults:?}");
    assert_eq!(kept(world, "readings", "K").await, []);
    let file =
        "kpi,period,value\nK,Jan-Mar 2009/10,50\nK,Oct-Dec 2009/10,51\nK,2009/10 Jul-Sep,52\nY,Jan-Dec 2009,53\n";
    world.import(Manager, "readings", file).await.is(200);
    assert_eq!(
        kept(world, "readings", "K").await,
        figures(&[("CY2009-Q3", "52"), ("CY2009-Q4", "51"), ("CY2010-Q1", "50")])
    );
    assert_eq!(kept(world, "readings", "Y").await, figures(&[("CY2009", "53")]));
    // April to June lies in 2009 by the financial year and in 2010 by the academic one.
    let file = "kpi,period,value\nK,Apr-Jun 2009/10,50\nY,2009/10,50\nY,Apr 2009 - Mar 2010,50\n";
    let faults = told(&world.import(Manager, "readings", file).await.refused(422, "invalid"));
    let codes: Vec<_> = faults.iter().map(|(row, code, _)| (*row, code.as_str())).collect();
    assert_eq!(codes, [(2, "ambiguous_period"), (3, "other_period_kind"), (4, "other_period_kind")]);
    assert!(faults[0].2.contains("(write CY2009-Q2) or") && faults[0].2.contains("(write CY2010-Q2)"), "{faults:?}");
}

async fn a_year_is_never_taken_for_a_month(world: &World) {
    let case = Case("field/07-target-of-a-year-read-as-a-month");
    case.set_up(world).await;
    let faults = told(&world.import(Manager, "targets", case.file("send.csv")).await.refused(422, "invalid"));
    let codes: Vec<_> = faults.iter().map(|(row, code, _)| (*row, code.as_str())).collect();
    assert_eq!(codes, [(2, "ambiguous_period"), (3, "ambiguous_period"), (4, "ambiguous_period")]);
    assert_eq!(
        faults[1].2,
        "`2010-11` could be the month Nov 2010 (write Nov 2010) or the financial year 2010/11 (write 2010/11 or FY2010-11)"
    );
    assert_eq!(kept(world, "targets", "K").await, []);
    // What is advised is read as what it says.
    let mended = "kpi,period,value\nK,2009/10,90\nK,FY2010-11,91\nK,Dec 2011,92\nK,2012-13,93\nK,2009-09,94\n";
    world.import(Manager, "targets", mended).await.is(200);
    assert_eq!(
        kept(world, "targets", "K").await,
        figures(&[("FY2009-10", "90"), ("2009-09", "94"), ("FY2010-11", "91"), ("2011-12", "92"), ("FY2012-13", "93")])
    );
    // A day, as a spreadsheet makes one of either; figures with two digits; and a list instead of a file.
    let days = "kpi,period,value,reason\nK,2009-10-01,95,Mended\nK,09/10,95,Mended\n";
    let faults = told(&world.import(Manager, "targets", days).await.refused(422, "invalid"));
    assert!(faults.iter().all(|(_, code, _)| code == "ambiguous_period") && faults.len() == 2, "{faults:?}");
    assert!(faults[0].2.contains("set the cell's number format to Text"), "{faults:?}");
    assert!(faults[1].2.contains("the month Sep 2010"), "{faults:?}");
    let items = json!({"items": [{"kpi": "K", "period": "2009-10", "value": 95, "reason": "Mended"}]});
    let refused = world.post(Manager, "targets", items).await.refused(422, "invalid");
    assert_eq!(refused.json()["errors"][0]["code"], "ambiguous_period", "{refused}");
    // A reading of a monthly KPI is of a month.
    world.import(Manager, "readings", "kpi,period,value\nK,2009-10,50\nK,2009-11,51\n").await.is(200);
    assert_eq!(kept(world, "readings", "K").await, figures(&[("2009-10", "50"), ("2009-11", "51")]));
}

async fn a_key_in_an_address_is_that_key(world: &World) {
    Case("field/07-target-of-a-year-read-as-a-month").set_up(world).await;
    world.put(Manager, "kpis/K/targets/2009-10", json!({"value": 80})).await.is(201);
    world.put(Manager, "kpis/K/targets/FY2009-10", json!({"value": 90})).await.is(201);
    assert_eq!(kept(world, "targets", "K").await, figures(&[("FY2009-10", "90"), ("2009-10", "80")]));
    assert_eq!(world.get(Board, "kpis/K/targets/2009-10").await.is(200).json()["period"]["label"], "Oct 2009");
    world.get(Board, "kpis/K/targets/09-10").await.refused(404, "not_found");
    for junk in ["FY2009-10'--", "FY2009-10--", "2009-10-"] {
        world.put(Manager, &format!("kpis/K/targets/{junk}"), json!({"value": 1})).await.refused(404, "not_found");
        world.put(Manager, &format!("kpis/K/readings/{junk}"), json!({"value": 1})).await.refused(422, "invalid");
    }
}

async fn what_is_fetched_says_which_it_is(world: &World) {
    Case("field/07-target-of-a-year-read-as-a-month").set_up(world).await;
    world.put(Manager, "kpis/K/targets/2009-10", json!({"value": 80})).await.is(201);
    world.put(Manager, "kpis/K/targets/FY2009-10", json!({"value": 90})).await.is(201);
    let fetched = world.get(Board, "targets.csv").await.is(200).text();
    let sent = world.import(Manager, "targets", fetched.clone()).await.is(200).json();
    assert_eq!((&sent["unchanged"], &sent["rows"]), (&json!(2), &json!(2)));
    let book = world.get(Board, "targets").header("accept", XLSX).await.is(200).body;
    let sent = world.ask(actix_web::http::Method::POST, Manager, "targets").body(XLSX, book).await.is(200).json();
    assert_eq!((&sent["unchanged"], &sent["rows"]), (&json!(2), &json!(2)));
    // Words beside it that fit neither are no help.
    let beside = "kpi,period,value,reason,period_start\nK,2009-10,81,Mended,2009-11-01\n";
    let faults = told(&world.import(Manager, "targets", beside).await.refused(422, "invalid"));
    assert_eq!(faults[0].1, "ambiguous_period");
    let beside = "kpi,period,value,reason,period_start\nK,2009-10,91,Mended,2009-04-01\n";
    world.import(Manager, "targets", beside).await.is(200);
    assert_eq!(kept(world, "targets", "K").await, figures(&[("FY2009-10", "91"), ("2009-10", "80")]));
}

async fn a_quarter_is_read_with_its_months(world: &World) {
    let case = Case("field/18-quarter-with-its-months");
    case.set_up(world).await;
    world.import(Manager, "readings", case.file("send.csv")).await.is(200);
    let quarters = [("FY2009-10-Q1", "5"), ("FY2009-10-Q2", "5"), ("FY2009-10-Q3", "5"), ("FY2009-10-Q4", "5")];
    assert_eq!(kept(world, "readings", "K").await, figures(&quarters));
    let file = "kpi,period,value\nK,Q1 Apr-Jun 10/11,6\nK,Quarter 2 2010/11 (July to September 2010),7\nK,\"Third quarter, 2010-11\",8\n";
    world.import(Manager, "readings", file).await.is(200);
    let more = [("FY2010-11-Q1", "6"), ("FY2010-11-Q2", "7"), ("FY2010-11-Q3", "8")];
    assert_eq!(kept(world, "readings", "K").await, figures(&[&quarters[..], &more[..]].concat()));
    let file =
        "kpi,period,value\nK,Q1 (Jul-Sep) 2011/12,6\nK,Q4 2011/12 (January to March 2011),6\nK,FY2011-12-Q1'--,6\n";
    let faults = told(&world.import(Manager, "readings", file).await.refused(422, "invalid"));
    let codes: Vec<_> = faults.iter().map(|(row, code, _)| (*row, code.as_str())).collect();
    assert_eq!(codes, [(2, "months_do_not_agree"), (3, "months_do_not_agree"), (4, "not_a_period")]);
}

async fn several_years_together_have_no_place(world: &World) {
    let case = Case("field/26-pooled-years");
    case.set_up(world).await;
    let more = "K,2009/10-2011/12,5\nK,2009 to 2011,5\nK,2008-2011,5\n";
    for file in [case.file("send.csv"), format!("kpi,period,value\n{more}").into_bytes()] {
        let faults = told(&world.import(Manager, "readings", file).await.refused(422, "invalid"));
        assert_eq!(faults.len(), 3);
        for (_, code, detail) in faults {
            assert_eq!(code, "years_do_not_follow");
            assert!(detail.contains("together") && detail.contains("financial year"), "{detail}");
            assert!(!detail.contains("did you mean") && !detail.contains("such as"), "{detail}");
        }
    }
    let target =
        told(&world.import(Manager, "targets", "kpi,period,value\nK,2008-11,5\n").await.refused(422, "invalid"));
    assert!(target[0].2.contains("the years 2008 to 2011 together"), "{target:?}");
    assert_eq!(kept(world, "readings", "K").await, []);
}

async fn a_report_of_two_periods_names_both(world: &World) {
    small(world).await;
    world.post(Manager, "kpis", kpi("LI-MONTH", json!({"frequency": "month"}))).await.is(201);
    for (path, words) in [
        ("status-report?period=2009/10", "(write FY2009-10) or the academic year 2009/10 (write AY2009-10)"),
        ("exceptions?period=2009/10", "(write FY2009-10) or the academic year 2009/10 (write AY2009-10)"),
        ("readings?period=Apr-Jun%202009", "(write FY2009-10-Q1) or the calendar quarter Q2 2009 (write CY2009-Q2)"),
        ("kpis/LI-MONTH/status?period=May%202009/10", "(write May 2009) or the month May 2010 (write May 2010)"),
    ] {
        let refused = world.get(Board, path).await.refused(422, "invalid");
        assert_eq!(refused.json()["errors"][0]["code"], "ambiguous_period", "{path}");
        refused.tells(words);
    }
    for path in ["status-report?period=FY2009-10-Q1'--", "kpis/NI-117/status?period=FY2009-10-Q1'--"] {
        let refused = world.get(Board, path).await.refused(422, "invalid");
        assert_eq!(refused.json()["errors"][0]["code"], "not_a_period", "{path}");
    }
    let junk =
        world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1'--", json!({"value": 4})).await.refused(422, "invalid");
    assert_eq!(junk.faults(), [("/period".to_owned(), "not_a_period".to_owned())]);
    // Where the KPI's own kind leaves one, it is that one.
    assert_eq!(world.get(Board, "kpis/NI-50/status?period=2009/10").await.is(200).json()["period"]["key"], "FY2009-10");
    assert_eq!(world.get(Board, "status-report?period=2009-10").await.is(200).json()["period"]["label"], "Oct 2009");
}
