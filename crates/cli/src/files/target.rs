//! Files that appear under their names whole and verified, or not at all.
//!
//! What arrives is written to a temporary file beside the target and renamed at the end. Folders are entered one by one
//! without following symbolic links, so nothing that lies in a folder leads out of it.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use tokio::io::{AsyncWriteExt as _, BufWriter};

use super::relative::RelativePath;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::sanitize::sanitize_path;

/// Bytes that are collected before they are written.
const BUFFER_LEN: usize = 1024 * 1024;
const TEMPORARY_PREFIX: &str = ".coscrypt-";

/// What to do about a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    Refuse,
    Replace,
}

/// An open folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    handle: Arc<OwnedFd>,
    /// How it is called in messages.
    path: PathBuf,
    written: Written,
}

/// The files that this run has put in place of others, as device and inode: none of them is replaced again. Names that
/// differ only in case are two files here and one file there.
#[derive(Debug, Clone, Default)]
struct Written(Arc<Mutex<HashSet<(u64, u64)>>>);

impl Written {
    fn lock(&self) -> MutexGuard<'_, HashSet<(u64, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name in a folder, where a file may be put.
#[derive(Debug)]
pub(crate) struct Target {
    folder: Folder,
    name: OsString,
    existing: Existing,
}

impl Folder {
    /// Opens a folder that the user named: links in its path are the user's own.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|errno| Failure::file("open the folder", path, &errno.into()))?;
        Ok(Self {
            handle: Arc::new(handle),
            path: path.to_owned(),
            written: Written::default(),
        })
    }

    /// The same, made if it is missing.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(path).map_err(|error| Failure::file("make the folder", path, &error))?;
        Self::open(path)
    }

    /// Makes all folders of a path beneath this one.
    pub(crate) fn create_beneath(&self, path: &RelativePath) -> Result<(), Failure> {
        path.names()
            .try_fold(self.clone(), |folder, name| folder.enter(name))
            .map(drop)
    }

    /// Where the file of this path goes, its folders made.
    pub(crate) fn target_beneath(&self, path: &RelativePath, existing: Existing) -> Result<Target, Failure> {
        let (mut folders, name) = path.split();
        let folder = folders.try_fold(self.clone(), |folder, name| folder.enter(name))?;
        folder.target(name.as_ref(), existing)
    }

    /// A plain name in this folder, if a file may be put there.
    pub(crate) fn target(self, name: &OsStr, existing: Existing) -> Result<Target, Failure> {
        let target = Target {
            folder: self,
            name: name.to_owned(),
            existing,
        };
        target.check()?;
        Ok(target)
    }

    /// Enters a folder, making it if it is missing. A link is not entered.
    fn enter(self, name: &str) -> Result<Self, Failure> {
        let path = self.path.join(name);
        let failed = |errno: Errno| match errno {
            Errno::NOTDIR | Errno::LOOP => {
                let message = format!("{} is in the way: it is not a folder", sanitize_path(&path));
                Failure::new(Exit::Exists, message).or_help("move it away, or download to another folder")
            }
            errno => Failure::file("make the folder", &path, &errno.into()),
        };
        match rustix::fs::mkdirat(&*self.handle, name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed(errno)),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(&*self.handle, name, flags, Mode::empty()).map_err(failed)?;
        Ok(Self {
            handle: Arc::new(handle),
            path,
            written: self.written,
        })
    }
}

impl Target {
    /// The file or folder that the user named for an object with this key.
    pub(crate) fn named(path: &Path, key: &str, existing: Existing) -> Result<Self, Failure> {
        if path.is_dir() {
            let name = key.rsplit('/').next().unwrap_or_default();
            let name = RelativePath::parse(name).map_err(|reason| {
                Failure::usage(
                    format!("the key {key:?} cannot be a file name: {reason}"),
                    "name the file to write",
                )
            })?;
            return Folder::open(path)?.target_beneath(&name, existing);
        }
        let is_folder = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        let name = path.file_name().filter(|_| !is_folder).ok_or_else(|| {
            let message = format!("there is no folder {}", sanitize_path(path));
            Failure::new(Exit::NotFound, message).or_help(format!("run: mkdir {}", sanitize_path(path)))
        })?;
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        Folder::open(parent)?.target(name, existing)
    }

    /// How the file is called in messages.
    pub(crate) fn path(&self) -> PathBuf {
        match self.folder.path.as_os_str() == "." {
            true => PathBuf::from(&self.name),
            false => self.folder.path.join(&self.name),
        }
    }

