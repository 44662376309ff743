//! Counts what is sent, around any HTTP client: the progress of uploads.

use std::sync::Arc;

use cos_transport::Body;
use cos_transport::http::{HttpConnector, ResponseFuture};
use futures_util::TryStreamExt as _;
use http::{Method, Request};

use super::Output;

/// A connector that tells the progress bar of the bytes of every PUT.
#[derive(Debug)]
pub(crate) struct CountSent<C> {
    inner: C,
    output: Arc<Output>,
}

impl<C> CountSent<C> {
    pub(crate) fn new(inner: C, output: Arc<Output>) -> Self {
        Self { inner, output }
    }
}

impl<C: HttpConnector> HttpConnector for CountSent<C> {
    fn call(&self, request: Request<Body>) -> ResponseFuture<'_> {
        if *request.method() != Method::PUT {
            return self.inner.call(request);
        }
        let output = Arc::clone(&self.output);
        self.inner.call(request.map(|body| {
            let len = body.len();
            let counted = body
                .into_stream()
                .inspect_ok(move |piece| output.bar().advance(piece.len()));
            Body::from_stream(len, counted)
        }))
    }
}
