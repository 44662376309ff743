//! The sealed format's envelope (docs/format.md §3, §4).

mod encode;
mod parse;

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::headers::EnvelopeHeaders;
use crate::Error;
use crate::keys::{KeyId, KeyRing, WrapScheme};
use crate::seal::cobblestone::{ALGORITHM, envelope_mac_key};
use crate::seal::{Commitment, ContentKey, Layout, Salt};
use crate::secret::{DATA_KEY_LEN, DataKey};

/// Most recipients that one envelope may have.
pub const MAX_RECIPIENTS: usize = 16;

const MAC_LEN: usize = 32;
const TRANSCRIPT_PREFIX: &[u8] = b"coscrypt/v1 envelope\0";

/// What the envelope is bound to: where the object may be found and still open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Binding {
    /// Nothing: the object opens under any name.
    None,
    /// The object key: an object that was renamed or swapped is refused.
    #[default]
    Key,
    /// Bucket and object key.
    BucketAndKey,
}

impl Binding {
    /// The word for it in the envelope.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Key => "key",
            Self::BucketAndKey => "bucket+key",
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Key => 1,
            Self::BucketAndKey => 2,
        }
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "any object (they are bound to no name)",
            Self::Key => "this object key",
            Self::BucketAndKey => "this bucket and object key",
        })
    }
}

/// Where an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location<'a> {
    /// The bucket's full name, `name-appid`.
    pub bucket: &'a str,
    /// The object key, without a leading slash of the URL.
    pub key: &'a str,
}

/// One holder of the data key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    scheme: WrapScheme,
    key_id: KeyId,
    wrapped: Vec<u8>,
}

impl Recipient {
    /// How the data key is wrapped.
    #[must_use]
    pub fn scheme(&self) -> WrapScheme {
        self.scheme
    }

    /// The key that unwraps it.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The wrapped data key.
    #[must_use]
    pub fn wrapped(&self) -> &[u8] {
        &self.wrapped
    }
}

/// A well-formed envelope of the sealed format. Well-formed is not authentic: that is for [`SealedEnvelope::open`] to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEnvelope {
    salt: Salt,
    commitment: Commitment,
    recipients: Vec<Recipient>,
    binding: Binding,
    mac: [u8; MAC_LEN],
}

/// An envelope that was opened and found authentic.
#[derive(Debug)]
pub struct OpenedEnvelope {
    /// The data key: to write a new envelope for the same body.
    pub data_key: DataKey,
    /// The content key, its commitment checked.
    pub content_key: Arc<ContentKey>,
    /// The object's layout, its length checked.
    pub layout: Layout,
    /// The key that opened it.
    pub key_id: KeyId,
}

impl SealedEnvelope {
    /// Reads an envelope: strictly, in its one canonical form, within its limits.
    ///
    /// # Errors
    /// [`Error::MalformedEnvelope`] says which header is wrong and how; [`Error::Unsupported`] for another content algorithm
    /// or a later version.
    pub fn from_headers(headers: &EnvelopeHeaders) -> Result<Self, Error> {
        parse::parse(headers)
    }

    /// The six headers.
    #[must_use]
    pub fn to_headers(&self) -> EnvelopeHeaders {
        encode::encode(self)
    }

    /// Makes an envelope for a new object: wraps the data key for every key of the ring, in its order.
    ///
    /// To rewrap, call it with the data key and the salt of the object's present envelope: the body stays as it is.
    ///
    /// # Errors
    /// [`Error::RecipientCount`]; [`Error::KeyUnsuitable`] for a key that the format does not take; what the keys report.
    pub async fn seal(
        data_key: &DataKey,
        salt: &Salt,
        ring: &KeyRing,
        binding: Binding,
        location: Location<'_>,
    ) -> Result<Self, Error> {
        let count = ring.len();
        if count == 0 || count > MAX_RECIPIENTS {
            return Err(Error::RecipientCount { count });
        }
        let commitment = *ContentKey::derive(data_key, salt)?.commitment();
        let mut recipients = Vec::with_capacity(count);
        for provider in ring.providers() {
            let key_id = provider.key_id();
            let scheme = WrapScheme::SEALED
                .into_iter()
                .find(|scheme| provider.can_wrap(*scheme));
            let Some(scheme) = scheme else {
                let reason =
                    "the sealed format takes AES keys of exactly 32 bytes and RSA keys of 2048 to 8192 bits"
                        .to_owned();
                return Err(Error::KeyUnsuitable { key_id, reason });
            };
            let wrapped = provider.wrap(scheme, data_key.expose()).await?;
            recipients.push(Recipient {
                scheme,
                key_id,
                wrapped,
            });
        }
        let mut envelope = Self {
            salt: *salt,
            commitment,
            recipients,
            binding,
            mac: [0; MAC_LEN],
        };
        envelope.mac = envelope
            .compute_mac(data_key, location)?
            .finalize()
            .into_bytes()
            .into();
        Ok(envelope)
    }

