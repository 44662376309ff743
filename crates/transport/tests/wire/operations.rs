//! The other operations on whole objects: what they send, what they make of the answers.

use cos_transport::object::{CopySource, MetadataDirective};
use cos_transport::wire::delete::DeleteReport;
use cos_transport::wire::meta::{RestoreTier, Tagging, Versioning};
use cos_transport::wire::multipart::{CompletedPart, PartNumber};
use cos_transport::{
    Acl, Client, Credentials, ETag, Error, IntegrityError, StorageClass, checksum::Crc64,
    checksum::content_md5,
};

use super::requests::assert_signed;
use super::script::{Reply, Request, Script, reply};

pub(crate) const COPIED: &str =
    "<LastModified>2017-08-08T09:43:35.000Z</LastModified><ETag>\"e\"</ETag><CRC64>7</CRC64>";

pub(crate) fn source() -> CopySource {
    CopySource::new("other-1".parse().unwrap(), "a b/ü".parse().unwrap()).version_id("v 1")
}

/// The only request of a script, its signature checked.
pub(crate) fn only(script: &Script) -> Request {
    let requests = script.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_signed(&requests[0]);
    requests[0].clone()
}

pub(crate) fn assert_headers(request: &Request, headers: &[(&str, &str)]) {
    for (name, value) in headers {
        assert_eq!(request.header(name), Some(*value), "{name}");
    }
}

#[tokio::test]
async fn copy_object() {
    let answer = reply(
        "200 OK",
        &[
            ("x-cos-version-id", "new"),
            ("x-cos-copy-source-version-id", "v 1"),
        ],
        &format!("<CopyObjectResult>{COPIED}</CopyObjectResult>"),
    );
    let script = Script::new([answer]).await;
    let time = "2014-10-28T20:30:00Z".parse().unwrap();
    let copy = script.bucket(1).copy_object("k".parse().unwrap(), source());
    let copy = copy
        .metadata_directive(MetadataDirective::Replaced)
        .metadata("a", "b")
        .content_type("text/plain");
    let copy = copy.acl(Acl::Private).storage_class(StorageClass::StandardIa);
    let copy = copy
        .source_if_match(ETag::new("x"))
        .source_if_none_match(ETag::new("y"));
    let copied = copy
        .source_if_modified_since(time)
        .source_if_unmodified_since(time)
        .send()
        .await
        .unwrap();
    assert_eq!((copied.etag.as_str(), copied.crc64), ("e", Some(7)));
    assert_eq!(
        (copied.version_id.as_deref(), copied.source_version_id.as_deref()),
        (Some("new"), Some("v 1"))
    );

    let request = only(&script);
    assert!(request.line.starts_with("PUT /bench-1/k "), "{}", request.line);
    assert_headers(
        &request,
        &[
            (
                "x-cos-copy-source",
                &format!("other-1.{}/a%20b/%C3%BC?versionId=v%201", script.address()),
            ),
            ("x-cos-metadata-directive", "Replaced"),
            ("x-cos-copy-source-if-match", "\"x\""),
            ("x-cos-copy-source-if-none-match", "\"y\""),
            (
                "x-cos-copy-source-if-modified-since",
                "Tue, 28 Oct 2014 20:30:00 GMT",
            ),
            (
                "x-cos-copy-source-if-unmodified-since",
                "Tue, 28 Oct 2014 20:30:00 GMT",
            ),
            ("x-cos-meta-a", "b"),
            ("content-type", "text/plain"),
            ("x-cos-acl", "private"),
            ("x-cos-storage-class", "STANDARD_IA"),
            ("content-length", "0"),
        ],
    );
}

#[tokio::test]
async fn a_copy_names_the_region_of_its_source() {
    let script = Script::new([reply(
        "200 OK",
        &[],
        &format!("<CopyObjectResult>{COPIED}</CopyObjectResult>"),
    )])
    .await;
    let source = CopySource::new("other-1".parse().unwrap(), "k".parse().unwrap())
        .region("ap-beijing".parse().unwrap());
    script
        .bucket(1)
        .copy_object("k".parse().unwrap(), source)
        .send()
        .await
        .unwrap();
    assert_headers(
        &only(&script),
        &[
            ("x-cos-copy-source", "other-1.cos.ap-beijing.myqcloud.com/k"),
            ("x-cos-metadata-directive", "Copy"),
        ],
    );
}

