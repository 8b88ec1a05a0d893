//! How often a caller may ask: a quota per minute, stated in `RateLimit-Policy` and `RateLimit` with every answer, and
//! 429 with `Retry-After` beyond it. Anyone who signs in has a quota of their own, as has each link; anyone who does
//! neither, or is not let in, shares that of their address. Each instance counts by itself.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, X_FORWARDED_FOR};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, ResponseError};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use ipnet::IpNet;

use crate::domain::ids::Subject;
use crate::http::problem::Problem;
use crate::http::request::caller::Caller;
use crate::http::settings::Settings;
use crate::http::settings::counts;
use crate::programme::access::credentials::CredentialId;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The window of the quota, in seconds.
const WINDOW: u32 = 60;

/// After how many requests those that have not asked lately are forgotten.
const MANY: u64 = 10_000;

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Asker {
    Subject(Subject),
    Link(CredentialId),
    Address(Option<IpAddr>),
}

impl Asker {
    /// Everyone who asks from a request's address, be it by way of a proxy.
    fn at(request: &ServiceRequest) -> Self {
        let settings = request.app_data::<Data<Settings>>();
        let proxies = settings.map_or(&[][..], |settings| &settings.trusted_proxies);
        let forwarded = request.headers().get_all(X_FORWARDED_FOR).filter_map(|value| value.to_str().ok());
        Self::Address(request.peer_addr().map(|peer| origin(peer.ip(), forwarded, proxies)))
    }
}

/// Where a request comes from: the last address on its way that is no trusted proxy's. What is before that in
/// `X-Forwarded-For` may be anyone's invention.
fn origin<'a>(peer: IpAddr, forwarded: impl Iterator<Item = &'a str>, proxies: &[IpNet]) -> IpAddr {
    let way: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut origin = peer.to_canonical();
    for before in way.into_iter().rev() {
        let is_proxy = proxies.iter().any(|network| network.contains(&origin));
        // Some name the port as well.
        let with_port = || before.parse::<SocketAddr>().map(|address| address.ip());
        let Some(address) = before.parse().or_else(|_alone| with_port()).ok().filter(|_: &IpAddr| is_proxy) else {
            break;
        };
        origin = address.to_canonical();
    }
    origin
}

type Counters = RateLimiter<Asker, DefaultKeyedStateStore<Asker>, DefaultClock, StateInformationMiddleware>;

/// The quotas in use; shared by all workers.
#[derive(Clone)]
pub struct Limiter(Option<Arc<Limits>>);

struct Limits {
    quota: NonZeroU32,
    counters: Counters,
    asked: AtomicU64,
}

impl Limiter {
    /// A limit of so many requests per minute for each caller; none without a number.
    pub fn new(a_minute: Option<NonZeroU32>) -> Self {
        Self(a_minute.map(|quota| {
            let counters = RateLimiter::keyed(Quota::per_minute(quota)).with_middleware();
            Arc::new(Limits { quota, counters, asked: AtomicU64::new(0) })
        }))
    }
}

/// Counts a request, and refuses it beyond the quota.
pub async fn count(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if !counts(request.path()) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let asker = match request.extensions().get::<Caller>() {
        // Anyone who has a link's address does not use up what its maker may ask.
        Some(Caller { link: Some(link), .. }) => Asker::Link(*link),
        Some(caller) if caller.subject.is_anyone() => Asker::at(&request),
        Some(caller) => Asker::Subject(caller.subject.subject().clone()),
        None => Asker::at(&request),
    };
    let Some(counted) = limits(&request).map(|limits| limits.count(&asker)) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let mut response = match counted.beyond() {
        None => next.call(request).await?.map_into_boxed_body(),
        Some(problem) => request.into_response(problem.error_response()),
    };
    counted.tell(response.headers_mut());
    Ok(response)
}

/// The answer to a request that is not let in. It counts as well, for its address, so that nobody tries tokens without end.
pub fn turned_away(request: ServiceRequest, problem: &Problem) -> ServiceResponse<BoxBody> {
    let counted = limits(&request).map(|limits| limits.count(&Asker::at(&request)));
    let beyond = counted.as_ref().and_then(Counted::beyond);
    let mut response = request.into_response(beyond.as_ref().unwrap_or(problem).error_response());
    if let Some(counted) = counted {
        counted.tell(response.headers_mut());
    }
    response
}

fn limits(request: &ServiceRequest) -> Option<Arc<Limits>> {
    request.app_data::<Data<Limiter>>().and_then(|limiter| limiter.0.clone())
}

/// What is left to someone after a request.
struct Counted {
    quota: u32,
    left: u32,
    /// How long to wait before there may be another, if this was one too many.
    wait: Option<Duration>,
}

impl Limits {
    fn count(&self, asker: &Asker) -> Counted {
        if self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(MANY) {
            self.counters.retain_recent();
        }
        let quota = self.quota.get();
        match self.counters.check_key(asker) {
            Ok(state) => Counted { quota, left: state.remaining_burst_capacity(), wait: None },
            Err(until) => Counted { quota, left: 0, wait: Some(until.wait_time_from(DefaultClock::default().now())) },
        }
    }
}

impl Counted {
    fn beyond(&self) -> Option<Problem> {
        self.wait.map(|wait| Problem::too_many_requests(wait.max(Duration::from_secs(1))))
    }

    /// Says how many requests there may be, how many are left, and in how many seconds all are there again.
    fn tell(&self, headers: &mut HeaderMap) {
        let Self { quota, left, .. } = *self;
        let used = u64::from(quota.saturating_sub(left));
        let reset = (used * u64::from(WINDOW)).div_ceil(u64::from(quota));
        for (name, value) in [
            (RATE_LIMIT_POLICY, format!("\"default\";q={quota};w={WINDOW}")),
            (RATE_LIMIT, format!("\"default\";r={left};t={reset}")),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_say_where_a_request_comes_from() {
        let proxies = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        for (peer, forwarded, wanted) in [
            ("203.0.113.5", vec!["198.51.100.7"], "203.0.113.5"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("10.0.0.1", vec!["198.51.100.7"], "198.51.100.7"),
            ("::ffff:10.0.0.1", vec!["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", vec!["192.0.2.1, 198.51.100.7, 10.9.9.9", "fd00::1"], "198.51.100.7"),
            ("10.0.0.1", vec!["198.51.100.7, unknown"], "10.0.0.1"),
            ("10.0.0.1", vec!["198.51.100.7, ,10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", vec!["2001:db8::1"], "2001:db8::1"),
            ("10.0.0.1", vec!["[2001:db8::1]:443, 10.0.0.3:8080"], "2001:db8::1"),
        ] {
            let found = origin(peer.parse().unwrap(), forwarded.clone().into_iter(), &proxies);
            assert_eq!(found.to_string(), wanted, "{peer} for {forwarded:?}");
        }
    }
}
