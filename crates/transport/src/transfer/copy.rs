//! Copies of any length, moves, and deletion by prefix.

use std::fmt;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::plan::PartPlan;
use super::progress::{Meter, Progress};
use super::upload::DEFAULT_CONCURRENCY;
use crate::attributes::ObjectAttributes;
use crate::bucket::Bucket;
use crate::error::{Error, IntegrityError, invalid};
use crate::name::ObjectKey;
use crate::object::{CopySource, MetadataDirective, ObjectHead};
use crate::types::ETag;
use crate::wire::multipart::{CompletedPart, PartNumber};
use crate::{attribute_setters, wire};

/// The longest object that one request copies, in bytes.
const MAX_SINGLE_COPY: u64 = 5 * 1024 * 1024 * 1024;
/// Length of a part of a longer copy, in bytes: the service copies it without sending it anywhere.
const PART_SIZE: u64 = 64 * 1024 * 1024;

/// Copies an object of any length. Begun by [`Bucket::copy`].
#[must_use = "nothing is sent before `send`"]
pub struct Copy {
    bucket: Bucket,
    key: ObjectKey,
    source_bucket: Bucket,
    source: CopySource,
    directive: MetadataDirective,
    attributes: ObjectAttributes,
    threshold: u64,
    part_size: u64,
    concurrency: usize,
    progress: Option<Arc<dyn Progress>>,
}

impl Copy {
    fn new(bucket: Bucket, key: ObjectKey, source_bucket: Bucket, source_key: ObjectKey) -> Self {
        let source = CopySource::of(&source_bucket, source_key);
        Self {
            bucket,
            key,
            source_bucket,
            source,
            directive: MetadataDirective::default(),
            attributes: ObjectAttributes::default(),
            threshold: MAX_SINGLE_COPY,
            part_size: PART_SIZE,
            concurrency: DEFAULT_CONCURRENCY,
            progress: None,
        }
    }

    attribute_setters!();

    /// This version of the source rather than the latest.
    pub fn source_version_id(mut self, version_id: impl Into<String>) -> Self {
        self.source = self.source.version_id(version_id);
        self
    }

    /// Whether headers and metadata come from the source or from this call.
    pub fn metadata_directive(mut self, directive: MetadataDirective) -> Self {
        self.directive = directive;
        self
    }

    /// Objects up to this length, in bytes, are copied by one request. 5 GiB, which is the most, unless set.
    pub fn threshold(mut self, bytes: u64) -> Self {
        self.threshold = bytes.min(MAX_SINGLE_COPY);
        self
    }

    /// Length of a part of a longer copy, in bytes: 1 MiB to 5 GiB. 64 MiB unless set.
    pub fn part_size(mut self, bytes: u64) -> Self {
        self.part_size = bytes;
        self
    }

    /// How many parts are copied at a time. 5 unless set.
    pub fn concurrency(mut self, parts: usize) -> Self {
        self.concurrency = parts;
        self
    }

    /// Is told how far the copy is.
    pub fn progress(mut self, progress: impl Progress + 'static) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// Copies. All of the copy is of one state of the source; its CRC-64, where the service keeps one, is that of the
    /// source. Storage class and access are never taken over: say them.
    ///
    /// An error aborts a copy that is made in parts. A dropped future leaves it unfinished, to be aborted by
    /// [`Bucket::abort_multipart_upload`] or by a rule of the bucket.
    ///
    /// # Errors
    /// Besides those of every request: a source that is replaced meanwhile, and a copy that differs from its source.
    pub async fn send(self) -> Result<CopyOutput, Error> {
        self.directive.check(&self.attributes)?;
        let head = self.source.head(&self.source_bucket).send().await?;
        let copied = match head.content_length <= self.threshold {
            true => self.in_one(&head).await?,
            false => self.in_parts(&head).await?,
        };
        match (head.crc64, copied.crc64) {
            (Some(stored), Some(received)) if stored != received => {
                Err(IntegrityError::Download { stored, received }.into())
            }
            _ => Ok(copied),
        }
    }

    async fn in_one(&self, head: &ObjectHead) -> Result<CopyOutput, Error> {
        let meter = Meter::new(self.progress.clone(), head.content_length);
        let copy = self.bucket.copy_object(self.key.clone(), self.source.clone());
        let copy = copy
            .attributes(self.attributes.clone())
            .metadata_directive(self.directive);
        let copied = copy.source_if_match(head.etag.clone()).send().await?;
        meter.add(head.content_length);
        let (etag, crc64, version_id) = (copied.etag, copied.crc64, copied.version_id);
        Ok(CopyOutput {
            etag,
            crc64,
            version_id,
            len: head.content_length,
        })
    }

    async fn in_parts(&self, head: &ObjectHead) -> Result<CopyOutput, Error> {
        if self.concurrency == 0 {
            return Err(invalid("no part can be copied with none under way at a time"));
        }
        let plan = PartPlan::new(head.content_length, self.part_size, 1)?;
        let begun = self
            .bucket
            .create_multipart_upload(self.key.clone())
            .attributes(self.attributes_of_copy(head));
        let upload_id = begun.send().await?.upload_id;
        let done = self.copy_parts(head, plan, &upload_id).await;
        match done {
            Ok(done) => Ok(done),
            Err(error) => {
                // Parts that nobody completes would be paid for.
                let aborted = self
                    .bucket
                    .abort_multipart_upload(self.key.clone(), upload_id)
                    .send()
                    .await;
                if let Err(error) = aborted {
                    tracing::warn!(%error, "the unfinished copy could not be aborted");
                }
                Err(error)
            }
        }
    }

    async fn copy_parts(
        &self,
        head: &ObjectHead,
        plan: PartPlan,
        upload_id: &str,
    ) -> Result<CopyOutput, Error> {
        let meter = Meter::new(self.progress.clone(), plan.len());
        let mut parts: Vec<CompletedPart> = stream::iter(plan.parts())
            .map(|(index, range)| {
                let meter = meter.clone();
                async move {
                    let number = PartNumber::new(index + 1)?;
                    let copy = self.bucket.upload_part_copy(
                        self.key.clone(),
                        upload_id,
                        number,
                        self.source.clone(),
                    );
                    let copy = copy
                        .source_range(range.start, range.end - 1)
                        .source_if_match(head.etag.clone());
                    let part = copy.send().await?.part;
                    meter.add(range.end - range.start);
                    Ok::<_, Error>(part)
                }
            })
            .buffer_unordered(self.concurrency)
            .try_collect()
            .await?;
        parts.sort_by_key(|part| part.number);
        let done = self
            .bucket
            .complete_multipart_upload(self.key.clone(), upload_id, parts)
            .send()
            .await?;
        Ok(CopyOutput {
            etag: done.etag,
            crc64: done.crc64,
            version_id: done.version_id,
            len: plan.len(),
        })
    }

    /// A multipart upload inherits nothing, so what a copy would keep is said again.
    fn attributes_of_copy(&self, head: &ObjectHead) -> ObjectAttributes {
        match self.directive {
            MetadataDirective::Replaced => self.attributes.clone(),
            MetadataDirective::Copy => ObjectAttributes {
                acl: self.attributes.acl.clone(),
                grant_full_control: self.attributes.grant_full_control.clone(),
                grant_read: self.attributes.grant_read.clone(),
                storage_class: self.attributes.storage_class.clone(),
                ..head.attributes.clone()
            },
        }
    }
}

impl fmt::Debug for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Copy({} to {})", self.source.key(), self.key)
    }
}

