//! Keys: what wraps and unwraps data keys, key ids, key files.
//!
//! [`KeyProvider`] is the only thing to implement for another place where keys are kept: a device, a service. It wraps in
//! one of the schemes of [`WrapScheme`]; a new scheme would be a new version of the format. [`AesProvider`] and [`RsaProvider`] hold keys in
//! memory; [`KeyRing`] holds several providers and finds the one that an object needs; [`mod@file`] reads and makes key files.

pub mod aes;
mod error;
pub mod file;
mod id;
mod provider;
mod ring;
pub mod rsa;

pub use aes::AesProvider;
pub use error::KeyError;
pub use file::{FilePermissions, LoadedKey};
pub use id::{KEY_ID_LEN, KeyId};
pub use provider::{BoxFuture, KeyProvider, WrapScheme, Wrapped};
pub use ring::KeyRing;
pub use rsa::{RsaProvider, RsaSize};
