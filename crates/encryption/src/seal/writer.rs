//! Sealing: a stream ([`Sealer`]) or a part buffer in place ([`PartBuffer`]). Both give the same ciphertext.

use super::cobblestone::SealingKey;
use super::layout::{CHUNK_LEN, ChunkIndex, SEALED_CHUNK_LEN, TAG_LEN};
use crate::Error;

/// Seals a stream of plaintext, whatever the sizes of its pieces.
///
/// [`Sealer::finish`] writes the last chunk. Without it the object has an illegal length and never opens.
#[derive(Debug)]
pub struct Sealer {
    key: SealingKey,
    next: u64,
    pending: Vec<u8>,
}

impl Sealer {
    /// A sealer at the start of an object, which takes the object's key: nothing else can be sealed with it.
    #[must_use]
    pub fn new(key: SealingKey) -> Self {
        Self {
            key,
            next: 0,
            pending: Vec::with_capacity(CHUNK_LEN),
        }
    }

    /// Takes plaintext; appends the chunks that are complete now to `out`.
    ///
    /// # Errors
    /// [`Error::ObjectTooLong`] past the format's limit; [`Error::Crypto`] when the cryptographic library fails.
    pub fn push(&mut self, mut plain: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        while self.pending.len() + plain.len() >= CHUNK_LEN {
            let (head, rest) = plain.split_at(CHUNK_LEN - self.pending.len());
            self.seal_next(head, out)?;
            plain = rest;
        }
        self.pending.extend_from_slice(plain);
        Ok(())
    }

    /// Seals the last chunk, which is shorter than the others and may be empty, and appends it to `out`.
    ///
    /// # Errors
    /// As [`Sealer::push`].
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.seal_next(&[], out)
    }

    /// Seals the pending bytes and `tail` as one chunk, in place at the end of `out`.
    fn seal_next(&mut self, tail: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let index = ChunkIndex::new(self.next)?;
        let start = out.len();
        out.reserve(self.pending.len() + tail.len() + TAG_LEN);
        out.extend_from_slice(&self.pending);
        out.extend_from_slice(tail);
        let tag = self
            .key
            .seal_chunk(index, &mut out[start..])
            .inspect_err(|_| out.truncate(start))?;
        out.extend_from_slice(&tag);
        self.pending.clear();
        self.next += 1;
        Ok(())
    }
}

/// Where a part stands in its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartPosition {
    /// Another part follows: this one holds whole chunks only.
    Inner,
    /// The last part, or the only one: it ends with the short chunk.
    Last,
}

/// A part that is read straight into the sealed layout and encrypted where it lies.
///
/// Chunk k's plaintext goes to offset k × 16 400; the 16 bytes after it wait for its tag.
///
/// ```
/// # use cos_encryption::seal::*;
/// # fn main() -> Result<(), cos_encryption::Error> {
/// # let key = SealingKey::generate()?;
/// # let mut file: &[u8] = b"what to encrypt";
/// let mut part = PartBuffer::new(64); // 64 chunks: 1 MiB of plaintext
/// while !part.vacant().is_empty() {
///     let read = std::io::Read::read(&mut file, part.vacant()).expect("memory reads");
///     if read == 0 {
///         break;
///     }
///     part.advance(read);
/// }
/// let body: Vec<u8> = part.seal(&key, ChunkIndex::FIRST, PartPosition::Last)?;
/// assert_eq!(body.len(), 15 + 16);
/// # Ok(())
/// # }
/// ```
pub struct PartBuffer {
    bytes: Vec<u8>,
    chunks: usize,
    plain_len: usize,
}

impl PartBuffer {
    /// A buffer for `chunks` full chunks of plaintext, and room for an empty last chunk.
    #[must_use]
    pub fn new(chunks: usize) -> Self {
        Self::reuse(Vec::new(), chunks)
    }

    /// The same, in memory that an earlier part no longer needs.
    #[must_use]
    pub fn reuse(mut bytes: Vec<u8>, chunks: usize) -> Self {
        let len = chunks * SEALED_CHUNK_LEN + TAG_LEN;
        if bytes.capacity() < len {
            bytes = vec![0; len];
        }
        bytes.resize(len, 0);
        Self {
            bytes,
            chunks,
            plain_len: 0,
        }
    }

