//! PUT Object and APPEND Object.

use cos_transport::{BucketName, ETag, ObjectKey};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::{Answer, describe, metadata, receive};
use crate::error::{Code, Refusal};
use crate::inbound::RequestBody;
use crate::request::Head;
use crate::response::{ResponseBody, empty};
use crate::service::Service;
use crate::store::{MissingBuckets, Written};

const NEXT_POSITION: HeaderName = HeaderName::from_static("x-cos-next-append-position");

pub(super) async fn put(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    key: &ObjectKey,
    body: &mut RequestBody,
) -> Answer {
    metadata::refuse_unknown_wishes(head)?;
    let attributes = metadata::of_upload(head)?;
    require_bucket(service, bucket).await?;
    let body = receive::body(service, head, body).await?;
    let (bucket, key) = (bucket.as_str(), key.as_str());
    let missing = service.missing_buckets;
    let now = service.clock.now();
    let written = service
        .store
        .put_object(bucket, key, attributes, body, missing, now)
        .await?;
    Ok(written_answer(&written))
}

pub(super) async fn append(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    key: &ObjectKey,
    body: &mut RequestBody,
) -> Answer {
    metadata::refuse_unknown_wishes(head)?;
    let attributes = metadata::of_upload(head)?;
    let position = head.query.get("position").unwrap_or_default();
    let position = position
        .parse()
        .map_err(|_| Refusal::new(Code::InvalidArgument, "position must be a number of bytes."))?;
    let (bucket, key) = (bucket.as_str(), key.as_str());
    let missing = service.missing_buckets;
    service.store.check_append(bucket, key, position, missing).await?;
    let body = receive::body(service, head, body).await?;
    let now = service.clock.now();
    let written = service
        .store
        .append_object(bucket, key, position, attributes, body, missing, now)
        .await?;
    let mut response = written_answer(&written);
    response
        .headers_mut()
        .insert(NEXT_POSITION, written.content.length.into());
    Ok(response)
}

/// Refuses before a body is received for nothing.
pub(super) async fn require_bucket(service: &Service, bucket: &BucketName) -> Result<(), Refusal> {
    if service.missing_buckets == MissingBuckets::Refuse
        && service.store.bucket(bucket.as_str()).await?.is_none()
    {
        return Err(Code::NoSuchBucket.into());
    }
    Ok(())
}

fn written_answer(written: &Written) -> Response<ResponseBody> {
    let mut response = empty(StatusCode::OK);
    let headers = response.headers_mut();
    describe::add_checksums(headers, &ETag::new(&written.content.etag), written.content.crc64);
    describe::add_version(headers, written.version);
    headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    response
}
