//! Files and objects: uploads, downloads and copies that go fast, resume, and never half-arrive.

mod copy;
mod download;
mod journal;
mod plan;
mod progress;
mod source;
mod target;
mod throttle;
mod upload;

use std::io;
use std::path::Path;

pub use copy::{Copy, CopyOutput, DeletePrefixOutput, Run};
pub use download::{DownloadFile, DownloadFileOutput, ModifiedTime};
pub use journal::JournalFolder;
pub use plan::{MAX_OBJECT_SIZE, MAX_PART_SIZE, MIN_PART_SIZE, PartPlan};
pub use progress::Progress;
pub use source::FileIdentity;
pub use target::Existing;
pub use throttle::Throttle;
pub use upload::{
    DEFAULT_CONCURRENCY, DEFAULT_PART_SIZE, DEFAULT_THRESHOLD, OnFailure, UploadFile, UploadFileOutput,
};

use crate::bucket::Bucket;
use crate::error::Error;
use crate::name::ObjectKey;

/// Does what may wait for a disk in a thread where waiting is allowed. `blame` says whose a failure is.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
    blame: fn(io::Error) -> Error,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)
        .and_then(|done| done)
        .map_err(blame)
}

/// What names the journal of a transfer: its kind, and both of its ends.
fn journal_name(kind: &str, bucket: &Bucket, key: &ObjectKey, path: &Path) -> Result<[String; 5], Error> {
    let path = std::path::absolute(path).map_err(Error::State)?;
    // The debug form keeps paths apart that are not UTF-8.
    let path = format!("{path:?}");
    let endpoint = bucket.client().endpoint().to_string();
    Ok([
        kind.to_owned(),
        endpoint,
        bucket.name().to_string(),
        key.to_string(),
        path,
    ])
}
