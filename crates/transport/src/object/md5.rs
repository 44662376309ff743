//! `Content-MD5` of what is sent: given, computed, or left out.

use std::future::Future;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt;
use http::HeaderValue;
use md5::{Digest, Md5};

use crate::body::Body;
use crate::error::{Error, invalid};
use crate::request::header_value;

#[derive(Debug)]
pub(super) enum ContentMd5 {
    None,
    Given(String),
    Computed,
}

impl ContentMd5 {
    /// The header for this body. A file is read for it once more.
    pub(super) fn value(
        self,
        body: &Body,
    ) -> impl Future<Output = Result<Option<HeaderValue>, Error>> + Send + use<> {
        // The body itself cannot be lent to a future that moves between threads.
        let again = match self {
            Self::Computed => body.try_clone(),
            Self::None | Self::Given(_) => None,
        };
        async move {
            let value = match (self, again) {
                (Self::None, _) => return Ok(None),
                (Self::Given(value), _) => match STANDARD.decode(&value) {
                    Ok(digest) if digest.len() == 16 => value,
                    _ => return Err(invalid("Content-MD5 is not the base64 of 16 bytes")),
                },
                (Self::Computed, Some(body)) => computed(body).await?,
                (Self::Computed, None) => {
                    return Err(invalid("the MD5 of a stream is not known before it is sent"));
                }
            };
            header_value("content-md5", &value).map(Some)
        }
    }
}

async fn computed(body: Body) -> Result<String, Error> {
    let mut pieces = body.into_stream();
    let mut digest = Md5::new();
    while let Some(piece) = pieces.try_next().await.map_err(Error::Source)? {
        digest.update(&piece);
    }
    Ok(STANDARD.encode(digest.finalize()))
}

/// The setters of every call that sends a body, over its field `md5`.
macro_rules! md5_setters {
    () => {
        /// Sends this `Content-MD5` (base64 of the binary digest); the service compares.
        pub fn content_md5(mut self, value: impl Into<String>) -> Self {
            self.md5 = $crate::object::md5::ContentMd5::Given(value.into());
            self
        }

        /// Computes and sends `Content-MD5`. Not for bodies from a stream; a file is read twice. The CRC-64 is compared without this.
        pub fn compute_md5(mut self) -> Self {
            self.md5 = $crate::object::md5::ContentMd5::Computed;
            self
        }
    };
}
pub(super) use md5_setters;
