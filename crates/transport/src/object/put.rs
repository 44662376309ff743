//! `PUT Object`: an object in one request.

use http::header::HeaderName;
use http::{HeaderMap, Method};

use super::head::text;
use super::md5::{ContentMd5, md5_setters};
use crate::attribute_setters;
use crate::attributes::{ObjectAttributes, TrafficLimit};
use crate::body::Body;
use crate::bucket::Bucket;
use crate::error::{Error, IntegrityError, invalid};
use crate::name::ObjectKey;
use crate::request::Call;
use crate::types::ETag;

/// The longest body of one request, in bytes.
pub(super) const MAX_LEN: u64 = 5 * 1024 * 1024 * 1024;

/// Writes an object. Begun by [`Bucket::put_object`].
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct PutObject {
    bucket: Bucket,
    key: ObjectKey,
    body: Body,
    attributes: ObjectAttributes,
    traffic_limit: Option<TrafficLimit>,
    md5: ContentMd5,
}

impl PutObject {
    pub(crate) fn new(bucket: Bucket, key: ObjectKey, body: Body) -> Self {
        let attributes = ObjectAttributes::default();
        Self {
            bucket,
            key,
            body,
            attributes,
            traffic_limit: None,
            md5: ContentMd5::None,
        }
    }

    attribute_setters!();

    /// Limits the speed of this connection.
    pub fn traffic_limit(mut self, limit: TrafficLimit) -> Self {
        self.traffic_limit = Some(limit);
        self
    }

    md5_setters!();

    /// Sends the object, and compares the CRC-64 that the service computed with that of the bytes sent.
    ///
    /// # Errors
    /// Besides those of every request: a body above 5 GiB, impossible headers, and [`Error::Integrity`] when the
    /// service received other bytes.
    pub async fn send(self) -> Result<PutObjectOutput, Error> {
        if self.body.len() > MAX_LEN {
            return Err(invalid(format!(
                "{} bytes are more than the 5 GiB that one request may carry",
                self.body.len()
            )));
        }
        let md5 = self.md5.value(&self.body).await?;
        let (body, crc) = self.body.with_crc();
        let mut call = Call::new(Method::PUT, self.bucket.target(Some(&self.key))?).with_body(body);
        self.attributes.apply(&mut call.headers)?;
        if let Some(limit) = self.traffic_limit {
            call.headers
                .insert(HeaderName::from_static("x-cos-traffic-limit"), limit.to_header());
        }
        if let Some(md5) = md5 {
            call.headers.insert(HeaderName::from_static("content-md5"), md5);
        }
        let answer = self.bucket.client().execute(call).await?;
        let output = PutObjectOutput::from_headers(answer.headers())?;
        match output.crc64 {
            Some(received) if received != crc.value() => Err(IntegrityError::Upload {
                sent: crc.value(),
                received,
            }
            .into()),
            _ => Ok(output),
        }
    }
}

/// What the service says of an object that it stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutObjectOutput {
    /// MD5 of the stored bytes, unless the service encrypts them.
    pub etag: ETag,
    /// CRC-64 of the stored bytes.
    pub crc64: Option<u64>,
    /// The version written, in a bucket with versions.
    pub version_id: Option<String>,
    /// Names the request for the service's support.
    pub request_id: String,
}

impl PutObjectOutput {
    fn from_headers(headers: &HeaderMap) -> Result<Self, Error> {
        let etag = text(headers, "etag").ok_or_else(|| {
            Error::Protocol("the answer has no ETag; the object may not have been stored".into())
        })?;
        Ok(Self {
            etag: ETag::new(&etag),
            crc64: super::head::crc64(headers)?,
            version_id: text(headers, "x-cos-version-id"),
            request_id: text(headers, "x-cos-request-id").unwrap_or_default(),
        })
    }
}
