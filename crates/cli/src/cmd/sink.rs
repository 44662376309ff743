//! Where plaintext or a body goes: a file that appears whole, or stdout.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::failure::Failure;
use crate::files::target::{Existing, PartialFile, Target};
use crate::output::Output;

/// Takes bytes in order.
#[derive(Debug)]
pub(super) enum Sink {
    File(Box<PartialFile>),
    Stdout(Arc<Output>),
}

impl Sink {
    /// `-` is stdout; everything else a file, called like `source` if a folder is named.
    pub(super) fn open(
        path: &Path,
        source: &str,
        existing: Existing,
        output: &Arc<Output>,
    ) -> Result<Self, Failure> {
        match path.as_os_str() == "-" {
            true => Ok(Self::Stdout(Arc::clone(output))),
            false => Self::to(Target::named(path, source, existing)?),
        }
    }

    /// A file that is begun here.
    pub(super) fn to(target: Target) -> Result<Self, Failure> {
        Ok(Self::File(Box::new(target.begin()?)))
    }

    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<(), Failure> {
        match self {
            Self::File(file) => file.write(&bytes).await,
            Self::Stdout(output) => output.data(bytes).await,
        }
    }

    /// Everything is there: a file gets its name.
    pub(super) async fn finish(self) -> Result<(), Failure> {
        match self {
            Self::File(file) => file.finish().await,
            Self::Stdout(_) => Ok(()),
        }
    }
}
