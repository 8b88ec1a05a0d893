//! What stood when: the figures of a lot as cells, and the timelines that each plan's readers can ask about.
//!
//! The same figure in the same place is one cell, whichever entries said it, in whichever plan. The first figure of a place
//! is taken to have stood there from the start, so that the order in which a table was posted changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::{Cell, Parts};
use super::{Figures, GroupCode, Origin, Period, Posted, Seq, is_small};
use crate::kpi::Unit;
use crate::number::Figure;

/// A cell as it was in a place for a while.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) cell: usize,
    pub(super) since: Seq,
    pub(super) until: Option<Seq>,
}

impl Span {
    fn always(cell: usize) -> Self {
        Self { cell, since: FIRST, until: None }
    }

    fn stood_at(&self, moment: Seq) -> bool {
        self.since <= moment && self.until.is_none_or(|until| moment < until)
    }
}

/// Before every entry of a journal.
const FIRST: Seq = Seq(i64::MIN);

/// What stood in the places of one group, or of one lot of groups, period by period.
pub(super) type Line = BTreeMap<Period, Vec<Span>>;

/// Whose figures a line is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whose<'a> {
    /// A group that figures were posted of.
    Group(&'a GroupCode),
    /// Everyone, if nobody posted that of any period and the groups determine it.
    All,
    /// What these groups make up together, by the number of the split that they belong to.
    Rest(usize, Vec<&'a GroupCode>),
}

/// What one plan's readers can ask about, moment by moment.
#[derive(Default)]
pub(super) struct Timeline<'a> {
    pub(super) lines: BTreeMap<Whose<'a>, Line>,
}

impl<'a> Timeline<'a> {
    /// What was posted of each group in a period.
    pub(super) fn in_period(&self, period: Period) -> BTreeMap<&'a GroupCode, Vec<Span>> {
        let of = |(whose, line): (&Whose<'a>, &Line)| match whose {
            Whose::Group(group) => Some((*group, line.get(&period)?.clone())),
            Whose::All | Whose::Rest(..) => None,
        };
        self.lines.iter().filter_map(of).collect()
    }

    /// The code of all, if it was posted of any period.
    pub(super) fn all(&self) -> Option<&'a GroupCode> {
        self.lines.keys().find_map(|whose| match whose {
            Whose::Group(group) if group.is_all() => Some(*group),
            Whose::Group(_) | Whose::All | Whose::Rest(..) => None,
        })
    }

    /// The periods that anything was posted of.
    pub(super) fn periods(&self) -> BTreeSet<Period> {
        self.lines.values().flat_map(BTreeMap::keys).copied().collect()
    }
}

/// The moments at which something came or went, in order.
pub(super) fn moments<'s>(spans: impl Iterator<Item = &'s Span>) -> BTreeSet<Seq> {
    spans.flat_map(|span| [Some(span.since), span.until]).flatten().collect()
}

/// The cell that stood in a place at a moment.
pub(super) fn standing(spans: &[Span], moment: Seq) -> Option<usize> {
    spans.iter().find(|span| span.stood_at(moment)).map(|span| span.cell)
}

/// The cells of a lot, in the order of period, group and value, and what stood when.
pub(super) fn cells<'a>(figures: &Figures<'a>, lot: &[&'a Posted]) -> (Vec<Cell<'a>>, Vec<Timeline<'a>>) {
    let mut lot = lot.to_vec();
    let said = |one: &Posted| (one.value, one.numerator, one.denominator);
    // A baseline comes after what was posted: it may be the same figure.
    lot.sort_by_key(|one| (one.period, &one.group, one.origin == Origin::Baseline, said(one), one.entry));
    let mut cells: Vec<Cell<'a>> = Vec::new();
    let mut timelines: BTreeMap<(usize, bool), Timeline<'a>> = BTreeMap::new();
    for one in lot {
        // A nil return is no figure, and what it replaced is one no longer.
        if one.value.is_none() {
            continue;
        }
        let place = same(&cells, figures, one).unwrap_or_else(|| {
            cells.push(cell(figures, one));
            cells.len() - 1
        });
        let Some(cell) = cells.get_mut(place) else { continue };
        cell.entries.push(one.entry);
        cell.stands |= one.replaced.is_none();
        cell.fixed |= one.origin == Origin::Shown;
        // What cannot be judged is no more than if nobody had posted it.
        if cell.judged {
            let timeline = timelines.entry((one.entry.plan, one.origin == Origin::Baseline)).or_default();
            let line = timeline.lines.entry(Whose::Group(&one.group)).or_default();
            let span = Span { cell: place, since: one.entry.seq, until: one.replaced };
            line.entry(one.period).or_default().push(span);
        }
    }
    mark_restated(&mut cells);
    for spans in timelines.values_mut().flat_map(|timeline| timeline.lines.values_mut().flat_map(BTreeMap::values_mut))
    {
        spans.sort_by_key(|span| span.since);
        if let Some(first) = spans.first_mut() {
            first.since = FIRST;
        }
    }
    (cells, beside_one_another(timelines))
}

