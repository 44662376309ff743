//! JSON for scripts: one object a line, in pure ASCII where a terminal could be disturbed.

use std::io;

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter};

use super::sanitize::is_disturbing;

/// One line of JSON without its line break. What could disturb a terminal is written `\u…`, so nothing is lost.
pub(crate) fn to_line(value: &impl Serialize) -> serde_json::Result<String> {
    let mut line = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut line, Escaping))?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// The compact form, with the characters escaped that `sanitize` would escape too.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_disturbing(*c)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        serde_json::ser::CompactFormatter.write_char_escape(writer, escape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back_from_its_json() {
        for text in [
            "plain",
            "\x1b[2J\n\"\\",
            "a\u{202e}b\u{7f}\u{9b}",
            "目录\u{e0041}",
            "👩‍👩‍👧",
        ] {
            let line = to_line(&text).unwrap();
            assert!(!line.chars().any(is_disturbing), "{line}");
            assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }
}
