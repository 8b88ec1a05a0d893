//! Asking the service, and judging what it answers.

use std::cell::RefCell;
use std::fmt;
use std::future::IntoFuture;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

use actix_web::HttpResponse;
use actix_web::body::to_bytes;
use actix_web::dev::Service;
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Bytes;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use waymark::http::{AppState, configure};

use super::document;
use super::{Actor, XLSX};

type Answering = LocalBoxFuture<'static, HttpResponse>;

/// One instance of the service, to be asked.
pub(crate) struct Door {
    call: Box<dyn Fn(TestRequest) -> Answering>,
    /// The plan that paths without a leading slash are in.
    plan: RefCell<String>,
}

impl Door {
    pub(crate) async fn to(state: &AppState) -> Self {
        let service = Rc::new(init_service(configure(state)).await);
        let call = move |request: TestRequest| -> Answering {
            let service = Rc::clone(&service);
            async move {
                match service.call(request.to_request()).await {
                    Ok(response) => response.into_parts().1.map_into_boxed_body(),
                    Err(error) => error.error_response(),
                }
            }
            .boxed_local()
        };
        Self { call: Box::new(call), plan: RefCell::new("small".to_owned()) }
    }

    /// Makes a plan the one that paths are in.
    pub(crate) fn enter(&self, plan: &str) {
        plan.clone_into(&mut self.plan.borrow_mut());
    }

    /// The plan that paths are in.
    pub(crate) fn plan(&self) -> String {
        self.plan.borrow().clone()
    }

    /// Prepares a request; a path without a leading slash is in the plan.
    pub(crate) fn ask(&self, method: Method, actor: Actor, path: &str) -> Ask<'_> {
        let uri = match path {
            "" => format!("/v1/plans/{}", self.plan.borrow()),
            _ if path.starts_with('/') => path.to_owned(),
            _ if path.starts_with('?') || path.starts_with('.') => format!("/v1/plans/{}{path}", self.plan.borrow()),
            _ => format!("/v1/plans/{}/{path}", self.plan.borrow()),
        };
        let ask = Ask { door: self, method, uri, headers: Vec::new(), body: Bytes::new(), peer: HERE };
        match actor.token() {
            Some(token) => ask.header(AUTHORIZATION.as_str(), &format!("Bearer {token}")),
            None => ask,
        }
    }

    pub(crate) fn get(&self, actor: Actor, path: &str) -> Ask<'_> {
        self.ask(Method::GET, actor, path)
    }

    pub(crate) fn post(&self, actor: Actor, path: &str, body: Value) -> Ask<'_> {
        self.ask(Method::POST, actor, path).json(body)
    }

    pub(crate) fn put(&self, actor: Actor, path: &str, body: Value) -> Ask<'_> {
        self.ask(Method::PUT, actor, path).json(body)
    }

    /// A merge patch of the state with this tag.
    pub(crate) fn patch(&self, actor: Actor, path: &str, tag: &str, body: Value) -> Ask<'_> {
        self.ask(Method::PATCH, actor, path).header("if-match", tag).merge(body)
    }

    /// A removal of the state with this tag.
    pub(crate) fn delete(&self, actor: Actor, path: &str, tag: &str) -> Ask<'_> {
        self.ask(Method::DELETE, actor, path).header("if-match", tag)
    }

    /// Sends a file.
    pub(crate) fn import(&self, actor: Actor, path: &str, file: impl Into<Bytes>) -> Ask<'_> {
        self.ask(Method::POST, actor, path).body("text/csv", file)
    }
}

/// Where requests come from unless a test says otherwise: the machine that serves.
const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 40_000);

/// A request on its way; `.await` sends it.
pub(crate) struct Ask<'a> {
    door: &'a Door,
    method: Method,
    uri: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    peer: SocketAddr,
}

impl Ask<'_> {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        self.headers.push((name.parse().unwrap(), value));
        self
    }

    /// Sends it from another machine.
    pub(crate) fn from(mut self, address: &str) -> Self {
        self.peer = SocketAddr::new(address.parse().unwrap(), 40_000);
        self
    }

    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    pub(crate) fn json(self, body: Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn merge(self, body: Value) -> Self {
        self.body("application/merge-patch+json", body.to_string())
    }

    async fn send(self) -> Answer {
        let mut request = TestRequest::with_uri(&self.uri).method(self.method.clone()).peer_addr(self.peer);
        for header in &self.headers {
            request = request.append_header(header.clone());
        }
        if !self.body.is_empty() {
            request = request.set_payload(self.body);
        }
        let response = (self.door.call)(request).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = to_bytes(response.into_body()).await.unwrap_or_else(|error| panic!("{}: {error}", self.uri));
        let answer = Answer { asked: format!("{} {}", self.method, self.uri), status, headers, body };
        answer.is_well_formed();
        document::check(&self.method, &self.uri, &answer);
        answer
    }
}

