//! What applies to this run: the command line first, then the environment, then the configuration.
//!
//! A profile that is named on the command line counts as the command line; the default profile comes last.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use cos_transport::credentials::CredentialsError;
use cos_transport::{Addressing, Credentials, Endpoint, Region};

use crate::args::global::{AddressingChoice, EndpointChoice, Globals};
use crate::config::{self, Config, DEFAULT_PROFILE, Profile};
use crate::exit::Exit;
use crate::failure::Failure;

/// How many objects are worked on at the same time unless somebody says otherwise.
const DEFAULT_JOBS: usize = 4;

/// What applies to this run.
#[derive(Debug)]
pub(crate) struct Settings {
    endpoint: Option<EndpointChoice>,
    addressing: Option<Addressing>,
    credentials: Option<Credentials>,
    keys: Vec<PathBuf>,
    jobs: usize,
}

/// What one source says.
#[derive(Default)]
struct Layer {
    endpoint: Option<EndpointChoice>,
    addressing: Option<AddressingChoice>,
    credentials: Option<Credentials>,
    keys: Vec<PathBuf>,
    jobs: Option<NonZeroUsize>,
}

impl Settings {
    /// Puts everything together.
    pub(crate) fn resolve(globals: &Globals) -> Result<Self, Failure> {
        Self::resolve_with(globals, |name| {
            std::env::var_os(name).filter(|value| !value.is_empty())
        })
    }

    fn resolve_with(globals: &Globals, env: impl Fn(&str) -> Option<OsString>) -> Result<Self, Failure> {
        let config_path = globals
            .config
            .clone()
            .or_else(|| env("COSCRYPT_CONFIG").map(PathBuf::from));
        let mut config = match (config_path, config::default_path()) {
            (Some(path), _) => Config::read(&path)?,
            (None, Some(path)) => Config::read_if_any(&path)?.unwrap_or_default(),
            (None, None) => Config::default(),
        };
        let arguments = Layer::arguments(globals)?;
        let environment = Layer::environment(&env)?;
        let layers = match &globals.profile {
            Some(name) => {
                let profile = config
                    .take(name)
                    .ok_or_else(|| no_profile(name, &config.names()))?;
                [arguments, Layer::profile(profile)?, environment]
            }
            None => {
                let profile = config.take(DEFAULT_PROFILE).unwrap_or_default();
                [arguments, environment, Layer::profile(profile)?]
            }
        };
        let mut settings = Self {
            endpoint: None,
            addressing: None,
            credentials: None,
            keys: Vec::new(),
            jobs: DEFAULT_JOBS,
        };
        // The weakest first: what comes later replaces it.
        for layer in layers.into_iter().rev() {
            settings.put_over(layer);
        }
        Ok(settings)
    }

    fn put_over(&mut self, layer: Layer) {
        self.endpoint = layer.endpoint.or(self.endpoint.take());
        self.addressing = layer.addressing.map(Addressing::from).or(self.addressing);
        self.credentials = layer.credentials.or(self.credentials.take());
        if !layer.keys.is_empty() {
            self.keys = layer.keys;
        }
        self.jobs = layer.jobs.map_or(self.jobs, NonZeroUsize::get);
    }

    /// Where the service is.
    pub(crate) fn endpoint(&self) -> Result<EndpointChoice, Failure> {
        let choice = self.endpoint.clone().ok_or_else(|| {
            let help =
                "give --region such as ap-guangzhou, or --endpoint URL, or --endpoint local:DIR for a folder";
            Failure::usage(
                "it is not known where the bucket is: there is neither a region nor an endpoint",
                help,
            )
        })?;
        Ok(match (choice, self.addressing) {
            (EndpointChoice::Url(endpoint), Some(addressing)) => {
                EndpointChoice::Url(endpoint.with_addressing(addressing))
            }
            (choice, _) => choice,
        })
    }

    /// Who signs.
    pub(crate) fn take_credentials(&mut self) -> Result<Credentials, Failure> {
        let missing = || Failure::from(cos_transport::Error::from(CredentialsError::Missing));
        self.credentials.take().ok_or_else(missing)
    }

    /// The key files.
    pub(crate) fn keys(&self) -> &[PathBuf] {
        &self.keys
    }

    /// How many objects are worked on at the same time.
    pub(crate) fn jobs(&self) -> usize {
        self.jobs
    }
}

impl Layer {
    fn arguments(globals: &Globals) -> Result<Self, Failure> {
        Ok(Self {
            endpoint: place(globals.endpoint.clone(), globals.region.as_ref())?,
            addressing: globals.addressing,
            credentials: None,
            keys: globals.keys.clone(),
            jobs: globals.jobs,
        })
    }

    fn environment(env: &impl Fn(&str) -> Option<OsString>) -> Result<Self, Failure> {
        let credentials = match Credentials::from_env() {
            Ok(credentials) => Some(credentials),
            Err(CredentialsError::Missing) => None,
            Err(error) => return Err(cos_transport::Error::from(error).into()),
        };
        Ok(Self {
            endpoint: place(parsed(env, "COS_ENDPOINT")?, parsed(env, "COS_REGION")?.as_ref())?,
            credentials,
            keys: env("COSCRYPT_KEY").map(PathBuf::from).into_iter().collect(),
            ..Self::default()
        })
    }

