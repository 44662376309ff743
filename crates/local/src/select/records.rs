//! The records of an object: lines of CSV, lines of JSON, or parts of one JSON document.

use std::io::{self, BufRead, Read as _};
use std::rc::Rc;

use cos_transport::wire::select::{
    CsvInput, FileHeaderInfo, InputFormat, JsonInput, QuotedRecordDelimiters, SelectFailure, SelectRequest,
};
use serde_json::Value;

use super::expression::{Column, Record};
use super::sql::{Step, failure};

/// The longest record, in bytes.
const RECORD_MAX: usize = 1024 * 1024;
/// The longest JSON document, in bytes: it is read as a whole.
const DOCUMENT_MAX: usize = 64 * 1024 * 1024;

/// One record.
#[derive(Debug)]
pub(super) enum Row {
    Csv {
        names: Rc<Vec<String>>,
        fields: Vec<String>,
    },
    Json(Value),
}

impl Row {
    /// All columns, with their names.
    pub(super) fn all(&self) -> Vec<(&str, Value)> {
        match self {
            Row::Csv { names, fields } => {
                let named = names.iter().map(String::as_str);
                let names = named.chain(std::iter::repeat("_"));
                names
                    .zip(fields)
                    .map(|(name, field)| (name, field.clone().into()))
                    .collect()
            }
            Row::Json(Value::Object(members)) => members
                .iter()
                .map(|(name, value)| (name.as_str(), value.clone()))
                .collect(),
            Row::Json(other) => vec![("_1", other.clone())],
        }
    }
}

impl Record for Row {
    fn column(&self, column: &Column) -> Value {
        match (self, column.0.as_slice()) {
            (Row::Csv { names, fields }, [(name, is_quoted)]) => {
                let index = names
                    .iter()
                    .position(|candidate| same(candidate, name, *is_quoted));
                let index = index.or_else(|| name.strip_prefix('_')?.parse::<usize>().ok()?.checked_sub(1));
                let field = index.and_then(|index| fields.get(index));
                field.map_or(Value::Null, |field| field.clone().into())
            }
            (Row::Csv { .. }, _) => Value::Null,
            (Row::Json(value), path) => {
                let mut found = value;
                for (name, is_quoted) in path {
                    let Value::Object(members) = found else {
                        return match (name.as_str(), path.len()) {
                            ("_1", 1) => found.clone(),
                            _ => Value::Null,
                        };
                    };
                    let exact = members.get(name);
                    let alike = || {
                        members
                            .iter()
                            .find(|(n, _)| same(n, name, *is_quoted))
                            .map(|(_, v)| v)
                    };
                    match exact.or_else(alike) {
                        Some(value) => found = value,
                        None => return Value::Null,
                    }
                }
                found.clone()
            }
        }
    }
}

fn same(candidate: &str, name: &str, is_quoted: bool) -> bool {
    candidate == name || !is_quoted && candidate.eq_ignore_ascii_case(name)
}

/// Reads the records one after the other.
pub(super) enum Records<'p, R> {
    Csv(CsvReader<R>),
    Lines {
        content: R,
        path: &'p [Step],
        ready: std::vec::IntoIter<Value>,
    },
    Document(std::vec::IntoIter<Value>),
}

impl<'p, R: BufRead> Records<'p, R> {
    pub(super) fn of(
        request: &SelectRequest,
        path: &'p [Step],
        mut content: R,
    ) -> Result<Records<'p, R>, SelectFailure> {
        match &request.input {
            InputFormat::Csv(_) if !path.is_empty() => Err(failure(
                "UnsupportedSqlStructure",
                "There is no path behind COSObject in an object of CSV.",
            )),
            InputFormat::Csv(csv) => CsvReader::new(csv, content).map(Records::Csv),
            InputFormat::Json(JsonInput::Lines) => Ok(Records::Lines {
                content,
                path,
                ready: Vec::new().into_iter(),
            }),
            InputFormat::Json(JsonInput::Document) => {
                let mut document = Vec::new();
                let mut limited = content.by_ref().take(DOCUMENT_MAX as u64 + 1);
                limited
                    .read_to_end(&mut document)
                    .map_err(|error| unreadable(&error))?;
                if document.len() > DOCUMENT_MAX {
                    return Err(too_long(DOCUMENT_MAX));
                }
                Ok(Records::Document(parts(json(&document)?, path).into_iter()))
            }
        }
    }

    /// The next record; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Row>, SelectFailure> {
        match self {
            Records::Csv(csv) => csv.next(),
            Records::Document(records) => Ok(records.next().map(Row::Json)),
            Records::Lines { content, path, ready } => loop {
                if let Some(record) = ready.next() {
                    return Ok(Some(Row::Json(record)));
                }
                let mut line = Vec::new();
                let mut limited = content.by_ref().take(RECORD_MAX as u64 + 1);
                limited
                    .read_until(b'\n', &mut line)
                    .map_err(|error| unreadable(&error))?;
                if line.len() > RECORD_MAX {
                    return Err(too_long(RECORD_MAX));
                }
                if line.is_empty() {
                    return Ok(None);
                }
                if !line.trim_ascii().is_empty() {
                    *ready = parts(json(&line)?, path).into_iter();
                }
            },
        }
    }
}

fn json(text: &[u8]) -> Result<Value, SelectFailure> {
    serde_json::from_slice(text).map_err(|error| failure("JSONParsingError", error.to_string()))
}

/// The parts of a value that a path leads to.
fn parts(value: Value, path: &[Step]) -> Vec<Value> {
    path.iter().fold(vec![value], |values, step| {
        let step = |value: Value| match (step, value) {
            (Step::Elements, Value::Array(elements)) => elements,
            (Step::Member(name), Value::Object(mut members)) => members.remove(name).into_iter().collect(),
            // A document of one record is as good as a list of one.
            (Step::Elements, other) => vec![other],
            (Step::Member(_), _) => Vec::new(),
        };
        values.into_iter().flat_map(step).collect()
    })
}

