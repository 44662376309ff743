//! A local file that is sent: what it was when it was opened, and its bytes.

use std::fs::{File, OpenOptions};
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
    /// Device, inode, and when the inode was last changed in nanoseconds since 1970, where the platform has them.
    pub inode: Option<(u64, u64, i128)>,
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
            let changed = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
            Some((metadata.dev(), metadata.ino(), changed))
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
        Self::of(&open(path)?)
    }

    /// Opens the file at `path`, which must be in this state.
    ///
    /// # Errors
    /// When it cannot be opened or was changed.
    pub fn open(&self, path: &Path) -> io::Result<File> {
        let file = open(path)?;
        self.check(&file)?;
        Ok(file)
    }

    /// Looks whether an open file still is in this state.
    ///
    /// # Errors
    /// When it was changed.
    pub fn check(&self, file: &File) -> io::Result<()> {
        match Self::of(file)? == *self {
            true => Ok(()),
            false => Err(io::Error::other("the file was changed while it was read")),
        }
    }
}

/// Opens a file without waiting for the other end of a named pipe.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    options.open(path)
}

/// Reads a range of the file at `path`, which must be in the state of `identity` before and after.
pub(super) fn read_range(path: &Path, identity: &FileIdentity, range: Range<u64>) -> io::Result<Bytes> {
    let mut file = identity.open(path)?;
    file.seek(SeekFrom::Start(range.start))?;
    let len = range.end - range.start;
    let mut bytes = Vec::with_capacity(usize::try_from(len).map_err(io::Error::other)?);
    file.by_ref().take(len).read_to_end(&mut bytes)?;
    identity.check(&file)?;
    match bytes.len() as u64 == len {
        true => Ok(bytes.into()),
        false => Err(io::Error::other("the file was changed while it was read")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "abcdef").unwrap();
        let identity = FileIdentity::at(&path).unwrap();
        assert_eq!(read_range(&path, &identity, 2..4).unwrap(), "cd");
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        std::fs::write(&path, "ABCDEF").unwrap();
        // The time of modification can be set back; that the inode was changed cannot be hidden.
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(modified)
            .unwrap();
        assert!(read_range(&path, &identity, 2..4).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn folders_and_pipes_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        assert!(FileIdentity::at(folder.path()).is_err());
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        assert!(FileIdentity::at(&pipe).is_err());
    }
}
