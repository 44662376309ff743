//! Key files: read with care, made with more.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use zeroize::{Zeroize, Zeroizing};

use super::{AesProvider, KeyError, KeyId, KeyProvider, RsaProvider};
use crate::Error;

/// Most that is read of a key file, in bytes; an 8192-bit private key in PEM form has about 6 400.
pub const MAX_KEY_FILE_LEN: u64 = 64 * 1024;

/// Whether other users may have their hands on a key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FilePermissions {
    /// Refuse secret keys that the group or others can read or change, public keys that they can change, and files of
    /// other users than this one and root.
    #[default]
    OwnerOnly,
    /// Read them all the same.
    AllowOthers,
}

/// A key read from a file.
#[derive(Debug)]
pub enum LoadedKey {
    /// An AES key.
    Aes(AesProvider),
    /// An RSA key, private or public.
    Rsa(Box<RsaProvider>),
}

impl LoadedKey {
    /// Reads a key file: the base64 text of an AES key, or an RSA key in PEM or DER form.
    ///
    /// A missing file is an error; a key is never made on the side.
    ///
    /// # Errors
    /// [`Error::KeyFile`] names the file and what is wrong.
    pub fn from_file(path: &Path, permissions: FilePermissions) -> Result<Self, Error> {
        read(path, permissions).map_err(|error| Error::KeyFile {
            path: path.to_owned(),
            error,
        })
    }

    /// Reads a key from the contents of a key file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_bytes(contents: &[u8]) -> Result<Self, KeyError> {
        let Some(text) = std::str::from_utf8(contents).ok().filter(|text| is_text(text)) else {
            return RsaProvider::from_der(contents).map(Self::rsa);
        };
        if text.contains("-----BEGIN ") {
            return RsaProvider::from_pem(text).map(Self::rsa);
        }
        AesProvider::from_base64(text).map(Self::Aes)
    }

    /// The key, as something that wraps and unwraps.
    #[must_use]
    pub fn into_provider(self) -> Arc<dyn KeyProvider> {
        match self {
            Self::Aes(key) => Arc::new(key),
            Self::Rsa(key) => Arc::<RsaProvider>::from(key),
        }
    }

    /// The key's name.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        match self {
            Self::Aes(key) => key.key_id(),
            Self::Rsa(key) => key.key_id(),
        }
    }

    fn rsa(key: RsaProvider) -> Self {
        Self::Rsa(Box::new(key))
    }

    fn is_secret(&self) -> bool {
        match self {
            Self::Aes(_) => true,
            Self::Rsa(key) => key.is_private(),
        }
    }
}

impl AesProvider {
    /// Reads an AES key file that only its owner can read and change. [`LoadedKey::from_file`] reads any kind, with a choice.
    ///
    /// # Errors
    /// [`Error::KeyFile`] names the file and what is wrong.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        match LoadedKey::from_file(path.as_ref(), FilePermissions::OwnerOnly)? {
            LoadedKey::Aes(key) => Ok(key),
            LoadedKey::Rsa(_) => Err(other_kind(path.as_ref(), "AES")),
        }
    }

    /// Writes the key to a new file that the Python SDK reads too: base64 text, mode 0600.
    ///
    /// # Errors
    /// [`Error::KeyFile`]; an existing file is never overwritten.
    pub fn create_file(&self, path: &Path) -> Result<(), Error> {
        let text = self.to_base64();
        create(path, &[text.as_bytes(), b"\n"], SECRET_MODE)
    }
}

impl RsaProvider {
    /// Reads an RSA key file that only its owner can change, and a private one only if no one else can read it. [`LoadedKey::from_file`] reads any kind, with a
    /// choice.
    ///
    /// # Errors
    /// [`Error::KeyFile`] names the file and what is wrong.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        match LoadedKey::from_file(path.as_ref(), FilePermissions::OwnerOnly)? {
            LoadedKey::Rsa(key) => Ok(*key),
            LoadedKey::Aes(_) => Err(other_kind(path.as_ref(), "RSA")),
        }
    }

    /// Writes the private key to a new file: PKCS#8 PEM, mode 0600.
    ///
    /// # Errors
    /// [`Error::KeyFile`]; an existing file is never overwritten. [`Error::PublicKeyOnly`] when there is no private half.
    pub fn create_private_file(&self, path: &Path) -> Result<(), Error> {
        let text = self.to_private_pem()?.ok_or(Error::PublicKeyOnly {
            key_id: self.key_id(),
        })?;
        create(path, &[text.as_bytes()], SECRET_MODE)
    }

    /// Writes the public half to a new file: SubjectPublicKeyInfo PEM, mode 0644 within the umask.
    ///
    /// # Errors
    /// [`Error::KeyFile`]; an existing file is never overwritten.
    pub fn create_public_file(&self, path: &Path) -> Result<(), Error> {
        create(path, &[self.to_public_pem()?.as_bytes()], PUBLIC_MODE)
    }
}

