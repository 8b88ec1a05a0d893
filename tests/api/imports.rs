//! Imports: all or nothing, every wrong cell told, and the same again changes nothing.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::on_both;
use crate::support::plan::{empty, framework, kpi, slices, small};
use crate::support::{Actor, Answer, World};

use Actor::{Administrator, Board, Contributor, Lead, Manager};

on_both! {
    twenty_mistakes_are_told_each_at_its_cell_and_nothing_is_kept
    the_mended_file_is_tried_then_kept_then_changes_nothing
    a_file_of_targets_is_told_every_mistake_and_mended
    what_was_exported_comes_back_unchanged
    periods_are_read_as_people_write_them
    a_file_may_come_from_any_program
    a_header_must_name_the_columns
    one_mistake_hides_no_other_in_its_row
    quotation_marks_must_be_right
    slips_are_told_with_what_to_write
    figures_come_as_json_too
    what_is_wrong_with_json_is_told_at_its_pointer
    json_that_would_do_harm_is_refused
    a_file_with_nothing_in_it_does_nothing
    a_place_is_spoken_of_once
    symbols_are_told_apart_from_slips
    an_import_says_what_it_changes
    rows_in_any_order_give_the_same_report
}

const HEADER: &str = "kpi,period,group,value,numerator,denominator,provisional,nil_return,status,commentary,reason";

/// A row with a mistake: the row, where and what is wrong, and the row mended.
type Mistake = (&'static str, &'static str, &'static str, &'static str);

const MISTAKES: [Mistake; 20] = [
    ("NI-171,FY2007-08-Q1,,4,,,,,,,", "kpi", "unknown_code", "NI-117,FY2007-08-Q1,,4,,,,,,,"),
    (",FY2007-08-Q2,,4,,,,,,,", "kpi", "missing", "NI-117,FY2007-08-Q2,,4,,,,,,,"),
    ("LI-CALLS,2009-06,,4,,,,,,,", "kpi", "not_allowed", "NI-50,FY2008-09,,4,,,,,,,"),
    ("NI-117,2007/08 Q3,,4,,,,,,,", "kpi", "named_twice", "NI-117,2007/08 Q4,,4,,,,,,,"),
    ("NI-117,,,4,,,,,,,", "period", "missing", "NI-117,FY2006-07-Q1,,4,,,,,,,"),
    ("NI-117,soon,,4,,,,,,,", "period", "not_a_period", "NI-117,FY2006-07-Q2,,4,,,,,,,"),
    ("NI-117,FY2006-08-Q3,,4,,,,,,,", "period", "years_do_not_follow", "NI-117,FY2006-07-Q3,,4,,,,,,,"),
    ("NI-117,2009-06,,4,,,,,,,", "period", "other_period_kind", "NI-117,FY2006-07-Q4,,4,,,,,,,"),
    ("NI-117,FY2010-11-Q3,,4,,,,,,,", "period", "not_begun", "NI-117,FY2010-11-Q1,,4,,,,,,,"),
    ("NI-117,FY2005-06-Q1,free meals,4,,,,,,,", "group", "not_readable", "NI-117,FY2005-06-Q1,fsm,4,,,,,,,"),
    ("NI-117,FY2005-06-Q2,,\"4,5\",,,,,,,", "value", "not_a_number", "NI-117,FY2005-06-Q2,,4.5,,,,,,,"),
    ("NI-117,FY2005-06-Q3,,1234567890123456,,,,,,,", "value", "too_many_digits", "NI-117,FY2005-06-Q3,,12,,,,,,,"),
    ("NI-117,FY2005-06-Q4,,,x,5120,,,,,", "numerator", "symbol_not_a_figure", "NI-117,FY2005-06-Q4,,,231,5120,,,,,"),
    ("NI-117,FY2004-05-Q1,,,231,,,,,,", "denominator", "missing", "NI-117,FY2004-05-Q1,,,231,5120,,,,,"),
    (
        "NI-117,FY2004-05-Q2,,,231,0,,,,,",
        "denominator",
        "denominator_not_positive",
        "NI-117,FY2004-05-Q2,,,231,5120,,,,,",
    ),
    (
        "NI-117,FY2004-05-Q3,,,5120,231,,,,,",
        "numerator",
        "numerator_above_denominator",
        "NI-117,FY2004-05-Q3,,,231,5120,,,,,",
    ),
    ("NI-117,FY2004-05-Q4,,24,1,4,,,,,", "value", "value_disagrees", "NI-117,FY2004-05-Q4,,25,1,4,,,,,"),
    (
        "NI-117,FY2003-04-Q1,,4,,,,Census late,,,",
        "nil_return",
        "figure_and_nil_return",
        "NI-117,FY2003-04-Q1,,,,,,Census late,,,",
    ),
    ("NI-117,FY2003-04-Q2,,4,,,maybe,,,,", "provisional", "not_a_flag", "NI-117,FY2003-04-Q2,,4,,,yes,,,,"),
    ("NI-117,FY2003-04-Q3,,4,,,,,on_track,,", "status", "computed_never_posted", "NI-117,FY2003-04-Q3,,4,,,,,,,"),
];

/// Rows without a mistake: one of a figure that is there, one of a figure that is there otherwise, one that is new.
const RIGHT: [&str; 3] = [
    "NI-117,FY2009-10-Q1,,4.5,,,,,,,",
    "NI-117,FY2009-10-Q2,,4.4,,,,,,,Late returns.",
    "NI-117,FY2007-08-Q3,,4,,,,,,,",
];

