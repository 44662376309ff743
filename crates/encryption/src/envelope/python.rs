//! The official Python SDK's envelope: two headers, no algorithm, no authentication.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::headers::{EnvelopeHeaders, Field};
use crate::Error;
use crate::keys::{KeyId, KeyProvider, KeyRing, WrapScheme, Wrapped};
use crate::legacy::ctr::IV_LEN;
use crate::secret::{DATA_KEY_LEN, DataKey, SecretBytes, fill_random};

/// RSA modulus sizes in bytes that can be unwrapped: 1024 to 8192 bits.
const RSA_LENS: std::ops::RangeInclusive<usize> = 128..=1024;
const AES_SECRET_LEN: usize = DATA_KEY_LEN + IV_LEN;

/// The Python SDK's wrapped data key and IV. The header lengths tell AES from RSA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PythonEnvelope {
    /// Wrapped by the SDK's AES provider: data key and IV, in one keystream.
    Aes {
        /// 32 bytes of wrapped key, then 16 of wrapped IV.
        wrapped: [u8; AES_SECRET_LEN],
    },
    /// Wrapped by the SDK's RSA provider, with one of two paddings; which one is not recorded.
    Rsa {
        /// The wrapped data key, as long as the modulus.
        key: Vec<u8>,
        /// The wrapped IV, as long as the modulus.
        iv: Vec<u8>,
    },
}

/// What the envelope holds: enough to encrypt or decrypt the body with [`CtrStream`](crate::legacy::ctr::CtrStream).
#[derive(Debug)]
pub struct PythonSecrets {
    /// The data key.
    pub data_key: DataKey,
    /// The initial counter. Not secret once the object is written, but never stored in the clear.
    pub iv: [u8; IV_LEN],
    /// The key that opened or made the envelope.
    pub key_id: KeyId,
    /// How the secrets are wrapped.
    pub scheme: WrapScheme,
}

impl PythonEnvelope {
    /// Reads the two headers.
    ///
    /// # Errors
    /// [`Error::MalformedEnvelope`] says which header is wrong and how.
    pub fn from_headers(headers: &EnvelopeHeaders) -> Result<Self, Error> {
        let key = decode(headers, Field::Key)?;
        let iv = decode(headers, Field::Iv)?;
        if key.len() == DATA_KEY_LEN && iv.len() == IV_LEN {
            let mut wrapped = [0; AES_SECRET_LEN];
            wrapped[..DATA_KEY_LEN].copy_from_slice(&key);
            wrapped[DATA_KEY_LEN..].copy_from_slice(&iv);
            return Ok(Self::Aes { wrapped });
        }
        if key.len() == iv.len() && RSA_LENS.contains(&key.len()) {
            return Ok(Self::Rsa { key, iv });
        }
        let reason = format!(
            "a wrapped key of {} bytes and a wrapped IV of {} fit neither an AES key (32 and 16) nor an RSA key",
            key.len(),
            iv.len()
        );
        Err(Error::MalformedEnvelope { reason })
    }

    /// The two headers.
    #[must_use]
    pub fn to_headers(&self) -> EnvelopeHeaders {
        let (key, iv) = match self {
            Self::Aes { wrapped } => wrapped.split_at(DATA_KEY_LEN),
            Self::Rsa { key, iv } => (key.as_slice(), iv.as_slice()),
        };
        EnvelopeHeaders::of([
            (Field::Key, STANDARD.encode(key)),
            (Field::Iv, STANDARD.encode(iv)),
        ])
    }

    /// Makes a fresh data key and IV for a new object, and wraps them for the only key of the ring: RSA keys as the SDK does
    /// for keys given by path (OAEP-SHA1).
    ///
    /// # Errors
    /// [`Error::OneKeyOnly`]; [`Error::KeyUnsuitable`]; [`Error::Random`]; what the key reports.
    pub async fn create(ring: &KeyRing) -> Result<(Self, PythonSecrets), Error> {
        let mut providers = ring.providers();
        let (Some(provider), None) = (providers.next(), providers.next()) else {
            return Err(Error::OneKeyOnly { count: ring.len() });
        };
        let key_id = provider.key_id();
        let mut iv = [0; IV_LEN];
        fill_random(&mut iv)?;
        let data_key = DataKey::generate()?;
        let schemes = [WrapScheme::PythonAesCtr, WrapScheme::PythonRsaOaepSha1];
        let Some(scheme) = schemes.into_iter().find(|scheme| provider.can_wrap(*scheme)) else {
            let reason =
                "the Python SDK's format takes AES keys and RSA keys of at least 2048 bits".to_owned();
            return Err(Error::KeyUnsuitable { key_id, reason });
        };
        let secrets = PythonSecrets {
            data_key,
            iv,
            key_id,
            scheme,
        };
        Ok((Self::wrap(provider, &secrets).await?, secrets))
    }

