//! PUT, GET, HEAD and DELETE Object: the bytes, and what is stored beside them.

use bytes::Bytes;
use cos_transport::checksum::{Crc64, content_md5};
use cos_transport::{Body, StorageClass, TrafficLimit};
use futures_util::stream;

use super::bench::{code, conform, status};

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| ((i * 7 + i / 251) & 0xff) as u8).collect()
}

#[tokio::test]
async fn bytes_come_back_with_etag_and_crc() {
    conform(&[], async |bench| {
        for len in [0, 1, 16 * 1024, (1 << 20) + 3] {
            let (key, bytes) = (bench.key(&format!("o-{len}")), pattern(len));
            let stored = bench.bucket.put_object(key.clone(), bytes.clone());
            let stored = stored.send().await.unwrap();
            let md5 = hex::encode(base64_decode(&content_md5(&bytes)));
            assert_eq!(stored.etag.as_str(), md5);
            assert_eq!(stored.crc64, Some(Crc64::of(&bytes)));
            assert!(!stored.request_id.is_empty());

            let head = bench.bucket.head_object(key.clone()).send().await.unwrap();
            assert_eq!(
                (head.content_length, head.etag.as_str()),
                (len as u64, md5.as_str())
            );
            assert_eq!(head.crc64, stored.crc64);
            assert!(head.last_modified.is_some());
            assert_eq!(head.attributes.storage_class, Some(StorageClass::Standard));

            let got = bench.bucket.get_object(key).send().await.unwrap();
            assert_eq!(got.total_len(), len as u64);
            assert_eq!(got.head.accept_ranges.as_deref(), Some("bytes"));
            assert_eq!(got.body.collect(len).await.unwrap(), bytes);
        }
    })
    .await;
}

fn base64_decode(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

#[tokio::test]
async fn headers_and_metadata_come_back() {
    conform(&[], async |bench| {
        let key = bench.key("o");
        let put = bench.bucket.put_object(key.clone(), "text");
        let put = put
            .content_type("text/plain; charset=utf-8")
            .content_language("de")
            .content_disposition("attachment; filename=\"a.txt\"")
            .content_encoding("identity")
            .cache_control("max-age=60")
            .expires("Mon, 28 Oct 2019 20:30:00 GMT")
            .storage_class(StorageClass::StandardIa)
            .metadata("owner", "ann")
            .metadata("x-cos-meta-empty-not", "a  b");
        put.send().await.unwrap();
        let get = bench.bucket.get_object(key.clone()).send().await.unwrap();
        let head = bench.bucket.head_object(key).send().await.unwrap();
        for stored in [head.attributes, get.head.attributes] {
            assert_eq!(stored.content_type.as_deref(), Some("text/plain; charset=utf-8"));
            assert_eq!(stored.content_language.as_deref(), Some("de"));
            assert_eq!(
                stored.content_disposition.as_deref(),
                Some("attachment; filename=\"a.txt\"")
            );
            assert_eq!(stored.content_encoding.as_deref(), Some("identity"));
            assert_eq!(stored.cache_control.as_deref(), Some("max-age=60"));
            assert_eq!(stored.expires.as_deref(), Some("Mon, 28 Oct 2019 20:30:00 GMT"));
            assert_eq!(stored.storage_class, Some(StorageClass::StandardIa));
            let metadata: Vec<_> = stored.metadata.iter().collect();
            assert_eq!(metadata.len(), 2);
            assert_eq!(stored.metadata.get("owner"), Some("ann"));
            assert_eq!(stored.metadata.get("empty-not"), Some("a  b"));
        }
    })
    .await;
}

#[tokio::test]
async fn an_overwrite_replaces_everything() {
    conform(&[], async |bench| {
        let key = bench.key("o");
        let first = bench.bucket.put_object(key.clone(), "first and long");
        first
            .metadata("a", "1")
            .content_type("text/plain")
            .send()
            .await
            .unwrap();
        let second = bench.bucket.put_object(key.clone(), "second").metadata("b", "2");
        second.send().await.unwrap();
        let head = bench.bucket.head_object(key.clone()).send().await.unwrap();
        assert_eq!((head.content_length, head.metadata().get("a")), (6, None));
        assert_eq!(head.metadata().get("b"), Some("2"));
        assert_eq!(bench.text(&key).await, "second");
    })
    .await;
}

#[tokio::test]
async fn a_file_and_a_stream_are_bodies() {
    conform(&[], async |bench| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, "from a file").unwrap();
        let key = bench.key("file");
        let put = bench
            .bucket
            .put_object_from_file(key.clone(), &path)
            .await
            .unwrap();
        put.compute_md5().send().await.unwrap();
        assert_eq!(bench.text(&key).await, "from a file");

        let pieces = ["from ", "a stream"].map(|piece| Ok(Bytes::from(piece)));
        let key = bench.key("stream");
        let body = Body::from_stream(13, stream::iter(pieces));
        bench.bucket.put_object(key.clone(), body).send().await.unwrap();
        assert_eq!(bench.text(&key).await, "from a stream");
    })
    .await;
}

