//! A KPI over time as a picture for a page: readings, target steps, status bands, forecast, comparators, restatements and breaks.
//!
//! Pure rendering: each point is an assessment as its reader may see it, and its bands come from the domain. Looks are classes
//! of the pages' stylesheet; only positions are written here. What is withheld is a gap that says so.

mod axis;
mod labels;
mod spark;

use std::fmt::Write as _;

use super::svg::escaped;
use crate::domain::assess::{Assessment, DataState};
use crate::domain::kpi::{Aggregation, Kpi, Polarity, Unit};
use crate::domain::number::Figure;
use crate::domain::period::Period;
use crate::domain::policy::Status;
use crate::domain::scale::AssessedBand;
use axis::{Limits, Scale, at, place_of, year_and_part};
use labels::{Label, Labels, Place, spread};
pub(in crate::pages) use spark::spark;

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'a> {
    /// The KPI.
    pub kpi: &'a Kpi,
    /// One assessment per period, in time order, up to the one that the forecast is for.
    pub points: &'a [Assessment],
    /// The periods with which another definition began.
    pub breaks: &'a [Period],
    /// The periods whose figure was restated, each with the figure before.
    pub restated: &'a [(Period, Figure)],
    /// What others have reached.
    pub comparators: &'a [Comparator<'a>],
    /// What the picture's parts are named after, unlike any other on the page.
    pub id: &'a str,
    /// What it shows, in a sentence.
    pub title: &'a str,
    /// The same in more words, for those who do not see it.
    pub description: &'a str,
}

/// A figure of somebody else.
#[derive(Clone, Copy, Debug)]
pub struct Comparator<'a> {
    /// Whose.
    pub title: &'a str,
    /// Of when.
    pub period: Period,
    /// The figure.
    pub value: Figure,
}

/// For which page a chart is drawn: its letters have the same size on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// A desk's: 780 by 380.
    Wide,
    /// A phone's: 288 by 270.
    Narrow,
}

/// How wide the strip of the bands' names is.
const STRIP: f64 = 82.0;

/// The page that a chart is drawn on.
struct Plot {
    size: Size,
    whole: (f64, f64),
    left: f64,
    width: f64,
    slot: f64,
    strip: f64,
    scale: Scale,
}

impl Plot {
    fn of(chart: &Chart<'_>, size: Size) -> Self {
        let (is_wide, banded) = (size == Size::Wide, chart.is_banded());
        let whole = if is_wide { (780.0, 380.0) } else { (288.0, 270.0) };
        let left = if is_wide { 44.0 } else { 34.0 };
        let strip = if is_wide && banded { STRIP } else { 0.0 };
        let right = if is_wide { strip + 118.0 } else { 62.0 };
        let width = whole.0 - left - right;
        let (top, foot) = (22.0, 40.0);
        let scale = Scale::holding(&chart.values(), chart.limits(), (top, whole.1 - top - foot));
        Self { size, whole, left, width, slot: width / length(chart.points.len()).max(1.0), strip, scale }
    }

    fn is_wide(&self) -> bool {
        self.size == Size::Wide
    }

    /// The middle of a period's slot.
    fn x(&self, place: usize) -> f64 {
        self.left + self.slot * (length(place) + 0.5)
    }

    /// Where a period's slot begins.
    fn edge(&self, place: usize) -> f64 {
        self.left + self.slot * length(place)
    }

    fn right(&self) -> f64 {
        self.left + self.width
    }
}

