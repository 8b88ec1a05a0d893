//! An attacker who knows nothing of how the service chooses what it withholds: exact linear algebra over everything that is
//! published, and a search for other figures that would look the same. Used by the domain's tests, by those over HTTP, and by
//! the long run of `benches/attacker.rs`.

use std::collections::{BTreeMap, BTreeSet};

/// A figure as it stood for a while.
#[derive(Clone, Debug, Default)]
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
    /// Whether nobody posted it: the attacker knows no more than that there is such a number.
    pub(crate) unposted: bool,
    /// Whether what all leaves without it counts nobody, as it is not about people of this period: a baseline.
    pub(crate) apart: bool,
}

/// What was counted in one period itself of a group of which windows of several periods are published: the number of the
/// period, counted from the first of the first window, the group, and the parts.
pub(crate) type Month = (usize, String, Vec<i128>);

/// All figures of a KPI, and what ties them together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    /// Numbers up to this are small.
    pub(crate) threshold: i128,
    /// Whether the figures add up over the year.
    pub(crate) adds_up: bool,
    /// Whether each covers the twelve months up to its period. What moved from one to the next is what came less what went and
    /// counts nobody; but windows are sums of months.
    pub(crate) rolls: bool,
    /// The groups of each dimension that covers everyone.
    pub(crate) complete: Vec<Vec<String>>,
    /// Groups that others lie within and are made up of.
    pub(crate) within: Vec<(String, Vec<String>)>,
    pub(crate) figures: Vec<Seen>,
    /// Places in `figures` of which the first less the second was shown.
    pub(crate) gaps: Vec<(usize, usize)>,
    /// Places in `figures` that hold the same figure, as those of a plan and its successor do: whoever has one has both.
    pub(crate) same: Vec<(usize, usize)>,
    /// What the windows are sums of, where they are; the window of a period covers it and the three before.
    pub(crate) months: Vec<Month>,
}

impl Target {
    /// What an attacker finds out that should have stayed withheld, and how.
    pub(crate) fn attacked(&self) -> Vec<String> {
        self.attacker().attack()
    }

    fn attacker(&self) -> Attacker {
        let mut attacker = Attacker { threshold: self.threshold, ..Attacker::default() };
        let numbers = self.numbers(&mut attacker);
        for (comparator, group) in &self.gaps {
            attacker.learns(&[(numbers[*comparator][0], 1), (numbers[*group][0], -1)]);
        }
        let moments: BTreeSet<i64> = self.figures.iter().filter(|one| !one.apart).map(|one| one.from).collect();
        let periods: BTreeSet<usize> = self.figures.iter().filter(|one| !one.apart).map(|one| one.period).collect();
        let mut told = Told::default();
        for moment in moments {
            let mut lines: BTreeMap<String, Vec<(usize, Vec<usize>)>> = BTreeMap::new();
            for period in &periods {
                let standing = self.standing(*period, moment);
                let places: BTreeMap<&str, Vec<usize>> =
                    standing.iter().map(|(group, place)| (*group, numbers[*place].clone())).collect();
                self.add_up(&mut attacker, &mut told, *period, &places, &mut lines);
                for (group, parts) in places {
                    lines.entry(group.to_owned()).or_default().push((*period, parts));
                }
            }
            if self.adds_up {
                self.count_on(&mut attacker, &mut told, &lines);
            }
        }
        if self.rolls {
            self.roll_on(&mut attacker, &numbers);
        }
        attacker
    }

    /// Each figure's numbers as the attacker knows them, with what must not be found out of them.
    fn numbers(&self, attacker: &mut Attacker) -> Vec<Vec<usize>> {
        let mut numbers: Vec<Vec<usize>> = Vec::new();
        for (place, seen) in self.figures.iter().enumerate() {
            let twin = self.same.iter().find(|(_, other)| *other == place).map(|(one, _)| *one);
            if let Some(known) =
                twin.filter(|one| self.figures[*one].parts == seen.parts).map(|one| numbers[one].clone())
            {
                for number in &known {
                    attacker.known[*number] |= seen.shown;
                }
                numbers.push(known);
                continue;
            }
            // Whoever knows the rule knows that a count that is withheld is no zero.
            let least = i128::from(seen.parts.len() == 1 && !seen.unposted);
            let known: Vec<usize> = seen.parts.iter().map(|part| attacker.number(*part, seen.shown, least)).collect();
            let name = format!("of {} in {} ({})", seen.group, seen.period, seen.from);
            for (part, number) in seen.parts.iter().zip(&known) {
                attacker.guard(&format!("{part} {name}"), *number);
            }
            // That no one was counted is no secret.
            if !seen.shown && !seen.unposted && seen.parts.iter().any(|part| *part != 0) {
                attacker.withheld.push((format!("{:?} {name}", seen.parts), known.clone()));
            }
            if let [over, rest, under] = known[..] {
                attacker.knows(&[(over, 1), (rest, 1), (under, -1)]);
            }
            numbers.push(known);
        }
        numbers
    }

