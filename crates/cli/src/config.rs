//! The configuration file: TOML with profiles. Secrets in it stay between it and its owner.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cos_transport::{Credentials, Region};
use directories::{BaseDirs, ProjectDirs};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::args::global::{AddressingChoice, EndpointChoice};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::sanitize::sanitize_path;

/// The profile that is used unless another one is named.
pub(crate) const DEFAULT_PROFILE: &str = "default";

/// What the file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

/// Settings that belong together.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    #[serde(default, deserialize_with = "parsed")]
    pub(crate) endpoint: Option<EndpointChoice>,
    pub(crate) addressing: Option<AddressingChoice>,
    #[serde(default, deserialize_with = "parsed")]
    pub(crate) region: Option<Region>,
    /// Key files; relative ones lie beside the configuration.
    #[serde(default)]
    pub(crate) keys: Vec<PathBuf>,
    pub(crate) jobs: Option<NonZeroUsize>,
    secret_id: Option<String>,
    secret_key: Option<Secret>,
    session_token: Option<Secret>,
}

/// A value that is wiped, and not shown.
#[derive(Deserialize)]
#[serde(from = "String")]
struct Secret(Zeroizing<String>);

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(Zeroizing::new(value))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// Where the configuration is looked for when nobody says.
pub(crate) fn default_path() -> Option<PathBuf> {
    ProjectDirs::from("", "", "coscrypt").map(|folders| folders.config_dir().join("config.toml"))
}

impl Config {
    /// Reads the file; it must exist.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        Self::read_if_any(path)?.ok_or_else(|| {
            Failure::new(
                Exit::NotFound,
                format!("the configuration {} does not exist", sanitize_path(path)),
            )
            .or_help("check --config and COSCRYPT_CONFIG")
        })
    }

    /// Reads the file; none is an empty configuration.
    pub(crate) fn read_if_any(path: &Path) -> Result<Option<Self>, Failure> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(Failure::file("read", path, &error)),
        };
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text)
            .map_err(|error| Failure::file("read", path, &error))?;
        let mode = file
            .metadata()
            .map_err(|error| Failure::file("read", path, &error))?
            .permissions()
            .mode();
        let config = Self::parse(&text, path)?;
        if mode & 0o077 != 0 && config.profiles.values().any(Profile::holds_secrets) {
            let path = sanitize_path(path);
            let message = format!(
                "others may read {path}, which holds secrets (mode {:04o})",
                mode & 0o7777
            );
            return Err(Failure::new(Exit::NotPermitted, message).or_help(format!("run: chmod 600 {path}")));
        }
        Ok(Some(config))
    }

    /// The profile of this name.
    pub(crate) fn take(&mut self, name: &str) -> Option<Profile> {
        self.profiles.remove(name)
    }

    /// The names of all profiles.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.profiles.keys().map(String::as_str).collect()
    }

    fn parse(text: &str, path: &Path) -> Result<Self, Failure> {
        let mut config: Self = toml::from_str(text).map_err(|error| {
            let before = error
                .span()
                .and_then(|span| text.get(..span.start))
                .unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let message = format!("{}, line {line}: {}", sanitize_path(path), error.message());
            Failure::usage(
                message,
                "correct the configuration, or name another with --config",
            )
        })?;
        let beside = path.parent().unwrap_or(Path::new(""));
        for key in config.profiles.values_mut().flat_map(|profile| &mut profile.keys) {
            *key = beside.join(expand_home(key));
        }
        Ok(config)
    }
}

impl Profile {
    /// The credentials of this profile, if it has any.
    pub(crate) fn take_credentials(&mut self) -> Result<Option<Credentials>, Failure> {
        let half = |name: &str| {
            let message = format!("the profile sets only one of secret_id and secret_key: {name} is missing");
            Failure::new(Exit::NotPermitted, message)
                .or_help("set both, or none to take them from the environment")
        };
        let (id, key) = match (self.secret_id.take(), self.secret_key.take()) {
            (None, None) => return Ok(None),
            (None, Some(_)) => return Err(half("secret_id")),
            (Some(_), None) => return Err(half("secret_key")),
            (Some(id), Some(key)) => (id, key),
        };
        let credentials =
            Credentials::new(id, key.0.as_str()).and_then(|credentials| match &self.session_token {
                Some(token) => credentials.with_token(token.0.as_str()),
                None => Ok(credentials),
            });
        credentials
            .map(Some)
            .map_err(|error| Failure::from(cos_transport::Error::from(error)))
    }

