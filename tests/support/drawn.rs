//! Plans drawn at random for the attacker of `attacker.rs`: what is counted, how it is grouped, what of it is posted, restated,
//! taken over by a successor or told by a line from a baseline; and what the service shows of it, now and as the figures came.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use waymark::domain::dimension::Dimension;
use waymark::domain::disclosure::{Entry, Figures, Origin, Posted, Withheld, withheld};
use waymark::domain::document::Document;
use waymark::domain::ids::Seq;
use waymark::domain::kpi::Kpi;
use waymark::domain::number::Figure;
use waymark::domain::period::Period;

use super::attacker::{Month, Seen, Target};

/// Numbers that look random and are the same every time (`SplitMix64`).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below another.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    /// Whether something happens that does so many times in a hundred.
    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// A number of people, often few or none.
    fn few(&mut self) -> i128 {
        let many = match self.below(8) {
            0 | 1 => 0,
            2 | 3 => 1 + self.below(4),
            4 => 5 + self.below(5),
            _ => 10 + self.below(40),
        };
        i128::try_from(many).unwrap()
    }
}

/// What was counted, and what is left of whom it was counted among.
type Pair = (i128, i128);

fn plus(one: Pair, other: Pair) -> Pair {
    (one.0 + other.0, one.1 + other.1)
}

/// The kinds of plan, so that a run can say what it tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Everything is posted once.
    Plain,
    /// Some members are never posted.
    Unposted,
    /// Some rates come without their numbers.
    Bare,
    /// Figures are restated.
    Restated,
    /// A successor goes on.
    Succeeded,
    /// Targets are drawn from a baseline.
    Baseline,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Plain, Self::Unposted, Self::Bare, Self::Restated, Self::Succeeded, Self::Baseline];
}

/// A figure as it came, or that never did.
#[derive(Clone, Debug)]
struct Came {
    /// The plan, and its place in that plan's journal; `None` for what nobody posted.
    entry: Option<Entry>,
    replaced: Option<i64>,
    period: usize,
    group: String,
    pair: Pair,
    bare: bool,
    origin: Origin,
    /// In the order of everything.
    at: i64,
    until: Option<i64>,
}

/// A plan, or a plan and its successor, with all that was counted.
pub(crate) struct Drawn {
    pub(crate) kind: Kind,
    kpi: Kpi,
    aggregation: &'static str,
    counted: bool,
    threshold: u32,
    dimensions: Vec<Dimension>,
    complete: Vec<Vec<String>>,
    within: Vec<(String, Vec<String>)>,
    quarters: usize,
    came: Vec<Came>,
    months: Vec<Month>,
}

/// The windows before the first quarter that a rolling figure reaches back to.
const BEFORE: usize = 3;

/// What was counted in a quarter of each group.
type Quarter = BTreeMap<String, Pair>;

/// How a plan's population is divided.
struct Division {
    first: Vec<String>,
    second: Vec<String>,
    /// Groups of the first dimension, each of which has two within it.
    nested: Vec<String>,
    /// Whether one more group lies across those of the first.
    across: bool,
}

impl Division {
    fn drawn(dice: &mut Dice) -> Self {
        let names = |letter: char, many: usize| (0..many).map(|place| format!("{letter}{place}")).collect::<Vec<_>>();
        let first = names('a', 2 + dice.below(3));
        let second = if dice.percent(50) { names('b', 2 + dice.below(2)) } else { Vec::new() };
        let nested =
            if dice.percent(30) { first.iter().take(1 + dice.below(2)).cloned().collect() } else { Vec::new() };
        Self { first, second, nested, across: dice.percent(25) }
    }

    /// The groups within one of the first dimension.
    fn parts_of(group: &str) -> [String; 2] {
        [format!("{group}x"), format!("{group}y")]
    }

