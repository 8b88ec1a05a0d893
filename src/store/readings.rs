//! Readings, stored revision by revision. [`load_each`] brings all of them, [`page`], [`find`] and [`history`] bring a few.

#![expect(clippy::ref_option_ref, reason = "what Insertable derives")]

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use serde_json::Value;

use super::backend::{AnyConn, MultiBackend, insert_all, on_backend};
use super::schema::readings;
use super::types::{FromColumn, UtcTimestamp};
use super::{Conn, StoreError};
use waymark_domain::document::Document;
use waymark_domain::ids::{GroupCode, KpiCode, PlanId, Seq, Subject};
use waymark_domain::number::Figure;
use waymark_domain::observed::Observed;
use waymark_domain::period::Period;
use waymark_domain::policy::Status;
use waymark_domain::reading::ReportedFigure;
use waymark_domain::warning::Acknowledged;

/// One revision of a reading, to be written through `journal::record`.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadingRevision {
    /// Whose figure it is.
    pub kpi: KpiCode,
    /// Of when.
    pub period: Period,
    /// About whom.
    pub group: GroupCode,
    /// 1 for the first, and one more for each that replaces it.
    pub revision: i32,
    /// The figure and what is said with it. Its value is the exact one, computed if a numerator and a denominator were given.
    pub figure: ReportedFigure,
    /// The revision of the KPI's definition that it was reported under.
    pub definition_version: i32,
    /// Whether it replaced a figure whose round had closed.
    pub restated: bool,
}

impl ReadingRevision {
    /// Its key in the journal: `NI-117/FY2009-10-Q1/all`.
    pub fn key(&self) -> String {
        format!("{}/{}/{}", self.kpi, self.period, self.group)
    }

    /// The figure as an assessment sees it: posted by somebody, at a moment, in place of the one `before`.
    pub fn observed(&self, by: &Subject, at: DateTime<Utc>, before: Option<&Observed>) -> Observed {
        let observed = self.figure.observed(self.definition_version, by, at);
        observed.after(before, self.restated, self.figure.reason.as_deref())
    }

    /// Everything this revision says, as its journal entry has it; what is missing is left out.
    pub fn document(&self) -> Value {
        let Self { kpi, period, group, revision, figure, definition_version, restated } = self;
        let mut members = figure.members();
        members.retain(|_, value| !value.is_null());
        if figure.acknowledged.is_empty() {
            members.remove("acknowledged");
        }
        if let Some(status) = members.remove("status") {
            members.insert("determined_status".to_owned(), status);
        }
        if *restated {
            members.insert("restated".to_owned(), true.into());
        }
        members.insert("kpi".to_owned(), kpi.as_str().into());
        members.insert("period".to_owned(), period.to_string().into());
        members.insert("group".to_owned(), group.as_str().into());
        members.insert("revision".to_owned(), (*revision).into());
        members.insert("definition_version".to_owned(), (*definition_version).into());
        Value::Object(members)
    }
}

/// A revision of a reading as it is in the database.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadingRow {
    /// Its entry in the journal.
    pub seq: Seq,
    /// When it was recorded: the entry's instant.
    pub recorded_at: DateTime<Utc>,
    /// By whom: the entry's actor.
    pub recorded_by: Subject,
    /// What it says.
    pub said: ReadingRevision,
}

impl std::ops::Deref for ReadingRow {
    type Target = ReadingRevision;

    fn deref(&self) -> &ReadingRevision {
        &self.said
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = readings, check_for_backend(MultiBackend))]
struct Columns {
    #[diesel(deserialize_as = FromColumn<Seq>)]
    seq: Seq,
    #[diesel(deserialize_as = FromColumn<KpiCode>)]
    kpi: KpiCode,
    #[diesel(deserialize_as = FromColumn<Period>)]
    period: Period,
    #[diesel(deserialize_as = FromColumn<GroupCode>)]
    group_code: GroupCode,
    revision: i32,
    #[diesel(deserialize_as = FromColumn<Option<Figure>>)]
    value: Option<Figure>,
    #[diesel(deserialize_as = FromColumn<Option<Figure>>)]
    numerator: Option<Figure>,
    #[diesel(deserialize_as = FromColumn<Option<Figure>>)]
    denominator: Option<Figure>,
    provisional: bool,
    nil_return: Option<String>,
    #[diesel(deserialize_as = FromColumn<Option<Status>>)]
    determined_status: Option<Status>,
    commentary: Option<String>,
    reason: Option<String>,
    definition_version: i32,
    #[diesel(deserialize_as = FromColumn<Option<Figure>>)]
    forecast: Option<Figure>,
    restated: bool,
    #[diesel(deserialize_as = FromColumn<Acknowledged>)]
    acknowledged: Acknowledged,
    recorded_at: UtcTimestamp,
    #[diesel(deserialize_as = FromColumn<Subject>)]
    recorded_by: Subject,
}

