//! Names from elsewhere, made safe to show: an object key may hold escape sequences or turn the text around.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;

/// Writes what could disturb a terminal or a reader as an escape: `\n`, `\x1b`, `\u{202e}`.
pub(crate) fn sanitize(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_disturbing) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    text.chars().for_each(|c| push(&mut safe, c));
    Cow::Owned(safe)
}

/// The same for a file name, whose bytes that are not UTF-8 are written `\xff`.
pub(crate) fn sanitize_path(path: impl AsRef<OsStr>) -> String {
    let mut safe = String::new();
    for chunk in path.as_ref().as_bytes().utf8_chunks() {
        chunk.valid().chars().for_each(|c| push(&mut safe, c));
        for byte in chunk.invalid() {
            push_byte(&mut safe, u32::from(*byte));
        }
    }
    safe
}

/// A path as text for JSON: as it is, unless it is not UTF-8.
pub(crate) fn path_text(path: impl AsRef<OsStr>) -> String {
    path.as_ref()
        .to_str()
        .map_or_else(|| sanitize_path(&path), str::to_owned)
}

/// Control characters, and those that change the direction or hide the end of a text.
pub(crate) fn is_disturbing(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn push(safe: &mut String, c: char) {
    match c {
        '\n' => safe.push_str("\\n"),
        '\r' => safe.push_str("\\r"),
        '\t' => safe.push_str("\\t"),
        c if !is_disturbing(c) => safe.push(c),
        c if c.is_ascii() => push_byte(safe, u32::from(c)),
        // Writing to a String cannot fail.
        c => _ = write!(safe, "\\u{{{:x}}}", u32::from(c)),
    }
}

fn push_byte(safe: &mut String, byte: u32) {
    _ = write!(safe, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in ["a/b.txt", "目录/文件 名.txt", "naïve", "👩‍👩‍👧", "a\\b", "e\u{301}"] {
            assert!(matches!(sanitize(name), Cow::Borrowed(_)), "{name}");
        }
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(sanitize("\x1b[2Jgone"), "\\x1b[2Jgone");
        assert_eq!(sanitize("\u{9b}31m"), "\\u{9b}31m");
        assert_eq!(sanitize("a\nb\r\t\x07\x7f"), "a\\nb\\r\\t\\x07\\x7f");
    }

    #[test]
    fn text_is_not_turned_around() {
        assert_eq!(sanitize("invoice\u{202e}fdp.exe"), "invoice\\u{202e}fdp.exe");
        assert_eq!(
            sanitize("\u{2066}x\u{2069}\u{200f}"),
            "\\u{2066}x\\u{2069}\\u{200f}"
        );
        assert_eq!(sanitize("zero\u{200b}width"), "zero\\u{200b}width");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_shown() {
        assert_eq!(
            sanitize_path(OsStr::from_bytes(b"caf\xe9/\x1b\xff.txt")),
            "caf\\xe9/\\x1b\\xff.txt"
        );
    }
}
