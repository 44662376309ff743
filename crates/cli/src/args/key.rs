//! `key new`, `key show`, `key public`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What can be done with key files.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    New(KeyNew),
    Show(KeyShow),
    Public(KeyPublic),
}

/// Make a key file; keep a copy of it somewhere safe
#[derive(Debug, Args)]
#[command(after_help = "\
Only its owner can read the file, and an existing file is never overwritten. Without the key
nothing opens again: there is no way around it.

Example:
  coscrypt key new ~/master.key
  coscrypt key new --type rsa-4096 ~/backup.pem")]
pub(crate) struct KeyNew {
    /// Where to write the key
    pub(crate) file: PathBuf,
    /// aes, rsa-2048, rsa-3072 or rsa-4096
    #[arg(
        long = "type",
        value_name = "TYPE",
        default_value = "aes",
        hide_possible_values = true
    )]
    pub(crate) kind: KeyKind,
}

/// The kinds of keys that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyKind {
    // AES-256: encrypts and decrypts
    Aes,
    // RSA: its public half encrypts, the private one decrypts
    #[value(name = "rsa-2048")]
    Rsa2048,
    #[value(name = "rsa-3072")]
    Rsa3072,
    #[value(name = "rsa-4096")]
    Rsa4096,
}

/// Tell a key's type and id, without showing the key
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  coscrypt key show ~/master.key")]
pub(crate) struct KeyShow {
    /// The key file
    pub(crate) file: PathBuf,
}

/// Write the public half of an RSA key, which can encrypt but not decrypt
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  coscrypt key public ~/backup.pem -o backup.pub.pem
  coscrypt --key backup.pub.pem put report.pdf cos://backup-1250000000/")]
pub(crate) struct KeyPublic {
    /// The key file
    pub(crate) file: PathBuf,
    /// Write to this new file instead of stdout
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
