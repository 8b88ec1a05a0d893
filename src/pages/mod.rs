//! Pictures of reports, to be put into other people's pages: pure rendering of what the reports say.
//!
//! [`badge`] draws one assessment and [`sparkline`] a series. Neither decides anything: what a reader may not see is not in
//! the assessment that they are given. [`svg`] writes the picture and keeps what people typed from being taken for markup.

pub mod badge;
pub mod chart;
pub mod sparkline;
pub mod svg;

use crate::domain::assess::{Assessment, Reason};
use crate::domain::policy::Status;
use svg::Colour;

/// The most characters of a group's title that are shown: as many as a band's label may have.
const MOST_OF_A_TITLE: usize = 40;

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
