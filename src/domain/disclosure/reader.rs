//! What ties the figures of a KPI together, and so lets a patient reader work one out from others.
//!
//! The reader knows that the groups of a dimension that covers everyone sum to all, at any moment that can be asked about;
//! that what happened from one cumulative figure to the next is their difference and not less than nothing; that counts
//! are whole and not negative, and that what is withheld is no zero. Figures that nothing of that ties, not even by way of
//! others, tell nothing of one another: each lot that hangs together has a reader of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::{Elsewhere, Figures, GroupCode, Period, Posted, Preference, Seq, Steps, is_small};
use crate::domain::kpi::{Aggregation, Unit};
use crate::domain::number::{Figure, Fraction};

/// The numbers that a figure tells: what was counted, what is left, over what, and the figure itself where it is a count.
pub(super) const PARTS: [usize; 4] = [0, 1, 2, 3];
type Parts = [Option<Figure>; 4];

/// A figure as it stood for a while, or a number that nobody posted and sums leave over.
pub(super) struct Cell<'a> {
    pub(super) period: Period,
    /// `None` for what nobody posted.
    pub(super) group: Option<&'a GroupCode>,
    /// The entries that said it: the same figure said again is the same.
    seqs: Vec<Seq>,
    until: Option<Seq>,
    pub(super) parts: Parts,
    /// The rate itself, where it came without its fraction.
    bare: Option<Figure>,
    /// Whether it must not be worked out.
    pub(super) small: bool,
    /// Whether another figure stood in its place before or after.
    restated: bool,
    elsewhere: Option<Elsewhere>,
}

impl Cell<'_> {
    fn since(&self) -> Option<Seq> {
        self.seqs.first().copied()
    }

    fn stood_at(&self, seq: Seq) -> bool {
        self.since().is_some_and(|since| since <= seq) && self.until.is_none_or(|until| seq < until)
    }

    /// Whether both stood at one moment.
    fn stood_with(&self, other: &Self) -> bool {
        [self.since(), other.since()]
            .into_iter()
            .flatten()
            .max()
            .is_some_and(|at| self.stood_at(at) && other.stood_at(at))
    }

    pub(super) fn is_all(&self) -> bool {
        self.group.is_some_and(GroupCode::is_all)
    }

    pub(super) fn part(&self, part: usize) -> Option<Figure> {
        self.parts.get(part).copied().flatten()
    }

    /// Whether it can be withheld for others' sake: a true zero always stays, and so does what is shown elsewhere for good.
    pub(super) fn can_go(&self) -> bool {
        let nothing = self.part(3) == Some(Figure::ZERO) || self.bare == Some(Figure::ZERO);
        !nothing && self.elsewhere != Some(Elsewhere::Shown)
    }

    /// No one out of some, which stays as long as anything else could go.
    fn is_no_one(&self) -> bool {
        self.part(0) == Some(Figure::ZERO)
    }
}

/// Cells that sum to nothing with these factors: the parts with 1, their whole with -1.
pub(super) type Row = BTreeMap<usize, i128>;

/// A part of a cell.
pub(super) type Number = (usize, usize);

/// What sums to nothing, or nearly does where figures are wrong or one is restated before the others.
pub(super) struct Sum {
    pub(super) row: Row,
    /// Whether it does, in any of its numbers.
    pub(super) holds: bool,
    /// Whether it is what the sums of two moments have not in common.
    pub(super) shift: bool,
}

/// Numbers that added, or taken away, sum to nothing; or, where one cannot be more than the other, to nothing at most.
pub(super) struct Relation {
    pub(super) terms: Vec<(Number, bool)>,
    pub(super) exact: bool,
}

/// Two figures of one group that are published together only if a reader may know their difference.
pub(super) struct Step {
    pub(super) from: usize,
    pub(super) to: usize,
    /// The parts whose difference is small.
    pub(super) parts: Vec<usize>,
    /// Any of these, if known, lies between the two: windows are compared from one to the next.
    pub(super) between: Vec<usize>,
}