impl From<Columns> for ReadingRow {
    fn from(columns: Columns) -> Self {
        let figure = ReportedFigure {
            value: columns.value,
            numerator: columns.numerator,
            denominator: columns.denominator,
            provisional: columns.provisional,
            nil_return: columns.nil_return,
            status: columns.determined_status,
            commentary: columns.commentary,
            reason: columns.reason,
            forecast: columns.forecast,
            acknowledged: columns.acknowledged,
        };
        Self {
            seq: columns.seq,
            recorded_at: columns.recorded_at.into(),
            recorded_by: columns.recorded_by,
            said: ReadingRevision {
                kpi: columns.kpi,
                period: columns.period,
                group: columns.group_code,
                revision: columns.revision,
                figure,
                definition_version: columns.definition_version,
                restated: columns.restated,
            },
        }
    }
}

/// How many figures are in memory at a time while all are brought.
const FIGURES_AT_A_TIME: i64 = 5_000;

/// Brings every revision written after `after` and up to `up_to` (to the last if `None`) to `each`, in the order of
/// writing, a few thousand at a time, so that a million figures need no more memory than `each` keeps.
pub fn load_each(
    conn: &mut Conn,
    plan: PlanId,
    after: Seq,
    up_to: Option<Seq>,
    mut each: impl FnMut(ReadingRow),
) -> Result<(), StoreError> {
    let mut after = after;
    loop {
        let rows: Vec<Columns> = conn.run(|any| {
            on_backend!(any, |conn| {
                readings::table
                    .filter(readings::plan_id.eq(plan.0))
                    .filter(readings::seq.gt(after.0))
                    .filter(readings::seq.le(up_to.map_or(i64::MAX, |seq| seq.0)))
                    .order(readings::seq)
                    .limit(FIGURES_AT_A_TIME)
                    .select(Columns::as_select())
                    .load(conn)
            })
        })?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.seq;
        rows.into_iter().map(ReadingRow::from).for_each(&mut each);
    }
}

/// The revisions written after `after` and up to `up_to`.
pub(super) fn between(any: &mut AnyConn, plan: PlanId, after: Seq, up_to: Seq) -> QueryResult<Vec<ReadingRow>> {
    let rows: Vec<Columns> = readings::table
        .filter(readings::plan_id.eq(plan.0))
        .filter(readings::seq.gt(after.0))
        .filter(readings::seq.le(up_to.0))
        .order(readings::seq)
        .select(Columns::as_select())
        .load(any)?;
    Ok(rows.into_iter().map(ReadingRow::from).collect())
}

/// The latest revision of one reading, as known up to `up_to` (to the last if `None`).
pub fn find(
    conn: &mut Conn,
    plan: PlanId,
    kpi: &KpiCode,
    period: Period,
    group: &GroupCode,
    up_to: Option<Seq>,
) -> Result<Option<ReadingRow>, StoreError> {
    let row: Option<Columns> = conn.run(|any| {
        readings::table
            .filter(readings::plan_id.eq(plan.0))
            .filter(readings::kpi.eq(kpi.as_str()))
            .filter(readings::period.eq(period.to_string()))
            .filter(readings::group_code.eq(group.as_str()))
            // A sum, so that SQLite does not take the index by `seq` and go through all of the plan.
            .filter((readings::seq + 0).le(up_to.map_or(i64::MAX, |seq| seq.0)))
            .order(readings::revision.desc())
            .select(Columns::as_select())
            .first(any)
            .optional()
    })?;
    Ok(row.map(ReadingRow::from))
}

/// Every revision of one reading, the first one first.
pub fn history(
    conn: &mut Conn,
    plan: PlanId,
    kpi: &KpiCode,
    period: Period,
    group: &GroupCode,
) -> Result<Vec<ReadingRow>, StoreError> {
    let rows: Vec<Columns> = conn.run(|any| {
        readings::table
            .filter(readings::plan_id.eq(plan.0))
            .filter(readings::kpi.eq(kpi.as_str()))
            .filter(readings::period.eq(period.to_string()))
            .filter(readings::group_code.eq(group.as_str()))
            .order(readings::revision)
            .select(Columns::as_select())
            .load(any)
    })?;
    Ok(rows.into_iter().map(ReadingRow::from).collect())
}

/// Which readings a page is cut from; the default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadingFilter {
    /// Only this KPI's.
    pub kpi: Option<KpiCode>,
    /// Only of this period.
    pub period: Option<Period>,
    /// Only about this group.
    pub group: Option<GroupCode>,
    /// Only of these KPIs, which may be none: what the caller may see.
    pub kpis: Option<Vec<KpiCode>>,
}