    /// What stood in a period at a moment, by group.
    fn standing(&self, period: usize, moment: i64) -> BTreeMap<&str, usize> {
        let stood = |one: &Seen| one.from <= moment && one.until.is_none_or(|until| moment < until) && !one.apart;
        let figures = self.figures.iter().enumerate().filter(|(_, one)| one.period == period && stood(one));
        figures.map(|(place, one)| (one.group.as_str(), place)).collect()
    }

    /// What the figures of a period that stood at a moment sum to, and what any of them leaves of another.
    fn add_up(
        &self,
        attacker: &mut Attacker,
        told: &mut Told,
        period: usize,
        places: &BTreeMap<&str, Vec<usize>>,
        lines: &mut BTreeMap<String, Vec<(usize, Vec<usize>)>>,
    ) {
        let splits = self.complete.iter().map(|groups| ("all", groups));
        let splits = splits.chain(self.within.iter().map(|(whole, groups)| (whole.as_str(), groups)));
        let mut wholes: BTreeMap<&str, Vec<usize>> =
            places.iter().map(|(group, parts)| (*group, parts.clone())).collect();
        for (whole, groups) in splits.clone() {
            // All that nobody posted is a number all the same, where a dimension is posted in full.
            let parts: Option<Vec<&Vec<usize>>> = groups.iter().map(|group| places.get(group.as_str())).collect();
            if let Some(parts) = parts.filter(|parts| !wholes.contains_key(whole) && !parts.is_empty()) {
                let count = parts.iter().map(|one| one.len()).min().unwrap_or(0);
                let sum = (0..count).map(|part| {
                    let terms: Vec<(usize, i128)> = parts.iter().map(|one| (one[part], 1)).collect();
                    let truth = attacker.sum(&terms);
                    told.number(attacker, &terms, truth)
                });
                let sum: Vec<usize> = sum.collect();
                lines.entry(whole.to_owned()).or_default().push((period, sum.clone()));
                wholes.insert(whole, sum);
            }
        }
        for (at, (whole, groups)) in splits.enumerate() {
            let Some(all) = wholes.get(whole).cloned() else { continue };
            let known: Vec<Vec<usize>> =
                groups.iter().filter_map(|group| places.get(group.as_str()).cloned()).collect();
            let lacks: Vec<&str> =
                groups.iter().map(String::as_str).filter(|group| !places.contains_key(group)).collect();
            if known.is_empty() {
                continue;
            }
            let mut rest = Vec::new();
            for part in 0..all.len() {
                let mut terms: Vec<(usize, i128)> = known.iter().map(|one| (one[part], 1)).collect();
                terms.push((all[part], -1));
                if !lacks.is_empty() {
                    let left = -attacker.sum(&terms);
                    let number = told.number(attacker, &terms, left);
                    attacker.guard(&format!("{left}, what {lacks:?} are in {period}"), number);
                    terms.push((number, 1));
                    rest.push(number);
                }
                attacker.knows(&terms);
            }
            if !rest.is_empty() {
                lines.entry(format!("{at} {lacks:?}")).or_default().push((period, rest));
            }
        }
        // What a group leaves of what it is part of is as small as any figure.
        let parts_of =
            self.within.iter().flat_map(|(whole, groups)| groups.iter().map(|one| (whole.as_str(), one.as_str())));
        let of_all = places.keys().filter(|group| **group != "all").map(|group| ("all", *group));
        for (whole, group) in of_all.chain(parts_of) {
            let (Some(more), Some(less)) = (places.get(whole), places.get(group)) else { continue };
            for (more, less) in more.iter().zip(less) {
                let terms = [(*less, 1), (*more, -1)];
                let left = -attacker.sum(&terms);
                if (1..=self.threshold).contains(&left) {
                    let number = told.number(attacker, &terms, left);
                    attacker.guard(&format!("{left}, what {group} leaves of {whole} in {period}"), number);
                    attacker.knows(&[(*less, 1), (*more, -1), (number, 1)]);
                }
            }
        }
    }

