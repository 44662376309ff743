//! `GET Object`: an object's bytes, or a range of them, as a stream.

use http::header::{HeaderName, RANGE};
use http::{Method, StatusCode};

use super::conditions::{Conditions, condition_setters};
use super::head::{ObjectHead, text};
use crate::attributes::TrafficLimit;
use crate::body::ByteStream;
use crate::bucket::Bucket;
use crate::error::Error;
use crate::name::ObjectKey;
use crate::request::{Call, header_value};
use crate::types::{ByteRange, ContentRange};

/// Reads an object. Begun by [`Bucket::get_object`].
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct GetObject {
    bucket: Bucket,
    key: ObjectKey,
    range: Option<ByteRange>,
    version_id: Option<String>,
    conditions: Conditions,
    overrides: Vec<(&'static str, String)>,
    traffic_limit: Option<TrafficLimit>,
}

/// The setters of what the answer's headers say, over the field `overrides`.
macro_rules! response_setters {
    () => {
        $crate::object::response_setters! {
            /// The answer's `Cache-Control`, instead of the stored one.
            response_cache_control = "response-cache-control",
            /// The answer's `Content-Disposition`, instead of the stored one.
            response_content_disposition = "response-content-disposition",
            /// The answer's `Content-Encoding`, instead of the stored one.
            response_content_encoding = "response-content-encoding",
            /// The answer's `Content-Language`, instead of the stored one.
            response_content_language = "response-content-language",
            /// The answer's `Content-Type`, instead of the stored one.
            response_content_type = "response-content-type",
            /// The answer's `Expires`, instead of the stored one.
            response_expires = "response-expires",
        }
    };
    ($($(#[$doc:meta])* $name:ident = $param:literal),* $(,)?) => {$(
        $(#[$doc])*
        pub fn $name(mut self, value: impl Into<String>) -> Self {
            self.overrides.push(($param, value.into()));
            self
        }
    )*};
}
pub(crate) use response_setters;

impl GetObject {
    pub(crate) fn new(bucket: Bucket, key: ObjectKey) -> Self {
        let (conditions, overrides) = (Conditions::default(), Vec::new());
        Self {
            bucket,
            key,
            range: None,
            version_id: None,
            conditions,
            overrides,
            traffic_limit: None,
        }
    }

    condition_setters!();

    response_setters!();

    pub(crate) fn overrides(mut self, overrides: Vec<(&'static str, String)>) -> Self {
        self.overrides = overrides;
        self
    }

    /// Only these bytes: `5..3000`, `5..`, `..=99`, or [`ByteRange::Suffix`].
    pub fn range(mut self, range: impl Into<ByteRange>) -> Self {
        self.range = Some(range.into());
        self
    }

    /// This version rather than the latest.
    pub fn version_id(mut self, version_id: impl Into<String>) -> Self {
        self.version_id = Some(version_id.into());
        self
    }

    /// Limits the speed of this connection.
    pub fn traffic_limit(mut self, limit: TrafficLimit) -> Self {
        self.traffic_limit = Some(limit);
        self
    }

    /// Asks; the body follows as a stream. The CRC-64 of a whole object is compared at the end of the stream.
    ///
    /// # Errors
    /// Besides those of every request: an empty range, and [`Error::Protocol`] when the answer holds other bytes
    /// than were asked for.
    pub async fn send(self) -> Result<GetObjectOutput, Error> {
        let target = self.bucket.target(Some(&self.key))?;
        let mut call = Call::new(Method::GET, target).maybe_param("versionId", self.version_id);
        call.params.extend(self.overrides);
        self.conditions.apply(&mut call.headers)?;
        if let Some(range) = self.range {
            call.headers
                .insert(RANGE, header_value("range", &range.to_header()?)?);
        }
        if let Some(limit) = self.traffic_limit {
            call.headers
                .insert(HeaderName::from_static("x-cos-traffic-limit"), limit.to_header());
        }
        let (head, body) = self.bucket.client().execute(call).await?.into_parts();
        let object = ObjectHead::from_headers(&head.headers)?;
        let content_range = match self.range {
            None if head.status == StatusCode::OK => None,
            None => {
                return Err(Error::Protocol(format!(
                    "the whole object was asked for, the answer has status {}",
                    head.status
                )));
            }
            Some(range) => {
                let answered = text(&head.headers, "content-range").unwrap_or_default();
                Some(check_range(range, head.status, &answered, object.content_length)?)
            }
        };
        // What the headers say must come, however the body is framed.
        let expected = content_range.map_or(object.content_length, |range| range.last - range.first + 1);
        let stored = object.crc64.filter(|_| content_range.is_none());
        Ok(GetObjectOutput {
            content_range,
            body: body.expecting(expected).check_crc(stored),
            head: object,
        })
    }
}

/// A server that ignores or misreads `Range` must not have its bytes taken for those that were asked for.
fn check_range(
    asked: ByteRange,
    status: StatusCode,
    answered: &str,
    length: u64,
) -> Result<ContentRange, Error> {
    if status != StatusCode::PARTIAL_CONTENT {
        return Err(Error::Protocol(format!(
            "a range was asked for, but the answer has status {status} instead of 206"
        )));
    }
    let answer: ContentRange = answered.parse()?;
    let right = asked.resolve(answer.total) == Some(answer.first..answer.last + 1);
    if !right || length != answer.last - answer.first + 1 {
        return Err(Error::Protocol(format!(
            "the answer holds another range than was asked for ({answered}, {length} bytes)"
        )));
    }
    Ok(answer)
}

/// An object that is arriving.
#[derive(Debug)]
#[non_exhaustive]
pub struct GetObjectOutput {
    /// Its headers.
    pub head: ObjectHead,
    /// Which bytes these are, when a range was asked for.
    pub content_range: Option<ContentRange>,
    /// Its bytes.
    pub body: ByteStream,
}

impl GetObjectOutput {
    /// Length of the whole object as stored, in bytes.
    #[must_use]
    pub fn total_len(&self) -> u64 {
        self.content_range
            .map_or(self.head.content_length, |range| range.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_must_hold_what_was_asked_for() {
        let check = |asked: &str, answered: &str, length| {
            check_range(
                asked.parse().unwrap(),
                StatusCode::PARTIAL_CONTENT,
                answered,
                length,
            )
            .is_ok()
        };
        assert!(check("5-9", "bytes 5-9/20", 5));
        assert!(check("5-99", "bytes 5-19/20", 15));
        assert!(check("-3", "bytes 17-19/20", 3));
        assert!(check("5-", "bytes 5-19/20", 15));
        assert!(!check("5-9", "bytes 4-9/20", 6));
        assert!(!check("5-9", "bytes 5-8/20", 4));
        assert!(!check("5-9", "bytes 5-9/20", 6));
        assert!(!check("5-9", "", 5));
        assert!(check_range(ByteRange::From(0), StatusCode::OK, "bytes 0-9/10", 10).is_err());
    }
}
