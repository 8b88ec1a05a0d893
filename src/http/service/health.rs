//! Whether the service is running, whether it can work, and which version it is.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::problem::Problem;
use crate::http::problem::documented::{PublicProblems, Unready};
use crate::http::request::extract::{NoParams, Params};

/// How long the check of readiness may take before it counts as failed.
const DEADLINE: Duration = Duration::from_secs(5);

type Checking = Pin<Box<dyn Future<Output = Result<(), String>>>>;

/// The check behind `/readyz`, handed to the app as `Data<Readiness>`.
pub struct Readiness(Box<dyn Fn() -> Checking + Send + Sync>);

impl Readiness {
    /// Ready whenever `check` succeeds; its error is logged, and not sent.
    pub fn new<F>(check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + 'static,
    {
        Self(Box::new(move || Box::pin(check())))
    }
}

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthBody {
    /// `live` or `ready`.
    #[schema(example = "ready")]
    status: &'static str,
}

/// Which service this is.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionBody {
    /// The service's name.
    #[schema(example = "waymark")]
    name: &'static str,
    /// Its version, as in semantic versioning.
    #[schema(example = "1.0.0")]
    version: &'static str,
}

/// Check that the service is running
///
/// It answers as long as the process does, whatever else is broken. For the supervisor that restarts it.
#[utoipa::path(
    get, path = "/livez", tag = "service", security(()),
    responses((status = 200, description = "The process is running.", body = HealthBody), PublicProblems)
)]
pub async fn livez(_: Params<NoParams>) -> HttpResponse {
    now(&HealthBody { status: "live" })
}

/// Check that the service can work
///
/// It answers 200 when what the service depends on answers too. For the balancer that sends it requests.
#[utoipa::path(
    get, path = "/readyz", tag = "service", security(()),
    responses(
        (status = 200, description = "The service can do its work.", body = HealthBody),
        Unready,
        PublicProblems
    )
)]
pub async fn readyz(_: Params<NoParams>, readiness: Data<Readiness>) -> Result<HttpResponse, Problem> {
    let outcome = tokio::time::timeout(DEADLINE, (readiness.0)()).await;
    match outcome.unwrap_or_else(|_| Err("the check took too long".to_owned())) {
        Ok(()) => Ok(now(&HealthBody { status: "ready" })),
        Err(cause) => Err(Problem::unavailable_because(&cause)),
    }
}

/// Show which version this is
///
/// The name and the version of the service that answers.
#[utoipa::path(
    get, path = "/version", tag = "service", security(()),
    responses((status = 200, description = "The name and the version.", body = VersionBody), PublicProblems)
)]
pub async fn version(_: Params<NoParams>) -> HttpResponse {
    HttpResponse::Ok().json(VersionBody { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") })
}

/// An answer that holds for this moment only.
fn now(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store"))).json(body)
}