    /// What happened from one figure of a line to another of the same year.
    fn count_on(&self, attacker: &mut Attacker, told: &mut Told, lines: &BTreeMap<String, Vec<(usize, Vec<usize>)>>) {
        let years: BTreeMap<usize, usize> = self.figures.iter().map(|one| (one.period, one.year)).collect();
        for (group, line) in lines {
            for (at, (from_period, from)) in line.iter().enumerate() {
                for (after, (to_period, to)) in line[at + 1..].iter().enumerate() {
                    for (from, to) in from.iter().zip(to).filter(|_| years.get(from_period) == years.get(to_period)) {
                        let terms = [(*from, 1), (*to, -1)];
                        let moved = -attacker.sum(&terms);
                        // A figure that fell was corrected. Steps over several periods are told where they are small.
                        let small = (1..=self.threshold).contains(&moved);
                        if from == to || moved < 0 || (after > 0 && !small) {
                            continue;
                        }
                        let number = told.number(attacker, &terms, moved);
                        attacker.guard(&format!("{moved} of {group} from {from_period} to {to_period}"), number);
                        attacker.knows(&[(*from, 1), (*to, -1), (number, 1)]);
                    }
                }
            }
        }
    }

    /// Windows as sums of four periods each.
    fn roll_on(&self, attacker: &mut Attacker, numbers: &[Vec<usize>]) {
        let mut months: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
        for (period, group, truth) in &self.months {
            let parts: Vec<usize> = truth.iter().map(|part| attacker.number(*part, false, 0)).collect();
            for (part, number) in truth.iter().zip(&parts) {
                attacker.guard(&format!("{part} of {group} in the period {period} itself"), *number);
            }
            if let [over, rest, under] = parts[..] {
                attacker.knows(&[(over, 1), (rest, 1), (under, -1)]);
            }
            months.insert((*period, group.as_str()), parts);
        }
        for (seen, window) in self.figures.iter().zip(numbers).filter(|(seen, _)| !seen.apart) {
            let covered: Option<Vec<&Vec<usize>>> =
                (seen.period..seen.period + 4).map(|period| months.get(&(period, seen.group.as_str()))).collect();
            for (part, number) in window.iter().enumerate() {
                let terms = covered.iter().flatten().map(|month| (month[part], 1));
                let terms: Vec<_> = terms.chain([(*number, -1)]).collect();
                if terms.len() > 1 {
                    attacker.knows(&terms);
                }
            }
        }
    }
}

/// Numbers that were worked out from the same others, so that each is there once.
#[derive(Default)]
struct Told(BTreeMap<Vec<(usize, i128)>, usize>);

impl Told {
    fn number(&mut self, attacker: &mut Attacker, terms: &[(usize, i128)], truth: i128) -> usize {
        *self.0.entry(terms.to_vec()).or_insert_with(|| attacker.number(truth, false, 0))
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
    equations: BTreeSet<Vec<(usize, i128)>>,
    /// Numbers up to this must not be narrowed down to one either.
    threshold: i128,
    /// Numbers that must not be found out.
    secrets: BTreeMap<usize, String>,
    /// Figures that are withheld, by their numbers: what is withheld must not be found out in full.
    withheld: Vec<(String, Vec<usize>)>,
}

/// How many steps the search for another explanation may take.
const PATIENCE: usize = 60;

/// No number is larger.
const MOST: i128 = 100_000;

/// What is left of an equation of the numbers that are not known.
struct Open {
    terms: Vec<(usize, i128)>,
    constant: i128,
}

impl Attacker {
    fn number(&mut self, truth: i128, known: bool, least: i128) -> usize {
        self.truth.push(truth);
        self.known.push(known);
        self.least.push(least.min(truth));
        self.truth.len() - 1
    }

