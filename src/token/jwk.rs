//! One public key as RFC 7517 writes it, and what makes it fit to verify with.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

/// The smallest RSA modulus that is trusted, in bits (RFC 7518, section 3.3).
const RSA_BITS_MIN: u64 = 2048;

/// The largest RSA modulus that is trusted, in bits: beyond it one token costs more to check than it should.
const RSA_BITS_MAX: u64 = 8192;

/// The longest RSA exponent accepted, in bytes; every issuer in the field uses 65537, which has three.
const RSA_EXPONENT_BYTES_MAX: usize = 4;

/// The signature algorithms that are trusted. A key has exactly one; a token's header only ever confirms it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `EdDSA` over Curve25519; `Ed25519` is its newer name (RFC 9864).
    Ed25519,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// RSA PKCS#1 v1.5 with SHA-256, modulus of 2048 to 8192 bits.
    Rs256,
}

impl Algorithm {
    /// The algorithm that a JWS header or a JWK calls `name`; `None` for every other, `none` and the HMACs included.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "EdDSA" | "Ed25519" => Some(Self::Ed25519),
            "ES256" => Some(Self::Es256),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }

    /// The name that this service writes into headers and JWKs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    /// The same in the signing library's words.
    pub(super) const fn jws(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Ed25519 => jsonwebtoken::Algorithm::EdDSA,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
        }
    }
}

/// A public key in JWK form (RFC 7517), as published and as read from others.
///
/// The private members of a JWK are never held: only that one was there is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    kty: String,
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    usage: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_ops: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(rename = "d", default, skip_serializing, deserialize_with = "is_there")]
    private: bool,
}

/// A JWK Set (RFC 7517, section 5), as published at a `jwks_uri`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    /// The keys, in the order of their announcement.
    pub keys: Vec<Jwk>,
}

impl Jwk {
    /// The public half of an Ed25519 key: `x` is its 32 bytes. Its `kid` is its thumbprint.
    pub(super) fn ed25519(x: &[u8]) -> Self {
        let x = URL_SAFE_NO_PAD.encode(x);
        let kid = thumbprint(&format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
        Self { crv: Some("Ed25519".to_owned()), x: Some(x), ..Self::bare("OKP", Algorithm::Ed25519, kid) }
    }

    /// The public half of a P-256 key: its affine coordinates, 32 bytes each. Its `kid` is its thumbprint.
    pub(super) fn p256(x: &[u8], y: &[u8]) -> Self {
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let kid = thumbprint(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
        Self { crv: Some("P-256".to_owned()), x: Some(x), y: Some(y), ..Self::bare("EC", Algorithm::Es256, kid) }
    }

    fn bare(kty: &str, algorithm: Algorithm, kid: String) -> Self {
        Self {
            kty: kty.to_owned(),
            usage: Some("sig".to_owned()),
            key_ops: None,
            alg: Some(algorithm.name().to_owned()),
            kid: Some(kid),
            crv: None,
            x: None,
            y: None,
            n: None,
            e: None,
            private: false,
        }
    }

    /// The key's name within its set, if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }
}

/// The RFC 7638 thumbprint: SHA-256 of the canonical members, base64url without padding.
fn thumbprint(canonical: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical.as_bytes()))
}

fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Why a JWK is left out of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("it is not a JWK: a member has the wrong type or `kty` is missing")]
    Shape,
    #[error("it is a symmetric key, and anyone who can check its tokens could forge them")]
    Symmetric,
    #[error("it carries its private half; publish the public half alone, and replace this key")]
    Private,
    #[error("its `use` or `key_ops` is not signature verification")]
    Purpose,
    #[error("it has no `kid`")]
    NoKid,
    #[error("its key type or curve is not one of OKP with Ed25519, EC with P-256, and RSA")]
    Type,
    #[error("its `alg` is not the one that its key type is trusted with (EdDSA, ES256 or RS256)")]
    Algorithm,
    #[error("its key material is missing or no valid public key")]
    Material,
    #[error("its RSA modulus is not between 2048 and 8192 bits")]
    Size,
}

/// A key that tokens may be verified with: one name, one algorithm, checked material.
#[derive(Debug)]
pub(super) struct PublicKey {
    kid: String,
    algorithm: Algorithm,
    decoding: DecodingKey,
    /// What the key is made of, to distinguish an unchanged key from one that took over its name.
    material: [Vec<u8>; 2],
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.kid == other.kid && self.algorithm == other.algorithm && self.material == other.material
    }
}

impl PublicKey {
    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) const fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

