//! A whole plan from a folder of CSV files that a person can maintain: definitions once, then targets and readings file by
//! file, each as if it had been imported on the day in its name.
//!
//! A folder is loaded in one transaction ([`waymark_store::Store::begin`]): every file is gone through, all that is
//! wrong is said at once, and nothing is saved if anything is. A definition that is wrong is left out while the others
//! are checked; what only follows from its not being there is not said. Which files and columns there are is defined in
//! [`crate::folder::files`].

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::clock::Clock;
use waymark_domain::benchmark::ComparatorGroup;
use waymark_domain::dimension::Dimension;
use waymark_domain::document::{Document, patch_between};
use waymark_domain::ids::{KpiCode, PlanCode};
use waymark_domain::invalid::{Invalid, Violation};
use waymark_domain::kpi::Kpi;
use waymark_domain::period::Period;
use waymark_domain::plan::{Organisation, OutcomeArea, Priority, SubGroup};
use waymark_domain::policy::{Policy, shipped};
use waymark_domain::round::Round;
use waymark_domain::warning::{Warning, WarningCode};
use waymark_domain::wording::nearest;
use waymark_domain::wording::{io_fault, json_fault, misfit, things_wrong};
use waymark_exchange::sheet::{Columns, Upload};
use waymark_exchange::spool::Spool;
use waymark_store::{Conflict, StoreError, new_id};

use crate::caller::precondition::Precondition;
use crate::definitions::Defined;
use crate::figures::columns::ImportKind;
use crate::folder::files::{Entry, FILES, FolderFile, FolderRow, STORY};
use crate::folder::story::{Deed, Named};
use crate::{Principal, Programme, Refusal};

/// The Harrow plan, which is part of the program. Its figures are invented for illustration.
static HARROW: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../fixtures/harrow");

/// A folder with a plan in it.
#[derive(Clone, Debug)]
pub enum Folder {
    /// The Harrow plan that comes with the program.
    Harrow,
    /// A folder on disk.
    Disk(PathBuf),
}

/// Whether what is loaded stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// All of it, if nothing is wrong.
    Everything,
    /// Nothing: it is only tried.
    Nothing,
}

/// What was loaded.
#[derive(Debug)]
pub struct Loaded {
    /// The plan.
    pub plan: PlanCode,
    /// The files, with how many rows or deeds of each were read, in the order they were.
    pub files: Vec<(String, u64)>,
    /// What anyone who loaded it should know.
    pub notes: Vec<String>,
    /// What to check in the files of targets and readings, though it was accepted.
    pub warnings: FolderFaults,
}

/// One thing that is wrong in a folder, or that should be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderFault {
    /// The file, such as `kpis.csv` or `readings/2009-07-30.csv`.
    pub file: String,
    /// The row, the header being 1; in a story the place of the deed, from 1.
    pub row: Option<u64>,
    /// The column's heading.
    pub column: Option<String>,
    /// The cell as a spreadsheet names it.
    pub cell: Option<String>,
    /// What sort of fault it is.
    pub code: String,
    /// What is wrong and what to do.
    pub detail: String,
}

impl std::fmt::Display for FolderFault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}", self.file)?;
        if let Some(row) = self.row {
            write!(out, ", row {row}")?;
        }
        if let Some(column) = &self.column {
            write!(out, ", {column}")?;
        }
        if let Some(cell) = &self.cell {
            write!(out, " ({cell})")?;
        }
        write!(out, ": {} [{}]", self.detail, self.code)
    }
}

/// Everything that is wrong in a folder, or that should be looked at, in the order of its files; past a mebibyte it is on disk.
#[derive(Debug, Default)]
pub struct FolderFaults(Spool);

impl FolderFaults {
    /// How many things there are.
    pub fn count(&self) -> u64 {
        self.0.count()
    }

    /// Gives them one by one.
    ///
    /// # Errors
    /// If the disk cannot be read; and the first error that `visit` gives.
    pub fn each(&mut self, visit: impl FnMut(FolderFault) -> io::Result<()>) -> io::Result<()> {
        self.0.each(visit)
    }
}

/// Why a folder could not be loaded. Nothing was saved.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Something in it is wrong.
    #[error("{}, and nothing was saved", things_wrong(.0.count()))]
    Faulty(Box<FolderFaults>),
    /// A file cannot be read.
    #[error("{file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// The reason.
        why: String,
    },
    /// The caller may not load a plan, or the database fails.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl From<StoreError> for LoadError {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

fn unreadable(file: &str, error: &io::Error) -> LoadError {
    LoadError::Unreadable { file: file.to_owned(), why: io_fault(error) }
}

/// The kinds of file that are named after a day, in the order of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dated {
    Kpis,
    Targets,
    Readings,
    /// What people did about the figures comes after them.
    Story,
}

