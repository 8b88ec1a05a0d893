//! From figure to status (docs/rules.md section 4). [`assess`] is the one function that gives a status: the API, files,
//! pages, previews and roll-ups all call it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::forecast::{self, Known, Method, NoForecast};
use super::gap::{AssessedGap, Sides};
use super::ids::{GroupCode, KpiCode, PolicyCode};
use super::kpi::{Formula, Kpi, Polarity, Unit};
use super::number::{Figure, Fraction};
use super::observed::{Measure, Measured, Observed};
use super::parts::{Made, Pooling};
use super::period::Period;
use super::policy::{AmberLimit, Band, Basis, Compare, Policy, Status};
use super::precision::Precision;
use super::scale::{AssessedBand, NextBand, Scale, amber_limit, bands};
use super::target::{Aim, FoundTarget, NoTarget, TargetSource};
use super::travel::{self, Direction, Earlier, NoTravel, Travel, Travels};
use crate::names;

names! {
    /// Why an assessment is as it is, if the figures alone do not say.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
    #[schema(
        description = "Why no status is given, or what determines the status if not the figures. More may be added."
    )]
    pub enum Reason {
        /// The KPI is not in force in the period.
        NotApplicable = "not_applicable",
        /// No figure has been reported.
        NoReading = "no_reading",
        /// It was declared that there is no figure.
        NilReturn = "nil_return",
        /// The figure may not be seen by this reader.
        Suppressed = "suppressed",
        /// The KPI is watched and has no target.
        Contextual = "contextual",
        /// A partner said what the status is.
        PartnerDetermined = "partner_determined",
        /// A partner has yet to say what the status is.
        AwaitingPartner = "awaiting_partner",
        /// No target reaches the period.
        NoTarget = "no_target",
        /// The target is yet to be agreed.
        PlaceholderTarget = "placeholder_target",
        /// A cumulative KPI has a year's target and nothing to spread it by.
        NoProfile = "no_profile",
        /// The target is zero and the tolerance a percentage of it: there is no margin on its worse side.
        ZeroTarget = "zero_target",
        /// A longer period's figure of which parts are still missing.
        Incomplete = "incomplete",
    }
}

names! {
    /// The condition of the figure itself: a second axis beside the status.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
    #[schema(description = "The condition of the figure itself; never mixed into the status.")]
    pub enum DataState, else "is not a data state; they are" {
        /// Reported and final.
        Final = "final",
        /// Reported, and may still change.
        Provisional = "provisional",
        /// Declared to be none.
        NilReturn = "nil_return",
        /// The period has not ended, or lies outside the plan's own years: no figure is due.
        NotDue = "not_due",
        /// The period has ended and the figure is not yet due.
        Awaited = "awaited",
        /// The figure should be there.
        Overdue = "overdue",
        /// The figure may not be seen by this reader.
        Suppressed = "suppressed",
    }
}

impl DataState {
    /// Whether there is a figure that the reader sees.
    pub fn is_figure(self) -> bool {
        match self {
            Self::Final | Self::Provisional => true,
            Self::NilReturn | Self::NotDue | Self::Awaited | Self::Overdue | Self::Suppressed => false,
        }
    }
}

/// What a forecast is made from and compared with.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// The figures known up to the period.
    pub known: Known,
    /// What the year's end is compared with.
    pub target: Result<FoundTarget, NoTarget>,
    /// The total that a count is to reach over the year.
    pub total: Option<Figure>,
    /// The year's end as the sub-group forecasts it.
    pub stated: Option<Figure>,
    /// The figure at the end of the year before; of a total, that year's.
    pub year_ago: Option<Earlier>,
    /// By which definition the figures were measured.
    pub measure: Measure,
    /// Whether the reader may not see a figure that it would be made from.
    pub withheld: bool,
}

impl Default for Outlook {
    /// Nothing is known, and nothing wanted.
    fn default() -> Self {
        Self {
            known: Known::default(),
            target: Err(NoTarget::None),
            total: None,
            stated: None,
            year_ago: None,
            measure: Measure(1, None),
            withheld: false,
        }
    }
}

/// What a longer period's figure is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    /// How, and of how many parts.
    pub made: Made,
    /// The last of its parts: the forecast is made from there.
    pub last: Period,
    /// The first part of which nothing was reported, if there is one.
    pub missing: Option<Period>,
}

/// Everything that one assessment is made from.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The KPI's definition.
    pub kpi: &'a Kpi,
    /// The policy that grades it.
    pub policy: &'a Policy,
    /// That policy's version.
    pub policy_version: i32,
    /// The period assessed.
    pub period: Period,
    /// The group assessed.
    pub group: &'a GroupCode,
    /// The reading, if there is one.
    pub reading: Option<&'a Observed>,
    /// The target of the period.
    pub target: Result<FoundTarget, NoTarget>,
    /// The figure of the period before.
    pub previous: Option<Earlier>,
    /// The figure of the same period a year before.
    pub year_ago: Option<Earlier>,
    /// When the figure is due, if there is no reading; of a longer period, that of the first part that is missing.
    /// `None` if none is owed, because the period lies outside the plan's own years.
    pub due_at: Option<DateTime<Utc>>,
    /// The moment that is assessed as known at.
    pub now: DateTime<Utc>,
    /// Whether the reader may not see the figure.
    pub withheld: bool,
    /// How precisely the reader may know figures that are not withheld.
    pub precision: Precision,
    /// What the partner that determines the status is called, if one does.
    pub partner: &'a str,
    /// Whether the reader may know who recorded it.
    pub names_shown: bool,
    /// What the year's end is forecast from.
    pub outlook: Outlook,
    /// What the figure is computed from, if it is a gap.
    pub sides: Option<Sides<'a>>,
    /// What the figure is made of, if the period is longer than the KPI's own.
    pub whole: Option<Whole>,
}

/// The target in an assessment.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "What the figure is compared with: one figure, or a range from `low` to `high`.")]
pub struct AssessedTarget {
    /// The figure wanted; `null` for a range.
    #[schema(required = true, example = 5.0)]
    pub value: Option<Figure>,
    /// The lower end of the range wanted.
    #[schema(required = true)]
    pub low: Option<Figure>,
    /// The upper end of the range wanted.
    #[schema(required = true)]
    pub high: Option<Figure>,
    /// The figure at which amber ends, if the target has its own.
    #[schema(required = true)]
    pub floor: Option<Figure>,
    /// Where the target came from.
    pub source: TargetSource,
}

/// The policy an assessment was made by.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "The status policy that was applied, and its version.")]
pub struct AppliedPolicy {
    /// The policy's code.
    pub code: PolicyCode,
    /// Its version, from 1.
    #[schema(minimum = 1, example = 1)]
    pub version: i32,
}

