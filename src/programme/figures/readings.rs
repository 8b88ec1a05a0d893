//! Readings: posted one by one, each with the effect it has.

use serde::Serialize;
use serde_json::{Map, Value};

use waymark_domain::assess::Assessment;
use waymark_domain::document::Given;
use waymark_domain::ids::{GroupCode, KpiCode, PlanCode, Seq, Subject};
use waymark_domain::invalid::{Invalid, Violation};
use waymark_domain::kpi::{Formula, Kpi};
use waymark_domain::number::Figure;
use waymark_domain::observed::Observed;
use waymark_domain::period::{Period, day_in_london};
use waymark_domain::reading::{LaidOver, ReportedFigure, Settled};
use waymark_domain::warning::{Acknowledged, Warning};
use waymark_store::journal;
use waymark_store::readings::{self, ReadingRevision};
pub use waymark_store::readings::{ReadingFilter, ReadingKey, ReadingRow};

use crate::caller::precondition::Precondition;
use crate::definitions::dimensions::refer_group;
use crate::figures::check::{Judged, figure_column};
use crate::figures::effects::{Effects, Move, Place, RollUpMove, Through};
use crate::picture::{Kept, KpiPicture};
use crate::seen::Seen;
use crate::{Principal, Programme, Refusal};

/// What a posted figure changes.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(
    description = "What a posted figure changes: how the KPI was doing in the period before and after, and later periods that moved with it."
)]
pub struct Effect {
    /// How it was doing; `null` if nothing had been reported.
    #[schema(required = true)]
    pub before: Option<Assessment>,
    /// How it is doing now.
    #[schema(required = true)]
    pub after: Option<Assessment>,
    /// Later periods with a figure whose assessment changed, in time order.
    pub later: Vec<Assessment>,
    /// Gaps that the figure is a side of and whose assessment changed, in that period and later ones.
    pub gaps: Vec<Move>,
    /// Roll-ups that moved with it.
    pub roll_ups: Vec<RollUpMove>,
}

/// A figure that was put.
#[derive(Clone, Debug)]
pub struct PutReading {
    /// The row as it is stored now.
    pub row: ReadingRow,
    /// Whether nothing had been reported before.
    pub created: bool,
    /// What it changed.
    pub effect: Effect,
    /// What to check, although the figure was accepted.
    pub warnings: Vec<Warning>,
}

/// A figure that passed every check, and what becomes of it.
#[derive(Clone, Debug)]
pub(crate) enum Checked {
    /// It is what is there already.
    Unchanged,
    /// It differs from a figure that is signed off; what to do.
    Locked(String),
    /// It is the next revision, with what it replaces.
    Next(Box<ReadingRevision>),
}

/// Who posts figures, and when: what a check of one needs beside the figure.
pub(crate) struct Desk<'a> {
    pub seen: &'a Seen,
    pub caller: &'a Subject,
}

