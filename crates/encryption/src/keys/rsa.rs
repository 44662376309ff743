//! RSA master keys.

mod encoding;
mod unwrap;

use std::fmt;

use rand::rngs::SysRng;
use rsa::Oaep;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::traits::PublicKeyParts;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::provider::{BoxFuture, KeyProvider, WrapScheme, Wrapped};
use super::{KEY_ID_LEN, KeyError, KeyId};
use crate::Error;
use crate::secret::SecretBytes;

/// Fewest bits of a key that encrypts, or that opens sealed objects.
pub const MIN_BITS: u32 = 2048;
/// Fewest bits of a private key that opens objects of the Python SDK.
pub const MIN_LEGACY_BITS: u32 = 1024;
/// Most bits of any key: a larger one would only cost time.
pub const MAX_BITS: u32 = 8192;

/// The OAEP label of the sealed format: never empty, so that no sealed key opens through an SDK's format.
const SEALED_LABEL: &[u8] = b"coscrypt/v1 DEK";

/// The size of a new RSA key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RsaSize {
    /// 2048 bits: the least that is accepted.
    Rsa2048,
    /// 3072 bits: the strength of AES-128.
    Rsa3072,
    /// 4096 bits.
    Rsa4096,
}

impl RsaSize {
    /// Bits in the modulus.
    #[must_use]
    pub const fn bits(self) -> usize {
        match self {
            Self::Rsa2048 => 2048,
            Self::Rsa3072 => 3072,
            Self::Rsa4096 => 4096,
        }
    }
}

/// An RSA master key: a private key, or the public half alone, which encrypts only.
pub struct RsaProvider {
    public: rsa::PublicKey,
    private: Option<rsa::PrivateKey>,
    key_id: KeyId,
}

impl RsaProvider {
    /// A new private key from the operating system's generator. Takes from a tenth of a second to many.
    ///
    /// # Errors
    /// [`KeyError::Random`] when the operating system gives no random bytes.
    pub fn generate(size: RsaSize) -> Result<Self, KeyError> {
        let private = rsa::PrivateKey::new(&mut SysRng, size.bits()).map_err(|error| match error {
            rsa::Error::Rng => KeyError::Random,
            other => invalid(other),
        })?;
        Self::from_private(private)
    }

