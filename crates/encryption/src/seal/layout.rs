//! Where plaintext lies in a sealed object (docs/format.md §1). Pure arithmetic; lengths and offsets are in bytes.

use std::ops::Range;

use crate::Error;

/// Plaintext bytes in every chunk but the last, which is always shorter.
pub const CHUNK_LEN: usize = 16_384;
/// Bytes of the authentication tag after each chunk.
pub const TAG_LEN: usize = 16;
/// Bytes of a full chunk in the object.
pub const SEALED_CHUNK_LEN: usize = CHUNK_LEN + TAG_LEN;
/// Most chunks that one object may have.
pub const MAX_CHUNKS: u64 = 1 << 38;
/// Longest plaintext: the last of [`MAX_CHUNKS`] chunks is never full.
pub const MAX_PLAIN_LEN: u64 = MAX_CHUNKS * CHUNK_LEN_U64 - 1;

const CHUNK_LEN_U64: u64 = CHUNK_LEN as u64;
const TAG_LEN_U64: u64 = TAG_LEN as u64;
const SEALED_CHUNK_LEN_U64: u64 = SEALED_CHUNK_LEN as u64;

/// The number of a chunk, from 0; always below [`MAX_CHUNKS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkIndex(u64);

impl ChunkIndex {
    /// The first chunk.
    pub const FIRST: Self = Self(0);

    /// The chunk with this number.
    ///
    /// # Errors
    /// [`Error::ObjectTooLong`] from [`MAX_CHUNKS`] on.
    pub fn new(index: u64) -> Result<Self, Error> {
        if index < MAX_CHUNKS {
            Ok(Self(index))
        } else {
            Err(Error::ObjectTooLong)
        }
    }

    /// The chunk `count` chunks further on.
    ///
    /// # Errors
    /// [`Error::ObjectTooLong`] from [`MAX_CHUNKS`] on.
    pub fn advance(self, count: u64) -> Result<Self, Error> {
        self.0
            .checked_add(count)
            .ok_or(Error::ObjectTooLong)
            .and_then(Self::new)
    }

    /// The chunk that holds the plaintext byte at `offset`.
    ///
    /// # Errors
    /// [`Error::ObjectTooLong`] when no object has such a byte.
    pub fn holding(offset: PlainOffset) -> Result<Self, Error> {
        Self::new(offset.0 / CHUNK_LEN_U64)
    }

    /// The number itself.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }

    /// Where the chunk begins in the plaintext.
    #[must_use]
    pub fn plain_start(self) -> PlainOffset {
        PlainOffset(self.0 * CHUNK_LEN_U64)
    }

    /// Where the chunk begins in the object.
    #[must_use]
    pub fn cipher_start(self) -> CipherOffset {
        CipherOffset(self.0 * SEALED_CHUNK_LEN_U64)
    }
}

/// An offset in the plaintext, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlainOffset(pub u64);

/// An offset in the sealed object, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CipherOffset(pub u64);

/// Length of the object that holds `plain_len` bytes of plaintext.
///
/// # Errors
/// [`Error::ObjectTooLong`] above [`MAX_PLAIN_LEN`].
pub fn sealed_len(plain_len: u64) -> Result<u64, Error> {
    Layout::of_plain(plain_len).map(Layout::sealed_len)
}

/// Length of the plaintext in an object of `sealed_len` bytes.
///
/// # Errors
/// [`Error::IllegalLength`] when no sealed object has this length: it was truncated or extended.
pub fn plain_len(sealed_len: u64) -> Result<u64, Error> {
    Layout::of_sealed(sealed_len).map(Layout::plain_len)
}

/// The layout of one object. It follows from the length alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    plain_len: u64,
}

impl Layout {
    /// The layout of an object with `plain_len` bytes of plaintext.
    ///
    /// # Errors
    /// [`Error::ObjectTooLong`] above [`MAX_PLAIN_LEN`].
    pub fn of_plain(plain_len: u64) -> Result<Self, Error> {
        if plain_len > MAX_PLAIN_LEN {
            Err(Error::ObjectTooLong)
        } else {
            Ok(Self { plain_len })
        }
    }

    /// The layout of an object that is `sealed_len` bytes long as stored.
    ///
    /// # Errors
    /// [`Error::IllegalLength`] when no sealed object has this length.
    pub fn of_sealed(sealed_len: u64) -> Result<Self, Error> {
        let illegal = Error::IllegalLength { length: sealed_len };
        let full_chunks = sealed_len / SEALED_CHUNK_LEN_U64;
        let last = sealed_len % SEALED_CHUNK_LEN_U64;
        if last < TAG_LEN_U64 || full_chunks >= MAX_CHUNKS {
            return Err(illegal);
        }
        Ok(Self {
            plain_len: full_chunks * CHUNK_LEN_U64 + (last - TAG_LEN_U64),
        })
    }

    /// Length of the plaintext.
    #[must_use]
    pub fn plain_len(self) -> u64 {
        self.plain_len
    }

    /// Length of the object.
    #[must_use]
    pub fn sealed_len(self) -> u64 {
        let last = self.plain_len % CHUNK_LEN_U64;
        self.last_chunk().cipher_start().0 + last + TAG_LEN_U64
    }

    /// The last chunk: the short, possibly empty one.
    #[must_use]
    pub fn last_chunk(self) -> ChunkIndex {
        ChunkIndex(self.plain_len / CHUNK_LEN_U64)
    }

