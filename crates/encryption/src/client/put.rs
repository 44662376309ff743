//! Encrypting and writing an object.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use cos_transport::object::PutObjectOutput as Stored;
use cos_transport::transfer::MAX_PART_SIZE;
use cos_transport::{Body, ETag, ObjectAttributes, ObjectKey, TrafficLimit, attribute_setters};
use futures_util::{Stream, TryStreamExt};

use super::source::Kind;
use super::stream::{Encryptor, as_reader, encrypt_file, encrypt_reader, open_file, source_error};
use super::{ContentFormat, EncryptedBucket, Source, off_the_workers};
use crate::Error;
use crate::envelope::headers::Field;
use crate::envelope::{EnvelopeHeaders, PythonEnvelope, SealedEnvelope, budget};
use crate::keys::KeyId;
use crate::legacy::ctr::CtrStream;
use crate::seal::{Layout, SealingKey};

/// The longest body of one request, in bytes: that of an object or of a part.
const MAX_STORED_LEN: u64 = MAX_PART_SIZE;
/// How much of that file is read at once, in bytes.
const SPOOL_PIECE: usize = 256 * 1024;
/// Most plaintext that is encrypted without leaving the thread, in bytes: less than a millisecond's work.
const ENCRYPT_ON_WORKER: usize = 1024 * 1024;
/// Ciphertext of a reader that is kept in memory, in bytes; more goes to a temporary file.
const SPOOL_IN_MEMORY: usize = 8 * 1024 * 1024;

/// Encrypts and writes an object. Begun by [`EncryptedBucket::put_object`].
///
/// There is no setter for Content-MD5: it would cover the plaintext, which the service never sees. The CRC-64 of the
/// ciphertext is always compared.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct PutObject {
    bucket: EncryptedBucket,
    key: ObjectKey,
    source: Source,
    attributes: ObjectAttributes,
    traffic_limit: Option<TrafficLimit>,
}

impl PutObject {
    pub(super) fn new(bucket: EncryptedBucket, key: ObjectKey, source: Source) -> Self {
        Self {
            bucket,
            key,
            source,
            attributes: ObjectAttributes::default(),
            traffic_limit: None,
        }
    }

    attribute_setters!();

    /// Limits the speed of this connection.
    pub fn traffic_limit(mut self, limit: TrafficLimit) -> Self {
        self.traffic_limit = Some(limit);
        self
    }

    /// Encrypts under a fresh data key and sends. Another attempt sends the same ciphertext again or, for a file,
    /// begins anew under another data key: no two plaintexts ever share one.
    ///
    /// # Errors
    /// Unsuitable keys, metadata that does not fit beside the envelope, a source that cannot be read or changes,
    /// ciphertext above 5 GiB, and those of the request.
    pub async fn send(self) -> Result<PutObjectOutput, Error> {
        let Self {
            bucket,
            key,
            source,
            attributes,
            traffic_limit,
        } = self;
        // The source apart: streams and readers are not `Sync`, and the rest is borrowed while a request is under way.
        let write = Write {
            bucket,
            key,
            attributes,
            traffic_limit,
        };
        write.refuse_reserved_metadata()?;
        match source.0 {
            Kind::Bytes(plain) => write.send_bytes(plain).await,
            Kind::File(path) => write.send_file(path).await,
            Kind::Stream(len, stream) => {
                let (encryptor, envelope) = write.begin().await?;
                let stored_len = write.check_len(len)?;
                let body = Body::from_stream(stored_len, encrypt_reader(as_reader(len, stream), encryptor));
                write.store(&envelope, body, len).await
            }
            Kind::Reader(reader) => {
                let (encryptor, envelope) = write.begin().await?;
                let (body, stored_len) = spool(encrypt_reader(reader, encryptor)).await?;
                write.store(&envelope, body, write.plain_len(stored_len)?).await
            }
        }
    }
}

