//! GET Bucket: List Objects.

use cos_transport::StorageClass;
use cos_transport::object::KeyEncoding;
use futures_util::TryStreamExt;

use super::bench::{code, conform};

#[tokio::test]
async fn an_entry_says_what_head_says() {
    conform(&[], async |bench| {
        let key = bench.key("o");
        let put = bench.bucket.put_object(key.clone(), "text");
        put.storage_class(StorageClass::StandardIa).send().await.unwrap();
        let head = bench.bucket.head_object(key.clone()).send().await.unwrap();
        let page = bench
            .bucket
            .list_objects()
            .prefix(&bench.prefix)
            .send()
            .await
            .unwrap();
        assert_eq!(page.name, bench.bucket.name().as_str());
        assert_eq!(
            (page.prefix.as_str(), page.max_keys),
            (bench.prefix.as_str(), 1000)
        );
        assert!(!page.is_truncated && page.next_marker.is_none() && page.common_prefixes.is_empty());
        let [entry] = page.contents.as_slice() else {
            panic!("{page:?}")
        };
        assert_eq!((entry.key.as_str(), entry.size), (key.as_str(), 4));
        assert_eq!(entry.etag, head.etag);
        assert_eq!(entry.storage_class, StorageClass::StandardIa);
        assert_eq!(
            entry.last_modified.as_second(),
            head.last_modified.unwrap().as_second()
        );
        assert!(entry.owner.is_some());
    })
    .await;
}

#[tokio::test]
async fn prefix_marker_and_delimiter_choose() {
    conform(&[], async |bench| {
        for name in ["a", "d/1", "d/2", "d/e/3", "e", "f/1"] {
            bench.put(name, "").await;
        }
        let list = |prefix: &str| {
            bench
                .bucket
                .list_objects()
                .prefix(format!("{}{prefix}", bench.prefix))
        };
        let cut = |key: &String| key[bench.prefix.len()..].to_owned();
        let keys = |page: &cos_transport::wire::list::ListObjectsPage| -> (Vec<String>, Vec<String>) {
            let contents = page.contents.iter().map(|entry| cut(&entry.key)).collect();
            (contents, page.common_prefixes.iter().map(cut).collect())
        };
        let strings = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();

        let page = list("d/").send().await.unwrap();
        assert_eq!(keys(&page), (strings(&["d/1", "d/2", "d/e/3"]), vec![]));
        let page = list("").delimiter("/").send().await.unwrap();
        assert_eq!(keys(&page), (strings(&["a", "e"]), strings(&["d/", "f/"])));
        assert_eq!(page.delimiter.as_deref(), Some("/"));
        let page = list("d/").delimiter("/").send().await.unwrap();
        assert_eq!(keys(&page), (strings(&["d/1", "d/2"]), strings(&["d/e/"])));
        let page = list("").marker(bench.key("d/2").as_str()).send().await.unwrap();
        assert_eq!(keys(&page), (strings(&["d/e/3", "e", "f/1"]), vec![]));
        // Folded prefixes count as entries, and a page goes on behind them.
        let pages = list("").delimiter("/").max_keys(1).pages();
        let pages: Vec<_> = pages.try_collect().await.unwrap();
        let found: Vec<_> = pages.iter().map(keys).collect();
        let one = |contents: &[&str], folded: &[&str]| (strings(contents), strings(folded));
        assert_eq!(
            found,
            [
                one(&["a"], &[]),
                one(&[], &["d/"]),
                one(&["e"], &[]),
                one(&[], &["f/"])
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn pages_join_to_the_whole_in_byte_order() {
    conform(&[], async |bench| {
        let mut names: Vec<String> = (0..25).map(|i| format!("{}é{i}", i % 7)).collect();
        names.extend(["A".into(), "a".into(), "\u{ffff}".into(), "😀".into()]);
        for name in &names {
            let put = bench.bucket.put_object(bench.key(name), "");
            put.send().await.unwrap();
        }
        names.sort_unstable();
        for size in [1, 4, 29, 30, 1000] {
            let list = bench.bucket.list_objects().prefix(&bench.prefix).max_keys(size);
            let pages: Vec<_> = list.pages().try_collect().await.unwrap();
            assert_eq!(pages.len(), names.len().div_ceil(size as usize), "{size}");
            let keys = pages.iter().flat_map(|page| &page.contents);
            let keys: Vec<_> = keys.map(|entry| &entry.key[bench.prefix.len()..]).collect();
            assert_eq!(keys, names, "{size}");
            for (page, next) in pages.iter().zip(&pages[1..]) {
                assert!(page.is_truncated && page.contents.len() == size as usize);
                assert_eq!(page.next_marker.as_deref(), Some(next.marker.as_str()));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn keys_travel_encoded_or_plain() {
    conform(&[], async |bench| {
        bench.put("a b/中&<>\"'%2B+", "").await;
        for encoding in [KeyEncoding::Url, KeyEncoding::Plain] {
            let list = bench.bucket.list_objects().prefix(&bench.prefix);
            let page = list.encoding_type(encoding).delimiter("%").send().await.unwrap();
            assert_eq!(
                page.common_prefixes,
                [format!("{}a b/中&<>\"'%", bench.prefix)],
                "{encoding:?}"
            );
            assert_eq!(page.encoding_type.is_some(), encoding == KeyEncoding::Url);
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_matches_nothing() {
    conform(&[], async |bench| {
        assert!(bench.names().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_said_so() {
    conform(&[], async |bench| {
        let name = format!("coscrypt-no-such-{}", bench.bucket.name().app_id());
        let bucket = bench.bucket.client().bucket(name.parse().unwrap());
        assert_eq!(code(bucket.list_objects().send().await), "NoSuchBucket");
        let put = bucket.put_object(bench.key("o"), "").send().await;
        assert_eq!(code(put), "NoSuchBucket");
        assert!(bucket.head().await.unwrap_err().is_not_found());
    })
    .await;
}