impl Dated {
    const ALL: [Self; 4] = [Self::Kpis, Self::Targets, Self::Readings, Self::Story];

    fn folder(self) -> &'static str {
        match self {
            Self::Kpis => "kpis",
            Self::Targets => "targets",
            Self::Readings => "readings",
            Self::Story => STORY,
        }
    }

    fn ending(self) -> &'static str {
        if self == Self::Story { ".json" } else { ".csv" }
    }

    fn file(self, day: NaiveDate) -> String {
        format!("{}/{day}{}", self.folder(), self.ending())
    }
}

impl Folder {
    /// A file as an import takes it; `None` if there is none.
    fn open(&self, name: &str) -> Result<Option<File>, LoadError> {
        match self {
            Self::Harrow => {
                let Some(content) = HARROW.get_file(name).map(include_dir::File::contents) else { return Ok(None) };
                let on_disk = || {
                    let mut file = tempfile::tempfile()?;
                    file.write_all(content)?;
                    file.rewind()?;
                    Ok(file)
                };
                on_disk().map(Some).map_err(|error| unreadable(name, &error))
            }
            Self::Disk(path) => match File::open(path.join(name)) {
                Ok(file) => Ok(Some(file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(unreadable(name, &error)),
            },
        }
    }

    /// The names in a folder within it: of files, and of folders with a stroke behind; none if there is no such folder.
    fn names(&self, within: &str) -> Result<Vec<String>, LoadError> {
        let mut names = match self {
            Self::Harrow => {
                let dir = if within.is_empty() { Some(&HARROW) } else { HARROW.get_dir(within) };
                let entries = dir.into_iter().flat_map(Dir::entries);
                let name = |entry: &include_dir::DirEntry<'_>| {
                    let name = entry.path().file_name()?.to_str()?.to_owned();
                    Some(if entry.as_dir().is_some() { name + "/" } else { name })
                };
                entries.filter_map(name).collect()
            }
            Self::Disk(path) => names_in(&path.join(within))
                .map_err(|error| unreadable(if within.is_empty() { "the folder" } else { within }, &error))?,
        };
        names.sort_unstable();
        // Whatever an editor or a file manager left there.
        names.retain(|name| !name.starts_with(['.', '~']));
        Ok(names)
    }
}

fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(folder)?.map(|entry| {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        Ok(if entry.path().is_dir() { name + "/" } else { name })
    });
    entries.collect()
}

/// What is heard while a folder is loaded: the file in work, and how many of its rows are done.
pub type Heard<'a> = &'a (dyn Fn(&str, u64) + Send + Sync);

impl Programme {
    /// Loads the plan in a folder, on behalf of an administrator of the service, as [`Programme::fill_from`] does, in a
    /// transaction of its own: all of it, or nothing.
    ///
    /// # Errors
    /// As [`Programme::fill_from`].
    pub async fn load_folder(
        &self,
        folder: &Folder,
        code: Option<&PlanCode>,
        caller: &Principal,
        clock: &Clock,
        keep: Keep,
        heard: Heard<'_>,
    ) -> Result<Loaded, LoadError> {
        let transaction = self.store.begin().await?;
        let within = Self::new(transaction.store().clone(), clock.clone());
        let loaded = within.fill_from(folder, code, caller, clock, heard).await?;
        if keep == Keep::Everything {
            transaction.commit().await?;
        }
        Ok(loaded)
    }

    /// Loads the plan in a folder into this programme's database, as `code` if one is given and not as its own file
    /// says. For a programme over one transaction ([`Store::begin`](waymark_store::Store::begin)): if this fails, part
    /// of the plan is there.
    ///
    /// `clock` is this programme's own: if it stands still, it is set to the day of each file, so that the plan's
    /// history is as the files state it; by a clock that runs, the figures are taken as of now, and the story is left
    /// out.
    ///
    /// # Errors
    /// [`LoadError::Faulty`] with everything that is wrong in all files.
    pub async fn fill_from(
        &self,
        folder: &Folder,
        code: Option<&PlanCode>,
        caller: &Principal,
        clock: &Clock,
        heard: Heard<'_>,
    ) -> Result<Loaded, LoadError> {
        let mut loading = Loading {
            programme: self,
            folder,
            caller,
            clock,
            heard,
            plan: stand_in_code(clock.now())?,
            faults: FolderFaults::default(),
            warnings: FolderFaults::default(),
            wrong: BTreeSet::new(),
            archived: Vec::new(),
            files: Vec::new(),
            notes: Vec::new(),
        };
        let dated = loading.files()?;
        if let Some((first, _)) = dated.first() {
            clock.set(at(*first, 8));
        }
        let policy = loading.plan(code).await?;
        loading.definitions(policy).await?;
        let mut actions = Named::new();
        for (day, kind) in dated {
            clock.set(at(day, if kind == Dated::Story { 16 } else { 12 }));
            match kind {
                Dated::Kpis => loading.later_kpis(day).await?,
                Dated::Targets => loading.import(ImportKind::Targets, &kind.file(day)).await?,
                Dated::Readings => loading.import(ImportKind::Readings, &kind.file(day)).await?,
                Dated::Story => loading.story(day, &mut actions).await?,
            }
        }
        loading.archive().await?;
        if loading.faults.count() > 0 {
            return Err(LoadError::Faulty(Box::new(loading.faults)));
        }
        let Loading { plan, files, notes, warnings, .. } = loading;
        Ok(Loaded { plan, files, notes, warnings })
    }
}

