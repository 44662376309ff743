//! Reading and decrypting an object, or a range of it, in one GET.

use std::ops::Range;
use std::sync::Arc;

use cos_transport::object::{GetObject as StoredGet, GetObjectOutput as Stored, ObjectHead as StoredHead};
use cos_transport::{ByteRange, ETag, ObjectKey, TrafficLimit};

use super::head::{ObjectHead, detected};
use super::plain::{Decryptor, PlainStream};
use super::{ContentFormat, EncryptedBucket, off_the_workers};
use crate::Error;
use crate::envelope::{OpenedEnvelope, PythonEnvelope, PythonSecrets, Readable};
use crate::keys::WrapScheme;
use crate::legacy::ctr::CtrStream;
use crate::seal::{Cover, Layout, Opener, ReadRange, SealedSpan};

/// Reads and decrypts an object. Begun by [`EncryptedBucket::get_object`].
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct GetObject {
    bucket: EncryptedBucket,
    key: ObjectKey,
    range: ReadRange,
    version_id: Option<String>,
    if_match: Option<ETag>,
    traffic_limit: Option<TrafficLimit>,
}

impl GetObject {
    pub(super) fn new(bucket: EncryptedBucket, key: ObjectKey) -> Self {
        Self {
            bucket,
            key,
            range: ReadRange::Full,
            version_id: None,
            if_match: None,
            traffic_limit: None,
        }
    }

    /// Only these bytes of the plaintext: `5..3000`, `5..`, `..=99`, or [`ByteRange::Suffix`].
    pub fn range(mut self, range: impl Into<ByteRange>) -> Self {
        self.range = match range.into() {
            ByteRange::Inclusive(start, last) => ReadRange::Between {
                start,
                end: last.saturating_add(1),
            },
            ByteRange::From(0) => ReadRange::Full,
            ByteRange::From(start) => ReadRange::From(start),
            ByteRange::Suffix(count) => ReadRange::Last(count),
        };
        self
    }

    /// This version rather than the latest.
    pub fn version_id(mut self, version_id: impl Into<String>) -> Self {
        self.version_id = Some(version_id.into());
        self
    }

    /// Only if the object has this entity tag.
    pub fn if_match(mut self, etag: ETag) -> Self {
        self.if_match = Some(etag);
        self
    }

    /// Limits the speed of this connection.
    pub fn traffic_limit(mut self, limit: TrafficLimit) -> Self {
        self.traffic_limit = Some(limit);
        self
    }

    /// Asks, opens the envelope, and hands out the plaintext as it arrives and is verified.
    ///
    /// A read or a range is one GET. Two requests are needed when the range is the end of the object
    /// ([`ByteRange::Suffix`]), or the object is not in the format that this client writes; the second then names the
    /// first one's entity tag.
    ///
    /// What is wrong is found in the order of docs/format.md §4: the envelope, the policy, the key, the object's length,
    /// and only then the range.
    ///
    /// # Errors
    /// Those of the read policy, of the envelope and its keys, of an impossible range, and of the request. Bytes that
    /// fail authentication are an error of the stream.
    pub async fn send(self) -> Result<GetObjectOutput, Error> {
        let stored = match self.ask()? {
            Some(request) => request.send().await,
            None => return self.send_with_length().await,
        };
        let stored = match stored {
            // Where a range lies in the object depends on the format, which was only assumed.
            Err(error) if is_outside(&error) => return self.send_with_length().await,
            answer => answer?,
        };
        let seen = self.unlock(&stored.head, stored.total_len()).await?;
        let plan = seen.plan(self.range)?;
        if plan.is_served_by(&stored) {
            return GetObjectOutput::new(stored, &seen, plan);
        }
        let head = stored.head.clone();
        drop(stored);
        self.fetch(head, seen, plan).await
    }