#[tokio::test]
async fn copies_that_would_lose_something_are_refused_here() {
    let script = Script::new([Reply::Close]).await;
    let bucket = script.bucket(1);
    let own = CopySource::new("bench-1".parse().unwrap(), "k".parse().unwrap());
    let onto_itself = bucket
        .copy_object("k".parse().unwrap(), own)
        .send()
        .await
        .unwrap_err();
    assert!(onto_itself.to_string().contains("Replaced"), "{onto_itself}");
    // Naming the region does not make it another object.
    let cos = Client::builder().region("ap-seoul".parse().unwrap());
    let credentials = Credentials::new("AKID", "secret").unwrap();
    let own =
        CopySource::new("bench-1".parse().unwrap(), "k".parse().unwrap()).region("ap-seoul".parse().unwrap());
    let onto_itself = cos
        .credentials(credentials)
        .build()
        .unwrap()
        .bucket("bench-1".parse().unwrap())
        .copy_object("k".parse().unwrap(), own);
    let onto_itself = onto_itself.send().await.unwrap_err();
    assert!(onto_itself.to_string().contains("Replaced"), "{onto_itself}");
    let ignored = bucket
        .copy_object("k".parse().unwrap(), source())
        .metadata("a", "b")
        .send()
        .await
        .unwrap_err();
    assert!(ignored.to_string().contains("ignores"), "{ignored}");
    assert!(script.requests().is_empty());
}

#[tokio::test]
async fn an_error_in_an_answer_of_200_is_an_error() {
    let document =
        "  \n <Error><Code>InternalError</Code><Message>later</Message><RequestId>R</RequestId></Error>";
    let failing = reply("200 OK", &[], document);
    let copied = reply(
        "200 OK",
        &[],
        &format!("<CopyObjectResult>{COPIED}</CopyObjectResult>"),
    );
    let script = Script::new([failing.clone(), copied]).await;
    script
        .bucket(2)
        .copy_object("k".parse().unwrap(), source())
        .send()
        .await
        .unwrap();
    assert_eq!(script.requests().len(), 2);

    let script = Script::new([failing]).await;
    let error = script
        .bucket(1)
        .copy_object("k".parse().unwrap(), source())
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.service().unwrap().code, "InternalError");
    let part = CompletedPart {
        number: PartNumber::FIRST,
        etag: ETag::new("e"),
        check: None,
    };
    let error = script
        .bucket(1)
        .complete_multipart_upload("k".parse().unwrap(), "u", [part])
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.service().unwrap().request_id, "R");
}

#[tokio::test]
async fn delete_objects_splits_and_reports() {
    let answer = "<DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>";
    let script = Script::new([
        reply("200 OK", &[], answer),
        reply("200 OK", &[], answer),
        reply("204 No Content", &[], ""),
    ])
    .await;
    let keys = (0..1500).map(|i| (format!("k{i}").parse().unwrap(), (i == 0).then(|| "v".to_owned())));
    let odd = [("odd\u{1}".parse().unwrap(), None)];
    let done = script
        .bucket(1)
        .delete_objects(keys.chain(odd))
        .send()
        .await
        .unwrap();
    assert_eq!((done.deleted.len(), done.failed.len()), (3, 2));
    assert_eq!(done.failed[0].code, "AccessDenied");
    let requests = script.requests();
    let objects = |r: &Request| String::from_utf8_lossy(&r.body).matches("<Object>").count();
    assert_eq!((objects(&requests[0]), objects(&requests[1])), (1000, 500));
    assert!(
        requests[0].line.starts_with("POST /bench-1/?delete= "),
        "{}",
        requests[0].line
    );
    assert_eq!(
        requests[0].header("content-md5"),
        Some(content_md5(&requests[0].body).as_str())
    );
    assert!(String::from_utf8_lossy(&requests[0].body).contains("<Key>k0</Key><VersionId>v</VersionId>"));
    assert!(
        requests[2].line.starts_with("DELETE /bench-1/odd%01 "),
        "{}",
        requests[2].line
    );
    requests.iter().for_each(assert_signed);

    let script = Script::new([reply("200 OK", &[], "<DeleteResult/>")]).await;
    let quiet = script
        .bucket(1)
        .delete_objects([("a".parse().unwrap(), None)])
        .report(DeleteReport::Quiet);
    assert!(quiet.send().await.unwrap().deleted.is_empty());
    assert!(
        String::from_utf8(only(&script).body)
            .unwrap()
            .contains("<Quiet>true</Quiet>")
    );
}

#[tokio::test]
async fn append_object() {
    let headers = [
        ("ETag", "\"e\""),
        ("x-cos-next-append-position", "8"),
        ("x-cos-request-id", "R"),
    ];
    let script = Script::new([reply("200 OK", &headers, "")]).await;
    let appended = script
        .bucket(1)
        .append_object("k".parse().unwrap(), 5, "abc")
        .compute_md5()
        .send()
        .await
        .unwrap();
    assert_eq!((appended.next_position, appended.etag.as_str()), (8, "e"));
    let request = only(&script);
    assert!(
        request.line.starts_with("POST /bench-1/k?append=&position=5 "),
        "{}",
        request.line
    );
    assert_headers(
        &request,
        &[("content-length", "3"), ("content-md5", &content_md5(b"abc"))],
    );
}

