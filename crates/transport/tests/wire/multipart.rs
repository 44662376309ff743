//! Multipart uploads, and the listings that come in pages.

use cos_transport::wire::multipart::{CompletedPart, PartNumber};
use cos_transport::{Acl, Bucket, ETag, Error, checksum::Crc64};
use futures_util::TryStreamExt;

use super::operations::{COPIED, assert_headers, only, source};
use super::requests::assert_signed;
use super::script::{Reply, Script, reply};

#[tokio::test]
async fn a_multipart_upload_from_begin_to_end() {
    let begun = "<InitiateMultipartUploadResult><Bucket>bench-1</Bucket><Key>k</Key><UploadId>u+/=</UploadId></InitiateMultipartUploadResult>";
    let part_crc = Crc64::of(b"part").to_string();
    let whole_crc = Crc64::of(b"partpart").to_string();
    let part = reply(
        "200 OK",
        &[("ETag", "\"p\""), ("x-cos-hash-crc64ecma", &part_crc)],
        "",
    );
    let done = "<CompleteMultipartUploadResult><Location>l</Location><Bucket>bench-1</Bucket><Key>k</Key><ETag>\"e-2\"</ETag></CompleteMultipartUploadResult>";
    let script = Script::new([
        reply("200 OK", &[], begun),
        part.clone(),
        part,
        reply(
            "200 OK",
            &[("x-cos-hash-crc64ecma", &whole_crc)],
            &format!("   \n{done}"),
        ),
        reply("204 No Content", &[], ""),
    ])
    .await;
    let bucket = script.bucket(1);
    let key = || "k".parse().unwrap();
    let begun = bucket
        .create_multipart_upload(key())
        .metadata("a", "b")
        .acl(Acl::PublicRead)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            begun.upload_id.as_str(),
            begun.bucket.as_str(),
            begun.key.as_str()
        ),
        ("u+/=", "bench-1", "k")
    );
    let mut parts = Vec::new();
    for number in 1..=2 {
        let number = PartNumber::new(number).unwrap();
        parts.push(
            bucket
                .upload_part(key(), &begun.upload_id, number, "part")
                .compute_md5()
                .send()
                .await
                .unwrap()
                .part,
        );
    }
    let done = bucket
        .complete_multipart_upload(key(), &begun.upload_id, parts)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (done.etag.as_str(), done.location.as_str(), done.crc64),
        ("e-2", "l", Some(Crc64::of(b"partpart")))
    );
    bucket
        .abort_multipart_upload(key(), &begun.upload_id)
        .send()
        .await
        .unwrap();

    let requests = script.requests();
    let lines: Vec<_> = requests.iter().map(|r| r.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "POST /bench-1/k?uploads= HTTP/1.1",
            "PUT /bench-1/k?partNumber=1&uploadId=u%2B%2F%3D HTTP/1.1",
            "PUT /bench-1/k?partNumber=2&uploadId=u%2B%2F%3D HTTP/1.1",
            "POST /bench-1/k?uploadId=u%2B%2F%3D HTTP/1.1",
            "DELETE /bench-1/k?uploadId=u%2B%2F%3D HTTP/1.1",
        ]
    );
    assert_headers(
        &requests[0],
        &[("x-cos-meta-a", "b"), ("x-cos-acl", "public-read")],
    );
    let document = String::from_utf8(requests[3].body.clone()).unwrap();
    assert!(
        document.contains("<Part><PartNumber>1</PartNumber><ETag>&quot;p&quot;</ETag></Part>"),
        "{document}"
    );
    requests.iter().for_each(assert_signed);
}

fn part(number: u32, check: Option<(u64, u64)>) -> CompletedPart {
    CompletedPart {
        number: PartNumber::new(number).unwrap(),
        etag: ETag::new("p"),
        check,
    }
}

async fn complete(bucket: &Bucket, parts: Vec<CompletedPart>) -> Result<String, Error> {
    let done = bucket
        .complete_multipart_upload("k".parse().unwrap(), "u", parts)
        .send()
        .await?;
    Ok(done.etag.to_string())
}

#[tokio::test]
async fn a_lost_completion_is_resolved_by_looking() {
    let crc = Crc64::of(b"part");
    let parts = || vec![part(1, Some((4, crc)))];
    let gone = reply("404 Not Found", &[], "<Error><Code>NoSuchUpload</Code></Error>");
    let head = |etag: &str, crc: u64| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nETag: \"{etag}\"\r\nx-cos-hash-crc64ecma: {crc}\r\nConnection: close\r\n\r\n"
        );
        super::script::raw(head)
    };
    let script = Script::new([Reply::Close, gone.clone(), head("e-1", crc)]).await;
    assert_eq!(complete(&script.bucket(2), parts()).await.unwrap(), "e-1");

    // Another object under the same key, or no way to tell: the error stands.
    for other in [head("e-1", 1), head("e-2", crc), head("md5", crc), Reply::Close] {
        let script = Script::new([gone.clone(), other]).await;
        let error = complete(&script.bucket(1), parts()).await.unwrap_err();
        assert_eq!(error.service().unwrap().code, "NoSuchUpload");
    }
    let script = Script::new([gone, head("e-1", crc)]).await;
    assert!(complete(&script.bucket(1), vec![part(1, None)]).await.is_err());
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test]
async fn completions_that_cannot_be_right_are_refused() {
    let script = Script::new([Reply::Close]).await;
    assert!(complete(&script.bucket(1), vec![]).await.is_err());
    for numbers in [[2, 1], [1, 1]] {
        let error = complete(&script.bucket(1), numbers.map(|n| part(n, None)).into())
            .await
            .unwrap_err();
        assert!(error.to_string().contains("ascending"), "{error}");
    }
    assert!(script.requests().is_empty());
    let done = "<CompleteMultipartUploadResult><ETag>e-1</ETag></CompleteMultipartUploadResult>";
    let script = Script::new([reply("200 OK", &[("x-cos-hash-crc64ecma", "5")], done)]).await;
    assert!(matches!(
        complete(&script.bucket(1), vec![part(1, Some((4, 6)))]).await,
        Err(Error::Integrity(_))
    ));
}

