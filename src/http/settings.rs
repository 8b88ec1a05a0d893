//! What a deployment settles about the HTTP side; handed to the app with [`AppState`](super::AppState).

use std::num::NonZeroU32;

use actix_web::dev::ConnectionInfo;
use ipnet::IpNet;

/// What a deployment settles.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Whether personal access tokens are taken as the password of HTTP Basic too, for spreadsheets and the like.
    pub basic_auth: bool,
    /// Requests a minute that each caller may send; `None` for no limit.
    pub rate_limit: Option<NonZeroU32>,
    /// The networks that proxies before the service ask from, which say in `X-Forwarded-For` for whom.
    pub trusted_proxies: Vec<IpNet>,
    /// The origins that pages in browsers may ask from: `https://dashboard.example`.
    pub cors_origins: Vec<String>,
    /// The address that the service is reached at from outside: `https://waymark.example`. Without it, what requests say.
    pub public_url: Option<String>,
    /// The issuers whose tokens are taken.
    pub issuers: Vec<String>,
    /// Whom to tell of a weakness: `mailto:` or `https:`. Without it there is no security.txt.
    pub security_contact: Option<String>,
}

/// The metadata of a protected resource (RFC 9728).
pub(super) const PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";

impl Settings {
    /// The address of this service, as it is settled or a request has it, without a slash at the end.
    pub(super) fn base(&self, asked: &ConnectionInfo) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("{}://{}", asked.scheme(), asked.host()),
        }
    }
}
