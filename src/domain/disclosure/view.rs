//! What a reader works out from whom some figures are hidden.
//!
//! Sums are solved exactly as linear equations, and bounds narrowed down until they no longer move. What changes when one
//! more figure is hidden or shown is looked at anew, and that is what unknown numbers tie to it: a number that is known
//! passes nothing on. All that looks takes steps, and is `None` where they do not suffice.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::{Cell, Number, PARTS, Reader, Relation, Row, Step, Sum, set};
use super::trial::could_be_others;
use super::{Figure, Steps, is_small};

/// What is known of a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// It is shown.
    Shown,
    /// It is hidden or nobody posted it, and sums determine it.
    Solved,
    /// It is hidden or nobody posted it, and bounds are all that may be known.
    Open,
}

/// Between what a number must lie; an upper bound that is missing is infinite.
type Bounds = (Figure, Option<Figure>);

/// Something small that is worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Finding {
    /// A cell that is hidden or that nobody posted.
    Cell(usize),
    /// A cell that may be told by several relations together.
    Guess(usize),
    /// What the hidden cells of a sum sum to.
    Sum(usize),
    /// The difference of two figures.
    Step(usize),
}

/// What a reader works out from whom some figures are hidden.
#[derive(Clone)]
pub(super) struct View<'r, 'a> {
    reader: &'r Reader<'a>,
    hidden: BTreeSet<usize>,
    /// By cell.
    sights: Vec<Sight>,
    /// By cell and part, of those that are open.
    bounds: Vec<[Option<Bounds>; PARTS.len()]>,
    found: BTreeSet<Finding>,
    /// The relations that bounds have moved in since they were last looked at.
    due: Vec<bool>,
}

impl<'r, 'a> View<'r, 'a> {
    /// With the figures hidden that are withheld anyway.
    pub(super) fn of(reader: &'r Reader<'a>, steps: &mut Steps) -> Option<Self> {
        steps.take(reader.size())?;
        let mut view = Self {
            reader,
            hidden: reader.withheld_anyway(),
            sights: vec![Sight::Shown; reader.size()],
            bounds: vec![[None; PARTS.len()]; reader.size()],
            found: BTreeSet::new(),
            due: vec![false; reader.relations.len()],
        };
        let unposted = |place: &usize| reader.cell(*place).is_some_and(|cell| cell.group.is_none());
        let unknown: Vec<usize> = view.hidden.iter().copied().chain((0..reader.size()).filter(unposted)).collect();
        // Steps can tell something small though nothing is hidden.
        view.look(&unknown, (0..reader.steps.len()).collect(), steps)?;
        Some(view)
    }

    pub(super) fn reader(&self) -> &'r Reader<'a> {
        self.reader
    }

    pub(super) fn hidden(&self) -> &BTreeSet<usize> {
        &self.hidden
    }

    /// Whether sums determine a hidden figure.
    pub(super) fn solves(&self, place: usize) -> bool {
        self.sight(place) == Sight::Solved
    }

    /// What small is worked out.
    pub(super) fn found(&self) -> &BTreeSet<Finding> {
        &self.found
    }

    /// Hides some figures more.
    pub(super) fn hide(&mut self, places: &[usize], steps: &mut Steps) -> Option<()> {
        self.hidden.extend(places);
        self.look(places, BTreeSet::new(), steps)
    }

    /// Shows a hidden figure.
    pub(super) fn show(&mut self, place: usize, steps: &mut Steps) -> Option<()> {
        self.hidden.remove(&place);
        self.look(&[place], BTreeSet::new(), steps)
    }

    /// For all that is worked out the figures it was worked out from that could be hidden as well, which may be none.
    pub(super) fn ways(&self, steps: &mut Steps) -> Option<Vec<Vec<usize>>> {
        self.found
            .iter()
            .map(|finding| match *finding {
                Finding::Cell(place) | Finding::Guess(place) => self.around(place, steps),
                Finding::Sum(_) => self.of_these(self.cells_of(*finding), steps),
                Finding::Step(_) => {
                    let ends = self.cells_of(*finding);
                    let could = self.of_these(ends.iter().copied(), steps)?;
                    if !could.is_empty() {
                        return Some(could);
                    }
                    let around = ends.into_iter().map(|end| self.around(end, steps)).collect::<Option<Vec<_>>>()?;
                    Some(around.concat())
                }
            })
            .collect()
    }

