//! The joint to an HTTP client, and the one that is used unless another is given: reqwest.

mod options;

use std::error::Error as _;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use futures_util::TryStreamExt;
use http::{Request, Response};
use url::Url;

use crate::body::{Body, ByteStream};
use crate::error::{Error, NetworkError, invalid};
use crate::request::authority;

pub use options::{CertificateBundle, HttpOptions, ProxyChoice, ProxyUrl, Trust};

/// A future that a connector returns.
pub type ResponseFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Response<ByteStream>, NetworkError>> + Send + 'a>>;

/// Sends one HTTP/1.1 request and returns the head of its answer, the body following as a stream.
///
/// A connector must not follow redirects, must not decompress, and must send the headers as they are.
pub trait HttpConnector: Send + Sync + fmt::Debug {
    /// Sends `request`.
    fn call(&self, request: Request<Body>) -> ResponseFuture<'_>;
}

/// reqwest over rustls.
#[derive(Debug, Clone)]
pub struct ReqwestConnector(reqwest::Client);

impl ReqwestConnector {
    /// A connector with a connection pool of its own.
    ///
    /// # Errors
    /// When TLS cannot be set up, as without any root certificates or with impossible ones.
    pub fn new(options: &HttpOptions) -> Result<Self, Error> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .tcp_nodelay(true)
            .connect_timeout(options.connect_timeout)
            .pool_idle_timeout(options.idle_timeout)
            .pool_max_idle_per_host(options.max_idle_per_host);
        let refuse = |error| invalid(format!("HTTPS cannot be set up: {}", root_cause(&error)));
        builder = match &options.proxy {
            ProxyChoice::FromEnvironment => builder,
            ProxyChoice::Explicit(proxy) => {
                builder.proxy(reqwest::Proxy::all(proxy.as_url().clone()).map_err(refuse)?)
            }
            ProxyChoice::None => builder.no_proxy(),
        };
        builder = match &options.trust {
            Trust::System => builder,
            Trust::SystemAnd(bundle) => builder.tls_certs_merge(bundle.certificates()?),
            Trust::Only(bundle) => builder.tls_certs_only(bundle.certificates()?),
        };
        builder.build().map(Self).map_err(refuse)
    }
}

impl HttpConnector for ReqwestConnector {
    fn call(&self, request: Request<Body>) -> ResponseFuture<'_> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let url = Url::parse(&parts.uri.to_string()).map_err(|error| NetworkError::Connect {
                host: parts.uri.to_string(),
                reason: error.to_string(),
            })?;
            let host = authority(&url);
            let mut request = reqwest::Request::new(parts.method, url);
            *request.headers_mut() = parts.headers;
            *request.body_mut() = Some(match body.is_empty() {
                true => reqwest::Body::from(bytes::Bytes::new()),
                false => reqwest::Body::wrap_stream(body.into_stream()),
            });
            let answer = self
                .0
                .execute(request)
                .await
                .map_err(|error| describe(&host, &error))?;
            let mut head = Response::builder().status(answer.status());
            if let Some(headers) = head.headers_mut() {
                headers.clone_from(answer.headers());
            }
            let expected = answer.content_length();
            let stream = answer
                .bytes_stream()
                .map_err(move |error| describe(&host, &error).into());
            head.body(ByteStream::new(expected, stream))
                .map_err(|error| NetworkError::Broken {
                    host: String::new(),
                    reason: error.to_string(),
                })
        })
    }
}

fn describe(host: &str, error: &reqwest::Error) -> NetworkError {
    let (host, reason) = (host.to_owned(), root_cause(error));
    match error.is_connect() {
        true => NetworkError::Connect { host, reason },
        false => NetworkError::Broken { host, reason },
    }
}

/// The lowest cause says what happened; what lies above only says where. It never holds a URL.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut reason = String::from("the request failed");
    while let Some(error) = cause {
        reason = error.to_string();
        cause = error.source();
    }
    reason
}
