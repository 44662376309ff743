//! Objects over raw HTTP: what is stored, what comes back, and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at what should not happen"
)]

mod common;

use common::{Answer, Fixture, body_files, pattern, raw};
use cos_transport::checksum::{Crc64, content_md5};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn an_object_comes_back_with_everything_said_of_it() {
    let fixture = Fixture::new().await;
    let put = fixture
        .object("PUT", "a/b.txt")
        .header("Content-Type", "text/plain; charset=utf-8")
        .header("Cache-Control", "max-age=60")
        .header("Content-Disposition", "attachment; filename=\"b.txt\"")
        .header("Content-Encoding", "identity")
        .header("Content-Language", "zh")
        .header("Expires", "Wed, 21 Oct 2037 07:28:00 GMT")
        .header("x-cos-meta-owner", "ann_b")
        .header("x-cos-storage-class", "STANDARD_IA")
        .header("x-cos-acl", "private")
        .body(b"123456789")
        .send()
        .await
        .expect(200);
    assert_eq!(put.header("ETag"), Some("\"25f9e794323b453885f5181f1b624d0b\""));
    assert_eq!(put.header("x-cos-hash-crc64ecma"), Some("11051210869376104954"));
    assert_eq!(put.header("Content-Length"), Some("0"));

    let get = fixture.get("a/b.txt").await.expect(200);
    assert_eq!(get.body, b"123456789");
    let head = fixture.object("HEAD", "a/b.txt").send().await.expect(200);
    assert_eq!(head.body, b"");
    for answer in [&get, &head] {
        for (name, value) in [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Cache-Control", "max-age=60"),
            ("Content-Disposition", "attachment; filename=\"b.txt\""),
            ("Content-Encoding", "identity"),
            ("Content-Language", "zh"),
            ("Expires", "Wed, 21 Oct 2037 07:28:00 GMT"),
            ("x-cos-meta-owner", "ann_b"),
            ("x-cos-storage-class", "STANDARD_IA"),
            ("ETag", "\"25f9e794323b453885f5181f1b624d0b\""),
            ("x-cos-hash-crc64ecma", "11051210869376104954"),
            ("Content-Length", "9"),
            ("Accept-Ranges", "bytes"),
            ("Server", "tencent-cos"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name}");
        }
        assert!(
            answer
                .header("Last-Modified")
                .is_some_and(|date| date.ends_with("GMT"))
        );
        assert!(answer.header("Date").is_some());
        assert!(answer.header("x-cos-request-id").is_some());
        assert!(answer.header("x-cos-trace-id").is_some());
    }
}

#[tokio::test]
async fn a_plain_object_has_the_defaults() {
    let fixture = Fixture::new().await;
    fixture.put("k", b"").await.expect(200);
    let head = fixture.object("HEAD", "k").send().await.expect(200);
    assert_eq!(head.header("Content-Type"), Some("application/octet-stream"));
    assert_eq!(head.header("Content-Length"), Some("0"));
    assert_eq!(head.header("x-cos-hash-crc64ecma"), Some("0"));
    assert_eq!(head.header("x-cos-storage-class"), None);
    assert_eq!(fixture.get("k").await.expect(200).body, b"");
}

#[tokio::test]
async fn bodies_of_every_kind_of_length_survive() {
    let fixture = Fixture::new().await;
    for length in [1, 8192, 8193, 262_144, 3_000_001] {
        let body = pattern(length);
        let put = fixture.put("k", &body).await.expect(200);
        assert_eq!(
            put.header("x-cos-hash-crc64ecma").unwrap(),
            Crc64::of(&body).to_string()
        );
        assert_eq!(fixture.get("k").await.expect(200).body, body, "{length}");
    }
}

#[tokio::test]
async fn odd_keys_are_stored_as_they_are_and_apart() {
    let fixture = Fixture::new().await;
    let longest = "%C3%A9".repeat(425);
    let keys = [
        "a//b",
        "a/b",
        "a/.%2Fb",
        "a%20b+c",
        "a%252Fb",
        "%E7%9B%AE%E5%BD%95/",
        "a%00b",
        "~'()*!",
        &longest,
    ];
    for key in keys {
        fixture.put(key, key.as_bytes()).await.expect(200);
    }
    for key in keys {
        assert_eq!(fixture.get(key).await.expect(200).text(), key);
    }
    let too_long = "k".repeat(851);
    fixture.put(&too_long, b"").await.expect_error(400, "KeyTooLong");
    fixture
        .put("/a", b"")
        .await
        .expect_error(400, "InvalidObjectName");
    fixture
        .put("a%1B", b"")
        .await
        .expect_error(400, "InvalidObjectName");
}

