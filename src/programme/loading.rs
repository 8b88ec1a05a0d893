//! A whole plan from a folder of CSV files a person can maintain: definitions once, then targets and readings file by
//! file, each as if it had been imported on the day in its name.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use include_dir::{Dir, include_dir};
use serde_json::{Map, Value, json};

use crate::clock::Clock;
use crate::domain::dimension::Dimension;
use crate::domain::ids::PlanCode;
use crate::domain::invalid::Violation;
use crate::domain::plan::{Organisation, OutcomeArea, Priority, SubGroup};
use crate::domain::round::Round;
use crate::exchange::sheet::{Headings, Sheet, SheetRow};

use super::defining::Defined;
use super::importing::{ImportKind, Outcome};
use super::telling::{Deed, Named};
use super::{Principal, Programme, Refusal};

/// The Harrow plan, which is part of the program. Its figures are invented for illustration.
static HARROW: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/harrow");

/// The folder of what people did, a file a day.
const STORY: &str = "story";

/// A folder with a plan in it.
#[derive(Clone, Debug)]
pub enum Folder {
    /// The Harrow plan that comes with the program.
    Harrow,
    /// A folder on disk.
    Disk(PathBuf),
}

/// Why a folder could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error("{file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// The reason.
        why: String,
    },
    /// A row of a file is wrong.
    #[error("{file}, row {row}: {why}")]
    Wrong {
        /// The file.
        file: String,
        /// The row, the header being 1.
        row: u64,
        /// Everything that is wrong with it.
        why: String,
    },
    /// A file of targets or readings has wrong cells.
    #[error("{file}: {count} things are wrong; the first: {first}")]
    Rejected {
        /// The file.
        file: String,
        /// How many.
        count: u64,
        /// The first of them.
        first: String,
    },
}

impl Folder {
    /// The text of a file.
    fn text(&self, name: &str) -> Result<String, LoadError> {
        let unreadable = |why: String| LoadError::Unreadable { file: name.to_owned(), why };
        match self {
            Self::Harrow => {
                let file = HARROW.get_file(name).and_then(include_dir::File::contents_utf8);
                file.map(str::to_owned).ok_or_else(|| unreadable("is not there".to_owned()))
            }
            Self::Disk(path) => std::fs::read_to_string(path.join(name)).map_err(|error| unreadable(error.to_string())),
        }
    }

    /// Whether it has a file.
    fn has(&self, name: &str) -> bool {
        match self {
            Self::Harrow => HARROW.contains(name),
            Self::Disk(path) => path.join(name).exists(),
        }
    }

    /// The dated files: the day in each name, and what it holds.
    fn dated(&self) -> Result<BTreeSet<(NaiveDate, &'static str)>, LoadError> {
        let mut found = BTreeSet::new();
        // Sorted by name within a day: what people did about its figures comes after them.
        for kind in ["targets", "readings", STORY] {
            let names: Vec<String> = match self {
                Self::Harrow => {
                    let files = HARROW.get_dir(kind).into_iter().flat_map(Dir::files);
                    files.filter_map(|file| Some(file.path().file_name()?.to_str()?.to_owned())).collect()
                }
                Self::Disk(path) => names_in(&path.join(kind))?,
            };
            for name in names {
                let day =
                    name.strip_suffix(if kind == STORY { ".json" } else { ".csv" }).and_then(|day| day.parse().ok());
                let day = day.ok_or_else(|| LoadError::Unreadable {
                    file: format!("{kind}/{name}"),
                    why: "is not named after a day, as in 2009-07-30.csv".to_owned(),
                })?;
                found.insert((day, kind));
            }
        }
        Ok(found)
    }
}

fn names_in(folder: &Path) -> Result<Vec<String>, LoadError> {
    let unreadable =
        |error: std::io::Error| LoadError::Unreadable { file: folder.display().to_string(), why: error.to_string() };
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries: Vec<_> =
        std::fs::read_dir(folder).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)?;
    Ok(entries.into_iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

/// How the cells of a column stand in a definition.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Number,
    Flag,
    List,
    Numbers,
}

type Columns = &'static [(&'static str, Shape)];

const ORGANISATIONS: Columns = &[("code", Shape::Text), ("title", Shape::Text), ("kind", Shape::Text)];
const AREAS: Columns = &[("code", Shape::Text), ("title", Shape::Text), ("position", Shape::Number)];
const SUB_GROUPS: Columns = &[
    ("code", Shape::Text),
    ("title", Shape::Text),
    ("lead_organisation", Shape::Text),
    ("outcome_areas", Shape::List),
];
const PRIORITIES: Columns =
    &[("code", Shape::Text), ("title", Shape::Text), ("outcome_area", Shape::Text), ("position", Shape::Number)];