/// The members of a definition without those that are wrong.
fn without_faults(mut members: Map<String, Value>, invalid: &Invalid) -> Map<String, Value> {
    for fault in invalid.violations() {
        let Some(name) = fault.pointer.as_deref().and_then(|pointer| pointer.split('/').nth(1)) else { continue };
        members.remove(name);
        if name == "title" {
            members.insert(name.to_owned(), "Checking".into());
        }
    }
    members
}

fn at(day: NaiveDate, hour: u32) -> DateTime<Utc> {
    day.and_time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or(NaiveTime::MIN)).and_utc()
}

/// The code of the plan that the other files are checked against if plan.csv itself is wrong. It is never saved.
fn stand_in_code(now: DateTime<Utc>) -> Result<PlanCode, LoadError> {
    let code = format!("checking-{}", new_id(now).simple());
    code.parse().map_err(|error| LoadError::Unreadable { file: "plan.csv".to_owned(), why: format!("{error}") })
}

/// A folder on its way into a plan.
struct Loading<'a> {
    programme: &'a Programme,
    folder: &'a Folder,
    caller: &'a Principal,
    clock: &'a Clock,
    heard: Heard<'a>,
    plan: PlanCode,
    faults: FolderFaults,
    warnings: FolderFaults,
    /// The codes of definitions that are wrong and were left out: what names one of them is not to blame for that.
    wrong: BTreeSet<String>,
    /// The KPIs to be archived once their figures are there.
    archived: Vec<KpiCode>,
    files: Vec<(String, u64)>,
    notes: Vec<String>,
}

/// A file of definitions that was read.
struct Read {
    file: &'static FolderFile,
    name: String,
    entries: Vec<Entry>,
    columns: Columns,
}

