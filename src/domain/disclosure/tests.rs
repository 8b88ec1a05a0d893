//! The worked table, and an attacker who tries every plan.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::document::Document;
use crate::kpi::Aggregation;
use crate::kpi::tests::kpi;

#[path = "../../../tests/support/attacker.rs"]
mod attacker;

use attacker::{Seen, Target};

/// A dimension; one that covers everyone is written with a `!` at its end: `a b c!`. A group within another is written
/// `wb<white`, and one that lies across the others `fsm^`.
fn dimension(place: usize, groups: &str) -> Dimension {
    let group = |word: &str| {
        let (code, within) = word.split_once('<').map_or((word, None), |(code, within)| (code, Some(within)));
        let outside = code.ends_with('^');
        let code = code.trim_end_matches('^');
        let mut group = json!({"code": code, "title": code, "outside": outside});
        if let Some(within) = within {
            group["within"] = within.into();
        }
        group
    };
    let groups_of = groups.trim_end_matches('!').split_whitespace().map(group).collect::<Value>();
    let document = json!({
        "code": format!("dimension-{place}"), "title": "One", "complete": groups.ends_with('!'), "groups": groups_of
    });
    Dimension::parse(document.as_object().unwrap().clone()).unwrap()
}

/// A plan's figures of one KPI, in the order of their posting: `Q2 girls 3/40` or `2010-Q1 all 12`; the same place again
/// is a revision. A year is written `Y` and a month `M4`.
struct Told {
    kpi: Kpi,
    threshold: u32,
    dimensions: Vec<Dimension>,
    posted: Vec<Posted>,
    gap: Option<(GroupCode, GroupCode)>,
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&tell(self, &self.withheld()))
    }
}

impl Told {
    fn new(changes: Value, dimensions: &[&str], figures: &str) -> Self {
        let dimensions = (0..).zip(dimensions).map(|(place, groups)| dimension(place, groups)).collect();
        let mut told = Self { kpi: kpi(changes), threshold: 5, dimensions, posted: Vec::new(), gap: None };
        for figure in figures.split(',') {
            let words: Vec<&str> = figure.split_whitespace().collect();
            told.post(words[0], words[1], words[2]);
        }
        told
    }

    /// Posts a figure in the first plan.
    fn post(&mut self, period: &str, group: &str, figure: &str) {
        self.publish(0, Origin::Reading, period, group, figure);
    }

    fn publish(&mut self, plan: usize, origin: Origin, period: &str, group: &str, figure: &str) {
        let seq = Seq(1 + i64::try_from(self.posted.len()).unwrap());
        let (year, quarter) = period.split_once('-').unwrap_or(("2009", period));
        let year: i32 = year.parse().unwrap();
        let period: Period = match quarter {
            "Y" => format!("FY{year}-{:02}", (year + 1) % 100),
            month if month.starts_with('M') => format!("{year}-{:02}", month.replace('M', "").parse::<u8>().unwrap()),
            quarter => format!("FY{year}-{:02}-{quarter}", (year + 1) % 100),
        }
        .parse()
        .unwrap();
        let group: GroupCode = group.parse().unwrap();
        let place = |one: &&mut Posted| {
            let same = (one.entry.plan, one.origin) == (plan, origin);
            same && one.period == period && one.group == group && one.replaced.is_none()
        };
        if let Some(before) = self.posted.iter_mut().find(place) {
            before.replaced = Some(seq);
        }
        let read = |text: &str| -> Figure { text.parse().unwrap() };
        let (value, numerator, denominator) = match figure.split_once('/') {
            Some((over, under)) => {
                let (over, under) = (read(over), read(under));
                (Figure::ratio(over, under, self.kpi.multiplier), Some(over), Some(under))
            }
            None => (Some(figure).filter(|figure| *figure != "nil").map(read), None, None),
        };
        let entry = Entry { plan, seq };
        self.posted.push(Posted { entry, replaced: None, origin, period, group, value, numerator, denominator });
    }

    fn figures(&self, posted: Vec<Posted>) -> Figures<'_> {
        Figures {
            kpi: &self.kpi,
            checked: self.kpi.numbers_checked,
            threshold: self.threshold,
            dimensions: self.dimensions.iter().collect(),
            gaps: self.gap.iter().map(|(comparator, group)| (comparator, group)).collect(),
            posted,
        }
    }

    fn withheld(&self) -> Withheld {
        withheld(&[self.figures(self.posted.clone())])
    }

    /// The places in the order of posting that are withheld, from 1.
    fn hidden(&self) -> Vec<i64> {
        let mut hidden: Vec<i64> = self.withheld().figures.into_iter().map(|entry| entry.seq.0).collect();
        hidden.sort_unstable();
        hidden
    }
}

fn count(aggregation: &str) -> Value {
    json!({"unit": "count", "decimals": 0, "aggregation": aggregation, "frequency": "quarter", "calendar": "financial"})
}

fn share(aggregation: &str) -> Value {
    json!({"aggregation": aggregation, "frequency": "quarter", "calendar": "financial"})
}

