//! What is stored beside an object's bytes: headers, user metadata, storage class, access.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

use sha1::{Digest, Sha1};

use crate::error::{Error, invalid};
use crate::request::header_value;
use crate::types::{Acl, StorageClass};

/// Prefix of the headers that carry user metadata.
pub const METADATA_PREFIX: &str = "x-cos-meta-";

/// User metadata: names, in lower case and without their `x-cos-meta-` prefix, with values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata(Vec<(String, String)>);

impl Metadata {
    /// The service's limit for names with their prefix and values together, in bytes.
    pub const MAX_LEN: usize = 2048;

    /// Sets a value; a name that is there already gets the new value. The prefix may be given or left out.
    pub fn insert(&mut self, name: &str, value: impl Into<String>) {
        let name = name.to_ascii_lowercase();
        let name = name.strip_prefix(METADATA_PREFIX).unwrap_or(&name);
        self.0.retain(|(existing, _)| existing != name);
        self.0.push((name.to_owned(), value.into()));
    }

    /// The value of a name without prefix, in lower case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(existing, _)| *existing == name)
            .map(|(_, value)| value)
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What counts against [`MAX_LEN`](Self::MAX_LEN), in bytes.
    #[must_use]
    pub fn stored_len(&self) -> usize {
        self.iter()
            .map(|(name, value)| METADATA_PREFIX.len() + name.len() + value.len())
            .sum()
    }

    /// Fails when a name comes twice: readers would disagree on which value counts.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Self, Error> {
        let mut metadata = Self::default();
        for (name, value) in headers {
            if let Some(name) = name.as_str().strip_prefix(METADATA_PREFIX) {
                if metadata.get(name).is_some() {
                    return Err(Error::Protocol(format!(
                        "the answer carries the metadata {name} twice"
                    )));
                }
                // Other bytes than ASCII are shown as what they are not; they are never lost silently.
                metadata.insert(name, String::from_utf8_lossy(value.as_bytes()));
            }
        }
        Ok(metadata)
    }

    fn apply(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        for (name, value) in self.iter() {
            let full = format!("{METADATA_PREFIX}{name}");
            if name.is_empty() || name.contains('_') {
                return Err(invalid(format!(
                    "the metadata name {name:?} is not possible: '_' and empty names are refused by the service"
                )));
            }
            let header = HeaderName::try_from(&full).map_err(|_| {
                invalid(format!(
                    "the metadata name {name:?} holds characters that a header name cannot hold"
                ))
            })?;
            headers.insert(header, header_value(&full, value)?);
        }
        match self.stored_len() {
            0..=Self::MAX_LEN => Ok(()),
            len => Err(invalid(format!(
                "the metadata takes {len} bytes, the service allows {}",
                Self::MAX_LEN
            ))),
        }
    }
}

impl<N: AsRef<str>, V: Into<String>> FromIterator<(N, V)> for Metadata {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut metadata = Self::default();
        for (name, value) in pairs {
            metadata.insert(name.as_ref(), value);
        }
        metadata
    }
}

/// What a call that creates an object may say about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectAttributes {
    /// Who may read it.
    pub acl: Option<Acl>,
    /// `id="OwnerUin"` of the account that may do everything.
    pub grant_full_control: Option<String>,
    /// `id="OwnerUin"` of the account that may read.
    pub grant_read: Option<String>,
    /// What its storage costs.
    pub storage_class: Option<StorageClass>,
    /// `Expires`.
    pub expires: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// User metadata.
    pub metadata: Metadata,
}

impl ObjectAttributes {
    /// Tells these attributes from others, in files that outlive this program.
    pub(crate) fn digest(&self) -> String {
        let mut headers = HeaderMap::new();
        // What cannot be sent is refused when it is sent.
        let _ = self.apply(&mut headers);
        let mut lines: Vec<_> = headers
            .iter()
            .map(|(name, value)| [name.as_str().as_bytes(), value.as_bytes()])
            .collect();
        lines.sort_unstable();
        let digest = lines.into_iter().flatten().fold(Sha1::new(), |digest, part| {
            digest
                .chain_update((part.len() as u64).to_be_bytes())
                .chain_update(part)
        });
        hex::encode(digest.finalize())
    }

