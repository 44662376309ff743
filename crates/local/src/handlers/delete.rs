//! DELETE Object.

use cos_transport::{BucketName, ObjectKey};
use http::StatusCode;

use super::Answer;
use crate::response::empty;
use crate::service::Service;

/// That there is no such object is as good as having deleted it.
pub(super) async fn delete(service: &Service, bucket: &BucketName, key: &ObjectKey) -> Answer {
    service.store.delete_object(bucket.as_str(), key.as_str()).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
