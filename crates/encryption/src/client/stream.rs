//! Plaintext in, ciphertext out: in pieces of 1 MiB, each read once, encrypted where it lies, and sent as it is.

use std::fs::File;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use cos_transport::SendStream;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinHandle;

use crate::Error;
use crate::legacy::ctr::CtrStream;
use crate::seal::{CHUNK_LEN, ChunkIndex, ContentKey, PartBuffer, PartPosition};

/// Chunks of plaintext in one piece: 1 MiB.
const PIECE_CHUNKS: usize = 64;
const PIECE_LEN: usize = PIECE_CHUNKS * CHUNK_LEN;

/// Encrypts one object, piece by piece, in order.
pub(super) enum Encryptor {
    Sealed { key: Arc<ContentKey>, next: ChunkIndex },
    Ctr(Box<CtrStream>),
}

impl Encryptor {
    pub(super) fn sealed(key: ContentKey) -> Self {
        Self::Sealed {
            key: Arc::new(key),
            next: ChunkIndex::FIRST,
        }
    }

    /// Fills a piece from `read`, which returns 0 at the end, and encrypts it. `Last` says that the plaintext ended.
    fn piece(
        &mut self,
        mut read: impl FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<(Bytes, PartPosition)> {
        let mut buffer = PartBuffer::new(PIECE_CHUNKS);
        let position = loop {
            if buffer.vacant().is_empty() {
                break PartPosition::Inner;
            }
            match read(buffer.vacant()) {
                Ok(0) => break PartPosition::Last,
                Ok(count) => buffer.advance(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        match self {
            Self::Sealed { key, next } => {
                let chunks = buffer.full_chunks() as u64;
                let sealed = buffer.seal(key, *next, position).map_err(io::Error::other)?;
                *next = next.advance(chunks).map_err(io::Error::other)?;
                Ok((sealed.into(), position))
            }
            Self::Ctr(keystream) => {
                let mut bytes = Vec::with_capacity(buffer.plain_len());
                buffer
                    .plaintext()
                    .for_each(|chunk| bytes.extend_from_slice(chunk));
                keystream.apply(&mut bytes);
                Ok((bytes.into(), position))
            }
        }
    }

    /// Encrypts plaintext that is in memory.
    pub(super) fn encrypt(mut self, plain: &[u8]) -> Result<Bytes, Error> {
        let mut rest = plain;
        let mut all = Vec::with_capacity(plain.len() + (plain.len() / CHUNK_LEN + 1) * crate::seal::TAG_LEN);
        loop {
            let (piece, position) = self
                .piece(|buffer| Read::read(&mut rest, buffer))
                .map_err(Error::Source)?;
            all.extend_from_slice(&piece);
            if position == PartPosition::Last {
                return Ok(all.into());
            }
        }
    }
}

/// What was true of a file when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileIdentity {
    pub(super) len: u64,
    modified: Option<SystemTime>,
}

impl FileIdentity {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a regular file",
            ));
        }
        Ok(Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}

/// Encrypts a file: the next piece is read and encrypted while the last one is sent.
///
/// The stream fails when the file is changed meanwhile, rather than store a mixture of its states.
pub(super) fn encrypt_file(file: File, identity: FileIdentity, encryptor: Encryptor) -> SendStream {
    struct State {
        file: File,
        identity: FileIdentity,
        encryptor: Encryptor,
    }
    type Pending = JoinHandle<io::Result<(State, Bytes, PartPosition)>>;

    fn next(mut state: State) -> Pending {
        tokio::task::spawn_blocking(move || {
            let State {
                file,
                identity,
                encryptor,
            } = &mut state;
            let (piece, position) = encryptor.piece(|buffer| file.read(buffer))?;
            if position == PartPosition::Last && FileIdentity::of(file)? != *identity {
                return Err(io::Error::other("the file was changed while it was read"));
            }
            Ok((state, piece, position))
        })
    }

    let first = next(State {
        file,
        identity,
        encryptor,
    });
    Box::pin(futures_util::stream::try_unfold(
        Some(first),
        |pending| async move {
            let Some(pending) = pending else { return Ok(None) };
            let (state, piece, position) = pending.await.map_err(io::Error::other)??;
            let following = (position == PartPosition::Inner).then(|| next(state));
            Ok(Some((piece, following)))
        },
    ))
}

/// Encrypts what a reader gives until it ends.
pub(super) fn encrypt_reader(reader: Pin<Box<dyn AsyncRead + Send>>, encryptor: Encryptor) -> SendStream {
    Box::pin(futures_util::stream::try_unfold(
        Some((reader, encryptor)),
        |state| async move {
            let Some((mut reader, mut encryptor)) = state else {
                return Ok(None);
            };
            let mut plain = Vec::with_capacity(PIECE_LEN);
            (&mut reader)
                .take(PIECE_LEN as u64)
                .read_to_end(&mut plain)
                .await?;
            let mut rest = plain.as_slice();
            let (piece, position) = encryptor.piece(|buffer| Read::read(&mut rest, buffer))?;
            let following = (position == PartPosition::Inner).then_some((reader, encryptor));
            Ok(Some((piece, following)))
        },
    ))
}

/// A stream of pieces as a reader.
pub(super) fn as_reader(stream: SendStream) -> Pin<Box<dyn AsyncRead + Send>> {
    Box::pin(tokio_util::io::StreamReader::new(stream))
}
