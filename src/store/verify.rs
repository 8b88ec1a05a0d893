//! Looks for what was not written here: walks a plan's journal, or the service's, and everything that it should account for.
//!
//! [`verify`] finds an entry that was altered, removed, put in or moved; a row that is not what its entry recorded; a
//! row without an entry and an entry without a row; revisions that do not follow on; a board report that does not hold
//! what was frozen; and a head that is not the chain's. What it cannot find is a whole chain written again from some
//! entry on with the head to match: against that, keep the head's digest somewhere else and compare. [`service()`] does
//! the same for the journal of the service.

mod service;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Integer, Text};
use serde_json::Value;

use super::backend::AnyConn;
use super::kinds::{DefinitionKind, EntryKind};
use super::plans::PlanRow;
use super::schema::{journal, plans};
use super::seal::{self, Sealed};
use super::types::{FromColumn, UtcTimestamp, canonical};
use super::{Conn, StoreError, board_reports, definitions, grants, readings, removals, targets, webhooks};
pub use service::service;
use waymark_domain::ids::{PlanId, Seq, Subject};

/// One thing that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: `entry 7`, `reading NI-117/FY2009-10-Q1/all revision 2`.
    pub place: String,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.what)
    }
}

/// More faults than this are not listed: the last one then says that there are more.
pub const MOST_FAULTS: usize = 1_000;

/// How many entries, with their rows, are in memory at a time.
const ENTRIES_AT_A_TIME: i64 = 2_000;

/// Walks the plan's journal and all its rows, as they are at one moment. An empty list is a clean bill.
///
/// `on_progress` gets the last entry looked at and the last that the plan claims to have.
pub fn verify(conn: &mut Conn, plan: PlanId, mut on_progress: impl FnMut(Seq, Seq)) -> Result<Vec<Fault>, StoreError> {
    allow_time(conn)?;
    let mut faults = Faults::default();
    let row = plans::table.find(plan.0).select(PlanRow::as_select());
    let row = match row.first(&mut *conn.any).optional() {
        Ok(Some(row)) => row,
        Ok(None) => {
            faults.add("the plan", "there is no such plan");
            return Ok(faults.list);
        }
        Err(DieselError::DeserializationError(error)) => {
            faults.add("the plan's row", format!("cannot be read: {error}"));
            return Ok(faults.list);
        }
        Err(error) => return Err(conn.failed(error.into())),
    };
    let removal = conn.run(|any| removals::latest(any, &row.code))?;
    let (start, previous) = removal.map_or((Seq(0), String::new()), |one| (one.seq(), one.digest().to_owned()));
    let mut walk = Walk {
        conn,
        start,
        plan: &row,
        faults,
        chain: Chain { plan: row.code.as_str(), previous: Some(previous), last: None },
        grants: HashMap::new(),
        webhooks: HashMap::new(),
    };
    walk.entries(&mut on_progress)?;
    walk.head()?;
    walk.grants()?;
    walk.webhooks()?;
    walk.revisions()?;
    walk.board_reports()?;
    Ok(walk.faults.list)
}

/// Lets a statement take as long as it takes: one of these looks at every row.
fn allow_time(conn: &mut Conn) -> Result<(), StoreError> {
    conn.run(|any| match any {
        AnyConn::Sqlite(_) => Ok(()),
        AnyConn::Postgres(conn) => diesel::sql_query("SET LOCAL statement_timeout = 0").execute(conn).map(drop),
    })
}

#[derive(Default)]
struct Faults {
    list: Vec<Fault>,
}

impl Faults {
    fn add(&mut self, place: impl Into<String>, what: impl Into<String>) {
        match self.list.len() {
            MOST_FAULTS => {
                let what = format!("there are more than {MOST_FAULTS} faults; the rest are not listed");
                self.list.push(Fault { place: "and more".into(), what });
            }
            listed if listed < MOST_FAULTS => self.list.push(Fault { place: place.into(), what: what.into() }),
            _ => {}
        }
    }

    fn are_enough(&self) -> bool {
        self.list.len() > MOST_FAULTS
    }
}

/// An entry with its texts as they are.
#[derive(Queryable, Selectable)]
#[diesel(table_name = journal, check_for_backend(super::backend::MultiBackend))]
struct StoredEntry {
    #[diesel(deserialize_as = FromColumn<Seq>)]
    seq: Seq,
    at: UtcTimestamp,
    actor: String,
    action: String,
    kind: String,
    key: String,
    before: Option<String>,
    after: Option<String>,
    reason: Option<String>,
    digest: String,
}

