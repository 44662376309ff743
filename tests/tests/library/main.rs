//! The libraries as a Rust program uses them: the encryption client over real HTTP against a local server, with every
//! request on the way recorded.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test stops at the first surprise"
)]

mod ranges;
mod recorder;
mod round_trip;

use cos_encryption::keys::{AesProvider, KeyRing};
use cos_encryption::{ContentFormat, EncryptionClient, client::EncryptedBucket, policy::ReadPolicy};
use cos_local::{Running, Server};
use cos_transport::{Client, Credentials};
use recorder::Recorder;
use tempfile::TempDir;

/// A local server, and clients that record what they send to it.
struct Bench {
    _folder: TempDir,
    server: Running,
    recorder: Recorder,
    ring: KeyRing,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(folder.path())
            .bucket("bench-1".parse().unwrap())
            .start()
            .await
            .unwrap();
        let ring =
            KeyRing::of(AesProvider::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap());
        Self {
            _folder: folder,
            server,
            recorder: Recorder::default(),
            ring,
        }
    }

    fn client(&self) -> Client {
        let credentials = self.server.credentials();
        let credentials = Credentials::new(credentials.secret_id(), credentials.secret_key()).unwrap();
        Client::builder()
            .endpoint(self.server.endpoint().parse().unwrap())
            .credentials(credentials)
            .connector(self.recorder.clone())
            .build()
            .unwrap()
    }

    fn bucket(&self, format: ContentFormat) -> EncryptedBucket {
        EncryptionClient::new(self.client(), self.ring.clone())
            .with_format(format)
            .with_read_policy(ReadPolicy::AllowUnauthenticated)
            .bucket("bench-1".parse().unwrap())
    }
}

const FORMATS: [ContentFormat; 2] = [ContentFormat::Sealed, ContentFormat::CosPython];

/// Bytes that tell every place of a long text from every other.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| ((i * 7 + i / 251) & 0xff) as u8).collect()
}
