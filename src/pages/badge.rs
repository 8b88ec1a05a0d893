//! A badge: how one KPI is doing, on one line.

use super::svg::{Colour, Page, Picture, width_of};
use super::{ground, in_words, whose};
use crate::domain::assess::Assessment;

const HEIGHT: u32 = 20;
/// The room beside words.
const MARGIN: u32 = 6;
/// The line that the words are on.
const BASELINE: u32 = 14;

/// Draws an assessment for such a page; `group` is what its group is called, if it is not about everyone.
pub fn badge(assessment: &Assessment, group: Option<&str>, page: Page) -> String {
    let period = assessment.period.label();
    let label = format!("{}, {period}", whose(assessment.kpi.as_str(), group));
    let words = in_words(assessment);
    let (left, right) = (width_of(&label) + 2 * MARGIN, width_of(&words) + 2 * MARGIN);

    let title = format!("{}, {period}: {words}", whose(&assessment.title, group));
    let mut picture = Picture::new((left + right, HEIGHT), page, &title, &assessment.explanation);
    picture.rectangle(0, 0, left, HEIGHT, Colour::Label);
    picture.rectangle(left, 0, right, HEIGHT, ground(assessment.status));
    picture.frame(left + right, HEIGHT);
    picture.words(MARGIN, BASELINE, &label);
    picture.words(left + MARGIN, BASELINE, &words);
    picture.finish()
}
