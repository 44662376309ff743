//! `<SelectRequest>`: what is selected, and how the object and the result are written.

use std::str::FromStr;

use crate::wire::xml::{Element, XmlError};

/// The body of a selection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectRequest {
    /// SQL, such as `Select * from COSObject`.
    pub expression: String,
    /// How the object is compressed.
    pub compression: CompressionType,
    /// How the object is written.
    pub input: InputFormat,
    /// How the result is written.
    pub output: OutputFormat,
    /// Whether progress is told on the way.
    pub progress: RequestProgress,
}

/// How the object is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputFormat {
    /// Comma-separated values.
    Csv(CsvInput),
    /// JSON.
    Json(JsonInput),
}

/// How the result is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputFormat {
    /// Comma-separated values.
    Csv(CsvOutput),
    /// JSON, one record after the other.
    Json(JsonOutput),
}

/// How an object of comma-separated values is written. What is not set is the service's default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CsvInput {
    /// What the first line is; `NONE` unless set.
    pub file_header_info: Option<FileHeaderInfo>,
    /// What ends a record: one or two bytes; a line feed unless set.
    pub record_delimiter: Option<String>,
    /// What ends a field: one byte; a comma unless set.
    pub field_delimiter: Option<char>,
    /// Around values that hold delimiters; `"` unless set.
    pub quote_character: Option<char>,
    /// Before a quote character inside a quoted value; `"` unless set.
    pub quote_escape_character: Option<char>,
    /// A record that begins so is left out; `#` unless set.
    pub comments: Option<char>,
    /// Whether quoted values may hold the record delimiter; not, unless set.
    pub quoted_record_delimiters: Option<QuotedRecordDelimiters>,
}

/// How a result of comma-separated values is written. What is not set is the service's default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CsvOutput {
    /// Which values are quoted; those that need it unless set.
    pub quote_fields: Option<QuoteFields>,
    /// What ends a record: one or two bytes; a line feed unless set.
    pub record_delimiter: Option<String>,
    /// What ends a field: one byte; a comma unless set.
    pub field_delimiter: Option<char>,
    /// Around values that hold delimiters; `"` unless set.
    pub quote_character: Option<char>,
    /// Before a quote character inside a quoted value; `"` unless set.
    pub quote_escape_character: Option<char>,
}

/// How a result in JSON is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JsonOutput {
    /// What ends a record: one or two bytes; a line feed unless set.
    pub record_delimiter: Option<String>,
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// As it is written in the request.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl FromStr for $name {
            type Err = SelectRequestError;

            fn from_str(value: &str) -> Result<Self, SelectRequestError> {
                match value.to_ascii_uppercase().as_str() {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(SelectRequestError::UnknownWord),
                }
            }
        }
    )*};
}

words! {
    /// How an object is compressed.
    CompressionType {
        /// Not at all.
        None = "NONE",
        /// With gzip.
        Gzip = "GZIP",
        /// With bzip2.
        Bzip2 = "BZIP2",
    }
    /// How an object in JSON is written.
    JsonInput {
        /// One JSON value for the whole object.
        Document = "DOCUMENT",
        /// One JSON value a line.
        Lines = "LINES",
    }
    /// What the first line of comma-separated values is.
    FileHeaderInfo {
        /// A record like the others.
        None = "NONE",
        /// Names of the columns, to be left out; columns are `_1`, `_2` and so on.
        Ignore = "IGNORE",
        /// Names of the columns, by which the expression may call them.
        Use = "USE",
    }
    /// Which values of a result are quoted.
    QuoteFields {
        /// Those that need it.
        AsNeeded = "ASNEEDED",
        /// All.
        Always = "ALWAYS",
    }
    /// Whether quoted values may hold the record delimiter.
    QuotedRecordDelimiters {
        /// They do not; a record ends at every delimiter.
        Refuse = "FALSE",
        /// They may, which makes the selection slower.
        Allow = "TRUE",
    }
    /// Whether progress is told on the way.
    RequestProgress {
        /// No.
        Disabled = "FALSE",
        /// From time to time.
        Enabled = "TRUE",
    }
}

