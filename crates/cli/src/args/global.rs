//! The options that every command takes.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use cos_transport::{Addressing, Region};

/// Options of every command. What is left out comes from the environment, then from the configuration.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Globals {
    /// The service: an address, or local:DIR for a folder [env: COS_ENDPOINT]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint: Option<EndpointChoice>,
    /// The bucket in addresses: path (HOST/BUCKET) or virtual (BUCKET.HOST)
    #[arg(long, global = true, value_name = "STYLE", hide_possible_values = true)]
    pub(crate) addressing: Option<AddressingChoice>,
    /// The region, such as ap-guangzhou [env: COS_REGION]
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<Region>,
    /// A key file; repeat it to encrypt to several [env: COSCRYPT_KEY]
    #[arg(long = "key", short = 'k', global = true, value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,
    /// The profile of the configuration [default: default]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The configuration file [env: COSCRYPT_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Objects worked on at the same time [default: 4]
    #[arg(long, short = 'j', global = true, value_name = "N", value_parser = parse_jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Results and errors as JSON, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Show how far a transfer is: auto, always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(crate) progress: ProgressWhen,
    /// No remarks and no progress, only results and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Tell what is going on; -vv tells more
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

fn parse_jobs(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not a number from 1 on"))
}

/// Where the service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EndpointChoice {
    /// An address.
    Url(cos_transport::Endpoint),
    /// The embedded server, on a folder.
    Local(PathBuf),
}

impl std::str::FromStr for EndpointChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("local:") {
            Some("") => Err("local: is followed by a folder, as in local:store".to_owned()),
            Some(folder) => Ok(Self::Local(folder.into())),
            None => text
                .parse()
                .map(Self::Url)
                .map_err(|error: cos_transport::NameError| error.to_string()),
        }
    }
}

/// How buckets are named in addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AddressingChoice {
    // https://HOST/BUCKET/KEY
    Path,
    // https://BUCKET.HOST/KEY
    Virtual,
}

impl From<AddressingChoice> for Addressing {
    fn from(choice: AddressingChoice) -> Self {
        match choice {
            AddressingChoice::Path => Self::Path,
            AddressingChoice::Virtual => Self::VirtualHosted,
        }
    }
}

/// When progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressWhen {
    // On a terminal
    Auto,
    // Always; as lines where there is no terminal
    Always,
    // Never
    Never,
}

/// Whether a command acts, or only tells what it would do.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct DryRun {
    /// Only tell what would be done
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
}
