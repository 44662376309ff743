//! `PUT Object - Copy`: an object from another one, without the bytes passing through here.

use http::header::HeaderName;
use http::{HeaderMap, Method};
use jiff::Timestamp;

use super::conditions::{Conditions, http_date};
use super::head::{HeadObject, text};
use crate::attribute_setters;
use crate::attributes::ObjectAttributes;
use crate::bucket::Bucket;
use crate::error::{Error, invalid};
use crate::name::{Addressing, BucketName, Endpoint, ObjectKey, Region, percent_encode};
use crate::request::{Call, header_value};
use crate::types::ETag;
use crate::wire::multipart::CopyResult;

/// The object to copy from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopySource {
    bucket: BucketName,
    key: ObjectKey,
    /// Where the source's bucket is reached, when that is not where the copy is made.
    host: Option<String>,
    version_id: Option<String>,
}

impl CopySource {
    /// The latest version of an object that is reached through the same endpoint.
    #[must_use]
    pub fn new(bucket: BucketName, key: ObjectKey) -> Self {
        Self {
            bucket,
            key,
            host: None,
            version_id: None,
        }
    }

    /// The latest version of an object in `bucket`, wherever its client reaches it.
    pub(crate) fn of(bucket: &Bucket, key: ObjectKey) -> Self {
        let endpoint = bucket.client().endpoint();
        let is_named = endpoint.addressing() != Addressing::CustomDomain;
        let host = is_named.then(|| endpoint.virtual_host(bucket.name()));
        Self {
            bucket: bucket.name().clone(),
            key,
            host,
            version_id: None,
        }
    }

    /// The request for the source's headers, through the bucket that holds it.
    pub(crate) fn head(&self, bucket: &Bucket) -> HeadObject {
        let head = bucket.head_object(self.key.clone());
        match &self.version_id {
            Some(version_id) => head.version_id(version_id),
            None => head,
        }
    }

    /// The region of the source's bucket, when it is another.
    #[must_use]
    pub fn region(mut self, region: Region) -> Self {
        self.host = Some(format!("{}.cos.{region}.myqcloud.com", self.bucket));
        self
    }

    /// This version rather than the latest.
    #[must_use]
    pub fn version_id(mut self, version_id: impl Into<String>) -> Self {
        self.version_id = Some(version_id.into());
        self
    }

    /// The object's key.
    #[must_use]
    pub fn key(&self) -> &ObjectKey {
        &self.key
    }

    /// The value of `x-cos-copy-source`: host, encoded key, version.
    pub(super) fn to_header(&self, endpoint: &Endpoint) -> Result<String, Error> {
        if self.host.is_none() && endpoint.addressing() == Addressing::CustomDomain {
            return Err(invalid(
                "a bucket's own domain does not name the source of a copy: say the source's region",
            ));
        }
        let host = self
            .host
            .clone()
            .unwrap_or_else(|| endpoint.virtual_host(&self.bucket));
        let version = self
            .version_id
            .as_ref()
            .map(|id| format!("?versionId={}", percent_encode(id)));
        Ok(format!(
            "{host}/{}{}",
            self.key.to_url_path(),
            version.unwrap_or_default()
        ))
    }

    /// The same object seen from `bucket`, whatever its version.
    fn is_object(&self, bucket: &Bucket, key: &ObjectKey) -> bool {
        let host = bucket.client().endpoint().virtual_host(&self.bucket);
        self.bucket == *bucket.name() && self.key == *key && self.host.as_ref().is_none_or(|own| *own == host)
    }
}

/// Whether headers and metadata come from the source or from the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MetadataDirective {
    /// The source's are kept.
    #[default]
    Copy,
    /// The source's are dropped; the request's are stored.
    Replaced,
}

impl MetadataDirective {
    /// Refuses attributes that a copy would ignore.
    pub(crate) fn check(self, attributes: &ObjectAttributes) -> Result<(), Error> {
        let heeded = ObjectAttributes {
            acl: attributes.acl.clone(),
            grant_full_control: attributes.grant_full_control.clone(),
            grant_read: attributes.grant_read.clone(),
            storage_class: attributes.storage_class.clone(),
            ..ObjectAttributes::default()
        };
        match self == Self::Copy && heeded != *attributes {
            true => Err(invalid(
                "headers and metadata are given, which a copy ignores unless they are Replaced",
            )),
            false => Ok(()),
        }
    }
}

/// Copies an object. Begun by [`Bucket::copy_object`]. Storage class and access are never taken from the source.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CopyObject {
    bucket: Bucket,
    key: ObjectKey,
    source: CopySource,
    directive: MetadataDirective,
    attributes: ObjectAttributes,
    conditions: Conditions,
}