/// What a selection may not ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectRequestError {
    /// No expression.
    #[error("the expression to select by is empty")]
    EmptyExpression,
    /// Characters that XML cannot carry.
    #[error("the expression or a delimiter holds control characters that XML cannot carry")]
    ControlCharacter,
    /// Wrong length.
    #[error("a record delimiter has one or two bytes")]
    RecordDelimiter,
    /// Wrong length.
    #[error("field delimiters, quote, escape and comment characters have one byte each")]
    Character,
    /// Not one of the words possible there.
    #[error("this word is not possible there")]
    UnknownWord,
}

impl SelectRequest {
    /// Checks what the service demands of delimiters, and that XML can carry everything.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn check(&self) -> Result<(), SelectRequestError> {
        if self.expression.trim().is_empty() {
            return Err(SelectRequestError::EmptyExpression);
        }
        let input = match &self.input {
            InputFormat::Csv(csv) => (
                csv.record_delimiter.as_ref(),
                [
                    csv.field_delimiter,
                    csv.quote_character,
                    csv.quote_escape_character,
                    csv.comments,
                ],
            ),
            InputFormat::Json(_) => (None, [None; 4]),
        };
        let output = match &self.output {
            OutputFormat::Csv(csv) => (
                csv.record_delimiter.as_ref(),
                [
                    csv.field_delimiter,
                    csv.quote_character,
                    csv.quote_escape_character,
                    None,
                ],
            ),
            OutputFormat::Json(json) => (json.record_delimiter.as_ref(), [None; 4]),
        };
        let mut texts = self.expression.clone();
        for (record_delimiter, characters) in [input, output] {
            if record_delimiter.is_some_and(|delimiter| !(1..=2).contains(&delimiter.len())) {
                return Err(SelectRequestError::RecordDelimiter);
            }
            if characters.iter().flatten().any(|character| !character.is_ascii()) {
                return Err(SelectRequestError::Character);
            }
            texts.extend(record_delimiter.map(String::as_str));
            texts.extend(characters.iter().flatten());
        }
        let is_possible =
            |c: char| matches!(c, '\t' | '\n' | '\r') || c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}');
        match texts.chars().all(is_possible) {
            true => Ok(()),
            false => Err(SelectRequestError::ControlCharacter),
        }
    }

    /// Reads a `<SelectRequest>`.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, "SelectRequest")?;
        if !root.required("ExpressionType")?.eq_ignore_ascii_case("SQL") {
            return Err(bad(&root, "ExpressionType"));
        }
        let input = root
            .get("InputSerialization")
            .ok_or(XmlError::Missing("InputSerialization"))?;
        let output = root
            .get("OutputSerialization")
            .ok_or(XmlError::Missing("OutputSerialization"))?;
        let progress = root
            .get("RequestProgress")
            .map(|progress| progress.parsed("Enabled"));
        Ok(Self {
            expression: root.required("Expression")?.to_owned(),
            compression: input.parsed("CompressionType")?.unwrap_or(CompressionType::None),
            input: InputFormat::read(input)?,
            output: OutputFormat::read(output)?,
            progress: progress
                .transpose()?
                .flatten()
                .unwrap_or(RequestProgress::Disabled),
        })
    }

    /// The request as XML.
    #[must_use]
    pub fn to_element(&self) -> Element {
        let input = match &self.input {
            InputFormat::Csv(csv) => csv.to_element(),
            InputFormat::Json(json) => Element::new("JSON").leaf("Type", json.as_str()),
        };
        let output = match &self.output {
            OutputFormat::Csv(csv) => csv.to_element(),
            OutputFormat::Json(json) => {
                Element::new("JSON").maybe("RecordDelimiter", json.record_delimiter.as_ref())
            }
        };
        Element::new("SelectRequest")
            .leaf("Expression", &self.expression)
            .leaf("ExpressionType", "SQL")
            .child(
                Element::new("InputSerialization")
                    .leaf("CompressionType", self.compression.as_str())
                    .child(input),
            )
            .child(Element::new("OutputSerialization").child(output))
            .child(Element::new("RequestProgress").leaf("Enabled", self.progress.as_str()))
    }
}

impl InputFormat {
    fn read(container: &Element) -> Result<Self, XmlError> {
        match (container.get("CSV"), container.get("JSON")) {
            (Some(csv), None) => Ok(Self::Csv(CsvInput {
                file_header_info: csv.parsed("FileHeaderInfo")?,
                record_delimiter: delimiter(csv, "RecordDelimiter"),
                field_delimiter: character(csv, "FieldDelimiter")?,
                quote_character: character(csv, "QuoteCharacter")?,
                quote_escape_character: character(csv, "QuoteEscapeCharacter")?,
                comments: character(csv, "Comments")?,
                quoted_record_delimiters: csv.parsed("AllowQuotedRecordDelimiter")?,
            })),
            (None, Some(json)) => Ok(Self::Json(json.parsed("Type")?.ok_or(XmlError::Missing("Type"))?)),
            _ => Err(XmlError::Missing("CSV")),
        }
    }
}

