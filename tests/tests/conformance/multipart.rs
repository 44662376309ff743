//! Multipart uploads, from begin to end.

use cos_transport::checksum::{Crc64, content_md5};
use cos_transport::object::CopySource;
use cos_transport::wire::multipart::{CompletedPart, PartNumber};
use cos_transport::{Acl, ETag, Error, ObjectKey, StorageClass, TrafficLimit};
use futures_util::TryStreamExt;

use super::bench::{Bench, Needs, code, conform, status};

const MIB: usize = 1 << 20;

fn number(number: u32) -> PartNumber {
    PartNumber::new(number).unwrap()
}

fn bytes(seed: u8, len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed))
        .collect()
}

async fn begin(bench: &Bench, key: &ObjectKey) -> String {
    let begun = bench
        .bucket
        .create_multipart_upload(key.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(
        (begun.bucket.as_str(), begun.key.as_str()),
        (bench.bucket.name().as_str(), key.as_str())
    );
    begun.upload_id
}

async fn part(bench: &Bench, key: &ObjectKey, upload: &str, n: u32, bytes: Vec<u8>) -> CompletedPart {
    let part = bench.bucket.upload_part(key.clone(), upload, number(n), bytes);
    part.send().await.unwrap().part
}

#[tokio::test]
async fn parts_in_any_order_make_an_object() {
    conform(&[Needs::Multipart], async |bench| {
        let key = bench.key("a b/é");
        let create = bench.bucket.create_multipart_upload(key.clone());
        let create = create.metadata("owner", "ann").content_type("text/plain");
        let upload = create
            .storage_class(StorageClass::StandardIa)
            .send()
            .await
            .unwrap();
        let upload = upload.upload_id;
        let contents = [bytes(1, MIB), bytes(2, MIB + 7), bytes(3, 5)];
        let mut parts = Vec::new();
        // The second is sent twice: the later one counts.
        for (n, content) in [
            (3, &contents[2]),
            (2, &contents[0]),
            (1, &contents[0]),
            (2, &contents[1]),
        ] {
            let limit = TrafficLimit::bits_per_second(838_860_800).unwrap();
            let send = bench
                .bucket
                .upload_part(key.clone(), &upload, number(n), content.clone());
            let sent = send.compute_md5().traffic_limit(limit).send().await.unwrap().part;
            assert_eq!(sent.check, Some((content.len() as u64, Crc64::of(content))));
            parts.retain(|part: &CompletedPart| part.number != sent.number);
            parts.push(sent);
        }
        // Nothing is there before the end.
        assert!(bench.names().await.is_empty());
        parts.sort_by_key(|part| part.number);
        let complete = bench
            .bucket
            .complete_multipart_upload(key.clone(), &upload, parts);
        let done = complete.send().await.unwrap();
        let whole = contents.concat();
        assert!(done.etag.as_str().ends_with("-3"), "{}", done.etag);
        assert_eq!(
            (done.bucket.as_str(), done.key.as_str()),
            (bench.bucket.name().as_str(), key.as_str())
        );
        assert!(!done.location.is_empty());
        assert_eq!(done.crc64, Some(Crc64::of(&whole)));

        let got = bench.bucket.get_object(key.clone()).send().await.unwrap();
        assert_eq!((&got.head.etag, got.head.crc64), (&done.etag, done.crc64));
        assert_eq!(got.head.metadata().get("owner"), Some("ann"));
        assert_eq!(got.head.attributes.content_type.as_deref(), Some("text/plain"));
        assert_eq!(got.head.attributes.storage_class, Some(StorageClass::StandardIa));
        assert_eq!(got.body.collect(whole.len()).await.unwrap(), whole);
        let across = (MIB as u64 - 2)..(MIB as u64 + 2);
        let range = bench.bucket.get_object(key).range(across).send().await.unwrap();
        assert_eq!(range.body.collect(4).await.unwrap(), whole[MIB - 2..MIB + 2]);
        let left = bench.bucket.list_multipart_uploads().prefix(&bench.prefix);
        assert!(left.send().await.unwrap().uploads.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_second_completion_is_resolved_by_looking() {
    conform(&[Needs::Multipart], async |bench| {
        let key = bench.key("o");
        let upload = begin(&bench, &key).await;
        let part = part(&bench, &key, &upload, 1, bytes(1, 9)).await;
        let complete = |part: CompletedPart| {
            bench
                .bucket
                .complete_multipart_upload(key.clone(), &upload, [part])
        };
        let first = complete(part.clone()).send().await.unwrap();
        let second = complete(part.clone()).send().await.unwrap();
        assert_eq!(first.etag, second.etag);
        let blind = CompletedPart { check: None, ..part };
        assert_eq!(code(complete(blind).send().await), "NoSuchUpload");
    })
    .await;
}

#[tokio::test]
async fn parts_are_listed_page_by_page() {
    conform(&[Needs::Multipart], async |bench| {
        let key = bench.key("a b/é&");
        let upload = begin(&bench, &key).await;
        let mut sent = Vec::new();
        for n in [1, 2, 5, 10_000] {
            sent.push(part(&bench, &key, &upload, n, bytes(n as u8, n as usize)).await);
        }
        let list = || bench.bucket.list_parts(key.clone(), &upload);
        let page = list().send().await.unwrap();
        assert_eq!(
            (page.key.as_str(), page.upload_id.as_str()),
            (key.as_str(), upload.as_str())
        );
        assert_eq!(
            (page.bucket.as_str(), page.max_parts),
            (bench.bucket.name().as_str(), 1000)
        );
        assert!(!page.is_truncated && page.owner.is_some() && page.initiator.is_some());
        let found = page.parts.iter().map(|part| (part.number, &part.etag, part.size));
        let expected = sent
            .iter()
            .map(|part| (part.number, &part.etag, part.check.unwrap().0));
        assert!(found.eq(expected), "{page:?}");
        for size in 1..=5 {
            let parts: Vec<_> = list().max_parts(size).entries().try_collect().await.unwrap();
            assert_eq!(parts, page.parts, "{size}");
        }
        let rest = list().part_number_marker(2).send().await.unwrap();
        assert_eq!(rest.parts, page.parts[2..]);
    })
    .await;
}

#[tokio::test]
async fn uploads_are_listed_until_they_end() {
    conform(&[Needs::Multipart], async |bench| {
        let mut begun = Vec::new();
        for name in ["a", "d/1", "d/2 é", "d/2 é", "e"] {
            let key = bench.key(name);
            begun.push((key.to_string(), begin(&bench, &key).await));
        }
        let list = |prefix: &str| {
            let prefix = format!("{}{prefix}", bench.prefix);
            bench.bucket.list_multipart_uploads().prefix(prefix)
        };
        let page = list("").send().await.unwrap();
        assert_eq!(
            (page.bucket.as_str(), page.max_uploads),
            (bench.bucket.name().as_str(), 1000)
        );
        let ids = |uploads: &[cos_transport::wire::multipart::ListedUpload]| {
            let pair = |upload: &cos_transport::wire::multipart::ListedUpload| {
                (upload.key.clone(), upload.upload_id.clone())
            };
            uploads.iter().map(pair).collect::<Vec<_>>()
        };
        let (mut found, mut expected) = (ids(&page.uploads), begun.clone());
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        assert!(
            page.uploads
                .iter()
                .all(|u| u.owner.is_some() && u.initiator.is_some())
        );
        for size in [1, 2, 4] {
            let uploads: Vec<_> = list("").max_uploads(size).entries().try_collect().await.unwrap();
            assert_eq!(uploads, page.uploads, "{size}");
        }
        let folded = list("").delimiter("/").send().await.unwrap();
        assert_eq!((folded.uploads.len(), folded.common_prefixes.len()), (2, 1));
        assert_eq!(list("d/").send().await.unwrap().uploads.len(), 3);
        let behind = list("")
            .key_marker(bench.key("d/1").as_str())
            .send()
            .await
            .unwrap();
        assert_eq!(behind.uploads, page.uploads[2..]);
        let first = &page.uploads[2];
        let behind = list("").key_marker(&first.key).upload_id_marker(&first.upload_id);
        assert_eq!(behind.send().await.unwrap().uploads, page.uploads[3..]);

        for (key, upload) in begun {
            let abort = || bench.bucket.abort_multipart_upload(key.parse().unwrap(), &upload);
            abort().send().await.unwrap();
            assert_eq!(code(abort().send().await), "NoSuchUpload");
            let parts = bench.bucket.list_parts(key.parse().unwrap(), &upload);
            assert_eq!(code(parts.send().await), "NoSuchUpload");
        }
        assert!(list("").send().await.unwrap().uploads.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_put_together_is_refused() {
    conform(&[Needs::Multipart], async |bench| {
        let key = bench.key("o");
        let upload = begin(&bench, &key).await;
        let mut parts = vec![
            part(&bench, &key, &upload, 1, bytes(1, 10)).await,
            part(&bench, &key, &upload, 2, bytes(2, 10)).await,
        ];
        // The client is not to see it first.
        parts.iter_mut().for_each(|part| part.check = None);
        let complete = |parts: Vec<CompletedPart>| {
            let complete = bench
                .bucket
                .complete_multipart_upload(key.clone(), &upload, parts);
            complete.send()
        };
        assert_eq!(code(complete(parts.clone()).await), "EntityTooSmall");
        let mut wrong = parts[..1].to_vec();
        wrong[0].etag = ETag::new("00000000000000000000000000000000");
        assert_eq!(code(complete(wrong).await), "InvalidPart");
        let mut missing = parts[..1].to_vec();
        missing[0].number = number(3);
        assert_eq!(code(complete(missing).await), "InvalidPart");
        // The upload is still there.
        complete(parts[..1].to_vec()).await.unwrap();

        let part = bench
            .bucket
            .upload_part(key.clone(), "no-such-upload", number(1), "x");
        assert_eq!(code(part.send().await), "NoSuchUpload");
    })
    .await;
}

#[tokio::test]
async fn the_md5_of_a_part_is_compared() {
    conform(&[Needs::Multipart], async |bench| {
        let key = bench.key("o");
        let upload = begin(&bench, &key).await;
        let part = || bench.bucket.upload_part(key.clone(), &upload, number(1), "text");
        part().content_md5(content_md5(b"text")).send().await.unwrap();
        let wrong = part().content_md5(content_md5(b"other")).send().await;
        assert_eq!(code(wrong), "BadDigest");
    })
    .await;
}

#[tokio::test]
async fn access_is_said_when_an_upload_begins() {
    conform(&[Needs::Multipart, Needs::Acl], async |bench| {
        let key = bench.key("o");
        let create = bench.bucket.create_multipart_upload(key.clone());
        let upload = create.acl(Acl::PublicRead).send().await.unwrap().upload_id;
        let part = part(&bench, &key, &upload, 1, bytes(1, 9)).await;
        let complete = bench
            .bucket
            .complete_multipart_upload(key.clone(), &upload, [part]);
        complete.send().await.unwrap();
        let policy = bench.bucket.get_object_acl(&key).await.unwrap();
        assert!(policy.grants.iter().any(|grant| grant.permission == "READ"));
    })
    .await;
}

#[tokio::test]
async fn parts_are_made_of_other_objects() {
    conform(&[Needs::Multipart, Needs::PartCopy], async |bench| {
        let from = bench.key("from é");
        let content = bytes(9, MIB + 100);
        let put = bench.bucket.put_object(from.clone(), content.clone());
        put.send().await.unwrap();
        let source = || CopySource::new(bench.bucket.name().clone(), from.clone());
        let key = bench.key("to");
        let upload = begin(&bench, &key).await;
        let copy = |n| {
            bench
                .bucket
                .upload_part_copy(key.clone(), &upload, number(n), source())
        };
        let whole = copy(1).send().await.unwrap();
        assert_eq!(whole.part.number, number(1));
        let range = copy(2).source_range(10, 19).send().await.unwrap();
        assert_eq!(range.part.check, Some((10, Crc64::of(&content[10..20]))));
        let complete = bench
            .bucket
            .complete_multipart_upload(key.clone(), &upload, [whole.part, range.part]);
        complete.send().await.unwrap();
        let got = bench.bucket.get_object(key.clone()).send().await.unwrap();
        let expected = [&content[..], &content[10..20]].concat();
        assert_eq!(got.body.collect(expected.len()).await.unwrap(), expected);
    })
    .await;
}

#[tokio::test]
async fn conditions_on_the_source_of_a_part_decide() {
    conform(&[Needs::Multipart, Needs::PartCopy], async |bench| {
        let from = bench.put("from", "text").await;
        let head = bench.bucket.head_object(from.clone()).send().await.unwrap();
        let other = ETag::new("00000000000000000000000000000000");
        let written = head.last_modified.unwrap();
        let before = written - jiff::SignedDuration::from_secs(60);
        let source = || CopySource::new(bench.bucket.name().clone(), from.clone());
        let key = bench.key("to");
        let upload = begin(&bench, &key).await;
        let copy = || {
            bench
                .bucket
                .upload_part_copy(key.clone(), &upload, number(1), source())
        };
        copy().source_if_match(head.etag.clone()).send().await.unwrap();
        copy().source_if_none_match(other.clone()).send().await.unwrap();
        copy().source_if_modified_since(before).send().await.unwrap();
        copy().source_if_unmodified_since(written).send().await.unwrap();
        assert_eq!(status(copy().source_if_match(other).send().await), 412);
        let refused: [Result<_, Error>; 2] = [
            copy().source_if_none_match(head.etag).send().await,
            copy().source_if_unmodified_since(before).send().await,
        ];
        for refused in refused {
            assert!(refused.unwrap_err().is_precondition_failed());
        }
        let behind = copy().source_range(2, 9).send().await;
        assert!(matches!(status(behind), 400 | 416));
    })
    .await;
}
