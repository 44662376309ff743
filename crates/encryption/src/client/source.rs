//! Where plaintext comes from.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;

use bytes::Bytes;
use cos_transport::SendStream;
use futures_util::Stream;
use tokio::io::AsyncRead;

/// Plaintext to encrypt.
pub struct Source(pub(super) Kind);

pub(super) enum Kind {
    Bytes(Bytes),
    File(PathBuf),
    Stream(u64, SendStream),
    Reader(Pin<Box<dyn AsyncRead + Send>>),
}

impl Source {
    /// A file. It is opened anew, and encrypted under a new key, when an attempt to send it fails.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Kind::File(path.into()))
    }

    /// A stream of `len` bytes, in pieces of any size. It can be sent once only.
    pub fn stream(len: u64, stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self(Kind::Stream(len, Box::pin(stream)))
    }

    /// A reader that ends no one knows when, such as standard input. What it gives is encrypted into memory or, when
    /// it is longer, into an unnamed temporary file: only ciphertext reaches the disk.
    pub fn reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self(Kind::Reader(Box::pin(reader)))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Bytes(bytes) => write!(f, "Source({} bytes)", bytes.len()),
            Kind::File(path) => write!(f, "Source({})", path.display()),
            Kind::Stream(len, _) => write!(f, "Source(stream of {len} bytes)"),
            Kind::Reader(_) => f.write_str("Source(reader)"),
        }
    }
}

impl From<Bytes> for Source {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Bytes(bytes))
    }
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Source {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Source {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<&'static [u8]> for Source {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from_static(bytes).into()
    }
}
