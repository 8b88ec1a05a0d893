//! Spreadsheets both ways: a workbook is read as a CSV file is, comes back with its mistakes marked, and is refused where it
//! would do harm; reports and tables can be had as workbooks that another program reads.

use std::io::{Cursor, Write as _};

use calamine::{Data, Reader, Xlsx};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use quick_xml::events::Event;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook, Worksheet};
use serde_json::{Value, json};

use crate::on_both;
use crate::support::plan::{kpi, round, small};
use crate::support::{Actor, Answer, Ask, World, XLSX};

use Actor::{Administrator, Board, Lead, Manager, Partner};

on_both! {
    a_template_is_filled_in_and_sent_back
    a_template_asks_for_what_is_owed
    a_template_is_had_by_those_who_report
    a_workbook_is_read_as_a_csv_file_is
    periods_in_cells_are_read_as_people_see_them
    a_cell_that_cannot_be_read_is_named
    what_stands_in_a_column_without_a_heading_is_told
    a_mistake_about_the_sheet_hides_none_in_it
    twenty_mistakes_come_back_marked
    a_person_gets_their_own_workbook_back
    what_people_put_into_a_workbook_stays
    a_workbook_that_cannot_be_written_in_comes_back_as_a_copy
    a_csv_file_comes_back_as_a_marked_workbook_too
    the_table_is_found_wherever_it_stands
    what_is_no_workbook_is_refused_by_name
    a_workbook_that_would_do_harm_is_refused
    no_more_is_kept_of_a_workbook_than_it_holds
    cells_far_out_cost_no_more_than_others
    many_workbooks_at_once_are_all_answered
    what_was_exported_as_a_workbook_comes_back_unchanged
    reports_can_be_had_as_workbooks
    small_numbers_are_withheld_in_workbooks_too
    a_board_report_is_the_same_workbook_for_ever
}

/// What a test puts into a cell.
#[derive(Clone)]
enum Put {
    Text(&'static str),
    Number(f64),
    Percent(f64),
    /// A day, shown as a month.
    Day(u16, u8, u8),
    Formula(&'static str, &'static str),
}

use Put::{Number, Text};

fn put(sheet: &mut Worksheet, row: u32, column: u16, cell: &Put) {
    match cell {
        Text(text) => sheet.write_string(row, column, *text),
        Number(number) => sheet.write_number(row, column, *number),
        Put::Percent(number) => {
            sheet.write_number_with_format(row, column, *number, &Format::new().set_num_format("0.0%"))
        }
        Put::Day(year, month, day) => {
            let day = ExcelDateTime::from_ymd(*year, *month, *day).unwrap();
            sheet.write_datetime_with_format(row, column, day, &Format::new().set_num_format("mmm-yy"))
        }
        Put::Formula(formula, result) => sheet.write_formula(row, column, Formula::new(*formula).set_result(*result)),
    }
    .unwrap();
}

fn put_rows(sheet: &mut Worksheet, first: u32, rows: &[Vec<Put>]) {
    for (row, cells) in (first..).zip(rows) {
        for (column, cell) in (0..).zip(cells) {
            put(sheet, row, column, cell);
        }
    }
}

/// A workbook with one sheet.
fn book(rows: &[Vec<Put>]) -> Vec<u8> {
    let mut book = Workbook::new();
    put_rows(book.add_worksheet(), 0, rows);
    saved(&book.save_to_buffer().unwrap())
}

/// A workbook as it is once Excel has worked out its formulas and saved it.
pub(crate) fn saved(book: &[u8]) -> Vec<u8> {
    changed(book, "xl/workbook.xml", |part| part.replace(" fullCalcOnLoad=\"1\"", ""))
}

/// Rows of words, the cells with commas between.
fn rows(text: &'static str) -> Vec<Vec<Put>> {
    text.lines().map(|line| line.split(',').map(Text).collect()).collect()
}

fn send<'a>(world: &'a World, path: &str, file: Vec<u8>) -> Ask<'a> {
    world.ask(actix_web::http::Method::POST, Lead, path).body(XLSX, file)
}

/// Another program's view of a workbook.
fn opened(body: &[u8]) -> Xlsx<Cursor<Vec<u8>>> {
    Xlsx::new(Cursor::new(body.to_vec())).unwrap()
}

/// The cells of a sheet, as another program reads them; from A1.
pub(crate) fn cells(body: &[u8], sheet: &str) -> Vec<Vec<Data>> {
    let range = opened(body).worksheet_range(sheet).unwrap();
    let (last_row, last_column) = range.end().unwrap();
    let cell = |row, column| range.get_value((row, column)).cloned().unwrap_or(Data::Empty);
    (0..=last_row).map(|row| (0..=last_column).map(|column| cell(row, column)).collect()).collect()
}

pub(crate) fn text_of(body: &[u8], sheet: &str) -> String {
    let rows = cells(body, sheet).into_iter();
    rows.map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>().join("|") + "\n").collect()
}

/// The fault at each cell.
fn named(answer: &Answer) -> Vec<(String, String)> {
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    let text = |fault: &Value, name: &str| fault[name].as_str().unwrap_or_default().to_owned();
    errors.iter().map(|fault| (text(fault, "cell"), text(fault, "code"))).collect()
}

/// The row of a template's header, and the places of its columns.
fn header(table: &[Vec<Data>]) -> (usize, impl Fn(&str) -> usize + use<>) {
    let row = table.iter().position(|row| row[0] == Data::String("kpi".to_owned())).unwrap();
    let names: Vec<String> = table[row].iter().map(ToString::to_string).collect();
    (row, move |name: &str| names.iter().position(|known| known == name).unwrap_or_else(|| panic!("no {name}")))
}

/// The rows of a template by KPI, period and group, as another program reads them.
pub(crate) fn owed(table: &[Vec<Data>]) -> Vec<String> {
    let (row, at) = header(table);
    let places = ["kpi", "period", "group"].map(at);
    table[row + 1..].iter().map(|row| places.map(|place| row[place].to_string()).join(" ")).collect()
}

async fn a_template_is_filled_in_and_sent_back(world: &World) {
    small(world).await;
    round(world, "FY2009-10-Q4", "2010-04-01", "2010-05-31").await;
    world
        .patch(Manager, "kpis/NI-117", "*", json!({"valid_min": 0, "valid_max": 100, "definition": "The share"}))
        .await;
    world.put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5})).await.is(201);
    world.put(Lead, "kpis/NI-117/readings/FY2009-10-Q3", json!({"value": 4.8})).await.is(201);
    world.put(Lead, "kpis/LI-ASTHMA/readings/FY2009-10-Q4", json!({"value": 12, "commentary": "So far"})).await.is(201);
    let path = "readings/template.xlsx?sub_group=health-group&period=FY2009-10-Q4";
    let file = world.get(Lead, path).await.is(200);
    assert_eq!(file.header("content-type"), Some(XLSX));
    assert!(file.header("content-disposition").unwrap().contains("health-group-FY2009-10-Q4.xlsx"));
    let mut table = cells(&file.body, "Figures");
    assert_eq!(owed(&table), ["NI-117 FY2009-10-Q4 all", "LI-ASTHMA FY2009-10-Q4 all", "NI-50 FY2009-10 all"],);
    let (top, at) = header(&table);
    let neet = &table[top + 1];
    let helps = ["title", "definition", "unit", "last_period", "last_figure", "target", "due"]
        .map(|name| neet[at(name)].to_string());
    assert_eq!(helps, ["The KPI NI-117", "The share", "percentage", "2009/10 Q3", "4.8 %", "5.0 %", "2010-05-31"]);
    assert_eq!(table[top + 2][at("value")], Data::Float(12.0), "what was reported stands there already");
    // Untouched, it changes nothing: empty rows are ignored.
    let before = world.version().await;
    let untouched = send(world, "readings", file.body.to_vec()).await.is(200).json();
    assert_eq!((&untouched["rows"], &untouched["unchanged"]), (&json!(1), &json!(1)), "{untouched}");
    assert_eq!(world.version().await, before);
    // Filled in with one figure: another program writes what it read, and what it adds.
    table[top + 1][at("numerator")] = Data::Float(231.0);
    table[top + 1][at("denominator")] = Data::Float(5120.0);
    table[top + 1][at("provisional")] = Data::String("yes".to_owned());
    table[top + 1][at("commentary")] = Data::String("=better".to_owned());
    let mut filled = Workbook::new();
    let sheet = filled.add_worksheet();
    for (row, cells) in (0..).zip(&table) {
        for (column, cell) in (0..).zip(cells) {
            match cell {
                Data::Empty => continue,
                Data::Float(number) => sheet.write_number(row, column, *number),
                other => sheet.write_string(row, column, other.to_string()),
            }
            .unwrap();
        }
    }
    let filled = filled.save_to_buffer().unwrap();
    let tried = send(world, "readings?dry_run=true", filled.clone()).await.is(200).json();
    let kept = send(world, "readings", filled).await.is(200).json();
    assert_eq!(tried["effects"], kept["effects"]);
    assert_eq!((&kept["rows"], &kept["created"]), (&json!(2), &json!(1)), "{kept}");
    assert_eq!(kept["effects"][0]["after"]["status"], "on_track");
    let reading = world.get(Lead, "kpis/NI-117/readings/FY2009-10-Q4").await.is(200).json();
    assert_eq!(
        (&reading["value"], &reading["provisional"], &reading["commentary"]),
        (&json!(4.511_718_75), &json!(true), &json!("=better"))
    );

    let sheet = part(&file.body, "xl/worksheets/sheet1.xml");
    for wanted in [
        "\"yes,no\"",
        "type=\"decimal\"",
        "<formula2>100</formula2>",
        "state=\"frozen\"",
        "<sheetProtection",
        "\"NI-117\"",
    ] {
        assert!(sheet.contains(wanted) || sheet.contains(&wanted.replace('"', "&quot;")), "no {wanted}: {sheet}");
    }
    let notes = text_of(&file.body, "Notes");
    for wanted in ["suppressed", "0 is a figure", "4.5 for 4.5 %", "not available"] {
        assert!(notes.contains(wanted), "no {wanted}: {notes}");
    }

    // As CSV it has the same columns, and is passed over in the same way.
    let csv = world.get(Lead, "readings/template.csv?sub_group=health-group&period=FY2009-10-Q4").await.is(200);
    assert_eq!(csv.rows().len(), 3);
    assert_eq!(csv.rows()[0].len(), table[top].len());
    let answer = world.import(Lead, "readings", csv.body.clone()).await.is(200).json();
    assert_eq!((&answer["rows"], &answer["unchanged"]), (&json!(2), &json!(2)), "{answer}");
    // Without the columns that make it a template, an empty row is a mistake as it always was.
    let bare = "kpi,period,value\nNI-50,2009/10,\n";
    assert_eq!(world.import(Lead, "readings", bare).await.refused(422, "invalid").cells()[0].2, "missing");
}

