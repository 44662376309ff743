//! The service provider: reads and changes what is stored, without any key.

use std::collections::BTreeMap;

use cos_transport::{Bucket, Client, Credentials, Error, RetryPolicy};
use futures_util::TryStreamExt;
use tokio::runtime::Runtime;

use crate::bench::{BUCKET, SECRET_ID, SECRET_KEY};

/// A plain client of the bench's bucket that waits for each answer.
pub struct Provider {
    bucket: Bucket,
    runtime: Runtime,
}

/// An object as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// The stored bytes.
    pub body: Vec<u8>,
    /// User metadata: names without `x-cos-meta-`.
    pub metadata: BTreeMap<String, String>,
}

impl StoredObject {
    /// An object without metadata.
    pub fn plain(body: impl Into<Vec<u8>>) -> StoredObject {
        StoredObject {
            body: body.into(),
            metadata: BTreeMap::new(),
        }
    }
}

impl Provider {
    pub(crate) fn new(endpoint: &str) -> Provider {
        let client = Client::builder()
            .endpoint(endpoint.parse().unwrap())
            .retry(RetryPolicy::never());
        let client = client
            .credentials(Credentials::new(SECRET_ID, SECRET_KEY).unwrap())
            .build()
            .unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Provider {
            bucket: client.bucket(BUCKET.parse().unwrap()),
            runtime,
        }
    }

    /// What is stored under a key.
    pub fn get(&self, key: &str) -> StoredObject {
        let get = self.bucket.get_object(key.parse().unwrap()).send();
        self.runtime.block_on(async {
            let object = get.await.unwrap();
            let metadata = object.head.metadata().iter();
            let metadata = metadata
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            StoredObject {
                metadata,
                body: object.body.collect(usize::MAX).await.unwrap().to_vec(),
            }
        })
    }

    /// Stores an object, whatever was there before.
    pub fn put(&self, key: &str, object: &StoredObject) {
        self.try_put(key, object).unwrap();
    }

    /// Stores an object, once.
    ///
    /// # Errors
    /// When the server refuses it or is not there.
    pub fn try_put(&self, key: &str, object: &StoredObject) -> Result<(), Error> {
        let put = self.bucket.put_object(key.parse().unwrap(), object.body.clone());
        let put = object
            .metadata
            .iter()
            .fold(put, |put, (name, value)| put.metadata(name, value));
        self.runtime.block_on(put.send()).map(drop)
    }

    /// The keys that begin with a prefix.
    pub fn list(&self, prefix: &str) -> Vec<String> {
        let entries = self.bucket.list_objects().prefix(prefix).entries();
        let keys = entries.map_ok(|entry| entry.key.to_string()).try_collect();
        self.runtime.block_on(keys).unwrap()
    }
}
