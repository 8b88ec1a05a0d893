//! The public's page of a plan: what is published to everyone, in words that a child of twelve reads.

use maud::{Markup, PreEscaped, html};

use super::frame::Frame;
use super::{marks, words};
use crate::domain::assess::{Assessment, DataState, Reason};
use crate::domain::kpi::Polarity;
use crate::domain::policy::Status;
use crate::domain::travel::Direction;
use crate::programme::reports::status_report::{AreaReport, StatusReport};

/// A plan as everyone may see it.
#[derive(Debug)]
pub struct PublicPage<'a> {
    /// The report, as the public sees it.
    pub report: &'a StatusReport,
    /// From what share of the judged on the whole plan is on track, in percent.
    pub on_track_from: u32,
    /// From how small a number on figures are held back.
    pub threshold: u32,
    /// The addresses of the same data.
    pub data: &'a [(&'static str, String)],
}

impl PublicPage<'_> {
    /// The whole page.
    pub fn page(&self, frame: &Frame<'_>) -> String {
        frame.around(&self.content())
    }

    fn content(&self) -> Markup {
        let report = self.report;
        let (counts, headline) = (&report.counts.status, &report.headline);
        let period = report.period;
        html! {
            div.head {
                p.over-h1 { "How are children and young people doing?" }
                h1 { @match headline.assessed {
                    0 => "There is nothing here yet that we can judge",
                    assessed => { (counts.on_track) " of the " (assessed) " things we can judge are on track" },
                } }
                @if headline.assessed > 0 {
                    p.lead {
                        "That makes the whole plan " (lower_status(headline.status)) ". To be on track, " (self.on_track_from) " in every 100 must be."
                    }
                }
                p.under {
                    (report.title) ". " (words::date(period.start())) " to " (words::date(period.end())) ", as known on " (words::day(report.as_of)) "."
                }
            }
            @if headline.total > 0 {
                (marks::bar_alone(counts))
                h2.vh { "What the words mean" }
                ul.howto {
                    (meaning(Status::OnTrack, counts.on_track, "We are doing as well as we said we would, or better."))
                    (meaning(Status::AtRisk, counts.at_risk, "We are a little behind."))
                    (meaning(Status::OffTrack, counts.off_track, "We are well behind."))
                    (meaning(Status::NotAssessed, counts.not_assessed, "We cannot tell yet, or there is nothing to aim for."))
                }
            }
            @for (place, area) in report.outcome_areas.iter().filter(|area| area.headline.total > 0).enumerate() { (story(place, area)) }
            (self.missing())
            section {
                h2 #data { "Take the data" }
                p {
                    "All the figures on this page: "
                    @for (place, (name, address)) in self.data.iter().enumerate() { @if place > 0 { ", " } a href=(address) { (name) } }
                    "."
                }
            }
        }
    }

    fn missing(&self) -> Markup {
        let held = self.report.assessments().filter(|one| one.data_state == DataState::Suppressed).count();
        html! {
            @if held > 0 {
                section {
                    h2 #small { "Why some numbers are missing" }
                    p {
                        @if held == 1 { "1 number is" } @else { (held) " numbers are" } " held back. When only a few children are counted, someone who \
                         knows them might guess who they are. So we never show a number from 1 to " (self.threshold) ", or any number from which it \
                         could be worked out. A 0 is shown."
                    }
                }
            }
        }
    }
}

fn lower_status(status: Status) -> Markup {
    html! { span class={ "st " (words::class(status)) } { (marks::shape(status)) (status.words()) } }
}

fn meaning(status: Status, count: u32, words: &str) -> Markup {
    html! { li { b { (marks::coloured_shape(status)) (count) " " (status.words()) } " " (words) } }
}