async fn a_template_asks_for_what_is_owed(world: &World) {
    small(world).await;
    world
        .post(
            Manager,
            "kpis",
            kpi("GAP", json!({"unit": "percentage_points", "formula": {"kind": "gap", "of": "NI-117", "group": "fsm", "comparator": "all"}})),
        )
        .await
        .is(201);
    // No round is set for the period: what has it for its own.
    let asked = |period: &'static str| async move {
        let path = format!("readings/template?sub_group=health-group&period={period}");
        owed(&cells(&world.get(Board, &path).await.is(200).body, "Figures"))
    };
    // In the plan's order: NI-117 belongs to the first priority, LI-ASTHMA to the second.
    let quarter =
        ["NI-117 FY2009-10-Q2 all", "NI-117 FY2009-10-Q2 fsm", "LI-ASTHMA FY2009-10-Q2 all"].map(str::to_owned);
    assert_eq!(asked("FY2009-10-Q2").await, quarter, "the sides of a gap too, and never the gap");
    assert_eq!(asked("FY2009-10").await, ["NI-50 FY2009-10 all"]);
    assert_eq!(asked("2009-06").await, [""; 0]);
    // With one, what is owed in it, whatever its period.
    round(world, "FY2009-10-Q4", "2010-04-01", "2010-05-31").await;
    let template = asked("FY2009-10-Q4").await;
    let report = world.get(Board, "rounds/FY2009-10-Q4/returns/health-group").await.is(200).json();
    let lines = report["lines"].as_array().unwrap().iter().map(|line| {
        let one = &line["assessment"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        [text(&one["kpi"]), text(&one["period"]["key"]), text(&one["group"])].join(" ")
    });
    assert!(template[0].starts_with("NI-117 ") && template.last().unwrap().starts_with("NI-50 "), "{template:?}");
    let sorted = |mut lines: Vec<String>| {
        lines.sort_unstable();
        lines
    };
    assert_eq!(sorted(template.clone()), sorted(lines.collect()));
    // Without a period, the round that is open.
    let open =
        owed(&cells(&world.get(Board, "readings/template?sub_group=health-group").await.is(200).body, "Figures"));
    assert_eq!(open, template);
}

async fn a_template_is_had_by_those_who_report(world: &World) {
    small(world).await;
    let path = "readings/template?sub_group=health-group&period=FY2009-10-Q4";
    world.get(Partner, path).await.refused(403, "not_allowed");
    for (query, code) in
        [("sub_group=helth-group", "unknown_code"), ("sub_group=health-group&period=soon", "not_a_period")]
    {
        let answer = world.get(Lead, &format!("readings/template?{query}")).await.refused(422, "invalid");
        assert_eq!(answer.faults()[0].1, code);
    }
    world.get(Lead, "readings/template").await.refused(400, "invalid_parameter");
    world.get(Lead, path).header("accept", "application/json").await.refused(406, "not_acceptable").tells("text/csv");
    let first = world.get(Lead, path).await.is(200);
    let again = world.get(Lead, path).await.is(200);
    assert_eq!((first.tag(), &first.body), (again.tag(), &again.body));
    world.get(Lead, path).header("if-none-match", &first.tag()).await.is(304);
}

async fn a_workbook_is_read_as_a_csv_file_is(world: &World) {
    small(world).await;
    let mut table = rows("Commentary,KPI,Value,Period,Numerator,Denominator,Provisional,Group,Title,");
    table.push(vec![Text("Said =so"), Text("NI-117"), Number(4.5), Text("2009/10 Q1")]);
    table.push(Vec::new());
    let noted = [Text(""), Text("NI-117"), Text(""), Text("Q2 2009/10"), Number(231.0), Text(" 5120 "), Text("Yes")];
    table.push(noted.into_iter().chain([Text("fsm"), Text("a title")]).collect());
    table.push(vec![Text(""), Text("NI-117"), Number(0.1 + 0.2), Text("FY2009-10-Q3")]);
    table.push(vec![Text(""), Text("NI-117"), Put::Formula("=2*2.25", "4.5"), Text("FY2009-10-Q4")]);
    let file = book(&table);
    let before = world.version().await;
    let tried = send(world, "readings?dry_run=true", file.clone()).await.is(200).json();
    assert_eq!((&tried["rows"], &tried["created"]), (&json!(4), &json!(4)), "{tried}");
    assert_eq!(world.version().await, before);
    let kept = send(world, "readings", file.clone()).await.is(200).json();
    assert_eq!(kept["effects"], tried["effects"]);
    let reading = world.get(Lead, "kpis/NI-117/readings/FY2009-10-Q1").await.is(200).json();
    assert_eq!((&reading["value"], &reading["commentary"]), (&json!(4.5), &json!("Said =so")));
    let reading = world.get(Lead, "kpis/NI-117/readings/FY2009-10-Q2?group=fsm").await.is(200).json();
    assert_eq!((&reading["value"], &reading["provisional"]), (&json!(4.511_718_75), &json!(true)));
    let sum = world.get(Lead, "kpis/NI-117/readings/FY2009-10-Q3").await.is(200).text();
    assert!(sum.contains("\"value\":0.3,"), "what Excel shows: {sum}");
    let computed = world.get(Lead, "kpis/NI-117/readings/FY2009-10-Q4").await.is(200).json();
    assert_eq!(computed["value"], 4.5, "a formula by its saved value");
    let again = send(world, "readings", file).await.is(200).json();
    assert_eq!((&again["unchanged"], &again["effects"]), (&json!(4), &json!([])));

    let targets = book(&[
        rows("kpi,period,value,agreed_on").remove(0),
        vec![Text("NI-117"), Text("2009/10"), Number(5.0), Put::Day(2009, 3, 31)],
    ]);
    let ask = world.ask(actix_web::http::Method::POST, Manager, "targets").body(XLSX, targets);
    assert_eq!(ask.await.is(200).json()["created"], 1);
    let target = world.get(Manager, "kpis/NI-117/targets/FY2009-10").await.is(200).json();
    assert_eq!(target["agreed_on"], "2009-03-31");
}

async fn periods_in_cells_are_read_as_people_see_them(world: &World) {
    small(world).await;
    for (code, cell, key) in [
        ("LI-CALLS", Put::Day(2009, 6, 1), "2009-06"),
        ("LI-CALLS", Text("June 2009"), "2009-06"),
        ("NI-112", Number(2009.0), "CY2009"),
        ("NI-50", Text("2009/10"), "FY2009-10"),
    ] {
        let file = book(&[rows("kpi,period,value").remove(0), vec![Text(code), cell, Number(4.0)]]);
        let ask = world.ask(actix_web::http::Method::POST, Manager, "readings?dry_run=true").body(XLSX, file);
        assert_eq!(ask.await.is(200).json()["effects"][0]["period"]["key"], key);
    }
    // 2009-10 typed into Excel becomes the first of October: for a year it is not guessed at.
    for (code, cell) in [("NI-50", Put::Day(2009, 10, 1)), ("LI-CALLS", Put::Day(2009, 6, 30))] {
        let file = book(&[rows("kpi,period,value").remove(0), vec![Text(code), cell, Number(4.0)]]);
        let ask = world.ask(actix_web::http::Method::POST, Manager, "readings").body(XLSX, file);
        let answer = ask.await.refused(422, "invalid").tells("is a date: write the period as text");
        assert_eq!(answer.json()["errors"][0]["cell"], "B2");
    }
}

