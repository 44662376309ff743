//! `ls`, `rm`.

use clap::Args;

use super::global::DryRun;
use super::location::Location;

/// List objects with the size of what is in them
#[derive(Debug, Args)]
#[command(after_help = "\
Columns: size, time, kind (sealed, python, …, plain), name. The headers of each object are asked
for; with --stored they are not, and the size is that of what is stored.

Example:
  coscrypt ls cos://backup-1250000000/
  coscrypt ls -r --json cos://backup-1250000000/photos/")]
pub(crate) struct Ls {
    /// The bucket, or what keys begin with
    #[arg(value_name = "cos://BUCKET/PREFIX")]
    pub(crate) location: Location,
    /// Also what lies in folders
    #[arg(long, short)]
    pub(crate) recursive: bool,
    /// Sizes as stored: faster
    #[arg(long)]
    pub(crate) stored: bool,
}

/// Delete objects
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  coscrypt rm cos://backup-1250000000/2026/report.pdf")]
pub(crate) struct Rm {
    /// The objects
    #[arg(required = true, value_name = "cos://BUCKET/KEY")]
    pub(crate) locations: Vec<Location>,
    /// This version of the object, for good
    #[arg(long, value_name = "V")]
    pub(crate) version_id: Option<String>,
    #[command(flatten)]
    pub(crate) dry_run: DryRun,
}
