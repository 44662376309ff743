//! `put`, `get`, `cat`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cos_transport::{ByteRange, StorageClass};

use super::global::DryRun;
use super::location::Location;

/// Encrypt and upload files, a folder, or stdin
#[derive(Debug, Args)]
#[command(after_help = "\
A target that ends in / is a folder: files keep their names in it. With -r, what lies in a
folder goes there; symbolic links are skipped.

Example:
  coscrypt put report.pdf cos://backup-1250000000/2026/
  coscrypt put -r photos cos://backup-1250000000/photos/
  tar c etc | coscrypt put - cos://backup-1250000000/etc.tar")]
pub(crate) struct Put {
    /// Files; folders with -r; - for stdin
    #[arg(required = true, value_name = "SRC")]
    pub(crate) sources: Vec<PathBuf>,
    /// The object, or a folder to put files into
    #[arg(value_name = "cos://BUCKET/KEY")]
    pub(crate) target: Location,
    /// Folders with everything in them
    #[arg(long, short)]
    pub(crate) recursive: bool,
    /// sealed, or cos-python: what the official Python SDK reads
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "sealed",
        hide_possible_values = true
    )]
    pub(crate) format: Format,
    /// Metadata to store, not encrypted, as NAME=VALUE; may be repeated
    #[arg(long = "meta", value_name = "NAME=VALUE", value_parser = parse_metadata)]
    pub(crate) metadata: Vec<(String, String)>,
    /// Content type to store
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
    /// Storage class, such as STANDARD_IA or ARCHIVE
    #[arg(long, value_name = "CLASS")]
    pub(crate) storage_class: Option<StorageClass>,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

/// The formats that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    // Authenticated; the default
    Sealed,
    // What the official Python SDK reads: not authenticated
    CosPython,
}

/// Download and decrypt an object, or a folder of them
#[derive(Debug, Args)]
#[command(after_help = "\
A file gets its name only once everything in it has been verified.

Example:
  coscrypt get cos://backup-1250000000/2026/report.pdf report.pdf
  coscrypt get -r cos://backup-1250000000/photos/ restored
  coscrypt get cos://backup-1250000000/etc.tar - | tar t")]
pub(crate) struct Get {
    /// The object, or with -r a folder
    #[arg(value_name = "cos://BUCKET/KEY")]
    pub(crate) source: Location,
    /// The file or folder to write; - for stdout
    #[arg(value_name = "DEST")]
    pub(crate) target: PathBuf,
    /// Everything in the folder
    #[arg(long, short, conflicts_with_all = ["range", "version_id"])]
    pub(crate) recursive: bool,
    #[command(flatten)]
    pub(crate) read: ReadOptions,
    /// Replace files that exist already
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}

/// Decrypt an object to stdout
#[derive(Debug, Args)]
#[command(after_help = "\
What comes out has been verified piece by piece. Should a later piece fail, cat stops there with
exit code 5: check it before you rely on the whole.

Example:
  coscrypt cat cos://backup-1250000000/notes.txt
  coscrypt cat --range 0-99 cos://backup-1250000000/notes.txt")]
pub(crate) struct Cat {
    /// The object
    #[arg(value_name = "cos://BUCKET/KEY")]
    pub(crate) source: Location,
    #[command(flatten)]
    pub(crate) read: ReadOptions,
}

/// What to read, and what to accept.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReadOptions {
    /// Only these bytes: A-B, A- or -N for the last N
    #[arg(long, value_name = "A-B", value_parser = parse_range, allow_hyphen_values = true)]
    pub(crate) range: Option<ByteRange>,
    /// This version of the object
    #[arg(long, value_name = "V")]
    pub(crate) version_id: Option<String>,
    /// Also read what the official SDKs wrote, which cannot be verified
    #[arg(long)]
    pub(crate) allow_unauthenticated: bool,
}

fn parse_range(text: &str) -> Result<ByteRange, String> {
    text.parse()
        .map_err(|error: cos_transport::Error| error.to_string())
}

fn parse_metadata(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is not of the form NAME=VALUE, as owner=ann is")),
    }
}
