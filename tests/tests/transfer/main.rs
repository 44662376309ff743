//! Files and objects over real HTTP against a local server: whole, resumed, copied, and through every fault.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test stops at the first surprise"
)]

mod copies;
mod downloads;
mod faulty;
mod uploads;

use std::path::{Path, PathBuf};
use std::time::Duration;

use cos_local::{Running, Server};
use cos_transport::transfer::JournalFolder;
use cos_transport::{Bucket, Client, Credentials, RetryPolicy};
use faulty::Faulty;
use rand::TryRng;
use rand::rngs::SysRng;
use tempfile::TempDir;

const MIB: u64 = 1024 * 1024;

/// A local server, a folder for files and journals, and a client whose network can be told to fail.
struct Bench {
    folder: TempDir,
    server: Running,
    network: Faulty,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        let server = Server::new(store)
            .bucket("bench-1".parse().unwrap())
            .start()
            .await
            .unwrap();
        Self {
            folder,
            server,
            network: Faulty::default(),
        }
    }

    fn bucket(&self) -> Bucket {
        let credentials = self.server.credentials();
        Client::builder()
            .endpoint(self.server.endpoint().parse().unwrap())
            .credentials(Credentials::new(credentials.secret_id(), credentials.secret_key()).unwrap())
            .connector(self.network.clone())
            .retry(RetryPolicy {
                attempts: 2,
                first_delay: Duration::from_millis(1),
                ..RetryPolicy::default()
            })
            .build()
            .unwrap()
            .bucket("bench-1".parse().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn journals(&self) -> JournalFolder {
        JournalFolder::At(self.path("journals"))
    }

    /// A file of random bytes.
    fn file(&self, name: &str, len: u64) -> (PathBuf, Vec<u8>) {
        let mut bytes = vec![0; len as usize];
        SysRng.try_fill_bytes(&mut bytes).unwrap();
        let path = self.path(name);
        std::fs::write(&path, &bytes).unwrap();
        (path, bytes)
    }

    async fn stored(&self, key: &str) -> Vec<u8> {
        let got = self
            .bucket()
            .get_object(key.parse().unwrap())
            .send()
            .await
            .unwrap();
        got.body.collect(usize::MAX).await.unwrap().to_vec()
    }
}

fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}
