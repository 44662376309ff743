//! Objects: written, grown, deleted, looked up, opened; in buckets that keep versions and in others.

use cos_transport::checksum::Crc64;
use md5::{Digest as _, Md5};

use super::disk::{BodyWriter, StagedBody, blocking};
use super::error::StoreError;
use super::index::Tables;
use super::read::{self, OpenObject};
use super::record::{
    Attributes, BucketRecord, Content, ObjectRecord, ObjectType, OlderRecord, UnixMillis, Versioning,
};
use super::version::{Version, VersionId};
use super::writer::Change;
use super::{MissingBuckets, Store};

/// An object before it is given its place among the versions of its key.
#[derive(Clone, Debug)]
pub(crate) struct NewObject {
    pub(crate) content: Content,
    pub(crate) modified: UnixMillis,
    pub(crate) attributes: Attributes,
    pub(crate) object_type: ObjectType,
}

impl NewObject {
    pub(crate) fn with_version(self, version: Version) -> ObjectRecord {
        ObjectRecord {
            version,
            content: self.content,
            modified: self.modified,
            attributes: self.attributes,
            object_type: self.object_type,
            restore: None,
        }
    }
}

/// An object that was written.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) content: Content,
    pub(crate) modified: UnixMillis,
    /// None in a bucket that never kept versions.
    pub(crate) version: Option<Version>,
}

/// What a deletion did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deleted {
    /// The delete marker that was written, or the version that is gone.
    pub(crate) version: Option<Version>,
    /// Whether that is a delete marker.
    pub(crate) is_marker: bool,
}

impl Store {
    /// Starts to receive a body.
    pub(crate) fn receive(&self) -> BodyWriter {
        BodyWriter::new(self.disk.clone())
    }

    /// Stores an object whose body has been received as the latest version of its key.
    pub(crate) async fn put_object(
        &self,
        bucket: &str,
        key: &str,
        attributes: Attributes,
        body: StagedBody,
        missing: MissingBuckets,
        now: UnixMillis,
    ) -> Result<Written, StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let change = move |tables: &mut Tables<'_>| {
            let record = bucket_for_write(tables, &bucket, missing, now)?;
            if let Some((id, bytes)) = body.index_body() {
                tables.put_body(id, bytes)?;
            }
            let object = NewObject {
                content: body.content(),
                modified: now,
                attributes,
                object_type: ObjectType::Normal,
            };
            let content = object.content.clone();
            let version = tables.put_object(record.versioning, &bucket, &key, object)?;
            let value = Written {
                content,
                modified: now,
                version: shown(record.versioning, version),
            };
            Ok(Change {
                value,
                adopted: Some(body),
            })
        };
        self.writer.apply(change).await
    }

    /// Appends a body that has been received to an object that ends at `position`, or begins one at position 0.
    #[allow(clippy::too_many_arguments, reason = "all that an append says")]
    pub(crate) async fn append_object(
        &self,
        bucket: &str,
        key: &str,
        position: u64,
        attributes: Attributes,
        body: StagedBody,
        missing: MissingBuckets,
        now: UnixMillis,
    ) -> Result<Written, StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let change = move |tables: &mut Tables<'_>| {
            let versioning = match tables.bucket(&bucket)? {
                Some(record) => record.versioning,
                None => Versioning::Never,
            };
            let current = match tables.object(&bucket, &key, None) {
                Ok(current) => Some(current),
                Err(StoreError::NoSuchKey) => None,
                Err(error) => return Err(error),
            };
            check_append(versioning, current.as_ref(), position, body.length)?;
            bucket_for_write(tables, &bucket, missing, now)?;
            if let Some((id, bytes)) = body.index_body() {
                tables.put_body(id, bytes)?;
            }
            let content = match current {
                None => {
                    let object = NewObject {
                        content: body.content(),
                        modified: now,
                        attributes,
                        object_type: ObjectType::Appendable,
                    };
                    let content = object.content.clone();
                    tables.put_object(versioning, &bucket, &key, object)?;
                    content
                }
                Some(mut object) => {
                    let added = body.content();
                    let bodies = [
                        (object.content.body, object.content.length),
                        (added.body, added.length),
                    ];
                    object.content.body = tables.join(&bodies)?;
                    object.content.length += added.length;
                    object.content.crc64 = Crc64::combine(object.content.crc64, added.crc64, added.length);
                    object.content.etag = chained_etag(&object.content.etag, &added.etag);
                    object.modified = now;
                    let content = object.content.clone();
                    tables.replace_object(&bucket, &key, object)?;
                    content
                }
            };
            let value = Written {
                content,
                modified: now,
                version: None,
            };
            Ok(Change {
                value,
                adopted: Some(body),
            })
        };
        self.writer.apply(change).await
    }

    /// Whether an append at `position` would be taken now, before its body is received.
    pub(crate) async fn check_append(
        &self,
        bucket: &str,
        key: &str,
        position: u64,
        missing: MissingBuckets,
    ) -> Result<(), StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.read(move |snapshot| {
            let versioning = match (snapshot.bucket(&bucket)?, missing) {
                (Some(record), _) => record.versioning,
                (None, MissingBuckets::Create) => Versioning::Never,
                (None, MissingBuckets::Refuse) => return Err(StoreError::NoSuchBucket),
            };
            let current = match snapshot.object(&bucket, &key, None) {
                Ok(current) => Some(current),
                Err(StoreError::NoSuchKey) => None,
                Err(error) => return Err(error),
            };
            check_append(versioning, current.as_ref(), position, 0)
        })
        .await
    }

    /// Deletes objects or single versions of them, each with a result of its own.
    pub(crate) async fn delete_objects(
        &self,
        bucket: &str,
        targets: Vec<(String, Option<VersionId>)>,
        now: UnixMillis,
    ) -> Result<Vec<Deleted>, StoreError> {
        let bucket = bucket.to_owned();
        let change = move |tables: &mut Tables<'_>| {
            let versioning = tables.existing(&bucket)?.versioning;
            let mut delete = |(key, id): (String, Option<VersionId>)| match id {
                None => {
                    let version = tables.delete_object(versioning, &bucket, &key, now)?;
                    Ok(Deleted {
                        version,
                        is_marker: version.is_some(),
                    })
                }
                Some(id) => {
                    let gone = tables.delete_version(&bucket, &key, id)?;
                    Ok(gone.map_or(Deleted::default(), |gone| Deleted {
                        version: shown(versioning, gone.version()),
                        is_marker: matches!(gone, OlderRecord::Marker(_)),
                    }))
                }
            };
            let deleted = targets.into_iter().map(&mut delete);
            deleted
                .collect::<Result<Vec<Deleted>, StoreError>>()
                .map(Change::of)
        };
        self.writer.apply(change).await
    }

    /// What is known about one version of an object, or the latest, and about its bucket.
    pub(crate) async fn head_object(
        &self,
        bucket: &str,
        key: &str,
        id: Option<VersionId>,
    ) -> Result<(BucketRecord, ObjectRecord), StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.read(move |snapshot| {
            let record = snapshot.existing(&bucket)?;
            Ok((record, snapshot.object(&bucket, &key, id)?))
        })
        .await
    }

    /// Opens one version of an object, or the latest, for reading.
    pub(crate) async fn open_object(
        &self,
        bucket: &str,
        key: &str,
        id: Option<VersionId>,
    ) -> Result<OpenObject, StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let (database, disk) = (self.database.clone(), self.disk.clone());
        blocking(move || read::open(&database, &disk, &bucket, &key, id)).await
    }

    /// Changes what is said of an object. The change refuses before it changes anything, or not at all.
    pub(crate) async fn update_object<F, T>(
        &self,
        bucket: &str,
        key: &str,
        id: Option<VersionId>,
        update: F,
    ) -> Result<T, StoreError>
    where
        F: FnOnce(&mut ObjectRecord) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let change = move |tables: &mut Tables<'_>| {
            tables.existing(&bucket)?;
            let mut record = tables.object(&bucket, &key, id)?;
            let value = update(&mut record)?;
            tables.replace_object(&bucket, &key, record)?;
            Ok(Change::of(value))
        };
        self.writer.apply(change).await
    }
}

