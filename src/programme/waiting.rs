//! Waiting for a plan to change: what a long poll of the change feed and the delivery of webhooks are woken by.
//!
//! A write of this instance wakes its waiters at once (`Watch::told`). Those of other instances are looked for: while
//! anyone waits, one of them asks the database for the versions of all the plans waited for, once a second, in one
//! query. A waiter is a task and holds no thread.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::watch;
use tokio::time::Instant;

use waymark_domain::ids::{PlanId, Seq};
use waymark_store::{Store, StoreError, plans};

/// How long the last look for the writes of other instances is good for.
const LOOK: Duration = Duration::from_secs(1);

/// Who waits for which plan, and the latest versions heard of. Clones share it.
#[derive(Clone, Default)]
pub struct Watch(Arc<Inner>);

#[derive(Default)]
struct Inner {
    plans: Mutex<HashMap<PlanId, watch::Sender<Seq>>>,
    /// Changes with every write of this instance, whatever the plan.
    any: watch::Sender<u64>,
    closed: AtomicBool,
    /// When the database was last asked; held by anyone who asks it.
    looked: tokio::sync::Mutex<Option<Instant>>,
}

impl Watch {
    /// Says that a plan has this version now.
    pub(crate) fn told(&self, plan: PlanId, version: Seq) {
        let mut plans = self.0.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = plans.entry(plan).or_default().send_if_modified(|known| {
            let newer = *known < version;
            *known = version.max(*known);
            newer
        });
        drop(plans);
        if heard {
            self.0.any.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Ends all waiting, now and from now on: the service is being stopped.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        let plans = self.0.plans.lock().unwrap_or_else(PoisonError::into_inner);
        plans.values().for_each(|plan| plan.send_modify(|_same| {}));
        drop(plans);
        self.0.any.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Whether waiting was ended.
    pub fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }

    /// Hears of every write of this instance; wakes when [`Watch::close`]d, too.
    pub fn any_write(&self) -> watch::Receiver<u64> {
        self.0.any.subscribe()
    }

    /// Waits until the plan has a version after `after`, at most so long.
    pub(crate) async fn wait(&self, store: &Store, plan: PlanId, after: Seq, at_most: Duration) {
        let deadline = Instant::now() + at_most;
        let mut versions = {
            let mut plans = self.0.plans.lock().unwrap_or_else(PoisonError::into_inner);
            plans.entry(plan).or_default().subscribe()
        };
        loop {
            if *versions.borrow_and_update() > after || self.is_closed() || Instant::now() >= deadline {
                return;
            }
            let look = deadline.min(Instant::now() + LOOK);
            let woken = {
                let changed = pin!(versions.changed());
                let timer = pin!(tokio::time::sleep_until(look));
                matches!(select(changed, timer).await, Either::Left(_))
            };
            if !woken {
                self.look(store).await;
            }
        }
    }

    /// Asks the database for the versions of the plans that are waited for, unless another waiter just did or is about to.
    async fn look(&self, store: &Store) {
        let Ok(mut looked) = self.0.looked.try_lock() else { return };
        // A little less than the time between two looks, so that waiters in step with each other do not skip a beat.
        if looked.is_some_and(|last| last.elapsed() < LOOK / 2) {
            return;
        }
        let waited_for: Vec<PlanId> = {
            let plans = self.0.plans.lock().unwrap_or_else(PoisonError::into_inner);
            plans.iter().filter(|(_, plan)| plan.receiver_count() > 0).map(|(id, _)| *id).collect()
        };
        let found: Result<_, StoreError> = store.read(move |conn| plans::versions(conn, &waited_for)).await;
        *looked = Some(Instant::now());
        drop(looked);
        // If the database does not answer, the next look may find it again.
        for (plan, version) in found.unwrap_or_default() {
            self.told(plan, version);
        }
    }
}
