//! A range is the same as that slice of the whole, takes one GET, and is verified.

use cos_encryption::client::EncryptedBucket;
use cos_encryption::keys::AesProvider;
use cos_encryption::{ContentFormat, EncryptionClient, Error};
use cos_transport::ByteRange;

use super::{Bench, FORMATS, pattern};

const LEN: u64 = 70_000;

#[tokio::test(flavor = "multi_thread")]
async fn every_interesting_range_is_a_slice_in_one_get() {
    let bench = Bench::new().await;
    let plain = pattern(LEN as usize);
    for format in FORMATS {
        let bucket = bench.bucket(format);
        bucket
            .put_object("k".parse().unwrap(), plain.clone())
            .send()
            .await
            .unwrap();
        bench.recorder.take();
        let edges = [
            0,
            1,
            15,
            16,
            17,
            16_383,
            16_384,
            16_385,
            32_767,
            32_768,
            65_535,
            65_536,
            LEN - 1,
        ];
        for start in edges {
            let ends = edges
                .into_iter()
                .chain([LEN, LEN + 5, u64::MAX])
                .filter(|end| *end > start);
            for range in ends
                .map(|end| ByteRange::from(start..end))
                .chain([ByteRange::From(start)])
            {
                let got = bucket
                    .get_object("k".parse().unwrap())
                    .range(range)
                    .send()
                    .await
                    .unwrap();
                let wanted = range.resolve(LEN).unwrap();
                assert_eq!(got.plain_range, wanted, "{range:?}");
                assert_eq!(got.head.plain_len, LEN);
                let got = got.body.collect(LEN as usize).await.unwrap();
                assert!(
                    got == plain[wanted.start as usize..wanted.end as usize],
                    "{format:?} {range:?}"
                );
                assert_eq!(bench.recorder.take().len(), 1, "{format:?} {range:?}");
            }
        }
        for count in [1, 16, 4464, 4465, LEN - 1, LEN, LEN + 9] {
            let got = bucket
                .get_object("k".parse().unwrap())
                .range(ByteRange::Suffix(count))
                .send()
                .await
                .unwrap();
            let got = got.body.collect(LEN as usize).await.unwrap();
            assert!(
                got == plain[(LEN.saturating_sub(count)) as usize..],
                "{format:?} -{count}"
            );
            let methods: Vec<_> = bench.recorder.take().into_iter().map(|r| r.method).collect();
            assert_eq!(methods, ["HEAD", "GET"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_format_takes_two_gets_of_one_object() {
    let bench = Bench::new().await;
    let plain = pattern(20 << 20);
    for (written, assumed) in [(FORMATS[0], FORMATS[1]), (FORMATS[1], FORMATS[0])] {
        bench
            .bucket(written)
            .put_object("k".parse().unwrap(), plain.clone())
            .send()
            .await
            .unwrap();
        bench.recorder.take();
        let start = 19u64 << 20;
        let got = bench
            .bucket(assumed)
            .get_object("k".parse().unwrap())
            .range(start..start + 9)
            .send()
            .await
            .unwrap();
        assert!(got.body.collect(9).await.unwrap() == plain[start as usize..start as usize + 9]);
        let requests = bench.recorder.take();
        assert_eq!(requests.len(), 2);
        assert!(
            requests[1].headers.iter().any(|(name, _)| name == "if-match"),
            "{requests:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_outside_of_the_object_say_so() {
    let bench = Bench::new().await;
    for format in FORMATS {
        let bucket = bench.bucket(format);
        bucket
            .put_object("k".parse().unwrap(), pattern(100))
            .send()
            .await
            .unwrap();
        for start in [100, 101, 5000, 1 << 40] {
            let error = bucket
                .get_object("k".parse().unwrap())
                .range(start..)
                .send()
                .await
                .unwrap_err();
            let says = matches!(error, Error::RangeOutside { length: 100, .. });
            assert!(says, "{format:?} {start}: {error}");
        }
        for empty in [5..5, 0..0] {
            let error = bucket
                .get_object("k".parse().unwrap())
                .range(empty)
                .send()
                .await
                .unwrap_err();
            assert!(matches!(error, Error::EmptyRange), "{error}");
        }
        bucket
            .put_object("empty".parse().unwrap(), "")
            .send()
            .await
            .unwrap();
        let all = bucket
            .get_object("empty".parse().unwrap())
            .range(..)
            .send()
            .await
            .unwrap();
        assert!(all.body.collect(0).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_seen_in_ranges_that_touch_it_and_only_there() {
    let bench = Bench::new().await;
    let bucket = bench.bucket(ContentFormat::Sealed);
    let plain = pattern(60_000);
    bucket
        .put_object("k".parse().unwrap(), plain.clone())
        .send()
        .await
        .unwrap();
    let sent = bench.recorder.take().pop().unwrap();
    let mut damaged = sent.body.clone();
    damaged[16_400 + 7] ^= 1;
    bench.store_again("k", &sent, damaged).await;
    let read = |range: std::ops::Range<u64>| {
        let bucket = bucket.clone();
        async move {
            bucket
                .get_object("k".parse().unwrap())
                .range(range)
                .send()
                .await
                .unwrap()
                .body
                .collect(1 << 20)
                .await
        }
    };
    assert!(read(0..16_384).await.unwrap() == plain[..16_384]);
    assert!(read(32_768..60_000).await.unwrap() == plain[32_768..]);
    for range in [16_384..16_385, 16_000..17_000, 0..60_000] {
        let error = read(range).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::ContentTampered {
                    start: 16_384,
                    end: 32_768
                }
            ),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unauthenticated_objects_need_an_allowance() {
    let bench = Bench::new().await;
    bench
        .bucket(ContentFormat::CosPython)
        .put_object("k".parse().unwrap(), "x")
        .send()
        .await
        .unwrap();
    bench
        .client()
        .bucket("bench-1".parse().unwrap())
        .put_object("plain".parse().unwrap(), "x")
        .send()
        .await
        .unwrap();
    let strict = EncryptionClient::new(bench.client(), bench.ring.clone()).bucket("bench-1".parse().unwrap());
    let refused = strict.get_object("k".parse().unwrap()).send().await.unwrap_err();
    assert!(matches!(refused, Error::Unauthenticated { .. }), "{refused}");
    let plain = bench
        .bucket(ContentFormat::Sealed)
        .get_object("plain".parse().unwrap())
        .send()
        .await
        .unwrap_err();
    assert!(matches!(plain, Error::NotEncrypted), "{plain}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_cut_at_a_chunk_edge_is_refused_however_it_is_read() {
    let bench = Bench::new().await;
    let bucket = bench.bucket(ContentFormat::Sealed);
    bucket
        .put_object("k".parse().unwrap(), pattern(100_000))
        .send()
        .await
        .unwrap();
    let sent = bench.recorder.take().pop().unwrap();
    let cut = [&sent.body[..3 * 16_400], &[0; 16]].concat();
    bench.store_again("k", &sent, cut).await;
    let claimed = bucket
        .head_object("k".parse().unwrap())
        .send()
        .await
        .unwrap()
        .plain_len;
    assert_eq!(claimed, 3 * 16_384);
    for range in [
        ByteRange::from(0..claimed),
        ByteRange::from(20_000..claimed),
        ByteRange::from(20_000..claimed + 1),
        ByteRange::From(20_000),
        ByteRange::Suffix(5),
        ByteRange::from(..),
    ] {
        let got = bucket
            .get_object("k".parse().unwrap())
            .range(range)
            .send()
            .await
            .unwrap();
        let error = got.body.collect(1 << 20).await.unwrap_err();
        assert!(
            matches!(error, Error::ContentTampered { start: 49_152, .. }),
            "{range:?}: {error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_whole_chunks_are_read_to_their_end_in_one_get() {
    let bench = Bench::new().await;
    let bucket = bench.bucket(ContentFormat::Sealed);
    let plain = pattern(49_152);
    bucket
        .put_object("k".parse().unwrap(), plain.clone())
        .send()
        .await
        .unwrap();
    bench.recorder.take();
    for range in [0..49_152, 16_384..49_152, 49_151..49_152, 0..16_384, 5..32_768] {
        let got = bucket
            .get_object("k".parse().unwrap())
            .range(range.clone())
            .send()
            .await
            .unwrap();
        let got = got.body.collect(1 << 20).await.unwrap();
        assert!(
            got == plain[range.start as usize..range.end as usize],
            "{range:?}"
        );
        assert_eq!(bench.recorder.take().len(), 1, "{range:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_an_object_in_the_other_format_is_found() {
    let bench = Bench::new().await;
    let plain = pattern(20 << 20);
    for (written, assumed) in [(FORMATS[0], FORMATS[1]), (FORMATS[1], FORMATS[0])] {
        bench
            .bucket(written)
            .put_object("k".parse().unwrap(), plain.clone())
            .send()
            .await
            .unwrap();
        // The sealed offset of this byte lies behind the end of the other format's object.
        let start = (20u64 << 20) - 9;
        for range in [ByteRange::From(start), ByteRange::from(start..start + 9)] {
            let got = bench
                .bucket(assumed)
                .get_object("k".parse().unwrap())
                .range(range)
                .send()
                .await
                .unwrap();
            assert!(
                got.body.collect(9).await.unwrap() == plain[start as usize..],
                "{range:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_replaced_between_two_requests_is_told_as_such() {
    let bench = Bench::new().await;
    let writer = bench.bucket(ContentFormat::CosPython);
    let put = |text: &'static str| writer.put_object("k".parse().unwrap(), text).send();
    put("the first state, long enough").await.unwrap();
    bench.recorder.take();
    // The end of an object takes a HEAD and a GET.
    let reader = bench.bucket(ContentFormat::Sealed);
    let replacing = bench.bucket_unrecorded(ContentFormat::CosPython);
    bench.recorder.before_the_second_request(async move {
        let put = replacing.put_object("k".parse().unwrap(), "the second state, as long !!");
        put.send().await.unwrap();
    });
    let error = reader
        .get_object("k".parse().unwrap())
        .range(ByteRange::Suffix(3))
        .send()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::ChangedMeanwhile), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_key_a_damaged_object_asks_for_the_key_first() {
    let bench = Bench::new().await;
    bench
        .bucket(ContentFormat::Sealed)
        .put_object("k".parse().unwrap(), pattern(50_000))
        .send()
        .await
        .unwrap();
    let sent = bench.recorder.take().pop().unwrap();
    bench.store_again("k", &sent, sent.body[..16_400].to_vec()).await;
    let other = AesProvider::generate().unwrap();
    let stranger = EncryptionClient::new(bench.client(), other).bucket("bench-1".parse().unwrap());
    for range in [ByteRange::from(..), ByteRange::from(5..9), ByteRange::Suffix(3)] {
        let read = |bucket: &EncryptedBucket| bucket.get_object("k".parse().unwrap()).range(range).send();
        let error = read(&stranger).await.unwrap_err();
        assert!(matches!(error, Error::NoKey { .. }), "{range:?}: {error}");
        let error = read(&bench.bucket(ContentFormat::Sealed)).await.unwrap_err();
        assert!(
            matches!(error, Error::IllegalLength { length: 16_400 }),
            "{range:?}: {error}"
        );
    }
}
