//! What ties the figures of a period: groups that make up a whole, and what they leave of it.
//!
//! A whole is all, or a group that others lie within. What the groups of a split leave of it is a number though nobody
//! posted it, and so is what any one group leaves.

use std::collections::{BTreeMap, BTreeSet};

use super::over_time::stand;
use super::reader::{BUILDING, PARTS, Parts, Reader, Row, Sum, Ties, whereabouts};
use super::stood::{Span, Timeline, Whose, moments, standing};
use super::{Figure, Figures, GroupCode, Period, Seq, Steps, is_small};
use crate::dimension::Dimension;
use crate::kpi::{Aggregation, Unit};
use crate::number::Fraction;

/// Groups of one dimension side by side.
pub(super) struct Split<'a> {
    /// What they are parts of: `None` for all.
    whole: Option<&'a GroupCode>,
    parts: Vec<&'a GroupCode>,
    /// Whether they make up all of it.
    complete: bool,
}

impl<'a> Split<'a> {
    /// The splits that a dimension makes.
    fn of(dimension: &'a Dimension) -> Vec<Self> {
        let complete = dimension.complete;
        let inside = || dimension.groups.iter().filter(|group| !group.outside);
        let parts = dimension.parts_of_all().map(|group| &group.code).collect();
        let top = Self { whole: None, parts, complete };
        let wholes: BTreeSet<&GroupCode> = inside().filter_map(|group| group.within.as_ref()).collect();
        let nested = wholes.into_iter().map(|whole| {
            let parts = inside().filter(|group| group.within.as_ref() == Some(whole)).map(|group| &group.code);
            Self { whole: Some(whole), parts: parts.collect(), complete }
        });
        std::iter::once(top).chain(nested).collect()
    }
}

/// What ties the figures of a lot in each of its periods.
struct Ground<'f, 'a> {
    figures: &'f Figures<'a>,
    splits: Vec<Split<'a>>,
    /// By the number of the split the lots of groups that are missing in some period.
    lacking: BTreeMap<usize, BTreeSet<Vec<&'a GroupCode>>>,
}

/// What stood in a period at a moment.
struct Moment<'a> {
    period: Period,
    since: Seq,
    until: Option<Seq>,
    of: BTreeMap<&'a GroupCode, usize>,
    all: Option<usize>,
}

impl<'a> Moment<'a> {
    fn whole(&self, split: &Split<'a>) -> Option<usize> {
        split.whole.map_or(self.all, |whole| self.of.get(whole).copied())
    }

    fn parts(&self, split: &Split<'a>) -> Vec<usize> {
        split.parts.iter().filter_map(|group| self.of.get(*group).copied()).collect()
    }

