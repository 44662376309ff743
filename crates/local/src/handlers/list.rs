//! GET Bucket: List Objects, List Object Versions, List Multipart Uploads; and GET Service (list buckets).

use cos_transport::wire::common::{EncodingType, Owner};
use cos_transport::wire::list::{ListObjectsPage, ListedObject};
use cos_transport::wire::multipart::{ListUploadsPage, ListedUpload};
use cos_transport::wire::service::{BucketList, ListedBucket};
use cos_transport::wire::versions::{ListVersionsPage, ListedDeleteMarker, ListedVersion};
use cos_transport::{BucketName, ETag};

use super::{Answer, describe};
use crate::error::{Code, Refusal};
use crate::request::Head;
use crate::response::xml;
use crate::service::Service;
use crate::store::{BucketRecord, ListQuery, Listed, ObjectRecord, OlderRecord, UploadRecord};

/// The most entries of a page.
const MAX_KEYS: u32 = 1000;
/// The most buckets of a page.
const MAX_BUCKETS: u32 = 2000;

pub(super) async fn objects(service: &Service, head: &Head, bucket: &BucketName) -> Answer {
    let max_keys = limit(head, "max-keys", MAX_KEYS)?;
    let query = query(head, max_keys, "marker", None);
    let encoding_type = encoding_type(head)?;
    let page = service.store.list(bucket.as_str(), query.clone()).await?;
    let listed = |entry: Listed<ObjectRecord>| ListedObject {
        key: entry.key,
        last_modified: describe::timestamp(entry.record.modified),
        etag: ETag::new(&entry.record.content.etag),
        size: entry.record.content.length,
        owner: Some(owner(bucket)),
        storage_class: entry.record.attributes.storage_class.parse().unwrap_or_default(),
        storage_tier: None,
        restore_status: None,
    };
    let page = ListObjectsPage {
        name: bucket.to_string(),
        prefix: query.prefix,
        delimiter: query.delimiter,
        marker: query.marker,
        is_truncated: page.next.is_some(),
        next_marker: page.next.map(|(key, _)| key),
        max_keys,
        encoding_type,
        contents: page.entries.into_iter().map(listed).collect(),
        common_prefixes: page.common_prefixes,
    };
    Ok(xml(&page.to_element()))
}

pub(super) async fn versions(service: &Service, head: &Head, bucket: &BucketName) -> Answer {
    let max_keys = limit(head, "max-keys", MAX_KEYS)?;
    let query = query(head, max_keys, "key-marker", Some("version-id-marker"));
    let encoding_type = encoding_type(head)?;
    let page = service
        .store
        .list_versions(bucket.as_str(), query.clone())
        .await?;
    let is_truncated = page.next.is_some();
    let (next_key_marker, next_version_id_marker) = page.next.unzip();
    let mut answer = ListVersionsPage {
        name: bucket.to_string(),
        prefix: query.prefix,
        delimiter: query.delimiter,
        key_marker: query.marker,
        version_id_marker: query.marker_id.unwrap_or_default(),
        next_key_marker,
        next_version_id_marker: next_version_id_marker.flatten(),
        max_keys,
        is_truncated,
        encoding_type,
        common_prefixes: page.common_prefixes,
        ..ListVersionsPage::default()
    };
    for Listed { key, record, .. } in page.entries {
        let (record, is_latest) = record;
        let version_id = record.version().id();
        match record {
            OlderRecord::Object(object) => answer.versions.push(ListedVersion {
                key,
                version_id,
                is_latest,
                last_modified: describe::timestamp(object.modified),
                etag: ETag::new(&object.content.etag),
                size: object.content.length,
                storage_class: object.attributes.storage_class.parse().unwrap_or_default(),
                owner: Some(owner(bucket)),
            }),
            OlderRecord::Marker(marker) => answer.delete_markers.push(ListedDeleteMarker {
                key,
                version_id,
                is_latest,
                last_modified: describe::timestamp(marker.modified),
                owner: Some(owner(bucket)),
            }),
        }
    }
    Ok(xml(&answer.to_element()))
}