    /// Opens the envelope of an object that is `sealed_len` bytes long and lies at `location`, in the order of
    /// docs/format.md §4: recipient, unwrap, MAC, commitment, length.
    ///
    /// # Errors
    /// [`Error::NoKey`], [`Error::PublicKeyOnly`], [`Error::WrappedKeyTampered`], [`Error::EnvelopeTampered`],
    /// [`Error::CommitmentMismatch`], [`Error::IllegalLength`].
    pub async fn open(
        &self,
        ring: &KeyRing,
        location: Location<'_>,
        sealed_len: u64,
    ) -> Result<OpenedEnvelope, Error> {
        let (recipient, provider) = ring.find_recipient(&self.recipients)?;
        let key_id = recipient.key_id;
        let secret = provider
            .unwrap(recipient.scheme, &recipient.wrapped, DATA_KEY_LEN)
            .await
            .map_err(|error| match error {
                // The key id is derived from the key: this is the right key, so the headers are wrong.
                Error::UnwrapFailed { key_id } => Error::WrappedKeyTampered { key_id },
                other => other,
            })?;
        let data_key = DataKey::from_secret(secret).ok_or(Error::WrappedKeyTampered { key_id })?;
        self.compute_mac(&data_key, location)?
            .verify_slice(&self.mac)
            .map_err(|_| Error::EnvelopeTampered {
                binding: self.binding,
            })?;
        let content_key = ContentKey::derive(&data_key, &self.salt)?;
        if !content_key.commits_to(&self.commitment) {
            return Err(Error::CommitmentMismatch);
        }
        let layout = Layout::of_sealed(sealed_len)?;
        Ok(OpenedEnvelope {
            data_key,
            content_key: Arc::new(content_key),
            layout,
            key_id,
        })
    }

    /// The salt, public.
    #[must_use]
    pub fn salt(&self) -> &Salt {
        &self.salt
    }

    /// The commitment, public.
    #[must_use]
    pub fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    /// Who can open the object, in the order of the envelope.
    #[must_use]
    pub fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }

    /// What the envelope says that it is bound to.
    #[must_use]
    pub fn binding(&self) -> Binding {
        self.binding
    }

    /// The MAC over the transcript of docs/format.md §3.
    fn compute_mac(&self, data_key: &DataKey, location: Location<'_>) -> Result<Hmac<Sha256>, Error> {
        let key = envelope_mac_key(data_key)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key.expose())
            .map_err(|_| Error::Crypto("HMAC refused its key"))?;
        mac.update(TRANSCRIPT_PREFIX);
        update_prefixed(&mut mac, ALGORITHM.as_bytes());
        mac.update(self.salt.as_bytes());
        mac.update(self.commitment.as_bytes());
        mac.update(&[u8::try_from(self.recipients.len()).unwrap_or(u8::MAX)]);
        for recipient in &self.recipients {
            update_prefixed(&mut mac, recipient.scheme.name().as_bytes());
            mac.update(recipient.key_id.as_bytes());
            update_prefixed(&mut mac, &recipient.wrapped);
        }
        let (bucket, key) = match self.binding {
            Binding::None => ("", ""),
            Binding::Key => ("", location.key),
            Binding::BucketAndKey => (location.bucket, location.key),
        };
        mac.update(&[self.binding.code()]);
        update_prefixed(&mut mac, bucket.as_bytes());
        update_prefixed(&mut mac, key.as_bytes());
        Ok(mac)
    }
}

/// `lp(x)`: the length as 32 bits big-endian, then the bytes. Nothing in a transcript comes near 4 GiB.
fn update_prefixed(mac: &mut Hmac<Sha256>, bytes: &[u8]) {
    mac.update(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    mac.update(bytes);
}

#[cfg(test)]
mod tests;
