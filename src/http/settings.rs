//! What a deployment settles about the HTTP side; handed to the app with [`AppState`](crate::http::AppState).

use std::fmt;
use std::num::NonZeroU32;

use actix_web::dev::ConnectionInfo;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use ipnet::IpNet;

/// The token that opens `/metrics`; it prints as nothing.
#[derive(Clone)]
pub struct MetricsToken(String);

impl MetricsToken {
    /// A token that cannot be guessed; `None` if there are fewer than 16 characters, or others than a header may hold.
    pub fn new(text: &str) -> Option<Self> {
        let fits = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// Whether this is it. How long that takes does not show how near it is.
    pub(in crate::http) fn is(&self, sent: &str) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), sent.as_bytes()).is_ok()
    }
}

impl fmt::Debug for MetricsToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("MetricsToken(..)")
    }
}

/// What a deployment settles.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Whether personal access tokens are accepted as the password of HTTP Basic too, for spreadsheets and similar
    /// tools.
    pub basic_auth: bool,
    /// Requests a minute that each caller may send; `None` for no limit.
    pub rate_limit: Option<NonZeroU32>,
    /// The networks that proxies before the service ask from, which say in `X-Forwarded-For` for whom.
    pub trusted_proxies: Vec<IpNet>,
    /// The origins that pages in browsers may ask from: `https://dashboard.example`.
    pub cors_origins: Vec<String>,
    /// The address that the service is reached at from outside: `https://waymark.example`. Without it, what requests say.
    pub public_url: Option<String>,
    /// The issuers whose tokens are accepted.
    pub issuers: Vec<String>,
    /// Whom to inform of a weakness: `mailto:` or `https:`. Without it there is no security.txt.
    pub security_contact: Option<String>,
    /// What opens `/metrics`. Without it, asking from the same machine does.
    pub metrics_token: Option<MetricsToken>,
}

/// The metadata of a protected resource (RFC 9728).
pub(in crate::http) const PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";

impl Settings {
    /// The address of this service, as it is settled or a request has it, without a slash at the end.
    pub(in crate::http) fn base(&self, asked: &ConnectionInfo) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("{}://{}", asked.scheme(), asked.host()),
        }
    }
}

/// What supervisors, balancers and Prometheus ask, from one address and without end: never refused, whoever else asks from there.
const UNCOUNTED: [&str; 4] = ["/livez", "/readyz", "/version", "/metrics"];

/// Whether what is asked of an address counts.
pub(in crate::http) fn counts(path: &str) -> bool {
    !UNCOUNTED.contains(&path)
}
