//! `/oauth/token`: partners' systems sign in with an id and a secret (RFC 6749 section 4.4), and what shows clients and
//! tools how (RFC 7517, 8414, 9116 and 9728).

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue, WWW_AUTHENTICATE};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{SecondsFormat, TimeDelta};
use serde::Serialize;

use crate::http::credentials::{BASIC_CHALLENGE, basic_credentials};
use crate::http::gate::envelope::PUBLIC_NO_CACHE;
use crate::http::problem::documented::{NoSuchThing, PublicProblems, TokenProblems};
use crate::http::problem::{Code, Problem, ProblemBody};
use crate::http::request::extract::{NoParams, Params, read_body};
use crate::http::request::form::{fields, plain};
use crate::http::settings::Settings;
use crate::programme::Programme;
use crate::token::{Claims, Expected, Jwk, JwkSet, SigningKey};

/// How long an access token is good for.
const LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// The longest form that is read, in bytes.
const FORM_LIMIT: usize = 8 * 1024;

/// The key that access tokens are signed with, and what they say.
pub struct Issuer {
    /// The key.
    pub key: SigningKey,
    /// Their issuer and audience.
    pub expected: Expected,
}

/// The issuer of a deployment that has a signing key.
pub type MaybeIssuer = Option<Arc<Issuer>>;

/// An access token.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are OAuth's")]
#[schema(description = "An access token: send it as `Authorization: Bearer` until it expires, then get another.")]
pub struct AccessToken {
    /// The token: a JWT as in RFC 9068.
    #[schema(example = "eyJ…")]
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds that it is valid for.
    #[schema(minimum = 1, example = 900)]
    expires_in: i64,
}

/// A form as OAuth sends it.
#[derive(Debug, utoipa::ToSchema)]
#[schema(as = TokenRequest, description = "What a client asks with. There are no scopes: a `scope` is refused, and other fields are ignored.")]
#[expect(dead_code, reason = "it documents a form, which is read field by field")]
pub struct TokenRequest {
    /// How the client asks.
    grant_type: GrantType,
    /// The client's id, if it does not come in `Authorization: Basic`.
    #[schema(example = "0198f0c6-5a3e-7cc0-b2d4-3f8f0f6f1c11")]
    client_id: Option<String>,
    /// The client's secret, if it does not come in `Authorization: Basic`.
    #[schema(example = "wms_…")]
    client_secret: Option<String>,
}

/// The grant types there are.
#[derive(Debug, utoipa::ToSchema)]
#[schema(description = "How a client asks for a token: with its own credentials.", example = "client_credentials")]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// With its own credentials.
    ClientCredentials,
}

/// An error as OAuth describes it, and as everything else here does.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OauthProblem, description = "An error as RFC 6749 section 5.2 has it, with the members of a problem document added.")]
pub struct OauthProblem {
    /// What is wrong, in one of OAuth's words.
    #[schema(example = "invalid_client")]
    error: &'static str,
    /// What is wrong and what to do about it.
    #[schema(example = "The client is unknown, or the secret is not one of its own.")]
    error_description: String,
    /// The page about this kind of problem.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    problem: serde_json::Map<String, serde_json::Value>,
}

fn refused(code: Code, error: &'static str, detail: &str) -> HttpResponse {
    let problem = Problem::new(code, detail);
    let mut response = HttpResponse::build(code.status());
    if code.status() == StatusCode::UNAUTHORIZED {
        response.insert_header((WWW_AUTHENTICATE, BASIC_CHALLENGE));
    }
    response.insert_header((CACHE_CONTROL, "no-store")).json(OauthProblem {
        error,
        error_description: detail.to_owned(),
        problem: problem.members(),
    })
}

/// The id and secret in `Authorization: Basic`, each encoded as in a form (RFC 6749 section 2.3.1).
fn basic(header: &HeaderValue) -> Option<(String, String)> {
    basic_credentials(header).map(|(id, secret)| (plain(&id), plain(&secret)))
}