    fn dimensions(&self) -> Vec<Value> {
        let group = |code: &String| json!({"code": code, "title": code});
        let mut first: Vec<Value> = self.first.iter().map(group).collect();
        if self.across {
            first.push(json!({"code": "across", "title": "across", "outside": true}));
        }
        let mut all = vec![json!({"code": "first", "title": "First", "complete": true, "groups": first})];
        if !self.second.is_empty() {
            let groups: Vec<Value> = self.second.iter().map(group).collect();
            all.push(json!({"code": "second", "title": "Second", "complete": true, "groups": groups}));
        }
        if !self.nested.is_empty() {
            let within = |whole: &String| {
                Self::parts_of(whole).map(|code| json!({"code": code, "title": code, "within": whole}))
            };
            // A dimension of its own, which covers everyone: the groups that have none within them are in it themselves.
            let parts = self.nested.iter().flat_map(within);
            let others = self.first.iter().filter(|group| !self.nested.contains(group)).map(|whole| {
                let code = format!("{whole}z");
                json!({"code": code, "title": code, "within": whole})
            });
            let groups: Vec<Value> = parts.chain(others).collect();
            all.push(json!({"code": "third", "title": "Third", "complete": true, "groups": groups}));
        }
        all
    }

    fn third(&self) -> Vec<(String, Vec<String>)> {
        let split = |whole: &String| {
            let parts =
                if self.nested.contains(whole) { Self::parts_of(whole).to_vec() } else { vec![format!("{whole}z")] };
            (whole.clone(), parts)
        };
        if self.nested.is_empty() { Vec::new() } else { self.first.iter().map(split).collect() }
    }

    /// What is counted in a quarter, from each pair of groups up.
    fn counted(&self, dice: &mut Dice, empty: bool) -> Quarter {
        let mut quarter = Quarter::new();
        let mut add = |group: &str, pair: Pair| {
            let sum = quarter.entry(group.to_owned()).or_default();
            *sum = plus(*sum, pair);
        };
        let columns = self.second.len().max(1);
        for one in &self.first {
            for column in 0..columns {
                let pair = if empty { (0, 1) } else { (dice.few(), dice.few().max(1)) };
                for group in ["all", one] {
                    add(group, pair);
                }
                if let Some(other) = self.second.get(column) {
                    add(other, pair);
                }
                let share = |number: i128, percent: i128| number * percent / 100;
                let percent = i128::try_from(dice.below(101)).unwrap();
                let part = (share(pair.0, percent), share(pair.1, percent));
                if self.across {
                    add("across", part);
                }
                if self.nested.contains(one) {
                    let [left, right] = Self::parts_of(one);
                    add(&left, part);
                    add(&right, (pair.0 - part.0, pair.1 - part.1));
                } else if !self.nested.is_empty() {
                    add(&format!("{one}z"), pair);
                }
            }
        }
        quarter
    }
}

/// What is written down as figures come.
struct Desk<'a> {
    came: Vec<Came>,
    seqs: [i64; 2],
    at: i64,
    unposted: &'a BTreeSet<String>,
}

impl Desk<'_> {
    /// A figure comes in some plan, and replaces what stood there; where it is as it was, nothing comes.
    fn come(&mut self, plan: usize, period: usize, group: &str, pair: Pair, bare: bool) {
        let unposted = self.unposted.contains(group);
        let plan_of = |one: &Came| one.entry.map_or(0, |entry| entry.plan);
        let place = |one: &&mut Came| {
            one.period == period
                && one.group == group
                && one.until.is_none()
                && plan_of(one) == plan
                && one.origin == Origin::Reading
        };
        self.at += 1;
        let at = self.at;
        let before = self.came.iter_mut().rfind(place);
        if before.as_ref().is_some_and(|before| before.pair == pair && before.bare == bare) {
            return;
        }
        let entry = (!unposted).then(|| {
            self.seqs[plan] += 1;
            Entry { plan, seq: Seq(self.seqs[plan]) }
        });
        if let Some(before) = before {
            before.until = Some(at);
            before.replaced = entry.map(|entry| entry.seq.0);
        }
        let (replaced, until, origin) = (None, None, Origin::Reading);
        self.came.push(Came { entry, replaced, period, group: group.to_owned(), pair, bare, origin, at, until });
    }
}