fn entries_between(any: &mut AnyConn, plan: PlanId, after: Seq, up_to: Seq) -> QueryResult<Vec<StoredEntry>> {
    journal::table
        .filter(journal::plan_id.eq(plan.0))
        .filter(journal::seq.gt(after.0))
        .filter(journal::seq.le(up_to.0))
        .order(journal::seq)
        .select(StoredEntry::as_select())
        .load(any)
}

/// A revision as its entry should have it.
struct Row {
    seq: Seq,
    kind: &'static str,
    key: String,
    revision: i32,
    document: String,
    /// When and by whom, if the row says so itself.
    stamp: Option<(DateTime<Utc>, Subject)>,
}

impl Row {
    fn place(&self) -> String {
        format!("{} {} revision {}", self.kind, self.key, self.revision)
    }
}

fn definition_rows(any: &mut AnyConn, plan: PlanId, after: Seq, up_to: Seq) -> QueryResult<Vec<Row>> {
    let rows = definitions::between(any, plan, after, up_to)?.into_iter().map(|row| Row {
        seq: row.seq,
        kind: row.kind.as_str(),
        key: row.code.clone(),
        revision: row.revision,
        document: canonical(&row.document()),
        stamp: None,
    });
    Ok(rows.collect())
}

fn target_rows(any: &mut AnyConn, plan: PlanId, after: Seq, up_to: Seq) -> QueryResult<Vec<Row>> {
    let rows = targets::between(any, plan, after, up_to)?.into_iter().map(|row| Row {
        seq: row.seq,
        kind: "target",
        key: row.key(),
        revision: row.revision,
        document: canonical(&row.document()),
        stamp: Some((row.recorded_at, row.recorded_by)),
    });
    Ok(rows.collect())
}

fn reading_rows(any: &mut AnyConn, plan: PlanId, after: Seq, up_to: Seq) -> QueryResult<Vec<Row>> {
    let rows = readings::between(any, plan, after, up_to)?.into_iter().map(|row| Row {
        seq: row.seq,
        kind: "reading",
        key: row.key(),
        revision: row.revision,
        document: canonical(&row.document()),
        stamp: Some((row.recorded_at, row.recorded_by)),
    });
    Ok(rows.collect())
}

type Between<R> = fn(&mut AnyConn, PlanId, Seq, Seq) -> QueryResult<Vec<R>>;

const ROWS: [(&str, Between<Row>); 3] =
    [("definition", definition_rows), ("target", target_rows), ("reading", reading_rows)];

/// A chain of entries, as far as it was walked.
struct Chain<'a> {
    /// The plan's code.
    plan: &'a str,
    /// The digest of the entry before; `None` if that entry is missing or cannot be read.
    previous: Option<String>,
    last: Option<(Seq, DateTime<Utc>)>,
}

impl Chain<'_> {
    /// Entries that are missing between two others.
    fn gap(&mut self, after: Seq, up_to: Seq, faults: &mut Faults) {
        let (first, next) = (after.next(), up_to.next());
        let place = if first == up_to { format!("entry {first}") } else { format!("entries {first} to {up_to}") };
        faults.add(place, format!("missing, so it cannot be checked that entry {next} follows"));
        self.previous = None;
    }

    /// Whether an entry is the one that was written after the one before it.
    fn check(&self, entry: &StoredEntry, faults: &mut Faults) {
        let place = format!("entry {}", entry.seq);
        let at = DateTime::from(entry.at);
        if let Some(previous) = &self.previous {
            let sealed = Sealed {
                plan: self.plan,
                seq: entry.seq,
                at,
                actor: &entry.actor,
                action: &entry.action,
                kind: &entry.kind,
                key: &entry.key,
                before: entry.before.as_deref(),
                after: entry.after.as_deref(),
                reason: entry.reason.as_deref(),
            };
            if sealed.digest(previous) != entry.digest {
                faults.add(&place, "altered, or not the one that was written after the entry before it");
            }
        }
        if let Some((_, earlier)) = self.last
            && at < earlier
        {
            faults.add(&place, "earlier than the entry before it");
        }
        // Only one text stands for a value: otherwise a digest could be that of more than one entry.
        for (name, text) in [("before", &entry.before), ("after", &entry.after)] {
            if let Some(text) = text
                && !serde_json::from_str::<Value>(text).is_ok_and(|value| canonical(&value) == *text)
            {
                faults.add(&place, format!("`{name}` is not JSON as it is written here"));
            }
        }
    }

    /// Goes on to the next entry.
    fn follow(&mut self, entry: StoredEntry) {
        self.last = Some((entry.seq, entry.at.into()));
        self.previous = Some(entry.digest);
    }
}