async fn a_cell_that_cannot_be_read_is_named(world: &World) {
    small(world).await;
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    put_rows(sheet, 0, &rows("kpi,period,value,numerator,denominator,commentary\nNI-117,2009/10 Q1"));
    put(sheet, 1, 3, &Put::Percent(0.045));
    put(sheet, 1, 4, &Number(2.0));
    put_rows(sheet, 2, &rows("NI-117,2009/10 Q2\nNI-117,2009/10 Q3,,,5120\nNI-117,2009/10 Q4,4.5"));
    put(sheet, 2, 2, &Put::Formula("=1/0", "#DIV/0!"));
    sheet.write_formula(3, 3, Formula::new("=A1").set_result("#N/A")).unwrap();
    put(sheet, 4, 5, &Put::Formula("=A1", "a value"));
    // Saved by a program that does not compute: the value of this formula is not there.
    let body = without_values(&saved(&book.save_to_buffer().unwrap()), "F5");
    let answer = send(world, "readings", body).await.refused(422, "invalid");
    let at = |cell: &str, code: &str| (cell.to_owned(), code.to_owned());
    assert_eq!(
        named(&answer),
        [at("D2", "not_a_number"), at("C3", "error_value"), at("D4", "error_value"), at("F5", "formula_without_value"),],
        "{answer}"
    );
    answer.tells("without a percent sign").tells("#DIV/0!").tells("#N/A").tells("save it again");
    // What other programs save of a formula that they have not computed: a value, and nothing in it.
    for empty in ["<v/>", "<v></v>"] {
        let row = format!(
            "<row><c t=\"inlineStr\"><is><t>NI-117</t></is></c><c t=\"inlineStr\"><is><t>2009/10 Q1</t></is></c><c><f>70+10</f>{empty}</c></row>"
        );
        let header = KPI_AND_PERIOD.replace("</row>", "<c t=\"inlineStr\"><is><t>value</t></is></c></row>");
        let body = raw_book(&format!("<worksheet><sheetData>{header}{row}</sheetData></worksheet>"));
        let answer = send(world, "readings", body).await.refused(422, "invalid");
        assert_eq!(named(&answer), [at("C2", "formula_without_value")], "{answer}");
    }
}

async fn what_stands_in_a_column_without_a_heading_is_told(world: &World) {
    small(world).await;
    let at = |cell: &str, code: &str| (cell.to_owned(), code.to_owned());
    let table = "kpi,period,,value,\nNI-117,2009/10 Q1,,4.5,my own notes\nNI-117,2009/10 Q2,x,4.5\n,,,,so far\nNI-117,2009/10 Q3,,4.5,";
    let wanted =
        [at("E2", "column_without_heading"), at("C3", "column_without_heading"), at("E4", "column_without_heading")];
    let answer = send(world, "readings", book(&rows(table)))
        .await
        .refused(422, "invalid")
        .tells("`my own notes` is in a column");
    assert_eq!(named(&answer), wanted, "{answer}");
    let csv = table.replace("x,4.5", "x,4.5,");
    assert_eq!(named(&world.import(Lead, "readings", csv).await.refused(422, "invalid")), wanted);
    let blank = "kpi,period,,value,\nNI-117,2009/10 Q1,,4.5,\n,,,,";
    for answer in
        [send(world, "readings?dry_run=true", book(&rows(blank))).await, world.import(Lead, "readings", blank).await]
    {
        assert_eq!(answer.is(200).json()["created"], 1);
    }
}

/// A workbook in which the formula of one cell was saved without its value.
fn without_values(book: &[u8], cell: &str) -> Vec<u8> {
    changed(book, "xl/worksheets/sheet1.xml", |sheet| {
        let (before, formula, rest) = around(sheet, &format!("<c r=\"{cell}\""), "<v>");
        let (_value, rest) = rest.split_once("</v>").unwrap();
        format!("{before}<c r=\"{cell}\"{formula}{rest}")
    })
}

/// The parts of a workbook.
fn parts(book: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(book)).unwrap();
    let places = 0..archive.len();
    let read = |place| {
        let mut part = archive.by_index(place).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut part, &mut bytes).unwrap();
        (part.name().unwrap().into_owned(), bytes)
    };
    places.map(read).collect()
}

pub(crate) fn part(book: &[u8], name: &str) -> String {
    let found = parts(book).into_iter().find(|(known, _)| known == name);
    String::from_utf8(found.unwrap_or_else(|| panic!("no {name}")).1).unwrap()
}

/// A workbook with one part rewritten.
pub(crate) fn changed(book: &[u8], name: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    let mut parts = parts(book);
    let (_, part) = parts.iter_mut().find(|(known, _)| known == name).unwrap();
    *part = change(std::str::from_utf8(part).unwrap()).into_bytes();
    packed(&parts)
}

/// What stands before, between and after two marks.
fn around<'a>(text: &'a str, from: &str, to: &str) -> (&'a str, &'a str, &'a str) {
    let (before, rest) = text.split_once(from).unwrap_or_else(|| panic!("no {from}"));
    let (between, after) = rest.split_once(to).unwrap();
    (before, between, after)
}

fn packed(parts: &[(impl AsRef<str>, Vec<u8>)]) -> Vec<u8> {
    zipped(&parts.iter().map(|(name, bytes)| (name.as_ref(), bytes.as_slice())).collect::<Vec<_>>())
}

fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Twenty rows with one mistake each, and the code of it.
const MISTAKES: [(&str, &str, &str); 20] = [
    ("NI-171,FY2007-08-Q1,,4", "A", "unknown_code"),
    (",FY2007-08-Q2,,4", "A", "missing"),
    ("LI-CALLS,2009-06,,4", "A", "not_allowed"),
    ("NI-117,2009/10 Q1,,4", "A", "named_twice"),
    ("NI-117,,,4", "B", "missing"),
    ("NI-117,soon,,4", "B", "not_a_period"),
    ("NI-117,FY2006-08-Q3,,4", "B", "years_do_not_follow"),
    ("NI-117,2009-06,,4", "B", "other_period_kind"),
    ("NI-117,FY2010-11-Q3,,4", "B", "not_begun"),
    ("NI-117,FY2005-06-Q1,free meals,4", "C", "not_readable"),
    ("NI-117,FY2005-06-Q2,,four", "D", "not_a_number"),
    ("NI-117,FY2005-06-Q3,,1234567890123456", "D", "too_many_digits"),
    ("NI-117,FY2005-06-Q4,,,x,5120", "E", "symbol_not_a_figure"),
    ("NI-117,FY2004-05-Q1,,,231", "F", "missing"),
    ("NI-117,FY2004-05-Q2,,,231,0", "F", "denominator_not_positive"),
    ("NI-117,FY2004-05-Q3,,,5120,231", "E", "numerator_above_denominator"),
    ("NI-117,FY2004-05-Q4,,24,1,4", "D", "value_disagrees"),
    ("NI-117,FY2003-04-Q1,,4,,,,Census late", "H", "figure_and_nil_return"),
    ("NI-117,FY2003-04-Q2,,4,,,maybe", "G", "not_a_flag"),
    ("NI-117,FY2003-04-Q3,,101", "D", "above_valid_range"),
];
const MISTAKEN: &str = "kpi,period,group,value,numerator,denominator,provisional,nil_return";

fn mistakes() -> Vec<Vec<Put>> {
    let mut table = vec![vec![Text("Our return")], Vec::new()];
    table.extend(rows(MISTAKEN));
    table.extend(rows("NI-117,2009/10 Q1,,4.5"));
    table.extend(MISTAKES.iter().flat_map(|(row, ..)| rows(row)));
    table
}

async fn twenty_mistakes_come_back_marked(world: &World) {
    small(world).await;
    world.patch(Manager, "kpis/NI-117", "*", json!({"valid_max": 100})).await.is(200);
    let file = book(&mistakes());
    let before = world.version().await;
    let wanted: Vec<_> =
        (5..).zip(MISTAKES).map(|(row, (_, column, code))| (format!("{column}{row}"), code.to_owned())).collect();
    let told = send(world, "readings", file.clone()).await.refused(422, "invalid");
    assert_eq!(named(&told), wanted, "{told}");
    assert_eq!((told.json()["rows"].clone(), told.json()["rejected"].clone()), (json!(21), json!(20)));

    let accepts = format!("{XLSX}, application/problem+json;q=0.5");
    let marked = send(world, "readings", file).header("accept", &accepts).await.is(422);
    assert_eq!(marked.header("content-type"), Some(XLSX));
    assert!(marked.header("content-disposition").unwrap().contains("readings-with-mistakes.xlsx"));
    let list = cells(&marked.body, "Mistakes");
    let listed: Vec<_> = list[4..].iter().map(|row| (row[0].to_string(), row[4].to_string())).collect();
    assert_eq!(listed, wanted);
    let sent = cells(&marked.body, "Sheet1");
    assert_eq!(sent[0][0], Data::String("Our return".to_owned()));
    assert_eq!((&sent[3][0], &sent[3][3]), (&Data::String("NI-117".to_owned()), &Data::String("4.5".to_owned())));
    assert_eq!(sent[14][3], Data::String("four".to_owned()));
    let marks = marks(&marked.body);
    let mut cells: Vec<_> = wanted.iter().map(|(cell, _)| cell.clone()).collect();
    cells.sort();
    assert_eq!((&marks.red, &marks.noted), (&cells, &cells));
    assert!(marks.comments.contains("Waymark found: `four` is not a number"), "{}", marks.comments);
    // What came back can be sent again, and says the same.
    let again = send(world, "readings", marked.body.to_vec()).await.refused(422, "invalid");
    assert_eq!(named(&again), wanted);
    assert_eq!(world.version().await, before);
}

