//! Signing in with an account of the organisation: there and back.
//!
//! What a browser must bring back is in a cookie of its own, good for one attempt and ten minutes. The way there is a link, not a form,
//! because pages may send forms nowhere but here.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::USER_AGENT;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};

use crate::http::credentials::account;
use crate::http::problem::Problem;
use crate::http::request::caller::Caller;
use crate::http::request::extract::{FromParams, ParamReader, Params};
use crate::http::request::form::fields;
use crate::http::site::answer::{NOT_YET_RIGHT, html, person, see_other};
use crate::http::site::entrance::{Jar, base, cookie};
use crate::http::site::sign_in::{check_safe, is_here, ways};
use crate::http::site::visitor::Visitor;
use crate::pages::plain::SignInPage;
use crate::programme::access::sessions::SignIn;
use crate::programme::{Programme, Refusal};
use crate::token::{Attempt, Identity, MaybeProvider, Provider, SignInFault};

/// Where the issuer sends people back to.
const CALLBACK: &str = "/sign-in/organisation/callback";
/// How long an attempt may take, in minutes.
const LONGEST_ATTEMPT: i64 = 10;

/// What leads to the issuer.
pub(in crate::http) struct LeaveParams {
    /// Where to go afterwards.
    then: Option<String>,
}

impl FromParams for LeaveParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self { then: params.optional("then") })
    }
}

/// `GET /sign-in/organisation`: off to the issuer.
pub(in crate::http) async fn leave(
    programme: Data<Programme>,
    provider: Data<MaybeProvider>,
    request: HttpRequest,
    visitor: Option<Visitor>,
    Params(wanted): Params<LeaveParams>,
) -> Result<HttpResponse, Problem> {
    let Some(issuer) = provider.as_ref() else { return Err(Problem::not_found()) };
    check_safe(&request)?;
    let then = wanted.then.as_deref().filter(|then| is_here(then)).unwrap_or("/");
    match issuer.attempt(&format!("{}{CALLBACK}", base(&request))).await {
        Ok((attempt, address)) => {
            let mut answer = see_other(&address);
            let until = programme.clock().now() + TimeDelta::minutes(LONGEST_ATTEMPT);
            let ticket = Ticket { attempt, until, then: then.to_owned() };
            answer.add_cookie(&ticket.cookie(&request)).map_err(|error| Problem::internal(&error))?;
            Ok(answer)
        }
        Err(fault) => Ok(sorry(words(fault), visitor.as_ref(), &provider, Some(then)).await),
    }
}

/// `GET /sign-in/organisation/callback`: back from the issuer.
pub(in crate::http) async fn arrive(
    programme: Data<Programme>,
    provider: Data<MaybeProvider>,
    request: HttpRequest,
    before: Option<Caller>,
    visitor: Option<Visitor>,
) -> Result<HttpResponse, Problem> {
    let Some(issuer) = provider.as_ref() else { return Err(Problem::not_found()) };
    check_safe(&request)?;
    let ticket = Ticket::of(&request, programme.clock().now());
    let then = ticket.as_ref().map(|ticket| ticket.then.clone());
    let mut answer = match identity(issuer, &request, ticket).await {
        Err(error) => sorry(error, visitor.as_ref(), &provider, then.as_deref()).await,
        Ok(identity) => {
            let browser = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
            match programme.sign_in(SignIn::Account(account(identity)), browser).await {
                Err(Refusal::Conflict(detail)) => {
                    sorry(&format!("You are not signed in: {detail}."), visitor.as_ref(), &provider, then.as_deref())
                        .await
                }
                Err(other) => return Err(other.into()),
                Ok(None) => return Err(Problem::internal_because("an account began no session")),
                Ok(Some(session)) => {
                    // Who was signed in here before is not any more.
                    if let (Some(before), Some(visitor)) = (before, &visitor) {
                        programme.end_sessions(&before.subject, Some(visitor.session)).await?;
                    }
                    let mut answer = see_other(then.as_deref().unwrap_or("/"));
                    let cookie = cookie(&request, &session.secret);
                    answer.add_cookie(&cookie).map_err(|error| Problem::internal(&error))?;
                    answer
                }
            }
        }
    };
    answer.add_cookie(&no_ticket(&request)).map_err(|error| Problem::internal(&error))?;
    Ok(answer)
}