    pub(crate) fn apply(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        let fixed: [(&'static str, Option<&str>); 10] = [
            ("x-cos-acl", self.acl.as_ref().map(Acl::as_str)),
            ("x-cos-grant-full-control", self.grant_full_control.as_deref()),
            ("x-cos-grant-read", self.grant_read.as_deref()),
            (
                "x-cos-storage-class",
                self.storage_class.as_ref().map(StorageClass::as_str),
            ),
            ("expires", self.expires.as_deref()),
            ("cache-control", self.cache_control.as_deref()),
            ("content-type", self.content_type.as_deref()),
            ("content-disposition", self.content_disposition.as_deref()),
            ("content-encoding", self.content_encoding.as_deref()),
            ("content-language", self.content_language.as_deref()),
        ];
        for (name, value) in fixed {
            if let Some(value) = value {
                headers.insert(HeaderName::from_static(name), header_value(name, value)?);
            }
        }
        self.metadata.apply(headers)
    }
}

/// The setters of every call that creates an object, over its field `attributes`.
#[doc(hidden)]
#[macro_export]
macro_rules! attribute_setters {
    () => {
        /// Everything that is stored beside the bytes, at once.
        pub fn attributes(mut self, attributes: $crate::ObjectAttributes) -> Self {
            self.attributes = attributes;
            self
        }

        /// Who may read the object. An account has 1 000 access lists at most: use with care.
        pub fn acl(mut self, acl: $crate::Acl) -> Self {
            self.attributes.acl = Some(acl);
            self
        }

        /// Gives an account every permission: `id="OwnerUin"`.
        pub fn grant_full_control(mut self, grantee: impl Into<String>) -> Self {
            self.attributes.grant_full_control = Some(grantee.into());
            self
        }

        /// Lets an account read: `id="OwnerUin"`.
        pub fn grant_read(mut self, grantee: impl Into<String>) -> Self {
            self.attributes.grant_read = Some(grantee.into());
            self
        }

        /// What the object's storage costs and how fast it is at hand.
        pub fn storage_class(mut self, class: $crate::StorageClass) -> Self {
            self.attributes.storage_class = Some(class);
            self
        }

        /// `Expires`.
        pub fn expires(mut self, value: impl Into<String>) -> Self {
            self.attributes.expires = Some(value.into());
            self
        }

        /// `Cache-Control`.
        pub fn cache_control(mut self, value: impl Into<String>) -> Self {
            self.attributes.cache_control = Some(value.into());
            self
        }

        /// `Content-Type`.
        pub fn content_type(mut self, value: impl Into<String>) -> Self {
            self.attributes.content_type = Some(value.into());
            self
        }

        /// `Content-Disposition`.
        pub fn content_disposition(mut self, value: impl Into<String>) -> Self {
            self.attributes.content_disposition = Some(value.into());
            self
        }

        /// `Content-Encoding`.
        pub fn content_encoding(mut self, value: impl Into<String>) -> Self {
            self.attributes.content_encoding = Some(value.into());
            self
        }

        /// `Content-Language`.
        pub fn content_language(mut self, value: impl Into<String>) -> Self {
            self.attributes.content_language = Some(value.into());
            self
        }

        /// Adds user metadata; the name's `x-cos-meta-` may be given or left out.
        pub fn metadata(mut self, name: impl AsRef<str>, value: impl Into<String>) -> Self {
            self.attributes.metadata.insert(name.as_ref(), value);
            self
        }
    };
}

/// The most that one connection may carry, in bits per second (`x-cos-traffic-limit`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrafficLimit(u32);

impl TrafficLimit {
    /// The service's bounds, in bits per second.
    pub const BOUNDS: std::ops::RangeInclusive<u32> = 819_200..=838_860_800;

    /// A limit in bits per second.
    ///
    /// # Errors
    /// When it lies outside of [`BOUNDS`](Self::BOUNDS).
    pub fn bits_per_second(bits: u32) -> Result<Self, Error> {
        match Self::BOUNDS.contains(&bits) {
            true => Ok(Self(bits)),
            false => Err(invalid(format!(
                "a traffic limit of {bits} bit/s is not possible: the service allows {} to {}",
                Self::BOUNDS.start(),
                Self::BOUNDS.end()
            ))),
        }
    }

    pub(crate) fn to_header(self) -> HeaderValue {
        HeaderValue::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(metadata: Metadata) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        ObjectAttributes {
            metadata,
            ..ObjectAttributes::default()
        }
        .apply(&mut headers)
        .map(|()| headers)
    }

    #[test]
    fn metadata_comes_back_from_headers() {
        let metadata: Metadata = [("x-cos-meta-Owner", "ann"), ("k-2", ""), ("owner", "bob")]
            .into_iter()
            .collect();
        let headers = headers(metadata.clone()).unwrap();
        assert_eq!(headers["x-cos-meta-owner"], "bob");
        assert_eq!(
            Metadata::from_headers(&headers).unwrap().get("owner"),
            Some("bob")
        );
        assert_eq!(metadata.stored_len(), "x-cos-meta-ownerbobx-cos-meta-k-2".len());
    }

    #[test]
    fn impossible_metadata_is_refused_with_the_rule() {
        for (name, value, rule) in [
            ("a_b", "v", "'_'"),
            ("", "v", "empty"),
            ("a b", "v", "header name"),
            ("é", "v", "header name"),
            ("a", "é", "percent-encode"),
            ("a", "x\r\nb: c", "printable"),
        ] {
            let error = headers([(name, value)].into_iter().collect())
                .unwrap_err()
                .to_string();
            assert!(error.contains(rule), "{name:?} {value:?}: {error}");
        }
        let fits = "v".repeat(2048 - "x-cos-meta-a".len());
        assert!(headers([("a", fits.clone())].into_iter().collect()).is_ok());
        let error = headers([("a", fits + "v")].into_iter().collect())
            .unwrap_err()
            .to_string();
        assert!(error.contains("2049") && error.contains("2048"), "{error}");
    }

    #[test]
    fn metadata_that_comes_twice_is_refused() {
        let mut headers = HeaderMap::new();
        headers.append("x-cos-meta-a", HeaderValue::from_static("1"));
        headers.append("x-cos-meta-a", HeaderValue::from_static("2"));
        assert!(Metadata::from_headers(&headers).is_err());
    }

    #[test]
    fn traffic_limits_are_bounded() {
        assert!(TrafficLimit::bits_per_second(819_199).is_err());
        assert_eq!(
            TrafficLimit::bits_per_second(819_200).unwrap().to_header(),
            "819200"
        );
    }
}
