//! `HEAD Object`: what is stored beside the bytes.

use http::{HeaderMap, Method};
use jiff::Timestamp;

use super::conditions::{Conditions, condition_setters};
use crate::attributes::{Metadata, ObjectAttributes};
use crate::bucket::Bucket;
use crate::checksum::parse_crc64;
use crate::error::Error;
use crate::name::ObjectKey;
use crate::request::Call;
use crate::types::{ETag, StorageClass};

/// Asks for an object's headers. Begun by [`Bucket::head_object`].
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct HeadObject {
    bucket: Bucket,
    key: ObjectKey,
    version_id: Option<String>,
    conditions: Conditions,
}

impl HeadObject {
    pub(crate) fn new(bucket: Bucket, key: ObjectKey) -> Self {
        Self {
            bucket,
            key,
            version_id: None,
            conditions: Conditions::default(),
        }
    }

    condition_setters!();

    pub(crate) fn conditions(mut self, conditions: Conditions) -> Self {
        self.conditions = conditions;
        self
    }

    /// This version rather than the latest.
    pub fn version_id(mut self, version_id: impl Into<String>) -> Self {
        self.version_id = Some(version_id.into());
        self
    }

    /// Asks.
    ///
    /// # Errors
    /// Those of every request: [`Error`].
    pub async fn send(self) -> Result<ObjectHead, Error> {
        let target = self.bucket.target(Some(&self.key))?;
        let mut call = Call::new(Method::HEAD, target).maybe_param("versionId", self.version_id);
        self.conditions.apply(&mut call.headers)?;
        let answer = self.bucket.client().execute(call).await?;
        ObjectHead::from_headers(answer.headers())
    }
}

/// An object's headers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectHead {
    /// Length of the body that comes with these headers: of the object, or of the range asked for. In bytes.
    pub content_length: u64,
    /// Entity tag.
    pub etag: ETag,
    /// When the object was written.
    pub last_modified: Option<Timestamp>,
    /// CRC-64 of the whole object as stored, also on the answer to a range.
    pub crc64: Option<u64>,
    /// Version, in a bucket with versions.
    pub version_id: Option<String>,
    /// True when the latest version is a delete marker.
    pub delete_marker: bool,
    /// State of a restore from an archive, when one was asked for.
    pub restore: Option<RestoreStatus>,
    /// Tier in which an object of the INTELLIGENT_TIERING class lies.
    pub storage_tier: Option<String>,
    /// The unit of ranges: `bytes`.
    pub accept_ranges: Option<String>,
    /// `normal` or `appendable`.
    pub object_type: Option<String>,
    /// What was stored with the object: content headers, storage class, user metadata.
    pub attributes: ObjectAttributes,
    /// Names the request for the service's support.
    pub request_id: String,
}

/// State of a restore from an archive (`x-cos-restore`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreStatus {
    /// It is under way; the object cannot be read yet.
    Ongoing,
    /// The object can be read.
    Restored {
        /// Until then, when the service tells.
        expires_at: Option<Timestamp>,
    },
    /// Something else, in the service's words.
    Other(String),
}

impl RestoreStatus {
    /// Reads `ongoing-request="true"`, or `ongoing-request="false", expiry-date="…"`.
    #[must_use]
    pub fn parse(value: &str) -> Self {
        let quoted = |name: &str| {
            let (_, rest) = value.split_once(&format!("{name}=\""))?;
            rest.split_once('"').map(|(text, _)| text)
        };
        match quoted("ongoing-request") {
            Some("true") => Self::Ongoing,
            Some("false") => Self::Restored {
                expires_at: quoted("expiry-date").and_then(http_time),
            },
            _ => Self::Other(value.to_owned()),
        }
    }
}