/// The longest object that is put, copied or appended to, in bytes.
pub(crate) const SINGLE_MAX: u64 = 5 * 1024 * 1024 * 1024;

/// The bucket of a write, made if that is wanted.
pub(super) fn bucket_for_write(
    tables: &mut Tables<'_>,
    bucket: &str,
    missing: MissingBuckets,
    now: UnixMillis,
) -> Result<BucketRecord, StoreError> {
    match (tables.bucket(bucket)?, missing) {
        (Some(record), _) => Ok(record),
        (None, MissingBuckets::Refuse) => Err(StoreError::NoSuchBucket),
        (None, MissingBuckets::Create) => {
            let record = BucketRecord::new(now);
            tables.put_bucket(bucket, &record)?;
            Ok(record)
        }
    }
}

/// Versions are told of only where they are kept.
pub(super) fn shown(versioning: Versioning, version: Version) -> Option<Version> {
    (versioning != Versioning::Never).then_some(version)
}

fn check_append(
    versioning: Versioning,
    current: Option<&ObjectRecord>,
    position: u64,
    added: u64,
) -> Result<(), StoreError> {
    if versioning != Versioning::Never {
        return Err(StoreError::AppendWithVersions);
    }
    let end = match current {
        Some(object) if object.object_type == ObjectType::Normal => return Err(StoreError::NotAppendable),
        Some(object) => object.content.length,
        None => 0,
    };
    if end != position {
        return Err(StoreError::WrongPosition(end));
    }
    match end.checked_add(added) {
        Some(..=SINGLE_MAX) => Ok(()),
        _ => Err(StoreError::ObjectTooLarge),
    }
}

/// The tag of an object that has grown: no MD5 of its bytes, but another for every growth.
fn chained_etag(before: &str, added: &str) -> String {
    hex::encode(Md5::new().chain_update(before).chain_update(added).finalize())
}
