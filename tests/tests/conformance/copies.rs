//! PUT Object - Copy.

use cos_transport::object::{CopySource, MetadataDirective};
use cos_transport::{ETag, ObjectKey, StorageClass};
use jiff::SignedDuration;

use super::bench::{Bench, Needs, code, conform, status};

fn source(bench: &Bench, key: &ObjectKey) -> CopySource {
    CopySource::new(bench.bucket.name().clone(), key.clone())
}

async fn original(bench: &Bench) -> ObjectKey {
    let key = bench.key("a b/原?versionId=&+");
    let put = bench.bucket.put_object(key.clone(), "text").metadata("a", "1");
    put.content_type("text/plain").send().await.unwrap();
    key
}

#[tokio::test]
async fn a_copy_has_bytes_headers_and_metadata() {
    conform(&[Needs::Copy], async |bench| {
        let (from, to) = (original(&bench).await, bench.key("to"));
        let copy = bench.bucket.copy_object(to.clone(), source(&bench, &from));
        let copied = copy.storage_class(StorageClass::StandardIa).send().await.unwrap();
        let head = bench.bucket.head_object(to.clone()).send().await.unwrap();
        assert_eq!(copied.etag, head.etag);
        assert_eq!(copied.crc64, head.crc64);
        assert_eq!(
            copied.last_modified.as_second(),
            head.last_modified.unwrap().as_second()
        );
        assert_eq!(head.metadata().get("a"), Some("1"));
        assert_eq!(head.attributes.content_type.as_deref(), Some("text/plain"));
        assert_eq!(head.attributes.storage_class, Some(StorageClass::StandardIa));
        assert_eq!(bench.text(&to).await, "text");
    })
    .await;
}

#[tokio::test]
async fn replaced_metadata_drops_the_sources() {
    conform(&[Needs::Copy], async |bench| {
        let from = original(&bench).await;
        // Onto another key, and onto itself.
        for to in [bench.key("to"), from.clone()] {
            let copy = bench.bucket.copy_object(to.clone(), source(&bench, &from));
            let copy = copy
                .metadata_directive(MetadataDirective::Replaced)
                .metadata("b", "2");
            copy.content_type("text/html").send().await.unwrap();
            let head = bench.bucket.head_object(to.clone()).send().await.unwrap();
            assert_eq!(
                (head.metadata().get("a"), head.metadata().get("b")),
                (None, Some("2"))
            );
            assert_eq!(head.attributes.content_type.as_deref(), Some("text/html"));
            assert_eq!(bench.text(&to).await, "text");
        }
    })
    .await;
}

#[tokio::test]
async fn conditions_on_the_source_decide() {
    conform(&[Needs::Copy], async |bench| {
        let from = original(&bench).await;
        let head = bench.bucket.head_object(from.clone()).send().await.unwrap();
        let (own, other) = (head.etag, ETag::new("00000000000000000000000000000000"));
        let written = head.last_modified.unwrap();
        let before = written - SignedDuration::from_secs(60);
        let copy = || bench.bucket.copy_object(bench.key("to"), source(&bench, &from));
        copy().source_if_match(own.clone()).send().await.unwrap();
        copy().source_if_none_match(other.clone()).send().await.unwrap();
        copy().source_if_modified_since(before).send().await.unwrap();
        copy().source_if_unmodified_since(written).send().await.unwrap();
        assert_eq!(status(copy().source_if_match(other).send().await), 412);
        // The documentation has 304 for some of these and 412 for others.
        for refused in [
            copy().source_if_none_match(own).send().await,
            copy().source_if_modified_since(written).send().await,
            copy().source_if_unmodified_since(before).send().await,
        ] {
            assert!(refused.unwrap_err().is_precondition_failed());
        }
    })
    .await;
}

#[tokio::test]
async fn a_source_that_is_not_there_is_said_so() {
    conform(&[Needs::Copy], async |bench| {
        let missing = source(&bench, &bench.key("missing"));
        let copy = bench.bucket.copy_object(bench.key("to"), missing).send().await;
        assert!(copy.as_ref().unwrap_err().is_not_found());
        assert!(code(copy).starts_with("NoSuch"));
        assert!(bench.names().await.is_empty());
    })
    .await;
}
