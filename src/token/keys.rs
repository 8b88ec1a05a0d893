//! The service's own signing key: made once, kept in a file that only its owner may read.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{EncodingKey, Header};

use super::jwk::{Algorithm, Jwk};
use super::{Claims, bounded};
use crate::domain::wording::io_fault;

/// The largest key file that is read, in bytes; the keys themselves take some 250.
const KEY_FILE_MAX: u64 = 64 * 1024;

/// The line length of a PEM body (RFC 7468).
const PEM_LINE: usize = 64;

/// What [`SigningKey::generate`] makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyKind {
    /// Ed25519, signing as `EdDSA`: small, fast and without a nonce to get wrong.
    #[default]
    Ed25519,
    /// P-256, signing as `ES256`: for consumers that do not know Ed25519.
    Es256,
}

/// A private key that signs access tokens. Its `Debug` form shows the public half only.
pub struct SigningKey {
    encoding: EncodingKey,
    algorithm: Algorithm,
    public: Jwk,
    kid: String,
}

/// What can go wrong with a signing key. No message holds any of the key's content.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key file cannot be read.
    #[error("cannot read the signing key {}: {}; check the path and that this user may read it", path.display(), io_fault(source))]
    Read {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is there but holds no key of a kind that signs here.
    #[error(
        "{} holds no usable signing key: it needs one unencrypted PKCS#8 PEM block (BEGIN PRIVATE KEY) with an Ed25519 \
         or P-256 key; convert another form with `openssl pkcs8 -topk8 -nocrypt`, or generate a new key",
        path.display()
    )]
    Unusable {
        /// The file asked for.
        path: PathBuf,
    },
    /// There is a file at the path already, and overwriting a key would void every token it has signed.
    #[error("{} exists already and is left as it is; choose another path, or move the file away first", path.display())]
    Exists {
        /// The file asked for.
        path: PathBuf,
    },
    /// The key file cannot be written.
    #[error("cannot write the signing key {}: {}; check the folder and its permissions", path.display(), io_fault(source))]
    Write {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The cryptographic library made no key, which a working random source rules out.
    #[error("cannot generate a signing key: the system's random source or cryptography failed; try again")]
    Generate,
    /// The claims could not be signed.
    #[error("cannot sign the token: {0}")]
    Sign(#[from] jsonwebtoken::errors::Error),
}

impl SigningKey {
    /// A fresh key, held in memory until [`SigningKey::write`] puts it down.
    ///
    /// # Errors
    /// [`KeyError::Generate`], if the machine's random source fails.
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        let made = match kind {
            KeyKind::Ed25519 => Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()).ok().map(|document| {
                let encoding = EncodingKey::from_ed_der(document.as_ref());
                Self::from_ed25519(encoding)
            }),
            KeyKind::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                .and_then(|pair| pair.to_pkcs8v1())
                .ok()
                .map(|document| Self::from_p256(EncodingKey::from_ec_der(document.as_ref()))),
        };
        made.flatten().ok_or(KeyError::Generate)
    }

    /// Reads a key of either kind from a PKCS#8 PEM file. Warns if others than the owner can read the file.
    ///
    /// # Errors
    /// [`KeyError::Read`] or [`KeyError::Unusable`].
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let read = bounded::read(path, KEY_FILE_MAX);
        let (pem, metadata) = read.map_err(|source| KeyError::Read { path: path.to_owned(), source })?;
        warn_if_exposed(path, &metadata);
        let ed25519 = EncodingKey::from_ed_pem(&pem).ok().and_then(Self::from_ed25519);
        ed25519
            .or_else(|| EncodingKey::from_ec_pem(&pem).ok().and_then(Self::from_p256))
            .ok_or_else(|| KeyError::Unusable { path: path.to_owned() })
    }

    fn from_ed25519(encoding: EncodingKey) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(encoding.as_bytes()).ok()?;
        Self::assemble(encoding, Algorithm::Ed25519, Jwk::ed25519(pair.public_key().as_ref()))
    }

    fn from_p256(encoding: EncodingKey) -> Option<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, encoding.as_bytes()).ok()?;
        // SEC 1, section 2.3.3: an uncompressed point is 4, then both coordinates in equal length.
        let coordinates = pair.public_key().as_ref().strip_prefix(&[0x04])?;
        let (x, y) = coordinates.split_at_checked(32)?;
        Self::assemble(encoding, Algorithm::Es256, Jwk::p256(x, y))
    }

    fn assemble(encoding: EncodingKey, algorithm: Algorithm, public: Jwk) -> Option<Self> {
        let kid = public.kid()?.to_owned();
        Some(Self { encoding, algorithm, public, kid })
    }

    /// Writes the key to a new PKCS#8 PEM file of mode 0600, and sees it onto the disk.
    ///
    /// # Errors
    /// [`KeyError::Exists`], if anything is at `path` already, else [`KeyError::Write`]; no partial file is left.
    pub fn write(&self, path: &Path) -> Result<(), KeyError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists { path: path.to_owned() },
            _ => KeyError::Write { path: path.to_owned(), source },
        })?;
        let written = file.write_all(self.pem().as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|source| {
            // Half a key is of no use to anyone; that it stays behind is the lesser of two faults to report.
            drop(fs::remove_file(path));
            KeyError::Write { path: path.to_owned(), source }
        })
    }

    fn pem(&self) -> String {
        let body = STANDARD.encode(self.encoding.as_bytes());
        let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
        let mut column = 0;
        for letter in body.chars() {
            if column == PEM_LINE {
                pem.push('\n');
                column = 0;
            }
            pem.push(letter);
            column += 1;
        }
        pem.push_str("\n-----END PRIVATE KEY-----\n");
        pem
    }

    /// Signs `claims` as an access token (RFC 9068): `typ` is `at+jwt`, `alg` and `kid` are the key's.
    ///
    /// # Errors
    /// [`KeyError::Sign`], if the cryptographic library fails.
    pub fn sign(&self, claims: &Claims) -> Result<String, KeyError> {
        let header =
            Header { typ: Some("at+jwt".to_owned()), kid: Some(self.kid.clone()), ..Header::new(self.algorithm.jws()) };
        Ok(jsonwebtoken::encode(&header, claims, &self.encoding)?)
    }

    /// The signature part over whatever header and payload a test has made up.
    #[cfg(test)]
    pub(super) fn sign_bytes(&self, message: &[u8]) -> String {
        jsonwebtoken::crypto::sign(message, &self.encoding, self.algorithm.jws()).unwrap()
    }

    /// The `x` member of the public half.
    #[cfg(test)]
    pub(super) fn public_x(&self) -> String {
        serde_json::to_value(&self.public).unwrap()["x"].as_str().unwrap().to_owned()
    }

    /// The public half, fit for publication in a JWK Set.
    #[must_use]
    pub const fn public(&self) -> &Jwk {
        &self.public
    }

    /// The name of the key: the RFC 7638 thumbprint (SHA-256, base64url) of its public half.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm that the key signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

