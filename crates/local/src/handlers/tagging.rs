//! GET, PUT and DELETE Object tagging, and tags given with an upload.

use std::collections::HashSet;

use cos_transport::wire::meta::Tagging;
use cos_transport::{BucketName, ObjectKey, percent_decode};
use http::StatusCode;

use super::receive::{self, DocumentMd5};
use super::{Answer, get};
use crate::error::{Code, Refusal};
use crate::inbound::RequestBody;
use crate::request::Head;
use crate::response::{empty, xml};
use crate::service::Service;

/// The longest name and value, in characters.
const NAME_MAX: usize = 127;
const VALUE_MAX: usize = 255;

type Tags = Vec<(String, String)>;

pub(super) async fn get(service: &Service, head: &Head, bucket: &BucketName, key: &ObjectKey) -> Answer {
    let version = get::version(head)?;
    let (_, record) = service
        .store
        .head_object(bucket.as_str(), key.as_str(), version)
        .await?;
    let tagging = Tagging {
        tags: record.attributes.tags,
    };
    Ok(xml(&tagging.to_element()))
}

pub(super) async fn put(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    key: &ObjectKey,
    body: &mut RequestBody,
) -> Answer {
    let tagging = receive::document(head, body, DocumentMd5::Optional, Tagging::parse).await?;
    check(&tagging.tags)?;
    set(service, head, bucket, key, tagging.tags).await?;
    Ok(empty(StatusCode::OK))
}

pub(super) async fn delete(service: &Service, head: &Head, bucket: &BucketName, key: &ObjectKey) -> Answer {
    set(service, head, bucket, key, Vec::new()).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// The tags of the header `x-cos-tagging`, which is written like a query.
pub(super) fn of_header(head: &Head) -> Result<Tags, Refusal> {
    let Some(header) = head.header("x-cos-tagging") else {
        return Ok(Vec::new());
    };
    let decode = |text: &str| {
        percent_decode(&text.replace('+', "%20")).map_err(|_| {
            Refusal::new(
                Code::InvalidArgument,
                "x-cos-tagging is not percent-encoded UTF-8.",
            )
        })
    };
    let pairs = header.split('&').filter(|pair| !pair.is_empty());
    let tags = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode(name)?, decode(value)?))
    });
    let tags = tags.collect::<Result<Tags, Refusal>>()?;
    check(&tags)?;
    Ok(tags)
}

async fn set(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    key: &ObjectKey,
    tags: Tags,
) -> Result<(), Refusal> {
    let version = get::version(head)?;
    let update = service
        .store
        .update_object(bucket.as_str(), key.as_str(), version, move |record| {
            record.attributes.tags = tags;
            Ok(())
        });
    Ok(update.await?)
}

fn check(tags: &Tags) -> Result<(), Refusal> {
    let refuse = |message: String| Err(Refusal::new(Code::InvalidTag, message));
    if tags.len() > Tagging::MAX_TAGS {
        return refuse(format!("An object has at most {} tags.", Tagging::MAX_TAGS));
    }
    let mut names = HashSet::new();
    for (name, value) in tags {
        let length = name.chars().count();
        if length == 0 || length > NAME_MAX || value.chars().count() > VALUE_MAX {
            return refuse(format!(
                "A tag's name has 1 to {NAME_MAX} characters, its value up to {VALUE_MAX}."
            ));
        }
        if !names.insert(name) {
            return refuse(format!("The tag {name:?} comes twice."));
        }
    }
    Ok(())
}