    /// Keeps a number secret where it is small.
    fn guard(&mut self, name: &str, number: usize) {
        if (1..=self.threshold).contains(&self.truth[number]) {
            self.secrets.entry(number).or_insert_with(|| name.to_owned());
        }
    }

    fn sum(&self, terms: &[(usize, i128)]) -> i128 {
        terms.iter().map(|(number, factor)| self.truth[*number] * factor).sum()
    }

    /// A difference that was told.
    fn learns(&mut self, form: &[(usize, i128)]) {
        let told = self.sum(form);
        let told = self.number(told, true, told);
        self.knows(&[form, &[(told, -1)]].concat());
    }

    /// What sums to nothing, where it does: figures that are wrong, or of which one was restated before the others, do not.
    fn knows(&mut self, terms: &[(usize, i128)]) {
        if self.sum(terms) == 0 {
            let mut factors: BTreeMap<usize, i128> = BTreeMap::new();
            for (number, factor) in terms {
                *factors.entry(*number).or_default() += factor;
            }
            self.equations.insert(factors.into_iter().filter(|(_, factor)| *factor != 0).collect());
        }
    }

    /// The equations of what is not known.
    fn open(&self) -> Vec<Open> {
        let equations = self.equations.iter().map(|terms| {
            let (known, unknown): (Vec<_>, Vec<_>) = terms.iter().partition(|(number, _)| self.known[*number]);
            Open { terms: unknown, constant: self.sum(&known) }
        });
        equations.filter(|open| !open.terms.is_empty()).collect()
    }

    /// The equations over the unknown numbers, in reduced echelon form.
    fn solved(equations: &[Open]) -> BTreeMap<usize, BTreeMap<usize, Ratio>> {
        let mut rows: BTreeMap<usize, BTreeMap<usize, Ratio>> = BTreeMap::new();
        for equation in equations {
            let mut row: BTreeMap<usize, Ratio> =
                equation.terms.iter().map(|(number, factor)| (*number, (*factor, 1))).collect();
            reduce(&mut row, &rows);
            let Some((lead, (over, under))) = row.first_key_value().map(|(lead, ratio)| (*lead, *ratio)) else {
                continue;
            };
            for ratio in row.values_mut() {
                *ratio = lowest((ratio.0 * under, ratio.1 * over));
            }
            for other in rows.values_mut().filter(|other| other.contains_key(&lead)) {
                subtract(other, lead, &row);
            }
            rows.insert(lead, row);
        }
        rows
    }

    /// Whether a number follows from what is known.
    fn finds_out(&self, rows: &BTreeMap<usize, BTreeMap<usize, Ratio>>, number: usize) -> bool {
        self.known[number] || rows.get(&number).is_some_and(|row| row.len() == 1)
    }

    /// Whether all that is known could be so though this number were another.
    fn could_be_another(&self, equations: &[Open], number: usize) -> bool {
        let search = Search::about(self, equations, number);
        let truth = self.truth[number];
        let mut patience = PATIENCE;
        [(self.least[number], truth - 1), (truth + 1, MOST)].into_iter().any(|range| {
            let mut bounds: Vec<(i128, i128)> = self.least.iter().map(|least| (*least, MOST)).collect();
            bounds[number] = range;
            // Where patience ends nothing was found out.
            range.0 <= range.1 && search.explained(bounds, &[number], &mut patience).unwrap_or(true)
        })
    }

    /// Every secret that the attacker finds out, by what means.
    fn attack(&self) -> Vec<String> {
        let equations = self.open();
        let rows = Self::solved(&equations);
        let mut found = Vec::new();
        for (name, parts) in &self.withheld {
            // A part of a figure that is not small is no secret while the others are.
            if parts.iter().all(|part| self.finds_out(&rows, *part)) {
                found.push(format!("{name} by sums"));
            }
        }
        for (number, name) in &self.secrets {
            if self.finds_out(&rows, *number) {
                found.push(format!("{name} by sums"));
            } else if !self.could_be_another(&equations, *number) {
                found.push(format!("{name} by bounds"));
            }
        }
        found
    }
}

/// A search for other numbers that would look the same.
struct Search<'a> {
    truth: &'a [i128],
    equations: Vec<&'a Open>,
    /// By number, which equations it is in.
    within: BTreeMap<usize, Vec<usize>>,
}

