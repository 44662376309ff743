//! The sealed format's envelope (docs/format.md §3, §4).

mod encode;
mod parse;

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::budget;
use super::headers::EnvelopeHeaders;
use crate::Error;
use crate::keys::{KeyId, KeyProvider, KeyRing, WrapScheme, Wrapped};
use crate::seal::cobblestone::{ALGORITHM, envelope_mac_key};
use crate::seal::{Commitment, Layout, OpeningKey, Salt, SealingKey};
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
    /// What opens the content, its commitment checked.
    pub content_key: Arc<OpeningKey>,
    /// The object's layout, its length checked.
    pub layout: Layout,
    /// The key that opened it.
    pub key_id: KeyId,
    data_key: DataKey,
    envelope: SealedEnvelope,
}

impl OpenedEnvelope {
    /// A new envelope for the same body: to add and remove recipients, or to move the object. The recipients that `keep`
    /// wants stay as they are, byte for byte, so that their keys are not needed; then those of `add` follow that are not
    /// among them.
    ///
    /// Who could read the object once may have kept its data key: removing a recipient takes nothing back.
    ///
    /// # Errors
    /// As [`SealedEnvelope::seal`].
    pub async fn rewrap(
        &self,
        keep: impl Fn(&Recipient) -> bool,
        add: &KeyRing,
        binding: Binding,
        location: Location<'_>,
    ) -> Result<SealedEnvelope, Error> {
        let mut recipients: Vec<_> = self
            .envelope
            .recipients
            .iter()
            .filter(|one| keep(one))
            .cloned()
            .collect();
        let new: Vec<_> = add
            .providers()
            .filter(|provider| recipients.iter().all(|kept| kept.key_id != provider.key_id()))
            .collect();
        check_count(recipients.len() + new.len())?;
        recipients.extend(wrap_for(new, &self.data_key).await?);
        let envelope = SealedEnvelope {
            recipients,
            binding,
            ..self.envelope.clone()
        };
        envelope.authenticated(&self.data_key, location)
    }
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

    /// Makes the envelope of a new object: wraps its data key for every key of the ring, in its order.
    ///
    /// # Errors
    /// [`Error::RecipientCount`]; [`Error::KeyUnsuitable`] for a key that the format does not take, or that wraps as it
    /// does not; [`Error::MetadataTooLarge`] when the recipients are too many for the service; what the keys report.
    pub async fn seal(
        key: &SealingKey,
        ring: &KeyRing,
        binding: Binding,
        location: Location<'_>,
    ) -> Result<Self, Error> {
        check_count(ring.len())?;
        let recipients = wrap_for(ring.providers(), key.data_key()).await?;
        let envelope = Self {
            salt: *key.salt(),
            commitment: *key.commitment(),
            recipients,
            binding,
            mac: [0; MAC_LEN],
        };
        envelope.authenticated(key.data_key(), location)
    }

    /// The envelope with its MAC, if any reader takes it: providers are not trusted to wrap as they should.
    fn authenticated(mut self, data_key: &DataKey, location: Location<'_>) -> Result<Self, Error> {
        check_count(self.recipients.len())?;
        let mac = self.compute_mac(data_key, location)?.finalize();
        self.mac = mac.into_bytes().into();
        let headers = self.to_headers();
        budget::check::<&str, &str>(&headers, [])?;
        match Self::from_headers(&headers) {
            Ok(read) if read == self => Ok(self),
            _ => Err(Error::Crypto("the new envelope does not read as it was written")),
        }
    }

    /// Opens the envelope of an object that is `sealed_len` bytes long and lies at `location`, in the order of
    /// docs/format.md §4: recipient, unwrap, MAC, derivation, commitment, length.
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
            .unwrap(Wrapped::new(recipient.scheme, &recipient.wrapped, DATA_KEY_LEN))
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
        let content_key = OpeningKey::derive(&data_key, &self.salt)?;
        if !content_key.commits_to(&self.commitment) {
            return Err(Error::CommitmentMismatch);
        }
        let layout = Layout::of_sealed(sealed_len)?;
        Ok(OpenedEnvelope {
            data_key,
            envelope: self.clone(),
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

fn check_count(count: usize) -> Result<(), Error> {
    match count {
        1..=MAX_RECIPIENTS => Ok(()),
        _ => Err(Error::RecipientCount { count }),
    }
}

async fn wrap_for(
    providers: impl IntoIterator<Item = &dyn KeyProvider>,
    data_key: &DataKey,
) -> Result<Vec<Recipient>, Error> {
    let mut recipients = Vec::new();
    for provider in providers {
        let key_id = provider.key_id();
        let unsuitable = |reason| Error::KeyUnsuitable { key_id, reason };
        let scheme = WrapScheme::SEALED
            .into_iter()
            .find(|scheme| provider.can_wrap(*scheme))
            .ok_or_else(|| {
                unsuitable(
                    "the sealed format takes AES keys of exactly 32 bytes and RSA keys of 2048 to 8192 bits"
                        .to_owned(),
                )
            })?;
        let wrapped = provider.wrap(scheme, data_key.expose()).await?;
        if !parse::is_wrapped_len(scheme, wrapped.len()) {
            return Err(unsuitable(format!(
                "it wraps a data key in {} bytes, which {} never gives",
                wrapped.len(),
                scheme.name()
            )));
        }
        recipients.push(Recipient {
            scheme,
            key_id,
            wrapped,
        });
    }
    Ok(recipients)
}

/// `lp(x)`: the length as 32 bits big-endian, then the bytes. Nothing in a transcript comes near 4 GiB.
fn update_prefixed(mac: &mut Hmac<Sha256>, bytes: &[u8]) {
    mac.update(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    mac.update(bytes);
}

#[cfg(test)]
mod tests;
