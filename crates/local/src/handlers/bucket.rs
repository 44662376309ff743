//! PUT, HEAD and DELETE Bucket.

use cos_transport::BucketName;
use http::StatusCode;
use hyper::body::{Body as _, Incoming};

use super::{Answer, metadata};
use crate::error::{Code, Refusal};
use crate::request::Head;
use crate::response::empty;
use crate::service::Service;
use crate::store::BucketRecord;

pub(super) async fn create(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    body: &mut Incoming,
) -> Answer {
    if !body.is_end_stream() {
        let message = "This server makes buckets without a configuration document.";
        return Err(Refusal::new(Code::NotImplemented, message));
    }
    let acl = metadata::acl(head, &["private", "public-read", "public-read-write"])?;
    let record = BucketRecord {
        created: service.clock.now(),
        acl,
    };
    service.store.create_bucket(bucket.as_str(), record).await?;
    Ok(empty(StatusCode::OK))
}

pub(super) async fn head(service: &Service, bucket: &BucketName) -> Answer {
    match service.store.bucket(bucket.as_str()).await? {
        Some(_) => Ok(empty(StatusCode::OK)),
        None => Err(Code::NoSuchBucket.into()),
    }
}

pub(super) async fn delete(service: &Service, bucket: &BucketName) -> Answer {
    service.store.delete_bucket(bucket.as_str()).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