/// Two figures of one group of which the second counts on from the first.
struct Rise {
    from: usize,
    to: usize,
    /// The parts that are no less in the second.
    parts: Vec<usize>,
}

/// A reader of figures that hang together.
pub(super) struct Reader<'a> {
    pub(super) threshold: u32,
    cells: Vec<Cell<'a>>,
    pub(super) sums: Vec<Sum>,
    rises: Vec<Rise>,
    pub(super) steps: Vec<Step>,
    /// What holds number by number, as the figures are.
    pub(super) relations: Vec<Relation>,
    /// Which of them each cell is in, by its place; of the relations by that of the number.
    ties: Ties,
}

/// Where each cell is found.
#[derive(Default)]
struct Ties {
    sums: Vec<Vec<usize>>,
    shifts: Vec<Vec<usize>>,
    rises: Vec<Vec<usize>>,
    steps: Vec<Vec<usize>>,
    relations: Vec<Vec<usize>>,
}

impl<'a> Reader<'a> {
    /// A reader of each lot of figures that can hang together: a period's, a year's where figures add up over it, or all
    /// where they go over into one another.
    pub(super) fn each(figures: &'a Figures<'a>) -> Vec<Self> {
        let kpi = figures.kpi;
        let mut lots: BTreeMap<Option<Period>, Vec<&'a Posted>> = BTreeMap::new();
        for posted in &figures.posted {
            let lot = match kpi.aggregation {
                Aggregation::InPeriod | Aggregation::Snapshot => Some(posted.period),
                Aggregation::YearToDate => posted.period.year_in(kpi.calendar),
                Aggregation::Rolling12Months => None,
            };
            lots.entry(lot).or_default().push(posted);
        }
        lots.into_values().map(|lot| Self::of(figures.threshold, cells(figures, lot))).collect()
    }

    fn of(threshold: u32, cells: Vec<Cell<'a>>) -> Self {
        let (sums, rises, steps, relations) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { threshold, cells, sums, rises, steps, relations, ties: Ties::default() }
    }

    /// Adds what ties the figures.
    pub(super) fn tie(&mut self, figures: &Figures<'a>, steps: &mut Steps) -> Option<()> {
        let mut periods: BTreeMap<Period, Vec<usize>> = BTreeMap::new();
        for (place, cell) in self.cells.iter().enumerate() {
            periods.entry(cell.period).or_default().push(place);
        }
        for (period, places) in periods {
            self.sum_up(figures, period, &places, steps)?;
        }
        self.fill_in(figures, steps)?;
        match figures.kpi.aggregation {
            Aggregation::YearToDate | Aggregation::Rolling12Months => self.step_on(figures, steps),
            Aggregation::InPeriod | Aggregation::Snapshot => Some(()),
        }
    }

    /// A reader of each lot of figures that do hang together, in the order of their first.
    pub(super) fn apart(self) -> Vec<Self> {
        let lots = self.lots();
        let mut readers: BTreeMap<usize, Self> = BTreeMap::new();
        let mut places = Vec::new();
        for (cell, lot) in self.cells.into_iter().zip(&lots) {
            let reader = readers.entry(*lot).or_insert_with(|| Self::of(self.threshold, Vec::new()));
            places.push(reader.cells.len());
            reader.cells.push(cell);
        }
        let lot = |place: usize| lots.get(place).copied().unwrap_or_default();
        let moved = |place: usize| places.get(place).copied().unwrap_or_default();
        for sum in self.sums {
            if let Some(reader) = sum.row.keys().next().and_then(|place| readers.get_mut(&lot(*place))) {
                let row = sum.row.into_iter().map(|(place, factor)| (moved(place), factor)).collect();
                reader.sums.push(Sum { row, ..sum });
            }
        }
        for Rise { from, to, parts } in self.rises {
            if let Some(reader) = readers.get_mut(&lot(from)) {
                reader.rises.push(Rise { from: moved(from), to: moved(to), parts });
            }
        }
        for Step { from, to, parts, between } in self.steps {
            if let Some(reader) = readers.get_mut(&lot(from)) {
                let between = between.into_iter().map(moved).collect();
                reader.steps.push(Step { from: moved(from), to: moved(to), parts, between });
            }
        }
        let relate = |mut reader: Self| {
            reader.relate();
            reader
        };
        readers.into_values().map(relate).collect()
    }

