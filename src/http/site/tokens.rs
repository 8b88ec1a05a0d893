//! The personal access tokens of somebody who is signed in: for spreadsheets and programs that cannot sign in as they do.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use maud::html as markup;

use crate::http::problem::Problem;
use crate::http::request::caller::Caller;
use crate::http::request::extract::{NoParams, Params};
use crate::http::site::answer::{NOT_YET_RIGHT, frame, html, see_other};
use crate::http::site::editor::{Sent, faults};
use crate::http::site::form::Form;
use crate::http::site::set_up::fields::of_tokens;
use crate::http::site::set_up::must_write;
use crate::http::site::set_up::things::told;
use crate::http::site::visitor::Visitor;
use crate::pages::editor::{Choice, Fault, Field, Fields, Typed};
use crate::pages::set_up::{Line, ListPage};
use crate::programme::access::credentials::credential_state;
use crate::programme::caller::precondition::Precondition;
use crate::programme::{Programme, Refusal};

/// The most plans that a token can be confined to on its form.
const MOST_PLANS: usize = 200;
/// The page's address.
const HERE: &str = "/account/tokens";

async fn fields(programme: &Programme, caller: &Caller) -> Result<Vec<Field>, Problem> {
    let plans = programme.list_plans(&caller.subject, None, MOST_PLANS).await?;
    let plans = plans.iter().map(|plan| Choice::new(plan.value.code.as_str(), plan.value.title.as_str()));
    Ok(of_tokens(plans.collect()))
}

async fn page(
    programme: &Programme,
    caller: &Caller,
    visitor: &Visitor,
    (typed, wrong): (&Typed, &[Fault]),
    secret: Option<&str>,
) -> Result<String, Problem> {
    let rows = programme.my_tokens(&caller.subject).await?;
    let now = programme.clock().now();
    let lines: Vec<Line> = rows
        .iter()
        .map(|row| {
            let plan = row.plan.as_ref().map(|(_, code)| format!("plan {code}"));
            let role = row.role.map(|role| format!("role {}", role.as_str()));
            let until = row.expires_at.map(|at| {
                let word = if at <= now { "expired" } else { "expires" };
                format!("{word} {}", at.format("%-d %B %Y"))
            });
            let used =
                row.last_used_at.map_or("never used".to_owned(), |at| format!("last used {}", at.format("%-d %B %Y")));
            let notes = [plan, role, Some(row.methods.join(", ")), until, Some(used)];
            Line {
                title: row.title.clone(),
                code: row.id.to_string(),
                is_named: false,
                address: None,
                notes: notes.into_iter().flatten().collect::<Vec<_>>().join("; "),
                state: visitor.may_write.then(|| credential_state(row)),
            }
        })
        .collect();
    let (fields, none) = (fields(programme, caller).await?, BTreeMap::new());
    let page = ListPage {
        many: "Personal access tokens",
        one: "a token",
        lead: "A token lets a spreadsheet or a program read as you, or change things if you allow it. Anyone who has it can use it.",
        remove: "Revoke",
        here: HERE,
        up: Some(("/account".to_owned(), "Account")),
        lines: Some(&lines),
        form: visitor.may_write.then_some(Fields { fields: &fields, typed, was: &none, faults: wrong }),
        is_open: false,
        secret,
        saved: None,
        after: markup! {},
    };
    Ok(page.page(&frame("Personal access tokens", Some(visitor))))
}

/// What a form begins with: a token that reads.
fn reading() -> Typed {
    Typed::from([("methods".to_owned(), vec!["GET".to_owned()])])
}

/// `GET /account/tokens`
pub(in crate::http) async fn list(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    Ok(html(StatusCode::OK, page(&programme, &caller, &visitor, (&reading(), &[]), None).await?))
}

/// `POST /account/tokens`: makes one, or revokes one.
pub(in crate::http) async fn make(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    _: Params<NoParams>,
    form: Form,
) -> Result<HttpResponse, Problem> {
    must_write(&visitor)?;
    if form.get("do") == Some("remove") {
        let id = form.get("code").unwrap_or_default().parse().map_err(|_no_id| Problem::not_found())?;
        // Whether it was used meanwhile does not matter.
        return match programme.revoke_token(&caller.subject, id, Precondition::Any).await {
            Ok(()) => Ok(see_other(HERE)),
            Err(refusal) => {
                let wrong = [told(refusal)?];
                Ok(html(NOT_YET_RIGHT, page(&programme, &caller, &visitor, (&reading(), &wrong), None).await?))
            }
        };
    }
    let fields = fields(&programme, &caller).await?;
    let sent = Sent::read(&fields, &form, true);
    let wrong = if sent.faults.is_empty() {
        match programme.make_token(&caller.subject, sent.members).await {
            Ok((_, token)) => {
                let page = page(&programme, &caller, &visitor, (&reading(), &[]), Some(&token)).await?;
                return Ok(html(StatusCode::OK, page));
            }
            Err(Refusal::Invalid(invalid)) => faults(&fields, invalid.violations()),
            Err(refusal) => vec![told(refusal)?],
        }
    } else {
        sent.faults
    };
    Ok(html(NOT_YET_RIGHT, page(&programme, &caller, &visitor, (&sent.typed, &wrong), None).await?))
}
