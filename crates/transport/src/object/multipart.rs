//! Multipart uploads: begun, filled part by part, completed or aborted.

mod complete;
mod list;
mod upload;

use http::Method;

pub use complete::{CompleteMultipartUpload, CompleteMultipartUploadOutput};
pub use list::{ListMultipartUploads, ListParts};
pub use upload::{UploadPart, UploadPartCopy, UploadPartCopyOutput, UploadPartOutput};

use super::head::text;
use crate::attribute_setters;
use crate::attributes::ObjectAttributes;
use crate::bucket::Bucket;
use crate::error::Error;
use crate::name::ObjectKey;
use crate::request::Call;
use crate::wire::multipart::InitiateResult;

/// Begins a multipart upload. Begun by [`Bucket::create_multipart_upload`]. Headers and metadata of the object to be
/// are said here, and only here.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CreateMultipartUpload {
    bucket: Bucket,
    key: ObjectKey,
    attributes: ObjectAttributes,
}

impl CreateMultipartUpload {
    pub(crate) fn new(bucket: Bucket, key: ObjectKey) -> Self {
        Self {
            bucket,
            key,
            attributes: ObjectAttributes::default(),
        }
    }

    attribute_setters!();

    /// Begins. An attempt whose answer is lost may leave an empty upload behind; it costs nothing and can be aborted.
    ///
    /// # Errors
    /// Besides those of every request: impossible headers or metadata.
    pub async fn send(self) -> Result<CreateMultipartUploadOutput, Error> {
        let mut call = Call::new(Method::POST, self.bucket.target(Some(&self.key))?).param("uploads", "");
        self.attributes.apply(&mut call.headers)?;
        let (headers, document) = self.bucket.client().execute_document(call).await?;
        let begun = InitiateResult::parse(&document)?;
        Ok(CreateMultipartUploadOutput {
            upload_id: begun.upload_id,
            bucket: begun.bucket,
            key: begun.key,
            request_id: text(&headers, "x-cos-request-id").unwrap_or_default(),
        })
    }
}

/// An upload that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreateMultipartUploadOutput {
    /// Names the upload in the calls that follow.
    pub upload_id: String,
    /// Bucket, as the service understood it.
    pub bucket: String,
    /// Key, as the service understood it.
    pub key: String,
    /// Names the request for the service's support.
    pub request_id: String,
}

/// Drops an unfinished upload with its parts. Begun by [`Bucket::abort_multipart_upload`].
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct AbortMultipartUpload {
    bucket: Bucket,
    key: ObjectKey,
    upload_id: String,
}

impl AbortMultipartUpload {
    pub(crate) fn new(bucket: Bucket, key: ObjectKey, upload_id: String) -> Self {
        Self {
            bucket,
            key,
            upload_id,
        }
    }

    /// Aborts.
    ///
    /// # Errors
    /// Those of every request; `NoSuchUpload` when it is finished or unknown.
    pub async fn send(self) -> Result<(), Error> {
        let target = self.bucket.target(Some(&self.key))?;
        let call = Call::new(Method::DELETE, target).param("uploadId", self.upload_id);
        self.bucket.client().execute(call).await.map(drop)
    }
}
