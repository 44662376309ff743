//! GET Bucket (List Objects) and GET Service (list buckets).

use cos_transport::wire::common::{EncodingType, Owner};
use cos_transport::wire::list::{ListObjectsPage, ListedObject};
use cos_transport::wire::service::{BucketList, ListedBucket};
use cos_transport::{BucketName, ETag};
use jiff::Timestamp;

use super::Answer;
use crate::error::{Code, Refusal};
use crate::request::Head;
use crate::response::xml;
use crate::service::Service;
use crate::store::{ListQuery, ObjectRecord, UnixMillis};

/// The most entries of a page.
const MAX_KEYS: u32 = 1000;

pub(super) async fn objects(service: &Service, head: &Head, bucket: &BucketName) -> Answer {
    let text = |name| head.query.get(name).unwrap_or_default().to_owned();
    let max_keys = max_keys(head)?;
    let query = ListQuery {
        prefix: text("prefix"),
        delimiter: Some(text("delimiter")).filter(|delimiter| !delimiter.is_empty()),
        marker: text("marker"),
        limit: usize::try_from(max_keys).unwrap_or(usize::MAX),
    };
    let encoding_type = encoding_type(head)?;
    let page = service.store.list(bucket.as_str(), query.clone()).await?;
    let page = ListObjectsPage {
        name: bucket.to_string(),
        prefix: query.prefix,
        delimiter: query.delimiter,
        marker: query.marker,
        is_truncated: page.next_marker.is_some(),
        next_marker: page.next_marker,
        max_keys,
        encoding_type,
        contents: page
            .objects
            .into_iter()
            .map(|(key, record)| listed(key, &record, bucket))
            .collect(),
        common_prefixes: page.common_prefixes,
    };
    Ok(xml(&page.to_element()))
}

pub(super) async fn buckets(service: &Service) -> Answer {
    let buckets = service.store.buckets().await?;
    let owner = buckets
        .first()
        .and_then(|(name, _)| name.parse().ok())
        .map(|name| owner(&name));
    let listed = |(name, record): (String, crate::store::BucketRecord)| ListedBucket {
        name,
        location: "local".to_owned(),
        creation_date: timestamp(record.created),
    };
    let list = BucketList {
        owner: owner.unwrap_or_default(),
        buckets: buckets.into_iter().map(listed).collect(),
        ..BucketList::default()
    };
    Ok(xml(&list.to_element()))
}

fn listed(key: String, record: &ObjectRecord, bucket: &BucketName) -> ListedObject {
    ListedObject {
        key,
        last_modified: timestamp(record.modified),
        etag: ETag::new(&record.etag),
        size: record.length,
        owner: Some(owner(bucket)),
        storage_class: record.storage_class.parse().unwrap_or_default(),
        storage_tier: None,
        restore_status: None,
    }
}

/// Everything belongs to the account that the bucket's name names.
fn owner(bucket: &BucketName) -> Owner {
    let account = bucket.app_id().to_owned();
    Owner {
        id: account.clone(),
        display_name: account,
    }
}

/// In whole seconds, as in the `Last-Modified` header.
fn timestamp(time: UnixMillis) -> Timestamp {
    Timestamp::from_second(time.seconds()).unwrap_or_default()
}

fn max_keys(head: &Head) -> Result<u32, Refusal> {
    match head.query.get("max-keys").filter(|value| !value.is_empty()) {
        None => Ok(MAX_KEYS),
        Some(value) => match value.parse::<u32>() {
            Ok(count) => Ok(count.min(MAX_KEYS)),
            Err(_) => Err(Refusal::new(
                Code::InvalidArgument,
                "max-keys must be a number from 0 to 1000.",
            )),
        },
    }
}

fn encoding_type(head: &Head) -> Result<Option<EncodingType>, Refusal> {
    let value = head.query.get("encoding-type").filter(|value| !value.is_empty());
    value
        .map(|value| {
            value
                .parse()
                .map_err(|_| Refusal::new(Code::InvalidArgument, "encoding-type must be url."))
        })
        .transpose()
}