    /// Unwraps data key and IV.
    ///
    /// An AES key cannot be checked: it is used only when the ring holds exactly one. RSA keys are tried in turn: OAEP on both
    /// values, and only if it fails on both, PKCS#1 v1.5 on both.
    ///
    /// # Errors
    /// [`Error::NoKey`], [`Error::AmbiguousKey`], [`Error::UnwrapFailed`].
    pub async fn open(&self, ring: &KeyRing) -> Result<PythonSecrets, Error> {
        match self {
            Self::Aes { wrapped } => open_aes(ring, wrapped).await,
            Self::Rsa { key, iv } => open_rsa(ring, key, iv).await,
        }
    }

    async fn wrap(provider: &dyn KeyProvider, secrets: &PythonSecrets) -> Result<Self, Error> {
        let PythonSecrets {
            data_key, iv, scheme, ..
        } = secrets;
        if *scheme == WrapScheme::PythonRsaOaepSha1 {
            let key = provider.wrap(*scheme, data_key.expose()).await?;
            let iv = provider.wrap(*scheme, iv).await?;
            return Ok(Self::Rsa { key, iv });
        }
        let mut both = SecretBytes::zeroed(AES_SECRET_LEN);
        both.expose_mut()[..DATA_KEY_LEN].copy_from_slice(data_key.expose());
        both.expose_mut()[DATA_KEY_LEN..].copy_from_slice(iv);
        let wrapped = provider.wrap(*scheme, both.expose()).await?;
        let wrapped = wrapped
            .try_into()
            .map_err(|_| Error::Crypto("an AES key wrapped to another length"))?;
        Ok(Self::Aes { wrapped })
    }
}

async fn open_aes(ring: &KeyRing, wrapped: &[u8]) -> Result<PythonSecrets, Error> {
    let scheme = WrapScheme::PythonAesCtr;
    let candidates: Vec<_> = ring.able_to_unwrap(scheme).collect();
    let provider = match candidates.as_slice() {
        [] => {
            return Err(Error::NoKey {
                wanted: Vec::new(),
                held: ring.key_ids(),
            });
        }
        [only] => *only,
        several => {
            return Err(Error::AmbiguousKey {
                candidates: several.iter().map(|key| key.key_id()).collect(),
            });
        }
    };
    let key_id = provider.key_id();
    let both = provider
        .unwrap(Wrapped::new(scheme, wrapped, AES_SECRET_LEN))
        .await?;
    let (data_key, iv) = both
        .expose()
        .split_at_checked(DATA_KEY_LEN)
        .ok_or(Error::UnwrapFailed { key_id })?;
    secrets(SecretBytes::copy_of(data_key), iv, key_id, scheme)
}

async fn open_rsa(ring: &KeyRing, key: &[u8], iv: &[u8]) -> Result<PythonSecrets, Error> {
    let mut failure = None;
    for provider in ring.able_to_unwrap(WrapScheme::PythonRsaOaepSha1) {
        match open_rsa_with(provider, key, iv).await {
            Err(error @ Error::UnwrapFailed { .. }) => failure = failure.or(Some(error)),
            done => return done,
        }
    }
    // With several keys tried, none of them is to be blamed by name.
    let not_ours = || Error::NoKey {
        wanted: Vec::new(),
        held: ring.key_ids(),
    };
    Err(failure.filter(|_| ring.len() == 1).unwrap_or_else(not_ours))
}

async fn open_rsa_with(provider: &dyn KeyProvider, key: &[u8], iv: &[u8]) -> Result<PythonSecrets, Error> {
    let key_id = provider.key_id();
    for scheme in [WrapScheme::PythonRsaOaepSha1, WrapScheme::PythonRsaPkcs1v15] {
        let opened_key = not_failed(provider.unwrap(Wrapped::new(scheme, key, DATA_KEY_LEN)).await)?;
        let opened_iv = not_failed(provider.unwrap(Wrapped::new(scheme, iv, IV_LEN)).await)?;
        match (opened_key, opened_iv) {
            (Some(key), Some(iv)) => return secrets(key, iv.expose(), key_id, scheme),
            (None, None) => {}
            // One of each: no SDK mixes paddings in one object.
            _ => break,
        }
    }
    Err(Error::UnwrapFailed { key_id })
}

fn not_failed(unwrapped: Result<SecretBytes, Error>) -> Result<Option<SecretBytes>, Error> {
    match unwrapped {
        Ok(secret) => Ok(Some(secret)),
        Err(Error::UnwrapFailed { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

fn secrets(key: SecretBytes, iv: &[u8], key_id: KeyId, scheme: WrapScheme) -> Result<PythonSecrets, Error> {
    let data_key = DataKey::from_secret(key).ok_or(Error::UnwrapFailed { key_id })?;
    let iv = iv.try_into().map_err(|_| Error::UnwrapFailed { key_id })?;
    Ok(PythonSecrets {
        data_key,
        iv,
        key_id,
        scheme,
    })
}

fn decode(headers: &EnvelopeHeaders, field: Field) -> Result<Vec<u8>, Error> {
    STANDARD
        .decode(headers.require(field)?)
        .map_err(|_| Error::MalformedEnvelope {
            reason: format!("{} is not valid base64", field.name()),
        })
}

#[cfg(test)]
mod tests;
