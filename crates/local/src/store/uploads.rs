//! Multipart uploads: begun, filled with parts, put together without copying, or aborted.

use cos_transport::checksum::Crc64;
use cos_transport::wire::multipart::{CompletedPart, PartNumber};
use md5::{Digest as _, Md5};

use super::disk::StagedBody;
use super::error::StoreError;
use super::index::Tables;
use super::objects::{NewObject, Written, bucket_for_write, shown};
use super::record::{Body, Content, ObjectType, PartRecord, UnixMillis, UploadRecord};
use super::writer::Change;
use super::{MissingBuckets, Store};

/// The shortest part that is not the last, in bytes.
const PART_MIN: u64 = 1024 * 1024;
/// The longest object, in bytes: 48.82 TB.
const OBJECT_MAX: u64 = 50_000 * 1024 * 1024 * 1024;

impl Store {
    /// Begins an upload. Gives its id.
    pub(crate) async fn create_upload(
        &self,
        bucket: &str,
        key: &str,
        record: UploadRecord,
        missing: MissingBuckets,
    ) -> Result<String, StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        // The time comes first, so that the uploads of a key are listed as they were begun.
        let id = format!(
            "{:010}{}",
            record.initiated.seconds(),
            hex::encode(rand::random::<[u8; 32]>())
        );
        let change = move |tables: &mut Tables<'_>| {
            bucket_for_write(tables, &bucket, missing, record.initiated)?;
            tables.put_upload(&bucket, &key, &id, &record)?;
            Ok(Change::of(id))
        };
        self.writer.apply(change).await
    }

    /// What is known about an unfinished upload.
    pub(crate) async fn upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
    ) -> Result<UploadRecord, StoreError> {
        let (bucket, key, id) = (bucket.to_owned(), key.to_owned(), upload_id.to_owned());
        self.read(move |snapshot| {
            snapshot.existing(&bucket)?;
            snapshot.upload(&bucket, &key, &id)
        })
        .await
    }

    /// Stores a part whose body has been received, replacing the one of the same number.
    pub(crate) async fn put_part(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        number: PartNumber,
        body: StagedBody,
        now: UnixMillis,
    ) -> Result<Content, StoreError> {
        let (bucket, key, id) = (bucket.to_owned(), key.to_owned(), upload_id.to_owned());
        let change = move |tables: &mut Tables<'_>| {
            tables.existing(&bucket)?;
            tables.upload(&bucket, &key, &id)?;
            if let Some((id, bytes)) = body.index_body() {
                tables.put_body(id, bytes)?;
            }
            let record = PartRecord {
                content: body.content(),
                modified: now,
            };
            tables.put_part(&id, number, &record)?;
            Ok(Change {
                value: record.content,
                adopted: Some(body),
            })
        };
        self.writer.apply(change).await
    }

    /// At most `limit` parts of an upload behind a number.
    pub(crate) async fn parts(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        behind: u16,
        limit: usize,
    ) -> Result<(UploadRecord, Vec<(u16, PartRecord)>), StoreError> {
        let (bucket, key, id) = (bucket.to_owned(), key.to_owned(), upload_id.to_owned());
        self.read(move |snapshot| {
            snapshot.existing(&bucket)?;
            let upload = snapshot.upload(&bucket, &key, &id)?;
            Ok((upload, snapshot.parts(&id, behind, limit)?))
        })
        .await
    }

    /// Makes an object of the parts that are named, in their order. All others are dropped.
    pub(crate) async fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        named: Vec<CompletedPart>,
        now: UnixMillis,
    ) -> Result<Written, StoreError> {
        let (bucket, key, id) = (bucket.to_owned(), key.to_owned(), upload_id.to_owned());
        let change = move |tables: &mut Tables<'_>| {
            let versioning = tables.existing(&bucket)?.versioning;
            let upload = tables.upload(&bucket, &key, &id)?;
            let content = put_together(tables, &id, &named)?;
            let mut bodies = Vec::with_capacity(named.len());
            for (number, part) in tables.take_upload(&bucket, &key, &id)? {
                match named.binary_search_by_key(&number, |named| named.number.get()) {
                    Ok(_) => bodies.push((part.content.body, part.content.length)),
                    Err(_) => tables.release(part.content.body)?,
                }
            }
            let object = NewObject {
                content: Content {
                    body: tables.join(&bodies)?,
                    ..content
                },
                modified: now,
                attributes: upload.attributes,
                object_type: ObjectType::Normal,
            };
            let content = object.content.clone();
            let version = tables.put_object(versioning, &bucket, &key, object)?;
            Ok(Change::of(Written {
                content,
                modified: now,
                version: shown(versioning, version),
            }))
        };
        self.writer.apply(change).await
    }

    /// Drops an upload with its parts.
    pub(crate) async fn abort_upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
    ) -> Result<(), StoreError> {
        let (bucket, key, id) = (bucket.to_owned(), key.to_owned(), upload_id.to_owned());
        let change = move |tables: &mut Tables<'_>| {
            tables.existing(&bucket)?;
            tables.upload(&bucket, &key, &id)?;
            for (_, part) in tables.take_upload(&bucket, &key, &id)? {
                tables.release(part.content.body)?;
            }
            Ok(Change::of(()))
        };
        self.writer.apply(change).await
    }
}

/// Checks the named parts and gives what the object will be, but for where its bytes are.
fn put_together(
    tables: &Tables<'_>,
    upload_id: &str,
    named: &[CompletedPart],
) -> Result<Content, StoreError> {
    let mut tags = Md5::new();
    let (mut length, mut crc64) = (0_u64, 0);
    let mut too_small = None;
    for (index, named_part) in named.iter().enumerate() {
        let number = named_part.number;
        let invalid = || StoreError::InvalidPart(number);
        let part = tables.part(upload_id, number)?.ok_or_else(invalid)?.content;
        if part.etag != named_part.etag.as_str().to_ascii_lowercase() {
            return Err(invalid());
        }
        if part.length < PART_MIN && index + 1 < named.len() {
            too_small.get_or_insert(number);
        }
        tags.update(hex::decode(&part.etag).map_err(|_| StoreError::Damaged(upload_id.to_owned()))?);
        crc64 = Crc64::combine(crc64, part.crc64, part.length);
        length += part.length;
    }
    if let Some(number) = too_small {
        return Err(StoreError::PartTooSmall(number));
    }
    if length > OBJECT_MAX {
        return Err(StoreError::ObjectTooLarge);
    }
    Ok(Content {
        body: Body::Empty,
        length,
        etag: format!("{}-{}", hex::encode(tags.finalize()), named.len()),
        crc64,
    })
}
