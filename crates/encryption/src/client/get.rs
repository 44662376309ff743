//! Reading and decrypting an object, or a range of it, in one GET.

use std::ops::Range;

use cos_transport::object::{GetObject as StoredGet, GetObjectOutput as Stored};
use cos_transport::{ByteRange, ETag, ObjectKey, TrafficLimit};

use super::head::{ObjectHead, detected};
use super::plain::{Decryptor, PlainStream};
use super::{ContentFormat, EncryptedBucket};
use crate::Error;
use crate::envelope::{PythonEnvelope, Readable, SealedEnvelope};
use crate::legacy::ctr::CtrStream;
use crate::seal::{Cover, Opener, ReadRange, SealedSpan};

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
    /// A read or a range is one GET. Two are needed when the range is the end of the object ([`ByteRange::Suffix`]),
    /// or the object is not in the format that this client writes; the second then names the first one's entity tag.
    ///
    /// # Errors
    /// Those of the read policy, of the envelope and its keys, of an impossible range, and of the request. Bytes that
    /// fail authentication are an error of the stream.
    pub async fn send(mut self) -> Result<GetObjectOutput, Error> {
        let assumed = self.bucket.settings.format;
        let stored = match self.ask(assumed)? {
            Some(request) => request.send().await.map_err(|error| self.outside(error))?,
            None => return self.send_with_length().await,
        };
        let readable = detected(&stored.head)?.into_readable(self.bucket.settings.policy)?;
        let total_len = stored.total_len();
        let plan = Plan::new(self.range, &readable, total_len)?;
        if plan.is_served_by(&stored) {
            return self.open(stored, &readable, plan, total_len).await;
        }
        self.if_match = Some(stored.head.etag.clone());
        let head = stored.head.clone();
        drop(stored);
        self.fetch(ObjectHead::new(head, &readable, total_len)?, plan)
            .await
    }

    /// The end of an object: its length is needed first.
    async fn send_with_length(mut self) -> Result<GetObjectOutput, Error> {
        let mut request = self.bucket.plain.head_object(self.key.clone());
        if let Some(version_id) = &self.version_id {
            request = request.version_id(version_id);
        }
        if let Some(etag) = &self.if_match {
            request = request.if_match(etag.clone());
        }
        let stored = request.send().await?;
        let readable = detected(&stored)?.into_readable(self.bucket.settings.policy)?;
        let total_len = stored.content_length;
        let plan = Plan::new(self.range, &readable, total_len)?;
        self.if_match = Some(stored.etag.clone());
        self.fetch(ObjectHead::new(stored, &readable, total_len)?, plan)
            .await
    }

    /// Fetches what the plan says, of an object that must still be the one that was planned for.
    async fn fetch(self, seen: ObjectHead, plan: Plan) -> Result<GetObjectOutput, Error> {
        let stored = match plan.stored_range() {
            range if range.is_empty() => {
                return Ok(GetObjectOutput {
                    plain_range: plan.plain_range(),
                    head: seen,
                    body: PlainStream::empty(),
                });
            }
            range => self.request(Some(range.into())).send().await?,
        };
        let readable = detected(&stored.head)?.into_readable(self.bucket.settings.policy)?;
        let total_len = stored.total_len();
        let plan = Plan::new(self.range, &readable, total_len)?;
        if !plan.is_served_by(&stored) {
            return Err(Error::ChangedMeanwhile);
        }
        self.open(stored, &readable, plan, total_len).await
    }

    async fn open(
        &self,
        stored: Stored,
        readable: &Readable,
        plan: Plan,
        total_len: u64,
    ) -> Result<GetObjectOutput, Error> {
        let plain_range = plan.plain_range();
        let decryptor = match (readable, plan) {
            (Readable::Sealed(envelope), Plan::Sealed(cover)) => {
                self.open_sealed(envelope, cover, total_len).await?
            }
            (Readable::Python(envelope), Plan::Ctr(range)) => self.open_python(envelope, range.start).await?,
            (Readable::Sealed(_) | Readable::Python(_), _) => return Err(Error::ChangedMeanwhile),
        };
        let head = ObjectHead::new(stored.head, readable, total_len)?;
        Ok(GetObjectOutput {
            head,
            plain_range,
            body: PlainStream::new(stored.body, decryptor),
        })
    }

    async fn open_sealed(
        &self,
        envelope: &SealedEnvelope,
        cover: Cover,
        total_len: u64,
    ) -> Result<Decryptor, Error> {
        let location = self.bucket.location(&self.key);
        let opened = envelope
            .open(&self.bucket.settings.ring, location, total_len)
            .await?;
        Ok(Decryptor::Sealed(Box::new(Opener::new(
            opened.content_key,
            cover,
        ))))
    }

    async fn open_python(&self, envelope: &PythonEnvelope, start: u64) -> Result<Decryptor, Error> {
        let secrets = envelope.open(&self.bucket.settings.ring).await?;
        let keystream = CtrStream::new(&secrets.data_key, &secrets.iv, start)?;
        Ok(Decryptor::Ctr(Box::new(keystream)))
    }

    /// The GET for an object of which nothing is known yet, taken to be in the assumed format; none for a range that
    /// needs the length.
    fn ask(&self, assumed: ContentFormat) -> Result<Option<StoredGet>, Error> {
        let span = match (assumed, self.range) {
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

    /// A range behind the end of the ciphertext lies behind that of the plaintext too.
    fn outside(&self, error: cos_transport::Error) -> Error {
        let is_outside = error.service().is_some_and(|e| e.status.as_u16() == 416);
        match self.range {
            ReadRange::From(start) | ReadRange::Between { start, .. } if is_outside => {
                Error::RangeBehindEnd { start }
            }
            _ => error.into(),
        }
    }
}

/// Which stored bytes serve the read, and what of them is wanted.
enum Plan {
    Sealed(Cover),
    Ctr(Range<u64>),
}

impl Plan {
    fn new(range: ReadRange, readable: &Readable, total_len: u64) -> Result<Self, Error> {
        use crate::seal::Layout;
        match readable {
            Readable::Sealed(_) => Ok(Self::Sealed(Layout::of_sealed(total_len)?.cover(range)?)),
            // The plaintext has the same offsets; the sealed layout's arithmetic of ranges serves here too.
            Readable::Python(_) => Ok(Self::Ctr(Layout::of_plain(total_len)?.cover(range)?.plain())),
        }
    }

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

    fn is_served_by(&self, stored: &Stored) -> bool {
        let came = match stored.content_range {
            Some(range) => range.first..range.last + 1,
            None => 0..stored.head.content_length,
        };
        came == self.stored_range()
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
