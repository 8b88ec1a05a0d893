//! The verification of access tokens (RFC 9068), with the defences of RFC 8725.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::errors::ErrorKind;
use quick_cache::sync::Cache;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

use super::jwk::{Algorithm, PublicKey};
use super::jwks::{Found, KeyRing, KeySource, Missing};
use crate::clock::Clock;

/// The longest token that is looked at, in bytes.
const TOKEN_MAX: usize = 8 * 1024;

/// The largest header that is parsed, in bytes once decoded.
const HEADER_MAX: usize = 1024;

/// How far the issuer's clock may be from ours.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// The longest subject, in characters.
const SUBJECT_MAX: usize = 200;

/// How many verified tokens are remembered.
const CACHED_TOKENS: usize = 10_000;

/// What a token must say to be meant for this service. Both are compared character by character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The `iss` of every token.
    pub issuer: String,
    /// What must be among the `aud` of every token.
    pub audience: String,
}

/// What a good token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Who it speaks for: 1 to 200 characters, none of them a control character.
    pub subject: String,
    /// The moment (`exp`) from which it is no longer valid.
    pub expires_at: DateTime<Utc>,
    /// The token's own name (`jti`), without control characters.
    pub token_id: Option<String>,
    /// The client it was issued to (`client_id`), without control characters.
    pub client_id: Option<String>,
}

/// A claim that every token needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// `iss`
    Issuer,
    /// `aud`
    Audience,
    /// `sub`
    Subject,
    /// `exp`
    Expiry,
}

/// Why a token is not accepted. Nothing of the token is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is no access token: too long, wrongly encoded, of another type, or with claims of the wrong form.
    Malformed,
    /// Its `kid` names none of the keys, or it has none and there is more than one key.
    UnknownKey,
    /// Its `alg` is not trusted, or not the one of its key.
    WrongAlgorithm,
    /// Its key did not make its signature.
    BadSignature,
    /// Its `exp` is more than 30 s ago.
    Expired,
    /// Its `nbf` or `iat` is more than 30 s ahead.
    NotYetValid,
    /// Its `iss` is another.
    WrongIssuer,
    /// Its `aud` does not name this service.
    WrongAudience,
    /// A claim is missing.
    MissingClaim(Claim),
    /// It cannot be judged, since a source of keys cannot be read. This is the service's fault, not the token's.
    KeysUnavailable,
}

impl Refusal {
    /// A sentence for the holder of the token, in the characters that RFC 6750 allows in `error_description`.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Malformed => "the token is not a well-formed JWT access token",
            Self::UnknownKey => "the token is signed with a key that is not known here",
            Self::WrongAlgorithm => "the token is signed with an algorithm that its key is not trusted with",
            Self::BadSignature => "the signature of the token does not fit",
            Self::Expired => "the token has expired",
            Self::NotYetValid => "the token is not valid yet",
            Self::WrongIssuer => "the token is from another issuer",
            Self::WrongAudience => "the token is for another audience",
            Self::MissingClaim(Claim::Issuer) => "the token does not have the claim iss",
            Self::MissingClaim(Claim::Audience) => "the token does not have the claim aud",
            Self::MissingClaim(Claim::Subject) => "the token does not have the claim sub",
            Self::MissingClaim(Claim::Expiry) => "the token does not have the claim exp",
            Self::KeysUnavailable => "the keys to check the token with are not available at the moment; try again",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.description())
    }
}

impl std::error::Error for Refusal {}

impl From<Missing> for Refusal {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Unknown => Self::UnknownKey,
            Missing::Unavailable => Self::KeysUnavailable,
        }
    }
}

/// A token that was found good, for as long as that holds.
#[derive(Clone)]
struct Remembered {
    verified: Verified,
    /// The set of keys it was found good with; its key may be missing in another set.
    generation: u64,
    /// When it was found good; what held then may not have held before, should the clock be set back.
    since: DateTime<Utc>,
}

/// Decides which tokens to believe. Shared by all workers; needs a Tokio runtime around it.
pub struct Verifier {
    /// At least one.
    realms: Vec<Realm>,
    clock: Clock,
    remembered: Cache<[u8; 32], Remembered>,
}

/// An issuer with its keys: no key is trusted for the tokens of another issuer.
struct Realm {
    keys: KeyRing,
    expected: Expected,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected: Vec<_> = self.realms.iter().map(|realm| &realm.expected).collect();
        formatter.debug_struct("Verifier").field("expected", &expected).finish_non_exhaustive()
    }
}

impl Verifier {
    /// A verifier that takes keys from all of `sources`; if two use one `kid`, the earlier source's key is the one. No
    /// source is read before the first token comes; [`Verifier::known_keys`] reads them at once.
    #[must_use]
    pub fn new(sources: Vec<KeySource>, expected: Expected, clock: Clock) -> Self {
        let keys = KeyRing::new(sources, clock.clone());
        Self { realms: vec![Realm { keys, expected }], clock, remembered: Cache::new(CACHED_TOKENS) }
    }