    /// The first cell of the lot that each cell hangs together with.
    fn lots(&self) -> Vec<usize> {
        let mut before: Vec<usize> = (0..self.cells.len()).collect();
        let first = |before: &mut [usize], mut place: usize| {
            while let Some(next) = before.get(place).copied().filter(|next| *next != place) {
                // Shortens the way for whoever comes after.
                let after = before.get(next).copied().unwrap_or(next);
                set(before, place, after);
                place = after;
            }
            place
        };
        let mut tie = |one: usize, other: usize| {
            let (one, other) = (first(&mut before, one), first(&mut before, other));
            set(&mut before, one.max(other), one.min(other));
        };
        for row in self.sums.iter().map(|sum| &sum.row) {
            row.keys().zip(row.keys().skip(1)).for_each(|(one, other)| tie(*one, *other));
        }
        self.rises.iter().for_each(|rise| tie(rise.from, rise.to));
        for step in &self.steps {
            step.between.iter().chain([&step.to]).for_each(|other| tie(step.from, *other));
        }
        (0..self.cells.len()).map(|place| first(&mut before, place)).collect()
    }

    /// How many figures and numbers that nobody posted it has to do with.
    pub(super) fn size(&self) -> usize {
        self.cells.len()
    }

    pub(super) fn sums_of(&self, place: usize) -> &[usize] {
        self.ties.sums.get(place).map_or(&[], Vec::as_slice)
    }

    pub(super) fn shifts_of(&self, place: usize) -> &[usize] {
        self.ties.shifts.get(place).map_or(&[], Vec::as_slice)
    }

    /// The cells that a cell has grown to or from, itself among them.
    pub(super) fn grown_with(&self, place: usize) -> impl Iterator<Item = usize> {
        let rises = self.ties.rises.get(place).into_iter().flatten().filter_map(|rise| self.rises.get(*rise));
        rises.flat_map(|rise| [rise.from, rise.to])
    }

    pub(super) fn steps_of(&self, place: usize) -> &[usize] {
        self.ties.steps.get(place).map_or(&[], Vec::as_slice)
    }

    pub(super) fn relations_of(&self, (place, part): Number) -> &[usize] {
        self.ties.relations.get(place * PARTS.len() + part).map_or(&[], Vec::as_slice)
    }