impl<'a> IntoFuture for Ask<'a> {
    type Output = Answer;
    type IntoFuture = LocalBoxFuture<'a, Answer>;

    fn into_future(self) -> Self::IntoFuture {
        self.send().boxed_local()
    }
}

/// What the service answered.
pub(crate) struct Answer {
    asked: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} -> {}\n{}", self.asked, self.status, body.chars().take(3000).collect::<String>())
    }
}

impl Answer {
    /// What holds for every answer whatever was asked.
    fn is_well_formed(&self) {
        assert!(self.status < 500, "no input yields a 5xx: {self}");
        let id = self.header("x-request-id").unwrap_or_else(|| panic!("no X-Request-Id: {self}"));
        // Whoever would rather have a workbook gets their own back with its mistakes marked.
        if self.status < 400 || self.status == 422 && self.header("content-type") == Some(XLSX) {
            return;
        }
        // People read what went wrong on a page.
        if self.header("content-type").is_some_and(|media| media.starts_with("text/html")) {
            return;
        }
        // OAuth's clients read its errors in JSON; the members are a problem's all the same.
        let media = if self.asked.ends_with("/oauth/token") && self.json()["error"].is_string() {
            "application/json"
        } else {
            "application/problem+json"
        };
        assert_eq!(self.header("content-type"), Some(media), "{self}");
        if self.asked.starts_with("HEAD") {
            return;
        }
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{self}");
        assert_eq!(problem["instance"], format!("urn:request:{}", id.replace('/', "%2F")), "{self}");
        assert_eq!(problem["type"], format!("/problems/{}", problem["code"].as_str().unwrap()), "{self}");
        let faults = problem["errors"].as_array().into_iter().flatten();
        for detail in faults.map(|fault| &fault["detail"]).chain([&problem["detail"]]).filter_map(Value::as_str) {
            let found = crate::words::of_a_programmer(detail);
            assert_eq!(found, None, "words of a programmer: {detail}\n{self}");
        }
        for text in ["title", "detail"] {
            assert!(problem[text].as_str().is_some_and(|text| text.len() > 10), "{self}");
        }
        for fault in problem["errors"].as_array().unwrap_or_else(|| panic!("no errors: {self}")) {
            let placed = !fault["pointer"].is_null() || !fault["row"].is_null() || !fault["column"].is_null();
            assert!(placed && fault["detail"].as_str().is_some_and(|detail| detail.len() > 5), "{self}");
        }
    }

    /// The answer, which must have this status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// The answer, which must be a problem with this status and code.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{self}");
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    #[track_caller]
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    /// The text, an answer in CSV, as one map a row.
    #[track_caller]
    pub(crate) fn rows(&self) -> Vec<std::collections::BTreeMap<String, String>> {
        csv::Reader::from_reader(&*self.body).deserialize().collect::<Result<_, _>>().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The media type, without parameters.
    pub(crate) fn media_type(&self) -> &str {
        self.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn tag(&self) -> String {
        self.header("etag").unwrap_or_else(|| panic!("no ETag: {self}")).to_owned()
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Everything that is wrong in a JSON body or a query: where, and what.
    #[track_caller]
    pub(crate) fn faults(&self) -> Vec<(String, String)> {
        let place =
            |fault: &Value| fault["pointer"].as_str().or(fault["column"].as_str()).unwrap_or_default().to_owned();
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|fault| (place(fault), fault["code"].as_str().unwrap().to_owned())).collect()
    }

    /// Everything that is wrong in a file: row, column, what.
    #[track_caller]
    pub(crate) fn cells(&self) -> Vec<(u64, String, String)> {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        errors
            .iter()
            .map(|fault| (fault["row"].as_u64().unwrap(), text(&fault["column"]), text(&fault["code"])))
            .collect()
    }

    /// Whether some fault's detail has these words.
    #[track_caller]
    pub(crate) fn tells(self, words: &str) -> Self {
        let problem = self.json();
        let mut details: Vec<&Value> =
            problem["errors"].as_array().into_iter().flatten().map(|e| &e["detail"]).collect();
        details.push(&problem["detail"]);
        assert!(details.iter().any(|detail| detail.as_str().unwrap().contains(words)), "not `{words}`: {self}");
        self
    }
}