fn other_kind(path: &Path, wanted: &'static str) -> Error {
    Error::KeyFile {
        path: path.to_owned(),
        error: KeyError::OtherKind { wanted },
    }
}

const SECRET_MODE: u32 = 0o600;
const PUBLIC_MODE: u32 = 0o644;
const OTHERS_CAN_READ_OR_WRITE: u32 = 0o066;
const OTHERS_CAN_WRITE: u32 = 0o022;
const ROOT: u32 = 0;

fn read(path: &Path, permissions: FilePermissions) -> Result<LoadedKey, KeyError> {
    // Opened once; everything else is asked of the open file, so that the name cannot change in between.
    let mut file = open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(KeyError::NotAFile);
    }
    if metadata.len() > MAX_KEY_FILE_LEN {
        return Err(KeyError::TooLarge {
            limit: MAX_KEY_FILE_LEN,
        });
    }
    let contents = read_capped(&mut file)?;
    let key = LoadedKey::from_bytes(&contents)?;
    if permissions == FilePermissions::OwnerOnly {
        let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
        check_access(key.is_secret(), metadata.mode() & 0o7777, owner, user)?;
    }
    Ok(key)
}

/// Whoever can read a secret key can decrypt; whoever can change a key file can have objects encrypted to a key of theirs.
fn check_access(is_secret: bool, mode: u32, owner: u32, user: u32) -> Result<(), KeyError> {
    if owner != user && owner != ROOT {
        return Err(KeyError::OtherOwner { uid: owner });
    }
    match is_secret {
        true if mode & OTHERS_CAN_READ_OR_WRITE != 0 => Err(KeyError::TooOpen { mode }),
        false if mode & OTHERS_CAN_WRITE != 0 => Err(KeyError::PublicKeyWritable { mode }),
        _ => Ok(()),
    }
}

/// Reads into one allocation, so that no copy of a secret stays behind in memory.
fn read_capped(file: &mut File) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let limit = usize::try_from(MAX_KEY_FILE_LEN).unwrap_or(usize::MAX);
    let mut contents = Zeroizing::new(vec![0; limit + 1]);
    let mut len = 0;
    loop {
        match file.read(&mut contents[len..]) {
            Ok(0) => break,
            Ok(count) => len += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        if len > limit {
            return Err(KeyError::TooLarge {
                limit: MAX_KEY_FILE_LEN,
            });
        }
    }
    contents[len..].zeroize();
    contents.truncate(len);
    Ok(contents)
}

fn open(path: &Path) -> Result<File, KeyError> {
    open_without_waiting(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => KeyError::Missing,
        _ => KeyError::Io(error),
    })
}

/// Opens for reading; a pipe that nobody writes to does not block.
pub(crate) fn open_without_waiting(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

/// Creates a file whole or not at all: written under a temporary name with its final mode, synced, then linked into place,
/// which fails when the name is taken.
fn create(path: &Path, contents: &[&[u8]], mode: u32) -> Result<(), Error> {
    create_new(path, contents, mode).map_err(|error| Error::KeyFile {
        path: path.to_owned(),
        error,
    })
}

fn create_new(path: &Path, contents: &[&[u8]], mode: u32) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if path.symlink_metadata().is_ok() {
        return Err(KeyError::Exists);
    }
    let mut file = tempfile::Builder::new()
        .prefix(".coscrypt-key-")
        .permissions(std::fs::Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    contents.iter().try_for_each(|part| file.write_all(part))?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)
        .map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists,
            _ => KeyError::Io(error.error),
        })?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Whether the contents are text at all: DER is not.
fn is_text(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests;