/// A workbook with words put into cells of its first sheet, each in the format that the cell has.
fn filled_in(body: &[u8], cells: &[(&str, &str)]) -> Vec<u8> {
    changed(body, "xl/worksheets/sheet1.xml", |sheet| {
        let mut sheet = sheet.to_owned();
        for (cell, words) in cells {
            let (before, tag, after) = around(&sheet, &format!("<c r=\"{cell}\""), ">");
            let after = if tag.ends_with('/') { after } else { after.split_once("</c>").unwrap().1 };
            let style = tag.split_once(" s=\"").map_or("0", |(_, rest)| rest.split('"').next().unwrap());
            let new = format!("<c r=\"{cell}\" s=\"{style}\" t=\"inlineStr\"><is><t>{words}</t></is></c>");
            sheet = format!("{before}{new}{after}");
        }
        sheet
    })
}

/// The pieces of some XML, whichever way it has of writing an element that holds nothing.
fn pieces(xml: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut pieces = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return pieces,
            Event::Start(element) => pieces.push(format!("<{}>", element.trim())),
            Event::End(element) => pieces.push(format!("</{}>", element.name().as_ref())),
            Event::Decl(_) => {}
            other if other.trim().is_empty() => {}
            other => pieces.push(other.to_string()),
        }
    }
}

/// What is marked in the first sheet of a workbook: which cells are red, which have a comment of ours, and all comments.
struct Marks {
    red: Vec<String>,
    noted: Vec<String>,
    comments: String,
}

fn marks(body: &[u8]) -> Marks {
    let sheet = part(body, "xl/worksheets/sheet1.xml");
    let formats = sheet.split("<conditionalFormatting sqref=\"").skip(1);
    let ours = formats.filter(|format| format.split("</conditionalFormatting>").next().unwrap().contains("by Waymark"));
    let red =
        ours.flat_map(|format| format.split('"').next().unwrap().split(' ').map(str::to_owned).collect::<Vec<_>>());
    let all = parts(body).into_iter().map(|(name, _)| name);
    let files = all.filter(|name| name.starts_with("xl/comments")).collect::<Vec<_>>();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    let comments = part(body, file);
    let ours = comments.split("<comment ").skip(1).filter(|comment| comment.contains("Waymark found:"));
    let mut noted: Vec<_> = ours.map(|comment| around(comment, "ref=\"", "\"").1.to_owned()).collect();
    let mut red: Vec<_> = red.collect();
    red.sort();
    noted.sort();
    Marks { red, noted, comments }
}

async fn a_person_gets_their_own_workbook_back(world: &World) {
    small(world).await;
    round(world, "FY2009-10-Q4", "2010-04-01", "2010-05-31").await;
    world.patch(Manager, "kpis/NI-117", "*", json!({"valid_min": 0, "valid_max": 100})).await.is(200);
    let path = "readings/template.xlsx?sub_group=health-group&period=FY2009-10-Q4";
    let template = world.get(Lead, path).await.is(200).body;
    let (_, at) = header(&cells(&template, "Figures"));
    let letter = |name: &str| char::from(b'A' + u8::try_from(at(name)).unwrap());
    let cell = |name: &str, row: u32| format!("{}{row}", letter(name));
    let (asthma, neet) = (cell("value", 5), cell("value", 6));
    let flag = cell("provisional", 6);
    let sent = filled_in(&template, &[(&asthma, "twelve"), (&neet, "4.5"), (&flag, "perhaps")]);
    let back = |file: Vec<u8>| async move { send(world, "readings", file).header("accept", XLSX).await.is(422).body };
    let marked = back(sent.clone()).await;
    assert_eq!(marks(&marked).red, [asthma.clone(), flag.clone()]);
    assert_eq!(marks(&marked).noted, [asthma.clone(), flag.clone()]);
    // All that is not a mark is as it was sent: other sheets, drop-downs, frozen panes, protection, widths, formats.
    let (before, after) = (parts(&sent), parts(&marked));
    for (name, bytes) in &before {
        let same = after.iter().any(|(known, now)| known == name && now == bytes);
        let changed = ["[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml"];
        assert!(
            same || changed.contains(&name.as_str()) || name == "xl/worksheets/sheet1.xml",
            "{name} is not as it was"
        );
    }
    let sheet = |body: &[u8]| part(body, "xl/worksheets/sheet1.xml");
    let mut now = sheet(&marked);
    for (from, to) in [("<conditionalFormatting", "</conditionalFormatting>"), ("<legacyDrawing", "/>")] {
        let (before, _, after) = around(&now, from, to);
        now = format!("{before}{after}");
    }
    let (was, now) = (pieces(&sheet(&sent)), pieces(&now));
    assert_eq!(was.iter().zip(&now).find(|(was, now)| was != now), None);
    assert_eq!(was.len(), now.len());
    let boards = ["dataValidations", "state=\"frozen\"", "sheetProtection", "customWidth"];
    assert!(boards.iter().all(|wanted| now.iter().any(|piece| piece.contains(wanted))));
    assert_eq!(cells(&marked, "Figures"), cells(&sent, "Figures"));
    assert_eq!(cells(&marked, "Notes"), cells(&sent, "Notes"));
    let list = text_of(&marked, "Mistakes");
    assert!(list.contains("marked in the sheet Figures") && list.contains("`perhaps`"), "{list}");

    // One mended, another made: the marks go where the mistakes are, and the list is still one.
    let mended = filled_in(&marked, &[(&asthma, "12"), (&neet, "-1.5")]);
    let marked = back(mended).await;
    assert_eq!(
        (marks(&marked).red, marks(&marked).noted),
        (vec![neet.clone(), flag.clone()], vec![neet.clone(), flag.clone()])
    );
    assert_eq!(opened(&marked).sheet_names(), ["Figures", "Notes", "Mistakes"]);
    assert!(!text_of(&marked, "Mistakes").contains(&asthma));
    // All mended, it is taken.
    let right = filled_in(&marked, &[(&neet, "4.5"), (&flag, "yes")]);
    assert_eq!(send(world, "readings", right).await.is(200).json()["created"], 2);
}

