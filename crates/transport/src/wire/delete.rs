//! Deleting many objects in one request.

use super::xml::{Element, XmlError};

/// What the answer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeleteReport {
    /// Every object, deleted or not.
    #[default]
    Verbose,
    /// Only those that could not be deleted.
    Quiet,
}

/// An object, or one version of it, to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteTarget {
    /// Key.
    pub key: String,
    /// Version; the latest is hidden behind a delete marker without one.
    pub version_id: Option<String>,
}

/// `<Delete>`: at most 1000 objects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteRequest {
    /// What the answer tells.
    pub report: DeleteReport,
    /// Objects.
    pub objects: Vec<DeleteTarget>,
}

impl DeleteRequest {
    /// Reads the request.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, "Delete")?;
        let object = |object: &Element| -> Result<DeleteTarget, XmlError> {
            let version_id = object.text_of("VersionId").map(str::to_owned);
            Ok(DeleteTarget {
                key: object.required("Key")?.to_owned(),
                version_id,
            })
        };
        let report = match root.parsed("Quiet")? {
            Some(true) => DeleteReport::Quiet,
            Some(false) | None => DeleteReport::Verbose,
        };
        Ok(Self {
            report,
            objects: root.all("Object").map(object).collect::<Result<_, _>>()?,
        })
    }

    /// As XML.
    #[must_use]
    pub fn to_element(&self) -> Element {
        let object = |object: &DeleteTarget| {
            Element::new("Object")
                .leaf("Key", &object.key)
                .maybe("VersionId", object.version_id.as_ref())
        };
        Element::new("Delete")
            .leaf("Quiet", self.report == DeleteReport::Quiet)
            .extend(self.objects.iter().map(object))
    }
}

/// An object that was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeletedObject {
    /// Key.
    pub key: String,
    /// The version deleted.
    pub version_id: Option<String>,
    /// True when a delete marker was written or removed.
    pub delete_marker: bool,
    /// That marker's version.
    pub delete_marker_version_id: Option<String>,
}

/// An object that could not be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteFailure {
    /// Key.
    pub key: String,
    /// The version asked for.
    pub version_id: Option<String>,
    /// Error code, as `AccessDenied`.
    pub code: String,
    /// The service's words.
    pub message: String,
}

/// `<DeleteResult>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteResult {
    /// What was deleted; nothing when the report is quiet.
    pub deleted: Vec<DeletedObject>,
    /// What could not be.
    pub failed: Vec<DeleteFailure>,
}

impl DeleteResult {
    /// Reads the result.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, "DeleteResult")?;
        let owned = |element: &Element, name: &str| element.text_of(name).map(str::to_owned);
        let deleted = |object: &Element| -> Result<DeletedObject, XmlError> {
            Ok(DeletedObject {
                key: object.required("Key")?.to_owned(),
                version_id: owned(object, "VersionId"),
                delete_marker: object.parsed("DeleteMarker")?.unwrap_or_default(),
                delete_marker_version_id: owned(object, "DeleteMarkerVersionId"),
            })
        };
        let failed = |object: &Element| -> Result<DeleteFailure, XmlError> {
            Ok(DeleteFailure {
                key: object.required("Key")?.to_owned(),
                version_id: owned(object, "VersionId"),
                code: owned(object, "Code").unwrap_or_default(),
                message: owned(object, "Message").unwrap_or_default(),
            })
        };
        Ok(Self {
            deleted: root.all("Deleted").map(deleted).collect::<Result<_, _>>()?,
            failed: root.all("Error").map(failed).collect::<Result<_, _>>()?,
        })
    }

    /// As XML.
    #[must_use]
    pub fn to_element(&self) -> Element {
        let deleted = |object: &DeletedObject| {
            Element::new("Deleted")
                .leaf("Key", &object.key)
                .maybe("VersionId", object.version_id.as_ref())
                .maybe("DeleteMarker", object.delete_marker.then_some(true))
                .maybe("DeleteMarkerVersionId", object.delete_marker_version_id.as_ref())
        };
        let failed = |object: &DeleteFailure| {
            Element::new("Error")
                .leaf("Key", &object.key)
                .maybe("VersionId", object.version_id.as_ref())
                .leaf("Code", &object.code)
                .leaf("Message", &object.message)
        };
        Element::new("DeleteResult")
            .extend(self.deleted.iter().map(deleted))
            .extend(self.failed.iter().map(failed))
    }
}

/// True when a key can be written in XML 1.0, which has no way to say most control characters.
#[must_use]
pub fn is_xml_text(key: &str) -> bool {
    key.chars()
        .all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn requests_survive(key in "\\PC{1,20}|[\t\n\r a]{1,8}", version_id in proptest::option::of("[a-z0-9]{1,9}")) {
            prop_assume!(is_xml_text(&key));
            let request = DeleteRequest { report: DeleteReport::Quiet, objects: vec![DeleteTarget { key, version_id }] };
            prop_assert_eq!(DeleteRequest::parse(request.to_element().to_document().as_bytes()).unwrap(), request);
        }
    }

    #[test]
    fn results_survive() {
        let result = DeleteResult {
            deleted: vec![DeletedObject {
                key: "a".into(),
                delete_marker: true,
                delete_marker_version_id: Some("m".into()),
                version_id: None,
            }],
            failed: vec![DeleteFailure {
                key: "b".into(),
                code: "AccessDenied".into(),
                message: "no".into(),
                version_id: Some("v".into()),
            }],
        };
        assert_eq!(
            DeleteResult::parse(result.to_element().to_document().as_bytes()).unwrap(),
            result
        );
        assert!(!is_xml_text("a\u{1}") && !is_xml_text("\u{fffe}") && is_xml_text("é😀\n"));
    }
}
