//! Readings, stored revision by revision. [`load_figures`] brings them all as reports are made from them; [`page`],
//! [`find`] and [`history`] bring a few with everything.

#![expect(clippy::ref_option_ref, reason = "what Insertable derives")]

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use serde_json::Value;

use super::backend::{AnyConn, MultiBackend, insert_all, on_backend};
use super::schema::readings;
use super::types::{FromColumn, UtcTimestamp};
use super::{Conn, StoreError};
use crate::domain::ids::{GroupCode, KpiCode, PlanId, Seq, Subject};
use crate::domain::number::Figure;
use crate::domain::period::Period;
use crate::domain::policy::Status;
use crate::domain::warning::Acknowledged;

/// One revision of a reading, to be written through `journal::record`.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = readings, check_for_backend(MultiBackend))]
pub struct ReadingRevision {
    /// Whose figure it is.
    #[diesel(deserialize_as = FromColumn<KpiCode>)]
    pub kpi: KpiCode,
    /// Of when.
    #[diesel(deserialize_as = FromColumn<Period>)]
    pub period: Period,
    /// About whom.
    #[diesel(column_name = group_code)]
    #[diesel(deserialize_as = FromColumn<GroupCode>)]
    pub group: GroupCode,
    /// 1 for the first, and one more for each that replaces it.
    pub revision: i32,
    /// The exact figure, computed if a numerator and denominator were given; `None` for a nil return.
    #[diesel(deserialize_as = FromColumn<Option<Figure>>)]
    pub value: Option<Figure>,
    /// What was counted, if that was given.
    #[diesel(deserialize_as = FromColumn<Option<Figure>>)]
    pub numerator: Option<Figure>,
    /// Over what it was counted; there whenever the numerator is.
    #[diesel(deserialize_as = FromColumn<Option<Figure>>)]
    pub denominator: Option<Figure>,
    /// Whether the figure may still change.
    pub provisional: bool,
    /// Why there is no figure, if that was declared.
    pub nil_return: Option<String>,
    /// The status that a partner determined.
    #[diesel(deserialize_as = FromColumn<Option<Status>>)]
    pub determined_status: Option<Status>,
    /// What readers should know about the figure.
    pub commentary: Option<String>,
    /// Why it replaces the one before.
    pub reason: Option<String>,
    /// The revision of the KPI's definition that it was reported under.
    pub definition_version: i32,
    /// The year's end as its sub-group forecasts it.
    #[diesel(deserialize_as = FromColumn<Option<Figure>>)]
    pub forecast: Option<Figure>,
    /// Whether it replaced a figure whose round had closed.
    pub restated: bool,
    /// The warnings that the person who reported it has confirmed.
    #[diesel(deserialize_as = FromColumn<Acknowledged>)]
    pub acknowledged: Acknowledged,
}

impl ReadingRevision {
    /// Its key in the journal: `NI-117/FY2009-10-Q1/all`.
    pub fn key(&self) -> String {
        format!("{}/{}/{}", self.kpi, self.period, self.group)
    }

