//! The app: what `serve` runs and tests drive is built here, once.

use std::sync::Arc;

use actix_web::App;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use utoipa_actix_web::AppExt;

use super::auth;
use super::health::Readiness;
use super::middleware::envelope;
use super::openapi::{self, Documents};
use super::routes::mount;
use crate::programme::Programme;
use crate::token::Verifier;

/// What every worker shares.
#[derive(Clone)]
pub struct AppState {
    programme: Data<Programme>,
    verifier: Data<Arc<Verifier>>,
    readiness: Data<Readiness>,
    documents: Data<Documents>,
}

impl AppState {
    /// The state of a service that keeps this programme and lets in whom this verifier knows.
    ///
    /// # Errors
    /// Where the documents cannot be written as JSON, which a test rules out.
    pub fn new(programme: Programme, verifier: Arc<Verifier>) -> serde_json::Result<Self> {
        let store = programme.store().clone();
        let readiness = Readiness::new(move || {
            let store = store.clone();
            async move { store.ready().await.map_err(|error| error.to_string()) }
        });
        Ok(Self {
            programme: Data::new(programme),
            verifier: Data::new(verifier),
            readiness: Data::new(readiness),
            documents: Data::new(documents()?),
        })
    }
}

/// The OpenAPI documents of the whole service.
///
/// # Errors
/// Where they cannot be written as JSON, which a test rules out.
pub fn documents() -> serde_json::Result<Documents> {
    let (_, api) = App::new().into_utoipa_app().openapi(openapi::base()).configure(mount).split_for_parts();
    Documents::new(&api)
}

/// Builds the app, the same for `serve` and for tests.
pub fn configure(
    state: &AppState,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    App::new()
        .app_data(state.programme.clone())
        .app_data(state.verifier.clone())
        .app_data(state.readiness.clone())
        .app_data(state.documents.clone())
        .into_utoipa_app()
        .configure(mount)
        .into_app()
        .wrap(from_fn(auth::authenticate))
        .wrap(from_fn(envelope))
}
