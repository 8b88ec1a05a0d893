//! Files are read as they are meant, or refused: cases from the field, and others of their kinds.

use actix_web::http::Method;
use rust_xlsxwriter::{Format, FormatScript, Workbook, Worksheet};
use serde_json::{Value, json};

use crate::on_both;
use crate::sheets::{changed, part, saved};
use crate::support::cases::Case;
use crate::support::plan::{kpi, round, small};
use crate::support::{Actor, Answer, World, XLSX};

use Actor::{Administrator, Lead, Manager, Partner};

on_both! {
    a_footnote_mark_is_no_part_of_a_number
    actuals_do_not_become_targets
    a_column_that_contradicts_its_row_is_refused
    columns_that_are_not_read_are_listed
    advice_goes_by_the_unit
    a_percent_cell_of_a_percentage_is_read
    a_formula_that_was_never_worked_out_is_refused
    a_percentage_beside_its_fraction_is_taken
    a_title_above_the_header_is_passed_over
    a_file_in_another_form_is_read_and_said_to_be
    what_is_fetched_is_what_was_sent
    a_standardised_rate_is_kept_with_its_count
    what_a_workbook_hides_is_told
    figures_are_put_into_cells_of_the_general_format
}

const CSV: &str = "text/csv";
const KPI_PERIOD_VALUE: &str = "kpi,period,value";

async fn send(world: &World, table: &str, media: &str, file: impl Into<Vec<u8>>) -> Answer {
    world.ask(Method::POST, Administrator, table).body(media, file.into()).await
}

/// The fault at each cell.
fn named(answer: &Answer) -> Vec<(String, String)> {
    let text = |fault: &Value, name: &str| fault[name].as_str().unwrap_or_default().to_owned();
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    errors.iter().map(|fault| (text(fault, "cell"), text(fault, "code"))).collect()
}

fn at(cell: &str, code: &str) -> (String, String) {
    (cell.to_owned(), code.to_owned())
}

/// What each fault says.
fn details(answer: &Answer) -> Vec<String> {
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    errors.iter().map(|fault| fault["detail"].as_str().unwrap().to_owned()).collect()
}

/// The row and the code of each warning.
fn warned(answer: &Answer) -> Vec<(Option<u64>, String)> {
    let warnings = answer.json()["warnings"].as_array().unwrap().clone();
    warnings.iter().map(|told| (told["row"].as_u64(), told["code"].as_str().unwrap().to_owned())).collect()
}

/// Created, revised, unchanged, rejected.
fn counts(answer: &Answer) -> [u64; 4] {
    let body = answer.json();
    ["created", "revised", "unchanged", "rejected"].map(|name| body[name].as_u64().unwrap())
}