/// The small plan with the two figures that the right rows know of.
async fn with_figures(world: &World) {
    small(world).await;
    world.patch(Manager, "kpis/NI-117", "*", json!({"valid_max": 100})).await.is(200);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(201);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q2", json!({"value": 4.6})).await.is(201);
}

fn file(rows: impl IntoIterator<Item = &'static str>) -> String {
    rows.into_iter().fold(HEADER.to_owned(), |file, row| file + "\n" + row)
}

/// Rows, created, revised, unchanged, rejected: which the rows must be the sum of.
fn counts(answer: &Answer) -> [u64; 5] {
    let body = answer.json();
    let counts = ["rows", "created", "revised", "unchanged", "rejected"].map(|name| body[name].as_u64().unwrap());
    assert_eq!(counts[0], counts[1..].iter().sum::<u64>(), "{answer}");
    counts
}

async fn twenty_mistakes_are_told_each_at_its_cell_and_nothing_is_kept(world: &World) {
    with_figures(world).await;
    let before = world.version().await;
    let wrong = file(RIGHT.into_iter().chain(MISTAKES.map(|(row, ..)| row)));
    let wanted: Vec<_> =
        (5..).zip(MISTAKES).map(|(row, (_, column, code, _))| (row, column.to_owned(), code.to_owned())).collect();
    for query in ["", "?dry_run=true", "?dry_run=false"] {
        let answer = world.import(Lead, &format!("readings{query}"), wrong.clone()).await.refused(422, "invalid");
        assert_eq!(answer.cells(), wanted);
        assert_eq!(counts(&answer), [23, 1, 1, 1, 20], "{answer}");
        let body = answer.json();
        assert_eq!((&body["dry_run"], &body["effects"]), (&json!(query == "?dry_run=true"), &json!([])));
        answer
            .tells("20 things are wrong in 20 of 23 rows")
            .tells("did you mean `NI-117`?")
            .tells("row 4 is already about");
    }
    assert_eq!(world.version().await, before, "nothing is kept");
    // One wrong cell among many right ones is enough.
    let nearly = file(RIGHT.into_iter().chain([MISTAKES[0].0]));
    assert_eq!(world.import(Lead, "readings", nearly).await.refused(422, "invalid").cells().len(), 1);
    assert_eq!(world.version().await, before);
}

async fn the_mended_file_is_tried_then_kept_then_changes_nothing(world: &World) {
    with_figures(world).await;
    let mended = file(RIGHT.into_iter().chain(MISTAKES.map(|(.., mended)| mended)));
    let before = world.version().await;
    let tried = world.import(Lead, "readings?dry_run=true", mended.clone()).await.is(200);
    assert_eq!(counts(&tried), [23, 21, 1, 1, 0], "{tried}");
    assert_eq!(world.version().await, before, "only tried");
    world.get(Lead, "kpis/NI-117/readings/FY2007-08-Q1").await.refused(404, "not_found");

    let kept = world.import(Lead, "readings", mended.clone()).await.is(200);
    assert_eq!(counts(&kept), counts(&tried));
    assert_eq!((&tried.json()["dry_run"], &kept.json()["dry_run"]), (&json!(true), &json!(false)));
    assert_eq!(tried.json()["effects"], kept.json()["effects"], "what was foretold came true");
    assert_eq!(tried.json()["effects"].as_array().unwrap().len(), 22);
    let after = world.version().await;
    assert_eq!(after, before + 22, "one entry a changed row");
    let history = world.get(Lead, "kpis/NI-117/readings/FY2009-10-Q2/history").await.is(200).json();
    assert_eq!(history["items"][1]["reason"], "Late returns.");

    for query in ["", "?dry_run=true"] {
        let again = world.import(Lead, &format!("readings{query}"), mended.clone()).await.is(200);
        assert_eq!(counts(&again), [23, 0, 0, 23, 0], "{again}");
        assert_eq!(again.json()["effects"], json!([]));
    }
    assert_eq!(world.version().await, after, "the same file again is no change");
}

