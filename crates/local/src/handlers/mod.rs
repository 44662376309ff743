//! The operations, one file for each kind, all of the same shape: a request's head (and body) in, an answer out.

mod bucket;
mod conditions;
mod delete;
mod get;
mod list;
mod metadata;
mod put;

use http::Response;
use hyper::body::Incoming;

use crate::error::Refusal;
use crate::request::Head;
use crate::response::ResponseBody;
use crate::router::{BucketOperation, ObjectOperation, Operation};
use crate::service::Service;

/// An answer, or the refusal to be sent instead.
type Answer = Result<Response<ResponseBody>, Refusal>;

/// Does what a checked request asks for.
pub(crate) async fn run(service: &Service, head: &Head, operation: Operation, body: &mut Incoming) -> Answer {
    match operation {
        Operation::ListBuckets => list::buckets(service).await,
        Operation::Bucket(bucket, operation) => match operation {
            BucketOperation::Create => bucket::create(service, head, &bucket, body).await,
            BucketOperation::Head => bucket::head(service, &bucket).await,
            BucketOperation::Delete => bucket::delete(service, &bucket).await,
            BucketOperation::ListObjects => list::objects(service, head, &bucket).await,
        },
        Operation::Object(bucket, key, operation) => match operation {
            ObjectOperation::Put => put::put(service, head, &bucket, &key, body).await,
            ObjectOperation::Get => get::get(service, head, &bucket, &key).await,
            ObjectOperation::Head => get::head(service, head, &bucket, &key).await,
            ObjectOperation::Delete => delete::delete(service, &bucket, &key).await,
        },
    }
}