/// Who determined a status.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "Who determined the status of a partner-determined KPI, and when.")]
pub struct Determined {
    /// The organisation that determines it.
    #[schema(value_type = String, example = "metropolitan-police")]
    pub organisation: super::ids::OrganisationCode,
    /// The subject that recorded it; null for readers outside the partnership.
    #[schema(required = true, example = "demo-contributor")]
    pub by: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// How a KPI is expected to end the year: a projection, which never changes its status.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "How a KPI is expected to end the year: a projection, which never changes its status.")]
pub struct Forecast {
    /// The figure at the year's end, or of an in-period count the year's total: one that could be posted. `null` if
    /// there is no forecast.
    #[schema(required = true, example = 4.3)]
    pub value: Option<Figure>,
    /// How it was made.
    #[schema(required = true)]
    pub method: Option<Method>,
    /// How the KPI would be doing with it against the target at the year's end; `null` if there is no target to compare
    /// it with.
    #[schema(required = true)]
    pub status: Option<Status>,
    /// Why there is no forecast.
    #[schema(required = true)]
    pub reason: Option<NoForecast>,
    /// For counts that add up over the year: how much each part that is left must bring, on average, to reach the target.
    #[schema(required = true)]
    pub required_rate: Option<Figure>,
    /// The sub-group's own forecast, if it gave one.
    #[schema(required = true)]
    pub stated: Option<StatedForecast>,
}

/// A sub-group's own forecast of the year's end.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "A sub-group's own forecast of the year's end.")]
pub struct StatedForecast {
    /// The figure it expects.
    #[schema(example = 4.2)]
    pub value: Figure,
    /// How the KPI would be doing with it.
    #[schema(required = true)]
    pub status: Option<Status>,
}

/// How one KPI is doing in one period for one group, with all that explains it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "How one KPI is doing in one period for one group, with all that explains it.")]
pub struct Assessment {
    /// The KPI's code.
    pub kpi: KpiCode,
    /// The KPI's title.
    #[schema(example = "16 to 18 year olds who are not in education, employment or training")]
    pub title: String,
    /// The period assessed.
    pub period: Period,
    /// The group assessed.
    pub group: GroupCode,
    /// Its status.
    pub status: Status,
    /// The code of the policy's band.
    #[schema(required = true, example = "high_green")]
    pub band: Option<String>,
    /// What pages call the band.
    #[schema(required = true, example = "High Green")]
    pub band_label: Option<String>,
    /// Why, if the figures alone do not show it.
    #[schema(required = true)]
    pub reason: Option<Reason>,
    /// The condition of the figure itself.
    pub data_state: DataState,
    /// Until when the figure is or was expected; null if it was reported, or none is owed.
    #[schema(required = true)]
    pub due_at: Option<DateTime<Utc>>,
    /// The exact figure; if small numbers are withheld from the reader, rounded to the KPI's decimals.
    #[schema(required = true, example = 4.511_718_75)]
    pub value: Option<Figure>,
    /// The figure as pages show it: rounded once, half away from zero, to the KPI's decimals, or to the target's if it
    /// has more.
    #[schema(required = true, example = 4.5)]
    pub reported: Option<Figure>,
    /// The reported figure with its unit.
    #[schema(required = true, example = "4.5 %")]
    pub reported_text: Option<String>,
    /// What the figure is made of, if the period is longer than those that the KPI is reported by: an in-period count
    /// is summed, and of an in-period percentage or rate the numbers are; `10 of 12 months` while some are missing, and
    /// there is no status then.
    #[schema(required = true, example = "12 months")]
    pub of: Option<String>,
    /// What was counted.
    #[schema(required = true, example = 231)]
    pub numerator: Option<Figure>,
    /// Over what it was counted.
    #[schema(required = true, example = 5120)]
    pub denominator: Option<Figure>,
    /// What the figure is compared with.
    #[schema(required = true)]
    pub target: Option<AssessedTarget>,
    /// The target with its unit, and with all the decimals that decide.
    #[schema(required = true, example = "5.0 %")]
    pub target_text: Option<String>,
    /// Which way is better.
    pub polarity: Polarity,
    /// How far the figure is on the right side of the target; negative is worse.
    #[schema(required = true, example = 0.5)]
    pub variance: Option<Figure>,
    /// What the tolerance counts in.
    #[schema(required = true)]
    pub basis: Option<Basis>,
    /// The variance in that basis; `null` in percent of a zero target.
    #[schema(required = true, example = 10)]
    pub compared: Option<Figure>,
    /// How far below the target is still amber, in the KPI's unit.
    #[schema(required = true, example = 0.25)]
    pub amber_limit: Option<Figure>,
    /// The direction of travel.
    pub travel: Travels,
    /// How it is expected to end the year.
    pub forecast: Forecast,
    /// The forecast with its unit.
    #[schema(required = true, example = "4.3 %")]
    pub forecast_text: Option<String>,
    /// The policy's bands, best first, each with the figures between which it lies; empty if nothing is compared with a
    /// target. Those of a range that lie on both sides of it are there twice.
    pub bands: Vec<AssessedBand>,
    /// The next band up.
    #[schema(required = true)]
    pub next_better: Option<NextBand>,
    /// The next band down.
    #[schema(required = true)]
    pub next_worse: Option<NextBand>,
    /// The policy that was applied.
    pub policy: AppliedPolicy,
    /// Who determined the status, if a partner did.
    #[schema(required = true)]
    pub determined: Option<Determined>,
    /// The two sides, if the KPI is a gap.
    #[schema(required = true)]
    pub gap: Option<AssessedGap>,
    /// All of it in plain English.
    #[schema(
        example = "4.5 % against a target of 5.0 %, where lower is better: 0.5 points better, 10 % of the target. High Green begins 5 % better than the target, at 4.75 %."
    )]
    pub explanation: String,
}

/// The one way from a figure to a status.
pub fn assess(facts: &Facts<'_>) -> Assessment {
    let mut assessment = decide(facts);
    if let Some(sides) = &facts.sides {
        let is_shown = assessment.value.is_some();
        let (gap, words) = sides.shown(assessment.reported, is_shown, facts.year_ago.is_some());
        assessment.explanation.push_str(&words);
        assessment.gap = Some(gap);
    }
    assessment
}

/// The rules of section 4 in their order.
fn decide(facts: &Facts<'_>) -> Assessment {
    let mut assessment = blank(facts);
    // 1. Out of force.
    if !facts.kpi.in_force(facts.period) {
        return not_assessed(
            assessment,
            Reason::NotApplicable,
            format!("This KPI is not in force in {}.", facts.period.label()),
        );
    }
    // 2. Nothing reported.
    let Some(reading) = facts.reading else {
        let explanation = missing_words(facts, assessment.data_state);
        return not_assessed(assessment, Reason::NoReading, explanation);
    };
    if reading.nil_return {
        // One that is whole: if a part is missing, there is no reading.
        return not_assessed(
            assessment,
            Reason::NilReturn,
            format!("It was declared that there is no figure for {}.", facts.period.label()),
        );
    }
    // 3. Reported, and not for this reader's eyes.
    if facts.withheld {
        assessment.data_state = DataState::Suppressed;
        assessment.travel =
            Travels { short: Travel::none(NoTravel::Suppressed), long: Travel::none(NoTravel::Suppressed) };
        return not_assessed(
            assessment,
            Reason::Suppressed,
            "The figure is withheld because it could identify a child.".to_owned(),
        );
    }
    figure_assessment(facts, assessment, reading)
}

