use bytes::Bytes;
use cos_transport::wire::multipart::{CompletedPart, PartNumber};
use proptest::prelude::*;

use super::*;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

async fn store(folder: &Path) -> Store {
    let store = Store::open(folder).unwrap();
    let _ = store.create_bucket("b-1", BucketRecord::new(NOW)).await;
    store
}

async fn put(store: &Store, key: &str, body: &[u8]) {
    let mut writer = store.receive();
    for piece in body.chunks(100_000) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    let body = writer.finish().await.unwrap();
    put_body(store, "b-1", key, body).await.unwrap();
}

async fn put_body(store: &Store, bucket: &str, key: &str, body: StagedBody) -> Result<Written, StoreError> {
    let attributes = Attributes::default();
    store
        .put_object(bucket, key, attributes, body, MissingBuckets::Refuse, NOW)
        .await
}

async fn delete(store: &Store, key: &str) -> Result<Vec<Deleted>, StoreError> {
    store
        .delete_objects("b-1", vec![(key.to_owned(), None)], NOW)
        .await
}

async fn get(store: &Store, key: &str) -> Option<Vec<u8>> {
    let object = match store.open_object("b-1", key, None).await {
        Ok(object) => object,
        Err(StoreError::NoSuchKey) => return None,
        Err(error) => panic!("{error}"),
    };
    let length = object.record.content.length;
    Some(drain(object.body.reader(0..length)).await)
}

async fn drain(mut reader: BodyReader) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(piece) = reader.next().await.unwrap() {
        body.extend_from_slice(&piece);
    }
    body
}

fn body_files(folder: &Path) -> usize {
    let shards = fs::read_dir(folder.join("objects")).unwrap();
    shards
        .map(|shard| fs::read_dir(shard.unwrap().path()).unwrap().count())
        .sum()
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

#[tokio::test]
async fn bodies_of_every_kind_of_length_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    for length in [
        0,
        1,
        disk::INDEX_BODY_MAX,
        disk::INDEX_BODY_MAX + 1,
        256 * 1024,
        1_000_003,
    ] {
        put(&store, "k", &pattern(length)).await;
        assert_eq!(get(&store, "k").await.unwrap(), pattern(length), "{length}");
    }
}

#[tokio::test]
async fn a_range_of_a_body_is_exactly_that() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let body = pattern(700_000);
    put(&store, "k", &body).await;
    for range in [0..1, 262_143..262_145, 699_999..700_000, 5..600_000] {
        let object = store.open_object("b-1", "k", None).await.unwrap();
        let got = drain(object.body.reader(range.clone())).await;
        assert_eq!(
            got,
            &body[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
        );
    }
}

#[tokio::test]
async fn a_reader_keeps_its_body_while_the_key_is_replaced_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let first = pattern(900_000);
    put(&store, "k", &first).await;
    let object = store.open_object("b-1", "k", None).await.unwrap();
    let mut reader = object.body.reader(0..900_000);
    let mut got = reader.next().await.unwrap().unwrap().to_vec();
    put(&store, "k", b"second").await;
    delete(&store, "k").await.unwrap();
    store.close();
    assert_eq!(body_files(folder.path()), 0);
    got.extend(drain(reader).await);
    assert_eq!(got, first);
}

#[tokio::test]
async fn a_replaced_or_deleted_body_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    for _ in 0..3 {
        put(&store, "k", &pattern(50_000)).await;
        put(&store, "l", &pattern(50_000)).await;
    }
    delete(&store, "l").await.unwrap();
    store.close();
    assert_eq!(body_files(folder.path()), 1);
}

#[tokio::test]
async fn an_abandoned_body_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let mut writer = store.receive();
    writer.write(pattern(300_000).into()).await.unwrap();
    let staged = writer.finish().await.unwrap();
    assert_eq!(body_files(folder.path()), 1);
    drop(staged);
    assert_eq!(body_files(folder.path()), 0);

    let mut writer = store.receive();
    writer.write(pattern(300_000).into()).await.unwrap();
    let sink = writer.finish().await.unwrap();
    let refused = put_body(&store, "none-1", "k", sink).await;
    assert!(matches!(refused, Err(StoreError::NoSuchBucket)));
    assert_eq!(body_files(folder.path()), 0);
}

#[tokio::test]
async fn leftovers_of_a_crash_are_collected_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let crashed = store(folder.path()).await;
    put(&crashed, "k", &pattern(50_000)).await;
    let mut writer = crashed.receive();
    writer.write(pattern(50_000).into()).await.unwrap();
    // As if the process had died between the rename and the commit, and in the middle of another body.
    writer.finish().await.unwrap().keep();
    fs::write(folder.path().join("incoming").join("half"), b"half").unwrap();
    crashed.close();
    forget_the_clean_end(&crashed);
    drop(crashed);
    assert_eq!(body_files(folder.path()), 2);

    let store = Store::open(folder.path()).unwrap();
    assert_eq!(body_files(folder.path()), 1);
    assert_eq!(fs::read_dir(folder.path().join("incoming")).unwrap().count(), 0);
    assert_eq!(get(&store, "k").await.unwrap(), pattern(50_000));
}

