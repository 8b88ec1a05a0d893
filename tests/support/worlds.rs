//! Every small table there is, shown as the rule has it: whoever knows the rule knows that it was one of those that are shown
//! alike, and so must not be left with one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use waymark::domain::dimension::Dimension;
use waymark::domain::disclosure::{Entry, Figures, Origin, Posted, withheld};
use waymark::domain::document::Document;
use waymark::domain::ids::Seq;
use waymark::domain::kpi::Kpi;
use waymark::domain::number::Figure;

/// Numbers up to this are small.
const THRESHOLD: u32 = 5;

/// How much larger the sums of tables are that are thought of beside those that are judged, where all is withheld.
const BEYOND: i64 = 8;

/// What whoever knows the rule works out.
pub(crate) struct ToldByTheRule {
    /// How many small figures are withheld.
    pub(crate) withheld: usize,
    /// Those of them that could be no other number: the table, and the place in it.
    pub(crate) exact: Vec<String>,
}

/// Tries every table of some groups that sum up to so much at most.
pub(crate) fn told_by_the_rule(groups: usize, most: i64) -> ToldByTheRule {
    let names: Vec<String> = (0..groups).map(|place| format!("g{place}")).collect();
    let codes: Value = names.iter().map(|name| json!({"code": name, "title": name})).collect();
    let dimension = json!({"code": "parts", "title": "Parts", "complete": true, "groups": codes});
    let dimension = Dimension::parse(dimension.as_object().unwrap().clone()).unwrap();
    let kpi = json!({
        "code": "KPI", "title": "KPI", "priority": "p-1", "unit": "count", "decimals": 0, "polarity": "lower_is_better",
        "frequency": "quarter", "calendar": "financial", "aggregation": "in_period", "sensitive": true,
    });
    let kpi = Kpi::parse(kpi.as_object().unwrap().clone()).unwrap();
    // What is shown of a table, and all tables of which the same is shown.
    let mut alike: BTreeMap<Vec<Option<i64>>, Vec<Vec<i64>>> = BTreeMap::new();
    for table in tables(groups, most + BEYOND) {
        alike.entry(shown(&table, &names, &dimension, &kpi)).or_default().push(table);
    }
    let mut told = ToldByTheRule { withheld: 0, exact: Vec::new() };
    for (shown, tables) in &alike {
        for place in (0..groups).filter(|place| shown[*place].is_none()) {
            let could_be: BTreeSet<i64> = tables.iter().map(|table| table[place]).collect();
            let judged = tables.iter().filter(|table| table.iter().sum::<i64>() <= most);
            for table in judged.filter(|table| (1..=i64::from(THRESHOLD)).contains(&table[place])) {
                told.withheld += 1;
                if could_be.len() == 1 {
                    told.exact.push(format!("{} of {table:?}", table[place]));
                }
            }
        }
    }
    told
}

/// Every table of some groups that sums up to so much at most.
fn tables(groups: usize, most: i64) -> Vec<Vec<i64>> {
    (0..groups).fold(vec![Vec::new()], |tables, _| {
        let longer = tables.into_iter().flat_map(|table: Vec<i64>| {
            let left = most - table.iter().sum::<i64>();
            (0..=left).map(move |number| table.iter().copied().chain([number]).collect::<Vec<i64>>())
        });
        longer.collect()
    })
}

/// The figures of a table that are shown, and all last.
fn shown(table: &[i64], names: &[String], dimension: &Dimension, kpi: &Kpi) -> Vec<Option<i64>> {
    let all = table.iter().sum();
    let numbers: Vec<i64> = table.iter().copied().chain([all]).collect();
    let groups = names.iter().map(String::as_str).chain(["all"]);
    let posted = groups.zip(&numbers).zip(1..).map(|((group, number), seq)| Posted {
        entry: Entry { plan: 0, seq: Seq(seq) },
        replaced: None,
        origin: Origin::Reading,
        period: "FY2009-10-Q1".parse().unwrap(),
        group: group.parse().unwrap(),
        value: Figure::whole(*number),
        numerator: None,
        denominator: None,
    });
    let figures = Figures {
        kpi,
        checked: false,
        threshold: THRESHOLD,
        dimensions: vec![dimension],
        gaps: Vec::new(),
        posted: posted.collect(),
    };
    let withheld = withheld(&[figures]);
    let seen = numbers
        .iter()
        .zip(1..)
        .map(|(number, seq)| (!withheld.has(Entry { plan: 0, seq: Seq(seq) })).then_some(*number));
    seen.collect()
}