/// A write, apart from what is written.
struct Write {
    bucket: EncryptedBucket,
    key: ObjectKey,
    attributes: ObjectAttributes,
    traffic_limit: Option<TrafficLimit>,
}

impl Write {
    async fn send_bytes(&self, plain: Bytes) -> Result<PutObjectOutput, Error> {
        let plain_len = plain.len();
        let (encryptor, envelope) = self.begin().await?;
        self.check_len(plain_len as u64)?;
        let sealed = match plain_len <= ENCRYPT_ON_WORKER {
            true => encryptor.encrypt(&plain)?,
            false => off_the_workers(async move { encryptor.encrypt(&plain) }).await?,
        };
        self.store(&envelope, sealed.into(), plain_len as u64).await
    }

    async fn send_file(&self, path: PathBuf) -> Result<PutObjectOutput, Error> {
        let mut attempts = self.bucket.plain.client().retry_policy().start();
        loop {
            let path = path.clone();
            let opened = blocking(move || open_file(&path)).await;
            let (file, identity) = opened.map_err(Error::Source)?;
            let len = identity.len;
            let stored_len = self.check_len(len)?;
            let (encryptor, envelope) = self.begin().await?;
            let body = Body::from_stream(stored_len, encrypt_file(file, identity, encryptor));
            let error = match self.store(&envelope, body, len).await {
                Err(Error::Transport(error)) if error.is_retryable() => error,
                result => return result,
            };
            if !attempts.wait(&error, error.retry_after()).await {
                return Err(error.into());
            }
        }
    }

    /// A fresh data key, and the envelope that carries it.
    async fn begin(&self) -> Result<(Encryptor, Envelope), Error> {
        let settings = &self.bucket.settings;
        let (encryptor, envelope) = match settings.format {
            ContentFormat::Sealed => {
                let key = SealingKey::generate()?;
                let location = self.bucket.location(&self.key);
                let envelope = SealedEnvelope::seal(&key, &settings.ring, settings.binding, location).await?;
                let key_ids = envelope
                    .recipients()
                    .iter()
                    .map(|recipient| recipient.key_id())
                    .collect();
                let encryptor = Encryptor::sealed(key);
                (
                    encryptor,
                    Envelope {
                        headers: envelope.to_headers(),
                        key_ids,
                    },
                )
            }
            ContentFormat::CosPython => {
                let (envelope, secrets) = PythonEnvelope::create(&settings.ring).await?;
                let keystream = CtrStream::new(&secrets.data_key, &secrets.iv, 0)?;
                let encryptor = Encryptor::Ctr(Box::new(keystream));
                (
                    encryptor,
                    Envelope {
                        headers: envelope.to_headers(),
                        key_ids: vec![secrets.key_id],
                    },
                )
            }
        };
        budget::check(&envelope.headers, self.attributes.metadata.iter())?;
        Ok((encryptor, envelope))
    }

    async fn store(&self, envelope: &Envelope, body: Body, plain_len: u64) -> Result<PutObjectOutput, Error> {
        let mut attributes = self.attributes.clone();
        for (name, value) in envelope.headers.iter() {
            attributes.metadata.insert(name, value);
        }
        let mut request = self
            .bucket
            .plain
            .put_object(self.key.clone(), body)
            .attributes(attributes);
        if let Some(limit) = self.traffic_limit {
            request = request.traffic_limit(limit);
        }
        let stored = request.send().await.map_err(|error| match error {
            cos_transport::Error::Source(error) => source_error(error),
            other => other.into(),
        })?;
        Ok(PutObjectOutput::new(stored, plain_len, envelope.key_ids.clone()))
    }

