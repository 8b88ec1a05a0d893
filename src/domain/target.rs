//! Targets and which one a period is compared with (docs/rules.md section 5).

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::check::check_text;
use super::document::Given;
use super::invalid::Invalid;
use super::kpi::{Aggregation, Kpi, Polarity, Profile};
use super::number::{Figure, MAX_DECIMALS};
use super::parts::parts;
use super::period::{Period, PeriodKind};
use super::warning::Acknowledged;
use crate::document;
use crate::names;

names! {
    /// Who asks for a target.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
    #[schema(description = "Who asks for a target: the law, the Local Area Agreement, or the partnership itself.")]
    pub enum TargetKind, else "is not one of" {
        /// Set by law.
        Statutory = "statutory",
        /// Part of the Local Area Agreement.
        Laa = "laa",
        /// The partnership's own.
        Local = "local",
    }
}

names! {
    /// Whether a target counts yet.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
    #[schema(description = "Whether a target counts: only `agreed` ones assess.")]
    pub enum TargetState, else "is not one of" {
        /// Agreed to be agreed.
        Placeholder = "placeholder",
        /// Put forward.
        Proposed = "proposed",
        /// In force.
        Agreed = "agreed",
        /// No longer wanted.
        Withdrawn = "withdrawn",
    }
}

document! {
    /// The figure wanted for a period.
    #[schema(description = "The figure, or the range, wanted for a period. If a target exists already, an absent member leaves the stored value and `null` puts it back to its default. `value`, `low` and `high` are one thing: giving any of them replaces all three. A placeholder without a figure that is given one is agreed, unless `state` says otherwise. A `reason` is about this change and is never carried over.")]
    pub struct Target / FirstTarget / TargetDraft {
        /// The figure wanted; `null` for a range or a placeholder.
        #[schema(example = 5.0)]
        value: Option<Figure> = None,
        /// The lower end of the range wanted; with `high`, for KPIs whose polarity is `within_range`.
        #[schema(example = 10.0)]
        low: Option<Figure> = None,
        /// The upper end of the range wanted.
        #[schema(example = 15.0)]
        high: Option<Figure> = None,
        /// The figure at which amber ends, if the target has one of its own.
        #[schema(example = 5.5)]
        floor: Option<Figure> = None,
        /// Who asks for it; `local` for a first target that does not say.
        kind: TargetKind = TargetKind::Local,
        /// Whether it counts; `agreed` for a first target that does not say.
        state: TargetState = TargetState::Agreed,
        /// Why this figure; at most 2,000 characters.
        #[schema(max_length = 2000, example = "Halves the gap to the London average.")]
        rationale: Option<String> = None,
        /// Who agreed it; at most 200 characters.
        #[schema(max_length = 200, example = "Children and Young People's Partnership")]
        agreed_by: Option<String> = None,
        /// When it was agreed.
        #[schema(example = "2009-03-24")]
        agreed_on: Option<NaiveDate> = None,
        /// Why it replaces the one before; needed when it does; at most 2,000 characters.
        #[schema(max_length = 2000, example = "New national baseline published in October 2009.")]
        reason: Option<String> = None,
        /// The codes of warnings that you have seen and confirm: they are not repeated for this target.
        #[serde(skip_serializing_if = "Acknowledged::is_empty")]
        #[schema(value_type = Vec<String>, example = json!([]))]
        acknowledged: Acknowledged = Acknowledged::default(),
    }
}

/// What a figure is compared with: one figure (both ends the same) or a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aim {
    /// The lower end.
    pub low: Figure,
    /// The upper end.
    pub high: Figure,
}

impl Aim {
    fn map(self, change: impl Fn(Figure) -> Option<Figure>) -> Option<Self> {
        Some(Self { low: change(self.low)?, high: change(self.high)? })
    }

    /// The end nearer to a figure; the low one if both are as near.
    pub fn nearer_end(self, figure: Figure) -> Figure {
        if (figure - self.low).abs() <= (figure - self.high).abs() { self.low } else { self.high }
    }

    /// How far outside the range a figure lies; nothing inside, ends included.
    pub fn distance(self, figure: Figure) -> Figure {
        if figure < self.low {
            self.low - figure
        } else if figure > self.high {
            figure - self.high
        } else {
            Figure::ZERO
        }
    }
}

/// The members that are one thing: what is wanted.
const AIM: [&str; 3] = ["value", "low", "high"];

impl Target {
    /// Whether any of these members gives what is wanted.
    pub fn is_given(given: &Given) -> bool {
        given.has_any(&AIM)
    }