impl Desk<'_> {
    /// Whether the caller may report figures of this KPI.
    pub(crate) fn may_report(&self, entry: &KpiPicture) -> Result<(), String> {
        if self.seen.access.reports(&entry.kpi, self.seen.picture.area_of(&entry.kpi)) {
            Ok(())
        } else {
            Err(format!("you do not report figures of {}; its sub-group's lead or a contributor does", entry.kpi.code))
        }
    }

    /// A revision as it will be in the database, but for its place in the journal.
    fn row(&self, said: ReadingRevision) -> ReadingRow {
        ReadingRow { seq: Seq(0), recorded_at: self.seen.now, recorded_by: self.caller.clone(), said }
    }

    /// A revision as the picture will hold it.
    pub(crate) fn kept(&self, entry: &KpiPicture, said: &ReadingRevision) -> Kept<Observed> {
        let replaced = entry.posted(&said.group, said.period).map(|before| &before.value);
        let value = said.observed(self.caller, self.seen.now, replaced);
        Kept { value, revision: said.revision, seq: Seq(0) }
    }

    /// What is wrong with a figure for as much of its place as is known. One that stays as it is, and is given here, is
    /// not judged again: only what is said beside it.
    ///
    /// # Errors
    /// Everything.
    pub(crate) fn judge(
        &self,
        entry: &KpiPicture,
        period: Option<Period>,
        group: Option<&GroupCode>,
        figure: &ReportedFigure,
        stays: Option<Settled>,
    ) -> Result<Settled, Invalid> {
        let mut invalid = Invalid::new();
        if entry.archived {
            invalid.at("/kpi", "archived", format!("{} is archived and accepts no more figures", entry.kpi.code));
        }
        if let Some(period) = period.filter(|period| period.start() > day_in_london(self.seen.now)) {
            invalid.at("/period", "not_begun", format!("{} has not begun; is the year right?", period.label()));
        }
        if let Some(group) = group {
            refer_group(&mut invalid, "/group", group, &self.seen.picture);
        }
        let settled = match stays {
            Some(stays) => figure.settle_beside(&entry.kpi, period, stays),
            None => figure.settle(&entry.kpi, period),
        };
        match settled {
            Ok(settled) => invalid.or(settled),
            Err(more) => {
                invalid.extend(more);
                Err(invalid)
            }
        }
    }

    /// Lays what is said over what is stored, checks it and makes the next revision of it: the one rule for single
    /// figures, returns and imports.
    pub(crate) fn check(
        &self,
        entry: &KpiPicture,
        period: Period,
        group: &GroupCode,
        (said, given): (&ReportedFigure, &Given),
        before: Option<&ReadingRow>,
    ) -> Result<Checked, Invalid> {
        let LaidOver { figure, stays } = match before {
            Some(before) => said.over(given, &standing(before, &entry.kpi)),
            None => LaidOver { figure: said.clone(), stays: false },
        };
        let stays = before.filter(|_| stays);
        let mut invalid = Invalid::new();
        // Of a figure that is wrong, what it would replace is judged as far as it goes.
        let stands = stays.map(|before| before.figure.settled());
        let judged = self.judge(entry, Some(period), Some(group), &figure, stands);
        let settled = judged.unwrap_or_else(|more| {
            invalid.extend(more);
            let (numerator, denominator) = (figure.numerator, figure.denominator);
            let fraction = numerator.zip(denominator);
            let fraction = fraction.filter(|_| !entry.kpi.standardised);
            let computed = fraction.and_then(|(over, under)| Figure::ratio(over, under, entry.kpi.multiplier));
            Settled { value: computed.or(figure.value), numerator, denominator }
        });
        let replaces = before.is_some_and(|before| {
            let before = &before.figure;
            let said = (before.settled(), &before.nil_return, before.status);
            said != (settled, &figure.nil_return, figure.status)
        });
        // What was acknowledged of a figure stays with it; another figure has to be checked again.
        let acknowledged = match before {
            Some(before) if !replaces => before.figure.acknowledged.and(figure.acknowledged),
            _ => figure.acknowledged,
        };
        let round = self.seen.picture.round_of(&entry.kpi, period);
        let restated = replaces && round.is_some_and(|round| round.is_closed(self.seen.now));
        if restated && figure.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
            let detail = "its collection round has closed, so this restates a figure; say why";
            invalid.at("/reason", "reason_needed", detail);
        }
        invalid.or(())?;
        let next = ReadingRevision {
            kpi: entry.kpi.code.clone(),
            period,
            group: group.clone(),
            revision: before.map_or(1, |before| before.revision + 1),
            figure: ReportedFigure {
                value: settled.value,
                numerator: settled.numerator,
                denominator: settled.denominator,
                commentary: figure.commentary.filter(|text| !text.trim().is_empty()),
                reason: figure.reason.filter(|text| !text.trim().is_empty()),
                acknowledged,
                ..figure
            },
            // A word beside a figure does not make it one of a later definition.
            definition_version: stays.map_or(entry.definition_version, |before| before.definition_version),
            restated,
        };
        Ok(match before {
            Some(before) if says_the_same(before, &next) => Checked::Unchanged,
            _ if let Some(signed) = self.seen.picture.signed_off(&entry.kpi, period) => Checked::Locked(format!(
                "the figures of {} in the return {signed} are signed off; a programme manager reopens it, with a reason",
                entry.kpi.code
            )),
            _ => Checked::Next(Box::new(next)),
        })
    }
}

impl Effect {
    /// What a figure at one place changes.
    fn of(effects: &Effects<'_>, place: &Place) -> Self {
        let (before, after) = effects.at(place);
        let (mut later, mut gaps) = (Vec::new(), Vec::new());
        for (reached, through) in effects.reached(std::slice::from_ref(place)) {
            if through == Through::Gap {
                gaps.extend(effects.short(&reached, through));
            } else if let (was, Some(now)) = effects.at(&reached)
                && was.as_ref() != Some(&now)
            {
                later.push(now);
            }
        }
        Self { before, after, later, gaps, roll_ups: effects.roll_ups([&place.0]) }
    }
}

