//! The parts that pages are made of: statuses, directions, data states, counts and bars. A status is a shape, a word and a
//! colour, in that order; none of them stands alone.

use maud::{Markup, PreEscaped, html};

use super::words;
use crate::domain::assess::{Assessment, DataState};
use crate::domain::policy::Status;
use crate::domain::rollup::StatusCounts;
use crate::domain::travel::{Direction, Travel};

/// A sign of the sprite at the head of the page.
fn sign(class: &str, name: &str) -> Markup {
    html! { svg class=(class) aria-hidden="true" { use href={ "#" (name) } {} } }
}

/// The shape of a status.
pub(super) fn shape(status: Status) -> Markup {
    sign("i", words::class(status))
}

/// The shape of a status in its colour, where no word stands beside it.
pub(super) fn coloured_shape(status: Status) -> Markup {
    let class = words::class(status);
    sign(&format!("i {class}"), class)
}

/// The same, shown on narrow pages only.
pub(super) fn narrow_shape(status: Status) -> Markup {
    let class = words::class(status);
    sign(&format!("i nar {class}"), class)
}

/// What stands between what was and what is.
pub(super) fn onwards() -> Markup {
    sign("a", "flat")
}

/// A status: shape and word.
pub(super) fn status(of: Status) -> Markup {
    html! { span class={ "st " (words::class(of)) } { (shape(of)) (words::status(of)) } }
}

/// A status on a tinted ground.
pub(super) fn tag(of: Status) -> Markup {
    html! { span class={ "st tag " (words::class(of)) } { (shape(of)) (words::status(of)) } }
}

/// What stands where there is nothing, and why.
pub(super) fn none(why: &str) -> Markup {
    html! { span.none { "–" span.vh { " " (why) } } }
}

/// A direction of travel.
pub(super) fn direction(travel: &Travel) -> Markup {
    let Some(direction) = travel.direction else { return none(words::no_travel(travel.reason)) };
    let (name, word) = match direction {
        Direction::Improving => ("up", "Improving"),
        Direction::NoChange => ("flat", "No change"),
        Direction::Worsening => ("down", "Worsening"),
        Direction::Increasing => ("inc", "Increasing"),
        Direction::Decreasing => ("dec", "Decreasing"),
    };
    html! { span class=[(direction == Direction::Worsening).then_some("worse")] { (sign("a", name)) (word) } }
}

/// The boxed word of a data state, if the figure is not simply final.
pub(super) fn flag(state: DataState) -> Markup {
    html! { @if let Some((class, word)) = words::flag(state) { span class={ "flag " (class) } { (word) } } }
}

/// A figure with its unit small beside it; nothing if there is none.
pub(super) fn figure(one: &Assessment) -> Markup {
    html! {
        @if let Some(text) = &one.reported_text {
            @let (number, unit) = words::parts(text);
            b { (number) }
            @if !unit.is_empty() {
                " " span.u {
                    @if unit.starts_with("percentage point") { abbr title=(unit) { "pp" } } @else { (unit) }
                }
            }
        }
    }
}

/// All four statuses with their counts, from best to worst.
pub(super) fn by_status(counts: &StatusCounts) -> [(Status, u32); 4] {
    [
        (Status::OnTrack, counts.on_track),
        (Status::AtRisk, counts.at_risk),
        (Status::OffTrack, counts.off_track),
        (Status::NotAssessed, counts.not_assessed),
    ]
}

/// The statuses that occur, each with its count.
pub(super) fn mini(counts: &StatusCounts) -> Markup {
    html! {
        span.mini {
            @for (status, count) in by_status(counts).into_iter().filter(|(_, count)| *count > 0) {
                span class={ "st " (words::class(status)) } { (shape(status)) (count) span.vh { " " (status.words()) } }
                " "
            }
        }
    }
}

/// A share of a whole in thousandths of it.
fn share(count: u32, whole: u32) -> f64 {
    f64::from(count) * 1000.0 / f64::from(whole.max(1))
}

/// A bar whose numbers stand beside it: it is hidden from readers of text. Its full width stands for `whole`.
pub(super) fn bar(counts: &StatusCounts, whole: u32) -> Markup {
    stacked("bar", counts, whole)
}

