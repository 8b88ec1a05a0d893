//! Imports: a file of readings or targets, all or nothing.
//!
//! A file is gone through row by row in bounded memory, and every wrong cell of it is reported. It is gone through
//! twice if it is to be saved: once to find what is wrong without holding anyone up, and once, with the plan held, to
//! write it by the very same checks. If a single cell of a file is wrong, nothing is saved.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;

use waymark_domain::advice::FigureOf;
use waymark_domain::contradiction::{RowOf, contradiction, folded_title};
use waymark_domain::dimension::Counted;
use waymark_domain::document::Given;
use waymark_domain::ids::{GroupCode, KpiCode, PlanCode, Subject};
use waymark_domain::invalid::{Invalid, Violation};
use waymark_domain::number::Figure;
use waymark_domain::period::Period;
use waymark_domain::reading::{ReportedFigure, Settled};
use waymark_domain::target::{Target, TargetKind, TargetState};
use waymark_domain::warning::{Acknowledged, Warning};
use waymark_domain::wording::nearest;
use waymark_exchange::sheet::{Columns, SheetRow, Upload};
use waymark_store::readings::{self, ReadingRevision};
use waymark_store::{Conn, StoreError, journal};

use crate::figures::cells::{Cells, hidden_row, other_target};
use crate::figures::check::{Judged, figure_column};
use crate::figures::columns::{ImportKind, TEMPLATE_COLUMN, says_nothing};
use crate::figures::columns::{READING_COLUMNS, TARGET_COLUMNS};
use crate::figures::effects::{self, Effects, Through};
use crate::figures::outcome::Outcome;
use crate::figures::readings::{Checked, Desk, reading_change};
use crate::figures::targets::{previous, revise, still_placeholder, target_change};
use crate::picture::sums::does_not_sum;
use crate::picture::{KpiPicture, Picture};
use crate::seen::Seen;
use crate::{OpenPlan, Principal, Programme, Refusal};

/// The most rows of one file.
pub const MOST_ROWS: u64 = 1_000_000;

/// How many changes go to the database at a time.
const CHUNK: usize = 5_000;

impl Programme {
    /// Whether a caller may import into a plan at all; each row is checked by itself too.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] and [`Refusal::NotAllowed`].
    pub async fn may_import(&self, plan: &PlanCode, caller: &Principal, kind: ImportKind) -> Result<OpenPlan, Refusal> {
        let open = self.open(plan, caller).await?;
        let (allowed, who) = match kind {
            ImportKind::Readings => (
                open.access.reports_something(),
                "only those who report figures import them: leads, contributors and managers",
            ),
            ImportKind::Targets => (open.access.manages(), "only a programme manager or an administrator sets targets"),
        };
        if allowed { Ok(open) } else { Err(Refusal::NotAllowed(who.to_owned())) }
    }

