//! What a reader works out from whom some figures are hidden.
//!
//! Sums are solved exactly as linear equations, and bounds narrowed down until they no longer move. What changes when
//! one more figure is hidden or shown is looked at again, and that is what unknown numbers tie to it: a number that is
//! known passes nothing on. All that looks takes steps, and is `None` if they do not suffice.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::{Cell, Number, PARTS, Reader, Relation, Row, Sum, Ties, set};
use super::trial::could_be_others;
use super::{Figure, Period, Steps, is_small};

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

/// Between what a number must lie; a bound that is missing is infinite.
type Bounds = (Option<Figure>, Option<Figure>);

/// Something small that is worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Finding {
    /// A cell that is hidden or that nobody posted.
    Cell(usize),
    /// A cell that may be known by several relations together.
    Guess(usize),
    /// What the hidden cells of a sum sum to.
    Sum(usize),
}

/// What a reader works out from whom some figures are hidden.
#[derive(Clone)]
pub(super) struct View<'r, 'a> {
    reader: &'r Reader<'a>,
    /// The latest period that is published.
    now: Option<Period>,
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
    /// Before anything is published, with the figures hidden that are withheld anyway.
    pub(super) fn of(reader: &'r Reader<'a>, steps: &mut Steps) -> Option<Self> {
        steps.take(reader.size())?;
        let hidden = reader.withheld_anyway();
        let unknown = |(place, cell): (usize, &Cell<'a>)| {
            if cell.group.is_none() || hidden.contains(&place) { Sight::Open } else { Sight::Shown }
        };
        Some(Self {
            reader,
            now: None,
            sights: reader.cells.iter().enumerate().map(unknown).collect(),
            hidden,
            bounds: vec![[None; PARTS.len()]; reader.size()],
            found: BTreeSet::new(),
            due: vec![false; reader.relations.len()],
        })
    }

    /// Publishes the figures of one more period.
    pub(super) fn publish(&mut self, period: Period, steps: &mut Steps) -> Option<()> {
        self.now = Some(period);
        let fresh = self.reader.sums.iter().filter(|sum| sum.period == period);
        let unknown: BTreeSet<usize> = fresh.flat_map(|sum| sum.row.keys().copied()).collect();
        let unknown: Vec<usize> = unknown.into_iter().filter(|place| self.sight(*place) != Sight::Shown).collect();
        self.look(&unknown, steps)
    }

    /// The sums that a cell is in, by their places, of those that are known by now.
    fn sums_of(&self, place: usize) -> impl Iterator<Item = (usize, &'r Sum)> {
        let now = self.now;
        let reader = self.reader;
        let sums = reader.sums_of(place).iter().filter_map(move |at| Some((*at, reader.sums.get(*at)?)));
        sums.filter(move |(_, sum)| Some(sum.period) <= now)
    }