/// A share whose rates without numbers somebody vouches for.
fn checked() -> Value {
    json!({"aggregation": "in_period", "frequency": "quarter", "calendar": "financial", "numbers_checked": true})
}

#[test]
fn the_worked_table() {
    let in_period = count("in_period");
    for (changes, dimensions, figures, hidden) in [
        // Small by themselves, and true zeros.
        (share("in_period"), vec![], "Q1 all 3/40, Q2 all 37/40, Q3 all 2/4, Q4 all 0/40", vec![1, 2, 3]),
        (share("in_period"), vec![], "Q1 all 40/40, Q2 all 6/12, Q4 all nil", vec![]),
        (in_period.clone(), vec![], "Q1 all 1, Q2 all 5, Q3 all 6, Q4 all 0", vec![1, 2]),
        // Parts of a whole.
        (in_period.clone(), vec!["a b c d e!"], "Q1 all 100, Q1 a 3, Q1 b 20, Q1 c 25, Q1 d 26, Q1 e 26", vec![2, 3]),
        (in_period.clone(), vec!["a b c d!"], "Q1 all 60, Q1 a 1, Q1 b 2, Q1 c 20, Q1 d 37", vec![2, 3, 4]),
        (in_period.clone(), vec!["a b c!"], "Q1 all 60, Q1 a 10, Q1 b 20, Q1 c 30", vec![]),
        (in_period.clone(), vec!["a b c!"], "Q1 all 43, Q1 a 3, Q1 b 0, Q1 c 40", vec![2, 4]),
        // A true zero stays though nothing else is left but all.
        (share("in_period"), vec!["a b!"], "Q1 all 37/80, Q1 a 37/40, Q1 b 0/40", vec![1, 2]),
        (in_period.clone(), vec!["girls boys fsm"], "Q1 all 43, Q1 girls 40, Q1 boys 3, Q1 fsm 20", vec![2, 3]),
        (in_period.clone(), vec!["girls boys"], "Q1 all 43, Q1 girls 40", vec![2]),
        (in_period.clone(), vec!["girls boys"], "Q1 girls 40, Q1 boys 3", vec![2]),
        // Two dimensions over one population.
        (in_period.clone(), vec!["a b!", "c d!"], "Q1 a 3, Q1 b 40, Q1 c 20, Q1 d 23", vec![1, 3]),
        (
            in_period.clone(),
            vec!["a b c!", "d e f!"],
            "Q1 all 60, Q1 a 3, Q1 b 20, Q1 c 37, Q1 d 20, Q1 e 20, Q1 f 20",
            vec![2, 3],
        ),
        // One cumulative figure less another.
        (count("year_to_date"), vec![], "Q1 all 20, Q2 all 23, Q3 all 60, 2010-Q1 all 62", vec![2]),
        (count("year_to_date"), vec![], "Q1 all 20, Q2 all 20, Q3 all 30", vec![]),
        (count("year_to_date"), vec![], "Q1 all 20, Q2 all 21, Q3 all 22, Q4 all 23", vec![2, 3, 4]),
        // No one was counted out of seven, and one more was asked than before.
        (share("year_to_date"), vec![], "Q1 all 0/6, Q2 all 0/7, Q3 all 0/60", vec![2]),
        (share("year_to_date"), vec![], "Q1 all 20/40, Q2 all 30/52, Q3 all 36/60", vec![2, 3]),
        (
            count("year_to_date"),
            vec!["a b!"],
            "Q1 a 6, Q1 b 0, Q1 all 6, Q2 a 6, Q2 b 2, Q2 all 8, Q3 a 6, Q3 b 8, Q3 all 14",
            vec![5, 6],
        ),
        (count("rolling_12_months"), vec![], "Q1 all 40, Q2 all 43, Q3 all 60, 2010-Q3 all 62", vec![]),
        (count("in_period"), vec![], "Q1 all 40, Q2 all 43", vec![]),
        // What can still be read as of its time.
        (in_period.clone(), vec!["a b!"], "Q1 a 3, Q1 b 47, Q1 all 50, Q1 a 10, Q1 all 57", vec![1, 3]),
        (in_period.clone(), vec!["a b!"], "Q1 a 10, Q1 b 47, Q1 all 57, Q1 a 3, Q1 all 50", vec![4, 5]),
        (in_period.clone(), vec![], "Q1 all 3, Q1 all 30, Q1 all 30", vec![1]),
        // A rate whose fraction can be worked out.
        (checked(), vec!["a b!"], "Q1 all 103/240, Q1 a 7.5, Q1 b 100/200", vec![2, 3]),
        (checked(), vec![], "Q1 all 8/40, Q1 all 7.5", vec![2]),
        // Two that are not known, and two sums that say so.
        (checked(), vec!["a b!"], "Q1 all 103/240, Q1 a 7.5, Q1 b 50", vec![2, 3]),
        (checked(), vec!["a b!"], "Q1 all 42.916667, Q1 a 7.5, Q1 b 100/200", vec![2, 3]),
        (checked(), vec!["a b!"], "Q1 all 120/240, Q1 a 50, Q1 b 50", vec![]),
        (checked(), vec!["a b c!"], "Q1 all 103/240, Q1 a 7.5, Q1 b 50, Q1 c 50", vec![2, 3]),
        (checked(), vec!["a b c!"], "Q1 all 103/240, Q1 a 7.5, Q1 b 50, Q1 c 60", vec![]),
        // A rate without its numbers cannot be judged, and nobody vouches for these.
        (share("in_period"), vec!["a b!"], "Q1 all 103/240, Q1 a 7.5, Q1 b 100/200", vec![2, 3]),
        (share("in_period"), vec!["a b!"], "Q1 all 160/300, Q1 a 60, Q1 b 100/200", vec![2]),
        (share("in_period"), vec![], "Q1 all 50, Q2 all 0, Q3 all 0/40", vec![1, 2]),
    ] {
        let told = Told::new(changes.clone(), &dimensions, figures);
        assert_eq!(told.hidden(), hidden, "{figures} in {dimensions:?} by {changes}");
    }
}

