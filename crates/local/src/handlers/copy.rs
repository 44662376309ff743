//! PUT Object - Copy and Upload Part - Copy.

use std::ops::Range;

use cos_transport::wire::multipart::CopyResult;
use cos_transport::{BucketName, ByteRange, ETag, ObjectKey, percent_decode};
use http::{HeaderName, Response};

use super::conditions::source_matches;
use super::{Answer, describe, metadata, multipart, put};
use crate::error::{Code, Refusal};
use crate::request::Head;
use crate::response::{ResponseBody, xml};
use crate::service::Service;
use crate::store::{
    OpenObject, SINGLE_MAX, StagedBody, StoreError, UnixMillis, Version, VersionId, Versioning,
};

const SOURCE_VERSION_ID: HeaderName = HeaderName::from_static("x-cos-copy-source-version-id");

pub(super) async fn copy(service: &Service, head: &Head, bucket: &BucketName, key: &ObjectKey) -> Answer {
    metadata::refuse_unknown_wishes(head)?;
    let source = Source::of(head)?;
    let directive = Directive::of(head, "x-cos-metadata-directive")?;
    let is_onto_itself = source.bucket == *bucket && source.key == *key && source.version.is_none();
    if is_onto_itself && directive == Directive::Copy {
        let message = "An object is copied onto itself only with x-cos-metadata-directive: Replaced.";
        return Err(Refusal::new(Code::InvalidRequest, message));
    }
    let tagging_directive = Directive::of(head, "x-cos-tagging-directive")?;
    let mut attributes = metadata::of_upload(head)?;
    put::require_bucket(service, bucket).await?;

    let object = source.open(service, head).await?;
    let total = object.record.content.length;
    if total > SINGLE_MAX {
        let message = "An object of more than 5 GB is copied part by part.";
        return Err(Refusal::new(Code::InvalidRequest, message));
    }
    if directive == Directive::Copy {
        attributes.headers = object.record.attributes.headers.clone();
    }
    if tagging_directive == Directive::Copy {
        attributes.tags = object.record.attributes.tags.clone();
    }
    let source_version = source_version(&object);
    let body = read(service, object, 0..total).await?;
    let (bucket, key) = (bucket.as_str(), key.as_str());
    let missing = service.missing_buckets;
    let now = service.clock.now();
    let written = service
        .store
        .put_object(bucket, key, attributes, body, missing, now)
        .await?;
    let result = result(
        &written.content.etag,
        written.modified,
        written.content.crc64,
        written.version,
    );
    Ok(answer(
        &result,
        "CopyObjectResult",
        written.version,
        source_version,
    ))
}

pub(super) async fn copy_part(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    key: &ObjectKey,
) -> Answer {
    let source = Source::of(head)?;
    let (upload_id, number) = multipart::part(head)?;
    let (bucket, key) = (bucket.as_str(), key.as_str());
    service.store.upload(bucket, key, upload_id).await?;
    let object = source.open(service, head).await?;
    let range = range(head, object.record.content.length)?;
    if range.end - range.start > SINGLE_MAX {
        return Err(Refusal::new(Code::EntityTooLarge, "A part has at most 5 GB."));
    }
    let source_version = source_version(&object);
    let body = read(service, object, range).await?;
    let now = service.clock.now();
    let content = service
        .store
        .put_part(bucket, key, upload_id, number, body, now)
        .await?;
    let result = result(&content.etag, now, content.crc64, None);
    Ok(answer(&result, "CopyPartResult", None, source_version))
}

/// Whether something is taken from the source or from the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directive {
    Copy,
    Replaced,
}

impl Directive {
    fn of(head: &Head, name: &str) -> Result<Directive, Refusal> {
        match head.header(name).as_deref() {
            None => Ok(Directive::Copy),
            Some(value) if value.eq_ignore_ascii_case("copy") => Ok(Directive::Copy),
            Some(value) if value.eq_ignore_ascii_case("replaced") => Ok(Directive::Replaced),
            Some(_) => Err(Refusal::new(
                Code::InvalidArgument,
                format!("{name} must be Copy or Replaced."),
            )),
        }
    }
}

/// The object to copy from.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    bucket: BucketName,
    key: ObjectKey,
    version: Option<VersionId>,
}

impl Source {
    fn of(head: &Head) -> Result<Source, Refusal> {
        Source::parse(&head.header("x-cos-copy-source").unwrap_or_default())
    }

