//! The client: signs, sends, and sends again.

mod builder;
mod moving;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::response::Parts;
use http::{Method, Request, Response};

pub use self::builder::ClientBuilder;
use self::moving::{Activity, settled, watch};
use crate::body::{Body, ByteStream};
use crate::bucket::Bucket;
use crate::credentials::{Credentials, CredentialsProvider};
use crate::error::{Error, NetworkError, ServiceError, invalid};
use crate::http::HttpConnector;
use crate::name::{BucketName, Endpoint};
use crate::request::{Answer, Call, Repeat, authority};
use crate::retry::{BackupDomain, RetryPolicy};
use crate::service::ListBuckets;
use crate::sign::KeyTime;
use crate::transfer::Throttle;
use crate::wire::error::ErrorDocument;
use crate::wire::xml::MAX_DOCUMENT;

/// A signature is dated back by this much, for clocks that are a little ahead. In seconds.
const BACKDATE: u64 = 60;
/// How long a signature holds, in seconds.
const LIFETIME: u64 = 3600;
/// The longest error document that is read, in bytes.
const MAX_ERROR_DOCUMENT: usize = 64 * 1024;

/// A client of the service. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Client(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    endpoint: Endpoint,
    credentials: Arc<dyn CredentialsProvider>,
    connector: Arc<dyn HttpConnector>,
    retry: RetryPolicy,
    throttle: Option<Throttle>,
    stall_timeout: Duration,
    timeout: Option<Duration>,
    backup_domain: BackupDomain,
}

impl Client {
    /// Begins a client.
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The calls of one bucket.
    #[must_use]
    pub fn bucket(&self, name: BucketName) -> Bucket {
        Bucket::new(self.clone(), name)
    }

    /// Where requests go.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    /// When failed requests are tried again.
    #[must_use]
    pub fn retry_policy(&self) -> &RetryPolicy {
        &self.0.retry
    }

    /// Lists the account's buckets.
    pub fn list_buckets(&self) -> ListBuckets {
        ListBuckets::new(self.clone())
    }

    /// Credentials that are valid now.
    pub(crate) async fn credentials(&self) -> Result<Arc<Credentials>, Error> {
        Ok(self.0.credentials.credentials().await?)
    }

    /// Sends a request until it succeeds, is refused for good, the policy gives up, or its time is over.
    pub(crate) async fn execute(&self, call: Call) -> Result<Response<ByteStream>, Error> {
        let Some(timeout) = self.0.timeout else {
            return self.repeat(call).await;
        };
        let (host, seconds) = (authority(&call.target.url), timeout.as_secs());
        // A time beyond all clocks is none.
        let Some(deadline) = tokio::time::Instant::now().checked_add(timeout) else {
            return self.repeat(call).await;
        };
        match tokio::time::timeout_at(deadline, self.repeat(call)).await {
            Ok(answer) => Ok(answer?.map(|body| body.with_deadline(host, deadline, seconds))),
            Err(_) => Err(NetworkError::TimedOut { host, seconds }.into()),
        }
    }