/// Sign a partner's system in
///
/// OAuth 2 client credentials: an id and a secret, as HTTP Basic or in the form, for an access token of 15 minutes. Its
/// subject is the client's; what it may do is what was granted to that.
#[utoipa::path(
    post, path = "/oauth/token", tag = "access", operation_id = "get_access_token", security((), ("client" = [])),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded", description = "The grant type, and the client's id and secret unless they come in `Authorization: Basic`."),
    responses(
        (status = 200, description = "The token.", body = AccessToken,
         headers(("Cache-Control" = String, description = "`no-store`: it holds a secret."))),
        (status = 400, description = "The form is wrong, this service issues no tokens, or the address has parameters (`unknown_parameter`).",
         content((OauthProblem = "application/json"), (ProblemBody = "application/problem+json"))),
        (status = 401, description = "The client is unknown, or the secret is not one of its own.", body = OauthProblem,
         headers(("WWW-Authenticate" = String, description = "How a client authenticates."))),
        TokenProblems
    )
)]
pub async fn get_access_token(
    programme: Data<Programme>,
    issuer: Data<MaybeIssuer>,
    _: Params<NoParams>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let mut payload = payload.into_inner();
    let form = read_body(&request, &mut payload, &["application/x-www-form-urlencoded"], FORM_LIMIT).await?;
    let fields = match fields(&form) {
        Ok(fields) => fields,
        Err(detail) => return Ok(refused(Code::MalformedRequest, "invalid_request", &detail)),
    };
    let mut wrong = None;
    let mut field = |name: &str| {
        let mut values = fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone());
        let first = values.next();
        if values.next().is_some() {
            wrong = Some(format!("Send {name} once."));
        }
        first.filter(|value| !value.is_empty())
    };
    let (grant_type, id, secret) = (field("grant_type"), field("client_id"), field("client_secret"));
    let scope = field("scope");
    let bad = |detail: &str| Ok(refused(Code::MalformedRequest, "invalid_request", detail));
    if let Some(wrong) = wrong {
        return bad(&wrong);
    }
    let credentials = match (request.headers().get(AUTHORIZATION).and_then(basic), id, secret) {
        (Some(_), _, Some(_)) => return bad("Send the client's secret in one place: as HTTP Basic or in the form."),
        (Some(both), _, None) => Some(both),
        (None, id, secret) => id.zip(secret),
    };
    match grant_type.as_deref() {
        None => return bad("Send grant_type=client_credentials in a form."),
        Some("client_credentials") => {}
        Some(_) => {
            let detail = "The one grant type here is client_credentials.";
            return Ok(refused(Code::MalformedRequest, "unsupported_grant_type", detail));
        }
    }
    if scope.is_some() {
        let detail = "There are no scopes here: leave scope out. The token does what was granted to the client.";
        return Ok(refused(Code::MalformedRequest, "invalid_scope", detail));
    }
    let Some(issuer) = &**issuer else {
        let detail = "This service issues no tokens; get one from the issuer that it trusts.";
        return Ok(refused(Code::MalformedRequest, "unauthorized_client", detail));
    };
    let subject = match &credentials {
        Some((id, secret)) => programme.enter_client(id, secret.clone()).await?,
        None => None,
    };
    let (Some(subject), Some((id, _))) = (subject, credentials) else {
        let detail = "The client is unknown, or the secret is not one of its own.";
        return Ok(refused(Code::InvalidToken, "invalid_client", detail));
    };
    let claims = Claims {
        client_id: Some(id),
        ..Claims::issue(&issuer.expected, subject.as_str(), programme.clock().now(), LIFETIME)
    };
    let access_token = issuer.key.sign(&claims).map_err(|error| Problem::internal(&error))?;
    let answer = AccessToken { access_token, token_type: "Bearer", expires_in: LIFETIME.num_seconds() };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer))
}

/// The keys of this service.
#[derive(Debug, utoipa::ToSchema)]
#[schema(as = KeySet, description = "A JWK Set (RFC 7517): the keys that this service signs its tokens with.")]
#[expect(dead_code, reason = "it documents what `JwkSet` writes")]
pub struct KeySetBody {
    /// The keys.
    #[schema(example = json!([{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "2010-1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]))]
    keys: Vec<serde_json::Map<String, serde_json::Value>>,
}

/// Show the signing keys
///
/// The public keys that this service signs its access tokens with, as a JWK Set.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "service", operation_id = "get_jwks", security(()),
    responses((status = 200, description = "The keys.", body = KeySetBody), PublicProblems)
)]
pub async fn jwks(_: Params<NoParams>, issuer: Data<MaybeIssuer>) -> HttpResponse {
    let keys: Vec<Jwk> = issuer.iter().map(|issuer| issuer.key.public().clone()).collect();
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=3600")).json(JwkSet { keys })
}

