//! Small values that requests and answers share.

use std::convert::Infallible;
use std::fmt;
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeToInclusive};
use std::str::FromStr;

use crate::error::{Error, invalid};

/// An entity tag, without its quotes: MD5 of the stored bytes for simple uploads, `hex-N` for multipart ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ETag(String);

impl ETag {
    /// Takes a tag with or without quotes.
    #[must_use]
    pub fn new(value: &str) -> Self {
        let value = value.trim();
        match value.starts_with("W/") {
            // A weak tag keeps its form.
            true => Self(value.to_owned()),
            false => Self(value.trim_matches('"').to_owned()),
        }
    }

    /// The tag without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag as headers and XML carry it.
    #[must_use]
    pub fn quoted(&self) -> String {
        match self.0.starts_with("W/") {
            true => self.0.clone(),
            false => format!("\"{}\"", self.0),
        }
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
            /// A value that this version does not know by name.
            Other(String),
        }

        impl $name {
            /// As it is written in headers and XML.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(other) => other,
                }
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(value: &str) -> Result<Self, Infallible> {
                Ok(match value {
                    $($text => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

open_enum! {
    /// What an object's storage costs and how fast it is at hand.
    StorageClass {
        /// The default.
        Standard = "STANDARD",
        /// Infrequent access.
        StandardIa = "STANDARD_IA",
        /// Moves between tiers by itself.
        IntelligentTiering = "INTELLIGENT_TIERING",
        /// Must be restored before it is read.
        Archive = "ARCHIVE",
        /// Must be restored, which takes long.
        DeepArchive = "DEEP_ARCHIVE",
        /// Several zones.
        MazStandard = "MAZ_STANDARD",
        /// Several zones, infrequent access.
        MazStandardIa = "MAZ_STANDARD_IA",
    }
}

#[allow(
    clippy::derivable_impls,
    reason = "the derive cannot sit inside the macro for one of its enums"
)]
impl Default for StorageClass {
    fn default() -> Self {
        Self::Standard
    }
}

open_enum! {
    /// Who may read an object (`x-cos-acl`).
    Acl {
        /// What the bucket says.
        Default = "default",
        /// The owner alone.
        Private = "private",
        /// Everybody may read.
        PublicRead = "public-read",
    }
}

/// Which bytes of an object are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// From the first to the last offset, both included.
    Inclusive(u64, u64),
    /// From an offset to the end.
    From(u64),
    /// The last so many bytes.
    Suffix(u64),
}

impl ByteRange {
    /// The value of the `Range` header.
    ///
    /// # Errors
    /// When the range is empty.
    pub fn to_header(self) -> Result<String, Error> {
        match self {
            Self::Inclusive(first, last) if first > last => Err(invalid(format!(
                "the range {first}-{last} is empty: its end lies before its start"
            ))),
            Self::Inclusive(first, last) => Ok(format!("bytes={first}-{last}")),
            Self::From(first) => Ok(format!("bytes={first}-")),
            Self::Suffix(0) => Err(invalid("the range of the last 0 bytes is empty")),
            Self::Suffix(count) => Ok(format!("bytes=-{count}")),
        }
    }

    /// The offsets that this range means for an object of `total` bytes; none when it lies behind the end.
    #[must_use]
    pub fn resolve(self, total: u64) -> Option<Range<u64>> {
        let (start, end) = match self {
            Self::Inclusive(first, last) => (first, last.saturating_add(1).min(total)),
            Self::From(first) => (first, total),
            Self::Suffix(count) => (total.saturating_sub(count), total),
        };
        (start < end).then_some(start..end)
    }
}

impl From<Range<u64>> for ByteRange {
    fn from(range: Range<u64>) -> Self {
        match range.end.checked_sub(1) {
            Some(last) => Self::Inclusive(range.start, last),
            // `0..0`: kept empty, and refused when it is used.
            None => Self::Suffix(0),
        }
    }
}

impl From<RangeInclusive<u64>> for ByteRange {
    fn from(range: RangeInclusive<u64>) -> Self {
        Self::Inclusive(*range.start(), *range.end())
    }
}

impl From<RangeToInclusive<u64>> for ByteRange {
    fn from(range: RangeToInclusive<u64>) -> Self {
        Self::Inclusive(0, range.end)
    }
}

impl From<RangeFrom<u64>> for ByteRange {
    fn from(range: RangeFrom<u64>) -> Self {
        Self::From(range.start)
    }
}

impl From<RangeFull> for ByteRange {
    fn from(_: RangeFull) -> Self {
        Self::From(0)
    }
}

impl FromStr for ByteRange {
    type Err = Error;

    /// `A-B`, `A-` or `-N`, as people and the `Range` header write it.
    fn from_str(value: &str) -> Result<Self, Error> {
        let refuse = || invalid(format!("the range {value:?} is not of the form A-B, A- or -N"));
        let number = |text: &str| match text.bytes().all(|b| b.is_ascii_digit()) {
            true => text.parse::<u64>().map_err(|_| refuse()),
            false => Err(refuse()),
        };
        let (first, last) = value.split_once('-').ok_or_else(refuse)?;
        let range = match (first, last) {
            ("", "") => return Err(refuse()),
            ("", count) => Self::Suffix(number(count)?),
            (first, "") => Self::From(number(first)?),
            (first, last) => Self::Inclusive(number(first)?, number(last)?),
        };
        range.to_header().map(|_| range)
    }
}

/// `Content-Range` of an answer: which bytes it holds, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange {
    /// First offset.
    pub first: u64,
    /// Last offset, included.
    pub last: u64,
    /// Length of the whole object.
    pub total: u64,
}

impl FromStr for ContentRange {
    type Err = Error;