#[test]
fn where_steps_do_not_suffice_all_but_zeros_of_what_hangs_together_are_withheld() {
    let knot = "Q1 all 100, Q1 a 3, Q1 b 20, Q1 c 51, Q1 d 26, Q1 e 0";
    let told = Told::new(count("in_period"), &["a b c d e!"], &format!("{knot}, Q2 all 40, Q3 all 2, Q4 all 0"));
    let hidden = |steps| {
        let withheld = withheld_within(&told.figures(told.posted.clone()), Steps(steps));
        withheld.figures.into_iter().map(|entry| entry.seq.0).collect::<Vec<_>>()
    };
    assert_eq!(hidden(0), [1, 2, 3, 4, 5, 7, 8]);
    assert!((1..2_000).any(|steps| hidden(steps) == [1, 2, 3, 4, 5, 8]), "the other periods are easy");
    assert_eq!(hidden(MOST_STEPS), [2, 3, 8]);
}

#[test]
fn the_threshold_decides() {
    let mut told = Told::new(count("in_period"), &[], "Q1 all 5, Q2 all 7, Q3 all 8");
    assert_eq!(told.hidden(), [1]);
    told.threshold = 7;
    assert_eq!(told.hidden(), [1, 2]);
}

#[test]
fn a_small_gap_in_counts_is_not_given_away_by_its_sides() {
    let mut told = Told::new(count("in_period"), &["a b"], "Q1 a 20, Q1 b 23");
    assert_eq!(told.hidden(), [0; 0]);
    told.gap = Some(("b".parse().unwrap(), "a".parse().unwrap()));
    assert_eq!(told.hidden(), [1]);
}

