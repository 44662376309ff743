//! The name of a key.

use std::fmt;
use std::str::FromStr;

/// Length of a key id in bytes.
pub const KEY_ID_LEN: usize = 8;

/// The public name of a key: 8 bytes, written as 16 lower-case hexadecimal digits (docs/format.md §2).
///
/// It is derived from the key itself, so that the same key has the same name everywhere, and tells nothing about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KEY_ID_LEN]);

impl KeyId {
    /// A key id from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; KEY_ID_LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_ID_LEN] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text is not a key id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key id is 16 lower-case hexadecimal digits")]
pub struct InvalidKeyId;

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(text: &str) -> Result<Self, InvalidKeyId> {
        let mut bytes = [0; KEY_ID_LEN];
        let lower = text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        if !lower || hex::decode_to_slice(text, &mut bytes).is_err() {
            return Err(InvalidKeyId);
        }
        Ok(Self(bytes))
    }
}

impl serde::Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_are_inverses() {
        let id: KeyId = "e7614acd870bd615".parse().unwrap();
        assert_eq!(id.to_string(), "e7614acd870bd615");
        assert_eq!(id.as_bytes()[0], 0xe7);
    }

    #[test]
    fn only_16_lower_case_digits_are_an_id() {
        for text in [
            "",
            "e7614acd870bd6",
            "E7614ACD870BD615",
            "e7614acd870bd6155",
            "e7614acd870bd61g",
            "é7614acd870bd61",
        ] {
            assert_eq!(text.parse::<KeyId>(), Err(InvalidKeyId), "{text}");
        }
    }
}
