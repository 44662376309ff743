//! Small documents about objects and buckets: tags, access, versions, restores.

use std::str::FromStr;

use super::common::Owner;
use super::xml::{Element, XmlError};

/// An object's tags (`<Tagging>`): at most 10.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tagging {
    /// Names with values.
    pub tags: Vec<(String, String)>,
}

impl Tagging {
    /// The most tags of one object.
    pub const MAX_TAGS: usize = 10;

    /// Reads the tags.
    ///
    /// # Errors
    /// When the document is malformed.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, "Tagging")?;
        let set = root.get("TagSet").ok_or(XmlError::Missing("TagSet"))?;
        let tag = |tag: &Element| -> Result<(String, String), XmlError> {
            Ok((tag.required("Key")?.to_owned(), tag.required("Value")?.to_owned()))
        };
        Ok(Self {
            tags: set.all("Tag").map(tag).collect::<Result<_, _>>()?,
        })
    }

    /// As XML.
    #[must_use]
    pub fn to_element(&self) -> Element {
        let tag = |(key, value): &(String, String)| Element::new("Tag").leaf("Key", key).leaf("Value", value);
        Element::new("Tagging").child(Element::new("TagSet").extend(self.tags.iter().map(tag)))
    }
}

/// What an account, or everybody, may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who: an account's id, or the URI of a group such as all users.
    pub grantee: Grantee,
    /// `READ`, `WRITE`, `FULL_CONTROL`, `READ_ACP` or `WRITE_ACP`.
    pub permission: String,
}

/// Who is given a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grantee {
    /// An account.
    Account(Owner),
    /// A group, by URI.
    Group(String),
}

/// The group of everybody.
pub const ALL_USERS: &str = "http://cam.qcloud.com/groups/global/AllUsers";

/// Who may do what with an object (`<AccessControlPolicy>`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessControlPolicy {
    /// The owner.
    pub owner: Owner,
    /// Permissions.
    pub grants: Vec<Grant>,
}

impl AccessControlPolicy {
    /// Reads the policy.
    ///
    /// # Errors
    /// When the document is malformed.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, "AccessControlPolicy")?;
        let grant = |grant: &Element| -> Result<Grant, XmlError> {
            let uri = grant.get("Grantee").and_then(|grantee| grantee.text_of("URI"));
            let grantee = match uri {
                Some(uri) => Grantee::Group(uri.to_owned()),
                None => Grantee::Account(Owner::read(grant, "Grantee").ok_or(XmlError::Missing("Grantee"))?),
            };
            Ok(Grant {
                grantee,
                permission: grant.required("Permission")?.to_owned(),
            })
        };
        let grants = match root.get("AccessControlList") {
            Some(list) => list.all("Grant").map(grant).collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        Ok(Self {
            owner: Owner::read(&root, "Owner").unwrap_or_default(),
            grants,
        })
    }

    /// As XML.
    #[must_use]
    pub fn to_element(&self) -> Element {
        let grant = |grant: &Grant| {
            let grantee = match &grant.grantee {
                Grantee::Account(owner) => owner.to_element("Grantee"),
                Grantee::Group(uri) => Element::new("Grantee").leaf("URI", uri),
            };
            Element::new("Grant")
                .child(grantee)
                .leaf("Permission", &grant.permission)
        };
        Element::new("AccessControlPolicy")
            .child(self.owner.to_element("Owner"))
            .child(Element::new("AccessControlList").extend(self.grants.iter().map(grant)))
    }
}

/// Whether a bucket keeps versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Versioning {
    /// It never did.
    #[default]
    Never,
    /// It does.
    Enabled,
    /// It did; old versions are kept, new ones are not made.
    Suspended,
}

impl Versioning {
    /// Reads a `<VersioningConfiguration>`.
    ///
    /// # Errors
    /// When the document is malformed.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        Element::parse_root(document, "VersioningConfiguration")?
            .parsed("Status")
            .map(Option::unwrap_or_default)
    }

    /// As XML.
    #[must_use]
    pub fn to_element(self) -> Element {
        let status = match self {
            Self::Never => None,
            Self::Enabled => Some("Enabled"),
            Self::Suspended => Some("Suspended"),
        };
        Element::new("VersioningConfiguration").maybe("Status", status)
    }
}

