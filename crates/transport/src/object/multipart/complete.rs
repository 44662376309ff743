//! `Complete Multipart Upload`: parts become an object.

use http::{HeaderMap, Method};

use crate::bucket::Bucket;
use crate::error::{Error, IntegrityError, invalid};
use crate::name::ObjectKey;
use crate::object::head::{crc64, text};
use crate::request::Call;
use crate::transfer::{MAX_OBJECT_SIZE, MIN_PART_SIZE};
use crate::types::ETag;
use crate::wire::multipart::{CompleteRequest, CompleteResult, CompletedPart};

/// Completes an upload. Begun by [`Bucket::complete_multipart_upload`].
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CompleteMultipartUpload {
    bucket: Bucket,
    key: ObjectKey,
    upload_id: String,
    request: CompleteRequest,
}

impl CompleteMultipartUpload {
    pub(crate) fn new(bucket: Bucket, key: ObjectKey, upload_id: String, parts: Vec<CompletedPart>) -> Self {
        Self {
            bucket,
            key,
            upload_id,
            request: CompleteRequest { parts },
        }
    }

    /// Completes. When the answer is lost and the upload turns out to be gone, the object is looked at: if it is
    /// certainly made of these parts, that is success.
    ///
    /// # Errors
    /// Besides those of every request: no parts, parts that are not in ascending order, parts of known length that are
    /// too short or too long together, [`Error::Integrity`] when the object's CRC-64 is not that of the parts, and
    /// `NoSuchUpload`.
    pub async fn send(self) -> Result<CompleteMultipartUploadOutput, Error> {
        if self.request.parts.is_empty() {
            return Err(invalid("an upload is completed with at least one part"));
        }
        if !self.request.parts.is_sorted_by(|a, b| a.number < b.number) {
            return Err(invalid("the parts are not in ascending order of their numbers"));
        }
        check_lengths(&self.request.parts)?;
        let mut call = Call::new(Method::POST, self.bucket.target(Some(&self.key))?)
            .param("uploadId", &self.upload_id)
            .with_document(&self.request.to_element())?;
        // The service puts the object together before it answers.
        call.patience = Some(crate::object::LONG_PATIENCE);
        let output = match self.bucket.client().execute_document(call).await {
            Ok((headers, document)) => {
                CompleteMultipartUploadOutput::new(&headers, CompleteResult::parse(&document)?)?
            }
            Err(error) => self.look(error).await?,
        };
        match (self.request.crc64(), output.crc64) {
            (Some(sent), Some(received)) if sent != received => {
                Err(IntegrityError::Upload { sent, received }.into())
            }
            _ => Ok(output),
        }
    }

    /// Decides what became of an upload after `error`, which is returned unless the object is certainly there.
    async fn look(&self, error: Error) -> Result<CompleteMultipartUploadOutput, Error> {
        let is_open = match &error {
            Error::Network(_) => false,
            Error::Service(service) => service.code != "NoSuchUpload" && !service.is_retryable(),
            _ => true,
        };
        let (false, Some(crc)) = (is_open, self.request.crc64()) else {
            return Err(error);
        };
        let Ok(head) = self.bucket.head_object(self.key.clone()).send().await else {
            return Err(error);
        };
        let len: u64 = self
            .request
            .parts
            .iter()
            .filter_map(|part| part.check)
            .map(|(len, _)| len)
            .sum();
        let parts = format!("-{}", self.request.parts.len());
        if head.crc64 != Some(crc) || head.content_length != len || !head.etag.as_str().ends_with(&parts) {
            return Err(error);
        }
        tracing::debug!(%error, "the answer was lost, but the object is complete");
        Ok(CompleteMultipartUploadOutput {
            location: self.bucket.target(Some(&self.key))?.url.to_string(),
            bucket: self.bucket.name().to_string(),
            key: self.key.to_string(),
            etag: head.etag,
            crc64: head.crc64,
            version_id: head.version_id,
            request_id: head.request_id,
        })
    }
}

/// The service says only now that a part is too short; what is known of the parts says it before.
fn check_lengths(parts: &[CompletedPart]) -> Result<(), Error> {
    let len = |part: &CompletedPart| part.check.map(|(len, _)| len);
    let all_but_last = parts.split_last().map_or(parts, |(_, before)| before);
    if let Some(part) = all_but_last
        .iter()
        .find(|part| len(part).is_some_and(|len| len < MIN_PART_SIZE))
    {
        return Err(invalid(format!(
            "part {} has less than 1 MiB, which only the last part may have",
            part.number
        )));
    }
    match parts.iter().filter_map(len).fold(0, u64::saturating_add) {
        0..=MAX_OBJECT_SIZE => Ok(()),
        len => Err(invalid(format!(
            "an object of {len} bytes is longer than the 50 000 GB that the service allows"
        ))),
    }
}

/// An object that was put together.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompleteMultipartUploadOutput {
    /// Address of the object.
    pub location: String,
    /// Bucket.
    pub bucket: String,
    /// Key.
    pub key: String,
    /// Entity tag: 32 hex digits, a hyphen, the number of parts. Not an MD5 of the content.
    pub etag: ETag,
    /// CRC-64 of the object, when every part has one.
    pub crc64: Option<u64>,
    /// The version written, in a bucket with versions.
    pub version_id: Option<String>,
    /// Names the request for the service's support.
    pub request_id: String,
}

impl CompleteMultipartUploadOutput {
    fn new(headers: &HeaderMap, result: CompleteResult) -> Result<Self, Error> {
        Ok(Self {
            location: result.location,
            bucket: result.bucket,
            key: result.key,
            etag: result.etag,
            crc64: crc64(headers)?,
            version_id: text(headers, "x-cos-version-id"),
            request_id: text(headers, "x-cos-request-id").unwrap_or_default(),
        })
    }
}