/// The setters of conditions on the source of a copy, over the field `conditions`.
macro_rules! source_condition_setters {
    () => {
        /// Only if the source has this entity tag.
        pub fn source_if_match(mut self, etag: $crate::ETag) -> Self {
            self.conditions.if_match = Some(etag);
            self
        }

        /// Only if the source has another entity tag.
        pub fn source_if_none_match(mut self, etag: $crate::ETag) -> Self {
            self.conditions.if_none_match = Some(etag);
            self
        }

        /// Only if the source was written later than this.
        pub fn source_if_modified_since(mut self, time: jiff::Timestamp) -> Self {
            self.conditions.if_modified_since = Some(time);
            self
        }

        /// Only if the source was not written later than this.
        pub fn source_if_unmodified_since(mut self, time: jiff::Timestamp) -> Self {
            self.conditions.if_unmodified_since = Some(time);
            self
        }
    };
}
pub(super) use source_condition_setters;

impl CopyObject {
    pub(crate) fn new(bucket: Bucket, key: ObjectKey, source: CopySource) -> Self {
        let (attributes, conditions) = (ObjectAttributes::default(), Conditions::default());
        Self {
            bucket,
            key,
            source,
            directive: MetadataDirective::default(),
            attributes,
            conditions,
        }
    }

    attribute_setters!();
    source_condition_setters!();

    /// Whether headers and metadata come from the source or from this request.
    pub fn metadata_directive(mut self, directive: MetadataDirective) -> Self {
        self.directive = directive;
        self
    }

    /// Copies. One request copies up to 5 GiB.
    ///
    /// # Errors
    /// Besides those of every request: a copy of an object onto itself, and headers or metadata that would be
    /// ignored, without [`MetadataDirective::Replaced`].
    pub async fn send(self) -> Result<CopyObjectOutput, Error> {
        if self.directive == MetadataDirective::Copy && self.source.is_object(&self.bucket, &self.key) {
            return Err(invalid(
                "an object is copied onto itself only to replace its metadata; say so with Replaced",
            ));
        }
        self.directive.check(&self.attributes)?;
        let mut call = Call::new(Method::PUT, self.bucket.target(Some(&self.key))?);
        self.attributes.apply(&mut call.headers)?;
        let directive = match self.directive {
            MetadataDirective::Copy => "Copy",
            MetadataDirective::Replaced => "Replaced",
        };
        call.headers.insert(
            HeaderName::from_static("x-cos-metadata-directive"),
            header_value("x-cos-metadata-directive", directive)?,
        );
        apply_source(
            &mut call.headers,
            &self.source,
            self.bucket.client().endpoint(),
            &self.conditions,
        )?;
        // The service works on it before it answers.
        call.patience = Some(super::LONG_PATIENCE);
        let (headers, document) = self.bucket.client().execute_document(call).await?;
        let copied = CopyResult::parse(&document, "CopyObjectResult")?;
        Ok(CopyObjectOutput {
            etag: copied.etag,
            last_modified: copied.last_modified,
            crc64: copied.crc64.or(super::head::crc64(&headers)?),
            version_id: text(&headers, "x-cos-version-id").or(copied.version_id),
            source_version_id: text(&headers, "x-cos-copy-source-version-id"),
            request_id: text(&headers, "x-cos-request-id").unwrap_or_default(),
        })
    }
}

pub(super) fn apply_source(
    headers: &mut HeaderMap,
    source: &CopySource,
    endpoint: &Endpoint,
    conditions: &Conditions,
) -> Result<(), Error> {
    let pairs = [
        ("x-cos-copy-source", Some(source.to_header(endpoint)?)),
        (
            "x-cos-copy-source-if-match",
            conditions.if_match.as_ref().map(ETag::quoted),
        ),
        (
            "x-cos-copy-source-if-none-match",
            conditions.if_none_match.as_ref().map(ETag::quoted),
        ),
        (
            "x-cos-copy-source-if-modified-since",
            conditions.if_modified_since.map(http_date),
        ),
        (
            "x-cos-copy-source-if-unmodified-since",
            conditions.if_unmodified_since.map(http_date),
        ),
    ];
    for (name, value) in pairs {
        if let Some(value) = value {
            headers.insert(HeaderName::from_static(name), header_value(name, &value)?);
        }
    }
    Ok(())
}

/// A copy that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyObjectOutput {
    /// Entity tag of the copy.
    pub etag: ETag,
    /// When it was written.
    pub last_modified: Timestamp,
    /// CRC-64, when the source has one.
    pub crc64: Option<u64>,
    /// The version written, in a bucket with versions.
    pub version_id: Option<String>,
    /// The version that was copied.
    pub source_version_id: Option<String>,
    /// Names the request for the service's support.
    pub request_id: String,
}
