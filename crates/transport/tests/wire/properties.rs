//! What holds for every name, number and document.

use cos_transport::wire::common::{EncodingType, Owner};
use cos_transport::wire::delete::DeleteResult;
use cos_transport::wire::list::ListObjectsPage;
use cos_transport::wire::meta::{AccessControlPolicy, Grant, Grantee, Tagging};
use cos_transport::wire::multipart::{
    CompleteRequest, CompletedPart, ListPartsPage, ListUploadsPage, ListedPart, ListedUpload, PartNumber,
};
use cos_transport::wire::service::BucketList;
use cos_transport::wire::versions::{ListVersionsPage, ListedDeleteMarker, ListedVersion};
use cos_transport::{
    BucketName, ByteRange, ContentRange, ETag, StorageClass, percent_decode, percent_encode,
};
use jiff::Timestamp;
use proptest::prelude::*;

/// Keys as XML cannot carry them unless they are encoded.
fn key() -> impl Strategy<Value = String> {
    "\\PC{1,30}|[\u{1}-\u{1f} %+&<>]{1,12}"
}

/// Text as XML carries it.
fn text() -> impl Strategy<Value = String> {
    "[^\u{0}-\u{1f}\u{7f}-\u{9f}\u{fffe}\u{ffff}]{1,30}"
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0..4_000_000_000_000i64).prop_map(|millis| Timestamp::from_millisecond(millis).unwrap())
}

fn owner() -> impl Strategy<Value = Option<Owner>> {
    prop::option::of((text(), text()).prop_map(|(id, display_name)| Owner { id, display_name }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn percent_encoding_is_undone(text in any::<String>()) {
        let encoded = percent_encode(&text);
        prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b)));
        prop_assert_eq!(percent_decode(&encoded).unwrap(), text);
    }

    #[test]
    fn a_range_reads_as_it_is_written(first in any::<u64>(), len in any::<u64>(), total in 1..u64::MAX) {
        let last = first.saturating_add(len);
        for range in [ByteRange::Inclusive(first, last), ByteRange::From(first), ByteRange::Suffix(last.max(1))] {
            let header = range.to_header().unwrap();
            prop_assert_eq!(header.strip_prefix("bytes=").unwrap().parse::<ByteRange>().unwrap(), range);
            if let Some(found) = range.resolve(total) {
                prop_assert!(found.start < found.end && found.end <= total);
                let answer = format!("bytes {}-{}/{total}", found.start, found.end - 1);
                let answer: ContentRange = answer.parse().unwrap();
                prop_assert_eq!(answer.first..answer.last + 1, found);
            }
        }
    }

    #[test]
    fn part_numbers_go_from_one_to_ten_thousand(number in any::<u32>()) {
        prop_assert_eq!(PartNumber::new(number).is_ok(), (1..=10_000).contains(&number));
    }

    #[test]
    fn no_text_is_a_name_that_the_service_refuses(text in "[a-zA-Z0-9.-]{0,60}|\\PC{0,20}") {
        if let Ok(name) = text.parse::<BucketName>() {
            prop_assert_eq!(name.as_str(), text.as_str());
            prop_assert!(text.len() <= 50 && !text.starts_with('-'));
            prop_assert!(name.app_id().bytes().all(|b| b.is_ascii_digit()));
        }
    }

    #[test]
    fn a_page_of_versions_survives(
        keys in prop::collection::vec(key(), 0..4), id in text(), size in any::<u64>(), last_modified in time(),
        owner in owner(), is_latest in any::<bool>(),
    ) {
        let version = |key: &String| ListedVersion {
            key: key.clone(), version_id: id.clone(), is_latest, last_modified, etag: ETag::new("e"), size,
            storage_class: StorageClass::MazStandardIa, owner: owner.clone(),
        };
        let marker = |key: &String| ListedDeleteMarker {
            key: key.clone(), version_id: id.clone(), is_latest, last_modified, owner: owner.clone(),
        };
        let page = ListVersionsPage {
            name: "b-1".into(),
            next_key_marker: keys.first().cloned(),
            next_version_id_marker: Some(id.clone()),
            is_truncated: is_latest,
            encoding_type: Some(EncodingType::Url),
            versions: keys.iter().map(version).collect(),
            delete_markers: keys.iter().map(marker).collect(),
            common_prefixes: keys.clone(),
            ..ListVersionsPage::default()
        };
        prop_assert_eq!(ListVersionsPage::parse(page.to_element().to_document().as_bytes()).unwrap(), page);
    }

    #[test]
    fn pages_of_uploads_and_parts_survive(
        keys in prop::collection::vec(key(), 1..4), id in text(), size in any::<u64>(), at in time(), owner in owner(),
        number in 1..=10_000u32,
    ) {
        let upload = |key: &String| ListedUpload {
            key: key.clone(), upload_id: id.clone(), storage_class: StorageClass::Archive, initiated: at,
            initiator: owner.clone(), owner: owner.clone(),
        };
        let page = ListUploadsPage {
            next_key_marker: keys.first().cloned(),
            next_upload_id_marker: Some(id.clone()),
            is_truncated: true,
            encoding_type: Some(EncodingType::Url),
            uploads: keys.iter().map(upload).collect(),
            common_prefixes: keys.clone(),
            ..ListUploadsPage::default()
        };
        prop_assert_eq!(ListUploadsPage::parse(page.to_element().to_document().as_bytes()).unwrap(), page);

        let number = PartNumber::new(number).unwrap();
        let page = ListPartsPage {
            key: keys[0].clone(),
            upload_id: id,
            encoding_type: Some(EncodingType::Url),
            next_part_number_marker: Some(number.get().into()),
            parts: vec![ListedPart { number, last_modified: at, etag: ETag::new("e"), size }],
            owner,
            ..ListPartsPage::default()
        };
        prop_assert_eq!(ListPartsPage::parse(page.to_element().to_document().as_bytes()).unwrap(), page);
        let part = CompletedPart { number, etag: ETag::new("e-1"), check: None };
        let request = CompleteRequest { parts: vec![part] };
        prop_assert_eq!(CompleteRequest::parse(request.to_element().to_document().as_bytes()).unwrap(), request);
    }

    #[test]
    fn tags_and_access_survive(pairs in prop::collection::vec((text(), text()), 0..10), owner in owner()) {
        let grants = pairs.iter().map(|(who, permission)| Grant {
            grantee: Grantee::Group(who.clone()),
            permission: permission.clone(),
        });
        let policy = AccessControlPolicy { owner: owner.unwrap_or_default(), grants: grants.collect() };
        prop_assert_eq!(AccessControlPolicy::parse(policy.to_element().to_document().as_bytes()).unwrap(), policy);
        let tagging = Tagging { tags: pairs };
        prop_assert_eq!(Tagging::parse(tagging.to_element().to_document().as_bytes()).unwrap(), tagging);
    }

    #[test]
    fn no_document_panics(
        root in "ListBucketResult|ListVersionsResult|ListPartsResult|ListMultipartUploadsResult|DeleteResult|ListAllMyBucketsResult",
        inside in "(</?(Key|Size|Contents|Version|Part|Upload|PartNumber|LastModified|ETag|EncodingType|url)>|[0-9a-z%&;]{0,4}){0,20}",
    ) {
        let document = format!("<{root}>{inside}</{root}>");
        let document = document.as_bytes();
        let _ = ListObjectsPage::parse(document);
        let _ = ListVersionsPage::parse(document);
        let _ = ListPartsPage::parse(document);
        let _ = ListUploadsPage::parse(document);
        let _ = DeleteResult::parse(document);
        let _ = BucketList::parse(document);
    }
}
