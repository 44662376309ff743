//! What follows a prefix in an object key, as a path that stays beneath a folder.
//!
//! Keys are chosen by whoever can write to the bucket. A key becomes a path only if every part of it is a plain name.

use std::fmt;

/// The longest name that common file systems take, in bytes.
const MAX_NAME_LEN: usize = 255;

/// A relative path of plain names: not empty, no `.` or `..`, nothing that another system could take for more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelativePath(String);

/// Why a key is not such a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotRelative {
    Empty,
    Absolute,
    EmptyName,
    Dots,
    Nul,
    TooLong,
}

impl fmt::Display for NotRelative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it names the folder itself",
            Self::Absolute => "it begins like an absolute path",
            Self::EmptyName => "it has an empty name between two slashes",
            Self::Dots => "it has '.' or '..' for a name",
            Self::Nul => "it has a NUL character",
            Self::TooLong => "a name in it is longer than 255 bytes",
        })
    }
}

impl RelativePath {
    /// The path that a key, or the rest of one, stands for.
    ///
    /// A backslash is an ordinary character in file names here. A key that would leave the folder where it is a
    /// separator is refused all the same.
    pub(crate) fn parse(text: &str) -> Result<Self, NotRelative> {
        if text.is_empty() {
            return Err(NotRelative::Empty);
        }
        if text.starts_with(['/', '\\']) || has_drive(text) {
            return Err(NotRelative::Absolute);
        }
        if text.contains('\0') {
            return Err(NotRelative::Nul);
        }
        for name in text.split('/') {
            if name.len() > MAX_NAME_LEN {
                return Err(NotRelative::TooLong);
            }
            for part in name.split('\\') {
                match part {
                    "" => return Err(NotRelative::EmptyName),
                    "." | ".." => return Err(NotRelative::Dots),
                    _ => {}
                }
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The folders on the way, and the name in the last one.
    pub(crate) fn split(&self) -> (impl Iterator<Item = &str>, &str) {
        let (folders, name) = self.0.rsplit_once('/').unwrap_or(("", &self.0));
        (folders.split('/').filter(|folder| !folder.is_empty()), name)
    }

    /// All names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// `C:` and the like, also in the middle of a path that another system would read.
fn has_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_keys_are_refused() {
        let long = "a".repeat(256);
        let long_below = format!("a/{long}/b");
        let hostile = [
            "",
            "/",
            "//",
            "/etc/passwd",
            "//etc/passwd",
            "///",
            ".",
            "..",
            "./",
            "../",
            "./a",
            "../a",
            "a/.",
            "a/..",
            "a/./b",
            "a/../b",
            "a/../../b",
            "../../../../../../etc/passwd",
            "a/b/../../..",
            "..//a",
            "a//b",
            "a/b//c",
            "a//",
            "a/",
            "a/b/",
            "\0",
            "a\0b",
            "a/b\0",
            "../\0",
            "\\",
            "\\etc",
            "\\\\server\\share",
            "..\\a",
            "a\\..\\b",
            "..\\..\\windows",
            "a/..\\..\\b",
            "a\\..",
            "a\\.",
            ".\\a",
            "a\\\\b",
            "a\\",
            "C:",
            "C:\\x",
            "c:/x",
            "z:x",
            "C:..\\x",
            "a/../",
            "../a/",
            ".//a",
            "..\0",
            "/..",
            "/../a",
            "/.",
            "\\..\\a",
            "\\/a",
            "/\\a",
            "a/\\b",
            "a\\/b",
            "../C:/x",
            "..\u{0}/a",
            &long,
            &long_below,
        ];
        assert!(hostile.len() >= 60, "{}", hostile.len());
        for key in hostile {
            assert!(RelativePath::parse(key).is_err(), "{key:?}");
        }
    }

    #[test]
    fn odd_but_harmless_names_are_kept_as_they_are() {
        let longest = "a".repeat(255);
        for key in [
            "a",
            "a/b",
            "...",
            "a/...",
            "..a",
            "a..",
            ".a",
            ". ",
            " ",
            "a b/c",
            "-rf",
            "~",
            "~root",
            "$HOME",
            "*",
            "a\nb",
            "\x1b[2J",
            "é",
            "目录/文件",
            "a\u{202e}b",
            "dev-disk-by\\x2duuid.swap",
            "CON",
            "ab:c",
            "e\u{301}",
            "%2e%2e",
            "%2e%2e/x",
            "..%2f",
            "\u{ff0e}\u{ff0e}",
            "\u{2025}",
            "\u{2215}",
            &longest,
        ] {
            assert_eq!(RelativePath::parse(key).unwrap().as_str(), key);
        }
    }

    #[test]
    fn a_path_splits_into_folders_and_a_name() {
        let path = RelativePath::parse("a/b/c").unwrap();
        let (folders, name) = path.split();
        assert_eq!((folders.collect::<Vec<_>>(), name), (vec!["a", "b"], "c"));
        assert_eq!(path.names().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(RelativePath::parse("c").unwrap().split().0.count(), 0);
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_stays_beneath(key in "[a./\\\\:\0 C]{0,12}") {
            if let Ok(path) = RelativePath::parse(&key) {
                let joined = std::path::Path::new("/root").join(path.as_str());
                prop_assert!(joined.components().all(|part| !matches!(part, std::path::Component::ParentDir)));
                prop_assert!(joined.starts_with("/root") && joined != std::path::Path::new("/root"));
                prop_assert_eq!(path.names().collect::<Vec<_>>().join("/"), key);
            }
        }
    }
}
