//! A plan's own settings, and how a new plan begins: with a form, or with a folder that holds all of it.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use maud::html as markup;

use crate::domain::document::Document;
use crate::http::problem::Problem;
use crate::http::request::caller::Caller;
use crate::http::request::extract::{NoParams, Params};
use crate::http::request::path::PlanPath;
use crate::http::site::answer::{NOT_YET_RIGHT, frame, frame_in, html, person, see_other};
use crate::http::site::editor::{Sent, faults, marks, stored};
use crate::http::site::files::folder_tried;
use crate::http::site::form::Form;
use crate::http::site::set_up::fields::{of_plan, of_this_plan};
use crate::http::site::set_up::things::told;
use crate::http::site::set_up::{must_manage, must_write};
use crate::http::site::upload::Upload;
use crate::http::site::visitor::Visitor;
use crate::http::view::{AsOf, View};
use crate::pages::editor::{Fault, Fields, Typed};
use crate::pages::files::{self, FolderTried};
use crate::pages::frame::Tab;
use crate::pages::set_up::{EditPage, ListPage};
use crate::programme::caller::precondition::Precondition;
use crate::programme::{Programme, Refusal};

/// `GET /plans/{plan}/set-up/plan`
pub(in crate::http) async fn plan(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let view = View::of(&programme, &caller, &plan, AsOf::default()).await?;
    must_manage(&view)?;
    Ok(html(StatusCode::OK, page(&view, &visitor, None, &[], false)))
}

fn page(view: &View, visitor: &Visitor, typed: Option<&Typed>, faults: &[Fault], is_overtaken: bool) -> String {
    let (fields, kept) = (of_this_plan(&view.seen), view.seen.plan());
    let members = kept.value.members();
    let (was, as_stored) = (marks(&fields, &members), stored(&fields, &members));
    let base = format!("/plans/{}/set-up", kept.value.code);
    let page = EditPage {
        title: &kept.value.title,
        code: kept.value.code.as_str(),
        here: &format!("{base}/plan"),
        up: Some((base.clone(), "Set-up")),
        form: visitor.may_write.then_some(Fields {
            fields: &fields,
            typed: typed.unwrap_or(&as_stored),
            was: &was,
            faults,
        }),
        state: &kept.seq.to_string(),
        acts: &[],
        secret: None,
        is_overtaken,
        before: markup! {},
    };
    page.page(&frame_in("The plan", visitor, view, Tab::SetUp))
}

/// `POST /plans/{plan}/set-up/plan`
pub(in crate::http) async fn change_plan(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
    form: Form,
) -> Result<HttpResponse, Problem> {
    must_write(&visitor)?;
    let view = View::of(&programme, &caller, &plan, AsOf::default()).await?;
    must_manage(&view)?;
    let fields = of_this_plan(&view.seen);
    let sent = Sent::read(&fields, &form, false);
    let typed = sent.over(&fields, &view.seen.plan().value.members());
    let again = |faults: &[Fault], is_overtaken| {
        Ok(html(NOT_YET_RIGHT, page(&view, &visitor, Some(&typed), faults, is_overtaken)))
    };
    if !sent.faults.is_empty() {
        return again(&sent.faults, false);
    }
    let state = Precondition::OneOf(vec![form.get("version").unwrap_or_default().to_owned()]);
    match programme.update_plan(&plan, &caller.subject, sent.members.clone(), state).await {
        Ok(_) => Ok(see_other(&format!("/plans/{plan}/set-up"))),
        Err(Refusal::Stale) => again(&[], true),
        Err(Refusal::Invalid(invalid)) => again(&faults(&fields, invalid.violations()), false),
        Err(refusal) => again(&[told(refusal)?], false),
    }
}

/// `GET /new-plan`
pub(in crate::http) async fn new_plan(_: Caller, visitor: Visitor, _: Params<NoParams>) -> HttpResponse {
    html(StatusCode::OK, new_page(&visitor, &Typed::new(), &[], None))
}

fn new_page(visitor: &Visitor, typed: &Typed, faults: &[Fault], tried: Option<&FolderTried>) -> String {
    let (fields, none) = (of_plan(None), BTreeMap::new());
    let page = ListPage {
        many: "A new plan",
        one: "the plan",
        lead: "For administrators of the service. Begin with a few words and set the rest up step by step, or upload everything at once.",
        remove: "",
        here: "/new-plan",
        up: Some(("/".to_owned(), "Plans")),
        lines: None,
        form: visitor.may_write.then_some(Fields { fields: &fields, typed, was: &none, faults }),
        is_open: false,
        secret: None,
        saved: None,
        after: files::folder(person(visitor), tried),
    };
    page.page(&frame("A new plan", Some(visitor)))
}

/// `POST /new-plan`
pub(in crate::http) async fn make_plan(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    _: Params<NoParams>,
    form: Form,
) -> Result<HttpResponse, Problem> {
    must_write(&visitor)?;
    let fields = of_plan(None);
    let sent = Sent::read(&fields, &form, true);
    let again = |faults: &[Fault]| Ok(html(NOT_YET_RIGHT, new_page(&visitor, &sent.typed, faults, None)));
    if !sent.faults.is_empty() {
        return again(&sent.faults);
    }
    match programme.create_plan(&caller.subject, sent.members.clone()).await {
        Ok(made) => Ok(see_other(&format!("/plans/{}/set-up", made.value.code))),
        Err(Refusal::Invalid(invalid)) => again(&faults(&fields, invalid.violations())),
        Err(refusal) => again(&[told(refusal)?]),
    }
}

/// `POST /new-plan/folder`: a whole plan, tried or loaded.
pub(in crate::http) async fn load_folder(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    _: Params<NoParams>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    must_write(&visitor)?;
    let tried = folder_tried(&programme, &caller, Upload::read(&request, payload).await?).await?;
    match &tried {
        FolderTried { loaded: Some(plan), was_saved: true, .. } => Ok(see_other(&format!("/plans/{plan}/set-up"))),
        FolderTried { loaded: Some(_), .. } => {
            Ok(html(StatusCode::OK, new_page(&visitor, &Typed::new(), &[], Some(&tried))))
        }
        _ => Ok(html(NOT_YET_RIGHT, new_page(&visitor, &Typed::new(), &[], Some(&tried)))),
    }
}