/// The rules from the fourth on, for a figure that the reader may see.
fn figure_assessment(facts: &Facts<'_>, mut assessment: Assessment, reading: &Observed) -> Assessment {
    let kpi = facts.kpi;
    show_figure(&mut assessment, facts, reading);
    if let Some(made) = facts.whole.map(|whole| whole.made).filter(|made| made.is_incomplete()) {
        let shown = assessment.reported_text.clone().unwrap_or_default();
        let explanation = format!(
            "{shown} so far, {}. It is compared with a target once all the figures are there.",
            made_words(made)
        );
        return not_assessed(assessment, Reason::Incomplete, explanation);
    }
    let found = facts.target.ok();
    assessment.travel = travels(facts, reading, found.map(|found| found.aim));
    let shown = match (&assessment.reported_text, facts.whole) {
        (Some(text), Some(whole)) => format!("{text}, {}", made_words(whole.made)),
        (Some(text), None) => text.clone(),
        (None, _) => "No figure was given".to_owned(),
    };
    // 4. Nothing to compare it with by nature.
    if let Formula::PartnerDetermined { by } = &kpi.formula {
        return determined(assessment, by, facts, reading);
    }
    if kpi.polarity == Polarity::None {
        let explanation =
            format!("{shown}. This KPI gives context: it is watched, and no target says which way is better.");
        return not_assessed(assessment, Reason::Contextual, explanation);
    }
    // 5. Nothing to compare it with this time.
    let (Some(exact), Some(found)) = (reading.exact(kpi), found) else {
        let (reason, why) = no_target_words(facts.target.err());
        return not_assessed(assessment, reason, format!("{shown}; {why}."));
    };
    // 6 to 8. The figure against its target.
    grade(facts, assessment, exact, found)
}

/// How the figure moved, no more precisely than the reader may know it.
fn travels(facts: &Facts<'_>, reading: &Observed, aim: Option<Aim>) -> Travels {
    let (kpi, now) = (facts.kpi, reading.measured(facts.kpi));
    let known =
        |travel: Travel| Travel { from_value: travel.from_value.map(|value| facts.precision.of(value)), ..travel };
    Travels {
        short: known(travel::short(kpi, now, aim, facts.previous)),
        long: known(travel::since(kpi, now, aim, facts.year_ago)),
    }
}

/// That there is no figure, and when it is due.
fn missing_words(facts: &Facts<'_>, data_state: DataState) -> String {
    let period = facts.period.label();
    let Some(due) = facts.due_at.map(london_day) else {
        return format!("{period} lies outside the plan's own years; no figure is due.");
    };
    match data_state {
        DataState::NotDue => format!("{period} has not ended; no figure is due yet."),
        DataState::Awaited => format!("The figure for {period} is awaited; it is due by {due}."),
        _ => format!("The figure for {period} is overdue; it was due by {due}."),
    }
}

/// That there is no target, and why.
fn no_target_words(why: Option<NoTarget>) -> (Reason, &'static str) {
    match why {
        Some(NoTarget::Placeholder) => (Reason::PlaceholderTarget, "the target for this period is yet to be agreed"),
        Some(NoTarget::Withheld) => (
            Reason::Suppressed,
            "the target is withheld because it is worked out from a figure that could identify a child",
        ),
        Some(NoTarget::NoProfile) => (
            Reason::NoProfile,
            "the figures add up over the year, only the whole year has a target, and no profile says how it spreads",
        ),
        Some(NoTarget::None) | None => (Reason::NoTarget, "no target is set for this period"),
    }
}

/// An assessment before anything but the reading's whereabouts is known.
fn blank(facts: &Facts<'_>) -> Assessment {
    let missing = facts.whole.and_then(|whole| whole.missing);
    let data_state = match facts.reading.filter(|_| missing.is_none()) {
        Some(reading) if reading.nil_return => DataState::NilReturn,
        Some(reading) if reading.provisional => DataState::Provisional,
        Some(_) => DataState::Final,
        None if facts.now <= missing.unwrap_or(facts.period).closes_at() => DataState::NotDue,
        None if !facts.kpi.in_force(facts.period) => DataState::NotDue,
        None => match facts.due_at {
            None => DataState::NotDue,
            Some(due) if facts.now <= due => DataState::Awaited,
            Some(_) => DataState::Overdue,
        },
    };
    let target = facts.target.ok().map(|found| as_known(found, facts.precision));
    let forecast = heading(facts);
    Assessment {
        kpi: facts.kpi.code.clone(),
        title: facts.kpi.title.clone(),
        period: facts.period,
        group: facts.group.clone(),
        status: Status::NotAssessed,
        band: None,
        band_label: None,
        reason: None,
        data_state,
        due_at: facts.due_at.filter(|_| matches!(data_state, DataState::Awaited | DataState::Overdue)),
        value: None,
        reported: None,
        reported_text: None,
        of: facts.whole.map(|whole| whole.made.in_words()),
        numerator: None,
        denominator: None,
        target_text: target.map(|found| target_words(facts.kpi, found.aim)),
        bands: target.map(|found| bands(facts.kpi, facts.policy, &found)).unwrap_or_default(),
        target: target.as_ref().map(shown_target),
        polarity: facts.kpi.polarity,
        variance: None,
        basis: None,
        compared: None,
        amber_limit: None,
        travel: Travels { short: Travel::none(NoTravel::NoComparison), long: Travel::none(NoTravel::NoComparison) },
        forecast_text: forecast.value.map(|value| facts.kpi.in_words(value)),
        forecast,
        next_better: None,
        next_worse: None,
        policy: AppliedPolicy { code: facts.policy.code.clone(), version: facts.policy_version },
        determined: None,
        gap: None,
        explanation: String::new(),
    }
}

fn shown_target(found: &FoundTarget) -> AssessedTarget {
    let Aim { low, high } = found.aim;
    let single = low == high;
    AssessedTarget {
        value: single.then_some(low),
        low: (!single).then_some(low),
        high: (!single).then_some(high),
        floor: found.floor,
        source: found.source,
    }
}

/// A target as precisely as the reader may know it: one on a line from a figure discloses that figure.
pub fn as_known(found: FoundTarget, precision: Precision) -> FoundTarget {
    if found.source != TargetSource::Linear {
        return found;
    }
    let Aim { low, high } = found.aim;
    FoundTarget { aim: Aim { low: precision.of(low), high: precision.of(high) }, ..found }
}

/// A figure as it is shown, and in how many decimals: those that it is compared with, if the target is shown beside it and the
/// reader may know them.
pub fn shown_figure(
    kpi: &Kpi,
    reading: &Observed,
    target: Option<&FoundTarget>,
    precision: Precision,
) -> Option<(Figure, u32)> {
    let finer = target.filter(|_| precision == Precision::Exact);
    let decimals = finer.map_or(precision.decimals(kpi.decimals), |found| found.decimals(kpi));
    Some((reading.exact(kpi)?.rounded(decimals)?, decimals))
}

