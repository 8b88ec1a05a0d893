//! Where a chart's labels go: each beside its point, where it covers least of what is drawn.

use super::axis::at;
use crate::pages::svg::escaped;

/// A rectangle on the page: left, top, right, bottom.
type Area = (f64, f64, f64, f64);

/// Where a label may stand, with how much that is preferred.
const PLACES: [Place; 6] = [Place::Above, Place::Below, Place::Right, Place::Left, Place::AboveLeft, Place::BelowLeft];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Above,
    Below,
    Right,
    Left,
    AboveLeft,
    BelowLeft,
}

/// A label: what it says, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label<'a> {
    pub(super) text: &'a str,
    pub(super) class: &'a str,
    /// The height of its letters.
    pub(super) size: f64,
    /// How far from its point it stands.
    pub(super) gap: f64,
    /// Whether it is drawn wherever it has to stand.
    pub(super) needed: bool,
}

/// What has been drawn, for the next label to keep clear of.
#[derive(Debug)]
pub(super) struct Labels {
    frame: Area,
    dots: Vec<(f64, f64)>,
    boxes: Vec<Area>,
}

fn meet(one: Area, other: Area) -> bool {
    !(one.2 < other.0 || other.2 < one.0 || one.3 < other.1 || other.3 < one.1)
}

fn holds(within: Area, (x, y): (f64, f64)) -> bool {
    within.0 <= x && x <= within.2 && within.1 <= y && y <= within.3
}

impl Labels {
    pub(super) fn within(frame: Area) -> Self {
        Self { frame, dots: Vec::new(), boxes: Vec::new() }
    }

    /// Keeps a mark of this radius clear.
    pub(super) fn avoid(&mut self, (x, y): (f64, f64), radius: f64) {
        self.boxes.push((x - radius, y - radius, x + radius, y + radius));
    }

    /// Keeps words at the edge clear.
    pub(super) fn avoid_box(&mut self, taken: Area) {
        self.boxes.push(taken);
    }

    /// Keeps a straight line as clear as can be.
    pub(super) fn avoid_line(&mut self, from: (f64, f64), to: (f64, f64)) {
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let dots = std::iter::successors(Some(0.0), |gone| Some(gone + 3.0)).take_while(|gone| *gone <= length);
        self.dots.extend(dots.map(|gone| {
            let share = if length > 0.0 { gone / length } else { 0.0 };
            (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share)
        }));
    }

    /// The box of a label in a place, its anchor, and where its text begins.
    fn box_at(label: Label<'_>, (x, y): (f64, f64), place: Place) -> (Area, &'static str, (f64, f64)) {
        let (height, gap) = (label.size, label.gap);
        let width = f64::from(u32::try_from(label.text.chars().count()).unwrap_or(u32::MAX)) * label.size * 0.56;
        let (left, top, anchor, text) = match place {
            Place::Above => (x - width / 2.0, y - gap - height, "m", (x, y - gap)),
            Place::Below => (x - width / 2.0, y + gap - 2.0, "m", (x, y + gap + height - 3.0)),
            Place::Right => (x + gap, y - height / 2.0, "", (x + gap, y + height / 2.0 - 2.0)),
            Place::Left => (x - gap - width, y - height / 2.0, "e", (x - gap, y + height / 2.0 - 2.0)),
            Place::AboveLeft => (x - width + 4.0, y - gap - height, "e", (x + 4.0, y - gap)),
            Place::BelowLeft => (x - width + 4.0, y + gap - 2.0, "e", (x + 4.0, y + gap + height - 3.0)),
        };
        ((left, top, left + width, top + height), anchor, text)
    }

    /// What a label would cover in a place: the line and the target a little, other labels much.
    fn cost(&self, taken: Area, point: (f64, f64), order: f64) -> f64 {
        let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        let dots = self.dots.iter().filter(|dot| holds(taken, **dot)).count();
        let boxes = self.boxes.iter().filter(|other| meet(taken, **other) && !holds(**other, point)).count();
        let (left, top, right, bottom) = self.frame;
        let is_out = taken.0 < left || taken.2 > right + 4.0 || taken.1 < top - 18.0 || taken.3 > bottom;
        order * 0.6 + count(dots) + 40.0 * count(boxes) + if is_out { 30.0 } else { 0.0 }
    }

