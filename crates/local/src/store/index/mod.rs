//! The ordered index: what tables there are, how keys are laid out, and typed access to both.
//!
//! An object's key in the index, its place, is bucket ‖ 0 ‖ object key, so that one bucket's objects lie together in
//! UTF-8 byte order and a listing is a walk. A bucket name never contains 0. The table of objects holds what a plain
//! GET finds, one entry for each key; replaced versions and delete markers lie in a table of their own.

mod bodies;
mod objects;
mod uploads;

use std::ops::RangeBounds;

use redb::{ReadOnlyTable, ReadableDatabase as _, ReadableTable, Table, TableDefinition, WriteTransaction};

pub(crate) use bodies::Released;

use super::error::StoreError;
use super::record::{BucketRecord, ObjectRecord, UnixMillis};
use super::version::Sequence;

/// The layout that this program reads and writes.
pub(crate) const FORMAT: u64 = 1;

const STATE_SEQUENCE: &str = "sequence";

/// Values are records as JSON.
type Records = &'static [u8];
/// A place and what orders the several entries that it has: a version counted downwards.
type VersionKey = (&'static [u8], u64);
/// A place and an upload id.
type UploadKey = (&'static [u8], &'static str);
/// An upload id and a part number.
type PartKey = (&'static str, u16);
/// A list of segments and the offset in the body at which one of them begins.
type SegmentKey = (u128, u64);
/// A body's id, its length, and its place.
type SegmentValue = (u128, u64, u8);

const STATE: TableDefinition<'static, &str, u64> = TableDefinition::new("state");
const BUCKETS: TableDefinition<'static, &str, Records> = TableDefinition::new("buckets");
const OBJECTS: TableDefinition<'static, &[u8], Records> = TableDefinition::new("objects");
const VERSIONS: TableDefinition<'static, VersionKey, Records> = TableDefinition::new("versions");
const UPLOADS: TableDefinition<'static, UploadKey, Records> = TableDefinition::new("uploads");
const PARTS: TableDefinition<'static, PartKey, Records> = TableDefinition::new("parts");
const SEGMENTS: TableDefinition<'static, SegmentKey, SegmentValue> = TableDefinition::new("segments");
const BODIES: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("bodies");

/// A key of the objects table.
pub(crate) fn object_key(bucket: &str, key: &str) -> Vec<u8> {
    [bucket.as_bytes(), &[0], key.as_bytes()].concat()
}

/// Where a bucket's objects end.
pub(crate) fn bucket_end(bucket: &str) -> Vec<u8> {
    [bucket.as_bytes(), &[1]].concat()
}

/// The object key of a place in a bucket.
pub(crate) fn key_of<'p>(bucket: &str, place: &'p [u8]) -> Result<&'p str, StoreError> {
    let key = place.get(bucket.len() + 1..).unwrap_or_default();
    std::str::from_utf8(key).map_err(|_| StoreError::Damaged(String::from_utf8_lossy(place).into_owned()))
}

/// The tables inside one write transaction.
pub(crate) struct Tables<'txn> {
    pub(crate) state: Table<'txn, &'static str, u64>,
    buckets: Table<'txn, &'static str, Records>,
    objects: Table<'txn, &'static [u8], Records>,
    versions: Table<'txn, VersionKey, Records>,
    uploads: Table<'txn, UploadKey, Records>,
    parts: Table<'txn, PartKey, Records>,
    segments: Table<'txn, SegmentKey, SegmentValue>,
    bodies: Table<'txn, u128, &'static [u8]>,
    /// What no entry names any more, to be removed from the disk once this is committed.
    pub(crate) released: Vec<Released>,
}

impl<'txn> Tables<'txn> {
    /// Opens the tables, making them where they are missing.
    pub(crate) fn open(transaction: &'txn WriteTransaction) -> Result<Self, redb::TableError> {
        Ok(Tables {
            state: transaction.open_table(STATE)?,
            buckets: transaction.open_table(BUCKETS)?,
            objects: transaction.open_table(OBJECTS)?,
            versions: transaction.open_table(VERSIONS)?,
            uploads: transaction.open_table(UPLOADS)?,
            parts: transaction.open_table(PARTS)?,
            segments: transaction.open_table(SEGMENTS)?,
            bodies: transaction.open_table(BODIES)?,
            released: Vec::new(),
        })
    }

    /// A bucket that must be there.
    pub(crate) fn existing(&self, bucket: &str) -> Result<BucketRecord, StoreError> {
        self.bucket(bucket)?.ok_or(StoreError::NoSuchBucket)
    }

    pub(crate) fn bucket(&self, bucket: &str) -> Result<Option<BucketRecord>, StoreError> {
        bucket_in(&self.buckets, bucket)
    }

    pub(crate) fn put_bucket(&mut self, bucket: &str, record: &BucketRecord) -> Result<(), StoreError> {
        self.buckets.insert(bucket, encode(bucket, record)?.as_slice())?;
        Ok(())
    }

    pub(crate) fn remove_bucket(&mut self, bucket: &str) -> Result<(), StoreError> {
        self.buckets.remove(bucket)?;
        Ok(())
    }