    /// The length first, then the bytes.
    async fn send_with_length(self) -> Result<GetObjectOutput, Error> {
        let mut request = self.bucket.plain.head_object(self.key.clone());
        if let Some(version_id) = &self.version_id {
            request = request.version_id(version_id);
        }
        if let Some(etag) = &self.if_match {
            request = request.if_match(etag.clone());
        }
        let head = request.send().await?;
        let seen = self.unlock(&head, head.content_length).await?;
        let plan = seen.plan(self.range)?;
        self.fetch(head, seen, plan).await
    }

    /// Fetches what the plan says, of an object that must still be the one that was seen.
    async fn fetch(mut self, head: StoredHead, seen: Seen, plan: Plan) -> Result<GetObjectOutput, Error> {
        let range = plan.stored_range();
        if range.is_empty() {
            return Ok(GetObjectOutput {
                head: ObjectHead::new(head, &seen.readable, seen.total_len)?,
                plain_range: plan.plain_range(),
                body: PlainStream::empty(),
            });
        }
        self.if_match = Some(head.etag);
        let answer = self.request(Some(range.into())).send().await;
        let stored = answer.map_err(|error| match error.is_precondition_failed() {
            true => Error::ChangedMeanwhile,
            false => error.into(),
        })?;
        let readable = detected(&stored.head)?.into_readable(self.bucket.settings.policy)?;
        let is_same = readable == seen.readable && stored.total_len() == seen.total_len;
        if !is_same || !plan.is_served_by(&stored) {
            return Err(Error::ChangedMeanwhile);
        }
        GetObjectOutput::new(stored, &seen, plan)
    }

    /// Reads the envelope out of an object's headers and opens it.
    async fn unlock(&self, head: &StoredHead, total_len: u64) -> Result<Seen, Error> {
        let readable = detected(head)?.into_readable(self.bucket.settings.policy)?;
        let (bucket, key) = (self.bucket.clone(), self.key.clone());
        let unlocking = {
            let readable = readable.clone();
            async move {
                let ring = &bucket.settings.ring;
                Ok(match &readable {
                    Readable::Sealed(envelope) => {
                        Unlocked::Sealed(envelope.open(ring, bucket.location(&key), total_len).await?)
                    }
                    Readable::Python(envelope) => Unlocked::Python(envelope.open(ring).await?),
                })
            }
        };
        let unlocked = match needs_rsa(&readable) {
            true => off_the_workers(unlocking).await?,
            false => unlocking.await?,
        };
        Ok(Seen {
            readable,
            unlocked,
            total_len,
        })
    }

    /// The GET for an object of which nothing is known yet, taken to be in the assumed format; none for a range that
    /// needs the length.
    fn ask(&self) -> Result<Option<StoredGet>, Error> {
        let span = match (self.bucket.settings.format, self.range) {
            (_, ReadRange::Full) => return Ok(Some(self.request(None))),
            (ContentFormat::Sealed, range) => range.span_without_length()?,
            (ContentFormat::CosPython, ReadRange::From(start)) => Some(SealedSpan { start, end: None }),
            (ContentFormat::CosPython, ReadRange::Between { start, end }) if start < end => {
                Some(SealedSpan {
                    start,
                    end: Some(end),
                })
            }
            (ContentFormat::CosPython, ReadRange::Between { .. }) => return Err(Error::EmptyRange),
            (ContentFormat::CosPython, ReadRange::Last(_)) => None,
        };
        Ok(span.map(|span| match span {
            SealedSpan {
                start,
                end: Some(end),
            } => self.request(Some((start..end).into())),
            SealedSpan { start, end: None } => self.request(Some(ByteRange::From(start))),
        }))
    }

    fn request(&self, range: Option<ByteRange>) -> StoredGet {
        let mut request = self.bucket.plain.get_object(self.key.clone());
        if let Some(range) = range {
            request = request.range(range);
        }
        if let Some(version_id) = &self.version_id {
            request = request.version_id(version_id);
        }
        if let Some(etag) = &self.if_match {
            request = request.if_match(etag.clone());
        }
        if let Some(limit) = self.traffic_limit {
            request = request.traffic_limit(limit);
        }
        request
    }
}

