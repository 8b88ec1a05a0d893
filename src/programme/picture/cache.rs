//! The pictures at hand: the latest of each plan in use, and a few of the past that were asked for last.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::sync::Cache;

use waymark_domain::ids::{PlanId, Seq};
use waymark_store::Conn;

use crate::Refusal;
use crate::picture::Picture;
use crate::picture::family::{Descent, Family};

/// The latest picture of each plan in use, and a few of the past that were asked for last.
pub(crate) struct Pictures {
    latest: Mutex<HashMap<PlanId, Arc<Picture>>>,
    past: Cache<(PlanId, Seq), Arc<Picture>>,
    /// The last picture that was asked for of each plan by anyone who goes through its journal entry by entry.
    walked: Mutex<HashMap<PlanId, Arc<Picture>>>,
    /// Which plan goes on from which.
    descent: Descent,
    /// The latest state of the plans that are published together, by the first of them.
    families: Mutex<HashMap<PlanId, Arc<Family>>>,
}

/// How many pictures of the past are kept at hand.
const PAST_PICTURES: usize = 8;

impl Default for Pictures {
    fn default() -> Self {
        Self {
            latest: Mutex::default(),
            past: Cache::new(PAST_PICTURES),
            walked: Mutex::default(),
            descent: Descent::default(),
            families: Mutex::default(),
        }
    }
}

impl Pictures {
    fn known(&self, plan: PlanId) -> Option<Arc<Picture>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).get(&plan).cloned()
    }

    /// Lets go of a plan that is gone. Its number is never given to another.
    pub(crate) fn forget(&self, plan: PlanId) {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).remove(&plan);
        self.walked.lock().unwrap_or_else(PoisonError::into_inner).remove(&plan);
    }

    /// The picture at exactly this version, if it is at hand.
    pub(crate) fn at(&self, plan: PlanId, version: Seq) -> Option<Arc<Picture>> {
        self.known(plan).filter(|picture| picture.version() == version)
    }

    /// The plans that are published together with one, which is at this version, and the version of each; none if it is
    /// alone.
    pub(crate) fn family_of(&self, conn: &mut Conn, plan: PlanId, version: Seq) -> Result<Vec<(PlanId, Seq)>, Refusal> {
        let mut family = self.descent.family(conn, plan)?;
        if family.len() < 2 {
            return Ok(Vec::new());
        }
        for own in family.iter_mut().filter(|(id, _)| *id == plan) {
            own.1 = version;
        }
        Ok(family)
    }

    /// The picture at a version, brought up to it by what was written since, by this instance or another, among those of the
    /// plans that are published together with it.
    pub(crate) fn at_version(&self, conn: &mut Conn, plan: PlanId, version: Seq) -> Result<Arc<Picture>, Refusal> {
        let versions = self.family_of(conn, plan, version)?;
        let picture = self.alone(conn, plan, version)?;
        let known = picture.family().map(|family| family.versions()).unwrap_or_default();
        if known == versions {
            return Ok(picture);
        }
        let family = if versions.is_empty() { None } else { Some(self.family_at(conn, versions)?) };
        let picture = Arc::new(picture.in_family(family));
        self.keep(plan, &picture);
        Ok(picture)
    }

    /// A family whose plans are at these versions.
    fn family_at(&self, conn: &mut Conn, versions: Vec<(PlanId, Seq)>) -> Result<Arc<Family>, Refusal> {
        let first = versions.first().map_or(PlanId(0), |(plan, _)| *plan);
        let known = self.families.lock().unwrap_or_else(PoisonError::into_inner).get(&first).cloned();
        if let Some(known) = known.clone().filter(|known| known.versions() == versions) {
            return Ok(known);
        }
        let mut members = Vec::new();
        for (plan, version) in versions {
            members.push(Arc::new(self.alone(conn, plan, version)?.in_family(None)));
        }
        let family = Arc::new(Family::new(members, known.as_deref()));
        self.families.lock().unwrap_or_else(PoisonError::into_inner).insert(first, Arc::clone(&family));
        Ok(family)
    }

    /// The picture at a version, whatever is published together with it.
    fn alone(&self, conn: &mut Conn, plan: PlanId, version: Seq) -> Result<Arc<Picture>, Refusal> {
        let picture = match self.known(plan) {
            Some(picture) if picture.version() == version => return Ok(picture),
            Some(picture) if picture.version() < version => picture.brought_up_to(conn, version)?,
            _ => Picture::load(conn, plan, version)?,
        };
        let picture = Arc::new(picture);
        self.keep(plan, &picture);
        Ok(picture)
    }

    /// Keeps the picture of a plan, unless there is a later one.
    fn keep(&self, plan: PlanId, picture: &Arc<Picture>) {
        let mut known = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(&plan).is_none_or(|other| other.version() <= picture.version()) {
            known.insert(plan, Arc::clone(picture));
        }
    }

    /// The picture at a version, for anyone who goes through the journal entry by entry: made from the one before.
    pub(crate) fn near(&self, conn: &mut Conn, plan: PlanId, version: Seq) -> Result<Arc<Picture>, Refusal> {
        if let Some(picture) = self.at(plan, version).or_else(|| self.past.get(&(plan, version))) {
            return Ok(picture);
        }
        let walked = self.walked.lock().unwrap_or_else(PoisonError::into_inner).get(&plan).cloned();
        let picture = match walked {
            Some(picture) if picture.version() == version => return Ok(picture),
            Some(picture) if picture.version() < version => Arc::new(picture.brought_up_to(conn, version)?),
            _ => self.past(conn, plan, version)?,
        };
        self.walked.lock().unwrap_or_else(PoisonError::into_inner).insert(plan, Arc::clone(&picture));
        Ok(picture)
    }

    /// The picture at an earlier version. Anyone who asks while another loads it waits for that one.
    pub(crate) fn past(&self, conn: &mut Conn, plan: PlanId, version: Seq) -> Result<Arc<Picture>, Refusal> {
        self.past.get_or_insert_with(&(plan, version), || Picture::load(conn, plan, version).map(Arc::new))
    }
}
