//! The listing of a bucket's versions (`GET Bucket Object Versions`).

use jiff::Timestamp;

use super::common::{EncodingType, KeyCoding, Owner, time};
use super::xml::{Element, XmlError};
use crate::types::{ETag, StorageClass};

/// One version of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVersion {
    /// Key, decoded.
    pub key: String,
    /// Version; `null` for one written before versions were kept.
    pub version_id: String,
    /// Whether it is the one that a plain GET reads.
    pub is_latest: bool,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Its entity tag.
    pub etag: ETag,
    /// Stored length, in bytes.
    pub size: u64,
    /// Storage class.
    pub storage_class: StorageClass,
    /// Owner, when the service tells.
    pub owner: Option<Owner>,
}

/// A marker that hides an object's older versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedDeleteMarker {
    /// Key, decoded.
    pub key: String,
    /// Version of the marker itself.
    pub version_id: String,
    /// Whether a plain GET finds the marker, and so nothing.
    pub is_latest: bool,
    /// When the object was deleted.
    pub last_modified: Timestamp,
    /// Owner, when the service tells.
    pub owner: Option<Owner>,
}

/// One page of a bucket's versions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListVersionsPage {
    /// Bucket.
    pub name: String,
    /// Only keys that begin so.
    pub prefix: String,
    /// Keys that share what precedes it are folded into a common prefix.
    pub delimiter: Option<String>,
    /// The listing begins behind this key …
    pub key_marker: String,
    /// … and this version of it.
    pub version_id_marker: String,
    /// Where the next page begins; only when truncated.
    pub next_key_marker: Option<String>,
    /// The version at which the next page begins.
    pub next_version_id_marker: Option<String>,
    /// The most entries of one page.
    pub max_keys: u32,
    /// Whether there is a next page.
    pub is_truncated: bool,
    /// How keys were written; they are decoded here.
    pub encoding_type: Option<EncodingType>,
    /// Versions by key, the newest first.
    pub versions: Vec<ListedVersion>,
    /// Delete markers by key, the newest first.
    pub delete_markers: Vec<ListedDeleteMarker>,
    /// Folded prefixes, each with its delimiter.
    pub common_prefixes: Vec<String>,
}

impl ListVersionsPage {
    /// Reads a `<ListVersionsResult>`.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, "ListVersionsResult")?;
        let coding = KeyCoding::of(&root)?;
        let text = |name| root.text_of(name).unwrap_or_default().to_owned();
        Ok(Self {
            name: text("Name"),
            prefix: coding.read(&root, "Prefix")?.unwrap_or_default(),
            delimiter: coding.read(&root, "Delimiter")?,
            key_marker: coding.read(&root, "KeyMarker")?.unwrap_or_default(),
            version_id_marker: text("VersionIdMarker"),
            next_key_marker: coding.read(&root, "NextKeyMarker")?,
            next_version_id_marker: root.text_of("NextVersionIdMarker").map(str::to_owned),
            max_keys: root.parsed("MaxKeys")?.unwrap_or_default(),
            is_truncated: root.parsed("IsTruncated")?.unwrap_or_default(),
            encoding_type: coding.0,
            versions: root
                .all("Version")
                .map(|v| read_version(v, coding))
                .collect::<Result<_, _>>()?,
            delete_markers: root
                .all("DeleteMarker")
                .map(|m| read_marker(m, coding))
                .collect::<Result<_, _>>()?,
            common_prefixes: coding.read_prefixes(&root)?,
        })
    }

    /// The page as XML, keys written as its `encoding_type` says.
    #[must_use]
    pub fn to_element(&self) -> Element {
        let coding = KeyCoding(self.encoding_type);
        Element::new("ListVersionsResult")
            .leaf("Name", &self.name)
            .maybe("EncodingType", self.encoding_type.map(EncodingType::as_str))
            .leaf("Prefix", coding.encode(&self.prefix))
            .leaf("KeyMarker", coding.encode(&self.key_marker))
            .leaf("VersionIdMarker", &self.version_id_marker)
            .leaf("MaxKeys", self.max_keys)
            .maybe("Delimiter", self.delimiter.as_deref().map(|d| coding.encode(d)))
            .leaf("IsTruncated", self.is_truncated)
            .maybe(
                "NextKeyMarker",
                self.next_key_marker.as_deref().map(|m| coding.encode(m)),
            )
            .maybe("NextVersionIdMarker", self.next_version_id_marker.as_deref())
            .extend(self.versions.iter().map(|version| write_version(version, coding)))
            .extend(
                self.delete_markers
                    .iter()
                    .map(|marker| write_marker(marker, coding)),
            )
            .extend(coding.write_prefixes(&self.common_prefixes))
    }
}

