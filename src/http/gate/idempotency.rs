//! `Idempotency-Key`: a POST that comes twice is carried out once, and answered twice alike.
//!
//! The key is claimed within the transaction of the change ([`crate::programme::caller::once`]); here the request is
//! hashed as it is read, its answer is stored, and a stored answer is given again.

use std::sync::Arc;

use actix_web::body::{BodyStream, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpMessage, HttpResponse, HttpResponseBuilder};
use futures_util::stream::{self, Stream};
use futures_util::{StreamExt, TryStreamExt};
use serde_json::{Map, Value};
use tracing::Instrument;

use crate::http::problem::{Code, Problem};
use crate::http::request::caller::Caller;
use crate::http::request_id::{named, request_id};
use crate::programme::caller::once::{KeptAnswer, Once};
use crate::programme::{Principal, Programme};

/// The header that the key comes in.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The header that distinguishes an answer given again from the first one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest answer that is stored, in bytes: only an import of thousands of figures has a longer one.
const MOST_KEPT: usize = 1 << 20;

/// The headers that belong to an answer.
const KEPT_HEADERS: [HeaderName; 3] = [CONTENT_TYPE, ETAG, LOCATION];

/// Carries out a POST with an `Idempotency-Key` once.
pub async fn carry_out_once(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let caller = request.extensions().get::<Caller>().cloned();
    let sent = request.headers().get(IDEMPOTENCY_KEY).cloned();
    let (Some(caller), Some(sent), &Method::POST) = (caller, sent, request.method()) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let alone = request.headers().get_all(IDEMPOTENCY_KEY).count() == 1;
    let key = key_of(&sent).filter(|_| alone).ok_or_else(|| {
        let detail =
            "Idempotency-Key is sent once: 1 to 255 printable ASCII characters, such as a UUID, in quotes or not.";
        Problem::new(Code::MalformedRequest, detail)
    })?;
    let address = format!("{} {}", request.path(), request.query_string());
    let once = Arc::new(Once::new(key, &address));
    let subject = caller.subject.clone().asking_once(Arc::clone(&once));
    request.extensions_mut().insert(Caller { subject: subject.clone(), ..caller });
    let payload = request.take_payload();
    request.set_payload(hashed(payload, Arc::clone(&once)));
    let programme = request.app_data::<Data<Programme>>().cloned();
    // Anyone who sent it may go away; what is carried out is answered all the same, so that the answer is there when it
    // comes again.
    let work = named(request_id(), answered(request, next, once, subject, programme));
    let done = actix_web::rt::spawn(work.in_current_span()).await;
    done.unwrap_or_else(|stopped| Err(Problem::internal_because(&stopped.to_string()).into()))
}

/// The answer to a request with a key, stored if it was carried out.
async fn answered(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    once: Arc<Once>,
    subject: Principal,
    programme: Option<Data<Programme>>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?;
    if let Some(answer) = once.answered() {
        return Ok(response.into_response(replayed(answer)));
    }
    // What holds a secret is not stored.
    let secret = response.headers().get(CACHE_CONTROL).is_some_and(|value| value == "no-store");
    let (true, false, true, Some(programme)) = (once.was_claimed(), secret, response.status().is_success(), programme)
    else {
        return Ok(response.map_into_boxed_body());
    };
    let (request, response) = response.into_parts();
    let (response, body) = response.into_parts();
    let (body, whole) = read_through(body).await?;
    if let Some(whole) = whole.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()) {
        let answer = KeptAnswer {
            status: response.status().as_u16(),
            headers: headers_of(response.headers()).to_string(),
            body: whole,
        };
        if programme.keep_answer(&subject, answer).await.is_err() {
            tracing::warn!("an answer could not be stored; the same request is refused until its key is forgotten");
        }
    }
    Ok(ServiceResponse::new(request, response.set_body(body)))
}

/// The key, which may be in the quotes of a structured field.
fn key_of(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?.trim();
    let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let fits = (1..=255).contains(&bare.len()) && bare.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    fits.then(|| bare.to_owned())
}

/// A body that is hashed as it is read.
fn hashed(payload: Payload, once: Arc<Once>) -> Payload {
    let read = payload.inspect_ok(move |chunk| once.read(chunk));
    let boxed: std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(read);
    Payload::Stream { payload: boxed }
}

/// Reads a body up to what is stored: the body as it goes on its way, and all of it if it is no longer than that.
async fn read_through(body: impl MessageBody + 'static) -> Result<(BoxBody, Option<Bytes>), Error> {
    let mut body = Box::pin(body);
    let mut chunks = Box::pin(stream::poll_fn(move |context| body.as_mut().poll_next(context)));
    let mut read = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| Problem::internal_because(&error.into().to_string()))?;
        read.extend_from_slice(&chunk);
        if read.len() > MOST_KEPT {
            let first = stream::once(async { Ok(Bytes::from(read)) });
            let rest = chunks.map(|chunk| chunk.map_err(|error| -> Box<dyn std::error::Error> { error.into() }));
            return Ok((BoxBody::new(BodyStream::new(first.chain(rest))), None));
        }
    }
    let bytes = Bytes::from(read);
    Ok((BoxBody::new(bytes.clone()), Some(bytes)))
}

fn headers_of(headers: &HeaderMap) -> Value {
    let known = KEPT_HEADERS.iter().filter_map(|name| {
        let value = headers.get(name)?.to_str().ok()?;
        Some((name.to_string(), Value::from(value)))
    });
    Value::Object(known.collect())
}

/// An answer as it was given the first time.
fn replayed(answer: &KeptAnswer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponseBuilder::new(status);
    let headers: Map<String, Value> = serde_json::from_str(&answer.headers).unwrap_or_default();
    for (name, value) in &headers {
        response.insert_header((name.as_str(), value.as_str().unwrap_or_default()));
    }
    response.insert_header((REPLAYED, HeaderValue::from_static("true")));
    response.body(answer.body.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_stand_in_quotes() {
        let key = |text: &str| key_of(&HeaderValue::from_str(text).unwrap());
        assert_eq!(key("\"8e03978e-40d5\"").as_deref(), Some("8e03978e-40d5"));
        assert_eq!(key("8e03978e-40d5").as_deref(), Some("8e03978e-40d5"));
        assert_eq!(key(&"x".repeat(255)).map(|key| key.len()), Some(255));
        for bad in ["", "\"\"", &"x".repeat(256)] {
            assert_eq!(key(bad), None, "{bad}");
        }
    }
}
