//! Documents of multipart uploads and of copies.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::common::{EncodingType, KeyCoding, Owner, time};
use super::xml::{Element, XmlError};
use crate::checksum::{Crc64, parse_crc64};
use crate::error::{Error, invalid};
use crate::types::{ETag, StorageClass};

/// A part's number: 1 to 10 000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartNumber(u16);

impl PartNumber {
    /// The last number.
    pub const MAX: u16 = 10_000;
    /// The first part's.
    pub const FIRST: Self = Self(1);

    /// A number.
    ///
    /// # Errors
    /// When it is not within 1 to 10 000.
    pub fn new(number: u32) -> Result<Self, Error> {
        match u16::try_from(number) {
            Ok(number @ 1..=Self::MAX) => Ok(Self(number)),
            _ => Err(invalid(format!(
                "{number} is not a part number: they go from 1 to {}",
                Self::MAX
            ))),
        }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for PartNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PartNumber {
    type Err = Error;

    fn from_str(value: &str) -> Result<Self, Error> {
        let number = value
            .parse()
            .map_err(|_| invalid(format!("{value:?} is not a part number")))?;
        Self::new(number)
    }
}

/// The answer to Initiate Multipart Upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitiateResult {
    /// Bucket.
    pub bucket: String,
    /// Key.
    pub key: String,
    /// Names the upload in the calls that follow.
    pub upload_id: String,
}

impl InitiateResult {
    /// Reads an `<InitiateMultipartUploadResult>`.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, "InitiateMultipartUploadResult")?;
        Ok(Self {
            bucket: root.text_of("Bucket").unwrap_or_default().to_owned(),
            key: root.text_of("Key").unwrap_or_default().to_owned(),
            upload_id: root
                .text_of("UploadId")
                .ok_or(XmlError::Missing("UploadId"))?
                .to_owned(),
        })
    }

    /// As XML.
    #[must_use]
    pub fn to_element(&self) -> Element {
        Element::new("InitiateMultipartUploadResult")
            .leaf("Bucket", &self.bucket)
            .leaf("Key", &self.key)
            .leaf("UploadId", &self.upload_id)
    }
}

/// A part that was uploaded, as Complete Multipart Upload names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletedPart {
    /// Its number.
    pub number: PartNumber,
    /// Its entity tag.
    pub etag: ETag,
    /// Length in bytes and CRC-64, where they are known: with them a lost answer can be resolved.
    pub check: Option<(u64, u64)>,
}

/// The parts of an upload, in order (`<CompleteMultipartUpload>`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompleteRequest {
    /// Parts.
    pub parts: Vec<CompletedPart>,
}

impl CompleteRequest {
    /// Reads the request.
    ///
    /// # Errors
    /// When it is malformed, or holds an impossible part number.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, "CompleteMultipartUpload")?;
        let part = |part: &Element| -> Result<CompletedPart, XmlError> {
            let number = part.needed("PartNumber")?;
            Ok(CompletedPart {
                number,
                etag: ETag::new(part.required("ETag")?),
                check: None,
            })
        };
        Ok(Self {
            parts: root.all("Part").map(part).collect::<Result<_, _>>()?,
        })
    }

    /// As XML.
    #[must_use]
    pub fn to_element(&self) -> Element {
        let part = |part: &CompletedPart| {
            Element::new("Part")
                .leaf("PartNumber", part.number)
                .leaf("ETag", part.etag.quoted())
        };
        Element::new("CompleteMultipartUpload").extend(self.parts.iter().map(part))
    }

    /// CRC-64 of the object that the parts make, when all of them are known.
    #[must_use]
    pub fn crc64(&self) -> Option<u64> {
        self.parts.iter().try_fold(0, |crc, part| {
            let (len, part_crc) = part.check?;
            Some(Crc64::combine(crc, part_crc, len))
        })
    }
}

/// The answer to Complete Multipart Upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompleteResult {
    /// Address of the object.
    pub location: String,
    /// Bucket.
    pub bucket: String,
    /// Key.
    pub key: String,
    /// Entity tag: 32 hex digits, a hyphen, the number of parts.
    pub etag: ETag,
}

impl CompleteResult {
    /// Reads a `<CompleteMultipartUploadResult>`.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, "CompleteMultipartUploadResult")?;
        let text = |name| root.text_of(name).unwrap_or_default().to_owned();
        let etag = ETag::new(root.text_of("ETag").ok_or(XmlError::Missing("ETag"))?);
        Ok(Self {
            location: text("Location"),
            bucket: text("Bucket"),
            key: text("Key"),
            etag,
        })
    }

    /// As XML.
    #[must_use]
    pub fn to_element(&self) -> Element {
        Element::new("CompleteMultipartUploadResult")
            .leaf("Location", &self.location)
            .leaf("Bucket", &self.bucket)
            .leaf("Key", &self.key)
            .leaf("ETag", self.etag.quoted())
    }
}