impl Loading<'_> {
    fn fault(&mut self, file: &str, violation: Violation) -> Result<(), LoadError> {
        let Violation { row, column, cell, code, detail, .. } = violation;
        let fault = FolderFault { file: file.to_owned(), row, column, cell, code: code.to_owned(), detail };
        self.faults.0.push(&fault).map_err(|error| unreadable(file, &error))
    }

    /// A fault that is about a file as a whole.
    fn file_fault(&mut self, file: &str, code: &'static str, detail: String) -> Result<(), LoadError> {
        self.fault(file, Violation { pointer: None, row: None, column: None, cell: None, code, detail })
    }

    fn warn(&mut self, file: &str, warning: Warning) -> Result<(), LoadError> {
        let Warning { row, column, cell, code, detail, .. } = warning;
        let told = FolderFault { file: file.to_owned(), row, column, cell, code: code.as_str().to_owned(), detail };
        self.warnings.0.push(&told).map_err(|error| unreadable(file, &error))
    }

    /// The files that are named after a day; and a word on those that are not read.
    fn files(&mut self) -> Result<BTreeSet<(NaiveDate, Dated)>, LoadError> {
        let days: Vec<String> = Dated::ALL.iter().map(|kind| format!("{}/", kind.folder())).collect();
        let known = FILES.all().map(|file| file.name);
        let known: Vec<&str> =
            known.into_iter().filter(|name| !name.contains('/')).chain(days.iter().map(String::as_str)).collect();
        for name in self.folder.names("")? {
            let looks_read =
                name.ends_with('/') || [".csv", ".json", ".xlsx"].iter().any(|end| name.to_lowercase().ends_with(end));
            if known.contains(&name.as_str()) || !looks_read {
                continue;
            }
            let hint = nearest(&name, known.iter().copied())
                .map_or_else(String::new, |near| format!(" Is it meant to be `{near}`?"));
            let detail = format!(
                "this is not one of the files of a plan, and would not be read; rename it, or remove it from the folder.{hint}"
            );
            self.file_fault(&name, "unknown_file", detail)?;
        }
        for file in FILES.all().into_iter().filter(|file| file.needed) {
            if self.folder.open(file.name)?.is_none() {
                self.file_fault(file.name, "missing_file", format!("the folder has no {}, and needs one", file.name))?;
            }
        }
        let mut found = BTreeSet::new();
        for kind in Dated::ALL {
            for name in self.folder.names(kind.folder())? {
                if let Some(day) = name.strip_suffix(kind.ending()).and_then(|day| day.parse().ok()) {
                    found.insert((day, kind));
                } else {
                    let detail = format!("it is not named after a day, as in 2009-07-30{}", kind.ending());
                    self.file_fault(&format!("{}/{name}", kind.folder()), "not_a_day", detail)?;
                }
            }
        }
        Ok(found)
    }

    /// Reads a file of definitions; nothing if it is not there.
    fn read(&mut self, file: &'static FolderFile, name: &str) -> Result<Option<Read>, LoadError> {
        let Some(opened) = self.folder.open(name)? else { return Ok(None) };
        let upload = Upload::from(opened);
        let mut sheet = match upload.sheet(file.headings()).map_err(|error| unreadable(name, &error))? {
            Ok(sheet) => sheet,
            Err(faults) => {
                faults.into_iter().try_for_each(|fault| self.fault(name, fault))?;
                return Ok(None);
            }
        };
        let columns = sheet.columns().clone();
        for fault in sheet.faults().to_vec() {
            self.fault(name, columns.placed(fault))?;
        }
        for notice in sheet.notices().to_vec() {
            self.warn(name, columns.placed_warning(notice))?;
        }
        let (mut rows, mut faulty) = (Vec::new(), Vec::new());
        while let Some(row) = sheet.next() {
            let row = match row {
                Ok(row) => row,
                Err(fault) => {
                    let last = fault.last;
                    self.fault(name, columns.placed(fault.violation))?;
                    if last {
                        break;
                    }
                    continue;
                }
            };
            let wrong_cells = row.faults();
            for column in file.columns.iter().filter(|column| column.holds_period()) {
                if let Some(detail) = row.text(&column.name).and_then(|text| Period::month_like_years(text.trim())) {
                    let warning = Warning::in_row(row.number, Some(&column.name), WarningCode::ReadAs, detail);
                    self.warn(name, columns.placed_warning(warning))?;
                }
            }
            let cell =
                |column: &str| if file.is_words(column) { row.text(column) } else { row.text(column).map(str::trim) };
            let cells = file.columns.iter().map(|column| cell(&column.name).map(str::to_owned)).collect();
            let read = FolderRow { number: row.number, cells };
            if wrong_cells.is_empty() {
                rows.push(read);
            } else {
                faulty.push(read);
            }
            for fault in wrong_cells {
                self.fault(name, columns.placed(fault))?;
            }
        }
        // What a row with cells that cannot be read would have made is not there, and is not missed.
        for row in faulty {
            self.wrong.extend(row.cells.into_iter().next().flatten());
        }
        self.files.push((name.to_owned(), u64::try_from(rows.len()).unwrap_or(u64::MAX)));
        let (entries, contradictions) = file.entries(rows);
        for told in contradictions {
            let detail = format!(
                "row {} says otherwise of the same; let the rows say the same, or leave the cell empty",
                told.first
            );
            let fault = Violation::in_cell(told.row, Some(&told.column), "contradiction", detail);
            self.fault(name, columns.placed(fault))?;
        }
        Ok(Some(Read { file, name: name.to_owned(), entries, columns }))
    }

    /// Notes what is wrong with a definition, each at its cell.
    fn invalid(&mut self, read: &Read, entry: &Entry, invalid: Invalid) -> Result<(), LoadError> {
        for violation in invalid.into_violations() {
            if self.follows(entry, &violation) {
                continue;
            }
            let (row, column) = read.file.place(entry, violation.pointer.as_deref().unwrap_or_default());
            let fault = Violation { pointer: None, row: Some(row), column, cell: None, ..violation };
            self.fault(&read.name, read.columns.placed(fault))?;
        }
        Ok(())
    }

    /// Whether a fault only follows from another definition's being wrong.
    fn follows(&self, entry: &Entry, violation: &Violation) -> bool {
        let named = || {
            let value = violation.pointer.as_deref().and_then(|pointer| {
                entry.members.get(pointer.split('/').nth(1)?)?;
                Value::Object(entry.members.clone()).pointer(pointer).cloned()
            })?;
            value.as_str().map(|code| self.wrong.contains(code))
        };
        violation.code == "unknown_code" && named().unwrap_or(false)
    }

    /// Makes the plan; a stand-in if its own file is wrong. Gives the policy that it is to have once that is there.
    async fn plan(&mut self, code: Option<&PlanCode>) -> Result<Option<Value>, LoadError> {
        let read = self.read(&FILES.plan, FILES.plan.name)?;
        let mut policy = None;
        if let Some(read) = read {
            match read.entries.as_slice() {
                [entry] => {
                    let mut members = entry.members.clone();
                    let is_shipped =
                        |code: &Value| shipped().iter().any(|known| Some(known.code.as_str()) == code.as_str());
                    policy = members.get("policy").filter(|code| !is_shipped(code)).cloned();
                    if policy.is_some() {
                        members.remove("policy");
                    }
                    if let Some(code) = code {
                        members.insert("code".to_owned(), code.as_str().into());
                    }
                    match self.programme.create_plan(self.caller, members).await {
                        Ok(made) => {
                            (self.heard)(&read.name, 1);
                            if let Some(said) = entry.members.get("code").and_then(Value::as_str)
                                && said != made.value.code.as_str()
                            {
                                self.notes.push(format!(
                                    "plan.csv calls the plan `{said}`; it is loaded as `{}`",
                                    made.value.code
                                ));
                            }
                            self.plan = made.value.code;
                            return Ok(policy);
                        }
                        Err(Refusal::Invalid(invalid)) => self.invalid(&read, entry, invalid)?,
                        Err(Refusal::Store(StoreError::Conflict(Conflict::Plan))) => {
                            let code = code.map(PlanCode::to_string);
                            let code = code.or_else(|| Some(entry.members.get("code")?.as_str()?.to_owned()));
                            let code = code.unwrap_or_default();
                            let detail = format!(
                                "there is a plan `{code}` already; load this one under another code with --plan CODE, or remove that one with `waymark plan remove {code}`"
                            );
                            let row = entry.rows.first().copied().unwrap_or_default();
                            let fault = Violation::in_cell(row, Some("code"), "plan_is_there", detail);
                            self.fault(&read.name, read.columns.placed(fault))?;
                        }
                        Err(other) => return Err(other.into()),
                    }
                }
                entries => {
                    let row = entries.get(1).and_then(|entry| entry.rows.first().copied());
                    let detail = format!("there is one plan in a folder, and {} are here", entries.len());
                    self.fault(&read.name, Violation::in_cell(row.unwrap_or(2), None, "not_one_plan", detail))?;
                }
            }
        }
        self.stand_in().await?;
        Ok(policy)
    }

    /// Makes a plan to check the other files against, of which nothing is saved.
    async fn stand_in(&mut self) -> Result<(), LoadError> {
        let terms = json!({"code": self.plan, "title": "Checking", "starts_on": "1900-01-01", "ends_on": "2199-12-31"});
        let members = terms.as_object().cloned().unwrap_or_default();
        self.programme.create_plan(self.caller, members).await?;
        Ok(())
    }

    /// Makes everything that the other files define.
    async fn definitions(&mut self, policy: Option<Value>) -> Result<(), LoadError> {
        for kind in [Kind::Organisation, Kind::Area, Kind::SubGroup, Kind::Priority, Kind::Policy] {
            self.make(kind).await?;
        }
        if let Some(policy) = policy {
            self.plan_policy(policy).await?;
        }
        for kind in [Kind::Dimension, Kind::Kpi, Kind::Round, Kind::Comparator, Kind::Benchmark, Kind::Grant] {
            self.make(kind).await?;
        }
        Ok(())
    }

    /// Gives the plan a policy of its own.
    async fn plan_policy(&mut self, policy: Value) -> Result<(), LoadError> {
        let is_wrong = policy.as_str().is_some_and(|code| self.wrong.contains(code));
        let patch = Map::from_iter([("policy".to_owned(), policy)]);
        match self.programme.update_plan(&self.plan, self.caller, patch, Precondition::Any).await {
            Ok(_) => Ok(()),
            Err(Refusal::Invalid(_)) if is_wrong => Ok(()),
            Err(Refusal::Invalid(invalid)) => invalid.into_violations().into_iter().try_for_each(|fault| {
                let fault = Violation { pointer: None, row: Some(2), column: Some("policy".to_owned()), ..fault };
                self.fault(FILES.plan.name, fault)
            }),
            Err(other) => Err(other.into()),
        }
    }

    /// Makes what a file defines. What names something that is not there yet is tried again once the others are made: a
    /// gap may be above the KPI that it is computed from.
    async fn make(&mut self, kind: Kind) -> Result<(), LoadError> {
        let file = kind.file();
        let Some(read) = self.read(file, file.name)? else { return Ok(()) };
        let (mut made, mut firsts) = (0, BTreeMap::new());
        let mut waiting: Vec<&Entry> = read.entries.iter().collect();
        while !waiting.is_empty() {
            let tried = waiting.len();
            let mut later = Vec::new();
            for entry in waiting {
                match self.create(kind, entry.members.clone()).await {
                    Ok(()) => {
                        made += 1;
                        firsts
                            .entry(entry.members.get(kind.key()).cloned().unwrap_or_default().to_string())
                            .or_insert(entry);
                        (self.heard)(&read.name, made);
                    }
                    Err(Refusal::Invalid(invalid)) => {
                        if invalid.violations().iter().all(|fault| fault.code == "unknown_code") {
                            later.push((entry, invalid));
                        } else {
                            let sound = without_faults(entry.members.clone(), &invalid);
                            self.invalid(&read, entry, invalid)?;
                            // What can be had of it is made all the same, for the files that name it to be checked.
                            match self.create(kind, sound).await {
                                Ok(()) => {}
                                Err(Refusal::Store(error)) => return Err(error.into()),
                                Err(_) => self.leave_out(kind, entry),
                            }
                        }
                    }
                    Err(Refusal::Conflict(detail)) => {
                        let code = entry.members.get(kind.key()).cloned().unwrap_or_default();
                        let first = firsts.get(&code.to_string()).and_then(|first| first.rows.first());
                        let detail = first.map_or(detail, |first| {
                            let code = code.as_str().map_or_else(|| code.to_string(), str::to_owned);
                            format!("row {first} has `{code}` already; keep one of the two")
                        });
                        let mut invalid = Invalid::new();
                        invalid.at(format!("/{}", kind.key()), "named_twice", detail);
                        self.invalid(&read, entry, invalid)?;
                    }
                    Err(other) => return Err(other.into()),
                }
            }
            if later.len() == tried {
                return self.refuse_all(kind, &read, later);
            }
            waiting = later.into_iter().map(|(entry, _)| entry).collect();
        }
        Ok(())
    }

    /// Notes what is wrong with definitions of which each names something that is not there.
    fn refuse_all(&mut self, kind: Kind, read: &Read, wrong: Vec<(&Entry, Invalid)>) -> Result<(), LoadError> {
        let before = self.faults.count();
        for (entry, _) in &wrong {
            self.leave_out(kind, entry);
        }
        for (entry, invalid) in &wrong {
            self.invalid(read, entry, invalid.clone())?;
        }
        if self.faults.count() == before {
            // They name one another, or what another file got wrong; if nothing else is, it must be said of themselves.
            let blamed = std::mem::take(&mut self.wrong);
            if before == 0 {
                for (entry, invalid) in wrong {
                    self.invalid(read, entry, invalid)?;
                }
            }
            self.wrong = blamed;
        }
        Ok(())
    }

    /// Remembers the codes of a definition that is wrong.
    fn leave_out(&mut self, kind: Kind, entry: &Entry) {
        self.wrong.extend(entry.members.get(kind.key()).and_then(Value::as_str).map(str::to_owned));
        let items = entry.members.values().filter_map(Value::as_array).flatten();
        let codes: Vec<String> = items.filter_map(|item| Some(item.get("code")?.as_str()?.to_owned())).collect();
        self.wrong.extend(codes);
    }

    /// Makes one thing.
    async fn create(&mut self, kind: Kind, mut members: Map<String, Value>) -> Result<(), Refusal> {
        let (programme, plan, caller) = (self.programme, &self.plan, self.caller);
        match kind {
            Kind::Organisation => programme.create::<Organisation>(plan, caller, members).await.map(drop),
            Kind::Area => programme.create::<OutcomeArea>(plan, caller, members).await.map(drop),
            Kind::SubGroup => programme.create::<SubGroup>(plan, caller, members).await.map(drop),
            Kind::Priority => programme.create::<Priority>(plan, caller, members).await.map(drop),
            Kind::Dimension => programme.create::<Dimension>(plan, caller, members).await.map(drop),
            Kind::Round => programme.create::<Round>(plan, caller, members).await.map(drop),
            Kind::Comparator => programme.create::<ComparatorGroup>(plan, caller, members).await.map(drop),
            Kind::Grant => programme.give_grant(plan, caller, members).await.map(drop),
            Kind::Policy => self.create_policy(members).await,
            Kind::Kpi => {
                let archived = members.remove("archived");
                let made = match archived {
                    None | Some(Value::Bool(_)) => programme.create_kpi(plan, caller, members).await?,
                    Some(_) => {
                        let detail = "write true or false".to_owned();
                        return Err(Violation::at("/archived", "not_a_flag", detail).into());
                    }
                };
                if archived == Some(Value::Bool(true)) {
                    self.archived.push(made.value.kpi.code);
                }
                Ok(())
            }
            Kind::Benchmark => {
                let mut text = |name: &str| match members.remove(name) {
                    Some(Value::String(text)) => text,
                    _ => String::new(),
                };
                let (kpi, period) = (text("kpi"), text("period"));
                let unknown = || Violation::at("/kpi", "unknown_code", format!("no KPI is called `{kpi}`"));
                let code: KpiCode = kpi.parse().map_err(|_no_code| unknown())?;
                let put = programme.put_benchmark(plan, caller, &code, &period, members, Precondition::None).await;
                match put {
                    Err(Refusal::NotFound) => Err(unknown().into()),
                    other => other.map(drop),
                }
            }
        }
    }

    /// Makes a policy, or the next version of one that is there: a plan begins with those that are shipped.
    async fn create_policy(&self, members: Map<String, Value>) -> Result<(), Refusal> {
        let policy = Policy::parse(members)?;
        let open = self.programme.open(&self.plan, self.caller).await?;
        let seen = self.programme.seen(&open, self.clock.now()).await?;
        let now = policy.members();
        match seen.all::<Policy>().get(&policy.code) {
            None => self.programme.create::<Policy>(&self.plan, self.caller, now).await.map(drop),
            Some(known) => {
                let patch = patch_between(&known.value.members(), &now);
                let code = &policy.code;
                self.programme.update::<Policy>(&self.plan, self.caller, code, patch, Precondition::Any).await.map(drop)
            }
        }
    }

    /// Changes the definitions of KPIs as they were changed on a day.
    async fn later_kpis(&mut self, day: NaiveDate) -> Result<(), LoadError> {
        let name = Dated::Kpis.file(day);
        let Some(read) = self.read(&FILES.later_kpis, &name)? else { return Ok(()) };
        for (done, entry) in (1..).zip(&read.entries) {
            match self.change_kpi(entry.members.clone()).await {
                Ok(()) => (self.heard)(&name, done),
                Err(Refusal::Invalid(invalid)) => self.invalid(&read, entry, invalid)?,
                Err(Refusal::Conflict(detail)) => {
                    self.invalid(&read, entry, Violation::at("/code", "conflict", detail).into())?;
                }
                Err(other) => return Err(other.into()),
            }
        }
        Ok(())
    }

    async fn change_kpi(&self, members: Map<String, Value>) -> Result<(), Refusal> {
        let kpi = Kpi::parse(members)?;
        let open = self.programme.open(&self.plan, self.caller).await?;
        let picture = self.programme.picture(&open).await?;
        let Some(known) = picture.kpis().get(&kpi.code) else {
            let detail = format!("no KPI is called `{}`; a KPI is first defined in kpis.csv", kpi.code);
            return Err(Violation::at("/code", "unknown_code", detail).into());
        };
        let patch = patch_between(&known.kpi.members(), &kpi.members());
        self.programme.update_kpi(&self.plan, self.caller, &kpi.code, patch, Precondition::Any).await.map(drop)
    }

    /// Archives the KPIs that are to be, the gaps before what they are computed from.
    async fn archive(&mut self) -> Result<(), LoadError> {
        let mut waiting = std::mem::take(&mut self.archived);
        while !waiting.is_empty() {
            let tried = waiting.len();
            let (mut later, mut why) = (Vec::new(), String::new());
            for code in waiting {
                match self.programme.archive_kpi(&self.plan, self.caller, &code, Precondition::Any).await {
                    Ok(()) => {}
                    Err(Refusal::Conflict(detail)) => {
                        why = detail;
                        later.push(code);
                    }
                    Err(other) => return Err(other.into()),
                }
            }
            if later.len() == tried {
                return self.file_fault(FILES.kpis.name, "still_used", why);
            }
            waiting = later;
        }
        Ok(())
    }

    /// Imports a file of targets or readings.
    async fn import(&mut self, kind: ImportKind, name: &str) -> Result<(), LoadError> {
        let open = || self.folder.open(name)?.ok_or_else(|| unreadable(name, &io::ErrorKind::NotFound.into()));
        let imported = self.programme.import(&self.plan, self.caller, kind, open()?, false, |_rows| {}).await;
        let mut outcome = imported?;
        (self.heard)(name, outcome.rows);
        self.files.push((name.to_owned(), outcome.rows));
        let warnings = &mut self.warnings.0;
        let each = outcome.warnings.each(|FileFault { row, column, cell, code, detail }| {
            warnings.push(&FolderFault { file: name.to_owned(), row, column, cell, code, detail })
        });
        each.map_err(|error| unreadable(name, &error))?;
        if outcome.errors.count() == 0 {
            return Ok(());
        }
        let excused = self.rows_of_wrong(kind, open()?, name)?;
        let faults = &mut self.faults.0;
        let each = outcome.errors.each(|fault: FileFault| {
            let names_wrong = fault.row.is_some_and(|row| excused.contains(&row));
            if names_wrong && fault.code == "unknown_code" {
                return Ok(());
            }
            let FileFault { row, column, cell, code, detail } = fault;
            faults.push(&FolderFault { file: name.to_owned(), row, column, cell, code, detail })
        });
        each.map_err(|error| unreadable(name, &error))
    }

    /// The rows of a file that name a KPI or group which is not there because its own definition is wrong.
    fn rows_of_wrong(&self, kind: ImportKind, file: File, name: &str) -> Result<HashSet<u64>, LoadError> {
        let mut rows = HashSet::new();
        if self.wrong.is_empty() {
            return Ok(rows);
        }
        let upload = Upload::from(file);
        let sheet = upload.sheet(kind.headings()).map_err(|error| unreadable(name, &error))?;
        let Ok(mut sheet) = sheet else { return Ok(rows) };
        while let Some(row) = sheet.next() {
            match row {
                Ok(row) => {
                    let mut named = ["kpi", "group"].into_iter().filter_map(|column| row.cell(column));
                    if named.any(|code| self.wrong.contains(code)) {
                        rows.insert(row.number);
                    }
                }
                Err(fault) if fault.last => break,
                Err(_) => {}
            }
        }
        Ok(rows)
    }

    /// What people did on a day, in the order of its file. What is done depends on what was done before: nothing is tried
    /// after the first thing that is wrong.
    async fn story(&mut self, day: NaiveDate, actions: &mut Named) -> Result<(), LoadError> {
        let name = Dated::Story.file(day);
        // What people did on a day cannot be done on another: an action is not due in the past.
        if !self.clock.stands() {
            let note = "the story is left out: only the demo's clock is set to its days".to_owned();
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
            return Ok(());
        }
        let Some(file) = self.folder.open(&name)? else { return Ok(()) };
        let told: Vec<Value> = match serde_json::from_reader(io::BufReader::new(file)) {
            Ok(told) => told,
            Err(error) => {
                return self.file_fault(&name, "not_json", format!("it is no list of deeds: {}", json_fault(&error)));
            }
        };
        let mut deeds = Vec::new();
        for (place, deed) in (1..).zip(told) {
            match serde_json::from_value::<Deed>(deed) {
                Ok(deed) => deeds.push((place, deed)),
                Err(error) => {
                    self.fault(&name, Violation::in_cell(place, None, "not_a_deed", misfit(&error.to_string())))?;
                }
            }
        }
        self.files.push((name.clone(), u64::try_from(deeds.len()).unwrap_or(u64::MAX)));
        for (place, deed) in deeds {
            if self.faults.count() > 0 {
                break;
            }
            match self.programme.retell(&self.plan, deed, actions).await {
                Ok(()) => (self.heard)(&name, place),
                Err(Refusal::Invalid(invalid)) => {
                    for fault in invalid.into_violations() {
                        let detail = format!("{} ({})", fault.detail, fault.pointer.as_deref().unwrap_or_default());
                        self.fault(&name, Violation::in_cell(place, None, fault.code, detail))?;
                    }
                }
                Err(Refusal::Store(error)) => return Err(error.into()),
                Err(other) => self.fault(&name, Violation::in_cell(place, None, "refused", other.to_string()))?,
            }
        }
        Ok(())
    }
}