pub(super) async fn uploads(service: &Service, head: &Head, bucket: &BucketName) -> Answer {
    let max_uploads = limit(head, "max-uploads", MAX_KEYS)?;
    let query = query(head, max_uploads, "key-marker", Some("upload-id-marker"));
    let encoding_type = encoding_type(head)?;
    let page = service.store.list_uploads(bucket.as_str(), query.clone()).await?;
    let listed = |entry: Listed<UploadRecord>| ListedUpload {
        key: entry.key,
        upload_id: entry.id.unwrap_or_default(),
        storage_class: entry.record.attributes.storage_class.parse().unwrap_or_default(),
        initiated: describe::timestamp(entry.record.initiated),
        initiator: Some(owner(bucket)),
        owner: Some(owner(bucket)),
    };
    let is_truncated = page.next.is_some();
    let (next_key_marker, next_upload_id_marker) = page.next.unzip();
    let page = ListUploadsPage {
        bucket: bucket.to_string(),
        prefix: query.prefix,
        delimiter: query.delimiter,
        key_marker: query.marker,
        upload_id_marker: query.marker_id.unwrap_or_default(),
        next_key_marker,
        next_upload_id_marker: next_upload_id_marker.flatten(),
        max_uploads,
        is_truncated,
        encoding_type,
        uploads: page.entries.into_iter().map(listed).collect(),
        common_prefixes: page.common_prefixes,
    };
    Ok(xml(&page.to_element()))
}

pub(super) async fn buckets(service: &Service, head: &Head) -> Answer {
    for filter in ["tagkey", "tagvalue", "create-time", "range"] {
        if head.query.get(filter).is_some_and(|value| !value.is_empty()) {
            let message = format!("This server does not filter buckets by {filter}.");
            return Err(Refusal::new(Code::NotImplemented, message));
        }
    }
    let max_keys = limit(head, "max-keys", MAX_BUCKETS)?;
    let marker = head.query.get("marker").unwrap_or_default();
    let all = service.store.buckets().await?;
    let account = all.first().and_then(|(name, _)| name.parse().ok());
    let mut rest = all
        .into_iter()
        .filter(|(name, _)| name.as_str() > marker)
        .peekable();
    let listed = |(name, record): (String, BucketRecord)| ListedBucket {
        name,
        location: "local".to_owned(),
        creation_date: describe::timestamp(record.created),
    };
    let limit = usize::try_from(max_keys).unwrap_or(usize::MAX);
    let buckets: Vec<_> = rest.by_ref().take(limit).map(listed).collect();
    let next = rest
        .peek()
        .and(buckets.last())
        .map(|last: &ListedBucket| last.name.clone());
    let list = BucketList {
        owner: account.map(|name| owner(&name)).unwrap_or_default(),
        buckets,
        marker: Some(marker.to_owned()),
        is_truncated: next.is_some(),
        next_marker: next,
    };
    Ok(xml(&list.to_element()))
}

/// Everything belongs to the account that the bucket's name names.
pub(super) fn owner(bucket: &BucketName) -> Owner {
    let account = bucket.app_id().to_owned();
    Owner {
        id: account.clone(),
        display_name: account,
    }
}

fn query(head: &Head, limit: u32, marker: &str, id: Option<&str>) -> ListQuery {
    let text = |name| head.query.get(name).filter(|value| !value.is_empty());
    let marker = text(marker);
    ListQuery {
        prefix: text("prefix").unwrap_or_default().to_owned(),
        delimiter: text("delimiter").map(str::to_owned),
        marker: marker.unwrap_or_default().to_owned(),
        // Without the key that it belongs to it means nothing.
        marker_id: marker.and(id).and_then(text).map(str::to_owned),
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
    }
}

/// The length of a page: what is asked for, up to the most.
pub(super) fn limit(head: &Head, name: &str, most: u32) -> Result<u32, Refusal> {
    match head.query.get(name).filter(|value| !value.is_empty()) {
        None => Ok(most),
        Some(value) => match value.parse::<u32>() {
            Ok(count) => Ok(count.min(most)),
            Err(_) => Err(Refusal::new(
                Code::InvalidArgument,
                format!("{name} must be a number from 0 to {most}."),
            )),
        },
    }
}

pub(super) fn encoding_type(head: &Head) -> Result<Option<EncodingType>, Refusal> {
    let value = head.query.get("encoding-type").filter(|value| !value.is_empty());
    value
        .map(|value| {
            value
                .parse()
                .map_err(|_| Refusal::new(Code::InvalidArgument, "encoding-type must be url."))
        })
        .transpose()
}
