//! The cycle: collection rounds, what each sub-group owes in them, and a return's way from open to signed off.

pub mod reminders;
pub mod templates;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::access::{Access, Audience};
use crate::domain::action::ActionState;
use crate::domain::assess::{Assessment, DataState};
use crate::domain::document::{Document, Given, parse_given, take};
use crate::domain::ids::{GroupCode, KpiCode, OrganisationCode, PlanCode, SubGroupCode, Subject};
use crate::domain::invalid::{Invalid, Violation};
use crate::domain::kpi::{Formula, Kpi};
use crate::domain::number::Figure;
use crate::domain::period::{FIRST_YEAR, Period, PeriodKey, day_in_london};
use crate::domain::plan::SubGroup;
use crate::domain::policy::Status;
use crate::domain::reading::ReportedFigure;
use crate::domain::round::{
    Lacking, LineFacts, NoStep, Progress, Return, ReturnKey, ReturnState, Round, Step, lacking, owed_periods, progress,
};
use crate::domain::warning::Warning;
use crate::store::definitions::DefinitionKind;
use crate::store::readings;

use crate::programme::definitions::Defined;
use crate::programme::figures::check::{Judged, figure_column};
use crate::programme::figures::effects::{Effects, Move, Place, RollUpMove, Through};
use crate::programme::figures::readings::{Checked, Desk, reading_change};
use crate::programme::picture::{Kept, KpiPicture, Picture};
use crate::programme::seen::Seen;
use crate::programme::{OpenPlan, Principal, Programme, Refusal};

