//! GET Object of a part of an object.

use cos_transport::ByteRange;

use super::bench::{code, conform};

#[tokio::test]
async fn a_range_is_exactly_its_bytes() {
    conform(&[], async |bench| {
        let key = bench.put("o", "0123456789").await;
        let cases: [(ByteRange, &str); 7] = [
            ((0..10).into(), "0123456789"),
            ((0..1).into(), "0"),
            ((3..7).into(), "3456"),
            ((9..).into(), "9"),
            ((5..=100).into(), "56789"),
            (ByteRange::Suffix(3), "789"),
            (ByteRange::Suffix(100), "0123456789"),
        ];
        for (range, expected) in cases {
            let got = bench
                .bucket
                .get_object(key.clone())
                .range(range)
                .send()
                .await
                .unwrap();
            let answered = got.content_range.unwrap();
            assert_eq!(answered.total, 10, "{range:?}");
            assert_eq!(answered.last - answered.first + 1, expected.len() as u64);
            assert_eq!(got.body.collect(10).await.unwrap(), expected, "{range:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_range_behind_the_end_is_refused() {
    conform(&[], async |bench| {
        let key = bench.put("o", "0123456789").await;
        let empty = bench.put("empty", "").await;
        for (key, range) in [(&key, 10..11), (&key, 100..200), (&empty, 0..1)] {
            let got = bench.bucket.get_object(key.clone()).range(range).send().await;
            assert_eq!(code(got), "InvalidRange");
        }
    })
    .await;
}
