//! The store: buckets and objects in a folder, durable and crash-safe.
//!
//! `index.redb` is the truth: an object exists if it has an entry. Bodies are files in `objects/` (small ones live
//! in the index), written and synced before the entry that names them is committed and removed after the commit
//! that drops it. So a crash at any point leaves, at worst, bodies without an entry; the next start removes them.

mod disk;
mod error;
mod folder;
mod index;
mod list;
mod objects;
mod read;
mod record;
mod uploads;
mod version;
mod writer;

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use redb::ReadableTable as _;

pub(crate) use disk::{StagedBody, sync_folder};
pub use error::OpenError;
pub(crate) use error::{StateConflict, StoreError};
pub use folder::CREDENTIALS;
pub(crate) use folder::create_folder;
pub(crate) use list::{ListQuery, Listed};
pub(crate) use objects::{Deleted, SINGLE_MAX, Written};
pub(crate) use read::{BodyReader, OpenObject};
pub(crate) use record::{
    Attributes, BucketRecord, Headers, ObjectRecord, ObjectType, OlderRecord, PartRecord, Restore,
    UnixMillis, UploadRecord, Versioning,
};
pub(crate) use version::{Version, VersionId};

use disk::{Disk, blocking};
use folder::{lock, private_file, refuse_foreign};
use index::{FORMAT, Snapshot, Tables};
use writer::{Change, Writer};

const INDEX: &str = "index.redb";

const STATE_FORMAT: &str = "format";
const STATE_CLEAN: &str = "clean";

/// Memory for index pages.
const INDEX_CACHE_BYTES: usize = 64 * 1024 * 1024;

/// An open store.
#[derive(Debug)]
pub(crate) struct Store {
    writer: Writer,
    database: Arc<redb::Database>,
    disk: Arc<Disk>,
    /// Held, hence declared last and dropped last: the folder is ours.
    _lock: File,
}

/// What happens to a write into a bucket that does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingBuckets {
    /// It is refused with `NoSuchBucket`, as the service does.
    #[default]
    Refuse,
    /// The bucket is made.
    Create,
}

impl Store {
    /// Opens the store in a folder, making both where they are missing, and removes what a crash left behind.
    pub(crate) fn open(folder: &Path) -> Result<Store, OpenError> {
        create_folder(folder)?;
        let folder = fs::canonicalize(folder).map_err(OpenError::io("open", folder))?;
        refuse_foreign(&folder)?;
        let lock = lock(&folder)?;
        let disk = Arc::new(Disk::open(&folder)?);
        let database = open_index(&folder)?;
        if was_unclean(&database, &folder)? {
            let live = Snapshot::of(&database).and_then(|snapshot| snapshot.live_files());
            let live = live.map_err(|e| damaged(&folder, &e))?;
            let removed = disk.collect(&live)?;
            tracing::info!(
                removed,
                "the store was not closed cleanly; bodies without an entry are removed"
            );
        }
        let database = Arc::new(database);
        let writer = Writer::start(database.clone(), disk.clone())
            .map_err(OpenError::io("start writing to", &folder))?;
        Ok(Store {
            writer,
            database,
            disk,
            _lock: lock,
        })
    }

    /// Waits for what is under way and closes cleanly. Later changes fail.
    pub(crate) fn close(&self) {
        self.writer.close();
    }

    pub(crate) async fn create_bucket(&self, bucket: &str, record: BucketRecord) -> Result<(), StoreError> {
        let bucket = bucket.to_owned();
        self.change(move |tables| match tables.bucket(&bucket)? {
            Some(_) => Err(StoreError::BucketAlreadyExists),
            None => tables.put_bucket(&bucket, &record),
        })
        .await
    }

    pub(crate) async fn delete_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        let bucket = bucket.to_owned();
        self.change(move |tables| match tables.bucket(&bucket)? {
            None => Err(StoreError::NoSuchBucket),
            Some(_) if !tables.is_empty(&bucket)? => Err(StoreError::BucketNotEmpty),
            Some(_) => tables.remove_bucket(&bucket),
        })
        .await
    }

    pub(crate) async fn bucket(&self, bucket: &str) -> Result<Option<BucketRecord>, StoreError> {
        let bucket = bucket.to_owned();
        self.read(move |snapshot| snapshot.bucket(&bucket)).await
    }

    pub(crate) async fn buckets(&self) -> Result<Vec<(String, BucketRecord)>, StoreError> {
        self.read(|snapshot| snapshot.buckets()).await
    }

    /// Changes a bucket's record.
    pub(crate) async fn update_bucket<F>(&self, bucket: &str, update: F) -> Result<(), StoreError>
    where
        F: FnOnce(&mut BucketRecord) + Send + 'static,
    {
        let bucket = bucket.to_owned();
        self.change(move |tables| {
            let mut record = tables.existing(&bucket)?;
            update(&mut record);
            tables.put_bucket(&bucket, &record)
        })
        .await
    }

    async fn change<F>(&self, change: F) -> Result<(), StoreError>
    where
        F: FnOnce(&mut Tables<'_>) -> Result<(), StoreError> + Send + 'static,
    {
        let change = |tables: &mut Tables<'_>| change(tables).map(Change::of);
        self.writer.apply(change).await
    }

    async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Snapshot) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        let database = self.database.clone();
        blocking(move || read(&Snapshot::of(&database)?)).await
    }
}

fn open_index(folder: &Path) -> Result<redb::Database, OpenError> {
    let path = folder.join(INDEX);
    // redb takes an empty file for a new index.
    private_file(&path)?;
    let mut builder = redb::Builder::new();
    builder.set_cache_size(INDEX_CACHE_BYTES);
    let database = builder.create(&path).map_err(|e| OpenError::index(folder, e))?;
    sync_folder(folder).map_err(OpenError::io("sync", folder))?;
    Ok(database)
}

/// Checks the format and takes the mark of a clean end away. Gives whether it was missing.
fn was_unclean(database: &redb::Database, folder: &Path) -> Result<bool, OpenError> {
    let index = |e: StoreError| damaged(folder, &e);
    let transaction = database.begin_write().map_err(|e| index(e.into()))?;
    let unclean = {
        let mut tables = Tables::open(&transaction).map_err(|e| index(e.into()))?;
        let read = |key| {
            tables
                .state
                .get(key)
                .map(|value| value.map(|value| value.value()))
        };
        let found = read(STATE_FORMAT).map_err(|e| index(e.into()))?;
        let clean = read(STATE_CLEAN).map_err(|e| index(e.into()))?;
        if let Some(found) = found.filter(|found| *found != FORMAT) {
            return Err(OpenError::Format {
                folder: folder.to_owned(),
                found,
                known: FORMAT,
            });
        }
        tables
            .state
            .insert(STATE_FORMAT, FORMAT)
            .map_err(|e| index(e.into()))?;
        tables.state.insert(STATE_CLEAN, 0).map_err(|e| index(e.into()))?;
        found.is_some() && clean != Some(1)
    };
    transaction.commit().map_err(|e| index(e.into()))?;
    Ok(unclean)
}

fn damaged(folder: &Path, error: &StoreError) -> OpenError {
    OpenError::Index {
        folder: folder.to_owned(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