/// An outcome area: how it is doing, what is off track, and everything when it is asked for.
fn story(place: usize, area: &AreaReport) -> Markup {
    let counts = &area.counts.status;
    let mut all: Vec<&Assessment> = area.priorities.iter().flat_map(|priority| &priority.kpis).collect();
    all.sort_by_key(|one| one.status);
    let off: Vec<&Assessment> = all.iter().copied().filter(|one| one.status == Status::OffTrack).collect();
    let heading = format!("p-{}", area.code);
    html! {
        section.story aria-labelledby=(heading) {
            (PreEscaped(ICONS.get(place % ICONS.len()).copied().unwrap_or_default()))
            div {
                h2 #(heading) { (area.title) }
                p {
                    (counts.on_track) " of " (area.headline.assessed) " measures that we can judge " @if counts.on_track == 1 { "is" } @else { "are" } " on track. "
                    @match area.headline.status {
                        Status::OnTrack => "Overall it is on track.",
                        Status::AtRisk => "Overall it is at risk: some things are behind.",
                        Status::OffTrack => "Overall it is off track: many things are behind.",
                        Status::NotAssessed => "We cannot tell yet how it is doing overall.",
                    }
                }
                p.dots role="img" aria-label=(in_words(area)) {
                    @for (status, count) in marks::by_status(counts) { @for _ in 0..count { (marks::coloured_shape(status)) } }
                }
            }
            div {
                @if !off.is_empty() { h3 { "What is off track" } ul.measures { @for one in &off { (measure(one)) } } }
                @else { p { "Nothing here is off track." } }
                details {
                    summary { "All " (all.len()) " measures" span.vh { " of " (area.title) } }
                    ul.measures { @for one in &all { (measure(one)) } }
                }
            }
        }
    }
}

fn in_words(area: &AreaReport) -> String {
    let said: Vec<String> = marks::by_status(&area.counts.status)
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| format!("{count} {}", status.words()))
        .collect();
    said.join(", ")
}

fn measure(one: &Assessment) -> Markup {
    html! { li { (marks::coloured_shape(one.status)) b { (one.title) "." } " " (words::status(one.status)) ". " (said(one)) } }
}

/// `21.9 % in 2008/09. We aim for 19.5 % or less. Worse than a year before.`
fn said(one: &Assessment) -> String {
    let Some(figure) = &one.reported_text else {
        return match (one.reason, one.data_state) {
            (Some(Reason::NotApplicable), _) => "We do not measure this in this period.",
            (_, DataState::Suppressed) => {
                "We do not show this number: it is so small that somebody could be recognised."
            }
            (_, DataState::NilReturn) => "There is no number this time.",
            (_, DataState::Overdue) => "The number is late.",
            _ => "The number is not in yet.",
        }
        .to_owned();
    };
    let mut said = format!("{} in {}.", words::typed(figure), one.period.label());
    if let Some(target) = &one.target_text {
        let target = words::typed(target);
        let side = match one.polarity {
            _ if target.contains(" to ") => "",
            Polarity::HigherIsBetter => " or more",
            Polarity::LowerIsBetter => " or less",
            Polarity::WithinRange => ", or close to it",
            Polarity::None => "",
        };
        said.extend([" We aim for ", &target, side, "."]);
    }
    said.push_str(match one.travel.long.direction {
        Some(Direction::Improving) => " Better than a year before.",
        Some(Direction::NoChange) => " The same as a year before.",
        Some(Direction::Worsening) => " Worse than a year before.",
        Some(Direction::Increasing) => " More than a year before.",
        Some(Direction::Decreasing) => " Less than a year before.",
        None => "",
    });
    said
}

/// A picture for each area, in the order of the areas; it says nothing that the words do not.
const ICONS: [&str; 5] = [
    "<svg class=\"icon\" viewBox=\"0 0 48 48\" aria-hidden=\"true\"><path d=\"M24 42C11 32.5 5 25.5 5 17.5A9.7 9.7 0 0 1 24 14a9.7 9.7 0 0 1 19 3.5C43 25.5 37 32.5 24 42Z\"/><path d=\"M9 25h8l3.5-6 5 11 3.5-5h10\"/></svg>",
    "<svg class=\"icon\" viewBox=\"0 0 48 48\" aria-hidden=\"true\"><path d=\"M24 4 41 10v13c0 10-7 17-17 21C14 40 7 33 7 23V10Z\"/><path d=\"m16 23 6 6 10-11\"/></svg>",
    "<svg class=\"icon\" viewBox=\"0 0 48 48\" aria-hidden=\"true\"><path d=\"M24 12c-5-5-12-6-19-5v29c7-1 14 0 19 5 5-5 12-6 19-5V7c-7-1-14 0-19 5Z\"/><path d=\"M24 12v29\"/></svg>",
    "<svg class=\"icon\" viewBox=\"0 0 48 48\" aria-hidden=\"true\"><path d=\"M6 8h36v24H24L13 41v-9H6Z\"/><path d=\"M15 17h18M15 24h11\"/></svg>",
    "<svg class=\"icon\" viewBox=\"0 0 48 48\" aria-hidden=\"true\"><path d=\"M5 15h38v25H5Z\"/><path d=\"M17 15V8h14v7M5 26h15M28 26h15M20 23h8v7h-8Z\"/></svg>",
];