/// A copy that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyOutput {
    /// Entity tag of the copy.
    pub etag: ETag,
    /// CRC-64 of the copy, when the service tells.
    pub crc64: Option<u64>,
    /// The version written, in a bucket with versions.
    pub version_id: Option<String>,
    /// Length of the object, in bytes.
    pub len: u64,
}

impl Bucket {
    /// Copies an object of any length out of `source`, a bucket of this or another client, into this bucket.
    pub fn copy(&self, key: ObjectKey, source: &Bucket, source_key: ObjectKey) -> Copy {
        Copy::new(self.clone(), key, source.clone(), source_key)
    }

    /// Copies an object inside this bucket, looks whether the copy is right and the original still the one that was
    /// copied, and only then deletes the original. A write in the moment of the deletion is lost, unless the bucket keeps
    /// versions.
    ///
    /// # Errors
    /// Those of a copy and of a deletion. After an error the original is there, and perhaps the copy as well.
    pub async fn move_object(&self, from: ObjectKey, to: ObjectKey) -> Result<CopyOutput, Error> {
        if from == to {
            return Err(invalid("an object cannot be moved onto itself"));
        }
        let before = self.head_object(from.clone()).send().await?;
        let mut copy = self.copy(to.clone(), self, from.clone());
        if let Some(class) = before.attributes.storage_class.clone() {
            copy = copy.storage_class(class);
        }
        let copied = copy.send().await?;
        let after = self.head_object(to).send().await?;
        let is_same = after.content_length == before.content_length && after.etag == copied.etag;
        if let (Some(stored), Some(received)) = (before.crc64, after.crc64)
            && stored != received
        {
            return Err(IntegrityError::Download { stored, received }.into());
        }
        if !is_same {
            return Err(Error::Protocol(
                "the copy is not what was copied; the original was kept".into(),
            ));
        }
        // Nothing but a version could close the moment between this look and the deletion.
        let now = self.head_object(from.clone()).send().await?;
        if now.etag != before.etag {
            return Err(Error::Protocol(
                "the original was overwritten while it was moved; it was kept".into(),
            ));
        }
        self.delete_object(from).send().await?;
        Ok(copied)
    }

    /// Deletes every object whose key begins with `prefix`, a thousand a request, in constant memory. What could not
    /// be deleted is returned.
    ///
    /// # Errors
    /// Those of listing and deleting; what was deleted before stays deleted. An empty prefix, which would be the
    /// whole bucket.
    pub async fn delete_prefix(&self, prefix: &str, run: Run) -> Result<DeletePrefixOutput, Error> {
        if prefix.is_empty() {
            return Err(invalid("an empty prefix would delete everything in the bucket"));
        }
        let mut output = DeletePrefixOutput::default();
        let mut pages = std::pin::pin!(self.list_objects().prefix(prefix).pages());
        while let Some(page) = pages.try_next().await? {
            let mut keys = Vec::with_capacity(page.contents.len());
            for object in page.contents {
                match object.key.parse::<ObjectKey>() {
                    Ok(key) => keys.push((key, None)),
                    Err(error) => output.failed.push(wire::delete::DeleteFailure {
                        key: object.key,
                        code: "InvalidKey".to_owned(),
                        message: error.to_string(),
                        version_id: None,
                    }),
                }
            }
            let count = keys.len() as u64;
            if run == Run::Real && count > 0 {
                let result = self
                    .delete_objects(keys)
                    .report(wire::delete::DeleteReport::Quiet)
                    .send()
                    .await?;
                output.deleted += count - result.failed.len() as u64;
                output.failed.extend(result.failed);
            } else {
                output.deleted += count;
            }
        }
        Ok(output)
    }
}

/// Whether something is done, or only counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// It is done.
    Real,
    /// It is only counted.
    Dry,
}

/// What a deletion by prefix did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DeletePrefixOutput {
    /// How many objects were deleted, or would be.
    pub deleted: u64,
    /// Objects that could not be.
    pub failed: Vec<wire::delete::DeleteFailure>,
}
