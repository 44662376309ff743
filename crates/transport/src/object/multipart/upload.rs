//! Parts: uploaded, or copied from an object.

use http::Method;
use http::header::{HeaderName, HeaderValue};
use jiff::Timestamp;

use crate::attributes::TrafficLimit;
use crate::body::Body;
use crate::bucket::Bucket;
use crate::error::{Error, IntegrityError, invalid};
use crate::name::ObjectKey;
use crate::object::conditions::Conditions;
use crate::object::copy::{CopySource, apply_source, source_condition_setters};
use crate::object::head::{crc64, text};
use crate::object::md5::{ContentMd5, md5_setters};
use crate::object::put::MAX_LEN;
use crate::request::{Call, header_value};
use crate::types::{ByteRange, ETag};
use crate::wire::multipart::{CompletedPart, CopyResult, PartNumber};

/// Uploads one part. Begun by [`Bucket::upload_part`]. The same number again replaces the part.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct UploadPart {
    bucket: Bucket,
    key: ObjectKey,
    upload_id: String,
    number: PartNumber,
    body: Body,
    traffic_limit: Option<TrafficLimit>,
    md5: ContentMd5,
}

impl UploadPart {
    pub(crate) fn new(
        bucket: Bucket,
        key: ObjectKey,
        upload_id: String,
        number: PartNumber,
        body: Body,
    ) -> Self {
        Self {
            bucket,
            key,
            upload_id,
            number,
            body,
            traffic_limit: None,
            md5: ContentMd5::None,
        }
    }

    md5_setters!();

    /// Limits the speed of this connection.
    pub fn traffic_limit(mut self, limit: TrafficLimit) -> Self {
        self.traffic_limit = Some(limit);
        self
    }

    /// Sends the part, and compares the CRC-64 that the service computed with that of the bytes sent.
    ///
    /// # Errors
    /// Besides those of every request: a part above 5 GiB, and [`Error::Integrity`] when the service received other
    /// bytes. A part that is too short is refused only when the upload is completed.
    pub async fn send(self) -> Result<UploadPartOutput, Error> {
        let len = self.body.len();
        if len > MAX_LEN {
            return Err(invalid(format!(
                "a part of {len} bytes is more than the 5 GiB that are possible"
            )));
        }
        let md5 = self.md5.value(&self.body).await?;
        let (body, sent) = self.body.with_crc();
        let mut call = Call::new(Method::PUT, self.bucket.target(Some(&self.key))?)
            .param("partNumber", self.number)
            .param("uploadId", &self.upload_id)
            .with_body(body);
        if let Some(limit) = self.traffic_limit {
            call.headers
                .insert(HeaderName::from_static("x-cos-traffic-limit"), limit.to_header());
        }
        if let Some(md5) = md5 {
            call.headers.insert(HeaderName::from_static("content-md5"), md5);
        }
        let answer = self.bucket.client().execute(call).await?;
        let headers = answer.headers();
        let etag = text(headers, "etag").ok_or_else(|| {
            Error::Protocol("the answer has no ETag; the part may not have been stored".into())
        })?;
        let (sent, stored) = (sent.value(), crc64(headers)?);
        if let Some(received) = stored.filter(|stored| *stored != sent) {
            return Err(IntegrityError::Upload { sent, received }.into());
        }
        Ok(UploadPartOutput {
            part: CompletedPart {
                number: self.number,
                etag: ETag::new(&etag),
                check: Some((len, sent)),
            },
            request_id: text(headers, "x-cos-request-id").unwrap_or_default(),
        })
    }
}

/// A part that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadPartOutput {
    /// What completing the upload needs to know of it.
    pub part: CompletedPart,
    /// Names the request for the service's support.
    pub request_id: String,
}

/// Makes a part out of an object, or a range of it. Begun by [`Bucket::upload_part_copy`].
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct UploadPartCopy {
    bucket: Bucket,
    key: ObjectKey,
    upload_id: String,
    number: PartNumber,
    source: CopySource,
    range: Option<(u64, u64)>,
    conditions: Conditions,
}

impl UploadPartCopy {
    pub(crate) fn new(
        bucket: Bucket,
        key: ObjectKey,
        upload_id: String,
        number: PartNumber,
        source: CopySource,
    ) -> Self {
        Self {
            bucket,
            key,
            upload_id,
            number,
            source,
            range: None,
            conditions: Conditions::default(),
        }
    }

    source_condition_setters!();

    /// Only these bytes of the source: from the first to the last offset, both included.
    pub fn source_range(mut self, first: u64, last: u64) -> Self {
        self.range = Some((first, last));
        self
    }

    /// Copies.
    ///
    /// # Errors
    /// Besides those of every request: a range that is empty or has more than 5 GiB.
    pub async fn send(self) -> Result<UploadPartCopyOutput, Error> {
        let mut call = Call::new(Method::PUT, self.bucket.target(Some(&self.key))?)
            .param("partNumber", self.number)
            .param("uploadId", &self.upload_id);
        apply_source(
            &mut call.headers,
            &self.source,
            self.bucket.client().endpoint(),
            &self.conditions,
        )?;
        if let Some((first, last)) = self.range {
            if last.saturating_sub(first) >= MAX_LEN {
                return Err(invalid("a part is made of at most 5 GiB of the source"));
            }
            let range: HeaderValue = header_value(
                "x-cos-copy-source-range",
                &ByteRange::Inclusive(first, last).to_header()?,
            )?;
            call.headers
                .insert(HeaderName::from_static("x-cos-copy-source-range"), range);
        }
        call.patience = Some(crate::object::LONG_PATIENCE);
        let (headers, document) = self.bucket.client().execute_document(call).await?;
        let copied = CopyResult::parse(&document, "CopyPartResult")?;
        let crc = copied.crc64.or(crc64(&headers)?);
        let check = self
            .range
            .zip(crc)
            .and_then(|((first, last), crc)| Some(((last - first).checked_add(1)?, crc)));
        Ok(UploadPartCopyOutput {
            part: CompletedPart {
                number: self.number,
                etag: copied.etag,
                check,
            },
            last_modified: copied.last_modified,
            source_version_id: text(&headers, "x-cos-copy-source-version-id"),
            request_id: text(&headers, "x-cos-request-id").unwrap_or_default(),
        })
    }
}

/// A part that was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadPartCopyOutput {
    /// What completing the upload needs to know of it.
    pub part: CompletedPart,
    /// When the part was written.
    pub last_modified: Timestamp,
    /// The version that was copied.
    pub source_version_id: Option<String>,
    /// Names the request for the service's support.
    pub request_id: String,
}
