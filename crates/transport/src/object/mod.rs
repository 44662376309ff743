//! The object API, one file for each family of operations. Each file reads the same way: the request's builder, its
//! `send`, its result.

mod conditions;
mod delete;
mod get;
mod head;
mod list;
mod presign;
mod put;
mod select;

pub use conditions::Conditions;
pub use delete::{DeleteObject, DeleteObjectOutput};
pub use get::{GetObject, GetObjectOutput};
pub use head::{HeadObject, ObjectHead};
pub use list::ListObjects;
pub use presign::{PresignUrl, PresignedUrl};
pub use put::{PutObject, PutObjectOutput};
pub use select::{SelectEvents, SelectObjectContent, SelectObjectContentOutput};