/// A workbook as Excel saves it: the header in row 1, and what is put below.
fn book(header: &str, fill: impl Fn(&mut Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    put(sheet, 0, header);
    fill(sheet);
    saved(&book.save_to_buffer().unwrap())
}

/// Puts words into a row, the cells with commas between.
fn put(sheet: &mut Worksheet, row: u32, cells: &str) {
    for (column, words) in (0..).zip(cells.split(',')) {
        sheet.write_string(row, column, words).unwrap();
    }
}

async fn a_footnote_mark_is_no_part_of_a_number(world: &World) {
    let case = Case("field/03-footnote-number-in-a-cell");
    case.set_up(world).await;
    let answer = send(world, "readings", XLSX, case.file("send.xlsx")).await.refused(422, "invalid");
    assert_eq!(named(&answer), [at("C2", "raised_text"), at("C3", "struck_text")], "{answer}");
    world.get(Administrator, "kpis/K/readings/FY2009-10-Q1").await.is(404);

    // The whole of a cell by its style, runs that stand in the cell itself, and a code with a mark behind it.
    let file = book("kpi,period,value,numerator,denominator,commentary", |sheet| {
        let (struck, raised) =
            (Format::new().set_font_strikethrough(), Format::new().set_font_script(FormatScript::Superscript));
        for (row, period) in (1..).zip(["2009/10 Q1", "2009/10 Q2", "2009/10 Q3"]) {
            put(sheet, row, &format!("K,{period}"));
        }
        sheet.write_number_with_format(1, 2, 45, &struck).unwrap();
        sheet.write_number_with_format(2, 2, 46, &raised).unwrap();
        sheet.write_rich_string(3, 0, &[(&Format::new(), "K"), (&raised, "2")]).unwrap();
        sheet.write_number(3, 2, 47).unwrap();
    });
    let file = changed(&file, "xl/worksheets/sheet1.xml", |sheet| {
        let inline = "<c r=\"C4\" t=\"inlineStr\"><is><r><t>45</t></r><r><rPr><vertAlign val=\"subscript\"/></rPr><t>1</t></r></is></c>";
        sheet.replace("<c r=\"C4\"><v>47</v></c>", inline)
    });
    let answer = send(world, "readings", XLSX, file).await.refused(422, "invalid");
    let wanted = [at("C2", "struck_text"), at("C3", "raised_text"), at("A4", "raised_text"), at("C4", "raised_text")];
    assert_eq!(named(&answer), wanted, "{answer}");

    // In words a raised letter is a letter; what is struck through in them was taken back.
    let words = |font: Format| {
        book("kpi,period,value,commentary", move |sheet| {
            put(sheet, 1, "K,2009/10 Q1");
            sheet.write_number(1, 2, 45).unwrap();
            sheet.write_rich_string(1, 3, &[(&Format::new(), "5 km"), (&font, "2")]).unwrap();
        })
    };
    let raised = words(Format::new().set_font_script(FormatScript::Superscript));
    send(world, "readings", XLSX, raised).await.is(200);
    let reading = world.get(Administrator, "kpis/K/readings/FY2009-10-Q1").await.is(200).json();
    assert_eq!(reading["commentary"], "5 km2");
    let struck = send(world, "readings", XLSX, words(Format::new().set_font_strikethrough())).await;
    assert_eq!(named(&struck.refused(422, "invalid")), [at("D2", "struck_text")]);
}

async fn actuals_do_not_become_targets(world: &World) {
    let case = Case("field/04-actuals-become-targets");
    case.set_up(world).await;
    let answer = send(world, "targets", CSV, case.file("send.csv")).await.refused(422, "invalid");
    assert_eq!(named(&answer), [at("D1", "ambiguous_column")], "{answer}");
    assert!(details(&answer)[0].contains("the target belongs in `value`"), "{answer}");
    world.get(Administrator, "kpis/K/targets/FY2009-10-Q1").await.is(404);
    // Alone, under another name, and of a target that may have no figure.
    for header in ["kpi,period,target", "kpi,period,Target Value", "kpi,period,target,state"] {
        let row = if header.ends_with("state") { "K,2009/10 Q1,80,placeholder" } else { "K,2009/10 Q1,80" };
        let answer = send(world, "targets", CSV, format!("{header}\n{row}\n")).await.refused(422, "invalid");
        assert_eq!(named(&answer), [at("C1", "ambiguous_column")], "{answer}");
    }
    send(world, "targets", CSV, "kpi,period,value\nK,2009/10 Q1,80\n").await.is(200);
    // Figures may stand beside their target, which is not read, and told where the plan has another.
    let figures = "kpi,period,value,target\nK,2009/10 Q1,77.4,80.0 %\nK,2009/10 Q2,79,80\nK,2009/10 Q3,79,\n";
    let answer = send(world, "readings", CSV, figures).await.is(200);
    assert_eq!(answer.json()["ignored_columns"][0]["column"], "target");
    assert_eq!(warned(&answer), [(Some(3), "other_target".to_owned())], "{answer}");
    let reading = world.get(Administrator, "kpis/K/readings/FY2009-10-Q1").await.is(200).json();
    assert_eq!(reading["value"], 77.4);
    // Who stands by it says so once.
    let known = "kpi,period,value,target,acknowledged\nK,2009/10 Q2,79,80,other_target\n";
    for table in [known, "kpi,period,value,target\nK,2009/10 Q2,79,80\n"] {
        let answer = send(world, "readings", CSV, table).await.is(200);
        assert_eq!(warned(&answer), [], "{answer}");
    }
}

async fn a_column_that_contradicts_its_row_is_refused(world: &World) {
    small(world).await;
    for (columns, cells) in [
        ("title", "The KPI NI-50"),
        ("unit", "rate per 1000"),
        ("unit", "count"),
        ("period_start", "2010-04-01"),
        ("period_end", "31/03/2010"),
        ("period_label", "2009/10 Q2"),
        ("symbol", "c"),
    ] {
        let file = format!("{KPI_PERIOD_VALUE},{columns}\nNI-117,2009/10 Q1,4.5,{cells}\n");
        let answer = send(world, "readings", CSV, file).await.refused(422, "invalid");
        assert_eq!(named(&answer), [at("D2", "contradicts_row")], "{answer}");
    }
    let says_again = format!(
        "{KPI_PERIOD_VALUE},title,unit,period_start,period_end,period_label,symbol\nNI-117,2009/10 Q1,4.5,the kpi ni-117,Percentage,01/04/2009,2009-06-30,2009/10 Q1,\n"
    );
    let answer = send(world, "readings", CSV, says_again).await.is(200);
    assert_eq!(answer.json()["ignored_columns"].as_array().unwrap().len(), 6, "{answer}");
    let targets = "kpi,period,value,title,period_start\nNI-117,2009/10,5,The KPI NI-50,2010-04-01\n";
    let answer = send(world, "targets", CSV, targets).await.refused(422, "invalid");
    assert_eq!(named(&answer), [at("D2", "contradicts_row"), at("E2", "contradicts_row")], "{answer}");
}

async fn columns_that_are_not_read_are_listed(world: &World) {
    small(world).await;
    send(world, "readings", CSV, format!("{KPI_PERIOD_VALUE}\nNI-117,2009/10 Q1,4.5\n")).await.is(200);
    let listed = |answer: &Answer| {
        let listed = answer.json()["ignored_columns"].as_array().unwrap().clone();
        assert!(listed.iter().all(|one| one["why"].as_str().unwrap().len() > 10), "{answer}");
        listed.iter().map(|one| one["column"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let wanted =
        ["symbol", "period_label", "period_start", "period_end", "revision", "recorded_at", "recorded_by", "restated"];
    for (format, media) in [("csv", CSV), ("xlsx", XLSX)] {
        let exported = world.get(Administrator, &format!("readings.{format}")).await.is(200);
        let answer = send(world, "readings", media, exported.body.to_vec()).await.is(200);
        assert_eq!((listed(&answer), counts(&answer)), (wanted.map(str::to_owned).to_vec(), [0, 0, 1, 0]));
    }
    // Of a file that is refused, too.
    let wrong = send(world, "readings", CSV, "kpi,period,value,due\nNI-117,2009/10 Q1,four,soon\n").await;
    assert_eq!(listed(&wrong.refused(422, "invalid")), ["due"]);
    let json = json!({"items": [{"kpi": "NI-117", "period": "2009/10 Q1", "value": 4.5}]});
    assert_eq!(listed(&world.post(Administrator, "readings", json).await.is(200)), [""; 0]);
}

async fn advice_goes_by_the_unit(world: &World) {
    let case = Case("field/09-advice-for-a-percent-sign-in-another-unit");
    case.set_up(world).await;
    let answer = send(world, "readings", CSV, case.file("send.csv")).await.refused(422, "invalid");
    assert_eq!(named(&answer), ["C2", "C3", "C4"].map(|cell| at(cell, "not_a_number")), "{answer}");
    let told = details(&answer);
    assert!(told[0].ends_with("; write 0.45"), "{told:?}");
    for (told, unit) in [(&told[1], "T is a rate"), (&told[2], "C is a count")] {
        assert!(told.contains(unit) && !told.contains("write 0.45") && !told.contains("write 45"), "{told}");
    }
    let answer = send(world, "readings", XLSX, case.file("send.xlsx")).await.refused(422, "invalid");
    let told = details(&answer).remove(0);
    assert!(told.contains("write 0.45") && told.contains("number format to General first"), "{told}");
    // What was advised can be followed, and is the figure that was meant.
    send(world, "readings", CSV, format!("{KPI_PERIOD_VALUE}\nR,2009/10 Q1,0.45\n")).await.is(200);
    let reading = world.get(Administrator, "kpis/R/readings/FY2009-10-Q1").await.is(200).json();
    assert_eq!(reading["value"], 0.45);

    world
        .post(
            Administrator,
            "kpis",
            json!({
                "code": "P", "title": "P", "priority": "pr", "unit": "percentage", "polarity": "higher_is_better",
                "frequency": "quarter", "calendar": "financial", "aggregation": "in_period",
            }),
        )
        .await
        .is(201);
    for (kpi, cells, wanted) in [
        ("P", "4.5%,,", "; write 4.5"),
        ("P", "\"4,5\",,", "; write 4.5"),
        (
            "P",
            "\"1,234\",,",
            "; write 1.234 if the comma stands for a decimal point, or 1234 if it separates thousands",
        ),
        ("P", "45 1,,", "such as 12.5"),
        ("P", ",5%,100", "write it without a percent sign"),
        ("R", "4.5,45%,", "write it without a percent sign"),
        ("C", "£5,,", "such as 12.5"),
    ] {
        let file = format!("{KPI_PERIOD_VALUE},numerator,denominator\n{kpi},2009/10 Q1,{cells}\n");
        let answer = send(world, "readings", CSV, file).await.refused(422, "invalid");
        assert!(details(&answer)[0].ends_with(wanted), "{cells}: {answer}");
    }
}

async fn a_percent_cell_of_a_percentage_is_read(world: &World) {
    let case = Case("field/10-percent-cell-of-a-percentage");
    case.set_up(world).await;
    // The formula beside it stands in a workbook that asks to be worked out.
    let answer = send(world, "readings", XLSX, case.file("send.xlsx")).await.refused(422, "invalid");
    assert_eq!(named(&answer), [at("C3", "formula_without_value")], "{answer}");
    let worked_out = saved(&case.file("send.xlsx"));
    assert_eq!(counts(&send(world, "readings", XLSX, worked_out).await.is(200)), [2, 0, 0, 0]);
    let reading = world.get(Administrator, "kpis/K/readings/FY2009-10-Q1").await.is(200).json();
    assert_eq!(reading["value"], 4.5);
    let beside = world.get(Administrator, "kpis/K2/readings/FY2009-10-Q1").await.is(200).json();
    assert_eq!((&beside["value"], &beside["numerator"]), (&json!(33.333_333_333_3), &json!(1)));

    let percent = Format::new().set_num_format("0.0%");
    let one = |column: u16, number: f64| {
        book("kpi,period,value,numerator,denominator,forecast", |sheet| {
            put(sheet, 1, "K,2009/10 Q2");
            sheet.write_number(1, 2, 4.5).unwrap();
            sheet.write_number_with_format(1, column, number, &percent).unwrap();
        })
    };
    let long = send(world, "readings", XLSX, one(2, 0.123_456_789)).await.refused(422, "invalid");
    assert_eq!(named(&long), [at("C2", "too_many_decimals")]);
    assert!(details(&long)[0].contains("write 12.345679; set the cell's number format to General"), "{long}");
    let counted = send(world, "readings", XLSX, one(3, 0.5)).await.refused(422, "invalid");
    assert!(named(&counted).contains(&at("D2", "not_a_number")), "{counted}");
    send(world, "readings", XLSX, one(5, 0.07)).await.is(200);
    let reading = world.get(Administrator, "kpis/K/readings/FY2009-10-Q2").await.is(200).json();
    assert_eq!((&reading["value"], &reading["forecast"]), (&json!(4.5), &json!(7)));
    let target = book(KPI_PERIOD_VALUE, |sheet| {
        put(sheet, 1, "K,2009/10");
        sheet.write_number_with_format(1, 2, 0.8, &percent).unwrap();
    });
    send(world, "targets", XLSX, target).await.is(200);
    let target = world.get(Administrator, "kpis/K/targets/FY2009-10").await.is(200).json();
    assert_eq!(target["value"], 80);
}

async fn a_formula_that_was_never_worked_out_is_refused(world: &World) {
    let case = Case("field/11-formula-that-was-never-worked-out");
    case.set_up(world).await;
    let answer = send(world, "readings", XLSX, case.file("send.xlsx")).await.refused(422, "invalid");
    assert_eq!(named(&answer), [at("C2", "formula_without_value")], "{answer}");
    assert!(details(&answer)[0].contains("save it and send it again"), "{answer}");
    for asks in ["calcCompleted=\"0\"", "forceFullCalc=\"1\"", "fullCalcOnLoad=\"true\""] {
        let file =
            changed(&case.file("send.xlsx"), "xl/workbook.xml", |part| part.replace("fullCalcOnLoad=\"1\"", asks));
        let answer = send(world, "readings", XLSX, file).await.refused(422, "invalid");
        assert_eq!(named(&answer), [at("C2", "formula_without_value")], "{asks}: {answer}");
    }
    // One formula that fills two cells, of which only the first has it; what was typed beside it is read.
    let mut array = Workbook::new();
    let sheet = array.add_worksheet();
    for (row, cells) in (0..).zip([KPI_PERIOD_VALUE, "K,2009/10 Q1", "K,2009/10 Q2", "K,2009/10 Q3"]) {
        put(sheet, row, cells);
    }
    sheet.write_array_formula(1, 2, 2, 2, "{=D2:D3*100}").unwrap();
    sheet.write_number(3, 2, 4.5).unwrap();
    let answer = send(world, "readings", XLSX, array.save_to_buffer().unwrap()).await.refused(422, "invalid");
    assert_eq!(named(&answer), [at("C2", "formula_without_value"), at("C3", "formula_without_value")], "{answer}");
    // Saved by a program that works formulas out, it is read.
    let file = changed(&saved(&case.file("send.xlsx")), "xl/worksheets/sheet1.xml", |part| {
        part.replace("<v>0</v></c></row></sheetData>", "<v>4.5</v></c></row></sheetData>")
    });
    send(world, "readings", XLSX, file).await.is(200);
    let reading = world.get(Administrator, "kpis/K/readings/FY2009-10-Q1").await.is(200).json();
    assert_eq!(reading["value"], 4.5);
}

async fn a_percentage_beside_its_fraction_is_taken(world: &World) {
    let case = Case("field/12-own-percentage-beside-its-fraction");
    case.set_up(world).await;
    let answer = send(world, "readings", CSV, case.file("send.csv")).await.refused(422, "invalid");
    assert_eq!(named(&answer), [at("C3", "too_many_digits")], "{answer}");
    assert!(details(&answer)[0].ends_with("; write 1710.817065"), "{answer}");
    let mended = String::from_utf8(case.file("send.csv")).unwrap().replace("1710.817065334928", "1710.817065");
    send(world, "readings", CSV, mended).await.is(200);
    let reading = world.get(Administrator, "kpis/K/readings/FY2009-10-Q1").await.is(200).json();
    assert_eq!(reading["value"].to_string(), "17.1966228854");
    // As JSON, item by item and by itself; and what was fetched is put back.
    let figure = json!({"value": 17.196_622_885_428_2, "numerator": 16_641, "denominator": 96_769});
    let mut item = figure.clone();
    item.as_object_mut().unwrap().extend([("kpi".to_owned(), json!("K")), ("period".to_owned(), json!("2009/10 Q3"))]);
    let body = json!({"items": [item]});
    assert_eq!(counts(&world.post(Administrator, "readings", body).await.is(200)), [1, 0, 0, 0]);
    world.put(Administrator, "kpis/K/readings/FY2009-10-Q4", figure).await.is(201);
    let fetched = json!({"value": reading["value"], "numerator": 16_641, "denominator": 96_769});
    let again = world.put(Administrator, "kpis/K/readings/FY2009-10-Q1", fetched).await.is(200).json();
    assert_eq!(again["revision"], 1);
    // What does not agree is told, and a long value without its fraction is as it was.
    let other = json!({"value": 17.296_622_885_428_2, "numerator": 16_641, "denominator": 96_769});
    let answer = world.put(Administrator, "kpis/K/readings/FY2009-10-Q1", other).await.refused(422, "invalid");
    assert_eq!(answer.faults(), [at("/value", "value_disagrees")]);
    let alone = json!({"value": 17.196_622_885_428_2});
    world.put(Administrator, "kpis/K/readings/FY2009-10-Q1", alone).await.refused(422, "invalid");
}

async fn a_title_above_the_header_is_passed_over(world: &World) {
    let case = Case("field/16-title-above-the-header-of-a-csv");
    case.set_up(world).await;
    let csv = send(world, "readings?dry_run=true", CSV, case.file("send.csv")).await.is(200).json();
    let xlsx = send(world, "readings?dry_run=true", XLSX, case.file("send.xlsx")).await.is(200).json();
    assert_eq!((&csv["effects"], &csv["created"]), (&xlsx["effects"], &json!(1)));
    assert_eq!(csv["warnings"], json!([]), "a title is only a title");
    // The row that is told is the row of the file, whatever stands above.
    let table = "Return,of,the group\r\n\r\n\"Two\r\nlines\",,\r\nkpi,period,value\r\nK,2009/10 Q1,five\r\n";
    let answer = send(world, "readings", CSV, table).await.refused(422, "invalid");
    assert_eq!(named(&answer), [at("C5", "not_a_number")], "{answer}");
    assert_eq!(warned(&answer), [(Some(1), "read_as".to_owned())], "{answer}");
    // Where no row names the columns, the nearest is told.
    let answer = send(world, "readings", CSV, "Return\n\nkpi,perod,value\nK,2009/10 Q1,5\n").await;
    let answer = answer.refused(422, "invalid");
    let told: Vec<_> = answer.cells().into_iter().map(|(row, column, _)| (row, column)).collect();
    assert_eq!(told, [(3, "perod".to_owned()), (3, "period".to_owned())], "{answer}");
}

async fn a_file_in_another_form_is_read_and_said_to_be(world: &World) {
    small(world).await;
    let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let words = "Fünf £ “so”";
    let table = format!("{KPI_PERIOD_VALUE},commentary\r\nNI-117,2009/10 Q1,4.5,\"{words}\"\r\n");
    let windows = |text: &str| {
        let latin = |char| match char {
            '“' => 0x93,
            '”' => 0x94,
            char => u8::try_from(u32::from(char)).unwrap(),
        };
        text.chars().map(latin).collect::<Vec<u8>>()
    };
    for (form, media, file, told) in [
        ("plain", CSV, table.clone().into_bytes(), 0),
        ("windows-1252", CSV, windows(&table), 1),
        ("declared", "text/csv; charset=\"Windows-1252\"", windows(&table), 1),
        ("UTF-16 with a mark", CSV, utf_16(&format!("\u{feff}{table}")), 1),
        ("UTF-16", CSV, utf_16(&table), 1),
        ("UTF-16 declared", "text/csv; charset=utf-16le", utf_16(&table), 1),
        ("semicolons", CSV, table.replace(',', ";").into_bytes(), 1),
        ("tabs", CSV, utf_16(&format!("\u{feff}{}", table.replace(',', "\t"))), 1),
    ] {
        let answer = send(world, "readings?dry_run=true", media, file.clone()).await;
        assert_eq!(answer.status, 200, "{form}: {answer}");
        assert_eq!(warned(&answer), vec![(None, "read_as".to_owned()); told], "{form}: {answer}");
        send(world, "readings", media, file).await.is(200);
        let reading = world.get(Administrator, "kpis/NI-117/readings/FY2009-10-Q1").await.is(200).json();
        assert_eq!((&reading["commentary"], &reading["revision"]), (&json!(words), &json!(1)), "{form}");
    }
    let charset = send(world, "readings", "text/csv; charset=utf-7", table.clone()).await;
    charset.refused(415, "unsupported_media_type").tells("utf-7");
    // A decimal comma is refused all the same, at its row and with what to write; so are wrong quotation marks.
    let comma = "Return\n\nkpi;period;value;commentary\nNI-117;2009/10 Q1;4,5;\nNI-117;2009/10 Q2;4;\"a\" b\n";
    let answer = send(world, "readings", CSV, comma).await.refused(422, "invalid");
    assert_eq!(named(&answer), [at("C4", "not_a_number"), at("D5", "text_after_quotation")], "{answer}");
    assert!(details(&answer)[0].ends_with("; write 4.5"), "{answer}");
    let marked = world.ask(Method::POST, Administrator, "readings").body(CSV, comma).header("accept", XLSX);
    assert_eq!(marked.await.is(422).header("content-type"), Some(XLSX));
    // What is no text in its encoding is told at its row; two encodings in one file are not guessed at.
    let (head, tail) = table.split_once("Fünf").unwrap();
    let both = [head.as_bytes(), "Fünf".as_bytes(), b"\xFC", tail.as_bytes()].concat();
    let answer = send(world, "readings", CSV, both).await.refused(422, "invalid");
    assert_eq!(answer.cells(), [(2, String::new(), "not_utf8".to_owned())]);
    let mut torn = utf_16(&table);
    torn.extend(b"\x00\xD8,\0");
    let answer = send(world, "readings", CSV, torn).await.refused(422, "invalid");
    assert_eq!(answer.cells(), [(3, String::new(), "not_utf8".to_owned())]);
}

/// Texts that a file may lose or change on its way.
fn texts() -> Vec<String> {
    let long = format!(" {} ", "é".repeat(3_998));
    [
        "  two blanks around it  ",
        "\u{a0}hard blank\u{a0}",
        "line\nbreak\n",
        "line\r\nbreak\r\n",
        "\rodd\r",
        "\ttab\t",
        "'quoted'",
        "'=1",
        "''=1",
        "=1+1",
        "  =1+1",
        "-",
        "+ a list",
        "@name",
        "_x0041_",
        "_x000D_",
        "a,b;c\td",
        "\"",
        " \"so\" ",
        "\u{feff}mark",
        "😀 ",
        "4.50",
        "2009-04-01",
        "1e3",
        "true",
        "0012",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([long])
    .collect()
}

async fn what_is_fetched_is_what_was_sent(world: &World) {
    let case = Case("field/19-what-is-fetched-is-not-what-was-sent");
    case.set_up(world).await;
    let put: Value = serde_json::from_slice(&case.file("put.json")).unwrap();
    world.put(Administrator, "kpis/K/readings/FY2009-10-Q1", put).await.is(201);
    for (number, text) in (0..).zip(texts()) {
        let (year, quarter) = (2010 + number / 4, 1 + number % 4);
        let path = |table: &str| format!("kpis/K/{table}/FY{year}-{:02}-Q{quarter}", (year + 1) % 100);
        let first = |most: usize| text.chars().take(most).collect::<String>();
        let figure = match number % 3 {
            0 => json!({"nil_return": first(400), "commentary": text}),
            _ => json!({"value": 5, "commentary": text}),
        };
        let kept = world.put(Administrator, &path("readings"), figure).await.is(201).json();
        assert_eq!(kept["commentary"], text);
        let target = json!({"value": 5, "rationale": first(2_000), "agreed_by": first(200)});
        world.put(Administrator, &path("targets"), target).await.is(201);
    }
    // Only blanks are no words.
    let blank = json!({"value": 5, "commentary": " \u{a0}\n", "reason": " "});
    let kept = world.put(Administrator, "kpis/K/readings/FY2009-10-Q2", blank).await.is(201).json();
    assert_eq!(kept["commentary"], Value::Null);
    let target = json!({"value": 5, "rationale": "  ", "agreed_by": ""});
    world.put(Administrator, "kpis/K/targets/FY2009-10-Q2", target).await.is(201);
    for table in ["readings", "targets"] {
        for (format, media) in [("csv", CSV), ("xlsx", XLSX)] {
            let exported = world.get(Administrator, &format!("{table}.{format}")).await.is(200);
            let answer = send(world, &format!("{table}?dry_run=true"), media, exported.body.to_vec()).await.is(200);
            let [created, revised, unchanged, rejected] = counts(&answer);
            assert_eq!([created, revised, rejected], [0, 0, 0], "{table}.{format}: {answer}");
            assert!(unchanged > 25, "{answer}");
        }
    }
    // As JSON, a text is as exact.
    let page = world.get(Administrator, "readings?limit=100").await.is(200).json();
    let items: Vec<Value> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reading| {
            json!({"kpi": reading["kpi"], "period": reading["period"]["key"], "value": reading["value"],
               "nil_return": reading["nil_return"], "commentary": reading["commentary"]})
        })
        .collect();
    let answer = world.post(Administrator, "readings?dry_run=true", json!({"items": items})).await.is(200);
    assert_eq!(counts(&answer)[..2], [0, 0], "{answer}");
}

async fn a_standardised_rate_is_kept_with_its_count(world: &World) {
    let case = Case("field/24-standardised-rate-with-its-count");
    case.set_up(world).await;
    let crude = send(world, "readings", CSV, case.file("send.csv")).await.refused(422, "invalid");
    assert_eq!(named(&crude), [at("C2", "value_disagrees")], "{crude}");
    let told = details(&crude).remove(0);
    assert!(told.contains("set `standardised` on the KPI") && !told.contains("left out"), "{told}");
    world.patch(Manager, "kpis/K", "*", json!({"standardised": true})).await.is(200);
    send(world, "readings", CSV, case.file("send.csv")).await.is(200);
    let reading = world.get(Administrator, "kpis/K/readings/CY2023").await.is(200).json();
    let kept = ["value", "numerator", "denominator"].map(|name| reading[name].clone());
    assert_eq!(kept, [json!(506.6), json!(222), json!(42_702)]);
    let report = world.get(Administrator, "kpis/K/status?period=CY2023").await.is(200).json();
    assert_eq!(report["reported"], 506.6, "{report}");
    for (format, media) in [("csv", CSV), ("xlsx", XLSX)] {
        let exported = world.get(Administrator, &format!("readings.{format}")).await.is(200);
        let again = send(world, "readings", media, exported.body.to_vec()).await.is(200);
        assert_eq!(counts(&again), [0, 0, 1, 0], "{again}");
    }
    // Without its value it is none; with it alone it is one.
    let fraction = json!({"numerator": 222, "denominator": 42_702});
    let answer = world.put(Administrator, "kpis/K/readings/CY2022", fraction).await.refused(422, "invalid");
    assert_eq!(answer.faults(), [at("/value", "missing")]);
    world.put(Administrator, "kpis/K/readings/CY2022", json!({"value": 498.2})).await.is(201);
    // What is small is judged by what was counted.
    let sensitive = json!({"sensitive": true, "publication": "partners"});
    world.patch(Manager, "kpis/K", "*", sensitive).await.is(200);
    for (year, counted) in [("CY2020", 3), ("CY2021", 300)] {
        let figure = json!({"value": 506.6, "numerator": counted, "denominator": 42_702});
        world.put(Administrator, &format!("kpis/K/readings/{year}"), figure).await.is(201);
    }
    let small = world.get(Partner, "kpis/K/readings/CY2020").await.is(200).json();
    assert_eq!((&small["suppressed"], &small["value"]), (&json!(true), &Value::Null));
    // A count is never standardised.
    let count = json!({"unit": "count", "multiplier": 1});
    world.patch(Manager, "kpis/K", "*", count).await.refused(422, "invalid");
}

async fn what_a_workbook_hides_is_told(world: &World) {
    small(world).await;
    let file = book("kpi,period,value,commentary", |sheet| {
        for (row, quarter) in (1..).zip(["Q1", "Q2", "Q3", "Q4"]) {
            put(sheet, row, &format!("NI-117,2009/10 {quarter},4"));
        }
        sheet.autofilter(0, 0, 4, 3).unwrap();
        sheet.set_row_hidden(2).unwrap();
        sheet.set_row_hidden(4).unwrap();
        sheet.set_column_hidden(3).unwrap();
    });
    let answer = send(world, "readings", XLSX, file).await.is(200);
    assert_eq!(counts(&answer)[0], 4);
    let wanted = [(1, "hidden_column"), (3, "hidden_row"), (5, "hidden_row")];
    assert_eq!(warned(&answer), wanted.map(|(row, code)| (Some(row), code.to_owned())), "{answer}");
    // A hidden row without a figure in it is nothing to tell of.
    let blank = book(KPI_PERIOD_VALUE, |sheet| {
        put(sheet, 1, "NI-117,2009/10 Q1,4");
        sheet.set_row_hidden(2).unwrap();
    });
    assert_eq!(warned(&send(world, "readings", XLSX, blank).await.is(200)), []);
}

async fn figures_are_put_into_cells_of_the_general_format(world: &World) {
    small(world).await;
    round(world, "FY2009-10-Q4", "2010-04-01", "2010-05-31").await;
    world.post(Manager, "kpis", kpi("FINE", json!({"decimals": 3}))).await.is(201);
    world.put(Lead, "kpis/FINE/readings/FY2009-10-Q4", json!({"value": 4.125})).await.is(201);
    let file = world.get(Lead, "readings/template.xlsx?sub_group=health-group&period=FY2009-10-Q4").await.is(200);
    let (sheet, styles) = (part(&file.body, "xl/worksheets/sheet1.xml"), part(&file.body, "xl/styles.xml"));
    let (_, cell_formats) = styles.split_once("<cellXfs").unwrap();
    let formats: Vec<&str> = cell_formats.split("<xf ").skip(1).collect();
    let mut looked_at = 0;
    // The columns value, numerator, denominator and forecast, in the rows below the header.
    for cell in ["K", "L", "M", "S"].iter().flat_map(|column| (5..=7).map(move |row| format!("{column}{row}"))) {
        let (_, rest) =
            sheet.split_once(&format!("<c r=\"{cell}\" s=\"")).unwrap_or_else(|| panic!("no {cell}: {sheet}"));
        let (style, _) = rest.split_once('"').unwrap();
        assert!(formats[style.parse::<usize>().unwrap()].starts_with("numFmtId=\"0\""), "{cell}: {style}");
        looked_at += 1;
    }
    assert_eq!(looked_at, 12);
    assert!(sheet.contains("<v>4.125</v>"), "{sheet}");
}