/// What each attack needs, and what must be withheld so that it finds nothing.
#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn attacks_find_nothing() {
    let in_period = count("in_period");
    let running = count("year_to_date");
    let rolling = count("rolling_12_months");
    for (name, changes, dimensions, figures, hidden) in [
        (
            "step of a member nobody posted",
            running.clone(),
            vec!["girls boys!"],
            "Q1 all 60, Q1 girls 30, Q2 all 84, Q2 girls 50",
            vec![4],
        ),
        (
            "its step over two quarters",
            running.clone(),
            vec!["girls boys!"],
            "Q1 all 60, Q1 girls 30, Q2 all 84, Q3 all 124, Q3 girls 90",
            vec![5],
        ),
        (
            "another lacks later",
            running.clone(),
            vec!["girls boys x!"],
            "Q1 all 90, Q1 girls 30, Q2 all 114, Q2 girls 50, Q2 x 30",
            vec![4],
        ),
        (
            "as shares",
            share("year_to_date"),
            vec!["girls boys!"],
            "Q1 all 60/160, Q1 girls 30/80, Q2 all 84/200, Q2 girls 50/100",
            vec![4],
        ),
        (
            "a whole that its parts determine, and then posted",
            share("year_to_date"),
            vec!["a b!"],
            "Q1 a 41/77, Q1 b 20/44, Q1 all 50, Q2 all 68/130",
            vec![3, 4],
        ),
        (
            "a part that the others determine, and then posted",
            share("year_to_date"),
            vec!["a b!"],
            "Q1 a 18, Q1 b 31/60, Q1 all 40/110, Q2 a 10/51",
            vec![1, 4],
        ),
        (
            "a part of a part that the others determine",
            share("in_period"),
            vec!["a b!", "ax<a ay<a bx<b!"],
            "Q1 all 67/158, Q1 a 40, Q1 b 55/127, Q1 ax 7/17, Q1 ay 35",
            vec![2, 4, 5],
        ),
        (
            "windows drop as well as add",
            rolling.clone(),
            vec!["girls boys!"],
            "Q1 all 60, Q1 girls 30, Q2 all 84, Q2 girls 50",
            vec![],
        ),
        (
            "two dimensions, all not posted",
            in_period.clone(),
            vec!["girls boys!", "meals none!"],
            "Q1 girls 30, Q1 boys 13, Q1 none 40",
            vec![2],
        ),
        (
            "two dimensions of shares",
            share("in_period"),
            vec!["girls boys!", "meals none!"],
            "Q1 girls 30/60, Q1 boys 13/40, Q1 none 40/80",
            vec![2],
        ),
        (
            "bare rates",
            share("in_period"),
            vec!["p q r"],
            "Q1 all 10/30, Q1 p 50, Q1 q 33.333333, Q1 r 12.5",
            vec![2, 3, 4],
        ),
        ("one bare rate", share("in_period"), vec![], "Q1 all 15.789474", vec![1]),
        ("order of publication", running.clone(), vec![], "Q2 all 20, Q3 all 23", vec![2]),
        (
            "nested dimensions",
            in_period.clone(),
            vec!["white asian other!", "wb<white wo<white in<asian pk<asian ot<other!"],
            "Q1 all 140, Q1 white 45, Q1 asian 55, Q1 other 40, Q1 wb 42, Q1 wo 3, Q1 in 30, Q1 pk 25, Q1 ot 40",
            vec![5, 6],
        ),
        (
            "within one dimension",
            in_period.clone(),
            vec!["white wb<white wo<white asian!"],
            "Q1 all 140, Q1 white 45, Q1 asian 95, Q1 wb 42",
            vec![4],
        ),
        (
            "a group outside the partition",
            in_period.clone(),
            vec!["m1 m2 m3 fsm"],
            "Q1 all 32, Q1 m1 20, Q1 m2 9, Q1 m3 3, Q1 fsm 14",
            vec![3, 4],
        ),
        (
            "a group that is said to be outside",
            in_period.clone(),
            vec!["m1 m2 m3 fsm^!"],
            "Q1 all 32, Q1 m1 20, Q1 m2 9, Q1 fsm 14",
            vec![3],
        ),
        (
            "rolling after nought",
            rolling.clone(),
            vec!["girls boys x!"],
            "Q1 girls 0, Q1 boys 0, Q1 x 0, Q1 all 0, Q2 girls 30, Q2 boys 0, Q2 x 0, Q2 all 30, Q3 girls 30, Q3 boys 3, Q3 x 100, Q3 all 133, \
             Q4 girls 30, Q4 boys 9, Q4 x 200, Q4 all 239",
            vec![9, 10, 13, 14],
        ),
        ("one line after nought", rolling.clone(), vec![], "Q1 all 0, Q2 all 40, Q3 all 43", vec![3]),
        ("after nought and a gap", rolling.clone(), vec![], "Q1 all 0, Q3 all 40, Q4 all 43", vec![3]),
        (
            "too much",
            rolling.clone(),
            vec![],
            "Q1 all 18, Q2 all 20, Q3 all 19, Q4 all 21, 2010-Q1 all 20, 2010-Q2 all 18, 2010-Q3 all 21",
            vec![],
        ),
        (
            "shares of too much",
            share("rolling_12_months"),
            vec![],
            "Q1 all 18/146, Q2 all 20/150, Q3 all 19/149, Q4 all 21/153, 2010-Q1 all 20/151",
            vec![],
        ),
    ] {
        let told = Told::new(changes, &dimensions, figures);
        assert_eq!(told.hidden(), hidden, "{name}: {}", tell(&told, &told.withheld()));
    }
}

#[test]
fn a_plan_and_its_successor_are_one_publication() {
    // Carried over, and then posted in the plan before.
    let mut told = Told::new(count("year_to_date"), &[], "Q3 all 20");
    told.publish(1, Origin::Reading, "Q3", "all", "20");
    told.post("Q4", "all", "23");
    assert_eq!(told.hidden(), [3]);
    // The same in the plan after.
    let mut told = Told::new(count("year_to_date"), &[], "Q3 all 20");
    told.publish(1, Origin::Reading, "Q3", "all", "20");
    told.publish(1, Origin::Reading, "Q4", "all", "23");
    assert_eq!(told.hidden(), [3]);
    // Restated in one of them only.
    told.publish(1, Origin::Reading, "Q4", "all", "30");
    assert_eq!(told.hidden(), [3]);
    // Some groups in the one, all in the other.
    let mut told = Told::new(count("in_period"), &["a b!"], "Q1 a 40");
    told.publish(1, Origin::Reading, "Q1", "all", "43");
    assert_eq!(told.hidden(), [1]);
    // A plan in which the KPI is not sensitive shows what it has.
    let mut told = Told::new(count("year_to_date"), &[], "Q4 all 23");
    told.publish(1, Origin::Shown, "Q4", "all", "23");
    told.post("Q3", "all", "20");
    assert_eq!(told.hidden(), [3]);
}

#[test]
fn a_baseline_is_a_figure_like_any_other() {
    let yearly = |mut definition: Value| {
        definition["frequency"] = "year".into();
        definition
    };
    let mut told = Told::new(yearly(count("in_period")), &[], "2008-Y all 3, 2009-Y all 30, 2008-Y all 10");
    told.publish(0, Origin::Baseline, "2008-Y", "all", "3");
    assert_eq!(told.hidden(), [1, 4]);
    let mut told = Told::new(yearly(count("in_period")), &["a b!"], "2008-Y a 40");
    told.publish(0, Origin::Baseline, "2008-Y", "all", "43");
    assert_eq!(told.hidden(), [1]);
    // A rate is as good as the figure that it is, and cannot be judged if it is none.
    for (reading, hidden) in [("30/70", vec![]), ("3/7", vec![1, 2]), ("40/70", vec![2])] {
        let mut told = Told::new(yearly(share("in_period")), &[], &format!("2008-Y all {reading}"));
        told.publish(0, Origin::Baseline, "2008-Y", "all", "42.9");
        assert_eq!(told.hidden(), hidden, "{reading}");
    }
}

