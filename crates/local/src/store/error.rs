//! What can go wrong below the HTTP layer.

use std::io;
use std::path::{Path, PathBuf};

use cos_transport::wire::multipart::PartNumber;

use super::version::Version;

/// Why the folder could not be opened as a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process, or another server in this process, holds the folder.
    #[error("the store {} is in use by another process{}; stop that one first", .folder.display(), holder(.process))]
    InUse {
        /// The store's folder.
        folder: PathBuf,
        /// The process id that the holder wrote into the lock file, where it could be read.
        process: Option<u32>,
    },
    /// The folder holds something else.
    #[error("{} is not a store and not empty ({} is in it); give a new or an empty folder", .folder.display(), .found)]
    NotAStore {
        /// The folder.
        folder: PathBuf,
        /// The first foreign entry.
        found: String,
    },
    /// The store was written by a newer program.
    #[error("the store {} has format {found}, this program reads format {known}; use a newer program", .folder.display())]
    Format {
        /// The store's folder.
        folder: PathBuf,
        /// The format written in the store.
        found: u64,
        /// The format that this program writes.
        known: u64,
    },
    /// A file or folder of the store cannot be read or written.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The index is damaged, or cannot be read or written.
    #[error("the index of the store {} cannot be used: {reason}", .folder.display())]
    Index {
        /// The store's folder.
        folder: PathBuf,
        /// What the index says.
        reason: String,
    },
}

fn holder(process: &Option<u32>) -> String {
    process.map(|id| format!(" (process {id})")).unwrap_or_default()
}

impl OpenError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
        move |source| OpenError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn index(folder: &Path, reason: impl Into<redb::Error>) -> OpenError {
        OpenError::Index {
            folder: folder.to_owned(),
            reason: reason.into().to_string(),
        }
    }
}

/// Why an operation on an open store did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the bucket does not exist")]
    NoSuchBucket,
    #[error("the bucket exists already")]
    BucketAlreadyExists,
    #[error("the bucket is not empty")]
    BucketNotEmpty,
    #[error("the object does not exist")]
    NoSuchKey,
    #[error("the object has no such version")]
    NoSuchVersion,
    #[error("the version is a delete marker")]
    DeleteMarker(Version),
    #[error("the upload does not exist")]
    NoSuchUpload,
    #[error("part {0} was not uploaded, or is another one")]
    InvalidPart(PartNumber),
    #[error("part {0} is too small not to be the last")]
    PartTooSmall(PartNumber),
    #[error("the object would be too large")]
    ObjectTooLarge,
    #[error("the object ends at {0}")]
    WrongPosition(u64),
    #[error("the object was not made by appending")]
    NotAppendable,
    #[error("the bucket keeps versions")]
    AppendWithVersions,
    /// What a change of a record found.
    #[error("the object's state does not allow that")]
    State(StateConflict),
    #[error("cannot {action}: {source}")]
    Io { action: &'static str, source: io::Error },
    #[error("the index failed: {0}")]
    Index(String),
    #[error("the index entry of {0:?} is damaged")]
    Damaged(String),
    #[error("the object's body is missing or cut short on disk")]
    BodyLost,
    #[error("the store is closing")]
    Closed,
}

/// Why a record cannot be changed as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StateConflict {
    NotArchived,
    RestoreInProgress,
    /// The storage class does not know the speed that was asked for.
    TierUnknown,
}

impl StoreError {
    pub(crate) fn io(action: &'static str) -> impl FnOnce(io::Error) -> StoreError {
        move |source| StoreError::Io { action, source }
    }
}

/// All of redb's errors mean the same to a request: the index failed.
macro_rules! from_redb {
    ($($error:ty),+) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                StoreError::Index(error.to_string())
            }
        }
    )+};
}

from_redb!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError
);
