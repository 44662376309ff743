//! The server's own credentials: made at random, and kept in a file that only its owner reads.

use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cos_transport::Credentials;
use rand::distr::{Alphanumeric, SampleString as _};
use zeroize::Zeroizing;

use crate::store::{CREDENTIALS, create_folder, sync_folder};

/// Why the credentials file of a store cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsFileError {
    /// It cannot be read or written.
    #[error("the credentials file {} cannot be read or written: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Others than its owner may read it.
    #[error("others may read the credentials file {}; run: chmod 600 {}", .path.display(), .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// It does not hold two lines, an id and a key.
    #[error("the credentials file {} is damaged; remove it to have new credentials made", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// Makes random credentials, in the shape of the service's own.
#[must_use]
pub fn generate_credentials() -> Credentials {
    let mut random = rand::rng();
    loop {
        let id = format!("AKID{}", Alphanumeric.sample_string(&mut random, 32));
        let key = Alphanumeric.sample_string(&mut random, 32);
        // Letters and digits are always acceptable.
        if let Ok(credentials) = Credentials::new(id, key) {
            return credentials;
        }
    }
}

/// Reads the credentials kept in a store's folder, or makes them and keeps them there (mode 0600).
///
/// # Errors
/// When the file cannot be read or written, may be read by others, or is damaged.
pub fn load_or_create_credentials(folder: &Path) -> Result<Credentials, CredentialsFileError> {
    let path = folder.join(CREDENTIALS);
    let io = |source| CredentialsFileError::Io {
        path: path.clone(),
        source,
    };
    match File::open(&path) {
        Ok(file) => {
            let mode = file.metadata().map_err(io)?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(CredentialsFileError::Exposed { path });
            }
            let text = Zeroizing::new(io::read_to_string(file).map_err(io)?);
            parse(&text).ok_or(CredentialsFileError::Damaged { path })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let credentials = generate_credentials();
            match write(folder, &path, &credentials) {
                Ok(()) => Ok(credentials),
                // Another process was faster: its credentials are the ones.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    load_or_create_credentials(folder)
                }
                Err(error) => Err(io(error)),
            }
        }
        Err(error) => Err(io(error)),
    }
}

fn parse(text: &str) -> Option<Credentials> {
    let (id, key) = text.trim_end().split_once('\n')?;
    Credentials::new(id, key).ok()
}

fn write(folder: &Path, path: &Path, credentials: &Credentials) -> io::Result<()> {
    create_folder(folder).map_err(io::Error::other)?;
    let mut file = tempfile::Builder::new().prefix(CREDENTIALS).tempfile_in(folder)?;
    file.as_file().set_permissions(Permissions::from_mode(0o600))?;
    writeln!(file, "{}\n{}", credentials.secret_id(), credentials.secret_key())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn credentials_are_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        let made = load_or_create_credentials(&store).unwrap();
        let read = load_or_create_credentials(&store).unwrap();
        assert_eq!(
            (made.secret_id(), made.secret_key()),
            (read.secret_id(), read.secret_key())
        );
        assert_eq!(
            fs::metadata(store.join(CREDENTIALS))
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
        assert_ne!(made.secret_key(), generate_credentials().secret_key());
    }

    #[test]
    fn credentials_that_others_may_read_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        load_or_create_credentials(folder.path()).unwrap();
        fs::set_permissions(folder.path().join(CREDENTIALS), Permissions::from_mode(0o640)).unwrap();
        let refused = load_or_create_credentials(folder.path()).unwrap_err();
        assert!(matches!(refused, CredentialsFileError::Exposed { .. }));
    }

    #[test]
    fn a_damaged_file_is_said_to_be_damaged() {
        let folder = tempfile::tempdir().unwrap();
        load_or_create_credentials(folder.path()).unwrap();
        fs::write(folder.path().join(CREDENTIALS), "only one line\n").unwrap();
        let refused = load_or_create_credentials(folder.path()).unwrap_err();
        assert!(matches!(refused, CredentialsFileError::Damaged { .. }));
    }
}
