//! Multipart uploads over raw HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at what should not happen"
)]

mod common;

use common::{Answer, BUCKET, Fixture, Peer, body_files, pattern};
use cos_local::Server;
use cos_transport::checksum::Crc64;

const MIB: usize = 1024 * 1024;

async fn begin(peer: &Peer, key: &str) -> String {
    let begun = peer
        .object("POST", &format!("{key}?uploads"))
        .body(b"")
        .send()
        .await;
    begun.expect(200).element("UploadId").unwrap().to_owned()
}

async fn part(peer: &Peer, key: &str, upload: &str, number: u32, body: &[u8]) -> Answer {
    let uri = format!("{key}?partNumber={number}&uploadId={upload}");
    peer.object("PUT", &uri).body(body).send().await
}

fn etag(answer: &Answer) -> String {
    answer.header("ETag").unwrap().to_owned()
}

async fn complete(peer: &Peer, key: &str, upload: &str, parts: &[(u32, String)]) -> Answer {
    let parts: String = parts
        .iter()
        .map(|(number, etag)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"))
        .collect();
    let document = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    let call = peer.object("POST", &format!("{key}?uploadId={upload}"));
    call.body(document.as_bytes()).send().await
}

#[tokio::test]
async fn parts_become_one_object_with_what_was_said_at_the_beginning() {
    let fixture = Fixture::new().await;
    let begun = fixture
        .object("POST", "a/b?uploads")
        .header("Content-Type", "text/x")
        .header("x-cos-meta-owner", "ann")
        .header("x-cos-storage-class", "STANDARD_IA")
        .body(b"")
        .send()
        .await
        .expect(200);
    assert_eq!(begun.element("Bucket"), Some(BUCKET));
    assert_eq!(begun.element("Key"), Some("a/b"));
    let upload = begun.element("UploadId").unwrap().to_owned();
    fixture.get("a/b").await.expect_error(404, "NoSuchKey");

    let body = pattern(2 * MIB + 70_000);
    let mut parts = Vec::new();
    for (number, bytes) in (1..).zip(body.chunks(MIB)) {
        let stored = part(&fixture, "a/b", &upload, number, bytes).await.expect(200);
        assert_eq!(
            stored.header("x-cos-hash-crc64ecma").unwrap(),
            Crc64::of(bytes).to_string()
        );
        parts.push((number, etag(&stored)));
    }
    let done = complete(&fixture, "a/b", &upload, &parts).await.expect(200);
    let tag = done.element("ETag").unwrap().replace("&quot;", "\"");
    assert!(tag.ends_with("-3\"") && tag.len() == 36, "{tag}");
    assert!(done.element("Location").unwrap().ends_with("/a/b"));
    let crc = Crc64::of(&body).to_string();
    assert_eq!(done.header("x-cos-hash-crc64ecma"), Some(crc.as_str()));

    let got = fixture.get("a/b").await.expect(200);
    assert!(got.body == body);
    for (name, value) in [
        ("ETag", tag.as_str()),
        ("x-cos-hash-crc64ecma", &crc),
        ("Content-Type", "text/x"),
        ("x-cos-meta-owner", "ann"),
        ("x-cos-storage-class", "STANDARD_IA"),
    ] {
        assert_eq!(got.header(name), Some(value));
    }
    for (first, last) in [
        (0, 0),
        (MIB - 1, MIB),
        (MIB - 5, 2 * MIB + 5),
        (2 * MIB, body.len() - 1),
    ] {
        let range = fixture
            .object("GET", "a/b")
            .header("Range", &format!("bytes={first}-{last}"));
        assert!(range.send().await.expect(206).body == body[first..=last]);
    }
    let again = complete(&fixture, "a/b", &upload, &parts).await;
    again.expect_error(404, "NoSuchUpload");
    part(&fixture, "a/b", &upload, 1, b"x")
        .await
        .expect_error(404, "NoSuchUpload");
    fixture.object("DELETE", "a/b").send().await.expect(204);
    let Fixture { server, folder, .. } = fixture;
    server.shutdown().await;
    assert_eq!(body_files(folder.path()), 0);
}

#[tokio::test]
async fn a_part_that_is_sent_again_replaces_the_one_before_and_others_are_dropped() {
    let fixture = Fixture::new().await;
    let upload = begin(&fixture, "k").await;
    let first = etag(
        &part(&fixture, "k", &upload, 1, &pattern(2 * MIB))
            .await
            .expect(200),
    );
    let second = etag(&part(&fixture, "k", &upload, 1, &pattern(MIB)).await.expect(200));
    part(&fixture, "k", &upload, 2, &pattern(100_000))
        .await
        .expect(200);
    complete(&fixture, "k", &upload, &[(1, first)])
        .await
        .expect_error(400, "InvalidPart");
    complete(&fixture, "k", &upload, &[(1, second)]).await.expect(200);
    assert_eq!(fixture.get("k").await.expect(200).body.len(), MIB);
    let Fixture { server, folder, .. } = fixture;
    server.shutdown().await;
    assert_eq!(body_files(folder.path()), 1);
}

#[tokio::test]
async fn completion_has_rules() {
    let fixture = Fixture::new().await;
    let upload = begin(&fixture, "k").await;
    let mut parts = Vec::new();
    for (number, length) in [(1, MIB), (2, MIB - 1), (3, 5)] {
        let stored = part(&fixture, "k", &upload, number, &pattern(length))
            .await
            .expect(200);
        parts.push((number, etag(&stored)));
    }
    let pick = |numbers: &[usize]| numbers.iter().map(|i| parts[i - 1].clone()).collect::<Vec<_>>();
    let refused = async |named: Vec<(u32, String)>, code| {
        complete(&fixture, "k", &upload, &named)
            .await
            .expect_error(400, code);
    };
    refused(pick(&[2, 1]), "InvalidPartOrder").await;
    refused(pick(&[1, 1]), "InvalidPartOrder").await;
    refused(pick(&[1, 3]), "InvalidPart").await;
    refused(pick(&[1, 2, 3]), "EntityTooSmall").await;
    refused(vec![parts[0].clone(), (2, "\"00\"".into())], "InvalidPart").await;
    refused(
        [pick(&[3]), vec![(4, parts[2].1.clone())]].concat(),
        "InvalidPart",
    )
    .await;
    refused(Vec::new(), "MalformedXML").await;
    refused(vec![(10_001, parts[0].1.clone())], "MalformedXML").await;
    let elsewhere = complete(&fixture, "other", &upload, &pick(&[1, 2])).await;
    elsewhere.expect_error(404, "NoSuchUpload");
    fixture.get("k").await.expect_error(404, "NoSuchKey");
    complete(&fixture, "k", &upload, &pick(&[1, 2])).await.expect(200);
}

#[tokio::test]
async fn part_numbers_go_from_1_to_10000() {
    let fixture = Fixture::new().await;
    let upload = begin(&fixture, "k").await;
    part(&fixture, "k", &upload, 10_000, b"x").await.expect(200);
    for number in [0, 10_001, 70_000] {
        let refused = part(&fixture, "k", &upload, number, b"x").await;
        refused.expect_error(400, "InvalidArgument");
    }
    let nowhere = part(&fixture, "k", "0000", 1, b"x").await;
    nowhere.expect_error(404, "NoSuchUpload");
}

#[tokio::test]
async fn an_aborted_upload_is_gone_with_its_parts() {
    let fixture = Fixture::new().await;
    let upload = begin(&fixture, "k").await;
    part(&fixture, "k", &upload, 1, &pattern(MIB)).await.expect(200);
    let abort = || fixture.object("DELETE", &format!("k?uploadId={upload}")).send();
    abort().await.expect(204);
    abort().await.expect_error(404, "NoSuchUpload");
    part(&fixture, "k", &upload, 1, b"x")
        .await
        .expect_error(404, "NoSuchUpload");
    let Fixture { server, folder, .. } = fixture;
    server.shutdown().await;
    assert_eq!(body_files(folder.path()), 0);
}

#[tokio::test]
async fn parts_are_listed_in_pages() {
    let fixture = Fixture::new().await;
    let upload = begin(&fixture, "a%20b").await;
    for number in [1, 2, 5, 9] {
        part(&fixture, "a%20b", &upload, number, b"xyz").await.expect(200);
    }
    let list = |query: &str| {
        let call = fixture.object("GET", &format!("a%20b?uploadId={upload}{query}"));
        call.send()
    };
    let all = list("").await.expect(200);
    assert_eq!(all.elements("PartNumber"), ["1", "2", "5", "9"]);
    assert_eq!(all.elements("Size"), ["3", "3", "3", "3"]);
    assert_eq!(
        (all.element("IsTruncated"), all.element("MaxParts")),
        (Some("false"), Some("1000"))
    );
    assert_eq!(
        (all.element("Key"), all.element("NextPartNumberMarker")),
        (Some("a b"), None)
    );
    let first = list("&max-parts=2&encoding-type=url").await.expect(200);
    assert_eq!(first.elements("PartNumber"), ["1", "2"]);
    assert_eq!(
        (
            first.element("IsTruncated"),
            first.element("NextPartNumberMarker")
        ),
        (Some("true"), Some("2"))
    );
    assert_eq!(first.element("Key"), Some("a%20b"));
    let second = list("&max-parts=2&part-number-marker=2").await.expect(200);
    assert_eq!(second.elements("PartNumber"), ["5", "9"]);
    assert_eq!(second.element("IsTruncated"), Some("false"));
    list("&part-number-marker=x")
        .await
        .expect_error(400, "InvalidArgument");
}

#[tokio::test]
async fn uploads_are_listed_by_key_and_by_age() {
    let fixture = Fixture::new().await;
    for key in ["p/1", "a", "p/1", "p/2", "z"] {
        begin(&fixture, key).await;
    }
    let list = |query: &str| fixture.call("GET", &format!("/{BUCKET}/?uploads{query}")).send();
    let all = list("").await.expect(200);
    assert_eq!(all.elements("Key"), ["a", "p/1", "p/1", "p/2", "z"]);
    assert_eq!(all.elements("Upload").len(), 5);
    let folded = list("&delimiter=/").await.expect(200);
    assert_eq!(folded.elements("Key"), ["a", "z"]);
    assert_eq!(folded.element("CommonPrefixes"), Some("<Prefix>p/</Prefix>"));
    assert_eq!(list("&prefix=p/2").await.expect(200).elements("Key"), ["p/2"]);
    let behind = list("&key-marker=p/1").await.expect(200);
    assert_eq!(behind.elements("Key"), ["p/2", "z"]);
    // Without a key the upload's marker means nothing.
    assert_eq!(
        list("&upload-id-marker=9")
            .await
            .expect(200)
            .elements("Key")
            .len(),
        5
    );

    let (mut seen, mut query) = (Vec::new(), String::new());
    loop {
        let page = list(&format!("&max-uploads=2{query}")).await.expect(200);
        seen.extend(page.elements("UploadId").into_iter().map(str::to_owned));
        let Some(key) = page.element("NextKeyMarker") else {
            break;
        };
        query = format!(
            "&key-marker={key}&upload-id-marker={}",
            page.element("NextUploadIdMarker").unwrap()
        );
    }
    assert_eq!(seen, all.elements("UploadId"));
}

#[tokio::test]
async fn a_part_is_copied_from_another_object() {
    let fixture = Fixture::new().await;
    let source = pattern(3 * MIB);
    let stored = fixture.put("source", &source).await.expect(200);
    let upload = begin(&fixture, "k").await;
    let copy = |number: u32| {
        fixture
            .object("PUT", &format!("k?partNumber={number}&uploadId={upload}"))
            .header(
                "x-cos-copy-source",
                &format!("{BUCKET}.cos.ap-x.myqcloud.com/source"),
            )
            .header("Content-Length", "0")
    };
    let range = |first: usize, last: usize| format!("bytes={first}-{last}");
    let first = copy(1)
        .header("x-cos-copy-source-range", &range(5, MIB + 4))
        .header("x-cos-copy-source-If-Match", stored.header("ETag").unwrap())
        .send()
        .await
        .expect(200);
    assert!(first.text().contains("<CopyPartResult>"));
    let second = copy(2).send().await.expect(200);
    let beyond = copy(3)
        .header("x-cos-copy-source-range", &range(0, 3 * MIB))
        .send()
        .await;
    beyond.expect_error(416, "InvalidRange");
    let strange = copy(3).header("x-cos-copy-source-range", "bytes=5-").send().await;
    strange.expect_error(400, "InvalidArgument");
    let other = copy(3).header("x-cos-copy-source-If-Match", "\"x\"").send().await;
    other.expect_error(412, "PreconditionFailed");
    complete(&fixture, "k", &upload, &[(1, etag(&first)), (2, etag(&second))])
        .await
        .expect(200);
    let expected = [&source[5..MIB + 5], &source].concat();
    assert!(fixture.get("k").await.expect(200).body == expected);
}

#[tokio::test]
async fn an_upload_survives_a_restart() {
    let Fixture { server, folder, .. } = {
        let fixture = Fixture::new().await;
        let upload = begin(&fixture, "k").await;
        part(&fixture, "k", &upload, 1, &pattern(MIB)).await.expect(200);
        fixture
    };
    server.shutdown().await;
    let server = Server::new(folder.path()).start().await.unwrap();
    let peer = Peer {
        address: server.address(),
        credentials: server.credentials().clone(),
    };
    let listed = peer
        .call("GET", &format!("/{BUCKET}/?uploads"))
        .send()
        .await
        .expect(200);
    let upload = listed.element("UploadId").unwrap();
    let parts = peer
        .object("GET", &format!("k?uploadId={upload}"))
        .send()
        .await
        .expect(200);
    let first = parts.element("ETag").unwrap().replace("&quot;", "\"");
    let second = etag(&part(&peer, "k", upload, 2, b"end").await.expect(200));
    complete(&peer, "k", upload, &[(1, first), (2, second)])
        .await
        .expect(200);
    assert_eq!(
        peer.get("k").await.expect(200).body,
        [pattern(MIB), b"end".to_vec()].concat()
    );
}

#[tokio::test]
async fn a_bucket_with_an_unfinished_upload_is_not_empty() {
    let fixture = Fixture::new().await;
    let upload = begin(&fixture, "k").await;
    let delete = || fixture.call("DELETE", &format!("/{BUCKET}")).send();
    delete().await.expect_error(409, "BucketNotEmpty");
    fixture
        .object("DELETE", &format!("k?uploadId={upload}"))
        .send()
        .await
        .expect(204);
    delete().await.expect(204);
}