impl Defined for Round {
    type Code = Period;
    const KIND: DefinitionKind = DefinitionKind::Round;
    const NOUN: &'static str = "collection round";
    const ACTIONS: [&'static str; 3] = ["round.created", "round.updated", "round.removed"];
    const CODE: &'static str = "period";

    fn code(&self) -> &Period {
        &self.period.0
    }

    fn all(picture: &Picture) -> &BTreeMap<Period, Kept<Self>> {
        picture.rounds()
    }

    fn check_in(&self, picture: &Picture) -> Invalid {
        let mut invalid = self.check();
        let kind = self.period.0.kind();
        if let Some(other) = picture.rounds().keys().find(|other| other.kind() != kind) {
            let words = other.kind().words();
            invalid.at(
                "/period",
                "other_period_kind",
                format!("this plan gathers its figures by {words}, as in {other}"),
            );
        }
        invalid
    }

    fn used_by(picture: &Picture, code: &Period) -> Option<String> {
        picture.returns().keys().find(|key| key.period == *code).map(|key| format!("the return `{key}`"))
    }
}

/// Whether a round is yet to open, open, or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "Whether a round is yet to open, open, or closed.")]
pub enum RoundState {
    /// It is yet to open.
    Planned,
    /// Its returns are filled in.
    Open,
    /// A figure that changes is restated.
    Closed,
}

/// A collection round's days.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Round, description = "One period's gathering of figures: its days in London, and the moments that they begin or end at.")]
pub struct RoundDays {
    /// The period it gathers the figures of.
    pub period: Period,
    /// The first day on which its returns are filled in.
    #[schema(example = "2009-07-01")]
    pub opens: NaiveDate,
    /// The last day on which a figure is in time.
    #[schema(example = "2009-07-31")]
    pub due: NaiveDate,
    /// The last day on which a figure is changed without a reason.
    #[schema(example = "2009-08-14")]
    pub closes: NaiveDate,
    /// The first moment of its first day.
    pub opens_at: DateTime<Utc>,
    /// The last moment at which a figure is in time.
    pub due_at: DateTime<Utc>,
    /// The last moment at which a figure is changed without a reason.
    pub closes_at: DateTime<Utc>,
}

impl From<&Round> for RoundDays {
    fn from(round: &Round) -> Self {
        Self {
            period: round.period.0,
            opens: round.opens,
            due: round.due,
            closes: round.closes,
            opens_at: round.opens_at(),
            due_at: round.due_at(),
            closes_at: round.closes_at(),
        }
    }
}

/// A collection round as it stands.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A collection round as it stands: its returns, and how far its figures have come in.")]
pub struct RoundReport {
    /// The plan's code.
    pub plan: PlanCode,
    /// The moment that it is as known at.
    pub as_of: DateTime<Utc>,
    /// Its days.
    pub round: RoundDays,
    /// Whether it is yet to open, open, or closed.
    pub state: RoundState,
    /// How many returns are in each state.
    pub counts: ReturnCounts,
    /// How far its figures have come in.
    pub progress: Progress,
    /// The returns of the sub-groups that owe a figure, by sub-group.
    pub returns: Vec<ReturnReport>,
}

/// How many returns are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(description = "How many of the returns are in each state.")]
pub struct ReturnCounts {
    /// Being filled in.
    #[schema(minimum = 0, example = 1)]
    pub open: u32,
    /// Submitted.
    #[schema(minimum = 0, example = 1)]
    pub submitted: u32,
    /// Signed off.
    #[schema(minimum = 0, example = 3)]
    pub signed_off: u32,
    /// Sent back with a note.
    #[schema(minimum = 0, example = 0)]
    pub returned: u32,
}

/// The figure before the one that is owed.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "The latest figure before the one that is owed.")]
pub struct LastFigure {
    /// Its period.
    pub period: Period,
    /// The figure, rounded to the KPI's decimals; `null` where there was a nil return.
    #[schema(required = true, example = 4.8)]
    pub reported: Option<Figure>,
    /// The figure with its unit.
    #[schema(required = true, example = "4.8 %")]
    pub reported_text: Option<String>,
}

/// One figure that is owed in a return.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "One figure that is owed in a return, with all that is needed to report it.")]
pub struct ReturnLine {
    /// Where the KPI stands in the period, its target among it.
    pub assessment: Assessment,
    /// What is counted and over what.
    #[schema(example = "Young people of 16 to 18 known to be NEET, as a share of those whose activity is known.")]
    pub definition: String,
    /// The organisation that leads on the KPI.
    #[schema(required = true, example = "connexions")]
    pub lead_organisation: Option<OrganisationCode>,
    /// When it is due.
    pub due_at: DateTime<Utc>,
    /// When a figure, or a nil return, was first reported; `null` while there is none.
    #[schema(required = true)]
    pub reported_at: Option<DateTime<Utc>>,
    /// Whether that was in time; `null` while there is none.
    #[schema(required = true)]
    pub in_time: Option<bool>,
    /// What readers should know about the figure.
    #[schema(required = true, example = "Two colleges reported late.")]
    pub commentary: Option<String>,
    /// The figure before it.
    #[schema(required = true)]
    pub last: Option<LastFigure>,
    /// What is still to be done before the return can be submitted.
    pub lacking: Vec<Lacking>,
}

/// A sub-group's return in a round.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A sub-group's return in a round: every figure it owes, and where the return stands.")]
pub struct ReturnReport {
    /// The plan's code.
    pub plan: PlanCode,
    /// The round's period.
    pub period: Period,
    /// The sub-group's code.
    pub sub_group: SubGroupCode,
    /// The sub-group's title.
    #[schema(example = "Be Healthy sub-group")]
    pub title: String,
    /// The organisation that leads the sub-group.
    #[schema(example = "harrow-pct")]
    pub lead_organisation: OrganisationCode,
    /// Where the return stands.
    pub state: ReturnState,
    /// Who submitted it last.
    #[schema(required = true, value_type = Option<String>)]
    pub submitted_by: Option<Subject>,
    /// When it was submitted last.
    #[schema(required = true)]
    pub submitted_at: Option<DateTime<Utc>>,
    /// Who signed it off.
    #[schema(required = true, value_type = Option<String>)]
    pub signed_off_by: Option<Subject>,
    /// When it was signed off.
    #[schema(required = true)]
    pub signed_off_at: Option<DateTime<Utc>>,
    /// What is to be mended, where it was sent back.
    #[schema(required = true, example = "NI-53a: is the denominator the quarter's?")]
    pub note: Option<String>,
    /// Why it was reopened, where it was.
    #[schema(required = true, example = "The denominator of NI-53a was the year's.")]
    pub reason: Option<String>,
    /// When the round opens.
    pub opens_at: DateTime<Utc>,
    /// When its figures are due.
    pub due_at: DateTime<Utc>,
    /// When the round closes.
    pub closes_at: DateTime<Utc>,
    /// How far its figures have come in.
    pub progress: Progress,
    /// The figures it owes, by KPI, period and group.
    pub lines: Vec<ReturnLine>,
}

/// One figure that someone still owes.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "One figure that is still owed.")]
pub struct OutstandingItem {
    /// The round in which it is owed; `null` where no round gathers it, and the KPI's own lag says when it is due.
    #[schema(required = true)]
    pub round: Option<Period>,
    /// The sub-groups that answer for it.
    #[schema(example = json!(["be-healthy"]))]
    pub sub_groups: Vec<SubGroupCode>,
    /// The organisation that owes it: the KPI's lead, else the sub-group's; `null` where there is neither.
    #[schema(required = true, example = "connexions")]
    pub organisation: Option<OrganisationCode>,
    /// The KPI's code.
    pub kpi: KpiCode,
    /// The KPI's title.
    #[schema(example = "16 to 18 year olds who are not in education, employment or training")]
    pub title: String,
    /// The period.
    pub period: Period,
    /// The group.
    pub group: GroupCode,
    /// By when.
    pub due_at: DateTime<Utc>,
    /// `awaited`, or `overdue`.
    pub data_state: DataState,
}

/// How far what someone owes has come in.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "How far what a sub-group or an organisation owes has come in.")]
pub struct OwedBy {
    /// The code of the sub-group or organisation.
    #[schema(example = "be-healthy")]
    pub code: String,
    /// Its title.
    #[schema(example = "Be Healthy sub-group")]
    pub title: String,
    /// How far it has come in.
    #[serde(flatten)]
    pub progress: Progress,
}

/// Who owes what, and by when.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(
    description = "Who owes what in the rounds that have opened, and of what no round gathers, and by when, with completeness and timeliness. Each figure counts once, however many sub-groups answer for it."
)]
pub struct Outstanding {
    /// The plan's code.
    pub plan: PlanCode,
    /// The moment that it is as known at.
    pub as_of: DateTime<Utc>,
    /// The rounds looked at.
    pub rounds: Vec<Period>,
    /// How far everything owed has come in.
    pub progress: Progress,
    /// The same by sub-group.
    pub by_sub_group: Vec<OwedBy>,
    /// The same by organisation.
    pub by_organisation: Vec<OwedBy>,
    /// What is still owed: the longest overdue first.
    pub items: Vec<OutstandingItem>,
}

