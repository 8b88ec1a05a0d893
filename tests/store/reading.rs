//! Reading back: as of a version, page by page, all figures, and revision by revision.

use waymark::domain::ids::Seq;
use waymark::domain::policy::Status;
use waymark::store::definitions;
use waymark::store::journal;
use waymark::store::kinds::DefinitionKind;
use waymark::store::readings::{ReadingFilter, ReadingKey, ReadingRow, find, history, load_each, page};
use waymark::store::targets;

use crate::database::{Database, a_definition, a_reading, a_target, figure, kpi, lock, noon, posted, reading, subject};
use crate::on_both;

on_both! {
    what_was_known_is_still_there
    a_reading_comes_back_as_it_was_said
    a_target_comes_back_as_it_was_said
    pages_follow_the_order_of_keys
    a_filter_lets_through_what_it_says
    all_figures_come_in_the_order_of_writing
}

fn what_was_known_is_still_there(database: &Database) {
    let plan = database.plan(
        "harrow",
        vec![
            a_definition(DefinitionKind::Kpi, "NI-117", 1),
            a_target("NI-117", "FY2009-10", 1, "5"),
            a_reading("NI-117", "FY2009-10-Q1", "all", 1, "4.5"),
            a_reading("NI-117", "FY2009-10-Q1", "fsm", 1, "9"),
            a_definition(DefinitionKind::Kpi, "NI-117", 2),
            a_target("NI-117", "FY2009-10", 2, "6"),
            a_reading("NI-117", "FY2009-10-Q1", "all", 2, "4.25"),
        ],
    );
    // Another plan's are never among them.
    database
        .plan("brent", vec![a_definition(DefinitionKind::Kpi, "NI-117", 1), a_target("NI-117", "FY2009-10", 1, "5")]);
    let (ni_117, quarter, all) = (kpi("NI-117"), "FY2009-10-Q1".parse().unwrap(), "all".parse().unwrap());
    let year = "FY2009-10".parse().unwrap();
    database.read(|conn| {
        for (up_to, definition, target, value, keys) in [
            (Some(0), None, None, None, 0),
            (Some(1), Some(1), None, None, 0),
            (Some(3), Some(1), Some("5"), Some("4.5"), 1),
            (Some(6), Some(2), Some("6"), Some("4.5"), 2),
            (Some(7), Some(2), Some("6"), Some("4.25"), 2),
            (None, Some(2), Some("6"), Some("4.25"), 2),
        ] {
            let up_to = up_to.map(Seq);
            let found = definitions::find(conn, plan.id, DefinitionKind::Kpi, "NI-117", up_to)?;
            assert_eq!(found.map(|row| row.revision), definition, "{up_to:?}");
            let found = targets::find(conn, plan.id, &ni_117, year, up_to)?;
            assert_eq!(found.and_then(|row| row.target.value), target.map(figure), "{up_to:?}");
            let found = find(conn, plan.id, &ni_117, quarter, &all, up_to)?;
            assert_eq!(found.and_then(|row| row.said.figure.value), value.map(figure), "{up_to:?}");
            assert_eq!(page(conn, plan.id, &ReadingFilter::default(), up_to, None, 10)?.len(), keys, "{up_to:?}");
        }
        let seqs = |rows: Vec<definitions::DefinitionRow>| rows.iter().map(|row| row.seq.0).collect::<Vec<_>>();
        assert_eq!(seqs(definitions::load(conn, plan.id, Seq(0), None)?), [1, 5]);
        assert_eq!(seqs(definitions::load(conn, plan.id, Seq(1), Some(Seq(5)))?), [5]);
        assert_eq!(seqs(definitions::load(conn, plan.id, Seq(0), Some(Seq(4)))?), [1]);
        assert_eq!(seqs(definitions::history(conn, plan.id, DefinitionKind::Kpi, "NI-117")?), [1, 5]);
        let seqs = |rows: Vec<targets::TargetRow>| rows.iter().map(|row| row.seq.0).collect::<Vec<_>>();
        assert_eq!(seqs(targets::load(conn, plan.id, Seq(0), Some(Seq(5)))?), [2]);
        assert_eq!(seqs(targets::load(conn, plan.id, Seq(2), None)?), [6]);
        assert_eq!(seqs(targets::history(conn, plan.id, &ni_117, year)?), [2, 6]);
        let seqs = |rows: Vec<ReadingRow>| rows.iter().map(|row| row.seq.0).collect::<Vec<_>>();
        assert_eq!(seqs(history(conn, plan.id, &ni_117, quarter, &all)?), [3, 7]);
        let mut figures = Vec::new();
        load_each(conn, plan.id, Seq(3), Some(Seq(6)), |row| figures.push(row.seq.0))?;
        assert_eq!(figures, [4]);
        Ok(())
    });
}

