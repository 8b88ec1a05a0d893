//! Collection rounds and returns (docs/rules.md section 1): one period's gathering of figures, and what each sub-group owes
//! in it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{SubGroupCode, Subject};
use super::invalid::Invalid;
use super::kpi::{Formula, Kpi};
use super::number::{Figure, Share};
use super::period::{Period, PeriodKey, end_of_day_in_london, first_moment_of};
use super::plan::ReturnRules;
use crate::document;

document! {
    /// One period's gathering of figures.
    #[schema(description = "One period's gathering of figures. Its days are days in London.")]
    pub struct Round / RoundDraft / RoundChange {
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

/// The state of a sub-group's return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "The state of a sub-group's return.")]
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
    /// The state of a sub-group's return in a round.
    #[schema(description = "The state of a sub-group's return in a round, and who brought it there.")]
    pub struct Return / NewReturn / ReturnChange {
        /// The round's period.
        period: PeriodKey,
        /// The sub-group.
        #[schema(example = "be-healthy")]
        sub_group: SubGroupCode,
        /// Its state.
        state: ReturnState = ReturnState::Open,
        /// Who submitted it last.
        submitted_by: Option<Subject> = None,
        /// When it was submitted last.
        submitted_at: Option<DateTime<Utc>> = None,
        /// Who signed it off.
        signed_off_by: Option<Subject> = None,
        /// When it was signed off.
        signed_off_at: Option<DateTime<Utc>> = None,
        /// What to correct, if it was sent back.
        note: Option<String> = None,
        /// Why it was reopened, if it was.
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
        const NO_KEY: &str = "is not a return's key";
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

    /// The round of the period before, as it was or, if there was none, as this one would have been.
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
/// can be there before this round closes but not before a round of an earlier period does. So annual, termly and lagging
/// figures are owed once, in the first round that they can be there for, in whatever order rounds close. `earlier` are the
/// rounds of earlier periods.
pub fn owed_periods(kpi: &Kpi, round: &Round, earlier: &[&Round]) -> Vec<Period> {
    if matches!(kpi.formula, Formula::Gap { .. }) {
        return Vec::new();
    }
    let assumed = round.before().filter(|before| earlier.iter().all(|one| one.period.0 != before.period.0));
    let last = Period::latest_ended(kpi.period_kind(), round.period.0.end());
    let mut owed: Vec<Period> = std::iter::successors(last, |period| period.step(-1))
        // What one round reaches, it reaches with everything before it.
        .take_while(|period| !earlier.iter().copied().chain(&assumed).any(|one| one.reaches(kpi, *period)))
        .filter(|period| round.reaches(kpi, *period) && kpi.in_force(*period))
        .collect();
    owed.reverse();
    owed
}

/// The round among `rounds`, which come in the order of their periods, in which a figure is owed, if there is one.
pub fn round_of<'a>(kpi: &Kpi, period: Period, rounds: impl Iterator<Item = &'a Round>) -> Option<&'a Round> {
    let mut previous: Option<&Round> = None;
    for round in rounds {
        if round.reaches(kpi, period) {
            let posted = !matches!(kpi.formula, Formula::Gap { .. });
            let assumed = round.before().filter(|before| previous.is_none_or(|one| one.period.0 != before.period.0));
            let gathered = assumed.is_some_and(|before| before.reaches(kpi, period));
            return (posted && kpi.in_force(period) && !gathered).then_some(round);
        }
        previous = Some(round);
    }
    None
}

/// What is still missing in one line of a return before it can be submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "What is still missing in one line of a return before it can be submitted.")]
pub enum Lacking {
    /// A figure, or a nil return.
    Figure,
    /// Commentary on a figure that is off track.
    Commentary,
    /// An open action for a KPI that is off track twice running.
    Action,
}

impl Lacking {
    /// The code of the error that a submission without it meets.
    pub fn code(self) -> &'static str {
        match self {
            Self::Figure => "figure_missing",
            Self::Commentary => "commentary_missing",
            Self::Action => "action_missing",
        }
    }

    /// What to do about it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Figure => "post the figure, or a nil return that says why there is none",
            Self::Commentary => "it is off track; say why in its commentary",
            Self::Action => "it is off track twice running; open an action for it",
        }
    }
}

/// What is known of one line of a return.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct LineFacts {
    /// Whether a figure or a nil return was reported.
    pub reported: bool,
    /// Whether the figure is off track.
    pub off_track: bool,
    /// Whether the one of the period before was too.
    pub off_track_before: bool,
    /// Whether the figure has commentary.
    pub commented: bool,
    /// Whether the KPI has an open action.
    pub acted_on: bool,
}