    /// The cells that tell something small.
    fn cells_of(&self, finding: Finding) -> Vec<usize> {
        match finding {
            Finding::Cell(place) | Finding::Guess(place) => vec![place],
            Finding::Sum(sum) => {
                self.reader.sums.get(sum).map_or_else(Vec::new, |sum| sum.row.keys().copied().collect())
            }
            Finding::Step(step) => self.reader.steps.get(step).map_or_else(Vec::new, |step| vec![step.from, step.to]),
        }
    }

    /// The unknown cells that have to do with anything that is worked out, and are not worked out themselves.
    pub(super) fn guarding(&self, steps: &mut Steps) -> Option<BTreeSet<usize>> {
        let mut around = BTreeSet::new();
        for place in self.found.iter().flat_map(|finding| self.cells_of(*finding)) {
            around.extend(self.touched(place, steps)?.0);
        }
        around.retain(|place| self.sight(*place) == Sight::Open);
        Some(around)
    }

    /// Those of some cells that could be hidden as well.
    fn of_these(&self, cells: impl IntoIterator<Item = usize>, steps: &mut Steps) -> Option<Vec<usize>> {
        let mut could = BTreeSet::new();
        for place in cells {
            steps.take(1)?;
            if self.sight(place) == Sight::Shown && self.reader.cell(place).is_some_and(Cell::can_go) {
                could.insert(place);
            }
        }
        Some(could.into_iter().collect())
    }

    /// The figures by which a hidden one is worked out and that could go: of the sums in which it alone is hidden, else of
    /// all its sums, else of its own group in the year, else of all in its period.
    fn around(&self, place: usize, steps: &mut Steps) -> Option<Vec<usize>> {
        let reader = self.reader;
        let with = || reader.sums_of(place).iter().filter_map(|sum| reader.sums.get(*sum));
        steps.take(with().map(|sum| sum.row.len()).sum())?;
        let alone = |sum: &&Sum| sum.row.keys().filter(|other| self.sight(**other) != Sight::Shown).count() == 1;
        let first = self.of_these(with().find(alone).into_iter().flat_map(|sum| sum.row.keys().copied()), steps)?;
        if !first.is_empty() {
            return Some(first);
        }
        let all = self.of_these(with().flat_map(|sum| sum.row.keys().copied()), steps)?;
        if !all.is_empty() {
            return Some(all);
        }
        let near = self.of_these(reader.grown_with(place), steps)?;
        if !near.is_empty() {
            return Some(near);
        }
        let period = reader.period(place);
        self.of_these((0..reader.size()).filter(|beside| reader.period(*beside) == period), steps)
    }

    /// Looks anew at what some cells have to do with that were hidden or shown, and at some differences.
    fn look(&mut self, changed: &[usize], mut apart: BTreeSet<usize>, steps: &mut Steps) -> Option<()> {
        for place in changed {
            let posted = self.reader.cell(*place).is_some_and(|cell| cell.group.is_some());
            let shown = posted && !self.hidden.contains(place);
            self.see(*place, if shown { Sight::Shown } else { Sight::Open });
        }
        let mut seen = BTreeSet::new();
        for place in changed {
            if seen.contains(place) {
                continue;
            }
            let (cells, sums) = self.touched(*place, steps)?;
            self.work_out(&cells, &sums, steps)?;
            apart.extend(cells.iter().flat_map(|place| self.reader.steps_of(*place)));
            seen.extend(cells);
        }
        for step in apart {
            let Some(known) = self.reader.steps.get(step) else { continue };
            steps.take(1 + known.between.len())?;
            self.note(Finding::Step(step), self.tells_step(known));
        }
        Some(())
    }

