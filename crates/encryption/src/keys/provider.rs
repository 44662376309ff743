//! The joint for new kinds of keys.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::KeyId;
use crate::Error;
use crate::secret::SecretBytes;

/// A future in a box; what an object-safe trait returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How a secret is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WrapScheme {
    /// Sealed format: RFC 3394 under a key derived from a 32-byte AES master key (docs/format.md §2).
    A256Kw,
    /// Sealed format: RSA-OAEP with SHA-256, MGF1-SHA-256 and the label "coscrypt/v1 DEK".
    RsaOaepSha256,
    /// Python SDK: AES-CTR under the raw master key, counter from 0, over data key and IV together (48 bytes).
    ///
    /// The keystream is the same for every object under one key, and a wrong key goes unnoticed.
    PythonAesCtr,
    /// Python SDK, key given by path: RSA-OAEP with SHA-1, MGF1-SHA-1 and no label; data key and IV apart.
    PythonRsaOaepSha1,
    /// Python SDK, key given by value: RSAES-PKCS1-v1_5; data key and IV apart. Read, never written.
    PythonRsaPkcs1v15,
}

impl WrapScheme {
    /// The schemes of the sealed format.
    pub const SEALED: [Self; 2] = [Self::A256Kw, Self::RsaOaepSha256];

    /// The name: in the sealed envelope's `wrap-alg`, and for people. The Python SDK stores none.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A256Kw => "A256KW",
            Self::RsaOaepSha256 => "RSA-OAEP-256",
            Self::PythonAesCtr => "AES-CTR (Python SDK)",
            Self::PythonRsaOaepSha1 => "RSA-OAEP-SHA1 (Python SDK)",
            Self::PythonRsaPkcs1v15 => "RSAES-PKCS1-v1_5 (Python SDK)",
        }
    }
}

/// A master key, wherever it lives: in memory, in a key management service, in a device.
///
/// The futures of the providers in this crate are ready at once; a remote key does its I/O in them.
pub trait KeyProvider: fmt::Debug + Send + Sync {
    /// The public name of the key.
    fn key_id(&self) -> KeyId;

    /// Whether the key can wrap in this scheme.
    fn can_wrap(&self, scheme: WrapScheme) -> bool;

    /// Whether the key can unwrap in this scheme. A public key can wrap only.
    fn can_unwrap(&self, scheme: WrapScheme) -> bool;

    /// Wraps a secret.
    ///
    /// # Errors
    /// [`Error::KeyUnsuitable`] for a scheme that the key cannot wrap in; what the key reports.
    fn wrap<'a>(&'a self, scheme: WrapScheme, secret: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, Error>>;

    /// Unwraps a secret of exactly `secret_len` bytes.
    ///
    /// # Errors
    /// [`Error::UnwrapFailed`] when the wrapped secret is not this key's, is damaged, or has another length;
    /// [`Error::PublicKeyOnly`]; [`Error::KeyUnsuitable`] for a scheme that the key cannot unwrap in.
    fn unwrap<'a>(
        &'a self,
        scheme: WrapScheme,
        wrapped: &'a [u8],
        secret_len: usize,
    ) -> BoxFuture<'a, Result<SecretBytes, Error>>;
}
