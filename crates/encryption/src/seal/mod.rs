//! The sealed body: Cobblestone-256 of [c2sp.org/chunked-encryption](https://c2sp.org/chunked-encryption), without its
//! 56-byte prefix, which rides in the envelope (docs/format.md §1, §2).
//!
//! - [`layout`] – where a byte of plaintext lies in the sealed object; lengths and ranges.
//! - [`cobblestone`] – the stateless primitive: a [`SealingKey`] seals and an [`OpeningKey`] opens one chunk, given its
//!   index.
//! - [`writer`] – [`Sealer`] for a stream, [`PartBuffer`] for parts sealed in place.
//! - [`reader`] – [`Opener`] for a stream: whole objects and ranges.

pub mod cobblestone;
pub mod layout;
pub mod reader;
pub mod writer;

pub use cobblestone::{Commitment, OpeningKey, Salt, SealingKey};
pub use layout::{CHUNK_LEN, ChunkIndex, Cover, Layout, ReadRange, SEALED_CHUNK_LEN, SealedSpan, TAG_LEN};
pub use reader::Opener;
pub use writer::{PartBuffer, PartPosition, Sealer};

#[cfg(test)]
mod tests;
