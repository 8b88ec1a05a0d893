//! Sending a message, and to nowhere but the public internet: a webhook's address is a stranger's text, and must not make
//! this service knock at doors inside its own network.
//!
//! The name is resolved once, every address it has is judged, and the connection is made to the addresses that were
//! judged: a name that means one thing when it is looked at and another when it is used gains nothing. Redirects are
//! not followed, a proxy is not used, and of the answer only the status is stored.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use crate::domain::webhook::{PRIVATE, Reach, check_destination, may_be_sent_to};

/// How long a subscriber has to take a message and answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How much of an answer is read before the connection is dropped.
const ANSWER_MAX: u64 = 4 * 1024;

/// What came of sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// An answer with this HTTP status.
    Answered(u16),
    /// No answer, and why.
    Failed(String),
}

/// Sends messages.
#[derive(Clone, Debug)]
pub struct Sender {
    agent: ureq::Agent,
    reach: Reach,
}

/// Resolves names to addresses that may be sent to.
#[derive(Debug)]
struct Guarded {
    inner: DefaultResolver,
    reach: Reach,
}

impl Resolver for Guarded {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        // All of them: of a name that has a public and a private address none is used.
        if self.reach == Reach::Private || found.iter().all(|address| may_be_sent_to(address.ip())) {
            Ok(found)
        } else {
            Err(ureq::Error::Other(PRIVATE.into()))
        }
    }
}

impl Sender {
    /// A sender that sends as far as this.
    pub fn new(reach: Reach) -> Self {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .https_only(reach == Reach::Public)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(TIMEOUT))
            .max_idle_connections(0)
            .user_agent(concat!("waymark/", env!("CARGO_PKG_VERSION")))
            .build();
        let resolver = Guarded { inner: DefaultResolver::default(), reach };
        Self { agent: ureq::Agent::with_parts(config, DefaultConnector::default(), resolver), reach }
    }

    /// Sends a message. Blocks, at most for the ten seconds that a subscriber has.
    pub fn send(&self, url: &str, id: &str, timestamp: i64, signature: &str, body: String) -> Sent {
        if let Err(why) = check_destination(url, self.reach) {
            return Sent::Failed(why.to_owned());
        }
        let request = self
            .agent
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signature);
        match request.send(body) {
            Ok(response) => {
                let status = response.status().as_u16();
                let mut answer = response.into_body().into_reader().take(ANSWER_MAX);
                // Read so that the other side is not cut off in the middle of a sentence; what it says is nobody's business.
                let _told = std::io::copy(&mut answer, &mut std::io::sink());
                Sent::Answered(status)
            }
            Err(error) => Sent::Failed(in_words(&error)),
        }
    }
}

/// Why there was no answer, in words that say nothing of what is behind an address.
fn in_words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "there was no answer within ten seconds",
        ureq::Error::HostNotFound => "the host's name cannot be resolved",
        ureq::Error::Other(why) if why.to_string() == PRIVATE => PRIVATE,
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => "the connection was refused",
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "there is no trusted TLS connection to the host",
        ureq::Error::RequireHttpsOnly(_) => "only https addresses are allowed",
        _ => "the connection failed",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_to_a_private_address_however_it_is_named() {
        let sender = Sender::new(Reach::Public);
        for url in ["https://127.0.0.1:1/", "https://[::1]:1/", "http://example.org/", "https://localhost:1/"] {
            let sent = sender.send(url, "msg", 1, "v1,x", "{}".to_owned());
            assert!(matches!(&sent, Sent::Failed(why) if !why.contains("refused")), "{url}: {sent:?}");
        }
        // By a name that only resolving shows: the machine's own.
        let resolver = Guarded { inner: DefaultResolver::default(), reach: Reach::Public };
        let uri: Uri = "https://localhost:1/".parse().unwrap();
        let timeout = NextTimeout {
            after: ureq::unversioned::transport::time::Duration::NotHappening,
            reason: ureq::Timeout::Global,
            ..NextTimeout::default()
        };
        let refused = resolver.resolve(&uri, &Config::default(), timeout).unwrap_err();
        assert_eq!(in_words(&refused), PRIVATE);
    }
}