fn a_reading_comes_back_as_it_was_said(database: &Database) {
    let mut full = reading("NI-117", "FY2009-10-Q1", "all", 1, "0.1");
    full.figure.value = Some(waymark::domain::number::Figure::from_stored("-99999999999.0123456789").unwrap());
    (full.figure.numerator, full.figure.denominator) = (Some(figure("0.000001")), Some(figure("999999999999999")));
    full.figure.acknowledged = "read_as about_100_times".parse().unwrap();
    full.figure.provisional = true;
    full.figure.status = Some(Status::AtRisk);
    full.figure.reason = Some("Zu spät 🙂".into());
    full.definition_version = 3;
    (full.figure.forecast, full.restated) = (Some(figure("4.25")), true);
    let mut nil = reading("NI-118", "AY2008-09-T3", "looked-after", 1, "0");
    (nil.figure.value, nil.figure.nil_return, nil.figure.commentary) =
        (None, Some("School census not yet released".into()), None);
    let plan = database.plan("harrow", vec![posted(full.clone()), posted(nil.clone())]);
    let rows = database.read(|conn| page(conn, plan.id, &ReadingFilter::default(), None, None, 10));
    let row = |seq, said| ReadingRow { seq: Seq(seq), recorded_at: noon(), recorded_by: subject("ada"), said };
    assert_eq!(rows, [row(1, full.clone()), row(2, nil.clone())]);
    let mut all = Vec::new();
    database.read(|conn| load_each(conn, plan.id, Seq(0), None, |row| all.push(row)));
    assert_eq!(all, rows);
}

fn a_target_comes_back_as_it_was_said(database: &Database) {
    let change = a_target("NI-117", "FY2009-10", 1, "5");
    let journal::NewRow::Target(mut said) = change.row.clone() else { panic!("a target") };
    (said.target.value, said.target.low, said.target.high) = (None, Some(figure("10")), Some(figure("15.5")));
    said.target.floor = Some(figure("8"));
    said.target.agreed_by = Some("The partnership".into());
    said.removed = true;
    let plan = database.plan("harrow", vec![journal::Change { row: journal::NewRow::Target(said.clone()), ..change }]);
    let rows = database.read(|conn| targets::load(conn, plan.id, Seq(0), None));
    let row = targets::TargetRow { seq: Seq(1), recorded_at: noon(), recorded_by: subject("ada"), said };
    assert_eq!(rows, [row]);
}

/// Codes that English collation, and ignoring case, would put in another order.
const IN_ORDER: [(&str, &str, &str); 9] = [
    ("A1", "FY2009-10-Q1", "all"),
    ("B", "FY2009-10-Q1", "all"),
    ("LP10", "FY2009-10-Q1", "Z"),
    ("LP10", "FY2009-10-Q1", "all"),
    ("LP10", "FY2009-10-Q1", "fsm"),
    ("LP10", "FY2009-10-Q2", "all"),
    ("LP2", "FY2009-10-Q1", "all"),
    ("a-1", "FY2009-10-Q1", "all"),
    ("a_0", "FY2009-10-Q1", "all"),
];