/// What is missing in one line of a return, by the plan's rules.
pub fn lacking(line: LineFacts, rules: ReturnRules) -> Vec<Lacking> {
    let twice = line.off_track && line.off_track_before;
    let wanted = [
        (Lacking::Figure, !line.reported),
        (Lacking::Commentary, rules.commentary_when_off_track && line.off_track && !line.commented),
        (Lacking::Action, rules.action_when_off_track_twice && twice && !line.acted_on),
    ];
    wanted.into_iter().filter_map(|(lacking, missing)| missing.then_some(lacking)).collect()
}

/// How far figures that are owed have come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(description = "How far figures that are owed have come in.")]
pub struct Progress {
    /// How many are owed.
    #[schema(minimum = 0, example = 20)]
    pub owed: u32,
    /// How many of them were reported, nil returns among them.
    #[schema(minimum = 0, example = 18)]
    pub reported: u32,
    /// How many were first reported in time.
    #[schema(minimum = 0, example = 15)]
    pub in_time: u32,
    /// How many are overdue.
    #[schema(minimum = 0, example = 1)]
    pub overdue: u32,
    /// The share of those owed that were reported, with one decimal; 100 only if nothing is missing; `null` if none is
    /// owed.
    #[schema(required = true, value_type = Option<Share>)]
    pub completeness_percent: Option<Figure>,
    /// The share of those reported or overdue that were reported in time, with one decimal; 100 only if all were;
    /// `null` if there is none.
    #[schema(required = true, value_type = Option<Share>)]
    pub timeliness_percent: Option<Figure>,
}

/// Counts figures that are owed: each when it was first reported, if it was, and when it is due.
pub fn progress(
    owed: impl IntoIterator<Item = (Option<DateTime<Utc>>, DateTime<Utc>)>,
    now: DateTime<Utc>,
) -> Progress {
    let mut progress = Progress::default();
    for (reported_at, due_at) in owed {
        progress.owed += 1;
        match reported_at {
            Some(at) => {
                progress.reported += 1;
                progress.in_time += u32::from(at <= due_at);
            }
            None => progress.overdue += u32::from(now > due_at),
        }
    }
    let share = |part: u32, whole: u32| {
        if whole == 0 {
            return None;
        }
        let hundredfold = Figure::small(part).times(Figure::small(100))?;
        let share = hundredfold.share(1, i64::from(whole))?.rounded(1);
        // Rounding must not say that nothing is missing: 1,999 of 2,000 are 99.9 %.
        let most = if part < whole { Figure::small(999).share(1, 10)? } else { share };
        Some(share.min(most))
    };
    progress.completeness_percent = share(progress.reported, progress.owed);
    progress.timeliness_percent = share(progress.in_time, progress.reported + progress.overdue);
    progress
}

/// What can be done with a return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Say that it is complete.
    Submit,
    /// Agree to it, and lock its figures.
    SignOff,
    /// Send it back, with what is to be corrected.
    SendBack {
        /// What to correct.
        note: String,
    },
    /// Unlock its figures, with a reason.
    Reopen {
        /// Why.
        reason: String,
    },
}

/// Why a step cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoStep {
    /// The return is in a state that the step does not begin from.
    #[error("the return is {}; {}", .0.words(), .1)]
    WrongState(ReturnState, &'static str),
    /// The person who submitted it cannot be the one who signs it off.
    #[error("the person who submitted a return cannot sign it off; another person must")]
    SamePerson,
}

impl ReturnState {
    fn words(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Submitted => "submitted",
            Self::SignedOff => "signed off",
            Self::Returned => "sent back",
        }
    }
}

impl Return {
    /// A return as it begins.
    pub fn new(period: PeriodKey, sub_group: SubGroupCode) -> Self {
        Self {
            period,
            sub_group,
            state: ReturnState::Open,
            submitted_by: None,
            submitted_at: None,
            signed_off_by: None,
            signed_off_at: None,
            note: None,
            reason: None,
        }
    }