#[tokio::test]
async fn a_range_is_answered_by_exactly_its_bytes() {
    let fixture = Fixture::new().await;
    let body = pattern(1000);
    fixture.put("k", &body).await.expect(200);
    for (range, first, last) in [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=990-", 990, 999),
        ("bytes=-1", 999, 999),
        ("bytes=-5000", 0, 999),
        ("bytes=900-5000", 900, 999),
    ] {
        let answer = fixture
            .object("GET", "k")
            .header("Range", range)
            .send()
            .await
            .expect(206);
        assert_eq!(answer.body, &body[first..=last], "{range}");
        assert_eq!(
            answer.header("Content-Range"),
            Some(format!("bytes {first}-{last}/1000").as_str())
        );
        assert_eq!(
            answer.header("Content-Length"),
            Some((last - first + 1).to_string().as_str())
        );
        // Of the whole object, whatever the range.
        assert_eq!(
            answer.header("x-cos-hash-crc64ecma").unwrap(),
            Crc64::of(&body).to_string()
        );
    }
    for range in ["bytes=1000-", "bytes=1000-2000"] {
        let answer = fixture.object("GET", "k").header("Range", range).send().await;
        assert_eq!(
            answer.expect_error(416, "InvalidRange").header("Content-Range"),
            Some("bytes */1000")
        );
    }
    for range in ["bytes=5-3", "bytes=0-1,5-6", "lines=1-2", "bytes=x-y", "bytes=-"] {
        let answer = fixture
            .object("GET", "k")
            .header("Range", range)
            .send()
            .await
            .expect(200);
        assert_eq!(answer.body, body, "{range}");
    }
}

#[tokio::test]
async fn conditions_decide_before_the_body() {
    let fixture = Fixture::new().await;
    fixture.put("k", b"abc").await.expect(200);
    let etag = "\"900150983cd24fb0d6963f7d28e17f72\"";
    for method in ["GET", "HEAD"] {
        let with = |name: &str, value: &str| fixture.object(method, "k").header(name, value);
        with("If-Match", etag).send().await.expect(200);
        with("If-Match", "\"0\"").send().await.expect(412);
        let unchanged = with("If-None-Match", etag).send().await.expect(304);
        assert_eq!(
            (unchanged.body.as_slice(), unchanged.header("ETag")),
            (b"".as_slice(), Some(etag))
        );
        with("If-Modified-Since", "Wed, 21 Oct 2037 07:28:00 GMT")
            .send()
            .await
            .expect(304);
        with("If-Unmodified-Since", "Wed, 21 Oct 2015 07:28:00 GMT")
            .send()
            .await
            .expect(412);
    }
    let failed = fixture
        .object("GET", "k")
        .header("If-Match", "\"0\"")
        .send()
        .await;
    failed.expect_error(412, "PreconditionFailed");
}