    async fn repeat(&self, mut call: Call) -> Result<Response<ByteStream>, Error> {
        let mut attempts = self.0.retry.start();
        loop {
            let attempt = attempts.number();
            let again = call.body.try_clone();
            let is_repeatable = again.is_some();
            let body = std::mem::replace(&mut call.body, again.unwrap_or_else(Body::empty));
            let credentials = self.credentials().await?;
            let time = key_time(LIFETIME)?;
            let request = call.sign(&credentials, body.len(), time, &attempt_headers(attempt))?;
            drop(credentials);
            tracing::debug!(method = %call.method, host = authority(&call.target.url), attempt, "request");
            let error = match self
                .attempt(request.map(|()| body), call.answer, call.patience)
                .await
            {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) => refusal(call.method.clone(), answer).await,
                Err(error) => error,
            };
            if !is_repeatable
                || !may_repeat(&error, call.repeat)
                || !attempts.wait(&error, error.retry_after()).await
            {
                return Err(error);
            }
            if attempts.number() == self.0.retry.attempts
                && self.0.backup_domain == BackupDomain::OnLastAttempt
                && error.service().is_none_or(|error| error.request_id.is_empty())
                && let Some(backup) = call.target.backup()
            {
                tracing::info!(host = authority(&backup.url), "trying the backup domain");
                call.target = backup;
            }
        }
    }

    /// Sends a request whose answer is a document, and returns headers and document.
    pub(crate) async fn execute_document(&self, call: Call) -> Result<(HeaderMap, Bytes), Error> {
        let (head, body) = self.execute(call.expecting_document()).await?.into_parts();
        Ok((head.headers, body.collect(MAX_DOCUMENT).await?))
    }

    async fn attempt(
        &self,
        request: Request<Body>,
        kind: Answer,
        patience: Option<Duration>,
    ) -> Result<Response<ByteStream>, Error> {
        let answer = self
            .send(request, patience.unwrap_or(self.0.stall_timeout))
            .await?;
        if kind == Answer::Stream || !answer.status().is_success() {
            return Ok(answer);
        }
        let (head, body) = answer.into_parts();
        let document = match body.collect(MAX_DOCUMENT).await {
            Err(Error::InvalidInput(_)) => Err(Error::Protocol(
                "the service's answer is longer than any of its documents".into(),
            )),
            other => other,
        }?;
        match ErrorDocument::parse(&document) {
            // Some calls answer 200 at once and say only later that they failed.
            Ok(error) => Err(service_error(&head, error)),
            Err(_) => Ok(Response::from_parts(head, ByteStream::from(document))),
        }
    }

    /// Sends once. Fails when nothing moves for too long, and with the body's own error when its source fails.
    async fn send(&self, request: Request<Body>, patience: Duration) -> Result<Response<ByteStream>, Error> {
        let host = request
            .uri()
            .authority()
            .map(ToString::to_string)
            .unwrap_or_default();
        let activity = Activity::default();
        let source_error = Arc::new(Mutex::new(None));
        let (head, body) = request.into_parts();
        let body = watch(
            body,
            self.0.throttle.clone(),
            activity.clone(),
            Arc::clone(&source_error),
        );
        let request = Request::from_parts(head, settled(body).await?);
        let answer = tokio::select! {
            answer = self.0.connector.call(request) => answer,
            seconds = activity.stalled(patience) => Err(NetworkError::Stalled { host: host.clone(), seconds }),
        };
        // A body that could not be read fails the request; that, not the broken connection, is the cause.
        if let Some(error) = source_error.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(Error::Source(error));
        }
        let answer = answer?;
        tracing::debug!(status = answer.status().as_u16(), "answer");
        let throttle = self.0.throttle.clone();
        Ok(answer
            .map(|body| body.with_stall_timeout(host, patience))
            .map(|body| match throttle {
                Some(throttle) => body.throttled(throttle),
                None => body,
            }))
    }
}

fn attempt_headers(attempt: u32) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("coscrypt/", env!("CARGO_PKG_VERSION"))),
    );
    if attempt > 1 {
        headers.insert(
            HeaderName::from_static("x-cos-sdk-retry"),
            HeaderValue::from_static("true"),
        );
    }
    headers
}

/// From a little before now until `lifetime` seconds from now.
pub(crate) fn key_time(lifetime: u64) -> Result<KeyTime, Error> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|_| invalid("this computer's clock stands before 1970"))?;
    Ok(KeyTime {
        start: now.as_secs().saturating_sub(BACKDATE),
        end: now.as_secs().saturating_add(lifetime),
    })
}

fn may_repeat(error: &Error, repeat: Repeat) -> bool {
    match (repeat, error) {
        (Repeat::Idempotent, error) => error.is_retryable(),
        // The service says that it did nothing, or never heard of it.
        (Repeat::AfterRefusalOnly, Error::Service(error)) => {
            error.code == "SlowDown" || error.status == http::StatusCode::TOO_MANY_REQUESTS
        }
        (Repeat::AfterRefusalOnly, error) => matches!(error, Error::Network(NetworkError::Connect { .. })),
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        // The other form of RFC 9110: a date.
        Err(_) => httpdate::parse_http_date(value)
            .ok()?
            .duration_since(SystemTime::now())
            .ok(),
    }
}

/// Reads what the service says of a request that it refused.
async fn refusal(method: Method, answer: Response<ByteStream>) -> Error {
    let (head, body) = answer.into_parts();
    let document = match method == Method::HEAD {
        true => None,
        // An answer without a readable document still has its status.
        false => body
            .collect(MAX_ERROR_DOCUMENT)
            .await
            .ok()
            .and_then(|d| ErrorDocument::parse(&d).ok()),
    };
    service_error(&head, document.unwrap_or_default())
}

fn service_error(head: &Parts, document: ErrorDocument) -> Error {
    let header = |name: &str| {
        head.headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let or_header = |text: String, name: &str| if text.is_empty() { header(name) } else { text };
    let region = header("x-cos-bucket-region");
    Error::Service(Box::new(ServiceError {
        status: head.status,
        code: or_header(document.code, "x-cos-error-code"),
        message: document.message,
        resource: document.resource,
        request_id: or_header(document.request_id, "x-cos-request-id"),
        trace_id: or_header(document.trace_id, "x-cos-trace-id"),
        retry_after: retry_after(&head.headers),
        region_hint: Some(region).filter(|region| head.status.is_redirection() && !region.is_empty()),
        delete_marker: header("x-cos-delete-marker") == "true",
    }))
}
