//! The listing of a bucket (`GET Bucket`, version 1).

use jiff::Timestamp;

use super::common::{EncodingType, KeyCoding, Owner, time};
use super::xml::{Element, XmlError};
use crate::types::{ETag, StorageClass};

/// One object of a listing. The key is what the service says; it becomes an [`ObjectKey`](crate::ObjectKey) by parsing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// Key, decoded.
    pub key: String,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Its entity tag.
    pub etag: ETag,
    /// Stored length, in bytes.
    pub size: u64,
    /// Owner, when the service tells.
    pub owner: Option<Owner>,
    /// Storage class.
    pub storage_class: StorageClass,
    /// Tier of the INTELLIGENT_TIERING class.
    pub storage_tier: Option<String>,
    /// State of a restore from an archive.
    pub restore_status: Option<String>,
}

/// One page of a bucket's listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListObjectsPage {
    /// Bucket.
    pub name: String,
    /// Only keys that begin so.
    pub prefix: String,
    /// Keys that share what precedes it are folded into a common prefix.
    pub delimiter: Option<String>,
    /// The listing begins behind this key.
    pub marker: String,
    /// Where the next page begins; only when truncated.
    pub next_marker: Option<String>,
    /// The most entries of one page, objects and common prefixes together.
    pub max_keys: u32,
    /// Whether there is a next page.
    pub is_truncated: bool,
    /// How keys were written; they are decoded here.
    pub encoding_type: Option<EncodingType>,
    /// Objects, in the order of their keys' bytes.
    pub contents: Vec<ListedObject>,
    /// Folded prefixes, each with its delimiter.
    pub common_prefixes: Vec<String>,
}

impl ListObjectsPage {
    /// Reads a `<ListBucketResult>`.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, "ListBucketResult")?;
        let encoding = KeyCoding::of(&root)?;
        let contents = root
            .all("Contents")
            .map(|object| read_object(object, encoding))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            name: root.text_of("Name").unwrap_or_default().to_owned(),
            prefix: encoding.read(&root, "Prefix")?.unwrap_or_default(),
            delimiter: encoding.read(&root, "Delimiter")?,
            marker: encoding.read(&root, "Marker")?.unwrap_or_default(),
            next_marker: encoding.read(&root, "NextMarker")?,
            max_keys: root.parsed("MaxKeys")?.unwrap_or_default(),
            is_truncated: root.parsed("IsTruncated")?.unwrap_or_default(),
            encoding_type: encoding.0,
            contents,
            common_prefixes: encoding.read_prefixes(&root)?,
        })
    }

    /// The page as XML, keys written as its `encoding_type` says.
    #[must_use]
    pub fn to_element(&self) -> Element {
        let coding = KeyCoding(self.encoding_type);
        Element::new("ListBucketResult")
            .leaf("Name", &self.name)
            .maybe("EncodingType", self.encoding_type.map(EncodingType::as_str))
            .leaf("Prefix", coding.encode(&self.prefix))
            .leaf("Marker", coding.encode(&self.marker))
            .leaf("MaxKeys", self.max_keys)
            .maybe("Delimiter", self.delimiter.as_deref().map(|d| coding.encode(d)))
            .leaf("IsTruncated", self.is_truncated)
            .maybe(
                "NextMarker",
                self.next_marker.as_deref().map(|m| coding.encode(m)),
            )
            .extend(self.contents.iter().map(|object| write_object(object, coding)))
            .extend(coding.write_prefixes(&self.common_prefixes))
    }
}

fn read_object(object: &Element, coding: KeyCoding) -> Result<ListedObject, XmlError> {
    Ok(ListedObject {
        key: coding.decode("Key", object.required("Key")?)?,
        last_modified: object.needed("LastModified")?,
        etag: ETag::new(object.required("ETag")?),
        size: object.needed("Size")?,
        owner: Owner::read(object, "Owner"),
        storage_class: object.parsed("StorageClass")?.unwrap_or_default(),
        storage_tier: object.text_of("StorageTier").map(str::to_owned),
        restore_status: object.text_of("RestoreStatus").map(str::to_owned),
    })
}

fn write_object(object: &ListedObject, coding: KeyCoding) -> Element {
    Element::new("Contents")
        .leaf("Key", coding.encode(&object.key))
        .leaf("LastModified", time(object.last_modified))
        .leaf("ETag", object.etag.quoted())
        .leaf("Size", object.size)
        .extend(object.owner.as_ref().map(|owner| owner.to_element("Owner")))
        .leaf("StorageClass", &object.storage_class)
        .maybe("StorageTier", object.storage_tier.as_ref())
        .maybe("RestoreStatus", object.restore_status.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page(key: &str, encoding_type: Option<EncodingType>) -> ListObjectsPage {
        ListObjectsPage {
            name: "b-1".into(),
            prefix: key.into(),
            delimiter: Some("/".into()),
            next_marker: Some(key.into()),
            max_keys: 1000,
            is_truncated: true,
            encoding_type,
            contents: vec![ListedObject {
                key: key.into(),
                last_modified: "2017-08-08T09:43:35.000Z".parse().unwrap(),
                etag: ETag::new("\"a5b2\""),
                size: 23,
                owner: Some(Owner {
                    id: "1".into(),
                    display_name: "one".into(),
                }),
                storage_class: StorageClass::Archive,
                storage_tier: None,
                restore_status: Some("ongoing".into()),
            }],
            common_prefixes: vec![format!("{key}/")],
            ..ListObjectsPage::default()
        }
    }

    proptest! {
        #[test]
        fn every_key_survives_url_encoding(key in "\\PC{1,30}|[\u{1}-\u{1f} ]{1,8}") {
            let page = page(&key, Some(EncodingType::Url));
            let read = ListObjectsPage::parse(page.to_element().to_document().as_bytes()).unwrap();
            prop_assert_eq!(read, page);
        }
    }

    #[test]
    fn a_page_without_encoding() {
        let page = page("a b/%41", None);
        assert_eq!(
            ListObjectsPage::parse(page.to_element().to_document().as_bytes()).unwrap(),
            page
        );
        assert!(
            page.to_element()
                .to_document()
                .contains("<LastModified>2017-08-08T09:43:35.000Z</LastModified>")
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let parse = |inner: &str| {
            ListObjectsPage::parse(format!("<ListBucketResult>{inner}</ListBucketResult>").as_bytes())
                .unwrap_err()
        };
        assert_eq!(parse("<Contents/>"), XmlError::Missing("Key"));
        assert!(matches!(
            parse("<MaxKeys>many</MaxKeys>"),
            XmlError::BadValue { .. }
        ));
        assert!(matches!(
            parse("<EncodingType>url</EncodingType><Prefix>%ff</Prefix>"),
            XmlError::BadValue { .. }
        ));
        assert_eq!(
            ListObjectsPage::parse(b"<html/>"),
            Err(XmlError::Missing("ListBucketResult"))
        );
    }
}
