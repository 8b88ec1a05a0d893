//! Documents: the things a person writes (a plan, a KPI, a target, a figure), read from JSON with every fault found at
//! once.
//!
//! `document!` turns one list of fields into the type, its reader and its three schemas: as it is sent (every field
//! there), as it is made (what has a default may be left out) and as it is changed (a merge patch, in which `null` puts
//! a field back to its default).

use std::any::TypeId;
use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Schema, SchemaType, Type};
use utoipa::openapi::{OneOfBuilder, RefOr};

use super::invalid::Invalid;
use super::wording::misfit;
use super::wording::nearest;

/// Something that `document!` made.
pub trait Document: Sized {
    /// Reads the document from the members of a JSON object.
    ///
    /// # Errors
    /// Every member that is missing, unknown or of the wrong shape, each at its pointer.
    fn parse(members: Map<String, Value>) -> Result<Self, Invalid>;

    /// The members as they are sent and stored.
    fn members(&self) -> Map<String, Value>;
}

/// A document whose members `document!` lists.
pub trait Listed: Document {
    /// The names of its members, in its order.
    fn fields() -> &'static [&'static str];

    /// The names of those that must be given.
    fn required() -> Vec<&'static str>;
}

/// Lays a merge patch (RFC 7396) over a document's members.
fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, change) in patch {
        match change {
            Value::Null => drop(target.remove(&name)),
            Value::Object(inner) => {
                if let Some(Value::Object(known)) = target.get_mut(&name) {
                    merge(known, inner);
                } else {
                    let mut fresh = Map::new();
                    merge(&mut fresh, inner);
                    target.insert(name, Value::Object(fresh));
                }
            }
            other => drop(target.insert(name, other)),
        }
    }
}

/// Lays a merge patch over the whole of a document's members. To remove a member that no document has is a slip as any
/// other unknown member is: it stays, for the reader to refuse.
pub fn lay_over(members: &mut Map<String, Value>, patch: Map<String, Value>) {
    let unknown = patch.iter().filter(|(name, change)| change.is_null() && !members.contains_key(*name));
    let unknown: Vec<String> = unknown.map(|(name, _)| name.clone()).collect();
    merge(members, patch);
    members.extend(unknown.into_iter().map(|name| (name, Value::Null)));
}

/// The members that somebody gave, be it as `null` or as an empty cell: those leave nothing of what was there, and any other
/// leaves what is there.
#[derive(Clone, Debug, Default)]
pub struct Given(Vec<Cow<'static, str>>);

impl Given {
    /// Those of some members that are given.
    pub fn among(members: &[&'static str], is_given: impl Fn(&str) -> bool) -> Self {
        Self(members.iter().copied().filter(|member| is_given(member)).map(Cow::Borrowed).collect())
    }

    /// Whether a member is given.
    pub fn has(&self, member: &str) -> bool {
        self.0.iter().any(|given| given == member)
    }

    /// Whether any of these members is given.
    pub fn has_any(&self, members: &[&str]) -> bool {
        members.iter().any(|member| self.has(member))
    }
}

/// Reads a document that is to be laid over the stored one, and which of its members were given. `null` stands for a
/// member's default.
///
/// # Errors
/// As [`Document::parse`].
pub fn parse_given<D: Document>(members: Map<String, Value>) -> Result<(D, Given), Invalid> {
    let given = Given(members.keys().cloned().map(Cow::Owned).collect());
    let mut whole = D::parse(Map::new()).map(|defaults| defaults.members()).unwrap_or_default();
    lay_over(&mut whole, members);
    Ok((D::parse(whole)?, given))
}

/// The merge patch that makes `now` of `before`.
pub fn patch_between(before: &Map<String, Value>, now: &Map<String, Value>) -> Map<String, Value> {
    let gone = before.keys().filter(|name| !now.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    let changed = now.iter().filter(|(name, value)| before.get(*name) != Some(value)).map(|(name, value)| {
        let value = match (before.get(name), value) {
            (Some(Value::Object(before)), Value::Object(now)) => Value::Object(patch_between(before, now)),
            _ => value.clone(),
        };
        (name.clone(), value)
    });
    gone.chain(changed).collect()
}

/// What is wanted when a moment or a day is read, which the reader of these says in words about itself.
fn wanted<T: 'static>() -> Option<&'static str> {
    let is_among = |kinds: [TypeId; 2]| kinds.contains(&TypeId::of::<T>());
    if is_among([TypeId::of::<DateTime<Utc>>(), TypeId::of::<Option<DateTime<Utc>>>()]) {
        Some("write an instant such as 2027-01-31T12:00:00Z")
    } else if is_among([TypeId::of::<NaiveDate>(), TypeId::of::<Option<NaiveDate>>()]) {
        Some("write a day such as 2027-01-31")
    } else {
        None
    }
}

/// Removes one member from an object: `Some` if it is there and of the right shape. Notes what is wrong.
pub fn take<T: DeserializeOwned + 'static>(
    members: &mut Map<String, Value>,
    name: &str,
    invalid: &mut Invalid,
) -> Option<T> {
    match serde_path_to_error::deserialize(members.remove(name)?) {
        Ok(value) => Some(value),
        Err(error) => {
            let inner: String = error
                .path()
                .iter()
                .filter_map(|segment| match segment {
                    serde_path_to_error::Segment::Seq { index } => Some(format!("/{index}")),
                    serde_path_to_error::Segment::Map { key } => Some(format!("/{}", escape(key))),
                    _ => None,
                })
                .collect();
            let message = wanted::<T>().map_or_else(|| misfit(&error.inner().to_string()), str::to_owned);
            invalid.at(format!("/{name}{inner}"), "wrong_shape", format!("`{name}`: {message}"));
            None
        }
    }
}

/// Escapes a member's name for a JSON pointer.
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Notes every member that no field took.
pub fn refuse_unknown(members: &Map<String, Value>, fields: &[&str], invalid: &mut Invalid) {
    for name in members.keys() {
        let hint = nearest(name, fields.iter().copied()).map(|field| format!("; did you mean `{field}`?"));
        let hint = hint.unwrap_or_else(|| format!("; the members are {}", fields.join(", ")));
        invalid.at(format!("/{}", escape(name)), "unknown_member", format!("`{name}` is not a member here{hint}"));
    }
}

/// The schema of a request: `full` closed, with only `required` demanded; if `nullable`, every other member may be
/// `null`.
pub fn request_schema(full: RefOr<Schema>, required: &[&str], nullable: bool) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = full else { return full };
    object.required = if nullable { Vec::new() } else { required.iter().map(|&name| name.to_owned()).collect() };
    object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    if nullable {
        for (name, property) in &mut object.properties {
            if !required.contains(&name.as_str()) {
                or_null(property);
            }
        }
    }
    RefOr::T(Schema::Object(object))
}

fn or_null(property: &mut RefOr<Schema>) {
    let kind = match property {
        RefOr::T(Schema::Object(object)) => &mut object.schema_type,
        RefOr::T(Schema::Array(array)) => {
            debug_assert!(!matches!(array.items, ArrayItems::False), "no document has a tuple");
            &mut array.schema_type
        }
        RefOr::T(Schema::OneOf(choice)) if choice.items.iter().any(is_null) => return,
        other => {
            let null = utoipa::openapi::ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null));
            *other = OneOfBuilder::new().item(null).item(other.clone()).into();
            return;
        }
    };
    if let SchemaType::Type(only) = kind {
        *kind = SchemaType::Array(vec![only.clone(), Type::Null]);
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if matches!(object.schema_type, SchemaType::Type(Type::Null)))
}