    /// Works out what is known of some cells, and which of them or of their sums are found.
    fn work_out(&mut self, cells: &BTreeSet<usize>, sums: &BTreeSet<usize>, steps: &mut Steps) -> Option<()> {
        for place in cells {
            if self.sight(*place) == Sight::Solved {
                self.see(*place, Sight::Open);
            }
        }
        for place in self.solved(sums, steps)? {
            self.see(place, Sight::Solved);
        }
        self.narrow_down(cells, steps)?;
        let mut others = BTreeSet::new();
        for place in cells {
            let told = self.tells_cell(*place);
            self.note(Finding::Cell(*place), told);
            // What is told is worse than what may be guessed.
            let guessed = told || !self.leaves_open(*place, &mut others, steps)?;
            self.note(Finding::Guess(*place), guessed);
        }
        for sum in sums {
            self.note(Finding::Sum(*sum), self.reader.sums.get(*sum).is_some_and(|sum| self.tells_sum(sum)));
        }
        Some(())
    }

    fn sight(&self, place: usize) -> Sight {
        self.sights.get(place).copied().unwrap_or(Sight::Shown)
    }

    fn see(&mut self, place: usize, sight: Sight) {
        set(&mut self.sights, place, sight);
    }

    /// Between what a number of an open cell lies.
    pub(super) fn bounds(&self, (place, part): Number) -> Option<Bounds> {
        self.bounds.get(place)?.get(part).copied().flatten()
    }

    fn note(&mut self, finding: Finding, found: bool) {
        if found {
            self.found.insert(finding);
        } else {
            self.found.remove(&finding);
        }
    }

    /// A cell with all unknown ones that it is tied to by way of unknown ones, and the sums that any of these is in.
    fn touched(&self, changed: usize, steps: &mut Steps) -> Option<(BTreeSet<usize>, BTreeSet<usize>)> {
        let (mut cells, mut sums, mut queue) = (BTreeSet::from([changed]), BTreeSet::new(), vec![changed]);
        while let Some(place) = queue.pop() {
            let (sums_of, shifts_of) = (self.reader.sums_of(place), self.reader.shifts_of(place));
            steps.take(sums_of.len() + shifts_of.len())?;
            let with = sums_of.iter().chain(shifts_of);
            let fresh = with.filter(|sum| sums.insert(**sum)).filter_map(|sum| self.reader.sums.get(*sum));
            for other in fresh.flat_map(|sum| sum.row.keys().copied()).chain(self.reader.grown_with(place)) {
                steps.take(1)?;
                if self.sight(other) != Sight::Shown && cells.insert(other) {
                    queue.push(other);
                }
            }
        }
        Some((cells, sums))
    }

    fn is_told(&self, number: Number) -> bool {
        match self.bounds(number) {
            Some((low, Some(high))) => high - low < Figure::small(1),
            Some((_, None)) => false,
            None => self.sight(number.0) != Sight::Open,
        }
    }

    fn tells_cell(&self, place: usize) -> bool {
        self.reader.cell(place).is_some_and(|cell| cell.small)
            && match self.sight(place) {
                Sight::Shown => false,
                Sight::Solved => true,
                Sight::Open => self.reader.small_numbers(place).any(|number| self.is_told(number)),
            }
    }

    /// Whether each small number of a cell that is not told could be another; `others` are numbers that are known to be able to.
    fn leaves_open(&self, place: usize, others: &mut BTreeSet<Number>, steps: &mut Steps) -> Option<bool> {
        for number in self.reader.small_numbers(place) {
            if self.bounds(number).is_some() && !others.contains(&number) {
                let found = could_be_others(self, number, steps)?;
                if found.is_empty() {
                    return Some(false);
                }
                others.extend(found);
            }
        }
        Some(true)
    }