impl OutputFormat {
    fn read(container: &Element) -> Result<Self, XmlError> {
        match (container.get("CSV"), container.get("JSON")) {
            (Some(csv), None) => Ok(Self::Csv(CsvOutput {
                quote_fields: csv.parsed("QuoteFields")?,
                record_delimiter: delimiter(csv, "RecordDelimiter"),
                field_delimiter: character(csv, "FieldDelimiter")?,
                quote_character: character(csv, "QuoteCharacter")?,
                quote_escape_character: character(csv, "QuoteEscapeCharacter")?,
            })),
            (None, Some(json)) => Ok(Self::Json(JsonOutput {
                record_delimiter: delimiter(json, "RecordDelimiter"),
            })),
            _ => Err(XmlError::Missing("CSV")),
        }
    }
}

impl CsvInput {
    fn to_element(&self) -> Element {
        Element::new("CSV")
            .maybe(
                "FileHeaderInfo",
                self.file_header_info.map(FileHeaderInfo::as_str),
            )
            .maybe("RecordDelimiter", self.record_delimiter.as_ref())
            .maybe("FieldDelimiter", self.field_delimiter)
            .maybe("QuoteCharacter", self.quote_character)
            .maybe("QuoteEscapeCharacter", self.quote_escape_character)
            .maybe("Comments", self.comments)
            .maybe(
                "AllowQuotedRecordDelimiter",
                self.quoted_record_delimiters.map(QuotedRecordDelimiters::as_str),
            )
    }
}

impl CsvOutput {
    fn to_element(&self) -> Element {
        Element::new("CSV")
            .maybe("QuoteFields", self.quote_fields.map(QuoteFields::as_str))
            .maybe("RecordDelimiter", self.record_delimiter.as_ref())
            .maybe("FieldDelimiter", self.field_delimiter)
            .maybe("QuoteCharacter", self.quote_character)
            .maybe("QuoteEscapeCharacter", self.quote_escape_character)
    }
}

impl From<CsvInput> for InputFormat {
    fn from(csv: CsvInput) -> Self {
        Self::Csv(csv)
    }
}

impl From<JsonInput> for InputFormat {
    fn from(json: JsonInput) -> Self {
        Self::Json(json)
    }
}

impl From<CsvOutput> for OutputFormat {
    fn from(csv: CsvOutput) -> Self {
        Self::Csv(csv)
    }
}

impl From<JsonOutput> for OutputFormat {
    fn from(json: JsonOutput) -> Self {
        Self::Json(json)
    }
}

/// Some clients write the two characters `\n` where they mean a line feed, as the service's documentation does.
fn delimiter(parent: &Element, name: &str) -> Option<String> {
    let text = parent.text_of(name)?;
    Some(
        text.replace("\\n", "\n")
            .replace("\\r", "\r")
            .replace("\\t", "\t"),
    )
}

fn character(parent: &Element, name: &str) -> Result<Option<char>, XmlError> {
    let Some(text) = delimiter(parent, name) else {
        return Ok(None);
    };
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => Ok(Some(character)),
        _ => Err(bad(parent, name)),
    }
}