    /// What the target aims at; `None` for a placeholder without a figure.
    pub fn aim(&self) -> Option<Aim> {
        match (self.value, self.low, self.high) {
            (Some(value), ..) => Some(Aim { low: value, high: value }),
            (None, Some(low), Some(high)) => Some(Aim { low, high }),
            _ => None,
        }
    }

    /// Lays what somebody said over the stored target: a member that was not given leaves what is there. `value`, `low`
    /// and `high` are one thing: giving any of them replaces all three. What a placeholder without a figure was waiting
    /// for is its figure: given one, it is agreed unless it is said to be in another state. The reason is about this
    /// change alone.
    #[must_use]
    pub fn over(&self, given: &Given, standing: &Self) -> Self {
        let mut target = self.clone();
        if self.value.is_none() && self.low.is_none() && self.high.is_none() {
            let unless_cleared = |member, stands: Option<Figure>| stands.filter(|_| !given.has(member));
            target.value = unless_cleared("value", standing.value);
            target.low = unless_cleared("low", standing.low);
            target.high = unless_cleared("high", standing.high);
        }
        if !given.has("floor") {
            target.floor = standing.floor;
        }
        if !given.has("kind") {
            target.kind = standing.kind;
        }
        let fills_placeholder =
            standing.state == TargetState::Placeholder && standing.aim().is_none() && self.aim().is_some();
        if !given.has("state") && !fills_placeholder {
            target.state = standing.state;
        }
        if !given.has("rationale") {
            target.rationale.clone_from(&standing.rationale);
        }
        if !given.has("agreed_by") {
            target.agreed_by.clone_from(&standing.agreed_by);
        }
        if !given.has("agreed_on") {
            target.agreed_on = standing.agreed_on;
        }
        target
    }

    /// The same with no words if there are only blanks, which no file can distinguish from an empty cell.
    #[must_use]
    pub fn without_blank_words(self) -> Self {
        let words = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let Self { rationale, agreed_by, reason, .. } = self;
        let (rationale, agreed_by, reason) = (words(rationale), words(agreed_by), words(reason));
        Self { rationale, agreed_by, reason, ..self }
    }

    /// What is wrong with the words, whatever KPI they are about.
    pub fn texts(&self) -> Invalid {
        let mut invalid = Invalid::new();
        for (pointer, text, most) in [
            ("/rationale", &self.rationale, 2000),
            ("/agreed_by", &self.agreed_by, 200),
            ("/reason", &self.reason, 2000),
        ] {
            if let Some(text) = text {
                check_text(&mut invalid, pointer, text, 0, most);
            }
        }
        invalid
    }

    /// What is wrong with the target for this KPI and period; of a period that cannot be read, all that does not depend on it.
    pub fn check(&self, kpi: &Kpi, period: Option<Period>) -> Invalid {
        let mut invalid = self.texts();
        let year = PeriodKind::year_of(kpi.calendar);
        if period.is_some_and(|period| period.kind() != kpi.period_kind() && period.kind() != year) {
            invalid.at(
                "/period",
                "other_period_kind",
                format!(
                    "a target of this KPI is for a {} or a {}, such as {}",
                    kpi.period_kind().words(),
                    year.words(),
                    year.example()
                ),
            );
        }
        if kpi.polarity == Polarity::None {
            invalid.at("/value", "contextual_kpi", "this KPI's polarity is `none`: it is watched and has no target");
        }
        let ranged = kpi.polarity == Polarity::WithinRange;
        match (self.value, self.low, self.high) {
            (None, None, None) if self.state == TargetState::Placeholder => {}
            (None, None, None) => {
                invalid.at("/value", "missing", "give `value`, or `low` and `high`; only a placeholder has neither");
            }
            (Some(_), None, None) => {}
            (None, Some(low), Some(high)) if ranged => {
                if low > high {
                    invalid.at("/low", "range_reversed", "`low` is above `high`");
                }
            }
            (None, Some(_), Some(_)) => {
                invalid.at(
                    "/low",
                    "range_not_wanted",
                    "a range is for KPIs whose polarity is `within_range`; give `value`",
                );
            }
            (Some(_), ..) => invalid.at("/value", "value_and_range", "give `value`, or `low` and `high`, not both"),
            (None, None, Some(_)) => invalid.at("/low", "missing", "a range has both `low` and `high`"),
            (None, Some(_), None) => invalid.at("/high", "missing", "a range has both `low` and `high`"),
        }
        if let (Some(floor), Some(aim)) = (self.floor, self.aim()) {
            let wrong_side = match kpi.polarity {
                Polarity::HigherIsBetter => floor > aim.low,
                Polarity::LowerIsBetter => floor < aim.high,
                Polarity::WithinRange => floor > aim.low && floor < aim.high,
                Polarity::None => false,
            };
            if wrong_side {
                invalid.at(
                    "/floor",
                    "floor_on_wrong_side",
                    "the floor lies on the better side of the target, and amber ends on the worse one; give another `floor`, or an empty one for none",
                );
            }
        }
        invalid
    }
}