#[tokio::test]
async fn an_append_that_did_not_arrive_whole_is_an_error() {
    let answer = |next: &str, crc: u64| {
        let crc = crc.to_string();
        let headers = [
            ("ETag", "\"e\""),
            ("x-cos-next-append-position", next),
            ("x-cos-hash-crc64ecma", crc.as_str()),
        ];
        reply("200 OK", &headers, "")
    };
    let crc = Crc64::of(b"abc");
    let append = async |answer, position| {
        let script = Script::new([answer]).await;
        let append = script
            .bucket(1)
            .append_object("k".parse().unwrap(), position, "abc");
        append.send().await
    };
    append(answer("3", crc), 0).await.unwrap();
    // Behind the beginning the CRC is that of more than was sent.
    append(answer("8", 1), 5).await.unwrap();
    let error = append(answer("3", 1), 0).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Integrity(IntegrityError::Upload { received: 1, .. })
        ),
        "{error}"
    );
    for next in ["2", "4", "0"] {
        let error = append(answer(next, crc), 0).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::Integrity(IntegrityError::Length { expected: 3, .. })
            ),
            "{error}"
        );
    }
    for next in ["", "-1", "x"] {
        assert!(matches!(
            append(answer(next, crc), 0).await,
            Err(Error::Protocol(_))
        ));
    }
    let full = append(answer("0", crc), 5 << 30).await.unwrap_err();
    assert!(full.to_string().contains("5 GiB"), "{full}");
}

#[tokio::test]
async fn an_append_is_not_repeated_blindly() {
    for fault in [Reply::Close, reply("500 Oops", &[], "")] {
        let script = Script::new([fault]).await;
        assert!(
            script
                .bucket(4)
                .append_object("k".parse().unwrap(), 0, "abc")
                .send()
                .await
                .is_err()
        );
        assert_eq!(script.requests().len(), 1);
    }
}

#[tokio::test]
async fn restore_object() {
    let script = Script::new([reply("202 Accepted", &[], "")]).await;
    let bucket = script.bucket(1);
    bucket
        .restore_object("k".parse().unwrap(), 3)
        .tier(RestoreTier::Bulk)
        .version_id("v")
        .send()
        .await
        .unwrap();
    let request = only(&script);
    assert!(
        request.line.starts_with("POST /bench-1/k?restore=&versionId=v "),
        "{}",
        request.line
    );
    let document = String::from_utf8(request.body.clone()).unwrap();
    assert!(document.ends_with("<RestoreRequest><Days>3</Days><CASJobParameters><Tier>Bulk</Tier></CASJobParameters></RestoreRequest>"));
    assert_eq!(
        request.header("content-md5"),
        Some(content_md5(&request.body).as_str())
    );
    assert!(
        bucket
            .restore_object("k".parse().unwrap(), 0)
            .send()
            .await
            .is_err()
    );
}

#[tokio::test]
async fn tags_access_and_versioning() {
    let tags = Tagging {
        tags: vec![("a".into(), "b".into())],
    };
    let policy = "<AccessControlPolicy><Owner><ID>1</ID></Owner><AccessControlList/></AccessControlPolicy>";
    let script = Script::new([
        reply("200 OK", &[], ""),
        reply("200 OK", &[], &tags.to_element().to_document()),
        reply("204 No Content", &[], ""),
        reply("200 OK", &[], ""),
        reply("200 OK", &[], policy),
        reply("200 OK", &[], ""),
        reply(
            "200 OK",
            &[],
            "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
        ),
    ])
    .await;
    let (bucket, key) = (script.bucket(1), "k".parse().unwrap());
    bucket.put_object_tagging(&key, &tags).await.unwrap();
    assert_eq!(bucket.get_object_tagging(&key).await.unwrap(), tags);
    bucket.delete_object_tagging(&key).await.unwrap();
    bucket.put_object_acl(&key, Acl::PublicRead).await.unwrap();
    assert_eq!(bucket.get_object_acl(&key).await.unwrap().owner.id, "1");
    bucket.put_versioning(Versioning::Enabled).await.unwrap();
    assert_eq!(bucket.get_versioning().await.unwrap(), Versioning::Enabled);
    let requests = script.requests();
    let lines: Vec<_> = requests
        .iter()
        .map(|r| r.line.trim_end_matches(" HTTP/1.1"))
        .collect();
    assert_eq!(
        lines,
        [
            "PUT /bench-1/k?tagging=",
            "GET /bench-1/k?tagging=",
            "DELETE /bench-1/k?tagging=",
            "PUT /bench-1/k?acl=",
            "GET /bench-1/k?acl=",
            "PUT /bench-1/?versioning=",
            "GET /bench-1/?versioning=",
        ]
    );
    assert_headers(&requests[3], &[("x-cos-acl", "public-read")]);
    requests.iter().for_each(assert_signed);

    let many = Tagging {
        tags: (0..11).map(|i| (i.to_string(), String::new())).collect(),
    };
    let twice = Tagging {
        tags: vec![("a".into(), "1".into()), ("a".into(), "2".into())],
    };
    for bad in [many, twice] {
        assert!(bucket.put_object_tagging(&key, &bad).await.is_err());
    }
    assert!(bucket.put_versioning(Versioning::Never).await.is_err());
}