    /// The parts of which nothing is known.
    fn lacks(&self, split: &Split<'a>) -> Vec<&'a GroupCode> {
        split.parts.iter().copied().filter(|group| !self.of.contains_key(group)).collect()
    }

    /// A figure that stood at this moment.
    fn span(&self, cell: usize) -> Span {
        Span { cell, since: self.since, until: self.until }
    }
}

/// What was written down of a lot already.
#[derive(Default)]
struct Told<'a> {
    sums: BTreeSet<Vec<(usize, bool)>>,
    left: BTreeSet<(usize, usize)>,
    /// What groups leave of a whole, or make up together: of when, the number of the split, which groups, and how many.
    /// If it is as many at two moments, a reader may take it that nobody of these groups was corrected, and is right.
    rests: BTreeMap<(Period, usize, Vec<&'a GroupCode>, Parts), usize>,
    /// Groups that nobody posted and others determine, in the same way.
    made: BTreeMap<(Period, Option<&'a GroupCode>, Parts), usize>,
}

impl<'a> Reader<'a> {
    /// Adds what ties the figures of each period, at each moment that can be asked about.
    pub(super) fn tie_in_periods(
        &mut self,
        figures: &Figures<'a>,
        timelines: &mut [Timeline<'a>],
        steps: &mut Steps,
    ) -> Option<()> {
        let splits: Vec<Split<'a>> = figures.dimensions.iter().flat_map(|dimension| Split::of(dimension)).collect();
        let mut ground = Ground { figures, splits, lacking: BTreeMap::new() };
        let mut told = Told::default();
        for timeline in timelines {
            ground.lacking.clear();
            if matches!(figures.kpi.aggregation, Aggregation::YearToDate | Aggregation::Rolling12Months) {
                ground.note_lacking(timeline);
            }
            for period in timeline.periods() {
                let mut before: BTreeMap<usize, Row> = BTreeMap::new();
                for mut moment in Moment::each(timeline, period) {
                    steps.take(BUILDING * (moment.of.len() + ground.splits.len()))?;
                    self.make_up(&ground, &mut moment, timeline, &mut told);
                    self.tie_at(&ground, &moment, timeline, &mut told, &mut before, steps)?;
                }
            }
        }
        self.fill_in(figures, steps)
    }

    /// Adds groups that nobody posted and the others determine: wholes of which all parts are known, and the one part that is not
    /// of a whole that is. They are parts and wholes of others in turn, and figures of their line over time.
    fn make_up(
        &mut self,
        ground: &Ground<'_, 'a>,
        moment: &mut Moment<'a>,
        timeline: &mut Timeline<'a>,
        told: &mut Told<'a>,
    ) {
        let all = timeline.all();
        let mut made = true;
        while made {
            made = false;
            for split in ground.splits.iter().filter(|split| split.complete) {
                let parts = moment.parts(split);
                let (group, parts) = match (moment.whole(split), moment.lacks(split).as_slice()) {
                    // If all is posted of no period, it matters to what else splits it alone.
                    (None, [])
                        if !parts.is_empty() && (split.whole.is_some() || all.is_some() || ground.ties(split)) =>
                    {
                        (split.whole.or(all), self.sum_of_parts(&parts))
                    }
                    (Some(whole), [group]) => match self.left_of(whole, &parts) {
                        Some(left) => (Some(*group), left),
                        None => continue,
                    },
                    _ => continue,
                };
                let small = parts.iter().flatten().any(|part| is_small(*part, self.threshold));
                let known = told.made.get(&(moment.period, group, parts)).copied();
                let place = known.unwrap_or_else(|| self.unposted(moment.period, parts, none_of(parts), small));
                told.made.insert((moment.period, group, parts), place);
                if let Some(group) = group {
                    moment.of.insert(group, place);
                }
                stand(timeline, group.map_or(Whose::All, Whose::Group), moment.period, moment.span(place));
                if group.is_none_or(GroupCode::is_all) {
                    moment.all = Some(place);
                }
                made = true;
            }
        }
    }

    /// Adds what ties the figures that stood in a period at one moment.
    fn tie_at(
        &mut self,
        ground: &Ground<'_, 'a>,
        moment: &Moment<'a>,
        timeline: &mut Timeline<'a>,
        told: &mut Told<'a>,
        before: &mut BTreeMap<usize, Row>,
        steps: &mut Steps,
    ) -> Option<()> {
        for (at, split) in ground.splits.iter().enumerate() {
            steps.take(BUILDING * split.parts.len())?;
            let parts = moment.parts(split);
            if !split.complete {
                if let Some(whole) = moment.whole(split) {
                    self.sum_by_chance(moment.period, whole, &parts, told);
                }
                continue;
            }
            let Some(whole) = moment.whole(split) else { continue };
            let lacks = moment.lacks(split);
            let row = if lacks.is_empty() {
                let row: Row = parts.iter().map(|place| (*place, 1)).chain([(whole, -1)]).collect();
                self.sum(moment.period, row.clone(), Ties::Whole, told);
                Some(row)
            } else {
                self.leave_rest(moment, (at, split, whole), (&lacks, true), timeline, told)
            };
            // What is missing in another period, so that it can be followed over time.
            for other in
                ground.lacking.get(&at).into_iter().flatten().filter(|other| other.len() > 1 && **other != lacks)
            {
                if lacks.iter().all(|group| !other.contains(group)) {
                    self.gather(moment, (at, other), timeline, told);
                } else if lacks.iter().all(|group| other.contains(group)) {
                    self.leave_rest(moment, (at, split, whole), (other, false), timeline, told);
                }
            }
            let Some(row) = row else { continue };
            let held = if self.holds(&row) { before.insert(at, row.clone()) } else { before.remove(&at) };
            if let Some(held) = held.filter(|_| before.contains_key(&at)) {
                self.shift(moment.period, row, held, told);
            }
        }
        for (comparator, group) in &ground.figures.gaps {
            self.leave(moment.period, moment.of.get(comparator).copied(), moment.of.get(group).copied(), told);
        }
        for place in moment.of.values().filter(|place| Some(**place) != moment.all) {
            self.leave(moment.period, moment.all, Some(*place), told);
        }
        for group in ground.figures.dimensions.iter().flat_map(|dimension| &dimension.groups) {
            let whole = group.within.as_ref().and_then(|whole| moment.of.get(whole));
            self.leave(moment.period, whole.copied(), moment.of.get(&group.code).copied(), told);
        }
        Some(())
    }

    /// Adds what a split leaves of a whole without some groups that nobody posted, and perhaps others. Gives the sum with all that
    /// is known.
    fn leave_rest(
        &mut self,
        moment: &Moment<'a>,
        (at, split, whole): (usize, &Split<'a>, usize),
        (rest, is_unknown): (&Vec<&'a GroupCode>, bool),
        timeline: &mut Timeline<'a>,
        told: &mut Told<'a>,
    ) -> Option<Row> {
        let rest_of = split.parts.iter().filter(|group| !rest.contains(group));
        let known: Vec<usize> = rest_of.filter_map(|group| moment.of.get(group).copied()).collect();
        if known.is_empty() {
            return None;
        }
        let left = self.left_of(whole, &known).unwrap_or_default();
        // Several groups together are no secret if some of them are posted: each of those is.
        let small = is_unknown && left.iter().flatten().any(|part| is_small(*part, self.threshold));
        let place = self.rest(moment, (at, rest), left, small, timeline, told);
        let row: Row = known.iter().chain([&place]).map(|place| (*place, 1)).chain([(whole, -1)]).collect();
        self.sum(moment.period, row.clone(), Ties::Whole, told);
        Some(row)
    }

    /// Adds what some groups, all of them known, make up together.
    fn gather(
        &mut self,
        moment: &Moment<'a>,
        (at, rest): (usize, &Vec<&'a GroupCode>),
        timeline: &mut Timeline<'a>,
        told: &mut Told<'a>,
    ) {
        let known: Vec<usize> = rest.iter().filter_map(|group| moment.of.get(group).copied()).collect();
        let sum = self.sum_of_parts(&known);
        if sum.iter().all(Option::is_none) {
            return;
        }
        let place = self.rest(moment, (at, rest), sum, false, timeline, told);
        let row: Row = known.iter().map(|place| (*place, 1)).chain([(place, -1)]).collect();
        self.sum(moment.period, row, Ties::Whole, told);
    }

    /// What some groups of a split come to together at a moment, as a number of its line over time.
    fn rest(
        &mut self,
        moment: &Moment<'a>,
        (at, rest): (usize, &Vec<&'a GroupCode>),
        parts: Parts,
        small: bool,
        timeline: &mut Timeline<'a>,
        told: &mut Told<'a>,
    ) -> usize {
        let key = (moment.period, at, rest.clone(), parts);
        let known = told.rests.get(&key).copied();
        let place = known.unwrap_or_else(|| self.unposted(moment.period, parts, none_of(parts), small));
        told.rests.insert(key, place);
        if let Some(cell) = self.cells.get_mut(place) {
            cell.small |= small;
        }
        stand(timeline, Whose::Rest(at, rest.clone()), moment.period, moment.span(place));
        place
    }

    /// Adds a sum once.
    fn sum(&mut self, period: Period, row: Row, ties: Ties, told: &mut Told<'a>) {
        let shift = false;
        if told.sums.insert(row.iter().map(|(place, factor)| (*place, *factor > 0)).collect()) {
            self.sums.push(Sum { holds: self.holds(&row), row, period, shift, ties });
        }
    }

    /// Adds what the same sum at two moments has not in common.
    fn shift(&mut self, period: Period, mut row: Row, before: Row, told: &mut Told<'a>) {
        for (place, factor) in before {
            *row.entry(place).or_insert(0) -= factor;
        }
        row.retain(|_, factor| *factor != 0);
        let ones = row.values().all(|factor| factor.abs() == 1);
        if ones
            && !row.is_empty()
            && told.sums.insert(row.iter().map(|(place, factor)| (*place, *factor > 0)).collect())
        {
            self.sums.push(Sum { row, period, holds: true, shift: true, ties: Ties::Whole });
        }
    }

    /// Whether a row sums to nothing in any of its numbers; if there are none, it is taken to.
    fn holds(&self, row: &Row) -> bool {
        let mut sums = PARTS.into_iter().filter_map(|part| self.sum_of(row.iter(), part)).peekable();
        sums.peek().is_none() || sums.any(|sum| sum == Figure::ZERO)
    }

    /// Adds sums that nobody said there are, but the figures do: of all groups, of all but one, and of two.
    fn sum_by_chance(&mut self, period: Period, whole: usize, parts: &[usize], told: &mut Told<'a>) {
        let Some(left) = self.left_of(whole, parts) else { return };
        let makes_up = |parts: &[usize]| parts.iter().map(|place| (*place, 1)).chain([(whole, -1)]).collect::<Row>();
        if parts.len() > 1 && left.iter().flatten().all(|part| *part == Figure::ZERO) {
            self.sum(period, makes_up(parts), Ties::Whole, told);
        }
        let numbers = |place: usize| self.cell(place).map(|cell| cell.parts);
        let mut of: BTreeMap<Parts, Vec<usize>> = BTreeMap::new();
        for place in parts {
            of.entry(numbers(*place).unwrap_or_default()).or_default().push(*place);
        }
        let mut rows = Vec::new();
        for one in parts {
            // One that lies across the others, as pupils with free meals do across years of birth.
            let others: Vec<usize> = parts.iter().copied().filter(|other| other != one).collect();
            if others.len() > 1
                && self
                    .left_of(whole, &others)
                    .is_some_and(|left| left.iter().flatten().all(|part| *part == Figure::ZERO))
            {
                rows.push(makes_up(&others));
            }
            let partners = self.left_of(whole, &[*one]).and_then(|left| of.get(&left));
            rows.extend(
                partners.into_iter().flatten().filter(|other| *other > one).map(|other| makes_up(&[*one, *other])),
            );
        }
        for row in rows {
            self.sum(period, row, Ties::Whole, told);
        }
    }

    /// What some groups make up together, number by number.
    fn sum_of_parts(&self, parts: &[usize]) -> Parts {
        PARTS.map(|part| parts.iter().try_fold(Figure::ZERO, |sum, place| Some(sum + self.number((*place, part))?)))
    }

    /// What is left of a whole without some parts, number by number; `None` if they cannot be added up alike.
    fn left_of(&self, whole: usize, parts: &[usize]) -> Option<Parts> {
        let left = PARTS.map(|part| {
            parts.iter().try_fold(self.number((whole, part))?, |left, place| Some(left - self.number((*place, part))?))
        });
        left.iter().any(Option::is_some).then_some(left)
    }

    /// Adds what is left of one figure without another if it is small, whoever it is about.
    fn leave(&mut self, period: Period, more: Option<usize>, less: Option<usize>, told: &mut Told<'a>) {
        let (Some(more), Some(less)) = (more, less) else { return };
        let Some(left) = self.left_of(more, &[less]) else { return };
        let small = left.iter().flatten().any(|part| is_small(*part, self.threshold));
        if small && told.left.insert((more, less)) {
            let left = self.unposted(period, left, none_of(left), true);
            let row = Row::from([(less, 1), (left, 1), (more, -1)]);
            self.sums.push(Sum { holds: true, row, period, shift: false, ties: Ties::Whole });
        }
    }

    /// Out of how many a rate without its fraction is, as a sum implies it: if only this is not known, or that of
    /// others which are all of one rate, as both what was counted and what it was counted over sum to nothing.
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

    /// Marks rates without their fraction as small if the fraction can be worked out and is.
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
}

/// What a reader knows that numbers are at least: none, but for figures that are wrong.
fn none_of(parts: Parts) -> Parts {
    parts.map(|part| part.map(|part| part.min(Figure::ZERO)))
}

impl<'a> Ground<'_, 'a> {
    /// Whether another complete split is of the same whole.
    fn ties(&self, split: &Split<'a>) -> bool {
        self.splits.iter().filter(|other| other.complete && other.whole == split.whole).count() > 1
    }

    /// Notes which groups of each split are missing in some period though others were posted.
    fn note_lacking(&mut self, timeline: &Timeline<'a>) {
        for period in timeline.periods() {
            let posted = timeline.in_period(period);
            for (at, split) in self.splits.iter().enumerate().filter(|(_, split)| split.complete) {
                let lacks: Vec<_> = split.parts.iter().copied().filter(|group| !posted.contains_key(group)).collect();
                if !lacks.is_empty() && lacks.len() < split.parts.len() {
                    self.lacking.entry(at).or_default().insert(lacks);
                }
            }
        }
    }
}

impl<'a> Moment<'a> {
    /// Each moment at which something else stood in a period.
    fn each(timeline: &Timeline<'a>, period: Period) -> Vec<Self> {
        let places = timeline.in_period(period);
        let moments: Vec<Seq> = moments(places.values().flatten()).into_iter().collect();
        let ends = moments.iter().skip(1).copied().map(Some).chain([None]);
        let at = |(since, until): (&Seq, Option<Seq>)| {
            let of = places.iter().filter_map(|(group, spans)| Some((*group, standing(spans, *since)?)));
            let of: BTreeMap<&GroupCode, usize> = of.collect();
            let all = of.iter().find(|(group, _)| group.is_all()).map(|(_, place)| *place);
            Self { period, since: *since, until, of, all }
        };
        moments.iter().zip(ends).map(at).collect()
    }
}
