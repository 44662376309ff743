//! Decrypted bytes as they arrive.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use cos_transport::ByteStream;
use futures_util::{Stream, TryStreamExt};

use crate::Error;
use crate::legacy::ctr::CtrStream;
use crate::seal::Opener;

/// Plaintext, as a stream of pieces. From a sealed object only verified bytes come out, and the stream ends only when
/// everything that was asked for has come; anything else is an error, never an early end.
pub struct PlainStream {
    body: ByteStream,
    /// Bytes of the body that are still to be decrypted; what comes behind them was not needed.
    needed: u64,
    decryptor: Decryptor,
}

pub(super) enum Decryptor {
    Sealed(Box<Opener>),
    Ctr(Box<CtrStream>),
    Done,
}

impl PlainStream {
    pub(super) fn new(body: ByteStream, needed: u64, decryptor: Decryptor) -> Self {
        Self {
            body,
            needed,
            decryptor,
        }
    }

    pub(super) fn empty() -> Self {
        let body = ByteStream::new(Some(0), futures_util::stream::empty());
        Self::new(body, 0, Decryptor::Done)
    }

    /// All of it in memory.
    ///
    /// # Errors
    /// Those of the stream, and [`Error::TooLongForMemory`] for more than `limit` bytes.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, Error> {
        let mut all = BytesMut::new();
        while let Some(piece) = self.try_next().await? {
            if all.len() + piece.len() > limit {
                return Err(Error::TooLongForMemory { limit });
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    fn decrypt(&mut self, mut piece: Bytes) -> Result<Bytes, Error> {
        let take = usize::try_from(self.needed).map_or(piece.len(), |needed| needed.min(piece.len()));
        piece.truncate(take);
        self.needed -= take as u64;
        match &mut self.decryptor {
            Decryptor::Sealed(opener) => {
                let mut plain = Vec::with_capacity(piece.len());
                opener.push(&piece, &mut plain)?;
                Ok(plain.into())
            }
            Decryptor::Ctr(keystream) => {
                // The bytes are usually nobody else's, and then decrypted where they lie.
                let mut plain = BytesMut::from(piece);
                keystream.apply(&mut plain);
                Ok(plain.freeze())
            }
            Decryptor::Done => Ok(Bytes::new()),
        }
    }

    fn finish(&mut self) -> Result<(), Error> {
        match std::mem::replace(&mut self.decryptor, Decryptor::Done) {
            Decryptor::Sealed(opener) => opener.finish(),
            Decryptor::Ctr(_) | Decryptor::Done => Ok(()),
        }
    }
}

impl Stream for PlainStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if matches!(self.decryptor, Decryptor::Done) {
                return Poll::Ready(None);
            }
            let result = match ready!(Pin::new(&mut self.body).poll_next(cx)) {
                Some(Ok(piece)) => self.decrypt(piece),
                Some(Err(error)) => Err(error.into()),
                None => return Poll::Ready(self.finish().err().map(Err)),
            };
            match result {
                // Less than a chunk has come so far.
                Ok(plain) if plain.is_empty() => {}
                Ok(plain) => return Poll::Ready(Some(Ok(plain))),
                Err(error) => {
                    self.decryptor = Decryptor::Done;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

impl fmt::Debug for PlainStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlainStream({:?})", self.body)
    }
}
