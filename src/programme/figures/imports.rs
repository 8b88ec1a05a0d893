//! Imports: a file of readings or targets, all or nothing.
//!
//! A file is gone through row by row in bounded memory, and every wrong cell of it is told. It is gone through twice
//! where it is to be kept: once to find what is wrong without holding anyone up, and once, with the plan held, to write it
//! by the very same checks. Nothing of a file with a single wrong cell is kept.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};

use crate::domain::advice::{FigureOf, advice, without_percent_sign};
use crate::domain::contradiction::{RowOf, contradiction, folded_title};
use crate::domain::dimension::Counted;
use crate::domain::document::Given;
use crate::domain::ids::{GroupCode, KpiCode, PlanCode, Subject};
use crate::domain::invalid::{Invalid, Violation, nearest};
use crate::domain::kpi::Formula;
use crate::domain::number::Figure;
use crate::domain::period::{Period, PeriodError, PeriodKind};
use crate::domain::policy::Status;
use crate::domain::reading::{DENOMINATOR_NEEDED, NUMERATOR_NEEDED, ReportedFigure, Settled};
use crate::domain::target::{FoundTarget, Target, TargetKind, TargetState, find_target};
use crate::domain::warning::{Acknowledged, UnknownWarning, Warning, WarningCode};
use crate::exchange::sheet::{Columns, Headings, IgnoredColumn, SheetRow, Upload, fold};
use crate::exchange::spool::Spool;
use crate::store::{Conn, StoreError, journal, readings};

use crate::programme::figures::check::{Judged, figure_column};
use crate::programme::figures::effects::{self, Effects, RollUpMove, Through};
use crate::programme::figures::readings::{Checked, Desk, reading_change};
use crate::programme::figures::targets::{previous, revise, still_placeholder, target_change};
use crate::programme::picture::{KpiPicture, Picture};
use crate::programme::reports::groups::does_not_sum;
use crate::programme::seen::Seen;
use crate::programme::{OpenPlan, Principal, Programme, Refusal};

/// The most rows of one file.
pub const MOST_ROWS: u64 = 1_000_000;
/// How many changes go to the database at a time.
const CHUNK: usize = 5_000;

/// The columns of a file of readings.
pub const READING_COLUMNS: &[&str] = &[
    "kpi",
    "period",
    "group",
    "value",
    "numerator",
    "denominator",
    "provisional",
    "nil_return",
    "commentary",
    "reason",
    "status",
    "forecast",
    "acknowledged",
];
/// The columns of a file of targets.
pub const TARGET_COLUMNS: &[&str] = &[
    "kpi",
    "period",
    "value",
    "low",
    "high",
    "floor",
    "kind",
    "state",
    "rationale",
    "agreed_by",
    "agreed_on",
    "reason",
    "acknowledged",
];

/// Why a column that the service writes itself is not read when it comes back.
const WRITTEN_HERE: &str = "the service writes it; a file cannot change it";
/// Why a column that says again what the row names is not read.
const SAYS_AGAIN: &str = "it only says again what the row names; a row that it contradicts is refused";
/// Why a column that helps to fill in a template is not read.
const HELP: &str = "it helps to fill in the template";

/// Columns of a file of readings that are not read, and why: those that the flat table has beside the ones that are read, so that
/// a table that was fetched can be sent back as it is, and those that help to fill in a template.
const IGNORED_IN_READINGS: &[(&str, &str)] = &[
    ("symbol", SAYS_AGAIN),
    ("period_label", SAYS_AGAIN),
    ("period_start", SAYS_AGAIN),
    ("period_end", SAYS_AGAIN),
    ("title", SAYS_AGAIN),
    ("unit", SAYS_AGAIN),
    ("revision", WRITTEN_HERE),
    ("recorded_at", WRITTEN_HERE),
    ("recorded_by", WRITTEN_HERE),
    ("restated", WRITTEN_HERE),
    ("definition", HELP),
    ("last_period", HELP),
    ("last_figure", HELP),
    ("due", HELP),
    ("target", "targets are set by a file of targets, in its column `value`"),
];

