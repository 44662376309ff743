//! The framing of the event stream: messages of headers and a payload, with a CRC-32 over the lengths and one over
//! everything. Lengths are checked before anything is kept, so memory is bounded whatever arrives.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use crc_fast::CrcAlgorithm;

use crate::wire::xml::XmlError;

/// The longest message that is read, in bytes.
pub const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// The longest headers of one message that are read, in bytes.
pub const MAX_HEADERS: usize = 128 * 1024;

/// Total length, length of the headers, CRC-32 of both.
const PRELUDE: usize = 12;
/// The prelude and the CRC-32 at the end.
const OVERHEAD: usize = PRELUDE + 4;
/// The only type of header value: a string.
const STRING: u8 = 7;

/// What is wrong with an event stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventStreamError {
    /// A message's lengths contradict each other or go beyond the limits.
    #[error("a message of the event stream states impossible lengths ({total} bytes, {headers} of headers)")]
    Length {
        /// Length of the whole message, in bytes.
        total: usize,
        /// Length of its headers, in bytes.
        headers: usize,
    },
    /// Bytes have changed on their way.
    #[error(
        "a message of the event stream has changed on its way (CRC-32 {computed:08x}, stated {stated:08x})"
    )]
    Crc {
        /// CRC-32 of what arrived.
        computed: u32,
        /// CRC-32 that the message states.
        stated: u32,
    },
    /// The headers cannot be taken apart.
    #[error("a message of the event stream has malformed headers: {0}")]
    Headers(&'static str),
    /// A type of message or event that the service does not document.
    #[error("the event stream holds {0:?}, which is no known kind of message")]
    Unknown(String),
    /// The document of a progress or statistics message.
    #[error("a message of the event stream cannot be read: {0}")]
    Xml(#[from] XmlError),
    /// Something behind the end.
    #[error("the event stream goes on behind its end")]
    BehindEnd,
    /// Nothing says that this is all.
    #[error("the event stream breaks off before its end; records may be missing")]
    Unfinished,
}

/// One message: headers and payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    headers: Vec<(String, String)>,
    payload: Bytes,
}

impl Message {
    /// A message without headers.
    #[must_use]
    pub fn new(payload: impl Into<Bytes>) -> Self {
        Self {
            headers: Vec::new(),
            payload: payload.into(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    pub(super) fn into_payload(self) -> Bytes {
        self.payload
    }

    /// The message as it is sent.
    ///
    /// # Errors
    /// [`EventStreamError::Length`] beyond the limits, and [`EventStreamError::Headers`] when a header's name has more
    /// than 255 bytes or its value more than 65535.
    pub fn encode(&self) -> Result<Bytes, EventStreamError> {
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            let name_len =
                u8::try_from(name.len()).map_err(|_| EventStreamError::Headers("a name is too long"))?;
            let value_len =
                u16::try_from(value.len()).map_err(|_| EventStreamError::Headers("a value is too long"))?;
            headers.put_u8(name_len);
            headers.put_slice(name.as_bytes());
            headers.put_u8(STRING);
            headers.put_u16(value_len);
            headers.put_slice(value.as_bytes());
        }
        let total = OVERHEAD + headers.len() + self.payload.len();
        let lengths = Lengths::new(total, headers.len())?;
        let mut out = BytesMut::with_capacity(total);
        out.put_u32(to_u32(lengths.total));
        out.put_u32(to_u32(lengths.headers));
        out.put_u32(crc32(&out));
        out.put_slice(&headers);
        out.put_slice(&self.payload);
        out.put_u32(crc32(&out));
        Ok(out.freeze())
    }
}

/// Takes an event stream apart, however it is cut into pieces.
#[derive(Debug, Default)]
pub struct MessageDecoder {
    buffer: BytesMut,
    /// Of the message at the buffer's beginning, once its prelude has been checked.
    lengths: Option<Lengths>,
}

impl MessageDecoder {
    /// Takes in the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message, when all of it has arrived.
    ///
    /// # Errors
    /// When it is malformed; what follows cannot be read then.
    pub fn next_message(&mut self) -> Result<Option<Message>, EventStreamError> {
        let lengths = match self.lengths {
            Some(lengths) => lengths,
            None if self.buffer.len() < PRELUDE => return Ok(None),
            None => {
                check_crc(&self.buffer[..PRELUDE])?;
                let mut prelude = &self.buffer[..PRELUDE];
                let lengths = Lengths::new(prelude.get_u32() as usize, prelude.get_u32() as usize)?;
                *self.lengths.insert(lengths)
            }
        };
        if self.buffer.len() < lengths.total {
            return Ok(None);
        }
        self.lengths = None;
        let mut message = self.buffer.split_to(lengths.total).freeze();
        check_crc(&message)?;
        message.truncate(lengths.total - 4);
        message.advance(PRELUDE);
        let headers = read_headers(message.split_to(lengths.headers))?;
        Ok(Some(Message {
            headers,
            payload: message,
        }))
    }

    /// True when no message is half read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }
}

/// The lengths of one message, found possible.
#[derive(Debug, Clone, Copy)]
struct Lengths {
    total: usize,
    headers: usize,
}

impl Lengths {
    fn new(total: usize, headers: usize) -> Result<Self, EventStreamError> {
        let fits = headers.checked_add(OVERHEAD).is_some_and(|least| least <= total);
        match fits && total <= MAX_MESSAGE && headers <= MAX_HEADERS {
            true => Ok(Self { total, headers }),
            false => Err(EventStreamError::Length { total, headers }),
        }
    }
}

/// A length below [`MAX_MESSAGE`].
fn to_u32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

fn read_headers(mut bytes: Bytes) -> Result<Vec<(String, String)>, EventStreamError> {
    let mut headers: Vec<(String, String)> = Vec::new();
    while bytes.has_remaining() {
        let name_len = usize::from(bytes.get_u8());
        let name = take_text(&mut bytes, name_len)?;
        if bytes.remaining() < 3 {
            return Err(EventStreamError::Headers("one ends in the middle"));
        }
        if bytes.get_u8() != STRING {
            return Err(EventStreamError::Headers("a value is not a string"));
        }
        let value_len = usize::from(bytes.get_u16());
        let value = take_text(&mut bytes, value_len)?;
        headers.push((name, value));
    }
    Ok(headers)
}

fn take_text(bytes: &mut Bytes, len: usize) -> Result<String, EventStreamError> {
    if bytes.remaining() < len {
        return Err(EventStreamError::Headers("one ends in the middle"));
    }
    String::from_utf8(bytes.split_to(len).to_vec()).map_err(|_| EventStreamError::Headers("one is not UTF-8"))
}

/// Compares the last four bytes with the CRC-32 of those before.
fn check_crc(bytes: &[u8]) -> Result<(), EventStreamError> {
    let (covered, mut stated) = bytes.split_at(bytes.len() - 4);
    let (computed, stated) = (crc32(covered), stated.get_u32());
    match computed == stated {
        true => Ok(()),
        false => Err(EventStreamError::Crc { computed, stated }),
    }
}

/// CRC-32 of IEEE 802.3, as in gzip.
#[allow(
    clippy::cast_possible_truncation,
    reason = "a CRC-32 has 32 bits, in whatever it is returned"
)]
fn crc32(bytes: &[u8]) -> u32 {
    crc_fast::checksum(CrcAlgorithm::Crc32IsoHdlc, bytes) as u32
}
