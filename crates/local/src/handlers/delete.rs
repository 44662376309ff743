//! DELETE Object and DELETE Multiple Objects.

use cos_transport::wire::delete::{
    DeleteFailure, DeleteReport, DeleteRequest, DeleteResult, DeleteTarget, DeletedObject,
};
use cos_transport::{BucketName, ObjectKey};
use http::{HeaderValue, StatusCode};

use super::describe::{self, DELETE_MARKER};
use super::receive::{self, DocumentMd5};
use super::{Answer, get};
use crate::error::{Code, Refusal};
use crate::inbound::RequestBody;
use crate::request::Head;
use crate::response::{empty, xml};
use crate::service::Service;
use crate::store::{Deleted, VersionId};

/// The most objects of one request.
const MAX_OBJECTS: usize = 1000;

/// That there is no such object is as good as having deleted it.
pub(super) async fn delete(service: &Service, head: &Head, bucket: &BucketName, key: &ObjectKey) -> Answer {
    let target = (key.to_string(), get::version(head)?);
    let now = service.clock.now();
    let deleted = service
        .store
        .delete_objects(bucket.as_str(), vec![target], now)
        .await?;
    let mut response = empty(StatusCode::NO_CONTENT);
    if let Some(deleted) = deleted.first() {
        describe::add_version(response.headers_mut(), deleted.version);
        if deleted.is_marker {
            let is_true = HeaderValue::from_static("true");
            response.headers_mut().insert(DELETE_MARKER, is_true);
        }
    }
    Ok(response)
}

pub(super) async fn delete_many(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    body: &mut RequestBody,
) -> Answer {
    let request = receive::document(head, body, DocumentMd5::Required, DeleteRequest::parse).await?;
    if !(1..=MAX_OBJECTS).contains(&request.objects.len()) {
        let message = format!("A request deletes 1 to {MAX_OBJECTS} objects.");
        return Err(Refusal::new(Code::MalformedXML, message));
    }
    let mut result = DeleteResult::default();
    let (mut targets, mut checked) = (Vec::new(), Vec::new());
    for target in request.objects {
        match check(&target) {
            Ok(version) => {
                checked.push((target.key.clone(), version));
                targets.push(target);
            }
            Err(refusal) => result.failed.push(DeleteFailure {
                key: target.key,
                version_id: target.version_id,
                code: refusal.code.name().to_owned(),
                message: refusal.message.into_owned(),
            }),
        }
    }
    let now = service.clock.now();
    let deleted = service
        .store
        .delete_objects(bucket.as_str(), checked, now)
        .await?;
    if request.report == DeleteReport::Verbose {
        let told = targets.into_iter().zip(deleted);
        result
            .deleted
            .extend(told.map(|(target, deleted)| tell(target, deleted)));
    }
    Ok(xml(&result.to_element()))
}

fn check(target: &DeleteTarget) -> Result<Option<VersionId>, Refusal> {
    if let Err(error) = target.key.parse::<ObjectKey>() {
        return Err(Refusal::new(Code::InvalidObjectName, error.to_string()));
    }
    match target.version_id.as_deref() {
        None => Ok(None),
        Some(id) => VersionId::parse(id)
            .map(Some)
            .ok_or_else(|| Code::NoSuchVersion.into()),
    }
}

fn tell(target: DeleteTarget, deleted: Deleted) -> DeletedObject {
    let marker = deleted.version.filter(|_| deleted.is_marker);
    DeletedObject {
        key: target.key,
        version_id: target.version_id,
        delete_marker: deleted.is_marker,
        delete_marker_version_id: marker.map(|version| version.id()),
    }
}