    fn profile(mut profile: Profile) -> Result<Self, Failure> {
        Ok(Self {
            endpoint: place(profile.endpoint.take(), profile.region.as_ref())?,
            addressing: profile.addressing,
            credentials: profile.take_credentials()?,
            keys: profile.keys,
            jobs: profile.jobs,
        })
    }
}

/// An endpoint says more precisely where the service is than a region.
fn place(
    endpoint: Option<EndpointChoice>,
    region: Option<&Region>,
) -> Result<Option<EndpointChoice>, Failure> {
    match (endpoint, region) {
        (None, Some(region)) => {
            let endpoint = Endpoint::region(region).map_err(cos_transport::Error::from)?;
            Ok(Some(EndpointChoice::Url(endpoint)))
        }
        (endpoint, _) => Ok(endpoint),
    }
}

fn parsed<T>(env: &impl Fn(&str) -> Option<OsString>, name: &str) -> Result<Option<T>, Failure>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let Some(text) = env(name) else { return Ok(None) };
    let wrong = |reason: &dyn std::fmt::Display| {
        Failure::usage(
            format!("{name} makes no sense: {reason}"),
            format!("correct it, or run: unset {name}"),
        )
    };
    let text = text.to_str().ok_or_else(|| wrong(&"it is not UTF-8"))?;
    text.parse().map(Some).map_err(|error: T::Err| wrong(&error))
}

fn no_profile(name: &str, known: &[&str]) -> Failure {
    let help = match known {
        [] => "the configuration has no profiles; see --config".to_owned(),
        known => format!("the configuration has: {}", known.join(", ")),
    };
    Failure::new(
        Exit::Usage,
        format!("there is no profile {name:?} in the configuration"),
    )
    .or_help(help)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn resolve(args: &[&str], env: &[(&str, &str)], config: &str) -> Result<Settings, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, config).unwrap();
        let path = path.to_str().unwrap();
        let all = [&["coscrypt", "--config", path], args, &["ls", "cos://b-1"]].concat();
        let globals = crate::args::CommandLine::try_parse_from(all).unwrap().globals;
        Settings::resolve_with(&globals, |name| {
            env.iter()
                .find(|(set, _)| *set == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    fn place(args: &[&str], env: &[(&str, &str)], config: &str) -> String {
        match resolve(args, env, config).unwrap().endpoint().unwrap() {
            EndpointChoice::Url(endpoint) => endpoint.to_string(),
            EndpointChoice::Local(folder) => format!("local:{}", folder.display()),
        }
    }

    const CONFIG: &str = "[profiles.default]\nregion = 'ap-default'\njobs = 2\n\
                          [profiles.work]\nregion = 'ap-work'\nkeys = ['/work.key']\n";

    #[test]
    fn the_command_line_wins_over_the_environment_and_that_over_the_default_profile() {
        let env = [("COS_REGION", "ap-env")];
        assert_eq!(
            place(&["--region", "ap-arg"], &env, CONFIG),
            "https://cos.ap-arg.myqcloud.com"
        );
        assert_eq!(place(&[], &env, CONFIG), "https://cos.ap-env.myqcloud.com");
        assert_eq!(place(&[], &[], CONFIG), "https://cos.ap-default.myqcloud.com");
    }

    #[test]
    fn a_profile_named_on_the_command_line_wins_over_the_environment() {
        let env = [
            ("COS_ENDPOINT", "http://127.0.0.1:1"),
            ("COSCRYPT_KEY", "/env.key"),
        ];
        assert_eq!(
            place(&["--profile", "work"], &env, CONFIG),
            "https://cos.ap-work.myqcloud.com"
        );
        let settings = resolve(&["--profile", "work"], &env, CONFIG).unwrap();
        assert_eq!(settings.keys(), [PathBuf::from("/work.key")]);
        let settings = resolve(&["--profile", "work", "--key", "/arg.key"], &env, CONFIG).unwrap();
        assert_eq!(settings.keys(), [PathBuf::from("/arg.key")]);
    }

    #[test]
    fn a_region_on_the_command_line_is_not_overridden_by_an_endpoint_elsewhere() {
        let env = [("COS_ENDPOINT", "local:store")];
        assert_eq!(
            place(&["--region", "ap-arg"], &env, ""),
            "https://cos.ap-arg.myqcloud.com"
        );
        assert_eq!(place(&[], &env, CONFIG), "local:store");
    }

    #[test]
    fn a_profile_that_is_missing_is_told_with_those_that_exist() {
        let failure = resolve(&["--profile", "wrok"], &[], CONFIG).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(failure.help().contains("work"), "{}", failure.help());
    }

    #[test]
    fn nothing_set_is_told() {
        assert_eq!(
            resolve(&[], &[], "").unwrap().endpoint().unwrap_err().exit(),
            Exit::Usage
        );
        assert_eq!(
            resolve(&[], &[("COS_REGION", "")], "").unwrap_err().exit(),
            Exit::Usage
        );
        assert_eq!(resolve(&[], &[], "").unwrap().jobs(), DEFAULT_JOBS);
    }
}
