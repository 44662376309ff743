//! Objects and their versions in the index.
//!
//! The table of objects has the latest version of each key, unless that is a delete marker. All others, and the
//! markers, are in the table of versions, newest first. So a plain listing never meets what it must not show.

use redb::ReadableTable;

use super::{
    OBJECTS, Records, Snapshot, Tables, VERSIONS, VersionKey, decode, decode_released, encode, object_key,
};
use crate::store::error::StoreError;
use crate::store::objects::NewObject;
use crate::store::record::{MarkerRecord, ObjectRecord, OlderRecord, UnixMillis, Versioning};
use crate::store::version::{Sequence, Version, VersionId, VersionName};

impl Tables<'_> {
    /// Writes a new version of an object. What it replaces for good is released.
    pub(crate) fn put_object(
        &mut self,
        versioning: Versioning,
        bucket: &str,
        key: &str,
        object: NewObject,
    ) -> Result<Version, StoreError> {
        let place = object_key(bucket, key);
        let version = self.make_way(versioning, &place, key, object.modified)?;
        self.put_current(&place, key, &object.with_version(version))?;
        Ok(version)
    }

    /// Hides an object behind a delete marker, whose version is given, or drops it where no versions are kept.
    pub(crate) fn delete_object(
        &mut self,
        versioning: Versioning,
        bucket: &str,
        key: &str,
        now: UnixMillis,
    ) -> Result<Option<Version>, StoreError> {
        let place = object_key(bucket, key);
        if versioning == Versioning::Never {
            self.drop_current(&place, key)?;
            return Ok(None);
        }
        let version = self.make_way(versioning, &place, key, now)?;
        let modified = now;
        self.put_older(
            &place,
            key,
            &OlderRecord::Marker(MarkerRecord { version, modified }),
        )?;
        Ok(Some(version))
    }

    /// Drops one version for good. Gives what it was; nothing when there was none.
    pub(crate) fn delete_version(
        &mut self,
        bucket: &str,
        key: &str,
        id: VersionId,
    ) -> Result<Option<OlderRecord>, StoreError> {
        let place = object_key(bucket, key);
        let current = self.current(&place, key)?;
        if let Some(current) = current.as_ref().filter(|current| id.is(current.version)) {
            self.drop_current(&place, key)?;
            self.promote(&place, key)?;
            return Ok(Some(OlderRecord::Object(Box::new(current.clone()))));
        }
        let Some(older) = older_in(&self.versions, &place, key, id)? else {
            return Ok(None);
        };
        self.drop_older(&place, &older)?;
        if current.is_none() {
            self.promote(&place, key)?;
        }
        Ok(Some(older))
    }

    /// One version of an object, or the latest.
    pub(crate) fn object(
        &self,
        bucket: &str,
        key: &str,
        id: Option<VersionId>,
    ) -> Result<ObjectRecord, StoreError> {
        find(&self.objects, &self.versions, &object_key(bucket, key), key, id)
    }

    /// Changes what is said of a version that is there; its body stays the same.
    pub(crate) fn replace_object(
        &mut self,
        bucket: &str,
        key: &str,
        record: ObjectRecord,
    ) -> Result<(), StoreError> {
        let place = object_key(bucket, key);
        let is_current = self
            .current(&place, key)?
            .is_some_and(|current| current.version == record.version);
        match is_current {
            true => self.put_current(&place, key, &record),
            false => self.put_older(&place, key, &OlderRecord::Object(Box::new(record))),
        }
    }

    /// Makes way for a new latest version of a key. What was the latest becomes an older version, or is dropped when
    /// the new one takes its name.
    fn make_way(
        &mut self,
        versioning: Versioning,
        place: &[u8],
        key: &str,
        now: UnixMillis,
    ) -> Result<Version, StoreError> {
        let version = Version {
            sequence: self.next_sequence(now)?,
            name: match versioning {
                Versioning::Enabled => VersionName::Own,
                Versioning::Never | Versioning::Suspended => VersionName::Null,
            },
        };
        let removed = self.objects.remove(place)?;
        let current = removed.and_then(|value| decode_released::<ObjectRecord>(key, value.value()));
        let replaces_null = version.name == VersionName::Null;
        match current {
            Some(current) if replaces_null && current.version.name == VersionName::Null => {
                self.release(current.content.body)?;
            }
            Some(current) => self.put_older(place, key, &OlderRecord::Object(Box::new(current)))?,
            None => {}
        }
        if versioning == Versioning::Suspended
            && let Some(older) = older_in(&self.versions, place, key, VersionId::Null)?
        {
            self.drop_older(place, &older)?;
        }
        Ok(version)
    }

    /// After the latest version of a key is gone the newest of the others is the latest, unless it is a marker.
    fn promote(&mut self, place: &[u8], key: &str) -> Result<(), StoreError> {
        let newest = {
            let range = (place, 0)..=(place, u64::MAX);
            let mut older = self.versions.range::<(&[u8], u64)>(range)?;
            older
                .next()
                .transpose()?
                .map(|(_, value)| decode(key, value.value()))
        };
        if let Some(OlderRecord::Object(object)) = newest.transpose()? {
            self.versions.remove(older_key(place, object.version.sequence))?;
            self.put_current(place, key, &object)?;
        }
        Ok(())
    }

    fn current(&self, place: &[u8], key: &str) -> Result<Option<ObjectRecord>, StoreError> {
        current_in(&self.objects, place, key)
    }

    fn put_current(&mut self, place: &[u8], key: &str, record: &ObjectRecord) -> Result<(), StoreError> {
        self.objects.insert(place, encode(key, record)?.as_slice())?;
        Ok(())
    }

    fn drop_current(&mut self, place: &[u8], key: &str) -> Result<(), StoreError> {
        let removed = self.objects.remove(place)?;
        let removed = removed.and_then(|value| decode_released::<ObjectRecord>(key, value.value()));
        removed.map_or(Ok(()), |object| self.release(object.content.body))
    }

    fn put_older(&mut self, place: &[u8], key: &str, record: &OlderRecord) -> Result<(), StoreError> {
        let value = encode(key, record)?;
        self.versions
            .insert(older_key(place, record.version().sequence), value.as_slice())?;
        Ok(())
    }

    fn drop_older(&mut self, place: &[u8], record: &OlderRecord) -> Result<(), StoreError> {
        self.versions
            .remove(older_key(place, record.version().sequence))?;
        match record {
            OlderRecord::Object(object) => self.release(object.content.body),
            OlderRecord::Marker(_) => Ok(()),
        }
    }
}