async fn a_file_of_targets_is_told_every_mistake_and_mended(world: &World) {
    small(world).await;
    world.post(Manager, "kpis", kpi("RANGE", json!({"polarity": "within_range"}))).await.is(201);
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    world.put(Manager, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4.5})).await.is(201);
    let header = "kpi,period,value,low,high,floor,kind,state,rationale,agreed_by,agreed_on,reason";
    let mistakes = [
        ("NI-17,FY2010-11,5,,,,,,,,,", "kpi", "unknown_code", "NI-117,FY2010-11,5,,,,,,,,,"),
        ("NI-117,2009-06,5,,,,,,,,,", "period", "other_period_kind", "NI-117,FY2010-11-Q1,5,,,,,,,,,"),
        ("NI-117,FY2009-10,4,,,,,,,,,", "reason", "reason_needed", "NI-117,FY2009-10,4,,,,,,,,,Harder"),
        ("NI-117,FY2010-11-Q2,,,,,,,,,,", "value", "missing", "NI-117,FY2010-11-Q2,,,,,,placeholder,,,,"),
        ("NI-117,FY2010-11-Q3,,4,5,,,,,,,", "low", "range_not_wanted", "NI-117,FY2010-11-Q3,5,,,,,,,,,"),
        ("RANGE,FY2009-10,,5,4,,,,,,,", "low", "range_reversed", "RANGE,FY2009-10,,4,5,,,,,,,"),
        ("RANGE,FY2010-11,,4,,,,,,,,", "high", "missing", "RANGE,FY2010-11,,4,5,,,,,,,"),
        ("NI-117,FY2011-12-Q1,5,,,4,,,,,,", "floor", "floor_on_wrong_side", "NI-117,FY2011-12-Q1,5,,,6,,,,,,"),
        ("NI-117,FY2011-12-Q2,5,,,,legal,,,,,", "kind", "not_readable", "NI-117,FY2011-12-Q2,5,,,,statutory,,,,,"),
        ("NI-117,FY2011-12-Q3,5,,,,,done,,,,", "state", "not_readable", "NI-117,FY2011-12-Q3,5,,,,,proposed,,,,"),
        (
            "NI-117,FY2011-12-Q4,5,,,,,,,,31/03/2009,",
            "agreed_on",
            "not_readable",
            "NI-117,FY2011-12-Q4,5,,,,,,,,2009-03-31,",
        ),
        ("NI-117,FY2010-11,6,,,,,,,,,", "kpi", "named_twice", "NI-50,FY2010-11,6,,,,,,,,,"),
        ("NI-50,FY2011-12,five,,,,,,,,,", "value", "not_a_number", "NI-50,FY2011-12,5,,,,,,,,,"),
    ];
    let joined = |rows: Vec<&str>| rows.into_iter().fold(header.to_owned(), |file, row| file + "\n" + row);
    // The place that is spoken of twice must first be spoken of.
    let wrong = joined(mistakes.iter().map(|(row, ..)| *row).chain(["NI-117,FY2010-11,5,,,,,,,,,"]).collect());
    let before = world.version().await;
    let answer = world.import(Manager, "targets", wrong).await.refused(422, "invalid");
    let mut wanted: Vec<_> =
        (2..).zip(mistakes).map(|(row, (_, column, code, _))| (row, column.to_owned(), code.to_owned())).collect();
    // The second to speak of it is the one that is told, in whatever order they stand.
    wanted.retain(|(_, _, code)| code != "named_twice");
    wanted.push((15, "kpi".to_owned(), "named_twice".to_owned()));
    assert_eq!(answer.cells(), wanted, "{answer}");
    assert_eq!(counts(&answer)[4], 13);
    assert_eq!(world.version().await, before);

    let mended = joined(mistakes.iter().map(|(.., mended)| *mended).collect());
    let tried = world.import(Manager, "targets?dry_run=true", mended.clone()).await.is(200);
    assert_eq!(counts(&tried), [13, 12, 1, 0, 0], "{tried}");
    assert_eq!(world.version().await, before);
    let kept = world.import(Manager, "targets", mended.clone()).await.is(200);
    assert_eq!(tried.json()["effects"], kept.json()["effects"]);
    let effects = kept.json()["effects"].clone();
    let moved =
        effects.as_array().unwrap().iter().find(|effect| effect["kpi"] == "NI-117").unwrap_or_else(|| panic!("{kept}"));
    assert_eq!(
        (&moved["before"]["status"], &moved["after"]["status"]),
        (&json!("on_track"), &json!("off_track")),
        "{moved}"
    );
    let after = world.version().await;
    assert_eq!(counts(&world.import(Manager, "targets", mended).await.is(200)), [13, 0, 0, 13, 0]);
    assert_eq!(world.version().await, after);
}

async fn what_was_exported_comes_back_unchanged(world: &World) {
    small(world).await;
    for (path, figure) in [
        (
            "NI-117/readings/FY2009-10-Q1",
            json!({"numerator": 231, "denominator": 5120, "commentary": "Said \"so\", and\nso."}),
        ),
        ("NI-117/readings/FY2009-10-Q1?group=looked-after", json!({"value": 9.5, "provisional": true})),
        ("NI-117/readings/FY2009-10-Q2", json!({"numerator": 1, "denominator": 3})),
        ("NI-117/readings/FY2009-10-Q3", json!({"nil_return": "Census late"})),
        ("NI-117/readings/FY2009-10-Q4", json!({"value": 4.5, "commentary": "=better than \"it\" was"})),
        ("NI-50/readings/FY2009-10", json!({"value": 1, "commentary": "'-quoted"})),
        ("NI-112/readings/CY2009", json!({"value": -12.25, "commentary": "- a list"})),
        ("LI-CALLS/readings/2009-04", json!({"value": 0})),
        ("NI-87/readings/AY2008-09-T3", json!({"value": 0.000_001})),
    ] {
        world.put(Manager, &format!("kpis/{path}"), figure).await.is(201);
    }
    world
        .put(
            Manager,
            "kpis/NI-117/targets/FY2009-10",
            json!({"value": 5, "floor": 5.5, "rationale": "+more", "agreed_on": "2009-03-31"}),
        )
        .await
        .is(201);
    world
        .put(Manager, "kpis/NI-117/targets/FY2009-10-Q4", json!({"state": "placeholder", "kind": "laa"}))
        .await
        .is(201);
    let before = world.version().await;
    for (table, rows) in [("readings", 9), ("targets", 2)] {
        let exported = world.get(Manager, &format!("{table}.csv")).await.is(200);
        let answer = world.import(Manager, table, exported.body).await.is(200);
        assert_eq!(counts(&answer), [rows, 0, 0, rows, 0], "{answer}");
    }
    assert_eq!(world.version().await, before);
}