fn length(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

/// The ends of a target: its figure, or both ends of its range.
fn ends(point: &Assessment) -> Vec<Figure> {
    let Some(target) = &point.target else { return Vec::new() };
    match target.value {
        Some(value) => vec![value],
        None => target.low.into_iter().chain(target.high).collect(),
    }
}

/// One level of a target.
type Level<'a> = &'a dyn Fn(&Assessment) -> Option<Figure>;

fn floor(point: &Assessment) -> Option<Figure> {
    point.target.as_ref().and_then(|target| target.floor)
}

/// A figure as it stands in a chart: with its unit only if that is short.
fn short(text: &str, kpi: &Kpi) -> String {
    let set = text.replace('-', "\u{2212}");
    match kpi.unit {
        Unit::Percentage => set.replace(" %", "%"),
        _ => set.split(' ').next().unwrap_or_default().to_owned(),
    }
}

impl Chart<'_> {
    /// Draws it.
    pub fn drawn(&self, size: Size) -> String {
        let plot = Plot::of(self, size);
        let (id, class) = (escaped(self.id), if plot.is_wide() { "wide" } else { "narrow" });
        let mut svg = format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
             <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
            at(plot.whole.0),
            at(plot.whole.1),
            escaped(self.title),
            escaped(self.description)
        );
        let mut labels = Labels::within((plot.left, plot.scale.top, plot.right(), plot.scale.bottom()));
        let names = self.bands(&plot, &mut svg);
        self.grid(&plot, &mut svg);
        self.periods(&plot, &mut svg);
        self.targets(&plot, &mut svg, &mut labels);
        self.definition_changes(&plot, &mut svg);
        self.others(&plot, &mut svg, &mut labels);
        self.figures(&plot, &mut svg, &mut labels);
        self.names_at_the_right(&plot, &mut svg, &mut labels);
        self.labels_of_figures(&plot, &mut svg, &mut labels);
        self.gaps(&plot, &mut svg);
        for (y, name) in names {
            text(&mut svg, "sm", (plot.right() + 8.0, y + 4.0), &name);
        }
        svg.push_str("</svg>");
        svg
    }

    fn is_banded(&self) -> bool {
        self.kpi.polarity != Polarity::None && self.points.iter().any(|point| !point.bands.is_empty())
    }

    fn limits(&self) -> Limits {
        Limits {
            is_count: self.kpi.unit == Unit::Count,
            valid_min: self.kpi.valid_min.map(place_of),
            valid_max: self.kpi.valid_max.map(place_of),
        }
    }

    /// What the scale holds: figures, targets with the bands beside them, forecasts, what was restated, and comparators as
    /// far as they do not stretch it by more than a third.
    fn values(&self) -> Vec<f64> {
        let beside = |point: &Assessment| {
            let near = point.bands.iter().take(3).flat_map(|band| [band.from_value, band.to_value]);
            near.flatten().collect::<Vec<_>>()
        };
        let of_points = self.points.iter().flat_map(|point| {
            point.reported.into_iter().chain(ends(point)).chain(floor(point)).chain(beside(point)).collect::<Vec<_>>()
        });
        let (forecast, stated) = self.forecasts();
        let restated = self.restated.iter().map(|(_, before)| *before);
        let mut values: Vec<f64> =
            of_points.chain(forecast.map(|(value, _)| value)).chain(stated).chain(restated).map(place_of).collect();
        let lowest = values.iter().copied().reduce(f64::min).unwrap_or(0.0);
        let highest = values.iter().copied().reduce(f64::max).unwrap_or(0.0);
        let reach = (highest - lowest) / 3.0;
        let others = self.comparators.iter().map(|one| place_of(one.value));
        values.extend(others.filter(|value| (lowest - reach..=highest + reach).contains(value)));
        values
    }

    /// The points that have a figure, each with its place.
    fn known(&self) -> impl DoubleEndedIterator<Item = (usize, &Assessment, Figure)> {
        self.points.iter().enumerate().filter_map(|(place, point)| Some((place, point, point.reported?)))
    }

    /// The forecast of the year's end with its status, and the sub-group's own: those of the latest figure.
    fn forecasts(&self) -> (Option<(Figure, Option<Status>)>, Option<Figure>) {
        let latest = self.known().next_back().map(|(_, point, _)| &point.forecast);
        let forecast = latest.and_then(|forecast| Some((forecast.value?, forecast.status)));
        (forecast, latest.and_then(|forecast| Some(forecast.stated.as_ref()?.value)))
    }

    fn place_of_period(&self, period: Period) -> Option<usize> {
        self.points.iter().position(|point| point.period == period)
    }

    /// The bands behind each period that has a target; equal neighbours are one shape. Returns the names of the last ones.
    fn bands(&self, plot: &Plot, svg: &mut String) -> Vec<(f64, String)> {
        let mut names = Vec::new();
        let last = self.points.len().saturating_sub(1);
        let mut begin = 0;
        while let Some(point) = self.points.get(begin) {
            let alike = |other: &&Assessment| other.bands == point.bands;
            let run = self.points.iter().skip(begin).take_while(alike).count();
            let end = begin + run;
            if self.kpi.polarity != Polarity::None {
                let reach = if end > last { plot.strip } else { 0.0 };
                for (band, class) in classed(&point.bands) {
                    let edge = |value: Option<Figure>, open: f64| {
                        value.map_or(open, |value| plot.scale.clipped(place_of(value)))
                    };
                    let (top, bottom) =
                        (edge(band.to_value, plot.scale.top), edge(band.from_value, plot.scale.bottom()));
                    if bottom - top > 0.4 {
                        let (from, to) = (at(plot.edge(begin)), at(plot.edge(end) + reach));
                        let _ = write!(
                            svg,
                            "<path class=\"{class}\" d=\"M{from} {}H{to}V{}H{from}Z\"/>",
                            at(top),
                            at(bottom)
                        );
                    }
                    let name =
                        if band.when.is_some() { format!("{} or worse", band.label) } else { band.label.clone() };
                    let is_new = names.iter().all(|(_, other)| *other != name);
                    if end > last && plot.strip > 0.0 && bottom - top >= 14.0 && is_new {
                        names.push((f64::midpoint(top, bottom), name));
                    }
                }
            }
            begin = end;
        }
        names
    }

    /// Grid and scale: the unit stands at the highest tick only.
    fn grid(&self, plot: &Plot, svg: &mut String) {
        let ticks = plot.scale.ticks(if plot.is_wide() { 7 } else { 5 }, self.kpi.decimals);
        let highest = ticks.len().saturating_sub(1);
        for (number, (value, words)) in ticks.iter().enumerate() {
            let y = plot.scale.y(*value);
            let is_zero = value.abs() < f64::EPSILON && plot.scale.lowest < 0.0;
            let class = if is_zero { "zero" } else { "grid" };
            let _ = write!(svg, "<path class=\"{class}\" d=\"M{} {}H{}\"/>", at(plot.left), at(y), at(plot.right()));
            let unit = if number == highest && self.kpi.unit == Unit::Percentage { "%" } else { "" };
            text(svg, "q sm e", (plot.left - 6.0, y + 4.0), &format!("{words}{unit}"));
        }
        let foot = at(plot.scale.bottom());
        let _ = write!(svg, "<path class=\"axis\" d=\"M{} {foot}H{}\"/>", at(plot.left), at(plot.right()));
    }

    /// The periods' names, as many as do not touch, and below them their years.
    fn periods(&self, plot: &Plot, svg: &mut String) {
        let foot = plot.scale.bottom();
        let names: Vec<(String, String)> = self.points.iter().map(|point| year_and_part(point.period)).collect();
        let shown = |(year, part): &(String, String)| if part.is_empty() { year.clone() } else { part.clone() };
        let widest = names.iter().map(|name| length(shown(name).chars().count())).fold(0.0, f64::max) * 6.6 + 8.0;
        let every = [1, 2, 3, 6, 12, 24, 60, 120].into_iter().find(|every| plot.slot * length(*every) >= widest);
        let every = every.unwrap_or(names.len().max(1));
        let last = names.len().saturating_sub(1);
        let mut year_from = 0;
        for (place, name) in names.iter().enumerate() {
            if (last - place).is_multiple_of(every) {
                text(svg, "sm m", (plot.x(place), foot + 16.0), &shown(name));
            }
            let ends_its_year = names.get(place + 1).is_none_or(|next| next.0 != name.0);
            if !ends_its_year {
                continue;
            }
            if !name.1.is_empty() {
                let width = plot.slot * length(place - year_from + 1);
                if width > 40.0 {
                    text(svg, "sm m q", (f64::midpoint(plot.x(year_from), plot.x(place)), foot + 33.0), &name.0);
                }
                if place < last && width > 12.0 {
                    let _ = write!(svg, "<path class=\"axis\" d=\"M{} {}v22\"/>", at(plot.edge(place + 1)), at(foot));
                }
            }
            year_from = place + 1;
        }
    }

    /// The targets in steps; a range is two of them, and a floor is dotted.
    fn targets(&self, plot: &Plot, svg: &mut String, labels: &mut Labels) {
        let low = |point: &Assessment| ends(point).first().copied();
        let high = |point: &Assessment| ends(point).get(1).copied();
        let lines: [(Level<'_>, &str); 3] = [(&low, "tg"), (&high, "tg"), (&floor, "fl")];
        for (pick, class) in lines {
            let (mut path, mut is_open) = (String::new(), false);
            for (place, point) in self.points.iter().enumerate() {
                let Some(value) = pick(point) else {
                    is_open = false;
                    continue;
                };
                let (from, to, y) = (plot.edge(place), plot.edge(place + 1), plot.scale.y(place_of(value)));
                let begun = if is_open { format!("V{}", at(y)) } else { format!("M{} {}", at(from), at(y)) };
                let _ = write!(path, "{begun}H{}", at(to));
                labels.avoid_line((from, y), (to, y));
                is_open = true;
            }
            if !path.is_empty() {
                let _ = write!(svg, "<path class=\"{class}\" d=\"{path}\"/>");
            }
        }
    }

    fn definition_changes(&self, plot: &Plot, svg: &mut String) {
        for place in self.breaks.iter().filter_map(|period| self.place_of_period(*period)) {
            let (x, top) = (plot.edge(place), plot.scale.top);
            let _ = write!(svg, "<path class=\"brk\" d=\"M{} {}V{}\"/>", at(x), at(top - 8.0), at(plot.scale.bottom()));
            text(svg, "sm q halo e", (x - 5.0, top + 2.0), "Definition changed");
        }
    }

    /// Comparators: a short bar with its name; beyond the scale, an arrow at its edge.
    fn others(&self, plot: &Plot, svg: &mut String, labels: &mut Labels) {
        for one in self.comparators {
            let Some(place) = self.place_of_period(one.period) else { continue };
            let (x, y, scale) = (plot.x(place), plot.scale.y(place_of(one.value)), plot.scale);
            let words = format!("{} {}", one.title, short(&self.kpi.in_words(one.value), self.kpi));
            let label = Label { text: &words, class: "sm q", size: 12.0, gap: 12.0, needed: true };
            if (scale.top..=scale.bottom()).contains(&y) {
                let _ = write!(svg, "<path class=\"cmp\" d=\"M{} {}h18\"/>", at(x - 9.0), at(y));
                svg.push_str(&labels.put(label, (x, y)));
                continue;
            }
            let is_above = y < scale.top;
            let edge = if is_above { scale.top + 14.0 } else { scale.bottom() - 8.0 };
            let arrow = if is_above { "v-12m-4 4 4-4 4 4" } else { "v-12m-4 8 4 4 4-4" };
            let _ = write!(svg, "<path class=\"cmp\" d=\"M{} {}{arrow}\"/>", at(x), at(edge + 4.0));
            let beside = [Place::Right, Place::Left];
            svg.push_str(&labels.put_among(Label { gap: 8.0, ..label }, (x, edge), &beside));
        }
    }

    /// The figures: a line in as many pieces as gaps, years that add up and changes of definition make, and a mark for each.
    fn figures(&self, plot: &Plot, svg: &mut String, labels: &mut Labels) {
        let mut path = String::new();
        let mut before: Option<(usize, (f64, f64))> = None;
        for (place, point, value) in self.known() {
            let here = (plot.x(place), plot.scale.y(place_of(value)));
            let goes_on = before.filter(|(last, _)| place == last + 1 && !self.begins_again(place, point));
            let begun = if goes_on.is_some() { 'L' } else { 'M' };
            let _ = write!(path, "{begun}{} {}", at(here.0), at(here.1));
            if let Some((_, from)) = goes_on {
                labels.avoid_line(from, here);
            }
            before = Some((place, here));
        }
        if !path.is_empty() {
            let _ = write!(svg, "<path class=\"ln\" d=\"{path}\"/>");
        }
        let (forecast, stated) = self.forecasts();
        let end = plot.x(self.points.len().saturating_sub(1));
        if let (Some((value, _)), Some((_, (x, y)))) = (forecast, before) {
            let to = at(plot.scale.y(place_of(value)));
            let _ = write!(svg, "<path class=\"fc\" d=\"M{} {}L{} {to}\"/>", at(x), at(y), at(end));
        }
        for (period, value) in self.restated {
            let Some(place) = self.place_of_period(*period) else { continue };
            let (x, y) = (plot.x(place), plot.scale.y(place_of(*value)));
            let _ = write!(svg, "<circle class=\"ghost\" cx=\"{}\" cy=\"{}\" r=\"4\"/>", at(x), at(y));
            labels.avoid((x, y), 5.0);
        }
        for (place, point, value) in self.known() {
            let is_open = point.data_state == DataState::Provisional && point.status != Status::NotAssessed;
            svg.push_str(&mark(point.status, (plot.x(place), plot.scale.y(place_of(value))), 5.0, is_open));
        }
        if let Some((value, status)) = forecast {
            let here = (end, plot.scale.y(place_of(value)));
            svg.push_str(&mark(status.unwrap_or(Status::NotAssessed), here, 6.0, true));
        }
        if let Some(value) = stated {
            let y = plot.scale.y(place_of(value));
            let _ = write!(svg, "<path class=\"ghost\" d=\"M{} {}h8v8h-8Z\"/>", at(end - 4.0), at(y - 4.0));
        }
    }

    /// Whether the line is broken before a point: another definition, or another year of a count that adds up within one.
    fn begins_again(&self, place: usize, point: &Assessment) -> bool {
        let year = |point: &Assessment| year_and_part(point.period).0;
        let before = place.checked_sub(1).and_then(|before| self.points.get(before));
        let adds_up = self.kpi.aggregation == Aggregation::YearToDate;
        self.breaks.contains(&point.period) || (adds_up && before.is_some_and(|before| year(before) != year(point)))
    }

    /// What the lines are, at the right, moved apart.
    fn names_at_the_right(&self, plot: &Plot, svg: &mut String, labels: &mut Labels) {
        let kpi = self.kpi;
        let y = |value: Figure| plot.scale.y(place_of(value));
        let exact = |value: Figure| short(&kpi.in_exact_words(value), kpi);
        let mut names: Vec<(f64, (&str, &str, String))> = Vec::new();
        if let Some(point) = self.points.iter().rev().find(|point| !ends(point).is_empty()) {
            match ends(point).as_slice() {
                [low, high] => {
                    names.push((y(*high), ("tg-t", "Target", format!("{} to", exact(*low)))));
                    names.push((y(*high) + 15.0, ("tg-t", "", exact(*high))));
                }
                one => names.extend(one.iter().map(|value| (y(*value), ("tg-t", "Target", exact(*value))))),
            }
            names.extend(floor(point).map(|value| (y(value), ("q", "Floor", exact(value)))));
        }
        let (forecast, stated) = self.forecasts();
        if let Some((value, status)) = forecast {
            let word =
                status.filter(|_| plot.is_wide()).map_or_else(String::new, |status| format!(", {}", status.words()));
            names.push((y(value), ("", "Forecast", format!("{}{word}", short(&kpi.in_words(value), kpi)))));
        }
        names.extend(stated.map(|value| (y(value), ("q", "Sub-group's own", short(&kpi.in_words(value), kpi)))));
        let (gap, foot) = if plot.is_wide() { (16.0, 0.0) } else { (30.0, 14.0) };
        let edge = plot.right() + plot.strip;
        for (y, (class, name, figure)) in spread(names, plot.scale.top + 2.0, plot.scale.bottom() - foot, gap) {
            labels.avoid_box((edge + 4.0, y - 8.0, plot.whole.0, y + if plot.is_wide() { 8.0 } else { 18.0 }));
            if plot.is_wide() {
                text(svg, class, (edge + 10.0, y + 4.0), format!("{name} {figure}").trim());
            } else {
                let class = format!("sm {class}");
                text(svg, &class, (edge + 5.0, y + 2.0), name);
                text(svg, &class, (edge + 5.0, y + 15.0), &figure);
            }
        }
    }

    /// Figures in words, the latest first, then the first, the highest and the lowest, then all where there is room.
    fn labels_of_figures(&self, plot: &Plot, svg: &mut String, labels: &mut Labels) {
        let here = |place: usize, value: Figure| (plot.x(place), plot.scale.y(place_of(value)));
        let known: Vec<(usize, Figure)> = self.known().map(|(place, _, value)| (place, value)).collect();
        for (place, value) in &known {
            labels.avoid(here(*place, *value), 6.0);
        }
        if let (Some((value, _)), _) = self.forecasts() {
            labels.avoid(here(self.points.len().saturating_sub(1), value), 7.0);
        }
        let latest = known.last().copied();
        let highest = known.iter().max_by_key(|(_, value)| *value).copied();
        let lowest = known.iter().min_by_key(|(_, value)| *value).copied();
        let some = [latest, known.first().copied(), highest, lowest].into_iter().flatten();
        let rest = known.iter().rev().filter(|_| plot.slot > 34.0).copied();
        let mut labelled = Vec::new();
        for (place, value) in some.chain(rest) {
            if labelled.contains(&place) {
                continue;
            }
            labelled.push(place);
            let is_latest = latest.is_some_and(|(latest, _)| latest == place);
            let words = short(&self.kpi.in_words(value), self.kpi);
            let class = if is_latest { "b" } else { "" };
            let label = Label { text: &words, class, size: 13.0, gap: 9.0, needed: is_latest };
            svg.push_str(&labels.put(label, here(place, value)));
        }
        for (period, value) in self.restated {
            let Some(place) = self.place_of_period(*period) else { continue };
            let words = format!("was {}", short(&self.kpi.in_words(*value), self.kpi));
            let label = Label { text: &words, class: "sm q", size: 12.0, gap: 9.0, needed: false };
            svg.push_str(&labels.put(label, here(place, *value)));
        }
    }

    /// Why there is no figure, at the foot of its slot: or at its head, if a target is in the way.
    fn gaps(&self, plot: &Plot, svg: &mut String) {
        let (forecast, _) = self.forecasts();
        let last = self.points.len().saturating_sub(1);
        for (place, point) in self.points.iter().enumerate() {
            let sign = match point.data_state {
                DataState::Suppressed => "c",
                DataState::NilReturn => "nil",
                DataState::Awaited => "awaited",
                DataState::Overdue => "overdue",
                DataState::Final | DataState::Provisional | DataState::NotDue => continue,
            };
            if point.reported.is_some() || (place == last && forecast.is_some()) {
                continue;
            }
            let foot = plot.scale.bottom();
            let in_the_way = |value: Figure| (foot - 22.0..foot).contains(&plot.scale.y(place_of(value)));
            let y = if ends(point).into_iter().any(in_the_way) { plot.scale.top + 14.0 } else { foot - 6.0 };
            text(svg, "sm m q", (plot.x(place), y), sign);
        }
    }
}

/// Each band with the class of its ground: of two bands of one status, the best and the worst of all are a shade stronger. From a
/// band with a further condition on, which band a figure falls to is not known.
fn classed(bands: &[AssessedBand]) -> Vec<(&AssessedBand, &'static str)> {
    let several = |status: Status| {
        let mut codes: Vec<&str> =
            bands.iter().filter(|band| band.status == status).map(|band| band.code.as_str()).collect();
        codes.dedup();
        codes.len() > 1
    };
    let (best, worst) = (bands.first().map(|band| &band.code), bands.last().map(|band| &band.code));
    let until = bands.iter().position(|band| band.when.is_some()).map_or(bands.len(), |place| place + 1);
    let shown = bands.iter().take(until).map(|band| {
        let class = match band.status {
            _ if band.when.is_some() => "bd-na",
            Status::OnTrack if several(Status::OnTrack) && Some(&band.code) == best => "bd-on2",
            Status::OnTrack => "bd-on",
            Status::AtRisk => "bd-risk",
            Status::OffTrack if several(Status::OffTrack) && Some(&band.code) == worst => "bd-off2",
            Status::OffTrack => "bd-off",
            Status::NotAssessed => "bd-na",
        };
        (band, class)
    });
    shown.collect()
}

/// The sign of a status: a filled circle, diamond or square, or a ring.
fn mark(status: Status, (x, y): (f64, f64), radius: f64, is_open: bool) -> String {
    let open = if is_open { " open" } else { "" };
    match status {
        Status::AtRisk => {
            let reach = radius * 1.25;
            let (left, right) = (at(x - reach), at(x + reach));
            let (top, bottom, x, y) = (at(y - reach), at(y + reach), at(x), at(y));
            format!("<path class=\"mk risk{open}\" d=\"M{x} {top}L{right} {y} {x} {bottom} {left} {y}Z\"/>")
        }
        Status::OffTrack => {
            let half = radius * 0.9;
            let (x, y, side, back) = (at(x - half), at(y - half), at(2.0 * half), at(-2.0 * half));
            format!("<path class=\"mk off{open}\" d=\"M{x} {y}h{side}v{side}h{back}Z\"/>")
        }
        Status::OnTrack => {
            format!("<circle class=\"mk on{open}\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>", at(x), at(y), at(radius))
        }
        Status::NotAssessed => {
            format!("<circle class=\"mk na{open}\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>", at(x), at(y), at(radius - 0.5))
        }
    }
}

fn text(svg: &mut String, class: &str, (x, y): (f64, f64), words: &str) {
    let _ = write!(svg, "<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>", at(x), at(y), escaped(words));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::assess::{Facts, Outlook, assess};
    use crate::domain::document::Document;
    use crate::domain::ids::{GroupCode, Subject};
    use crate::domain::policy::shipped;
    use crate::domain::precision::Precision;
    use crate::domain::reading::ReportedFigure;
    use crate::domain::target::{Aim, FoundTarget, NoTarget, TargetSource};
    use serde_json::{Value, json};

    fn kpi(changes: &Value) -> Kpi {
        let mut members = json!({
            "code": "NI-117", "title": "NEET", "priority": "p-1", "unit": "percentage", "polarity": "lower_is_better",
            "frequency": "quarter", "calendar": "financial", "aggregation": "snapshot",
        });
        members.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        Kpi::parse(members.as_object().unwrap().clone()).unwrap()
    }

    /// A figure and its target, as far as there are any.
    type Pair = (Option<&'static str>, Option<&'static str>);

    /// The assessments of figures and targets in quarters from 2009/10 Q1 on.
    fn points(kpi: &Kpi, of: &[(Option<&str>, Option<&str>)]) -> Vec<Assessment> {
        let (group, policy) = (GroupCode::all(), shipped().remove(0));
        let first: Period = "FY2009-10-Q1".parse().unwrap();
        let assessed = of.iter().enumerate().map(|(place, (value, target))| {
            let now = "2012-01-01T12:00:00Z".parse().unwrap();
            let said = value.map(|value| {
                let figure = json!({"value": value.parse::<f64>().unwrap()});
                let figure = ReportedFigure::parse(figure.as_object().unwrap().clone()).unwrap();
                figure.observed(1, &"ada".parse::<Subject>().unwrap(), now)
            });
            let target = target.map(|target| {
                let (low, high) = target.split_once(" to ").unwrap_or((target, target));
                let aim = Aim { low: low.parse().unwrap(), high: high.parse().unwrap() };
                FoundTarget { aim, floor: None, source: TargetSource::Set }
            });
            assess(&Facts {
                kpi,
                policy: &policy,
                policy_version: 1,
                period: first.step(i32::try_from(place).unwrap()).unwrap(),
                group: &group,
                reading: said.as_ref(),
                target: target.ok_or(NoTarget::None),
                previous: None,
                year_ago: None,
                due_at: Some(now),
                now,
                withheld: *value == Some("3"),
                precision: Precision::Exact,
                partner: "",
                names_shown: true,
                outlook: Outlook::default(),
                sides: None,
                whole: None,
            })
        });
        assessed.collect()
    }

    fn drawn(kpi: &Kpi, points: &[Assessment], size: Size) -> String {
        let chart = Chart {
            kpi,
            points,
            breaks: &[],
            restated: &[],
            comparators: &[],
            id: "c",
            title: "NEET <16>",
            description: "In words & figures",
        };
        chart.drawn(size)
    }

    fn count(svg: &str, part: &str) -> usize {
        svg.matches(part).count()
    }

    #[test]
    fn figures_targets_and_bands_are_drawn() {
        let kpi = kpi(&json!({}));
        let of = [(Some("5.2"), Some("5")), (Some("4.9"), Some("5")), (Some("4.6"), Some("4.5"))];
        let points = points(&kpi, &of);
        for size in [Size::Wide, Size::Narrow] {
            let svg = drawn(&kpi, &points, size);
            assert!(svg.contains("<title id=\"c-t\">NEET &lt;16&gt;</title>"), "{svg}");
            assert!(svg.contains("<desc id=\"c-d\">In words &amp; figures</desc>"), "{svg}");
            assert_eq!(count(&svg, "class=\"mk "), 3, "{svg}");
            assert_eq!(count(&svg, "class=\"tg\""), 1, "one line in steps: {svg}");
            assert!(svg.contains("class=\"bd-on\"") && svg.contains("class=\"bd-off\""), "{svg}");
            assert!(
                svg.contains(">4.6%</text>") && svg.contains("Q3</text>") && svg.contains("2009/10</text>"),
                "{svg}"
            );
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
        assert!(drawn(&kpi, &points, Size::Wide).contains("Target 4.5%"));
    }

    #[test]
    fn a_figure_that_is_withheld_or_missing_is_a_gap_that_says_so() {
        let kpi = kpi(&json!({}));
        let svg = drawn(&kpi, &points(&kpi, &[(Some("5"), None), (Some("3"), None), (Some("6"), None)]), Size::Wide);
        assert!(svg.contains(">c</text>") && !svg.contains(">3"), "{svg}");
        let path = svg.split("class=\"ln\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(count(path, "M"), 2, "the line breaks: {path}");
        let svg = drawn(&kpi, &points(&kpi, &[(None, Some("5")), (None, Some("5"))]), Size::Wide);
        assert_eq!((count(&svg, ">awaited</text>"), count(&svg, "class=\"ln\"")), (2, 0), "{svg}");
    }

    #[test]
    fn any_figures_make_a_picture() {
        let within = json!({"polarity": "within_range"});
        let cases: [(Value, Vec<Pair>); 6] = [
            (json!({}), vec![]),
            (json!({}), vec![(Some("0"), Some("0"))]),
            (json!({"valid_min": -10}), vec![(Some("-4"), Some("-5")), (Some("7"), Some("-5"))]),
            (within, vec![(Some("12"), Some("10 to 20")), (Some("25"), Some("10 to 20"))]),
            (json!({"unit": "count", "decimals": 0}), vec![(Some("1000000"), None); 40]),
            (json!({"polarity": "none"}), vec![(Some("1"), Some("2"))]),
        ];
        for (changes, of) in cases {
            let kpi = kpi(&changes);
            for size in [Size::Wide, Size::Narrow] {
                let svg = drawn(&kpi, &points(&kpi, &of), size);
                assert!(svg.ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("inf\""), "{changes}: {svg}");
                let figures = of.iter().filter(|(value, _)| value.is_some_and(|value| value != "3")).count();
                assert_eq!(count(&svg, "class=\"mk "), figures, "{changes}");
            }
        }
    }
}
