//! `encrypt`, `decrypt`.

use std::path::PathBuf;

use clap::Args;
use cos_transport::{BucketName, ObjectKey};

/// Encrypt a file without uploading it
#[derive(Debug, Args)]
#[command(after_help = "\
Upload BODY under exactly the name KEY, with all headers of HEADERS, by any tool.

Example:
  coscrypt -k master.key encrypt a.txt --object docs/a.txt -o a.sealed --headers-out a.json")]
pub(crate) struct Encrypt {
    /// The file to encrypt; - for stdin
    pub(crate) file: PathBuf,
    /// The key under which the object will lie, to which it is bound
    #[arg(long, value_name = "KEY")]
    pub(crate) object: ObjectKey,
    /// Where to write the body; - for stdout
    #[arg(long, short, value_name = "BODY")]
    pub(crate) output: PathBuf,
    /// Where to write the headers, as JSON
    #[arg(long, value_name = "HEADERS")]
    pub(crate) headers_out: PathBuf,
}

/// Decrypt a downloaded body without the service
#[derive(Debug, Args)]
#[command(after_help = "\
HEADERS holds JSON (one object, name to value) or header lines as curl -I prints them.

Example:
  coscrypt -k master.key decrypt a.sealed --headers a.json --object docs/a.txt -o a.txt")]
pub(crate) struct Decrypt {
    /// The body as downloaded
    pub(crate) body: PathBuf,
    /// Its headers
    #[arg(long, value_name = "HEADERS")]
    pub(crate) headers: PathBuf,
    /// The key under which the object lay: a sealed object opens only under its own name
    #[arg(long, value_name = "KEY")]
    pub(crate) object: Option<ObjectKey>,
    /// The bucket in which it lay, for objects that are bound to it
    #[arg(long, value_name = "BUCKET")]
    pub(crate) bucket: Option<BucketName>,
    /// Where to write what comes out; stdout if left out
    #[arg(long, short, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
    /// Also read what the official SDKs wrote, which cannot be verified
    #[arg(long)]
    pub(crate) allow_unauthenticated: bool,
    /// Replace a file that exists already
    #[arg(long)]
    pub(crate) force: bool,
}