    pub(super) fn cell(&self, place: usize) -> Option<&Cell<'a>> {
        self.cells.get(place)
    }

    pub(super) fn number(&self, (place, part): Number) -> Option<Figure> {
        self.cell(place)?.part(part)
    }

    /// Those of a small figure's numbers that are small.
    pub(super) fn small_numbers(&self, place: usize) -> impl Iterator<Item = Number> {
        let cell = self.cell(place).filter(|cell| cell.small);
        let small = move |part: &usize| cell?.part(*part).filter(|number| is_small(*number, self.threshold));
        PARTS.into_iter().filter(move |part| small(part).is_some()).map(move |part| (place, part))
    }

    /// The figures that are withheld whatever becomes of others: those that are small themselves, and what is withheld elsewhere.
    pub(super) fn withheld_anyway(&self) -> BTreeSet<usize> {
        let withheld = |cell: &Cell<'_>| cell.small || cell.elsewhere == Some(Elsewhere::Withheld);
        let all = self.cells.iter().enumerate().filter(|(_, cell)| cell.group.is_some() && withheld(cell));
        all.map(|(place, _)| place).collect()
    }

    /// Whether any figure was replaced by another.
    pub(super) fn has_restatements(&self) -> bool {
        self.cells.iter().any(|cell| cell.restated)
    }

    /// How many of some figures still stand.
    pub(super) fn standing(&self, hidden: &BTreeSet<usize>) -> usize {
        hidden.iter().filter_map(|place| self.cell(*place)).filter(|cell| cell.until.is_none()).count()
    }

    /// The journal entries of some figures.
    pub(super) fn seqs(&self, hidden: &BTreeSet<usize>) -> BTreeSet<Seq> {
        hidden.iter().filter_map(|place| self.cell(*place)).flat_map(|cell| cell.seqs.iter().copied()).collect()
    }

    /// Of when a figure is.
    pub(super) fn period(&self, place: usize) -> Option<Period> {
        self.cell(place).map(|cell| cell.period)
    }

    /// The journal entries of all figures but plain zeros.
    pub(super) fn all_but_zeros(&self) -> BTreeSet<Seq> {
        let cells = self.cells.iter().filter(|cell| cell.bare != Some(Figure::ZERO));
        cells.flat_map(|cell| cell.seqs.iter().copied()).collect()
    }

    /// In which order figures are withheld for others' sake: parts before their whole, the smallest first, zeros last. By
    /// each one's place.
    pub(super) fn ranks(&self, preference: Preference) -> Vec<usize> {
        let mut order: Vec<_> = self
            .cells
            .iter()
            .enumerate()
            .map(|(place, cell)| {
                let untouched = preference == Preference::Restated && !cell.restated;
                let sizes = |part: usize| cell.part(part).map(Figure::abs).filter(|size| *size > Figure::ZERO);
                let size = [0, 1, 3].into_iter().filter_map(sizes).min();
                (cell.is_no_one(), untouched, cell.is_all(), size.is_none(), size, sizes(2), place)
            })
            .collect();
        order.sort_unstable();
        let mut ranks = vec![0; order.len()];
        for (rank, (.., place)) in order.into_iter().enumerate() {
            set(&mut ranks, place, rank);
        }
        ranks
    }

    /// Adds what sums to what in a period, at each moment that can be asked about.
    fn sum_up(&mut self, figures: &Figures<'a>, period: Period, places: &[usize], steps: &mut Steps) -> Option<()> {
        let mut moments: BTreeMap<Seq, Vec<usize>> = BTreeMap::new();
        for place in places {
            moments.entry(self.cell(*place)?.since()?).or_default().push(*place);
        }
        let groups: usize = figures.dimensions.iter().map(|dimension| dimension.groups.len()).sum();
        let mut standing: BTreeMap<&GroupCode, usize> = BTreeMap::new();
        let mut told: BTreeSet<(usize, Vec<usize>)> = BTreeSet::new();
        let mut before: BTreeMap<usize, Row> = BTreeMap::new();
        for (moment, come) in moments {
            standing.retain(|_, place| self.cell(*place).is_some_and(|cell| cell.stood_at(moment)));
            standing.extend(come.into_iter().filter_map(|place| Some((self.cell(place)?.group?, place))));
            steps.take(BUILDING * (standing.len() + groups))?;
            let all = standing.iter().find(|(group, _)| group.is_all()).map(|(_, place)| *place);
            let mut unposted_all = None;
            for (kind, (parts, left)) in self.splits(figures, &standing, all).into_iter().enumerate() {
                // Two dimensions are tied by an all that nobody posted, which is another at each moment.
                let known = parts.iter().copied().chain(all).collect();
                if parts.is_empty() || (all.is_some() && !told.insert((kind, known))) {
                    continue;
                }
                steps.take(BUILDING * parts.len())?;
                let mut row: Row = parts.iter().map(|place| (*place, 1)).collect();
                let left = left.map(|parts| self.unposted(period, parts));
                row.extend(left.map(|left| (left, 1)));
                row.insert(all.unwrap_or_else(|| *unposted_all.get_or_insert_with(|| self.whole(period, &parts))), -1);
                let holds = self.holds(&row);
                let held = if holds { before.insert(kind, row.clone()) } else { before.remove(&kind) };
                if let Some(before) = held.filter(|_| before.contains_key(&kind)) {
                    let mut shift = row.clone();
                    for (place, factor) in before {
                        *shift.entry(place).or_insert(0) -= factor;
                    }
                    shift.retain(|_, factor| *factor != 0);
                    self.sums.push(Sum { row: shift, holds: true, shift: true });
                }
                self.sums.push(Sum { row, holds, shift: false });
            }
            for (comparator, group) in &figures.gaps {
                if let (Some(more), Some(less)) = (standing.get(comparator), standing.get(group)) {
                    self.leave(period, *more, *less, &mut told);
                }
            }
            for place in standing.values().filter(|place| Some(**place) != all) {
                if let Some(all) = all {
                    self.leave(period, all, *place, &mut told);
                }
            }
        }
        Some(())
    }

    /// Whether a row sums to nothing in any of its numbers; where there are none, it is taken to.
    fn holds(&self, row: &Row) -> bool {
        let mut sums = PARTS.into_iter().filter_map(|part| self.sum(row.iter(), part)).peekable();
        sums.peek().is_none() || sums.any(|sum| sum == Figure::ZERO)
    }

    /// The sum of some cells, where all of them have this number. Factors are ones.
    pub(super) fn sum<'b>(
        &self,
        mut cells: impl Iterator<Item = (&'b usize, &'b i128)>,
        part: usize,
    ) -> Option<Figure> {
        cells.try_fold(Figure::ZERO, |sum, (place, factor)| {
            let number = self.number((*place, part))?;
            Some(if *factor > 0 { sum + number } else { sum - number })
        })
    }

    /// The lots of cells that sum to all at one moment, each with what they leave over, where they leave something.
    fn splits(
        &self,
        figures: &Figures<'a>,
        standing: &BTreeMap<&GroupCode, usize>,
        all: Option<usize>,
    ) -> Vec<(Vec<usize>, Option<Parts>)> {
        let mut splits = Vec::new();
        let mut pairs = Vec::new();
        for dimension in &figures.dimensions {
            let parts: Vec<usize> =
                dimension.groups.iter().filter_map(|group| standing.get(&group.code).copied()).collect();
            let left = all.and_then(|all| self.left_of(all, &parts));
            let nothing_left = left.is_some_and(|left| left.iter().flatten().all(|part| *part == Figure::ZERO));
            let split = if dimension.complete {
                let whole = parts.len() == dimension.groups.len();
                let left = (!whole && !nothing_left).then(|| left.unwrap_or_default());
                // Groups that sum to a figure nobody posted tell nothing unless they are all there.
                if all.is_some() || whole { (parts, left) } else { (Vec::new(), None) }
            } else {
                // Nobody said so, but the figures do.
                pairs.extend(self.pairs(all, &parts).into_iter().map(|pair| (pair, None)));
                if nothing_left && parts.len() > 1 { (parts, None) } else { (Vec::new(), None) }
            };
            splits.push(split);
        }
        splits.extend(pairs);
        splits
    }

    /// Pairs of groups that happen to sum to all, as girls and boys do among other groups.
    fn pairs(&self, all: Option<usize>, parts: &[usize]) -> Vec<Vec<usize>> {
        let Some(all) = all else { return Vec::new() };
        let of: BTreeMap<Parts, Vec<usize>> = parts.iter().fold(BTreeMap::new(), |mut of, place| {
            if let Some(cell) = self.cell(*place) {
                of.entry(cell.parts).or_insert_with(Vec::new).push(*place);
            }
            of
        });
        let partners = parts.iter().filter_map(|place| Some((*place, of.get(&self.left_of(all, &[*place])?)?)));
        let pairs = partners.flat_map(|(one, others)| others.iter().map(move |other| vec![one, *other]));
        pairs.filter(|pair| pair.is_sorted() && pair.first() != pair.last()).collect()
    }

    /// What is left of a whole without some parts, number by number; `None` where they cannot be added up alike.
    fn left_of(&self, whole: usize, parts: &[usize]) -> Option<Parts> {
        let left = PARTS.map(|part| {
            parts.iter().try_fold(self.number((whole, part))?, |left, place| Some(left - self.number((*place, part))?))
        });
        left.iter().any(Option::is_some).then_some(left)
    }

    /// Adds what is left of one figure without another where it is small, whoever it is about.
    fn leave(&mut self, period: Period, more: usize, less: usize, told: &mut BTreeSet<(usize, Vec<usize>)>) {
        let Some(left) = self.left_of(more, &[less]) else { return };
        let small = left.iter().flatten().any(|part| is_small(*part, self.threshold));
        if small && told.insert((usize::MAX, vec![more, less])) {
            let left = self.unposted(period, left);
            let row = BTreeMap::from([(less, 1), (left, 1), (more, -1)]);
            self.sums.push(Sum { holds: self.holds(&row), row, shift: false });
        }
    }

    /// A number that nobody posted.
    fn unposted(&mut self, period: Period, parts: Parts) -> usize {
        let small = parts.iter().flatten().any(|part| is_small(*part, self.threshold));
        self.cells.push(Cell {
            period,
            group: None,
            seqs: Vec::new(),
            until: None,
            parts,
            bare: None,
            small,
            restated: false,
            elsewhere: None,
        });
        self.cells.len() - 1
    }

    /// All where nobody posted it: the same for every dimension that covers everyone.
    fn whole(&mut self, period: Period, parts: &[usize]) -> usize {
        let sum = PARTS
            .map(|part| parts.iter().try_fold(Figure::ZERO, |sum, place| Some(sum + self.number((*place, part))?)));
        let place = self.unposted(period, sum);
        if let Some(cell) = self.cells.get_mut(place) {
            cell.small = false;
        }
        place
    }

    /// Out of how many a rate without its fraction is, as a sum implies it: where only this is not known, or that of others which
    /// are all of one rate, as both what was counted and what it was counted over sum to nothing.
    fn implied(&self, row: &Row, place: usize, multiplier: u32) -> Option<Figure> {
        let (mut over, mut under) = (Figure::ZERO, Figure::ZERO);
        let mut unknown = Vec::new();
        for (other, factor) in row {
            match (self.number((*other, 0)), self.number((*other, 2))) {
                (Some(counted), Some(whole)) if *factor > 0 => (over, under) = (over + counted, under + whole),
                (Some(counted), Some(whole)) => (over, under) = (over - counted, under - whole),
                _ => unknown.push((*other, *factor > 0)),
            }
        }
        let (_, added) = *unknown.iter().find(|(other, _)| *other == place)?;
        let rate = |place: usize| self.cell(place)?.bare;
        let mut others = unknown.iter().filter(|(other, _)| *other != place).map(|(other, _)| rate(*other));
        let whole = match others.next() {
            None => under,
            Some(other) => {
                let other = other.filter(|other| others.all(|one| one == Some(*other)))?;
                let counted = Fraction::from(over).share(multiplier.try_into().ok()?, 1)?;
                let by_other = Fraction::from(other).in_ratio(under, Figure::small(1))?;
                counted.minus(by_other)?.in_ratio(Figure::small(1), rate(place)? - other)?.figure()?
            }
        };
        Some(if added { -whole } else { whole })
    }

    /// Marks rates without their fraction as small where the fraction can be worked out and is.
    fn fill_in(&mut self, figures: &Figures<'a>, steps: &mut Steps) -> Option<()> {
        let counted = figures.kpi.unit == Unit::Count;
        let multiplier = Figure::small(figures.kpi.multiplier);
        if counted || self.cells.iter().all(|cell| cell.bare.is_none()) {
            return Some(());
        }
        let sums_of = whereabouts(self.cells.len(), self.sums.iter().map(|sum| sum.row.keys().copied()));
        let mut said: BTreeMap<_, BTreeSet<Figure>> = BTreeMap::new();
        for cell in self.cells.iter().filter(|cell| cell.group.is_some()) {
            said.entry((cell.group, cell.period)).or_default().extend(cell.part(2));
        }
        let mut small = Vec::new();
        for ((place, cell), sums) in self.cells.iter().enumerate().zip(sums_of) {
            let Some(rate) = cell.bare else { continue };
            let said = said.get(&(cell.group, cell.period)).into_iter().flatten().copied();
            let sums = || sums.iter().filter_map(|sum| self.sums.get(*sum)).filter(|sum| !sum.shift);
            steps.take(said.clone().count() + sums().map(|sum| sum.row.len()).sum::<usize>())?;
            let implied = sums().filter_map(|sum| self.implied(&sum.row, place, figures.kpi.multiplier));
            let is_small = |number: Figure| is_small(number.rounded(0), self.threshold);
            if said.chain(implied).any(|under| {
                let over = Fraction::from(rate).in_ratio(under, multiplier).and_then(Fraction::figure);
                is_small(under) || over.is_some_and(|over| is_small(over) || is_small(under - over))
            }) {
                small.push(place);
            }
        }
        for place in small {
            if let Some(cell) = self.cells.get_mut(place) {
                cell.small = true;
            }
        }
        Some(())
    }

    /// Writes out number by number what holds, and where each cell is found.
    fn relate(&mut self) {
        let sums = self.sums.iter().flat_map(|Sum { row, .. }| {
            let holding = PARTS.into_iter().filter(|part| self.sum(row.iter(), *part) == Some(Figure::ZERO));
            holding.map(|part| row.iter().map(|(place, factor)| ((*place, part), *factor > 0)).collect())
        });
        let whole = |cell: &Cell<'_>| [0, 1, 2].into_iter().all(|part| cell.part(part).is_some());
        let wholes = self.cells.iter().enumerate().filter(|(_, cell)| whole(cell));
        let wholes = wholes.map(|(place, _)| vec![((place, 0), true), ((place, 1), true), ((place, 2), false)]);
        let rises = self.rises.iter().flat_map(|Rise { from, to, parts }| {
            let terms = parts.iter().map(|part| vec![((*from, *part), true), ((*to, *part), false)]);
            terms.map(|terms| Relation { terms, exact: false })
        });
        let exact = sums.chain(wholes).map(|terms| Relation { terms, exact: true });
        self.relations = exact.chain(rises).collect();
        let cells = self.cells.len();
        let of = |shift: bool| {
            let rows = self.sums.iter().map(move |sum| (sum.shift == shift).then_some(&sum.row));
            whereabouts(cells, rows.map(|row| row.into_iter().flat_map(Row::keys).copied()))
        };
        let both = |rise: &Rise| [rise.from, rise.to];
        let all = |step: &Step| step.between.iter().copied().chain([step.from, step.to]).collect::<Vec<_>>();
        let numbers = |relation: &Relation| {
            relation.terms.iter().map(|((place, part), _)| place * PARTS.len() + part).collect::<Vec<_>>()
        };
        self.ties = Ties {
            sums: of(false),
            shifts: of(true),
            rises: whereabouts(cells, self.rises.iter().map(both)),
            steps: whereabouts(cells, self.steps.iter().map(all)),
            relations: whereabouts(cells * PARTS.len(), self.relations.iter().map(numbers)),
        };
    }

    /// Adds what is known of figures of one group that overlap in time.
    fn step_on(&mut self, figures: &Figures<'a>, steps: &mut Steps) -> Option<()> {
        let rolling = figures.kpi.aggregation == Aggregation::Rolling12Months;
        let per_year = figures.kpi.period_kind().per_year();
        let mut lines: BTreeMap<&GroupCode, BTreeMap<Period, Vec<usize>>> = BTreeMap::new();
        for (place, cell) in self.cells.iter().enumerate() {
            if let Some(group) = cell.group {
                lines.entry(group).or_default().entry(cell.period).or_default().push(place);
            }
        }
        let (mut apart, mut rises) = (Vec::new(), Vec::new());
        for (line, period, from) in lines.values().flat_map(|line| {
            line.iter().flat_map(move |(period, ones)| ones.iter().map(move |one| (line, *period, *one)))
        }) {
            let Some(earlier) = self.cell(from) else { continue };
            let mut passed: Vec<usize> = Vec::new();
            let after = line.range((Bound::Excluded(period), Bound::Unbounded));
            for (_, others) in
                after.take_while(|(later, _)| period.distance_to(**later).is_some_and(|apart| apart < per_year))
            {
                let overlapping = |other: &&usize| self.cell(**other).is_some_and(|other| other.stood_with(earlier));
                let gone = |other: &Cell<'_>| other.until.is_some_and(|until| Some(until) <= earlier.since());
                let first = others.partition_point(|other| self.cell(*other).is_some_and(gone));
                let others = || others.iter().skip(first).take_while(overlapping);
                for to in others() {
                    let Some(later) = self.cell(*to) else { continue };
                    steps.take(BUILDING)?;
                    let moved = |part: &usize| Some(later.part(*part)? - earlier.part(*part)?);
                    let small = |part: &usize| moved(part).is_some_and(|moved| is_small(moved, self.threshold));
                    let parts: Vec<usize> = PARTS.into_iter().filter(small).collect();
                    if !parts.is_empty() {
                        steps.take(BUILDING * passed.len())?;
                        let with =
                            |place: &usize| self.cell(*place).is_some_and(|cell| rolling && cell.stood_with(later));
                        let between = passed.iter().copied().filter(with).collect();
                        apart.push(Step { from, to: *to, parts, between });
                    }
                    let rising = |part: &usize| !rolling && moved(part).is_some_and(|moved| moved >= Figure::ZERO);
                    let parts: Vec<usize> = PARTS.into_iter().filter(rising).collect();
                    if !parts.is_empty() {
                        rises.push(Rise { from, to: *to, parts });
                    }
                }
                passed.extend(others());
            }
        }
        (self.steps, self.rises) = (apart, rises);
        Some(())
    }
}

