//! The kinds of things that a plan is set up with: which there are of each, and how they are made, changed and removed, by the
//! same use cases as the API's.

use serde_json::{Map, Value, json};

use crate::domain::dimension::Dimension;
use crate::domain::document::Document;
use crate::domain::ids::PlanCode;
use crate::domain::names;
use crate::domain::plan::{Organisation, OutcomeArea, Priority, SubGroup};
use crate::domain::policy::Policy;
use crate::domain::round::Round;
use crate::http::access::links::href;
use crate::http::problem::Problem;
use crate::http::site::answer::known_as;
use crate::http::view::View;
use crate::programme::access::credentials::credential_state;
use crate::programme::caller::precondition::Precondition;
use crate::programme::definitions::Defined;
use crate::programme::reports::actions::ActionFilter;
use crate::programme::{Kept, Principal, Programme, Refusal, Seen};

names! {
    /// A kind of thing, by what its pages are called in the address.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
    pub enum Kind, else "is none of" {
        /// Organisations.
        Organisations = "organisations",
        /// Outcome areas.
        OutcomeAreas = "outcome-areas",
        /// Sub-groups.
        SubGroups = "sub-groups",
        /// Priorities.
        Priorities = "priorities",
        /// Dimensions.
        Dimensions = "dimensions",
        /// Status policies.
        Policies = "policies",
        /// KPIs.
        Kpis = "kpis",
        /// Collection rounds.
        Rounds = "rounds",
        /// People and their roles.
        People = "people",
        /// Secret links.
        Links = "links",
        /// Webhooks.
        Webhooks = "webhooks",
        /// What is done about KPIs.
        Actions = "actions",
    }
}

/// How a kind is spoken of.
pub(super) struct Words {
    /// One of them, with its article.
    pub(super) one: &'static str,
    /// Several.
    pub(super) many: &'static str,
    /// What removing one is called.
    pub(super) remove: &'static str,
    /// What they are for.
    pub(super) lead: &'static str,
}

impl Kind {
    /// How it is spoken of.
    pub(super) const fn words(self) -> Words {
        let (one, many, remove, lead) = match self {
            Self::Organisations => (
                "an organisation",
                "Organisations",
                "Remove",
                "The partners in the plan: the council, a health trust, the police, schools, the voluntary sector.",
            ),
            Self::OutcomeAreas => {
                ("an outcome area", "Outcome areas", "Remove", "The plan's headings, which its priorities stand under.")
            }
            Self::SubGroups => {
                ("a sub-group", "Sub-groups", "Remove", "Who reports the figures of which outcome areas.")
            }
            Self::Priorities => {
                ("a priority", "Priorities", "Remove", "What the plan wants to improve, within each outcome area.")
            }
            Self::Dimensions => (
                "a dimension",
                "Dimensions",
                "Remove",
                "Ways to slice the population into groups, such as by ethnicity or by free school meals.",
            ),
            Self::Policies => (
                "a policy",
                "Policies for statuses",
                "Remove",
                "How far short of its target a figure may fall, and what the grades are called. A change makes the next version, and frozen reports stay as they are.",
            ),
            Self::Kpis => ("a KPI", "KPIs", "Archive", "What is measured for each priority, and how."),
            Self::Rounds => ("a round", "Collection rounds", "Remove", "When the figures of a period are gathered."),
            Self::People => (
                "a role",
                "People and roles",
                "Revoke",
                "Who may do what in this plan. A role never changes: it is given and revoked.",
            ),
            Self::Links => (
                "a secret link",
                "Secret links",
                "Revoke",
                "Addresses that open one report or table to anyone who has them, for mail and for tools that cannot sign in. They show what is published to partners.",
            ),
            Self::Webhooks => {
                ("a webhook", "Webhooks", "Remove", "Addresses that are sent a message when something changes.")
            }
            Self::Actions => {
                ("an action", "Actions", "", "What is being done about KPIs that are not where they should be.")
            }
        };
        Words { one, many, remove, lead }
    }

    /// Whether one can be changed after it was made.
    pub(super) const fn is_changeable(self) -> bool {
        !matches!(self, Self::People | Self::Links)
    }

