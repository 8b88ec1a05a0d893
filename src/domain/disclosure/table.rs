//! What a reader who knows how figures are chosen finds in one table of counts: of all tables that would be shown so, perhaps
//! one is left.
//!
//! `a 6, b 6, c 5` with a and c withheld can only be so, as of 11 a 7 for a would have been more than b, which would
//! have been withheld in its place. Then one more is withheld; and as a reader knows that as well, the same is asked
//! again of the tables that are left.

use std::collections::BTreeSet;

use super::{Figure, Steps, is_small};

/// The groups that make up a whole, in the order of their codes.
pub(super) struct Table {
    pub(super) groups: Vec<Figure>,
    pub(super) threshold: u32,
}

/// What is withheld of a table: groups by their places, and whether the whole is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) groups: BTreeSet<usize>,
    pub(super) whole: bool,
}

/// How often it is asked again what a reader of the rule finds.
const ROUNDS: usize = 3;

/// Of more groups than these that are withheld together, there is always another explanation.
const FEW: usize = 3;

impl Table {
    /// What is withheld so that a reader who knows the rule finds nothing small either; `None` if the steps do not
    /// suffice.
    pub(super) fn guarded(&self, steps: &mut Steps) -> Option<Choice> {
        self.after(ROUNDS, steps)
    }

    fn after(&self, rounds: usize, steps: &mut Steps) -> Option<Choice> {
        let Some(before) = rounds.checked_sub(1) else { return self.plain(steps) };
        let mut choice = self.after(before, steps)?;
        if choice.whole || choice.groups.len() > FEW {
            return Some(choice);
        }
        for group in choice.groups.clone() {
            let small = self.groups.get(group).is_some_and(|number| is_small(*number, self.threshold));
            if small && !self.could_be_another(group, &choice, before, steps)? {
                match self.next(&choice) {
                    Some(next) => choice.groups.extend([next]),
                    None => choice.whole = true,
                }
                break;
            }
        }
        Some(choice)
    }

    /// Whether a table in which a group is another would be shown the same.
    fn could_be_another(&self, group: usize, choice: &Choice, rounds: usize, steps: &mut Steps) -> Option<bool> {
        let one_moved = (1..self.threshold).flat_map(|by| {
            let by = Figure::small(by);
            let others = choice.groups.iter().filter(move |other| **other != group);
            others.flat_map(move |other| [self.moved(group, *other, by), self.moved(group, *other, -by)])
        });
        let mostly_small = choice.groups.iter().flat_map(|most| self.gathered(*most, choice));
        for table in one_moved.chain(mostly_small).flatten() {
            if table.groups.get(group) != self.groups.get(group) && table.after(rounds, steps)? == *choice {
                return Some(true);
            }
        }
        Some(false)
    }

    /// The table with some more in one group and as many fewer in another, if neither comes to nothing.
    fn moved(&self, more: usize, less: usize, by: Figure) -> Option<Self> {
        let mut groups = self.groups.clone();
        for (place, by) in [(more, by), (less, -by)] {
            let number = groups.get_mut(place)?;
            *number = *number + by;
            if *number <= Figure::ZERO {
                return None;
            }
        }
        Some(Self { groups, threshold: self.threshold })
    }

    /// The tables in which all that are withheld but one are small, and that one is what they leave.
    fn gathered(&self, most: usize, choice: &Choice) -> Vec<Option<Self>> {
        let mut tables = vec![self.groups.clone()];
        for place in choice.groups.iter().filter(|place| **place != most) {
            let with = |table: &Vec<Figure>, number: u32| {
                let mut table = table.clone();
                let before = table.get(*place).copied()?;
                *table.get_mut(*place)? = Figure::small(number);
                let rest = table.get_mut(most)?;
                *rest = *rest + before - Figure::small(number);
                (*rest > Figure::ZERO).then_some(table)
            };
            tables =
                tables.iter().flat_map(|table| (1..=self.threshold).filter_map(|number| with(table, number))).collect();
        }
        tables.into_iter().map(|groups| Some(Self { groups, threshold: self.threshold })).collect()
    }

    /// What is withheld so that a reader who does not know the rule finds nothing small.
    pub(super) fn plain(&self, steps: &mut Steps) -> Option<Choice> {
        let numbers = || self.groups.iter().enumerate();
        let small = numbers().filter(|(_, number)| is_small(**number, self.threshold)).map(|(place, _)| place);
        let small = Choice { groups: small.collect(), whole: is_small(self.whole(), self.threshold) };
        let mut choice = small.clone();
        while self.tells(&choice, steps)? {
            match self.next(&choice) {
                Some(next) => choice.groups.extend([next]),
                None if choice.whole || self.whole() == Figure::ZERO => break,
                None => choice.whole = true,
            }
        }
        let without_whole = Choice { whole: false, ..choice.clone() };
        if choice.whole && !small.whole && !self.tells(&without_whole, steps)? {
            choice = without_whole;
        }
        let mut tried: Vec<usize> = choice.groups.difference(&small.groups).copied().collect();
        tried.sort_by_key(|place| std::cmp::Reverse((self.groups.get(*place), *place)));
        for place in tried {
            let mut fewer = choice.clone();
            fewer.groups.remove(&place);
            if !self.tells(&fewer, steps)? {
                choice = fewer;
            }
        }
        Some(choice)
    }

    fn whole(&self) -> Figure {
        self.groups.iter().fold(Figure::ZERO, |sum, number| sum + *number)
    }

    /// The smallest group that is shown and is not nothing.
    fn next(&self, choice: &Choice) -> Option<usize> {
        let shown = self
            .groups
            .iter()
            .enumerate()
            .filter(|(place, number)| **number > Figure::ZERO && !choice.groups.contains(place));
        shown.min_by_key(|(place, number)| (**number, *place)).map(|(place, _)| place)
    }

    /// Whether anything small can be worked out.
    fn tells(&self, choice: &Choice, steps: &mut Steps) -> Option<bool> {
        steps.take(self.groups.len())?;
        let whole = self.whole();
        let small = |number: Figure| is_small(number, self.threshold);
        if choice.whole {
            return Some(choice.groups.is_empty() && small(whole));
        }
        let hidden = || choice.groups.iter().filter_map(|place| self.groups.get(*place));
        let sum = hidden().fold(Figure::ZERO, |sum, number| sum + *number);
        let ones = u32::try_from(hidden().count()).map_or(Figure::ZERO, Figure::small);
        let each_is_one = sum == ones && hidden().any(|number| small(*number));
        let mut shown = self.groups.iter().enumerate().filter(|(place, _)| !choice.groups.contains(place));
        Some(small(sum) || each_is_one || shown.any(|(_, number)| small(whole - *number)))
    }
}
