//! The joint for new kinds of keys.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::KeyId;
use crate::Error;
use crate::secret::SecretBytes;

/// A future in a box; what an object-safe trait returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Declares the schemes: each with the name in the sealed envelope's `wrap-alg`, or for people.
macro_rules! schemes {
    ($($(#[doc = $doc:literal])* $scheme:ident = $name:literal;)*) => {
        /// How a secret is wrapped.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum WrapScheme { $($(#[doc = $doc])* $scheme,)* }

        impl WrapScheme {
            /// All schemes.
            pub const ALL: &'static [Self] = &[$(Self::$scheme),*];

            /// The name: in the sealed envelope's `wrap-alg`, and for people. The Python SDK stores none.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$scheme => $name,)* }
            }
        }
    };
}

schemes! {
    /// Sealed format: RFC 3394 under a key derived from a 32-byte AES master key (docs/format.md §2).
    A256Kw = "A256KW";
    /// Sealed format: RSA-OAEP with SHA-256, MGF1-SHA-256 and the label "coscrypt/v1 DEK".
    RsaOaepSha256 = "RSA-OAEP-256";
    /// Python SDK: AES-CTR under the raw master key, counter from 0, over data key and IV together (48 bytes).
    ///
    /// The keystream is the same for every object under one key, and a wrong key goes unnoticed.
    PythonAesCtr = "AES-CTR (Python SDK)";
    /// Python SDK, key given by path: RSA-OAEP with SHA-1, MGF1-SHA-1 and no label; data key and IV apart.
    PythonRsaOaepSha1 = "RSA-OAEP-SHA1 (Python SDK)";
    /// Python SDK, key given by value: RSAES-PKCS1-v1_5; data key and IV apart. Read, never written.
    PythonRsaPkcs1v15 = "RSAES-PKCS1-v1_5 (Python SDK)";
}

impl WrapScheme {
    /// The schemes of the sealed format.
    pub const SEALED: [Self; 2] = [Self::A256Kw, Self::RsaOaepSha256];
}

/// A wrapped secret, as an envelope holds it.
///
/// A format that records more for its keys, such as a key management service's encryption context, gets a field here.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Wrapped<'a> {
    /// How it is wrapped.
    pub scheme: WrapScheme,
    /// The wrapped secret.
    pub bytes: &'a [u8],
    /// Length of the secret inside, in bytes.
    pub secret_len: usize,
}

impl<'a> Wrapped<'a> {
    /// A wrapped secret of `secret_len` bytes.
    #[must_use]
    pub const fn new(scheme: WrapScheme, bytes: &'a [u8], secret_len: usize) -> Self {
        Self {
            scheme,
            bytes,
            secret_len,
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

    /// Unwraps a secret of exactly [`Wrapped::secret_len`] bytes.
    ///
    /// # Errors
    /// [`Error::UnwrapFailed`] when the wrapped secret is not this key's, is damaged, or has another length;
    /// [`Error::PublicKeyOnly`]; [`Error::KeyUnsuitable`] for a scheme that the key cannot unwrap in.
    fn unwrap<'a>(&'a self, wrapped: Wrapped<'a>) -> BoxFuture<'a, Result<SecretBytes, Error>>;
}
