//! Bodies as files: received into `incoming/`, synced, renamed into `objects/`, opened, unlinked.
//!
//! A file's name is a random id; nothing about a key reaches the file system. A body exists for readers once
//! an index entry names it, so what is on disk without an entry is garbage and never visible.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use cos_transport::checksum::Crc64;
use md5::{Digest as _, Md5};
use tempfile::TempPath;
use tokio::task::JoinHandle;

use super::error::{OpenError, StoreError};
use super::index::Released;
use super::record::{Body, BodyId, Content, Place, Segment};

/// Bodies up to this many bytes are kept in the index: one commit stores them, without a file to sync.
pub(crate) const INDEX_BODY_MAX: usize = 8 * 1024;

/// How many received bytes are handed to a worker thread at once.
const BATCH: usize = 256 * 1024;

/// The body files of a store.
#[derive(Debug)]
pub(crate) struct Disk {
    objects: PathBuf,
    incoming: PathBuf,
    /// Held by every body that is on its way.
    on_the_way: Arc<()>,
    /// The lists of segments that are being read.
    pins: Mutex<HashMap<BodyId, Pin>>,
}

/// A list that is being read: its files stay until the last reader is done.
#[derive(Debug, Default)]
struct Pin {
    readers: usize,
    /// Files to be removed then.
    released: Vec<BodyId>,
}

impl Disk {
    /// Makes the folders where they are missing and clears what interrupted uploads left in `incoming/`.
    pub(crate) fn open(folder: &Path) -> Result<Disk, OpenError> {
        let disk = Disk {
            objects: folder.join("objects"),
            incoming: folder.join("incoming"),
            on_the_way: Arc::default(),
            pins: Mutex::default(),
        };
        super::create_folder(&disk.incoming)?;
        for shard in 0..=u8::MAX {
            super::create_folder(&disk.objects.join(format!("{shard:02x}")))?;
        }
        sync_folder(&disk.objects).map_err(OpenError::io("sync", &disk.objects))?;
        sync_folder(folder).map_err(OpenError::io("sync", folder))?;
        for entry in entries(&disk.incoming)? {
            fs::remove_file(&entry).map_err(OpenError::io("remove", &entry))?;
        }
        Ok(disk)
    }