/// Whose outstanding figures are wanted; `None` asks for all.
#[derive(Clone, Debug, Default)]
pub struct OutstandingFilter {
    /// Those of one round; otherwise of every round that has opened, and those that no round gathers.
    pub round: Option<Period>,
    /// Those of a sub-group.
    pub sub_group: Option<SubGroupCode>,
    /// Those of an organisation.
    pub organisation: Option<OrganisationCode>,
}

/// No period begins earlier.
const EARLIEST: NaiveDate = match NaiveDate::from_ymd_opt(FIRST_YEAR + 1, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// A figure that is owed.
pub(in crate::programme) struct Owed<'a> {
    pub(in crate::programme) entry: &'a KpiPicture,
    pub(in crate::programme) period: Period,
    pub(in crate::programme) group: GroupCode,
}

impl Owed<'_> {
    /// What it is known by: a figure that several sub-groups answer for is one.
    fn place(&self) -> (&KpiCode, Period, &GroupCode) {
        (&self.entry.kpi.code, self.period, &self.group)
    }
}

impl Seen {
    /// What is owed of the periods that have ended and that no round gathers, by KPI, period and group: it is due by each
    /// KPI's own lag.
    fn owed_by_lag(&self) -> Vec<Owed<'_>> {
        let (plan, today) = (&self.picture.plan().value, day_in_london(self.now));
        let mut owed = Vec::new();
        for entry in self.picture.kpis().values().map(|entry| &**entry).filter(|entry| !entry.archived) {
            let kpi = &entry.kpi;
            if matches!(kpi.formula, Formula::Gap { .. }) {
                continue;
            }
            let first = Period::holding(kpi.period_kind(), plan.starts_on.max(EARLIEST));
            let periods = std::iter::successors(first, |period| period.step(1));
            for period in periods.take_while(|period| period.end() < today && plan.covers(*period)) {
                if kpi.in_force(period) && self.picture.round_of(kpi, period).is_none() {
                    let groups = self.picture.owed_groups(kpi).into_iter();
                    owed.extend(groups.map(|group| Owed { entry, period, group }));
                }
            }
        }
        owed
    }

    fn line(&self, owed: &Owed<'_>) -> Option<ReturnLine> {
        let Owed { entry, period, group } = owed;
        let kpi = &entry.kpi;
        let assessment = self.assess(entry, group, *period)?;
        let before = period.step(-1).and_then(|before| self.assess(entry, group, before));
        let reading = entry.posted(group, *period).map(|reading| &reading.value);
        let due_at = self.picture.due_at(kpi, *period);
        let facts = LineFacts {
            reported: reading.is_some(),
            // The target is everyone's: a group behind it is what a gap tells of.
            off_track: group.is_all() && assessment.status == Status::OffTrack,
            off_track_before: before.is_some_and(|before| before.status == Status::OffTrack),
            commented: reading.is_some_and(|reading| reading.commentary.is_some()),
            acted_on: self.picture.has_open_action(&kpi.code),
        };
        let last = entry.readings.get(group).and_then(|readings| readings.range(..*period).next_back());
        Some(ReturnLine {
            definition: kpi.definition.clone(),
            lead_organisation: kpi.lead_organisation.clone(),
            due_at,
            reported_at: reading.map(|reading| reading.first_recorded_at),
            in_time: reading.map(|reading| reading.first_recorded_at <= due_at),
            commentary: reading.and_then(|reading| reading.commentary.as_deref()).map(str::to_owned),
            last: last.map(|(period, reading)| LastFigure {
                period: *period,
                reported: reading.value.reported(kpi),
                reported_text: reading.value.reported(kpi).map(|reported| kpi.in_words(reported)),
            }),
            lacking: lacking(facts, self.picture.plan().value.return_rules),
            assessment,
        })
    }

    /// A sub-group's return as it stands, for a member of the partnership; only the lines of KPIs that `wanted` takes.
    fn return_report(&self, round: &Round, sub_group: &SubGroup, wanted: impl Fn(&KpiPicture) -> bool) -> ReturnReport {
        let owed = self.picture.owed(round, sub_group).into_iter().filter(|owed| wanted(owed.entry));
        let lines: Vec<_> = owed.filter_map(|owed| self.line(&owed)).collect();
        let said = self.picture.return_of(round, sub_group);
        ReturnReport {
            plan: self.picture.plan().value.code.clone(),
            period: round.period.0,
            sub_group: sub_group.code.clone(),
            title: sub_group.title.clone(),
            lead_organisation: sub_group.lead_organisation.clone(),
            state: said.state,
            submitted_by: said.submitted_by,
            submitted_at: said.submitted_at,
            signed_off_by: said.signed_off_by,
            signed_off_at: said.signed_off_at,
            note: said.note,
            reason: said.reason,
            opens_at: round.opens_at(),
            due_at: round.due_at(),
            closes_at: round.closes_at(),
            progress: progress(lines.iter().map(|line| (line.reported_at, line.due_at)), self.now),
            lines,
        }
    }

    /// A round as it stands, with every return of it, for a member of the partnership.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where there is no such round.
    pub fn round_report(&self, period: Period) -> Result<RoundReport, Refusal> {
        let round = &self.picture.rounds().get(&period).ok_or(Refusal::NotFound)?.value;
        let groups = self.picture.sub_groups().values();
        let returns = groups.map(|group| self.return_report(round, &group.value, |_| true));
        let returns: Vec<_> =
            returns.filter(|report| !report.lines.is_empty() || report.state != ReturnState::Open).collect();
        let mut counts = ReturnCounts::default();
        for report in &returns {
            *match report.state {
                ReturnState::Open => &mut counts.open,
                ReturnState::Submitted => &mut counts.submitted,
                ReturnState::SignedOff => &mut counts.signed_off,
                ReturnState::Returned => &mut counts.returned,
            } += 1;
        }
        // A figure that two sub-groups answer for is in the return of each, and counts once.
        let lines = returns.iter().flat_map(|report| &report.lines);
        let come_in: BTreeMap<_, _> = lines
            .map(|line| {
                let one = &line.assessment;
                ((&one.kpi, one.period, &one.group), (line.reported_at, line.due_at))
            })
            .collect();
        Ok(RoundReport {
            plan: self.picture.plan().value.code.clone(),
            as_of: self.now,
            round: round.into(),
            state: if self.now < round.opens_at() {
                RoundState::Planned
            } else if round.is_closed(self.now) {
                RoundState::Closed
            } else {
                RoundState::Open
            },
            counts,
            progress: progress(come_in.into_values(), self.now),
            returns,
        })
    }

    /// A sub-group's return in a round.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where there is no such round or sub-group.
    pub fn find_return(&self, key: &ReturnKey) -> Result<ReturnReport, Refusal> {
        let (round, sub_group) = self.picture.return_place(key)?;
        Ok(self.return_report(round, sub_group, |_| true))
    }

    /// The figures owed in the rounds that a filter asks for, each with its round, and in no round where it asks for all.
    fn owed_everywhere(&self, wanted: Option<Period>) -> Vec<(Option<Period>, Owed<'_>)> {
        let mut owed = Vec::new();
        for round in self.rounds_asked(wanted) {
            let of_round = self.picture.owed_in_round(round, |_| true);
            owed.extend(of_round.into_iter().map(|owed| (Some(round.period.0), owed)));
        }
        if wanted.is_none() {
            owed.extend(self.owed_by_lag().into_iter().map(|owed| (None, owed)));
        }
        owed
    }

    /// One round, or every round that has opened.
    fn rounds_asked(&self, wanted: Option<Period>) -> impl Iterator<Item = &Round> {
        let rounds = self.picture.rounds().values().map(|round| &round.value);
        rounds.filter(move |round| wanted.map_or(round.opens_at() <= self.now, |period| round.period.0 == period))
    }

    /// Who owes what in the rounds that have opened, and of what no round gathers, and by when.
    pub fn outstanding(&self, filter: &OutstandingFilter) -> Outstanding {
        let mut items = Vec::new();
        let mut all = Vec::new();
        let mut by_sub_group: BTreeMap<&SubGroupCode, Vec<_>> = BTreeMap::new();
        let mut by_organisation: BTreeMap<&OrganisationCode, Vec<_>> = BTreeMap::new();
        for (round, owed) in self.owed_everywhere(filter.round) {
            let kpi = &owed.entry.kpi;
            let sub_groups: Vec<&SubGroup> = self.picture.sub_groups_of(kpi).collect();
            let asked = |code: &SubGroupCode| filter.sub_group.as_ref().is_none_or(|wanted| wanted == code);
            if filter.sub_group.is_some() && !sub_groups.iter().any(|group| asked(&group.code)) {
                continue;
            }
            let organisations: BTreeSet<&OrganisationCode> = match &kpi.lead_organisation {
                Some(lead) => BTreeSet::from([lead]),
                None => sub_groups.iter().map(|group| &group.lead_organisation).collect(),
            };
            let asked_of = |code: &OrganisationCode| filter.organisation.as_ref().is_none_or(|wanted| wanted == code);
            let organisation = organisations.iter().copied().find(|code| asked_of(code));
            if filter.organisation.is_some() && organisation.is_none() {
                continue;
            }
            let come_in = self.picture.come_in(&owed);
            all.push(come_in);
            for group in sub_groups.iter().filter(|group| asked(&group.code)) {
                by_sub_group.entry(&group.code).or_default().push(come_in);
            }
            for code in organisations.iter().copied().filter(|code| asked_of(code)) {
                by_organisation.entry(code).or_default().push(come_in);
            }
            if come_in.0.is_none() {
                items.push(OutstandingItem {
                    round,
                    sub_groups: sub_groups.iter().map(|group| group.code.clone()).collect(),
                    organisation: organisation.cloned(),
                    kpi: kpi.code.clone(),
                    title: kpi.title.clone(),
                    period: owed.period,
                    group: owed.group.clone(),
                    due_at: come_in.1,
                    data_state: if self.now > come_in.1 { DataState::Overdue } else { DataState::Awaited },
                });
            }
        }
        items.sort_by(|a, b| {
            (a.due_at, &a.sub_groups, &a.kpi, a.period).cmp(&(b.due_at, &b.sub_groups, &b.kpi, b.period))
        });
        let owed_by = |code: &str, title: Option<&String>, come_in: Vec<_>| OwedBy {
            code: code.to_owned(),
            title: title.map_or(code, String::as_str).to_owned(),
            progress: progress(come_in, self.now),
        };
        let sub_group = |(code, come_in): (&SubGroupCode, _)| {
            owed_by(code.as_str(), self.picture.sub_groups().get(code).map(|group| &group.value.title), come_in)
        };
        let organisation = |(code, come_in): (&OrganisationCode, _)| {
            owed_by(code.as_str(), self.picture.organisations().get(code).map(|one| &one.value.title), come_in)
        };
        Outstanding {
            plan: self.picture.plan().value.code.clone(),
            as_of: self.now,
            rounds: self.rounds_asked(filter.round).map(|round| round.period.0).collect(),
            progress: progress(all, self.now),
            by_sub_group: by_sub_group.into_iter().map(sub_group).collect(),
            by_organisation: by_organisation.into_iter().map(organisation).collect(),
            items,
        }
    }
}

