//! One request from its head to its answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cos_transport::Credentials;
use cos_transport::wire::error::ErrorDocument;
use http::{Extensions, HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use crate::auth;
use crate::clock::Clock;
use crate::error::Refusal;
use crate::faults::{Cut, Faults, Instead, Plan};
use crate::handlers;
use crate::inbound::RequestBody;
use crate::journal::{Journal, Ticket};
use crate::request::{Head, Line};
use crate::response::{self, LogEntry, ResponseBody};
use crate::router::route;
use crate::store::{MissingBuckets, Store};

/// After a refusal at most so much of an unread body is read, so that a client that is still sending sees the answer.
const DRAIN_MAX: usize = 16 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(5);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-cos-request-id");
const TRACE_ID: HeaderName = HeaderName::from_static("x-cos-trace-id");

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) store: Arc<Store>,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) clock: Clock,
    pub(crate) faults: Option<Faults>,
    pub(crate) journal: Option<Journal>,
    pub(crate) missing_buckets: MissingBuckets,
    /// How long it takes to restore an archived object.
    pub(crate) restore_time: Duration,
    /// Makes hyper spell header names as the service does.
    pub(crate) spelling: Extensions,
}

impl Service {
    /// Answers a request, whatever it is.
    ///
    /// # Errors
    /// When the connection is to be cut by a fault on purpose.
    pub(crate) async fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Cut> {
        let since = Instant::now();
        let (parts, incoming) = request.into_parts();
        let line = Line::of(&parts);
        let ticket = self
            .journal
            .as_ref()
            .map(|journal| journal.begin(&line, &parts.headers));
        let plan = self
            .faults
            .as_ref()
            .map(|faults| faults.plan(&line))
            .unwrap_or_default();
        let listener = ticket.as_ref().map(Ticket::listener);
        let mut body = RequestBody::new(incoming, plan.on_request(), listener);
        let ids = Ids::new(&self.clock);
        let path = parts.uri.path().to_owned();

        let answered = self.answer(parts, &mut body, &plan, &ids).await;
        if let (Some(ticket), Some(listener)) = (&ticket, body.take_listener()) {
            ticket.note(listener, answered.as_ref().ok().map(Response::status));
        }
        let mut response = answered?;
        let headers = response.headers_mut();
        headers.insert(header::SERVER, HeaderValue::from_static("tencent-cos"));
        for (name, id) in [(REQUEST_ID, &ids.request), (TRACE_ID, &ids.trace)] {
            if let Ok(id) = HeaderValue::from_str(id) {
                headers.insert(name, id);
            }
        }
        plan.change_headers(headers);
        *response.extensions_mut() = self.spelling.clone();
        let entry = LogEntry {
            method: line.method,
            path,
            status: response.status(),
            request_id: ids.request,
            since,
        };
        let disturbance = plan.on_answer();
        Ok(response.map(|body| body.disturbed(disturbance).logged(entry).journaled(ticket)))
    }

    async fn answer(
        &self,
        parts: http::request::Parts,
        body: &mut RequestBody,
        plan: &Plan,
        ids: &Ids,
    ) -> Result<Response<ResponseBody>, Cut> {
        let method = parts.method.clone();
        let host = parts
            .headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default();
        let resource = format!("{host}{}", parts.uri.path());
        let expects_continue = parts.headers.contains_key(header::EXPECT);

        if plan.delay() > Duration::ZERO {
            tokio::time::sleep(plan.delay()).await;
        }
        let response = match plan.instead() {
            Some(instead) => on_purpose(instead, &resource, ids),
            None => {
                let handled = self.handle(parts, body).await;
                handled.unwrap_or_else(|refusal| refused(refusal, &method, &resource, ids))
            }
        };
        if body.is_cut() || plan.drops_answer() {
            return Err(Cut);
        }
        if !expects_continue && !body.is_end_stream() {
            drain(body).await;
        }
        Ok(response)
    }

    async fn handle(
        &self,
        parts: http::request::Parts,
        body: &mut RequestBody,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let head = Head::parse(parts)?;
        let requester = auth::check(&head, &self.credentials, self.clock.now())?;
        let operation = route(&head)?;
        handlers::run(self, &head, operation, requester, body).await
    }
}

fn refused(refusal: Refusal, method: &Method, resource: &str, ids: &Ids) -> Response<ResponseBody> {
    let status = refusal.code.status();
    let mut response = if method == Method::HEAD {
        response::empty(status)
    } else {
        response::xml_text(status, refusal.document(resource, &ids.request, &ids.trace))
    };
    response.headers_mut().extend(refusal.headers);
    response
}

/// The error that a test asked for.
fn on_purpose(instead: Instead, resource: &str, ids: &Ids) -> Response<ResponseBody> {
    let document = ErrorDocument {
        code: instead.code,
        message: "This error was made on purpose.".to_owned(),
        resource: resource.to_owned(),
        request_id: ids.request.clone(),
        trace_id: ids.trace.clone(),
    };
    let mut response = response::xml_text(instead.status, document.to_element().to_document());
    if let Some(wait) = instead.retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, wait.as_secs().into());
    }
    response
}

async fn drain(body: &mut RequestBody) {
    let read = async {
        let mut total = 0;
        while let Some(Ok(frame)) = body.frame().await {
            total += frame.data_ref().map_or(0, bytes::Bytes::len);
            if total > DRAIN_MAX {
                break;
            }
        }
    };
    // Whether it ended or not, the answer is sent now.
    let _ = tokio::time::timeout(DRAIN_TIME, read).await;
}

/// The names that an answer is given, in the shape of the service's own.
struct Ids {
    request: String,
    trace: String,
}

impl Ids {
    fn new(clock: &Clock) -> Ids {
        let seconds = clock.now().seconds();
        let (server, process): (u32, u16) = (rand::random(), rand::random());
        let request = BASE64.encode(format!(
            "{seconds:x}_{server:08x}_{process:04x}_{:06x}",
            rand::random::<u32>() >> 8
        ));
        let trace = BASE64.encode(rand::random::<[u8; 48]>());
        Ids { request, trace }
    }
}