    /// Whether some figures are hidden, and their sum is told and small.
    fn tells_sum(&self, sum: &Sum) -> bool {
        let open = |place: &usize| self.sight(*place) == Sight::Open;
        let mut left = sum.row.iter().filter(|(place, _)| open(place));
        let Some((first, sign)) = left.next() else { return false };
        let is_whole = |place: &usize| self.reader.cell(*place).is_some_and(Cell::is_all);
        if is_whole(first) || left.any(|(place, factor)| factor != sign || is_whole(place)) {
            return false;
        }
        // What the others leave: of wrong figures that is what a reader takes them for.
        let others = || sum.row.iter().filter(|(place, _)| !open(place));
        let small =
            |part: usize| self.reader.sum(others(), part).is_some_and(|sum| is_small(sum, self.reader.threshold));
        PARTS.into_iter().any(small)
    }

    /// Whether two figures are known whose difference is small, and none between them.
    fn tells_step(&self, step: &Step) -> bool {
        let told = |part: &usize| self.is_told((step.from, *part)) && self.is_told((step.to, *part));
        step.parts.iter().any(told) && step.between.iter().all(|place| self.sight(*place) == Sight::Open)
    }

    /// The unknown cells that some sums determine, by exact elimination.
    fn solved(&self, sums: &BTreeSet<usize>, steps: &mut Steps) -> Option<BTreeSet<usize>> {
        let mut rows: BTreeMap<usize, Row> = BTreeMap::new();
        let sums = sums.iter().filter_map(|sum| self.reader.sums.get(*sum)).filter(|sum| sum.holds && !sum.shift);
        // A sum with an unknown number that is in no other tells that one at most: it need only be seen in their light.
        let own = |place: &usize| self.sight(*place) != Sight::Shown && self.reader.sums_of(*place).len() == 1;
        let (lone, shared): (Vec<&Sum>, Vec<&Sum>) = sums.partition(|sum| sum.row.keys().any(own));
        for sum in shared {
            let row = self.reduced(sum, &rows, steps)?;
            let Some(first) = row.keys().next().copied() else { continue };
            steps.take(rows.len())?;
            for other in rows.values_mut().filter(|other| other.contains_key(&first)) {
                steps.take(REDUCING * (row.len() + other.len()))?;
                *other = without(other, &row, first)?;
            }
            rows.insert(first, row);
        }
        let lone = lone.into_iter().map(|sum| self.reduced(sum, &rows, steps)).collect::<Option<Vec<Row>>>()?;
        let alone = lone.iter().chain(rows.values()).filter(|row| row.len() == 1);
        Some(alone.flat_map(|row| row.keys().copied()).collect())
    }

    /// What some rows, each of which has the number before it to itself, leave of a sum's unknown cells.
    fn reduced(&self, sum: &Sum, rows: &BTreeMap<usize, Row>, steps: &mut Steps) -> Option<Row> {
        steps.take(sum.row.len())?;
        let unknown = sum.row.iter().filter(|(place, _)| self.sight(**place) != Sight::Shown);
        let mut row: Row = unknown.map(|(place, factor)| (*place, *factor)).collect();
        let leads: Vec<(usize, &Row)> = row.keys().filter_map(|place| Some((*place, rows.get(place)?))).collect();
        for (lead, other) in leads {
            steps.take(REDUCING * (row.len() + other.len()))?;
            row = without(&row, other, lead)?;
        }
        Some(row)
    }

    /// Narrows down between which bounds the numbers of some cells must lie.
    fn narrow_down(&mut self, cells: &BTreeSet<usize>, steps: &mut Steps) -> Option<()> {
        let reader = self.reader;
        let mut relations: Vec<usize> = Vec::new();
        for place in cells {
            let cell = reader.cell(*place).filter(|_| self.sight(*place) == Sight::Open);
            let bounds = PARTS.map(|part| {
                let number = cell?.part(part)?;
                // What is withheld is no zero, and a reader knows that.
                let least = if part == 3 && cell?.group.is_some() { Figure::small(1) } else { Figure::ZERO };
                relations.extend(reader.relations_of((*place, part)));
                Some((least.min(number), None))
            });
            set(&mut self.bounds, *place, bounds);
        }
        relations.sort_unstable();
        relations.dedup();
        for relation in &relations {
            set(&mut self.due, *relation, true);
        }
        for _ in 0..MOST_ROUNDS {
            let mut moved = false;
            for at in &relations {
                let due = self.due.get_mut(*at).is_some_and(std::mem::take);
                if let Some(relation) = reader.relations.get(*at).filter(|_| due) {
                    steps.take(relation.terms.len())?;
                    moved |= self.narrow(relation);
                    // It leaves itself nothing to do.
                    set(&mut self.due, *at, false);
                }
            }
            if !moved {
                break;
            }
        }
        for relation in relations {
            set(&mut self.due, relation, false);
        }
        Some(())
    }