/// Every table of so many groups that sum to a total, and what a reader who knows the rule finds in them: how many small
/// figures are withheld, and those that are the same in all tables that are shown alike.
fn known_by_rule(groups: usize, total: u32) -> (usize, Vec<Vec<u32>>) {
    fn each(groups: usize, left: u32) -> Vec<Vec<u32>> {
        if groups == 1 {
            return vec![vec![left]];
        }
        let with = |number: u32| {
            each(groups - 1, left - number).into_iter().map(move |mut table| {
                table.push(number);
                table
            })
        };
        (0..=left).flat_map(with).collect()
    }
    let mut shown: std::collections::HashMap<Vec<Option<u32>>, Vec<Vec<u32>>> = std::collections::HashMap::new();
    for table in each(groups, total) {
        let numbers = table.iter().map(|number| Figure::small(*number)).collect();
        let choice = table::Table { groups: numbers, threshold: 5 }.guarded(&mut Steps(usize::MAX)).unwrap();
        let all = (!choice.whole).then(|| table.iter().sum());
        let seen = table.iter().enumerate().map(|(at, number)| Some(*number).filter(|_| !choice.groups.contains(&at)));
        shown.entry(seen.chain([all]).collect()).or_default().push(table);
    }
    let (mut small, mut exact) = (0, Vec::new());
    for (seen, tables) in shown {
        for at in (0..groups).filter(|at| seen[*at].is_none()) {
            small += tables.iter().filter(|table| (1..=5).contains(&table[at])).count();
            let first = &tables[0];
            // Where even the whole is withheld, any table is as good.
            if seen[groups].is_some()
                && (1..=5).contains(&first[at])
                && tables.iter().all(|table| table[at] == first[at])
            {
                exact.push(first.clone());
            }
        }
    }
    (small, exact)
}

#[test]
fn who_knows_the_rule_finds_nothing_in_small_tables() {
    // Without a guard against them, exact figures are found at 16 and above; with one that asks once only, at 22 and above.
    let totals = (1..=20).map(|total| (3, total)).chain([(2, 9), (4, 8), (4, 16), (4, 17), (4, 22)]);
    let mut withheld = 0;
    for (groups, total) in totals {
        let (small, exact) = known_by_rule(groups, total);
        assert!(exact.is_empty(), "{groups} groups of {total}: {exact:?} of {small}");
        withheld += small;
    }
    assert!(withheld > 5_000, "{withheld}");
}

/// The figures of whole tables are chosen as those of the table alone.
#[test]
fn a_table_that_nothing_else_ties_is_chosen_as_a_table() {
    for (figures, hidden) in [
        ("Q1 a 6, Q1 b 6, Q1 cc 5, Q1 d 30, Q1 all 47", vec![1, 2, 3]),
        ("Q1 a 6, Q1 b 5, Q1 c 5, Q1 all 16", vec![1, 2, 3]),
        ("Q1 a 9, Q1 b 20, Q1 c 5, Q1 d 30, Q1 all 64", vec![1, 3]),
    ] {
        let told = Told::new(
            count("in_period"),
            &[if figures.contains("cc") {
                "a b cc d!"
            } else if figures.contains('d') {
                "a b c d!"
            } else {
                "a b c!"
            }],
            figures,
        );
        assert_eq!(told.hidden(), hidden, "{figures}");
    }
}

/// A table of which more was withheld the earlier its total was posted.
#[test]
fn the_order_of_rows_changes_nothing() {
    let rows = ["g1 0/1", "g2 0/2", "g3 2/4", "g4 2/5", "g5 2/8", "g6 9/41", "g7 0/1", "g8 1/1", "g9 1/4"];
    let told = |rows: &[&str]| {
        let figures: Vec<String> = rows.iter().map(|row| format!("Q1 {row}")).collect();
        let told = Told::new(share("in_period"), &["g1 g2 g3 g4 g5 g6 g7 g8 g9!"], &figures.join(", "));
        let withheld = told.withheld();
        let hidden = told.posted.iter().filter(|one| withheld.has(one.entry)).map(|one| one.group.to_string());
        hidden.collect::<BTreeSet<String>>()
    };
    let wanted: BTreeSet<String> = ["g1", "g2", "g3", "g4", "g5", "g7", "g8", "g9"].map(str::to_owned).into();
    for all in 0..=rows.len() {
        let mut turned = rows.to_vec();
        turned.insert(all, "all 17/67");
        assert_eq!(told(&turned), wanted, "all at {all}");
        turned.reverse();
        assert_eq!(told(&turned), wanted, "all at {all} from the end");
    }
}

