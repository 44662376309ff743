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
use crate::error::{Error, invalid};
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
    /// `ObjectNotAppendable` for one that was not made by appending, and a total above 5 GiB.
    pub async fn send(self) -> Result<AppendObjectOutput, Error> {
        if self
            .position
            .checked_add(self.body.len())
            .is_none_or(|total| total > MAX_LEN)
        {
            return Err(invalid("an appended object has at most 5 GiB in all"));
        }
        let md5 = self.md5.value(&self.body)?;
        let mut call = Call::new(Method::POST, self.bucket.target(Some(&self.key))?)
            .param("append", "")
            .param("position", self.position)
            .with_body(self.body)
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
        Ok(AppendObjectOutput {
            etag: ETag::new(&text(headers, "etag").ok_or_else(|| missing("ETag"))?),
            next_position: next.ok_or_else(|| missing("x-cos-next-append-position"))?,
            crc64: crc64(headers)?,
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
