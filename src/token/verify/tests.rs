use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256};
use aws_lc_rs::{hmac, signature};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::token::{Claims, JwkSet, KeyKind, SigningKey};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "waymark";
const RSA_KID: &str = "rsa-1";

fn epoch() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn expected() -> Expected {
    Expected { issuer: ISSUER.to_owned(), audience: AUDIENCE.to_owned() }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn encode(part: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// An RSA key of 2048 bits, made once: it takes its time.
static RSA: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

fn rsa_jwk() -> Value {
    let public = jsonwebtoken::DecodingKey::from_rsa_der(RSA.public_key().as_ref());
    let public = jsonwebtoken::jwk::Jwk::from_decoding_key(&public, Some(jsonwebtoken::Algorithm::RS256)).unwrap();
    let mut jwk = serde_json::to_value(public).unwrap();
    jwk["kid"] = json!(RSA_KID);
    jwk
}

fn rsa_signature(message: &[u8]) -> String {
    let mut made = vec![0; RSA.public_modulus_len()];
    RSA.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut made).unwrap();
    encode(&made)
}

/// A token of whatever header and payload, signed by whatever means.
fn forge(header: &str, payload: &str, sign: impl FnOnce(&[u8]) -> String) -> String {
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{signature}")
}

fn header(algorithm: &str, kid: &str) -> Value {
    json!({"typ": "at+jwt", "alg": algorithm, "kid": kid})
}

fn payload() -> Value {
    let now = epoch().timestamp();
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + 300, "jti": "t-1", "client_id": "cli"})
}

