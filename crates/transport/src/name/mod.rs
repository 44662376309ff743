//! Names that exist only if they are right: buckets, object keys, regions.

mod endpoint;
mod key;

use std::fmt;
use std::str::FromStr;

pub use endpoint::{Addressing, Endpoint, Target};
pub use key::{ObjectKey, percent_decode, percent_encode};

/// Why a name was refused: the rule it breaks, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {value:?} is not valid: {rule}")]
pub struct NameError {
    what: &'static str,
    value: String,
    rule: String,
}

impl NameError {
    fn new(what: &'static str, value: &str, rule: impl Into<String>) -> Self {
        // Enough of the value to recognise it; a name may be arbitrarily long here.
        let value = value.chars().take(120).collect();
        Self {
            what,
            value,
            rule: rule.into(),
        }
    }
}

/// A bucket with its account: `examplebucket-1250000000`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BucketName(String);

impl BucketName {
    /// The longest name that still fits a host name of 60 characters with the shortest region.
    const MAX_LEN: usize = 50;

    /// The whole name, `name-appid`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The account number behind the last hyphen.
    #[must_use]
    pub fn app_id(&self) -> &str {
        self.0.rsplit('-').next().unwrap_or_default()
    }
}

impl FromStr for BucketName {
    type Err = NameError;

    fn from_str(value: &str) -> Result<Self, NameError> {
        let refuse = |rule: &str| Err(NameError::new("bucket name", value, rule));
        if value.len() > Self::MAX_LEN {
            return refuse("it is longer than 50 characters");
        }
        if !value
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
            return refuse("only lower-case letters, digits and '-' are allowed");
        }
        match value.rsplit_once('-') {
            Some((name, app_id))
                if !name.is_empty() && !app_id.is_empty() && app_id.bytes().all(|b| b.is_ascii_digit()) =>
            {
                if name.starts_with('-') || name.ends_with('-') {
                    return refuse("the part before the account number may not begin or end with '-'");
                }
                Ok(Self(value.to_owned()))
            }
            _ => refuse("it must end in '-' and the account number (APPID), as in examplebucket-1250000000"),
        }
    }
}

/// A region such as `ap-guangzhou`. The list is open-ended.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Region(String);

impl Region {
    /// The region's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = NameError;

    fn from_str(value: &str) -> Result<Self, NameError> {
        let legal = value
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if value.is_empty() || value.len() > 40 || !legal || value.starts_with('-') || value.ends_with('-') {
            return Err(NameError::new(
                "region",
                value,
                "write it as in ap-guangzhou: lower-case letters, digits and '-'",
            ));
        }
        Ok(Self(value.to_owned()))
    }
}

macro_rules! text_impls {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
    )*};
}
text_impls!(BucketName, ObjectKey, Region);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_need_an_account_number() {
        assert_eq!(
            "examplebucket-1250000000".parse::<BucketName>().unwrap().app_id(),
            "1250000000"
        );
        assert_eq!("a-b-1".parse::<BucketName>().unwrap().as_str(), "a-b-1");
        let long = format!("{}-1", "a".repeat(60));
        for bad in [
            "",
            "bucket",
            "Bucket-1",
            "-bucket-1",
            "bucket-",
            "bucket-1a",
            "bu_cket-1",
            "b--1",
            "bücket-1",
            &long,
        ] {
            assert!(bad.parse::<BucketName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn regions_are_open_ended_but_plain() {
        for good in ["ap-guangzhou", "ap-beijing-1", "ap-shanghai-fsi", "xx-new9"] {
            assert!(good.parse::<Region>().is_ok());
        }
        for bad in ["", "AP-GUANGZHOU", "ap.guangzhou", "ap/x", "-ap", "a b"] {
            assert!(bad.parse::<Region>().is_err(), "{bad}");
        }
    }
}
