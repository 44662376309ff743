//! GET Object and HEAD Object.

use std::ops::Range;

use cos_transport::{BucketName, ByteRange, ETag, ObjectKey};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::access::{self, Requester};
use super::conditions::{Verdict, allows_range, judge};
use super::{Answer, describe};
use crate::error::{Code, Refusal};
use crate::request::Head;
use crate::response::{ResponseBody, empty};
use crate::service::Service;
use crate::store::{ObjectRecord, VersionId};

/// Parameters that replace a header of the answer.
const OVERRIDES: [(&str, HeaderName); 6] = [
    ("response-cache-control", header::CACHE_CONTROL),
    ("response-content-disposition", header::CONTENT_DISPOSITION),
    ("response-content-encoding", header::CONTENT_ENCODING),
    ("response-content-language", header::CONTENT_LANGUAGE),
    ("response-content-type", header::CONTENT_TYPE),
    ("response-expires", header::EXPIRES),
];

pub(super) async fn get(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    key: &ObjectKey,
    requester: Requester,
) -> Answer {
    let found = service
        .store
        .open_object(bucket.as_str(), key.as_str(), version(head)?)
        .await;
    let object = found.map_err(|error| access::hide(requester, error))?;
    let record = object.record;
    access::require_readable_by(requester, &object.bucket, &record)?;
    let now = service.clock.now();
    let (etag, modified) = (ETag::new(&record.content.etag), record.modified.seconds());
    match judge(head, &etag, modified) {
        Verdict::Proceed => {}
        Verdict::NotModified => return Ok(not_modified(&record)),
        Verdict::Failed => return Err(Code::PreconditionFailed.into()),
    }
    describe::require_readable(&record, now)?;
    let overrides = overrides(head)?;
    let total = record.content.length;
    let requested = match allows_range(head, &etag, modified) {
        true => requested_range(head, total)?,
        false => None,
    };
    let (status, range) = match requested {
        Some(range) => (StatusCode::PARTIAL_CONTENT, range),
        None => (StatusCode::OK, 0..total),
    };
    let mut headers = describe::headers(&object.bucket, &record, now);
    headers.extend(overrides);
    headers.insert(header::CONTENT_LENGTH, (range.end - range.start).into());
    if status == StatusCode::PARTIAL_CONTENT {
        headers.insert(header::CONTENT_RANGE, content_range(&range, total));
    }
    let mut response = Response::new(ResponseBody::object(object.body.reader(range)));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

pub(super) async fn head(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    key: &ObjectKey,
    requester: Requester,
) -> Answer {
    let found = service
        .store
        .head_object(bucket.as_str(), key.as_str(), version(head)?)
        .await;
    let (bucket, record) = found.map_err(|error| access::hide(requester, error))?;
    access::require_readable_by(requester, &bucket, &record)?;
    let etag = ETag::new(&record.content.etag);
    match judge(head, &etag, record.modified.seconds()) {
        Verdict::Proceed => {
            let mut response = empty(StatusCode::OK);
            *response.headers_mut() = describe::headers(&bucket, &record, service.clock.now());
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, record.content.length.into());
            Ok(response)
        }
        Verdict::NotModified => Ok(not_modified(&record)),
        Verdict::Failed => Err(Code::PreconditionFailed.into()),
    }
}

/// The version that a request means; without one, the latest.
pub(super) fn version(head: &Head) -> Result<Option<VersionId>, Refusal> {
    match head.query.get("versionId") {
        None | Some("") => Ok(None),
        Some(id) => VersionId::parse(id)
            .map(Some)
            .ok_or_else(|| Code::NoSuchVersion.into()),
    }
}

fn not_modified(record: &ObjectRecord) -> Response<ResponseBody> {
    let mut response = empty(StatusCode::NOT_MODIFIED);
    let headers = response.headers_mut();
    describe::add_checksums(headers, &ETag::new(&record.content.etag), record.content.crc64);
    headers.insert(header::LAST_MODIFIED, describe::last_modified(record.modified));
    response
}

fn overrides(head: &Head) -> Result<HeaderMap, Refusal> {
    let mut headers = HeaderMap::new();
    for (parameter, name) in OVERRIDES {
        if let Some(value) = head.query.get(parameter) {
            let value = HeaderValue::from_bytes(value.as_bytes());
            let refuse = |_| {
                Refusal::new(
                    Code::InvalidArgument,
                    format!("{parameter} cannot be sent as a header."),
                )
            };
            headers.insert(name, value.map_err(refuse)?);
        }
    }
    Ok(headers)
}

/// The part that is asked for; none for the whole. What is not one well-formed range of bytes is ignored
/// (RFC 9110 section 14.2).
fn requested_range(head: &Head, total: u64) -> Result<Option<Range<u64>>, Refusal> {
    let Some(range) = head
        .header("range")
        .and_then(|range| range.strip_prefix("bytes=").map(str::parse::<ByteRange>))
    else {
        return Ok(None);
    };
    let Ok(range) = range else { return Ok(None) };
    let refuse = || {
        let mut refusal = Refusal::new(
            Code::InvalidRange,
            "The requested range lies behind the end of the object.",
        );
        if let Ok(value) = HeaderValue::from_str(&format!("bytes */{total}")) {
            refusal = refusal.with_header(header::CONTENT_RANGE, value);
        }
        refusal
    };
    range.resolve(total).map(Some).ok_or_else(refuse)
}

fn content_range(range: &Range<u64>, total: u64) -> HeaderValue {
    let value = format!("bytes {}-{}/{total}", range.start, range.end - 1);
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static(""))
}
