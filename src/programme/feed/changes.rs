//! The change feed: what a reader that keeps a copy of the plan must do to it, the oldest change first.
//!
//! Members are sent the entries of the journal as they are. Readers outside the partnership are sent, for each entry
//! that concerns what they see, how the thing is now, through the same withholding as everywhere; and with it whatever
//! else of the same KPI the entry may have uncovered or hidden. What they never saw leaves no trace but a gap in the
//! numbers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

use waymark_domain::access::Audience;
use waymark_domain::document::Document;
use waymark_domain::ids::{GroupCode, KpiCode, ReportId, Seq};
use waymark_domain::kpi::Kpi;
use waymark_domain::period::Period;
use waymark_store::journal;
use waymark_store::kinds::DefinitionKind;
use waymark_store::kinds::EntryKind;
use waymark_store::readings::{self, ReadingFilter};
use waymark_store::{Conn, StoreError};

use crate::feed::journal::{Entry, withhold};
use crate::figures::readings::SeenReading;
use crate::picture::{KpiPicture, KpiRecord};
use crate::seen::Seen;
use crate::{OpenPlan, Programme, Refusal};

/// Why a copy should let a thing go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "Why a copy should remove a thing: it was removed, it was archived, or this reader sees it no longer. What belongs to a KPI goes with it."
)]
pub enum Gone {
    /// It was removed.
    Removed,
    /// It was archived: it takes part in no report and accepts no more figures.
    Archived,
    /// It is there, and no longer this reader's to see.
    Hidden,
}

impl Gone {
    /// What a copy should remove because of an entry.
    pub fn told_by(entry: &Entry) -> Option<Self> {
        let after = entry.after.as_ref()?;
        let removed = match entry.kind {
            EntryKind::Definition(_) => after.get("body").is_some_and(Value::is_null),
            EntryKind::Target => after.get("removed") == Some(&Value::Bool(true)),
            EntryKind::Grant => after.get("revoked_at").is_some_and(|at| !at.is_null()),
            EntryKind::Webhook => after.get("removed_at").is_some_and(|at| !at.is_null()),
            EntryKind::Reading => false,
        };
        let archived = || {
            let archived = entry.kind == EntryKind::Definition(DefinitionKind::Kpi)
                && after.pointer("/body/archived") == Some(&Value::Bool(true));
            archived.then_some(Self::Archived)
        };
        if removed { Some(Self::Removed) } else { archived() }
    }
}

/// A change as one reader sees it.
#[derive(Clone, Debug)]
pub struct FollowedChange {
    /// The entry; its `after` is how the thing is now if the reader is outside the partnership.
    pub entry: Entry,
    /// Whether the reader may know who made it.
    pub names_shown: bool,
    /// Why a copy should remove the thing, if it should.
    pub gone: Option<Gone>,
}

/// A stretch of the change feed.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// The changes that the reader sees.
    pub changes: Vec<FollowedChange>,
    /// The last entry looked at.
    pub next: Seq,
}

impl Programme {
    /// A stretch of the feed of a plan as it was opened: at most `limit` entries after a place in its journal.
    pub async fn follow(&self, plan: &OpenPlan, after: Seq, limit: usize) -> Result<Stretch, Refusal> {
        let seen = self.seen(plan, self.clock.now()).await?;
        let plan = plan.clone();
        self.store
            .read(move |conn| {
                let mut entries = journal::page(conn, plan.id, after, crate::rows(limit))?;
                // Nothing newer than what the plan was opened at: its picture and its tag know nothing of it.
                entries.retain(|entry| entry.seq <= plan.version);
                let next = entries.last().map_or(after, |entry| entry.seq);
                let changes = if plan.access.audience() == Audience::Member {
                    entries.into_iter().map(|entry| as_it_is(entry, &plan)).collect()
                } else {
                    Copy { seen: &seen, found: Vec::new() }.follow(conn, entries)?
                };
                Ok(Stretch { changes, next })
            })
            .await
    }

    /// Waits until a plan has changed since `after`, at most so long.
    pub async fn wait_for_change(&self, plan: &OpenPlan, after: Seq, at_most: Duration) {
        if plan.version <= after {
            self.watch.wait(&self.store, plan.id, after, at_most).await;
        }
    }
}