impl Drawn {
    /// The plan of a number: always the same.
    #[expect(clippy::too_many_lines, reason = "one draw after another, whose order decides what is drawn")]
    pub(crate) fn of(number: u64, kind: Kind) -> Self {
        let mut dice = Dice(number);
        let counted = kind != Kind::Bare && dice.percent(50);
        let aggregation = ["in_period", "year_to_date", "rolling_12_months"][dice.below(3)];
        let division = Division::drawn(&mut dice);
        let quarters = 1 + dice.below(3);
        let empty_at_first = aggregation == "rolling_12_months" && counted && dice.percent(40);
        let mut happened: Vec<Quarter> = (0..quarters + BEFORE)
            .map(|quarter| division.counted(&mut dice, empty_at_first && quarter <= BEFORE))
            .collect();
        let unposted: BTreeSet<String> = if kind == Kind::Unposted {
            let groups: Vec<String> = happened[0].keys().cloned().collect();
            (0..=dice.below(2)).map(|_| groups[dice.below(groups.len())].clone()).collect()
        } else {
            BTreeSet::new()
        };
        let mut desk = Desk { came: Vec::new(), seqs: [0, 0], at: 0, unposted: &unposted };
        let table = |happened: &[Quarter], period: usize| -> Quarter {
            let from = match aggregation {
                "year_to_date" => BEFORE,
                "rolling_12_months" => period,
                _ => period + BEFORE,
            };
            let mut sum = Quarter::new();
            for (group, pair) in happened[from..=period + BEFORE].iter().flatten() {
                let one = sum.entry(group.clone()).or_default();
                *one = plus(*one, *pair);
            }
            sum
        };
        let succeeded = (kind == Kind::Succeeded).then(|| dice.below(quarters));
        for period in 0..quarters {
            // After the successor was made figures come in either plan, or in both.
            let plans = match succeeded {
                Some(last) if period > last => [vec![0], vec![1], vec![0, 1]][dice.below(3)].clone(),
                _ => vec![0],
            };
            for (group, pair) in table(&happened, period) {
                let bare = kind == Kind::Bare && dice.percent(25);
                for plan in &plans {
                    desk.come(*plan, period, &group, pair, bare);
                }
            }
            if succeeded == Some(period) {
                for one in desk.came.clone().iter().filter(|one| one.until.is_none() && one.entry.is_some()) {
                    desk.come(1, one.period, &one.group, one.pair, one.bare);
                }
            }
        }
        if kind == Kind::Restated {
            for _ in 0..=dice.below(2) {
                let (changed, anew) = (dice.below(quarters) + BEFORE, division.counted(&mut dice, false));
                // One group is counted again, and with it whatever it is part of, or is part of it.
                let one = division.first[dice.below(division.first.len())].clone();
                let [left, right] = Division::parts_of(&one);
                let whole = happened[changed][&one];
                happened[changed].insert(one.clone(), anew[&one]);
                let moved = (anew[&one].0 - whole.0, anew[&one].1 - whole.1);
                let sum = happened[changed]["all"];
                happened[changed].insert("all".to_owned(), plus(sum, moved));
                for part in [left, right, format!("{one}z")] {
                    if let Some(pair) = anew.get(&part) {
                        happened[changed].insert(part, *pair);
                    }
                }
                for period in 0..quarters {
                    for (group, pair) in table(&happened, period) {
                        desk.come(0, period, &group, pair, false);
                    }
                }
            }
        }
        let mut came = desk.came;
        if kind == Kind::Baseline {
            came.extend(baseline(&mut dice, &came, counted, desk.seqs[0] + 1));
        }
        let unit = if counted { json!({"unit": "count", "decimals": 0}) } else { json!({"unit": "percentage"}) };
        let mut definition = json!({
            "code": "KPI", "title": "KPI", "priority": "p-1", "polarity": "lower_is_better", "frequency": "quarter",
            "calendar": "financial", "aggregation": aggregation, "sensitive": true,
        });
        definition.as_object_mut().unwrap().extend(unit.as_object().unwrap().clone());
        let dimensions = division.dimensions();
        let read = |document: &Value| Dimension::parse(document.as_object().unwrap().clone()).unwrap();
        let months = if aggregation == "rolling_12_months" && kind != Kind::Restated {
            let of = |(period, quarter): (usize, &Quarter)| {
                quarter.iter().map(|(group, pair)| (period, group.clone(), parts(*pair, counted))).collect::<Vec<_>>()
            };
            happened.iter().enumerate().flat_map(of).collect()
        } else {
            Vec::new()
        };
        let third: Vec<String> = division.third().into_iter().flat_map(|(_, parts)| parts).collect();
        let complete = [division.first.clone(), division.second.clone(), third];
        Self {
            kind,
            kpi: Kpi::parse(definition.as_object().unwrap().clone()).unwrap(),
            aggregation,
            counted,
            threshold: if dice.percent(50) { 5 } else { 7 },
            dimensions: dimensions.iter().map(read).collect(),
            complete: complete.into_iter().filter(|groups| !groups.is_empty()).collect(),
            within: division.third(),
            quarters,
            came,
            months,
        }
    }