    /// The return after a step: open → submitted → signed off, or sent back with a note; reopened with a reason. Whether
    /// it is complete is for [`lacking`] to say.
    ///
    /// # Errors
    /// [`NoStep`].
    pub fn after(&self, step: Step, by: &Subject, at: DateTime<Utc>) -> Result<Self, NoStep> {
        let wrong = |what_to_do| Err(NoStep::WrongState(self.state, what_to_do));
        let unsigned = Self { signed_off_by: None, signed_off_at: None, note: None, reason: None, ..self.clone() };
        match (step, self.state) {
            (Step::Submit, ReturnState::Open | ReturnState::Returned) => Ok(Self {
                state: ReturnState::Submitted,
                submitted_by: Some(by.clone()),
                submitted_at: Some(at),
                ..unsigned
            }),
            (Step::SignOff, ReturnState::Submitted) if self.submitted_by.as_ref() == Some(by) => {
                Err(NoStep::SamePerson)
            }
            (Step::SignOff, ReturnState::Submitted) => Ok(Self {
                state: ReturnState::SignedOff,
                signed_off_by: Some(by.clone()),
                signed_off_at: Some(at),
                ..unsigned
            }),
            (Step::SendBack { note }, ReturnState::Submitted) => {
                Ok(Self { state: ReturnState::Returned, note: Some(note), ..unsigned })
            }
            (Step::Reopen { reason }, ReturnState::SignedOff) => {
                Ok(Self { state: ReturnState::Open, reason: Some(reason), ..unsigned })
            }
            (Step::Submit, _) => wrong("it is submitted while it is open or sent back"),
            (Step::SignOff, _) => wrong("it is signed off once it is submitted"),
            (Step::SendBack { .. }, _) => wrong("it is sent back while it is submitted"),
            (Step::Reopen { .. }, _) => wrong("only one that is signed off is reopened"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kpi::tests::kpi;
    use serde_json::json;

    fn round(period: &str, due: &str, closes: &str) -> Round {
        let period: Period = period.parse().unwrap();
        let opens = period.end().succ_opt().unwrap();
        Round { period: PeriodKey(period), opens, due: due.parse().unwrap(), closes: closes.parse().unwrap() }
    }

    fn year() -> [Round; 4] {
        [
            round("FY2009-10-Q1", "2009-07-31", "2009-08-14"),
            round("FY2009-10-Q2", "2009-10-31", "2009-11-14"),
            round("FY2009-10-Q3", "2010-01-31", "2010-02-14"),
            round("FY2009-10-Q4", "2010-04-30", "2010-05-14"),
        ]
    }

    /// What a KPI owes in each of four rounds.
    fn owed_in(kpi: &Kpi, rounds: &[Round; 4]) -> [Vec<Period>; 4] {
        let mut earlier = Vec::new();
        rounds.each_ref().map(|round| {
            let periods = owed_periods(kpi, round, &earlier);
            earlier.push(round);
            periods
        })
    }

    /// What a KPI owes in each round of the year.
    fn owed(changes: serde_json::Value) -> [String; 4] {
        let kpi = kpi(changes);
        owed_in(&kpi, &year()).map(|periods| periods.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_figure_is_owed_in_the_round_it_falls_due_in() {
        let quarters = ["FY2009-10-Q1", "FY2009-10-Q2", "FY2009-10-Q3", "FY2009-10-Q4"];
        assert_eq!(owed(json!({"frequency": "quarter"})), quarters);
        assert_eq!(owed(json!({"frequency": "quarter", "collection_lag_days": 0})), quarters);
        // Too late for its own quarter's round: a quarter later.
        let lagging = owed(json!({"frequency": "quarter", "collection_lag_days": 130}));
        assert_eq!(lagging, ["FY2008-09-Q4", "FY2009-10-Q1", "FY2009-10-Q2", "FY2009-10-Q3"]);
        let months = owed(json!({"frequency": "month", "collection_lag_days": 30}));
        assert_eq!(months[1], "2009-07 2009-08 2009-09");
        let annual = owed(json!({"frequency": "year", "collection_lag_days": 30}));
        assert_eq!(annual, ["", "", "", "FY2009-10"]);
        let school = owed(json!({"frequency": "year", "calendar": "academic", "collection_lag_days": 90}));
        assert_eq!(school, ["", "", "AY2008-09", ""]);
        let terms = owed(json!({"frequency": "term", "calendar": "academic", "collection_lag_days": 60}));
        assert_eq!(terms, ["AY2008-09-T2", "AY2008-09-T3", "", "AY2009-10-T1"].map(str::to_owned));
    }

    #[test]
    fn a_figure_out_of_force_or_computed_is_not_owed() {
        let withdrawn = owed(json!({"frequency": "quarter", "in_force_to": "2009-09-30"}));
        assert_eq!(withdrawn, ["FY2009-10-Q1", "FY2009-10-Q2", "", ""]);
        let gap = json!({"kind": "gap", "of": "NI-73", "group": "fsm", "comparator": "all"});
        assert_eq!(owed(json!({"frequency": "quarter", "formula": gap})), ["", "", "", ""]);
    }

    #[test]
    fn every_figure_has_one_round() {
        let rounds = year();
        for (lag, frequency) in [(0, "quarter"), (30, "month"), (44, "quarter"), (45, "quarter"), (90, "month")] {
            let kpi = kpi(json!({"frequency": frequency, "collection_lag_days": lag}));
            for (round, periods) in rounds.iter().zip(owed_in(&kpi, &rounds)) {
                for period in periods {
                    let found = round_of(&kpi, period, rounds.iter());
                    assert_eq!(found, Some(round), "{period} with a lag of {lag}");
                }
            }
        }
    }

    #[test]
    fn a_figure_is_owed_once_in_whatever_order_rounds_close() {
        // The first quarter's round stays open until the year is over; the second's closes long before.
        let mut rounds = year();
        rounds[0].closes = "2010-06-30".parse().unwrap();
        for (lag, frequency) in [(0, "month"), (60, "month"), (100, "quarter"), (150, "quarter"), (300, "quarter")] {
            let kpi = kpi(json!({"frequency": frequency, "collection_lag_days": lag}));
            let mut seen = Vec::new();
            for (round, periods) in rounds.iter().zip(owed_in(&kpi, &rounds)) {
                for period in periods {
                    assert!(!seen.contains(&period), "{period} is owed twice, with a lag of {lag}");
                    assert_eq!(round_of(&kpi, period, rounds.iter()), Some(round), "{period} with a lag of {lag}");
                    seen.push(period);
                }
            }
        }
        // Too late for its own year's first three rounds, were it not for the first one's closing day.
        let lagging = kpi(json!({"frequency": "quarter", "collection_lag_days": 300}));
        let first: Period = "FY2009-10-Q1".parse().unwrap();
        assert_eq!(round_of(&lagging, first, rounds.iter()), Some(&rounds[0]));
        assert!(owed_in(&lagging, &rounds)[1..].iter().flatten().all(|period| *period > first));
    }

    #[test]
    fn a_return_goes_from_open_to_signed_off_and_back() {
        let [ada, bob]: [Subject; 2] = ["ada", "bob"].map(|name| name.parse().unwrap());
        let at = DateTime::UNIX_EPOCH;
        let period: Period = "FY2009-10-Q1".parse().unwrap();
        let open = Return::new(PeriodKey(period), "health".parse().unwrap());
        assert!(matches!(open.after(Step::SignOff, &bob, at), Err(NoStep::WrongState(ReturnState::Open, _))));
        let submitted = open.after(Step::Submit, &ada, at).unwrap();
        assert_eq!(submitted.after(Step::SignOff, &ada, at), Err(NoStep::SamePerson));
        assert!(submitted.after(Step::Submit, &ada, at).is_err());
        let sent_back = submitted.after(Step::SendBack { note: "Look again".into() }, &bob, at).unwrap();
        assert_eq!((sent_back.state, sent_back.note.as_deref()), (ReturnState::Returned, Some("Look again")));
        let signed = sent_back.after(Step::Submit, &bob, at).unwrap().after(Step::SignOff, &ada, at).unwrap();
        assert_eq!(
            (signed.state, &signed.submitted_by, signed.note.as_ref()),
            (ReturnState::SignedOff, &Some(bob), None)
        );
        let reopened = signed.after(Step::Reopen { reason: "Wrong year".into() }, &ada, at).unwrap();
        assert_eq!((reopened.state, reopened.signed_off_by), (ReturnState::Open, None));
    }

    #[test]
    fn a_line_lacks_what_the_plan_asks_for() {
        let line =
            LineFacts { reported: true, off_track: true, off_track_before: true, commented: false, acted_on: false };
        let rules = ReturnRules::default();
        assert_eq!(lacking(LineFacts::default(), rules), [Lacking::Figure]);
        assert_eq!(lacking(line, rules), [Lacking::Commentary, Lacking::Action]);
        assert_eq!(lacking(LineFacts { off_track_before: false, ..line }, rules), [Lacking::Commentary]);
        assert_eq!(lacking(LineFacts { commented: true, acted_on: true, ..line }, rules), []);
        let lenient = ReturnRules { commentary_when_off_track: false, action_when_off_track_twice: false };
        assert_eq!(lacking(line, lenient), []);
    }

    #[test]
    fn progress_counts_what_came_in_and_when() {
        let at = |second: i64| DateTime::from_timestamp(second, 0).unwrap();
        let owed = [(Some(at(5)), at(10)), (Some(at(15)), at(10)), (None, at(10)), (None, at(99))];
        let counted = progress(owed, at(20));
        assert_eq!((counted.owed, counted.reported, counted.in_time, counted.overdue), (4, 2, 1, 1));
        let text = |share: Option<Figure>| share.map(|share| share.to_string());
        assert_eq!(text(counted.completeness_percent).as_deref(), Some("50"));
        assert_eq!(text(counted.timeliness_percent).as_deref(), Some("33.3"));
        assert_eq!(progress([], at(0)).completeness_percent, None);
        // A hundred per cent means that nothing is missing, and that nothing came late.
        let nearly = |missing: usize| {
            let owed = (0..3000).map(|place| ((place >= missing).then(|| at(5)), at(10)));
            let counted = progress(owed, at(20));
            [text(counted.completeness_percent), text(counted.timeliness_percent)].map(Option::unwrap)
        };
        assert_eq!(nearly(0), ["100", "100"]);
        assert_eq!(nearly(1), ["99.9", "99.9"]);
        assert_eq!(nearly(6), ["99.8", "99.8"]);
    }
}
