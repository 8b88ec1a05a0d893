//! The words that tables share: what a definition, a journal entry and a credential is.

use std::str::FromStr;

use serde::Serialize;

use waymark_domain::names;

names! {
    /// What a definition defines.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
    pub enum DefinitionKind {
        /// The plan itself.
        Plan = "plan",
        /// A partner.
        Organisation = "organisation",
        /// A multi-agency group.
        SubGroup = "sub_group",
        /// One of the plan's headings.
        OutcomeArea = "outcome_area",
        /// What the plan wants to improve.
        Priority = "priority",
        /// A status policy.
        Policy = "policy",
        /// A key performance indicator.
        Kpi = "kpi",
        /// A way to slice the population into groups.
        Dimension = "dimension",
        /// One period's gathering of figures.
        Round = "round",
        /// What a sub-group owes in a round.
        Return = "return",
        /// What will be done about a KPI.
        Action = "action",
        /// Authorities that the plan's figures are compared with.
        ComparatorGroup = "comparator_group",
        /// What other authorities reached in a KPI and period.
        Benchmark = "benchmark",
        /// A report that was frozen: its whereabouts and its SHA-256.
        BoardReport = "board_report",
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
            other => DefinitionKind::named(other).map(Self::Definition).ok_or("is no kind of entry"),
        }
    }
}

names! {
    /// What kind of credential it is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
    pub enum CredentialKind {
        /// A person's token, for tools that cannot sign in as the person does.
        Token = "token",
        /// The address of one table with a secret in it, for tools that can send no header.
        Link = "link",
        /// A partner's system.
        Client = "client",
        /// A person's browser, while they are signed in.
        Session = "session",
        /// A link that signs a person in once.
        SignIn = "sign_in",
    }
}
