//! The words that tables share: what a definition, a journal entry and a credential is.

use std::str::FromStr;

/// What a definition defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DefinitionKind {
    /// The plan itself.
    Plan,
    /// A partner.
    Organisation,
    /// A multi-agency group.
    SubGroup,
    /// One of the plan's headings.
    OutcomeArea,
    /// What the plan wants to improve.
    Priority,
    /// A status policy.
    Policy,
    /// A key performance indicator.
    Kpi,
    /// A way to slice the population into groups.
    Dimension,
    /// One period's gathering of figures.
    Round,
    /// What a sub-group owes in a round.
    Return,
    /// What will be done about a KPI.
    Action,
    /// Authorities that the plan's figures are compared with.
    ComparatorGroup,
    /// What other authorities reached in a KPI and period.
    Benchmark,
    /// A report that was frozen: its whereabouts and its SHA-256.
    BoardReport,
}

impl DefinitionKind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::Plan,
        Self::Organisation,
        Self::SubGroup,
        Self::OutcomeArea,
        Self::Priority,
        Self::Policy,
        Self::Kpi,
        Self::Dimension,
        Self::Round,
        Self::Return,
        Self::Action,
        Self::ComparatorGroup,
        Self::Benchmark,
        Self::BoardReport,
    ];

    /// The name in the database and in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Organisation => "organisation",
            Self::SubGroup => "sub_group",
            Self::OutcomeArea => "outcome_area",
            Self::Priority => "priority",
            Self::Policy => "policy",
            Self::Kpi => "kpi",
            Self::Dimension => "dimension",
            Self::Round => "round",
            Self::Return => "return",
            Self::Action => "action",
            Self::ComparatorGroup => "comparator_group",
            Self::Benchmark => "benchmark",
            Self::BoardReport => "board_report",
        }
    }
}

impl FromStr for DefinitionKind {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or("is no kind of definition")
    }
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A definition; its key is the code.
    Definition(DefinitionKind),
    /// A target; its key is `kpi/period`.
    Target,
    /// A reading; its key is `kpi/period/group`.
    Reading,
    /// A grant; its key is the grant's id.
    Grant,
    /// A webhook; its key is the webhook's id.
    Webhook,
}

impl EntryKind {
    /// The name in the database and in the feed of changes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Definition(kind) => kind.as_str(),
            Self::Target => "target",
            Self::Reading => "reading",
            Self::Grant => "grant",
            Self::Webhook => "webhook",
        }
    }
}

impl FromStr for EntryKind {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "target" => Ok(Self::Target),
            "reading" => Ok(Self::Reading),
            "grant" => Ok(Self::Grant),
            "webhook" => Ok(Self::Webhook),
            other => other.parse().map(Self::Definition).map_err(|_no_definition| "is no kind of entry"),
        }
    }
}

/// What kind of credential it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// A person's token, for tools that cannot sign in as the person does.
    Token,
    /// The address of one table with a secret in it, for tools that can send no header.
    Link,
    /// A partner's system.
    Client,
}

impl CredentialKind {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Link => "link",
            Self::Client => "client",
        }
    }
}

impl FromStr for CredentialKind {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = [Self::Token, Self::Link, Self::Client].into_iter().find(|kind| kind.as_str() == text);
        known.ok_or("is no kind of credential")
    }
}