    /// Plaintext bytes in a chunk of this object.
    #[must_use]
    pub fn chunk_plain_len(self, index: ChunkIndex) -> usize {
        if index < self.last_chunk() {
            return CHUNK_LEN;
        }
        // A remainder of CHUNK_LEN fits in usize.
        usize::try_from(self.plain_len % CHUNK_LEN_U64).unwrap_or_default()
    }

    /// The chunks to fetch for a range, and what to keep of them.
    ///
    /// A range that reaches the end of the object always covers the last chunk, even when that is empty, so that the end
    /// itself is authenticated: an object cut at a chunk edge cannot pass for a shorter one.
    ///
    /// # Errors
    /// [`Error::EmptyRange`] for a range of no bytes; [`Error::RangeOutside`] when it starts at or after the end.
    pub fn cover(self, range: ReadRange) -> Result<Cover, Error> {
        let length = self.plain_len;
        let outside = |start| Error::RangeOutside { start, length };
        let (plain, reaches_end) = match range {
            ReadRange::Full => (0..length, true),
            ReadRange::Last(0) => return Err(Error::EmptyRange),
            ReadRange::Last(count) => (length.saturating_sub(count)..length, true),
            ReadRange::From(start) if start >= length && start > 0 => return Err(outside(start)),
            ReadRange::From(start) => (start..length, true),
            ReadRange::Between { start, end } if start >= end => return Err(Error::EmptyRange),
            ReadRange::Between { start, .. } if start >= length => return Err(outside(start)),
            ReadRange::Between { start, end } => (start..end.min(length), end >= length),
        };
        let first_chunk = ChunkIndex(plain.start / CHUNK_LEN_U64);
        let last_chunk = if reaches_end {
            self.last_chunk()
        } else {
            ChunkIndex((plain.end - 1) / CHUNK_LEN_U64)
        };
        let sealed_end = if last_chunk == self.last_chunk() {
            self.sealed_len()
        } else {
            last_chunk.cipher_start().0 + SEALED_CHUNK_LEN_U64
        };
        Ok(Cover {
            layout: self,
            first_chunk,
            last_chunk,
            sealed: first_chunk.cipher_start().0..sealed_end,
            plain,
        })
    }
}

/// A range of plaintext that a caller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadRange {
    /// The whole object.
    Full,
    /// From this byte to the end.
    From(u64),
    /// From `start` up to but not including `end`; what lies beyond the object is left out.
    Between {
        /// First byte wanted.
        start: u64,
        /// First byte not wanted.
        end: u64,
    },
    /// The last so many bytes; the whole object when it is shorter.
    Last(u64),
}

impl ReadRange {
    /// The part of the object to ask for when its length is not known yet, so that one GET serves the read.
    /// `None` for [`ReadRange::Last`]: a suffix of the plaintext is not a suffix of the object; ask for the length first.
    ///
    /// The answer tells the object's length; then [`Layout::cover`] gives the span that is needed. It begins where this one
    /// does and ends there too, clamped to the object, or [`TAG_LEN`] bytes earlier: a range that ends at the edge of a
    /// chunk asks for one tag more, in case the object ends there, with an empty last chunk to be verified.
    ///
    /// # Errors
    /// [`Error::EmptyRange`] for a range of no bytes; [`Error::ObjectTooLong`] when no object is that long.
    pub fn span_without_length(self) -> Result<Option<SealedSpan>, Error> {
        let chunk = |offset| ChunkIndex::holding(PlainOffset(offset));
        Ok(match self {
            Self::Full => Some(SealedSpan { start: 0, end: None }),
            Self::From(start) => Some(SealedSpan {
                start: chunk(start)?.cipher_start().0,
                end: None,
            }),
            Self::Between { start, end } if start >= end => return Err(Error::EmptyRange),
            Self::Between { start, end } => {
                let last_wanted = (end - 1).min(MAX_PLAIN_LEN);
                let edge = chunk(last_wanted)?.cipher_start().0 + SEALED_CHUNK_LEN_U64;
                let end = match end.is_multiple_of(CHUNK_LEN_U64) {
                    true => edge + TAG_LEN_U64,
                    false => edge,
                };
                Some(SealedSpan {
                    start: chunk(start)?.cipher_start().0,
                    end: Some(end),
                })
            }
            Self::Last(_) => None,
        })
    }
}

/// A span of the stored object, in bytes, `end` exclusive; open-ended when `end` is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedSpan {
    /// First byte to fetch.
    pub start: u64,
    /// First byte not to fetch.
    pub end: Option<u64>,
}

/// The chunks that cover a range of plaintext. Made by [`Layout::cover`] only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    layout: Layout,
    first_chunk: ChunkIndex,
    last_chunk: ChunkIndex,
    sealed: Range<u64>,
    plain: Range<u64>,
}

impl Cover {
    /// The layout of the object that this range is of.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The bytes of the object to fetch: whole chunks.
    #[must_use]
    pub fn sealed(&self) -> Range<u64> {
        self.sealed.clone()
    }

    /// The bytes of plaintext wanted, clamped to the object.
    #[must_use]
    pub fn plain(&self) -> Range<u64> {
        self.plain.clone()
    }

    /// The first chunk of the fetch.
    #[must_use]
    pub fn first_chunk(&self) -> ChunkIndex {
        self.first_chunk
    }

    /// The last chunk of the fetch.
    #[must_use]
    pub fn last_chunk(&self) -> ChunkIndex {
        self.last_chunk
    }

    /// Plaintext bytes of the first chunk that come before the wanted range.
    #[must_use]
    pub fn skip(&self) -> u64 {
        self.plain.start - self.first_chunk.plain_start().0
    }
}