    /// Whether people know one by its code: others have an id.
    pub(super) const fn is_named(self) -> bool {
        !matches!(self, Self::People | Self::Links | Self::Webhooks | Self::Actions)
    }

    /// The address of its page in a plan.
    pub(super) fn address(self, plan: &PlanCode) -> String {
        match self {
            Self::Actions => format!("/plans/{plan}/actions"),
            kind => format!("/plans/{plan}/set-up/{}", kind.as_str()),
        }
    }
}

/// One thing of a kind, as its page and its form have it.
pub(super) struct Thing {
    /// What it is known by in addresses.
    pub(super) code: String,
    /// What people call it.
    pub(super) title: String,
    /// What else is said of it in a list.
    pub(super) notes: String,
    /// Its members, as the API has them.
    pub(super) members: Map<String, Value>,
    /// The state it is in, which a change names.
    pub(super) state: String,
}

/// What became of making or changing something.
pub(super) struct Made {
    /// What it is known by.
    pub(super) code: String,
    /// What is shown here and never again.
    pub(super) secret: Option<String>,
}

impl Made {
    fn of(code: &impl ToString) -> Self {
        Self { code: code.to_string(), secret: None }
    }
}

/// What is done with a definition of a kind, whose type stands for `$type`; and what is done with things of other kinds.
macro_rules! defined {
    ($kind:expr, $type:ident => $do:expr, else $other:pat => $rest:expr) => {
        defined!(@ $kind, $type => $do, else $other => $rest,
            Organisations: Organisation; OutcomeAreas: OutcomeArea; SubGroups: SubGroup; Priorities: Priority;
            Dimensions: Dimension; Policies: Policy; Rounds: Round;)
    };
    (@ $kind:expr, $type:ident => $do:expr, else $other:pat => $rest:expr, $($name:ident: $of:ident;)+) => {
        match $kind {
            $(Kind::$name => {
                type $type = $of;
                $do
            })+
            $other => $rest,
        }
    };
}

