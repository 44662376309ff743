//! Bodies: what is sent, with a length known beforehand, and what arrives, counted and checked.

mod arriving;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

pub use self::arriving::ByteStream;
use crate::checksum::Crc64;
use crate::transfer::FileIdentity;

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

#[cfg(test)]
mod tests;