    /// Nobody may say something about the encryption but the encryption itself.
    fn refuse_reserved_metadata(&self) -> Result<(), Error> {
        match self
            .attributes
            .metadata
            .iter()
            .find(|(name, _)| Field::of_name(name).is_some())
        {
            Some((name, _)) => Err(Error::ReservedMetadata {
                name: name.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Stored length for so many bytes of plaintext.
    fn check_len(&self, plain_len: u64) -> Result<u64, Error> {
        let stored_len = match self.bucket.settings.format {
            ContentFormat::Sealed => Layout::of_plain(plain_len)?.sealed_len(),
            ContentFormat::CosPython => plain_len,
        };
        match stored_len <= MAX_STORED_LEN {
            true => Ok(stored_len),
            false => Err(Error::TooLongForOneRequest),
        }
    }

    fn plain_len(&self, stored_len: u64) -> Result<u64, Error> {
        match self.bucket.settings.format {
            ContentFormat::Sealed => Ok(Layout::of_sealed(stored_len)?.plain_len()),
            ContentFormat::CosPython => Ok(stored_len),
        }
    }
}

struct Envelope {
    headers: EnvelopeHeaders,
    key_ids: Vec<KeyId>,
}

/// Collects ciphertext until it ends, so that its length is known before it is sent.
async fn spool(mut ciphertext: cos_transport::SendStream) -> Result<(Body, u64), Error> {
    let mut memory = Vec::new();
    let mut spill: Option<File> = None;
    let mut len = 0u64;
    while let Some(piece) = ciphertext.try_next().await.map_err(source_error)? {
        len += piece.len() as u64;
        if len > MAX_STORED_LEN {
            return Err(Error::TooLongForOneRequest);
        }
        match &mut spill {
            None if memory.len() + piece.len() <= SPOOL_IN_MEMORY => memory.extend_from_slice(&piece),
            None => {
                let mut file = tempfile::tempfile().map_err(Error::Spool)?;
                let start = std::mem::take(&mut memory);
                spill = Some(
                    blocking(move || {
                        file.write_all(&start)
                            .and_then(|()| file.write_all(&piece))
                            .map(|()| file)
                    })
                    .await
                    .map_err(Error::Spool)?,
                );
            }
            Some(file) => {
                let mut file = file.try_clone().map_err(Error::Spool)?;
                blocking(move || file.write_all(&piece))
                    .await
                    .map_err(Error::Spool)?;
            }
        }
    }
    let Some(file) = spill else {
        return Ok((Body::from(memory), len));
    };
    let file = Arc::new(file);
    let body = Body::from_fn(len, move || Box::pin(read_from_start(Arc::clone(&file))));
    Ok((body, len))
}

/// The bytes of a file that several attempts share: none moves the other's position.
fn read_from_start(file: Arc<File>) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    futures_util::stream::try_unfold(0u64, move |offset| {
        let file = Arc::clone(&file);
        async move {
            let piece = blocking(move || {
                let mut piece = vec![0; SPOOL_PIECE];
                let len = file.read_at(&mut piece, offset)?;
                piece.truncate(len);
                Ok(Bytes::from(piece))
            })
            .await?;
            let next = offset + piece.len() as u64;
            Ok((!piece.is_empty()).then_some((piece, next)))
        }
    })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)
        .and_then(|done| done)
}

/// What is known of an object that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutObjectOutput {
    /// Entity tag of the ciphertext.
    pub etag: ETag,
    /// CRC-64 of the ciphertext.
    pub crc64: Option<u64>,
    /// The version written, in a bucket with versions.
    pub version_id: Option<String>,
    /// Names the request for the service's support.
    pub request_id: String,
    /// Length of the plaintext, in bytes.
    pub plain_len: u64,
    /// The keys that open the object.
    pub key_ids: Vec<KeyId>,
}

impl PutObjectOutput {
    fn new(stored: Stored, plain_len: u64, key_ids: Vec<KeyId>) -> Self {
        let Stored {
            etag,
            crc64,
            version_id,
            request_id,
            ..
        } = stored;
        Self {
            etag,
            crc64,
            version_id,
            request_id,
            plain_len,
            key_ids,
        }
    }
}
