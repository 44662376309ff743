//! What an uploader says of an object in headers: checked, and picked out to be kept.

use cos_transport::StorageClass;
use http::HeaderValue;

use super::tagging;
use crate::error::{Code, Refusal};
use crate::request::Head;
use crate::store::{Attributes, Headers};

const USER_METADATA: &str = "x-cos-meta-";
/// Names and values of all user metadata together, in bytes, `x-cos-meta-` included.
const USER_METADATA_MAX: usize = 2048;

/// Kept, and returned by GET and HEAD.
const KEPT: [&str; 6] = [
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
];

const DEFAULT_CONTENT_TYPE: &[u8] = b"application/octet-stream";

/// Headers that ask for more than storing the body. What cannot be done is refused, not overlooked.
const UNKNOWN_WISHES: [&str; 8] = [
    "if-match",
    "if-none-match",
    "pic-operations",
    "x-cos-callback",
    "x-cos-object-lock",
    "x-cos-server-side-encryption",
    "x-cos-website-redirect-location",
    "x-cos-forbid-overwrite",
];

/// Reads an upload's metadata.
pub(super) fn of_upload(head: &Head) -> Result<Attributes, Refusal> {
    Ok(Attributes {
        headers: headers(head)?,
        ..of_copy(head)?
    })
}

/// Reads what a copy never takes from its source: storage class and access.
pub(super) fn of_copy(head: &Head) -> Result<Attributes, Refusal> {
    Ok(Attributes {
        headers: Headers::default(),
        storage_class: storage_class(head)?.as_str().to_owned(),
        acl: acl(head, &OBJECT_ACLS)?,
        tags: tagging::of_header(head)?,
    })
}

/// Refuses an upload that asks for what this server cannot do.
pub(super) fn refuse_unknown_wishes(head: &Head) -> Result<(), Refusal> {
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

/// The canned lists of an object and of a bucket.
pub(super) const OBJECT_ACLS: [&str; 3] = ["default", "private", "public-read"];
pub(super) const BUCKET_ACLS: [&str; 3] = ["private", "public-read", "public-read-write"];

fn headers(head: &Head) -> Result<Headers, Refusal> {
    let mut headers = Headers::default();
    for name in KEPT {
        match head.headers.get(name) {
            Some(value) => headers.push(name, value.as_bytes()),
            None if name == "content-type" => headers.push(name, DEFAULT_CONTENT_TYPE),
            None => {}
        }
    }
    user_metadata(head, &mut headers)?;
    Ok(headers)
}

fn user_metadata(head: &Head, headers: &mut Headers) -> Result<(), Refusal> {
    let mut size = 0;
    for (name, value) in head
        .headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with(USER_METADATA))
    {
        let suffix = &name.as_str()[USER_METADATA.len()..];
        if suffix.is_empty() || suffix.contains('_') {
            let message =
                format!("The metadata name {name} is not possible: it must go on, and without '_'.");
            return Err(Refusal::new(Code::InvalidArgument, message));
        }
        size += name.as_str().len() + value.len();
        headers.push(name.as_str(), value.as_bytes());
    }
    if size > USER_METADATA_MAX {
        let message = format!("The user metadata has {size} bytes, the most is {USER_METADATA_MAX}.");
        return Err(Refusal::new(Code::MetadataTooLarge, message));
    }
    Ok(())
}

fn storage_class(head: &Head) -> Result<StorageClass, Refusal> {
    let class = head
        .header("x-cos-storage-class")
        .map(|value| value.parse().unwrap_or_default())
        .unwrap_or_default();
    match class {
        StorageClass::Other(other) => Err(Refusal::new(
            Code::InvalidArgument,
            format!("The storage class {other:?} does not exist."),
        )),
        class => Ok(class),
    }
}

/// Reads the ACL headers; the canned ones that are possible here are given.
pub(super) fn acl(head: &Head, canned: &[&str]) -> Result<Headers, Refusal> {
    let mut acl = Headers::default();
    if let Some(value) = head.header("x-cos-acl") {
        if !canned.contains(&value.as_ref()) {
            return Err(Refusal::new(
                Code::InvalidArgument,
                format!("The ACL {value:?} is none of {}.", canned.join(", ")),
            ));
        }
        acl.push("x-cos-acl", value.as_bytes());
    }
    for (name, value) in head
        .headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-cos-grant-"))
    {
        acl.push(name.as_str(), value.as_bytes());
    }
    Ok(acl)
}