    /// Narrows each number of a relation down to what the others leave it; says whether any bound moved.
    fn narrow(&mut self, relation: &Relation) -> bool {
        let (mut lows, mut highs) = (Total::default(), Total::default());
        for term in &relation.terms {
            let (low, high) = self.ends(term);
            lows.add(low);
            highs.add(high);
        }
        let mut moved = false;
        for term in &relation.terms {
            let (number, added) = *term;
            if self.bounds(number).is_none() {
                continue;
            }
            let (low, high) = self.ends(term);
            let (low, high) = (lows.without(low), highs.without(high).filter(|_| relation.exact));
            let (low, high) = if added { (high.map(|high| -high), low.map(|low| -low)) } else { (low, high) };
            if self.tighten(number, low, high) {
                moved = true;
                for other in self.reader.relations_of(number) {
                    set(&mut self.due, *other, true);
                }
            }
        }
        moved
    }

    /// Between what a term lies: a number that is known lies where it is.
    fn ends(&self, (number, added): &(Number, bool)) -> (Option<Figure>, Option<Figure>) {
        let (low, high) = match self.bounds(*number) {
            Some((low, high)) => (Some(low), high),
            None => (self.reader.number(*number), self.reader.number(*number)),
        };
        if *added { (low, high) } else { (high.map(|high| -high), low.map(|low| -low)) }
    }

    /// Moves a number's bounds where these are narrower; says whether it did.
    fn tighten(&mut self, (place, part): Number, low: Option<Figure>, high: Option<Figure>) -> bool {
        let bounds = self.bounds.get_mut(place).and_then(|bounds| bounds.get_mut(part)?.as_mut());
        let Some(bound) = bounds else { return false };
        let before = *bound;
        bound.0 = low.map_or(bound.0, |low| low.max(bound.0));
        bound.1 = match (bound.1, high) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        *bound != before
    }
}

/// How many steps it counts for to write a number of a row anew.
const REDUCING: usize = 2;

/// How often bounds are narrowed at most.
const MOST_ROUNDS: usize = 40;

/// A sum some of whose terms may be infinite.
#[derive(Default)]
struct Total {
    finite: Figure,
    infinite: usize,
}

impl Total {
    fn add(&mut self, term: Option<Figure>) {
        match term {
            Some(term) => self.finite = self.finite + term,
            None => self.infinite += 1,
        }
    }

    /// The sum of all but one; `None` where it is infinite.
    fn without(&self, term: Option<Figure>) -> Option<Figure> {
        (self.infinite == usize::from(term.is_none())).then(|| self.finite - term.unwrap_or(Figure::ZERO))
    }
}

/// A row without a cell, by taking away the row that leads with it; `None` where the factors grow out of all bounds, which
/// those of sums of ones never do.
fn without(row: &Row, other: &Row, lead: usize) -> Option<Row> {
    let (factor, by) = (*row.get(&lead)?, *other.get(&lead)?);
    let mut left: Row = BTreeMap::new();
    for (place, number) in row {
        left.insert(*place, number.checked_mul(by)?);
    }
    for (place, number) in other {
        let entry = left.entry(*place).or_insert(0);
        *entry = entry.checked_sub(number.checked_mul(factor)?)?;
    }
    left.retain(|_, number| *number != 0);
    let divisor = left.values().fold(0_i128, |divisor, number| common_divisor(divisor, *number));
    if divisor > 1 {
        for number in left.values_mut() {
            *number /= divisor;
        }
    }
    Some(left)
}

fn common_divisor(one: i128, other: i128) -> i128 {
    let (mut divisor, mut rest) = (one.abs(), other.abs());
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    divisor
}
