//! How the domain's words are stored in columns, and read back or refused.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow, Queryable};
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp};
use diesel::sqlite::Sqlite;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::backend::MultiBackend;
use super::kinds::{CredentialKind, DefinitionKind, EntryKind};
use waymark_domain::access::Role;
use waymark_domain::ids::{
    AreaCode, CredentialId, GrantId, GroupCode, KpiCode, OrganisationCode, PlanCode, PlanId, SecretId, Seq, Subject,
    WebhookId,
};
use waymark_domain::number::Figure;
use waymark_domain::period::Period;
use waymark_domain::policy::Status;
use waymark_domain::target::{TargetKind, TargetState};
use waymark_domain::warning::Acknowledged;

/// A word of the domain as it is read out of a column, for `deserialize_as`. The domain knows no database, so its types are
/// wrapped here.
pub struct FromColumn<T>(pub T);

/// A type whose column is text. What its parser refuses is a fault of the database's content.
pub trait OfText: Sized {
    /// Reads it, or states what is wrong with the text.
    fn of_text(text: &str) -> Result<Self, String>;
}

/// A type whose column is a whole number.
pub trait OfNumber {
    /// Takes the number as it is.
    fn of_number(number: i64) -> Self;
}

impl<T, DB> FromSql<Text, DB> for FromColumn<T>
where
    T: OfText,
    DB: Backend,
    String: FromSql<Text, DB>,
{
    fn from_sql(raw: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let text = String::from_sql(raw)?;
        let read = T::of_text(&text).map_err(|error| format!("`{text}` {error}"))?;
        Ok(Self(read))
    }
}

impl<T, DB> FromSql<BigInt, DB> for FromColumn<T>
where
    T: OfNumber,
    DB: Backend,
    i64: FromSql<BigInt, DB>,
{
    fn from_sql(raw: DB::RawValue<'_>) -> deserialize::Result<Self> {
        i64::from_sql(raw).map(|number| Self(T::of_number(number)))
    }
}

/// What a column gives, and what one gives that may be NULL.
macro_rules! queried {
    ($($column:ty)*) => { $(
        impl<T, DB> Queryable<$column, DB> for FromColumn<T>
        where
            DB: Backend,
            Self: FromSql<$column, DB>,
        {
            type Row = Self;

            fn build(row: Self) -> deserialize::Result<Self> {
                Ok(row)
            }
        }

        impl<T, DB> Queryable<Nullable<$column>, DB> for FromColumn<Option<T>>
        where
            DB: Backend,
            Option<FromColumn<T>>: deserialize::FromStaticSqlRow<Nullable<$column>, DB>,
        {
            type Row = Option<FromColumn<T>>;

            fn build(row: Self::Row) -> deserialize::Result<Self> {
                Ok(Self(row.map(|stored| stored.0)))
            }
        }
    )* };
}

queried! { Text BigInt }

/// `deserialize_as` asks for these, and a conversion of all types at once is not ours to write.
macro_rules! unwrapped {
    ($($kind:ty)*) => { $(
        impl From<FromColumn<Self>> for $kind {
            fn from(stored: FromColumn<Self>) -> Self {
                stored.0
            }
        }

        impl From<FromColumn<Self>> for Option<$kind> {
            fn from(stored: FromColumn<Self>) -> Self {
                stored.0
            }
        }
    )* };
}

macro_rules! read_from_text {
    ($($kind:ty => $read:expr),* $(,)?) => {
        $(impl OfText for $kind {
            fn of_text(text: &str) -> Result<Self, String> {
                let read: Result<Self, _> = $read(text);
                read.map_err(|error| error.to_string())
            }
        })*

        unwrapped! { $($kind)* }
    };
}

read_from_text! {
    PlanCode => str::parse,
    KpiCode => str::parse,
    GroupCode => str::parse,
    OrganisationCode => str::parse,
    Subject => str::parse,
    Period => str::parse,
    Figure => Figure::from_stored,
    Role => str::parse,
    TargetKind => str::parse,
    TargetState => str::parse,
    Status => |text: &str| Status::named(text).ok_or("is not a status"),
    DefinitionKind => |text: &str| DefinitionKind::named(text).ok_or("is no kind of definition"),
    EntryKind => str::parse,
    GrantId => str::parse,
    CredentialKind => |text: &str| CredentialKind::named(text).ok_or("is no kind of credential"),
    CredentialId => str::parse,
    SecretId => str::parse,
    WebhookId => str::parse,
    Acknowledged => str::parse,
}

macro_rules! read_from_number {
    ($($kind:ident)*) => {
        $(impl OfNumber for $kind {
            fn of_number(number: i64) -> Self {
                Self(number)
            }
        })*

        unwrapped! { $($kind)* }
    };
}