impl Picture {
    /// The groups a KPI is reported for: everyone, and the sides of the gaps that are computed from it.
    fn owed_groups(&self, kpi: &Kpi) -> BTreeSet<GroupCode> {
        let gaps = self.kpis().values().filter(|entry| !entry.archived);
        let sides = gaps.filter_map(|entry| match &entry.kpi.formula {
            Formula::Gap { of, group, comparator } if *of == kpi.code => Some([group.clone(), comparator.clone()]),
            _ => None,
        });
        sides.flatten().chain([GroupCode::all()]).collect()
    }

    /// The sub-groups that answer for a KPI, by code.
    fn sub_groups_of(&self, kpi: &Kpi) -> impl Iterator<Item = &SubGroup> {
        let area = self.area_of(kpi).cloned();
        let groups = self.sub_groups().values().map(|group| &group.value);
        groups.filter(move |group| area.as_ref().is_some_and(|area| group.outcome_areas.contains(area)))
    }

    /// What a sub-group owes in a round, by KPI, period and group.
    fn owed(&self, round: &Round, sub_group: &SubGroup) -> Vec<Owed<'_>> {
        self.owed_in_round(round, |kpi| self.area_of(kpi).is_some_and(|area| sub_group.outcome_areas.contains(area)))
    }

    /// What is owed in a round of the KPIs that `wanted` takes, by KPI, period and group.
    fn owed_in_round(&self, round: &Round, wanted: impl Fn(&Kpi) -> bool) -> Vec<Owed<'_>> {
        let earlier: Vec<&Round> = self.rounds().range(..round.period.0).map(|(_, kept)| &kept.value).collect();
        let mut owed = Vec::new();
        for entry in self.kpis().values().filter(|entry| !entry.archived && wanted(&entry.kpi)) {
            let periods = owed_periods(&entry.kpi, round, &earlier).into_iter();
            for period in periods.filter(|period| self.plan().value.covers(*period)) {
                let groups = self.owed_groups(&entry.kpi).into_iter();
                owed.extend(groups.map(|group| Owed { entry, period, group }));
            }
        }
        owed
    }

    /// What a sub-group owes in a period: in its round, or where it has none, the figures of the period itself.
    pub(in crate::programme) fn owed_in(&self, period: Period, sub_group: &SubGroup) -> Vec<Owed<'_>> {
        if let Some(round) = self.rounds().get(&period) {
            return self.owed(&round.value, sub_group);
        }
        let own = |kpi: &Kpi| self.area_of(kpi).is_some_and(|area| sub_group.outcome_areas.contains(area));
        let posted = |kpi: &Kpi| !matches!(kpi.formula, Formula::Gap { .. });
        let of_period = |kpi: &Kpi| kpi.period_kind() == period.kind() && kpi.in_force(period);
        let entries = self.kpis().values().map(|entry| &**entry);
        entries
            .filter(|entry| !entry.archived && own(&entry.kpi) && posted(&entry.kpi) && of_period(&entry.kpi))
            .flat_map(|entry| self.owed_groups(&entry.kpi).into_iter().map(move |group| Owed { entry, period, group }))
            .collect()
    }

    /// The return, signed off, that holds a figure of this KPI and period.
    pub fn signed_off(&self, kpi: &Kpi, period: Period) -> Option<&ReturnKey> {
        let area = self.area_of(kpi)?;
        let round = self.round_of(kpi, period)?.period.0;
        let signed = self.returns().iter().filter(|(_, kept)| kept.value.state == ReturnState::SignedOff);
        signed.map(|(key, _)| key).find(|key| key.period == round && self.answers_for(&key.sub_group, Some(area)))
    }

    fn return_of(&self, round: &Round, sub_group: &SubGroup) -> Return {
        let key = ReturnKey { period: round.period.0, sub_group: sub_group.code.clone() };
        let kept = self.returns().get(&key).map(|kept| kept.value.clone());
        kept.unwrap_or_else(|| Return::new(round.period, sub_group.code.clone()))
    }

    /// Where a sub-group's return in a round stands.
    pub(in crate::programme) fn return_state(&self, round: &Round, sub_group: &SubGroup) -> ReturnState {
        self.return_of(round, sub_group).state
    }

    /// Whether a sub-group owes any figure in a round.
    pub(in crate::programme) fn owes_something(&self, round: &Round, sub_group: &SubGroup) -> bool {
        !self.owed(round, sub_group).is_empty()
    }

    /// Whether something is being done about a KPI.
    pub fn has_open_action(&self, kpi: &KpiCode) -> bool {
        let mut actions = self.actions().values().map(|kept| &kept.value.action);
        actions.any(|action| action.kpi == *kpi && action.state == ActionState::Open)
    }

    /// When a figure was first reported, and when it is due.
    fn come_in(&self, owed: &Owed<'_>) -> (Option<DateTime<Utc>>, DateTime<Utc>) {
        let reading = owed.entry.posted(&owed.group, owed.period);
        (reading.map(|reading| reading.value.first_recorded_at), self.due_at(&owed.entry.kpi, owed.period))
    }

    fn return_place(&self, key: &ReturnKey) -> Result<(&Round, &SubGroup), Refusal> {
        let round = self.rounds().get(&key.period).ok_or(Refusal::NotFound)?;
        let sub_group = self.sub_groups().get(&key.sub_group).ok_or(Refusal::NotFound)?;
        Ok((&round.value, &sub_group.value))
    }
}

