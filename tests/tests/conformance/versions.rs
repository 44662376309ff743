//! Buckets that keep versions.

use cos_transport::object::{CopySource, VersionEntry};
use cos_transport::wire::meta::Versioning;
use cos_transport::{Error, ObjectKey};
use futures_util::TryStreamExt;

use super::bench::{Bench, Needs, code, conform};

async fn put(bench: &Bench, key: &ObjectKey, body: &'static str) -> String {
    let stored = bench.bucket.put_object(key.clone(), body).send().await.unwrap();
    stored.version_id.unwrap()
}

async fn history(bench: &Bench) -> Vec<VersionEntry> {
    let list = bench.bucket.list_objects_versions().prefix(&bench.prefix);
    list.entries().try_collect().await.unwrap()
}

#[tokio::test]
async fn every_version_is_read_by_its_id() {
    conform(&[Needs::Versions], async |bench| {
        let key = bench.key("o");
        let (old, new) = (put(&bench, &key, "old").await, put(&bench, &key, "newer").await);
        assert_ne!(old, new);
        for (version, len, text) in [
            (Some(&old), 3, "old"),
            (Some(&new), 5, "newer"),
            (None, 5, "newer"),
        ] {
            let mut get = bench.bucket.get_object(key.clone());
            let mut head = bench.bucket.head_object(key.clone());
            if let Some(version) = version {
                (get, head) = (get.version_id(version), head.version_id(version));
            }
            let (got, head) = (get.send().await.unwrap(), head.send().await.unwrap());
            assert_eq!(head.content_length, len);
            assert_eq!(head.version_id.as_ref(), Some(version.unwrap_or(&new)));
            assert_eq!(got.head.version_id, head.version_id);
            assert_eq!(got.body.collect(10).await.unwrap(), text);
        }
    })
    .await;
}

#[tokio::test]
async fn a_delete_marker_hides_and_its_removal_shows_again() {
    conform(&[Needs::Versions], async |bench| {
        let key = bench.key("o");
        let version = put(&bench, &key, "text").await;
        let deleted = bench.bucket.delete_object(key.clone()).send().await.unwrap();
        assert!(deleted.delete_marker);
        let marker = deleted.version_id.unwrap();
        let hidden = bench.bucket.get_object(key.clone()).send().await.unwrap_err();
        match hidden {
            Error::Service(error) => {
                assert_eq!((error.code.as_str(), error.delete_marker), ("NoSuchKey", true));
            }
            other => panic!("{other}"),
        }
        assert!(bench.names().await.is_empty());
        let old = bench
            .bucket
            .get_object(key.clone())
            .version_id(&version)
            .send()
            .await;
        assert_eq!(old.unwrap().body.collect(10).await.unwrap(), "text");

        let delete = bench.bucket.delete_object(key.clone()).version_id(&marker);
        let removed = delete.send().await.unwrap();
        assert!(removed.delete_marker && removed.version_id == Some(marker));
        assert_eq!(bench.text(&key).await, "text");

        let delete = bench.bucket.delete_object(key.clone()).version_id(&version);
        let removed = delete.send().await.unwrap();
        assert_eq!(
            (removed.delete_marker, removed.version_id),
            (false, Some(version))
        );
        assert!(history(&bench).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_history_tells_all_of_it_page_by_page() {
    conform(&[Needs::Versions], async |bench| {
        let (a, b) = (bench.key("a &é"), bench.key("b/c"));
        let mut ids = vec![put(&bench, &a, "1").await, put(&bench, &a, "22").await];
        let deleted = bench.bucket.delete_object(a.clone()).send().await.unwrap();
        ids.push(deleted.version_id.unwrap());
        ids.reverse();
        ids.push(put(&bench, &b, "333").await);

        let all = history(&bench).await;
        let found: Vec<_> = all.iter().map(|entry| entry.version_id().to_owned()).collect();
        assert_eq!(found, ids);
        let latest: Vec<_> = all.iter().map(VersionEntry::is_latest).collect();
        assert_eq!(latest, [true, false, false, true]);
        assert!(matches!(all[0], VersionEntry::DeleteMarker(_)));
        match &all[1] {
            VersionEntry::Version(version) => {
                assert_eq!((version.key.as_str(), version.size), (a.as_str(), 2))
            }
            other => panic!("{other:?}"),
        }
        for size in [1, 2, 3] {
            let list = bench
                .bucket
                .list_objects_versions()
                .prefix(&bench.prefix)
                .max_keys(size);
            let entries: Vec<_> = list.entries().try_collect().await.unwrap();
            assert_eq!(entries, all, "{size}");
        }
        let list = bench.bucket.list_objects_versions().prefix(&bench.prefix);
        let page = list.delimiter("/").send().await.unwrap();
        assert_eq!(page.common_prefixes, [bench.key("b/").to_string()]);
        let list = bench.bucket.list_objects_versions().prefix(&bench.prefix);
        let behind = list.key_marker(a.as_str()).version_id_marker(&ids[0]);
        let behind: Vec<_> = behind.entries().try_collect().await.unwrap();
        assert_eq!(behind, all[1..]);
    })
    .await;
}

#[tokio::test]
async fn an_old_version_is_copied_and_deleted_by_its_id() {
    conform(
        &[Needs::Versions, Needs::Copy, Needs::DeleteObjects],
        async |bench| {
            let key = bench.key("o");
            let (old, new) = (put(&bench, &key, "old").await, put(&bench, &key, "new").await);
            let source = CopySource::new(bench.bucket.name().clone(), key.clone()).version_id(&old);
            let copy = bench.bucket.copy_object(bench.key("copy"), source);
            let copied = copy.send().await.unwrap();
            assert_eq!(copied.source_version_id.as_ref(), Some(&old));
            assert!(copied.version_id.is_some());
            assert_eq!(bench.text(&bench.key("copy")).await, "old");

            let objects = [(key.clone(), Some(new.clone())), (bench.key("copy"), None)];
            let result = bench.bucket.delete_objects(objects).send().await.unwrap();
            assert_eq!((result.failed.len(), result.deleted.len()), (0, 2));
            for deleted in &result.deleted {
                let by_id = deleted.key == key.as_str();
                assert_eq!(deleted.delete_marker, !by_id);
                assert_eq!(deleted.version_id.as_ref(), by_id.then_some(&new));
                assert_eq!(deleted.delete_marker_version_id.is_some(), !by_id);
            }
            assert_eq!(bench.text(&key).await, "old");
        },
    )
    .await;
}

#[tokio::test]
async fn a_version_that_is_not_there_is_said_so() {
    conform(&[Needs::Versions], async |bench| {
        let key = bench.put("o", "text").await;
        let get = bench
            .bucket
            .get_object(key)
            .version_id("MTg0NDUxODMzMTMwMDM2Njc1ODA");
        let told = code(get.send().await);
        assert!(told == "NoSuchVersion" || told == "InvalidArgument", "{told}");
    })
    .await;
}

#[tokio::test]
async fn suspended_versions_are_kept_and_new_ones_are_null() {
    conform(&[Needs::Versions, Needs::WholeServer], async |bench| {
        let key = bench.key("o");
        let old = put(&bench, &key, "old").await;
        bench.bucket.put_versioning(Versioning::Suspended).await.unwrap();
        for body in ["new", "newer"] {
            bench.bucket.put_object(key.clone(), body).send().await.unwrap();
        }
        let ids: Vec<_> = history(&bench).await;
        let ids: Vec<_> = ids.iter().map(VersionEntry::version_id).collect();
        assert_eq!(ids, ["null", &old]);
        assert_eq!(bench.text(&key).await, "newer");
    })
    .await;
}
