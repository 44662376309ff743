//! Credentials out of the file that Tencent Cloud's SDKs and tools share.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use zeroize::Zeroizing;

use super::{Credentials, CredentialsError, CredentialsFuture, CredentialsProvider};

/// The longest file that is read, in bytes.
const MAX_FILE: u64 = 1024 * 1024;
/// Names the file, instead of the usual places.
const FILE_VARIABLE: &str = "TENCENTCLOUD_CREDENTIALS_FILE";
/// Where the file lies for all users of a computer.
const SYSTEM_FILE: &str = "/etc/tencentcloud/credentials";

/// Reads a profile of a credentials file before every request, so that a changed file counts at once:
///
/// ```ini
/// [default]
/// secret_id = AKID…
/// secret_key = …
/// token = …
/// ```
///
/// `token` is for temporary credentials only. Lines that begin with `#` or `;` are comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileCredentials {
    places: Vec<PathBuf>,
    profile: String,
}

impl ProfileCredentials {
    /// The profile `default` of the file that `TENCENTCLOUD_CREDENTIALS_FILE` names, or else of
    /// `~/.tencentcloud/credentials`, or else of `/etc/tencentcloud/credentials`.
    #[must_use]
    pub fn standard() -> Self {
        let places = match std::env::var_os(FILE_VARIABLE).filter(|path| !path.is_empty()) {
            Some(path) => vec![PathBuf::from(path)],
            None => {
                let home = std::env::home_dir().map(|home| home.join(".tencentcloud").join("credentials"));
                home.into_iter().chain([PathBuf::from(SYSTEM_FILE)]).collect()
            }
        };
        Self {
            places,
            profile: "default".to_owned(),
        }
    }

    /// The profile `default` of this file.
    #[must_use]
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        Self {
            places: vec![path.into()],
            profile: "default".to_owned(),
        }
    }

    /// Another profile of the file.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = name.into();
        self
    }

    async fn read(&self) -> Result<Credentials, CredentialsError> {
        for place in &self.places {
            match read_file(place).await {
                Ok(text) => {
                    return parse(&text, &self.profile).map_err(|error| match error {
                        CredentialsError::Provider(reason) => {
                            CredentialsError::Provider(format!("{}: {reason}", place.display()))
                        }
                        other => other,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(CredentialsError::Provider(format!(
                        "{} cannot be read: {error}",
                        place.display()
                    )));
                }
            }
        }
        Err(CredentialsError::Missing)
    }
}

impl CredentialsProvider for ProfileCredentials {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(async { self.read().await.map(Arc::new) })
    }
}

async fn read_file(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let file = tokio::fs::File::open(path).await?;
    file.take(MAX_FILE + 1).read_to_string(&mut text).await?;
    match text.len() as u64 > MAX_FILE {
        true => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it has more than 1 MiB",
        )),
        false => Ok(text),
    }
}

fn parse(text: &str, profile: &str) -> Result<Credentials, CredentialsError> {
    let (mut is_inside, mut is_there) = (false, false);
    let (mut id, mut key, mut token) = (None, None, None);
    for (number, line) in text.lines().enumerate() {
        let line = line.trim().trim_start_matches('\u{feff}');
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            is_inside = name.trim() == profile;
            is_there |= is_inside;
            continue;
        }
        // The line itself is not shown: it may hold a key.
        let (name, value) = line.split_once('=').ok_or_else(|| {
            CredentialsError::Provider(format!(
                "line {} is neither [profile] nor name = value",
                number + 1
            ))
        })?;
        let value = value.trim();
        let slot = match name.trim() {
            "secret_id" => &mut id,
            "secret_key" => &mut key,
            "token" => &mut token,
            _ => continue,
        };
        if is_inside && !value.is_empty() {
            *slot = Some(value);
        }
    }
    if !is_there {
        return Err(CredentialsError::Provider(format!(
            "there is no profile {profile:?}"
        )));
    }
    let credentials = match (id, key) {
        (Some(id), Some(key)) => Credentials::new(id, key)?,
        (Some(_), None) => return Err(CredentialsError::HalfSet("secret_key".into())),
        (None, Some(_)) => return Err(CredentialsError::HalfSet("secret_id".into())),
        (None, None) => {
            return Err(CredentialsError::Provider(format!(
                "profile {profile:?} holds no secret_id and secret_key"
            )));
        }
    };
    match token {
        Some(token) => credentials.with_token(token),
        None => Ok(credentials),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# a comment\r\n[default]\r\nsecret_id = id\r\nsecret_key=k=e=y\r\nregion = x\r\n\n\
                        [ tmp ]\n; another\nsecret_id = id2\nsecret_key = key2\ntoken = t\n[half]\nsecret_id = id3\n[empty]\n";

    #[test]
    fn profiles_are_told_apart() {
        let read = parse(FILE, "default").unwrap();
        assert_eq!(
            (read.secret_id(), read.secret_key(), read.token()),
            ("id", "k=e=y", None)
        );
        let read = parse(FILE, "tmp").unwrap();
        assert_eq!((read.secret_id(), read.token()), ("id2", Some("t")));
        assert_eq!(
            parse(FILE, "half").unwrap_err(),
            CredentialsError::HalfSet("secret_key".into())
        );
        for missing in ["empty", "other"] {
            let told = parse(FILE, missing).unwrap_err().to_string();
            assert!(told.contains(missing), "{told}");
        }
        let told = parse("[default]\nsesame\n", "default").unwrap_err().to_string();
        assert!(told.contains("line 2") && !told.contains("sesame"), "{told}");
    }

    #[tokio::test]
    async fn the_file_is_read_again_each_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials");
        let provider = ProfileCredentials::from_file(&path);
        assert_eq!(
            provider.credentials().await.unwrap_err(),
            CredentialsError::Missing
        );
        for id in ["one", "two"] {
            std::fs::write(&path, format!("[default]\nsecret_id={id}\nsecret_key=k\n")).unwrap();
            assert_eq!(provider.credentials().await.unwrap().secret_id(), id);
        }
        let other = provider
            .clone()
            .profile("other")
            .credentials()
            .await
            .unwrap_err()
            .to_string();
        assert!(
            other.contains("credentials: there is no profile \"other\""),
            "{other}"
        );
        let folder = ProfileCredentials::from_file(dir.path())
            .credentials()
            .await
            .unwrap_err();
        assert!(matches!(folder, CredentialsError::Provider(_)), "{folder}");
        std::fs::write(&path, vec![b'#'; 1024 * 1024 + 1]).unwrap();
        assert!(provider.credentials().await.is_err());
    }
}