/// The answer to a copy of an object (`<CopyObjectResult>`) or of a part (`<CopyPartResult>`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyResult {
    /// Entity tag of the copy.
    pub etag: ETag,
    /// When it was written.
    pub last_modified: Timestamp,
    /// CRC-64, when the source has one.
    pub crc64: Option<u64>,
    /// The version written, in a bucket with versions.
    pub version_id: Option<String>,
}

impl CopyResult {
    /// Reads the document whose root is `root`.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(document: &[u8], root: &'static str) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, root)?;
        Ok(Self {
            etag: ETag::new(root.text_of("ETag").ok_or(XmlError::Missing("ETag"))?),
            last_modified: root.needed("LastModified")?,
            crc64: root.text_of("CRC64").map(crc64_of_text).transpose()?,
            version_id: root.text_of("VersionId").map(str::to_owned),
        })
    }

    /// As XML.
    #[must_use]
    pub fn to_element(&self, root: &str) -> Element {
        Element::new(root)
            .leaf("ETag", self.etag.quoted())
            .leaf("LastModified", time(self.last_modified))
            .maybe("CRC64", self.crc64)
            .maybe("VersionId", self.version_id.as_ref())
    }
}

fn crc64_of_text(text: &str) -> Result<u64, XmlError> {
    parse_crc64(text).ok_or_else(|| XmlError::BadValue {
        name: "CRC64".into(),
        value: text.chars().take(80).collect(),
    })
}

/// One part of an unfinished upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPart {
    /// Number.
    pub number: PartNumber,
    /// When it was uploaded.
    pub last_modified: Timestamp,
    /// Entity tag.
    pub etag: ETag,
    /// Length in bytes.
    pub size: u64,
}

/// One page of an upload's parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListPartsPage {
    /// Bucket.
    pub bucket: String,
    /// Key.
    pub key: String,
    /// The upload.
    pub upload_id: String,
    /// How the key was written; it is decoded here.
    pub encoding_type: Option<EncodingType>,
    /// The most parts of one page.
    pub max_parts: u32,
    /// Whether there is a next page.
    pub is_truncated: bool,
    /// The page begins behind this number.
    pub part_number_marker: u32,
    /// Where the next page begins; only when truncated.
    pub next_part_number_marker: Option<u32>,
    /// Storage class of the object to be.
    pub storage_class: StorageClass,
    /// Parts, by number.
    pub parts: Vec<ListedPart>,
    /// Who began the upload.
    pub initiator: Option<Owner>,
    /// Whose the object will be.
    pub owner: Option<Owner>,
}

impl ListPartsPage {
    /// Reads a `<ListPartsResult>`.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, "ListPartsResult")?;
        let coding = KeyCoding::of(&root)?;
        let text = |name| root.text_of(name).unwrap_or_default().to_owned();
        let part = |part: &Element| -> Result<ListedPart, XmlError> {
            Ok(ListedPart {
                number: part.needed("PartNumber")?,
                last_modified: part.needed("LastModified")?,
                etag: ETag::new(part.required("ETag")?),
                size: part.needed("Size")?,
            })
        };
        Ok(Self {
            bucket: text("Bucket"),
            key: coding.read(&root, "Key")?.unwrap_or_default(),
            upload_id: text("UploadId"),
            encoding_type: coding.0,
            max_parts: root.parsed("MaxParts")?.unwrap_or_default(),
            is_truncated: root.parsed("IsTruncated")?.unwrap_or_default(),
            part_number_marker: root.parsed("PartNumberMarker")?.unwrap_or_default(),
            next_part_number_marker: root.parsed("NextPartNumberMarker")?,
            storage_class: root.parsed("StorageClass")?.unwrap_or_default(),
            parts: root.all("Part").map(part).collect::<Result<_, _>>()?,
            initiator: Owner::read(&root, "Initiator"),
            owner: Owner::read(&root, "Owner"),
        })
    }

    /// As XML.
    #[must_use]
    pub fn to_element(&self) -> Element {
        let part = |part: &ListedPart| {
            Element::new("Part")
                .leaf("PartNumber", part.number)
                .leaf("LastModified", time(part.last_modified))
                .leaf("ETag", part.etag.quoted())
                .leaf("Size", part.size)
        };
        Element::new("ListPartsResult")
            .leaf("Bucket", &self.bucket)
            .maybe("EncodingType", self.encoding_type.map(EncodingType::as_str))
            .leaf("Key", KeyCoding(self.encoding_type).encode(&self.key))
            .leaf("UploadId", &self.upload_id)
            .extend(self.owner.as_ref().map(|owner| owner.to_element("Owner")))
            .leaf("PartNumberMarker", self.part_number_marker)
            .extend(self.initiator.as_ref().map(|owner| owner.to_element("Initiator")))
            .extend(self.parts.iter().map(part))
            .leaf("StorageClass", &self.storage_class)
            .leaf("MaxParts", self.max_parts)
            .leaf("IsTruncated", self.is_truncated)
            .maybe("NextPartNumberMarker", self.next_part_number_marker)
    }
}

