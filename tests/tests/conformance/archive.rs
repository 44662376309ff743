//! POST Object restore.

use cos_transport::StorageClass;
use cos_transport::object::RestoreStatus;
use cos_transport::wire::meta::RestoreTier;

use super::bench::{Needs, code, conform, status};

#[tokio::test]
async fn an_archived_object_is_read_after_it_is_restored() {
    conform(&[Needs::Archive], async |bench| {
        let key = bench.key("o");
        let put = bench.bucket.put_object(key.clone(), "text");
        put.storage_class(StorageClass::Archive).send().await.unwrap();
        let head = || bench.bucket.head_object(key.clone()).send();
        assert_eq!(head().await.unwrap().restore, None);
        let get = bench.bucket.get_object(key.clone()).send().await;
        assert_eq!(code(get), "InvalidObjectState");

        let restore = bench.bucket.restore_object(key.clone(), 3);
        restore.tier(RestoreTier::Expedited).send().await.unwrap();
        let mut tries = 0;
        loop {
            match head().await.unwrap().restore {
                Some(RestoreStatus::Restored { expires_at }) => {
                    assert!(expires_at.unwrap() > jiff::Timestamp::now());
                    break;
                }
                Some(RestoreStatus::Ongoing) if tries < 50 => {
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    tries += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(bench.text(&key).await, "text");
    })
    .await;
}

#[tokio::test]
async fn only_archived_objects_are_restored_and_deep_ones_not_in_a_hurry() {
    conform(&[Needs::Archive], async |bench| {
        let plain = bench.put("plain", "text").await;
        let restore = |key, tier| bench.bucket.restore_object(key, 1).tier(tier).send();
        // The documentation has 405 RestoreNonArchiveObject in one place and 403 in another.
        let refused = status(restore(plain, RestoreTier::Standard).await);
        assert!(matches!(refused, 403 | 405), "{refused}");
        let deep = bench.key("deep");
        let put = bench.bucket.put_object(deep.clone(), "text");
        put.storage_class(StorageClass::DeepArchive).send().await.unwrap();
        let hurry = status(restore(deep.clone(), RestoreTier::Expedited).await);
        assert_eq!(hurry, 400);
        restore(deep, RestoreTier::Bulk).await.unwrap();
    })
    .await;
}
