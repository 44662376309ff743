//! What an object's headers say about its encryption, for `ls`, `stat` and `inspect`.

use cos_encryption::Error;
use cos_encryption::envelope::headers::Field;
use cos_encryption::envelope::{Authentication, Description, Detected, EnvelopeHeaders, detect};
use cos_encryption::seal::Layout;

/// Format, trust and size, as far as headers can tell.
#[derive(Debug)]
pub(crate) struct Encryption {
    /// The word for the format in output: `sealed`, `cos-python`, `plain` …
    pub(crate) format: &'static str,
    pub(crate) description: Description,
    /// Length of the plaintext in bytes, where it follows from the headers and the stored length.
    pub(crate) plain_len: Option<u64>,
}

impl Encryption {
    /// Reads the headers of an object; its stored length, if it is known.
    pub(crate) fn of<'a>(
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        stored_len: Option<u64>,
    ) -> Result<Self, Error> {
        let headers = EnvelopeHeaders::collect(headers)?;
        let stated = [
            Field::UnencryptedLength,
            Field::DataSize,
            Field::OldUnencryptedLength,
        ]
        .into_iter()
        .find_map(|field| headers.get(field)?.parse().ok());
        let (format, plain_len) = match detect(&headers) {
            Detected::Sealed(_) => (
                "sealed",
                stored_len
                    .and_then(|len| Layout::of_sealed(len).ok())
                    .map(Layout::plain_len),
            ),
            Detected::Python(_) => ("cos-python", stored_len),
            Detected::GoJava { .. } => ("cos-go-java", stated),
            Detected::Android { .. } => ("cos-android", stated),
            Detected::JavaOld { .. } => ("cos-java-old", stated),
            Detected::InstructionFile => ("instruction", stored_len),
            Detected::Plain(_) => ("plain", stored_len),
            Detected::UnsupportedContent { .. } => ("unsupported", None),
            Detected::Malformed { .. } => ("malformed", None),
            _ => ("unknown", None),
        };
        Ok(Self {
            format,
            description: Description::of(&headers),
            plain_len,
        })
    }

    /// Whether everything that is read from the object is verified first.
    pub(crate) fn is_authenticated(&self) -> bool {
        self.description.authentication == Authentication::EveryChunk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_object_is_as_long_as_it_is_stored() {
        let plain = Encryption::of([("owner", "ann")], Some(7)).unwrap();
        assert_eq!(
            (plain.format, plain.plain_len, plain.is_authenticated()),
            ("plain", Some(7), false)
        );
    }

    #[test]
    fn headers_of_an_envelope_that_do_not_go_together_are_malformed() {
        let odd = Encryption::of([("x-cos-meta-client-side-encryption-key", "AAAA")], Some(7)).unwrap();
        assert_eq!((odd.format, odd.plain_len), ("malformed", None));
    }
}
