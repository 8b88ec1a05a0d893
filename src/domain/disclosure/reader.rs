//! What a patient reader can work out from the figures of a KPI that are published.
//!
//! The reader knows that the groups of a dimension that covers everyone sum to all, at any moment that can be asked about;
//! that what happened from one cumulative figure to the next is their difference and not less than nothing; that counts
//! are whole and not negative, and that what is withheld is no zero. Out of that come sums, solved exactly as linear
//! equations, and bounds, narrowed down until they no longer move.

use std::collections::{BTreeMap, BTreeSet};

use super::{Figures, GroupCode, Period, Posted, Preference, Seq, is_small};
use crate::domain::kpi::{Aggregation, Unit};
use crate::domain::number::{Figure, Fraction};

/// The numbers that a figure tells: what was counted, what is left, over what, and the figure itself where it is a count.
const PARTS: [usize; 4] = [0, 1, 2, 3];
type Parts = [Option<Figure>; 4];

/// A figure as it stood for a while, or a number that nobody posted and sums leave over.
struct Cell<'a> {
    period: Period,
    /// `None` for what nobody posted.
    group: Option<&'a GroupCode>,
    /// The entries that said it: the same figure said again is the same.
    seqs: Vec<Seq>,
    until: Option<Seq>,
    parts: Parts,
    /// The rate itself, where it came without its fraction.
    bare: Option<Figure>,
    /// Whether it must not be worked out.
    small: bool,
    /// Whether another figure stood in its place before or after.
    restated: bool,
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

    fn is_all(&self) -> bool {
        self.group.is_some_and(GroupCode::is_all)
    }

    fn part(&self, part: usize) -> Option<Figure> {
        self.parts.get(part).copied().flatten()
    }

    /// A true zero, which always stays.
    fn is_nothing(&self) -> bool {
        self.part(3) == Some(Figure::ZERO) || self.bare == Some(Figure::ZERO)
    }

    /// No one out of some, which stays as long as anything else could go.
    fn is_no_one(&self) -> bool {
        self.part(0) == Some(Figure::ZERO)
    }
}

/// Cells that sum to nothing with these factors: the parts with 1, their whole with -1.
type Row = BTreeMap<usize, i128>;

/// A part of a cell.
type Number = (usize, usize);

/// Two figures of one group that are published together only if a reader may know their difference.
struct Step {
    from: usize,
    to: usize,
    /// The parts whose difference is small.
    parts: Vec<usize>,
}

/// A reader of figures that hang together.
pub(super) struct Reader<'a> {
    threshold: u32,
    rolling: bool,
    cells: Vec<Cell<'a>>,
    /// What sums to nothing, or nearly does where figures are wrong or one is restated before the others.
    sums: Vec<Row>,
    /// What the sums of two moments have not in common.
    shifts: Vec<Row>,
    /// What sums to nothing number by number, as the figures are.
    equations: Vec<Vec<(Number, i128)>>,
    /// Numbers of which the first is at most the second.
    rises: Vec<(Number, Number)>,
    steps: Vec<Step>,
}

impl<'a> Reader<'a> {
    /// A reader of each lot of figures that hang together: a period's, a year's where figures add up over it, or all where
    /// they go over into one another.
    pub(super) fn each(figures: &'a Figures<'a>) -> impl Iterator<Item = Self> {
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
        lots.into_values().map(|lot| Self::of(figures, lot))
    }

    fn of(figures: &'a Figures<'a>, posted: Vec<&'a Posted>) -> Self {
        let rolling = figures.kpi.aggregation == Aggregation::Rolling12Months;
        let mut reader = Self {
            threshold: figures.threshold,
            rolling,
            cells: cells(figures, posted),
            sums: Vec::new(),
            shifts: Vec::new(),
            equations: Vec::new(),
            rises: Vec::new(),
            steps: Vec::new(),
        };
        let mut periods: BTreeMap<Period, Vec<usize>> = BTreeMap::new();
        for (place, cell) in reader.cells.iter().enumerate() {
            periods.entry(cell.period).or_default().push(place);
        }
        for (period, places) in periods {
            reader.sum_up(figures, period, &places);
        }
        reader.fill_in(figures);
        reader.equate();
        if rolling || figures.kpi.aggregation == Aggregation::YearToDate {
            reader.step_on(figures);
        }
        reader
    }

