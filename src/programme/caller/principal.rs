//! Who asks, and within which bounds: a person or a partner's system with all that was granted to it, or a token or link
//! that carries a part of it.

use std::ops::Deref;
use std::sync::Arc;

use waymark_domain::access::{Granted, Role};
use waymark_domain::ids::{PlanCode, Subject};
use waymark_store::grants::GrantRow;
use waymark_store::plans::{self, VisiblePlan};
use waymark_store::{Conn, StoreError};

use crate::caller::once::Once;
use crate::rows;

/// Who asks. It stands for its [`Subject`], whom grants are given to and the journal names.
#[derive(Clone, Debug)]
pub struct Principal {
    subject: Subject,
    bounds: Option<Arc<Bounds>>,
    once: Option<Arc<Once>>,
}

/// What a token or link is confined to, of all that its subject may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The only plan there is for it.
    pub plan: Option<PlanCode>,
    /// The only role that counts.
    pub role: Option<Role>,
    /// Whether it reads as a partner of no organisation does, whoever it is of: what is published, and no small number.
    pub as_partner: bool,
    /// Whether it is of nobody in particular: nothing that was granted to anyone counts.
    pub as_anyone: bool,
}

impl From<Subject> for Principal {
    fn from(subject: Subject) -> Self {
        Self { subject, bounds: None, once: None }
    }
}

impl Deref for Principal {
    type Target = Subject;

    fn deref(&self) -> &Subject {
        &self.subject
    }
}

impl Principal {
    /// Their subject within bounds.
    pub fn within(subject: Subject, bounds: Bounds) -> Self {
        Self { subject, bounds: Some(Arc::new(bounds)), once: None }
    }

    /// Whoever asks without saying who they are: they find public plans, and in them what is published to everyone.
    pub fn anyone() -> Self {
        Self::within(Subject::of_the_service(), Bounds { as_anyone: true, ..Bounds::default() })
    }

    /// Whether they did not say who they are.
    pub fn is_anyone(&self) -> bool {
        self.bounds.as_ref().is_some_and(|bounds| bounds.as_anyone)
    }

    /// Whom grants are given to.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The same, asking for something that must not be done twice.
    #[must_use]
    pub fn asking_once(self, once: Arc<Once>) -> Self {
        Self { once: Some(once), ..self }
    }

    /// The request that must not be carried out twice, if it is one.
    pub(crate) fn once(&self) -> Option<&Arc<Once>> {
        self.once.as_ref()
    }

    /// Whether this is only a part of what the subject may do.
    pub fn is_bounded(&self) -> bool {
        self.bounds.is_some()
    }

    /// Whether there are no bounds to what the subject may do in the service as a whole.
    pub fn administers_as_granted(&self) -> bool {
        self.bounds.as_ref().is_none_or(|bounds| {
            !bounds.as_anyone && bounds.plan.is_none() && bounds.role.is_none_or(|role| role == Role::Administrator)
        })
    }

    /// Whether a grant on the whole service counts within the bounds.
    pub(crate) fn carries(&self, grant: &GrantRow) -> bool {
        let fits = |bounds: &Bounds| {
            bounds.plan.is_none()
                && !bounds.as_partner
                && !bounds.as_anyone
                && bounds.role.is_none_or(|role| role == grant.granted.role)
        };
        self.bounds.as_deref().is_none_or(fits)
    }

    /// A plan that the subject sees as it is seen within the bounds, if it is.
    pub(crate) fn seen(&self, mut plan: VisiblePlan) -> Option<VisiblePlan> {
        let Some(bounds) = &self.bounds else { return Some(plan) };
        if bounds.plan.as_ref().is_some_and(|only| *only != plan.code) {
            return None;
        }
        if let Some(only) = bounds.role {
            plan.grants.retain(|grant| grant.granted.role == only);
        }
        if bounds.as_anyone {
            plan.grants.clear();
        }
        if bounds.as_partner {
            for grant in &mut plan.grants {
                grant.granted = Granted::outside(grant.granted.role);
            }
        }
        (plan.public || !plan.grants.is_empty()).then_some(plan)
    }

    /// The plan of this code as it is seen within the bounds, if it is.
    pub(crate) fn find_plan(&self, conn: &mut Conn, code: &PlanCode) -> Result<Option<VisiblePlan>, StoreError> {
        Ok(plans::find_plan(conn, code, self)?.and_then(|plan| self.seen(plan)))
    }

    /// The plans seen within the bounds, in the order of their codes: at most `limit` of those after `after`.
    pub(crate) fn list_plans(
        &self,
        conn: &mut Conn,
        mut after: Option<PlanCode>,
        limit: usize,
    ) -> Result<Vec<VisiblePlan>, StoreError> {
        let mut found = Vec::new();
        loop {
            let visible = plans::list_plans(conn, self, after.as_ref(), rows(PLANS_AT_A_TIME))?;
            after = visible.last().map(|plan| plan.code.clone());
            let last = visible.len() < PLANS_AT_A_TIME;
            found.extend(visible.into_iter().filter_map(|plan| self.seen(plan)));
            if last || found.len() >= limit {
                found.truncate(limit);
                return Ok(found);
            }
        }
    }
}

/// How many plans are looked through at a time.
const PLANS_AT_A_TIME: usize = 500;
