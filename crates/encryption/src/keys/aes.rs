//! AES master keys.

use aes_kw::KwAes256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use hmac::KeyInit;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::provider::{BoxFuture, KeyProvider, WrapScheme, Wrapped};
use super::{KEY_ID_LEN, KeyError, KeyId};
use crate::Error;
use crate::legacy::ctr;
use crate::secret::{DATA_KEY_LEN, SecretBytes};

/// Length of a master key that the sealed format takes; new keys have it.
pub const AES_KEY_LEN: usize = 32;

const KEK_INFO: &[u8] = b"coscrypt/v1 A256KW";
const KEY_ID_INFO: &[u8] = b"coscrypt/v1 kid";
const WRAP_OVERHEAD: usize = aes_kw::IV_LEN;

/// An AES master key: base64 text of 16, 24 or 32 bytes, as the official Python SDK keeps it.
///
/// The sealed format takes 32 bytes only; shorter keys read and write the Python SDK's format.
#[derive(Debug)]
pub struct AesProvider {
    master: SecretBytes,
    key_id: KeyId,
}

impl AesProvider {
    /// A new key of 32 bytes from the operating system's generator.
    ///
    /// # Errors
    /// [`KeyError::Random`] when the operating system gives no random bytes.
    pub fn generate() -> Result<Self, KeyError> {
        Self::new(SecretBytes::random(AES_KEY_LEN).map_err(|_| KeyError::Random)?)
    }

    /// The key in this base64 text; white space around it is ignored.
    ///
    /// # Errors
    /// [`KeyError::NotBase64`]; [`KeyError::AesLength`] when it does not have 16, 24 or 32 bytes.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let bytes = STANDARD
            .decode(text.trim_ascii())
            .map_err(|_| KeyError::NotBase64)?;
        Self::from_bytes(SecretBytes::take(bytes))
    }

    /// The key with these raw bytes.
    ///
    /// # Errors
    /// [`KeyError::AesLength`] when there are not 16, 24 or 32 of them.
    pub fn from_bytes(master: SecretBytes) -> Result<Self, KeyError> {
        match master.len() {
            16 | 24 | 32 => Self::new(master),
            len => Err(KeyError::AesLength { len }),
        }
    }

    /// The base64 text that [`AesProvider::from_base64`] and the Python SDK read.
    #[must_use]
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.master.expose()))
    }

    /// Length of the key in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.master.len() * 8
    }

    fn new(master: SecretBytes) -> Result<Self, KeyError> {
        let derived = derive(&master, KEY_ID_INFO).ok_or(KeyError::Derivation)?;
        let mut key_id = [0; KEY_ID_LEN];
        key_id.copy_from_slice(&derived.expose()[..KEY_ID_LEN]);
        Ok(Self {
            master,
            key_id: KeyId::from_bytes(key_id),
        })
    }

    fn can(&self, scheme: WrapScheme) -> bool {
        match scheme {
            WrapScheme::A256Kw => self.master.len() == AES_KEY_LEN,
            WrapScheme::PythonAesCtr => true,
            WrapScheme::RsaOaepSha256 | WrapScheme::PythonRsaOaepSha1 | WrapScheme::PythonRsaPkcs1v15 => {
                false
            }
        }
    }

    fn wrap_now(&self, scheme: WrapScheme, secret: &[u8]) -> Result<Vec<u8>, Error> {
        match scheme {
            WrapScheme::A256Kw if self.can(scheme) => rfc3394_wrap(&self.key_encryption_key()?, secret),
            WrapScheme::PythonAesCtr => {
                let mut wrapped = secret.to_vec();
                ctr::apply_wrap_keystream(self.master.expose(), 0, &mut wrapped)?;
                Ok(wrapped)
            }
            _ => Err(self.unsuitable(scheme)),
        }
    }

    fn unwrap_now(&self, scheme: WrapScheme, wrapped: &[u8], len: usize) -> Result<SecretBytes, Error> {
        let failed = Error::UnwrapFailed { key_id: self.key_id };
        let mut secret = SecretBytes::zeroed(len);
        match scheme {
            WrapScheme::A256Kw if self.can(scheme) => {
                if !rfc3394_unwrap(&self.key_encryption_key()?, wrapped, &mut secret)? {
                    return Err(failed);
                }
            }
            WrapScheme::PythonAesCtr => {
                if wrapped.len() != len {
                    return Err(failed);
                }
                secret.expose_mut().copy_from_slice(wrapped);
                ctr::apply_wrap_keystream(self.master.expose(), 0, secret.expose_mut())?;
            }
            _ => return Err(self.unsuitable(scheme)),
        }
        Ok(secret)
    }

    /// The raw master key is never a key encryption key: the Python SDK's format uses it as it is.
    fn key_encryption_key(&self) -> Result<SecretBytes, Error> {
        derive(&self.master, KEK_INFO).ok_or(Error::Key(KeyError::Derivation))
    }

    fn unsuitable(&self, scheme: WrapScheme) -> Error {
        let reason = match scheme {
            WrapScheme::A256Kw => {
                format!(
                    "the sealed format takes AES keys of exactly 32 bytes, and this one has {}",
                    self.master.len()
                )
            }
            _ => format!("it is an AES key, and {} takes an RSA key", scheme.name()),
        };
        Error::KeyUnsuitable {
            key_id: self.key_id,
            reason,
        }
    }
}

