//! `cos://BUCKET-APPID/KEY`.

use std::fmt;
use std::str::FromStr;

use cos_transport::{BucketName, ObjectKey};

use crate::exit::Exit;
use crate::failure::Failure;

/// A bucket, and what follows it: a key, a prefix of keys, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) bucket: BucketName,
    /// Not yet known to be a key: it may be empty, or a prefix.
    pub(crate) path: String,
}

impl Location {
    /// The object that is meant.
    pub(crate) fn object(&self) -> Result<ObjectKey, Failure> {
        if self.path.is_empty() {
            let help = format!("write it as cos://{}/KEY", self.bucket);
            return Err(Failure::usage(
                format!("{self} names a bucket, not an object"),
                help,
            ));
        }
        parse_key(&self.path)
    }

    /// The folder that is meant: what keys begin with, ending in `/` unless it is the whole bucket.
    pub(crate) fn folder(&self) -> String {
        match self.path.as_str() {
            "" => String::new(),
            path if path.ends_with('/') => path.to_owned(),
            path => format!("{path}/"),
        }
    }

    /// Whether a folder is meant rather than an object.
    pub(crate) fn is_folder(&self) -> bool {
        self.path.is_empty() || self.path.ends_with('/')
    }

    /// An object of the same bucket, as it is written for people.
    pub(crate) fn show(&self, key: &str) -> String {
        format!("cos://{}/{key}", self.bucket)
    }
}

/// A key that the service accepts.
pub(crate) fn parse_key(text: &str) -> Result<ObjectKey, Failure> {
    text.parse().map_err(|error: cos_transport::NameError| {
        Failure::new(Exit::Usage, error.to_string()).or_help("choose another key")
    })
}

impl FromStr for Location {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix("cos://") else {
            return Err(format!(
                "{text:?} names no object: objects are written cos://BUCKET-APPID/KEY"
            ));
        };
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        let bucket = bucket
            .parse()
            .map_err(|error: cos_transport::NameError| error.to_string())?;
        Ok(Self {
            bucket,
            path: path.to_owned(),
        })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cos://{}/{}", self.bucket, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(text: &str) -> Location {
        text.parse().unwrap()
    }

    #[test]
    fn the_key_is_taken_as_it_stands() {
        let at = location("cos://b-1250000000/a//b %20/../é");
        assert_eq!(
            (at.bucket.as_str(), at.path.as_str()),
            ("b-1250000000", "a//b %20/../é")
        );
        assert_eq!(at.to_string(), "cos://b-1250000000/a//b %20/../é");
    }

    #[test]
    fn a_bucket_alone_is_a_folder_and_no_object() {
        for text in ["cos://b-1", "cos://b-1/"] {
            assert!(location(text).is_folder());
            assert_eq!(location(text).folder(), "");
            assert_eq!(location(text).object().unwrap_err().exit(), Exit::Usage);
        }
        assert_eq!(location("cos://b-1/x").folder(), "x/");
        assert_eq!(location("cos://b-1/x/").folder(), "x/");
    }

    #[test]
    fn other_writings_are_refused() {
        for bad in [
            "",
            "b-1/k",
            "s3://b-1/k",
            "cos:/b-1/k",
            "cos:///k",
            "cos://UPPER-1/k",
            "cos://noappid/k",
        ] {
            assert!(bad.parse::<Location>().is_err(), "{bad}");
        }
    }
}
