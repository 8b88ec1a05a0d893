//! A sub-group's return in a round: every figure that it owes, and its way from open to signed off.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use waymark_domain::access::{Access, Audience};
use waymark_domain::action::ActionState;
use waymark_domain::assess::Assessment;
use waymark_domain::document::{Document, Given, parse_given, take};
use waymark_domain::ids::{GroupCode, KpiCode, OrganisationCode, PlanCode, SubGroupCode, Subject};
use waymark_domain::invalid::{Invalid, Violation};
use waymark_domain::kpi::Kpi;
use waymark_domain::number::Figure;
use waymark_domain::period::{Period, PeriodKey};
use waymark_domain::plan::SubGroup;
use waymark_domain::policy::Status;
use waymark_domain::reading::ReportedFigure;
use waymark_domain::round::{
    Lacking, LineFacts, NoStep, Progress, Return, ReturnKey, ReturnState, Round, Step, lacking, progress,
};
use waymark_domain::warning::Warning;
use waymark_store::journal::Change;
use waymark_store::kinds::DefinitionKind;
use waymark_store::{Conn, readings};

use crate::figures::check::{Judged, figure_column};
use crate::figures::effects::{Effects, Move, Place, RollUpMove, Through};
use crate::figures::readings::{Checked, Desk, reading_change};
use crate::picture::{KpiPicture, Picture};
use crate::rounds::owed::Owed;
use crate::seen::Seen;
use crate::{OpenPlan, Principal, Programme, Refusal};

/// The figure before the one that is owed.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "The latest figure before the one that is owed.")]
pub struct LastFigure {
    /// Its period.
    pub period: Period,
    /// The figure, rounded to the KPI's decimals; `null` if there was a nil return.
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
    /// How the KPI is doing in the period, with its target.
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
#[schema(description = "A sub-group's return in a round: every figure it owes, and the state of the return.")]
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
    /// The state of the return.
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
    /// What to correct, if it was sent back.
    #[schema(required = true, example = "NI-53a: is the denominator the quarter's?")]
    pub note: Option<String>,
    /// Why it was reopened, if it was.
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

/// Figures of a period that are owed in no return.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(
    description = "Figures of a period that are owed in no return: no round gathers them, or no sub-group is responsible for them. Each is due on its line's day. They are sent one by one or as an import."
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
    /// The returns of open rounds, and of closed ones in which a figure is still missing, each with the lines that are
    /// the caller's.
    pub items: Vec<ReturnReport>,
    /// What else is owed of periods that have ended, plan by plan and period by period: the figures that no round
    /// gathers, and those that no sub-group is responsible for.
    pub without_return: Vec<FiguresOwed>,
}

/// A return that was put, or would be.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "What putting a return did, or with `dry_run` would do.")]
pub struct PostedReturn {
    /// Whether it was a trial.
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
    /// How the figures' KPIs were doing before and are doing after, and the later periods and gaps that move with them.
    pub effects: Vec<Move>,
    /// The roll-ups that move with it.
    pub roll_ups: Vec<RollUpMove>,
    /// What to check, although the figures were accepted.
    pub warnings: Vec<Warning>,
    /// Everything that is wrong with figures of a trial; the rest of the answer leaves these out. Otherwise all are posted, or
    /// none.
    pub errors: Vec<Violation>,
    /// The return as it is then.
    pub r#return: ReturnReport,
}

