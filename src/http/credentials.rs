//! What an `Authorization` header holds: a bearer's token, or a user name and a password; and whose account a token is of.

use actix_web::http::header::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::programme::access::people::Account;
use crate::token::Identity;

/// What an `Authorization` header of this scheme holds.
pub(in crate::http) fn credentials_of<'a>(header: &'a HeaderValue, wanted: &str) -> Option<&'a str> {
    let (scheme, credentials) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted).then(|| credentials.trim())
}

/// How someone is asked for a user name and a password (RFC 7617).
pub(in crate::http) const BASIC_CHALLENGE: &str = "Basic realm=\"waymark\", charset=\"UTF-8\"";

/// The user name and the password in an `Authorization: Basic`.
pub(in crate::http) fn basic_credentials(header: &HeaderValue) -> Option<(String, String)> {
    let decoded = STANDARD.decode(credentials_of(header, "basic")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// Somebody at their issuer as the programme takes them.
pub(in crate::http) fn account(Identity { issuer, claim, name, email }: Identity) -> Account {
    Account { issuer, claim, name, email }
}
