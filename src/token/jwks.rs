//! Where verification keys come from, and how they are kept current without a restart.
//!
//! Every source is asked lazily, by the token that needs it, and one reading at a time: a file is looked at again when
//! it was last looked at [`FILE_CHECK`] ago, a URL when its answer is [`FRESH`] old or a token names a key that is not
//! known. What a source said last is honoured for [`STALE`] while it says nothing usable; then its keys are gone. All
//! ages are measured on the [`Clock`] of the verifier.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinHandle;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use super::bounded;
use super::jwk::{Jwk, PublicKey, Unusable};
use super::keys::SigningKey;
use crate::clock::Clock;

/// How old the last look at a file is before the next.
const FILE_CHECK: TimeDelta = TimeDelta::seconds(2);

/// How long the answer of a URL is used as it is.
const FRESH: TimeDelta = TimeDelta::hours(1);

/// The least time between two questions to a URL of which some keys are held, however many unknown `kid`s come.
const GAP: TimeDelta = TimeDelta::seconds(60);

/// The least time between two questions to a URL of which no keys are held: shorter, because until an answer comes
/// nobody can work, and a service often starts a moment before its issuer does.
const GAP_WHILE_EMPTY: TimeDelta = TimeDelta::seconds(5);

/// How long the keys last seen are honoured while their source is down, missing or broken.
const STALE: TimeDelta = TimeDelta::hours(24);

/// The largest key set that is read, in bytes.
const SET_MAX: u64 = 256 * 1024;

/// How long a URL may take in all, from resolving its name to the end of its answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How much of a foreign `kid` is written into the log, in characters.
const KID_SHOWN: usize = 64;

/// One place that verification keys come from.
pub struct KeySource(Origin);

enum Origin {
    Local(Jwk),
    File(PathBuf),
    Url(Remote),
}

/// Why a URL is not accepted as a source of keys.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// It does not parse, or has no scheme or host.
    #[error("the URL is not an absolute URL; write it as https://issuer.example/path")]
    NotAbsolute,
    /// It carries a user name or password, which would end up in logs.
    #[error("the URL carries credentials; what is there is public, so leave out the part before the @")]
    Credentials,
    /// Anyone between could hand out their own keys.
    #[error("the URL {0} is not https, which only a loopback host may do without")]
    NotHttps(String),
}

impl KeySource {
    /// The public half of the service's own signing key. It never changes while the service runs.
    #[must_use]
    pub fn local(key: &SigningKey) -> Self {
        Self(Origin::Local(key.public().clone()))
    }

    /// A JWKS file of at most 256 KiB, looked at at most every 2 s and re-read when its modification time or size
    /// changes. While it is missing or broken, the keys last read from it are honoured for 24 h: to remove a key, write
    /// a set without it.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Origin::File(path.into()))
    }

    /// A JWKS URL, such as an issuer's `jwks_uri`: at most 256 KiB in at most 5 s, no redirects, trusted as far as the
    /// system's certificate store trusts its certificate. The answer is good for 1 h, and asked for again at most once
    /// in 60 s when a token names an unknown key; while the issuer is down, the keys last seen are honoured for 24 h.
    ///
    /// # Errors
    /// [`KeySourceError`], if the URL is neither https nor on a loopback host, or carries credentials.
    pub fn url(url: &str) -> Result<Self, KeySourceError> {
        Ok(Self(Origin::Url(Remote::new(url)?)))
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeySource({})", self.0)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(jwk) => write!(formatter, "the local signing key {}", jwk.kid().unwrap_or_default()),
            Self::File(path) => write!(formatter, "{}", path.display()),
            Self::Url(remote) => formatter.write_str(&remote.shown),
        }
    }
}

