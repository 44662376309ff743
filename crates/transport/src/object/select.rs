//! `SELECT Object Content`: records out of an object, chosen by the service.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use jiff::Timestamp;

use super::head::{last_modified, stored_attributes, text};
use crate::attributes::ObjectAttributes;
use crate::body::ByteStream;
use crate::bucket::Bucket;
use crate::error::{Error, ServiceError, invalid};
use crate::name::ObjectKey;
use crate::request::Call;
use crate::types::ETag;
use crate::wire::select::{
    CompressionType, EventDecoder, InputFormat, OutputFormat, RequestProgress, SelectEvent, SelectRequest,
};

/// The version of the call that this is.
const SELECT_TYPE: u32 = 2;

impl Bucket {
    /// Selects records of an object in CSV or JSON by an SQL expression such as `Select * from COSObject`.
    ///
    /// ```no_run
    /// use cos_transport::wire::select::{CsvInput, FileHeaderInfo, JsonOutput};
    /// use futures_util::TryStreamExt;
    ///
    /// # async fn example(bucket: cos_transport::Bucket) -> Result<(), Box<dyn std::error::Error>> {
    /// let input = CsvInput { file_header_info: Some(FileHeaderInfo::Use), ..CsvInput::default() };
    /// let sql = "Select s.name from COSObject s where s.age > 41";
    /// let selection = bucket.select_object_content("people.csv".parse()?, sql, input, JsonOutput::default());
    /// let mut records = std::pin::pin!(selection.send().await?.events.records());
    /// while let Some(bytes) = records.try_next().await? {
    ///     print!("{}", String::from_utf8_lossy(&bytes));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The service offers this only where the bucket is part of the host name. Of an object that the client
    /// encrypted it sees nothing but noise.
    pub fn select_object_content(
        &self,
        key: ObjectKey,
        expression: impl Into<String>,
        input: impl Into<InputFormat>,
        output: impl Into<OutputFormat>,
    ) -> SelectObjectContent {
        SelectObjectContent {
            bucket: self.clone(),
            key,
            request: SelectRequest {
                expression: expression.into(),
                compression: CompressionType::None,
                input: input.into(),
                output: output.into(),
                progress: RequestProgress::Disabled,
            },
        }
    }
}

/// Selects records of an object. Begun by [`Bucket::select_object_content`].
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct SelectObjectContent {
    bucket: Bucket,
    key: ObjectKey,
    request: SelectRequest,
}

impl SelectObjectContent {
    /// How the object is compressed; not at all unless set.
    pub fn compression(mut self, compression: CompressionType) -> Self {
        self.request.compression = compression;
        self
    }

    /// Whether the stream tells its progress; not unless set.
    pub fn request_progress(mut self, progress: RequestProgress) -> Self {
        self.request.progress = progress;
        self
    }

    /// Asks; the events follow as a stream.
    ///
    /// # Errors
    /// Besides those of every request: an empty expression, and delimiters that the service does not take.
    pub async fn send(self) -> Result<SelectObjectContentOutput, Error> {
        self.request.check().map_err(|error| invalid(error.to_string()))?;
        let document = self.request.to_element().to_document();
        let mut call = Call::new(Method::POST, self.bucket.target(Some(&self.key))?)
            .param("select", "")
            .param("select-type", SELECT_TYPE)
            .with_body(document.into());
        call.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        let (head, body) = self.bucket.client().execute(call).await?.into_parts();
        let headers = &head.headers;
        let request_id = text(headers, "x-cos-request-id").unwrap_or_default();
        Ok(SelectObjectContentOutput {
            etag: text(headers, "etag").map(|etag| ETag::new(&etag)),
            last_modified: last_modified(headers),
            version_id: text(headers, "x-cos-version-id"),
            attributes: stored_attributes(headers)?,
            events: SelectEvents {
                body: Some(body),
                decoder: EventDecoder::default(),
                status: head.status,
                request_id: request_id.clone(),
            },
            request_id,
        })
    }
}

/// A selection that is arriving.
#[derive(Debug)]
#[non_exhaustive]
pub struct SelectObjectContentOutput {
    /// Its events.
    pub events: SelectEvents,
    /// The object's entity tag, when the service tells.
    pub etag: Option<ETag>,
    /// When the object was written, when the service tells.
    pub last_modified: Option<Timestamp>,
    /// The object's version, in a bucket with versions.
    pub version_id: Option<String>,
    /// What the answer says of the object's headers and user metadata.
    pub attributes: ObjectAttributes,
    /// Names the request for the service's support.
    pub request_id: String,
}

/// The events of a selection. The stream ends only behind [`SelectEvent::End`]; one that breaks off before, goes on
/// behind, or arrives changed is an error. Both CRC-32 of every message are checked before its event is given out.
pub struct SelectEvents {
    /// None once the stream is over.
    body: Option<ByteStream>,
    decoder: EventDecoder,
    status: StatusCode,
    request_id: String,
}

impl SelectEvents {
    /// The bytes of the result alone.
    pub fn records(self) -> impl Stream<Item = Result<Bytes, Error>> + Send {
        self.try_filter_map(|event| {
            std::future::ready(Ok(match event {
                SelectEvent::Records(bytes) if !bytes.is_empty() => Some(bytes),
                _ => None,
            }))
        })
    }

    /// The whole result in memory.
    ///
    /// # Errors
    /// Those of the stream, and a result of more than `limit` bytes.
    pub async fn collect(self, limit: usize) -> Result<Bytes, Error> {
        let mut records = std::pin::pin!(self.records());
        let mut all = BytesMut::new();
        while let Some(bytes) = records.try_next().await? {
            if all.len() + bytes.len() > limit {
                return Err(invalid(format!(
                    "the selection has more than the {limit} bytes that are wanted in memory"
                )));
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all.freeze())
    }

    /// The next event out of what has arrived.
    fn next_decoded(&mut self) -> Result<Option<SelectEvent>, Error> {
        match self.decoder.next_event()? {
            None => Ok(None),
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(failure)) => Err(Error::Service(Box::new(ServiceError {
                status: self.status,
                code: failure.code,
                message: failure.message,
                resource: String::new(),
                request_id: self.request_id.clone(),
                trace_id: String::new(),
                retry_after: None,
                region_hint: None,
                delete_marker: false,
            }))),
        }
    }
}

impl Stream for SelectEvents {
    type Item = Result<SelectEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.body.is_none() {
                return Poll::Ready(None);
            }
            match self.next_decoded() {
                Ok(Some(event)) => return Poll::Ready(Some(Ok(event))),
                Ok(None) => {}
                Err(error) => {
                    self.body = None;
                    return Poll::Ready(Some(Err(error)));
                }
            }
            let arrived = match self.body.as_mut() {
                Some(body) => ready!(body.poll_next_unpin(cx)),
                None => None,
            };
            match arrived {
                Some(Ok(bytes)) => self.decoder.push(&bytes),
                Some(Err(error)) => {
                    self.body = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    self.body = None;
                    return Poll::Ready(self.decoder.finish().err().map(|error| Err(error.into())));
                }
            }
        }
    }
}

impl fmt::Debug for SelectEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SelectEvents({})", self.status)
    }
}
