//! Secret links: the address of one table of a plan, for tools that can send no token.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use waymark_domain::check::check_text;
use waymark_domain::document;
use waymark_domain::document::Document;
use waymark_domain::ids::{KpiCode, PlanCode};
use waymark_domain::invalid::Invalid;
use waymark_domain::names;
use waymark_store::credentials::Owner;

use crate::access::credentials::{
    CredentialId, CredentialKind, CredentialRow, Draft, Entered, expiry, found, must_be_oneself,
};
use crate::caller::precondition::Precondition;
use crate::definitions::references::refer;
use crate::seen::Seen;
use crate::{Ground, OpenPlan, Principal, Programme, Refusal};

names! {
    /// A table, or a picture of one KPI, that a secret link opens.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
    #[schema(description = "A table that a secret link opens, or a picture of one KPI for a page to show.")]
    pub enum LinkedTable {
        /// The figures.
        Readings = "readings",
        /// The targets.
        Targets = "targets",
        /// How each KPI is doing in a period.
        StatusReport = "status-report",
        /// The same as a page.
        Report = "report",
        /// One KPI over time.
        Series = "series",
        /// How one KPI is doing, as a picture of one line.
        Badge = "badge",
        /// One KPI over time, as a small picture.
        Sparkline = "sparkline",
    }
}

impl LinkedTable {
    /// The last part of its address.
    fn address(self) -> &'static str {
        match self {
            Self::Badge => "badge.svg",
            Self::Sparkline => "sparkline.svg",
            table => table.as_str(),
        }
    }

    /// Whether it is of one KPI.
    fn is_of_a_kpi(self) -> bool {
        matches!(self, Self::Series | Self::Badge | Self::Sparkline)
    }
}

document! {
    /// What a secret link opens.
    #[schema(description = "What a secret link opens, and for how long.")]
    pub struct LinkTerms / LinkDraft / LinkChange {
        /// What it is for, to know it by; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "The sheet of the Be Healthy group")]
        name: String,
        /// The table.
        table: LinkedTable,
        /// The KPI, for its series, badge or sparkline.
        #[schema(example = json!(null))]
        kpi: Option<KpiCode> = None,
        /// When it expires: at most two years ahead. Without it, a year from now.
        #[schema(example = json!(null))]
        expires_at: Option<DateTime<Utc>> = None,
    }
}

impl LinkTerms {
    /// What it opens, below its plan.
    fn address_in(&self, ground: &Ground, invalid: &mut Invalid) -> String {
        let table = self.table.address();
        match (&self.kpi, self.table.is_of_a_kpi()) {
            (Some(kpi), true) => {
                let outside = Seen { access: Arc::new(ground.plan.access.outside()), ..ground.seen.clone() };
                let shown = outside.kpis_by_code();
                if !shown.contains_key(kpi) && ground.seen.kpi(kpi).is_ok() {
                    let detail = format!("{kpi} is not published to those who would see the link");
                    invalid.at("/kpi", "not_published", detail);
                } else {
                    refer(invalid, "/kpi", "KPI", kpi, &shown);
                }
                format!("kpis/{kpi}/{table}")
            }
            (None, true) => {
                invalid.at("/kpi", "missing", "state which KPI it is for");
                String::new()
            }
            (kpi, false) => {
                if kpi.is_some() {
                    invalid.at("/kpi", "does_not_fit", "only a series, a badge or a sparkline is of one KPI");
                }
                table.to_owned()
            }
        }
    }
}

impl Programme {
    /// Makes a secret link to a table of a plan, and gives it with its secret, which is never shown again.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for those who are no members of the partnership and no partners.
    pub async fn make_link(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        members: Map<String, Value>,
    ) -> Result<(CredentialRow, String), Refusal> {
        must_be_oneself(caller)?;
        self.change(plan, caller, move |ground, pen| {
            must_belong(&ground.plan)?;
            let terms = LinkTerms::parse(members)?;
            let mut invalid = Invalid::new();
            check_text(&mut invalid, "/name", &terms.name, 1, 200);
            let expires_at = expiry(terms.expires_at, ground.seen.now, &mut invalid);
            let address = terms.address_in(ground, &mut invalid);
            invalid.or(())?;
            let draft = Draft {
                kind: CredentialKind::Link,
                title: terms.name,
                plan: Some((ground.plan.id, ground.plan.code.clone())),
                role: None,
                methods: Vec::new(),
                address: Some(address),
                expires_at: Some(expires_at),
            };
            draft.make_with_secret(pen.write, &ground.caller, ground.seen.now, "")
        })
        .await
    }

    /// The links of a plan that the caller may revoke, oldest first.
    pub async fn list_links(&self, plan: &OpenPlan, caller: &Principal) -> Result<Vec<CredentialRow>, Refusal> {
        must_be_oneself(caller)?;
        must_belong(plan)?;
        let mut rows = self.list_credentials(CredentialKind::Link, Owner::Plan(plan.id)).await?;
        rows.retain(revocable_by(plan, caller));
        Ok(rows)
    }

    /// One such link.
    pub async fn find_link(
        &self,
        plan: &OpenPlan,
        caller: &Principal,
        id: CredentialId,
    ) -> Result<CredentialRow, Refusal> {
        found(self.list_links(plan, caller).await?, |row| row.id == id)
    }

    /// Revokes such a link, at once.
    pub async fn revoke_link(
        &self,
        plan: &OpenPlan,
        caller: &Principal,
        id: CredentialId,
        precondition: Precondition,
    ) -> Result<(), Refusal> {
        must_be_oneself(caller)?;
        must_belong(plan)?;
        let is_theirs = revocable_by(plan, caller);
        let is_meant = move |row: &CredentialRow| row.id == id && is_theirs(row);
        self.revoke_credential(CredentialKind::Link, Owner::Plan(plan.id), caller, is_meant, precondition).await
    }

    /// Who comes in by a link with this secret, and what it opens; `None` if it is none, or none any more.
    pub async fn enter_by_link(&self, secret: &str) -> Result<Option<Entered>, Refusal> {
        self.enter(CredentialKind::Link, secret).await
    }
}

/// Which links the caller may revoke: their own, or all for an administrator.
fn revocable_by(plan: &OpenPlan, caller: &Principal) -> impl Fn(&CredentialRow) -> bool + Send + use<> {
    let (administers, subject) = (plan.access.administers(), caller.subject().clone());
    move |row| administers || row.created_by == subject
}

/// Links are made by those whom the plan has let in.
fn must_belong(plan: &OpenPlan) -> Result<(), Refusal> {
    if plan.access.is_granted() {
        return Ok(());
    }
    Err(Refusal::NotAllowed("only those with a role in the plan make links to its tables".to_owned()))
}