#[tokio::test]
async fn upload_part_copy() {
    let answer = reply(
        "200 OK",
        &[("x-cos-copy-source-version-id", "v 1")],
        &format!("<CopyPartResult>{COPIED}</CopyPartResult>"),
    );
    let script = Script::new([answer]).await;
    let copy = script
        .bucket(1)
        .upload_part_copy("k".parse().unwrap(), "u", PartNumber::FIRST, source());
    let copied = copy
        .source_range(5, 9)
        .source_if_match(ETag::new("x"))
        .send()
        .await
        .unwrap();
    assert_eq!(copied.part.check, Some((5, 7)));
    assert_eq!(copied.source_version_id.as_deref(), Some("v 1"));
    let request = only(&script);
    assert!(
        request
            .line
            .starts_with("PUT /bench-1/k?partNumber=1&uploadId=u "),
        "{}",
        request.line
    );
    assert_headers(
        &request,
        &[
            ("x-cos-copy-source-range", "bytes=5-9"),
            ("x-cos-copy-source-if-match", "\"x\""),
        ],
    );
}

#[tokio::test]
async fn listings_of_uploads_parts_and_versions() {
    let uploads = |more: &str| {
        reply(
            "200 OK",
            &[],
            &format!(
                "<ListMultipartUploadsResult><EncodingType>url</EncodingType>{more}<Upload><Key>a%20b</Key><UploadId>u</UploadId><Initiated>2017-08-08T09:43:35.000Z</Initiated></Upload></ListMultipartUploadsResult>"
            ),
        )
    };
    let script = Script::new([uploads("<IsTruncated>true</IsTruncated><NextKeyMarker>a%20b</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>"), uploads("")]).await;
    let found: Vec<_> = script
        .bucket(1)
        .list_multipart_uploads()
        .prefix("p")
        .delimiter("/")
        .entries()
        .try_collect()
        .await
        .unwrap();
    assert_eq!((found.len(), found[0].key.as_str()), (2, "a b"));
    let requests = script.requests();
    assert_eq!(
        requests[0].line,
        "GET /bench-1/?uploads=&prefix=p&delimiter=%2F&max-uploads=1000&encoding-type=url HTTP/1.1"
    );
    assert!(
        requests[1].line.contains("&key-marker=a%20b&upload-id-marker=u&"),
        "{}",
        requests[1].line
    );

    let parts = |more: &str, n: u32| {
        reply(
            "200 OK",
            &[],
            &format!(
                "<ListPartsResult>{more}<Part><PartNumber>{n}</PartNumber><LastModified>2017-08-08T09:43:35.000Z</LastModified><ETag>\"e\"</ETag><Size>4</Size></Part></ListPartsResult>"
            ),
        )
    };
    let script = Script::new([parts("<IsTruncated>true</IsTruncated>", 1), parts("", 2)]).await;
    let found: Vec<_> = script
        .bucket(1)
        .list_parts("k".parse().unwrap(), "u")
        .entries()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(found.iter().map(|p| p.number.get()).collect::<Vec<_>>(), [1, 2]);
    let requests = script.requests();
    assert_eq!(
        requests[0].line,
        "GET /bench-1/k?uploadId=u&max-parts=1000&encoding-type=url HTTP/1.1"
    );
    assert!(
        requests[1].line.contains("&part-number-marker=1&"),
        "{}",
        requests[1].line
    );

    let versions = |more: &str| {
        reply(
            "200 OK",
            &[],
            &format!(
                "<ListVersionsResult>{more}<DeleteMarker><Key>k</Key><VersionId>v</VersionId><LastModified>2017-08-08T09:43:35.000Z</LastModified></DeleteMarker></ListVersionsResult>"
            ),
        )
    };
    let script = Script::new([versions("<IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker>"), versions("")]).await;
    let found: Vec<_> = script
        .bucket(1)
        .list_objects_versions()
        .pages()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(found.len(), 2);
    let requests = script.requests();
    assert_eq!(
        requests[0].line,
        "GET /bench-1/?versions=&max-keys=1000&encoding-type=url HTTP/1.1"
    );
    assert!(
        requests[1].line.contains("&key-marker=k&version-id-marker=v&"),
        "{}",
        requests[1].line
    );
    requests.iter().for_each(assert_signed);

    let bucket = script.bucket(1);
    assert!(
        bucket
            .list_objects_versions()
            .max_keys(1001)
            .send()
            .await
            .is_err()
    );
    assert!(
        bucket
            .list_multipart_uploads()
            .max_uploads(0)
            .send()
            .await
            .is_err()
    );
    assert!(
        bucket
            .list_parts("k".parse().unwrap(), "u")
            .max_parts(0)
            .send()
            .await
            .is_err()
    );
}
