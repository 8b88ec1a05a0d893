//! What ties the figures of a KPI together, and so lets a patient reader work one out from others.
//!
//! The reader knows that the groups of a dimension that covers everyone sum to all, at any moment that can be asked
//! about; that what happened from one cumulative figure to the next is their difference and not less than nothing; that
//! windows of twelve months are sums of months; that counts are whole and not negative, and that a count that is
//! withheld is no zero. What nobody posted is unknown to them, and a number all the same. Figures that nothing of that
//! ties, not even by way of others, disclose nothing about one another: each lot that is connected has a reader of its
//! own.

use std::collections::{BTreeMap, BTreeSet};

use super::stood::{Timeline, cells};
use super::{Entry, Figures, GroupCode, Period, Posted, Preference, Steps, is_small};
use crate::kpi::Aggregation;
use crate::number::Figure;

/// The numbers that a figure discloses: what was counted, what is left, over what, and the figure itself if it is a
/// count.
pub(super) const PARTS: [usize; 4] = [0, 1, 2, 3];
pub(super) type Parts = [Option<Figure>; 4];

/// A figure as it was for a while, or a number that nobody posted and a reader can come to know.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the figure, and none excludes another"
)]
pub(super) struct Cell<'a> {
    pub(super) period: Period,
    /// `None` for what nobody posted.
    pub(super) group: Option<&'a GroupCode>,
    /// The entries that said it: the same figure said again is the same.
    pub(super) entries: Vec<Entry>,
    pub(super) value: Option<Figure>,
    pub(super) parts: Parts,
    /// The rate itself, if it came without its fraction.
    pub(super) bare: Option<Figure>,
    /// What a reader knows of each part without having seen it: that it is no less; `None` if it could be anything.
    pub(super) least: Parts,
    /// Whether it must not be worked out.
    pub(super) small: bool,
    /// Whether it can be judged: a rate without its fraction cannot, unless somebody vouches for it.
    pub(super) judged: bool,
    /// Whether another figure stood in its place before or after.
    pub(super) restated: bool,
    /// Whether it stands to this day.
    pub(super) stands: bool,
    /// Whether it is shown whatever becomes of others, by a plan in which it is not sensitive.
    pub(super) fixed: bool,
}

impl Cell<'_> {
    pub(super) fn is_all(&self) -> bool {
        self.group.is_some_and(GroupCode::is_all)
    }

    pub(super) fn part(&self, part: usize) -> Option<Figure> {
        self.parts.get(part).copied().flatten()
    }

    /// Whether it can be withheld for others' sake: a true zero always stays, and so does what is shown elsewhere for good.
    pub(super) fn can_go(&self) -> bool {
        let nothing = self.part(3) == Some(Figure::ZERO) || self.bare == Some(Figure::ZERO);
        !nothing && !self.fixed && self.group.is_some()
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

/// What a sum is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ties {
    /// A whole and its parts.
    Whole,
    /// Two cumulative figures and what happened in between.
    Time,
    /// Windows and their months.
    Months,
}

/// What sums to nothing, or nearly does if figures are wrong or one is restated before the others.
pub(super) struct Sum {
    pub(super) row: Row,
    /// The latest period in it: until that is published, nobody knows it.
    pub(super) period: Period,
    /// Whether it does, in any of its numbers.
    pub(super) holds: bool,
    /// Whether it is what the sums of two moments have not in common.
    pub(super) shift: bool,
    pub(super) ties: Ties,
}

/// Numbers that added, or subtracted, sum to nothing.
pub(super) struct Relation {
    pub(super) terms: Vec<(Number, bool)>,
    /// As of its sum; `None` for one that is known with the figure itself.
    pub(super) period: Option<Period>,
}

/// A reader of figures that are connected.
pub(super) struct Reader<'a> {
    pub(super) threshold: u32,
    pub(super) cells: Vec<Cell<'a>>,
    pub(super) sums: Vec<Sum>,
    /// What holds number by number, as the figures are.
    pub(super) relations: Vec<Relation>,
    /// What stood when; nothing once all is tied.
    timelines: Vec<Timeline<'a>>,
    /// By cell, which sums it is in.
    sums_of: Vec<Vec<usize>>,
    /// By number, which relations it is in.
    relations_of: Vec<Vec<usize>>,
}