impl ObjectHead {
    /// Reads the headers of an answer.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Self, Error> {
        let length = text(headers, "content-length").unwrap_or_default();
        if headers
            .get_all("content-length")
            .iter()
            .any(|other| other != length.as_str())
        {
            return Err(Error::Protocol(
                "the answer states two lengths that differ".into(),
            ));
        }
        let content_length = length.parse().map_err(|_| {
            Error::Protocol(format!("the answer's Content-Length {length:?} is not a number"))
        })?;
        Ok(Self {
            content_length,
            etag: ETag::new(&text(headers, "etag").unwrap_or_default()),
            last_modified: last_modified(headers),
            crc64: crc64(headers)?,
            version_id: text(headers, "x-cos-version-id"),
            delete_marker: text(headers, "x-cos-delete-marker").as_deref() == Some("true"),
            restore: text(headers, "x-cos-restore").map(|status| RestoreStatus::parse(&status)),
            storage_tier: text(headers, "x-cos-storage-tier"),
            accept_ranges: text(headers, "accept-ranges"),
            object_type: text(headers, "x-cos-object-type"),
            attributes: stored_attributes(headers)?,
            request_id: text(headers, "x-cos-request-id").unwrap_or_default(),
        })
    }

    /// User metadata.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.attributes.metadata
    }
}

/// What the headers of an answer say of what is stored beside the bytes.
pub(super) fn stored_attributes(headers: &HeaderMap) -> Result<ObjectAttributes, Error> {
    Ok(ObjectAttributes {
        storage_class: Some(match text(headers, "x-cos-storage-class") {
            Some(class) => class.parse().unwrap_or_default(),
            // The header is left out for the default class.
            None => StorageClass::Standard,
        }),
        expires: text(headers, "expires"),
        cache_control: text(headers, "cache-control"),
        content_type: text(headers, "content-type"),
        content_disposition: text(headers, "content-disposition"),
        content_encoding: text(headers, "content-encoding"),
        content_language: text(headers, "content-language"),
        metadata: Metadata::from_headers(headers)?,
        acl: None,
        grant_full_control: None,
        grant_read: None,
    })
}

/// `Last-Modified`, when it is there and is a date.
pub(super) fn last_modified(headers: &HeaderMap) -> Option<Timestamp> {
    http_time(&text(headers, "last-modified")?)
}

fn http_time(date: &str) -> Option<Timestamp> {
    Timestamp::try_from(httpdate::parse_http_date(date).ok()?).ok()
}

/// A header's text, when it is there and is text.
pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// `x-cos-hash-crc64ecma`: unsigned; some writers have sent it signed.
pub(super) fn crc64(headers: &HeaderMap) -> Result<Option<u64>, Error> {
    let Some(value) = text(headers, "x-cos-hash-crc64ecma").filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    match parse_crc64(&value) {
        Some(crc) => Ok(Some(crc)),
        None => Err(Error::Protocol(format!(
            "the answer's CRC-64 {value:?} is not a number"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_restore() {
        assert_eq!(
            RestoreStatus::parse("ongoing-request=\"true\""),
            RestoreStatus::Ongoing
        );
        let done =
            RestoreStatus::parse("ongoing-request=\"false\", expiry-date=\"Wed, 28 Oct 2019 20:30:00 GMT\"");
        // The weekday of the documentation's own example is wrong; the date is not.
        let at = |text: &str| RestoreStatus::Restored {
            expires_at: Some(text.parse().unwrap()),
        };
        assert!(done == at("2019-10-28T20:30:00Z") || done == RestoreStatus::Restored { expires_at: None });
        assert_eq!(
            RestoreStatus::parse("ongoing-request=\"false\", expiry-date=\"Mon, 28 Oct 2019 20:30:00 GMT\""),
            at("2019-10-28T20:30:00Z")
        );
        for odd in [
            "",
            "ongoing-request",
            "ongoing-request=\"",
            "ongoing-request=\"maybe\"",
        ] {
            assert_eq!(RestoreStatus::parse(odd), RestoreStatus::Other(odd.to_owned()));
        }
    }
}
