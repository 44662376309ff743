//! A file that is being made: beside its target, under another name, until it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use jiff::Timestamp;
use sha1::{Digest, Sha1};

use crate::checksum::Crc64;

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// It stays, and the download is refused.
    #[default]
    Refuse,
    /// It is replaced once the new one is whole.
    Replace,
}

impl Existing {
    /// Refuses early what would be refused at the end.
    pub(super) fn check(self, target: &Path) -> io::Result<()> {
        match fs::symlink_metadata(target) {
            Ok(metadata) if metadata.is_dir() => Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                format!("{} is a folder", target.display()),
            )),
            Ok(_) if self == Self::Refuse => Err(exists(target)),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn exists(target: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!("{} exists already", target.display()),
    )
}

/// The file under its other name, held open by one handle from beginning to end. Clones are of the same file.
#[derive(Debug, Clone)]
pub(super) struct PartFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: Mutex<File>,
    keep: Keep,
}

/// Whether the file outlives a download that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    ForResume,
    Never,
}

impl PartFile {
    /// A file that is found again by `name`, so that another attempt goes on with it.
    pub(super) fn beside(target: &Path, name: &str) -> io::Result<Self> {
        let path = folder_of(target).join(format!(".coscrypt-{}.part", hex::encode(Sha1::digest(name))));
        Self::open(
            path,
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false),
            Keep::ForResume,
        )
    }

    /// A file that is gone when the download fails.
    pub(super) fn temporary(target: &Path) -> io::Result<Self> {
        let path = folder_of(target).join(format!(".coscrypt-{:032x}.part", rand::random::<u128>()));
        Self::open(
            path,
            OpenOptions::new().read(true).write(true).create_new(true),
            Keep::Never,
        )
    }

    /// Opens it, but neither through a link nor when it may be in anybody else's hands.
    fn open(path: PathBuf, options: &mut OpenOptions, keep: Keep) -> io::Result<Self> {
        #[cfg(unix)]
        {
            let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
            std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits().cast_signed());
        }
        let file = options.open(&path)?;
        let metadata = file.metadata()?;
        #[cfg(unix)]
        let is_ours = {
            use std::os::unix::fs::MetadataExt;
            metadata.nlink() == 1 && metadata.uid() == rustix::process::geteuid().as_raw()
        };
        #[cfg(not(unix))]
        let is_ours = true;
        if !metadata.is_file() || !is_ours {
            let told = format!(
                "{} is not a regular file of this user alone; remove it",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, told));
        }
        Ok(Self(Arc::new(Inner {
            path,
            file: Mutex::new(file),
            keep,
        })))
    }

    fn file(&self) -> MutexGuard<'_, File> {
        self.0.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what is in the file.
    pub(super) fn clear(&self) -> io::Result<()> {
        self.file().set_len(0)
    }

    /// Writes pieces, one after another, from `offset` on.
    pub(super) fn write_at(&self, offset: u64, pieces: &[Bytes]) -> io::Result<()> {
        let mut file = self.file();
        file.seek(SeekFrom::Start(offset))?;
        pieces.iter().try_for_each(|piece| file.write_all(piece))
    }

    /// CRC-64 of a range; none when the file is shorter.
    pub(super) fn crc64(&self, range: Range<u64>) -> io::Result<Option<u64>> {
        let mut file = self.file();
        file.seek(SeekFrom::Start(range.start))?;
        let (mut crc, mut rest) = (Crc64::new(), range.end - range.start);
        let mut buffer = vec![0; 256 * 1024];
        while rest > 0 {
            let want = usize::try_from(rest).unwrap_or(usize::MAX).min(buffer.len());
            match file.read(&mut buffer[..want])? {
                0 => return Ok(None),
                count => {
                    crc.update(&buffer[..count]);
                    rest -= count as u64;
                }
            }
        }
        Ok(Some(crc.value()))
    }

    /// Gives the whole file, of `len` bytes, its name.
    pub(super) fn place(
        &self,
        target: &Path,
        len: u64,
        existing: Existing,
        modified: Option<Timestamp>,
    ) -> io::Result<()> {
        let file = self.file();
        if file.metadata()?.len() != len || !self.is_at_its_path(&file)? {
            let told = format!("{} was changed by another program", self.0.path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, told));
        }
        if let Some(modified) = modified {
            file.set_modified(SystemTime::try_from(modified).map_err(io::Error::other)?)?;
        }
        file.sync_all()?;
        match existing {
            Existing::Replace => fs::rename(&self.0.path, target)?,
            Existing::Refuse => match fs::hard_link(&self.0.path, target) {
                Ok(()) => fs::remove_file(&self.0.path)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(exists(target)),
                // A file system without hard links: the check and the renaming are two steps.
                Err(_) => {
                    existing.check(target)?;
                    fs::rename(&self.0.path, target)?;
                }
            },
        }
        #[cfg(unix)]
        File::open(folder_of(target))?.sync_all()?;
        Ok(())
    }

    /// Whether the path still leads to the file that was written.
    #[cfg(unix)]
    fn is_at_its_path(&self, file: &File) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt;
        let (held, found) = (file.metadata()?, fs::symlink_metadata(&self.0.path)?);
        Ok((held.dev(), held.ino()) == (found.dev(), found.ino()))
    }

    #[cfg(not(unix))]
    fn is_at_its_path(&self, _file: &File) -> io::Result<bool> {
        Ok(true)
    }

    /// Deletes the file.
    pub(super) fn discard(&self) -> io::Result<()> {
        fs::remove_file(&self.0.path)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.keep == Keep::Never {
            // It is not there any more when it has taken its name.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_takes_its_name_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        let file = PartFile::temporary(&target).unwrap();
        file.write_at(3, &[Bytes::from_static(b"de"), Bytes::from_static(b"f")])
            .unwrap();
        file.write_at(0, &[Bytes::from_static(b"abc")]).unwrap();
        assert_eq!(file.crc64(0..6).unwrap(), Some(Crc64::of(b"abcdef")));
        assert_eq!(file.crc64(0..99).unwrap(), None);
        assert!(!target.exists());
        file.place(&target, 6, Existing::Refuse, Some(Timestamp::UNIX_EPOCH))
            .unwrap();
        drop(file);
        assert_eq!(fs::read(&target).unwrap(), b"abcdef");
        assert_eq!(
            fs::metadata(&target).unwrap().modified().unwrap(),
            SystemTime::UNIX_EPOCH
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_there_stays_unless_it_is_to_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        fs::write(&target, "old").unwrap();
        assert_eq!(
            Existing::Refuse.check(&target).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(
            Existing::Replace.check(folder.path()).unwrap_err().kind(),
            io::ErrorKind::IsADirectory
        );
        let file = PartFile::temporary(&target).unwrap();
        let refused = file.place(&target, 0, Existing::Refuse, None).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&target).unwrap(), b"old");
        file.place(&target, 0, Existing::Replace, None).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"");
    }

    #[cfg(unix)]
    #[test]
    fn what_somebody_else_planted_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        let path = PartFile::beside(&target, "name").unwrap().0.path.clone();
        let victim = folder.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        assert!(PartFile::beside(&target, "name").is_err());
        fs::remove_file(&path).unwrap();
        fs::hard_link(&victim, &path).unwrap();
        assert!(PartFile::beside(&target, "name").is_err());
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_exchanged_or_cut_does_not_take_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        let file = PartFile::beside(&target, "name").unwrap();
        file.write_at(0, &[Bytes::from_static(b"abc")]).unwrap();
        assert!(file.place(&target, 4, Existing::Refuse, None).is_err());
        fs::remove_file(&file.0.path).unwrap();
        fs::write(&file.0.path, "xyz").unwrap();
        assert!(file.place(&target, 3, Existing::Refuse, None).is_err());
        assert!(!target.exists());
    }
}
