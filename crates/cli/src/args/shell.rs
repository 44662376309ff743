//! `completions`, `man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// Write completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  coscrypt completions bash > ~/.local/share/bash-completion/completions/coscrypt")]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: Shell,
}

/// Write the manual page
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  coscrypt man | man -l -
  coscrypt man --dir ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// One page for each command, into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}
