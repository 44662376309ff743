//! Opening: a stream of ciphertext in, authenticated plaintext out.

use std::sync::Arc;

use zeroize::Zeroize;

use super::cobblestone::OpeningKey;
use super::layout::{CHUNK_LEN, ChunkIndex, Cover, SEALED_CHUNK_LEN, TAG_LEN};
use crate::Error;

/// Opens the chunks of a [`Cover`], whatever the sizes of the pieces they arrive in.
///
/// Plaintext is given out only after its chunk was authenticated. [`Opener::finish`] says whether all of the range arrived:
/// without it a cut connection looks like a short answer.
///
/// After an error the opener gives out nothing more.
#[derive(Debug)]
pub struct Opener {
    key: Arc<OpeningKey>,
    cover: Cover,
    /// The chunk that is being received; one past the last when all are open.
    next: u64,
    received: u64,
    /// The beginning of a chunk whose rest has not arrived.
    pending: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Failed,
}

impl Opener {
    /// An opener for the bytes `cover.sealed()` of an object.
    ///
    /// The commitment must have been checked: see [`OpeningKey::commits_to`].
    #[must_use]
    pub fn new(key: Arc<OpeningKey>, cover: Cover) -> Self {
        let next = cover.first_chunk().get();
        Self {
            key,
            cover,
            next,
            received: 0,
            pending: Vec::with_capacity(SEALED_CHUNK_LEN),
            state: State::Open,
        }
    }

    /// What is being opened.
    #[must_use]
    pub fn cover(&self) -> &Cover {
        &self.cover
    }

    /// Takes ciphertext; appends the wanted plaintext of every chunk that is complete now to `out`.
    ///
    /// On an error `out` keeps what was authenticated before the damage, and nothing else.
    ///
    /// # Errors
    /// [`Error::ContentTampered`] names the plaintext range that failed; [`Error::TrailingData`] when more arrived than the
    /// range has.
    pub fn push(&mut self, mut sealed: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        if self.state == State::Failed {
            return Err(self.tampered(ChunkIndex::new(self.next)?));
        }
        self.received += sealed.len() as u64;
        while !sealed.is_empty() {
            let index = self.expected().inspect_err(|_| self.state = State::Failed)?;
            let chunk_len = self.cover.layout().chunk_plain_len(index) + TAG_LEN;
            if self.pending.is_empty() && sealed.len() >= chunk_len {
                let (chunk, rest) = sealed.split_at(chunk_len);
                self.open_into(index, chunk, out)?;
                sealed = rest;
                continue;
            }
            let take = sealed.len().min(chunk_len - self.pending.len());
            let (head, rest) = sealed.split_at(take);
            self.pending.extend_from_slice(head);
            sealed = rest;
            if self.pending.len() == chunk_len {
                let chunk = std::mem::take(&mut self.pending);
                let opened = self.open_into(index, &chunk, out);
                self.pending = chunk;
                self.pending.clear();
                opened?;
            }
        }
        Ok(())
    }

    /// Ends the read.
    ///
    /// # Errors
    /// [`Error::Truncated`] when less arrived than the range has; the failure again when the read already failed.
    pub fn finish(self) -> Result<(), Error> {
        if self.state == State::Failed {
            return Err(self.tampered(ChunkIndex::new(self.next)?));
        }
        if self.next <= self.cover.last_chunk().get() {
            let sealed = self.cover.sealed();
            return Err(Error::Truncated {
                expected: sealed.end - sealed.start,
                received: self.received,
            });
        }
        Ok(())
    }

    fn expected(&self) -> Result<ChunkIndex, Error> {
        if self.next > self.cover.last_chunk().get() {
            let sealed = self.cover.sealed();
            return Err(Error::TrailingData {
                expected: sealed.end - sealed.start,
            });
        }
        ChunkIndex::new(self.next)
    }

    /// Opens one whole chunk in place at the end of `out`, then drops what was not asked for.
    fn open_into(&mut self, index: ChunkIndex, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        out.extend_from_slice(chunk);
        if self.key.open_chunk(index, &mut out[start..]).is_err() {
            out.truncate(start);
            self.state = State::Failed;
            return Err(self.tampered(index));
        }
        out.truncate(start + chunk.len() - TAG_LEN);
        self.next += 1;
        self.trim(index, start, out);
        Ok(())
    }

    /// Cuts the chunk at `out[start..]` down to the wanted range.
    fn trim(&self, index: ChunkIndex, start: usize, out: &mut Vec<u8>) {
        let chunk_start = index.plain_start().0;
        let wanted = self.cover.plain();
        let len = out.len() - start;
        let within = |offset: u64| {
            // Clamped to the chunk, so it fits.
            usize::try_from(offset.saturating_sub(chunk_start).min(CHUNK_LEN as u64))
                .unwrap_or(CHUNK_LEN)
                .min(len)
        };
        let (keep_from, keep_to) = (within(wanted.start), within(wanted.end));
        if keep_from == 0 && keep_to == len {
            return;
        }
        out.copy_within(start + keep_from..start + keep_to, start);
        let end = start + keep_to - keep_from;
        out[end..].zeroize();
        out.truncate(end);
    }

    fn tampered(&self, index: ChunkIndex) -> Error {
        let start = index.plain_start().0;
        Error::ContentTampered {
            start,
            end: start + self.cover.layout().chunk_plain_len(index) as u64,
        }
    }
}
