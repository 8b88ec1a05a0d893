//! A plan as a folder that [`crate::folder::load`] reads: every definition, target and figure as it is now.
//!
//! Figures that were reported under earlier definitions come in files of earlier days than those under the present ones, with the
//! change of definition between them, so that what is compared with what stays as it is.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde_json::{Map, Value};

use crate::access::grants::{GrantTerms, must_administer};
use crate::definitions::Defined;
use crate::folder::files::{FILES, FolderFile};
use crate::picture::{KpiPicture, Picture};
use crate::{OpenPlan, Principal, Programme, Refusal};
use waymark_domain::access::Granted;
use waymark_domain::benchmark::ComparatorGroup;
use waymark_domain::dimension::Dimension;
use waymark_domain::document::Document;
use waymark_domain::ids::PlanCode;
use waymark_domain::kpi::Kpi;
use waymark_domain::period::day_in_london;
use waymark_domain::plan::{Organisation, OutcomeArea, Plan, Priority, SubGroup};
use waymark_domain::policy::Policy;
use waymark_domain::reading::ReportedFigure;
use waymark_domain::round::Round;
use waymark_domain::wording::io_fault;
use waymark_exchange::table::{self, CellText};
use waymark_store::readings::{self, ReadingFilter, ReadingRevision};

/// What a folder does not hold of a plan.
pub const NOT_EXPORTED: &str = "Not in the folder: returns and who signed them off, corrective actions, board reports, earlier revisions of figures, targets \
     and definitions, the journal, webhooks, tokens, links and clients.";

/// How many figures are in memory at a time.
const FIGURES_AT_A_TIME: usize = 2_000;

/// What was exported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// The files, with how many rows each has.
    pub files: Vec<(String, u64)>,
    /// What anyone who exported it should know.
    pub notes: Vec<String>,
}

/// Why a plan could not be exported. The folder is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The folder holds something already.
    #[error("{0} is not empty; name a folder that does not exist yet, or an empty one")]
    NotEmpty(PathBuf),
    /// A file cannot be written.
    #[error("{}: {}", .file.display(), io_fault(.why))]
    Unwritable {
        /// The file or folder.
        file: PathBuf,
        /// The reason.
        why: io::Error,
    },
    /// The plan is not the caller's to export, or the database fails.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Programme {
    /// Writes a plan as it is into a folder that does not exist yet or is empty, on behalf of an administrator of the
    /// plan. The folder is there once everything is in it, and opens to its owner alone: a plan's figures are not
    /// everybody's.
    ///
    /// # Errors
    /// [`ExportError`]; the folder is then as it was.
    pub async fn export_folder(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        folder: &Path,
    ) -> Result<Exported, ExportError> {
        let open = self.open(plan, caller).await?;
        must_administer(&open)?;
        let unwritable = |why| ExportError::Unwritable { file: folder.to_owned(), why };
        match std::fs::read_dir(folder) {
            Ok(entries) => {
                if entries.count() > 0 {
                    return Err(ExportError::NotEmpty(folder.to_owned()));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unwritable(error)),
        }
        let beside = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let made = tempfile::Builder::new().prefix(".waymark-export-").tempdir_in(beside).map_err(unwritable)?;
        let picture = self.picture(&open).await?;
        let mut export = Export {
            programme: self,
            open: &open,
            picture: &picture,
            folder: made.path(),
            today: day_in_london(self.clock.now()),
            exported: Exported::default(),
        };
        export.definitions().await?;
        export.targets()?;
        export.readings().await?;
        let exported = export.exported;
        std::fs::rename(made.path(), folder).map_err(unwritable)?;
        // There is nothing left to take away where it was made.
        let _moved = made.keep();
        Ok(exported)
    }
}

/// A plan on its way into a folder.
struct Export<'a> {
    programme: &'a Programme,
    open: &'a OpenPlan,
    picture: &'a Picture,
    folder: &'a Path,
    today: NaiveDate,
    exported: Exported,
}

/// A file that rows are written to.
struct Rows {
    name: String,
    file: &'static FolderFile,
    columns: Vec<table::Field>,
    out: BufWriter<File>,
    count: u64,
}

impl Rows {
    fn write(&mut self, cells: Vec<CellText>) -> io::Result<()> {
        self.count += 1;
        self.out.write_all(&table::row(&self.columns, cells))
    }
}

