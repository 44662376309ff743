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
use cos_transport::http::{HttpConnector, HttpOptions, ReqwestConnector};
use cos_transport::{Client, Credentials};
use recorder::{Recorded, Recorder};
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
        self.client_over(self.recorder.clone())
    }

    fn client_over(&self, connector: impl HttpConnector + 'static) -> Client {
        let credentials = self.server.credentials();
        let credentials = Credentials::new(credentials.secret_id(), credentials.secret_key()).unwrap();
        Client::builder()
            .endpoint(self.server.endpoint().parse().unwrap())
            .credentials(credentials)
            .connector(connector)
            .build()
            .unwrap()
    }

    fn bucket(&self, format: ContentFormat) -> EncryptedBucket {
        self.bucket_over(self.client(), format)
    }

    fn bucket_unrecorded(&self, format: ContentFormat) -> EncryptedBucket {
        let connector = ReqwestConnector::new(&HttpOptions::default()).unwrap();
        self.bucket_over(self.client_over(connector), format)
    }

    fn bucket_over(&self, client: Client, format: ContentFormat) -> EncryptedBucket {
        EncryptionClient::new(client, self.ring.clone())
            .with_format(format)
            .with_read_policy(ReadPolicy::AllowUnauthenticated)
            .bucket("bench-1".parse().unwrap())
    }

    /// Stores `body` as an attacker could: under the metadata of an object that was sent.
    async fn store_again(&self, key: &str, sent: &Recorded, body: Vec<u8>) {
        let bucket = self.client().bucket("bench-1".parse().unwrap());
        let mut put = bucket.put_object(key.parse().unwrap(), body);
        for (name, value) in &sent.headers {
            if let Some(name) = name.strip_prefix("x-cos-meta-") {
                put = put.metadata(name, value);
            }
        }
        put.send().await.unwrap();
        self.recorder.take();
    }
}

const FORMATS: [ContentFormat; 2] = [ContentFormat::Sealed, ContentFormat::CosPython];

/// Bytes that tell every place of a long text from every other.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| ((i * 7 + i / 251) & 0xff) as u8).collect()
}
