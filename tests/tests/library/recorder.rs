//! An HTTP connector that keeps what goes through it.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use cos_transport::http::{HttpConnector, HttpOptions, ReqwestConnector, ResponseFuture};
use cos_transport::{Body, NetworkError};
use futures_util::TryStreamExt;

#[derive(Clone)]
pub(crate) struct Recorder {
    inner: ReqwestConnector,
    requests: Arc<Mutex<Vec<Recorded>>>,
    interlude: Arc<Mutex<Option<Interlude>>>,
    broken: Arc<AtomicBool>,
}

type Interlude = Pin<Box<dyn Future<Output = ()> + Send>>;

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorder")
    }
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
            interlude: Arc::default(),
            broken: Arc::default(),
        }
    }
}

impl Recorder {
    /// What was sent since the last call.
    pub(crate) fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// The connection breaks once, after the next request has been sent.
    pub(crate) fn break_once(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }

    /// Something that happens when one request has been answered, before the next one is sent.
    pub(crate) fn before_the_second_request(&self, interlude: impl Future<Output = ()> + Send + 'static) {
        *self.interlude.lock().unwrap() = Some(Box::pin(interlude));
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
            let is_first = {
                let mut requests = self.requests.lock().unwrap();
                requests.push(recorded);
                requests.len() == 1
            };
            let interlude = if is_first {
                None
            } else {
                self.interlude.lock().unwrap().take()
            };
            if let Some(interlude) = interlude {
                interlude.await;
            }
            if self.broken.swap(false, Ordering::SeqCst) {
                return Err(broken(std::io::Error::other("the cable was pulled")));
            }
            self.inner
                .call(http::Request::from_parts(head, Body::from(sent)))
                .await
        })
    }
}