impl TryFrom<&Jwk> for PublicKey {
    type Error = Unusable;

    fn try_from(jwk: &Jwk) -> Result<Self, Unusable> {
        if jwk.kty == "oct" {
            return Err(Unusable::Symmetric);
        }
        if jwk.private {
            return Err(Unusable::Private);
        }
        let meant_for_signatures = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
        let meant_for_verifying = jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !(meant_for_signatures && meant_for_verifying) {
            return Err(Unusable::Purpose);
        }
        let kid = jwk.kid.clone().filter(|kid| !kid.is_empty()).ok_or(Unusable::NoKid)?;
        let algorithm = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => Algorithm::Ed25519,
            ("EC", Some("P-256")) => Algorithm::Es256,
            ("RSA", _) => Algorithm::Rs256,
            _ => return Err(Unusable::Type),
        };
        if jwk.alg.as_deref().is_some_and(|name| Algorithm::named(name) != Some(algorithm)) {
            return Err(Unusable::Algorithm);
        }
        let (decoding, material) = match algorithm {
            Algorithm::Ed25519 => ed25519(jwk)?,
            Algorithm::Es256 => p256(jwk)?,
            Algorithm::Rs256 => rsa(jwk)?,
        };
        Ok(Self { kid, algorithm, decoding, material })
    }
}

/// A member's bytes; absent members and bad base64url are no key material.
fn bytes(member: Option<&String>) -> Result<Vec<u8>, Unusable> {
    member.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or(Unusable::Material)
}

fn ed25519(jwk: &Jwk) -> Result<(DecodingKey, [Vec<u8>; 2]), Unusable> {
    let x = bytes(jwk.x.as_ref())?;
    if x.len() != 32 || UnparsedPublicKey::new(&ED25519, &x).parse().is_err() {
        return Err(Unusable::Material);
    }
    Ok((DecodingKey::from_ed_der(&x), [x, Vec::new()]))
}

fn p256(jwk: &Jwk) -> Result<(DecodingKey, [Vec<u8>; 2]), Unusable> {
    let (x, y) = (bytes(jwk.x.as_ref())?, bytes(jwk.y.as_ref())?);
    let point = [&[0x04], x.as_slice(), y.as_slice()].concat();
    // The parse refuses a point off the curve, which would otherwise only show as a signature that never fits.
    if x.len() != 32 || y.len() != 32 || UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).parse().is_err() {
        return Err(Unusable::Material);
    }
    Ok((DecodingKey::from_ec_der(&point), [x, y]))
}

fn rsa(jwk: &Jwk) -> Result<(DecodingKey, [Vec<u8>; 2]), Unusable> {
    let (n, e) = (minimal(bytes(jwk.n.as_ref())?), minimal(bytes(jwk.e.as_ref())?));
    let bits = n.first().map_or(0, |first| {
        u64::try_from(n.len()).unwrap_or(u64::MAX).saturating_mul(8).saturating_sub(u64::from(first.leading_zeros()))
    });
    if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
        return Err(Unusable::Size);
    }
    // With an exponent of 1 every message is its own signature.
    let sound_exponent =
        e != [1] && e.len() <= RSA_EXPONENT_BYTES_MAX && e.last().is_some_and(|last| !last.is_multiple_of(2));
    let components = RsaPublicKeyComponents { n: &n, e: &e };
    if !sound_exponent || components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).is_err() {
        return Err(Unusable::Material);
    }
    Ok((DecodingKey::from_rsa_raw_components(&n, &e), [n, e]))
}

