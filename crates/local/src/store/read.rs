//! Reading a body: opened as it is now, read in pieces, unaffected by what happens to the key meanwhile.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::disk::{Disk, Pinned, blocking};
use super::error::StoreError;
use super::index::Snapshot;
use super::record::{Body, BodyId, BucketRecord, ObjectRecord, Place, Segment};
use super::version::VersionId;

/// How much is read from disk at once.
const PIECE: u64 = 256 * 1024;

/// An object with its body open.
#[derive(Debug)]
pub(crate) struct OpenObject {
    pub(crate) bucket: BucketRecord,
    pub(crate) record: ObjectRecord,
    pub(crate) body: OpenBody,
}

/// A body whose bytes cannot be taken away any more.
#[derive(Debug)]
pub(crate) struct OpenBody(Segments);

#[derive(Debug)]
enum Segments {
    None,
    /// One segment, open.
    One(OpenSegment),
    /// Many segments, opened one after the other. The snapshot keeps the list and what it has in the index, the pin
    /// its files; until the reader is done, the index does not use pages again that are freed meanwhile.
    Listed(Arc<Listed>),
}

#[derive(Debug)]
struct Listed {
    list: BodyId,
    snapshot: Snapshot,
    disk: Arc<Disk>,
    _pin: Pinned,
}

#[derive(Clone, Debug)]
struct OpenSegment {
    /// Its first byte's offset in the body.
    start: u64,
    length: u64,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    File(Arc<File>),
    Memory(Bytes),
}

/// Opens one version of an object, or the latest.
///
/// Between reading the entry and opening the file the object may be replaced and the file be gone: then the entry
/// has changed too and is read again.
pub(crate) fn open(
    database: &redb::Database,
    disk: &Arc<Disk>,
    bucket: &str,
    key: &str,
    id: Option<VersionId>,
) -> Result<OpenObject, StoreError> {
    let mut lost = None;
    let mut pin: Option<(BodyId, Pinned)> = None;
    loop {
        let snapshot = Snapshot::of(database)?;
        let bucket_record = snapshot.existing(bucket)?;
        let record = snapshot.object(bucket, key, id)?;
        if lost == Some(record.content.body) {
            return Err(StoreError::BodyLost);
        }
        let segments = match record.content.body {
            Body::Empty => Segments::None,
            Body::One(segment) => match open_segment(&snapshot, disk, 0, segment) {
                Ok(open) => Segments::One(open),
                Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    lost = Some(record.content.body);
                    continue;
                }
                Err(error) => return Err(error),
            },
            Body::Many(list) => match pin.take().filter(|(pinned, _)| *pinned == list) {
                Some((_, pin)) => Segments::Listed(Arc::new(Listed {
                    list,
                    snapshot,
                    disk: disk.clone(),
                    _pin: pin,
                })),
                None => {
                    // Looked up once more: it may have been released before it was pinned.
                    pin = Some((list, disk.pin(list)));
                    continue;
                }
            },
        };
        return Ok(OpenObject {
            bucket: bucket_record,
            record,
            body: OpenBody(segments),
        });
    }
}

fn open_segment(
    snapshot: &Snapshot,
    disk: &Disk,
    start: u64,
    segment: Segment,
) -> Result<OpenSegment, StoreError> {
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
    match length == segment.length {
        true => Ok(OpenSegment {
            start,
            length,
            source,
        }),
        false => Err(StoreError::BodyLost),
    }
}

impl OpenBody {
    /// Reads the bytes of `range`, which lies within the body.
    pub(crate) fn reader(self, range: Range<u64>) -> BodyReader {
        let (current, listed) = match self.0 {
            Segments::None => (None, None),
            Segments::One(segment) => (Some(segment), None),
            Segments::Listed(listed) => (None, Some(listed)),
        };
        BodyReader {
            current,
            listed,
            rest: range,
        }
    }
}

/// Gives a body piece by piece.
#[derive(Debug)]
pub(crate) struct BodyReader {
    /// The segment being read.
    current: Option<OpenSegment>,
    /// Where the next segments are found.
    listed: Option<Arc<Listed>>,
    /// Offsets in the body that are not yet given.
    rest: Range<u64>,
}

impl BodyReader {
    /// The next bytes; nothing at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let at = self.rest.start;
        let segment = match self.current.take().filter(|segment| segment.contains(at)) {
            Some(segment) => segment,
            None => self.segment_at(at).await?,
        };
        let end = self.rest.end.min(at + PIECE).min(segment.start + segment.length);
        let bytes = segment.read(at - segment.start..end - segment.start).await?;
        self.rest.start = end;
        self.current = Some(segment);
        Ok(Some(bytes))
    }

    async fn segment_at(&self, offset: u64) -> Result<OpenSegment, StoreError> {
        let listed = self.listed.clone().ok_or(StoreError::BodyLost)?;
        blocking(move || {
            let found = listed.snapshot.segment_at(listed.list, offset)?;
            let (start, segment) = found.ok_or(StoreError::BodyLost)?;
            open_segment(&listed.snapshot, &listed.disk, start, segment)
        })
        .await
    }
}

impl OpenSegment {
    fn contains(&self, offset: u64) -> bool {
        (self.start..self.start + self.length).contains(&offset)
    }

    /// Reads offsets in the segment.
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
