//! Pages, and pictures for other people's pages: pure rendering of what the reports say.
//!
//! A page is a struct of what it shows, with a method `page` that gives it as HTML within a [`frame`]; nothing here decides
//! anything, and what a reader may not see is not in what they are given. [`chart`] draws a KPI over time for a page, [`badge`]
//! and [`sparkline`] for pages of others. What people typed is escaped where it is written: by maud in pages, by [`svg`] in
//! pictures.

pub mod assets;
pub mod badge;
pub mod board;
pub mod chart;
pub mod editor;
pub mod files;
pub mod frame;
pub mod kpi;
mod marks;
pub mod plain;
pub mod public;
pub mod returns;
pub mod scorecard;
pub mod set_up;
pub mod sparkline;
pub mod svg;
mod words;

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::assess::{Assessment, Reason};
use crate::domain::policy::Status;
use svg::Colour;

/// The most characters of a group's title that are shown: as many as a band's label may have.
const MOST_OF_A_TITLE: usize = 40;

/// As of when something is known, as a printed page says it.
pub fn as_known_on(at: DateTime<Utc>) -> String {
    format!("As known on {}", words::moment(at))
}

/// A message in which what stands between backquotes is set as code.
fn in_code(message: &str) -> Markup {
    html! {
        @for (place, part) in message.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (words::typed(part)) }
        }
    }
}

/// A text as it stands in the query of an address.
fn in_query(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// What an assessment comes to, in a few words: `4.5 %, on track (High Green)`.
fn in_words(assessment: &Assessment) -> String {
    let status = assessment.status.words();
    let stands = match (&assessment.band_label, assessment.reason) {
        (Some(label), _) => format!("{status} ({label})"),
        (None, Some(reason)) => format!("{status}: {}", reason.as_str().replace('_', " ")),
        (None, None) => status.to_owned(),
    };
    match (&assessment.reported_text, assessment.reason) {
        (None, Some(Reason::Suppressed)) => "withheld".to_owned(),
        (Some(figure), _) => format!("{figure}, {stands}"),
        (None, _) => stands,
    }
}

/// Whose figure it is, and of which group.
fn whose(kpi: &str, group: Option<&str>) -> String {
    group.map_or_else(|| kpi.to_owned(), |group| format!("{kpi}, {}", shortened(group)))
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= MOST_OF_A_TITLE {
        return text.to_owned();
    }
    text.chars().take(MOST_OF_A_TITLE - 1).chain(['…']).collect()
}

/// The ground that a status is written on: light, so that dark words can be read on it. The words say what it says.
fn ground(status: Status) -> Colour {
    match status {
        Status::OnTrack => Colour::Green,
        Status::AtRisk => Colour::Amber,
        Status::OffTrack => Colour::Red,
        Status::NotAssessed => Colour::Grey,
    }
}