impl Export<'_> {
    fn begin(&self, file: &'static FolderFile, name: &str) -> Result<Rows, ExportError> {
        let (path, columns) = (self.folder.join(name), file.table());
        let begun = || {
            std::fs::create_dir_all(path.parent().unwrap_or(self.folder))?;
            let mut out = BufWriter::new(File::create(&path)?);
            out.write_all(&table::header(&columns))?;
            Ok(out)
        };
        let out = begun().map_err(|why| ExportError::Unwritable { file: path.clone(), why })?;
        Ok(Rows { name: name.to_owned(), file, columns, out, count: 0 })
    }

    fn end(&mut self, mut rows: Rows) -> Result<(), ExportError> {
        rows.out.flush().map_err(|why| unwritable(&rows.name, why))?;
        self.exported.files.push((rows.name, rows.count));
        Ok(())
    }

    async fn definitions(&mut self) -> Result<(), ExportError> {
        let picture = self.picture;
        let plan = &picture.plan().value;
        if let Some(before) = &plan.predecessor {
            self.exported.notes.push(format!(
                "the plan goes on from `{before}`, which a folder cannot say: loaded again, it has no predecessor"
            ));
        }
        self.write_all::<Plan>(&FILES.plan, [plan])?;
        self.write_kind::<Organisation>(&FILES.organisations)?;
        self.write_kind::<OutcomeArea>(&FILES.areas)?;
        self.write_kind::<SubGroup>(&FILES.sub_groups)?;
        self.write_kind::<Priority>(&FILES.priorities)?;
        self.write_kind::<Policy>(&FILES.policies)?;
        self.write_kind::<Dimension>(&FILES.dimensions)?;
        self.kpis()?;
        self.write_kind::<Round>(&FILES.rounds)?;
        self.write_kind::<ComparatorGroup>(&FILES.comparators)?;
        let mut rows = self.begin(&FILES.benchmarks, FILES.benchmarks.name)?;
        for (key, kept) in picture.benchmarks() {
            let mut members = kept.value.members();
            members.insert("kpi".to_owned(), key.kpi.as_str().into());
            members.insert("period".to_owned(), key.period.to_string().into());
            write_entry(&mut rows, &members)?;
        }
        self.end(rows)?;
        let mut rows = self.begin(&FILES.grants, FILES.grants.name)?;
        for grant in self.programme.list_grants(self.open).await? {
            let Granted { role, outcome_areas, organisation, kpis } = grant.granted;
            let terms = GrantTerms { subject: grant.subject.to_string(), role, outcome_areas, organisation, kpis };
            write_entry(&mut rows, &terms.members())?;
        }
        self.end(rows)
    }

    fn write_kind<D: Defined + PartialEq>(&mut self, file: &'static FolderFile) -> Result<(), ExportError> {
        let picture = self.picture;
        self.write_all(file, D::all(picture).values().map(|kept| &kept.value))
    }

    /// Writes definitions, and notes what of them would not come back as it is.
    fn write_all<'d, D: Document + PartialEq + 'd>(
        &mut self,
        file: &'static FolderFile,
        all: impl IntoIterator<Item = &'d D>,
    ) -> Result<(), ExportError> {
        let mut rows = self.begin(file, file.name)?;
        for one in all {
            let members = one.members();
            write_entry(&mut rows, &members)?;
            self.compare::<D>(file.name, file, &members);
        }
        self.end(rows)
    }

    /// Notes what of a definition would not come back as it is.
    fn compare<D: Document>(&mut self, name: &str, file: &FolderFile, members: &Map<String, Value>) {
        let back = D::parse(file.read_back(file.rows(members))).map(|back| back.members()).unwrap_or_default();
        let code = ["code", "period"].iter().find_map(|key| members.get(*key)?.as_str()).unwrap_or_default();
        for (member, value) in members {
            // The only members that a folder cannot say, and that is said of the plan already.
            if back.get(member) != Some(value) && !matches!(member.as_str(), "predecessor" | "archived") {
                self.exported.notes.push(format!("{name}: `{member}` of `{code}` does not come back as it is"));
            }
        }
    }

    /// How many definitions the KPI with most has had.
    fn stages(&self) -> i32 {
        self.picture.kpis().values().map(|entry| entry.definition_version).max().unwrap_or(1)
    }

    /// The day that stands for a version of definitions: the last is today's.
    fn day_of(&self, version: i32) -> NaiveDate {
        let before = u64::try_from(self.stages().saturating_sub(version)).unwrap_or(0);
        self.today.checked_sub_days(chrono::Days::new(before)).unwrap_or(self.today)
    }

    fn kpis(&mut self) -> Result<(), ExportError> {
        let picture = self.picture;
        let mut rows = self.begin(&FILES.kpis, FILES.kpis.name)?;
        for entry in picture.kpis().values() {
            let mut members = definition_of(entry, 1);
            self.compare::<Kpi>(FILES.kpis.name, &FILES.later_kpis, &members);
            members.insert("archived".to_owned(), entry.archived.into());
            write_entry(&mut rows, &members)?;
        }
        self.end(rows)?;
        for version in 2..=self.stages() {
            let name = format!("kpis/{}.csv", self.day_of(version));
            let mut rows = self.begin(&FILES.later_kpis, &name)?;
            for entry in picture.kpis().values().filter(|entry| entry.definition_version >= version) {
                let members = definition_of(entry, version);
                self.compare::<Kpi>(&name, &FILES.later_kpis, &members);
                write_entry(&mut rows, &members)?;
            }
            self.end(rows)?;
        }
        Ok(())
    }

    fn targets(&mut self) -> Result<(), ExportError> {
        let picture = self.picture;
        let mut rows = self.begin(&FILES.targets, &format!("targets/{}.csv", self.today))?;
        for entry in picture.kpis().values() {
            for (period, target) in &entry.targets {
                let mut members = target.members();
                members.insert("kpi".to_owned(), entry.kpi.code.as_str().into());
                members.insert("period".to_owned(), period.to_string().into());
                write_entry(&mut rows, &members)?;
            }
        }
        self.end(rows)
    }

    /// Writes the figures a few thousand at a time, each to the file of the definition that it was reported under.
    async fn readings(&mut self) -> Result<(), ExportError> {
        let mut files: BTreeMap<i32, Rows> = BTreeMap::new();
        let mut after = None;
        loop {
            let (id, version, key) = (self.open.id, self.open.version, after.clone());
            let limit = crate::rows(FIGURES_AT_A_TIME);
            let page = self.programme.store.read(move |conn| {
                let rows = readings::page(conn, id, &ReadingFilter::default(), Some(version), key.as_ref(), limit)?;
                Ok::<_, Refusal>(rows)
            });
            let page = page.await?;
            let Some(last) = page.last() else { break };
            after = Some(last.reading_key());
            for row in &page {
                let version = row.said.definition_version;
                if let std::collections::btree_map::Entry::Vacant(place) = files.entry(version) {
                    place.insert(self.begin(&FILES.readings, &format!("readings/{}.csv", self.day_of(version)))?);
                }
                if let Some(rows) = files.get_mut(&version) {
                    let entry = self.picture.kpis().get(&row.kpi);
                    let standardised = entry.is_some_and(|entry| entry.defined(version).standardised);
                    write_entry(rows, &members_of(&row.said, standardised))?;
                }
            }
        }
        files.into_values().try_for_each(|rows| self.end(rows))
    }
}

