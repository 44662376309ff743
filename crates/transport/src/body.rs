//! Bodies: what is sent, with a length known beforehand, and what arrives, counted and checked.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use crate::checksum::Crc64;
use crate::error::{Error, IntegrityError, NetworkError, invalid};
use crate::transfer::{FileIdentity, Throttle};

/// Pieces in which a body in memory is handed to HTTP, and in which files are read.
const PIECE: usize = 256 * 1024;

/// A stream of pieces of a body to send.
pub type SendStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// A body to send. Its length is known. One from memory, or from a file, can be sent again; one from a stream only once.
pub struct Body {
    len: u64,
    source: Source,
}

enum Source {
    Bytes(Bytes),
    Reopened(Arc<dyn Fn() -> SendStream + Send + Sync>),
    Stream(SendStream),
}

impl Body {
    /// No bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }

    /// `len` bytes out of a stream, which must end with them: one that ends early or goes on fails the request, before
    /// the last of its bytes is sent.
    #[must_use]
    pub fn from_stream(len: u64, stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self {
            len,
            source: Source::Stream(Box::pin(exactly(len, Box::pin(stream)))),
        }
    }

    /// `len` bytes out of a stream that can be opened again and again, each time with the same bytes.
    #[must_use]
    pub fn from_fn(len: u64, open: impl Fn() -> SendStream + Send + Sync + 'static) -> Self {
        let open = move || -> SendStream { Box::pin(exactly(len, open())) };
        Self {
            len,
            source: Source::Reopened(Arc::new(open)),
        }
    }

    /// The whole of a file, read while it is sent. A file that is changed meanwhile fails the request.
    ///
    /// # Errors
    /// When the file cannot be opened or is not a regular file.
    pub async fn from_file(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = Arc::new(path.as_ref().to_owned());
        let at = Arc::clone(&path);
        let identity = tokio::task::spawn_blocking(move || FileIdentity::at(&at))
            .await
            .map_err(io::Error::other)??;
        let len = identity.len;
        Ok(Self::from_fn(len, move || {
            Box::pin(read_file(Arc::clone(&path), identity.clone()))
        }))
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True for a body of no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes, when they are in memory.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&Bytes> {
        match &self.source {
            Source::Bytes(bytes) => Some(bytes),
            Source::Reopened(_) | Source::Stream(_) => None,
        }
    }

    /// The same body again, when that is possible.
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        let source = match &self.source {
            Source::Bytes(bytes) => Source::Bytes(bytes.clone()),
            Source::Reopened(open) => Source::Reopened(Arc::clone(open)),
            Source::Stream(_) => return None,
        };
        Some(Self {
            len: self.len,
            source,
        })
    }

    /// The body as a stream of pieces.
    #[must_use]
    pub fn into_stream(self) -> SendStream {
        match self.source {
            Source::Stream(stream) => stream,
            Source::Reopened(open) => open(),
            Source::Bytes(bytes) => Box::pin(stream::unfold(bytes, |mut rest| async move {
                if rest.is_empty() {
                    return None;
                }
                let piece = rest.split_to(rest.len().min(PIECE));
                Some((Ok(piece), rest))
            })),
        }
    }

    /// Counts the bytes that are sent. The CRC is complete once the request is.
    pub(crate) fn with_crc(self) -> (Self, SentCrc) {
        let Self { len, source } = self;
        match source {
            Source::Bytes(bytes) => {
                let crc = SentCrc::Known(Crc64::of(&bytes));
                (Self::from(bytes), crc)
            }
            Source::Stream(stream) => {
                let running = Arc::new(Mutex::new(Crc64::new()));
                let stream = counted(stream, Arc::clone(&running));
                (
                    Self {
                        len,
                        source: Source::Stream(stream),
                    },
                    SentCrc::Running(running),
                )
            }
            Source::Reopened(open) => {
                let running = Arc::new(Mutex::new(Crc64::new()));
                let counter = Arc::clone(&running);
                let open = move || {
                    // Each attempt counts anew.
                    *counter.lock().unwrap_or_else(PoisonError::into_inner) = Crc64::new();
                    counted(open(), Arc::clone(&counter))
                };
                (
                    Self {
                        len,
                        source: Source::Reopened(Arc::new(open)),
                    },
                    SentCrc::Running(running),
                )
            }
        }
    }

    /// In pieces of at most `size` bytes.
    pub(crate) fn in_slices(self, size: usize) -> Self {
        let len = self.len;
        let slices = move |piece: Bytes| {
            stream::unfold(piece, move |mut rest| async move {
                if rest.is_empty() {
                    return None;
                }
                let slice = rest.split_to(rest.len().min(size));
                Some((Ok(slice), rest))
            })
        };
        Self {
            len,
            source: Source::Stream(Box::pin(self.into_stream().map_ok(slices).try_flatten())),
        }
    }
}

fn counted(stream: SendStream, running: Arc<Mutex<Crc64>>) -> SendStream {
    Box::pin(stream.inspect_ok(move |piece| {
        running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .update(piece);
    }))
}

/// CRC-64 of a body on its way.
pub(crate) enum SentCrc {
    Known(u64),
    Running(Arc<Mutex<Crc64>>),
}