/// What a reading is known by within its plan; pages go in this order, the period by the text of its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReadingKey {
    /// Whose figure.
    pub kpi: KpiCode,
    /// Of when.
    pub period: Period,
    /// About whom.
    pub group: GroupCode,
}

impl ReadingRevision {
    /// What it is known by.
    pub fn reading_key(&self) -> ReadingKey {
        ReadingKey { kpi: self.kpi.clone(), period: self.period, group: self.group.clone() }
    }
}

/// The latest revision of each reading that the filter lets through, as known up to `up_to` (to the last if `None`), at
/// most `limit` of those that come after `after` in the order of their keys.
pub fn page(
    conn: &mut Conn,
    plan: PlanId,
    filter: &ReadingFilter,
    up_to: Option<Seq>,
    after: Option<&ReadingKey>,
    limit: i64,
) -> Result<Vec<ReadingRow>, StoreError> {
    let up_to = up_to.map_or(i64::MAX, |seq| seq.0);
    let newer = diesel::alias!(readings as newer);
    let replaced = newer
        .filter(newer.field(readings::plan_id).eq(readings::plan_id))
        .filter(newer.field(readings::kpi).eq(readings::kpi))
        .filter(newer.field(readings::period).eq(readings::period))
        .filter(newer.field(readings::group_code).eq(readings::group_code))
        .filter(newer.field(readings::revision).gt(readings::revision))
        .filter(newer.field(readings::seq).le(up_to));
    let mut query = readings::table
        .filter(readings::plan_id.eq(plan.0))
        // A sum, as in `find`: all of the plan would be sorted for the sake of one page.
        .filter((readings::seq + 0).le(up_to))
        .filter(not(exists(replaced)))
        .order((readings::kpi, readings::period, readings::group_code))
        .limit(limit)
        .select(Columns::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(kpi) = &filter.kpi {
        query = query.filter(readings::kpi.eq(kpi.as_str()));
    }
    if let Some(period) = filter.period {
        query = query.filter(readings::period.eq(period.to_string()));
    }
    if let Some(group) = &filter.group {
        query = query.filter(readings::group_code.eq(group.as_str()));
    }
    if let Some(kpis) = &filter.kpis {
        query = query.filter(readings::kpi.eq_any(kpis.iter().map(KpiCode::as_str)));
    }
    if let Some(after) = after {
        let (kpi, period, group) = (after.kpi.as_str(), after.period.to_string(), after.group.as_str());
        // `(kpi, period, group_code) > (...)`, spelled out; the first line is what an index can seek by.
        query = query.filter(readings::kpi.ge(kpi)).filter(readings::kpi.gt(kpi).or(
            readings::period.gt(period.clone()).or(readings::period.eq(period).and(readings::group_code.gt(group))),
        ));
    }
    let rows: Vec<Columns> = conn.run(|any| query.load(any))?;
    Ok(rows.into_iter().map(ReadingRow::from).collect())
}

#[derive(Insertable)]
#[diesel(table_name = readings, treat_none_as_default_value = false)]
struct Stored<'a> {
    plan_id: i64,
    kpi: &'a str,
    period: String,
    group_code: &'a str,
    revision: i32,
    seq: i64,
    value: Option<String>,
    numerator: Option<String>,
    denominator: Option<String>,
    provisional: bool,
    nil_return: Option<&'a str>,
    determined_status: Option<&'static str>,
    commentary: Option<&'a str>,
    reason: Option<&'a str>,
    definition_version: i32,
    forecast: Option<String>,
    restated: bool,
    acknowledged: String,
    recorded_at: UtcTimestamp,
    recorded_by: &'a str,
}

pub(super) fn insert(
    any: &mut AnyConn,
    plan: PlanId,
    at: UtcTimestamp,
    by: &Subject,
    rows: &[(Seq, ReadingRevision)],
) -> QueryResult<()> {
    let text = |figure: Option<Figure>| figure.map(|figure| figure.to_string());
    let rows: Vec<Stored<'_>> = rows
        .iter()
        .map(|(seq, said)| {
            let ReadingRevision { kpi, period, group, revision, figure, definition_version, restated } = said;
            Stored {
                plan_id: plan.0,
                kpi: kpi.as_str(),
                period: period.to_string(),
                group_code: group.as_str(),
                revision: *revision,
                seq: seq.0,
                value: text(figure.value),
                numerator: text(figure.numerator),
                denominator: text(figure.denominator),
                provisional: figure.provisional,
                nil_return: figure.nil_return.as_deref(),
                determined_status: figure.status.map(Status::as_str),
                commentary: figure.commentary.as_deref(),
                reason: figure.reason.as_deref(),
                definition_version: *definition_version,
                forecast: text(figure.forecast),
                restated: *restated,
                acknowledged: figure.acknowledged.to_string(),
                recorded_at: at,
                recorded_by: by.as_str(),
            }
        })
        .collect();
    insert_all!(any, readings::table, rows)
}
