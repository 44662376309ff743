//! Header names as the service spells them. Some clients look them up by exact case, the official Python SDK first.
//!
//! hyper writes lower-case names unless a message carries the spellings that it recorded while parsing another one.
//! Their type is private to hyper, so one request that spells everything right is parsed once, and what hyper
//! recorded is attached to every answer. Names that are not listed (`x-cos-meta-*`) stay in lower case.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;

const SPELLINGS: [&str; 48] = [
    // Before Transfer-Encoding, which overrides it: so both are recorded.
    "Content-Length",
    "Transfer-Encoding",
    "Accept-Ranges",
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
    "Access-Control-Max-Age",
    "Age",
    "Allow",
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-MD5",
    "Content-Range",
    "Content-Type",
    "Date",
    "ETag",
    "Expires",
    "Last-Modified",
    "Location",
    "Retry-After",
    "Server",
    "Vary",
    "x-cos-acl",
    "x-cos-bucket-region",
    "x-cos-copy-source-version-id",
    "x-cos-delete-marker",
    "x-cos-expiration",
    "x-cos-grant-full-control",
    "x-cos-grant-read",
    "x-cos-hash-crc64ecma",
    "x-cos-next-append-position",
    "x-cos-object-type",
    "x-cos-replication-status",
    "x-cos-request-id",
    "x-cos-restore",
    "x-cos-restore-status",
    "x-cos-server-side-encryption",
    "x-cos-storage-class",
    "x-cos-storage-tier",
    "x-cos-tagging-count",
    "x-cos-trace-id",
    "x-cos-version-id",
    "x-cos-website-redirect-location",
    "Upgrade",
    // Last: after this header no other is read from the request.
    "Connection",
];

/// Gives the extensions that make hyper spell an answer's header names.
pub(crate) async fn record() -> io::Result<Extensions> {
    let (mut client, server) = tokio::io::duplex(16 * 1024);
    let recorded = Arc::new(Mutex::new(None));
    let keep = recorded.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        *keep.lock().unwrap_or_else(PoisonError::into_inner) = Some(request.into_parts().0.extensions);
        std::future::ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    let connection = http
        .preserve_header_case(true)
        .serve_connection(TokioIo::new(server), service);
    client.write_all(request().as_bytes()).await?;
    connection.await.map_err(io::Error::other)?;
    let extensions = recorded.lock().unwrap_or_else(PoisonError::into_inner).take();
    extensions.ok_or_else(|| io::Error::other("the request for header spellings was not parsed"))
}

fn request() -> String {
    let value = |name| match name {
        "Content-Length" => "0",
        "Transfer-Encoding" => "chunked",
        "Connection" => "close",
        _ => "-",
    };
    let lines: String = SPELLINGS
        .iter()
        .map(|name| format!("{name}: {}\r\n", value(name)))
        .collect();
    format!("GET / HTTP/1.1\r\n{lines}\r\n0\r\n\r\n")
}
