//! The use cases: check, change, journal; and the picture of a plan in memory that reports are made from.
//!
//! [`Programme`] is the door. Every use case takes the caller as a [`Principal`], opens the plan for it (which is where
//! "not yours" and "not there" become the same answer), and gets what it may read of it as [`Seen`]. The plan's
//! `picture`, which knows no reader, stays in this room.

pub mod access;
pub mod caller;
pub mod clock;
pub mod definitions;
pub mod feed;
pub mod figures;
pub mod folder;
mod picture;
mod refusal;
pub mod reports;
pub mod rounds;
pub mod seen;
pub mod successor;
pub mod waiting;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use quick_cache::sync::Cache;

use crate::clock::Clock;
use waymark_domain::access::{Access, Audience};
use waymark_domain::ids::{CredentialId, PlanCode, PlanId, ReportId, Seq, Subject};
use waymark_domain::movement::Frozen;
use waymark_domain::webhook::Reach;
pub use waymark_store::StoreError;
use waymark_store::plans::{self, LockedPlan, VisiblePlan};
use waymark_store::{Conn, Store, Write, journal};

pub use caller::principal::{Bounds, Principal};
use picture::Picture;
use picture::cache::Pictures;
pub use picture::{Kept, KpiRecord};
pub use refusal::Refusal;
pub use seen::{Seen, SeenKpi};
use waiting::Watch;

/// The Integrated Performance Programme over one database.
#[derive(Clone)]
pub struct Programme {
    store: Store,
    clock: Clock,
    pictures: Arc<Pictures>,
    /// When the use of a credential was noted last.
    noted: Arc<Cache<CredentialId, DateTime<Utc>>>,
    /// What board reports hold, as far as it is compared: that never changes.
    frozen: Arc<Cache<ReportId, Arc<Frozen>>>,
    watch: Watch,
    webhooks_reach: Reach,
}

/// How many board reports are remembered.
const REPORTS_REMEMBERED: usize = 200;

/// Of how many credentials it is remembered when their use was noted.
const CREDENTIALS_NOTED: usize = 10_000;

/// A plan opened for one caller.
#[derive(Clone, Debug)]
pub struct OpenPlan {
    /// The plan's number.
    pub id: PlanId,
    /// Its code.
    pub code: PlanCode,
    /// Its version: the last place in its journal.
    pub version: Seq,
    /// What the caller may do in it.
    pub access: Arc<Access>,
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
    /// Whether everyone who signs in may find it.
    pub public: bool,
    /// The plans that are published together with it and the version of each, if what is withheld from the caller
    /// depends on them; itself among them, or none.
    family: Vec<(PlanId, Seq)>,
}

impl OpenPlan {
    fn new(plan: &VisiblePlan) -> Self {
        let granted = plan.grants.iter().map(|grant| grant.granted.clone()).collect();
        Self {
            id: plan.id,
            code: plan.code.clone(),
            version: plan.seq,
            access: Arc::new(Access::new(granted)),
            changed_at: plan.changed_at,
            public: plan.public,
            family: Vec::new(),
        }
    }

    /// What distinguishes this caller's view of the plan at this moment from any other: the strong part of an `ETag`.
    pub fn view_tag(&self) -> String {
        let others = self.family.iter().filter(|(plan, _)| *plan != self.id);
        let others: Vec<String> = others.map(|(plan, version)| format!(".{}-{version}", plan.0)).collect();
        format!("{}.{}{}", self.version, self.access.mark(), others.concat())
    }
}

impl Programme {
    /// The programme stored in `store`, by `clock`.
    pub fn new(store: Store, clock: Clock) -> Self {
        Self {
            store,
            clock,
            pictures: Arc::default(),
            noted: Arc::new(Cache::new(CREDENTIALS_NOTED)),
            frozen: Arc::new(Cache::new(REPORTS_REMEMBERED)),
            watch: Watch::default(),
            webhooks_reach: Reach::Public,
        }
    }

    /// The same, if webhooks may go to http and to private addresses: a deployment's own decision.
    #[must_use]
    pub fn allowing_private_webhooks(self, allowed: bool) -> Self {
        Self { webhooks_reach: if allowed { Reach::Private } else { Reach::Public }, ..self }
    }

    /// How far webhooks go.
    pub fn webhooks_reach(&self) -> Reach {
        self.webhooks_reach
    }

    /// The clock that the programme uses.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The database underneath, for the command line.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Who waits for a plan to change.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Opens a plan for a caller.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if it is not there or not the caller's to see.
    pub async fn open(&self, plan: &PlanCode, caller: &Principal) -> Result<OpenPlan, Refusal> {
        let (plan, caller, pictures) = (plan.clone(), caller.clone(), Arc::clone(&self.pictures));
        self.store
            .look_up(move |conn| {
                let found = caller.find_plan(conn, &plan)?.ok_or(Refusal::NotFound)?;
                let mut plan = OpenPlan::new(&found);
                if plan.access.audience() != Audience::Member {
                    plan.family = pictures.family_of(conn, plan.id, plan.version)?;
                }
                Ok(plan)
            })
            .await
    }

    /// The plan as its reader may see it at a moment that has no change after it.
    pub async fn seen(&self, plan: &OpenPlan, now: DateTime<Utc>) -> Result<Seen, Refusal> {
        Ok(Seen::new(self.picture(plan).await?, Arc::clone(&plan.access), now))
    }

    /// The plan at an earlier version, as its reader may see it today.
    pub async fn seen_at(&self, plan: &OpenPlan, version: Seq, now: DateTime<Utc>) -> Result<Seen, Refusal> {
        Ok(Seen::new(self.past_picture(plan, version).await?, Arc::clone(&plan.access), now))
    }