/// The figures of a lot, in the order of period, group and time.
fn cells<'a>(figures: &Figures<'a>, mut posted: Vec<&'a Posted>) -> Vec<Cell<'a>> {
    posted.sort_by_key(|one| (one.period, &one.group, one.seq));
    let counted = figures.kpi.unit == Unit::Count;
    let mut cells: Vec<Cell<'a>> = Vec::new();
    for one in posted {
        let fraction = one.numerator.zip(one.denominator);
        let parts = [
            fraction.map(|(over, _)| over),
            fraction.map(|(over, under)| under - over),
            fraction.map(|(_, under)| under),
            one.value.filter(|_| counted),
        ];
        let bare = one.value.filter(|_| fraction.is_none());
        let small = parts.iter().flatten().any(|part| is_small(*part, figures.threshold));
        let same_place = cells.last().is_some_and(|last| last.period == one.period && last.group == Some(&one.group));
        if let Some(last) = cells.last_mut().filter(|_| same_place) {
            if (last.parts, last.bare) == (parts, bare) && last.until == Some(one.seq) {
                last.seqs.push(one.seq);
                last.until = one.replaced;
                continue;
            }
            last.restated = true;
        }
        // A nil return is no figure, and what it replaced is one no longer.
        if one.value.is_some() {
            let (period, group) = (one.period, Some(&one.group));
            let cell = Cell {
                period,
                group,
                seqs: vec![one.seq],
                until: one.replaced,
                parts,
                bare,
                small,
                restated: same_place,
                elsewhere: one.elsewhere,
            };
            cells.push(cell);
        }
    }
    cells
}

/// How many steps it counts for to write down a figure in what ties it: more than to look at it, as it takes room as well.
const BUILDING: usize = 10;

/// In which of some lots each place is.
fn whereabouts<Lot: IntoIterator<Item = usize>>(places: usize, lots: impl Iterator<Item = Lot>) -> Vec<Vec<usize>> {
    let mut whereabouts = vec![Vec::new(); places];
    for (at, lot) in lots.enumerate() {
        for place in lot {
            if let Some(found) = whereabouts.get_mut(place) {
                found.push(at);
            }
        }
    }
    whereabouts
}

/// Writes something in its place, which is there.
pub(super) fn set<T>(slots: &mut [T], place: usize, what: T) {
    if let Some(slot) = slots.get_mut(place) {
        *slot = what;
    }
}
