//! An attacker who knows nothing of how the service chooses what it withholds: exact linear algebra over everything that is
//! published, and a search for other figures that would look the same. Used by the domain's tests and by those over HTTP.

use std::collections::{BTreeMap, BTreeSet};

/// A figure as it stood for a while.
pub(crate) struct Seen {
    /// When it came, and when another replaced it, in the order of the journal.
    pub(crate) from: i64,
    pub(crate) until: Option<i64>,
    /// The number of its period, and of the year that it adds up in.
    pub(crate) period: usize,
    pub(crate) year: usize,
    pub(crate) group: String,
    /// A count; or numerator, rest and denominator.
    pub(crate) parts: Vec<i128>,
    /// Whether the attacker was shown it.
    pub(crate) shown: bool,
}

/// All figures of a KPI, and what ties them together.
pub(crate) struct Target {
    /// Numbers up to this are small.
    pub(crate) threshold: i128,
    /// Whether the figures add up over the year.
    pub(crate) adds_up: bool,
    /// Whether each covers the twelve months up to its period, so that what moved from one to the next is as good as a figure.
    pub(crate) rolls: bool,
    /// The groups of each dimension that covers everyone.
    pub(crate) complete: Vec<Vec<String>>,
    pub(crate) figures: Vec<Seen>,
    /// Places in `figures` of which the first less the second was shown.
    pub(crate) gaps: Vec<(usize, usize)>,
}

impl Target {
    /// What an attacker finds out that should have stayed withheld, and how.
    pub(crate) fn attacked(&self) -> Vec<String> {
        self.attacker().attack()
    }

    fn attacker(&self) -> Attacker {
        let mut attacker = Attacker { threshold: self.threshold, ..Attacker::default() };
        let small = |number: i128| (1..=self.threshold).contains(&number.abs());
        let mut numbers: Vec<Vec<usize>> = Vec::new();
        for seen in &self.figures {
            // Whoever knows the rule knows that a count that is withheld is no zero.
            let least = i128::from(seen.parts.len() == 1);
            let known: Vec<usize> = seen.parts.iter().map(|part| attacker.number(*part, seen.shown, least)).collect();
            for (part, number) in seen.parts.iter().zip(&known) {
                if small(*part) {
                    let name = format!("{part} of {} in {} ({})", seen.group, seen.period, seen.from);
                    attacker.secrets.push((name, BTreeMap::from([(*number, 1)])));
                }
            }
            // That no one was counted is no secret.
            if !seen.shown && seen.parts.iter().any(|part| *part != 0) {
                let name = format!("{:?} of {} in {} ({})", seen.parts, seen.group, seen.period, seen.from);
                attacker.withheld.push((name, known.clone()));
            }
            if let [over, rest, under] = known[..] {
                attacker.knows(BTreeMap::from([(over, 1), (rest, 1), (under, -1)]));
            }
            numbers.push(known);
        }
        for (comparator, group) in &self.gaps {
            attacker.learns(BTreeMap::from([(numbers[*comparator][0], 1), (numbers[*group][0], -1)]));
        }
        let at = |period: usize, group: &str, moment: i64| {
            self.figures.iter().position(|one| {
                let stood = one.from <= moment && one.until.is_none_or(|until| moment < until);
                one.period == period && one.group == group && stood
            })
        };
        let periods: BTreeSet<usize> = self.figures.iter().map(|one| one.period).collect();
        let groups: BTreeSet<&str> = self.figures.iter().map(|one| one.group.as_str()).collect();
        let mut compared: BTreeSet<(usize, usize)> = BTreeSet::new();
        for moment in self.figures.iter().map(|one| one.from) {
            for period in &periods {
                let of = |group: &str| at(*period, group, moment);
                let lots = self.complete.iter().filter_map(|groups| groups.iter().map(|group| of(group)).collect());
                let sums: Vec<Vec<usize>> = lots.chain(of("all").map(|all| vec![all])).collect();
                for (one, other) in sums.iter().zip(sums.iter().skip(1)).chain(sums.first().zip(sums.get(2))) {
                    let parts = one.first().map_or(0, |place| numbers[*place].len());
                    for part in (0..parts).collect::<Vec<_>>() {
                        let terms = one.iter().map(|place| (numbers[*place][part], 1));
                        attacker.knows(terms.chain(other.iter().map(|place| (numbers[*place][part], -1))).collect());
                    }
                }
                // What a group leaves of all is as small as any figure.
                for (all, one) in
                    groups.iter().filter(|group| **group != "all").filter_map(|one| of("all").zip(of(one)))
                {
                    for (more, less) in numbers[all].iter().zip(&numbers[one]) {
                        if small(attacker.truth[*more] - attacker.truth[*less]) && compared.insert((*more, *less)) {
                            let name = format!("what {} leaves of all in {period}", self.figures[one].group);
                            attacker.secrets.push((name, BTreeMap::from([(*more, 1), (*less, -1)])));
                        }
                    }
                }
            }
            for group in groups.iter().filter(|_| self.adds_up || self.rolls) {
                let line: Vec<usize> = periods.iter().filter_map(|period| at(*period, group, moment)).collect();
                let pairs = line
                    .iter()
                    .enumerate()
                    .flat_map(|(place, one)| line[place + 1..].iter().map(move |other| (*one, *other)));
                let tied = |one: &Seen, other: &Seen| {
                    if self.rolls { one.period + 1 == other.period } else { one.year == other.year }
                };
                for (earlier, later) in pairs.filter(|(one, other)| tied(&self.figures[*one], &self.figures[*other])) {
                    for (from, to) in numbers[earlier].clone().into_iter().zip(numbers[later].clone()) {
                        if !compared.insert((from, to)) {
                            continue;
                        }
                        let moved = attacker.truth[to] - attacker.truth[from];
                        if small(moved) {
                            let name = format!(
                                "{group} from {} to {}",
                                self.figures[earlier].period, self.figures[later].period
                            );
                            attacker.secrets.push((name, BTreeMap::from([(to, 1), (from, -1)])));
                        }
                        if self.adds_up && moved >= 0 {
                            let more = attacker.number(moved, false, 0);
                            attacker.knows(BTreeMap::from([(from, 1), (more, 1), (to, -1)]));
                        }
                    }
                }
            }
        }
        attacker
    }
}