/// Where the target of a period came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "Where the target came from: `set` for the period itself, or the year's target spread by the KPI's profile."
)]
pub enum TargetSource {
    /// Set for the period itself.
    Set,
    /// The year's, which holds in each part.
    Held,
    /// An equal share of the year's.
    Even,
    /// A weighted share of the year's.
    Weighted,
    /// A point on the line between two targets, or a baseline and a target.
    Linear,
}

/// The target a period is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundTarget {
    /// What is aimed at.
    pub aim: Aim,
    /// Where amber ends, if the target says so itself.
    pub floor: Option<Figure>,
    /// Where it came from.
    pub source: TargetSource,
}

impl FoundTarget {
    /// The decimal places that a figure is compared with, and shown beside, this target: the KPI's, or the target's own
    /// if it has more, so that a figure equal to it is on target.
    ///
    /// A share such as a third has more places than any figure can be given with, and adds none.
    pub fn decimals(&self, kpi: &Kpi) -> u32 {
        let given = [Some(self.aim.low), Some(self.aim.high), self.floor];
        let own = given.into_iter().flatten().map(Figure::decimals).filter(|decimals| *decimals <= MAX_DECIMALS);
        own.fold(kpi.decimals, u32::max)
    }

    fn plus(self, other: Self) -> Option<Self> {
        let aim = Aim { low: self.aim.low.plus(other.aim.low)?, high: self.aim.high.plus(other.aim.high)? };
        let floor = self.floor.zip(other.floor).and_then(|(floor, other)| floor.plus(other));
        Some(Self { aim, floor, source: self.source })
    }
}

/// Why a period has no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTarget {
    /// None was set that reaches it.
    None,
    /// One is agreed to be agreed.
    Placeholder,
    /// Only a year's target, and a cumulative KPI without a profile to spread it by.
    NoProfile,
    /// There is one, and it would give away a figure that this reader may not see.
    Withheld,
}

/// Which target a period is compared with: section 5, (a) to (d).
///
/// `targets` are the KPI's current ones by period. A floor goes with the target it was set on, and is shared out with it; a
/// line has none before it reaches the target at its end. The period may be a longer one that the KPI's own periods make up:
/// a share of the year is then as large as all of theirs, and a line has come as far as the last of them.
///
/// # Errors
/// [`NoTarget`], which says why there is none.
pub fn find_target(kpi: &Kpi, period: Period, targets: &BTreeMap<Period, Target>) -> Result<FoundTarget, NoTarget> {
    let agreed = |period: Period| {
        let target = targets.get(&period).filter(|target| target.state == TargetState::Agreed)?;
        Some((target.aim()?, target.floor))
    };
    if let Some((aim, floor)) = agreed(period) {
        return Ok(FoundTarget { aim, floor, source: TargetSource::Set });
    }
    let year = period.year_in(kpi.calendar).filter(|year| *year != period && year.end() >= period.end());
    let found = match year.and_then(|year| Some((year, agreed(year)?))) {
        Some((year, (aim, floor))) => match kpi.spread() {
            Some(profile) => spread(kpi, period, year, profile, aim, floor, &agreed),
            None if kpi.aggregation == Aggregation::YearToDate => return Err(NoTarget::NoProfile),
            None => None,
        },
        None if kpi.spread() == Some(Profile::Linear) => {
            let parts = parts(kpi.period_kind(), period).filter(|_| period.kind() != kpi.period_kind());
            let last = parts.and_then(|parts| parts.last().copied()).unwrap_or(period);
            between_known_points(kpi, last, targets)
        }
        None => None,
    };
    let is_placeholder = |period: Option<Period>| {
        period.and_then(|period| targets.get(&period)).is_some_and(|target| target.state == TargetState::Placeholder)
    };
    found.ok_or_else(|| {
        if is_placeholder(Some(period)) || is_placeholder(year) { NoTarget::Placeholder } else { NoTarget::None }
    })
}