    /// Imports a CSV file, a workbook or items of JSON, or with `dry_run` says what importing it would do. `progress` hears of every thousand rows.
    ///
    /// # Errors
    /// Only if nothing could be tried: the plan is not the caller's to see or to report to, or the database fails. What
    /// is wrong with the file is in the [`Outcome`].
    pub async fn import(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        kind: ImportKind,
        file: impl Into<Upload>,
        dry_run: bool,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<Outcome, Refusal> {
        let (progress, file) = (Arc::new(progress), file.into());
        let open = self.may_import(plan, caller, kind).await?;
        let seen = self.seen(&open, self.clock.now()).await?;
        let (tried_by, heard) = (caller.clone(), Arc::clone(&progress));
        let clock = self.clock.clone();
        let (tried, file_back) = self
            .store
            .read(move |conn| {
                // What was saved already would only be found unchanged.
                tried_by.not_done_yet(conn, &clock, &open.access)?;
                let pass = if dry_run { Pass::DryRun } else { Pass::Check };
                let mut import = Import::new(kind, &seen, &tried_by, pass);
                import.go_through(&file, &mut Source::Read(conn), &*heard)?;
                Ok::<_, Refusal>((import.finish(dry_run)?, file))
            })
            .await?;
        if dry_run || tried.errors.count() > 0 {
            return Ok(tried);
        }
        if tried.created + tried.revised == 0 {
            if caller.once().is_some() {
                // Sent again with its key, it must not undo what others change from here on.
                self.change(plan, caller, |_ground, _pen| Ok::<_, Refusal>(())).await?;
            }
            return Ok(tried);
        }
        let kept = self.change(plan, caller, move |ground, pen| {
            // What the caller may do can have changed since; each reading's row asks by itself.
            if kind == ImportKind::Targets {
                ground.must_set_targets()?;
            }
            let mut import = Import::new(kind, &ground.seen, &ground.caller, Pass::Write);
            import.go_through(&file_back, &mut Source::Write(pen), &*progress)?;
            let outcome = import.finish(false)?;
            // Someone else's change in between can make a row wrong: then nothing is saved after all.
            if outcome.errors.count() > 0 { Err(Undone::Spoilt(Box::new(outcome))) } else { Ok(outcome) }
        });
        let warnings = tried.warnings;
        match kept.await {
            Ok(outcome) => Ok(Outcome { warnings, ..outcome }),
            Err(Undone::Spoilt(outcome)) => Ok(Outcome { warnings, ..*outcome }),
            Err(Undone::Refused(refusal)) => Err(refusal),
        }
    }
}

/// Why an import that was right when it was tried was not saved.
enum Undone {
    /// The plan changed while it was imported, and it no longer is right: what came of it now.
    Spoilt(Box<Outcome>),
    Refused(Refusal),
}

impl From<Refusal> for Undone {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn disk(error: io::Error) -> Refusal {
    Refusal::Store(StoreError::Unavailable(format!("the file that the import was put in cannot be used: {error}")))
}

/// Where rows are checked against, and written to when they are saved.
enum Source<'a, 'c, 'w> {
    Read(&'a mut Conn),
    Write(&'a mut crate::Pen<'c, 'w>),
}

impl Source<'_, '_, '_> {
    fn conn(&mut self) -> &mut Conn {
        match self {
            Self::Read(conn) => conn,
            Self::Write(pen) => pen.conn(),
        }
    }

    fn keep(&mut self, changes: &mut Vec<journal::Change>) -> Result<(), Refusal> {
        let changes = std::mem::take(changes);
        match self {
            Self::Write(pen) if !changes.is_empty() => pen.record(changes).map(drop),
            _ => Ok(()),
        }
    }
}

/// The number of a row, as small as can be.
fn small_number(row: u64) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX)
}

/// What can be added up of a figure: of the one that comes next, or else of the one that stands there.
fn counted(entry: &KpiPicture, group: &GroupCode, period: Period, next: Option<&ReadingRevision>) -> Counted {
    match next {
        None => Picture::counted(entry, group, period).unwrap_or(Counted::Nothing),
        Some(next) => Counted::of(&entry.kpi, next.figure.value, next.figure.numerator, next.figure.denominator),
    }
}

/// What becomes of a row that is right.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Created,
    Revised,
    Unchanged,
}

/// A KPI, period and group, as small as can be: a file may speak of a million.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    kpi: u32,
    group: u32,
    period: Period,
}

/// A row that is right, and what can be added up of its figure.
struct Summand {
    place: Place,
    row: u32,
    fate: Fate,
    counted: Counted,
}

/// A row that is right, and how its figure was sent.
struct RightRow {
    place: Place,
    row: u32,
    column: &'static str,
}

/// What a going through of a file is for. What it changes and what to check is asked once, and not while others wait
/// for the plan if that can be helped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// To find what is wrong, and what to check.
    Check,
    /// The same, and to say what the file would change.
    DryRun,
    /// To write it, and to say what it changes.
    Write,
}

/// Things distinguished by small numbers.
struct Interned<T> {
    numbers: HashMap<T, u32>,
    things: Vec<T>,
}

impl<T: Clone + Eq + std::hash::Hash> Interned<T> {
    fn new() -> Self {
        Self { numbers: HashMap::new(), things: Vec::new() }
    }