    /// Draws a label in the best of some places; nothing if it would cover too much and is not needed.
    pub(super) fn put_among(&mut self, label: Label<'_>, point: (f64, f64), places: &[Place]) -> String {
        let mut best: Option<(f64, Area, &str, (f64, f64))> = None;
        let mut order = 0.0;
        for place in places {
            let (taken, anchor, text) = Self::box_at(label, point, *place);
            let cost = self.cost(taken, point, order);
            order += 1.0;
            if best.is_none_or(|(least, ..)| cost < least) {
                best = Some((cost, taken, anchor, text));
            }
        }
        let Some((_, taken, anchor, (x, y))) = best.filter(|(cost, ..)| label.needed || *cost < 9.0) else {
            return String::new();
        };
        self.boxes.push(taken);
        let classes = [label.class, anchor, "halo"].into_iter().filter(|class| !class.is_empty());
        let classes = classes.collect::<Vec<_>>().join(" ");
        format!("<text class=\"{classes}\" x=\"{}\" y=\"{}\">{}</text>", at(x), at(y), escaped(label.text))
    }

    /// The same, wherever beside its point it covers least.
    pub(super) fn put(&mut self, label: Label<'_>, point: (f64, f64)) -> String {
        self.put_among(label, point, &PLACES)
    }
}

/// Moves names at the edge apart, in their order, so that none is nearer to the next than `gap`: each with where it wants to be.
pub(super) fn spread<T>(mut wanted: Vec<(f64, T)>, top: f64, bottom: f64, gap: f64) -> Vec<(f64, T)> {
    wanted.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut above = top - gap;
    for (y, _) in &mut wanted {
        *y = y.max(above + gap);
        above = *y;
    }
    let mut below = bottom + gap;
    for (y, _) in wanted.iter_mut().rev() {
        *y = y.min(below - gap);
        below = *y;
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str, needed: bool) -> Label<'_> {
        Label { text, class: "", size: 13.0, gap: 9.0, needed }
    }

    #[test]
    fn a_label_keeps_clear_of_others() {
        let mut labels = Labels::within((0.0, 0.0, 200.0, 100.0));
        let first = labels.put(label("4.5%", true), (100.0, 50.0));
        let second = labels.put(label("4.6%", true), (102.0, 50.0));
        assert!(first.contains("class=\"m halo\"") && first.contains("y=\"41\""), "{first}");
        assert!(!second.contains("y=\"41\""), "{second}");
        let [(_, _, _, bottom), (_, top, ..)] = labels.boxes.as_slice() else { panic!("two labels") };
        assert!(bottom < top);
    }

    #[test]
    fn one_that_covers_too_much_is_left_out_unless_it_is_needed() {
        let mut labels = Labels::within((0.0, 0.0, 200.0, 100.0));
        labels.avoid_box((0.0, 0.0, 99.0, 100.0));
        labels.avoid_box((101.0, 0.0, 200.0, 100.0));
        assert_eq!(labels.put(label("4.5%", false), (100.0, 50.0)), "");
        assert_ne!(labels.put(label("<b>", true), (100.0, 50.0)), "");
    }

    #[test]
    fn names_at_the_edge_are_moved_apart_in_their_order() {
        let moved = spread(vec![(50.0, 'b'), (48.0, 'a'), (99.0, 'c')], 0.0, 100.0, 16.0);
        assert_eq!(moved, [(48.0, 'a'), (64.0, 'b'), (99.0, 'c')]);
        let moved = spread(vec![(95.0, 'a'), (96.0, 'b')], 0.0, 100.0, 16.0);
        assert_eq!(moved, [(84.0, 'a'), (100.0, 'b')]);
    }
}
