//! The body of a request on its way in.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::faults::{Cut, RequestDisturbance};
use crate::journal::Listener;

/// What a client sends behind the head of its request.
#[derive(Debug)]
pub(crate) struct RequestBody {
    incoming: Incoming,
    disturbance: RequestDisturbance,
    listener: Option<Listener>,
    received: u64,
    is_cut: bool,
}

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error(transparent)]
    Http(#[from] hyper::Error),
    #[error(transparent)]
    Cut(#[from] Cut),
}

impl RequestBody {
    pub(crate) fn new(
        incoming: Incoming,
        disturbance: RequestDisturbance,
        listener: Option<Listener>,
    ) -> RequestBody {
        RequestBody {
            incoming,
            disturbance,
            listener,
            received: 0,
            is_cut: false,
        }
    }

    /// Whether the connection is to be cut instead of an answer.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// What was heard, for the journal.
    pub(crate) fn take_listener(&mut self) -> Option<Listener> {
        self.listener.take()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(frame) = ready!(Pin::new(&mut self.incoming).poll_frame(context)?) else {
            return Poll::Ready(None);
        };
        let piece = match frame.into_data() {
            Ok(piece) => piece,
            Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
        };
        let offset = self.received;
        self.received += piece.len() as u64;
        if let Some(listener) = &mut self.listener {
            listener.hear(&piece);
        }
        let passed = self.disturbance.pass(piece, offset);
        self.is_cut |= passed.is_err();
        Poll::Ready(Some(Ok(Frame::data(passed?))))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