    /// The plan's picture as it is.
    async fn picture(&self, plan: &OpenPlan) -> Result<Arc<Picture>, Refusal> {
        let known = self.pictures.at(plan.id, plan.version).filter(|picture| {
            let together = picture.family().map(|family| family.versions()).unwrap_or_default();
            plan.access.audience() == Audience::Member || together == plan.family
        });
        if let Some(picture) = known {
            return chosen(picture, plan).await;
        }
        let (pictures, id, version) = (Arc::clone(&self.pictures), plan.id, plan.version);
        let picture = self.store.read(move |conn| pictures.at_version(conn, id, version)).await?;
        chosen(picture, plan).await
    }

    /// The plan's version at an instant: the last place in its journal then.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there was no plan yet.
    pub async fn version_at(&self, plan: &OpenPlan, instant: DateTime<Utc>) -> Result<Seq, Refusal> {
        let id = plan.id;
        let version = self.store.read(move |conn| Ok::<_, Refusal>(journal::seq_at(conn, id, instant)?)).await?;
        if version == Seq(0) { Err(Refusal::NotFound) } else { Ok(version) }
    }

    /// The plan's picture at an earlier version, as it may be shown today.
    async fn past_picture(&self, plan: &OpenPlan, version: Seq) -> Result<Arc<Picture>, Refusal> {
        let present = self.picture(plan).await?;
        if version == plan.version {
            return Ok(present);
        }
        let (pictures, id) = (Arc::clone(&self.pictures), plan.id);
        let past = self.store.read(move |conn| pictures.past(conn, id, version)).await?;
        chosen(Arc::new(past.shown_at(present)), plan).await
    }

    /// Opens a plan and changes it: `change` reads the plan in [`Ground`], as no one else can change it meanwhile, and writes
    /// with [`Pen`]. What is written is saved only if it returns `Ok`.
    pub(crate) async fn change<T, E>(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        change: impl FnOnce(&Ground, &mut Pen<'_, '_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Refusal> + From<StoreError> + Send + 'static,
    {
        let (plan, caller, clock) = (plan.clone(), caller.clone(), self.clock.clone());
        let pictures = Arc::clone(&self.pictures);
        let work = move |write: &mut Write<'_>| {
            let (ground, mut pen) = begin_change(write, &plan, &caller, &clock, &pictures)?;
            let outcome = change(&ground, &mut pen)?;
            Ok::<_, E>((outcome, ground.plan.id, pen.locked.map(|locked| locked.seq)))
        };
        let (outcome, id, version) = self.store.write(work).await?;
        if version.is_none() {
            self.pictures.forget(id);
        }
        // Anyone who waits for a plan that is gone learns so now.
        self.watch.told(id, version.unwrap_or(Seq(i64::MAX)));
        Ok(outcome)
    }
}

/// A picture that knows what is withheld from this caller, so that no thread which answers requests is held up by choosing.
async fn chosen(picture: Arc<Picture>, plan: &OpenPlan) -> Result<Arc<Picture>, Refusal> {
    if plan.access.audience() == Audience::Member || picture.is_chosen() {
        return Ok(picture);
    }
    let choosing = tokio::task::spawn_blocking(move || {
        picture.choose();
        picture
    });
    Ok(choosing.await.map_err(|_stopped| StoreError::stopping())?)
}

/// A number of rows as the store counts them.
fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// What a change is made from: the plan, locked, as it was before.
pub(crate) struct Ground {
    /// The plan.
    pub plan: OpenPlan,
    /// What it held before the change, as the caller may see it, and the moment of the change.
    pub seen: Seen,
    /// Who changes it.
    pub caller: Subject,
}

/// The plan, locked for its caller, and what writes to it.
fn begin_change<'a, 'w>(
    write: &'a mut Write<'w>,
    plan: &PlanCode,
    caller: &Principal,
    clock: &Clock,
    pictures: &Pictures,
) -> Result<(Ground, Pen<'a, 'w>), Refusal> {
    let locked = plans::lock_plan(write, plan, caller)?.ok_or(Refusal::NotFound)?;
    let plan = caller.seen((*locked).clone()).ok_or(Refusal::NotFound)?;
    let plan = OpenPlan::new(&plan);
    caller.claim(write, clock, &plan.access)?;
    let picture = pictures.at_version(write, plan.id, plan.version)?;
    // Asked for once the plan is held: an entry must not claim to be older than one that came before it.
    let now = locked.instant_after(clock.now());
    let caller = caller.subject().clone();
    let pen = Pen { write, locked: Some(locked), plan: plan.id, caller: caller.clone(), now };
    let seen = Seen::new(picture, Arc::clone(&plan.access), now);
    Ok((Ground { plan, seen, caller }, pen))
}

/// The one thing that writes to a plan, in one transaction: every change with its entry in the journal.
pub(crate) struct Pen<'a, 'w> {
    write: &'a mut Write<'w>,
    /// The plan's lock; gone once the plan is deleted.
    locked: Option<LockedPlan>,
    plan: PlanId,
    caller: Subject,
    now: DateTime<Utc>,
}

impl Pen<'_, '_> {
    /// Writes changes and their journal entries.
    pub(crate) fn record(&mut self, changes: Vec<journal::Change>) -> Result<Vec<Seq>, Refusal> {
        let locked = self.locked.as_mut().ok_or(Refusal::NotFound)?;
        Ok(journal::record(self.write, locked, &self.caller, self.now, changes)?)
    }

    /// The connection, to read what the picture does not hold.
    pub(crate) fn conn(&mut self) -> &mut Conn {
        self.write
    }
}
