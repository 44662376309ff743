//! APPEND Object.

use cos_transport::checksum::Crc64;

use super::bench::{Needs, code, conform};

#[tokio::test]
async fn an_object_grows_at_its_end() {
    conform(&[Needs::Append], async |bench| {
        let key = bench.key("o");
        let append = |position, body| bench.bucket.append_object(key.clone(), position, body);
        let first = append(0, "one ").metadata("a", "1").send().await.unwrap();
        assert_eq!(first.next_position, 4);
        let second = append(4, "two").compute_md5().send().await.unwrap();
        assert_eq!(second.next_position, 7);
        assert_ne!(first.etag, second.etag);
        let head = bench.bucket.head_object(key.clone()).send().await.unwrap();
        assert_eq!((head.content_length, &head.etag), (7, &second.etag));
        let object_type = head.object_type.as_deref().unwrap_or_default();
        assert!(object_type.eq_ignore_ascii_case("appendable"), "{object_type}");
        assert_eq!(head.metadata().get("a"), Some("1"));
        assert!(head.crc64.is_none_or(|crc| crc == Crc64::of(b"one two")));
        assert_eq!(bench.text(&key).await, "one two");
    })
    .await;
}

#[tokio::test]
async fn only_the_end_of_an_appendable_object_takes_more() {
    conform(&[Needs::Append], async |bench| {
        let key = bench.key("o");
        let append = |position| bench.bucket.append_object(key.clone(), position, "more").send();
        append(0).await.unwrap();
        for position in [0, 3, 5] {
            assert_eq!(code(append(position).await), "AppendPositionErr");
        }
        let plain = bench.put("plain", "text").await;
        let refused = bench.bucket.append_object(plain.clone(), 4, "more").send().await;
        assert_eq!(code(refused), "ObjectNotAppendable");
        assert_eq!(bench.text(&plain).await, "text");
    })
    .await;
}