fn keys(rows: &[ReadingRow]) -> Vec<(String, String, String)> {
    rows.iter().map(|row| (row.kpi.to_string(), row.period.to_string(), row.group.to_string())).collect()
}

fn in_order(these: impl IntoIterator<Item = usize>) -> Vec<(String, String, String)> {
    these.into_iter().map(|index| IN_ORDER[index]).map(|(a, b, c)| (a.into(), b.into(), c.into())).collect()
}

fn a_page(database: &Database) -> waymark::domain::ids::PlanId {
    let posted = |(code, period, group), revision| a_reading(code, period, group, revision, "1");
    let first = IN_ORDER.iter().rev().map(|&key| posted(key, 1));
    let again = IN_ORDER.iter().step_by(2).map(|&key| posted(key, 2));
    database.plan("harrow", first.chain(again).collect()).id
}

fn pages_follow_the_order_of_keys(database: &Database) {
    let plan = a_page(database);
    for up_to in [None, Some(Seq(9))] {
        for size in [1, 2, 4, 9, 20] {
            let mut seen = Vec::new();
            let mut after: Option<ReadingKey> = None;
            loop {
                let filter = ReadingFilter::default();
                let rows = database.read(|conn| page(conn, plan, &filter, up_to, after.as_ref(), size));
                let Some(last) = rows.last() else { break };
                after = Some(last.reading_key());
                seen.extend(rows);
            }
            assert_eq!(keys(&seen), in_order(0..9), "{size}");
            let latest = if up_to.is_none() { [2, 1, 2, 1, 2, 1, 2, 1, 2] } else { [1; 9] };
            assert_eq!(seen.iter().map(|row| row.revision).collect::<Vec<_>>(), latest);
        }
    }
}

fn a_filter_lets_through_what_it_says(database: &Database) {
    let plan = a_page(database);
    let through = |filter: &ReadingFilter| keys(&database.read(|conn| page(conn, plan, filter, None, None, 20)));
    let all = ReadingFilter::default();
    assert_eq!(through(&ReadingFilter { kpi: Some(kpi("LP10")), ..all.clone() }), in_order(2..6));
    assert_eq!(through(&ReadingFilter { period: Some("FY2009-10-Q2".parse().unwrap()), ..all.clone() }), in_order([5]));
    assert_eq!(through(&ReadingFilter { group: Some("fsm".parse().unwrap()), ..all.clone() }), in_order([4]));
    let mine = ReadingFilter { kpis: Some(vec![kpi("a-1"), kpi("B")]), ..all.clone() };
    assert_eq!(through(&mine), in_order([1, 7]));
    assert_eq!(through(&ReadingFilter { kpi: Some(kpi("LP10")), ..mine }), in_order([]));
    assert_eq!(through(&ReadingFilter { kpis: Some(vec![]), ..all }), in_order([]));
}

/// More than are in memory at a time.
fn all_figures_come_in_the_order_of_writing(database: &Database) {
    let plan = database.plan("harrow", vec![]);
    let readings = |from: usize| {
        let months = (from..from + 6_000).map(|place| format!("{}-{:02}", 1900 + place / 12, 1 + place % 12));
        months.map(|month| a_reading("NI-117", &month, "all", 1, "1.5")).collect::<Vec<_>>()
    };
    database.write(|write| {
        let mut plan = lock(write, "harrow");
        for from in [0, 6_000] {
            journal::record(write, &mut plan, &subject("ada"), noon(), readings(from))?;
        }
        Ok(())
    });
    let mut seqs = Vec::new();
    database.read(|conn| load_each(conn, plan.id, Seq(10), Some(Seq(11_500)), |row| seqs.push(row.seq.0)));
    assert_eq!(seqs, (11..=11_500).collect::<Vec<_>>());
}