/// The same of a file of targets.
const IGNORED_IN_TARGETS: &[(&str, &str)] = &[
    ("period_label", SAYS_AGAIN),
    ("period_start", SAYS_AGAIN),
    ("period_end", SAYS_AGAIN),
    ("title", SAYS_AGAIN),
    ("unit", SAYS_AGAIN),
    ("revision", WRITTEN_HERE),
    ("recorded_at", WRITTEN_HERE),
    ("recorded_by", WRITTEN_HERE),
    ("definition", "it is part of the KPI, and not of its target"),
];

/// What to do about a column that may be the target itself.
const TARGET_IN_VALUE: &str = "in a file of targets the target stands in `value`; put it there, with nothing else in that column, and delete this one";
/// The columns of a file of targets that may be the target itself.
const AMBIGUOUS_IN_TARGETS: &[(&str, &str)] =
    &[("target", TARGET_IN_VALUE), ("target_value", TARGET_IN_VALUE), ("targets", TARGET_IN_VALUE)];

/// The column by which a template is known: in one, a row that nobody filled in is no mistake.
pub const TEMPLATE_COLUMN: &str = "last_figure";

/// By what a row of readings says anything of the figure that it names.
const SAYING: &[&str] =
    &["value", "numerator", "denominator", "provisional", "nil_return", "commentary", "reason", "status", "forecast"];

/// What is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportKind {
    /// Readings.
    Readings,
    /// Targets.
    Targets,
}

impl ImportKind {
    /// The columns of a file of this kind.
    pub fn headings(self) -> Headings {
        let (known, ignored, ambiguous) = match self {
            Self::Readings => (READING_COLUMNS, IGNORED_IN_READINGS, [].as_slice()),
            Self::Targets => (TARGET_COLUMNS, IGNORED_IN_TARGETS, AMBIGUOUS_IN_TARGETS),
        };
        Headings {
            known,
            ignored,
            ambiguous,
            required: &["kpi", "period"],
            numbers: &["value", "numerator", "denominator", "forecast", "low", "high", "floor"],
            flags: &["provisional"],
            lists: &["acknowledged"],
            words: &["nil_return", "commentary", "reason", "rationale", "agreed_by"],
        }
    }
}

/// What an import did, or would do.
#[derive(Debug)]
pub struct Outcome {
    /// Whether it was only tried.
    pub dry_run: bool,
    /// Rows gone through, blank ones not counted.
    pub rows: u64,
    /// Rows that make something new.
    pub created: u64,
    /// Rows that make the next revision of something.
    pub revised: u64,
    /// Rows that say what is there already.
    pub unchanged: u64,
    /// Rows with anything wrong in them.
    pub rejected: u64,
    /// How much is wrong that is about no row.
    pub about_file: u64,
    /// The file's columns that were not read, and why.
    pub ignored_columns: Vec<IgnoredColumn>,
    /// What the changed rows change, as [`Move`](crate::programme::figures::effects::Move)s; empty where anything is wrong.
    pub effects: Spool,
    /// The roll-ups that move with it; empty where anything is wrong.
    pub roll_ups: Vec<RollUpMove>,
    /// Everything that is wrong, as [`Violation`]s.
    pub errors: Spool,
    /// What should be looked at in what is right, as [`Warning`]s: about the file as a whole, then row by row.
    pub warnings: Spool,
}

impl Outcome {
    /// The outcome of a file that cannot be gone through at all.
    ///
    /// # Errors
    /// Where the disk is full.
    pub fn unread(dry_run: bool, fault: &Violation) -> io::Result<Self> {
        let mut outcome = Self { about_file: 1, ..Self::nothing(dry_run) };
        outcome.errors.push(fault)?;
        Ok(outcome)
    }