/// An object with some members replaced, or removed if the replacement is the word `absent`.
fn with(mut object: Value, changes: Value) -> String {
    let members = object.as_object_mut().unwrap();
    let Value::Object(changes) = changes else { panic!("changes come as an object") };
    for (name, value) in changes {
        if value == "absent" {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    object.to_string()
}

fn set(keys: &[&SigningKey]) -> Vec<u8> {
    serde_json::to_vec(&JwkSet { keys: keys.iter().map(|key| key.public().clone()).collect() }).unwrap()
}

fn token(key: &SigningKey, at: DateTime<Utc>, lifetime: TimeDelta) -> String {
    key.sign(&Claims::issue(&expected(), "ada", at, lifetime)).unwrap()
}

/// A verifier that knows one key of each algorithm.
struct Bench {
    ed: SigningKey,
    es: SigningKey,
    clock: Clock,
    verifier: Verifier,
    runtime: tokio::runtime::Runtime,
    _directory: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let ed = SigningKey::generate(KeyKind::Ed25519).unwrap();
        let es = SigningKey::generate(KeyKind::Es256).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jwks.json");
        let keys = json!({"keys": [es.public(), rsa_jwk(), {"kty": "oct", "kid": "hmac", "k": "c2VjcmV0"}, 7, "odd"]});
        std::fs::write(&path, keys.to_string()).unwrap();
        let clock = Clock::standing_at(epoch());
        let verifier = Verifier::new(vec![KeySource::local(&ed), KeySource::file(&path)], expected(), clock.clone());
        Self { ed, es, clock, verifier, runtime: runtime(), _directory: directory }
    }

    fn verify(&self, token: &str) -> Result<Verified, Refusal> {
        self.runtime.block_on(self.verifier.verify(token))
    }

    /// A token of the Ed25519 key with a changed header and a changed payload.
    fn ed(&self, header_changes: Value, payload_changes: Value) -> String {
        let head = with(header("EdDSA", self.ed.kid()), header_changes);
        forge(&head, &with(payload(), payload_changes), |message| self.ed.sign_bytes(message))
    }
}

#[test]
fn good_tokens_of_every_algorithm_are_believed() {
    let bench = Bench::new();
    let claims = payload().to_string();
    let good = [
        bench.ed(json!({}), json!({})),
        bench.ed(json!({"alg": "Ed25519"}), json!({})),
        forge(&header("ES256", bench.es.kid()).to_string(), &claims, |message| bench.es.sign_bytes(message)),
        forge(&header("RS256", RSA_KID).to_string(), &claims, rsa_signature),
    ];
    let expected = Verified {
        subject: "ada".to_owned(),
        expires_at: epoch() + TimeDelta::seconds(300),
        token_id: Some("t-1".to_owned()),
        client_id: Some("cli".to_owned()),
    };
    for token in good {
        // The second answer is from memory.
        assert_eq!(bench.verify(&token), Ok(expected.clone()));
        assert_eq!(bench.verify(&token), Ok(expected.clone()));
    }
    assert_eq!(bench.runtime.block_on(bench.verifier.known_keys()), 3);
}

#[test]
fn issued_tokens_are_believed() {
    let bench = Bench::new();
    for key in [&bench.ed, &bench.es] {
        let verified = bench.verify(&token(key, epoch(), TimeDelta::hours(1))).unwrap();
        assert_eq!((verified.subject.as_str(), verified.client_id), ("ada", None));
        assert_eq!(verified.expires_at, epoch() + TimeDelta::hours(1));
        assert!(verified.token_id.is_some());
    }
}

#[test]
fn odd_but_permitted_tokens_are_believed() {
    let bench = Bench::new();
    let now = epoch().timestamp();
    let stranger = SigningKey::generate(KeyKind::Ed25519).unwrap();
    let headers = [
        json!({"typ": "JWT"}),
        json!({"typ": "jwt"}),
        json!({"typ": "AT+JWT"}),
        json!({"typ": "Application/at+JWT"}),
        json!({"jku": "https://evil.example/keys", "x5u": "https://evil.example/cert", "x5c": ["AAAA"]}),
        json!({"jwk": stranger.public()}),
        json!({"jku": 7, "jwk": null, "x5c": {}}),
        json!({"unheard": [1, {"of": null}]}),
    ];
    for changes in headers {
        assert!(bench.verify(&bench.ed(changes.clone(), json!({}))).is_ok(), "{changes}");
    }
    let payloads = [
        json!({"aud": [AUDIENCE]}),
        json!({"aud": ["other", AUDIENCE]}),
        json!({"exp": now - 29}),
        json!({"exp": f64::from(1_800_000_001) + 0.5}),
        json!({"nbf": now + 30, "iat": now + 30}),
        json!({"nbf": now - 1}),
        json!({"iat": "absent", "jti": "absent", "client_id": "absent"}),
        json!({"sub": "é".repeat(200)}),
        json!({"scope": {"deep": [[[[]]]]}}),
    ];
    for changes in payloads {
        assert!(bench.verify(&bench.ed(json!({}), changes.clone())).is_ok(), "{changes}");
    }
    let exponent = payload().to_string().replace("1800000300", "1.8000003e9");
    let exponent = forge(&header("EdDSA", bench.ed.kid()).to_string(), &exponent, |it| bench.ed.sign_bytes(it));
    assert_eq!(bench.verify(&exponent).unwrap().expires_at, epoch() + TimeDelta::seconds(300));
}

#[test]
fn a_token_without_kid_needs_a_single_key() {
    let bench = Bench::new();
    let nameless = bench.ed(json!({"kid": "absent"}), json!({}));
    assert_eq!(bench.verify(&nameless), Err(Refusal::UnknownKey), "three keys are known");

    let lone = Verifier::new(vec![KeySource::local(&bench.ed)], expected(), bench.clock.clone());
    assert!(bench.runtime.block_on(lone.verify(&nameless)).is_ok());

    let sources = vec![KeySource::local(&bench.ed), KeySource::file("/nowhere/jwks.json")];
    let half = Verifier::new(sources, expected(), bench.clock.clone());
    assert_eq!(bench.runtime.block_on(half.verify(&nameless)), Err(Refusal::KeysUnavailable), "there may be more");

    let none = Verifier::new(Vec::new(), expected(), bench.clock.clone());
    assert_eq!(bench.runtime.block_on(none.verify(&nameless)), Err(Refusal::UnknownKey));
}

#[test]
fn each_issuer_speaks_for_itself_alone() {
    let bench = Bench::new();
    let theirs = Expected { issuer: "https://council.example".into(), ..expected() };
    let verifier = Verifier::new(vec![KeySource::local(&bench.ed)], expected(), bench.clock.clone())
        .and(vec![KeySource::local(&bench.es)], theirs.clone());
    let signed =
        |key: &SigningKey, by: &Expected| key.sign(&Claims::issue(by, "ada", epoch(), TimeDelta::minutes(5))).unwrap();
    let verify = |token: String| bench.runtime.block_on(verifier.verify(&token));
    assert_eq!(verify(signed(&bench.ed, &expected())).unwrap().subject, "ada");
    assert_eq!(verify(signed(&bench.es, &theirs)).unwrap().subject, "ada");
    // Neither can sign in the other's name, nor in a third's.
    assert_eq!(verify(signed(&bench.ed, &theirs)), Err(Refusal::UnknownKey));
    assert_eq!(verify(signed(&bench.es, &expected())), Err(Refusal::UnknownKey));
    let third = Expected { issuer: "https://elsewhere.example".into(), ..expected() };
    assert_eq!(verify(signed(&bench.ed, &third)), Err(Refusal::WrongIssuer));
}

/// Forgeries that are about the form, the header, the key or the signature.
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn forged_envelopes(bench: &Bench) -> Vec<(&'static str, String, Refusal)> {
    let good = bench.ed(json!({}), json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let (head, body, seal) = (parts[0], parts[1], parts[2]);
    let claims = payload().to_string();
    let kid = bench.ed.kid();
    let stranger = SigningKey::generate(KeyKind::Ed25519).unwrap();
    let other_body = encode(with(payload(), json!({"sub": "eve"})).as_bytes());
    let raw = |header: &str| forge(header, &claims, |message| bench.ed.sign_bytes(message));
    let hmac_with = |secret: &[u8], header: &Value| {
        forge(&header.to_string(), &claims, |message| {
            encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref())
        })
    };
    let public_bytes = URL_SAFE_NO_PAD.decode(bench.ed.public_x()).unwrap();
    let es_head = header("ES256", bench.es.kid()).to_string();
    let es_der = {
        let pair = signature::EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        forge(&es_head, &claims, |message| encode(pair.sign(&SystemRandom::new(), message).unwrap().as_ref()))
    };
    let rsa_head = header("RS256", RSA_KID).to_string();
    let last = seal.chars().last().unwrap();
    let sloppy = format!("{}{}", seal.strip_suffix(last).unwrap(), char::from(u8::try_from(last).unwrap() + 1));
    vec![
        ("empty", String::new(), Refusal::Malformed),
        ("dots only", "..".to_owned(), Refusal::Malformed),
        ("one part", head.to_owned(), Refusal::Malformed),
        ("two parts", format!("{head}.{body}"), Refusal::Malformed),
        ("no signature", format!("{head}.{body}."), Refusal::Malformed),
        ("no header", format!(".{body}.{seal}"), Refusal::Malformed),
        ("no payload", format!("{head}..{seal}"), Refusal::Malformed),
        ("four parts", format!("{good}.{seal}"), Refusal::Malformed),
        ("five parts, as a JWE", format!("{good}.{seal}.{seal}"), Refusal::Malformed),
        ("a blank before", format!(" {good}"), Refusal::Malformed),
        ("a line break after", format!("{good}\n"), Refusal::Malformed),
        ("the scheme before", format!("Bearer {good}"), Refusal::Malformed),
        ("padded header", format!("{head}==.{body}.{seal}"), Refusal::Malformed),
        ("padded signature", format!("{good}=="), Refusal::Malformed),
        ("loose bits in the signature", format!("{head}.{body}.{sloppy}"), Refusal::Malformed),
        ("standard base64", format!("{head}.{body}.{}", seal.replace(['-', '_'], "+") + "+"), Refusal::Malformed),
        ("more than 8 KiB", bench.ed(json!({}), json!({"pad": "x".repeat(8192)})), Refusal::Malformed),
        ("header over 1 KiB", bench.ed(json!({"pad": "x".repeat(1024)}), json!({})), Refusal::Malformed),
        ("header no JSON", raw("alg: EdDSA"), Refusal::Malformed),
        ("header an array", raw(&json!(["EdDSA", "at+jwt", kid]).to_string()), Refusal::Malformed),
        ("header not UTF-8", format!("{}.{body}.{seal}", encode(b"{\"alg\":\"\xFF\"}")), Refusal::Malformed),
        ("header cut short", raw(r#"{"alg":"EdDSA","#), Refusal::Malformed),
        ("header twice", raw(&format!("{0}{0}", header("EdDSA", kid))), Refusal::Malformed),
        ("two algs", raw(&format!(r#"{{"alg":"none","alg":"EdDSA","typ":"JWT","kid":"{kid}"}}"#)), Refusal::Malformed),
        ("alg absent", bench.ed(json!({"alg": "absent"}), json!({})), Refusal::Malformed),
        ("alg a list", bench.ed(json!({"alg": ["EdDSA"]}), json!({})), Refusal::Malformed),
        ("typ absent", bench.ed(json!({"typ": "absent"}), json!({})), Refusal::Malformed),
        ("typ null", bench.ed(json!({"typ": null}), json!({})), Refusal::Malformed),
        ("typ of an ID event", bench.ed(json!({"typ": "secevent+jwt"}), json!({})), Refusal::Malformed),
        ("typ of a DPoP proof", bench.ed(json!({"typ": "dpop+jwt"}), json!({})), Refusal::Malformed),
        ("crit", bench.ed(json!({"crit": ["b64"], "b64": false}), json!({})), Refusal::Malformed),
        ("crit empty", bench.ed(json!({"crit": []}), json!({})), Refusal::Malformed),
        ("crit null", bench.ed(json!({"crit": null}), json!({})), Refusal::Malformed),
        ("kid a number", bench.ed(json!({"kid": 1}), json!({})), Refusal::Malformed),
        ("kid null", bench.ed(json!({"kid": null}), json!({})), Refusal::Malformed),
        ("kid unknown", bench.ed(json!({"kid": "other"}), json!({})), Refusal::UnknownKey),
        ("kid a path", bench.ed(json!({"kid": "../../etc/passwd"}), json!({})), Refusal::UnknownKey),
        ("kid an injection", bench.ed(json!({"kid": "x' OR '1'='1"}), json!({})), Refusal::UnknownKey),
        ("kid empty", bench.ed(json!({"kid": ""}), json!({})), Refusal::UnknownKey),
        ("kid in other case", bench.ed(json!({"kid": RSA_KID.to_uppercase()}), json!({})), Refusal::UnknownKey),
        ("kid of a symmetric key", bench.ed(json!({"kid": "hmac"}), json!({})), Refusal::UnknownKey),
        ("alg none", bench.ed(json!({"alg": "none"}), json!({})), Refusal::WrongAlgorithm),
        ("alg nOnE", bench.ed(json!({"alg": "nOnE"}), json!({})), Refusal::WrongAlgorithm),
        ("alg empty", bench.ed(json!({"alg": ""}), json!({})), Refusal::WrongAlgorithm),
        ("alg in other case", bench.ed(json!({"alg": "eddsa"}), json!({})), Refusal::WrongAlgorithm),
        ("HMAC by the public key", hmac_with(&public_bytes, &header("HS256", kid)), Refusal::WrongAlgorithm),
        (
            "HMAC by the JWK text",
            hmac_with(bench.ed.public_x().as_bytes(), &header("HS256", kid)),
            Refusal::WrongAlgorithm,
        ),
        ("HMAC by the set's secret", hmac_with(b"secret", &header("HS256", "hmac")), Refusal::WrongAlgorithm),
        ("HMAC as EdDSA", hmac_with(&public_bytes, &header("EdDSA", kid)), Refusal::BadSignature),
        (
            "PS256 on an RSA key",
            forge(&header("PS256", RSA_KID).to_string(), &claims, rsa_signature),
            Refusal::WrongAlgorithm,
        ),
        (
            "RS512 on an RSA key",
            forge(&header("RS512", RSA_KID).to_string(), &claims, rsa_signature),
            Refusal::WrongAlgorithm,
        ),
        ("RS256 on the Ed25519 key", bench.ed(json!({"alg": "RS256"}), json!({})), Refusal::WrongAlgorithm),
        ("ES256 on the Ed25519 key", bench.ed(json!({"alg": "ES256"}), json!({})), Refusal::WrongAlgorithm),
        ("EdDSA on the RSA key", bench.ed(json!({"kid": RSA_KID}), json!({})), Refusal::WrongAlgorithm),
        (
            "another's signature",
            forge(&header("EdDSA", kid).to_string(), &claims, |it| stranger.sign_bytes(it)),
            Refusal::BadSignature,
        ),
        (
            "brings its own key",
            forge(&with(header("EdDSA", kid), json!({"jwk": stranger.public()})), &claims, |it| {
                stranger.sign_bytes(it)
            }),
            Refusal::BadSignature,
        ),
        (
            "names its own key",
            forge(&with(header("EdDSA", stranger.kid()), json!({"jwk": stranger.public()})), &claims, |it| {
                stranger.sign_bytes(it)
            }),
            Refusal::UnknownKey,
        ),
        ("payload exchanged", format!("{head}.{other_body}.{seal}"), Refusal::BadSignature),
        ("payload no base64", format!("{head}.!!!.{seal}"), Refusal::BadSignature),
        ("signature cut", format!("{head}.{body}.{}", encode(&[1; 63])), Refusal::BadSignature),
        ("signature of zeros", format!("{head}.{body}.{}", encode(&[0; 64])), Refusal::BadSignature),
        ("ES256 of zeros", forge(&es_head, &claims, |_| encode(&[0; 64])), Refusal::BadSignature),
        ("ES256 in DER", es_der, Refusal::BadSignature),
        ("ES256 by Ed25519", forge(&es_head, &claims, |it| bench.ed.sign_bytes(it)), Refusal::BadSignature),
        ("RS256 empty-ish", forge(&rsa_head, &claims, |_| "AA".to_owned()), Refusal::BadSignature),
        ("RS256 of zeros", forge(&rsa_head, &claims, |_| encode(&[0; 256])), Refusal::BadSignature),
    ]
}

/// Well-signed tokens with claims that do not do.
fn odd_claims(bench: &Bench) -> Vec<(&'static str, String, Refusal)> {
    let now = epoch().timestamp();
    let kid = bench.ed.kid();
    let raw = |payload: &str| forge(&header("EdDSA", kid).to_string(), payload, |message| bench.ed.sign_bytes(message));
    let claim = |changes: Value| bench.ed(json!({}), changes);
    let twice = payload().to_string().replacen('{', r#"{"exp":1,"#, 1);
    vec![
        ("payload no JSON", raw("sub=ada"), Refusal::Malformed),
        ("payload an array", raw("[]"), Refusal::Malformed),
        ("payload a string", raw("\"ada\""), Refusal::Malformed),
        ("payload null", raw("null"), Refusal::Malformed),
        ("payload empty object", raw("{}"), Refusal::MissingClaim(Claim::Issuer)),
        ("payload a nested token", raw(&bench.ed(json!({}), json!({}))), Refusal::Malformed),
        ("payload nested deeply", raw(&"[".repeat(5000)), Refusal::Malformed),
        ("aud nested deeply", raw(&format!("{{\"aud\":{}", "[".repeat(5000))), Refusal::Malformed),
        ("exp twice", raw(&twice), Refusal::Malformed),
        ("iss absent", claim(json!({"iss": "absent"})), Refusal::MissingClaim(Claim::Issuer)),
        ("iss null", claim(json!({"iss": null})), Refusal::Malformed),
        ("iss a list", claim(json!({"iss": [ISSUER]})), Refusal::Malformed),
        ("iss other", claim(json!({"iss": "https://evil.example"})), Refusal::WrongIssuer),
        ("iss with a slash", claim(json!({"iss": format!("{ISSUER}/")})), Refusal::WrongIssuer),
        ("iss in other case", claim(json!({"iss": ISSUER.to_uppercase()})), Refusal::WrongIssuer),
        ("iss empty", claim(json!({"iss": ""})), Refusal::WrongIssuer),
        ("aud absent", claim(json!({"aud": "absent"})), Refusal::MissingClaim(Claim::Audience)),
        ("aud other", claim(json!({"aud": "other"})), Refusal::WrongAudience),
        ("aud a part", claim(json!({"aud": "way"})), Refusal::WrongAudience),
        ("aud ours among blanks", claim(json!({"aud": format!("other {AUDIENCE}")})), Refusal::WrongAudience),
        ("aud empty list", claim(json!({"aud": []})), Refusal::WrongAudience),
        ("aud others", claim(json!({"aud": ["a", "b"]})), Refusal::WrongAudience),
        ("aud mixed", claim(json!({"aud": [AUDIENCE, 7]})), Refusal::Malformed),
        ("aud an object", claim(json!({"aud": {AUDIENCE: true}})), Refusal::Malformed),
        ("aud null", claim(json!({"aud": null})), Refusal::Malformed),
        ("exp absent", claim(json!({"exp": "absent"})), Refusal::MissingClaim(Claim::Expiry)),
        ("exp null", claim(json!({"exp": null})), Refusal::Malformed),
        ("exp a string", claim(json!({"exp": (now + 300).to_string()})), Refusal::Malformed),
        ("exp beyond all time", claim(json!({"exp": i64::MAX})), Refusal::Malformed),
        ("exp beyond i64", claim(json!({"exp": u64::MAX})), Refusal::Malformed),
        ("exp infinite", raw(&payload().to_string().replace("1800000300", "1e999")), Refusal::Malformed),
        ("exp past", claim(json!({"exp": now - 31})), Refusal::Expired),
        ("exp past the leeway by no more", claim(json!({"exp": now - 30})), Refusal::Expired),
        ("exp zero", claim(json!({"exp": 0})), Refusal::Expired),
        ("exp negative", claim(json!({"exp": -1})), Refusal::Expired),
        ("nbf ahead", claim(json!({"nbf": now + 31})), Refusal::NotYetValid),
        ("nbf a string", claim(json!({"nbf": "now"})), Refusal::Malformed),
        ("nbf null", claim(json!({"nbf": null})), Refusal::Malformed),
        ("iat ahead", claim(json!({"iat": now + 31})), Refusal::NotYetValid),
        ("iat a bool", claim(json!({"iat": true})), Refusal::Malformed),
        ("sub absent", claim(json!({"sub": "absent"})), Refusal::MissingClaim(Claim::Subject)),
        ("sub null", claim(json!({"sub": null})), Refusal::Malformed),
        ("sub a number", claim(json!({"sub": 7})), Refusal::Malformed),
        ("sub empty", claim(json!({"sub": ""})), Refusal::Malformed),
        ("sub of 201", claim(json!({"sub": "é".repeat(201)})), Refusal::Malformed),
        ("sub with NUL", claim(json!({"sub": "ada\0"})), Refusal::Malformed),
        ("sub with a line break", claim(json!({"sub": "ada\nroot"})), Refusal::Malformed),
        ("sub with C1", claim(json!({"sub": "ada\u{85}"})), Refusal::Malformed),
        ("sub with half a surrogate", raw(&payload().to_string().replace("ada", "\\ud800")), Refusal::Malformed),
        ("jti a number", claim(json!({"jti": 7})), Refusal::Malformed),
        ("jti with an escape", claim(json!({"jti": "\u{1b}[2J"})), Refusal::Malformed),
        ("client_id a list", claim(json!({"client_id": []})), Refusal::Malformed),
    ]
}

#[test]
fn forged_and_odd_tokens_are_refused_for_what_they_are() {
    let bench = Bench::new();
    let mut table = forged_envelopes(&bench);
    table.extend(odd_claims(&bench));
    assert!(table.len() >= 40);
    let wrong: Vec<_> = table
        .iter()
        .map(|(name, token, refusal)| (name, bench.verify(token), refusal))
        .filter(|(_, answer, refusal)| answer.as_ref() != Err(*refusal))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(bench.verifier.remembered.len(), 0, "a refusal is never remembered");
}

#[test]
fn descriptions_fit_into_a_header() {
    let claims = [Claim::Issuer, Claim::Audience, Claim::Subject, Claim::Expiry].map(Refusal::MissingClaim);
    let others = [
        Refusal::Malformed,
        Refusal::UnknownKey,
        Refusal::WrongAlgorithm,
        Refusal::BadSignature,
        Refusal::Expired,
        Refusal::NotYetValid,
        Refusal::WrongIssuer,
        Refusal::WrongAudience,
        Refusal::KeysUnavailable,
    ];
    for refusal in claims.into_iter().chain(others) {
        let text = refusal.description();
        assert!(text.bytes().all(|byte| matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~')), "{text}");
        assert!(text.len() < 100);
    }
}

#[test]
fn memory_ends_with_the_token() {
    let bench = Bench::new();
    let token = token(&bench.ed, epoch(), TimeDelta::seconds(60));
    let at = |milliseconds| bench.clock.set(epoch() + TimeDelta::milliseconds(milliseconds));
    assert!(bench.verify(&token).is_ok());
    assert_eq!(bench.verifier.remembered.len(), 1);
    at(59_999);
    assert!(bench.verify(&token).is_ok());
    assert_eq!(bench.verifier.remembered.len(), 1);

    at(60_000);
    assert!(bench.verify(&token).is_ok(), "within the leeway, by a full check");
    assert_eq!(bench.verifier.remembered.len(), 0);
    at(89_999);
    assert!(bench.verify(&token).is_ok());
    at(90_000);
    assert_eq!(bench.verify(&token), Err(Refusal::Expired));
    assert_eq!(bench.verifier.remembered.len(), 0);
}

#[test]
fn memory_is_asked_only_for_its_own_key_set_and_time() {
    let bench = Bench::new();
    let good = bench.ed(json!({}), json!({}));
    let verified = bench.verify(&good).unwrap();
    let generation =
        bench.runtime.block_on(bench.verifier.realms[0].keys.find(Some(bench.ed.kid()))).ok().unwrap().generation;

    // Something that only memory could believe.
    let (signed, _) = good.rsplit_once('.').unwrap();
    let bogus = format!("{signed}.{}", encode(&[7; 64]));
    let digest: [u8; 32] = Sha256::digest(bogus.as_bytes()).into();
    let remember = |generation, since| {
        bench.verifier.remembered.insert(digest, Remembered { verified: verified.clone(), generation, since });
    };
    remember(generation, epoch());
    assert_eq!(bench.verify(&bogus), Ok(verified.clone()));
    remember(generation + 1, epoch());
    assert_eq!(bench.verify(&bogus), Err(Refusal::BadSignature));
    remember(generation, epoch() + TimeDelta::seconds(1));
    assert_eq!(bench.verify(&bogus), Err(Refusal::BadSignature));
}

/// A JWKS file whose modification time moves with every write, however fast they follow.
struct SetFile {
    path: PathBuf,
    written: u64,
}

impl SetFile {
    fn in_directory(directory: &Path) -> Self {
        Self { path: directory.join("jwks.json"), written: 0 }
    }

    fn write(&mut self, content: &[u8]) {
        self.written += 1;
        let mut file = File::create(&self.path).unwrap();
        file.write_all(content).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + self.written)).unwrap();
    }
}

#[test]
fn keys_rotate_by_file() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = SetFile::in_directory(directory.path());
    let [old, new] = [KeyKind::Es256, KeyKind::Ed25519].map(|kind| SigningKey::generate(kind).unwrap());
    let [by_old, by_new] = [&old, &new].map(|key| token(key, epoch(), TimeDelta::hours(48)));
    let clock = Clock::standing_at(epoch());
    let verifier = Verifier::new(vec![KeySource::file(&file.path)], expected(), clock.clone());
    let runtime = runtime();
    let verify = |token: &str| runtime.block_on(verifier.verify(token)).map(|_| ());
    let at = |seconds| clock.set(epoch() + TimeDelta::seconds(seconds));

    assert_eq!(verify(&by_old), Err(Refusal::KeysUnavailable), "there is no file yet");
    file.write(&set(&[&old]));
    assert_eq!(verify(&by_old), Err(Refusal::KeysUnavailable), "it was looked at just now");
    at(2);
    assert_eq!(verify(&by_old), Ok(()));
    assert_eq!(verify(&by_new), Err(Refusal::UnknownKey));

    file.write(&set(&[&old, &new]));
    assert_eq!(verify(&by_new), Err(Refusal::UnknownKey), "it was looked at just now");
    at(4);
    assert_eq!((verify(&by_old), verify(&by_new)), (Ok(()), Ok(())));

    file.write(&set(&[&new]));
    at(6);
    assert_eq!(verify(&by_old), Err(Refusal::UnknownKey), "its memory went with its key");
    assert_eq!(verify(&by_new), Ok(()));

    file.write(b"{\"keys\": [");
    at(8);
    assert_eq!(verify(&by_new), Ok(()), "a broken file leaves the last keys");
    std::fs::remove_file(&file.path).unwrap();
    at(6 + 24 * 3600 - 1);
    assert_eq!(verify(&by_new), Ok(()), "and so does a missing one");
    at(6 + 24 * 3600 + 2);
    assert_eq!(verify(&by_new), Err(Refusal::KeysUnavailable), "but not for ever");

    file.write(b"{\"keys\": []}");
    at(6 + 24 * 3600 + 4);
    assert_eq!(verify(&by_new), Err(Refusal::UnknownKey), "an empty set is a set");
    let mut padded = set(&[&new]);
    padded.resize(256 * 1024 + 1, b' ');
    file.write(&padded);
    at(6 + 24 * 3600 + 6);
    assert_eq!(verify(&by_new), Err(Refusal::UnknownKey), "a file that is too large is not taken");
    padded.truncate(256 * 1024);
    file.write(&padded);
    at(6 + 24 * 3600 + 8);
    assert_eq!(verify(&by_new), Ok(()));
}

#[test]
fn a_kid_that_is_handed_on_to_another_key_drops_the_old_one() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = SetFile::in_directory(directory.path());
    let [old, new] = [KeyKind::Ed25519, KeyKind::Ed25519].map(|kind| SigningKey::generate(kind).unwrap());
    let named = |key: &SigningKey| {
        let mut jwk = serde_json::to_value(key.public()).unwrap();
        jwk["kid"] = json!("current");
        json!({"keys": [jwk]}).to_string()
    };
    let by_old =
        forge(&header("EdDSA", "current").to_string(), &payload().to_string(), |message| old.sign_bytes(message));
    let clock = Clock::standing_at(epoch());
    let verifier = Verifier::new(vec![KeySource::file(&file.path)], expected(), clock.clone());
    let runtime = runtime();

    file.write(named(&old).as_bytes());
    assert!(runtime.block_on(verifier.verify(&by_old)).is_ok());
    file.write(named(&new).as_bytes());
    clock.set(epoch() + TimeDelta::seconds(2));
    assert_eq!(runtime.block_on(verifier.verify(&by_old)), Err(Refusal::BadSignature));
}

#[test]
fn the_earlier_source_owns_a_disputed_kid() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = SetFile::in_directory(directory.path());
    let [ours, theirs] = [KeyKind::Ed25519, KeyKind::Ed25519].map(|kind| SigningKey::generate(kind).unwrap());
    let mut jwk = serde_json::to_value(theirs.public()).unwrap();
    jwk["kid"] = json!(ours.kid());
    file.write(json!({"keys": [jwk, ours.public(), theirs.public()]}).to_string().as_bytes());
    let sources = vec![KeySource::local(&ours), KeySource::file(&file.path)];
    let verifier = Verifier::new(sources, expected(), Clock::standing_at(epoch()));
    let runtime = runtime();
    assert!(runtime.block_on(verifier.verify(&token(&ours, epoch(), TimeDelta::hours(1)))).is_ok());
    assert!(runtime.block_on(verifier.verify(&token(&theirs, epoch(), TimeDelta::hours(1)))).is_ok());
    assert_eq!(runtime.block_on(verifier.known_keys()), 2);
}

/// What the issuer does with a connection.
#[derive(Clone)]
enum Reply {
    /// Drops it without a word.
    Down,
    Status(u16, &'static str),
    Set(Vec<u8>),
}

/// A minimal HTTP server on a loopback port.
struct Issuer {
    address: SocketAddr,
    reply: Arc<Mutex<Reply>>,
    hits: Arc<AtomicUsize>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Issuer {
    fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let reply = Arc::new(Mutex::new(reply));
        let (hits, closing) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let shared = (Arc::clone(&reply), Arc::clone(&hits), Arc::clone(&closing));
        let thread = std::thread::spawn(move || {
            let (reply, hits, closing) = shared;
            for stream in listener.incoming() {
                if closing.load(Ordering::SeqCst) {
                    break;
                }
                hits.fetch_add(1, Ordering::SeqCst);
                let reply = reply.lock().unwrap().clone();
                // A client that hangs up early is no business of the issuer's.
                drop(answer(stream.unwrap(), reply));
            }
        });
        Self { address, reply, hits, closing, thread: Some(thread) }
    }

    fn url(&self) -> String {
        format!("http://{}/jwks.json", self.address)
    }

    fn now_says(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn answer(mut stream: TcpStream, reply: Reply) -> std::io::Result<()> {
    let (status, extra, body) = match reply {
        Reply::Down => return Ok(()),
        Reply::Status(status, extra) => (status, extra, Vec::new()),
        Reply::Set(body) => (200, "", body),
    };
    stream.set_read_timeout(Some(Duration::from_mins(2)))?;
    stream.set_write_timeout(Some(Duration::from_mins(2)))?;
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? == 1 {
        request.extend(byte);
    }
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} Status\r\n{extra}Content-Length: {length}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(&body)
}

/// A verifier with an issuer on the network.
struct Net {
    issuer: Issuer,
    clock: Clock,
    verifier: Verifier,
    runtime: tokio::runtime::Runtime,
}

impl Net {
    fn new(reply: Reply) -> Self {
        let issuer = Issuer::start(reply);
        let clock = Clock::standing_at(epoch());
        let verifier = Verifier::new(vec![KeySource::url(&issuer.url()).unwrap()], expected(), clock.clone());
        Self { issuer, clock, verifier, runtime: runtime() }
    }

    fn at(&self, seconds: i64) {
        self.clock.set(epoch() + TimeDelta::seconds(seconds));
    }

    fn verify(&self, token: &str) -> Result<(), Refusal> {
        self.runtime.block_on(async {
            let answer = self.verifier.verify(token).await;
            self.verifier.realms[0].keys.settle().await;
            answer.map(|_| ())
        })
    }
}

const HOUR: i64 = 3600;

#[test]
fn keys_rotate_by_url() {
    let [old, new] = [KeyKind::Es256, KeyKind::Ed25519].map(|kind| SigningKey::generate(kind).unwrap());
    let [by_old, by_new] = [&old, &new].map(|key| token(key, epoch(), TimeDelta::hours(48)));
    let net = Net::new(Reply::Set(set(&[&old])));
    assert_eq!((net.verify(&by_old), net.issuer.hits()), (Ok(()), 1));

    net.issuer.now_says(Reply::Set(set(&[&old, &new])));
    net.at(59);
    assert_eq!((net.verify(&by_new), net.issuer.hits()), (Err(Refusal::UnknownKey), 1), "asked too recently");
    net.at(60);
    assert_eq!((net.verify(&by_new), net.issuer.hits()), (Ok(()), 2), "the unknown kid made it ask");
    assert_eq!((net.verify(&by_old), net.issuer.hits()), (Ok(()), 2));

    net.issuer.now_says(Reply::Set(set(&[&new])));
    net.at(60 + HOUR - 1);
    assert_eq!((net.verify(&by_old), net.issuer.hits()), (Ok(()), 2), "the answer is fresh still");
    net.at(60 + HOUR);
    // This one asks in the background, and may be answered before or after the answer to that has come.
    let meanwhile = net.verify(&by_old);
    assert!(matches!(meanwhile, Ok(()) | Err(Refusal::UnknownKey)), "{meanwhile:?}");
    assert_eq!(net.issuer.hits(), 3);
    assert_eq!(net.verify(&by_old), Err(Refusal::UnknownKey), "its memory went with its key");
    assert_eq!((net.verify(&by_new), net.issuer.hits()), (Ok(()), 3));
}

#[test]
fn unknown_kids_do_not_flood_the_issuer() {
    let key = SigningKey::generate(KeyKind::Ed25519).unwrap();
    let net = Net::new(Reply::Set(set(&[&key])));
    for second in 0..=60 {
        net.at(second);
        let unheard = forge(&header("EdDSA", &format!("kid-{second}")).to_string(), "{}", |it| key.sign_bytes(it));
        assert_eq!(net.verify(&unheard), Err(Refusal::UnknownKey));
    }
    assert_eq!(net.issuer.hits(), 2);
}

#[test]
fn many_at_once_ask_once() {
    let key = SigningKey::generate(KeyKind::Ed25519).unwrap();
    let net = Net::new(Reply::Set(set(&[&key])));
    let good = token(&key, epoch(), TimeDelta::hours(1));
    let unheard = forge(&header("EdDSA", "unheard").to_string(), "{}", |it| key.sign_bytes(it));
    let all = |token| net.runtime.block_on(futures_util::future::join_all((0..20).map(|_| net.verifier.verify(token))));
    assert!(all(&good).iter().all(Result::is_ok));
    assert_eq!(net.issuer.hits(), 1);
    net.at(60);
    assert!(all(&unheard).iter().all(|answer| *answer == Err(Refusal::UnknownKey)));
    assert_eq!(net.issuer.hits(), 2);
}

#[test]
fn stale_keys_are_honoured_for_a_day_while_the_issuer_is_down() {
    let key = SigningKey::generate(KeyKind::Ed25519).unwrap();
    let good = token(&key, epoch(), TimeDelta::hours(72));
    let net = Net::new(Reply::Set(set(&[&key])));
    assert_eq!(net.verify(&good), Ok(()));
    net.issuer.now_says(Reply::Down);
    net.at(HOUR);
    assert_eq!((net.verify(&good), net.issuer.hits()), (Ok(()), 2));
    net.at(HOUR + 59);
    assert_eq!((net.verify(&good), net.issuer.hits()), (Ok(()), 2), "a failure is not repeated at once");
    net.issuer.now_says(Reply::Status(503, ""));
    net.at(HOUR + 60);
    assert_eq!((net.verify(&good), net.issuer.hits()), (Ok(()), 3));
    net.at(24 * HOUR - 1);
    assert_eq!(net.verify(&good), Ok(()));
    net.at(24 * HOUR + 5);
    assert_eq!(net.verify(&good), Err(Refusal::KeysUnavailable));

    net.issuer.now_says(Reply::Set(set(&[&key])));
    let hits = net.issuer.hits();
    net.at(24 * HOUR + 9);
    assert_eq!((net.verify(&good), net.issuer.hits()), (Err(Refusal::KeysUnavailable), hits), "asked too recently");
    net.at(24 * HOUR + 10);
    assert_eq!((net.verify(&good), net.issuer.hits()), (Ok(()), hits + 1));
}

#[test]
fn an_answer_that_is_no_key_set_is_no_answer() {
    let key = SigningKey::generate(KeyKind::Ed25519).unwrap();
    let good = token(&key, epoch(), TimeDelta::hours(1));
    let net = Net::new(Reply::Down);
    let mut large = set(&[&key]);
    large.resize(256 * 1024 + 1, b' ');
    let mut fitting = set(&[&key]);
    fitting.resize(256 * 1024, b' ');
    let bad = [
        Reply::Down,
        Reply::Status(500, ""),
        Reply::Status(404, ""),
        Reply::Status(204, ""),
        Reply::Status(302, "Location: /elsewhere\r\n"),
        Reply::Set(Vec::new()),
        Reply::Set(b"<html></html>".to_vec()),
        Reply::Set(b"{}".to_vec()),
        Reply::Set(b"{\"keys\": 7}".to_vec()),
        Reply::Set(large),
    ];
    for (turn, reply) in bad.into_iter().enumerate() {
        net.at(5 * i64::try_from(turn).unwrap());
        net.issuer.now_says(reply);
        assert_eq!((net.verify(&good), net.issuer.hits()), (Err(Refusal::KeysUnavailable), turn + 1));
    }
    net.issuer.now_says(Reply::Set(fitting));
    net.at(100);
    assert_eq!(net.verify(&good), Ok(()));
}

#[test]
fn https_to_a_host_that_speaks_no_tls_brings_no_keys() {
    let key = SigningKey::generate(KeyKind::Ed25519).unwrap();
    let issuer = Issuer::start(Reply::Down);
    let source = KeySource::url(&format!("https://{}/jwks.json", issuer.address)).unwrap();
    let verifier = Verifier::new(vec![source], expected(), Clock::standing_at(epoch()));
    let answer = runtime().block_on(verifier.verify(&token(&key, epoch(), TimeDelta::hours(1))));
    assert_eq!(answer, Err(Refusal::KeysUnavailable));
}

/// Some change to a token.
#[derive(Clone, Debug)]
enum Mutation {
    Replace(usize, char),
    Insert(usize, char),
    Remove(usize),
    Cut(usize),
    Swap(usize, usize),
}

fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let letter = prop_oneof![4 => proptest::char::range('!', '~'), 1 => any::<char>()];
    let one = (any::<usize>(), any::<usize>(), letter, 0..5).prop_map(|(at, to, letter, kind)| match kind {
        0 => Mutation::Replace(at, letter),
        1 => Mutation::Insert(at, letter),
        2 => Mutation::Remove(at),
        3 => Mutation::Cut(at),
        _ => Mutation::Swap(at, to),
    });
    proptest::collection::vec(one, 1..4)
}

fn mutate(token: &str, mutations: &[Mutation]) -> String {
    let mut letters: Vec<char> = token.chars().collect();
    for mutation in mutations {
        let length = letters.len().max(1);
        match *mutation {
            _ if letters.is_empty() => {}
            Mutation::Replace(at, letter) => letters[at % length] = letter,
            Mutation::Insert(at, letter) => letters.insert(at % length, letter),
            Mutation::Remove(at) => drop(letters.remove(at % length)),
            Mutation::Cut(at) => letters.truncate(at % length),
            Mutation::Swap(at, to) => letters.swap(at % length, to % length),
        }
    }
    letters.into_iter().collect()
}

#[test]
fn no_mutation_of_a_good_token_is_believed() {
    let bench = Bench::new();
    let rsa = forge(&header("RS256", RSA_KID).to_string(), &payload().to_string(), rsa_signature);
    let good = [token(&bench.ed, epoch(), TimeDelta::hours(1)), token(&bench.es, epoch(), TimeDelta::hours(1)), rsa];
    for token in &good {
        bench.verify(token).unwrap();
    }
    proptest!(ProptestConfig::with_cases(512), |(which in 0..3_usize, changes in mutations())| {
        let mutated = mutate(&good[which], &changes);
        prop_assume!(mutated != good[which]);
        prop_assert!(bench.verify(&mutated).is_err(), "{}", mutated);
    });
}

#[test]
fn no_text_whatever_is_believed_or_brings_the_verifier_down() {
    let bench = Bench::new();
    proptest!(|(text in any::<String>(), parts in proptest::collection::vec("[A-Za-z0-9_-]{0,40}", 0..6))| {
        prop_assert!(bench.verify(&text).is_err());
        prop_assert!(bench.verify(&parts.join(".")).is_err());
    });
}

#[test]
fn no_number_brings_the_reading_of_dates_down() {
    proptest!(|(text in r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,5})?")| {
        let number: Number = serde_json::from_str(&text).unwrap();
        prop_assert!(matches!(moment(&number), Ok(_) | Err(Refusal::Malformed)));
    });
    proptest!(|(seconds in -8_000_000_000_000_i64..8_000_000_000_000)| {
        let number = Number::from(seconds);
        prop_assert_eq!(moment(&number), Ok(DateTime::from_timestamp(seconds, 0).unwrap()));
    });
}