#[tokio::test]
async fn a_store_closed_over_an_unfinished_body_is_not_clean() {
    let folder = tempfile::tempdir().unwrap();
    let closed = store(folder.path()).await;
    let mut writer = closed.receive();
    writer.write(pattern(50_000).into()).await.unwrap();
    let body = writer.finish().await.unwrap();
    closed.close();
    // As if the process had ended before the body was removed again.
    std::mem::forget(body);
    drop(closed);
    assert_eq!(body_files(folder.path()), 1);
    let _store = Store::open(folder.path()).unwrap();
    assert_eq!(body_files(folder.path()), 0);
}

fn forget_the_clean_end(store: &Store) {
    let transaction = store.database.begin_write().unwrap();
    Tables::open(&transaction)
        .unwrap()
        .state
        .insert(STATE_CLEAN, 0)
        .unwrap();
    transaction.commit().unwrap();
}

#[tokio::test]
async fn a_closed_store_refuses_changes_and_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(folder.path()).await;
    put(&first, "k", b"kept").await;
    first.close();
    assert!(matches!(delete(&first, "k").await, Err(StoreError::Closed)));
    drop(first);
    let second = Store::open(folder.path()).unwrap();
    assert_eq!(get(&second, "k").await.unwrap(), b"kept");
}

#[tokio::test]
async fn a_second_opener_is_told_who_holds_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let _first = store(folder.path()).await;
    let refused = Store::open(folder.path()).unwrap_err();
    assert!(
        matches!(refused, OpenError::InUse { process: Some(id), .. } if id == std::process::id()),
        "{refused}"
    );
}

#[test]
fn a_folder_with_something_else_in_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.odt"), b"").unwrap();
    let refused = Store::open(folder.path()).unwrap_err();
    assert!(matches!(refused, OpenError::NotAStore { .. }), "{refused}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_store_of_a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = Store::open(folder.path()).unwrap();
    let transaction = first.database.begin_write().unwrap();
    Tables::open(&transaction)
        .unwrap()
        .state
        .insert(STATE_FORMAT, FORMAT + 1)
        .unwrap();
    transaction.commit().unwrap();
    first.close();
    drop(first);
    assert!(
        matches!(Store::open(folder.path()), Err(OpenError::Format { found, .. }) if found == FORMAT + 1)
    );
}

#[tokio::test]
async fn a_missing_body_is_an_error_and_not_an_endless_search() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    put(&store, "k", &pattern(50_000)).await;
    for shard in fs::read_dir(folder.path().join("objects")).unwrap() {
        for file in fs::read_dir(shard.unwrap().path()).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
    }
    assert!(matches!(
        store.open_object("b-1", "k", None).await,
        Err(StoreError::BodyLost)
    ));
}

#[tokio::test]
async fn only_an_empty_bucket_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    put(&store, "k", b"x").await;
    assert!(matches!(
        store.delete_bucket("b-1").await,
        Err(StoreError::BucketNotEmpty)
    ));
    delete(&store, "k").await.unwrap();
    store.delete_bucket("b-1").await.unwrap();
    assert!(matches!(
        store.delete_bucket("b-1").await,
        Err(StoreError::NoSuchBucket)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writes_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(store(folder.path()).await);
    let writes = (0..200).map(|i| {
        let store = store.clone();
        tokio::spawn(async move { put(&store, &format!("k{i:03}"), &pattern(i * 100)).await })
    });
    for write in writes.collect::<Vec<_>>() {
        write.await.unwrap();
    }
    let page = store
        .list(
            "b-1",
            ListQuery {
                limit: 1000,
                ..ListQuery::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(page.entries.len(), 200);
    for i in 0..200 {
        assert_eq!(get(&store, &format!("k{i:03}")).await.unwrap(), pattern(i * 100));
    }
}

/// What a listing must give, computed the slow way over all keys.
fn expected(keys: &[String], query: &ListQuery) -> (Vec<String>, Vec<String>, bool) {
    let mut entries: Vec<(String, bool)> = Vec::new();
    for key in keys {
        let Some(rest) = key.strip_prefix(query.prefix.as_str()) else {
            continue;
        };
        let found = query
            .delimiter
            .as_deref()
            .and_then(|d| rest.find(d).map(|at| at + d.len()));
        let (name, common) = match found {
            Some(length) => (key[..query.prefix.len() + length].to_owned(), true),
            None => (key.clone(), false),
        };
        let seen = key.as_str() <= query.marker.as_str() || (common && name == query.marker);
        if !seen && entries.last() != Some(&(name.clone(), common)) {
            entries.push((name, common));
        }
    }
    let truncated = entries.len() > query.limit;
    entries.truncate(query.limit);
    let (common, objects): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.1);
    let names = |entries: Vec<(String, bool)>| entries.into_iter().map(|entry| entry.0).collect();
    (names(objects), names(common), truncated)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_listing_is_what_a_walk_over_all_keys_gives(
        keys in proptest::collection::btree_set("[ab/é~]{1,6}", 0..30),
        prefix in "[ab/é]{0,2}",
        delimiter in proptest::option::of("[/b]{1,2}"),
        marker in "[ab/é~]{0,4}",
        limit in 1_usize..12,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let store = store(folder.path()).await;
            // Neighbours that must never show up.
            for bucket in ["a-1", "b-10"] {
                store.create_bucket(bucket, BucketRecord::new(NOW)).await.unwrap();
                let body = store.receive().finish().await.unwrap();
                put_body(&store, bucket, "a", body).await.unwrap();
            }
            let keys: Vec<String> = keys.into_iter().collect();
            for key in &keys {
                put(&store, key, b"").await;
            }
            let query = ListQuery { prefix, delimiter, marker, marker_id: None, limit };
            let page = store.list("b-1", query.clone()).await.unwrap();
            let objects: Vec<String> = page.entries.into_iter().map(|entry| entry.key).collect();
            assert_eq!((objects, page.common_prefixes, page.next.is_some()), expected(&keys, &query));
        });
    }
}

