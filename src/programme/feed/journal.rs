//! Reading the journal: the change feed and the audit view.

use waymark_domain::access::Audience;
use waymark_domain::ids::Seq;
use waymark_store::journal;
pub use waymark_store::journal::Entry;
use waymark_store::kinds::EntryKind;

use crate::{OpenPlan, Programme, Refusal};

impl Programme {
    /// Whether a caller may read a plan's journal: entries hold figures as they were posted.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`] for partners and the public.
    pub fn may_read_journal(&self, plan: &OpenPlan) -> Result<(), Refusal> {
        if plan.access.audience() == Audience::Member {
            return Ok(());
        }
        let why = "the journal holds figures as they were posted; only members of the partnership read it";
        Err(Refusal::NotAllowed(why.to_owned()))
    }

    /// The entries of a plan's journal after a place in it, oldest first. Who was granted what is for administrators:
    /// for others such entries keep their place and say no more.
    pub async fn list_changes(&self, plan: &OpenPlan, after: Seq, limit: usize) -> Result<Vec<Entry>, Refusal> {
        self.may_read_journal(plan)?;
        let plan = plan.clone();
        self.store
            .read(move |conn| {
                let mut entries = journal::page(conn, plan.id, after, crate::rows(limit))?;
                for entry in &mut entries {
                    withhold(entry, &plan);
                }
                Ok(entries)
            })
            .await
    }
}

/// Removes from an entry what is not for every member: who was granted what is for administrators of the plan, who is
/// informed of what for those who manage it.
pub(crate) fn withhold(entry: &mut Entry, plan: &OpenPlan) {
    let shown = match entry.kind {
        EntryKind::Grant => plan.access.administers(),
        EntryKind::Webhook => plan.access.manages(),
        _ => true,
    };
    if !shown {
        "withheld".clone_into(&mut entry.key);
        (entry.before, entry.after, entry.reason) = (None, None, None);
    }
}
