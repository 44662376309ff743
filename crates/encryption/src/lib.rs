//! Client-side encryption for Tencent Cloud COS: formats, keys and the encryption client.
//!
//! The modules here take bytes and give bytes; they need no network and no async runtime, and build with
//! `--no-default-features`:
//!
//! - [`seal`] – the sealed body: chunks, layout, streams, parts.
//! - [`envelope`] – headers to envelope and back, which writer's envelope it is, what it says.
//! - [`keys`] – what wraps data keys: [`KeyProvider`](keys::KeyProvider), AES, RSA, key files, the ring.
//! - [`legacy`] – the official SDKs' content ciphers.
//! - [`policy`], [`secret`] – what a read accepts; secrets that are wiped.
//!
//! The format is specified in `docs/format.md`, which the documentation here cites by section.

#[cfg(feature = "client")]
pub mod client;
pub mod envelope;
mod error;
pub mod keys;
pub mod legacy;
pub mod policy;
pub mod seal;
pub mod secret;
#[cfg(test)]
mod testing;

#[cfg(feature = "client")]
pub use client::{ContentFormat, EncryptionClient};
pub use error::{Error, ErrorKind};
