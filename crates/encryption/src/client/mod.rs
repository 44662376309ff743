//! The encryption client: the object operations of [`cos_transport`], through encryption.
//!
//! Objects are encrypted before they leave and verified before they are handed out. One client serves many tasks; it
//! is cheap to clone, and a dropped future leaves nothing behind but perhaps a request that the service forgets.

mod get;
mod head;
mod plain;
mod put;
mod source;
mod stream;

use std::sync::Arc;

use cos_transport::object::{DeleteObject, ListObjects};
use cos_transport::{Bucket, BucketName, Client, Metadata, ObjectKey};

pub use get::{GetObject, GetObjectOutput};
pub use head::{HeadObject, ObjectFormat, ObjectHead};
pub use plain::PlainStream;
pub use put::{PutObject, PutObjectOutput};
pub use source::Source;

use crate::Error;
use crate::envelope::budget::METADATA_LIMIT;
use crate::envelope::headers::METADATA_PREFIX;
use crate::envelope::{Binding, Location};
use crate::keys::KeyRing;
use crate::policy::ReadPolicy;

// The pure modules do without the transport; what both know must be the same.
const _: () = {
    assert!(METADATA_LIMIT == Metadata::MAX_LEN);
    let (here, there) = (
        METADATA_PREFIX.as_bytes(),
        cos_transport::METADATA_PREFIX.as_bytes(),
    );
    assert!(here.len() == there.len());
    let mut i = 0;
    while i < here.len() {
        assert!(here[i] == there[i]);
        i += 1;
    }
};

/// In which format objects are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ContentFormat {
    /// The authenticated format of `docs/format.md`.
    #[default]
    Sealed,
    /// What the official Python SDK reads: AES-256-CTR. **Nothing in it is authenticated**, and under one AES key the
    /// wrapped data keys give each other away. For exchange with programs that read nothing else.
    CosPython,
}

/// A client that encrypts what it writes and verifies what it reads.
#[derive(Debug, Clone)]
pub struct EncryptionClient {
    cos: Client,
    settings: Settings,
}

#[derive(Debug, Clone)]
struct Settings {
    ring: Arc<KeyRing>,
    format: ContentFormat,
    policy: ReadPolicy,
    binding: Binding,
}

impl EncryptionClient {
    /// A client that writes sealed objects for all keys of the ring, and reads sealed objects only.
    #[must_use]
    pub fn new(cos: Client, keys: impl Into<KeyRing>) -> Self {
        let settings = Settings {
            ring: Arc::new(keys.into()),
            format: ContentFormat::default(),
            policy: ReadPolicy::default(),
            binding: Binding::default(),
        };
        Self { cos, settings }
    }

    /// In which format objects are written.
    #[must_use]
    pub fn with_format(mut self, format: ContentFormat) -> Self {
        self.settings.format = format;
        self
    }

    /// Which formats reads accept.
    #[must_use]
    pub fn with_read_policy(mut self, policy: ReadPolicy) -> Self {
        self.settings.policy = policy;
        self
    }

    /// What sealed objects are bound to: their key unless set.
    #[must_use]
    pub fn with_binding(mut self, binding: Binding) -> Self {
        self.settings.binding = binding;
        self
    }

    /// The calls of one bucket.
    #[must_use]
    pub fn bucket(&self, name: BucketName) -> EncryptedBucket {
        EncryptedBucket {
            plain: self.cos.bucket(name),
            settings: self.settings.clone(),
        }
    }

    /// The client underneath, which encrypts nothing.
    #[must_use]
    pub fn plain(&self) -> &Client {
        &self.cos
    }
}

/// One bucket, reached through an [`EncryptionClient`].
#[derive(Debug, Clone)]
pub struct EncryptedBucket {
    plain: Bucket,
    settings: Settings,
}

impl EncryptedBucket {
    /// Encrypts and writes an object.
    pub fn put_object(&self, key: ObjectKey, source: impl Into<Source>) -> PutObject {
        PutObject::new(self.clone(), key, source.into())
    }

    /// Reads and decrypts an object, or a range of it.
    pub fn get_object(&self, key: ObjectKey) -> GetObject {
        GetObject::new(self.clone(), key)
    }

    /// Asks for an object's headers: its plaintext length, its format. Needs no key.
    pub fn head_object(&self, key: ObjectKey) -> HeadObject {
        HeadObject::new(self.clone(), key)
    }

    /// Deletes an object.
    pub fn delete_object(&self, key: ObjectKey) -> DeleteObject {
        self.plain.delete_object(key)
    }

    /// Lists objects with their lengths as stored.
    pub fn list_objects(&self) -> ListObjects {
        self.plain.list_objects()
    }

    /// The bucket underneath, which encrypts nothing.
    #[must_use]
    pub fn plain(&self) -> &Bucket {
        &self.plain
    }

    fn location<'a>(&'a self, key: &'a ObjectKey) -> Location<'a> {
        Location {
            bucket: self.plain.name().as_str(),
            key: key.as_str(),
        }
    }
}

/// Awaits `work` on a thread where computing for long is allowed: RSA takes milliseconds, and so do megabytes of AES.
async fn off_the_workers<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let runtime = tokio::runtime::Handle::current();
    match tokio::task::spawn_blocking(move || runtime.block_on(work)).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::Crypto("the runtime is shutting down")),
        },
    }
}

#[cfg(test)]
mod tests;