/// Reads lines of CSV.
pub(super) struct CsvReader<R> {
    content: R,
    record_delimiter: Vec<u8>,
    field_delimiter: u8,
    quote: u8,
    escape: u8,
    comment: Option<u8>,
    quoted_delimiters: bool,
    has_names: bool,
    names: Rc<Vec<String>>,
}

impl<R: BufRead> CsvReader<R> {
    fn new(csv: &CsvInput, content: R) -> Result<CsvReader<R>, SelectFailure> {
        let byte = |character: Option<char>, default: u8| match character {
            None => Ok(default),
            Some(character) => u8::try_from(character)
                .map_err(|_| failure("InvalidFieldDelimiter", "Delimiters and quotes have one byte.")),
        };
        let mut reader = CsvReader {
            content,
            record_delimiter: csv
                .record_delimiter
                .clone()
                .unwrap_or("\n".to_owned())
                .into_bytes(),
            field_delimiter: byte(csv.field_delimiter, b',')?,
            quote: byte(csv.quote_character, b'"')?,
            escape: byte(csv.quote_escape_character, b'"')?,
            comment: csv.comments.map(|c| byte(Some(c), b'#')).transpose()?,
            quoted_delimiters: csv.quoted_record_delimiters == Some(QuotedRecordDelimiters::Allow),
            has_names: false,
            names: Rc::default(),
        };
        match csv.file_header_info.unwrap_or(FileHeaderInfo::None) {
            FileHeaderInfo::None => {}
            FileHeaderInfo::Ignore => drop(reader.fields()?),
            FileHeaderInfo::Use => {
                reader.names = Rc::new(reader.fields()?.unwrap_or_default());
                reader.has_names = true;
            }
        }
        Ok(reader)
    }

    fn next(&mut self) -> Result<Option<Row>, SelectFailure> {
        let Some(fields) = self.fields()? else {
            return Ok(None);
        };
        if !self.has_names && self.names.len() < fields.len() {
            self.names = Rc::new((1..=fields.len()).map(|number| format!("_{number}")).collect());
        }
        let names = self.names.clone();
        Ok(Some(Row::Csv { names, fields }))
    }

    /// The fields of the next line that is neither empty nor a comment.
    fn fields(&mut self) -> Result<Option<Vec<String>>, SelectFailure> {
        loop {
            let Some(line) = self.line()? else {
                return Ok(None);
            };
            let is_comment = line.first().is_some_and(|first| self.comment == Some(*first));
            if !line.is_empty() && !is_comment {
                return self.split(&line).map(Some);
            }
        }
    }

    /// The next line, without what ends it.
    fn line(&mut self) -> Result<Option<Vec<u8>>, SelectFailure> {
        let last = *self.record_delimiter.last().unwrap_or(&b'\n');
        let mut line = Vec::new();
        loop {
            let room = (RECORD_MAX + 2).saturating_sub(line.len()) as u64;
            let mut limited = self.content.by_ref().take(room);
            let read = limited
                .read_until(last, &mut line)
                .map_err(|error| unreadable(&error))?;
            if line.len() > RECORD_MAX {
                return Err(too_long(RECORD_MAX));
            }
            if read == 0 {
                return Ok((!line.is_empty()).then_some(line));
            }
            let is_end =
                line.ends_with(&self.record_delimiter) && !(self.quoted_delimiters && self.is_open(&line));
            if is_end {
                line.truncate(line.len() - self.record_delimiter.len());
                if self.record_delimiter == b"\n" && line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(Some(line));
            }
        }
    }

    /// Whether a quoted value goes on behind these bytes.
    fn is_open(&self, line: &[u8]) -> bool {
        let mut is_open = false;
        let mut bytes = line.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            if is_open && byte == self.escape && bytes.peek() == Some(&self.quote) {
                bytes.next();
            } else if byte == self.quote {
                is_open = !is_open;
            }
        }
        is_open
    }

    fn split(&self, line: &[u8]) -> Result<Vec<String>, SelectFailure> {
        let (mut fields, mut field) = (Vec::new(), Vec::new());
        let mut is_quoted = false;
        let mut bytes = line.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            if is_quoted && byte == self.escape && bytes.peek() == Some(&self.quote) {
                field.extend(bytes.next());
            } else if byte == self.quote && (is_quoted || field.is_empty()) {
                is_quoted = !is_quoted;
            } else if byte == self.field_delimiter && !is_quoted {
                fields.push(utf8(std::mem::take(&mut field))?);
            } else {
                field.push(byte);
            }
        }
        if is_quoted {
            return Err(failure(
                "CSVUnescapedQuote",
                "A quoted value of the object does not end.",
            ));
        }
        fields.push(utf8(field)?);
        Ok(fields)
    }
}

fn utf8(bytes: Vec<u8>) -> Result<String, SelectFailure> {
    String::from_utf8(bytes).map_err(|_| failure("InvalidTextEncoding", "The object is not UTF-8 text."))
}

fn too_long(most: usize) -> SelectFailure {
    failure(
        "OverMaxRecordSize",
        format!("A record of the object has more than {most} bytes."),
    )
}

fn unreadable(error: &io::Error) -> SelectFailure {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => failure(
            "InvalidCompressionFormat",
            "The object is not compressed as the request says, or is damaged.",
        ),
        _ => {
            tracing::error!(%error, "an object could not be read");
            failure(
                "InternalError",
                "The object could not be read; the server's log says more.",
            )
        }
    }
}
