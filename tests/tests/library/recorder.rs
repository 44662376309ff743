//! An HTTP connector that keeps what goes through it.

use std::sync::{Arc, Mutex};

use cos_transport::http::{HttpConnector, HttpOptions, ReqwestConnector, ResponseFuture};
use cos_transport::{Body, NetworkError};
use futures_util::TryStreamExt;

#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    inner: ReqwestConnector,
    requests: Arc<Mutex<Vec<Recorded>>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Default for Recorder {
    fn default() -> Self {
        let inner = ReqwestConnector::new(&HttpOptions::default()).unwrap();
        Self {
            inner,
            requests: Arc::default(),
        }
    }
}

impl Recorder {
    /// What was sent since the last call.
    pub(crate) fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

impl HttpConnector for Recorder {
    fn call(&self, request: http::Request<Body>) -> ResponseFuture<'_> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let broken = |reason: std::io::Error| NetworkError::Broken {
                host: String::new(),
                reason: reason.to_string(),
            };
            let sent: Vec<_> = body.into_stream().try_collect().await.map_err(broken)?;
            let sent = sent.concat();
            let headers = head
                .headers
                .iter()
                .map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned()));
            let recorded = Recorded {
                method: head.method.to_string(),
                headers: headers.collect(),
                body: sent.clone(),
            };
            self.requests.lock().unwrap().push(recorded);
            self.inner
                .call(http::Request::from_parts(head, Body::from(sent)))
                .await
        })
    }
}
