//! KPIs: made, changed and archived, and the versions of their definitions.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use waymark_domain::check::check_text;
use waymark_domain::document::{Document, take};
use waymark_domain::ids::{KpiCode, PlanCode, Seq, Subject};
use waymark_domain::invalid::Invalid;
use waymark_domain::kpi::{Formula, Kpi, WORDS};
use waymark_store::definitions;
use waymark_store::journal;
use waymark_store::kinds::DefinitionKind;

use crate::caller::precondition::Precondition;
use crate::definitions::dimensions::refer_group;
use crate::definitions::patched;
use crate::definitions::references::refer;
use crate::picture::{Kept, KpiPicture, KpiRecord, Picture};
use crate::seen::Seen;
use crate::{Pen, Principal, Programme, Refusal};

/// One revision of a KPI's definition.
#[derive(Clone, Debug)]
pub struct KpiVersion {
    /// What it said.
    pub record: KpiRecord,
    /// Its revision, from 1.
    pub revision: i32,
    /// When it was made.
    pub recorded_at: DateTime<Utc>,
    /// By whom.
    pub recorded_by: Subject,
    /// Whether figures compare with those of the revision before; `None` for the first.
    pub comparable: Option<bool>,
}

impl Programme {
    /// Makes a KPI.
    pub async fn create_kpi(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        members: Map<String, Value>,
    ) -> Result<Kept<KpiRecord>, Refusal> {
        self.change(plan, caller, move |ground, pen| {
            ground.must_manage()?;
            let kpi = Kpi::parse(members)?;
            check_kpi(&kpi, &ground.seen.picture).or(())?;
            if ground.seen.picture.kpis().contains_key(&kpi.code) {
                return Err(Refusal::Conflict(format!("the KPI `{}` exists already; change that one", kpi.code)));
            }
            let record = KpiRecord { kpi, archived: false, definition_version: 1 };
            pen.keep_kpi("kpi.created", record, None, None)
        })
        .await
    }

    /// Changes a KPI by merge patch; a change of what is measured begins the next version of its definition, unless the patch
    /// says that it is a change of words only.
    pub async fn update_kpi(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        code: &KpiCode,
        mut patch: Map<String, Value>,
        precondition: Precondition,
    ) -> Result<Kept<KpiRecord>, Refusal> {
        let code = code.clone();
        self.change(plan, caller, move |ground, pen| {
            let entry = Arc::clone(ground.seen.entry(&code)?);
            ground.must_manage()?;
            precondition.allows_change_of(entry.seq)?;
            let mut invalid = Invalid::new();
            let meant = Meant::take(&mut patch, &mut invalid);
            let before = entry.kpi.members();
            let kpi: Kpi = match patched(&before, patch, "code") {
                Err(Refusal::Invalid(more)) => {
                    invalid.extend(more);
                    return Err(invalid.into());
                }
                patched => patched?,
            };
            meant.check(&before, &kpi.members(), &mut invalid);
            invalid.extend(check_kpi(&kpi, &ground.seen.picture));
            invalid.or(())?;
            check_periods_kept(&entry, &kpi, &ground.seen.picture).or(())?;
            check_as_source(&kpi, &ground.seen.picture).or(())?;
            if kpi == entry.kpi {
                return Ok(Kept { value: entry.record(), revision: entry.revision, seq: entry.seq });
            }
            let anew = i32::from(!meant.editorial && !kpi.measures_the_same_as(&entry.kpi));
            let record =
                KpiRecord { kpi, archived: entry.archived, definition_version: entry.definition_version + anew };
            let action = if meant.editorial { "kpi.reworded" } else { "kpi.updated" };
            pen.keep_kpi(action, record, Some(&entry), meant.reason)
        })
        .await
    }

