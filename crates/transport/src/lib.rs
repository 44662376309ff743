//! Tencent Cloud COS over HTTP: typed operations, the request signature, retries and streaming.
//!
//! This crate has never heard of encryption. A [`Client`] holds credentials and connections; a [`Bucket`] offers the
//! operations of the object API; each operation is a builder whose `send` returns a typed result.
//!
//! ```no_run
//! use cos_transport::{Client, Credentials, StorageClass};
//! use futures_util::TryStreamExt;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let cos = Client::builder().region("ap-guangzhou".parse()?).credentials(Credentials::from_env()?).build()?;
//! let bucket = cos.bucket("examplebucket-1250000000".parse()?);
//!
//! let stored = bucket
//!     .put_object("folder/exampleobject".parse()?, "some text")
//!     .storage_class(StorageClass::StandardIa)
//!     .metadata("owner", "ann")
//!     .send()
//!     .await?;
//! println!("stored as {}", stored.etag);
//!
//! let object = bucket.get_object("folder/exampleobject".parse()?).range(5..).send().await?;
//! println!("{:?}", object.body.collect(1024).await?);
//!
//! let mut entries = std::pin::pin!(bucket.list_objects().prefix("folder/").entries());
//! while let Some(entry) = entries.try_next().await? {
//!     println!("{} {}", entry.size, entry.key);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is checked
//!
//! - Names, sizes, metadata and ranges before anything is sent, with the rule in the message.
//! - The CRC-64 of every upload against the service's, and of every whole download.
//! - That an answer holds the bytes that were asked for; a body that ends early is an error, not an end.
//!
//! # Errors and retries
//!
//! [`Error`] tells who is to blame: the service, the network, the caller, the data. Requests that may be repeated are,
//! by the [`RetryPolicy`]: after 5xx answers and broken connections, with growing, varied waits. A body in memory is
//! sent again byte for byte; one from a stream is sent only once.

mod attributes;
mod body;
mod bucket;
pub mod checksum;
mod client;
pub mod credentials;
mod error;
pub mod http;
mod name;
pub mod object;
mod request;
mod retry;
mod service;
pub mod sign;
pub mod transfer;
mod types;
pub mod wire;

pub use attributes::{METADATA_PREFIX, Metadata, ObjectAttributes, TrafficLimit};
pub use body::{Body, ByteStream, SendStream, read_pieces};
pub use bucket::Bucket;
pub use client::{Client, ClientBuilder};
pub use credentials::{Credentials, CredentialsProvider};
pub use error::{Error, IntegrityError, NetworkError, ServiceError};
pub use name::{
    Addressing, BucketName, Endpoint, NameError, ObjectKey, Region, Target, percent_decode, percent_encode,
};
pub use retry::{Attempts, BackupDomain, RetryPolicy};
pub use service::{Created, ListBuckets};
pub use types::{Acl, ByteRange, ContentRange, ETag, StorageClass};