async fn what_people_put_into_a_workbook_stays(world: &World) {
    small(world).await;
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name("Ann's figures").unwrap();
    put_rows(
        sheet,
        0,
        &rows(
            "kpi,period,value,commentary\nNI-117,2009/10 Q1,four,Late\nNI-117,2009/10 Q2,five,\nNI-117,2009/10 Q3,4.5,",
        ),
    );
    let note = |words: &str| rust_xlsxwriter::Note::new(words).set_author("Ann");
    sheet.insert_note(0, 0, &note("A line < another & more")).unwrap();
    sheet.insert_note(1, 2, &note("Ask the trust")).unwrap();
    let green = Format::new().set_background_color(rust_xlsxwriter::Color::Green);
    let format = rust_xlsxwriter::ConditionalFormatFormula::new().set_rule("=C2>5").set_format(green);
    sheet.add_conditional_format(1, 2, 3, 2, &format).unwrap();
    let mut other = Worksheet::new();
    other.set_name("Mistakes").unwrap();
    other.write_string(0, 0, "Mistakes that we made last year").unwrap();
    book.push_worksheet(other);
    let mut file = book.save_to_buffer().unwrap();
    for time in 0..3 {
        file = send(world, "readings", file).header("accept", XLSX).await.is(422).body.to_vec();
        let marks = marks(&file);
        assert_eq!((marks.red.join(" "), marks.noted.join(" ")), ("C2 C3".to_owned(), "C2 C3".to_owned()), "{time}");
        for words in ["A line &lt; another &amp; more", "Ask the trust", "Waymark found: `five`"] {
            assert_eq!(marks.comments.matches(words).count(), 1, "{time}, {words}: {}", marks.comments);
        }
        let all = part(&file, "xl/worksheets/sheet1.xml");
        assert_eq!((all.matches("<legacyDrawing").count(), all.matches("C2&gt;5").count()), (1, 1), "{all}");
        let boxes = parts(&file).into_iter().filter(|(name, _)| name.starts_with("xl/drawings/")).collect::<Vec<_>>();
        assert_eq!(boxes.len(), 1);
        assert_eq!(String::from_utf8_lossy(&boxes[0].1).matches("ObjectType=\"Note\"").count(), 3);
        // Theirs is not ours, though it has the name.
        assert_eq!(opened(&file).sheet_names(), ["Ann's figures", "Mistakes", "Mistakes 2"]);
        assert_eq!(text_of(&file, "Mistakes"), "Mistakes that we made last year\n");
        assert!(
            part(&file, "xl/worksheets/sheet3.xml").contains("location=\"&apos;Ann&apos;&apos;s figures&apos;!C2\"")
        );
    }
    // A program may make one stretch of all words of a comment, and people write behind ours, or much like us; of theirs
    // nothing is lost, blanks, links and comments that hold only a picture among it.
    let comments = parts(&file).into_iter().map(|(name, _)| name).find(|name| name.starts_with("xl/comments")).unwrap();
    let theirs = [
        "<comment ref=\"B9\" authorId=\"0\"><text/></comment>",
        "<comment ref=\"B10\" authorId=\"0\"><text><r><t>Total</t></r><r><rPr><b/></rPr><t xml:space=\"preserve\"> </t></r><r><t>2024</t></r></text></comment>",
        "<comment ref=\"B11\" authorId=\"0\"><text><t>He wrote &quot;Waymark found: x&quot;, I disagree</t></text></comment>",
        "<comment ref=\"B12\" authorId=\"0\"><text><t>See what Waymark found: below</t></text></comment>",
    ];
    let flat = changed(&file, &comments, |notes| {
        let (before, _, after) = around(notes, "Ask the trust", "\u{200b}Waymark found:");
        let (ours, _, after) = around(after, "\u{200b}", "</t></r></text></comment>");
        let flat = format!("Ask the trust\n\n\u{200b}Waymark found:{ours}\u{200b}\nAnna will send it");
        let flat = format!("{before}{flat}</t></r><phoneticPr fontId=\"1\"/></text></comment>{after}");
        flat.replace("</commentList>", &format!("{}</commentList>", theirs.concat()))
    });
    let flat = changed(&flat, "xl/worksheets/sheet1.xml", |sheet| {
        sheet.replace("type=\"expression\" dxfId", "text='a \"quoted\" word' type=\"expression\" dxfId")
    });
    let linked = |relations: &str| {
        let link = |number| {
            format!(
                "<Relationship Id=\"l{number}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink\" Target=\"https://trust.example/{number}\" TargetMode=\"External\"/>"
            )
        };
        let links: String = (0..2_000).map(link).collect();
        relations.replace("</Relationships>", &format!("{links}</Relationships>"))
    };
    let flat = changed(&flat, "xl/worksheets/_rels/sheet1.xml.rels", linked);
    // Boxes as Excel writes buttons, and as others declare what their names mean.
    let drawings =
        parts(&file).into_iter().map(|(name, _)| name).find(|name| name.starts_with("xl/drawings/")).unwrap();
    let flat = changed(&flat, &drawings, |boxes| {
        let namespaces = ["v", "o", "x"].map(|prefix| around(boxes, &format!("xmlns:{prefix}=\""), "\"").1.to_owned());
        let [v, o, x] = namespaces.clone();
        let bare = namespaces.iter().zip(["v", "o", "x"]).fold(boxes.to_owned(), |boxes, (namespace, prefix)| {
            boxes.replacen(&format!("xmlns:{prefix}=\"{namespace}\""), "", 1)
        });
        let declared = bare.replace("<v:shape ", &format!("<v:shape xmlns:v=\"{v}\" xmlns:o=\"{o}\" xmlns:x=\"{x}\" "));
        let button = format!(
            "<a:shape xmlns:a=\"{v}\" xmlns:o=\"{o}\" id=\"Button_x0020_1\" o:spid=\"_x0000_s1900\"><a:textbox><div>Two<br>\nlines</div></a:textbox></a:shape>"
        );
        declared.replace("</xml>", &format!("{button}</xml>"))
    });
    let flat = changed(&flat, "[Content_Types].xml", |types| {
        types.replace("</Types>", "<Override PartName=\"/xl/worksheets/sheet9.xml\" ContentType=\"x/y\"/></Types>")
    });
    let again = send(world, "readings", flat).header("accept", XLSX).await.is(422).body;
    assert!(part(&again, &drawings).contains("Two<br>\nlines"), "{}", part(&again, &drawings));
    let marked = marks(&again).comments;
    assert_eq!(marked.matches("Waymark found: `four`").count(), 1, "{marked}");
    let four = around(&marked, "ref=\"C2\"", "</comment>").1;
    assert!(four.contains("\nAsk the trust\nAnna will send it</t>"), "{four}");
    assert!(four.ends_with("</r><phoneticPr fontId=\"1\"></phoneticPr></text>"), "{four}");
    for kept in theirs {
        let kept = kept.replace("<b/>", "<b></b>").replace("<text/>", "<text></text>");
        assert!(marked.contains(&kept), "{kept} is gone: {marked}");
    }
    pieces(&part(&again, "xl/worksheets/sheet1.xml"));
}

async fn a_workbook_that_cannot_be_written_in_comes_back_as_a_copy(world: &World) {
    small(world).await;
    let table = rows("kpi,period,value\nNI-117,2009/10 Q1,four");
    let noted = |with: bool| {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        put_rows(sheet, 0, &table);
        if with {
            sheet.insert_note(0, 0, &rust_xlsxwriter::Note::new("A note")).unwrap();
        }
        book.save_to_buffer().unwrap()
    };
    let (plain, noted) = (noted(false), noted(true));
    let strict = |text: &str| {
        text.replace(
            "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
            "http://purl.oclc.org/ooxml/spreadsheetml/main",
        )
    };
    let without = |file: &[u8], gone: &str| {
        let kept: Vec<_> = parts(file).into_iter().filter(|(name, _)| name != gone).collect();
        packed(&kept)
    };
    // What is said of a part that is not there is no hindrance, and is not said of ours.
    let stale = changed(&plain, "[Content_Types].xml", |types| {
        types.replace("</Types>", "<Override PartName=\"/xl/comments1.xml\" ContentType=\"x/y\"/></Types>")
    });
    let stale = send(world, "readings", stale).header("accept", XLSX).await.is(422).body;
    let types = part(&stale, "[Content_Types].xml");
    assert!(!types.contains("x/y") && types.matches("\"/xl/comments1.xml\"").count() == 1, "{types}");
    // Two entries with the bytes of one: what is copied as it stands could be copied without end.
    let overlapping = {
        let filler: String =
            (0_u64..2_000_000).map(|number| char::from(b'!' + u8::try_from(number * number % 89).unwrap())).collect();
        let mut zip = zip::ZipWriter::new_append(Cursor::new(plain.clone())).unwrap();
        let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file("filler/0", stored).unwrap();
        zip.write_all(filler.as_bytes()).unwrap();
        for number in 1..40 {
            zip.shallow_copy_file("filler/0", &format!("filler/{number}")).unwrap();
        }
        zip.finish().unwrap().into_inner()
    };
    for (what, file) in [
        ("the strict form", changed(&plain, "xl/worksheets/sheet1.xml", strict)),
        ("no styles", changed(&plain, "xl/_rels/workbook.xml.rels", |text| text.replace("/styles\"", "/other\""))),
        ("no formats", changed(&plain, "xl/styles.xml", |text| text.replace("cellXfs", "cellYfs"))),
        ("boxes of HTML", changed(&noted, "xl/drawings/vmlDrawing1.vml", |text| text.replace("</xml>", "<p></xml>"))),
        ("comments gone", without(&noted, "xl/comments1.xml")),
        ("comments nowhere", changed(&noted, "xl/comments1.xml", |text| text.replace("ref=\"A1\"", "ref=\"?\""))),
        (
            "many comments",
            changed(&noted, "xl/comments1.xml", |text| {
                let one = "<comment ref=\"Z9\" authorId=\"0\"><text><t>x</t></text></comment>";
                text.replace("<commentList>", &format!("<commentList>{}", one.repeat(50_001)))
            }),
        ),
        (
            "a large comment",
            changed(&noted, "xl/comments1.xml", |text| text.replace("A note", &"A note &lt; ".repeat(200_000))),
        ),
        ("parts in one another", overlapping),
    ] {
        let answer = send(world, "readings", file).header("accept", XLSX).await.is(422);
        assert_eq!(answer.header("content-type"), Some(XLSX), "{what}: {answer}");
        assert_eq!(opened(&answer.body).sheet_names(), ["Figures", "Mistakes"], "{what}");
        assert_eq!(marks(&answer.body).red, ["C2"], "{what}");
        assert!(text_of(&answer.body, "Mistakes").contains("this is a copy of its cells"), "{what}");
        assert!(answer.body.len() < 100_000, "{what}: {} bytes", answer.body.len());
    }
    // Bytes turned over anywhere are never more than a mistake.
    for at in (0..noted.len()).step_by(41) {
        let mut turned = noted.clone();
        turned[at] ^= 0x55;
        let answer = send(world, "readings", turned).header("accept", XLSX).await;
        assert!([413, 415, 422].contains(&answer.status), "{at}: {answer}");
    }
}

