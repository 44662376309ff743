//! `SELECT Object Content`: the request document, and the event stream that answers it.

mod event;
mod message;
mod request;

pub use event::{EventDecoder, SelectEvent, SelectFailure, SelectProgress};
pub use message::{EventStreamError, MAX_HEADERS, MAX_MESSAGE, Message, MessageDecoder};
pub use request::{
    CompressionType, CsvInput, CsvOutput, FileHeaderInfo, InputFormat, JsonInput, JsonOutput, OutputFormat,
    QuoteFields, QuotedRecordDelimiters, RequestProgress, SelectRequest, SelectRequestError,
};