/// An entry as a member sees it.
fn as_it_is(mut entry: Entry, plan: &OpenPlan) -> FollowedChange {
    let gone = Gone::told_by(&entry);
    withhold(&mut entry, plan);
    let gone = gone.filter(|_| entry.after.is_some());
    FollowedChange { entry, names_shown: true, gone }
}

/// The copy that a reader outside the partnership keeps.
struct Copy<'a> {
    seen: &'a Seen,
    found: Vec<FollowedChange>,
}

/// A figure's place within its KPI.
type At = (Period, GroupCode);

impl Copy<'_> {
    /// What the entries mean for the copy. What is reported more than once is reported once, the last time.
    fn follow(mut self, conn: &mut Conn, entries: Vec<Entry>) -> Result<Vec<FollowedChange>, Refusal> {
        // The figures to send, by the entry that moved them.
        let mut figures: Vec<(Entry, KpiCode, Option<At>)> = Vec::new();
        for entry in entries {
            match entry.kind {
                EntryKind::Definition(DefinitionKind::Kpi) => {
                    if let Some(kpi) = self.kpi(&entry) {
                        figures.push((entry, kpi, None));
                    }
                }
                EntryKind::Reading => {
                    if let Some((entry_of, at)) = self.reading_place(&entry) {
                        let kpi = &entry_of.kpi;
                        // A figure more can uncover or hide others of a KPI whose small numbers are withheld.
                        let alone = self.seen.sees_small_numbers(kpi);
                        figures.push((entry, kpi.code.clone(), alone.then_some(at)));
                    }
                }
                EntryKind::Definition(DefinitionKind::Plan) if moves_the_threshold(&entry) => {
                    figures.extend(self.with_small_numbers().map(|kpi| (entry.clone(), kpi, None)));
                    self.other(&entry);
                }
                _ => self.other(&entry),
            }
        }
        self.figures(conn, figures)?;
        let mut last: HashMap<(EntryKind, String), usize> = HashMap::new();
        self.found.sort_by_key(|change| change.entry.seq);
        for (place, change) in self.found.iter().enumerate() {
            last.insert((change.entry.kind, change.entry.key.clone()), place);
        }
        let mut place = 0;
        self.found.retain(|change| {
            let keep = last.get(&(change.entry.kind, change.entry.key.clone())) == Some(&place);
            place += 1;
            keep
        });
        Ok(self.found)
    }

    /// Reports a thing in the place of an entry.
    fn tell(&mut self, entry: &Entry, kind: EntryKind, key: String, after: Option<Value>, gone: Option<Gone>) {
        let entry = Entry { kind, key, before: None, after, reason: None, ..entry.clone() };
        self.found.push(FollowedChange { entry, names_shown: false, gone });
    }

    /// A KPI as it is seen now.
    fn seen(&self, code: &str) -> Option<&KpiPicture> {
        let code: KpiCode = code.parse().ok()?;
        self.seen.entry(&code).ok().map(|entry| &**entry)
    }

    /// Reports a KPI, and gives its code if its figures must be reported again.
    fn kpi(&mut self, entry: &Entry) -> Option<KpiCode> {
        let access = &self.seen.access;
        let before = entry.before.as_ref().and_then(kpi_in);
        let saw = before.as_ref().is_some_and(|before| access.sees(before));
        let kind = entry.kind;
        let Some(now) = self.seen(&entry.key) else {
            if saw {
                self.tell(entry, kind, entry.key.clone(), None, Some(Gone::Hidden));
            }
            return None;
        };
        let record = KpiRecord { kpi: self.seen.definition_for(now).into_owned(), ..now.record() };
        let after = json!({"body": record.members(), "code": now.kpi.code, "revision": now.revision});
        let gone = now.archived.then_some(Gone::Archived);
        let (kpi, code) = (&now.kpi, now.kpi.code.clone());
        let uncovered = before.is_some() && !saw;
        let shown_otherwise = before.as_ref().is_some_and(|before| {
            !access.sees_small_numbers(kpi) || access.sees_small_numbers(before) != access.sees_small_numbers(kpi)
        });
        let acted_on = before.as_ref().is_some_and(|before| access.reads_actions(before)) || uncovered;
        let targets: Vec<(String, Value)> = if uncovered {
            let of = |(period, target): (&Period, &waymark_domain::target::Target)| {
                let revision = now.target_seqs.get(period).map_or(1, |(revision, _)| *revision);
                let document = json!({
                    "kpi": code, "period": period.to_string(), "removed": false, "revision": revision,
                    "target": target.members(),
                });
                (format!("{code}/{period}"), document)
            };
            now.targets.iter().map(of).collect()
        } else {
            Vec::new()
        };
        self.tell(entry, kind, entry.key.clone(), Some(after), gone);
        for (key, document) in targets {
            self.tell(entry, EntryKind::Target, key, Some(document), None);
        }
        if acted_on {
            self.actions_of(entry, &code);
        }
        self.reports_with(entry, &code);
        (uncovered || shown_otherwise).then_some(code)
    }

    /// Reports the actions on a KPI, which may have come or gone with its organisations.
    fn actions_of(&mut self, entry: &Entry, kpi: &KpiCode) {
        let picture = Arc::clone(&self.seen.picture);
        for kept in picture.actions().values().filter(|kept| kept.value.action.kpi == *kpi) {
            self.action(entry, &kept.value.id.to_string());
        }
    }

    /// Reports an action as it is seen now.
    fn action(&mut self, entry: &Entry, key: &str) {
        let kind = EntryKind::Definition(DefinitionKind::Action);
        let Ok(id) = key.parse() else { return };
        let told = self.seen.action_for(id).ok().map(|(kept, _)| {
            json!({"body": kept.value.clone().nameless().members(), "code": key, "revision": kept.revision})
        });
        let gone = told.is_none().then_some(Gone::Hidden);
        self.tell(entry, kind, key.to_owned(), told, gone);
    }

    /// Reports the reader's organisation's board reports that a KPI is in, which may have come or gone with it.
    fn reports_with(&mut self, entry: &Entry, kpi: &KpiCode) {
        let of_kpi = self.seen.picture.board_reports().values().filter(|kept| kept.value.kpis.contains(kpi));
        let ids: Vec<ReportId> = of_kpi.map(|kept| kept.value.id).collect();
        for id in ids {
            self.board_report(entry, id);
        }
    }

    /// Reports a board report of the reader's organisation as it is seen now.
    fn board_report(&mut self, entry: &Entry, id: ReportId) {
        let access = &self.seen.access;
        let Some(kept) = self.seen.picture.board_reports().get(&id) else { return };
        if !kept.value.organisation.as_ref().is_some_and(|organisation| access.is_partner_of(organisation)) {
            return;
        }
        let read = self.seen.reads_board_report(&kept.value);
        let told = read.then(|| json!({"body": kept.value.members(), "code": id, "revision": kept.revision}));
        let gone = (!read).then_some(Gone::Hidden);
        self.tell(entry, EntryKind::Definition(DefinitionKind::BoardReport), id.to_string(), told, gone);
    }

    /// The KPIs that are seen, and whose small numbers are not.
    fn with_small_numbers(&self) -> impl Iterator<Item = KpiCode> + use<'_> {
        let kpis = self.seen.kpis().filter(|kpi| !self.seen.sees_small_numbers(&kpi.entry.kpi));
        kpis.map(|kpi| kpi.code().clone())
    }

    /// The KPI of a reading that an entry is about, if it is seen, and the reading's place.
    fn reading_place(&self, entry: &Entry) -> Option<(&KpiPicture, At)> {
        let mut parts = entry.key.split('/');
        let kpi = self.seen(parts.next()?)?;
        let at = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some((kpi, at))
    }

    /// Whether an entry says how a target or a benchmark of a KPI that is seen is now. What it was before may be from
    /// when the KPI was not seen.
    fn stands(&self, entry: &Entry) -> bool {
        let (first, rest) = entry.key.split_once('/').unwrap_or((&entry.key, ""));
        let Some(kpi) = self.seen(first) else { return false };
        let last = match entry.kind {
            EntryKind::Target => {
                rest.parse().ok().and_then(|period: Period| kpi.target_seqs.get(&period)).map(|(_, seq)| *seq)
            }
            _ => entry.key.parse().ok().and_then(|key| self.seen.picture.benchmarks().get(&key)).map(|kept| kept.seq),
        };
        last.map_or(Gone::told_by(entry) == Some(Gone::Removed), |last| last == entry.seq)
    }

    /// Reports anything that is neither a KPI nor a figure.
    fn other(&mut self, entry: &Entry) {
        let seen = match entry.kind {
            // Who may do what, who has handed in what and who is informed of what are for members.
            EntryKind::Grant
            | EntryKind::Webhook
            | EntryKind::Reading
            | EntryKind::Definition(DefinitionKind::Kpi | DefinitionKind::Return) => false,
            EntryKind::Target | EntryKind::Definition(DefinitionKind::Benchmark) => self.stands(entry),
            EntryKind::Definition(DefinitionKind::Action) => {
                // One that was never seen is no tombstone either.
                if entry.key.parse().is_ok_and(|id| self.seen.action_for(id).is_ok()) {
                    let key = entry.key.clone();
                    self.action(entry, &key);
                }
                false
            }
            EntryKind::Definition(DefinitionKind::BoardReport) => {
                if let Ok(id) = entry.key.parse() {
                    self.board_report(entry, id);
                }
                false
            }
            EntryKind::Definition(
                DefinitionKind::Plan
                | DefinitionKind::Organisation
                | DefinitionKind::SubGroup
                | DefinitionKind::OutcomeArea
                | DefinitionKind::Priority
                | DefinitionKind::Policy
                | DefinitionKind::Dimension
                | DefinitionKind::Round
                | DefinitionKind::ComparatorGroup,
            ) => true,
        };
        if seen {
            let gone = Gone::told_by(entry);
            let (kind, key, after) = (entry.kind, entry.key.clone(), entry.after.clone());
            self.tell(entry, kind, key, after, gone);
        }
    }

    /// Reports figures as they are seen now: one each, or all of a KPI.
    fn figures(&mut self, conn: &mut Conn, wanted: Vec<(Entry, KpiCode, Option<At>)>) -> Result<(), StoreError> {
        let kpis: BTreeSet<KpiCode> = wanted.iter().map(|(_, kpi, _)| kpi.clone()).collect();
        let mut rows: BTreeMap<KpiCode, BTreeMap<At, Value>> = BTreeMap::new();
        for kpi in kpis {
            let filter = ReadingFilter { kpi: Some(kpi.clone()), ..ReadingFilter::default() };
            let found = readings::page(conn, self.seen.id(), &filter, Some(self.seen.version()), None, i64::MAX)?;
            let seen = found.into_iter().map(|row| {
                let seen = SeenReading::of(self.seen, row);
                let mut document = seen.row.said.document();
                if let Some(members) = document.as_object_mut() {
                    members.insert("suppressed".to_owned(), seen.suppressed.into());
                }
                ((seen.row.said.period, seen.row.said.group.clone()), document)
            });
            rows.insert(kpi, seen.collect());
        }
        // Of several that move the same figures the last one reports them.
        let mut told: BTreeSet<(KpiCode, At)> = BTreeSet::new();
        for (entry, kpi, at) in wanted.into_iter().rev() {
            let of_kpi = rows.get(&kpi).into_iter().flatten();
            for (place, document) in of_kpi.filter(|(place, _)| at.as_ref().is_none_or(|at| at == *place)) {
                if told.insert((kpi.clone(), place.clone())) {
                    let key = format!("{kpi}/{}/{}", place.0, place.1);
                    self.tell(&entry, EntryKind::Reading, key, Some(document.clone()), None);
                }
            }
        }
        Ok(())
    }
}

/// The KPI that a definition in the journal is of.
fn kpi_in(definition: &Value) -> Option<Kpi> {
    let members: Map<String, Value> = definition.get("body")?.as_object()?.clone();
    KpiRecord::from_members(members).map(|record| record.kpi)
}

/// Whether an entry about the plan changes which figures are small.
fn moves_the_threshold(entry: &Entry) -> bool {
    let threshold = |said: &Option<Value>| said.as_ref()?.pointer("/body/small_number_threshold").cloned();
    threshold(&entry.before) != threshold(&entry.after)
}
