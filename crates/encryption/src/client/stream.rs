//! Plaintext in, ciphertext out: in pieces of 1 MiB, each read once, encrypted where it lies, and sent as it is.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::pin::Pin;

use bytes::Bytes;
use cos_transport::transfer::FileIdentity;
use cos_transport::{Body, SendStream};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinHandle;

use crate::Error;
use crate::keys::file::open_without_waiting;
use crate::legacy::ctr::CtrStream;
use crate::seal::{CHUNK_LEN, ChunkIndex, PartBuffer, PartPosition, SealingKey};

/// Chunks of plaintext in one piece: 1 MiB.
const PIECE_CHUNKS: usize = 64;
const PIECE_LEN: usize = PIECE_CHUNKS * CHUNK_LEN;

/// Encrypts one object, piece by piece, in order.
pub(super) enum Encryptor {
    Sealed { key: Box<SealingKey>, next: ChunkIndex },
    Ctr(Box<CtrStream>),
}

impl Encryptor {
    pub(super) fn sealed(key: SealingKey) -> Self {
        Self::Sealed {
            key: Box::new(key),
            next: ChunkIndex::FIRST,
        }
    }

    /// Fills a piece of at most so many chunks from `source` and encrypts it where it lies.
    fn piece(&mut self, chunks: usize, source: &mut impl Read) -> io::Result<Piece> {
        match self {
            Self::Sealed { key, next } => {
                let mut part = PartBuffer::new(chunks);
                let position = fill(&mut part, source)?;
                let (plain_len, full_chunks) = (part.plain_len(), part.full_chunks() as u64);
                let sealed = part.seal(key, *next, position).map_err(io::Error::other)?;
                *next = next.advance(full_chunks).map_err(io::Error::other)?;
                Ok(Piece {
                    bytes: sealed.into(),
                    plain_len,
                    position,
                })
            }
            Self::Ctr(keystream) => {
                let room = chunks * CHUNK_LEN;
                let mut bytes = Vec::with_capacity(room);
                source.take(room as u64).read_to_end(&mut bytes)?;
                keystream.apply(&mut bytes);
                let (plain_len, is_full) = (bytes.len(), bytes.len() == room);
                let position = match is_full {
                    true => PartPosition::Inner,
                    false => PartPosition::Last,
                };
                Ok(Piece {
                    bytes: bytes.into(),
                    plain_len,
                    position,
                })
            }
        }
    }

    /// Encrypts plaintext that is in memory, as one piece.
    pub(super) fn encrypt(mut self, mut plain: &[u8]) -> Result<Bytes, Error> {
        let piece = self.piece(plain.len() / CHUNK_LEN + 1, &mut plain);
        piece.map(|piece| piece.bytes).map_err(source_error)
    }
}

/// Ciphertext of one piece.
struct Piece {
    bytes: Bytes,
    /// Bytes of plaintext in it.
    plain_len: usize,
    /// [`PartPosition::Last`] when the plaintext ended in it.
    position: PartPosition,
}