#[tokio::test]
async fn an_answers_headers_can_be_overridden() {
    let fixture = Fixture::new().await;
    fixture.put("k", b"abc").await.expect(200);
    let query = "response-content-type=text%2Fcsv&response-content-language=de&response-expires=0\
                 &response-cache-control=no-store&response-content-disposition=inline&response-content-encoding=br";
    let answer = fixture
        .object("GET", &format!("k?{query}"))
        .send()
        .await
        .expect(200);
    for (name, value) in [
        ("Content-Type", "text/csv"),
        ("Content-Language", "de"),
        ("Expires", "0"),
        ("Cache-Control", "no-store"),
        ("Content-Disposition", "inline"),
        ("Content-Encoding", "br"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    fixture
        .object("GET", "k?response-expires=a%0Ab")
        .send()
        .await
        .expect_error(400, "InvalidArgument");
}

#[tokio::test]
async fn the_body_must_be_what_content_md5_says() {
    let fixture = Fixture::new().await;
    let put = |md5: &str| {
        fixture
            .object("PUT", "k")
            .header("Content-MD5", md5)
            .body(b"abc")
            .send()
    };
    put(&content_md5(b"abc")).await.expect(200);
    put(&content_md5(b"abd")).await.expect_error(400, "BadDigest");
    put("not base64").await.expect_error(400, "InvalidDigest");
    put("YWJj").await.expect_error(400, "InvalidDigest");
    assert_eq!(fixture.get("k").await.expect(200).body, b"abc");
}

#[tokio::test]
async fn metadata_has_its_limits() {
    let fixture = Fixture::new().await;
    let put = |name: &str, value: &str| fixture.object("PUT", "k").header(name, value).body(b"").send();
    let room = 2048 - "x-cos-meta-a".len();
    put("x-cos-meta-a", &"v".repeat(room)).await.expect(200);
    put("x-cos-meta-a", &"v".repeat(room + 1))
        .await
        .expect_error(400, "MetadataTooLarge");
    put("x-cos-meta-a_b", "v")
        .await
        .expect_error(400, "InvalidArgument");
    put("x-cos-storage-class", "GLACIER")
        .await
        .expect_error(400, "InvalidArgument");
    put("x-cos-acl", "everybody")
        .await
        .expect_error(400, "InvalidArgument");
}

#[tokio::test]
async fn metadata_survives_byte_for_byte() {
    let fixture = Fixture::new().await;
    let signed = fixture.object("PUT", "k").body(b"");
    // The header with bytes outside ASCII is left out of the signature, as a proxy might have added it.
    let mut message = signed.head().into_bytes();
    message.extend_from_slice(b"x-cos-meta-bytes: \xe9\xff \xe4\xb8\xad\r\nConnection: close\r\n\r\n");
    raw(&fixture, &message).await.unwrap().expect(200);
    let head = fixture.object("HEAD", "k").send().await.expect(200);
    let latin1: String = b"\xe9\xff \xe4\xb8\xad".iter().copied().map(char::from).collect();
    assert_eq!(head.header("x-cos-meta-bytes"), Some(latin1.as_str()));
}

#[tokio::test]
async fn a_body_needs_a_length_or_chunks() {
    let fixture = Fixture::new().await;
    let none = fixture.object("PUT", "k").send().await;
    none.expect_error(411, "MissingContentLength");
    let too_large = fixture
        .object("PUT", "k")
        .header("Content-Length", "5368709121")
        .header("Expect", "100-continue");
    too_large.send().await.expect_error(400, "EntityTooLarge");

    let chunked = fixture.object("PUT", "k").header("Transfer-Encoding", "chunked");
    let message = format!(
        "{}Connection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        chunked.head()
    );
    raw(&fixture, message.as_bytes()).await.unwrap().expect(200);
    assert_eq!(fixture.get("k").await.expect(200).body, b"abcde");
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing() {
    let fixture = Fixture::new().await;
    fixture.put("old", b"old").await.expect(200);
    for key in ["new", "old"] {
        let call = fixture.object("PUT", key).header("Content-Length", "1000000");
        let mut stream = TcpStream::connect(fixture.server.address()).await.unwrap();
        stream
            .write_all(format!("{}\r\n", call.head()).as_bytes())
            .await
            .unwrap();
        stream.write_all(&pattern(500_000)).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        if !answer.is_empty() {
            Answer::parse(&answer).expect_error(400, "IncompleteBody");
        }
    }
    fixture.get("new").await.expect_error(404, "NoSuchKey");
    assert_eq!(fixture.get("old").await.expect(200).body, b"old");
    // The piece that was being written is finished before its file goes.
    for _ in 0..200 {
        if body_files(fixture.folder.path()) == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(body_files(fixture.folder.path()), 0);
}

#[tokio::test]
async fn a_chunked_body_that_breaks_off_leaves_nothing() {
    let fixture = Fixture::new().await;
    let chunked = fixture.object("PUT", "k").header("Transfer-Encoding", "chunked");
    let mut stream = TcpStream::connect(fixture.server.address()).await.unwrap();
    stream
        .write_all(format!("{}\r\n3\r\nabc\r\n", chunked.head()).as_bytes())
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    fixture.get("k").await.expect_error(404, "NoSuchKey");
}

#[tokio::test]
async fn deleting_is_final_and_repeatable() {
    let fixture = Fixture::new().await;
    fixture.put("k", b"abc").await.expect(200);
    for _ in 0..2 {
        let deleted = fixture.object("DELETE", "k").send().await.expect(204);
        assert_eq!(deleted.body, b"");
    }
    fixture.get("k").await.expect_error(404, "NoSuchKey");
    let head = fixture.object("HEAD", "k").send().await.expect(404);
    assert_eq!(head.body, b"");
    assert!(head.header("x-cos-request-id").is_some());
}

#[tokio::test]
async fn an_archived_object_is_not_read() {
    let fixture = Fixture::new().await;
    fixture
        .object("PUT", "k")
        .header("x-cos-storage-class", "ARCHIVE")
        .body(b"abc")
        .send()
        .await
        .expect(200);
    let head = fixture.object("HEAD", "k").send().await.expect(200);
    assert_eq!(head.header("x-cos-storage-class"), Some("ARCHIVE"));
    fixture.get("k").await.expect_error(403, "InvalidObjectState");
}

#[tokio::test]
async fn what_the_server_does_not_know_is_refused_and_changes_nothing() {
    let fixture = Fixture::new().await;
    fixture.put("k", b"abc").await.expect(200);
    for (name, value) in [
        ("x-cos-server-side-encryption", "AES256"),
        ("If-None-Match", "*"),
        ("x-cos-forbid-overwrite", "true"),
    ] {
        let refused = fixture
            .object("PUT", "k")
            .header(name, value)
            .body(b"")
            .send()
            .await;
        refused.expect_error(501, "NotImplemented");
    }
    fixture
        .object("PUT", "k?retention")
        .body(b"")
        .send()
        .await
        .expect_error(501, "NotImplemented");
    fixture
        .object("POST", "k")
        .body(b"")
        .send()
        .await
        .expect_error(405, "MethodNotAllowed");
    assert_eq!(fixture.get("k").await.expect(200).body, b"abc");
}

#[tokio::test]
async fn a_reader_gets_one_version_while_the_key_is_overwritten() {
    let fixture = Fixture::new().await;
    // Longer than what the sockets buffer, so that most is read after the overwrite.
    let first = pattern(64 * 1024 * 1024);
    fixture.put("k", &first).await.expect(200);
    let mut stream = TcpStream::connect(fixture.server.address()).await.unwrap();
    let head = format!("{}Connection: close\r\n\r\n", fixture.object("GET", "k").head());
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 100_000];
    stream.read_exact(&mut answer).await.unwrap();
    fixture.put("k", b"second").await.expect(200);
    fixture.object("DELETE", "k").send().await.expect(204);
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = Answer::parse(&answer);
    assert!(answer.body == first);
}

#[tokio::test]
async fn one_connection_serves_many_requests_and_says_continue() {
    let fixture = Fixture::new().await;
    let mut stream = TcpStream::connect(fixture.server.address()).await.unwrap();
    let put = fixture
        .object("PUT", "k")
        .header("Content-Length", "3")
        .header("Expect", "100-continue");
    stream
        .write_all(format!("{}\r\n", put.head()).as_bytes())
        .await
        .unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 100 "));
    stream.write_all(b"abc").await.unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 200 "));
    for _ in 0..3 {
        let head = fixture.object("HEAD", "k").head();
        stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
        assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 200 "));
    }
}

#[tokio::test]
async fn a_refused_upload_does_not_ask_for_its_body() {
    let fixture = Fixture::new().await;
    let call = fixture
        .call("PUT", "/absent-1250000000/k")
        .header("Content-Length", "3");
    let mut stream = TcpStream::connect(fixture.server.address()).await.unwrap();
    stream
        .write_all(format!("{}Expect: 100-continue\r\n\r\n", call.head()).as_bytes())
        .await
        .unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_sends_its_body_at_once() {
    let fixture = Fixture::new().await;
    let call = fixture
        .call("PUT", "/absent-1250000000/k")
        .body(&pattern(8 * 1024 * 1024));
    call.send().await.expect_error(404, "NoSuchBucket");
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}