/// Why a reading brought nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("{0}")]
    File(#[from] io::Error),
    #[error("{0}")]
    Call(#[from] ureq::Error),
    #[error("it answered with HTTP status {0} instead of 200")]
    Status(u16),
    #[error("it is not what was asked for: {0}")]
    Json(#[from] serde_json::Error),
}

/// An address of an issuer, such as that of its JWKS, and the client that asks it.
pub(super) struct Remote {
    uri: Uri,
    /// The URL without its query, for logs.
    shown: String,
    agent: ureq::Agent,
}

impl Remote {
    pub(super) fn new(url: &str) -> Result<Self, KeySourceError> {
        let Ok(uri) = url.parse::<Uri>() else { return Err(KeySourceError::NotAbsolute) };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(KeySourceError::NotAbsolute);
        };
        if authority.as_str().contains('@') {
            return Err(KeySourceError::Credentials);
        }
        if authority.host().is_empty() {
            return Err(KeySourceError::NotAbsolute);
        }
        let shown = format!("{scheme}://{authority}{}", uri.path());
        let plain = match scheme {
            "https" => false,
            "http" if is_loopback(authority.host()) => true,
            _ => return Err(KeySourceError::NotHttps(shown)),
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let mut config = ureq::Agent::config_builder()
            .tls_config(tls)
            .https_only(!plain)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(TIMEOUT))
            // An hour lies between two questions; a kept connection would be dead by then.
            .max_idle_connections(0)
            .user_agent(concat!("waymark/", env!("CARGO_PKG_VERSION")))
            .accept("application/jwk-set+json, application/json");
        if plain {
            // A proxy has no part in what stays on this machine.
            config = config.proxy(None);
        }
        let agent = config.build().new_agent();
        Ok(Self { uri, shown, agent })
    }

    pub(super) fn fetch(&self) -> Result<Vec<u8>, ReadError> {
        let mut response = self.agent.get(&self.uri).call()?;
        if response.status() != 200 {
            return Err(ReadError::Status(response.status().as_u16()));
        }
        Ok(response.body_mut().with_config().limit(SET_MAX).read_to_vec()?)
    }

    /// Sends a form, with what is to stand in `Authorization`, and gives the status and the body of the answer.
    pub(super) fn send(&self, form: &str, authorization: Option<&str>) -> Result<(u16, Vec<u8>), ReadError> {
        let request = self.agent.post(&self.uri).header("Content-Type", "application/x-www-form-urlencoded");
        let request = match authorization {
            Some(authorization) => request.header("Authorization", authorization),
            None => request,
        };
        let mut response = request.send(form)?;
        let status = response.status().as_u16();
        Ok((status, response.body_mut().with_config().limit(SET_MAX).read_to_vec()?))
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What distinguishes one version of a file from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fingerprint {
    modified: SystemTime,
    length: u64,
}

impl Fingerprint {
    /// `None` if the file system keeps no modification times; such a file is read at every look.
    fn of(metadata: &Metadata) -> Option<Self> {
        metadata.modified().ok().map(|modified| Self { modified, length: metadata.len() })
    }
}

/// What a source said.
struct Reading {
    set: Vec<u8>,
    fingerprint: Option<Fingerprint>,
}

/// What a source is in want of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Nothing,
    /// A reading that nobody waits for, because keys are held meanwhile.
    Background,
    /// A reading before the token at hand can be judged.
    Wait,
}

/// A source with what it said last.
struct Source {
    origin: Origin,
    /// Held by anyone who reads the source.
    gate: Arc<tokio::sync::Mutex<()>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    attempted_at: Option<DateTime<Utc>>,
    complaint: Option<(String, DateTime<Utc>)>,
}

struct Held {
    keys: Arc<[Arc<PublicKey>]>,
    /// Counts the versions of this source's keys, so that two moments can be distinguished without comparing keys.
    revision: u64,
    /// When the source last stood by these keys.
    confirmed_at: DateTime<Utc>,
    fingerprint: Option<Fingerprint>,
}

/// Whether `gap` has gone by since `then`. A clock that went backwards shows nothing, and counts as "yes".
fn is_past(then: DateTime<Utc>, gap: TimeDelta, now: DateTime<Utc>) -> bool {
    let elapsed = now.signed_duration_since(then);
    elapsed >= gap || elapsed < TimeDelta::zero()
}

impl State {
    /// The keys that may be used at `now`.
    fn usable(&self, now: DateTime<Utc>) -> Option<&Held> {
        self.held.as_ref().filter(|held| now.signed_duration_since(held.confirmed_at) < STALE)
    }

    fn rested(&self, gap: TimeDelta, now: DateTime<Utc>) -> bool {
        self.attempted_at.is_none_or(|at| is_past(at, gap, now))
    }
}

impl Source {
    fn new(KeySource(origin): KeySource) -> Arc<Self> {
        let mut state = State::default();
        if let Origin::Local(jwk) = &origin {
            let keys = usable_keys([Ok(jwk.clone())], &origin);
            state.held = Some(Held { keys, revision: 1, confirmed_at: DateTime::<Utc>::MAX_UTC, fingerprint: None });
        }
        Arc::new(Self { origin, gate: Arc::default(), state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version and the keys to be used at `now`; `None` while the source has none to offer.
    fn usable(&self, now: DateTime<Utc>) -> Option<(u64, Arc<[Arc<PublicKey>]>)> {
        self.state().usable(now).map(|held| (held.revision, Arc::clone(&held.keys)))
    }

    /// What would have to be done at `now`, were nobody at it already.
    fn due(&self, now: DateTime<Utc>) -> Need {
        let state = self.state();
        let due = match (&self.origin, state.usable(now)) {
            (Origin::Local(_), _) => false,
            (Origin::File(_), _) => state.rested(FILE_CHECK, now),
            (Origin::Url(_), None) => state.rested(GAP_WHILE_EMPTY, now),
            (Origin::Url(_), Some(held)) => {
                if is_past(held.confirmed_at, FRESH, now) && state.rested(GAP, now) {
                    return Need::Background;
                }
                false
            }
        };
        if due { Need::Wait } else { Need::Nothing }
    }

    /// What is to be done at `now` before a key is looked for.
    fn need(&self, now: DateTime<Utc>) -> Need {
        let in_flight = self.gate.try_lock().is_err();
        match self.due(now) {
            // If there are no keys yet, anyone who comes second waits for the first one's reading too.
            _ if in_flight => self.usable(now).map_or(Need::Wait, |_| Need::Nothing),
            need => need,
        }
    }

    /// Reads the source if it is due. Waits for the end of it only if the keys at hand do not do.
    async fn keep_current(self: &Arc<Self>, clock: &Clock) {
        match self.need(clock.now()) {
            Need::Nothing => {}
            Need::Background => {
                if let Ok(turn) = Arc::clone(&self.gate).try_lock_owned() {
                    drop(self.begin(turn, clock.now()));
                }
            }
            Need::Wait => {
                let turn = Arc::clone(&self.gate).lock_owned().await;
                // Asked again, for the reading may have been done by the holder of the turn before.
                let now = clock.now();
                if self.due(now) != Need::Nothing {
                    self.finish(self.begin(turn, now)).await;
                }
            }
        }
    }

    /// Asks a URL again because a token names a key that it has not given, if it has been left alone for [`GAP`].
    async fn chase(self: &Arc<Self>, clock: &Clock) {
        if matches!(self.origin, Origin::Url(_)) {
            let turn = Arc::clone(&self.gate).lock_owned().await;
            let now = clock.now();
            let rested = self.state().rested(GAP, now);
            if rested {
                self.finish(self.begin(turn, now)).await;
            }
        }
    }

    /// Starts a reading on a thread that may block. It ends on its own, even if nobody waits for it any longer.
    fn begin(self: &Arc<Self>, turn: OwnedMutexGuard<()>, now: DateTime<Utc>) -> JoinHandle<()> {
        self.state().attempted_at = Some(now);
        let source = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            source.read(now);
            drop(turn);
        })
    }

    async fn finish(&self, reading: JoinHandle<()>) {
        if let Err(error) = reading.await {
            tracing::error!(source = %self.origin, %error, "the reading of a key set was cut short");
        }
    }

    fn read(&self, now: DateTime<Utc>) {
        let read = match &self.origin {
            Origin::Local(_) => return,
            Origin::File(path) => self.read_file(path),
            Origin::Url(remote) => remote.fetch().map(|set| Some(Reading { set, fingerprint: None })),
        };
        let parsed = read.and_then(|read| match read {
            Some(Reading { set, fingerprint }) => Ok(Some((parse(&set, &self.origin)?, fingerprint))),
            None => Ok(None),
        });
        match parsed {
            Ok(Some((keys, fingerprint))) => self.adopt(keys, fingerprint, now),
            Ok(None) => self.confirm(now),
            Err(error) => self.complain(&error, now),
        }
    }

    /// The file's content, or `None` if it has not changed since it was last read to good effect.
    fn read_file(&self, path: &Path) -> Result<Option<Reading>, ReadError> {
        let known = self.state().held.as_ref().and_then(|held| held.fingerprint);
        if known.is_some() && known == Fingerprint::of(&fs::metadata(path)?) {
            return Ok(None);
        }
        let (set, metadata) = bounded::read(path, SET_MAX)?;
        Ok(Some(Reading { set, fingerprint: Fingerprint::of(&metadata) }))
    }

    fn confirm(&self, now: DateTime<Utc>) {
        let mut state = self.state();
        state.complaint = None;
        if let Some(held) = &mut state.held {
            held.confirmed_at = now;
        }
    }

    fn adopt(&self, keys: Arc<[Arc<PublicKey>]>, fingerprint: Option<Fingerprint>, now: DateTime<Utc>) {
        let mut state = self.state();
        state.complaint = None;
        let before = state.held.as_ref();
        let unchanged = before.is_some_and(|held| held.keys == keys);
        let revision = before.map_or(0, |held| held.revision);
        if !unchanged {
            let kids: Vec<&str> = keys.iter().map(|key| key.kid()).collect();
            tracing::info!(source = %self.origin, ?kids, "verification keys read");
        }
        // An unchanged set keeps its version, so that the hourly reading does not empty the cache of tokens.
        let revision = if unchanged { revision } else { revision.saturating_add(1) };
        state.held = Some(Held { keys, revision, confirmed_at: now, fingerprint });
    }

    /// Warns of a failed reading: the same fault at most once in [`GAP`].
    fn complain(&self, error: &ReadError, now: DateTime<Utc>) {
        let text = error.to_string();
        let mut state = self.state();
        let repeated = state.complaint.as_ref().is_some_and(|(last, at)| *last == text && !is_past(*at, GAP, now));
        if repeated {
            return;
        }
        if let Some(until) = state.usable(now).and_then(|held| held.confirmed_at.checked_add_signed(STALE)) {
            tracing::warn!(
                source = %self.origin, error = text, %until,
                "cannot read verification keys; those last seen are honoured until then"
            );
        } else {
            tracing::warn!(
                source = %self.origin, error = text,
                "cannot read verification keys, and none are held; tokens of this source are refused"
            );
        }
        state.complaint = Some((text, now));
    }
}

#[derive(Deserialize)]
struct RawSet {
    keys: Vec<Value>,
}

/// The usable keys of a JWK Set; the others are warned of and left out (RFC 7517, section 5).
fn parse(set: &[u8], origin: &Origin) -> Result<Arc<[Arc<PublicKey>]>, ReadError> {
    let RawSet { keys } = serde_json::from_slice(set)?;
    let keys = keys.into_iter().map(|key| serde_json::from_value(key).map_err(|_malformed| Unusable::Shape));
    Ok(usable_keys(keys, origin))
}

fn usable_keys(jwks: impl IntoIterator<Item = Result<Jwk, Unusable>>, origin: &Origin) -> Arc<[Arc<PublicKey>]> {
    let mut keys: Vec<Arc<PublicKey>> = Vec::new();
    for (index, jwk) in jwks.into_iter().enumerate() {
        let kid = jwk.as_ref().ok().and_then(Jwk::kid).unwrap_or_default();
        let shown: String = kid.chars().take(KID_SHOWN).collect();
        let key = match jwk.as_ref().map_err(|reason| *reason).and_then(PublicKey::try_from) {
            Ok(key) => key,
            Err(reason) => {
                tracing::warn!(source = %origin, index, kid = ?shown, %reason, "a key is left out");
                continue;
            }
        };
        match keys.iter().find(|other| other.kid() == key.kid()) {
            None => keys.push(Arc::new(key)),
            Some(other) if **other == key => {}
            Some(_) => tracing::warn!(
                source = %origin, index, kid = ?shown,
                "a key is left out: an earlier one has the same `kid`"
            ),
        }
    }
    keys.into()
}

/// All keys of all sources at one moment.
#[derive(Default)]
struct Snapshot {
    /// The version of each source's keys, `None` if it has none to offer.
    versions: Vec<Option<u64>>,
    generation: u64,
    keys: HashMap<String, Arc<PublicKey>>,
}

/// A key, and the number of the set it was found in. The number changes whenever any source's keys do.
pub(super) struct Found {
    pub(super) key: Arc<PublicKey>,
    pub(super) generation: u64,
}

/// Why there is no key for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// Every source has given its keys, and this is not one of them.
    Unknown,
    /// It may be the key of a source that cannot be read.
    Unavailable,
}

impl Snapshot {
    fn find(&self, kid: Option<&str>) -> Result<Found, Missing> {
        let complete = self.versions.iter().all(Option::is_some);
        let key = match kid {
            Some(kid) => self.keys.get(kid),
            // Without a name keys cannot be distinguished, so there must be but one, of all sources.
            None if complete && self.keys.len() == 1 => self.keys.values().next(),
            None => None,
        };
        match key {
            Some(key) => Ok(Found { key: Arc::clone(key), generation: self.generation }),
            None if complete => Err(Missing::Unknown),
            None => Err(Missing::Unavailable),
        }
    }
}

/// The sources of a verifier, and the keys they make up together.
pub(super) struct KeyRing {
    sources: Vec<Arc<Source>>,
    clock: Clock,
    current: Mutex<Arc<Snapshot>>,
}

impl KeyRing {
    /// If two sources use one `kid` for different keys, the earlier source's key is the one.
    pub(super) fn new(sources: Vec<KeySource>, clock: Clock) -> Self {
        Self { sources: sources.into_iter().map(Source::new).collect(), clock, current: Mutex::default() }
    }

    /// The key called `kid`; without a `kid`, the only one there is. Asks the sources if the answer needs it.
    pub(super) async fn find(&self, kid: Option<&str>) -> Result<Found, Missing> {
        let found = self.snapshot_kept_current().await.find(kid);
        if found.is_ok() || kid.is_none() {
            return found;
        }
        join_all(self.sources.iter().map(|source| source.chase(&self.clock))).await;
        self.snapshot().find(kid)
    }

    /// How many keys are known, once every source that is due has been read.
    pub(super) async fn count(&self) -> usize {
        self.snapshot_kept_current().await.keys.len()
    }

    async fn snapshot_kept_current(&self) -> Arc<Snapshot> {
        let now = self.clock.now();
        if self.sources.iter().any(|source| source.need(now) != Need::Nothing) {
            join_all(self.sources.iter().map(|source| source.keep_current(&self.clock))).await;
        }
        self.snapshot()
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        // The versions are read under the lock: were they read before it, a slow reader could put an older set back.
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let offers: Vec<_> = self.sources.iter().map(|source| source.usable(now)).collect();
        let versions = offers.iter().map(|offer| offer.as_ref().map(|(revision, _)| *revision));
        if !current.versions.iter().copied().eq(versions.clone()) {
            let versions = versions.collect();
            let generation = current.generation.saturating_add(1);
            let mut keys = HashMap::new();
            for (source, (_, offered)) in self.sources.iter().zip(&offers).filter_map(|(s, o)| Some((s, o.as_ref()?))) {
                for key in offered.iter() {
                    match keys.entry(key.kid().to_owned()) {
                        Entry::Vacant(free) => {
                            free.insert(Arc::clone(key));
                        }
                        Entry::Occupied(taken) if taken.get() == key => {}
                        Entry::Occupied(_) => tracing::warn!(
                            source = %source.origin, kid = key.kid(),
                            "a key is left out: another source has a different one by the same `kid`"
                        ),
                    }
                }
            }
            *current = Arc::new(Snapshot { versions, generation, keys });
        }
        Arc::clone(&current)
    }

    /// Waits for readings that run in the background.
    #[cfg(test)]
    pub(super) async fn settle(&self) {
        for source in &self.sources {
            drop(source.gate.lock().await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_https_or_on_this_machine_and_carries_no_credentials() {
        for good in [
            "https://issuer.example/.well-known/jwks.json",
            "https://10.0.0.1:8443/keys",
            "http://localhost:8080/keys",
            "http://LOCALHOST/keys",
            "http://127.0.0.1/keys",
            "http://127.1.2.3:9/keys",
            "http://[::1]:8080/keys",
        ] {
            assert!(KeySource::url(good).is_ok(), "{good}");
        }
        for plain in [
            "http://issuer.example/keys",
            "http://127.0.0.1.issuer.example/keys",
            "http://localhost.issuer.example/keys",
            "http://[::2]/keys",
            "ftp://localhost/keys",
            "file://localhost/etc/keys",
        ] {
            assert!(matches!(KeySource::url(plain), Err(KeySourceError::NotHttps(_))), "{plain}");
        }
        for relative in ["", "issuer.example", "/keys", "https://", "http:///keys", "https://a b/"] {
            assert!(matches!(KeySource::url(relative), Err(KeySourceError::NotAbsolute)), "{relative}");
        }
        let secret = KeySource::url("https://user:topsecret@issuer.example/keys").unwrap_err();
        assert!(matches!(secret, KeySourceError::Credentials));
        assert!(!secret.to_string().contains("topsecret"));
        assert_eq!(
            KeySource::url("https://issuer.example/keys?token=topsecret").unwrap().to_string(),
            "https://issuer.example/keys"
        );
    }
}