/// Figures of a period that are owed in no return.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(
    description = "Figures of a period that are owed in no return: no round gathers them, or no sub-group answers for them. Each is due on its line's day. They are sent one by one or as an import."
)]
pub struct FiguresOwed {
    /// The plan's code.
    pub plan: PlanCode,
    /// Their period.
    pub period: Period,
    /// How far they have come in.
    pub progress: Progress,
    /// The figures, by KPI and group; at least one of them is missing.
    pub lines: Vec<ReturnLine>,
}

/// What someone is to report.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "What the caller is to report, plan by plan.")]
pub struct MyReturns {
    /// The returns of open rounds, and of closed ones that still lack a figure, each with the lines that are the caller's.
    pub items: Vec<ReturnReport>,
    /// What else is owed of periods that have ended, plan by plan and period by period: the figures that no round gathers, and
    /// those that no sub-group answers for.
    pub without_return: Vec<FiguresOwed>,
}

/// A return that was put, or would be.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "What putting a return did, or with `dry_run` would do.")]
pub struct PostedReturn {
    /// Whether it was only tried.
    pub dry_run: bool,
    /// How many figures are new.
    #[schema(minimum = 0, example = 12)]
    pub created: u32,
    /// How many replace another.
    #[schema(minimum = 0, example = 1)]
    pub revised: u32,
    /// How many are there already.
    #[schema(minimum = 0, example = 0)]
    pub unchanged: u32,
    /// Where the figures' KPIs stood before and stand after, and the later periods and gaps that move with them.
    pub effects: Vec<Move>,
    /// The roll-ups that move with it.
    pub roll_ups: Vec<RollUpMove>,
    /// What should be looked at, though the figures were accepted.
    pub warnings: Vec<Warning>,
    /// The return as it stands then.
    pub r#return: ReturnReport,
}

