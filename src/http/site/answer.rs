//! A page as an answer, and what is around it.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, CACHE_CONTROL, LOCATION};

use crate::domain::access::Audience;
use crate::domain::ids::Subject;
use crate::http::site::visitor::Visitor;
use crate::http::view::View;
use crate::pages::frame::{Frame, Person, PlanHead, Tab};

/// What pages may load: their own files, and nothing that stands in the page itself.
pub(super) const CSP: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                   frame-ancestors 'none'";

/// A page.
pub(super) fn html(status: StatusCode, page: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, CSP))
        .insert_header((CACHE_CONTROL, "private, no-cache"))
        // Without any, browsers would not say where a form comes from.
        .insert_header((header::REFERRER_POLICY, "same-origin"))
        .body(page)
}

/// A page of a plan, with the state that it is of.
pub(super) fn html_of(view: &View, page: String) -> HttpResponse {
    let mut answer = html(StatusCode::OK, page);
    if let Ok(tag) = header::HeaderValue::from_str(&view.tag.to_string()) {
        answer.headers_mut().insert(header::ETAG, tag);
    }
    answer
}

/// The answer to a form: where to go on.
pub(super) fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).insert_header((CACHE_CONTROL, "no-store")).finish()
}

/// Somebody who is signed in, as a page names them.
pub(super) fn person(visitor: &Visitor) -> Person<'_> {
    Person { name: visitor.called(), form_token: &visitor.form_token }
}

/// Somebody as members of the partnership see them: their name, if they signed in with an account that has one, and what roles
/// are given to.
pub(super) fn known_as(subject: &Subject, names: &BTreeMap<Subject, String>) -> String {
    names.get(subject).map_or_else(|| subject.to_string(), |name| format!("{name} ({subject})"))
}

/// The frame of a page that is of no plan.
pub(super) fn frame<'a>(title: &str, visitor: Option<&'a Visitor>) -> Frame<'a> {
    Frame { title: title.to_owned(), person: visitor.map(person), ..Frame::default() }
}

/// The frame of a page of a plan, with the ways that there are for its reader.
pub(super) fn frame_in<'a>(title: &str, visitor: &'a Visitor, view: &'a View, tab: Tab) -> Frame<'a> {
    let plan = &view.seen.plan().value;
    let tabs: &[Tab] = match view.plan.access.audience() {
        Audience::Member if view.plan.access.manages() => &[Tab::Scorecard, Tab::Board, Tab::Returns, Tab::SetUp],
        Audience::Member => &[Tab::Scorecard, Tab::Board, Tab::Returns],
        Audience::Partner => &[Tab::Scorecard, Tab::Board],
        Audience::Public => &[Tab::Scorecard],
    };
    let plan = PlanHead { code: plan.code.as_str(), title: &plan.title, notice: &plan.description, tabs };
    Frame { plan: Some(plan), tab: Some(tab), ..frame(title, Some(visitor)) }
}

/// The status of a page that shows a form again with what is wrong in it.
pub(super) const NOT_YET_RIGHT: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
