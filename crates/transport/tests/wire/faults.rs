//! Servers and networks that fail.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cos_transport::{Body, Error, IntegrityError, NetworkError};
use futures_util::stream;

use super::script::{Reply, Script, raw, reply};

const STORED: &[(&str, &str)] = &[("ETag", "\"e\"")];

fn busy() -> Reply {
    reply(
        "503 Slow Down",
        &[("x-cos-request-id", "R")],
        "<Error><Code>SlowDown</Code><Message>later</Message></Error>",
    )
}

#[tokio::test]
async fn a_stumbling_service_is_asked_again_with_the_same_bytes() {
    for fault in [
        busy(),
        reply("500 Oops", &[], ""),
        Reply::Close,
        raw("HTTP/1.1 200 OK\r\nContent-"),
        Reply::Silence,
    ] {
        let script = Script::new([fault.clone(), fault, reply("200 OK", STORED, "")]).await;
        script
            .bucket(4)
            .put_object("k".parse().unwrap(), "abc")
            .send()
            .await
            .unwrap();
        let requests = script.requests();
        assert_eq!(requests.len(), 3);
        assert!(requests.iter().all(|r| r.body == b"abc"));
        assert_eq!(requests[0].header("x-cos-sdk-retry"), None);
        assert_eq!(requests[1].header("x-cos-sdk-retry"), Some("true"));
    }
}

#[tokio::test]
async fn attempts_end() {
    let script = Script::new([busy()]).await;
    let error = script
        .bucket(3)
        .head_object("k".parse().unwrap())
        .send()
        .await
        .unwrap_err();
    assert_eq!(script.requests().len(), 3);
    assert_eq!(error.service().unwrap().status, 503);
}

#[tokio::test]
async fn a_body_from_a_stream_is_sent_once() {
    let script = Script::new([busy(), reply("200 OK", STORED, "")]).await;
    let body = Body::from_stream(3, stream::iter([Ok(Bytes::from_static(b"abc"))]));
    let error = script
        .bucket(4)
        .put_object("k".parse().unwrap(), body)
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.service().unwrap().code, "SlowDown");
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test]
async fn refusals_are_final_and_told_whole() {
    let document = "<?xml version='1.0'?><Error><Code>NoSuchKey</Code><Message>gone</Message><Resource>/k</Resource><RequestId>R1</RequestId><TraceId>T1</TraceId></Error>";
    let script = Script::new([reply("404 Not Found", &[], document)]).await;
    let error = script
        .bucket(4)
        .get_object("k".parse().unwrap())
        .send()
        .await
        .unwrap_err();
    assert_eq!(script.requests().len(), 1);
    assert!(error.is_not_found() && error.help().is_some());
    let told = error.service().unwrap();
    assert_eq!(
        (told.code.as_str(), told.message.as_str(), told.resource.as_str()),
        ("NoSuchKey", "gone", "/k")
    );
    assert_eq!((told.request_id.as_str(), told.trace_id.as_str()), ("R1", "T1"));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Script::new([reply("200 OK", STORED, "")]).await;
    let location = format!("http://{}/k", elsewhere.address());
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"] {
        let headers = [
            ("Location", location.as_str()),
            ("x-cos-bucket-region", "ap-beijing"),
        ];
        let script = Script::new([reply(status, &headers, "")]).await;
        let error = script
            .bucket(4)
            .get_object("k".parse().unwrap())
            .send()
            .await
            .unwrap_err();
        assert!(error.to_string().contains("ap-beijing"), "{error}");
        assert_eq!(script.requests().len(), 1);
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn other_bytes_than_were_asked_for_are_refused() {
    let range = |status: &str, content_range: &str| {
        reply(status, &[STORED[0], ("Content-Range", content_range)], "abc")
    };
    for fault in [
        reply("200 OK", STORED, "abc"),
        range("206 Partial Content", "bytes 0-2/9"),
        range("206 Partial Content", "bytes 5-6/9"),
        range("206 Partial Content", "bytes 5-7/6"),
        range("206 Partial Content", "nonsense"),
        reply("206 Partial Content", STORED, "abc"),
    ] {
        let script = Script::new([fault]).await;
        let error = script
            .bucket(1)
            .get_object("k".parse().unwrap())
            .range(5..8)
            .send()
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Protocol(_)), "{error}");
    }
    let script = Script::new([range("206 Partial Content", "bytes 0-2/9")]).await;
    let error = script
        .bucket(1)
        .get_object("k".parse().unwrap())
        .send()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Protocol(_)), "{error}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_not_an_end() {
    for answer in [
        "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 10\r\n\r\n",
    ] {
        let script = Script::new([raw(answer)]).await;
        let got = script
            .bucket(1)
            .get_object("k".parse().unwrap())
            .send()
            .await
            .unwrap();
        assert!(got.body.collect(100).await.is_err());
    }
    // An answer without a length could end anywhere.
    let script = Script::new([raw(
        "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    )])
    .await;
    assert!(
        script
            .bucket(1)
            .get_object("k".parse().unwrap())
            .send()
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_body_that_stands_still_ends_in_an_error() {
    let (client, server) = (Script::new([Reply::Silence]).await, Instant::now());
    let error = client
        .bucket(1)
        .get_object("k".parse().unwrap())
        .send()
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Network(NetworkError::Stalled { seconds: 1, .. })),
        "{error}"
    );
    assert!(server.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn changed_bytes_are_seen_both_ways() {
    let wrong = [STORED[0], ("x-cos-hash-crc64ecma", "1")];
    let script = Script::new([reply("200 OK", &wrong, ""), reply("200 OK", &wrong, "abc")]).await;
    let bucket = script.bucket(1);
    let error = bucket
        .put_object("k".parse().unwrap(), "abc")
        .send()
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Integrity(IntegrityError::Upload { received: 1, .. })
        ),
        "{error}"
    );
    let got = bucket.get_object("k".parse().unwrap()).send().await.unwrap();
    let error = got.body.collect(10).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Integrity(IntegrityError::Download { stored: 1, .. })
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_put_without_an_etag_is_not_taken_for_stored() {
    let script = Script::new([reply("200 OK", &[], "<Error><Code>InternalError</Code></Error>")]).await;
    assert!(matches!(
        script.bucket(1).put_object("k".parse().unwrap(), "").send().await,
        Err(Error::Protocol(_))
    ));
}

#[tokio::test]
async fn floods_are_bounded() {
    let header = format!("x-filler: {}\r\n", "x".repeat(8000));
    let flood = raw(format!("HTTP/1.1 200 OK\r\n{}\r\n", header.repeat(300)));
    let many: String = (0..5000).map(|i| format!("x-{i}: 1\r\n")).collect();
    for answer in [flood, raw(format!("HTTP/1.1 200 OK\r\n{many}\r\n"))] {
        let script = Script::new([answer]).await;
        assert!(
            script
                .bucket(1)
                .head_object("k".parse().unwrap())
                .send()
                .await
                .is_err()
        );
    }
    let endless = format!("<ListBucketResult>{}", "<a/>".repeat(5_000_000));
    let script = Script::new([reply("200 OK", &[], &endless)]).await;
    assert!(script.bucket(1).list_objects().send().await.is_err());
    let error = reply("400 Bad Request", &[], &"x".repeat(1_000_000));
    let error = Script::new([error])
        .await
        .bucket(1)
        .list_objects()
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.service().unwrap().status, 400);
}

#[tokio::test]
async fn a_server_that_is_gone_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let bucket = cos_transport::Client::builder()
        .endpoint(format!("http://{address}").parse().unwrap())
        .credentials(cos_transport::Credentials::new("a", "b").unwrap())
        .retry(cos_transport::RetryPolicy::never())
        .build()
        .unwrap()
        .bucket("bench-1".parse().unwrap());
    let error = bucket.head().await.unwrap_err();
    assert!(
        matches!(error, Error::Network(NetworkError::Connect { .. })),
        "{error}"
    );
    assert!(
        error.to_string().contains(&address) && error.help().is_some(),
        "{error}"
    );
}

#[tokio::test]
async fn a_stream_that_goes_on_behind_its_announced_length_stores_nothing() {
    let more = || stream::iter([Ok(Bytes::from_static(b"abc")), Ok(Bytes::from_static(b"d"))]);
    let fails = || {
        stream::iter([
            Ok(Bytes::from_static(b"abc")),
            Err(std::io::Error::other("changed")),
        ])
    };
    let empty = || stream::iter([Err(std::io::Error::other("changed"))]);
    let bodies = [
        Body::from_stream(3, more()),
        Body::from_stream(3, fails()),
        Body::from_stream(0, empty()),
    ];
    for body in bodies {
        let script = Script::new([reply("200 OK", STORED, "")]).await;
        let error = script
            .bucket(1)
            .put_object("k".parse().unwrap(), body)
            .send()
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Source(_)), "{error}");
        // At most a request that broke off.
        assert!(
            script.requests().iter().all(|request| request.body.len() < 3),
            "{:?}",
            script.requests()
        );
    }
}

