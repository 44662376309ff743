//! One request from its head to its answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cos_transport::Credentials;
use http::{Extensions, HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use crate::auth;
use crate::clock::Clock;
use crate::error::Refusal;
use crate::handlers;
use crate::inbound::RequestBody;
use crate::request::Head;
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
    pub(crate) missing_buckets: MissingBuckets,
    /// How long it takes to restore an archived object.
    pub(crate) restore_time: Duration,
    /// Makes hyper spell header names as the service does.
    pub(crate) spelling: Extensions,
}

impl Service {
    /// Answers a request, whatever it is.
    pub(crate) async fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Infallible> {
        let since = Instant::now();
        let (parts, incoming) = request.into_parts();
        let mut body = RequestBody::new(incoming);
        let ids = Ids::new(&self.clock);
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        let host = parts
            .headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default();
        let resource = format!("{host}{path}");
        let expects_continue = parts.headers.contains_key(header::EXPECT);

        let mut response = match self.handle(parts, &mut body).await {
            Ok(response) => response,
            Err(refusal) => {
                if !expects_continue && !body.is_end_stream() {
                    drain(&mut body).await;
                }
                refused(refusal, &method, &resource, &ids)
            }
        };

        let headers = response.headers_mut();
        headers.insert(header::SERVER, HeaderValue::from_static("tencent-cos"));
        for (name, id) in [(REQUEST_ID, &ids.request), (TRACE_ID, &ids.trace)] {
            if let Ok(id) = HeaderValue::from_str(id) {
                headers.insert(name, id);
            }
        }
        *response.extensions_mut() = self.spelling.clone();
        let entry = LogEntry {
            method,
            path,
            status: response.status(),
            request_id: ids.request,
            since,
        };
        Ok(response.map(|body| body.logged(entry)))
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