    /// Reads `BUCKET.HOST/KEY`, as the service has it, or `HOST/BUCKET/KEY` or `/BUCKET/KEY`; the key is
    /// percent-encoded once.
    fn parse(header: &str) -> Result<Source, Refusal> {
        let refuse = |reason: &str| {
            let message = format!("x-cos-copy-source is not of the form BUCKET.HOST/KEY: {reason}.");
            Refusal::new(Code::InvalidArgument, message)
        };
        let (address, version) = match header.split_once("?versionId=") {
            Some((address, id)) => (address, Some(id)),
            None => (header, None),
        };
        let (host, mut key) = address
            .trim_start_matches('/')
            .split_once('/')
            .ok_or_else(|| refuse("there is no key in it"))?;
        let label = host.split('.').next().unwrap_or_default();
        let bucket = match label.parse::<BucketName>() {
            Ok(bucket) => bucket,
            Err(_) => {
                let (bucket, rest) = key
                    .split_once('/')
                    .ok_or_else(|| refuse("there is no bucket in it"))?;
                key = rest;
                bucket.parse().map_err(|_| refuse("there is no bucket in it"))?
            }
        };
        let key = percent_decode(key).map_err(|_| refuse("the key is not percent-encoded UTF-8"))?;
        let version = version.filter(|id| !id.is_empty()).map(|id| {
            let id = percent_decode(id).unwrap_or_default();
            VersionId::parse(&id).ok_or(Refusal::from(Code::NoSuchVersion))
        });
        Ok(Source {
            bucket,
            key: key
                .parse()
                .map_err(|_| refuse("the key is empty, too long or impossible"))?,
            version: version.transpose()?,
        })
    }

    /// Opens the source, if it is as the request wants it.
    async fn open(&self, service: &Service, head: &Head) -> Result<OpenObject, Refusal> {
        let (bucket, key) = (self.bucket.as_str(), self.key.as_str());
        let object = match service.store.open_object(bucket, key, self.version).await {
            Ok(object) => object,
            Err(StoreError::NoSuchKey | StoreError::DeleteMarker(_)) => {
                return Err(Code::NoSuchCopySource.into());
            }
            Err(error) => return Err(error.into()),
        };
        let record = &object.record;
        let etag = ETag::new(&record.content.etag);
        if !source_matches(head, &etag, record.modified.seconds()) {
            return Err(Code::PreconditionFailed.into());
        }
        describe::require_readable(record, service.clock.now())?;
        Ok(object)
    }
}

/// The bytes to copy: all, or those of `x-cos-copy-source-range`, which must be there.
fn range(head: &Head, total: u64) -> Result<Range<u64>, Refusal> {
    let Some(value) = head.header("x-cos-copy-source-range") else {
        return Ok(0..total);
    };
    let range = value.strip_prefix("bytes=").map(str::parse::<ByteRange>);
    match range {
        Some(Ok(ByteRange::Inclusive(first, last))) if last < total => Ok(first..last + 1),
        Some(Ok(ByteRange::Inclusive(..))) => Err(Refusal::new(
            Code::InvalidRange,
            "The range to copy ends behind the end of the source.",
        )),
        _ => Err(Refusal::new(
            Code::InvalidArgument,
            "x-cos-copy-source-range must be of the form bytes=first-last.",
        )),
    }
}

async fn read(service: &Service, object: OpenObject, range: Range<u64>) -> Result<StagedBody, Refusal> {
    let mut reader = object.body.reader(range);
    let mut writer = service.store.receive();
    while let Some(bytes) = reader.next().await? {
        writer.write(bytes).await?;
    }
    Ok(writer.finish().await?)
}

fn source_version(object: &OpenObject) -> Option<Version> {
    (object.bucket.versioning != Versioning::Never).then_some(object.record.version)
}

fn result(etag: &str, modified: UnixMillis, crc64: u64, version: Option<Version>) -> CopyResult {
    CopyResult {
        etag: ETag::new(etag),
        last_modified: describe::timestamp(modified),
        crc64: Some(crc64),
        version_id: version.map(Version::id),
    }
}

fn answer(
    result: &CopyResult,
    root: &str,
    version: Option<Version>,
    source_version: Option<Version>,
) -> Response<ResponseBody> {
    let mut response = xml(&result.to_element(root));
    let headers = response.headers_mut();
    if let Some(crc64) = result.crc64 {
        describe::add_checksums(headers, &result.etag, crc64);
    }
    describe::add_version(headers, version);
    if let Some(version) = source_version {
        describe::insert_text(headers, SOURCE_VERSION_ID, &version.id());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_named_in_any_of_the_forms_that_clients_send() {
        for (header, key) in [
            ("b-1.cos.ap-guangzhou.myqcloud.com/a/%C3%A9%252F", "a/é%2F"),
            ("b-1.127.0.0.1:9000/a%3FversionId=x", "a?versionId=x"),
            ("127.0.0.1:9000/b-1/a//b", "a//b"),
            ("/b-1/a+b", "a+b"),
            ("b-1/a", "a"),
        ] {
            let source = Source::parse(header).unwrap();
            assert_eq!(
                (source.bucket.as_str(), source.key.as_str()),
                ("b-1", key),
                "{header}"
            );
            assert_eq!(source.version, None);
        }
        let source = Source::parse("b-1.x/a?versionId=null").unwrap();
        assert_eq!(
            (source.key.as_str(), source.version),
            ("a", Some(VersionId::Null))
        );
        for (header, code) in [
            ("", Code::InvalidArgument),
            ("b-1.x", Code::InvalidArgument),
            ("b-1.x/", Code::InvalidArgument),
            ("localhost/a", Code::InvalidArgument),
            ("b-1.x/%ff", Code::InvalidArgument),
            ("b-1.x/a?versionId=7", Code::NoSuchVersion),
        ] {
            assert_eq!(Source::parse(header).unwrap_err().code, code, "{header}");
        }
    }
}
