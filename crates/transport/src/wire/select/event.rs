//! The events of a selection, out of messages and into them.

use bytes::Bytes;

use super::message::{EventStreamError, Message, MessageDecoder};
use crate::wire::xml::{Element, XmlError};

const MESSAGE_TYPE: &str = ":message-type";
const EVENT_TYPE: &str = ":event-type";
const CONTENT_TYPE: &str = ":content-type";
const ERROR_CODE: &str = ":error-code";
const ERROR_MESSAGE: &str = ":error-message";

/// One event of a selection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectEvent {
    /// The next bytes of the result. Records are cut at arbitrary bytes.
    Records(Bytes),
    /// Keeps the connection alive.
    Continuation,
    /// How far the selection has come.
    Progress(SelectProgress),
    /// What the whole selection took.
    Stats(SelectProgress),
    /// The result is complete.
    End,
}

/// How much a selection has read and given, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SelectProgress {
    /// Of the object as stored, compressed or not.
    pub bytes_scanned: u64,
    /// Of the object's content, decompressed.
    pub bytes_processed: u64,
    /// Of the result.
    pub bytes_returned: u64,
}

/// A selection that failed on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectFailure {
    /// Such as `InternalError`.
    pub code: String,
    /// For people.
    pub message: String,
}

impl SelectEvent {
    /// The event as a message.
    #[must_use]
    pub fn to_message(&self) -> Message {
        let event = |name: &str, payload: Bytes| {
            Message::new(payload)
                .with_header(MESSAGE_TYPE, "event")
                .with_header(EVENT_TYPE, name)
        };
        let document = |name: &str, progress: &SelectProgress| {
            event(name, progress.to_element(name).to_document().into()).with_header(CONTENT_TYPE, "text/xml")
        };
        match self {
            Self::Records(bytes) => {
                event("Records", bytes.clone()).with_header(CONTENT_TYPE, "application/octet-stream")
            }
            Self::Continuation => event("Cont", Bytes::new()),
            Self::Progress(progress) => document("Progress", progress),
            Self::Stats(stats) => document("Stats", stats),
            Self::End => event("End", Bytes::new()),
        }
    }

    /// What a message says: an event, or that the selection failed.
    ///
    /// # Errors
    /// When it is neither.
    pub fn from_message(message: Message) -> Result<Result<Self, SelectFailure>, EventStreamError> {
        let text = |name| message.header(name).unwrap_or_default().to_owned();
        match message.header(MESSAGE_TYPE) {
            Some("event") => {}
            Some("error") => {
                return Ok(Err(SelectFailure {
                    code: text(ERROR_CODE),
                    message: text(ERROR_MESSAGE),
                }));
            }
            Some(other) => return Err(EventStreamError::Unknown(shown(other))),
            None => return Err(EventStreamError::Headers("the type of message is not stated")),
        }
        let event = match message.header(EVENT_TYPE) {
            Some("Records") => Self::Records(message.into_payload()),
            Some("Cont") => Self::Continuation,
            Some("Progress") => Self::Progress(SelectProgress::parse(message.payload(), "Progress")?),
            Some("Stats") => Self::Stats(SelectProgress::parse(message.payload(), "Stats")?),
            Some("End") => Self::End,
            Some(other) => return Err(EventStreamError::Unknown(shown(other))),
            None => return Err(EventStreamError::Headers("the type of event is not stated")),
        };
        Ok(Ok(event))
    }
}

impl SelectProgress {
    fn parse(document: &[u8], root: &'static str) -> Result<Self, XmlError> {
        let root = Element::parse_root(document, root)?;
        let number = |name| root.parsed(name).map(Option::unwrap_or_default);
        Ok(Self {
            bytes_scanned: number("BytesScanned")?,
            bytes_processed: number("BytesProcessed")?,
            bytes_returned: number("BytesReturned")?,
        })
    }

    fn to_element(self, name: &str) -> Element {
        Element::new(name)
            .leaf("BytesScanned", self.bytes_scanned)
            .leaf("BytesProcessed", self.bytes_processed)
            .leaf("BytesReturned", self.bytes_returned)
    }
}

impl SelectFailure {
    /// The failure as a message.
    #[must_use]
    pub fn to_message(&self) -> Message {
        Message::new(Bytes::new())
            .with_header(ERROR_CODE, &self.code)
            .with_header(ERROR_MESSAGE, &self.message)
            .with_header(MESSAGE_TYPE, "error")
    }
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Reads the events of one selection, and that they end as they should.
#[derive(Debug, Default)]
pub struct EventDecoder {
    messages: MessageDecoder,
    state: State,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Running,
    Ended,
}

impl EventDecoder {
    /// Takes in the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.messages.push(bytes);
    }

    /// The next event, when all of it has arrived.
    ///
    /// # Errors
    /// When the stream is malformed or goes on behind its end; what follows cannot be read then.
    pub fn next_event(&mut self) -> Result<Option<Result<SelectEvent, SelectFailure>>, EventStreamError> {
        if self.state == State::Ended {
            return match self.messages.is_empty() {
                true => Ok(None),
                false => Err(EventStreamError::BehindEnd),
            };
        }
        let Some(message) = self.messages.next_message()? else {
            return Ok(None);
        };
        let event = SelectEvent::from_message(message)?;
        if matches!(event, Ok(SelectEvent::End) | Err(_)) {
            self.state = State::Ended;
        }
        Ok(Some(event))
    }

    /// To be asked when no more bytes come.
    ///
    /// # Errors
    /// When the stream breaks off: without its end, or in the middle of a message.
    pub fn finish(&self) -> Result<(), EventStreamError> {
        match (&self.state, self.messages.is_empty()) {
            (State::Ended, true) => Ok(()),
            (State::Ended, false) => Err(EventStreamError::BehindEnd),
            (State::Running, _) => Err(EventStreamError::Unfinished),
        }
    }
}

#[cfg(test)]
mod tests;
