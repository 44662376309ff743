//! What is stored beside an encrypted object's bytes, and what its headers say of them.

use cos_transport::object::ObjectHead as StoredHead;
use cos_transport::{ETag, Metadata, ObjectKey};

use super::EncryptedBucket;
use crate::Error;
use crate::envelope::headers::Field;
use crate::envelope::{Description, Detected, EnvelopeHeaders, Readable, detect};
use crate::policy::ReadPolicy;
use crate::seal::Layout;

/// Asks for an encrypted object's headers. Begun by [`EncryptedBucket::head_object`].
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct HeadObject {
    bucket: EncryptedBucket,
    key: ObjectKey,
    version_id: Option<String>,
}

impl HeadObject {
    pub(super) fn new(bucket: EncryptedBucket, key: ObjectKey) -> Self {
        Self {
            bucket,
            key,
            version_id: None,
        }
    }

    /// This version rather than the latest.
    pub fn version_id(mut self, version_id: impl Into<String>) -> Self {
        self.version_id = Some(version_id.into());
        self
    }

    /// Asks. Nothing is verified: that takes a key, and reading.
    ///
    /// # Errors
    /// [`Error::NotEncrypted`], formats that are not readable, a length that no sealed object has, and those of the
    /// request.
    pub async fn send(self) -> Result<ObjectHead, Error> {
        let mut request = self.bucket.plain.head_object(self.key);
        if let Some(version_id) = self.version_id {
            request = request.version_id(version_id);
        }
        let stored = request.send().await?;
        let readable = detected(&stored)?.into_readable(ReadPolicy::AllowUnauthenticated)?;
        let total_len = stored.content_length;
        ObjectHead::new(stored, &readable, total_len)
    }
}

/// Which format an object is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ObjectFormat {
    /// Authenticated: every byte is verified before it is handed out.
    Sealed,
    /// The official Python SDK's: nothing is authenticated.
    CosPython,
}

impl ObjectFormat {
    fn of(readable: &Readable) -> Self {
        match readable {
            Readable::Sealed(_) => Self::Sealed,
            Readable::Python(_) => Self::CosPython,
        }
    }

    /// A word for it, as the command line and JSON have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::CosPython => "cos-python",
        }
    }

    /// Whether what is read from such an object is verified.
    #[must_use]
    pub fn is_authenticated(self) -> bool {
        self == Self::Sealed
    }
}

/// An encrypted object's headers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectHead {
    /// Length of the plaintext, in bytes, as it follows from the stored length. **Not authenticated** until the end of
    /// the object has been read: whoever can write to the bucket can cut it.
    pub plain_len: u64,
    /// Length as stored, in bytes, as the service says; not authenticated either.
    pub stored_len: u64,
    /// The object's format.
    pub format: ObjectFormat,
    /// The headers as the service sent them. Its `content_length` is that of the ciphertext that came with them.
    pub stored: StoredHead,
}

impl ObjectHead {
    pub(super) fn new(stored: StoredHead, readable: &Readable, stored_len: u64) -> Result<Self, Error> {
        let plain_len = match readable {
            Readable::Sealed(_) => Layout::of_sealed(stored_len)?.plain_len(),
            Readable::Python(_) => stored_len,
        };
        Ok(Self {
            plain_len,
            stored_len,
            format: ObjectFormat::of(readable),
            stored,
        })
    }

    /// The entity tag, which covers the ciphertext.
    #[must_use]
    pub fn etag(&self) -> &ETag {
        &self.stored.etag
    }

    /// The user's own metadata, without the envelope.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        self.stored
            .metadata()
            .iter()
            .filter(|(name, _)| Field::of_name(name).is_none())
            .collect()
    }

    /// What the headers say, for people.
    ///
    /// # Errors
    /// [`Error::MalformedEnvelope`] when an encryption header is there twice.
    pub fn description(&self) -> Result<Description, Error> {
        Ok(Description::of(&envelope_headers(&self.stored)?))
    }
}

pub(super) fn detected(stored: &StoredHead) -> Result<Detected, Error> {
    Ok(detect::detect(&envelope_headers(stored)?))
}

fn envelope_headers(stored: &StoredHead) -> Result<EnvelopeHeaders, Error> {
    EnvelopeHeaders::collect(stored.metadata().iter())
}
