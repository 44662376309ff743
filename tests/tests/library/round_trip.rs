//! What goes up comes back, from every kind of source, and nothing readable is on the way.

use bytes::Bytes;
use cos_encryption::client::Source;
use cos_encryption::{ContentFormat, Error};
use cos_transport::StorageClass;
use futures_util::stream;

use super::{Bench, FORMATS, pattern};

const SIZES: [usize; 13] = [
    0, 1, 15, 16, 17, 16_383, 16_384, 16_385, 32_768, 65_536, 1_048_575, 1_048_576, 2_100_000,
];

#[tokio::test(flavor = "multi_thread")]
async fn every_size_from_every_source_in_both_formats() {
    let bench = Bench::new().await;
    let folder = tempfile::tempdir().unwrap();
    for format in FORMATS {
        let bucket = bench.bucket(format);
        for size in SIZES {
            let plain = pattern(size);
            let path = folder.path().join("plain");
            std::fs::write(&path, &plain).unwrap();
            let pieces: Vec<_> = plain
                .chunks(100_003)
                .map(|c| Ok(Bytes::copy_from_slice(c)))
                .collect();
            let sources = [
                Source::from(plain.clone()),
                Source::file(&path),
                Source::stream(size as u64, stream::iter(pieces)),
                Source::reader(std::io::Cursor::new(plain.clone())),
            ];
            for source in sources {
                let what = format!("{size} bytes from {source:?} as {format:?}");
                let key = format!("folder/{size} é");
                let put = bucket
                    .put_object(key.parse().unwrap(), source)
                    .metadata("owner", "ann")
                    .send()
                    .await;
                assert_eq!(put.expect(&what).plain_len, size as u64, "{what}");
                let got = bucket.get_object(key.parse().unwrap()).send().await.expect(&what);
                assert_eq!(
                    (got.head.plain_len, got.plain_range.clone()),
                    (size as u64, 0..size as u64),
                    "{what}"
                );
                assert_eq!(got.head.metadata().iter().collect::<Vec<_>>(), [("owner", "ann")]);
                assert!(got.body.collect(size).await.expect(&what) == plain, "{what}");
                let head = bucket.head_object(key.parse().unwrap()).send().await.unwrap();
                assert_eq!(head.plain_len, size as u64);
                assert_eq!(head.format.is_authenticated(), format == ContentFormat::Sealed);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_reader_goes_through_a_file_of_ciphertext() {
    let bench = Bench::new().await;
    let plain = pattern(20_000_000);
    let source = Source::reader(std::io::Cursor::new(plain.clone()));
    let bucket = bench.bucket(ContentFormat::Sealed);
    bucket
        .put_object("long".parse().unwrap(), source)
        .send()
        .await
        .unwrap();
    let got = bucket.get_object("long".parse().unwrap()).send().await.unwrap();
    assert!(got.body.collect(plain.len()).await.unwrap() == plain);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_is_read_once_and_its_ciphertext_sent_again_when_the_connection_breaks() {
    let bench = Bench::new().await;
    for len in [100_000, 20_000_000] {
        let plain = pattern(len);
        let source = Source::reader(std::io::Cursor::new(plain.clone()));
        let bucket = bench.bucket(ContentFormat::Sealed);
        bench.recorder.break_once();
        bucket
            .put_object("k".parse().unwrap(), source)
            .send()
            .await
            .unwrap();
        let sent = bench.recorder.take();
        assert_eq!(sent.len(), 2);
        assert!(sent[0].body == sent[1].body, "{len}");
        let got = bucket.get_object("k".parse().unwrap()).send().await.unwrap();
        assert!(got.body.collect(len).await.unwrap() == plain);
        bench.recorder.take();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_encrypted_anew_when_the_connection_breaks() {
    let bench = Bench::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plain");
    std::fs::write(&path, pattern(100_000)).unwrap();
    let bucket = bench.bucket(ContentFormat::Sealed);
    bench.recorder.break_once();
    bucket
        .put_object("k".parse().unwrap(), Source::file(&path))
        .send()
        .await
        .unwrap();
    let sent = bench.recorder.take();
    assert_eq!(sent.len(), 2);
    assert!(sent[0].body != sent[1].body);
    let got = bucket.get_object("k".parse().unwrap()).send().await.unwrap();
    assert!(got.body.collect(100_000).await.unwrap() == pattern(100_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_run_of_plaintext_leaves_the_client() {
    let bench = Bench::new().await;
    let plain = pattern(300_000);
    for format in FORMATS {
        bench
            .bucket(format)
            .put_object("k".parse().unwrap(), plain.clone())
            .send()
            .await
            .unwrap();
        let sent = bench.recorder.take().pop().unwrap();
        assert!(sent.body.len() >= plain.len());
        let runs: std::collections::HashSet<&[u8]> = plain.windows(8).collect();
        assert!(!sent.body.windows(8).any(|run| runs.contains(run)), "{format:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writes_of_the_same_bytes_share_nothing() {
    let bench = Bench::new().await;
    let bucket = bench.bucket(ContentFormat::Sealed);
    let mut sent = Vec::new();
    for _ in 0..2 {
        bucket
            .put_object("k".parse().unwrap(), pattern(5000))
            .send()
            .await
            .unwrap();
        sent.extend(bench.recorder.take());
    }
    assert_ne!(sent[0].body, sent[1].body);
    let wrapped = |i: usize| {
        sent[i]
            .headers
            .iter()
            .find(|(n, _)| n == "x-cos-meta-client-side-encryption-key")
            .unwrap()
    };
    assert_ne!(wrapped(0), wrapped(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_beside_the_bytes_is_kept() {
    let bench = Bench::new().await;
    let bucket = bench.bucket(ContentFormat::Sealed);
    let put = bucket.put_object("k".parse().unwrap(), "text");
    let put = put
        .content_type("text/plain")
        .cache_control("no-store")
        .storage_class(StorageClass::StandardIa);
    put.content_disposition("attachment")
        .content_language("de")
        .expires("Wed, 28 Oct 2026 20:30:00 GMT")
        .send()
        .await
        .unwrap();
    let attributes = bucket
        .head_object("k".parse().unwrap())
        .send()
        .await
        .unwrap()
        .stored
        .attributes;
    assert_eq!(attributes.content_type.as_deref(), Some("text/plain"));
    assert_eq!(attributes.cache_control.as_deref(), Some("no-store"));
    assert_eq!(attributes.content_disposition.as_deref(), Some("attachment"));
    assert_eq!(attributes.content_language.as_deref(), Some("de"));
    assert_eq!(
        attributes.expires.as_deref(),
        Some("Wed, 28 Oct 2026 20:30:00 GMT")
    );
    assert_eq!(attributes.storage_class, Some(StorageClass::StandardIa));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_that_cannot_succeed() {
    let bench = Bench::new().await;
    let bucket = bench.bucket(ContentFormat::Sealed);
    let put = |name: &str, value: String| {
        bucket
            .put_object("k".parse().unwrap(), "x")
            .metadata(name, value)
            .send()
    };
    let too_much = put("a", "v".repeat(2048)).await.unwrap_err();
    assert!(matches!(too_much, Error::MetadataTooLarge(_)), "{too_much}");
    let reserved = put("client-side-encryption-key", "AAAA".into())
        .await
        .unwrap_err();
    assert!(matches!(reserved, Error::ReservedMetadata { .. }), "{reserved}");
    assert!(put("a_b", "v".into()).await.is_err());
    assert!(bench.recorder.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_stores_nothing() {
    let bench = Bench::new().await;
    let bucket = bench.bucket(ContentFormat::Sealed);
    let broken = || {
        stream::iter([
            Ok(Bytes::from_static(b"some")),
            Err(std::io::Error::other("the disk is gone")),
        ])
    };
    for source in [
        Source::stream(100, broken()),
        Source::stream(4, stream::empty()),
        Source::file("/nonexistent"),
    ] {
        let what = format!("{source:?}");
        let error = bucket
            .put_object("k".parse().unwrap(), source)
            .send()
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Source(_)), "{what}: {error:?}");
        assert!(error.to_string().contains("could not be read"), "{what}: {error}");
    }
    let missing = bucket.head_object("k".parse().unwrap()).send().await.unwrap_err();
    assert!(
        matches!(&missing, Error::Transport(e) if e.is_not_found()),
        "{missing}"
    );
}