    /// The same, which accepts the tokens of another issuer too, by its own keys.
    #[must_use]
    pub fn and(mut self, sources: Vec<KeySource>, expected: Expected) -> Self {
        let keys = KeyRing::new(sources, self.clock.clone());
        self.realms.push(Realm { keys, expected });
        self
    }

    /// How many keys are known, for a log line at the start and for readiness. Reads every source that is due.
    pub async fn known_keys(&self) -> usize {
        let mut known = 0;
        for realm in &self.realms {
            known += realm.keys.count().await;
        }
        known
    }

    /// Decides whether `token`, the compact form without the word `Bearer`, is to be believed. A token found good once
    /// is not checked again until it expires or the keys change.
    ///
    /// # Errors
    /// The first fault found, as a [`Refusal`].
    pub async fn verify(&self, token: &str) -> Result<Verified, Refusal> {
        let parts = Parts::of(token)?;
        let header = Head::parse(parts.header, Kind::Access)?;
        let realm = self.realm_of(&parts).ok_or(Refusal::WrongIssuer)?;
        let Found { key, generation } = realm.keys.find(header.kid.as_deref()).await?;
        if header.algorithm != key.algorithm() {
            return Err(Refusal::WrongAlgorithm);
        }

        let now = self.clock.now();
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(known) = self.remembered.get(&digest) {
            if known.generation == generation && known.since <= now && now < known.verified.expires_at {
                return Ok(known.verified);
            }
            self.remembered.remove(&digest);
        }

        check_signature(&parts, &key)?;
        let verified = Payload::parse(parts.payload)?.check(&realm.expected, now)?;
        if now < verified.expires_at {
            self.remembered.insert(digest, Remembered { verified: verified.clone(), generation, since: now });
        }
        Ok(verified)
    }
}

impl Verifier {
    /// The claims of an ID token, with which an issuer states who has just signed in there. It is judged as an access token is,
    /// except that it need not say what it is.
    ///
    /// # Errors
    /// The first fault found, as a [`Refusal`].
    pub(super) async fn id_claims(&self, token: &str) -> Result<Map<String, Value>, Refusal> {
        let parts = Parts::of(token)?;
        let header = Head::parse(parts.header, Kind::Id)?;
        let realm = self.realm_of(&parts).ok_or(Refusal::WrongIssuer)?;
        let Found { key, .. } = realm.keys.find(header.kid.as_deref()).await?;
        if header.algorithm != key.algorithm() {
            return Err(Refusal::WrongAlgorithm);
        }
        check_signature(&parts, &key)?;
        let _good = Payload::parse(parts.payload)?.check(&realm.expected, self.clock.now())?;
        object(parts.payload, TOKEN_MAX)
    }

    /// The issuer that a token says it is from; whether it is shows when its keys are tried.
    fn realm_of(&self, parts: &Parts<'_>) -> Option<&Realm> {
        let (first, others) = self.realms.split_first()?;
        if others.is_empty() {
            return Some(first);
        }
        let issuer = Payload::parse(parts.payload).ok()?.iss?;
        self.realms.iter().find(|realm| realm.expected.issuer == issuer)
    }
}

/// The claims of a token that a verifier has found good.
pub(super) fn claims_of(token: &str) -> Result<Map<String, Value>, Refusal> {
    object(Parts::of(token)?.payload, TOKEN_MAX)
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// To come in with.
    Access,
    /// To state who has signed in.
    Id,
}

/// A token in its three parts, none of them empty.
struct Parts<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    signed: &'a str,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Result<Self, Refusal> {
        if token.len() > TOKEN_MAX {
            return Err(Refusal::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        if header.is_empty() || payload.is_empty() || signature.is_empty() || payload.contains('.') {
            return Err(Refusal::Malformed);
        }
        Ok(Self { header, payload, signature, signed })
    }
}

fn check_signature(parts: &Parts<'_>, key: &PublicKey) -> Result<(), Refusal> {
    let algorithm = key.algorithm().jws();
    match jsonwebtoken::crypto::verify(parts.signature, parts.signed.as_bytes(), key.decoding(), algorithm) {
        Ok(true) => Ok(()),
        Err(error) if matches!(error.kind(), ErrorKind::Base64(_)) => Err(Refusal::Malformed),
        Ok(false) | Err(_) => Err(Refusal::BadSignature),
    }
}

/// A JSON object in base64url. Serde would take an array for a struct as well, and members twice in a map; a token
/// has neither.
fn object<T: DeserializeOwned>(part: &str, limit: usize) -> Result<T, Refusal> {
    let Ok(json) = URL_SAFE_NO_PAD.decode(part) else { return Err(Refusal::Malformed) };
    let is_object = json.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if !is_object || json.len() > limit {
        return Err(Refusal::Malformed);
    }
    serde_json::from_slice(&json).map_err(|_malformed| Refusal::Malformed)
}