/// What a stored reading says, to lay a change over. A status that no partner determines any more is not left behind.
fn standing(row: &ReadingRow, kpi: &Kpi) -> ReportedFigure {
    let is_determined = matches!(kpi.formula, Formula::PartnerDetermined { .. });
    ReportedFigure { status: row.figure.status.filter(|_| is_determined), ..row.figure.clone() }
}

/// Whether two revisions report the same: all but why, under which number and how late.
fn says_the_same(before: &ReadingRow, next: &ReadingRevision) -> bool {
    let alike = ReadingRevision {
        revision: next.revision,
        figure: ReportedFigure { reason: next.figure.reason.clone(), ..before.figure.clone() },
        restated: next.restated,
        ..before.said.clone()
    };
    alike == *next
}

/// The journal's entry of a reading.
pub(crate) fn reading_change(said: ReadingRevision, before: Option<&ReadingRow>) -> journal::Change {
    journal::Change {
        action: match before {
            None => "reading.posted",
            Some(_) if said.restated => "reading.restated",
            Some(_) => "reading.revised",
        },
        before: before.map(|before| before.said.document()),
        reason: said.figure.reason.clone(),
        row: journal::NewRow::Reading(said),
    }
}

impl Programme {
    /// Posts the figure of a KPI, period and group, or with `dry_run` says what posting it would do. A member that is absent
    /// leaves what is there ([`ReportedFigure::over`]).
    ///
    /// Without a precondition the same figure again changes nothing and another one is its next revision.
    ///
    /// # Errors
    /// Everything that is wrong with it; [`Refusal::Conflict`] if the figure it would replace is signed off.
    pub async fn put_reading(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        place: (KpiCode, String, GroupCode),
        members: Map<String, Value>,
        precondition: Precondition,
        dry_run: bool,
    ) -> Result<PutReading, Refusal> {
        self.change(plan, caller, move |ground, pen| {
            let (kpi, period, group) = place;
            let seen = &ground.seen;
            let entry = seen.entry(&kpi)?;
            let period = Period::read(&period, entry.kpi.period_kind())
                .map_err(|error| Violation::at("/period", error.code(), format!("`{period}` {error}")))?;
            let desk = Desk { seen, caller: &ground.caller };
            desk.may_report(entry).map_err(Refusal::NotAllowed)?;
            let (figure, given) = ReportedFigure::read(members, &entry.kpi)?;
            let judged =
                Judged { column: figure_column(figure.value, figure.numerator), is_beside: &|other| *other == group };
            let before = readings::find(pen.conn(), seen.id(), &kpi, period, &group, None)?;
            match (&before, &precondition) {
                (_, Precondition::None) => {}
                (Some(before), precondition) => precondition.allows_change_of(before.seq)?,
                (None, precondition) => precondition.allows_creation()?,
            }
            match desk.check(entry, period, &group, (&figure, &given), before.as_ref())? {
                Checked::Locked(detail) => Err(Refusal::Conflict(detail)),
                Checked::Unchanged => {
                    let row = before.ok_or(Refusal::NotFound)?;
                    let warnings = seen.picture.reading_warnings(entry, &group, period, &judged);
                    let (before, after) = Effects { before: seen, after: seen }.at(&(kpi, group, period));
                    let effect = Effect { before, after, later: Vec::new(), gaps: Vec::new(), roll_ups: Vec::new() };
                    Ok(PutReading { row, created: false, effect, warnings })
                }
                Checked::Next(said) => {
                    let row = desk.row(*said);
                    let kept = desk.kept(entry, &row);
                    let after = seen.of(seen.picture.with_reading(&kpi, &group, period, kept));
                    let entry = after.picture.kpis().get(&kpi).ok_or(Refusal::NotFound)?;
                    let warnings = after.picture.reading_warnings(entry, &group, period, &judged);
                    let effect = Effect::of(&Effects { before: seen, after: &after }, &(kpi, group, period));
                    let created = before.is_none();
                    if dry_run {
                        return Ok(PutReading { row, created, effect, warnings });
                    }
                    let seqs = pen.record(vec![reading_change(row.said.clone(), before.as_ref())])?;
                    let row = ReadingRow { seq: seqs.first().copied().unwrap_or_default(), ..row };
                    Ok(PutReading { row, created, effect, warnings })
                }
            }
        })
        .await
    }

