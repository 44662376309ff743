//! Buckets themselves.

use cos_transport::wire::meta::Versioning;

use super::bench::{Needs, code, conform};

#[tokio::test]
async fn a_bucket_is_made_found_listed_and_deleted() {
    conform(&[Needs::WholeServer], async |bench| {
        let client = bench.bucket.client();
        let bucket = client.bucket("another-1250000000".parse().unwrap());
        assert!(bucket.head().await.unwrap_err().is_not_found());
        bucket.create().await.unwrap();
        bucket.head().await.unwrap();
        let list = client.list_buckets().send().await.unwrap();
        let names: Vec<_> = list.buckets.iter().map(|bucket| bucket.name.as_str()).collect();
        assert_eq!(names, ["another-1250000000", "conformance-1250000000"]);
        let again = code(bucket.create().await);
        assert!(again.starts_with("BucketAlready"), "{again}");

        let key = bench.key("o");
        bucket.put_object(key.clone(), "text").send().await.unwrap();
        assert_eq!(code(bucket.delete().await), "BucketNotEmpty");
        bucket.delete_object(key).send().await.unwrap();
        bucket.delete().await.unwrap();
        assert_eq!(code(bucket.delete().await), "NoSuchBucket");
    })
    .await;
}

#[tokio::test]
async fn versions_are_switched_on_and_off_but_never_back() {
    conform(&[Needs::WholeServer, Needs::Versions], async |bench| {
        let bucket = bench
            .bucket
            .client()
            .bucket("another-1250000000".parse().unwrap());
        bucket.create().await.unwrap();
        assert_eq!(bucket.get_versioning().await.unwrap(), Versioning::Never);
        for versioning in [Versioning::Enabled, Versioning::Suspended, Versioning::Enabled] {
            bucket.put_versioning(versioning).await.unwrap();
            assert_eq!(bucket.get_versioning().await.unwrap(), versioning);
        }
    })
    .await;
}
