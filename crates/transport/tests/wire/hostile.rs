//! Answers made to do harm: each ends in a plain error, soon, and without much memory.

use std::time::{Duration, Instant};

use cos_transport::object::CopySource;
use cos_transport::wire::multipart::{CompletedPart, PartNumber};
use cos_transport::{Bucket, ByteRange, ETag, Error};

use super::script::{Reply, Script, raw, reply};

/// Every call whose answer is a document, with the document's root.
async fn ask_all(document: impl Fn(&str) -> Vec<u8>) -> Vec<(&'static str, Result<(), Error>)> {
    let answer = |root: &str| {
        let document = document(root);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            document.len()
        );
        raw([head.into_bytes(), document].concat())
    };
    let key = || "k".parse().unwrap();
    let source = || CopySource::new("other-1".parse().unwrap(), "k".parse().unwrap());
    let part = || CompletedPart {
        number: PartNumber::FIRST,
        etag: ETag::new("e"),
        check: None,
    };
    let mut outcomes = Vec::new();
    macro_rules! ask {
        ($($root:literal: $call:expr),* $(,)?) => {$(
            let script = Script::new([answer($root)]).await;
            let call: fn(Bucket) -> _ = $call;
            outcomes.push(($root, call(script.bucket(1)).await.map(drop)));
        )*};
    }
    ask! {
        "ListBucketResult": |b: Bucket| b.list_objects().send(),
        "ListVersionsResult": |b: Bucket| b.list_objects_versions().send(),
        "ListMultipartUploadsResult": |b: Bucket| b.list_multipart_uploads().send(),
        "ListAllMyBucketsResult": |b: Bucket| b.client().list_buckets().send(),
    }
    for (root, outcome) in [
        ("ListPartsResult", {
            let script = Script::new([answer("ListPartsResult")]).await;
            script.bucket(1).list_parts(key(), "u").send().await.map(drop)
        }),
        ("CopyObjectResult", {
            let script = Script::new([answer("CopyObjectResult")]).await;
            script
                .bucket(1)
                .copy_object(key(), source())
                .send()
                .await
                .map(drop)
        }),
        ("InitiateMultipartUploadResult", {
            let script = Script::new([answer("InitiateMultipartUploadResult")]).await;
            let create = script.bucket(1).create_multipart_upload(key());
            create.send().await.map(drop)
        }),
        ("CompleteMultipartUploadResult", {
            let script = Script::new([answer("CompleteMultipartUploadResult")]).await;
            let complete = script.bucket(1).complete_multipart_upload(key(), "u", [part()]);
            complete.send().await.map(drop)
        }),
        ("DeleteResult", {
            let script = Script::new([answer("DeleteResult")]).await;
            script
                .bucket(1)
                .delete_objects([(key(), None)])
                .send()
                .await
                .map(drop)
        }),
        ("Tagging", {
            let script = Script::new([answer("Tagging")]).await;
            script.bucket(1).get_object_tagging(&key()).await.map(drop)
        }),
        ("AccessControlPolicy", {
            let script = Script::new([answer("AccessControlPolicy")]).await;
            script.bucket(1).get_object_acl(&key()).await.map(drop)
        }),
        ("VersioningConfiguration", {
            let script = Script::new([answer("VersioningConfiguration")]).await;
            script.bucket(1).get_versioning().await.map(drop)
        }),
    ] {
        outcomes.push((root, outcome));
    }
    outcomes
}

