//! PUT, HEAD and DELETE Bucket; GET and PUT Bucket versioning.

use cos_transport::BucketName;
use cos_transport::wire::meta::Versioning as VersioningDocument;
use cos_transport::wire::xml::Element;
use http::StatusCode;
use hyper::body::Body as _;

use super::receive::{self, DocumentMd5};
use super::{Answer, metadata};
use crate::error::{Code, Refusal};
use crate::inbound::RequestBody;
use crate::request::Head;
use crate::response::{empty, xml};
use crate::service::Service;
use crate::store::{BucketRecord, Versioning};

/// The configuration document says where the bucket's zones are, which makes no difference in a folder.
pub(super) async fn create(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    body: &mut RequestBody,
) -> Answer {
    let acl = metadata::acl(head, &metadata::BUCKET_ACLS)?;
    if !body.is_end_stream() {
        let parse = |document: &[u8]| match document.is_empty() {
            true => Ok(Element::default()),
            false => Element::parse_root(document, "CreateBucketConfiguration"),
        };
        receive::document(head, body, DocumentMd5::Optional, parse).await?;
    }
    let record = BucketRecord {
        acl,
        ..BucketRecord::new(service.clock.now())
    };
    service.store.create_bucket(bucket.as_str(), record).await?;
    Ok(empty(StatusCode::OK))
}

pub(super) async fn head(service: &Service, bucket: &BucketName) -> Answer {
    match service.store.bucket(bucket.as_str()).await? {
        Some(_) => Ok(empty(StatusCode::OK)),
        None => Err(Code::NoSuchBucket.into()),
    }
}

pub(super) async fn delete(service: &Service, bucket: &BucketName) -> Answer {
    service.store.delete_bucket(bucket.as_str()).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

pub(super) async fn get_versioning(service: &Service, bucket: &BucketName) -> Answer {
    let record = service.store.bucket(bucket.as_str()).await?;
    let document = match record.ok_or(Code::NoSuchBucket)?.versioning {
        Versioning::Never => VersioningDocument::Never,
        Versioning::Enabled => VersioningDocument::Enabled,
        Versioning::Suspended => VersioningDocument::Suspended,
    };
    Ok(xml(&document.to_element()))
}

pub(super) async fn put_versioning(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    body: &mut RequestBody,
) -> Answer {
    let document = receive::document(head, body, DocumentMd5::Optional, VersioningDocument::parse).await?;
    let versioning = match document {
        VersioningDocument::Enabled => Versioning::Enabled,
        VersioningDocument::Suspended => Versioning::Suspended,
        VersioningDocument::Never => {
            let message = "The Status must be Enabled or Suspended.";
            return Err(Refusal::new(Code::MalformedXML, message));
        }
    };
    service
        .store
        .update_bucket(bucket.as_str(), move |record| record.versioning = versioning)
        .await?;
    Ok(empty(StatusCode::OK))
}