const PLAN: Columns = &[
    ("code", Shape::Text),
    ("title", Shape::Text),
    ("starts_on", Shape::Text),
    ("ends_on", Shape::Text),
    ("description", Shape::Text),
    ("visibility", Shape::Text),
    ("policy", Shape::Text),
    ("small_number_threshold", Shape::Number),
];
const DIMENSIONS: Columns = &[
    ("dimension", Shape::Text),
    ("title", Shape::Text),
    ("complete", Shape::Flag),
    ("group", Shape::Text),
    ("group_title", Shape::Text),
];
const ROUNDS: Columns =
    &[("period", Shape::Text), ("opens", Shape::Text), ("due", Shape::Text), ("closes", Shape::Text)];
const GRANTS: Columns =
    &[("subject", Shape::Text), ("role", Shape::Text), ("outcome_areas", Shape::List), ("organisation", Shape::Text)];
const KPIS: Columns = &[
    ("code", Shape::Text),
    ("title", Shape::Text),
    ("priority", Shape::Text),
    ("definition", Shape::Text),
    ("national_indicator", Shape::Text),
    ("unit", Shape::Text),
    ("multiplier", Shape::Number),
    ("decimals", Shape::Number),
    ("polarity", Shape::Text),
    ("frequency", Shape::Text),
    ("calendar", Shape::Text),
    ("aggregation", Shape::Text),
    ("profile", Shape::Text),
    ("weights", Shape::Numbers),
    ("baseline_period", Shape::Text),
    ("baseline_value", Shape::Number),
    ("steady_margin", Shape::Number),
    ("valid_min", Shape::Number),
    ("valid_max", Shape::Number),
    ("collection_lag_days", Shape::Number),
    ("lead_organisation", Shape::Text),
    ("contributors", Shape::List),
    ("source", Shape::Text),
    ("sensitive", Shape::Flag),
    ("numbers_checked", Shape::Flag),
    ("standardised", Shape::Flag),
    ("publication", Shape::Text),
    ("policy", Shape::Text),
    ("tolerance_kind", Shape::Text),
    ("tolerance_value", Shape::Number),
    ("in_force_from", Shape::Text),
    ("in_force_to", Shape::Text),
    ("formula", Shape::Text),
    ("formula_of", Shape::Text),
    ("formula_group", Shape::Text),
    ("formula_comparator", Shape::Text),
    ("formula_by", Shape::Text),
];

/// The members that a row gives: one for each cell that is filled.
fn members(row: &SheetRow<'_>, columns: Columns) -> Map<String, Value> {
    let number = |text: &str| serde_json::from_str(text).unwrap_or_else(|_no_number| Value::from(text));
    let filled = columns.iter().filter_map(|(name, shape)| Some((*name, *shape, row.cell(name)?)));
    filled
        .map(|(name, shape, text)| {
            let value = match shape {
                Shape::Text => text.into(),
                Shape::Number => number(text),
                Shape::Flag => text.parse::<bool>().map_or_else(|_no_flag| text.into(), Value::from),
                Shape::List => text.split_whitespace().collect(),
                Shape::Numbers => Value::Array(text.split_whitespace().map(number).collect()),
            };
            (name.to_owned(), value)
        })
        .collect()
}

/// Folds the columns of a KPI that belong together into the members that they make.
fn fold_kpi(mut members: Map<String, Value>) -> Map<String, Value> {
    let mut take = |name: &str| members.remove(name);
    let baseline = take("baseline_period").map(|period| json!({"period": period, "value": take("baseline_value")}));
    let tolerance = take("tolerance_kind").map(|kind| json!({"kind": kind, "value": take("tolerance_value")}));
    let parts =
        [("of", "formula_of"), ("group", "formula_group"), ("comparator", "formula_comparator"), ("by", "formula_by")];
    let formula = take("formula").map(|kind| {
        let given = parts.into_iter().filter_map(|(part, column)| Some((part.to_owned(), take(column)?)));
        Value::Object(std::iter::once(("kind".to_owned(), kind)).chain(given).collect())
    });
    for (name, value) in [("baseline", baseline), ("tolerance", tolerance), ("formula", formula)] {
        members.extend(value.map(|value| (name.to_owned(), value)));
    }
    members
}

/// Gathers the rows of each dimension, one a group, into the dimension that they make: the first row says what it is.
fn fold_dimensions(rows: Vec<NumberedRow>) -> Vec<NumberedRow> {
    let mut dimensions: Vec<NumberedRow> = Vec::new();
    for (row, mut members) in rows {
        let mut take = |name: &str| members.remove(name).unwrap_or_default();
        let (code, group) = (take("dimension"), json!({"code": take("group"), "title": take("group_title")}));
        let known = dimensions.iter_mut().find(|(_, known)| known.get("code") == Some(&code));
        if let Some(groups) = known.and_then(|(_, known)| known.get_mut("groups")?.as_array_mut()) {
            groups.push(group);
        } else {
            members.extend([("code".to_owned(), code), ("groups".to_owned(), json!([group]))]);
            dimensions.push((row, members));
        }
    }
    dimensions
}

