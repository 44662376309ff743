//! Bodies that arrive: counted, checked, and never silently short.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use crate::checksum::Crc64;
use crate::error::{Error, IntegrityError, NetworkError, invalid};
use crate::transfer::Throttle;

/// A body that arrives, as a stream of pieces. It ends only when all announced bytes have come and their CRC, where
/// the service states one for them, is right; anything else is an error, never an early end.
pub struct ByteStream {
    inner: Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>,
    expected: Option<u64>,
    received: u64,
    crc: Option<(Crc64, u64)>,
    done: bool,
}

impl ByteStream {
    /// A stream of `expected` bytes, when the length is known.
    #[must_use]
    pub fn new(
        expected: Option<u64>,
        inner: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
    ) -> Self {
        Self {
            inner: Box::pin(inner),
            expected,
            received: 0,
            crc: None,
            done: false,
        }
    }

    /// Fails unless exactly `len` bytes arrive.
    pub(crate) fn expecting(mut self, len: u64) -> Self {
        self.expected = Some(len);
        self
    }

    /// Compares the CRC-64 of everything that arrives with `stored`.
    pub(crate) fn check_crc(mut self, stored: Option<u64>) -> Self {
        self.crc = stored.map(|stored| (Crc64::new(), stored));
        self
    }

    /// Fails when no piece comes for so long.
    pub(crate) fn with_stall_timeout(mut self, host: String, timeout: Duration) -> Self {
        let inner = self.inner;
        self.inner = Box::pin(stream::try_unfold(inner, move |mut inner| {
            let host = host.clone();
            async move {
                match tokio::time::timeout(timeout, inner.try_next()).await {
                    Ok(piece) => Ok(piece?.map(|piece| (piece, inner))),
                    Err(_) => Err(NetworkError::Stalled {
                        host,
                        seconds: timeout.as_secs(),
                    }
                    .into()),
                }
            }
        }));
        self
    }

    /// Fails when the stream is not over at `deadline`, which lies `seconds` behind the beginning of the call.
    pub(crate) fn with_deadline(mut self, host: String, deadline: Instant, seconds: u64) -> Self {
        let inner = self.inner;
        self.inner = Box::pin(stream::try_unfold(inner, move |mut inner| {
            let host = host.clone();
            async move {
                match tokio::time::timeout_at(deadline, inner.try_next()).await {
                    Ok(piece) => Ok(piece?.map(|piece| (piece, inner))),
                    Err(_) => Err(NetworkError::TimedOut { host, seconds }.into()),
                }
            }
        }));
        self
    }

    /// Hands pieces out no faster than the throttle lets it.
    pub(crate) fn throttled(mut self, throttle: Throttle) -> Self {
        self.inner = Box::pin(self.inner.and_then(move |piece| {
            let throttle = throttle.clone();
            async move {
                throttle.pass(piece.len()).await;
                Ok(piece)
            }
        }));
        self
    }

    /// Length in bytes, when the service announced it.
    #[must_use]
    pub fn expected_len(&self) -> Option<u64> {
        self.expected
    }

    /// The whole body in memory.
    ///
    /// # Errors
    /// Those of the stream, and a body of more than `limit` bytes.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, Error> {
        let too_long = || {
            invalid(format!(
                "the body has more than the {limit} bytes that are wanted in memory"
            ))
        };
        if self.expected.is_some_and(|len| len > limit as u64) {
            return Err(too_long());
        }
        let mut first: Option<Bytes> = None;
        let mut all = BytesMut::new();
        while let Some(piece) = self.try_next().await? {
            if all.len() + piece.len() + first.as_ref().map_or(0, Bytes::len) > limit {
                return Err(too_long());
            }
            // A body of one piece is not copied.
            match first.take() {
                None if all.is_empty() => first = Some(piece),
                earlier => {
                    all.extend_from_slice(earlier.as_deref().unwrap_or_default());
                    all.extend_from_slice(&piece);
                }
            }
        }
        Ok(first.unwrap_or_else(|| all.freeze()))
    }

    /// Writes the body as it arrives, and returns its length in bytes. What was written before an error is not to be
    /// trusted: only the end of the stream tells that all of it is right.
    ///
    /// # Errors
    /// Those of the stream, and [`Error::Destination`] when it cannot be written.
    pub async fn write_to(mut self, writer: &mut (impl AsyncWrite + Unpin + Send)) -> Result<u64, Error> {
        while let Some(piece) = self.try_next().await? {
            writer.write_all(&piece).await.map_err(Error::Destination)?;
        }
        writer.flush().await.map_err(Error::Destination)?;
        Ok(self.received)
    }

    fn finish(&mut self) -> Option<Result<Bytes, Error>> {
        self.done = true;
        if let Some(expected) = self.expected.filter(|expected| *expected != self.received) {
            return Some(Err(IntegrityError::Length {
                expected,
                received: self.received,
            }
            .into()));
        }
        let (received, stored) = self.crc.take().map(|(crc, stored)| (crc.value(), stored))?;
        (received != stored).then(|| Err(IntegrityError::Download { stored, received }.into()))
    }
}

impl From<Bytes> for ByteStream {
    fn from(bytes: Bytes) -> Self {
        let expected = Some(bytes.len() as u64);
        let pieces = Some(bytes).filter(|bytes| !bytes.is_empty()).map(Ok);
        Self::new(expected, stream::iter(pieces))
    }
}

impl Stream for ByteStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.done {
            return Poll::Ready(None);
        }
        match std::task::ready!(self.inner.poll_next_unpin(cx)) {
            Some(Ok(piece)) => {
                self.received += piece.len() as u64;
                if let Some(expected) = self.expected.filter(|expected| self.received > *expected) {
                    self.done = true;
                    let received = self.received;
                    return Poll::Ready(Some(Err(IntegrityError::Length { expected, received }.into())));
                }
                if let Some((crc, _)) = &mut self.crc {
                    crc.update(&piece);
                }
                Poll::Ready(Some(Ok(piece)))
            }
            Some(Err(error)) => {
                self.done = true;
                Poll::Ready(Some(Err(error)))
            }
            None => Poll::Ready(self.finish()),
        }
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ByteStream({} of {:?} bytes)", self.received, self.expected)
    }
}
