//! Small numbers (docs/rules.md section 10): which figures of a sensitive KPI may not leave for partners and the public.
//!
//! [`withheld`] is the door. It gets every figure that was ever posted for a KPI, as each can still be read as of its
//! time, in this plan and in those that are published together with it, and says which of them are withheld. Figures
//! are withheld at output and never in storage, and the answer is the same in whatever order the figures come or were
//! posted.
//!
//! A figure is withheld because it is small itself, because nobody can say out of how few it comes, or because a reader could
//! work a small number out from it and what else is published. The rooms below say what stood when (`stood`), what ties
//! figures to one another in a period (`in_period`) and from one to the next (`over_time`), what can be worked out by that
//! (`view::View`), adding up, subtracting and narrowing down as a patient reader would, and whether all could be so though a
//! small number were another (`trial`). Members that nobody posted are unknown numbers among the others. As long as something
//! small is found, the next smallest figure of the latest period that it was found by is withheld as well; in the end
//! whatever need not be withheld is published again. A true zero always stays.
//!
//! Figures that nothing ties are chosen among by themselves. How much thought goes into a KPI is bounded, and ample for
//! decades of months; if figures are entangled beyond that, all of those that are connected are withheld but plain
//! zeros.
//!
//! With a threshold of 5:
//!
//! | figures | withheld | why |
//! |---|---|---|
//! | 3/40; 37/40; 2/4 | each | numerator, what is left of the denominator, or denominator is 1 to 5 |
//! | 0/40, 40/40, a count of 0 | nothing | a true zero is no one |
//! | 7.5 % without its numbers | it, unless the KPI's numbers were checked | it may be 3 of 40 |
//! | all 100 = 3 + 20 + 25 + 26 + 26, `complete` | 3 and 20 | 3 is 100 less the others, unless the next smallest goes too |
//! | all 60 = 1 + 2 + 20 + 37, `complete` | 1, 2 and 20 | 1 and 2 together would be 3, which is small as well |
//! | all 43, girls 40, boys 3 or not told | girls and boys | what is left of all is a figure, whoever it is of |
//! | girls 30, boys 13, no free meals 40, two `complete` dimensions | boys | free meals are 30 + 13 - 40 |
//! | white 45 of which 42 are British, 3 not told | 42 | what is left of a group is a figure as well |
//! | two `complete` dimensions, all withheld | one part of each | all is the sum of either |
//! | year to date 20, 23, 60 | 23 | 23 - 20 is what happened in the second quarter, and 20 was shown by then |
//! | year to date, all 60 and 84, girls 30 and 50, boys not told | girls 50 | boys came to 34 from 30 |
//! | year to date 6, 6, 6 beside 0, 2, 8 of all 6, 8, 14 | 2 and the 8 of all | the 6 between two sixes is no secret |
//! | rolling 40, 43 | nothing | 3 more came than went, and nobody knows how many came |
//! | rolling 0, 40, 43 | 43 | after an empty window nothing goes: 3 came |
//! | 3 restated to 10, all 50 to 57, the rest 47 | 3 and 50 | 50 can still be read as of then, and 47 is published now |
//! | 10 restated to 3, all 57 to 50, the rest 47 | 3 and 50 | what was seen of figures that did not change stays seen |
//! | 7.5 % where the others leave a denominator of 40 | it and the next smallest | 3/40 |
//! | all 103/240 = 7.5 % and 50 %, `complete`, checked | both | the two can only be out of 40 and of 200 |

mod in_period;
mod over_time;
mod reader;
mod stood;
mod table;
mod trial;
mod view;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::dimension::Dimension;
use super::ids::{GroupCode, Seq};
use super::kpi::Kpi;
use super::number::Figure;
use super::period::Period;
use reader::Reader;
use view::View;

/// The journal entry that a figure came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// Of which of the plans that are published together, by its place among them.
    pub plan: usize,
    /// Its place in that plan's journal.
    pub seq: Seq,
}

/// How a figure came to be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// It was posted.
    Reading,
    /// It was posted in a plan in which the KPI is not sensitive, which shows it whatever it is.
    Shown,
    /// It is what improvement is measured from.
    Baseline,
}

/// One figure as it was posted and stood for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The journal entry that it came with.
    pub entry: Entry,
    /// The entry that replaced it; `None` while it stands.
    pub replaced: Option<Seq>,
    /// How it came.
    pub origin: Origin,
    /// Of when.
    pub period: Period,
    /// About whom.
    pub group: GroupCode,
    /// The figure; `None` for a nil return.
    pub value: Option<Figure>,
    /// What was counted.
    pub numerator: Option<Figure>,
    /// Over what.
    pub denominator: Option<Figure>,
}

