//! Copies, moves, and deletion by prefix.

use cos_transport::object::MetadataDirective;
use cos_transport::transfer::Run;
use cos_transport::{Error, StorageClass};
use futures_util::TryStreamExt;

use super::faulty::Fault;
use super::{Bench, MIB};

async fn bench_with(len: u64) -> (Bench, Vec<u8>) {
    let bench = Bench::new().await;
    let (_, bytes) = bench.file("source", len);
    let put = bench.bucket().put_object("from".parse().unwrap(), bytes.clone());
    put.metadata("owner", "ann")
        .content_type("text/plain")
        .send()
        .await
        .unwrap();
    (bench, bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_in_one_request_and_in_parts_are_the_same() {
    let (bench, bytes) = bench_with(3 * MIB + 5).await;
    let bucket = bench.bucket();
    for (threshold, parts) in [(10 * MIB, 1), (MIB, 4)] {
        let copy = bucket.copy("to".parse().unwrap(), &bucket, "from".parse().unwrap());
        let copied = copy
            .threshold(threshold)
            .part_size(MIB)
            .storage_class(StorageClass::StandardIa)
            .send()
            .await
            .unwrap();
        assert_eq!(copied.len, bytes.len() as u64);
        assert_eq!(copied.etag.as_str().ends_with("-4"), parts == 4);
        assert!(bench.stored("to").await == bytes);
        let head = bucket.head_object("to".parse().unwrap()).send().await.unwrap();
        assert_eq!(head.metadata().get("owner"), Some("ann"));
        assert_eq!(head.attributes.content_type.as_deref(), Some("text/plain"));
        assert_eq!(head.attributes.storage_class, Some(StorageClass::StandardIa));

        let replaced = bucket
            .copy("to".parse().unwrap(), &bucket, "from".parse().unwrap())
            .threshold(threshold);
        let replaced = replaced
            .part_size(MIB)
            .metadata_directive(MetadataDirective::Replaced)
            .metadata("owner", "bob");
        replaced.send().await.unwrap();
        let head = bucket.head_object("to".parse().unwrap()).send().await.unwrap();
        assert_eq!(head.metadata().get("owner"), Some("bob"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_parts_that_fails_leaves_nothing() {
    let (bench, _) = bench_with(3 * MIB + 5).await;
    let bucket = bench.bucket();
    // Look, begin, four parts.
    for request in 2..6 {
        bench
            .network
            .fail([(request, Fault::Refused), (request + 1, Fault::Refused)]);
        let copy = bucket.copy("to".parse().unwrap(), &bucket, "from".parse().unwrap());
        assert!(
            copy.threshold(MIB)
                .part_size(MIB)
                .concurrency(1)
                .send()
                .await
                .is_err(),
            "{request}"
        );
        bench.network.fail([]);
        let left: Vec<_> = bucket
            .list_multipart_uploads()
            .entries()
            .try_collect()
            .await
            .unwrap();
        assert!(left.is_empty(), "{left:?}");
        assert!(
            bucket
                .head_object("to".parse().unwrap())
                .send()
                .await
                .unwrap_err()
                .is_not_found()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_that_a_copy_would_ignore_are_refused_at_any_length() {
    let (bench, _) = bench_with(3 * MIB).await;
    let bucket = bench.bucket();
    for threshold in [MIB, 10 * MIB] {
        let copy = bucket
            .copy("to".parse().unwrap(), &bucket, "from".parse().unwrap())
            .threshold(threshold);
        assert!(matches!(
            copy.metadata("a", "b").send().await,
            Err(Error::InvalidInput(_))
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_deletes_only_what_was_copied() {
    let (bench, bytes) = bench_with(1000).await;
    let bucket = bench.bucket();
    bucket
        .move_object("from".parse().unwrap(), "to".parse().unwrap())
        .await
        .unwrap();
    assert!(bench.stored("to").await == bytes);
    assert!(
        bucket
            .head_object("from".parse().unwrap())
            .send()
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert!(
        bucket
            .move_object("to".parse().unwrap(), "to".parse().unwrap())
            .await
            .is_err()
    );
    assert!(
        bucket
            .move_object("none".parse().unwrap(), "to".parse().unwrap())
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert!(bench.stored("to").await == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_is_deleted_and_nothing_else() {
    let bench = Bench::new().await;
    let bucket = bench.bucket();
    for key in ["a/1", "a/2 \u{1}", "a/é", "b/1", "a"] {
        bucket.put_object(key.parse().unwrap(), "x").send().await.unwrap();
    }
    let dry = bucket.delete_prefix("a/", Run::Dry).await.unwrap();
    assert_eq!((dry.deleted, dry.failed.len()), (3, 0));
    assert_eq!(
        bucket
            .list_objects()
            .entries()
            .try_collect::<Vec<_>>()
            .await
            .unwrap()
            .len(),
        5
    );
    assert_eq!(bucket.delete_prefix("a/", Run::Real).await.unwrap().deleted, 3);
    let left: Vec<_> = bucket.list_objects().entries().try_collect().await.unwrap();
    assert_eq!(
        left.iter().map(|o| o.key.as_str()).collect::<Vec<_>>(),
        ["a", "b/1"]
    );
    assert!(bucket.delete_prefix("", Run::Real).await.is_err());
}
