//! What the index keeps about buckets and objects, and how it is written down.
//!
//! Records are JSON: they can be read by eye with any redb viewer, and a later version may add fields.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::version::Version;

/// A point in time, in milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct UnixMillis(pub(crate) i64);

impl UnixMillis {
    /// Whole seconds since 1970, which is the resolution of HTTP dates.
    pub(crate) fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Later by a duration.
    pub(crate) fn after(self, duration: Duration) -> UnixMillis {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        UnixMillis(self.0.saturating_add(millis))
    }
}

/// A bucket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BucketRecord {
    pub(crate) created: UnixMillis,
    /// Canned ACL and grants, as sent: `x-cos-acl`, `x-cos-grant-*`.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub(crate) acl: Headers,
    #[serde(default)]
    pub(crate) versioning: Versioning,
}

impl BucketRecord {
    pub(crate) fn new(created: UnixMillis) -> BucketRecord {
        BucketRecord {
            created,
            acl: Headers::default(),
            versioning: Versioning::default(),
        }
    }
}

/// Whether a bucket keeps the versions that writes and deletions replace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Versioning {
    #[default]
    Never,
    Enabled,
    /// Versions are kept, but new ones are all called `null` and replace one another.
    Suspended,
}

/// One version of an object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    pub(crate) version: Version,
    pub(crate) content: Content,
    pub(crate) modified: UnixMillis,
    pub(crate) attributes: Attributes,
    #[serde(default, skip_serializing_if = "ObjectType::is_normal")]
    pub(crate) object_type: ObjectType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) restore: Option<Restore>,
}

/// A stored run of bytes and its checksums: an object's, or a part's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) body: Body,
    /// Length of the body in bytes.
    pub(crate) length: u64,
    /// Without quotes.
    pub(crate) etag: String,
    /// CRC-64/XZ of the body.
    pub(crate) crc64: u64,
}

/// What the uploader says of an object.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Attributes {
    /// The response headers of GET and HEAD that the uploader chose, user metadata included.
    pub(crate) headers: Headers,
    pub(crate) storage_class: String,
    /// Canned ACL and grants, as sent: `x-cos-acl`, `x-cos-grant-*`.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub(crate) acl: Headers,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<(String, String)>,
}

/// Whether an object may grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ObjectType {
    #[default]
    Normal,
    Appendable,
}

impl ObjectType {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_normal(&self) -> bool {
        *self == ObjectType::Normal
    }
}

/// A request to make an archived object readable for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Restore {
    pub(crate) requested: UnixMillis,
    /// From when on the object can be read.
    pub(crate) ready: UnixMillis,
    /// From when on it cannot be read any more.
    pub(crate) expires: UnixMillis,
    pub(crate) tier: String,
}

/// An object was deleted here, and its older versions kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MarkerRecord {
    pub(crate) version: Version,
    pub(crate) modified: UnixMillis,
}

/// A version that a plain GET does not find: one that was replaced, or a delete marker.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OlderRecord {
    Object(Box<ObjectRecord>),
    Marker(MarkerRecord),
}

impl OlderRecord {
    pub(crate) fn version(&self) -> Version {
        match self {
            OlderRecord::Object(object) => object.version,
            OlderRecord::Marker(marker) => marker.version,
        }
    }
}

/// A multipart upload that was begun and neither completed nor aborted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    pub(crate) initiated: UnixMillis,
    /// Of the object to be.
    pub(crate) attributes: Attributes,
}

/// A part of such an upload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    pub(crate) content: Content,
    pub(crate) modified: UnixMillis,
}

/// Where the bytes of a body are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Body {
    Empty,
    One(Segment),
    /// The concatenation of the segments listed in the index under this id.
    Many(BodyId),
}

/// A run of body bytes and where it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment {
    pub(crate) id: BodyId,
    /// In bytes.
    pub(crate) length: u64,
    pub(crate) place: Place,
}

/// Where a segment's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    /// A file below `objects/`.
    File,
    /// The index itself: small bodies need no file and no sync of their own.
    Index,
}

/// The random name of a stored body, unrelated to any key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BodyId(pub(crate) u128);

impl BodyId {
    pub(crate) fn random() -> BodyId {
        BodyId(rand::random())
    }

    /// Parses what `Display` writes.
    pub(crate) fn parse(text: &str) -> Option<BodyId> {
        let canonical = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        canonical
            .then(|| u128::from_str_radix(text, 16).ok())
            .flatten()
            .map(BodyId)
    }
}

impl fmt::Display for BodyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for BodyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for BodyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BodyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        BodyId::parse(&text).ok_or_else(|| serde::de::Error::custom("a body id is 32 hex digits"))
    }
}

/// Header lines kept with an object, in order; names in lower case, values byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    pub(crate) fn push(&mut self, name: &str, value: &[u8]) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// The value of the first line of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Values are written as Latin-1 text: any byte string survives, and ASCII stays readable.
impl Serialize for Headers {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let latin1 = |value: &[u8]| value.iter().copied().map(char::from).collect::<String>();
        serializer.collect_seq(self.iter().map(|(name, value)| (name, latin1(value))))
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let lines = Vec::<(String, String)>::deserialize(deserializer)?;
        let bytes = |text: String| {
            text.chars()
                .map(|c| {
                    u8::try_from(c).map_err(|_| serde::de::Error::custom("a header value is Latin-1 text"))
                })
                .collect::<Result<Vec<u8>, D::Error>>()
        };
        lines
            .into_iter()
            .map(|(name, value)| Ok((name, bytes(value)?)))
            .collect::<Result<_, _>>()
            .map(Headers)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn header_values_survive_whatever_their_bytes(value in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut headers = Headers::default();
            headers.push("x-cos-meta-a", &value);
            let json = serde_json::to_vec(&headers).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Headers>(&json).unwrap(), headers);
        }
    }

    #[test]
    fn a_body_id_is_read_back_only_in_the_form_it_is_written() {
        let id = BodyId(0xabc);
        assert_eq!(BodyId::parse(&id.to_string()), Some(id));
        assert_eq!(BodyId::parse("ABC"), None);
        assert_eq!(BodyId::parse(&"F".repeat(32)), None);
        assert_eq!(BodyId::parse(&format!("+{:031x}", 1)), None);
    }
}