/// What reads a stretch: the entries or rows after a place and up to another.
type Reads<'a, R> = &'a dyn Fn(&mut AnyConn, Seq, Seq) -> QueryResult<Vec<R>>;

/// All of a stretch that can be read; why the rest cannot goes to `broken`. Narrowed down by halves.
fn readable<R>(
    conn: &mut Conn,
    between: Reads<'_, R>,
    after: Seq,
    up_to: Seq,
    broken: &mut BTreeMap<Seq, String>,
) -> Result<Vec<R>, StoreError> {
    match between(&mut conn.any, after, up_to) {
        Ok(rows) => Ok(rows),
        Err(DieselError::DeserializationError(error)) if after.next() >= up_to => {
            broken.insert(up_to, format!("cannot be read: {error}"));
            Ok(Vec::new())
        }
        Err(DieselError::DeserializationError(_)) => {
            let middle = Seq(after.0.midpoint(up_to.0));
            let mut rows = readable(conn, between, after, middle, broken)?;
            rows.extend(readable(conn, between, middle, up_to, broken)?);
            Ok(rows)
        }
        Err(error) => Err(conn.failed(error.into())),
    }
}

struct Walk<'a> {
    conn: &'a mut Conn,
    plan: &'a PlanRow,
    faults: Faults,
    /// The place that its journal goes on from: that of the last removal of a plan by its code, else 0.
    start: Seq,
    chain: Chain<'a>,
    /// What the latest entry about each grant says.
    grants: HashMap<String, (Seq, Option<String>)>,
    /// The same of webhooks.
    webhooks: HashMap<String, (Seq, Option<String>)>,
}