    fn number(&mut self, thing: &T) -> u32 {
        if let Some(number) = self.numbers.get(thing) {
            return *number;
        }
        let number = u32::try_from(self.things.len()).unwrap_or(u32::MAX);
        self.numbers.insert(thing.clone(), number);
        self.things.push(thing.clone());
        number
    }

    fn thing(&self, number: u32) -> Option<&T> {
        self.things.get(usize::try_from(number).ok()?)
    }
}

/// One going through a file.
struct Import<'a> {
    kind: ImportKind,
    desk: Desk<'a>,
    /// The plan as the file would leave it.
    after: Picture,
    /// What is asked of this going through.
    pass: Pass,
    kpis: Interned<KpiCode>,
    groups: Interned<GroupCode>,
    /// The places whose figures the file changes, in its order.
    changed: Vec<Place>,
    /// The KPIs whose targets it changes.
    targeted: BTreeSet<KpiCode>,
    /// Which row first spoke of each place.
    seen: HashMap<Place, u32>,
    /// The rows that have a part in the sums of a dimension that covers everyone.
    summands: Vec<Summand>,
    /// The file's columns.
    columns: Columns,
    /// The rows that are right, to be checked once the file is gone through.
    right: Vec<RightRow>,
    /// The codes of the KPIs that the caller sees by their titles, if the file has titles.
    titles: HashMap<String, KpiCode>,
    /// What to check in the row being read, if it is right.
    noted: Vec<Warning>,
    /// What is on its way to the database.
    pending: Vec<journal::Change>,
    outcome: Outcome,
}

impl<'a> Import<'a> {
    fn new(kind: ImportKind, seen: &'a Seen, caller: &'a Subject, pass: Pass) -> Self {
        Self {
            kind,
            desk: Desk { seen, caller },
            after: (*seen.picture).clone(),
            pass,
            kpis: Interned::new(),
            groups: Interned::new(),
            changed: Vec::new(),
            targeted: BTreeSet::new(),
            seen: HashMap::new(),
            summands: Vec::new(),
            columns: Columns::default(),
            right: Vec::new(),
            titles: HashMap::new(),
            noted: Vec::new(),
            pending: Vec::new(),
            outcome: Outcome::nothing(false),
        }
    }

    fn go_through(
        &mut self,
        file: &Upload,
        source: &mut Source<'_, '_, '_>,
        progress: &dyn Fn(u64),
    ) -> Result<(), Refusal> {
        let mut sheet = match file.sheet(self.kind.headings()).map_err(disk)? {
            Ok(sheet) => sheet,
            Err(faults) => return self.reject_file(faults),
        };
        self.columns = sheet.columns().clone();
        self.outcome.ignored_columns = self.columns.ignored().to_vec();
        if self.columns.has("title") {
            self.titles = self.titles();
        }
        self.reject_file(sheet.faults().to_vec())?;
        for notice in sheet.notices().to_vec() {
            self.warn(notice)?;
        }
        let is_template = self.kind == ImportKind::Readings && self.columns.has(TEMPLATE_COLUMN);
        while let Some(row) = sheet.next() {
            if is_template && row.as_ref().is_ok_and(|row| says_nothing(row)) {
                continue;
            }
            self.outcome.rows += 1;
            if self.outcome.rows > MOST_ROWS {
                self.outcome.rows = MOST_ROWS;
                let number = row.map_or_else(|fault| fault.violation.row.unwrap_or_default(), |row| row.number);
                let detail = "a file holds at most 1,000,000 rows; send the rest in another";
                return self.reject_file(vec![Violation::in_cell(number, None, "too_many_rows", detail)]);
            }
            match row {
                Ok(row) => {
                    self.noted = hidden_row(&row).into_iter().collect();
                    let fate = match self.kind {
                        ImportKind::Readings => self.reading(&row, source)?,
                        ImportKind::Targets => self.target(&row),
                    };
                    let noted = std::mem::take(&mut self.noted);
                    for warning in noted.into_iter().filter(|_| fate.is_ok()) {
                        self.warn(warning)?;
                    }
                    match fate {
                        Ok(Fate::Created) => self.outcome.created += 1,
                        Ok(Fate::Revised) => self.outcome.revised += 1,
                        Ok(Fate::Unchanged) => self.outcome.unchanged += 1,
                        Err(faults) => self.reject(faults)?,
                    }
                }
                Err(fault) => {
                    self.reject(vec![fault.violation])?;
                    if fault.last {
                        break;
                    }
                }
            }
            if self.pending.len() >= CHUNK {
                source.keep(&mut self.pending)?;
            }
            if self.outcome.rows.is_multiple_of(1_000) {
                progress(self.outcome.rows);
            }
        }
        self.check_sums()?;
        self.look_over()?;
        source.keep(&mut self.pending)
    }