async fn periods_are_read_as_people_write_them(world: &World) {
    small(world).await;
    for (code, key, spellings) in [
        (
            "NI-117",
            "FY2009-10-Q1",
            vec!["FY2009-10-Q1", "2009/10 Q1", "Q1 2009/10", "2009-10 Q1", "2009/10 q1", " 2009/10  Q1 "],
        ),
        ("NI-50", "FY2009-10", vec!["FY2009-10", "2009/10", "2009-10", "2009/2010"]),
        ("LI-CALLS", "2009-06", vec!["2009-06", "Jun 2009", "June 2009", "jun 2009", "Jun-09", "06/2009"]),
        (
            "NI-87",
            "AY2008-09-T3",
            vec!["AY2008-09-T3", "Summer 2008/09", "2008/09 T3", "Summer 2009", "Summer Term 2008/09"],
        ),
        ("NI-112", "CY2009", vec!["CY2009", "2009"]),
    ] {
        for spelling in spellings {
            let tried = world
                .import(Manager, "readings?dry_run=true", format!("kpi,period,value\n{code},{spelling},4\n"))
                .await;
            assert_eq!(tried.status, 200, "{spelling}: {tried}");
            assert_eq!(tried.json()["effects"][0]["period"]["key"], key, "{spelling}");
        }
    }
    for (code, spelling) in [
        ("NI-117", "2009-10"),
        ("NI-117", "2009/11 Q1"),
        ("NI-117", "Q5 2009/10"),
        ("LI-CALLS", "2009-13"),
        ("NI-50", "Q1 2009/10"),
        ("NI-112", "2009/10"),
    ] {
        let answer = world
            .import(Manager, "readings", format!("kpi,period,value\n{code},{spelling},4\n"))
            .await
            .refused(422, "invalid");
        assert_eq!(answer.cells()[0].1, "period", "{spelling}");
    }
}

async fn a_file_may_come_from_any_program(world: &World) {
    small(world).await;
    let rows = "kpi,period,value,commentary\nNI-117,2009/10 Q1,4.5,\"One, two\nand three\"\n";
    for (program, file) in [
        ("a byte order mark", format!("\u{feff}{rows}")),
        ("CRLF", rows.replace('\n', "\r\n")),
        ("CR", rows.replace('\n', "\r")),
        ("no line end at the end", rows.trim_end().to_owned()),
        ("blank lines", rows.replace("\nNI", "\n\n,,,\nNI") + "\n\n,,,\n"),
        ("other capitals", rows.replace("kpi,period", "KPI,Period")),
        ("blanks", rows.replace("NI-117,2009/10 Q1,4.5", " NI-117 , 2009/10 Q1 ,  4.5 ")),
        ("columns in another order", "value,period,kpi\n4.5,2009/10 Q1,NI-117".to_owned()),
        ("quoted everything", "\"kpi\",\"period\",\"value\"\n\"NI-117\",\"2009/10 Q1\",\"4.5\"".to_owned()),
        ("trailing commas", "kpi,period,value\nNI-117,2009/10 Q1,4.5,,,\n".to_owned()),
    ] {
        let answer = world.import(Lead, "readings?dry_run=true", file).await;
        assert_eq!(answer.status, 200, "{program}: {answer}");
        assert_eq!(counts(&answer), [1, 1, 0, 0, 0], "{program}: {answer}");
    }
    // The row that is told is the row a spreadsheet shows.
    let below = "kpi,period,value,commentary\r\nNI-117,2009/10 Q1,4.5,\"One,\r\ntwo\r\nthree\"\r\n,,,\r\nNI-117,2009/10 Q2,none,\r\n";
    let answer = world.import(Lead, "readings", below).await.refused(422, "invalid");
    assert_eq!(answer.cells(), [(4, "value".to_owned(), "not_a_number".to_owned())]);
    for (file, code) in [
        ("kpi,period,value\nNI-117,2009/10 Q1,é".bytes().chain(*b"\xff\n").collect(), "not_utf8"),
        (b"kpi,period,value\nNI-117,2009/10 Q1\n".to_vec(), "wrong_number_of_cells"),
        (b"kpi,period,value\nNI-117,2009/10 Q1,4,5\n".to_vec(), "wrong_number_of_cells"),
        (format!("kpi,period,value\nNI-117,2009/10 Q1,\"{}", "x".repeat(2 << 20)).into_bytes(), "row_too_long"),
    ] {
        let answer = world.import(Lead, "readings", file).await.refused(422, "invalid");
        assert_eq!(answer.cells(), [(2, String::new(), code.to_owned())]);
    }
}

