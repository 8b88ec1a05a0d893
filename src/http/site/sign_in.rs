//! Signing in and out, and where somebody is signed in.

use actix_web::http::StatusCode;
use actix_web::http::header::USER_AGENT;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::http::problem::{Code, Problem};
use crate::http::request::caller::Caller;
use crate::http::request::extract::{FromParams, NoParams, ParamReader, Params};
use crate::http::site::answer::{NOT_YET_RIGHT, frame, html, person, see_other};
use crate::http::site::entrance::{cookie, is_safe, no_cookie};
use crate::http::site::form::Form;
use crate::http::site::visitor::Visitor;
use crate::pages::plain::{Organisation, SessionLine, SignInPage, account as account_page};
use crate::programme::Programme;
use crate::programme::access::sessions::SignIn;
use crate::programme::access::tokens::TOKEN_PREFIX;
use crate::token::MaybeProvider;

/// What leads to the page.
pub(in crate::http) struct SignInParams {
    /// Where to go afterwards.
    then: Option<String>,
    /// The secret of a link that signs in once.
    link: Option<String>,
}

impl FromParams for SignInParams {
    fn read(params: &mut ParamReader) -> Option<Self> {
        Some(Self { then: params.optional("then"), link: params.optional("link") })
    }
}

/// `GET /sign-in`
///
/// A link is not used up by opening it: programs that look at links in mail would sign nobody in.
pub(in crate::http) async fn page(
    provider: Data<MaybeProvider>,
    visitor: Option<Visitor>,
    Params(wanted): Params<SignInParams>,
) -> HttpResponse {
    let then = wanted.then.as_deref().filter(|then| is_here(then));
    let person = visitor.as_ref().map(person);
    let page = SignInPage { then, link: wanted.link.as_deref(), person, ..ways(&provider).await };
    html(StatusCode::OK, page.page())
}

/// The page with the ways to sign in that there are.
pub(super) async fn ways(provider: &MaybeProvider) -> SignInPage<'static> {
    let organisation = match provider {
        None => None,
        Some(issuer) if issuer.is_reachable().await => Some(Organisation::Ready),
        Some(_) => Some(Organisation::Unreachable),
    };
    SignInPage { organisation, ..SignInPage::default() }
}

/// Refuses to let anyone sign in where others on the way could read what they sign in with.
pub(super) fn check_safe(request: &HttpRequest) -> Result<(), Problem> {
    if is_safe(request) {
        return Ok(());
    }
    let detail = "Signing in needs https, so that nobody on the way reads what you sign in with. The people who run this \
                  service put it behind a proxy with TLS and set --public-url.";
    Err(Problem::new(Code::NotAllowed, detail))
}

/// Whether an address is a path of this service: nobody is sent elsewhere after signing in.
pub(super) fn is_here(then: &str) -> bool {
    // What browsers leave out of an address, such as a tab, could make two slashes of one.
    let is_plain = then.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    is_plain && then.starts_with('/') && !then.starts_with("//")
}

/// `POST /sign-in`
pub(in crate::http) async fn sign_in(
    programme: Data<Programme>,
    provider: Data<MaybeProvider>,
    request: HttpRequest,
    before: Option<Caller>,
    visitor: Option<Visitor>,
    _: Params<NoParams>,
    form: Form,
) -> Result<HttpResponse, Problem> {
    check_safe(&request)?;
    let then = form.get("then").filter(|then| is_here(then));
    let person = visitor.as_ref().map(person);
    let ways = ways(&provider).await;
    let wrong = |error: &str| Ok(html(NOT_YET_RIGHT, SignInPage { then, error: Some(error), person, ..ways }.page()));
    let by = match (form.get("link"), form.get("token").map(str::trim)) {
        (Some(link), _) => SignIn::Link(link.to_owned()),
        (None, Some(token)) if token.starts_with(TOKEN_PREFIX) => SignIn::Token(token.to_owned()),
        (None, Some(_)) => return wrong("This is no personal access token: those begin with wmk_."),
        (None, None) => return wrong("Enter a personal access token."),
    };
    let is_link = matches!(by, SignIn::Link(_));
    let browser = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    let Some(session) = programme.sign_in(by, browser).await? else {
        return wrong(if is_link {
            "The link has been used or has expired; ask for another."
        } else {
            "The token is unknown, has expired or was revoked."
        });
    };
    // Who was signed in here before is not any more.
    if let (Some(before), Some(visitor)) = (before, &visitor) {
        programme.end_sessions(&before.subject, Some(visitor.session)).await?;
    }
    let mut answer = see_other(then.unwrap_or("/"));
    answer.add_cookie(&cookie(&request, &session.secret)).map_err(|error| Problem::internal(&error))?;
    Ok(answer)
}

/// `POST /sign-out`: of this browser, of another one, or everywhere.
pub(in crate::http) async fn sign_out(
    programme: Data<Programme>,
    request: HttpRequest,
    caller: Caller,
    visitor: Visitor,
    _: Params<NoParams>,
    form: Form,
) -> Result<HttpResponse, Problem> {
    // A session that was begun with a token is a part of what its person may do: it ends itself and no other.
    let only = match form.get("session") {
        _ if caller.subject.is_bounded() => Some(visitor.session),
        None => Some(visitor.session),
        Some("all") => None,
        Some(id) => Some(id.parse().map_err(|_no_id| Problem::not_found())?),
    };
    programme.end_sessions(&caller.subject, only).await?;
    if only.is_some_and(|only| only != visitor.session) {
        return Ok(see_other("/account"));
    }
    let mut answer = see_other("/sign-in");
    answer.add_cookie(&no_cookie(&request)).map_err(|error| Problem::internal(&error))?;
    Ok(answer)
}

/// `GET /account`
pub(in crate::http) async fn account(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let sessions = programme.my_sessions(&caller.subject).await?;
    let is_shown = |id| !caller.subject.is_bounded() || id == visitor.session;
    let lines: Vec<SessionLine> = sessions
        .into_iter()
        .filter(|row| is_shown(row.id))
        .map(|row| SessionLine {
            id: row.id.to_string(),
            browser: row.title,
            since: row.created_at,
            used: row.last_used_at,
            is_this: row.id == visitor.session,
        })
        .collect();
    let page = account_page(&frame("Account", Some(&visitor)), visitor.subject.as_str(), visitor.called(), &lines);
    Ok(html(StatusCode::OK, page))
}