/// Who somebody is who comes back, or what to tell them.
async fn identity(issuer: &Provider, request: &HttpRequest, ticket: Option<Ticket>) -> Result<Identity, &'static str> {
    let Some(Ticket { attempt, .. }) = ticket else {
        return Err("Signing in took longer than ten minutes, or was begun in another browser. Begin again here.");
    };
    // What cannot be read has no state that is ours.
    let sent = fields(request.query_string().as_bytes()).unwrap_or_default();
    // What is sent twice is not guessed at.
    let one = |wanted: &str| {
        let mut found = sent.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        found.next().filter(|_| found.next().is_none()).unwrap_or_default()
    };
    let is_ours = verify_slices_are_equal(one("state").as_bytes(), attempt.state.as_bytes()).is_ok();
    let is_theirs = !sent.iter().any(|(name, _)| name == "iss") || one("iss") == issuer.name();
    if !is_ours || !is_theirs {
        return Err("What came back does not belong to your last attempt to sign in. Begin again here.");
    }
    if one("error") == "access_denied" {
        return Err(
            "Your organisation did not let you in, or you cancelled. Try again, or ask your organisation whether you may use this service.",
        );
    }
    if one("code").is_empty() {
        return Err(
            "Your organisation's sign-in reported a fault. Try again; if it happens again, tell the people who run this service.",
        );
    }
    let redirect_uri = format!("{}{CALLBACK}", base(request));
    issuer.finish(&attempt, one("code"), &redirect_uri).await.map_err(|fault| {
        tracing::warn!(%fault, "nobody was signed in");
        words(fault)
    })
}

/// What somebody is told.
fn words(fault: SignInFault) -> &'static str {
    match fault {
        SignInFault::Unreachable => {
            "Your organisation's sign-in cannot be reached at the moment. Try again in a few minutes."
        }
        SignInFault::CodeRefused | SignInFault::WrongNonce => {
            "Your organisation's sign-in did not confirm this attempt: it may have been used already. Begin again here."
        }
        SignInFault::Token(_) | SignInFault::WrongParty => {
            "What your organisation's sign-in states cannot be accepted here. Begin again; if it happens again, tell the people who run this service."
        }
        SignInFault::NoIdentity => {
            "Your organisation's sign-in does not state who you are. Tell the people who run this service: --subject-claim may need another claim."
        }
    }
}

async fn sorry(error: &str, visitor: Option<&Visitor>, provider: &MaybeProvider, then: Option<&str>) -> HttpResponse {
    let page = SignInPage { then, error: Some(error), person: visitor.map(person), ..ways(provider).await };
    html(NOT_YET_RIGHT, page.page())
}

/// What a browser carries to the issuer and back.
struct Ticket {
    attempt: Attempt,
    until: DateTime<Utc>,
    /// Where to go afterwards, a path of this service.
    then: String,
}

impl Ticket {
    /// The ticket that a browser brings, if it is still good.
    fn of(request: &HttpRequest, now: DateTime<Utc>) -> Option<Self> {
        let cookie = request.cookie(Jar::of(request).ticket)?;
        let mut parts = cookie.value().split('.');
        let mut next = || parts.next().map(str::to_owned);
        let attempt = Attempt { state: next()?, nonce: next()?, code_verifier: next()? };
        let until = DateTime::from_timestamp(next()?.parse().ok()?, 0)?;
        let then = String::from_utf8(URL_SAFE_NO_PAD.decode(next()?).ok()?).ok().filter(|then| is_here(then))?;
        let is_whole = ![&attempt.state, &attempt.nonce, &attempt.code_verifier].iter().any(|part| part.is_empty());
        (is_whole && now < until).then_some(Self { attempt, until, then })
    }

    fn cookie(&self, request: &HttpRequest) -> Cookie<'static> {
        let Attempt { state, nonce, code_verifier } = &self.attempt;
        let then = URL_SAFE_NO_PAD.encode(&self.then);
        let value = format!("{state}.{nonce}.{code_verifier}.{}.{then}", self.until.timestamp());
        ticket_cookie(request, value)
    }
}

fn ticket_cookie(request: &HttpRequest, value: String) -> Cookie<'static> {
    let jar = Jar::of(request);
    Cookie::build(jar.ticket, value)
        .path("/")
        .http_only(true)
        .secure(jar.is_secure)
        // Not stricter: the issuer sends people back.
        .same_site(SameSite::Lax)
        .max_age(Duration::minutes(LONGEST_ATTEMPT))
        .finish()
}

fn no_ticket(request: &HttpRequest) -> Cookie<'static> {
    let mut cookie = ticket_cookie(request, String::new());
    cookie.make_removal();
    cookie
}