/// A body of many segments, some in the index and some in files.
async fn many_segments(store: &Store, key: &str, lengths: &[usize]) -> Vec<u8> {
    let attributes = Attributes::default;
    let record = UploadRecord {
        initiated: NOW,
        attributes: attributes(),
    };
    let id = store
        .create_upload("b-1", key, record, MissingBuckets::Refuse)
        .await
        .unwrap();
    let (mut whole, mut named) = (Vec::new(), Vec::new());
    for (number, length) in (1..).zip(lengths) {
        let bytes = pattern(*length + number)[number..].to_vec();
        let mut writer = store.receive();
        writer.write(bytes.clone().into()).await.unwrap();
        let body = writer.finish().await.unwrap();
        let number = PartNumber::new(u32::try_from(number).unwrap()).unwrap();
        let content = store.put_part("b-1", key, &id, number, body, NOW).await.unwrap();
        whole.extend(bytes);
        named.push(CompletedPart {
            number,
            etag: cos_transport::ETag::new(&content.etag),
            check: None,
        });
    }
    let written = store.complete_upload("b-1", key, &id, named, NOW).await.unwrap();
    assert_eq!(written.content.crc64, cos_transport::checksum::Crc64::of(&whole));
    whole
}

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_reader_of_many_segments_keeps_them_until_it_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let whole = many_segments(&store, "k", &[MIB, MIB + 5, MIB, 100]).await;
    let object = store.open_object("b-1", "k", None).await.unwrap();
    let mut reader = object.body.reader(3..whole.len() as u64);
    let mut got = reader.next().await.unwrap().unwrap().to_vec();
    put(&store, "k", b"second").await;
    delete(&store, "k").await.unwrap();
    store.close();
    assert_eq!(body_files(folder.path()), 3, "held back");
    while let Some(piece) = reader.next().await.unwrap() {
        got.extend_from_slice(&piece);
    }
    assert!(got == whole[3..]);
    drop(reader);
    while body_files(folder.path()) > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(Snapshot::of(&store.database).unwrap().counts(), [0; 5]);
}

#[tokio::test]
async fn files_held_back_at_a_crash_are_collected() {
    let folder = tempfile::tempdir().unwrap();
    let crashed = store(folder.path()).await;
    let whole = many_segments(&crashed, "kept", &[MIB, MIB]).await;
    many_segments(&crashed, "k", &[MIB, MIB]).await;
    let object = crashed.open_object("b-1", "k", None).await.unwrap();
    delete(&crashed, "k").await.unwrap();
    crashed.close();
    std::mem::forget(object.body.reader(0..1));
    assert_eq!(body_files(folder.path()), 4);
    // The forgotten reader keeps the database of this process open.
    let copy = tempfile::tempdir().unwrap();
    copy_folder(folder.path(), copy.path());
    let store = Store::open(copy.path()).unwrap();
    assert_eq!(body_files(copy.path()), 2);
    assert!(get(&store, "kept").await.unwrap() == whole);
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn an_appended_object_grows_without_limit_on_its_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let mut whole = Vec::new();
    for length in [0, 10, 9000, 0, 3, 300_000, 7] {
        let bytes = pattern(length);
        let mut writer = store.receive();
        writer.write(bytes.clone().into()).await.unwrap();
        let body = writer.finish().await.unwrap();
        let (position, attributes) = (whole.len() as u64, Attributes::default());
        let written = store
            .append_object(
                "b-1",
                "k",
                position,
                attributes,
                body,
                MissingBuckets::Refuse,
                NOW,
            )
            .await
            .unwrap();
        whole.extend(bytes);
        assert_eq!(written.content.length, whole.len() as u64);
        assert_eq!(written.content.crc64, cos_transport::checksum::Crc64::of(&whole));
        assert!(get(&store, "k").await.unwrap() == whole);
    }
    delete(&store, "k").await.unwrap();
    store.close();
    assert_eq!(body_files(folder.path()), 0);
    assert_eq!(Snapshot::of(&store.database).unwrap().counts(), [0; 5]);
}