read_from_number! { PlanId Seq }

/// An instant as both databases keep it: in UTC, without a zone, cut to microseconds. SQLite keeps it as text of one
/// length, so that it sorts in time.
#[derive(Clone, Copy, Debug, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Timestamp)]
pub struct UtcTimestamp(DateTime<Utc>);

impl From<DateTime<Utc>> for UtcTimestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant.trunc_subsecs(6))
    }
}

impl From<UtcTimestamp> for DateTime<Utc> {
    fn from(stored: UtcTimestamp) -> Self {
        stored.0
    }
}

impl<DB> FromSql<Timestamp, DB> for UtcTimestamp
where
    DB: Backend,
    NaiveDateTime: FromSql<Timestamp, DB>,
{
    fn from_sql(raw: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(NaiveDateTime::from_sql(raw)?.and_utc()))
    }
}

impl ToSql<Timestamp, Pg> for UtcTimestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Timestamp, Pg>::to_sql(&self.0.naive_utc(), &mut out.reborrow())
    }
}

impl ToSql<Timestamp, Sqlite> for UtcTimestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.format("%F %T%.6f").to_string());
        Ok(IsNull::No)
    }
}

impl ToSql<Timestamp, MultiBackend> for UtcTimestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Timestamp, self));
        Ok(IsNull::No)
    }
}

/// An instant that may be missing, for `deserialize_as`.
#[derive(Clone, Copy, Debug)]
pub struct MaybeTimestamp(Option<UtcTimestamp>);

impl<DB> Queryable<Nullable<Timestamp>, DB> for MaybeTimestamp
where
    DB: Backend,
    Option<UtcTimestamp>: deserialize::FromStaticSqlRow<Nullable<Timestamp>, DB>,
{
    type Row = Option<UtcTimestamp>;

    fn build(row: Self::Row) -> deserialize::Result<Self> {
        Ok(Self(row))
    }
}

impl From<MaybeTimestamp> for Option<DateTime<Utc>> {
    fn from(stored: MaybeTimestamp) -> Self {
        stored.0.map(DateTime::from)
    }
}

/// JSON in a column, for `deserialize_as`: a list of codes, or a whole document.
#[derive(Clone, Debug, FromSqlRow)]
pub struct Json<T>(T);

impl<T, DB> FromSql<Text, DB> for Json<T>
where
    T: DeserializeOwned,
    DB: Backend,
    String: FromSql<Text, DB>,
{
    fn from_sql(raw: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(serde_json::from_str(&String::from_sql(raw)?)?))
    }
}

impl From<Json<Self>> for Vec<AreaCode> {
    fn from(stored: Json<Self>) -> Self {
        stored.0
    }
}

impl From<Json<Self>> for Vec<String> {
    fn from(stored: Json<Self>) -> Self {
        stored.0
    }
}

impl From<Json<Self>> for Vec<KpiCode> {
    fn from(stored: Json<Self>) -> Self {
        stored.0
    }
}

/// JSON that may be missing, for `deserialize_as`.
#[derive(Clone, Debug)]
pub struct MaybeJson(Option<Json<Value>>);

impl<DB> Queryable<Nullable<Text>, DB> for MaybeJson
where
    DB: Backend,
    Option<Json<Value>>: deserialize::FromStaticSqlRow<Nullable<Text>, DB>,
{
    type Row = Option<Json<Value>>;

    fn build(row: Self::Row) -> deserialize::Result<Self> {
        Ok(Self(row))
    }
}

impl From<MaybeJson> for Option<Value> {
    fn from(stored: MaybeJson) -> Self {
        stored.0.map(|json| json.0)
    }
}

/// A value as the one JSON text that the store writes for it: no spaces, members in the order of their names, numbers
/// with the digits they have.
pub(super) fn canonical(value: &Value) -> String {
    let mut sorted;
    // Whether objects keep the order of insertion is up to a feature that any dependency may switch on.
    let value = if is_sorted(value) {
        value
    } else {
        sorted = value.clone();
        sorted.sort_all_objects();
        &sorted
    };
    value.to_string()
}

fn is_sorted(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.keys().is_sorted() && members.values().all(is_sorted),
        Value::Array(items) => items.iter().all(is_sorted),
        _ => true,
    }
}

/// A list of codes as a JSON array.
pub(super) fn json_list<T: Serialize>(codes: &[T]) -> String {
    canonical(&codes.iter().map(|code| serde_json::to_value(code).unwrap_or_default()).collect())
}

/// Bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _written = write!(hex, "{byte:02x}");
        hex
    })
}

/// A number that nothing else has, and that sorts by when it was made.
pub fn new_id(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.timestamp_subsec_nanos()))
}
