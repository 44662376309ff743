//! SELECT Object Content.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};
use cos_transport::wire::select::{SelectFailure, SelectRequest};
use cos_transport::{BucketName, ObjectKey};
use futures_util::stream::unfold;
use http::{HeaderValue, Response, header};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::receive::{self, DocumentMd5};
use super::{Answer, describe, get};
use crate::error::{Code, Refusal};
use crate::inbound::RequestBody;
use crate::request::Head;
use crate::response::ResponseBody;
use crate::select::{self, Selection, Stop};
use crate::service::Service;
use crate::store::BodyReader;

/// Messages that wait to be sent.
const WAITING: usize = 4;

pub(super) async fn select(
    service: &Service,
    head: &Head,
    bucket: &BucketName,
    key: &ObjectKey,
    body: &mut RequestBody,
) -> Answer {
    let request = receive::document(head, body, DocumentMd5::Optional, SelectRequest::parse).await?;
    request
        .check()
        .map_err(|error| Refusal::new(Code::InvalidArgument, error.to_string()))?;
    let selection = Selection::parse(&request.expression).map_err(refusal)?;
    let version = get::version(head)?;
    let object = service
        .store
        .open_object(bucket.as_str(), key.as_str(), version)
        .await?;
    describe::require_readable(&object.record, service.clock.now())?;
    let length = object.record.content.length;
    let reader = Reading {
        runtime: Handle::current(),
        reader: object.body.reader(0..length),
        piece: Bytes::new(),
    };
    let (sender, messages) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || run(&request, &selection, reader, &sender));
    let messages = unfold(messages, |mut messages| async move {
        let message: Bytes = messages.recv().await?;
        Some((Ok(message), messages))
    });
    let mut response = Response::new(ResponseBody::stream(messages));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    Ok(response)
}

fn run(request: &SelectRequest, selection: &Selection, object: Reading, sender: &mpsc::Sender<Bytes>) {
    let send = |message: cos_transport::wire::select::Message| match message.encode() {
        Ok(bytes) => sender.blocking_send(bytes).map_err(|_| Stop::Gone),
        Err(error) => {
            tracing::error!(%error, "an event of a selection cannot be written");
            Err(Stop::Gone)
        }
    };
    if let Err(Stop::Failed(failure)) =
        select::run(request, selection, object, |event| send(event.to_message()))
    {
        // That nobody reads it is no matter.
        let _ = send(failure.to_message());
    }
}

/// An expression that cannot be understood is refused before anything is sent.
fn refusal(failure: SelectFailure) -> Refusal {
    let code = match failure.code.as_str() {
        "ParseUnexpectedToken" => Code::ParseUnexpectedToken,
        _ => Code::UnsupportedSqlStructure,
    };
    Refusal::new(code, failure.message)
}

/// Reads a body where blocking is allowed.
struct Reading {
    runtime: Handle,
    reader: BodyReader,
    piece: Bytes,
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            let next = self.runtime.block_on(self.reader.next());
            self.piece = next.map_err(io::Error::other)?.unwrap_or_default();
        }
        let length = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
