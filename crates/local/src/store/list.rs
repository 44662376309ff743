//! Listings: one page of a bucket's objects, versions or uploads, straight from the index.

use std::iter::Peekable;

use super::Store;
use super::error::StoreError;
use super::index::{Snapshot, bucket_end, decode, decode_object, key_of, object_key};
use super::record::{ObjectRecord, OlderRecord, UploadRecord};
use super::version::VersionId;

/// Which entries of a bucket to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListQuery {
    pub(crate) prefix: String,
    /// Keys that contain this after the prefix are rolled up into one common prefix.
    pub(crate) delimiter: Option<String>,
    /// Only what comes after this key or common prefix.
    pub(crate) marker: String,
    /// With it the listing goes on with the marked key, behind this version or upload of it.
    pub(crate) marker_id: Option<String>,
    /// At most so many entries and common prefixes together.
    pub(crate) limit: usize,
}

/// One page of a listing.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) entries: Vec<Listed<T>>,
    pub(crate) common_prefixes: Vec<String>,
    /// The markers of the next page, if there is one: the last entry or common prefix of this page.
    pub(crate) next: Option<(String, Option<String>)>,
}

/// One entry of a page.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    pub(crate) key: String,
    /// Where the entry stands among those of the same key, if there can be several.
    pub(crate) id: Option<String>,
    pub(crate) record: T,
}

/// Where a walk over the index begins.
struct Start {
    /// At this place …
    place: Vec<u8>,
    /// … or behind this one of the several entries there.
    behind: Option<String>,
}

impl Store {
    /// One page of a bucket's objects.
    pub(crate) async fn list(
        &self,
        bucket: &str,
        query: ListQuery,
    ) -> Result<Page<ObjectRecord>, StoreError> {
        let bucket = bucket.to_owned();
        self.read(move |snapshot| {
            snapshot.existing(&bucket)?;
            list(&bucket, &query, |start, end| {
                objects(snapshot, &bucket, start, end)
            })
        })
        .await
    }

    /// One page of a bucket's versions and delete markers, each with whether it is the latest of its key.
    pub(crate) async fn list_versions(
        &self,
        bucket: &str,
        query: ListQuery,
    ) -> Result<Page<(OlderRecord, bool)>, StoreError> {
        let bucket = bucket.to_owned();
        self.read(move |snapshot| {
            snapshot.existing(&bucket)?;
            list(&bucket, &query, |start, end| {
                versions(snapshot, &bucket, start, end)
            })
        })
        .await
    }

    /// One page of a bucket's unfinished uploads.
    pub(crate) async fn list_uploads(
        &self,
        bucket: &str,
        query: ListQuery,
    ) -> Result<Page<UploadRecord>, StoreError> {
        let bucket = bucket.to_owned();
        self.read(move |snapshot| {
            snapshot.existing(&bucket)?;
            list(&bucket, &query, |start, end| {
                uploads(snapshot, &bucket, start, end)
            })
        })
        .await
    }
}

/// Walks from the marker. Everything below a common prefix is skipped by one seek.
fn list<T, W, I>(bucket: &str, query: &ListQuery, walk: W) -> Result<Page<T>, StoreError>
where
    W: Fn(&Start, &[u8]) -> Result<I, StoreError>,
    I: Iterator<Item = Result<Listed<T>, StoreError>>,
{
    let end = end_of(bucket, &query.prefix);
    let mut page = Page {
        entries: Vec::new(),
        common_prefixes: Vec::new(),
        next: None,
    };
    let mut last = (String::new(), None);
    let mut start = (query.limit > 0).then(|| first(bucket, query));
    while let Some(from) = start.take().filter(|from| from.place < end) {
        for entry in walk(&from, &end)? {
            let entry = entry?;
            if page.entries.len() + page.common_prefixes.len() == query.limit {
                page.next = Some(last);
                return Ok(page);
            }
            if let Some(common) = common_prefix(&entry.key, query) {
                last = (common.to_owned(), None);
                page.common_prefixes.push(common.to_owned());
                start = Some(Start::at(end_of(bucket, common)));
                break;
            }
            last = (entry.key.clone(), entry.id.clone());
            page.entries.push(entry);
        }
    }
    Ok(page)
}

fn objects<'b>(
    snapshot: &Snapshot,
    bucket: &'b str,
    start: &Start,
    end: &[u8],
) -> Result<impl Iterator<Item = Result<Listed<ObjectRecord>, StoreError>> + use<'b>, StoreError> {
    let entries = snapshot.objects()?.range(start.place.clone()..end.to_vec())?;
    Ok(entries.map(move |entry| {
        let (place, value) = entry?;
        let key = key_of(bucket, place.value())?;
        Ok(Listed {
            record: decode_object(key, value.value())?,
            key: key.to_owned(),
            id: None,
        })
    }))
}