    /// Archives a KPI: it leaves lists and reports, and its history stays.
    pub async fn archive_kpi(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        code: &KpiCode,
        precondition: Precondition,
    ) -> Result<(), Refusal> {
        let code = code.clone();
        self.change(plan, caller, move |ground, pen| {
            let entry = Arc::clone(ground.seen.entry(&code)?);
            ground.must_manage()?;
            precondition.allows_change_of(entry.seq)?;
            let uses = |kpi: &Kpi| matches!(&kpi.formula, Formula::Gap { of, .. } if *of == code);
            if let Some(gap) = ground.seen.picture.kpis().values().find(|other| !other.archived && uses(&other.kpi)) {
                return Err(Refusal::Conflict(format!("the KPI `{code}` is still used by the gap `{}`", gap.kpi.code)));
            }
            if !entry.archived {
                let record =
                    KpiRecord { kpi: entry.kpi.clone(), archived: true, definition_version: entry.definition_version };
                pen.keep_kpi("kpi.archived", record, Some(&entry), None)?;
            }
            Ok(())
        })
        .await
    }

    /// Every revision of a KPI's definition up to the version that is seen, oldest first: those that the caller may
    /// see, as they may see them.
    pub async fn kpi_versions(&self, seen: &Seen, kpi: &KpiCode) -> Result<Vec<KpiVersion>, Refusal> {
        let (seen, code) = (seen.clone(), kpi.clone());
        seen.entry(&code)?;
        self.store
            .read(move |conn| {
                let entry = seen.entry(&code)?;
                let mut rows = definitions::history(conn, seen.id(), DefinitionKind::Kpi, code.as_str())?;
                rows.retain(|row| row.seq <= seen.version());
                let seqs: Vec<Seq> = rows.iter().map(|row| row.seq).collect();
                let stamps = journal::stamps(conn, seen.id(), &seqs)?;
                let mut versions = Vec::with_capacity(rows.len());
                let mut before = None;
                for (row, (_, recorded_at, recorded_by)) in rows.iter().zip(stamps) {
                    let mut record = KpiRecord::of_row(row)?;
                    let comparable = before.map(|before| before == record.definition_version);
                    before = Some(record.definition_version);
                    if !seen.sees(&record.kpi) {
                        continue;
                    }
                    // As in the definition of today: a small baseline would give away the figure that it was.
                    let shown = [&record.kpi, &entry.kpi].iter().all(|kpi| seen.sees_small_numbers(kpi));
                    record.kpi.baseline = record.kpi.baseline.filter(|_| shown);
                    versions.push(KpiVersion { record, revision: row.revision, recorded_at, recorded_by, comparable });
                }
                Ok(versions)
            })
            .await
    }
}

impl Pen<'_, '_> {
    fn keep_kpi(
        &mut self,
        action: &'static str,
        record: KpiRecord,
        before: Option<&KpiPicture>,
        reason: Option<String>,
    ) -> Result<Kept<KpiRecord>, Refusal> {
        let code = record.kpi.code.clone();
        let members_before = before.map(|entry| entry.record().members());
        let revision = before.map_or(0, |entry| entry.revision) + 1;
        let place = (DefinitionKind::Kpi, &code, revision);
        let seq = self.define_because(action, place, members_before, Some(record.members()), reason)?;
        Ok(Kept { value: record, revision, seq })
    }
}

/// How a change of a KPI is meant: what its patch says beside the members.
struct Meant {
    /// Whether words are put better and nothing else is measured.
    editorial: bool,
    /// Why, for the journal.
    reason: Option<String>,
}

impl Meant {
    /// The most characters of a reason.
    const LONGEST: usize = 2000;

    /// Removes it from a patch, and notes what is wrong with it.
    fn take(patch: &mut Map<String, Value>, invalid: &mut Invalid) -> Self {
        let editorial = take::<Option<bool>>(patch, "editorial", invalid).flatten().unwrap_or(false);
        let is_given = patch.get("reason").is_some_and(|reason| !reason.is_null());
        let reason = take::<Option<String>>(patch, "reason", invalid).flatten();
        if let Some(reason) = &reason {
            check_text(invalid, "/reason", reason, 0, Self::LONGEST);
        }
        let reason = reason.filter(|reason| !reason.trim().is_empty());
        if editorial && reason.is_none() && (!is_given || invalid.is_empty()) {
            let detail =
                "an editorial change begins no new definition although the definition reads differently; say why";
            invalid.at("/reason", "reason_needed", detail);
        }
        Self { editorial, reason }
    }