/// The statuses that occur, each with its count, and where its part of a bar begins and how wide it is, in thousandths.
fn placed(counts: &StatusCounts, whole: u32) -> Vec<(Status, u32, f64, f64)> {
    let mut from = 0.0;
    let parts = by_status(counts).into_iter().map(|(status, count)| {
        let (begin, width) = (from, share(count, whole));
        from += width;
        (status, count, begin, width)
    });
    parts.filter(|(_, count, ..)| *count > 0).collect()
}

fn stacked(class: &str, counts: &StatusCounts, whole: u32) -> Markup {
    html! {
        svg class=(class) viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true" {
            @for (status, _, begin, width) in placed(counts, whole) {
                @let shown = tenths((width - 3.0).max(1.0));
                path class=(words::class(status)) d={ "M" (tenths(begin)) " 0h" (shown) "v20h-" (shown) "Z" } {}
            }
        }
    }
}

/// The whole as one large bar; what its parts are stands beside it.
pub(super) fn bar_alone(counts: &StatusCounts) -> Markup {
    stacked("bar big", counts, by_status(counts).iter().map(|(_, count)| count).sum())
}

/// The whole as one bar with its labels under their parts; for narrow pages and readers of text the labels are a list too.
pub(super) fn big_bar(counts: &StatusCounts) -> Markup {
    let parts = placed(counts, by_status(counts).iter().map(|(_, count)| count).sum());
    let is_roomy = parts.iter().all(|(.., width)| *width >= 105.0);
    html! {
        svg class={ "bar big" @if is_roomy { " roomy" } } aria-hidden="true" {
            @for (status, _, begin, width) in &parts {
                rect class=(words::class(*status)) x=(percent(*begin)) width=(percent(*width)) height="40" {}
            }
            @for (_, _, begin, _) in parts.iter().skip(1) { rect.sep x=(percent(*begin)) width="3" height="40" {} }
            @if is_roomy {
                g.labels { @for (status, count, begin, _) in &parts {
                    @let class = words::class(*status);
                    use href={ "#" (class) } class=(class) x=(percent(*begin)) y="50" width="14" height="14" {}
                    text x=(percent(*begin)) y="62" dx="21" { tspan.b { (count) } " " (status.words()) }
                } }
            }
        }
        ul class={ "barlabels" @if is_roomy { " spare" } } {
            @for (status, count) in by_status(counts) {
                li { span class={ "st " (words::class(status)) } { (shape(status)) (count) } " " (status.words()) }
            }
        }
    }
}

fn tenths(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

/// Thousandths in percent.
fn percent(value: f64) -> String {
    format!("{:.2}%", value / 10.0)
}

/// The signs that a page uses, once at its head: shapes of equal area, and arrows that are drawn so that none becomes an emoji.
pub(super) const SPRITE: PreEscaped<&str> = PreEscaped(concat!(
    "<svg class=\"sprite\" aria-hidden=\"true\">",
    "<symbol id=\"on\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"7\"/></symbol>",
    "<symbol id=\"risk\" viewBox=\"0 0 16 16\"><path d=\"M8-.6 16.6 8 8 16.6-.6 8Z\"/></symbol>",
    "<symbol id=\"off\" viewBox=\"0 0 16 16\"><path d=\"M1.7 1.7h12.6v12.6H1.7Z\"/></symbol>",
    "<symbol id=\"na\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"5.75\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.5\"/></symbol>",
    "<symbol id=\"up\" viewBox=\"0 0 16 16\"><path d=\"M3 13 13 3M5 3h8v8\"/></symbol>",
    "<symbol id=\"flat\" viewBox=\"0 0 16 16\"><path d=\"M1 8h13M9 3l5 5-5 5\"/></symbol>",
    "<symbol id=\"down\" viewBox=\"0 0 16 16\"><path d=\"m3 3 10 10M5 13h8V5\"/></symbol>",
    "<symbol id=\"inc\" viewBox=\"0 0 16 16\"><path d=\"M8 15V2M3 7l5-5 5 5\"/></symbol>",
    "<symbol id=\"dec\" viewBox=\"0 0 16 16\"><path d=\"M8 1v13M3 9l5 5 5-5\"/></symbol>",
    "<symbol id=\"tick\" viewBox=\"0 0 16 16\"><path d=\"m1.5 8.5 4.5 4.5 9-10\"/></symbol>",
    "</svg>",
));