#[test]
fn what_replaced_a_withheld_figure_keeps_its_reason_to_itself() {
    let withheld = Told::new(count("in_period"), &[], "Q1 all 3, Q1 all 30, Q1 all 31").withheld();
    let told = [1, 2, 3].map(|seq| {
        let entry = Entry { plan: 0, seq: Seq(seq) };
        (withheld.has(entry), withheld.has_replaced(entry))
    });
    assert_eq!(told, [(true, false), (false, true), (false, false)]);
}

fn whole(figure: Figure) -> i128 {
    figure.to_fixed(0).parse().unwrap()
}

/// What an attacker sees of a plan's figures from whom some are withheld.
fn target(told: &Told, withheld: &Withheld) -> Target {
    let periods: BTreeSet<Period> = told.posted.iter().map(|one| one.period).collect();
    let years: BTreeSet<Option<Period>> = periods.iter().map(|period| period.year_in(told.kpi.calendar)).collect();
    let figures = told.posted.iter().map(|one| Seen {
        from: one.entry.seq.0,
        until: one.replaced.map(|seq| seq.0),
        period: periods.iter().position(|period| *period == one.period).unwrap(),
        year: years.iter().position(|year| *year == one.period.year_in(told.kpi.calendar)).unwrap(),
        group: one.group.to_string(),
        parts: match one.numerator.zip(one.denominator) {
            Some((over, under)) => vec![whole(over), whole(under - over), whole(under)],
            None => one.value.into_iter().map(whole).collect(),
        },
        shown: !withheld.has(one.entry),
        ..Seen::default()
    });
    let complete = told.dimensions.iter().filter(|dimension| dimension.complete);
    Target {
        threshold: told.threshold.into(),
        adds_up: told.kpi.aggregation == Aggregation::YearToDate,
        rolls: false,
        complete: complete.map(|one| one.groups.iter().map(|group| group.code.to_string()).collect()).collect(),
        figures: figures.collect(),
        ..Target::default()
    }
}

/// What happens in a period to each group: numerator and rest.
type Happened = Vec<Vec<(u8, u8)>>;

prop_compose! {
    /// A number that is often small or nothing.
    fn few()(kind in 0..6_u8, small in 0..4_u8, more in 5..60_u8) -> u8 {
        match kind { 0 => 0, 1 | 2 => small, _ => more }
    }
}

prop_compose! {
    fn plans()(
        counted: bool,
        aggregation in prop::sample::select(vec!["in_period", "year_to_date", "rolling_12_months"]),
        threshold in prop::sample::select(vec![5_u32, 7]),
        first in 2..5_usize,
        second in prop::option::of((any::<bool>(), 2..4_usize)),
        all_posted in prop::bool::weighted(0.8),
        happened in prop::collection::vec(prop::collection::vec((few(), few()), 4), 1..5),
        shares in prop::collection::vec(0..100_u32, 16),
        restated in prop::collection::vec((0..4_usize, 0..4_usize, few(), few()), 0..4),
    ) -> Told {
        drawn(&Sketch { counted, aggregation, threshold, groups: (first, second), all_posted, happened, shares, restated })
    }
}

/// What a plan is drawn from.
struct Sketch {
    counted: bool,
    aggregation: &'static str,
    threshold: u32,
    /// How many groups the first dimension has; and whether the second covers everyone, and how many it has.
    groups: (usize, Option<(bool, usize)>),
    all_posted: bool,
    happened: Happened,
    /// How the second dimension shares out what the first sums to, in percent.
    shares: Vec<u32>,
    /// Period and group of what is restated, and what happened after all.
    restated: Vec<(usize, usize, u8, u8)>,
}

