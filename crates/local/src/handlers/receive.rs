//! Bodies of requests: taken in, and checked against what their headers promise.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use cos_transport::wire::xml::{MAX_DOCUMENT, XmlError};
use http::header;
use http_body_util::BodyExt as _;
use md5::{Digest as _, Md5};

use crate::error::{Code, Refusal};
use crate::inbound::RequestBody;
use crate::request::Head;
use crate::service::Service;
use crate::store::{SINGLE_MAX, StagedBody};

/// A body that stands still for so long is given up.
const IDLE: Duration = Duration::from_secs(60);

/// Takes the body of an object or a part in.
pub(super) async fn body(
    service: &Service,
    head: &Head,
    body: &mut RequestBody,
) -> Result<StagedBody, Refusal> {
    let promised = Promised::of(head, SINGLE_MAX)?;
    let mut writer = service.store.receive();
    let mut received = 0;
    while let Some(bytes) = next(body, received, &promised).await? {
        received += bytes.len() as u64;
        if received > SINGLE_MAX {
            return Err(too_large());
        }
        writer.write(bytes).await?;
    }
    promised.check_length(received)?;
    let body = writer.finish().await?;
    promised.check_md5(body.md5)?;
    Ok(body)
}

/// Whether a document's Content-MD5 may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DocumentMd5 {
    Optional,
    Required,
}

/// Takes an XML document in and reads it.
pub(super) async fn document<T>(
    head: &Head,
    body: &mut RequestBody,
    md5: DocumentMd5,
    parse: impl FnOnce(&[u8]) -> Result<T, XmlError>,
) -> Result<T, Refusal> {
    let promised = Promised::of(head, MAX_DOCUMENT as u64)?;
    if md5 == DocumentMd5::Required && promised.md5.is_none() {
        return Err(Refusal::new(
            Code::InvalidRequest,
            "The request needs a Content-MD5.",
        ));
    }
    let mut document = Vec::new();
    while let Some(bytes) = next(body, document.len() as u64, &promised).await? {
        document.extend_from_slice(&bytes);
        if document.len() > MAX_DOCUMENT {
            return Err(too_large());
        }
    }
    promised.check_length(document.len() as u64)?;
    promised.check_md5(Md5::digest(&document).into())?;
    parse(&document).map_err(|error| Refusal::new(Code::MalformedXML, error.to_string()))
}

/// The next bytes of a body; nothing at the end.
async fn next(body: &mut RequestBody, received: u64, promised: &Promised) -> Result<Option<Bytes>, Refusal> {
    loop {
        match tokio::time::timeout(IDLE, body.frame()).await {
            Ok(None) => return Ok(None),
            Ok(Some(Ok(frame))) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
            Ok(Some(Err(error))) => {
                tracing::debug!(%error, received, "a body broke off");
                return Err(incomplete(received, promised.length));
            }
            Err(_) => {
                let message = "The body stood still for too long.";
                return Err(Refusal::new(Code::RequestTimeout, message));
            }
        }
    }
}

/// What the headers say of a body.
struct Promised {
    /// The Content-Length; none for a chunked body, which is taken as it comes.
    length: Option<u64>,
    md5: Option<[u8; 16]>,
}

impl Promised {
    fn of(head: &Head, longest: u64) -> Result<Promised, Refusal> {
        let length = match head.headers.contains_key(header::TRANSFER_ENCODING) {
            true => None,
            false => Some(content_length(head)?),
        };
        if length.is_some_and(|length| length > longest) {
            return Err(too_large());
        }
        Ok(Promised {
            length,
            md5: content_md5(head)?,
        })
    }

    fn check_length(&self, received: u64) -> Result<(), Refusal> {
        match self.length {
            Some(promised) if promised != received => Err(incomplete(received, self.length)),
            _ => Ok(()),
        }
    }

    fn check_md5(&self, received: [u8; 16]) -> Result<(), Refusal> {
        match self.md5 {
            Some(promised) if promised != received => Err(Refusal::new(
                Code::BadDigest,
                "The Content-MD5 is not the MD5 of the body that arrived.",
            )),
            _ => Ok(()),
        }
    }
}

fn content_length(head: &Head) -> Result<u64, Refusal> {
    let length = head
        .header("content-length")
        .and_then(|length| length.parse().ok());
    length.ok_or_else(|| Refusal::new(Code::MissingContentLength, "The request needs a Content-Length."))
}

fn content_md5(head: &Head) -> Result<Option<[u8; 16]>, Refusal> {
    let Some(value) = head.header("content-md5") else {
        return Ok(None);
    };
    let digest = BASE64
        .decode(value.as_bytes())
        .ok()
        .and_then(|digest| digest.try_into().ok());
    digest.map(Some).ok_or_else(|| {
        Refusal::new(
            Code::InvalidDigest,
            "The Content-MD5 is not the base64 of 16 bytes.",
        )
    })
}

fn incomplete(received: u64, promised: Option<u64>) -> Refusal {
    let promised = promised.map(|length| format!(" of {length}")).unwrap_or_default();
    Refusal::new(
        Code::IncompleteBody,
        format!("The body broke off after {received}{promised} bytes."),
    )
}

fn too_large() -> Refusal {
    Refusal::new(Code::EntityTooLarge, "The body is too long for this request.")
}
