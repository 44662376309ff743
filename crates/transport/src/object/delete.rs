//! `DELETE Object`.

use http::Method;

use super::head::text;
use crate::bucket::Bucket;
use crate::error::Error;
use crate::name::ObjectKey;
use crate::request::Call;

/// Deletes an object, or one version of it. Begun by [`Bucket::delete_object`].
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct DeleteObject {
    bucket: Bucket,
    key: ObjectKey,
    version_id: Option<String>,
}

impl DeleteObject {
    pub(crate) fn new(bucket: Bucket, key: ObjectKey) -> Self {
        Self {
            bucket,
            key,
            version_id: None,
        }
    }

    /// This version for good, rather than hiding the latest behind a delete marker.
    pub fn version_id(mut self, version_id: impl Into<String>) -> Self {
        self.version_id = Some(version_id.into());
        self
    }

    /// Deletes. An object that does not exist counts as deleted.
    ///
    /// # Errors
    /// Those of every request: [`Error`].
    pub async fn send(self) -> Result<DeleteObjectOutput, Error> {
        let target = self.bucket.target(Some(&self.key))?;
        let call = Call::new(Method::DELETE, target).maybe_param("versionId", self.version_id);
        let answer = self.bucket.client().execute(call).await?;
        let headers = answer.headers();
        Ok(DeleteObjectOutput {
            version_id: text(headers, "x-cos-version-id"),
            delete_marker: text(headers, "x-cos-delete-marker").as_deref() == Some("true"),
            request_id: text(headers, "x-cos-request-id").unwrap_or_default(),
        })
    }
}

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeleteObjectOutput {
    /// The version deleted, or that of the delete marker.
    pub version_id: Option<String>,
    /// True when a delete marker was written or removed.
    pub delete_marker: bool,
    /// Names the request for the service's support.
    pub request_id: String,
}
