//! Records of a result as bytes.

use bytes::{BufMut as _, BytesMut};
use cos_transport::wire::select::{CsvOutput, OutputFormat, QuoteFields};
use serde_json::Value;

use super::expression::text;

/// Writes records in the form that was asked for.
pub(super) enum RowWriter<'r> {
    Csv(&'r CsvOutput),
    /// With what ends a record.
    Json(&'r str),
}

impl RowWriter<'_> {
    pub(super) fn of(output: &OutputFormat) -> RowWriter<'_> {
        match output {
            OutputFormat::Csv(csv) => RowWriter::Csv(csv),
            OutputFormat::Json(json) => RowWriter::Json(json.record_delimiter.as_deref().unwrap_or("\n")),
        }
    }

    pub(super) fn write(&self, columns: &[(&str, Value)], out: &mut BytesMut) {
        match self {
            RowWriter::Csv(csv) => write_csv(csv, columns, out),
            RowWriter::Json(delimiter) => {
                out.put_u8(b'{');
                for (index, (name, value)) in columns.iter().enumerate() {
                    if index > 0 {
                        out.put_u8(b',');
                    }
                    out.put_slice(Value::from(*name).to_string().as_bytes());
                    out.put_u8(b':');
                    out.put_slice(value.to_string().as_bytes());
                }
                out.put_u8(b'}');
                out.put_slice(delimiter.as_bytes());
            }
        }
    }
}

fn write_csv(csv: &CsvOutput, columns: &[(&str, Value)], out: &mut BytesMut) {
    let delimiter = csv.field_delimiter.unwrap_or(',');
    let end = csv.record_delimiter.as_deref().unwrap_or("\n");
    let quote = csv.quote_character.unwrap_or('"');
    let escape = csv.quote_escape_character.unwrap_or('"');
    let mut line = String::new();
    for (index, (_, value)) in columns.iter().enumerate() {
        if index > 0 {
            line.push(delimiter);
        }
        let field = text(value);
        let is_plain = !field.contains([delimiter, quote, '\n', '\r']) && !field.contains(end);
        if csv.quote_fields != Some(QuoteFields::Always) && is_plain {
            line.push_str(&field);
        } else {
            line.push(quote);
            for character in field.chars() {
                if character == quote || character == escape {
                    line.push(escape);
                }
                line.push(character);
            }
            line.push(quote);
        }
    }
    line.push_str(end);
    out.put_slice(line.as_bytes());
}