fn read_version(version: &Element, coding: KeyCoding) -> Result<ListedVersion, XmlError> {
    Ok(ListedVersion {
        key: coding.decode("Key", version.required("Key")?)?,
        version_id: version.required("VersionId")?.to_owned(),
        is_latest: version.parsed("IsLatest")?.unwrap_or_default(),
        last_modified: version.needed("LastModified")?,
        etag: ETag::new(version.required("ETag")?),
        size: version.needed("Size")?,
        storage_class: version.parsed("StorageClass")?.unwrap_or_default(),
        owner: Owner::read(version, "Owner"),
    })
}

fn write_version(version: &ListedVersion, coding: KeyCoding) -> Element {
    Element::new("Version")
        .leaf("Key", coding.encode(&version.key))
        .leaf("VersionId", &version.version_id)
        .leaf("IsLatest", version.is_latest)
        .leaf("LastModified", time(version.last_modified))
        .leaf("ETag", version.etag.quoted())
        .leaf("Size", version.size)
        .leaf("StorageClass", &version.storage_class)
        .extend(version.owner.as_ref().map(|owner| owner.to_element("Owner")))
}

fn read_marker(marker: &Element, coding: KeyCoding) -> Result<ListedDeleteMarker, XmlError> {
    Ok(ListedDeleteMarker {
        key: coding.decode("Key", marker.required("Key")?)?,
        version_id: marker.required("VersionId")?.to_owned(),
        is_latest: marker.parsed("IsLatest")?.unwrap_or_default(),
        last_modified: marker.needed("LastModified")?,
        owner: Owner::read(marker, "Owner"),
    })
}

fn write_marker(marker: &ListedDeleteMarker, coding: KeyCoding) -> Element {
    Element::new("DeleteMarker")
        .leaf("Key", coding.encode(&marker.key))
        .leaf("VersionId", &marker.version_id)
        .leaf("IsLatest", marker.is_latest)
        .leaf("LastModified", time(marker.last_modified))
        .extend(marker.owner.as_ref().map(|owner| owner.to_element("Owner")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_survives() {
        let last_modified = "2017-08-08T09:43:35.000Z".parse().unwrap();
        let page = ListVersionsPage {
            name: "b-1".into(),
            key_marker: "a b".into(),
            version_id_marker: "v0".into(),
            next_key_marker: Some("ü/".into()),
            next_version_id_marker: Some("v1".into()),
            max_keys: 2,
            is_truncated: true,
            encoding_type: Some(EncodingType::Url),
            versions: vec![ListedVersion {
                key: "a\u{1}".into(),
                version_id: "null".into(),
                is_latest: true,
                last_modified,
                etag: ETag::new("e"),
                size: 1,
                storage_class: StorageClass::Standard,
                owner: None,
            }],
            delete_markers: vec![ListedDeleteMarker {
                key: "b".into(),
                version_id: "v".into(),
                is_latest: false,
                last_modified,
                owner: Some(Owner::default()),
            }],
            common_prefixes: vec!["p/".into()],
            ..ListVersionsPage::default()
        };
        assert_eq!(
            ListVersionsPage::parse(page.to_element().to_document().as_bytes()).unwrap(),
            page
        );
    }
}
