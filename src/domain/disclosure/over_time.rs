//! What ties the figures of a group, or of what groups leave over, from one period to the next.
//!
//! Of figures that add up over a year a reader knows each difference, which is what happened in between. Of windows of
//! twelve months a difference is what came less what went, and counts nobody; but each window is a sum of months that
//! count some and never fewer than none, and if windows leave these no room, a reader knows them.

use std::collections::BTreeSet;

use super::reader::{BUILDING, PARTS, Parts, Reader, Row, Sum, Ties};
use super::stood::{Line, Span, Timeline, Whose, moments, standing};
use super::{Figure, Figures, Period, Steps, is_small};
use crate::kpi::Aggregation;

/// How much room, in people, the windows of a line leave at least if nothing can be worked out from them.
const ROOM: u32 = 2;

impl<'a> Reader<'a> {
    /// Adds what ties the figures of each line over time.
    pub(super) fn tie_over_time(
        &mut self,
        figures: &Figures<'a>,
        timelines: &[Timeline<'a>],
        steps: &mut Steps,
    ) -> Option<()> {
        let per_year = usize::try_from(figures.kpi.period_kind().per_year()).ok()?;
        let mut told = BTreeSet::new();
        for line in timelines.iter().flat_map(|timeline| timeline.lines.values()) {
            for moment in moments(line.values().flatten()) {
                steps.take(BUILDING * line.len())?;
                let at = |(period, spans): (&Period, &Vec<_>)| Some((*period, standing(spans, moment)?));
                let figures_then: Vec<(Period, usize)> = line.iter().filter_map(at).collect();
                match figures.kpi.aggregation {
                    Aggregation::YearToDate => self.count_on(&figures_then, &mut told, steps)?,
                    Aggregation::Rolling12Months if per_year > 1 => {
                        if told.insert(figures_then.iter().map(|(_, place)| *place).collect()) {
                            self.roll_on(&figures_then, per_year, steps)?;
                        }
                    }
                    Aggregation::Rolling12Months | Aggregation::InPeriod | Aggregation::Snapshot => {}
                }
            }
        }
        Some(())
    }

    /// Adds what happened from each cumulative figure to the next, and between any two if that is small.
    fn count_on(&mut self, line: &[(Period, usize)], told: &mut BTreeSet<Vec<usize>>, steps: &mut Steps) -> Option<()> {
        for (at, (_, from)) in line.iter().enumerate() {
            for (after, (period, to)) in line.iter().skip(at + 1).enumerate() {
                steps.take(1)?;
                let moved = PARTS.map(|part| Some(self.number((*to, part))? - self.number((*from, part))?));
                let small = moved.iter().flatten().any(|moved| is_small(*moved, self.threshold));
                if from == to || (after > 0 && !small) || !told.insert(vec![*from, *to]) {
                    continue;
                }
                steps.take(BUILDING)?;
                // A figure that fell was corrected: then anything can have happened in between.
                let least = moved.map(|moved| moved.filter(|moved| *moved >= Figure::ZERO).map(|_| Figure::ZERO));
                let more = self.unposted(*period, moved, least, small);
                let row = Row::from([(*from, 1), (more, 1), (*to, -1)]);
                self.sums.push(Sum { row, period: *period, holds: true, shift: false, ties: Ties::Time });
            }
        }
        Some(())
    }

    /// Adds the months of a line of windows, part by part, if the windows leave them no room.
    fn roll_on(&mut self, line: &[(Period, usize)], per_year: usize, steps: &mut Steps) -> Option<()> {
        let (Some((first, _)), Some((last, _))) = (line.first(), line.last()) else { return Some(()) };
        let length = usize::try_from(first.distance_to(*last)?).ok()? + 1;
        for part in [0, 1, 3] {
            steps.take(BUILDING * (length + per_year))?;
            let known: Vec<Option<(usize, Figure)>> = (0..length)
                .map(|at| {
                    let period = first.step(i32::try_from(at).ok()?)?;
                    let (_, place) = line.iter().find(|(known, _)| *known == period)?;
                    Some((*place, self.number((*place, part))?))
                })
                .collect();
            let fills = [Windows::of(&known, per_year, Fill::Before), Windows::of(&known, per_year, Fill::After)];
            // If neither fits, the windows cannot be right, and disclose nothing.
            let Some(windows) = fills.into_iter().flatten().next() else { continue };
            if length > 1 && windows.room < Figure::small(ROOM) {
                self.take_apart(*first, &known, &windows, per_year, part);
            }
        }
        Some(())
    }

    /// Writes out each window as the sum of its months.
    fn take_apart(
        &mut self,
        first: Period,
        known: &[Option<(usize, Figure)>],
        windows: &Windows,
        per_year: usize,
        part: usize,
    ) {
        let number = |number: Figure| -> Parts { PARTS.map(|one| (one == part).then_some(number)) };
        let nothing = number(Figure::ZERO);
        let before = i32::try_from(per_year).unwrap_or(1);
        let mut months = Vec::new();
        for (at, month) in (0..).zip(&windows.months) {
            let period = first.step(at + 1 - before).unwrap_or(first).max(first);
            let small = is_small(*month, self.threshold);
            months.push(self.unposted(period, number(*month), nothing, small));
        }
        let mut sums: Vec<usize> = Vec::new();
        for (at, (known, sum)) in (0..).zip(known.iter().zip(&windows.sums)) {
            let period = first.step(at).unwrap_or(first);
            let window = known.map_or_else(|| self.unposted(period, number(*sum), nothing, false), |(place, _)| place);
            let row: Row = match (sums.last(), months.get(sums.len() + per_year - 1)) {
                // What came less what went.
                (Some(before), Some(came)) => {
                    let went = months.get(sums.len() - 1).map(|went| (*went, -1));
                    [(*came, 1), (*before, 1), (window, -1)].into_iter().chain(went).collect()
                }
                _ => months.iter().take(per_year).map(|month| (*month, 1)).chain([(window, -1)]).collect(),
            };
            self.sums.push(Sum { row, period, holds: true, shift: false, ties: Ties::Months });
            sums.push(window);
        }
    }
}

/// How a window that nobody posted is thought of.
#[derive(Clone, Copy)]
enum Fill {
    /// As the one before.
    Before,
    /// As the one after.
    After,
}

/// Windows as they could be, of months as they could be.
struct Windows {
    sums: Vec<Figure>,
    months: Vec<Figure>,
    /// How many more the first months could count than these: none if windows determine all months.
    room: Figure,
}

impl Windows {
    /// `None` if the windows cannot be so.
    fn of(known: &[Option<(usize, Figure)>], per_year: usize, fill: Fill) -> Option<Self> {
        let mut sums: Vec<Option<Figure>> = known.iter().map(|one| one.map(|(_, window)| window)).collect();
        if matches!(fill, Fill::After) {
            sums.reverse();
        }
        let mut last = sums.iter().flatten().next().copied()?;
        for sum in &mut sums {
            last = *sum.get_or_insert(last);
        }
        if matches!(fill, Fill::After) {
            sums.reverse();
        }
        let sums: Vec<Figure> = sums.into_iter().flatten().collect();
        // Month by month how many more than in the same month of the first window.
        let mut more = vec![Figure::ZERO; per_year];
        for (at, (before, after)) in sums.iter().zip(sums.iter().skip(1)).enumerate() {
            more.push(*more.get(at)? + (*after - *before));
        }
        let mut start = vec![Figure::ZERO; per_year];
        for (month, more) in more.iter().enumerate() {
            let at_start = start.get_mut(month % per_year)?;
            *at_start = (*at_start).max(-*more);
        }
        let needed = start.iter().fold(Figure::ZERO, |sum, one| sum + *one);
        let room = *sums.first()? - needed;
        if room < Figure::ZERO {
            return None;
        }
        let first = start.first_mut()?;
        *first = *first + room;
        let months = more.iter().enumerate();
        let months = months.map(|(month, more)| Some(*start.get(month % per_year)? + *more)).collect::<Option<_>>()?;
        Some(Self { sums, months, room })
    }
}

/// Adds a span of a rest to its line.
pub(super) fn stand<'a>(timeline: &mut Timeline<'a>, whose: Whose<'a>, period: Period, span: Span) {
    let line: &mut Line = timeline.lines.entry(whose).or_default();
    line.entry(period).or_default().push(span);
}
