//! The app: what `serve` runs and tests drive is built here, once.

use std::error::Error;
use std::sync::Arc;

use actix_cors::Cors;
use actix_web::App;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::header::{ETAG, LINK, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::web::Data;
use utoipa_actix_web::AppExt;

use crate::http::access::oauth::{Issuer, MaybeIssuer};
use crate::http::gate::envelope::envelope;
use crate::http::gate::rate_limit::{self, Limiter};
use crate::http::gate::{authenticate, idempotency};
use crate::http::metrics::Metrics;
use crate::http::openapi::{self, Documents};
use crate::http::routes::routes;
use crate::http::service::health::Readiness;
use crate::http::settings::Settings;
use crate::http::site::entrance;
use crate::programme::Programme;
use crate::token::{MaybeProvider, Provider, Verifier};

/// What every worker shares.
#[derive(Clone)]
pub struct AppState {
    programme: Data<Programme>,
    verifier: Data<Arc<Verifier>>,
    readiness: Data<Readiness>,
    documents: Data<Documents>,
    settings: Data<Settings>,
    limiter: Data<Limiter>,
    issuer: Data<MaybeIssuer>,
    provider: Data<MaybeProvider>,
    metrics: Data<Metrics>,
}

impl AppState {
    /// The state of a service that keeps this programme and lets in whom this verifier knows.
    ///
    /// # Errors
    /// If a measure has a name that Prometheus does not take, which a test rules out.
    pub fn new(programme: Programme, verifier: Arc<Verifier>) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let store = programme.store().clone();
        let readiness = Readiness::new(move || {
            let store = store.clone();
            async move { store.ready().await.map_err(|error| error.to_string()) }
        });
        Ok(Self {
            programme: Data::new(programme),
            verifier: Data::new(verifier),
            readiness: Data::new(readiness),
            documents: Data::new(Documents::committed()),
            settings: Data::new(Settings::default()),
            limiter: Data::new(Limiter::new(None)),
            issuer: Data::new(None),
            provider: Data::new(None),
            metrics: Data::new(Metrics::new()?),
        })
    }

    /// The same, which signs tokens for partners' systems too.
    #[must_use]
    pub fn issuing(self, issuer: Arc<Issuer>) -> Self {
        Self { issuer: Data::new(Some(issuer)), ..self }
    }

    /// The same, at which people sign in with an account of their organisation too.
    #[must_use]
    pub fn with_provider(self, provider: Arc<Provider>) -> Self {
        Self { provider: Data::new(Some(provider)), ..self }
    }

    /// The programme that is served.
    pub fn programme(&self) -> &Programme {
        &self.programme
    }

    /// The same with what a deployment settles.
    #[must_use]
    pub fn with(self, settings: Settings) -> Self {
        let limiter = Data::new(Limiter::new(settings.rate_limit));
        Self { settings: Data::new(settings), limiter, ..self }
    }
}

/// The OpenAPI documents of the whole service, from what the handlers say about themselves. What is served are the committed
/// ones, which a test holds against these.
///
/// # Errors
/// If they cannot be written as JSON, which a test rules out.
pub fn documents() -> serde_json::Result<Documents> {
    let app = App::new().into_utoipa_app().openapi(openapi::base()).configure(|config| {
        for route in routes() {
            config.service(route);
        }
    });
    Documents::new(&app.split_for_parts().1)
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
        .app_data(state.settings.clone())
        .app_data(state.limiter.clone())
        .app_data(state.issuer.clone())
        .app_data(state.provider.clone())
        .app_data(state.metrics.clone())
        .configure(|config| {
            for route in routes() {
                config.service(route);
            }
        })
        .wrap(from_fn(idempotency::carry_out_once))
        .wrap(from_fn(rate_limit::count))
        .wrap(from_fn(entrance::receive))
        .wrap(from_fn(authenticate::authenticate))
        .wrap(Condition::new(!state.settings.cors_origins.is_empty(), cors(&state.settings)))
        .wrap(Compress::default())
        .wrap(from_fn(envelope))
}

/// Lets pages of the origins that are allowed, and of no others, ask from a browser.
fn cors(settings: &Settings) -> Cors {
    let cors = settings.cors_origins.iter().fold(Cors::default(), |cors, origin| cors.allowed_origin(origin));
    cors.allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allow_any_header()
        .expose_headers([ETAG, LINK, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE])
        .expose_headers(["x-request-id", "ratelimit", "ratelimit-policy", "idempotency-replayed"])
        .expose_headers(["content-disposition", "preference-applied"])
        .max_age(3600)
}