    /// One reading as it was at the version that is seen.
    pub async fn find_reading(&self, seen: &Seen, place: (KpiCode, String, GroupCode)) -> Result<SeenReading, Refusal> {
        let (kpi, period, group) = place_of(seen, place)?;
        let seen = seen.clone();
        self.store
            .read(move |conn| {
                let row = readings::find(conn, seen.id(), &kpi, period, &group, Some(seen.version()))?;
                Ok(SeenReading::of(&seen, row.ok_or(Refusal::NotFound)?))
            })
            .await
    }

    /// Every revision of a reading up to the version that is seen, oldest first.
    pub async fn reading_history(
        &self,
        seen: &Seen,
        place: (KpiCode, String, GroupCode),
    ) -> Result<Vec<SeenReading>, Refusal> {
        let (kpi, period, group) = place_of(seen, place)?;
        let seen = seen.clone();
        self.store
            .read(move |conn| {
                let rows = readings::history(conn, seen.id(), &kpi, period, &group)?;
                let known = rows.into_iter().filter(|row| row.seq <= seen.version());
                let known: Vec<_> = known.map(|row| SeenReading::of(&seen, row)).collect();
                if known.is_empty() { Err(Refusal::NotFound) } else { Ok(known) }
            })
            .await
    }

    /// The flat table: the latest figure of each KPI, period and group that the caller sees, in that order.
    pub async fn list_readings(
        &self,
        seen: &Seen,
        mut filter: ReadingFilter,
        after: Option<ReadingKey>,
        limit: usize,
    ) -> Result<Vec<SeenReading>, Refusal> {
        // An archived KPI is shown to those who name it.
        let kpis = seen.kpis().filter(|kpi| !kpi.is_archived() || filter.kpi.is_some());
        let mut kpis: Vec<KpiCode> = kpis.map(|kpi| kpi.code().clone()).collect();
        if let Some(only) = filter.kpis.take() {
            kpis.retain(|code| only.contains(code));
        }
        filter.kpis = Some(kpis);
        let seen = seen.clone();
        self.store
            .read(move |conn| {
                let rows =
                    readings::page(conn, seen.id(), &filter, Some(seen.version()), after.as_ref(), crate::rows(limit))?;
                Ok(rows.into_iter().map(|row| SeenReading::of(&seen, row)).collect())
            })
            .await
    }
}

/// The KPI, period and group that an address names, if the caller sees the KPI.
fn place_of(seen: &Seen, place: (KpiCode, String, GroupCode)) -> Result<(KpiCode, Period, GroupCode), Refusal> {
    let (kpi, period, group) = place;
    let entry = seen.entry(&kpi)?;
    let period = Period::read(&period, entry.kpi.period_kind()).map_err(|_no_period| Refusal::NotFound)?;
    Ok((kpi, period, group))
}

/// A reading as one reader sees it.
#[derive(Clone, Debug)]
pub struct SeenReading {
    /// The row; without its figures and words if they are withheld, and in no more decimals than the reader may know.
    pub row: ReadingRow,
    /// Whether they are.
    pub suppressed: bool,
    /// Whether the reader may know who reported it: a member of the partnership.
    pub names_shown: bool,
}

impl SeenReading {
    /// A reading as its reader sees it.
    pub(crate) fn of(seen: &Seen, row: ReadingRow) -> Self {
        let mut shown = Self { row, suppressed: false, names_shown: seen.by_a_member() };
        if shown.names_shown {
            return shown;
        }
        shown.row.said.figure.acknowledged = Acknowledged::default();
        let Some(entry) = seen.picture.kpis().get(&shown.row.kpi) else {
            shown.withhold();
            return shown;
        };
        if seen.withholds_revision(entry, shown.row.seq) {
            shown.withhold();
        } else if seen.withholds_reason(entry, shown.row.seq) {
            shown.row.said.figure.reason = None;
        }
        let precision = seen.precision(&entry.kpi);
        let figure = &mut shown.row.said.figure;
        figure.value = figure.value.map(|value| precision.of(value));
        figure.forecast = figure.forecast.map(|forecast| precision.of(forecast));
        shown
    }

    fn withhold(&mut self) {
        self.suppressed = true;
        self.row.said.figure = self.row.said.figure.withheld();
    }
}
