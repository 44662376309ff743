//! Headers of an object in a file: a JSON object, or lines as curl and other tools print them.

use std::io::{self, Read as _};
use std::path::Path;

use serde_json::{Map, Value};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::sanitize::sanitize_path;

/// More than any headers.
const MAX_LEN: u64 = 1024 * 1024;

/// Names and values, in the order of the file.
pub(crate) type Headers = Vec<(String, String)>;

/// Reads a file of headers; `-` is stdin.
pub(crate) fn read(path: &Path) -> Result<Headers, Failure> {
    let doing = |error: io::Error| Failure::file("read the headers in", path, &error);
    let source: Box<dyn io::Read> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin().lock()),
        false => Box::new(std::fs::File::open(path).map_err(doing)?),
    };
    let mut text = String::new();
    source.take(MAX_LEN).read_to_string(&mut text).map_err(doing)?;
    parse(&text).map_err(|reason| {
        let message = format!("{} holds no headers: {reason}", sanitize_path(path));
        Failure::new(Exit::Usage, message).or_help(
            "give JSON such as {\"x-cos-meta-owner\":\"ann\"}, or header lines as curl -I prints them",
        )
    })
}

fn parse(text: &str) -> Result<Headers, String> {
    if text.trim_start().starts_with('{') {
        return parse_json(text);
    }
    let mut headers = Headers::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with("HTTP/") {
            continue;
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("line {} is not of the form name: value", number + 1))?;
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    match headers.is_empty() {
        true => Err("it is empty".to_owned()),
        false => Ok(headers),
    }
}

fn parse_json(text: &str) -> Result<Headers, String> {
    let object: Map<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let text_of = |(name, value): (String, Value)| match value {
        Value::String(value) => Ok((name, value)),
        Value::Number(value) => Ok((name, value.to_string())),
        _ => Err(format!("the value of {name:?} is neither text nor a number")),
    };
    object.into_iter().map(text_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap()
    }

    #[test]
    fn json_and_lines_say_the_same() {
        let json = pairs(r#"{"x-cos-meta-a": "1", "Content-Length": 7}"#);
        let lines = pairs("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nx-cos-meta-a:1\r\n\r\n");
        assert_eq!(
            json.iter().find(|(name, _)| name == "Content-Length").unwrap().1,
            "7"
        );
        assert_eq!(
            lines,
            [
                ("Content-Length".into(), "7".into()),
                ("x-cos-meta-a".into(), "1".into())
            ]
        );
    }

    #[test]
    fn what_is_no_header_is_told_with_its_line() {
        assert_eq!(
            parse("a: b\nnonsense\n").unwrap_err(),
            "line 2 is not of the form name: value"
        );
        assert!(parse("").is_err());
        assert!(parse("{\"a\": [1]}").is_err());
        assert!(parse("{\"a\"").is_err());
    }
}