/// All that was ever posted for a KPI, and what ties its figures together by one of its definitions.
#[derive(Clone, Debug)]
pub struct Figures<'a> {
    /// The KPI as it is or was defined.
    pub kpi: &'a Kpi,
    /// Whether somebody vouches for rates without their numbers, which nobody else can judge.
    pub checked: bool,
    /// Numbers from 1 up to this are small.
    pub threshold: u32,
    /// The plans' dimensions: the groups of each, and whether they cover everyone. Those among them that once did.
    pub dimensions: Vec<&'a Dimension>,
    /// The gaps in counts that are computed from this KPI and sensitive themselves: comparator and group.
    pub gaps: Vec<(&'a GroupCode, &'a GroupCode)>,
    /// Every figure, those that were replaced among them.
    pub posted: Vec<Posted>,
}

/// Which figures of a KPI are withheld from readers who may not see its small numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Withheld {
    figures: BTreeSet<Entry>,
    successors: BTreeSet<Entry>,
}

impl Withheld {
    /// Whether the figure that came with a journal entry is.
    pub fn has(&self, entry: Entry) -> bool {
        self.figures.contains(&entry)
    }

    /// Whether the figure that this one replaced is: why it was replaced would disclose it.
    pub fn has_replaced(&self, entry: Entry) -> bool {
        self.successors.contains(&entry)
    }

    /// How many are.
    pub fn len(&self) -> usize {
        self.figures.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.figures.is_empty()
    }
}

/// Whether a number is small: above zero, and at most the threshold.
pub fn is_small(number: Figure, threshold: u32) -> bool {
    let size = number.abs();
    size > Figure::ZERO && size <= Figure::small(threshold)
}

/// Which figures of a sensitive KPI are withheld from those who may not see its small numbers: any that may not be shown by
/// one of its definitions, as readers go on knowing how a figure was defined that can still be read.
pub fn withheld(by_definition: &[Figures<'_>]) -> Withheld {
    by_definition.iter().fold(Withheld::default(), |mut withheld, figures| {
        let Withheld { figures, successors } = withheld_within(figures, Steps(MOST_STEPS));
        withheld.figures.extend(figures);
        withheld.successors.extend(successors);
        withheld
    })
}

/// The same in no more than so many steps.
fn withheld_within(figures: &Figures<'_>, mut steps: Steps) -> Withheld {
    let mut withheld = Withheld::default();
    let mut readers = Vec::new();
    for (reader, tied) in in_turn(Reader::each(figures), &mut steps, |reader, steps| reader.tie(figures, steps)) {
        match tied {
            Some(()) => readers.extend(reader.apart()),
            None => withheld.figures.extend(reader.all_but_zeros()),
        }
    }
    for (reader, chosen) in in_turn(readers, &mut steps, |reader, steps| choose(reader, steps)) {
        withheld.figures.extend(chosen.unwrap_or_else(|| reader.all_but_zeros()));
    }
    let replaced = figures.posted.iter().filter(|posted| withheld.figures.contains(&posted.entry));
    let after = |posted: &Posted| Some(Entry { seq: posted.replaced?, ..posted.entry });
    withheld.successors = replaced.filter_map(after).collect();
    withheld
}

/// The steps that may still be taken, counted and not timed: the answer is the same on any machine.
struct Steps(usize);

/// How many steps a KPI may take: about a second's. Twenty years of months of forty groups take a quarter of them.
const MOST_STEPS: usize = 50_000_000;

impl Steps {
    /// Takes some; `None` if fewer are left.
    fn take(&mut self, steps: usize) -> Option<()> {
        let left = self.0.checked_sub(steps);
        self.0 = left.unwrap_or_default();
        left.map(drop)
    }
}

/// Has every reader do something, the one of the fewest figures first. Each may take its part of the steps that are left:
/// what the easy ones do not need goes to the hard, and no hard one takes it from the others.
fn in_turn<'a, Done>(
    mut readers: Vec<Reader<'a>>,
    steps: &mut Steps,
    mut act: impl FnMut(&mut Reader<'a>, &mut Steps) -> Done,
) -> Vec<(Reader<'a>, Done)> {
    readers.sort_by_key(Reader::size);
    let mut to_come: usize = readers.iter().map(Reader::size).sum();
    let each = readers.into_iter().map(|mut reader| {
        let size = reader.size();
        let part = steps.0 / to_come.max(1) * size;
        let mut left = Steps(part);
        let done = act(&mut reader, &mut left);
        steps.0 -= part - left.0;
        to_come -= size;
        (reader, done)
    });
    each.collect()
}

/// Which of the figures that could go is withheld first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Preference {
    /// The smallest.
    Smallest,
    /// Of those in a place that was restated the smallest, so that a figure that never changed stays as it was seen.
    Restated,
    /// What the most findings hang on.
    Shared,
}