/// Shows the figure of a reading.
fn show_figure(assessment: &mut Assessment, facts: &Facts<'_>, reading: &Observed) {
    let kpi = facts.kpi;
    assessment.value = match facts.precision {
        Precision::Exact => reading.value,
        Precision::Decimals(known) => reading.exact(kpi).and_then(|exact| exact.rounded(known)),
    };
    let shown = shown_figure(kpi, reading, facts.target.ok().as_ref(), facts.precision);
    assessment.reported = shown.map(|(reported, _)| reported);
    assessment.reported_text = shown.map(|(reported, decimals)| kpi.in_words_to(reported, decimals));
    assessment.numerator = reading.numerator;
    assessment.denominator = reading.denominator;
}

fn not_assessed(mut assessment: Assessment, reason: Reason, explanation: String) -> Assessment {
    assessment.reason = Some(reason);
    assessment.explanation = explanation;
    assessment
}

fn determined(
    mut assessment: Assessment,
    by: &super::ids::OrganisationCode,
    facts: &Facts<'_>,
    reading: &Observed,
) -> Assessment {
    let partner = facts.partner;
    let Some(status) = reading.determined else {
        return not_assessed(
            assessment,
            Reason::AwaitingPartner,
            format!("{partner} determines this KPI's status and has not set it for this period."),
        );
    };
    assessment.status = status;
    assessment.determined = Some(Determined {
        organisation: by.clone(),
        by: facts.names_shown.then(|| reading.recorded_by.to_string()),
        at: reading.recorded_at,
    });
    not_assessed(
        assessment,
        Reason::PartnerDetermined,
        format!("On {} {partner} determined that this KPI is {}.", london_day(reading.recorded_at), status.words()),
    )
}

/// A figure compared with a target: rules 6 to 8.
struct Graded<'a> {
    /// The figure as it is compared.
    figure: Figure,
    /// The target, or the nearer end of the range.
    target: Figure,
    variance: Figure,
    basis: Basis,
    limit: AmberLimit,
    band: &'a Band,
}

/// Rules 6 to 8: variance, amber limit, band. `held` says whether the figure is no worse than a year before.
fn graded<'a>(kpi: &Kpi, policy: &'a Policy, exact: Fraction, found: &FoundTarget, held: bool) -> Option<Graded<'a>> {
    let figure = match policy.compare {
        Compare::Reported => exact.rounded(found.decimals(kpi))?,
        Compare::Exact => exact.figure()?,
    };
    let aim = found.aim;
    let (target, variance) = match kpi.polarity {
        Polarity::HigherIsBetter => (aim.low, figure - aim.low),
        Polarity::LowerIsBetter => (aim.high, aim.high - figure),
        Polarity::WithinRange | Polarity::None => (aim.nearer_end(figure), -aim.distance(figure)),
    };
    let (basis, limit) = amber_limit(kpi, policy, found, target);
    let band = policy.grade(variance, limit, held)?;
    Some(Graded { figure, target, variance, basis, limit, band })
}

/// Whether a figure that travelled so is no worse than the one it is compared with.
fn is_held(travel: &Travel) -> bool {
    matches!(travel.direction, Some(Direction::Improving | Direction::NoChange))
}

fn grade(facts: &Facts<'_>, mut assessment: Assessment, exact: Fraction, found: FoundTarget) -> Assessment {
    let (kpi, policy) = (facts.kpi, facts.policy);
    let held = is_held(&assessment.travel.long);
    let Some(graded) = graded(kpi, policy, exact, &found, held) else { return assessment };
    let band = graded.band;
    assessment.status = band.status;
    assessment.band = Some(band.code.clone());
    assessment.band_label = Some(band.label.clone());
    // The status is the same for everyone. What is shown beside it comes from what the reader may know.
    let found = as_known(found, facts.precision);
    let shown = facts.precision.of_exact(exact);
    let Some(known) = self::graded(kpi, policy, shown, &found, held) else { return assessment };
    let Graded { figure, target, variance, basis, limit, .. } = known;
    assessment.reason = (basis == Basis::Percent && target == Figure::ZERO).then_some(Reason::ZeroTarget);
    assessment.variance = Some(variance);
    assessment.basis = Some(basis);
    assessment.compared = match basis {
        Basis::Percent => variance.percent_of(target.abs()).map(|compared| facts.precision.of(compared)),
        Basis::Points => Some(variance),
    };
    assessment.amber_limit = limit.figure();
    let aim = found.aim;
    let low_side = figure < aim.low || (figure <= aim.high && target == aim.low);
    let scale = Scale { kpi, policy, limit, aim, low_side };
    assessment.next_better = scale.next_better(band);
    assessment.next_worse = scale.next_worse(band);
    if known.band.code != band.code {
        // What is shown would speak for another band.
        (assessment.variance, assessment.compared) = (None, None);
    }
    assessment.explanation = explain(&scale, &assessment, &found, band);
    if let Some(whole) = facts.whole {
        push(&mut assessment.explanation, format_args!(" The figure is {}.", made_words(whole.made)));
    }
    assessment
}

/// Where the KPI is heading by the year's end (section 7), compared with its target by the same rules as any figure.
fn heading(facts: &Facts<'_>) -> Forecast {
    let (kpi, outlook) = (facts.kpi, &facts.outlook);
    let known = |value: Figure| facts.precision.of(value);
    let none = |reason| Forecast {
        value: None,
        method: None,
        status: None,
        reason: Some(reason),
        required_rate: None,
        stated: None,
    };
    if outlook.withheld {
        return none(NoForecast::Suppressed);
    }
    let status = |exact: Fraction| {
        let found = outlook.target.ok().filter(|_| kpi.polarity != Polarity::None)?;
        let now = Some(Measured { exact, measure: outlook.measure });
        let travel = travel::since(kpi, now, Some(found.aim), outlook.year_ago);
        Some(graded(kpi, facts.policy, exact, &found, is_held(&travel))?.band.status)
    };
    let stated = outlook.stated.map(|value| StatedForecast { value: known(value), status: status(value.into()) });
    let period = facts.whole.map_or(facts.period, |whole| whole.last);
    let required_rate = outlook.total.and_then(|total| forecast::required_rate(kpi, period, &outlook.known, total));
    let required_rate = required_rate.map(known);
    let made = forecast::forecast(kpi, period, &outlook.known)
        .and_then(|(exact, method)| Ok((exact, exact.figure().ok_or(NoForecast::OutOfRange)?, method)));
    match made {
        Ok((exact, value, method)) => Forecast {
            value: Some(known(value)),
            method: Some(method),
            status: status(exact),
            reason: None,
            required_rate,
            stated,
        },
        Err(reason) => Forecast { required_rate, stated, ..none(reason) },
    }
}

/// `the sum of 12 months`.
fn made_words(made: Made) -> String {
    match made.pooling {
        Pooling::Sum => format!("the sum of {}", made.in_words()),
        Pooling::Quotient => format!("worked out from the numbers of {}", made.in_words()),
    }
}