/// Draws a plan whose sums are right whenever all of a revision was posted.
fn drawn(sketch: &Sketch) -> Told {
    let Sketch { counted, aggregation, threshold, groups: (first, second), all_posted, happened, shares, restated } =
        sketch;
    let (counted, aggregation, threshold, first, second, all_posted) =
        (*counted, *aggregation, *threshold, *first, *second, *all_posted);
    let names = |letter: char, many: usize| (0..many).map(|place| format!("{letter}{place}")).collect::<Vec<_>>();
    let (ones, others) = (names('a', first), second.map(|(_, many)| names('b', many)).unwrap_or_default());
    let mut dimensions = vec![format!("{}!", ones.join(" "))];
    if let Some((complete, _)) = second {
        dimensions.push(format!("{}{}", others.join(" "), if complete { "!" } else { "" }));
    }
    let dimensions: Vec<&str> = dimensions.iter().map(String::as_str).collect();
    let definition = if counted { count(aggregation) } else { share(aggregation) };
    let mut told = Told::new(definition, &dimensions, "2001-Q1 all 1000/3000");
    told.posted.clear();
    told.threshold = threshold;
    let adds_up = aggregation == "year_to_date";
    let written = |(over, rest): (u32, u32)| if counted { over.to_string() } else { format!("{over}/{}", over + rest) };
    let cell = |happened: &Happened, period: usize, group: usize| {
        let from = if adds_up { 0 } else { period };
        happened[from..=period].iter().fold((0, 0), |sum, groups| {
            let (over, rest) = groups[group];
            (sum.0 + u32::from(over), sum.1 + u32::from(rest).max(1))
        })
    };
    let post = |told: &mut Told, happened: &Happened, period: usize, only: Option<usize>| {
        let quarter = format!("Q{}", period + 1);
        let cells: Vec<(u32, u32)> = (0..first).map(|group| cell(happened, period, group)).collect();
        for (group, figure) in ones
            .iter()
            .zip(&cells)
            .enumerate()
            .filter(|(at, _)| only.is_none_or(|only| only == *at))
            .map(|(_, one)| one)
        {
            told.post(&quarter, group, &written(*figure));
        }
        let all = cells.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        if all_posted {
            told.post(&quarter, "all", &written(all));
        }
        let mut left = all;
        for (place, group) in others.iter().enumerate() {
            let of = |whole: u32| whole * shares[(period * 4 + place) % 16] / 100;
            let last = place + 1 == others.len() && second.is_some_and(|(complete, _)| complete);
            let figure = if last { left } else { (of(left.0), of(left.1)) };
            left = (left.0 - figure.0, left.1 - figure.1);
            if counted || figure.0 + figure.1 > 0 {
                told.post(&quarter, group, &written(figure));
            }
        }
    };
    for period in 0..happened.len() {
        post(&mut told, happened, period, None);
    }
    let mut happened = happened.clone();
    for (period, group, over, rest) in
        restated.iter().filter(|change| change.0 < happened.len() && change.1 < first).copied().collect::<Vec<_>>()
    {
        happened[period][group] = (over, rest);
        for later in period..if adds_up { happened.len() } else { period + 1 } {
            post(&mut told, &happened, later, Some(group));
        }
    }
    told
}

/// What a council may have after so many years: invented counts of three dimensions that cover everyone, small ones and
/// zeros among them.
fn many_years(definition: Value, years: i32, sizes: [usize; 3]) -> Told {
    let mut seed = 1_u32;
    let mut draw = |below: usize| {
        seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        usize::try_from(seed >> 16).unwrap() % below
    };
    let names: Vec<String> = (0..sizes.iter().sum()).map(|place| format!("g{place}")).collect();
    let (one, others) = names.split_at(sizes[0]);
    let (two, three) = others.split_at(sizes[1]);
    let dimensions = [one, two, three].map(|names| format!("{}!", names.join(" ")));
    let mut told = Told::new(definition, &dimensions.each_ref().map(String::as_str), "Q1 all 1");
    told.posted.clear();
    let per_year = told.kpi.period_kind().per_year();
    let first: Period = if per_year == 12 { "1990-04" } else { "FY1990-91-Q1" }.parse().unwrap();
    let mut happened: Vec<Vec<usize>> = Vec::new();
    for place in 0..years * per_year {
        let mut now = vec![0; names.len() + 1];
        for group in 0..sizes[0] {
            let many = [0, 1 + draw(5), 6 + draw(20)][draw(10).min(2)];
            now[group] = many;
            now[names.len()] += many;
            for (from, size) in [(sizes[0], sizes[1]), (sizes[0] + sizes[1], sizes[2])] {
                let some = draw(many + 1);
                now[from + draw(size)] += some;
                now[from + draw(size)] += many - some;
            }
        }
        happened.push(now);
        let periods = match told.kpi.aggregation {
            Aggregation::YearToDate => 1 + place % per_year,
            Aggregation::Rolling12Months => per_year.min(place + 1),
            Aggregation::InPeriod | Aggregation::Snapshot => 1,
        };
        let over = &happened[happened.len() - usize::try_from(periods).unwrap()..];
        let period = first.step(place).unwrap();
        for (at, group) in names.iter().map(String::as_str).chain(["all"]).enumerate() {
            let seq = Seq(1 + i64::try_from(told.posted.len()).unwrap());
            let value = Figure::whole(over.iter().map(|groups| i64::try_from(groups[at]).unwrap()).sum());
            let group = group.parse().unwrap();
            let (numerator, denominator, replaced) = (None, None, None);
            let (entry, origin) = (Entry { plan: 0, seq }, Origin::Reading);
            told.posted.push(Posted { entry, replaced, origin, period, group, value, numerator, denominator });
        }
    }
    told
}

#[test]
fn what_a_council_has_after_many_years_is_decided_as_carefully() {
    let monthly = |aggregation: &str| {
        let mut definition = count(aggregation);
        definition["frequency"] = json!("month");
        definition
    };
    for (definition, years, sizes) in [
        (monthly("in_period"), 20, [14, 13, 13]),
        (count("year_to_date"), 10, [14, 13, 13]),
        (monthly("rolling_12_months"), 5, [8, 6, 6]),
    ] {
        let told = many_years(definition, years, sizes);
        let withheld = told.withheld();
        for posted in &told.posted {
            let value = posted.value.unwrap();
            assert!(withheld.has(posted.entry) || !is_small(value, told.threshold), "{posted:?}");
            assert!(!withheld.has(posted.entry) || value != Figure::ZERO, "{posted:?}");
        }
        assert!(withheld.len() < told.posted.len() / 4, "{} of {}", withheld.len(), told.posted.len());
        // An attacker takes too long over all of it: they try a year of quarters, or four months, in the middle.
        let mut sample = target(&told, &withheld);
        let first = sample.figures[sample.figures.len() / 2].period;
        sample.figures.retain(|one| (first..first + 4).contains(&one.period));
        assert_eq!(sample.attacked(), [""; 0]);
    }
}

