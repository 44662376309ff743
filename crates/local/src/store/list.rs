//! Listing: one page of a bucket, straight from the index.

use std::ops::Bound;

use super::error::StoreError;
use super::index::{Snapshot, bucket_end, decode_object, object_key};
use super::record::ObjectRecord;

/// Which objects of a bucket to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListQuery {
    pub(crate) prefix: String,
    /// Keys that contain this after the prefix are rolled up into one common prefix.
    pub(crate) delimiter: Option<String>,
    /// Only what comes after this key or common prefix.
    pub(crate) marker: String,
    /// At most so many objects and common prefixes together.
    pub(crate) limit: usize,
}

/// One page of a listing.
#[derive(Debug, Default)]
pub(crate) struct ListPage {
    pub(crate) objects: Vec<(String, ObjectRecord)>,
    pub(crate) common_prefixes: Vec<String>,
    /// The marker of the next page, if there is one: the last object or common prefix of this page.
    pub(crate) next_marker: Option<String>,
}

/// Walks the index from the marker. Everything below a common prefix is skipped by one seek.
pub(crate) fn list(snapshot: &Snapshot, bucket: &str, query: &ListQuery) -> Result<ListPage, StoreError> {
    let cursor = snapshot.objects()?;
    let bucket_bytes = bucket.len() + 1;
    let end = Bound::Excluded(end_of(bucket, &query.prefix));
    let mut page = ListPage::default();
    let mut last = String::new();
    let mut start = (query.limit > 0).then(|| first(bucket, query));
    while let Some(from) = start.take().filter(|from| !past(from, &end)) {
        for entry in cursor.range((from, end.clone()))? {
            let (key, value) = entry?;
            let key = std::str::from_utf8(&key.value()[bucket_bytes..])
                .map_err(|_| StoreError::Damaged(String::from_utf8_lossy(key.value()).into_owned()))?;
            if page.objects.len() + page.common_prefixes.len() == query.limit {
                page.next_marker = Some(last);
                return Ok(page);
            }
            if let Some(common) = common_prefix(key, query) {
                common.clone_into(&mut last);
                page.common_prefixes.push(common.to_owned());
                start = Some(Bound::Included(end_of(bucket, common)));
                break;
            }
            key.clone_into(&mut last);
            page.objects
                .push((key.to_owned(), decode_object(key, value.value())?));
        }
    }
    Ok(page)
}

/// The part of a key up to and with the first delimiter after the prefix.
fn common_prefix<'k>(key: &'k str, query: &ListQuery) -> Option<&'k str> {
    let delimiter = query
        .delimiter
        .as_deref()
        .filter(|delimiter| !delimiter.is_empty())?;
    let rest = key.strip_prefix(query.prefix.as_str())?;
    rest.find(delimiter)
        .map(|at| &key[..query.prefix.len() + at + delimiter.len()])
}

fn first(bucket: &str, query: &ListQuery) -> Bound<Vec<u8>> {
    if query.marker.as_str() < query.prefix.as_str() || query.marker.is_empty() {
        Bound::Included(object_key(bucket, &query.prefix))
    } else if common_prefix(&query.marker, query) == Some(query.marker.as_str()) {
        // The page before ended with this common prefix.
        Bound::Included(end_of(bucket, &query.marker))
    } else {
        Bound::Excluded(object_key(bucket, &query.marker))
    }
}

/// The smallest index key above all keys of the bucket that begin with `prefix`.
fn end_of(bucket: &str, prefix: &str) -> Vec<u8> {
    if prefix.is_empty() {
        return bucket_end(bucket);
    }
    let mut end = object_key(bucket, prefix);
    if let Some(last) = end.last_mut() {
        // The last byte of UTF-8 text is never 0xFF.
        *last += 1;
    }
    end
}

/// Whether nothing can lie between the bounds (asking the index for such a range would be an error).
fn past(start: &Bound<Vec<u8>>, end: &Bound<Vec<u8>>) -> bool {
    match (start, end) {
        (Bound::Included(start) | Bound::Excluded(start), Bound::Excluded(end)) => start >= end,
        _ => false,
    }
}
