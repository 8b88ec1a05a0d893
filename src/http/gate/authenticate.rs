//! Authentication: who a request is from, settled before anything else of it is read.
//!
//! A person or a system shows an access token of a trusted issuer, or a personal access token, as `Bearer`; the latter
//! also as the password of `Basic`, if the deployment allows it. A secret link needs neither: its address is routed on
//! to the table that it opens.

use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, HeaderValue, LINK, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;

use crate::http::credentials::{BASIC_CHALLENGE, account, basic_credentials, credentials_of};
use crate::http::gate::envelope::{LINKS, route_to};
use crate::http::gate::rate_limit;
use crate::http::problem::{Code, Problem};
use crate::http::request::caller::Caller;
use crate::http::settings::{PROTECTED_RESOURCE, Settings};
use crate::programme::access::credentials::Entered;
use crate::programme::access::tokens::TOKEN_PREFIX;
use crate::programme::{Principal, Programme};
use crate::token::{Identity, MaybeProvider, Refusal, Verifier};

/// Lets nothing under `/v1` through without a good token. It is before the handlers, so that a caller who may not enter
/// learns nothing from how a body or a parameter is judged.
pub async fn authenticate(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // Judged as the router judges it: `/%761` is `/v1`.
    let path = percent_decode_str(request.path()).decode_utf8_lossy();
    let guarded = path == "/v1" || path.starts_with("/v1/");
    let link = path.strip_prefix(LINKS).map(str::to_owned);
    if guarded && request.method() != Method::OPTIONS {
        let caller = match link {
            Some(link) => linked(&mut request, &link).await,
            None if is_of_a_public_plan(&request, &path).await => Ok(Some(Caller::anyone())),
            None => verified(&request).await.map(Some),
        };
        match caller {
            Ok(Some(caller)) => {
                request.extensions_mut().insert(caller);
            }
            Ok(None) => {}
            Err(problem) => {
                let settings = request.app_data::<Data<Settings>>().cloned();
                let base = settings.map(|settings| settings.base(&request.connection_info()));
                let problem = problem.with_metadata(&format!("{}{PROTECTED_RESOURCE}", base.unwrap_or_default()));
                return Ok(rate_limit::turned_away(request, &problem));
            }
        }
    }
    let by_link = request.extensions().get::<Caller>().is_some_and(|caller| caller.link.is_some());
    let mut response = next.call(request).await?.map_into_boxed_body();
    if by_link {
        let headers = response.headers_mut();
        let told: Vec<HeaderValue> = headers.remove(LINK).collect();
        // Anyone who has a link's address and no more could not read what describes the table.
        for link in told.into_iter().filter(|link| !link.to_str().is_ok_and(|link| link.contains("describedby"))) {
            headers.append(LINK, link);
        }
    }
    Ok(response)
}

/// Whether somebody reads a public plan, or what is in it, without saying who they are. A plan that is not public is as closed to
/// them as one that is not there.
async fn is_of_a_public_plan(request: &ServiceRequest, path: &str) -> bool {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let plan = path.strip_prefix("/v1/plans/").and_then(|rest| rest.split('/').next()).map(str::parse);
    let (true, false, Some(Ok(plan)), Ok(programme)) =
        (reads, request.headers().contains_key(AUTHORIZATION), plan, programme(request))
    else {
        return false;
    };
    programme.open(&plan, &Principal::anyone()).await.is_ok()
}

fn programme(request: &ServiceRequest) -> Result<Data<Programme>, Problem> {
    let known = request.app_data::<Data<Programme>>().cloned();
    known.ok_or_else(|| Problem::internal_because("the app holds no programme"))
}

/// Routes a request for a link to the table that it opens, as its maker within the link's bounds; leaves it as it is if
/// there is no such link, which is then found nowhere.
async fn linked(request: &mut ServiceRequest, link: &str) -> Result<Option<Caller>, Problem> {
    let Some((secret, table)) = link.split_once('/') else { return Ok(None) };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(None);
    }
    let Some(entered) = programme(request)?.enter_by_link(secret).await? else { return Ok(None) };
    let Some((plan, address)) = &entered.opens else { return Ok(None) };
    if address.rsplit('/').next() != Some(table) {
        return Ok(None);
    }
    route_to(request, &format!("/v1/plans/{plan}/{address}"));
    Ok(Some(caller(entered)))
}

fn caller(entered: Entered) -> Caller {
    let link = entered.opens.is_some().then_some(entered.id);
    Caller { subject: entered.principal, expires_at: entered.expires_at.unwrap_or(DateTime::<Utc>::MAX_UTC), link }
}