/// A KPI as it was defined in a version. What it names is what it names now: what it named then may be gone.
fn definition_of(entry: &KpiPicture, version: i32) -> Map<String, Value> {
    let (mut members, now) = (entry.defined(version).members(), entry.kpi.members());
    for name in ["priority", "lead_organisation", "contributors", "policy"] {
        members.extend(now.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    members
}

fn unwritable(name: &str, why: io::Error) -> ExportError {
    ExportError::Unwritable { file: PathBuf::from(name), why }
}

fn write_entry(rows: &mut Rows, members: &Map<String, Value>) -> Result<(), ExportError> {
    let file = rows.file;
    let written = file.rows(members).into_iter().try_for_each(|cells| rows.write(cells));
    written.map_err(|why| unwritable(&rows.name, why))
}

/// A figure as it is posted: what is computed from a numerator and a denominator is left to them, unless the KPI was
/// standardised when it was reported.
fn members_of(said: &ReadingRevision, standardised: bool) -> Map<String, Value> {
    let ReportedFigure { value, numerator, acknowledged, .. } = &said.figure;
    let value = value.filter(|_| standardised || numerator.is_none());
    let posted = ReportedFigure { value, ..said.figure.clone() };
    let mut members = posted.members();
    members.retain(|_, value| !value.is_null());
    if acknowledged.is_empty() {
        members.remove("acknowledged");
    } else {
        members.insert("acknowledged".to_owned(), acknowledged.to_string().into());
    }
    members.insert("kpi".to_owned(), said.kpi.as_str().into());
    members.insert("period".to_owned(), said.period.to_string().into());
    members.insert("group".to_owned(), said.group.as_str().into());
    members
}