/// A row's number in its file, and its members.
type NumberedRow = (u64, Map<String, Value>);

/// Goes through a file's rows.
fn rows(folder: &Folder, file: &str, columns: Columns) -> Result<Vec<NumberedRow>, LoadError> {
    let text = folder.text(file)?;
    let known: &'static [&'static str] = columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().leak();
    let wrong = |row, why: String| LoadError::Wrong { file: file.to_owned(), row, why };
    // What a row is about stands in its first column.
    let required = known.get(..1).unwrap_or_default();
    let headings = Headings { known, required, ..Headings::default() };
    let all_of = |faults: &[Violation]| {
        wrong(1, faults.iter().map(|fault| fault.detail.as_str()).collect::<Vec<_>>().join("; "))
    };
    let mut sheet = Sheet::open(text.as_bytes(), headings).map_err(|faults| all_of(&faults))?;
    if !sheet.faults().is_empty() {
        return Err(all_of(sheet.faults()));
    }
    let mut found = Vec::new();
    while let Some(row) = sheet.next() {
        let row = row.map_err(|fault| wrong(fault.violation.row.unwrap_or(0), fault.violation.detail))?;
        if let Some(fault) = row.faults().into_iter().next() {
            return Err(wrong(row.number, fault.detail));
        }
        found.push((row.number, members(&row, columns)));
    }
    Ok(found)
}

/// Goes through the rows of a file that need not be there.
fn optional(folder: &Folder, file: &str, columns: Columns) -> Result<Vec<NumberedRow>, LoadError> {
    if folder.has(file) { rows(folder, file, columns) } else { Ok(Vec::new()) }
}

/// What is heard while a folder is loaded: the file in work, and how many of its rows are done.
pub type Heard<'a> = &'a (dyn Fn(&str, u64) + Send + Sync);

impl Programme {
    /// Loads the plan in a folder, on behalf of an administrator of the service. `clock` is this programme's own: where it
    /// stands, it is set to the day of each file, so that the plan's history is as the files tell it; by a clock that runs, the
    /// figures are taken as of now, and the story is left out.
    ///
    /// # Errors
    /// [`LoadError`], at the first row that is wrong; what was loaded before it stays.
    pub async fn load_folder(
        &self,
        folder: &Folder,
        caller: &Principal,
        clock: &Clock,
        heard: Heard<'_>,
    ) -> Result<PlanCode, LoadError> {
        let dated = folder.dated()?;
        if let Some((first, _)) = dated.first() {
            clock.set(at(*first, 8));
        }
        let plan = self.load_plan(folder, caller).await?;
        self.load_all::<Organisation>(folder, &plan, caller, "organisations.csv", ORGANISATIONS, heard).await?;
        self.load_all::<OutcomeArea>(folder, &plan, caller, "outcome-areas.csv", AREAS, heard).await?;
        self.load_all::<SubGroup>(folder, &plan, caller, "sub-groups.csv", SUB_GROUPS, heard).await?;
        self.load_all::<Priority>(folder, &plan, caller, "priorities.csv", PRIORITIES, heard).await?;
        let dimensions = optional(folder, "dimensions.csv", DIMENSIONS)?;
        self.make_all::<Dimension>(fold_dimensions(dimensions), &plan, caller, "dimensions.csv", heard).await?;
        let mut kpis = rows(folder, "kpis.csv", KPIS)?;
        // A gap needs its source to be there.
        kpis.sort_by_key(|(_, members)| members.contains_key("formula_of"));
        for (done, (row, members)) in (1..).zip(kpis) {
            let made = self.create_kpi(&plan, caller, fold_kpi(members)).await;
            made.map_err(|refusal| refused("kpis.csv", row, &refusal))?;
            heard("kpis.csv", done);
        }
        self.make_all::<Round>(optional(folder, "rounds.csv", ROUNDS)?, &plan, caller, "rounds.csv", heard).await?;
        for (row, members) in optional(folder, "grants.csv", GRANTS)? {
            let given = self.give_grant(&plan, caller, members).await;
            given.map_err(|refusal| refused("grants.csv", row, &refusal))?;
        }
        let mut actions = Named::new();
        for (day, kind) in dated {
            if kind == STORY {
                // What people did on a day cannot be done on another: an action is not due in the past.
                if !clock.stands() {
                    heard("story, which only a clock that is set to its days can tell, left out", 0);
                    continue;
                }
                clock.set(at(day, 16));
                self.retell_day(folder, day, &plan, &mut actions, heard).await?;
                continue;
            }
            clock.set(at(day, 12));
            let file = format!("{kind}/{day}.csv");
            let imported = if kind == "targets" { ImportKind::Targets } else { ImportKind::Readings };
            let outcome = self.import(&plan, caller, imported, on_disk(folder, &file)?, false, |_rows| {}).await;
            let outcome = outcome.map_err(|refusal| refused(&file, 0, &refusal))?;
            heard(&file, outcome.rows);
            accepted(&file, outcome)?;
        }
        Ok(plan)
    }

