//! What the service measures of itself, for Prometheus: how many requests each operation had and how long they took,
//! how much of the database's connections is in use, and which version runs. An operation is named by its path with
//! placeholders; no plan, no person and no figure is in a name or a label.
//!
//! A worker looks each measure up once (`Measured`) and counts without a lock from there on.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderName, VIA};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::http::credentials::credentials_of;
use crate::http::problem::Problem;
use crate::http::problem::documented::{NoSuchThing, PublicProblems};
use crate::http::request::extract::{NoParams, Params};
use crate::http::settings::Settings;
use crate::programme::Programme;

/// Where the buckets of durations end, in seconds: from a 304 to an import, or a poll that waits.
const BUCKETS: [f64; 12] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// The methods that are distinguished; any other is `other`.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// The classes of statuses.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What is measured; shared by all workers.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    connections: IntGaugeVec,
}

impl Metrics {
    /// Nothing measured yet.
    ///
    /// # Errors
    /// If a name is none that Prometheus takes, which a test rules out.
    pub fn new() -> prometheus::Result<Self> {
        let requests = Opts::new("waymark_http_requests_total", "Requests answered.");
        let durations = HistogramOpts::new("waymark_http_request_duration_seconds", "How long answers took.");
        let connections =
            Opts::new("waymark_store_connections", "Turns at the database, by lane: in use, and as many as there are.");
        let build = Opts::new("waymark_build_info", "Always 1: which version runs.");
        let measures = Self {
            registry: Registry::new(),
            requests: IntCounterVec::new(requests, &["route", "method", "status"])?,
            durations: HistogramVec::new(durations.buckets(BUCKETS.to_vec()), &["route", "method"])?,
            connections: IntGaugeVec::new(connections, &["lane", "state"])?,
        };
        let build = IntGaugeVec::new(build, &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let all: [Box<dyn Collector>; 4] = [
            Box::new(measures.requests.clone()),
            Box::new(measures.durations.clone()),
            Box::new(measures.connections.clone()),
            Box::new(build),
        ];
        all.into_iter().try_for_each(|measure| measures.registry.register(measure))?;
        Ok(measures)
    }

    /// Counts a request by what its route noted of itself; one that was answered before it came to a route, by the path of
    /// the route that it would have come to.
    pub(in crate::http) fn count(
        &self,
        request: Option<&HttpRequest>,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        let measured = request.and_then(|request| request.extensions().get::<Rc<Measured>>().cloned());
        let measured = measured.unwrap_or_else(|| {
            let route = request.and_then(HttpRequest::match_pattern).unwrap_or_else(|| "none".to_owned());
            Rc::new(Measured::at(route))
        });
        measured.count(self, method, status, took);
    }

    /// All that is measured, in Prometheus's text format.
    fn text(&self, programme: &Programme) -> prometheus::Result<String> {
        for lane in programme.store().lanes() {
            for (state, count) in [("in_use", lane.in_use), ("all", lane.all)] {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                self.connections.with_label_values(&[lane.name, state]).set(count);
            }
        }
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

/// The measures of one route, as one worker holds them.
#[derive(Debug)]
pub(in crate::http) struct Measured {
    route: String,
    methods: [OnceCell<OfMethod>; METHODS.len() + 1],
}

#[derive(Debug)]
struct OfMethod {
    durations: Histogram,
    statuses: [OnceCell<IntCounter>; CLASSES.len()],
}

impl Measured {
    /// Those of the route with this path.
    pub(in crate::http) fn at(route: String) -> Self {
        Self { route, methods: Default::default() }
    }

    fn count(&self, metrics: &Metrics, method: &Method, status: StatusCode, took: Duration) {
        let known = METHODS.iter().position(|known| known == method);
        let (place, name) = known.map_or((METHODS.len(), "other"), |place| (place, method.as_str()));
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        let (Some(cell), Some(class_name)) = (self.methods.get(place), CLASSES.get(class)) else { return };
        let measures = cell.get_or_init(|| OfMethod {
            durations: metrics.durations.with_label_values(&[self.route.as_str(), name]),
            statuses: Default::default(),
        });
        measures.durations.observe(took.as_secs_f64());
        if let Some(counter) = measures.statuses.get(class) {
            let labels = [self.route.as_str(), name, class_name];
            counter.get_or_init(|| metrics.requests.with_label_values(&labels)).inc();
        }
    }
}

/// Whether anyone who asks may read the measures: with the token, if the deployment has one; else from this machine,
/// and not by way of a proxy, behind which anybody may be.
fn may_read(request: &HttpRequest, settings: &Settings) -> bool {
    if let Some(token) = &settings.metrics_token {
        let mut sent = request.headers().get_all(AUTHORIZATION);
        return match (sent.next(), sent.next()) {
            (Some(header), None) => credentials_of(header, "bearer").is_some_and(|sent| token.is(sent)),
            _ => false,
        };
    }
    let passed_on = [
        HeaderName::from_static("forwarded"),
        HeaderName::from_static("x-forwarded-for"),
        HeaderName::from_static("x-real-ip"),
        VIA,
    ];
    let from_here = request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    from_here && !passed_on.iter().any(|name| request.headers().contains_key(name))
}

/// Show the service's measures
///
/// Requests by operation, method and class of status, how long they took, how much of the database's connections is in
/// use, and the version, in Prometheus's text format. Unless the deployment has set a token for this, it is open to
/// anyone on the same machine, but not through a proxy; otherwise to anyone who sends that token. For anybody else
/// there is nothing here.
#[utoipa::path(
    get, path = "/metrics", tag = "service", operation_id = "get_metrics", security((), ("bearer" = [])),
    responses(
        (status = 200, description = "The measures.", content_type = "text/plain", body = String,
         example = "waymark_build_info{version=\"1.0.0\"} 1"),
        NoSuchThing, PublicProblems
    )
)]
pub async fn metrics(
    request: HttpRequest,
    settings: Data<Settings>,
    _: Params<NoParams>,
    metrics: Data<Metrics>,
    programme: Data<Programme>,
) -> Result<HttpResponse, Problem> {
    if !may_read(&request, &settings) {
        return Err(Problem::not_found());
    }
    let text = metrics.text(&programme).map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, prometheus::TEXT_FORMAT))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(text))
}
