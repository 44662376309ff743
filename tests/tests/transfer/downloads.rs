//! Downloads.

use cos_transport::transfer::{DownloadFile, Existing, ModifiedTime};
use cos_transport::{ETag, Error, IntegrityError};

use super::faulty::Fault;
use super::{Bench, MIB, entries};

const LEN: u64 = 4 * MIB + 123;
/// Requests of a download of five parts: look, parts.
const REQUESTS: usize = 6;

fn download(bench: &Bench) -> DownloadFile {
    let download = bench
        .bucket()
        .download_file("k".parse().unwrap(), bench.path("out/file"));
    download
        .threshold(MIB)
        .part_size(MIB)
        .concurrency(1)
        .journal_folder(bench.journals())
}

async fn bench_with(len: u64) -> (Bench, Vec<u8>) {
    let bench = Bench::new().await;
    let (_, bytes) = bench.file("source", len);
    bench
        .bucket()
        .put_object("k".parse().unwrap(), bytes.clone())
        .send()
        .await
        .unwrap();
    std::fs::create_dir(bench.path("out")).unwrap();
    (bench, bytes)
}

fn found(bench: &Bench) -> Vec<u8> {
    std::fs::read(bench.path("out/file")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_any_length_become_files() {
    for len in [0, 1, MIB, MIB + 1, LEN] {
        let (bench, bytes) = bench_with(len).await;
        let done = download(&bench)
            .concurrency(3)
            .modified_time(ModifiedTime::OfObject)
            .send()
            .await
            .unwrap();
        assert_eq!((done.len, done.resumed), (len, 0));
        assert!(found(&bench) == bytes);
        let modified = std::fs::metadata(bench.path("out/file"))
            .unwrap()
            .modified()
            .unwrap();
        assert_eq!(
            jiff::Timestamp::try_from(modified).unwrap(),
            done.head.last_modified.unwrap()
        );
        assert_eq!(
            (entries(&bench.path("out")), entries(&bench.path("journals"))),
            (1, 0)
        );
    }
}

/// Whatever fails at whichever request: the file is right, or it is not there and the next attempt goes on.
#[tokio::test(flavor = "multi_thread")]
async fn every_fault_at_every_request() {
    for fault in [Fault::Lost, Fault::AnswerLost, Fault::Refused, Fault::BodyCut] {
        for request in 0..REQUESTS {
            for times in [1, 4] {
                let what = format!("{fault:?} at request {request}, {times} times");
                let (bench, bytes) = bench_with(LEN).await;
                bench
                    .network
                    .fail((request..request + times).map(|number| (number, fault)));
                let first = download(&bench).send().await;
                if times == 1 {
                    first.expect(&what);
                } else if first.is_err() {
                    assert!(!bench.path("out/file").exists(), "{what}");
                    bench.network.fail([]);
                    let again = download(&bench).send().await.expect(&what);
                    assert!(
                        again.resumed >= request.saturating_sub(1) as u64 * MIB,
                        "{what}: {}",
                        again.resumed
                    );
                }
                assert!(found(&bench) == bytes, "{what}");
                assert_eq!(
                    (entries(&bench.path("out")), entries(&bench.path("journals"))),
                    (1, 0),
                    "{what}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_bytes_never_take_the_name() {
    for len in [MIB, LEN] {
        let (bench, bytes) = bench_with(len).await;
        bench.network.fail([(1, Fault::BodyChanged)]);
        let error = download(&bench).send().await.unwrap_err();
        assert!(
            matches!(error, Error::Integrity(IntegrityError::Download { .. })),
            "{error}"
        );
        assert_eq!(entries(&bench.path("out")), 0);
        bench.network.fail([]);
        assert_eq!(download(&bench).send().await.unwrap().resumed, 0);
        assert!(found(&bench) == bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_replaced_meanwhile_is_not_mixed() {
    let (bench, _) = bench_with(LEN).await;
    bench.network.fail((3..20).map(|number| (number, Fault::Lost)));
    assert!(download(&bench).send().await.is_err());
    let (_, bytes) = bench.file("source", LEN);
    bench.network.fail([]);
    bench
        .bucket()
        .put_object("k".parse().unwrap(), bytes.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(download(&bench).send().await.unwrap().resumed, 0);
    assert!(found(&bench) == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_looked_at_before_it_is_believed() {
    let (bench, bytes) = bench_with(LEN).await;
    bench.network.fail((4..20).map(|number| (number, Fault::Lost)));
    assert!(download(&bench).send().await.is_err());
    let part = std::fs::read_dir(bench.path("out"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut damaged = std::fs::read(&part).unwrap();
    damaged[MIB as usize + 5] ^= 1;
    std::fs::write(&part, damaged).unwrap();
    bench.network.fail([]);
    assert_eq!(download(&bench).send().await.unwrap().resumed, 2 * MIB);
    assert!(found(&bench) == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_there_stays_unless_it_is_to_be_replaced() {
    let (bench, bytes) = bench_with(LEN).await;
    std::fs::write(bench.path("out/file"), "old").unwrap();
    bench.network.fail([]);
    let refused = download(&bench).send().await.unwrap_err();
    assert!(refused.to_string().contains("exists already"), "{refused}");
    assert!(bench.network.seen().is_empty());
    assert_eq!(found(&bench), b"old");
    download(&bench).existing(Existing::Replace).send().await.unwrap();
    assert!(found(&bench) == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_and_missing_folders() {
    let (bench, _) = bench_with(10).await;
    let error = download(&bench)
        .if_match(ETag::new("other"))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_precondition_failed(), "{error}");
    let nowhere = bench
        .bucket()
        .download_file("k".parse().unwrap(), bench.path("missing/file"));
    let error = nowhere.journal_folder(bench.journals()).send().await.unwrap_err();
    assert!(matches!(error, Error::Destination(_)), "{error}");
    let missing = bench
        .bucket()
        .download_file("none".parse().unwrap(), bench.path("out/file"));
    assert!(
        missing
            .journal_folder(bench.journals())
            .send()
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert_eq!(entries(&bench.path("out")), 0);
}