/// What is wrong with a file of targets or readings, or should be looked at in it, as an import says it.
#[derive(Deserialize)]
struct FileFault {
    row: Option<u64>,
    column: Option<String>,
    cell: Option<String>,
    code: String,
    detail: String,
}

/// The kinds of thing that files define.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Organisation,
    Area,
    SubGroup,
    Priority,
    Policy,
    Dimension,
    Kpi,
    Round,
    Comparator,
    Benchmark,
    Grant,
}

impl Kind {
    fn file(self) -> &'static FolderFile {
        match self {
            Self::Organisation => &FILES.organisations,
            Self::Area => &FILES.areas,
            Self::SubGroup => &FILES.sub_groups,
            Self::Priority => &FILES.priorities,
            Self::Policy => &FILES.policies,
            Self::Dimension => &FILES.dimensions,
            Self::Kpi => &FILES.kpis,
            Self::Round => &FILES.rounds,
            Self::Comparator => &FILES.comparators,
            Self::Benchmark => &FILES.benchmarks,
            Self::Grant => &FILES.grants,
        }
    }

    /// The member that others name it by.
    fn key(self) -> &'static str {
        match self {
            Self::Round => Round::CODE,
            Self::Benchmark => "kpi",
            Self::Grant => "subject",
            _ => "code",
        }
    }
}