    /// The outcome of an import that found nothing to do and nothing wrong.
    pub fn nothing(dry_run: bool) -> Self {
        Self {
            dry_run,
            rows: 0,
            created: 0,
            revised: 0,
            unchanged: 0,
            rejected: 0,
            about_file: 0,
            ignored_columns: Vec::new(),
            effects: Spool::default(),
            roll_ups: Vec::new(),
            errors: Spool::default(),
            warnings: Spool::default(),
        }
    }
}

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
    /// Only where nothing could be tried: the plan is not the caller's to see or to report to, or the database fails.
    /// What is wrong with the file stands in the [`Outcome`].
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
                // What was kept already would only be found unchanged.
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
                self.change(plan, caller, |_claimed| Ok(())).await?;
            }
            return Ok(tried);
        }
        let kept = self.change(plan, caller, move |change| {
            // What the caller may do can have changed since; each reading's row asks by itself.
            if kind == ImportKind::Targets {
                change.must_set_targets()?;
            }
            let (seen, caller) = (change.seen.clone(), change.caller.clone());
            let mut import = Import::new(kind, &seen, &caller, Pass::Write);
            import.go_through(&file_back, &mut Source::Write(change), &*progress)?;
            let outcome = import.finish(false)?;
            // Someone else's change in between can make a row wrong: then nothing is kept after all.
            if outcome.errors.count() > 0 { Err(Refusal::Spoilt(Box::new(outcome))) } else { Ok(outcome) }
        });
        let warnings = tried.warnings;
        match kept.await {
            Ok(outcome) => Ok(Outcome { warnings, ..outcome }),
            Err(Refusal::Spoilt(outcome)) => Ok(Outcome { warnings, ..*outcome }),
            Err(other) => Err(other),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn disk(error: io::Error) -> Refusal {
    Refusal::Store(StoreError::Unavailable(format!("the file that the import was put in cannot be used: {error}")))
}

/// Where rows are checked against, and written to when they are kept.
enum Source<'a, 'c, 'w> {
    Read(&'a mut Conn),
    Write(&'a mut crate::programme::Change<'c, 'w>),
}

impl Source<'_, '_, '_> {
    fn conn(&mut self) -> &mut Conn {
        match self {
            Self::Read(conn) => conn,
            Self::Write(change) => change.conn(),
        }
    }

    fn keep(&mut self, changes: &mut Vec<journal::Change>) -> Result<(), Refusal> {
        let changes = std::mem::take(changes);
        match self {
            Self::Write(change) if !changes.is_empty() => change.record(changes).map(drop),
            _ => Ok(()),
        }
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

/// What a going through of a file is for. What it changes and what should be looked at is asked once, and not while others wait
/// for the plan where that can be helped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// To find what is wrong, and what should be looked at.
    Check,
    /// The same, and to say what the file would change.
    DryRun,
    /// To write it, and to say what it changes.
    Write,
}

/// Things told apart by small numbers.
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
    /// The rows that are right, to be looked at once the file is gone through.
    right: Vec<RightRow>,
    /// The codes of the KPIs that the caller sees by their titles, where the file has titles.
    titles: HashMap<String, KpiCode>,
    /// What should be looked at in the row being read, if it is right.
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
            if is_template && row.as_ref().is_ok_and(|row| row.lacks(SAYING.iter().copied())) {
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

    /// Leaves out of what was noted of a row what its sender has seen and stands by.
    fn leave_out(&mut self, acknowledged: Acknowledged) {
        self.noted.retain(|warning| !acknowledged.has(warning.code));
    }

    /// Notes what should be looked at.
    fn warn(&mut self, warning: Warning) -> Result<(), Refusal> {
        self.outcome.warnings.push(&self.columns.placed_warning(warning)).map_err(disk)
    }

    /// Tells what the file changes, where that is asked; nothing does where a cell is wrong.
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
            cells.fault("kpi", "unknown_code", format!("no KPI goes by `{code}`{hint}"));
        }
        found
    }

    /// The KPIs that the caller sees, by their titles.
    fn titles(&self) -> HashMap<String, KpiCode> {
        self.desk.seen.kpis().map(|kpi| (folded_title(kpi.title()), kpi.code().clone())).collect()
    }

    /// Tells what stands beside a figure and contradicts it, in the columns that are not read.
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

    /// A place, and a note where an earlier row spoke of it already.
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
            let detail = format!("{first} already speaks of {kpi} in {period}; keep one of the two");
            faults.push(Violation::in_cell(row, Some("kpi"), "named_twice", detail));
        } else {
            self.seen.insert(place, u32::try_from(row).unwrap_or(u32::MAX));
        }
        place
    }

    /// Notes a row that is right, where anyone asks what should be looked at.
    fn note_right_row(&mut self, place: Place, row: &SheetRow<'_>, column: &'static str) {
        if self.pass != Pass::Write {
            let row = u32::try_from(row.number).unwrap_or(u32::MAX);
            self.right.push(RightRow { place, row, column });
        }
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
        let group = match cells.row.cell("group") {
            None if cells.is_unknown("group") => None,
            None => Some(GroupCode::all()),
            Some(_) => cells.read("group"),
        };
        let of = entry.map_or(FigureOf::Unknown, |entry| FigureOf::Kpi(&entry.kpi));
        let figure = ReportedFigure {
            value: cells.computed_or_given("value", of),
            numerator: cells.figure("numerator", FigureOf::Count),
            denominator: cells.figure("denominator", FigureOf::Count),
            provisional: cells.flag("provisional"),
            nil_return: cells.text("nil_return"),
            status: cells
                .status(entry.is_none_or(|entry| matches!(entry.kpi.formula, Formula::PartnerDetermined { .. }))),
            commentary: cells.text("commentary"),
            reason: cells.text("reason"),
            forecast: cells.figure("forecast", of),
            acknowledged: cells.acknowledged(),
        };
        cells.check_fraction();
        let given = cells.given(READING_COLUMNS);
        let Some(entry) = entry else {
            cells.take_in(figure.texts());
            return Ok(Err(cells.faults));
        };
        if let Err(detail) = self.desk.may_report(entry) {
            cells.fault("kpi", "not_allowed", detail);
        }
        self.check_ignored(&mut cells, entry, period, figure.value.or(figure.numerator));
        let (Some(period), Some(group)) = (period, &group) else {
            // Where it is not known what stands there, a row without a figure may leave one.
            let stays = (!ReportedFigure::is_given(&given)).then(Settled::default);
            if let Err(invalid) = self.desk.judge(entry, period, group.as_ref(), &figure, stays) {
                cells.take_in(invalid);
            }
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
        let checked = match self.desk.check(entry, period, group, (&figure, &given), before.as_ref()) {
            Ok(checked) if cells.faults.is_empty() => checked,
            Ok(_) => return Ok(Err(cells.faults)),
            Err(invalid) => {
                cells.take_in(invalid);
                return Ok(Err(cells.faults));
            }
        };
        let next = match checked {
            Checked::Unchanged => None,
            Checked::Next(next) => Some(next),
            Checked::Locked(detail) => {
                return Ok(Err(vec![Violation::in_cell(row.number, Some("kpi"), "signed_off", detail)]));
            }
        };
        let fate = match (&next, &before) {
            (None, _) => Fate::Unchanged,
            (Some(_), Some(_)) => Fate::Revised,
            (Some(_), None) => Fate::Created,
        };
        if self.desk.seen.picture.sums_with(group).next().is_some() {
            let counted = match &next {
                None => Picture::counted(entry, group, period).unwrap_or(Counted::Nothing),
                Some(next) => Counted::of(&entry.kpi, next.value, next.numerator, next.denominator),
            };
            let row = u32::try_from(row.number).unwrap_or(u32::MAX);
            self.summands.push(Summand { place, row, fate, counted });
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
        let given = cells.given(TARGET_COLUMNS);
        let Some(entry) = entry else {
            cells.take_in(target.texts());
            return Err(cells.faults);
        };
        self.check_ignored(&mut cells, entry, period, target.value);
        let Some(period) = period else {
            // Where it is not known what stands there, a row without a figure may leave one.
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

/// That a row was read which a spreadsheet does not show.
fn hidden_row(row: &SheetRow<'_>) -> Option<Warning> {
    let detail = "the row is hidden in the workbook, by a filter or by hand, and was read like any other; show all rows, and delete it if it is not meant";
    row.is_hidden().then(|| Warning::in_row(row.number, None, WarningCode::HiddenRow, detail))
}

/// That a row of readings gives another target than the plan has, which stays as it is.
fn other_target(row: &SheetRow<'_>, entry: &KpiPicture, period: Period) -> Option<Warning> {
    let (_, text) = row.ignored().find(|(column, _)| *column == "target")?;
    let number = text.split_whitespace().next()?.trim_end_matches('%').replace([',', '£'], "");
    let number: Figure = number.parse().ok()?;
    let has = match find_target(&entry.kpi, period, &entry.targets) {
        Ok(FoundTarget { aim, .. }) if [aim.low, aim.high].contains(&number) => return None,
        // As a template shows it, rounded.
        Ok(FoundTarget { aim, .. }) if entry.kpi.in_exact_words(aim.low) == text => return None,
        Ok(FoundTarget { aim, .. }) if aim.low == aim.high => entry.kpi.in_full_words(aim.low),
        Ok(FoundTarget { aim, .. }) => format!("{} to {}", aim.low, entry.kpi.in_full_words(aim.high)),
        Err(_none) => "none".to_owned(),
    };
    let detail = format!(
        "`{text}` is not the target that the plan has for this period ({has}), and was not read; targets are changed by a file of targets"
    );
    Some(Warning::in_row(row.number, Some("target"), WarningCode::OtherTarget, detail))
}

/// What is said of a cell that shows a percentage by its format.
const SET_TO_GENERAL: &str =
    "; set the cell's number format to General first, since what is typed into a percentage cell stays a percentage";

/// The cells of one row, each read or told why it cannot be.
struct Cells<'a, 'r> {
    row: &'a SheetRow<'r>,
    /// The columns of which it is not known what they say in this row: what would follow from their being empty is not told.
    unknown: Vec<String>,
    faults: Vec<Violation>,
}

impl<'a, 'r> Cells<'a, 'r> {
    fn of(row: &'a SheetRow<'r>) -> Self {
        let faults = row.faults();
        let unreadable = faults.iter().filter_map(|fault| fault.column.clone());
        let unknown = unreadable.chain(row.unknown().into_iter().map(str::to_owned)).collect();
        Self { row, unknown, faults }
    }

    /// Whether the row holds nothing but what stands in columns without a heading.
    fn are_notes(&self) -> bool {
        !self.faults.is_empty()
            && self.unknown.is_empty()
            && READING_COLUMNS.iter().chain(TARGET_COLUMNS).all(|column| self.row.cell(column).is_none())
    }

    /// Those of some columns that the row says something of.
    fn given(&self, columns: &[&'static str]) -> Given {
        Given::among(columns, |column| self.row.gives(column))
    }

    fn is_unknown(&self, column: &str) -> bool {
        self.unknown.iter().any(|unknown| unknown == column) || self.row.may_be_misnamed(column)
    }

    fn fault(&mut self, column: &'static str, code: &'static str, detail: String) {
        self.faults.push(Violation::in_cell(self.row.number, Some(column), code, detail));
    }

    /// Tells that a cell cannot be read.
    fn unreadable(&mut self, column: &'static str, code: &'static str, detail: String) {
        self.unknown.push(column.to_owned());
        self.fault(column, code, detail);
    }

    /// Takes in what is wrong with what was read, each at its cell: the pointer's first member is the column. What only
    /// follows from a cell's not being known is not told.
    fn take_in(&mut self, invalid: Invalid) {
        for violation in invalid.into_violations() {
            let pointer = violation.pointer.as_deref();
            let column = pointer.and_then(|pointer| pointer.split('/').nth(1)).unwrap_or_default().to_owned();
            let follows = match (violation.code, column.as_str()) {
                ("missing", "value") => {
                    ["value", "numerator", "denominator", "nil_return", "status", "low", "high", "state"]
                        .iter()
                        .any(|column| self.is_unknown(column))
                }
                ("reason_needed", _) => !self.unknown.is_empty() || self.is_unknown(&column),
                _ => self.is_unknown(&column),
            };
            if !follows {
                let row = Some(self.row.number);
                self.faults.push(Violation { pointer: None, row, column: Some(column), ..violation });
            }
        }
    }

    /// The words in a cell that must not be empty.
    fn needed(&mut self, column: &'static str, detail: &str) -> Option<&'a str> {
        let text = self.row.cell(column);
        if text.is_none() && !self.is_unknown(column) {
            self.fault(column, "missing", detail.to_owned());
        }
        text
    }

    /// The period, read as that KPI's periods are.
    fn period(&mut self, read: impl Fn(&str) -> Result<Option<Period>, PeriodError>) -> Option<Period> {
        let text = self.needed("period", "name the period, such as 2009/10 Q1")?;
        let mut error = match read(text) {
            Ok(period) => return period,
            Err(error) => error,
        };
        // Spreadsheets make a day of a month that is typed into them, and of a year such as 2009-10.
        let day = text.parse::<NaiveDate>().ok().filter(|day| day.day() == 1);
        match day.map(|day| read(&day.format("%Y-%m").to_string())) {
            Some(Ok(period)) if period.is_none_or(|period| period.kind() == PeriodKind::Month) => return period,
            Some(Err(ambiguous @ PeriodError::Ambiguous(_))) => error = ambiguous,
            _ => {}
        }
        let mut detail = format!("`{text}` {error}");
        if let PeriodError::Ambiguous(periods) = &error {
            if let Some(period) = self.period_beside(periods) {
                return Some(period);
            }
            if day.is_some() {
                detail.push_str("; set the cell's number format to Text before you write it");
            }
        }
        self.unreadable("period", error.code(), detail);
        None
    }

    /// The one of these periods that the columns beside it name: a table that was fetched has them, and can be sent back as
    /// it is.
    fn period_beside(&self, periods: &[Period]) -> Option<Period> {
        let said = ["period_label", "period_start", "period_end"].map(|heading| self.row.under(heading));
        let agrees = |period: &&Period| {
            let is = [period.label(), period.start().to_string(), period.end().to_string()];
            is.iter().zip(said).all(|(is, said)| said.is_none_or(|said| said == is))
        };
        let mut found = periods.iter().filter(agrees);
        let first = found.next().filter(|_| said.iter().any(Option::is_some))?;
        found.next().is_none().then_some(*first)
    }

    fn text(&mut self, column: &'static str) -> Option<String> {
        self.row.text(column).map(str::to_owned)
    }

    /// A figure that may be one that this service or a spreadsheet computed to more digits than can be posted, where what it
    /// follows from stands beside it. Of a standardised KPI it follows from nothing.
    fn computed_or_given(&mut self, column: &'static str, of: FigureOf<'_>) -> Option<Figure> {
        let fraction = self.row.cell("numerator").is_some() && self.row.cell("denominator").is_some();
        let standardised = matches!(of, FigureOf::Kpi(kpi) if kpi.standardised);
        let text = self.bare_figure(column, of).filter(|_| fraction && !standardised);
        text.and_then(|text| Figure::nearest(text, 10)).or_else(|| self.figure(column, of))
    }

    /// The text of a figure; of a cell that shows a percentage by its format without the sign, where it can mean nothing else.
    fn bare_figure(&self, column: &str, of: FigureOf<'_>) -> Option<&'a str> {
        let text = self.row.cell(column)?;
        let percent = without_percent_sign(text, of).filter(|_| self.row.is_percent_cell(column));
        Some(percent.unwrap_or(text))
    }

    /// Tells of half a fraction that cannot be read that the other half is missing.
    fn check_fraction(&mut self) {
        for (one, other, detail) in
            [("numerator", "denominator", DENOMINATOR_NEEDED), ("denominator", "numerator", NUMERATOR_NEEDED)]
        {
            let given = self.row.cell(one).is_some() && self.is_unknown(one);
            if given && self.row.cell(other).is_none() && !self.is_unknown(other) {
                self.unreadable(other, "missing", detail.to_owned());
            }
        }
    }

    fn read<T: FromStr>(&mut self, column: &'static str) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        self.read_as(column, str::parse)
    }

    /// One of some names, in small or capital letters and with blanks or dashes for what joins its words.
    fn name<T: FromStr>(&mut self, column: &'static str) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        self.read_as(column, |text| fold(text).parse())
    }

    /// The status that a partner determined; where none may be given, whatever is there is refused as one.
    fn status(&mut self, may_be_given: bool) -> Option<Status> {
        if !may_be_given {
            return self.row.cell("status").map(|_| Status::NotAssessed);
        }
        self.read_as("status", |text| {
            let status = fold(text).parse().ok();
            status.ok_or("is no status; a partner determines on_track, at_risk or off_track")
        })
    }

    fn read_as<T, E: std::fmt::Display>(
        &mut self,
        column: &'static str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.row.cell(column)?;
        match read(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.unreadable(column, "not_readable", format!("`{text}`: {error}"));
                None
            }
        }
    }

    /// The codes of warnings that whoever sent the row stands by.
    fn acknowledged(&mut self) -> Acknowledged {
        let text = self.row.cell("acknowledged").unwrap_or_default();
        text.parse().unwrap_or_else(|unknown: UnknownWarning| {
            self.unreadable("acknowledged", "unknown_code", unknown.to_string());
            Acknowledged::default()
        })
    }

    fn flag(&mut self, column: &'static str) -> bool {
        match self.row.cell(column).map(str::to_lowercase).as_deref() {
            None | Some("false" | "no" | "n" | "0") => false,
            Some("true" | "yes" | "y" | "1") => true,
            Some(other) => {
                let detail = format!("`{other}` is neither yes nor no; write one of them, or true or false");
                self.unreadable(column, "not_a_flag", detail);
                false
            }
        }
    }

    /// A figure; the symbols of statistical tables are known and told apart from slips.
    fn figure(&mut self, column: &'static str, of: FigureOf<'_>) -> Option<Figure> {
        let (text, bare) = (self.row.cell(column)?, self.bare_figure(column, of)?);
        let (code, detail) = match text {
            "c" => ("symbol_not_a_figure", "`c` marks a suppressed figure, and here the figure itself is wanted; those who may not see it will not".to_owned()),
            "x" => ("symbol_not_a_figure", "`x` marks a figure that is not available (in tables of 2009 it meant suppressed); give the figure, or say in nil_return why there is none".to_owned()),
            "z" => ("symbol_not_a_figure", "`z` marks a figure that does not apply; leave the row out, or say in nil_return why there is no figure".to_owned()),
            ":" | ".." | "-" | "n/a" | "N/A" => ("symbol_not_a_figure", format!("`{text}` is no figure; leave the cell empty and say in nil_return why there is none")),
            _ => match bare.parse::<Figure>() {
                Ok(figure) => return Some(figure),
                Err(error) => {
                    let format = if self.row.is_percent_cell(column) { SET_TO_GENERAL } else { "" };
                    (error.code(), format!("`{text}` {error}{}{format}", advice(text, of)))
                }
            },
        };
        self.unreadable(column, code, detail);
        None
    }
}