    /// Looks over the rows that are right, as the whole file leaves the plan.
    fn look_over(&mut self) -> Result<(), Refusal> {
        for RightRow { place, row, column } in std::mem::take(&mut self.right) {
            let at = self.kpis.thing(place.kpi).zip(self.groups.thing(place.group));
            let Some((entry, group)) = at.and_then(|(kpi, group)| Some((self.after.kpis().get(kpi)?, group))) else {
                continue;
            };
            let found = match self.kind {
                ImportKind::Readings => {
                    let is_beside = |other: &GroupCode| {
                        let group = self.groups.numbers.get(other).copied();
                        group.is_some_and(|group| self.seen.contains_key(&Place { group, ..place }))
                    };
                    let judged = Judged { column, is_beside: &is_beside };
                    self.after.reading_warnings(entry, group, place.period, &judged)
                }
                ImportKind::Targets => {
                    let is_beside = |period: Period| self.seen.contains_key(&Place { period, ..place });
                    self.after.target_warnings(entry, place.period, &is_beside)
                }
            };
            for warning in found {
                self.warn(Warning { row: Some(row.into()), ..warning })?;
            }
        }
        Ok(())
    }

    /// Rejects the rows that would leave the groups of a dimension not summing to all, of one KPI and period after another.
    fn check_sums(&mut self) -> Result<(), Refusal> {
        let mut summands = std::mem::take(&mut self.summands);
        summands.sort_unstable_by_key(|summand| (summand.place.kpi, summand.place.period, summand.row));
        let picture = &self.desk.seen.picture;
        let of_one =
            |one: &Summand, other: &Summand| (one.place.kpi, one.place.period) == (other.place.kpi, other.place.period);
        for rows in summands.chunk_by(of_one) {
            let Some(Summand { place, .. }) = rows.iter().find(|summand| summand.fate != Fate::Unchanged) else {
                continue;
            };
            let Some(entry) = self.kpis.thing(place.kpi).and_then(|kpi| picture.kpis().get(kpi)) else { continue };
            // As the file would leave it; of a row that is wrong in itself nothing is known.
            let counted = |group: &GroupCode| {
                let number = self.groups.numbers.get(group).copied();
                let in_file = number.and_then(|number| rows.iter().find(|summand| summand.place.group == number));
                match (in_file, number) {
                    (Some(summand), _) => Some(summand.counted),
                    (None, Some(group)) if self.seen.contains_key(&Place { group, ..*place }) => None,
                    (None, _) => Picture::counted(entry, group, place.period),
                }
            };
            let all = GroupCode::all();
            let mut faults: Vec<Vec<Violation>> = rows.iter().map(|_| Vec::new()).collect();
            for dimension in picture.sums_with(&all) {
                for (part, detail) in does_not_sum(dimension, counted) {
                    for (summand, faults) in rows.iter().zip(&mut faults) {
                        let group = self.groups.thing(summand.place.group);
                        if group.is_some_and(|group| group.is_all() || dimension.has(group)) {
                            let row = u64::from(summand.row);
                            faults.push(Violation::in_cell(row, Some(part), "does_not_sum", detail.clone()));
                        }
                    }
                }
            }
            for (summand, faults) in rows.iter().zip(faults).filter(|(_, faults)| !faults.is_empty()) {
                let counted_as = match summand.fate {
                    Fate::Created => &mut self.outcome.created,
                    Fate::Revised => &mut self.outcome.revised,
                    Fate::Unchanged => &mut self.outcome.unchanged,
                };
                *counted_as -= 1;
                self.reject(faults)?;
            }
        }
        Ok(())
    }

