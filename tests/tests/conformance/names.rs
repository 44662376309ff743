//! Keys that HTTP, XML or file systems could trip over.

use super::bench::{code, conform};

#[tokio::test]
async fn odd_keys_are_kept_apart_and_come_back() {
    conform(&[], async |bench| {
        let longest = "k".repeat(850 - bench.prefix.len());
        let names = [
            "a b+c",
            "a//b",
            "a/b",
            "a/./b",
            "a/../b",
            "a/b/",
            "a%2Fb",
            "a%20b",
            "?versions",
            "#&=;:@$,!'()*~",
            "\"<>`{}|^\\",
            "目录/文件 名.txt",
            "é",
            "e\u{301}",
            "😀",
            "\u{1}\u{7f}",
            "line\nbreak",
            "..",
            longest.as_str(),
        ];
        for name in names {
            let key = bench.key(name);
            let put = bench.bucket.put_object(key.clone(), name.to_owned());
            put.metadata("n", name.len().to_string()).send().await.unwrap();
        }
        for name in names {
            assert_eq!(bench.text(&bench.key(name)).await, name, "{name:?}");
            let head = bench.bucket.head_object(bench.key(name)).send().await.unwrap();
            assert_eq!(head.metadata().get("n"), Some(name.len().to_string().as_str()));
        }
        let mut sorted = names.to_vec();
        sorted.sort_unstable();
        assert_eq!(bench.names().await, sorted);
        for name in names {
            bench.bucket.delete_object(bench.key(name)).send().await.unwrap();
            let gone = bench.bucket.get_object(bench.key(name)).send().await;
            assert_eq!(code(gone), "NoSuchKey", "{name:?}");
        }
    })
    .await;
}