/// Plans in which no relation alone gives anything away, or in which something cannot be hidden.
#[test]
fn an_attacker_who_takes_several_relations_together_finds_nothing() {
    for (definition, dimensions, figures) in [
        // What a0 and a2 were in the first quarter leaves one for a3 in the second.
        (
            count("year_to_date"),
            vec!["a0 a1 a2 a3!"],
            "Q1 a0 1, Q1 a1 0, Q1 a2 5, Q1 a3 0, Q1 all 6, Q2 a0 1, Q2 a1 6, Q2 a2 5, Q2 a3 1, Q2 all 13",
        ),
        // What a1 and a2 are of 60 leaves two of 25 for a0 and a3.
        (
            count("in_period"),
            vec!["a0 a1 a2 a3!"],
            "Q2 a0 1, Q2 a1 20, Q2 a2 3, Q2 a3 1, Q2 all 25, Q2 a0 31, Q2 all 55, Q2 a3 6, Q2 all 60",
        ),
        // Restated one after the other, so that for a while nothing adds up.
        (
            count("in_period"),
            vec!["a0 a1!", "b0 b1 b2!"],
            "Q1 a0 45, Q1 a1 0, Q1 all 45, Q1 b0 29, Q1 b1 1, Q1 b2 15, Q1 a0 0, Q1 all 0, Q1 b0 0, Q1 b1 0, Q1 b2 0",
        ),
        // Nobody posted all: of two dimensions each tells it, and what is one more from one quarter to the next before a correction.
        (
            count("year_to_date"),
            vec!["a0 a1!", "b0 b1!"],
            "Q1 a0 6, Q1 a1 45, Q1 b0 26, Q1 b1 25, Q2 a0 6, Q2 a1 46, Q2 b0 20, Q2 b1 32, Q2 a0 59, Q2 b0 40, Q2 b1 65",
        ),
    ] {
        let told = Told::new(definition, &dimensions, figures);
        let withheld = told.withheld();
        assert_eq!(target(&told, &withheld).attacked(), [""; 0], "{}", tell(&told, &withheld));
        assert!(withheld.len() < told.posted.len());
    }
}

fn tell(told: &Told, withheld: &Withheld) -> String {
    let lines = told.posted.iter().map(|one| {
        let figure = match (one.numerator, one.denominator) {
            (Some(over), Some(under)) => format!("{over}/{under}"),
            _ => one.value.map_or_else(String::new, |value| value.to_string()),
        };
        let mark = if withheld.has(one.entry) { " (c)" } else { "" };
        format!("{} {} {} {figure}{mark}", one.entry.seq, one.period, one.group)
    });
    format!("{:?} at {}\n{}", told.kpi.aggregation, told.threshold, lines.collect::<Vec<_>>().join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn no_attacker_finds_a_small_number_out(told in plans()) {
        let withheld = told.withheld();
        let found = target(&told, &withheld).attacked();
        prop_assert!(found.is_empty(), "{found:?}\n{}", tell(&told, &withheld));
    }

    #[test]
    fn the_order_of_telling_changes_nothing(told in plans(), seed in any::<prop::sample::Index>()) {
        let mut turned = told.posted.clone();
        let by = seed.index(turned.len());
        turned.rotate_left(by);
        turned.reverse();
        for steps in [MOST_STEPS, 2_000] {
            let straight = withheld_within(&told.figures(told.posted.clone()), Steps(steps));
            prop_assert_eq!(withheld_within(&told.figures(turned.clone()), Steps(steps)), straight);
        }
    }

    #[test]
    fn the_order_of_posting_changes_nothing(told in plans(), turn in any::<prop::sample::Index>()) {
        prop_assume!(told.posted.iter().all(|one| one.replaced.is_none()));
        let places = |posted: &[Posted]| -> BTreeSet<(Period, GroupCode)> {
            let withheld = withheld(&[told.figures(posted.to_vec())]);
            let hidden = posted.iter().filter(|one| withheld.has(one.entry));
            hidden.map(|one| (one.period, one.group.clone())).collect()
        };
        let mut turned = told.posted.clone();
        turned.rotate_left(turn.index(told.posted.len()));
        turned.reverse();
        for (seq, one) in (1..).zip(&mut turned) {
            one.entry.seq = Seq(seq);
        }
        prop_assert_eq!(places(&turned), places(&told.posted));
    }

    #[test]
    fn true_zeros_stay(told in plans()) {
        let withheld = told.withheld();
        let zeros = told.posted.iter().filter(|one| one.denominator.is_none() && one.value == Some(Figure::ZERO));
        for posted in zeros {
            prop_assert!(!withheld.has(posted.entry), "{}", tell(&told, &withheld));
        }
    }
}
