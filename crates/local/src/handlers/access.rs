//! Who may read what without a signature; and the access lists of objects and buckets.

use cos_transport::wire::common::Owner;
use cos_transport::wire::meta::{ALL_USERS, AccessControlPolicy, Grant, Grantee};
use cos_transport::{BucketName, ObjectKey};
use http::{HeaderName, StatusCode};
use hyper::body::Body as _;

use super::receive::{self, DocumentMd5};
use super::{Answer, describe, get, list, metadata};
pub(super) use crate::auth::Requester;
use crate::error::{Code, Refusal};
use crate::inbound::RequestBody;
use crate::request::Head;
use crate::response::{empty, xml_text};
use crate::service::Service;
use crate::store::{BucketRecord, Headers, ObjectRecord, StoreError};

const ACL: HeaderName = HeaderName::from_static("x-cos-acl");

const FULL_CONTROL: &str = "FULL_CONTROL";

/// The permissions that can be granted, with the headers that grant them.
const GRANTS: [(&str, &str); 5] = [
    ("x-cos-grant-full-control", FULL_CONTROL),
    ("x-cos-grant-read", "READ"),
    ("x-cos-grant-write", "WRITE"),
    ("x-cos-grant-read-acp", "READ_ACP"),
    ("x-cos-grant-write-acp", "WRITE_ACP"),
];

/// Refuses an unsigned request of an object that not everybody may read.
pub(super) fn require_readable_by(
    requester: Requester,
    bucket: &BucketRecord,
    record: &ObjectRecord,
) -> Result<(), Refusal> {
    let is_public = match canned(&record.attributes.acl) {
        "default" => matches!(canned(&bucket.acl), "public-read" | "public-read-write"),
        acl => acl == "public-read",
    };
    match requester == Requester::Owner || is_public {
        true => Ok(()),
        false => Err(Code::AccessDenied.into()),
    }
}

/// What is not there is not told to everybody.
pub(super) fn hide(requester: Requester, error: StoreError) -> Refusal {
    match (requester, error) {
        (
            Requester::Anyone,
            StoreError::NoSuchKey | StoreError::NoSuchVersion | StoreError::DeleteMarker(_),
        ) => Code::AccessDenied.into(),
        (_, error) => error.into(),
    }
}

pub(super) async fn get_object(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    key: &ObjectKey,
) -> Answer {
    let version = get::version(head)?;
    let (_, record) = service
        .store
        .head_object(bucket.as_str(), key.as_str(), version)
        .await?;
    Ok(answer(&record.attributes.acl, bucket))
}

pub(super) async fn put_object(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    key: &ObjectKey,
    body: &mut RequestBody,
) -> Answer {
    let acl = read(head, body, &metadata::OBJECT_ACLS).await?;
    let version = get::version(head)?;
    service
        .store
        .update_object(bucket.as_str(), key.as_str(), version, move |record| {
            record.attributes.acl = acl;
            Ok(())
        })
        .await?;
    Ok(empty(StatusCode::OK))
}

pub(super) async fn get_bucket(service: &Service, bucket: &BucketName) -> Answer {
    let record = service.store.bucket(bucket.as_str()).await?;
    Ok(answer(&record.ok_or(Code::NoSuchBucket)?.acl, bucket))
}

pub(super) async fn put_bucket(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    body: &mut RequestBody,
) -> Answer {
    let acl = read(head, body, &metadata::BUCKET_ACLS).await?;
    service
        .store
        .update_bucket(bucket.as_str(), move |record| record.acl = acl)
        .await?;
    Ok(empty(StatusCode::OK))
}

fn canned(acl: &Headers) -> &str {
    let value = acl.get("x-cos-acl").and_then(|acl| std::str::from_utf8(acl).ok());
    value.unwrap_or("default")
}