impl Programme {
    /// Whether a caller may read a plan's returns: they hold figures and words as they were posted.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for partners and the public.
    pub fn may_read_returns(&self, plan: &OpenPlan) -> Result<(), Refusal> {
        if plan.access.audience() == Audience::Member {
            return Ok(());
        }
        Err(Refusal::NotAllowed("only members of the partnership read its returns".to_owned()))
    }

    /// Takes a return a step further.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for those who do not answer for the sub-group, [`Refusal::Conflict`] where the return or
    /// its round is not there yet, and everything that a return which is submitted or signed off still lacks.
    pub async fn step_return(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        key: ReturnKey,
        step: Step,
    ) -> Result<ReturnReport, Refusal> {
        self.change(plan, caller, move |change| {
            let seen = change.seen.clone();
            let (round, sub_group) = seen.picture.return_place(&key)?;
            may_step(&seen.access, sub_group, &step)?;
            if seen.now < round.opens_at() {
                return Err(Refusal::Conflict(format!("the round of {} opens on {}", key.period, round.opens)));
            }
            let report = seen.return_report(round, sub_group, |_| true);
            if matches!(step, Step::Submit | Step::SignOff) {
                complete(&report).or(())?;
            }
            let action = match step {
                Step::Submit => "return.submitted",
                Step::SignOff => "return.signed_off",
                Step::SendBack { .. } => "return.returned",
                Step::Reopen { .. } => "return.reopened",
            };
            let before = seen.picture.returns().get(&key);
            let said = seen.picture.return_of(round, sub_group);
            let said = said.after(step, &change.caller, seen.now).map_err(|why| match why {
                NoStep::WrongState(..) => Refusal::Conflict(why.to_string()),
                NoStep::SamePerson => Refusal::NotAllowed(why.to_string()),
            })?;
            let (revision, before) = before.map_or((1, None), |kept| (kept.revision + 1, Some(kept.value.members())));
            let why = said.note.clone().or_else(|| said.reason.clone());
            change.define_because(
                action,
                (DefinitionKind::Return, &key, revision),
                before,
                Some(said.members()),
                why,
            )?;
            Ok(ReturnReport {
                state: said.state,
                submitted_by: said.submitted_by,
                submitted_at: said.submitted_at,
                signed_off_by: said.signed_off_by,
                signed_off_at: said.signed_off_at,
                note: said.note,
                reason: said.reason,
                ..report
            })
        })
        .await
    }