    fn reject(&mut self, faults: Vec<Violation>) -> Result<(), Refusal> {
        self.outcome.rejected += 1;
        self.reject_all(faults)
    }

    /// Rejects the file as a whole; its rows may be gone through all the same.
    fn reject_file(&mut self, faults: Vec<Violation>) -> Result<(), Refusal> {
        self.outcome.about_file += u64::try_from(faults.len()).unwrap_or(u64::MAX);
        self.reject_all(faults)
    }

    fn reject_all(&mut self, faults: Vec<Violation>) -> Result<(), Refusal> {
        for fault in faults {
            self.outcome.errors.push(&self.columns.placed(fault)).map_err(disk)?;
        }
        Ok(())
    }

    /// Leaves out of what was noted of a row what its sender has seen and confirms.
    fn leave_out(&mut self, acknowledged: Acknowledged) {
        self.noted.retain(|warning| !acknowledged.has(warning.code));
    }

    /// Notes what to check.
    fn warn(&mut self, warning: Warning) -> Result<(), Refusal> {
        self.outcome.warnings.push(&self.columns.placed_warning(warning)).map_err(disk)
    }

    /// Reports what the file changes, if that is asked; nothing does if a cell is wrong.
    fn finish(mut self, dry_run: bool) -> Result<Outcome, Refusal> {
        self.outcome.dry_run = dry_run;
        if self.pass == Pass::Check || self.outcome.errors.count() > 0 {
            return Ok(self.outcome);
        }
        let named = |place: &Place| {
            Some((self.kpis.thing(place.kpi)?.clone(), self.groups.thing(place.group)?.clone(), place.period))
        };
        let changed: Vec<effects::Place> = self.changed.iter().filter_map(named).collect();
        let after = self.desk.seen.of(self.after);
        let effects = Effects { before: self.desk.seen, after: &after };
        let itself = changed.iter().map(|place| (place.clone(), Through::Itself));
        let targeted = self.targeted.iter().filter_map(|kpi| after.picture.kpis().get(kpi));
        let held_against = targeted.flat_map(|entry| after.picture.reported_places(entry));
        let reached = effects.reached(&changed);
        for (place, through) in itself.chain(held_against.map(|place| (place, Through::Target))).chain(reached) {
            if let Some(moved) = effects.short(&place, through) {
                self.outcome.effects.push(&moved).map_err(disk)?;
            }
        }
        self.outcome.roll_ups = effects.roll_ups(changed.iter().map(|(kpi, ..)| kpi).chain(&self.targeted));
        Ok(self.outcome)
    }