    /// What people did on a day, in the order of its file.
    async fn retell_day(
        &self,
        folder: &Folder,
        day: NaiveDate,
        plan: &PlanCode,
        actions: &mut Named,
        heard: Heard<'_>,
    ) -> Result<(), LoadError> {
        let file = format!("{STORY}/{day}.json");
        let wrong = |row, why: String| LoadError::Wrong { file: file.clone(), row, why };
        let deeds: Vec<Deed> =
            serde_json::from_str(&folder.text(&file)?).map_err(|error| wrong(0, error.to_string()))?;
        for (done, deed) in (1..).zip(deeds) {
            let told = self.retell(plan, deed, actions).await;
            told.map_err(|refusal| refused(&file, done, &refusal))?;
            heard(&file, done);
        }
        Ok(())
    }

    async fn load_plan(&self, folder: &Folder, caller: &Principal) -> Result<PlanCode, LoadError> {
        let mut plans = rows(folder, "plan.csv", PLAN)?;
        let (Some((row, members)), None) = (plans.pop(), plans.pop()) else {
            let why = "there is one plan in a folder".to_owned();
            return Err(LoadError::Wrong { file: "plan.csv".to_owned(), row: 2, why });
        };
        let plan = self.create_plan(caller, members).await.map_err(|refusal| refused("plan.csv", row, &refusal))?;
        Ok(plan.value.code)
    }

    async fn load_all<D: Defined>(
        &self,
        folder: &Folder,
        plan: &PlanCode,
        caller: &Principal,
        file: &str,
        columns: Columns,
        heard: Heard<'_>,
    ) -> Result<(), LoadError> {
        self.make_all::<D>(rows(folder, file, columns)?, plan, caller, file, heard).await
    }

    async fn make_all<D: Defined>(
        &self,
        rows: Vec<NumberedRow>,
        plan: &PlanCode,
        caller: &Principal,
        file: &str,
        heard: Heard<'_>,
    ) -> Result<(), LoadError> {
        for (done, (row, members)) in (1..).zip(rows) {
            self.create::<D>(plan, caller, members).await.map_err(|refusal| refused(file, row, &refusal))?;
            heard(file, done);
        }
        Ok(())
    }
}

fn at(day: NaiveDate, hour: u32) -> DateTime<Utc> {
    day.and_time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or(NaiveTime::MIN)).and_utc()
}

fn refused(file: &str, row: u64, refusal: &Refusal) -> LoadError {
    let why = match refusal {
        Refusal::Invalid(invalid) => {
            let said = invalid
                .violations()
                .iter()
                .map(|fault| format!("{} ({})", fault.detail, fault.pointer.as_deref().unwrap_or("")));
            said.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    };
    LoadError::Wrong { file: file.to_owned(), row, why }
}

fn accepted(file: &str, outcome: Outcome) -> Result<(), LoadError> {
    let count = outcome.errors.count();
    if count == 0 {
        return Ok(());
    }
    let mut text = String::new();
    let read = outcome.errors.into_reader().and_then(|mut reader| reader.read_to_string(&mut text));
    let faults: Vec<Value> =
        read.ok().and_then(|_length| serde_json::from_str(&format!("[{text}]")).ok()).unwrap_or_default();
    let first = faults.first().map_or_else(String::new, |fault| {
        format!(
            "row {}, {}: {}",
            fault["row"],
            fault["column"].as_str().unwrap_or("the row"),
            fault["detail"].as_str().unwrap_or("")
        )
    });
    Err(LoadError::Rejected { file: file.to_owned(), count, first })
}

/// A file as an import takes it.
fn on_disk(folder: &Folder, name: &str) -> Result<File, LoadError> {
    let unreadable = |error: std::io::Error| LoadError::Unreadable { file: name.to_owned(), why: error.to_string() };
    let text = folder.text(name)?;
    let mut file = tempfile::tempfile().map_err(unreadable)?;
    file.write_all(text.as_bytes()).map_err(unreadable)?;
    file.rewind().map_err(unreadable)?;
    Ok(file)
}