fn text(members: &Map<String, Value>, name: &str) -> String {
    match members.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(", "),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

impl Thing {
    fn defined<D: Defined>(kept: &Kept<D>) -> Self {
        Self::new(kept.value.code(), kept.value.members(), &kept.seq)
    }

    fn new(code: &impl ToString, members: Map<String, Value>, state: &impl ToString) -> Self {
        let words = ["title", "name", "what", "subject", "url"].into_iter().map(|name| text(&members, name));
        let title = words.into_iter().find(|text| !text.is_empty()).unwrap_or_else(|| code.to_string());
        let notes = [
            "lead_organisation",
            "outcome_area",
            "priority",
            "role",
            "outcome_areas",
            "organisation",
            "kpi",
            "opens",
            "closes",
            "due",
            "state",
        ];
        let notes: Vec<String> =
            notes.into_iter().map(|name| text(&members, name)).filter(|text| !text.is_empty()).collect();
        Self { code: code.to_string(), title, notes: notes.join("; "), members, state: state.to_string() }
    }
}

/// All things of a kind that the reader may see, in their order.
pub(super) async fn all(
    kind: Kind,
    programme: &Programme,
    caller: &Principal,
    view: &View,
) -> Result<Vec<Thing>, Problem> {
    let seen = &view.seen;
    Ok(defined!(kind, D => seen.all::<D>().values().map(Thing::defined::<D>).collect(), else other => match other {
        Kind::Kpis => kpis(seen),
        Kind::People => {
            let rows = programme.list_grants(&view.plan).await?;
            let names = programme.names().await?;
            rows.into_iter().map(|row| {
                let document = row.document();
                let thing = Thing::new(&row.id, document.as_object().cloned().unwrap_or_default(), &row.id);
                Thing { title: known_as(&row.subject, &names), ..thing }
            }).collect()
        }
        Kind::Links => {
            let rows = programme.list_links(&view.plan, caller).await?;
            rows.iter().map(|row| {
                let members = [
                    ("name", json!(row.title)), ("opens", json!(row.address)), ("expires_at", json!(row.expires_at)),
                ].map(|(name, value)| (name.to_owned(), value));
                Thing::new(&row.id, members.into_iter().collect(), &credential_state(row))
            }).collect()
        }
        Kind::Webhooks => {
            let rows = programme.list_webhooks(&view.plan, caller).await?;
            rows.iter().map(|row| Thing::new(&row.id, row.terms.members(), &row.seq)).collect()
        }
        _ => {
            let filter = ActionFilter::default();
            let actions = seen.actions_for(&filter, None);
            actions.map(|kept| Thing::new(&kept.value.id(), kept.value.action().members(), &kept.seq)).collect()
        }
    }))
}

fn kpis(seen: &Seen) -> Vec<Thing> {
    let kpis = seen.kpis();
    kpis.map(|kpi| {
        let thing = Thing::new(kpi.code(), kpi.definition().members(), &kpi.seq());
        if kpi.is_archived() { Thing { notes: "archived".to_owned(), ..thing } } else { thing }
    })
    .collect()
}

/// Makes a thing.
pub(super) async fn make(
    kind: Kind,
    programme: &Programme,
    (plan, caller): (&PlanCode, &Principal),
    members: Map<String, Value>,
) -> Result<Made, Refusal> {
    Ok(
        defined!(kind, D => Made::of(&programme.create::<D>(plan, caller, members).await?.value.code()), else other => match other {
            Kind::Kpis => Made::of(&programme.create_kpi(plan, caller, members).await?.value.kpi.code),
            Kind::People => Made::of(&programme.give_grant(plan, caller, members).await?.id),
            Kind::Links => {
                let (row, secret) = programme.make_link(plan, caller, members).await?;
                Made { code: row.id.to_string(), secret: Some(href(&row, &secret)) }
            }
            Kind::Webhooks => {
                let row = programme.create_webhook(plan, caller, members).await?;
                Made { code: row.id.to_string(), secret: Some(row.secret.reveal().to_owned()) }
            }
            _ => Made::of(&programme.open_action(plan, caller, members).await?.value.id()),
        }),
    )
}

/// A code or an id as it stands in an address, of something that may not be there.
fn named<T: std::str::FromStr>(code: &str) -> Result<T, Refusal> {
    code.parse().map_err(|_no_code| Refusal::NotFound)
}

fn code_of<D: Defined>(code: &str) -> Result<D::Code, Refusal>
where
    D::Code: std::str::FromStr,
{
    named(code)
}

/// Changes a thing that is in this state.
pub(super) async fn change(
    kind: Kind,
    programme: &Programme,
    (plan, caller): (&PlanCode, &Principal),
    code: &str,
    patch: Map<String, Value>,
    state: Precondition,
) -> Result<(), Refusal> {
    defined!(kind, D => {
        let code = code_of::<D>(code)?;
        programme.update::<D>(plan, caller, &code, patch, state).await.map(drop)
    }, else other => match other {
        Kind::Kpis => programme.update_kpi(plan, caller, &named(code)?, patch, state).await.map(drop),
        Kind::Webhooks => programme.update_webhook(plan, caller, named(code)?, patch, state).await.map(drop),
        Kind::Actions => programme.update_action(plan, caller, named(code)?, patch, state).await.map(drop),
        _ => Err(Refusal::NotFound),
    })
}

/// Removes a thing that is in this state: archives a KPI, revokes a role or a link.
pub(super) async fn remove(
    kind: Kind,
    programme: &Programme,
    (view, caller): (&View, &Principal),
    code: &str,
    state: Precondition,
) -> Result<(), Refusal> {
    let plan = &view.plan.code;
    defined!(kind, D => {
        let code = code_of::<D>(code)?;
        programme.remove::<D>(plan, caller, &code, state).await
    }, else other => match other {
        Kind::Kpis => programme.archive_kpi(plan, caller, &named(code)?, state).await,
        Kind::People => programme.revoke_grant(plan, caller, named(code)?, state).await,
        // Whether it was used meanwhile does not matter.
        Kind::Links => programme.revoke_link(&view.plan, caller, named(code)?, Precondition::Any).await,
        Kind::Webhooks => programme.remove_webhook(plan, caller, named(code)?, state).await,
        _ => Err(Refusal::NotFound),
    })
}