    /// Everything this revision says, as its journal entry has it; what is missing is left out.
    pub fn document(&self) -> Value {
        let figure = |figure: Figure| serde_json::to_value(figure).unwrap_or_default();
        let text = |text: &String| Value::from(text.as_str());
        let Self {
            kpi,
            period,
            group,
            revision,
            value,
            numerator,
            denominator,
            provisional,
            nil_return,
            determined_status,
            commentary,
            reason,
            definition_version,
            forecast,
            restated,
            acknowledged,
        } = self;
        let members = [
            (
                "acknowledged",
                (!acknowledged.is_empty()).then(|| serde_json::to_value(acknowledged).unwrap_or_default()),
            ),
            ("commentary", commentary.as_ref().map(text)),
            ("definition_version", Some((*definition_version).into())),
            ("denominator", denominator.map(figure)),
            ("determined_status", determined_status.map(|status| status.as_str().into())),
            ("forecast", forecast.map(figure)),
            ("group", Some(group.as_str().into())),
            ("kpi", Some(kpi.as_str().into())),
            ("nil_return", nil_return.as_ref().map(text)),
            ("numerator", numerator.map(figure)),
            ("period", Some(period.to_string().into())),
            ("provisional", Some((*provisional).into())),
            ("reason", reason.as_ref().map(text)),
            ("restated", restated.then(|| true.into())),
            ("revision", Some((*revision).into())),
            ("value", value.map(figure)),
        ];
        Value::Object(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    }
}

/// A revision of a reading as it is in the database.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = readings, check_for_backend(MultiBackend))]
pub struct ReadingRow {
    /// Its entry in the journal.
    #[diesel(deserialize_as = FromColumn<Seq>)]
    pub seq: Seq,
    /// When it was recorded: the entry's instant.
    #[diesel(deserialize_as = UtcTimestamp)]
    pub recorded_at: DateTime<Utc>,
    /// By whom: the entry's actor.
    #[diesel(deserialize_as = FromColumn<Subject>)]
    pub recorded_by: Subject,
    /// What it says.
    #[diesel(embed)]
    pub said: ReadingRevision,
}

impl std::ops::Deref for ReadingRow {
    type Target = ReadingRevision;