    fn posted(&self, up_to: i64) -> Vec<Posted> {
        let first: Period = "FY2009-10-Q1".parse().unwrap();
        let known = self.came.iter().filter(|one| one.at <= up_to);
        let posted = known.filter_map(|one| {
            let (over, rest) = one.pair;
            let figure = |number: i128| Figure::whole(i64::try_from(number).unwrap());
            let fraction = (!self.counted && !one.bare && one.origin == Origin::Reading)
                .then(|| (figure(over), figure(over + rest)));
            let rate = || Figure::ratio(figure(over)?, figure(over + rest)?, 100).map(|rate| rate.rounded(6));
            let exact = || Figure::ratio(figure(over)?, figure(over + rest)?, 100);
            Some(Posted {
                entry: one.entry?,
                replaced: one.replaced.filter(|_| one.until.is_some_and(|until| until <= up_to)).map(Seq),
                origin: one.origin,
                period: first.step(i32::try_from(one.period).unwrap()).unwrap(),
                group: one.group.parse().unwrap(),
                value: if self.counted {
                    figure(over)
                } else if fraction.is_some() {
                    exact()
                } else {
                    rate()
                },
                numerator: fraction.and_then(|(over, _)| over),
                denominator: fraction.and_then(|(_, under)| under),
            })
        });
        posted.collect()
    }

    /// What is withheld of everything that had come by some moment.
    fn withheld(&self, up_to: i64, reversed: bool) -> Withheld {
        let mut posted = self.posted(up_to);
        if reversed {
            posted.reverse();
        }
        withheld(&[Figures {
            kpi: &self.kpi,
            checked: false,
            threshold: self.threshold,
            dimensions: self.dimensions.iter().collect(),
            gaps: Vec::new(),
            posted,
        }])
    }

    /// What comes of the plan: what is withheld of it, and what an attacker finds.
    pub(crate) fn tried(&self) -> Outcome {
        let last = self.came.iter().map(|one| one.at).max().unwrap_or_default();
        let now = self.withheld(last, false);
        let is_withheld = |withheld: &Withheld, one: &Came| one.entry.is_some_and(|entry| withheld.has(entry));
        let mut shown: Vec<bool> = self.came.iter().map(|one| one.entry.is_some() && !is_withheld(&now, one)).collect();
        let found = self.target(&shown).attacked();
        // What a reader kept who looked whenever a period was complete.
        let mut taken_back = 0;
        for period in 0..self.quarters {
            let of_period = self.came.iter().filter(|one| one.period == period && one.origin == Origin::Reading);
            let complete = of_period.map(|one| one.at).max().unwrap_or_default();
            let then = self.withheld(complete, false);
            for (shown, one) in shown.iter_mut().zip(&self.came) {
                if one.at <= complete && one.entry.is_some() && !is_withheld(&then, one) && !*shown {
                    (*shown, taken_back) = (true, taken_back + 1);
                }
            }
        }
        let kept = if taken_back > 0 { self.target(&shown).attacked() } else { Vec::new() };
        let small = |one: &Came| {
            parts(one.pair, self.counted).iter().any(|part| (1..=i128::from(self.threshold)).contains(part))
        };
        let posted: Vec<&Came> = self.came.iter().filter(|one| one.entry.is_some()).collect();
        let hidden = posted.iter().filter(|one| is_withheld(&now, one));
        Outcome {
            posted: posted.len(),
            withheld: now.len(),
            small: hidden.clone().filter(|one| small(one)).count(),
            bare: hidden.filter(|one| one.bare && !small(one)).count(),
            small_shown: posted.iter().filter(|one| small(one) && !is_withheld(&now, one)).count(),
            taken_back,
            same_in_any_order: self.withheld(last, true) == now,
            found,
            kept,
        }
    }

