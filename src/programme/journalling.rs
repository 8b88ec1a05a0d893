//! Reading the journal: the change feed and the audit view.

use crate::domain::access::Audience;
use crate::domain::ids::Seq;
use crate::store::journal;
pub use crate::store::journal::Entry;

use super::{OpenPlan, Programme, Refusal};

impl Programme {
    /// The entries of a plan's journal after a place in it, the oldest first.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for partners and the public: entries hold figures as they were posted.
    pub async fn list_changes(&self, plan: &OpenPlan, after: Seq, limit: usize) -> Result<Vec<Entry>, Refusal> {
        if plan.access.audience() != Audience::Member {
            return Err(Refusal::NotAllowed(
                "the journal holds figures as they were posted; only members of the partnership read it".to_owned(),
            ));
        }
        let id = plan.id;
        self.store.read(move |conn| Ok(journal::page(conn, id, after, super::rows(limit))?)).await
    }
}
