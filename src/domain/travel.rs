//! Direction of travel (docs/rules.md section 6).

use serde::Serialize;

use super::kpi::{Aggregation, Kpi, Polarity};
use super::number::Figure;
use super::observed::Measured;
use super::period::{Period, PeriodKey};
use super::target::Aim;
use crate::names;

names! {
    /// Which way a KPI has moved.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
    #[schema(description = "Which way a KPI has moved; `increasing` and `decreasing` if neither way is better.")]
    pub enum Direction {
        /// For the better.
        Improving = "improving",
        /// By no more than the KPI's steady margin.
        NoChange = "no_change",
        /// For the worse.
        Worsening = "worsening",
        /// Up, if neither way is better.
        Increasing = "increasing",
        /// Down, if neither way is better.
        Decreasing = "decreasing",
    }
}

/// Why no direction is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "Why no direction is given.")]
pub enum NoTravel {
    /// A year-to-date figure is only compared with the same span a year before.
    Cumulative,
    /// What is measured has changed between the two.
    DefinitionChanged,
    /// One side is missing.
    NoComparison,
    /// The figures may not be seen.
    Suppressed,
}

/// One direction of travel.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "A direction of travel: what the figure is compared with, and which way it moved.")]
pub struct Travel {
    /// Which way; `null` if there is a reason why not.
    #[schema(required = true)]
    pub direction: Option<Direction>,
    /// The key of the period compared with.
    #[schema(required = true, value_type = Option<String>, example = "FY2008-09-Q4")]
    pub from_period: Option<PeriodKey>,
    /// The reported figure of that period.
    #[schema(required = true, example = 4.8)]
    pub from_value: Option<Figure>,
    /// Why there is no direction.
    #[schema(required = true)]
    pub reason: Option<NoTravel>,
}

impl Travel {
    /// No direction, and why.
    pub fn none(reason: NoTravel) -> Self {
        Self { direction: None, from_period: None, from_value: None, reason: Some(reason) }
    }
}

/// Both directions of travel.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "The direction of travel since the previous period (`short`) and since a year before (`long`).")]
pub struct Travels {
    /// Against the previous period of the same frequency.
    pub short: Travel,
    /// Against the same period a year before.
    pub long: Travel,
}

/// An earlier figure to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// The period it is of.
    pub period: Period,
    /// The figure.
    pub figure: Measured,
}

/// The travel since the previous period: none for year-to-date figures.
pub fn short(kpi: &Kpi, now: Option<Measured>, aim: Option<Aim>, previous: Option<Earlier>) -> Travel {
    if kpi.aggregation == Aggregation::YearToDate {
        return Travel::none(NoTravel::Cumulative);
    }
    since(kpi, now, aim, previous)
}

/// The travel since a given earlier figure. Both are compared as reported, with the KPI's own decimals.
pub fn since(kpi: &Kpi, now: Option<Measured>, aim: Option<Aim>, earlier: Option<Earlier>) -> Travel {
    let reported = |figure: Measured| figure.exact.rounded(kpi.decimals);
    let (Some(now), Some(earlier)) = (now, earlier) else {
        return Travel::none(NoTravel::NoComparison);
    };
    let (Some(value), Some(before)) = (reported(now), reported(earlier.figure)) else {
        return Travel::none(NoTravel::NoComparison);
    };
    let compared = |direction, reason| Travel {
        direction,
        from_period: Some(PeriodKey(earlier.period)),
        from_value: Some(before),
        reason,
    };
    if now.measure != earlier.figure.measure {
        return compared(None, Some(NoTravel::DefinitionChanged));
    }
    let rise = value - before;
    let (gain, better, worse) = match (kpi.polarity, aim) {
        (Polarity::HigherIsBetter, _) => (rise, Direction::Improving, Direction::Worsening),
        (Polarity::LowerIsBetter, _) => (-rise, Direction::Improving, Direction::Worsening),
        (Polarity::None, _) => (rise, Direction::Increasing, Direction::Decreasing),
        (Polarity::WithinRange, Some(aim)) => {
            let nearer = aim.distance(before) - aim.distance(value);
            (nearer, Direction::Improving, Direction::Worsening)
        }
        (Polarity::WithinRange, None) => return compared(None, Some(NoTravel::NoComparison)),
    };
    let direction = if gain.abs() <= kpi.steady_margin {
        Direction::NoChange
    } else if gain > Figure::ZERO {
        better
    } else {
        worse
    };
    compared(Some(direction), None)
}
