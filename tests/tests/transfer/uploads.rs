//! Uploads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cos_transport::transfer::{OnFailure, UploadFile};
use cos_transport::{Error, StorageClass};
use futures_util::TryStreamExt;

use super::faulty::Fault;
use super::{Bench, MIB, entries};

/// Five parts of 1 MiB, one after another, so that requests have numbers.
fn upload(bench: &Bench, path: &std::path::Path) -> UploadFile {
    let upload = bench
        .bucket()
        .upload_file("k".parse().unwrap(), path)
        .threshold(MIB)
        .part_size(MIB);
    upload.concurrency(1).journal_folder(bench.journals())
}

const LEN: u64 = 4 * MIB + 123;
/// Requests of an upload of five parts: begin, parts, complete.
const REQUESTS: usize = 7;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_arrives_in_parts_with_all_that_was_said_of_it() {
    let bench = Bench::new().await;
    let (path, bytes) = bench.file("file", LEN);
    let seen = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&seen);
    let upload = upload(&bench, &path)
        .concurrency(3)
        .metadata("owner", "ann")
        .content_type("text/plain");
    let upload = upload
        .storage_class(StorageClass::StandardIa)
        .compute_md5()
        .progress(move |done: u64, total: u64| {
            assert_eq!(total, LEN);
            told.fetch_max(done, Ordering::Relaxed);
        });
    let done = upload.send().await.unwrap();
    assert_eq!(
        (done.len, done.resumed, seen.load(Ordering::Relaxed)),
        (LEN, 0, LEN)
    );
    assert!(done.etag.as_str().ends_with("-5"));
    assert!(bench.stored("k").await == bytes);
    let head = bench
        .bucket()
        .head_object("k".parse().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(head.crc64, done.crc64);
    assert_eq!(head.metadata().get("owner"), Some("ann"));
    assert_eq!(head.attributes.content_type.as_deref(), Some("text/plain"));
    assert_eq!(head.attributes.storage_class, Some(StorageClass::StandardIa));
    assert_eq!(entries(&bench.path("journals")), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn small_and_empty_files_go_in_one_request() {
    let bench = Bench::new().await;
    for len in [0, 1, MIB] {
        let (path, bytes) = bench.file("file", len);
        bench.network.fail([]);
        upload(&bench, &path).send().await.unwrap();
        assert_eq!(bench.network.seen().len(), 1);
        assert!(bench.stored("k").await == bytes);
    }
}

/// Whatever fails at whichever request: the object is right, or nothing is there and the next attempt goes on.
#[tokio::test(flavor = "multi_thread")]
async fn every_fault_at_every_request() {
    for fault in [Fault::Lost, Fault::AnswerLost, Fault::Refused] {
        for request in 0..REQUESTS {
            // Once: the retry helps. Twice: the upload fails, and the same call goes on.
            for times in [1, 2] {
                let what = format!("{fault:?} at request {request}, {times} times");
                let bench = Bench::new().await;
                let (path, bytes) = bench.file("file", LEN);
                bench
                    .network
                    .fail((request..request + times).map(|number| (number, fault)));
                let first = upload(&bench, &path).send().await;
                if times == 1 {
                    first.expect(&what);
                } else if first.is_err() {
                    bench.network.fail([]);
                    let again = upload(&bench, &path).send().await.expect(&what);
                    let arrived = (request.saturating_sub(1) as u64 * MIB).min(4 * MIB);
                    assert!(
                        again.resumed >= arrived,
                        "{what}: {} were sent again",
                        LEN - again.resumed
                    );
                }
                assert!(bench.stored("k").await == bytes, "{what}");
                assert_eq!(entries(&bench.path("journals")), 0, "{what}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changed_since_begins_anew() {
    let bench = Bench::new().await;
    let (path, _) = bench.file("file", LEN);
    bench.network.fail([(4, Fault::Lost), (5, Fault::Lost)]);
    assert!(upload(&bench, &path).send().await.is_err());
    let (path, bytes) = bench.file("file", LEN);
    bench.network.fail([]);
    let done = upload(&bench, &path).send().await.unwrap();
    assert_eq!(done.resumed, 0);
    assert!(bench.stored("k").await == bytes);
    let left: Vec<_> = bench
        .bucket()
        .list_multipart_uploads()
        .entries()
        .try_collect()
        .await
        .unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_of_others_are_never_used() {
    let bench = Bench::new().await;
    let (path, bytes) = bench.file("file", LEN);
    let foreign = bench
        .bucket()
        .create_multipart_upload("k".parse().unwrap())
        .send()
        .await
        .unwrap();
    let part = cos_transport::wire::multipart::PartNumber::FIRST;
    bench
        .bucket()
        .upload_part(
            "k".parse().unwrap(),
            &foreign.upload_id,
            part,
            vec![0; MIB as usize],
        )
        .send()
        .await
        .unwrap();
    assert_eq!(upload(&bench, &path).send().await.unwrap().resumed, 0);
    assert!(bench.stored("k").await == bytes);
    let left: Vec<_> = bench
        .bucket()
        .list_multipart_uploads()
        .entries()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(left.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_upload_is_aborted_when_that_is_wanted() {
    let bench = Bench::new().await;
    let (path, _) = bench.file("file", LEN);
    bench.network.fail([(3, Fault::Lost), (4, Fault::Lost)]);
    assert!(
        upload(&bench, &path)
            .on_failure(OnFailure::Abort)
            .send()
            .await
            .is_err()
    );
    let left: Vec<_> = bench
        .bucket()
        .list_multipart_uploads()
        .entries()
        .try_collect()
        .await
        .unwrap();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(entries(&bench.path("journals")), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_upload_goes_on() {
    let bench = Bench::new().await;
    let (path, bytes) = bench.file("file", LEN);
    let (told, arrived) = tokio::sync::oneshot::channel();
    let told = std::sync::Mutex::new(Some(told));
    let first = upload(&bench, &path).progress(move |done: u64, _: u64| {
        if let Some(told) = told.lock().unwrap().take_if(|_| done >= 2 * MIB) {
            told.send(()).unwrap();
        }
    });
    tokio::select! {
        _ = first.send() => panic!("it was to be dropped"),
        _ = arrived => {}
    }
    let done = upload(&bench, &path).send().await.unwrap();
    assert!(done.resumed >= 2 * MIB, "{}", done.resumed);
    assert!(bench.stored("k").await == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_uploaded_is_told() {
    let bench = Bench::new().await;
    let missing = upload(&bench, &bench.path("missing")).send().await.unwrap_err();
    assert!(matches!(missing, Error::Source(_)), "{missing}");
    let folder = upload(&bench, bench.folder.path()).send().await.unwrap_err();
    assert!(folder.to_string().contains("regular file"), "{folder}");
    let (path, _) = bench.file("file", LEN);
    let none = upload(&bench, &path).concurrency(0).send().await.unwrap_err();
    assert!(matches!(none, Error::InvalidInput(_)), "{none}");
    assert!(bench.network.seen().is_empty());
}