fn fill(part: &mut PartBuffer, source: &mut impl Read) -> io::Result<PartPosition> {
    while !part.vacant().is_empty() {
        match source.read(part.vacant()) {
            Ok(0) => return Ok(PartPosition::Last),
            Ok(count) => part.advance(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(PartPosition::Inner)
}

/// Chunks in the next piece when so many bytes of plaintext remain: no more memory than they need, with room to see
/// that they end.
fn chunks_for(remaining: u64) -> usize {
    usize::try_from(remaining / CHUNK_LEN as u64).map_or(PIECE_CHUNKS, |full| PIECE_CHUNKS.min(full + 1))
}

/// The error of a source of plaintext, or the encryption's own, which travels through streams inside of one.
pub(super) fn source_error(error: io::Error) -> Error {
    error.downcast::<Error>().unwrap_or_else(Error::Source)
}

/// Opens a file to be encrypted; a pipe does not block.
pub(super) fn open_file(path: &Path) -> io::Result<(File, FileIdentity)> {
    let file = open_without_waiting(path)?;
    let identity = FileIdentity::of(&file)?;
    Ok((file, identity))
}

/// Encrypts a file: the next piece is read and encrypted while the last one is sent.
///
/// The stream fails when the file is changed meanwhile, rather than store a mixture of its states.
pub(super) fn encrypt_file(file: File, identity: FileIdentity, encryptor: Encryptor) -> SendStream {
    struct State {
        file: File,
        identity: FileIdentity,
        read: u64,
        encryptor: Encryptor,
    }
    type Pending = JoinHandle<io::Result<(State, Piece)>>;

    fn next(mut state: State) -> Pending {
        tokio::task::spawn_blocking(move || {
            let len = state.identity.len;
            let chunks = chunks_for(len.saturating_sub(state.read));
            let piece = state.encryptor.piece(chunks, &mut state.file)?;
            state.read += piece.plain_len as u64;
            // Before the last byte is handed out: HTTP asks for nothing more once it has the length that was announced.
            let is_all = state.read >= len || piece.position == PartPosition::Last;
            if is_all && (state.read != len || FileIdentity::of(&state.file)? != state.identity) {
                return Err(io::Error::other("the file was changed while it was read"));
            }
            Ok((state, piece))
        })
    }

    let first = next(State {
        file,
        identity,
        read: 0,
        encryptor,
    });
    Box::pin(futures_util::stream::try_unfold(
        Some(first),
        |pending| async move {
            let Some(pending) = pending else { return Ok(None) };
            let (state, piece) = pending.await.map_err(io::Error::other)??;
            let following = (piece.position == PartPosition::Inner).then(|| next(state));
            Ok(Some((piece.bytes, following)))
        },
    ))
}

/// Encrypts what a reader gives until it ends.
pub(super) fn encrypt_reader(reader: Pin<Box<dyn AsyncRead + Send>>, encryptor: Encryptor) -> SendStream {
    Box::pin(futures_util::stream::try_unfold(
        Some((reader, encryptor, Vec::new())),
        |state| async move {
            let Some((mut reader, mut encryptor, mut plain)) = state else {
                return Ok(None);
            };
            plain.clear();
            (&mut reader)
                .take(PIECE_LEN as u64)
                .read_to_end(&mut plain)
                .await?;
            let piece = encryptor.piece(chunks_for(plain.len() as u64), &mut plain.as_slice())?;
            let following = (piece.position == PartPosition::Inner).then_some((reader, encryptor, plain));
            Ok(Some((piece.bytes, following)))
        },
    ))
}

/// A stream of exactly `len` bytes as a reader; one that is shorter or longer fails.
pub(super) fn as_reader(len: u64, stream: SendStream) -> Pin<Box<dyn AsyncRead + Send>> {
    let exactly = Body::from_stream(len, stream).into_stream();
    Box::pin(tokio_util::io::StreamReader::new(exactly))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use futures_util::TryStreamExt;

    use super::*;
    use crate::secret::DataKey;

    fn encryptors() -> [Encryptor; 2] {
        let key = DataKey::generate().unwrap();
        let sealed = Encryptor::sealed(SealingKey::generate().unwrap());
        [
            sealed,
            Encryptor::Ctr(Box::new(CtrStream::new(&key, &[0; 16], 0).unwrap())),
        ]
    }

    /// HTTP stops asking once it has all bytes that were announced, so a complaint behind them would come too late.
    #[tokio::test]
    async fn a_file_that_changes_fails_before_its_last_byte_is_handed_out() {
        for len in [10, PIECE_LEN - 1, PIECE_LEN, 2 * PIECE_LEN] {
            for encryptor in encryptors() {
                let mut named = tempfile::NamedTempFile::new().unwrap();
                named.write_all(&vec![7; len]).unwrap();
                let (file, identity) = open_file(named.path()).unwrap();
                let old = std::time::SystemTime::UNIX_EPOCH;
                named.as_file().set_modified(old).unwrap();
                let sealed_len = if matches!(encryptor, Encryptor::Ctr(_)) {
                    len
                } else {
                    0
                };
                let mut stream = encrypt_file(file, identity, encryptor);
                let mut handed_out = 0;
                let error = loop {
                    match stream.try_next().await {
                        Ok(piece) => handed_out += piece.unwrap().len(),
                        Err(error) => break error,
                    }
                };
                assert!(error.to_string().contains("was changed"), "{error}");
                assert!(sealed_len == 0 || handed_out < len, "{len}: {handed_out}");
            }
        }
    }

    #[test]
    fn a_piece_takes_no_more_memory_than_its_plaintext_needs() {
        assert_eq!([0, 1, 16_383, 16_384].map(chunks_for), [1, 1, 1, 2]);
        assert_eq!(
            [PIECE_LEN as u64 - 1, PIECE_LEN as u64, u64::MAX].map(chunks_for),
            [64; 3]
        );
    }

    #[test]
    fn a_pipe_does_not_block() {
        use rustix::fs::{CWD, FileType, mknodat};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        mknodat(CWD, &path, FileType::Fifo, 0o600.into(), 0).unwrap();
        let error = open_file(&path).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
    }

    #[test]
    fn the_encryptions_own_errors_survive_a_stream() {
        let own = source_error(io::Error::other(Error::ObjectTooLong));
        assert!(matches!(own, Error::ObjectTooLong), "{own}");
        let foreign = source_error(io::Error::other("the disk is gone"));
        assert!(matches!(foreign, Error::Source(_)), "{foreign}");
    }
}