    /// What an attacker knows who was shown this.
    fn target(&self, shown: &[bool]) -> Target {
        let seen = self.came.iter().zip(shown).map(|(one, shown)| Seen {
            from: one.at,
            until: one.until,
            period: one.period,
            year: 0,
            group: one.group.clone(),
            parts: parts(one.pair, self.counted),
            shown: *shown,
            // A rate without its numbers is withheld because nobody can judge it, and not because it is small.
            unposted: one.entry.is_none() || one.bare,
            apart: one.origin != Origin::Reading,
        });
        let mut figures: Vec<Seen> = seen.collect();
        // The same figure in the same place is one, whichever plan says it: whoever reads one plan reads the other.
        let mut same = Vec::new();
        for (at, one) in self.came.iter().enumerate() {
            let place = |other: &Came| (other.period, other.group.clone(), other.pair);
            if let Some(twin) = self.came[..at].iter().position(|other| place(other) == place(one)) {
                same.push((twin, at));
                let in_a_successor = one.entry.is_some_and(|entry| entry.plan > 0);
                figures[at].apart |= in_a_successor;
            }
        }
        Target {
            threshold: self.threshold.into(),
            adds_up: self.aggregation == "year_to_date",
            rolls: self.aggregation == "rolling_12_months",
            complete: self.complete.clone(),
            within: self.within.clone(),
            figures,
            gaps: Vec::new(),
            same,
            months: self.months.clone(),
        }
    }
}

impl std::fmt::Display for Drawn {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let last = self.came.iter().map(|one| one.at).max().unwrap_or_default();
        let now = self.withheld(last, false);
        writeln!(
            out,
            "{:?}: {} at {}, {:?} within {:?}",
            self.kind, self.aggregation, self.threshold, self.complete, self.within
        )?;
        for one in &self.came {
            let mark = match one.entry {
                None => "nobody posted it",
                Some(entry) if now.has(entry) => "c",
                Some(_) => "",
            };
            let plan = one.entry.map_or(0, |entry| entry.plan);
            writeln!(
                out,
                "{} {plan} Q{} {} {:?} {:?} bare {} until {:?} {mark}",
                one.at,
                one.period + 1,
                one.group,
                parts(one.pair, self.counted),
                one.origin,
                one.bare,
                one.until
            )?;
        }
        Ok(())
    }
}

/// A baseline that targets were drawn from: the figure of the first quarter as it stands, as it once stood, or another.
fn baseline(dice: &mut Dice, came: &[Came], counted: bool, seq: i64) -> Option<Came> {
    let all = came.iter().find(|one| one.group == "all" && one.period == 0 && one.entry.is_some())?;
    let pair = if dice.percent(70) { all.pair } else { (dice.few(), dice.few().max(1)) };
    let entry = Some(Entry { plan: 0, seq: Seq(seq) });
    let (replaced, until, origin) = (None, None, Origin::Baseline);
    let pair = if counted { pair } else { all.pair };
    // The KPI was made with it.
    let (at, bare) = (0, !counted);
    Some(Came { entry, replaced, period: 0, group: "all".to_owned(), pair, bare, origin, at, until })
}

fn parts((over, rest): Pair, counted: bool) -> Vec<i128> {
    if counted { vec![over] } else { vec![over, rest, over + rest] }
}

/// What came of trying a plan.
pub(crate) struct Outcome {
    /// How many figures were posted, those that were replaced among them.
    pub(crate) posted: usize,
    /// How many of them are withheld.
    pub(crate) withheld: usize,
    /// How many of those are small themselves.
    pub(crate) small: usize,
    /// How many of those that are not cannot be judged, as they came without their numbers.
    pub(crate) bare: usize,
    /// How many small ones are shown.
    pub(crate) small_shown: usize,
    /// How many were shown when their period was complete and are not now.
    pub(crate) taken_back: usize,
    /// Whether the same are withheld when they are told the other way round.
    pub(crate) same_in_any_order: bool,
    /// What an attacker finds out who sees what is shown now, at any moment.
    pub(crate) found: Vec<String>,
    /// What one finds out who kept what was shown then.
    pub(crate) kept: Vec<String>,
}

impl Outcome {
    /// How many are withheld for others' sake.
    pub(crate) fn secondary(&self) -> usize {
        self.withheld - self.small - self.bare
    }
}