    fn cell(&self, place: usize) -> Option<&Cell<'a>> {
        self.cells.get(place)
    }

    fn number(&self, (place, part): Number) -> Option<Figure> {
        self.cell(place)?.part(part)
    }

    /// The figures that are small themselves.
    pub(super) fn small(&self) -> BTreeSet<usize> {
        let small = self.cells.iter().enumerate().filter(|(_, cell)| cell.small && cell.group.is_some());
        small.map(|(place, _)| place).collect()
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

    /// In which order figures are withheld for others' sake: parts before their whole, the smallest first, zeros last.
    pub(super) fn rank(&self, place: usize, preference: Preference) -> impl Ord + use<'a> {
        let cell = self.cell(place);
        let untouched = preference == Preference::Restated && cell.is_some_and(|cell| !cell.restated);
        let sizes =
            |part: usize| cell.and_then(|cell| cell.part(part)).map(Figure::abs).filter(|size| *size > Figure::ZERO);
        let size = [0, 1, 3].into_iter().filter_map(sizes).min();
        (
            cell.is_some_and(Cell::is_no_one),
            untouched,
            cell.is_some_and(Cell::is_all),
            size.is_none(),
            size,
            sizes(2),
            place,
        )
    }

    /// Adds what sums to what in a period, at each moment that can be asked about.
    fn sum_up(&mut self, figures: &Figures<'a>, period: Period, places: &[usize]) {
        let moments: BTreeSet<Seq> = places.iter().filter_map(|place| self.cell(*place)?.since()).collect();
        let mut told: BTreeSet<(usize, Vec<usize>)> = BTreeSet::new();
        let mut before: BTreeMap<usize, Row> = BTreeMap::new();
        for moment in moments {
            let standing = places.iter().filter_map(|place| {
                let cell = self.cell(*place).filter(|cell| cell.stood_at(moment))?;
                Some((cell.group?, *place))
            });
            let standing: BTreeMap<&GroupCode, usize> = standing.collect();
            let all = standing.iter().find(|(group, _)| group.is_all()).map(|(_, place)| *place);
            let mut unposted_all = None;
            for (kind, (parts, left)) in self.splits(figures, &standing, all).into_iter().enumerate() {
                // Two dimensions are tied by an all that nobody posted, which is another at each moment.
                let known = parts.iter().copied().chain(all).collect();
                if parts.is_empty() || (all.is_some() && !told.insert((kind, known))) {
                    continue;
                }
                let mut row: Row = parts.iter().map(|place| (*place, 1)).collect();
                let left = left.map(|parts| self.unposted(period, parts));
                row.extend(left.map(|left| (left, 1)));
                row.insert(all.unwrap_or_else(|| *unposted_all.get_or_insert_with(|| self.whole(period, &parts))), -1);
                let held = if self.holds(&row) { before.insert(kind, row.clone()) } else { before.remove(&kind) };
                if let Some(before) = held.filter(|_| before.contains_key(&kind)) {
                    let mut shift = row.clone();
                    for (place, factor) in before {
                        *shift.entry(place).or_insert(0) -= factor;
                    }
                    shift.retain(|_, factor| *factor != 0);
                    self.shifts.push(shift);
                }
                self.sums.push(row);
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
    }

    /// Whether a row sums to nothing in any of its numbers; where there are none, it is taken to.
    fn holds(&self, row: &Row) -> bool {
        let mut sums = PARTS.into_iter().filter_map(|part| self.sum(row.iter(), part)).peekable();
        sums.peek().is_none() || sums.any(|sum| sum == Figure::ZERO)
    }

    /// The sum of some cells, where all of them have this number. Factors are ones.
    fn sum<'b>(&self, mut cells: impl Iterator<Item = (&'b usize, &'b i128)>, part: usize) -> Option<Figure> {
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
            self.sums.push(BTreeMap::from([(less, 1), (left, 1), (more, -1)]));
        }
    }

    /// A number that nobody posted.
    fn unposted(&mut self, period: Period, parts: Parts) -> usize {
        let small = parts.iter().flatten().any(|part| is_small(*part, self.threshold));
        let cell =
            Cell { period, group: None, seqs: Vec::new(), until: None, parts, bare: None, small, restated: false };
        self.cells.push(cell);
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

    /// Marks rates without their fraction as small where the fraction can be worked out and is.
    fn fill_in(&mut self, figures: &Figures<'a>) {
        let counted = figures.kpi.unit == Unit::Count;
        let multiplier = Figure::small(figures.kpi.multiplier);
        let mut small = Vec::new();
        for (place, cell) in self.cells.iter().enumerate() {
            let Some(rate) = cell.bare.filter(|_| !counted) else { continue };
            let others = self.cells.iter().filter(|other| other.group == cell.group && other.period == cell.period);
            let said = others.filter_map(|other| other.part(2));
            let implied = self.sums.iter().filter_map(|sum| {
                let factor = *sum.get(&place)?;
                let others = sum.iter().filter(|(other, _)| **other != place);
                let sum = others.map(|(other, factor)| Some((self.number((*other, 2))?, *factor)));
                let sum = sum.collect::<Option<Vec<_>>>()?;
                Some(sum.into_iter().fold(
                    Figure::ZERO,
                    |sum, (number, other)| if other == factor { sum - number } else { sum + number },
                ))
            });
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
    }

    /// Writes the sums out number by number, where they hold.
    fn equate(&mut self) {
        let mut equations: Vec<Vec<(Number, i128)>> = Vec::new();
        for row in self.sums.iter().chain(&self.shifts) {
            let holding = PARTS.into_iter().filter(|part| self.sum(row.iter(), *part) == Some(Figure::ZERO));
            equations.extend(
                holding.map(|part| row.iter().map(|(place, factor)| ((*place, part), *factor)).collect::<Vec<_>>()),
            );
        }
        for (place, cell) in self.cells.iter().enumerate() {
            if [0, 1, 2].into_iter().all(|part| cell.part(part).is_some()) {
                equations.push(vec![((place, 0), 1), ((place, 1), 1), ((place, 2), -1)]);
            }
        }
        self.equations = equations;
    }

    /// Adds what is known of figures of one group that overlap in time.
    fn step_on(&mut self, figures: &Figures<'a>) {
        let mut lines: BTreeMap<&GroupCode, Vec<(usize, &Cell<'a>)>> = BTreeMap::new();
        for (place, cell) in self.cells.iter().enumerate() {
            if let Some(group) = cell.group {
                lines.entry(group).or_default().push((place, cell));
            }
        }
        let (mut steps, mut rises) = (Vec::new(), Vec::new());
        let per_year = figures.kpi.period_kind().per_year();
        for line in lines.into_values() {
            for (place, (from, earlier)) in line.iter().enumerate() {
                for (to, later) in line.iter().skip(place + 1) {
                    let apart = earlier.period.distance_to(later.period).unwrap_or_default();
                    if !(1..per_year).contains(&apart) || !earlier.stood_with(later) {
                        continue;
                    }
                    let moved = |part: &usize| Some(later.part(*part)? - earlier.part(*part)?);
                    let small = |part: &usize| moved(part).is_some_and(|moved| is_small(moved, self.threshold));
                    let parts: Vec<usize> = PARTS.into_iter().filter(small).collect();
                    if !parts.is_empty() {
                        steps.push(Step { from: *from, to: *to, parts });
                    }
                    let rising = |part: &usize| !self.rolling && moved(part).is_some_and(|moved| moved >= Figure::ZERO);
                    rises.extend(PARTS.into_iter().filter(rising).map(|part| ((*from, part), (*to, part))));
                }
            }
        }
        (self.steps, self.rises) = (steps, rises);
    }

    /// Whether a reader from whom these are hidden works anything small out.
    pub(super) fn finds_something(&self, hidden: &BTreeSet<usize>) -> bool {
        !self.finds(hidden).is_empty()
    }

    /// What small a reader works out from whom these are hidden: for each the figures it was worked out from that could be
    /// hidden as well, which may be none.
    pub(super) fn finds(&self, hidden: &BTreeSet<usize>) -> Vec<Vec<usize>> {
        let unknown =
            |place: &usize| hidden.contains(place) || self.cell(*place).is_some_and(|cell| cell.group.is_none());
        let solved = self.solved(&unknown);
        let open = |place: &usize| unknown(place) && !solved.contains(place);
        let bounds = self.bounds(&open);
        let known = |number: Number| match bounds.get(&number) {
            Some((low, Some(high))) => *high - *low < Figure::small(1),
            Some((_, None)) => false,
            None => !open(&number.0),
        };
        let could_go = |place: &usize| !unknown(place) && self.cell(*place).is_some_and(|cell| !cell.is_nothing());
        let mut found = Vec::new();
        for (place, cell) in self.cells.iter().enumerate().filter(|(_, cell)| cell.small) {
            let told = |part: &usize| {
                cell.part(*part).is_some_and(|part| is_small(part, self.threshold)) && known((place, *part))
            };
            if unknown(&place) && (solved.contains(&place) || PARTS.iter().any(told)) {
                found.push(self.around(place, &unknown, &could_go));
            }
        }
        // Some figures may be hidden, and their sum be told and small.
        for row in self.sums.iter().chain(&self.shifts) {
            let left: Vec<_> = row.iter().filter(|(place, _)| open(place)).collect();
            let alike = left.iter().all(|(_, factor)| left.first().is_some_and(|(_, first)| factor == first));
            let is_whole = |place: &usize| self.cell(*place).is_some_and(Cell::is_all);
            // What the others leave: of wrong figures that is what a reader takes them for.
            let others = || row.iter().filter(|(place, _)| !open(place));
            let small = |part: usize| self.sum(others(), part).is_some_and(|sum| is_small(sum, self.threshold));
            if alike
                && !left.is_empty()
                && !left.iter().any(|(place, _)| is_whole(place))
                && PARTS.into_iter().any(small)
            {
                found.push(row.keys().copied().filter(could_go).collect());
            }
        }
        for step in &self.steps {
            let told = |part: &usize| known((step.from, *part)) && known((step.to, *part));
            if step.parts.iter().any(told) && !(self.rolling && self.between(step, &open)) {
                let ends: Vec<usize> = [step.from, step.to].into_iter().filter(could_go).collect();
                let around =
                    || [step.from, step.to].iter().flat_map(|end| self.around(*end, &unknown, &could_go)).collect();
                found.push(if ends.is_empty() { around() } else { ends });
            }
        }
        found
    }

    /// Whether a figure of the same group that is known lies between two: windows are compared from one to the next.
    fn between(&self, step: &Step, open: &impl Fn(&usize) -> bool) -> bool {
        let (Some(from), Some(to)) = (self.cell(step.from), self.cell(step.to)) else { return false };
        self.cells.iter().enumerate().any(|(place, cell)| {
            cell.group == from.group
                && from.period < cell.period
                && cell.period < to.period
                && cell.stood_with(from)
                && cell.stood_with(to)
                && !open(&place)
        })
    }

    /// The figures by which a hidden one is worked out and that could go: of the sums in which it alone is hidden, else of
    /// all its sums, else of its own group in the year, else of all in its period.
    fn around(
        &self,
        place: usize,
        unknown: &impl Fn(&usize) -> bool,
        could_go: &impl Fn(&usize) -> bool,
    ) -> Vec<usize> {
        let with = || self.sums.iter().filter(|row| row.contains_key(&place));
        let alone = with().filter(|row| row.keys().filter(|other| unknown(other)).count() == 1);
        let of = |rows: Vec<&Row>| -> Vec<usize> {
            let cells: BTreeSet<usize> =
                rows.into_iter().flat_map(|row| row.keys().copied()).filter(could_go).collect();
            cells.into_iter().collect()
        };
        let first = of(alone.take(1).collect());
        if !first.is_empty() {
            return first;
        }
        let all = of(with().collect());
        if !all.is_empty() {
            return all;
        }
        let ends = |((from, _), (to, _)): &(Number, Number)| [*from, *to];
        let near = self.rises.iter().map(ends).filter(|ends| ends.contains(&place)).flatten().filter(could_go);
        let near: BTreeSet<usize> = near.collect();
        if !near.is_empty() {
            return near.into_iter().collect();
        }
        let period = self.cell(place).map(|cell| cell.period);
        let beside = self.cells.iter().enumerate().filter(|(_, cell)| Some(cell.period) == period);
        beside.map(|(beside, _)| beside).filter(could_go).collect()
    }

    /// The unknown cells that the sums determine, by exact elimination.
    fn solved(&self, unknown: &impl Fn(&usize) -> bool) -> BTreeSet<usize> {
        let mut rows: BTreeMap<usize, Row> = BTreeMap::new();
        let mut solved = BTreeSet::new();
        for sum in self.sums.iter().filter(|row| self.holds(row)) {
            let mut row: Row =
                sum.iter().filter(|(place, _)| unknown(place)).map(|(place, factor)| (*place, *factor)).collect();
            let leads: Vec<usize> = row.keys().filter(|place| rows.contains_key(place)).copied().collect();
            for lead in leads {
                if let Some(other) = rows.get(&lead) {
                    row = without(&row, other, lead).unwrap_or_default();
                }
            }
            let Some(first) = row.keys().next().copied() else { continue };
            for other in rows.values_mut().filter(|other| other.contains_key(&first)) {
                // Past a hundred digits, which sums of ones never reach, the safe side is that all is known.
                match without(other, &row, first) {
                    Some(reduced) => *other = reduced,
                    None => solved.extend(other.keys().copied()),
                }
            }
            rows.insert(first, row);
        }
        solved.extend(rows.values().filter(|row| row.len() == 1).flat_map(|row| row.keys().copied()));
        solved
    }

    /// Between which bounds the numbers of the open cells must lie; an upper one that is missing is infinite.
    fn bounds(&self, open: &impl Fn(&usize) -> bool) -> BTreeMap<Number, (Figure, Option<Figure>)> {
        let mut bounds = BTreeMap::new();
        for (place, cell) in self.cells.iter().enumerate().filter(|(place, _)| open(place)) {
            for part in PARTS {
                if let Some(number) = cell.part(part) {
                    // What is withheld is no zero, and a reader knows that.
                    let least = if part == 3 && cell.group.is_some() { Figure::small(1) } else { Figure::ZERO };
                    bounds.insert((place, part), (least.min(number), None));
                }
            }
        }
        if bounds.is_empty() {
            return bounds;
        }
        let touched = |number: &Number| open(&number.0);
        let equations: Vec<_> =
            self.equations.iter().filter(|terms| terms.iter().any(|(number, _)| touched(number))).collect();
        let rises: Vec<_> = self.rises.iter().filter(|(from, to)| touched(from) || touched(to)).collect();
        for _ in 0..MOST_ROUNDS {
            let mut moved = false;
            for terms in &equations {
                moved |= self.narrow(&mut bounds, terms);
            }
            for (from, to) in &rises {
                let (low, high) = (self.reach(&bounds, *from).0, self.reach(&bounds, *to).1);
                moved |= tighten(&mut bounds, *to, low, None);
                moved |= tighten(&mut bounds, *from, None, high);
            }
            if !moved {
                break;
            }
        }
        bounds
    }

    /// Between which bounds a number lies: what is published lies where it is.
    fn reach(
        &self,
        bounds: &BTreeMap<Number, (Figure, Option<Figure>)>,
        number: Number,
    ) -> (Option<Figure>, Option<Figure>) {
        match bounds.get(&number) {
            Some((low, high)) => (Some(*low), *high),
            None => (self.number(number), self.number(number)),
        }
    }

    /// Narrows each number of a sum down to what the others leave it.
    fn narrow(&self, bounds: &mut BTreeMap<Number, (Figure, Option<Figure>)>, terms: &[(Number, i128)]) -> bool {
        let ends = |bounds: &BTreeMap<_, _>, (number, factor): &(Number, i128)| {
            let (low, high) = self.reach(bounds, *number);
            if *factor > 0 { (low, high) } else { (high.map(|high| -high), low.map(|low| -low)) }
        };
        let mut moved = false;
        for (place, (number, factor)) in terms.iter().enumerate() {
            if !bounds.contains_key(number) {
                continue;
            }
            let others =
                terms.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, term)| ends(bounds, term));
            let (low, high) = others.fold((Some(Figure::ZERO), Some(Figure::ZERO)), |sum, (low, high)| {
                (sum.0.zip(low).map(|(sum, low)| sum + low), sum.1.zip(high).map(|(sum, high)| sum + high))
            });
            let (low, high) = if *factor > 0 { (high.map(|high| -high), low.map(|low| -low)) } else { (low, high) };
            moved |= tighten(bounds, *number, low, high);
        }
        moved
    }
}

/// How often bounds are narrowed at most.
const MOST_ROUNDS: usize = 40;

/// Moves a number's bounds where these are narrower; says whether it did.
fn tighten(
    bounds: &mut BTreeMap<Number, (Figure, Option<Figure>)>,
    number: Number,
    low: Option<Figure>,
    high: Option<Figure>,
) -> bool {
    let Some(bound) = bounds.get_mut(&number) else { return false };
    let before = *bound;
    bound.0 = low.map_or(bound.0, |low| low.max(bound.0));
    bound.1 = match (bound.1, high) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    *bound != before
}

/// A row without a cell, by taking away the row that leads with it; `None` where the factors grow out of all bounds.
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
            };
            cells.push(cell);
        }
    }
    cells
}