/// A target with its unit: `5.0 %`, `10.0 % to 15.0 %`.
fn target_words(kpi: &Kpi, aim: Aim) -> String {
    if aim.low == aim.high {
        kpi.in_exact_words(aim.low)
    } else {
        format!("{} to {}", kpi.in_exact_words(aim.low), kpi.in_exact_words(aim.high))
    }
}

/// The assessment in plain English.
fn explain(scale: &Scale<'_>, assessment: &Assessment, found: &FoundTarget, band: &Band) -> String {
    let kpi = scale.kpi;
    let mut text = match (scale.policy.compare, assessment.value.filter(|_| assessment.variance.is_some())) {
        (Compare::Exact, Some(value)) => kpi.in_full_words(value),
        _ => assessment.reported_text.clone().unwrap_or_default(),
    };
    let aim = found.aim;
    let kind = if aim.low == aim.high { "a target of" } else { "a target range of" };
    let wanted = format!("{kind} {}", target_words(kpi, aim));
    let direction = match kpi.polarity {
        Polarity::HigherIsBetter => "where higher is better",
        Polarity::LowerIsBetter => "where lower is better",
        Polarity::WithinRange | Polarity::None if aim.low == aim.high => "where closest is best",
        Polarity::WithinRange | Polarity::None => "where inside is best",
    };
    push(&mut text, format_args!(" against {wanted}{}, {direction}", source_words(found.source)));
    let Some(variance) = assessment.variance else {
        push(&mut text, format_args!(". {}: the comparison was more exact than the figures shown here.", band.label));
        return text;
    };
    text.push_str(": ");
    if variance == Figure::ZERO {
        text.push_str(if aim.low == aim.high { "exactly on target." } else { "inside the range." });
    } else {
        let side = if variance > Figure::ZERO { "better" } else { "worse" };
        push(&mut text, format_args!("{} {side}", points(kpi, variance.abs())));
        match (assessment.basis, assessment.compared) {
            (Some(Basis::Percent), Some(compared)) => {
                let share = match compared.abs().rounded(1) {
                    Figure::ZERO => "less than 0.1".to_owned(),
                    share => share.to_string(),
                };
                push(&mut text, format_args!(", {share} % of the target."));
            }
            _ => text.push('.'),
        }
    }
    text.push(' ');
    text.push_str(&band_words(scale, assessment, band));
    if assessment.data_state == DataState::Provisional {
        text.push_str(" The figure is provisional.");
    }
    text
}

fn source_words(source: TargetSource) -> &'static str {
    match source {
        TargetSource::Set => "",
        TargetSource::Held => " (the year's, which holds throughout)",
        TargetSource::Even => " (an equal share of the year's)",
        TargetSource::Weighted => " (this period's share of the year's)",
        TargetSource::Linear => " (on the line to the next target)",
    }
}

fn band_words(scale: &Scale<'_>, assessment: &Assessment, band: &Band) -> String {
    if assessment.reason == Some(Reason::ZeroTarget) {
        let zero = if scale.aim.low == scale.aim.high { "a target of zero" } else { "an end of the range at zero" };
        let short = assessment.variance.is_some_and(|variance| variance < Figure::ZERO);
        let year = match scale.policy.bands.iter().any(|band| band.from.is_none() && band.when.is_some()) {
            true if band.when.is_some() => ", but the figure is no worse than a year ago",
            true if short => ", and the figure is worse than a year ago or has none to be compared with",
            _ => "",
        };
        return format!("{}: with {zero} there is no margin on its worse side{year}.", band.label);
    }
    if band.when.is_some() {
        return format!("{}: short of the target by more than the margin, but no worse than a year ago.", band.label);
    }
    if let Some(from) = band.from
        && let Some(value) = scale.figure_at(from)
    {
        return format!("{} {}.", band.label, reach(scale, assessment, from, value));
    }
    // The worst band has no beginning of its own: it is told by where the one above begins.
    let better = scale.place(band).and_then(|place| scale.policy.bands.get(..place)).unwrap_or_default();
    let passed_over = better.last().is_some_and(|next| next.when.is_some());
    let year =
        if passed_over { ", and the figure is worse than a year ago or has none to be compared with" } else { "" };
    let above = better.iter().rev().find_map(|better| Some((better, better.from?, scale.figure_at(better.from?)?)));
    match above {
        Some((better, from, value)) => {
            format!("{}: {} {}{year}.", band.label, better.label, reach(scale, assessment, from, value))
        }
        None => format!("{}.", band.label),
    }
}

/// Where a band ends on its worse side: "begins 5 % better than the target, at 4.75 %" above the target, "reaches as far
/// as 10 % worse than the target, 5.5 %" below it.
fn reach(scale: &Scale<'_>, assessment: &Assessment, from: Figure, value: Figure) -> String {
    let at = scale.kpi.in_exact_words(value);
    if from == Figure::ZERO {
        return format!("begins at the target, {at}");
    }
    let step = scale.limit.at(from).map(Figure::abs).unwrap_or_default();
    let distance = match assessment.basis {
        Some(Basis::Percent) => {
            let tolerance = scale.kpi.tolerance.unwrap_or(scale.policy.tolerance).value;
            format!("{} %", trimmed(tolerance.times(from.abs()).unwrap_or_default(), 4))
        }
        _ => points(scale.kpi, step),
    };
    if from > Figure::ZERO {
        format!("begins {distance} better than the target, at {at}")
    } else {
        format!("reaches as far as {distance} worse than the target, {at}")
    }
}

/// A difference in the KPI's unit: points for percentages, the unit itself for anything else.
fn points(kpi: &Kpi, difference: Figure) -> String {
    let told = kpi.with_decimals_to_tell(difference);
    // A difference that is there is never reported as none.
    let told = if told == Figure::ZERO { difference } else { told };
    match kpi.unit {
        Unit::Percentage | Unit::PercentagePoints if told == Figure::small(1) => "1 point".to_owned(),
        Unit::Percentage | Unit::PercentagePoints => format!("{told} points"),
        _ if kpi.with_decimals_to_tell(difference) == Figure::ZERO => kpi.in_full_words(difference),
        _ => kpi.in_exact_words(difference),
    }
}

/// At most `decimals` places, and no needless zeros.
fn trimmed(figure: Figure, decimals: u32) -> String {
    figure.rounded(decimals).to_string()
}