    /// The KPI that a row names.
    fn kpi(&self, cells: &mut Cells<'_, '_>) -> Option<&'a Arc<KpiPicture>> {
        let code = cells.needed("kpi", "name the KPI by its code")?;
        let seen = self.desk.seen;
        let found = seen.picture.kpis().get(code).filter(|entry| seen.sees(&entry.kpi));
        if found.is_none() {
            let codes = seen.kpis().map(|kpi| kpi.code().as_str());
            let hint = nearest(code, codes).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            cells.fault("kpi", "unknown_code", format!("no KPI is called `{code}`{hint}"));
        }
        found
    }

    /// The KPIs that the caller sees, by their titles.
    fn titles(&self) -> HashMap<String, KpiCode> {
        self.desk.seen.kpis().map(|kpi| (folded_title(kpi.title()), kpi.code().clone())).collect()
    }

    /// Reports what is beside a figure and contradicts it, in the columns that are not read.
    fn check_ignored(
        &self,
        cells: &mut Cells<'_, '_>,
        entry: &KpiPicture,
        period: Option<Period>,
        figure: Option<Figure>,
    ) {
        let row = RowOf { kpi: &entry.kpi, period, has_figure: figure.is_some() };
        let title_of = |title: &str| self.titles.get(&folded_title(title)).map(ToString::to_string);
        let period_of = |text: &str| match self.kind {
            ImportKind::Readings => Period::read(text, entry.kpi.period_kind()).ok(),
            ImportKind::Targets => Period::read_of_target(text, entry.kpi.period_kind(), entry.kpi.calendar).ok(),
        };
        for (column, text) in cells.row.ignored() {
            if let Some(detail) = contradiction(column, text, row, title_of, period_of) {
                cells.fault(column, "contradicts_row", detail);
            }
        }
    }

    /// A place, and a note if an earlier row spoke of it already.
    fn place(
        &mut self,
        kpi: &KpiCode,
        group: &GroupCode,
        period: Period,
        row: u64,
        faults: &mut Vec<Violation>,
    ) -> Place {
        let place = Place { kpi: self.kpis.number(kpi), group: self.groups.number(group), period };
        if let Some(first) = self.seen.get(&place) {
            let first = self.columns.row_name(u64::from(*first));
            let detail = format!("{first} is already about {kpi} in {period}; keep one of the two");
            faults.push(Violation::in_cell(row, Some("kpi"), "named_twice", detail));
        } else {
            self.seen.insert(place, small_number(row));
        }
        place
    }

    /// Notes a row that is right, if anyone asks what to check.
    fn note_right_row(&mut self, place: Place, row: &SheetRow<'_>, column: &'static str) {
        if self.pass != Pass::Write {
            self.right.push(RightRow { place, row: small_number(row.number), column });
        }
    }

    /// What is wrong with a figure of which it is not known which period or group it is for.
    fn faults_without_place(
        &self,
        entry: &KpiPicture,
        (period, group): (Option<Period>, Option<&GroupCode>),
        figure: &ReportedFigure,
        given: &Given,
    ) -> Invalid {
        // If it is not known what stands there, a row without a figure may leave one.
        let stays = (!ReportedFigure::is_given(given)).then(Settled::default);
        self.desk.judge(entry, period, group, figure, stays).err().unwrap_or_default()
    }

    fn reading(
        &mut self,
        row: &SheetRow<'_>,
        source: &mut Source<'_, '_, '_>,
    ) -> Result<Result<Fate, Vec<Violation>>, Refusal> {
        let mut cells = Cells::of(row);
        if cells.are_notes() {
            return Ok(Err(cells.faults));
        }
        let entry = self.kpi(&mut cells);
        let period = cells.period(|text| match entry {
            Some(entry) => Period::read(text, entry.kpi.period_kind()).map(Some),
            None => Period::could_be(text).map(|()| None),
        });
        let group = cells.group();
        let figure = cells.reported_figure(entry.map(|entry| &entry.kpi));
        cells.check_fraction();
        let given = cells.given(&READING_COLUMNS);
        let Some(entry) = entry else {
            cells.take_in(figure.texts());
            return Ok(Err(cells.faults));
        };
        if let Err(detail) = self.desk.may_report(entry) {
            cells.fault("kpi", "not_allowed", detail);
        }
        self.check_ignored(&mut cells, entry, period, figure.value.or(figure.numerator));
        let (Some(period), Some(group)) = (period, &group) else {
            cells.take_in(self.faults_without_place(entry, (period, group.as_ref()), &figure, &given));
            return Ok(Err(cells.faults));
        };
        self.noted
            .extend(other_target(row, entry, period).map(|told| told.about(&entry.kpi.code, period, Some(group))));
        let already = entry.posted(group, period).map(|kept| kept.value.acknowledged).unwrap_or_default();
        self.leave_out(already.and(figure.acknowledged));
        let place = self.place(&entry.kpi.code, group, period, row.number, &mut cells.faults);
        let before = match entry.posted(group, period) {
            Some(_) => readings::find(source.conn(), self.desk.seen.id(), &entry.kpi.code, period, group, None)?,
            None => None,
        };
        let next = match self.desk.check(entry, period, group, (&figure, &given), before.as_ref()) {
            Err(invalid) => {
                cells.take_in(invalid);
                return Ok(Err(cells.faults));
            }
            Ok(_) if !cells.faults.is_empty() => return Ok(Err(cells.faults)),
            Ok(Checked::Locked(detail)) => {
                return Ok(Err(vec![Violation::in_cell(row.number, Some("kpi"), "signed_off", detail)]));
            }
            Ok(Checked::Unchanged) => None,
            Ok(Checked::Next(next)) => Some(next),
        };
        let fate = match (&next, &before) {
            (None, _) => Fate::Unchanged,
            (Some(_), Some(_)) => Fate::Revised,
            (Some(_), None) => Fate::Created,
        };
        if self.desk.seen.picture.sums_with(group).next().is_some() {
            let counted = counted(entry, group, period, next.as_deref());
            self.summands.push(Summand { place, row: small_number(row.number), fate, counted });
        }
        self.note_right_row(place, row, figure_column(row.cell("value"), row.cell("numerator")));
        if let Some(reading) = next {
            self.after.lay_over(&entry.kpi.code, group, period, self.desk.kept(entry, &reading));
            self.changed.push(place);
            if matches!(source, Source::Write(_)) {
                self.pending.push(reading_change(*reading, before.as_ref()));
            }
        }
        Ok(Ok(fate))
    }

    fn target(&mut self, row: &SheetRow<'_>) -> Result<Fate, Vec<Violation>> {
        let mut cells = Cells::of(row);
        if cells.are_notes() {
            return Err(cells.faults);
        }
        let entry = self.kpi(&mut cells);
        let period = cells.period(|text| match entry {
            Some(entry) => Period::read_of_target(text, entry.kpi.period_kind(), entry.kpi.calendar).map(Some),
            None => Period::could_be(text).map(|()| None),
        });
        let of = entry.map_or(FigureOf::Unknown, |entry| FigureOf::Kpi(&entry.kpi));
        let target = Target {
            value: cells.figure("value", of),
            low: cells.figure("low", of),
            high: cells.figure("high", of),
            floor: cells.figure("floor", of),
            kind: cells.name("kind").unwrap_or(TargetKind::Local),
            state: cells.name("state").unwrap_or(TargetState::Agreed),
            rationale: cells.text("rationale"),
            agreed_by: cells.text("agreed_by"),
            agreed_on: cells.read("agreed_on"),
            reason: cells.text("reason"),
            acknowledged: cells.acknowledged(),
        };
        let given = cells.given(&TARGET_COLUMNS);
        let Some(entry) = entry else {
            cells.take_in(target.texts());
            return Err(cells.faults);
        };
        self.check_ignored(&mut cells, entry, period, target.value);
        let Some(period) = period else {
            // If it is not known what is there, a row without a figure may leave one.
            let faults = if Target::is_given(&given) { target.check(&entry.kpi, None) } else { target.texts() };
            cells.take_in(faults);
            return Err(cells.faults);
        };
        let all = GroupCode::all();
        let place = self.place(&entry.kpi.code, &all, period, row.number, &mut cells.faults);
        let revised = match revise(entry, period, &target, &given) {
            Ok(revised) => revised,
            Err(invalid) => {
                cells.take_in(invalid);
                return Err(cells.faults);
            }
        };
        if !cells.faults.is_empty() {
            return Err(cells.faults);
        }
        self.note_right_row(place, row, "value");
        let already = entry.targets.get(&period).map(|target| target.acknowledged).unwrap_or_default();
        self.leave_out(already.and(target.acknowledged));
        let Some(next) = revised else { return Ok(Fate::Unchanged) };
        let before = previous(entry, period);
        let warning = still_placeholder(entry, period, &given, &next);
        self.noted.extend(warning.map(|warning| Warning { row: Some(row.number), ..warning }));
        self.after.lay_target_over(&entry.kpi.code, period, next.target.clone());
        if self.pass != Pass::Check {
            self.targeted.insert(entry.kpi.code.clone());
        }
        self.pending.push(target_change(next, before.as_ref()));
        Ok(if before.is_some() { Fate::Revised } else { Fate::Created })
    }
}
