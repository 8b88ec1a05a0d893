//! Signing in with an account of an organisation: `OpenID` Connect's authorization code with PKCE.
//!
//! A [`Provider`] knows one issuer. [`Provider::attempt`] begins: it gives the address to send somebody to, and what the browser
//! must bring back. [`Provider::finish`] takes the code that they come back with, and gives who they are at the issuer. Where the
//! issuer's endpoints are it finds out by itself (`OpenID` Connect Discovery), when first asked and then hourly.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::jwks::{KeySource, KeySourceError, ReadError, Remote};
use super::verify::{Expected, Refusal, Verifier, claims_of};
use crate::clock::Clock;

/// How long it is believed where the issuer's endpoints are.
const FRESH: TimeDelta = TimeDelta::hours(1);
/// The least time between two questions to an issuer that did not answer.
const GAP: TimeDelta = TimeDelta::seconds(5);
/// The longest identity, in characters.
const LONGEST_IDENTITY: usize = 200;
/// The longest e-mail address, in bytes (RFC 5321, with the erratum of its section 4.5.3.1.3).
const LONGEST_EMAIL: usize = 254;
/// How much of what an issuer says of a fault is written into the log, in characters.
const SHOWN: usize = 64;

/// What a client of an issuer proves itself with; it prints as nothing.
#[derive(Clone)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// The secret in a file's text, without the end of its line; `None` if there is none.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim_end_matches(['\r', '\n']);
        let fits = !text.is_empty() && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ClientSecret(..)")
    }
}

/// What a deployment settles about its issuer.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// The issuer, to the character as it states itself.
    pub issuer: String,
    /// What this service is called there.
    pub client_id: String,
    /// What it proves itself with; `None` for a public client.
    pub client_secret: Option<ClientSecret>,
    /// The claim that an account is known by: `sub`, `oid`, `email`.
    pub subject_claim: String,
    /// Whether an e-mail address counts that the issuer does not say is verified.
    pub trust_email: bool,
}

/// Who somebody is at the issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The issuer.
    pub issuer: String,
    /// What the claim that accounts are known by holds: 1 to 200 characters, none of them a control character.
    pub claim: String,
    /// What they are called.
    pub name: Option<String>,
    /// Their e-mail address, if it counts.
    pub email: Option<String>,
}

/// What a browser must bring back: three random texts of 43 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What the issuer sends back with the code.
    pub state: String,
    /// What the ID token must state.
    pub nonce: String,
    /// What only who began can show (RFC 7636).
    pub code_verifier: String,
}

/// Why somebody is not signed in. Nothing secret is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInFault {
    /// The issuer does not answer, or not as an issuer does.
    #[error("the issuer cannot be reached")]
    Unreachable,
    /// The issuer does not take the code.
    #[error("the issuer does not accept the code")]
    CodeRefused,
    /// The ID token is not to be believed.
    #[error("the ID token is not accepted: {0}")]
    Token(Refusal),
    /// The ID token is of another attempt.
    #[error("the ID token is of another attempt to sign in")]
    WrongNonce,
    /// The ID token was issued to another client.
    #[error("the ID token was issued to another client")]
    WrongParty,
    /// There is nothing to know the account by.
    #[error("the ID token does not have the claim that --subject-claim names, as a text of 1 to 200 characters")]
    NoIdentity,
}

/// What an issuer says of itself.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

/// What an issuer answers to a code; of all else nothing is read.
#[derive(Deserialize)]
struct Answer {
    id_token: Option<String>,
    error: Option<String>,
}

/// An issuer as it was found.
struct Endpoints {
    authorization: String,
    token: Arc<Remote>,
    jwks: String,
    verifier: Arc<Verifier>,
}

#[derive(Default)]
struct Found {
    endpoints: Option<Arc<Endpoints>>,
    since: Option<DateTime<Utc>>,
    tried_at: Option<DateTime<Utc>>,
}

/// An issuer at which people sign in. Needs a Tokio runtime around it.
pub struct Provider {
    settings: ProviderSettings,
    discovery: Arc<Remote>,
    clock: Clock,
    found: Mutex<Found>,
}

/// The issuer at which people sign in, if there is one.
pub type MaybeProvider = Option<Arc<Provider>>;

