//! A local file that is sent: what it was when it was opened, and its bytes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileIdentity {
    /// Length in bytes.
    pub len: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified_nanos: u128,
    /// Device and inode, where the platform has them.
    pub inode: Option<(u64, u64)>,
}

impl FileIdentity {
    /// The state of an open file.
    ///
    /// # Errors
    /// When it is not a regular file, or cannot be asked.
    pub fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a regular file",
            ));
        }
        let modified = metadata
            .modified()?
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt;
            Some((metadata.dev(), metadata.ino()))
        };
        #[cfg(not(unix))]
        let inode = None;
        Ok(Self {
            len: metadata.len(),
            modified_nanos: modified.as_nanos(),
            inode,
        })
    }

    /// The state of the file at `path`.
    ///
    /// # Errors
    /// When it cannot be opened or is not a regular file.
    pub fn at(path: &Path) -> io::Result<Self> {
        Self::of(&File::open(path)?)
    }
}

/// Reads a range of the file at `path`, which must be in the state of `identity` before and after.
pub(super) fn read_range(path: &Path, identity: &FileIdentity, range: Range<u64>) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    let changed = || io::Error::other("the file was changed while it was read");
    if FileIdentity::of(&file)? != *identity {
        return Err(changed());
    }
    file.seek(SeekFrom::Start(range.start))?;
    let len = range.end - range.start;
    let mut bytes = Vec::with_capacity(usize::try_from(len).map_err(io::Error::other)?);
    file.by_ref().take(len).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == len && FileIdentity::of(&file)? == *identity {
        true => Ok(bytes.into()),
        false => Err(changed()),
    }
}