    /// Posts many figures of a return at once, all or nothing, or with `dry_run` says what posting them would do.
    ///
    /// # Errors
    /// Everything that is wrong with any of them; [`Refusal::Conflict`] where the return is signed off.
    pub async fn put_return(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        key: ReturnKey,
        mut members: Map<String, Value>,
        dry_run: bool,
    ) -> Result<PostedReturn, Refusal> {
        self.change(plan, caller, move |change| {
            let (seen, caller) = (change.seen.clone(), change.caller.clone());
            let (round, sub_group) = seen.picture.return_place(&key)?;
            if !seen.access.reports_something() {
                return Err(Refusal::NotAllowed("only those who report figures fill in a return".to_owned()));
            }
            let mut invalid = Invalid::new();
            let figures: Option<Vec<Map<String, Value>>> = take(&mut members, "figures", &mut invalid);
            crate::domain::document::refuse_unknown(&members, &["figures"], &mut invalid);
            if figures.is_none() && invalid.is_empty() {
                invalid.at("/figures", "missing", "`figures` must be given: what is reported of each KPI");
            }
            let owed = seen.picture.owed(round, sub_group);
            let desk = Desk { seen: &seen, caller: &caller };
            let mut after = (*seen.picture).clone();
            let (mut changes, mut places, mut spoken_of) = (Vec::new(), Vec::new(), BTreeSet::new());
            let mut checked = Vec::new();
            let (mut created, mut revised, mut unchanged) = (0, 0, 0);
            for (number, members) in figures.into_iter().flatten().enumerate() {
                let figure = match one_figure(members, &owed) {
                    Ok(figure) => figure,
                    Err(faults) => {
                        invalid.extend(faults.beneath(&format!("/figures/{number}")));
                        continue;
                    }
                };
                let (owed, figure, given) = figure;
                let place = (owed.entry.kpi.code.clone(), owed.group.clone(), owed.period);
                checked.push((number, figure_column(figure.value, figure.numerator), place.clone()));
                let mut faults = Invalid::new();
                if !spoken_of.insert(place.clone()) {
                    faults.at("/kpi", "named_twice", format!("{} in {} is given twice", place.0, place.2));
                }
                if let Err(detail) = desk.may_report(owed.entry) {
                    faults.at("/kpi", "not_allowed", detail);
                }
                let before = readings::find(change.conn(), seen.id(), &place.0, place.2, &place.1, None)?;
                match desk.check(owed.entry, owed.period, &owed.group, (&figure, &given), before.as_ref()) {
                    Err(more) => faults.extend(more),
                    Ok(Checked::Locked(detail)) => return Err(Refusal::Conflict(detail)),
                    Ok(Checked::Unchanged) => unchanged += 1,
                    Ok(Checked::Next(said)) => {
                        *if before.is_some() { &mut revised } else { &mut created } += 1;
                        after.lay_over(&place.0, &place.1, place.2, desk.kept(owed.entry, &said));
                        changes.push(reading_change(*said, before.as_ref()));
                        places.push(place);
                    }
                }
                invalid.extend(faults.beneath(&format!("/figures/{number}")));
            }
            invalid.or(())?;
            if !dry_run {
                change.record(changes)?;
            }
            let after = seen.of(after);
            let effects = Effects { before: &seen, after: &after };
            let reached = effects.reached(&places);
            let itself = places.iter().map(|place| (place.clone(), Through::Itself));
            let moves = itself.chain(reached).filter_map(|(place, through)| effects.short(&place, through)).collect();
            Ok(PostedReturn {
                dry_run,
                created,
                revised,
                unchanged,
                effects: moves,
                roll_ups: effects.roll_ups(places.iter().map(|(kpi, ..)| kpi)),
                warnings: after.picture.warnings_of_return(&checked),
                r#return: after.return_report(round, sub_group, |_| true),
            })
        })
        .await
    }

    /// What the caller is to report in the rounds that are open, and in those that closed without it: the returns of all
    /// plans, each with the lines that are the caller's to fill; and what is owed in no return.
    pub async fn my_returns(&self, caller: &Principal) -> Result<MyReturns, Refusal> {
        let (caller, pictures, now) = (caller.clone(), Arc::clone(&self.pictures), self.clock.now());
        self.store
            .read(move |conn| {
                let mut mine = MyReturns { items: Vec::new(), without_return: Vec::new() };
                let plans = caller.list_plans(conn, None, usize::MAX)?;
                for plan in plans.iter().map(OpenPlan::new).filter(|plan| plan.access.reports_something()) {
                    let picture = pictures.at_version(conn, plan.id, plan.version)?;
                    let seen = Seen::new(picture, Arc::clone(&plan.access), now);
                    mine.items.extend(seen.returns_to_fill());
                    mine.without_return.extend(seen.figures_without_return());
                }
                Ok(mine)
            })
            .await
    }
}

impl Seen {
    pub(in crate::programme) fn returns_to_fill(&self) -> Vec<ReturnReport> {
        let mine = |entry: &KpiPicture| self.access.reports(&entry.kpi, self.picture.area_of(&entry.kpi));
        let mut found = Vec::new();
        for round in
            self.picture.rounds().values().map(|round| &round.value).filter(|round| round.opens_at() <= self.now)
        {
            for sub_group in self.picture.sub_groups().values().map(|group| &group.value) {
                let report = self.return_report(round, sub_group, mine);
                let missing = report.lines.iter().any(|line| line.reported_at.is_none());
                let open = !round.is_closed(self.now) && report.state != ReturnState::SignedOff;
                if !report.lines.is_empty() && (open || missing) {
                    found.push(report);
                }
            }
        }
        found
    }

