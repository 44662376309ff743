//! Files and objects of any length: in parts, and whole again.

use std::sync::atomic::{AtomicU64, Ordering};

use cos_transport::transfer::{Existing, JournalFolder, Run};
use cos_transport::{Error, StorageClass};

use super::bench::{Needs, conform};

const MIB: u64 = 1 << 20;

fn pattern(len: u64) -> Vec<u8> {
    (0..len).map(|i| (i ^ (i >> 8) ^ (i >> 16)) as u8).collect()
}

#[tokio::test]
async fn a_file_goes_up_and_comes_back_in_parts_and_in_one() {
    conform(&[Needs::Multipart], async |bench| {
        let folder = tempfile::tempdir().unwrap();
        let journals = || JournalFolder::At(folder.path().join("journals"));
        for len in [0, 1, 2 * MIB + 7] {
            let (source, target) = (folder.path().join("source"), folder.path().join("target"));
            let bytes = pattern(len);
            std::fs::write(&source, &bytes).unwrap();
            let key = bench.key(&format!("o{len}"));
            let done = std::sync::Arc::new(AtomicU64::new(0));
            let told = std::sync::Arc::clone(&done);
            let upload = bench.bucket.upload_file(key.clone(), &source).threshold(MIB);
            let upload = upload.part_size(MIB).concurrency(2).journal_folder(journals());
            let upload = upload
                .storage_class(StorageClass::StandardIa)
                .metadata("owner", "ann")
                .progress(move |done, total| {
                    assert_eq!(total, len);
                    told.fetch_max(done, Ordering::Relaxed);
                });
            let stored = upload.send().await.unwrap();
            assert_eq!(done.load(Ordering::Relaxed), len);
            assert_eq!(stored.etag.as_str().contains('-'), len > MIB);
            let head = bench.bucket.head_object(key.clone()).send().await.unwrap();
            assert_eq!(head.metadata().get("owner"), Some("ann"));
            assert_eq!(head.attributes.storage_class, Some(StorageClass::StandardIa));

            for _ in 0..2 {
                let download = bench.bucket.download_file(key.clone(), &target).threshold(MIB);
                let download = download.part_size(MIB).journal_folder(journals());
                let got = download.existing(Existing::Replace).send().await.unwrap();
                assert_eq!(got.len, len);
                assert_eq!(std::fs::read(&target).unwrap(), bytes);
            }
            let refused = bench.bucket.download_file(key, &target).send().await;
            assert!(matches!(refused, Err(Error::Destination(_))));
        }
    })
    .await;
}

#[tokio::test]
async fn objects_are_copied_in_parts_and_moved() {
    conform(&[Needs::Multipart, Needs::PartCopy, Needs::Copy], async |bench| {
        let (from, bytes) = (bench.key("from é"), pattern(2 * MIB + 7));
        let put = bench.bucket.put_object(from.clone(), bytes.clone());
        put.metadata("owner", "ann").send().await.unwrap();
        let copy = bench.bucket.copy(bench.key("parts"), &bench.bucket, from.clone());
        let copied = copy.threshold(MIB).part_size(MIB).send().await.unwrap();
        assert_eq!(copied.len, bytes.len() as u64);
        bench.bucket.move_object(from, bench.key("moved")).await.unwrap();
        assert_eq!(bench.names().await, ["moved", "parts"]);
        for name in ["moved", "parts"] {
            let got = bench.bucket.get_object(bench.key(name)).send().await.unwrap();
            assert_eq!(got.head.metadata().get("owner"), Some("ann"), "{name}");
            assert_eq!(got.body.collect(bytes.len()).await.unwrap(), bytes, "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_prefix_is_emptied() {
    conform(&[Needs::DeleteObjects], async |bench| {
        for name in ["d/1", "d/2 &", "d/e/3", "kept"] {
            bench.put(name, "").await;
        }
        let prefix = format!("{}d/", bench.prefix);
        let would = bench.bucket.delete_prefix(&prefix, Run::Dry).await.unwrap();
        assert_eq!((would.deleted, bench.names().await.len()), (3, 4));
        let done = bench.bucket.delete_prefix(&prefix, Run::Real).await.unwrap();
        assert_eq!((done.deleted, done.failed.len()), (3, 0));
        assert_eq!(bench.names().await, ["kept"]);
    })
    .await;
}
