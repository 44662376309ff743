//! Object keys and how they are written in a URL.

use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::NameError;

/// Everything but the unreserved characters of RFC 3986, as the signature demands.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
/// The same, leaving the path separator.
const ENCODED_PATH: &AsciiSet = &ENCODED.remove(b'/');

/// An object's name in its bucket: 1 to 850 bytes of UTF-8.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// The service's limit, in bytes.
    pub const MAX_LEN: usize = 850;

    /// The key, as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for keys that stand for a folder: they end in `/`.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.0.ends_with('/')
    }

    /// The key as a URL path without its leading slash.
    ///
    /// A slash next to a dot is written `%2F`: HTTP stacks would otherwise resolve `./` and `../`.
    #[must_use]
    pub fn to_url_path(&self) -> String {
        let path = utf8_percent_encode(&self.0, ENCODED_PATH)
            .to_string()
            .replace("./", ".%2F");
        for dots in ["/..", "/."] {
            if let Some(head) = path.strip_suffix(dots) {
                return format!("{head}%2F{}", &dots[1..]);
            }
        }
        path
    }
}

impl FromStr for ObjectKey {
    type Err = NameError;

    fn from_str(value: &str) -> Result<Self, NameError> {
        let refuse = |rule: String| Err(NameError::new("object key", value, rule));
        if value.is_empty() {
            return refuse("it is empty".into());
        }
        if value.len() > Self::MAX_LEN {
            return refuse(format!(
                "it has {} bytes in UTF-8, the service allows {}",
                value.len(),
                Self::MAX_LEN
            ));
        }
        if value.starts_with(['/', '\\']) {
            return refuse("it may not begin with '/' or '\\'; leave that character out".into());
        }
        if value.bytes().any(|b| (0x18..=0x1b).contains(&b)) {
            return refuse("the control characters 0x18 to 0x1B are not allowed".into());
        }
        if collapses_to_root(value) {
            return refuse("it resolves to the bucket itself".into());
        }
        Ok(Self(value.to_owned()))
    }
}

/// A key such as `.` or `a/..` would become a request for the bucket on its way through HTTP software.
fn collapses_to_root(key: &str) -> bool {
    let mut depth = 0usize;
    for segment in key.split('/') {
        match segment {
            "" | "." => {}
            ".." => depth = depth.saturating_sub(1),
            _ => depth += 1,
        }
    }
    depth == 0
}

/// Percent-encodes all but `A–Z a–z 0–9 - _ . ~`, with upper-case hex.
#[must_use]
pub fn percent_encode(value: &str) -> String {
    utf8_percent_encode(value, ENCODED).to_string()
}

/// Decodes `%XX` once.
///
/// # Errors
/// When the decoded bytes are not UTF-8.
pub fn percent_decode(value: &str) -> Result<String, std::str::Utf8Error> {
    percent_decode_str(value)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn url_path(key: &str) -> String {
        key.parse::<ObjectKey>().unwrap().to_url_path()
    }

    #[test]
    fn dots_survive_http_software() {
        assert_eq!(url_path("a/./b"), "a/.%2Fb");
        assert_eq!(url_path("a//b"), "a//b");
        assert_eq!(url_path("../a"), "..%2Fa");
        assert_eq!(url_path("a/b/.."), "a/b%2F..");
        assert_eq!(url_path("a/."), "a%2F.");
        assert_eq!(url_path("a/.b"), "a/.b");
        assert_eq!(
            url_path("目录/文件 名+~*()!'.txt"),
            "%E7%9B%AE%E5%BD%95/%E6%96%87%E4%BB%B6%20%E5%90%8D%2B~%2A%28%29%21%27.txt"
        );
    }

    #[test]
    fn keys_that_the_service_refuses_are_refused_here() {
        let long = "é".repeat(426);
        for bad in [
            "", "/a", "\\a", "a\x18", "a\x1b[2J", ".", "..", "a/..", "./.", &long,
        ] {
            assert!(bad.parse::<ObjectKey>().is_err(), "{bad:?}");
        }
        for good in ["a", "a/", "é", "a\u{1f}", "a\0b", "...", "a//b", &"é".repeat(425)] {
            assert!(good.parse::<ObjectKey>().is_ok(), "{good:?}");
        }
    }

    proptest! {
        #[test]
        fn a_key_comes_back_from_its_url(key in "[^\u{18}-\u{1b}/\\\\][^\u{18}-\u{1b}]{0,80}|(\\.{0,3}/?){1,6}") {
            if let Ok(key) = key.parse::<ObjectKey>() {
                let url = url::Url::parse(&format!("http://localhost/b/{}", key.to_url_path())).unwrap();
                let path = url.path().strip_prefix("/b/").unwrap();
                prop_assert_eq!(percent_decode(path).unwrap(), key.as_str());
            }
        }
    }
}