    /// A key in PEM form: PKCS#1 or PKCS#8 private, SubjectPublicKeyInfo or PKCS#1 public.
    ///
    /// # Errors
    /// [`KeyError::PassphraseProtected`], [`KeyError::OpenSsh`], [`KeyError::NotAKey`], [`KeyError::InvalidRsa`],
    /// [`KeyError::RsaSize`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        encoding::from_pem(text)
    }

    /// A key in DER form, of the same kinds as [`RsaProvider::from_pem`].
    ///
    /// # Errors
    /// [`KeyError::NotAKey`], [`KeyError::InvalidRsa`], [`KeyError::RsaSize`].
    pub fn from_der(bytes: &[u8]) -> Result<Self, KeyError> {
        encoding::from_der(bytes)
    }

    /// The private key as unencrypted PKCS#8 PEM; `None` for a public key.
    ///
    /// # Errors
    /// [`KeyError::InvalidRsa`] when the key cannot be encoded.
    pub fn to_private_pem(&self) -> Result<Option<Zeroizing<String>>, KeyError> {
        self.private
            .as_ref()
            .map(|key| key.to_pkcs8_pem(LineEnding::LF).map_err(invalid))
            .transpose()
    }

    /// The public half as SubjectPublicKeyInfo PEM.
    ///
    /// # Errors
    /// [`KeyError::InvalidRsa`] when the key cannot be encoded.
    pub fn to_public_pem(&self) -> Result<String, KeyError> {
        self.public.to_public_key_pem(LineEnding::LF).map_err(invalid)
    }

    /// Bits in the modulus.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.public.n().bit_width_vartime()
    }

    /// Whether the key can decrypt.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.private.is_some()
    }

    fn from_private(private: rsa::PrivateKey) -> Result<Self, KeyError> {
        let key = Self::new(private.to_public_key(), Some(private))?;
        key.check_size(MIN_LEGACY_BITS)
    }

    fn from_public(public: rsa::PublicKey) -> Result<Self, KeyError> {
        Self::new(public, None)?.check_size(MIN_BITS)
    }

    fn new(public: rsa::PublicKey, private: Option<rsa::PrivateKey>) -> Result<Self, KeyError> {
        let spki = public.to_public_key_der().map_err(invalid)?;
        let mut key_id = [0; KEY_ID_LEN];
        key_id.copy_from_slice(&Sha256::digest(spki.as_bytes())[..KEY_ID_LEN]);
        Ok(Self {
            public,
            private,
            key_id: KeyId::from_bytes(key_id),
        })
    }

    fn check_size(self, min: u32) -> Result<Self, KeyError> {
        let bits = self.bits();
        if (min..=MAX_BITS).contains(&bits) {
            Ok(self)
        } else {
            Err(KeyError::RsaSize { bits, min })
        }
    }

    fn wrap_now(&self, scheme: WrapScheme, secret: &[u8]) -> Result<Vec<u8>, Error> {
        if !self.can_wrap(scheme) {
            return Err(self.unsuitable(scheme));
        }
        let wrapped = match scheme {
            WrapScheme::RsaOaepSha256 => self.public.encrypt(&mut SysRng, sealed_padding(), secret),
            _ => self.public.encrypt(&mut SysRng, python_padding(), secret),
        };
        wrapped.map_err(|error| match error {
            rsa::Error::Rng => Error::Random,
            _ => Error::Crypto("RSA-OAEP could not encrypt"),
        })
    }

    fn unwrap_now(&self, scheme: WrapScheme, wrapped: &[u8], len: usize) -> Result<SecretBytes, Error> {
        let Some(private) = &self.private else {
            return Err(Error::PublicKeyOnly { key_id: self.key_id });
        };
        if !self.can_unwrap(scheme) {
            return Err(self.unsuitable(scheme));
        }
        let secret = match scheme {
            WrapScheme::RsaOaepSha256 => unwrap::oaep(private, sealed_padding(), wrapped),
            WrapScheme::PythonRsaPkcs1v15 => unwrap::pkcs1v15(private, wrapped, len),
            _ => unwrap::oaep(private, python_padding(), wrapped),
        };
        secret
            .filter(|secret| secret.len() == len)
            .ok_or(Error::UnwrapFailed { key_id: self.key_id })
    }

    fn unsuitable(&self, scheme: WrapScheme) -> Error {
        let reason = match scheme {
            WrapScheme::A256Kw | WrapScheme::PythonAesCtr => {
                format!("it is an RSA key, and {} takes an AES key", scheme.name())
            }
            WrapScheme::PythonRsaPkcs1v15 => format!("{} is read, and never written", scheme.name()),
            _ => format!("it has {} bits, and at least {MIN_BITS} are needed", self.bits()),
        };
        Error::KeyUnsuitable {
            key_id: self.key_id,
            reason,
        }
    }
}

impl KeyProvider for RsaProvider {
    fn key_id(&self) -> KeyId {
        self.key_id
    }

    fn can_wrap(&self, scheme: WrapScheme) -> bool {
        matches!(scheme, WrapScheme::RsaOaepSha256 | WrapScheme::PythonRsaOaepSha1) && self.bits() >= MIN_BITS
    }

    fn can_unwrap(&self, scheme: WrapScheme) -> bool {
        let enough = match scheme {
            WrapScheme::RsaOaepSha256 => MIN_BITS,
            WrapScheme::PythonRsaOaepSha1 | WrapScheme::PythonRsaPkcs1v15 => MIN_LEGACY_BITS,
            WrapScheme::A256Kw | WrapScheme::PythonAesCtr => return false,
        };
        self.private.is_some() && self.bits() >= enough
    }

    fn wrap<'a>(&'a self, scheme: WrapScheme, secret: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, Error>> {
        Box::pin(async move { self.wrap_now(scheme, secret) })
    }

    fn unwrap<'a>(&'a self, wrapped: Wrapped<'a>) -> BoxFuture<'a, Result<SecretBytes, Error>> {
        Box::pin(async move { self.unwrap_now(wrapped.scheme, wrapped.bytes, wrapped.secret_len) })
    }
}

impl fmt::Debug for RsaProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let half = if self.is_private() {
            "private, redacted"
        } else {
            "public"
        };
        write!(f, "RsaProvider({} bits, {half}, {})", self.bits(), self.key_id)
    }
}

fn sealed_padding() -> Oaep<Sha256> {
    Oaep::<Sha256>::new_with_label(SEALED_LABEL)
}

fn python_padding() -> Oaep<Sha1> {
    Oaep::<Sha1>::new()
}

fn invalid(error: impl fmt::Display) -> KeyError {
    KeyError::InvalidRsa {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
