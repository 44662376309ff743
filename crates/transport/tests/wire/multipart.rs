//! Multipart uploads: what they send, what they make of the answers.

use cos_transport::wire::multipart::{CompletedPart, PartNumber};
use cos_transport::{Acl, Bucket, ETag, Error, checksum::Crc64};

use super::operations::{COPIED, assert_headers, only, source};
use super::requests::assert_signed;
use super::script::{Reply, Script, reply};

#[tokio::test]
async fn a_multipart_upload_from_begin_to_end() {
    let begun = "<InitiateMultipartUploadResult><Bucket>bench-1</Bucket><Key>k</Key><UploadId>u+/=</UploadId></InitiateMultipartUploadResult>";
    let contents = [vec![7; 1 << 20], b"part".to_vec()];
    let whole_crc = Crc64::of(&contents.concat());
    let part = |content: &[u8]| {
        let crc = Crc64::of(content).to_string();
        let headers = [("ETag", "\"p\""), ("x-cos-hash-crc64ecma", crc.as_str())];
        reply("200 OK", &headers, "")
    };
    let done = "<CompleteMultipartUploadResult><Location>l</Location><Bucket>bench-1</Bucket><Key>k</Key><ETag>\"e-2\"</ETag></CompleteMultipartUploadResult>";
    let script = Script::new([
        reply("200 OK", &[], begun),
        part(&contents[0]),
        part(&contents[1]),
        reply(
            "200 OK",
            &[("x-cos-hash-crc64ecma", &whole_crc.to_string())],
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
    for (number, content) in (1..).zip(contents) {
        let number = PartNumber::new(number).unwrap();
        parts.push(
            bucket
                .upload_part(key(), &begun.upload_id, number, content)
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
        ("e-2", "l", Some(whole_crc))
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
    let mib = 1 << 20;
    for (lengths, rule) in [
        ([mib - 1, mib], "part 1 has less than 1 MiB"),
        ([50_000 << 30, 1], "50 000 GB"),
    ] {
        let parts = lengths.iter().zip(1..).map(|(len, n)| part(n, Some((*len, 0))));
        let error = complete(&script.bucket(1), parts.collect()).await.unwrap_err();
        assert!(error.to_string().contains(rule), "{error}");
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
    let time = "2014-10-28T20:30:00Z".parse().unwrap();
    let copy = copy
        .source_if_match(ETag::new("x"))
        .source_if_none_match(ETag::new("y"))
        .source_if_modified_since(time)
        .source_if_unmodified_since(time);
    let copied = copy.source_range(5, 9).send().await.unwrap();
    assert_eq!(copied.part.check, Some((5, 7)));
    assert_eq!(copied.last_modified.to_string(), "2017-08-08T09:43:35Z");
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
            ("x-cos-copy-source-if-none-match", "\"y\""),
            (
                "x-cos-copy-source-if-modified-since",
                "Tue, 28 Oct 2014 20:30:00 GMT",
            ),
            (
                "x-cos-copy-source-if-unmodified-since",
                "Tue, 28 Oct 2014 20:30:00 GMT",
            ),
        ],
    );
    for (first, last, rule) in [(9, 5, "empty"), (0, 5 << 30, "5 GiB"), (0, u64::MAX, "5 GiB")] {
        let copy = script
            .bucket(1)
            .upload_part_copy("k".parse().unwrap(), "u", PartNumber::FIRST, source());
        let error = copy.source_range(first, last).send().await.unwrap_err();
        assert!(error.to_string().contains(rule), "{error}");
    }
    assert_eq!(script.requests().len(), 1);
}
