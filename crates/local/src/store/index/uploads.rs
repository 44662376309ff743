//! Unfinished multipart uploads and their parts in the index.

use super::{
    PARTS, Records, Snapshot, Tables, UPLOADS, UploadKey, decode, decode_released, encode, object_key,
};
use crate::store::error::StoreError;
use crate::store::record::{PartRecord, UploadRecord};
use cos_transport::wire::multipart::PartNumber;
use redb::ReadableTable;

impl Tables<'_> {
    pub(crate) fn put_upload(
        &mut self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        record: &UploadRecord,
    ) -> Result<(), StoreError> {
        let value = encode(key, record)?;
        self.uploads
            .insert((object_key(bucket, key).as_slice(), upload_id), value.as_slice())?;
        Ok(())
    }

    pub(crate) fn upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
    ) -> Result<UploadRecord, StoreError> {
        upload_in(&self.uploads, bucket, key, upload_id)
    }

    /// Writes a part's entry. The part that it replaces is released.
    pub(crate) fn put_part(
        &mut self,
        upload_id: &str,
        number: PartNumber,
        record: &PartRecord,
    ) -> Result<(), StoreError> {
        let value = encode(upload_id, record)?;
        let replaced = {
            let replaced = self.parts.insert((upload_id, number.get()), value.as_slice())?;
            replaced.and_then(|value| decode_released::<PartRecord>(upload_id, value.value()))
        };
        replaced.map_or(Ok(()), |part| self.release(part.content.body))
    }

    pub(crate) fn part(&self, upload_id: &str, number: PartNumber) -> Result<Option<PartRecord>, StoreError> {
        let value = self.parts.get((upload_id, number.get()))?;
        value.map(|value| decode(upload_id, value.value())).transpose()
    }

    /// Removes an upload with the entries of its parts, which are given.
    pub(crate) fn take_upload(
        &mut self,
        bucket: &str,
        key: &str,
        upload_id: &str,
    ) -> Result<Vec<(u16, PartRecord)>, StoreError> {
        self.uploads
            .remove((object_key(bucket, key).as_slice(), upload_id))?;
        let range = (upload_id, 0)..=(upload_id, u16::MAX);
        let mut parts = Vec::new();
        for entry in self.parts.extract_from_if::<(&str, u16), _>(range, |_, _| true)? {
            let (number, value) = entry?;
            if let Some(part) = decode_released(upload_id, value.value()) {
                parts.push((number.value().1, part));
            }
        }
        Ok(parts)
    }
}

impl Snapshot {
    pub(crate) fn upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
    ) -> Result<UploadRecord, StoreError> {
        upload_in(&self.transaction.open_table(UPLOADS)?, bucket, key, upload_id)
    }

    /// At most `limit` parts of an upload behind a number.
    pub(crate) fn parts(
        &self,
        upload_id: &str,
        behind: u16,
        limit: usize,
    ) -> Result<Vec<(u16, PartRecord)>, StoreError> {
        let table = self.transaction.open_table(PARTS)?;
        let range = (upload_id, behind.saturating_add(1))..=(upload_id, u16::MAX);
        let parts = table.range::<(&str, u16)>(range)?.take(limit);
        let read = |entry: Result<_, redb::StorageError>| {
            let (key, value): (redb::AccessGuard<'_, (&str, u16)>, redb::AccessGuard<'_, &[u8]>) = entry?;
            Ok((key.value().1, decode(upload_id, value.value())?))
        };
        parts.map(read).collect()
    }

    /// The unfinished uploads within bounds, by key and upload id.
    pub(crate) fn uploads(
        &self,
        start: (&[u8], &str),
        end: &[u8],
    ) -> Result<redb::Range<'static, UploadKey, Records>, StoreError> {
        let table = self.transaction.open_table(UPLOADS)?;
        Ok(table.range::<(&[u8], &str)>(start..(end, ""))?)
    }
}

fn upload_in(
    uploads: &impl ReadableTable<UploadKey, Records>,
    bucket: &str,
    key: &str,
    upload_id: &str,
) -> Result<UploadRecord, StoreError> {
    let value = uploads.get((object_key(bucket, key).as_slice(), upload_id))?;
    let value = value.ok_or(StoreError::NoSuchUpload)?;
    decode(key, value.value())
}