/// The journal entries of the figures that are withheld, so that this reader works nothing small out; `None` if the
/// steps do not suffice.
///
/// Period by period, as they are published: what was shown when a period was the latest stays shown afterwards, as far as
/// anything of the later periods can go instead.
fn choose(reader: &Reader<'_>, steps: &mut Steps) -> Option<BTreeSet<Entry>> {
    let mut view = View::of(reader, steps)?;
    let small = view.hidden().clone();
    let mut ways = vec![Preference::Smallest, Preference::Shared];
    if reader.has_restatements() {
        ways.push(Preference::Restated);
    }
    let mut left = BTreeSet::new();
    for period in reader.periods() {
        view.publish(period, steps)?;
        if !view.found().is_subset(&left) {
            let before = view.hidden().clone();
            let taken_back = |view: &View<'_, '_>| {
                view.hidden().difference(&before).filter(|cell| reader.period(**cell) < Some(period)).count()
            };
            let hidden = ways.iter().filter_map(|way| Some((hide(view.clone(), &small, *way, steps)?, *way)));
            let best = hidden.min_by_key(|(view, way)| {
                (taken_back(view), reader.standing(view.hidden()), view.hidden().len(), *way)
            });
            view = best?.0;
        }
        left.clone_from(view.found());
    }
    let more = known_by_rule(&view, steps)?;
    view.hide(&more, steps)?;
    // What follows from what is shown by now is withheld in vain.
    let hidden = view.hidden().iter().filter(|cell| small.contains(cell) || !view.solves(**cell)).copied();
    Some(reader.entries(&hidden.collect()))
}

/// What must be hidden as well from a reader who knows the rule: in each table of counts whose whole is shown, where what is
/// hidden is as it would be if nothing else tied its groups.
fn known_by_rule(view: &View<'_, '_>, steps: &mut Steps) -> Option<Vec<usize>> {
    let reader = view.reader();
    let mut more = Vec::new();
    for (parts, whole) in reader.tables() {
        let groups = parts.iter().filter_map(|place| reader.number((*place, COUNT))).collect();
        let table = table::Table { groups, threshold: reader.threshold };
        let hidden = |place: usize| view.hidden().contains(&place);
        let chosen = (0..).zip(&parts).filter(|(_, place)| hidden(**place)).map(|(at, _)| at).collect();
        let chosen = table::Choice { groups: chosen, whole: hidden(whole) };
        if chosen.whole || chosen.groups.is_empty() || table.plain(steps)? != chosen {
            continue;
        }
        let guarded = table.guarded(steps)?;
        let added = guarded.groups.difference(&chosen.groups).filter_map(|at| parts.get(*at).copied());
        more.extend(added.chain(Some(whole).filter(|_| guarded.whole)));
    }
    more.retain(|place| !view.hidden().contains(place) && reader.cell(*place).is_some_and(reader::Cell::can_go));
    more.sort_unstable();
    more.dedup();
    Some(more)
}

/// The part of a cell that is the figure itself, of a count.
const COUNT: usize = 3;

/// Hides figures until a reader of this view finds nothing small, then shows what need not be hidden.
fn hide<'r, 'a>(
    mut view: View<'r, 'a>,
    small: &BTreeSet<usize>,
    preference: Preference,
    steps: &mut Steps,
) -> Option<View<'r, 'a>> {
    let ranks = view.reader().ranks(preference);
    loop {
        let found = view.ways(steps)?;
        // One figure of a period at a time, the one that costs least: it can be enough for more than one finding.
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for cell in found.iter().flatten().filter(|_| preference == Preference::Shared) {
            *shared.entry(*cell).or_default() += 1;
        }
        let rank = |cell: usize| {
            let rank = ranks.get(cell);
            (rank.map(|rank| (rank.no_one, rank.later)), Reverse(shared.get(&cell)), rank.map(|rank| rank.size))
        };
        let mut next: BTreeMap<Option<Period>, usize> = BTreeMap::new();
        for cell in found.iter().filter_map(|ways| ways.iter().copied().min_by_key(|cell| rank(*cell))) {
            let best = next.entry(view.reader().period(cell)).or_insert(cell);
            if rank(cell) < rank(*best) {
                *best = cell;
            }
        }
        if next.is_empty() {
            break;
        }
        view.hide(&next.into_values().collect::<Vec<_>>(), steps)?;
    }
    // What is found though nothing is left to hide stays as guarded as it is.
    let guarding = view.guarding(steps)?;
    let found = view.found().clone();
    let tried = view.hidden().difference(small).filter(|cell| !guarding.contains(cell));
    let mut tried: Vec<usize> = tried.copied().collect();
    tried.sort_by_key(|cell| Reverse(ranks.get(*cell)));
    for cell in tried {
        view.show(cell, steps)?;
        if !view.found().is_subset(&found) {
            view.hide(&[cell], steps)?;
        }
    }
    Some(view)
}

#[cfg(test)]
mod tests;
