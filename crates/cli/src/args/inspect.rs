//! `inspect`, `stat`.

use std::path::PathBuf;

use clap::Args;

use super::location::Location;

/// Tell what wrote an object and how it is protected, without a key
#[derive(Debug, Args)]
#[command(after_help = "\
FILE holds the headers as JSON (one object, name to value) or as header lines. What inspect tells
is what the headers say: only a read with the key proves it.

Example:
  coscrypt inspect cos://backup-1250000000/notes.txt
  curl -sI URL | coscrypt inspect --headers -")]
pub(crate) struct Inspect {
    /// The object
    #[arg(value_name = "cos://BUCKET/KEY", required_unless_present = "headers")]
    pub(crate) location: Option<Location>,
    /// Headers from a file instead; - for stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["location", "version_id"])]
    pub(crate) headers: Option<PathBuf>,
    /// This version of the object
    #[arg(long, value_name = "V")]
    pub(crate) version_id: Option<String>,
}

/// Tell everything that is stored beside an object's bytes
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  coscrypt stat cos://backup-1250000000/notes.txt")]
pub(crate) struct Stat {
    /// The object
    #[arg(value_name = "cos://BUCKET/KEY")]
    pub(crate) location: Location,
    /// This version of the object
    #[arg(long, value_name = "V")]
    pub(crate) version_id: Option<String>,
}