impl Snapshot {
    /// One version of an object, or the latest.
    pub(crate) fn object(
        &self,
        bucket: &str,
        key: &str,
        id: Option<VersionId>,
    ) -> Result<ObjectRecord, StoreError> {
        let objects = self.transaction.open_table(OBJECTS)?;
        let versions = self.transaction.open_table(VERSIONS)?;
        find(&objects, &versions, &object_key(bucket, key), key, id)
    }

    /// The older versions and delete markers within bounds, in key order, newest first.
    pub(crate) fn versions(
        &self,
        start: (&[u8], u64),
        end: &[u8],
    ) -> Result<redb::Range<'static, VersionKey, Records>, StoreError> {
        let table = self.transaction.open_table(VERSIONS)?;
        Ok(table.range::<(&[u8], u64)>(start..(end, 0))?)
    }

    /// Where a version stands among all; nothing when there is no such version of the key.
    pub(crate) fn sequence_of(
        &self,
        bucket: &str,
        key: &str,
        id: VersionId,
    ) -> Result<Option<Sequence>, StoreError> {
        match (id, self.object(bucket, key, Some(id))) {
            (VersionId::Own(sequence), _) => Ok(Some(sequence)),
            (VersionId::Null, Ok(object)) => Ok(Some(object.version.sequence)),
            (VersionId::Null, Err(StoreError::DeleteMarker(version))) => Ok(Some(version.sequence)),
            (VersionId::Null, Err(StoreError::NoSuchVersion)) => Ok(None),
            (VersionId::Null, Err(error)) => Err(error),
        }
    }
}

fn find(
    objects: &impl ReadableTable<&'static [u8], Records>,
    versions: &impl ReadableTable<VersionKey, Records>,
    place: &[u8],
    key: &str,
    id: Option<VersionId>,
) -> Result<ObjectRecord, StoreError> {
    let current = current_in(objects, place, key)?;
    let Some(id) = id else {
        if let Some(current) = current {
            return Ok(current);
        }
        let range = (place, 0)..=(place, u64::MAX);
        let newest = versions.range::<(&[u8], u64)>(range)?.next().transpose()?;
        return Err(match newest {
            // The newest of the others is a marker, or it would be the latest.
            Some((_, value)) => {
                StoreError::DeleteMarker(decode::<OlderRecord>(key, value.value())?.version())
            }
            None => StoreError::NoSuchKey,
        });
    };
    if let Some(current) = current.filter(|current| id.is(current.version)) {
        return Ok(current);
    }
    match older_in(versions, place, key, id)? {
        Some(OlderRecord::Object(object)) => Ok(*object),
        Some(OlderRecord::Marker(marker)) => Err(StoreError::DeleteMarker(marker.version)),
        None => Err(StoreError::NoSuchVersion),
    }
}

fn current_in(
    objects: &impl ReadableTable<&'static [u8], Records>,
    place: &[u8],
    key: &str,
) -> Result<Option<ObjectRecord>, StoreError> {
    objects
        .get(place)?
        .map(|value| decode(key, value.value()))
        .transpose()
}

fn older_in(
    versions: &impl ReadableTable<VersionKey, Records>,
    place: &[u8],
    key: &str,
    id: VersionId,
) -> Result<Option<OlderRecord>, StoreError> {
    let range = match id {
        VersionId::Own(sequence) => older_key(place, sequence)..=older_key(place, sequence),
        VersionId::Null => (place, 0)..=(place, u64::MAX),
    };
    for entry in versions.range::<(&[u8], u64)>(range)? {
        let record: OlderRecord = decode(key, entry?.1.value())?;
        if id.is(record.version()) {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

fn older_key(place: &[u8], sequence: Sequence) -> (&[u8], u64) {
    (place, sequence.descending())
}
