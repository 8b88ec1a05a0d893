//! Small numbers (domain.md section 10): which figures of a sensitive KPI may not leave for partners and the public.
//!
//! [`withheld`] is the door. It is told every figure that was ever posted for a KPI, as each can still be read as of its
//! time, and says which of them are withheld. Figures are withheld at output and never in storage, and the answer is the
//! same in whatever order the figures are told.
//!
//! A figure is withheld because it is small itself, or because a reader could work a small number out from it and what
//! else is published. What a reader can work out is judged by the room below (`reader::Reader`), which adds up, subtracts
//! and narrows down as a patient reader would. As long as it finds a small number, the next smallest figure that it was found
//! by is withheld as well; in the end whatever need not be withheld is published again. A true zero always stays.
//!
//! With a threshold of 5:
//!
//! | figures | withheld | why |
//! |---|---|---|
//! | 3/40; 37/40; 2/4 | each | numerator, what is left of the denominator, or denominator is 1 to 5 |
//! | 0/40, 40/40, a count of 0 | nothing | a true zero is no one |
//! | all 100 = 3 + 20 + 25 + 26 + 26, `complete` | 3 and 20 | 3 is 100 less the others, unless the next smallest goes too |
//! | all 60 = 1 + 2 + 20 + 37, `complete` | 1, 2 and 20 | 1 and 2 together would be 3, which is small as well |
//! | all 43, girls 40, boys 3 or not told | girls and boys | what is left of all is a figure, whoever it is of |
//! | two `complete` dimensions, all withheld | one part of each | all is the sum of either |
//! | year to date 20, 23, 60 | 20 | 23 - 20 is what happened in the second quarter |
//! | year to date 6, 6, 6 beside 0, 2, 8 of all 6, 8, 14 | 2 and the 8 of all | the 6 between two sixes is no secret |
//! | rolling 40, 43 | 40 | the two windows differ by 3 |
//! | 3 restated to 10, all 50 to 57, the rest 47 | 3 and 50 | 50 can still be read as of then, and 47 is published now |
//! | 10 restated to 3, all 57 to 50, the rest 47 | 3 and 50 | what was seen of figures that did not change stays seen |
//! | 7.5 % where the others leave a denominator of 40 | it and the next smallest | 3/40 |

mod reader;

use std::collections::{BTreeMap, BTreeSet};

use super::dimension::Dimension;
use super::ids::{GroupCode, Seq};
use super::kpi::Kpi;
use super::number::Figure;
use super::period::Period;
use reader::Reader;

/// One figure as it was posted and stood for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The journal entry that it came with.
    pub seq: Seq,
    /// The entry that replaced it; `None` while it stands.
    pub replaced: Option<Seq>,
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

/// All that was ever posted for a KPI, and what ties its figures together.
#[derive(Clone, Debug)]
pub struct Figures<'a> {
    /// The KPI.
    pub kpi: &'a Kpi,
    /// Numbers from 1 up to this are small.
    pub threshold: u32,
    /// The plan's dimensions: the groups of each, and whether they cover everyone.
    pub dimensions: Vec<&'a Dimension>,
    /// The gaps in counts that are computed from this KPI and sensitive themselves: comparator and group.
    pub gaps: Vec<(&'a GroupCode, &'a GroupCode)>,
    /// Every figure, those that were replaced among them.
    pub posted: Vec<Posted>,
}

/// Which figures of a KPI are withheld from readers who may not see its small numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Withheld {
    figures: BTreeSet<Seq>,
    successors: BTreeSet<Seq>,
}

impl Withheld {
    /// Whether the figure that came with a journal entry is.
    pub fn has(&self, seq: Seq) -> bool {
        self.figures.contains(&seq)
    }

    /// Whether the figure that this one replaced is: why it was replaced tells of it.
    pub fn has_replaced(&self, seq: Seq) -> bool {
        self.successors.contains(&seq)
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

/// Which figures of a sensitive KPI are withheld from those who may not see its small numbers.
pub fn withheld(figures: &Figures<'_>) -> Withheld {
    let mut withheld = Withheld::default();
    if figures.posted.len() > MOST_FIGURES {
        withheld.figures =
            figures.posted.iter().filter(|posted| !posted.is_plain_zero()).map(|posted| posted.seq).collect();
    } else {
        for reader in Reader::each(figures) {
            withheld.figures.extend(choose(&reader));
        }
    }
    let replaced = figures.posted.iter().filter(|posted| withheld.figures.contains(&posted.seq));
    withheld.successors = replaced.filter_map(|posted| posted.replaced).collect();
    withheld
}

/// Of how many figures of one KPI a choice is made: beyond, it would take too long, and all but zeros are withheld.
const MOST_FIGURES: usize = 400;

impl Posted {
    /// Whether it is a count of nothing, which is shown.
    fn is_plain_zero(&self) -> bool {
        self.numerator.is_none() && self.value == Some(Figure::ZERO)
    }
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

/// How many figures are tried at most whether they can be published after all: beyond, they stay withheld.
const MOST_TRIED: usize = 100;

/// The journal entries of the figures that are withheld, so that this reader works nothing small out.
fn choose(reader: &Reader<'_>) -> BTreeSet<Seq> {
    if !reader.finds_something(&reader.small()) {
        return reader.seqs(&reader.small());
    }
    let mut ways = vec![Preference::Smallest, Preference::Shared];
    if reader.has_restatements() {
        ways.push(Preference::Restated);
    }
    let hidden = ways
        .into_iter()
        .map(|preference| (hide(reader, preference), preference))
        .min_by_key(|(hidden, preference)| (reader.standing(hidden), hidden.len(), *preference));
    hidden.map(|(hidden, _)| reader.seqs(&hidden)).unwrap_or_default()
}

/// Hides figures until this reader finds nothing small, then shows what need not be hidden.
fn hide(reader: &Reader<'_>, preference: Preference) -> BTreeSet<usize> {
    let small = reader.small();
    let mut hidden = small.clone();
    let mut found = reader.finds(&hidden);
    loop {
        // One figure of a period at a time, the one that costs least: it can be enough for more than one finding.
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for cell in found.iter().flatten().filter(|_| preference == Preference::Shared) {
            *shared.entry(*cell).or_default() += 1;
        }
        let rank = |cell: usize| (std::cmp::Reverse(shared.get(&cell)), reader.rank(cell, preference));
        let mut next: BTreeMap<Option<Period>, usize> = BTreeMap::new();
        for cell in found.iter().filter_map(|ways| ways.iter().copied().min_by_key(|cell| rank(*cell))) {
            let best = next.entry(reader.period(cell)).or_insert(cell);
            if rank(cell) < rank(*best) {
                *best = cell;
            }
        }
        if next.is_empty() {
            break;
        }
        hidden.extend(next.into_values());
        found = reader.finds(&hidden);
    }
    let mut tried: Vec<usize> = hidden.difference(&small).copied().collect();
    tried.sort_by_key(|cell| std::cmp::Reverse(reader.rank(*cell, preference)));
    for cell in tried.into_iter().take(MOST_TRIED) {
        hidden.remove(&cell);
        if reader.finds(&hidden).len() > found.len() {
            hidden.insert(cell);
        }
    }
    hidden
}

#[cfg(test)]
mod tests;