/// Numbers over one another, exact.
type Ratio = (i128, i128);

fn lowest((over, under): Ratio) -> Ratio {
    let (mut divisor, mut rest) = (over.abs(), under.abs());
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    let divisor = divisor.max(1) * under.signum();
    (over / divisor, under / divisor)
}

/// The attacker: numbers they do not know, and what they know of them.
#[derive(Default)]
struct Attacker {
    /// The true numbers, to be judged by; the attacker does not look.
    truth: Vec<i128>,
    known: Vec<bool>,
    least: Vec<i128>,
    /// Factors of numbers that sum to nothing.
    equations: Vec<BTreeMap<usize, i128>>,
    /// Numbers up to this must not be narrowed down to one either.
    threshold: i128,
    /// What must not be found out: a number, or one less another.
    secrets: Vec<(String, BTreeMap<usize, i128>)>,
    /// Figures that are withheld, by their numbers: what is withheld must not be found out in full.
    withheld: Vec<(String, Vec<usize>)>,
}

/// How many steps the search for another explanation may take.
const PATIENCE: usize = 30;

impl Attacker {
    fn number(&mut self, truth: i128, known: bool, least: i128) -> usize {
        self.truth.push(truth);
        self.known.push(known);
        self.least.push(least.min(truth));
        self.truth.len() - 1
    }

    fn holds(&self, equation: &BTreeMap<usize, i128>) -> bool {
        equation.iter().map(|(number, factor)| self.truth[*number] * factor).sum::<i128>() == 0
    }

    /// A difference that was told.
    fn learns(&mut self, form: BTreeMap<usize, i128>) {
        let told = form.iter().map(|(number, factor)| self.truth[*number] * factor).sum();
        let told = self.number(told, true, told);
        self.knows(form.into_iter().chain([(told, -1)]).collect());
    }

    /// What sums to nothing, where it does.
    fn knows(&mut self, equation: BTreeMap<usize, i128>) {
        if self.holds(&equation)
            && equation.keys().any(|number| !self.known[*number])
            && !self.equations.contains(&equation)
        {
            self.equations.push(equation);
        }
    }

    /// The equations over the unknown numbers, in reduced echelon form.
    fn solved(&self) -> Vec<BTreeMap<usize, Ratio>> {
        let mut rows: Vec<BTreeMap<usize, Ratio>> = Vec::new();
        for equation in &self.equations {
            let open = equation.iter().filter(|(number, _)| !self.known[**number]);
            let mut row: BTreeMap<usize, Ratio> = open.map(|(number, factor)| (*number, (*factor, 1))).collect();
            for other in &rows {
                subtract(&mut row, other);
            }
            let Some((_, (over, under))) = row.first_key_value().map(|(lead, ratio)| (*lead, *ratio)) else { continue };
            for ratio in row.values_mut() {
                *ratio = lowest((ratio.0 * under, ratio.1 * over));
            }
            for other in &mut rows {
                subtract(other, &row);
            }
            rows.push(row);
        }
        rows
    }