    /// What a person with this access still owes that is in no return, period by period: no round gathers it, or no sub-group
    /// answers for it. A period of which nothing is missing is left out.
    pub(in crate::programme) fn figures_without_return(&self) -> Vec<FiguresOwed> {
        let mut owed = self.owed_by_lag();
        for round in self.rounds_asked(None) {
            owed.extend(self.picture.owed_in_round(round, |kpi| self.picture.sub_groups_of(kpi).next().is_none()));
        }
        owed.retain(|owed| self.access.reports(&owed.entry.kpi, self.picture.area_of(&owed.entry.kpi)));
        owed.sort_by(|a, b| a.place().cmp(&b.place()));
        let mut by_period: BTreeMap<(NaiveDate, Period), Vec<Owed<'_>>> = BTreeMap::new();
        for owed in owed {
            by_period.entry((owed.period.end(), owed.period)).or_default().push(owed);
        }
        let mut found = Vec::new();
        for ((_, period), owed) in by_period {
            if owed.iter().all(|owed| self.picture.come_in(owed).0.is_some()) {
                continue;
            }
            let lines: Vec<_> = owed.iter().filter_map(|owed| self.line(owed)).collect();
            let progress = progress(lines.iter().map(|line| (line.reported_at, line.due_at)), self.now);
            found.push(FiguresOwed { plan: self.picture.plan().value.code.clone(), period, progress, lines });
        }
        found
    }
}

impl Picture {
    /// What should be looked at in the figures of a return: of each its number in the body, the member that it stands in, and
    /// whose it is.
    fn warnings_of_return(&self, figures: &[(usize, &'static str, Place)]) -> Vec<Warning> {
        let places: BTreeSet<&Place> = figures.iter().map(|(.., place)| place).collect();
        let of_figure = |(number, column, place): &(usize, &'static str, Place)| {
            let (kpi, group, period) = place;
            let is_beside = |other: &GroupCode| places.contains(&(kpi.clone(), other.clone(), *period));
            let judged = Judged { column, is_beside: &is_beside };
            let found = self.kpis().get(kpi).map(|entry| self.reading_warnings(entry, group, *period, &judged));
            let pointer = format!("/figures/{number}");
            found.into_iter().flatten().map(move |warning| warning.in_body(&pointer)).collect::<Vec<_>>()
        };
        figures.iter().flat_map(of_figure).collect()
    }
}

fn may_step(access: &Access, sub_group: &SubGroup, step: &Step) -> Result<(), Refusal> {
    let (allowed, who) = match step {
        Step::Reopen { .. } => (access.manages(), "only a programme manager or an administrator reopens a return"),
        _ => (
            access.answers_for(&sub_group.outcome_areas),
            "only the sub-group's lead or a programme manager does that with its return",
        ),
    };
    if allowed { Ok(()) } else { Err(Refusal::NotAllowed(who.to_owned())) }
}

/// Everything that a return still lacks, line by line.
fn complete(report: &ReturnReport) -> Invalid {
    let mut invalid = Invalid::new();
    for (number, line) in report.lines.iter().enumerate() {
        let Assessment { kpi, period, group, .. } = &line.assessment;
        let whom = if group.is_all() { String::new() } else { format!(" for {group}") };
        for lacking in &line.lacking {
            let detail = format!("{kpi} in {}{whom}: {}", period.label(), lacking.words());
            invalid.at(format!("/lines/{number}"), lacking.code(), detail);
        }
    }
    invalid
}

/// Reads one figure of a return and which of its members were given, and finds what is owed that it answers.
fn one_figure<'a, 'b>(
    mut members: Map<String, Value>,
    owed: &'b [Owed<'a>],
) -> Result<(&'b Owed<'a>, ReportedFigure, Given), Invalid> {
    let mut invalid = Invalid::new();
    if !members.contains_key("kpi") {
        invalid.at("/kpi", "missing", "name the KPI by its code");
    }
    let kpi: Option<KpiCode> = take(&mut members, "kpi", &mut invalid);
    let period: Option<PeriodKey> = take::<Option<PeriodKey>>(&mut members, "period", &mut invalid).flatten();
    let group = take::<Option<GroupCode>>(&mut members, "group", &mut invalid).flatten();
    let group = group.unwrap_or_else(GroupCode::all);
    let found = kpi.as_ref().and_then(|kpi| {
        let mut fits = owed.iter().filter(|owed| owed.entry.kpi.code == *kpi && owed.group == group);
        match period {
            Some(PeriodKey(period)) => fits.find(|owed| owed.period == period),
            // Where one period is owed, it need not be named.
            None => fits.next().filter(|_| fits.next().is_none()),
        }
    });
    let figure = match found {
        Some(owed) => ReportedFigure::read(members, &owed.entry.kpi),
        None => parse_given(members),
    };
    if let (Some(kpi), None) = (&kpi, found) {
        let periods: Vec<String> = owed
            .iter()
            .filter(|owed| owed.entry.kpi.code == *kpi && owed.group == group)
            .map(|owed| owed.period.to_string())
            .collect();
        let (pointer, detail) = if periods.is_empty() {
            let whom = if group.is_all() { String::new() } else { format!(" for {group}") };
            ("/kpi", format!("`{kpi}`{whom} is not owed in this return"))
        } else {
            ("/period", format!("name the period: {}", periods.join(", ")))
        };
        invalid.push(Violation::at(pointer, "not_owed", detail));
    }
    match (found, figure) {
        (Some(found), Ok((figure, given))) if invalid.is_empty() => Ok((found, figure, given)),
        (_, figure) => {
            if let Err(more) = figure {
                invalid.extend(more);
            }
            Err(invalid)
        }
    }
}