impl SentCrc {
    pub(crate) fn value(&self) -> u64 {
        match self {
            Self::Known(crc) => *crc,
            Self::Running(crc) => crc.lock().unwrap_or_else(PoisonError::into_inner).value(),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self {
            len: bytes.len() as u64,
            source: Source::Bytes(bytes),
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from_static(bytes).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        text.as_bytes().into()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.len)
    }
}

/// A file's bytes from where it stands, in pieces.
pub fn read_pieces(file: File) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::try_unfold((file, BytesMut::new()), |(mut file, mut buffer)| async move {
        buffer.reserve(PIECE);
        match file.read_buf(&mut buffer).await? {
            0 => Ok(None),
            _ => Ok(Some((buffer.split().freeze(), (file, buffer)))),
        }
    })
}

/// The file at `path`, in the state of `identity` from beginning to end.
fn read_file(path: Arc<PathBuf>, identity: FileIdentity) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let open = async move {
        let expected = identity.clone();
        let file = tokio::task::spawn_blocking(move || expected.open(&path))
            .await
            .map_err(io::Error::other)??;
        let again = file.try_clone()?;
        let pieces = read_pieces(File::from_std(file));
        // Looked at once more behind the last piece, which `exactly` holds back until then.
        let check = stream::once(async move {
            tokio::task::spawn_blocking(move || identity.check(&again))
                .await
                .map_err(io::Error::other)?
        });
        Ok::<_, io::Error>(pieces.chain(check.map_ok(|()| Bytes::new())))
    };
    stream::once(open).try_flatten()
}

/// Passes on exactly `len` bytes. HTTP stops asking once it has them all, so the last piece is held back until the
/// stream has ended: only then is it known that there is no more, and that nothing failed.
fn exactly(len: u64, inner: SendStream) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold(Some((inner, 0u64)), move |state| async move {
        // A stream that has ended is not asked again.
        let Some((mut inner, sent)) = state else {
            return Ok(None);
        };
        let unexpected = |kind, words: &str| {
            Err(io::Error::new(
                kind,
                format!("there are {words} than the {len} bytes that were announced"),
            ))
        };
        let mut held: Option<Bytes> = None;
        loop {
            let have = sent + held.as_ref().map_or(0, |held| held.len() as u64);
            match inner.try_next().await? {
                Some(piece) if piece.is_empty() => {}
                Some(piece) if have + piece.len() as u64 > len => {
                    return unexpected(io::ErrorKind::InvalidData, "more");
                }
                Some(piece) if have + (piece.len() as u64) < len => {
                    let sent = have + piece.len() as u64;
                    return Ok(Some((piece, Some((inner, sent)))));
                }
                Some(piece) => held = Some(piece),
                None if have < len => return unexpected(io::ErrorKind::UnexpectedEof, "fewer"),
                None => return Ok(held.map(|piece| (piece, None))),
            }
        }
    })
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn arriving(pieces: &[&'static str]) -> impl Stream<Item = Result<Bytes, Error>> + use<> {
        stream::iter(
            pieces
                .iter()
                .map(|p| Ok(Bytes::from_static(p.as_bytes())))
                .collect::<Vec<_>>(),
        )
    }

    #[tokio::test]
    async fn a_source_that_has_ended_is_not_asked_again() {
        // An `unfold` panics when it is.
        let once = stream::unfold(true, |first| async move {
            first.then(|| (Ok(Bytes::from_static(b"abc")), false))
        });
        let pieces: Vec<_> = Body::from_stream(3, once)
            .into_stream()
            .try_collect()
            .await
            .unwrap();
        assert_eq!(pieces, ["abc"]);
    }

    #[tokio::test]
    async fn a_short_or_long_body_is_an_error_not_an_end() {
        let body = ByteStream::new(Some(3), arriving(&["ab", "c"]));
        assert_eq!(body.collect(10).await.unwrap(), "abc");
        for (pieces, expected) in [(["ab", ""], 3), (["ab", "cd"], 3)] {
            let error = ByteStream::new(Some(expected), arriving(&pieces))
                .collect(10)
                .await
                .unwrap_err();
            assert!(
                matches!(error, Error::Integrity(IntegrityError::Length { .. })),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn the_stored_crc_is_compared_at_the_end() {
        let crc = Crc64::of(b"abc");
        let good = ByteStream::new(None, arriving(&["ab", "c"])).check_crc(Some(crc));
        assert_eq!(good.collect(10).await.unwrap(), "abc");
        let bad = ByteStream::new(None, arriving(&["ab", "d"])).check_crc(Some(crc));
        assert!(matches!(
            bad.collect(10).await,
            Err(Error::Integrity(IntegrityError::Download { .. }))
        ));
    }

    #[tokio::test]
    async fn memory_is_bounded() {
        assert!(
            ByteStream::new(Some(11), arriving(&[]))
                .collect(10)
                .await
                .is_err()
        );
        assert!(
            ByteStream::new(None, arriving(&["abcdef", "ghijkl"]))
                .collect(10)
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn a_source_that_changes_its_length_fails() {
        let piece = || stream::iter([Ok(Bytes::from_static(b"abcd"))]);
        for len in [3, 5] {
            let sent: Result<Vec<_>, _> = Body::from_stream(len, piece()).into_stream().try_collect().await;
            assert!(sent.unwrap_err().to_string().contains("announced"));
        }
        let (body, crc) = Body::from_stream(4, piece()).with_crc();
        let sent: Vec<_> = body.into_stream().try_collect().await.unwrap();
        assert_eq!(
            (sent.concat().as_slice(), crc.value()),
            (b"abcd".as_slice(), Crc64::of(b"abcd"))
        );
    }
}