#[tokio::test]
async fn a_body_that_can_be_opened_again_is_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, vec![7; 300_000]).unwrap();
    let script = Script::new([busy(), Reply::Close, reply("200 OK", STORED, "")]).await;
    let body = Body::from_file(&path).await.unwrap();
    script
        .bucket(4)
        .put_object("k".parse().unwrap(), body)
        .send()
        .await
        .unwrap();
    let requests = script.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.body == vec![7; 300_000]));

    let body = Body::from_file(&path).await.unwrap();
    std::fs::write(&path, vec![8; 300_000]).unwrap();
    let error = script
        .bucket(1)
        .put_object("k".parse().unwrap(), body)
        .send()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("changed"), "{error}");
}

#[tokio::test]
async fn a_chunked_answer_does_not_get_around_the_announced_length() {
    let answer = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let script = Script::new([raw(answer)]).await;
    let got = script.bucket(1).get_object("k".parse().unwrap()).send().await;
    let complete = match got {
        Ok(got) => got.body.collect(100).await.is_ok(),
        Err(_) => false,
    };
    assert!(!complete);
}

#[tokio::test]
async fn metadata_that_comes_twice_is_refused() {
    let twice = [STORED[0], ("x-cos-meta-a", "1"), ("x-cos-meta-a", "2")];
    let script = Script::new([reply("200 OK", &twice, "abc")]).await;
    let error = script
        .bucket(1)
        .get_object("k".parse().unwrap())
        .send()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("twice"), "{error}");
}

#[tokio::test]
async fn how_long_the_service_wants_to_be_left_alone_is_told() {
    let script = Script::new([reply("503 Slow Down", &[("Retry-After", "7")], "")]).await;
    let error = script
        .bucket(1)
        .put_object("k".parse().unwrap(), "")
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
}