async fn a_csv_file_comes_back_as_a_marked_workbook_too(world: &World) {
    small(world).await;
    let file = "kpi,period,value,commentary\nNI-117,2009/10 Q1,4.5,\"=1+1,\nsaid\"\nNI-117,2009/10 Q2,four,\nNI-117\n";
    let told = world.import(Lead, "readings", file).await.refused(422, "invalid");
    let at = |cell: &str, code: &str| (cell.to_owned(), code.to_owned());
    assert_eq!(named(&told), [at("C3", "not_a_number"), at("", "wrong_number_of_cells")]);
    let marked = world.import(Lead, "readings", file).header("accept", XLSX).await.is(422);
    let sent = cells(&marked.body, "Figures");
    assert_eq!(sent[1][3], Data::String("=1+1,\nsaid".to_owned()), "words, and no formula");
    assert_eq!((&sent[2][2], &sent[3][0]), (&Data::String("four".to_owned()), &Data::String("NI-117".to_owned())));
    assert_eq!(cells(&marked.body, "Mistakes")[5][0].to_string(), "A4", "a wrong row is marked where it begins");
    // A program that reads problems gets them, and so does one that accepts anything.
    for accept in ["application/problem+json", "*/*", "application/json", "text/csv"] {
        world.import(Lead, "readings", file).header("accept", accept).await.refused(422, "invalid");
    }
    let right = "kpi,period,value\nNI-117,2009/10 Q1,4.5\n";
    world.import(Lead, "readings", right).header("accept", XLSX).await.is(200).json();
}

async fn the_table_is_found_wherever_it_stands(world: &World) {
    small(world).await;
    let table = rows("kpi,period,value\nNI-117,2009/10 Q1,4.5");
    let notes = rows("How to fill it in\nThe kpi is a code");
    let of = |sheets: &[(&str, &[Vec<Put>], bool)]| {
        let mut book = Workbook::new();
        for (name, rows, hidden) in sheets {
            let sheet = book.add_worksheet();
            sheet.set_name(*name).unwrap();
            sheet.set_hidden(*hidden);
            put_rows(sheet, 3, rows);
        }
        book.save_to_buffer().unwrap()
    };
    let second = of(&[("Notes", &notes, false), ("Lists", &notes, true), ("Figures", &table, false)]);
    assert_eq!(send(world, "readings?dry_run=true", second).await.is(200).json()["created"], 1);
    for (sheets, code) in [
        (of(&[("One", &table, false), ("Two", &table, false)]), "several_tables"),
        (of(&[("Notes", &notes, false), ("Figures", &table, true)]), "hidden_sheet"),
        (of(&[("Notes", &notes, false)]), "unknown_column"),
    ] {
        let answer = send(world, "readings", sheets).await.refused(422, "invalid");
        assert_eq!(named(&answer)[0].1, code, "{answer}");
    }
    let empty = send(world, "readings", Workbook::new().save_to_buffer().unwrap()).await.refused(422, "invalid");
    assert_eq!(named(&empty)[0].1, "empty_file", "{empty}");
    let mut blank = Workbook::new();
    blank.add_worksheet();
    let blank = send(world, "readings", blank.save_to_buffer().unwrap()).await.refused(422, "invalid");
    assert_eq!(named(&blank)[0].1, "empty_file");
    let merged = |first: u32, last: u32| {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        put_rows(sheet, 1, &table);
        sheet.merge_range(first, 0, last, 1, "NI-117", &Format::new()).unwrap();
        book.save_to_buffer().unwrap()
    };
    assert_eq!(send(world, "readings?dry_run=true", merged(0, 0)).await.is(200).json()["created"], 1, "a title");
    let answer = send(world, "readings", merged(2, 3)).await.refused(422, "invalid").tells("A3:B4");
    assert_eq!(named(&answer), [("A3".to_owned(), "merged_cells".to_owned())]);
    let marked = send(world, "readings", merged(2, 3)).header("accept", XLSX).await.is(422);
    assert_eq!(marks(&marked.body).noted, ["A3"]);
}

async fn a_mistake_about_the_sheet_hides_none_in_it(world: &World) {
    small(world).await;
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let table = "kpi,period,value,vlaue,period\n,2009/10 Q1,4.5\nNI-117,2009/10 Q2,four\nNI-117,soon,4.5\nNI-117,2009/10 Q3,4.5";
    put_rows(sheet, 0, &rows(table));
    sheet.merge_range(3, 2, 4, 2, "4.5", &Format::new()).unwrap();
    let answer = send(world, "readings", book.save_to_buffer().unwrap()).await.refused(422, "invalid");
    let at = |cell: &str, code: &str| (cell.to_owned(), code.to_owned());
    assert_eq!(
        named(&answer),
        [
            at("D1", "unknown_column"),
            at("E1", "named_twice"),
            at("C4", "merged_cells"),
            at("A2", "missing"),
            at("C3", "not_a_number"),
            at("B4", "not_a_period"),
        ],
        "{answer}"
    );
    answer.tells("6 things are wrong in 4 of 4 rows and about the file as a whole").tells("delete one of the two");
}

async fn what_is_no_workbook_is_refused_by_name(world: &World) {
    small(world).await;
    let table = book(&rows("kpi,period,value\nNI-117,2009/10 Q1,4.5"));
    let ask = |kind: &str, body: Vec<u8>| world.ask(actix_web::http::Method::POST, Lead, "readings").body(kind, body);
    let old = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1].repeat(64);
    let with = |name: &'static str| {
        let mut parts: Vec<(&str, &[u8])> = vec![("[Content_Types].xml", b"<Types/>")];
        parts.push((name, b"x"));
        zipped(&parts)
    };
    let ods = zipped(&[("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", b"<x/>")]);
    for (kind, body, words) in [
        ("application/vnd.ms-excel", old.clone(), "(.xls)"),
        ("application/vnd.oasis.opendocument.spreadsheet", ods.clone(), "(.ods)"),
        ("application/vnd.ms-excel.sheet.macroEnabled.12", table.clone(), "(.xlsm)"),
        ("text/csv", table.clone(), "(.xlsx)"),
        ("text/csv", old.clone(), "(.xls)"),
        (XLSX, old, "password"),
        (XLSX, ods, "(.ods)"),
        (XLSX, with("xl/vbaProject.bin"), "(.xlsm)"),
        (XLSX, with("xl/workbook.bin"), "(.xlsb)"),
        (XLSX, zipped(&[("a.txt", b"words")]), "no workbook"),
        (XLSX, b"kpi,period,value\n".to_vec(), "text/csv"),
    ] {
        let answer = ask(kind, body).await.refused(415, "unsupported_media_type").tells(words);
        assert_eq!(answer.header("accept"), Some(format!("application/json, text/csv, {XLSX}").as_str()));
    }
}

/// The smallest workbook, with a sheet of this text.
fn raw(sheet: &str) -> Vec<(&'static str, Vec<u8>)> {
    let rels = |kind: &str, target: &str| {
        format!("<Relationships><Relationship Id=\"r1\" Type=\"http://x/{kind}\" Target=\"{target}\"/></Relationships>")
    };
    vec![
        ("[Content_Types].xml", b"<Types/>".to_vec()),
        ("_rels/.rels", rels("officeDocument", "xl/workbook.xml").into_bytes()),
        ("xl/_rels/workbook.xml.rels", rels("worksheet", "worksheets/sheet1.xml").into_bytes()),
        ("xl/workbook.xml", b"<workbook><sheets><sheet name=\"S\" r:id=\"r1\"/></sheets></workbook>".to_vec()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes().to_vec()),
    ]
}

fn raw_book(sheet: &str) -> Vec<u8> {
    packed(&raw(sheet))
}

/// A row with the headings that there must be.
const KPI_AND_PERIOD: &str = "<row r=\"1\"><c t=\"str\"><v>kpi</v></c><c t=\"str\"><v>period</v></c></row>";

