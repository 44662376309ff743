//! DELETE Multiple Objects.

use cos_transport::wire::delete::DeleteReport;

use super::bench::{Needs, conform};

#[tokio::test]
async fn many_objects_go_in_one_call() {
    conform(&[Needs::DeleteObjects], async |bench| {
        for name in ["a", "b &<", "c\u{1}", "中", "kept"] {
            bench.put(name, "").await;
        }
        let doomed = ["a", "b &<", "c\u{1}", "中", "never there"];
        let objects = doomed.map(|name| (bench.key(name), None));
        let result = bench.bucket.delete_objects(objects).send().await.unwrap();
        assert_eq!(result.failed, []);
        let mut deleted: Vec<_> = result.deleted.iter().map(|one| one.key.clone()).collect();
        let mut expected = doomed.map(|name| bench.key(name).to_string());
        deleted.sort_unstable();
        expected.sort_unstable();
        assert_eq!(deleted, expected);
        assert_eq!(bench.names().await, ["kept"]);
    })
    .await;
}

#[tokio::test]
async fn a_quiet_deletion_tells_nothing_good() {
    conform(&[Needs::DeleteObjects], async |bench| {
        let key = bench.put("a", "").await;
        let delete = bench.bucket.delete_objects([(key, None)]);
        let result = delete.report(DeleteReport::Quiet).send().await.unwrap();
        assert_eq!((result.deleted.len(), result.failed.len()), (0, 0));
        assert!(bench.names().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn more_than_a_thousand_are_split() {
    conform(&[Needs::DeleteObjects, Needs::WholeServer], async |bench| {
        let key = bench.put("k1000", "").await;
        let others = (0..1000).map(|i| (bench.key(&format!("k{i}")), None));
        let result = bench
            .bucket
            .delete_objects(others.chain([(key, None)]))
            .send()
            .await;
        assert_eq!(result.unwrap().deleted.len(), 1001);
        assert!(bench.names().await.is_empty());
    })
    .await;
}
