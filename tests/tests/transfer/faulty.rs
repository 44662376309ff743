//! A network that fails when it is told to, and remembers what went through it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cos_transport::http::{HttpConnector, HttpOptions, ReqwestConnector, ResponseFuture};
use cos_transport::{Body, ByteStream, NetworkError};
use futures_util::{StreamExt, TryStreamExt};

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It never reaches the server.
    Lost,
    /// It reaches the server; the answer does not come back.
    AnswerLost,
    /// The server answers 500 instead.
    Refused,
    /// The answer's body breaks off after its first piece.
    BodyCut,
    /// A byte of the answer's body is another one.
    BodyChanged,
}

#[derive(Debug, Clone)]
pub(crate) struct Faulty {
    inner: ReqwestConnector,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    seen: Vec<(String, String)>,
    faults: HashMap<usize, Fault>,
}

impl Default for Faulty {
    fn default() -> Self {
        let inner = ReqwestConnector::new(&HttpOptions::default()).unwrap();
        Self {
            inner,
            state: Arc::default(),
        }
    }
}

impl Faulty {
    /// Has the requests with these numbers fail, counted from 0 from now on.
    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = (usize, Fault)>) {
        *self.state.lock().unwrap() = State {
            seen: Vec::new(),
            faults: faults.into_iter().collect(),
        };
    }

    /// Methods and addresses since then.
    pub(crate) fn seen(&self) -> Vec<(String, String)> {
        self.state.lock().unwrap().seen.clone()
    }
}

impl HttpConnector for Faulty {
    fn call(&self, request: http::Request<Body>) -> ResponseFuture<'_> {
        let fault = {
            let mut state = self.state.lock().unwrap();
            let number = state.seen.len();
            state
                .seen
                .push((request.method().to_string(), request.uri().to_string()));
            state.faults.get(&number).copied()
        };
        let broken = || NetworkError::Broken {
            host: "test".into(),
            reason: "on purpose".into(),
        };
        Box::pin(async move {
            match fault {
                Some(Fault::Lost) => return Err(broken()),
                Some(Fault::Refused) => {
                    let answer = http::Response::builder().status(500);
                    return Ok(answer.body(ByteStream::from(bytes::Bytes::new())).unwrap());
                }
                _ => {}
            }
            let answer = self.inner.call(request).await?;
            let expected = answer.body().expected_len();
            Ok(match fault {
                Some(Fault::AnswerLost) => return Err(broken()),
                Some(Fault::BodyCut) => answer.map(|body| {
                    let cut = futures_util::stream::once(async move { Err(broken().into()) });
                    ByteStream::new(expected, body.take(1).chain(cut))
                }),
                Some(Fault::BodyChanged) => answer.map(|body| {
                    let changed = body.map_ok(|piece| {
                        let mut piece = piece.to_vec();
                        piece[0] ^= 1;
                        piece.into()
                    });
                    ByteStream::new(expected, changed)
                }),
                _ => answer,
            })
        })
    }
}