    /// Removes every file in `objects/` that is not in `live`. Gives how many.
    pub(crate) fn collect(&self, live: &HashSet<BodyId>) -> Result<usize, OpenError> {
        let mut removed = 0;
        for shard in entries(&self.objects)? {
            for file in entries(&shard)? {
                let id = file
                    .file_name()
                    .and_then(|name| name.to_str())
                    .and_then(BodyId::parse);
                if id.is_some_and(|id| !live.contains(&id)) {
                    fs::remove_file(&file).map_err(OpenError::io("remove", &file))?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    /// Whether no body is on its way between a client and the index, and none waits for a reader to be removed.
    pub(crate) fn is_quiet(&self) -> bool {
        Arc::strong_count(&self.on_the_way) == 1 && self.pins().values().all(|pin| pin.released.is_empty())
    }

    /// Keeps the files of a list of segments from being removed. To be called before the list is looked up: what is
    /// found then stays.
    pub(crate) fn pin(self: &Arc<Self>, list: BodyId) -> Pinned {
        self.pins().entry(list).or_default().readers += 1;
        Pinned {
            disk: self.clone(),
            list,
        }
    }

    /// Removes files that no index entry names any more, or leaves that to the last reader of their list.
    /// Gives whether all are gone or taken care of.
    pub(crate) fn release(&self, released: Released) -> bool {
        if let Some(list) = released.list
            && let Some(pin) = self.pins().get_mut(&list)
        {
            pin.released.extend(released.files);
            return true;
        }
        self.remove_all(&released.files)
    }

    fn remove_all(&self, files: &[BodyId]) -> bool {
        let mut all_removed = true;
        for id in files {
            if let Err(error) = fs::remove_file(self.path(*id)) {
                tracing::warn!(%error, body = %id, "a released body cannot be removed");
                all_removed = false;
            }
        }
        all_removed
    }

    fn pins(&self) -> MutexGuard<'_, HashMap<BodyId, Pin>> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a body for reading. The handle stays good when the body is replaced or deleted.
    pub(crate) fn open_body(&self, id: BodyId) -> io::Result<File> {
        File::open(self.path(id))
    }

    fn path(&self, id: BodyId) -> PathBuf {
        let name = id.to_string();
        self.objects.join(&name[..2]).join(name)
    }
}

/// Holds back the removal of a list's files.
#[derive(Debug)]
pub(crate) struct Pinned {
    disk: Arc<Disk>,
    list: BodyId,
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let released = {
            let mut pins = self.disk.pins();
            let is_last = pins.get_mut(&self.list).is_some_and(|pin| {
                pin.readers -= 1;
                pin.readers == 0
            });
            is_last.then(|| pins.remove(&self.list)).flatten()
        };
        let Some(files) = released.map(|pin| pin.released).filter(|files| !files.is_empty()) else {
            return;
        };
        let disk = self.disk.clone();
        let remove = move || {
            disk.remove_all(&files);
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

/// Receives one body: hashes it on the way and keeps it apart until it is complete.
///
/// Dropped before [`finish`](Self::finish), it leaves nothing. At most two batches are in memory.
pub(crate) struct BodyWriter {
    batch: Vec<Bytes>,
    batch_bytes: usize,
    sink: SinkState,
}

enum SinkState {
    Idle(Box<Sink>),
    Busy(JoinHandle<Result<Box<Sink>, StoreError>>),
    Failed,
}

impl BodyWriter {
    pub(crate) fn new(disk: Arc<Disk>) -> BodyWriter {
        let sink = Sink {
            on_the_way: disk.on_the_way.clone(),
            disk,
            file: None,
            held: BytesMut::new(),
            md5: Md5::new(),
            crc: Crc64::new(),
            length: 0,
        };
        BodyWriter {
            batch: Vec::new(),
            batch_bytes: 0,
            sink: SinkState::Idle(Box::new(sink)),
        }
    }

    /// Takes the next bytes. Waits while the disk is slower than the sender.
    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.batch_bytes += bytes.len();
        self.batch.push(bytes);
        if self.batch_bytes >= BATCH {
            let mut sink = self.idle_sink().await?;
            let batch = std::mem::take(&mut self.batch);
            self.batch_bytes = 0;
            self.sink = SinkState::Busy(tokio::task::spawn_blocking(move || {
                sink.absorb(&batch)?;
                Ok(sink)
            }));
        }
        Ok(())
    }

    /// The body is complete: syncs it and gives it its place, from which it vanishes again unless it is kept.
    pub(crate) async fn finish(mut self) -> Result<StagedBody, StoreError> {
        let mut sink = self.idle_sink().await?;
        let batch = self.batch;
        blocking(move || {
            sink.absorb(&batch)?;
            sink.finish()
        })
        .await
    }

    async fn idle_sink(&mut self) -> Result<Box<Sink>, StoreError> {
        match std::mem::replace(&mut self.sink, SinkState::Failed) {
            SinkState::Idle(sink) => Ok(sink),
            SinkState::Busy(task) => task.await.map_err(|_| StoreError::Closed)?,
            SinkState::Failed => Err(StoreError::Closed),
        }
    }
}

/// Runs file work where it may block.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T, StoreError>
where
    F: FnOnce() -> Result<T, StoreError> + Send + 'static,
    T: Send + 'static,
{
    // A worker is lost only when the runtime shuts down.
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| StoreError::Closed)?
}

/// The half of a [`BodyWriter`] that works on a blocking thread.
struct Sink {
    disk: Arc<Disk>,
    on_the_way: Arc<()>,
    file: Option<(File, TempPath)>,
    /// The whole body while it may still fit the index; empty once there is a file.
    held: BytesMut,
    md5: Md5,
    crc: Crc64,
    length: u64,
}

impl Sink {
    fn absorb(&mut self, batch: &[Bytes]) -> Result<(), StoreError> {
        for bytes in batch {
            self.md5.update(bytes);
            self.crc.update(bytes);
            self.length += bytes.len() as u64;
            if self.file.is_none() {
                if self.held.len() + bytes.len() <= INDEX_BODY_MAX {
                    self.held.extend_from_slice(bytes);
                    continue;
                }
                self.spill()?;
            }
            if let Some((file, _)) = &mut self.file {
                file.write_all(bytes).map_err(StoreError::io("write a body"))?;
            }
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), StoreError> {
        let path = self.disk.incoming.join(BodyId::random().to_string());
        let mut file = File::create_new(&path).map_err(StoreError::io("create a body"))?;
        let path = TempPath::try_from_path(path).map_err(StoreError::io("create a body"))?;
        file.write_all(&self.held)
            .map_err(StoreError::io("write a body"))?;
        self.held = BytesMut::new();
        self.file = Some((file, path));
        Ok(())
    }

    fn finish(self) -> Result<StagedBody, StoreError> {
        let staged = match self.file {
            None if self.length == 0 => Staged::Empty,
            None => Staged::Index(BodyId::random(), self.held.freeze()),
            Some((file, temporary)) => {
                file.sync_all().map_err(StoreError::io("sync a body"))?;
                let id = BodyId::random();
                let path = self.disk.path(id);
                temporary.persist(&path).map_err(|e| StoreError::Io {
                    action: "rename a body",
                    source: e.error,
                })?;
                let guard = TempPath::try_from_path(&path).map_err(StoreError::io("rename a body"))?;
                let shard = path.parent().unwrap_or(&self.disk.objects);
                sync_folder(shard).map_err(StoreError::io("sync a body's folder"))?;
                Staged::File(id, guard)
            }
        };
        Ok(StagedBody {
            staged,
            _on_the_way: self.on_the_way,
            length: self.length,
            md5: self.md5.finalize().into(),
            crc64: self.crc.value(),
        })
    }
}

/// A complete, synced body that no index entry names yet. Dropped, it is removed again.
#[derive(Debug)]
pub(crate) struct StagedBody {
    staged: Staged,
    /// Dropped after the body has been kept or removed.
    _on_the_way: Arc<()>,
    /// In bytes.
    pub(crate) length: u64,
    pub(crate) md5: [u8; 16],
    /// CRC-64/XZ.
    pub(crate) crc64: u64,
}

#[derive(Debug)]
enum Staged {
    Empty,
    Index(BodyId, Bytes),
    File(BodyId, TempPath),
}

impl StagedBody {
    /// What the index entry says about this body.
    pub(crate) fn content(&self) -> Content {
        let segment = |id, place| {
            let length = self.length;
            Body::One(Segment { id, length, place })
        };
        let body = match &self.staged {
            Staged::Empty => Body::Empty,
            Staged::Index(id, _) => segment(*id, Place::Index),
            Staged::File(id, _) => segment(*id, Place::File),
        };
        Content {
            body,
            length: self.length,
            etag: hex::encode(self.md5),
            crc64: self.crc64,
        }
    }

    /// The bytes to be written into the index, if that is their place.
    pub(crate) fn index_body(&self) -> Option<(BodyId, &[u8])> {
        match &self.staged {
            Staged::Index(id, bytes) => Some((*id, bytes)),
            Staged::Empty | Staged::File(..) => None,
        }
    }

    /// An index entry names the body (or may name it): it stays.
    pub(crate) fn keep(self) {
        if let Staged::File(_, guard) = self.staged {
            // Cannot fail where files have no "temporary" attribute to clear.
            let _ = guard.keep();
        }
    }
}

/// Makes a folder's entries durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let listed = fs::read_dir(folder).map_err(OpenError::io("list", folder))?;
    listed
        .map(|entry| Ok(entry.map_err(OpenError::io("list", folder))?.path()))
        .collect()
}