impl<'a> Reader<'a> {
    /// A reader of each lot of figures that can hang together: a period's, a year's if figures add up over it, or all
    /// if they go over into one another.
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
        let of = |lot: Vec<&'a Posted>| {
            let (cells, timelines) = cells(figures, &lot);
            Self { timelines, ..Self::of(figures.threshold, cells) }
        };
        lots.into_values().map(of).collect()
    }

    fn of(threshold: u32, cells: Vec<Cell<'a>>) -> Self {
        let (sums, relations, timelines) = (Vec::new(), Vec::new(), Vec::new());
        let (sums_of, relations_of) = (Vec::new(), Vec::new());
        Self { threshold, cells, sums, relations, timelines, sums_of, relations_of }
    }

    /// Adds what ties the figures.
    pub(super) fn tie(&mut self, figures: &Figures<'a>, steps: &mut Steps) -> Option<()> {
        let mut timelines = std::mem::take(&mut self.timelines);
        self.tie_in_periods(figures, &mut timelines, steps)?;
        self.tie_over_time(figures, &timelines, steps)
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
        let relate = |mut reader: Self| {
            reader.relate();
            reader
        };
        readers.into_values().map(relate).collect()
    }

    /// The first cell of the lot that each cell is connected with.
    fn lots(&self) -> Vec<usize> {
        let mut before: Vec<usize> = (0..self.cells.len()).collect();
        let first = |before: &mut [usize], mut place: usize| {
            while let Some(next) = before.get(place).copied().filter(|next| *next != place) {
                // Shortens the way for those who come after.
                let after = before.get(next).copied().unwrap_or(next);
                set(before, place, after);
                place = after;
            }
            place
        };
        for row in self.sums.iter().map(|sum| &sum.row) {
            for (one, other) in row.keys().zip(row.keys().skip(1)) {
                let (one, other) = (first(&mut before, *one), first(&mut before, *other));
                set(&mut before, one.max(other), one.min(other));
            }
        }
        (0..self.cells.len()).map(|place| first(&mut before, place)).collect()
    }

    /// How many figures and numbers that nobody posted it has to do with.
    pub(super) fn size(&self) -> usize {
        self.cells.len()
    }

    /// The sums that a cell is in.
    pub(super) fn sums_of(&self, place: usize) -> &[usize] {
        self.sums_of.get(place).map_or(&[], Vec::as_slice)
    }

    pub(super) fn relations_of(&self, (place, part): Number) -> &[usize] {
        self.relations_of.get(place * PARTS.len() + part).map_or(&[], Vec::as_slice)
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

    /// The figures that are withheld whatever becomes of others: those that are small themselves, or cannot be judged.
    pub(super) fn withheld_anyway(&self) -> BTreeSet<usize> {
        let all = self.cells.iter().enumerate().filter(|(_, cell)| cell.group.is_some() && cell.small);
        all.map(|(place, _)| place).collect()
    }

    /// Whether any figure was replaced by another.
    pub(super) fn has_restatements(&self) -> bool {
        self.cells.iter().any(|cell| cell.restated)
    }

    /// How many of some figures still stand.
    pub(super) fn standing(&self, hidden: &BTreeSet<usize>) -> usize {
        hidden.iter().filter_map(|place| self.cell(*place)).filter(|cell| cell.stands).count()
    }

    /// The journal entries of some figures.
    pub(super) fn entries(&self, hidden: &BTreeSet<usize>) -> BTreeSet<Entry> {
        hidden.iter().filter_map(|place| self.cell(*place)).flat_map(|cell| cell.entries.iter().copied()).collect()
    }

    /// Of when a figure is.
    pub(super) fn period(&self, place: usize) -> Option<Period> {
        self.cell(place).map(|cell| cell.period)
    }

    /// The periods in which anything is published that a sum has to do with, in order.
    pub(super) fn periods(&self) -> BTreeSet<Period> {
        self.sums.iter().map(|sum| sum.period).collect()
    }

    /// The journal entries of all figures but plain zeros.
    pub(super) fn all_but_zeros(&self) -> BTreeSet<Entry> {
        let cells = self.cells.iter().filter(|cell| !cell.judged || cell.bare != Some(Figure::ZERO));
        cells.flat_map(|cell| cell.entries.iter().copied()).collect()
    }

    /// The tables of plain counts: groups that make up a whole, all of them posted, in the order of their codes, and the whole.
    pub(super) fn tables(&self) -> Vec<(Vec<usize>, usize)> {
        let count = |place: &usize| {
            self.cell(*place).is_some_and(|cell| {
                cell.group.is_some()
                    && cell.part(0).is_none()
                    && cell.part(3).is_some_and(|count| count >= Figure::ZERO)
            })
        };
        let sums = self.sums.iter().filter(|sum| sum.ties == Ties::Whole && sum.holds && !sum.shift);
        let tables = sums.filter(|sum| sum.row.keys().all(count)).filter_map(|sum| {
            let (wholes, parts): (Vec<_>, Vec<_>) = sum.row.iter().partition(|(_, factor)| **factor < 0);
            let whole = wholes.first().filter(|_| wholes.len() == 1)?;
            Some((parts.into_iter().map(|(place, _)| *place).collect(), *whole.0))
        });
        tables.collect()
    }

    /// In which order figures are withheld for others' sake: those of later periods before what was published before, parts
    /// before their whole, the smallest first, zeros last. By each one's place.
    pub(super) fn ranks(&self, preference: Preference) -> Vec<Rank> {
        let order = self.cells.iter().enumerate().map(|(place, cell)| {
            let untouched = preference == Preference::Restated && !cell.restated;
            let sizes = |part: usize| cell.part(part).map(Figure::abs).filter(|size| *size > Figure::ZERO);
            let size = [0, 1, 3].into_iter().filter_map(sizes).min();
            (untouched, cell.is_all(), size.is_none(), size, sizes(2), place)
        });
        let mut order: Vec<_> = order.collect();
        order.sort_unstable();
        let mut ranks: Vec<Rank> = Vec::new();
        ranks.resize_with(order.len(), || Rank { no_one: false, later: None, size: 0 });
        for (size, (.., place)) in order.into_iter().enumerate() {
            if let Some(cell) = self.cell(place) {
                let (no_one, later) = (cell.is_no_one(), Some(std::cmp::Reverse(cell.period)));
                set(&mut ranks, place, Rank { no_one, later, size });
            }
        }
        ranks
    }

    /// A number that nobody posted.
    pub(super) fn unposted(&mut self, period: Period, parts: Parts, least: Parts, small: bool) -> usize {
        self.cells.push(Cell {
            period,
            group: None,
            entries: Vec::new(),
            value: None,
            parts,
            bare: None,
            least,
            small,
            judged: true,
            restated: false,
            stands: false,
            fixed: false,
        });
        self.cells.len() - 1
    }

    /// The sum of some cells, if all of them have this number. Factors are ones.
    pub(super) fn sum_of<'b>(
        &self,
        mut cells: impl Iterator<Item = (&'b usize, &'b i128)>,
        part: usize,
    ) -> Option<Figure> {
        cells.try_fold(Figure::ZERO, |sum, (place, factor)| {
            let number = self.number((*place, part))?;
            Some(if *factor > 0 { sum + number } else { sum - number })
        })
    }

    /// Writes out number by number what holds, and where each cell is found.
    fn relate(&mut self) {
        let sums = self.sums.iter().flat_map(|Sum { row, period, .. }| {
            let holding = PARTS.into_iter().filter(|part| self.sum_of(row.iter(), *part) == Some(Figure::ZERO));
            let terms = holding.map(|part| row.iter().map(|(place, factor)| ((*place, part), *factor > 0)).collect());
            terms.map(|terms| Relation { terms, period: Some(*period) })
        });
        let whole = |cell: &Cell<'_>| [0, 1, 2].into_iter().all(|part| cell.part(part).is_some());
        let wholes = self.cells.iter().enumerate().filter(|(_, cell)| whole(cell));
        let wholes = wholes.map(|(place, _)| Relation {
            terms: vec![((place, 0), true), ((place, 1), true), ((place, 2), false)],
            period: None,
        });
        self.relations = sums.chain(wholes).collect();
        let cells = self.cells.len();
        let numbers = |relation: &Relation| {
            relation.terms.iter().map(|((place, part), _)| place * PARTS.len() + part).collect::<Vec<_>>()
        };
        self.sums_of = whereabouts(cells, self.sums.iter().map(|sum| sum.row.keys().copied()));
        self.relations_of = whereabouts(cells * PARTS.len(), self.relations.iter().map(numbers));
    }
}

/// Which of the figures that could be withheld for others' sake goes first: the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) no_one: bool,
    pub(super) later: Option<std::cmp::Reverse<Period>>,
    pub(super) size: usize,
}

/// How many steps it counts for to write down a figure in what ties it: more than to look at it, as it takes room as well.
pub(super) const BUILDING: usize = 10;

/// In which of some lots each place is.
pub(super) fn whereabouts<Lot: IntoIterator<Item = usize>>(
    places: usize,
    lots: impl Iterator<Item = Lot>,
) -> Vec<Vec<usize>> {
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
