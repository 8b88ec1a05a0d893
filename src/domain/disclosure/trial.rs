//! Whether all that is known could be so though a hidden number were another.
//!
//! Bounds are narrowed one relation at a time, and anyone who takes several together may see further. So it is tried
//! out: the number is moved a little, and then whatever must move with it until every relation holds again. If that
//! succeeds, nobody can tell what is from what could be; if it does not, somebody may.

use std::collections::BTreeMap;

use super::reader::{Number, Relation};
use super::view::View;
use super::{Figure, Steps};

/// How many relations are corrected at most in one trial.
const PATIENCE: usize = 100;

/// Numbers, among them this one, that could all be others than they are; none if this one, for all that was tried,
/// could not. `None` if the steps do not suffice.
pub(super) fn could_be_others(view: &View<'_, '_>, number: Number, steps: &mut Steps) -> Option<Vec<Number>> {
    let (one, two) = (Figure::small(1), Figure::small(2));
    for by in [one, -one, two, -two] {
        let mut trial = Trial { view, moved: BTreeMap::new(), patience: PATIENCE };
        if trial.shift(number, by) && trial.settle(steps)? {
            return Some(trial.moved.into_keys().collect());
        }
    }
    Some(Vec::new())
}

/// Some numbers moved from where they are.
struct Trial<'v, 'r, 'a> {
    view: &'v View<'r, 'a>,
    moved: BTreeMap<Number, Figure>,
    patience: usize,
}

impl<'r> Trial<'_, 'r, '_> {
    /// Moves a number, once, if its bounds let it; says whether they do.
    fn shift(&mut self, number: Number, by: Figure) -> bool {
        let there = self.view.reader().number(number).map(|truth| truth + by);
        let fits = self.view.bounds(number).zip(there).is_some_and(|((low, high), there)| {
            low.is_none_or(|low| low <= there)
                && high.is_none_or(|high| there <= high)
                && !self.moved.contains_key(&number)
        });
        if fits {
            self.moved.insert(number, by);
        }
        fits
    }

    /// Moves more numbers until every relation holds; says whether that can be done.
    fn settle(&mut self, steps: &mut Steps) -> Option<bool> {
        let reader = self.view.reader();
        let about = self.moved.keys().flat_map(|number| reader.relations_of(*number));
        for relation in about.filter_map(|relation| self.view.relation(*relation)) {
            steps.take(relation.terms.len())?;
            if let Some(off) = self.off(relation) {
                return self.mend(relation, off, steps);
            }
        }
        Some(true)
    }

    /// Moves one more number of a relation that is off by so much, and whatever must move with it.
    fn mend(&mut self, relation: &'r Relation, off: Figure, steps: &mut Steps) -> Option<bool> {
        let Some(left) = self.patience.checked_sub(1) else { return Some(false) };
        self.patience = left;
        for (number, added) in &relation.terms {
            steps.take(1)?;
            if self.shift(*number, if *added { -off } else { off }) {
                if self.settle(steps)? {
                    return Some(true);
                }
                self.moved.remove(number);
            }
        }
        Some(false)
    }

    /// By how much a relation does not hold; `None` if it does, or if one of its numbers is not there to tie anything.
    fn off(&self, relation: &Relation) -> Option<Figure> {
        let off = relation.terms.iter().try_fold(Figure::ZERO, |sum, (number, added)| {
            let moved = self.moved.get(number).copied().unwrap_or_default();
            let there = self.view.reader().number(*number)? + moved;
            Some(if *added { sum + there } else { sum - there })
        })?;
        (off != Figure::ZERO).then_some(off)
    }
}