async fn verified(request: &ServiceRequest) -> Result<Caller, Problem> {
    let basic = request.app_data::<Data<Settings>>().is_some_and(|settings| settings.basic_auth);
    let refused = |problem: Problem| {
        if basic { problem.with_header(WWW_AUTHENTICATE, BASIC_CHALLENGE) } else { problem }
    };
    let mut sent = request.headers().get_all(AUTHORIZATION);
    let header = match (sent.next(), sent.next()) {
        (None, _) => return Err(refused(Problem::missing_token())),
        (Some(only), None) => only,
        // Which of them speaks is not guessed at.
        (Some(_), Some(_)) => return Err(refused(Problem::no_token_in("There is more than one Authorization header"))),
    };
    let token = token_in(header, basic).map_err(refused)?;
    if token.starts_with(TOKEN_PREFIX) {
        let entered = programme(request)?.enter_by_token(&token).await?;
        let entered = entered.ok_or_else(|| {
            refused(Problem::invalid_token("the personal access token is unknown, has expired or was revoked"))
        })?;
        allow_method(&entered, request.method())?;
        return Ok(caller(entered));
    }
    let verifier = request
        .app_data::<Data<Arc<Verifier>>>()
        .ok_or_else(|| Problem::internal_because("the app holds no verifier"))?;
    let good = verifier.verify(&token).await.map_err(|refusal| match refusal {
        Refusal::KeysUnavailable => Problem::unavailable_because("the keys to verify tokens with cannot be read"),
        other => refused(Problem::invalid_token(other.description())),
    })?;
    let subject = match identity_of(request, &token).map_err(refused)? {
        Some(identity) => programme(request)?.subject_of(account(identity)).await?,
        None => good.subject.parse().map_err(|_unfit| Problem::invalid_token("the subject cannot be used"))?,
    };
    if !programme(request)?.is_welcome(&subject).await? {
        return Err(refused(Problem::invalid_token("the client has been revoked")));
    }
    Ok(Caller { subject: subject.into(), expires_at: good.expires_at, link: None })
}

/// Who a good token speaks for, if it is from the issuer at which people sign in: the same person as on pages.
fn identity_of(request: &ServiceRequest, token: &str) -> Result<Option<Identity>, Problem> {
    let provider = request.app_data::<Data<MaybeProvider>>().and_then(|provider| provider.as_ref().as_ref());
    let Some(provider) = provider else { return Ok(None) };
    provider.identity_of(token).map_err(|_fault| {
        Problem::invalid_token(
            "the token does not have the claim that people are known by here, as a text of 1 to 200 characters",
        )
    })
}

/// What is wrong with a `Bearer` that nothing follows.
const EMPTY: &str = "The token is empty: nothing follows Bearer in the Authorization header";

/// The token of an `Authorization` header: after `Bearer`, or if `Basic` is allowed the password, whatever the user
/// name.
fn token_in(header: &HeaderValue, basic: bool) -> Result<String, Problem> {
    match credentials_of(header, "bearer") {
        Some("") => return Err(Problem::invalid_token(&format!("{EMPTY}; send the token after it."))),
        Some(token) => return Ok(token.to_owned()),
        None if header.as_bytes().eq_ignore_ascii_case(b"bearer") => return Err(Problem::no_token_in(EMPTY)),
        None => {}
    }
    if !basic || credentials_of(header, "basic").is_none() {
        return Err(Problem::no_token_in("The Authorization header is of a scheme that is not accepted here"));
    }
    // Any other token is too short-lived for tools that keep a password.
    let password = basic_credentials(header).map(|(_user, password)| password);
    password.filter(|password| password.starts_with(TOKEN_PREFIX)).ok_or_else(|| {
        let why = format!("the password of Basic is a personal access token ({TOKEN_PREFIX}...), with any user name");
        Problem::invalid_token(&why)
    })
}

/// Refuses a method that the token was not made for.
fn allow_method(entered: &Entered, method: &Method) -> Result<(), Problem> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    if reads || entered.methods.iter().any(|allowed| allowed == method.as_str()) {
        return Ok(());
    }
    let detail =
        format!("This token is for {} only; use one that was made for {method} too.", entered.methods.join(", "));
    Err(Problem::new(Code::NotAllowed, detail)
        .with_header(WWW_AUTHENTICATE, "Bearer realm=\"waymark\", error=\"insufficient_scope\""))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn a_personal_access_token_may_be_a_password_and_nothing_else_may() {
        let token = |header: &str, basic| {
            token_in(&HeaderValue::from_str(header).unwrap(), basic).map_err(|problem| problem.code())
        };
        let basic = format!("Basic {}", STANDARD.encode("anyone:wmk_x:y"));
        assert_eq!(token(&basic, true).as_deref(), Ok("wmk_x:y"));
        assert_eq!(token(&basic, false), Err(Code::MissingToken));
        assert_eq!(token(&format!("basic {}", STANDARD.encode(":wmk_x")), true).as_deref(), Ok("wmk_x"));
        assert_eq!(token("bearer  a.b.c", false).as_deref(), Ok("a.b.c"));
        for (empty, code) in [("Bearer", Code::MissingToken), ("bearer ", Code::InvalidToken)] {
            let problem = token_in(&HeaderValue::from_str(empty).unwrap(), false).unwrap_err();
            assert!(problem.code() == code && problem.to_string().contains("The token is empty"), "{problem}");
        }
        for other in ["Basic", "Bearer", "Digest x", ""] {
            assert_eq!(token(other, true), Err(Code::MissingToken), "{other}");
        }
        for bad in ["Basic !", "Basic ", &format!("Basic {}", STANDARD.encode("a:eyJ.b.c"))] {
            assert_eq!(token(bad, true), Err(Code::InvalidToken), "{bad}");
        }
    }
}