fn answer(acl: &Headers, bucket: &BucketName) -> http::Response<crate::response::ResponseBody> {
    // Some clients, the official Python SDK first, read what a grantee is from an attribute. Names and ids are
    // escaped: these tags are nothing else.
    let namespace = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
    let mut document = policy(acl, bucket).to_element().to_document();
    for (child, kind) in [("<ID>", "CanonicalUser"), ("<URI>", "Group")] {
        let typed = format!("<Grantee {namespace} xsi:type=\"{kind}\">{child}");
        document = document.replace(&format!("<Grantee>{child}"), &typed);
    }
    let mut response = xml_text(StatusCode::OK, document);
    describe::insert_text(response.headers_mut(), ACL, canned(acl));
    response
}

/// An access list as a document: the owner may do everything.
fn policy(acl: &Headers, bucket: &BucketName) -> AccessControlPolicy {
    let owner = list::owner(bucket);
    let grant = |grantee, permission: &str| Grant {
        grantee,
        permission: permission.to_owned(),
    };
    let mut grants = vec![grant(Grantee::Account(owner.clone()), FULL_CONTROL)];
    let public: &[&str] = match canned(acl) {
        "public-read" => &["READ"],
        "public-read-write" => &["READ", "WRITE"],
        _ => &[],
    };
    let everybody = || Grantee::Group(ALL_USERS.to_owned());
    grants.extend(public.iter().map(|permission| grant(everybody(), permission)));
    for (header, permission) in GRANTS {
        let accounts = acl.get(header).map(String::from_utf8_lossy).unwrap_or_default();
        for id in accounts.split(',').filter_map(account) {
            let account = Owner {
                display_name: id.to_owned(),
                id: id.to_owned(),
            };
            grants.push(grant(Grantee::Account(account), permission));
        }
    }
    AccessControlPolicy { owner, grants }
}

/// The id in `id="…"`.
fn account(grantee: &str) -> Option<&str> {
    let id = grantee.trim().strip_prefix("id=")?.trim_matches('"');
    Some(id).filter(|id| !id.is_empty())
}

/// An access list from headers or, without any, from a document.
async fn read(head: &Head, body: &mut RequestBody, canned: &[&str]) -> Result<Headers, Refusal> {
    let acl = metadata::acl(head, canned)?;
    if !acl.is_empty() || body.is_end_stream() {
        return match acl.is_empty() {
            true => Err(Refusal::new(
                Code::InvalidArgument,
                "The request gives no access list, neither in headers nor in a document.",
            )),
            false => Ok(acl),
        };
    }
    let policy = receive::document(head, body, DocumentMd5::Optional, AccessControlPolicy::parse).await?;
    from_policy(&policy)
}

/// A document as the headers that say the same.
fn from_policy(policy: &AccessControlPolicy) -> Result<Headers, Refusal> {
    let refuse = |message: String| Refusal::new(Code::MalformedACLError, message);
    let mut public = Vec::new();
    let mut accounts: Vec<Vec<String>> = vec![Vec::new(); GRANTS.len()];
    for grant in &policy.grants {
        let permission = GRANTS.iter().position(|(_, name)| *name == grant.permission);
        let permission =
            permission.ok_or_else(|| refuse(format!("There is no permission {:?}.", grant.permission)))?;
        match &grant.grantee {
            Grantee::Group(uri) if uri == ALL_USERS => public.push(grant.permission.as_str()),
            Grantee::Group(uri) => return Err(refuse(format!("There is no group {uri:?}."))),
            Grantee::Account(account) if account.id == policy.owner.id => {}
            Grantee::Account(account) => accounts[permission].push(format!("id=\"{}\"", account.id)),
        }
    }
    public.sort_unstable();
    let canned = match public.as_slice() {
        [] => "private",
        ["READ"] => "public-read",
        ["READ", "WRITE"] => "public-read-write",
        _ => {
            return Err(refuse(
                "Everybody may be allowed READ, or READ and WRITE.".to_owned(),
            ));
        }
    };
    let mut acl = Headers::default();
    acl.push("x-cos-acl", canned.as_bytes());
    for ((header, _), accounts) in GRANTS.iter().zip(&accounts).filter(|(_, a)| !a.is_empty()) {
        acl.push(header, accounts.join(",").as_bytes());
    }
    Ok(acl)
}
