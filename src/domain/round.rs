//! Collection rounds and returns (domain.md section 1): one period's gathering of figures, and what each sub-group owes
//! in it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::document::document;
use super::ids::{SubGroupCode, Subject};
use super::invalid::Invalid;
use super::kpi::{Formula, Kpi};
use super::period::{Period, PeriodKey, end_of_day_in_london, first_moment_of};

document! {
    /// One period's gathering of figures.
    #[schema(description = "One period's gathering of figures. Its days are days in London.")]
    pub struct Round / NewRound / RoundChange {
        /// The period it gathers the figures of.
        period: PeriodKey,
        /// The first day on which its returns are filled in.
        #[schema(example = "2009-07-01")]
        opens: NaiveDate,
        /// The last day on which a figure is in time; not before `opens`, nor before the period's end.
        #[schema(example = "2009-07-31")]
        due: NaiveDate,
        /// The last day on which a figure is changed without a reason; not before `due`.
        #[schema(example = "2009-08-14")]
        closes: NaiveDate,
    }
}

/// Where a sub-group's return stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "Where a sub-group's return stands.")]
pub enum ReturnState {
    /// It is being filled in.
    Open,
    /// Its sub-group says that it is complete.
    Submitted,
    /// Another person agreed: its figures are locked.
    SignedOff,
    /// It was sent back with a note.
    Returned,
}

document! {
    /// Where a sub-group's return in a round stands.
    #[schema(description = "Where a sub-group's return in a round stands, and who brought it there.")]
    pub struct Return / NewReturn / ReturnChange {
        /// The round's period.
        period: PeriodKey,
        /// The sub-group.
        #[schema(example = "be-healthy")]
        sub_group: SubGroupCode,
        /// Where it stands.
        state: ReturnState = ReturnState::Open,
        /// Who submitted it last.
        submitted_by: Option<Subject> = None,
        /// When it was submitted last.
        submitted_at: Option<DateTime<Utc>> = None,
        /// Who signed it off.
        signed_off_by: Option<Subject> = None,
        /// When it was signed off.
        signed_off_at: Option<DateTime<Utc>> = None,
        /// What is to be mended, where it was sent back.
        note: Option<String> = None,
        /// Why it was reopened, where it was.
        reason: Option<String> = None,
    }
}

/// What a return is known by: `FY2009-10-Q1/be-healthy`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReturnKey {
    /// The round's period.
    pub period: Period,
    /// The sub-group.
    pub sub_group: SubGroupCode,
}

impl std::fmt::Display for ReturnKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.period, self.sub_group)
    }
}

impl std::str::FromStr for ReturnKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const NO_KEY: &str = "is no return's key";
        let (period, sub_group) = text.split_once('/').ok_or(NO_KEY)?;
        let period = period.parse().map_err(|_no_period| NO_KEY)?;
        Ok(Self { period, sub_group: sub_group.parse().map_err(|_no_code| NO_KEY)? })
    }
}

impl Round {
    /// What is wrong with the round in itself.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        if self.due < self.opens {
            invalid.at("/due", "due_before_opens", "figures would be due before the round opens");
        }
        if self.due < self.period.0.end() {
            invalid.at("/due", "due_before_end", format!("{} ends on {}", self.period.0, self.period.0.end()));
        }
        if self.closes < self.due {
            invalid.at("/closes", "closes_before_due", "the round would close before its figures are due");
        }
        invalid
    }

    /// When it opens: the first moment of its first day.
    pub fn opens_at(&self) -> DateTime<Utc> {
        first_moment_of(self.opens)
    }

    /// The last moment at which a figure is in time.
    pub fn due_at(&self) -> DateTime<Utc> {
        end_of_day_in_london(self.due)
    }

    /// The last moment at which a figure is changed without a reason.
    pub fn closes_at(&self) -> DateTime<Utc> {
        end_of_day_in_london(self.closes)
    }

    /// Whether it was closed at a moment.
    pub fn is_closed(&self, now: DateTime<Utc>) -> bool {
        now > self.closes_at()
    }

    /// Whether a figure of `period` can be there before the round closes: the period has ended by the round's own end,
    /// and the KPI's lag is over by the closing day.
    fn reaches(&self, kpi: &Kpi, period: Period) -> bool {
        let due = period.end().checked_add_days(chrono::Days::new(kpi.collection_lag_days.into()));
        period.end() <= self.period.0.end() && due.is_some_and(|due| due <= self.closes)
    }

    /// The round of the period before, as it was or, where there was none, as this one would have been.
    fn before(&self) -> Option<Self> {
        let period = self.period.0.step(-1)?;
        let back = |day: NaiveDate| Some(period.end() + (day - self.period.0.end()));
        Some(Self {
            period: PeriodKey(period),
            opens: back(self.opens)?,
            due: back(self.due)?,
            closes: back(self.closes)?,
        })
    }
}

/// The periods of a KPI that are owed in a round, in time order: those that it is posted and in force in, and whose figure
/// can be there before this round closes but could not before the round before it did. So annual, termly and lagging
/// figures are owed once, in the round in which they fall due. `previous` is the round of the period before, where there
/// is one.
pub fn owed_periods(kpi: &Kpi, round: &Round, previous: Option<&Round>) -> Vec<Period> {
    if matches!(kpi.formula, Formula::Gap { .. }) {
        return Vec::new();
    }
    let earlier = previous.cloned().or_else(|| round.before());
    let gathered = |period: &Period| earlier.as_ref().is_some_and(|earlier| earlier.reaches(kpi, *period));
    let last = Period::latest_ended(kpi.period_kind(), round.period.0.end());
    let mut owed: Vec<Period> = std::iter::successors(last, |period| period.step(-1))
        // What one round reaches, it reaches with everything before it.
        .take_while(|period| !gathered(period))
        .filter(|period| round.reaches(kpi, *period) && kpi.in_force(*period))
        .collect();
    owed.reverse();
    owed
}

/// The round among `rounds` in which a figure is owed, where there is one.
pub fn round_of<'a>(kpi: &Kpi, period: Period, rounds: impl Iterator<Item = &'a Round>) -> Option<&'a Round> {
    let mut previous: Option<&Round> = None;
    for round in rounds {
        let before = previous.filter(|before| before.period.0.step(1) == Some(round.period.0));
        if round.reaches(kpi, period) {
            return owed_periods(kpi, round, before).contains(&period).then_some(round);
        }
        previous = Some(round);
    }
    None
}