async fn a_header_must_name_the_columns(world: &World) {
    small(world).await;
    for (header, wanted) in [
        ("kpi,value", vec![("period", "missing_column")]),
        ("value", vec![("kpi", "missing_column"), ("period", "missing_column")]),
        ("kpi,period,vlaue", vec![("vlaue", "unknown_column")]),
    ] {
        let answer =
            world.import(Lead, "readings", format!("{header}\nNI-117,2009/10 Q1,4\n")).await.refused(422, "invalid");
        let wanted: Vec<_> = wanted.into_iter().map(|(column, code)| (1, column.to_owned(), code.to_owned())).collect();
        assert_eq!(answer.cells(), wanted, "{header}");
    }
    let semicolons = world.import(Lead, "readings", "kpi;value\nNI-117;4\n").await.refused(422, "invalid");
    assert_eq!(semicolons.cells(), [(1, "period".to_owned(), "missing_column".to_owned())]);
    let twice = world.import(Lead, "readings", "kpi,period,value,kpi,\nNI-117,2009/10 Q1,four,,\n").await;
    let twice = twice.refused(422, "invalid").tells("already, in A1; delete one of the two");
    let places: Vec<_> = twice.json()["errors"].as_array().unwrap().iter().map(|fault| fault["cell"].clone()).collect();
    assert_eq!(places, ["D1", "C2"], "{twice}");
    // The column that is missed may be the one that goes by another name; everything else is judged all the same.
    let misnamed = world.import(Lead, "readings", "kpi,period,vlaue,provisional\nNI-117,soon,4,perhaps\n").await;
    let misnamed = misnamed.refused(422, "invalid");
    let codes: Vec<_> = misnamed.cells().into_iter().map(|(row, _, code)| (row, code)).collect();
    let wanted = [(1, "unknown_column"), (2, "not_a_period"), (2, "not_a_flag")];
    assert_eq!(codes, wanted.map(|(row, code)| (row, code.to_owned())));
    world.import(Lead, "readings", "kpi,period,vlaue\n").await.refused(422, "invalid").tells("did you mean `value`?");
}

async fn one_mistake_hides_no_other_in_its_row(world: &World) {
    small(world).await;
    world.patch(Manager, "kpis/NI-117", "*", json!({"valid_min": 0, "valid_max": 100})).await.is(200);
    for (row, wanted) in [
        ("NI-117,soon,nobody,200,,,,,,,,", vec!["not_a_period", "unknown_code", "above_valid_range"]),
        (
            "NI-117,soon,,,5,4,,,on_track,,,500",
            vec!["not_a_period", "computed_never_posted", "out_of_range", "numerator_above_denominator"],
        ),
        ("NI-117,soon,,,5,,,,,,,", vec!["not_a_period", "missing"]),
        ("NI-117,soon,,,,,,,,,,", vec!["not_a_period", "missing"]),
        ("NI-117,2009/10 Q1,,200,,,,,,,,much", vec!["not_a_number", "above_valid_range"]),
        ("NI-117,2009/10 Q1,,four,5,4,,,,,,", vec!["not_a_number", "numerator_above_denominator"]),
        ("NI-117,2009/10 Q1,,,five,,,,,,,", vec!["not_a_number", "missing"]),
        ("NI-117,2009/10 Q1,,,five,0,,,green,,,", vec!["not_a_number", "computed_never_posted"]),
        ("NI-1717,soon,,four,,,maybe,,,,,", vec!["unknown_code", "not_a_period", "not_a_number", "not_a_flag"]),
        (",FY2009-11,free meals,4,,,,,,,,", vec!["missing", "years_do_not_follow", "not_readable"]),
        ("LI-CALLS,soon,,4,,,,,,,,", vec!["not_a_period", "not_allowed"]),
    ] {
        let answer =
            world.import(Lead, "readings", format!("{HEADER},forecast\n{row}\n")).await.refused(422, "invalid");
        let codes: Vec<_> = answer.cells().into_iter().map(|(_, _, code)| code).collect();
        assert_eq!(codes, wanted, "{row}: {answer}");
    }
    let targets = "kpi,period,value,floor,kind,agreed_on\nNI-117,soon,5,4,legal,once\nNI-1717,2009-06-30,five,,,\n";
    let answer = world.import(Manager, "targets", targets).await.refused(422, "invalid");
    let codes: Vec<_> = answer.cells().into_iter().map(|(_, _, code)| code).collect();
    let wanted = ["not_a_period", "not_readable", "not_readable", "floor_on_wrong_side"];
    assert_eq!(codes, [&wanted[..], &["unknown_code", "not_a_period", "not_a_number"]].concat(), "{answer}");
}

async fn quotation_marks_must_be_right(world: &World) {
    small(world).await;
    let before = world.version().await;
    let at = |row: u64, column: &str, code: &str| (row, column.to_owned(), code.to_owned());
    let header = "kpi,period,value,commentary";
    let open = format!("{header}\nNI-117,2009/10 Q1,60,\"Two clinics reported late\nNI-117,2009/10 Q2,70,\n");
    let answer = world.import(Lead, "readings", open.clone()).await.refused(422, "invalid").tells("never closed");
    assert_eq!(answer.cells(), [at(2, "commentary", "quotation_not_closed")]);
    assert_eq!(answer.json()["errors"][0]["cell"], "D2");
    let marked = world.import(Lead, "readings", open).header("accept", crate::support::XLSX).await.is(422);
    assert_eq!(marked.header("content-type"), Some(crate::support::XLSX));
    let behind =
        format!("{header}\nNI-117,2009/10 Q1,many,\"Good progress\" says the PCT\nNI-117,2009/10 Q2,4,\"Good\" \n");
    let answer = world.import(Lead, "readings", behind).await.refused(422, "invalid");
    assert_eq!(answer.cells(), [at(2, "commentary", "text_after_quotation"), at(2, "value", "not_a_number")]);
    assert_eq!(world.version().await, before);
    let kept = format!("{header}\nNI-117,2009/10 Q1,4,5\" pipes are \"\"new\"\"\n");
    world.import(Lead, "readings", kept).await.is(200);
    let reading = world.get(Lead, "kpis/NI-117/readings/FY2009-10-Q1").await.is(200).json();
    assert_eq!(reading["commentary"], "5\" pipes are \"\"new\"\"");
}

