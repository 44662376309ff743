//! `serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use cos_transport::BucketName;

/// Serve a folder as a COS-compatible server on this machine
#[derive(Debug, Args)]
#[command(after_help = "\
Credentials come from COS_SECRET_ID and COS_SECRET_KEY; without them they are made once and kept
in DIR. The first line on stdout is the endpoint. Ctrl-C stops the server.

Example:
  coscrypt serve store --bucket backup-1250000000")]
pub(crate) struct Serve {
    /// The folder; made when it is missing
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Address and port on this machine; port 0 is any free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// A bucket to make when it is missing; may be repeated
    #[arg(long = "bucket", value_name = "NAME")]
    pub(crate) buckets: Vec<BucketName>,
}
