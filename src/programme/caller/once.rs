//! Requests that must not be carried out twice, however often they arrive: those that come with an `Idempotency-Key`.
//!
//! The key is written in the transaction of the change that it comes with, so that there is one effect or none. The
//! answer is stored beside it before it is sent, and given again for [`KEPT`] to anyone who sends the same request with
//! the same key.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use sha2::{Digest, Sha256};

pub use waymark_store::answers::KeptAnswer;
use waymark_store::{Conflict, Conn, StoreError, Write, answers};

use crate::clock::Clock;
use crate::{Principal, Programme, Refusal};
use waymark_domain::access::Access;

/// How long a key is remembered.
pub const KEPT: TimeDelta = TimeDelta::hours(24);

/// One request with its key. What is sent is hashed as it is read.
#[derive(Debug)]
pub struct Once {
    key: String,
    sent: Mutex<Sha256>,
    claimed: AtomicBool,
    answered: OnceLock<KeptAnswer>,
}

impl Once {
    /// A request to `address` with a key, of which nothing has been read yet.
    pub fn new(key: String, address: &str) -> Self {
        let mut sent = Sha256::new();
        sent.update(address);
        sent.update([0]);
        Self { key, sent: Mutex::new(sent), claimed: AtomicBool::new(false), answered: OnceLock::new() }
    }

    /// Takes note of what was read of the body.
    pub fn read(&self, chunk: &[u8]) {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).update(chunk);
    }

    /// Whether the key was written with a change.
    pub fn was_claimed(&self) -> bool {
        self.claimed.load(Ordering::Acquire)
    }

    /// How the request was answered when it was carried out before.
    pub fn answered(&self) -> Option<&KeptAnswer> {
        self.answered.get()
    }

    /// What distinguishes this request, by somebody with this access, from others.
    fn fingerprint(&self, access: &Access) -> String {
        let mut all = self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.update(access.told());
        URL_SAFE_NO_PAD.encode(all.finalize())
    }
}

impl Principal {
    /// Refuses a request that was carried out already; [`Once::answered`] then has its answer, if that is known.
    ///
    /// Anyone who may do more or less by now than when it was carried out, or comes with a token of other bounds,
    /// learns nothing of it: to them the key belongs to another request.
    pub(crate) fn not_done_yet(&self, conn: &mut Conn, clock: &Clock, access: &Access) -> Result<(), Refusal> {
        let Some(once) = self.once() else { return Ok(()) };
        let Some(known) = answers::find(conn, self, &once.key, clock.now() - KEPT)? else { return Ok(()) };
        if known.fingerprint != once.fingerprint(access) {
            return Err(Refusal::KeyReused);
        }
        // If the answer is not known, the refusal stands; otherwise the answer goes out in its place.
        if let Some(answer) = known.answer {
            once.answered.get_or_init(|| answer);
        }
        Err(Refusal::CarriedOut)
    }

    /// Writes down that the request is carried out in this write. The first thing that a change does.
    pub(crate) fn claim(&self, write: &mut Write<'_>, clock: &Clock, access: &Access) -> Result<(), Refusal> {
        let Some(once) = self.once() else { return Ok(()) };
        self.not_done_yet(write, clock, access)?;
        let now = clock.now();
        answers::claim(write, self, &once.key, &once.fingerprint(access), now, now - KEPT).map_err(
            |error| match error {
                StoreError::Conflict(Conflict::Request) => Refusal::CarriedOut,
                other => other.into(),
            },
        )?;
        once.claimed.store(true, Ordering::Release);
        Ok(())
    }
}

impl Programme {
    /// Keeps the answer to a request that was carried out under its key.
    pub async fn keep_answer(&self, caller: &Principal, answer: KeptAnswer) -> Result<(), Refusal> {
        let caller = caller.clone();
        self.store
            .write(move |write| match caller.once() {
                Some(once) => Ok(answers::keep(write, &caller, &once.key, &answer)?),
                None => Ok(()),
            })
            .await
    }
}
