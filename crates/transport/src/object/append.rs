//! `APPEND Object`: an object that grows at its end.

use http::Method;
use http::header::HeaderName;

use super::head::{crc64, text};
use super::md5::{ContentMd5, md5_setters};
use super::put::MAX_LEN;
use crate::attribute_setters;
use crate::attributes::{ObjectAttributes, TrafficLimit};
use crate::body::Body;
use crate::bucket::Bucket;
use crate::error::{Error, IntegrityError, invalid};
use crate::name::ObjectKey;
use crate::request::{Call, Repeat};
use crate::types::ETag;

/// Appends to an object. Begun by [`Bucket::append_object`]. Headers and metadata count at position 0 only.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct AppendObject {
    bucket: Bucket,
    key: ObjectKey,
    position: u64,
    body: Body,
    attributes: ObjectAttributes,
    traffic_limit: Option<TrafficLimit>,
    md5: ContentMd5,
}

impl AppendObject {
    pub(crate) fn new(bucket: Bucket, key: ObjectKey, position: u64, body: Body) -> Self {
        let attributes = ObjectAttributes::default();
        Self {
            bucket,
            key,
            position,
            body,
            attributes,
            traffic_limit: None,
            md5: ContentMd5::None,
        }
    }

    attribute_setters!();
    md5_setters!();

    /// Limits the speed of this connection.
    pub fn traffic_limit(mut self, limit: TrafficLimit) -> Self {
        self.traffic_limit = Some(limit);
        self
    }

    /// Appends. It is sent again only when the service certainly did nothing; after a lost answer the object's
    /// length tells whether it was appended.
    ///
    /// # Errors
    /// Besides those of every request: `AppendPositionErr` when the object does not end at the position,
    /// `ObjectNotAppendable` for one that was not made by appending, a total above 5 GiB, and [`Error::Integrity`] when
    /// the object did not grow by what was sent.
    pub async fn send(self) -> Result<AppendObjectOutput, Error> {
        if self
            .position
            .checked_add(self.body.len())
            .is_none_or(|total| total > MAX_LEN)
        {
            return Err(invalid("an appended object has at most 5 GiB in all"));
        }
        let (position, len) = (self.position, self.body.len());
        let md5 = self.md5.value(&self.body).await?;
        let (body, sent) = self.body.with_crc();
        let mut call = Call::new(Method::POST, self.bucket.target(Some(&self.key))?)
            .param("append", "")
            .param("position", self.position)
            .with_body(body)
            .repeated(Repeat::AfterRefusalOnly);
        self.attributes.apply(&mut call.headers)?;
        if let Some(limit) = self.traffic_limit {
            call.headers
                .insert(HeaderName::from_static("x-cos-traffic-limit"), limit.to_header());
        }
        if let Some(md5) = md5 {
            call.headers.insert(HeaderName::from_static("content-md5"), md5);
        }
        let answer = self.bucket.client().execute(call).await?;
        let headers = answer.headers();
        let missing = |name| Error::Protocol(format!("the answer to an append has no {name}"));
        let next = text(headers, "x-cos-next-append-position").and_then(|position| position.parse().ok());
        let next_position: u64 = next.ok_or_else(|| missing("x-cos-next-append-position"))?;
        if next_position != position + len {
            let received = next_position.saturating_sub(position);
            return Err(IntegrityError::Length {
                expected: len,
                received,
            }
            .into());
        }
        let crc64 = crc64(headers)?;
        // The CRC is the whole object's, which is what was sent only at its beginning.
        match crc64 {
            Some(received) if position == 0 && received != sent.value() => {
                let sent = sent.value();
                return Err(IntegrityError::Upload { sent, received }.into());
            }
            _ => {}
        }
        Ok(AppendObjectOutput {
            etag: ETag::new(&text(headers, "etag").ok_or_else(|| missing("ETag"))?),
            next_position,
            crc64,
            request_id: text(headers, "x-cos-request-id").unwrap_or_default(),
        })
    }
}

/// An object that has grown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppendObjectOutput {
    /// Entity tag of the object as it is now.
    pub etag: ETag,
    /// Where the next append begins, in bytes.
    pub next_position: u64,
    /// CRC-64 of the object as it is now, when the service tells.
    pub crc64: Option<u64>,
    /// Names the request for the service's support.
    pub request_id: String,
}