fn uploads<'b>(
    snapshot: &Snapshot,
    bucket: &'b str,
    start: &Start,
    end: &[u8],
) -> Result<impl Iterator<Item = Result<Listed<UploadRecord>, StoreError>> + use<'b>, StoreError> {
    // The smallest text above an id.
    let behind = start.behind.as_ref().map(|id| format!("{id}\0"));
    let first = (start.place.as_slice(), behind.as_deref().unwrap_or_default());
    Ok(snapshot.uploads(first, end)?.map(move |entry| {
        let (place, value) = entry?;
        let (place, id) = place.value();
        let key = key_of(bucket, place)?;
        Ok(Listed {
            record: decode(key, value.value())?,
            key: key.to_owned(),
            id: Some(id.to_owned()),
        })
    }))
}

fn versions<'b>(
    snapshot: &Snapshot,
    bucket: &'b str,
    start: &Start,
    end: &[u8],
) -> Result<impl Iterator<Item = Result<Listed<(OlderRecord, bool)>, StoreError>> + use<'b>, StoreError> {
    let mut first = 0;
    let mut seen = None;
    if let Some(id) = &start.behind {
        let key = key_of(bucket, &start.place)?;
        let sequence = match VersionId::parse(id) {
            Some(id) => snapshot.sequence_of(bucket, key, id)?,
            None => None,
        };
        // Behind an unknown version there is nothing of that key.
        first = sequence.map_or(u64::MAX, |sequence| sequence.descending().saturating_add(1));
        seen = Some(key.to_owned());
    }
    // Of the marked key the latest version is passed already: it comes first.
    let from_objects = match &seen {
        Some(_) => after(&start.place),
        None => start.place.clone(),
    };
    let latest = snapshot.objects()?.range(from_objects..end.to_vec())?;
    let latest = latest.map(move |entry| -> Result<_, StoreError> {
        let (place, value) = entry?;
        let key = key_of(bucket, place.value())?;
        let record = OlderRecord::Object(Box::new(decode_object(key, value.value())?));
        Ok((key.to_owned(), record))
    });
    let older = snapshot.versions((&start.place, first), end)?;
    let older = older.map(move |entry| -> Result<_, StoreError> {
        let (place, value) = entry?;
        let key = key_of(bucket, place.value().0)?;
        Ok((key.to_owned(), decode::<OlderRecord>(key, value.value())?))
    });
    let merged = Merged {
        latest: latest.peekable(),
        older: older.peekable(),
    };
    Ok(merged.map(move |entry| {
        let (key, record) = entry?;
        let is_latest = seen.as_ref() != Some(&key);
        seen = Some(key.clone());
        Ok(Listed {
            key,
            id: Some(record.version().sequence.marker()),
            record: (record, is_latest),
        })
    }))
}

/// Two walks in key order as one; of the same key, the latest version comes first.
struct Merged<L: Iterator, O: Iterator> {
    latest: Peekable<L>,
    older: Peekable<O>,
}

type Keyed = Result<(String, OlderRecord), StoreError>;

impl<L: Iterator<Item = Keyed>, O: Iterator<Item = Keyed>> Iterator for Merged<L, O> {
    type Item = Keyed;

    fn next(&mut self) -> Option<Keyed> {
        match (self.latest.peek(), self.older.peek()) {
            (Some(Ok((latest, _))), Some(Ok((older, _)))) if older < latest => self.older.next(),
            (Some(_), _) => self.latest.next(),
            (None, _) => self.older.next(),
        }
    }
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

fn first(bucket: &str, query: &ListQuery) -> Start {
    let place = object_key(bucket, &query.marker);
    if query.marker.as_str() < query.prefix.as_str() || query.marker.is_empty() {
        Start::at(object_key(bucket, &query.prefix))
    } else if common_prefix(&query.marker, query) == Some(query.marker.as_str()) {
        // The page before ended with this common prefix.
        Start::at(end_of(bucket, &query.marker))
    } else {
        match &query.marker_id {
            Some(id) => Start {
                place,
                behind: Some(id.clone()),
            },
            None => Start::at(after(&place)),
        }
    }
}

impl Start {
    fn at(place: Vec<u8>) -> Start {
        Start { place, behind: None }
    }
}

/// The smallest place above another.
fn after(place: &[u8]) -> Vec<u8> {
    [place, &[0]].concat()
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