/// The number without leading zero bytes, which some issuers write although RFC 7518 forbids them.
fn minimal(number: Vec<u8>) -> Vec<u8> {
    number.into_iter().skip_while(|byte| *byte == 0).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The key of RFC 8037, appendix A.
    const RFC_8037_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn usable(jwk: Value) -> Result<PublicKey, Unusable> {
        PublicKey::try_from(&serde_json::from_value::<Jwk>(jwk).unwrap())
    }

    /// A JWK with some members replaced, or removed if the replacement is null.
    fn with(mut jwk: Value, changes: Value) -> Value {
        let members = jwk.as_object_mut().unwrap();
        let Value::Object(changes) = changes else { panic!("changes come as an object") };
        for (name, value) in changes {
            if value.is_null() {
                members.remove(&name);
            } else {
                members.insert(name, value);
            }
        }
        jwk
    }

    #[test]
    fn the_thumbprint_is_rfc_8037s() {
        let jwk = Jwk::ed25519(&URL_SAFE_NO_PAD.decode(RFC_8037_X).unwrap());
        assert_eq!(jwk.kid(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
    }

    #[test]
    fn a_public_half_is_written_with_public_members_only() {
        let jwk = serde_json::to_value(Jwk::ed25519(&URL_SAFE_NO_PAD.decode(RFC_8037_X).unwrap())).unwrap();
        let expected = json!({
            "kty": "OKP", "use": "sig", "alg": "EdDSA", "crv": "Ed25519", "x": RFC_8037_X,
            "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        });
        assert_eq!(jwk, expected);
    }

    #[test]
    fn unfit_keys_are_told_apart() {
        let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": RFC_8037_X, "kid": "a"});
        // The P-256 key of RFC 7515, appendix A.3.
        let ec = json!({"kty": "EC", "crv": "P-256", "kid": "b",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
        let rsa = json!({"kty": "RSA", "kid": "c", "n": URL_SAFE_NO_PAD.encode([0xA5; 256]), "e": "AQAB"});

        assert_eq!(usable(ed.clone()).unwrap().algorithm(), Algorithm::Ed25519);
        assert_eq!(usable(with(ed.clone(), json!({"alg": "Ed25519"}))).unwrap().algorithm(), Algorithm::Ed25519);
        assert_eq!(usable(ec.clone()).unwrap().algorithm(), Algorithm::Es256);
        assert_eq!(usable(rsa.clone()).unwrap().algorithm(), Algorithm::Rs256);
        let padded = [&[0][..], &[0xA5; 256]].concat();
        assert!(usable(with(rsa.clone(), json!({"n": URL_SAFE_NO_PAD.encode(padded)}))).is_ok());

        let short = [&[0x7F][..], &[0xA5; 255]].concat();
        let table = [
            (json!({"kty": "oct", "k": "c2VjcmV0", "kid": "a"}), Unusable::Symmetric),
            (with(ed.clone(), json!({"d": RFC_8037_X})), Unusable::Private),
            (with(ed.clone(), json!({"use": "enc"})), Unusable::Purpose),
            (with(ed.clone(), json!({"key_ops": ["sign"]})), Unusable::Purpose),
            (with(ed.clone(), json!({"kid": null})), Unusable::NoKid),
            (with(ed.clone(), json!({"kid": ""})), Unusable::NoKid),
            (with(ed.clone(), json!({"alg": "ES256"})), Unusable::Algorithm),
            (with(ed.clone(), json!({"alg": "HS256"})), Unusable::Algorithm),
            (with(ed.clone(), json!({"alg": "none"})), Unusable::Algorithm),
            (with(ed.clone(), json!({"crv": "X25519"})), Unusable::Type),
            (with(ed.clone(), json!({"crv": null})), Unusable::Type),
            (with(ed.clone(), json!({"x": "AAAA"})), Unusable::Material),
            (with(ed.clone(), json!({"x": "!"})), Unusable::Material),
            (with(ed, json!({"x": null})), Unusable::Material),
            (with(ec.clone(), json!({"crv": "P-384"})), Unusable::Type),
            (with(ec.clone(), json!({"crv": "secp256k1"})), Unusable::Type),
            (with(ec.clone(), json!({"y": RFC_8037_X})), Unusable::Material),
            (with(ec, json!({"y": null})), Unusable::Material),
            (with(rsa.clone(), json!({"alg": "PS256"})), Unusable::Algorithm),
            (with(rsa.clone(), json!({"alg": "RS512"})), Unusable::Algorithm),
            (with(rsa.clone(), json!({"n": URL_SAFE_NO_PAD.encode([0xA5; 128])})), Unusable::Size),
            (with(rsa.clone(), json!({"n": URL_SAFE_NO_PAD.encode(short)})), Unusable::Size),
            (with(rsa.clone(), json!({"n": URL_SAFE_NO_PAD.encode([0xA5; 1025])})), Unusable::Size),
            (with(rsa.clone(), json!({"n": null})), Unusable::Material),
            (with(rsa.clone(), json!({"e": "AQ"})), Unusable::Material),
            (with(rsa.clone(), json!({"e": "AQAC"})), Unusable::Material),
            (with(rsa, json!({"e": ""})), Unusable::Material),
            (json!({"kty": "AKP", "alg": "ML-DSA-44", "kid": "d", "pub": "AA"}), Unusable::Type),
        ];
        for (jwk, reason) in table {
            assert_eq!(usable(jwk.clone()).map(|key| key.kid), Err(reason), "{jwk}");
        }
    }
}