fn london_day(instant: DateTime<Utc>) -> String {
    super::period::day_in_london(instant).format("%-d %B %Y").to_string()
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _written = text.write_fmt(arguments);
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::document::Document;
    use crate::kpi::tests::kpi;
    use crate::policy::shipped;
    use crate::target::{Target, find_target};
    use crate::warning::Acknowledged;

    type Row = BTreeMap<String, String>;

    /// The worked cases, which are beside the tests as data.
    fn rows(file: &str) -> Vec<Row> {
        let path = format!("{}/../../tests/cases/{file}", env!("CARGO_MANIFEST_DIR"));
        csv::Reader::from_path(&path).unwrap().deserialize().collect::<Result<_, _>>().unwrap()
    }

    fn figure(text: &str) -> Option<Figure> {
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    fn number(text: &str) -> serde_json::Value {
        serde_json::from_str(text).unwrap()
    }

    fn policy(code: &str) -> Policy {
        shipped().into_iter().find(|policy| policy.code.as_str() == code).unwrap()
    }

    fn moment(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// A final figure by the first definition, as the lead reported it.
    pub(crate) fn observed(value: Option<Figure>) -> Observed {
        Observed {
            value,
            numerator: None,
            denominator: None,
            provisional: false,
            nil_return: false,
            determined: None,
            recorded_by: "lead".parse().unwrap(),
            first_recorded_at: DateTime::UNIX_EPOCH,
            stated_forecast: None,
            commentary: None,
            restatement: None,
            acknowledged: Acknowledged::default(),
            computed: None,
            recorded_at: moment("2009-07-20T09:00:00Z"),
            definition_version: 1,
        }
    }

    /// An assessment of the first quarter of 2009/10, known at the end of 2009.
    struct Case {
        kpi: Kpi,
        policy: Policy,
        reading: Option<Observed>,
        target: Result<FoundTarget, NoTarget>,
        previous: Option<Figure>,
        year_ago: Option<Figure>,
        withheld: bool,
        precision: Precision,
        now: DateTime<Utc>,
        outlook: Outlook,
    }

    impl Case {
        fn new(
            kpi: Kpi,
            policy: Policy,
            value: Option<Figure>,
            target: Option<(Figure, Figure, Option<Figure>)>,
        ) -> Self {
            Self {
                kpi,
                policy,
                reading: Some(observed(value)),
                target: target
                    .map(|(low, high, floor)| FoundTarget { aim: Aim { low, high }, floor, source: TargetSource::Set })
                    .ok_or(NoTarget::None),
                previous: None,
                year_ago: None,
                withheld: false,
                precision: Precision::Exact,
                now: moment("2009-12-31T12:00:00Z"),
                outlook: Outlook::default(),
            }
        }

        fn assess(&self) -> Assessment {
            let period: Period = "FY2009-10-Q1".parse().unwrap();
            let earlier = |value: Option<Figure>, period: Option<Period>| {
                let figure = Measured { exact: value?.into(), measure: Measure(1, None) };
                Some(Earlier { period: period?, figure })
            };
            assess(&Facts {
                kpi: &self.kpi,
                policy: &self.policy,
                policy_version: 1,
                period,
                group: &GroupCode::all(),
                reading: self.reading.as_ref(),
                target: self.target,
                previous: earlier(self.previous, period.step(-1)),
                year_ago: earlier(self.year_ago, period.year_before()),
                due_at: Some(period.due_at(self.kpi.collection_lag_days)),
                now: self.now,
                withheld: self.withheld,
                precision: self.precision,
                partner: "Metropolitan Police",
                names_shown: true,
                outlook: self.outlook.clone(),
                sides: None,
                whole: None,
            })
        }
    }

    #[test]
    fn whoever_may_not_know_small_numbers_is_told_no_more_decimals_than_the_kpi_has() {
        let share = kpi(json!({"polarity": "higher_is_better"}));
        let aim = |low: &str| Some((low.parse().unwrap(), low.parse().unwrap(), None));
        let mut case = Case::new(share, policy("rag"), figure("15.789474"), aim("15"));
        case.previous = figure("15.151515");
        case.outlook.stated = figure("16.666667");
        case.outlook.known.figures = ["FY2008-09-Q3", "FY2008-09-Q4", "FY2009-10-Q1"]
            .into_iter()
            .zip(["14.285714", "15.151515", "15.789474"])
            .map(|(at, value)| (at.parse().unwrap(), value.parse().unwrap()))
            .collect();
        let exact = case.assess();
        case.precision = Precision::Decimals(1);
        let known = case.assess();
        assert_eq!(
            (known.value, known.reported, known.variance, known.compared),
            (figure("15.8"), figure("15.8"), figure("0.8"), figure("5.3"))
        );
        assert_eq!(
            known.explanation,
            "15.8 % against a target of 15.0 %, where higher is better: 0.8 points better, 5.3 % of the target. Green begins at the target, 15.0 %."
        );
        assert_eq!(known.forecast.stated.as_ref().map(|stated| stated.value), figure("16.7"));
        assert_eq!(known.forecast.value, exact.forecast.value.map(|value| value.rounded(1)));
        assert_eq!(
            (known.status, known.band, known.travel.short.direction),
            (exact.status, exact.band, exact.travel.short.direction)
        );
        assert_eq!(exact.value, figure("15.789474"));
        // The exact figure decides for everyone, and what is shown beside its status does not disclose it.
        case.policy.compare = Compare::Exact;
        case.reading = Some(observed(figure("14.96")));
        let known = case.assess();
        assert_eq!((known.status, known.value, known.variance), (Status::AtRisk, figure("15"), None));
        assert!(known.explanation.ends_with("more exact than the figures shown here."), "{}", known.explanation);
        // A line discloses what it is drawn from.
        case.target = Ok(FoundTarget {
            aim: Aim { low: "13.333333".parse().unwrap(), high: "13.333333".parse().unwrap() },
            floor: None,
            source: TargetSource::Linear,
        });
        let known = case.assess();
        assert_eq!((known.target.unwrap().value, known.amber_limit), (figure("13.3"), figure("1.33")));
    }

    #[test]
    fn a_forecast_is_graded_as_a_figure_is_and_never_changes_the_status() {
        let falling = kpi(json!({"frequency": "quarter", "polarity": "higher_is_better"}));
        let aim = |figure: u32| Some((Figure::small(figure), Figure::small(figure), None));
        let mut case = Case::new(falling, policy("rag"), figure("90"), aim(90));
        let plain = case.assess();
        assert_eq!((plain.status, plain.forecast.reason), (Status::OnTrack, Some(NoForecast::TooFewReadings)));
        let quarters = ["FY2008-09-Q3", "FY2008-09-Q4", "FY2009-10-Q1"];
        let figures =
            quarters.into_iter().zip([100, 95, 90]).map(|(at, value)| (at.parse().unwrap(), Figure::small(value)));
        case.outlook.known.figures = figures.collect();
        case.outlook.target = case.target;
        case.outlook.stated = figure("85");
        let told = case.assess();
        let forecast = &told.forecast;
        assert_eq!(
            (forecast.value, forecast.method, forecast.status),
            (figure("75"), Some(Method::Trend), Some(Status::OffTrack))
        );
        assert_eq!(forecast.stated, Some(StatedForecast { value: Figure::small(85), status: Some(Status::AtRisk) }));
        assert_eq!((&plain.forecast_text, told.forecast_text.as_deref()), (&None, Some("75.0 %")));
        let otherwise = Assessment { forecast: plain.forecast.clone(), forecast_text: None, ..told };
        assert_eq!(otherwise, plain, "nothing else is another");
        case.outlook.withheld = true;
        let hidden = case.assess().forecast;
        assert_eq!((hidden.value, hidden.stated, hidden.reason), (None, None, Some(NoForecast::Suppressed)));
    }

    #[test]
    fn every_worked_case_of_a_status_comes_out() {
        let rows = rows("status.csv");
        assert!(rows.len() >= 240, "the worked cases are all here");
        for row in rows {
            let cell = |name: &str| row.get(name).unwrap().as_str();
            let mut members = json!({
                "polarity": cell("polarity"), "decimals": number(cell("decimals")), "multiplier": number(cell("multiplier")),
                "aggregation": cell("aggregation"), "steady_margin": number(cell("steady_margin")), "valid_min": -1000,
            });
            if !cell("tolerance").is_empty() {
                members["tolerance"] = json!({"kind": cell("tolerance_kind"), "value": number(cell("tolerance"))});
            }
            let kpi = kpi(members);
            let mut policy = policy(cell("policy"));
            policy.compare = serde_json::from_value(json!(cell("compare"))).unwrap();
            let value = figure(cell("value"))
                .or_else(|| Figure::ratio(figure(cell("numerator"))?, figure(cell("denominator"))?, kpi.multiplier));
            let floor = figure(cell("floor"));
            let target = figure(cell("target"))
                .map(|target| (target, target, floor))
                .or_else(|| Some((figure(cell("target_low"))?, figure(cell("target_high"))?, floor)));
            let mut case = Case::new(kpi, policy, value, target);
            (case.previous, case.year_ago) = (figure(cell("previous")), figure(cell("year_ago")));
            let assessment = case.assess();
            let text = |figure: Option<Figure>| figure.map(|figure| figure.to_string()).unwrap_or_default();
            let direction = |travel: &Travel| travel.direction.map_or("", Direction::as_str);
            let basis = assessment.basis.map_or("", |basis| match basis {
                Basis::Percent => "percent",
                Basis::Points => "points",
            });
            for (name, got) in [
                ("status", assessment.status.as_str()),
                ("band", assessment.band.as_deref().unwrap_or("")),
                ("reason", assessment.reason.map_or("", Reason::as_str)),
                ("reported", &text(assessment.reported)),
                ("variance", &text(assessment.variance)),
                ("basis", basis),
                ("compared", &text(assessment.compared)),
                ("travel_short", direction(&assessment.travel.short)),
                ("travel_long", direction(&assessment.travel.long)),
            ] {
                assert_eq!(got, cell(name), "{name} of case {}: {row:?}", cell("case"));
            }
            assert!(!assessment.explanation.is_empty());
        }
    }

    #[test]
    fn every_worked_case_of_a_target_comes_out() {
        let rows = rows("targets.csv");
        assert!(rows.len() >= 80, "the worked cases are all here");
        for row in rows {
            let cell = |name: &str| row.get(name).unwrap().as_str();
            let mut members = json!({
                "aggregation": cell("aggregation"), "unit": cell("unit"), "polarity": "higher_is_better",
                "weights": cell("weights").split_whitespace().map(number).collect::<Vec<_>>(),
            });
            if !cell("profile").is_empty() {
                members["profile"] = json!(cell("profile"));
            }
            if !cell("baseline").is_empty() {
                members["baseline"] = json!({"period": cell("baseline_period"), "value": number(cell("baseline"))});
            }
            let kpi = kpi(members);
            assert!(kpi.check().is_empty(), "{:?}", kpi.check());
            let targets: BTreeMap<Period, Target> = cell("targets")
                .split(';')
                .filter(|pair| !pair.is_empty())
                .map(|pair| {
                    let (period, value) = pair.split_once('=').unwrap();
                    let members = json!({"value": number(value)});
                    (period.parse().unwrap(), Target::parse(members.as_object().unwrap().clone()).unwrap())
                })
                .collect();
            let found = find_target(&kpi, cell("period").parse().unwrap(), &targets);
            let (value, source, reason) = match found {
                Ok(found) => (found.aim.low.to_string(), serde_json::to_value(found.source).unwrap(), ""),
                Err(NoTarget::None) => (String::new(), json!(""), "no_target"),
                Err(NoTarget::NoProfile) => (String::new(), json!(""), "no_profile"),
                Err(NoTarget::Placeholder) => (String::new(), json!(""), "placeholder_target"),
                Err(NoTarget::Withheld) => (String::new(), json!(""), "suppressed"),
            };
            assert_eq!(
                (value.as_str(), source.as_str().unwrap(), reason),
                (cell("target"), cell("source"), cell("reason")),
                "case {}: {row:?}",
                cell("case")
            );
        }
    }

    #[test]
    fn the_example_of_the_api_reads_as_it_should() {
        let five = figure("5.0").unwrap();
        let mut case = Case::new(kpi(json!({})), policy("five-band"), figure("4.511"), Some((five, five, None)));
        case.previous = figure("4.8");
        let assessment = case.assess();
        assert_eq!(
            assessment.explanation,
            "4.5 % against a target of 5.0 %, where lower is better: 0.5 points better, 10 % of the target. High Green begins 5 % better than the target, at 4.75 %."
        );
        assert_eq!(assessment.next_better, None);
        assert_eq!(assessment.next_worse, Some(NextBand { band: "low_green".into(), at_value: figure("4.75") }));
        assert_eq!(assessment.amber_limit, figure("0.25"));
        assert_eq!(assessment.travel.short.from_value, figure("4.8"));
    }

    #[test]
    fn explanations_name_the_nearest_border() {
        let (five, ten, fifteen) = (figure("5.0").unwrap(), figure("10").unwrap(), figure("15").unwrap());
        for (case, explanation) in [
            (
                Case::new(kpi(json!({})), policy("rag"), figure("7"), Some((five, five, None))),
                "7.0 % against a target of 5.0 %, where lower is better: 2 points worse, 40 % of the target. Red: Amber reaches as far as 10 % worse than the target, 5.5 %.",
            ),
            (
                Case::new(
                    kpi(json!({"polarity": "higher_is_better"})),
                    policy("rag-points"),
                    figure("5"),
                    Some((five, five, None)),
                ),
                "5.0 % against a target of 5.0 %, where higher is better: exactly on target. Green begins at the target, 5.0 %.",
            ),
            (
                Case::new(
                    kpi(json!({"polarity": "within_range"})),
                    policy("rag"),
                    figure("16"),
                    Some((ten, fifteen, None)),
                ),
                "16.0 % against a target range of 10.0 % to 15.0 %, where inside is best: 1 point worse, 6.7 % of the target. Amber reaches as far as 10 % worse than the target, 16.5 %.",
            ),
            (
                Case::new(
                    kpi(json!({"unit": "count", "decimals": 0})),
                    policy("rag"),
                    figure("1"),
                    Some((Figure::ZERO, Figure::ZERO, None)),
                ),
                "1 against a target of 0, where lower is better: 1 worse. Red: with a target of zero there is no margin on its worse side.",
            ),
        ] {
            assert_eq!(case.assess().explanation, explanation);
        }
    }

    #[test]
    fn the_first_rule_that_applies_decides() {
        let five = figure("5.0").unwrap();
        let case = || Case::new(kpi(json!({})), policy("rag"), figure("4"), Some((five, five, None)));
        let reason = |case: &Case| {
            let assessment = case.assess();
            (assessment.reason.map(Reason::as_str), assessment.data_state.as_str())
        };
        assert_eq!(reason(&case()), (None, "final"));
        let mut out = case();
        out.kpi.in_force_to = Some("2009-03-31".parse().unwrap());
        out.withheld = true;
        assert_eq!(reason(&out), (Some("not_applicable"), "final"));
        let mut none = case();
        none.reading = None;
        assert_eq!(reason(&none), (Some("no_reading"), "overdue"));
        // The period ends, and its figure falls due, at 23:59:59 in London.
        for (now, state) in [
            ("2009-06-30T22:59:59Z", "not_due"),
            ("2009-06-30T23:00:00Z", "awaited"),
            ("2009-07-30T22:59:59Z", "awaited"),
            ("2009-07-30T23:00:00Z", "overdue"),
        ] {
            none.now = moment(now);
            assert_eq!(reason(&none), (Some("no_reading"), state), "{now}");
        }
        let mut nil = case();
        nil.reading.as_mut().unwrap().nil_return = true;
        assert_eq!(reason(&nil), (Some("nil_return"), "nil_return"));
        let mut withheld = case();
        withheld.withheld = true;
        assert_eq!(reason(&withheld), (Some("suppressed"), "suppressed"));
        let hidden = withheld.assess();
        assert_eq!((hidden.value, hidden.reported, hidden.variance), (None, None, None));
        let mut provisional = case();
        provisional.reading.as_mut().unwrap().provisional = true;
        assert_eq!(reason(&provisional), (None, "provisional"));
        for (no_target, expected) in [
            (NoTarget::None, "no_target"),
            (NoTarget::Placeholder, "placeholder_target"),
            (NoTarget::NoProfile, "no_profile"),
        ] {
            let mut case = case();
            case.target = Err(no_target);
            assert_eq!(reason(&case), (Some(expected), "final"));
        }
        let mut partner = case();
        partner.kpi.formula = Formula::PartnerDetermined { by: "police".parse().unwrap() };
        assert_eq!(reason(&partner), (Some("awaiting_partner"), "final"));
        partner.reading.as_mut().unwrap().determined = Some(Status::AtRisk);
        assert_eq!(reason(&partner), (Some("partner_determined"), "final"));
        assert_eq!(partner.assess().status, Status::AtRisk);
    }

    #[test]
    fn who_is_shown_fewer_decimals_is_told_no_more_of_them() {
        let aim = figure("0.25").unwrap();
        let ratio = kpi(json!({"unit": "ratio"}));
        let mut case = Case::new(ratio, policy("rag"), figure("0.25"), Some((aim, aim, None)));
        let full = case.assess();
        assert_eq!((full.reported, full.variance, full.status), (Some(aim), figure("0"), Status::OnTrack));
        assert!(
            full.explanation.starts_with("0.25 against a target of 0.25, where lower is better: exactly on target.")
        );
        case.precision = Precision::Decimals(1);
        let less = case.assess();
        assert_eq!((less.reported, less.variance, less.compared), (figure("0.3"), None, None));
        assert_eq!((less.status, less.band), (full.status, full.band), "where it stands is the same for all");
        let told = "0.3 against a target of 0.25, where lower is better. Green: the comparison was more exact than the figures shown here.";
        assert_eq!(less.explanation, told);
        case.policy.compare = Compare::Exact;
        assert_eq!(case.assess().variance, None);
    }

    #[test]
    fn a_difference_is_never_told_as_none() {
        let aim = figure("34.5587").unwrap();
        let case = |value: &str| {
            let percentage = kpi(json!({}));
            Case::new(percentage, policy("rag"), figure(value), Some((aim, aim, None))).assess().explanation
        };
        let told = "34.5588 % against a target of 34.5587 %, where lower is better: 0.0001 points worse, less than 0.1 % of the target.";
        assert!(case("34.5588").starts_with(told), "{}", case("34.5588"));
        let full = "34.5587 % against a target of 34.5587 %, where lower is better: exactly on target.";
        assert!(case("34.55872").starts_with(full), "{}", case("34.55872"));
    }

    #[test]
    fn travel_stops_at_a_change_of_definition() {
        let five = figure("5.0").unwrap();
        let mut case = Case::new(kpi(json!({})), policy("rag"), figure("4"), Some((five, five, None)));
        case.previous = figure("4.8");
        case.reading.as_mut().unwrap().definition_version = 2;
        assert_eq!(case.assess().travel.short.reason, Some(NoTravel::DefinitionChanged));
    }

    proptest! {
        #[test]
        fn a_better_figure_never_gets_a_worse_status(
            which in 0_usize..4, polarity in 0_usize..3, a in -2000_i64..2000, b in -2000_i64..2000,
            target in -1000_i64..1000, width in 0_i64..50, decimals in 0_u32..3, previous in proptest::option::of(-2000_i64..2000),
        ) {
            let tenth = |number: i64| Figure::whole(number).unwrap().share(1, 10).unwrap();
            let (name, width) = [("higher_is_better", 0), ("lower_is_better", 0), ("within_range", width)][polarity];
            let aim = (tenth(target), tenth(target + width));
            let kpi = kpi(json!({"polarity": name, "decimals": decimals, "valid_min": -1000}));
            let assessed = |value: i64| {
                let mut case = Case::new(kpi.clone(), shipped().remove(which), Some(tenth(value)), Some((aim.0, aim.1, None)));
                case.year_ago = previous.map(tenth);
                case.assess()
            };
            let (first, second) = (assessed(a), assessed(b));
            let distance = |value: i64| Aim { low: aim.0, high: aim.1 }.distance(tenth(value).rounded(decimals));
            let first_is_no_worse = match polarity {
                0 => a >= b,
                1 => a <= b,
                // The two ends of a range have limits of their own: only figures on one side compare.
                _ => distance(a) <= distance(b) && ((a >= target) == (b >= target)) && ((a > target + width) == (b > target + width)),
            };
            if first_is_no_worse {
                prop_assert!(first.status <= second.status, "{first:?} {second:?}");
            }
        }

        #[test]
        fn the_next_bands_begin_where_they_say(which in 0_usize..3, value in 0_i64..2000, target in 1_i64..1000, higher in any::<bool>()) {
            let tenth = |number: i64| Figure::whole(number).unwrap().share(1, 10).unwrap();
            let kpi = kpi(json!({"polarity": if higher { "higher_is_better" } else { "lower_is_better" }, "decimals": 6}));
            let assessed = |value: Figure| Case::new(kpi.clone(), shipped().remove(which), Some(value), Some((tenth(target), tenth(target), None))).assess();
            let here = assessed(tenth(value));
            if let Some(NextBand { band, at_value: Some(at) }) = here.next_better.clone() {
                prop_assert_eq!(assessed(at).band, Some(band));
            }
            if let Some(NextBand { band, at_value: Some(at) }) = here.next_worse.clone() {
                prop_assert_eq!(assessed(at).band, here.band);
                let step = Figure::from_units(10_000).unwrap();
                prop_assert_eq!(assessed(if higher { at - step } else { at + step }).band, Some(band));
            }
        }
    }
}
