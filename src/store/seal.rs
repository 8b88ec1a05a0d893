//! How entries are sealed: what a digest is made of, and the digest.

use chrono::{DateTime, SecondsFormat, Utc};
use sha2::{Digest, Sha256};

use super::types::hex;
use waymark_domain::ids::Seq;

/// An instant as digests and documents have it: `2009-07-14T09:30:00.000000Z`.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// What a digest is made of besides the digest before it.
pub(super) struct Sealed<'a> {
    pub(super) plan: &'a str,
    pub(super) seq: Seq,
    pub(super) at: DateTime<Utc>,
    pub(super) actor: &'a str,
    pub(super) action: &'a str,
    pub(super) kind: &'a str,
    pub(super) key: &'a str,
    pub(super) before: Option<&'a str>,
    pub(super) after: Option<&'a str>,
    pub(super) reason: Option<&'a str>,
}

impl Sealed<'_> {
    /// The digest of this entry after the one of digest `previous`.
    pub(super) fn digest(&self, previous: &str) -> String {
        let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
        let array = format!(
            r#"[{},{},"{}",{},{},{},{},{},{},{}]"#,
            quoted(self.plan),
            self.seq,
            instant(self.at),
            quoted(self.actor),
            quoted(self.action),
            quoted(self.kind),
            quoted(self.key),
            self.before.unwrap_or("null"),
            self.after.unwrap_or("null"),
            self.reason.map_or_else(|| "null".to_owned(), quoted),
        );
        let mut hasher = Sha256::new();
        hasher.update(previous);
        hasher.update(array);
        hex(&hasher.finalize())
    }
}

/// The SHA-256 of what a report holds, in lower-case hexadecimal.
pub fn sha256(content: &str) -> String {
    hex(&Sha256::digest(content))
}
