//! Versions: their order, and the names they go by.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

/// The place of a version among those of its key, and what it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    /// Grows with every write into the store.
    pub(crate) sequence: Sequence,
    pub(crate) name: VersionName,
}

/// When a version was written, relative to all others: microseconds since 1970, or one more than the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sequence(pub(crate) u64);

/// What a version is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VersionName {
    /// `null`: written while the bucket kept no versions. A key has at most one.
    Null,
    /// A name of its own.
    Own,
}

impl Version {
    /// The version id of requests and answers.
    pub(crate) fn id(self) -> String {
        match self.name {
            VersionName::Null => "null".to_owned(),
            VersionName::Own => self.sequence.marker(),
        }
    }
}

impl Sequence {
    /// Sorts newer versions first.
    pub(crate) fn descending(self) -> u64 {
        u64::MAX - self.0
    }

    /// The text that names this place in a list of versions; the service writes its ids so.
    pub(crate) fn marker(self) -> String {
        BASE64.encode(self.descending().to_string())
    }

    fn parse(text: &str) -> Option<Sequence> {
        let decimal = String::from_utf8(BASE64.decode(text).ok()?).ok()?;
        let sequence = Sequence(u64::MAX - decimal.parse::<u64>().ok()?);
        (sequence.marker() == text).then_some(sequence)
    }
}

/// The version that a request means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VersionId {
    Null,
    Own(Sequence),
}

impl VersionId {
    /// Parses an id of a request; nothing has a version of any other form.
    pub(crate) fn parse(text: &str) -> Option<VersionId> {
        match text {
            "null" => Some(VersionId::Null),
            text => Sequence::parse(text).map(VersionId::Own),
        }
    }

    pub(crate) fn is(self, version: Version) -> bool {
        match self {
            VersionId::Null => version.name == VersionName::Null,
            VersionId::Own(sequence) => version.name == VersionName::Own && version.sequence == sequence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_only_in_the_form_it_is_written() {
        let version = Version {
            sequence: Sequence(1_560_760_705_884_035),
            name: VersionName::Own,
        };
        // The example of the service's own documentation.
        assert_eq!(version.id(), "MTg0NDUxODMzMTMwMDM2Njc1ODA");
        assert!(VersionId::parse(&version.id()).unwrap().is(version));
        for strange in [
            "",
            "MTg0",
            "MTg0NDUxODMzMTMwMDM2Njc1ODA=",
            "KzE",
            "MDE",
            "Null",
            "é",
        ] {
            let parsed = VersionId::parse(strange);
            assert!(parsed.is_none_or(|id| !id.is(version)), "{strange}");
        }
        assert_eq!(VersionId::parse("MDE"), None);
    }
}