impl FromStr for Versioning {
    type Err = XmlError;

    fn from_str(value: &str) -> Result<Self, XmlError> {
        match value {
            "Enabled" => Ok(Self::Enabled),
            "Suspended" => Ok(Self::Suspended),
            other => Err(XmlError::BadValue {
                name: "Status".into(),
                value: other.chars().take(80).collect(),
            }),
        }
    }
}

/// How fast an archived object comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RestoreTier {
    /// Minutes; not for DEEP_ARCHIVE.
    Expedited,
    /// Hours.
    #[default]
    Standard,
    /// Half a day and more, at the lowest price.
    Bulk,
}

impl RestoreTier {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expedited => "Expedited",
            Self::Standard => "Standard",
            Self::Bulk => "Bulk",
        }
    }
}

impl FromStr for RestoreTier {
    type Err = XmlError;

    fn from_str(value: &str) -> Result<Self, XmlError> {
        [Self::Expedited, Self::Standard, Self::Bulk]
            .into_iter()
            .find(|tier| tier.as_str() == value)
            .ok_or_else(|| XmlError::BadValue {
                name: "Tier".into(),
                value: value.chars().take(80).collect(),
            })
    }
}

/// Makes a readable copy of an archived object, for some days (`<RestoreRequest>`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoreRequest {
    /// For how many days.
    pub days: u32,
    /// How fast.
    pub tier: RestoreTier,
}

impl RestoreRequest {
    /// Reads the request.
    ///
    /// # Errors
    /// When the document is malformed.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, "RestoreRequest")?;
        let tier = root
            .get("CASJobParameters")
            .map(|job| job.parsed("Tier"))
            .transpose()?
            .flatten();
        Ok(Self {
            days: root.needed("Days")?,
            tier: tier.unwrap_or_default(),
        })
    }

    /// As XML.
    #[must_use]
    pub fn to_element(self) -> Element {
        let job = Element::new("CASJobParameters").leaf("Tier", self.tier.as_str());
        Element::new("RestoreRequest").leaf("Days", self.days).child(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(element: &Element, parse: impl Fn(&[u8]) -> Result<T, XmlError>) -> T {
        parse(element.to_document().as_bytes()).unwrap()
    }

    #[test]
    fn documents_survive() {
        let tagging = Tagging {
            tags: vec![("a".into(), "1 & 2".into()), ("b".into(), String::new())],
        };
        assert_eq!(read(&tagging.to_element(), Tagging::parse), tagging);
        let account = Grantee::Account(Owner {
            id: "qcs::cam::uin/1:uin/1".into(),
            display_name: "1".into(),
        });
        let grants = [
            (account, "FULL_CONTROL"),
            (Grantee::Group(ALL_USERS.into()), "READ"),
        ];
        let grants = grants
            .map(|(grantee, permission)| Grant {
                grantee,
                permission: permission.into(),
            })
            .into();
        let policy = AccessControlPolicy {
            owner: Owner::default(),
            grants,
        };
        assert_eq!(read(&policy.to_element(), AccessControlPolicy::parse), policy);
        for versioning in [Versioning::Never, Versioning::Enabled, Versioning::Suspended] {
            assert_eq!(read(&versioning.to_element(), Versioning::parse), versioning);
        }
        let restore = RestoreRequest {
            days: 3,
            tier: RestoreTier::Bulk,
        };
        assert_eq!(read(&restore.to_element(), RestoreRequest::parse), restore);
        assert!(RestoreRequest::parse(b"<RestoreRequest><Days>-1</Days></RestoreRequest>").is_err());
        assert!(
            Versioning::parse(b"<VersioningConfiguration><Status>On</Status></VersioningConfiguration>")
                .is_err()
        );
    }
}
