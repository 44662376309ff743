use super::*;

fn read<T>(element: &Element, parse: impl Fn(&[u8]) -> Result<T, XmlError>) -> T {
    parse(element.to_document().as_bytes()).unwrap()
}

fn now() -> Timestamp {
    "2017-08-08T09:43:35.000Z".parse().unwrap()
}

#[test]
fn results_survive() {
    let begun = InitiateResult {
        bucket: "b-1".into(),
        key: "a b".into(),
        upload_id: "u".into(),
    };
    assert_eq!(read(&begun.to_element(), InitiateResult::parse), begun);
    let done = CompleteResult {
        location: "l".into(),
        bucket: "b-1".into(),
        key: "k".into(),
        etag: ETag::new("e-2"),
    };
    assert_eq!(read(&done.to_element(), CompleteResult::parse), done);
    let copy = CopyResult {
        etag: ETag::new("e"),
        last_modified: now(),
        crc64: Some(u64::MAX),
        version_id: None,
    };
    assert_eq!(
        read(&copy.to_element("CopyPartResult"), |d| CopyResult::parse(
            d,
            "CopyPartResult"
        )),
        copy
    );
    assert!(
        InitiateResult::parse(b"<InitiateMultipartUploadResult><UploadId/></InitiateMultipartUploadResult>")
            .is_err()
    );
    assert!(CompleteResult::parse(b"<CompleteMultipartUploadResult/>").is_err());
}

#[test]
fn pages_survive() {
    let owner = Some(Owner {
        id: "1".into(),
        display_name: "one".into(),
    });
    let part = ListedPart {
        number: PartNumber::FIRST,
        last_modified: now(),
        etag: ETag::new("e"),
        size: 9,
    };
    let parts = ListPartsPage {
        key: "a\u{1} b".into(),
        encoding_type: Some(EncodingType::Url),
        next_part_number_marker: Some(1),
        is_truncated: true,
        parts: vec![part],
        owner: owner.clone(),
        ..ListPartsPage::default()
    };
    assert_eq!(read(&parts.to_element(), ListPartsPage::parse), parts);
    let upload = ListedUpload {
        key: "ü".into(),
        upload_id: "u".into(),
        storage_class: StorageClass::Archive,
        initiated: now(),
        initiator: owner,
        owner: None,
    };
    let uploads = ListUploadsPage {
        encoding_type: Some(EncodingType::Url),
        uploads: vec![upload],
        common_prefixes: vec!["p/".into()],
        ..ListUploadsPage::default()
    };
    assert_eq!(read(&uploads.to_element(), ListUploadsPage::parse), uploads);
}

#[test]
fn part_numbers_are_bounded() {
    assert!(
        PartNumber::new(0).is_err() && PartNumber::new(10_001).is_err() && PartNumber::new(65_537).is_err()
    );
    let request = b"<CompleteMultipartUpload><Part><PartNumber>0</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>";
    assert!(matches!(
        CompleteRequest::parse(request),
        Err(XmlError::BadValue { .. })
    ));
}

#[test]
fn the_crc_of_all_parts_is_that_of_the_object() {
    let part = |number, data: &[u8]| CompletedPart {
        number: PartNumber::new(number).unwrap(),
        etag: ETag::new("e"),
        check: Some((data.len() as u64, Crc64::of(data))),
    };
    let mut request = CompleteRequest {
        parts: vec![part(1, b"abc"), part(2, b"defg"), part(3, b"")],
    };
    assert_eq!(request.crc64(), Some(Crc64::of(b"abcdefg")));
    assert_eq!(read(&request.to_element(), CompleteRequest::parse).parts.len(), 3);
    request.parts[1].check = None;
    assert_eq!(request.crc64(), None);
}
