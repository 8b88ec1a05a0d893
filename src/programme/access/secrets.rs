//! Secrets, and what is saved of them: each is shown once, when it is made, and only a hash of it stays.

use std::sync::OnceLock;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use waymark_store::{StoreError, seal};

use crate::Refusal;

/// How a client's secret begins.
const SECRET_PREFIX: &str = "wms_";

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_no_reason| unavailable("the random source failed"))?;
    Ok(bytes)
}

/// 32 random bytes as text that is in addresses and headers.
pub(super) fn secret(prefix: &str) -> Result<String, Refusal> {
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random::<32>()?)))
}

fn unavailable(why: &str) -> Refusal {
    StoreError::Unavailable(why.to_owned()).into()
}

/// What a secret of 256 random bits is found by: no slower hash would protect it better.
pub(super) fn digest(secret: &str) -> String {
    seal::sha256(secret)
}

/// The hash of a client's secret: Argon2id with the parameters that OWASP recommends.
fn slow_hash(secret: &str) -> Result<String, Refusal> {
    let hash = Argon2::default().hash_password_with_salt(secret.as_bytes(), &random::<16>()?);
    hash.map(|hash| hash.to_string()).map_err(|error| unavailable(&error.to_string()))
}

/// Whether a secret is the one of this hash.
pub(super) fn matches(secret: &str, hash: &str) -> bool {
    Argon2::default().verify_password(secret.as_bytes(), hash).is_ok()
}

/// How many slow hashes are made at a time: each takes 19 MiB and a core.
static SLOW: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(2);

/// How many may be made or wait for their turn: anyone who tries many secrets must not keep everyone else waiting for
/// minutes.
static SLOW_OR_WAITING: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(32);

pub(super) async fn on_a_slow_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let _place = SLOW_OR_WAITING.try_acquire().map_err(|_full| StoreError::Busy)?;
    let _turn = SLOW.acquire().await.map_err(|_closed| StoreError::stopping())?;
    tokio::task::spawn_blocking(work).await.map_err(|_stopped| StoreError::stopping())?
}

/// A new secret of a client's, and its hash.
pub(super) async fn hashed_secret() -> Result<(String, String), Refusal> {
    let secret = secret(SECRET_PREFIX)?;
    on_a_slow_thread(move || slow_hash(&secret).map(|hash| (secret, hash))).await
}

/// The hash of a secret that nobody has.
pub(super) fn nobodys_hash() -> Result<&'static str, Refusal> {
    static HASH: OnceLock<String> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return Ok(hash);
    }
    let hash = slow_hash(&secret("")?)?;
    Ok(HASH.get_or_init(|| hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_secrets_are_alike_and_none_is_its_hash() {
        let (one, other) = (secret("wmk_").unwrap(), secret("wmk_").unwrap());
        assert_ne!(one, other);
        assert_eq!((one.len(), one.starts_with("wmk_")), (47, true));
        assert_eq!(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let hash = slow_hash(&one).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && !hash.contains(&one), "{hash}");
        assert!(matches(&one, &hash));
        assert!(!matches(&other, &hash));
    }
}
