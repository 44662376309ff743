#![doc = include_str!("../README.md")]

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
