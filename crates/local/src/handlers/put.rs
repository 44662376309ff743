//! PUT Object.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cos_transport::{BucketName, ETag, ObjectKey};
use http::{HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::{Answer, get, metadata};
use crate::error::{Code, Refusal};
use crate::request::Head;
use crate::response::empty;
use crate::service::Service;
use crate::store::{MissingBuckets, ObjectRecord, StagedBody};

/// The longest body of one request, in bytes.
const BODY_MAX: u64 = 5 * 1024 * 1024 * 1024;

/// A body that stands still for so long is given up.
const BODY_IDLE: Duration = Duration::from_secs(60);

/// Headers that ask for more than storing the body. What cannot be done is refused, not overlooked.
const UNKNOWN_WISHES: [&str; 10] = [
    "if-match",
    "if-none-match",
    "pic-operations",
    "x-cos-callback",
    "x-cos-copy-source",
    "x-cos-object-lock",
    "x-cos-server-side-encryption",
    "x-cos-tagging",
    "x-cos-website-redirect-location",
    "x-cos-forbid-overwrite",
];

pub(super) async fn put(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    key: &ObjectKey,
    body: &mut Incoming,
) -> Answer {
    refuse_unknown_wishes(head)?;
    let metadata = metadata::of_upload(head)?;
    if service.missing_buckets == MissingBuckets::Refuse
        && service.store.bucket(bucket.as_str()).await?.is_none()
    {
        return Err(Code::NoSuchBucket.into());
    }
    let body = receive(service, head, body).await?;
    let record = ObjectRecord {
        segments: body.segments(),
        length: body.length,
        etag: hex::encode(body.md5),
        crc64: body.crc64,
        modified: service.clock.now(),
        headers: metadata.headers,
        storage_class: metadata.storage_class.as_str().to_owned(),
        acl: metadata.acl,
    };
    let (etag, crc64) = (ETag::new(&record.etag), record.crc64);
    service
        .store
        .put_object(
            bucket.as_str(),
            key.as_str(),
            record,
            body,
            service.missing_buckets,
        )
        .await?;
    let mut response = empty(StatusCode::OK);
    get::add_checksums(response.headers_mut(), &etag, crc64);
    Ok(response)
}

/// Takes a body in, checked against what its headers promise.
async fn receive(service: &Service, head: &Head, body: &mut Incoming) -> Result<StagedBody, Refusal> {
    let promised_length = promised_length(head)?;
    let promised_md5 = promised_md5(head)?;
    let mut writer = service.store.receive();
    let mut received = 0;
    loop {
        let frame = match tokio::time::timeout(BODY_IDLE, body.frame()).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => {
                tracing::debug!(%error, received, "a body broke off");
                return Err(incomplete(received, promised_length));
            }
            Err(_) => {
                return Err(Refusal::new(
                    Code::RequestTimeout,
                    "The body stood still for too long.",
                ));
            }
        };
        if let Ok(bytes) = frame.into_data() {
            received += bytes.len() as u64;
            if received > BODY_MAX {
                return Err(too_large());
            }
            writer.write(bytes).await?;
        }
    }
    if promised_length.is_some_and(|promised| promised != received) {
        return Err(incomplete(received, promised_length));
    }
    let body = writer.finish().await?;
    if promised_md5.is_some_and(|promised| promised != body.md5) {
        return Err(Refusal::new(
            Code::BadDigest,
            "The Content-MD5 is not the MD5 of the body that arrived.",
        ));
    }
    Ok(body)
}

/// The Content-Length; none for a chunked body, which is taken as it comes.
fn promised_length(head: &Head) -> Result<Option<u64>, Refusal> {
    if head.headers.contains_key(header::TRANSFER_ENCODING) {
        return Ok(None);
    }
    let length = head
        .header("content-length")
        .and_then(|length| length.parse().ok());
    match length {
        None => Err(Refusal::new(
            Code::MissingContentLength,
            "The request needs a Content-Length.",
        )),
        Some(length) if length > BODY_MAX => Err(too_large()),
        Some(length) => Ok(Some(length)),
    }
}

fn promised_md5(head: &Head) -> Result<Option<[u8; 16]>, Refusal> {
    let Some(value) = head.header("content-md5") else {
        return Ok(None);
    };
    let digest = BASE64
        .decode(value.as_bytes())
        .ok()
        .and_then(|digest| digest.try_into().ok());
    digest.map(Some).ok_or_else(|| {
        Refusal::new(
            Code::InvalidDigest,
            "The Content-MD5 is not the base64 of 16 bytes.",
        )
    })
}

fn incomplete(received: u64, promised: Option<u64>) -> Refusal {
    let promised = promised.map(|length| format!(" of {length}")).unwrap_or_default();
    Refusal::new(
        Code::IncompleteBody,
        format!("The body broke off after {received}{promised} bytes."),
    )
}

fn too_large() -> Refusal {
    Refusal::new(
        Code::EntityTooLarge,
        "The body is longer than 5 GB; upload it in parts.",
    )
}

fn refuse_unknown_wishes(head: &Head) -> Result<(), Refusal> {
    let is_wish = |name: &str| UNKNOWN_WISHES.iter().any(|wish| name.starts_with(wish));
    // What is already so needs no doing.
    let is_default = |name: &str, value: &HeaderValue| name == "x-cos-forbid-overwrite" && value == "false";
    let found = head
        .headers
        .iter()
        .find(|(name, value)| is_wish(name.as_str()) && !is_default(name.as_str(), value));
    match found {
        Some((name, _)) => Err(Refusal::new(
            Code::NotImplemented,
            format!("This server does not know the header {name} here."),
        )),
        None => Ok(()),
    }
}