async fn a_workbook_that_would_do_harm_is_refused(world: &World) {
    small(world).await;
    let header = KPI_AND_PERIOD;
    let sheet = |rows: &str| format!("<worksheet><sheetData>{header}{rows}</sheetData></worksheet>");
    send(world, "readings", raw_book(&sheet(""))).await.is(200);
    let good = book(&rows("kpi,period,value\nNI-117,2009/10 Q1,4.5"));
    let before = world.version().await;
    let began = std::time::Instant::now();
    let bomb = raw_book(&sheet(&" ".repeat(300 << 20)));
    let cells = "<row><c><v>1</v></c></row>".repeat(1_000_001);
    let wide = (0..300).map(|_| "<c><v>1</v></c>").collect::<String>();
    let entities = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
    let mut lying = bomb.clone();
    let declared = (300_u32 << 20) + u32::try_from(sheet("").len()).unwrap();
    let size = declared.to_le_bytes();
    // It says that it is small, in the directory as before the part itself.
    while let Some(at) = lying.windows(4).position(|four| four == size) {
        lying[at..at + 4].copy_from_slice(&1_000_u32.to_le_bytes());
    }
    for (name, body, status) in [
        ("a bomb", bomb, 413),
        ("a bomb that lies", lying, 422),
        ("a million cells", raw_book(&sheet(&cells)), 413),
        ("a wide row", raw_book(&sheet(&format!("<row r=\"2\">{wide}</row>"))), 413),
        ("the last cell", raw_book(&sheet("<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>")), 413),
        (
            "a large dimension",
            raw_book(&format!(
                "<worksheet><dimension ref=\"A1:XFD1048576\"/><sheetData>{header}</sheetData></worksheet>"
            )),
            200,
        ),
        ("no such row", raw_book(&sheet("<row r=\"99999999999999999999\"><c><v>1</v></c></row>")), 422),
        ("no such column", raw_book(&sheet("<row r=\"2\"><c r=\"ZZZZZZZZZZZZ2\"><v>1</v></c></row>")), 422),
        (
            "a cell in no row",
            raw_book("<worksheet><sheetData><c t=\"str\"><v>kpi</v></c></sheetData></worksheet>"),
            422,
        ),
        ("rows out of order", raw_book(&sheet("<row r=\"3\"/><row r=\"2\"/>")), 422),
        ("entities", raw_book(&format!("{entities}{}", sheet("<row><c t=\"str\"><v>&b;</v></c></row>"))), 422),
        ("an unknown entity", raw_book(&sheet("<row><c t=\"str\"><v>&b;</v></c></row>")), 422),
        ("not closed", raw_book("<worksheet><sheetData><row><c><v>1"), 422),
        ("no XML", raw_book("\u{0}\u{1}<<<>>"), 422),
        ("cut off", good[..good.len() / 2].to_vec(), 422),
        ("cut short", good[..good.len() - 1].to_vec(), 422),
        ("only a beginning", b"PK\x03\x04".to_vec(), 422),
        (
            "no word of that number",
            raw_book(&sheet("<row><c t=\"s\"><v>7</v></c><c t=\"str\"><v>x</v></c></row>")),
            422,
        ),
    ] {
        let answer = send(world, "readings", body).await;
        assert_eq!(answer.status, status, "{name}: {answer}");
    }
    // Bytes turned over anywhere are never more than a mistake.
    for at in (0..good.len()).step_by(23) {
        let mut turned = good.clone();
        turned[at] ^= 0x55;
        let answer = send(world, "readings?dry_run=true", turned).await;
        assert!([200, 413, 415, 422].contains(&answer.status), "{at}: {answer}");
    }
    assert!(began.elapsed().as_secs() < 120, "it took {:?}", began.elapsed());
    assert_eq!(world.version().await, before);
}