#[cfg(unix)]
fn warn_if_exposed(path: &Path, metadata: &fs::Metadata) {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    if mode & 0o077 != 0 {
        tracing::warn!(
            path = %path.display(),
            mode = format_args!("{mode:04o}"),
            "others than its owner may read or replace the signing key; run `chmod 600` on it"
        );
    }
}

#[cfg(not(unix))]
fn warn_if_exposed(_path: &Path, _metadata: &fs::Metadata) {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::jwk::PublicKey;

    #[test]
    fn a_key_of_either_kind_survives_its_file() {
        for (kind, algorithm) in [(KeyKind::Ed25519, Algorithm::Ed25519), (KeyKind::Es256, Algorithm::Es256)] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("signing.pem");
            let made = SigningKey::generate(kind).unwrap();
            made.write(&path).unwrap();
            let loaded = SigningKey::load(&path).unwrap();

            assert_eq!(loaded.public(), made.public());
            assert_eq!(loaded.kid(), made.kid());
            assert_eq!(loaded.algorithm(), algorithm);
            assert_eq!(PublicKey::try_from(loaded.public()).unwrap().algorithm(), algorithm);
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("-----BEGIN PRIVATE KEY-----\n"), "PKCS#8");
            assert!(text.lines().all(|line| line.len() <= PEM_LINE));
        }
    }

    #[test]
    fn a_key_from_elsewhere_is_read() {
        // The example key of RFC 8410, section 10.3, with its public half from section 10.1.
        let pem = "-----BEGIN PRIVATE KEY-----\n\
            MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
            -----END PRIVATE KEY-----\n";
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rfc8410.pem");
        fs::write(&path, pem).unwrap();
        let key = SigningKey::load(&path).unwrap();
        assert_eq!(key.public_x(), "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE");
        assert_eq!(key.pem(), pem);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_a_written_key() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("signing.pem");
        SigningKey::generate(KeyKind::Ed25519).unwrap().write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(SigningKey::load(&path).is_ok(), "an exposed key is warned of, not refused");
    }

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("signing.pem");
        fs::write(&path, "precious").unwrap();
        let refused = SigningKey::generate(KeyKind::Ed25519).unwrap().write(&path);
        assert!(matches!(refused, Err(KeyError::Exists { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn what_is_no_key_is_refused_with_its_path_and_without_its_content() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing.pem");
        assert!(matches!(SigningKey::load(&missing), Err(KeyError::Read { .. })));
        assert!(matches!(SigningKey::load(directory.path()), Err(KeyError::Read { .. })));

        let whole = SigningKey::generate(KeyKind::Es256).unwrap().pem();
        let p384 = EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let p384 = STANDARD.encode(p384.to_pkcs8v1().unwrap().as_ref());
        let path = directory.path().join("odd.pem");
        for content in [
            String::new(),
            "topsecret".to_owned(),
            whole.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
            whole.replace("PRIVATE KEY", "PUBLIC KEY"),
            "-----BEGIN PRIVATE KEY-----\ntopsecret\n-----END PRIVATE KEY-----\n".to_owned(),
            format!("-----BEGIN PRIVATE KEY-----\n{p384}\n-----END PRIVATE KEY-----\n"),
        ] {
            fs::write(&path, &content).unwrap();
            let error = SigningKey::load(&path).unwrap_err();
            assert!(matches!(error, KeyError::Unusable { .. }), "{content}");
            let message = format!("{error} {error:?}");
            assert!(message.contains("odd.pem") && !message.contains("topsecret"), "{message}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        for kind in [KeyKind::Ed25519, KeyKind::Es256] {
            let key = SigningKey::generate(kind).unwrap();
            let shown = format!("{key:?}");
            for line in key.pem().lines() {
                assert!(!shown.contains(line));
            }
            assert!(!shown.contains(&format!("{:?}", key.encoding.as_bytes())));
            assert!(shown.contains(key.kid()));
        }
    }
}
