//! The object API, one file for each family of operations. Each file reads the same way: the request's builder, its
//! `send`, its result.

mod append;
mod conditions;
mod copy;
mod delete;
mod delete_many;
mod get;
mod head;
mod list;
mod md5;
mod meta;
mod multipart;
pub(crate) mod pages;
mod presign;
mod put;
mod restore;
mod select;
mod versions;

use std::time::Duration;

pub use append::{AppendObject, AppendObjectOutput};
pub use conditions::Conditions;
pub(crate) use conditions::condition_setters;
pub use copy::{CopyObject, CopyObjectOutput, CopySource, MetadataDirective};
pub use delete::{DeleteObject, DeleteObjectOutput};
pub use delete_many::DeleteObjects;
pub(crate) use get::response_setters;
pub use get::{GetObject, GetObjectOutput};
pub use head::{HeadObject, ObjectHead, RestoreStatus};
pub use list::ListObjects;
pub use multipart::{
    AbortMultipartUpload, CompleteMultipartUpload, CompleteMultipartUploadOutput, CreateMultipartUpload,
    CreateMultipartUploadOutput, ListMultipartUploads, ListParts, UploadPart, UploadPartCopy,
    UploadPartCopyOutput, UploadPartOutput,
};
pub use pages::KeyEncoding;
pub use presign::{PresignUrl, PresignedUrl};
pub use put::{PutObject, PutObjectOutput};
pub use restore::RestoreObject;
pub use select::{SelectEvents, SelectObjectContent, SelectObjectContentOutput};
pub use versions::{ListObjectsVersions, VersionEntry};

/// How long the service may work on a request without a sign of life: it copies or puts together whole objects.
const LONG_PATIENCE: Duration = Duration::from_secs(20 * 60);
