//! The names things go by: codes that are in addresses and files, and the numbers a plan is known by inside.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// What a code looks like, as a regular expression: the document and every message quote this.
pub const CODE_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$";

/// A text is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a code: 1 to 64 letters, digits, hyphens and underscores, beginning with a letter or digit")]
pub struct CodeError;

fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The code as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = CodeError;
            fn from_str(text: &str) -> Result<Self, CodeError> {
                if is_code(text) { Ok(Self(text.into())) } else { Err(CodeError) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(|error| serde::de::Error::custom(format!("`{text}` {error}")))
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(CODE_PATTERN))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )* };
}

codes! {
    /// A plan's code: `harrow-cypp-2009-2011`.
    PlanCode
    /// An organisation's code within its plan.
    OrganisationCode
    /// A sub-group's code within its plan.
    SubGroupCode
    /// An outcome area's code within its plan: `be-healthy`.
    AreaCode
    /// A priority's code within its plan: `be-healthy-1`.
    PriorityCode
    /// A status policy's code within its plan: `five-band`.
    PolicyCode
    /// A KPI's code within its plan: `NI-117`.
    KpiCode
    /// A group that a reading is about: `all`, `fsm`, `black-caribbean`.
    GroupCode
    /// A dimension's code within its plan: `ethnicity`.
    DimensionCode
    /// A comparator group's code within its plan: `statistical-neighbours`.
    ComparatorCode
    /// An authority that figures are compared with: `hillingdon`, `england`.
    AuthorityCode
}

/// The ids of things that nobody names: UUIDs that sort by when they were made, read as they are printed and in no other
/// of a UUID's spellings.
macro_rules! uuids {
    ($($(#[$doc:meta])* $name:ident, $unreadable:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(out)
            }
        }

        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let id = Uuid::try_parse(text).ok().map(Self);
                id.filter(|id| id.to_string() == text).ok_or($unreadable)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .format(Some(utoipa::openapi::SchemaFormat::Custom("uuid".to_owned())))
                    .examples(["0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11"])
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )* };
}

uuids! {
    /// What a grant is known by.
    GrantId, "is not a grant's id";
    /// What a corrective action is known by.
    ActionId, "is not an action's id";
    /// What a board report is known by.
    ReportId, "is not a board report's id";
    /// What a token, link or client is known by.
    CredentialId, "is not the id of a token, link or client";
    /// What a client's secret is known by.
    SecretId, "is not a secret's id";
    /// What a webhook is known by.
    WebhookId, "is not a webhook's id";
}

impl GroupCode {
    /// The whole population.
    pub fn all() -> Self {
        Self("all".into())
    }

    /// Whether this is the whole population.
    pub fn is_all(&self) -> bool {
        &*self.0 == "all"
    }
}

impl PolicyCode {
    /// The policy of plans that name none; every plan is made with it.
    pub fn rag() -> Self {
        Self("rag".into())
    }
}

/// A plan's number in the database. Only the store makes one, and only for a plan that the caller may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlanId(pub i64);

/// A place in a plan's journal: 1 for its first change. A plan's last one is the version of everything in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Seq(pub i64);

impl Seq {
    /// The place after this one.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Who acts: the `sub` of a verified token. 1 to 200 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, min_length = 1, max_length = 200, example = "jo.lead@harrow.example")]
pub struct Subject(Arc<str>);

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Subject {
    /// The service itself, for what it does when nobody asks.
    pub fn of_the_service() -> Self {
        Self("waymark".into())
    }

    /// The subject as the token names it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text is no subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a subject: 1 to 200 characters without control characters")]
pub struct SubjectError;

impl FromStr for Subject {
    type Err = SubjectError;
    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let fits = (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.into())) } else { Err(SubjectError) }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}
