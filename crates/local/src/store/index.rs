//! The ordered index: what tables there are, how keys are laid out, and typed access to both.
//!
//! An object's key in the index is bucket ‖ 0 ‖ object key, so that one bucket's objects lie together in
//! UTF-8 byte order and a listing is a walk. A bucket name never contains 0.

use std::ops::RangeBounds;

use redb::{ReadableDatabase as _, ReadableTable, Table, TableDefinition, WriteTransaction};

use super::error::StoreError;
use super::record::{BodyId, BucketRecord, ObjectRecord, Place, Segment};

/// The layout that this program reads and writes.
pub(crate) const FORMAT: u64 = 1;

const STATE: TableDefinition<'static, &str, u64> = TableDefinition::new("state");
const BUCKETS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("buckets");
const OBJECTS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("objects");
const BODIES: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("bodies");

/// A key of the objects table.
pub(crate) fn object_key(bucket: &str, key: &str) -> Vec<u8> {
    [bucket.as_bytes(), &[0], key.as_bytes()].concat()
}

/// Where a bucket's objects end.
pub(crate) fn bucket_end(bucket: &str) -> Vec<u8> {
    [bucket.as_bytes(), &[1]].concat()
}

/// The tables inside one write transaction.
pub(crate) struct Tables<'txn> {
    pub(crate) state: Table<'txn, &'static str, u64>,
    buckets: Table<'txn, &'static str, &'static [u8]>,
    objects: Table<'txn, &'static [u8], &'static [u8]>,
    bodies: Table<'txn, u128, &'static [u8]>,
}

impl<'txn> Tables<'txn> {
    /// Opens the tables, making them where they are missing.
    pub(crate) fn open(transaction: &'txn WriteTransaction) -> Result<Self, redb::TableError> {
        Ok(Tables {
            state: transaction.open_table(STATE)?,
            buckets: transaction.open_table(BUCKETS)?,
            objects: transaction.open_table(OBJECTS)?,
            bodies: transaction.open_table(BODIES)?,
        })
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

    pub(crate) fn is_empty(&self, bucket: &str) -> Result<bool, StoreError> {
        let range = object_key(bucket, "")..bucket_end(bucket);
        Ok(self
            .objects
            .range::<&[u8]>(as_slices(&range))?
            .next()
            .transpose()?
            .is_none())
    }

    /// Writes an object's entry. Gives the segments of the one it replaces.
    pub(crate) fn put_object(
        &mut self,
        bucket: &str,
        key: &str,
        record: &ObjectRecord,
    ) -> Result<Vec<Segment>, StoreError> {
        let value = encode(key, record)?;
        let replaced = self
            .objects
            .insert(object_key(bucket, key).as_slice(), value.as_slice())?;
        let replaced = replaced.and_then(|old| decode_released(key, old.value()));
        self.release(replaced)
    }

    /// Removes an object's entry. Gives the segments that it had; none when there was no entry.
    pub(crate) fn remove_object(&mut self, bucket: &str, key: &str) -> Result<Vec<Segment>, StoreError> {
        let removed = self.objects.remove(object_key(bucket, key).as_slice())?;
        let removed = removed.and_then(|old| decode_released(key, old.value()));
        self.release(removed)
    }

    /// Keeps a small body in the index.
    pub(crate) fn put_body(&mut self, id: BodyId, bytes: &[u8]) -> Result<(), StoreError> {
        self.bodies.insert(id.0, bytes)?;
        Ok(())
    }

    /// Drops the bodies that a record held in the index; those held in files are the caller's to remove
    /// once the transaction is committed.
    fn release(&mut self, record: Option<ObjectRecord>) -> Result<Vec<Segment>, StoreError> {
        let segments = record.map(|record| record.segments).unwrap_or_default();
        for segment in segments.iter().filter(|segment| segment.place == Place::Index) {
            self.bodies.remove(segment.id.0)?;
        }
        Ok(segments)
    }
}

/// One consistent view of the index, for reading.
pub(crate) struct Snapshot {
    transaction: redb::ReadTransaction,
}

impl Snapshot {
    pub(crate) fn of(database: &redb::Database) -> Result<Snapshot, StoreError> {
        Ok(Snapshot {
            transaction: database.begin_read()?,
        })
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

    pub(crate) fn object(&self, bucket: &str, key: &str) -> Result<Option<ObjectRecord>, StoreError> {
        let table = self.transaction.open_table(OBJECTS)?;
        table
            .get(object_key(bucket, key).as_slice())?
            .map(|value| decode(key, value.value()))
            .transpose()
    }

    /// The bytes of a small body.
    pub(crate) fn body(&self, id: BodyId) -> Result<Option<Vec<u8>>, StoreError> {
        let table = self.transaction.open_table(BODIES)?;
        Ok(table.get(id.0)?.map(|bytes| bytes.value().to_vec()))
    }

    /// A cursor over the objects table.
    pub(crate) fn objects(&self) -> Result<ObjectsCursor, StoreError> {
        Ok(ObjectsCursor {
            table: self.transaction.open_table(OBJECTS)?,
        })
    }
}

/// Walks object entries in key order.
pub(crate) struct ObjectsCursor {
    table: redb::ReadOnlyTable<&'static [u8], &'static [u8]>,
}

impl ObjectsCursor {
    /// The entries within bounds on the index's own keys; the records are not decoded yet.
    pub(crate) fn range(
        &self,
        bounds: impl RangeBounds<Vec<u8>>,
    ) -> Result<redb::Range<'static, &'static [u8], &'static [u8]>, StoreError> {
        Ok(self.table.range::<&[u8]>(as_slices(&bounds))?)
    }
}

/// Reads a record of the objects table.
pub(crate) fn decode_object(key: &str, value: &[u8]) -> Result<ObjectRecord, StoreError> {
    decode(key, value)
}

/// A damaged entry may be replaced or removed; the body that it named is collected after the next crash.
fn decode_released(key: &str, value: &[u8]) -> Option<ObjectRecord> {
    let record = decode(key, value);
    record
        .inspect_err(|error| tracing::error!(%error, "a replaced entry could not be read"))
        .ok()
}

fn bucket_in(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
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

fn encode(name: &str, record: &impl serde::Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(record).map_err(|_| StoreError::Damaged(name.to_owned()))
}

fn decode<T: serde::de::DeserializeOwned>(name: &str, value: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(value).map_err(|_| StoreError::Damaged(name.to_owned()))
}