async fn slips_are_told_with_what_to_write(world: &World) {
    small(world).await;
    for (row, words) in [
        ("NI-117,2009/10 Q1,All,4,,,,,,,", "did you mean `all`"),
        ("NI-117,2009/10 Q1,,4,,,perhaps,,,,", "neither yes nor no"),
        ("NI-117,2009/10 Q1,,4.1234567,,,,,,,", "round it"),
        ("NI-117,01/04/2009,,4,,,,,,,", "is a date"),
        ("NI-117,soon,,4,,,,,,,", "this is reported by financial quarter, such as FY2009-10-Q1"),
        ("LI-CALLS,2010/06,,4,,,,,,,", "did you mean 2010-06?"),
    ] {
        world.import(Manager, "readings", file([row])).await.refused(422, "invalid").tells(words);
    }
    let police = json!({"formula": {"kind": "partner_determined", "by": "council"}});
    world.post(Administrator, "kpis", kpi("PARTNER", police)).await.is(201);
    let answer = world.import(Administrator, "readings", file(["PARTNER,2009/10 Q1,,,,,,,green,,"])).await;
    answer.refused(422, "invalid").tells("determines on_track, at_risk or off_track");
    world.import(Administrator, "readings", file(["PARTNER,2009/10 Q1,,,,,,,On track,,"])).await.is(200);
    let reading = world.get(Administrator, "kpis/PARTNER/readings/FY2009-10-Q1").await.is(200).json();
    assert_eq!(reading["status"], "on_track");
    let targets = "kpi,period,value,kind,state\nNI-117,2009/10,5,LAA,Agreed\nNI-117,2009/10 Q1,5,,\n";
    world.import(Manager, "targets?dry_run=true", targets).await.is(200);
    let other =
        world.import(Manager, "targets", "kpi,period,value\nNI-117,AY 2009/10,5\n").await.refused(422, "invalid");
    other.tells("a target here is for a financial quarter or for the financial year as a whole");
}

async fn a_file_with_nothing_in_it_does_nothing(world: &World) {
    small(world).await;
    let before = world.version().await;
    for table in ["readings", "targets"] {
        for empty in ["", "\n", "\u{feff}"] {
            let answer = world.import(Manager, table, empty).await.refused(422, "invalid");
            assert_eq!(answer.cells()[0].0, 1, "{answer}");
        }
        for header in ["kpi,period,value", "kpi,period,value\n", "kpi,period,value\r\n,,\r\n"] {
            let answer = world.import(Manager, table, header).await.is(200);
            assert_eq!(counts(&answer), [0, 0, 0, 0, 0]);
        }
    }
    assert_eq!(world.version().await, before);
}

async fn a_place_is_spoken_of_once(world: &World) {
    small(world).await;
    // The same figure twice is a slip, too: which row would be kept?
    let twice = "kpi,period,group,value\nNI-117,2009/10 Q1,,4\nNI-117,2009/10 Q1,fsm,4\nNI-117,Q1 2009/10,all,4\nNI-117,FY2009-10-Q1,fsm,5\n";
    let answer = world.import(Lead, "readings", twice).await.refused(422, "invalid");
    let named = |row| (row, "kpi".to_owned(), "named_twice".to_owned());
    assert_eq!(answer.cells(), [named(4), named(5)]);
    answer.tells("row 2 is already").tells("row 3 is already");
}

async fn symbols_are_told_apart_from_slips(world: &World) {
    small(world).await;
    for (symbol, words) in [
        ("c", "suppressed"),
        ("x", "not available"),
        ("z", "does not apply"),
        ("..", "nil_return"),
        ("n/a", "nil_return"),
    ] {
        for columns in ["value", "numerator,denominator"] {
            let cells = if columns == "value" { symbol.to_owned() } else { format!("{symbol},5120") };
            let file = format!("kpi,period,{columns}\nNI-117,2009/10 Q1,{cells}\n");
            let answer = world.import(Lead, "readings", file).await.refused(422, "invalid");
            assert_eq!(answer.cells()[0].2, "symbol_not_a_figure", "{answer}");
            answer.tells(words);
        }
    }
    world
        .import(Lead, "readings", "kpi,period,value\nNI-117,2009/10 Q1,5%\n")
        .await
        .refused(422, "invalid")
        .tells("write 5");
}

async fn an_import_says_what_it_changes(world: &World) {
    small(world).await;
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q1", json!({"value": 4})).await.is(201);
    let file = "kpi,period,value\nNI-117,2009/10 Q2,5.2\nNI-117,2009/10 Q1,6\nNI-50,2009/10,4\n";
    let answer = world.import(Lead, "readings", file).await.is(200);
    let effects = answer.json()["effects"].as_array().unwrap().clone();
    let told: Vec<_> = effects
        .iter()
        .map(|effect| {
            let status = |side: &str| effect[side]["status"].as_str().map(str::to_owned);
            (
                effect["kpi"].as_str().unwrap(),
                effect["period"]["key"].as_str().unwrap(),
                status("before"),
                status("after"),
            )
        })
        .collect();
    let some = |status: &str| Some(status.to_owned());
    assert_eq!(
        told,
        [
            ("NI-117", "FY2009-10-Q2", None, some("at_risk")),
            ("NI-117", "FY2009-10-Q1", some("on_track"), some("off_track")),
            ("NI-50", "FY2009-10", None, some("not_assessed")),
        ]
    );
    for effect in effects {
        let path = format!(
            "kpis/{}/status?period={}",
            effect["kpi"].as_str().unwrap(),
            effect["period"]["key"].as_str().unwrap()
        );
        let status = world.get(Board, &path).await.is(200).json();
        for (member, value) in effect["after"].as_object().unwrap() {
            assert_eq!(&status[member], value, "{member} of {path}");
        }
    }
    // A contributor may not import what they may not post, not even to try it.
    world.import(Contributor, "readings?dry_run=true", file).await.refused(422, "invalid");
}