    /// Begins the file, under a temporary name.
    pub(crate) fn begin(self) -> Result<PartialFile, Failure> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let temporary = format!("{TEMPORARY_PREFIX}{:016x}.part", random_number());
            match rustix::fs::openat(
                &*self.folder.handle,
                &temporary,
                flags,
                Mode::from_raw_mode(0o666),
            ) {
                Ok(handle) => {
                    let file = tokio::fs::File::from_std(File::from(handle));
                    let file = BufWriter::with_capacity(BUFFER_LEN, file);
                    return Ok(PartialFile {
                        temporary: Temporary {
                            target: self,
                            name: Some(temporary),
                        },
                        file,
                    });
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(Failure::file("write to", &self.folder.path, &errno.into())),
            }
        }
    }

    /// Told before anything is fetched; decided again when the file gets its name.
    fn check(&self) -> Result<(), Failure> {
        self.check_beside(&self.folder.written.lock())
    }

    fn check_beside(&self, written: &HashSet<(u64, u64)>) -> Result<(), Failure> {
        let found = match self.stat(&self.name) {
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(Failure::file("write", &self.path(), &errno.into())),
            Ok(found) => found,
        };
        let kind = match (self.existing, FileType::from_raw_mode(found.st_mode)) {
            (Existing::Refuse, FileType::RegularFile) => return Err(self.exists()),
            (Existing::Replace, FileType::RegularFile) if written.contains(&identity(&found)) => {
                let path = sanitize_path(self.path());
                let message =
                    format!("{path} was just written: to this file system, two objects have the same name");
                return Err(
                    Failure::new(Exit::Exists, message).or_help("download one of them to another folder")
                );
            }
            (Existing::Replace, FileType::RegularFile) => return Ok(()),
            (_, FileType::Directory) => "a folder",
            (_, FileType::Symlink) => "a symbolic link",
            _ => "not an ordinary file",
        };
        let message = format!(
            "{} exists and is {kind}, which is never replaced",
            sanitize_path(self.path())
        );
        Err(Failure::new(Exit::Exists, message).or_help("choose another name, or - for stdout"))
    }

    fn stat(&self, name: impl rustix::path::Arg) -> Result<Stat, Errno> {
        rustix::fs::statat(&*self.folder.handle, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    fn exists(&self) -> Failure {
        Failure::new(
            Exit::Exists,
            format!("{} exists already", sanitize_path(self.path())),
        )
        .or_help("choose another name, or add --force to replace it")
    }

    /// Gives the finished file its name.
    fn finish(&self, temporary: &str) -> Result<(), Failure> {
        let folder = self.folder.handle.as_fd();
        let renamed = match self.existing {
            Existing::Replace => {
                let mut written = self.folder.written.lock();
                self.check_beside(&written)?;
                self.stat(temporary).and_then(|found| {
                    rustix::fs::renameat(folder, temporary, folder, &self.name)?;
                    written.insert(identity(&found));
                    Ok(())
                })
            }
            Existing::Refuse => {
                match rustix::fs::renameat_with(folder, temporary, folder, &self.name, RenameFlags::NOREPLACE)
                {
                    // File systems that cannot do this can still link without replacing.
                    Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                        rustix::fs::linkat(folder, temporary, folder, &self.name, AtFlags::empty())
                            .and_then(|()| rustix::fs::unlinkat(folder, temporary, AtFlags::empty()))
                    }
                    renamed => renamed,
                }
            }
        };
        renamed.map_err(|errno| match errno {
            Errno::EXIST => self.exists(),
            errno => Failure::file("write", &self.path(), &errno.into()),
        })
    }
}

/// A file that is being written. Dropped before [`PartialFile::finish`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct PartialFile {
    file: BufWriter<tokio::fs::File>,
    temporary: Temporary,
}

impl PartialFile {
    /// Appends what was verified.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file
            .write_all(bytes)
            .await
            .map_err(|error| self.failed(&error))
    }

    /// Everything is there and verified: the file gets its name, once its bytes are on the disk.
    pub(crate) async fn finish(mut self) -> Result<(), Failure> {
        let flushed = self.file.flush().await;
        flushed.map_err(|error| self.failed(&error))?;
        let file = self.file.get_ref();
        let synced = file.sync_data().await;
        synced.map_err(|error| self.failed(&error))?;
        let name = self.temporary.name.take().unwrap_or_default();
        self.temporary
            .target
            .finish(&name)
            .inspect_err(|_| self.temporary.name = Some(name))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::file("write", &self.temporary.target.path(), error)
    }
}

