//! Answers: their bodies, and what all of them have in common.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use cos_transport::wire::xml::Element;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use http::{HeaderValue, Method, Response, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};

use crate::faults::{AnswerDisturbance, Cut};
use crate::journal::Ticket;
use crate::store::{BodyReader, StoreError};

/// The body of an answer. When it is sent, or given up, the access log gets its line.
pub(crate) struct ResponseBody {
    content: Content,
    disturbance: Option<Box<AnswerDisturbance>>,
    sent: u64,
    log: Option<LogEntry>,
    /// Ends the exchange in the journal when it is dropped.
    ticket: Option<Ticket>,
}

/// Why an answer is cut short.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Cut(#[from] Cut),
}

enum Content {
    Bytes(Bytes),
    Pieces(Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>),
}

impl ResponseBody {
    pub(crate) fn empty() -> ResponseBody {
        ResponseBody::bytes(Bytes::new())
    }

    pub(crate) fn bytes(bytes: Bytes) -> ResponseBody {
        ResponseBody::of(Content::Bytes(bytes))
    }

    /// A body read from the store while it is sent.
    pub(crate) fn object(reader: BodyReader) -> ResponseBody {
        let pieces = try_unfold(reader, |mut reader| async move {
            Ok(reader.next().await?.map(|piece| (piece, reader)))
        });
        ResponseBody::stream(pieces)
    }

    /// A body that comes piece by piece.
    pub(crate) fn stream(
        pieces: impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static,
    ) -> ResponseBody {
        ResponseBody::of(Content::Pieces(Box::pin(pieces)))
    }

    fn of(content: Content) -> ResponseBody {
        ResponseBody {
            content,
            disturbance: None,
            sent: 0,
            log: None,
            ticket: None,
        }
    }

    /// Goes wrong on the way.
    pub(crate) fn disturbed(mut self, disturbance: Option<AnswerDisturbance>) -> ResponseBody {
        self.disturbance = disturbance.map(Box::new);
        self
    }

    /// The exchange is over when the body is.
    pub(crate) fn journaled(mut self, ticket: Option<Ticket>) -> ResponseBody {
        self.ticket = ticket;
        self
    }

    pub(crate) fn logged(mut self, entry: LogEntry) -> ResponseBody {
        self.log = Some(entry);
        self
    }
}

impl Content {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, AnswerError>>> {
        match self {
            Content::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Bytes(bytes) => Poll::Ready(Some(Ok(std::mem::take(bytes)))),
            Content::Pieces(pieces) => pieces
                .as_mut()
                .poll_next(context)
                .map(|piece| piece.map(|piece| piece.map_err(AnswerError::Store))),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = AnswerError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        let ResponseBody {
            content, disturbance, ..
        } = &mut *self;
        let next = match disturbance {
            None => std::task::ready!(content.poll(context)),
            Some(disturbance) => {
                std::task::ready!(disturbance.poll(context, |context| content.poll(context)))
            }
        };
        Poll::Ready(next.map(|piece| {
            let piece = piece.inspect_err(|error| tracing::error!(%error, "an answer was cut short"))?;
            self.sent += piece.len() as u64;
            Ok(Frame::data(piece))
        }))
    }

    fn is_end_stream(&self) -> bool {
        let is_idle = self
            .disturbance
            .as_ref()
            .is_none_or(|disturbance| disturbance.is_idle());
        is_idle && matches!(&self.content, Content::Bytes(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            // Asked for at the beginning, when nothing is held back yet.
            Content::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Pieces(_) => SizeHint::default(),
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if let Some(entry) = self.log.take() {
            entry.write(self.sent);
        }
    }
}

/// A line of the access log. It never holds a query or a header: signatures and tokens are in them.
#[derive(Debug)]
pub(crate) struct LogEntry {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) status: StatusCode,
    pub(crate) request_id: String,
    pub(crate) since: Instant,
}

impl LogEntry {
    fn write(self, bytes: u64) {
        let LogEntry {
            method,
            path,
            status,
            request_id,
            since,
        } = self;
        let (status, duration) = (status.as_u16(), since.elapsed());
        tracing::info!(target: "cos_local::access", %method, ?path, status, bytes, ?duration, request_id);
    }
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = status;
    response
}

/// An XML document.
pub(crate) fn xml(element: &Element) -> Response<ResponseBody> {
    xml_text(StatusCode::OK, element.to_document())
}

pub(crate) fn xml_text(status: StatusCode, document: String) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::bytes(document.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}