#[tokio::test]
async fn no_document_is_too_strange() {
    type Document = fn(&str) -> Vec<u8>;
    let documents: [(&str, Document); 9] = [
        ("deep", |root| format!("<{root}>{}", "<a>".repeat(100_000)).into()),
        ("a bomb", |root| {
            format!("<!DOCTYPE r [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><{root}>&b;</{root}>").into()
        }),
        ("an external entity", |root| {
            format!("<!DOCTYPE r SYSTEM 'file:///etc/passwd'><{root}/>").into()
        }),
        ("many elements", |root| {
            format!("<{root}>{}</{root}>", "<a/>".repeat(200_000)).into()
        }),
        ("a long text", |root| {
            format!("<{root}><Name>{}</Name></{root}>", "x".repeat(1 << 20)).into()
        }),
        ("not UTF-8", |root| {
            [
                format!("<{root}>").as_bytes(),
                b"\xff\xfe",
                format!("</{root}>").as_bytes(),
            ]
            .concat()
        }),
        ("broken off", |root| format!("<{root}><Name>b").into()),
        ("of another call", |_| b"<Other/>".to_vec()),
        ("empty", |_| Vec::new()),
    ];
    for (what, document) in documents {
        let started = Instant::now();
        for (root, outcome) in ask_all(document).await {
            let error = outcome.expect_err(what);
            assert!(matches!(error, Error::Protocol(_)), "{what} {root}: {error}");
            assert!(error.to_string().len() < 400, "{what} {root}: {error}");
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{what}");
    }
}

#[tokio::test]
async fn attributes_are_passed_over_however_many() {
    let attributes: String = (0..100_000).map(|i| format!(" a{i}='1'")).collect();
    let document = format!("<ListBucketResult{attributes}/>");
    let script = Script::new([reply("200 OK", &[], &document)]).await;
    let started = Instant::now();
    let page = script.bucket(1).list_objects().send().await.unwrap();
    assert!(page.contents.is_empty() && started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn values_that_cannot_be_are_told() {
    let entry = |size: &str, time: &str, etag: &str| {
        format!(
            "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>k</Key><Size>{size}</Size><LastModified>{time}</LastModified>{etag}</Contents></ListBucketResult>"
        )
    };
    let (time, etag) = ("2017-08-08T09:43:35.000Z", "<ETag>e</ETag>");
    for document in [
        entry("-1", time, etag),
        entry("18446744073709551616", time, etag),
        entry("1", "yesterday", etag),
        entry("1", "9999999-01-01T00:00:00Z", etag),
        entry("1", time, ""),
        "<ListBucketResult><EncodingType>rot13</EncodingType></ListBucketResult>".to_owned(),
        "<ListBucketResult><IsTruncated>perhaps</IsTruncated></ListBucketResult>".to_owned(),
        "<ListBucketResult><EncodingType>url</EncodingType><Prefix>%FF</Prefix></ListBucketResult>"
            .to_owned(),
    ] {
        let script = Script::new([reply("200 OK", &[], &document)]).await;
        let error = script.bucket(1).list_objects().send().await.unwrap_err();
        assert!(
            matches!(error, Error::Protocol(_)) && error.to_string().contains('<'),
            "{document}: {error}"
        );
    }
    for number in ["0", "10001", "-1", "x"] {
        let document = format!(
            "<ListPartsResult><Part><PartNumber>{number}</PartNumber><LastModified>{time}</LastModified>{etag}<Size>1</Size></Part></ListPartsResult>"
        );
        let script = Script::new([reply("200 OK", &[], &document)]).await;
        let parts = script.bucket(1).list_parts("k".parse().unwrap(), "u");
        assert!(matches!(parts.send().await, Err(Error::Protocol(_))), "{number}");
    }
}

#[tokio::test]
async fn headers_that_cannot_be_are_told() {
    let head = |headers: &str| raw(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{headers}\r\n"));
    let answers: [(&str, Reply); 9] = [
        ("length", head("ETag: \"e\"\r\nContent-Length: -1\r\n")),
        (
            "lengths",
            head("ETag: \"e\"\r\nContent-Length: 1\r\nContent-Length: 2\r\n"),
        ),
        (
            "long length",
            head("ETag: \"e\"\r\nContent-Length: 99999999999999999999999\r\n"),
        ),
        (
            "crc",
            head("ETag: \"e\"\r\nContent-Length: 1\r\nx-cos-hash-crc64ecma: abc\r\n"),
        ),
        (
            "long crc",
            head("ETag: \"e\"\r\nContent-Length: 1\r\nx-cos-hash-crc64ecma: 18446744073709551616\r\n"),
        ),
        ("NUL", head("ETag: \"\0\"\r\nContent-Length: 1\r\n")),
        ("no name", head(": x\r\nContent-Length: 1\r\n")),
        ("no HTTP", raw("SSH-2.0-OpenSSH_9.6\r\n\r\n")),
        ("no status", raw("HTTP/1.1 999999 OK\r\n\r\n")),
    ];
    for (what, answer) in answers {
        let script = Script::new([answer]).await;
        let head = script.bucket(1).head_object("k".parse().unwrap()).send().await;
        let error = head.expect_err(what);
        assert!(
            matches!(error, Error::Protocol(_) | Error::Network(_)),
            "{what}: {error}"
        );
    }
    // What is only odd is not lost, and does not stop the rest.
    let odd = "ETag: e\r\nContent-Length: 1\r\nLast-Modified: yesterday\r\nx-cos-meta-a: \u{e9}\r\nx-cos-restore: ?\r\n";
    let script = Script::new([head(odd)]).await;
    let head = script.bucket(1).head_object("k".parse().unwrap()).send().await;
    let head = head.unwrap();
    assert_eq!((head.last_modified, head.metadata().get("a")), (None, Some("é")));
}

#[tokio::test]
async fn bytes_behind_the_announced_length_are_not_part_of_the_body() {
    let answer = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabcdef";
    let script = Script::new([raw(answer)]).await;
    let got = script
        .bucket(1)
        .get_object("k".parse().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(got.body.collect(100).await.unwrap(), "abc");
}

#[tokio::test]
async fn every_kind_of_range_is_checked() {
    let partial = |content_range: &str, body: &str| {
        let headers = [("ETag", "\"e\""), ("Content-Range", content_range)];
        reply("206 Partial Content", &headers, body)
    };
    let cases: [(ByteRange, &str, &str); 8] = [
        (ByteRange::Suffix(3), "bytes 0-2/9", "abc"),
        (ByteRange::Suffix(3), "bytes 7-8/9", "ab"),
        (ByteRange::From(5), "bytes 5-7/9", "abc"),
        (ByteRange::From(5), "bytes 5-8/*", "abcd"),
        (ByteRange::Inclusive(0, 2), "bytes 0-2/9", "abcd"),
        (ByteRange::Inclusive(0, 2), "bytes 0-1/9", "ab"),
        (
            ByteRange::Inclusive(0, 2),
            "bytes 0-18446744073709551615/18446744073709551615",
            "abc",
        ),
        (ByteRange::Inclusive(0, 2), "items 0-2/9", "abc"),
    ];
    for (range, content_range, body) in cases {
        let script = Script::new([partial(content_range, body)]).await;
        let get = script.bucket(1).get_object("k".parse().unwrap()).range(range);
        let error = get.send().await.unwrap_err();
        assert!(matches!(error, Error::Protocol(_)), "{content_range}: {error}");
    }
}

#[tokio::test]
async fn a_document_without_an_end_is_cut_off() {
    let mut answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..40 {
        answer.extend_from_slice(b"80000\r\n");
        answer.extend(std::iter::repeat_n(b' ', 0x80000));
        answer.extend_from_slice(b"\r\n");
    }
    let script = Script::new([raw(answer)]).await;
    let error = script.bucket(1).list_objects().send().await.unwrap_err();
    assert!(error.to_string().contains("longer"), "{error}");
}

#[tokio::test]
async fn a_refusal_of_any_size_and_shape_is_told_in_short() {
    let long = "x".repeat(30_000);
    for document in [
        format!("<Error><Code>{long}</Code><Message>{long}</Message></Error>"),
        format!("<Error><Code>A</Code>{}</Error>", "<a>".repeat(1000)),
        "<!DOCTYPE html><html><body>Bad Gateway</body></html>".to_owned(),
        "\u{0}\u{1b}[2J".to_owned(),
    ] {
        let script = Script::new([reply("400 Bad Request", &[], &document)]).await;
        let error = script.bucket(1).list_objects().send().await.unwrap_err();
        assert_eq!(error.service().unwrap().status, 400);
        assert!(error.to_string().len() < 100_000);
    }
}
