use cos_transport::Credentials;

use super::*;
use crate::keys::AesProvider;

fn bucket() -> EncryptedBucket {
    let cos = Client::builder()
        .endpoint("http://127.0.0.1:9".parse().unwrap())
        .credentials(Credentials::new("id", "key").unwrap())
        .build()
        .unwrap();
    EncryptionClient::new(cos, AesProvider::generate().unwrap()).bucket("bench-1".parse().unwrap())
}

fn key() -> ObjectKey {
    "k".parse().unwrap()
}

/// This compiles only if every operation can be handed to `tokio::spawn`.
#[tokio::test]
async fn every_operation_can_be_spawned() {
    fn sendable<T: Send + 'static>(_: T) {}
    let bucket = bucket();
    sendable(bucket.put_object(key(), "text").send());
    sendable(
        bucket
            .put_object(key(), Source::reader(tokio::io::empty()))
            .send(),
    );
    sendable(bucket.get_object(key()).send());
    sendable(async move { bucket.get_object(key()).send().await?.body.collect(1).await });
    let bucket = self::bucket();
    sendable(bucket.head_object(key()).send());
    sendable(bucket.delete_object(key()).send());
    sendable(bucket.list_objects().send());
    let failed = tokio::spawn(bucket.put_object(key(), Source::file("/nonexistent")).send()).await;
    assert!(matches!(failed.unwrap(), Err(Error::Source(_))));
}