    fn deref(&self) -> &ReadingRevision {
        &self.said
    }
}

/// A reading as reports are made from it.
#[derive(Clone, Debug, PartialEq, Queryable)]
pub struct FigureRow {
    /// Its entry in the journal.
    #[diesel(deserialize_as = FromColumn<Seq>)]
    pub seq: Seq,
    /// Whose figure it is.
    #[diesel(deserialize_as = FromColumn<KpiCode>)]
    pub kpi: KpiCode,
    /// Of when.
    #[diesel(deserialize_as = FromColumn<Period>)]
    pub period: Period,
    /// About whom.
    #[diesel(deserialize_as = FromColumn<GroupCode>)]
    pub group: GroupCode,
    /// 1 for the first, and one more for each that replaces it.
    pub revision: i32,
    /// The exact figure.
    #[diesel(deserialize_as = FromColumn<Option<Figure>>)]
    pub value: Option<Figure>,
    /// What was counted.
    #[diesel(deserialize_as = FromColumn<Option<Figure>>)]
    pub numerator: Option<Figure>,
    /// Over what.
    #[diesel(deserialize_as = FromColumn<Option<Figure>>)]
    pub denominator: Option<Figure>,
    /// Whether the figure may still change.
    pub provisional: bool,
    /// Whether it was declared that there is no figure.
    pub nil_return: bool,
    /// The status that a partner determined.
    #[diesel(deserialize_as = FromColumn<Option<Status>>)]
    pub determined_status: Option<Status>,
    /// What readers should know about the figure.
    pub commentary: Option<String>,
    /// Why it replaces the one before.
    pub reason: Option<String>,
    /// The revision of the KPI's definition that it was reported under.
    pub definition_version: i32,
    /// The year's end as its sub-group forecasts it.
    #[diesel(deserialize_as = FromColumn<Option<Figure>>)]
    pub forecast: Option<Figure>,
    /// Whether it replaced a figure whose round had closed.
    pub restated: bool,
    /// The warnings that the person who reported it has confirmed.
    #[diesel(deserialize_as = FromColumn<Acknowledged>)]
    pub acknowledged: Acknowledged,
    /// When it was recorded.
    #[diesel(deserialize_as = UtcTimestamp)]
    pub recorded_at: DateTime<Utc>,
    /// By whom.
    #[diesel(deserialize_as = FromColumn<Subject>)]
    pub recorded_by: Subject,
}

/// How many figures are in memory at a time while all are brought.
const FIGURES_AT_A_TIME: i64 = 5_000;

/// Brings every revision written after `after` and up to `up_to` (to the last if `None`) to `each`, in the order of
/// writing, a few thousand at a time, so that a million figures need no more memory than `each` keeps.
pub fn load_figures(
    conn: &mut Conn,
    plan: PlanId,
    after: Seq,
    up_to: Option<Seq>,
    mut each: impl FnMut(FigureRow),
) -> Result<(), StoreError> {
    let mut after = after;
    loop {
        let figures: Vec<FigureRow> = conn.run(|any| {
            on_backend!(any, |conn| {
                readings::table
                    .filter(readings::plan_id.eq(plan.0))
                    .filter(readings::seq.gt(after.0))
                    .filter(readings::seq.le(up_to.map_or(i64::MAX, |seq| seq.0)))
                    .order(readings::seq)
                    .limit(FIGURES_AT_A_TIME)
                    .select((
                        readings::seq,
                        readings::kpi,
                        readings::period,
                        readings::group_code,
                        readings::revision,
                        readings::value,
                        readings::numerator,
                        readings::denominator,
                        readings::provisional,
                        readings::nil_return.is_not_null(),
                        readings::determined_status,
                        readings::commentary,
                        readings::reason,
                        readings::definition_version,
                        readings::forecast,
                        readings::restated,
                        readings::acknowledged,
                        readings::recorded_at,
                        readings::recorded_by,
                    ))
                    .load(conn)
            })
        })?;
        let Some(last) = figures.last() else { return Ok(()) };
        after = last.seq;
        figures.into_iter().for_each(&mut each);
    }
}

/// The revisions written after `after` and up to `up_to`, with everything.
pub(super) fn between(any: &mut AnyConn, plan: PlanId, after: Seq, up_to: Seq) -> QueryResult<Vec<ReadingRow>> {
    readings::table
        .filter(readings::plan_id.eq(plan.0))
        .filter(readings::seq.gt(after.0))
        .filter(readings::seq.le(up_to.0))
        .order(readings::seq)
        .select(ReadingRow::as_select())
        .load(any)
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
    conn.run(|any| {
        readings::table
            .filter(readings::plan_id.eq(plan.0))
            .filter(readings::kpi.eq(kpi.as_str()))
            .filter(readings::period.eq(period.to_string()))
            .filter(readings::group_code.eq(group.as_str()))
            // A sum, so that SQLite does not take the index by `seq` and go through all of the plan.
            .filter((readings::seq + 0).le(up_to.map_or(i64::MAX, |seq| seq.0)))
            .order(readings::revision.desc())
            .select(ReadingRow::as_select())
            .first(any)
            .optional()
    })
}

/// Every revision of one reading, the first one first.
pub fn history(
    conn: &mut Conn,
    plan: PlanId,
    kpi: &KpiCode,
    period: Period,
    group: &GroupCode,
) -> Result<Vec<ReadingRow>, StoreError> {
    conn.run(|any| {
        readings::table
            .filter(readings::plan_id.eq(plan.0))
            .filter(readings::kpi.eq(kpi.as_str()))
            .filter(readings::period.eq(period.to_string()))
            .filter(readings::group_code.eq(group.as_str()))
            .order(readings::revision)
            .select(ReadingRow::as_select())
            .load(any)
    })
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
        .select(ReadingRow::as_select())
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
    conn.run(|any| query.load(any))
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
            // Named one by one, so that the compiler asks for a member that is added.
            let ReadingRevision {
                kpi,
                period,
                group,
                revision,
                value,
                numerator,
                denominator,
                provisional,
                nil_return,
                determined_status,
                commentary,
                reason,
                definition_version,
                forecast,
                restated,
                acknowledged,
            } = said;
            Stored {
                plan_id: plan.0,
                kpi: kpi.as_str(),
                period: period.to_string(),
                group_code: group.as_str(),
                revision: *revision,
                seq: seq.0,
                value: text(*value),
                numerator: text(*numerator),
                denominator: text(*denominator),
                provisional: *provisional,
                nil_return: nil_return.as_deref(),
                determined_status: determined_status.map(Status::as_str),
                commentary: commentary.as_deref(),
                reason: reason.as_deref(),
                definition_version: *definition_version,
                forecast: text(*forecast),
                restated: *restated,
                acknowledged: acknowledged.to_string(),
                recorded_at: at,
                recorded_by: by.as_str(),
            }
        })
        .collect();
    insert_all!(any, readings::table, rows)
}