    fn holds_secrets(&self) -> bool {
        self.secret_key.is_some() || self.session_token.is_some()
    }
}

fn expand_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), BaseDirs::new()) {
        (Ok(rest), Some(folders)) => folders.home_dir().join(rest),
        _ => path.to_owned(),
    }
}

fn parsed<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn parse(text: &str) -> Result<Config, Failure> {
        Config::parse(text, Path::new("/etc/coscrypt/config.toml"))
    }

    fn written(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn a_profile_holds_what_the_options_hold() {
        let text = "[profiles.work]\nendpoint = 'https://cos.example.com'\naddressing = 'path'\n\
                    region = 'ap-guangzhou'\nkeys = ['master.key', '/abs.key']\njobs = 8\n";
        let profile = parse(text).unwrap().take("work").unwrap();
        assert!(matches!(profile.endpoint, Some(EndpointChoice::Url(_))));
        assert_eq!(profile.addressing, Some(AddressingChoice::Path));
        assert_eq!(
            profile.keys,
            [
                PathBuf::from("/etc/coscrypt/master.key"),
                PathBuf::from("/abs.key")
            ]
        );
        assert_eq!(profile.jobs.unwrap().get(), 8);
    }

    #[test]
    fn unknown_keys_are_errors_that_name_the_line() {
        for (text, line) in [
            ("profile = 1\n", "line 1"),
            (
                "[profiles.default]\nregion = 'ap-guangzhou'\nregoin = 'x'\n",
                "line 3",
            ),
            ("[profiles.default]\n\njobs = 0\n", "line 3"),
            ("[profiles.default]\nendpoint = 'ftp://x'\n", "line 2"),
            ("[profiles.default\n", "line 1"),
        ] {
            let failure = parse(text).unwrap_err();
            assert!(failure.message().contains(line), "{}", failure.message());
            assert!(!failure.message().contains('\n'), "{}", failure.message());
            assert_eq!(failure.exit(), Exit::Usage);
        }
    }

    #[test]
    fn secrets_that_others_may_read_are_refused() {
        let secrets = "[profiles.default]\nsecret_id = 'AKID'\nsecret_key = 'sesame'\n";
        let (_folder, path) = written(secrets, 0o644);
        let failure = Config::read(&path).unwrap_err();
        assert_eq!(failure.exit(), Exit::NotPermitted);
        assert!(!failure.message().contains("sesame"));
        let (_folder, path) = written(secrets, 0o600);
        let mut profile = Config::read(&path).unwrap().take(DEFAULT_PROFILE).unwrap();
        assert!(!format!("{profile:?}").contains("sesame"));
        assert_eq!(profile.take_credentials().unwrap().unwrap().secret_id(), "AKID");
        let (_folder, path) = written("[profiles.default]\nregion = 'ap-guangzhou'\n", 0o644);
        assert!(Config::read(&path).is_ok());
    }

    #[test]
    fn half_of_the_credentials_is_an_error() {
        let mut profile = parse("[profiles.default]\nsecret_id = 'AKID'\n")
            .unwrap()
            .take("default")
            .unwrap();
        assert_eq!(profile.take_credentials().unwrap_err().exit(), Exit::NotPermitted);
    }

    #[test]
    fn a_file_that_was_named_must_exist() {
        let missing = Path::new("/nonexistent/config.toml");
        assert_eq!(Config::read(missing).unwrap_err().exit(), Exit::NotFound);
        assert!(Config::read_if_any(missing).unwrap().is_none());
    }
}
