//! `Content-MD5` of what is sent: given, computed, or left out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

use crate::body::Body;
use crate::checksum::content_md5;
use crate::error::{Error, invalid};
use crate::request::header_value;

#[derive(Debug)]
pub(super) enum ContentMd5 {
    None,
    Given(String),
    Computed,
}

impl ContentMd5 {
    /// The header for this body.
    pub(super) fn value(self, body: &Body) -> Result<Option<HeaderValue>, Error> {
        let value = match self {
            Self::None => return Ok(None),
            Self::Given(value) => match STANDARD.decode(&value) {
                Ok(digest) if digest.len() == 16 => value,
                _ => return Err(invalid("Content-MD5 is not the base64 of 16 bytes")),
            },
            Self::Computed => match body.as_bytes() {
                Some(bytes) => content_md5(bytes),
                None => return Err(invalid("the MD5 of a stream is not known before it is sent")),
            },
        };
        header_value("content-md5", &value).map(Some)
    }
}

/// The setters of every call that sends a body, over its field `md5`.
macro_rules! md5_setters {
    () => {
        /// Sends this `Content-MD5` (base64 of the binary digest); the service compares.
        pub fn content_md5(mut self, value: impl Into<String>) -> Self {
            self.md5 = $crate::object::md5::ContentMd5::Given(value.into());
            self
        }

        /// Computes and sends `Content-MD5`. Only for bodies in memory; the CRC-64 is compared without this.
        pub fn compute_md5(mut self) -> Self {
            self.md5 = $crate::object::md5::ContentMd5::Computed;
            self
        }
    };
}
pub(super) use md5_setters;