    /// Whether a bucket holds no object, no older version and no unfinished upload.
    pub(crate) fn is_empty(&self, bucket: &str) -> Result<bool, StoreError> {
        let (start, end) = (object_key(bucket, ""), bucket_end(bucket));
        let (start, end) = (start.as_slice(), end.as_slice());
        let object = self.objects.range::<&[u8]>(start..end)?.next().transpose()?;
        let versions = (start, 0)..(end, 0);
        let version = self
            .versions
            .range::<(&[u8], u64)>(versions)?
            .next()
            .transpose()?;
        let uploads = (start, "")..(end, "");
        let upload = self.uploads.range::<(&[u8], &str)>(uploads)?.next().transpose()?;
        Ok(object.is_none() && version.is_none() && upload.is_none())
    }

    /// A number above all that were given before.
    fn next_sequence(&mut self, now: UnixMillis) -> Result<Sequence, StoreError> {
        let last = self
            .state
            .get(STATE_SEQUENCE)?
            .map_or(0, |sequence| sequence.value());
        let time = u64::try_from(now.0).unwrap_or(0).saturating_mul(1000);
        let next = time.max(last.saturating_add(1));
        self.state.insert(STATE_SEQUENCE, next)?;
        Ok(Sequence(next))
    }
}

/// One consistent view of the index, for reading.
#[derive(Debug)]
pub(crate) struct Snapshot {
    transaction: redb::ReadTransaction,
}

impl Snapshot {
    pub(crate) fn of(database: &redb::Database) -> Result<Snapshot, StoreError> {
        Ok(Snapshot {
            transaction: database.begin_read()?,
        })
    }

    /// A bucket that must be there.
    pub(crate) fn existing(&self, bucket: &str) -> Result<BucketRecord, StoreError> {
        self.bucket(bucket)?.ok_or(StoreError::NoSuchBucket)
    }

    pub(crate) fn bucket(&self, bucket: &str) -> Result<Option<BucketRecord>, StoreError> {
        bucket_in(&self.transaction.open_table(BUCKETS)?, bucket)
    }

    /// All buckets, in order of their names.
    pub(crate) fn buckets(&self) -> Result<Vec<(String, BucketRecord)>, StoreError> {
        let table = self.transaction.open_table(BUCKETS)?;
        let entries = table.range::<&str>(..)?;
        entries
            .map(|entry| {
                let (name, record) = entry?;
                Ok((name.value().to_owned(), decode(name.value(), record.value())?))
            })
            .collect()
    }

    /// A cursor over the objects table.
    pub(crate) fn objects(&self) -> Result<ObjectsCursor, StoreError> {
        Ok(ObjectsCursor {
            table: self.transaction.open_table(OBJECTS)?,
        })
    }

    /// How many entries of each kind there are, for tests of what is left behind.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> [u64; 5] {
        use redb::ReadableTableMetadata as _;
        let transaction = &self.transaction;
        [
            transaction.open_table(VERSIONS).unwrap().len().unwrap(),
            transaction.open_table(UPLOADS).unwrap().len().unwrap(),
            transaction.open_table(PARTS).unwrap().len().unwrap(),
            transaction.open_table(SEGMENTS).unwrap().len().unwrap(),
            transaction.open_table(BODIES).unwrap().len().unwrap(),
        ]
    }
}

/// Walks object entries in key order.
pub(crate) struct ObjectsCursor {
    table: ReadOnlyTable<&'static [u8], Records>,
}

impl ObjectsCursor {
    /// The entries within bounds on the index's own keys; the records are not decoded yet.
    pub(crate) fn range(
        &self,
        bounds: impl RangeBounds<Vec<u8>>,
    ) -> Result<redb::Range<'static, &'static [u8], Records>, StoreError> {
        Ok(self.table.range::<&[u8]>(as_slices(&bounds))?)
    }
}

/// Reads a record of the objects table.
pub(crate) fn decode_object(key: &str, value: &[u8]) -> Result<ObjectRecord, StoreError> {
    decode(key, value)
}

/// Reads a record that is about to be removed. A damaged one may be removed or replaced like any other; the body
/// that it named is collected after the next crash.
fn decode_released<T: serde::de::DeserializeOwned>(name: &str, value: &[u8]) -> Option<T> {
    let record = decode(name, value);
    record
        .inspect_err(|error| tracing::error!(%error, "a replaced entry could not be read"))
        .ok()
}

fn bucket_in(
    table: &impl ReadableTable<&'static str, Records>,
    bucket: &str,
) -> Result<Option<BucketRecord>, StoreError> {
    table
        .get(bucket)?
        .map(|value| decode(bucket, value.value()))
        .transpose()
}

fn as_slices(bounds: &impl RangeBounds<Vec<u8>>) -> (std::ops::Bound<&[u8]>, std::ops::Bound<&[u8]>) {
    (
        bounds.start_bound().map(Vec::as_slice),
        bounds.end_bound().map(Vec::as_slice),
    )
}

pub(crate) fn encode(name: &str, record: &impl serde::Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(record).map_err(|_| StoreError::Damaged(name.to_owned()))
}

pub(crate) fn decode<T: serde::de::DeserializeOwned>(name: &str, value: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(value).map_err(|_| StoreError::Damaged(name.to_owned()))
}