/// A member that may be absent, but has the right type if it is there: null is not absent.
fn if_there<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The members of a JOSE header that have a say. `jku`, `jwk`, `x5u` and `x5c` have none: a token does not bring its
/// own key.
#[derive(Deserialize)]
struct RawHead {
    alg: String,
    #[serde(default, deserialize_with = "if_there")]
    typ: Option<String>,
    #[serde(default, deserialize_with = "if_there")]
    kid: Option<String>,
    #[serde(default, deserialize_with = "if_there")]
    crit: Option<IgnoredAny>,
}

struct Head {
    algorithm: Algorithm,
    kid: Option<String>,
}

impl Head {
    fn parse(part: &str, kind: Kind) -> Result<Self, Refusal> {
        let RawHead { alg, typ, kid, crit } = object(part, HEADER_MAX)?;
        // No extension is understood here, so none can be critical (RFC 7515, section 4.1.11).
        if crit.is_some() {
            return Err(Refusal::Malformed);
        }
        let accepted: &[&str] = match kind {
            Kind::Access => &["at+jwt", "application/at+jwt", "JWT"],
            Kind::Id => &["JWT"],
        };
        let typed = match typ {
            Some(typ) => accepted.iter().any(|accepted| typ.eq_ignore_ascii_case(accepted)),
            None => kind == Kind::Id,
        };
        if !typed {
            return Err(Refusal::Malformed);
        }
        let algorithm = Algorithm::named(&alg).ok_or(Refusal::WrongAlgorithm)?;
        Ok(Self { algorithm, kid })
    }
}

#[derive(Deserialize)]
struct Payload {
    #[serde(default, deserialize_with = "if_there")]
    iss: Option<String>,
    #[serde(default, deserialize_with = "if_there")]
    aud: Option<Value>,
    #[serde(default, deserialize_with = "if_there")]
    sub: Option<String>,
    #[serde(default, deserialize_with = "if_there")]
    exp: Option<Number>,
    #[serde(default, deserialize_with = "if_there")]
    nbf: Option<Number>,
    #[serde(default, deserialize_with = "if_there")]
    iat: Option<Number>,
    #[serde(default, deserialize_with = "if_there")]
    jti: Option<String>,
    #[serde(default, deserialize_with = "if_there")]
    client_id: Option<String>,
}

impl Payload {
    fn parse(part: &str) -> Result<Self, Refusal> {
        object(part, TOKEN_MAX)
    }

    fn check(self, expected: &Expected, now: DateTime<Utc>) -> Result<Verified, Refusal> {
        let issuer = self.iss.ok_or(Refusal::MissingClaim(Claim::Issuer))?;
        if issuer != expected.issuer {
            return Err(Refusal::WrongIssuer);
        }
        let audience = self.aud.ok_or(Refusal::MissingClaim(Claim::Audience))?;
        if !names(&audience, &expected.audience)? {
            return Err(Refusal::WrongAudience);
        }
        let expires_at = moment(&self.exp.ok_or(Refusal::MissingClaim(Claim::Expiry))?)?;
        if now.signed_duration_since(expires_at) >= LEEWAY {
            return Err(Refusal::Expired);
        }
        for start in [self.nbf, self.iat].iter().flatten() {
            if moment(start)?.signed_duration_since(now) > LEEWAY {
                return Err(Refusal::NotYetValid);
            }
        }
        let subject = self.sub.ok_or(Refusal::MissingClaim(Claim::Subject))?;
        if subject.is_empty() || subject.chars().count() > SUBJECT_MAX {
            return Err(Refusal::Malformed);
        }
        // All three end up in logs and in the history, where a control character could forge a line.
        let texts = [Some(&subject), self.jti.as_ref(), self.client_id.as_ref()];
        if texts.into_iter().flatten().any(|text| text.chars().any(char::is_control)) {
            return Err(Refusal::Malformed);
        }
        Ok(Verified { subject, expires_at, token_id: self.jti, client_id: self.client_id })
    }
}

/// Whether the `aud` claim, a string or an array of strings, names `audience`.
fn names(claim: &Value, audience: &str) -> Result<bool, Refusal> {
    match claim {
        Value::String(one) => Ok(one == audience),
        Value::Array(all) if all.iter().all(Value::is_string) => {
            Ok(all.iter().any(|one| one.as_str() == Some(audience)))
        }
        _ => Err(Refusal::Malformed),
    }
}

/// A `NumericDate` (RFC 7519, section 2): seconds since the epoch, which may have a fraction.
fn moment(date: &Number) -> Result<DateTime<Utc>, Refusal> {
    let text = date.to_string();
    let seconds = Decimal::from_str(&text).or_else(|_exponent| Decimal::from_scientific(&text)).ok();
    seconds
        .and_then(|seconds| seconds.checked_mul(Decimal::from(1_000_000)))
        .and_then(|micros| micros.floor().to_i64())
        .and_then(DateTime::from_timestamp_micros)
        .ok_or(Refusal::Malformed)
}

#[cfg(test)]
mod tests;