#[tokio::test]
async fn a_folder_object_is_there_and_goes() {
    conform(&[], async |bench| {
        let key = bench.key("path/to/dir/");
        bench
            .bucket
            .put_folder(key.clone())
            .unwrap()
            .send()
            .await
            .unwrap();
        assert_eq!(bench.names().await, ["path/to/dir/"]);
        assert_eq!(bench.text(&key).await, "");
        bench.bucket.delete_object(key).send().await.unwrap();
        assert!(bench.names().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn content_md5_is_compared() {
    conform(&[], async |bench| {
        let put = |body: &'static str| bench.bucket.put_object(bench.key("o"), body);
        put("text")
            .content_md5(content_md5(b"text"))
            .send()
            .await
            .unwrap();
        put("more").compute_md5().send().await.unwrap();
        let wrong = put("text").content_md5(content_md5(b"other")).send().await;
        assert_eq!(code(wrong), "BadDigest");
        assert_eq!(bench.text(&bench.key("o")).await, "more");
    })
    .await;
}

#[tokio::test]
async fn the_speed_of_a_connection_can_be_limited() {
    conform(&[], async |bench| {
        let limit = TrafficLimit::bits_per_second(838_860_800).unwrap();
        let key = bench.key("o");
        let put = bench.bucket.put_object(key.clone(), "text").traffic_limit(limit);
        put.send().await.unwrap();
        let get = bench
            .bucket
            .get_object(key)
            .traffic_limit(limit)
            .send()
            .await
            .unwrap();
        assert_eq!(get.body.collect(10).await.unwrap(), "text");
    })
    .await;
}

#[tokio::test]
async fn an_answers_headers_can_be_overridden() {
    conform(&[], async |bench| {
        let key = bench.put("o", "text").await;
        let get = bench.bucket.get_object(key);
        let get = get
            .response_content_type("text/html")
            .response_content_language("fr")
            .response_content_disposition("inline")
            .response_content_encoding("identity")
            .response_cache_control("no-store")
            .response_expires("Mon, 28 Oct 2019 20:30:00 GMT");
        let stored = get.send().await.unwrap().head.attributes;
        assert_eq!(stored.content_type.as_deref(), Some("text/html"));
        assert_eq!(stored.content_language.as_deref(), Some("fr"));
        assert_eq!(stored.content_disposition.as_deref(), Some("inline"));
        assert_eq!(stored.content_encoding.as_deref(), Some("identity"));
        assert_eq!(stored.cache_control.as_deref(), Some("no-store"));
        assert_eq!(stored.expires.as_deref(), Some("Mon, 28 Oct 2019 20:30:00 GMT"));
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    conform(&[], async |bench| {
        let key = bench.key("missing");
        assert_eq!(
            code(bench.bucket.get_object(key.clone()).send().await),
            "NoSuchKey"
        );
        let head = bench.bucket.head_object(key.clone()).send().await;
        assert!(head.as_ref().unwrap_err().is_not_found());
        assert_eq!(status(head), 404);
        // An object that is not there counts as deleted.
        bench.bucket.delete_object(key.clone()).send().await.unwrap();
        let key = bench.put("there", "text").await;
        for _ in 0..2 {
            bench.bucket.delete_object(key.clone()).send().await.unwrap();
            assert_eq!(
                code(bench.bucket.get_object(key.clone()).send().await),
                "NoSuchKey"
            );
        }
    })
    .await;
}
