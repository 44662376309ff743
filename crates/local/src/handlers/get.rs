//! GET Object and HEAD Object.

use std::ops::Range;
use std::time::{Duration, UNIX_EPOCH};

use cos_transport::{BucketName, ByteRange, ETag, ObjectKey, StorageClass};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::Answer;
use super::conditions::{Verdict, allows_range, judge};
use crate::error::{Code, Refusal};
use crate::request::Head;
use crate::response::{ResponseBody, empty};
use crate::service::Service;
use crate::store::ObjectRecord;

const CRC64: HeaderName = HeaderName::from_static("x-cos-hash-crc64ecma");
const STORAGE_CLASS: HeaderName = HeaderName::from_static("x-cos-storage-class");

/// Parameters that replace a header of the answer.
const OVERRIDES: [(&str, HeaderName); 6] = [
    ("response-cache-control", header::CACHE_CONTROL),
    ("response-content-disposition", header::CONTENT_DISPOSITION),
    ("response-content-encoding", header::CONTENT_ENCODING),
    ("response-content-language", header::CONTENT_LANGUAGE),
    ("response-content-type", header::CONTENT_TYPE),
    ("response-expires", header::EXPIRES),
];

pub(super) async fn get(service: &Service, head: &Head, bucket: &BucketName, key: &ObjectKey) -> Answer {
    let object = service.store.open_object(bucket.as_str(), key.as_str()).await?;
    let object = object.ok_or(Code::NoSuchKey)?;
    let etag = ETag::new(&object.record.etag);
    match judge(head, &etag, object.record.modified.seconds()) {
        Verdict::Proceed => {}
        Verdict::NotModified => return Ok(not_modified(&object.record, &etag)),
        Verdict::Failed => return Err(Code::PreconditionFailed.into()),
    }
    if is_archived(&object.record) {
        return Err(Code::InvalidObjectState.into());
    }
    let overrides = overrides(head)?;
    let total = object.record.length;
    let requested = match allows_range(head, &etag, object.record.modified.seconds()) {
        true => requested_range(head, total)?,
        false => None,
    };
    let (status, range) = match requested {
        Some(range) => (StatusCode::PARTIAL_CONTENT, range),
        None => (StatusCode::OK, 0..total),
    };
    let mut headers = headers(&object.record, &etag);
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

pub(super) async fn head(service: &Service, head: &Head, bucket: &BucketName, key: &ObjectKey) -> Answer {
    let record = service.store.head_object(bucket.as_str(), key.as_str()).await?;
    let record = record.ok_or(Code::NoSuchKey)?;
    let etag = ETag::new(&record.etag);
    match judge(head, &etag, record.modified.seconds()) {
        Verdict::Proceed => {
            let mut response = empty(StatusCode::OK);
            *response.headers_mut() = headers(&record, &etag);
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, record.length.into());
            Ok(response)
        }
        Verdict::NotModified => Ok(not_modified(&record, &etag)),
        Verdict::Failed => Err(Code::PreconditionFailed.into()),
    }
}

/// The headers that say what arrived, or what is stored.
pub(super) fn add_checksums(headers: &mut HeaderMap, etag: &ETag, crc64: u64) {
    if let Ok(etag) = HeaderValue::from_str(&etag.quoted()) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(CRC64, crc64.into());
}

fn not_modified(record: &ObjectRecord, etag: &ETag) -> Response<ResponseBody> {
    let mut response = empty(StatusCode::NOT_MODIFIED);
    add_checksums(response.headers_mut(), etag, record.crc64);
    response
        .headers_mut()
        .insert(header::LAST_MODIFIED, last_modified(record));
    response
}

fn is_archived(record: &ObjectRecord) -> bool {
    let class = record.storage_class.parse().unwrap_or_default();
    matches!(class, StorageClass::Archive | StorageClass::DeepArchive)
}

/// What both GET and HEAD tell about an object, but for the length.
fn headers(record: &ObjectRecord, etag: &ETag) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in record.headers.iter() {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(value),
        ) {
            headers.append(name, value);
        }
    }
    add_checksums(&mut headers, etag, record.crc64);
    headers.insert(header::LAST_MODIFIED, last_modified(record));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if record.storage_class != StorageClass::Standard.as_str()
        && let Ok(class) = HeaderValue::from_str(&record.storage_class)
    {
        headers.insert(STORAGE_CLASS, class);
    }
    headers
}

fn last_modified(record: &ObjectRecord) -> HeaderValue {
    let seconds = u64::try_from(record.modified.seconds()).unwrap_or(0);
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    HeaderValue::from_str(&date).unwrap_or(HeaderValue::from_static(""))
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
