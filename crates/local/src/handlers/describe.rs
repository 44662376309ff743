//! The headers that tell of a stored object.

use std::time::{Duration, UNIX_EPOCH};

use cos_transport::{ETag, StorageClass};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;

use crate::error::{Code, Refusal};
use crate::store::{BucketRecord, ObjectRecord, ObjectType, Restore, UnixMillis, Version, Versioning};

pub(crate) const VERSION_ID: HeaderName = HeaderName::from_static("x-cos-version-id");
pub(crate) const DELETE_MARKER: HeaderName = HeaderName::from_static("x-cos-delete-marker");
const CRC64: HeaderName = HeaderName::from_static("x-cos-hash-crc64ecma");
const STORAGE_CLASS: HeaderName = HeaderName::from_static("x-cos-storage-class");
const OBJECT_TYPE: HeaderName = HeaderName::from_static("x-cos-object-type");
const TAGGING_COUNT: HeaderName = HeaderName::from_static("x-cos-tagging-count");
const RESTORE: HeaderName = HeaderName::from_static("x-cos-restore");
const RESTORE_STATUS: HeaderName = HeaderName::from_static("x-cos-restore-status");

/// The headers that say what arrived, or what is stored.
pub(super) fn add_checksums(headers: &mut HeaderMap, etag: &ETag, crc64: u64) {
    insert_text(headers, header::ETAG, &etag.quoted());
    headers.insert(CRC64, crc64.into());
}

/// The version that was written or read, where versions are kept.
pub(super) fn add_version(headers: &mut HeaderMap, version: Option<Version>) {
    if let Some(version) = version {
        insert_text(headers, VERSION_ID, &version.id());
    }
}

/// What both GET and HEAD tell about an object, but for the length.
pub(super) fn headers(bucket: &BucketRecord, record: &ObjectRecord, now: UnixMillis) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in record.attributes.headers.iter() {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(value),
        ) {
            headers.append(name, value);
        }
    }
    add_checksums(
        &mut headers,
        &ETag::new(&record.content.etag),
        record.content.crc64,
    );
    headers.insert(header::LAST_MODIFIED, last_modified(record.modified));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if record.attributes.storage_class != StorageClass::Standard.as_str() {
        insert_text(&mut headers, STORAGE_CLASS, &record.attributes.storage_class);
    }
    add_version(
        &mut headers,
        (bucket.versioning != Versioning::Never).then_some(record.version),
    );
    let object_type = match record.object_type {
        ObjectType::Normal => "normal",
        ObjectType::Appendable => "appendable",
    };
    headers.insert(OBJECT_TYPE, HeaderValue::from_static(object_type));
    if !record.attributes.tags.is_empty() {
        headers.insert(TAGGING_COUNT, record.attributes.tags.len().into());
    }
    if let Some(restore) = &record.restore {
        add_restore(&mut headers, restore, now);
    }
    headers
}

/// A copy that was restored is told of until it is gone again.
fn add_restore(headers: &mut HeaderMap, restore: &Restore, now: UnixMillis) {
    let state = match RestoreState::of(restore, now) {
        RestoreState::Pending => "ongoing-request=\"true\"".to_owned(),
        RestoreState::Ready => format!(
            "ongoing-request=\"false\", expiry-date=\"{}\"",
            http_date(restore.expires)
        ),
        RestoreState::Over => return,
    };
    insert_text(headers, RESTORE, &state);
    let (tier, requested) = (restore.tier.to_lowercase(), http_date(restore.requested));
    let status = format!("tier=\"{tier}\"; request-date=\"{requested}\"");
    insert_text(headers, RESTORE_STATUS, &status);
}

/// How far a restore is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RestoreState {
    Pending,
    Ready,
    Over,
}

impl RestoreState {
    pub(super) fn of(restore: &Restore, now: UnixMillis) -> RestoreState {
        match now {
            now if now < restore.ready => RestoreState::Pending,
            now if now < restore.expires => RestoreState::Ready,
            _ => RestoreState::Over,
        }
    }
}

/// Whether an object's class takes it out of reach.
pub(super) fn is_archived(record: &ObjectRecord) -> bool {
    let class = record.attributes.storage_class.parse().unwrap_or_default();
    matches!(class, StorageClass::Archive | StorageClass::DeepArchive)
}

/// Refuses to read an archived object that is not restored.
pub(super) fn require_readable(record: &ObjectRecord, now: UnixMillis) -> Result<(), Refusal> {
    let state = record
        .restore
        .as_ref()
        .map(|restore| RestoreState::of(restore, now));
    match is_archived(record) && state != Some(RestoreState::Ready) {
        true => Err(Code::InvalidObjectState.into()),
        false => Ok(()),
    }
}

pub(super) fn last_modified(time: UnixMillis) -> HeaderValue {
    HeaderValue::from_str(&http_date(time)).unwrap_or(HeaderValue::from_static(""))
}

fn http_date(time: UnixMillis) -> String {
    let seconds = u64::try_from(time.seconds()).unwrap_or(0);
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// A time as documents write it, in whole seconds as in the `Last-Modified` header.
pub(super) fn timestamp(time: UnixMillis) -> Timestamp {
    Timestamp::from_second(time.seconds()).unwrap_or_default()
}

pub(super) fn insert_text(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