/// An upload that was begun and neither completed nor aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUpload {
    /// Key, decoded.
    pub key: String,
    /// Names the upload.
    pub upload_id: String,
    /// Storage class of the object to be.
    pub storage_class: StorageClass,
    /// When it was begun.
    pub initiated: Timestamp,
    /// Who began it.
    pub initiator: Option<Owner>,
    /// Whose the object will be.
    pub owner: Option<Owner>,
}

/// One page of a bucket's unfinished uploads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListUploadsPage {
    /// Bucket.
    pub bucket: String,
    /// Only keys that begin so.
    pub prefix: String,
    /// Keys that share what precedes it are folded into a common prefix.
    pub delimiter: Option<String>,
    /// The listing begins behind this key …
    pub key_marker: String,
    /// … and this upload of it.
    pub upload_id_marker: String,
    /// Where the next page begins; only when truncated.
    pub next_key_marker: Option<String>,
    /// The upload at which the next page begins.
    pub next_upload_id_marker: Option<String>,
    /// The most uploads of one page.
    pub max_uploads: u32,
    /// Whether there is a next page.
    pub is_truncated: bool,
    /// How keys were written; they are decoded here.
    pub encoding_type: Option<EncodingType>,
    /// Uploads, by key.
    pub uploads: Vec<ListedUpload>,
    /// Folded prefixes, each with its delimiter.
    pub common_prefixes: Vec<String>,
}

impl ListUploadsPage {
    /// Reads a `<ListMultipartUploadsResult>`.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, "ListMultipartUploadsResult")?;
        let coding = KeyCoding::of(&root)?;
        let text = |name| root.text_of(name).unwrap_or_default().to_owned();
        let upload = |upload: &Element| -> Result<ListedUpload, XmlError> {
            Ok(ListedUpload {
                key: coding.decode("Key", upload.required("Key")?)?,
                upload_id: upload.required("UploadId")?.to_owned(),
                storage_class: upload.parsed("StorageClass")?.unwrap_or_default(),
                initiated: upload.needed("Initiated")?,
                initiator: Owner::read(upload, "Initiator"),
                owner: Owner::read(upload, "Owner"),
            })
        };
        Ok(Self {
            bucket: text("Bucket"),
            prefix: coding.read(&root, "Prefix")?.unwrap_or_default(),
            delimiter: coding.read(&root, "Delimiter")?,
            key_marker: coding.read(&root, "KeyMarker")?.unwrap_or_default(),
            upload_id_marker: text("UploadIdMarker"),
            next_key_marker: coding.read(&root, "NextKeyMarker")?,
            next_upload_id_marker: root.text_of("NextUploadIdMarker").map(str::to_owned),
            max_uploads: root.parsed("MaxUploads")?.unwrap_or_default(),
            is_truncated: root.parsed("IsTruncated")?.unwrap_or_default(),
            encoding_type: coding.0,
            uploads: root.all("Upload").map(upload).collect::<Result<_, _>>()?,
            common_prefixes: coding.read_prefixes(&root)?,
        })
    }

    /// As XML.
    #[must_use]
    pub fn to_element(&self) -> Element {
        let coding = KeyCoding(self.encoding_type);
        let upload = |upload: &ListedUpload| {
            Element::new("Upload")
                .leaf("Key", coding.encode(&upload.key))
                .leaf("UploadId", &upload.upload_id)
                .leaf("StorageClass", &upload.storage_class)
                .extend(
                    upload
                        .initiator
                        .as_ref()
                        .map(|owner| owner.to_element("Initiator")),
                )
                .extend(upload.owner.as_ref().map(|owner| owner.to_element("Owner")))
                .leaf("Initiated", time(upload.initiated))
        };
        Element::new("ListMultipartUploadsResult")
            .leaf("Bucket", &self.bucket)
            .maybe("EncodingType", self.encoding_type.map(EncodingType::as_str))
            .leaf("KeyMarker", coding.encode(&self.key_marker))
            .leaf("UploadIdMarker", &self.upload_id_marker)
            .maybe(
                "NextKeyMarker",
                self.next_key_marker.as_deref().map(|m| coding.encode(m)),
            )
            .maybe("NextUploadIdMarker", self.next_upload_id_marker.as_deref())
            .leaf("MaxUploads", self.max_uploads)
            .leaf("IsTruncated", self.is_truncated)
            .leaf("Prefix", coding.encode(&self.prefix))
            .maybe("Delimiter", self.delimiter.as_deref().map(|d| coding.encode(d)))
            .extend(self.uploads.iter().map(upload))
            .extend(coding.write_prefixes(&self.common_prefixes))
    }
}

#[cfg(test)]
mod tests;