/// Makes a document type: `struct Name / "New" / "Change" { field: Type, field: Type = default, ... }`.
///
/// A default may use the fields above it, each an `Option` that is `None` if the field was missing or wrong.
#[macro_export]
macro_rules! document {
    (
        $(#[$doc:meta])*
        pub struct $name:ident / $new:ident / $change:ident {
            $( $(#[$field_doc:meta])* $field:ident : $kind:ty $(= $default:expr)?, )*
        }
    ) => {
        #[derive(Clone, Debug, PartialEq, serde::Serialize, utoipa::ToSchema)]
        $(#[$doc])*
        pub struct $name {
            $( $(#[$field_doc])* #[schema(required = true)] pub $field: $kind, )*
        }

        impl $name {
            const FIELDS: &[&str] = &[$(stringify!($field)),*];
            const REQUIRED: &[&str] = &[$($crate::document!(@required $field $(= $default)?)),*];
        }

        impl $crate::document::Document for $name {
            fn parse(
                mut members: serde_json::Map<String, serde_json::Value>,
            ) -> Result<Self, $crate::invalid::Invalid> {
                let mut invalid = $crate::invalid::Invalid::new();
                $( let $field: Option<$kind> = $crate::document!(
                    @take members invalid $field $(= $default)?
                ); )*
                $crate::document::refuse_unknown(&members, Self::FIELDS, &mut invalid);
                match ($($field,)*) {
                    ($(Some($field),)*) if invalid.is_empty() => Ok(Self { $($field),* }),
                    _ => Err(invalid),
                }
            }

            fn members(&self) -> serde_json::Map<String, serde_json::Value> {
                match serde_json::to_value(self) {
                    Ok(serde_json::Value::Object(members)) => members,
                    _ => serde_json::Map::new(),
                }
            }
        }

        impl $crate::document::Listed for $name {
            fn fields() -> &'static [&'static str] {
                Self::FIELDS
            }

            fn required() -> Vec<&'static str> {
                Self::REQUIRED.iter().copied().filter(|name| !name.is_empty()).collect()
            }
        }

        $crate::document!(@schema $name $new false);
        $crate::document!(@schema $name $change true);
    };
    (@schema $name:ident $request:ident $nullable:literal) => {
        #[doc = concat!("How a [`", stringify!($name), "`] is written in a request: read it with `Document::parse`.")]
        #[derive(Debug)]
        pub struct $request;

        impl utoipa::PartialSchema for $request {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let required = <$name as $crate::document::Listed>::required();
                $crate::document::request_schema(
                    <$name as utoipa::PartialSchema>::schema(), &required, $nullable,
                )
            }
        }

        impl utoipa::ToSchema for $request {
            fn schemas(
                schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>,
            ) {
                <$name as utoipa::ToSchema>::schemas(schemas);
            }
        }
    };
    (@required $field:ident = $default:expr) => { "" };
    (@required $field:ident) => { stringify!($field) };
    (@take $members:ident $invalid:ident $field:ident = $default:expr) => {
        if $members.contains_key(stringify!($field)) {
            $crate::document::take(&mut $members, stringify!($field), &mut $invalid)
        } else {
            Some($default)
        }
    };
    (@take $members:ident $invalid:ident $field:ident) => {{
        if !$members.contains_key(stringify!($field)) {
            let name = stringify!($field);
            $invalid.at(format!("/{name}"), "missing", format!("`{name}` must be given"));
        }
        $crate::document::take(&mut $members, stringify!($field), &mut $invalid)
    }};
}