async fn rows_in_any_order_give_the_same_report(world: &World) {
    let mut rows = Vec::new();
    for (quarter, value) in (1..=4).zip([6.1, 5.2, 4.9, 4.0]) {
        for (year, more) in [("2008/09", 1.5), ("2009/10", 0.0)] {
            rows.push(format!("NI-117,{year} Q{quarter},,{}", value + more));
            rows.push(format!("NI-117,{year} Q{quarter},fsm,{}", value + more + 3.0));
        }
    }
    rows.extend((4..=12).map(|month| format!("CALLS,2009-{month:02},,{}", month * 7)));
    let mut runner = TestRunner::deterministic();
    let mut reports = Vec::new();
    for case in 0..8 {
        let rows = Just(rows.clone()).prop_shuffle().new_tree(&mut runner).unwrap().current();
        let mut file = "kpi,period,group,value\n".to_owned();
        for row in &rows {
            writeln!(file, "{row}").unwrap();
        }
        empty(world, &format!("order-{case}")).await;
        framework(world).await;
        slices(world, "pupils", &["fsm"]).await;
        world
            .post(Administrator, "kpis", kpi("NI-117", json!({"polarity": "lower_is_better", "policy": "five-band"})))
            .await
            .is(201);
        let calls = json!({"unit": "count", "frequency": "month", "aggregation": "year_to_date", "profile": "even", "decimals": 0});
        world.post(Administrator, "kpis", kpi("CALLS", calls)).await.is(201);
        world.put(Administrator, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
        world.put(Administrator, "kpis/CALLS/targets/FY2009-10", json!({"value": 100})).await.is(201);
        world.import(Administrator, "readings", file.clone()).await.is(200);
        let mut seen = Vec::new();
        for path in [
            "status-report?period=FY2009-10-Q3",
            "status-report.csv?period=FY2009-10-Q4",
            "kpis/NI-117/series",
            "kpis/CALLS/series",
        ] {
            seen.push(world.get(Administrator, path).await.is(200).text().replace(&format!("order-{case}"), "order"));
        }
        reports.push((file, seen));
    }
    let (first_file, first) = &reports[0];
    assert!(first[0].contains("\"on_track\":2"), "the report says something: {}", first[0]);
    for (file, seen) in &reports {
        assert_eq!(seen, first, "of\n{file}\nand\n{first_file}");
    }
}

/// Where and what is wrong with JSON.
fn pointed(answer: &Answer) -> Vec<(String, String)> {
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    for fault in &errors {
        assert_eq!(
            (&fault["row"], &fault["column"], &fault["cell"]),
            (&json!(null), &json!(null), &json!(null)),
            "{answer}"
        );
    }
    let text = |fault: &serde_json::Value, name: &str| fault[name].as_str().unwrap().to_owned();
    errors.iter().map(|fault| (text(fault, "pointer"), text(fault, "code"))).collect()
}

async fn figures_come_as_json_too(world: &World) {
    with_figures(world).await;
    let body = json!({"items": [
        {"kpi": "NI-117", "period": "2009/10 Q1", "value": 4.5},
        {"kpi": "NI-117", "period": "FY2009-10-Q2", "group": null, "value": 4.4, "reason": "Late returns."},
        {"kpi": "NI-117", "period": "2009/10 Q3", "group": "fsm", "numerator": 231, "denominator": 5120,
         "provisional": true, "commentary": "'=so\nit is"},
    ]});
    let before = world.version().await;
    let tried = world.post(Lead, "readings?dry_run=true", body.clone()).await.is(200);
    assert_eq!(counts(&tried), [3, 1, 1, 1, 0], "{tried}");
    assert_eq!(world.version().await, before);
    let key = |body: serde_json::Value| world.post(Lead, "readings", body).header("idempotency-key", "june-figures");
    let kept = key(body.clone()).await.is(200);
    assert_eq!((counts(&kept), &kept.json()["effects"]), (counts(&tried), &tried.json()["effects"]));
    let again = key(body.clone()).await.is(200);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    key(json!({"items": []})).await.refused(422, "key_reused");
    assert_eq!(counts(&world.post(Lead, "readings", body).await.is(200)), [3, 0, 0, 3, 0]);
    let reading = world.get(Lead, "kpis/NI-117/readings/FY2009-10-Q3?group=fsm").await.is(200).json();
    assert_eq!(
        (&reading["value"], &reading["provisional"], &reading["commentary"]),
        (&json!(4.511_718_75), &json!(true), &json!("'=so\nit is"))
    );
    let targets = json!({"items": [{"kpi": "NI-117", "period": "2010/11", "value": 5, "kind": "laa", "agreed_on": "2010-03-24"}]});
    assert_eq!(world.post(Manager, "targets", targets.clone()).await.is(200).json()["created"], 1);
    assert_eq!(world.post(Manager, "targets", targets).await.is(200).json()["unchanged"], 1);
    assert_eq!(counts(&world.post(Lead, "readings", json!({"items": []})).await.is(200)), [0; 5]);
}

async fn what_is_wrong_with_json_is_told_at_its_pointer(world: &World) {
    with_figures(world).await;
    let before = world.version().await;
    let body = r#"{"items": [
        {"kpi": "NI-117", "period": "2009/10 Q1", "value": 4.5},
        {"kpi": "NI-171", "period": "soon", "value": 4.1234567, "numerator": "x", "provisional": "yes", "colour/": "red"},
        {"kpi": "NI-117", "period": "Q1 2009/10", "vlaue": 4, "period": "2009/10 Q4"},
        7, null, [1], "NI-117", {},
        {"kpi": ["NI-117"], "period": {"key": "FY2009-10-Q1"}, "value": 1e400, "commentary": "\u0000"},
        {"kpi": "NI-117", "period": "Q1 2009/10", "value": 5}, 7.5
    ], "itemz": [[[]]], "items": 1}"#;
    let at = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    let wanted = [
        at("/itemz", "unknown_member"),
        at("/items", "duplicate_key"),
        at("/items/1/numerator", "wrong_type"),
        at("/items/1/provisional", "wrong_type"),
        at("/items/1/colour~1", "unknown_member"),
        at("/items/1/kpi", "unknown_code"),
        at("/items/1/period", "not_a_period"),
        at("/items/1/value", "too_many_decimals"),
        at("/items/2/vlaue", "unknown_member"),
        at("/items/2/period", "duplicate_key"),
        at("/items/3", "wrong_type"),
        at("/items/4", "wrong_type"),
        at("/items/5", "wrong_type"),
        at("/items/6", "wrong_type"),
        at("/items/7/kpi", "missing"),
        at("/items/7/period", "missing"),
        at("/items/8/kpi", "wrong_type"),
        at("/items/8/period", "wrong_type"),
        at("/items/8/value", "number_too_large"),
        at("/items/8/commentary", "nul_character"),
        at("/items/9/kpi", "named_twice"),
        at("/items/10", "wrong_type"),
    ];
    for accept in ["application/json", crate::support::XLSX] {
        let ask = world.ask(actix_web::http::Method::POST, Lead, "readings").body("application/json", body);
        let answer = ask.header("accept", accept).await.refused(422, "invalid");
        assert_eq!(pointed(&answer), wanted, "{answer}");
        answer.tells("did you mean `value`?").tells("/items/0 is already about");
    }
    let targets = json!({"items": [{"kpi": "NI-117", "period": "2010/11", "value": "5", "group": "all"}]});
    let answer = world.post(Manager, "targets", targets).await.refused(422, "invalid");
    assert_eq!(pointed(&answer), [at("/items/0/group", "unknown_member"), at("/items/0/value", "wrong_type")]);
    assert_eq!(world.version().await, before);
}

