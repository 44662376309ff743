//! The store's folder: whose it is, what may be in it, and who holds it.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::INDEX;
use super::error::OpenError;

const LOCK: &str = "lock";
/// The credentials file that [`crate::load_or_create_credentials`] keeps beside the store.
pub const CREDENTIALS: &str = "credentials";
const OWN_ENTRIES: [&str; 6] = [INDEX, LOCK, CREDENTIALS, "objects", "incoming", "lost+found"];

/// Makes the folder, for its owner only, where it is missing.
pub(crate) fn create_folder(folder: &Path) -> Result<(), OpenError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(OpenError::io("create", folder))
}

/// A folder that holds something else was probably not meant.
pub(super) fn refuse_foreign(folder: &Path) -> Result<(), OpenError> {
    if folder.join(INDEX).exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(OpenError::io("list", folder))? {
        let name = entry.map_err(OpenError::io("list", folder))?.file_name();
        let found = name.to_string_lossy().into_owned();
        // A credentials file that was being written has a longer name.
        if !OWN_ENTRIES.contains(&found.as_str()) && !found.starts_with(CREDENTIALS) {
            return Err(OpenError::NotAStore {
                folder: folder.to_owned(),
                found,
            });
        }
    }
    Ok(())
}

/// Opens a file for reading and writing, made for its owner only where it is missing.
pub(super) fn private_file(path: &Path) -> Result<File, OpenError> {
    let mut options = File::options();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    options.open(path).map_err(OpenError::io("open", path))
}

/// Takes the folder for this process, until the file is dropped.
pub(super) fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join(LOCK);
    let mut file = private_file(&path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(OpenError::InUse {
                folder: folder.to_owned(),
                process: holder.trim().parse().ok(),
            });
        }
        Err(TryLockError::Error(source)) => {
            return Err(OpenError::Io {
                action: "lock",
                path,
                source,
            });
        }
    }
    let note_holder = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    note_holder(&mut file).map_err(OpenError::io("write", &path))?;
    Ok(file)
}