/// Where and how to authenticate.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "Whose tokens this service accepts, and how they are sent (RFC 9728).")]
pub struct ProtectedResource {
    /// The address of this service.
    #[schema(example = "https://waymark.example")]
    resource: String,
    /// What it is called.
    #[schema(example = "Waymark")]
    resource_name: &'static str,
    /// The issuers whose tokens it accepts.
    #[schema(example = json!(["https://waymark.example"]))]
    authorization_servers: Vec<String>,
    /// The keys that its own tokens are signed with.
    #[schema(example = "https://waymark.example/.well-known/jwks.json")]
    jwks_uri: String,
    /// How tokens are sent.
    #[schema(example = json!(["header"]))]
    bearer_methods_supported: [&'static str; 1],
    /// Where it is documented.
    #[schema(example = "https://waymark.example/docs")]
    resource_documentation: String,
}

/// Describe how to authenticate
///
/// The metadata of a protected resource (RFC 9728): which issuers' tokens are accepted here, and how they are sent.
#[utoipa::path(
    get, path = "/.well-known/oauth-protected-resource", tag = "service", operation_id = "get_protected_resource",
    security(()), responses((status = 200, description = "The metadata.", body = ProtectedResource), PublicProblems)
)]
pub async fn protected_resource(_: Params<NoParams>, settings: Data<Settings>, request: HttpRequest) -> HttpResponse {
    let base = settings.base(&request.connection_info());
    HttpResponse::Ok().insert_header((CACHE_CONTROL, PUBLIC_NO_CACHE)).json(ProtectedResource {
        resource_name: "Waymark",
        authorization_servers: settings.issuers.clone(),
        jwks_uri: format!("{base}/.well-known/jwks.json"),
        bearer_methods_supported: ["header"],
        resource_documentation: format!("{base}/docs"),
        resource: base,
    })
}

/// What clients need to know of the issuer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "What a client needs to know to sign in here (RFC 8414).")]
pub struct AuthorizationServer {
    /// The issuer of the tokens.
    #[schema(example = "https://waymark.example")]
    issuer: String,
    /// Where clients sign in.
    #[schema(example = "https://waymark.example/oauth/token")]
    token_endpoint: String,
    /// The keys that the tokens are signed with.
    #[schema(example = "https://waymark.example/.well-known/jwks.json")]
    jwks_uri: String,
    /// The grant types there are.
    #[schema(example = json!(["client_credentials"]))]
    grant_types_supported: [&'static str; 1],
    /// How clients authenticate.
    #[schema(example = json!(["client_secret_basic", "client_secret_post"]))]
    token_endpoint_auth_methods_supported: [&'static str; 2],
    /// None: nobody is sent here to sign in.
    #[schema(example = json!([]))]
    response_types_supported: [&'static str; 0],
}

/// Describe how clients sign in
///
/// The metadata of an authorisation server (RFC 8414), if this service issues tokens to partners' systems.
#[utoipa::path(
    get, path = "/.well-known/oauth-authorization-server", tag = "service", operation_id = "get_authorization_server",
    security(()),
    responses((status = 200, description = "The metadata.", body = AuthorizationServer), PublicProblems, NoSuchThing)
)]
pub async fn authorization_server(
    _: Params<NoParams>,
    settings: Data<Settings>,
    issuer: Data<MaybeIssuer>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let issuer = issuer.as_ref().as_ref().ok_or_else(Problem::not_found)?;
    let base = settings.base(&request.connection_info());
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, PUBLIC_NO_CACHE)).json(AuthorizationServer {
        issuer: issuer.expected.issuer.clone(),
        token_endpoint: format!("{base}/oauth/token"),
        jwks_uri: format!("{base}/.well-known/jwks.json"),
        grant_types_supported: ["client_credentials"],
        token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
        response_types_supported: [],
    }))
}

/// Show whom to inform of a weakness
///
/// A security.txt (RFC 9116), if the deployment names a contact.
#[utoipa::path(
    get, path = "/.well-known/security.txt", tag = "service", operation_id = "get_security_txt", security(()),
    responses((status = 200, description = "The contact.", body = String, content_type = "text/plain"), PublicProblems, NoSuchThing)
)]
pub async fn security_txt(
    _: Params<NoParams>,
    settings: Data<Settings>,
    programme: Data<Programme>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let contact = settings.security_contact.as_ref().ok_or_else(Problem::not_found)?;
    // The file promises to be true for less than a year, and is made again each time.
    let expires = (programme.clock().now() + TimeDelta::days(180)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let canonical = format!("{}/.well-known/security.txt", settings.base(&request.connection_info()));
    let text = format!("Contact: {contact}\nExpires: {expires}\nPreferred-Languages: en\nCanonical: {canonical}\n");
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn the_id_and_the_secret_are_encoded_within_basic() {
        let read = |text: &str| basic(&HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(text))).unwrap());
        assert_eq!(read("a%3Ab:c+d"), Some(("a:b".to_owned(), "c d".to_owned())));
        assert_eq!(read("nothing"), None);
    }
}