impl<'a> Search<'a> {
    /// Among the numbers that hang together with this one.
    fn about(attacker: &'a Attacker, all: &'a [Open], number: usize) -> Self {
        let mut of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, equation) in all.iter().enumerate() {
            for (number, _) in &equation.terms {
                of.entry(*number).or_default().push(at);
            }
        }
        let (mut reached, mut edge, mut taken) = (BTreeSet::from([number]), vec![number], BTreeSet::new());
        while let Some(one) = edge.pop() {
            for at in of.get(&one).into_iter().flatten().filter(|at| taken.insert(**at)).copied().collect::<Vec<_>>() {
                edge.extend(all[at].terms.iter().map(|(other, _)| *other).filter(|other| reached.insert(*other)));
            }
        }
        let equations: Vec<&Open> = taken.iter().map(|at| &all[*at]).collect();
        let mut within: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, equation) in equations.iter().enumerate() {
            for (number, _) in &equation.terms {
                within.entry(*number).or_default().push(at);
            }
        }
        Self { truth: &attacker.truth, equations, within }
    }

    /// Narrows bounds down by one equation after another; says whether any number is left between its own.
    fn narrowed(&self, bounds: &mut [(i128, i128)], moved: &[usize]) -> bool {
        let mut due: BTreeSet<usize> =
            moved.iter().filter_map(|number| self.within.get(number)).flatten().copied().collect();
        // Bounds that creep towards one another need not meet: a search goes on from where they are.
        for _ in 0..self.equations.len() * 20 {
            let Some(at) = due.pop_first() else { break };
            let Open { terms, constant } = self.equations[at];
            let ends = |bounds: &[(i128, i128)], (number, factor): (usize, i128)| {
                let (low, high) = bounds[number];
                if factor > 0 { (low * factor, high * factor) } else { (high * factor, low * factor) }
            };
            let (lows, highs) = terms.iter().fold((*constant, *constant), |sum, term| {
                let (low, high) = ends(bounds, *term);
                (sum.0 + low, sum.1 + high)
            });
            for (number, factor) in terms.iter().filter(|(_, factor)| factor.abs() == 1) {
                let (low, high) = ends(bounds, (*number, *factor));
                // What the others leave it: never narrower than what was summed before others of it moved.
                let (least, most) = (-(highs - high), -(lows - low));
                let (least, most) = if *factor > 0 { (least, most) } else { (-most, -least) };
                let bound = &mut bounds[*number];
                if least > bound.0 || most < bound.1 {
                    *bound = (least.max(bound.0), most.min(bound.1));
                    due.extend(self.within.get(number).into_iter().flatten().copied());
                }
                if bound.0 > bound.1 {
                    return false;
                }
            }
        }
        true
    }

    /// Whether all that is known could be so within these bounds; `None` where patience ends.
    fn explained(&self, mut bounds: Vec<(i128, i128)>, moved: &[usize], patience: &mut usize) -> Option<bool> {
        *patience = patience.checked_sub(1)?;
        if !self.narrowed(&mut bounds, moved) {
            return Some(false);
        }
        let open = self.within.keys().map(|number| (*number, bounds[*number])).filter(|(_, (low, high))| low < high);
        let Some((number, (low, high))) = open.min_by_key(|(_, (low, high))| high - low) else { return Some(true) };
        // The true number first: what is told is true somewhere near.
        let middle = self.truth[number].clamp(low, high);
        for range in [(middle, middle), (low, middle - 1), (middle + 1, high)] {
            if range.0 <= range.1 {
                let mut within = bounds.clone();
                within[number] = range;
                if self.explained(within, &[number], patience)? {
                    return Some(true);
                }
            }
        }
        Some(false)
    }
}

/// Takes away the multiples of rows that their leads make.
fn reduce(row: &mut BTreeMap<usize, Ratio>, rows: &BTreeMap<usize, BTreeMap<usize, Ratio>>) {
    let leads: Vec<usize> = row.keys().copied().filter(|lead| rows.contains_key(lead)).collect();
    for lead in leads {
        subtract(row, lead, &rows[&lead]);
    }
}

/// Takes away the multiple of a row that its lead makes.
fn subtract(row: &mut BTreeMap<usize, Ratio>, lead: usize, other: &BTreeMap<usize, Ratio>) {
    let Some((over, under)) = row.get(&lead).copied() else { return };
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