impl fmt::Debug for Provider {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Provider").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Provider {
    /// The provider of these settings. The issuer is not asked yet.
    ///
    /// # Errors
    /// [`KeySourceError`], if the issuer is neither https nor on a loopback host, or carries credentials.
    pub fn new(settings: ProviderSettings, clock: Clock) -> Result<Self, KeySourceError> {
        let address = format!("{}/.well-known/openid-configuration", settings.issuer.trim_end_matches('/'));
        let discovery = Arc::new(Remote::new(&address)?);
        Ok(Self { settings, discovery, clock, found: Mutex::default() })
    }

    /// The issuer.
    pub fn name(&self) -> &str {
        &self.settings.issuer
    }

    /// Whether the issuer can be reached, as far as is known: it is asked if it was not lately.
    pub async fn is_reachable(&self) -> bool {
        self.endpoints().await.is_ok()
    }

    /// Begins to sign somebody in who will come back to `redirect_uri`: what their browser must bring back, and where they go.
    ///
    /// # Errors
    /// [`SignInFault::Unreachable`].
    pub async fn attempt(&self, redirect_uri: &str) -> Result<(Attempt, String), SignInFault> {
        let endpoints = self.endpoints().await?;
        let attempt = Attempt { state: random()?, nonce: random()?, code_verifier: random()? };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(attempt.code_verifier.as_bytes()));
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", redirect_uri),
            ("scope", "openid profile email"),
            ("state", &attempt.state),
            ("nonce", &attempt.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let joint = if endpoints.authorization.contains('?') { '&' } else { '?' };
        Ok((attempt, format!("{}{joint}{query}", endpoints.authorization)))
    }

    /// Who somebody is who came back with this code.
    ///
    /// # Errors
    /// Why they are not signed in, as a [`SignInFault`].
    pub async fn finish(&self, attempt: &Attempt, code: &str, redirect_uri: &str) -> Result<Identity, SignInFault> {
        let endpoints = self.endpoints().await?;
        let token = self.id_token(&endpoints, attempt, code, redirect_uri).await?;
        let claims = endpoints.verifier.id_claims(&token).await.map_err(|refusal| match refusal {
            Refusal::KeysUnavailable => SignInFault::Unreachable,
            other => SignInFault::Token(other),
        })?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        if text("nonce") != Some(&attempt.nonce) {
            return Err(SignInFault::WrongNonce);
        }
        let is_for_several = claims.get("aud").and_then(Value::as_array).is_some_and(|all| all.len() > 1);
        match claims.get("azp") {
            Some(party) if party.as_str() != Some(&self.settings.client_id) => return Err(SignInFault::WrongParty),
            None if is_for_several => return Err(SignInFault::WrongParty),
            _ => {}
        }
        self.identity(&claims).ok_or(SignInFault::NoIdentity)
    }

    /// Who an access token speaks for that a verifier has found good: `None` if it is another issuer's.
    ///
    /// # Errors
    /// [`SignInFault::NoIdentity`] if there is nothing to know them by.
    pub fn identity_of(&self, token: &str) -> Result<Option<Identity>, SignInFault> {
        let claims = claims_of(token).map_err(SignInFault::Token)?;
        if claims.get("iss").and_then(Value::as_str) != Some(&self.settings.issuer) {
            return Ok(None);
        }
        self.identity(&claims).map(Some).ok_or(SignInFault::NoIdentity)
    }

