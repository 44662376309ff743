//! Reading a body: opened as it is now, read in pieces, unaffected by what happens to the key meanwhile.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::disk::{Disk, blocking};
use super::error::StoreError;
use super::index::Snapshot;
use super::record::{ObjectRecord, Place};

/// How much is read from disk at once.
const PIECE: u64 = 256 * 1024;

/// An object with its body open.
#[derive(Debug)]
pub(crate) struct OpenObject {
    pub(crate) record: ObjectRecord,
    pub(crate) body: OpenBody,
}

/// A body whose bytes cannot be taken away any more.
#[derive(Debug)]
pub(crate) struct OpenBody {
    segments: Vec<OpenSegment>,
}

#[derive(Clone, Debug)]
struct OpenSegment {
    length: u64,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    File(Arc<File>),
    Memory(Bytes),
}

/// Opens an object's current body.
///
/// Between reading the entry and opening the file the object may be replaced and the file be gone: then the entry
/// has changed too and is read again.
pub(crate) fn open(
    database: &redb::Database,
    disk: &Disk,
    bucket: &str,
    key: &str,
) -> Result<Option<OpenObject>, StoreError> {
    let mut lost = None;
    loop {
        let snapshot = Snapshot::of(database)?;
        let Some(record) = super::existing(&snapshot, bucket)?.object(bucket, key)? else {
            return Ok(None);
        };
        if lost.as_ref() == Some(&record.segments) {
            return Err(StoreError::BodyLost);
        }
        match open_segments(&snapshot, disk, &record) {
            Ok(segments) => {
                return Ok(Some(OpenObject {
                    record,
                    body: OpenBody { segments },
                }));
            }
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                lost = Some(record.segments)
            }
            Err(error) => return Err(error),
        }
    }
}

fn open_segments(
    snapshot: &Snapshot,
    disk: &Disk,
    record: &ObjectRecord,
) -> Result<Vec<OpenSegment>, StoreError> {
    let open = |segment: &super::record::Segment| {
        let (source, length) = match segment.place {
            Place::Index => {
                let bytes = snapshot.body(segment.id)?.ok_or(StoreError::BodyLost)?;
                let length = bytes.len() as u64;
                (Source::Memory(bytes.into()), length)
            }
            Place::File => {
                let file = disk
                    .open_body(segment.id)
                    .map_err(StoreError::io("open a body"))?;
                let length = file.metadata().map_err(StoreError::io("open a body"))?.len();
                (Source::File(Arc::new(file)), length)
            }
        };
        if length == segment.length {
            Ok(OpenSegment { length, source })
        } else {
            Err(StoreError::BodyLost)
        }
    };
    record.segments.iter().map(open).collect()
}

impl OpenBody {
    /// Reads the bytes of `range`, which lies within the body.
    pub(crate) fn reader(self, range: Range<u64>) -> BodyReader {
        BodyReader {
            segments: self.segments.into_iter(),
            current: None,
            skip: range.start,
            left: range.end - range.start,
        }
    }
}

/// Gives a body piece by piece.
#[derive(Debug)]
pub(crate) struct BodyReader {
    segments: std::vec::IntoIter<OpenSegment>,
    /// The segment being read and the next offset in it.
    current: Option<(OpenSegment, u64)>,
    /// Bytes before the range, not yet passed.
    skip: u64,
    /// Bytes of the range, not yet given.
    left: u64,
}

impl BodyReader {
    /// The next bytes; nothing at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        while self.left > 0 {
            let (segment, offset) = match self.current.take() {
                Some(current) => current,
                None => match self.segments.next() {
                    Some(segment) if segment.length <= self.skip => {
                        self.skip -= segment.length;
                        continue;
                    }
                    Some(segment) => (segment, std::mem::take(&mut self.skip)),
                    None => return Err(StoreError::BodyLost),
                },
            };
            let end = segment.length.min(offset + self.left.min(PIECE));
            if offset < end {
                let bytes = segment.read(offset..end).await?;
                self.left -= end - offset;
                self.current = Some((segment, end));
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}

impl OpenSegment {
    async fn read(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        match &self.source {
            Source::Memory(bytes) => {
                let start = usize::try_from(range.start).unwrap_or(usize::MAX);
                Ok(bytes.slice(start..start + length))
            }
            Source::File(file) => {
                let file = file.clone();
                blocking(move || {
                    let mut piece = BytesMut::zeroed(length);
                    file.read_exact_at(&mut piece, range.start)
                        .map_err(StoreError::io("read a body"))?;
                    Ok(piece.freeze())
                })
                .await
            }
        }
    }
}