impl KeyProvider for AesProvider {
    fn key_id(&self) -> KeyId {
        self.key_id
    }

    fn can_wrap(&self, scheme: WrapScheme) -> bool {
        self.can(scheme)
    }

    fn can_unwrap(&self, scheme: WrapScheme) -> bool {
        self.can(scheme)
    }

    fn wrap<'a>(&'a self, scheme: WrapScheme, secret: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, Error>> {
        Box::pin(async move { self.wrap_now(scheme, secret) })
    }

    fn unwrap<'a>(&'a self, wrapped: Wrapped<'a>) -> BoxFuture<'a, Result<SecretBytes, Error>> {
        Box::pin(async move { self.unwrap_now(wrapped.scheme, wrapped.bytes, wrapped.secret_len) })
    }
}

fn rfc3394_wrap(kek: &SecretBytes, secret: &[u8]) -> Result<Vec<u8>, Error> {
    let mut wrapped = vec![0; secret.len() + WRAP_OVERHEAD];
    let kek = key_wrap(kek)?;
    kek.wrap_key(secret, &mut wrapped)
        .map_err(|_| Error::Crypto("AES key wrap refused a secret"))?;
    Ok(wrapped)
}

/// Whether `wrapped` is authentic and as long as `secret`, which then holds what was wrapped.
fn rfc3394_unwrap(kek: &SecretBytes, wrapped: &[u8], secret: &mut SecretBytes) -> Result<bool, Error> {
    let right_len = wrapped.len() == secret.len() + WRAP_OVERHEAD;
    Ok(right_len && key_wrap(kek)?.unwrap_key(wrapped, secret.expose_mut()).is_ok())
}

fn key_wrap(kek: &SecretBytes) -> Result<KwAes256, Error> {
    KwAes256::new_from_slice(kek.expose()).map_err(|_| Error::Crypto("AES-256 refused its key"))
}

/// HKDF-SHA256 with no salt, 32 bytes (docs/format.md §2).
fn derive(master: &SecretBytes, info: &[u8]) -> Option<SecretBytes> {
    let mut okm = SecretBytes::zeroed(DATA_KEY_LEN);
    let (mut prk, hkdf) = Hkdf::<Sha256>::extract(None, master.expose());
    prk.zeroize();
    hkdf.expand(info, okm.expose_mut()).ok()?;
    Some(okm)
}

#[cfg(test)]
mod tests;