impl Walk<'_> {
    fn entries(&mut self, on_progress: &mut impl FnMut(Seq, Seq)) -> Result<(), StoreError> {
        let mut after = self.start;
        loop {
            let seqs: Vec<i64> = self.conn.run(|any| {
                journal::table
                    .filter(journal::plan_id.eq(self.plan.id.0))
                    .filter(journal::seq.gt(after.0))
                    .order(journal::seq)
                    .limit(ENTRIES_AT_A_TIME)
                    .select(journal::seq)
                    .load(any)
            })?;
            let Some(&first) = seqs.first() else { break };
            if first > after.next().0 {
                self.gap(after, Seq(first - 1))?;
                after = Seq(first - 1);
            }
            // As far as they follow on, so that no more rows belong to them than there are entries.
            let length = seqs.iter().zip(first..).take_while(|&(&seq, expected)| seq == expected).count();
            let up_to = Seq(after.0.saturating_add(i64::try_from(length).unwrap_or(i64::MAX)));
            self.stretch(after, up_to)?;
            on_progress(up_to, self.plan.seq);
            after = up_to;
            if self.faults.are_enough() {
                return Ok(());
            }
        }
        self.rows_without_entry(after, Seq(i64::MAX))
    }

    /// Entries that are missing between two others.
    fn gap(&mut self, after: Seq, up_to: Seq) -> Result<(), StoreError> {
        self.chain.gap(after, up_to, &mut self.faults);
        self.rows_without_entry(after, up_to)
    }

    fn rows_without_entry(&mut self, after: Seq, up_to: Seq) -> Result<(), StoreError> {
        // Looked for by number first: there may be any number of them.
        for (name, table) in [("definition", "definitions"), ("target", "targets"), ("reading", "readings")] {
            let seqs: Vec<Numbered> = self.conn.run(|any| {
                diesel::sql_query(format!(
                    "SELECT seq FROM {table} WHERE plan_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT {MOST_FAULTS}"
                ))
                .bind::<BigInt, _>(self.plan.id.0)
                .bind::<BigInt, _>(after.0)
                .bind::<BigInt, _>(up_to.0)
                .load(any)
            })?;
            for Numbered { seq } in seqs {
                self.faults.add(format!("the {name} of entry {seq}"), "no entry recorded it");
            }
        }
        Ok(())
    }

    /// Entries that follow on, and the rows they should account for.
    fn stretch(&mut self, after: Seq, up_to: Seq) -> Result<(), StoreError> {
        let mut unreadable = BTreeSet::new();
        let mut rows: BTreeMap<Seq, Vec<Row>> = BTreeMap::new();
        for (name, between) in ROWS {
            let mut broken = BTreeMap::new();
            let plan = self.plan.id;
            let between = |any: &mut AnyConn, after, up_to| between(any, plan, after, up_to);
            for row in readable(self.conn, &between, after, up_to, &mut broken)? {
                rows.entry(row.seq).or_default().push(row);
            }
            for (seq, what) in broken {
                self.faults.add(format!("the {name} of entry {seq}"), what);
                unreadable.insert(seq);
            }
        }
        let mut broken = BTreeMap::new();
        let plan = self.plan.id;
        let between = |any: &mut AnyConn, after, up_to| entries_between(any, plan, after, up_to);
        let entries = readable(self.conn, &between, after, up_to, &mut broken)?;
        let mut entries = entries.into_iter();
        let mut seq = after.next();
        while seq <= up_to {
            if let Some(what) = broken.remove(&seq) {
                self.faults.add(format!("entry {seq}"), what);
                self.chain.previous = None;
            } else if let Some(entry) = entries.next() {
                self.chain.check(&entry, &mut self.faults);
                let of_entry = rows.remove(&seq).unwrap_or_default();
                self.rows_of(&entry, of_entry, unreadable.contains(&seq));
                self.chain.follow(entry);
            }
            seq = seq.next();
        }
        Ok(())
    }

    fn rows_of(&mut self, entry: &StoredEntry, rows: Vec<Row>, unreadable: bool) {
        let place = format!("entry {}", entry.seq);
        let wants_row = match entry.kind.parse() {
            Ok(EntryKind::Grant) => {
                self.grants.insert(entry.key.clone(), (entry.seq, entry.after.clone()));
                false
            }
            Ok(EntryKind::Webhook) => {
                self.webhooks.insert(entry.key.clone(), (entry.seq, entry.after.clone()));
                false
            }
            Ok(_) => true,
            Err(error) => {
                self.faults.add(&place, format!("`{}` {error}", entry.kind));
                false
            }
        };
        let (own, others): (Vec<Row>, Vec<Row>) =
            rows.into_iter().partition(|row| wants_row && row.kind == entry.kind && row.key == entry.key);
        if wants_row && own.is_empty() && !unreadable {
            self.faults.add(&place, format!("the {} {} that it recorded is missing", entry.kind, entry.key));
        }
        for row in own {
            if entry.after.as_ref() != Some(&row.document) {
                self.faults.add(row.place(), format!("not what entry {} recorded", entry.seq));
            }
            if row.stamp.is_some_and(|(at, by)| at != entry.at.into() || by.as_str() != entry.actor) {
                let what = format!("says another instant or another person than entry {}", entry.seq);
                self.faults.add(format!("{} {}", entry.kind, entry.key), what);
            }
        }
        for row in others {
            self.faults.add(row.place(), format!("says that entry {} recorded it, which did not", entry.seq));
        }
    }

    /// Whether the plan's own row is the end of the chain.
    fn head(&mut self) -> Result<(), StoreError> {
        let (seq, at) = self.chain.last.map_or((self.start, None), |(seq, at)| (seq, Some(at)));
        if seq != self.plan.seq {
            let what = format!("its last entry should be {}, and the journal's is {seq}", self.plan.seq);
            self.faults.add("the plan's row", what);
        } else if self.chain.previous.as_ref().is_some_and(|digest| *digest != self.plan.head_digest) {
            self.faults.add("the plan's row", format!("its digest is not that of entry {seq}"));
        } else if at.is_some_and(|at| at != self.plan.changed_at) {
            self.faults.add("the plan's row", format!("its last change is not at the instant of entry {seq}"));
        }
        let own =
            definitions::latest(&mut self.conn.any, self.plan.id, DefinitionKind::Plan, self.plan.code.as_str(), None);
        let own = match own {
            Ok(own) => own,
            // Listed already.
            Err(DieselError::DeserializationError(_)) => None,
            Err(error) => return Err(self.conn.failed(error.into())),
        };
        let visibility = own.as_ref().and_then(|row| row.body.as_ref()?.get("visibility")?.as_str());
        if visibility.is_some_and(|visibility| (visibility == "public") != self.plan.public) {
            self.faults.add("the plan's row", "it is public where its definition says private, or the other way round");
        }
        Ok(())
    }

    /// Whether each grant is what the latest entry about it says.
    fn grants(&mut self) -> Result<(), StoreError> {
        for id in self.conn.run(|any| grants::ids(any, self.plan.id))? {
            let place = format!("grant {id}");
            let entry = self.grants.remove(&id);
            match grants::by_id(&mut self.conn.any, &id) {
                Ok(grant) => match entry {
                    None => self.faults.add(place, "no entry recorded it"),
                    Some((seq, after)) => {
                        if after != Some(canonical(&grant.document())) {
                            self.faults.add(place, format!("not what entry {seq} recorded"));
                        }
                    }
                },
                Err(DieselError::DeserializationError(error)) => {
                    self.faults.add(place, format!("cannot be read: {error}"));
                }
                Err(error) => return Err(self.conn.failed(error.into())),
            }
        }
        let mut missing: Vec<(Seq, String)> = self.grants.drain().map(|(id, (seq, _))| (seq, id)).collect();
        missing.sort();
        for (seq, id) in missing {
            self.faults.add(format!("entry {seq}"), format!("the grant {id} that it recorded is missing"));
        }
        Ok(())
    }

    /// Whether each webhook is what the latest entry about it says.
    fn webhooks(&mut self) -> Result<(), StoreError> {
        for webhook in webhooks::all(self.conn, self.plan.id)? {
            let place = format!("webhook {}", webhook.id);
            match self.webhooks.remove(&webhook.id.to_string()) {
                None => self.faults.add(place, "no entry recorded it"),
                Some((seq, after)) if after != Some(canonical(&webhook.document())) => {
                    self.faults.add(place, format!("not what entry {seq} recorded"));
                }
                Some(_) => {}
            }
        }
        let mut missing: Vec<(Seq, String)> = self.webhooks.drain().map(|(id, (seq, _))| (seq, id)).collect();
        missing.sort();
        for (seq, id) in missing {
            self.faults.add(format!("entry {seq}"), format!("the webhook {id} that it recorded is missing"));
        }
        Ok(())
    }

    /// Whether each board report holds what was frozen, by the SHA-256 in its definition.
    fn board_reports(&mut self) -> Result<(), StoreError> {
        let plan = self.plan.id;
        let defined = self.conn.run(|any| definitions::bodies(any, plan, DefinitionKind::BoardReport))?;
        let mut defined: BTreeMap<String, Option<String>> = defined.into_iter().collect();
        for id in self.conn.run(|any| board_reports::ids(any, plan))? {
            let place = format!("board report {id}");
            let Some(body) = defined.remove(&id) else {
                self.faults.add(place, "no definition matches what it holds");
                continue;
            };
            let members: Option<Value> = body.and_then(|body| serde_json::from_str(&body).ok());
            let frozen = members.as_ref().and_then(|members| members.get("sha256")?.as_str());
            match board_reports::by_id(&mut self.conn.any, plan, &id) {
                Ok(content) if content.as_deref().map(seal::sha256).as_deref() == frozen => {}
                Ok(_) => self.faults.add(place, "not what was frozen: its SHA-256 is not the one in its definition"),
                Err(DieselError::DeserializationError(error)) => {
                    self.faults.add(place, format!("cannot be read: {error}"));
                }
                Err(error) => return Err(self.conn.failed(error.into())),
            }
        }
        for id in defined.into_keys() {
            self.faults.add(format!("board report {id}"), "what it held is missing");
        }
        Ok(())
    }

    /// Whether revisions count from 1 without a gap, each written after the one before.
    fn revisions(&mut self) -> Result<(), StoreError> {
        for (name, table, key, columns) in [
            ("", "definitions", "kind || ' ' || code", "kind, code"),
            ("target ", "targets", "kpi || '/' || period", "kpi, period"),
            ("reading ", "readings", "kpi || '/' || period || '/' || group_code", "kpi, period, group_code"),
        ] {
            let broken: Vec<Revision> = self.conn.run(|any| {
                diesel::sql_query(format!(
                    "SELECT key, revision FROM (\
                       SELECT {key} AS key, revision, seq, \
                         LAG(revision) OVER earlier AS revision_before, LAG(seq) OVER earlier AS seq_before \
                       FROM {table} WHERE plan_id = $1 \
                       WINDOW earlier AS (PARTITION BY {columns} ORDER BY revision)\
                     ) AS revisions \
                     WHERE revision <> COALESCE(revision_before, 0) + 1 OR seq <= seq_before \
                     ORDER BY key, revision LIMIT {MOST_FAULTS}"
                ))
                .bind::<BigInt, _>(self.plan.id.0)
                .load(any)
            })?;
            for Revision { key, revision } in broken {
                self.faults.add(format!("{name}{key} revision {revision}"), "does not follow the revision before it");
            }
        }
        Ok(())
    }
}

#[derive(QueryableByName)]
struct Numbered {
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

#[derive(QueryableByName)]
struct Revision {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Integer)]
    revision: i32,
}
