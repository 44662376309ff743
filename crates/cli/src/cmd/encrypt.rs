//! `encrypt`: seals a file without the service.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use cos_encryption::envelope::{Binding, Location, SealedEnvelope};
use cos_encryption::seal::{Sealer, SealingKey};
use cos_transport::{SendStream, read_pieces};
use futures_util::TryStreamExt as _;
use tokio_util::io::ReaderStream;

use super::Context;
use super::sink::Sink;
use crate::args::offline::Encrypt;
use crate::connect::key_ring;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files::stdin::PatientStdin;
use crate::files::target::Existing;
use crate::output::json;

const STDIN_PIECE: usize = 256 * 1024;

pub(super) async fn run(context: &Context, args: Encrypt) -> Result<Exit, Failure> {
    if args.output.as_os_str() == "-" && args.headers_out.as_os_str() == "-" {
        return Err(Failure::usage(
            "body and headers cannot both go to stdout",
            "name a file for one of them",
        ));
    }
    let keys = key_ring(&context.settings()?)?;
    let key = SealingKey::generate()?;
    // Bound to its key alone, so the bucket is not asked for.
    let location = Location {
        bucket: "",
        key: args.object.as_str(),
    };
    let envelope = SealedEnvelope::seal(&key, &keys, Binding::Key, location).await?;
    let headers = envelope.to_headers();
    let headers: BTreeMap<String, &str> = headers.wire().collect();
    let headers =
        json::to_line(&headers).map_err(|error| Failure::new(Exit::Failed, error.to_string()))? + "\n";

    let mut body = Sink::open(
        &args.output,
        args.object.as_str(),
        Existing::Refuse,
        context.output(),
    )?;
    let mut headers_out = Sink::open(
        &args.headers_out,
        "headers.json",
        Existing::Refuse,
        context.output(),
    )?;
    let mut sealer = Sealer::new(key);
    let reading = |error| Failure::file("read", &args.file, &error);
    let mut plain = open(&args.file).await.map_err(reading)?;
    while let Some(piece) = plain.try_next().await.map_err(reading)? {
        let mut sealed = Vec::with_capacity(piece.len());
        sealer.push(&piece, &mut sealed)?;
        body.write(sealed.into()).await?;
    }
    let mut last = Vec::new();
    sealer.finish(&mut last)?;
    body.write(last.into()).await?;
    headers_out.write(Bytes::from(headers)).await?;
    // The headers first: a body without them would be lost.
    headers_out.finish().await?;
    body.finish().await?;
    Ok(Exit::Done)
}

/// The bytes of a file or, for `-`, of stdin.
async fn open(path: &Path) -> std::io::Result<SendStream> {
    if path.as_os_str() == "-" {
        return Ok(Box::pin(ReaderStream::with_capacity(
            PatientStdin::new(),
            STDIN_PIECE,
        )));
    }
    Ok(Box::pin(read_pieces(tokio::fs::File::open(path).await?)))
}
