//! What several documents share: owners, and how keys are written.

use std::str::FromStr;

use jiff::Timestamp;

use super::xml::{Element, XmlError};
use crate::name::{percent_decode, percent_encode};

/// How keys are written in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodingType {
    /// Percent-encoded, so that every key survives XML.
    Url,
}

impl EncodingType {
    /// As it is written in requests and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        "url"
    }
}

impl FromStr for EncodingType {
    type Err = UnknownEncoding;

    fn from_str(value: &str) -> Result<Self, UnknownEncoding> {
        if value == "url" {
            Ok(Self::Url)
        } else {
            Err(UnknownEncoding)
        }
    }
}

/// An encoding of keys that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the only encoding type is url")]
pub struct UnknownEncoding;

/// Whose an object or an upload is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owner {
    /// Account.
    pub id: String,
    /// Account, for people.
    pub display_name: String,
}

impl Owner {
    pub(super) fn read(parent: &Element, name: &str) -> Option<Self> {
        parent.get(name).map(|owner| Self {
            id: owner.text_of("ID").unwrap_or_default().to_owned(),
            display_name: owner.text_of("DisplayName").unwrap_or_default().to_owned(),
        })
    }

    /// `<name><ID/><DisplayName/></name>`.
    #[must_use]
    pub fn to_element(&self, name: &str) -> Element {
        Element::new(name)
            .leaf("ID", &self.id)
            .leaf("DisplayName", &self.display_name)
    }
}

/// Applies `encoding-type` to keys, prefixes, delimiters and markers.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyCoding(pub(super) Option<EncodingType>);

impl KeyCoding {
    pub(super) fn of(root: &Element) -> Result<Self, XmlError> {
        Ok(Self(root.parsed("EncodingType")?))
    }

    pub(super) fn read(self, parent: &Element, name: &'static str) -> Result<Option<String>, XmlError> {
        parent
            .text_of(name)
            .map(|text| self.decode(name, text))
            .transpose()
    }

    pub(super) fn decode(self, name: &'static str, text: &str) -> Result<String, XmlError> {
        match self.0 {
            None => Ok(text.to_owned()),
            Some(EncodingType::Url) => percent_decode(text).map_err(|_| XmlError::BadValue {
                name: name.to_owned(),
                value: text.chars().take(80).collect(),
            }),
        }
    }

    pub(super) fn encode(self, text: &str) -> String {
        match self.0 {
            None => text.to_owned(),
            // The service leaves slashes as they are.
            Some(EncodingType::Url) => percent_encode(text).replace("%2F", "/"),
        }
    }

    /// The folded prefixes of a listing.
    pub(super) fn read_prefixes(self, root: &Element) -> Result<Vec<String>, XmlError> {
        root.all("CommonPrefixes")
            .map(|folded| self.decode("Prefix", folded.required("Prefix")?))
            .collect()
    }

    pub(super) fn write_prefixes(self, prefixes: &[String]) -> impl Iterator<Item = Element> {
        prefixes
            .iter()
            .map(move |prefix| Element::new("CommonPrefixes").leaf("Prefix", self.encode(prefix)))
    }
}

/// A time as listings write it.
pub(super) fn time(time: Timestamp) -> String {
    format!("{time:.3}")
}