    /// Refuses what is more than words in a change that is meant to be of words only.
    fn check(&self, before: &Map<String, Value>, after: &Map<String, Value>, invalid: &mut Invalid) {
        if !self.editorial {
            return;
        }
        for (member, value) in after {
            if before.get(member) != Some(value) && !WORDS.contains(&member.as_str()) {
                let words = WORDS.join(", ");
                let detail = format!(
                    "`{member}` is more than words: an editorial change is of {words} alone; change the rest without `editorial`"
                );
                invalid.at(format!("/{member}"), "not_editorial", detail);
            }
        }
    }
}

/// What is wrong with a KPI, in itself and beside what is in the plan.
fn check_kpi(kpi: &Kpi, picture: &Picture) -> Invalid {
    let mut invalid = kpi.check();
    refer(&mut invalid, "/priority", "priority", &kpi.priority, picture.priorities());
    if let Some(organisation) = &kpi.lead_organisation {
        refer(&mut invalid, "/lead_organisation", "organisation", organisation, picture.organisations());
    }
    for (place, organisation) in kpi.contributors.iter().enumerate() {
        refer(&mut invalid, format!("/contributors/{place}"), "organisation", organisation, picture.organisations());
    }
    if let Some(policy) = &kpi.policy {
        refer(&mut invalid, "/policy", "policy", policy, picture.policies());
    }
    match &kpi.formula {
        Formula::Direct {} => {}
        Formula::PartnerDetermined { by } => {
            refer(&mut invalid, "/formula/by", "organisation", by, picture.organisations());
        }
        Formula::Gap { of, group, comparator } => {
            refer(&mut invalid, "/formula/of", "KPI", of, picture.kpis());
            refer_group(&mut invalid, "/formula/group", group, picture);
            refer_group(&mut invalid, "/formula/comparator", comparator, picture);
            if let Some(source) = picture.kpis().get(of) {
                if !matches!(source.kpi.formula, Formula::Direct {}) {
                    invalid.at(
                        "/formula/of",
                        "not_a_source",
                        format!("`{of}` is not posted itself; a gap is computed from posted figures"),
                    );
                }
                if source.kpi.period_kind() != kpi.period_kind() {
                    invalid.at(
                        "/frequency",
                        "other_period_kind",
                        format!("a gap is reported as its source `{of}` is: by {}", source.kpi.period_kind().words()),
                    );
                }
            }
        }
    }
    invalid
}

/// Refuses a change that gaps computed from the KPI would not survive.
fn check_as_source(kpi: &Kpi, picture: &Picture) -> Invalid {
    let mut invalid = Invalid::new();
    let of_this = |other: &Kpi| matches!(&other.formula, Formula::Gap { of, .. } if *of == kpi.code);
    for gap in picture.kpis().values().filter(|entry| !entry.archived && of_this(&entry.kpi)).map(|entry| &entry.kpi) {
        if !matches!(kpi.formula, Formula::Direct {}) {
            invalid.at(
                "/formula",
                "still_a_source",
                format!("the gap `{}` is computed from its posted figures", gap.code),
            );
        }
        if kpi.period_kind() != gap.period_kind() {
            let words = gap.period_kind().words();
            invalid.at(
                "/frequency",
                "still_a_source",
                format!("the gap `{}` is computed from it by {words}", gap.code),
            );
        }
    }
    invalid
}

/// Refuses a change of frequency or calendar under figures that are already stored by the old one.
fn check_periods_kept(entry: &KpiPicture, kpi: &Kpi, picture: &Picture) -> Invalid {
    let mut invalid = Invalid::new();
    let has_figures = entry.readings.values().any(|readings| !readings.is_empty())
        || !entry.targets.is_empty()
        || picture.benchmarks().keys().any(|key| key.kpi == kpi.code);
    if has_figures && (entry.kpi.period_kind() != kpi.period_kind() || entry.kpi.calendar != kpi.calendar) {
        invalid.at(
            "/frequency",
            "has_figures",
            "figures and targets are stored by the old frequency and calendar; make a new KPI and withdraw this one",
        );
    }
    invalid
}