/// The timelines, each with what only others disclose: who reads one plan may read the next as well.
fn beside_one_another<'a>(timelines: BTreeMap<(usize, bool), Timeline<'a>>) -> Vec<Timeline<'a>> {
    let mut last: BTreeMap<(Whose<'a>, Period), Span> = BTreeMap::new();
    for timeline in timelines.iter().filter(|((_, baselines), _)| !baselines).map(|(_, timeline)| timeline) {
        for (whose, line) in &timeline.lines {
            let ends = line.iter().filter_map(|(period, spans)| Some((*period, spans.last()?)));
            last.extend(ends.map(|(period, span)| ((whose.clone(), period), Span::always(span.cell))));
        }
    }
    let mut all: Vec<Timeline<'a>> = timelines.into_values().collect();
    for timeline in &mut all {
        for ((whose, period), span) in &last {
            let line = timeline.lines.entry(whose.clone()).or_default();
            line.entry(*period).or_insert_with(|| vec![*span]);
        }
    }
    all
}

/// The cell that a figure is, if it is one that is there.
fn same(cells: &[Cell<'_>], figures: &Figures<'_>, one: &Posted) -> Option<usize> {
    let in_place = |cell: &&Cell<'_>| cell.period == one.period && cell.group == Some(&one.group);
    let place = cells.iter().rev().take_while(in_place).position(|cell| {
        let rounded = |value: Option<Figure>| value.map(|value| value.rounded(figures.kpi.decimals));
        match one.origin {
            // A baseline has no numbers of its own.
            Origin::Baseline if figures.kpi.unit != Unit::Count => rounded(cell.value) == rounded(one.value),
            Origin::Baseline | Origin::Reading | Origin::Shown => {
                (cell.parts, cell.bare) == (parts(figures, one), bare(one))
            }
        }
    })?;
    cells.len().checked_sub(place + 1)
}

fn parts(figures: &Figures<'_>, one: &Posted) -> Parts {
    let fraction = one.numerator.zip(one.denominator);
    [
        fraction.map(|(over, _)| over),
        fraction.map(|(over, under)| under - over),
        fraction.map(|(_, under)| under),
        one.value.filter(|_| figures.kpi.unit == Unit::Count),
    ]
}

/// The figure itself, if it came without a fraction.
fn bare(one: &Posted) -> Option<Figure> {
    one.value.filter(|_| one.numerator.zip(one.denominator).is_none())
}

fn cell<'a>(figures: &Figures<'a>, one: &'a Posted) -> Cell<'a> {
    let (parts, bare) = (parts(figures, one), bare(one));
    // Days, scores and amounts are averages and no shares of anybody.
    let rate = matches!(figures.kpi.unit, Unit::Percentage | Unit::Rate | Unit::Ratio);
    let judged = !rate || bare.is_none() || figures.checked;
    let one_at_least = Figure::small(1);
    let [over, rest, under, count] = parts.map(|part| part.map(|part| part.min(Figure::ZERO)));
    Cell {
        period: one.period,
        group: Some(&one.group),
        entries: Vec::new(),
        value: one.value,
        parts,
        bare,
        // A count that is withheld is no zero, and a reader knows that.
        least: [over, rest, under, count.and(parts.last().copied().flatten()).map(|count| count.min(one_at_least))],
        small: !judged || parts.iter().flatten().any(|part| is_small(*part, figures.threshold)),
        judged,
        restated: false,
        stands: false,
        fixed: false,
    }
}

fn mark_restated(cells: &mut [Cell<'_>]) {
    let mut places: BTreeMap<(Period, Option<&GroupCode>), usize> = BTreeMap::new();
    for cell in cells.iter() {
        *places.entry((cell.period, cell.group)).or_default() += 1;
    }
    for cell in cells {
        cell.restated = places.get(&(cell.period, cell.group)).is_some_and(|figures| *figures > 1);
    }
}