fn is_outside(error: &cos_transport::Error) -> bool {
    error.service().is_some_and(|e| e.status.as_u16() == 416)
}

/// Whether opening the envelope can take milliseconds.
fn needs_rsa(readable: &Readable) -> bool {
    match readable {
        Readable::Sealed(envelope) => envelope
            .recipients()
            .iter()
            .any(|recipient| recipient.scheme() == WrapScheme::RsaOaepSha256),
        Readable::Python(envelope) => matches!(envelope, PythonEnvelope::Rsa { .. }),
    }
}

/// An object whose envelope has been opened.
struct Seen {
    readable: Readable,
    unlocked: Unlocked,
    /// Length as stored, in bytes.
    total_len: u64,
}

enum Unlocked {
    Sealed(OpenedEnvelope),
    Python(PythonSecrets),
}

impl Seen {
    fn plan(&self, range: ReadRange) -> Result<Plan, Error> {
        match &self.unlocked {
            Unlocked::Sealed(opened) => Ok(Plan::Sealed(opened.layout.cover(range)?)),
            // The plaintext has the same offsets; the sealed layout's arithmetic of ranges serves here too.
            Unlocked::Python(_) => {
                let plain = Layout::of_plain(self.total_len)?.cover(range)?.plain();
                Ok(Plan::Ctr(plain))
            }
        }
    }

    fn decryptor(&self, plan: Plan) -> Result<Decryptor, Error> {
        match (&self.unlocked, plan) {
            (Unlocked::Sealed(opened), Plan::Sealed(cover)) => {
                let opener = Opener::new(Arc::clone(&opened.content_key), cover);
                Ok(Decryptor::Sealed(Box::new(opener)))
            }
            (Unlocked::Python(secrets), Plan::Ctr(range)) => {
                let keystream = CtrStream::new(&secrets.data_key, &secrets.iv, range.start)?;
                Ok(Decryptor::Ctr(Box::new(keystream)))
            }
            (Unlocked::Sealed(_) | Unlocked::Python(_), _) => Err(Error::ChangedMeanwhile),
        }
    }
}

/// Which stored bytes serve the read, and what of them is wanted.
enum Plan {
    Sealed(Cover),
    Ctr(Range<u64>),
}

impl Plan {
    fn stored_range(&self) -> Range<u64> {
        match self {
            Self::Sealed(cover) => cover.sealed(),
            Self::Ctr(range) => range.clone(),
        }
    }

    fn plain_range(&self) -> Range<u64> {
        match self {
            Self::Sealed(cover) => cover.plain(),
            Self::Ctr(range) => range.clone(),
        }
    }

    /// Whether the answer begins with all that is needed. What it has behind that is left out.
    fn is_served_by(&self, stored: &Stored) -> bool {
        let came = match stored.content_range {
            Some(range) => range.first..range.last + 1,
            None => 0..stored.head.content_length,
        };
        let needed = self.stored_range();
        came.start == needed.start && came.end >= needed.end
    }
}

/// An object that is arriving, decrypted.
#[derive(Debug)]
#[non_exhaustive]
pub struct GetObjectOutput {
    /// Its headers.
    pub head: ObjectHead,
    /// Which bytes of the plaintext these are.
    pub plain_range: Range<u64>,
    /// The plaintext.
    pub body: PlainStream,
}

impl GetObjectOutput {
    fn new(stored: Stored, seen: &Seen, plan: Plan) -> Result<Self, Error> {
        let (plain_range, needed) = (plan.plain_range(), plan.stored_range());
        let decryptor = seen.decryptor(plan)?;
        Ok(Self {
            head: ObjectHead::new(stored.head, &seen.readable, seen.total_len)?,
            plain_range,
            body: PlainStream::new(stored.body, needed.end - needed.start, decryptor),
        })
    }
}