async fn no_more_is_kept_of_a_workbook_than_it_holds(world: &World) {
    small(world).await;
    let sheet = |rows: &str| format!("<worksheet><sheetData>{KPI_AND_PERIOD}{rows}</sheetData></worksheet>");
    let words = |words: &str| raw_book(&sheet(&format!("<row><c t=\"str\"><v>{words}</v></c></row>")));
    let five_mib = "x".repeat(5 << 20);
    let empty = raw_book(&sheet(""));
    let with = |part: &str, kind: &str, text: String| {
        let relation = format!("<Relationship Id=\"r2\" Type=\"http://x/{kind}\" Target=\"{part}\"/></Relationships>");
        let book = changed(&empty, "xl/_rels/workbook.xml.rels", |text| text.replace("</Relationships>", &relation));
        let mut all = parts(&book);
        all.push((format!("xl/{part}"), text.into_bytes()));
        packed(&all)
    };
    let many = {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for part in 0..10_001 {
            zip.start_file(format!("{part}"), zip::write::SimpleFileOptions::default()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    };
    let sheets = "<sheet name=\"x\"/>".repeat(300) + "</sheets>";
    let nowhere = changed(&empty, "xl/workbook.xml", |text| text.replace("</sheets>", &sheets));
    let before = world.version().await;
    for (name, body, status, tells) in [
        ("sheets that are nowhere", nowhere, 413, "more than 255 sheets"),
        ("one giant text", words(&five_mib), 413, "more than 4 MiB"),
        ("one giant comment", raw_book(&sheet(&format!("<!--{five_mib}-->"))), 413, "more than 4 MiB"),
        ("one giant attribute", raw_book(&sheet(&format!("<row r=\"{five_mib}\"/>"))), 413, "more than 4 MiB"),
        ("one giant tag", raw_book(&sheet(&format!("<{five_mib}/>"))), 413, "more than 4 MiB"),
        ("one giant instruction", raw_book(&sheet(&format!("<?{five_mib}?>"))), 413, "more than 4 MiB"),
        ("a giant text among those shared", with("s.xml", "sharedStrings", five_mib.clone()), 413, "more than 4 MiB"),
        (
            "a giant format",
            with("s.xml", "styles", format!("<numFmt formatCode=\"{five_mib}\"/>")),
            413,
            "more than 4 MiB",
        ),
        ("many pieces that are one text", words(&"some words&amp;".repeat(30_000)), 413, "than Excel allows"),
        (
            "a long attribute",
            raw_book(&sheet(&format!("<row r=\"{}2\"/>", "0".repeat(5_000)))),
            422,
            "a text in it is too long",
        ),
        ("a long name", raw_book(&sheet(&format!("<{}/>", "x".repeat(5_000)))), 422, "too long a name"),
        ("deep nesting", raw_book(&sheet(&"<a>".repeat(1_000_000))), 422, "too deep"),
        ("cut off between two rows", raw_book(&format!("<worksheet><sheetData>{KPI_AND_PERIOD}")), 422, "cut off"),
        ("cut off within a row", raw_book("<worksheet><sheetData><row>"), 422, "cut off"),
        ("many parts", many, 413, "more parts than are looked at"),
        (
            "a list of formats",
            with("s.xml", "styles", format!("<x><cellXfs>{}</cellXfs></x>", "<xf/>".repeat(100_001))),
            413,
            "formats",
        ),
    ] {
        let answer = send(world, "readings", body).await;
        assert_eq!(answer.status, status, "{name}: {answer}");
        assert!(answer.text().contains(tells), "{name}: {answer}");
    }
    // A long comment of many pieces is none, and many short words are no long one; an error is told in its own words.
    let long = sheet(&format!("{}<row><c t=\"e\"><v>#N/A</v></c></row>", "<!-- a comment -->".repeat(300_000)));
    let answer = send(world, "readings", raw_book(&long)).await.refused(422, "invalid").tells("the cell shows #N/A");
    assert_eq!(named(&answer)[0], ("A2".to_owned(), "error_value".to_owned()));
    let unlike = sheet(&format!("<row><c t=\"e\"><v>{}</v></c></row>", "#N/A".repeat(100)));
    let answer = send(world, "readings", raw_book(&unlike)).await.refused(422, "invalid");
    assert_eq!(named(&answer)[0].1, "unreadable_cell", "{answer}");
    assert_eq!(world.version().await, before);
}

async fn cells_far_out_cost_no_more_than_others(world: &World) {
    small(world).await;
    // A note far to the right of each figure: padded up to it, the rows would take hundreds of mebibytes.
    let noted = |rows: u32| {
        let note = (2..2 + rows)
            .fold(String::new(), |text, row| text + &format!("<row r=\"{row}\"><c r=\"IV{row}\"><v>1</v></c></row>"));
        raw_book(&format!("<worksheet><sheetData>{KPI_AND_PERIOD}{note}</sheetData></worksheet>"))
    };
    let file = noted(5_000);
    let answer = send(world, "readings?dry_run=true", file.clone()).await.refused(422, "invalid").json();
    assert_eq!((&answer["rows"], &answer["rejected"]), (&json!(5_000), &json!(5_000)));
    assert_eq!(
        (&answer["errors"][0]["cell"], &answer["errors"][0]["code"]),
        (&json!("IV2"), &json!("column_without_heading"))
    );
    let marked = send(world, "readings?dry_run=true", file).header("accept", XLSX).await.is(422);
    assert_eq!(marked.header("content-type"), Some(XLSX));
    let figures = opened(&marked.body).worksheet_range("Figures").unwrap();
    assert_eq!(figures.get_value((5_000, 255)), Some(&Data::Float(1.0)), "it stands where it stood");
    // More cells than are marked are listed.
    let wide = format!("<row>{}</row>", "<c><v>1</v></c>".repeat(250)).repeat(2_001);
    let body = raw_book(&format!("<worksheet><sheetData>{KPI_AND_PERIOD}{wide}</sheetData></worksheet>"));
    let listed = send(world, "readings?dry_run=true", body).header("accept", XLSX).await.refused(422, "invalid");
    assert_eq!(listed.json()["rejected"], 2_001);
    // A row of a CSV file may be wider than a sheet: what is wrong with it is listed too.
    let wide = format!("kpi,period,value\nNI-117,2009/10 Q1,4.5{}\n", ",x".repeat(20_000));
    let listed = world.import(Lead, "readings", wide).header("accept", XLSX).await.refused(422, "invalid");
    assert_eq!(listed.json()["errors"][0]["code"], "wrong_number_of_cells");
}

async fn many_workbooks_at_once_are_all_answered(world: &World) {
    small(world).await;
    // Each holds its turn from when it is read until its mistakes are marked: more than there are turns must not wait for
    // one another, and those who have a workbook written, or send CSV, wait for none of them.
    let wrong = &book(&rows("kpi,period,value\nNI-117,2009/10 Q1,four"));
    let right = &book(&rows("kpi,period,value\nNI-117,2009/10 Q1,4.5"));
    let asks = (0..24).map(|one| async move {
        match one % 4 {
            0 => send(world, "readings", wrong.clone()).header("accept", XLSX).await.is(422),
            1 => send(world, "readings", right.clone()).await.is(200),
            2 => {
                let csv = "kpi,period,value\nNI-117,2009/10 Q2,four\n";
                world.import(Lead, "readings", csv).header("accept", XLSX).await.is(422)
            }
            _ => world.get(Lead, "readings.xlsx").await.is(200),
        }
    });
    let answers = futures_util::future::join_all(asks);
    let answers = tokio::time::timeout(std::time::Duration::from_mins(1), answers).await.expect("none waits for ever");
    assert_eq!(answers.len(), 24);
    for marked in answers.iter().step_by(2) {
        assert_eq!(marked.header("content-type"), Some(XLSX));
    }
    assert_eq!(send(world, "readings", right.clone()).await.is(200).json()["unchanged"], 1);
}

async fn what_was_exported_as_a_workbook_comes_back_unchanged(world: &World) {
    small(world).await;
    world.patch(Manager, "kpis/NI-117", "*", json!({"valid_min": -999_999, "valid_max": 999_999})).await.is(200);
    // Of the XML of a workbook, the characters that it cannot hold are not asked for.
    let words = proptest::option::of("[ -~éß£€'=@\\n\\t_x0-9]{0,40}");
    let figure = prop_oneof![
        (-999_999_i64..999_999, 0_u32..6).prop_map(|(digits, decimals)| json!({"value": decimal(digits, decimals)})),
        (0_i64..5_000, 1_i64..9_000)
            .prop_map(|(one, other)| json!({"numerator": one.min(other), "denominator": one.max(other)})),
        Just(json!({"nil_return": "Census late"})),
    ];
    let strategy = (figure, words, any::<bool>());
    let mut runner = TestRunner::deterministic();
    let mut count = 0;
    for year in 2000..2010 {
        for quarter in 1..=4 {
            let (mut figure, words, provisional) = strategy.new_tree(&mut runner).unwrap().current();
            let words = words.map(|words| words.trim().to_owned()).filter(|words| !words.is_empty());
            figure["commentary"] = words.clone().map_or(Value::Null, Value::String);
            figure["provisional"] = provisional.into();
            let path = format!("kpis/NI-117/readings/FY{year}-{:02}-Q{quarter}", (year + 1) % 100);
            let answer = world.put(Manager, &path, figure.clone()).await;
            assert_eq!(answer.status, 201, "{figure}: {answer}");
            count += 1;
        }
    }
    world
        .put(Manager, "kpis/NI-117/targets/FY2009-10", json!({"value": 5.25, "agreed_on": "2009-03-31", "floor": 6}))
        .await
        .is(201);
    let before = world.version().await;
    for (table, rows) in [("readings", count), ("targets", 1)] {
        let exported = world.get(Manager, &format!("{table}.xlsx")).await.is(200);
        let csv = world.get(Manager, &format!("{table}.csv")).await.is(200).rows();
        assert_eq!(cells(&exported.body, table).len(), csv.len() + 1);
        let ask = world.ask(actix_web::http::Method::POST, Manager, table).body(XLSX, exported.body.to_vec());
        let answer = ask.await.is(200).json();
        assert_eq!((&answer["rows"], &answer["unchanged"]), (&json!(rows), &json!(rows)), "{answer}");
    }
    assert_eq!(world.version().await, before);
}

fn decimal(digits: i64, decimals: u32) -> Value {
    let sign = if digits < 0 { "-" } else { "" };
    let power = 10_i64.pow(decimals);
    let (whole, rest) = (digits.abs() / power, digits.abs() % power);
    let width = usize::try_from(decimals).unwrap();
    let text = if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest:0width$}") };
    serde_json::from_str(&text).unwrap()
}

async fn reports_can_be_had_as_workbooks(world: &World) {
    world.load_harrow().await;
    let report = world.get(Board, "status-report?period=FY2009-10-Q3").await.is(200).json();
    let by_suffix = world.get(Board, "status-report.xlsx?period=FY2009-10-Q3").await.is(200);
    let by_header = world.get(Board, "status-report?period=FY2009-10-Q3").header("accept", XLSX).await.is(200);
    assert_eq!((by_suffix.header("content-type"), &by_suffix.body), (Some(XLSX), &by_header.body));
    let summary = text_of(&by_suffix.body, "Summary");
    assert!(summary.contains("invented"), "the notice stands there: {summary}");
    assert!(summary.contains("2009/10 Q3") && summary.contains("1 Oct 2009"), "{summary}");
    let kpis = text_of(&by_suffix.body, "KPIs");
    let listed: Vec<_> = report["outcome_areas"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|area| area["priorities"].as_array().unwrap())
        .flat_map(|priority| priority["kpis"].as_array().unwrap())
        .collect();
    let table = cells(&by_suffix.body, "KPIs");
    for kpi in &listed {
        let row = table.iter().find(|row| row[0] == Data::String(kpi["kpi"].as_str().unwrap().to_owned())).unwrap();
        match kpi["reported"].as_f64() {
            Some(figure) => assert_eq!(row[3], Data::Float(figure), "{kpi}"),
            None => assert!(matches!(row[3], Data::Empty), "{kpi}"),
        }
        let status = kpi["status"].as_str().unwrap().replace('_', " ");
        assert_eq!(row[5].to_string().to_lowercase(), status);
    }
    assert!(kpis.contains("On track") && listed.len() > 20, "{kpis}");
    let exceptions = world.get(Board, "exceptions.xlsx?period=FY2009-10-Q3").await.is(200);
    let told = text_of(&exceptions.body, "Exceptions");
    let json = world.get(Board, "exceptions?period=FY2009-10-Q3").await.is(200).json();
    for item in json["items"].as_array().unwrap() {
        assert!(told.contains(item["title"].as_str().unwrap()), "{item}");
    }
    assert!(told.contains("invented") && told.contains("The KPI is off track"), "{told}");
    // Printed on one page's width, in landscape, with its header on every page.
    let sheet = part(&by_suffix.body, "xl/worksheets/sheet2.xml");
    for wanted in ["orientation=\"landscape\"", "fitToPage=\"1\"", "state=\"frozen\"", "Page &amp;P of &amp;N"] {
        assert!(sheet.contains(wanted), "no {wanted}: {sheet}");
    }
    assert!(part(&by_suffix.body, "xl/workbook.xml").contains("_xlnm.Print_Titles"));
    world.get(Board, "status-report").header("accept", "image/png").await.refused(406, "not_acceptable").tells(XLSX);
}

async fn small_numbers_are_withheld_in_workbooks_too(world: &World) {
    small(world).await;
    let sensitive = json!({"unit": "count", "decimals": 0, "priority": "safety-1", "sensitive": true, "publication": "partners",
        "lead_organisation": "council", "profile": "even"});
    world.post(Administrator, "kpis", kpi("LI-SMALL", sensitive)).await.is(201);
    let figure = json!({"value": 3, "commentary": "Three girls at one school"});
    world.put(Administrator, "kpis/LI-SMALL/readings/FY2009-10-Q4", figure).await.is(201);
    for path in ["status-report.xlsx", "exceptions.xlsx", "readings.xlsx"] {
        let sheets = |body: &[u8]| -> String {
            let names = opened(body).sheet_names();
            names.iter().map(|name| text_of(body, name)).collect()
        };
        let seen = sheets(&world.get(Partner, path).await.is(200).body);
        assert!(!seen.contains("Three girls"), "{path}: {seen}");
        let row = seen.lines().find(|line| line.contains("LI-SMALL") || line.contains("LI-SMALL|"));
        if let Some(row) = row {
            assert!(!row.contains("|3|") && row.contains("|c|"), "{path}: {row}");
        }
    }
    let member = world.get(Board, "readings.xlsx").await.is(200);
    assert!(text_of(&member.body, "readings").contains("Three girls"));
}

async fn a_board_report_is_the_same_workbook_for_ever(world: &World) {
    small(world).await;
    world.put(Administrator, "kpis/NI-117/readings/FY2009-10-Q4", json!({"value": 4.5})).await.is(201);
    let id = super::board_reports::frozen(world, json!({"title": "The Board, 14 May", "period": "FY2009-10-Q4"})).await;
    let path = format!("board-reports/{id}");
    let first = world.get(Board, &format!("{path}.xlsx")).await.is(200);
    assert_eq!(opened(&first.body).sheet_names(), ["Summary", "KPIs", "Exceptions", "Actions", "Legend"]);
    let summary = text_of(&first.body, "Summary");
    assert!(summary.contains("The Board, 14 May") && summary.contains("Frozen on 14 May 2010"), "{summary}");
    world
        .put(Administrator, "kpis/NI-117/readings/FY2009-10-Q4", json!({"value": 9.5, "reason": "late"}))
        .await
        .is(200);
    world.now_is("2010-05-20T12:00:00Z");
    let later = world.get(Board, &path).header("accept", XLSX).await.is(200);
    assert_eq!((first.tag(), &first.body), (later.tag(), &later.body));
    let json = world.get(Board, &path).await.is(200);
    assert_ne!(json.tag(), first.tag(), "two renderings of one report");
    world.get(Board, &format!("{path}.xlsx")).header("if-none-match", &first.tag()).await.is(304);
    world.get(Board, &format!("{path}.csv")).await.refused(406, "not_acceptable");
}
