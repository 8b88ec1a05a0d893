//! A trend in the row of a table: the figures as a line, what they are compared with as dashes, the latest as its status.

use std::fmt::Write as _;

use super::axis::{at, place_of};
use super::{length, mark};
use crate::domain::number::Figure;
use crate::domain::policy::Status;
use crate::pages::svg::escaped;
use crate::pages::words::typed;
use crate::programme::reports::status_report::TrendFigure;

/// How wide it is, and how high.
const SIZE: (f64, f64) = (96.0, 28.0);
/// The room around the line.
const MARGIN: f64 = 4.0;

/// Draws a trend, whose latest figure has this status; `None` if fewer than two figures are known.
pub(in crate::pages) fn spark(figures: &[TrendFigure], status: Status) -> Option<String> {
    let known: Vec<(usize, &TrendFigure, Figure)> =
        figures.iter().enumerate().filter_map(|(place, one)| Some((place, one, one.reported?))).collect();
    let ((_, first, _), (last_place, last, last_value)) = (*known.first()?, *known.last()?);
    if known.len() < 2 {
        return None;
    }
    let ends = figures.iter().filter_map(|one| one.target).flat_map(|aim| [aim.low, aim.high]);
    let values: Vec<f64> = known.iter().map(|(_, _, value)| *value).chain(ends).map(place_of).collect();
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = if highest > lowest { highest - lowest } else { 1.0 };
    let step = (SIZE.0 - 2.0 * MARGIN) / length(figures.len() - 1);
    let x = |place: usize| (MARGIN + step * length(place)).round();
    let y = |value: Figure| MARGIN + (SIZE.1 - 2.0 * MARGIN) * (highest - place_of(value)) / span;
    let words = format!(
        "{} figures, {} to {}: from {} to {}",
        known.len(),
        first.period.label(),
        last.period.label(),
        typed(first.reported_text.as_deref().unwrap_or_default()),
        typed(last.reported_text.as_deref().unwrap_or_default())
    );
    let mut svg = format!(
        "<svg class=\"spark\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">",
        at(SIZE.0),
        at(SIZE.1),
        escaped(&words)
    );
    let aims = aims(figures, step, &x, &y);
    if !aims.is_empty() {
        let _ = write!(svg, "<path class=\"tg\" d=\"{aims}\"/>");
    }
    let (mut line, mut is_open) = (String::new(), false);
    for (place, one) in figures.iter().enumerate() {
        if let Some(value) = one.reported {
            let _ = write!(line, "{}{} {}", if is_open { "L" } else { "M" }, at(x(place)), at(y(value)));
        }
        is_open = one.reported.is_some();
    }
    let _ = write!(
        svg,
        "<path class=\"ln\" d=\"{line}\"/>{}</svg>",
        mark(status, (x(last_place), y(last_value)), 3.6, false)
    );
    Some(svg)
}

/// What the figures are compared with, in steps: one line, or both ends of a range.
fn aims(figures: &[TrendFigure], step: f64, x: &dyn Fn(usize) -> f64, y: &dyn Fn(Figure) -> f64) -> String {
    let mut path = String::new();
    for is_upper in [false, true] {
        let mut is_open = false;
        for (place, one) in figures.iter().enumerate() {
            let aim = one.target.filter(|aim| !is_upper || aim.low != aim.high);
            if let Some(aim) = aim {
                let level = at(y(if is_upper { aim.high } else { aim.low }));
                let from = at((x(place) - step / 2.0).max(0.0).round());
                let to = at((x(place) + step / 2.0).min(SIZE.0).round());
                let _ = if is_open { write!(path, "V{level}H{to}") } else { write!(path, "M{from} {level}H{to}") };
            }
            is_open = aim.is_some();
        }
    }
    path
}