fn bad(parent: &Element, name: &str) -> XmlError {
    XmlError::BadValue {
        name: name.to_owned(),
        value: parent
            .text_of(name)
            .unwrap_or_default()
            .chars()
            .take(80)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn csv() -> SelectRequest {
        SelectRequest {
            expression: "Select s.\"a\" from COSObject s where _1 < 'x & y'".into(),
            compression: CompressionType::Bzip2,
            input: InputFormat::Csv(CsvInput {
                file_header_info: Some(FileHeaderInfo::Use),
                record_delimiter: Some("\r\n".into()),
                field_delimiter: Some('\t'),
                quote_character: Some('"'),
                quote_escape_character: Some('\\'),
                comments: Some('#'),
                quoted_record_delimiters: Some(QuotedRecordDelimiters::Allow),
            }),
            output: OutputFormat::Csv(CsvOutput {
                quote_fields: Some(QuoteFields::Always),
                record_delimiter: Some("\n".into()),
                field_delimiter: Some(' '),
                quote_character: Some('<'),
                quote_escape_character: Some('&'),
            }),
            progress: RequestProgress::Enabled,
        }
    }

    #[test]
    fn every_option_is_written_and_read() {
        let request = csv();
        assert_eq!(request.check(), Ok(()));
        let document = request.to_element().to_document();
        assert!(
            document.contains("<AllowQuotedRecordDelimiter>TRUE</AllowQuotedRecordDelimiter>"),
            "{document}"
        );
        assert_eq!(SelectRequest::parse(document.as_bytes()).unwrap(), request);
        let json = SelectRequest {
            input: JsonInput::Lines.into(),
            output: JsonOutput {
                record_delimiter: Some(",".into()),
            }
            .into(),
            ..request
        };
        assert_eq!(
            SelectRequest::parse(json.to_element().to_document().as_bytes()).unwrap(),
            json
        );
    }

    #[test]
    fn the_documented_request() {
        let document = br#"<?xml version="1.0" encoding="UTF-8"?>
<SelectRequest>
    <Expression>Select * from COSObject</Expression>
    <ExpressionType>SQL</ExpressionType>
    <InputSerialization>
        <CompressionType>GZIP</CompressionType>
        <CSV>
            <FileHeaderInfo>IGNORE</FileHeaderInfo>
            <RecordDelimiter>\n</RecordDelimiter>
            <FieldDelimiter>,</FieldDelimiter>
            <AllowQuotedRecordDelimiter>false</AllowQuotedRecordDelimiter>
        </CSV>
    </InputSerialization>
    <OutputSerialization><JSON><RecordDelimiter>\r\n</RecordDelimiter></JSON></OutputSerialization>
</SelectRequest>"#;
        let read = SelectRequest::parse(document).unwrap();
        let InputFormat::Csv(csv) = &read.input else {
            panic!("{read:?}")
        };
        assert_eq!(
            (csv.record_delimiter.as_deref(), csv.field_delimiter),
            (Some("\n"), Some(','))
        );
        assert_eq!(csv.quoted_record_delimiters, Some(QuotedRecordDelimiters::Refuse));
        assert_eq!(
            read.output,
            JsonOutput {
                record_delimiter: Some("\r\n".into())
            }
            .into()
        );
        assert_eq!(
            (read.compression, read.progress),
            (CompressionType::Gzip, RequestProgress::Disabled)
        );
    }

    #[test]
    fn what_the_service_refuses_is_refused_here() {
        let check = |change: fn(&mut CsvInput)| {
            let mut request = csv();
            let InputFormat::Csv(csv) = &mut request.input else {
                unreachable!()
            };
            change(csv);
            request.check()
        };
        assert_eq!(
            check(|csv| csv.record_delimiter = Some("abc".into())),
            Err(SelectRequestError::RecordDelimiter)
        );
        assert_eq!(
            check(|csv| csv.record_delimiter = Some(String::new())),
            Err(SelectRequestError::RecordDelimiter)
        );
        assert_eq!(
            check(|csv| csv.field_delimiter = Some('é')),
            Err(SelectRequestError::Character)
        );
        assert_eq!(
            check(|csv| csv.comments = Some('\u{1}')),
            Err(SelectRequestError::ControlCharacter)
        );
        let empty = SelectRequest {
            expression: " ".into(),
            ..csv()
        };
        assert_eq!(empty.check(), Err(SelectRequestError::EmptyExpression));
        for bad in [
            "<SelectRequest/>",
            "<SelectRequest><Expression>x</Expression><ExpressionType>XPATH</ExpressionType></SelectRequest>",
        ] {
            assert!(SelectRequest::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn delimiters_survive(record in "[\t\n\r -~]{1,2}", field in "[\t\n\r -~]") {
            let mut request = csv();
            let InputFormat::Csv(csv) = &mut request.input else { unreachable!() };
            prop_assume!(!matches!(record.as_str(), "\\n" | "\\r" | "\\t"));
            csv.record_delimiter = Some(record);
            csv.field_delimiter = field.chars().next();
            let document = request.to_element().to_document();
            prop_assert_eq!(SelectRequest::parse(document.as_bytes()).unwrap(), request);
        }
    }
}
