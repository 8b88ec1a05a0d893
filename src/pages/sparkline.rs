//! A sparkline: a KPI's figures over time, with the line they are compared with and, in words, the latest of them.

use super::svg::{Colour, Page, Picture, width_of};
use super::{ground, in_words, whose};
use crate::domain::assess::{Assessment, Reason};
use crate::domain::number::Figure;
use crate::programme::reports::status_report::Series;

/// How wide the lines may become.
const PLOT_WIDTH: u32 = 240;
/// How high.
const PLOT_HEIGHT: u32 = 40;
/// The room around everything.
const MARGIN: u32 = 6;
/// The strip at the foot that the words are in.
const FOOT: u32 = 20;

/// Draws a series for such a page; `group` is what its group is called, if it is not about everyone.
///
/// The figures and the target are drawn to one scale, from the least of them to the greatest. Where a figure is missing or
/// withheld the line has a gap.
pub fn sparkline(series: &Series, group: Option<&str>, page: Page) -> String {
    let told = Told::of(series);
    let words = told.words();
    let title = format!("{} over time: {words}", whose(&series.title, group));
    let width = (PLOT_WIDTH.max(width_of(&words))) + 2 * MARGIN;
    let height = PLOT_HEIGHT + 2 * MARGIN + FOOT;

    let mut picture = Picture::new((width, height), page, &title, &told.description());
    picture.rectangle(0, 0, width, height, Colour::Paper);
    let status = told.latest.map_or(Colour::Grey, |latest| ground(latest.status));
    picture.rectangle(0, height - FOOT, width, FOOT, status);
    picture.frame(width, height);
    let scale = Scale::of(series);
    for aim in [low, high] {
        scale.draw(&mut picture, series, aim, Colour::Target, true);
    }
    scale.draw(&mut picture, series, |point| point.reported, Colour::Line, false);
    picture.words(MARGIN, height - MARGIN, &words);
    picture.finish()
}

/// The one figure wanted, or the lower end of the range.
fn low(point: &Assessment) -> Option<Figure> {
    point.target.as_ref().and_then(|target| target.value.or(target.low))
}

/// The upper end of the range wanted, if it is one.
fn high(point: &Assessment) -> Option<Figure> {
    point.target.as_ref().and_then(|target| target.high)
}

/// What a series says in words.
struct Told<'a> {
    series: &'a Series,
    /// The latest point at which there is a figure, whether or not it may be seen; without one, the last point.
    latest: Option<&'a Assessment>,
    figures: Vec<&'a Assessment>,
    withheld: usize,
}

impl<'a> Told<'a> {
    fn of(series: &'a Series) -> Self {
        let is_withheld = |point: &&Assessment| point.reason == Some(Reason::Suppressed);
        let figures: Vec<_> = series.points.iter().filter(|point| point.reported.is_some()).collect();
        let latest = series.points.iter().rev().find(|point| point.reported.is_some() || is_withheld(point));
        Self {
            latest: latest.or(series.points.last()),
            withheld: series.points.iter().filter(is_withheld).count(),
            figures,
            series,
        }
    }

    fn words(&self) -> String {
        let latest = self.latest.map_or_else(
            || "no figures yet".to_owned(),
            |latest| format!("{}: {}", latest.period.label(), in_words(latest)),
        );
        match self.withheld {
            0 => latest,
            withheld => format!("{latest}; {withheld} withheld"),
        }
    }

    fn description(&self) -> String {
        let extent = match (self.series.points.first(), self.series.points.last()) {
            (Some(first), Some(last)) => {
                let (count, missing) =
                    (self.figures.len(), self.series.points.len() - self.figures.len() - self.withheld);
                let (from, to) = (first.period.label(), last.period.label());
                let figures = if count == 1 { "figure" } else { "figures" };
                format!("{count} {figures} from {from} to {to}, {missing} missing, {} withheld.", self.withheld)
            }
            _ => "There are no figures yet.".to_owned(),
        };
        let mut told = vec![extent];
        let text = |point: &&Assessment| point.reported_text.clone().unwrap_or_default();
        let by_figure = |point: &&&Assessment| point.reported;
        if let (Some(least), Some(greatest)) =
            (self.figures.iter().min_by_key(by_figure).map(text), self.figures.iter().max_by_key(by_figure).map(text))
        {
            told.push(format!("The lowest is {least}, the highest {greatest}."));
        }
        if self.series.points.iter().any(|point| low(point).is_some()) {
            told.push("The dashed line is the target.".to_owned());
        }
        if let Some(latest) = self.latest {
            told.push(format!("{}: {}", latest.period.label(), latest.explanation));
        }
        told.join(" ")
    }
}

/// From figures to heights, and from places in the series to distances.
struct Scale {
    least: Figure,
    greatest: Figure,
    steps: i64,
}

impl Scale {
    fn of(series: &Series) -> Self {
        let drawn = series.points.iter().flat_map(|point| [point.reported, low(point), high(point)]).flatten();
        let (least, greatest) = (drawn.clone().min(), drawn.max());
        let steps = i64::try_from(series.points.len().saturating_sub(1)).unwrap_or(i64::MAX);
        Self { least: least.unwrap_or(Figure::ZERO), greatest: greatest.unwrap_or(Figure::ZERO), steps }
    }

    /// Draws one line, in as many pieces as gaps make of it.
    fn draw(
        &self,
        picture: &mut Picture,
        series: &Series,
        figure: impl Fn(&Assessment) -> Option<Figure>,
        colour: Colour,
        dashed: bool,
    ) {
        let places: Vec<_> = (0..)
            .zip(&series.points)
            .map(|(place, point)| figure(point).map(|figure| (self.x(place), self.y(figure))))
            .collect();
        for piece in places.split(Option::is_none).filter(|piece| !piece.is_empty()) {
            let points: Vec<_> = piece.iter().flatten().cloned().collect();
            picture.line(&points, colour, dashed);
        }
    }

    fn x(&self, place: i64) -> String {
        let along = Figure::small(PLOT_WIDTH).share(place, self.steps);
        // A series of one point is in the middle.
        let along = along.unwrap_or(Figure::small(PLOT_WIDTH / 2));
        (Figure::small(MARGIN) + along).to_fixed(1)
    }

    fn y(&self, figure: Figure) -> String {
        let up = Figure::ratio(figure - self.least, self.greatest - self.least, PLOT_HEIGHT);
        // If all are the same, they are in the middle.
        let up = up.unwrap_or(Figure::small(PLOT_HEIGHT / 2));
        (Figure::small(MARGIN + PLOT_HEIGHT) - up).to_fixed(1)
    }
}