    fn from_str(value: &str) -> Result<Self, Error> {
        let parse = || {
            let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
            let (first, last) = range.split_once('-')?;
            let range = Self {
                first: first.parse().ok()?,
                last: last.parse().ok()?,
                total: total.parse().ok()?,
            };
            (range.first <= range.last && range.last < range.total).then_some(range)
        };
        parse().ok_or_else(|| Error::Protocol(format!("the answer's Content-Range {value:?} makes no sense")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_read_as_people_write_them() {
        assert_eq!(
            "5-3000".parse::<ByteRange>().unwrap(),
            ByteRange::Inclusive(5, 3000)
        );
        assert_eq!("5-".parse::<ByteRange>().unwrap(), ByteRange::From(5));
        assert_eq!("-5".parse::<ByteRange>().unwrap(), ByteRange::Suffix(5));
        for bad in [
            "",
            "-",
            "5",
            "9-3",
            "-0",
            "a-b",
            "+1-2",
            "1-2-3",
            "18446744073709551616-",
        ] {
            assert!(bad.parse::<ByteRange>().is_err(), "{bad}");
        }
        assert_eq!(ByteRange::from(5..3000).to_header().unwrap(), "bytes=5-2999");
        assert!(ByteRange::from(0..0).to_header().is_err());
        assert!(ByteRange::from(7..7).to_header().is_err());
    }

    #[test]
    fn ranges_end_where_the_object_does() {
        assert_eq!(ByteRange::Inclusive(5, 99).resolve(10), Some(5..10));
        assert_eq!(ByteRange::From(10).resolve(10), None);
        assert_eq!(ByteRange::Suffix(99).resolve(10), Some(0..10));
        assert_eq!(ByteRange::Inclusive(0, u64::MAX).resolve(10), Some(0..10));
        assert_eq!(ByteRange::Suffix(1).resolve(0), None);
    }

    #[test]
    fn content_range_must_make_sense() {
        let range = ContentRange {
            first: 0,
            last: 9,
            total: 10,
        };
        assert_eq!("bytes 0-9/10".parse::<ContentRange>().unwrap(), range);
        for bad in [
            "bytes 0-10/10",
            "bytes 5-4/10",
            "bytes */10",
            "0-9/10",
            "bytes 0-9/*",
            "",
        ] {
            assert!(bad.parse::<ContentRange>().is_err(), "{bad}");
        }
    }
}
