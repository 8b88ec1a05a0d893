//! Routes: one path, its handlers, and what they say about themselves, registered together.
//!
//! `resource!(kpis::{list_kpis, create_kpi})` takes path and methods from each handler's `#[utoipa::path]`, so that
//! neither is written twice. A method that no handler has is answered 405 with `Allow`, `HEAD` by the `GET` handler, and
//! `OPTIONS` with `Allow` alone. What a `GET` can be had as is taken from its document too: a client that takes none of it,
//! by `Accept` or by the ending of the address, is answered 406. A write is not judged by what its sender would like to
//! get: it is carried out, and answered in JSON.

use std::rc::Rc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{AppService, HttpServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::guard;
use actix_web::http::Method;
use actix_web::http::header::ALLOW;
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, HttpMessage, HttpResponse, Resource, ResponseError, Route, web};
use utoipa::openapi::path::{HttpMethod, Operation, Paths};
use utoipa::openapi::{RefOr, Schema};
use utoipa_actix_web::OpenApiFactory;

use crate::http::metrics::Measured;
use crate::http::problem::Problem;
use crate::http::request::negotiate::Accept;

/// One path with its documented handlers; made by `resource!`.
pub struct Documented {
    path: String,
    resource: Resource,
    allow: Vec<&'static str>,
    /// The media types that a `GET` can be had as; none if it is not documented, and not judged.
    offered: Vec<String>,
    docs: Vec<Box<dyn OpenApiFactory>>,
}

impl Documented {
    /// A resource at `path` with nothing in it yet.
    pub fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            resource: web::resource(path),
            allow: Vec::new(),
            offered: Vec::new(),
            docs: Vec::new(),
        }
    }

    /// Adds a handler: `doc` is the type that `#[utoipa::path]` made, `to` puts the handler on a route.
    #[must_use]
    pub fn add<P: utoipa::Path + OpenApiFactory + 'static>(mut self, doc: P, to: impl Fn(Route) -> Route) -> Self {
        for method in P::methods() {
            self = match method {
                HttpMethod::Get => {
                    self.offered.extend(offered(&P::operation()));
                    self.page(&to)
                }
                other => {
                    let (name, method) = named(&other);
                    self.allow.push(name);
                    self.resource = self.resource.route(to(web::method(method)));
                    self
                }
            };
        }
        self.docs.push(Box::new(doc));
        self
    }

    /// Adds a `GET` handler that the document does not describe: a page for people.
    #[must_use]
    pub fn page(mut self, to: impl Fn(Route) -> Route) -> Self {
        self.allow.extend(["GET", "HEAD"]);
        let route = web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
        self.resource = self.resource.route(to(route));
        self
    }

    /// Adds a `POST` handler that the document does not describe: what a page's form is sent to.
    #[must_use]
    pub fn form(mut self, to: impl Fn(Route) -> Route) -> Self {
        self.allow.push("POST");
        self.resource = self.resource.route(to(web::post()));
        self
    }
}

/// The media types of an operation's answer if it goes well, the first first.
fn offered(operation: &Operation) -> Vec<String> {
    let good = operation.responses.responses.iter().filter(|(status, _)| status.starts_with('2'));
    let answers = good.filter_map(|(_, response)| match response {
        RefOr::T(response) => Some(response),
        RefOr::Ref(_) => None,
    });
    answers.flat_map(|answer| answer.content.keys().cloned()).collect()
}

/// Notes for the measures which route this is, and answers 406 to a read that could have nothing its client takes.
async fn admit(
    offered: Rc<[String]>,
    measured: Rc<Measured>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    request.extensions_mut().insert(measured);
    let read = matches!(*request.method(), Method::GET | Method::HEAD) && !offered.is_empty();
    if read && let Err(problem) = Accept::of(request.request()).admit(&offered) {
        return Ok(request.into_response(problem.error_response()));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// The methods a handler may have besides `GET`.
fn named(method: &HttpMethod) -> (&'static str, Method) {
    match method {
        HttpMethod::Post => ("POST", Method::POST),
        HttpMethod::Put => ("PUT", Method::PUT),
        HttpMethod::Patch => ("PATCH", Method::PATCH),
        HttpMethod::Delete => ("DELETE", Method::DELETE),
        HttpMethod::Options => ("OPTIONS", Method::OPTIONS),
        HttpMethod::Trace => ("TRACE", Method::TRACE),
        _ => ("HEAD", Method::HEAD),
    }
}

impl HttpServiceFactory for Documented {
    fn register(self, config: &mut AppService) {
        let mut methods = self.allow;
        methods.push("OPTIONS");
        let allow = methods.join(", ");
        let refusal = allow.clone();
        let offered: Rc<[String]> = self.offered.into();
        let measured = Rc::new(Measured::at(self.path));
        self.resource
            .wrap(from_fn(move |request, next| admit(offered.clone(), measured.clone(), request, next)))
            .route(web::method(Method::OPTIONS).to(move || {
                let allow = allow.clone();
                async move { HttpResponse::NoContent().insert_header((ALLOW, allow)).finish() }
            }))
            .default_service(web::to(move || {
                let problem = Problem::method_not_allowed(&refusal);
                async move { Err::<HttpResponse, _>(problem) }
            }))
            .register(config);
    }
}

impl OpenApiFactory for Documented {
    fn paths(&self) -> Paths {
        let mut paths = Paths::new();
        for doc in &self.docs {
            paths.merge(doc.paths());
        }
        paths
    }

    fn schemas(&self, schemas: &mut Vec<(String, RefOr<Schema>)>) {
        for doc in &self.docs {
            doc.schemas(schemas);
        }
    }
}

/// Puts the handlers of one path together: `resource!(kpis::{list_kpis, create_kpi})`.
///
/// Each is an `async fn` with `#[utoipa::path(..)]`; the path comes from the first.
macro_rules! resource {
    ($module:ident :: { $first:ident $(, $handler:ident)* $(,)? }) => {
        ::pastey::paste! {
            $crate::http::resource::Documented::new(&<$module::[<__path_ $first>] as ::utoipa::Path>::path())
                .add($module::[<__path_ $first>], |route| route.to($module::$first))
                $(.add($module::[<__path_ $handler>], |route| route.to($module::$handler)))*
        }
    };
}

pub(crate) use resource;