    /// A relation, if it is known by now.
    pub(super) fn relation(&self, place: usize) -> Option<&'r Relation> {
        self.reader.relations.get(place).filter(|relation| relation.period <= self.now)
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
        self.look(places, steps)
    }

    /// Shows a hidden figure.
    pub(super) fn show(&mut self, place: usize, steps: &mut Steps) -> Option<()> {
        self.hidden.remove(&place);
        self.look(&[place], steps)
    }

    /// For all that is worked out the figures it was worked out from that could be hidden as well, which may be none.
    pub(super) fn ways(&self, steps: &mut Steps) -> Option<Vec<Vec<usize>>> {
        self.found
            .iter()
            .map(|finding| match *finding {
                Finding::Cell(place) | Finding::Guess(place) => self.around(place, steps),
                Finding::Sum(_) => self.of_these(self.cells_of(*finding), steps),
            })
            .collect()
    }

    /// The cells that disclose something small.
    fn cells_of(&self, finding: Finding) -> Vec<usize> {
        match finding {
            Finding::Cell(place) | Finding::Guess(place) => vec![place],
            Finding::Sum(sum) => {
                self.reader.sums.get(sum).map_or_else(Vec::new, |sum| sum.row.keys().copied().collect())
            }
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

    /// The figures by which an unknown one is worked out and that could go: of the shortest sum in which it alone is unknown,
    /// else of those that unknown ones tie it to, the nearest of the latest period first.
    fn around(&self, place: usize, steps: &mut Steps) -> Option<Vec<usize>> {
        let alone = |sum: &Sum| sum.row.keys().filter(|other| self.sight(**other) != Sight::Shown).count() == 1;
        let mut by_itself: Vec<&Sum> = self.sums_of(place).map(|(_, sum)| sum).filter(|sum| alone(sum)).collect();
        by_itself.sort_by_key(|sum| sum.row.len());
        for sum in by_itself {
            let could = self.of_these(sum.row.keys().copied(), steps)?;
            if !could.is_empty() {
                return Some(could);
            }
        }
        let (mut seen, mut edge, mut nearest) = (BTreeSet::from([place]), vec![place], Vec::new());
        while !edge.is_empty() {
            let near = self.beside(edge, steps)?;
            let could = self.of_these(near.iter().copied(), steps)?;
            let latest: Vec<usize> =
                could.iter().copied().filter(|place| self.reader.period(*place) == self.now).collect();
            if !latest.is_empty() {
                return Some(latest);
            }
            if nearest.is_empty() {
                nearest = could;
            }
            edge = near.into_iter().filter(|place| self.sight(*place) != Sight::Shown && seen.insert(*place)).collect();
        }
        Some(nearest)
    }

    /// The cells that sums tie some cells to, directly or by way of what nobody posted and sums determine.
    fn beside(&self, mut edge: Vec<usize>, steps: &mut Steps) -> Option<BTreeSet<usize>> {
        let mut near = BTreeSet::new();
        while let Some(place) = edge.pop() {
            for (_, sum) in self.sums_of(place) {
                steps.take(sum.row.len())?;
                let fresh: Vec<usize> = sum.row.keys().copied().filter(|other| near.insert(*other)).collect();
                let unposted = |place: &usize| self.reader.cell(*place).is_some_and(|cell| cell.group.is_none());
                edge.extend(fresh.into_iter().filter(|other| unposted(other) && self.solves(*other)));
            }
        }
        Some(near)
    }

    /// Looks again at what some cells have to do with that were hidden or shown.
    fn look(&mut self, changed: &[usize], steps: &mut Steps) -> Option<()> {
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
            seen.extend(cells);
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
            // What is disclosed is worse than what may be guessed.
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
            steps.take(self.reader.sums_of(place).len())?;
            for (at, sum) in self.sums_of(place) {
                if !sums.insert(at) {
                    continue;
                }
                steps.take(sum.row.len())?;
                for other in sum.row.keys().copied() {
                    if self.sight(other) != Sight::Shown && cells.insert(other) {
                        queue.push(other);
                    }
                }
            }
        }
        Some((cells, sums))
    }

    fn is_told(&self, number: Number) -> bool {
        match self.bounds(number) {
            Some((Some(low), Some(high))) => high - low < Figure::small(1),
            Some(_) => false,
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

    /// Whether each small number of a cell that is not disclosed could be another; `others` are numbers that are known
    /// to be able to.
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

    /// Whether some figures are hidden, and their sum is disclosed and small.
    fn tells_sum(&self, sum: &Sum) -> bool {
        if sum.ties != Ties::Whole {
            return false;
        }
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
            |part: usize| self.reader.sum_of(others(), part).is_some_and(|sum| is_small(sum, self.reader.threshold));
        PARTS.into_iter().any(small)
    }

    /// The unknown cells that some sums determine, by exact elimination.
    fn solved(&self, sums: &BTreeSet<usize>, steps: &mut Steps) -> Option<BTreeSet<usize>> {
        let mut rows: BTreeMap<usize, Row> = BTreeMap::new();
        // That windows are sums of months leaves more unknown than it says: by itself it determines nothing.
        let says = |sum: &&Sum| sum.holds && !sum.shift && sum.ties != Ties::Months;
        let sums = sums.iter().filter_map(|sum| self.reader.sums.get(*sum)).filter(says);
        // A sum with an unknown number that is in no other discloses that one at most: it need only be seen in their
        // light.
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
                cell?.part(part)?;
                relations.extend(reader.relations_of((*place, part)));
                Some((cell?.least.get(part).copied().flatten(), None))
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
                if let Some(relation) = self.relation(*at).filter(|_| due) {
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
            let (low, high) = (lows.without(low), highs.without(high));
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
            Some(bounds) => bounds,
            None => (self.reader.number(*number), self.reader.number(*number)),
        };
        if *added { (low, high) } else { (high.map(|high| -high), low.map(|low| -low)) }
    }

    /// Moves a number's bounds if these are narrower; says whether it did.
    fn tighten(&mut self, (place, part): Number, low: Option<Figure>, high: Option<Figure>) -> bool {
        let bounds = self.bounds.get_mut(place).and_then(|bounds| bounds.get_mut(part)?.as_mut());
        let Some(bound) = bounds else { return false };
        let before = *bound;
        let narrower =
            |one: Option<Figure>, other: Option<Figure>, pick: fn(Figure, Figure) -> Figure| match (one, other) {
                (Some(one), Some(other)) => Some(pick(one, other)),
                (one, other) => one.or(other),
            };
        *bound = (narrower(bound.0, low, Figure::max), narrower(bound.1, high, Figure::min));
        *bound != before
    }
}

/// How many steps it counts for to write a number of a row again.
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

    /// The sum of all but one; `None` if it is infinite.
    fn without(&self, term: Option<Figure>) -> Option<Figure> {
        (self.infinite == usize::from(term.is_none())).then(|| self.finite - term.unwrap_or(Figure::ZERO))
    }
}

/// A row without a cell, by taking away the row that leads with it; `None` if the factors grow out of all bounds, which
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