    /// Whether a combination of numbers follows from what is known.
    fn finds_out(&self, rows: &[BTreeMap<usize, Ratio>], form: &BTreeMap<usize, i128>) -> bool {
        let open = form.iter().filter(|(number, _)| !self.known[**number]);
        let mut rest: BTreeMap<usize, Ratio> = open.map(|(number, factor)| (*number, (*factor, 1))).collect();
        for row in rows {
            subtract(&mut rest, row);
        }
        rest.is_empty()
    }

    fn narrowed(&self, bounds: &mut [(i128, i128)]) -> bool {
        // Bounds that creep towards one another need not meet: a search goes on from where they are.
        for _ in 0..20 {
            let mut moved = false;
            for equation in &self.equations {
                for (number, factor) in equation {
                    let others = equation.iter().filter(|(other, _)| *other != number).map(|(other, factor)| {
                        let (low, high) = bounds[*other];
                        if *factor > 0 { (low * factor, high * factor) } else { (high * factor, low * factor) }
                    });
                    let (low, high) = others.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
                    let (low, high) = if *factor > 0 { (-high, -low) } else { (low, high) };
                    let bound = &mut bounds[*number];
                    if low > bound.0 || high < bound.1 {
                        *bound = (low.max(bound.0), high.min(bound.1));
                        moved = true;
                    }
                    if bound.0 > bound.1 {
                        return false;
                    }
                }
            }
            if !moved {
                break;
            }
        }
        true
    }

    /// Whether all that is known could be so within these bounds; `None` where patience ends.
    fn explained(&self, mut bounds: Vec<(i128, i128)>, patience: &mut usize) -> Option<bool> {
        *patience = patience.checked_sub(1)?;
        if !self.narrowed(&mut bounds) {
            return Some(false);
        }
        let open = bounds.iter().enumerate().filter(|(_, (low, high))| low < high);
        let Some((number, (low, high))) = open.min_by_key(|(_, (low, high))| high - low).map(|(at, one)| (at, *one))
        else {
            return Some(true);
        };
        // The true number first: what is told is true somewhere near.
        let middle = self.truth[number].clamp(low, high);
        for range in [(middle, middle), (low, middle - 1), (middle + 1, high)] {
            if range.0 <= range.1 {
                let mut within = bounds.clone();
                within[number] = range;
                if self.explained(within, patience)? {
                    return Some(true);
                }
            }
        }
        Some(false)
    }

    /// Every secret that the attacker finds out, by what means.
    fn attack(&self) -> Vec<String> {
        let rows = self.solved();
        let mut found = Vec::new();
        for (name, parts) in &self.withheld {
            // A part of a figure that is not small is no secret while the others are.
            if parts.iter().all(|part| self.finds_out(&rows, &BTreeMap::from([(*part, 1)]))) {
                found.push(format!("{name} by sums"));
            }
        }
        let open: Vec<(i128, i128)> = self
            .truth
            .iter()
            .zip(&self.known)
            .zip(&self.least)
            .map(|((truth, known), least)| if *known { (*truth, *truth) } else { (*least, 1000) })
            .collect();
        for (name, form) in &self.secrets {
            // That no one was counted is no secret.
            if form.iter().map(|(number, factor)| self.truth[*number] * factor).sum::<i128>() == 0 {
                continue;
            }
            if self.finds_out(&rows, form) {
                found.push(format!("{name} by sums"));
                continue;
            }
            let [number] = form.keys().copied().collect::<Vec<_>>()[..] else { continue };
            let truth = self.truth[number];
            if truth > self.threshold {
                continue;
            }
            let mut patience = PATIENCE;
            let otherwise = [(self.least[number], truth - 1), (truth + 1, 1000)].into_iter().any(|range| {
                let mut bounds = open.clone();
                bounds[number] = range;
                range.0 <= range.1 && self.explained(bounds, &mut patience).unwrap_or(true)
            });
            if !otherwise {
                found.push(format!("{name} by bounds"));
            }
        }
        found
    }
}

/// Takes away the multiple of a row that its lead makes.
fn subtract(row: &mut BTreeMap<usize, Ratio>, other: &BTreeMap<usize, Ratio>) {
    let Some((lead, _)) = other.first_key_value() else { return };
    let Some((over, under)) = row.get(lead).copied() else { return };
    for (number, (one, another)) in other {
        let before = row.get(number).copied().unwrap_or((0, 1));
        let after = lowest((before.0 * under * another - before.1 * over * one, before.1 * under * another));
        if after.0 == 0 {
            row.remove(number)
        } else {
            row.insert(*number, after)
        };
    }
}
