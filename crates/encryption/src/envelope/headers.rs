//! Header names, in one place, and the set of encryption headers of one object.

use std::collections::BTreeMap;

use crate::Error;

/// What every header with user metadata begins with.
pub const METADATA_PREFIX: &str = "x-cos-meta-";

/// Declares the encryption headers: the field and its metadata name, without [`METADATA_PREFIX`].
macro_rules! fields {
    ($($(#[doc = $doc:literal])* $field:ident = $name:literal;)*) => {
        /// An encryption header, of any writer.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Field { $($(#[doc = $doc])* $field,)* }

        impl Field {
            const ALL: &'static [Self] = &[$(Self::$field),*];

            /// The metadata name, without the `x-cos-meta-` prefix.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$field => $name,)* }
            }
        }
    };
}

fields! {
    /// The wrapped data key, or several: every current writer.
    Key = "client-side-encryption-key";
    /// The wrapped IV: Python SDK.
    Iv = "client-side-encryption-iv";
    /// Salt and commitment (sealed), wrapped IV (Go, Java), raw IV (Android).
    Start = "client-side-encryption-start";
    /// The content algorithm.
    CekAlg = "client-side-encryption-cek-alg";
    /// The algorithms that wrapped the data key.
    WrapAlg = "client-side-encryption-wrap-alg";
    /// The material description; for the sealed format: version, key ids, binding.
    Matdesc = "client-side-encryption-matdesc";
    /// The sealed envelope's MAC.
    Mac = "client-side-encryption-mac";
    /// Plaintext length: Go, Java, Android.
    UnencryptedLength = "client-side-encryption-unencrypted-content-length";
    /// Plaintext MD5: Go, Java, Android.
    UnencryptedMd5 = "client-side-encryption-unencrypted-content-md5";
    /// Plaintext length of a multipart object: Go, Java.
    DataSize = "client-side-encryption-data-size";
    /// Part size of a multipart object: Go, Java.
    PartSize = "client-side-encryption-part-size";
    /// Length of the GCM tag in bits: Java.
    TagLen = "x-cos-tag-len";
    /// The wrapped data key: Java before 5.6.50.
    OldKeyV2 = "x-cos-key-v2";
    /// The same, older still.
    OldKey = "x-cos-key";
    /// The raw IV: Java before 5.6.50.
    OldIv = "x-cos-iv";
    /// The wrap algorithm: Java before 5.6.50.
    OldWrapAlg = "x-cos-wrap-alg";
    /// The content algorithm: Java before 5.6.50.
    OldCekAlg = "x-cos-cek-alg";
    /// The material description: Java before 5.6.50.
    OldMatdesc = "x-cos-matdesc";
    /// Marks an instruction file: Java.
    InstructionFile = "x-cos-crypto-instr-file";
    /// Plaintext length: Java before 5.6.50.
    OldUnencryptedLength = "x-cos-unencrypted-content-length";
    /// Plaintext MD5: Java before 5.6.50.
    OldUnencryptedMd5 = "x-cos-unencrypted-content-md5";
}

impl Field {
    /// The field that a header name stands for: in any case, with or without the `x-cos-meta-` prefix.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let bare = match name.get(..METADATA_PREFIX.len()) {
            Some(prefix) if prefix.eq_ignore_ascii_case(METADATA_PREFIX) => &name[METADATA_PREFIX.len()..],
            _ => name,
        };
        Self::ALL
            .iter()
            .copied()
            .find(|field| field.name().eq_ignore_ascii_case(bare))
    }
}

/// The encryption headers of one object; everything else is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvelopeHeaders(BTreeMap<Field, String>);

impl EnvelopeHeaders {
    /// Picks the encryption headers out of any headers, in any case, with or without the `x-cos-meta-` prefix.
    ///
    /// # Errors
    /// [`Error::MalformedEnvelope`] when an encryption header comes twice: readers would disagree on which one counts.
    pub fn collect<N: AsRef<str>, V: AsRef<str>>(
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, Error> {
        let mut found = BTreeMap::new();
        for (name, value) in headers {
            let Some(field) = Field::of_name(name.as_ref()) else {
                continue;
            };
            if found
                .insert(field, value.as_ref().trim_matches([' ', '\t']).to_owned())
                .is_some()
            {
                let reason = format!("{} is present twice", field.name());
                return Err(Error::MalformedEnvelope { reason });
            }
        }
        Ok(Self(found))
    }

    /// The value of a header.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&str> {
        self.0.get(&field).map(String::as_str)
    }

    /// Whether there is such a header.
    #[must_use]
    pub fn has(&self, field: Field) -> bool {
        self.0.contains_key(&field)
    }

    /// Whether there is no encryption header at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Metadata names (without the `x-cos-meta-` prefix) and values, as user metadata is given to a client.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(field, value)| (field.name(), value.as_str()))
    }

    /// Full header names and values, as they go over the wire.
    pub fn wire(&self) -> impl Iterator<Item = (String, &str)> {
        self.iter()
            .map(|(name, value)| (format!("{METADATA_PREFIX}{name}"), value))
    }

    /// Bytes that the headers take of the service's metadata limit: names with prefix, and values.
    #[must_use]
    pub fn len_on_wire(&self) -> usize {
        self.iter()
            .map(|(name, value)| METADATA_PREFIX.len() + name.len() + value.len())
            .sum()
    }

    /// The value of a header that the format cannot do without.
    pub(crate) fn require(&self, field: Field) -> Result<&str, Error> {
        self.get(field).ok_or_else(|| Error::MalformedEnvelope {
            reason: format!("{} is missing", field.name()),
        })
    }

    pub(crate) fn of(fields: impl IntoIterator<Item = (Field, String)>) -> Self {
        Self(fields.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_with_or_without_prefix() {
        for name in [
            "x-cos-meta-client-side-encryption-key",
            "X-Cos-Meta-Client-Side-Encryption-Key",
            "client-side-encryption-key",
            "Client-Side-Encryption-KEY",
        ] {
            assert_eq!(Field::of_name(name), Some(Field::Key), "{name}");
        }
        assert_eq!(Field::of_name("x-cos-meta-x-cos-key"), Some(Field::OldKey));
        assert_eq!(Field::of_name("x-cos-meta-owner"), None);
        assert_eq!(Field::of_name("x-cos-métà-"), None);
    }

    #[test]
    fn a_header_that_comes_twice_is_malformed() {
        let twice = [
            ("x-cos-meta-client-side-encryption-key", "a"),
            ("Client-Side-Encryption-Key", "a"),
        ];
        assert!(matches!(
            EnvelopeHeaders::collect(twice),
            Err(Error::MalformedEnvelope { .. })
        ));
    }

    #[test]
    fn wire_names_carry_the_prefix_and_are_counted() {
        let headers =
            EnvelopeHeaders::collect([("client-side-encryption-iv", "abc"), ("owner", "ann")]).unwrap();
        let wire: Vec<_> = headers.wire().collect();
        assert_eq!(wire, [("x-cos-meta-client-side-encryption-iv".to_owned(), "abc")]);
        assert_eq!(headers.len_on_wire(), 36 + 3);
    }
}