/// The temporary file's name, until the file has its own.
#[derive(Debug)]
struct Temporary {
    target: Target,
    name: Option<String>,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            // Nothing more can be done here should it fail.
            _ = rustix::fs::unlinkat(&*self.target.folder.handle, name, AtFlags::empty());
        }
    }
}

#[allow(
    clippy::useless_conversion,
    reason = "their types differ from system to system"
)]
fn identity(found: &Stat) -> (u64, u64) {
    (found.st_dev.into(), found.st_ino.into())
}

/// For names that do not collide; nothing depends on nobody knowing them.
fn random_number() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::hash::RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn path(text: &str) -> RelativePath {
        RelativePath::parse(text).unwrap()
    }

    async fn put(target: Target, bytes: &[u8]) -> Result<(), Failure> {
        let mut file = target.begin()?;
        file.write(bytes).await?;
        file.finish().await
    }

    #[tokio::test]
    async fn a_file_appears_with_all_its_folders_and_ordinary_permissions() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::create(&dir.path().join("new")).unwrap();
        put(
            folder.target_beneath(&path("a/b/c"), Existing::Refuse).unwrap(),
            b"text",
        )
        .await
        .unwrap();
        let written = dir.path().join("new/a/b/c");
        assert_eq!(fs::read(&written).unwrap(), b"text");
        fs::write(dir.path().join("ordinary"), "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&written), mode(&dir.path().join("ordinary")));
        assert_eq!(fs::read_dir(dir.path().join("new/a/b")).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_file_that_is_not_finished_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = Target::named(&dir.path().join("x"), "k", Existing::Refuse)
            .unwrap()
            .begin()
            .unwrap();
        file.write(b"half").await.unwrap();
        drop(file);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn existing_files_are_replaced_only_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x");
        fs::write(&file, "old").unwrap();
        assert_eq!(
            Target::named(&file, "k", Existing::Refuse).unwrap_err().exit(),
            Exit::Exists
        );
        put(Target::named(&file, "k", Existing::Replace).unwrap(), b"new")
            .await
            .unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }

    #[tokio::test]
    async fn a_file_of_this_run_is_not_replaced_by_another_of_the_same_name() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("x"), "old").unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let early = folder.target_beneath(&path("x"), Existing::Replace).unwrap();
        put(
            folder.target_beneath(&path("x"), Existing::Replace).unwrap(),
            b"first",
        )
        .await
        .unwrap();
        let late = folder.target_beneath(&path("x"), Existing::Replace).unwrap_err();
        assert_eq!(late.exit(), Exit::Exists);
        assert_eq!(put(early, b"second").await.unwrap_err().exit(), Exit::Exists);
        assert_eq!(fs::read(dir.path().join("x")).unwrap(), b"first");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_file_that_appears_meanwhile_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let target = Target::named(&dir.path().join("x"), "k", Existing::Refuse).unwrap();
        fs::write(dir.path().join("x"), "somebody else's").unwrap();
        assert_eq!(put(target, b"ours").await.unwrap_err().exit(), Exit::Exists);
        assert_eq!(fs::read(dir.path().join("x")).unwrap(), b"somebody else's");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn links_and_devices_are_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("victim"), "v").unwrap();
        symlink(dir.path().join("victim"), dir.path().join("link")).unwrap();
        for name in ["link", "/dev/null"] {
            let refused = Target::named(&dir.path().join(name), "k", Existing::Replace).unwrap_err();
            assert_eq!(refused.exit(), Exit::Exists, "{name}");
        }
    }

    #[test]
    fn planted_links_are_not_entered() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        let root = dir.path().join("root");
        let folder = Folder::create(&root).unwrap();
        symlink(&outside, root.join("link")).unwrap();
        symlink("..", root.join("up")).unwrap();
        fs::write(root.join("file"), "").unwrap();
        for key in ["link/x", "up/x", "file/x", "link/deeper/x"] {
            let refused = folder.target_beneath(&path(key), Existing::Replace).unwrap_err();
            assert_eq!(refused.exit(), Exit::Exists, "{key}");
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_as_target_takes_the_name_of_the_object() {
        let dir = tempfile::tempdir().unwrap();
        let target = Target::named(dir.path(), "a/b/name.txt", Existing::Refuse).unwrap();
        assert_eq!(target.path(), dir.path().join("name.txt"));
        assert_eq!(
            Target::named(dir.path(), "a/..", Existing::Refuse)
                .unwrap_err()
                .exit(),
            Exit::Usage
        );
        let missing = Target::named(&dir.path().join("no/"), "a", Existing::Refuse).unwrap_err();
        assert_eq!(missing.exit(), Exit::NotFound);
    }
}
