//! Multipart uploads: initiate, upload part, list parts, complete, abort.

use cos_transport::wire::multipart::{
    CompleteRequest, CompleteResult, InitiateResult, ListPartsPage, ListedPart, PartNumber,
};
use cos_transport::{BucketName, ETag, ObjectKey};
use http::StatusCode;

use super::receive::{self, DocumentMd5};
use super::{Answer, describe, list, metadata};
use crate::error::{Code, Refusal};
use crate::inbound::RequestBody;
use crate::request::Head;
use crate::response::{empty, xml};
use crate::service::Service;
use crate::store::{PartRecord, UploadRecord};

/// The most parts of a page.
const MAX_PARTS: u32 = 1000;

pub(super) async fn create(service: &Service, head: &Head, bucket: &BucketName, key: &ObjectKey) -> Answer {
    metadata::refuse_unknown_wishes(head)?;
    let record = UploadRecord {
        initiated: service.clock.now(),
        attributes: metadata::of_upload(head)?,
    };
    let missing = service.missing_buckets;
    let upload_id = service
        .store
        .create_upload(bucket.as_str(), key.as_str(), record, missing)
        .await?;
    let result = InitiateResult {
        bucket: bucket.to_string(),
        key: key.to_string(),
        upload_id,
    };
    Ok(xml(&result.to_element()))
}

pub(super) async fn upload_part(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    key: &ObjectKey,
    body: &mut RequestBody,
) -> Answer {
    let (upload_id, number) = part(head)?;
    let (bucket, key) = (bucket.as_str(), key.as_str());
    service.store.upload(bucket, key, upload_id).await?;
    let body = receive::body(service, head, body).await?;
    let now = service.clock.now();
    let content = service
        .store
        .put_part(bucket, key, upload_id, number, body, now)
        .await?;
    let mut response = empty(StatusCode::OK);
    describe::add_checksums(response.headers_mut(), &ETag::new(&content.etag), content.crc64);
    Ok(response)
}

pub(super) async fn list_parts(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    key: &ObjectKey,
) -> Answer {
    let max_parts = list::limit(head, "max-parts", MAX_PARTS)?;
    let part_number_marker = marker(head)?;
    let encoding_type = list::encoding_type(head)?;
    let limit = usize::try_from(max_parts).unwrap_or(usize::MAX);
    let upload_id = upload_id(head);
    // One more tells whether there is a next page.
    let (upload, mut parts) = service
        .store
        .parts(
            bucket.as_str(),
            key.as_str(),
            upload_id,
            part_number_marker,
            limit + 1,
        )
        .await?;
    let is_truncated = parts.len() > limit && limit > 0;
    parts.truncate(limit);
    let next = parts.last().map(|(number, _)| u32::from(*number));
    let page = ListPartsPage {
        bucket: bucket.to_string(),
        key: key.to_string(),
        upload_id: upload_id.to_owned(),
        encoding_type,
        max_parts,
        is_truncated,
        part_number_marker: part_number_marker.into(),
        next_part_number_marker: next.filter(|_| is_truncated),
        storage_class: upload.attributes.storage_class.parse().unwrap_or_default(),
        parts: parts.iter().filter_map(listed).collect(),
        initiator: Some(list::owner(bucket)),
        owner: Some(list::owner(bucket)),
    };
    Ok(xml(&page.to_element()))
}

pub(super) async fn complete(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    key: &ObjectKey,
    body: &mut RequestBody,
) -> Answer {
    let upload_id = upload_id(head);
    service
        .store
        .upload(bucket.as_str(), key.as_str(), upload_id)
        .await?;
    let request = receive::document(head, body, DocumentMd5::Optional, CompleteRequest::parse).await?;
    let parts = request.parts;
    if parts.is_empty() {
        let message = "The request names no part; an upload is completed with at least one.";
        return Err(Refusal::new(Code::MalformedXML, message));
    }
    for pair in parts.windows(2) {
        let (before, after) = (pair[0].number.get(), pair[1].number.get());
        if before >= after {
            return Err(Code::InvalidPartOrder.into());
        }
        if before + 1 != after {
            let message = format!("Part {after} comes behind part {before}: the numbers must be contiguous.");
            return Err(Refusal::new(Code::InvalidPart, message));
        }
    }
    let now = service.clock.now();
    let written = service
        .store
        .complete_upload(bucket.as_str(), key.as_str(), upload_id, parts, now)
        .await?;
    let etag = ETag::new(&written.content.etag);
    let result = CompleteResult {
        location: format!("http://{}.{}/{}", bucket, head.host, key.to_url_path()),
        bucket: bucket.to_string(),
        key: key.to_string(),
        etag: etag.clone(),
    };
    let mut response = xml(&result.to_element());
    describe::add_checksums(response.headers_mut(), &etag, written.content.crc64);
    describe::add_version(response.headers_mut(), written.version);
    Ok(response)
}

pub(super) async fn abort(service: &Service, head: &Head, bucket: &BucketName, key: &ObjectKey) -> Answer {
    service
        .store
        .abort_upload(bucket.as_str(), key.as_str(), upload_id(head))
        .await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// The upload and the part that a request is about.
pub(super) fn part(head: &Head) -> Result<(&str, PartNumber), Refusal> {
    let number = head.query.get("partNumber").unwrap_or_default();
    let number = number.parse().map_err(|_| {
        let message = format!("partNumber must be a number from 1 to {}.", PartNumber::MAX);
        Refusal::new(Code::InvalidArgument, message)
    })?;
    Ok((upload_id(head), number))
}

fn upload_id(head: &Head) -> &str {
    head.query.get("uploadId").unwrap_or_default()
}

fn marker(head: &Head) -> Result<u16, Refusal> {
    match head
        .query
        .get("part-number-marker")
        .filter(|marker| !marker.is_empty())
    {
        None => Ok(0),
        Some(marker) => marker
            .parse()
            .map_err(|_| Refusal::new(Code::InvalidArgument, "part-number-marker must be a part number.")),
    }
}

fn listed((number, part): &(u16, PartRecord)) -> Option<ListedPart> {
    Some(ListedPart {
        number: PartNumber::new(u32::from(*number)).ok()?,
        last_modified: describe::timestamp(part.modified),
        etag: ETag::new(&part.content.etag),
        size: part.content.length,
    })
}