/// Which target the sum of a longer period's parts is compared with. If the year's figure is a level that each part is
/// compared with (`held`, `linear`), it is the sum of theirs; otherwise the year's figure is itself a sum, and the
/// longer period's share of it is meant.
///
/// # Errors
/// [`NoTarget`], which says why there is none.
pub fn find_target_of_sum(
    kpi: &Kpi,
    whole: Period,
    targets: &BTreeMap<Period, Target>,
) -> Result<FoundTarget, NoTarget> {
    let level = matches!(kpi.spread(), Some(Profile::Held | Profile::Linear));
    let Some(parts) = parts(kpi.period_kind(), whole).filter(|_| level) else {
        return find_target(kpi, whole, targets);
    };
    let mut found = parts.into_iter().filter(|part| kpi.in_force(*part)).map(|part| find_target(kpi, part, targets));
    let first = found.next().unwrap_or(Err(NoTarget::None))?;
    found.try_fold(first, |sum, part| sum.plus(part?).ok_or(NoTarget::None))
}

/// The first and last place in the year of a KPI's own periods that make up a period, from 1, and how many a year has.
fn places(kpi: &Kpi, period: Period) -> Option<(i32, i32, i32)> {
    let (first, last) = if period.kind() == kpi.period_kind() {
        (period, period)
    } else {
        let parts = parts(kpi.period_kind(), period)?;
        (*parts.first()?, *parts.last()?)
    };
    let (from, of) = first.position_in(kpi.calendar)?;
    Some((from, last.position_in(kpi.calendar)?.0, of))
}

/// (b): the year's target, spread over its parts.
fn spread(
    kpi: &Kpi,
    period: Period,
    year: Period,
    profile: Profile,
    aim: Aim,
    floor: Option<Figure>,
    agreed: &impl Fn(Period) -> Option<(Aim, Option<Figure>)>,
) -> Option<FoundTarget> {
    let (first, last, parts) = places(kpi, period)?;
    let cumulative = kpi.aggregation == Aggregation::YearToDate;
    let (upto, parts) = (i64::from(last), i64::from(parts));
    let before = if cumulative { 0 } else { i64::from(first) - 1 };
    let shared_out = |source, share: &dyn Fn(Figure) -> Option<Figure>| {
        Some(FoundTarget { aim: aim.map(share)?, floor: floor.and_then(share), source })
    };
    match profile {
        Profile::Held => Some(FoundTarget { aim, floor, source: TargetSource::Held }),
        Profile::Even => shared_out(TargetSource::Even, &|figure| figure.share(upto - before, parts)),
        Profile::Weighted => {
            let within = usize::try_from(before).ok()?..usize::try_from(upto).ok()?;
            let weight = kpi.weights.get(within)?.iter().fold(Figure::ZERO, |sum, weight| sum + *weight);
            shared_out(TargetSource::Weighted, &|figure| figure.times(weight))
        }
        Profile::Linear if upto == parts => Some(FoundTarget { aim, floor, source: TargetSource::Linear }),
        Profile::Linear => {
            let start = year
                .step(-1)
                .and_then(agreed)
                .map(|(aim, _)| aim)
                .or_else(|| kpi.baseline.map(|baseline| Aim { low: baseline.value, high: baseline.value }))?;
            line(start, aim, upto, parts)
        }
    }
}

/// (c): the line between the nearest known points before and after, counted in periods.
fn between_known_points(kpi: &Kpi, period: Period, targets: &BTreeMap<Period, Target>) -> Option<FoundTarget> {
    // A year's figure is placed where the year ends; a target set for that very part goes before it.
    let place = |known: Period| {
        if known.kind() == period.kind() { Some(known) } else { Period::last_of_kind(period.kind(), known) }
    };
    let mut points: BTreeMap<Period, Aim> = BTreeMap::new();
    if let Some(baseline) = kpi.baseline {
        points.insert(place(baseline.period.0)?, Aim { low: baseline.value, high: baseline.value });
    }
    let agreed = || targets.iter().filter(|(_, target)| target.state == TargetState::Agreed);
    let years = agreed().filter(|(known, _)| known.kind() != period.kind());
    let parts = agreed().filter(|(known, _)| known.kind() == period.kind());
    for (known, target) in years.chain(parts) {
        points.insert(place(*known)?, target.aim()?);
    }
    let (from, start) = points.range(..period).next_back()?;
    let (to, end) = points.range(period..).next()?;
    line(*start, *end, i64::from(from.distance_to(period)?), i64::from(from.distance_to(*to)?))
}

fn line(start: Aim, end: Aim, step: i64, steps: i64) -> Option<FoundTarget> {
    let along = |from: Figure, to: Figure| Some(from + (to - from).share(step, steps)?);
    let aim = Aim { low: along(start.low, end.low)?, high: along(start.high, end.high)? };
    Some(FoundTarget { aim, floor: None, source: TargetSource::Linear })
}