    fn identity(&self, claims: &Map<String, Value>) -> Option<Identity> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let by_email = self.settings.subject_claim == "email";
        let claim = text(&self.settings.subject_claim)?;
        let claim = if by_email { claim.to_lowercase() } else { claim };
        let fits = (1..=LONGEST_IDENTITY).contains(&claim.chars().count()) && !claim.chars().any(char::is_control);
        // Some issuers send the word.
        let is_verified = match claims.get("email_verified") {
            Some(Value::Bool(verified)) => Some(*verified),
            Some(Value::String(word)) => Some(word == "true"),
            _ => None,
        };
        let counts = self.settings.trust_email || is_verified.unwrap_or(by_email);
        let is_usable = |email: &String| {
            email.len() <= LONGEST_EMAIL && !email.chars().any(|c| c.is_control() || c.is_whitespace())
        };
        let email = text("email").filter(|email| counts && is_usable(email));
        fits.then(|| Identity { issuer: self.settings.issuer.clone(), claim, name: text("name"), email })
    }

    /// The ID token that the issuer gives for a code.
    async fn id_token(
        &self,
        endpoints: &Endpoints,
        attempt: &Attempt,
        code: &str,
        redirect_uri: &str,
    ) -> Result<String, SignInFault> {
        let id = &self.settings.client_id;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", &attempt.code_verifier),
        ];
        let authorization = self.settings.client_secret.as_ref().map(|ClientSecret(secret)| {
            format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret))))
        });
        if authorization.is_none() {
            fields.push(("client_id", id));
        }
        let (remote, form) = (Arc::clone(&endpoints.token), form(&fields));
        let sent = blocking(move || remote.send(&form, authorization.as_deref())).await;
        let (status, body) = sent.map_err(|error| self.complain("asked for an ID token", &error))?;
        let Ok(Answer { id_token, error }) = serde_json::from_slice::<Answer>(&body) else {
            tracing::warn!(issuer = %self.settings.issuer, status, "the issuer's answer to a code is no JSON");
            return Err(SignInFault::Unreachable);
        };
        match id_token {
            Some(token) if status == 200 => Ok(token),
            _ => {
                let error: String = error.unwrap_or_default().chars().take(SHOWN).collect();
                tracing::warn!(issuer = %self.settings.issuer, status, ?error, "the issuer does not accept a code");
                Err(if status >= 500 { SignInFault::Unreachable } else { SignInFault::CodeRefused })
            }
        }
    }

    /// Where the issuer's endpoints are. What was found stays good while the issuer does not answer.
    async fn endpoints(&self) -> Result<Arc<Endpoints>, SignInFault> {
        let now = self.clock.now();
        let known = {
            let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            let is_within = |then: Option<DateTime<Utc>>, gap| {
                then.is_some_and(|then| (TimeDelta::zero()..gap).contains(&now.signed_duration_since(then)))
            };
            let known = found.endpoints.clone();
            if is_within(found.tried_at, GAP) || known.is_some() && is_within(found.since, FRESH) {
                return known.ok_or(SignInFault::Unreachable);
            }
            found.tried_at = Some(now);
            known
        };
        let remote = Arc::clone(&self.discovery);
        let read = blocking(move || remote.fetch()).await;
        let asked = read.and_then(|body| Ok(serde_json::from_slice::<Metadata>(&body)?));
        let asked = asked.map_err(|error| self.complain("asked where its endpoints are", &error));
        match asked.and_then(|metadata| self.adopt(metadata, known.as_deref())) {
            Ok(endpoints) => {
                let endpoints = Arc::new(endpoints);
                let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
                (found.endpoints, found.since, found.tried_at) = (Some(Arc::clone(&endpoints)), Some(now), None);
                Ok(endpoints)
            }
            Err(fault) => known.ok_or(fault),
        }
    }

    /// The endpoints that an issuer states, if it is the one that is meant and they are safe to use.
    fn adopt(&self, metadata: Metadata, known: Option<&Endpoints>) -> Result<Endpoints, SignInFault> {
        let issuer = &self.settings.issuer;
        if metadata.issuer != *issuer {
            let stated: String = metadata.issuer.chars().take(SHOWN).collect();
            tracing::warn!(%issuer, ?stated, "the issuer states another name for itself; set --oidc-issuer to that to the character");
            return Err(SignInFault::Unreachable);
        }
        let unsafe_address = |error: KeySourceError| {
            tracing::warn!(%issuer, %error, "the issuer states an address that cannot be used");
            SignInFault::Unreachable
        };
        // Nobody is sent to an address either that anyone on the way could read.
        let _checked = Remote::new(&metadata.authorization_endpoint).map_err(unsafe_address)?;
        let token = Arc::new(Remote::new(&metadata.token_endpoint).map_err(unsafe_address)?);
        let verifier = if let Some(known) = known.filter(|known| known.jwks == metadata.jwks_uri) {
            Arc::clone(&known.verifier)
        } else {
            let source = KeySource::url(&metadata.jwks_uri).map_err(unsafe_address)?;
            let expected = Expected { issuer: issuer.clone(), audience: self.settings.client_id.clone() };
            Arc::new(Verifier::new(vec![source], expected, self.clock.clone()))
        };
        Ok(Endpoints { authorization: metadata.authorization_endpoint, token, jwks: metadata.jwks_uri, verifier })
    }

    fn complain(&self, deed: &str, error: &ReadError) -> SignInFault {
        tracing::warn!(issuer = %self.settings.issuer, %error, "the issuer did not answer when {deed}");
        SignInFault::Unreachable
    }
}

/// Does what may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ReadError::File(std::io::Error::other(error)))?
}

/// 32 random bytes as text.
fn random() -> Result<String, SignInFault> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_no_reason| {
        tracing::error!("the random source failed");
        SignInFault::Unreachable
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn form(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
}
