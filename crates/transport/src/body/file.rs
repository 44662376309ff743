//! Bodies out of files.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::TryStreamExt;
use tokio::fs::File;

use super::{SendStream, exactly, read_pieces};
use crate::checksum::Crc64;
use crate::transfer::FileIdentity;

/// A file to send: opened for each attempt, and the same each time.
#[derive(Debug, Clone)]
pub(super) struct FileSource {
    path: Arc<Path>,
    identity: FileIdentity,
    /// Of what the last attempt has read so far.
    crc: Option<Arc<Mutex<Crc64>>>,
}

impl FileSource {
    pub(super) async fn at(path: &Path) -> io::Result<Self> {
        let path: Arc<Path> = path.into();
        let opened = Arc::clone(&path);
        let identity = tokio::task::spawn_blocking(move || FileIdentity::at(&opened))
            .await
            .map_err(io::Error::other)??;
        Ok(Self {
            path,
            identity,
            crc: None,
        })
    }

    pub(super) fn len(&self) -> u64 {
        self.identity.len
    }

    pub(super) fn with_crc(mut self) -> (Self, Arc<Mutex<Crc64>>) {
        let crc = Arc::<Mutex<Crc64>>::default();
        self.crc = Some(Arc::clone(&crc));
        (self, crc)
    }

    pub(super) fn into_stream(self) -> SendStream {
        Box::pin(futures_util::stream::once(self.open()).try_flatten())
    }

    async fn open(self) -> io::Result<SendStream> {
        let file = File::open(&self.path).await?.into_std().await;
        if FileIdentity::of(&file)? != self.identity {
            return Err(io::Error::other("the file was changed since it was opened first"));
        }
        let pieces = exactly(self.identity.len, Box::pin(read_pieces(File::from_std(file))));
        let Some(crc) = self.crc else {
            return Ok(Box::pin(pieces));
        };
        *crc.lock().unwrap_or_else(PoisonError::into_inner) = Crc64::new();
        Ok(Box::pin(pieces.inspect_ok(move |piece| {
            crc.lock().unwrap_or_else(PoisonError::into_inner).update(piece);
        })))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::body::Body;

    #[tokio::test]
    async fn a_file_is_read_as_often_as_it_is_sent_and_its_crc_is_that_of_the_last_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, b"some bytes").unwrap();
        let (body, crc) = Body::from_file(&path).await.unwrap().with_crc();
        for _ in 0..2 {
            let stream = body.try_clone().unwrap().into_stream();
            let sent: Vec<Bytes> = stream.try_collect().await.unwrap();
            assert_eq!(sent.concat(), b"some bytes");
            assert_eq!(crc.value(), Crc64::of(b"some bytes"));
        }
        std::fs::write(&path, b"other bytes").unwrap();
        let error = body.into_stream().try_collect::<Vec<_>>().await.unwrap_err();
        assert!(error.to_string().contains("changed"), "{error}");
        assert!(Body::from_file(folder.path()).await.is_err());
    }
}