async fn json_that_would_do_harm_is_refused(world: &World) {
    small(world).await;
    let send =
        |body: Vec<u8>| world.ask(actix_web::http::Method::POST, Lead, "readings").body("application/json", body);
    for body in ["", "{", "{\"items\": [", "{\"items\": []} x", "{\"items\": [{\"kpi\": \"\\ud800\"}]}", "kpi,period\n"]
    {
        send(body.into()).await.refused(400, "malformed_request");
    }
    send(b"{\"items\": [{\"kpi\": \"\xff\"}]}".to_vec()).await.refused(400, "malformed_request");
    let deep = "[".repeat(200_000);
    send(format!("{{\"items\": [{{\"kpi\": {deep}").into_bytes()).await.refused(400, "malformed_request");
    for (body, pointer, code) in [
        ("{}".to_owned(), "/items", "missing_field"),
        ("[]".to_owned(), "", "wrong_type"),
        ("7".to_owned(), "", "wrong_type"),
        ("{\"items\": {}}".to_owned(), "/items", "wrong_type"),
        ("{\"items\": null}".to_owned(), "/items", "wrong_type"),
        (format!("{{\"items\": [{{\"kpi\": \"{}\"}}]}}", "x".repeat(3 << 20)), "/items/0", "item_too_long"),
        (format!("{{\"items\": [{}", "[".repeat(3 << 20)), "/items/0", "item_too_long"),
        (format!("{{\"items\": [{}", " ".repeat(3 << 20)), "/items/0", "item_too_long"),
        (format!("{{\"x\": \"{}\"}}", "x".repeat(3 << 20)), "", "body_too_long"),
    ] {
        let answer = send(body.into_bytes()).await.refused(422, "invalid");
        assert_eq!(pointed(&answer), [(pointer.to_owned(), code.to_owned())], "{answer}");
    }
    // Of one item without end of unknown members, some are told.
    let members: Vec<String> = (0..50_000).map(|number| format!("\"m{number}\": 1")).collect();
    let answer = send(format!("{{\"items\": [{{{}}}]}}", members.join(",")).into_bytes()).await.refused(422, "invalid");
    assert_eq!(pointed(&answer).len(), 100);
    // And many items are as good as few.
    let item = "{\"kpi\": \"NI-117\", \"period\": \"2009/10 Q1\", \"value\": 4}";
    let many = format!("{{\"items\": [{}]}}", vec![item; 20_000].join(","));
    assert_eq!(send(many.into_bytes()).await.refused(422, "invalid").json()["rejected"], 19_999);
}