impl Seen {
    pub(in crate::rounds) fn line(&self, owed: &Owed<'_>) -> Option<ReturnLine> {
        let Owed { entry, period, group } = owed;
        let kpi = &entry.kpi;
        let assessment = self.assess(entry, group, *period)?;
        let before = period.step(-1).and_then(|before| self.assess(entry, group, before));
        let reading = entry.posted(group, *period).map(|reading| &reading.value);
        let due_at = self.picture.due_at(kpi, *period);
        let facts = LineFacts {
            reported: reading.is_some(),
            // The target is everyone's: a group behind it is what a gap discloses.
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

    /// A sub-group's return as it is, for a member of the partnership; only the lines of KPIs that `wanted` takes.
    pub(in crate::rounds) fn return_report(
        &self,
        round: &Round,
        sub_group: &SubGroup,
        wanted: impl Fn(&KpiPicture) -> bool,
    ) -> ReturnReport {
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

    /// A sub-group's return in a round.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there is no such round or sub-group.
    pub fn find_return(&self, key: &ReturnKey) -> Result<ReturnReport, Refusal> {
        let (round, sub_group) = self.picture.return_place(key)?;
        Ok(self.return_report(round, sub_group, |_| true))
    }

    /// The returns of rounds that have opened in which the reader has something to report, each with the lines that are theirs.
    pub fn returns_to_fill(&self) -> Vec<ReturnReport> {
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

    /// What a person with this access still owes that is in no return, period by period: no round gathers it, or no
    /// sub-group is responsible for it. A period of which nothing is missing is left out.
    pub(crate) fn figures_without_return(&self) -> Vec<FiguresOwed> {
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
    /// The return, signed off, that holds a figure of this KPI and period.
    pub fn signed_off(&self, kpi: &Kpi, period: Period) -> Option<&ReturnKey> {
        let area = self.area_of(kpi)?;
        let round = self.round_of(kpi, period)?.period.0;
        let signed = self.returns().iter().filter(|(_, kept)| kept.value.state == ReturnState::SignedOff);
        signed.map(|(key, _)| key).find(|key| key.period == round && self.answers_for(&key.sub_group, Some(area)))
    }

    pub(in crate::rounds) fn return_of(&self, round: &Round, sub_group: &SubGroup) -> Return {
        let key = ReturnKey { period: round.period.0, sub_group: sub_group.code.clone() };
        let kept = self.returns().get(&key).map(|kept| kept.value.clone());
        kept.unwrap_or_else(|| Return::new(round.period, sub_group.code.clone()))
    }

    /// The state of a sub-group's return in a round.
    pub(crate) fn return_state(&self, round: &Round, sub_group: &SubGroup) -> ReturnState {
        self.return_of(round, sub_group).state
    }

    /// Whether something is being done about a KPI.
    pub fn has_open_action(&self, kpi: &KpiCode) -> bool {
        let mut actions = self.actions().values().map(|kept| &kept.value.action);
        actions.any(|action| action.kpi == *kpi && action.state == ActionState::Open)
    }

    fn return_place(&self, key: &ReturnKey) -> Result<(&Round, &SubGroup), Refusal> {
        let round = self.rounds().get(&key.period).ok_or(Refusal::NotFound)?;
        let sub_group = self.sub_groups().get(&key.sub_group).ok_or(Refusal::NotFound)?;
        Ok((&round.value, &sub_group.value))
    }

    /// What to check in the figures of a return: of each its number in the body, the member that it is in, and whose it
    /// is.
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
    /// [`Refusal::NotAllowed`] for those who are not responsible for the sub-group, [`Refusal::Conflict`] if the return
    /// or its round is not there yet, and everything that is still missing in a return which is submitted or signed
    /// off.
    pub async fn step_return(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        key: ReturnKey,
        step: Step,
    ) -> Result<ReturnReport, Refusal> {
        self.change(plan, caller, move |ground, pen| {
            let seen = &ground.seen;
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
            let said = said.after(step, &ground.caller, seen.now).map_err(|why| match why {
                NoStep::WrongState(..) => Refusal::Conflict(why.to_string()),
                NoStep::SamePerson => Refusal::NotAllowed(why.to_string()),
            })?;
            let (revision, before) = before.map_or((1, None), |kept| (kept.revision + 1, Some(kept.value.members())));
            let why = said.note.clone().or_else(|| said.reason.clone());
            pen.define_because(action, (DefinitionKind::Return, &key, revision), before, Some(said.members()), why)?;
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

    /// Posts many figures of a return at once, all or nothing, or with `dry_run` says what is wrong with some of them and what
    /// posting the others would do.
    ///
    /// # Errors
    /// Everything that is wrong with any of them, unless it is a trial, or with the body; [`Refusal::Conflict`] if the return is
    /// signed off.
    pub async fn put_return(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        key: ReturnKey,
        mut members: Map<String, Value>,
        dry_run: bool,
    ) -> Result<PostedReturn, Refusal> {
        self.change(plan, caller, move |ground, pen| {
            let seen = &ground.seen;
            let (round, sub_group) = seen.picture.return_place(&key)?;
            if !seen.access.reports_something() {
                return Err(Refusal::NotAllowed("only those who report figures fill in a return".to_owned()));
            }
            let mut invalid = Invalid::new();
            let figures: Option<Vec<Map<String, Value>>> = take(&mut members, "figures", &mut invalid);
            waymark_domain::document::refuse_unknown(&members, &["figures"], &mut invalid);
            if figures.is_none() && invalid.is_empty() {
                invalid.at("/figures", "missing", "`figures` must be given: what is reported of each KPI");
            }
            let is_readable = invalid.is_empty();
            let owed = seen.picture.owed(round, sub_group);
            let desk = Desk { seen, caller: &ground.caller };
            let mut posting = Posting::new(&seen.picture);
            for (number, members) in figures.into_iter().flatten().enumerate() {
                let faults = posting.add(pen.conn(), &desk, &owed, (number, members))?;
                invalid.extend(faults.beneath(&format!("/figures/{number}")));
            }
            let Posting { after, changes, places, checked, created, revised, unchanged, .. } = posting;
            if !(dry_run && is_readable) {
                invalid = invalid.or(Invalid::new())?;
            }
            if !dry_run {
                pen.record(changes)?;
            }
            let after = seen.of(after);
            let effects = Effects { before: seen, after: &after };
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
                errors: invalid.into_violations(),
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

/// Everything that is still missing in a return, line by line.
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

/// What the figures that were sent for a return change, gathered figure by figure.
struct Posting {
    /// The plan as they would leave it.
    after: Picture,
    changes: Vec<Change>,
    /// The places whose figures they change, in their order.
    places: Vec<Place>,
    spoken_of: BTreeSet<Place>,
    /// What may have to be looked at: the number of each figure, the column that it stands in, and its place.
    checked: Vec<(usize, &'static str, Place)>,
    created: u32,
    revised: u32,
    unchanged: u32,
}

impl Posting {
    fn new(picture: &Picture) -> Self {
        Self {
            after: picture.clone(),
            changes: Vec::new(),
            places: Vec::new(),
            spoken_of: BTreeSet::new(),
            checked: Vec::new(),
            created: 0,
            revised: 0,
            unchanged: 0,
        }
    }

    /// Adds one figure, if it is right; returns what is wrong with it.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] if the return is signed off.
    fn add(
        &mut self,
        conn: &mut Conn,
        desk: &Desk<'_>,
        owed: &[Owed<'_>],
        (number, members): (usize, Map<String, Value>),
    ) -> Result<Invalid, Refusal> {
        let (owed, figure, given) = match one_figure(members, owed) {
            Ok(figure) => figure,
            Err(faults) => return Ok(faults),
        };
        let place = (owed.entry.kpi.code.clone(), owed.group.clone(), owed.period);
        let mut faults = Invalid::new();
        if !self.spoken_of.insert(place.clone()) {
            faults.at("/kpi", "named_twice", format!("{} in {} is given twice", place.0, place.2));
        }
        if let Err(detail) = desk.may_report(owed.entry) {
            faults.at("/kpi", "not_allowed", detail);
        }
        let before = readings::find(conn, desk.seen.id(), &place.0, place.2, &place.1, None)?;
        let next = match desk.check(owed.entry, owed.period, &owed.group, (&figure, &given), before.as_ref()) {
            Ok(Checked::Locked(detail)) => return Err(Refusal::Conflict(detail)),
            Ok(Checked::Unchanged) => None,
            Ok(Checked::Next(said)) => Some(said),
            Err(more) => {
                faults.extend(more);
                None
            }
        };
        if !faults.is_empty() {
            return Ok(faults);
        }
        self.checked.push((number, figure_column(figure.value, figure.numerator), place.clone()));
        match next {
            None => self.unchanged += 1,
            Some(said) => {
                *if before.is_some() { &mut self.revised } else { &mut self.created } += 1;
                self.after.lay_over(&place.0, &place.1, place.2, desk.kept(owed.entry, &said));
                self.changes.push(reading_change(*said, before.as_ref()));
                self.places.push(place);
            }
        }
        Ok(faults)
    }
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
            // If one period is owed, it need not be named.
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
