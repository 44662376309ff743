//! Tencent Cloud COS over HTTP.

pub mod checksum;
pub mod credentials;
mod error;
mod name;
pub mod sign;
mod types;
pub mod wire;

pub use credentials::{Credentials, CredentialsProvider};
pub use error::{Error, IntegrityError, NetworkError, ServiceError};
pub use name::{
    Addressing, BucketName, Endpoint, NameError, ObjectKey, Region, Target, percent_decode, percent_encode,
};
pub use types::{Acl, ByteRange, ContentRange, ETag, StorageClass};