    /// Where the next plaintext goes: the rest of the current chunk. Empty when the part is full.
    pub fn vacant(&mut self) -> &mut [u8] {
        let chunk = self.plain_len / CHUNK_LEN;
        if chunk == self.chunks {
            return &mut [];
        }
        let start = chunk * SEALED_CHUNK_LEN;
        &mut self.bytes[start + self.plain_len % CHUNK_LEN..start + CHUNK_LEN]
    }

    /// Records that the first `count` bytes of [`PartBuffer::vacant`] now hold plaintext. More than were vacant count as all.
    pub fn advance(&mut self, count: usize) {
        self.plain_len += count.min(self.vacant().len());
    }

    /// Bytes of plaintext in the part.
    #[must_use]
    pub fn plain_len(&self) -> usize {
        self.plain_len
    }

    /// Whether no plaintext was put in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.plain_len == 0
    }

    /// Whole chunks in the part: by how much the next part's first [`ChunkIndex`] is further on.
    #[must_use]
    pub fn full_chunks(&self) -> usize {
        self.plain_len / CHUNK_LEN
    }

    /// The plaintext, in order: for the hash that a resumable upload records before the part is sealed (docs/format.md §6).
    pub fn plaintext(&self) -> impl Iterator<Item = &[u8]> {
        let full = self.full_chunks();
        let last = self.plain_len % CHUNK_LEN;
        self.bytes
            .chunks(SEALED_CHUNK_LEN)
            .enumerate()
            .filter_map(move |(index, stride)| {
                let len = if index < full { CHUNK_LEN } else { last };
                (index < full || (index == full && last > 0)).then(|| &stride[..len])
            })
    }

    /// Seals the part in place, its first chunk being number `first`, and gives the body to send.
    ///
    /// # Errors
    /// [`Error::PartNotWholeChunks`] when the plaintext of an inner part is not a positive multiple of 16 384 bytes;
    /// [`Error::ObjectTooLong`] past the format's limit; [`Error::Crypto`] when the cryptographic library fails.
    pub fn seal(
        mut self,
        key: &SealingKey,
        first: ChunkIndex,
        position: PartPosition,
    ) -> Result<Vec<u8>, Error> {
        let sealed_len = seal_in_place(key, first, position, &mut self.bytes, self.plain_len)?;
        self.bytes.truncate(sealed_len);
        Ok(self.bytes)
    }
}

impl std::fmt::Debug for PartBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "PartBuffer({} of {} bytes of plaintext)",
            self.plain_len,
            self.chunks * CHUNK_LEN
        )
    }
}

/// Seals `plain_len` bytes that already lie in the sealed layout; returns the length of the sealed part.
///
/// `buffer` holds chunk k's plaintext at k × 16 400 and has 16 bytes of room after each chunk, the last one included.
///
/// # Errors
/// As [`PartBuffer::seal`]; [`Error::Crypto`] when `buffer` is too short for the layout.
pub fn seal_in_place(
    key: &SealingKey,
    first: ChunkIndex,
    position: PartPosition,
    buffer: &mut [u8],
    plain_len: usize,
) -> Result<usize, Error> {
    let full_chunks = plain_len / CHUNK_LEN;
    let last_len = plain_len % CHUNK_LEN;
    let chunks = match position {
        PartPosition::Inner if last_len != 0 || full_chunks == 0 => {
            return Err(Error::PartNotWholeChunks { plain_len });
        }
        PartPosition::Inner => full_chunks,
        PartPosition::Last => full_chunks + 1,
    };
    let sealed_len = plain_len + chunks * TAG_LEN;
    let sealed = buffer
        .get_mut(..sealed_len)
        .ok_or(Error::Crypto("a part buffer has no room for its tags"))?;
    for (position, chunk) in sealed.chunks_mut(SEALED_CHUNK_LEN).enumerate() {
        let (plain, tag) = chunk.split_at_mut(chunk.len() - TAG_LEN);
        tag.copy_from_slice(&key.seal_chunk(first.advance(position as u64)?, plain)?);
    }
    Ok(sealed_len)
}
